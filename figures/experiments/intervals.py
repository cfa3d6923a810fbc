"""95 % intervals: of a mean change paired by seed, and of a fraction of runs.

Two losses are compared on the same seeds. With d_s = ln(a_s / b_s) for seed s of n, the mean of d
is normal to a good approximation, and its interval is Student's (1908):

    d̄ ± t(0.975; n − 1) · sd(d) / √n

Mean and interval are reported as relative changes, exp(d) − 1. Seeds that split one small table
share most of their samples, and sd(d) / √n is too small for them. With a ratio ρ of validation to
training samples, √(1/n + ρ) replaces 1 / √n (Nadeau & Bengio 2003).
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt


def paired_change(a: npt.ArrayLike, b: npt.ArrayLike) -> dict[str, Any]:
    """The change from `b` to `a`, both over seeds on the first axis, as exp(mean ln a/b) − 1.

    Returns `mean` and its interval, `low` and `high`, for each of the further entries. One seed has
    no interval: None.
    """
    return interval_of_mean(np.log(np.divide(a, b)))


def mean_paired_change(a: npt.ArrayLike, b: npt.ArrayLike) -> dict[str, Any]:
    """The mean of several paired changes on the same seeds, as one comparison.

    `a` and `b` have the changes on the first axis and the seeds on the second.
    """
    return interval_of_mean(np.log(np.divide(a, b)).mean(axis=0))


def joint_interval(change: dict[str, Any], seeds: int, comparisons: int) -> dict[str, Any]:
    """A paired change, one of several, whose intervals have 95% together (Bonferroni)."""
    if change["low"] is None:
        return change
    wider = student_t(seeds - 1, 1 - 0.025 / comparisons) / student_t(seeds - 1)
    mean, low, high = (math.log1p(change[name]) for name in ("mean", "low", "high"))
    ends = {"low": mean - wider * (mean - low), "high": mean + wider * (high - mean)}
    return {**change, **{name: math.expm1(value) for name, value in ends.items()}}


def interval_of_mean(
    d: npt.ArrayLike, comparisons: int = 1, overlap: float = 0.0
) -> dict[str, Any]:
    """exp(mean d) − 1 and its interval, for log ratios d over seeds on the first axis.

    The intervals of this number of `comparisons` hold jointly with 95 % (Bonferroni). `overlap` is
    ρ.
    """
    d = np.asarray(d, float)
    mean, n = d.mean(axis=0), len(d)
    if n < 2:
        return {"mean": np.expm1(mean).tolist(), "low": None, "high": None}
    t = student_t(n - 1, 1 - 0.025 / comparisons)
    half = t * d.std(axis=0, ddof=1) * math.sqrt(1 / n + overlap)
    ends = {"mean": mean, "low": mean - half, "high": mean + half}
    return {name: np.expm1(value).tolist() for name, value in ends.items()}


@cache
def student_t(df: int, p: float = 0.975) -> float:
    """The quantile p of Student's t with `df` degrees of freedom, for p ≥ 1/2."""
    # with t = √df tan u the density is cos^(df − 1) u, up to a constant
    u = np.linspace(0, np.pi / 2, 200_001)
    density = np.cos(u) ** (df - 1)
    below = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return math.sqrt(df) * math.tan(float(np.interp((2 * p - 1) * below[-1], below, u)))


def wilson(count: int, n: int) -> tuple[float, float]:
    """The interval of the fraction of an event seen `count` times in `n` (Wilson 1927)."""
    # (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n)
    z, p = NormalDist().inv_cdf(0.975), count / n
    middle, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    return max(0.0, (middle - half) / (1 + z**2 / n)), min(1.0, (middle + half) / (1 + z**2 / n))
