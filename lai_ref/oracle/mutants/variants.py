"""Correct variants of the loss, which must pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, LOSS, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam


class _Ratio(Port):
    """Formulas in max(|k|, 1) and min(|k|, 1)/max(|k|, 1), which do not overflow."""

    def at_least_1(self, k: Array) -> Array:
        """max(|k|, 1)."""
        return np.maximum(np.abs(k), 1)

    def ratio(self, k: Array) -> Array:
        """min(|k|, 1)/max(|k|, 1)."""
        return np.minimum(np.abs(k), 1) / self.at_least_1(k)


@mutant("√(1 + k²) as m √(1 + q²), where m = max(|k|, 1) and q = min(|k|, 1)/m.", FACTOR)
class HypotenuseScaled(_Ratio):
    def hypotenuse(self, k: Array) -> Array:
        r: Array = self.at_least_1(k) * np.sqrt(1 + self.ratio(k) ** 2)
        return r


@mutant("sin and cos of the angle to the nearer axis, atan |k| or atan 1/|k|.", FACTOR)
class AngleToNearerAxis(_Ratio):
    def hypotenuse(self, k: Array) -> Array:
        return self.at_least_1(k) / np.cos(np.arctan(self.ratio(k)))

    def sine(self, k: Array) -> Array:
        angle = np.arctan(self.ratio(k))
        return np.sign(k) * np.where(np.abs(k) < 1, np.sin(angle), np.cos(angle))


@mutant("Multiplication by the reciprocal root 1/√(1 + k²).", FACTOR)
class ReciprocalRoot(_Ratio):
    def hypotenuse(self, k: Array) -> Array:
        return self.at_least_1(k) / self.reciprocal(k)

    def sine(self, k: Array) -> Array:
        return k / self.at_least_1(k) * self.reciprocal(k)

    def reciprocal(self, k: Array) -> Array:
        """max(|k|, 1)/√(1 + k²)."""
        root: Array = 1 / np.sqrt(1 + self.ratio(k) ** 2)
        return root


@mutant("√(1 + k²) in log space, m exp(½ log1p(q²)).", FACTOR)
class LogSpace(_Ratio):
    def hypotenuse(self, k: Array) -> Array:
        r: Array = self.at_least_1(k) * np.exp(np.log1p(self.ratio(k) ** 2) / 2)
        return r


@mutant("The MSE factor as the square of the MAE factor at √λ.", FACTOR)
class SquareOfMaeFactor(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        if order != 2:
            return super().factor(k, lam, order)
        F, dF = super().factor(k, np.sqrt(lam), 1)
        return F * F, 2 * F * dF


@mutant("Sums over samples and features in reverse order.", LOSS)
class ReverseSums(Port):
    def mean(self, a: Array) -> Any:
        total = np.zeros_like(a[0])
        for row in a[::-1]:
            total = total + row
        return total / len(a)

    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        value, s = super().norm(c[..., ::-1], l1_ratio)
        return value, s[..., ::-1]

    def sum_over_samples(self, dz: Array) -> Array:
        return super().sum_over_samples(dz[::-1])


@mutant("Pairwise sums over the samples, divided by N first.", LOSS)
class PairwiseSums(Port):
    def mean(self, a: Array) -> Any:
        return self.in_pairs(a / a.dtype.type(len(a)))

    def sum_over_samples(self, dz: Array) -> Array:
        total: Array = self.in_pairs(dz)
        return total

    def in_pairs(self, a: Array) -> Any:
        """The sum over the samples, by halves."""
        half = len(a) // 2
        return a[0] if len(a) == 1 else self.in_pairs(a[:half]) + self.in_pairs(a[half:])


@mutant("The 2-norm by hypot, feature by feature.", LOSS)
class NormByHypot(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm: Array = np.hypot.reduce(c, axis=-1, keepdims=True)
        return norm[..., 0], c / np.where(norm == 0, 1, norm)
