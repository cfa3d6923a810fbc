"""Hyper-dual numbers over `decimal`: derivatives to second order, without truncation error.

A hyper-dual number (Fike & Alonso 2011) is  a + a₁ε₁ + a₂ε₂ + a₁₂ε₁ε₂  with ε₁² = ε₂² = 0. For
the arguments x + ε₁ and θ + ε₂, any f gives

    f(x + ε₁, θ + ε₂) = f + ε₁ ∂f/∂x + ε₂ ∂f/∂θ + ε₁ε₂ ∂²f/∂x∂θ

so that only f is coded. An elementary function needs f, f' and f'':

    f(a) = f + f' a₁ ε₁ + f' a₂ ε₂ + (f' a₁₂ + f'' a₁ a₂) ε₁ε₂

The precision is that of the current decimal context. tanh, softplus and silu use e^−|z| and branch
on the sign of z, so that no intermediate result is large.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, getcontext
from functools import lru_cache

ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(slots=True, eq=False)
class Hyperdual:
    """a + a₁ε₁ + a₂ε₂ + a₁₂ε₁ε₂; immutable by convention."""

    value: Decimal  # a
    d1: Decimal = ZERO  # a₁
    d2: Decimal = ZERO  # a₂
    d12: Decimal = ZERO  # a₁₂

    def __add__(self, other: Hyperdual | Decimal) -> Hyperdual:
        if isinstance(other, Decimal):
            return Hyperdual(self.value + other, self.d1, self.d2, self.d12)
        return Hyperdual(
            self.value + other.value,
            self.d1 + other.d1,
            self.d2 + other.d2,
            self.d12 + other.d12,
        )

    def __mul__(self, other: Hyperdual | Decimal) -> Hyperdual:
        a, a1, a2, a12 = self.value, self.d1, self.d2, self.d12
        if isinstance(other, Decimal):
            return Hyperdual(a * other, a1 * other, a2 * other, a12 * other)
        b, b1, b2, b12 = other.value, other.d1, other.d2, other.d12
        # (a + …)(b + …): the products of all parts, with ε₁² = ε₂² = 0
        return Hyperdual(
            a * b,
            a * b1 + a1 * b,
            a * b2 + a2 * b,
            a * b12 + a1 * b2 + a2 * b1 + a12 * b,
        )

    def __neg__(self) -> Hyperdual:
        return Hyperdual(-self.value, -self.d1, -self.d2, -self.d12)

    def __sub__(self, other: Hyperdual | Decimal) -> Hyperdual:
        return self + -other

    def __rsub__(self, other: Decimal) -> Hyperdual:
        return -self + other

    def __truediv__(self, other: Hyperdual | Decimal) -> Hyperdual:
        return self * (ONE / other)

    def __rtruediv__(self, other: Decimal) -> Hyperdual:
        # f = 1/a:  f' = −1/a²,  f'' = 2/a³
        f = ONE / self.value
        df = -f * f
        return self.chain(f, df, -2 * f * df) * other

    __radd__, __rmul__ = __add__, __mul__

    def chain(self, f: Decimal, df: Decimal, d2f: Decimal) -> Hyperdual:
        """f of this number, given f, f' and f'' at its value (the chain rule)."""
        a1, a2 = self.d1, self.d2
        return Hyperdual(f, df * a1, df * a2, df * self.d12 + d2f * a1 * a2)


def variables(
    values: Iterable[Decimal], d1: int | None = None, d2: int | None = None
) -> list[Hyperdual]:
    """The numbers as hyper-dual numbers, + ε₁ at index `d1`, + ε₂ at index `d2`."""
    return [Hyperdual(v, Decimal(i == d1), Decimal(i == d2)) for i, v in enumerate(values)]


def total(numbers: Iterable[Hyperdual]) -> Hyperdual:
    """Their sum."""
    return sum(numbers, Hyperdual(ZERO))


def exp(a: Hyperdual) -> Hyperdual:
    """e^a."""
    f = _exp(a.value, getcontext().prec)
    return a.chain(f, f, f)


def log1p(a: Hyperdual) -> Hyperdual:
    """log(1 + a) for 0 < a ≤ 1, with at least half of the digits of the context."""
    # f' = 1/(1 + a),  f'' = −1/(1 + a)²
    df = ONE / (ONE + a.value)
    return a.chain(_log1p(a.value, getcontext().prec), df, -df * df)


def sqrt(a: Hyperdual) -> Hyperdual:
    """√a, a > 0."""
    # f' = 1/(2f),  f'' = −1/(4f³)
    f = a.value.sqrt()
    df = ONE / (2 * f)
    return a.chain(f, df, -df / (2 * a.value))


def maximum(a: Hyperdual, b: Hyperdual, u: Decimal) -> Hyperdual:
    """max(a, b); if a = b, its derivatives are those of u a + (1 − u) b."""
    if a.value == b.value:
        return b + (a - b) * u
    return a if a.value > b.value else b


def tanh(z: Hyperdual) -> Hyperdual:
    """(1 − q)/(1 + q), q = e^(−2z), for z ≥ 0; −tanh(−z) for z < 0."""
    if z.value < 0:
        return -tanh(-z)
    q = exp(z * Decimal(-2))
    return (ONE - q) / (ONE + q)


def softplus(z: Hyperdual) -> Hyperdual:
    """log(1 + e^z) = z + log(1 + e^−z)."""
    return log1p(exp(z)) if z.value < 0 else z + log1p(exp(-z))


def silu(z: Hyperdual) -> Hyperdual:
    """z σ(z), σ(z) = 1/(1 + e^−z) = e^z/(1 + e^z)."""
    if z.value < 0:
        q = exp(z)
        return z * q / (ONE + q)
    return z / (ONE + exp(-z))


@lru_cache(maxsize=4096)
def _exp(value: Decimal, precision: int) -> Decimal:
    return value.exp()


@lru_cache(maxsize=4096)
def _log1p(value: Decimal, precision: int) -> Decimal:
    # 1 + 10^−n loses n digits to rounding, but 10^−n itself agrees with log(1 + 10^−n) in n digits
    return (ONE + value).ln() if value.adjusted() > -precision // 2 else value
