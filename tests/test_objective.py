"""Loss and network together: the derivative with respect to θ, and two losses on one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lai_ref import (
    MLP,
    GradientPenalty,
    Lai,
    Loss,
    Plain,
    numerical_gradient,
    objective,
    value_and_grad,
    value_and_grad_mixed,
)
from lai_ref.support.validation import Array
from tests.independent import scalar_network
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import Case, case, cases, l1_ratios, lams, orders, reductions


@st.composite
def losses(draw: st.DrawFn) -> Loss:
    """One of the three, with any options; the λ are one number."""
    order = draw(orders)
    lai = st.builds(Lai, lams, st.just(order), l1_ratios, reductions)
    double = st.builds(GradientPenalty, st.floats(0, 2), st.just(order))
    loss: Loss = draw(lai | double | st.just(Plain(order)))
    return loss


@dataclass(frozen=True)
class Mixed:
    """A case with two losses and the rows of the second."""

    case: Case
    plain: Loss
    lai: Loss
    rows: Array

    def __call__(self, theta: Array) -> tuple[Any, Array]:
        net, _, x, t, *_ = self.case
        return value_and_grad_mixed(net, theta, x, t, self.plain, self.lai, self.rows)


@st.composite
def mixtures(draw: st.DrawFn) -> Mixed:
    c = draw(cases())
    rows = draw(st.lists(st.booleans(), min_size=len(c.x), max_size=len(c.x)))
    return Mixed(c, draw(losses()), draw(losses()), np.array(rows))


def check_gradient(value_and_grad: Callable[[Array], tuple[Any, Array]], theta: Array) -> None:
    numeric = numerical_gradient(lambda theta: value_and_grad(theta)[0], theta, "complex")
    value, grad = value_and_grad(theta)
    # if the samples' gradients cancel, perhaps to 0, their rounding error remains
    limit = 1e-10 * np.abs(numeric).max() + 1e-14 * (1 + abs(value))
    assert np.abs(grad - numeric).max() <= limit


def check_central(value_and_grad: Callable[[Array], tuple[Any, Array]], theta: Array) -> None:
    numeric = numerical_gradient(lambda theta: value_and_grad(theta)[0], theta)
    value, grad = value_and_grad(theta)
    limit = 1e-4 * np.abs(numeric).max() + 1e-8 * (1 + abs(value))
    assert np.abs(grad - numeric).max() <= limit


def kinks_are_far(c: Case, *losses: Loss) -> bool:
    """No |e| and no |k| is so close to a kink that a central difference crosses it."""
    y, tape = c.net.forward(c.theta, c.x)
    k, _ = c.net.input_gradient(tape)
    far = bool((abs(y - c.t) > 1e-2).all())
    for loss in losses:
        if isinstance(loss, Lai):
            knee = float(loss.lam) ** (1 / loss.order)  # type: ignore[arg-type]
            far = far and bool((abs(abs(k) / knee - 1) > 5e-2).all())
    return far


# One loss


@given(cases(), losses())
def test_gradient_is_the_complex_step(c: Case, loss: Loss) -> None:
    check_gradient(lambda theta: value_and_grad(c.net, theta, c.x, c.t, loss), c.theta)


@given(cases("tanh") | cases("softplus"), losses())
def test_gradient_is_the_central_difference(c: Case, loss: Loss) -> None:
    assume(kinks_are_far(c, loss))
    check_central(lambda theta: value_and_grad(c.net, theta, c.x, c.t, loss), c.theta)


@given(cases(), orders, l1_ratios, reductions, st.data())
def test_gradient_with_a_lam_for_each_feature_is_the_complex_step(
    c: Case, order: int, l1_ratio: float, reduction: str, data: st.DataObject
) -> None:
    d = c.x.shape[1]
    loss = Lai(data.draw(st.lists(lams, min_size=d, max_size=d)), order, l1_ratio, reduction)
    check_gradient(lambda theta: value_and_grad(c.net, theta, c.x, c.t, loss), c.theta)


@given(cases(), losses())
def test_value_is_the_loss_of_what_the_network_says(c: Case, loss: Any) -> None:
    y, tape = c.net.forward(c.theta, c.x)
    k, _ = c.net.input_gradient(tape)
    assert value_and_grad(c.net, c.theta, c.x, c.t, loss)[0] == loss(y, c.t, k)[0]


@given(cases(), losses())
def test_float32_in_float32_out(c: Case, loss: Loss) -> None:
    theta, x, t = (a.astype(np.float32) for a in (c.theta, c.x, c.t))
    value, grad = value_and_grad(c.net, theta, x, t, loss)
    assert value.dtype == grad.dtype == np.float32


@given(cases(), losses())
def test_arguments_are_not_changed(c: Case, loss: Loss) -> None:
    for a in (c.theta, c.x, c.t):
        a.setflags(write=False)
    value_and_grad(c.net, c.theta, c.x, c.t, loss)


# Chunks


def step_by_step(c: Case, loss: Loss) -> tuple[Any, Array]:
    """`value_and_grad` for the whole batch at once, as one would write it down."""
    y, tape = c.net.forward(c.theta, c.x)
    if not loss.needs_k:
        value, dy, _ = loss.evaluate(y, c.t, None)
        return value, c.net.backward(tape, dy)
    k, gtape = c.net.input_gradient(tape)
    value, dy, dk = loss.evaluate(y, c.t, k)
    assert dk is not None
    return value, c.net.double_backward(gtape, dy, dk)


@given(cases(), losses(), st.integers(1, 3))
def test_chunks_add_up_to_the_whole(c: Case, loss: Loss, rows: int) -> None:
    whole, dwhole = step_by_step(c, loss)
    with patch.object(objective, "GRADIENT_CHUNK", rows):
        value, grad = value_and_grad(c.net, c.theta, c.x, c.t, loss)
    np.testing.assert_allclose(value, whole, rtol=1e-12)
    assert np.abs(grad - dwhole).max() <= 1e-11 * (np.abs(dwhole).max() + abs(whole))


@pytest.mark.parametrize("n", [1, 64, objective.GRADIENT_CHUNK])
@pytest.mark.parametrize("loss", [Plain(), Lai(0.1), Lai(0.1, reduction="sample")], ids=str)
def test_one_chunk_is_the_whole_to_the_bit(n: int, loss: Loss) -> None:
    c = case(1, (4, 3), "tanh", n)
    value, grad = value_and_grad(c.net, c.theta, c.x, c.t, loss)
    whole, dwhole = step_by_step(c, loss)
    assert value == whole
    np.testing.assert_array_equal(grad, dwhole)


@given(cases(), st.data(), st.integers(1, 3))
def test_k_is_that_of_the_first_samples_alone(c: Case, data: st.DataObject, size: int) -> None:
    n_k = data.draw(st.integers(0, len(c.x)))
    with patch.object(objective, "GRADIENT_CHUNK", size):
        y, k, _ = objective._network(c.net, c.net.unflatten(c.theta), c.x, n_k)
    whole, tape = c.net.forward(c.theta, c.x)
    np.testing.assert_allclose(y, whole, rtol=1e-12, atol=1e-14)
    assert k.shape == (n_k, c.x.shape[1])
    np.testing.assert_allclose(k, c.net.input_gradient(tape)[0][:n_k], rtol=1e-12, atol=1e-14)


# Two losses


@given(mixtures())
def test_mixed_loss_is_the_mean_weighted_by_rows(mixed: Mixed) -> None:
    c, rows, n = mixed.case, mixed.rows, len(mixed.rows)
    value, grad = 0.0, np.zeros_like(c.theta)
    for loss, chosen in ((mixed.plain, ~rows), (mixed.lai, rows)):
        if chosen.any():
            part = value_and_grad(c.net, c.theta, c.x[chosen], c.t[chosen], loss)
            value += chosen.sum() / n * part[0]
            grad += chosen.sum() / n * part[1]
    got = mixed(c.theta)
    np.testing.assert_allclose(got[0], value, rtol=1e-13)
    np.testing.assert_allclose(got[1], grad, rtol=1e-12, atol=1e-13 * np.abs(grad).max())


@given(mixtures())
def test_mixed_gradient_is_the_scalar_loop(mixed: Mixed) -> None:
    """The weighted loss gradients of each sample's own loss, through a loop over single numbers."""
    c, rows = mixed.case, mixed.rows
    net, numbers = (c.net.sizes, c.net.activation), (c.theta.tolist(), c.x.tolist())
    y = np.array(scalar_network.predictions(*net, *numbers))
    k = np.array(scalar_network.input_gradients(*net, *numbers))
    dy, dk = np.zeros(c.t.shape), np.zeros(c.x.shape)
    for loss, chosen in ((mixed.plain, ~rows), (mixed.lai, rows)):
        if chosen.any():
            _, by_y, by_k = loss.evaluate(y[chosen], c.t[chosen], k[chosen])
            dy[chosen] = chosen.mean() * by_y
            dk[chosen] = 0 if by_k is None else chosen.mean() * by_k
    seeds: Any = dy.tolist(), dk.tolist()
    want: Any = scalar_network.seeded_gradient(*net, *numbers, *seeds)
    value, grad = mixed(c.theta)
    assert np.abs(grad - want).max() <= 1e-9 * (np.abs(want).max() + abs(value))


@given(mixtures(), st.integers(1, 3))
def test_mixed_chunks_add_up_to_the_whole(mixed: Mixed, rows: int) -> None:
    whole, dwhole = mixed(mixed.case.theta)
    with patch.object(objective, "GRADIENT_CHUNK", rows):
        value, grad = mixed(mixed.case.theta)
    np.testing.assert_allclose(value, whole, rtol=1e-12)
    assert np.abs(grad - dwhole).max() <= 1e-11 * (np.abs(dwhole).max() + abs(whole))


@given(mixtures())
def test_mixed_gradient_is_the_complex_step(mixed: Mixed) -> None:
    check_gradient(mixed, mixed.case.theta)


@given(mixtures())
def test_mixed_gradient_is_the_central_difference(mixed: Mixed) -> None:
    assume(mixed.case.net.activation not in ("relu", "silu"))
    assume(kinks_are_far(mixed.case, mixed.plain, mixed.lai))
    check_central(mixed, mixed.case.theta)


@given(mixtures())
def test_no_lai_mask_is_the_plain_loss_to_the_bit(mixed: Mixed) -> None:
    c = mixed.case
    value, grad = replace(mixed, rows=np.zeros(len(c.t), bool))(c.theta)
    plain, dplain = value_and_grad(c.net, c.theta, c.x, c.t, mixed.plain)
    assert value == plain
    np.testing.assert_array_equal(grad, dplain)


@given(mixtures())
def test_lai_mask_alone_are_the_lai_loss_to_the_bit(mixed: Mixed) -> None:
    c = mixed.case
    value, grad = replace(mixed, rows=np.ones(len(c.t), bool))(c.theta)
    lai, dlai = value_and_grad(c.net, c.theta, c.x, c.t, mixed.lai)
    assert value == lai
    np.testing.assert_array_equal(grad, dlai)


@given(mixtures())
def test_mixed_float32_in_float32_out(mixed: Mixed) -> None:
    c = mixed.case
    theta, x, t = (a.astype(np.float32) for a in (c.theta, c.x, c.t))
    value, grad = replace(mixed, case=c._replace(x=x, t=t))(theta)
    assert value.dtype == grad.dtype == np.float32


@given(mixtures())
def test_mixed_arguments_are_not_changed(mixed: Mixed) -> None:
    for a in (mixed.case.theta, mixed.case.x, mixed.case.t, mixed.rows):
        a.setflags(write=False)
    mixed(mixed.case.theta)


def test_mask_may_be_a_list() -> None:
    x, t = np.array([[1.0], [2.0]]), np.array([0.0, 0.0])
    value, _ = value_and_grad_mixed(
        MLP((1, 1)), np.array([1.0, 0.0]), x, t, Plain(), Lai(0.25), [False, True]
    )
    # e = (1, 2), k = 1: plain 1, Lai 2² · 1/2 / 0.25 = 8
    assert value == (1 + 8) / 2


def test_lists_do_as_well_as_arrays() -> None:
    x, t = wrong([[1.0], [2.0]]), wrong([0.0, 0.0])
    assert value_and_grad(MLP((1, 1)), np.array([1.0, 0.0]), x, t, Plain())[0] == 2.5


def test_lists_do_as_well_as_arrays_for_two_losses() -> None:
    net, theta, x, t = MLP((1, 1)), np.array([1.0, 0.0]), wrong([[1.0], [2.0]]), wrong([0.0, 0.0])
    value, _ = value_and_grad_mixed(net, theta, x, t, Plain(), Lai(0.25), [False, True])
    assert value == 4.5


# Rejected arguments

NET, THETA, X, T = MLP((2, 1)), np.zeros(3), np.ones((4, 2)), np.ones(4)


def one(theta: Any = THETA, x: Any = X, t: Any = T, loss: Any = None) -> Any:
    return value_and_grad(NET, theta, x, t, loss or Lai())


def two(rows: Any, x: Any = X, t: Any = T) -> Any:
    return value_and_grad_mixed(NET, THETA, x, t, Plain(), Lai(), rows)


HALF = T > 0
HALF[:2] = False


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: one(theta=THETA[1:]), ValueError, ("theta", "(3,)", "(2,)")),
        (lambda: one(x=X[:, :1]), ValueError, ("x", "(N, 2)", "(4, 1)")),
        (lambda: one(x=X[:0], t=T[:0]), ValueError, ("x", "(N, 2)", "(0, 2)")),
        (lambda: one(x=X * np.inf), ValueError, ("x", "finite", "inf", "[0, 0]")),
        (lambda: one(t=T[:, None]), ValueError, ("t", "(4,)", "(4, 1)")),
        (lambda: one(t=T[1:]), ValueError, ("t", "(4,)", "(3,)")),
        (lambda: one(t=T * np.nan, loss=Plain()), ValueError, ("t", "finite", "nan", "[0]")),
        (lambda: one(t=["1"] * 4), TypeError, ("t", "numbers", "<U1")),
        (lambda: two([True] * 3), ValueError, ("lai_mask", "4 bools", "bool", "(3,)")),
        (lambda: two([1, 0, 1, 0]), ValueError, ("lai_mask", "4 bools", "int", "(4,)")),
        (lambda: two([0, 1]), ValueError, ("lai_mask", "4 bools", "int", "(2,)")),
        (lambda: two(HALF[:, None]), ValueError, ("lai_mask", "4 bools", "(4, 1)")),
        (lambda: two(True), ValueError, ("lai_mask", "4 bools", "()")),
        (lambda: two(HALF, x=X[:, :1]), ValueError, ("x", "(N, 2)")),
        (lambda: two(HALF, x=X * np.nan), ValueError, ("x", "finite", "nan")),
        (lambda: two(HALF, t=T * np.nan), ValueError, ("t", "finite", "nan")),
        (lambda: two(HALF[:0], x=X[:0], t=T[:0]), ValueError, ("x", "(N, 2)", "(0, 2)")),
        (lambda: two(HALF[:, None], t=T[:, None]), ValueError, ("t", "(4,)", "(4, 1)")),
        (lambda: two(HALF, t=1.0), ValueError, ("t", "(4,)", "()")),
        (lambda: two(HALF, x=X[1:]), ValueError, ("t", "(3,)", "(4,)")),
        (lambda: two([[True], [True, False]]), ValueError, ("lai_mask", "bools")),
        pytest.param(
            lambda: two(HALF, x=[[1.0, 1.0], [1.0, 1.0], [np.nan, 1.0], [1.0, 1.0]]),
            ValueError,
            ("x", "finite", "nan", "[2, 0]"),
        ),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
