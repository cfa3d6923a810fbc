from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lai_ref.mlp
from figures import cost
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from lai_ref import MLP, Lai, Plain
from tests.figures import results

RATIOS = ("lai / plain", "plain / products", "lai / products")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return cost.compute(Settings(tmp_path_factory.mktemp("out"), quick=True))


class Logged(np.ndarray[Any, Any]):
    """An array that lists the matrix products it takes part in, by their shapes and layout."""

    log: list[Any]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        def bare(value: Any) -> Any:
            return np.asarray(value) if isinstance(value, Logged) else value

        if ufunc is np.matmul:
            self.log.append(shapes(*inputs))
        if "out" in options:
            options["out"] = tuple(bare(out) for out in options["out"])
        result = getattr(ufunc, method)(*(bare(value) for value in inputs), **options)
        return result.view(Logged) if isinstance(result, np.ndarray) else result


def shapes(left: Any, right: Any) -> tuple[Any, ...]:
    layout = tuple(side.flags.c_contiguous or 1 in side.shape for side in (left, right))
    return (*left.shape, right.shape[1], *layout)


@pytest.mark.parametrize("sizes", [(3, 1), (3, 5, 1), (3, 5, 4, 1), (2, 7, 6, 5, 1)])
def test_the_products_are_those_of_the_network(
    sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("check_array", "check_shape"):  # which would make plain arrays of the logged ones
        monkeypatch.setattr(lai_ref.mlp, name, lambda _, array, shape: array)
    net = MLP(sizes)
    rng = np.random.default_rng(0)
    theta = net.init(rng).view(Logged)
    x, t = rng.standard_normal((9, sizes[0])).view(Logged), rng.standard_normal(9)
    plain, more = cost.products(net, np.asarray(theta), 9)

    monkeypatch.setattr(Logged, "log", [], raising=False)
    y, tape = net.forward(theta, x)
    _, dy, _ = Plain()(np.asarray(y), t)
    net.backward(tape, dy.view(Logged))
    assert sorted(Logged.log) == sorted(shapes(*pair) for pair in plain)

    monkeypatch.setattr(Logged, "log", [])
    y, tape = net.forward(theta, x)
    k, gtape = net.input_gradient(tape)
    _, dy, dk = Lai(0.1)(np.asarray(y), t, np.asarray(k))
    net.double_backward(gtape, dy.view(Logged), dk.view(Logged))
    assert sorted(Logged.log) == sorted(shapes(*pair) for pair in plain + more)


@pytest.mark.parametrize("sizes", [(3, 1), (8, 64, 32, 1), (2, 7, 6, 5, 1)])
def test_operations_are_counted_layer_by_layer(sizes: tuple[int, ...]) -> None:
    net = MLP(sizes)
    plain, more = cost.products(net, net.init(np.random.default_rng(0), np.float32), 10)
    layers = len(sizes) - 1
    assert (len(plain), len(more)) == (3 * layers - 1, 3 * (layers - 1))
    weights = [a * b for a, b in itertools.pairwise(sizes)]
    assert cost.operations(plain) == 20 * (3 * sum(weights) - weights[0])
    assert cost.operations(more) == 20 * 3 * sum(weights[:-1])
    assert {side.dtype for pair in plain + more for side in pair} == {np.dtype("float32")}


def test_runs_take_turns_and_the_first_round_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []
    now = itertools.count()

    def work(name: str, ticks: int) -> Any:
        def run() -> None:
            log.append(name)
            for _ in range(ticks if len(log) > 3 else 100):
                next(now)

        return run

    monkeypatch.setattr(cost, "CLOCK", lambda: next(now))
    times = cost._interleaved([work("A", 0), work("B", 4), work("C", 9)], 0.0, 3)
    assert "".join(log) == "ABC" * 4
    assert times.tolist() == [[1] * 3, [5] * 3, [10] * 3]


def test_quartiles() -> None:
    spread = cost._spread(np.array([5.0, 1.0, 2.0, 4.0, 3.0]))
    assert spread == {"median": 3, "low": 2, "high": 4}


def test_ratios_are_taken_round_by_round(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[Any] = []

    def interleaved(work: Any, seconds: float, least: int) -> Any:
        timed.extend(work)
        return rounds

    rounds = np.array([[1.0, 2, 4], [3, 4, 4], [0.5, 0.5, 0.5], [0.5, 0.3, 0.7]])
    monkeypatch.setattr(cost, "_interleaved", interleaved)
    arm = {"sizes": [3, 5, 1], "activation": "tanh", "dtype": "float32", "n": 7}
    result = cost.time_steps({**arm, "seconds": 0.0, "rounds": 3}, None, Path())
    (plain,), (lai,), (products,), (more,) = (each.args for each in timed)
    assert (plain, lai, len(products), len(more)) == (Plain(), Lai(0.1), 5, 3)
    assert (result["plain seconds"], result["lai seconds"]) == (2, 4)
    assert result["lai / plain"] == {"low": 1.5, "median": 2, "high": 2.5}
    assert result["plain / products"] == {"low": 3, "median": 4, "high": 6}
    assert result["lai / products"]["median"] == pytest.approx(4 / 1.2)


def check_numbers(numbers: dict[str, Any], batches: tuple[int, ...]) -> None:
    nets = ([8, 64, 32, 1], [8, 256, 256, 1])
    expected = itertools.product(nets, ("tanh", "relu"), ("float64", "float32"), batches)
    steps = [(r["sizes"], r["activation"], r["dtype"], r["n"]) for r in numbers["steps"]]
    assert steps == list(expected)
    assert {row["kind"] for row in numbers["growth"]} == {"width", "depth", "inputs"}
    for row in numbers["steps"] + numbers["growth"]:
        assert 0 < row["plain seconds"] < math.inf
        assert 0 < row["lai seconds"] < math.inf
        for ratio in RATIOS:
            check_spread(row[ratio])
        weights = [a * b for a, b in itertools.pairwise(row["sizes"])]
        plain = 3 * sum(weights) - weights[0]
        assert row["operations"] == [
            2 * row["n"] * m for m in (plain, plain + 3 * sum(weights[:-1]))
        ]
    epochs = numbers["epochs"]
    assert epochs["plain seconds"] > 0
    assert epochs["ratios"].keys() == {"batches", "points"}
    for ratios in epochs["ratios"].values():
        assert len(ratios) == len(cost.ALPHAS)
        for ratio in ratios:
            check_spread(ratio)


def check_spread(ratio: dict[str, float]) -> None:
    assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"] < math.inf


def test_every_configuration_is_timed(quick: dict[str, Any]) -> None:
    check_numbers(quick, (64, 256))


@pytest.mark.parametrize("size", [1, 2, 16])
def test_a_growing_network_differs_in_one_size(size: int) -> None:
    assert cost._sizes("width", size) == [8, size, size, 1]
    assert cost._sizes("depth", size) == [8] + [64] * size + [1]
    assert cost._sizes("inputs", size) == [size, 64, 64, 1]


def test_growing_networks_have_their_size(quick: dict[str, Any]) -> None:
    assert [(row["kind"], row["size"]) for row in quick["growth"]] == [
        ("width", 8),
        ("width", 32),
        ("depth", 1),
        ("depth", 2),
        ("inputs", 1),
        ("inputs", 8),
    ]
    for row in quick["growth"]:
        assert row["sizes"] == cost._sizes(row["kind"], row["size"])


def test_wide_networks_take_twice_the_operations() -> None:
    net = MLP(cost.NETS[1])
    plain, more = cost.products(net, net.init(np.random.default_rng(0)), 1)
    assert cost.operations(plain + more) / cost.operations(plain) == pytest.approx(2, rel=0.01)


def test_an_epoch_is_trained_with_its_sampling_and_alpha(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float]] = []

    def training(*_: Any, alpha: float, sampling: str, **options: Any) -> Any:
        asked.append((sampling, alpha))
        assert options["pretrain_epochs"] == 0
        return iter(range(options["lai_epochs"]))

    monkeypatch.setattr(cost, "lai_training", training)
    # each of the nine runs takes as many ticks as there were before it
    monkeypatch.setattr(cost, "CLOCK", iter_clock(9))
    result = cost.time_epochs({**cost.EPOCHS, "n": 64, "rounds": 2}, None, Path())
    samplings = [(s, a) for s in ("batches", "points") for a in (0.001, 0.01, 0.1, 1.0)]
    assert asked == [("batches", 0.0), *samplings]
    medians = {s: [r["median"] for r in ratios] for s, ratios in result["ratios"].items()}
    assert medians == {"batches": [2, 3, 4, 5], "points": [6, 7, 8, 9]}


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


def test_numbers_are_json(quick: dict[str, Any]) -> None:
    text = json.dumps(quick)
    assert json.loads(text) == quick
    assert len(text) < 30_000


def test_the_numbers_can_be_drawn(quick: dict[str, Any]) -> None:
    with style():
        figure = cost.plot(quick)
        figure.draw_without_rendering()
    legend = figure.axes[0].get_legend()
    names = [text.get_text() for text in legend.get_texts()]  # type: ignore[union-attr]
    assert names == [
        f"{net} {activation} {dtype}"
        for net in ("8-64-32-1", "8-256-256-1")
        for activation in ("tanh", "relu")
        for dtype in ("float64", "float32")
    ]
    dashes = {line.get_linestyle() for line in figure.axes[0].lines if len(line.get_xdata()) > 1}  # type: ignore[arg-type]
    assert {"-", "--"} <= dashes


def test_the_table_has_a_line_for_every_configuration(quick: dict[str, Any]) -> None:
    lines = cost.table(quick).splitlines()[2:]
    assert len(lines) == len(quick["steps"])
    for line, row in zip(lines, quick["steps"], strict=True):
        assert line.startswith("-".join(map(str, row["sizes"])))
        for ratio in RATIOS:
            assert f"{row[ratio]['median']:.2f} (" in line


# the committed results


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("cost")


def test_committed_numbers_time_every_configuration(committed: dict[str, Any]) -> None:
    check_numbers(committed, (64, 1024, 16384))
    assert committed["command"] == "python -m figures cost"
