"""The panels of the figure `trap`."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from figures.experiments.settings import Numbers
from figures.experiments.trap_plan import (
    ALPHAS,
    FLAT_BELOW,
    LAI_ALONE,
    LAI_TRAINING,
    LAMS,
    MUCH,
    NO_PRETRAINING,
    TRAPPED_ABOVE,
)
from figures.plotting.drawing import DARK_TO_LIGHT, GREY

COLORS = dict(zip((None, *LAMS), DARK_TO_LIGHT, strict=True))
MARKERS = dict(zip((None, *LAMS), "Dos^", strict=True))


def draw_landscape(axes: Axes, landscape: Numbers) -> None:
    """The loss of a line over its slope."""
    for curve in landscape["curves"]:
        color, dashes = COLORS[curve["lam"]], "-" if curve["noise"] == MUCH[1] else "--"
        label = f"λ = {curve['lam']:g}, noise ±{curve['noise']:g}"
        axes.plot(landscape["k"], curve["loss"], dashes, color=color, label=label)
        if curve["barrier"] is not None:
            height = np.interp(curve["barrier"], landscape["k"], curve["loss"])
            axes.plot(curve["barrier"], height, "v", color=color, ms=8)
    axes.plot([], [], "v", color=GREY, label="barrier between the basins")
    axes.set(xlabel="slope k of the line (true: 3)", ylabel="Lai MSE relative to k = 0")
    axes.set(yscale="log", title="Line: left of a barrier, gradient descent leads to k = −√λ")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend()


def draw_example(axes: Axes, example: Numbers) -> None:
    """A trapped curve."""
    axes.plot(*example["data"], ".", color=GREY, alpha=0.5)
    axes.plot(example["x"], example["truth"], ":", color=GREY, lw=2, label="true curve")
    looks = zip((LAI_ALONE, LAI_TRAINING), DARK_TO_LIGHT[1:3], ("-", "--"), strict=True)
    for method, color, dashes in looks:
        fit, label = example["fits"][method], f"{method}, λ = 1"
        axes.plot(example["x"], fit, dashes, color=color, lw=2, label=label)
    axes.set(
        xlabel="x", ylabel="y", title="Curve: a trapped run, and Lai Training on the same data"
    )
    axes.set_ylim(bottom=1.4 * min(example["data"][1]))  # room for the legend
    axes.legend(ncols=3, loc="lower center", fontsize=9)


def draw_counts(axes: Axes, rows: list[Numbers]) -> None:
    """Fraction of trapped runs by method; hollow where most of them are flat."""
    groups = list(dict.fromkeys((row["method"], row["noise"]) for row in rows))
    lams = [lam for lam in LAMS if any(row["lam"] == lam for row in rows)]
    for row in rows:
        shift = 0.2 * (lams.index(row["lam"]) - (len(lams) - 1) / 2) if row["lam"] else 0.0
        place, color = groups.index((row["method"], row["noise"])) + shift, COLORS[row["lam"]]
        face = "white" if row["flat"] > row["trapped"] / 2 else color
        _mark(axes, place, row, fmt=MARKERS[row["lam"]], color=color, mfc=face)
        if row["expected"] is not None:
            axes.plot(place, row["expected"], "_", color=color, ms=22)
    for lam in (None, *lams):
        label = f"λ = {lam:g}" if lam else "MSE alone"
        axes.plot([], [], MARKERS[lam], color=COLORS[lam], label=label)
    if any(row["expected"] for row in rows):
        axes.plot([], [], "_", color=GREY, ms=22, label="expected: Φ(−1/K)")
    if any(row["flat"] > row["trapped"] / 2 for row in rows):
        axes.plot([], [], "o", color=GREY, mfc="white", label="hollow: most are flat, see below")
    titles = [f"{name},\nnoise ±{noise:g}".replace(", ", ",\n") for name, noise in groups]
    axes.set_xticks(range(len(groups)), titles)
    axes.set_ylabel("fraction of runs trapped,\nwith 95% interval")
    _as_fraction(axes)
    axes.legend(ncols=2, loc="upper left")


def draw_flat(axes: Axes, numbers: Numbers) -> None:
    """Error over mean |k| of the trapped runs on the curve."""
    true = numbers["truths"]["curve"]
    for runs in numbers["curve_runs"]:
        alone = runs["method"] == LAI_ALONE
        if not alone and runs["lam"] != LAMS[-1]:
            continue
        trapped = np.array(runs["wrong"]) > TRAPPED_ABOVE
        k = np.array(runs["mean_abs_k"])[trapped] / true["mean_abs_k"]
        look: dict[str, Any] = {"color": COLORS[runs["lam"]], "marker": MARKERS[runs["lam"]]}
        if not alone:
            look = {"color": COLORS[None], "marker": "x"}
        label = f"{runs['method']}, λ = {runs['lam']:g}"
        error = np.array(runs["rmse_to_truth"])[trapped]
        axes.plot(k, error, ls="", ms=5, alpha=0.7, label=label, **look)
    axes.axhline(true["rmse_of_constant"], color=GREY, ls="--", label="best constant")
    axes.axvline(FLAT_BELOW, color=GREY, ls=":", label="flat: left of this line")
    axes.set(xlabel="mean |k| relative to the true one", ylabel="RMSE to the true curve")
    axes.set_title("Curve, trapped runs: large error for λ = 1, flat for smaller λ")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.35 * (high - low))  # room for the legend
    axes.legend(fontsize=8, ncols=2, loc="upper left", frameon=True, framealpha=1, edgecolor="none")


def draw_pretraining(axes: Axes, rows: list[Numbers]) -> None:
    """Fraction of trapped runs over α, with and without pretraining."""
    both = ((NO_PRETRAINING, "o", "without"), (LAI_TRAINING, "s", "with"))
    for side, (method, marker, word) in zip((-1, 1), both, strict=True):
        for lam, gap in zip(LAMS[:2], (0.24, 0.08), strict=True):
            mine = [row for row in rows if (row["method"], row["lam"]) == (method, lam)]
            look = {"fmt": marker, "color": COLORS[lam]}
            face = COLORS[lam] if side == 1 else "white"
            for row in mine:
                _mark(axes, ALPHAS.index(row["alpha"]) + side * gap, row, mfc=face, **look)
            label = f"{word}, λ = {lam:g}"
            axes.plot([], [], marker, color=COLORS[lam], mfc=face, label=label)
    axes.set_xticks(range(len(ALPHAS)), [f"{alpha:g}" for alpha in ALPHAS])
    axes.set(xlabel="fraction α, with or without pretraining")
    axes.set_ylabel("fraction of runs trapped,\nwith 95% interval")
    axes.set_title("Curve: pretraining prevents the trap for α = 1, λ = 1 only")
    _as_fraction(axes)
    axes.legend(fontsize=8, ncols=2, loc="upper left")


def draw_intercept(axes: Axes, rows: list[Numbers]) -> None:
    """Error of the intercept by learning rate and number of steps."""
    groups = list(dict.fromkeys((row["lr"], row["steps"]) for row in rows))
    lams = list(dict.fromkeys(row["lam"] for row in rows))
    for lam, shift in zip(lams, (-0.15, 0.15), strict=True):
        mine = [row for row in rows if row["lam"] == lam]
        places = [groups.index((row["lr"], row["steps"])) + shift for row in mine]
        places = np.repeat(places, [len(row["errors"]) for row in mine]).tolist()
        errors = [error for row in mine for error in row["errors"]]
        look: dict[str, Any] = {"color": COLORS[lam], "marker": MARKERS[lam], "ls": ""}
        axes.plot(places, errors, alpha=0.7, label=f"λ = {lam:g}", **look)
    axes.set_xticks(range(len(groups)), [f"lr {lr:g},\n{steps} steps" for lr, steps in groups])
    axes.set(
        ylabel="error of the intercept",
        title="Line, Lai MAE: slow intercept for a small λ",
    )
    axes.legend()


def _mark(axes: Axes, place: float, row: Numbers, **look: Any) -> None:
    """The fraction of trapped runs and its interval."""
    fraction, (low, high) = row["trapped"] / row["runs"], row["interval"]
    # rounding may put a fraction of 0 or 1 just outside
    bars = [[max(0.0, fraction - low)], [max(0.0, high - fraction)]]
    axes.errorbar(place, fraction, bars, capsize=3, **look)


def _as_fraction(axes: Axes) -> None:
    axes.set_ylim(-0.03, 1.4)  # room for the legend
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.yaxis.set_major_formatter("{x:.0%}")
