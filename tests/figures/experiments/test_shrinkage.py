from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from figures.experiments.evaluation import rmse_of
from figures.experiments.shrinkage import factor_to, shrunk, shrunk_changes
from lai_ref import Array

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
        outputs, targets = mse["data"]
        before, after = (math.sqrt(np.mean((f * outputs - targets) ** 2)) for f in (1.0, c))
        logs.append(math.log(after / before))
        factors.append(math.log(c))
    assert found["rmse_change"]["mean"] == pytest.approx(math.expm1(np.mean(logs)))
    assert found["mean_grad_norm_change"]["mean"] == pytest.approx(math.expm1(np.mean(factors)))


def test_a_larger_variance_shrinks_nothing() -> None:
    found = shrunk_changes([arm(0, None, 1.0), arm(0, 0.1, 1.5)], 0.1)
    assert found["rmse_change"]["mean"] == found["mean_grad_norm_change"]["mean"] == 0


def test_the_rmse_of_moments_is_that_of_the_outputs() -> None:
    one = arm(0, None, 1.0)
    outputs, targets = one["data"]
    for c in (1.0, 0.7, 0.0):
        expected = math.sqrt(np.mean((c * outputs - targets) ** 2))
        assert rmse_of(one["moments"][0], c) == pytest.approx(expected)


def network(u: Array, r: Array) -> dict[str, Any]:
    """An arm as it is stored, for outputs m + u and targets m + r on two halves."""
    halves = [(u[half], r[half]) for half in (slice(50), slice(50, None))]
    return {
        "halves": [math.sqrt(np.mean((a - b) ** 2)) for a, b in halves],
        "moments": [[float(np.mean(v)) for v in (b * b, a * b, a * a)] for a, b in halves],
        "variance": float(u.var()),
        "mean_grad_norm": 2.0,
        "sensitivity": [[1.0, 3.0]],
    }


def test_shrunk_outputs_are_those_computed_directly() -> None:
    u: Array = rng.normal(size=100)
    u -= u.mean()
    r: Array = u + rng.normal(size=100)
    for c in (1.0, 0.9, 0.3):
        got, direct = shrunk(network(u, r), c), network(c * u, r)
        assert got["halves"] == pytest.approx(direct["halves"])
        assert got["variance"] == pytest.approx(direct["variance"])
        # of c f + const the gradient is c f', and a change of f is c times as large
        assert got["mean_grad_norm"] == pytest.approx(c * 2.0)
        assert got["sensitivity"] == [pytest.approx([c, 3 * c])]


def test_the_factor_leads_to_the_value() -> None:
    one = {"variance": 2.0, "mean_grad_norm": 5.0}
    c = factor_to(one, "variance", 0.5)
    assert c == 0.5 and factor_to(one, "mean_grad_norm", 2.0) == 0.4
    assert factor_to(one, "variance", 3.0) == factor_to(one, "mean_grad_norm", 6.0) == 1.0
