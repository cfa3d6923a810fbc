"""The network with hyper-dual numbers: one sample, unit and parameter at a time, in pure Python.

Every quantity has its derivatives with respect to one input x_j, one parameter θ_p and both:
(q, ∂q/∂x_j, ∂q/∂θ_p, ∂²q/∂x_j∂θ_p). There is no backward pass, and nothing is shared with
`lai_ref`, not even the activations and the order of the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Dual(NamedTuple):
    """A number with its derivatives with respect to x_j, θ_p and both."""

    value: float
    by_x: float = 0.0
    by_p: float = 0.0
    by_both: float = 0.0

    def plus(self, other: Dual) -> Dual:
        return Dual(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, other: Dual) -> Dual:
        return Dual(
            self.value * other.value,
            self.by_x * other.value + self.value * other.by_x,
            self.by_p * other.value + self.value * other.by_p,
            self.by_both * other.value
            + self.by_x * other.by_p
            + self.by_p * other.by_x
            + self.value * other.by_both,
        )


def activate(name: str, z: float) -> tuple[float, float, float]:
    """f, f', f''."""
    if name == "identity":
        return z, 1.0, 0.0
    if name == "relu":
        return (z, 1.0, 0.0) if z > 0 else (0.0, 0.0, 0.0)
    if name == "tanh":
        return math.tanh(z), math.cosh(z) ** -2, -2 * math.sinh(z) * math.cosh(z) ** -3
    # σ' = 1/(4 cosh² (z/2)), σ'' = −σ' tanh (z/2)
    sigma, dsigma = 0.5 * (1 + math.tanh(z / 2)), 0.25 * math.cosh(z / 2) ** -2
    ddsigma = -dsigma * math.tanh(z / 2)
    if name == "softplus":
        return math.log(1 + math.exp(z)), sigma, dsigma
    if name == "silu":
        return z * sigma, sigma + z * dsigma, 2 * dsigma + z * ddsigma
    raise ValueError(f"{name}: expected its definition here, got none")


def output(
    sizes: Sequence[int],
    name: str,
    theta: Sequence[float],
    x: Sequence[float],
    j: int,
    p: int,
) -> Dual:
    """y with its derivatives with respect to input j, parameter p and both."""
    parameters = iter([Dual(w, by_p=float(i == p)) for i, w in enumerate(theta)])
    a = [Dual(value, by_x=float(i == j)) for i, value in enumerate(x)]
    for layer in range(1, len(sizes)):
        # W (fan_in, fan_out) row by row, then b (fan_out,)
        weights = [[next(parameters) for _ in range(sizes[layer])] for _ in a]
        z = [next(parameters) for _ in range(sizes[layer])]
        for unit in range(sizes[layer]):
            for i, below in enumerate(a):
                z[unit] = z[unit].plus(below.times(weights[i][unit]))
        a = [through(name, unit) for unit in z] if layer < len(sizes) - 1 else z
    return a[0]


def through(name: str, z: Dual) -> Dual:
    """An activation of a number with its derivatives."""
    f, df, ddf = activate(name, z.value)
    return Dual(f, df * z.by_x, df * z.by_p, ddf * z.by_x * z.by_p + df * z.by_both)


def predictions(
    sizes: Sequence[int], name: str, theta: Sequence[float], x: Sequence[Sequence[float]]
) -> list[float]:
    """y of every sample."""
    return [output(sizes, name, theta, row, 0, 0).value for row in x]


def input_gradients(
    sizes: Sequence[int], name: str, theta: Sequence[float], x: Sequence[Sequence[float]]
) -> list[list[float]]:
    """k of every sample and feature."""
    return [[output(sizes, name, theta, row, j, 0).by_x for j in range(len(row))] for row in x]


def seeded_gradient(
    sizes: Sequence[int],
    name: str,
    theta: Sequence[float],
    x: Sequence[Sequence[float]],
    dy: Sequence[float],
    dk: Sequence[Sequence[float]],
) -> list[float]:
    """The derivative of Σ_i dy_i y_i + Σ_ij dk_ij k_ij with respect to every parameter."""
    gradient = []
    for p in range(len(theta)):
        total = 0.0
        for i, row in enumerate(x):
            total += dy[i] * output(sizes, name, theta, row, 0, p).by_p
            for j in range(len(row)):
                total += dk[i][j] * output(sizes, name, theta, row, j, p).by_both
        gradient.append(total)
    return gradient
