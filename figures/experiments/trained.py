"""One training on a table: the jobs of the figures about the experiment (§6).

A network is pretrained with MSE, then trained for as many epochs with one of

    lam      the Lai loss, for a fraction α of the data (paper §5): one λ, or one per feature (§3.3)
    mu       the gradient penalty MSE + μ ‖k‖² (Drucker & LeCun 1992), for a fraction α of the
             data; or, with one μ per feature, MSE + Σ_j μ_j k_j²
    decay    MSE with AdamW: decoupled weight decay (Loshchilov & Hutter 2019)
    jitter   MSE with Gaussian noise on the inputs, redrawn in every epoch, in multiples of a
             feature's standard deviation (Bishop 1995)
    none     MSE alone: the control

These are the arms of the comparison. A further loss is a line of `LOSSES` in `arms`.

All arms of a seed share split, network, pretraining and, with the same sampling, the order of
batches, so differences are paired by seed. The measures do not depend on the scaling of the inputs:
k is per standard deviation of a feature. All are averaged over the last 20 epochs, since single
epochs vary by as much as the effects under study.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from figures.experiments.arms import CONTROL, make_loss, make_optimizer
from figures.experiments.evaluation import Evaluator, mean_of
from figures.experiments.inputs import Job, Source, digest_of, load_data
from lai_ref import (
    MLP,
    Adam,
    Array,
    Epoch,
    Experiment,
    Plain,
    TrainingState,
    lai_training,
    load_state,
    prepare,
    save_state,
)

# epochs after which a network is measured; early stopping chooses among them
LOGGED_EPOCHS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 75, 100, 120, 150, 200)
AVERAGED = 20  # number of last epochs over which results are averaged: RMSE over all of them,
EVERY, SENSITIVE_EVERY = 2, 4  # other measures over every 2nd, sensitivities over every 4th


def pretrain(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Train the epochs that all arms of a seed share; save a checkpoint beside the result."""
    first = {**job, **CONTROL, "sampling": "points", "lai_epochs": 0, "noises": []}
    run = run_training(first, data, start=None)
    checkpoint = cache.with_suffix(".npz")
    save_state(checkpoint, run.state)
    return {"state": checkpoint.name, "rmse": run.rmse, "path": run.path}


def continue_training(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Train the epochs after pretraining; return measures of the network.

    `curve`: the RMSE on the validation set after each epoch. `path`: the result of
    `Evaluator.measure` after some epochs. `rmse` and the entries of `measure`: means over the last
    epochs. `sensitivity`: mean |Δy| per feature, a row for each of the job's noises. `constant`:
    the RMSE of the best constant.
    """
    run = run_training(job, data, load_state(cache.parent / job["start"]))
    return {
        "curve": run.rmse,
        **mean_of(run.last),
        "rmse": statistics.mean(run.rmse[-AVERAGED:]),
        "lai_fraction": run.lai_fraction,
        "path": run.path,
        "sensitivity": np.mean(run.sensitivity, axis=0).tolist() if run.sensitivity else [],
        "constant": run.evaluator.target_scale
        * float(run.evaluator.task.t_val.std(dtype=np.float64)),
    }


class Run(NamedTuple):
    """A training and what was measured in it."""

    evaluator: Evaluator
    state: TrainingState
    rmse: list[float]  # on the validation set, after each epoch
    lai_fraction: float  # the mean of all epochs
    path: list[dict[str, Any]]  # `Evaluator.measure` at `LOGGED_EPOCHS`
    last: list[dict[str, Any]]  # the same at every second of the last epochs
    sensitivity: list[Array]  # at every fourth of them, (noises, D)


def run_training(job: Job, data: Source, start: TrainingState | None) -> Run:
    """Train by Lai Training, from the job's seed or resumed from `start`, and measure."""
    rng = np.random.default_rng(job["seed"])
    net = MLP(job["sizes"], job["activation"])
    evaluator = make_evaluator(net, job, data, rng)
    task, unit_t = evaluator.task, evaluator.target_scale
    if start is not None and job["new_adam"]:
        start = start._replace(optimizer=Adam().init(start.theta))

    total = job["pretrain_epochs"] + job["lai_epochs"]
    averaged = min(AVERAGED, job["lai_epochs"])
    rmse, fractions, path, last, sensitivity = [], [], [], [], []
    for epoch in _epochs(job, net, task, rng, start, evaluator.unit):
        rmse.append(unit_t * float(epoch.rmse or math.nan))
        fractions.append(epoch.lai_fraction)
        left = total - epoch.index
        at_end = left < averaged and left % EVERY == 0
        if at_end or epoch.index in LOGGED_EPOCHS:
            record = {"epoch": epoch.index, "rmse": rmse[-1]}
            record |= evaluator.measure(epoch.state.theta)
            if at_end:
                last.append(record)
            if epoch.index in LOGGED_EPOCHS:
                path.append(record)
        if job["noises"] and left < averaged and left % SENSITIVE_EVERY == 0:
            sensitivity.append(evaluator.sensitivity(epoch.state.theta))
    fraction = statistics.mean(fractions)
    return Run(evaluator, epoch.state, rmse, fraction, path, last, sensitivity)


def make_evaluator(net: MLP, job: Job, data: Source, rng: np.random.Generator) -> Evaluator:
    """Split and scale the data of a job; return the evaluator of its network.

    Without test data, the inputs of the validation set replace them.
    """
    source, rows = load_data(data), slice(job["rows"])
    if digest_of(source.x, source.t, source.x_test) != job["data"]:
        raise ValueError("data: the files have changed since this run began; rerun the command")
    source = source._replace(x=source.x[rows], t=source.t[rows], x_test=source.x_test[rows])
    perm = copy.deepcopy(rng).permutation(len(source.x))  # that of `prepare`
    task, raw = prepare(source, rng, job["scaling"], job["dtype"]), source.x_test
    val, train = perm[: len(task.x_val)], perm[len(task.x_val) :][: job["train_rows"]]
    task = task._replace(x=task.x[: len(train)], t=task.t[: len(train)])
    if not len(raw):
        task, raw = task._replace(x_test=task.x_val), source.x[val]
    if job["target_scaling"] == "raw":
        return Evaluator(net, task, raw, job)
    std = float(source.t[train].std()) or 1.0
    t = ((source.t - source.t[train].mean()) / std).astype(job["dtype"])
    return Evaluator(net, task._replace(t=t[train], t_val=t[val]), raw, job, std)


def _epochs(
    job: Job,
    net: MLP,
    task: Experiment,
    rng: np.random.Generator,
    start: TrainingState | None,
    unit: Array,
) -> Iterator[Epoch]:
    """The epochs of a job; `unit` is one standard deviation of each scaled input."""
    loss, x, t = make_loss(job), task.x, task.t
    options: dict[str, Any] = {
        "loss": loss,
        "alpha": 0.0 if loss == Plain() else job["alpha"],
        "sampling": job["sampling"],
        "pretrain_epochs": job["pretrain_epochs"],
        "lai_epochs": job["lai_epochs"],
        "batch_size": min(job["batch_size"], len(x)),
        "optimizer": make_optimizer(job, net),
        "rng": rng,
        "validation": (task.x_val, task.t_val),
        "resume_from": start,
    }
    if start is None:
        return lai_training(net, x, t, **options)
    if job["jitter"] is not None:
        return _with_jitter(job, net, x, t, options, unit)
    if job["sampling"] not in ("fixed", "only"):
        return lai_training(net, x, t, **options)
    if loss == Plain():
        return lai_training(net, x, t, **options | {"sampling": "separate"})
    # these use the same points in all epochs
    perm = np.random.default_rng(job["seed"]).permutation(len(x))
    count = math.ceil(job["alpha"] * len(x) * (1 - 2**-52))  # as `lai_training` rounds
    drawn, others = perm[:count], perm[count:]
    if job["sampling"] == "only":  # no other points are used after pretraining
        options |= {
            "alpha": 1.0,
            "sampling": "batches",
            "batch_size": min(job["batch_size"], count),
        }
        return lai_training(net, x[drawn], t[drawn], **options)
    return _separate_and_fixed(net, x, t, drawn, others, options)


def _with_jitter(
    job: Job, net: MLP, x: Array, t: Array, options: dict[str, Any], unit: Array
) -> Iterator[Epoch]:
    """Yield epochs, each with new noise on the inputs."""
    for _ in range(job["lai_epochs"]):
        seed = job["seed"], options["resume_from"].epoch
        noise = np.random.default_rng(seed).standard_normal(x.shape) * (job["jitter"] * unit)
        epoch = next(lai_training(net, x + noise.astype(x.dtype), t, **options))
        options["resume_from"] = epoch.state
        yield epoch


def _separate_and_fixed(
    net: MLP, x: Array, t: Array, drawn: Array, others: Array, options: dict[str, Any]
) -> Iterator[Epoch]:
    """Yield epochs as with sampling="separate", but with the same Lai points in every epoch."""
    plain = options | {"loss": Plain(), "alpha": 0.0, "sampling": "batches", "validation": None}
    plain["batch_size"] = min(plain["batch_size"], len(others))
    lai = options | {"alpha": 1.0, "sampling": "batches", "batch_size": len(drawn)}
    state = options["resume_from"]
    for _ in range(options["lai_epochs"]):
        first = next(
            iter(lai_training(net, x[others], t[others], **plain | {"resume_from": state}))
        )
        between = first.state._replace(epoch=state.epoch)  # both calls together make one epoch
        epoch = next(lai_training(net, x[drawn], t[drawn], **lai | {"resume_from": between}))
        state = epoch.state
        yield replace(epoch, lai_fraction=len(drawn) / len(x))
