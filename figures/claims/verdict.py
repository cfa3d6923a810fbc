"""What a claim of the paper is, and what its verdict can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

HOLDS, FAILS = "holds", "does not hold here"
CLEARLY = 1.5  # the ratio from which one number is called clearly larger than another


class Assessment(NamedTuple):
    """A verdict, "holds", "holds when …" or "does not hold here", and what it rests on."""

    verdict: str
    number: str


class Claim(NamedTuple):
    """A claim, close to the paper's words, and the figures from whose numbers it is assessed."""

    section: str
    text: str
    figures: tuple[str, ...]
    assess: Callable[..., Assessment]


def claim(section: str, text: str, *figures: str) -> Callable[[Callable[..., Assessment]], Claim]:
    """Decorate the function that assesses this claim."""
    return lambda assess: Claim(section, text, figures, assess)


def unconditional(holds: bool) -> str:
    """The verdict on a claim without conditions."""
    return HOLDS if holds else FAILS


def by_case(cases: list[bool], condition: str) -> str:
    """It holds in all cases, in some, that is, on a condition, or in none."""
    return HOLDS if all(cases) else condition if any(cases) else FAILS
