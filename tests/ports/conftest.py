"""The programs that the tests start: they import what may be missing."""

collect_ignore = ["dying_worker.py", "jax_devices.py", "torch_workers.py"]
