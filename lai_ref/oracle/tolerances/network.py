"""The network in `Bounded` numbers: activations, y, k = ∂y/∂x and θ̄, one sample at a time.

    forward   z_l = a_(l−1) W_l + b_l;  a_l = f(z_l);  y = z_L
    gradient  v_(L−1) = w_L;  u_l = v_l ⊙ f'(z_l);  v_(l−1) = u_l W_lᵀ;  k = v_0
    up        v̄_0 = k̄;  ū_l = v̄_(l−1) W_l;  W̄_l += v̄_(l−1)ᵀ u_l;
              v̄_l = ū_l ⊙ f'(z_l);  z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  w̄_L += v̄_(L−1)
    down      z̄_L = ȳ;  W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += z̄_l;
              ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))

Where ports write an activation in several ways, the bound is that of the least accurate way that is
still in use: σ to one rounding of 1, not of itself, which is what ½ (1 + tanh ½z), 1 − σ(−z) and
1/(1 + e^−z) with an e^−z beyond the largest number have in common; softplus to one rounding of 1
more than its own, which log(1 + e^z) loses at 1 + e^z; and f' of tanh as 1 − f². A tanh made of
exponentials is not covered near 0, nor is an e^z that overflows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from lai_ref.oracle.tolerances.bounded import FUNCTION, Bounded, branch, tanh, total

Row: TypeAlias = list[Bounded]
Layer: TypeAlias = tuple[list[Row], Row]  # W (fan_in, fan_out), b (fan_out)


class Unit(NamedTuple):
    """f, f', f'' of one z."""

    f: Bounded
    df: Bounded
    d2f: Bounded


class Sample(NamedTuple):
    """What one sample's way forward and back to the input computed."""

    a: list[Row]  # a_0 = x … a_(L−1)
    units: list[list[Unit]]  # of z_1 … z_(L−1)
    u: list[Row]  # u_1 … u_(L−1)
    v: list[Row]  # v_1 … v_(L−1)
    y: Bounded
    k: Row


def activate(name: str, z: Bounded, at_kink: float) -> Unit:
    """An activation, with relu'(0) = `at_kink`."""
    if name == "identity":
        return Unit(z, Bounded(1.0), Bounded(0.0))
    if name == "relu":
        df = Bounded(branch(z, 0.0, at_kink))
        return Unit(Bounded(0.0) if z.value < 0 else z, df, Bounded(0.0))
    if name == "tanh":
        a = tanh(z)
        df = (1 - a * a).relax(2)  # at small z the library's cosh in 1/cosh² errs more
        return Unit(a, df, -2 * a * df)
    right, left = sigmoid(z), sigmoid(-z)
    if name == "softplus":
        f0 = max(z.value, 0.0) + math.log1p(math.exp(-abs(z.value)))
        f = z.apply(f0, right.value, 1 + FUNCTION * f0)
        return Unit(f, right, right * left)
    if name == "silu":
        return Unit(z * right, right * (1 + z * left), right * left * (2 + z * (left - right)))
    raise ValueError(f"activation: {name!r} is unknown")


def sigmoid(z: Bounded) -> Bounded:
    """σ(z)."""
    e = math.exp(-abs(z.value))
    value = (1.0 if z.value >= 0 else e) / (1 + e)
    # σ' = σ(z) σ(−z)
    return z.apply(value, e / (1 + e) ** 2, 1 + value)


def layers_of(sizes: Sequence[int], theta: Row) -> list[Layer]:
    """θ as [(W, b), …]: for each layer W row by row, then b."""
    numbers = iter(theta)
    return [
        (
            [[next(numbers) for _ in range(columns)] for _ in range(rows)],
            [next(numbers) for _ in range(columns)],
        )
        for rows, columns in pairwise(sizes)
    ]


def through_network(layers: list[Layer], activation: str, x: Row, at_kink: float) -> Sample:
    """y and k of one sample x (D), and all that `param_gradient` needs."""
    a, units = [x], []
    for W, b in layers[:-1]:
        # z_l = a_(l−1) W_l + b_l;  a_l = f(z_l)
        units.append([activate(activation, z, at_kink) for z in _affine(a[-1], W, b)])
        a.append([unit.f for unit in units[-1]])
    # y = z_L
    (y,) = _affine(a[-1], *layers[-1])
    # v_(L−1) = w_L
    back = [row[0] for row in layers[-1][0]]
    u: list[Row] = []
    v: list[Row] = []
    for (W, _), hidden in zip(layers[-2::-1], units[::-1], strict=True):
        v.insert(0, back)
        # u_l = v_l ⊙ f'(z_l)
        u.insert(0, [v_c * unit.df for v_c, unit in zip(back, hidden, strict=True)])
        # v_(l−1) = u_l W_lᵀ;  k = v_0
        back = [_dot(u[0], row) for row in W]
    return Sample(a, units, u, v, y, back)


def param_gradient(layers: list[Layer], samples: list[Sample], dy: Row, dk: list[Row]) -> Row:
    """θ̄ (P) from the loss gradients dy (N) and dk (N, D): a sum over samples of what each adds."""
    parts = [_one(layers, *each) for each in zip(samples, dy, dk, strict=True)]
    return [
        total(term for terms in column for term in terms) for column in zip(*parts, strict=True)
    ]


def _one(layers: list[Layer], sample: Sample, dy: Bounded, dk: Row) -> list[list[Bounded]]:
    """For every parameter the terms that one sample adds to θ̄."""
    # up: v̄_0 = k̄
    dv, dW_from_k, dz_from_k = dk, [], []
    for (W, _), units, u, v in zip(layers, sample.units, sample.u, sample.v, strict=False):
        # W̄_l += v̄_(l−1)ᵀ u_l
        dW_from_k.append([[dv_r * u_c for u_c in u] for dv_r in dv])
        # ū_l = v̄_(l−1) W_l
        du = [_dot(dv, column) for column in zip(*W, strict=True)]
        # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  v̄_l = ū_l ⊙ f'(z_l)
        dz_from_k.append([d * v_c * f.d2f for d, v_c, f in zip(du, v, units, strict=True)])
        dv = [d * f.df for d, f in zip(du, units, strict=True)]
    # w̄_L += v̄_(L−1)
    dW_from_k.append([[dv_r] for dv_r in dv])

    # down: z̄_L = ȳ
    dz, terms = [dy], list[list[Bounded]]()
    for h in reversed(range(len(layers))):
        # W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += z̄_l
        W_bar = [
            [dW_k, a_r * dz_c]
            for a_r, dW_k_row in zip(sample.a[h], dW_from_k[h], strict=True)
            for dW_k, dz_c in zip(dW_k_row, dz, strict=True)
        ]
        terms = W_bar + [[dz_c] for dz_c in dz] + terms
        if h:
            # ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))
            da = [_dot(dz, row) for row in layers[h][0]]
            below = zip(da, sample.units[h - 1], dz_from_k[h - 1], strict=True)
            dz = [total((d * f.df, dz_k)) for d, f, dz_k in below]
    return terms


def _affine(a: Row, W: list[Row], b: Row) -> Row:
    columns = zip(*W, strict=True)
    return [
        total([*(p * q for p, q in zip(a, column, strict=True)), b_c])
        for column, b_c in zip(columns, b, strict=True)
    ]


def _dot(a: Sequence[Bounded], b: Sequence[Bounded]) -> Bounded:
    return total(p * q for p, q in zip(a, b, strict=True))
