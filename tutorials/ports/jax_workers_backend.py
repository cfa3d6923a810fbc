"""Adapter to the oracle for data parallel JAX: each device has one shard."""

from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from .jax_backend import KIND, network
from .jax_lai import lai_loss
from .jax_workers import pad_shards, sharded_loss


class DevicesBackend:
    """The port for `oracle.check`; a device without a shard gets padding only."""

    def __init__(self):
        def gradient(theta, x, t, lai_mask, valid_mask, lam, *, sizes, activation, order, **kind):
            f, loss = partial(network, sizes, activation), partial(lai_loss, lam=lam, order=order)
            mesh, loss = Mesh(jax.devices(), ("devices",)), partial(loss, **kind)
            value = partial(sharded_loss, f, mesh=mesh, loss=loss, order=order)
            return jax.value_and_grad(value)(theta, x, t, lai_mask, valid_mask)

        self._gradient = jax.jit(gradient, static_argnames=("sizes", "activation", *KIND))

    def sharded_gradient(self, *, sizes, activation, theta, x, t, loss, shards):
        shards = [*shards, *[[]] * (len(jax.devices()) - len(shards))]
        rows, valid_mask = pad_shards(shards, len(x))  # one shape, so compiled once
        lai_mask = np.ones(len(rows), bool) if loss["name"] == "lai" else None
        net = {"sizes": tuple(sizes), "activation": activation}
        kind = {key: loss[key] for key in KIND if key in loss}
        lam = loss.get("lam")
        return self._gradient(theta, x[rows], t[rows], lai_mask, valid_mask, lam, **net, **kind)
