"""The cost of the Lai loss (paper §5): steps and epochs relative to those of the baseline (MSE).

What to see: top left, the time of a Lai step (forward, input gradient, loss, double backward pass,
Adam) over that of a baseline step (forward, loss, backward, Adam); the bands cover both activations
and both dtypes. Beside it, an epoch of Lai Training over a baseline epoch, for the three ways to
sample a fraction α of the data: a narrow network with small batches, and a wide one with large
batches. Below, networks of growing size, and the operations of their matrix products. A baseline
step with L layers has 3L − 1 products; a Lai step has 3(L − 1) more, about twice the operations.

What the paper says: the gradients of all points are a considerable cost, which random sampling
reduces (§5).

What we found: Lai loss for a small fraction of whole batches, or for points in a step of their own,
costs about 1 + α(r − 1) baseline epochs, where r is the ratio of the steps. Lai points mixed into
baseline batches cost more: a batch with some Lai points takes as many NumPy calls as one of Lai
points only. In small batches the overhead per call dominates, and the difference shows; in large
batches of a wide network arithmetic dominates, and it does not. With many inputs the loss itself
takes time: F is computed in double precision for each of the N × D entries of k. The titles give
the ratios.

The numbers are medians and quartiles of ratios from interleaved runs: processor time of one thread.
They vary with the machine and its load; only the numbers of operations do not.
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
RATIOS = {  # as they are called in tables, by name in the JSON
    "lai / plain": "Lai / baseline",
    "plain / products": "baseline / products",
    "lai / products": "Lai / products",
}
GROWN = {
    "width": "units in each of 2 hidden layers",
    "depth": "hidden layers of 64 units",
    "inputs": "D, inputs",
}
LIMITS = {"seconds": 1.0, "rounds": 4}  # a job measures for at least this time and this many rounds
QUICK_LIMITS = {"seconds": 0.01, "rounds": 2}
# the paper's epochs in small batches; a network and a batch for which arithmetic dominates
EPOCHS: tuple[Job, ...] = tuple(
    {"sizes": sizes, "activation": "tanh", "dtype": "float32", "n": n, "batch_size": batch}
    for sizes, n, batch in ((NETS[0], 8192, 64), (NETS[1], 8192, 1024))
)
FEW = 1  # the place in ALPHAS of the paper's 1%
NEAR = 0.1  # the largest relative difference at which times are called proportional to operations


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
    fewer: Job = {"n": 512, "rounds": 2}
    epochs = [
        job | ({**fewer, "batch_size": min(job["batch_size"], 128)} if quick else {"rounds": 15})
        for job in EPOCHS
    ]

    def run(work: Work, jobs: list[Job]) -> list[Numbers]:
        """Run one job at a time: parallel jobs slow each other down."""
        results = run_jobs(work, jobs, None, settings.out / "arms", 1, "cost")
        return [{**job, **result} for job, result in zip(jobs, results, strict=True)]

    rows = run(time_steps, steps + growing)
    named = [{"kind": kind, "size": size} for kind, size in grown]
    return {
        **settings.provenance("cost", seeds=(0,)),
        "source": f"times on one core, {platform.machine()}, BLAS: {_blas()}; random numbers",
        "steps": rows[: len(steps)],
        "growth": [a | b for a, b in zip(named, rows[len(steps) :], strict=True)],
        "epochs": run(time_epochs, epochs),
    }


# what α is a fraction of, for each sampling
SAMPLED = {"batches": "batches", "separate": "points, in one step", "points": "points, in batches"}


def grown_sizes(kind: str, size: int) -> list[int]:
    """The sizes 8-64-64-1 with width, depth or number of inputs changed."""
    if kind == "depth":
        return [8, *[64] * size, 1]
    return [8, size, size, 1] if kind == "width" else [size, 64, 64, 1]


def table(numbers: Numbers) -> str:
    """Steps: times, and ratios with quartiles, per network, activation, dtype and batch. Epochs."""
    ratios = ("lai / plain", "plain / products", "lai / products")
    head = ("baseline step, ms", "Lai step, ms", *(RATIOS[name] for name in ratios))
    lines = [f"{'network, N':<36}" + "".join(f"{cell:>20}" for cell in head)]
    for row in numbers["steps"]:
        cells = [f"{1e3 * row[f'{kind} seconds']:.3f}" for kind in ("plain", "lai")]
        cells += [_with_quartiles(row[ratio]) for ratio in ratios]
        lines.append(f"{_name(row)}, {row['n']}".ljust(36) + "".join(f"{c:>20}" for c in cells))
    lines += ["", "Time of an epoch of Lai Training over a baseline epoch, by α"]
    lines.append(f"{'':<46}" + "".join(f"{alpha:>20g}" for alpha in ALPHAS))
    for epochs in numbers["epochs"]:
        for sampling, row in epochs["ratios"].items():
            name = f"{network_name(epochs)}, batch {epochs['batch_size']}, {sampling}"
            lines.append(f"{name:<46}" + "".join(f"{_with_quartiles(r):>20}" for r in row))
    return "\n".join(["Time of a step: medians, and quartiles of ratios (one thread)", *lines])


def plot(numbers: Numbers) -> Figure:
    """Times of steps over N and of epochs over α; below, of growing networks."""
    figure = Figure(figsize=(13, 8), layout="constrained")
    axes: Any = figure.subplots(2, 3)
    _draw_steps(axes[0, 0], numbers["steps"])
    for place, epochs in zip(axes[0, 1:], numbers["epochs"], strict=True):
        _draw_epochs(place, epochs)
    for place, kind in zip(axes[1], GROWTH, strict=True):
        _draw_growth(place, kind, [row for row in numbers["growth"] if row["kind"] == kind])
    caption = f"{numbers['source']}; bars: quartiles of ratios"
    figure.supxlabel(caption, fontsize=7.5, color=GREY)
    return figure


def _blas() -> str:
    about: Any = np.show_config(mode="dicts")
    return str(about["Build Dependencies"]["blas"]["name"])


def _name(row: Numbers) -> str:
    return f"{network_name(row)} {row['dtype']}"


def _with_quartiles(ratio: dict[str, float]) -> str:
    return "{median:.2f} ({low:.2f}–{high:.2f})".format(**ratio)


def _draw_steps(axes: Axes, rows: list[Numbers]) -> None:
    """A line per network for tanh in float32, and a band over activations and dtypes."""
    for sizes, color, marker in zip(NETS, DARK_TO_LIGHT[1:3], "os", strict=True):
        mine = [row for row in rows if row["sizes"] == sizes]
        line = [r for r in mine if (r["activation"], r["dtype"]) == ("tanh", "float32")]
        batches = [row["n"] for row in line]
        ratios = [[r["lai / plain"]["median"] for r in mine if r["n"] == n] for n in batches]
        low, high = np.min(ratios, axis=1), np.max(ratios, axis=1)
        axes.fill_between(batches, low, high, color=color, alpha=0.15, lw=0)
        name = f"{network_name(line[0])} float32"
        _points(axes, batches, [r["lai / plain"] for r in line], marker + "-", color, name)
    medians = [row["lai / plain"]["median"] for row in rows]
    axes.set(xlabel="N, samples in a step (log scale)", ylabel="time of a Lai step / baseline step")
    axes.set_title(
        f"A Lai step takes {min(medians):.1f} to {max(medians):.1f} times a baseline step\n"
        f"(bands: {' and '.join(ACTIVATIONS)}, {' and '.join(DTYPES)})"
    )
    axes.legend(loc="lower right")
    _limit(axes, [row["lai / plain"] for row in rows])


def _draw_epochs(axes: Axes, epochs: Numbers) -> None:
    looks = {"batches": "o-", "separate": "^-.", "points": "s--"}
    for sampling, color in zip(SAMPLINGS, DARK_TO_LIGHT[1:], strict=True):
        ratios = epochs["ratios"][sampling]
        _points(axes, list(ALPHAS), ratios, looks[sampling], color, SAMPLED[sampling])
    r = epochs["ratios"]["batches"][-1]["median"]
    alphas = np.geomspace(ALPHAS[0], 1, 50)
    axes.plot(alphas, 1 + alphas * (r - 1), ":", color=GREY, lw=2, label="1 + α (r − 1)")
    axes.set(xlabel="α (log scale)", ylabel="time of a Lai Training epoch / baseline epoch")
    few = {sampling: epochs["ratios"][sampling][FEW]["median"] for sampling in SAMPLINGS}
    axes.set_title(
        f"{'-'.join(map(str, epochs['sizes']))}, batch {epochs['batch_size']}: {ALPHAS[FEW]:.0%} of"
        f" points takes {few['points']:.2f}\n"
        f"(in one step {few['separate']:.2f}, whole batches {few['batches']:.2f}, all {r:.2f})"
    )
    axes.legend(loc="upper left", title="Lai loss for a fraction α of the")
    _limit(axes, [ratio for ratios in epochs["ratios"].values() for ratio in ratios], 1.5)


def _draw_growth(axes: Axes, kind: str, rows: list[Numbers]) -> None:
    sizes, ratios = [row["size"] for row in rows], [row["lai / plain"] for row in rows]
    _points(axes, sizes, ratios, "o-", DARK_TO_LIGHT[1], "times")
    axes.plot(sizes, _operations(rows), ":", color=GREY, lw=2, label="operations (matrix products)")
    axes.set(xlabel=f"{GROWN[kind]} (log scale)", ylabel="time of a Lai step / baseline step")
    axes.set_title(growth_in_words(kind, rows))
    axes.legend(loc="lower left")
    _limit(axes, ratios)


def _operations(rows: list[Numbers]) -> list[float]:
    return [row["operations"][1] / row["operations"][0] for row in rows]


def growth_in_words(kind: str, rows: list[Numbers]) -> str:
    """For which sizes the time ratio is that of the operations, and the largest deviation."""
    ratios = [row["lai / plain"]["median"] for row in rows]
    off = [a / b - 1 for a, b in zip(ratios, _operations(rows), strict=True)]
    near = [f"{row['size']:g}" for row, x in zip(rows, off, strict=True) if abs(x) <= NEAR]
    worst = max(range(len(off)), key=lambda i: abs(off[i]))
    found = f"{kind} {', '.join(near) or 'none'}: within {NEAR:.0%} of the operations' ratio"
    if len(near) < len(rows):
        found += f";\n{rows[worst]['size']:g}: {off[worst]:+.0%}"
    return found


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


def _limit(axes: Axes, ratios: list[dict[str, float]], top: float = 1.2) -> None:
    """Set the limits by the medians, from 0.8 to show differences; bars may exceed them."""
    axes.set_ylim(0.8, top * max(1.5, *(ratio["median"] for ratio in ratios)))
