"""Mistakes in the factor F and its derivative."""

from __future__ import annotations

import numpy as np

from tests.independent.numpy_port import Array, NumpyPort, sigmoid
from tests.independent.wrong_ports.record import wrong


@wrong("factor")
class AngleInDegrees(NumpyPort):
    """F is computed from sin φ and cos φ with φ = arctan k converted to degrees; NumPy expects
    radians."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        phi = np.degrees(np.arctan(k))
        sin, cos = np.abs(np.sin(phi)), np.abs(np.cos(phi))
        return np.maximum(sin**order, lam * cos**order) / np.minimum(lam, 1)


@wrong("factor")
class SinAndCosSwapped(NumpyPort):
    """λ multiplies |sin φ|^p, so the maximum is max(λ|k|^p, 1); λ belongs to |cos φ|^p, and the
    maximum is max(|k|^p, λ)."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        largest = np.maximum(lam * np.abs(k) ** order, 1)
        return largest / (1 + k**2) ** (order / 2) / np.minimum(lam, 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        rising = lam * np.abs(k) ** (order - 1) * np.sign(k)
        chosen = np.where(lam * np.abs(k) ** order >= 1, rising, -k)
        return order * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)


@wrong("factor")
class SlopeMeasuredInLam(NumpyPort):
    """k is replaced by k/λ in max(|sin φ|, |cos φ|)^p, which moves the kink to λ and
    changes the denominator; λ weights only the cosine."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        return super().F(k / lam, 1.0, order)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        return super().dF(k / lam, 1.0, order) / lam


@wrong("factor")
class ExponentByIntegerDivision(NumpyPort):
    """The denominator's exponent is p // 2, which is 0 for p = 1; it is p / 2."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        largest = np.maximum(np.abs(k) ** order, lam)
        return largest / (1 + k**2) ** (order // 2) / np.minimum(lam, 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        if order == 2:
            return super().dF(k, lam, order)
        return np.where(np.abs(k) >= lam, np.sign(k), 0 * k) / np.minimum(lam, 1)


@wrong("factor")
class DivisorSquaredWithTheLoss(NumpyPort):
    """For MSE the divisor min(λ, 1) is squared along with sine and cosine; it is min(λ, 1) for both
    p."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        return super().F(k, lam, order) / np.minimum(lam, 1) ** (order - 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        return super().dF(k, lam, order) / np.minimum(lam, 1) ** (order - 1)


@wrong("factor")
class SecondTermCopiedFromLargeLam(NumpyPort):
    """In the case λ < 1 the second entry of the maximum is λ/(1 + k²)^(p/2), copied from the case
    λ ≥ 1; it is 1/(1 + k²)^(p/2)."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        largest = np.maximum(np.abs(k) ** order / np.minimum(lam, 1), lam)
        return largest / (1 + k**2) ** (order / 2)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        low = np.minimum(lam, 1)
        rising = np.abs(k) ** (order - 1) * np.sign(k) / low
        chosen = np.where(np.abs(k) ** order / low >= lam, rising, -lam * k)
        return order * chosen / (1 + k**2) ** (order / 2 + 1)


@wrong("factor")
class DerivativeByTheAngle(NumpyPort):
    """The derivative of F is taken with respect to the angle φ; with respect to k = tan φ it has
    the further factor dφ/dk = 1/(1 + k²)."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        return super().dF(k, lam, order) * (1 + k**2)


@wrong("factor")
class SignLostOnTheRise(NumpyPort):
    """Above the kink the derivative of |k|^p is p|k|^(p−1) without the sign of k, so it is
    positive for negative slopes too."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        chosen = np.where(np.abs(k) ** order >= lam, np.abs(k) ** (order - 1), -lam * k)
        return order * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)


@wrong("factor")
class BranchesSwitchAtLam(NumpyPort):
    """The derivative changes its branch at |k| = λ for both p; for p = 2 the kink is at
    |k| = √λ."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        rising = np.abs(k) ** (order - 1) * np.sign(k)
        chosen = np.where(np.abs(k) >= lam, rising, -lam * k)
        return order * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)


@wrong("factor")
class BranchOfSignedSlope(NumpyPort):
    """The derivative's branch is chosen by k ≥ λ^(1/p), so that every negative slope gets the
    branch below the kink; the condition is on |k|."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        rising = np.abs(k) ** (order - 1) * np.sign(k)
        chosen = np.where(k >= lam ** (1 / order), rising, -lam * k)
        return order * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)


@wrong("factor")
class SlopesClipped(NumpyPort):
    """Slopes are clipped to [−3, 3] "for stability", after which F is constant; they are used as
    they are."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        return super().F(np.clip(k, -3, 3), lam, order)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        return np.where(np.abs(k) <= 3, super().dF(k, lam, order), 0 * k)


@wrong("factor")
class SmoothMaximum(NumpyPort):
    """The maximum is replaced by a log-sum-exp of sharpness 20 to make F differentiable; it is the
    exact maximum."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        largest = np.logaddexp(20 * np.abs(k) ** order, 20 * lam) / 20
        return largest / (1 + k**2) ** (order / 2) / np.minimum(lam, 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        power = np.abs(k) ** order
        largest = np.logaddexp(20 * power, 20 * lam) / 20
        slope = sigmoid(20 * (power - lam)) * order * np.abs(k) ** (order - 1) * np.sign(k)
        d = 1 + k**2
        return (slope / d ** (order / 2) - order * k * largest / d ** (order / 2 + 1)) / np.minimum(
            lam, 1
        )


@wrong("factor")
class DerivativeByDifferences(NumpyPort):
    """F' is a central difference of step 1e-3, accurate to about six digits; it has a closed
    form."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        h = 1e-3
        return (self.F(k + h, lam, order) - self.F(k - h, lam, order)) / (2 * h)


@wrong("factor")
class DenominatorHeldConstant(NumpyPort):
    """F' differentiates only the maximum and takes the denominator (1 + k²)^(p/2) as a constant;
    the quotient rule has a second term."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        rising = order * np.abs(k) ** (order - 1) * np.sign(k)
        chosen = np.where(np.abs(k) ** order >= lam, rising, 0 * k)
        return chosen / (1 + k**2) ** (order / 2) / np.minimum(lam, 1)


@wrong("factor")
class SignByDivision(NumpyPort):
    """The sign of k is computed as k/|k| in the derivative, which is NaN at k = 0; F'(0) is 0."""

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        abs_k = np.abs(k)
        with np.errstate(invalid="ignore"):
            sign = k / abs_k
        chosen = np.where(abs_k**order >= lam, abs_k ** (order - 1), -lam * abs_k)
        return order * sign * chosen / (1 + k**2) ** (order / 2 + 1) / np.minimum(lam, 1)


@wrong("factor")
class LamOfTheFirstCall(NumpyPort):
    """λ is captured at the first call for each p, as by a compiled function that treats it as a
    constant; every call has its own λ."""

    def __init__(self) -> None:
        self.captured: dict[int, Array] = {}

    def F(self, k: Array, lam: Array, order: int) -> Array:
        return super().F(k, self.captured.setdefault(order, lam), order)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        return super().dF(k, self.captured.setdefault(order, lam), order)


@wrong("factor")
class SmoothAbsoluteValue(NumpyPort):
    """|k| is √(k² + 1e-4), to have a derivative at 0; it is exact, and F needs none there."""

    def F(self, k: Array, lam: Array, order: int) -> Array:
        abs_k = np.sqrt(k**2 + 1e-4)
        largest = np.maximum(abs_k**order, lam)
        return largest / (1 + k**2) ** (order / 2) / np.minimum(lam, 1)

    def dF(self, k: Array, lam: Array, order: int) -> Array:
        abs_k, d = np.sqrt(k**2 + 1e-4), 1 + k**2
        # d/dk of abs_k^p / d^(p/2), with abs_k' = k/abs_k
        rising = abs_k ** (order - 2) * k * (d - abs_k**2)
        chosen = np.where(abs_k**order >= lam, rising, -lam * k)
        return order * chosen / d ** (order / 2 + 1) / np.minimum(lam, 1)
