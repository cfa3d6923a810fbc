"""Mistakes in the loss: residuals, means over the samples, norms over the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import LOSS, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam


class _Scaled(Port):
    """A loss that is a multiple of the right one, as are its derivatives."""

    def times(self, n: int, d: int, order: int) -> float:
        """Which multiple, for N samples, D features and p."""
        raise NotImplementedError

    def loss(self, *, k: Array, order: int, **rest: Any) -> tuple[Any, Array, Array]:
        value, dy, dk = super().loss(k=k, order=order, **rest)
        times = self.times(len(k), k.shape[1], order)
        return value * times, dy * times, dk * times

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        times = self.times(len(y), 1, order)
        return value * times, dy * times


@mutant("k was averaged over the batch before F; F belongs to each sample's own k.", LOSS)
class SlopesAveraged(Port):
    def loss(self, *, k: Array, **rest: Any) -> tuple[Any, Array, Array]:
        mean = np.broadcast_to(k.mean(axis=0), k.shape)
        value, dy, dk = super().loss(k=mean, **rest)
        return value, dy, np.tile(dk.mean(axis=0), (len(k), 1))


@mutant("One slope, the length of k, was put into F; F is taken along each feature.", LOSS)
class SlopeIsLength(Port):
    def loss(self, *, k: Array, lam: Lam, **rest: Any) -> tuple[Any, Array, Array]:
        norm, unit = self.l2_norm(np.abs(k))
        one = np.mean(lam, dtype=k.dtype)
        value, dy, dk = super().loss(k=norm[:, None], lam=one, **rest)
        return value, dy, dk * unit * np.sign(k)


@mutant("y (N, 1) minus t (N,) gave (N, N) differences; each y has its own t.", LOSS)
class ResidualsBroadcast(Port):
    def loss(self, *, y: Array, t: Array, k: Array, **rest: Any) -> tuple[Any, Array, Array]:
        n = len(y)
        y, t, k = np.repeat(y, n), np.tile(t, n), np.repeat(k, n, axis=0)
        value, dy, dk = super().loss(y=y, t=t, k=k, **rest)
        return value, dy.reshape(n, n).sum(axis=1), dk.reshape(n, n, -1).sum(axis=1)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(np.repeat(y, len(y)), np.tile(t, len(y)), order)
        return value, dy.reshape(len(y), -1).sum(axis=1)


@mutant("dy had the sign of t − y; it has that of y − t.", LOSS)
class SignOfResidual(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return -super().residual_grad(e, order)


@mutant("The factor p was forgotten in dy.", LOSS)
class PowerForgotten(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return super().residual_grad(e, order) / order


@mutant("The squared error was halved, ½ e²; here it is e².", LOSS)
class SquareHalved(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / order


@mutant("F was detached or taken for a constant: dk was 0.", LOSS)
class FactorDetached(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, np.zeros_like(dF), s, order, n)


@mutant("sign e was computed as e/|e|, NaN at e = 0; any value in [−1, 1] is right.", LOSS)
class SignByDivision(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return e / np.abs(e) if order == 1 else super().residual_grad(e, order)


@mutant("1e-8 was added under the root of |e| = √e²; |e| needs nothing.", LOSS)
class ResidualSmoothed(Port):
    def absolute(self, e: Array) -> Array:
        return np.hypot(e, 1e-4)

    def residual_grad(self, e: Array, order: int) -> Array:
        return e / self.absolute(e) if order == 1 else super().residual_grad(e, order)


@mutant("Samples were summed; the loss is their mean.", LOSS)
class SumForMean(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return n


@mutant("1/N was forgotten in dy.", LOSS)
class DyWithoutN(Port):
    def dy(self, e: Array, F: Array, s: Array, order: int, n: int) -> Array:
        return super().dy(e, F, s, order, 1)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        return value, dy * len(y)


@mutant("1/N was forgotten in dk.", LOSS)
class DkWithoutN(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, dF, s, order, 1)


@mutant("The sum over features was taken where l1_ratio asks for the 2-norm.", LOSS)
class L1ForL2(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 1.0)


@mutant("l1_ratio was ignored: the 2-norm was taken always.", LOSS)
class L1RatioIgnored(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 0.0)


@mutant("ρ weighted the 2-norm and 1 − ρ the sum; it is the other way round.", LOSS)
class L1RatioSwapped(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, 1 - l1_ratio)


@mutant("Features were averaged; they are put together by a norm.", LOSS)
class MeanOverFeatures(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return c.mean(axis=-1), np.ones_like(c) / c.shape[-1]


@mutant("All ℓ_ij were averaged, over the features too; the mean is over the samples.", LOSS)
class MeanOfAll(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / d


@mutant("The root was forgotten in the 2-norm.", LOSS)
class NormSquared(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        return (c * c).sum(axis=-1), 2 * c


class _LargerNorm(Port):
    epsilon: float  # added under the root: its square

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(c)
        larger = np.hypot(norm, self.epsilon)
        return larger, unit * (norm / larger)[..., None]


@mutant("1e-8 was added under the root of the 2-norm; it needs nothing but 0/0 = 0.", LOSS)
class EpsilonInNorm(_LargerNorm):
    epsilon = 1e-4


@mutant("1e-12 was added under the root of the 2-norm; it needs nothing but 0/0 = 0.", LOSS)
class SmallEpsilonInNorm(_LargerNorm):
    epsilon = 1e-6


@mutant("c² was computed as it stands in the 2-norm and over- or underflows; scale c first.", LOSS)
class NormOverflows(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm = np.sqrt((c * c).sum(axis=-1, keepdims=True))
        return norm[..., 0], c / np.where(norm == 0, 1, norm)


@mutant("The slope of the 2-norm at the zero vector was 0/0 = NaN; 0 is right.", LOSS)
class NormNanAtZero(Port):
    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(c)
        return norm, np.where(norm[..., None] == 0, np.nan, unit).astype(c.dtype)


@mutant("The norm was differentiated as if it were the sum: c_j/‖c‖₂ was forgotten.", LOSS)
class SlopeOfNormForgotten(Port):
    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, l1_ratio)[0], np.ones_like(c)


@mutant("The norm was taken of each sample; here it comes after the mean over the batch.", LOSS)
class NormBeforeMean(Port):
    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        return super().reduce(ell, l1_ratio, "sample")


@mutant("The norm was taken of the batch's mean; here it is taken of each sample.", LOSS)
class NormAfterMean(Port):
    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        return super().reduce(ell, l1_ratio, "batch")


@mutant("The first λ of the list was used for all features.", LOSS)
class FirstLamForAll(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, np.ravel(lam)[0], order)


@mutant("The list of λ was averaged; each feature has its own.", LOSS)
class LamAveraged(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, float(np.mean(lam)), order)


@mutant("The list of λ was laid along the samples; it has one λ a feature.", LOSS)
class LamAlongSamples(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        if np.ndim(lam):
            lam = np.resize(lam, len(k))[:, None]
        return super().factor(k, lam, order)


@mutant("Samples were averaged in float32 where the answer is float64.", LOSS)
class MeanInFloat32(Port):
    def mean(self, a: Array) -> Any:
        return a.dtype.type(1) * super().mean(a.astype(np.float32))
