"""The runs of the figure `trap`, the expected fraction of trapped runs, and counting runs."""

from __future__ import annotations

import math
from itertools import product
from statistics import NormalDist, mean
from typing import Any, TypeAlias

import numpy as np

from figures.experiments.inputs import Job
from figures.experiments.intervals import wilson
from figures.experiments.settings import Numbers
from figures.experiments.trap_runs import SLOPE, X, grid, truth
from lai_ref import lai_factor

Setting: TypeAlias = tuple[str, float | None, float]  # method, λ, α

LAI_ALONE, LAI_TRAINING = "Lai alone", "Lai Training"
NO_PRETRAINING = "Lai for α, no pretraining"  # as many epochs as LAI_TRAINING has in all
METHODS: dict[str, dict[str, Any]] = {  # as `train` takes them
    "MSE": {"pretrained": True, "rounds": 1, "slower": 1},
    LAI_ALONE: {"pretrained": False, "rounds": 1, "slower": 1},
    "MSE, then Lai": {"pretrained": True, "rounds": 1, "slower": 1},
    "MSE, then Lai, lr/3": {"pretrained": True, "rounds": 1, "slower": 3},
    "Lai for 1%": {"pretrained": False, "rounds": 1, "slower": 1},
    NO_PRETRAINING: {"pretrained": False, "rounds": 2, "slower": 1},
    LAI_TRAINING: {"pretrained": True, "rounds": 1, "slower": 1},
}
LAMS = (1.0, 0.1, 0.01)
SMALL = 0.01  # α of §6.1
ALPHAS = (SMALL, 0.1, 0.35, 1.0)  # a line has no trap up to α_max = 0.35 (tutorial 07)
LITTLE, MUCH, CURVE = ("line", 0.5), ("line", 8.0), ("curve", 2.5)  # task, ±noise of its targets
PLAN: dict[tuple[str, float], list[Setting]] = {
    LITTLE: [*product((LAI_ALONE,), LAMS[:2], (1.0,))],
    MUCH: [
        ("MSE", None, 0.0),
        *product((LAI_ALONE, "MSE, then Lai"), LAMS[:2], (1.0,)),
        ("MSE, then Lai, lr/3", 0.1, 1.0),
        *product((LAI_TRAINING,), LAMS[:2], (SMALL,)),
    ],
    CURVE: [
        ("MSE", None, 0.0),
        *product((LAI_ALONE, "MSE, then Lai"), LAMS, (1.0,)),
        *product(("Lai for 1%", NO_PRETRAINING, LAI_TRAINING), LAMS, (SMALL,)),
        *product((NO_PRETRAINING, LAI_TRAINING), LAMS[:2], ALPHAS[1:]),
    ],
}
TRAPPED_ABOVE = 0.25  # a run with a larger fraction of wrong points is trapped
FLAT_BELOW = 0.2  # a run with a smaller fraction of the true mean |slope| is flat


def runs_of(task: str, noise: float) -> list[Job]:
    """The settings of a task as `train` takes them."""
    return [
        {**METHODS[method], "lam": lam, "alpha": alpha} for method, lam, alpha in PLAN[task, noise]
    ]


def truth_of(task: str) -> dict[str, float]:
    """The true mean |slope|, and the RMSE of the best constant to the true function."""
    y, slope = truth(task, grid(task))
    return {"mean_abs_k": float(np.abs(slope).mean()), "rmse_of_constant": float(y.std())}


def barrier(noise: float, lam: float) -> float | None:
    """The slope −1/K: a line that starts left of it is trapped. None if it is left of the kink."""
    # K, the total-least-squares slope: β K² − (var t / var x − 1) K − β = 0
    excess = SLOPE**2 + (noise / X["line"]) ** 2 - 1
    K = (excess + math.hypot(excess, 2 * SLOPE)) / (2 * SLOPE)
    return -1 / K if K * math.sqrt(lam) > 1 else None


def row_of(task: tuple[str, float], setting: Setting, runs: dict[str, list[float]]) -> Numbers:
    """How many runs of a setting are trapped, and how many of these are flat.

    `runs` has `wrong`, `mean_abs_k` and `rmse_to_truth`, each of all runs.
    """
    (name, noise), (method, lam, alpha) = task, setting
    wrong = np.array(runs["wrong"])
    flat = np.array(runs["mean_abs_k"]) < FLAT_BELOW * truth_of(name)["mean_abs_k"]
    trapped, expected = wrong > TRAPPED_ABOVE, None
    if (name, method) == ("line", LAI_ALONE) and lam:
        # of the starts k ~ N(0, 1) the fraction Φ(−1/K) is left of the barrier
        at = barrier(noise, lam)
        expected = 0.0 if at is None else NormalDist().cdf(at)
    return {
        "task": name,
        "noise": noise,
        "method": method,
        "lam": lam,
        "alpha": alpha,
        "runs": len(wrong),
        "trapped": int(trapped.sum()),
        "interval": list(wilson(int(trapped.sum()), len(wrong))),
        "expected": expected,
        "flat": int((trapped & flat).sum()),
        **{measure: mean(values) for measure, values in runs.items()},
    }


def landscape() -> Numbers:
    """Lai MSE over the line's slope in the infinite-sample limit, divided by its value at k = 0."""
    k = np.linspace(-2, 4, 241)
    curves = []
    for noise, lam in product((LITTLE[1], MUCH[1]), LAMS[:2]):
        # mean e² = (β − k)² var x + var noise; uniform in ±s has the variance s²/3
        value = ((SLOPE - k) ** 2 * X["line"] ** 2 + noise**2) / 3 * lai_factor(k, lam)
        loss = (value / value[k == 0]).round(4).tolist()
        curves.append({"noise": noise, "lam": lam, "barrier": barrier(noise, lam), "loss": loss})
    return {"k": k.round(4).tolist(), "curves": curves}
