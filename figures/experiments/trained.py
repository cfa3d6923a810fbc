"""One training on the California data: what the jobs of the figures about the experiment compute.

An arm of seed s is pretrained with MSE, then goes on for as many epochs with one of

    lam      the Lai loss, for a share α of the data (paper §5): one λ, or one a feature (§3.3)
    mu       double backpropagation, MSE + μ ‖k‖² (Drucker & LeCun 1991), for a share α of the data
    decay    MSE, and each step shrinks the weights by lr · decay (Loshchilov & Hutter 2019)
    none     MSE alone: the control group

A further loss is a line of `LOSSES`.

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

from figures.experiments.inputs import Arm, california, digest_of
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

# The loss of an arm that has a number under this name; it gets the arm, for whatever else it needs
LOSSES: dict[str, Callable[[Arm], Loss]] = {
    "lam": lambda arm: Lai(arm["lam"], arm["order"], arm["l1_ratio"], arm["reduction"]),
    "mu": lambda arm: GradientPenalty(arm["mu"]),
}
CONTROL: Arm = dict.fromkeys((*LOSSES, "decay"))
# epochs after which smoothness is measured too, for the path that early stopping chooses from
TRACKED = (1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100, 120, 150, 200)
SHARES = (0.01, 0.03, 0.1, 0.3, 1.0)  # the noise of §6.2, whose size the paper does not name
EVERY = 3  # noise is put on every third row of the test set


@dataclass(frozen=True)
class DecayingAdam(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr · decay · θ in each step, biases excepted."""

    shrinking: Array = field(kw_only=True)  # (P,): `decay` for a weight, 0 for a bias

    def step(self, theta: Array, grad: Array, state: AdamState) -> tuple[Array, AdamState]:
        stepped, state = super().step(theta, grad, state)
        return stepped - self.lr * self.shrinking * theta, state


def pretrain(arm: Arm, data: Path | None, kept: Path) -> dict[str, Any]:
    """The epochs that all arms of a seed share; the state is left beside the result."""
    first = {**arm, **CONTROL, "sampling": "points", "lai_epochs": 0}
    _, epochs, path = _train(first, data, start=None)
    state_path = kept.with_suffix(".npz")
    save_state(state_path, epochs[-1].state)
    return {"state": state_path.name, "rmse": [epoch.rmse for epoch in epochs], "path": path}


def continue_training(arm: Arm, data: Path | None, kept: Path) -> dict[str, Any]:
    """The epochs after pretraining, and what the network is like at the end.

    `rmse`: after each epoch, on the validation fifth. `variance` of the outputs and `slope`, the
    mean of ‖k‖₂: on the test set. `path`: RMSE, variance and slope after some of the epochs.
    `sensitivity`: mean |Δy| by feature, for noise as a share of a feature's standard deviation
    ("spread") and of its value ("value"); one row for each of `SHARES`.
    """
    judge, epochs, path = _train(arm, data, load_state(kept.parent / arm["start"]))
    theta = epochs[-1].state.theta
    return {
        "rmse": [epoch.rmse for epoch in epochs],
        **judge.smoothness(theta),
        "lai_share": statistics.mean(epoch.lai_fraction for epoch in epochs),
        "path": path,
        "sensitivity": judge.sensitivity(theta),
    }


def _train(
    arm: Arm, data: Path | None, start: TrainingState | None
) -> tuple[_Judge, list[Epoch], list[dict[str, Any]]]:
    source, rows = california(data), slice(arm["rows"])
    if digest_of(source.x, source.t, source.x_test) != arm["data"]:
        raise ValueError("data: the files have changed since this run began; start it again")
    source = source._replace(x=source.x[rows], t=source.t[rows], x_test=source.x_test[rows])
    rng = np.random.default_rng(arm["seed"])
    task = prepare(source, rng, arm["scaling"], arm["dtype"])
    net = MLP(arm["sizes"], arm["activation"])
    judge = _Judge(net, task, source.x_test, arm)
    loss = _loss(arm)
    training = lai_training(
        net,
        task.x,
        task.t,
        loss=loss,
        alpha=0.0 if loss == Plain() else arm["alpha"],
        sampling=arm["sampling"],
        pretrain_epochs=arm["pretrain_epochs"],
        lai_epochs=arm["lai_epochs"],
        batch_size=arm["batch_size"],
        optimizer=_optimizer(arm, net),
        rng=rng,
        validation=(task.x_val, task.t_val),
        resume_from=start,
    )
    epochs, path = [], []
    for epoch in training:
        epochs.append(epoch)
        if epoch.index in TRACKED:
            smoothness = judge.smoothness(epoch.state.theta)
            path.append({"epoch": epoch.index, "rmse": epoch.rmse, **smoothness})
    return judge, epochs, path


def _loss(arm: Arm) -> Loss:
    made = [make(arm) for name, make in LOSSES.items() if arm[name] is not None]
    if len(made) > 1:
        raise ValueError(f"arm: expected at most one of {', '.join(LOSSES)}, got {len(made)}")
    return made[0] if made else Plain()


def _optimizer(arm: Arm, net: MLP) -> Adam:
    if arm["decay"] is None:
        return Adam(lr=arm["lr"])
    layers = [np.r_[np.full(n * m, arm["decay"]), np.zeros(m)] for n, m in pairwise(net.sizes)]
    return DecayingAdam(lr=arm["lr"], shrinking=np.concatenate(layers).astype(arm["dtype"]))


class _Judge(NamedTuple):
    """What a trained network is judged on: the test set, whose targets nobody has."""

    net: MLP
    task: Experiment
    raw: Array  # the test set's inputs before scaling
    arm: Arm

    @property
    def unit(self) -> Array:
        """One standard deviation of each feature (D,), in units of the network's inputs."""
        std = self.task.std
        return std if self.arm["scaling"] == "raw" else np.ones_like(std)

    def smoothness(self, theta: Array) -> dict[str, float]:
        y, tape = self.net.forward(theta, self.task.x_test)
        k, _ = self.net.input_gradient(tape)
        norms = np.linalg.norm(k * self.unit, axis=1)
        return {"variance": float(y.var(dtype=np.float64)), "slope": float(norms.mean())}

    def sensitivity(self, theta: Array) -> dict[str, list[list[float]]]:
        x, std = self.task.x_test[::EVERY], self.task.std
        sizes = {"spread": self.unit, "value": np.abs(self.raw[::EVERY]) / std * self.unit}

        def change(sigma: Array) -> list[float]:
            rng = np.random.default_rng(self.arm["seed"])
            return [float(c) for c in noise_sensitivity(self.net, theta, x, sigma, rng)]

        return {kind: [change(share * s) for share in SHARES] for kind, s in sizes.items()}
