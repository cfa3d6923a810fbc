"""Where a port is wrong, what kind of error it is, and which known mistake it may be.

The groups are checked in the order of dependence. A group whose wrong answers follow from an
earlier group is reported as such, without details; all others get `findings` and `mistakes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lai_ref.oracle.case import GROUPS
from lai_ref.oracle.diagnosis.findings import findings, pattern, written_with_few_digits
from lai_ref.oracle.diagnosis.follow_up import Ask
from lai_ref.oracle.diagnosis.inheritance import following, inherits
from lai_ref.oracle.diagnosis.mistakes import Mistake, mistakes
from lai_ref.oracle.grading.grade import FAILED, MISSING, Outcome


@dataclass(frozen=True)
class GroupDiagnosis:
    """What is wrong in one group."""

    group: str
    failed: tuple[Outcome, ...]
    total: int
    causes: tuple[str, ...] = ()  # the wrong groups that this one depends on
    follows: bool | None = False  # whether all errors follow from them; None: unknown
    pattern: str = ""  # which outputs are wrong, and which are right
    findings: tuple[str, ...] = ()
    mistakes: tuple[Mistake, ...] = ()


def diagnose(outcomes: Sequence[Outcome], dtype: str, ask: Ask | None) -> list[GroupDiagnosis]:
    """The wrong groups in the order of dependence.

    Parameters
    ----------
    outcomes
        The outcomes of the basic cases, graded at level basic.
    dtype
        The dtype of the port.
    ask
        Runs the port on further questions; None if that is not possible.
    """
    with np.errstate(all="ignore"):  # wrong numbers may be infinite or NaN
        return _diagnose(outcomes, dtype, ask)


def _diagnose(outcomes: Sequence[Outcome], dtype: str, ask: Ask | None) -> list[GroupDiagnosis]:
    found: list[GroupDiagnosis] = []
    wrong: list[str] = []
    few_digits = False  # of the numbers of `codec`
    for group in GROUPS:
        here = [o for o in outcomes if o.case.group == group]
        failed = tuple(o for o in here if o.status in (FAILED, MISSING))
        if not failed:
            continue
        causes = tuple(dict.fromkeys(following(group, wrong)))
        numbers_alone = all(o.location for o in failed)
        if few_digits and numbers_alone and written_with_few_digits(here, dtype, minimum=1):
            found.append(GroupDiagnosis(group, failed, len(here), ("codec",), follows=True))
            continue
        wrong.append(group)
        few_digits |= group == "codec" and bool(written_with_few_digits(here, dtype))
        follows = inherits(group, wrong, failed, ask, dtype) if causes and ask else None
        if not any(o.location for o in failed):
            follows = False  # an unexpected or missing error does not follow from another group
        if causes and follows is not False:
            found.append(GroupDiagnosis(group, failed, len(here), causes, follows))
            continue
        known = [mistake.mutant for each in found for mistake in each.mistakes]
        own = mistakes(group, here, dtype, known)
        own.sort(key=lambda mistake: -len(mistake.explained))
        found.append(
            GroupDiagnosis(
                group,
                failed,
                len(here),
                causes,
                pattern=pattern(group, here, dtype),
                findings=tuple(findings(group, here, ask, dtype)),
                mistakes=tuple(own),
            )
        )
    return found
