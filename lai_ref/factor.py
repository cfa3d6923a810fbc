"""The Lai factor F, its derivative, and the geometry behind it.

The residual |e| has the components |e| |sin φ| along and |e| |cos φ| across a line of slope
k = tan φ (paper §2). With λ and p (1: MAE, 2: MSE) the four cases of §3.1 are one factor:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)
              = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1)

    F_p'(k; λ) = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
    u = H(|k|^p − λ),  H the step function, H(0) = ½

so the kink is at |k| = λ^(1/p). There a whole interval of derivatives is valid, and H(0) = ½ takes
its middle. All of it is computed in double precision, also for float32, whose range λ may well
leave.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref.support.analytic import absolute, sign
from lai_ref.support.validation import Array, check_array, check_choice, check_positive, to_double

FAR = 2.0**30  # from here on 1 + k² is k² to the last digit


def lai_factor(k: npt.ArrayLike, lam: npt.ArrayLike, order: int = 2) -> Array:
    """F_p(k; λ), what the Lai loss multiplies |e|^p by (paper §3.1), within 4 ulp.

    Parameters
    ----------
    k
        Slopes, (…) or (…, D).
    lam
        λ > 0, one number or (D,).
    order
        p: 1 for Lai MAE, 2 for Lai MSE.

    Returns
    -------
    Array
        Of k's shape and dtype, from ½ at the least up to max(λ, 1/λ).

    Raises
    ------
    ValueError, TypeError
        A k that is not finite, a λ that is not finite or not above 0 or of another length than D,
        another order.

    Examples
    --------
    >>> lai_factor([0.0, 0.5, 1e300], 0.25, order=2)
    array([1. , 0.8, 4. ])
    """
    k, lam, dtype = _factor_arguments(k, lam, order)
    return factor_and_derivative(k, kink_of(lam, order), order)[0].astype(dtype)


def lai_factor_derivative(k: npt.ArrayLike, lam: npt.ArrayLike, order: int = 2) -> Array:
    """F_p'(k; λ), within 8 ulp; at the kink the mean of the slopes on both sides.

    Parameters, shapes and errors as for `lai_factor`.

    Examples
    --------
    >>> lai_factor_derivative([-1.0, 0.5, 1.0], 0.25, order=2)
    array([-2.  ,  0.96,  2.  ])
    """
    k, lam, dtype = _factor_arguments(k, lam, order)
    return factor_and_derivative(k, kink_of(lam, order), order)[1].astype(dtype)


def projections(e: npt.ArrayLike, k: npt.ArrayLike) -> tuple[Array, Array]:
    """The residual's parts along and across the line: a = |e| |sin φ|, b = |e| |cos φ| (§2, §3).

    Parameters
    ----------
    e
        Residuals (N,).
    k
        Slopes (N,) or (N, D).

    Returns
    -------
    a, b
        Each of k's shape. max(a, b) is the paper's Lai loss before λ enters.

    Raises
    ------
    ValueError
        Shapes that do not fit each other, or an entry that is not finite.

    Examples
    --------
    >>> a, b = projections([10.0], [0.75])
    >>> a.tolist(), b.tolist()
    ([6.0], [8.0])
    """
    e = check_array("e", e, ("N",))
    k = check_array("k", k, None)
    k = check_array("k", k, (len(e), "D") if k.ndim == 2 else (len(e),))
    dtype = np.result_type(e, k)
    e, k = to_double(e), to_double(k)
    near, far, d = _frame(k)
    size = absolute(e) if k.ndim == 1 else absolute(e)[:, None]
    return (size * (near / np.sqrt(d))).astype(dtype), (size * (far / np.sqrt(d))).astype(dtype)


class Kink(NamedTuple):
    """λ as F and F' need it: how high the two sides are, and where they meet. Each () or (D,)."""

    low: Array  # min(λ, 1)
    high: Array  # max(λ, 1), which is λ / min(λ, 1)
    beyond: Array  # the least |k| with |k|^p > λ
    at: Array | None  # the |k| with |k|^p = λ, NaN where that is no double; None where none is
    slope: Array  # F' there, for k > 0


def kink_of(lam: Array, order: int) -> Kink:
    """What `factor_and_derivative` needs of a λ that has been checked."""
    knee, at_knee, slope = (a.reshape(lam.shape) for a in _knee(lam.ravel(), order))
    beyond = np.where(at_knee == 1, knee, np.nextafter(knee, np.inf))
    exact = at_knee == 0.5
    at = np.where(exact, knee, np.nan) if exact.any() else None
    return Kink(np.minimum(lam, 1), np.maximum(lam, 1), beyond, at, slope)


def factor_and_derivative(k: Array, kink: Kink, order: int) -> tuple[Array, Array]:
    """`lai_factor` and `lai_factor_derivative` of a checked k, in double precision.

    One function, since they share most of what they compute, in few operations. In the order in
    which these are written, nothing leaves the range of doubles before the result does.
    """
    low, high = kink.low, kink.high
    size = absolute(k)
    u = size.real >= kink.beyond
    fading = size.real.max() > FAR
    if fading:  # near = |k| stops at 2³⁰; what cos φ goes on falling by is far
        near, far, _ = _frame(k)
        k = near * sign(k)
    # 1/cos² φ
    d = 1 + k * k
    if order == 1:
        # F = max(|sin φ| / low, high cos φ)
        root, near = np.sqrt(d), absolute(k)
        above, below = near / root / low, high / root
        # F' = cos³ φ · (sign k / low above the kink, −high k below it)
        cube = sign(k) / (d * root)
        slope = np.where(u, cube / low, -high * (near * cube))
    else:
        # F = max(sin² φ / low, high cos² φ)
        q = k / d  # sin φ cos φ
        up = q / low
        above, below = up * k, high / d
        # F' = 2 sin φ cos φ · cos² φ · (1 / low above the kink, −high below it)
        slope = 2 * np.where(u, up, -high * q) / d
    if fading:
        below = below * far if order == 1 else below * far * far
        slope = slope * far * far * (np.where(u, far, 1) if order == 1 else far)
    if kink.at is not None and (on_kink := size.real == kink.at).any():
        slope = np.where(on_kink, sign(k) * kink.slope, slope)
    return np.maximum(above, below), slope


def check_lam(lam: npt.ArrayLike) -> Array:
    """λ as an array of doubles, () or (D,), each finite and above 0."""
    try:
        a = np.asarray(lam)
    except ValueError:  # rows of unequal length
        a = np.asarray(None)
    if a.dtype.kind not in "iuf":
        raise TypeError(f"lam: expected one number or one a feature, got {a.dtype} {lam!r}")
    a = a.astype(np.float64)
    if a.ndim > 1 or a.size == 0:
        raise ValueError(f"lam: expected one number or shape (D,), got shape {a.shape}")
    for value in a.flat:
        check_positive("lam", value)
    return a


def check_lam_length(lam: Array, k: Array) -> None:
    """Refuse a λ (D,) of another length than k's last axis."""
    if lam.ndim and (k.ndim == 0 or k.shape[-1] != len(lam)):
        lists = f" or a list of D = {k.shape[-1]}, one a feature" if k.ndim else ""
        raise ValueError(f"lam: expected one number{lists}, got a list of {len(lam)}")


def _frame(k: Array) -> tuple[Array, Array, Array]:
    """near, far, d with |sin φ| = near/√d, cos φ = far/√d, d = 1 + near², none of which overflows.

    Up to 2³⁰ simply near = |k|, far = 1. Beyond, near stays there and far = 2³⁰/|k| ≤ 1 carries on.
    """
    size = absolute(k)
    near = np.minimum(size, FAR)
    return near, FAR / np.maximum(size, FAR), 1 + near * near


def _knee(v: Array, order: int) -> tuple[Array, Array, Array]:
    """The |k| nearest to the kink of each λ, H(|k|^p − λ) there, and F' if this is ½.

    Few doubles have a double for square root. For p = 2 the |k| nearest to the kink therefore lies
    mostly on one side of it, and only exact arithmetic can tell on which.
    """
    knee = v if order == 1 else np.sqrt(v)
    pairs = zip(knee.tolist(), v.tolist(), strict=True)
    excess = [Fraction(r) ** order - Fraction(w) for r, w in pairs]
    at_knee = np.array([0.5 if x == 0 else float(x > 0) for x in excess])
    low = np.minimum(v, 1)
    if order == 1:
        # ½ (1 − λ²) cos³ φ / low at |k| = λ; 1 − λ² would cancel where (1 − λ)(1 + λ) does not
        _, far, d = _frame(v)
        slope = (1 - v) * far * ((1 + v) * far) / (d * np.sqrt(d)) * far / 2 / low
    else:
        # |k| (1 − λ) cos⁴ φ / low at |k| = √λ
        slope = knee / (1 + v) * ((1 - v) / (1 + v)) / low
    return knee, at_knee, slope


def _factor_arguments(
    k: npt.ArrayLike, lam: npt.ArrayLike, order: int
) -> tuple[Array, Array, np.dtype[Any]]:
    check_choice("order", order, (1, 2))
    k = check_array("k", k, None)
    lam = check_lam(lam)
    check_lam_length(lam, k)
    return to_double(k), lam, k.dtype
