"""The oracle: a conformance test suite for ports of the Lai loss.

    from lai_ref import oracle
    report = oracle.check(my_backend)           # any object with any of the methods of Backend
    print(report)                               # the verdict, what is wrong, and the likely cause

See README.md beside this file; from any language, `python -m lai_ref.oracle`.
"""

from lai_ref.oracle.case import GROUPS, LEVELS, Case, CorruptVectorsError, cases
from lai_ref.oracle.grading.backend import Backend, reference
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.oracle.reporting.check import check
from lai_ref.oracle.reporting.report import Report

__all__ = [
    "GROUPS",
    "LEVELS",
    "Backend",
    "Case",
    "CorruptVectorsError",
    "Outcome",
    "Report",
    "cases",
    "check",
    "reference",
]
