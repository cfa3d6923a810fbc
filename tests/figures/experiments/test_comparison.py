from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import comparison
from figures.experiments.compare_runs import train_to_stops
from figures.experiments.comparison import (
    LAI,
    METHODS,
    PENALTY,
    STOPPING,
    judge,
    never_chosen,
    train,
)
from figures.experiments.inputs import load_data
from figures.experiments.intervals import student_t
from figures.experiments.protocol import arms_of
from figures.experiments.settings import Settings
from lai_ref import MLP, Adam, Lai, Plain, lai_training, prepare, rmse
from tests.figures.csv_files import written

Numbers = dict[str, Any]


def run(
    method: str, value: float | None, first: float, second: float, norm: float = 1.0
) -> Numbers:
    about: Numbers = {"method": method, "value": value, "train": 80, "validation": 20}
    about["constant"] = [3.0, 5.0]
    return about | {
        "halves": [first, second],
        "mean_grad_norm": norm,
        "sensitivity": [norm, 0.0, 2 * norm],
    }


def invented(factor: float = 1.0) -> list[Numbers]:
    """A seed in which both halves prefer other λ, and no μ and no epoch beats MSE."""
    return [
        run("MSE", None, 1.0, 2.0),
        run(LAI, 1.0, 0.8, 1.8 * factor, 0.5),  # for the first half the best
        run(LAI, 0.1, 0.9 * factor, 1.0, 0.125),  # for the second
        run(PENALTY, 0.1, 1.1, 2.1),
        run(STOPPING, 5, 1.2, 2.2, 0.1),
    ]


def test_each_half_chooses_the_setting_that_the_other_scores() -> None:
    found = judge([invented()])["methods"]
    assert found[LAI]["chosen"] == [[1.0, 0.1]]
    # λ = 1 scores 1.8 of 2.0 on the second half, λ = 0.1 scores 0.9 of 1.0 on the first
    assert found[LAI]["rmse"] == pytest.approx((1.8 + 0.9) / 2)
    assert found[LAI]["rmse_change"]["by_seed"] == pytest.approx([-0.1])
    assert found[LAI]["mean_grad_norm_change"]["mean"] == pytest.approx(0.25 - 1)
    assert found[LAI]["lower_in"] == 1


def test_not_to_regularise_is_a_setting_of_each_method() -> None:
    found = judge([invented()])["methods"]
    for name in (PENALTY, STOPPING):
        assert found[name]["chosen"] == [[None, None]]
        assert found[name]["rmse_change"]["mean"] == 0 == found[name]["lower_in"]
        assert never_chosen(found[name])
    assert not never_chosen(found[LAI]) and not never_chosen({"chosen": [[None, 1.0]]})


def test_a_feature_without_noise_has_no_change() -> None:
    change = judge([invented()])["methods"][LAI]["sensitivity_change"]["mean"]
    assert change == pytest.approx([0.25 - 1, 0.0, 0.25 - 1])


def test_intervals_hold_for_the_methods_together_and_for_shared_samples() -> None:
    by_seed = [invented(1.0), invented(1.05), invented(0.95)]
    found = judge(by_seed)
    d = np.log1p(found["methods"][LAI]["rmse_change"]["by_seed"])
    half = student_t(2, 1 - 0.025 / 3) * d.std(ddof=1) * math.sqrt(1 / 3 + 20 / 80)
    interval = [found["methods"][LAI]["rmse_change"][end] for end in ("low", "high")]
    assert np.log1p(interval) == pytest.approx([d.mean() - half, d.mean() + half])
    assert found["samples"] == {"train": 80, "validation": 20}
    assert found["constant_rmse"] == 4


def test_every_setting_is_compared_with_mse_of_the_same_seed() -> None:
    first, second = judge([invented(), invented()])["methods"][LAI]["settings"]
    assert first["value"] == 1.0 and second["value"] == 0.1
    assert first["rmse_change"] == pytest.approx(math.sqrt(0.8 * 0.9) - 1)
    assert second["mean_grad_norm_change"] == pytest.approx(0.125 - 1)


def test_all_methods_have_as_many_settings() -> None:
    assert len({len(method.values) for method in METHODS.values()}) == 1


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = written(tmp_path / "table.csv")
    return Settings(tmp_path, file, seeds=2, quick=True, target="y")


def test_every_method_is_trained_with_the_same_seeds_and_steps(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Numbers] = []

    def run_jobs(work: Any, jobs: list[Numbers], *_: Any) -> list[Numbers]:
        asked.extend(jobs)
        sizes = {"train": 48, "validation": 12, "constant": [1, 1]}
        return [
            {"stops": [{"epoch": e, "halves": [1, 1]} for e in j["stops"]], **sizes} for j in jobs
        ]

    monkeypatch.setattr(comparison, "run_jobs", run_jobs)
    control = arms_of(settings, range(2))
    by_seed = train(settings, control)
    assert len(asked) == 2 * 7 and {job["seed"] for job in asked} == {0, 1}
    changed = ("lam", "mu", "seed", "stops")
    alike = [{k: v for k, v in job.items() if k not in changed} for job in asked]
    assert all(job == alike[0] for job in alike)
    for runs in by_seed:
        assert runs[0]["method"] == "MSE" and runs[0]["epoch"] == 20
        values = {name: [r["value"] for r in runs if r["method"] == name] for name in METHODS}
        assert values == {LAI: [1.0, 0.03, 0.001], PENALTY: [0.1, 3.0, 100.0], STOPPING: [15, 4, 1]}


@pytest.mark.parametrize("lam", [None, 0.01])
def test_a_stop_is_the_mean_of_the_last_epochs_up_to_it(
    settings: Settings, lam: float | None
) -> None:
    (arm,) = arms_of(settings, [1], noises=[["std", 0.1]])
    stops = [4, 20] if lam is None else [20]
    job = {**arm, "lam": lam, "stops": stops, "window": 3}
    found = train_to_stops(job, settings.inputs, Path("unused"))
    assert (found["train"], found["validation"]) == (48, 12)

    data, rng = load_data(settings.inputs), np.random.default_rng(1)
    train = np.random.default_rng(1).permutation(60)[12:]
    mean, std = data.t[train].mean(), data.t[train].std()
    task = prepare(data._replace(t=(data.t - mean) / std), rng)
    net = MLP(arm["sizes"])
    epochs = lai_training(
        net,
        task.x,
        task.t,
        loss=Plain() if lam is None else Lai(lam, 2, 0.0, "batch"),
        alpha=0.0 if lam is None else 0.1,
        sampling="points",
        pretrain_epochs=10,
        lai_epochs=10,
        batch_size=16,
        optimizer=Adam(lr=1e-3),
        rng=rng,
    )
    halves = {
        epoch.index: [
            std * rmse(net.predict(epoch.state.theta, task.x_val[half]), task.t_val[half])
            for half in (slice(6), slice(6, None))
        ]
        for epoch in epochs
    }
    assert [stop["epoch"] for stop in found["stops"]] == stops
    constant = [rmse(np.zeros(6), task.t_val[half]) for half in (slice(6), slice(6, None))]
    np.testing.assert_allclose(found["constant"], std * np.array(constant), rtol=1e-5)
    for stop in found["stops"]:
        last = [halves[stop["epoch"] - i] for i in range(3)]
        np.testing.assert_allclose(stop["halves"], np.mean(last, axis=0), rtol=1e-5)
        assert len(stop["sensitivity"]) == 2
