"""The figure `sensitivity` for a CSV file: any number of features, no values of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from figures.experiments.settings import Numbers
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import loss_name, settings_caption, short_names, unit_of, with_interval

SHOWN = 20  # the largest number of features in the picture


def noise_table(numbers: Numbers) -> str:
    """A row per feature, and the RMSE: MSE's sensitivity and its changes by λ."""
    unit, level = unit_of(numbers), numbers["noises"][0][1]
    lines = [
        f"Sensitivity to noise, {settings_caption(numbers)}",
        f"mean |Δy| for noise of {level:.0%} of a feature's standard deviation: MSE's in {unit},",
        "and changes to it: mean [95 % interval]",
        f"{'':<20}{'MSE':>11}" + "".join(f"{loss_name(lam):>23}" for lam in numbers["lams"]),
    ]
    for j, name in enumerate(short_names(numbers["columns"])):
        changes = [with_interval(entry(c[0], j), "+.0%") for c in numbers["changes"]]
        head = f"{name:<20}{numbers['mse'][0][j]:>11.4g}"
        lines.append(head + "".join(f"{change:>23}" for change in changes))
    return "\n".join(lines)


def plot_noise(numbers: Numbers) -> Figure:
    """Left, MSE's sensitivities; right, their changes by λ, and those of the RMSE."""
    mse = np.array(numbers["mse"])
    order = [*np.argsort(mse[0, :-1])[::-1][:SHOWN].tolist(), mse.shape[1] - 1]
    places = np.arange(len(order))
    figure = Figure(figsize=(11, 3 + 0.3 * len(order)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.3))
    for (_, level), row, color, marker in zip(
        numbers["noises"], mse, DARK_TO_LIGHT, "oD", strict=False
    ):
        left.plot(row[order[:-1]], places[:-1], marker, color=color, label=f"noise of {level:.0%}")
    left.plot(mse[0, -1], places[-1], "*", color=GREY, ms=11, label="RMSE")
    left.set_xscale("log")
    left.set_xlabel(f"mean |Δy|, and RMSE ({unit_of(numbers)}, log scale)")
    left.set_title("MSE: sensitivity to noise, as a fraction\nof the feature's standard deviation")
    for lam, change, color, marker, shift in zip(
        numbers["lams"], numbers["changes"], DARK_TO_LIGHT[1:], "s^D", (-0.2, 0, 0.2), strict=True
    ):
        for place, j in enumerate(order):
            look: dict[str, Any] = {"fmt": marker, "color": color, "capsize": 2, "ms": 5}
            label = loss_name(lam) if place == 0 else None
            draw_change(right, entry(change[0], j), place + shift, label=label, **look)
    right.axvline(0, color=GREY, lw=1)
    right.set_xlabel("change to MSE (%)")
    level = numbers["noises"][0][1]
    right.set_title(f"Lai: change under noise of {level:.0%},\nmeans and 95 % intervals")
    for axes in (left, right):
        axes.axhline(len(order) - 1.5, color=GREY, lw=0.8)  # above the RMSE
        axes.legend(loc="upper left", ncols=3, fontsize=8.5)
    left.set_yticks(places, [numbers["columns"][j] for j in order])
    left.set_ylim(len(order) - 0.4, -1.6)  # room for the legends above the first feature
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def entry(change: Mapping[str, Any], j: int) -> Numbers:
    """The change of column j, with its interval, from lists of changes."""
    return {name: value and value[j] for name, value in change.items()}
