"""The Lai loss L of a batch, and its derivatives dy = ∂L/∂y and dk = ∂L/∂k.

    sample i, feature j (paper §3.1)    ℓ_ij = |e_i|^p F_p(k_ij; λ_j),  e = y − t,  F of `factor`
    norm over the features (§3.2)       M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁
    reduction="batch"     L = M(c), c = mean_i ℓ_i    s_j = (1 − ρ) c_j/‖c‖₂ + ρ
    reduction="sample"    L = mean_i M(ℓ_i)           s_ij = (1 − ρ) ℓ_ij/‖ℓ_i‖₂ + ρ

    dy_i  = (1/N) Σ_j s_ij F_ij · p |e_i|^(p−1) sign e_i      (s_ij = s_j for "batch")
    dk_ij = (1/N) s_ij |e_i|^p F'(k_ij; λ_j)

Where L has a kink, one subgradient is chosen: the midpoint at the kink of F; 0 at e = 0 for p = 1;
0 for the 2-norm at the zero vector. An ℓ_ij above the range of doubles gives inf or NaN.
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
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.kink import Kink, check_lam, check_lam_length, kink_of
from lai_ref.support.validation import Array, check_array, check_choice, check_in_range, to_double

REDUCTIONS = ("batch", "sample")
CHUNK_ENTRIES = 2**14  # entries of k whose factors are computed at one time, see `support.chunks`
FLOAT_TINY, FLOAT_MAX = np.finfo(float).tiny, np.finfo(float).max  # the range of a safe divisor


@dataclass(frozen=True)
class Lai:
    """The Lai loss of a batch; a call returns its value and its derivatives.

    Parameters
    ----------
    lam
        λ > 0, one number or one per feature (§3.3). Minimising L moves |k| towards λ^(1/p).
    order
        p: 1 for Lai MAE, 2 for Lai MSE.
    l1_ratio
        ρ in [0, 1]: 0 is L2 Lai, 1 is L1 Lai, between them the elastic net (§3.2).
    reduction
        ``"batch"``: the norm of the batch mean; ``"sample"``: the mean of the per-sample norms.
        They are equal for ρ = 1, for one sample or feature, and if all ℓ_i are parallel. The
        argument is not the `reduction` of PyTorch's losses.

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

    @ignores_error_state
    def __call__(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
    ) -> tuple[Any, Array, Array]:
        """Value (a scalar), dy (N,) and dk (N, D) of y, t (N,) and input gradients k (N, D).

        Raises
        ------
        ValueError
            Shapes that do not fit each other or λ, an empty batch, or an entry that is not finite.
        """
        return self.evaluate(*_check_batch(y, t, k))

    @ignores_error_state
    def per_feature(self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike) -> Array:
        """ℓ (N, D): the loss of each sample and feature, before any norm."""
        y, t, k = _check_batch(y, t, k)
        e = to_double(y) - to_double(t)
        # ℓ_ij = |e_i| · |e_i|^(p−1) F_ij
        ell = absolute(e)[:, None] * self._power_factors(e, k)[0]
        return ell.astype(np.result_type(y, t, k))

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        """The same as a call, for arguments that have been checked."""
        dtype = np.result_type(y, t, k)
        p, n = self.order, len(y)
        e = to_double(y) - to_double(t)
        power_F, power_dF = self._power_factors(e, k)
        if self.reduction == "batch":
            # L = M(c), c_j = mean_i ℓ_ij = (1/N) Σ_i |e_i| · |e_i|^(p−1) F_ij
            value, s = _norm(absolute(e) @ power_F / n, self.l1_ratio)
            sF = power_F @ s
        else:
            # L = mean_i M(ℓ_i)
            norms, s = _norm(power_F * absolute(e)[:, None], self.l1_ratio)
            value, sF = norms.mean(), (s * power_F).sum(axis=1)
        # dy_i = (1/N) Σ_j s_ij F_ij · p |e_i|^(p−1) sign e_i
        dy = p / n * sign(e) * sF
        # dk_ij = (1/N) s_ij |e_i|^p F'(k_ij; λ_j)
        dk = np.multiply(power_dF, s / n, out=power_dF)
        return value.astype(dtype), dy.astype(dtype), dk.astype(dtype, copy=False)

    def check_features(self, n_features: int) -> None:
        """Raise ValueError if λ is a list of another length than the number of features."""
        check_lam_length(self._kink.low, (n_features,))

    @cached_property
    def _kink(self) -> Kink:
        """The constants of F for this λ and p, computed once."""
        return kink_of(check_lam(self.lam), self.order)

    def _power_factors(self, e: Array, k: Array) -> tuple[Array, Array]:
        """|e|^(p−1) F and |e|^p F', (N, D), in double precision; |e|² alone might overflow."""
        self.check_features(k.shape[1])
        abs_e = absolute(e)[:, None]
        power = abs_e if self.order == 2 else np.ones_like(abs_e)
        dtype = np.result_type(e, k)
        power_F, power_dF = np.empty(k.shape, dtype), np.empty(k.shape, dtype)
        for rows in chunks(len(k), max(1, CHUNK_ENTRIES // k.shape[1])):
            F, dF = factor_and_derivative(to_double(k[rows]), self._kink, self.order)
            np.multiply(power[rows], F, out=power_F[rows])
            np.multiply(power[rows] * dF, abs_e[rows], out=power_dF[rows])
        return power_F, power_dF


def _norm(c: Array, l1_ratio: float) -> tuple[Array, Array]:
    """M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis of c ≥ 0, and s = ∂M/∂c."""
    # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may leave the range of doubles
    m = np.minimum(np.maximum(c.max(axis=-1, keepdims=True), FLOAT_TINY), FLOAT_MAX)
    r = c / m
    norm = np.sqrt((r * r).sum(axis=-1, keepdims=True))
    # s_j = (1 − ρ) c_j/‖c‖₂ + ρ; for c = 0 the first term is 0
    s = (1 - l1_ratio) * r / np.maximum(norm, FLOAT_TINY) + l1_ratio
    value = (1 - l1_ratio) * (m * norm)[..., 0] + l1_ratio * c.sum(axis=-1)
    return value, s


def _check_batch(
    y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
) -> tuple[Array, Array, Array]:
    y = check_array("y", y, ("N",))
    k = check_array("k", k, (len(y), "D"))
    return y, check_array("t", t, (len(y),)), k
