from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from figures.plotting.changes import draw_change, paper_changes, table_1_changes

CHANGE = {"mean": -0.03, "low": -0.05, "high": 0.04}


def drawn(axes: Axes) -> tuple[tuple[float, float], list[np.ndarray[Any, Any]]]:
    """The point of the one change in `axes`, and the ends of its bars."""
    (container,) = axes.containers
    assert isinstance(container, ErrorbarContainer)
    point, _, bars = container.lines
    assert point is not None
    ends = [np.asarray(segment) for bar in bars for segment in bar.get_segments()]
    ((x, y),) = np.asarray(point.get_xydata(), float)
    return (float(x), float(y)), ends


@pytest.mark.parametrize("across", [True, False])
def test_a_change_and_its_interval_are_drawn_in_per_cent(across: bool) -> None:
    axes = Figure().subplots()
    draw_change(axes, CHANGE, 7.0, across, fmt="o")
    point, (bar,) = drawn(axes)
    turned = slice(None) if across else slice(None, None, -1)
    assert point[turned] == pytest.approx((-3.0, 7.0))
    np.testing.assert_allclose(bar[:, turned], [[-5.0, 7.0], [4.0, 7.0]])


def test_a_change_without_an_interval_is_a_point() -> None:
    axes = Figure().subplots()
    draw_change(axes, {"mean": 0.5, "low": None, "high": None}, 1.0, fmt="o")
    point, bars = drawn(axes)
    assert point == (50.0, 1.0) and bars == []


def test_the_control_group_is_drawn_at_0() -> None:
    axes = Figure().subplots()
    draw_change(axes, {"mean": 0.0, "low": 0.0, "high": 0.0}, 1.0, fmt="o")
    point, (bar,) = drawn(axes)
    assert point == (0.0, 1.0)
    np.testing.assert_array_equal(bar, [[0.0, 1.0]] * 2)


def test_changes_to_mse_are_listed_without_its_own() -> None:
    rows = [{"rmse_change": {"mean": mean}} for mean in (0.0, -0.0007, 0.0053, 0.0359)]
    assert table_1_changes(rows, "rmse") == "-0.1%, +0.5%, +3.6%"


def test_the_papers_changes_are_those_of_its_table() -> None:
    # from 0.6960 to 0.6955, 0.6997, 0.7210; from 0.7728 to 0.7683, 0.7574, 0.6604
    assert paper_changes("rmse") == "-0.1%, +0.5%, +3.6%"
    assert paper_changes("variance") == "-0.6%, -2.0%, -14.5%"
