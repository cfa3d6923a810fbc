"""Verify the published answers: the exact implementation computes each of them again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lai_ref.oracle.build import answer
from lai_ref.oracle.case import Case, as_published


def verify(cases: Sequence[Case]) -> Iterator[tuple[Case, str]]:
    """Each case that expects numbers, with what is wrong in the file ("" for nothing).

    Levels, expected numbers and directions must equal those in the file in every digit. Bounds are
    computed in doubles and rounded to two digits; they must agree within a tenth.
    """
    published = as_published(cases)
    for case in cases:
        stated = published[case.id]
        if case.expected is None:
            continue
        computed = answer(case.group, case.inputs)
        exact = ("level", "expected", "direction")
        differing = [key for key in exact if computed.get(key) != stated.get(key)]
        differing += [
            key
            for key in ("tolerance", "basic_tolerance")
            if not _near(computed.get(key, {}), stated.get(key, {}))
        ]
        problem = f"differs from the computed values in {', '.join(differing)}"
        yield case, problem if differing else ""


def _near(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_near(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_near, a, b))
    return math.isclose(float(a), float(b), rel_tol=0.1)
