"""Every threshold that a verdict depends on, with its reason."""

from __future__ import annotations

from typing import NamedTuple


class Threshold(NamedTuple):
    """A number and why it is this one."""

    value: float
    reason: str


ROUNDING = Threshold(1e-14, "relative; a hundred times the rounding of a double")
SEARCHED = Threshold(1e-6, "relative; F is flat about its minimum: a search finds k less exactly")
SAME_SLOPE = Threshold(1e-3, "relative; slopes that agree to three digits")
ON_MAP = Threshold(0.02, "relative; the map of `phase` stores slopes of a coarse grid")
NOTICED = Threshold(0.05, "relative; a change of the loss or of |k| that matters for a fit")
VANISHING = Threshold(0.01, "below this F a loss has practically vanished")
STRONG = Threshold(0.1, "above this |F'| a gradient has not vanished")
NEAR_LOSS = Threshold(1.1, "the largest factor between losses that approximate each other")
SLIGHTLY = Threshold(1.1, 'up to this multiple of the data\'s slope, k is "slightly larger"')
VERY_LARGE = Threshold(10, "the claims about a very large λ apply above this λ")
CLEARLY = Threshold(1.5, "above this ratio one number is called clearly larger than another")
RARE = Threshold(0.05, "up to this fraction of runs may be due to chance")
MONOTONE = Threshold(0.9, "of the neighbouring pairs; single seeds make exceptions")
SAVED = Threshold(0.7, "the fraction of the extra time of a Lai epoch that must be saved")
EQUAL = Threshold(0.01, "of the RMSE; a smaller difference is of no practical importance")
LITTLE = Threshold(0.04, "of the RMSE; the paper calls 3.6% a small portion of the accuracy")
BEARABLE = Threshold(0.15, "of the RMSE: a network that is worse has learned little")
PRICE = Threshold(0.03, "of the RMSE; the paper's cost for X8 is 2.4%, rounded up")
MARKED = Threshold(-0.3, "a change of a sensitivity; the paper's is -42%")
LEVEL = Threshold(0.03, "of the RMSE or the variance: within 3% a level is called reproduced")
REPRODUCED = Threshold(1.1, "a deviation factor below which sensitivities are called the paper's")
MOST = Threshold(4, "of eight features: more than this number are most")
INTERCEPT = Threshold(0.3, "of the intercept: four standard errors with 1,000 points and noise ±4")
ALL = {name: value for name, value in globals().items() if isinstance(value, Threshold)}


def markdown() -> str:
    """The table of thresholds, for the gallery."""
    reasons = {name: t.reason.replace("|", "\\|") for name, t in ALL.items()}
    rows = [f"| {name} | {t.value:g} | {reasons[name]} |" for name, t in ALL.items()]
    return "\n".join(["| threshold | value | reason |", "|---|---|---|", *rows])
