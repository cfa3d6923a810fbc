"""Bounds of the factor and of the norm, against variants of correct ports."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.tolerances.bounded import (
    UNIT,
    AmbiguousBranchError,
    Bounded,
    tolerance,
)
from lai_ref.oracle.tolerances.loss import factor, l2_norm
from lai_ref.oracle.truth import answers as exact
from lai_ref.support.validation import Array
from tests.oracle.tolerances.numbers import DTYPES, fields, singles


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e-21, 1e-30, 1e15])
def test_norm(scale: float) -> None:
    """‖c‖₂ and c/‖c‖₂ in float32, by squares and scaled, for c with errors."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        n = int(rng.integers(1, 5))
        c = (rng.uniform(0.1, 1, n) * scale).astype(np.float32).astype(float)
        rounding = rng.choice([0.0, 20.0]) * c
        bound, unit = l2_norm([Bounded(v, r) for v, r in zip(c, rounding, strict=True)])
        got = (c + rng.choice([-1, 1], n) * UNIT["float32"] * rounding).astype(np.float32)
        largest = got.max()
        scaled = np.sqrt(np.sum((got / largest) ** 2))
        with np.errstate(all="ignore"):
            plain = np.sqrt(np.sum(got * got))
            units = [got / largest / scaled, np.where(plain > 0, got / plain, 0)]
        for norm in (largest * scaled, plain):
            assert abs(norm - math.hypot(*c)) <= tolerance(bound, "float32")
        for r in units:
            for r_j, u_j, c_j in zip(r, unit, c, strict=True):
                assert abs(r_j - c_j / math.hypot(*c)) <= tolerance(u_j, "float32")
        if scale != 1e-30:  # unless all squares underflow, the bound is useful
            assert tolerance(unit[0], "float64") < 1e-13


def test_norm_carries_errors_exactly() -> None:
    """For one feature, c/‖c‖₂ = 1 for any c; for several, the exact derivative."""
    _, (one,) = l2_norm([Bounded(3.0, 1e6)])
    assert one.rounding < 5
    norm, unit = l2_norm([Bounded(3.0, 100.0), Bounded(4.0, 0.0)])
    assert norm.rounding == pytest.approx(0.6 * 100 + 2 * 5)
    assert unit[0].rounding == pytest.approx(0.64 / 5 * 100 + 3 * 0.6)
    assert unit[1].rounding == pytest.approx(0.48 / 5 * 100 + 3 * 0.8)
    zero, units = l2_norm([Bounded(0.0, 2.0), Bounded(0.0, 3.0)])
    assert fields(zero) == (0, 5, 0)
    assert [fields(r) for r in units] == [(0, 0, 0)] * 2


Sides = tuple[Array, Array]


def by_quotient_rule(k: Array, lam: Any, order: int, eps: float = 0.0) -> Sides:
    """F' by automatic differentiation of max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)."""
    one = k.dtype.type(1)
    low, d = min(lam, one), one + k * k + k.dtype.type(eps)
    head = np.maximum(np.abs(k) if order == 1 else k * k, lam)
    above = head > lam
    dhead = np.where(above, np.sign(k) if order == 1 else 2 * k, 0)
    if order == 2:
        return head / d / low, (dhead / d - head * (2 * k) / (d * d)) / low
    root = np.sqrt(d)
    return head / root / low, (dhead / root - head * (k / root) / (root * root)) / low


def by_angle(k: Array, lam: Any, order: int) -> Sides:
    """F = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1), φ = atan k."""
    phi = np.arctan(k)
    sin, cos, low = np.sin(phi), np.cos(phi), min(lam, k.dtype.type(1))
    F = np.maximum(np.abs(sin) ** order, lam * cos**order) / low
    along = order * np.abs(sin) ** (order - 1) * np.sign(k) * cos**3
    across = -order * lam * cos ** (order + 1) * sin
    return F, np.where(np.abs(sin) ** order > lam * cos**order, along, across) / low


def in_logarithms(k: Array, lam: Any, order: int) -> Sides:
    """F = exp(p log |k| − (p/2) log(1 + k²) − log min(λ, 1))."""
    one, p = k.dtype.type(1), k.dtype.type(order)
    log_k, log_lam, log_d = np.log(np.abs(k)), np.log(lam), np.log1p(k * k)
    low = min(log_lam, 0 * one)
    F = np.exp(np.maximum(p * log_k, log_lam) - p / 2 * log_d - low)
    steep = (p / 2 + 1) * log_d + low
    along = np.exp((p - 1) * log_k - steep)
    across = -np.exp(log_lam + log_k - steep)
    return F, p * np.sign(k) * np.where(p * log_k > log_lam, along, across)


def by_reciprocals(k: Array, lam: Any, order: int) -> Sides:
    """Products with 1/√(1 + k²) and 1/min(λ, 1) in place of quotients."""
    one = k.dtype.type(1)
    r, scale = one / np.hypot(one, k), one / min(lam, one)
    abs_k = np.abs(k)
    power_k = abs_k if order == 1 else abs_k * abs_k
    F = np.maximum(power_k, lam) * r**order * scale
    head = np.sign(k) if order == 1 else k
    return F, order * np.where(power_k > lam, head, -lam * k) * r ** (order + 2) * scale


@pytest.mark.parametrize("variant", [by_quotient_rule, by_angle, in_logarithms, by_reciprocals])
@pytest.mark.parametrize("dtype", DTYPES)
def test_variants_of_the_factor(variant: Callable[[Array, Any, int], Sides], dtype: str) -> None:
    """|k| up to 30, λ from 1e-3 to 1e4."""
    rng = np.random.default_rng(11)
    for _ in range(300):
        k = np.float32(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1.48))
        lam, order = np.float32(10 ** rng.uniform(-3, 4)), int(rng.integers(1, 3))
        try:
            bounds = factor(Bounded(float(k)), float(lam), order, 0.5)
        except AmbiguousBranchError:
            continue
        inputs = {"k": singles([k]), "lam": singles(lam), "order": order}
        truth = exact.answer("factor", inputs, Decimal("0.5"))
        got = variant(np.array([k], dtype), np.dtype(dtype).type(lam), order)
        for b, (expected,), (found,) in zip(bounds, truth.values(), got, strict=True):
            assert abs(Decimal(float(found)) - expected) <= tolerance(b, dtype), (k, lam, order)


@pytest.mark.parametrize("dtype", DTYPES)
def test_angle_of_steeper_slopes(dtype: str) -> None:
    """cos atan k for |k| up to 300, below the kink, where F is proportional to its power."""
    rng, worst = np.random.default_rng(14), 0.0
    for k in rng.uniform(100, 300, 100).astype(np.float32):
        for order in (1, 2):
            bounds = factor(Bounded(float(k)), 1e6, order, 0.5)
            got = by_angle(np.array([k], dtype), np.dtype(dtype).type(1e6), order)
            inputs = {"k": singles([k]), "lam": singles(1e6), "order": order}
            truth = exact.answer("factor", inputs, Decimal("0.5"))
            for b, (expected,), (found,) in zip(bounds, truth.values(), got, strict=True):
                error = float(abs(Decimal(float(found)) - expected))
                assert error <= tolerance(b, dtype)
                worst = max(worst, error / abs(b.value) / UNIT[dtype])
    assert worst > 100


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_at_the_ends(dtype: str) -> None:
    """|k| and λ of 1e±18, with squares in the float32 range: errors of hundreds of roundings."""
    rng, worst = np.random.default_rng(12), 0.0
    for _ in range(300):
        k, lam = (np.float32(10 ** rng.uniform(-18, 18)) for _ in range(2))
        order = int(rng.integers(1, 3))
        bounds = factor(Bounded(float(k)), float(lam), order, 0.5)
        got = in_logarithms(np.array([k], dtype), np.dtype(dtype).type(lam), order)
        inputs = {"k": singles([k]), "lam": singles(lam), "order": order}
        truth = exact.answer("factor", inputs, Decimal("0.5"))
        for b, (expected,), (found,) in zip(bounds, truth.values(), got, strict=True):
            error = float(abs(Decimal(float(found)) - expected))
            assert error <= tolerance(b, dtype), (k, lam, order)
        worst = max(worst, error / abs(b.value) / UNIT[dtype])
    assert worst > 50


@pytest.mark.parametrize("lam", [1e-20, 0.5, 2.0, 1e20])
@pytest.mark.parametrize("order", [1, 2])
def test_far_slopes_have_bounds_that_say_something(order: int, lam: float) -> None:
    """|k| of 1e±15, F and F' to twelve digits in float64."""
    for k in (1e-15, 1e-3, 1e3, 1e15):
        for b in factor(Bounded(k), lam, order, 0.5):
            assert tolerance(b, "float64") < 1e-12 * abs(b.value)


def test_epsilon_under_a_root_exceeds_it() -> None:
    """1e-8 added to 1 + k², in float64; without it, `test_variants_of_the_factor` passes."""
    k = np.array([0.5, -2.0, 3.0])
    for order in (1, 2):
        for k_j, F, dF in zip(k, *by_quotient_rule(k, 0.75, order, 1e-8), strict=True):
            inputs = {"k": singles([k_j]), "lam": singles(0.75), "order": order}
            truth = exact.answer("factor", inputs, Decimal("0.5"))
            bounds = factor(Bounded(float(k_j)), 0.75, order, 0.5)
            for b, (expected,), found in zip(bounds, truth.values(), (F, dF), strict=True):
                assert abs(Decimal(float(found)) - expected) > 1000 * Decimal(
                    tolerance(b, "float64")
                )
