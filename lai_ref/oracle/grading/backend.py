"""The interface of a port, `Backend`, and `lai_ref` itself as a backend.

A backend is any object with any of the methods of `Backend`; a method that it lacks is reported as
not implemented. Every argument is passed by name: arrays in the dtype that is graded, λ as a float
or an array (D,), all other numbers as Python numbers. θ is one vector: for each layer W
(fan_in, fan_out) row by row, then b.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np

from lai_ref.adam import Adam, AdamState
from lai_ref.factor import lai_factor, lai_factor_derivative
from lai_ref.lai import Lai
from lai_ref.losses import Loss, Plain
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad, value_and_grad_mixed
from lai_ref.support.validation import Array

Lam: TypeAlias = float | Array


class Backend(Protocol):
    """The methods that a port may have. If `loss` is a dict, it is

    ``{"name": "plain", "order": 2}`` or
    ``{"name": "lai", "lam": …, "order": …, "l1_ratio": …, "reduction": "batch" | "sample"}``.
    """

    def factor(self, *, k: Array, lam: float, order: int) -> tuple[Array, Array]:
        """F_p(k; λ) and F_p'(k; λ), each (n,), for input gradients k (n,)."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Lam, order: int, l1_ratio: float, reduction: str
    ) -> tuple[Any, Array, Array]:
        """The Lai loss, and its derivatives dy (N,), dk (N, D), for y, t (N,) and k (N, D)."""

    def input_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array]:
        """The network's y (N,) and k = ∂y/∂x (N, D) at x (N, D)."""

    def param_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
    ) -> tuple[Any, Array]:
        """The loss of the batch and its derivative with respect to θ, (P,)."""

    def adam_step(
        self,
        *,
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
        """θ, m and v (P,) after one step of Adam; t steps were taken before it."""

    def train(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        m: Array,
        v: Array,
        step: int,
        x: Array,
        t: Array,
        plain: int,
        loss: dict[str, Any],
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        batches: list[tuple[Array, Array]],
    ) -> Array:
        """θ after each step of Lai Training, (steps, P); `step` steps were taken before.

        A batch is a pair: the indices of its samples, and those of them that get the Lai loss
        `loss`. The others get mean |e|^p with p = `plain`. L = (n_plain · plain + n_lai · lai)/n.
        """

    def sharded_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
        shards: list[Array],
    ) -> tuple[Any, Array]:
        """`param_gradient` of a batch that is split over workers; a shard lists sample indices.

        The mean per feature is over the samples of all workers; the norm follows it.
        """


class Reference:
    """`lai_ref` as a backend."""

    def factor(self, *, k: Array, lam: float, order: int) -> tuple[Array, Array]:
        return lai_factor(k, lam, order), lai_factor_derivative(k, lam, order)

    def loss(self, *, y: Array, t: Array, k: Array, **loss: Any) -> tuple[Any, Array, Array]:
        return Lai(**loss)(y, t, k)

    def input_gradient(self, *, theta: Array, x: Array, **net: Any) -> tuple[Array, Array]:
        mlp = MLP(**net)
        y, tape = mlp.forward(theta, x)
        return y, mlp.input_gradient(tape)[0]

    def param_gradient(
        self, *, theta: Array, x: Array, t: Array, loss: dict[str, Any], **net: Any
    ) -> tuple[Any, Array]:
        return value_and_grad(MLP(**net), theta, x, t, _loss(loss))

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, **constants: float
    ) -> tuple[Array, Array, Array]:
        theta, state = Adam(**constants).step(theta, grad, AdamState(t, m, v))
        return theta, state.m, state.v

    def train(
        self, *, theta: Array, x: Array, t: Array, batches: list[tuple[Array, Array]],
        plain: int, loss: dict[str, Any], m: Array, v: Array, step: int,
        sizes: list[int], activation: str, **constants: float,
    ) -> Array:  # fmt: skip
        net, opt, state = MLP(sizes, activation), Adam(**constants), AdamState(step, m, v)
        losses, thetas = (Plain(plain), _loss(loss)), []
        for rows, lai_rows in batches:
            is_lai = np.isin(rows, lai_rows)
            _, grad = value_and_grad_mixed(net, theta, x[rows], t[rows], *losses, is_lai)
            theta, state = opt.step(theta, grad, state)
            thetas.append(theta)
        return np.array(thetas)

    def sharded_gradient(
        self, *, x: Array, t: Array, shards: list[Array], **rest: Any
    ) -> tuple[Any, Array]:
        rows = np.concatenate(shards)
        return self.param_gradient(x=x[rows], t=t[rows], **rest)


reference = Reference()


def _loss(loss: dict[str, Any]) -> Loss:
    numbers = {key: value for key, value in loss.items() if key != "name"}
    return Plain(**numbers) if loss["name"] == "plain" else Lai(**numbers)
