"""The Lai loss in data parallel training over devices, with `shard_map`.

The setting `jax_num_cpu_devices` splits one CPU into several devices. All shards must have the same
length: `pad_shards` pads the shorter ones, and `valid_mask` excludes the padding from every mean.

    mesh = Mesh(jax.devices(), ("devices",))
    value = partial(sharded_loss, f, mesh=mesh, loss=partial(lai_loss, lam=0.1))
    grad = jax.jit(jax.grad(value))  # without jit each call would compile everything again
    rows, valid_mask = pad_shards(np.array_split(batch, len(jax.devices())))
    grads = grad(params, x[rows], t[rows], lai_mask, valid_mask)
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from .jax_lai_training import batch_loss


def mean_over_devices(a, valid_mask):
    """The mean of a (n, …) over the samples of all devices that are in `valid_mask` (n,)."""
    valid_mask = valid_mask.astype(bool)
    local_sum = jnp.where(valid_mask.reshape(-1, *[1] * (a.ndim - 1)), a, 0).sum(axis=0)
    return jax.lax.psum(local_sum, "devices") / jax.lax.psum(valid_mask.sum(), "devices")


def sharded_loss(f, params, x, t, lai_mask, valid_mask, *others, mesh, loss, order=None):
    """`batch_loss` of a batch (W · n, …) that is split over the W devices of `mesh`."""

    def on_one_device(params, x, t, lai_mask, valid_mask, *others):
        mean = partial(mean_over_devices, valid_mask=valid_mask)
        return batch_loss(f, params, x, t, lai_mask, *others, loss=loss, order=order, mean=mean)

    rows = P("devices")
    given = x, t, lai_mask, valid_mask, *others
    in_specs = P(), *(rows for _ in given)
    spread = jax.shard_map(on_one_device, mesh=mesh, in_specs=in_specs, out_specs=P())
    return spread(params, *given)


def pad_shards(shards, length=None):
    """The indices of all shards, each padded to `length` with index 0; and their `valid_mask`."""
    length = length or max(map(len, shards))
    rows = [np.pad(np.asarray(shard, int), (0, length - len(shard))) for shard in shards]
    valid_mask = [np.arange(length) < len(shard) for shard in shards]
    return np.concatenate(rows), np.concatenate(valid_mask)
