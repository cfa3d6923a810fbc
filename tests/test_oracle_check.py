"""The oracle used from Python: lai_ref is certified, and a port's mistake is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lai_ref import lai_factor, oracle
from lai_ref.arguments import Array
from lai_ref.oracle.asking import arguments
from lai_ref.oracle.backend import METHODS, Reference
from lai_ref.oracle.case import flat, mapped
from lai_ref.oracle.grade import grade
from lai_ref.oracle.mutants import MUTANTS, REWRITES, Mutant
from lai_ref.oracle.port import Port

BOTH_DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


@BOTH_DTYPES
def test_lai_ref_passes_every_case(dtype: str) -> None:
    report = oracle.check(oracle.reference, dtype)
    assert report, str(report)
    n = len(oracle.cases())
    assert str(report).startswith(f"{n} of {n} cases passed in {dtype}")


@BOTH_DTYPES
@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda r: r.name)
def test_correct_rewrites_pass(rewrite: Mutant, dtype: str) -> None:
    report = oracle.check(rewrite.backend, dtype)
    assert report, str(report)


@BOTH_DTYPES
def test_the_straightforward_port_passes(dtype: str) -> None:
    report = oracle.check(Port(), dtype)
    assert report, str(report)


@pytest.mark.parametrize("case", oracle.cases("factor"), ids=str)
def test_cases_serve_as_parameters(case: oracle.Case) -> None:
    assert case.group == "factor" and set(case.inputs) == {"k", "lam", "order"}


@BOTH_DTYPES
def test_arguments_are_fresh_arrays_of_the_dtype(dtype: str) -> None:
    for case in oracle.cases():
        first, again = arguments(case, dtype), arguments(case, dtype)
        for name, value in first.items():
            if isinstance(value, np.ndarray):
                assert value.dtype == dtype and not np.shares_memory(value, again[name])


def test_kinks_report_the_convention_of_the_port() -> None:
    text = str(oracle.check(oracle.reference, groups=["factor", "input_gradient"]))
    assert "at the kinks of factor: s = 0.5" in text
    assert "at the kinks of input_gradient: s = 0" in text


def test_a_method_that_is_missing_is_not_implemented_and_no_pass() -> None:
    class FactorOnly:
        factor = Reference.factor

    report = oracle.check(FactorOnly())
    assert not report
    lacking = [group for group in oracle.GROUPS if group not in ("codec", "factor")]
    assert report.summary().endswith(f"not implemented ({', '.join(lacking)})")
    assert {o.status for o in report.outcomes if o.case.group == "factor"} == {"passed"}
    assert oracle.check(FactorOnly(), groups=["factor"])
    assert oracle.check(FactorOnly(), groups="factor")


@pytest.mark.parametrize("method", [m for m in METHODS.values() if m != "codec"])
def test_a_method_that_raises_fails(method: str) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("not today")

    backend = Reference()
    setattr(backend, method, broken)
    report = oracle.check(backend, groups=[g for g, m in METHODS.items() if m == method])
    assert not report and "got an error: RuntimeError: not today" in str(report)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "expected 2 results (value, slope), got 1"),
        ((1.0, 2.0, 3.0), "expected 2 results (value, slope), got 3"),
        (("a", "b"), "results that NumPy cannot read as arrays of numbers"),
        ((1j, 2j), "results that NumPy cannot read as arrays of numbers"),
    ],
)
def test_answers_of_another_form_pass_nowhere(answer: Any, words: str) -> None:
    class Odd:
        def factor(self, **_: Any) -> Any:
            return answer

    report = oracle.check(Odd(), groups=["factor"])
    assert words in str(report)
    assert {outcome.status for outcome in report.outcomes} == {"failed"}


def test_another_signature_passes_nowhere() -> None:
    class Odd:
        def factor(self, slope: Array) -> Any:
            raise AssertionError

    report = oracle.check(Odd(), groups=["factor"])
    assert "factor cannot be called with k, lam, order" in str(report)
    assert {outcome.status for outcome in report.outcomes} == {"failed"}


def test_not_implemented_error_is_not_implemented() -> None:
    class Later:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            raise NotImplementedError

    report = oracle.check(Later(), groups=["factor"])
    assert {outcome.status for outcome in report.outcomes} == {"not implemented"}


def test_lists_of_results_do_as_well_as_tuples() -> None:
    class Lists:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return [part.tolist() for part in Reference().factor(k=k, lam=lam, order=order)]

    assert oracle.check(Lists(), groups=["factor"])


def test_a_port_may_do_with_its_arguments_as_it_likes() -> None:
    class Greedy(Reference):
        def input_gradient(
            self, *, sizes: list[int], activation: str, theta: Array, x: Array
        ) -> Any:
            answer = super().input_gradient(sizes=sizes, activation=activation, theta=theta, x=x)
            sizes.clear()
            theta[:] = x[:] = np.nan
            return answer

    for _ in range(2):
        assert oracle.check(Greedy(), groups=["input_gradient"])
    assert oracle.check(oracle.reference, groups=["input_gradient"])


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


def test_a_failing_line_says_what_where_and_why() -> None:
    class Forgetful:
        """Divides by λ also where λ > 1."""

        def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
            value = lai_factor(k, lam, order) * min(lam, 1) / lam
            return value, Reference().factor(k=k, lam=lam, order=order)[1] * min(lam, 1) / lam

    text = str(oracle.check(Forgetful(), groups=["factor"]))
    assert "FAILED factor/ordinary-p1-lam4: outside the bound; value[" in text
    assert "ulp, bound" in text
    assert "likely: F was divided by λ also where λ > 1; it is divided by min(λ, 1)." in text
    assert "\nlikely mistake: F was divided by λ also where λ > 1" in text


def test_nothing_is_made_up_about_a_port_that_is_like_no_mutant() -> None:
    class Constant:
        def factor(self, k: Array, **_: Any) -> tuple[Array, Array]:
            return np.full_like(k, 77.0), np.full_like(k, -3.0)

    assert oracle.check(Constant(), groups=["factor"]).likely_mistake is None


def test_an_unknown_dtype_or_group_is_refused() -> None:
    with pytest.raises(ValueError, match="dtype: expected one of 'float64', 'float32'"):
        oracle.check(oracle.reference, "float16")
    with pytest.raises(ValueError, match="group: expected one of"):
        oracle.check(oracle.reference, groups=["nonsense"])


@pytest.mark.slow
def test_nine_of_ten_mutants_are_named_by_their_own_report() -> None:
    named = 0
    for mutant in MUTANTS:
        reports = (oracle.check(mutant.backend, dtype) for dtype in ("float64", "float32"))
        report = next(r for r in reports if not r)
        named += report.likely_mistake is mutant
    print(f"{named} of {len(MUTANTS)} mutants are named")
    assert named >= 0.9 * len(MUTANTS)
