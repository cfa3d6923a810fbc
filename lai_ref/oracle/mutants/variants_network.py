"""Correct variants of the network and its training, which must pass."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import ADAM, FACTOR, NETWORK, SLOPES, Mutant, mutant
from lai_ref.oracle.mutants.port import Loss, Parts, Port
from lai_ref.oracle.mutants.port_loss import Array
from lai_ref.oracle.mutants.port_network import Cache, Layers
from lai_ref.oracle.mutants.sharded import averaged


@mutant("Matrix products by einsum.", SLOPES)
class ProductsByEinsum(Port):
    def matmul(self, a: Array, b: Array) -> Array:
        product: Array = np.einsum("ij,jk->ik", a, b)
        return product


@mutant("One sample at a time; the gradients are summed.", SLOPES)
class OneSampleAtATime(Port):
    def forward_and_input_gradient(self, x: Array, **net: Any) -> Cache:
        one = super().forward_and_input_gradient
        rows = [one(row[None], **net) for row in x]
        fields: list[Any] = [rows[0].layers]
        for parts in list(zip(*rows, strict=True))[1:-2]:
            fields.append([np.concatenate(h) for h in zip(*parts, strict=True)])
        fields += [np.concatenate([row.y for row in rows]), np.concatenate([row.k for row in rows])]
        return Cache(*fields)

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        total = 0 * super().double_backward(cache, dy, dk)
        for i in range(len(dy)):
            row = slice(i, i + 1)
            fields: list[Any] = [[h[row] for h in part] for part in cache[1:-2]]
            own = Cache(*[cache.layers, *fields, cache.y[row], cache.k[row]])
            total = total + super().double_backward(own, dy[row], dk[row])
        return total


@mutant("θ̄ by one reverse pass through y and its directional derivative along dk.", NETWORK)
class TangentForward(Port):
    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        # forward mode, x in the direction dk: ȧ_0 = k̄, ż = ȧ W, ȧ = f'(z) ⊙ ż
        da, dz = [dk], []
        for (W, _), df in zip(cache.layers[:-1], cache.df, strict=True):
            dz.append(self.matmul(da[-1], W))
            da.append(df * dz[-1])
        # z̄ and z̃: the derivatives of Σ ȳ y + Σ ẏ with respect to z and ż
        bar, tilde = dy[:, None], np.ones_like(dy)[:, None]
        gradients: Layers = []
        for h in reversed(range(len(cache.layers))):
            dW = self.matmul(cache.a[h].T, bar) + self.matmul(da[h].T, tilde)
            gradients.insert(0, (dW, self.sum_over_samples(bar)))
            if h:
                W = cache.layers[h][0]
                by_a, by_da = self.matmul(bar, W.T), self.matmul(tilde, W.T)
                bar = by_a * cache.df[h - 1] + by_da * dz[h - 1] * cache.d2f[h - 1]
                tilde = by_da * cache.df[h - 1]
        return self.flatten(gradients)


@mutant("Adam's two bias corrections in lr and ε.", ADAM)
class BiasInLearningRate(Port):
    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        root = math.sqrt(bias2)
        return lr * root / bias1 * m / (np.sqrt(v) + eps * root)


@mutant("m and v by adding (1 − β)(new − old).", ADAM)
class MomentsByDifference(Port):
    def moment(self, old: Array, new: Array, beta: float) -> Array:
        return old + (1 - beta) * (new - old)


@mutant(
    "A mixed batch in one forward and one backward pass, with the gradients of both losses.",
    ("train",),
)
class MixedInOnePass(Port):
    def mixed_gradient(self, parts: Parts, *, x: Array, t: Array, **net: Any) -> Array:
        rows = np.concatenate([part for part, _ in parts])
        cache = self.forward_and_input_gradient(x[rows], **net)
        dy, dk = np.empty_like(cache.y), np.empty_like(cache.k)
        start = 0
        for part, loss in parts:
            own = slice(start, start + len(part))
            _, *gradients = self.loss_gradients(cache.y[own], t[part], cache.k[own], loss)
            dy[own], dk[own] = (len(part) / len(rows) * gradient for gradient in gradients)
            start += len(part)
        return self.double_backward(cache, dy, dk)


@mutant("Workers share the sums of ℓ per feature in place of y and k.", ("sharded",))
class SumsShared(Port):
    def sharded_gradient(
        self, *, x: Array, t: Array, loss: Loss, shards: Sequence[Array], **net: Any
    ) -> tuple[Any, Array]:
        counts, theta = [len(rows) for rows in shards], net["theta"]
        if loss["name"] == "plain" or loss["reduction"] == "sample":
            # a mean over the samples
            own = [self.param_gradient(x=x[rows], t=t[rows], loss=loss, **net) for rows in shards]
            values, grads = zip(*own, strict=True)
            return theta.dtype.type(averaged(values, counts)), averaged(grads, counts)
        n, order = sum(counts), loss["order"]
        caches = [self.forward_and_input_gradient(x[rows], **net) for rows in shards]
        e = [cache.y - t[rows] for cache, rows in zip(caches, shards, strict=True)]
        F = [self.factor(cache.k, loss["lam"], order) for cache in caches]
        ell = [self.per_feature(e_w, F_w, order) for e_w, (F_w, _) in zip(e, F, strict=True)]
        c = np.sum([ell_w.sum(axis=0) for ell_w in ell], axis=0, dtype=theta.dtype) / n
        value, s = self.norm(c, loss["l1_ratio"])
        grad = np.zeros_like(theta)
        for cache, e_w, (F_w, dF_w) in zip(caches, e, F, strict=True):
            dy, dk = self.dy(e_w, F_w, s, order, n), self.dk(e_w, dF_w, s, order, n)
            grad = grad + self.double_backward(cache, dy, dk)
        return theta.dtype.type(value), grad


def _widened(method: str) -> Any:
    """The port's `method` in the next wider precision, its results rounded to the dtype given."""
    right = getattr(Port, method)

    def answer(self: Port, *arguments: Any, **named: Any) -> Any:
        arrays = [part for part in (*arguments, *named.values()) if _is_floats(part)]
        parts = right(self, *map(_wide, arguments), **_wide(named))
        dtype = arrays[0].dtype
        if isinstance(parts, tuple):
            return tuple(part.astype(dtype) for part in parts)
        return parts.astype(dtype)

    return answer


def _is_floats(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "f"


def _wide(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _wide(each) for name, each in part.items()}
    if not _is_floats(part):
        return part
    return part.astype(np.float64 if part.dtype == np.float32 else np.longdouble)


_METHODS = ("factor", "loss", "input_gradient", "param_gradient", "adam_step", "train")
in_wider_numbers = Mutant(
    "in-wider-numbers",
    "Everything in the next wider precision, rounded at the end.",
    type("Wider", (Port,), {m: _widened(m) for m in (*_METHODS, "sharded_gradient")})(),
    (*FACTOR, "input_gradient", "adam"),
)
