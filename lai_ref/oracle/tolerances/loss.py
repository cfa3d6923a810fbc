"""The factor and the 2-norm in `Bounded` numbers, by the formulas of `lai_ref`.

Correct variants that the bounds cover:

    F, F' in logarithms: exp(p log |k| − (p/2) log(1 + k²) − log min(λ, 1)). The error of the
        exponent is one rounding of each term; an absolute error of the exponent is a relative error
        of F. The bounds of F and F' therefore include as many more roundings as these logarithms
        are large: about 5 for ordinary k, some hundreds for |k| = 1e30.
    F' by the quotient rule, as in automatic differentiation of F, or F and F' from sin atan k and
        cos atan k: the first loses a factor k² of accuracy, the second |k| per cos. The bounds of
        F', and of F below the kink, where it is cos^p φ, include min(k², 1000) more roundings. That
        covers the first for |k| ≤ 30, the second up to some hundreds; for larger |k| no port may
        lose more than three digits.
    ‖c‖₂ with or without scaling by the largest c: the bound is that of the unscaled Σ c², and
        covers the underflow of c² in float32. If all c² underflow, it is very large in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lai_ref.oracle.tolerances.bounded import ETA, Bounded, bounded, branch, maximum, sqrt

MAX_LOST = 1000.0  # roundings that a port may lose for large |k|


def factor(k: Bounded, lam: float, order: int, at_kink: float) -> tuple[Bounded, Bounded]:
    """F_p(k; λ) and F_p'(k; λ), with H(0) = `at_kink`."""
    abs_k, low = abs(k), min(lam, 1.0)
    square = 1 + k * k
    denominator = sqrt(square) if order == 1 else square
    cube = denominator * square
    # u = H(|k|^p − λ)
    abs_k_p = abs_k if order == 1 else abs_k * abs_k
    u = branch(abs_k_p, lam, at_kink)
    steep = min(k.value * k.value, MAX_LOST)
    log_k, log_square = _log(k.value), _log(square.value)
    log_sin, log_cos = order * log_k + _log(low), _log(lam) + _log(low)
    # F = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)
    extra = log_sin if u == 1 else log_cos + steep
    F = (maximum(abs_k_p, bounded(lam)) / denominator / low).relax(extra + order / 2 * log_square)
    # F' = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
    logs = steep + (order / 2 + 1) * log_square + log_k
    head = bounded(math.copysign(1.0, k.value)) if order == 1 else k
    above = (order * head / cube / low).relax(logs + _log(low))
    below = (order * lam * k / cube / low).relax(logs + log_cos)
    dF = above if u == 1 else -below if u == 0 else u * above - (1 - u) * below
    return F, dF


def l2_norm(c: Sequence[Bounded]) -> tuple[Bounded, list[Bounded]]:
    """‖c‖₂ and r = c/‖c‖₂ (the zero vector if c is), with the exact propagation

        R(‖c‖₂) = Σ_i |r_i| R(c_i) + …,   R(r_j) = Σ_i |δ_ij − r_i r_j| R(c_i)/‖c‖₂ + …,

    each c_i² adds at most η to ‖c‖₂², so at most √η to ‖c‖₂.
    """
    n, value = len(c), math.hypot(*(c_j.value for c_j in c))
    if value == 0:
        whole = Bounded(0.0, sum(c_j.rounding for c_j in c), sum(c_j.underflow for c_j in c))
        return whole, [bounded(0.0)] * n
    r = [c_j.value / value for c_j in c]
    # D products and D − 1 sums, halved by the root, which adds one rounding
    local_error = n / 2 + 1
    lost = min(n / (2 * value), math.sqrt(n / ETA["float32"]))
    norm = Bounded(
        value,
        sum(r_i * c_i.rounding for r_i, c_i in zip(r, c, strict=True)) + local_error * value,
        sum(r_i * c_i.underflow for r_i, c_i in zip(r, c, strict=True)) + lost,
    )
    unit = []
    for j, r_j in enumerate(r):
        weights = [abs((i == j) - r_i * r_j) / value for i, r_i in enumerate(r)]
        rounding = sum(w * c_i.rounding for w, c_i in zip(weights, c, strict=True))
        underflow = sum(w * c_i.underflow for w, c_i in zip(weights, c, strict=True))
        unit.append(
            Bounded(r_j, rounding + (local_error + 1) * r_j, underflow + r_j * lost / value + 1)
        )
    return norm, unit


def _log(a: float) -> float:
    """|log |a||, and 0 for a = 0."""
    return abs(math.log(abs(a))) if a else 0.0
