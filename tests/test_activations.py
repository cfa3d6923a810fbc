"""Every activation with f' and f'': values to many digits, derivatives, and large |z|."""

from __future__ import annotations

from decimal import Decimal, localcontext
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lai_ref import numerical_gradient
from lai_ref.activations import ACTIVATIONS
from lai_ref.support.validation import Array

NAMES = sorted(ACTIVATIONS)
ALL = pytest.mark.parametrize("name", NAMES)
POINTS = [-1000.0, -40.0, -20.0, -3.0, -1.0, -0.25, -1e-9, 1e-9, 0.25, 1.0, 3.0, 20.0, 40.0, 1000.0]
away_from_0 = st.floats(1e-3, 30) | st.floats(-30, -1e-3)


def triple(name: str, z: Array) -> tuple[Array, Array, Array]:
    """f, f', f''."""
    activation = ACTIVATIONS[name]
    a = activation.f(z)
    slope = activation.df(z, a)
    return a, slope, activation.d2f(z, a, slope)


def nth(name: str, n: int, z: Array) -> Any:
    """One of the three, of the first z."""
    return triple(name, z)[n][0]


def exact(name: str, z: float) -> tuple[Decimal, Decimal, Decimal]:
    """f, f', f'' from their definitions, with digits enough for what cancels at |z| = 1000."""
    with localcontext() as context:
        context.prec = 920
        x = Decimal(z)
        if name == "identity":
            return x, Decimal(1), Decimal(0)
        if name == "relu":
            return (x, Decimal(1), Decimal(0)) if z > 0 else (Decimal(0),) * 3
        if name == "tanh":
            f = (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())
            return f, 1 - f * f, -2 * f * (1 - f * f)
        s = 1 / (1 + (-x).exp())
        ds = s * (1 - s)
        dds = ds * (1 - 2 * s)
        if name == "softplus":
            return (1 + x.exp()).ln(), s, ds
        if name == "silu":
            return x * s, s + x * ds, 2 * ds + x * dds
        raise ValueError(f"{name}: expected its definition here, got none")


@ALL
@pytest.mark.parametrize("z", POINTS)
def test_f_and_its_derivatives_are_right_to_the_last_digits(name: str, z: float) -> None:
    for got, want in zip(triple(name, np.array([z])), exact(name, z), strict=True):
        assert abs(Decimal(got.item()) - want) <= Decimal(2.0**-50) * max(abs(want), Decimal(1))


@pytest.mark.parametrize("name", ["softplus", "silu"])
@pytest.mark.parametrize("z", POINTS)
def test_tails_do_not_cancel(name: str, z: float) -> None:
    """σ(z) and σ(−z) keep all their digits where they are tiny, and so do f' and f'' from them.

    f'' of silu changes its sign near |z| = 2.4 and f' near −1.3, not at these points.
    """
    for got, want in zip(triple(name, np.array([z])), exact(name, z), strict=True):
        limit = Decimal("1e-14") * abs(want) + Decimal("5e-324")
        assert abs(Decimal(got.item()) - want) <= limit


@ALL
@given(away_from_0)
def test_slope_is_the_complex_step_of_f(name: str, z: float) -> None:
    at = np.array([z])
    numeric = numerical_gradient(lambda z: ACTIVATIONS[name].f(z)[0], at, "complex")
    np.testing.assert_allclose(triple(name, at)[1], numeric, rtol=1e-10, atol=1e-15)


@ALL
@given(away_from_0)
def test_curvature_is_the_complex_step_of_the_slope(name: str, z: float) -> None:
    at = np.array([z])
    numeric = numerical_gradient(lambda z: triple(name, z)[1][0], at, "complex")
    np.testing.assert_allclose(triple(name, at)[2], numeric, rtol=1e-10, atol=1e-15)


@ALL
@given(away_from_0)
def test_slope_and_curvature_are_central_differences(name: str, z: float) -> None:
    at = np.array([z])
    _, slope, curvature = triple(name, at)
    by_f, by_slope = (numerical_gradient(partial(nth, name, n), at) for n in range(2))
    np.testing.assert_allclose(slope, by_f, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(curvature, by_slope, rtol=1e-8, atol=1e-8)


@ALL
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_dtype_and_shape_are_kept(name: str, dtype: type) -> None:
    z: Array = np.array([[-1.0, 0.0, 2.0], [-1000.0, 0.5, 1000.0]], dtype)
    for result in triple(name, z):
        assert (result.dtype, result.shape) == (z.dtype, z.shape)


@ALL
def test_float32_is_float64_rounded(name: str) -> None:
    z = np.linspace(-3, 3, 25, dtype=np.float32)
    for single, double in zip(triple(name, z), triple(name, z.astype(float)), strict=True):
        np.testing.assert_allclose(single, double, rtol=2e-6, atol=2e-7)


@ALL
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_nothing_overflows_far_out(name: str, dtype: type) -> None:
    for result in triple(name, np.array([-1e4, -1000.0, 1000.0, 1e4], dtype)):
        assert np.isfinite(result).all()


@ALL
def test_real_part_is_the_same_for_complex_z(name: str) -> None:
    z = np.array([-30.0, -1.0, -1e-3, 0.0, 1e-3, 1.0, 30.0])
    for of_complex, of_real in zip(triple(name, z + 1e-100j), triple(name, z), strict=True):
        np.testing.assert_allclose(of_complex.real, of_real, rtol=1e-13, atol=1e-15)


@ALL
def test_argument_is_not_changed(name: str) -> None:
    z = np.linspace(-2, 2, 5)
    z.setflags(write=False)
    a = ACTIVATIONS[name].f(z)
    a.setflags(write=False)
    slope = ACTIVATIONS[name].df(z, a)
    slope.setflags(write=False)
    ACTIVATIONS[name].d2f(z, a, slope)


def test_relu_is_flat_at_its_kink() -> None:
    for z in (0.0, -0.0):
        assert [float(a[0]) for a in triple("relu", np.array([z]))] == [0, 0, 0]


@pytest.mark.parametrize(("name", "want"), [("softplus", np.log(2)), ("silu", 0), ("tanh", 0)])
def test_value_at_zero(name: str, want: float) -> None:
    assert triple(name, np.array([0.0]))[0] == want


def test_gain_is_2_for_those_that_halve_the_variance() -> None:
    gains = {name: activation.gain for name, activation in ACTIVATIONS.items()}
    assert {name: gain for name, gain in gains.items() if gain != 1} == {"relu": 2, "silu": 2}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_curved_says_whether_the_curvature_is_anywhere_other_than_zero(name: str) -> None:
    _, _, curvature = triple(name, np.linspace(-3, 3, 100))
    assert ACTIVATIONS[name].has_d2f == bool(curvature.any())
