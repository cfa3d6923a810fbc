"""Where a port is wrong: one to three facts that hold for all wrong numbers.

Among the facts that hold for every wrong number, the one with the largest fraction of wrong numbers
is reported: if all of them are wrong, the port is wrong exactly there. If no fact is so sharp, a
threshold is tried, such as |k| ≥ 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from lai_ref.oracle.diagnosis.facts import Facts
from lai_ref.support.validation import Array

NEARLY_ALL = 0.9  # fraction of wrong numbers for which no condition is searched
MIN_PRECISION = 0.6  # fraction of wrong numbers among those for which the condition holds
MIN_WRONG = 4  # wrong numbers for a condition of less precision or a threshold


class Condition(NamedTuple):
    """Facts in words, for how many numbers they hold, and how many of these are wrong."""

    words: str
    wrong: int
    total: int
    facts: tuple[str, ...] = ()  # the facts in `words`, without a threshold

    def holds(self, facts: Sequence[Facts]) -> Array:
        """(n), for each number whether all facts of the condition hold."""
        return np.array([all(each.get(name, False) for name in self.facts) for each in facts])

    @property
    def exact(self) -> bool:
        """Whether every number for which the condition holds is wrong."""
        return self.wrong == self.total


def condition(
    wrong: Array, facts: Sequence[Facts], sizes: Mapping[str, Array] | None = None
) -> Condition | None:
    """The condition under which numbers are wrong, or None if nothing separates them.

    Parameters
    ----------
    wrong
        (n), whether each number is wrong.
    facts
        The facts of each number.
    sizes
        Magnitudes (n) by name that may have a threshold: |k|, λ, N, …
    """
    if not wrong.any() or wrong.mean() >= NEARLY_ALL:
        return None
    best = _of_facts(wrong, facts)
    if best is not None and best.exact:
        return best
    threshold = _threshold(wrong, np.ones(len(wrong), bool), sizes or {})
    if threshold is None and best is not None:
        threshold = _threshold(wrong, best.holds(facts), sizes or {})
        if threshold is not None:
            words = f"{best.words} and {threshold.words}"
            threshold = threshold._replace(words=words, facts=best.facts)
    return threshold or best


def _of_facts(wrong: Array, facts: Sequence[Facts]) -> Condition | None:
    names = list(dict.fromkeys(name for each in facts for name in each))
    holds = np.array([[each.get(name, False) for name in names] for each in facts])
    common = [i for i in range(len(names)) if holds[wrong, i].all()]
    best, best_rank = None, (0.0, 0)
    for count in (1, 2, 3):
        for chosen in combinations(common, count):
            here = holds[:, chosen].all(axis=1)
            rank = (float(wrong[here].mean()), -count)
            # more facts must be clearly more precise
            clearly = 0.15 if best and best_rank[1] > -count else 0.0
            if rank[0] > best_rank[0] + clearly and not here.all():
                found = tuple(names[i] for i in chosen)
                counts = int(wrong[here].sum()), int(here.sum())
                best, best_rank = Condition(" and ".join(found), *counts, found), rank
    if best is None:
        return None
    sharp = best_rank[0] >= max(MIN_PRECISION, 1.15 * wrong.mean())
    narrow = best.wrong >= MIN_WRONG and best.total <= 0.75 * len(wrong)
    return best if sharp or narrow else None


def _threshold(wrong: Array, here: Array, sizes: Mapping[str, Array]) -> Condition | None:
    """A magnitude that separates the wrong numbers from the right ones among those in `here`."""
    if (wrong & ~here).any() or wrong.sum() < MIN_WRONG or not (here & ~wrong).any():
        return None
    for name, size in sizes.items():
        of_wrong, of_right = size[wrong], size[here & ~wrong]
        count = int(wrong.sum())
        if of_wrong.min() > of_right.max() > 0:  # at 0 many wrong formulas are right
            words = f"{name} ≥ {of_wrong.min():.4g} (right for {name} ≤ {of_right.max():.4g})"
            return Condition(words, count, count)
        if of_wrong.max() < of_right.min():
            words = f"{name} ≤ {of_wrong.max():.4g} (right for {name} ≥ {of_right.min():.4g})"
            return Condition(words, count, count)
    return None
