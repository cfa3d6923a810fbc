"""The trap, a spurious local minimum (paper §4, §5): runs that end with k of the wrong sign.

What to see: a line and a curve are fitted from 100 starts each. With the Lai loss alone, from
scratch, a third to three quarters of the runs end with the wrong sign, except on a line with little
noise and λ = 0.1. With Lai Training (α = 0.01) none does, except on the curve with λ = 0.01.

What the paper says: the loss is the same for k and −k, so that a run that starts in the wrong
direction may stay there (§4). In Lai Training, after MSE, only a random fraction α of the points
gets the Lai loss, and the gradient of the others corrects runs that diverge (§5). A small λ
"compresses" the loss along the intercept, which becomes difficult to determine (appendix A).

What we found. The trap is a spurious local minimum, and for the line it can be computed. Between
its kinks ±√λ, Lai MSE is the mean of e²/(1 + k²), the squared distance from the line: smallest at
the total-least-squares slope K, largest at that of its perpendicular, −1/K. This is a barrier if it
lies between −√λ and 0. Then all starts to the left of it are trapped, the fraction Φ(−1/K) of all
starts k ~ N(0, 1). So a line's trap needs K > 1/√λ: a large λ, or much noise. Trapped are 34, 46
and 41 of 100 runs where 37.3, 48.3 and 48.3 are expected, each within the 95% interval.

Trapped or flat. On the curve, Lai alone, all 75 runs with a wrong sign for λ = 0.01 and all 51 for
λ = 0.1 are flat: their mean |k| is below a fifth of the true one. For λ = 0.01 it is 0.04, on the
right side as on the wrong one, and the RMSE to the true curve is 1.00, that of a constant. Their
sign means little. For λ = 1 none of 53 is flat; their RMSE is 1.26, that of the other runs 0.51. Of
the 23 by Lai Training with λ = 0.01 about half, 11, are flat.

Pretraining, on the curve, for 50 epochs in all with and without it. For λ = 1, 53 of 100 runs are
trapped without it and 0 with it where α = 1; up to α = 0.35, 0 of 100 are trapped either way, at
most 3.7% (95%). For λ = 0.1 it does not help: 30 without and 47 with it for α = 0.35, 54 and 74 for
α = 1. The gradient towards √λ is larger above the kink than below it, by 1/λ. Steps that are not
small relative to √λ move k past 0. With a third of the learning rate this happens to no line. A
small α prevents the trap with and without pretraining, for λ = 1 and 0.1.

The intercept (y = 3x + 4 ± 4, Lai MAE, Adam, 6 starts) converges slowly for a small λ, but is not
undetermined. At learning rate 0.01 its error after 600 steps is up to 3.80 for λ = 0.01 and 0.81
for λ = 1, after 3000 steps 0.37 and 0.06. At 0.05 it is 0.90 and 0.05 after 600 steps, 0.01 and
0.05 after 3000.

A point is wrong where k and the true slope differ in sign; on the curve, points near its extrema do
not count. A run is trapped if more than a quarter of its points are wrong. Each seed has its own
data, noise and start, the same for all losses and methods.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from matplotlib.figure import Figure

from figures.experiments.inputs import Job
from figures.experiments.intercept_runs import fit_line
from figures.experiments.jobs import run_jobs
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trap_plan import (
    CURVE,
    LAI_ALONE,
    LAI_TRAINING,
    LAMS,
    NO_PRETRAINING,
    PLAN,
    SMALL,
    landscape,
    row_of,
    runs_of,
    truth_of,
)
from figures.experiments.trap_runs import N, grid, sample, train, truth
from figures.plotting import trap_panels as panels

RUNS, QUICK_RUNS, BLOCK = 100, 2, 20  # a job is a block of runs
STARTS, STEPS, RATES = 6, (600, 3000), (0.05, 0.01)  # of the runs for the intercept
MEASURES = ("wrong", "mean_abs_k", "rmse_to_truth")


def compute(settings: Settings) -> Numbers:
    """How many runs of each setting are trapped, a trapped curve, and errors of the intercept."""
    seeds = range(QUICK_RUNS if settings.quick else RUNS)
    jobs: list[Job] = [
        {"task": task, "noise": noise, "runs": runs_of(task, noise), "seeds": list(block)}
        for task, noise in PLAN
        for block in (seeds[first : first + BLOCK] for first in seeds[::BLOCK])
    ]
    results = run_jobs(train, jobs, None, settings.out / "arms", settings.jobs, "trap")
    by_task: dict[tuple[str, float], list[dict[str, list[float]]]] = {}
    for job, result in zip(jobs, results, strict=True):
        task = job["task"], job["noise"]
        joined = by_task.setdefault(task, [{m: [] for m in MEASURES} for _ in PLAN[task]])
        for measure, (index, runs) in product(MEASURES, enumerate(joined)):
            runs[measure].extend(result[measure][index])
    return {
        **settings.provenance("trap", seeds=seeds),
        "source": f"{N} points drawn at random about y = 3x and y = 1.5 sin 2x for each run",
        "rows": [
            row_of(task, setting, runs)
            for task, joined in by_task.items()
            for setting, runs in zip(PLAN[task], joined, strict=True)
        ],
        "truths": {task: truth_of(task) for task, _ in PLAN},
        "curve_runs": _curve_runs(by_task[CURVE]),
        "landscape": landscape(),
        "example": _example(jobs, results),
        "intercept": _intercept(settings),
    }


def table(numbers: Numbers) -> str:
    """Every setting: how many runs were trapped, and the 95% interval of their fraction."""
    lines = [
        f"{'':<46}{'λ':>6}{'α':>6}{'trapped':>12}{'flat':>6}{'95% interval':>18}"
        f"{'wrong points':>14}{'mean |k|':>10}{'RMSE to true':>15}"
    ]
    for row in numbers["rows"]:
        low, high = row["interval"]
        title = f"{row['task']} ±{row['noise']:g}, {row['method']}"
        lines.append(
            f"{title:<46}{row['lam'] or '':>6}{row['alpha']:>6g}"
            f"{row['trapped']:>5} of {row['runs']:<3}{row['flat']:>6}"
            f"{f'{low:.1%} … {high:.1%}':>18}{row['wrong']:>14.1%}"
            f"{row['mean_abs_k']:>10.3f}{row['rmse_to_truth']:>15.3f}"
        )
    errors = [
        f"λ = {row['lam']:<5g} lr {row['lr']:<5g}{row['steps']:>5} steps:"
        f" {min(row['errors']):.3f} … {max(row['errors']):.3f}"
        for row in numbers["intercept"]
    ]
    title = "Error of the intercept of a line, noise ±4, Lai MAE, min … max over the starts"
    return "\n".join(
        ["Runs that end with slopes of the wrong sign (§4, §5)", *lines, title, *errors]
    )


def plot(numbers: Numbers) -> Figure:
    """By row: barriers of the line and a trapped curve; fractions of trapped runs; details."""
    figure = Figure(figsize=(13, 12.5), layout="constrained")
    layout: list[Any] = [
        3 * ["landscape"] + 3 * ["example"],
        3 * ["line"] + 3 * ["curve"],
        2 * ["flat"] + 2 * ["pretraining"] + 2 * ["intercept"],
    ]
    axes = figure.subplot_mosaic(layout)
    panels.draw_landscape(axes["landscape"], numbers["landscape"])
    panels.draw_example(axes["example"], numbers["example"])
    for task in ("line", "curve"):
        drawn = [row for row in numbers["rows"] if row["task"] == task and _is_counted(row)]
        panels.draw_counts(axes[task], drawn)
    axes["line"].set_title("Line, Lai alone: about as many trapped as start left of the barrier")
    axes["curve"].set_title("Curve: Lai Training (α = 0.01) traps no run, except for λ = 0.01")
    panels.draw_flat(axes["flat"], numbers)
    curve = [row for row in numbers["rows"] if row["task"] == "curve"]
    panels.draw_pretraining(axes["pretraining"], curve)
    panels.draw_intercept(axes["intercept"], numbers["intercept"])
    return figure


def _is_counted(row: Numbers) -> bool:
    """Whether a row is in a panel of fractions; the variants of α have a panel of their own."""
    if row["method"] in (NO_PRETRAINING, "Lai for 1%"):
        return False
    return bool(row["method"] != LAI_TRAINING or row["alpha"] == SMALL)


def _curve_runs(joined: list[dict[str, list[float]]]) -> list[Numbers]:
    """Every run on the curve, with the Lai loss alone and with Lai Training."""
    shown = [(LAI_ALONE, lam, 1.0) for lam in LAMS] + [(LAI_TRAINING, lam, SMALL) for lam in LAMS]
    return [
        {
            "method": setting[0],
            "lam": setting[1],
            **{m: [round(v, 4) for v in joined[PLAN[CURVE].index(setting)][m]] for m in MEASURES},
        }
        for setting in shown
    ]


def _example(jobs: list[Job], results: list[Numbers]) -> Numbers:
    """The first seed of a block with the most wrong points for Lai alone, λ = 1."""
    mine = [pair for pair in zip(jobs, results, strict=True) if pair[0]["task"] == "curve"]
    place = {
        LAI_ALONE: PLAN[CURVE].index((LAI_ALONE, 1.0, 1.0)),
        LAI_TRAINING: PLAN[CURVE].index((LAI_TRAINING, 1.0, SMALL)),
    }
    job, result = max(mine, key=lambda pair: float(pair[1]["wrong"][place[LAI_ALONE]][0]))
    x, t = sample(*CURVE, job["seeds"][0])
    return {
        "seed": job["seeds"][0],
        "data": [x.round(4).tolist(), t.round(4).tolist()],
        "x": grid("curve").round(4).tolist(),
        "truth": truth("curve", grid("curve"))[0].round(4).tolist(),
        "fits": {method: result["fits"][index] for method, index in place.items()},
    }


def _intercept(settings: Settings) -> list[dict[str, Any]]:
    """The errors of a line's intercept, for a large and a small λ."""
    starts = list(range(QUICK_RUNS if settings.quick else STARTS))
    steps = [n // 10 if settings.quick else n for n in STEPS]
    jobs: list[Job] = [
        {"lam": lam, "lr": lr, "steps": steps, "starts": starts}
        for lam, lr in product((LAMS[0], LAMS[-1]), RATES)
    ]
    results = run_jobs(fit_line, jobs, None, settings.out / "arms", settings.jobs, "intercept")
    return [
        {"lam": job["lam"], "lr": job["lr"], "steps": n, "errors": errors}
        for job, result in zip(jobs, results, strict=True)
        for n, errors in zip(steps, result["errors"], strict=True)
    ]
