"""The Lai loss: geometry, norms and reductions, derivatives and where there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import lai_ref.lai
from lai_ref import Lai, Plain, lai_factor, lai_factor_derivative, numerical_gradient, projections
from lai_ref.support.validation import Array
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import (
    Batch,
    any_lams,
    any_slopes,
    batches,
    finite,
    l1_ratios,
    lams,
    orders,
    reductions,
    signed,
)

BOTH_ORDERS = pytest.mark.parametrize("order", [1, 2])
BOTH_REDUCTIONS = pytest.mark.parametrize("reduction", ["batch", "sample"])
ZERO, TWO, THREE = np.zeros(1), np.zeros(2), np.zeros(3)
HALF = np.ones((1, 1), np.float16)


def mix(c: Array, l1_ratio: float) -> float:
    """M(c) as in §3.2."""
    return (1 - l1_ratio) * float(np.linalg.norm(c)) + l1_ratio * float(np.abs(c).sum())


def ell(batch: Batch) -> Array:
    """ℓ from the projections of the residual, entry by entry."""
    loss, y, t, k = batch
    order, lam = loss.order, np.broadcast_to(loss.lam, k.shape)
    a, b = projections(y - t, k)
    each: Array = np.maximum(a**order, lam * b**order) / np.minimum(lam, 1)
    return each


# Value


@given(batches())
def test_per_feature_is_the_larger_projection(batch: Batch) -> None:
    loss, y, t, k = batch
    np.testing.assert_allclose(loss.per_feature(y, t, k), ell(batch), rtol=1e-13)


@given(batches(reduction="batch"))
def test_batch_reduction_is_the_norm_of_the_means(batch: Batch) -> None:
    loss, y, t, k = batch
    want = mix(ell(batch).mean(axis=0), loss.l1_ratio)
    np.testing.assert_allclose(loss(y, t, k)[0], want, rtol=1e-13)


@given(batches(reduction="sample"))
def test_sample_reduction_is_the_mean_of_the_norms(batch: Batch) -> None:
    loss, y, t, k = batch
    want = np.mean([mix(row, loss.l1_ratio) for row in ell(batch)])
    np.testing.assert_allclose(loss(y, t, k)[0], want, rtol=1e-13)


@given(signed(0.1, 10), signed(0.1, 10))
def test_lai_mae_of_lam_1_is_the_chebyshev_length_in_the_turned_frame(e: float, k: float) -> None:
    """§2.1: turn the residual vector (0, e) by −φ; the larger coordinate is the loss."""
    phi = np.arctan(k)
    rotation = np.array([[np.cos(phi), np.sin(phi)], [-np.sin(phi), np.cos(phi)]])
    want = np.abs(rotation @ [0, e]).max()
    value, _, _ = Lai(1.0, order=1)([e], [0.0], [[k]])
    np.testing.assert_allclose(value, want, rtol=1e-13)


@given(batches(), signed(0.1, 10))
def test_scaled_residuals_scale_the_loss_by_their_size_to_the_order(batch: Batch, c: float) -> None:
    loss, y, t, k = batch
    e = y - t
    want = abs(c) ** loss.order * loss(e, np.zeros_like(e), k)[0]
    np.testing.assert_allclose(loss(c * e, np.zeros_like(e), k)[0], want, rtol=1e-13)


@given(batches())
def test_prediction_and_target_may_change_places(batch: Batch) -> None:
    loss, y, t, k = batch
    value, dy, dk = loss(y, t, k)
    swapped, dy_swapped, dk_swapped = loss(t, y, k)
    assert value == swapped
    np.testing.assert_array_equal(dy, -dy_swapped)
    np.testing.assert_array_equal(dk, dk_swapped)


@given(batches())
def test_loss_is_even_in_k(batch: Batch) -> None:
    loss, y, t, k = batch
    value, dy, dk = loss(y, t, k)
    mirrored, dy_mirrored, dk_mirrored = loss(y, t, -k)
    assert value == mirrored
    np.testing.assert_array_equal(dy, dy_mirrored)
    np.testing.assert_array_equal(dk, -dk_mirrored)


def check_reductions_agree(batch: Batch) -> None:
    loss, y, t, k = batch
    results = [
        Lai(loss.lam, loss.order, loss.l1_ratio, reduction)(y, t, k)
        for reduction in ("batch", "sample")
    ]
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


@given(batches(n=1))
def test_reductions_agree_for_one_sample(batch: Batch) -> None:
    check_reductions_agree(batch)


@given(batches(d=1))
def test_reductions_agree_for_one_feature(batch: Batch) -> None:
    check_reductions_agree(batch)


@given(batches(l1_ratio=1.0))
def test_reductions_agree_for_the_1_norm(batch: Batch) -> None:
    check_reductions_agree(batch)


def test_reductions_differ_for_samples_that_are_not_alike() -> None:
    """ℓ = [[1, 2], [2, 1]]: the norm of the means is √4.5, the mean of the norms √5."""
    k = np.array([[0.0, 1e9], [1e9, 0.0]])
    losses = [Lai(0.5, 1, reduction=r)([1.0, 1.0], TWO, k)[0] for r in ("batch", "sample")]
    np.testing.assert_allclose(losses, np.sqrt([4.5, 5.0]), rtol=1e-15)


@pytest.mark.parametrize(("l1_ratio", "want"), [(0.0, 5.0), (1.0, 7.0), (0.25, 5.5)])
@BOTH_REDUCTIONS
def test_l1_ratio_mixes_the_norms(l1_ratio: float, want: float, reduction: str) -> None:
    """ℓ = (3, 4): λ = 3 and 4 at k = 0."""
    loss = Lai([3.0, 4.0], 2, l1_ratio, reduction)
    assert loss([1.0], ZERO, [[0.0, 0.0]])[0] == want


# Where the factor is constant


@given(st.integers(1, 5), orders, reductions, st.floats(1e-3, 50))
def test_flat_network_has_root_d_times_the_plain_loss(
    d: int, order: int, reduction: str, lam: float
) -> None:
    """E4: at k = 0 the factor is max(λ, 1), however small λ is; L2 Lai adds √D."""
    y, t, k = np.array([1.5, -2.0, 0.5]), np.array([1.0, 1.0, 1.0]), np.zeros((3, d))
    value, dy, dk = Lai(lam, order, 0.0, reduction)(y, t, k)
    plain, dplain, _ = Plain(order)(y, t)
    # the means of |e|^p F are the same for all features, and so are the rows of one sample
    np.testing.assert_allclose(value, np.sqrt(d) * max(lam, 1) * plain, rtol=1e-14)
    np.testing.assert_allclose(dy, np.sqrt(d) * max(lam, 1) * dplain, rtol=1e-14)
    assert not dk.any()


@given(st.integers(1, 5), orders, reductions, st.floats(1e-3, 50))
def test_flat_network_has_d_times_the_plain_loss_for_the_1_norm(
    d: int, order: int, reduction: str, lam: float
) -> None:
    y, t, k = np.array([1.5, -2.0, 0.5]), np.array([1.0, 1.0, 1.0]), np.zeros((3, d))
    value, dy, dk = Lai(lam, order, 1.0, reduction)(y, t, k)
    plain, dplain, _ = Plain(order)(y, t)
    np.testing.assert_allclose(value, d * max(lam, 1) * plain, rtol=1e-14)
    np.testing.assert_allclose(dy, d * max(lam, 1) * dplain, rtol=1e-14)
    assert not dk.any()


# Derivatives


@given(batches())
def test_dy_is_the_complex_step(batch: Batch) -> None:
    loss, y, t, k = batch
    numeric = numerical_gradient(lambda y: loss(y, t, k)[0], y, "complex")
    np.testing.assert_allclose(loss(y, t, k)[1], numeric, rtol=1e-10)


@given(batches())
def test_dk_is_the_complex_step(batch: Batch) -> None:
    loss, y, t, k = batch
    numeric = numerical_gradient(lambda k: loss(y, t, k)[0], k, "complex")
    np.testing.assert_allclose(loss(y, t, k)[2], numeric, rtol=1e-10)


@given(batches())
def test_dy_is_the_central_difference(batch: Batch) -> None:
    loss, y, t, k = batch
    value, dy, _ = loss(y, t, k)
    numeric = numerical_gradient(lambda y: loss(y, t, k)[0], y)
    np.testing.assert_allclose(dy, numeric, rtol=1e-6, atol=1e-8 * value)


@given(batches())
def test_dk_is_the_central_difference(batch: Batch) -> None:
    loss, y, t, k = batch
    value, _, dk = loss(y, t, k)
    numeric = numerical_gradient(lambda k: loss(y, t, k)[0], k)
    np.testing.assert_allclose(dk, numeric, rtol=1e-4, atol=1e-7 * value)


@given(batches())
def test_derivatives_follow_eulers_rule_for_the_residual(batch: Batch) -> None:
    """The loss is homogeneous of degree p in e: Σ_i dy_i e_i = p L."""
    loss, y, t, k = batch
    value, dy, _ = loss(y, t, k)
    np.testing.assert_allclose((dy * (y - t)).sum(), loss.order * value, rtol=1e-13)


# Permutations


@given(batches(), st.randoms(use_true_random=False))
def test_order_of_the_samples_does_not_matter(batch: Batch, random: Any) -> None:
    loss, y, t, k = batch
    p = np.array(random.sample(range(len(y)), len(y)))
    value, dy, dk = loss(y, t, k)
    shuffled, dy_shuffled, dk_shuffled = loss(y[p], t[p], k[p])
    np.testing.assert_allclose(shuffled, value, rtol=1e-14)
    np.testing.assert_allclose(dy_shuffled, dy[p], rtol=1e-13)
    np.testing.assert_allclose(dk_shuffled, dk[p], rtol=1e-13)


@given(batches(), st.randoms(use_true_random=False))
def test_order_of_the_features_does_not_matter(batch: Batch, random: Any) -> None:
    loss, y, t, k = batch
    p = np.array(random.sample(range(k.shape[1]), k.shape[1]))
    lam = np.broadcast_to(loss.lam, k.shape[1])[p]
    value, dy, dk = loss(y, t, k)
    turned = Lai(lam, loss.order, loss.l1_ratio, loss.reduction)
    shuffled, dy_shuffled, dk_shuffled = turned(y, t, k[:, p])
    np.testing.assert_allclose(shuffled, value, rtol=1e-14)
    np.testing.assert_allclose(dy_shuffled, dy, rtol=1e-13)
    np.testing.assert_allclose(dk_shuffled, dk[:, p], rtol=1e-13)


# Where it is not differentiable


@pytest.mark.parametrize(
    ("lam", "k", "order"), [(0.5, 0.5, 1), (3.0, 3.0, 1), (0.25, 0.5, 2), (2.25, 1.5, 2)]
)
@pytest.mark.parametrize("each", [False, True])
@BOTH_REDUCTIONS
def test_dk_at_the_kink_is_the_middle(
    lam: float, k: float, order: int, each: bool, reduction: str
) -> None:
    loss = Lai([lam] if each else lam, order, reduction=reduction)
    at, left, right = (
        loss([2.0], ZERO, [[slope]])[2].item()
        for slope in (k, np.nextafter(k, 0), np.nextafter(k, np.inf))
    )
    assert left < 0 < right
    np.testing.assert_allclose(at, (left + right) / 2, rtol=1e-12)


def test_every_feature_at_its_own_kink_takes_its_own_middle() -> None:
    loss = Lai([0.25, 2.25, 1.0], l1_ratio=1.0)
    _, _, dk = loss([1.0], ZERO, [[0.5, -1.5, 1.0]])
    want = [float(lai_factor_derivative(*at)) for at in ((0.5, 0.25), (-1.5, 2.25), (1.0, 1.0))]
    np.testing.assert_allclose(dk, [want], rtol=1e-15)


@BOTH_REDUCTIONS
def test_dy_of_the_absolute_loss_is_zero_where_the_residual_is(reduction: str) -> None:
    loss = Lai(0.1, order=1, reduction=reduction)
    _, dy, dk = loss([1.0, 3.0], [1.0, 1.0], [[0.5, 2.0], [0.5, 2.0]])
    assert dy[0] == 0 < dy[1]
    assert not dk[0].any()
    assert dk[1].all()


@BOTH_ORDERS
@BOTH_REDUCTIONS
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_perfect_fit_has_no_loss_and_no_gradient(
    order: int, reduction: str, l1_ratio: float
) -> None:
    y, k = np.array([1.0, -2.0]), np.array([[0.5, 2.0], [-0.1, 0.0]])
    value, dy, dk = Lai(0.1, order, l1_ratio, reduction)(y, y, k)
    assert value == 0
    assert not dy.any()
    assert not dk.any()


# Numbers


@BOTH_REDUCTIONS
@BOTH_ORDERS
@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_norm_neither_overflows_nor_vanishes(order: int, reduction: str, scale: float) -> None:
    k = np.array([[0.5, 2.0], [3.0, 0.1]])
    small, e = Lai(0.3, order, 0.5, reduction), np.array([1.0, -2.0])
    value, dy, dk = small(e, TWO, k)
    got, dy_got, dk_got = small(scale * e, TWO, k)
    np.testing.assert_allclose(got, scale**order * value, rtol=1e-13)
    np.testing.assert_allclose(dy_got, scale ** (order - 1) * dy, rtol=1e-13)
    np.testing.assert_allclose(dk_got, scale**order * dk, rtol=1e-13)


@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_square_of_the_residual_may_leave_the_range_where_the_loss_does_not(
    reduction: str,
) -> None:
    """e² = 1e-340 is 0, but times F = 1e200 it is 1e-140, and times F' = 4e100, 4e-240."""
    e, loss = [1e-170], Lai(1e-200, l1_ratio=1.0, reduction=reduction)
    np.testing.assert_allclose(loss.per_feature(e, ZERO, [[1e100]]), 1e-140, rtol=1e-13)
    np.testing.assert_allclose(loss(e, ZERO, [[1e100]])[0], 1e-140, rtol=1e-13)
    np.testing.assert_allclose(loss(e, ZERO, [[2e-100]])[2], 4e-240, rtol=1e-13)


@given(batches())
def test_float32_is_float64_rounded(batch: Batch) -> None:
    loss, *arguments = batch
    single = [a.astype(np.float32) for a in arguments]
    double = [a.astype(np.float64) for a in single]
    for got, want in zip(loss(*single), loss(*double), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, want.astype(np.float32))


@given(batches())
def test_float32_per_feature_is_float64_rounded(batch: Batch) -> None:
    loss, *arguments = batch
    single = [a.astype(np.float32) for a in arguments]
    got = loss.per_feature(*single)
    want = loss.per_feature(*[a.astype(np.float64) for a in single])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, want.astype(np.float32))


@st.composite
def losses_and_shapes(
    draw: st.DrawFn, lams: st.SearchStrategy[float]
) -> tuple[Lai, tuple[int, int]]:
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lam = draw(lams | st.lists(lams, min_size=d, max_size=d))
    return Lai(lam, draw(orders), draw(l1_ratios), draw(reductions)), (n, d)


@pytest.mark.fuzz
@given(losses_and_shapes(any_lams), st.data())
def test_results_are_finite_as_long_as_the_powers_are(
    given: tuple[Lai, tuple[int, int]], data: st.DataObject
) -> None:
    """No F and no F' is above 2 max(λ, 1/λ), and no sum has more than N D terms: with
    4 N D |e|^p max(λ, 1/λ) no intermediate value leaves the range of doubles."""
    loss, (n, d) = given
    steepest = np.maximum(loss.lam, 1 / np.array(loss.lam)).max()
    largest = (np.finfo(np.float64).max / (4 * n * d) / steepest) ** (1 / loss.order)
    y, t = (data.draw(hnp.arrays(np.float64, n, elements=finite(largest / 2))) for _ in range(2))
    k = data.draw(hnp.arrays(np.float64, (n, d), elements=any_slopes))
    for result in (*loss(y, t, k), loss.per_feature(y, t, k)):
        assert np.isfinite(result).all()


@pytest.mark.fuzz
@given(losses_and_shapes(st.floats(1e-200, 1e200)), st.data())
def test_float32_is_infinite_only_where_the_true_value_is_beyond(
    given: tuple[Lai, tuple[int, int]], data: st.DataObject
) -> None:
    loss, (n, d) = given
    any_float32 = finite(float(np.finfo(np.float32).max), width=32)
    single = [
        data.draw(hnp.arrays(np.float32, shape, elements=any_float32)) for shape in (n, n, (n, d))
    ]
    double = [a.astype(np.float64) for a in single]
    true = [*loss(*double), loss.per_feature(*double)]
    with np.errstate(over="ignore"):
        got = [*loss(*single), loss.per_feature(*single)]
        for one, other in zip(got, true, strict=True):
            assert np.isfinite(other).all()
            np.testing.assert_array_equal(one, other.astype(np.float32))


@given(batches())
def test_complex_in_is_complex_out(batch: Batch) -> None:
    loss, y, t, k = batch
    results = loss(y + 0j, t, k)
    for got, want in zip(results, loss(y, t, k), strict=True):
        assert got.dtype == np.complex128
        np.testing.assert_allclose(got, want, rtol=1e-13)


def test_results_have_the_widest_dtype_that_came_in() -> None:
    one = np.array([1.0], np.float32)
    assert Lai()(one, np.zeros(1), one[:, None])[1].dtype == np.float64
    assert Lai().per_feature(one, one, np.ones((1, 1)))[0].dtype == np.float64


@given(batches())
def test_arguments_are_not_changed(batch: Batch) -> None:
    loss, *arguments = batch
    for a in arguments:
        a.setflags(write=False)
    loss(*arguments)
    loss.per_feature(*arguments)


@given(batches())
def test_evaluate_is_the_call_without_the_door(batch: Batch) -> None:
    loss, y, t, k = batch
    for one, other in zip(loss(y, t, k), loss.evaluate(y, t, k), strict=True):
        np.testing.assert_array_equal(one, other)


@given(batches(), st.integers(1, 6))
def test_blocks_of_rows_change_no_bit(batch: Batch, entries: int) -> None:
    loss, *arguments = batch
    whole = (*loss(*arguments), loss.per_feature(*arguments))
    with patch.object(lai_ref.lai, "CHUNK_ENTRIES", entries):
        parts = (*loss(*arguments), loss.per_feature(*arguments))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@given(batches())
def test_shapes(batch: Batch) -> None:
    loss, y, t, k = batch
    value, dy, dk = loss(y, t, k)
    assert (np.shape(value), dy.shape, dk.shape) == ((), y.shape, k.shape)


@given(signed(0.1, 10), signed(0.1, 10), lams, orders)
def test_one_sample_and_one_feature_is_the_factor_alone(
    e: float, k: float, lam: float, order: int
) -> None:
    value, _, _ = Lai(lam, order)([e], ZERO, [[k]])
    np.testing.assert_allclose(value, abs(e) ** order * lai_factor(k, lam, order), rtol=1e-14)


# The record


def test_defaults_are_those_of_the_paper() -> None:
    assert Lai() == Lai(lam=0.1, order=2, l1_ratio=0.0, reduction="batch")


def test_equal_losses_compare_and_hash_equal() -> None:
    ones = [Lai(np.array([1.0, 2.0])), Lai([1, 2]), Lai((1.0, 2.0))]
    assert len(set(ones)) == 1
    assert Lai(wrong(np.float32(0.5))) == Lai(0.5) != Lai([0.5])


def test_loss_keeps_no_hold_on_the_lam_it_was_given() -> None:
    lam = np.array([1.0, 2.0])
    loss = Lai(lam)
    lam[0] = 5.0
    assert loss.lam == (1.0, 2.0)


def test_loss_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Lai().lam = 1.0  # type: ignore[misc]


def test_loss_says_that_it_needs_k() -> None:
    assert Lai().needs_k


LAI = Lai(0.5)
FIT = np.ones((3, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Lai(0.0), ValueError, ("lam", "above 0", "0.0")),
        (lambda: Lai(-1.0), ValueError, ("lam", "above 0", "-1.0")),
        (lambda: Lai([0.1, 0.0]), ValueError, ("lam", "above 0", "0.0")),
        (lambda: Lai(np.nan), ValueError, ("lam", "finite", "nan")),
        (lambda: Lai([]), ValueError, ("lam", "(D,)", "(0,)")),
        (lambda: Lai(np.ones((2, 2))), ValueError, ("lam", "(D,)", "(2, 2)")),
        (lambda: Lai(wrong([[1.0], [1.0, 2.0]])), TypeError, ("lam", "number")),
        (lambda: Lai(order=3), ValueError, ("order", "1, 2", "3")),
        (lambda: Lai(order=wrong("MSE")), ValueError, ("order", "1, 2", "'MSE'")),
        (lambda: Lai(l1_ratio=-0.1), ValueError, ("l1_ratio", "[0, 1]", "-0.1")),
        (lambda: Lai(l1_ratio=1.1), ValueError, ("l1_ratio", "[0, 1]", "1.1")),
        (lambda: Lai(l1_ratio=np.nan), ValueError, ("l1_ratio", "[0, 1]", "nan")),
        (lambda: Lai(l1_ratio=wrong(None)), TypeError, ("l1_ratio", "number", "None")),
        (lambda: Lai(reduction="mean"), ValueError, ("reduction", "'batch', 'sample'", "'mean'")),
        pytest.param(lambda: Lai(wrong("0.5")), TypeError, ("lam", "number", "0.5")),
        pytest.param(lambda: Lai(l1_ratio=wrong("0.5")), TypeError, ("l1_ratio", "number", "0.5")),
        pytest.param(lambda: Lai(l1_ratio=True), TypeError, ("l1_ratio", "number", "True")),
        (lambda: LAI(FIT[:, :1], THREE, FIT), ValueError, ("y", "(N,)", "(3, 1)")),
        (lambda: LAI(THREE, FIT[:, :1], FIT), ValueError, ("t", "(3,)", "(3, 1)")),
        (lambda: LAI(THREE, TWO, FIT), ValueError, ("t", "(3,)", "(2,)")),
        (lambda: LAI(THREE, THREE, THREE), ValueError, ("k", "(3, D)", "(3,)")),
        (lambda: LAI(TWO, TWO, FIT), ValueError, ("k", "(2, D)", "(3, 2)")),
        (lambda: LAI([], [], np.ones((0, 2))), ValueError, ("y", "(N,)", "(0,)")),
        (lambda: LAI(TWO, TWO, np.ones((2, 0))), ValueError, ("k", "(2, D)", "(2, 0)")),
        (lambda: LAI([np.nan], [0.0], [[1.0]]), ValueError, ("y", "finite", "nan")),
        (lambda: LAI([0.0], [np.inf], [[1.0]]), ValueError, ("t", "finite", "inf")),
        (lambda: LAI([0.0], [0.0], [[np.inf]]), ValueError, ("k", "finite", "inf", "[0, 0]")),
        (lambda: LAI(["a"], [0.0], [[1.0]]), TypeError, ("y", "numbers", "<U1")),
        (lambda: LAI([0.0], [True], [[1.0]]), TypeError, ("t", "numbers", "bool")),
        (lambda: LAI([0.0], [0.0], HALF), TypeError, ("k", "numbers", "float16")),
        (lambda: LAI([0.0, 0.0], [0.0, 0.0], [[1.0], [1.0, 2.0]]), ValueError, ("k", "(2, D)")),
        (lambda: Lai([0.1] * 3)(THREE, THREE, FIT), ValueError, ("lam", "D = 2", "a list of 3")),
        (lambda: Lai([0.1])(THREE, THREE, FIT), ValueError, ("lam", "D = 2", "a list of 1")),
        (lambda: LAI.per_feature(THREE, TWO, FIT), ValueError, ("t", "(3,)", "(2,)")),
        (
            lambda: Lai([0.1]).per_feature(THREE, THREE, FIT),
            ValueError,
            ("lam", "D = 2", "a list of 1"),
        ),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)


@pytest.mark.parametrize("reduction", ["batch", "sample"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_complex_residuals_may_be_0_as_well(l1_ratio: float, reduction: str) -> None:
    loss = Lai(0.1, l1_ratio=l1_ratio, reduction=reduction)
    y, k = np.array([1.0, 2.0]), np.array([[0.5, -2.0], [0.1, 0.0]])
    for t in (y, np.array([1.0, 3.0])):
        for got, want in zip(loss(y + 0j, t, k + 0j), loss(y, t, k), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-14, atol=0)
