"""Mistakes in the derivative F_p'(k; λ) alone."""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, UNTRAINED, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("The branches of F' were exchanged, < for >: |k|^p counts where it is above λ.", FACTOR)
class BranchesExchanged(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return 1 - super().heaviside(k, lam, order)


@mutant("u was sign(|k|^p − λ), −1 below the kink; it is the step function, 0 there.", FACTOR)
class SignForStep(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        u: Array = np.sign(np.abs(k) ** order - lam)
        return u


@mutant("The step was computed as x/|x|, NaN at the kink; any value in [0, 1] is right.", UNTRAINED)
class StepByDivision(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        excess = np.abs(k) ** order - lam
        u: Array = (1 + excess / np.abs(excess)) / 2
        return u


@mutant(
    "|k|^p near λ (isclose) was taken for the kink, which is only where they are equal.", FACTOR
)
class KinkIsWide(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        near = np.isclose(np.abs(k) ** order, lam)
        return np.where(near, k.dtype.type(0.5), super().heaviside(k, lam, order))


@mutant("F' had (1 + k²)^(p/2) below; it is (1 + k²)^(p/2 + 1).", FACTOR)
class ExponentOfSlope(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        sin = np.sign(k) if order == 1 else self.sine(k)
        return order * (sin / self.divisor(lam) / self.hypotenuse(k))

    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        scaled = order * self.sine(k) * (lam / self.divisor(lam))
        return scaled if order == 1 else scaled / self.hypotenuse(k)


@mutant("F' was 0 below the kink, as if λ made F constant; (1 + k²) still varies there.", FACTOR)
class FlatBelowKink(Port):
    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.zeros_like(k * lam)


@mutant("(1 + k²)^(p/2) was treated as a constant when F was differentiated.", FACTOR)
class DenominatorConstant(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        sin = np.sign(k) if order == 1 else self.sine(k)
        return order * (sin / self.divisor(lam) / self.hypotenuse(k))

    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.zeros_like(k * lam)


@mutant(
    "F' came by the quotient rule (autograd), whose terms cancel for steep k; use a closed form.",
    ("factor", "loss"),
)
class QuotientRule(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        r, sin = self.hypotenuse(k), self.sine(k)
        # the derivative of |k|/r: sign k/r − |k| k/r³
        derivative = np.sign(k) * (1 / r - sin * sin / r) / self.divisor(lam)
        return derivative if order == 1 else 2 * np.abs(sin) * derivative


@mutant("max(|k|^p, λ) was treated as a constant when F was differentiated.", FACTOR)
class NumeratorConstant(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return -order * self.sin_branch(k, lam, order) * self.sine(k) / self.hypotenuse(k)


@mutant("The sign of k was left out of the derivative of |k|^p.", FACTOR)
class SignOfSlopeForgotten(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.abs(super().sin_branch_derivative(k, lam, order))


@mutant("The factor p was forgotten in F'.", FACTOR)
class PowerForgottenInFactor(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return super().factor_derivative(k, lam, order) / order


@mutant("F' had the opposite sign.", FACTOR)
class DerivativeNegated(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return -super().factor_derivative(k, lam, order)


@mutant("The division by min(λ, 1) was missing in F'; it should be there as in F.", FACTOR)
class MinimumForgottenInDerivative(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return super().factor_derivative(k, lam, order) * self.divisor(lam)
