"""A straightforward port of all that the oracle grades, as a good porter would write it.

It shares nothing with the rest of `lai_ref`: NumPy alone, in the dtype of its array arguments. The
mutants are this port with one method replaced by a mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.port_loss import Array, LossPort
from lai_ref.oracle.mutants.port_network import NetworkPort

Batches: TypeAlias = Sequence[
    tuple[Array, Array]
]  # (rows, those of them that get the Lai loss) of each step


class Port(LossPort, NetworkPort):
    """Every method of a backend."""

    def param_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
    ) -> tuple[Any, Array]:
        """The loss of a batch, and θ̄ (P,)."""
        return self.value_and_gradient(sizes, activation, theta, x, t, loss)

    def value_and_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
    ) -> tuple[Any, Array]:
        """What `param_gradient` answers, and `train` takes its steps by."""
        sweep = self.sweep(sizes, activation, theta, x)
        value, dy, dk = self.seeds(sweep.y, t, sweep.k, loss)
        return value, self.gradient(sweep, dy, dk)

    def seeds(
        self, y: Array, t: Array, k: Array, loss: Mapping[str, Any]
    ) -> tuple[Any, Array, Array]:
        """The value of a loss that is named by a dict, dy (N,) and dk (N, D)."""
        arguments = {name: given for name, given in loss.items() if name != "name"}
        if loss["name"] == "plain":
            return (*self.plain(y, t, **arguments), np.zeros_like(k))
        return self.loss(y, t, k, **arguments)

    def adam_step(
        self,
        theta: Array,
        grad: Array,
        t: int,
        m: Array,
        v: Array,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Array, Array, Array]:
        """θ, m and v after the step that follows t others (Kingma & Ba, Algorithm 1)."""
        # m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²
        m = self.moment(m, grad, beta1)
        v = self.moment(v, grad * grad, beta2)
        # θ ← θ − lr · m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁^t),  v̂ = v / (1 − β₂^t)
        bias1, bias2 = self.first_bias(beta1, t + 1), self.second_bias(beta2, t + 1)
        return theta - self.update(m, v, bias1, bias2, lr, eps), m, v

    def moment(self, old: Array, new: Array, beta: float) -> Array:
        """β old + (1 − β) new."""
        return beta * old + (1 - beta) * new

    def first_bias(self, beta1: float, t: int) -> float:
        """1 − β₁^t, where t counts this step."""
        return 1 - beta1**t

    def second_bias(self, beta2: float, t: int) -> float:
        """1 − β₂^t."""
        return 1 - beta2**t

    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        """lr · m̂ / (√v̂ + ε)."""
        return lr * (m / bias1) / (np.sqrt(v / bias2) + eps)

    def train(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        m: Array,
        v: Array,
        step: int,
        x: Array,
        t: Array,
        plain: int,
        loss: Mapping[str, Any],
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        batches: Batches,
    ) -> Array:
        """θ after each step, (steps, P)."""
        path = []
        for rows, lai_rows in batches:
            rest = rows[~np.isin(rows, lai_rows)]
            plain_loss = {"name": "plain", "order": plain}
            parts = [(part, on) for part, on in ((rest, plain_loss), (lai_rows, loss)) if len(part)]
            grad = self.mixed_gradient(sizes, activation, theta, x, t, parts)
            theta, m, v = self.adam_step(theta, grad, step, m, v, lr, beta1, beta2, eps)
            path.append(theta)
            step += 1
        return np.stack(path)

    def mixed_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        parts: list[tuple[Array, Mapping[str, Any]]],
    ) -> Array:
        """θ̄ of L = (n_plain · plain + n_lai · lai) / n, from the rows of each loss."""
        n, grad = sum(len(rows) for rows, _ in parts), np.zeros_like(theta)
        for rows, loss in parts:
            _, one = self.value_and_gradient(sizes, activation, theta, x[rows], t[rows], loss)
            grad = grad + len(rows) / n * one
        return grad

    def sharded_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
        shards: Sequence[Array],
    ) -> tuple[Any, Array]:
        """The loss of the whole batch and θ̄, where every worker has its own rows."""
        sweeps = [self.sweep(sizes, activation, theta, x[rows]) for rows in shards]
        # what the workers tell each other: y and k, so that the mean is that of all of them
        y, k = (np.concatenate([getattr(sweep, name) for sweep in sweeps]) for name in "yk")
        value, dy, dk = self.seeds(y, np.concatenate([t[rows] for rows in shards]), k, loss)
        ends = np.cumsum([len(rows) for rows in shards])[:-1]
        seeds = zip(sweeps, np.split(dy, ends), np.split(dk, ends), strict=True)
        grads = [self.gradient(*each) for each in seeds]
        return value, np.sum(grads, axis=0, dtype=theta.dtype)
