"""A port of the Lai loss with the standard library only, differentiated automatically.

The formula max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1) is written once, and forward mode
differentiates it in that form. Forward mode over the tape of reverse mode gives the parameter
gradient of a loss that contains ∂y/∂x. Everything is computed in doubles, in float32 as well.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from tests.independent.autodiff import Dual, Number, Var, dot, function_of, gradient, to_float


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0


def floats(numbers: Any) -> list[Any]:
    """An array of one or two axes as lists of floats."""
    return [floats(row) if getattr(row, "ndim", 0) else float(row) for row in numbers]


def finite(numbers: list[Any]) -> list[Any]:
    flat = [x for row in numbers for x in (row if isinstance(row, list) else [row])]
    if not all(math.isfinite(x) for x in flat):
        raise ValueError("expected finite numbers")
    return numbers


# Factor


def formula(k: Number, lam: float, order: int) -> Number:
    abs_k = k * sign(to_float(k))
    power = abs_k if order == 1 else abs_k * abs_k
    largest = power if to_float(power) >= lam else power * 0.0 + lam
    return largest / (k * k + 1.0) ** (order / 2) / min(lam, 1.0)


def factor_and_slope(k: float, lam: float, order: int) -> tuple[float, float]:
    F = formula(Dual(k, [1.0]), lam, order)
    return F.value, F.tangents[0]


def checked_lams(lam: Any, n_features: int) -> list[float]:
    """λ of each feature."""
    lams = floats(lam) if getattr(lam, "ndim", 0) else [float(lam)] * n_features
    if len(lams) != n_features or not all(0 < x < math.inf for x in lams):
        raise ValueError(f"lam: expected positive numbers, one or {n_features}, got {lam}")
    return lams


def check_order(order: int) -> None:
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order}")


# Losses of floats and Vars


def power(e: Number, order: int) -> Number:
    """|e|^p."""
    return e * e if order == 2 else e * sign(to_float(e))


def mean(numbers: list[Number]) -> Number:
    return dot([1 / len(numbers)] * len(numbers), numbers)


def norm(c: list[Number], l1_ratio: float) -> Number:
    """(1 − ρ)‖c‖₂ + ρ‖c‖₁ of c ≥ 0."""
    squares = dot(c, c)
    root = math.sqrt(to_float(squares))
    two_norm = function_of(squares, root, 0.5 / root) if root > 0 else 0.0
    return two_norm * (1 - l1_ratio) + dot([l1_ratio] * len(c), c)


def plain_loss(y: list[Number], t: list[float], order: int) -> Number:
    return mean([power(y_i + -t_i, order) for y_i, t_i in zip(y, t, strict=True)])


def lai_loss(
    y: list[Number], t: list[float], k: list[list[Number]], lam: Any, order: int, l1_ratio: float,
    reduction: str,
) -> Number:  # fmt: skip
    lams, ell = checked_lams(lam, len(k[0])), []
    for y_i, t_i, k_i in zip(y, t, k, strict=True):
        w, row = power(y_i + -t_i, order), []
        for k_ij, lam_j in zip(k_i, lams, strict=True):
            row.append(w * function_of(k_ij, *factor_and_slope(to_float(k_ij), lam_j, order)))
        ell.append(row)
    if reduction == "batch":
        return norm([mean(list(column)) for column in zip(*ell, strict=True)], l1_ratio)
    return mean([norm(row, l1_ratio) for row in ell])


def any_loss(
    y: list[Number], t: list[float], k: list[list[Number]], loss: dict[str, Any]
) -> Number:
    if loss["name"] == "plain":
        return plain_loss(y, t, loss["order"])
    return lai_loss(y, t, k, loss["lam"], loss["order"], loss["l1_ratio"], loss["reduction"])


# Network


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def sigmoid_of(z: Number, direction: float) -> Number:
    """σ(±z)."""
    value = to_float(z) * direction
    return function_of(z, sigmoid(value), direction * sigmoid(value) * sigmoid(-value))


def activated(name: str, z: Dual) -> Dual:
    """f(z): the value and f' are computed from Vars, and so differentiated again by the tape."""
    inner = z.value
    number = to_float(inner)
    if name == "identity":
        return z
    if name == "relu":
        step = 1.0 if number > 0 else 0.0
        return z.chain(inner * step, step)
    if name == "tanh":
        a = function_of(inner, math.tanh(number), 1 - math.tanh(number) ** 2)
        return z.chain(a, a * a * -1.0 + 1.0)
    s = sigmoid_of(inner, 1.0)
    if name == "softplus":
        return z.chain(function_of(inner, math.log1p(math.exp(number)), s.value), s)
    return z.chain(inner * s, s * (inner * sigmoid_of(inner, -1.0) + 1.0))


def network(
    sizes: list[int], activation: str, theta: list[Var], x: list[list[float]]
) -> tuple[list[Number], list[list[Number]]]:
    """y and k: every input is a Dual with a tangent per feature."""
    layers, at = [], 0
    for fan_in, fan_out in pairwise(sizes):
        middle = at + fan_in * fan_out
        columns = [theta[at + j : middle : fan_out] for j in range(fan_out)]
        layers.append(list(zip(columns, theta[middle : middle + fan_out], strict=True)))
        at = middle + fan_out
    y, k = [], []
    for x_i in x:
        a = [Dual(x_ij, [float(j == i) for i in range(sizes[0])]) for j, x_ij in enumerate(x_i)]
        for layer in layers:
            values = [unit.value for unit in a]
            tangents = list(zip(*(unit.tangents for unit in a), strict=True))
            z = [Dual(dot(w, values) + b, [dot(w, tangent) for tangent in tangents])
                 for w, b in layer]  # fmt: skip
            a = z if layer is layers[-1] else [activated(activation, unit) for unit in z]
        y.append(a[0].value)
        k.append(a[0].tangents)
    return y, k


class ScalarPort:
    """All methods of `lai_ref.oracle.Backend`; a loss is a number, and its gradient automatic."""

    def factor(self, *, k: Any, lam: Any, order: int) -> tuple[list[float], list[float]]:
        check_order(order)
        (lam,) = checked_lams(lam, 1)
        both = [factor_and_slope(k_i, lam, order) for k_i in finite(floats(k))]
        return [F for F, _ in both], [dF for _, dF in both]

    def loss(
        self, *, y: Any, t: Any, k: Any, lam: Any, order: int, l1_ratio: float, reduction: str
    ) -> tuple[float, list[float], list[list[float]]]:
        y, t, k = finite(floats(y)), finite(floats(t)), finite(floats(k))
        check_order(order)
        if not len(y) == len(t) == len(k) > 0:
            raise ValueError("expected y, t and k of the same length, one sample or more")
        if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
            raise ValueError(f"l1_ratio or reduction: got {l1_ratio}, {reduction}")
        y, k = [Var(y_i) for y_i in y], [[Var(k_ij) for k_ij in k_i] for k_i in k]
        L = lai_loss(y, t, k, lam, order, l1_ratio, reduction)
        return to_float(L), gradient(L, y), [[k_ij.adjoint for k_ij in k_i] for k_i in k]

    def input_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any
    ) -> tuple[list[float], list[list[float]]]:
        y, k = network(sizes, activation, [Var(q) for q in floats(theta)], floats(x))
        return [to_float(y_i) for y_i in y], [[to_float(k_ij) for k_ij in k_i] for k_i in k]

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any, t: Any,
        loss: dict[str, Any],
    ) -> tuple[float, list[float]]:  # fmt: skip
        leaves = [Var(q) for q in floats(theta)]
        y, k = network(sizes, activation, leaves, floats(x))
        L = any_loss(y, floats(t), k, loss)
        return to_float(L), gradient(L, leaves)

    def adam_step(
        self, *, theta: Any, grad: Any, t: int, m: Any, v: Any, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[list[float], list[float], list[float]]:  # fmt: skip
        m = [beta1 * a + (1 - beta1) * g for a, g in zip(floats(m), floats(grad), strict=True)]
        v = [beta2 * a + (1 - beta2) * g * g for a, g in zip(floats(v), floats(grad), strict=True)]
        new_theta = []
        for q, m_i, v_i in zip(floats(theta), m, v, strict=True):
            m_hat, v_hat = m_i / (1 - beta1 ** (t + 1)), v_i / (1 - beta2 ** (t + 1))
            new_theta.append(q - lr * m_hat / (math.sqrt(v_hat) + eps))
        return new_theta, m, v

    def train(
        self, *, sizes: list[int], activation: str, theta: Any, m: Any, v: Any, step: int, x: Any,
        t: Any, plain: int, loss: dict[str, Any], lr: float, beta1: float, beta2: float,
        eps: float, batches: list[tuple[Any, Any]],
    ) -> list[list[float]]:  # fmt: skip
        x, t, thetas = floats(x), floats(t), []
        adam = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": eps}
        for number, (rows, lai_rows) in enumerate(batches, start=step):
            leaves, lai_rows = [Var(q) for q in floats(theta)], [int(row) for row in lai_rows]
            groups = {
                "plain": [int(row) for row in rows if int(row) not in lai_rows],
                "lai": [int(row) for row in rows if int(row) in lai_rows],
            }
            L: Number = 0.0
            for own_loss, own in (
                ({"name": "plain", "order": plain}, groups["plain"]),
                (loss, groups["lai"]),
            ):
                if own:
                    y, k = network(sizes, activation, leaves, [x[row] for row in own])
                    L = (
                        any_loss(y, [t[row] for row in own], k, own_loss) * (len(own) / len(rows))
                        + L
                    )
            theta, m, v = self.adam_step(
                theta=theta, grad=gradient(L, leaves), t=number, m=m, v=v, **adam
            )
            thetas.append(theta)
        return thetas

    def sharded_gradient(
        self, *, x: Any, t: Any, shards: list[Any], **net_and_loss: Any
    ) -> tuple[float, list[float]]:
        """Each worker's y and k are nodes of one tape, so the mean over all samples is exact."""
        rows = [int(row) for shard in shards for row in shard]
        return self.param_gradient(
            x=[x[row] for row in rows], t=[t[row] for row in rows], **net_and_loss
        )
