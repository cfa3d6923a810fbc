"""How large the errors are, and with what they grow, of outputs for which no ratio is known.

An answer that is nearly right is an approximation: differences, a low precision, an ε. An error
that grows with |k|, or falls with the distance from the kink, tells where to look.
"""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.diagnosis.numbers import Numbers, symbol
from lai_ref.oracle.diagnosis.ratios import sizes
from lai_ref.support.validation import Array

NEARLY = 1e-2  # relative errors below it, in the median, are those of an approximation
CLEAR = 0.75  # rank correlation of errors with a size that is worth a sentence
MIN_NUMBERS = 10  # for a correlation
SHOWN = ("p", "k", "λ")  # sizes that are named with the largest error


def nearly_right(group: str, numbers: Numbers) -> str:
    """A sentence if the wrong numbers are nearly right."""
    _, relative = _errors(numbers)
    steps_are_small = group in ("adam", "train")  # beside θ, whatever they are
    if steps_are_small or not len(relative) or np.median(relative) >= NEARLY:
        return ""
    typical = f"{np.median(relative):.1g} in the median"
    name = symbol(group, numbers.output)
    return f"{name} is nearly right, with relative errors of {typical}: an approximation, or an ε"


def trend(group: str, numbers: Numbers) -> str:
    """With which size the relative errors grow or fall."""
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
    """The median and the largest of the relative errors."""
    seen, relative = _errors(numbers)
    if not len(relative):
        return ""
    worst = int(relative.argmax())
    at = ", ".join(f"{n} = {v[worst]:.4g}" for n, v in sizes(seen).items() if n in SHOWN)
    return (
        f"relative errors of {symbol(group, numbers.output)}: {np.median(relative):.2g} in the"
        f" median, at most {relative[worst]:.2g}" + (f" (at {at})" if at else "")
    )


def _errors(numbers: Numbers) -> tuple[Numbers, Array]:
    seen = numbers.chosen(numbers.wrong & (numbers.expected != 0) & np.isfinite(numbers.got))
    return seen, np.abs(seen.got / seen.expected - 1)


def _rank_correlation(a: Array, b: Array) -> float:
    """Spearman's, 0 where one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    ranks = np.array([np.argsort(np.argsort(values)) for values in (a, b)], float)
    return float(np.corrcoef(ranks)[0, 1])
