from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from figures.experiments import trap_plan, trap_runs
from lai_ref import MLP, Array, Lai, Plain

LAI_ALONE = {"lam": 1.0, "pretrained": False, "alpha": 1.0, "slower": 1, "rounds": 1}


def test_a_line_is_trapped_if_it_starts_left_of_the_barrier() -> None:
    starts = {s: MLP((1, 1)).init(np.random.default_rng([s, 1]))[0] for s in range(40)}
    left = [seed for seed, k in starts.items() if k < -0.5][:3]
    right = [seed for seed, k in starts.items() if k > 0.2][:3]
    job = {"task": "line", "noise": 8.0, "runs": [LAI_ALONE], "seeds": left + right}
    result = trap_runs.train(job, None, Path())
    assert result["wrong"] == [[1.0] * 3 + [0.0] * 3]
    (first,) = result["fits"]
    assert first == sorted(first, reverse=True)


def test_a_curve_is_judged_where_it_is_steep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of slope 3 is wrong where the curve falls, by 1 at least: 3 cos 2x < −1, |x| < 2."""
    monkeypatch.setitem(trap_runs.NETS, "curve", MLP((1, 1)))
    fitted = SimpleNamespace(theta=np.array([3.0, 0.0]))
    monkeypatch.setattr(trap_runs, "last_state", lambda *_: fitted)
    job = {"task": "curve", "noise": 1.0, "runs": [LAI_ALONE], "seeds": [0]}
    result = trap_runs.train(job, None, Path())
    (wrong,) = result["wrong"]
    rising = math.acos(1 / 3)
    falling = 2 * (2 - (math.pi - math.acos(1 / 3)) / 2)
    assert wrong[0] == pytest.approx(falling / (falling + rising), abs=0.01)
    assert result["mean_abs_k"] == [[3.0]]
    x = np.linspace(-2, 2, 81)
    error = np.sqrt(((3 * x - 1.5 * np.sin(2 * x)) ** 2).mean())
    assert result["rmse_to_truth"] == [[pytest.approx(error)]]


def test_mean_k_is_of_its_absolute_value(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = SimpleNamespace(theta=np.array([-2.0, 0.5]))
    monkeypatch.setattr(trap_runs, "last_state", lambda *_: fitted)
    job = {"task": "line", "noise": 1.0, "runs": [LAI_ALONE], "seeds": [0, 1]}
    result = trap_runs.train(job, None, Path())
    assert result["wrong"] == [[1.0, 1.0]]
    assert result["mean_abs_k"] == [[2.0, 2.0]]


def test_the_slope_behind_the_data_is_that_of_the_function_behind_them() -> None:
    x = np.linspace(-1, 1, 7)
    for task in ("line", "curve"):
        y, slope = trap_runs.truth(task, x.astype(complex) + 1e-30j)
        np.testing.assert_allclose(y.imag / 1e-30, slope.real, rtol=1e-12)


def test_methods_start_from_pretraining_or_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def last_state(job: Any, seed: int, run: Any, start: Any = None) -> Any:
        calls.append((run["lam"], run["alpha"], run["slower"], start and start.name))
        return SimpleNamespace(theta=np.array([1.0, 0.0]), name=len(calls))

    monkeypatch.setattr(trap_runs, "last_state", last_state)
    settings, runs = trap_plan.PLAN[trap_plan.MUCH], trap_plan.runs_of(*trap_plan.MUCH)
    trap_runs.train({"task": "line", "noise": 8.0, "runs": runs, "seeds": [5]}, None, Path())
    assert calls.pop(0) == (None, 0.0, 1, None)
    made = dict(zip(settings, calls, strict=True))
    assert made["MSE", None, 0.0] == (None, 0.0, 1, 1)
    assert made["Lai alone", 1.0, 1.0] == (1.0, 1.0, 1, None)
    assert made["MSE, then Lai", 0.1, 1.0] == (0.1, 1.0, 1, 1)
    assert made["MSE, then Lai, lr/3", 0.1, 1.0] == (0.1, 1.0, 3, 1)
    assert made["Lai Training", 0.1, 0.01] == (0.1, 0.01, 1, 1)


def test_a_run_goes_on_from_its_start_for_as_long_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def training(net: MLP, x: Array, t: Array, **options: Any) -> Any:
        asked.update(options, net=net, x=x, t=t)
        return iter([SimpleNamespace(state="first"), SimpleNamespace(state="last")])

    monkeypatch.setattr(trap_runs, "lai_training", training)
    job, start = {"task": "curve", "noise": 2.5}, SimpleNamespace(epoch=25)
    run = {"lam": 0.1, "alpha": 0.01, "slower": 5, "rounds": 2}
    state: Any = trap_runs.last_state(job, 7, run, start)  # type: ignore[arg-type]
    assert state == "last"
    assert (asked["loss"], asked["alpha"], asked["sampling"]) == (Lai(0.1), 0.01, "points")
    assert (asked["pretrain_epochs"], asked["lai_epochs"], asked["resume_from"]) == (25, 250, start)
    assert asked["optimizer"].lr == 0.01
    assert (asked["net"], asked["x"].shape, asked["t"].shape) == (
        trap_runs.NETS["curve"],
        (128, 1),
        (128,),
    )
    trap_runs.last_state(job, 7, {**run, "lam": None})
    assert asked["loss"] == Plain()
