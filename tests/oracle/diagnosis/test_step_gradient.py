"""The gradient that a training step used is decomposed into those of its samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.diagnosis.step_gradient import EXPECTED, _solved, mixture
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import outcomes_of, tables_of

NAMES = tuple(EXPECTED)


class Mixed(Port):
    """Trains with any combination of the four gradients."""

    def __init__(self, *weights: float) -> None:
        self.weights = weights

    def mixed_gradient(self, parts: Any, *, x: Array, t: Array, **net: Any) -> Array:
        n = sum(len(rows) for rows, _ in parts)
        if len(parts) < 2:
            return super().mixed_gradient(parts, x=x, t=t, **net)
        (rest, plain), (lai_rows, lai) = parts
        pairs = ((rest, plain), (lai_rows, lai), (lai_rows, plain), (rest, lai))
        total: Array = np.zeros_like(net["theta"])
        for weight, (rows, loss) in zip(self.weights, pairs, strict=True):
            _, grad = self.value_and_gradient(x=x[rows], t=t[rows], loss=loss, **net)
            total = total + weight * len(rows) / n * grad
        return total


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ((1, 2, 0, 0), f"{NAMES[1]} is multiplied by 2"),
        ((1, 0, 1, 0), f"{NAMES[1]} is missing and 1 · {NAMES[2]} is added"),
        ((1, 1, 0, 0.5), f"0.5 · {NAMES[3]} is added"),
        pytest.param((0, 1, 0, 0), f"{NAMES[0]} is missing", marks=pytest.mark.slow),
        pytest.param((1, 1, 1, 0), f"1 · {NAMES[2]} is added", marks=pytest.mark.slow),
        pytest.param((1, -1, 0, 0), f"{NAMES[1]} has the wrong sign", marks=pytest.mark.slow),
    ],
)
def test_the_mixture_of_gradients_is_recovered(weights: tuple[float, ...], words: str) -> None:
    theta = tables_of(Mixed(*weights), "train")["theta"]
    assert mixture(theta, "float64") == f"the gradient of a step is a sum in which {words}"


@pytest.mark.parametrize(
    ("port", "dtype"), [(reference, "float32"), (Mixed(1, 1, 0, 0), "float64")]
)
def test_nothing_is_said_about_the_right_mixture(port: object, dtype: str) -> None:
    assert mixture(tables_of(port, "train", dtype)["theta"], dtype) == ""


@pytest.mark.slow
def test_nothing_is_said_about_another_mistake() -> None:
    class Decaying(Port):
        def adam_step(self, *, theta: Array, **rest: Any) -> Any:
            after, m, v = super().adam_step(theta=theta, **rest)
            return after - 1e-3 * theta, m, v

    class Noisy(Port):
        def train(self, **given: Any) -> Array:
            path = super().train(**given)
            noise: Array = path * (1 + 1e-4 * np.random.default_rng(1).normal(size=path.shape))
            return noise

    class NotANumber(Port):
        def train(self, **given: Any) -> Array:
            return super().train(**given) * np.nan

    for port in (Decaying(), Noisy(), NotANumber()):
        numbers = tables_of(port, "train")["theta"]
        assert numbers.wrong.any() and mixture(numbers, "float64") == ""


def test_a_step_is_solved_for_its_gradient() -> None:
    steps = [o for o in outcomes_of(Port(), "train") if o.case.inputs["step"] > 0]
    solved = 0
    for outcome in steps:
        given = arguments("train", outcome.case.inputs, "float64")
        if len(given["batches"]) > 1:
            continue
        ((rows, lai_rows),) = given["batches"]
        parts = Port().parts(rows, lai_rows, given["plain"], given["loss"])
        net = {name: given[name] for name in ("sizes", "activation", "theta", "x", "t")}
        grad = Port().mixed_gradient(parts, **net)
        found, error = _solved(given, 0.9 * grad, outcome, "float64")
        settled = np.isfinite(found)
        assert (np.abs(found - grad) <= error + 1e-9 * np.abs(grad))[settled].all()
        solved += int(settled.sum())
    assert solved > 100
