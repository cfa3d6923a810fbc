"""The questions of the oracle: the inputs of every case, and its purpose (`about`).

Ordinary numbers are random multiples of 1/64, away from all kinks; the `about` of any other case
names what is special about it. The generators use fixed seeds and a fixed order, so that an id
always has the same inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.questions import loss, network

Question: TypeAlias = dict[str, Any]

GENERATORS: dict[str, Callable[[np.random.Generator], Iterator[Any]]] = {
    "codec": loss.codec,
    "factor": loss.factor,
    "loss": loss.loss,
    "input_gradient": network.input_gradient,
    "param_gradient": network.param_gradient,
    "adam": loss.adam,
    "train": network.train,
    "sharded": network.sharded,
}


def questions(group: str) -> list[Question]:
    """The questions of a group, in order."""
    rng = np.random.default_rng([20240513, *group.encode()])
    return [
        {"id": f"{group}/{name}", "about": about, "inputs": _texts(inputs), "error": bool(error)}
        for name, about, inputs, *error in GENERATORS[group](rng)
    ]


def _texts(value: Any) -> Any:
    """Floats as exact decimal strings; integers, strings and the structure unchanged."""
    if isinstance(value, dict):
        return {key: _texts(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(part) for part in value]
    if isinstance(value, np.ndarray):
        return _texts(value.tolist())
    if isinstance(value, float):
        return _text(value)
    return value


def _text(value: float) -> str:
    if value != value or value in (np.inf, -np.inf):
        return str(value)
    exactly = Decimal(value)
    return repr(value) if Decimal(repr(value)) == exactly else str(exactly)
