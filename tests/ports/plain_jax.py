"""A plain port to JAX: the formulas as written, differentiated by `jax.grad`.

It imports nothing from `lai_ref`. It is accurate only for ordinary magnitudes: |k| below 1e3, |e|
far below 1e12. The forms differ in how max(|k|^p, λ) is written. For float64, enable x64 first:
`jax.config.update("jax_enable_x64", True)`.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

Tensor: TypeAlias = Any  # jax.Array
Params: TypeAlias = Any  # a list of pairs (W, b)

FORMS = ("maximum", "clip", "where")
ACTIVATIONS: dict[str, Any] = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
}


class PlainJax:
    """A port with all groups of the oracle; wrong_jax.py overrides one method at a time."""

    activations = ACTIVATIONS

    def __init__(self, form: str = "maximum") -> None:
        if form not in FORMS:
            raise ValueError(f"form: expected one of {FORMS}, got {form!r}")
        self.form = form

    # the formulas

    def larger(self, power: Tensor, lam: Any) -> Tensor:
        """max(|k|^p, λ)."""
        if self.form == "maximum":
            return jnp.maximum(power, lam)
        if self.form == "clip":
            return jnp.clip(power, min=lam)
        return jnp.where(power > lam, power, lam)

    def lai_factor(self, k: Tensor, lam: Any, order: int) -> Tensor:
        """F_p(k; λ), with the shape of k."""
        lam = jnp.asarray(lam, dtype=k.dtype)
        top = self.larger(jnp.abs(k) ** order, lam)
        return top / (1 + k**2) ** (order / 2) / jnp.minimum(lam, 1)

    def residual_power(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        """|y − t|^p per sample."""
        return jnp.abs(y - t) ** order

    def plain_loss(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        """mean |y − t|^p, for y and t (N,)."""
        return self.residual_power(y, t, order).mean()

    def norm2(self, c: Tensor) -> Tensor:
        """‖c‖₂ over the last axis; the gradient at the zero vector is 0."""
        square = jnp.sum(c**2, axis=-1)
        is_zero = square == 0
        return jnp.where(is_zero, 0, jnp.sqrt(jnp.where(is_zero, 1, square)))

    def norm(self, c: Tensor, l1_ratio: float) -> Tensor:
        """(1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis."""
        return (1 - l1_ratio) * self.norm2(c) + l1_ratio * jnp.abs(c).sum(axis=-1)

    def reduce(self, ell: Tensor, l1_ratio: float, reduction: str) -> Tensor:
        """From ℓ (N, D) to one number."""
        if reduction == "batch":
            return self.norm(ell.mean(axis=0), l1_ratio)
        return self.norm(ell, l1_ratio).mean()

    def lai_loss(
        self, y: Tensor, t: Tensor, k: Tensor, *,
        lam: Any, order: int, l1_ratio: float, reduction: str,
    ) -> Tensor:  # fmt: skip
        """The Lai loss of y, t (N,) and k (N, D)."""
        error = self.residual_power(y, t, order)
        ell = error[:, None] * self.lai_factor(k, lam, order)
        return self.reduce(ell, l1_ratio, reduction)

    # the network

    def unflatten(self, sizes: list[int], theta: Any) -> Params:
        """θ as one pair (W, b) per layer."""
        params, start = [], 0
        for fan_in, fan_out in pairwise(sizes):
            middle, end = start + fan_in * fan_out, start + (fan_in + 1) * fan_out
            params.append((theta[start:middle].reshape(fan_in, fan_out), theta[middle:end]))
            start = end
        return params

    def flatten(self, params: Params) -> Any:
        """The inverse of `unflatten`."""
        return jnp.concatenate([a.reshape(-1) for layer in params for a in layer])

    def predict(self, activation: str, params: Params, x: Tensor) -> Tensor:
        """y of one sample x (D,), a number."""
        a, f = x, self.activations[activation]
        for w, b in params[:-1]:
            a = f(a @ w + b)
        w, b = params[-1]
        return (a @ w + b)[0]

    def with_input_gradient(
        self, activation: str, params: Params, x: Tensor
    ) -> tuple[Tensor, Tensor]:
        """y (N,) and k = ∂y/∂x (N, D)."""
        f = partial(self.predict, activation, params)
        return jax.vmap(f)(x), jax.vmap(jax.grad(f))(x)

    def objective(
        self, params: Params, activation: str, x: Tensor, t: Tensor, loss: dict[str, Any]
    ) -> Tensor:
        """The plain or the Lai loss of the network on one batch."""
        if loss["name"] == "plain":
            y = jax.vmap(partial(self.predict, activation, params))(x)
            return self.plain_loss(y, t, loss["order"])
        y, k = self.with_input_gradient(activation, params, x)
        return self.lai_loss(y, t, k, **{key: loss[key] for key in loss if key != "name"})

    def mixed_objective(
        self, params: Params, activation: str, x: Tensor, t: Tensor,
        is_lai: Any, plain: int, loss: dict[str, Any],
    ) -> Tensor:  # fmt: skip
        """(n_plain · plain + n_lai · lai)/n, each over its own samples."""
        total = jnp.zeros((), x.dtype)
        for mask, kind in ((~is_lai, {"name": "plain", "order": plain}), (is_lai, loss)):
            if mask.any():
                value = self.objective(params, activation, x[mask], t[mask], kind)
                total = total + int(mask.sum()) * value
        return total / len(x)

    def adam(
        self, theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, t: int, *,
        lr: float, beta1: float, beta2: float, eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        """θ, m and v after step t."""
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return theta - lr * m_hat / (jnp.sqrt(v_hat) + eps), m, v

    # what the oracle calls

    def factor(self, *, k: Any, lam: float, order: int) -> Any:
        check(order, lam, k)
        value = self.lai_factor(jnp.asarray(k), lam, order)
        derivative = jax.vmap(jax.grad(lambda k_i: self.lai_factor(k_i, lam, order)))
        return value, derivative(jnp.asarray(k))

    def loss(self, *, y: Any, t: Any, k: Any, **loss: Any) -> Any:
        check(loss["order"], loss["lam"], y, t, k)
        check_loss(y, t, k, **loss)
        value_and_grad = jax.value_and_grad(partial(self.lai_loss, **loss), argnums=(0, 2))
        value, (dy, dk) = value_and_grad(*map(jnp.asarray, (y, t, k)))
        return value, dy, dk

    def input_gradient(self, *, sizes: list[int], activation: str, theta: Any, x: Any) -> Any:
        params = self.unflatten(sizes, jnp.asarray(theta))
        return self.with_input_gradient(activation, params, jnp.asarray(x))

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any, t: Any, loss: dict[str, Any]
    ) -> Any:
        params = self.unflatten(sizes, jnp.asarray(theta))
        value, grads = jax.value_and_grad(self.objective)(
            params, activation, jnp.asarray(x), jnp.asarray(t), loss
        )
        return value, self.flatten(grads)

    def adam_step(
        self, *, theta: Any, grad: Any, t: int, m: Any, v: Any, **constants: float
    ) -> Any:
        theta, grad, m, v = map(jnp.asarray, (theta, grad, m, v))
        return self.adam(theta, grad, m, v, t + 1, **constants)

    def train(
        self, *, sizes: list[int], activation: str, theta: Any, m: Any, v: Any, step: int,
        x: Any, t: Any, plain: int, loss: dict[str, Any], batches: Any, **constants: float,
    ) -> Any:  # fmt: skip
        theta, m, v, x, t = map(jnp.asarray, (theta, m, v, x, t))
        thetas = []
        for rows, lai_rows in batches:
            step += 1
            grads = jax.grad(self.mixed_objective)(
                self.unflatten(sizes, theta), activation, x[rows], t[rows],
                np.isin(rows, lai_rows), plain, loss,
            )  # fmt: skip
            theta, m, v = self.adam(theta, self.flatten(grads), m, v, step, **constants)
            thetas.append(theta)
        return jnp.stack(thetas)

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        rows = np.concatenate(shards)
        return self.param_gradient(x=x[rows], t=t[rows], **rest)


def check(order: int, lam: Any, *arrays: Any) -> None:
    """Raise ValueError for arguments for which F is not defined."""
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order}")
    if not (np.isfinite(lam).all() and np.all(np.asarray(lam) > 0)):
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    for array in arrays:
        if len(array) == 0 or not np.isfinite(array).all():
            raise ValueError("expected at least one sample and finite numbers")


def check_loss(
    y: Any, t: Any, k: Any, *, lam: Any, order: int, l1_ratio: float, reduction: str
) -> None:
    """Raise ValueError for other arguments for which the loss is not defined."""
    if not (math.isfinite(l1_ratio) and 0 <= l1_ratio <= 1):
        raise ValueError(f"l1_ratio: expected 0 to 1, got {l1_ratio}")
    if reduction not in ("batch", "sample"):
        raise ValueError(f"reduction: expected 'batch' or 'sample', got {reduction!r}")
    if not np.shape(y) == np.shape(t) == np.shape(k)[:1] or np.ndim(k) != 2:
        raise ValueError(f"expected (N,), (N,), (N, D), got {y.shape}, {t.shape}, {k.shape}")
    if np.shape(lam) not in ((), np.shape(k)[1:]):
        raise ValueError(f"lam: expected one number or D, got shape {np.shape(lam)}")
