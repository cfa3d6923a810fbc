"""What the oracle asks: the inputs of every case, and why it is asked.

Ordinary numbers are random sixty-fourths, kept away from kinks; what is special about the others
their `about` says. All are made from fixed seeds, in a fixed order, so that ids stay what they are.
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
    """Numbers as exact decimal strings; whole numbers, words and structure as they are."""
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
