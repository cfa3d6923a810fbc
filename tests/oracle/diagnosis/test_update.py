"""Mistakes in a step of Adam are found: a variant of the update, weight decay, ε, m and v."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import DTYPES
from lai_ref.oracle.diagnosis import update as module
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.oracle.diagnosis.update import update_findings
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import Changed, tables_of

RIGHT = "lr · m̂ / (√v̂ + ε)"


def said(tables: Mapping[str, Numbers], dtype: str = "float64") -> list[str]:
    """The findings about the update, without NumPy warnings, as in `diagnose`."""
    with np.errstate(all="ignore"):
        return update_findings(tables, dtype)


def check_variants(dtype: str, stride: int) -> tuple[int, int]:
    """Check that each variant, or an earlier equal one, is found; return how many are found."""
    tables = tables_of(reference, "adam", dtype)
    theta = tables["theta"]
    q = module._inputs(theta)
    variants = list(module._variants(q, tables["m"].got, tables["v"].got))
    by_name = dict(variants)
    assert len(by_name) == len(variants) and "" in by_name
    itself = others = 0
    infinite = [each for each in variants if each[0].startswith("lr · m̂ / max(√[the v before")]
    assert len(infinite) == 1  # an equal variant divides by 0
    for words, update in variants[1::stride] + infinite:
        with np.errstate(all="ignore"):
            got = (q["theta"] - q["lr"] * update).astype(dtype).astype(float)
        # if a variant divides by 0, as in the first step, a port does something else
        got = np.where(np.isfinite(got), got, theta.expected)
        wrong = tables | {"theta": replace(theta, got=got)}
        if not wrong["theta"].wrong.any():
            continue
        (sentence,) = said(wrong, dtype)
        found = sentence.removeprefix("the update is ").removesuffix(f", where {RIGHT} is expected")
        if found == words:
            itself += 1
            continue
        others += 1
        with np.errstate(all="ignore"):
            error = np.abs(q["theta"] - q["lr"] * by_name[found] - got)
        # a right number may be the exception to a variant that divides by 0
        usable = np.isfinite(update) & (np.isfinite(by_name[found]) | wrong["theta"].wrong)
        rounding = SPARE[dtype] * (np.abs(theta.expected) + q["lr"] * np.abs(by_name[found]))
        assert (error <= 4 * theta.bound + rounding)[usable].all(), (words, found)
    return itself, others


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_variant_of_the_update_is_found(dtype: str) -> None:
    itself, others = check_variants(dtype, 43)
    assert itself > 10 * others


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_variant_of_the_update_is_found(dtype: str) -> None:
    itself, others = check_variants(dtype, 1)
    print(f"{itself} variants are found in {dtype}, {others} as equivalent ones")
    assert itself > 10 * others


class Decaying(Port):
    """AdamW with a decay of 0.01."""

    def adam_step(self, *, theta: Array, lr: float, **rest: Any) -> tuple[Array, Array, Array]:
        after, m, v = super().adam_step(theta=theta, lr=lr, **rest)
        return after - lr * 0.01 * theta, m, v


class LargerEpsilon(Port):
    """ε is 3 times the given one."""

    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, 3 * eps)


class WrongMoments(Port):
    """m without the factor 1 − β₁, v from |g|."""

    def first_moment(self, m: Array, grad: Array, beta: float) -> Array:
        return beta * m + grad

    def second_moment(self, v: Array, grad: Array, beta: float) -> Array:
        return self.moment(v, np.abs(grad), beta)


class Coupled(Port):
    """The gradient of an L2 penalty is added, in m only."""

    def adam_step(self, *, theta: Array, m: Array, beta1: float, **rest: Any) -> Any:
        after, m, v = super().adam_step(theta=theta, m=m, beta1=beta1, **rest)
        return after, m + 0.1 * (1 - beta1) * theta, v


class Tripled(Port):
    """Three times the update."""

    def update(self, *args: Any) -> Array:
        return 3 * super().update(*args)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mistakes_besides_the_variants_are_found(dtype: str) -> None:
    assert said(tables_of(Decaying(), "adam", dtype), dtype) == [
        f"the update is {RIGHT} plus 0.01 lr · θ: a weight decay"
    ]
    assert said(tables_of(LargerEpsilon(), "adam"), "float64") == [
        "ε is about 3 times the given one in the update"
    ]
    assert said(tables_of(Coupled(), "adam", dtype), dtype)[0] == (
        "m is β₁ m + (1 − β₁) g + 0.1 · (1 − β₁) θ, where β₁ m + (1 − β₁) g is expected"
    )
    assert said(tables_of(Tripled(), "adam")) == [
        f"the update is 3 times {RIGHT}, with t = 1 in the first step"
    ]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_update_of_a_port_with_wrong_moments_is_not_called_wrong(dtype: str) -> None:
    assert said(tables_of(WrongMoments(), "adam", dtype), dtype) == [
        "m is β₁ m + g, where β₁ m + (1 − β₁) g is expected",
        "v is β₂ v + (1 − β₂) |g|, where β₂ v + (1 − β₂) g² is expected",
    ]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("port", [reference, Port()])
def test_nothing_is_said_about_a_right_step(port: object, dtype: str) -> None:
    assert said(tables_of(port, "adam", dtype), dtype) == []


def test_nothing_is_said_about_numbers_that_are_not_finite() -> None:
    tables = tables_of(reference, "adam")
    bad = {n: replace(numbers, got=numbers.got * np.nan) for n, numbers in tables.items()}
    assert said(bad) == []


def test_the_rule_itself_is_not_called_wrong_if_m_and_v_are_nearly_right() -> None:
    def nearly(given: Any, answer: Any) -> Any:
        return answer[0], *(part * (1 + 1e-12) for part in answer[1:])

    tables = tables_of(Changed("adam_step", nearly), "adam")
    assert tables["m"].wrong.any() and tables["v"].wrong.any()
    assert said(tables) == []
