"""The Lai factor F, its derivative F' = ∂F/∂k, and the projections behind it.

A line of slope k = tan φ splits the residual |e| into |e| |sin φ| along the line and |e| |cos φ|
perpendicular to it (paper §2). With λ and p (1: MAE, 2: MSE) the four cases of §3.1 are one factor:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)
              = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1)

    F_p'(k; λ) = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
    u = H(|k|^p − λ),  H the step function

At the kink, |k| = λ^(1/p), every number between the one-sided derivatives is a subgradient of F;
H(0) = ½ takes the midpoint. Results are computed in double precision, also for float32 arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.support.analytic import absolute, sign
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.kink import Kink, check_lam, check_lam_length, clamped, kink_of, scaled
from lai_ref.support.validation import Array, check_array, check_choice, to_double


@ignores_error_state
def lai_factor(k: npt.ArrayLike, lam: npt.ArrayLike, order: int = 2) -> Array:
    """F_p(k; λ), by which the Lai loss multiplies |e|^p (paper §3.1), within 4 ulp.

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
        Of k's shape and dtype, between ½ and max(λ, 1/λ).

    Raises
    ------
    ValueError, TypeError
        A k that is not finite; a λ that is not finite and positive, or not of length D; another
        order.

    Examples
    --------
    >>> lai_factor([0.0, 0.5, 1e300], 0.25, order=2)
    array([1. , 0.8, 4. ])
    """
    k, lam, dtype = _check_arguments(k, lam, order)
    return factor_and_derivative(k, kink_of(lam, order), order)[0].astype(dtype)


@ignores_error_state
def lai_factor_derivative(k: npt.ArrayLike, lam: npt.ArrayLike, order: int = 2) -> Array:
    """F_p'(k; λ), within 8 ulp; at the kink the midpoint of the subdifferential.

    Parameters, shapes and errors are those of `lai_factor`.

    Examples
    --------
    >>> lai_factor_derivative([-1.0, 0.5, 1.0], 0.25, order=2)
    array([-2.  ,  0.96,  2.  ])
    """
    k, lam, dtype = _check_arguments(k, lam, order)
    return factor_and_derivative(k, kink_of(lam, order), order)[1].astype(dtype)


@ignores_error_state
def projections(e: npt.ArrayLike, k: npt.ArrayLike) -> tuple[Array, Array]:
    """Project |e| on the line, a = |e| |sin φ|, and on its perpendicular, b = |e| |cos φ| (§2, §3).

    Parameters
    ----------
    e
        Residuals (N,).
    k
        Slopes (N,) or (N, D).

    Returns
    -------
    a, b
        Each of k's shape. max(a, b) is the Lai loss of the paper's §2, without λ.

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
    k = to_double(k)
    tan, c = clamped(k, absolute(k))
    # sin φ = tan/r, cos φ = c/r
    r = np.sqrt(1 + tan * tan)
    abs_e = absolute(to_double(e))
    abs_e = abs_e if k.ndim == 1 else abs_e[:, None]
    return (abs_e * (absolute(tan) / r)).astype(dtype), (abs_e * (c / r)).astype(dtype)


def factor_and_derivative(k: Array, kink: Kink, order: int) -> tuple[Array, Array]:
    """F and F' of a checked k in double precision.

    One function, since they share most operations. These are ordered so that no intermediate value
    overflows or underflows before the result does. c is 1 for |k| ≤ 2³⁰, see `support.kink`.
    """
    low, high = kink.low, kink.high  # min(λ, 1), and λ / min(λ, 1) = max(λ, 1)
    abs_k = absolute(k)
    above = kink.above(abs_k)
    # sin φ = tan/√d, cos φ = c/√d
    tan, c = clamped(k, abs_k)
    d = 1 + tan * tan
    if order == 1:
        # F = max(|sin φ| / low, high cos φ)
        root, abs_tan = np.sqrt(d), absolute(tan)
        F = np.maximum(abs_tan / root / low, scaled(high / root, c, 1))
        # F' = sign k cos³ φ · (1 / low above the kink, −high |k| below)
        sign_cos3 = sign(k) / (d * root)
        rising, falling = sign_cos3 / low, -high * (abs_tan * sign_cos3)
        dF = np.where(above, scaled(rising, c, 3), scaled(falling, c, 2))
    else:
        # F = max(sin² φ / low, high cos² φ)
        sin_cos = tan / d
        sin_cos_low = sin_cos / low
        F = np.maximum(sin_cos_low * tan, scaled(high / d, c, 2))
        # F' = 2 sin φ cos φ · cos² φ · (1 / low above the kink, −high below)
        dF = scaled(2 * np.where(above, sin_cos_low, -high * sin_cos) / d, c, 3)
    return F, kink.with_subgradient(dF, k, abs_k)


def _check_arguments(
    k: npt.ArrayLike, lam: npt.ArrayLike, order: int
) -> tuple[Array, Array, np.dtype[Any]]:
    check_choice("order", order, (1, 2))
    k = check_array("k", k, None)
    lam = check_lam(lam)
    check_lam_length(lam, k.shape)
    return to_double(k), lam, k.dtype
