from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import protocol, smoothing
from figures.experiments.inputs import Job
from figures.experiments.settings import Numbers, Settings
from figures.experiments.smoothing import ALL, LAI, SAME, SHRINKAGE, STOPPING

LAMS = [1.0, 0.5, 0.3, 0.1, 0.05, 0.03, 0.02, 0.01, 0.005, 0.003, 0.001]
MUS = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
STOPS = [1, 2, 3, 5]


def result_of(arm: Job) -> Numbers:
    """In place of training: numbers that differ from arm to arm."""
    few = 0.01 if arm["alpha"] < 1 else 1.0
    strength = 0.01 / (arm["lam"] or 1e9) + few * (arm["mu"] or 0) + (arm["decay"] or 0)
    strength += 10 * (arm["jitter"] or 0)
    c = 1 / (1 + strength)
    rr, uu = 4.0 + arm["seed"], 2.0
    moments = [[rr, uu * 0.9, uu], [rr + 1, uu * 0.8, uu]]
    return {
        "halves": [2 + arm["seed"] - c, 3 + arm["seed"] - c],
        "moments": moments,
        "variance": c**2,
        "mean_grad_norm": 2 * c,
        "sensitivity": [[c, 3 * c]],
        "pretraining": {"path": [stop(e, arm["seed"]) for e in STOPS[:3]]},
        "path": [stop(e, arm["seed"]) for e in STOPS[3:]],
    }


def stop(epoch: int, seed: int) -> Numbers:
    halves = [2 + seed + 1 / epoch, 3 + seed + 1 / epoch]
    return {"epoch": epoch, "halves": halves, "variance": epoch, "mean_grad_norm": 2 * epoch}


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every arm that is trained; results are made up."""
    asked: list[Job] = []

    def train_all(settings: Settings, arms: list[Job], title: str) -> list[Job]:
        asked.extend(arms)
        return [{**arm, **result_of(arm)} for arm in arms]

    monkeypatch.setattr(smoothing, "train_all", train_all)
    return asked


def values(points: list[Numbers], method: str) -> list[Any]:
    return [point["value"] for point in points if point["method"] == method]


def test_all_methods_are_trained_on_the_same_seeds_and_steps(
    arms: list[Job], tmp_path: Path
) -> None:
    _, points = smoothing.train_methods(Settings(tmp_path, seeds=5))
    (control,) = protocol.arms_of(
        Settings(tmp_path),
        [0],
        scaling="standard",
        sampling="points",
        batch_size=256,
        lr=1e-3,
        noises=[["std", 0.1]],
    )
    asked = [
        {key: value for key, value in arm.items() if value != control[key] and key != "seed"}
        for arm in arms
    ]
    expected: list[Job] = [{}]
    expected += [{"lam": lam} for lam in LAMS]
    expected += [{"mu": mu} for mu in MUS]
    expected += [{"mu": mu / 100, "alpha": 1.0} for mu in MUS]
    expected += [{"decay": decay} for decay in (0.03, 0.1, 0.3, 1.0, 3.0)]
    expected += [{"jitter": noise} for noise in (0.03, 0.1, 0.2, 0.5, 1.0)]
    for mine, other in zip(asked, [c for c in expected for _ in range(5)], strict=True):
        assert mine == pytest.approx(other)
    assert [arm["seed"] for arm in arms] == list(range(5)) * len(expected)
    assert values(points, LAI) == LAMS and values(points, SAME) == MUS
    assert values(points, ALL) == pytest.approx([mu / 100 for mu in MUS])


def test_lai_and_the_penalty_on_the_same_samples_draw_alike(
    arms: list[Job], tmp_path: Path
) -> None:
    smoothing.train_methods(Settings(tmp_path, seeds=1))
    drawing = ("seed", "alpha", "sampling", "batch_size", "rows", "train_rows")
    duel = [arm for arm in arms if arm["lam"] or (arm["mu"] and arm["alpha"] < 1)]
    assert len(duel) == len(LAMS) + len(MUS)
    assert len({str([arm[name] for name in drawing]) for arm in duel}) == 1


def test_every_point_has_its_own_runs_seed_by_seed(arms: list[Job], tmp_path: Path) -> None:
    mse, points = smoothing.train_methods(Settings(tmp_path, seeds=3))
    assert points[0]["method"] == "MSE" and [arm["seed"] for arm in mse] == [0, 1, 2]
    strengths = {
        LAI: lambda value: 0.01 / value,
        SAME: lambda value: 0.01 * value,
        ALL: lambda value: value,
        "weight decay": lambda value: value,
        "input noise": lambda value: 10 * value,
    }
    for point in points[1:]:
        if point["method"] not in strengths:
            continue
        c = 1 / (1 + strengths[point["method"]](point["value"]))
        assert point["rmse_choosing"] == pytest.approx([2 + seed - c for seed in range(3)])
        assert point["rmse"] == pytest.approx([3 + seed - c for seed in range(3)])
        assert point["variance"] == pytest.approx([c**2] * 3)
        assert point["mean_grad_norm"] == pytest.approx([2 * c] * 3)
        assert point["sensitivity"] == pytest.approx([2 * c] * 3)  # the mean over the features


def test_early_stopping_is_the_path_of_mse(arms: list[Job], tmp_path: Path) -> None:
    _, points = smoothing.train_methods(Settings(tmp_path, seeds=2))
    stops = [point for point in points if point["method"] == STOPPING]
    assert [point["value"] for point in stops] == STOPS
    for point in stops:
        epoch = point["value"]
        assert point["rmse_choosing"] == [2 + 1 / epoch, 3 + 1 / epoch]
        assert point["rmse"] == [3 + 1 / epoch, 4 + 1 / epoch]
        assert "sensitivity" not in point  # it isn't measured along the path


def test_shrinkage_is_made_from_mse(arms: list[Job], tmp_path: Path) -> None:
    mse, points = smoothing.train_methods(Settings(tmp_path, seeds=2))
    for point in points:
        if point["method"] == SHRINKAGE:
            c = point["value"]
            for seed, arm in enumerate(mse):
                rr, ur, uu = arm["moments"][1]
                ratio = math.sqrt((rr - 2 * c * ur + c * c * uu) / (rr - 2 * ur + uu))
                assert point["rmse"][seed] == pytest.approx(arm["halves"][1] * ratio)
                assert point["mean_grad_norm"][seed] == pytest.approx(arm["mean_grad_norm"] * c)


@pytest.mark.parametrize("measure", ["mean_grad_norm", "variance", "sensitivity"])
def test_outputs_are_shrunk_to_what_lai_reaches(
    measure: str, arms: list[Job], tmp_path: Path
) -> None:
    mse, points = smoothing.train_methods(Settings(tmp_path, seeds=2))
    (lai,) = (p for p in points if (p["method"], p["value"]) == (LAI, 0.02))
    found = smoothing.shrunk_to(mse, points[0], lai, measure)
    c = 1 / 1.5  # to which all measures of λ = 0.02 lead in `result_of`
    assert found["factor"] == pytest.approx([c, c])
    ratios = []
    for arm in mse:
        rr, ur, uu = arm["moments"][1]
        ratios.append(math.sqrt((rr - 2 * c * ur + c * c * uu) / (rr - 2 * ur + uu)))
    shrunk = math.exp(np.mean(np.log(ratios))) - 1
    assert found["rmse_change"]["mean"] == pytest.approx(shrunk)
    lai_change = math.exp(np.mean(np.log([(3 - c) / 2, (4 - c) / 3]))) - 1
    assert found["lai_change"]["mean"] == pytest.approx(lai_change)
    assert found["excess"]["mean"] == pytest.approx((1 + lai_change) / (1 + shrunk) - 1)
