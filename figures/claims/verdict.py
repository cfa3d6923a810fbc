"""What a claim of the paper is, and what its verdict can be.

A verdict is computed, and so is its condition: it names the cases, of those that were examined, in
which the claim holds. Where a condition says more than its cases do, it is marked as typed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from figures.experiments.settings import Numbers
from figures.plotting.words import network_name, with_interval

HOLDS, FAILS, UNDECIDED, CONDITION = "holds", "does not hold", "undecided", "holds for "
# what the tables of a figure vary, and so name themselves
VARIED = {
    "samplings": ("scaling", "sampling"),
    "sensitivity": ("scaling", "sampling", "activation"),
}
TYPED = " (condition stated, not computed)"


class Effect(NamedTuple):
    """A relative change that a verdict is about, with its 95 % interval, and the paper's.

    The claim is that it lies between `at_least` and `at_most`; None: no such end.
    """

    name: str
    mean: float
    low: float | None
    high: float | None
    paper: float | None = None
    at_least: float | None = None
    at_most: float | None = None


class Assessment(NamedTuple):
    """A verdict, what it rests on, and perhaps the effect that it is about."""

    verdict: str
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
    """Which of the four kinds a verdict is."""
    return CONDITION if verdict.startswith(CONDITION) else verdict


def unconditional(holds: bool) -> str:
    """The verdict on a claim without conditions."""
    return HOLDS if holds else FAILS


def by_case(cases: Mapping[str, bool | None], *, typed: bool = False) -> str:
    """It holds in all cases, in none, or for those that are named; None: it cannot be told."""
    decided = {name: holds for name, holds in cases.items() if holds is not None}
    if not decided:
        return UNDECIDED
    if len(decided) == len(cases) and all(decided.values()):
        return HOLDS
    if not any(decided.values()):
        return FAILS if len(decided) == len(cases) else UNDECIDED
    passing = "; ".join(name for name, holds in decided.items() if holds)
    return CONDITION + passing + (TYPED if typed else "")


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
    """Whether all are true; one that is false decides, otherwise one that cannot be told."""
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
    """The effect that a paired change is, and where it is claimed to lie."""
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
    """Scaling and sampling of one of several tables."""
    return f"{each['scaling']} {each['sampling']}"


def entry(change: Numbers, j: int) -> dict[str, Any]:
    """One feature's change of a list of them."""
    return {name: values and values[j] for name, values in change.items()}


def endpoint_text(endpoint: Numbers) -> str:
    """The change at equal smoothness, if there is a range that both methods reach."""
    return with_interval(endpoint) if endpoint["mean"] is not None else "no common range"
