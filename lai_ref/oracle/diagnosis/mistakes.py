"""Which mistakes a port probably made: it is compared, where it failed, with ports that made one.

A mutant explains a failure if it gives the same wrong answer, to within rounding. It is named if it
explains a fifth of a group's failures, since fewer may be chance, and a fifth of what it would have
failed and the port passed; what it leaves may be another's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from lai_ref.oracle.case import GROUPS, OUTPUTS, Case, flat
from lai_ref.oracle.grading.grade import FAILED, PASSED, Outcome, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants import MUTANTS, Mutant

SAMPLE_SIZE = 16  # of a group's that failed, and of all that passed, for the likely mistake
MATCH_BOUNDS = 2.0  # each answer is within one bound of what it would be without rounding
MIN_FRACTION = 0.2  # of a group's wrong answers, and of what was right that the mistake makes wrong


class Diagnosis(NamedTuple):
    """The wrong answers of a port by the mutant that gives them too; None: those of no mutant."""

    mutant: Mutant | None
    explained: tuple[Outcome, ...]


def diagnoses(outcomes: Sequence[Outcome], dtype: str) -> list[Diagnosis]:
    """The likely mistakes, that which explains most first, and last what none explains."""
    comparable = [o for o in outcomes if o.location]  # as many numbers as are due
    right = [o for o in comparable if o.status == PASSED]
    found: dict[Mutant, list[Outcome]] = {}
    unexplained: list[Outcome] = []
    for group in GROUPS:
        left = [o for o in comparable if o.case.group == group and o.status == FAILED]
        passed = [o for o in right if o.case.group == group]
        while left:
            # a mistake that was found elsewhere may reach this group, too
            mutant, explained = _best(list(found), left, passed, dtype)
            if not explained and (group != "train" or not found):  # a run takes long
                sample = _subsample(left) + _subsample(right)
                scores = [(*_score(each, sample, dtype), -i) for i, each in enumerate(MUTANTS)]
                nearest = MUTANTS[-int(max(scores)[-1])]
                mutant, explained = _best([nearest], left, passed, dtype)
            if not explained:
                break
            found.setdefault(mutant, []).extend(explained)
            left = [o for o in left if o not in explained]
        unexplained += left
    named = [Diagnosis(mutant, tuple(explained)) for mutant, explained in found.items()]
    named.sort(key=lambda d: -len(d.explained))
    return named + ([Diagnosis(None, tuple(unexplained))] if unexplained else [])


def _best(
    mutants: Sequence[Mutant], wrong: Sequence[Outcome], passed: Sequence[Outcome], dtype: str
) -> tuple[Mutant, list[Outcome]]:
    """The mutant that explains most of these answers, and those, if they are enough."""
    pairs = [(each, [o for o in wrong if _explains(each, o, dtype)]) for each in mutants]
    mutant, explained = max(pairs, key=lambda pair: len(pair[1]), default=(MUTANTS[0], []))
    # what the mutant would have failed, and the port passed
    false_positives = sum(not _answer(mutant, o.case, dtype)[1] for o in passed) if explained else 0
    enough = len(explained) >= max(1, MIN_FRACTION * len(wrong), MIN_FRACTION * false_positives)
    return mutant, explained if enough else []


def _score(mutant: Mutant, outcomes: Sequence[Outcome], dtype: str) -> tuple[float, ...]:
    """How many failures the mutant explains, in how many cases it answers alike, and how near.

    Of two that are the same here, that which shows in fewer groups is the nearer one.
    """
    apart = np.array([_max_distance(mutant, o, dtype) for o in outcomes])
    explained = sum(o.status == FAILED and _explains(mutant, o, dtype) for o in outcomes)
    near = -float(np.minimum(np.log1p(apart), 50).sum())
    return explained, int((apart <= MATCH_BOUNDS).sum()), -len(mutant.groups), near


def _explains(mutant: Mutant, outcome: Outcome, dtype: str) -> bool:
    """Whether the mutant's answer is wrong as well, and the same."""
    wrong = not _answer(mutant, outcome.case, dtype)[1]
    return wrong and _max_distance(mutant, outcome, dtype) <= MATCH_BOUNDS


def _max_distance(mutant: Mutant, outcome: Outcome, dtype: str) -> float:
    """The largest distance between the mutant's and the port's answer, in the case's bounds."""
    of_mutant, _ = _answer(mutant, outcome.case, dtype)
    of_port = _numbers(outcome)
    if of_mutant is None or of_port is None or of_mutant.shape != of_port.shape:
        return math.inf
    both = np.isfinite(of_mutant) & np.isfinite(of_port)
    if not np.array_equal(of_mutant[~both], of_port[~both], equal_nan=True):
        return math.inf
    if not both.any():  # NaN throughout has many causes
        return math.inf
    bounds = np.array([b for n in outcome.case.tolerance[dtype].values() for b in flat(n)])
    if not np.array_equal(np.signbit(of_mutant[bounds == 0]), np.signbit(of_port[bounds == 0])):
        return math.inf
    with np.errstate(over="ignore", invalid="ignore"):
        distances = np.abs(of_mutant - of_port) / np.maximum(bounds, 1e-300)
        return float(distances[both].max(initial=0.0))


def _subsample(outcomes: list[Outcome]) -> list[Outcome]:
    """Some of them, from all over; those of `train`, which take long, if there are no others."""
    quick = [o for o in outcomes if o.case.group != "train"] or outcomes
    return quick[:: math.ceil(len(quick) / SAMPLE_SIZE) or 1]


@lru_cache(maxsize=100_000)
def _answer(mutant: Mutant, case: Case, dtype: str) -> tuple[Any, bool]:
    """The numbers that a mutant answers, and whether they are right all the same."""
    outcome = grade(case, run_case(mutant.backend, case, dtype), dtype)
    return _numbers(outcome), outcome.status == PASSED


def _numbers(outcome: Outcome) -> Any:
    """The answer's numbers in one array of doubles, or None."""
    if not isinstance(outcome.answer, dict):
        return None
    parts = [outcome.answer.get(name, []) for name in OUTPUTS[outcome.case.group]]
    return np.array([float(n) for part in parts for n in flat(part)])
