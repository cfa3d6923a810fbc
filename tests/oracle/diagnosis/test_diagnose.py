"""Groups are diagnosed in the order of dependence; one that only follows gets no findings."""

from __future__ import annotations

from typing import Any

import pytest

from lai_ref.oracle.case import GROUPS
from lai_ref.oracle.diagnosis.diagnose import GroupDiagnosis, diagnose
from lai_ref.oracle.diagnosis.follow_up import ask_backend
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.grading.grade import FAILED, NOT_IMPLEMENTED, Outcome
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import BOTH_DTYPES, outcomes_of


class WrongFactor(Port):
    """F' is a quarter too large."""

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return 1.25 * super().factor_derivative(k, lam, order)


class TwoMistakes(WrongFactor):
    """Also, ε is inside the root."""

    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v + 0.01, bias2, eps)


class OwnInShards(WrongFactor):
    """Also, the workers' sum is doubled."""

    def sum_over_workers(self, grads: Any) -> Array:
        return 2 * super().sum_over_workers(grads)


def diagnosed(
    port: object, groups: tuple[str, ...], dtype: str = "float64", asked: bool = True
) -> dict[str, GroupDiagnosis]:
    """The diagnosis by group, in order."""
    outcomes = [o for group in groups for o in outcomes_of(port, group, dtype)]
    found = diagnose(outcomes, dtype, ask_backend(port, dtype) if asked else None)
    assert [each.group for each in found] == [g for g in GROUPS if g in {e.group for e in found}]
    return {each.group: each for each in found}


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
def test_a_right_port_has_no_diagnosis(dtype: str) -> None:
    for port in (reference, Port()):
        assert diagnosed(port, GROUPS, dtype) == {}


def test_what_follows_is_said_to_follow_and_not_looked_into() -> None:
    groups = ("factor", "loss", "param_gradient", "sharded")
    found = diagnosed(WrongFactor(), groups)
    assert list(found) == list(groups)
    factor = found.pop("factor")
    assert factor.causes == () and factor.follows is False
    assert factor.findings[0].endswith("it is 5/4 times the expected number")
    causes = {"loss": ("factor",), "param_gradient": ("loss",), "sharded": ("param_gradient",)}
    for group, each in found.items():
        assert (each.causes, each.follows) == (causes[group], True)
        assert (each.findings, each.mistakes, each.pattern) == ((), (), "")
        assert 0 < len(each.failed) < each.total == len(outcomes_of(WrongFactor(), group))


@pytest.mark.slow
def test_a_mistake_of_its_own_is_looked_into_besides() -> None:
    found = diagnosed(OwnInShards(), ("factor", "sharded"))
    assert found["sharded"].causes == ("factor",) and found["sharded"].follows is False
    assert found["sharded"].findings and found["factor"].follows is False


@pytest.mark.slow
def test_a_group_without_a_wrong_one_before_it_is_looked_into() -> None:
    found = diagnosed(TwoMistakes(), ("factor", "adam"))
    assert found["adam"].causes == () and found["adam"].findings


def test_a_port_that_cannot_be_asked_may_follow() -> None:
    found = diagnosed(WrongFactor(), ("factor", "loss"), asked=False)
    assert found["loss"].follows is None and found["loss"].causes == ("factor",)
    assert found["factor"].findings


def test_missing_answers_count_as_wrong_and_missing_methods_do_not() -> None:
    outcomes = list(outcomes_of(reference, "factor"))
    missing = [Outcome(o.case, "missing", "no answer") for o in outcomes[:2]]
    (found,) = diagnose(missing + outcomes[2:], "float64", None)
    assert (len(found.failed), found.total) == (2, len(outcomes))
    absent = [Outcome(o.case, NOT_IMPLEMENTED, "") for o in outcomes]
    assert diagnose(absent, "float64", None) == []


def test_a_group_that_was_not_graded_is_skipped_over() -> None:
    found = diagnosed(WrongFactor(), ("factor", "param_gradient"))
    assert found["param_gradient"].causes == ("factor",)
    assert all(o.status == FAILED for o in found["param_gradient"].failed)
