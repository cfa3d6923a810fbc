"""What test_jax_workers.py runs in a process of its own, with three devices: all questions."""

import sys

import jax

from tests.ports.sharding import answers, reports, write

if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 3)
    jax.config.update("jax_enable_x64", True)
    from tutorials.ports.jax_workers import DevicesBackend

    backend = DevicesBackend()
    found = {"reports": reports(backend), "answers": answers(backend.sharded_gradient)}
    write(sys.argv[1], {"devices": len(jax.devices()), **found})
