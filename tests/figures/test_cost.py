from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

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
    assert [epochs["sizes"] for epochs in numbers["epochs"]] == list(nets)
    for epochs in numbers["epochs"]:
        assert epochs["plain seconds"] > 0
        assert list(epochs["ratios"]) == ["batches", "separate", "points"]
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


def ratio(median: float) -> dict[str, float]:
    return {"median": median, "low": 0.9 * median, "high": 1.1 * median}


def grown(*points: tuple[int, float, float]) -> list[dict[str, Any]]:
    """Rows of a growing network: size, ratio of the times, ratio of the operations."""
    return [
        {"size": size, "lai / plain": ratio(times), "operations": [100, 100 * operations]}
        for size, times, operations in points
    ]


def test_titles_say_where_times_are_those_of_the_operations() -> None:
    rows = grown((8, 2.6, 2.0), (32, 2.1, 2.0), (128, 1.9, 2.0))
    assert cost.growth_in_words("width", rows) == (
        "width 32, 128: within 10% of the operations' ratio;\n8: +30%"
    )
    assert cost.growth_in_words("depth", rows[1:]) == (
        "depth 32, 128: within 10% of the operations' ratio"
    )
    none = grown((1, 3.0, 2.0), (2, 1.5, 2.0))
    assert cost.growth_in_words("inputs", none).startswith("inputs none: ")


def test_the_picture_shows_steps_and_epochs_of_both_networks(quick: dict[str, Any]) -> None:
    with style():
        figure = cost.plot(quick)
        figure.draw_without_rendering()
    steps, *epochs = figure.axes[:3]
    medians = [row["lai / plain"]["median"] for row in quick["steps"]]
    title = f"A Lai step takes {min(medians):.1f} to {max(medians):.1f} times a baseline step"
    assert steps.get_title("left").startswith(title)
    names = [text.get_text() for text in steps.get_legend().get_texts()]  # type: ignore[union-attr]
    assert names == ["8-64-32-1 tanh float32", "8-256-256-1 tanh float32"]
    bands = [each for each in steps.collections if isinstance(each, PolyCollection)]
    for band, sizes in zip(bands, cost.NETS, strict=True):
        mine = [row for row in quick["steps"] if row["sizes"] == sizes]
        inside = np.asarray(band.get_paths()[0].vertices)[:, 1]
        of = [row["lai / plain"]["median"] for row in mine]
        assert (inside.min(), inside.max()) == pytest.approx((min(of), max(of)))
    for axes, row in zip(epochs, quick["epochs"], strict=True):
        few = {name: ratios[1]["median"] for name, ratios in row["ratios"].items()}
        title = axes.get_title("left")
        assert f"batch {row['batch_size']}: 1% of points takes {few['points']:.2f}" in title
        assert f"in one step {few['separate']:.2f}, whole batches {few['batches']:.2f}" in title
        assert f"all {row['ratios']['batches'][-1]['median']:.2f}" in title


def test_the_table_has_a_line_for_every_configuration(quick: dict[str, Any]) -> None:
    steps, epochs = cost.table(quick).split("\n\n")
    lines = steps.splitlines()[2:]
    assert len(lines) == len(quick["steps"])
    for line, row in zip(lines, quick["steps"], strict=True):
        assert line.startswith("-".join(map(str, row["sizes"])))
        for name in RATIOS:
            assert f"{row[name]['median']:.2f} (" in line
    lines = epochs.splitlines()[2:]
    rows = [(of, name) for of in quick["epochs"] for name in of["ratios"]]
    assert len(lines) == len(rows) == 6
    for line, (of, name) in zip(lines, rows, strict=True):
        net = "-".join(map(str, of["sizes"]))
        assert line.startswith(f"{net} tanh, batch {of['batch_size']}, {name} ")
        cells = [f"{r['median']:.2f} ({r['low']:.2f}–{r['high']:.2f})" for r in of["ratios"][name]]
        assert line.split("  ")[-1].strip() == cells[-1] and all(cell in line for cell in cells)


# the committed results


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("cost")


def test_committed_numbers_time_every_configuration(committed: dict[str, Any]) -> None:
    check_numbers(committed, (64, 1024, 16384))
