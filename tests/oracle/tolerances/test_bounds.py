"""Bounds of whole answers against real errors, at kinks, and at the limits of the range."""

from __future__ import annotations

import ast
import math
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pytest

from lai_ref.oracle import tolerances
from lai_ref.oracle.case import Case, flat
from lai_ref.oracle.grading.backend import Reference, reference
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.questions.network import ACTIVATIONS
from lai_ref.oracle.tolerances.bounded import (
    AmbiguousBranchError,
    Bounded,
    tolerance,
)
from lai_ref.oracle.tolerances.bounds import bounded_answer
from lai_ref.oracle.tolerances.network import activate
from lai_ref.oracle.truth import answers as exact
from tests.oracle.tolerances.numbers import DTYPES, fields, singles


def random_loss(rng: np.random.Generator, d: int) -> dict[str, Any]:
    lam = 10 ** rng.uniform(-2, 1, d)
    return {
        "name": "lai",
        "lam": singles(lam if rng.random() < 0.3 else lam[0]),
        "order": int(rng.integers(1, 3)),
        "l1_ratio": singles(rng.choice([0.0, 1.0, 0.25])),
        "reduction": str(rng.choice(["batch", "sample"])),
    }


def random_network(rng: np.random.Generator, n: int) -> dict[str, Any]:
    d = int(rng.integers(1, 4))
    sizes = [d, *(int(w) for w in rng.integers(1, 5, rng.integers(0, 4))), 1]
    count = sum((a + 1) * b for a, b in pairwise(sizes))
    return {
        "sizes": sizes,
        "activation": str(rng.choice(ACTIVATIONS)),
        "theta": singles(rng.normal(size=count)),
        "x": singles(rng.normal(size=(n, d))),
    }


def random_inputs(group: str, seed: int) -> dict[str, Any]:
    """Ordinary inputs: a few samples and features, numbers around 1."""
    rng = np.random.default_rng([seed, *group.encode()])
    n = int(rng.integers(1, 6))
    if group == "factor":
        k = rng.normal(size=6) * 10.0 ** rng.uniform(-2, 1.4, 6)
        lam = singles(10 ** rng.uniform(-2, 2))
        return {"k": singles(k), "lam": lam, "order": int(rng.integers(1, 3))}
    if group == "loss":
        d = int(rng.integers(1, 5))
        y, t, k = rng.normal(size=n), rng.normal(size=n), rng.normal(size=(n, d)) * 2
        loss = random_loss(rng, d)
        del loss["name"]
        return {"y": singles(y), "t": singles(t), "k": singles(k), **loss}
    adam = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    constants = {name: singles(number) for name, number in adam.items()}
    if group == "adam":
        g, v = rng.normal(size=(2, 8)) * 10.0 ** rng.uniform(-6, 2, (2, 8))
        taken = int(rng.choice([0, 1, 9, 999]))
        m = singles(rng.normal(size=8) if taken else np.zeros(8))
        v = singles(v * v if taken else np.zeros(8))
        theta = singles(rng.normal(size=8))
        return {"theta": theta, "grad": singles(g), "t": taken, "m": m, "v": v, **constants}
    if group == "train":
        n = 5
    inputs = random_network(rng, n)
    if group == "input_gradient":
        return inputs
    inputs["t"] = singles(rng.normal(size=n))
    loss = random_loss(rng, inputs["sizes"][0])
    plain = {"name": "plain", "order": int(rng.integers(1, 3))}
    inputs["loss"] = loss if group == "train" or rng.random() < 0.8 else plain
    if group == "sharded":
        inputs["shards"] = [list(range(n // 2, n)), list(range(n // 2))][: 1 + n // 2]
    if group == "train":
        rows = [rng.permutation(n)[:3].tolist() for _ in range(4)]
        zeros = singles(np.zeros(len(inputs["theta"])))
        inputs |= {"m": zeros, "v": zeros, "step": 0, "plain": plain["order"], **constants}
        inputs["batches"] = [{"rows": r, "lai_rows": r[: i % 4]} for i, r in enumerate(rows)]
    return inputs


class Known(NamedTuple):
    """A case, its exact answer, and the bounds."""

    case: Case
    truth: dict[str, Any]
    bounds: dict[str, Any]


@cache
def ordinary(group: str, count: int) -> list[Known]:
    """Random cases, without those too close to a kink."""
    found = []
    for seed in range(count):
        inputs = random_inputs(group, seed)
        try:
            bounds = bounded_answer(group, inputs, 0.5)
        except AmbiguousBranchError:
            continue
        case = Case(f"{group}/{seed}", group, "random numbers", inputs, None, None, {})
        found.append(Known(case, exact.answer(group, inputs, Decimal("0.5")), bounds))
    assert len(found) > 0.7 * count
    return found


def measured(known: Known, backend: object, dtype: str) -> list[tuple[float, float, Bounded]]:
    """For every number of the answer: error, tolerance, and its name."""
    answer, found = run_case(backend, known.case, dtype), []
    assert isinstance(answer, dict), answer
    for name, got in answer.items():
        rows = zip(flat(got), flat(known.truth[name]), flat(known.bounds[name]), strict=True)
        found += [(float(abs(g - w)), tolerance(b, dtype), b) for g, w, b in rows]
    return found


# group, number of cases, upper limit of the median ratio of tolerance to error
GROUPS = [
    ("factor", 60, 120),
    ("loss", 40, 150),
    ("input_gradient", 40, 250),
    ("param_gradient", 24, 600),
    ("adam", 30, 100),
    ("train", 6, 500),
    ("sharded", 12, 600),
]


@pytest.mark.parametrize(("group", "count", "most"), GROUPS)
def test_errors_are_within_tolerance(group: str, count: int, most: float) -> None:
    """`lai_ref` and a plain port, in both dtypes; and the tolerance is not far too large."""
    ratios, relative = [], []
    for known in ordinary(group, count):
        for name, truth in known.truth.items():
            for expected, b in zip(flat(truth), flat(known.bounds[name]), strict=True):
                assert abs(Decimal(b.value) - expected) <= Decimal(tolerance(b, "float64"))
        for dtype in DTYPES:
            for backend in (reference, Port()):
                for error, bound, b in measured(known, backend, dtype):
                    assert error <= bound, (known.case, backend, b)
                    if dtype == "float64" and isinstance(backend, Port):
                        ratios += [bound / error] if error else []
                        relative += [bound / abs(b.value)] if b.value else []
    print(f"{group}: {median(ratios):.0f} times the error, {median(relative):.1e} of the value")
    assert median(ratios) < most
    assert median(relative) < 1e-12


class Fudged(Reference):
    """The same relative error in every result."""

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)

        def fudged(**arguments: Any) -> Any:
            answer = method(**arguments)
            parts = answer if isinstance(answer, tuple) else (answer,)
            return tuple(np.asarray(part) * (1 + 1e-9) for part in parts)

        return fudged


@pytest.mark.parametrize(("group", "count", "_"), GROUPS)
def test_small_relative_error_exceeds_it(group: str, count: int, _: float) -> None:
    """An error of 1e-9 in float64, in nearly every number that is not 0."""
    for known in ordinary(group, count):
        numbers = [m for m in measured(known, Fudged(), "float64") if m[2].value]
        caught = sum(error > bound for error, bound, _ in numbers)
        assert caught >= 0.9 * len(numbers)


@pytest.mark.parametrize("group", ["factor", "loss"])
def test_lam_off_by_a_millionth_exceeds_it(group: str) -> None:
    """In float64, in every number that depends on λ."""
    count_changed = 0
    for case, truth, bounds in ordinary(group, 10):
        lam, factor = case.inputs["lam"], Decimal("1.000001")
        wrong = [part * factor for part in lam] if isinstance(lam, list) else lam * factor
        answer = exact.answer(group, {**case.inputs, "lam": wrong}, Decimal("0.5"))
        for name in truth:
            numbers = zip(flat(answer[name]), flat(truth[name]), flat(bounds[name]), strict=True)
            for got, expected, b in numbers:
                if abs(got - expected) > Decimal("1e-8") * abs(expected):
                    assert abs(got - expected) > Decimal(tolerance(b, "float64"))
                    count_changed += 1
    assert count_changed > 40


@pytest.mark.parametrize("u", [0.0, 0.25, 0.5, 1.0])
def test_conventions_are_those_of_the_truth(u: float) -> None:
    """At several kinks at once, the values are those of `truth.answers`, for every u."""
    loss = {"name": "lai", "lam": singles([0.25, 2.0]), "order": 1, "l1_ratio": singles(0.5)}
    network = {
        "sizes": [2, 2, 1],
        "activation": "relu",
        # z = (x_1, x_2), so that relu's kink is at x_2 = 0, and k = (¼, 2)
        "theta": singles([1, 0, 0, 1, 0, 0, 0.25, 2, 0]),
        "x": singles([[1, 0], [1, 1]]),
        "t": singles([0.25, 1]),
    }
    cases = [
        ("factor", {"k": singles([0.5, -0.5]), "lam": singles(0.25), "order": 2}),
        ("param_gradient", {**network, "loss": {**loss, "reduction": "batch"}}),
        ("param_gradient", {**network, "loss": {**loss, "reduction": "sample"}}),
    ]
    for group, inputs in cases:
        truth = exact.answer(group, inputs, Decimal(u))
        bounds = bounded_answer(group, inputs, u)
        for name in truth:
            for expected, b in zip(flat(truth[name]), flat(bounds[name]), strict=True):
                assert b.value == pytest.approx(float(expected), rel=1e-13, abs=1e-13)


def test_tiny_residuals_in_float32() -> None:
    """e = 1e-30, p = 2: a port that squares e first gets 0 for L and dy, and passes."""
    inputs = {
        "y": singles([1e-30]),
        "t": singles([0.0]),
        "k": singles([[0.5, 2.0]]),
        **{"lam": singles(1e-20), "order": 2, "l1_ratio": singles(0.0), "reduction": "batch"},
    }
    b = bounded_answer("loss", inputs, 0.5)
    for number in flat([b["value"], b["dy"], b["dk"]]):
        assert abs(number.value) <= tolerance(number, "float32")
        assert tolerance(number, "float64") < 1e-12 * abs(number.value)


def test_every_answer_is_rounded_once() -> None:
    """Also copied numbers, and a 0 that may be −0; not the numbers of `codec`."""
    line = {"sizes": [1, 1], "activation": "tanh", "theta": singles([0, 2]), "x": singles([[3]])}
    b = bounded_answer("input_gradient", line, 0.5)
    assert fields(b["k"][0][0]) == (0, 0, 1)
    assert tolerance(b["y"][0], "float64") > 0
    (copied,) = bounded_answer("codec", {"values": [Decimal("-0.0")]}, 0.5)["values"]
    assert fields(copied) == (0, 0, 0)
    assert math.copysign(1, copied.value) == -1
    with pytest.raises(ValueError, match="group: expected codec, factor"):
        bounded_answer("adams", {}, 0.5)
    with pytest.raises(ValueError, match="activation: expected a known name, got 'swish'"):
        activate("swish", Bounded(1.0), 0.5)


def test_undecided_case_is_refused() -> None:
    """λ is k² rounded to float32: float32 computes |k|^p = λ, exact arithmetic does not."""
    k = float(np.float32(0.7))
    inputs = {"k": singles([k]), "lam": singles(k * k), "order": 2}
    with pytest.raises(AmbiguousBranchError):
        bounded_answer("factor", inputs, 0.5)


def test_tolerances_use_neither_the_truth_nor_what_is_measured() -> None:
    modules = ("tolerances", "mutants", "case", "arguments")
    allowed = tuple(f"lai_ref.oracle.{module}" for module in modules)
    files = list(Path(tolerances.__path__[0]).glob("*.py"))
    assert len(files) > 3
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lai_ref"):
                assert str(node.module).startswith(allowed), file
