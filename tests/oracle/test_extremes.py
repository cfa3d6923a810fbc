"""The two levels: basic cases have ordinary magnitudes and cover every group and property."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.case import DTYPES, GROUPS, LEVELS, Case, flat
from lai_ref.oracle.extremes import LIMITS, level_of, magnitudes, most_extreme

BASIC = oracle.cases(level="basic")
LINE = {"sizes": [1, 1, 1], "activation": "relu", "theta": [2.0, 0.0, 3.0, 1.0], "x": [[4.0]]}


def with_numbers(cases: list[Case]) -> list[Case]:
    return [case for case in cases if case.expected and case.group != "codec"]


def test_magnitudes_are_those_of_the_inputs() -> None:
    network = magnitudes("param_gradient", {**LINE, "t": [5.0], "loss": {"lam": [0.25, 2.0]}})
    assert {name: list(found) for name, found in network.items()} == {
        "lam": [4.0, 2.0],
        "z": [8.0],
        "k": [6.0],
        "e": [20.0],
    }
    factor = magnitudes("factor", {"k": [1.0, -3.0], "lam": 8.0, "order": 2})
    assert list(factor["k"]) == [1.0, 3.0] and list(factor["lam"]) == [8.0]


@pytest.mark.parametrize("name", LIMITS)
def test_a_case_is_basic_up_to_the_limit(name: str) -> None:
    def level(scale: float) -> str:
        at = LIMITS[name] * scale
        inputs: dict[str, Any] = {"lam": 0.5, "y": [0.0], "t": [1.0], "k": [[1.0]], "order": 2}
        changes: dict[str, Any] = {"k": {"k": [[-at]]}, "e": {"t": [at]}, "lam": {"lam": 1 / at}}
        if name == "z":
            return level_of("input_gradient", {**LINE, "x": [[at / 2]]})
        return level_of("loss", inputs | changes[name])

    assert (level(1.0), level(1 + 2.0**-10)) == ("basic", "strict")


def test_the_published_levels_are_those_of_the_inputs() -> None:
    for case in with_numbers(oracle.cases()):
        assert case.level == level_of(case.group, case.inputs), case.id
    assert {case.level for case in oracle.cases()} == set(LEVELS)
    assert {case.level for case in oracle.cases() if not case.expected} == {"basic"}


@pytest.mark.parametrize("group", GROUPS)
def test_basic_cases_cover_every_group_and_property(group: str) -> None:
    names = " ".join(case.id for case in BASIC if case.group == group)
    properties = {
        "factor": ["kink-p1", "kink-p2", "zero-p1", "error-lam", "error-order", "error-k"],
        "loss": ["one-sample", "one-feature", "all-kinks", "one-zero-e", "zero-vector", "error-"],
        "input_gradient": ["one-sample", "one-feature", "relu-kink", "depth0", "depth3"],
        "param_gradient": ["one-sample", "line-kink", "line-zero-e", "line-zero-vector"],
        "train": ["tanh-run", "relu-run", "softplus-run", "step-24"],
    }
    assert names and all(part in names for part in properties.get(group, []))


@pytest.mark.parametrize("dtype", DTYPES)
def test_basic_bounds_are_the_strict_ones_or_larger(dtype: str) -> None:
    larger = set()
    for case in with_numbers(BASIC):
        strict, basic = case.bounds(dtype, "strict"), case.bounds(dtype, "basic")
        for name in strict:
            for a, b in zip(flat(strict[name]), flat(basic[name]), strict=True):
                assert b >= a
                if b > a:
                    larger.add(case.group)
    assert larger == {"factor", "loss", "param_gradient", "train", "sharded"}


def test_a_strict_case_has_the_strict_bounds_at_both_levels() -> None:
    case = next(case for case in oracle.cases("factor") if case.level == "strict")
    assert case.bounds("float64", "basic") == case.bounds("float64", "strict")


def test_level_strict_has_every_case_and_an_unknown_level_is_rejected() -> None:
    every, strict = oracle.cases(), oracle.cases(level="strict")
    assert [case.id for case in strict] == [case.id for case in every]
    assert [case.id for case in every if case.level == "basic"] == [case.id for case in BASIC]
    with pytest.raises(ValueError, match="level: expected one of basic, strict, got 'easy'"):
        oracle.cases(level="easy")


def test_the_most_extreme_magnitude_is_named() -> None:
    found = {"k": np.array([3.0, 2.0**30]), "lam": np.array([2.0**25])}
    assert most_extreme(found) == ("k", 2.0**30)
    assert most_extreme(found, at=0) == ("lam", 2.0**25)  # 3 is the |k| of that number
    assert most_extreme({"z": np.array([4.0]), "k": np.array([0.0])}) == ("z", 4.0)


def test_inputs_are_read_as_they_are_published() -> None:
    decimals = {"k": [Decimal("-3")], "lam": Decimal("0.5"), "order": 1}
    assert list(magnitudes("factor", decimals)["k"]) == [3.0]
