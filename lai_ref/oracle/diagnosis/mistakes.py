"""Which known mistakes a port probably has: its wrong answers are compared with the mutants.

A mutant reproduces a wrong answer if its own answer is wrong too, and equal up to rounding. Two
conditions must hold for a report. The mutant reproduces all remaining wrong answers of the group,
or at least three and a third of them (fewer may be coincidence). And it reproduces at least a third
as many as the cases that it fails and the port passed. Wrong answers that it does not reproduce are
then compared with other mutants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lai_ref.oracle.case import OUTPUTS, Case, flat
from lai_ref.oracle.diagnosis.facts import is_run
from lai_ref.oracle.grading.grade import FAILED, PASSED, Outcome, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants import MUTANTS, Mutant

SAMPLE_SIZE = 12  # wrong answers, and right ones, that are used to find the nearest mutant
MATCH_BOUNDS = 2.0  # each of the two answers may differ by one bound from exact arithmetic
MATCH_ROUNDINGS = {"float64": 1e-12, "float32": 3e-6}  # relative, for large wrong numbers
MIN_FRACTION = 1 / 3  # of the wrong answers, and of the false positives, to reproduce
MAX_FALSE = 0.05  # false positives of a complete mistake, relative to the wrong answers
MIN_CASES = 3  # to reproduce, for a mistake that does not reproduce all


class Mistake(NamedTuple):
    """A mutant and the wrong answers of one group that it reproduces."""

    mutant: Mutant
    explained: tuple[Outcome, ...]
    complete: bool  # reproduces all wrong answers of the group, with almost no false positive


def mistakes(
    group: str, outcomes: Sequence[Outcome], dtype: str, known: Sequence[Mutant] = ()
) -> list[Mistake]:
    """The likely mistakes of one group, from its outcomes at level basic.

    `known` are the mistakes found in other groups: they may affect this one, too.
    """
    # including unexpected or missing errors
    wrong = [o for o in outcomes if o.status == FAILED and o.answer is not None]
    passed = [o for o in outcomes if o.status == PASSED]
    found: list[Mistake] = []
    left = list(wrong)
    while left:
        mutant, explained, false_positives = _best(known, left, passed, dtype)
        if mutant is None:
            nearest = _nearest(group, left, passed, dtype)
            mutant, explained, false_positives = _best(nearest, left, passed, dtype)
        if mutant is None:
            break
        # at a kink, a port with the same mistake may use another subgradient
        missed = {o for o in wrong if o.case.direction is None} - set(explained)
        complete = not missed and false_positives <= MAX_FALSE * len(wrong)
        found.append(Mistake(mutant, tuple(explained), complete))
        left = [o for o in left if all(o is not each for each in explained)]
    return found


def _nearest(group: str, wrong: list[Outcome], passed: list[Outcome], dtype: str) -> list[Mutant]:
    """The mutant closest to the port in a sample of cases, if any reproduces a wrong answer."""
    some_wrong, some_right = _subsample(wrong), _subsample(passed)
    explaining = [
        each
        for each in MUTANTS
        if group in each.groups and any(_explains(each, o, dtype) for o in some_wrong)
    ]
    if not explaining:
        return []
    sample = some_wrong + some_right
    # the first of several equal ones
    return [max(explaining, key=lambda each: _score(each, sample, dtype))]


def _best(
    mutants: Sequence[Mutant], wrong: Sequence[Outcome], passed: Sequence[Outcome], dtype: str
) -> tuple[Mutant | None, list[Outcome], int]:
    """The mutant that reproduces most of these answers, if enough, and its false positives."""
    pairs = [(each, [o for o in wrong if _explains(each, o, dtype)]) for each in mutants]
    pairs = [pair for pair in pairs if pair[1]]
    if not pairs:
        return None, [], 0
    mutant, explained = max(pairs, key=lambda pair: len(pair[1]))
    false_positives = sum(
        not _answer(mutant, o.case, dtype)[1] for o in passed if o.case.direction is None
    )
    few = 1 if len(explained) == len(wrong) else MIN_CASES
    enough = len(explained) >= max(few, MIN_FRACTION * len(wrong), MIN_FRACTION * false_positives)
    return (mutant, explained, false_positives) if enough else (None, [], 0)


def _score(mutant: Mutant, outcomes: Sequence[Outcome], dtype: str) -> tuple[float, ...]:
    """How many failures the mutant reproduces, how many answers are equal, and how close it is.

    If two mutants are equal here, the one that affects fewer groups has the higher score.
    """
    apart = np.array([_max_distance(mutant, o, dtype) for o in outcomes])
    explained = sum(o.status == FAILED and _explains(mutant, o, dtype) for o in outcomes)
    near = -float(np.minimum(np.log1p(apart), 50).sum())
    return explained, int((apart <= MATCH_BOUNDS).sum()), -len(mutant.groups), near


def _explains(mutant: Mutant, outcome: Outcome, dtype: str) -> bool:
    """Whether the mutant's answer is wrong too, and equal to the port's."""
    wrong = not _answer(mutant, outcome.case, dtype)[1]
    return wrong and _max_distance(mutant, outcome, dtype) <= MATCH_BOUNDS


def _max_distance(mutant: Mutant, outcome: Outcome, dtype: str) -> float:
    """The largest distance between the mutant's and the port's answer, in bounds of the case."""
    if outcome.case.expected is None:  # the port answered, but an error is expected
        return 0.0 if not _answer(mutant, outcome.case, dtype)[1] else math.inf
    of_mutant, _ = _answer(mutant, outcome.case, dtype)
    of_port = _numbers(outcome)
    if of_mutant is None or of_port is None or of_mutant.shape != of_port.shape:
        return math.inf
    both = np.isfinite(of_mutant) & np.isfinite(of_port)
    if not np.array_equal(of_mutant[~both], of_port[~both], equal_nan=True):
        return math.inf
    if not both.any():  # all NaN: many mistakes have this effect
        return math.inf
    bounds, expected = _bounds(outcome.case, dtype)
    if not np.array_equal(np.signbit(of_mutant[bounds == 0]), np.signbit(of_port[bounds == 0])):
        return math.inf
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # rounding is larger if a mistake makes the number larger than the expected one
        larger = np.maximum(np.abs(of_mutant) / np.maximum(np.abs(expected), 1e-300), 1)
        unit = np.minimum(bounds * larger, bounds + MATCH_ROUNDINGS[dtype] * np.abs(of_mutant))
        distances = np.abs(of_mutant - of_port) / np.maximum(unit, 1e-300)
        return float(distances[both].max(initial=0.0))


def _subsample(outcomes: list[Outcome]) -> list[Outcome]:
    """An evenly spaced subset; of `train` only single steps, which are faster than runs."""
    quick = [o for o in outcomes if not is_run(o.case)] or outcomes
    return quick[:: math.ceil(len(quick) / SAMPLE_SIZE) or 1]


@lru_cache(maxsize=200_000)
def _answer(mutant: Mutant, case: Case, dtype: str) -> tuple[Any, bool]:
    """The numbers of a mutant's answer, and whether the answer is right."""
    outcome = grade(case, run_case(mutant.backend, case, dtype), dtype, "basic")
    return _numbers(outcome), outcome.status == PASSED


@lru_cache(maxsize=4_000)
def _bounds(case: Case, dtype: str) -> tuple[Any, Any]:
    """The bounds of a case's numbers at level basic, and the expected numbers."""
    bounds = [b for n in case.bounds(dtype, "basic").values() for b in flat(n)]
    expected = [float(n) for part in (case.expected or {}).values() for n in flat(part)]
    return np.array(bounds), np.array(expected)


def _numbers(outcome: Outcome) -> Any:
    """The answer's numbers in one array of doubles, or None."""
    if not isinstance(outcome.answer, dict):
        return None
    parts = [outcome.answer.get(name, []) for name in OUTPUTS[outcome.case.group]]
    return np.array([float(n) for part in parts for n in flat(part)])
