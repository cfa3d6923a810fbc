"""Adapter of the JAX port to the oracle (`lai_ref.oracle.Backend`): arrays in, arrays out.

    oracle.check(JaxBackend(), "float32")
    oracle.check(JaxBackend(jit=True), "float32")

For float64, set `jax_enable_x64` first.
"""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from .jax_lai import check, lai_factor, lai_loss, with_input_gradient
from .jax_lai_training import adam_step, batch_loss

ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
}
KIND = ("order", "l1_ratio", "reduction")


def network(sizes, activation, theta, x):
    """The oracle's network for one sample x (D,); θ (P,) holds per layer W, then b."""
    a, rest = x, theta
    for rows, columns in pairwise(sizes):
        W, b, rest = jnp.split(rest, [rows * columns, (rows + 1) * columns])
        z = a @ W.reshape(rows, columns) + b
        a = ACTIVATIONS[activation](z)
    return z[0]


def factor(k, lam, order):
    F, pull = jax.vjp(lambda k: lai_factor(k, lam, order), k)
    return F, pull(jnp.ones_like(F))[0]


def loss(y, t, k, lam, **kind):
    of_y_and_k = jax.value_and_grad(lambda y, k: lai_loss(y, t, k, lam=lam, **kind), argnums=(0, 1))
    value, (dy, dk) = of_y_and_k(y, k)
    return value, dy, dk


def input_gradient(theta, x, sizes, activation):
    return with_input_gradient(partial(network, sizes, activation), theta, x)


def param_gradient(theta, x, t, lai_mask, lam, sizes, activation, plain, **kind):
    f, lai = partial(network, sizes, activation), partial(lai_loss, lam=lam, **kind)
    value = partial(batch_loss, f, x=x, t=t, lai_mask=lai_mask, loss=lai, order=plain)
    return jax.value_and_grad(value)(theta)


class JaxBackend:
    def __init__(self, jit=False):
        def wrap(f, *static):
            return jax.jit(f, static_argnames=static) if jit else f

        net = ("sizes", "activation")
        self._factor, self._loss = wrap(factor, "order"), wrap(loss, *KIND)
        self._input_gradient = wrap(input_gradient, *net)
        self._param_gradient = wrap(param_gradient, *net, "plain", *KIND)
        self._adam_step = wrap(adam_step)

    def factor(self, *, k, lam, order):
        check(k, lam, order)  # compiled code cannot check values
        return self._factor(jnp.asarray(k), lam, order)

    def loss(self, *, y, t, k, lam, **kind):
        check(k, lam, kind["order"])
        return self._loss(y, t, k, lam, **kind)

    def input_gradient(self, *, sizes, activation, theta, x):
        return self._input_gradient(theta, x, tuple(sizes), activation)

    def param_gradient(self, *, sizes, activation, theta, x, t, loss):
        lai_mask = np.ones(len(t), bool) if loss["name"] == "lai" else None
        return self._gradient(sizes, activation, theta, x, t, lai_mask, loss["order"], loss)

    def adam_step(self, *, theta, grad, t, m, v, **constants):
        theta, (_, m, v) = self._adam_step(theta, grad, (t, m, v), **constants)
        return theta, m, v

    def train(
        self, *, sizes, activation, theta, m, v, step, x, t, plain, loss, batches, **constants
    ):  # fmt: skip
        state, thetas = (step, m, v), []
        for rows, lai_rows in batches:
            lai_mask = np.isin(rows, lai_rows) if len(lai_rows) else None
            batch = x[rows], t[rows], lai_mask
            _, grad = self._gradient(sizes, activation, theta, *batch, plain, loss)
            theta, state = self._adam_step(theta, grad, state, **constants)
            thetas.append(theta)
        return np.array(thetas)

    def _gradient(self, sizes, activation, theta, x, t, lai_mask, plain, loss):
        kind = {key: value for key, value in loss.items() if key in KIND}
        net = {"sizes": tuple(sizes), "activation": activation}
        lam = loss.get("lam")
        return self._param_gradient(theta, x, t, lai_mask, lam, **net, plain=plain, **kind)
