"""The panels of `compare`: the change of RMSE; every setting; smoothness by feature."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from figures.experiments.comparison import LAI, METHODS, PENALTY, STOPPING, never_chosen
from figures.experiments.settings import Numbers
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.noise_by_feature import entry
from figures.plotting.words import short_names

SHOWN = 15  # the largest number of features in the picture
LINEAR = 10.0  # per cent, up to which the axis of changes is linear
APART = 0.075  # minimum distance of labels, as a fraction of the height of an axis
LOOKS = {  # colour, marker, dashes
    LAI: (DARK_TO_LIGHT[0], "o", "-"),
    PENALTY: (DARK_TO_LIGHT[1], "s", "--"),
    STOPPING: (DARK_TO_LIGHT[2], "^", ":"),
}


def draw_changes(axes: Axes, numbers: Numbers) -> None:
    """The change of RMSE with each method's chosen settings, mean and seeds."""
    for row, (name, method) in enumerate(numbers["methods"].items()):
        color, marker, _ = LOOKS[name]
        change = method["rmse_change"]
        if never_chosen(method):
            place: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
            axes.annotate("never chosen", (0, row), (6, 0), color=color, **place)
            continue
        seeds = [100 * value for value in change["by_seed"]]
        axes.plot(seeds, [row + 0.25] * len(seeds), ".", color=GREY, ms=4, alpha=0.7)
        draw_change(axes, change, row, fmt=marker, color=color, capsize=3)
    axes.axvline(0, color=GREY, lw=1)
    _from_minus_100(axes)
    axes.set_yticks(range(len(METHODS)), list(METHODS))
    axes.set_ylim(len(METHODS) - 0.4, -0.5)
    axes.set_xlabel("change of validation RMSE to MSE (%)")
    axes.set_title("chosen settings; grey: seeds (left of 0: better than MSE)")


def draw_settings(axes: Axes, numbers: Numbers) -> None:
    """The error over the mean gradient norm, a point per setting."""
    changes = [0.0]
    for name, method in numbers["methods"].items():
        color, marker, dashes = LOOKS[name]
        points = [(1.0, 0.0)] + [
            (1 + s["mean_grad_norm_change"], 100 * s["rmse_change"]) for s in method["settings"]
        ]
        changes += [y for _, y in points]
        look: dict[str, Any] = {"marker": marker, "ls": dashes, "ms": 5, "clip_on": False}
        axes.plot(*np.transpose(points), color=color, label=name, **look)
    axes.plot(1, 0, "*", color=GREY, ms=14, zorder=4, ls="none")
    axes.annotate("MSE", (1, 0), (6, 6), textcoords="offset points", color=GREY)
    axes.axhline(0, color=GREY, lw=1)
    axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
    axes.set_ylabel("change of validation RMSE (%)" + _scale_changes(axes, changes))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:+g}" if value else "0")
    axes.legend(loc="best")
    axes.set_xlabel("mean gradient norm relative to MSE (smoother to the left)")
    axes.set_title("every setting, mean over seeds (below 0: better)")


def draw_features(axes: Axes, numbers: Numbers) -> None:
    """The changes of the mean gradient norm and of the sensitivity to noise in each feature."""
    order = np.argsort(numbers["mse"]["sensitivity"])[::-1][:SHOWN]
    short = short_names(numbers["features"])
    names = ["mean gradient norm"] + [short[j] for j in order]
    for shift, (name, method) in zip((-0.22, 0, 0.22), numbers["methods"].items(), strict=True):
        if never_chosen(method):
            continue
        color, marker, _ = LOOKS[name]
        rows = [method["mean_grad_norm_change"]]
        rows += [entry(method["sensitivity_change"], int(j)) for j in order]
        for place, change in enumerate(rows):
            look: dict[str, Any] = {"fmt": marker, "color": color, "capsize": 2, "ms": 5}
            draw_change(axes, change, place + shift, elinewidth=1, **look)
    axes.axvline(0, color=GREY, lw=1)
    axes.axhline(0.5, color=GREY, lw=0.8)
    _from_minus_100(axes)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlabel("change to MSE (%)")
    few = f", the {SHOWN} most sensitive" if len(numbers["features"]) > SHOWN else ""
    axes.set_title(
        f"smoothness: mean gradient norm, and sensitivity to noise\nin each feature{few}"
        " (left of 0: smoother)"
    )


def _from_minus_100(axes: Axes) -> None:
    """Start the axis at −100 % or above: a positive quantity changes by no less."""
    axes.set_xlim(left=max(-100.0, axes.get_xlim()[0]))


def _scale_changes(axes: Axes, changes: list[float]) -> str:
    """Scale an axis of changes in per cent, with room for markers; return a note for its label."""
    linear = max(map(abs, changes)) <= LINEAR
    if not linear:
        axes.set_yscale("symlog", linthresh=LINEAR)
    transform = axes.yaxis.get_transform()
    low, high = transform.transform(np.array([min(changes), max(changes)]))
    room = 0.08 * (high - low) or 1.0
    bottom, top = transform.inverted().transform(np.array([low - room, high + room]))
    axes.set_ylim(max(-100.0, bottom), top)
    if linear:
        return ""
    low, high = transform.transform(np.array(axes.get_ylim()))
    ticks = [0.0]
    for factor in (1, 5, 2):  # in order of preference
        for size in [factor * 10.0**e for e in range(0 if factor == 5 else 1, 12)]:
            for tick in (-size, size):
                at = transform.transform(np.array([tick, *ticks]))
                far = np.abs(at[1:] - at[0]).min() >= APART * (high - low)
                if low <= at[0] <= high and far:
                    ticks.append(tick)
    axes.set_yticks(sorted(ticks))
    axes.minorticks_off()
    return f"\n(logarithmic beyond ±{LINEAR:g})"
