"""|z| and sign z, continued off the real axis."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from lai_ref.support.analytic import absolute, sign
from lai_ref.support.validation import Array
from tests.inputs.strategies import signed


@given(signed(1e-300, 1e300))
def test_absolute_of_a_real_number_is_its_size(z: float) -> None:
    assert absolute(np.array([z]))[0] == abs(z)


@given(signed(1e-3, 1e3), signed(1e-200, 1.0))
def test_absolute_of_a_complex_number_is_z_or_minus_z_not_the_modulus(re: float, im: float) -> None:
    z = complex(re, im)
    assert absolute(np.array([z]))[0] == (z if re > 0 else -z)


@given(signed(1e-300, 1e300))
def test_absolute_has_the_sign_as_its_complex_step(z: float) -> None:
    stepped = absolute(np.array([z + 1e-100j]))[0]
    assert stepped.imag / 1e-100 == np.sign(z)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_absolute_keeps_dtype_and_shape(dtype: type) -> None:
    z: Array = np.array([[-1, 0, 2]], dtype)
    got = absolute(z)
    assert (got.dtype, got.tolist()) == (z.dtype, [[1, 0, 2]])


def test_sign_is_that_of_the_real_part() -> None:
    assert sign(np.array([-2.0, 0.0, 0.5])).tolist() == [-1, 0, 1]
    assert sign(np.array([-2 + 3j, 0 - 1j, 0.5 - 9j])).tolist() == [-1, 0, 1]


def test_sign_is_real() -> None:
    assert sign(np.array([1j])).dtype == np.float64
    assert sign(np.array([1], np.float32)).dtype == np.float32
