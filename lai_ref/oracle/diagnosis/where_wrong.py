"""Under which condition the numbers of an output are wrong, and their ratio to the expected ones.

Numbers at kinks and those of whole training runs are ignored if other numbers are wrong, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np

from lai_ref.oracle.case import Case
from lai_ref.oracle.diagnosis.combinations import joined
from lai_ref.oracle.diagnosis.conditions import Condition, condition
from lai_ref.oracle.diagnosis.facts import is_run
from lai_ref.oracle.diagnosis.numbers import Numbers, symbol
from lai_ref.oracle.diagnosis.ratios import ratio_law, sizes
from lai_ref.support.validation import Array

THRESHOLDS = ("k", "|e|", "λ", "t")  # magnitudes that may have a threshold
SHARP = 0.75  # fraction of wrong numbers for a condition to be informative
# pairs of facts that split the numbers; each part may follow its own law
SPLITS = (
    ("p = 1", "p = 2"),
    ("|k|^p > λ", "|k|^p < λ"),
    ("the reduction is batch", "the reduction is sample"),
    ("λ < 1", "λ > 1"),
    ("k > 0", "k < 0"),
    ("θ_p is a weight", "θ_p is a bias"),
    ("θ_p is in a hidden layer", "θ_p is in the last layer"),
    ("t = 0", "t > 0"),
)


def where_wrong(
    group: str, wrong: Mapping[str, Numbers], dtype: str
) -> tuple[list[str], dict[bool, list[str]]]:
    """Where each wrong output is wrong: sentences with a ratio to the expected ones, and without.

    Sentences without a ratio are listed by whether most numbers are wrong under the condition.
    """
    by_words: dict[tuple[str, bool, bool], list[str]] = {}
    for name, numbers in wrong.items():
        by_words.setdefault(one_output(numbers, dtype), []).append(name)
    laws: list[str] = []
    places: dict[bool, list[str]] = {True: [], False: []}
    for (words, has_law, sharp), names in by_words.items():
        if words:
            shown = joined([symbol(group, name) for name in names])
            (laws if has_law else places[sharp]).append(f"{shown} {are(names)} wrong{words}")
    return laws, places


@lru_cache(maxsize=16)  # called several times for the same numbers
def one_output(numbers: Numbers, dtype: str) -> tuple[str, bool, bool]:
    """Where the numbers of an output are wrong, and their ratio; "" if neither is clear.

    Also whether a ratio holds for all, and whether most numbers under the condition are wrong.
    """
    seen = ordinary(numbers)
    wrong = seen.wrong
    size = sizes(seen) if dtype == "float64" else {}  # in float32 the bounds would cause thresholds
    thresholds = {f"|{n}|" if n == "k" else n: size[n] for n in size if n in THRESHOLDS}
    where = condition(wrong, seen.facts, thresholds)
    nan = wrong & ~np.isfinite(seen.got)
    some_nan = bool(nan.any() and not nan[wrong].all())
    law, whole = _law(seen.chosen(wrong & ~nan if some_nan else wrong), dtype)
    words = in_words(where) or (f" in {fraction(wrong)} numbers" if law else "")
    if some_nan:
        at = condition(nan, seen.facts)
        words = words or f" in {fraction(wrong)} numbers"
        words += f", and NaN or infinite{in_words(at) or f' in {int(nan.sum())} of them'}"
    sharp = where is not None and where.wrong >= SHARP * where.total
    return words + (f": it {law}" if law else ""), whole, sharp


def ordinary(numbers: Numbers) -> Numbers:
    """The numbers away from kinks and outside whole runs, if any of them is wrong."""
    for unclear in (_at_kink, is_run):
        clear = np.array([not unclear(o.case) for o in numbers.outcomes], bool)
        numbers = numbers.chosen(clear) if (numbers.wrong & clear).any() else numbers
    return numbers


def in_words(found: Condition | None, unit: str = "numbers") -> str:
    if found is None:
        return ""
    if found.exact:
        return f" exactly where {found.words} ({found.total} {unit})"
    return f" only where {found.words} ({found.wrong} of {found.total} {unit} there)"


def fraction(wrong: Array) -> str:
    return f"{int(wrong.sum())} of {len(wrong)}"


def are(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"


def _law(wrong: Numbers, dtype: str) -> tuple[str, bool]:
    """The ratio to the expected numbers, in all or in each part; whether it is for all."""
    if len(set(wrong.outcomes)) < 2 < len(wrong):
        return "", False  # many laws fit one case
    law = ratio_law(wrong, dtype)
    if law:
        return law, True
    for pair in SPLITS:
        parts = {}
        for fact in pair:
            holds = np.array([facts.get(fact, False) for facts in wrong.facts])
            part = wrong.chosen(holds)
            if 1 < len(part) < len(wrong) and len(set(part.outcomes)) > 1:
                parts[fact] = ratio_law(part, dtype)
        if len(parts) == 2 and any(parts.values()):
            said = [f"{words} where {fact}" for fact, words in parts.items() if words]
            return ", and ".join(said), all(parts.values())
    return "", False


def _at_kink(case: Case) -> bool:
    return case.direction is not None
