"""Numbers that are a sum of parts are decomposed, and others are not."""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.diagnosis.combinations import (
    coefficients,
    deviations,
    in_words,
    joined,
    smallest,
)

RNG = np.random.default_rng(6)
PARTS = {name: RNG.normal(size=30) * 10.0**i for i, name in enumerate("abcd")}
SPARE = np.full(30, 1e-9)


def test_the_coefficients_of_a_sum_are_found() -> None:
    right = {"a": 1.0, "b": 0.0, "c": -2.5, "d": 0.25}
    got = np.add.reduce([c * PARTS[name] for name, c in right.items()])
    found = coefficients(got, PARTS, SPARE)
    assert found is not None
    np.testing.assert_allclose(list(found.values()), list(right.values()), atol=1e-9)


def test_noise_has_no_coefficients() -> None:
    got = PARTS["a"] + PARTS["b"]
    got[7] += 1e-6
    assert coefficients(got, PARTS, SPARE) is None
    assert coefficients(RNG.normal(size=30), PARTS, SPARE) is None


def test_parts_that_are_not_told_apart_have_no_coefficients() -> None:
    twice = PARTS | {"a again": 2 * PARTS["a"]}
    assert coefficients(PARTS["a"], twice, SPARE) is None
    assert coefficients(PARTS["a"], PARTS | {"zero": np.zeros(30)}, SPARE) is None
    few = {name: part[:4] for name, part in PARTS.items()}
    assert coefficients(few["a"], few, SPARE[:4]) is None


def test_numbers_that_are_not_finite_have_no_coefficients() -> None:
    got = PARTS["a"].copy()
    got[0] = np.nan
    assert coefficients(got, PARTS, SPARE) is None


def test_huge_coefficients_mean_nothing() -> None:
    assert coefficients(5000 * PARTS["a"], PARTS, SPARE) is None


def test_the_smallest_combination_has_the_fewest_and_earliest_parts() -> None:
    parts = PARTS | {"a twice": 2 * PARTS["a"]}
    assert list(smallest(PARTS["a"], parts, SPARE) or {}) == ["a"]
    assert list(smallest(PARTS["b"] - PARTS["d"], parts, SPARE) or {}) == ["b", "d"]
    three = PARTS["a"] + PARTS["b"] + PARTS["c"]
    assert smallest(three, parts, SPARE) is None
    assert list(smallest(three, parts, SPARE, most=3) or {}) == ["a", "b", "c"]


def test_parts_that_are_not_finite_are_left_out() -> None:
    parts = {"bad": np.full(30, np.inf), "none": np.zeros(30)} | PARTS
    assert list(smallest(PARTS["c"], parts, SPARE) or {}) == ["c"]


def test_a_sum_is_written_as_one() -> None:
    assert in_words({"a": 1.0, "b": -1.0, "c": 0.5, "d": -2.0}) == "a − b + 0.5 · c − 2 · d"
    assert in_words({"a": -1.0}) == "−a"
    assert (joined([]), joined(["a"]), joined(["a", "b", "c"])) == ("", "a", "a, b and c")


def test_every_deviation_has_its_words() -> None:
    found = {"a": 1.0, "b": 0.0, "c": -1.0, "d": 2.0, "e": -0.5, "f": 0.0, "g": -0.5}
    assert deviations(found, {"f": 0.0, "g": 0.0}) == [
        "b is missing",
        "c has the wrong sign",
        "d is multiplied by 2",
        "e is multiplied by −0.5",
        "−0.5 · g is added",
    ]
    assert deviations({"a": 0.5}, {"a": 0.5}) == []
