"""The kill matrix: which case kills which mutant.

A case kills a mutant if the mutant's answer to it fails. The published matrix, KILLS.txt, is
generated: a row per mutant, a letter per case, in order:

    . passes     6 fails in float64     3 fails in float32     # fails in both

The letters are those of level strict. For level basic, only the number of kills is given.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lai_ref.oracle.case import DTYPES, GROUPS, Case, cases
from lai_ref.oracle.grading.grade import FAILED, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants import MUTANTS

KILLS = Path(__file__).parents[1] / "KILLS.txt"
LETTERS = {(False, False): ".", (True, False): "6", (False, True): "3", (True, True): "#"}


@dataclass(frozen=True)
class KillMatrix:
    """Letters by mutant and group, one per case, and the kills at level basic by mutant."""

    rows: dict[str, dict[str, str]]
    basic: dict[str, int]

    def kills(self, mutant: str) -> int:
        """How many cases kill the mutant."""
        return sum(len(row) - row.count(".") for row in self.rows[mutant].values())

    def extreme(self) -> list[str]:
        """The mutants that no case kills at level basic: they fail at extreme values only."""
        return [name for name in self.rows if not self.basic[name]]

    def idle(self) -> list[Case]:
        """The cases that kill no mutant."""
        return [
            case
            for group in GROUPS
            for i, case in enumerate(cases(group))
            if all(row[group][i] == "." for row in self.rows.values())
        ]

    def as_json(self) -> dict[str, Any]:
        """The matrix as an object that JSON can hold."""
        return {
            "mutants": {
                name: {"kills": self.kills(name), "basic": self.basic[name], "letters": row}
                for name, row in self.rows.items()
            },
            "extreme": self.extreme(),
            "idle": [case.id for case in self.idle()],
        }

    def text(self) -> str:
        """The published file."""
        counts = Counter(case.group for case in cases())
        minimum = min(self.kills(name) for name in self.rows)
        lines = [
            f"{len(self.rows)} mutants, {sum(counts.values())} cases; each mutant is killed by"
            f" {minimum} cases or more",
            f"at level basic {len(self.rows) - len(self.extreme())} are killed; the others fail at"
            " extreme values only:",
            *(f"  {name}" for name in self.extreme()),
            ". passes   6 fails in float64   3 fails in float32   # fails in both",
        ]
        for mutant in MUTANTS:
            kills = f"{self.kills(mutant.name)} kills, {self.basic[mutant.name]} at level basic"
            lines += ["", f"{mutant.name}: {kills}", f"  {mutant.mistake}"]
            for group, letters in self.rows[mutant.name].items():
                if letters.strip("."):
                    lines.append(f"  {group:<15}{letters}")
        lines += ["", "cases that kill no mutant, and their purpose"]
        lines += [f"  {case.id}: {case.about}" for case in self.idle()]
        return "\n".join(lines) + "\n"


def kill_matrix() -> KillMatrix:
    """Run every mutant on every case, in both dtypes."""
    rows: dict[str, dict[str, str]] = {}
    basic: dict[str, int] = {}
    for mutant in MUTANTS:
        found = {group: [kill(mutant.backend, c) for c in cases(group)] for group in GROUPS}
        rows[mutant.name] = {g: "".join(letter for letter, _ in found[g]) for g in GROUPS}
        basic[mutant.name] = sum(killed for group in GROUPS for _, killed in found[group])
    return KillMatrix(rows, basic)


def kill(backend: object, case: Case) -> tuple[str, bool]:
    """The letter of a case for a backend, and whether the backend fails it at level basic."""
    failed, basic = [], False
    for dtype in DTYPES:
        answer = run_case(backend, case, dtype)
        failed.append(answer is not None and grade(case, answer, dtype).status == FAILED)
        if failed[-1] and case.level == "basic":
            basic |= grade(case, answer, dtype, "basic").status == FAILED
    return LETTERS[failed[0], failed[1]], basic
