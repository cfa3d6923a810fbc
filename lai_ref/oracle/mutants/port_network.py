"""A straightforward port of the network and its double backward pass, in small methods.

It imports only NumPy. θ holds, layer after layer, W (fan_in, fan_out) row by row, then b.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.port_loss import Array, Sums

Layers: TypeAlias = list[tuple[Array, Array]]


class Unit(NamedTuple):
    """An activation at some z, each part like z."""

    f: Any
    df: Any
    d2f: Any


class Cache(NamedTuple):
    """What the forward and the input-gradient pass computed, for hidden layers h = 0, 1, …"""

    layers: Layers
    a: list[Array]  # x, then each hidden layer's output (N, width)
    df: list[Array]  # f'(z)
    d2f: list[Array]  # f''(z)
    u: list[Array]  # ∂y/∂z
    v: list[Array]  # ∂y/∂a
    y: Array  # (N,)
    k: Array  # (N, D)


class NetworkPort(Sums):
    """y, k = ∂y/∂x, and θ̄ from the loss gradients dy and dk."""

    def input_gradient(self, *, x: Array, **net: Any) -> tuple[Array, Array]:
        """y (N,) and k (N, D) of x (N, D)."""
        cache = self.forward_and_input_gradient(x, **net)
        return cache.y, cache.k

    def unflatten(self, sizes: Sequence[int], theta: Array) -> Layers:
        """θ as [(W, b), …]."""
        layers, start = [], 0
        for rows, columns in pairwise(sizes):
            end = start + (rows + 1) * columns
            layer = theta[start:end].reshape(rows + 1, columns)
            layers.append((layer[:-1], layer[-1]))
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

    def activate(self, activation: str, z: Array) -> Unit:
        """f(z), f'(z) and f''(z)."""
        if activation == "relu":
            return Unit(np.maximum(z, 0), (z > 0).astype(z.dtype), np.zeros_like(z))
        if activation == "tanh":
            a = np.tanh(z)
            return Unit(a, 1 - a * a, -2 * a * (1 - a * a))
        right, left = self.sigmoid(z), self.sigmoid(-z)
        if activation == "softplus":
            f = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
            return Unit(f, right, right * left)
        if activation == "silu":
            df = right * (1 + z * left)
            return Unit(z * right, df, right * left * (2 + z * (left - right)))
        return Unit(z, np.ones_like(z), np.zeros_like(z))

    def matmul(self, a: Array, b: Array) -> Array:
        """a b: every matrix product is computed here."""
        return a @ b

    def affine(self, a: Array, W: Array, b: Array) -> Array:
        """a W + b."""
        return self.matmul(a, W) + b

    def forward_and_input_gradient(
        self, x: Array, *, sizes: Sequence[int], activation: str, theta: Array
    ) -> Cache:
        """y, k and the intermediate results that `double_backward` needs."""
        layers = self.unflatten(sizes, theta)
        a, df, d2f = [x], [], []
        for W, b in layers[:-1]:
            # z_l = a_(l−1) W_l + b_l;  a_l = f(z_l)
            unit = self.activate(activation, self.affine(a[-1], W, b))
            a.append(unit.f)
            df.append(unit.df)
            d2f.append(unit.d2f)
        y = self.affine(a[-1], *layers[-1])[:, 0]
        u: list[Array] = []
        # v_(L−1) = w_L
        v = [np.tile(layers[-1][0][:, 0], (len(x), 1))]
        for (W, _), df_l in zip(layers[-2::-1], df[::-1], strict=True):
            # u_l = v_l ⊙ f'(z_l);  v_(l−1) = u_l W_lᵀ
            u.insert(0, v[0] * df_l)
            v.insert(0, self.matmul(u[0], self.transpose(W)))
        # k = v_0
        k, *v = v
        return Cache(layers, a, df, d2f, u, v, y, k)

    def transpose(self, W: Array) -> Array:
        """Wᵀ in the input-gradient pass."""
        return W.T

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        """θ̄ (P,) from the loss gradients dy (N,) and dk (N, D)."""
        dW_from_k, dz_from_k = self.reverse_input_gradient(cache, dk)
        layers = self.reverse_forward(cache, dy, dz_from_k)
        parts = zip(layers, dW_from_k, strict=True)
        return self.flatten([(self.add(dW, from_k), db) for (dW, db), from_k in parts])

    def add(self, from_y: Array, from_k: Array) -> Array:
        """An adjoint: its part through y plus its part through k."""
        return from_y + from_k

    def reverse_input_gradient(self, cache: Cache, dk: Array) -> tuple[list[Array], list[Array]]:
        """The reverse of the input-gradient pass: its part of each W̄, and of z̄ of hidden layers."""
        dv, dW, dz = dk, [], []
        for h, (W, _) in enumerate(cache.layers[:-1]):
            # W̄_l += v̄_(l−1)ᵀ u_l;  ū_l = v̄_(l−1) W_l
            dW.append(self.matmul(dv.T, cache.u[h]))
            du = self.matmul(dv, W)
            # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  v̄_l = ū_l ⊙ f'(z_l)
            dz.append(du * cache.v[h] * cache.d2f[h])
            dv = du * cache.df[h]
        # w̄_L += Σ_i v̄_(L−1)
        dW.append(self.sum(dv, axis=0)[:, None])
        return dW, dz

    def reverse_forward(self, cache: Cache, dy: Array, dz_from_k: list[Array]) -> Layers:
        """The reverse of the forward pass, from dy and `dz_from_k`: W̄ and b̄ of every layer."""
        # z̄_L = ȳ
        dz = dy[:, None]
        gradients: Layers = []
        for h in reversed(range(len(cache.layers))):
            # W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += Σ_i z̄_l
            gradients.insert(0, (self.matmul(cache.a[h].T, dz), self.sum_over_samples(dz)))
            if h:
                # z̄_(l−1) += z̄_l W_lᵀ ⊙ f'(z_(l−1))
                from_y = self.matmul(dz, cache.layers[h][0].T) * cache.df[h - 1]
                dz = self.add(from_y, dz_from_k[h - 1])
        return gradients

    def sum_over_samples(self, dz: Array) -> Array:
        """b̄_l from z̄_l."""
        total: Array = self.sum(dz, axis=0)
        return total
