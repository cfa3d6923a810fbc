"""The report as text: the verdict, then what is wrong, where, and by how much."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from lai_ref import lai_factor, lai_factor_derivative, oracle
from lai_ref.oracle.grading.backend import Reference
from lai_ref.oracle.mutants import MUTANTS
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.reporting.report import CORRECT, INACCURATE, WRONG
from lai_ref.support.validation import Array

BACKENDS = {mutant.name: mutant.backend for mutant in MUTANTS}


class Forgetful:
    """Divides by λ for λ > 1, too."""

    def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
        value = lai_factor(k, lam, order) * min(lam, 1) / lam
        return value, lai_factor_derivative(k, lam, order) * min(lam, 1) / lam


def test_the_three_verdicts_stand_first() -> None:
    right = oracle.check(oracle.reference, groups=["factor"])
    assert (right.verdict, str(right).splitlines()[0]) == (CORRECT, "correct")
    inaccurate = oracle.check(BACKENDS["quotient-rule"], groups=["factor", "loss"])
    assert inaccurate.verdict == INACCURATE and not inaccurate
    first, counts, *rest = str(inaccurate).splitlines()
    assert first.startswith(
        "correct, but inaccurate at extreme values: F': up to 6 digits lost for |k| ≥ 1536; "
    )
    assert first.endswith("; harmless in training unless |k| or λ reaches such values")
    assert counts.endswith(f", {len(inaccurate.failures())} failed")
    assert all(line.startswith(("at extreme values: ", "at |k|^p", "at e = 0")) for line in rest)
    wrong = oracle.check(BACKENDS["power-forgotten"], groups=["factor", "loss", "sharded"])
    assert wrong.verdict == WRONG
    assert str(wrong).startswith(
        "wrong: loss is the first wrong group; what is wrong in sharded follows\n"
    )


def test_a_port_that_is_inaccurate_at_extreme_values_passes_at_level_basic() -> None:
    groups = ["factor", "loss", "input_gradient"]
    for name in ("quotient-rule", "norm-overflows", "softplus-threshold"):
        for dtype in ("float64", "float32"):
            assert oracle.check(BACKENDS[name], dtype, groups, level="basic")
            assert oracle.check(BACKENDS[name], dtype, groups).verdict in (CORRECT, INACCURATE)


def test_a_basic_case_within_its_basic_bound_is_not_wrong() -> None:
    report = oracle.check(BACKENDS["quotient-rule"], groups=["factor"])
    failed = {o.case.id: o.case.level for o in report.failures()}
    assert failed["factor/ordinary-p1-lam1024"] == "basic"  # |k| up to 2048
    assert report.diagnosis == []


def test_extreme_cases_never_stand_above_a_mistake() -> None:
    mistakes = tuple(type(BACKENDS[name]) for name in ("dk-without-n", "norm-overflows"))
    both: Any = type("Both", mistakes, {})
    lines = str(oracle.check(both(), "float32", groups=["loss", "param_gradient"])).splitlines()
    (extreme,) = (line for line in lines if line.startswith("at extreme values"))
    assert re.fullmatch(r"at extreme values: \d+ more cases fail, in loss, param_.*", extreme)
    assert lines.index(extreme) > max(i for i, line in enumerate(lines) if "FAILED" in line)


def test_subgradients_that_differ_are_reported_by_group() -> None:
    class Positive(Reference):
        def loss(self, *, y: Array, t: Array, **given: Any) -> Any:
            value, dy, dk = super().loss(y=y, t=t, **given)
            if given["order"] == 1:  # sign(0) = 1
                dy = np.where(y == t, super().loss(y=y, t=np.nextafter(t, -9), **given)[1], dy)
            return value, dy, dk

    text = str(oracle.check(Positive()))
    assert not oracle.check(Positive()).failures()
    assert "at e = 0: sign(0) = 1 in loss; 0 in param_gradient; 0 in sharded" in text


def test_subgradients_of_a_group_that_fails_are_not_reported() -> None:
    report = oracle.check(BACKENDS["flat-below-kink"])
    assert "|k|^p = λ: H" not in str(report)


def test_a_failing_line_says_what_where_and_why() -> None:
    text = str(oracle.check(Forgetful(), groups=["factor"]))
    verdict, counts, group, likely, finding, *rest = text.splitlines()
    assert verdict == "wrong: factor is the first wrong group"
    failed = len(oracle.check(Forgetful(), groups=["factor"]).failures())
    assert counts.endswith(f", {failed} failed")
    assert group == (
        "factor: 20 of 50 basic cases are wrong:"
        " F (66 of 150 numbers) and F' (64 of 150 numbers) are wrong"
    )
    assert likely == (
        f"  likely cause: {next(m.mistake for m in MUTANTS if m.name == 'divided-by-lam')}"
        " [divided-by-lam] reproduces 20 of 20 wrong cases"
    )
    assert finding == (
        "  F is wrong exactly where λ > 1 (66 numbers): it is 1/λ times the expected number"
    )
    first = next(line for line in rest if "FAILED" in line)
    assert first.startswith("  FAILED factor/ordinary-p1-lam4 (F and F' for p = 1, λ = 4, ")
    assert ": outside the bound; value[" in first and "] (k = " in first
    assert first.endswith(" (ratio 0.25)")


def test_the_report_for_machines_has_all_of_it() -> None:
    content = oracle.check(Forgetful()).as_json()
    assert (content["verdict"], content["level"], content["dtype"]) == (WRONG, "strict", "float64")
    assert content["summary"] == "wrong: factor is the first wrong group"
    (group,) = content["groups"]
    assert (group["group"], group["failed"], group["cases"]) == ("factor", 20, 50)
    assert group["likely_causes"][0]["name"] == "divided-by-lam"
    assert group["likely_causes"][0]["all"] is True
    assert any("1/λ times the expected number" in words for words in group["findings"])
    assert {row["likely_cause"] for row in content["cases"]} == {None, "divided-by-lam"}
    assert {row["level"] for row in content["cases"]} == {"basic", "strict"}
    losses = oracle.check(BACKENDS["quotient-rule"], groups=["factor"]).as_json()
    (digits, *_) = losses["losses_of_accuracy"]
    assert (digits["magnitude"], digits["from"], digits["kind"]) == ("k", 1536.0, "digits")


def test_small_errors_are_given_in_ulp() -> None:
    class Nearly:
        def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
            return lai_factor(k, lam, order) * (1 + 1e-13), lai_factor_derivative(k, lam, order)

    assert re.search(r"error \d+ ulp, bound \d", str(oracle.check(Nearly(), groups=["factor"])))


def test_single_precision_is_noticed() -> None:
    class Single(Port):
        def factor(self, k: Array, lam: Any, order: int) -> Any:
            return tuple(a.astype(float) for a in super().factor(k.astype(np.float32), lam, order))

    text = str(oracle.check(Single(), groups=["factor"]))
    assert "\n  37 of 37 wrong answers are right in float32: a part may be computed in" in text


def test_every_case_whose_inputs_were_accepted_is_reported() -> None:
    report = oracle.check(BACKENDS["nothing-refused"])
    lines = str(report).splitlines()
    said = [line for line in lines if line.startswith("  FAILED factor/error-")]
    assert len(said) == sum(o.case.group == "factor" for o in report.failures()) > 3
    assert any(
        "invalid inputs are accepted in 6 cases: λ = 0.0 is not above 0; " in line for line in lines
    )


def test_at_most_eight_failures_of_a_group_have_a_line() -> None:
    report = oracle.check(BACKENDS["sum-for-mean"], groups=["loss"])
    lines = str(report).splitlines()
    n = sum(o.case.group == "loss" for o in report.diagnosis[0].failed)
    assert sum(line.startswith("  FAILED loss/") for line in lines) == 8
    assert f"  … and {n - 8} more in loss" in lines


def test_groups_that_follow_are_one_line() -> None:
    groups = ["loss", "param_gradient", "sharded"]
    lines = str(oracle.check(BACKENDS["slopes-averaged"], groups=groups)).splitlines()
    for group in groups[1:]:
        (line,) = (each for each in lines if each.startswith(f"{group}: "))
        assert re.search(r"\d+ of \d+ basic cases are wrong and follow from ", line)
        assert not any(f"FAILED {group}/" in each for each in lines)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_answers_in_float64_are_rounded_to_the_dtype(dtype: str) -> None:
    class Doubles:
        def factor(self, k: Array, lam: float, order: int) -> tuple[Array, Array]:
            k = k.astype(float)
            return lai_factor(k, lam, order), lai_factor_derivative(k, lam, order)

    assert oracle.check(Doubles(), dtype, ["factor"])  # 1/λ becomes infinite in float32


def corrupted(change: Any) -> Any:
    """A port whose answers are all changed by `change`."""

    def through(name: str) -> Any:
        return lambda self, **given: change(getattr(Port, name)(self, **given))

    methods = {name: through(name) for name in ("factor", "loss", "adam_step")}
    return type("Corrupted", (Port,), methods)()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "change",
    [
        lambda parts: tuple(np.asarray(part) * np.nan for part in parts),
        lambda parts: tuple(np.where(np.arange(np.size(p)) % 3, p, np.inf) for p in parts),
        lambda parts: tuple(np.asarray(part) * 0 + 77 for part in parts),
        lambda parts: tuple(np.asarray(part) ** 2 * 1e30 for part in parts),
        lambda parts: tuple(np.asarray(part)[None] for part in parts),
        lambda parts: tuple(np.ravel(part)[:0] for part in parts),
        lambda parts: "no numbers",
        lambda parts: None,
    ],
)
def test_a_report_on_whatever_a_port_answers_is_text_and_strict_json(
    change: Any, dtype: str
) -> None:
    report = oracle.check(corrupted(change), dtype, ["factor", "loss", "adam"])
    assert str(report).startswith("wrong: factor is the first wrong group")
    content = json.dumps(report.as_json(), allow_nan=False)
    assert json.loads(content)["verdict"] == WRONG
