from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import trained
from figures.experiments.arms import CONTROL, LOSSES
from figures.experiments.evaluation import Evaluator
from figures.experiments.inputs import digest_of, load_data
from figures.experiments.protocol import PROTOCOL
from figures.experiments.trained import Run, continue_training, pretrain, run_training
from lai_ref import (
    MLP,
    Adam,
    Array,
    Epoch,
    Experiment,
    Lai,
    Plain,
    TrainingState,
    lai_training,
    load_state,
    prepare,
    rmse,
)

Job = dict[str, Any]
N, BATCH, PRETRAIN, AFTER = 320, 64, 3, 22  # samples to train on: 80 % of the rows
SMALL: Job = {
    "sizes": [8, 6, 1],
    "rows": 400,
    "batch_size": BATCH,
    "lr": 1e-2,
    "alpha": 0.05,
    "pretrain_epochs": PRETRAIN,
    "lai_epochs": AFTER,
    "noises": [["std", 0.5], ["value", 0.1]],
}
DRAWN = 16  # α N
METHODS: dict[str, Job] = {
    "control": {},
    "lam": {"lam": 0.01, "alpha": 1.0},
    "mu": {"mu": 0.02, "alpha": 1.0},
    "mu by feature": {"mu": [0.02] * 8, "alpha": 1.0},
    "decay": {"decay": 0.3},
    "jitter": {"jitter": 1.0},
}


def job(**changes: Any) -> Job:
    data = load_data(None)
    named = {"data": digest_of(data.x, data.t, data.x_test), "seed": 3}
    return {**PROTOCOL, **CONTROL, **SMALL, **named, **changes}


def task_of(arm: Job) -> tuple[Experiment, Array]:
    """The data of a job, and the test set's inputs before scaling."""
    data, rows = load_data(None), slice(arm["rows"])
    data = data._replace(x=data.x[rows], t=data.t[rows], x_test=data.x_test[rows])
    rng = np.random.default_rng(arm["seed"])
    return prepare(data, rng, arm["scaling"], arm["dtype"]), data.x_test


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file beside which there is the checkpoint of the pretraining, start.npz."""
    folder = tmp_path_factory.mktemp("trained")
    pretrain(job(), None, folder / "start.json")
    return folder / "arm.json"


@pytest.fixture(scope="module")
def start(cache: Path) -> TrainingState:
    return load_state(cache.with_name("start.npz"))


@pytest.fixture(scope="module")
def runs(start: TrainingState) -> dict[str, Run]:
    # with "points" the arms with α = 1 make as many steps as the others
    jobs = {name: job(sampling="points", **arm) for name, arm in METHODS.items()}
    return {name: run_training(arm, None, start) for name, arm in jobs.items()}


# What is measured, and when


def own_epochs(arm: Job, loss: Lai) -> Iterator[Epoch]:
    """Those after pretraining, by `lai_training` alone."""
    rng = np.random.default_rng(arm["seed"])
    data, rows = load_data(None), slice(arm["rows"])
    data = data._replace(x=data.x[rows], t=data.t[rows], x_test=data.x_test[rows])
    task = prepare(data, rng, arm["scaling"], arm["dtype"])
    options: dict[str, Any] = {
        "validation": (task.x_val, task.t_val),
        "batch_size": BATCH,
        "optimizer": Adam(lr=arm["lr"]),
        "pretrain_epochs": PRETRAIN,
        "rng": rng,
    }
    net = MLP(arm["sizes"], arm["activation"])
    first: Job = {"loss": Plain(), "alpha": 0.0, "sampling": "points", "lai_epochs": 0}
    *_, last = lai_training(net, task.x, task.t, **options, **first)
    then: Job = {"loss": loss, "alpha": arm["alpha"], "sampling": "separate", "lai_epochs": AFTER}
    return lai_training(net, task.x, task.t, **options, **then, resume_from=last.state)


def test_results_are_means_over_the_last_20_epochs(cache: Path) -> None:
    arm = job(lam=0.1)
    found = continue_training({**arm, "start": "start.npz"}, None, cache)
    epochs = list(own_epochs(arm, Lai(0.1)))
    assert found["curve"] == [epoch.rmse for epoch in epochs]
    assert len(epochs) == AFTER
    # RMSE: of all 20
    errors = [epoch.rmse for epoch in epochs if epoch.rmse is not None]
    assert found["rmse"] == pytest.approx(np.mean(errors[2:]), rel=1e-12)

    # the rest: of every second one, up to the last
    task, raw = task_of(arm)
    net = MLP(arm["sizes"], arm["activation"])
    measured: dict[str, list[Any]] = {"variance": [], "norm": [], "abs_k": [], "halves": []}
    for epoch in epochs[3::2]:
        theta = epoch.state.theta
        measured["variance"].append(np.var(net.predict(theta, task.x_test).astype(float)))
        k = net.input_gradient(net.forward(theta, task.x_test[::4])[1])[0] * task.std / task.scale
        measured["norm"].append(np.sqrt((k**2).sum(axis=1)).mean())
        measured["abs_k"].append(np.abs(k).mean(axis=0))
        y, t = net.predict(theta, task.x_val).astype(float), task.t_val.astype(float)
        measured["halves"].append([rmse(y[:40], t[:40]), rmse(y[40:], t[40:])])
    assert len(measured["norm"]) == 10
    names = {"variance": "variance", "mean_grad_norm": "norm", "mean_abs_k": "abs_k"}
    for name, mine in {**names, "halves": "halves"}.items():
        np.testing.assert_allclose(found[name], np.mean(measured[mine], axis=0), rtol=1e-6)

    # sensitivities: of every fourth one, up to the last
    evaluator = Evaluator(net, task, raw, arm)
    rows = [evaluator.sensitivity(epoch.state.theta) for epoch in epochs[5::4]]
    assert len(rows) == 5
    np.testing.assert_allclose(found["sensitivity"], np.mean(rows, axis=0), rtol=1e-6)
    assert np.shape(found["sensitivity"]) == (2, 8)
    assert found["constant"] == pytest.approx(np.std(task.t_val.astype(float)), rel=1e-12)


def test_fewer_epochs_than_20_are_all_averaged(cache: Path) -> None:
    arm = job(lai_epochs=4, noises=[])
    found = continue_training({**arm, "start": "start.npz"}, None, cache)
    assert found["rmse"] == pytest.approx(np.mean(found["curve"]), rel=1e-12)
    assert len(found["curve"]) == 4 and found["sensitivity"] == []
    # the one record between, of epoch 5, is the first of two; the other one is of the last epoch
    last = run_training(arm, None, load_state(cache.with_name("start.npz"))).last
    assert [record["epoch"] for record in last] == [5, 7]


def test_the_path_has_the_logged_epochs(cache: Path, runs: dict[str, Run]) -> None:
    first = pretrain(job(), None, cache.with_name("again.json"))
    assert [record["epoch"] for record in first["path"]] == [1, 2, 3]
    assert [record["rmse"] for record in first["path"]] == first["rmse"]
    for run in runs.values():
        assert [record["epoch"] for record in run.path] == [5, 8, 12, 20]
        assert [record["rmse"] for record in run.path] == [run.rmse[i - 4] for i in (5, 8, 12, 20)]


def test_other_data_than_those_of_the_job_are_rejected() -> None:
    with pytest.raises(ValueError, match="the files have changed"):
        run_training(job(data="other"), None, None)


# The arms


def test_only_the_arms_with_a_loss_of_their_own_draw_samples(
    runs: dict[str, Run], start: TrainingState
) -> None:
    fractions = {name: run.lai_fraction for name, run in runs.items()}
    assert fractions == {name: float("alpha" in METHODS[name]) for name in METHODS}
    assert run_training(job(lam=0.1), None, start).lai_fraction == DRAWN / N


def test_each_method_smooths(runs: dict[str, Run]) -> None:
    norms = {name: run.last[-1]["mean_grad_norm"] for name, run in runs.items()}
    control = norms.pop("control")
    assert all(norm < control for norm in norms.values())


def test_all_arms_of_a_seed_draw_the_same_numbers(runs: dict[str, Run]) -> None:
    assert len({run.state.generator for run in runs.values()}) == 1


def test_equal_mus_are_one_mu(runs: dict[str, Run]) -> None:
    np.testing.assert_allclose(runs["mu by feature"].rmse, runs["mu"].rmse, rtol=1e-4)


def test_a_further_loss_takes_one_line(
    monkeypatch: pytest.MonkeyPatch, start: TrainingState
) -> None:
    monkeypatch.setitem(LOSSES, "absolute", lambda arm: Plain(order=1))
    arm = job(absolute=True, alpha=1.0)
    # it gets its samples, though it does not depend on k
    assert run_training(arm, None, start).lai_fraction == 1


# What `lai_training` is given


class Call:
    """One call of `lai_training`: its data and options."""

    def __init__(self, x: Array, t: Array, options: Job) -> None:
        self.x, self.t, self.options = x, t, options

    def samples(self, x: Array) -> list[int]:
        """The places of its inputs in x, where no two rows are equal."""
        places = {row.tobytes(): i for i, row in enumerate(x)}
        return [places[row.tobytes()] for row in self.x]


@pytest.fixture
def calls_of(
    monkeypatch: pytest.MonkeyPatch, start: TrainingState
) -> Callable[..., tuple[list[Call], Run]]:
    """Train a job from the pretraining, with a record of all calls."""
    calls: list[Call] = []

    def recorded(net: MLP, x: Array, t: Array, **options: Any) -> Iterator[Epoch]:
        calls.append(Call(x, t, {**options}))
        return lai_training(net, x, t, **options)

    monkeypatch.setattr(trained, "lai_training", recorded)

    def train(**changes: Any) -> tuple[list[Call], Run]:
        calls.clear()
        run = run_training(job(**changes), None, start)
        return [*calls], run

    return train


def test_jitter_is_drawn_anew_in_each_epoch(calls_of: Callable[..., Any]) -> None:
    calls, run = calls_of(jitter=0.3)
    task, _ = task_of(job())
    noise = np.array([call.x - task.x for call in calls]) * task.scale / task.std
    assert noise.shape == (AFTER, N, 8)
    # its standard deviation is 0.3 of each feature's: to 3 % from 7040 numbers
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.3, rtol=0.03)
    assert abs(noise.mean()) < 0.01
    # no two epochs, nor two features, have the same noise
    for one, other in ((noise[:-1], noise[1:]), (noise[..., :-1], noise[..., 1:])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.02
    # parameters, Adam's state and random numbers continue from epoch to epoch
    assert run.state.optimizer.t == (PRETRAIN + AFTER) * N // BATCH
    for call in calls:
        assert call.options["loss"] == Plain()
        assert np.array_equal(call.t, task.t)
        assert np.array_equal(call.options["validation"][0], task.x_val)


def test_fixed_has_the_same_samples_in_every_epoch(calls_of: Callable[..., Any]) -> None:
    calls, run = calls_of(lam=0.1, sampling="fixed")
    task, _ = task_of(job())
    plain, lai = calls[0::2], calls[1::2]
    assert len(plain) == len(lai) == AFTER
    drawn, others = lai[0].samples(task.x), plain[0].samples(task.x)
    assert len(drawn) == DRAWN and sorted(drawn + others) == list(range(N))
    assert drawn != list(range(DRAWN))  # at random
    for one, then in zip(plain, lai, strict=True):
        assert one.samples(task.x) == others and then.samples(task.x) == drawn
        assert np.array_equal(then.t, task.t[drawn]) and np.array_equal(one.t, task.t[others])
        assert one.options["loss"] == Plain() and one.options["batch_size"] == BATCH
        assert then.options["loss"] == Lai(0.1) and then.options["alpha"] == 1
    assert run.lai_fraction == DRAWN / N and len(run.rmse) == AFTER
    # the drawn ones make one step
    steps = PRETRAIN * N // BATCH + AFTER * (math.ceil((N - DRAWN) / BATCH) + 1)
    assert run.state.optimizer.t == steps


def test_only_trains_on_nothing_else(calls_of: Callable[..., Any]) -> None:
    calls, run = calls_of(lam=0.1, sampling="only", alpha=0.3)
    task, _ = task_of(job())
    (call,) = calls
    drawn = call.samples(task.x)
    assert len(set(drawn)) == len(drawn) == math.ceil(0.3 * N)
    assert np.array_equal(call.t, task.t[drawn])
    assert run.lai_fraction == 1
    steps = PRETRAIN * N // BATCH + AFTER * math.ceil(0.3 * N / BATCH)
    assert run.state.optimizer.t == steps
    # and these samples are the ones of "fixed"
    calls, _ = calls_of(lam=0.1, sampling="fixed", alpha=0.3)
    assert calls[1].samples(task.x) == drawn


@pytest.mark.parametrize("sampling", ["fixed", "only"])
def test_the_control_group_trains_on_all_samples(
    sampling: str, calls_of: Callable[..., Any]
) -> None:
    (call,), run = calls_of(sampling=sampling)
    assert len(call.x) == N and call.options["loss"] == Plain()
    _, usual = calls_of(sampling="separate")
    assert run.rmse == usual.rmse


@pytest.mark.parametrize("new", [False, True])
def test_new_adam_starts_its_moments_at_0(
    new: bool, calls_of: Callable[..., Any], start: TrainingState
) -> None:
    (call,), run = calls_of(lam=0.1, new_adam=new)
    state = call.options["resume_from"]
    assert np.array_equal(state.theta, start.theta)
    assert (state.epoch, state.generator) == (start.epoch, start.generator)
    adam = state.optimizer
    assert (adam.t == 0 and not adam.m.any() and not adam.v.any()) == new
    assert new or adam is start.optimizer
    assert run.state.optimizer.t == AFTER * 6 + (0 if new else start.optimizer.t)


def test_undivided_lai_is_trained_with(calls_of: Callable[..., Any]) -> None:
    (divided,), one = calls_of(lam=0.1)
    (undivided,), other = calls_of(lam=0.1, divided=False)
    assert divided.options["loss"] == Lai(0.1) and undivided.options["loss"].lai == Lai(0.1)
    assert one.rmse != other.rmse


def test_train_rows_leaves_the_validation_set_and_the_scaling(
    calls_of: Callable[..., Any],
) -> None:
    (call,), run = calls_of(train_rows=50)
    task, _ = task_of(job())
    assert np.array_equal(call.x, task.x[:50]) and np.array_equal(call.t, task.t[:50])
    assert np.array_equal(run.evaluator.task.x_val, task.x_val)
    assert np.array_equal(run.evaluator.unit, task.std / task.scale)


def test_a_batch_is_at_most_all_samples(calls_of: Callable[..., Any]) -> None:
    (call,), _ = calls_of(train_rows=30)
    assert call.options["batch_size"] == 30
