from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from figures.experiments.line_data import (
    SUMMIT,
    basin_slope,
    best_intercepts,
    border,
    draw,
    errors,
    expected_error,
    minima,
    reach,
    stationary_noise,
)
from lai_ref import Array, Lai, lai_factor

# the middles of equal cells: averages over them are averages over ±1, nearly
CELLS = (np.arange(40) + 0.5) / 20 - 1
X, U = (a.ravel() for a in np.meshgrid(CELLS, CELLS))


# Sampled data


def test_points_lie_evenly_about_the_line_the_same_for_every_noise() -> None:
    x, t = draw(0.5, 4000)
    wide_x, wide_t = draw(4.0, 4000)
    u = (t - 3 * x - 4) / 0.5
    assert (x == wide_x).all()
    assert u == pytest.approx((wide_t - 3 * x - 4) / 4.0)
    for values in (x, u):
        shares = np.histogram(values, bins=8, range=(-1, 1))[0] / len(values)
        assert shares == pytest.approx(1 / 8, abs=0.03) and np.abs(values).max() < 1
    assert abs(np.corrcoef(x, u)[0, 1]) < 0.05


@pytest.mark.parametrize("order", [1, 2])
def test_no_intercept_is_better_than_the_best(order: int) -> None:
    x, t = draw(2.0, 81)
    k = np.linspace(-3, 6, 10)
    c = best_intercepts(k, x, t, order)
    least = errors(k, c, x, t, order)
    for step in (-0.3, -1e-3, 1e-3, 0.3):
        assert (errors(k, c + step, x, t, order) > least).all()


def test_the_minimum_of_the_plain_loss_is_least_squares() -> None:
    x, t = draw(1.0, 200)
    slope, intercept = np.polynomial.polynomial.polyfit(x, t, 1)[::-1]
    (plain,) = minima(x, t, None, 2)
    assert (plain["k"], plain["c"]) == pytest.approx((slope, intercept), abs=1e-4)


def test_reach_ends_where_the_level_is_passed() -> None:
    low, high = reach(lambda z: 1 + (z - 5) ** 2 * (4 if z > 5 else 1), 5.0, 0.01)
    assert (low, high) == pytest.approx((4.9, 5.05), abs=1e-6)


@pytest.mark.parametrize(("lam", "order"), [(1.0, 1), (0.5, 2), (100.0, 1), (9.5, 2)])
@pytest.mark.parametrize("noise", [0.3, 2.0])
def test_minima_are_minima_and_none_is_lower(noise: float, lam: float, order: int) -> None:
    x, t = draw(noise, 61)
    found = minima(x, t, lam, order)
    assert [m["loss"] for m in found] == sorted(m["loss"] for m in found)
    for m in found:
        assert m["loss"] == pytest.approx(lai(m["k"], m["c"], x, t, lam, order), rel=1e-12)
        for dk, dc in ((1e-2, 0), (-1e-2, 0), (0, 1e-2), (0, -1e-2), (1e-2, 1e-2), (1e-2, -1e-2)):
            assert lai(m["k"] + dk, m["c"] + dc, x, t, lam, order) > m["loss"]
    k, c = np.linspace(-8, 12, 401), np.linspace(2, 6, 161)
    grid = errors(k[:, None], c, x, t, order) * lai_factor(k, lam, order)[:, None]
    assert found[0]["loss"] <= grid.min() < 1.02 * found[0]["loss"]


def lai(k: float, c: float, x: Array, t: Array, lam: float, order: int) -> float:
    return float(Lai(lam, order)(k * x + c, t, np.full((len(x), 1), k))[0])


# The derivation


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
    lam = 1e-6 if k < 3 else 1e6  # a kink far away, on the side to which F decreases
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
