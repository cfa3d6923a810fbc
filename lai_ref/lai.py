"""The Lai loss of a batch, with its derivatives with respect to y and k.

Per sample i and feature j, with F of `factor` (paper §3.1):  ℓ_ij = |e_i|^p F_p(k_ij; λ_j).
Over the features (§3.2):  M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁.  Over the samples:

    reduction="batch"     L = M(c), c = mean_i ℓ_i;  s_j = (1 − ρ) c_j/‖c‖₂ + ρ
    reduction="sample"    L = mean_i M(ℓ_i);  s_ij the same from each sample's own ℓ_i

    dy_i  = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i
    dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)

Where L is not differentiable a whole interval of slopes is valid. The choice here is the middle at
the kink of F, 0 at e = 0 for p = 1, and 0 for the 2-norm at the zero vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lai_ref.analytic import absolute, sign
from lai_ref.arguments import Array, as_array, number_in, one_of, widen
from lai_ref.factor import check_lam_fits, factor, factor_slope, lam_array

REDUCTIONS = ("batch", "sample")


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
        lam = lam_array(self.lam)
        one_of("order", self.order, (1, 2))
        one_of("reduction", self.reduction, REDUCTIONS)
        # plain numbers, so that equal losses compare and hash equal
        object.__setattr__(self, "lam", tuple(lam.tolist()) if lam.ndim else lam.item())
        object.__setattr__(self, "l1_ratio", number_in("l1_ratio", self.l1_ratio, 0.0, 1.0))

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
        size = absolute(widen(y) - widen(t))[:, None]
        scaled = size * factor(widen(k), lam_array(self.lam), self.order)
        return (scaled if self.order == 1 else scaled * size).astype(np.result_type(y, t, k))

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        """As calling the loss, for arguments that have been checked before."""
        dtype = np.result_type(y, t, k)
        p, n, lam = self.order, len(y), lam_array(self.lam)
        check_lam_fits(lam, k)
        e, k = widen(y) - widen(t), widen(k)
        size = absolute(e)[:, None]
        # |e|^p F is taken as (|e|^(p−1) F) |e|: |e|² alone may leave the range of doubles
        q = size if p == 2 else 1.0
        qF = q * factor(k, lam, p)
        # ℓ_ij = |e_i|^p F(k_ij; λ_j)
        ell = qF * size

        if self.reduction == "batch":
            # L = M(c), c = mean_i ℓ_i
            value, s = _norm(ell.mean(axis=0), self.l1_ratio)
        else:
            # L = mean_i M(ℓ_i)
            norms, s = _norm(ell, self.l1_ratio)
            value = norms.mean()
        # dy_i = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i
        dy = p * sign(e) * (s * qF).sum(axis=1) / n
        # dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)
        dk = s * (q * factor_slope(k, lam, p) * size) / n
        return value.astype(dtype), dy.astype(dtype), dk.astype(dtype)

    def _arguments(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
    ) -> tuple[Array, Array, Array]:
        y = as_array("y", y, ("N",))
        k = as_array("k", k, (len(y), "D"))
        check_lam_fits(lam_array(self.lam), k)
        return y, as_array("t", t, (len(y),)), k


def _norm(c: Array, l1_ratio: float) -> tuple[Array, Array]:
    """M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis of c ≥ 0, and s = ∂M/∂c."""
    # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may leave the range of doubles
    m = c.max(axis=-1, keepdims=True)
    scale = np.where((m == 0) | np.isinf(m), 1, m)
    r = c / scale
    length = np.sqrt((r * r).sum(axis=-1, keepdims=True))
    # s_j = (1 − ρ) c_j/‖c‖₂ + ρ
    s = (1 - l1_ratio) * r / np.where(m == 0, 1, length) + l1_ratio
    value = (1 - l1_ratio) * (scale * length)[..., 0] + l1_ratio * c.sum(axis=-1)
    return value, s
