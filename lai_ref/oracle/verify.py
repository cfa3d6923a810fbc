"""Whether the published answers are true: each is computed again by the exact implementation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lai_ref.oracle.build import answer
from lai_ref.oracle.case import Case, as_published


def verify(cases: Sequence[Case]) -> Iterator[tuple[Case, str]]:
    """Each case that has numbers, with what is wrong with them, an empty string for nothing.

    Levels, expected numbers and directions have to be those in the file to the last digit; bounds,
    which are computed in doubles and have two digits, within a tenth.
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
        yield case, f"{', '.join(differing)} differ from what is computed" if differing else ""


def _near(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_near(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_near, a, b))
    return math.isclose(float(a), float(b), rel_tol=0.1)
