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

# in the default run one dtype for slow tests
BOTH_DTYPES = ("float64", pytest.param("float32", marks=pytest.mark.slow))


@lru_cache(maxsize=64)
def outcomes_of(backend: object, group: str, dtype: str = "float64") -> tuple[Outcome, ...]:
    """The outcomes of a group's cases at level basic."""
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
    """The numbers away from kinks, with the expected numbers as answers."""
    numbers = tables_of(reference, group, dtype)[output]
    numbers = numbers.chosen(np.array([o.case.direction is None for o in numbers.outcomes], bool))
    return replace(numbers, got=numbers.expected.copy())


def answered(numbers: Numbers, got: Array) -> Numbers:
    """The same numbers with other answers of a port."""
    return replace(numbers, got=np.asarray(got, float))


def as_failed(outcomes: tuple[Outcome, ...]) -> list[Outcome]:
    """The outcomes, with every case that has numbers marked as failed."""
    return [replace(o, status=FAILED) for o in outcomes if o.location]


class Changed(Reference):
    """The reference; in one group a function of inputs and answer changes the answer."""

    def __init__(self, method: str, f: Callable[[dict[str, Any], Any], Any]) -> None:
        right = getattr(reference, method)

        def wrong(**given: Any) -> Any:
            return f(given, right(**given))

        setattr(self, method, wrong)
