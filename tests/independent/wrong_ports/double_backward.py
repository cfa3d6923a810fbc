"""Mistakes in the parameter gradient: the plain loss and the double backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.independent.numpy_port import Array, Layers, LossSpec, NumpyPort, Pass
from tests.independent.wrong_ports.record import wrong


@wrong("param_gradient")
class HalfSquares(NumpyPort):
    """The plain loss for p = 2 is ½ mean e², as in textbooks; it has no ½."""

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        return value / order, dy / order


@wrong("param_gradient")
class PlainIsAlwaysMse(NumpyPort):
    """The plain loss is MSE whatever its p; for p = 1 it is MAE."""

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        return super().plain(y, t, 2)


@wrong("param_gradient")
class TanhCurvatureIncomplete(NumpyPort):
    """The second derivative of tanh is −2 tanh z, without the inner derivative 1 − tanh² z."""

    def d2f(self, name: str, z: Array) -> Array:
        return -2 * np.tanh(z) if name == "tanh" else super().d2f(name, z)


@wrong("param_gradient")
class OutputWeightsNotInK(NumpyPort):
    """The weights of the last layer get no gradient through k, only through y; k is
    proportional to them."""

    def through_k(self, activation: str, tape: Pass, dk: Array) -> tuple[list[Array], list[Array]]:
        dW, dz = super().through_k(activation, tape, dk)
        return [*dW[:-1], np.zeros_like(dW[-1])], dz


@wrong("param_gradient")
class PathsOverwritten(NumpyPort):
    """In the hidden layers the gradient of z through k replaces that through y, by = instead of +=;
    both are added."""

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        if not np.any(dk):
            return super().backward(activation, tape, dy, dk)
        dW_k, dz_k = self.through_k(activation, tape, dk)
        grads = []
        for layer, dz in enumerate([*dz_k, dy[:, None]]):
            grads.append((tape.a[layer].T @ dz + dW_k[layer], dz.sum(axis=0)))
        return self.flatten(grads)


@wrong("param_gradient")
class BiasGradientAveraged(NumpyPort):
    """The gradient of a bias is the mean over the samples of that of z; it is the sum, as the loss
    has divided by N."""

    def flatten(self, grads: Layers) -> Array:
        return super().flatten([(W, b / self.samples) for W, b in grads])

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        self.samples = len(dy)
        return super().backward(activation, tape, dy, dk)


@wrong("param_gradient")
class GradientNormClipped(NumpyPort):
    """The gradient is scaled to the norm 1 where it is longer, as in recipes for unstable
    training; it is returned as it is."""

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        grad = super().backward(activation, tape, dy, dk)
        return grad / np.maximum(np.linalg.norm(grad), 1)


@wrong("param_gradient")
class BeforeInsteadOfAfterTheActivation(NumpyPort):
    """Through k, the gradient of W_l multiplies ∂L/∂v_(l−1) by v_l in place of u_l = v_l f'(z_l),
    so a factor f' is missing."""

    def through_k(self, activation: str, tape: Pass, dk: Array) -> tuple[list[Array], list[Array]]:
        dW, dz = super().through_k(activation, tape, dk)
        dv = dk
        for layer, (z, v) in enumerate(zip(tape.z, tape.v, strict=True)):
            dW[layer] = dv.T @ v
            dv = (dv @ tape.layers[layer][0]) * self.df(activation, z)
        return dW, dz


@wrong("param_gradient")
class LayersInBackwardOrder(NumpyPort):
    """The gradient lists the layers in the order in which the backward pass reaches them, the last
    first; θ starts with the first."""

    def flatten(self, grads: Layers) -> Array:
        return super().flatten(grads[::-1])


@wrong("param_gradient")
class ResidualDetached(NumpyPort):
    """The residual is detached in the Lai loss, so that the gradient flows through k alone; it
    flows through y as well."""

    def any_loss(self, y: Array, t: Array, k: Array, loss: LossSpec) -> tuple[Any, Array, Array]:
        value, dy, dk = super().any_loss(y, t, k, loss)
        return value, dy if loss["name"] == "plain" else 0 * dy, dk


@wrong("param_gradient")
class BiasesWithoutSlopes(NumpyPort):
    """Biases get no gradient through k, since they vanish in ∂y/∂x of a linear model; those of
    hidden layers change k through f'."""

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        grad = super().backward(activation, tape, dy, dk)
        through_y = super().backward(activation, tape, dy, 0 * dk)
        sizes = [len(W) for W, _ in tape.layers] + [1]
        layers = zip(self.unflatten(sizes, grad), self.unflatten(sizes, through_y), strict=True)
        return self.flatten([(W, b) for (W, _), (_, b) in layers])


@wrong("param_gradient")
class SinglePrecisionBuffer(NumpyPort):
    """The gradient is collected in an array of float32, which rounds it to seven digits in float64;
    the array has the dtype of θ."""

    def flatten(self, grads: Layers) -> Array:
        flat = super().flatten(grads)
        buffer = np.zeros(len(flat), dtype="float32")
        buffer += flat.astype("float32")
        return buffer.astype(flat.dtype)
