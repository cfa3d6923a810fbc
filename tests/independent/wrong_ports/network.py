"""Mistakes in the network: parameters, activations and input gradient."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from tests.independent.numpy_port import Array, Layers, NumpyPort, Pass, sigmoid
from tests.independent.wrong_ports.record import wrong


@wrong("input_gradient")
class WeightsOfTorchLayout(NumpyPort):
    """W is read and written as (fan_out, fan_in), as PyTorch's Linear stores it; θ contains it as
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
    """relu is a leaky relu with the slope 0.01 below 0; it is 0 there, and so is its derivative."""

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
class PredictionsAsColumn(NumpyPort):
    """y is returned as a column (N, 1), the shape of the last layer; it is (N,)."""

    def input_gradient(self, **network: Any) -> tuple[Array, Array]:
        y, k = super().input_gradient(**network)
        return y[:, None], k


@wrong("input_gradient")
class SlopesSqueezed(NumpyPort):
    """The input gradient is squeezed, which removes the axis of the samples if there is one sample,
    and that of the features if there is one; k is (N, D) always."""

    def forward(
        self, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array, Pass]:
        y, k, tape = super().forward(sizes, activation, theta, x)
        return y, np.squeeze(k), tape


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
