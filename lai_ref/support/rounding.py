"""Rounded numbers, and compact JSON of them."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np


def rounded(values: Any, digits: int) -> Any:
    """Numbers in nested lists, rounded to `digits` significant digits."""
    if isinstance(values, list | np.ndarray):
        return [rounded(value, digits) for value in values]
    return float(f"{float(values):.{digits}g}")


def json_text(content: Any) -> str:
    """JSON in which every list of numbers has a line of its own."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # a JSON string contains no line break
    return re.sub(r"\[\n([^][{}]*?)\n\s*\]", lambda m: f"[{' '.join(m[1].split())}]", text) + "\n"
