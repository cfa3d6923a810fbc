"""How large the errors are and with what they grow, for outputs without a known ratio.

A nearly right answer is an approximation: finite differences, low precision, an added ε. An error
that grows with |k|, or falls with the distance from the kink, indicates where the mistake is.
"""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.diagnosis.numbers import Numbers, symbol
from lai_ref.oracle.diagnosis.ratios import sizes
from lai_ref.support.validation import Array

NEARLY = 1e-2  # median relative error below which the output is called nearly right
CLEAR = 0.75  # minimum rank correlation of errors with a size
MIN_NUMBERS = 10  # wrong numbers for a correlation
SHOWN = ("p", "k", "λ")  # sizes that are printed with the largest error


def nearly_right(group: str, numbers: Numbers) -> str:
    """A sentence if the wrong numbers are nearly right."""
    _, relative = _errors(numbers)
    steps_are_small = group in ("adam", "train")  # relative to θ, right or wrong
    if steps_are_small or not len(relative) or np.median(relative) >= NEARLY:
        return ""
    typical = f"median relative error {np.median(relative):.1g}"
    name = symbol(group, numbers.output)
    return f"{name} is nearly right ({typical}): an approximation, or an added ε"


def trend(group: str, numbers: Numbers) -> str:
    """A sentence on the size with which the relative errors grow or fall, or ""."""
    seen, relative = _errors(numbers)
    if len(relative) < MIN_NUMBERS:
        return ""
    known = sizes(seen)
    candidates = {f"|{name}|" if name == "k" else name: known[name] for name in known}
    if "k" in known and "λ" in known and (known["k"] > 0).all():
        gap = np.abs(np.log(known["k"] ** known["p"] / known["λ"]))
        candidates = {"the distance from the kink |k|^p = λ": gap} | candidates
    for name, size in candidates.items():
        correlation = _rank_correlation(size, relative)
        if abs(correlation) > CLEAR:
            how = "grows" if correlation > 0 else "falls"
            return f"the relative error of {symbol(group, numbers.output)} {how} with {name}"
    return ""


def size_of_errors(group: str, numbers: Numbers) -> str:
    """A sentence with the median and the maximum of the relative errors, or ""."""
    seen, relative = _errors(numbers)
    if not len(relative):
        return ""
    worst = int(relative.argmax())
    at = ", ".join(f"{n} = {v[worst]:.4g}" for n, v in sizes(seen).items() if n in SHOWN)
    return (
        f"relative error of {symbol(group, numbers.output)}: median {np.median(relative):.2g},"
        f" maximum {relative[worst]:.2g}" + (f" (at {at})" if at else "")
    )


def _errors(numbers: Numbers) -> tuple[Numbers, Array]:
    seen = numbers.chosen(numbers.wrong & (numbers.expected != 0) & np.isfinite(numbers.got))
    return seen, np.abs(seen.got / seen.expected - 1)


def _rank_correlation(a: Array, b: Array) -> float:
    """Spearman's rank correlation; 0 if one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    ranks = np.array([np.argsort(np.argsort(values)) for values in (a, b)], float)
    return float(np.corrcoef(ranks)[0, 1])
