"""`oracle.check`: lai_ref passes, and a case without an answer never passes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lai_ref import oracle
from lai_ref.oracle.case import METHODS, flat, mapped
from lai_ref.oracle.grading.backend import Reference
from lai_ref.oracle.grading.grade import grade

BOTH_DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


@BOTH_DTYPES
def test_lai_ref_passes_every_case(dtype: str) -> None:
    report = oracle.check(oracle.reference, dtype)
    assert report, str(report)
    n = len(oracle.cases())
    counts = f"{n} of {n} cases passed in {dtype} at level strict"
    assert str(report).startswith(f"correct\n{counts}\n")
    basic = oracle.check(oracle.reference, dtype, level="basic")
    assert basic and basic.level == "basic" and len(basic.outcomes) < n
    assert {o.case.level for o in basic.outcomes} == {"basic"}


@pytest.mark.parametrize("case", oracle.cases("factor"), ids=str)
def test_cases_serve_as_parameters(case: oracle.Case) -> None:
    assert case.group == "factor" and set(case.inputs) == {"k", "lam", "order"}


def test_kinks_report_the_subgradient_of_the_port() -> None:
    lines = str(oracle.check(oracle.reference)).splitlines()[2:]
    assert lines == ["at |k|^p = λ: H(0) = 0.5", "at e = 0: sign(0) = 0", "at z = 0: relu'(0) = 0"]


def test_a_method_that_is_missing_is_not_implemented_and_no_pass() -> None:
    class FactorOnly:
        factor = Reference.factor

    report = oracle.check(FactorOnly())
    assert not report
    lacking = [group for group in oracle.GROUPS if group not in ("codec", "factor")]
    said = ", ".join(METHODS[group] for group in lacking)  # as the class has to name them
    assert report.summary() == report.verdict + " in what it implements"
    assert report.counts().endswith(f"not implemented ({said})")
    assert {o.status for o in report.outcomes if o.case.group == "factor"} == {"passed"}
    assert oracle.check(FactorOnly(), groups=["factor"])
    assert oracle.check(FactorOnly(), groups="factor")


@BOTH_DTYPES
def test_answering_nothing_but_zeros_fails_every_case_that_is_not_zero(dtype: str) -> None:
    for case in oracle.cases():
        if case.expected is None or case.direction:
            continue
        truth = [n for part in case.expected.values() for n in flat(part)]
        if any(abs(n) > 1e-37 for n in truth if n.is_finite()):
            zeros = {
                name: mapped(lambda _: Decimal(0), part) for name, part in case.expected.items()
            }
            assert grade(case, zeros, dtype).status == "failed", case.id


def test_an_unknown_dtype_level_or_group_is_rejected() -> None:
    with pytest.raises(ValueError, match="level: expected one of 'basic', 'strict'"):
        oracle.check(oracle.reference, level="easy")
    with pytest.raises(ValueError, match="dtype: expected one of 'float64', 'float32'"):
        oracle.check(oracle.reference, "float16")
    with pytest.raises(ValueError, match="group: expected one of"):
        oracle.check(oracle.reference, groups=["nonsense"])
