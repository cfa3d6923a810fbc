"""A straightforward port of the Lai loss, in small methods: a mutant overrides one of them.

It imports only NumPy and computes in the dtype of its array arguments. F is computed from
r = √(1 + k²), |sin φ| = |k|/r and cos φ = 1/r. Divisions that could overflow in float32 are done
one factor at a time.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Lam: TypeAlias = float | Array  # λ: one number, or one per feature


class Sums:
    """Sums over samples or features."""

    def sum(self, a: Array, axis: int) -> Any:
        """Σ along an axis."""
        return a.sum(axis=axis)


class LossPort(Sums):
    """The factor F and the loss, from y, t and k."""

    def codec(self, values: Array) -> Array:
        """The numbers, unchanged."""
        return values

    def factor(self, k: Array, lam: Lam, order: int) -> tuple[Array, Array]:
        """F_p(k; λ) and F_p'(k; λ), each of k's shape."""
        lam = np.asarray(lam, k.dtype)
        self.require(order in (1, 2), "order is 1 or 2")
        self.require(np.isfinite(k).all(), "k is finite")
        self.require((np.isfinite(lam) & (lam > 0)).all(), "lam is finite and above 0")
        with np.errstate(over="ignore"):  # |k|², and the branch that is not used
            return self.factor_value(k, lam, order), self.factor_derivative(k, lam, order)

    def require(self, condition: Any, words: str) -> None:
        """Raise an error if the condition does not hold."""
        if not condition:
            raise ValueError(words)

    def factor_value(self, k: Array, lam: Array, order: int) -> Array:
        """F."""
        # F = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1)
        return np.maximum(self.sin_branch(k, lam, order), self.cos_branch(k, lam, order))

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        """F'."""
        # F' = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
        u = self.heaviside(k, lam, order)
        rising = np.where(u != 0, u * self.sin_branch_derivative(k, lam, order), 0)
        falling = np.where(u != 1, (1 - u) * self.cos_branch_derivative(k, lam, order), 0)
        return rising - falling

    def hypotenuse(self, k: Array) -> Array:
        """r = √(1 + k²) = 1/cos φ."""
        return np.hypot(1, k)

    def sine(self, k: Array) -> Array:
        """sin φ = k/r."""
        return k / self.hypotenuse(k)

    def divisor(self, lam: Array) -> Array:
        """min(λ, 1), by which F is divided."""
        return np.minimum(lam, 1)

    def heaviside(self, k: Array, lam: Array, order: int) -> Array:
        """u = H(|k|^p − λ), H(0) = ½."""
        u: Array = np.heaviside(np.abs(k) ** order - lam, 0.5)
        return u

    def sin_branch(self, k: Array, lam: Array, order: int) -> Array:
        """|sin φ|^p / min(λ, 1)."""
        sin = np.abs(self.sine(k))
        scaled = sin / self.divisor(lam)
        return scaled if order == 1 else scaled * sin

    def cos_branch(self, k: Array, lam: Array, order: int) -> Array:
        """λ |cos φ|^p / min(λ, 1)."""
        r = self.hypotenuse(k)
        scaled = lam / self.divisor(lam) / r
        return scaled if order == 1 else scaled / r

    def sin_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        """The derivative of `sin_branch`."""
        r = self.hypotenuse(k)
        # p |k|^(p−1) sign k / r^(p+2)
        sin = np.sign(k) if order == 1 else self.sine(k)
        return order * (sin / self.divisor(lam) / r / r / r)

    def cos_branch_derivative(self, k: Array, lam: Array, order: int) -> Array:
        """Minus the derivative of `cos_branch`."""
        r = self.hypotenuse(k)
        # p λ k / r^(p+2)
        scaled = self.sine(k) * (lam / self.divisor(lam)) / r / r
        return order * (scaled if order == 1 else scaled / r)

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Lam, order: int, l1_ratio: float, reduction: str
    ) -> tuple[Any, Array, Array]:
        """L, dy (N,) and dk (N, D) of y, t (N,) and k (N, D)."""
        lengths = {len(y), len(t), len(k)}
        self.require(len(lengths) == 1 and 0 not in lengths, "y, t and k have N > 0 samples each")
        self.require(np.size(lam) in (1, k.shape[-1]), "lam is one number or D of them")
        self.require(0 <= l1_ratio <= 1, "l1_ratio is between 0 and 1")
        self.require(reduction in ("batch", "sample"), "reduction is batch or sample")
        e, n = y - t, len(y)
        F, dF = self.factor(k, lam, order)
        value, s = self.reduce(self.per_feature(e, F, order), l1_ratio, reduction)
        return y.dtype.type(value), *self.gradients(e, F, dF, s, order, n)

    def gradients(
        self, e: Array, F: Array, dF: Array, s: Array, order: int, n: int
    ) -> tuple[Array, Array]:
        """dy (N,) and dk (N, D)."""
        return self.dy(e, F, s, order, n), self.dk(e, dF, s, order, n)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        """mean |e|^p and its dy (N,)."""
        e = y - t
        value = y.dtype.type(self.mean(self.residual_power(e, order)))
        return value, self.residual_grad(e, order) / len(e)

    def absolute(self, e: Array) -> Array:
        """|e|."""
        return np.abs(e)

    def residual_power(self, e: Array, order: int) -> Array:
        """|e|^p."""
        abs_e = self.absolute(e)
        return abs_e if order == 1 else abs_e * abs_e

    def residual_grad(self, e: Array, order: int) -> Array:
        """p |e|^(p−1) sign e."""
        return np.sign(e) if order == 1 else 2 * e

    def per_feature(self, e: Array, F: Array, order: int) -> Array:
        """ℓ_ij = |e_i|^p F_ij, (N, D), or for F' in F's place its derivative."""
        abs_e = self.absolute(e)[:, None]
        # |e|² alone may underflow where F is large
        return abs_e * F if order == 1 else abs_e * F * abs_e

    def reduce(self, ell: Array, l1_ratio: float, reduction: str) -> tuple[Any, Array]:
        """L, and s: (D,) for the reduction over the batch, (N, D) for that of each sample."""
        if reduction == "batch":
            # L = M(mean_i ℓ_i)
            return self.norm(self.mean(ell), l1_ratio)
        # L = mean_i M(ℓ_i)
        norms, s = self.norm(ell, l1_ratio)
        return self.mean(norms), s

    def mean(self, a: Array) -> Any:
        """The mean over the samples."""
        return self.sum(a, axis=0) / len(a)

    def norm(self, c: Array, l1_ratio: float) -> tuple[Any, Array]:
        """M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁ and s_j = (1 − ρ) c_j/‖c‖₂ + ρ, over the last axis."""
        norm, unit = self.l2_norm(c)
        value = (1 - l1_ratio) * norm + l1_ratio * self.sum(c, axis=-1)
        return value, (1 - l1_ratio) * unit + l1_ratio

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        """‖c‖₂ and c/‖c‖₂, which is 0 for the zero vector; c² alone may overflow."""
        largest = c.max(axis=-1, keepdims=True)
        scaled = c / np.where(largest == 0, 1, largest)
        norm = np.sqrt((scaled * scaled).sum(axis=-1, keepdims=True))
        return (largest * norm)[..., 0], scaled / np.where(norm == 0, 1, norm)

    def dy(self, e: Array, F: Array, s: Array, order: int, n: int) -> Array:
        """(1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i."""
        dy: Array = self.sum(s * (self.residual_grad(e, order)[:, None] * F), axis=1) / n
        return dy

    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        """(1/N) s_j |e_i|^p F'_ij."""
        return s * self.per_feature(e, dF, order) / n
