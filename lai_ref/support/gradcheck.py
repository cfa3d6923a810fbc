"""Numerical derivatives, to check every derivative that is written by hand.

    central    (f(x + h e_j) − f(x − h e_j)) / 2h    error about ε^(2/3): ten digits
    complex    Im f(x + i h e_j) / h                 error about ε, no difference to cancel

The complex step (Squire & Trapp 1998) needs an f that takes complex numbers and is analytic at x.
The losses and the network are, away from their kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_array, check_choice

COMPLEX_STEP = 1e-100  # h; the error, of order h², is far below rounding


@ignores_error_state
def numerical_gradient(f: Callable[[Array], Any], x: Array, method: str = "central") -> Array:
    """The derivative of the scalar f(x) with respect to each entry of x, of x's shape.

    Parameters
    ----------
    f
        Takes an array like x and returns a number; x itself is never changed.
    x
        The point at which f is differentiated, float64.
    method
        ``"central"`` or ``"complex"``.

    Raises
    ------
    ValueError, TypeError
        An unknown method, or an x that is not finite or not float64.

    Examples
    --------
    >>> numerical_gradient(lambda x: (x * x).sum(), np.array([1.0, 2.0]), method="complex")
    array([2., 4.])
    """
    check_choice("method", method, ("central", "complex"))
    x = check_array("x", x, None)
    if x.dtype != np.float64:
        raise TypeError(f"x: expected float64, got {x.dtype}")
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        if method == "complex":
            # Im f(x + i h e_j) / h
            z_step = x.astype(np.complex128)
            z_step[index] += 1j * COMPLEX_STEP
            gradient[index] = np.imag(f(z_step)) / COMPLEX_STEP
        else:
            # (f(x + h e_j) − f(x − h e_j)) / 2h, with the difference of the two arguments for 2h
            h = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(float(x[index])))
            right, left = x.copy(), x.copy()
            right[index] += h
            left[index] -= h
            gradient[index] = (f(right) - f(left)) / (right[index] - left[index])
    return gradient
