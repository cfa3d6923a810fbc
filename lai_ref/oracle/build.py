"""Building the vectors: `python -m lai_ref.oracle.build` writes all of them again.

The inputs are exact float32 numbers: multiples of 1/64 for ordinary values, powers of 2 for extreme
ones. `truth` computes the expected answers for both ends of the subdifferential, u = 0 and u = 1.
If the two agree, the expected answer is a point, otherwise a segment. The bounds come from
`tolerances`, the level from `extremes`.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from decimal import ROUND_UP, Context, Decimal, localcontext
from functools import partial
from typing import Any

from lai_ref.oracle.case import (
    DTYPES,
    GROUPS,
    MANIFEST,
    OUTPUTS,
    SCHEMA,
    VECTORS,
    flat,
    mapped,
    parse_case,
    token,
)
from lai_ref.oracle.extremes import level_of
from lai_ref.oracle.questions import questions
from lai_ref.oracle.tolerances.bounded import Bounded, tolerance
from lai_ref.oracle.tolerances.bounds import bounded_answer
from lai_ref.oracle.truth import answers as exact
from lai_ref.support.files import atomic_write

DIGITS = Context(prec=34, Emin=-99999, Emax=99999)
SHORT = Context(prec=2, rounding=ROUND_UP, Emin=-99999, Emax=99999)


def write_vectors() -> None:
    """Write one file per group, and the list of their SHA-256."""
    VECTORS.mkdir(exist_ok=True)
    sums = []
    for group in GROUPS:
        built = [built_case(question) for question in questions(group)]
        cases = ",\n".join(json.dumps(case, ensure_ascii=False) for case in built)
        text = f'{{"schema": "{SCHEMA}", "group": "{group}", "cases": [\n{cases}\n]}}\n'
        atomic_write(VECTORS / f"{group}.json", text.encode())
        sums.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {group}.json\n")
        print(f"{group}: {len(built)} cases, {len(text)} bytes", file=sys.stderr)
    atomic_write(MANIFEST, "".join(sums).encode())


def built_case(question: dict[str, Any]) -> dict[str, Any]:
    """A case as in the file: a question with its answer and bounds."""
    case = {key: question[key] for key in ("id", "about", "inputs")}
    rejected = case | {"level": "basic", "expected": "error"}
    if question["error"]:
        return rejected
    group = question["id"].split("/")[0]
    return case | answer(group, parse_case(rejected, group).inputs)


def answer(group: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The level, the expected answer and the bounds for these inputs, as strings."""
    if group == "codec":
        exactly = {d: {"values": mapped(lambda _: "0", inputs["values"])} for d in DTYPES}
        values = {"values": mapped(token, inputs["values"])}
        bounds = {"tolerance": exactly, "basic_tolerance": exactly}
        return {"level": "basic", "expected": values, **bounds}
    level = level_of(group, inputs)
    base, end = (exact.answer(group, inputs, Decimal(u)) for u in (0, 1))
    found: dict[str, Any] = {"level": level}
    found["expected"] = {n: mapped(_digits, base[n]) for n in OUTPUTS[group]}
    with localcontext(Context(prec=60, Emin=-99999, Emax=99999)):
        direction = {n: mapped(_difference, end[n], base[n]) for n in OUTPUTS[group]}
    kink = any(d != 0 for n in direction for d in flat(direction[n]))
    if kink:
        found["direction"] = {n: mapped(_digits, direction[n]) for n in OUTPUTS[group]}
    for name, of in {"tolerance": "strict", "basic_tolerance": "basic"}.items():
        if level in ("basic", of):
            sides = [bounded_answer(group, inputs, u, of) for u in ((0.0, 1.0) if kink else (0.5,))]
            found[name] = {
                dtype: {
                    n: mapped(partial(_bound, dtype), *(side[n] for side in sides))
                    for n in OUTPUTS[group]
                }
                for dtype in DTYPES
            }
    return found


def _digits(d: Decimal) -> str:
    # full cancellation of 250 digits leaves less; no answer to float32 inputs is as small
    return str(DIGITS.plus(d).normalize(DIGITS)) if abs(d) > Decimal("1e-200") else "0"


def _difference(a: Decimal, b: Decimal) -> Decimal:
    difference = a - b
    # the difference of two equal numbers of 50 digits is rounding
    return difference if abs(difference) > abs(a) * Decimal("1e-40") else Decimal(0)


def _bound(dtype: str, *sides: Bounded) -> str:
    largest = max(tolerance(b, dtype) for b in sides)
    return str(SHORT.plus(Decimal(largest))) if math.isfinite(largest) else "inf"


if __name__ == "__main__":
    write_vectors()
