"""Root mean square error and noise sensitivity."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from lai_ref import MLP, noise_sensitivity, rmse
from lai_ref.support.validation import Array
from tests.inputs.refusals import Errors, check_refused
from tests.inputs.strategies import Batch, Case, batches, case, cases, seeds

LINE = MLP((3, 1))
WEIGHTS = np.array([2.0, -0.5, 0.0, 7.0])  # the last is the bias


def noise(seed: int, n: int) -> Array:
    return np.random.default_rng(seed).standard_normal(n)


@given(batches())
def test_rmse_is_the_root_of_the_mean_square(batch: Batch) -> None:
    _, y, t, _ = batch
    want = math.sqrt(sum((a - b) ** 2 for a, b in zip(y, t, strict=True)) / len(y))
    np.testing.assert_allclose(rmse(y, t), want, rtol=1e-14)


def test_rmse_by_hand() -> None:
    assert rmse([1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 3.0, 4.0]) == 1.0


def test_rmse_keeps_float32() -> None:
    assert rmse(np.ones(2, np.float32), np.zeros(2, np.float32)).dtype == np.float32


def test_rmse_is_a_scalar() -> None:
    assert np.shape(rmse([1.0], [2.0])) == ()


@given(seeds)
def test_sensitivity_of_a_line_is_sigma_times_slope(seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal((20, 3))
    got = noise_sensitivity(LINE, WEIGHTS, x, 0.5, np.random.default_rng(seed))
    want = 0.5 * abs(WEIGHTS[:3]) * abs(noise(seed, 20)).mean()
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


@given(seeds)
def test_sensitivity_takes_a_sigma_for_each_feature(seed: int) -> None:
    sigma, x = np.array([0.5, 0.0, 3.0]), np.zeros((20, 3))
    got = noise_sensitivity(LINE, np.array([2.0, 1, -1, 0]), x, sigma, np.random.default_rng(seed))
    want = sigma * [2, 1, 1] * abs(noise(seed, 20)).mean()
    np.testing.assert_allclose(got, want, rtol=1e-12)


@given(seeds)
def test_sensitivity_takes_a_sigma_for_each_value(seed: int) -> None:
    sigma, x = np.random.default_rng(seed + 1).random((20, 3)), np.ones((20, 3))
    got = noise_sensitivity(LINE, WEIGHTS, x, sigma, np.random.default_rng(seed))
    want = (abs(WEIGHTS[:3]) * sigma * abs(noise(seed, 20))[:, None]).mean(axis=0)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


@given(cases(), seeds)
def test_sensitivity_moves_one_feature_at_a_time(c: Case, seed: int) -> None:
    n, d = c.x.shape
    got = noise_sensitivity(c.net, c.theta, c.x, 0.5, np.random.default_rng(seed))
    y, _ = c.net.forward(c.theta, c.x)
    for j in range(d):
        moved = c.x + 0.5 * np.outer(noise(seed, n), np.eye(d)[j])
        want = abs(c.net.forward(c.theta, moved)[0] - y).mean()
        np.testing.assert_allclose(got[j], want, rtol=1e-11, atol=1e-13)


def test_sensitivity_to_no_noise_is_zero() -> None:
    c = case(1, (3,), "tanh")
    assert not noise_sensitivity(c.net, c.theta, c.x, 0, np.random.default_rng(1)).any()


def test_one_sigma_a_feature_is_not_one_a_sample() -> None:
    x, sigma = np.zeros((3, 3)), np.array([0.0, 0.0, 1.0])
    got = noise_sensitivity(LINE, np.ones(4), x, sigma, np.random.default_rng(1))
    np.testing.assert_allclose(got, [0, 0, abs(noise(1, 3)).mean()], rtol=1e-12)


def test_sensitivity_draws_one_number_a_sample() -> None:
    rng, same = np.random.default_rng(1), np.random.default_rng(1)
    noise_sensitivity(LINE, WEIGHTS, np.ones((5, 3)), 1.0, rng)
    same.standard_normal(5)
    assert rng.random() == same.random()


def test_sensitivity_keeps_float32() -> None:
    x, theta = np.ones((5, 3), np.float32), WEIGHTS.astype(np.float32)
    got = noise_sensitivity(LINE, theta, x, [0.1, 0.2, 0.3], np.random.default_rng(1))
    assert got.dtype == np.float32


def test_arguments_are_not_changed() -> None:
    c, sigma = case(1, (3,), "tanh"), np.ones((3, 2))
    for a in (c.theta, c.x, sigma):
        a.setflags(write=False)
    noise_sensitivity(c.net, c.theta, c.x, sigma, np.random.default_rng(1))
    rmse(c.theta, c.theta)


TWO, THREE = np.zeros(2), np.zeros(3)


def sensitivity(x: Any = np.ones((4, 3)), sigma: Any = 1.0, theta: Any = WEIGHTS) -> Any:
    return noise_sensitivity(LINE, theta, x, sigma, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: rmse(np.ones((2, 1)), TWO), ValueError, ("y", "(N,)", "(2, 1)")),
        (lambda: rmse(TWO, np.ones((2, 1))), ValueError, ("t", "(2,)", "(2, 1)")),
        (lambda: rmse(TWO, THREE), ValueError, ("t", "(2,)", "(3,)")),
        (lambda: rmse([], []), ValueError, ("y", "(N,)", "(0,)")),
        (lambda: rmse([np.nan], [0.0]), ValueError, ("y", "finite", "nan")),
        (lambda: rmse(["1"], [0.0]), TypeError, ("y", "numbers", "<U1")),
        (lambda: sensitivity(x=np.ones((4, 2))), ValueError, ("x", "(N, 3)", "(4, 2)")),
        (lambda: sensitivity(x=np.ones((0, 3))), ValueError, ("x", "(N, 3)", "(0, 3)")),
        (lambda: sensitivity(x=np.full((4, 3), np.inf)), ValueError, ("x", "finite", "inf")),
        (lambda: sensitivity(theta=THREE), ValueError, ("theta", "(4,)", "(3,)")),
        (lambda: sensitivity(sigma=-0.5), ValueError, ("sigma", "at least 0", "-0.5")),
        (lambda: sensitivity(sigma=[1.0, -2.0, 1.0]), ValueError, ("sigma", "at least 0", "-2")),
        (lambda: sensitivity(sigma=np.nan), ValueError, ("sigma", "finite", "nan")),
        (lambda: sensitivity(sigma=[1.0]), ValueError, ("sigma", "(3,)", "(1,)")),
        (lambda: sensitivity(sigma=np.ones(4)), ValueError, ("sigma", "(3,)", "(4,)")),
        (lambda: sensitivity(sigma=np.ones((4, 1))), ValueError, ("sigma", "(4, 3)", "(4, 1)")),
        (lambda: sensitivity(sigma=np.ones((1, 4, 3))), ValueError, ("sigma", "(1, 4, 3)")),
        (lambda: sensitivity(sigma="wide"), TypeError, ("sigma", "numbers", "<U4")),
        pytest.param(
            lambda: sensitivity(sigma=[[1.0], [1.0, 2.0]]), ValueError, ("sigma", "inhomogeneous")
        ),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
