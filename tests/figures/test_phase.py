from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from figures import phase
from figures.experiments.line_data import (
    basin_slope,
    border,
    expected_error,
    minimum_slope,
)
from figures.plotting.words import NAMES
from lai_ref import lai_factor
from tests.figures import results


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("phase")


@pytest.mark.parametrize("order", [1, 2])
def test_the_search_finds_what_was_derived(order: int) -> None:
    kinks, noises = np.geomspace(0.05, 20, 8), np.geomspace(0.04, 25, 9)
    found = phase.slope_map(kinks, noises, order)
    derived = [[minimum_slope(kink, noise, order) for kink in kinks] for noise in noises]
    assert found == pytest.approx(np.array(derived), rel=3e-3)


def test_the_caption_gives_the_derived_numbers() -> None:
    caption = " ".join((phase.__doc__ or "").split())
    borders = [border(kink, 1) for kink in (1.0, 2.0, 0.5)]
    one, two, half = (f"{b:.2f} X" for b in borders)
    assert f"for s ≥ {one}, {two} and {half}." in caption
    one, two, half = (f"{basin_slope(b, 1):.1f}" for b in borders)
    assert f"k ≥ {one}, {two} and {half}." in caption


def test_the_legend_names_the_borders_and_the_table_the_basins(quick: dict[str, Any]) -> None:
    figure = phase.plot(quick)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert len(labels) == 4 and "at the kink (sampled data)" in labels
    assert f"{quick['basins'][0]['basin_k']:.3f}" in phase.table(quick)


def test_quick_basins_are_those_of_any_larger_kink(quick: dict[str, Any]) -> None:
    for one in quick["basins"]:
        order, noise, k = one["order"], one["noise"], one["basin_k"]
        assert k == minimum_slope(1e4, noise, order)
        near = np.linspace(3, 60, 20001)
        grid = np.append(near, 1e7)
        values = expected_error(grid, noise, order) * lai_factor(grid, 1e20, order)
        within = near[values[:-1] <= 1.01 * values.min()]
        assert one["width"] == pytest.approx(np.ptp(within), abs=0.006)
        assert one["rise"] == pytest.approx(values[-1] / values.min() - 1, rel=1e-4)
    for one in quick["paper_lams"]:
        order = one["order"]
        assert one["border"] == border(one["lam"] ** (1 / order), order)
        assert one["basin_k"] == minimum_slope(1e4, one["border"], order)
    for order in (1, 2):
        curve = [minimum_slope(1e4, noise, order) for noise in quick["noises"]]
        assert quick["basin_curve"][NAMES[order]] == pytest.approx(curve, rel=1e-3)


def test_quick_local_borders_are_below_the_border_up_to_the_summit(quick: dict[str, Any]) -> None:
    kinks = np.array(quick["border_kinks"])
    for one in quick["maps"]:
        local, all_of_it = np.array(one["local_border"]), np.array(one["border"])
        left = kinks < 0.95 * one["summit"][0]
        assert (local < all_of_it)[left].all() and (all_of_it < one["summit"][1])[left].all()
        assert (local == all_of_it)[kinks > one["summit"][0]].all()
        assert not local[kinks < 1].any()
    assert one["order"] == 2
    near = (kinks > 1) & (kinks < 3)
    k = kinks[near]
    squares = (3 - k) * (k - 1) * (k**2 + k + 3)
    assert local[near] == pytest.approx(np.sqrt(squares), rel=1e-2)


def check(numbers: dict[str, Any], tolerance: float) -> None:
    """Compare the map and the sampled data with the derivation, and the boundary with the map."""
    for one in numbers["maps"]:
        order, slopes = one["order"], np.array(one["slopes"])
        assert (slopes > 0).all()
        at_kink = np.isclose(slopes, numbers["kinks"], rtol=7e-3)
        edges = np.interp(
            numbers["kinks"], numbers["border_kinks"], np.maximum(one["border"], 1e-9)
        )
        noises = np.array(numbers["noises"])[:, None]
        clear = (np.abs(np.log(noises / edges)) > 0.1) & (np.abs(slopes - 3) > 0.1)
        assert clear.mean() > 0.3
        assert (at_kink == (noises > edges))[clear].all()
        for point in one["sampled"]:
            kink = pytest.approx(point["kink"], rel=1e-12)
            assert (point["slope"] == kink) == (point["noise"] > border(point["kink"], order))
            assert point["slope"] == pytest.approx(point["expected"], rel=tolerance)


def test_quick_numbers_agree_with_the_derivation(quick: dict[str, Any]) -> None:
    check(quick, tolerance=0.15)


# what is committed


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("phase")


def test_committed_numbers_agree_with_the_derivation(committed: dict[str, Any]) -> None:
    check(committed, tolerance=0.015)
    for one in committed["maps"]:
        derived = [border(kink, one["order"]) for kink in committed["border_kinks"][::6]]
        assert one["border"][::6] == pytest.approx(derived, rel=1e-3, abs=1e-3)


def test_committed_basins_widen_with_the_noise(committed: dict[str, Any]) -> None:
    for order in (1, 2):
        mine = [b for b in committed["basins"] if b["order"] == order]
        for name in ("basin_k", "width"):
            assert [b[name] for b in mine] == sorted(b[name] for b in mine)
        assert [b["rise"] for b in mine] == sorted((b["rise"] for b in mine), reverse=True)


def test_committed_numbers_name_their_random_points(committed: dict[str, Any]) -> None:
    assert "20000 rows" in committed["source"] and committed["seeds"] == [0]
