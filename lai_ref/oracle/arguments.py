"""The arguments of a port: the inputs of a case as Python numbers and NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from lai_ref.oracle.case import INPUTS, LAM, LOSS, MATRIX, VECTOR, Case, mapped


def arguments(group: str, inputs: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The inputs of a case by name, in new arrays."""
    return {name: _argument(value, INPUTS[group][name], dtype) for name, value in inputs.items()}


@lru_cache(maxsize=2_000)
def inputs_of(case: Case, dtype: str = "float64") -> dict[str, Any]:
    """The inputs of a case by name, the same arrays in every call: do not write to them."""
    return arguments(case.group, case.inputs, dtype)


def fresh_inputs_of(case: Case, dtype: str) -> dict[str, Any]:
    """The inputs of a case by name, in copies that a port may overwrite."""
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
    if kind is list:
        return [_rows(item) for item in value]
    return value


def _rows(item: Any) -> Any:
    """The indices of a batch or a shard as arrays; a layer size is an integer and stays one."""
    if isinstance(item, dict):
        return _rows(item["rows"]), _rows(item["lai_rows"])
    return np.array(item, dtype=np.intp) if isinstance(item, list) else item
