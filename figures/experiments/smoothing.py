"""The smoothing methods that `frontier` compares: their trainings and results.

A method is a list of runs, one per value of its parameter. Lai and the gradient penalty on the same
samples draw the same 1% of the samples in every epoch.
"""

from __future__ import annotations

from typing import NamedTuple

from figures.experiments.equal_smoothness import CONTROL
from figures.experiments.inputs import Job
from figures.experiments.intervals import paired_change
from figures.experiments.protocol import STANDARDISED, arms_of, train_all
from figures.experiments.settings import Numbers, Settings
from figures.experiments.shrinkage import factor_to, shrunk

NOISES = [["std", 0.1]]
LAI, SAME, ALL = "Lai", "gradient penalty, same samples", "gradient penalty, all samples"
STOPPING, SHRINKAGE = "early stopping", "output shrinkage"
FACTORS = (1.0, 0.98, 0.96, 0.94, 0.92, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # c


class Method(NamedTuple):
    """A smoothing method: the changes of each of its runs to the control arm."""

    parameter: str  # its symbol
    changes: list[Job]  # the first entry of each is the parameter


METHODS = {
    LAI: Method(
        "λ",
        [{"lam": v} for v in (1.0, 0.5, 0.3, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.001)],
    ),
    SAME: Method("μ", [{"mu": v} for v in (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)]),
    ALL: Method(
        "μ",
        [{"mu": v, "alpha": 1.0} for v in (1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)],
    ),
    "weight decay": Method("decay", [{"decay": v} for v in (0.03, 0.1, 0.3, 1.0, 3.0)]),
    "input noise": Method("noise", [{"jitter": v} for v in (0.03, 0.1, 0.2, 0.5, 1.0)]),
    STOPPING: Method("epoch", []),  # its points are epochs of the control arm
    SHRINKAGE: Method("c", []),  # its points are made from the outputs of the control arm
}


def train_methods(settings: Settings) -> tuple[list[Job], list[Numbers]]:
    """The results of the control arms, and the points of all methods, MSE first."""
    control = arms_of(settings, range(settings.seeds), **STANDARDISED, noises=NOISES)
    choices = [
        (name, change)
        for name, method in METHODS.items()
        for change in method.changes[:: max(len(method.changes) - 1, 1) if settings.quick else 1]
    ]
    arms = control + [{**arm, **change} for _, change in choices for arm in control]
    results = train_all(settings, arms, "frontier")
    mse, *runs = (results[i : i + len(control)] for i in range(0, len(results), len(control)))
    points = [_point(CONTROL, None, mse)]
    for (method, change), seeds in zip(choices, runs, strict=True):
        points.append(_point(method, next(iter(change.values())), seeds))
    paths = [arm["pretraining"]["path"] + arm["path"] for arm in mse]
    for stops in zip(*paths, strict=True):
        points.append(_point(STOPPING, stops[0]["epoch"], list(stops)))
    for c in FACTORS:
        points.append(_point(SHRINKAGE, c, [shrunk(arm, c) for arm in mse]))
    return mse, points


def _point(method: str, value: float | None, runs: list[Numbers]) -> Numbers:
    """One method at one value of its parameter: a list over seeds of everything measured."""
    choosing, scoring = zip(*(run["halves"] for run in runs), strict=True)
    point = {
        "method": method,
        "parameter": METHODS[method].parameter if method in METHODS else None,
        "value": value,
        "rmse": list(scoring),
        "rmse_choosing": list(choosing),
        "variance": [run["variance"] for run in runs],
        "mean_grad_norm": [run["mean_grad_norm"] for run in runs],
    }
    if all("sensitivity" in run for run in runs):  # not measured along the path
        rows = [run["sensitivity"][0] for run in runs]
        point["sensitivity"] = [sum(row) / len(row) for row in rows]
    return point


def shrunk_to(mse: list[Job], control: Numbers, lai: Numbers, measure: str) -> Numbers:
    """Shrink MSE's outputs until a measure equals Lai's; compare the RMSE with Lai's."""
    arms = [
        {**arm, "sensitivity_mean": value}
        for arm, value in zip(mse, control["sensitivity"], strict=True)
    ]
    of = "sensitivity_mean" if measure == "sensitivity" else measure
    factors = [factor_to(arm, of, value) for arm, value in zip(arms, lai[measure], strict=True)]
    rmse = [shrunk(arm, c)["halves"][1] for arm, c in zip(arms, factors, strict=True)]
    return {
        "measure": measure,
        "value": lai["value"],
        "factor": factors,
        "rmse_change": paired_change(rmse, control["rmse"]),
        "lai_change": paired_change(lai["rmse"], control["rmse"]),
        "excess": paired_change(lai["rmse"], rmse),
    }
