"""Mistakes in the network: parameters, activations, input gradient and its backward pass."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tests.independent.numpy_port import Array, Layers, LossSpec, NumpyPort, Pass, sigmoid
from tests.independent.wrong_ports.record import wrong


@wrong("input_gradient")
class WeightsOfTorchLayout(NumpyPort):
    """W is read and written as (fan_out, fan_in), as PyTorch's Linear stores it; θ has it as
    (fan_in, fan_out)."""

    def unflatten(self, sizes: list[int], theta: Array) -> Layers:
        layers = super().unflatten(sizes, theta)
        return [(W.reshape(W.shape[::-1]).T, b) for W, b in layers]

    def flatten(self, grads: Layers) -> Array:
        return super().flatten([(W.T, b) for W, b in grads])


@wrong("input_gradient")
class WeightsThenBiases(NumpyPort):
    """θ is read and written as all weights followed by all biases; each layer's bias follows its
    own weights."""

    def unflatten(self, sizes: list[int], theta: Array) -> Layers:
        weights, at = [], 0
        for fan_in, fan_out in pairwise(sizes):
            weights.append(theta[at : at + fan_in * fan_out].reshape(fan_in, fan_out))
            at += fan_in * fan_out
        biases = np.split(theta[at:], np.cumsum(sizes[1:-1]))
        return list(zip(weights, biases, strict=True))

    def flatten(self, grads: Layers) -> Array:
        return np.concatenate([W.ravel() for W, _ in grads] + [b for _, b in grads])


@wrong("input_gradient")
class GradientOfTheMean(NumpyPort):
    """The input gradient is that of the mean of y over the batch, so every k is divided by N; k_i
    is the gradient of y_i itself."""

    def forward(
        self, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array, Pass]:
        y, k, tape = super().forward(sizes, activation, theta, x)
        return y, k / len(x), tape

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        return super().backward(activation, tape, dy, dk / len(dk))


@wrong("input_gradient")
class DerivativeAtTheOutput(NumpyPort):
    """The activation's derivative is evaluated at a = f(z); f' takes the pre-activation z."""

    def df(self, name: str, z: Array) -> Array:
        return super().df(name, self.f(name, z))


@wrong("input_gradient")
class SiluShortFormOfZ(NumpyPort):
    """The derivative of silu is z + σ(z)(1 − z), its short form with z in place of a; it is
    a + σ(z)(1 − a) with a = f(z)."""

    def df(self, name: str, z: Array) -> Array:
        return z + sigmoid(z) * (1 - z) if name == "silu" else super().df(name, z)


@wrong("input_gradient")
class LeakyRelu(NumpyPort):
    """relu is a leaky relu with slope 0.01 below 0; it is 0 there, and so is its derivative."""

    def f(self, name: str, z: Array) -> Array:
        return np.where(z > 0, z, 0.01 * z) if name == "relu" else super().f(name, z)

    def df(self, name: str, z: Array) -> Array:
        if name != "relu":
            return super().df(name, z)
        return np.where(z > 0, 1, 0.01).astype(z.dtype)


@wrong("input_gradient")
class SlopeOfTheFirstSample(NumpyPort):
    """k of the first sample is used for the whole batch, as for a linear model; a network has
    another gradient at every x."""

    def forward(
        self, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array, Pass]:
        y, k, tape = super().forward(sizes, activation, theta, x)
        return y, np.tile(k[:1], (len(k), 1)), tape

    def backward(self, activation: str, tape: Pass, dy: Array, dk: Array) -> Array:
        only_first = np.zeros_like(dk)
        only_first[0] = dk.sum(axis=0)
        return super().backward(activation, tape, dy, only_first)


@wrong("input_gradient")
class HalfPrecisionForward(NumpyPort):
    """The network is evaluated in float16, as by automatic mixed precision, and only its results
    have the dtype of x; all is to be computed in that dtype."""

    def forward(
        self, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array, Pass]:
        y, k, tape = super().forward(
            sizes, activation, theta.astype("float16"), x.astype("float16")
        )
        return y.astype(x.dtype), k.astype(x.dtype), tape


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
    """The residual is detached in the Lai loss, so that the gradient flows through the slopes
    alone; it flows through y as well."""

    def any_loss(self, y: Array, t: Array, k: Array, loss: LossSpec) -> tuple[Any, Array, Array]:
        value, dy, dk = super().any_loss(y, t, k, loss)
        return value, dy if loss["name"] == "plain" else 0 * dy, dk


@wrong("param_gradient")
class BiasesWithoutSlopes(NumpyPort):
    """Biases get no gradient through k, since they vanish in ∂y/∂x of a linear model; those of
    hidden layers move k through f'."""

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
