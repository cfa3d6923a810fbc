"""The sentences about wrong answers are true, and right answers get none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import DTYPES, GROUPS
from lai_ref.oracle.diagnosis.findings import _of_training, findings, pattern
from lai_ref.oracle.diagnosis.follow_up import ask_backend
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import Changed, outcomes_of, tables_of


def said(port: object, group: str, dtype: str = "float64", asked: bool = True) -> list[str]:
    """The findings, without NumPy warnings, as in `diagnose`."""
    ask = ask_backend(port, dtype) if asked else None
    with np.errstate(all="ignore"):
        return findings(group, outcomes_of(port, group, dtype), ask, dtype)


@pytest.mark.parametrize(
    ("port", "dtype"),
    [
        pytest.param(Port(), "float32"),
        *(pytest.param(reference, dtype, marks=pytest.mark.slow) for dtype in DTYPES),
        pytest.param(Port(), "float64", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_said_about_right_answers(group: str, port: object, dtype: str) -> None:
    assert said(port, group, dtype) == []
    assert pattern(group, outcomes_of(port, group, dtype), dtype) == ""


def test_where_and_in_which_ratio_an_output_is_wrong_comes_first() -> None:
    class ForgetsHalf(Port):
        """F' is halved where λ > 1."""

        def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
            return super().factor_derivative(k, lam, order) * np.where(lam > 1, 0.5, 1)

    first, *rest = said(ForgetsHalf(), "factor")
    assert first.startswith("F' is wrong only where λ > 1 (")
    assert first.endswith(" numbers there): it is 1/2 times the expected number")
    assert any(s.startswith("F' is not the derivative of the port's own F: ") for s in rest)
    text = pattern("factor", outcomes_of(ForgetsHalf(), "factor"), "float64")
    assert text.startswith("F' (") and text.endswith(" numbers) is wrong, F is right")


def test_two_parts_of_the_numbers_may_follow_laws_of_their_own() -> None:
    def by_order(given: dict[str, Any], answer: Any) -> Any:
        return answer[0] * (2 if given["order"] == 1 else 3), answer[1]

    first, *_ = said(Changed("factor", by_order), "factor")
    assert first == (  # of 166, 16 belong to cases at a kink
        "F is wrong in 150 of 150 numbers: it is 2 times the expected number where p = 1"
        ", and is 3 times the expected number where p = 2"
    )


def test_outputs_that_are_wrong_in_the_same_way_share_a_sentence() -> None:
    sentence, *_ = said(Changed("factor", times(np.nan)), "factor")
    assert sentence == "F and F' are wrong in 150 of 150 numbers: it is NaN"


def test_errors_and_accepted_inputs_are_told_with_their_reason() -> None:
    class Lenient(Port):
        def require(self, condition: Any, words: str) -> None:
            pass

    accepted, *_ = said(Lenient(), "factor")
    assert accepted.startswith("invalid inputs are accepted in 6 cases: ")

    class NoHalf(Port):
        def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
            self.require(order != 1, "p = 1 is not implemented")
            return super().factor(k, lam, order)

    (sentence,) = said(NoHalf(), "factor", asked=False)
    assert (
        " cases fail exactly where p = 1 (" in sentence and "p = 1 is not implemented" in sentence
    )


def test_an_answer_in_another_form_is_told() -> None:
    port = Changed("loss", lambda given, answer: (answer[0], answer[1][:, None], answer[2]))
    (sentence, *_) = said(port, "loss")
    assert "dy: expected shape" in sentence


def test_memory_is_told() -> None:
    class Counting(Port):
        calls = 0

        def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
            self.calls += 1
            F, dF = super().factor(k, lam, order)
            return F * (1 + 0.01 * self.calls), dF

    first, *_ = said(Counting(), "factor")
    assert first.startswith("the same question (factor/") and "differently" in first
    assert not any("the same question" in s for s in said(Counting(), "factor", asked=False))


def test_single_precision_is_told_in_float64_alone() -> None:
    class Single(Port):
        def factor(self, k: Array, lam: Any, order: int) -> Any:
            return tuple(a.astype(float) for a in super().factor(k.astype(np.float32), lam, order))

    assert any("are right in float32" in s for s in said(Single(), "factor"))
    assert said(Single(), "factor", "float32") == []
    assert not any(
        "float32" in s for s in said(Changed("factor", lambda g, a: (2 * a[0], a[1])), "factor")
    )


def test_nan_is_told_with_its_place() -> None:
    def nan_at_zero(given: dict[str, Any], answer: Any) -> Any:
        return answer[0], np.where(given["k"] == 0, np.nan, answer[1])

    first, *_ = said(Changed("factor", nan_at_zero), "factor")
    assert first.startswith("F' is wrong exactly where k = 0 (") and first.endswith(": it is NaN")

    def mixed(given: dict[str, Any], answer: Any) -> Any:
        return answer[0], np.where(given["k"] == 0, np.nan, 2 * answer[1])

    first, *_ = said(Changed("factor", mixed), "factor")
    assert "NaN or infinite exactly where k = 0" in first
    assert first.endswith(": it is 2 times the expected number")


def test_a_threshold_of_the_slope_is_told() -> None:
    def clipped(given: dict[str, Any], answer: Any) -> Any:
        return np.where(abs(given["k"]) > 100, answer[0] + 0.125, answer[0]), answer[1]

    first, *_ = said(Changed("factor", clipped), "factor")
    assert first.startswith("F is wrong exactly where |k| ≥ ")


def test_a_step_that_leaves_theta_is_told() -> None:
    port = Changed("adam_step", lambda given, answer: (given["theta"], *answer[1:]))
    assert "theta does not change: it equals the theta before the step" in said(port, "adam")


def test_a_run_whose_steps_are_right_is_told() -> None:
    class Forgetful(Port):
        """m and v are not carried from one step to the next."""

        def train(self, *, batches: Any, step: int, **rest: Any) -> Array:
            if len(batches) == 1:
                return super().train(batches=batches, step=step, **rest)
            path = []
            for taken, batch in enumerate(batches, step):
                rest["theta"] = super().train(batches=[batch], step=taken, **rest)[0]
                path.append(rest["theta"])
            return np.stack(path)

    words = "every single step is right: the state that a run passes between steps is wrong"
    assert _of_training(tables_of(Forgetful(), "train")["theta"], "float64") == [words]


def test_of_noise_only_the_size_is_told() -> None:
    rng = np.random.default_rng(5)

    def noisy(given: dict[str, Any], answer: Any) -> Any:
        return answer[0], answer[1] * (1 + 1e-3 * rng.normal(size=len(given["k"])))

    nearly, sentence = said(Changed("factor", noisy), "factor", asked=False)
    assert nearly.startswith("F' is nearly right (median relative error 0.000")
    assert sentence.startswith("relative error of F': median 0.00") and ", maximum " in sentence


def test_a_wrong_value_with_its_own_gradient_is_told() -> None:
    port = Changed("factor", lambda given, answer: (1.5 * answer[0] + 0.25, 1.5 * answer[1]))
    assert "F' is the derivative of the port's own F: the mistake is in F" in said(port, "factor")


def times(factor: float) -> Any:
    """A change that multiplies all numbers by one factor."""
    return lambda given, answer: tuple(np.asarray(part, float) * factor for part in answer)


@pytest.mark.parametrize("factor", [np.nan, np.inf, 0.0, 1.5, 1e300])
def test_no_sentence_about_any_numbers_is_wrong_in_form(factor: float) -> None:
    for group, method in (("factor", "factor"), ("adam", "adam_step")):
        sentences = said(Changed(method, times(factor)), group)
        assert sentences
        for sentence in sentences:
            assert "nan" not in sentence and "  " not in sentence, sentence
            assert "other inputs" not in sentence and "differs from case" not in sentence, sentence
