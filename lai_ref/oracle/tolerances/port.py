"""The mutants' `Port` evaluated in `Bounded` numbers: the same methods, with a bound per result.

Arrays have dtype object and hold `Bounded` numbers, which bound every + − × /. `BoundedPort`
overrides the methods that correct ports compute in another order (sums) or by another formula (see
`loss` and `network`). Each part of dW is a sum over the samples in any order; then the parts are
added. Adam's β^t may be a product, a pow or e^(t log β), and 1 − β^t in float32 (`power`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array, Lam
from lai_ref.oracle.mutants.port_network import Unit
from lai_ref.oracle.tolerances.bounded import Bounded, bounded, branch, mean, power, sqrt, total
from lai_ref.oracle.tolerances.loss import factor, l2_norm
from lai_ref.oracle.tolerances.network import activate


class BoundedPort(Port):
    """`Port` for arrays of `Bounded` numbers.

    Parameters
    ----------
    u
        In [0, 1]: the subgradient at kinks, see `truth.model`.
    """

    def __init__(self, u: float) -> None:
        self.u = u

    # Sums, in any order

    def sum(self, a: Array, axis: int) -> Any:
        return _along(total, a, axis)

    def mean(self, a: Array) -> Any:
        return _along(mean, a, 0)

    def matmul(self, a: Array, b: Array) -> Array:
        products: Array = self.sum(a[:, :, None] * b, axis=1)
        return products

    def affine(self, a: Array, W: Array, b: Array) -> Array:
        terms = [*np.moveaxis(a[:, :, None] * W, 1, 0), np.broadcast_to(b, (len(a), len(b)))]
        z: Array = self.sum(np.stack(terms), axis=0)
        return z

    def add(self, from_y: Array, from_k: Array) -> Array:
        both: Array = self.sum(np.stack([from_y, from_k]), axis=0)
        return both

    def sharded_gradient(
        self, *, x: Array, t: Array, shards: Sequence[Array], **rest: Any
    ) -> tuple[Any, Array]:
        # the bound of a sum in any order also covers a sum over shards of sums over samples
        rows = np.concatenate(shards)
        return self.param_gradient(x=x[rows], t=t[rows], **rest)

    # Loss

    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        def both(k: Bounded, lam: float) -> tuple[Bounded, Bounded]:
            return factor(k, lam, order, self.u)

        F, dF = np.frompyfunc(both, 2, 2)(k, np.asarray(lam, float))
        return F, dF

    def residual_grad(self, e: Array, order: int) -> Array:
        # p |e|^(p−1) sign e, with sign 0 = 2u − 1
        return _each(lambda e: bounded(2 * branch(e, 0.0, self.u) - 1), e) if order == 1 else 2 * e

    def per_feature(self, e: Array, F: Array, order: int) -> Array:
        # e² F, as in ports that square first, where e² may underflow
        return self.residual_power(e, order)[:, None] * F

    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        return super().norm(c, bounded(l1_ratio))  # type: ignore[arg-type]

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norms, units = np.empty(c.shape[:-1], object), np.empty(c.shape, object)
        for i in np.ndindex(norms.shape):
            norms[i], units[i] = l2_norm(list(c[i]))
        return norms[()], units

    # Network

    def activate(self, activation: str, z: Array) -> Unit:
        return Unit(*np.frompyfunc(lambda z: activate(activation, z, self.u), 1, 3)(z))

    # Training

    def weight(self, n_part: int, n: int, parts: int) -> Any:
        return bounded(n_part) / n

    def adam_step(self, *, beta1: float, beta2: float, **rest: Any) -> tuple[Array, Array, Array]:
        betas: dict[str, Any] = {"beta1": bounded(beta1), "beta2": bounded(beta2)}
        return super().adam_step(**betas, **rest)

    def bias_corrections(self, beta1: Any, beta2: Any, t: int) -> Any:
        return 1 - power(beta1, t), 1 - power(beta2, t)

    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return _each(sqrt, v / bias2) + eps


def arrays(numbers: Any) -> Array:
    """Nested lists of exact numbers as an array of `Bounded` numbers."""
    return _each(bounded, np.array(numbers, float))


def _each(f: Callable[[Any], Bounded], a: Array) -> Array:
    entries: Array = np.frompyfunc(f, 1, 1)(a)
    return entries


def _along(f: Callable[[list[Bounded]], Bounded], a: Array, axis: int) -> Any:
    """Apply f to the numbers along an axis."""
    rows = np.moveaxis(a, axis, -1)
    results = np.empty(rows.shape[:-1], object)
    for i in np.ndindex(results.shape):
        results[i] = f([bounded(number) for number in rows[i]])
    return results[()]
