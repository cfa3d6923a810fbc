"""The correct ports of `tests.independent` agree with `lai_ref`, and the wrong ones do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle import reference
from lai_ref.oracle.reporting.report import INACCURATE
from tests.independent.numpy_port import NumpyPort
from tests.independent.scalar_port import ScalarPort
from tests.independent.wrong_ports import WRONG_PORTS, WrongPort

ACTIVATIONS = ("identity", "relu", "tanh", "softplus", "silu")
LAM_LIST = np.array([0.25, 1.0, 2.0])
LAI = {"name": "lai", "lam": 0.25, "order": 2, "l1_ratio": 0.25, "reduction": "batch"}
ADAM = {"lr": 0.01, "beta1": 0.75, "beta2": 0.875, "eps": 2.0**-10}
METHODS = {"adam": "adam_step", "sharded": "sharded_gradient"}
GROUPS = ("factor", "loss", "input_gradient", "param_gradient", "adam", "train", "sharded")
BOUND = {"float64": 1e-12, "float32": 1e-4}


def questions(group: str, dtype: str) -> list[dict[str, Any]]:
    """Ordinary inputs of a group's method, away from kinks; lists of λ that do not fit."""
    rng = np.random.default_rng(5)

    def normal(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(dtype)

    def network(activation: str = "tanh", samples: int = 6) -> dict[str, Any]:
        theta, x = normal(3 * 4 + 4 + 4 * 2 + 2 + 2 + 1), normal(samples, 3)
        return {"sizes": [3, 4, 2, 1], "activation": activation, "theta": theta, "x": x}

    def asked() -> Iterator[dict[str, Any]]:
        if group == "factor":
            for order in (1, 2):
                for number in (0.25, 1.0, 2.0):
                    k = np.array([-8, -1.5, -1.125, -0.375, 0, 0.3125, 0.75, 1.25, 4], dtype)
                    yield {"k": k, "lam": number, "order": order}
        elif group == "loss":
            lams: tuple[Any, ...] = (0.25, 2.0, LAM_LIST.astype(dtype), LAM_LIST[:2].astype(dtype))
            for lam, options in product(lams, (LAI, LAI | {"order": 1, "reduction": "sample"})):
                batch = {"y": normal(4), "t": normal(4), "k": 2 * normal(4, 3)}
                yield {**batch, **options, "lam": lam}
                yield {**batch, **options, "lam": lam, "y": batch["t"]}
        elif group == "input_gradient":
            yield from (network(activation) for activation in ACTIVATIONS)
            yield network(samples=1)
        elif group == "param_gradient":
            for activation in ACTIVATIONS:
                for loss in ({"name": "plain", "order": 2}, {"name": "plain", "order": 1}, LAI):
                    yield {**network(activation), "t": normal(6), "loss": loss}
        elif group == "adam":
            for t in (0, 3):
                moments = {"m": normal(4), "v": normal(4) ** 2}
                yield {"theta": normal(4), "grad": normal(4), "t": t, **moments, **ADAM}
        elif group == "train":
            pairs = [([0, 2, 3], [2]), ([5, 1, 4], [4, 5]), ([1, 2], []), ([3, 0], [3, 0])]
            batches = [(np.array(rows), np.array(lai, int)) for rows, lai in pairs]
            moments = {"m": normal(29), "v": normal(29) ** 2, "step": 3}
            options = {"plain": 1, "loss": LAI, "batches": batches}
            yield {**network(), "t": normal(6), **moments, **ADAM, **options}
        else:
            shards = [np.array([4, 1, 0]), np.array([5]), np.array([2, 3])]
            yield {**network(), "t": normal(6), "loss": LAI, "shards": shards}

    return [{name: given for name, given in one.items() if name != "name"} for one in asked()]


def answers(port: Any, group: str, dtype: str) -> list[list[Any] | None]:
    """Arrays, or None where the port rejects the input."""
    method = getattr(port, METHODS.get(group, group))
    results: list[list[Any] | None] = []
    for question in questions(group, dtype):
        try:
            result = method(**question)
        except ValueError:
            results.append(None)
        else:
            parts = result if isinstance(result, tuple) else (result,)
            results.append([np.asarray(part) for part in parts])
    return results


def largest_error(port: Any, group: str, dtype: str) -> float:
    """Relative to the largest number of an array; infinite where the kind of answer differs."""
    largest = 0.0
    both = zip(answers(port, group, dtype), answers(reference, group, dtype), strict=True)
    for got, expected in both:
        if got is None or expected is None:
            if got is not expected:
                return np.inf
            continue
        for a, b in zip(got, expected, strict=True):
            if a.shape != b.shape or not np.all(np.isfinite(a)):
                return np.inf
            error, scale = np.max(np.abs(a - b)), np.max(np.abs(b))
            largest = max(largest, float(error) / max(float(scale), 1e-3))
    return largest


@pytest.mark.parametrize("dtype", BOUND)
@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("port", [NumpyPort(), ScalarPort()], ids=lambda port: type(port).__name__)
def test_a_correct_port_agrees_with_the_reference(port: Any, group: str, dtype: str) -> None:
    assert largest_error(port, group, dtype) < BOUND[dtype]


@pytest.mark.parametrize("wrong", WRONG_PORTS, ids=lambda wrong: wrong.name)
def test_a_wrong_port_is_wrong_in_its_group_and_in_none_before(wrong: WrongPort) -> None:
    before = GROUPS[: GROUPS.index(wrong.group)]
    for group in before:
        assert largest_error(wrong.port, group, "float64") < BOUND["float64"]
    # at least a thousand times what rounding gives
    assert largest_error(wrong.port, wrong.group, "float64") > 1e3 * BOUND["float64"]


def test_names_and_sentences_of_wrong_ports_are_unique() -> None:
    for field in ("name", "mistake"):
        most_common = Counter(getattr(wrong, field) for wrong in WRONG_PORTS).most_common(1)
        assert most_common[0][1] == 1, most_common
    assert all(wrong.mistake.endswith(".") for wrong in WRONG_PORTS)


def test_wrong_ports_cover_every_group() -> None:
    assert set(GROUPS) == {wrong.group for wrong in WRONG_PORTS}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_scalar_port_is_correct_and_inaccurate_at_extreme_values_alone(dtype: str) -> None:
    basic = oracle.check(ScalarPort(), dtype, level="basic")
    assert basic and str(basic).startswith("correct\n"), str(basic)
    strict = oracle.check(ScalarPort(), dtype)
    assert not strict and strict.verdict == INACCURATE, str(strict)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_numpy_port_is_correct_at_level_basic(dtype: str) -> None:
    assert oracle.check(NumpyPort(), dtype, level="basic")
