"""Numbers with error bounds: running error analysis (Wilkinson 1963; Higham 2002, §3.3).

A port rounds after every operation: fl(a ∘ b) = (a ∘ b)(1 + δ) + γ with |δ| ≤ u, the unit roundoff,
and |γ| ≤ η, the smallest subnormal, where the result of × or / underflows. A `Bounded` number c
carries a first-order bound of the accumulated error, in two parts that hold for any dtype:

    |ĉ − c| ≤ u·R(c) + η·U(c)

    c = a ± b     R = R(a) + R(b) + |c|                        U = U(a) + U(b)
    c = a b       R = |a| R(b) + |b| R(a) + |c|                U = |a| U(b) + |b| U(a) + 1
    c = a / b     R = (R(a) + |c| R(b)) / |b| + |c|            U = (U(a) + |c| U(b)) / |b| + 1
    c = √a        R = R(a) / 2c + c                            U = min(U(a) / 2c, √(U(a)/η))
    c = f(a)      R = |f'(a)| R(a) + 3 |c|                     U = |f'(a)| U(a) + 1
    c = max(a, b), |a|: no error of their own                  inputs: R = U = 0
    c = Σ_i x_i   R = Σ_i R(x_i) + (n − 1) Σ_i |x_i|           U = Σ_i U(x_i)

The rule for sums holds for every order of summation, including pairwise and sharded sums, since
each of the n − 1 partial sums is at most Σ |x_i|. The 3 for f = tanh, exp, log1p, … covers library
functions: their error is 1 to 4 ulp (an ulp is up to 2 u), that of an addition ½ ulp. A factor 0 or
±1 adds no error. U matters, for example, if e = 1e-30 is squared in float32: e² = 0 has an error
below η, and every later factor amplifies it. For the root, the bound η U/2c becomes infinite near
0; the root of the whole error, √(η U), is finite. There η is that of float32: doubles do not
underflow on float32 inputs.

The tolerance is SAFETY = 4 times this bound. The rules are those of one straightforward evaluation,
`BoundedPort`. A correct variant (hypot for a root of squares, a reciprocal and a product for a
quotient, one more factor 1/N) needs a few more operations, rarely twice as many, each with the same
error. Where a variant has a larger error, as 1/cosh² has for 1 − tanh² near 0, `relax` increases
the bound. A fused multiply-add, or a result in double precision that is rounded once, has a smaller
error. The rest of the 4 covers the terms of higher order.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SAFETY = 4.0
FUNCTION = 3.0  # error of a library function, in units of the error of an addition
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}  # u
ETA = {"float32": 2.0**-149, "float64": 2.0**-1074}  # η


class AmbiguousBranchError(ArithmeticError):
    """Rounding may decide on which side of a kink a number is: there is no right answer."""


@dataclass(frozen=True, slots=True, eq=False)
class Bounded:
    """A number with the bound u·rounding + η·underflow for its error in a port."""

    value: float
    rounding: float = 0.0
    underflow: float = 0.0

    def __add__(self, other: Bounded | float) -> Bounded:
        if not isinstance(other, Bounded | float | int):
            return NotImplemented  # an array: NumPy applies the operation to each entry
        b, value = bounded(other), self.value + bounded(other).value
        rounding = self.rounding + b.rounding + abs(value)
        return Bounded(value, rounding, self.underflow + b.underflow)

    def __sub__(self, other: Bounded | float) -> Bounded:
        return self + -other

    def __mul__(self, other: Bounded | float) -> Bounded:
        if not isinstance(other, Bounded | float | int):
            return NotImplemented  # an array: NumPy applies the operation to each entry
        b = bounded(other)
        x, y = abs(self.value), abs(b.value)
        exact = _trivial(self) or _trivial(b)
        local_error, local_underflow = (0.0, 0.0) if exact else (x * y, 1.0)
        return Bounded(
            self.value * b.value,
            x * b.rounding + y * self.rounding + local_error,
            x * b.underflow + y * self.underflow + local_underflow,
        )

    def __truediv__(self, other: Bounded | float) -> Bounded:
        if not isinstance(other, Bounded | float | int):
            return NotImplemented  # an array: NumPy applies the operation to each entry
        b, value = bounded(other), self.value / bounded(other).value
        c, y = abs(value), abs(b.value)
        exact = _trivial(b) or is_zero(self)
        local_error, local_underflow = (0.0, 0.0) if exact else (c, 1.0)
        return Bounded(
            value,
            (self.rounding + c * b.rounding) / y + local_error,
            (self.underflow + c * b.underflow) / y + local_underflow,
        )

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> Bounded:
        return -self + other

    def __rtruediv__(self, other: float) -> Bounded:
        return bounded(other) / self

    def __neg__(self) -> Bounded:
        return Bounded(-self.value, self.rounding, self.underflow)

    def __abs__(self) -> Bounded:
        return Bounded(abs(self.value), self.rounding, self.underflow)

    def apply(self, value: float, derivative: float, local_error: float) -> Bounded:
        """f of this number, given f, f' and the rounding error of f itself in units of u."""
        s = abs(derivative)
        return Bounded(value, s * self.rounding + local_error, s * self.underflow + 1)

    def relax(self, times: float) -> Bounded:
        """The same number with a bound that is larger by `times` roundings of it."""
        return Bounded(self.value, self.rounding + times * abs(self.value), self.underflow)


def bounded(a: Bounded | float) -> Bounded:
    """An exact number as `Bounded`; a `Bounded` number is returned unchanged."""
    return a if isinstance(a, Bounded) else Bounded(float(a))


def tolerance(b: Bounded, dtype: str) -> float:
    """The largest error that is allowed in "float32" or "float64"."""
    return SAFETY * (UNIT[dtype] * b.rounding + ETA[dtype] * b.underflow)


def sqrt(a: Bounded) -> Bounded:
    """√a."""
    if is_zero(a):
        return a
    c, whole = math.sqrt(a.value), math.sqrt(a.underflow / ETA["float32"])
    if c == 0:
        return Bounded(0.0, math.inf if a.rounding else 0.0, whole)
    return Bounded(c, a.rounding / (2 * c) + c, min(a.underflow / (2 * c), whole))


def tanh(a: Bounded) -> Bounded:
    """tanh a."""
    c = math.tanh(a.value)
    return a.apply(c, 1 - c * c, FUNCTION * abs(c))


def power(a: Bounded, n: int) -> Bounded:
    """a^n for a ≥ 0, n ≥ 1: as a product, by the library, or as e^(n log a)."""
    c = a.value**n
    exponent = n * abs(math.log(a.value)) if a.value else 0.0
    return a.apply(c, n * a.value ** (n - 1), (FUNCTION + exponent) * c)


def total(terms: Iterable[Bounded]) -> Bounded:
    """Their sum, in any order."""
    x = [term for term in terms if not is_zero(term)]
    return Bounded(
        math.fsum(x_i.value for x_i in x),
        sum(x_i.rounding for x_i in x) + max(len(x) - 1, 0) * sum(abs(x_i.value) for x_i in x),
        sum(x_i.underflow for x_i in x),
    )


def mean(terms: Sequence[Bounded]) -> Bounded:
    """Their mean, in any order, also as a sum of parts or with a factor 1/n."""
    return (total(terms) / len(terms)).relax(2)


def maximum(a: Bounded, b: Bounded) -> Bounded:
    """max(a, b)."""
    return max(a, b, key=lambda c: c.value)


def branch(a: Bounded, b: Bounded | float, at_kink: float) -> float:
    """H(a − b), with `at_kink` for a = b.

    Raises
    ------
    AmbiguousBranchError
        a and b differ by less than their tolerances in float32.
    """
    b = bounded(b)
    gap = a.value - b.value
    if gap == 0:
        return at_kink
    if abs(gap) <= tolerance(a, "float32") + tolerance(b, "float32"):
        raise AmbiguousBranchError(f"rounding may change the order of {a.value} and {b.value}")
    return float(gap > 0)


def is_zero(a: Bounded) -> bool:
    """Whether it is exactly 0 in every port."""
    return a.value == 0 == a.rounding == a.underflow


def _trivial(a: Bounded) -> bool:
    return a.rounding == 0 == a.underflow and a.value in (0.0, 1.0, -1.0)
