"""Numbers with bounds, and the exact numbers that they are compared with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np

from lai_ref.oracle.tolerances.bounded import (
    SAFETY,
    Bounded,
    tolerance,
)

DTYPES = ("float64", "float32")


def singles(a: Any) -> Any:
    """Nested lists of the float32 nearest to each number, as decimals."""
    if np.ndim(a):
        return [singles(part) for part in a]
    return Decimal(float(np.float32(a)))


def fields(b: Bounded) -> tuple[float, float, float]:
    return b.value, b.rounding, b.underflow


def first_order(b: Bounded, dtype: str) -> float:
    """The bound without its constant."""
    return tolerance(b, dtype) / SAFETY


def decimal_function(name: str, a: Decimal) -> Decimal:
    if name == "tanh":
        return 1 - 2 / ((2 * a).exp() + 1)
    return a.sqrt() if name == "sqrt" else a**7
