"""RMSE at equal smoothness: one method beside another, seed by seed.

A method is a list of points, one per value of its parameter. A point has a list over seeds for each
of

    rmse_choosing    on the half of the validation set that chooses
    rmse             on the other half, which scores
    a measure        of smoothness: the smaller, the smoother

For a seed, the Pareto *frontier* of a method are its runs for which no other run is at least as
smooth with a smaller `rmse_choosing`. A monotone cubic interpolates the `rmse` of these runs, in
logarithms of both. The `rmse` is not used for the choice, so the frontier has no selection bias.
Beyond its least smooth run it is constant.

The endpoint of a comparison is one number per seed: the mean of ln(RMSE of the method / RMSE of the
baseline) over the range of ln(measure) that the runs of both cover.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from figures.experiments.intervals import interval_of_mean, paired_change
from figures.experiments.monotone import monotone_interp
from figures.experiments.settings import Numbers
from lai_ref import Array

CONTROL = "MSE"  # the method that all are compared with
MARGIN = 0.01  # of the RMSE: a smaller difference is of no practical importance
GRID = 1001  # grid points at which a ratio is averaged
NO_INTERVAL = {"mean": None, "low": None, "high": None}


class Frontier(NamedTuple):
    """The Pareto frontier of a method in one seed: ln RMSE over ln of the measure."""

    x: Array  # ln measure of the runs on the frontier, increasing
    y: Array  # their ln RMSE on the scoring half
    low: float  # ln measure of the smoothest run
    high: float  # and of the least smooth one

    def at(self, x: npt.ArrayLike) -> Array:
        """The smallest ln RMSE for which ln of the measure is at most `x`."""
        return monotone_interp(x, self.x, self.y)


def pareto(measure: npt.ArrayLike, rmse: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Indices of the runs on the Pareto frontier, the smoothest first."""
    measure, rmse = np.asarray(measure, float), np.asarray(rmse, float)
    perm = np.lexsort((rmse, measure))
    smallest = np.minimum.accumulate(rmse[perm])
    return perm[np.diff(smallest, prepend=np.inf) < 0]


def frontier_of(points: Sequence[Numbers], measure: str, seed: int) -> Frontier:
    """The frontier of a method, given by its points, for the seed at place `seed`."""
    choosing, scoring, x = (
        np.array([point[name][seed] for point in points])
        for name in ("rmse_choosing", "rmse", measure)
    )
    chosen = pareto(x, choosing)
    x = np.log(x)
    return Frontier(x[chosen], np.log(scoring[chosen]), float(x.min()), float(x.max()))


def mean_log_ratio(a: Frontier, b: Frontier) -> tuple[float, float, float] | None:
    """The mean of ln(RMSE of `a` / RMSE of `b`) over their common range, and its two ends."""
    low, high = max(a.low, b.low), min(a.high, b.high)
    if not low < high:
        return None
    x = np.linspace(low, high, GRID)
    ratio = a.at(x) - b.at(x)
    return float((ratio[:-1] + ratio[1:]).mean() / 2), low, high


def points_of(points: Iterable[Numbers], method: str, measure: str = "rmse") -> list[Numbers]:
    """The points of a method that have this measure."""
    return [point for point in points if point["method"] == method and measure in point]


def endpoint(points: Sequence[Numbers], method: str, baseline: str, measure: str) -> Numbers:
    """The endpoint of a comparison as a relative change, its interval and its verdict.

    `by_seed` is exp(endpoint) − 1, `common_range` the range of the measure, by seed, in multiples
    of MSE's; both are None for a seed whose runs have no common range.
    """
    (control,) = points_of(points, CONTROL)
    mine, theirs = (points_of(points, name, measure) for name in (method, baseline))
    logs, ranges = [], []
    for seed, unit in enumerate(control[measure]):
        found = mean_log_ratio(*(frontier_of(some, measure, seed) for some in (mine, theirs)))
        logs.append(None if found is None else found[0])
        ranges.append(None if found is None else [math.exp(end) / unit for end in found[1:]])
    change = _summary(logs)
    return {
        "baseline": baseline,
        "measure": measure,
        **change,
        "margin": MARGIN,
        "verdict": verdict(change),
        "common_range": ranges,
    }


def verdict(change: Numbers, margin: float = MARGIN) -> str:
    """The verdict on a method from the interval of its change in RMSE.

    `equivalent` if the interval is within the margin, otherwise `better` or `worse` if it excludes
    0, otherwise `undecided`.
    """
    low, high = change["low"], change["high"]
    if low is None:
        return "undecided"
    if -margin < low and high < margin:
        return "equivalent"
    if low > 0:
        return "worse"
    return "better" if high < 0 else "undecided"


def excess(points: Sequence[Numbers], point: Numbers, baseline: str, measure: str) -> Numbers:
    """The RMSE at a point over that of the baseline at equal smoothness, as a relative change.

    `by_seed` is None for a seed in which no run of the baseline is as smooth; `reached` counts the
    others.
    """
    theirs = points_of(points, baseline, measure)
    logs = []
    for seed, (rmse, smoothness) in enumerate(zip(point["rmse"], point[measure], strict=True)):
        best, x = frontier_of(theirs, measure, seed), math.log(smoothness)
        logs.append(None if x < best.low else math.log(rmse) - float(best.at(x)))
    reached = sum(log is not None for log in logs)
    about = {"baseline": baseline, "measure": measure, "value": point["value"]}
    return {**about, **_summary(logs), "reached": reached}


def best_of(points: Sequence[Numbers], method: str) -> Numbers:
    """The parameter with the smallest RMSE on the choosing half, by seed, and its score.

    `rmse_change` is the change to MSE on the scoring half.
    """
    (control,) = points_of(points, CONTROL)
    mine = points_of(points, method)
    chosen = np.argmin([point["rmse_choosing"] for point in mine], axis=0)
    scores = [mine[i]["rmse"][seed] for seed, i in enumerate(chosen)]
    return {
        "method": method,
        "values": [mine[i]["value"] for i in chosen],
        "rmse_change": paired_change(scores, control["rmse"]),
    }


def _summary(logs: list[float | None]) -> dict[str, Any]:
    """Log ratios by seed as relative changes, with the mean and its interval where they exist."""
    found = [log for log in logs if log is not None]
    by_seed = [None if log is None else math.expm1(log) for log in logs]
    return {"by_seed": by_seed, **(interval_of_mean(found) if found else NO_INTERVAL)}
