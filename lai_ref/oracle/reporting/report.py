"""What a port got right, what not, and what it probably got wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lai_ref.oracle.case import GROUPS
from lai_ref.oracle.diagnosis.mistakes import Diagnosis, diagnoses
from lai_ref.oracle.grading.grade import FAILED, MISSING, NOT_IMPLEMENTED, PASSED, Outcome, grade
from lai_ref.oracle.mutants import Mutant

NO_METHOD = "no method "
MAX_SHOWN = 8  # failures of a group that have a line of their own
# what s, which runs from one end of the valid slopes to the other, stands for in a port
KINKS: dict[str, tuple[str, str, Callable[[float], float]]] = {
    "kink": ("|k|^p = λ", "H(0)", lambda s: s),
    "zero-e": ("e = 0", "sign(0)", lambda s: 2 * s - 1),
    "relu-kink": ("z = 0", "relu'(0)", lambda s: s),
}


@dataclass(frozen=True)
class Report:
    """The outcome of every case of the groups that were graded, in one dtype."""

    dtype: str
    outcomes: tuple[Outcome, ...]

    def __bool__(self) -> bool:
        """Whether every case passed."""
        return all(outcome.status == PASSED for outcome in self.outcomes)

    def __str__(self) -> str:
        parts = [self._mistakes(), self._failures(), self._subgradient_lines()]
        return "\n".join([self.summary(), *(line for part in parts for line in part)])

    def summary(self) -> str:
        """The first line: what passed, out of what there is."""
        count = Counter(outcome.status for outcome in self.outcomes)
        words = f"{count[PASSED]} of {len(self.outcomes)} cases passed in {self.dtype}"
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
    def diagnoses(self) -> list[Diagnosis]:
        """The likely mistakes and the wrong answers that they explain; last, what none does."""
        return diagnoses(self.outcomes, self.dtype)

    @property
    def likely_mistake(self) -> Mutant | None:
        """The mutant that answers most like this port where it failed, if any is like it."""
        return next((d.mutant for d in self.diagnoses if d.mutant), None)

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "dtype": self.dtype,
            "counts": dict(Counter(outcome.status for outcome in self.outcomes)),
            "likely_mistakes": [
                {"name": d.mutant.name, "mistake": d.mutant.mistake, "explains": len(d.explained)}
                for d in self.diagnoses
                if d.mutant
            ],
            "cases": [
                {
                    "id": o.case.id,
                    "about": o.case.about,
                    "status": o.status,
                    "problem": o.reason,
                    "place": o.location,
                    "got": o.got,
                    "want": o.expected,
                    "error_ulp": o.error if math.isfinite(o.error) else None,
                    "bound_ulp": o.bound,
                    "convention": o.subgradient,
                    "likely": self._named(o),
                }
                for o in self.outcomes
            ],
        }

    def format_case(self, o: Outcome) -> str:
        """What became of one case."""
        line = f"{o.status.upper()} {o.case.id} ({o.case.about})"
        line += f": {o.reason}" if o.reason else ""
        if o.location:
            line += f"; {o.location}{_format_k(o)}: got {o.got}, want {o.expected}"
            line += _format_error(o)
        name = self._named(o)
        return line + (f"  [{name}]" if name else "")

    def _mistakes(self) -> list[str]:
        lines = []
        for mutant, explained in self.diagnoses:
            groups = {o.case.group: None for o in explained}
            wrong = [o for o in self.failures() if o.location and o.case.group in groups]
            words = f"{len(explained)} of {len(wrong)} wrong answers in {', '.join(groups)}"
            if mutant is not None:
                words = f"{mutant.mistake} [{mutant.name}] explains {words}"
                lines.append(f"likely mistake: {words}")
            else:
                lines.append(f"unexplained: {words}{self._hint(explained)}")
        return lines

    def _hint(self, wrong: Sequence[Outcome]) -> str:
        """What may be seen in wrong answers that no known mistake explains."""
        if all(o.case.id.endswith("-run") for o in wrong):
            return "; each step alone is right: something is carried over from one to the next"
        in_single = sum(grade(o.case, o.answer, "float32").status == PASSED for o in wrong)
        if self.dtype == "float64" and in_single > 0.9 * len(wrong):
            return f"; {in_single} would be right in float32: is all of it computed in float64?"
        return ""

    def _failures(self) -> list[str]:
        """The first failures of each group, the same words once."""
        lines = []
        for group in GROUPS:
            failed = [o for o in self.failures() if o.case.group == group]
            once: dict[str, Outcome] = {}
            for o in failed:  # errors and wrong shapes are mostly the same in all cases
                own = o.location or (isinstance(o.answer, dict) and not o.case.expected)
                once.setdefault(o.case.id if own else o.reason, o)
            shown = list(once.values())[:MAX_SHOWN]
            lines += [self.format_case(o) for o in shown]
            if len(failed) > len(shown):
                lines.append(f"  … and {len(failed) - len(shown)} more in {group}")
        return lines

    def _named(self, o: Outcome) -> str | None:
        found = (d.mutant for d in self.diagnoses if any(o is each for each in d.explained))
        return next((mutant.name for mutant in found if mutant), None)

    def _subgradient_lines(self) -> list[str]:
        """What the port takes for the slope where there are many, by the groups that are right."""
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


def _format_k(o: Outcome) -> str:
    """Which k it was, for a number that belongs to one."""
    if o.case.group != "factor":
        return ""
    index = int(o.location.partition("[")[2].rstrip("]"))
    return f" (k = {float(o.case.inputs['k'][index]):g})"


def _format_error(o: Outcome) -> str:
    """How far off: in ulp as long as that says anything, then in parts of what was due."""
    got, expected = float(o.got), float(o.expected)
    if not math.isfinite(o.error + got + expected) or expected == 0:
        return ""
    if o.error < 1e4:
        return f", error {o.error:.3g} ulp, bound {o.bound:.3g} ulp"
    if abs(got - expected) > abs(expected) / 100:
        return f", {got / expected:.4g} times that"
    return f", off by {abs((got - expected) / expected):.2g} of it, bound {o.bound:.3g} ulp"
