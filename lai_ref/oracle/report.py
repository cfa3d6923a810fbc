"""What a port got right, what not, and what it probably got wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from lai_ref.arguments import one_of
from lai_ref.oracle.asking import ask
from lai_ref.oracle.case import DTYPES, OUTPUTS, Case, cases, flat
from lai_ref.oracle.grade import FAILED, MISSING, NOT_IMPLEMENTED, PASSED, Outcome, grade
from lai_ref.oracle.mutants import MUTANTS, Mutant

CASES_LOOKED_AT = 24  # of those that failed, and of those that passed, for the likely mistake
LINES_EXPLAINED = 20  # the first failing lines name a mutant that answers alike
ALIKE = 2.0  # bounds apart: each answer is within one bound of what it would be without rounding


@dataclass(frozen=True)
class Report:
    """The outcome of every case of the groups that were graded, in one dtype."""

    dtype: str
    outcomes: tuple[Outcome, ...]

    def __bool__(self) -> bool:
        """Whether every case passed."""
        return all(outcome.status == PASSED for outcome in self.outcomes)

    def __str__(self) -> str:
        return "\n".join([self.summary(), *self._failures(), *self._conventions()])

    def summary(self) -> str:
        """The first line: what passed, out of what there is."""
        count = Counter(outcome.status for outcome in self.outcomes)
        words = f"{count[PASSED]} of {len(self.outcomes)} cases passed in {self.dtype}"
        for status in (FAILED, MISSING):
            words += f", {count[status]} {status}" if count[status] else ""
        if count[NOT_IMPLEMENTED]:
            groups = {o.case.group: None for o in self.outcomes if o.status == NOT_IMPLEMENTED}
            words += f", {count[NOT_IMPLEMENTED]} not implemented ({', '.join(groups)})"
        return words

    def failures(self) -> list[Outcome]:
        """The cases that failed or were not answered."""
        return [o for o in self.outcomes if o.status in (FAILED, MISSING)]

    @cached_property
    def likely_mistake(self) -> Mutant | None:
        """The mutant that answers most like this port, if any answers like it where it failed."""
        comparable = [o for o in self.outcomes if isinstance(o.answer, dict) and o.case.expected]
        wrong = _spread([o for o in comparable if o.status == FAILED])
        if not wrong:
            return None
        groups = {o.case.group for o in wrong}
        right = [o for o in comparable if o.status == PASSED and o.case.group in groups]
        looked_at = wrong + _spread(right)
        scores = [(*self._agreement(each, looked_at), -i) for i, each in enumerate(MUTANTS)]
        best = max(scores)
        return MUTANTS[-best[-1]] if best[0] > 0 else None

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        mistake = self.likely_mistake
        return {
            "dtype": self.dtype,
            "counts": dict(Counter(outcome.status for outcome in self.outcomes)),
            "likely_mistake": mistake and {"name": mistake.name, "mistake": mistake.mistake},
            "cases": [
                {
                    "id": o.case.id,
                    "status": o.status,
                    "problem": o.problem,
                    "place": o.place,
                    "got": o.got,
                    "want": o.want,
                    "error_ulp": o.error if math.isfinite(o.error) else None,
                    "bound_ulp": o.bound,
                    "convention": o.convention,
                }
                for o in self.outcomes
            ],
        }

    def _agreement(self, mutant: Mutant, outcomes: Sequence[Outcome]) -> tuple[int, int, float]:
        """In how many failed cases, and in how many, the mutant answers as the port; how near."""
        apart = np.array([_apart(mutant, outcome, self.dtype) for outcome in outcomes])
        both_failed = [
            outcome.status == FAILED and not _right(mutant, outcome.case, self.dtype)
            for outcome in outcomes
        ]
        alike = apart <= ALIKE
        near = -float(np.minimum(np.log1p(apart), 50).sum())
        return int((alike & np.array(both_failed)).sum()), int(alike.sum()), near

    def _failures(self) -> list[str]:
        lines = []
        for i, o in enumerate(self.failures()):
            line = f"{o.status.upper()} {o.case.id}: {o.problem}"
            if o.place:
                line += (
                    f"; {o.place}: got {o.got}, want {o.want},"
                    f" error {o.error:.3g} ulp, bound {o.bound:.3g} ulp"
                )
            mutant = self._alike(o) if i < LINES_EXPLAINED else None
            if mutant is not None:
                line += f"\n  likely: {mutant.mistake} [{mutant.name}]"
            lines.append(line)
        if self.likely_mistake is not None:
            lines.append(f"likely mistake: {self.likely_mistake.mistake}")
        return lines

    def _alike(self, outcome: Outcome) -> Mutant | None:
        """A mutant that fails with the port's own numbers; of several, the likely mistake."""
        if not isinstance(outcome.answer, dict) or not outcome.place:
            return None
        alike = [
            mutant
            for mutant in MUTANTS
            if _apart(mutant, outcome, self.dtype) <= ALIKE
            and not _right(mutant, outcome.case, self.dtype)
        ]
        return self.likely_mistake if self.likely_mistake in alike else next(iter(alike), None)

    def _conventions(self) -> list[str]:
        """The s found at the kinks, where all of a group agree."""
        found: dict[str, set[float]] = {}
        for o in self.outcomes:
            if o.status == PASSED and o.convention is not None:
                found.setdefault(o.case.group, set()).add(round(o.convention, 3))
        return [
            f"at the kinks of {group}: s = {', '.join(f'{s:g}' for s in sorted(values))}"
            for group, values in found.items()
        ]


def _spread(outcomes: list[Outcome]) -> list[Outcome]:
    """Some of them, from all over; those of `train`, which take long, if there are no others."""
    quick = [o for o in outcomes if o.case.group != "train"] or outcomes
    return quick[:: math.ceil(len(quick) / CASES_LOOKED_AT) or 1]


def _apart(mutant: Mutant, outcome: Outcome, dtype: str) -> float:
    """The largest distance between the mutant's and the port's answer, in the case's bounds."""
    ours, _ = _mutants_outcome(mutant, outcome.case, dtype)
    theirs = _numbers(outcome)
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return math.inf
    both = np.isfinite(ours) & np.isfinite(theirs)
    if not np.array_equal(ours[~both], theirs[~both], equal_nan=True):
        return math.inf
    bounds = np.array([b for n in outcome.case.tolerance[dtype].values() for b in flat(n)])
    if not np.array_equal(np.signbit(ours[bounds == 0]), np.signbit(theirs[bounds == 0])):
        return math.inf
    with np.errstate(over="ignore", invalid="ignore"):
        return float((np.abs(ours - theirs) / np.maximum(bounds, 1e-300))[both].max(initial=0.0))


def _right(mutant: Mutant, case: Case, dtype: str) -> bool:
    return _mutants_outcome(mutant, case, dtype)[1]


@lru_cache(maxsize=100_000)
def _mutants_outcome(mutant: Mutant, case: Case, dtype: str) -> tuple[Any, bool]:
    """The numbers that a mutant answers, and whether they are right all the same."""
    outcome = grade(case, ask(mutant.backend, case, dtype), dtype)
    return _numbers(outcome), outcome.status == PASSED


def _numbers(outcome: Outcome) -> Any:
    """The answer's numbers in one array of doubles, or None."""
    if not isinstance(outcome.answer, dict):
        return None
    parts = [outcome.answer.get(name, []) for name in OUTPUTS[outcome.case.group]]
    return np.array([float(n) for part in parts for n in flat(part)])


def check(backend: object, dtype: str = "float64", groups: Sequence[str] | None = None) -> Report:
    """Ask a Python backend every case of the groups (None: all), and grade its answers.

    Parameters
    ----------
    backend
        Any object with any of the methods of `Backend`.
    dtype
        ``"float64"`` or ``"float32"``: of the arrays it is given, and what it is graded as.

    Returns
    -------
    Report
        True if every case passed; as text, a line for each that did not.
    """
    one_of("dtype", dtype, DTYPES)
    groups = (groups,) if isinstance(groups, str) else groups
    chosen = [case for group in groups or (None,) for case in cases(group)]
    outcomes = []
    for case in chosen:
        answer = ask(backend, case, dtype)
        if answer is None:
            outcomes.append(Outcome(case, NOT_IMPLEMENTED))
        else:
            outcomes.append(grade(case, answer, dtype))
    return Report(dtype, tuple(outcomes))
