"""Grading one answer to one case: whether it passes, its worst error, and where.

A number is right if |got − expected| ≤ bound. The case has a bound for each number, dtype and level
(see `tolerances`). If the expected number exceeds the range of the dtype, infinity is expected. For
a segment of subgradients, one s in [0, 1] must satisfy

    |got − base − s · direction| ≤ bound

for every number of the case. Each number gives an interval of s; the case passes if the intervals
intersect. The midpoint of the intersection is reported as the port's subgradient at the kink.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.case import Case, Nested, flat, shape

PASSED, FAILED, MISSING, NOT_IMPLEMENTED = "passed", "failed", "missing", "not implemented"
MAX_FINITE = {"float32": Decimal(2) ** 128 - Decimal(2) ** 104, "float64": Decimal(2) ** 1024}
DIGITS = {"float32": 24, "float64": 53}  # binary digits of the significand
NO_COMMON_SUBGRADIENT = "expected one subgradient at the kink for all numbers, got several"
MIN_EXPONENT = {"float32": -149, "float64": -1074}  # binary, of the smallest number above 0
WORKING = Context(prec=60, Emin=-99999, Emax=99999)


@dataclass(frozen=True)
class RaisedError:
    """The answer of a port that rejected the inputs, with its error message."""

    words: str


@dataclass(frozen=True)
class InvalidAnswer:
    """A result that is neither the expected numbers nor an error that the port raised."""

    words: str


Answer: TypeAlias = dict[str, Nested] | RaisedError | InvalidAnswer


@dataclass(frozen=True, eq=False)  # compared and hashed by identity
class Outcome:
    """The result of grading one case. Errors and bounds are in ulp of the expected number."""

    case: Case
    status: str
    reason: str = ""
    location: str = ""  # output and index of the worst number
    got: str = ""
    expected: str = ""
    error: float = 0.0
    bound: float = 0.0
    subgradient: float | None = None  # s, for a segment
    answer: Any = None


def grade(case: Case, answer: Answer | None, dtype: str, level: str = "strict") -> Outcome:
    """Compare an answer, nested lists of Decimals by output, with the expected one.

    `answer` is None if the port gave none, and a `RaisedError` if it raised an error.
    """
    if answer is None:
        return Outcome(case, MISSING, "no answer")
    if case.expected is None and isinstance(answer, RaisedError):
        return Outcome(case, PASSED, answer=answer)
    reason = _mismatch(case, answer)
    if reason:
        return Outcome(case, FAILED, reason, answer=answer)
    with localcontext(WORKING):
        return _compare(case, answer, dtype, level)


def errors_in_bounds(outcome: Outcome, output: str, dtype: str) -> list[float]:
    """|got − expected| / bound of every number of an output, with the strict bounds."""
    case, s = outcome.case, Decimal(outcome.subgradient or 0)
    assert case.expected is not None
    bases = flat(case.expected[output])
    steps = flat(case.direction[output]) if case.direction else [Decimal(0)] * len(bases)
    bounds = [Decimal(b) for b in flat(case.bounds(dtype, "strict")[output])]
    with localcontext(WORKING):
        rows = zip(flat(outcome.answer[output]), bases, steps, bounds, strict=True)
        return [
            _error_in_bounds(got, base + s * step if step else base, bound, dtype)
            for got, base, step, bound in rows
        ]


def _mismatch(case: Case, answer: Answer) -> str:
    """Why the answer cannot be compared number by number with the expected one; "" if it can."""
    if isinstance(answer, InvalidAnswer):
        return answer.words
    if case.expected is None:
        return "expected an error, got an answer"
    if isinstance(answer, RaisedError):
        return f"expected numbers, got an error: {answer.words}"
    if set(answer) != set(case.expected):
        return f"expected the outputs {sorted(case.expected)}, got {sorted(answer)}"
    for name, expected in case.expected.items():
        try:
            got_shape = shape(answer[name])
        except ValueError as error:
            return f"{name}: {error}"
        if got_shape != shape(expected):
            return f"{name}: expected shape {shape(expected)}, got {got_shape}"
    return ""


def _compare(case: Case, answer: Answer, dtype: str, level: str) -> Outcome:
    assert isinstance(answer, dict) and case.expected is not None
    case_bounds = case.bounds(dtype, level)
    rows = []  # place, got, base, direction, bound
    for name, expected in case.expected.items():
        bases = flat(expected)
        steps = flat(case.direction[name]) if case.direction else [Decimal(0)] * len(bases)
        bounds = [Decimal(b) for b in flat(case_bounds[name])]
        indices = product(*map(range, shape(expected)))
        locations = [f"{name}{list(i)}" if i else name for i in indices]
        rows += list(zip(locations, flat(answer[name]), bases, steps, bounds, strict=True))
    s, one_serves_all = _common_subgradient([row for row in rows if row[3] and row[1].is_finite()])
    graded = []
    for location, got, base, step, bound in rows:
        expected = base + s * step if step else base  # a sum would lose the sign of −0.0
        excess = _error_in_bounds(got, expected, bound, dtype)
        graded.append((excess, location, got, expected, bound))
    excess, location, got, expected, bound = max(graded, key=lambda row: row[0])
    unit = _ulp(expected, dtype)
    finite = got.is_finite() and expected.is_finite()
    passed = excess <= 1
    reason = _reason(got, expected) if one_serves_all else NO_COMMON_SUBGRADIENT
    return Outcome(
        case,
        PASSED if passed else FAILED,
        "" if passed else reason,
        location,
        _format_number(got, dtype),
        _format_number(expected, dtype),
        float(abs(got - expected) / unit) if finite else math.inf,
        float(bound / unit),
        float(s) if case.direction else None,
        answer,
    )


def _common_subgradient(rows: list[Any]) -> tuple[Decimal, bool]:
    """The s in [0, 1] that is right for all numbers, and whether there is one."""
    low, high = Decimal(0), Decimal(1)
    for _, got, base, step, bound in rows:
        ends = sorted(((got - base - bound) / step, (got - base + bound) / step))
        low, high = max(low, ends[0]), min(high, ends[1])
    # if the intervals do not intersect, some number is wrong for any s in [0, 1]
    return min(max((low + high) / 2, Decimal(0)), Decimal(1)), low <= high


def _error_in_bounds(got: Decimal, expected: Decimal, bound: Decimal, dtype: str) -> float:
    """|got − expected| / bound, at most 1 if the number is right."""
    if got.is_nan() or expected.is_nan():
        return 0.0 if got.is_nan() and expected.is_nan() else math.inf
    beyond = abs(expected) > MAX_FINITE[dtype]
    if got.is_infinite() or beyond:
        right = got.is_infinite() and beyond
    elif bound == 0:  # nothing is computed: expect the exact number, with its sign
        right = got == expected
    else:
        return float(abs(got - expected) / bound)
    return 0.0 if right and got.is_signed() == expected.is_signed() else math.inf


def _reason(got: Decimal, expected: Decimal) -> str:
    if expected.is_infinite() or expected.is_nan():
        return f"expected {expected}"
    if got.is_nan():
        return "expected a number, got NaN"
    if got.is_infinite():
        return "expected a finite number, got infinity"
    if got == expected:
        return "the sign of zero is wrong"
    return "outside the bound"


def _format_number(d: Decimal, dtype: str) -> str:
    """A number with the digits of the dtype, rounded to it (infinite beyond its range)."""
    with np.errstate(over="ignore"):
        number = float(np.dtype(dtype).type(float(d)))
    return f"{number:.{17 if dtype == 'float64' else 9}g}"


def _ulp(expected: Decimal, dtype: str) -> Decimal:
    """The distance between neighbouring numbers of the dtype at `expected`."""
    if not expected.is_finite() or expected == 0:
        return Decimal(2) ** MIN_EXPONENT[dtype]
    exponent = (
        math.frexp(float(expected))[1]
        if 1e-300 < abs(expected) < Decimal("1e300")
        else (math.floor(float(abs(expected).log10()) / math.log10(2)) + 1)
    )
    return Decimal(2) ** max(exponent - DIGITS[dtype], MIN_EXPONENT[dtype])
