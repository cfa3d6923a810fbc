"""The factor as automatic differentiation of its formula computes it: the bounds of level basic.

    F = a / b / c          a = max(|k|^p, λ)          b = (1 + k²)^(p/2)          c = min(λ, 1)
    a' = u p |k|^(p−1) sign k                         b' = (p/2) (1 + k²)^(p/2 − 1) · 2k
    F' = (1/b/c) a' − (a/b/b/c) b'

A framework evaluates exactly these lines, with the powers by the pow of its library. This module
evaluates them in `Bounded` numbers. Above the kink, for large |k|, both terms of F' are about p/|k|
in magnitude, but their difference is smaller by the factor 1 + k². The bound of F' is therefore
about k² roundings of F' itself, without the limit of level strict. The bound of level basic is the
larger of this one and the strict one; everything except F and F' has the strict rules.
"""

from __future__ import annotations

import math

import numpy as np

from lai_ref.oracle.mutants.port_loss import Array, Lam
from lai_ref.oracle.tolerances.bounded import FUNCTION, Bounded, bounded, branch, maximum
from lai_ref.oracle.tolerances.loss import factor
from lai_ref.oracle.tolerances.port import BoundedPort


class AutodiffPort(BoundedPort):
    """`BoundedPort` with the larger of the two bounds for F and F'."""

    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        def both(k: Bounded, lam: float) -> tuple[Bounded, Bounded]:
            pairs = zip(
                factor(k, lam, order, self.u),
                factor_by_autodiff(k, lam, order, self.u),
                strict=True,
            )
            F, dF = (_larger(closed, autodiff) for closed, autodiff in pairs)
            return F, dF

        F, dF = np.frompyfunc(both, 2, 2)(k, np.asarray(lam, float))
        return F, dF


def factor_by_autodiff(
    k: Bounded, lam: float, order: int, at_kink: float
) -> tuple[Bounded, Bounded]:
    """F_p(k; λ) and F_p'(k; λ), with H(0) = `at_kink`, by the chain rule term by term."""
    abs_k, square, c = abs(k), 1 + k * k, bounded(min(lam, 1.0))
    sign = math.copysign(1.0, k.value)
    # a = max(|k|^p, λ);  b = (1 + k²)^(p/2);  F = a/b/c
    abs_k_p, b = _pow(abs_k, order), _pow(square, order / 2)
    a = maximum(abs_k_p, bounded(lam))
    F = a / b / c
    # a' = u p |k|^(p−1) sign k;  b' = (p/2) (1 + k²)^(p/2 − 1) · 2k
    u = branch(abs_k if order == 1 else abs_k * abs_k, lam, at_kink)
    da = u * (order * _pow(abs_k, order - 1) * sign)
    db = (order / 2) * _pow(square, order / 2 - 1) * (2 * k)
    # F' = (1/b/c) a' − (a/b/b/c) b'
    dF = 1 / b / c * da - a / b / b / c * db
    return F, dF


def _pow(a: Bounded, exponent: float) -> Bounded:
    """a^exponent for a ≥ 0, with the error of e^(exponent · log a), the least accurate method."""
    if a.value == 0 or exponent == 0:
        return bounded(float(exponent == 0)) if exponent == 0 else a
    value = a.value**exponent
    logarithm = abs(exponent * math.log(a.value))
    return a.apply(value, exponent * value / a.value, (FUNCTION + logarithm) * value)


def _larger(a: Bounded, b: Bounded) -> Bounded:
    """The value of a, with the larger of both bounds."""
    return Bounded(a.value, max(a.rounding, b.rounding), max(a.underflow, b.underflow))
