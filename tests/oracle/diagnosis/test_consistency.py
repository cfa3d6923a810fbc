"""Whether a gradient is the derivative of the port's own value is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import DTYPES
from lai_ref.oracle.diagnosis.consistency import DERIVATIVES, Consistency, consistency
from lai_ref.oracle.diagnosis.follow_up import Question, Reply, ask_backend
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_network import Cache
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import as_failed, outcomes_of

PORTS = (
    pytest.param(reference, "float64"),
    pytest.param(Port(), "float32"),
    pytest.param(reference, "float32", marks=pytest.mark.slow),
    pytest.param(Port(), "float64", marks=pytest.mark.slow),
)


def by_case(port: object, group: str, dtype: str) -> list[Consistency]:
    """The consistency of every published case, as if each had failed."""
    ask = ask_backend(port, dtype)
    outcomes = as_failed(outcomes_of(port, group, dtype))
    return [each for o in outcomes for each in consistency(group, [o], ask, dtype)]


@pytest.mark.parametrize(("port", "dtype"), PORTS)
@pytest.mark.parametrize("group", DERIVATIVES)
def test_the_gradients_of_a_right_port_are_consistent_in_every_case(
    port: object, group: str, dtype: str
) -> None:
    found = by_case(port, group, dtype)
    assert len(found) >= 10 and all(each.holds for each in found)
    assert {each.output for each in found} == {row[0] for row in DERIVATIVES[group]}


class WrongGradients(Port):
    """Every value is right; every derivative has an error of a few percent."""

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return 1.07 * super().factor_derivative(k, lam, order)

    def dy(self, *args: Any) -> Array:
        return 1.07 * super().dy(*args)

    def input_gradient(self, *, x: Array, **net: Any) -> tuple[Array, Array]:
        y, k = super().input_gradient(x=x, **net)
        return y, 1.07 * k

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return 1.07 * super().double_backward(cache, dy, dk)


class OwnGradients(WrongGradients):
    """Derivatives and values are wrong by the same factor."""

    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return 1.07 * super().factor_value(k, lam, order)

    dy = Port.dy

    def input_gradient(self, *, x: Array, **net: Any) -> tuple[Array, Array]:
        y, k = super().input_gradient(x=x, **net)
        return 1.07 * y, k


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("group", DERIVATIVES)
def test_a_wrong_gradient_of_a_right_value_is_found(group: str, dtype: str) -> None:
    port = WrongGradients()
    found = consistency(group, outcomes_of(port, group, dtype), ask_backend(port, dtype), dtype)
    assert [each.output for each in found] == [row[0] for row in DERIVATIVES[group]]
    for each in found:
        assert not each.holds
        if group not in ("param_gradient", "sharded"):  # there the factor is 1.07² or 1.07, by part
            assert abs(each.answered / each.quotient - 1.07) < 1e-2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("group", ["factor", "loss", "input_gradient"])
def test_a_wrong_value_with_its_own_gradient_is_consistent(group: str, dtype: str) -> None:
    port = OwnGradients()
    outcomes = outcomes_of(port, group, dtype)
    found = consistency(group, outcomes, ask_backend(port, dtype), dtype)
    assert len(found) == len(DERIVATIVES[group]) and all(each.holds for each in found)
    assert any(o.status == "failed" for o in outcomes)


def test_a_value_that_cannot_be_differentiated_is_not_judged() -> None:
    class NotANumber(Port):
        def factor_value(self, k: Array, lam: Array, order: int) -> Array:
            return super().factor_value(k, lam, order) * np.nan

    nan = NotANumber()
    outcomes = outcomes_of(nan, "factor")
    assert consistency("factor", outcomes, ask_backend(nan, "float64"), "float64") == []


def test_a_port_that_does_not_answer_again_is_not_judged() -> None:
    def silent(questions: Sequence[Question]) -> list[Reply]:
        return [None] * len(questions)

    outcomes = outcomes_of(WrongGradients(), "loss")
    assert consistency("loss", outcomes, silent, "float64") == []


@pytest.mark.parametrize("group", ["adam", "train", "codec"])
def test_a_group_without_a_derivative_has_nothing_to_be_consistent(group: str) -> None:
    assert (
        consistency(group, as_failed(outcomes_of(reference, group)), ask_nothing, "float64") == []
    )


def ask_nothing(questions: Sequence[Question]) -> list[Reply]:
    """Fail: no question is expected."""
    assert not questions
    return []
