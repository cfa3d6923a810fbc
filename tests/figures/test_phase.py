from __future__ import annotations

import json
from math import sqrt
from typing import Any

import numpy as np
import pytest

from figures import phase
from figures.experiments.line_data import (
    SUMMIT,
    basin_slope,
    border,
    expected_error,
    minimum_slope,
    stationary_noise,
)
from figures.experiments.settings import Settings
from figures.plotting.words import NAMES
from lai_ref import Lai, lai_factor
from tests.figures import results

# the middles of equal cells: averages over them are averages over ±1, nearly
CELLS = (np.arange(40) + 0.5) / 20 - 1
X, U = (a.ravel() for a in np.meshgrid(CELLS, CELLS))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return phase.compute(Settings(tmp_path_factory.mktemp("out"), quick=True))


def loss(k: float, noise: float, lam: float, order: int) -> float:
    """The Lai loss of the line y = kx + 4 on points that fill the strip evenly."""
    return float(Lai(lam, order)(k * X + 4, 3 * X + 4 + noise * U, np.full((len(X), 1), k))[0])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("k", [-2.0, 1.0, 2.9, 4.5])
@pytest.mark.parametrize("noise", [0.2, 1.0, 4.0])
def test_the_expected_error_is_the_average(k: float, noise: float, order: int) -> None:
    average = np.mean(np.abs((k - 3) * X - noise * U) ** order)
    assert expected_error(k, noise, order) == pytest.approx(average, rel=2e-3)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kink", [0.1, 0.5, 1.0, 2.0, 2.6, 5.0, 10.0])
def test_the_loss_itself_has_its_minimum_at_the_kink_from_the_border_on(
    kink: float, order: int
) -> None:
    slopes = np.linspace(0.05, 3.5, 70) if kink < 3 else np.linspace(2.5, 11, 86)
    for share, at_kink in ((0.97, False), (1.03, True)):
        noise = share * border(kink, order)
        values = [loss(k, noise, kink**order, order) for k in slopes]
        assert np.isclose(slopes[np.argmin(values)], kink) == at_kink


@pytest.mark.parametrize("kink", [0.01, 0.3, 1.0, 1.7, 2.2])
def test_the_border_of_mse_below_the_summit_in_closed_form(kink: float) -> None:
    δ = (sqrt(3 + 4 * kink) - sqrt(3)) ** 2 / 4
    k = 3 - δ
    assert kink == pytest.approx(δ + sqrt(3 * δ))
    assert border(kink, 2) == pytest.approx(sqrt(δ * (k**3 + 2 * k - 3)), rel=1e-9)


@pytest.mark.parametrize("kink", [2.3, 2.9, 3.0, 3.5, 10.0])
def test_the_border_of_mse_beyond_the_summit_in_closed_form(kink: float) -> None:
    right = (kink - 3) * (3 + 1 / kink)
    left = (3 - kink) * (kink - 1) * (kink**2 + kink + 3)
    assert border(kink, 2) == pytest.approx(sqrt(max(left, right)), rel=1e-9)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("k", [1.1, 1.5, 2.0, 2.5, 2.95, 3.05, 4.0, 8.0, 30.0])
def test_the_slope_of_the_loss_changes_its_sign_at_the_stationary_noise(
    k: float, order: int
) -> None:
    lam = 1e-6 if k < 3 else 1e6  # a kink far away, on the side that F pulls to
    ends = np.array([k - 1e-4, k + 1e-4])

    def rise(noise: float) -> float:
        return float(np.diff(expected_error(ends, noise, order) * lai_factor(ends, lam, order))[0])

    noise = float(stationary_noise(k, order))
    towards_3 = np.sign(k - 3)
    assert towards_3 * rise(0.99 * noise) > 0 > towards_3 * rise(1.01 * noise)


@pytest.mark.parametrize("order", [1, 2])
def test_the_summit_is_where_the_stationary_noise_is_largest(order: int) -> None:
    k = np.linspace(1, 3, 20001)
    assert k[stationary_noise(k, order).argmax()] == pytest.approx(SUMMIT[order], abs=2e-4)


@pytest.mark.parametrize("order", [1, 2])
def test_a_kink_up_to_1_is_a_local_minimum_at_any_noise(order: int) -> None:
    assert not stationary_noise(np.array([0.01, 0.5, 1.0]), order).any()
    for noise in (0.02, 0.5, 3.0):
        assert loss(0.499, noise, 0.5**order, order) > loss(0.5, noise, 0.5**order, order)
        assert loss(0.501, noise, 0.5**order, order) > loss(0.5, noise, 0.5**order, order)


@pytest.mark.parametrize("order", [1, 2])
def test_the_search_finds_what_was_derived(order: int) -> None:
    kinks, noises = np.geomspace(0.05, 20, 8), np.geomspace(0.04, 25, 9)
    found = phase.slope_map(kinks, noises, order)
    derived = [[minimum_slope(kink, noise, order) for kink in kinks] for noise in noises]
    assert found == pytest.approx(np.array(derived), rel=3e-3)


@pytest.mark.parametrize("noise", [0.1, 1.0, 3.0, 20.0])
def test_the_basin_of_mse_is_the_orthogonal_regression(noise: float) -> None:
    covariance = [[1 / 3, 1], [1, 3 + noise**2 / 3]]
    (along, up) = np.linalg.eigh(covariance)[1][:, 1]
    assert basin_slope(noise, 2) == pytest.approx(up / along)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0, 5.0, 20.0])
def test_the_basin_of_mae_is_where_the_loss_is_least_for_every_large_lambda(noise: float) -> None:
    k = np.geomspace(3, 200, 100001)
    for lam in (1e3, 1e5):
        values = expected_error(k, noise, 1) * lai_factor(k, lam, 1)
        assert basin_slope(noise, 1) == pytest.approx(k[values.argmin()], rel=1e-4)


def test_squaring_moves_the_basin_nearer_to_3_up_to_the_root_of_10() -> None:
    assert basin_slope(sqrt(10), 1) == pytest.approx(basin_slope(sqrt(10), 2))
    assert all(basin_slope(s, 1) > basin_slope(s, 2) for s in (0.1, 1.0, 3.1))
    assert all(basin_slope(s, 1) < basin_slope(s, 2) for s in (3.2, 5.0, 50.0))


def test_the_caption_gives_the_derived_numbers() -> None:
    caption = " ".join((phase.__doc__ or "").split())
    borders = [border(kink, 1) for kink in (1.0, 2.0, 0.5)]
    one, two, half = (f"{b:.2f} X" for b in borders)
    assert f"from s = {one}, {two} and {half} on" in caption
    one, two, half = (f"{basin_slope(b, 1):.1f}" for b in borders)
    assert f"k ≥ {one}, {two} and {half}:" in caption


def test_quick_numbers_are_json(quick: dict[str, Any]) -> None:
    assert json.loads(json.dumps(quick)) == quick
    assert quick["command"] == "python -m figures phase --quick"


def test_quick_numbers_can_be_drawn_and_tabled(quick: dict[str, Any]) -> None:
    figure = phase.plot(quick)
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert len(labels) == 4 and "at the kink for drawn data" in labels
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
    """The map and the drawn data against the derivation, the border against the map."""
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


def test_committed_numbers_name_what_made_them(committed: dict[str, Any]) -> None:
    assert committed["command"] == "python -m figures phase"
    assert "20000 rows" in committed["source"] and committed["seeds"] == [0]
