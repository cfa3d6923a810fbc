"""Further questions to a port that failed: small inputs that are not published as cases.

A question is a group and its inputs, as Python numbers and nested lists. If the answers were read
from a file, the port cannot be run again and there is no `Ask`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.case import Case
from lai_ref.oracle.grading.runner import run_case
from lai_ref.support.validation import Array

Question: TypeAlias = tuple[str, dict[str, Any]]
Reply: TypeAlias = dict[str, Array] | None  # outputs by name; None if there are no numbers
Ask: TypeAlias = Callable[[Sequence[Question]], list[Reply]]


def ask_backend(backend: object, dtype: str) -> Ask:
    """A function that runs a Python backend on further questions."""

    def ask(questions: Sequence[Question]) -> list[Reply]:
        return [reply(run_case(backend, as_case(q, i), dtype)) for i, q in enumerate(questions)]

    return ask


def as_case(question: Question, number: int) -> Case:
    """A question in the form of a case, without an answer."""
    group, inputs = question
    return Case(f"{group}/follow-up-{number}", group, "a follow-up question", inputs, {}, None, {})


def reply(answer: Any) -> Reply:
    """Arrays from nested lists of decimals; None for an error or an answer of another form."""
    if not isinstance(answer, dict):
        return None
    try:
        return {name: np.array(numbers, float) for name, numbers in answer.items()}
    except ValueError:  # rows of unequal length
        return None
