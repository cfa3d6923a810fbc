"""The same Lai step and the same training in NumPy, PyTorch and JAX: which is fastest for what?

What to see: in batches as small as the paper's, the overhead per operation dominates PyTorch's
time, compiled or not; `lai_ref` takes a fraction of it. JAX takes less still, since the whole step
including Adam is compiled, which takes seconds before the first step. In large batches, passes over
N × width numbers dominate: `lai_ref` makes them in blocks that fit in the processor's cache, eager
PyTorch does not, and compiled code makes fewer. Half a minute of compiling pays off for PyTorch in
long runs only.

What is timed: a step with the Lai loss for all N samples; and Table 1 of the paper (§6.1), whose
epochs are 464 batches of 64, with the Lai loss for 1% of the points or for none. The benchmark is
interleaved: turns follow each other in the order A B C D A B C D …; a turn of single steps
processes as many samples as an epoch. Ratios are taken within a round; their quartiles are given.
The time to the first step includes making network, loss and optimiser, and compiling, but not
importing the packages.

`lai_ref` computes on one thread. PyTorch and JAX use all processors that this process may use; the
times are then wall times and need an idle machine, since the threads of PyTorch wait for each
other. With `taskset -c 0` before the command all use one processor, and processor times are taken.

Timings are cached: delete the files `arms/measure-*` to measure again.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.framework_runs import NAMES, measure
from figures.experiments.inputs import Job, digest_of
from figures.experiments.jobs import run_jobs
from figures.experiments.settings import Numbers, Settings, default_jobs
from figures.experiments.timing import BATCH
from figures.plotting.drawing import DARK_TO_LIGHT, GREY

BATCHES = (64, 1024, 16384)
ROUNDS, QUICK_ROUNDS = (15, 7), (2, 2)  # of turns of single steps, and of epochs
FRAMEWORKS = ("torch", "jax")
PORTS = Path(__file__).parents[1] / "tutorials" / "ports"
LOOKS = dict(zip(NAMES, zip(DARK_TO_LIGHT, "osD^", strict=True), strict=True))


def compute(settings: Settings) -> Numbers:
    """Times, and ratios to those of `lai_ref`: of a step for every N, of Table 1's epochs."""
    quick = settings.quick
    threads = default_jobs()
    # on one processor: the time of this process alone, independent of the load
    alone = threads == 1 and sys.platform != "win32"  # Windows measures it too coarsely
    clock = "processor times" if alone else "wall times"
    versions = {name: version(name) for name in FRAMEWORKS}
    names = [name for name in NAMES if not quick or name != "torch compiled"]
    base: Job = {
        "sizes": [8, 64, 32, 1],
        "activation": "tanh",
        "names": names,
        "threads": threads,
        "clock": clock,
        "versions": versions,
        "ports": digest_of(*(np.fromfile(file, "u1") for file in sorted(PORTS.glob("*.py")))),
    }
    batches, epoch, rounds = (BATCHES[:1], 8, QUICK_ROUNDS) if quick else (BATCHES, 464, ROUNDS)
    jobs: list[Job] = [
        {"of": "steps", "n": n, "steps": BATCH * epoch // n, "rounds": rounds[0]} for n in batches
    ]
    jobs.append({"of": "epochs", "n": BATCH * epoch, "rounds": rounds[1]})
    # one at a time: parallel jobs slow each other down
    jobs = [base | job for job in jobs]
    results = run_jobs(measure, jobs, None, settings.out / "arms", 1, "backends")
    rows: Numbers = {}
    left_out = {name: "left out of quick runs" for name in NAMES if name not in names}
    for result in results:
        rows |= result["rows"]
        left_out |= result["left out"]
    processors = f"{threads} processor{'s' if threads > 1 else ''}, {platform.machine()}"
    return {
        **settings.provenance("backends", seeds=(0,)),
        "source": f"{clock} on {processors}, lai_ref on one thread; random numbers",
        "network": "8-64-32-1 tanh, float32",
        "frameworks": versions,
        "rows": rows,
        "left out": left_out,
    }


def table(numbers: Numbers) -> str:
    """A row per kind of work: times, and ratios to `lai_ref` with quartiles."""
    names = _names(numbers)

    def line(title: str, cells: list[str]) -> str:
        return f"{title:<21}{cells[0]:>9}" + "".join(f" {cell:>26}" for cell in cells[1:])

    lines = [line("", names)]
    for title, results in numbers["rows"].items():
        cells = []
        for name in names:
            result = results[name]
            median, low, high = (_ratio(result["ratio"][q]) for q in ("median", "low", "high"))
            time = _duration(result["median"])
            cells.append(time if name == "lai_ref" else f"{time}, {median} ({low}–{high})")
        lines.append(line(title, cells))
    for title, results in _steps(numbers).items():
        cells = [_duration(results[name]["first"]) for name in names]
        lines.append(line(f"first, N = {title}", cells))
    lines += [f"{name}: {reason}" for name, reason in numbers["left out"].items()]
    about = [f"{package} {number}" for package, number in numbers["frameworks"].items()]
    head = [
        f"The Lai loss by framework: median times, and ratios to lai_ref's (quartiles);"
        f" {numbers['network']}",
        f"{numbers['source']}; {', '.join(about)}",
    ]
    return "\n".join(head + lines)


def plot(numbers: Numbers) -> Figure:
    """Times of steps over N and of Table 1 relative to `lai_ref`; when compiling pays off."""
    figure = Figure(figsize=(10.2, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_steps(left, numbers)
    _draw_table_1(middle, numbers)
    _draw_start(right, numbers)
    figure.supxlabel(f"{numbers['network']}; {numbers['source']}", fontsize=7.5, color=GREY)
    return figure


def _names(numbers: Numbers) -> list[str]:
    """The frameworks for which everything was timed."""
    return [name for name in NAMES if name not in numbers["left out"]]


def _steps(numbers: Numbers) -> dict[str, Numbers]:
    """The rows of single steps, by N."""
    rows = numbers["rows"].items()
    return {title.rpartition(" ")[2]: row for title, row in rows if title.startswith("Lai step")}


def _duration(seconds: float) -> str:
    """Three digits and a unit."""
    value, unit = (seconds, "s") if seconds >= 1 else (1e3 * seconds, "ms")
    return f"{float(f'{value:.3g}'):g} {unit}"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}"


def _draw_steps(axes: Axes, numbers: Numbers) -> None:
    steps = _steps(numbers)
    places = range(len(steps))
    for name in _names(numbers):
        ratios = [row[name]["ratio"] for row in steps.values()]
        low, median, high = np.array([[r[q] for q in ("low", "median", "high")] for r in ratios]).T
        color, marker = LOOKS[name]
        bars = [median - low, high - median]
        axes.errorbar(places, median, bars, fmt=f"{marker}-", color=color, capsize=2, label=name)
    axes.set_yscale("log")
    axes.set_yticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
    axes.minorticks_off()
    every = [cell["ratio"]["median"] for row in steps.values() for cell in row.values()]
    axes.set_ylim(0.6 * min(every), 1.6 * max(every))
    axes.set_xticks(places, list(steps))
    axes.set(xlabel="N, samples in a step", ylabel="time of a Lai step / lai_ref's (log scale)")
    axes.set_title("Small batches: PyTorch is slowest, JAX fastest …")
    axes.legend(loc="upper right", fontsize=8)


def _draw_table_1(axes: Axes, numbers: Numbers) -> None:
    names = _names(numbers)
    results = numbers["rows"]["Table 1, one seed"]
    places = range(len(names))
    minutes = [results[name]["median"] / 60 for name in names]
    axes.barh(places, minutes, color=[LOOKS[name][0] for name in names])
    for place, name, length in zip(places, names, minutes, strict=True):
        text = f" {length:.1f} min = {results[name]['ratio']['median']:.2f} ×"
        axes.text(length, place, text, va="center")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_axisbelow(True)
    axes.set_xlim(0, 1.6 * max(minutes))
    axes.set(xlabel="minutes of training for one seed, without compiling")
    axes.set_title("… and so for Table 1, with batches of 64")


def _draw_start(axes: Axes, numbers: Numbers) -> None:
    title, row = next(iter(_steps(numbers).items()))
    count = np.geomspace(1, 1e6, 200)
    for name in _names(numbers):
        color, marker = LOOKS[name]
        seconds = row[name]["first"] + (count - 1) * row[name]["median"]
        axes.loglog(count, seconds, color=color, marker=marker, markevery=33, label=name)
    axes.set(xlabel=f"steps with N = {title}", ylabel="seconds since the start (log scale)")
    axes.set_title("Compiling pays off in long runs")
