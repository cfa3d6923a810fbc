"""Adam: by hand in fractions, then against Algorithm 1 one number at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lai_ref import Adam, AdamState
from lai_ref.support.validation import Array
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import seeds

OPT = Adam(lr=0.25, beta1=0.5, beta2=0.75, eps=0.5)


def exact_root(x: Fraction) -> Fraction:
    """The square root of a square."""
    root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
    assert root**2 == x
    return root


def test_three_steps_by_hand() -> None:
    """Gradients ±g have v̂ = g² at every step, whose root is exact; m̂ changes nevertheless."""
    lr, b1, b2, eps = Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), Fraction(1, 2)
    theta, m, v = Fraction(1), Fraction(0), Fraction(0)
    got, state = np.array([1.0]), OPT.init(np.array([1.0]))
    for t, g in enumerate((3, -3, -3), start=1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        theta -= lr * m / (1 - b1**t) / (exact_root(v / (1 - b2**t)) + eps)
        got, state = OPT.step(got, np.array([float(g)]), state)
        np.testing.assert_allclose(got, [float(theta)], rtol=1e-15)
        assert (state.t, state.m.tolist(), state.v.tolist()) == (t, [m], [v])
    assert theta == Fraction(99, 98)


def test_second_moment_by_hand() -> None:
    """Gradients whose squares differ: v̂_2 = 2 has no exact root, but its square is compared."""
    opt = Adam(lr=0.25, beta1=0.5, beta2=0.5, eps=0.5)
    # g_1 = 2: v_1 = 2, v̂_1 = 4;  g_2 = 1: v_2 = 3/2, v̂_2 = 2
    theta, state = opt.step(np.array([0.0]), np.array([2.0]), opt.init(np.zeros(1)))
    assert theta.tolist() == [-0.25 * 2 / (2 + 0.5)]
    theta, state = opt.step(theta, np.array([1.0]), state)
    # m_2 = 1/2 + 1/2 = 1, m̂_2 = 4/3: the step s has (4/3 · 1/4 / s − 1/2)² = 2
    step = -0.2 - theta[0]
    np.testing.assert_allclose((1 / 3 / step - 0.5) ** 2, 2, rtol=1e-13)
    assert (state.m.tolist(), state.v.tolist()) == ([1.0], [1.5])


@given(
    seeds,
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([0.0, 0.5, 0.999]),
    st.sampled_from([1e-8, 1e-2, 1.0]),
)
def test_100_steps_are_algorithm_1(seed: int, beta1: float, beta2: float, eps: float) -> None:
    rng = np.random.default_rng(seed)
    opt = Adam(0.01, beta1, beta2, eps)
    theta = rng.standard_normal(2)
    numbers = [[value, 0.0, 0.0] for value in theta.tolist()]
    state = opt.init(theta)
    for t in range(1, 101):
        grad = rng.standard_normal(2) + 0.1
        theta, state = opt.step(theta, grad, state)
        for n, g in zip(numbers, grad.tolist(), strict=True):
            n[1] = beta1 * n[1] + (1 - beta1) * g
            n[2] = beta2 * n[2] + (1 - beta2) * g**2
            n[0] -= 0.01 * (n[1] / (1 - beta1**t)) / (math.sqrt(n[2] / (1 - beta2**t)) + eps)
    want = np.array(numbers)
    assert state.t == 100
    np.testing.assert_allclose(theta, want[:, 0], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(state.m, want[:, 1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(state.v, want[:, 2], rtol=1e-12)


def test_eps_is_outside_the_root() -> None:
    theta, _ = Adam(lr=1.0, eps=1.0).step(np.zeros(1), np.ones(1), Adam().init(np.zeros(1)))
    np.testing.assert_allclose(theta, -0.5, rtol=1e-15)  # inside it, −1/√2


@given(st.floats(1e-3, 1e3) | st.floats(-1e3, -1e-3))
def test_first_step_is_lr_whatever_the_size_of_the_gradient(g: float) -> None:
    opt = Adam(lr=0.125)
    theta, _ = opt.step(np.zeros(1), np.array([g]), opt.init(np.zeros(1)))
    np.testing.assert_allclose(theta, [-math.copysign(0.125, g)], rtol=1e-4)


def test_no_gradient_no_step() -> None:
    theta, _ = OPT.step(np.ones(3), np.zeros(3), OPT.init(np.ones(3)))
    assert theta.tolist() == [1, 1, 1]


def test_parameters_do_not_see_each_other() -> None:
    theta, grad = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    together, _ = OPT.step(theta, grad, OPT.init(theta))
    apart = [OPT.step(theta[i : i + 1], grad[i : i + 1], OPT.init(theta[:1]))[0] for i in (0, 1)]
    np.testing.assert_array_equal(together, np.concatenate(apart))


def test_nothing_is_changed_in_place() -> None:
    theta, grad = np.ones(2), np.array([1.0, -3.0])
    _, state = OPT.step(theta, grad, OPT.init(theta))
    for a in (theta, grad, state.m, state.v):
        a.setflags(write=False)
    before = (state.t, state.m.copy(), state.v.copy())
    _, after = OPT.step(theta, grad, state)
    assert (state.t, state.m.tolist(), state.v.tolist()) == (1, *(a.tolist() for a in before[1:]))
    assert not np.shares_memory(state.m, after.m)
    assert not np.shares_memory(state.v, after.v)


def test_initial_state_is_zero() -> None:
    state = OPT.init(np.ones(3, np.float32))
    assert (state.t, state.m.tolist(), state.v.tolist()) == (0, [0, 0, 0], [0, 0, 0])
    assert state.m is not state.v


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(dtype: type) -> None:
    theta: Array = np.ones(3, dtype)
    state = OPT.init(theta)
    for _ in range(2):
        theta, state = OPT.step(theta, np.full(3, 0.1, dtype), state)
    assert theta.dtype == state.m.dtype == state.v.dtype == dtype


def test_defaults_are_those_of_the_paper() -> None:
    assert Adam() == Adam(lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8)


def test_constants_are_plain_floats() -> None:
    assert type(Adam(lr=1).lr) is type(Adam(eps=wrong(np.float32(1))).eps) is float
    assert type(Adam(beta1=0).beta1) is type(Adam(beta2=wrong(np.float32(0))).beta2) is float


ONE, STATE = np.ones(2), OPT.init(np.ones(2))
LONG = np.ones(3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Adam(lr=0), ValueError, ("lr", "above 0", "0.0")),
        (lambda: Adam(lr=np.inf), ValueError, ("lr", "finite", "inf")),
        (lambda: Adam(lr=wrong("fast")), TypeError, ("lr", "number", "'fast'")),
        (lambda: Adam(eps=0.0), ValueError, ("eps", "above 0", "0.0")),
        (lambda: Adam(beta1=-0.1), ValueError, ("beta1", "[0, 1", "-0.1")),
        (lambda: Adam(beta1=1), ValueError, ("beta1", "[0, 1", "1.0")),
        (lambda: Adam(beta2=1.0), ValueError, ("beta2", "[0, 1", "1.0")),
        (lambda: Adam(beta2=np.nan), ValueError, ("beta2", "[0, 1", "nan")),
        pytest.param(lambda: Adam(beta1=1), ValueError, ("beta1", "[0, 1)", "1.0")),
        pytest.param(lambda: Adam(lr=True), TypeError, ("lr", "number", "True")),
        pytest.param(lambda: Adam(lr=wrong("0.1")), TypeError, ("lr", "number", "0.1")),
        (lambda: OPT.step(ONE[:, None], ONE, STATE), ValueError, ("theta", "(P,)", "(2, 1)")),
        (lambda: OPT.step(ONE, LONG, STATE), ValueError, ("grad", "(2,)", "(3,)")),
        (lambda: OPT.step(ONE, ONE[:, None], STATE), ValueError, ("grad", "(2,)", "(2, 1)")),
        (lambda: OPT.step(LONG, LONG, STATE), ValueError, ("state.m", "(3,)", "(2,)")),
        (
            lambda: OPT.step(LONG, LONG, AdamState(0, LONG, ONE)),
            ValueError,
            ("state.v", "(3,)", "(2,)"),
        ),
        (lambda: OPT.step(ONE, ONE.astype(np.float16), STATE), TypeError, ("grad", "float16")),
        (lambda: OPT.step(ONE, ONE > 0, STATE), TypeError, ("grad", "numbers", "bool")),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
