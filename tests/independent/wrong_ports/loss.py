"""Mistakes in the Lai loss: residual, mean, norm over the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.independent.numpy_port import Array, NumpyPort
from tests.independent.wrong_ports.record import wrong


@wrong("loss")
class TargetMinusPrediction(NumpyPort):
    """The residual is t − y and its derivative with respect to y is taken as 1, so dy has the wrong
    sign; the residual is y − t."""

    def entries(
        self, y: Array, t: Array, k: Array, lam: Array, order: int
    ) -> tuple[Array, Array, Array]:
        return super().entries(t, y, k, lam, order)


@wrong("loss")
class OneNormIsAMean(NumpyPort):
    """The 1-norm is the mean of the features' losses, smaller by the number of features D; it is
    their sum."""

    def norm(self, c: Array, l1_ratio: float) -> Array:
        return (1 - l1_ratio) * np.sqrt((c**2).sum(axis=-1)) + l1_ratio * c.mean(axis=-1)

    def dnorm(self, c: Array, l1_ratio: float) -> Array:
        return super().dnorm(c, l1_ratio) - l1_ratio + l1_ratio / c.shape[-1]


@wrong("loss")
class LamRepeatedInsteadOfTiled(NumpyPort):
    """k is flattened row by row but a list of λ is expanded by np.repeat, so entries get the λ of
    another feature; np.tile gives each feature its own."""

    def entries(
        self, y: Array, t: Array, k: Array, lam: Array, order: int
    ) -> tuple[Array, Array, Array]:
        if np.ndim(lam):
            lam = np.repeat(lam, len(k)).reshape(k.shape)
        return super().entries(y, t, k, lam, order)


@wrong("loss")
class ElasticNetOfARegression(NumpyPort):
    """The mixture is that of an elastic-net regression, ρ‖c‖₁ + ½(1 − ρ)‖c‖₂²; here the 2-norm is
    neither squared nor halved."""

    def norm(self, c: Array, l1_ratio: float) -> Array:
        return l1_ratio * c.sum(axis=-1) + (1 - l1_ratio) / 2 * (c**2).sum(axis=-1)

    def dnorm(self, c: Array, l1_ratio: float) -> Array:
        return l1_ratio + (1 - l1_ratio) * c


@wrong("loss")
class SampleNormAlongSamples(NumpyPort):
    """reduction="sample" takes the norm along axis 0, over the samples, and the mean over the
    features; it is the norm over the features and the mean over the samples."""

    def reduced(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Array, Array]:
        if reduction == "batch":
            return super().reduced(ell, l1_ratio, reduction)
        s = self.dnorm(ell.T, l1_ratio).T * (ell.shape[0] / ell.shape[1])
        return self.norm(ell.T, l1_ratio).mean(), s


@wrong("loss")
class SampleReturnsBeforeRho(NumpyPort):
    """reduction="sample" returns the mean of the 2-norms without using ρ; ρ mixes the norms
    for both reductions."""

    def reduced(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Array, Array]:
        if reduction == "sample":
            return self.norm(ell, 0.0).mean(), self.dnorm(ell, 0.0)
        return super().reduced(ell, l1_ratio, reduction)


@wrong("loss")
class SlopeLineCopied(NumpyPort):
    """The line for dk is a copy of that for dy in which only F became F', so it keeps
    p|e|^(p−1) sign e; dk has |e|^p."""

    def entries(
        self, y: Array, t: Array, k: Array, lam: Array, order: int
    ) -> tuple[Array, Array, Array]:
        ell, ell_y, _ = super().entries(y, t, k, lam, order)
        return ell, ell_y, self.dpower((y - t)[:, None], order) * self.dF(k, lam, order)


@wrong("loss")
class ResidualsOfAllPairs(NumpyPort):
    """Targets came as a column, so y − t broadcasts to an N × N matrix of all pairs that the mean
    hides; each prediction has one target."""

    def entries(
        self, y: Array, t: Array, k: Array, lam: Array, order: int
    ) -> tuple[Array, Array, Array]:
        e = y - t[:, None]
        power = self.power(e, order).mean(axis=0)[:, None]
        dpower = self.dpower(e, order).mean(axis=0)[:, None]
        F, dF = self.F(k, lam, order), self.dF(k, lam, order)
        return power * F, dpower * F, power * dF


@wrong("loss")
class WeightedAverage(NumpyPort):
    """The batch mean is np.average with F as the weights, which divides by ΣF; the sum of |e|^p F
    is divided by N."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Array, order: int, l1_ratio: float,
        reduction: str,
    ) -> tuple[Any, Array, Array]:  # fmt: skip
        value, dy, dk = super().loss(
            y=y, t=t, k=k, lam=lam, order=order, l1_ratio=l1_ratio, reduction=reduction
        )
        if reduction == "sample":
            return value, dy, dk
        F, dF, e = self.F(k, lam, order), self.dF(k, lam, order), (y - t)[:, None]
        total = F.sum(axis=0)
        c = np.average(np.tile(self.power(e, order), k.shape[1]), axis=0, weights=F)
        s = self.dnorm(c, l1_ratio)
        dy = (s * self.dpower(e, order) * F / total).sum(axis=1)
        return self.norm(c, l1_ratio), dy, s * dF * (self.power(e, order) - c) / total


@wrong("loss")
class SmoothL1(NumpyPort):
    """MAE is the smooth L1 loss, ½e² for |e| < 1 and |e| − ½ otherwise; it is |e|."""

    def power(self, e: Array, order: int) -> Array:
        if order == 2:
            return super().power(e, order)
        return np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5)

    def dpower(self, e: Array, order: int) -> Array:
        return super().dpower(e, order) if order == 2 else np.clip(e, -1, 1)


@wrong("loss")
class FactorOfTheGradientNorm(NumpyPort):
    """The factor is computed once per sample, from ‖∂y/∂x‖, which leaves nothing for the norm of
    §3.2; every component of the gradient has its own loss."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Array, order: int, l1_ratio: float,
        reduction: str,
    ) -> tuple[Any, Array, Array]:  # fmt: skip
        self.checked_lam(lam, np.shape(k)[1:])
        length = np.sqrt((k**2).sum(axis=1, keepdims=True))
        value, dy, dlength = super().loss(
            y=y, t=t, k=length, lam=np.mean(lam), order=order, l1_ratio=l1_ratio,
            reduction=reduction,
        )  # fmt: skip
        return value, dy, dlength * k / np.where(length > 0, length, 1)


@wrong("loss")
class NanAtZeroLoss(NumpyPort):
    """The derivative of the 2-norm is c/‖c‖ also for c = 0, where it is NaN; a loss of zero has the
    derivative 0."""

    def dnorm(self, c: Array, l1_ratio: float) -> Array:
        with np.errstate(invalid="ignore"):
            two_norm = c / np.sqrt((c**2).sum(axis=-1, keepdims=True))
        return (1 - l1_ratio) * two_norm + l1_ratio


@wrong("loss")
class DyAveragedOverFeatures(NumpyPort):
    """dy is the mean over the features of their parts, as if y had one copy per feature; it is
    their sum."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Array, order: int, l1_ratio: float,
        reduction: str,
    ) -> tuple[Any, Array, Array]:  # fmt: skip
        value, dy, dk = super().loss(
            y=y, t=t, k=k, lam=lam, order=order, l1_ratio=l1_ratio, reduction=reduction
        )
        return value, dy / k.shape[1], dk


@wrong("loss")
class LamListResized(NumpyPort):
    """A list of λ that is not as long as the number of features is cut or repeated by np.resize; it
    is to be rejected."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Array, order: int, l1_ratio: float,
        reduction: str,
    ) -> tuple[Any, Array, Array]:  # fmt: skip
        if np.ndim(lam):
            lam = np.resize(lam, k.shape[1])
        return super().loss(
            y=y, t=t, k=k, lam=lam, order=order, l1_ratio=l1_ratio, reduction=reduction
        )
