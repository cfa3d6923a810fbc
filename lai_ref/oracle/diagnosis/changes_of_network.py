"""Changes of the inputs of networks, of Adam and of training that are common mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from lai_ref.oracle.diagnosis.changes import (
    Change,
    Function,
    Inputs,
    always,
    by_column,
    changes_of_loss_settings,
    of_input,
)
from lai_ref.support.validation import Array

TINY = 1e-300  # in place of ε = 0, which is invalid
ACTIVATIONS = ("identity", "relu", "tanh", "softplus", "silu")
LAYOUTS: Mapping[str, Callable[[Array, Array], list[Array]]] = {
    "no biases": lambda W, b: [W, 0 * b],
    "biases of the opposite sign": lambda W, b: [W, -b],
    "each W read as (fan_out, fan_in) and transposed": lambda W, b: [W.reshape(W.shape[::-1]).T, b],
    "b read before W in each layer": lambda W, b: [
        np.concatenate([W.ravel(), b])[b.size :],
        np.concatenate([W.ravel(), b])[: b.size],
    ],
}


def from_one(rows: Array) -> Array:
    """Samples by indices that count from 1; R, for example, omits the index 0."""
    return rows[rows > 0] - 1


GRADIENTS: Mapping[str, Function] = {
    "−g in place of g": np.negative,
    "sign g in place of g": np.sign,
    "g clipped to [−1, 1]": lambda g: np.clip(g, -1, 1),
    "g clipped to a norm of 1": lambda g: g / max(1.0, float(np.linalg.norm(g))),
    "g divided by its norm": lambda g: g / (np.linalg.norm(g) or 1.0),
}
BATCHES: Mapping[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "the Lai loss for every sample": lambda rows, lai: (rows, rows),
    "the Lai loss for the whole batch if any sample has it": lambda rows, lai: (
        rows,
        rows if len(lai) else lai,
    ),
    "the plain loss for every sample": lambda rows, lai: (rows, lai[:0]),
    "the two losses exchanged": lambda rows, lai: (rows, rows[~np.isin(rows, lai)]),
    "the Lai loss for the first samples of the batch": lambda rows, lai: (rows, rows[: len(lai)]),
    "the Lai loss for the last samples of the batch": lambda rows, lai: (
        rows,
        rows[len(rows) - len(lai) :],
    ),
    "`lai_rows` as positions in the batch": lambda rows, lai: (
        rows,
        rows[np.isin(np.arange(len(rows)), lai)],
    ),
    "`rows` and `lai_rows` counted from 1, without row 0": lambda rows, lai: (
        from_one(rows),
        from_one(lai),
    ),
    "the Lai samples alone, where there are any": lambda rows, lai: (
        (lai, lai) if len(lai) else (rows, lai)
    ),
}


def changes_of_network() -> Iterator[tuple[str, Change]]:
    """For `input_gradient`: activation, θ and x."""
    for name in ACTIVATIONS:
        yield f"the activation {name} in every case", of_input("activation", always(name))
    for words, layout in LAYOUTS.items():
        yield words, _of_layers(layout)
    yield "θ read as every W, then every b", _all_weights_first
    yield "−x in place of x", of_input("x", np.negative)
    yield "x with its features reversed", of_input("x", lambda x: np.flip(x, 1))
    yield "x read column by column", of_input("x", by_column)
    yield "x less its mean over the batch", of_input("x", lambda x: x - x.mean(axis=0))


def _all_weights_first(given: Inputs) -> Inputs:
    """θ read as every W, then every b, and written in the right layout."""
    weights, biases, start = [], [], 0
    pairs = list(pairwise(given["sizes"]))
    for a, b in pairs:
        weights.append(given["theta"][start : start + a * b])
        start += a * b
    for _, b in pairs:
        biases.append(given["theta"][start : start + b])
        start += b
    parts = [part for pair in zip(weights, biases, strict=True) for part in pair]
    return given | {"theta": np.concatenate(parts)}


def changes_of_param_gradient() -> Iterator[tuple[str, Change]]:
    """For `param_gradient`: those of the network and of the loss, and t."""
    yield from changes_of_network()
    yield from changes_of_loss_settings()
    yield "t with its samples reversed", of_input("t", np.flip)
    yield "t = 0", of_input("t", np.zeros_like)
    yield "the plain loss of the same p", of_input("loss", _plain)
    for name in ("plain", "lai"):
        for p in (1, 2):
            yield f"p = {p} for the {name} loss", of_input("loss", _with_order(name, p))


def changes_of_shards() -> Iterator[tuple[str, Change]]:
    """For `sharded`: which samples, and those of `param_gradient`."""
    yield "the first shard alone", of_input("shards", lambda shards: shards[:1])
    yield (
        "the indices in `shards` counted from 1, without index 0",
        of_input("shards", lambda shards: [from_one(rows) for rows in shards]),
    )
    yield "the last shard alone", of_input("shards", lambda shards: shards[-1:])
    yield (
        "all samples, also those in no shard",
        lambda given: given | {"shards": [np.arange(len(given["x"]))]},
    )
    yield (
        "each shard without its last sample",
        of_input("shards", lambda shards: [rows[: max(1, len(rows) - 1)] for rows in shards]),
    )
    yield from changes_of_param_gradient()


def changes_of_training() -> Iterator[tuple[str, Change]]:
    """For `train`: which samples have which loss, and those of `adam` and `param_gradient`."""
    for words, f in BATCHES.items():
        yield words, of_input("batches", _of_batches(f))
    yield (
        "the plain loss with the p of the Lai loss",
        lambda given: given | {"plain": given["loss"]["order"]},
    )
    yield (
        "the Lai loss with the p of the plain loss",
        lambda given: given | {"loss": given["loss"] | {"order": given["plain"]}},
    )
    yield "t of a batch in the order of x, its x as drawn", _targets_in_order
    yield "p = 2 for the plain loss", of_input("plain", always(2))
    yield "p = 1 for the plain loss", of_input("plain", always(1))
    yield "the learning rate 0.001", of_input("lr", always(0.001))
    yield from _of_state("step")
    yield from changes_of_param_gradient()


def changes_of_adam() -> Iterator[tuple[str, Change]]:
    """For `adam`: the state, the constants and g."""
    yield from _of_state("t")
    for words, f in GRADIENTS.items():
        yield words, of_input("grad", f)


def _of_state(count: str) -> Iterator[tuple[str, Change]]:
    # `t` are the targets in `train`, whose count is `step`
    yield f"{count} + 1 in place of {count}", of_input(count, lambda t: t + 1)
    yield f"{count} − 1 in place of {count}", of_input(count, lambda t: t - 1)
    yield "the step count reset to 0", of_input(count, lambda t: 0)
    yield "β₁ and β₂ exchanged", lambda g: g | {"beta1": g["beta2"], "beta2": g["beta1"]}
    yield "β₁ in place of β₂", lambda g: g | {"beta2": g["beta1"]}
    yield "ε = 0", of_input("eps", always(TINY))
    for eps in (1e-8, 1e-7, 1e-6, 1e-5, 1e-10, 1e-12):
        yield f"ε = {eps:g}", of_input("eps", always(eps))
    yield "ε² in place of ε", of_input("eps", lambda eps: eps**2)
    yield "√ε in place of ε", of_input("eps", lambda eps: eps**0.5)
    yield "m = v = 0 before the step", lambda g: g | {"m": 0 * g["m"], "v": 0 * g["v"]}
    yield "m = 0 before the step", of_input("m", np.zeros_like)
    yield "v = 0 before the step", of_input("v", np.zeros_like)


def _of_layers(layout: Callable[[Array, Array], list[Array]]) -> Change:
    def change(given: Inputs) -> Inputs:
        parts, start = [], 0
        for a, b in pairwise(given["sizes"]):
            middle, end = start + a * b, start + (a + 1) * b
            parts += layout(given["theta"][start:middle].reshape(a, b), given["theta"][middle:end])
            start = end
        return given | {"theta": np.concatenate([np.ravel(part) for part in parts])}

    return change


def _of_batches(f: Callable[[Array, Array], tuple[Array, Array]]) -> Function:
    return lambda batches: [f(*batch) for batch in batches]


def _targets_in_order(given: Inputs) -> Inputs:
    """For a single step: t[sorted rows] with x[rows]."""
    ((rows, _),) = given["batches"]
    t = given["t"].copy()
    t[rows] = given["t"][np.sort(rows)]
    return given | {"t": t}


def _with_order(name: str, p: int) -> Function:
    return lambda loss: loss | {"order": p} if loss["name"] == name else loss


def _plain(loss: dict[str, Any]) -> dict[str, Any]:
    return {"name": "plain", "order": loss["order"]}
