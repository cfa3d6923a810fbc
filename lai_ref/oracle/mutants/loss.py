"""Mistakes in the loss: residuals, means over the samples, the list of λ."""

from __future__ import annotations

import math
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


@mutant("The squared error was halved, ½ e²; here it is e².", LOSS)
class SquareHalved(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / order


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


@mutant("All ℓ_ij were averaged, over the features too; the mean is over the samples.", LOSS)
class MeanOfAll(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / d


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


@mutant("For MAE e was taken without |·|; it should be |e|.", LOSS)
class AbsoluteOfResidualForgotten(Port):
    def absolute(self, e: Array) -> Array:
        return e

    def residual_grad(self, e: Array, order: int) -> Array:
        return np.ones_like(e) if order == 1 else super().residual_grad(e, order)

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(np.abs(c))
        return norm, unit * np.sign(c)


class _ResidualPower(Port):
    p: int  # of e, whatever that of F

    def residual_power(self, e: Array, order: int) -> Array:
        return super().residual_power(e, self.p)

    def residual_grad(self, e: Array, order: int) -> Array:
        return super().residual_grad(e, self.p)

    def per_feature(self, e: Array, F: Array, order: int) -> Array:
        return super().per_feature(e, F, self.p)


@mutant("For MAE e was squared; it should be |e|.", LOSS)
class SquaredErrorForMae(_ResidualPower):
    p = 2


@mutant("For MSE |e| was taken; it should be squared, e².", LOSS)
class AbsoluteErrorForMse(_ResidualPower):
    p = 1


@mutant("The sum over the samples was divided by N − 1; it should be divided by N.", LOSS)
class OneSampleLess(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return n / (n - 1) if n > 1 else math.inf


@mutant("The maximum over the samples was taken; it should be their mean.", LOSS)
class MaximumOverSamples(Port):
    def mean(self, a: Array) -> Any:
        return a.max(axis=0)

    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        value, s = super().reduce(ell, l1_ratio, reduction)
        batch = reduction == "batch"
        return value, s * self.chosen(ell if batch else self.norm(ell, l1_ratio)[0][:, None])

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        return value, dy * self.chosen(self.residual_power(y - t, order))

    def chosen(self, a: Array) -> Array:
        """N where a sample has the maximum, 0 where not."""
        chosen: Array = a == a.max(axis=0)
        return chosen.astype(a.dtype) * len(a)
