"""The losses that the Lai loss is compared with: values, derivatives, rejected arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lai_ref import GradientPenalty, Lai, Loss, Plain, numerical_gradient
from lai_ref.support.validation import Array
from tests.inputs.refusals import check_refused, wrong
from tests.inputs.strategies import Batch, batches, finite, orders

mus = st.just(0.0) | st.floats(1e-3, 10)
TWO, THREE, FIT = np.zeros(2), np.zeros(3), np.ones((3, 2))
BOTH_ORDERS = pytest.mark.parametrize("order", [1, 2])


@given(batches(), orders)
def test_plain_is_the_mean_of_the_powers(batch: Batch, order: int) -> None:
    _, y, t, _ = batch
    want = sum(abs(a - b) ** order for a, b in zip(y, t, strict=True)) / len(y)
    np.testing.assert_allclose(Plain(order)(y, t)[0], want, rtol=1e-14)


@given(batches(), orders, mus)
def test_double_backprop_adds_the_mean_square_of_k(batch: Batch, order: int, mu: float) -> None:
    _, y, t, k = batch
    want = Plain(order)(y, t)[0] + mu * np.mean([row @ row for row in k])
    np.testing.assert_allclose(GradientPenalty(mu, order)(y, t, k)[0], want, rtol=1e-14)


@given(batches(), orders)
def test_plain_dy_is_the_complex_step(batch: Batch, order: int) -> None:
    _, y, t, _ = batch
    numeric = numerical_gradient(lambda y: Plain(order)(y, t)[0], y, "complex")
    np.testing.assert_allclose(Plain(order)(y, t)[1], numeric, rtol=1e-10)


@given(batches(), orders)
def test_plain_dy_is_the_central_difference(batch: Batch, order: int) -> None:
    _, y, t, _ = batch
    value, dy, _ = Plain(order)(y, t)
    numeric = numerical_gradient(lambda y: Plain(order)(y, t)[0], y)
    np.testing.assert_allclose(dy, numeric, rtol=1e-8, atol=1e-9 * value)


@given(batches(), orders, mus)
def test_double_backprop_dy_and_dk_are_complex_steps(batch: Batch, order: int, mu: float) -> None:
    _, y, t, k = batch
    loss = GradientPenalty(mu, order)
    _, dy, dk = loss(y, t, k)
    by_y = numerical_gradient(lambda y: loss(y, t, k)[0], y, "complex")
    by_k = numerical_gradient(lambda k: loss(y, t, k)[0], k, "complex")
    np.testing.assert_allclose(dy, by_y, rtol=1e-10)
    np.testing.assert_allclose(dk, by_k, rtol=1e-10)


@given(batches(), orders, mus)
def test_double_backprop_dy_and_dk_are_central_differences(
    batch: Batch, order: int, mu: float
) -> None:
    _, y, t, k = batch
    loss = GradientPenalty(mu, order)
    value, dy, dk = loss(y, t, k)
    by_y = numerical_gradient(lambda y: loss(y, t, k)[0], y)
    by_k = numerical_gradient(lambda k: loss(y, t, k)[0], k)
    np.testing.assert_allclose(dy, by_y, rtol=1e-7, atol=1e-8 * value)
    np.testing.assert_allclose(dk, by_k, rtol=1e-7, atol=1e-8 * value)


@pytest.mark.parametrize("loss", [Plain(1), GradientPenalty(0.5, 1)])
def test_dy_of_the_absolute_loss_is_zero_where_the_residual_is(loss: Any) -> None:
    dy = loss([1.0, 3.0, -1.0], [1.0, 1.0, 1.0], np.ones((3, 1)))[1]
    assert dy.tolist() == [0, 1 / 3, -1 / 3]


@given(batches(), orders)
def test_double_backprop_of_mu_0_is_the_plain_loss(batch: Batch, order: int) -> None:
    _, y, t, k = batch
    value, dy, dk = GradientPenalty(0, order)(y, t, k)
    plain, dplain, _ = Plain(order)(y, t)
    assert value == plain
    np.testing.assert_array_equal(dy, dplain)
    assert not dk.any()


@BOTH_ORDERS
def test_plain_returns_no_dk(order: int) -> None:
    y = np.array([1.0, 2.0])
    assert Plain(order)(y, y, np.ones((2, 3)))[2] is None
    assert Plain(order).evaluate(y, y, None)[2] is None


@BOTH_ORDERS
@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_dtype_is_kept(order: int, dtype: type) -> None:
    y: Array = np.ones(2, dtype)
    t, k = 0 * y, np.stack([y, 2 * y], axis=1)
    results = [*Plain(order)(y, t)[:2], *GradientPenalty(0.1, order)(y, t, k)]
    assert {result.dtype for result in results} == {np.dtype(dtype)}


@BOTH_ORDERS
def test_float32_is_summed_in_double(order: int) -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(500).astype(np.float32)
    k = 100 * rng.standard_normal((500, 3)).astype(np.float32)
    for loss in (Plain(order), GradientPenalty(0.3, order)):
        wide = [a.astype(np.float64) for a in (y, 0 * y, k)]
        for got, want in zip(loss(y, 0 * y, k), loss(*wide), strict=True):
            if got is not None and want is not None:
                np.testing.assert_array_equal(got, want.astype(np.float32))


def test_float32_square_that_leaves_its_range_on_the_way_is_seen_through() -> None:
    y = np.array([1e19, 0, 0, 0], np.float32)
    t = np.array([-1e19, 0, 0, 0], np.float32)
    np.testing.assert_allclose(Plain()(y, t)[0], 1e38, rtol=1e-6)


@pytest.mark.fuzz
@given(st.data(), orders, finite(1e6).map(abs), st.sampled_from([np.float32, np.float64]))
def test_results_are_finite_as_long_as_the_squares_are(
    data: st.DataObject, order: int, mu: float, dtype: Any
) -> None:
    """In float32 only results above its range are infinite: the squares are taken in double."""
    n, d = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    numbers = finite(1e150)
    if dtype == np.float32:
        numbers = finite(float(np.finfo(np.float32).max), width=32)
    y, t, k = (data.draw(hnp.arrays(dtype, shape, elements=numbers)) for shape in (n, n, (n, d)))
    y64, t64, k64 = (a.astype(np.float64) for a in (y, t, k))
    with np.errstate(over="ignore"):
        for loss in (Plain(order), GradientPenalty(mu, order)):
            for got, want in zip(loss(y, t, k), loss(y64, t64, k64), strict=True):
                if want is not None:
                    assert np.isfinite(want).all()
                    np.testing.assert_array_equal(got, want.astype(dtype))


@given(batches(), orders)
def test_arguments_are_not_changed(batch: Batch, order: int) -> None:
    _, *arguments = batch
    for a in arguments:
        a.setflags(write=False)
    Plain(order)(*arguments)
    GradientPenalty(0.1, order)(*arguments)


def test_losses_say_whether_they_need_k() -> None:
    losses: list[Loss] = [Plain(), GradientPenalty(), Lai()]
    assert [loss.needs_k for loss in losses] == [False, True, True]


def test_defaults() -> None:
    assert Plain() == Plain(order=2)
    assert GradientPenalty() == GradientPenalty(mu=0.01, order=2)


PLAIN, DOUBLE = Plain(), GradientPenalty()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Plain(3), ValueError, ("order", "1, 2", "3")),
        (lambda: GradientPenalty(order=0), ValueError, ("order", "1, 2", "0")),
        (lambda: GradientPenalty(mu=-1), ValueError, ("mu", "[0, ", "-1.0")),
        (lambda: GradientPenalty(mu=np.inf), ValueError, ("mu", "[0, ", "inf")),
        (lambda: GradientPenalty(mu=np.nan), ValueError, ("mu", "[0, ", "nan")),
        (lambda: GradientPenalty(mu=wrong("much")), TypeError, ("mu", "number", "'much'")),
        (lambda: PLAIN(FIT[:, :1], THREE), ValueError, ("y", "(N,)", "(3, 1)")),
        (lambda: PLAIN(THREE, FIT[:, :1]), ValueError, ("t", "(3,)", "(3, 1)")),
        (lambda: PLAIN(THREE, TWO), ValueError, ("t", "(3,)", "(2,)")),
        (lambda: PLAIN([], []), ValueError, ("y", "(N,)", "(0,)")),
        (lambda: PLAIN([np.nan], [0.0]), ValueError, ("y", "finite", "nan", "[0]")),
        (lambda: PLAIN([0.0], [-np.inf]), ValueError, ("t", "finite", "-inf", "[0]")),
        (lambda: PLAIN(wrong([None]), [0.0]), TypeError, ("y", "numbers", "object")),
        (lambda: DOUBLE(FIT[:, :1], THREE, FIT), ValueError, ("y", "(N,)", "(3, 1)")),
        (lambda: DOUBLE(THREE, TWO, FIT), ValueError, ("t", "(3,)", "(2,)")),
        (lambda: DOUBLE(THREE, THREE, THREE), ValueError, ("k", "(3, D)", "(3,)")),
        (lambda: DOUBLE(TWO, TWO, FIT), ValueError, ("k", "(2, D)", "(3, 2)")),
        (lambda: DOUBLE([0.0], [0.0], [[np.nan]]), ValueError, ("k", "finite", "nan", "[0, 0]")),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: type[Exception], words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
