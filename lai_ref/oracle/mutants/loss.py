"""Mistakes in the loss: residuals, mean over the samples, λ per feature."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import LOSS, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam


class _Scaled(Port):
    """The right loss and its derivatives, multiplied by a constant."""

    def times(self, n: int, d: int, order: int) -> float:
        """The constant, for N samples, D features and p."""
        raise NotImplementedError

    def loss(self, *, k: Array, order: int, **rest: Any) -> tuple[Any, Array, Array]:
        value, dy, dk = super().loss(k=k, order=order, **rest)
        times = self.times(len(k), k.shape[1], order)
        return value * times, dy * times, dk * times

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        times = self.times(len(y), 1, order)
        return value * times, dy * times


@mutant(
    "k was averaged over the batch before F; F should be evaluated at each sample's own k.", LOSS
)
class SlopesAveraged(Port):
    def loss(self, *, k: Array, **rest: Any) -> tuple[Any, Array, Array]:
        mean = np.broadcast_to(k.mean(axis=0), k.shape)
        value, dy, dk = super().loss(k=mean, **rest)
        return value, dy, np.tile(dk.mean(axis=0), (len(k), 1))


@mutant("F was evaluated at ‖k‖₂; it should be evaluated at each feature's own k_j.", LOSS)
class SlopeIsLength(Port):
    def loss(self, *, k: Array, lam: Lam, **rest: Any) -> tuple[Any, Array, Array]:
        norm, unit = self.l2_norm(np.abs(k))
        one = np.mean(lam, dtype=k.dtype)
        value, dy, dk = super().loss(k=norm[:, None], lam=one, **rest)
        return value, dy, dk * unit * np.sign(k)


@mutant(
    "y (N, 1) minus t (N,) was broadcast to (N, N) residuals; it should be e_i = y_i − t_i.", LOSS
)
class ResidualsBroadcast(Port):
    def loss(self, *, y: Array, t: Array, k: Array, **rest: Any) -> tuple[Any, Array, Array]:
        n = len(y)
        y, t, k = np.repeat(y, n), np.tile(t, n), np.repeat(k, n, axis=0)
        value, dy, dk = super().loss(y=y, t=t, k=k, **rest)
        return value, dy.reshape(n, n).sum(axis=1), dk.reshape(n, n, -1).sum(axis=1)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(np.repeat(y, len(y)), np.tile(t, len(y)), order)
        return value, dy.reshape(len(y), -1).sum(axis=1)


@mutant("The squared error was halved, ½ e²; it should be e².", LOSS)
class SquareHalved(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / order


@mutant("|e| was computed as √(e² + 1e-8); it should be |e|.", LOSS)
class ResidualSmoothed(Port):
    def absolute(self, e: Array) -> Array:
        return np.hypot(e, 1e-4)

    def residual_grad(self, e: Array, order: int) -> Array:
        return e / self.absolute(e) if order == 1 else super().residual_grad(e, order)


@mutant("Samples were summed; they should be averaged.", LOSS)
class SumForMean(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return n


@mutant("The sum over the samples was divided by N D; it should be divided by N.", LOSS)
class MeanOfAll(_Scaled):
    def times(self, n: int, d: int, order: int) -> float:
        return 1 / d


@mutant("The first λ of the list was used for all features; each feature should use its own.", LOSS)
class FirstLamForAll(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, np.ravel(lam)[0], order)


@mutant("The list of λ was averaged; each feature should use its own.", LOSS)
class LamAveraged(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        return super().factor(k, float(np.mean(lam)), order)


@mutant("The list of λ was broadcast along the samples; it should have one λ per feature.", LOSS)
class LamAlongSamples(Port):
    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        if np.ndim(lam):
            lam = np.resize(lam, len(k))[:, None]
        return super().factor(k, lam, order)


@mutant(
    "The mean over the samples was computed in float32; it should be computed in float64.", LOSS
)
class MeanInFloat32(Port):
    def mean(self, a: Array) -> Any:
        return a.dtype.type(1) * super().mean(a.astype(np.float32))


@mutant("For MAE the residual was signed, e; it should be |e|.", LOSS)
class AbsoluteOfEForgotten(Port):
    def absolute(self, e: Array) -> Array:
        return e

    def residual_grad(self, e: Array, order: int) -> Array:
        return np.ones_like(e) if order == 1 else super().residual_grad(e, order)

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm, unit = super().l2_norm(np.abs(c))
        return norm, unit * np.sign(c)


class _ResidualPower(Port):
    p: int  # the exponent of |e|, in place of `order`

    def residual_power(self, e: Array, order: int) -> Array:
        return super().residual_power(e, self.p)

    def residual_grad(self, e: Array, order: int) -> Array:
        return super().residual_grad(e, self.p)

    def per_feature(self, e: Array, F: Array, order: int) -> Array:
        return super().per_feature(e, F, self.p)


@mutant("e² was used for MAE as well; it should be |e|.", LOSS)
class SquaredErrorForMae(_ResidualPower):
    p = 2


@mutant("|e| was used for MSE as well; it should be e².", LOSS)
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
        """N for the sample with the maximum, 0 for the others."""
        chosen: Array = a == a.max(axis=0)
        return chosen.astype(a.dtype) * len(a)
