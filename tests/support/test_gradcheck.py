"""Numerical derivatives: known ones, a wrong one detected, and the number of correct digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from lai_ref import numerical_gradient
from lai_ref.support.validation import Array
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import signed

BOTH = pytest.mark.parametrize("method", ["central", "complex"])
points = hnp.arrays(
    np.float64, hnp.array_shapes(max_dims=3, max_side=3), elements=signed(1e-3, 1e3)
)


@BOTH
@given(points)
def test_linear_function_has_its_coefficients(method: str, x: Array) -> None:
    c = np.arange(1.0, x.size + 1).reshape(x.shape)
    got = numerical_gradient(lambda x: (c * x).sum(), x, method)
    assert (got.shape, got.dtype) == (x.shape, x.dtype)
    # a difference of sums has no more digits than the sums
    noise = 1e-10 * (1 + abs(c * x).sum()) if method == "central" else 0
    np.testing.assert_allclose(got, c, rtol=1e-9, atol=noise)


@given(points)
def test_complex_step_of_a_cubic_is_right_to_the_last_digits(x: Array) -> None:
    got = numerical_gradient(lambda x: (x * x * x).sum(), x, "complex")
    np.testing.assert_allclose(got, 3 * x * x, rtol=1e-15)


@given(signed(1e-2, 1e3))
def test_central_difference_of_a_cubic_is_right_to_eight_digits(x: float) -> None:
    got = numerical_gradient(lambda x: x * x * x, np.array(x))
    # h² for the cubic term, ε x³/h for the rounding of x³
    np.testing.assert_allclose(got, 3 * x * x, rtol=1e-8, atol=1e-10)


def test_complex_step_has_digits_that_a_difference_has_not() -> None:
    x = np.array([1.5])
    central = abs(numerical_gradient(lambda x: np.exp(x[0]), x) - np.exp(x))[0]
    complex_ = abs(numerical_gradient(lambda x: np.exp(x[0]), x, "complex") - np.exp(x))[0]
    assert complex_ <= np.spacing(np.exp(1.5))
    assert 1e-13 < central < 1e-8


@BOTH
def test_slightly_wrong_gradient_is_noticed(method: str) -> None:
    x = np.array([0.3, -0.7])
    got = numerical_gradient(lambda x: (x**3).sum(), x, method)
    right, wrong = 3 * x**2, 3 * x**2 * (1 + 1e-6)
    assert np.abs(got - right).max() < 1e-8 < np.abs(got - wrong).max()


@BOTH
def test_each_entry_is_moved_alone(method: str) -> None:
    x = np.array([[2.0, 3.0], [5.0, 7.0]])
    got = numerical_gradient(lambda x: x[0, 0] * x[0, 1] + x[1, 0] * x[1, 1] ** 2, x, method)
    np.testing.assert_allclose(got, [[3, 2], [49, 70]], rtol=1e-9)


@BOTH
def test_lone_number_has_a_lone_derivative(method: str) -> None:
    got = numerical_gradient(lambda x: x * x, np.array(3.0), method)
    assert got.shape == ()
    np.testing.assert_allclose(got, 6, rtol=1e-9)


@BOTH
def test_argument_is_not_changed(method: str) -> None:
    x = np.array([1.0, 2.0])
    x.setflags(write=False)
    numerical_gradient(lambda x: (x * x).sum(), x, method)


@pytest.mark.parametrize("x", [1e-5, 0.1, 1.1, 1e20])
def test_difference_is_over_the_step_really_taken(x: float) -> None:
    """x + h is rounded, at 1e20 to x itself if h did not grow with x."""
    assert numerical_gradient(lambda x: x[0], np.array([x])).tolist() == [1.0]


def test_central_difference_is_the_default() -> None:
    x = np.array(0.5)
    got, want = numerical_gradient(np.exp, x), numerical_gradient(np.exp, x, "central")
    assert got == want != numerical_gradient(np.exp, x, "complex")


def test_whole_numbers_are_taken_as_floats() -> None:
    np.testing.assert_allclose(
        numerical_gradient(lambda x: (x * x).sum(), wrong([1, 2])), [2, 4], 1e-9
    )


def zero(x: Array) -> float:
    return 0.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: numerical_gradient(zero, np.ones(1), "forward"),
            ValueError,
            ("method", "'central', 'complex'", "'forward'"),
        ),
        (lambda: numerical_gradient(zero, np.ones(1, np.float32)), TypeError, ("x", "float32")),
        (lambda: numerical_gradient(zero, np.ones(1, complex)), TypeError, ("x", "complex128")),
        (lambda: numerical_gradient(zero, np.array([np.inf])), ValueError, ("x", "finite", "inf")),
        (lambda: numerical_gradient(zero, np.array(["a"])), TypeError, ("x", "numbers", "<U1")),
        pytest.param(
            lambda: numerical_gradient(zero, wrong([[1.0], [1.0, 2.0]])),
            ValueError,
            ("x", "inhomogeneous"),
        ),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
