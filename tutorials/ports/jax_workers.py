"""The Lai loss of a batch that is spread over devices, with `shard_map`.

On one machine `jax_num_cpu_devices` makes several devices of the processor. All shards must have
one length: shorter ones are filled up with rows that `real`, a mask, leaves out of every mean.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from .jax_backend import KIND, network
from .jax_lai import batch_loss, lai_loss


def mean_over_devices(a, real):
    """The mean of a (n, …) over the samples of all devices that are `real` (n,)."""
    mine = jnp.where(real.reshape(-1, *[1] * (a.ndim - 1)), a, 0).sum(axis=0)
    return jax.lax.psum(mine, "devices") / jax.lax.psum(real.sum(), "devices")


def sharded_loss(f, params, x, t, lai_rows, real, *, mesh, loss, order=2):
    """`batch_loss` of a batch (W · n, …) that goes to the W devices of a mesh, n rows each."""

    def on_one_device(params, x, t, lai_rows, real):
        mean = partial(mean_over_devices, real=real)
        return batch_loss(f, params, x, t, lai_rows, loss=loss, order=order, mean=mean)

    rows = P("devices")
    spread = jax.shard_map(
        on_one_device, mesh=mesh, in_specs=(P(), rows, rows, rows, rows), out_specs=P()
    )
    return spread(params, x, t, lai_rows, real)


def filled_up(a, shards):
    """The shards of a (N, …), one after the other, each filled up to the longest with row 0."""
    longest = max(map(len, shards))
    rows = [np.concatenate([shard, np.zeros(longest - len(shard), int)]) for shard in shards]
    return a[np.concatenate(rows).astype(int)]


class DevicesBackend:
    def sharded_gradient(self, *, sizes, activation, theta, x, t, loss, shards):
        longest = max(map(len, shards))
        real = np.concatenate([np.arange(longest) < len(shard) for shard in shards])
        lai_rows = np.ones(len(real), bool) if loss["name"] == "lai" else None
        kind = {key: value for key, value in loss.items() if key in (*KIND, "lam")}
        value = partial(
            sharded_loss,
            partial(network, tuple(sizes), activation),
            x=filled_up(x, shards),
            t=filled_up(t, shards),
            lai_rows=lai_rows,
            real=real,
            mesh=Mesh(jax.devices()[: len(shards)], ("devices",)),
            loss=partial(lai_loss, **kind),
            order=loss["order"],
        )
        return jax.jit(jax.value_and_grad(value))(theta)
