"""Mistakes in the factor F_p(k; λ), and in its derivative alike."""

from __future__ import annotations

import math

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, UNTRAINED, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam


@mutant("For MSE the kink was put at |k| = λ; it is at |k| = √λ, where |k|² = λ.", FACTOR)
class KinkAtLam(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return super().heaviside(k, lam, 1)

    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        above, below = self.sin_branch(k, lam, order), self.cos_branch(k, lam, order)
        return np.where(self.heaviside(k, lam, order) > 0.5, above, below)


@mutant("For MSE λ was squared, as if the MAE factor were squared; it is λ as it is.", FACTOR)
class LamSquared(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam**order, order)


@mutant("The division by min(λ, 1) was forgotten.", FACTOR)
class MinimumForgotten(Port):
    def divisor(self, lam: Array) -> Array:
        return np.ones_like(lam)


@mutant("F was divided by λ also where λ > 1; it is divided by min(λ, 1).", FACTOR)
class DividedByLam(Port):
    def divisor(self, lam: Array) -> Array:
        return lam


@mutant("F was multiplied by min(λ, 1); it is divided by it.", FACTOR)
class MultipliedByMinimum(Port):
    def divisor(self, lam: Array) -> Array:
        return 1 / super().divisor(lam)


@mutant("1e-8 was added under the root of 1 + k², which is never 0 and needs nothing.", FACTOR)
class EpsilonInFactor(Port):
    def hypotenuse(self, k: Array) -> Array:
        return np.hypot(math.sqrt(1 + 1e-8), k)


@mutant("k² was computed as it stands and overflows for steep k; take hypot(1, k).", UNTRAINED)
class SquareOverflows(Port):
    def hypotenuse(self, k: Array) -> Array:
        r: Array = np.sqrt(1 + k * k)
        return r


@mutant(
    "cos φ was taken of atan k, which loses its digits for steep k; it is 1/√(1 + k²).", UNTRAINED
)
class CosineOfArctangent(Port):
    def hypotenuse(self, k: Array) -> Array:
        return 1 / np.cos(np.arctan(k))

    def sine(self, k: Array) -> Array:
        return np.sin(np.arctan(k))


@mutant("The angle φ = atan k was used in place of the slope k.", FACTOR)
class AngleForSlope(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(np.arctan(k), lam, order)
        return F, dF * np.cos(np.arctan(k)) ** 2


@mutant("sin and cos were taken of the slope k; they are those of the angle φ = atan k.", FACTOR)
class SlopeForAngle(Port):
    def hypotenuse(self, k: Array) -> Array:
        return 1 / np.cos(k)

    def sine(self, k: Array) -> Array:
        return np.sin(k)

    def cos_branch(self, k: Array, lam: Array, order: int) -> Array:
        return np.abs(super().cos_branch(k, lam, order))


@mutant("The smaller of the two sides was taken; F is the larger one.", FACTOR)
class SmallerSide(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return np.minimum(self.sin_branch(k, lam, order), self.cos_branch(k, lam, order))

    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return 1 - super().heaviside(k, lam, order)


@mutant("Masks ≥ and ≤ both held at the kink, and F was counted twice there.", UNTRAINED)
class KinkCountedTwice(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        at_kink = np.abs(k) ** order == lam
        value = super().factor_value(k, lam, order)
        return np.where(at_kink, 2 * value, value)


@mutant("Neither mask, > or <, held at the kink, and F was 0 there.", UNTRAINED)
class KinkLeftOut(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        off_kink = np.abs(k) ** order != lam
        value = super().factor_value(k, lam, order)
        return np.where(off_kink, value, np.zeros_like(value))


@mutant("For MAE the root of 1 + k² was forgotten.", FACTOR)
class RootForgotten(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        value = super().factor_value(k, lam, order)
        return value if order == 2 else value / self.hypotenuse(k)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        dF, r = super().factor_derivative(k, lam, order), self.hypotenuse(k)
        value = super().factor_value(k, lam, order)
        return dF if order == 2 else dF / r - value * self.sine(k) / r / r


@mutant("The MSE factor was used for MAE as well.", FACTOR)
class OrderIgnored(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam, 2)


@mutant("λ was off by a millionth of itself, as if read or stored in few digits.", FACTOR)
class LamOffByAMillionth(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, lam * (1 + 1e-6), order)


@mutant("max(k, λ) was taken for MAE, without |·|; it should be max(|k|, λ).", FACTOR)
class AbsoluteOfSlopeForgotten(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return super().heaviside(np.maximum(k, 0) if order == 1 else k, lam, order)

    def sin_branch(self, k: Array, lam: Array, order: int) -> Array:
        right = super().sin_branch(k, lam, order)
        return np.sign(k) * right if order == 1 else right


@mutant("k was clipped to [−1, 1]; F should be taken of k as it is.", FACTOR)
class SlopeClipped(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(np.clip(k, -1, 1), lam, order)
        return F, np.where(np.abs(k) <= 1, dF, np.zeros_like(dF))


@mutant("|k|^p and λ were added; F should have their maximum.", FACTOR)
class SumForMaximum(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch(k, lam, order) + self.cos_branch(k, lam, order)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        rising = self.sin_branch_derivative(k, lam, order)
        return rising - self.cos_branch_derivative(k, lam, order)


@mutant("log(e^(|k|^p) + e^λ), a smooth maximum, was taken; it should be max(|k|^p, λ).", FACTOR)
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


@mutant("sin and cos were taken of atan k in degrees; the angle should be in radians.", FACTOR)
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
        # the derivative with respect to the angle, and that of the angle
        by_angle = np.where(above > below, above * cos / sin, -below * sin / cos)
        return order * by_angle / self.divisor(lam) * np.degrees(1 / self.hypotenuse(k) ** 2)


@mutant("The MAE factor was used for MSE as well; it should be F_2.", FACTOR)
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


@mutant("λ was left out of the numerator, |k|^p; it should be max(|k|^p, λ).", FACTOR)
class MaximumForgotten(Port):
    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch(k, lam, order)

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return self.sin_branch_derivative(k, lam, order)
