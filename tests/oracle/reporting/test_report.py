"""The report as text: what failed, where, by how much, and the subgradients of the port."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lai_ref import lai_factor, lai_factor_derivative, oracle
from lai_ref.oracle.grading.backend import Reference
from lai_ref.oracle.mutants import MUTANTS
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array


def test_conventions_that_differ_are_told_by_group() -> None:
    class Positive(Reference):
        def loss(self, *, y: Array, t: Array, **given: Any) -> Any:
            value, dy, dk = super().loss(y=y, t=t, **given)
            if given["order"] == 1:  # sign(0) = 1
                dy = np.where(y == t, super().loss(y=y, t=np.nextafter(t, -9), **given)[1], dy)
            return value, dy, dk

    text = str(oracle.check(Positive()))
    assert not oracle.check(Positive()).failures()
    assert "at e = 0: sign(0) = 1 in loss; 0 in param_gradient; 0 in sharded" in text


def test_conventions_of_a_group_that_fails_are_not_told() -> None:
    report = oracle.check(next(m for m in MUTANTS if m.name == "flat-below-kink").backend)
    assert "|k|^p = λ: H" not in str(report)


def test_a_failing_line_says_what_where_and_why() -> None:
    class Forgetful:
        """Divides by λ also where λ > 1."""

        def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
            value = lai_factor(k, lam, order) * min(lam, 1) / lam
            return value, Reference().factor(k=k, lam=lam, order=order)[1] * min(lam, 1) / lam

    text = str(oracle.check(Forgetful(), groups=["factor"]))
    count, likely, first, *_ = text.splitlines()
    failed = len(oracle.check(Forgetful(), groups=["factor"]).failures())
    assert f", {failed} failed" in count
    assert likely == (
        "likely mistake: F was divided by λ also where λ > 1; it is divided by min(λ, 1)."
        f" [divided-by-lam] explains {failed} of {failed} wrong answers in factor"
    )
    assert first.startswith("FAILED factor/ordinary-p1-lam4 (F and F' for p = 1, λ = 4, ")
    assert ": outside the bound; value[" in first and "] (k = " in first
    assert first.endswith(", 0.25 times that  [divided-by-lam]")
    named = {row["likely"] for row in oracle.check(Forgetful()).as_json()["cases"]}
    assert named == {None, "divided-by-lam"}


def test_small_errors_are_told_in_ulp() -> None:
    class Nearly:
        def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
            return lai_factor(k, lam, order) * (1 + 1e-13), lai_factor_derivative(k, lam, order)

    assert re.search(r"error \d+ ulp, bound \d", str(oracle.check(Nearly(), groups=["factor"])))


def test_what_is_unexplained_is_looked_at() -> None:
    class Single(Port):
        def factor(self, k: Array, lam: Any, order: int) -> Any:
            return tuple(a.astype(float) for a in super().factor(k.astype(np.float32), lam, order))

    class Carried(Port):
        def train(self, **named: Any) -> Array:
            thetas: Array = super().train(**named)
            thetas += 1e-6 * np.arange(len(thetas))[:, None]
            return thetas

    text = str(oracle.check(Single(), groups=["factor"]))
    assert "\nunexplained: 46 of 46 wrong answers in factor; 46 would be right in float32" in text
    text = str(oracle.check(Carried(), groups=["train"]))
    assert "each step alone is right: something is carried over" in text


def test_every_case_that_is_not_refused_is_told_apart() -> None:
    report = oracle.check(next(m for m in MUTANTS if m.name == "nothing-refused").backend)
    lines = [line for line in str(report).splitlines() if line.startswith("FAILED factor/error-")]
    assert len(lines) == sum(o.case.group == "factor" for o in report.failures()) > 3


def test_at_most_eight_failures_of_a_group_have_a_line() -> None:
    report = oracle.check(next(m for m in MUTANTS if m.name == "sum-for-mean").backend)
    lines = str(report).splitlines()
    for group in {o.case.group for o in report.failures()}:
        n = sum(o.case.group == group for o in report.failures())
        shown = sum(line.startswith(f"FAILED {group}/") for line in lines)
        assert shown == min(n, 8)
        assert (f"  … and {n - 8} more in {group}" in lines) == (n > 8)
