"""λ and k in double precision: on which side of the kink |k| is, and φ for |k| of any magnitude.

The kink of F_p(k; λ) is at |k| = λ^(1/p). For p = 2, √λ is rarely a double, so the double closest
to it usually lies strictly on one side of the kink; only exact arithmetic can decide on which.

For |k| > 2³⁰, 1 + k² is k² to the last digit, and k² may overflow. There k is clamped to ±2³⁰, and
a scale factor c makes up for it:

    |k| ≤ 2³⁰    sin φ = k/r,  cos φ = 1/r,  r = √(1 + k²)
    |k| > 2³⁰    the same with ±2³⁰ for k, and cos φ = c/r,  c = 2³⁰/|k|
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref.support.analytic import sign
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_positive, reject_masked

CLAMP = 2.0**30  # for larger |k|, 1 + k² is k² to the last digit


class Kink(NamedTuple):
    """The constants of F and F' for λ: the divisor, F at k = 0, and the kink. Each () or (D,)."""

    low: Array  # min(λ, 1), the divisor
    high: Array  # λ / min(λ, 1) = max(λ, 1), which is F at k = 0
    first_above: Array  # the smallest double |k| with |k|^p > λ
    exact: Array | None  # the double |k| with |k|^p = λ: NaN where λ has none, None if no λ has one
    derivative: Array  # F' at the kink for k > 0: the midpoint of the subdifferential

    def above(self, abs_k: Array) -> Array:
        """Whether |k|^p > λ: H(|k|^p − λ) everywhere but at the kink itself."""
        side: Array = abs_k.real >= self.first_above
        return side

    def with_subgradient(self, dF: Array, k: Array, abs_k: Array) -> Array:
        """F', and at the kink the midpoint of its subdifferential."""
        if self.exact is None:
            return dF
        at_kink = abs_k.real == self.exact
        return np.where(at_kink, sign(k) * self.derivative, dF) if at_kink.any() else dF


@ignores_error_state
def kink_of(lam: Array, order: int) -> Kink:
    """The constants of F and F' for a λ from `check_lam` and p = `order`."""
    closest = lam if order == 1 else np.sqrt(lam)
    pairs = zip(closest.flat, lam.flat, strict=True)
    # |k|^p − λ at the double closest to the kink, exactly: as a float it might underflow
    excess = [Fraction(float(k)) ** order - Fraction(float(v)) for k, v in pairs]
    is_above = np.array([x > 0 for x in excess]).reshape(lam.shape)
    is_exact = np.array([x == 0 for x in excess]).reshape(lam.shape)
    first_above = np.where(is_above, closest, np.nextafter(closest, np.inf))
    exact = np.where(is_exact, closest, np.nan) if is_exact.any() else None
    low, high = np.minimum(lam, 1), np.maximum(lam, 1)
    return Kink(low, high, first_above, exact, _derivative_at_kink(lam, order))


def clamped(k: Array, abs_k: Array) -> tuple[Array, Array | float]:
    """k within ±2³⁰, and the scale factor c; c is the number 1 if no |k| is larger."""
    if abs_k.real.max() > CLAMP:
        return np.minimum(abs_k, CLAMP) * sign(k), CLAMP / np.maximum(abs_k, CLAMP)
    return k, 1.0


def scaled(a: Array, scale: Array | float, power: int) -> Array:
    """a · c^power, one factor after the other: c³ may underflow where the result does not."""
    if isinstance(scale, float):
        return a
    for _ in range(power):
        a = a * scale
    return a


def check_lam(lam: npt.ArrayLike) -> Array:
    """λ as an array of doubles, () or (D,), each finite and above 0."""
    reject_masked("lam", lam)
    try:
        a = np.asarray(lam)
    except ValueError:  # rows of unequal length
        a = np.asarray(None)
    if a.dtype.kind not in "iuf":
        raise TypeError(f"lam: expected one number or one per feature, got {a.dtype} {lam!r}")
    a = a.astype(np.float64)
    if a.ndim > 1 or a.size == 0:
        raise ValueError(f"lam: expected one number or shape (D,), got shape {a.shape}")
    for value in a.flat:
        check_positive("lam", value)
    return a


def check_lam_length(lam: Array, shape: tuple[int, ...]) -> None:
    """Raise ValueError if λ is (D,) with another D than the last entry of `shape`, that of k."""
    if lam.ndim and (not shape or shape[-1] != len(lam)):
        lists = f" or a list of D = {shape[-1]}, one per feature" if shape else ""
        raise ValueError(f"lam: expected one number{lists}, got a list of {len(lam)}")


def _derivative_at_kink(lam: Array, order: int) -> Array:
    """The midpoint of the subdifferential of F at |k| = λ^(1/p), k > 0."""
    low = np.minimum(lam, 1)
    if order == 2:
        # |k| (1 − λ) cos⁴ φ / low at |k| = √λ
        midpoint = np.sqrt(lam) / (1 + lam) * ((1 - lam) / (1 + lam)) / low
    else:
        # ½ (1 − λ²) cos³ φ / low at |k| = λ; 1 − λ² would cancel where (1 − λ)(1 + λ) does not
        k, c = clamped(lam, lam)
        d = 1 + k * k
        midpoint = (1 - lam) * c * ((1 + lam) * c) / (d * np.sqrt(d)) * c / 2 / low
    return np.asarray(midpoint)
