"""A port of the Lai loss in plain NumPy, imports nothing from `lai_ref`.

It is written the way a careful user would write it: the factor is
max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1) in that order of operations, and one method per step.
It is correct at ordinary values and not protected against overflow, underflow or cancellation.
`wrong_ports` overrides single methods of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any  # np.ndarray; ufuncs return Any, which strict mypy would flag everywhere
Layers: TypeAlias = list[tuple[Array, Array]]  # (W, b) of each layer, W (fan_in, fan_out)
LossSpec: TypeAlias = dict[str, Any]


@dataclass
class Pass:
    """What the forward pass and the input gradient store for the backward pass."""

    layers: Layers
    a: list[Array]  # x, a_1 … a_(L−1)
    z: list[Array]  # z_1 … z_(L−1)
    u: list[Array]  # v_l ⊙ f'(z_l)
    v: list[Array]  # ∂y/∂a_l, l = 1 … L−1


def sigmoid(z: Array) -> Array:
    return np.exp(-np.logaddexp(0, -z))


class NumpyPort:
    """All methods of `lai_ref.oracle.Backend`."""

    # Factor

    def F(self, k: Array, lam: Array, order: int) -> Array:
        return np.maximum(np.abs(k) ** order, lam) / (1 + k**2) ** (order / 2) / np.minimum(lam, 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        rising = np.abs(k) ** (order - 1) * np.sign(k)
        falling = -lam * k
        chosen = np.where(np.abs(k) ** order >= lam, rising, falling)
        return order * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)

    def factor(self, *, k: Array, lam: Array, order: int) -> tuple[Array, Array]:
        lam = self.checked_lam(lam, np.shape(k)[1:])
        self.check_order(order)
        k = self.finite(k)
        return self.F(k, lam, order), self.dF(k, lam, order)

    # Validation

    def checked_lam(self, lam: Array, features: tuple[int, ...]) -> Array:
        lam = np.asarray(lam)
        if lam.shape not in ((), features) or not np.all((lam > 0) & np.isfinite(lam)):
            raise ValueError(f"lam: expected positive numbers, one or one per feature, got {lam}")
        return lam if lam.ndim else lam.item()

    def check_order(self, order: int) -> None:
        if order not in (1, 2):
            raise ValueError(f"order: expected 1 or 2, got {order}")

    def finite(self, a: Array) -> Array:
        a = np.asarray(a)
        if not np.all(np.isfinite(a)):
            raise ValueError("expected finite numbers")
        return a

    def check_batch(self, y: Array, t: Array, k: Array, l1_ratio: float, reduction: str) -> None:
        if y.ndim != 1 or k.ndim != 2 or not len(y) == len(t) == len(k) > 0:
            raise ValueError(f"expected (N,), (N,), (N, D), got {y.shape}, {t.shape}, {k.shape}")
        if not 0 <= l1_ratio <= 1:
            raise ValueError(f"l1_ratio: expected 0 to 1, got {l1_ratio}")
        if reduction not in ("batch", "sample"):
            raise ValueError(f"reduction: expected batch or sample, got {reduction}")

    # Loss

    def power(self, e: Array, order: int) -> Array:
        """|e|^p."""
        return np.abs(e) ** order

    def dpower(self, e: Array, order: int) -> Array:
        """Derivative of |e|^p with respect to e."""
        return order * np.abs(e) ** (order - 1) * np.sign(e)

    def entries(
        self, y: Array, t: Array, k: Array, lam: Array, order: int
    ) -> tuple[Array, Array, Array]:
        """ℓ (N, D), its derivatives with respect to y_i and to k_ij."""
        e = (y - t)[:, None]
        F, dF = self.F(k, lam, order), self.dF(k, lam, order)
        return self.power(e, order) * F, self.dpower(e, order) * F, self.power(e, order) * dF

    def norm(self, c: Array, l1_ratio: float) -> Array:
        """(1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis."""
        return (1 - l1_ratio) * np.sqrt((c**2).sum(axis=-1)) + l1_ratio * c.sum(axis=-1)

    def dnorm(self, c: Array, l1_ratio: float) -> Array:
        """Derivative of the norm with respect to c; 0 for the 2-norm of the zero vector."""
        norm = np.sqrt((c**2).sum(axis=-1, keepdims=True))
        return (1 - l1_ratio) * c / np.where(norm > 0, norm, 1) + l1_ratio

    def reduced(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Array, Array]:
        """L, and N ∂L/∂ℓ, (D,) or (N, D)."""
        if reduction == "batch":
            c = ell.mean(axis=0)
            return self.norm(c, l1_ratio), self.dnorm(c, l1_ratio)
        return self.norm(ell, l1_ratio).mean(), self.dnorm(ell, l1_ratio)

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Array, order: int, l1_ratio: float,
        reduction: str,
    ) -> tuple[Any, Array, Array]:  # fmt: skip
        y, t, k = self.finite(y), self.finite(t), self.finite(k)
        self.check_batch(y, t, k, l1_ratio, reduction)
        self.check_order(order)
        lam = self.checked_lam(lam, k.shape[1:])
        ell, ell_y, ell_k = self.entries(y, t, k, lam, order)
        value, s = self.reduced(ell, l1_ratio, reduction)
        return value, (s * ell_y).sum(axis=1) / len(y), s * ell_k / len(y)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        """mean |e|^p and its derivative with respect to y."""
        return self.power(y - t, order).mean(), self.dpower(y - t, order) / len(y)

    # Network

    def f(self, name: str, z: Array) -> Array:
        if name == "identity":
            return z
        if name == "relu":
            return np.maximum(z, 0)
        if name == "tanh":
            return np.tanh(z)
        return np.logaddexp(0, z) if name == "softplus" else z * sigmoid(z)

    def df(self, name: str, z: Array) -> Array:
        if name == "identity":
            return np.ones_like(z)
        if name == "relu":
            return np.where(z > 0, 1, 0).astype(z.dtype)
        if name == "tanh":
            return 1 - np.tanh(z) ** 2
        return sigmoid(z) if name == "softplus" else sigmoid(z) * (1 + z * sigmoid(-z))

    def d2f(self, name: str, z: Array) -> Array:
        if name in ("identity", "relu"):
            return np.zeros_like(z)
        if name == "tanh":
            return -2 * np.tanh(z) * self.df(name, z)
        ds = sigmoid(z) * sigmoid(-z)
        return ds if name == "softplus" else ds * (2 + z * (sigmoid(-z) - sigmoid(z)))

    def unflatten(self, sizes: list[int], theta: Array) -> Layers:
        layers, at = [], 0
        for fan_in, fan_out in pairwise(sizes):
            W = theta[at : at + fan_in * fan_out].reshape(fan_in, fan_out)
            at += fan_in * fan_out
            layers.append((W, theta[at : at + fan_out]))
            at += fan_out
        return layers

    def flatten(self, grads: Layers) -> Array:
        return np.concatenate([part.ravel() for layer in grads for part in layer])

    def forward(
        self, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array, Pass]:
        """y (N,), k (N, D) and what the backward pass needs."""
        layers, a, z = self.unflatten(sizes, theta), [x], []
        for W, b in layers[:-1]:
            z.append(a[-1] @ W + b)
            a.append(self.f(activation, z[-1]))
        W, b = layers[-1]
        y = (a[-1] @ W + b)[:, 0]
        tape = Pass(layers, a, z, [], [])
        v = np.tile(W[:, 0], (len(x), 1))
        for (W, _), z_l in zip(reversed(layers[:-1]), reversed(z), strict=True):
            u = v * self.df(activation, z_l)
            tape.v.insert(0, v)
            tape.u.insert(0, u)
            v = u @ W.T
        return y, v, tape

    def input_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array]:
        y, k, _ = self.forward(sizes, activation, theta, x)
        return y, k

    def through_k(self, activation: str, tape: Pass, dk: Array) -> tuple[list[Array], list[Array]]:
        """The terms from ∂L/∂k in the gradients of W_1 … W_L and of z_1 … z_(L−1)."""
        dW, dz, dv = [], [], dk
        for (W, _), z, u, v in zip(tape.layers[:-1], tape.z, tape.u, tape.v, strict=True):
            dW.append(dv.T @ u)
            du = dv @ W
            dz.append(du * v * self.d2f(activation, z))
            dv = du * self.df(activation, z)
        dW.append(dv.sum(axis=0)[:, None])
        return dW, dz

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        """∂L/∂θ from ∂L/∂y and ∂L/∂k."""
        dW_k, dz_k = self.through_k(activation, tape, dk)
        dz = dy[:, None]
        grads: Layers = []
        for layer in reversed(range(len(tape.layers))):
            grads.insert(0, (tape.a[layer].T @ dz + dW_k[layer], dz.sum(axis=0)))
            if layer > 0:
                da = dz @ tape.layers[layer][0].T
                dz = da * self.df(activation, tape.z[layer - 1]) + dz_k[layer - 1]
        return self.flatten(grads)

    def any_loss(self, y: Array, t: Array, k: Array, loss: LossSpec) -> tuple[Any, Array, Array]:
        if loss["name"] == "plain":
            return *self.plain(y, t, loss["order"]), np.zeros_like(k)
        options = {name: option for name, option in loss.items() if name != "name"}
        return self.loss(y=y, t=t, k=k, **options)

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array, t: Array,
        loss: LossSpec,
    ) -> tuple[Any, Array]:  # fmt: skip
        y, k, tape = self.forward(sizes, activation, theta, x)
        value, dy, dk = self.any_loss(y, t, k, loss)
        return value, self.backward(activation, tape, dy, dk)

    # Training

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        t = t + 1
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return theta - lr * m_hat / (np.sqrt(v_hat) + eps), m, v

    def is_lai(self, rows: Array, lai_rows: Array) -> Array:
        """Which of the batch's samples get the Lai loss."""
        return np.isin(rows, lai_rows)

    def mixed(
        self, y: Array, t: Array, k: Array, is_lai: Array, plain: int, loss: LossSpec
    ) -> tuple[Array, Array]:
        """∂L/∂y and ∂L/∂k of L = (n_plain · plain + n_lai · lai) / n."""
        dy, dk, weight = np.zeros_like(y), np.zeros_like(k), is_lai.mean()
        if weight < 1:
            dy[~is_lai] = (1 - weight) * self.plain(y[~is_lai], t[~is_lai], plain)[1]
        if weight > 0:
            _, dy_lai, dk_lai = self.any_loss(y[is_lai], t[is_lai], k[is_lai], loss)
            dy[is_lai], dk[is_lai] = weight * dy_lai, weight * dk_lai
        return dy, dk

    def train(
        self, *, sizes: list[int], activation: str, theta: Array, m: Array, v: Array, step: int,
        x: Array, t: Array, plain: int, loss: LossSpec, lr: float, beta1: float, beta2: float,
        eps: float, batches: list[tuple[Array, Array]],
    ) -> Array:  # fmt: skip
        adam = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
        thetas = []
        for number, (rows, lai_rows) in enumerate(batches, start=step):
            y, k, tape = self.forward(sizes, activation, theta, x[rows])
            dy, dk = self.mixed(y, t[rows], k, self.is_lai(rows, lai_rows), plain, loss)
            grad = self.backward(activation, tape, dy, dk)
            theta, m, v = self.adam_step(theta=theta, grad=grad, t=number, m=m, v=v, **adam)
            thetas.append(theta)
        return np.array(thetas)

    def sharded_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array, t: Array,
        loss: LossSpec, shards: list[Array],
    ) -> tuple[Any, Array]:  # fmt: skip
        # all workers gather y and k, compute the loss of the batch, and keep their part of dy, dk
        passes = [self.forward(sizes, activation, theta, x[rows]) for rows in shards]
        y, k = (np.concatenate([worker[i] for worker in passes]) for i in (0, 1))
        value, dy, dk = self.any_loss(y, t[np.concatenate(shards)], k, loss)
        ends = np.cumsum([len(rows) for rows in shards])[:-1]
        parts = zip(passes, np.split(dy, ends), np.split(dk, ends), strict=True)
        return value, sum(self.backward(activation, own[2], dy, dk) for own, dy, dk in parts)
