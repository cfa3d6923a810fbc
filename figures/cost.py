"""The cost of the Lai loss (paper §5): a step over a plain step, and an epoch over a plain epoch.

What to see: a Lai step (forward, input gradient, loss, double backward pass, Adam) takes about as
long as two plain steps (forward, loss, backward, Adam), whatever the batch and the depth. In wide
networks both come down to their matrix products: beside the 3L − 1 products of a plain step with L
layers a Lai step has 3(L − 1) more, in all about twice the operations. In narrow networks the
passes over N × width numbers take longer than the products between them. With many inputs the loss
itself does: its factor is computed, in double precision, for each of N × D slopes.

What the paper says: the gradients of all points are a considerable cost, which random sampling
reduces (§5). What we found: with whole batches it does, to 1 + α(r − 1) plain epochs, r being the
ratio of the steps. With points it hardly does in small batches: one with some Lai points among
plain ones takes as many operations of NumPy as one of Lai alone, of which each takes some time
however few the points, and for α = 0.1 hardly any batch of 64 is without.

These are medians and quartiles of ratios of runs that follow each other at once, of the processor
time of one thread. They vary with the machine and its load; only the numbers of operations do not.
Timings are cached: delete the files `arms/time_*` to measure again.
"""

from __future__ import annotations

import platform
from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import Job
from figures.experiments.jobs import Work, run_jobs
from figures.experiments.settings import Numbers, Settings
from figures.experiments.step_times import ALPHAS, SAMPLINGS, time_epochs, time_steps
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import network_name

NETS = ([8, 64, 32, 1], [8, 256, 256, 1])
ACTIVATIONS, DTYPES = ("tanh", "relu"), ("float64", "float32")
BATCHES, QUICK_BATCHES = (64, 1024, 16384), (64, 256)
GROWTH = {"width": (8, 32, 128, 512), "depth": (1, 2, 4, 8), "inputs": (1, 8, 64, 512)}
GROWN = {  # label and finding
    "width": (
        "units in 2 hidden layers",
        "Lai / plain is about the operations' from 32 units on …",
    ),
    "depth": ("hidden layers of 64 units", "… does not grow with depth …"),
    "inputs": ("D, inputs", "… but does with many inputs, by the loss itself"),
}
LIMITS = {"seconds": 1.0, "rounds": 4}  # a job measures for so long, but at least so many rounds
QUICK_LIMITS = {"seconds": 0.01, "rounds": 2}
EPOCHS = {"sizes": NETS[0], "activation": "tanh", "dtype": "float32", "n": 8192, "rounds": 15}


def compute(settings: Settings) -> Numbers:
    """Times and ratios: of steps over N and in growing networks, of epochs over α."""
    quick = settings.quick
    batches, limits = (QUICK_BATCHES, QUICK_LIMITS) if quick else (BATCHES, LIMITS)
    steps: list[Job] = [
        {"sizes": sizes, "activation": activation, "dtype": dtype, "n": n, **limits}
        for sizes, activation, dtype, n in product(NETS, ACTIVATIONS, DTYPES, batches)
    ]
    grown = [(kind, size) for kind, sizes in GROWTH.items() for size in sizes[: 2 if quick else 4]]
    base = {"activation": "tanh", "dtype": "float32", "n": batches[1], **limits}
    growing: list[Job] = [{"sizes": grown_sizes(kind, size), **base} for kind, size in grown]
    epochs: Job = EPOCHS | ({"n": 512, "rounds": 2} if quick else {})

    def run(work: Work, jobs: list[Job]) -> list[Numbers]:
        """One after the other: jobs that run at the same time slow each other down."""
        results = run_jobs(work, jobs, None, settings.out / "arms", 1, "cost")
        return [{**job, **result} for job, result in zip(jobs, results, strict=True)]

    rows = run(time_steps, steps + growing)
    named = [{"kind": kind, "size": size} for kind, size in grown]
    return {
        **settings.provenance("cost", seeds=(0,)),
        "source": f"times on one core, {platform.machine()}, BLAS: {_blas()}; random numbers",
        "steps": rows[: len(steps)],
        "growth": [a | b for a, b in zip(named, rows[len(steps) :], strict=True)],
        "epochs": run(time_epochs, [epochs])[0],
    }


def grown_sizes(kind: str, size: int) -> list[int]:
    """8-64-64-1 with one of its sizes changed."""
    if kind == "depth":
        return [8, *[64] * size, 1]
    return [8, size, size, 1] if kind == "width" else [size, 64, 64, 1]


def table(numbers: Numbers) -> str:
    """A row for every network, activation, dtype and batch: times, and ratios with quartiles."""
    ratios = ("lai / plain", "plain / products", "lai / products")
    head = ("plain step, ms", "Lai step, ms", *ratios)
    lines = [f"{'network, N':<36}" + "".join(f"{cell:>20}" for cell in head)]
    for row in numbers["steps"]:
        cells = [f"{1e3 * row[f'{kind} seconds']:.3f}" for kind in ("plain", "lai")]
        for ratio in ratios:
            cells.append("{median:.2f} ({low:.2f}–{high:.2f})".format(**row[ratio]))
        lines.append(f"{_name(row)}, {row['n']}".ljust(36) + "".join(f"{c:>20}" for c in cells))
    return "\n".join(["What a step costs: medians, and quartiles of ratios (one thread)", *lines])


def plot(numbers: Numbers) -> Figure:
    """Steps over N, over plain steps and over their products; epochs over α; growing networks."""
    figure = Figure(figsize=(13, 8), layout="constrained")
    axes: Any = figure.subplots(2, 3)
    _draw_steps(axes[0, 0], numbers["steps"], "lai / plain")
    axes[0, 0].set_title("A Lai step takes about as long as two plain steps …")
    axes[0, 0].legend(fontsize=7, ncols=2, loc="lower center", handlelength=4)
    _draw_steps(axes[0, 1], numbers["steps"], "lai / products")
    axes[0, 1].set_title("… in narrow networks far longer than its products")
    _draw_epochs(axes[0, 2], numbers["epochs"])
    for place, kind in zip(axes[1], GROWTH, strict=True):
        _draw_growth(place, [row for row in numbers["growth"] if row["kind"] == kind])
        place.set(xlabel=GROWN[kind][0], title=GROWN[kind][1])
    axes[1, 0].legend()
    return figure


def _blas() -> str:
    about: Any = np.show_config(mode="dicts")
    return str(about["Build Dependencies"]["blas"]["name"])


def _name(row: Numbers) -> str:
    return f"{network_name(row)} {row['dtype']}"


def _draw_steps(axes: Axes, rows: list[Numbers], ratio: str) -> None:
    for name in dict.fromkeys(map(_name, rows)):
        mine = [row for row in rows if _name(row) == name]
        look = "os"[ACTIVATIONS.index(mine[0]["activation"])]
        look += ("-", "--")[DTYPES.index(mine[0]["dtype"])]
        color = DARK_TO_LIGHT[1 + NETS.index(mine[0]["sizes"])]
        _points(axes, [r["n"] for r in mine], [r[ratio] for r in mine], look, color, name)
    axes.set(xlabel="N, samples in a step", ylabel=f"ratio of times, {ratio}")
    _limit(axes, [row[ratio] for row in rows])


def _draw_epochs(axes: Axes, epochs: Numbers) -> None:
    for sampling, color, marker in zip(SAMPLINGS, DARK_TO_LIGHT[1:3], "os", strict=True):
        ratios = epochs["ratios"][sampling]
        _points(axes, list(ALPHAS), ratios, marker + "-", color, f"share α of the {sampling}")
    r = epochs["ratios"]["batches"][-1]["median"]
    alphas = np.geomspace(ALPHAS[0], 1, 50)
    axes.plot(alphas, 1 + alphas * (r - 1), ":", color=GREY, lw=2, label="1 + α (r − 1)")
    axes.set(xlabel="α", ylabel="ratio of times, Lai Training / plain epoch")
    axes.set_title("A small share of the batches costs little")
    axes.legend(loc="lower right")
    _limit(axes, [ratio for ratios in epochs["ratios"].values() for ratio in ratios])


def _draw_growth(axes: Axes, rows: list[Numbers]) -> None:
    sizes, ratios = [row["size"] for row in rows], [row["lai / plain"] for row in rows]
    _points(axes, sizes, ratios, "o-", DARK_TO_LIGHT[1], "times")
    operations = [row["operations"][1] / row["operations"][0] for row in rows]
    axes.plot(sizes, operations, ":", color=GREY, lw=2, label="operations of the products")
    axes.set_ylabel("ratio, lai / plain")
    _limit(axes, ratios)


def _points(
    axes: Axes, x: list[Any], ratios: list[dict[str, float]], look: str, color: str, label: str
) -> None:
    """Medians, with bars from quartile to quartile."""
    low, median, high = np.array([[r[q] for q in ("low", "median", "high")] for r in ratios]).T
    bars = [median - low, high - median]
    axes.errorbar(x, median, bars, fmt=look, color=color, ms=5, capsize=2, label=label)
    axes.set_xscale("log")
    axes.set_xticks(x, [f"{value:g}" for value in x])
    axes.minorticks_off()


def _limit(axes: Axes, ratios: list[dict[str, float]]) -> None:
    """The medians decide; a bar may leave the axes where something else ran beside."""
    axes.set_ylim(0, 1.3 * max(ratio["median"] for ratio in ratios))
