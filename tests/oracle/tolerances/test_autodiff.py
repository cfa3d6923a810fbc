"""Bounds of level basic, against the derivative by the chain rule in floating-point numbers."""

from __future__ import annotations

from decimal import Decimal
from statistics import median

import numpy as np
import pytest

from lai_ref.oracle.tolerances.autodiff import AutodiffPort, factor_by_autodiff
from lai_ref.oracle.tolerances.bounded import AmbiguousBranchError, bounded, tolerance
from lai_ref.oracle.tolerances.bounds import bounded_answer
from lai_ref.oracle.tolerances.loss import factor
from lai_ref.oracle.truth import answers as exact
from lai_ref.support.validation import Array
from tests.oracle.tolerances.numbers import DTYPES, singles


def by_chain_rule(k: Array, lam: Array, order: int) -> tuple[Array, Array]:
    """F and F' in the dtype of k, operation by operation, by reverse mode."""
    p = k.dtype.type(order)
    a, b, c = np.maximum(np.abs(k) ** p, lam), (1 + k * k) ** (p / 2), np.minimum(lam, 1)
    da = np.where(np.abs(k) ** p > lam, p * np.abs(k) ** (p - 1) * np.sign(k), 0)
    db = p / 2 * (1 + k * k) ** (p / 2 - 1) * (2 * k)
    return a / b / c, da / b / c - a / b / b / c * db


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_chain_rule_is_within_the_bounds_up_to_the_limit_of_k(dtype: str) -> None:
    rng = np.random.default_rng(5)
    lost, ratios = 0, []
    for _ in range(300):
        k = np.float32(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 3.6))
        lam, order = np.float32(10 ** rng.uniform(-3, 3)), int(rng.integers(1, 3))
        try:
            bounds = factor_by_autodiff(bounded(float(k)), float(lam), order, 0.5)
        except AmbiguousBranchError:
            continue
        closed = factor(bounded(float(k)), float(lam), order, 0.5)
        inputs = {"k": [singles(k)], "lam": singles(lam), "order": order}
        true = exact.answer("factor", inputs, Decimal("0.5"))
        got = by_chain_rule(np.array([k], dtype), np.array(lam, dtype), order)
        for name, (value,), bound, strict in zip(
            ("value", "slope"), got, bounds, closed, strict=True
        ):
            error = float(abs(Decimal(float(value)) - true[name][0]))
            assert error <= tolerance(bound, dtype)
            lost += error > tolerance(strict, dtype)
            if error:
                ratios.append(tolerance(bound, dtype) / error)
    assert lost > 5  # outside the strict bounds
    assert median(ratios) < 200  # and the bounds are not too large


def test_the_value_is_that_of_the_closed_form() -> None:
    for k, lam, order in ((0.5, 0.25, 1), (-3.0, 2.0, 2), (0.0, 0.5, 2), (0.0, 2.0, 1)):
        pairs = zip(
            factor_by_autodiff(bounded(k), lam, order, 0.5),
            factor(bounded(k), lam, order, 0.5),
            strict=True,
        )
        for autodiff, closed in pairs:
            assert autodiff.value == pytest.approx(closed.value, rel=1e-12, abs=1e-15)


def test_the_port_takes_the_larger_bound_and_leaves_the_norms_alone() -> None:
    k = np.array([bounded(0.01), bounded(100.0)])
    F, dF = AutodiffPort(0.5).factor(k, 0.5, 2)
    for i, k_i in enumerate(k):
        for got, *both in zip(
            (F[i], dF[i]), factor(k_i, 0.5, 2, 0.5), factor_by_autodiff(k_i, 0.5, 2, 0.5),
            strict=True,
        ):  # fmt: skip
            assert got.rounding == max(each.rounding for each in both)
            assert got.underflow == max(each.underflow for each in both)


def test_levels_differ_in_the_loss_and_not_in_adam() -> None:
    loss = {"y": [1.0], "t": [0.0], "k": [[100.0]], "lam": 0.5, "order": 2, "l1_ratio": 0.5}
    loss["reduction"] = "batch"
    strict, basic = (bounded_answer("loss", loss, 0.5, level) for level in ("strict", "basic"))
    assert basic["dk"][0][0].rounding > 5 * strict["dk"][0][0].rounding
    assert basic["dy"][0].value == strict["dy"][0].value
    step = {"theta": [1.0], "grad": [2.0], "t": 3, "m": [0.5], "v": [0.5], "lr": 0.5}
    step |= {"beta1": 0.5, "beta2": 0.75, "eps": 0.25}
    strict, basic = (bounded_answer("adam", step, 0.5, level) for level in ("strict", "basic"))
    assert basic["theta"][0].rounding == strict["theta"][0].rounding
