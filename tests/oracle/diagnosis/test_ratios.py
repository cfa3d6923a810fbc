"""A law of the ratio to the expected numbers is found, and noise gives none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from lai_ref.oracle.diagnosis.numbers import Numbers
from lai_ref.oracle.diagnosis.ratios import ratio_law, sizes
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import BOTH_DTYPES, answered, right_numbers

Sizes = Mapping[str, Array]
LAWS: dict[str, Callable[[Sizes], Array]] = {
    "2": lambda s: 2 + 0 * s["p"],
    "1/3": lambda s: 1 / 3 + 0 * s["p"],
    "−1": lambda s: -1 + 0 * s["p"],
    "π": lambda s: np.pi + 0 * s["p"],
    "1.234": lambda s: 1.234 + 0 * s["p"],
    "N": lambda s: s["N"],
    "1/N": lambda s: 1 / s["N"],
    "1/√D": lambda s: s["D"] ** -0.5,
    "λ²": lambda s: s["λ"] ** 2,
    "−2 · λ": lambda s: -2 * s["λ"],
    "N · 1/D": lambda s: s["N"] / s["D"],
    "(1 + k²)^1.5": lambda s: s["(1 + k²)"] ** 1.5,
    "1/|e|": lambda s: 1 / s["|e|"],
}


def rounded(numbers: Numbers, ratio: Array, dtype: str) -> Numbers:
    """The expected numbers times a ratio, rounded to the dtype; only those that are wrong."""
    with np.errstate(all="ignore"):
        times = np.where(numbers.expected == 0, 0, ratio * numbers.expected)
    got = answered(numbers, times.astype(dtype).astype(float))
    return got.chosen(got.wrong)


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_found(law: str, dtype: str) -> None:
    right = right_numbers("loss", "dk", dtype)
    right = right.chosen(right.expected != 0)
    wrong = rounded(right, LAWS[law](sizes(right)), dtype)
    assert len(wrong) > 50
    assert ratio_law(wrong, dtype) == f"is {law} times the expected number"


def test_a_constant_is_given_the_name_that_it_may_have() -> None:
    right = right_numbers("param_gradient", "grad")
    three = np.array([o.case.inputs["x"].__len__() == 3 for o in right.outcomes])
    numbers = right.chosen(three & (right.expected != 0))
    assert (sizes(numbers)["N"] == 3).all()
    for ratio, words in ((1 / 3, "1/3 (1/N, as N = 3)"), (3.0, "3 (N, as N = 3)"), (2.0, "2")):
        wrong = rounded(numbers, np.full(len(numbers), ratio), "float64")
        assert ratio_law(wrong, "float64") == f"is {words} times the expected number"


def test_a_size_that_has_two_values_alone_is_found_if_no_constant_is_needed() -> None:
    right = right_numbers("sharded", "grad")
    n = sizes(right)["N"]
    assert len(set(n)) == 2
    assert ratio_law(rounded(right, n, "float64"), "float64") == "is N times the expected number"
    # a line fits any two points
    assert ratio_law(rounded(right, 1.7 * n, "float64"), "float64") == ""


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize("size", [1e-3, 0.1, 1.0])
def test_noise_follows_no_law(size: float, dtype: str) -> None:
    rng = np.random.default_rng(8)
    for group, output in (("factor", "slope"), ("loss", "dk"), ("adam", "theta")):
        right = right_numbers(group, output, dtype)
        for _ in range(3):
            noise = np.exp(size * rng.normal(size=len(right)))
            wrong = rounded(right, noise, dtype)
            few = np.isin(np.arange(len(wrong)), rng.choice(len(wrong), 8))
            assert ratio_law(wrong, dtype) == ratio_law(wrong.chosen(few), dtype) == ""


def test_a_law_that_one_number_breaks_is_not_found() -> None:
    right = right_numbers("loss", "dk")
    ratio = np.full(len(right), 2.0)
    ratio[np.flatnonzero(right.expected)[5]] = 2.001
    assert ratio_law(rounded(right, ratio, "float64"), "float64") == ""


def test_a_ratio_near_1_is_told_from_rounding() -> None:
    right = right_numbers("param_gradient", "grad")
    more = rounded(right, np.full(len(right), 1 + 5e-7), "float64")
    assert ratio_law(more, "float64") == "is 1 +5e-07 times the expected number"
    right = right_numbers("param_gradient", "grad", "float32")
    rng = np.random.default_rng(1)
    noise = rounded(right, 1 + 5e-6 * rng.normal(size=len(right)), "float32")
    noise = noise.chosen(np.abs(noise.got / noise.expected - 1) < 9e-6)
    assert len(noise) > 3 and ratio_law(noise, "float32") == ""


def test_numbers_that_are_all_the_same_are_told() -> None:
    right = right_numbers("loss", "dk")
    right = right.chosen(right.expected != 0)
    for got, words in (
        (0 * right.expected, "is 0"),
        (0 * right.expected + 0.375, "is 0.375 everywhere"),
        (np.full(len(right), np.nan), "is NaN"),
        (np.full(len(right), np.inf), "is infinite"),
        (np.abs(right.expected), "has the right magnitude and, in part, the wrong sign"),
        (np.where(np.arange(len(right)) % 2, np.nan, right.expected), ""),
    ):
        assert ratio_law(replace(right, got=got), "float64") == words


def test_one_number_has_no_law() -> None:
    right = right_numbers("loss", "dk")
    one = right.chosen(np.arange(len(right)) == np.flatnonzero(right.expected)[0])
    assert ratio_law(replace(one, got=2 * one.got), "float64") == ""
