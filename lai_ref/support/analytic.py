"""|z| and sign z for complex z, as the complex step needs them; NumPy defines them otherwise.

The complex step (Squire & Trapp 1998) reads a derivative off the imaginary part, f'(x) ≈
Im f(x + ih)/h, without the cancellation of a difference. It requires the analytic continuation of
f: |z| is z for Re z ≥ 0 and −z for Re z < 0, not the modulus. NumPy's `maximum`, `minimum`, `exp`,
`tanh`, `log1p` and `sqrt` need no replacement.
"""

from __future__ import annotations

import numpy as np

from lai_ref.support.validation import Array


def absolute(z: Array) -> Array:
    """|z|, of z's shape and dtype; for complex z, z or −z by the sign of the real part."""
    if z.dtype.kind == "c":
        return np.where(z.real < 0, -z, z)
    return np.abs(z)


def sign(z: Array) -> Array:
    """The sign of the real part: −1, 0 or 1, real, of z's shape."""
    signs: Array = np.sign(z.real)
    return signs
