"""One training on the California data: the jobs of the figures about the experiment (§6).

A network is pretrained with MSE, then trained for as many epochs with one of

    lam      the Lai loss, for a fraction α of the data (paper §5): one λ, or one per feature (§3.3)
    mu       the gradient penalty MSE + μ ‖k‖² (Drucker & LeCun 1991), for a fraction α of the data
    decay    MSE with AdamW: decoupled weight decay (Loshchilov & Hutter 2019)
    none     MSE alone: the control group

These are the arms of the comparison. A further loss is a line of `LOSSES`.

All arms of a seed share split, network, pretraining and, with the same sampling, the order of
batches, so that differences are taken seed by seed. What is measured is independent of the scaling
of the inputs: k is taken per standard deviation of a feature.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from figures.experiments.inputs import Job, california, digest_of
from lai_ref import (
    MLP,
    Adam,
    AdamState,
    Array,
    Epoch,
    Experiment,
    GradientPenalty,
    Lai,
    Loss,
    Plain,
    TrainingState,
    lai_training,
    load_state,
    noise_sensitivity,
    prepare,
    save_state,
)

# The loss of a job that has a number under this name; it gets the job, for whatever else it needs
LOSSES: dict[str, Callable[[Job], Loss]] = {
    "lam": lambda job: Lai(job["lam"], job["order"], job["l1_ratio"], job["reduction"]),
    "mu": lambda job: GradientPenalty(job["mu"]),
}
CONTROL: Job = dict.fromkeys((*LOSSES, "decay"))
# Epochs after which smoothness is measured too, for the path that early stopping chooses from
LOGGED_EPOCHS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100, 120, 150, 200)
NOISE_LEVELS = (0.01, 0.03, 0.1, 0.3, 1.0)  # of §6.2; the paper does not name its own
TEST_STRIDE = 3  # noise is put on every third sample of the test set


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr · decay · θ in each step, biases excepted."""

    weight_decay: Array = field(kw_only=True)  # (P,): `decay` for a weight, 0 for a bias

    def step(self, theta: Array, grad: Array, state: AdamState) -> tuple[Array, AdamState]:
        stepped, state = super().step(theta, grad, state)
        return stepped - self.lr * self.weight_decay * theta, state


def pretrain(job: Job, data: Path | None, cache: Path) -> dict[str, Any]:
    """The epochs that all arms of a seed share; a checkpoint is left beside the result."""
    first = {**job, **CONTROL, "sampling": "points", "lai_epochs": 0}
    _, epochs, path = run_training(first, data, start=None)
    checkpoint = cache.with_suffix(".npz")
    save_state(checkpoint, epochs[-1].state)
    return {"state": checkpoint.name, "rmse": [epoch.rmse for epoch in epochs], "path": path}


def continue_training(job: Job, data: Path | None, cache: Path) -> dict[str, Any]:
    """The epochs after pretraining, and what the network is like at the end.

    `rmse`: after each epoch, on the validation set. `variance` of the outputs and `slope`, the
    mean of ‖k‖₂: on the test set. `path`: RMSE, variance and slope after some of the epochs.
    `sensitivity`: mean |Δy| per feature, for noise in multiples of a feature's standard deviation
    ("spread") and of its value ("value"); one row for each of `NOISE_LEVELS`.
    """
    evaluator, epochs, path = run_training(job, data, load_state(cache.parent / job["start"]))
    theta = epochs[-1].state.theta
    return {
        "rmse": [epoch.rmse for epoch in epochs],
        **evaluator.smoothness(theta),
        "lai_share": statistics.mean(epoch.lai_fraction for epoch in epochs),
        "path": path,
        "sensitivity": evaluator.sensitivity(theta),
    }


def run_training(
    job: Job, data: Path | None, start: TrainingState | None
) -> tuple[Evaluator, list[Epoch], list[dict[str, Any]]]:
    """Train by Lai Training, from the job's seed or resumed from `start`.

    Returns what evaluates the network, every epoch, and RMSE and smoothness at `LOGGED_EPOCHS`.
    """
    source, rows = california(data), slice(job["rows"])
    if digest_of(source.x, source.t, source.x_test) != job["data"]:
        raise ValueError("data: the files have changed since this run began; rerun the command")
    source = source._replace(x=source.x[rows], t=source.t[rows], x_test=source.x_test[rows])
    rng = np.random.default_rng(job["seed"])
    task = prepare(source, rng, job["scaling"], job["dtype"])
    net = MLP(job["sizes"], job["activation"])
    evaluator = Evaluator(net, task, source.x_test, job)
    loss = make_loss(job)
    training = lai_training(
        net,
        task.x,
        task.t,
        loss=loss,
        alpha=0.0 if loss == Plain() else job["alpha"],
        sampling=job["sampling"],
        pretrain_epochs=job["pretrain_epochs"],
        lai_epochs=job["lai_epochs"],
        batch_size=job["batch_size"],
        optimizer=make_optimizer(job, net),
        rng=rng,
        validation=(task.x_val, task.t_val),
        resume_from=start,
    )
    epochs, path = [], []
    for epoch in training:
        epochs.append(epoch)
        if epoch.index in LOGGED_EPOCHS:
            smoothness = evaluator.smoothness(epoch.state.theta)
            path.append({"epoch": epoch.index, "rmse": epoch.rmse, **smoothness})
    return evaluator, epochs, path


def make_loss(job: Job) -> Loss:
    """The loss after pretraining."""
    made = [make(job) for name, make in LOSSES.items() if job[name] is not None]
    if len(made) > 1:
        raise ValueError(f"job: expected at most one of {', '.join(LOSSES)}, got {len(made)}")
    return made[0] if made else Plain()


def make_optimizer(job: Job, net: MLP) -> Adam:
    """Adam, or AdamW for a job with `decay`."""
    if job["decay"] is None:
        return Adam(lr=job["lr"])
    layers = [np.r_[np.full(n * m, job["decay"]), np.zeros(m)] for n, m in pairwise(net.sizes)]
    return AdamW(lr=job["lr"], weight_decay=np.concatenate(layers).astype(job["dtype"]))


class Evaluator(NamedTuple):
    """Measures a network on the test set, whose targets are not published."""

    net: MLP
    task: Experiment
    raw: Array  # the test set's inputs before scaling
    job: Job

    @property
    def unit(self) -> Array:
        """One standard deviation of each feature (D,), in units of the network's inputs."""
        std = self.task.std
        return std if self.job["scaling"] == "raw" else np.ones_like(std)

    def smoothness(self, theta: Array) -> dict[str, float]:
        """Variance of the outputs, and `slope`: the mean of ‖k‖₂."""
        y, tape = self.net.forward(theta, self.task.x_test)
        k, _ = self.net.input_gradient(tape)
        norms = np.linalg.norm(k * self.unit, axis=1)
        return {"variance": float(y.var(dtype=np.float64)), "slope": float(norms.mean())}

    def sensitivity(self, theta: Array) -> dict[str, list[list[float]]]:
        """Mean |Δy| per feature, for each kind of noise and each of `NOISE_LEVELS`."""
        x, std = self.task.x_test[::TEST_STRIDE], self.task.std
        units = {"spread": self.unit, "value": np.abs(self.raw[::TEST_STRIDE]) / std * self.unit}

        def change(sigma: Array) -> list[float]:
            rng = np.random.default_rng(self.job["seed"])
            return [float(c) for c in noise_sensitivity(self.net, theta, x, sigma, rng)]

        return {kind: [change(s * unit) for s in NOISE_LEVELS] for kind, unit in units.items()}
