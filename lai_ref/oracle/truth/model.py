"""The network, the loss and Adam by their definitions, in hyper-dual decimals.

No derivative is coded here; `answers` takes the derivatives from the parts of the results.

Every kink is a max(a, b) with a = b: that of the factor, |e| = max(e, −e) and relu = max(z, 0). One
number u in [0, 1] selects the subgradient, the derivative of u a + (1 − u) b. Hence H(0) = u,
sign 0 = 2u − 1 and relu'(0) = u. The 2-norm has the derivative 0 at the zero vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from lai_ref.oracle.truth.hyperdual import (
    ONE,
    ZERO,
    Hyperdual,
    maximum,
    silu,
    softplus,
    sqrt,
    tanh,
    total,
    variables,
)

Row = list[Hyperdual]
Loss = Callable[[Row, list[Row]], Hyperdual]  # y (N), k (N, D) → L

SMOOTH: dict[str, Callable[[Hyperdual], Hyperdual]] = {
    "identity": lambda z: z,
    "tanh": tanh,
    "softplus": softplus,
    "silu": silu,
}


# Network


@dataclass(frozen=True)
class Network:
    """A multilayer perceptron with relu'(0) = u."""

    sizes: Sequence[int]
    activation: str
    u: Decimal

    def __call__(self, theta: Row, x: Row) -> Hyperdual:
        """y = f(x; θ) for one sample x (D); θ: W_1 (fan_in, fan_out) row by row, b_1, W_2, …."""
        parameters, a = iter(theta), x
        for layer, (rows, columns) in enumerate(pairwise(self.sizes), 1):
            W = [[next(parameters) for _ in range(columns)] for _ in range(rows)]
            b = [next(parameters) for _ in range(columns)]
            # z_l = a_(l−1) W_l + b_l
            z = [b[c] + total(a[r] * W[r][c] for r in range(rows)) for c in range(columns)]
            # a_l = f(z_l), and y = z_L
            a = z if layer == len(self.sizes) - 1 else [self._activate(number) for number in z]
        return a[0]

    def outputs(
        self, theta: list[Decimal], x: list[list[Decimal]], p: int | None = None
    ) -> tuple[Row, list[Row]]:
        """y (N) and k (N, D) of the samples x (N, D), plus ε₂ ∂y/∂θ_p and ε₂ ∂k/∂θ_p."""
        weights, y, k = variables(theta, d2=p), [], []
        for sample in x:
            f = [self(weights, variables(sample, d1=j)) for j in range(len(sample))]
            # y + ε₂ ∂y/∂θ_p
            y.append(Hyperdual(f[0].value, d2=f[0].d2))
            # k_j + ε₂ ∂k_j/∂θ_p
            k.append([Hyperdual(f_j.d1, d2=f_j.d12) for f_j in f])
        return y, k

    def gradient(
        self, theta: list[Decimal], x: list[list[Decimal]], loss: Loss
    ) -> tuple[Decimal, list[Decimal]]:
        """L of the samples x (N, D) and ∂L/∂θ (P)."""
        values = [loss(*self.outputs(theta, x, p)) for p in range(len(theta))]
        return values[0].value, [L.d2 for L in values]

    def _activate(self, z: Hyperdual) -> Hyperdual:
        if self.activation == "relu":
            return maximum(z, Hyperdual(ZERO), self.u)
        return SMOOTH[self.activation](z)


# Loss


def power(z: Hyperdual, order: int, u: Decimal) -> Hyperdual:
    """|z|^p."""
    return z * z if order == 2 else maximum(z, -z, u)


def factor(k: Hyperdual, lam: Decimal, order: int, u: Decimal) -> Hyperdual:
    """F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)."""
    square = ONE + k * k
    denominator = square if order == 2 else sqrt(square)
    return maximum(power(k, order, u), Hyperdual(lam), u) / denominator / min(lam, ONE)


def mixed_norm(c: Row, l1_ratio: Decimal) -> Hyperdual:
    """M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁ for c ≥ 0."""
    squares = total(c_j * c_j for c_j in c)
    norm = sqrt(squares) if squares.value else squares
    return (ONE - l1_ratio) * norm + l1_ratio * total(c)


def mean(numbers: Row) -> Hyperdual:
    """Their mean."""
    return total(numbers) / Decimal(len(numbers))


def plain(y: Row, t: list[Decimal], order: int, u: Decimal) -> Hyperdual:
    """L = mean_i |e_i|^p."""
    return mean([power(y_i - t_i, order, u) for y_i, t_i in zip(y, t, strict=True)])


def lai(y: Row, t: list[Decimal], k: list[Row], loss: Mapping[str, Any], u: Decimal) -> Hyperdual:
    """L = M(mean_i ℓ_i), or mean_i M(ℓ_i) for reduction "sample"."""
    p, rho, lam = loss["order"], loss["l1_ratio"], loss["lam"]
    lams = lam if isinstance(lam, list) else [lam] * len(k[0])
    ell = []
    for y_i, t_i, k_i in zip(y, t, k, strict=True):
        abs_e_p = power(y_i - t_i, p, u)
        # ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
        ell.append([abs_e_p * factor(k, lam, p, u) for k, lam in zip(k_i, lams, strict=True)])
    if loss["reduction"] == "sample":
        return mean([mixed_norm(row, rho) for row in ell])
    return mixed_norm([mean(list(column)) for column in zip(*ell, strict=True)], rho)


def loss_of(loss: Mapping[str, Any], t: list[Decimal], u: Decimal) -> Loss:
    """The loss that a case names, for the targets t (N), as a function of y and k."""
    if loss["name"] == "plain":
        return lambda y, k: plain(y, t, loss["order"], u)
    return lambda y, k: lai(y, t, k, loss, u)


# Optimiser


def adam(
    theta: list[Decimal],
    grad: list[Decimal],
    t: int,
    m: list[Decimal],
    v: list[Decimal],
    constants: Mapping[str, Any],
) -> tuple[list[Decimal], list[Decimal], list[Decimal]]:
    """θ, m, v (P) after step number t + 1 (Kingma & Ba 2015, Algorithm 1)."""
    lr, beta1, beta2, eps = (constants[name] for name in ("lr", "beta1", "beta2", "eps"))
    # t ← t + 1
    t = t + 1
    # m ← β₁ m + (1 − β₁) g
    m = [beta1 * m_p + (1 - beta1) * g for m_p, g in zip(m, grad, strict=True)]
    # v ← β₂ v + (1 − β₂) g²
    v = [beta2 * v_p + (1 - beta2) * g * g for v_p, g in zip(v, grad, strict=True)]
    # m̂ = m / (1 − β₁^t),  v̂ = v / (1 − β₂^t)
    mhat = [m_p / (1 - beta1**t) for m_p in m]
    vhat = [v_p / (1 - beta2**t) for v_p in v]
    # θ ← θ − lr · m̂ / (√v̂ + ε)
    rows = zip(theta, mhat, vhat, strict=True)
    return [th - lr * m_p / (v_p.sqrt() + eps) for th, m_p, v_p in rows], m, v
