"""The trap (paper §4, §5): how many runs end with a slope of the wrong sign.

What to see: a line and a curve are fitted from 100 starts each. With the Lai loss alone, from
scratch, a third to three quarters of the runs end on the wrong side, except on a line with little
noise and λ = 0.1. With Lai Training none does, except on the curve with λ = 0.01.

What the paper says: the loss cannot tell k from −k, so that a run that starts in the wrong
direction may stay there (§4). In Lai Training, after MSE, only a random share α of the points gets
the Lai loss, and the others pull back those that veer off (§5).

What we found. The trap is real, and on the line it can be computed. Between its kinks ±√λ, Lai MSE
is the mean of e²/(1 + k²), the squared distance from the line: least at the slope K of the data's
long axis, greatest at −1/K, that of the short one. This is a barrier where it lies between −√λ and
0; then the starts to the left of it are caught, Φ(−1/K) of all starts k ~ N(0, 1). So the trap
needs K > 1/√λ: a large λ, or much noise. Without a barrier few are caught, on their slow way.

The small share α protects, with and without pretraining, for λ = 1 and 0.1. For λ = 0.01 a fifth
of the runs on the curve is caught, with and without. Pretraining alone protects for λ = 1 only: the
loss pulls k down to √λ harder than it pushes back from below, by 1/λ, and steps that are not small
against √λ carry k past 0, to the other side. A third of the step size carries no line so far.

A point is wrong where k and the true slope differ in sign, on the curve away from its turning
points; a run is caught with more than a quarter of the points wrong. Each has its own data, noise
and start, the same for all losses and methods.
"""

from __future__ import annotations

import math
from itertools import product
from statistics import NormalDist, mean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import Job
from figures.experiments.intervals import wilson
from figures.experiments.jobs import run_jobs
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trap_runs import SLOPE, N, X, grid, sample, train, truth
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from lai_ref import lai_factor

RUNS, QUICK_RUNS, BLOCK = 100, 2, 20  # a block of runs is one job
METHODS: dict[str, dict[str, Any]] = {  # as `train` wants them
    "MSE": {"pretrained": True, "alpha": 0.0, "slower": 1},
    "Lai alone": {"pretrained": False, "alpha": 1.0, "slower": 1},
    "MSE, then Lai": {"pretrained": True, "alpha": 1.0, "slower": 1},
    "MSE, then Lai, lr/3": {"pretrained": True, "alpha": 1.0, "slower": 3},
    "Lai for 1%": {"pretrained": False, "alpha": 0.01, "slower": 1},
    "Lai Training": {"pretrained": True, "alpha": 0.01, "slower": 1},  # α as in §6.1
}
LAMS = (1.0, 0.1, 0.01)
LITTLE, MUCH, CURVE = ("line", 0.5), ("line", 8.0), ("curve", 2.5)  # targets are off by ±noise
PLAN: dict[tuple[str, float], dict[str, tuple[float | None, ...]]] = {  # with which λ each is run
    LITTLE: {"Lai alone": LAMS[:2]},
    MUCH: {
        "MSE": (None,),
        "Lai alone": LAMS[:2],
        "MSE, then Lai": LAMS[:2],
        "MSE, then Lai, lr/3": (0.1,),
        "Lai Training": LAMS[:2],
    },
    CURVE: {
        "MSE": (None,),
        **dict.fromkeys(("Lai alone", "MSE, then Lai", "Lai for 1%", "Lai Training"), LAMS),
    },
}
TRAPPED_ABOVE = 0.25  # a run with a larger fraction of wrong points is trapped
COLORS = dict(zip((None, *LAMS), DARK_TO_LIGHT, strict=True))
MARKERS = dict(zip((None, *LAMS), "Dos^", strict=True))
SHOWN = ("Lai alone", "Lai Training")


def compute(settings: Settings) -> Numbers:
    """How many runs of each setting are trapped, the line's landscape, and a trapped curve."""
    seeds = range(QUICK_RUNS if settings.quick else RUNS)
    jobs: list[Job] = [
        {"task": task, "noise": noise, "runs": runs_of(task, noise), "seeds": list(block)}
        for task, noise in PLAN
        for block in (seeds[first : first + BLOCK] for first in seeds[::BLOCK])
    ]
    results = run_jobs(train, jobs, None, settings.out / "arms", settings.jobs, "trap")
    wrong: dict[tuple[Any, ...], list[float]] = {}
    for job, result in zip(jobs, results, strict=True):
        task = job["task"], job["noise"]
        for setting, fractions in zip(settings_of(*task), result["wrong"], strict=True):
            wrong.setdefault((*task, *setting), []).extend(fractions)
    return {
        **settings.provenance("trap", seeds=seeds),
        "source": f"{N} points drawn at random about y = 3x and y = 1.5 sin 2x for each run",
        "rows": [_row(setting, fractions) for setting, fractions in wrong.items()],
        "landscape": _landscape(),
        "example": _example(jobs, results),
    }


def settings_of(task: str, noise: float) -> list[tuple[str, float | None]]:
    """Methods and λ that are run on a task."""
    return [(method, lam) for method, lams in PLAN[task, noise].items() for lam in lams]


def runs_of(task: str, noise: float) -> list[Job]:
    """The same as `train` wants them."""
    return [{**METHODS[method], "lam": lam} for method, lam in settings_of(task, noise)]


def barrier(noise: float, lam: float) -> float | None:
    """The slope −1/K to the left of which a line is trapped; None if it is beyond the kink."""
    # the data's long axis: β K² − (var t / var x − 1) K − β = 0
    excess = SLOPE**2 + (noise / X["line"]) ** 2 - 1
    K = (excess + math.hypot(excess, 2 * SLOPE)) / (2 * SLOPE)
    return -1 / K if K * math.sqrt(lam) > 1 else None


def table(numbers: Numbers) -> str:
    """Every setting: how many runs were trapped, and the 95% interval of their fraction."""
    lines = [f"{'':<34}{'λ':>6}{'caught':>12}{'95% interval':>18}{'wrong points':>14}"]
    for row in numbers["rows"]:
        low, high = row["interval"]
        title = f"{row['task']} ±{row['noise']:g}, {row['method']}"
        lines.append(
            f"{title:<34}{row['lam'] or '':>6}{row['caught']:>5} of {row['runs']:<3}"
            f"{f'{low:.1%} … {high:.1%}':>18}{row['wrong']:>14.1%}"
        )
    return "\n".join(["Runs that end with slopes of the wrong sign (§4, §5)", *lines])


def plot(numbers: Numbers) -> Figure:
    """Above: the line's barriers, and a trapped curve; below: how many runs are trapped."""
    figure = Figure(figsize=(12, 8.6), layout="constrained")
    (landscape, example), (line, curve) = figure.subplots(2, 2, width_ratios=(1, 1.15))
    _draw_landscape(landscape, numbers["landscape"])
    _draw_example(example, numbers["example"])
    for axes, task in ((line, "line"), (curve, "curve")):
        _draw_counts(axes, [row for row in numbers["rows"] if row["task"] == task])
    line.set_title("Line: Lai alone catches about as many as start left of the barrier")
    line.set_ylabel("share of runs caught, with 95% interval")
    curve.set_title("Curve: Lai Training catches none, unless λ is very small")
    return figure


def _row(setting: tuple[Any, ...], wrong: list[float]) -> Numbers:
    task, noise, method, lam = setting
    trapped, expected = sum(fraction > TRAPPED_ABOVE for fraction in wrong), None
    if (task, method) == ("line", "Lai alone"):
        # the fraction Φ(−1/K) of the starts k ~ N(0, 1) is left of the barrier
        at = barrier(noise, lam)
        expected = 0.0 if at is None else NormalDist().cdf(at)
    counts = {"runs": len(wrong), "caught": trapped, "interval": list(wilson(trapped, len(wrong)))}
    about = {"task": task, "noise": noise, "method": method, "lam": lam}
    return {**about, **counts, "expected": expected, "wrong": mean(wrong)}


def _landscape() -> Numbers:
    """Lai MSE over the line's slope, for infinitely many data, relative to its value at k = 0."""
    k = np.linspace(-2, 4, 241)
    curves = []
    for noise, lam in product((LITTLE[1], MUCH[1]), LAMS[:2]):
        # mean e² = (β − k)² var x + var noise; uniform in ±s has the variance s²/3
        value = ((SLOPE - k) ** 2 * X["line"] ** 2 + noise**2) / 3 * lai_factor(k, lam)
        loss = (value / value[k == 0]).round(4).tolist()
        curves.append({"noise": noise, "lam": lam, "barrier": barrier(noise, lam), "loss": loss})
    return {"k": k.round(4).tolist(), "curves": curves}


def _example(jobs: list[Job], results: list[Numbers]) -> Numbers:
    """Of the blocks' first seeds the one with most wrong points for Lai alone, λ = 1."""
    mine = [pair for pair in zip(jobs, results, strict=True) if pair[0]["task"] == "curve"]
    place = {method: settings_of(*CURVE).index((method, 1.0)) for method in SHOWN}
    job, result = max(mine, key=lambda pair: float(pair[1]["wrong"][place["Lai alone"]][0]))
    x, t = sample(*CURVE, job["seeds"][0])
    return {
        "seed": job["seeds"][0],
        "data": [x.round(4).tolist(), t.round(4).tolist()],
        "x": grid("curve").round(4).tolist(),
        "truth": truth("curve", grid("curve"))[0].round(4).tolist(),
        "fits": {method: result["fits"][index] for method, index in place.items()},
    }


def _draw_landscape(axes: Axes, landscape: Numbers) -> None:
    for curve in landscape["curves"]:
        color, dashes = COLORS[curve["lam"]], "-" if curve["noise"] == MUCH[1] else "--"
        label = f"λ = {curve['lam']:g}, noise ±{curve['noise']:g}"
        axes.plot(landscape["k"], curve["loss"], dashes, color=color, label=label)
        if curve["barrier"] is not None:
            height = np.interp(curve["barrier"], landscape["k"], curve["loss"])
            axes.plot(curve["barrier"], height, "v", color=color, ms=8)
    axes.plot([], [], "v", color=GREY, label="barrier, at k = −1/K")
    axes.set(xlabel="slope k of the line (true: 3)", ylabel="Lai MSE over that at k = 0")
    axes.set(yscale="log", title="Line: to the left of a barrier the loss leads to k = −√λ")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.legend()


def _draw_example(axes: Axes, example: Numbers) -> None:
    axes.plot(*example["data"], ".", color=GREY, alpha=0.5)
    axes.plot(example["x"], example["truth"], ":", color=GREY, lw=2, label="true curve")
    for method, color, dashes in zip(SHOWN, DARK_TO_LIGHT[1:3], ("-", "--"), strict=True):
        fit, label = example["fits"][method], f"{method}, λ = 1"
        axes.plot(example["x"], fit, dashes, color=color, lw=2, label=label)
    axes.set(xlabel="x", ylabel="y", title="Curve: a caught run, and the same with Lai Training")
    axes.set_ylim(bottom=1.4 * min(example["data"][1]))  # room for the legend
    axes.legend(ncols=3, loc="lower center", fontsize=9)


def _draw_counts(axes: Axes, rows: list[Numbers]) -> None:
    groups = list(dict.fromkeys((row["method"], row["noise"]) for row in rows))
    lams = [lam for lam in LAMS if any(row["lam"] == lam for row in rows)]
    for lam in (None, *lams):
        mine = [row for row in rows if row["lam"] == lam]
        shift = 0.2 * (lams.index(lam) - (len(lams) - 1) / 2) if lam else 0.0
        places = [groups.index((row["method"], row["noise"])) + shift for row in mine]
        shares = np.array([row["caught"] / row["runs"] for row in mine])
        low, high = np.array([row["interval"] for row in mine]).T
        bars, color = [shares - low, high - shares], COLORS[lam]
        label = f"λ = {lam:g}" if lam else "MSE alone"
        axes.errorbar(places, shares, bars, fmt=MARKERS[lam], color=color, capsize=3, label=label)
        axes.plot(places, [row["expected"] for row in mine], "_", color=color, ms=22)
    if any(row["expected"] for row in rows):
        axes.plot([], [], "_", color=GREY, ms=22, label="starts left of the barrier")
    titles = [f"{name},\nnoise ±{noise:g}".replace(", ", ",\n") for name, noise in groups]
    axes.set_xticks(range(len(groups)), titles)
    axes.set_ylim(-0.03, 1.03)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.legend()
