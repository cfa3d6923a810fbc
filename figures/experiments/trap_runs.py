"""Runs that may be trapped: a line and a curve, fitted by Lai Training or parts of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from figures.experiments.inputs import Job, Source
from lai_ref import MLP, Adam, Array, Lai, Plain, TrainingState, lai_training

SLOPE = 3.0  # of the line, y = 3x, and the steepest of the curve, y = 1.5 sin 2x
X = {"line": 1.0, "curve": 2.0}  # x and the noise are uniform, x in ±X
N, BATCH_SIZE = 128, 32
NETS = {"line": MLP((1, 1)), "curve": MLP((1, 16, 1), "tanh")}
EPOCHS = {"line": 30, "curve": 25}  # of pretraining, and of one round after it
LR = {"line": 0.03, "curve": 0.05}
PRETRAINING: Job = {"lam": None, "alpha": 0.0, "slower": 1, "rounds": 1}


def train(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Compare each fit with the true function on a grid, by run of `job` and by seed.

    `wrong` is the fraction of grid points where k and the true slope differ in sign, among those
    where the true slope is not small. A flat fit has a small `mean_abs_k`. `rmse_to_truth` is the
    RMSE to the true function. `fits` has the predictions of each run with the first seed.

    A run is a dict: `lam` of the loss, or None for MSE; the fraction `alpha` of the points that get
    it; whether it is `pretrained` with MSE; `rounds`, the number of times it is trained for
    `EPOCHS`; `slower`, the divisor of Adam's learning rate and factor of the epochs.
    """
    task, net, x = job["task"], NETS[job["task"]], grid(job["task"])
    y_true, k_true = truth(task, x)
    steep = np.abs(k_true) > SLOPE / 3
    measures: dict[str, list[list[float]]] = {
        name: [[] for _ in job["runs"]] for name in ("wrong", "mean_abs_k", "rmse_to_truth")
    }
    fits = []
    for seed in job["seeds"]:
        pretrained = last_state(job, seed, PRETRAINING)
        for index, run in enumerate(job["runs"]):
            start = pretrained if run["pretrained"] else None
            theta = last_state(job, seed, run, start).theta
            y, tape = net.forward(theta, x[:, None])
            k = net.input_gradient(tape)[0][:, 0]
            measures["wrong"][index].append(float((k * k_true <= 0)[steep].mean()))
            measures["mean_abs_k"][index].append(float(np.abs(k).mean()))
            error = float(np.sqrt(((y - y_true) ** 2).mean()))
            measures["rmse_to_truth"][index].append(error)
            if seed == job["seeds"][0]:
                fits.append(y.round(4).tolist())
    return {**measures, "fits": fits}


def grid(task: str) -> Array:
    """The x at which a fit is compared with the true function."""
    return np.linspace(-X[task], X[task], 81)


def truth(task: str, x: Array) -> tuple[Array, Array]:
    """The true function, to which noise is added for the targets, and its derivative."""
    if task == "line":
        return SLOPE * x, np.full_like(x, SLOPE)
    return SLOPE / 2 * np.sin(2 * x), SLOPE * np.cos(2 * x)


def sample(task: str, noise: float, seed: int) -> tuple[Array, Array]:
    """A seed's data x and t, each (N,)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-X[task], X[task], N)
    return x, truth(task, x)[0] + rng.uniform(-noise, noise, N)


def last_state(job: Job, seed: int, run: Job, start: TrainingState | None = None) -> TrainingState:
    """The state at the end of a run from the seed's own initial θ, or resumed from `start`."""
    task, slower = job["task"], run["slower"]
    x, t = sample(task, job["noise"], seed)
    *_, last = lai_training(
        NETS[task],
        x[:, None],
        t,
        loss=Lai(run["lam"]) if run["lam"] else Plain(),
        alpha=run["alpha"],
        sampling="points",
        pretrain_epochs=start.epoch if start else 0,
        lai_epochs=EPOCHS[task] * run["rounds"] * slower,
        batch_size=BATCH_SIZE,
        optimizer=Adam(lr=LR[task] / slower),
        rng=np.random.default_rng([seed, 1]),
        resume_from=start,
    )
    return last.state
