"""Wrong ports to PyTorch: mistakes in the factor, the loss, the network and its input gradient."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from tests.ports.plain_torch import ACTIVATIONS, Module, PlainTorch, Tensor, check

# factor


class ListAsFloat32(PlainTorch):
    """k was read by torch.tensor(k.tolist()), which makes float32; float64 must stay float64."""

    def factor(self, *, k: Any, lam: float, order: int) -> Any:
        check(order, lam, k)
        x = torch.tensor(k.tolist(), requires_grad=True)
        value = self.lai_factor(x, lam, order)
        (derivative,) = torch.autograd.grad(value.sum(), x)
        return value.detach().numpy(), derivative.numpy()


class ClampInPlace(PlainTorch):
    """clamp_ changed |k|^p in place before the denominator used it; the denominator needs k."""

    def lai_factor(self, k: Tensor, lam: Any, order: int) -> Tensor:
        lam = torch.as_tensor(lam, dtype=k.dtype)
        power = k.abs() ** order
        top = power.clamp_(min=lam)
        return top / (1 + power ** (2 / order)) ** (order / 2) / lam.clamp(max=1)


class DenominatorWithoutGradient(PlainTorch):
    """The denominator (1 + k²)^(p/2) was computed under no_grad; F' needs its derivative too."""

    def lai_factor(self, k: Tensor, lam: Any, order: int) -> Tensor:
        lam = torch.as_tensor(lam, dtype=k.dtype)
        with torch.no_grad():
            denominator = (1 + k**2) ** (order / 2) * lam.clamp(max=1)
        return self.larger(k.abs() ** order, lam) / denominator


class StraightThroughMaximum(PlainTorch):
    """The maximum had a straight-through gradient, 1 everywhere; it is 0 for |k|^p < λ."""

    def larger(self, power: Tensor, lam: Tensor) -> Tensor:
        return power + (super().larger(power, lam) - power).detach()


class SmoothMaximum(PlainTorch):
    """max(|k|^p, λ) was smoothed to λ + softplus(|k|^p − λ); the maximum is exact."""

    def larger(self, power: Tensor, lam: Tensor) -> Tensor:
        return lam + torch.nn.functional.softplus(power - lam, beta=10)


class MaskedPower(PlainTorch):
    """|k|^p was multiplied by the mask |k|^p > λ, so F is 0 below the kink; use λ there."""

    def larger(self, power: Tensor, lam: Tensor) -> Tensor:
        return power * (power > lam)


class DerivativeOfTheMeanFactor(PlainTorch):
    """F' came from backward through F.mean(), which divides it by n; use F.sum()."""

    def factor(self, *, k: Any, lam: float, order: int) -> Any:
        check(order, lam, k)
        x = torch.tensor(k, requires_grad=True)
        value = self.lai_factor(x, lam, order)
        value.mean().backward()
        return value.detach().numpy(), x.grad.numpy()


# loss


class FactorAsConstantWeight(PlainTorch):
    """F was detached, as a constant weight of each sample; the loss has a gradient through k."""

    def lai_loss(self, y: Tensor, t: Tensor, k: Tensor, **loss: Any) -> Tensor:
        return super().lai_loss(y, t, k.detach(), **loss)


class NormOverSamples(PlainTorch):
    """For `sample` the norm ran over dim=0, the samples; it runs over the features."""

    def reduce(self, ell: Tensor, l1_ratio: float, reduction: str) -> Tensor:
        if reduction == "sample":
            ell = ell.T
        return super().reduce(ell, l1_ratio, reduction)


class MeanOverFeaturesToo(PlainTorch):
    """For `batch` .mean() ran over samples and features; the mean per feature is dim=0 alone."""

    def reduce(self, ell: Tensor, l1_ratio: float, reduction: str) -> Tensor:
        if reduction == "batch":
            return self.norm(ell.mean().reshape(1), l1_ratio)
        return super().reduce(ell, l1_ratio, reduction)


class LerpWithSwappedEnds(PlainTorch):
    """torch.lerp(l1, l2, ρ) gives ρ to the 2-norm; ρ is the weight of the 1-norm."""

    def norm(self, c: Tensor, l1_ratio: float) -> Tensor:
        l2, l1 = (torch.linalg.vector_norm(c, p, dim=-1) for p in (2, 1))
        return torch.lerp(l1, l2, l1_ratio)


class SumReduction(PlainTorch):
    """The samples were summed (reduction="sum"); the loss is their mean."""

    def reduce(self, ell: Tensor, l1_ratio: float, reduction: str) -> Tensor:
        if reduction == "batch":
            return self.norm(ell.sum(dim=0), l1_ratio)
        return self.norm(ell, l1_ratio).sum()


class SmoothL1Residual(PlainTorch):
    """smooth_l1_loss (Huber) was used for p = 1; it is |e|, also where |e| < 1."""

    def residual_power(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        if order == 1:
            return torch.nn.functional.smooth_l1_loss(y, t, reduction="none")
        return super().residual_power(y, t, order)


class ResidualAlreadyReduced(PlainTorch):
    """mse_loss had already averaged |e|^p before F multiplied it; multiply per sample first."""

    def lai_loss(self, y: Tensor, t: Tensor, k: Tensor, **loss: Any) -> Tensor:
        ell = self.plain_loss(y, t, loss["order"]) * self.lai_factor(k, loss["lam"], loss["order"])
        return self.reduce(ell, loss["l1_ratio"], loss["reduction"])


class NormWithDetachedDenominator(PlainTorch):
    """‖c‖₂ was written Σc²/‖c‖₂ with the denominator detached, which doubles its gradient."""

    def norm(self, c: Tensor, l1_ratio: float) -> Tensor:
        l2, l1 = (torch.linalg.vector_norm(c, p, dim=-1) for p in (2, 1))
        l2 = (c**2).sum(dim=-1) / l2.detach().clamp(min=1e-30)
        return (1 - l1_ratio) * l2 + l1_ratio * l1


class FactorOfTheMeanGradient(PlainTorch):
    """F was computed from the mean k of the batch; every sample has its own k."""

    def lai_loss(self, y: Tensor, t: Tensor, k: Tensor, **loss: Any) -> Tensor:
        return super().lai_loss(y, t, k.mean(dim=0, keepdim=True), **loss)


# input_gradient


class GradientOfTheMeanPrediction(PlainTorch):
    """k came from y.mean(), which divides it by the number of samples; use y.sum()."""

    def with_input_gradient(self, net: Module, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()
        y = self.predict(net, x)
        (k,) = torch.autograd.grad(y.mean(), x, create_graph=True)
        return y, k


class BatchNormalisation(PlainTorch):
    """The inputs went through batch normalisation in training mode; y_i may depend on x_i alone."""

    def predict(self, net: Module, x: Tensor) -> Tensor:
        x = torch.nn.functional.batch_norm(x, None, None, training=True)
        return super().predict(net, x)


class LeakyRelu(PlainTorch):
    """relu was LeakyReLU, with slope 0.01 for z < 0; it is 0 there."""

    activations = ACTIVATIONS | {"relu": torch.nn.LeakyReLU}


class GeluForSilu(PlainTorch):
    """silu was GELU, z Φ(z); it is z σ(z)."""

    activations = ACTIVATIONS | {"silu": torch.nn.GELU}


class SoftplusThresholdAsBeta(PlainTorch):
    """Softplus(20) set beta to 20 in place of the threshold; softplus is log(1 + e^z)."""

    activations = ACTIVATIONS | {"softplus": partial(torch.nn.Softplus, 20)}


class WeightsOutByIn(PlainTorch):
    """vector_to_parameters read W as (fan_out, fan_in); θ has W as (fan_in, fan_out)."""

    def unflatten(self, vector: Any, net: Module) -> list[Tensor]:
        vector, parts, start = torch.as_tensor(vector), [], 0
        for param in net.parameters():
            parts.append(vector[start : start + param.numel()].reshape(param.shape))
            start += param.numel()
        return parts

    def flatten(self, tensors: Any) -> Any:
        return torch.cat([a.reshape(-1) for a in tensors]).detach().numpy().copy()


class FiniteDifferences(PlainTorch):
    """k came from forward differences with a step of 1e-3; differentiate exactly by autograd."""

    def with_input_gradient(self, net: Module, x: Tensor) -> tuple[Tensor, Tensor]:
        y, step = self.predict(net, x), 1e-3
        shifts = step * torch.eye(x.shape[1], dtype=x.dtype)
        k = [(self.predict(net, x + shift) - y) / step for shift in shifts]
        return y, torch.stack(k, dim=1)


class AutocastToBfloat16(PlainTorch):
    """The float32 network ran under autocast to bfloat16; it must run in its own dtype."""

    def predict(self, net: Module, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return super().predict(net, x).to(x.dtype)


FORMULAS: dict[str, list[type[PlainTorch]]] = {
    "factor": [
        ListAsFloat32,
        ClampInPlace,
        DenominatorWithoutGradient,
        StraightThroughMaximum,
        SmoothMaximum,
        MaskedPower,
        DerivativeOfTheMeanFactor,
    ],
    "loss": [
        FactorAsConstantWeight,
        NormOverSamples,
        MeanOverFeaturesToo,
        LerpWithSwappedEnds,
        SumReduction,
        SmoothL1Residual,
        ResidualAlreadyReduced,
        NormWithDetachedDenominator,
        FactorOfTheMeanGradient,
    ],
    "input_gradient": [
        GradientOfTheMeanPrediction,
        BatchNormalisation,
        LeakyRelu,
        GeluForSilu,
        SoftplusThresholdAsBeta,
        WeightsOutByIn,
        FiniteDifferences,
        AutocastToBfloat16,
    ],
}
