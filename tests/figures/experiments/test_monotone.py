from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.experiments.monotone import monotone_interp

X = np.array([0.0, 0.5, 2.0, 2.25, 4.0])


def test_it_is_exact_on_lines() -> None:
    at = np.linspace(0, 4, 41)
    np.testing.assert_allclose(monotone_interp(at, X, 3 - 2 * X), 3 - 2 * at, atol=1e-14)


def test_it_is_exact_on_a_parabola_between_inner_points() -> None:
    at = np.linspace(0.5, 2.25, 30)
    np.testing.assert_allclose(monotone_interp(at, X, (X + 3) ** 2), (at + 3) ** 2, rtol=1e-14)


def test_known_values() -> None:
    # m = 1, 2, 3 for the points of x²; halfway (y_0 + y_1)/2 + h (m_0 − m_1)/8
    found = monotone_interp([0.5, 1.5], [0, 1, 2], [0, 1, 4])
    assert found == pytest.approx([0.5 - 1 / 8, 2.5 - 1 / 8])
    # m = 1, 5.5, 10 at first; (1, 5.5) has the norm √31.25 and is scaled down to 3, then
    # (5.5 · 3/√31.25, 10) has a norm below 3 · 10
    m = np.array([1, 5.5]) * 3 / np.sqrt(31.25)
    found = monotone_interp([0.5, 1.5], [0, 1, 2], [0, 1, 11])
    assert found == pytest.approx([0.5 + (m[0] - m[1]) / 8, 6 + (m[1] - 10) / 8])


def test_it_is_constant_outside_and_goes_through_the_points() -> None:
    y = np.array([1.0, 3.0, 3.0, 2.0, 7.0])
    assert monotone_interp(X, X, y) == pytest.approx(y)
    assert monotone_interp([-9.0, 9.0], X, y).tolist() == [1.0, 7.0]
    assert monotone_interp([-1.0, 0.0, 1.0], [0.0], [5.0]).tolist() == [5.0] * 3


heights = st.lists(st.floats(-10, 10), min_size=5, max_size=5)


@given(y=heights)
def test_it_rises_and_falls_as_the_points_do(y: list[float]) -> None:
    for left in range(4):
        at = np.linspace(X[left], X[left + 1], 50)
        steps = np.diff(monotone_interp(at, X, y)) * np.sign(y[left + 1] - y[left])
        assert steps.min() >= -1e-9


@given(y=heights)
def test_its_derivative_is_continuous(y: list[float]) -> None:
    h = 1e-6
    for x in X[1:-1]:
        before, at, after = monotone_interp([x - h, x, x + h], X, y)
        assert (at - before) / h == pytest.approx((after - at) / h, abs=2e-3)


def test_places_that_do_not_increase_are_rejected() -> None:
    with pytest.raises(ValueError, match="strictly increasing"):
        monotone_interp(0.5, [0, 1, 1], [0, 1, 2])
