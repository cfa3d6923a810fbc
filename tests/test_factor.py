"""The Lai factor: its accuracy in ulp, its derivative, its symmetry, its geometry and its kink."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lai_ref import lai_factor, lai_factor_derivative, numerical_gradient, projections
from lai_ref.support.validation import Array
from tests.independent.decimal_lai import Float, exact_factor, exact_sides, exact_slope, worst_error
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import any_lams, any_slopes, lams, off_kink, orders, seeds, signed

# λ and k, both exact, with k on the kink
KINKS = [(0.5, 0.5, 1), (1.0, 1.0, 1), (3.0, 3.0, 1), (0.25, 0.5, 2), (1.0, 1.0, 2), (2.25, 1.5, 2)]
Record = Callable[[str, object], None]
BOTH_DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])
BOTH_ORDERS = pytest.mark.parametrize("order", [1, 2])


# Accuracy


def slopes_to_try(rng: np.random.Generator, lam: float, dtype: Float, n: int) -> Array:
    """±k over the whole range of `dtype`: n random ones, the kink, 1, 2³⁰ and their neighbours."""
    info = np.finfo(dtype)
    low, high = np.log10(float(info.smallest_subnormal)), np.log10(float(info.max))
    scattered = 10 ** rng.uniform(low, high, n)
    near_kink = np.outer([lam, lam**0.5], 2.0 ** rng.uniform(-3, 3, n // 4)).ravel()
    with np.errstate(over="ignore"):
        special = np.array([lam, lam**0.5, 1, 2.0**15, 2.0**26, 2.0**30, 1e150]).astype(dtype)
    neighbours = [special]
    for _ in range(2):
        neighbours += [np.nextafter(neighbours[-1], dtype(0))]
    neighbours += [np.nextafter(special, dtype(np.inf))]
    ends = [0, float(info.smallest_subnormal), float(info.tiny), float(info.max)]
    with np.errstate(over="ignore"):
        k = np.concatenate([scattered, near_kink, ends, *neighbours]).astype(dtype)
    k = k[np.isfinite(k)]
    signs = rng.choice([-1, 1], k.shape).astype(dtype)
    tried: Array = signs * k
    return tried


def lams_to_try(rng: np.random.Generator, n: int) -> Iterator[float]:
    """λ near 1, squares, and n random ones between 1e-300 and 1e300."""
    yield from (1.0, np.nextafter(1, 0), np.nextafter(1, 2), 1 - 1e-8, 1 + 1e-8, 0.1, 0.25, 4.0)
    yield from (1e-300, 1e300, 2.0**-60, 2.0**60, 2.0**900, 2.0**-900)
    yield from (10 ** rng.uniform(-2, 2, n // 2)).tolist()
    yield from (10 ** rng.uniform(-300, 300, n // 2)).tolist()


def worst_errors(
    f: Callable[..., Array],
    exact: Callable[[float, float, int], Decimal],
    order: int,
    dtype: Float,
    n: int,
) -> tuple[float, float]:
    """The largest error in ulp, among normal results and among the others."""
    rng = np.random.default_rng(20240511)
    worst = (0.0, 0.0)
    for lam in lams_to_try(rng, n):
        k = slopes_to_try(rng, float(lam), dtype, n)
        truth = [exact(value, float(lam), order) for value in k.tolist()]
        with np.errstate(over="ignore"):  # a result above the range of the dtype becomes infinite
            got = f(k, lam, order)
        errors = worst_error(got, truth, dtype)
        worst = (max(worst[0], errors[0]), max(worst[1], errors[1]))
    return worst


def check_worst(
    record: Record,
    f: Callable[..., Array],
    exact: Callable[[float, float, int], Decimal],
    order: int,
    dtype: Float,
    n: int,
) -> None:
    """At most 4 ulp for the factor, 8 for its derivative; in float32, which is rounded once, 1."""
    normal, subnormal = worst_errors(f, exact, order, dtype, n)
    record("worst_ulp", normal)
    print(f"worst error {normal:.2f} ulp, {subnormal:.2f} where the result is subnormal")
    limit = 1 if dtype is np.float32 else 4 if f is lai_factor else 8
    assert max(normal, subnormal) <= limit


@BOTH_DTYPES
@BOTH_ORDERS
def test_factor_is_within_4_ulp(order: int, dtype: Float, record_property: Record) -> None:
    check_worst(record_property, lai_factor, exact_factor, order, dtype, n=30)


@BOTH_DTYPES
@BOTH_ORDERS
def test_slope_is_within_8_ulp(order: int, dtype: Float, record_property: Record) -> None:
    check_worst(record_property, lai_factor_derivative, exact_slope, order, dtype, n=30)


@pytest.mark.slow
@BOTH_DTYPES
@BOTH_ORDERS
def test_factor_is_within_4_ulp_at_many_points(
    order: int, dtype: Float, record_property: Record
) -> None:
    check_worst(record_property, lai_factor, exact_factor, order, dtype, n=500)


@pytest.mark.slow
@BOTH_DTYPES
@BOTH_ORDERS
def test_slope_is_within_8_ulp_at_many_points(
    order: int, dtype: Float, record_property: Record
) -> None:
    check_worst(record_property, lai_factor_derivative, exact_slope, order, dtype, n=500)


@given(any_slopes, any_lams, orders)
@example(2.0**30, 1e300, 1)
@example(1.7e308, 1e-300, 2)
@example(5e-324, 1e-300, 2)
def test_factor_is_exact_to_4_ulp_wherever_hypothesis_looks(
    k: float, lam: float, order: int
) -> None:
    got = lai_factor([k], lam, order)
    assert max(worst_error(got, [exact_factor(k, lam, order)], np.float64)) <= 4


@given(any_slopes, any_lams, orders)
@example(2.0**30, 1e300, 1)
@example(1e150, 1e300, 2)
@example(1e-150, 1e-300, 2)
def test_slope_is_exact_to_8_ulp_wherever_hypothesis_looks(
    k: float, lam: float, order: int
) -> None:
    with np.errstate(over="ignore"):
        got = lai_factor_derivative([k], lam, order)
    assert max(worst_error(got, [exact_slope(k, lam, order)], np.float64)) <= 8


def test_float32_factor_too_large_for_float32_is_infinite() -> None:
    with np.errstate(over="ignore"):
        assert lai_factor(np.array([3.0], np.float32), 1e-60)[0] == np.inf


# Shape of the function


@given(any_slopes, any_lams, orders)
def test_factor_is_even_in_k(k: float, lam: float, order: int) -> None:
    assert lai_factor([k], lam, order) == lai_factor([-k], lam, order)


@given(any_slopes, any_lams, orders)
def test_slope_is_odd_in_k(k: float, lam: float, order: int) -> None:
    with np.errstate(over="ignore"):
        assert lai_factor_derivative([k], lam, order) == -lai_factor_derivative([-k], lam, order)


@given(any_lams, orders)
def test_factor_of_a_flat_line_is_the_larger_of_lam_and_1(lam: float, order: int) -> None:
    assert lai_factor([0.0], lam, order) == max(lam, 1)


@given(st.floats(1e-300, 1e14), orders)
def test_factor_of_a_steep_line_is_1_over_the_smaller_of_lam_and_1(lam: float, order: int) -> None:
    np.testing.assert_allclose(lai_factor([1e17], lam, order), 1 / min(lam, 1), rtol=1e-15)


@given(any_lams, orders)
def test_slope_of_a_flat_line_is_zero(lam: float, order: int) -> None:
    assert lai_factor_derivative([0.0], lam, order) == 0


@given(lams, orders)
def test_factor_falls_up_to_the_kink_and_rises_beyond(lam: float, order: int) -> None:
    kink = lam ** (1 / order)
    before, after = lai_factor_derivative([kink * 0.999, kink * 1.001], lam, order)
    assert before < 0 < after


def test_kink_of_the_squared_loss_is_at_the_root_of_lam() -> None:
    """E3: §3.1 as printed; with λ² for λ it would be at λ."""
    before, after = lai_factor_derivative([0.29, 0.31], 0.09, order=2)
    assert before < 0 < after


def test_kink_of_the_absolute_loss_is_at_lam() -> None:
    before, after = lai_factor_derivative([0.29, 0.31], 0.3, order=1)
    assert before < 0 < after


def test_paper_formulas_of_section_3_1() -> None:
    """Both p, λ on either side of 1, k on either side of the kink, by hand for k = 3/4."""
    k = [0.75]  # 1 + k² = 25/16
    got = [float(lai_factor(k, lam, p)[0]) for p in (1, 2) for lam in (0.5, 0.8, 2.0)]
    want = [0.6 / 0.5, 0.8, 1.6, 0.36 / 0.5, 0.64, 1.28]
    np.testing.assert_allclose(got, want, rtol=1e-15)


# Derivative


@given(lams, orders, off_kink, st.sampled_from([-1, 1]))
def test_slope_is_the_complex_step_of_the_factor(
    lam: float, order: int, ratio: float, side: int
) -> None:
    k = np.array([side * ratio * lam ** (1 / order)])
    numeric = numerical_gradient(lambda k: lai_factor(k, lam, order)[0], k, "complex")
    np.testing.assert_allclose(lai_factor_derivative(k, lam, order), numeric, rtol=1e-10)


@given(lams, orders, off_kink, st.sampled_from([-1, 1]))
def test_slope_is_the_central_difference_of_the_factor(
    lam: float, order: int, ratio: float, side: int
) -> None:
    k = np.array([side * ratio * lam ** (1 / order)])
    numeric = numerical_gradient(lambda k: lai_factor(k, lam, order)[0], k)
    error = abs(lai_factor_derivative(k, lam, order) - numeric)
    assert error <= 1e-8 * max(lam, 1 / lam)


@BOTH_ORDERS
def test_complex_slope_has_the_real_slope_as_its_real_part(order: int) -> None:
    k = np.array([-3.0, -0.2, 0.0, 0.1, 2.0])
    got = lai_factor_derivative(k + 1e-100j, 0.3, order)
    assert got.dtype == np.complex128
    np.testing.assert_allclose(got.real, lai_factor_derivative(k, 0.3, order), rtol=1e-14)


# The kink


@pytest.mark.parametrize(("lam", "k", "order"), KINKS)
def test_slope_at_the_kink_is_the_middle(lam: float, k: float, order: int) -> None:
    below, above = (float(side) for side in exact_sides(k, lam, order))
    np.testing.assert_allclose(
        lai_factor_derivative(k, lam, order), (below + above) / 2, rtol=1e-15
    )


@pytest.mark.parametrize(("lam", "k", "order"), KINKS)
@pytest.mark.parametrize(("toward", "side"), [(0.0, 0), (np.inf, 1)])
def test_slope_beside_the_kink_is_one_sided(
    lam: float, k: float, order: int, toward: float, side: int
) -> None:
    near = float(np.nextafter(k, toward))
    want = float(exact_sides(near, lam, order)[side])
    np.testing.assert_allclose(
        lai_factor_derivative([near, -near], lam, order), [want, -want], 1e-14
    )


@pytest.mark.parametrize(("lam", "k", "order"), KINKS)
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_kink_is_seen_in_every_dtype(lam: float, k: float, order: int, dtype: type) -> None:
    got = lai_factor_derivative(np.array([k], dtype), lam, order)
    np.testing.assert_allclose(got, lai_factor_derivative([k], lam, order), rtol=1e-7, atol=1e-16)


def test_slope_at_the_kink_of_lam_1_is_zero() -> None:
    assert lai_factor_derivative([1.0, -1.0], 1.0, 1).tolist() == [0, 0]
    assert lai_factor_derivative([1.0, -1.0], 1.0, 2).tolist() == [0, 0]


def test_each_feature_has_its_own_kink() -> None:
    k = np.array([[0.5, 0.5, 0.5], [1.5, 1.5, 1.5]])
    together = lai_factor_derivative(k, [0.25, 2.25, 1.0])
    apart = [lai_factor_derivative(k[:, j], lam) for j, lam in enumerate([0.25, 2.25, 1.0])]
    np.testing.assert_array_equal(together, np.stack(apart, axis=1))
    assert together[0, 0] == float(sum(exact_sides(0.5, 0.25, 2)) / 2)


@BOTH_ORDERS
@pytest.mark.parametrize("lam", [0.1, 0.3, 2.0, 3.0, 5.0, 1e-7])
def test_root_that_is_no_double_is_on_the_side_where_it_really_is(lam: float, order: int) -> None:
    k = lam ** (1 / order)
    got = lai_factor_derivative([k], lam, order)
    assert max(worst_error(got, [exact_slope(k, lam, order)], np.float64)) <= 8


# Geometry


@given(signed(1e-3, 1e3), signed(1e-3, 1e3), lams, orders)
def test_factor_is_the_larger_projection(e: float, k: float, lam: float, order: int) -> None:
    a, b = projections([e], [k])
    lai = max(a[0] ** order, lam * b[0] ** order) / min(lam, 1)
    np.testing.assert_allclose(abs(e) ** order * lai_factor([k], lam, order), lai, rtol=1e-14)


@given(signed(1e-3, 1e3), signed(1e-3, 1e3))
def test_projections_are_the_residual_seen_from_the_turned_frame(e: float, k: float) -> None:
    phi = np.arctan(k)
    frame = np.array([[np.cos(phi), np.sin(phi)], [-np.sin(phi), np.cos(phi)]])
    a, b = projections([e], [k])
    np.testing.assert_allclose([a[0], b[0]], np.abs(frame @ [0, e]), rtol=1e-12)


@given(any_slopes.filter(lambda k: abs(k) < 1e150), signed(1e-100, 1e100))
def test_projections_are_the_legs_of_a_right_triangle(k: float, e: float) -> None:
    a, b = projections([e], [k])
    np.testing.assert_allclose(np.hypot(a, b), abs(e), rtol=1e-15)


@given(signed(1e-3, 1e3), st.floats(1e-300, 1.7e308))
def test_projections_are_in_the_ratio_of_the_slope(e: float, k: float) -> None:
    a, b = projections([e], [k])
    if b[0] > 1e-300:  # a subnormal has few digits
        np.testing.assert_allclose(a / b, k, rtol=1e-14)


def test_projections_of_many_features_take_the_residual_of_the_row() -> None:
    e, k = np.array([10.0, -5.0]), np.array([[0.75, 0.0, -0.75], [4 / 3, 0.75, 0.0]])
    a, b = projections(e, k)
    np.testing.assert_allclose(a, [[6, 0, 6], [4, 3, 0]], rtol=1e-15)
    np.testing.assert_allclose(b, [[8, 10, 8], [3, 4, 5]], rtol=1e-15)


# Arguments


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("f", [lai_factor, lai_factor_derivative])
def test_dtype_and_shape_are_kept(f: Callable[..., Array], dtype: type) -> None:
    k: Array = np.ones((2, 4, 3), dtype)
    got = f(k, [0.5, 1.0, 2.0])
    assert (got.dtype, got.shape) == (k.dtype, k.shape)


def test_lam_of_a_float32_k_is_not_rounded_to_float32() -> None:
    k = np.array([0.5], np.float32)
    assert (
        lai_factor_derivative(k, np.nextafter(0.25, 1)) < 0 < lai_factor_derivative(k, 0.2499999999)
    )


def test_projections_keep_float32() -> None:
    a, b = projections(*np.array([[1.0], [2.0]], np.float32))
    assert a.dtype == b.dtype == np.float32


def test_order_2_is_the_default() -> None:
    assert lai_factor([0.4], 0.2) == lai_factor([0.4], 0.2, 2)
    assert lai_factor_derivative([0.4], 0.2) == lai_factor_derivative([0.4], 0.2, 2)


@given(seeds, orders)
def test_arguments_are_not_changed(seed: int, order: int) -> None:
    rng = np.random.default_rng(seed)
    e, k, lam = rng.standard_normal(3), rng.standard_normal((3, 2)), rng.random(2) + 0.1
    for a in (e, k, lam):
        a.setflags(write=False)
    lai_factor(k, lam, order)
    lai_factor_derivative(k, lam, order)
    projections(e, k)


REFUSED = [
    (lambda: lai_factor([0.0, np.inf], 1.0), ValueError, ("k", "finite", "inf", "[1]")),
    (lambda: lai_factor_derivative([[np.nan]], 1.0), ValueError, ("k", "finite", "nan", "[0, 0]")),
    (lambda: lai_factor(np.inf, 1.0), ValueError, ("k", "finite", "inf")),
    (lambda: lai_factor([], 1.0), ValueError, ("k", "shape", "(0,)")),
    (lambda: lai_factor(["1"], 1.0), TypeError, ("k", "numbers", "<U1")),
    (lambda: lai_factor(wrong([None]), 1.0), TypeError, ("k", "numbers", "object")),
    (lambda: lai_factor([True], 1.0), TypeError, ("k", "numbers", "bool")),
    (lambda: lai_factor(np.array([1], np.float16), 1.0), TypeError, ("k", "numbers", "float16")),
    (lambda: lai_factor([1.0], 0.0), ValueError, ("lam", "above 0", "0.0")),
    (lambda: lai_factor([1.0], -0.5), ValueError, ("lam", "above 0", "-0.5")),
    (lambda: lai_factor([1.0], [-0.5]), ValueError, ("lam", "above 0", "-0.5")),
    (lambda: lai_factor([1.0], np.nan), ValueError, ("lam", "finite", "nan")),
    (lambda: lai_factor([1.0], np.inf), ValueError, ("lam", "finite", "inf")),
    (lambda: lai_factor([1.0], []), ValueError, ("lam", "(D,)", "(0,)")),
    (lambda: lai_factor([1.0], [[1.0]]), ValueError, ("lam", "(D,)", "(1, 1)")),
    (lambda: lai_factor([1.0], "much"), TypeError, ("lam", "number", "much")),
    (lambda: lai_factor([1.0], 1j), TypeError, ("lam", "number", "1j")),
    (lambda: lai_factor([1.0, 2.0, 3.0], [1.0, 2.0]), ValueError, ("lam", "D = 3", "a list of 2")),
    (lambda: lai_factor(1.0, [1.0]), ValueError, ("lam", "one number,", "a list of 1")),
    (lambda: lai_factor_derivative([1.0, 2.0], [1.0]), ValueError, ("lam", "D = 2", "a list of 1")),
    (lambda: lai_factor([1.0], 1.0, 3), ValueError, ("order", "1, 2", "3")),
    (lambda: lai_factor_derivative([1.0], 1.0, 0), ValueError, ("order", "1, 2", "0")),
    (lambda: lai_factor([1.0], 1.0, wrong("2")), ValueError, ("order", "1, 2", "'2'")),
    (lambda: projections([[1.0]], [1.0]), ValueError, ("e", "(N,)", "(1, 1)")),
    (lambda: projections([1.0, 2.0], [1.0]), ValueError, ("k", "(2,)", "(1,)")),
    (lambda: projections([1.0, 2.0], [[1.0, 2.0]]), ValueError, ("k", "(2, D)", "(1, 2)")),
    (lambda: projections([1.0], [[[1.0]]]), ValueError, ("k", "(1,)", "(1, 1, 1)")),
    (lambda: projections([np.nan], [1.0]), ValueError, ("e", "finite", "nan")),
    (lambda: projections([], []), ValueError, ("e", "(N,)", "(0,)")),
    pytest.param(
        lambda: lai_factor(wrong([[1.0, 2.0], [3.0]]), 1.0), ValueError, ("k", "inhomogeneous")
    ),
    pytest.param(
        lambda: projections([1.0, 2.0], wrong([[1.0, 2.0], [3.0]])),
        ValueError,
        ("k", "inhomogeneous"),
    ),
    pytest.param(lambda: lai_factor([1.0], "0.5"), TypeError, ("lam", "number", "0.5")),
    pytest.param(lambda: lai_factor([1.0], True), TypeError, ("lam", "number", "bool")),
    pytest.param(
        lambda: lai_factor([1.0], np.array([0.5 + 1j])), TypeError, ("lam", "number", "complex128")
    ),
    pytest.param(
        lambda: lai_factor([1.0], wrong(10**400)), (TypeError, ValueError), ("lam", "number")
    ),
    pytest.param(
        lambda: lai_factor([1.0], 1.0, wrong(np.array([1, 2]))),
        (TypeError, ValueError),
        ("order", "1, 2"),
    ),
]


@pytest.mark.parametrize(("call", "error", "words"), REFUSED)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
