from __future__ import annotations

import importlib.util
import itertools
import os
from typing import Any

import numpy as np
import pytest

from figures.experiments import framework_runs, timing
from figures.experiments.framework_runs import NAMES, Runner
from lai_ref import MLP, Array, Lai, Plain, value_and_grad, value_and_grad_mixed

ARM: dict[str, Any] = {"sizes": [3, 5, 4, 1], "activation": "tanh", "n": 64, "threads": 1}
ARM |= {"rounds": 2, "steps": 3, "clock": "wall times"}
NET = MLP(ARM["sizes"])
EAGER = [  # what takes no compiler, and no minute
    "lai_ref",
    *(
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                importlib.util.find_spec(package) is None, reason=f"{package} is not installed"
            ),
        )
        for name, package in (("torch eager", "torch"), ("jax jit", "jax"))
    ),
]


def made(name: str, **changes: Any) -> tuple[Runner, tuple[Array, Array, Array]]:
    net, *task = framework_runs.prepare_task({**ARM, "names": [name], **changes})
    return framework_runs.make_runner(name, (net, *task), 1), tuple(task)  # type: ignore


def close(gradient: Array, expected: Array) -> bool:
    return bool(np.linalg.norm(gradient - expected) < 1e-5 * np.linalg.norm(expected))


@pytest.mark.parametrize("name", EAGER)
def test_steps_are_adams_against_the_gradient_of_the_lai_loss(name: str) -> None:
    runner, (theta, x, t) = made(name)
    runner.steps(1)
    _, first = value_and_grad(NET, theta, x, t, Lai(0.1))
    # Adam, Algorithm 1: m ← β₁ m + (1 − β₁) g; its first step is lr in the direction of sign g
    assert close(runner.first_moment(), 0.1 * first)
    runner.steps(1)
    _, second = value_and_grad(NET, theta - 1e-3 * np.sign(first), x, t, Lai(0.1))
    m = runner.first_moment()
    assert np.linalg.norm(m - (0.09 * first + 0.1 * second)) < 1e-4 * np.linalg.norm(m)
    runner.steps(10)
    assert not close(runner.first_moment(), m)


@pytest.mark.parametrize("name", [name for name in EAGER if name != "lai_ref"])
@pytest.mark.parametrize(("alpha", "loss"), [(0.0, Plain(2)), (1.0, Lai(0.1))])
def test_an_epoch_of_a_port_gives_a_share_of_the_points_the_lai_loss(
    name: str, alpha: float, loss: Any
) -> None:
    runner, (theta, x, t) = made(name)
    runner.epoch(alpha)  # of one batch
    assert close(runner.first_moment(), 0.1 * value_and_grad(NET, theta, x, t, loss)[1])


@pytest.mark.parametrize("name", [name for name in EAGER if name != "lai_ref"])
def test_an_epoch_of_a_port_takes_a_step_for_every_batch(name: str) -> None:
    net, theta, x, t = framework_runs.prepare_task({**ARM, "names": [name]})
    alike = np.repeat(x[:1], 192, axis=0), np.repeat(t[:1], 192)
    runner = framework_runs.make_runner(name, (net, theta, *alike), 1)
    runner.epoch(0.0)
    # m = (1 − β₁) (β₁² g₁ + β₁ g₂ + g₃), and θ has changed very little
    g = value_and_grad(NET, theta, *alike, Plain(2))[1]
    m = runner.first_moment()
    assert np.linalg.norm(m - 0.1 * (0.81 + 0.9 + 1) * g) < 0.05 * np.linalg.norm(m)


def test_an_epoch_of_lai_ref_is_that_of_lai_training(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def training(*_: Any, **options: Any) -> Any:
        asked.append(options)
        return iter([options["alpha"]])

    monkeypatch.setattr(timing, "lai_training", training)
    runner, _ = made("lai_ref")
    assert [runner.epoch(alpha) for alpha in (0.01, 0.0)] == [0.01, 0.0]
    for options in asked:
        assert (options["loss"], options["batch_size"]) == (Lai(0.1), 64)
        assert (options["sampling"], options["pretrain_epochs"]) == ("points", 0)


def gradient_of(rows: Array) -> Array:
    _, theta, x, t = framework_runs.prepare_task({**ARM, "names": []})
    return value_and_grad_mixed(NET, theta, x, t, Plain(2), Lai(0.1), rows)[1]


@pytest.mark.parametrize("wrong", ["one sample plain", "a thousandth more", "not a number"])
def test_a_wrong_gradient_is_not_timed(wrong: str) -> None:
    exact = gradient_of(np.ones(64, bool))
    assert framework_runs.check_gradient("port", exact.astype("float32"), exact) < 1e-6
    gradient = {
        "one sample plain": gradient_of(np.arange(64) > 0),
        "a thousandth more": 1.001 * exact,
        "not a number": np.nan * exact,
    }[wrong]
    with pytest.raises(
        ValueError, match="port: expected lai_ref's gradient within a relative error of 1e-05"
    ):
        framework_runs.check_gradient("port", gradient, exact)


def stand_ins(monkeypatch: pytest.MonkeyPatch, factor: float = 1.0, failing: str = "") -> list[str]:
    """Make all runners `lai_ref`, the others with a gradient `factor` times as long."""
    log: list[str] = []

    def make(name: str, task: Any, threads: int) -> Runner:
        real = framework_runs.with_numpy(*task)

        def steps(count: int) -> None:
            log.append(f"{name} {count}")
            if name == "torch compiled" and count == 1:  # finds nothing compiled before
                assert os.listdir(os.environ["TORCHINDUCTOR_CACHE_DIR"]) == []
            if name == failing:
                raise RuntimeError("No compiler\n\nmore about it")
            real.steps(count)

        def epoch(alpha: float) -> None:
            log.append(f"{name} {alpha}")

        scale = 1.0 if name == "lai_ref" else factor
        return Runner(steps, epoch, lambda: scale * real.first_moment())

    monkeypatch.setattr(framework_runs, "make_runner", make)
    monkeypatch.setattr(framework_runs, "PORTS", {})
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    return log


def set_clock(monkeypatch: pytest.MonkeyPatch, turns: list[int], slow: int) -> None:
    """Let the turns of a round take so many seconds, but those of the first `slow` 100 more."""
    seconds = itertools.chain([100 + turn for turn in turns] * slow, itertools.cycle(turns))
    now = itertools.accumulate(tick for turn in seconds for tick in (0, turn))
    monkeypatch.setitem(framework_runs.CLOCKS, "wall times", lambda: next(now))


def test_steps_take_turns_after_a_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    log = stand_ins(monkeypatch)
    set_clock(monkeypatch, [3, 6, 9, 12], slow=2)
    result = framework_runs.time_steps({**ARM, "names": list(NAMES), "rounds": 1})
    assert log == [f"{name} 1" for name in NAMES] + 2 * [f"{name} 3" for name in NAMES]
    assert result["left out"] == {}
    (row,) = result["rows"].values()
    assert list(result["rows"]) == ["Lai step, N = 64"] and list(row) == list(NAMES)
    for cell, seconds in zip(row.values(), (1, 2, 3, 4), strict=True):
        assert cell.keys() == {"least", "median", "ratio", "first", "gradient off by"}
        assert cell["least"] == cell["median"] == cell["ratio"]["median"] == seconds
        assert cell["first"] == 100 + 3 * seconds and cell["gradient off by"] < 1e-6


def test_no_step_is_timed_with_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    log = stand_ins(monkeypatch, factor=1.001)
    with pytest.raises(ValueError, match="torch eager: expected lai_ref's gradient"):
        framework_runs.time_steps({**ARM, "names": list(NAMES)})
    assert log == ["lai_ref 1", "torch eager 1"]


def test_what_does_not_compile_is_left_out_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins(monkeypatch, failing="torch compiled")
    result = framework_runs.time_steps({**ARM, "names": list(NAMES)})
    assert result["left out"] == {"torch compiled": "No compiler"}
    (row,) = result["rows"].values()
    assert list(row) == ["lai_ref", "torch eager", "jax jit"]


def test_what_fails_without_a_compiler_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_ins(monkeypatch, failing="torch eager")
    with pytest.raises(RuntimeError, match="No compiler"):
        framework_runs.time_steps({**ARM, "names": list(NAMES)})


def test_table_1_is_200_plain_epochs_and_300_with_lai_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = stand_ins(monkeypatch)
    names = ["lai_ref", "jax jit"]
    set_clock(monkeypatch, [1, 2, 3, 4], slow=1)
    result = framework_runs.time_epochs({**ARM, "names": names, "rounds": 1})
    one_round = [f"{name} {alpha}" for name in names for alpha in (0.0, 0.01)]
    assert log == 3 * one_round  # the first compiles, and the second does not count
    medians = {
        title: [row[name]["median"] for name in names] for title, row in result["rows"].items()
    }
    assert medians == {
        "plain epoch": [1, 3],
        "Lai epoch, α = 1%": [2, 4],
        "Table 1, one seed": [800, 1800],
    }
    assert result["rows"]["Table 1, one seed"]["jax jit"]["ratio"]["median"] == 2.25


def test_ratios_are_taken_round_by_round() -> None:
    seconds = {"lai_ref": np.array([1.0, 2, 4, 8, 1]), "jax jit": np.array([2.0, 2, 2, 8, 3])}
    result = framework_runs.compare(seconds)
    assert result["jax jit"] == {
        "least": 2,
        "median": 2,
        "ratio": {"low": 1, "median": 1, "high": 2},
    }
    assert result["lai_ref"]["ratio"] == {"low": 1, "median": 1, "high": 1}
