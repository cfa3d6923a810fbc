"""Bounds of activations, against variants of correct ports."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Context, Decimal, localcontext

import numpy as np
import pytest

from lai_ref.oracle.questions.network import ACTIVATIONS
from lai_ref.oracle.tolerances.bounded import (
    Bounded,
    tolerance,
)
from lai_ref.oracle.tolerances.network import activate
from lai_ref.support.validation import Array
from tests.oracle.tolerances.numbers import DTYPES, decimal_function, fields


def sigmoids(z: Array) -> list[Array]:
    """σ, by the formulas in common use."""
    one, half = z.dtype.type(1), z.dtype.type(0.5)
    with np.errstate(over="ignore"):
        naive = one / (one + np.exp(-z))
        fused = np.exp(-np.logaddexp(0 * one, -z))
    left = one / (one + np.exp(z))
    top = np.maximum(z, 0)
    softmax = np.exp(z - top) / (np.exp(z - top) + np.exp(-top))
    return [naive, half * (one + np.tanh(half * z)), one - left, fused, softmax]


def variants_of(name: str, z: Array) -> Iterator[tuple[Array, Array, Array]]:
    """f, f', f''."""
    one = z.dtype.type(1)
    if name == "tanh":
        a = np.tanh(z)
        c = one / np.cosh(z)
        poor = one / np.nextafter(np.cosh(z.astype(float)).astype(z.dtype), z.dtype.type(np.inf))
        yield a, one - a * a, -2 * a * (one - a * a)
        yield a, (one - a) * (one + a), -2 * a * c * c
        yield a, poor * poor, -2 * a * poor * poor  # the accuracy of cosh depends on the processor
        yield np.sinh(z) / np.cosh(z), c * c, -2 * np.sinh(z) * c**3
        return
    for s in sigmoids(z):
        ds = s * (one - s)
        if name == "softplus":
            yield np.log(one + np.exp(z)), s, ds
            yield np.logaddexp(0 * one, z), s, s - s * s
            yield np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0), s, ds
        else:
            f = z * s
            yield f, s + z * ds, ds * (2 + z * (one - 2 * s))
            yield f, f + s * (one - f), ds + ds + z * ds * (one - 2 * s)


@pytest.mark.parametrize("name", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_variants_of_an_activation(name: str, dtype: str) -> None:
    """z from −80 to 80, more often small, and all variants of each activation."""
    rng = np.random.default_rng(13)
    z = np.concatenate([rng.normal(size=60) * 3, rng.uniform(-80, 80, 40)]).astype(np.float32)
    bounds = [activate(name, Bounded(float(z_i)), 0.5) for z_i in z]
    for variant in variants_of(name, z.astype(dtype)):
        for i, b in enumerate(bounds):
            expected = decimal_activation(name, Decimal(float(z[i])))
            for found, unit, truth in zip(variant, b, expected, strict=True):
                error = abs(Decimal(float(found[i])) - truth)
                assert error <= tolerance(unit, dtype), (name, z[i], unit)


def decimal_activation(name: str, z: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    with localcontext(Context(prec=120)):
        if name == "tanh":
            a = decimal_function("tanh", z)
            return a, 1 - a * a, -2 * a * (1 - a * a)
        s = 1 / (1 + (-z).exp())
        ds = s * (1 - s)
        if name == "softplus":
            return (1 + z.exp()).ln(), s, ds
        return z * s, s + z * ds, ds * (2 + z * (1 - 2 * s))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [-1.5, 0.25, 2.0])
def test_activation_carries_the_error_of_its_argument(name: str, z: float) -> None:
    """At least by the next derivative, and at most a few times as much."""
    unit = activate(name, Bounded(z, 1e6), 0.5)
    h = 2.0**-10
    up, down = (activate(name, Bounded(z + step), 0.5) for step in (h, -h))
    for b, above, below in zip(unit, up, down, strict=True):
        df = abs(above.value - below.value) / (2 * h)
        assert 0.999e6 * df <= b.rounding <= 6e6 * max(df, 0.1)


@pytest.mark.parametrize(("name", "z"), [("relu", 0.0), ("relu", -2.0), ("relu", 3.0)])
def test_relu(name: str, z: float) -> None:
    """0 for z < 0, z for z > 0, and relu'(0) = u."""
    f, df, d2f = activate(name, Bounded(z, 1.0), 0.25)
    assert (f.value, df.value, fields(d2f)) == (
        max(z, 0.0),
        0.25 if z == 0 else float(z > 0),
        (0, 0, 0),
    )
    assert f.rounding == (z >= 0)
