"""What a port is called with: a case's inputs as Python's numbers and NumPy's arrays."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from lai_ref.oracle.case import INPUTS, LAM, LOSS, MATRIX, VECTOR, Case, mapped


def arguments(group: str, inputs: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The inputs of a case by name, fresh arrays each time."""
    return {name: _argument(value, INPUTS[group][name], dtype) for name, value in inputs.items()}


@lru_cache(maxsize=2_000)
def inputs_of(case: Case, dtype: str = "float64") -> dict[str, Any]:
    """The inputs of a case by name, the same arrays each time: to be read, not written to."""
    return arguments(case.group, case.inputs, dtype)


def fresh_inputs_of(case: Case, dtype: str) -> dict[str, Any]:
    """The inputs of a case by name, in arrays of its own, for a port to do with as it likes."""
    return {name: _copied(value) for name, value in inputs_of(case, dtype).items()}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(part) for part in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def _argument(value: Any, kind: Any, dtype: str) -> Any:
    if kind is dict:  # a loss
        return {name: _argument(part, LOSS.get(name), dtype) for name, part in value.items()}
    if isinstance(value, Decimal | float):
        return float(value)
    if kind in (VECTOR, MATRIX, LAM):
        return np.array(mapped(float, value), dtype=dtype)
    if kind is list:  # the port's own, to do with as it likes
        return [_rows(item) for item in value]
    return value


def _rows(item: Any) -> Any:
    """Of a list of batches, of shards, or of layers, which have sizes and no rows."""
    if isinstance(item, dict):
        return _rows(item["rows"]), _rows(item["lai_rows"])
    return np.array(item, dtype=np.intp) if isinstance(item, list) else item
