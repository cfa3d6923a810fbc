"""The report on a port: the verdict, the wrong groups, what is wrong in them, likely causes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lai_ref.oracle.diagnosis.diagnose import GroupDiagnosis, diagnose
from lai_ref.oracle.diagnosis.findings import shortened
from lai_ref.oracle.diagnosis.follow_up import Ask
from lai_ref.oracle.diagnosis.mistakes import Mistake
from lai_ref.oracle.grading.grade import FAILED, MISSING, NOT_IMPLEMENTED, PASSED, Outcome, grade
from lai_ref.oracle.mutants import Mutant
from lai_ref.oracle.reporting.losses_of_accuracy import LossOfAccuracy, losses_of_accuracy

CORRECT, INACCURATE, WRONG = "correct", "correct, but inaccurate at extreme values", "wrong"
NO_METHOD = "no method "
FIRST = " is the first wrong group"
MAX_SHOWN = 8  # failed cases per group that are printed
# by kink: where it is, the derivative that is reported, and its value for a given s in [0, 1]
KINKS: dict[str, tuple[str, str, Callable[[float], float]]] = {
    "kink": ("|k|^p = λ", "H(0)", lambda s: s),
    "zero-e": ("e = 0", "sign(0)", lambda s: 2 * s - 1),
    "relu-kink": ("z = 0", "relu'(0)", lambda s: s),
}


@dataclass(frozen=True)
class Report:
    """The outcome of every case of the groups that were graded, in one dtype and at one level.

    Parameters
    ----------
    dtype, level
        In which dtype and at which level the port was graded.
    outcomes
        One per case.
    ask
        Runs the port on further questions, for the diagnosis; None if that is not possible.
    """

    dtype: str
    outcomes: tuple[Outcome, ...]
    level: str = "strict"
    ask: Ask | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        """Whether every case passed."""
        return all(outcome.status == PASSED for outcome in self.outcomes)

    def __str__(self) -> str:
        lines = [self.summary(), self.counts()]
        for group in self.diagnosis:
            lines += self._group(group)
        lines += [f"at extreme values: {loss}" for loss in self.losses_of_accuracy]
        lines += self._extreme_of_wrong()
        return "\n".join([*lines, *self._subgradient_lines()])

    @cached_property
    def verdict(self) -> str:
        """`CORRECT`, `INACCURATE` or `WRONG`, for the groups that the port implements."""
        if any(o.status in (FAILED, MISSING) for o in self._basic):
            return WRONG
        return INACCURATE if any(o.status == FAILED for o in self.outcomes) else CORRECT

    def summary(self) -> str:
        """The first line: the verdict."""
        if self.verdict == WRONG:
            first = self.diagnosis[0]
            lacking = all(o.status == MISSING for o in first.failed)
            what = f"answers to {first.group} are missing" if lacking else first.group + FIRST
            return f"wrong: {what}{_inherited(self.diagnosis)}"
        if self.verdict == INACCURATE:
            earliest: dict[str, LossOfAccuracy] = {}  # by magnitude
            for loss in self.losses_of_accuracy:
                earliest.setdefault(loss.magnitude, loss)
            start = "; ".join(loss.words() for loss in earliest.values())
            reached = " or ".join("λ" if name == "lam" else f"|{name}|" for name in earliest)
            harmless = (
                f"; harmless in training unless {reached} reaches such values" if earliest else ""
            )
            return f"{INACCURATE}: {start}{harmless}"
        states = {o.status for o in self.outcomes}
        if MISSING in states:
            return f"{CORRECT} in what it answers: answers at extreme values are missing"
        return CORRECT + (" in what it implements" if NOT_IMPLEMENTED in states else "")

    def counts(self) -> str:
        """The second line: how many cases passed, failed, are missing or not implemented."""
        count = Counter(outcome.status for outcome in self.outcomes)
        n = len(self.outcomes)
        words = f"{count[PASSED]} of {n} cases passed in {self.dtype} at level {self.level}"
        for status in (FAILED, MISSING):
            words += f", {count[status]} {status}" if count[status] else ""
        if count[NOT_IMPLEMENTED]:
            lacking = [o for o in self.outcomes if o.status == NOT_IMPLEMENTED]
            names = {o.reason.removeprefix(NO_METHOD) or o.case.group: None for o in lacking}
            words += f", {count[NOT_IMPLEMENTED]} not implemented ({', '.join(names)})"
        return words

    def failures(self) -> list[Outcome]:
        """The cases that failed or were not answered."""
        return [o for o in self.outcomes if o.status in (FAILED, MISSING)]

    @cached_property
    def diagnosis(self) -> list[GroupDiagnosis]:
        """For each group that is wrong at level basic: what is wrong, and the likely causes."""
        return diagnose(self._basic, self.dtype, self.ask)

    @property
    def likely_mistake(self) -> Mutant | None:
        """The first mistake reported for the first wrong group, or None."""
        return next((m.mutant for group in self.diagnosis for m in group.mistakes), None)

    @cached_property
    def losses_of_accuracy(self) -> list[LossOfAccuracy]:
        """What fails at level strict only, by cause; empty for a wrong port."""
        return [] if self.verdict == WRONG else losses_of_accuracy(self._only_strict, self.dtype)

    @cached_property
    def _only_strict(self) -> list[Outcome]:
        """The failed cases that do not fail at level basic."""
        wrong = {o.case for o in self._basic if o.status != PASSED}
        return [o for o in self.outcomes if o.status == FAILED and o.case not in wrong]

    def _extreme_of_wrong(self) -> list[str]:
        """One line on the failures at extreme values, for a port that is wrong at level basic."""
        if self.verdict != WRONG or not self._only_strict:
            return []
        groups = ", ".join(dict.fromkeys(o.case.group for o in self._only_strict))
        n = len(self._only_strict)
        cases = "1 more case fails" if n == 1 else f"{n} more cases fail"
        return [f"at extreme values: {cases}, in {groups}; look at them last"]

    @cached_property
    def _basic(self) -> list[Outcome]:
        """The outcomes of the basic cases at level basic.

        The bounds of level basic are never smaller than the strict ones.
        """
        basic = [o for o in self.outcomes if o.case.level == "basic"]
        again = {o for o in basic if o.status == FAILED and self.level == "strict"}
        return [grade(o.case, o.answer, self.dtype, "basic") if o in again else o for o in basic]

    def as_json(self) -> dict[str, Any]:
        """The report as an object that JSON can hold."""
        likely = {
            id(o.case): mistake.mutant.name
            for group in self.diagnosis
            for mistake in group.mistakes
            for o in mistake.explained
        }
        return {
            "verdict": self.verdict,
            "summary": self.summary(),
            "dtype": self.dtype,
            "level": self.level,
            "counts": dict(Counter(outcome.status for outcome in self.outcomes)),
            "groups": [
                {
                    "group": group.group,
                    "failed": len(group.failed),
                    "cases": group.total,
                    "depends_on_wrong": list(group.causes),
                    "follows": group.follows,
                    "pattern": group.pattern,
                    "findings": list(group.findings),
                    "likely_causes": [
                        {
                            "name": m.mutant.name,
                            "mistake": m.mutant.mistake,
                            "reproduces": len(m.explained),
                            "all": m.complete,
                        }
                        for m in group.mistakes
                    ],
                }
                for group in self.diagnosis
            ],
            "losses_of_accuracy": [
                {
                    "magnitude": loss.magnitude,
                    "from": loss.least,
                    "kind": loss.kind,
                    "outputs": list(loss.outputs),
                    "cases": loss.cases,
                    "digits": loss.digits,
                }
                for loss in self.losses_of_accuracy
            ],
            "cases": [
                {
                    "id": o.case.id,
                    "level": o.case.level,
                    "about": o.case.about,
                    "status": o.status,
                    "reason": o.reason,
                    "location": o.location,
                    "got": o.got,
                    "expected": o.expected,
                    "error_ulp": _finite(o.error),
                    "bound_ulp": _finite(o.bound),
                    "subgradient": _finite(o.subgradient),
                    "likely_cause": likely.get(id(o.case)),
                }
                for o in self.outcomes
            ],
        }

    def format_case(self, o: Outcome) -> str:
        """The line about one case."""
        line = f"{o.status.upper()} {o.case.id} ({o.case.about})"
        line += f": {shortened(o.reason)}" if o.reason else ""
        if o.location:
            line += f"; {o.location}{_format_k(o)}: got {o.got}, expected {o.expected}"
            line += _format_error(o)
        return line

    def _group(self, group: GroupDiagnosis) -> list[str]:
        """The lines about one group: what is wrong in it, and its first failures."""
        states = sorted({"wrong" if o.status == FAILED else MISSING for o in group.failed})
        are = "is" if len(group.failed) == 1 else "are"
        count = (
            f"{len(group.failed)} of {group.total} basic cases {are} {' or '.join(states[::-1])}"
        )
        causes = " and ".join(group.causes)
        if group.follows is not False:
            follow = "follows from" if len(group.failed) == 1 else "follow from"
            how = follow if group.follows else "may all follow from"
            return [f"{group.group}: {count} and {how} {causes}"]
        apart = f", not only because of {causes}" if causes else ""
        lines = [f"{group.group}: {count}{apart}{group.pattern and ': ' + group.pattern}"]
        complete = [m for m in group.mistakes if m.complete]
        partial = [m for m in group.mistakes if not m.complete]
        for mistakes in (complete, None, partial):
            if mistakes is None:
                lines += [f"  {finding}" for finding in group.findings]
                continue
            for m in mistakes:
                most = m.complete or len(m.explained) > len(group.failed) / 2
                how = "likely cause" if most else "possible cause of a part"
                lines.append(
                    f"  {how}: {m.mutant.mistake} [{m.mutant.name}] reproduces"
                    f" {len(m.explained)} of {len(group.failed)} wrong cases{_at_kinks(group, m)}"
                )
        once: dict[str, Outcome] = {}
        for o in group.failed:  # the same error or wrong shape is printed once
            own = o.location or (isinstance(o.answer, dict) and not o.case.expected)
            once.setdefault(o.case.id if own else o.reason, o)
        shown = list(once.values())[:MAX_SHOWN]
        lines += [f"  {self.format_case(o)}" for o in shown]
        if len(group.failed) > len(shown):
            lines.append(f"  … and {len(group.failed) - len(shown)} more in {group.group}")
        return lines

    def _subgradient_lines(self) -> list[str]:
        """The port's subgradients at the kinks, by the groups that are right."""
        found: dict[str, dict[str, set[float]]] = {}
        wrong = {o.case.group for o in self.outcomes if o.status == FAILED and o.case.expected}
        for o in self.outcomes:
            if o.case.group not in wrong and o.subgradient is not None:
                kink = next(name for name in reversed(KINKS) if name in o.case.id)
                value = round(KINKS[kink][2](o.subgradient), 3) + 0.0  # no −0
                found.setdefault(kink, {}).setdefault(o.case.group, set()).add(value)
        lines = []
        for kink in (kink for kink in KINKS if kink in found):
            (location, name, _), groups = KINKS[kink], found[kink]
            said = {group: ", ".join(f"{v:g}" for v in sorted(groups[group])) for group in groups}
            if len(set(said.values())) > 1:
                said = {group: f"{values} in {group}" for group, values in said.items()}
            lines.append(f"at {location}: {name} = {'; '.join(dict.fromkeys(said.values()))}")
        return lines


def _inherited(diagnosis: list[GroupDiagnosis]) -> str:
    """What the summary adds about the wrong groups after the first."""
    follow = [g.group for g in diagnosis if g.follows]
    own = [
        g.group
        for g in diagnosis[1:]
        if g.follows is False and any(o.status == FAILED for o in g.failed)
    ]
    has = "have errors of their own" if len(own) > 1 else "has errors of its own"
    words = f"; what is wrong in {', '.join(follow)} follows" if follow else ""
    return words + (f"; {', '.join(own)} {has}" if own else "")


def _at_kinks(group: GroupDiagnosis, mistake: Mistake) -> str:
    """A remark if all wrong cases that the mistake does not reproduce are at kinks."""
    others = {o.case for o in group.failed} - {o.case for o in mistake.explained}
    at_kinks = all(case.direction is not None for case in others)
    return "; the rest is at kinks" if others and at_kinks else ""


def _finite(number: float | None) -> float | None:
    """The number; None (null in JSON) if it is not finite."""
    return number if number is not None and math.isfinite(number) else None


def _format_k(o: Outcome) -> str:
    """The k of the number, in the group `factor`."""
    if o.case.group != "factor":
        return ""
    index = int(o.location.partition("[")[2].rstrip("]"))
    return f" (k = {float(o.case.inputs['k'][index]):g})"


def _format_error(o: Outcome) -> str:
    """The error: in ulp below 1e4 ulp, otherwise relative to the expected number."""
    got, expected = float(o.got), float(o.expected)
    if not math.isfinite(o.error + got + expected) or expected == 0:
        return ""
    if o.error < 1e4:
        return f", error {o.error:.3g} ulp, bound {o.bound:.3g} ulp"
    if abs(got - expected) > abs(expected) / 100:
        return f" (ratio {got / expected + 0.0:.4g})"  # no −0
    return f", relative error {abs((got - expected) / expected):.2g}, bound {o.bound:.3g} ulp"
