"""Variants that the paper leaves open: norms, sampling of points, division by λ (§2 to §5, new).

What to see: above, a row per variant of one reference (λ = 0.01 for 1% of the points): RMSE,
variance of the outputs and mean gradient norm relative to MSE, with 95 % intervals. Below, the
change of the mean |k| of each feature with λ = 1, for 1% of the points and for all.

What the paper says: L1, L2 and elastic-net norms over the features, of the batch or of each sample,
are possible (§3.2). Points that are redrawn in each epoch keep the network from memorising the
gradients of single ones (§5). The division by λ < 1 keeps the gradient of the loss from vanishing
(§2.2). The loss increases a slope below λ, against underfitting (§3). And §6.1 uses "1% of the data
points for Lai loss training": possibly, no other points are used after pretraining.

What we found on Kaggle's files, with five seeds: every norm and both reductions train, and L1
regularises more strongly than L2 (RMSE +3.9%). The same 1% in every epoch smooths less than redrawn
1% and costs less accuracy: no sign of harm by memorised gradients. With 2,000 samples it smooths
very little. Undivided, the Lai loss for 1% of the points has no effect on the RMSE (+0.0%; mean
gradient norm -1.9%); for all points the division does not matter to Adam. λ = 1 raises the mean |k|
of 5 of 8 features with all points and by at most 1% with 1% of them. Training on only 1% after
pretraining degrades the fit (RMSE +52%).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from figures.experiments.inputs import Job, load_data
from figures.experiments.intervals import paired_change
from figures.experiments.protocol import STANDARDISED, arms_of, protocol_of, train_all
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import settings_caption, with_interval

LAM, WEAK = 0.01, 1.0
FEW = 2000  # training samples
MEASURES = {"rmse": "RMSE", "variance": "variance", "mean_grad_norm": "mean ‖k‖"}
FEW_DATA: Job = {"train_rows": FEW, "batch_size": 32}


class Reading(NamedTuple):
    """A variant: its group, its name, and what it changes in the reference."""

    group: str
    name: str
    changes: Job


NORM, DRAWN, DIVIDED = "norm (§3.2)", "points (§5)", "division by λ (§2.2)"
RAISED, AFTER = "λ = 1 (§3)", "after pretraining (§6.1)"
READINGS = {
    "reference": Reading("reference", "λ = 0.01, 1% of the points", {}),
    "elastic": Reading(NORM, "half L1, half L2; batch", {"l1_ratio": 0.5}),
    "l1": Reading(NORM, "L1; batch or sample", {"l1_ratio": 1.0}),  # the same
    "l2 sample": Reading(NORM, "L2; sample", {"reduction": "sample"}),
    "elastic sample": Reading(
        NORM, "half L1, half L2; sample", {"l1_ratio": 0.5, "reduction": "sample"}
    ),
    "redrawn": Reading(DRAWN, "one Lai step per epoch, redrawn", {"sampling": "separate"}),
    "fixed": Reading(DRAWN, "… always the same points", {"sampling": "fixed"}),
    "redrawn few": Reading(
        DRAWN, f"{FEW:,} samples: redrawn", {"sampling": "separate", **FEW_DATA}
    ),
    "fixed few": Reading(DRAWN, "… always the same points", {"sampling": "fixed", **FEW_DATA}),
    "undivided": Reading(DIVIDED, "1% of the points, not divided", {"divided": False}),
    "all": Reading(DIVIDED, "all points, divided", {"alpha": 1.0}),
    "undivided all": Reading(DIVIDED, "all points, not divided", {"alpha": 1.0, "divided": False}),
    "weak": Reading(RAISED, "1% of the points", {"lam": WEAK}),
    "weak all": Reading(RAISED, "all points", {"lam": WEAK, "alpha": 1.0}),
    "only": Reading(AFTER, "nothing but the same 1%", {"sampling": "only"}),
}
# the comparisons: a variant, the one it is compared with, and a name
COMPARISONS = {
    ("l1", "reference"): "L1 instead of L2",
    ("l2 sample", "reference"): "norm of each sample instead of the batch's",
    ("fixed", "redrawn"): "the same points instead of redrawn ones",
    ("fixed few", "redrawn few"): f"the same with {FEW:,} samples",
    ("undivided", "reference"): "not divided by λ, 1% of the points",
    ("undivided all", "all"): "not divided by λ, all points",
    ("weak all", "weak"): "λ = 1 for all points instead of 1%",
    ("only", "reference"): "only the 1% after pretraining",
}
TITLE = (
    ("fixed", "rmse"),
    ("undivided", "mean_grad_norm"),
    ("l1", "rmse"),
)  # of the figure
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, 1.1, 1.2, 1.3, 1.5, 2.0, 3.0, 5.0)


def compute(settings: Settings) -> Numbers:
    """The changes of every variant to MSE and of some to others, seed by seed."""
    base = arms_of(settings, range(settings.seeds), **STANDARDISED)
    readings = [arm | {"lam": LAM, **about.changes} for about in READINGS.values() for arm in base]
    controls = [_control_of(arm, base[0]) for arm in readings]
    results = train_all(settings, [*readings, *controls], "readings")
    n, seeds = len(readings), len(base)
    runs = dict(zip(READINGS, (results[i : i + seeds] for i in range(0, n, seeds)), strict=True))
    mse = dict(zip(READINGS, (results[i : i + seeds] for i in range(n, 2 * n, seeds)), strict=True))
    return {
        **settings.provenance("readings", load_data(settings.inputs).source),
        "protocol": protocol_of(base[0]),
        "lam": LAM,
        "rows": [
            {"key": key, "group": about.group, "name": about.name, **_changes(runs[key], mse[key])}
            for key, about in READINGS.items()
        ],
        "comparisons": [
            {"key": key, "against": other, "name": name, **_changes(runs[key], runs[other])}
            for (key, other), name in COMPARISONS.items()
        ],
    }


def _control_of(arm: Job, base: Job) -> Job:
    """MSE on the same data, with the same batches as the arm where possible."""
    sampling = "points" if arm["sampling"] == "points" else "separate"
    same = {name: base[name] for name in ("alpha", "l1_ratio", "reduction", "divided")}
    return arm | same | {"lam": None, "sampling": sampling}


def _changes(runs: list[Job], others: list[Job]) -> Numbers:
    """Paired changes of each measure, and of the mean |k| of each feature."""

    def change(name: str) -> Numbers:
        return paired_change([run[name] for run in runs], [other[name] for other in others])

    k = change("mean_abs_k")
    by_feature = [
        {end: None if values is None else values[j] for end, values in k.items()}
        for j in range(len(k["mean"]))
    ]
    return {
        "changes": {name: change(name) for name in MEASURES},
        "mean_abs_k_change": by_feature,
    }


def raised(row: Numbers) -> list[int]:
    """The features, numbered from 1, whose mean |k| rises: the 95 % interval lies above 0."""
    changes = row["mean_abs_k_change"]
    return [j for j, c in enumerate(changes, start=1) if c["low"] is not None and c["low"] > 0]


def table(numbers: Numbers) -> str:
    """A line per variant, then the comparisons, then the mean |k| of the features with λ = 1."""

    def cells(row: Numbers) -> str:
        return "".join(f"{with_interval(row['changes'][name]):>27}" for name in MEASURES)

    head = "".join(f"{title:>27}" for title in MEASURES.values())
    lines = [
        f"Readings of the paper, {settings_caption(numbers)}",
        "unless a row names another setting; changes to MSE: mean over seeds [95 % interval]",
        "",
        f"{'':<64}{head}",
    ]
    for row in numbers["rows"]:
        lines.append(f"{row['group']:<28}{row['name']:<36}{cells(row)}")
    lines += ["", f"{'one variant relative to another':<64}{head}"]
    lines += [f"{row['name']:<64}{cells(row)}" for row in numbers["comparisons"]]
    lines += ["", f"mean |k| with λ = {WEAK:g}, changes to MSE by feature"]
    for row in _weak(numbers):
        changes = [with_interval(change, "+.0%") for change in row["mean_abs_k_change"]]
        lines.append(f"  {row['name']:<18}" + "".join(f"{cell:>20}" for cell in changes))
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Forest plots of the three measures; below, the mean |k| of the features with λ = 1."""
    figure = Figure(figsize=(12, 10.5), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(2.6, 1))
    upper, lower = parts
    panels: Any = upper.subplots(1, 3, sharey=True)
    for axes, (name, title) in zip(panels, MEASURES.items(), strict=True):
        _forest(axes, numbers, name)
        axes.set_xlabel(f"{title} relative to MSE (log scale)")
        axes.set_title(extreme(numbers, name), fontsize=9)
    panels[0].set_yticks(_places(numbers), [row["name"] for row in numbers["rows"]])
    _features(lower.subplots(), numbers)
    lines = (finding(numbers, key, measure) for key, measure in TITLE)
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10.5)
    text = f"{settings_caption(numbers)}; unless a row names another setting; bars: 95 % intervals"
    figure.supxlabel(text, fontsize=7.5, color=GREY)
    return figure


def _places(numbers: Numbers) -> list[float]:
    """The height of each row, from above; the name of a new group takes a row."""
    places, group = [-1.0], None
    for row in numbers["rows"]:
        places.append(places[-1] + (1.0 if row["group"] == group else 2.0))
        group = row["group"]
    return places[1:]


def _forest(axes: Axes, numbers: Numbers, measure: str) -> None:
    places, group = _places(numbers), None
    axes.axvline(1, color=GREY, lw=1)
    axes.set_xscale("log")
    for place, row in zip(places, numbers["rows"], strict=True):
        change = row["changes"][measure]
        look: Any = {"color": DARK_TO_LIGHT[2 if row["key"] == "reference" else 1], "zorder": 3}
        axes.plot(1 + change["mean"], place, "D" if row["key"] == "reference" else "o", **look)
        if change["low"] is not None:
            axes.hlines(place, 1 + change["low"], 1 + change["high"], lw=2, **look)
        if row["group"] != group and measure == "rmse":
            at: Any = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points"}
            axes.annotate(
                row["group"],
                (0, place - 0.8),
                (-6, 0),
                ha="right",
                va="center",
                weight="bold",
                **at,
            )
        group = row["group"]
    reference = 1 + numbers["rows"][0]["changes"][measure]["mean"]
    axes.axvline(reference, color=DARK_TO_LIGHT[2], lw=1, ls=":")
    ticks = _ticks(*axes.get_xlim())
    axes.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(places[-1] + 0.8, places[0] - 1.4)


def _ticks(low: float, high: float) -> list[float]:
    """The values of `TICKS` between two ratios that are far enough apart on a log scale."""
    gap, found = math.log(high / low) / 8, [1.0]
    for tick in sorted(TICKS, key=lambda tick: abs(math.log(tick))):
        apart = min(abs(math.log(tick / other)) for other in found)
        if low < tick < high and apart > gap:
            found.append(tick)
    return sorted(found)


def extreme(numbers: Numbers, measure: str) -> str:
    """The row that changes a measure most, and by how much."""
    rows = numbers["rows"]
    row = max(rows, key=lambda row: abs(math.log1p(row["changes"][measure]["mean"])))
    change = with_interval(row["changes"][measure], "+.0%")
    return f"largest change of {MEASURES[measure]} with:\n{row['group']}, {row['name']}\n{change}"


def finding(numbers: Numbers, key: str, measure: str) -> str:
    """A comparison in words: the change of a measure, and whether its interval contains 0."""
    row = next(row for row in numbers["comparisons"] if row["key"] == key)
    change = row["changes"][measure]
    unclear = change["low"] is None or change["low"] <= 0 <= change["high"]
    words = f"{row['name']}: {MEASURES[measure]} {with_interval(change)}"
    return words + (", no clear difference" if unclear else "")


def _weak(numbers: Numbers) -> list[Numbers]:
    return [row for row in numbers["rows"] if row["key"] in ("weak", "weak all")]


def _features(axes: Axes, numbers: Numbers) -> None:
    few, every = _weak(numbers)
    for row, shift, color, marker in (
        (few, -0.1, DARK_TO_LIGHT[1], "o"),
        (every, 0.1, DARK_TO_LIGHT[2], "s"),
    ):
        changes: list[Mapping[str, Any]] = row["mean_abs_k_change"]
        mean, bars = np.array([c["mean"] for c in changes]), None
        if changes[0]["low"] is not None:
            ends = [[c[end] for c in changes] for end in ("low", "high")]
            bars = np.abs(np.array(ends) - mean)
        places = np.arange(1, len(changes) + 1) + shift
        axes.errorbar(
            places, mean, bars, fmt=marker, color=color, capsize=3, label=f"λ = 1, {row['name']}"
        )
    axes.axhline(0, color=GREY, lw=1)
    axes.set_xticks(range(1, len(changes) + 1), [f"X{j + 1}" for j in range(len(changes))])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="feature", ylabel="change of mean |k| to MSE")
    of = len(changes)
    names = [f"{len(raised(row))} of {of} features with {row['name']}" for row in (every, few)]
    axes.set_title(f"λ = 1 raises the mean |k| (interval above 0) of {', of '.join(names)}")
    axes.legend(loc="best")
