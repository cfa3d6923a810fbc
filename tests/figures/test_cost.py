from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from figures import cost
from figures.experiments.step_times import ALPHAS, operations, products
from figures.plotting.drawing import style
from lai_ref import MLP
from tests.figures import results

RATIOS = ("lai / plain", "plain / products", "lai / products")


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("cost")


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
        assert len(ratios) == len(ALPHAS)
        for ratio in ratios:
            check_spread(ratio)


def check_spread(ratio: dict[str, float]) -> None:
    assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"] < math.inf


def test_every_configuration_is_timed(quick: dict[str, Any]) -> None:
    check_numbers(quick, (64, 256))


@pytest.mark.parametrize("size", [1, 2, 16])
def test_a_growing_network_differs_in_one_size(size: int) -> None:
    assert cost.grown_sizes("width", size) == [8, size, size, 1]
    assert cost.grown_sizes("depth", size) == [8] + [64] * size + [1]
    assert cost.grown_sizes("inputs", size) == [size, 64, 64, 1]


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
        assert row["sizes"] == cost.grown_sizes(row["kind"], row["size"])


def test_wide_networks_take_twice_the_operations() -> None:
    net = MLP(cost.NETS[1])
    plain, more = products(net, net.init(np.random.default_rng(0)), 1)
    assert operations(plain + more) / operations(plain) == pytest.approx(2, rel=0.01)


def test_the_legend_names_every_network(quick: dict[str, Any]) -> None:
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
