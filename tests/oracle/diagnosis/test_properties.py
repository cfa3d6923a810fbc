"""Right ports have all properties, and each property is violated by some small wrong port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.diagnosis.follow_up import ask_backend
from lai_ref.oracle.diagnosis.properties import PROPERTIES, broken_properties
from lai_ref.oracle.grading.backend import Reference, reference
from lai_ref.oracle.mutants.port import Port
from tests.oracle.diagnosis.asking import BOTH_DTYPES, Changed


def of_changed_inputs(method: str, f: Callable[[dict[str, Any]], dict[str, Any]]) -> Changed:
    """A change that returns the right answer to other inputs."""
    return Changed(method, lambda given, _: getattr(reference, method)(**(given | f(given))))


def scaled(factor: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any], Any], Any]:
    """Every output multiplied by one number."""
    return lambda given, answer: tuple(part * factor(given) for part in answer)


def loss_with(f: Callable[[dict[str, Any]], dict[str, Any]]) -> Changed:
    """A port whose loss is that of other inputs."""
    return of_changed_inputs("loss", f)


def first_layer(theta: Any, part: slice) -> Any:
    """θ with a part of it fixed."""
    theta = theta.copy()
    theta[part] = 0.125
    return theta


def gradient_with(f: Callable[[dict[str, Any]], dict[str, Any]]) -> Changed:
    """A port whose gradient is that of other inputs."""
    return of_changed_inputs("param_gradient", f)


def settings(**fixed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Other settings for a Lai loss; a plain loss is unchanged."""

    def change(given: dict[str, Any]) -> dict[str, Any]:
        loss = given["loss"]
        return {"loss": loss | fixed if loss["name"] == "lai" else loss}

    return change


def times_last_k(given: dict[str, Any], answer: Any) -> Any:
    """Gradients that depend on k of the last sample."""
    k = given["k"]
    return answer[0], answer[1] * (1 + k[-1, -1] ** 2), answer[2] * (1 + k[-1, -1] ** 2)


def plainly(given: dict[str, Any]) -> dict[str, Any]:
    """The plain loss in place of any loss."""
    return {"loss": {"name": "plain", "order": given["loss"]["order"]}}


# group, the sentence about the output, and a port that violates the property
BREAKING: list[tuple[str, str, Reference]] = [
    ("factor", "F differs between k and −k", of_changed_inputs(
        "factor", lambda g: {"k": np.maximum(g["k"], 0)})),
    ("factor", "F' does not change sign between k and −k", Changed(
        "factor", lambda g, a: (a[0], abs(a[1])))),
    ("factor", "F of one k depends on the other k of the array", of_changed_inputs(
        "factor", lambda g: {"k": g["k"] * (1 + abs(g["k"]).max())})),
    ("factor", "F does not depend on λ", of_changed_inputs("factor", lambda g: {"lam": 1.0})),
    ("factor", "F does not depend on p", of_changed_inputs("factor", lambda g: {"order": 2})),
    ("loss", "value changes with the sign of k", loss_with(
        lambda g: {"k": np.maximum(g["k"], 0)})),
    ("loss", "value scales wrongly with e", loss_with(
        lambda g: {"y": g["t"] + np.clip(g["y"] - g["t"], -1, 1)})),
    ("loss", "value changes with the sign of e", loss_with(
        lambda g: {"y": np.maximum(g["y"], g["t"])})),
    ("loss", "dy depends on the order of the samples", Changed(
        "loss", lambda g, a: (a[0], np.sort(a[1]), a[2]))),
    ("loss", "value of a batch given twice is wrong", Changed(
        "loss", lambda g, a: (a[0] * len(g["y"]), a[1], a[2]))),
    ("loss", "value changes if y and t are shifted together", loss_with(
        lambda g: {"t": 0.9 * g["t"]})),
    ("loss", "dy of one sample depends on k of another sample", Changed("loss", times_last_k)),
    ("loss", "dk of one feature depends on k of another feature", Changed(
        "loss", lambda g, a: (*a[:2], a[2] * (1 + g["k"][:, -1:] ** 2)))),
    ("loss", "value does not depend on k", loss_with(lambda g: {"k": 0 * g["k"] + 0.75})),
    ("loss", "value does not depend on λ", loss_with(lambda g: {"lam": 0.5})),
    ("loss", "value does not depend on t", loss_with(lambda g: {"t": 0 * g["t"]})),
    ("loss", "value does not depend on p", loss_with(lambda g: {"order": 2})),
    ("loss", "dk does not depend on the reduction", loss_with(lambda g: {"reduction": "batch"})),
    ("loss", "value does not depend on ρ", loss_with(lambda g: {"l1_ratio": 0.5})),
    ("input_gradient", "y depends on the order of the samples", Changed(
        "input_gradient", lambda g, a: (np.sort(a[0]), a[1]))),
    ("input_gradient", "y of one sample depends on the other samples", of_changed_inputs(
        "input_gradient", lambda g: {"x": g["x"] - g["x"].mean(axis=0)})),
    ("input_gradient", "y does not increase by 1 with the last bias", Changed(
        "input_gradient", lambda g, a: (a[0] + g["theta"][-1], a[1]))),
    ("input_gradient", "k changes with the last bias", Changed(
        "input_gradient", lambda g, a: (a[0], a[1] + g["theta"][-1]))),
    ("input_gradient", "y does not depend on the first layer's weights", of_changed_inputs(
        "input_gradient", lambda g: {"theta": first_layer(g["theta"], slice(0, 1))})),
    ("input_gradient", "y does not depend on the first layer's biases", of_changed_inputs(
        "input_gradient", lambda g: {"theta": first_layer(
            g["theta"], slice(2 * g["sizes"][1], 2 * g["sizes"][1] + 1))})),
    ("param_gradient", "value depends on the order of the samples", gradient_with(
        lambda g: {"t": np.sort(g["t"])})),
    ("param_gradient", "value changes if every sample is given twice", Changed(
        "param_gradient", scaled(lambda g: len(g["x"])))),
    ("param_gradient", "value does not depend on λ", gradient_with(settings(lam=0.5))),
    ("param_gradient", "value does not depend on the loss", gradient_with(plainly)),
    ("sharded", "value depends on the order of the shards", Changed(
        "sharded_gradient", scaled(lambda g: len(g["shards"][0])))),
    ("sharded", "value depends on how the batch is split", Changed(
        "sharded_gradient", scaled(lambda g: len(g["shards"])))),
    ("sharded", "value depends on the order of the samples within a shard", Changed(
        "sharded_gradient", scaled(lambda g: 1 + g["shards"][0][0]))),
]  # fmt: skip


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize("port", [reference, Port()])
def test_a_right_port_breaks_no_property(port: object, dtype: str) -> None:
    for group in PROPERTIES:
        assert broken_properties(group, ask_backend(port, dtype), dtype) == []


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize(("group", "words", "port"), BREAKING, ids=[row[1] for row in BREAKING])
def test_a_broken_property_is_told(group: str, words: str, port: object, dtype: str) -> None:
    said = broken_properties(group, ask_backend(port, dtype), dtype)
    assert any(sentence.startswith(words) for sentence in said), said


def test_every_property_is_broken_by_some_port() -> None:
    for group, properties in PROPERTIES.items():
        words = {rule.words for rule in properties()}
        told = {
            text for text in words for of, start, _ in BREAKING
            if of == group and text.startswith(start.split(" ", 1)[1])
        }  # fmt: skip
        assert told == words


def test_the_numbers_that_should_be_equal_are_given() -> None:
    port = of_changed_inputs("factor", lambda g: {"k": np.maximum(g["k"], 0)})
    (first, *_) = broken_properties("factor", ask_backend(port, "float64"), "float64")
    numbers = first.split(": expected ")[1].split(", got ")
    assert numbers[0] != numbers[1] and all(map(float, numbers))


def test_nothing_is_said_of_a_port_that_answers_nan_or_not_at_all() -> None:
    class Silent:
        pass

    not_a_number = Changed("factor", lambda g, a: tuple(part * np.nan for part in a))
    for port in (Silent(), not_a_number):
        assert broken_properties("factor", ask_backend(port, "float64"), "float64") == []
    assert broken_properties("adam", ask_backend(Silent(), "float64"), "float64") == []
