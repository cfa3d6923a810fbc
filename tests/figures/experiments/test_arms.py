from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from figures.experiments.arms import (
    CONTROL,
    AdamW,
    FeaturePenalty,
    UndividedLai,
    make_loss,
    make_optimizer,
)
from figures.experiments.protocol import PROTOCOL
from lai_ref import MLP, Adam, GradientPenalty, Lai, Plain, numerical_gradient

RNG = np.random.default_rng(0)
Y, T, K = RNG.standard_normal(7), RNG.standard_normal(7), 3 * RNG.standard_normal((7, 3))
ARM: dict[str, Any] = {**PROTOCOL, **CONTROL}
MU = (0.3, 0.0, 2.0)


def test_the_loss_is_that_of_the_number_the_job_has() -> None:
    assert make_loss(ARM) == Plain()
    assert make_loss({**ARM, "decay": 1.0}) == make_loss({**ARM, "jitter": 0.1}) == Plain()
    assert make_loss({**ARM, "mu": 0.5}) == GradientPenalty(0.5)
    assert make_loss({**ARM, "mu": [*MU]}) == FeaturePenalty(MU)
    assert make_loss({**ARM, "lam": [0.1, 0.2]}) == Lai([0.1, 0.2])
    others = {"order": 1, "l1_ratio": 0.3, "reduction": "sample"}
    assert make_loss({**ARM, "lam": 0.1, **others}) == Lai(0.1, 1, 0.3, "sample")
    undivided = make_loss({**ARM, "lam": 0.1, **others, "divided": False})
    assert undivided == UndividedLai(Lai(0.1, 1, 0.3, "sample"))


def test_an_arm_has_one_loss() -> None:
    with pytest.raises(ValueError, match="job: expected at most one of lam, mu, got 2"):
        make_loss({**ARM, "lam": 0.1, "mu": 1.0})


def test_the_feature_penalty_has_its_value_and_the_gradients_of_it() -> None:
    loss = FeaturePenalty(MU)
    value, dy, dk = loss.evaluate(Y, T, K)
    expected = sum((Y[i] - T[i]) ** 2 / 7 for i in range(7))
    expected += sum(MU[j] * K[i, j] ** 2 / 7 for i in range(7) for j in range(3))
    assert value == pytest.approx(expected, rel=1e-12)
    numerical = numerical_gradient(lambda y: loss.evaluate(y, T, K)[0], Y)
    np.testing.assert_allclose(dy, numerical, rtol=1e-8)
    numerical = numerical_gradient(lambda k: loss.evaluate(Y, T, k)[0], K)
    np.testing.assert_allclose(dk, numerical, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_equal_mus_the_feature_penalty_is_the_gradient_penalty(dtype: str) -> None:
    batch = [a.astype(dtype) for a in (Y, T, K)]
    ours, theirs = FeaturePenalty((0.7,) * 3), GradientPenalty(0.7)
    for one, other in zip(ours.evaluate(*batch), theirs.evaluate(*batch), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == "float32" else 1e-12)
        assert np.asarray(one).dtype == dtype


@pytest.mark.parametrize(("lam", "factor"), [(0.01, 0.01), (0.5, 0.5), (1.0, 1.0), (4.0, 1.0)])
@pytest.mark.parametrize("order", [1, 2])
def test_the_undivided_lai_loss_is_lambda_times_the_divided_one(
    lam: float, factor: float, order: int
) -> None:
    lai = Lai(lam, order)
    undivided = UndividedLai(lai).evaluate(Y, T, K)
    for one, other in zip(undivided, lai.evaluate(Y, T, K), strict=True):
        np.testing.assert_allclose(one, factor * other, rtol=1e-12)


def test_the_undivided_lai_loss_is_the_squared_error_at_k_0() -> None:
    # F = max(1, λ) without the division by λ, at k = 0 (§2.2)
    value, _, _ = UndividedLai(Lai(0.01)).evaluate(Y, T, np.zeros((7, 1)))
    divided, _, _ = Lai(0.01).evaluate(Y, T, np.zeros((7, 1)))
    assert divided == pytest.approx(100 * value, rel=1e-12)


def test_the_undivided_lai_loss_keeps_the_dtype() -> None:
    found = UndividedLai(Lai(0.1)).evaluate(*(a.astype("float32") for a in (Y, T, K)))
    assert {np.asarray(a).dtype for a in found} == {np.dtype("float32")}


def test_a_list_of_lambdas_cannot_be_undivided() -> None:
    with pytest.raises(ValueError, match=r"job: expected one λ .* got \[0.1, 0.2\]"):
        make_loss({**ARM, "lam": [0.1, 0.2], "divided": False})


def test_weight_decay_shrinks_weights_and_leaves_biases() -> None:
    net = MLP((2, 3, 1))
    theta = net.init(np.random.default_rng(0)) + 1
    optimizer = make_optimizer({"decay": 0.5, "lr": 0.1, "dtype": "float64"}, net)
    assert isinstance(optimizer, AdamW)
    stepped, state = optimizer.step(theta, np.ones_like(theta), optimizer.init(theta))
    plain, same = Adam(lr=0.1).step(theta, np.ones_like(theta), Adam().init(theta))
    assert state.t == same.t and np.array_equal(state.m, same.m)
    for (W, b), (W0, b0), (W1, b1) in zip(
        net.unflatten(stepped), net.unflatten(theta), net.unflatten(plain), strict=True
    ):
        np.testing.assert_allclose(W, W1 - 0.1 * 0.5 * W0, rtol=1e-14)
        assert np.array_equal(b, b1)
        assert not np.array_equal(b1, b0)


def test_without_weight_decay_the_optimiser_is_adam() -> None:
    assert make_optimizer({**ARM, "lr": 0.02}, MLP((2, 1))) == Adam(lr=0.02)
