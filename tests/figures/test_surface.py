from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import surface
from figures.experiments.line_data import best_intercepts, draw, errors
from figures.plotting.drawing import style
from lai_ref import Array, Lai, lai_factor


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {case: quick_numbers(f"surface_{case}") for case in surface.CASES}


def lai(k: float, c: float, x: Array, t: Array, lam: float, order: int) -> float:
    return float(Lai(lam, order)(k * x + c, t, np.full((len(x), 1), k))[0])


@pytest.mark.parametrize(("lam", "order"), [(1.0, 1), (0.01, 1), (100.0, 1), (100.0, 2), (0.3, 2)])
def test_the_grid_is_the_lai_loss(lam: float, order: int) -> None:
    x, t = draw(1.0, 50)
    k, c = np.array([-10.0, -0.01, 0.0, 0.5, 1.0, 20.0]), np.array([-2.0, 4.0, 7.0])
    expected = [[lai(slope, intercept, x, t, lam, order) for intercept in c] for slope in k]
    assert surface.loss_grid(k, c, x, t, lam, order) == pytest.approx(np.array(expected))


def test_the_grid_has_the_kinks_among_its_slopes(quick: dict[str, dict[str, Any]]) -> None:
    for case, numbers in quick.items():
        inside = {k for k in numbers["slopes"] if abs(k) == pytest.approx(numbers["kink"])}
        assert len(inside) == (0 if case == "mae_large" else 2)
        for one in numbers["noises"]:
            shape = len(numbers["slopes"]), len(numbers["intercepts"])
            assert np.shape(one["loss"]) == shape


def test_kinks_that_lie_close_are_drawn_closer(quick: dict[str, dict[str, Any]]) -> None:
    zoomed = [case for case, numbers in quick.items() if "zoom_slopes" in numbers]
    assert zoomed == ["mae_small"]
    numbers = quick["mae_small"]
    k, c = np.array(numbers["zoom_slopes"]), np.array(numbers["intercepts"])
    assert (k[0], k[-1]) == (-0.05, 0.05) and {-0.01, 0.01} < set(k)
    for one in numbers["noises"]:
        x, t = draw(one["noise"], 400)
        expected = [[lai(slope, intercept, x, t, 0.01, 1) for intercept in c] for slope in k]
        assert np.array(one["zoom_loss"]) == pytest.approx(np.array(expected), rel=1e-5)
    with style():
        rows = surface.plot(numbers).subfigs
    for row, one in zip(rows, numbers["noises"], strict=True):
        panels = {axes.get_title("left"): axes for axes in row.axes}
        close = panels["the same near the kinks"]
        assert close.get_xlim() == pytest.approx((-0.05, 0.05))
        at_minimum = [line for line in close.lines if line.get_label() == "minimum"]
        assert len(at_minimum) == (one["minimum"]["k"] < 0.05)


@pytest.mark.parametrize("case", ["mae_1", "mae_small"])
def test_widths_and_reliefs(case: str, quick: dict[str, dict[str, Any]]) -> None:
    numbers = quick[case]
    lam, order = numbers["lam"], numbers["order"]
    for one in numbers["noises"]:
        x, t = draw(one["noise"], 400)
        least, grid = one["minimum"], np.array(one["loss"])
        k = least["k"] + np.linspace(-0.3, 0.3, 3001)
        c = best_intercepts(k, x, t, order)
        loss = errors(k, c, x, t, order) * lai_factor(k, lam, order)
        within = k[loss <= 1.01 * least["loss"]]
        assert one["slope_width"] == pytest.approx(np.ptp(within), abs=5e-4)
        c = least["c"] + np.linspace(-2, 2, 4001)
        loss = surface.loss_grid(np.array([least["k"]]), c, x, t, lam, order)[0]
        assert one["intercept_width"] == pytest.approx(
            np.ptp(c[loss <= 1.01 * least["loss"]]), abs=0.003
        )
        ends = np.array(numbers["intercepts"])[[0, -1]]
        along = surface.loss_grid(np.array([least["k"]]), ends, x, t, lam, order).max()
        share = (along - least["loss"]) / (grid.max() - least["loss"])
        assert one["intercept_relief"] == pytest.approx(share, rel=1e-4)
        at = numbers["slopes"].index(3), numbers["intercepts"].index(4)
        assert one["line_loss"] == pytest.approx(grid[at], rel=1e-5)


def check(numbers: dict[str, Any]) -> None:
    """The noises that the figure calls below and above the phase boundary."""
    for one, larger in zip(numbers["noises"], (False, True), strict=True):
        k, kink = one["minimum"]["k"], numbers["kink"]
        assert (one["noise"] > numbers["border"]) == (larger and numbers["lam"] < 100)
        assert (k == pytest.approx(kink, rel=1e-12)) == (one["noise"] > numbers["border"])
        assert one["minimum"]["loss"] <= np.min(one["loss"])
        assert one["excess"] >= 0
        if not larger:
            assert k == pytest.approx(3, abs=0.3)
        if numbers["lam"] >= 100:
            assert k > one["plain"]["k"]
            for other in one["also"]:
                assert other["minimum"]["k"] == pytest.approx(k, rel=1e-4)
        if numbers["lam"] == 0.01 and larger:
            assert [other["minimum"]["k"] for other in one["also"]] == [1]
        if one["mirror"]:
            assert one["mirror"]["k"] == pytest.approx(-kink)
            assert one["symmetry"] > 1.05


@pytest.mark.parametrize("case", surface.CASES)
def test_quick_numbers_show_both_outcomes(case: str, quick: dict[str, dict[str, Any]]) -> None:
    check(quick[case])


@pytest.mark.parametrize("case", surface.CASES)
def test_the_titles_say_on_which_side_of_the_border_the_noise_is(
    case: str, quick: dict[str, dict[str, Any]]
) -> None:
    numbers = quick[case]
    figure = surface.plot(numbers)
    (legend,) = figure.legends
    labels = {text.get_text() for text in legend.get_texts()}
    assert {"minimum", "the data's line"} <= labels
    assert (f"kinks, k = ±{numbers['kink']:g}" in labels) == (case != "mae_large")
    for row, one in zip(figure.subfigs, numbers["noises"], strict=True):
        title = row.get_suptitle()
        assert f"k = {one['minimum']['k']:.2f}" in title
        assert ("at the kink" in title.replace("not at", "")) == (one["noise"] > numbers["border"])
        assert ("above the phase boundary" in title) == (one["noise"] > numbers["border"])


def test_the_table_has_a_line_for_every_lambda(quick: dict[str, dict[str, Any]]) -> None:
    lines = surface.table(quick["mae_large"]).splitlines()
    assert len(lines) == 1 + 2 * 3
    assert lines[1].split()[:2] == ["0.5", "100"] and lines[3].split()[:2] == ["0.5", "1e+04"]


# what is committed


@pytest.fixture(scope="module")
def committed() -> dict[str, dict[str, Any]]:
    folder = Path(__file__).parents[2] / "figures" / "results"
    paths = {case: folder / f"surface_{case}.json" for case in surface.CASES}
    return {case: json.loads(path.read_text(encoding="utf-8")) for case, path in paths.items()}


@pytest.mark.parametrize("case", surface.CASES)
def test_committed_numbers_show_both_outcomes(
    case: str, committed: dict[str, dict[str, Any]]
) -> None:
    check(committed[case])
    assert "1000 points" in committed[case]["source"]


def test_the_caption_gives_the_committed_numbers(committed: dict[str, dict[str, Any]]) -> None:
    caption = " ".join((surface.__doc__ or "").split())
    low, high = zip(*(numbers["noises"] for numbers in committed.values()), strict=True)
    names = list(committed)
    one, two, half, small, mae, mse = range(len(names))
    assert names == ["mae_1", "mae_2", "mae_05", "mae_small", "mae_large", "mse_large"]
    at = [f"{row['minimum']['k']:.2f}" for row in low]
    assert at[one] == at[two] == at[half] and f"at {at[one]} for all three" in caption
    (unit,) = high[small]["also"]
    assert unit["lam"] == 1
    for expected in (
        f"over {high[small]['intercept_width']:.2f} in c, "
        f"and over {unit['intercept_width']:.2f} for λ = 1",
        f"the MAE is {high[small]['excess']:.0%} above its minimum, "
        f"and {unit['excess']:.0%} for λ = 1",
        f"k = {at[mae]} for ±0.5, and {high[mae]['minimum']['k']:.2f} for ±4",
        f"k = {at[mse]} and {high[mse]['minimum']['k']:.2f}",
        f"over {low[mse]['slope_width']:.2f} in k (MAE: {low[mae]['slope_width']:.2f})",
        f"for ±4 over {high[mse]['slope_width']:.1f} (MAE: {high[mae]['slope_width']:.1f})",
        f"{high[one]['symmetry'] - 1:.0%} above the other for λ = 1 and noise ±4",
    ):
        assert expected in caption
    assert low[one]["symmetry"] == pytest.approx(6, abs=0.5)
    assert low[small]["mirror"] is high[small]["mirror"] is None


def test_a_small_lambda_dwarfs_the_rise_along_c(committed: dict[str, dict[str, Any]]) -> None:
    _, high = committed["mae_small"]["noises"]
    assert high["intercept_relief"] < 0.01 < 0.5 < high["also"][0]["intercept_relief"]


def test_the_minimum_on_the_wrong_side_is_the_nearer_the_more_noise(
    committed: dict[str, dict[str, Any]],
) -> None:
    for case, numbers in committed.items():
        low, high = (one["symmetry"] for one in numbers["noises"])
        assert case == "mae_small" or low > 2 * high
