"""What a correct port loses at extreme values: in which outputs, how much, and for which |k| ≥ a.

Only failures at level strict count: strict cases, and basic cases whose error is within the bound
of level basic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

from lai_ref.oracle.case import Case, flat, shape
from lai_ref.oracle.diagnosis.numbers import symbol
from lai_ref.oracle.extremes import NAMES, magnitudes, most_extreme
from lai_ref.oracle.grading.grade import FAILED, Outcome, errors_in_bounds

DIGITS = {"float64": 16, "float32": 7}  # decimal digits of the dtype
# the usual cause, by magnitude and by whether the answers are finite numbers
CAUSES = {
    ("k", "digits"): "the terms of the quotient rule cancel, as in automatic differentiation",
    ("k", "overflow"): "1 + k² or a power of it overflows",
    ("e", "digits"): "a square of the loss loses digits",
    ("e", "overflow"): "c² overflows in the 2-norm",
    ("z", "digits"): "log(1 + e^z) or σ(z) loses digits, or softplus is cut to z as in PyTorch",
    ("z", "overflow"): "e^z overflows",
    ("lam", "digits"): "a product with λ loses digits",
    ("lam", "overflow"): "a product with λ overflows or underflows",
}


@dataclass(frozen=True)
class LossOfAccuracy:
    """One cause: the outputs that it affects, the smallest magnitude, and how much is lost."""

    magnitude: str  # k, e, z or lam
    kind: str  # digits, overflow or error
    least: float
    outputs: tuple[str, ...]
    cases: int
    digits: int  # the most that are lost

    def __str__(self) -> str:
        cause = CAUSES.get((self.magnitude, self.kind))
        cases = f"{self.cases} case{'s' * (self.cases > 1)}"
        return f"{self.words()} ({cases})" + (f": perhaps {cause}" if cause else "")

    def words(self) -> str:
        """What is lost, and for which magnitudes."""
        outputs = ", ".join(self.outputs)
        digits = f"{self.digits} digit{'s' * (self.digits > 1)}"
        what = {
            "digits": f"{outputs}: up to {digits} lost",
            "overflow": f"{outputs}: NaN, infinite or 0",
            "error": f"{outputs}: an error is raised",
        }[self.kind]
        least = f"{self.least:.4g}" if self.least < 1e5 else f"{self.least:.1e}"
        return f"{what} for {NAMES[self.magnitude]} ≥ {least}"


def losses_of_accuracy(outcomes: Sequence[Outcome], dtype: str) -> list[LossOfAccuracy]:
    """The causes of these failures, by magnitude, then by the smallest value."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for o in outcomes:
        if o.status == FAILED:
            for magnitude, kind, value, output, digits in _of_case(o, dtype):
                each = found.setdefault(
                    (magnitude, kind), {"least": math.inf, "outputs": {}, "cases": {}, "digits": 0}
                )
                each["least"] = min(each["least"], value)
                each["outputs"][output] = each["cases"][o.case.id] = None
                each["digits"] = max(each["digits"], digits)
    losses = [
        LossOfAccuracy(*key, c["least"], tuple(c["outputs"]), len(c["cases"]), c["digits"])
        for key, c in found.items()
    ]
    return sorted(losses, key=lambda loss: (loss.magnitude, loss.least))


def _of_case(o: Outcome, dtype: str) -> list[tuple[str, str, float, str, int]]:
    """For every number that fails: magnitude, kind, its value, the output, digits lost."""
    if o.case.expected is None:
        return []
    found = magnitudes(o.case.group, o.case.inputs)
    if not found:
        return []
    if not o.location:
        name, value = most_extreme(found)
        return [(name, "error", value, o.case.group, 0)]
    rows = []
    for output, place, got, expected, excess in _numbers(o, o.case, dtype):
        if excess > 1:
            at = place[0] if o.case.group == "factor" else None
            name, value = most_extreme(found, at)
            finite = got.is_finite() and expected.is_finite() and got != 0
            relative = abs(got - expected) / abs(expected) if finite and expected else Decimal(1)
            unit = DIGITS[dtype] + float(max(relative, Decimal("1e-18")).log10())
            kind = "digits" if finite else "overflow"
            digits = min(DIGITS[dtype], max(1, round(unit))) if finite else 0
            rows.append((name, kind, value, symbol(o.case.group, output), digits))
    return rows


def _numbers(o: Outcome, case: Case, dtype: str) -> list[Any]:
    """Output, place, got, expected and error in bounds of every number of a case."""
    rows = []
    for output, expected in (case.expected or {}).items():
        places = product(*map(range, shape(expected)))
        errors = errors_in_bounds(o, output, dtype)
        columns = zip(places, flat(o.answer[output]), flat(expected), errors, strict=True)
        rows += [(output, *row) for row in columns]
    return rows
