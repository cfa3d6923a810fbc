"""Properties of the right answers that the port's answers lack, found by further questions.

Each property is a pair of questions and a relation between their answers: F is even in k, the loss
is homogeneous of degree p in e, a sample depends only on its own k, the order of the samples is
irrelevant, a doubled batch has the same loss, and the answers depend on k, λ, ρ and t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.diagnosis.follow_up import Ask, Reply
from lai_ref.oracle.diagnosis.numbers import symbol
from lai_ref.oracle.diagnosis.other_inputs import right_answer
from lai_ref.oracle.diagnosis.probes import (
    LOSSES,
    NETWORKS,
    Inputs,
    T,
    factor_probe,
    loss_probe,
    network_probe,
)
from lai_ref.support.validation import Array

SPARE = {"float64": 1e-8, "float32": 1e-3}  # tolerance, relative to the largest magnitude
Rule = Callable[[Array, Array], tuple[Array, Array]]  # two numbers or arrays that should be equal


class Property(NamedTuple):
    """Words for a violation, two inputs, and what should be equal in their answers."""

    words: str
    base: Inputs
    changed: Inputs
    equal: Mapping[str, Rule]
    differs: bool = False  # the answers should differ


def broken_properties(group: str, ask: Ask, dtype: str) -> list[str]:
    """One sentence with numbers for each property that the port violates."""
    rules = list(PROPERTIES[group]()) if group in PROPERTIES else []
    questions = [(group, inputs) for rule in rules for inputs in (rule.base, rule.changed)]
    replies = ask(questions) if questions else []
    broken: dict[tuple[str, str], list[str]] = {}
    for i, rule in enumerate(rules):
        base, changed = replies[2 * i], replies[2 * i + 1]
        for output in rule.equal if base is not None and changed is not None else ():
            words = _broken(rule, output, base, changed, group, dtype)
            if words is not None:
                broken.setdefault((output, rule.words), []).append(words)
    differs = {rule.words for rule in rules if rule.differs}
    said: dict[str, str] = {}
    for (_, name), every in broken.items():
        # "does not depend on" must hold for all answers; one violation of any other is enough
        words = next((w for w in every if w), "")
        if words and (name not in differs or all(every)):
            said.setdefault(name, words)
    return list(said.values())


def _broken(
    rule: Property, output: str, base: Reply, changed: Reply, group: str, dtype: str
) -> str | None:
    """The sentence about one output; "" if it has the property, None if that is unknown."""
    assert base is not None and changed is not None
    try:
        pair = rule.equal[output](base[output], changed[output])
    except (IndexError, KeyError, ValueError):
        return None
    a, b = (np.asarray(part, float) for part in pair)
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or a.shape != b.shape:
        return None
    gap = np.abs(a - b)
    scale = max(np.abs(a).max(), np.abs(b).max(), 1e-6)
    at = np.unravel_index(int(gap.argmax()), gap.shape)
    alike = bool(gap[at] <= SPARE[dtype] * scale)
    name = symbol(group, output)
    if rule.differs:
        if not _should_differ(rule, output, group):
            return None
        return f"{name} {rule.words}" if alike else ""
    numbers = f"expected {float(a[at]):.6g}, got {float(b[at]):.6g}"
    return "" if alike else f"{name} {rule.words}: {numbers}"


def _should_differ(rule: Property, output: str, group: str) -> bool:
    given = (arguments(group, inputs, "float64") for inputs in (rule.base, rule.changed))
    pair = [right_answer(group, inputs) for inputs in given]
    if pair[0] is None or pair[1] is None:
        return False
    return bool(np.abs(pair[0][output] - pair[1][output]).max() > 1e-3)


def _same(a: Array, b: Array) -> tuple[Array, Array]:
    return a, b


def _opposite(a: Array, b: Array) -> tuple[Array, Array]:
    return -a, b


def _times(c: float) -> Rule:
    return lambda a, b: (c * a, b)


def _at(*place: Any) -> Rule:
    return lambda a, b: (a[place], b[place])


def _permuted(a: Array, b: Array) -> tuple[Array, Array]:
    return a[::-1], b


def _halved(a: Array, b: Array) -> tuple[Array, Array]:
    return a / 2, b[: len(a)]


def _of_factor() -> Iterator[Property]:
    for p in (1, 2):
        for lam in (0.25, 4.0):
            base = factor_probe(p, lam)
            k = base["k"]
            minus = base | {"k": [-k_i for k_i in k]}
            yield Property(
                "differs between k and −k, though F is even", base, minus, {"value": _same}
            )
            yield Property(
                "does not change sign between k and −k, though F' is odd",
                base,
                minus,
                {"slope": _opposite},
            )
            first = base | {"k": k[:1]}
            yield Property(
                "of one k depends on the other k of the array", base, first,
                {"value": _at(slice(0, 1)), "slope": _at(slice(0, 1))},
            )  # fmt: skip
            more = base | {"lam": 1.25 * lam}
            both: dict[str, Rule] = {"value": _same, "slope": _same}
            yield Property("does not depend on λ", base, more, both, differs=True)
            other = base | {"order": 3 - p}
            yield Property("does not depend on p", base, other, both, differs=True)


def _of_loss() -> Iterator[Property]:
    every: dict[str, Rule] = {"value": _same, "dy": _same, "dk": _same}
    for p, reduction, rho in LOSSES:
        base = loss_probe(p, reduction, rho)
        y, t, k = (np.array(base[name]) for name in "ytk")
        yield Property(
            "changes with the sign of k, though the loss is even in k", base,
            base | {"k": (-k).tolist()}, {"value": _same, "dy": _same, "dk": _opposite},
        )  # fmt: skip
        yield Property(
            "scales wrongly with e (e doubled)",
            base, base | {"y": (t + 2 * (y - t)).tolist()},
            {"value": _times(2**p), "dy": _times(2 ** (p - 1)), "dk": _times(2**p)},
        )  # fmt: skip
        yield Property(
            "changes with the sign of e, though the loss is even in e", base,
            base | {"y": (t - (y - t)).tolist()}, {"value": _same, "dy": _opposite, "dk": _same},
        )  # fmt: skip
        turned = {name: base[name][::-1] for name in "ytk"}
        yield Property(
            "depends on the order of the samples", base, base | turned,
            {"value": _same, "dy": _permuted, "dk": _permuted},
        )  # fmt: skip
        twice = {name: base[name] * 2 for name in "ytk"}
        yield Property(
            "of a batch given twice is wrong", base,
            base | twice, {"value": _same, "dy": _halved, "dk": _halved},
        )  # fmt: skip
        shifted = {"y": (y + 2).tolist(), "t": (t + 2).tolist()}
        yield Property("changes if y and t are shifted together", base, base | shifted, every)
        if reduction == "sample" or rho == 1:
            other = k.copy()
            other[2] = [2.0, 0.875]
            yield Property(
                "of one sample depends on k of another sample", base, base | {"k": other.tolist()},
                {"dy": _at(0), "dk": _at(0)},
            )  # fmt: skip
        if rho == 1:
            other = k.copy()
            other[:, 1] = [2.0, 0.875, -0.25]
            yield Property(
                "of one feature depends on k of another feature", base,
                base | {"k": other.tolist()}, {"dk": _at(slice(None), 0)},
            )  # fmt: skip
        other_inputs = {
            "k": {"k": (k * 1.5).tolist()},
            "λ": {"lam": [0.5, 3.0]},
            "t": {"t": (t - 0.25).tolist()},
            "p": {"order": 3 - p},
            "the reduction": {"reduction": "sample" if reduction == "batch" else "batch"},
            "ρ": {"l1_ratio": 0.25},
        }
        for name, change in other_inputs.items():
            yield Property(f"does not depend on {name}", base, base | change, every, differs=True)


def _of_network() -> Iterator[Property]:
    for activation, hidden in NETWORKS:
        base = network_probe(activation, hidden)
        x, theta = base["x"], base["theta"]
        both: dict[str, Rule] = {"y": _same, "k": _same}
        yield Property(
            "depends on the order of the samples", base, base | {"x": x[::-1]},
            {"y": _permuted, "k": _permuted},
        )  # fmt: skip
        yield Property(
            "of one sample depends on the other samples of the batch", base, base | {"x": x[:1]},
            {"y": _at(slice(0, 1)), "k": _at(slice(0, 1))},
        )  # fmt: skip
        raised = base | {"theta": [*theta[:-1], theta[-1] + 1]}
        yield Property(
            "does not increase by 1 with the last bias (y = a W + b)", base, raised,
            {"y": lambda a, b: (a + 1, b)},
        )  # fmt: skip
        yield Property("changes with the last bias", base, raised, {"k": _same})
        if hidden:
            first = base | {"theta": [theta[0] + 0.5, *theta[1:]]}
            yield Property(
                "does not depend on the first layer's weights", base, first, both, differs=True
            )
            at = 2 * hidden[0]
            bias = base | {"theta": [*theta[:at], theta[at] + 0.5, *theta[at + 1 :]]}
            yield Property(
                "does not depend on the first layer's biases", base, bias, both, differs=True
            )


def _of_gradient(shards: bool = False) -> Iterator[Property]:
    both: dict[str, Rule] = {"value": _same, "grad": _same}
    more = {"shards": [[0, 1], [2]]} if shards else {}
    for i, settings in enumerate(("plain", *LOSSES)):
        activation, hidden = NETWORKS[i % 4]
        base = network_probe(activation, hidden, loss=settings) | more
        if shards:
            for words, split in (
                ("depends on the order of the shards", [[2], [0, 1]]),
                ("depends on how the batch is split", [[0, 1, 2]]),
                ("depends on the order of the samples within a shard", [[1, 0], [2]]),
            ):
                yield Property(words, base, base | {"shards": split}, both)
            continue
        turned = {"x": base["x"][::-1], "t": T[::-1]}
        yield Property("depends on the order of the samples", base, base | turned, both)
        twice = {"x": base["x"] * 2, "t": T * 2}
        yield Property("changes if every sample is given twice", base, base | twice, both)
        if settings != "plain":
            lam = base | {"loss": base["loss"] | {"lam": [0.5, 3.0]}}
            yield Property("does not depend on λ", base, lam, both, differs=True)
            plain = base | {"loss": {"name": "plain", "order": settings[0]}}
            yield Property("does not depend on the loss", base, plain, both, differs=True)


PROPERTIES: dict[str, Callable[[], Iterator[Property]]] = {
    "factor": _of_factor,
    "loss": _of_loss,
    "input_gradient": _of_network,
    "param_gradient": _of_gradient,
    "sharded": lambda: _of_gradient(shards=True),
}
