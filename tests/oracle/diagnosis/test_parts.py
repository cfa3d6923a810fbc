"""A part of a gradient that is omitted, doubled, negated or scaled is reported, and no other."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.diagnosis import parts as module
from lai_ref.oracle.diagnosis.numbers import Numbers
from lai_ref.oracle.diagnosis.parts import DECAY, PARTS, POOLED, deviating_parts
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_network import Cache
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import BOTH_DTYPES, answered, right_numbers, tables_of

SUMS = [
    pytest.param(pair, marks=pytest.mark.slow if pair[0] == "param_gradient" else ())
    for pair in PARTS
    if pair[0] != "sharded"
]
FEATURE = re.compile("first feature|last feature|other features")
RATIOS = {"is missing": 0.0, "is multiplied by 2": 2.0, "has the wrong sign": -1.0}


def rounded(numbers: Numbers, got: Array, dtype: str) -> Numbers:
    """The numbers with other answers, rounded to the dtype."""
    return answered(numbers, got.astype(dtype).astype(float))


def said(numbers: Numbers, dtype: str) -> str:
    """The deviating parts, without NumPy warnings, as in `diagnose`."""
    with np.errstate(all="ignore"):
        return deviating_parts(numbers, dtype)


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize("pair", SUMS)
def test_each_part_that_deviates_is_named(pair: tuple[str, str], dtype: str) -> None:
    right = right_numbers(*pair, dtype)
    for parts_of in PARTS[pair]:
        parts = module._collected(right, parts_of)
        expected = sum(part for name, part in parts.items() if name != DECAY)
        np.testing.assert_allclose(expected, right.expected, rtol=1e-9, atol=1e-9)
        for name in parts:
            for words, c in RATIOS.items():
                got = right.expected + (c - (name != DECAY)) * parts[name]
                words = (
                    f"{c:g} · θ is added".replace("-", "−") if name == DECAY else f"{name} {words}"
                )
                if name != DECAY or c:
                    found = said(rounded(right, got, dtype), dtype)
                    told = found.removeprefix("is a sum of parts in which ")
                    # for two features, the others of the first are the last, and the reverse
                    alike = {told, FEATURE.sub("feature", told)}
                    assert alike & {words, FEATURE.sub("feature", words)}, (name, found)


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize("output", ["value", "grad"])
def test_what_shards_are_combined_to_is_named(output: str, dtype: str) -> None:
    right = right_numbers("sharded", output, dtype)
    parts = module._collected(right, PARTS["sharded", output][0])
    for name, part in parts.items():
        numbers = rounded(right, part, dtype)
        assert numbers.wrong.any() == (name != POOLED)
        words = f"is that of {name}, where {POOLED} is expected" if name != POOLED else ""
        assert said(numbers, dtype) == words


@pytest.mark.slow
@pytest.mark.parametrize("pair", PARTS)
def test_right_numbers_and_noise_have_no_part_that_deviates(pair: tuple[str, str]) -> None:
    right = right_numbers(*pair)
    assert said(right, "float64") == ""
    noise = np.random.default_rng(2).normal(size=len(right))
    for size in (1e-3, 1.0):
        assert said(answered(right, right.expected * (1 + size * noise)), "float64") == ""
    assert said(answered(right, right.expected * np.nan), "float64") == ""
    assert said(right.chosen(np.zeros(len(right), bool)), "float64") == ""


class WithoutCurvature(Port):
    """f'' is missing."""

    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        dW, dz = super().reverse_input_gradient(cache, dk)
        return dW, [0 * each for each in dz]


class OnceMore(Port):
    """The part through y is multiplied by N."""

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return super().double_backward(cache, len(dy) * dy, dk)


class NormSwapped(Port):
    """The part of the 1-norm in dk is subtracted."""

    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        value, s = super().norm(c, l1_ratio)
        return value, s - 2 * l1_ratio


def test_the_part_that_a_port_gets_wrong_is_named() -> None:
    for port, pair, words in (
        (
            WithoutCurvature(),
            ("param_gradient", "grad"),
            "the part through k by way of f'' is missing",
        ),
        (OnceMore(), ("param_gradient", "grad"), "the part through y is multiplied by N"),
        (NormSwapped(), ("loss", "dk"), "the part of the 1-norm has the wrong sign"),
        (NormSwapped(), ("loss", "dy"), "the part of the 1-norm has the wrong sign"),
    ):
        numbers = tables_of(port, pair[0])[pair[1]]
        numbers = numbers.chosen(np.array([o.case.direction is None for o in numbers.outcomes]))
        assert numbers.wrong.any()
        assert said(numbers, "float64") == f"is a sum of parts in which {words}"
