"""Right numbers that were written with too few digits are recognised, and others are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import GROUPS, METHODS
from lai_ref.oracle.diagnosis.diagnose import diagnose
from lai_ref.oracle.diagnosis.digits import rounded, shortest
from lai_ref.oracle.diagnosis.follow_up import ask_backend
from lai_ref.oracle.grading.backend import Reference, reference
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import answered, outcomes_of, right_numbers

RNG = np.random.default_rng(5)


def written(form: str) -> Callable[[Any], Array]:
    """Numbers that were written in this form and read again."""
    return np.vectorize(lambda number: float(form.format(number)), otypes=[float])


class Writing(Reference):
    """The reference, whose numbers are all written in a form and read again."""

    def __init__(self, form: str, factors: dict[str, float] | None = None) -> None:
        for group in GROUPS:
            right = getattr(reference, METHODS[group], lambda values: values)
            factor = (factors or {}).get(group, 1.0)

            def wrong(right: Any = right, factor: float = factor, **given: Any) -> Any:
                parts = right(**given)
                if isinstance(parts, tuple):
                    return tuple(written(form)(factor * part) for part in parts)
                return written(form)(factor * parts)

            setattr(self, METHODS[group], wrong)


@pytest.mark.parametrize(
    ("form", "dtype", "group", "output"),
    [
        ("{:.6g}", "float64", "factor", "slope"),
        ("{:.6f}", "float64", "loss", "dk"),
        ("{:.4f}", "float64", "factor", "value"),
        ("{:.15g}", "float64", "adam", "theta"),
        ("{:.6g}", "float32", "adam", "theta"),
        ("{:.4f}", "float32", "factor", "slope"),
    ],
)
def test_rounded_numbers_are_recognised(form: str, dtype: str, group: str, output: str) -> None:
    right = right_numbers(group, output, dtype)
    numbers = answered(right, written(form)(right.expected).astype(dtype))
    words = rounded(numbers, dtype)
    digits = {"float64": 17, "float32": 9}[dtype]
    assert words.startswith("rounded to too few digits (")
    assert words.endswith(f"): write {digits} significant digits")


def test_the_example_is_a_number_and_what_is_expected() -> None:
    right = right_numbers("factor", "value")
    words = rounded(answered(right, written("{:.3f}")(right.expected)), "float64")
    got, expected = words.split("(")[1].split(")")[0].split(" for ")
    assert float(got) == round(float(expected), 3) != float(expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda F: F * (1 + 1e-6 * RNG.normal(size=F.shape)),
        lambda F: F.astype(np.float32).astype(float),
        lambda F: written("{:.6g}")(1.00001 * F),
        lambda F: 0 * F,
        lambda F: F * np.nan,
        lambda F: np.where(np.arange(len(F)) < 2, written("{:.6g}")(F), F),  # two numbers alone
    ],
    ids=["noise", "single precision", "another mistake", "zero", "NaN", "few"],
)
def test_other_numbers_are_not_called_rounded(change: Callable[[Array], Array]) -> None:
    right = right_numbers("factor", "value")
    assert rounded(answered(right, change(right.expected)), "float64") == ""


def test_numbers_with_many_digits_just_outside_the_bound_are_not_called_rounded() -> None:
    right = right_numbers("factor", "value")
    nearly = answered(right, right.expected + 1.5 * right.bound)
    assert nearly.wrong.all() and rounded(nearly, "float64") == ""


def test_the_shortest_decimal_is_that_of_the_dtype() -> None:
    assert str(shortest(float(np.float32(0.1)), "float32")) == "0.1"
    assert str(shortest(float(np.float32(0.1)), "float64")) == "0.10000000149011612"


@pytest.mark.parametrize("form", ["{:.6g}", "{:.4f}"])
def test_what_is_wrong_in_the_digits_alone_follows_from_codec(form: str) -> None:
    groups = ("codec", "factor", "loss", "input_gradient", "adam")
    port = Writing(form)
    outcomes = [o for group in groups for o in outcomes_of(port, group)]
    codec, *rest = diagnose(outcomes, "float64", ask_backend(port, "float64"))
    (sentence,) = codec.findings
    assert sentence.startswith("values is rounded to too few digits (")
    assert [each.group for each in rest] == list(groups[1:])
    assert all(each.follows and each.causes == ("codec",) for each in rest)


def test_a_mistake_besides_the_digits_does_not_follow_from_codec() -> None:
    groups = ("codec", "factor", "adam")
    port = Writing("{:.6g}", {"adam": 1.01})
    outcomes = [o for group in groups for o in outcomes_of(port, group)]
    _, factor, adam = diagnose(outcomes, "float64", ask_backend(port, "float64"))
    assert factor.follows and not adam.follows


def test_an_error_does_not_follow_from_the_digits() -> None:
    class Rejecting(Writing):
        def __init__(self) -> None:
            super().__init__("{:.6g}")
            right = self.adam_step

            def step(**given: Any) -> Any:
                if given["t"] == 0:
                    raise ValueError("t is 0")
                return right(**given)

            self.adam_step = step  # type: ignore[method-assign]

    port = Rejecting()
    outcomes = [o for group in ("codec", "adam") for o in outcomes_of(port, group)]
    _, adam = diagnose(outcomes, "float64", ask_backend(port, "float64"))
    assert not adam.follows and "t is 0" in adam.findings[0]
