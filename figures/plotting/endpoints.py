"""Comparisons at equal smoothness (`experiments.equal_smoothness`) in figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator

from figures.experiments.equal_smoothness import CONTROL
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Numbers
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import with_interval

Look = tuple[str, str, str]  # colour, marker, dashes
RMSE_LABEL = "validation RMSE, change to MSE of the same seed\n(%, logarithmic beyond ±1)"


def draw_frontier(
    axes: Axes, control: Numbers, points: Sequence[Numbers], measure: str, look: Look, label: str
) -> None:
    """RMSE over a measure of smoothness, both relative to MSE of the same seed, with intervals."""
    color, marker, dashes = look
    x, y = ([paired_change(p[n], control[n]) for p in points] for n in (measure, "rmse"))
    place = [1 + change["mean"] for change in x]
    height = [100 * change["mean"] for change in y]
    if color != GREY and x[0]["low"] is not None:  # grey bars would cover the others
        bars = {"xerr": _bars(x, 1), "yerr": _bars(y, 100)}
        axes.errorbar(place, height, **bars, fmt="none", ecolor=color, elinewidth=0.8, alpha=0.6)
    (line,) = axes.plot(place, height, color=color, ls=dashes, marker=marker, ms=5, lw=1.3)
    line.set_label(label)
    if dashes == ":":
        line.set_markerfacecolor("none")


def draw_endpoints(axes: Axes, entries: Sequence[Numbers], labels: Sequence[str]) -> None:
    """A row for each comparison: every seed, the interval and the margin of equivalence."""
    margin = 100 * entries[0]["margin"]
    axes.axvspan(-margin, margin, color=GREY, alpha=0.15, lw=0, label=f"margin of ±{margin:g}%")
    axes.axvline(0, color=GREY, lw=1)
    for row, entry in enumerate(entries):
        seeds = [100 * change for change in entry["by_seed"] if change is not None]
        first = "one seed" if row == 0 else None
        axes.plot(seeds, [row - 0.22] * len(seeds), ".", color=DARK_TO_LIGHT[1], ms=4, label=first)
        if entry["mean"] is not None:
            first = "mean and 95% interval" if row == 0 else None
            black = DARK_TO_LIGHT[0]
            draw_change(axes, entry, row, fmt="o", color=black, capsize=3, label=first)
    axes.set_yticks(range(len(entries)), labels)
    axes.set_ylim(len(entries) - 0.5, -0.6)
    axes.grid(False, axis="y")


def relative_axes(axes: Axes) -> None:
    """Horizontal: multiples of MSE's, logarithmic; vertical: changes in per cent, symlog."""
    axes.plot(1, 0, "*", color=DARK_TO_LIGHT[0], ms=13, label=CONTROL, zorder=4, ls="none")
    log_axis(axes)
    axes.set_yscale("symlog", linthresh=1)
    ticks = [digit * 10.0**power for power in range(6) for digit in (1, 3)]
    axes.yaxis.set_major_locator(FixedLocator([-3, -1, -0.5, 0, 0.5, *ticks]))
    axes.yaxis.set_major_formatter("{x:+g}")
    axes.set_ylim(bottom=min(1.5 * axes.dataLim.y0, -0.3))  # symlog would add a decade below


def log_axis(axes: Axes) -> None:
    """A horizontal logarithmic axis with a few plain tick labels, even within one decade."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")


def endpoint_text(entry: Mapping[str, Any]) -> str:
    """The change, its interval and the verdict on the method; the number of seeds if not all."""
    found, n = sum(d is not None for d in entry["by_seed"]), len(entry["by_seed"])
    if entry["mean"] is None:
        return "no common range"
    some = "" if found == n else f" ({found} of {n} seeds)"
    return f"{with_interval(entry)}{some}: {entry['verdict']}"


def range_text(entry: Mapping[str, Any]) -> str:
    """The part of the common range that all seeds share, in multiples of MSE's."""
    ranges = np.array([ends for ends in entry["common_range"] if ends is not None])
    if not len(ranges):
        return "–"
    return f"{ranges[:, 0].max():.2f} … {ranges[:, 1].min():.2f}"


def _bars(changes: Sequence[Numbers], scale: float) -> Any:
    low, mean, high = (scale * np.array([c[of] for c in changes]) for of in ("low", "mean", "high"))
    return [mean - low, high - mean]
