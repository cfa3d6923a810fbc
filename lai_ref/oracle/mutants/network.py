"""Mistakes in the network: its parameters, input gradient and double backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import NETWORK, SLOPES, mutant
from lai_ref.oracle.mutants.port import Loss, Port
from lai_ref.oracle.mutants.port_loss import Array
from lai_ref.oracle.mutants.port_network import Cache, Layers, Unit


@mutant(
    "θ was read with W as (fan_out, fan_in), as in PyTorch; it should be (fan_in, fan_out).", SLOPES
)
class WeightsByColumn(Port):
    def unflatten(self, sizes: Sequence[int], theta: Array) -> Layers:
        layers = super().unflatten(sizes, theta)
        return [(W.reshape(W.shape[::-1]).T, b) for W, b in layers]

    def flatten(self, gradients: Layers) -> Array:
        return super().flatten([(dW.T, db) for dW, db in gradients])


@mutant("θ was read with b before W in each layer; W should come first.", SLOPES)
class BiasBeforeWeights(Port):
    def unflatten(self, sizes: Sequence[int], theta: Array) -> Layers:
        layers = [np.vstack(layer) for layer in super().unflatten(sizes, theta)]
        return [(layer[1:], layer[0]) for layer in layers]

    def flatten(self, gradients: Layers) -> Array:
        return super().flatten([(db, dW) for dW, db in gradients])


@mutant("The biases were missing; each layer should be a W + b.", SLOPES)
class BiasesLeftOut(Port):
    def unflatten(self, sizes: Sequence[int], theta: Array) -> Layers:
        return [(W, np.zeros_like(b)) for W, b in super().unflatten(sizes, theta)]

    def flatten(self, gradients: Layers) -> Array:
        return super().flatten([(dW, np.zeros_like(db)) for dW, db in gradients])


class _Activated(Cache):
    """The cache for y = f(z_L)."""

    dz: Array  # ∂z_L/∂x
    last: Unit  # at z_L


@mutant("The activation was applied to the last layer as well; y should be z_L.", SLOPES)
class LastLayerActivated(Port):
    def forward_and_input_gradient(self, x: Array, *, activation: str, **net: Any) -> Cache:
        linear = super().forward_and_input_gradient(x, activation=activation, **net)
        last = self.activate(activation, linear.y)
        cache = _Activated(*linear._replace(y=last.f, k=last.df[:, None] * linear.k))
        cache.dz, cache.last = linear.k, last
        return cache

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        assert isinstance(cache, _Activated)
        dy = dy * cache.last.df + (dk * cache.dz).sum(axis=1) * cache.last.d2f
        return super().double_backward(cache, dy, dk * cache.last.df[:, None])


@mutant("The input-gradient pass used W where W is square; it should use Wᵀ.", SLOPES)
class TransposeForgotten(Port):
    def transpose(self, W: Array) -> Array:
        return W if W.shape[0] == W.shape[1] else W.T


@mutant("k was the gradient of mean y, 1/N of the right one; it should be ∂y_i/∂x_i.", SLOPES)
class SlopeOfMean(Port):
    def forward_and_input_gradient(self, x: Array, **net: Any) -> Cache:
        right = super().forward_and_input_gradient(x, **net)
        return right._replace(k=right.k / len(x))

    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        return super().reverse_input_gradient(cache, dk / len(dk))


@mutant("k was detached (treated as a constant); dk should be propagated to θ.", NETWORK)
class SlopesDetached(Port):
    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return super().double_backward(cache, dy, np.zeros_like(dk))


@mutant("The residual was detached (treated as a constant); dy should be propagated to θ.", NETWORK)
class ResidualDetached(Port):
    def loss_gradients(self, y: Array, t: Array, k: Array, loss: Loss) -> tuple[Any, Array, Array]:
        value, dy, dk = super().loss_gradients(y, t, k, loss)
        return value, dy if loss["name"] == "plain" else np.zeros_like(dy), dk


class _GradientOfLoss(Port):
    """k is ∂ℓ/∂x, for a loss ℓ of y and t."""

    def by_y(self, e: Array, order: int) -> tuple[Array, float]:
        """∂ℓ/∂y, and its derivative with respect to y."""
        return self.residual_grad(e, order), 2.0 if order == 2 else 0.0

    def loss_gradients(self, y: Array, t: Array, k: Array, loss: Loss) -> tuple[Any, Array, Array]:
        if loss["name"] == "plain":
            return super().loss_gradients(y, t, k, loss)
        g, dg = self.by_y(y - t, loss["order"])
        g = g[:, None]
        value, dy, dk = super().loss_gradients(y, t, g * k, loss)
        return value, dy + dg * (dk * k).sum(axis=1), g * dk


@mutant("k was the gradient of the loss mean |e|^p; it should be the gradient of y.", NETWORK)
class GradientOfLoss(_GradientOfLoss):
    def by_y(self, e: Array, order: int) -> tuple[Array, float]:
        g, dg = super().by_y(e, order)
        return g / len(e), dg / len(e)


@mutant("k was the gradient of the loss Σ_i |e_i|^p; it should be the gradient of y.", NETWORK)
class GradientOfSummedLoss(_GradientOfLoss):
    pass


@mutant(
    "The part of the last layer's W̄ through k, Σ_i v̄_(L−1), was missing; it should be added.",
    NETWORK,
)
class LastLayerForgotten(Port):
    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        dW, dz = super().reverse_input_gradient(cache, dk)
        return [*dW[:-1], np.zeros_like(dW[-1])], dz


@mutant(
    "The part of the hidden layers' W̄ through k, v̄_(l−1)ᵀ u_l, was missing; it should be added.",
    NETWORK,
)
class HiddenWeightsForgotten(Port):
    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        dW, dz = super().reverse_input_gradient(cache, dk)
        return [*(np.zeros_like(each) for each in dW[:-1]), dW[-1]], dz


@mutant("v̄_l was ū_l, without f'; it should be ū_l ⊙ f'(z_l).", NETWORK)
class SlopeForgottenGoingUp(Port):
    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        ones = [np.ones_like(df) for df in cache.df]
        return super().reverse_input_gradient(cache._replace(df=ones), dk)


@mutant(
    "z̄ through k was used in its own layer only; it should be propagated to the layers before.",
    NETWORK,
)
class NotPassedDown(Port):
    def reverse_forward(self, cache: Cache, dy: Array, dz_from_k: list[Array]) -> Layers:
        *hidden, last = super().reverse_forward(cache, dy, [np.zeros_like(dz) for dz in dz_from_k])
        parts = zip(hidden, cache.a[:-1], dz_from_k, strict=True)
        return [*((dW + a.T @ dz, db + dz.sum(axis=0)) for (dW, db), a, dz in parts), last]


@mutant("The gradient of the biases was 0; it should be Σ_i z̄_l.", NETWORK)
class BiasForgotten(Port):
    def sum_over_samples(self, dz: Array) -> Array:
        return np.zeros_like(dz[0])


@mutant("The gradient of the biases was averaged over the samples; it should be Σ_i z̄_l.", NETWORK)
class BiasAveraged(Port):
    def sum_over_samples(self, dz: Array) -> Array:
        mean: Array = dz.mean(axis=0)
        return mean


@mutant("Matrix products were computed in float32; they should be computed in float64.", SLOPES)
class ProductsInFloat32(Port):
    def matmul(self, a: Array, b: Array) -> Array:
        # not by BLAS, whose rounding may differ between calls
        products = a.astype(np.float32)[:, :, None] * b.astype(np.float32)
        total: Array = products.sum(axis=1).astype(a.dtype)
        return total


@mutant("k was −∂y/∂x; it should be ∂y/∂x.", SLOPES[:1])
class InputGradientNegated(Port):
    def input_gradient(self, **named: Any) -> tuple[Array, Array]:
        y, k = super().input_gradient(**named)
        return y, -k


@mutant("The part of θ̄ that comes through k was subtracted; it should be added.", NETWORK)
class PartThroughKSubtracted(Port):
    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return super().double_backward(cache, dy, -dk)


@mutant("θ̄ was divided by N once more; only the loss should be averaged.", NETWORK)
class DividedByNTwice(Port):
    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return super().double_backward(cache, dy, dk) / len(dy)


@mutant("W̄ was written as (fan_out, fan_in); it should be (fan_in, fan_out), as W is.", NETWORK)
class GradientByColumn(Port):
    def flatten(self, gradients: Layers) -> Array:
        return super().flatten([(dW.T, db) for dW, db in gradients])
