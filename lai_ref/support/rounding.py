"""Numbers as short as a JSON file needs them."""

from __future__ import annotations

from typing import Any

import numpy as np


def rounded(values: Any, digits: int) -> Any:
    """Numbers in nested lists, rounded to so many significant digits."""
    if isinstance(values, list | np.ndarray):
        return [rounded(value, digits) for value in values]
    return float(f"{float(values):.{digits}g}")
