"""Mistakes in the factor F_p(k; λ); F' is mostly the derivative of the wrong F."""

from __future__ import annotations

import math

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, UNTRAINED, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam


@mutant("For MSE the kink was at |k| = λ; it should be at |k| = √λ, where |k|² = λ.", FACTOR)
class KinkAtLam(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return super().heaviside(k, lam, 1)

    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        above, below = self.sin_branch(k, lam, order), self.cos_branch(k, lam, order)
        return np.where(self.heaviside(k, lam, order) > 0.5, above, below)


@mutant("For MSE λ was squared; it should be λ itself, as in max(k², λ).", FACTOR)
class LamSquared(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam**order, order)


@mutant("F was not divided by min(λ, 1); it should be.", FACTOR)
class MinimumForgotten(Port):
    def divisor(self, lam: Array) -> Array:
        return np.ones_like(lam)


@mutant("F was divided by λ for λ > 1 as well; it should be divided by min(λ, 1).", FACTOR)
class DividedByLam(Port):
    def divisor(self, lam: Array) -> Array:
        return lam


@mutant("F was multiplied by min(λ, 1); it should be divided by it.", FACTOR)
class MultipliedByMinimum(Port):
    def divisor(self, lam: Array) -> Array:
        return 1 / super().divisor(lam)


@mutant(
    "√(1 + k²) was computed as √(1 + k² + 1e-8); nothing should be added, as 1 + k² is never 0.",
    FACTOR,
)
class EpsilonInFactor(Port):
    def hypotenuse(self, k: Array) -> Array:
        return np.hypot(math.sqrt(1 + 1e-8), k)


@mutant("k² was computed directly, which overflows for large |k|; use hypot(1, k).", UNTRAINED)
class SquareOverflows(Port):
    def hypotenuse(self, k: Array) -> Array:
        r: Array = np.sqrt(1 + k * k)
        return r


@mutant(
    "cos φ was computed as cos(atan k), which loses digits for large |k|; use 1/√(1 + k²).",
    UNTRAINED,
)
class CosineOfArctangent(Port):
    def hypotenuse(self, k: Array) -> Array:
        return 1 / np.cos(np.arctan(k))

    def sine(self, k: Array) -> Array:
        return np.sin(np.arctan(k))


@mutant("F was evaluated at the angle φ = atan k; it should be evaluated at k.", FACTOR)
class AngleForSlope(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(np.arctan(k), lam, order)
        return F, dF * np.cos(np.arctan(k)) ** 2


@mutant(
    "sin and cos were evaluated at k; they should be evaluated at the angle φ = atan k.", FACTOR
)
class SlopeForAngle(Port):
    def hypotenuse(self, k: Array) -> Array:
        return 1 / np.cos(k)

    def sine(self, k: Array) -> Array:
        return np.sin(k)

    def cos_branch(self, k: Array, lam: Array, order: int) -> Array:
        return np.abs(super().cos_branch(k, lam, order))


@mutant("F was the minimum of its two branches; it should be the maximum.", FACTOR)
class SmallerSide(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return np.minimum(self.sin_branch(k, lam, order), self.cos_branch(k, lam, order))

    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return 1 - super().heaviside(k, lam, order)


@mutant(
    "The masks ≥ and ≤ both included the kink, so F was doubled there; only one should include it.",
    UNTRAINED,
)
class KinkCountedTwice(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        at_kink = np.abs(k) ** order == lam
        value = super().factor_value(k, lam, order)
        return np.where(at_kink, 2 * value, value)


@mutant(
    "The masks > and < both excluded the kink, so F was 0 there; one should include it.", UNTRAINED
)
class KinkLeftOut(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        off_kink = np.abs(k) ** order != lam
        value = super().factor_value(k, lam, order)
        return np.where(off_kink, value, np.zeros_like(value))


@mutant("For MAE F was divided by 1 + k²; it should be divided by √(1 + k²).", FACTOR)
class RootForgotten(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        value = super().factor_value(k, lam, order)
        return value if order == 2 else value / self.hypotenuse(k)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        dF, r = super().factor_derivative(k, lam, order), self.hypotenuse(k)
        value = super().factor_value(k, lam, order)
        return dF if order == 2 else dF / r - value * self.sine(k) / r / r


@mutant("The MSE factor F_2 was used for MAE as well; it should be F_1.", FACTOR)
class OrderIgnored(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam, 2)


@mutant("λ had a relative error of 1e-6, as if stored with few digits; it should be exact.", FACTOR)
class LamOffByAMillionth(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam * (1 + 1e-6), order)


@mutant("For MAE the numerator was max(k, λ); it should be max(|k|, λ).", FACTOR)
class AbsoluteOfKForgotten(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return super().heaviside(np.maximum(k, 0) if order == 1 else k, lam, order)

    def sin_branch(self, k: Array, lam: Array, order: int) -> Array:
        right = super().sin_branch(k, lam, order)
        return np.sign(k) * right if order == 1 else right


@mutant("k was clipped to [−1, 1] before F; F should be evaluated at k.", FACTOR)
class KClipped(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(np.clip(k, -1, 1), lam, order)
        return F, np.where(np.abs(k) <= 1, dF, np.zeros_like(dF))


@mutant("The numerator was the sum |k|^p + λ; it should be the maximum, max(|k|^p, λ).", FACTOR)
class SumForMaximum(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch(k, lam, order) + self.cos_branch(k, lam, order)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        rising = self.sin_branch_derivative(k, lam, order)
        return rising - self.cos_branch_derivative(k, lam, order)


@mutant(
    "The numerator was a smooth maximum, log(e^(|k|^p) + e^λ); it should be max(|k|^p, λ).", FACTOR
)
class SmoothMaximum(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        smooth = np.logaddexp(np.abs(k) ** order, lam)
        F: Array = smooth / self.hypotenuse(k) ** order / self.divisor(lam)
        return F

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        r, weight = self.hypotenuse(k), self.sigmoid(np.abs(k) ** order - lam)
        rising = weight * np.abs(k) ** (order - 1) * np.sign(k) / r**order / self.divisor(lam)
        falling = self.factor_value(k, lam, order) * self.sine(k) / r
        dF: Array = order * (rising - falling)
        return dF


@mutant("The angle atan k was passed to sin and cos in degrees; it should be in radians.", FACTOR)
class AngleInDegrees(Port):
    def sides(self, k: Array, lam: Array, order: int) -> tuple[Array, Array, Array, Array]:
        """sin and cos of the angle, |sin|^p and λ |cos|^p."""
        angle = np.degrees(np.arctan(k))
        sin, cos = np.sin(angle), np.cos(angle)
        return sin, cos, np.abs(sin) ** order, lam * np.abs(cos) ** order

    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        _, _, above, below = self.sides(k, lam, order)
        return np.maximum(above, below) / self.divisor(lam)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        sin, cos, above, below = self.sides(k, lam, order)
        # (dF/d angle) · (d angle/dk)
        by_angle = np.where(above > below, above * cos / sin, -below * sin / cos)
        return order * by_angle / self.divisor(lam) * np.degrees(1 / self.hypotenuse(k) ** 2)


@mutant("The MAE factor F_1 was used for MSE as well; it should be F_2.", FACTOR)
class MaeFactorForMse(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam, 1)


@mutant("For MSE F was divided by √(1 + k²); it should be divided by 1 + k².", FACTOR)
class RootForMse(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(k, lam, order)
        if order == 1:
            return F, dF
        r = self.hypotenuse(k)
        return F * r, dF * r + F * self.sine(k)


@mutant("F was divided by max(λ, 1); it should be divided by min(λ, 1).", FACTOR)
class DividedByMaximum(Port):
    def divisor(self, lam: Array) -> Array:
        return np.maximum(lam, 1)


@mutant("The numerator was |k|^p, without λ; it should be max(|k|^p, λ).", FACTOR)
class MaximumForgotten(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch(k, lam, order)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch_derivative(k, lam, order)
