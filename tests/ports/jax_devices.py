"""The program that test_jax_workers.py runs in a process of its own, with three devices."""

import sys
from functools import partial

import jax
import numpy as np

from tests.ports.sharding import answers, questions, reports, write


def hessians() -> dict[str, list[float]]:
    """The Hessian times the gradient of the loss of a batch, over the devices and on one device."""
    from jax.sharding import Mesh

    from tutorials.ports.jax_backend import network
    from tutorials.ports.jax_lai import lai_loss
    from tutorials.ports.jax_lai_training import batch_loss
    from tutorials.ports.jax_workers import pad_shards, sharded_loss

    question = next(each for name, each in questions() if name == "batch, unequal")
    theta, x, t = (question[name] for name in ("theta", "x", "t"))
    f, loss = partial(network, tuple(question["sizes"]), "tanh"), partial(lai_loss, lam=0.1)
    rows, valid = pad_shards(question["shards"])
    mesh = Mesh(jax.devices(), ("devices",))
    spread = {"lai_mask": np.ones(len(rows), bool), "valid_mask": valid, "mesh": mesh}
    values = {
        "spread": partial(sharded_loss, f, x=x[rows], t=t[rows], loss=loss, **spread),
        "whole": partial(batch_loss, f, x=x, t=t, lai_mask=np.ones(len(x), bool), loss=loss),
    }
    found = {}
    for name, value in values.items():
        gradient = jax.grad(value)
        product = jax.jit(lambda theta, g=gradient: jax.jvp(g, (theta,), (g(theta),))[1])
        found[name] = np.asarray(product(theta)).tolist()
    return found


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 3)
    jax.config.update("jax_enable_x64", True)
    from tutorials.ports.jax_workers_backend import DevicesBackend

    backend = DevicesBackend()
    found = {"reports": reports(backend), "answers": answers(backend.sharded_gradient)}
    found |= {"hessians": hessians()}
    write(sys.argv[1], {"devices": len(jax.devices()), **found})
