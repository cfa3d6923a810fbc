"""The Lai factor F, its derivative, and the geometry behind it.

The residual |e| has the components |e| |sin φ| along and |e| |cos φ| across a line of slope
k = tan φ (paper §2). With λ and p (1: MAE, 2: MSE) the four cases of §3.1 are one factor:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)
              = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1)

    F_p'(k; λ) = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
    u = H(|k|^p − λ),  H the step function, H(0) = ½

so the kink is at |k| = λ^(1/p). There a whole interval of slopes is valid, and H(0) = ½ takes its
middle. All of it is computed in double precision, also for float32, whose range λ may well leave.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.analytic import absolute, sign
from lai_ref.arguments import Array, as_array, one_of, positive, widen

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
    return factor(k, lam, order).astype(dtype)


def lai_factor_slope(k: npt.ArrayLike, lam: npt.ArrayLike, order: int = 2) -> Array:
    """F_p'(k; λ), within 8 ulp; at the kink the mean of the slopes on both sides.

    Parameters, shapes and errors as for `lai_factor`.

    Examples
    --------
    >>> lai_factor_slope([-1.0, 0.5, 1.0], 0.25, order=2)
    array([-2.  ,  0.96,  2.  ])
    """
    k, lam, dtype = _factor_arguments(k, lam, order)
    return factor_slope(k, lam, order).astype(dtype)


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
    e = as_array("e", e, ("N",))
    k = as_array("k", k, None)
    k = as_array("k", k, (len(e), "D") if k.ndim == 2 else (len(e),))
    dtype = np.result_type(e, k)
    e, k = widen(e), widen(k)
    near, far, d = _frame(k)
    size = absolute(e) if k.ndim == 1 else absolute(e)[:, None]
    return (size * (near / np.sqrt(d))).astype(dtype), (size * (far / np.sqrt(d))).astype(dtype)


def factor(k: Array, lam: Array, order: int) -> Array:
    """`lai_factor` for arguments that have been checked, in double precision."""
    near, far, d = _frame(k)
    low, high = np.minimum(lam, 1), np.maximum(lam, 1)
    # F = max(|sin φ|^p / min(λ, 1), max(λ, 1) |cos φ|^p)
    if order == 1:
        root = np.sqrt(d)
        return np.maximum(near / root / low, high * far / root)
    return np.maximum(near / d / low * near, high * far / d * far)


def factor_slope(k: Array, lam: Array, order: int) -> Array:
    """`lai_factor_slope` for arguments that have been checked, in double precision."""
    near, far, d = _frame(k)
    low, high = np.minimum(lam, 1), np.maximum(lam, 1)
    knee, at_knee, knee_slope = (a.reshape(lam.shape) for a in _knee(tuple(lam.flat), order))
    # |F'| above and below the kink; multiplied in this order, no intermediate leaves the range of
    # doubles before the result does
    if order == 1:
        # above: cos³ φ / low;  below: λ |k| cos³ φ / low
        cube = d * np.sqrt(d)
        above = 1 / cube / low * far * far * far
        below = near / cube * high * far * far
    else:
        # above: 2 |k| cos⁴ φ / low;  below: 2 λ |k| cos⁴ φ / low
        steep = 2 * near / (d * d)
        above = steep / low * far * far * far
        below = steep * high * far * far * far
    u = np.heaviside(absolute(k).real - knee, at_knee)
    # F' = sign k · (above, −below, or the mean of the two)
    return sign(k) * np.where(u == 1, above, np.where(u == 0, -below, knee_slope))


def lam_array(lam: npt.ArrayLike) -> Array:
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
        positive("lam", value)
    return a


def check_lam_fits(lam: Array, k: Array) -> None:
    """Refuse a λ (D,) of another length than k's last axis."""
    if lam.ndim and (k.ndim == 0 or k.shape[-1] != len(lam)):
        raise ValueError(
            f"lam: expected one number or one a feature of k {k.shape}, got {len(lam)}"
        )


def _frame(k: Array) -> tuple[Array, Array, Array]:
    """near, far, d with |sin φ| = near/√d, cos φ = far/√d, d = 1 + near², none of which overflows.

    Up to 2³⁰ simply near = |k|, far = 1. Beyond, near stays there and far = 2³⁰/|k| ≤ 1 carries on.
    """
    size = absolute(k)
    near = np.minimum(size, FAR)
    return near, FAR / np.maximum(size, FAR), 1 + near * near


@lru_cache(maxsize=256)
def _knee(lam: tuple[float, ...], order: int) -> tuple[Array, Array, Array]:
    """The |k| nearest to the kink, H(|k|^p − λ) there, and F' for the case that this is ½.

    Few doubles have a double for square root. For p = 2 the |k| nearest to the kink therefore lies
    mostly on one side of it, and only exact arithmetic can tell on which.
    """
    v = np.array(lam)
    knee = v if order == 1 else np.sqrt(v)
    excess = [Fraction(r) ** order - Fraction(w) for r, w in zip(knee.tolist(), lam, strict=True)]
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
    one_of("order", order, (1, 2))
    k = as_array("k", k, None)
    lam = lam_array(lam)
    check_lam_fits(lam, k)
    return widen(k), lam, k.dtype
