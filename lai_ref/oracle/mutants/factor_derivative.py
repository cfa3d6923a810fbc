"""Mistakes in the derivative F_p'(k; λ) only; F is right."""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, UNTRAINED, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant(
    "The branches of F' were swapped (< for >); that of |k|^p should apply where |k|^p > λ.", FACTOR
)
class BranchesExchanged(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        return 1 - super().heaviside(k, lam, order)


@mutant(
    "u in F' was sign(|k|^p − λ), −1 below the kink; it should be the step function, 0 there.",
    FACTOR,
)
class SignForStep(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        u: Array = np.sign(np.abs(k) ** order - lam)
        return u


@mutant(
    "The step function was computed by x/|x|, NaN at the kink; use any subgradient there.",
    UNTRAINED,
)
class StepByDivision(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        excess = np.abs(k) ** order - lam
        u: Array = (1 + excess / np.abs(excess)) / 2
        return u


@mutant(
    "F' near the kink (isclose) was that at the kink; this should hold only where |k|^p = λ.",
    FACTOR,
)
class KinkIsWide(Port):
    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        near = np.isclose(np.abs(k) ** order, lam)
        return np.where(near, k.dtype.type(0.5), super().heaviside(k, lam, order))


@mutant("F' was divided by (1 + k²)^(p/2); it should be divided by (1 + k²)^(p/2 + 1).", FACTOR)
class ExponentOfSlope(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        sin = np.sign(k) if order == 1 else self.sine(k)
        return order * (sin / self.divisor(lam) / self.hypotenuse(k))

    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        scaled = order * self.sine(k) * (lam / self.divisor(lam))
        return scaled if order == 1 else scaled / self.hypotenuse(k)


@mutant("F' was 0 below the kink; it should be the derivative of λ/(1 + k²)^(p/2) there.", FACTOR)
class FlatBelowKink(Port):
    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.zeros_like(k * lam)


@mutant(
    "(1 + k²)^(p/2) was treated as a constant in F'; it should be differentiated as well.", FACTOR
)
class DenominatorConstant(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        sin = np.sign(k) if order == 1 else self.sine(k)
        return order * (sin / self.divisor(lam) / self.hypotenuse(k))

    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.zeros_like(k * lam)


@mutant(
    "F' was computed by the quotient rule (as autograd does), whose terms cancel for large |k|; "
    "use the closed form.",
    ("factor", "loss"),
)
class QuotientRule(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        r, sin = self.hypotenuse(k), self.sine(k)
        # the derivative of |k|/r: sign k/r − |k| k/r³
        derivative = np.sign(k) * (1 / r - sin * sin / r) / self.divisor(lam)
        return derivative if order == 1 else 2 * np.abs(sin) * derivative


@mutant(
    "max(|k|^p, λ) was treated as a constant in F'; it should be differentiated as well.", FACTOR
)
class NumeratorConstant(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return -order * self.sin_branch(k, lam, order) * self.sine(k) / self.hypotenuse(k)


@mutant("sign k was missing in the derivative of |k|^p; it should be p |k|^(p−1) sign k.", FACTOR)
class SignOfSlopeForgotten(Port):
    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return np.abs(super().sin_branch_derivative(k, lam, order))


@mutant("The factor p was missing in F'; it should be 2 for MSE.", FACTOR)
class PowerForgottenInFactor(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return super().factor_derivative(k, lam, order) / order


@mutant("F' had the wrong sign; it should be the derivative of F.", FACTOR)
class DerivativeNegated(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return -super().factor_derivative(k, lam, order)


@mutant("F' was not divided by min(λ, 1); it should be divided by it, as F is.", FACTOR)
class MinimumForgottenInDerivative(Port):
    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        return super().factor_derivative(k, lam, order) * self.divisor(lam)
