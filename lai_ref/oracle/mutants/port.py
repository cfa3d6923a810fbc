"""A straightforward, correct port of everything that the oracle grades.

It imports nothing from the rest of `lai_ref`, only NumPy, and computes in the dtype of its array
arguments. A mutant is this port with one mistake. `tolerances` evaluates it in numbers that carry
error bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.port_loss import Array, LossPort
from lai_ref.oracle.mutants.port_network import NetworkPort

Loss: TypeAlias = Mapping[str, Any]
Batches: TypeAlias = Sequence[tuple[Array, Array]]  # rows, and those that get the Lai loss
Parts: TypeAlias = Sequence[tuple[Array, Loss]]  # of a batch: rows and their loss


class Port(LossPort, NetworkPort):
    """Every method of a backend. `net` is sizes, activation and theta."""

    def param_gradient(self, *, x: Array, t: Array, loss: Loss, **net: Any) -> tuple[Any, Array]:
        """The loss of a batch, and θ̄ (P,)."""
        return self.value_and_gradient(x=x, t=t, loss=loss, **net)

    def value_and_gradient(
        self, *, x: Array, t: Array, loss: Loss, **net: Any
    ) -> tuple[Any, Array]:
        """The value and θ̄, for `param_gradient` and the steps of `train`."""
        cache = self.forward_and_input_gradient(x, **net)
        value, dy, dk = self.loss_gradients(cache.y, t, cache.k, loss)
        return value, self.double_backward(cache, dy, dk)

    def loss_gradients(self, y: Array, t: Array, k: Array, loss: Loss) -> tuple[Any, Array, Array]:
        """The value of the loss that a dict describes, dy (N,) and dk (N, D)."""
        rest = {name: given for name, given in loss.items() if name != "name"}
        if loss["name"] == "plain":
            return (*self.plain(y, t, **rest), np.zeros_like(k))
        return self.loss(y=y, t=t, k=k, **rest)

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array,
        lr: float, beta1: float, beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        """θ, m and v after one step; t steps precede it (Kingma & Ba, Algorithm 1)."""
        # m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²
        m = self.first_moment(m, grad, beta1)
        v = self.second_moment(v, grad, self.second_decay(beta1, beta2))
        # θ ← θ − lr · m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁^t),  v̂ = v / (1 − β₂^t)
        bias1, bias2 = self.bias_corrections(beta1, beta2, t + 1)
        theta = theta - self.update(m, v, bias1, bias2, lr, eps)
        return theta, *self.next_moments(m, v, bias1, bias2)

    def second_decay(self, beta1: float, beta2: float) -> float:
        """The decay rate of v."""
        return beta2

    def first_moment(self, m: Array, grad: Array, beta: float) -> Array:
        """β₁ m + (1 − β₁) g."""
        return self.moment(m, grad, beta)

    def second_moment(self, v: Array, grad: Array, beta: float) -> Array:
        """β₂ v + (1 − β₂) g²."""
        return self.moment(v, grad * grad, beta)

    def moment(self, old: Array, new: Array, beta: float) -> Array:
        """β old + (1 − β) new."""
        return beta * old + (1 - beta) * new

    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        """1 − β₁^t and 1 − β₂^t, where t counts this step."""
        return 1 - beta1**t, 1 - beta2**t

    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        """lr · m̂ / (√v̂ + ε)."""
        return lr * (m / bias1) / self.denominator(v, bias2, eps)

    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        """√v̂ + ε."""
        return np.sqrt(v / bias2) + eps

    def next_moments(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        """m and v for the next step."""
        return m, v

    def train(
        self, *, theta: Array, x: Array, t: Array, batches: Batches, plain: int, loss: Loss,
        m: Array, v: Array, step: int, sizes: Sequence[int], activation: str, **constants: float,
    ) -> Array:  # fmt: skip
        """θ after each step, (steps, P)."""
        path: list[Array] = []
        grads: list[Array] = []
        for taken, (rows, lai_rows) in enumerate(batches, step):
            parts = self.parts(rows, self.lai_rows(rows, lai_rows), plain, loss)
            net = {"sizes": sizes, "activation": activation, "theta": theta}
            grads.append(self.mixed_gradient(parts, x=x, t=t, **net))
            grad = self.step_gradient(grads)
            theta, m, v = self.adam_step(theta=theta, grad=grad, t=taken, m=m, v=v, **constants)
            path.append(theta)
        return np.stack(path)

    def step_gradient(self, grads: Sequence[Array]) -> Array:
        """The gradient of this step, from those of all batches so far."""
        return grads[-1]

    def parts(self, rows: Array, lai_rows: Array, plain: int, loss: Loss) -> Parts:
        """The rows of a batch that get the plain loss, and those that get the Lai loss."""
        plain_loss = {"name": "plain", "order": plain}
        both = ((rows[~np.isin(rows, lai_rows)], plain_loss), (lai_rows, loss))
        return [part for part in both if len(part[0])]

    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        """The rows of a batch that get the Lai loss."""
        return lai_rows

    def mixed_gradient(self, parts: Parts, *, x: Array, t: Array, **net: Any) -> Array:
        """θ̄ of L = (n_plain · plain + n_lai · lai) / n, from the rows of each loss."""
        n = sum(len(rows) for rows, _ in parts)
        grad: Array = np.zeros_like(net["theta"])
        for rows, loss in parts:
            _, one = self.value_and_gradient(x=x[rows], t=t[rows], loss=loss, **net)
            grad = grad + self.weight(len(rows), n, len(parts)) * one
        return grad

    def weight(self, n_part: int, n: int, parts: int) -> float:
        """The weight of a mean over `n_part` of n samples."""
        return n_part / n

    def sharded_gradient(
        self, *, x: Array, t: Array, loss: Loss, shards: Sequence[Array], **net: Any
    ) -> tuple[Any, Array]:
        """The loss of the whole batch and θ̄, where every worker has its own rows."""
        caches = [self.forward_and_input_gradient(x[rows], **net) for rows in shards]
        # the workers exchange y and k, so that the mean is over all samples
        y, k = (np.concatenate([getattr(cache, name) for cache in caches]) for name in "yk")
        value, dy, dk = self.loss_gradients(
            y, np.concatenate([t[rows] for rows in shards]), k, loss
        )
        ends = np.cumsum([len(rows) for rows in shards])[:-1]
        workers = zip(caches, np.split(dy, ends), np.split(dk, ends), strict=True)
        grads = [self.double_backward(*each) for each in workers]
        return value, self.sum_over_workers(grads)

    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        """θ̄ from each worker's part of it."""
        total: Array = np.sum(grads, axis=0, dtype=grads[0].dtype)
        return total
