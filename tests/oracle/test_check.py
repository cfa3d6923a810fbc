"""The oracle used from Python: lai_ref is certified, and a port's mistake is named."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lai_ref import lai_factor, lai_factor_derivative, oracle
from lai_ref.oracle.case import flat, mapped
from lai_ref.oracle.grading.backend import METHODS, Reference
from lai_ref.oracle.grading.grade import grade
from lai_ref.oracle.grading.runner import arguments
from lai_ref.oracle.mutants import MUTANTS, VARIANTS, Mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array

SUM_FOR_MEAN, EPSILON_INSIDE_ROOT = (
    next(type(m.backend) for m in MUTANTS if m.name == name)
    for name in ("sum-for-mean", "epsilon-inside-root")
)
BOTH_DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


@BOTH_DTYPES
def test_lai_ref_passes_every_case(dtype: str) -> None:
    report = oracle.check(oracle.reference, dtype)
    assert report, str(report)
    n = len(oracle.cases())
    assert str(report).startswith(f"{n} of {n} cases passed in {dtype}")


@BOTH_DTYPES
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
def test_correct_variants_pass(variant: Mutant, dtype: str) -> None:
    report = oracle.check(variant.backend, dtype)
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
    lines = str(oracle.check(oracle.reference)).splitlines()[1:]
    assert lines == ["at |k|^p = λ: H(0) = 0.5", "at e = 0: sign(0) = 0", "at z = 0: relu'(0) = 0"]


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


def test_a_method_that_is_missing_is_not_implemented_and_no_pass() -> None:
    class FactorOnly:
        factor = Reference.factor

    report = oracle.check(FactorOnly())
    assert not report
    lacking = [group for group in oracle.GROUPS if group not in ("codec", "factor")]
    said = ", ".join(METHODS[group] for group in lacking)  # as the class has to name them
    assert report.summary().endswith(f"not implemented ({said})")
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
        (None, "expected a tuple (value, slope), got NoneType"),
        ({"value": 1.0, "slope": 0.0}, "expected a tuple (value, slope), got dict"),
        ((1.0, 2.0, 3.0), "expected a tuple (value, slope), got 3 of them"),
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


def test_a_name_that_does_not_exist_is_no_refusal() -> None:
    class Slip:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return lai_facter(k, lam, order)  # type: ignore[name-defined]  # noqa: F821

    report = oracle.check(Slip(), groups=["factor"])
    assert {outcome.status for outcome in report.outcomes} == {"failed"}
    first, *more = str(report).splitlines()[1:]
    assert first.startswith("FAILED factor/ordinary-p1-lam1 (F and F' for p = 1, λ = 1, ")
    assert "NameError: name 'lai_facter' is not defined (test_check.py:" in first
    assert more == [f"  … and {len(report.outcomes) - 1} more in factor"]


def test_an_error_is_placed_in_the_port_not_in_a_library() -> None:
    class Wrong:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return np.linalg.inv(k), k

    words = oracle.check(Wrong(), groups=["factor"]).outcomes[0].reason
    assert "LinAlgError" in words and "(test_check.py:" in words


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
        def input_gradient(self, *, theta: Array, x: Array, **net: Any) -> Any:
            answer = super().input_gradient(theta=theta, x=x, **net)
            net["sizes"].clear()
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


def test_a_second_mistake_is_named_as_well() -> None:
    two = type("Two", (SUM_FOR_MEAN, EPSILON_INSIDE_ROOT), {})()
    report = oracle.check(two, groups=["loss", "param_gradient", "adam", "train"])
    said = [
        (d.mutant and d.mutant.name, {o.case.group for o in d.explained}) for d in report.diagnoses
    ]
    assert said == [
        ("sum-for-mean", {"loss", "param_gradient"}),
        ("epsilon-inside-root", {"adam"}),
        (None, {"train"}),  # where both meet
    ]
    assert "\nunexplained: 75 of 75 wrong answers in train\n" in str(report)


def test_two_mistakes_in_one_group_are_named() -> None:
    names = ("kink-counted-twice", "square-overflows")
    wrong = [type(m.backend) for m in MUTANTS if m.name in names]
    report = oracle.check(type("Two", tuple(wrong), {})(), "float32", ["factor"])
    assert {d.mutant.name for d in report.diagnoses if d.mutant} == set(names)


def test_a_single_coincidence_names_no_mistake() -> None:
    class Signed(Port):
        """max(k, λ): the magnitude of k was forgotten, in the value as well."""

        def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
            value, slope = super().factor(np.maximum(k, 0), lam, order)
            return value, np.where(k > 0, slope, 0)

    report = oracle.check(Signed(), groups=["factor", "loss"])
    assert len(report.failures()) > 100
    assert [d.mutant for d in report.diagnoses] == [None]


def test_a_mistake_that_would_have_failed_far_more_is_not_named() -> None:
    class Doubled(Port):
        """Both sides are added where k is at its kink, in a loss alone."""

        def loss(self, *, k: Array, lam: Any, order: int, **rest: Any) -> Any:
            value, dy, dk = super().loss(k=k, lam=lam, order=order, **rest)
            return value, dy, np.where(np.abs(k) ** order == lam, 2 * dk, dk)

    report = oracle.check(Doubled(), groups=["loss"])
    assert 0 < len(report.failures()) < 10 and report.likely_mistake is None


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


def test_conventions_of_a_group_that_fails_are_not_told() -> None:
    report = oracle.check(next(m for m in MUTANTS if m.name == "flat-below-kink").backend)
    assert "|k|^p = λ: H" not in str(report)


def test_at_most_eight_failures_of_a_group_have_a_line() -> None:
    report = oracle.check(next(m for m in MUTANTS if m.name == "sum-for-mean").backend)
    lines = str(report).splitlines()
    for group in {o.case.group for o in report.failures()}:
        n = sum(o.case.group == group for o in report.failures())
        shown = sum(line.startswith(f"FAILED {group}/") for line in lines)
        assert shown == min(n, 8)
        assert (f"  … and {n - 8} more in {group}" in lines) == (n > 8)


def test_nothing_is_made_up_about_a_port_that_is_like_no_mutant() -> None:
    class Constant:
        def factor(self, k: Array, **_: Any) -> tuple[Array, Array]:
            return np.full_like(k, 77.0), np.full_like(k, -3.0)

    report = oracle.check(Constant(), groups=["factor"])
    assert report.likely_mistake is None and "float32" not in str(report)


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
