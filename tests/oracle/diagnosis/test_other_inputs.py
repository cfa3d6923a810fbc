"""A port with the right answers to other inputs is recognised, for every change of the inputs.

A change that makes no answer wrong cannot be found, and one with the answers of an earlier change
cannot be distinguished from it; the tests compute both exceptions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.case import METHODS, OUTPUTS
from lai_ref.oracle.diagnosis.changes import SAMPLES, Change, by_column
from lai_ref.oracle.diagnosis.changes_of_network import from_one
from lai_ref.oracle.diagnosis.numbers import tables
from lai_ref.oracle.diagnosis.other_inputs import CHANGES, right_answer, right_for_other_inputs
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import Changed, outcomes_of

# by default every first, second, … change; all of them in the slow tests
STRIDES = {
    "factor": 4, "loss": 20, "input_gradient": 2, "param_gradient": 16, "adam": 1, "train": 35,
    "sharded": 6,
}  # fmt: skip
RELATIVE = {"float64": 1e-8, "float32": 1e-3}


def answers(group: str, change: Change, given: dict[str, Any]) -> dict[str, Array] | None:
    """The right answer to changed inputs."""
    try:
        with np.errstate(all="ignore"):
            inputs = change(given)
    except (KeyError, ValueError, IndexError):
        inputs = given
    return right_answer(group, inputs)


def port(group: str, change: Change) -> Changed:
    """A port that answers to changed inputs; NaN if they are invalid, 0 for omitted samples."""

    def answer(given: dict[str, Any], right: Any) -> Any:
        double = {
            name: value.astype(float) if isinstance(value, np.ndarray) else value
            for name, value in given.items()
        }
        other = answers(group, change, double)
        rights = right if isinstance(right, tuple) else (right,)
        if other is None:
            parts = [np.full(np.shape(part), np.nan) for part in rights]
        else:
            parts = [
                part if part.shape == np.shape(like) else np.zeros(np.shape(like))
                for part, like in zip(other.values(), rights, strict=True)
            ]
        return tuple(parts) if len(parts) > 1 else parts[0]

    return Changed(METHODS[group], answer)


def same(group: str, one: Change, other: Change, outcomes: tuple[Outcome, ...], dtype: str) -> bool:
    """Whether two changes have the same answers to all cases away from kinks."""
    for o in outcomes:
        if o.location and o.case.direction is None:
            given = arguments(group, o.case.inputs, "float64")
            a, b = answers(group, one, given), answers(group, other, given)
            if a is None or b is None:
                continue
            for name in OUTPUTS[group]:
                if a[name].shape != b[name].shape:
                    continue
                if not np.allclose(a[name], b[name], rtol=RELATIVE[dtype], atol=1e-12):
                    return False
    return True


def check_changes(group: str, dtype: str, stride: int = 1) -> int:
    """Check that every change is found, or an earlier one with the same answers."""
    changes = list(CHANGES[group]())
    by_name = dict(reversed(changes))
    found = 0
    for words, change in changes[::stride]:
        outcomes = outcomes_of(port(group, change), group, dtype)
        numbers = tables(outcomes, dtype)
        wrong = [n for n, each in numbers.items() if (each.wrong & np.isfinite(each.got)).any()]
        if not wrong:
            continue
        said, explained = right_for_other_inputs(outcomes, numbers, dtype)
        if group == "loss" and words in SAMPLES:
            wrong = ["value"]  # dy and dk of the omitted samples are arbitrary
        assert explained == wrong, (words, said)
        assert said == words or same(group, change, by_name[said], outcomes, dtype), (words, said)
        found += 1
    return found


@pytest.mark.parametrize("group", CHANGES)
def test_a_change_of_the_inputs_is_found(group: str) -> None:
    assert check_changes(group, "float64", STRIDES[group]) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("group", CHANGES)
def test_every_change_of_the_inputs_is_found(group: str, dtype: str) -> None:
    changes = {words for words, _ in CHANGES[group]()}
    found = check_changes(group, dtype)
    print(f"{found} of {len(changes)} changes of {group} in {dtype}")
    assert found >= 0.6 * len(changes) - 1


@pytest.mark.slow
@pytest.mark.parametrize("group", CHANGES)
def test_another_mistake_is_not_taken_for_other_inputs(group: str) -> None:
    def shifted(given: dict[str, Any], right: Any) -> Any:
        if isinstance(right, tuple):
            return tuple(np.asarray(part) * 1.01 + 0.003 for part in right)
        return right * 1.01 + 0.003

    outcomes = outcomes_of(Changed(METHODS[group], shifted), group)
    assert right_for_other_inputs(outcomes, tables(outcomes, "float64"), "float64") == ("", [])


@pytest.mark.parametrize("number", [np.nan, np.inf, 0.0])
def test_the_same_number_everywhere_is_not_taken_for_other_inputs(number: float) -> None:
    def same_everywhere(given: dict[str, Any], right: Any) -> Any:
        return tuple(np.full_like(part, number) for part in right)

    for group, method in (("factor", "factor"), ("adam", "adam_step")):
        outcomes = outcomes_of(Changed(method, same_everywhere), group)
        with np.errstate(invalid="ignore"):
            found = right_for_other_inputs(outcomes, tables(outcomes, "float64"), "float64")
        assert found == ("", [])


def test_mistakes_of_languages_that_count_from_one_and_store_by_column() -> None:
    assert by_column(np.arange(6).reshape(3, 2)).tolist() == [[0, 3], [1, 4], [2, 5]]
    assert from_one(np.array([2, 0, 3])).tolist() == [1, 2]


def test_the_count_of_steps_is_called_as_in_the_inputs() -> None:
    for group, count in (("adam", "t"), ("train", "step")):
        every = {words for words, _ in CHANGES[group]()}
        assert {w for w in every if " + 1 in place of " in w} == {
            f"{count} + 1 in place of {count}"
        }


def test_a_change_that_changes_no_wrong_number_is_not_named() -> None:
    def nearly(given: dict[str, Any], right: Any) -> Any:
        return right[0], right[1] * (1 + 1e-12), right[2]  # m does not depend on t

    outcomes = outcomes_of(Changed("adam_step", nearly), "adam")
    numbers = tables(outcomes, "float64")
    assert numbers["m"].wrong.any()
    assert right_for_other_inputs(outcomes, numbers, "float64") == ("", [])


def test_a_change_that_would_also_make_right_numbers_wrong_is_not_named() -> None:
    def sometimes(given: dict[str, Any], right: Any) -> Any:
        if given["lam"] < 1 and given["order"] == 2:
            return reference.factor(k=given["k"], lam=given["lam"] ** 2, order=2)
        return right

    outcomes = outcomes_of(Changed("factor", sometimes), "factor")
    assert right_for_other_inputs(outcomes, tables(outcomes, "float64"), "float64") == ("", [])


def test_outputs_that_a_change_explains_are_named_alone() -> None:
    def value_only(given: dict[str, Any], right: Any) -> Any:
        other = reference.factor(k=given["k"], lam=given["lam"] ** 2, order=given["order"])
        return other[0], right[1] + 0.01

    outcomes = outcomes_of(Changed("factor", value_only), "factor")
    found = right_for_other_inputs(outcomes, tables(outcomes, "float64"), "float64")
    assert found == ("λ² in place of λ", ["value"])
