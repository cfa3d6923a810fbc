"""The published kill matrix."""

from __future__ import annotations

from functools import cache

from lai_ref import oracle
from lai_ref.oracle.grading.kills import KILLS, KillMatrix


@cache
def published() -> KillMatrix:
    """The matrix, read from KILLS.txt."""
    rows: dict[str, dict[str, str]] = {}
    basic: dict[str, int] = {}
    name = ""
    for line in KILLS.read_text(encoding="utf-8").split("\ncases that kill none")[0].splitlines():
        if line.endswith(" at level basic"):
            name = line.split(":")[0]
            basic[name] = int(line.split()[-4])
            rows[name] = {group: "." * len(oracle.cases(group)) for group in oracle.GROUPS}
        elif name and line.startswith("  ") and line.split()[0] in oracle.GROUPS:
            group, letters = line.split()
            rows[name][group] = letters
    return KillMatrix(rows, basic)
