"""Whether wrong numbers are right ones with too few digits, the default of many languages.

C++ and R write 6 or 7 significant digits, `%f` writes 6 decimals, R's jsonlite 4 decimals or 15
significant digits. Such a number equals the expected one, rounded to the digits that it has.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from lai_ref.oracle.diagnosis.numbers import Numbers

ENOUGH = {"float64": 17, "float32": 9}  # digits that distinguish all numbers of a dtype
FEW = {"float64": 15, "float32": 7}  # digits that most numbers of the dtype do not have
MIN_NUMBERS = 4  # rounded numbers for a sentence


def rounded(numbers: Numbers, dtype: str, minimum: int = MIN_NUMBERS) -> str:
    """A sentence, without its subject, if every wrong number is an expected one, rounded."""
    seen = numbers.chosen(numbers.wrong)
    if len(seen) < minimum:
        return ""
    digits = [shortest(got, dtype) for got in seen.got]
    exponents = [_exponent(number) for number in digits if number]
    if not exponents:
        return ""
    # 0 is a small number, with the decimals that most of the others have
    typical = int(np.median(exponents))
    for number, e, bound in zip(digits, seen.expected, seen.bound, strict=True):
        unit = 10.0 ** (_exponent(number) if number else typical)  # of the last digit
        few = len(number.as_tuple().digits) <= FEW[dtype]
        if not (few and abs(float(number) - e) <= 0.5001 * unit + 2 * bound):
            return ""
    shown = max(range(len(seen)), key=lambda i: len(digits[i].as_tuple().digits))
    example = f"{seen.got[shown]:.{FEW[dtype]}g} for {seen.expected[shown]:.{ENOUGH[dtype]}g}"
    return f"rounded to too few digits ({example}): write {ENOUGH[dtype]} significant digits"


def shortest(number: float, dtype: str) -> Decimal:
    """The decimal with the fewest digits that is read as this number of the dtype."""
    words = np.format_float_scientific(np.dtype(dtype).type(number), unique=True)
    return Decimal(words).normalize()


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0
