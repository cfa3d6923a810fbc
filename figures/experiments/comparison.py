"""The trainings of `compare`, the choice of each method's setting, and its change to MSE.

All methods are treated equally. Each has the same number of settings; one of them is plain MSE,
the run without a method at its end. All are measured in the same way (`train_to_stops`). One half
of the validation set chooses the setting with the smallest RMSE, the other half scores it; then the
halves swap roles. A change is the mean over both of ln(method / MSE), one number per seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from figures.experiments.compare_runs import train_to_stops
from figures.experiments.inputs import Job
from figures.experiments.intervals import interval_of_mean
from figures.experiments.jobs import run_jobs
from figures.experiments.settings import Numbers, Settings
from lai_ref import Array

NOISE = 0.1  # of a feature's standard deviation, for the sensitivities
OVERLAP = 0.2 / 0.8  # the ratio of validation to training samples
LAI, PENALTY, STOPPING = "Lai", "gradient penalty", "early stopping"


class Method(NamedTuple):
    """A regularisation method and the values of its parameter, weak to strong (not plain MSE)."""

    symbol: str
    parameter: str  # its name in a job
    values: tuple[float, ...]


METHODS = {
    LAI: Method("λ", "lam", (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)),
    PENALTY: Method("μ", "mu", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
    # fractions of all epochs; no further training
    STOPPING: Method("epoch", "", (0.75, 0.5, 0.35, 0.2, 0.1, 0.05, 0.025)),
}
QUICK_STEP = 3  # with --quick, every third value


def train(settings: Settings, control: list[Job]) -> list[list[Numbers]]:
    """The runs of all methods by seed: `method`, `value` and the measures; MSE first."""
    step = QUICK_STEP if settings.quick else 1
    total = control[0]["pretrain_epochs"] + control[0]["lai_epochs"]
    window = max(1, total // 40)
    stops = [max(window, round(f * total)) for f in METHODS[STOPPING].values[::step]]
    about = {"noises": [["std", NOISE]], "window": window}
    changes: list[tuple[str, Job]] = [("MSE", {"stops": [total, *dict.fromkeys(stops)]})]
    changes += [
        (name, {method.parameter: value, "stops": [total]})
        for name, method in METHODS.items()
        if method.parameter
        for value in method.values[::step]
    ]
    jobs = [{**arm, **about, **change} for arm in control for _, change in changes]
    folder = settings.out / "arms"
    results = run_jobs(train_to_stops, jobs, settings.inputs, folder, settings.jobs, "compare")
    by_seed = []
    for start in range(0, len(jobs), len(changes)):
        runs: list[Numbers] = []
        for i, (name, _) in enumerate(changes, start):
            value = jobs[i].get(METHODS[name].parameter) if name in METHODS else None
            first, *earlier = results[i]["stops"]
            shared = {of: results[i][of] for of in ("train", "validation", "constant")}
            runs.append({"method": name, "value": value, **first, **shared})
            runs += [{"method": STOPPING, "value": r["epoch"], **r} for r in earlier]
        by_seed.append(runs)
    return by_seed


def judge(by_seed: list[list[Numbers]]) -> Numbers:
    """Assess the methods: levels of a constant and of MSE; per method, choices and changes to MSE.

    The intervals are those of `interval_of_mean` for splits of one table, and hold jointly for the
    methods with 95 %.
    """
    mse = [runs[0] for runs in by_seed]
    return {
        "samples": {size: mse[0][size] for size in ("train", "validation")},
        "constant_rmse": float(np.mean([run["constant"] for run in mse])),
        "mse": {
            "rmse": float(np.mean([run["halves"] for run in mse])),
            "mean_grad_norm": float(np.mean([run["mean_grad_norm"] for run in mse])),
            "sensitivity": np.mean([run["sensitivity"] for run in mse], axis=0).tolist(),
        },
        "methods": {name: _judged(name, by_seed) for name in METHODS},
    }


def never_chosen(method: Numbers) -> bool:
    """Whether both halves of every seed chose plain MSE, so that the method was not used at all."""
    return all(value is None for pair in method["chosen"] for value in pair)


def _judged(name: str, by_seed: list[list[Numbers]]) -> Numbers:
    candidates = [[runs[0], *(r for r in runs if r["method"] == name)] for runs in by_seed]

    def change(logs: Any) -> Numbers:
        return interval_of_mean(logs, len(METHODS), OVERLAP)

    chosen = [[_best(runs, half) for half in (0, 1)] for runs in candidates]
    pairs = [(runs[0], best) for runs, best in zip(candidates, chosen, strict=True)]
    rmse = np.array([[best[h]["halves"][1 - h] for h in (0, 1)] for _, best in pairs])
    base = np.array([[mse["halves"][1 - h] for h in (0, 1)] for mse, _ in pairs])
    mse, *others = zip(*candidates, strict=True)
    by_seed_change = np.log(rmse / base).mean(axis=1)
    return {
        "chosen": [[run["value"] for run in best] for best in chosen],
        "rmse": float(rmse.mean()),
        "rmse_change": change(by_seed_change) | {"by_seed": np.expm1(by_seed_change).tolist()},
        "lower_in": int((by_seed_change < 0).sum()),
        **{
            f"{measure}_change": change([_log_ratio(best, mse, measure) for mse, best in pairs])
            for measure in ("mean_grad_norm", "sensitivity")
        },
        "settings": [_setting(runs, mse) for runs in others],
    }


def _best(runs: Sequence[Numbers], half: int) -> Numbers:
    return min(runs, key=lambda run: float(run["halves"][half]))


def _log_ratio(best: Sequence[Numbers], mse: Numbers, measure: str) -> Array:
    """ln(method / MSE) of a measure, the mean over the runs that the two halves chose.

    For a feature that is constant among the training samples, noise and change are 0.
    """
    base = np.asarray(mse[measure])
    one = np.where(base == 0, 1.0, 0.0)
    logs = [np.log((run[measure] + one) / (base + one)) for run in best]
    ratio: Array = np.mean(logs, axis=0)
    return ratio


def _setting(runs: Sequence[Numbers], mse: Sequence[Numbers]) -> Numbers:
    """The changes to MSE over the seeds of one setting, without any choice."""
    found: Numbers = {"value": runs[0]["value"]}
    for name, measure in (("rmse", "halves"), ("mean_grad_norm", "mean_grad_norm")):
        logs = [np.mean(_log_ratio([run], m, measure)) for run, m in zip(runs, mse, strict=True)]
        found[f"{name}_change"] = float(np.expm1(np.mean(logs)))
    return found
