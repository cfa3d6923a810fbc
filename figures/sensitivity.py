"""Tables 2 and 3 (paper §6.2): what noise in one feature does to the output, and what λ changes.

What to see: on the left the mean |Δy| of MSE, for Gaussian noise in one feature at a time, under
the nearest share of either kind of noise; in the middle and on the right what Lai changes in it,
with λ = 1e-1 for all features, then with λ₈ = 1e-3 for the last. Grey: the same with other noise.

What the paper says: less sensitivity than MSE "on most features" (6 of 8) with λ = 1e-1; with
λ₈ = 1e-3 42% less in X8, for 2.4% in RMSE. It does not name the size of the noise (E8).

What we found on Kaggle's files: none of ten noises gives the paper's sensitivities. 30% of the
value comes nearest, typically off by a factor 2.5; the standard deviation is off by 3.2 even with a
share of 100%. The paper's 8.42 in X8 is more than the whole range of the targets; tanh units
saturate, and from 1% to 100% of the value our X8 does not even triple. "On most features" holds,
and more clearly than in the paper: with λ = 1e-1 the median over seeds falls in 8 of 8 features, in
7 with one of the ten noises. λ₈ = 1e-3 works on X8 as claimed, but at three times the price: -47%
for +7.4% in RMSE, and by seed from -65% to -35%. How strongly depends on the noise: from -98% with
the least to -37% with the largest. The pattern over the other features is not the paper's: X1 and
X6 gain sensitivity where the paper's lose some, and X5 loses where the paper's gains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments import paper
from figures.experiments.inputs import Job, california
from figures.experiments.protocol import UNIT, arms_of, protocol_of, summarise_over_seeds, train_all
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trained import NOISE_LEVELS
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import settings_caption
from lai_ref import Array

TABLES = (paper.TABLE_2, paper.TABLE_3)
# The noise's standard deviation is a multiple of one of these
KINDS = {"spread": "the standard deviation", "value": "the value"}
COLORS = {"spread": DARK_TO_LIGHT[1], "value": DARK_TO_LIGHT[2]}
MARKERS = {"spread": "s", "value": "D"}
PLACES = np.arange(len(paper.MSE))  # one below the other


def compute(settings: Settings) -> Numbers:
    """Sensitivities of every arm, the noise nearest to the paper's, and Tables 2 and 3 from them.

    A row has nine columns: the eight features, then the RMSE. `mse`: its medians, one row a share,
    for each kind of noise; `off`: by which factor the eight are typically off the paper's;
    `nearest`: the best share of each kind, and MSE's row with it; `kind`: the better of the two,
    which `arms` and `tables` go by.
    """
    data = california(settings.data)
    control = arms_of(settings, range(settings.seeds))
    lams = [None, *(table.lam for table in TABLES)]
    chosen = [{**arm, "lam": lam} for arm in control for lam in lams]
    arms = train_all(settings, chosen, "sensitivity")
    medians = {kind: np.median(_rows(arms, None, kind), axis=1) for kind in KINDS}
    deviation = {
        kind: [paper.deviation_factor(row[:-1], paper.MSE[:-1]) for row in rows]
        for kind, rows in medians.items()
    }
    best = {kind: int(np.argmin(factors)) for kind, factors in deviation.items()}
    kind = min(KINDS, key=lambda kind: deviation[kind][best[kind]])
    return {
        **settings.provenance("sensitivity", data.source),
        "protocol": protocol_of(control[0]),
        "columns": [*data.features, "RMSE"],
        "shares": list(NOISE_LEVELS),
        "mse": {kind: rows.tolist() for kind, rows in medians.items()},
        "off": deviation,
        "nearest": {
            name: {"share": NOISE_LEVELS[i], **summarise_over_seeds(_rows(arms, None, name)[i])}
            for name, i in best.items()
        },
        "kind": kind,
        "arms": [
            {"seed": arm["seed"], "lam": arm["lam"], "row": _row(arm, kind, best[kind])}
            for arm in arms
        ],
        "tables": [_table(arms, table.lam, kind, best[kind]) for table in TABLES],
    }


def _table(arms: list[Job], lam: Any, kind: str, i: int) -> Numbers:
    """Row of Lai and its changes to MSE under the i-th noise of `kind`; medians under all noises.

    `less`: in how many of the eight features the median falls, for each noise.
    """
    changes = {name: _rows(arms, lam, name) / _rows(arms, None, name) - 1 for name in KINDS}
    medians = {name: np.median(change, axis=1) for name, change in changes.items()}
    return {
        "row": summarise_over_seeds(_rows(arms, lam, kind)[i]),
        "change": summarise_over_seeds(changes[kind][i]),
        "medians": {name: rows.tolist() for name, rows in medians.items()},
        "less": {name: [paper.n_decreased(row) for row in rows] for name, rows in medians.items()},
    }


def _rows(arms: list[Job], lam: Any, kind: str) -> Array:
    """The loss's rows under noise of `kind`: (levels, seeds, 9)."""
    mine = [arm for arm in arms if arm["lam"] == lam]  # the seeds in their order
    return np.array([[_row(arm, kind, i) for arm in mine] for i in range(len(NOISE_LEVELS))])


def _row(arm: Job, kind: str, i: int) -> list[float]:
    return [*arm["sensitivity"][kind][i], arm["rmse"][-1]]


def table(numbers: Numbers) -> str:
    """Both tables as text, the paper's numbers below ours."""
    nearest = numbers["nearest"][numbers["kind"]]

    def line(title: str, cells: Iterable[float], form: str) -> str:
        return f"{title:<32}" + "".join(f"{cell:{form}}".rjust(11) for cell in cells)

    def part(ours: Numbers, about: paper.SensitivityTable) -> list[str]:
        return [
            about.title,
            " " * 32 + "".join(f"{name:>11}" for name in numbers["columns"]),
            line("MSE, median", nearest["median"], ".4f"),
            line("Lai, median", ours["row"]["median"], ".4f"),
            line("  change, median", ours["change"]["median"], "+.1%"),
            line("    least", ours["change"]["least"], "+.1%"),
            line("    most", ours["change"]["most"], "+.1%"),
            line("paper: MSE", paper.MSE, ".4f"),
            line("paper: Lai", about.row, ".4f"),
            line("  change", about.change, "+.1%"),
        ]

    deviations = [
        line(f"noise, a share of the {kind}", numbers["shares"], ".0%")
        + "\n"
        + line("  MSE off the paper's by a factor", numbers["off"][kind], ".1f")
        for kind in KINDS
    ]
    parts = [part(*both) for both in zip(numbers["tables"], TABLES, strict=True)]
    head = f"Tables 2 and 3 (§6.2), mean |Δy|, {settings_caption(numbers)}"
    chosen = f"below: noise {nearest['share']:.0%} of {KINDS[numbers['kind']]}"
    return "\n".join([head, *deviations, chosen, *parts[0], *parts[1]])


def plot(numbers: Numbers) -> Figure:
    """Sensitivities to the nearest noises on the left; changes by Lai in the other two panels."""
    figure = Figure(figsize=(11, 5.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3, sharey=True, width_ratios=(1.15, 1, 1))
    _sensitivities(left, numbers)
    lai, lai_8 = numbers["tables"]
    paper_2, paper_3 = (table.change for table in TABLES)
    _changes(middle, numbers, lai, paper_2)
    _changes(right, numbers, lai_8, paper_3)

    change = np.array(lai_8["change"]["median"])
    fewer = paper.n_decreased(lai["change"]["median"])
    middle.set_title(
        f"Table 2, λ = 1e-1: less sensitive in\n{fewer} of 8 features"
        f" (paper: {paper.n_decreased(paper_2)})"
    )
    right.set_title(
        f"Table 3, λ₈ = 1e-3: X8 {change[7]:+.0%} (paper: {paper_3[7]:+.0%}),\n"
        f"RMSE {change[8]:+.1%} (paper: {paper_3[8]:+.1%})"
    )
    names = numbers["columns"]
    labels = [f"{name}  X{j}" for j, name in enumerate(names[:-1], start=1)]
    left.set_yticks(PLACES, [*labels, names[-1]])
    left.set_ylim(len(names) - 0.4, -2.6)  # room for the legends above the first feature
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _sensitivities(axes: Axes, numbers: Numbers) -> None:
    for kind, shift in zip(KINDS, (-0.15, 0.15), strict=True):
        near = numbers["nearest"][kind]
        label = f"noise {near['share']:.0%} of {KINDS[kind]}"
        _points(axes, near, kind, PLACES + shift, label)
    _cross(axes, paper.MSE)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"mean |Δy|, and RMSE ({UNIT}, log scale)")
    factor = min(numbers["off"][numbers["kind"]])
    axes.set_title(
        f"MSE: even the nearest noise is\ntypically off the paper's by a factor {factor:.1f}"
    )
    axes.legend(loc="upper left")


def _changes(axes: Axes, numbers: Numbers, ours: Numbers, papers: Array) -> None:
    """In per cent; grey: the range of the medians over seeds, of all kinds and levels of noise."""
    every = 100 * np.concatenate(list(ours["medians"].values()))
    low, width = every.min(axis=0), np.ptp(every, axis=0)
    axes.barh(PLACES, width, 0.5, low, color="#dddddd", label="medians with all ten noises")
    change = {name: 100 * np.array(row) for name, row in ours["change"].items()}
    _points(axes, change, numbers["kind"], PLACES, "median, range over seeds")
    _cross(axes, 100 * papers)
    axes.vlines(0, -0.5, len(PLACES) - 0.5, color=GREY, lw=1)
    axes.use_sticky_edges = False
    axes.set_xlabel("change to MSE (%)")
    axes.legend(loc="upper left")


def _points(axes: Axes, row: Numbers, kind: str, places: Array, label: str) -> None:
    axes.hlines(places, row["least"], row["most"], color=COLORS[kind], lw=2)
    axes.plot(row["median"], places, MARKERS[kind], color=COLORS[kind], label=label)


def _cross(axes: Axes, row: npt.ArrayLike) -> None:
    axes.plot(row, PLACES, "x", color="black", mew=1.6, label="paper")
    axes.axhline(len(PLACES) - 1.5, color=GREY, lw=0.8)  # above the RMSE
