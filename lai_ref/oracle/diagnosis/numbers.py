"""The numbers of one output over all cases of a group: got, expected, bound and facts of each.

At a kink, the expected number is that of the port's own subgradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from lai_ref.oracle.case import OUTPUTS, flat, shape
from lai_ref.oracle.diagnosis.facts import Facts, facts_of_case, facts_of_number
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.support.validation import Array

SYMBOLS = {("factor", "value"): "F", ("factor", "slope"): "F'"}
SPARE = {"float64": 1e-10, "float32": 1e-5}  # relative difference of two roundings of a number


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers (n) of one output, concatenated over all cases."""

    output: str
    outcomes: list[Outcome]
    places: list[tuple[int, ...]]
    got: Array
    expected: Array
    bound: Array
    facts: list[Facts]

    @property
    def wrong(self) -> Array:
        """Whether each number is outside its bound."""
        return self._outside(self.expected)

    def _outside(self, expected: Array) -> Array:
        with np.errstate(invalid="ignore"):
            near = np.abs(self.got - expected) <= self.bound
        same: Array = near | (self.got == expected) | (np.isnan(self.got) & np.isnan(expected))
        return ~same

    def chosen(self, which: Array) -> Numbers:
        """The numbers that `which` (n) selects."""
        at = np.flatnonzero(which)
        return Numbers(
            self.output,
            [self.outcomes[i] for i in at],
            [self.places[i] for i in at],
            self.got[at],
            self.expected[at],
            self.bound[at],
            [self.facts[i] for i in at],
        )

    def __len__(self) -> int:
        return len(self.outcomes)


def numbers_of(outcomes: Sequence[Outcome], output: str, dtype: str) -> Numbers:
    """The numbers of an output, from all outcomes whose answer has the expected shape."""
    found: list[tuple[Any, ...]] = []
    for o in outcomes:
        if not (o.location and o.case.expected and isinstance(o.answer, dict)):
            continue
        expected = o.case.expected[output]
        places = list(product(*map(range, shape(expected))))
        base = np.array([float(n) for n in flat(expected)])
        if o.case.direction and o.subgradient is not None:
            steps = np.array([float(n) for n in flat(o.case.direction[output])])
            base = base + o.subgradient * steps
        bounds = flat(o.case.bounds(dtype, "basic")[output])
        answered = [float(n) for n in flat(o.answer[output])]
        general = facts_of_case(o.case)
        for place, g, e, b in zip(places, answered, base, bounds, strict=True):
            found.append((o, place, g, e, b, general | facts_of_number(o.case, output, place)))
    columns: list[list[Any]] = [list(column) for column in zip(*found, strict=True)]
    outcomes_of, places_of, *numbers, facts = columns or [[] for _ in range(6)]
    got, expected, bound = (np.array(column, float) for column in numbers)
    return Numbers(output, outcomes_of, places_of, got, expected, bound, facts)


def tables(outcomes: Sequence[Outcome], dtype: str) -> dict[str, Numbers]:
    """`Numbers` by output, for the outcomes of one group."""
    if not outcomes:
        return {}
    names = OUTPUTS[outcomes[0].case.group]
    return {name: numbers_of(outcomes, name, dtype) for name in names}


def symbol(group: str, output: str) -> str:
    """The name of an output in sentences: F and F' for `factor`."""
    return SYMBOLS.get((group, output), output)
