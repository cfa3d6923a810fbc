"""Grading one answer: points, segments, errors, and everything that must not pass."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lai_ref.oracle.case import Case
from lai_ref.oracle.grading.grade import FAILED, MISSING, PASSED, RaisedError, grade

D = Decimal


def a_case(expected: Any, tolerance: Any = None, direction: Any = None, narrow: Any = None) -> Case:
    bounds = {"float64": {"v": tolerance}, "float32": {"v": narrow if narrow else tolerance}}
    return Case(
        "factor/x", "factor", "why", {}, expected and {"v": expected},
        direction and {"v": direction}, bounds,
    )  # fmt: skip


POINT = a_case([D(1), D(-2)], [1e-15, 1e-3])
SEGMENT = a_case([D(0), D(1), D(5)], [0.01, 0.01, 0.01], [D(2), D(-4), D(0)])


def status(case: Case, *values: str, dtype: str = "float64") -> str:
    return grade(case, {"v": [D(v) for v in values]}, dtype).status


def test_a_number_within_its_bound_passes_and_one_outside_fails() -> None:
    assert status(POINT, "1", "-2") == PASSED
    assert status(POINT, "1.0000000000000009", "-2.0009") == PASSED
    assert status(POINT, "1.0000000000000011", "-2") == FAILED
    assert status(POINT, "1", "-2.0011") == FAILED


def test_bounds_are_those_of_the_dtype() -> None:
    case = a_case([D(1)], [1e-9], narrow=[1e-2])
    assert status(case, "1.001") == FAILED
    assert status(case, "1.001", dtype="float32") == PASSED


def test_the_outcome_says_where_and_by_how_much() -> None:
    outcome = grade(POINT, {"v": [D(1), D(-3)]}, "float64")
    assert (outcome.location, outcome.got, outcome.expected) == ("v[1]", "-3", "-2")
    assert outcome.error == 2.0**51  # an ulp of 2 is 2^-51
    assert outcome.bound == pytest.approx(1e-3 * 2.0**51)
    assert outcome.reason == "outside the bound"


@pytest.mark.parametrize("s", ["0", "0.25", "1", "-0.002", "1.002"])
def test_every_s_of_a_segment_passes_and_is_reported(s: str) -> None:
    values = [D(s) * 2, 1 - 4 * D(s), D(5)]
    outcome = grade(SEGMENT, {"v": values}, "float64")
    assert outcome.status == PASSED
    assert outcome.subgradient == pytest.approx(min(max(float(s), 0), 1), abs=0.006)


@pytest.mark.parametrize("values", [("1", "1", "5"), ("2.2", "-3.4", "5"), ("1", "-1", "5.02")])
def test_one_s_has_to_serve_all_numbers_of_a_segment(values: tuple[str, ...]) -> None:
    assert status(SEGMENT, *values) == FAILED


@pytest.mark.parametrize("got", ["nan", "inf", "-inf"])
def test_what_is_not_finite_fails_where_a_number_is_due(got: str) -> None:
    assert status(POINT, got, "-2") == FAILED
    assert status(SEGMENT, got, "-1", "5") == FAILED
    assert status(SEGMENT, "1", "-1", got) == FAILED


def test_infinity_is_due_beyond_the_largest_number_of_the_dtype() -> None:
    case = a_case([D("-1e39")], [1e20])
    assert status(case, "-inf", dtype="float32") == PASSED
    assert status(case, "inf", dtype="float32") == FAILED
    assert status(case, "-1e39", dtype="float32") == FAILED
    assert status(case, "-1e39") == PASSED
    assert status(case, "-inf") == FAILED


def test_a_bound_of_0_asks_for_the_very_number_and_sign() -> None:
    case = a_case([D("-0.0"), D("nan"), D("inf"), D("0.5")], [0.0] * 4)
    assert status(case, "-0.0", "nan", "inf", "0.5") == PASSED
    assert status(case, "0.0", "nan", "inf", "0.5") == FAILED
    assert status(case, "-0.0", "0", "inf", "0.5") == FAILED
    assert status(case, "-0.0", "nan", "-inf", "0.5") == FAILED
    assert status(case, "-0.0", "nan", "inf", "0.5000000000000001") == FAILED


def test_an_error_is_due_where_the_case_says_so_and_nowhere_else() -> None:
    error = a_case(None)
    assert grade(error, RaisedError("lam"), "float64").status == PASSED
    assert grade(error, {"v": [D(1)]}, "float64").status == FAILED
    outcome = grade(POINT, RaisedError("ValueError: lam"), "float64")
    assert outcome.status == FAILED and "got an error: ValueError: lam" in outcome.reason


def test_no_answer_is_missing() -> None:
    assert grade(POINT, None, "float64").status == MISSING


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({}, "expected the outputs ['v'], got []"),
        ({"v": [D(1), D(-2)], "w": D(1)}, "expected the outputs ['v'], got ['v', 'w']"),
        ({"v": [D(1)]}, "v: expected shape (2,), got (1,)"),
        ({"v": [[D(1)], [D(-2)]]}, "v: expected shape (2,), got (2, 1)"),
        ({"v": D(1)}, "v: expected shape (2,), got ()"),
        ({"v": [[D(1)], D(-2)]}, "v: rows of unequal length"),
    ],
)
def test_wrong_shapes_are_said(answer: Any, problem: str) -> None:
    outcome = grade(POINT, answer, "float64")
    assert (outcome.status, outcome.reason) == (FAILED, problem)


@pytest.mark.parametrize("expected", ["1e-45", "1e-310", "1e300", "0", "3e38"])
def test_errors_in_ulp_are_finite_at_the_ends_of_the_range(expected: str) -> None:
    outcome = grade(a_case([D(expected)], [1e-320]), {"v": [D(expected)]}, "float64")
    assert (outcome.status, outcome.error) == (PASSED, 0.0)


def test_a_wrong_number_is_said_in_the_words_of_its_kind() -> None:
    zero, far = a_case([D("-0.0")], [0.0]), a_case([D("1e60")], [1.0])
    assert grade(zero, {"v": [D(0)]}, "float64").reason == "the sign of zero is wrong"
    infinite = a_case([D("inf")], [0.0])
    assert grade(infinite, {"v": [D("nan")]}, "float64").reason == "expected Infinity"
    outcome = grade(far, {"v": [D(1)]}, "float32")
    assert (outcome.got, outcome.expected) == ("1", "inf")
    small = grade(a_case([D("1e-60")], [1e-46]), {"v": [D("0.123456789012")]}, "float32")
    assert (small.got, small.expected) == ("0.123456791", "0")


def test_numbers_of_a_kink_that_no_one_slope_gives_are_said_to_be_so() -> None:
    outcome = grade(SEGMENT, {"v": [D(0), D(-3), D(5)]}, "float64")
    assert outcome.reason.startswith("expected one subgradient at the kink")
    outcome = grade(SEGMENT, {"v": [D(0), D(1), D(6)]}, "float64")
    assert outcome.reason == "outside the bound"
