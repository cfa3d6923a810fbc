"""A port's mistake is reported, and no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.case import DTYPES
from lai_ref.oracle.diagnosis.mistakes import mistakes
from lai_ref.oracle.mutants import MUTANTS
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array

SUM_FOR_MEAN, EPSILON_INSIDE_ROOT = (
    next(type(m.backend) for m in MUTANTS if m.name == name)
    for name in ("sum-for-mean", "epsilon-inside-root")
)


def likely(report: oracle.Report) -> dict[str, list[str]]:
    """The names of the likely mistakes by group."""
    return {g.group: [m.mutant.name for m in g.mistakes] for g in report.diagnosis}


def test_a_second_mistake_is_named_as_well() -> None:
    two = type("Two", (SUM_FOR_MEAN, EPSILON_INSIDE_ROOT), {})()
    report = oracle.check(two, groups=["loss", "param_gradient", "adam", "train"])
    found = likely(report)
    assert (found["loss"], found["adam"]) == (["sum-for-mean"], ["epsilon-inside-root"])
    train = report.diagnosis[-1]
    assert (train.group, train.causes, train.follows) == (
        "train",
        ("param_gradient", "adam"),
        True,
    )


def test_two_mistakes_in_one_group_are_named() -> None:
    names = ("root-forgotten", "lam-squared")
    wrong = [type(m.backend) for m in MUTANTS if m.name in names]
    report = oracle.check(type("Two", tuple(wrong), {})(), groups=["factor"])
    assert set(likely(report)["factor"]) == set(names)
    assert not any(m.complete for m in report.diagnosis[0].mistakes)


def test_a_single_coincidence_names_no_mistake() -> None:
    class Signed(Port):
        """max(k, λ) in place of max(|k|, λ), in the value and in F'."""

        def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
            F, dF = super().factor(np.maximum(k, 0), lam, order)
            return F, np.where(k > 0, dF, 0)

    report = oracle.check(Signed(), groups=["factor", "loss"])
    assert len(report.failures()) > 100
    assert likely(report) == {"factor": [], "loss": []}


def test_a_mistake_that_would_have_failed_far_more_is_not_named() -> None:
    class Doubled(Port):
        """Both branches are added at the kink, only in `loss`."""

        def loss(self, *, k: Array, lam: Any, order: int, **rest: Any) -> Any:
            value, dy, dk = super().loss(k=k, lam=lam, order=order, **rest)
            return value, dy, np.where(np.abs(k) ** order == lam, 2 * dk, dk)

    report = oracle.check(Doubled(), groups=["loss"])
    assert 0 < len(report.failures()) < 10 and report.likely_mistake is None


def test_nothing_is_made_up_about_a_port_that_is_like_no_mutant() -> None:
    class Constant:
        def factor(self, k: Array, **_: Any) -> tuple[Array, Array]:
            return np.full_like(k, 77.0), np.full_like(k, -3.0)

    report = oracle.check(Constant(), groups=["factor"])
    assert report.likely_mistake is None and "float32" not in str(report)


@pytest.mark.slow
def test_nine_of_ten_mutants_are_named_where_they_fail_first() -> None:
    named = caught = 0
    for mutant in MUTANTS:
        reports = (oracle.check(mutant.backend, dtype, level="basic") for dtype in DTYPES)
        report = next((r for r in reports if not r), None)
        if report is not None:
            caught += 1
            group = report.failures()[0].case.group
            here = [o for o in report.outcomes if o.case.group == group]
            found = mistakes(group, here, report.dtype)
            named += bool(found) and found[0].mutant is mutant
    print(f"{named} of {caught} mutants are named, of {len(MUTANTS)}")
    assert named >= 0.9 * caught
