"""Documents of answers: those of lai_ref, and changed ones."""

from __future__ import annotations

from typing import Any

from lai_ref import oracle
from lai_ref.oracle.case import SCHEMA, mapped, token
from lai_ref.oracle.grading.grade import RaisedError
from lai_ref.oracle.grading.runner import run_case


def right_answers(*groups: str, dtype: str = "float64") -> dict[str, Any]:
    """The answers of lai_ref, in the form of a port."""
    answers: dict[str, Any] = {}
    for group in groups:
        for case in oracle.cases(group):
            answer = run_case(oracle.reference, case, dtype)
            if isinstance(answer, RaisedError):
                answers[case.id] = {"error": answer.words}
            elif isinstance(answer, dict):
                answers[case.id] = {n: mapped(token, part) for n, part in answer.items()}
    return {"schema": SCHEMA, "dtype": dtype, "answers": answers}


ADAM = right_answers("adam")

FIRST = next(iter(ADAM["answers"]))


def with_first(answer: Any) -> dict[str, Any]:
    return ADAM | {"answers": ADAM["answers"] | {FIRST: answer}}
