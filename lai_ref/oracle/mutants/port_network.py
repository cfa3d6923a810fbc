"""A straightforward port of the network and its double backward pass, one mistake a method.

It imports nothing but NumPy. θ holds, layer after layer, W (fan_in, fan_out) row by row, then b.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Layers: TypeAlias = list[tuple[Array, Array]]


class Sweep(NamedTuple):
    """What the way forward and the way back to the input computed, for hidden layers h = 0, 1, …"""

    layers: Layers
    a: list[Array]  # x, then each hidden layer's output (N, width)
    z: list[Array]  # what the activation was applied to
    slope: list[Array]  # f'(z)
    curvature: list[Array]  # f''(z)
    u: list[Array]  # ∂y/∂z
    v: list[Array]  # ∂y/∂a
    y: Array  # (N,)
    k: Array  # (N, D)


class NetworkPort:
    """y, k = ∂y/∂x, and θ̄ from the seeds dy and dk."""

    def input_gradient(self, *, x: Array, **net: Any) -> tuple[Array, Array]:
        """y (N,) and k (N, D) of x (N, D)."""
        sweep = self.sweep(x, **net)
        return sweep.y, sweep.k

    def unflatten(self, sizes: Sequence[int], theta: Array) -> Layers:
        """θ as [(W, b), …]."""
        layers, start = [], 0
        for rows, columns in pairwise(sizes):
            middle, end = start + rows * columns, start + (rows + 1) * columns
            layers.append((theta[start:middle].reshape(rows, columns), theta[middle:end]))
            start = end
        return layers

    def flatten(self, gradients: Layers) -> Array:
        """[(W̄, b̄), …] as θ̄."""
        return np.concatenate([part.ravel() for layer in gradients for part in layer])

    def sigmoid(self, z: Array) -> Array:
        """σ(z), without overflow."""
        e = np.exp(-np.abs(z))
        s: Array = np.where(z >= 0, 1, e) / (1 + e)
        return s

    def f(self, activation: str, z: Array) -> Array:
        """The activation."""
        a = z
        if activation == "relu":
            a = np.maximum(z, 0)
        elif activation == "tanh":
            a = np.tanh(z)
        elif activation == "softplus":
            a = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
        elif activation == "silu":
            a = z * self.sigmoid(z)
        return a

    def slope(self, activation: str, z: Array, a: Array) -> Array:
        """f'(z), where a = f(z)."""
        slope = np.ones_like(z)
        if activation == "relu":
            slope = (z > 0).astype(z.dtype)
        elif activation == "tanh":
            slope = 1 - a * a
        elif activation == "softplus":
            slope = self.sigmoid(z)
        elif activation == "silu":
            slope = self.sigmoid(z) * (1 + z * self.sigmoid(-z))
        return slope

    def curvature(self, activation: str, z: Array, a: Array) -> Array:
        """f''(z), where a = f(z)."""
        curvature = np.zeros_like(z)
        right, left = self.sigmoid(z), self.sigmoid(-z)
        if activation == "tanh":
            curvature = -2 * a * (1 - a * a)
        elif activation == "softplus":
            curvature = right * left
        elif activation == "silu":
            curvature = right * left * (2 + z * (left - right))
        return curvature

    def matmul(self, a: Array, b: Array) -> Array:
        """Every product of matrices goes through here."""
        product: Array = a @ b
        return product

    def sweep(self, x: Array, *, sizes: Sequence[int], activation: str, theta: Array) -> Sweep:
        """Forward to y, and back to k."""
        layers = self.unflatten(sizes, theta)
        a, z = [x], []
        for W, b in layers[:-1]:
            # z_l = a_(l−1) W_l + b_l;  a_l = f(z_l)
            z.append(self.matmul(a[-1], W) + b)
            a.append(self.f(activation, z[-1]))
        W, b = layers[-1]
        y = (self.matmul(a[-1], W) + b)[:, 0]
        slope = [self.slope(activation, *pair) for pair in zip(z, a[1:], strict=True)]
        curvature = [self.curvature(activation, *pair) for pair in zip(z, a[1:], strict=True)]
        k, u, v = self.back_to_input(layers, slope, len(x))
        return Sweep(layers, a, z, slope, curvature, u, v, y, k)

    def back_to_input(
        self, layers: Layers, slope: list[Array], n: int
    ) -> tuple[Array, list[Array], list[Array]]:
        """k, u and v."""
        # v_(L−1) = w_L
        back = np.tile(layers[-1][0][:, 0], (n, 1))
        u: list[Array] = []
        v: list[Array] = []
        for (W, _), f1 in zip(layers[-2::-1], slope[::-1], strict=True):
            # u_l = v_l ⊙ f'(z_l);  v_(l−1) = u_l W_lᵀ
            v.insert(0, back)
            u.insert(0, back * f1)
            back = self.matmul(u[0], self.transposed(W))
        return back, u, v

    def transposed(self, W: Array) -> Array:
        """Wᵀ on the way back to the input."""
        return W.T

    def gradient(self, sweep: Sweep, dy: Array, dk: Array) -> Array:
        """θ̄ (P,) from the seeds dy (N,) and dk (N, D)."""
        dW_up, dz_up = self.up(sweep, dk)
        layers = self.down(sweep, dy, dz_up)
        return self.flatten([(dW + up, db) for (dW, db), up in zip(layers, dW_up, strict=True)])

    def up(self, sweep: Sweep, dk: Array) -> tuple[list[Array], list[Array]]:
        """What undoing the way back to the input gives: to W̄ of every layer, to z̄ of the hidden."""
        dv, dW, dz = dk, [], []
        for h, (W, _) in enumerate(sweep.layers[:-1]):
            # W̄_l += v̄_(l−1)ᵀ u_l;  ū_l = v̄_(l−1) W_l
            dW.append(self.matmul(dv.T, sweep.u[h]))
            du = self.matmul(dv, W)
            # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  v̄_l = ū_l ⊙ f'(z_l)
            dz.append(du * sweep.v[h] * sweep.curvature[h])
            dv = du * sweep.slope[h]
        # w̄_L += Σ_i v̄_(L−1)
        dW.append(dv.sum(axis=0)[:, None])
        return dW, dz

    def down(self, sweep: Sweep, dy: Array, dz_up: list[Array]) -> Layers:
        """W̄ and b̄ of every layer: backpropagation, with what comes from `up` on the way."""
        # z̄_L = ȳ
        dz = dy[:, None]
        gradients: Layers = []
        for h in reversed(range(len(sweep.layers))):
            # W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += Σ_i z̄_l
            gradients.insert(0, (self.matmul(sweep.a[h].T, dz), self.over_samples(dz)))
            if h:
                # z̄_(l−1) += z̄_l W_lᵀ ⊙ f'(z_(l−1))
                dz = self.matmul(dz, sweep.layers[h][0].T) * sweep.slope[h - 1] + dz_up[h - 1]
        return gradients

    def over_samples(self, dz: Array) -> Array:
        """b̄_l from z̄_l."""
        total: Array = dz.sum(axis=0)
        return total
