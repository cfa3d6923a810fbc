"""λ in doubles: the exact side of the kink, and k of any magnitude."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lai_ref.support.kink import CLAMP, check_lam, check_lam_length, clamped, kink_of, scaled
from tests.independent.decimal_lai import exact_sides
from tests.inputs.strategies import orders

LAMS = st.floats(1e-300, 1e300)
SMALLEST = 5e-324


@given(LAMS, orders)
@example(SMALLEST, 2)
@example(1e-320, 2)
@example(0.1, 2)
@example(0.25, 2)
def test_first_above_is_the_smallest_double_above_the_kink(lam: float, order: int) -> None:
    first = float(kink_of(np.array(lam), order).first_above)
    assert Fraction(first) ** order > Fraction(lam)
    assert Fraction(float(np.nextafter(first, 0))) ** order <= Fraction(lam)


@given(LAMS, orders)
@example(SMALLEST, 2)
@example(0.25, 2)
@example(2.0**-1000, 1)
def test_exact_is_the_double_on_the_kink_if_there_is_one(lam: float, order: int) -> None:
    exact = kink_of(np.array(lam), order).exact
    closest = lam if order == 1 else float(np.sqrt(lam))
    if Fraction(closest) ** order == Fraction(lam):
        assert exact is not None and float(exact) == closest
    else:
        assert exact is None


def test_each_lam_has_its_own_exact_double_or_nan() -> None:
    exact = kink_of(np.array([0.25, 0.1, 9.0]), 2).exact
    np.testing.assert_array_equal(exact, [0.5, np.nan, 3.0])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("lam", [1e-200, 0.0625, 1.0, 2.25, 1e10, 2.0**80])
def test_derivative_is_the_midpoint_of_the_one_sided_ones(lam: float, order: int) -> None:
    kink = kink_of(np.array(lam), order)
    below, above = (float(side) for side in exact_sides(lam ** (1 / order), lam, order))
    size = max(abs(below), abs(above))
    np.testing.assert_allclose(float(kink.derivative), (below + above) / 2, atol=1e-15 * size)


@given(st.floats(-1e308, 1e308).filter(bool))
@example(CLAMP)
@example(-np.nextafter(CLAMP, np.inf))
def test_clamped_k_and_the_tail_scale_give_sine_and_cosine(k: float) -> None:
    a = np.array([k])
    inner, c = clamped(a, np.abs(a))
    assert np.abs(inner) <= CLAMP and (np.abs(a) > CLAMP or (inner is a and c == 1.0))
    r = np.sqrt(1 + inner * inner)
    hypotenuse = np.hypot(1, k)
    np.testing.assert_allclose(inner / r, k / hypotenuse, rtol=4e-16)
    np.testing.assert_allclose(c / r, 1 / hypotenuse, rtol=1e-15, atol=SMALLEST)


def test_powers_of_the_tail_scale_do_not_underflow_before_the_product_does() -> None:
    tail = np.array([1e-200])
    assert tail[0] ** 2 == 0
    np.testing.assert_allclose(scaled(np.array([1e300]), tail, 2), [1e-100], rtol=1e-15)
    assert scaled(tail, 1.0, 3) is tail


def test_lam_is_checked_for_its_length_alone_if_it_is_a_list() -> None:
    check_lam_length(check_lam(0.1), ())
    check_lam_length(check_lam([0.1, 1.0]), (5, 2))
    with pytest.raises(ValueError, match=r"lam: expected one number or a list of D = 3, one per"):
        check_lam_length(check_lam([0.1, 1.0]), (5, 3))
    with pytest.raises(ValueError, match=r"lam: expected one number, got a list of 2"):
        check_lam_length(check_lam([0.1, 1.0]), ())
