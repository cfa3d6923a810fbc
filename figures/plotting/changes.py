"""Relative changes to MSE in figures: in per cent, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from figures.experiments.paper import TABLE_1_CHANGE
from figures.experiments.settings import Numbers


def draw_change(axes: Axes, change: Numbers, at: float, across: bool = True, **look: Any) -> None:
    """The mean and its interval: horizontal at height `at`, or vertical if not `across`."""
    mean, low, high = (change[of] and 100 * change[of] for of in ("mean", "low", "high"))
    bars = None if low is None else [[mean - low], [high - mean]]
    if across:
        axes.errorbar([mean], [at], xerr=bars, **look)
    else:
        axes.errorbar([at], [mean], yerr=bars, **look)


def table_1_changes(rows: Sequence[Numbers], name: str) -> str:
    """The mean changes of a measure for the three λ; the first row is that of MSE."""
    return ", ".join(f"{row[f'{name}_change']['mean']:+.1%}" for row in rows[1:])


def paper_changes(name: str) -> str:
    """The changes of a measure in the paper's Table 1."""
    return ", ".join(f"{change:+.1%}" for change in TABLE_1_CHANGE[name][1:])
