"""Table 1 and the validation curves (paper §6.1): what the Lai loss costs, and how it smooths.

What to see: after 100 epochs of MSE the runs part. With λ = 1e-1 the validation curve lies on that
of MSE; the smaller λ, the further above it lies, and the less the outputs on the test set vary.

What the paper says: RMSE .6960, .6955, .6997, .7210 and variance .7728, .7683, .7574, .6604 for MSE
and λ = 1e-1, 1e-2, 1e-3; it names neither network, scaling, batch size nor learning rate (E8).

What we found: the variance falls with λ for every seed, and λ = 1e-1 costs less than 1% in RMSE on
Kaggle's files (the paper has it gain a little); but with the protocol below the pull is far
stronger: λ = 1e-3 takes most of the variance away, and a good part of the fit with it.

All arms of a seed share split, network, pretraining and the order of batches; they differ in the
loss alone, so differences to MSE are taken seed by seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import california
from figures.experiments.paper import LAMS, TABLE_1
from figures.experiments.protocol import UNIT, arms_of, protocol_of, summarise_setting, train_all
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.words import loss_name, settings_caption

MARKERS = ("o", "s", "^", "D")


def compute(settings: Settings) -> Numbers:
    """Every arm's curve, final RMSE and variance, and Table 1 from them."""
    control = arms_of(settings, range(settings.seeds))
    arms = [{**arm, "lam": lam} for arm in control for lam in LAMS]
    results = train_all(settings, arms, "smoothness")
    names = ("seed", "lam", "rmse", "variance", "lai_share")
    finals = [{**arm, "rmse": arm["rmse"][-1]} for arm in results]
    return {
        **settings.provenance("smoothness", california(settings.data).source),
        "protocol": protocol_of(control[0]),
        "pretraining": [
            {"seed": arm["seed"], "rmse": arm["pretraining"]["rmse"]}
            for arm in results
            if arm["lam"] is None
        ],
        "arms": [{name: arm[name] for name in names} for arm in results],
        "table": [summarise_setting(finals, ("rmse", "variance"), lam=lam) for lam in LAMS],
    }


def table(numbers: Numbers) -> str:
    """Table 1 as text, the paper's numbers below ours."""
    rows = numbers["table"]

    def line(title: str, cells: list[str]) -> str:
        return f"{title:<30}" + "".join(f"{cell:>17}" for cell in cells)

    def spread(cell: dict[str, float], form: str) -> str:
        return f"{cell['least']:{form}} … {cell['most']:{form}}"

    lines = [line("", [loss_name(row["lam"]) for row in rows])]
    for name, title in (("rmse", "validation RMSE"), ("variance", "variance on the test set")):
        change = [row[f"{name}_change"] for row in rows]
        lines += [
            line(f"{title}, median", [f"{row[name]['median']:.4f}" for row in rows]),
            line("  least … most", [spread(row[name], ".3f") for row in rows]),
            line("  change to MSE, median", [f"{c['median']:+.1%}" for c in change]),
            line("    least … most", [spread(c, "+.1%") for c in change]),
            line("  paper", [f"{value:.4f}" for value in TABLE_1[name]]),
        ]
    return "\n".join([f"Table 1 (§6.1), {settings_caption(numbers)}", *lines])


def plot(numbers: Numbers) -> Figure:
    """Curves on the left; final RMSE and variance over λ on the right, with the paper's."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    panels: Any = figure.subfigures(1, 2, width_ratios=(1.35, 1))
    left, right = panels
    _curves(left.subplots(), numbers)
    upper, lower = right.subplots(2, 1, sharex=True)
    _over_lam(upper, numbers, "rmse", f"validation RMSE\n({UNIT})")
    _over_lam(lower, numbers, "variance", f"variance of outputs\n(({UNIT})²)")
    upper.set_title("a smaller λ costs accuracy …")
    lower.set_title("… and smooths the outputs")
    lower.set_xlabel("loss after pretraining")
    upper.legend(loc="lower left")
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _curves(axes: Axes, numbers: Numbers) -> None:
    p = numbers["protocol"]
    before, after = p["pretrain_epochs"], p["pretrain_epochs"] + p["lai_epochs"]
    start = np.array([run["rmse"] for run in numbers["pretraining"]])
    axes.plot(range(1, before + 1), np.median(start, axis=0), color=GREY, lw=1)
    for lam, color, marker in zip(LAMS, DARK_TO_LIGHT, MARKERS, strict=True):
        curves = np.array([arm["rmse"] for arm in numbers["arms"] if arm["lam"] == lam])
        epochs = np.arange(before + 1, after + 1)
        low, median, high = np.quantile(curves, (0, 0.5, 1), axis=0)
        axes.fill_between(epochs, low, high, color=color, alpha=0.2, lw=0)
        dashes = "--" if lam is None else "-"
        (line,) = axes.plot(epochs, median, dashes, color=color, marker=marker)
        line.set(markevery=0.2, zorder=3 + (lam is None), label=loss_name(lam))
    axes.axvline(before + 0.5, color=GREY, lw=1, ls=":")
    look = {"ha": "right", "va": "top", "color": GREY, "xycoords": ("data", "axes fraction")}
    annotate(axes, "pretraining with MSE", (before, 0.97), (-6, 0), **look)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:.2f}")
    axes.yaxis.set_minor_formatter("{x:.2f}")
    axes.set_ylim(top=1.05 * max(max(arm["rmse"]) for arm in numbers["arms"]))
    axes.set(xlabel="epoch", ylabel=f"RMSE on the validation fifth ({UNIT}, log scale)")
    axes.set_title("validation error: median over seeds, band from least to most")
    axes.legend(title=f"then {p['alpha']:.0%} of the {p['sampling']}:", loc="center left")


def _over_lam(axes: Axes, numbers: Numbers, name: str, label: str) -> None:
    places = range(len(LAMS))
    for place, lam, color, marker in zip(places, LAMS, DARK_TO_LIGHT, MARKERS, strict=True):
        # of the RMSE, a curve, its end
        values = [np.ravel(arm[name])[-1] for arm in numbers["arms"] if arm["lam"] == lam]
        axes.plot([place] * len(values), values, marker, color=color, alpha=0.6, ls="none")
    medians = [row[name]["median"] for row in numbers["table"]]
    axes.plot(places, medians, "-", color=GREY, lw=1.2, zorder=1, label="median")
    axes.plot(places, TABLE_1[name], "x:", color=GREY, lw=1.2, label="paper's Table 1")
    axes.set(ylabel=label, xlim=(-0.3, len(LAMS) - 0.7), ylim=(0, 1.15 * axes.get_ylim()[1]))
    axes.set_xticks(places, [loss_name(lam) for lam in LAMS])
