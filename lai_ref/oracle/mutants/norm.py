"""Mistakes in the norm over the features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import LOSS, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("The 1-norm was used for every l1_ratio; it should be (1 − ρ)‖c‖₂ + ρ‖c‖₁.", LOSS)
class L1ForL2(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 1.0)


@mutant("The 2-norm was used for every l1_ratio; it should be (1 − ρ)‖c‖₂ + ρ‖c‖₁.", LOSS)
class L1RatioIgnored(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 0.0)


@mutant("ρ weighted the 2-norm and 1 − ρ the 1-norm; the weights should be swapped.", LOSS)
class L1RatioSwapped(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 1 - l1_ratio)


@mutant("Features were averaged; they should be combined by the norm (1 − ρ)‖c‖₂ + ρ‖c‖₁.", LOSS)
class MeanOverFeatures(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return c.mean(axis=-1), np.ones_like(c) / c.shape[-1]


@mutant("The root was missing in the 2-norm, Σ_j c_j²; it should be √(Σ_j c_j²).", LOSS)
class NormSquared(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        return (c * c).sum(axis=-1), 2 * c


class _LargerNorm(Port):
    epsilon: float  # its square is added under the root

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(c)
        larger = np.hypot(norm, self.epsilon)
        return larger, unit * (norm / larger)[..., None]


@mutant(
    "The 2-norm was √(Σ_j c_j² + 1e-8); it should be √(Σ_j c_j²), with subgradient 0 at 0.", LOSS
)
class EpsilonInNorm(_LargerNorm):
    epsilon = 1e-4


@mutant(
    "The 2-norm was √(Σ_j c_j² + 1e-12); it should be √(Σ_j c_j²), with subgradient 0 at 0.", LOSS
)
class SmallEpsilonInNorm(_LargerNorm):
    epsilon = 1e-6


@mutant(
    "c² was computed directly in the 2-norm, which overflows or underflows; scale c first.", LOSS
)
class NormOverflows(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm = np.sqrt((c * c).sum(axis=-1, keepdims=True))
        return norm[..., 0], c / np.where(norm == 0, 1, norm)


@mutant("The derivative of the 2-norm at the zero vector was 0/0 = NaN; it should be 0.", LOSS)
class NormNanAtZero(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(c)
        return norm, np.where(norm[..., None] == 0, np.nan, unit).astype(c.dtype)


@mutant(
    "The derivative s_j of the norm was missing in dy and dk; it should be (1 − ρ) c_j/‖c‖₂ + ρ.",
    LOSS,
)
class SlopeOfNormForgotten(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, l1_ratio)[0], np.ones_like(c)


@mutant("The mean of the samples' norms was taken; it should be the norm of the batch mean.", LOSS)
class NormBeforeMean(Port):
    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        return super().reduce(ell, l1_ratio, "sample")


@mutant("The norm of the batch mean was taken; it should be the mean of the samples' norms.", LOSS)
class NormAfterMean(Port):
    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        return super().reduce(ell, l1_ratio, "batch")


@mutant("The root mean square over the features was taken; it should be the 2-norm.", LOSS)
class RootMeanSquare(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(c)
        root = c.dtype.type(math.sqrt(c.shape[-1]))
        return norm / root, unit / root


@mutant("½‖c‖₂² was used, as in scikit-learn's ElasticNet; it should be the 2-norm ‖c‖₂.", LOSS)
class HalfSquaredNorm(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        return (c * c).sum(axis=-1) / 2, c


@mutant(
    "The mean was over the features and the norm over the samples; it should be the reverse.", LOSS
)
class AxesSwapped(Port):
    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        value, s = super().reduce(ell.T, l1_ratio, reduction)
        n, d = ell.shape
        return value, np.broadcast_to(s, (d, n)).T * (n / d)
