"""What a claim of the paper is, and what its verdict can be.

A verdict is computed. So is its condition: it names those of the examined cases in which the claim
holds. A condition that covers more than the computed cases is marked as stated, not computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from figures.experiments.settings import Numbers
from figures.plotting.words import network_name, with_interval

HOLDS, FAILS, UNDECIDED, CONDITION = "holds", "does not hold", "undecided", "holds for "
# what the tables of a figure vary and name in their own headings
VARIED = {
    "samplings": ("scaling", "sampling"),
    "sensitivity": ("scaling", "sampling", "activation"),
}
TYPED = " (condition stated, not computed)"


class Effect(NamedTuple):
    """A relative change that a verdict is about, with its 95 % interval, and the paper's.

    The claim is that it lies between `at_least` and `at_most`; None: no bound.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    paper: float | None = None
    at_least: float | None = None
    at_most: float | None = None


class Assessment(NamedTuple):
    """A verdict, its reason in one sentence, all its numbers, and perhaps the effect it is about.

    The sentence has at most two numbers, without intervals, besides settings as λ = 0.1.
    """

    verdict: str
    sentence: str
    number: str
    effect: Effect | None = None


class Claim(NamedTuple):
    """A claim, close to the paper's words, and the figures from whose numbers it is assessed."""

    section: str
    text: str
    figures: tuple[str, ...]
    assess: Callable[..., Assessment]


def claim(section: str, text: str, *figures: str) -> Callable[[Callable[..., Assessment]], Claim]:
    """Decorate the function that assesses this claim."""
    return lambda assess: Claim(section, text, figures, assess)


def kind_of(verdict: str) -> str:
    """The kind of a verdict, one of four."""
    return CONDITION if verdict.startswith(CONDITION) else verdict


def kind_in_words(verdict: str) -> str:
    """The kind without the cases that a condition names."""
    return "holds in some cases" if kind_of(verdict) == CONDITION else verdict


def unconditional(holds: bool) -> str:
    """The verdict on a claim without conditions."""
    return HOLDS if holds else FAILS


def by_case(cases: Mapping[str, bool | None], *, typed: bool = False) -> str:
    """Whether the claim holds in all cases, in none, or for which; None: a case is undecided."""
    decided = {name: holds for name, holds in cases.items() if holds is not None}
    if not decided:
        return UNDECIDED
    if len(decided) == len(cases) and all(decided.values()):
        return HOLDS
    if not any(decided.values()):
        return FAILS if len(decided) == len(cases) else UNDECIDED
    passing = "; ".join(name for name, holds in decided.items() if holds)
    return CONDITION + passing + (TYPED if typed else "")


def passing(cases: Mapping[str, bool | None]) -> str:
    """In how many of the cases the claim holds."""
    return f"{sum(holds is True for holds in cases.values())} of {len(cases)}"


def inside(change: Numbers, low: float = -math.inf, high: float = math.inf) -> bool | None:
    """Whether a change lies between `low` and `high`: its whole interval does, or none of it.

    None where the interval has parts on both sides, or where there is none.
    """
    if change["low"] is None:
        return None
    if low < change["low"] and change["high"] < high:
        return True
    return False if change["high"] < low or high < change["low"] else None


def both(*cases: bool | None) -> bool | None:
    """Whether all are true: False if one is false, otherwise None if one is undecided."""
    if False in cases:
        return False
    return None if None in cases else True


def below(a: Numbers, b: Numbers) -> bool | None:
    """Whether change `a` is less than `b`: its interval lies wholly below; None without one."""
    return None if a["low"] is None or b["low"] is None else bool(a["high"] < b["low"])


def by_interval(change: Numbers, low: float = -math.inf, high: float = math.inf) -> str:
    """The verdict that the effect lies between `low` and `high`."""
    return by_case({"": inside(change, low, high)})


def effect_of(
    name: str,
    change: Numbers,
    paper: float | None = None,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Effect:
    """A paired change as an effect, with the bounds of the claim."""
    return Effect(name, change["mean"], change["low"], change["high"], paper, at_least, at_most)


def about(numbers: Numbers) -> str:
    """Seeds and protocol behind a figure's numbers, without what its tables vary."""
    p, varied = numbers["protocol"], VARIED.get(numbers["figure"], ())
    counts = {len(each.get("seeds", numbers["seeds"])) for each in numbers.get("tables", ())}
    counts |= set() if counts else {len(numbers["seeds"])}
    parts = [f"{' or '.join(map(str, sorted(counts)))} seeds"]
    parts += [] if "scaling" in varied else [f"{p['scaling']} inputs"]
    parts += [] if "activation" in varied else [network_name(p)]
    parts += [f"batch {p['batch_size']}", f"lr {p['lr']:g}"]
    parts += [] if "sampling" in varied else [f"sampling {p['sampling']}"]
    return ", ".join(parts)


def reading(each: Numbers) -> str:
    """Input scaling and sampling of one of several tables."""
    return f"{each['scaling']} {each['sampling']}"


def entry(change: Numbers, j: int) -> dict[str, Any]:
    """The change of feature j, with its interval, from lists of changes."""
    return {name: values and values[j] for name, values in change.items()}


def mean_text(endpoint: Numbers) -> str:
    """The change at equal smoothness without its interval."""
    return "an unknown amount" if endpoint["mean"] is None else f"{endpoint['mean']:+.1%}"


def endpoint_text(endpoint: Numbers) -> str:
    """The change at equal smoothness, if there is a range that both methods reach."""
    return with_interval(endpoint) if endpoint["mean"] is not None else "no common range"
