from __future__ import annotations

import numpy as np
import pytest

from figures.experiments.monotone import monotone_cubic


def test_the_interpolant_goes_through_the_data() -> None:
    rng = np.random.default_rng(0)
    x, y = np.cumsum(rng.uniform(0.1, 2, 9)), rng.standard_normal(9)
    assert monotone_cubic(x, y, x) == pytest.approx(y, rel=1e-14)


def test_between_neighbours_it_stays_between_their_values() -> None:
    """So it is monotone where the data are, and an extremum of the data is one of the curve."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        x, y = np.cumsum(rng.uniform(0.01, 2, 7)), rng.standard_normal(7)
        for i in range(6):
            values = monotone_cubic(x, y, np.linspace(x[i], x[i + 1], 40))
            rises = np.diff(values) * np.sign(y[i + 1] - y[i])
            assert (rises >= -1e-12).all()


def test_a_line_stays_a_line() -> None:
    x = np.array([0.0, 1.0, 5.0, 6.0])
    at = np.linspace(0, 6, 13)
    assert monotone_cubic(x, 2 * x - 3, at) == pytest.approx(2 * at - 3)
    assert monotone_cubic(x[:2], 2 * x[:2] - 3, [0.25]) == pytest.approx([-2.5])


def test_a_convex_curve_is_met_far_better_than_by_chords() -> None:
    x, at = np.linspace(0, 3, 7), np.linspace(0, 3, 200)
    errors = [
        np.abs(values - np.exp(at)).max()
        for values in (monotone_cubic(x, np.exp(x), at), np.interp(at, x, np.exp(x)))
    ]
    assert errors[0] < errors[1] / 5


@pytest.mark.parametrize(("x", "at"), [([0, 0, 1], [0.5]), ([0, 2, 1], [0.5]), ([1], [1])])
def test_x_has_to_rise(x: list[float], at: list[float]) -> None:
    with pytest.raises(ValueError, match="x: expected at least two rising numbers"):
        monotone_cubic(x, x, at)


@pytest.mark.parametrize("at", [-0.1, 2.1])
def test_there_is_no_extrapolation(at: float) -> None:
    with pytest.raises(ValueError, match="at: expected places from 0 to 2"):
        monotone_cubic([0, 1, 2], [1, 2, 3], [at])
