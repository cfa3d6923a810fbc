"""RMSE against smoothness: the Lai loss beside four other ways to smooth (paper §1, new).

What to see: every method starts from MSE (the star) and pays for smoothness with accuracy as its
parameter grows; the lower curve is the better method. Smoothness is the variance of the outputs, as
the paper measures it, or the slope, the mean length of the input gradient k. All take the same
number of steps; early stopping chooses among the epochs of the MSE run. Double backpropagation adds
μ ‖k‖² to MSE, for all points, or for as few as Lai Training takes.

What the paper says: the Lai loss controls the gradient "while ensuring maximum accuracy" (abstract,
§2.2, §7), and §6.1 trades "a small portion of accuracy" for smoothness. It compares with none of
the methods it cites.

What we found on Kaggle's files: it is not better than penalising ‖k‖² directly. While the pull is
weak the two can't be told apart: for λ ≥ 0.1, at equal slope, their RMSE is within 1% for every
seed. Where it is strong Lai costs more: at equal slope 2.6% to 4.1% for λ = 0.01 and 5.9% to 8.1%
for λ = 0.003, at equal variance 0.7% to 2.9% for λ = 0.003. Against double backpropagation on the
same 1% of the points it is 1.7% to 3.7% and 2.0% to 3.7% at equal slope, and at equal variance no λ
costs more for every seed. The slope is what double backpropagation penalises, which favours it
there. No λ lowers the RMSE for every seed; a weight decay of 0.03 does, by 0.1% to 0.4%. But weight
decay and early stopping take away less than half of the slope however much they cost; only
penalties on the gradient go further.

The stand-in says the same: there, too, Lai costs more for every seed at equal slope with λ = 0.01
and 0.003, and at equal variance with λ = 0.003 alone.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from figures.experiments.equal_smoothness import GRADIENT_PENALTY, excess_by_lam, pareto_rmse
from figures.experiments.inputs import Job, california
from figures.experiments.protocol import arms_of, protocol_of, train_all
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.words import listed, settings_caption, with_range

BATCH = 256
CONTROL, LAI, STOPPING = "MSE", "Lai", "early stopping"
MEASURES = {"variance": "variance of outputs", "slope": "mean slope ‖k‖"}
# how far from a run its parameter stands, in points, and aligned to which side
RIGHT, LEFT, BELOW = ((5, 8), "left"), ((-7, -9), "right"), ((3, -15), "right")
MAX_COST = 0.4  # in RMSE, of what is shown


class Method(NamedTuple):
    """A way to smooth: what each of its runs changes in the control arm, and how they are drawn."""

    changes: list[Job]  # the first of each is the parameter
    setting: str  # its format
    look: tuple[str, str, str]  # colour, marker, dashes
    named: Mapping[float, Any] = {}  # which have their parameter beside them
    label: str = ""  # in the legend, in place of its name


METHODS = {
    LAI: Method(
        [{"lam": lam} for lam in (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)],
        "λ = {:g}",
        (DARK_TO_LIGHT[0], "o", "-"),
        {0.1: BELOW, 0.03: BELOW, 0.01: RIGHT, 0.003: RIGHT},
        "Lai, 1% of points",
    ),
    GRADIENT_PENALTY: Method(
        [{"mu": mu, "alpha": 1.0} for mu in (1e-3, 1e-2, 0.1, 0.3, 1.0)],
        "μ = {:g}",
        (DARK_TO_LIGHT[1], "s", "--"),
        {0.1: LEFT, 0.3: LEFT, 1.0: LEFT},
    ),
    "double backprop, 1% of points": Method(
        [{"mu": mu} for mu in (1.0, 10.0, 100.0)], "μ = {:g}", (DARK_TO_LIGHT[2], "^", "-.")
    ),
    "weight decay": Method(
        [{"decay": decay} for decay in (0.03, 0.1, 0.3, 1.0, 3.0)],
        "decay {:g}",
        (DARK_TO_LIGHT[3], "D", ":"),
    ),
    # its runs are the epochs of the control arm
    STOPPING: Method([], "epoch {:g}", (GREY, ".", "-"), {1: RIGHT, 3: RIGHT}),
}
BASELINES = tuple(METHODS)[1:]


def compute(settings: Settings) -> Numbers:
    """What every method reaches, by seed; Lai's RMSE over the baselines' at equal smoothness."""
    control = arms_of(settings, range(settings.seeds), batch_size=BATCH)
    choices = [
        (name, change)
        for name, (changes, *_) in METHODS.items()
        for change in changes[:: max(len(changes) - 1, 1) if settings.quick else 1]
    ]
    arms = control + [{**arm, **change} for _, change in choices for arm in control]
    results = [{**arm, "rmse": arm["rmse"][-1]} for arm in train_all(settings, arms, "frontier")]
    mse, *runs = (results[i : i + len(control)] for i in range(0, len(results), len(control)))
    paths = [arm["pretraining"]["path"] + arm["path"] for arm in mse]
    points = [_point(CONTROL, None, None, mse)]
    for (method, change), seeds in zip(choices, runs, strict=True):
        points.append(_point(method, *next(iter(change.items())), seeds))
    for stops in zip(*paths, strict=True):
        points.append(_point(STOPPING, "epoch", stops[0]["epoch"], list(stops)))
    return {
        **settings.provenance("frontier", california(settings.data).source),
        "protocol": protocol_of(control[0]),
        "points": points,
        "differences": [
            _difference(points, point, baseline, measure)
            for measure in MEASURES
            for baseline in BASELINES
            for point in points
            if point["method"] == LAI
        ],
    }


def table(numbers: Numbers) -> str:
    """Every method and parameter; then the comparison at equal smoothness."""
    names = ("rmse", *MEASURES)
    control = numbers["points"][0]
    lines = [
        f"RMSE against smoothness, {settings_caption(numbers)}",
        "medians over seeds; change to MSE of the same seed: median (least … most)",
        f"{'':<42}" + "".join(f"{name:>10}{'change':>25}" for name in names),
    ]
    for point in numbers["points"]:
        line = f"{point['method']:<30}{_setting(point):<12}"
        for name in names:
            changes = [ratio - 1 for ratio in _ratios(point, control, name)]
            line += f"{statistics.median(point[name]):10.4f}{with_range(*_spread(changes)):>25}"
        lines.append(line)
    for measure, title in MEASURES.items():
        lines += [
            "",
            f"Lai's RMSE over the smallest that a baseline reaches at up to the same {title}:",
            "median (least … most), in how many seeds a run of the baseline is as smooth",
            f"{'':<10}" + "".join(f"{baseline:>31}" for baseline in BASELINES),
        ]
        mine = [d for d in numbers["differences"] if d["measure"] == measure]
        for lam in dict.fromkeys(d["lam"] for d in mine):
            cells = [_excess(d["excess"]) for d in mine if d["lam"] == lam]
            lines.append(f"λ = {lam:<6g}" + "".join(f"{cell:>31}" for cell in cells))
        lines.append(f"{GRADIENT_PENALTY}: {verdict(numbers, measure)}")
    return "\n".join(lines)


def verdict(numbers: Numbers, measure: str) -> str:
    """Where all seeds agree on Lai against double backpropagation on all points."""
    by_lam = excess_by_lam(numbers, measure).items()
    more = [lam for lam, by_seed in by_lam if min(by_seed) > 0]
    less = [lam for lam, by_seed in by_lam if max(by_seed) < 0]
    found = [f"Lai costs more for λ = {listed(more)}"] * bool(more)
    found += [f"Lai costs less for λ = {listed(less)}"] * bool(less)
    return f"in every seed {'; '.join(found)}" if found else "the seeds disagree for every λ"


def plot(numbers: Numbers) -> Figure:
    """The cost in RMSE over each measure of smoothness, relative to MSE of the same seed."""
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels: Any = figure.subplots(1, 2, sharey=True)
    for axes, (measure, label) in zip(panels, MEASURES.items(), strict=True):
        _frontiers(axes, numbers, measure)
        axes.set_xlabel(f"{label}, relative to MSE (smoother to the left)")
        title = f"Lai against {GRADIENT_PENALTY}, at equal {measure}:"
        axes.set_title(f"{title}\n{verdict(numbers, measure)}")
    panels[0].set_ylabel("validation RMSE, change to MSE of the same seed")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    title = "median over seeds, bars from least to most"
    shown = panels[0].get_legend_handles_labels()
    figure.legend(*shown, title=title, loc="outside upper center", ncols=3)
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _frontiers(axes: Axes, numbers: Numbers, measure: str) -> None:
    control, *points = numbers["points"]
    shown = []
    for method, about in METHODS.items():
        color, marker, dashes = about.look
        start = [] if method == STOPPING else [control]  # a parameter of 0; a path ends there
        mine = start + [point for point in points if point["method"] == method]
        x = np.array([_spread(_ratios(point, control, measure)) for point in mine]).T
        y = np.array([_spread(_ratios(point, control, "rmse")) for point in mine]).T - 1
        width = 0.8 if method == STOPPING else 1.5
        (line,) = axes.plot(x[0], y[0], color=color, ls=dashes, lw=width, marker=marker)
        line.set_label(about.label or method)
        if method != STOPPING:
            bars = {"xerr": abs(x[1:] - x[0]), "yerr": abs(y[1:] - y[0])}
            axes.errorbar(x[0], y[0], **bars, fmt="none", ecolor=color, elinewidth=0.8, alpha=0.6)
        shown += list(x[0, y[0] < MAX_COST])
        for point, place in zip(mine, zip(x[0], y[0], strict=True), strict=True):
            if point["value"] in about.named:
                offset, side = about.named[point["value"]]
                annotate(axes, _setting(point), place, offset, ha=side, color=color, fontsize=8)
    axes.plot(1, 0, "*", color=GREY, ms=14, label=CONTROL, zorder=4)
    axes.set(xlim=(min(shown) - 0.1, max(shown) + 0.06), ylim=(-0.03, MAX_COST))


def _point(method: str, parameter: str | None, value: float | None, runs: list[Numbers]) -> Numbers:
    """One method at one value of its parameter: a list over seeds of everything measured."""
    ends = {name: [run[name] for run in runs] for name in ("rmse", *MEASURES)}
    return {"method": method, "knob": parameter, "value": value, **ends}


def _difference(points: list[Numbers], lai: Numbers, baseline: str, measure: str) -> Numbers:
    """Lai's RMSE over the baseline's at equal smoothness, less 1, by seed."""
    baselines = [point for point in points if point["method"] in (CONTROL, baseline)]
    by_seed = []
    for seed, (rmse, smoothness) in enumerate(zip(lai["rmse"], lai[measure], strict=True)):
        runs = [(point[measure][seed], point["rmse"][seed]) for point in baselines]
        best = pareto_rmse(runs, smoothness)
        by_seed.append(None if best is None else rmse / best - 1)
    return {"measure": measure, "rival": baseline, "lam": lai["value"], "excess": by_seed}


def _ratios(point: Numbers, control: Numbers, name: str) -> list[float]:
    return [value / base for value, base in zip(point[name], control[name], strict=True)]


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


def _excess(changes: list[float | None]) -> str:
    found = [change for change in changes if change is not None]
    return f"{with_range(*_spread(found))} {len(found)}/{len(changes)}" if found else "–"


def _setting(point: Numbers) -> str:
    about = METHODS.get(point["method"])  # None: the control
    return about.setting.format(point["value"]) if about else ""
