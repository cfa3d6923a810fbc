"""The Lai loss of a batch that is spread over devices, with `shard_map`.

On one machine `jax_num_cpu_devices` makes several devices of the processor. All shards must have
one length: shorter ones are padded with rows that `valid_mask` leaves out of every mean.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from .jax_lai_training import batch_loss


def mean_over_devices(a, valid_mask):
    """The mean of a (n, …) over the samples of all devices that are in `valid_mask` (n,)."""
    local_sum = jnp.where(valid_mask.reshape(-1, *[1] * (a.ndim - 1)), a, 0).sum(axis=0)
    return jax.lax.psum(local_sum, "devices") / jax.lax.psum(valid_mask.sum(), "devices")


def sharded_loss(f, params, x, t, lai_mask, valid_mask, *, mesh, loss, order=2):
    """`batch_loss` of a batch (W · n, …) that goes to the W devices of a mesh, n rows each."""

    def on_one_device(params, x, t, lai_mask, valid_mask):
        mean = partial(mean_over_devices, valid_mask=valid_mask)
        return batch_loss(f, params, x, t, lai_mask, loss=loss, order=order, mean=mean)

    rows = P("devices")
    spread = jax.shard_map(
        on_one_device, mesh=mesh, in_specs=(P(), rows, rows, rows, rows), out_specs=P()
    )
    return spread(params, x, t, lai_mask, valid_mask)


def pad_shards(shards, length=None):
    """The rows of all shards, each padded to `length` with row 0; and their `valid_mask`."""
    length = length or max(map(len, shards))
    rows = [np.pad(np.asarray(shard, int), (0, length - len(shard))) for shard in shards]
    valid_mask = [np.arange(length) < len(shard) for shard in shards]
    return np.concatenate(rows), np.concatenate(valid_mask)
