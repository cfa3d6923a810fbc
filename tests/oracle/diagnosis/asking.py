"""Outcomes of backends at level basic, and tables of numbers, for the tests of the diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import cases
from lai_ref.oracle.diagnosis.numbers import Numbers, tables
from lai_ref.oracle.grading.backend import Reference, reference
from lai_ref.oracle.grading.grade import FAILED, Outcome, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.support.validation import Array

# by default one dtype, where a test takes long
BOTH_DTYPES = ("float64", pytest.param("float32", marks=pytest.mark.slow))


@lru_cache(maxsize=64)
def outcomes_of(backend: object, group: str, dtype: str = "float64") -> tuple[Outcome, ...]:
    """What became of the group's cases at level basic."""
    return tuple(
        grade(case, run_case(backend, case, dtype), dtype, "basic")
        for case in cases(group, "basic")
    )


@lru_cache(maxsize=64)
def tables_of(backend: object, group: str, dtype: str = "float64") -> dict[str, Numbers]:
    """The numbers of each output of the group."""
    return tables(outcomes_of(backend, group, dtype), dtype)


@lru_cache(maxsize=64)
def right_numbers(group: str, output: str, dtype: str = "float64") -> Numbers:
    """The numbers of the reference away from kinks, as if exact arithmetic had given them."""
    numbers = tables_of(reference, group, dtype)[output]
    numbers = numbers.chosen(np.array([o.case.direction is None for o in numbers.outcomes], bool))
    return replace(numbers, got=numbers.expected.copy())


def answered(numbers: Numbers, got: Array) -> Numbers:
    """The same numbers, had a port given these."""
    return replace(numbers, got=np.asarray(got, float))


def as_failed(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    """The outcomes as if every case with numbers had failed."""
    return [replace(o, status=FAILED) for o in outcomes if o.location]


class Changed(Reference):
    """The reference, whose answer in one group is changed by a function of inputs and answer."""

    def __init__(self, method: str, f: Callable[[dict[str, Any], Any], Any]) -> None:
        right = getattr(reference, method)

        def wrong(**given: Any) -> Any:
            return f(given, right(**given))

        setattr(self, method, wrong)
