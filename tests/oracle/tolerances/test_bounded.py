"""The rules of running error analysis against exact arithmetic and float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.tolerances.bounded import (
    ETA,
    SAFETY,
    UNIT,
    AmbiguousBranchError,
    Bounded,
    branch,
    maximum,
    mean,
    power,
    sqrt,
    tanh,
    tolerance,
    total,
)
from lai_ref.support.validation import Array
from tests.oracle.tolerances.numbers import DTYPES, decimal_function, fields, first_order


def operands(rng: np.random.Generator) -> tuple[Bounded, np.float32]:
    """A number with a bound, and a float32 within that bound."""
    scale = 2.0 ** rng.integers(-70, 40)
    value = float(np.float32(rng.normal() * scale))
    b = Bounded(value, 8 * abs(value), float(rng.integers(0, 3)))
    error = rng.choice([-1.0, 1.0]) * first_order(b, "float32") if rng.random() < 0.7 else 0.0
    with np.errstate(under="ignore"):
        got = np.float32(value + error)
    # rounded towards the true value, so that it stays within the bound
    while abs(float(got) - value) > first_order(b, "float32"):
        got = np.nextafter(got, np.float32(value))
    return (b, got) if error else (Bounded(value), got)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "over": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_operation(name: str) -> None:
    """The float32 result for operands within their bounds is within the bound of the result."""
    rng, used = np.random.default_rng(1), []
    for _ in range(4000):
        (a, a_got), (b, b_got) = operands(rng), operands(rng)
        if abs(b.value) < 1e-4 * b.underflow or b_got == 0:
            continue
        with np.errstate(all="ignore"):
            got = OPERATIONS[name](a_got, b_got)
        if abs(got) > 1e38:
            continue
        bound = first_order(OPERATIONS[name](a, b), "float32")
        truth = OPERATIONS[name](Fraction(a.value), Fraction(b.value))
        error = abs(Fraction(float(got)) - truth)
        # second order: errors of 8 u in the operands, unless underflow dominates
        if max(ETA["float32"] * c.underflow / abs(c.value) for c in (a, b)) < 1e-5:
            assert error <= bound * 1.0001, (a, b)
            used.append(float(error / Fraction(bound)) if bound else 0.0)
    assert len(used) > 2000
    assert max(used) > 0.9  # and the bound is sharp


def test_plain_numbers_are_exact() -> None:
    """An int or float operand counts as exact, on either side."""
    a = Bounded(3.0, 5.0, 7.0)
    assert fields(a + 1) == fields(1 + a) == (4, 9, 7)
    assert fields(a - 1) == (2, 7, 7)
    assert fields(1 - a) == (-2, 7, 7)
    assert fields(a * 2) == fields(2 * a) == (6, 16, 15)
    assert fields(a / 2) == (1.5, 4, 4.5)
    assert fields(6 / a) == (2, 2 * 5 / 3 + 2, 2 * 7 / 3 + 1)
    assert fields(-abs(-a)) == (-3, 5, 7)


@pytest.mark.parametrize("trivial", [0.0, 1.0, -1.0])
def test_exact_factors_add_nothing(trivial: float) -> None:
    """Products with exact 0 and ±1 do not round; a computed 0 may not be 0 in a port."""
    a = Bounded(3.0, 5.0, 7.0)
    times = abs(trivial)
    assert fields(a * trivial) == (3 * trivial, 5 * times, 7 * times)
    assert fields(a * Bounded(0.0, 1.0)) == (0, 3, 1)
    assert fields(a * Bounded(0.0, 0.0, 1.0)) == (0, 0, 4)
    assert fields(Bounded(0.0) / a) == (0, 0, 0)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_sum_in_any_order(n: int) -> None:
    """Every order and every grouping of float32 sums, cancellation included."""
    rng, used = np.random.default_rng(n), []
    for _ in range(400):
        terms = (rng.normal(size=n) * 10.0 ** rng.uniform(-3, 3, n)).astype(np.float32)
        if rng.random() < 0.5:
            terms[-1] = -np.sum(terms[:-1])
        bound = first_order(total([Bounded(float(x)) for x in terms]), "float32")
        truth = sum(map(Fraction, terms.tolist()))
        for order in (terms, -np.sort(-terms), terms[rng.permutation(n)]):
            for got in (np.cumsum(order, dtype=np.float32)[-1], halves(order)):
                error = float(abs(Fraction(float(got)) - truth))
                assert error <= bound
                used.append(error / bound if bound else 0.0)
    assert n < 3 or max(used) > 0.1


def halves(terms: Array) -> np.float32:
    """The sum of the sums of both halves."""
    if len(terms) == 1:
        return np.float32(terms[0])
    middle = len(terms) // 2
    return np.float32(halves(terms[:middle]) + halves(terms[middle:]))


def test_sum_of_numbers_with_bounds() -> None:
    """The errors of the terms add up, exact zeros do not count, and the mean divides."""
    terms = [Bounded(2.0, 1.0, 3.0), Bounded(0.0), Bounded(-4.0, 2.0, 5.0), Bounded(3.0)]
    assert fields(total(terms)) == (1.0, 3 + 2 * 9, 8.0)
    assert fields(mean(terms)) == (0.25, 21 / 4 + 3 * 0.25, 3.0)
    assert fields(total([])) == (0, 0, 0)


def test_any_order_of_cancelling_terms_is_bounded() -> None:
    """1 + h − 1, in an order that loses h."""
    h = 2.0**-25
    b = total([Bounded(1.0), Bounded(h), Bounded(-1.0)])
    assert h <= first_order(b, "float32") <= 9 * h


FUNCTIONS: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "sqrt": (sqrt, np.sqrt, (0, 20)),
    "tanh": (tanh, np.tanh, (-3, 3)),
    "power": (lambda a: power(a, 7), lambda a: a**7, (0, 2)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_function(name: str, dtype: str) -> None:
    """Arguments with errors of 64 roundings."""
    bounded_function, numpy_function, (low, high) = FUNCTIONS[name]
    rng, used = np.random.default_rng(5), []
    for value in rng.uniform(low, high, 500).astype(np.float32).tolist():
        for rounding in (0.0, 64.0 * abs(value)):
            b = bounded_function(Bounded(value, rounding))
            for sign in (-1, 1):
                argument = np.dtype(dtype).type(value + sign * UNIT[dtype] * rounding)
                # plus the rounding of the argument
                allowed = bounded_function(
                    Bounded(value, rounding + (abs(value) if rounding else 0.0))
                )
                with localcontext(Context(prec=50)):
                    truth = decimal_function(name, Decimal(value))
                    error = float(abs(Decimal(float(numpy_function(argument))) - truth))
                assert error <= first_order(allowed, dtype) * 1.001 + 1e-300
                used.append(error / first_order(b, dtype))
    assert max(used) > 0.6


def test_function_carries_what_its_argument_has() -> None:
    """The error is f' times that of the argument, plus one η."""
    z = Bounded(0.5, 1e6, 1e3)
    derivative = 1 - math.tanh(0.5) ** 2
    assert tanh(z).rounding == pytest.approx(1e6 * derivative, rel=1e-4)
    assert tanh(z).underflow == pytest.approx(1e3 * derivative + 1)
    assert power(z, 3).rounding == pytest.approx(1e6 * 0.75, rel=1e-4)


def test_root_of_what_underflows() -> None:
    """e = 1e-30: e² and its root are 0 in float32; the tolerance covers that, and is finite."""
    e = float(np.float32(1e-30))
    b = sqrt(Bounded(e) * Bounded(e))
    assert e <= tolerance(b, "float32") < 1e-21
    assert tolerance(b, "float64") < 1e-14 * e
    # an exact 0, and a 0 that may be another number in a port
    assert fields(sqrt(Bounded(0.0))) == (0, 0, 0)
    assert 0 < tolerance(sqrt(Bounded(0.0, 0.0, 2.0)), "float32") < 1e-21
    assert tolerance(sqrt(Bounded(0.0, 1.0)), "float64") == math.inf


def test_underflow_is_amplified() -> None:
    """e² F with e² = 0 in float32 and F = 1e30."""
    e, F = Bounded(1e-30), Bounded(1e30)
    b = e * e * F
    assert b.underflow == 1e30 + 1
    assert abs(np.float32(0) - b.value) <= tolerance(b, "float32")
    assert b.value > 1e12 * tolerance(b, "float64")


def test_side() -> None:
    """Above or below the kink, exactly at it, and too close to it."""
    a = Bounded(1.0, 2.0)
    assert branch(a, 0.5, 0.3) == 1
    assert branch(a, 2.0, 0.3) == 0
    assert branch(a, 1.0, 0.3) == 0.3
    near = 1 + 4 * SAFETY * UNIT["float32"]
    assert branch(a, near, 0.3) == 0
    with pytest.raises(AmbiguousBranchError, match="rounding may change the order"):
        branch(a, 1 + SAFETY * UNIT["float32"], 0.3)
    # between exact numbers every difference counts
    assert branch(Bounded(1.0), 1 + 2.0**-52, 0.3) == 0
    assert maximum(a, Bounded(2.0)).value == maximum(Bounded(2.0), a).value == 2
