"""The Lai loss of a batch, with its derivatives with respect to y and k.

Per sample i and feature j, with F of `factor` (paper §3.1):  ℓ_ij = |e_i|^p F_p(k_ij; λ_j).
Over the features (§3.2):  M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁.  Over the samples:

    reduction="batch"     L = M(c), c = mean_i ℓ_i;  s_j = (1 − ρ) c_j/‖c‖₂ + ρ
    reduction="sample"    L = mean_i M(ℓ_i);  s_ij the same from each sample's own ℓ_i

    dy_i  = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i
    dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)

Where L is not differentiable a whole interval of derivatives is valid. The choice here is the
middle at the kink of F, 0 at e = 0 for p = 1, and 0 for the 2-norm at the zero vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lai_ref.factor import factor_and_derivative
from lai_ref.support.analytic import absolute, sign
from lai_ref.support.chunks import chunks
from lai_ref.support.kink import Kink, check_lam, check_lam_length, kink_of
from lai_ref.support.validation import Array, check_array, check_choice, check_in_range, to_double

REDUCTIONS = ("batch", "sample")
ENTRIES = 2**14  # of k whose factors are computed at one time
LEAST, MOST = np.finfo(float).tiny, np.finfo(float).max  # complex numbers divide by no less


@dataclass(frozen=True)
class Lai:
    """The Lai loss of a batch, with its derivatives.

    Parameters
    ----------
    lam
        λ > 0: below λ^(1/p) the loss pushes |k| up, above it down. One number, or one a feature
        (§3.3).
    order
        p: 1 for Lai MAE, 2 for Lai MSE.
    l1_ratio
        ρ in [0, 1]: 0 is L2 Lai, 1 is L1 Lai, between them the elastic net (§3.2).
    reduction
        ``"batch"``: the mean over samples, then the norm over features; ``"sample"``: the other
        order. They agree for ρ = 1 and where all ℓ_i are parallel, as for one sample or feature.

    Examples
    --------
    >>> loss = Lai(lam=0.25)
    >>> value, dy, dk = loss(np.array([3.0]), np.array([1.0]), np.array([[1.0]]))
    >>> float(value), dy.tolist(), dk.tolist()
    (8.0, [8.0], [[8.0]])
    """

    lam: float | Sequence[float] | Array = 0.1
    order: int = 2
    l1_ratio: float = 0.0
    reduction: str = "batch"
    needs_k: ClassVar[bool] = True

    def __post_init__(self) -> None:
        lam = check_lam(self.lam)
        check_choice("order", self.order, (1, 2))
        check_choice("reduction", self.reduction, REDUCTIONS)
        # plain numbers, so that equal losses compare and hash equal
        object.__setattr__(self, "lam", tuple(lam.tolist()) if lam.ndim else lam.item())
        object.__setattr__(self, "l1_ratio", check_in_range("l1_ratio", self.l1_ratio, 0.0, 1.0))

    def __call__(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
    ) -> tuple[Any, Array, Array]:
        """Value (a scalar), dy (N,) and dk (N, D) for predictions y, targets t, slopes k (N, D).

        Raises
        ------
        ValueError
            Shapes that do not fit each other or λ, an empty batch, or an entry not finite.
        """
        return self.evaluate(*self._arguments(y, t, k))

    def per_feature(self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike) -> Array:
        """ℓ (N, D): the loss of each sample along each feature, before any norm."""
        y, t, k = self._arguments(y, t, k)
        e = to_double(y) - to_double(t)
        # ℓ_ij = |e_i|^p F(k_ij; λ_j)
        ell = self._terms(e, k)[0] * absolute(e)[:, None]
        return ell.astype(np.result_type(y, t, k))

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        """As calling the loss, for arguments that have been checked before."""
        dtype = np.result_type(y, t, k)
        p, n = self.order, len(y)
        e = to_double(y) - to_double(t)
        qF, dk = self._terms(e, k)
        if self.reduction == "batch":
            # L = M(c), c_j = mean_i ℓ_ij = (1/N) Σ_i |e_i| · |e_i|^(p−1) F_ij
            value, s = _norm(absolute(e) @ qF / n, self.l1_ratio)
            sF = qF @ s
        else:
            # L = mean_i M(ℓ_i)
            norms, s = _norm(qF * absolute(e)[:, None], self.l1_ratio)
            value, sF = norms.mean(), (s * qF).sum(axis=1)
        # dy_i = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i
        dy = p / n * sign(e) * sF
        # dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)
        dk *= s / n
        return value.astype(dtype), dy.astype(dtype), dk.astype(dtype, copy=False)

    @cached_property
    def _kink(self) -> Kink:
        """λ as the factor needs it: computed once, like λ never changed."""
        return kink_of(check_lam(self.lam), self.order)

    def _terms(self, e: Array, k: Array) -> tuple[Array, Array]:
        """|e|^(p−1) F and |e|^p F', (N, D), in double precision, some rows at a time.

        In that form, times |e|, since |e|² alone may leave the range of doubles where ℓ does not.
        """
        check_lam_length(self._kink.low, k.shape)
        size = absolute(e)[:, None]
        q = size if self.order == 2 else np.ones_like(size)
        dtype = np.result_type(e, k)
        qF, terms = np.empty(k.shape, dtype), np.empty(k.shape, dtype)
        for rows in chunks(len(k), max(1, ENTRIES // k.shape[1])):
            F, slope = factor_and_derivative(to_double(k[rows]), self._kink, self.order)
            np.multiply(q[rows], F, out=qF[rows])
            np.multiply(q[rows] * slope, size[rows], out=terms[rows])
        return qF, terms

    def _arguments(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
    ) -> tuple[Array, Array, Array]:
        y = check_array("y", y, ("N",))
        k = check_array("k", k, (len(y), "D"))
        return y, check_array("t", t, (len(y),)), k


def _norm(c: Array, l1_ratio: float) -> tuple[Array, Array]:
    """M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis of c ≥ 0, and s = ∂M/∂c."""
    # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may leave the range of doubles
    m = np.minimum(np.maximum(c.max(axis=-1, keepdims=True), LEAST), MOST)
    r = c / m
    length = np.sqrt((r * r).sum(axis=-1, keepdims=True))
    # s_j = (1 − ρ) c_j/‖c‖₂ + ρ, the first term 0 where ‖c‖₂ is
    s = (1 - l1_ratio) * r / np.maximum(length, LEAST) + l1_ratio
    value = (1 - l1_ratio) * (m * length)[..., 0] + l1_ratio * c.sum(axis=-1)
    return value, s
