from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.cost import EPOCHS
from figures.experiments import step_times, timing
from lai_ref import MLP, Lai, Plain, value_and_grad
from tests.inputs.products import Logged, logged_products


def shapes(left: Any, right: Any) -> tuple[Any, ...]:
    layout = tuple(side.flags.c_contiguous or 1 in side.shape for side in (left, right))
    return (*left.shape, right.shape[1], *layout)


@pytest.mark.parametrize("sizes", [(3, 1), (3, 5, 1), (3, 5, 4, 1), (2, 7, 6, 5, 1)])
def test_the_products_are_those_of_the_network(sizes: tuple[int, ...]) -> None:
    net, rng = MLP(sizes), np.random.default_rng(0)
    theta, x, t = net.init(rng), rng.standard_normal((9, sizes[0])), rng.standard_normal(9)
    plain, more = step_times.products(net, theta, 9)
    for loss, expected in ((Plain(), plain), (Lai(0.1), plain + more)):
        with logged_products() as log:
            value_and_grad(net, theta.view(Logged), x, t, loss)
        assert sorted(shapes(*pair) for pair in log) == sorted(shapes(*pair) for pair in expected)


@pytest.mark.parametrize("sizes", [(3, 1), (8, 64, 32, 1), (2, 7, 6, 5, 1)])
def test_operations_are_counted_layer_by_layer(sizes: tuple[int, ...]) -> None:
    net = MLP(sizes)
    plain, more = step_times.products(net, net.init(np.random.default_rng(0), np.float32), 10)
    layers = len(sizes) - 1
    assert (len(plain), len(more)) == (3 * layers - 1, 3 * (layers - 1))
    weights = [a * b for a, b in itertools.pairwise(sizes)]
    assert step_times.operations(plain) == 20 * (3 * sum(weights) - weights[0])
    assert step_times.operations(more) == 20 * 3 * sum(weights[:-1])
    assert {side.dtype for pair in plain + more for side in pair} == {np.dtype("float32")}


def test_ratios_are_taken_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: dict[str, Any] = {}

    def round_robin(turns: dict[str, Any], *limits: Any) -> Any:
        assert limits == (3, step_times.CLOCK, 0.25)
        timed.update(turns)
        return dict(zip(turns, rounds, strict=True))

    rounds = np.array([[1.0, 2, 4], [3, 4, 4], [0.5, 0.5, 0.5], [0.5, 0.3, 0.7]])
    monkeypatch.setattr(step_times, "round_robin", round_robin)
    arm = {"sizes": [3, 5, 1], "activation": "tanh", "dtype": "float32", "n": 7}
    result = step_times.time_steps({**arm, "seconds": 0.25, "rounds": 3}, None, Path())
    (plain,), (lai,), (products,), (more,) = (each.args for each in timed.values())
    assert (plain, lai, len(products), len(more)) == (Plain(), Lai(0.1), 5, 3)
    assert (result["plain seconds"], result["lai seconds"]) == (2, 4)
    assert result["lai / plain"] == {"low": 1.5, "median": 2, "high": 2.5}
    assert result["plain / products"] == {"low": 3, "median": 4, "high": 6}
    assert result["lai / products"]["median"] == pytest.approx(4 / 1.2)


def test_an_epoch_is_trained_with_its_sampling_and_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, int]] = []

    def training(*_: Any, alpha: float, sampling: str, **options: Any) -> Any:
        asked.append((sampling, alpha, options["batch_size"]))
        assert options["pretrain_epochs"] == 0
        return iter(range(options["lai_epochs"]))

    monkeypatch.setattr(timing, "lai_training", training)
    # each of the thirteen runs takes as many ticks as there were before it
    monkeypatch.setattr(step_times, "CLOCK", iter_clock(13))
    result = step_times.time_epochs(
        {**EPOCHS[0], "n": 64, "rounds": 2, "batch_size": 16}, None, Path()
    )
    names = ("batches", "separate", "points")
    samplings = [(s, a, 16) for s in names for a in (0.001, 0.01, 0.1, 1.0)]
    assert asked == [("batches", 0.0, 16), *samplings]
    medians = {s: [r["median"] for r in ratios] for s, ratios in result["ratios"].items()}
    assert medians == {
        "batches": [2, 3, 4, 5],
        "separate": [6, 7, 8, 9],
        "points": [10, 11, 12, 13],
    }


def iter_clock(runs: int) -> Any:
    """A clock by which the first of `runs` takes 1, the second 2, …, in every round."""
    ticks = itertools.cycle(range(1, runs + 1))
    now, running = 0, False

    def clock() -> int:
        nonlocal now, running
        now += next(ticks) if running else 0
        running = not running
        return now

    return clock
