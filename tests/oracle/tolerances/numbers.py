"""Numbers with bounds, and the exact numbers for comparison."""

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
    """Each number of nested lists, rounded to float32, as a Decimal."""
    if np.ndim(a):
        return [singles(part) for part in a]
    return Decimal(float(np.float32(a)))


def fields(b: Bounded) -> tuple[float, float, float]:
    return b.value, b.rounding, b.underflow


def first_order(b: Bounded, dtype: str) -> float:
    """The first-order bound: the tolerance without the constant SAFETY."""
    return tolerance(b, dtype) / SAFETY


def decimal_function(name: str, a: Decimal) -> Decimal:
    if name == "tanh":
        return 1 - 2 / ((2 * a).exp() + 1)
    return a.sqrt() if name == "sqrt" else a**7
