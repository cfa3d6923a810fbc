"""The first sentence of a report about what is wrong, and whether it points to the mistake.

FINDINGS.txt has a line for each independent wrong port: its name; `yes`, `partly` or `no`, a
judgement by hand whether the group's header and the sentence point to the mistake; the sentence.
Decimal numbers in sentences are not compared; integers and simple fractions are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lai_ref import oracle
from lai_ref.oracle.case import DTYPES
from lai_ref.oracle.reporting.report import WRONG

PAGE = Path(__file__).with_name("FINDINGS.txt")
DIGITS = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")


class Finding(NamedTuple):
    """A line of FINDINGS.txt."""

    points: str
    sentence: str


def recorded() -> dict[str, Finding]:
    """The lines of FINDINGS.txt by the name of the port."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if " | " in line]
    parts = [line.split(" | ", 2) for line in lines]
    return {name: Finding(points, sentence) for name, points, sentence in parts}


def wrong_report(port: object, groups: Sequence[str] | None = None) -> oracle.Report:
    """The report at level basic, in the first dtype in which the port is wrong."""
    for dtype in DTYPES:
        report = oracle.check(port, dtype, groups, level="basic")
        if report.verdict == WRONG:
            return report
    raise AssertionError("the port passes")


def first_sentence(report: oracle.Report) -> str:
    """The first line below the header of the first wrong group, its decimal numbers as #."""
    first = report.diagnosis[0]
    lines = str(report).splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith(f"{first.group}: "))
    return DIGITS.sub("#", lines[header + 1].strip())
