from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from figures.experiments.evaluation import rmse_of
from figures.experiments.shrinkage import shrunk_changes

rng = np.random.default_rng(0)


def arm(seed: int, lam: float | None, variance: float) -> dict[str, Any]:
    y, t = rng.normal(size=100), rng.normal(size=100)
    u, r = y - y.mean(), t - y.mean()
    moments = [[float(v) for v in (r @ r / 100, u @ r / 100, u @ u / 100)]] * 2
    return {"seed": seed, "lam": lam, "variance": variance, "moments": moments, "data": (u, r)}


def test_outputs_are_shrunk_to_the_variance_of_lambda() -> None:
    arms = [arm(0, None, 1.0), arm(1, None, 2.0), arm(0, 0.1, 0.25), arm(1, 0.1, 1.28)]
    found = shrunk_changes(arms, 0.1)
    logs, factors = [], []
    for mse, c in ((arms[0], 0.5), (arms[1], 0.8)):  # √(0.25/1), √(1.28/2)
        u, r = mse["data"]
        before, after = (math.sqrt(np.mean((f * u - r) ** 2)) for f in (1.0, c))
        logs.append(math.log(after / before))
        factors.append(math.log(c))
    assert found["rmse_change"]["mean"] == pytest.approx(math.expm1(np.mean(logs)))
    assert found["mean_grad_norm_change"]["mean"] == pytest.approx(math.expm1(np.mean(factors)))


def test_a_larger_variance_shrinks_nothing() -> None:
    found = shrunk_changes([arm(0, None, 1.0), arm(0, 0.1, 1.5)], 0.1)
    assert found["rmse_change"]["mean"] == found["mean_grad_norm_change"]["mean"] == 0


def test_the_rmse_of_moments_is_that_of_the_outputs() -> None:
    one = arm(0, None, 1.0)
    u, r = one["data"]
    for c in (1.0, 0.7, 0.0):
        expected = math.sqrt(np.mean((c * u - r) ** 2))
        assert rmse_of(one["moments"][0], c) == pytest.approx(expected)
