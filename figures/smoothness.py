"""Table 1 and the validation curves (paper §6.1): accuracy and smoothness of the Lai loss.

What to see: after 100 epochs of MSE the losses differ. Left, the RMSE on the validation set;
middle, the levels of RMSE and variance with the paper's; right, the changes relative to MSE.

What the paper says: RMSE .6960, .6955, .6997, .7210 and variance .7728, .7683, .7574, .6604 for MSE
and λ = 1e-1, 1e-2, 1e-3; it reports no network, scaling, batch size or learning rate (E8).

What we found on Kaggle's files, with ten seeds: the RMSE is 0.706 for MSE and changes by +0.1%,
+1.9%, +3.5%, nearly as in the paper. The variance is 0.835, larger than the paper's, and changes by
-0.3%, -2.2%, -5.7%: for λ = 1e-3 less than half of the paper's change. Outputs of MSE that are
shrunk towards their mean reach the same variance for +0.1% in RMSE, so a smaller variance alone
does not show that a model is smoother.

All arms of a seed share split, network, pretraining and the order of batches and differ only in the
loss, so changes to MSE are paired by seed. All numbers are means over the last 20 epochs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import load_data
from figures.experiments.paper import LAMS, TABLE_1, TABLE_1_CHANGE
from figures.experiments.protocol import (
    NOISES,
    arms_of,
    protocol_of,
    summarise_setting,
    train_all,
)
from figures.experiments.settings import Numbers, Settings
from figures.experiments.shrinkage import shrunk_changes
from figures.plotting.changes import draw_change, paper_changes, table_1_changes
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.words import loss_name, settings_caption, unit_of, with_interval

MARKERS = ("o", "s", "^", "D")
MEASURES = ("rmse", "variance", "mean_grad_norm")
TITLES = {
    "rmse": "validation RMSE",
    "variance": "variance on the test set",
    "mean_grad_norm": "mean gradient norm",
}
PLACES = range(len(LAMS))


def compute(settings: Settings) -> Numbers:
    """Every run's curve and results, Table 1, and the effect of shrinking MSE's outputs."""
    control = arms_of(settings, range(settings.seeds), noises=NOISES)
    arms = [{**arm, "lam": lam} for arm in control for lam in LAMS]
    results = train_all(settings, arms, "smoothness")
    names = ("seed", "lam", *MEASURES, "lai_fraction")
    return {
        **settings.provenance("smoothness", load_data(settings.inputs).source),
        "protocol": protocol_of(control[0]),
        "pretraining": [
            {"seed": arm["seed"], "curve": _rounded(arm["pretraining"]["rmse"])}
            for arm in results
            if arm["lam"] is None
        ],
        "runs": [
            {name: arm[name] for name in names} | {"curve": _rounded(arm["curve"])}
            for arm in results
        ],
        "table": [summarise_setting(results, MEASURES, lam=lam) for lam in LAMS],
        "shrinkage": [{"lam": lam, **shrunk_changes(results, lam)} for lam in LAMS[1:]],
    }


def table(numbers: Numbers) -> str:
    """Table 1 as text: levels, then changes, with the paper's numbers below ours.

    The results for a CSV file have none of the paper's.
    """
    rows, papers = numbers["table"], {} if "target" in numbers else TABLE_1
    where = {"variance": "variance of outputs"} if "target" in numbers else {}
    titles = TITLES | where
    title = "Accuracy and smoothness" if "target" in numbers else "Table 1 (§6.1)"

    def line(title: str, cells: list[str]) -> str:
        return f"{title:<32}" + "".join(f"{cell:>23}" for cell in cells)

    lines = [line("", [loss_name(row["lam"]) for row in rows]), "levels: mean ± sd over seeds"]
    for name in MEASURES:
        cells = [f"{row[name]['mean']:.4f} ± {row[name]['sd']:.4f}" for row in rows]
        lines.append(line(f"  {titles[name]}", cells))
        if name in papers:
            lines.append(line("    paper", [f"{value:.4f}" for value in TABLE_1[name]]))
    lines.append("changes to MSE of the same seed: mean [95% interval]")
    for name in MEASURES:
        cells = ["", *(with_interval(row[f"{name}_change"]) for row in rows[1:])]
        lines.append(line(f"  {titles[name]}", cells))
        if name in papers:
            lines.append(line("    paper", ["", *(f"{c:+.1%}" for c in TABLE_1_CHANGE[name][1:])]))
    lines.append("outputs of MSE, shrunk towards their mean to the variance of this λ")
    for name in ("rmse", "mean_grad_norm"):
        cells = ["", *(with_interval(row[f"{name}_change"]) for row in numbers["shrinkage"])]
        lines.append(line(f"  {titles[name]}", cells))
    return "\n".join([f"{title}, {settings_caption(numbers)}", *lines])


def plot(numbers: Numbers) -> Figure:
    """Left, curves; right, levels and changes of RMSE and variance, with the paper's."""
    figure = Figure(figsize=(12.5, 5.4), layout="constrained")
    panels: Any = figure.subfigures(1, 2, width_ratios=(1, 1.35))
    left, right = panels
    _curves(left.subplots(), numbers)
    (upper_level, upper_change), (lower_level, lower_change) = right.subplots(2, 2, sharex=True)
    unit = unit_of(numbers)
    _levels(upper_level, numbers, "rmse", f"validation RMSE\n({unit})")
    _levels(lower_level, numbers, "variance", f"variance of outputs\n(({unit})²)")
    _changes(upper_change, numbers, "rmse")
    _changes(lower_change, numbers, "variance")
    shrunk = [100 * row["rmse_change"]["mean"] for row in numbers["shrinkage"]]
    upper_change.plot(PLACES[1:], shrunk, "+", color="black", ms=9, mew=1.6)
    upper_change.plot([], [], "+", color="black", ms=9, mew=1.6, label="MSE, outputs shrunk")
    rows = numbers["table"]
    rmse, variance = (table_1_changes(rows, name) for name in ("rmse", "variance"))
    titles = ["levels of RMSE …", "… and variance", f"RMSE {rmse}", f"variance {variance}"]
    if "target" not in numbers:
        titles = _beside_the_papers(rows, *titles[2:])
    for axes, title in zip(
        (upper_level, lower_level, upper_change, lower_change), titles, strict=True
    ):
        axes.set_title(title)
    low, high = upper_change.get_ylim()
    upper_change.set_ylim(low, high + 0.45 * (high - low))  # room for the legend
    upper_change.legend(loc="upper left", fontsize=8.5)
    upper_level.legend(loc="lower right", fontsize=8.5)
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _beside_the_papers(rows: list[Numbers], rmse: str, variance: str) -> list[str]:
    """The titles of the panels of levels and changes, with the paper's values."""
    off = [rows[0][name]["mean"] / TABLE_1[name][0] - 1 for name in ("rmse", "variance")]
    return [
        f"levels: the RMSE of MSE differs\nfrom the paper's by {off[0]:+.1%} …",
        f"… and its variance by {off[1]:+.1%}",
        f"{rmse}\n(paper: {paper_changes('rmse')})",
        f"{variance}\n(paper: {paper_changes('variance')})",
    ]


def _curves(axes: Axes, numbers: Numbers) -> None:
    p = numbers["protocol"]
    before, after = p["pretrain_epochs"], p["pretrain_epochs"] + p["lai_epochs"]
    start = np.array([run["curve"] for run in numbers["pretraining"]])
    axes.plot(range(1, before + 1), start.mean(axis=0), color=GREY, lw=1)
    for lam, color, marker in zip(LAMS, DARK_TO_LIGHT, MARKERS, strict=True):
        curves = np.array([run["curve"] for run in numbers["runs"] if run["lam"] == lam])
        epochs = np.arange(before + 1, after + 1)
        dashes = "--" if lam is None else "-"
        (line,) = axes.plot(epochs, curves.mean(axis=0), dashes, color=color, marker=marker)
        line.set(markevery=0.2, zorder=3 + (lam is None), label=loss_name(lam))
    axes.axvline(before + 0.5, color=GREY, lw=1, ls=":")
    look = {"ha": "right", "va": "top", "color": GREY, "xycoords": ("data", "axes fraction")}
    annotate(axes, "pretraining with MSE", (before, 0.97), (-6, 0), **look)
    ends = [run["curve"][-1] for run in numbers["runs"]]
    early = float(start.mean(axis=0)[before // 5])
    level = 1.0 if "target" not in numbers else ends[0]  # RMSEs of about this size
    axes.set_ylim(min(ends) - 0.03 * level, max(max(ends) + 0.12 * level, early))
    axes.set(xlabel="epoch", ylabel=f"RMSE on the validation set ({unit_of(numbers)})")
    claim = "" if "target" in numbers else ":\nthe smaller λ, the higher"
    axes.set_title(f"validation error, mean over seeds{claim}")
    axes.legend(title="loss after pretraining", loc="upper right")


def _levels(axes: Axes, numbers: Numbers, name: str, label: str) -> None:
    means, sds = ([row[name][of] for row in numbers["table"]] for of in ("mean", "sd"))
    for place, color, marker in zip(PLACES, DARK_TO_LIGHT, MARKERS, strict=True):
        bar: dict[str, Any] = {"fmt": marker, "color": color, "capsize": 3}
        axes.errorbar(place, means[place], sds[place], **bar)
    axes.plot(PLACES, means, "-", color=GREY, lw=1.2, zorder=1, label="mean ± sd over seeds")
    every = list(means)
    if "target" not in numbers:
        every += TABLE_1[name]
        axes.plot(PLACES, TABLE_1[name], "x:", color=GREY, lw=1.2, label="paper's Table 1")
    axes.set(ylabel=label, xlim=(-0.4, len(LAMS) - 0.6), ylim=(0.8 * min(every), 1.1 * max(every)))
    axes.set_xticks(PLACES, [loss_name(lam) for lam in LAMS])


def _changes(axes: Axes, numbers: Numbers, name: str) -> None:
    """Changes in per cent: the seeds, the mean with its interval, and the paper's."""
    runs = {(run["seed"], run["lam"]): run[name] for run in numbers["runs"]}
    for place, lam, color, marker in zip(PLACES, LAMS, DARK_TO_LIGHT, MARKERS, strict=True):
        if lam is None:
            continue
        seeds = [100 * (runs[seed, lam] / runs[seed, None] - 1) for seed in numbers["seeds"]]
        axes.plot([place - 0.18] * len(seeds), seeds, ".", color=color, alpha=0.5, ms=5)
        change = numbers["table"][place][f"{name}_change"]
        draw_change(axes, change, place, across=False, fmt=marker, color=color, capsize=3)
        if "target" not in numbers:
            axes.plot(place + 0.18, 100 * TABLE_1_CHANGE[name][place], "x", color=GREY, mew=1.6)
    axes.plot([], [], "o-", color=GREY, label="mean, 95% interval; dots: seeds")
    if "target" not in numbers:
        axes.plot([], [], "x", color=GREY, mew=1.6, label="paper")
    axes.axhline(0, color=GREY, lw=1)
    axes.set_ylabel("change to MSE (%)")
    axes.set_xticks(PLACES, [loss_name(lam) for lam in LAMS])


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]
