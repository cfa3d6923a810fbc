"""Run a Python backend on the published cases and grade its answers."""

from __future__ import annotations

from collections.abc import Sequence

from lai_ref.oracle.case import DTYPES, LEVELS, METHODS, cases
from lai_ref.oracle.diagnosis.follow_up import ask_backend
from lai_ref.oracle.grading.grade import NOT_IMPLEMENTED, Outcome, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.reporting.report import NO_METHOD, Report
from lai_ref.support.validation import check_choice


def check(
    backend: object,
    dtype: str = "float64",
    groups: Sequence[str] | None = None,
    level: str = "strict",
) -> Report:
    """Run a Python backend on every case of the groups (None: all) and grade its answers.

    Parameters
    ----------
    backend
        Any object with any of the methods of `Backend`.
    dtype
        ``"float64"`` or ``"float32"``: of the arrays passed to the backend, and of the bounds.
    level
        ``"basic"``: cases and bounds that any correct implementation passes, also one with F' by
        automatic differentiation. ``"strict"``: every case, with the bounds of a closed form of F'.

    Returns
    -------
    Report
        True if every case passed; as text, the verdict, what is wrong, and the likely cause.
    """
    check_choice("dtype", dtype, DTYPES)
    check_choice("level", level, LEVELS)
    groups = (groups,) if isinstance(groups, str) else groups
    chosen = [case for group in groups or (None,) for case in cases(group, level)]
    outcomes = []
    for case in chosen:
        answer = run_case(backend, case, dtype)
        if answer is None:
            method = METHODS[case.group]
            reason = "" if hasattr(backend, method) else f"{NO_METHOD}{method}"
            outcomes.append(Outcome(case, NOT_IMPLEMENTED, reason))
        else:
            outcomes.append(grade(case, answer, dtype, level))
    return Report(dtype, tuple(outcomes), level, ask_backend(backend, dtype))
