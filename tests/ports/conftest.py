"""The modules that import torch or jax at the top: pytest looks for examples in all others."""

collect_ignore = ["dying_worker.py", "jax_devices.py", "torch_workers.py"]
collect_ignore_glob = ["plain_*.py", "wrong_*.py"]
