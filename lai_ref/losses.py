"""The interface of a loss, and two losses that the Lai loss is compared with.

    Plain             L = mean_i |e_i|^p
    GradientPenalty   L = mean_i |e_i|^p + μ mean_i ‖k_i‖²       (Drucker & LeCun 1992)

with e = y − t, k = ∂y/∂x and p = 1 (MAE) or 2 (MSE). For p = 1 the subgradient at e = 0 is 0.
Sums are computed in double precision; results have the dtype of the arguments. float32 results
overflow only if the exact value does, float64 results also if an intermediate square or sum does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from lai_ref.support.analytic import absolute, sign
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_array, check_choice, check_in_range, to_double


class Loss(Protocol):
    """The interface of a loss for `value_and_grad` and `lai_training`.

    A loss is a function of y, t and k, not of a network. An optional method `check_features(D)`
    raises ValueError if the loss does not fit D features.
    """

    @property
    def needs_k(self) -> bool:
        """Whether the loss depends on k; if not, `evaluate` receives None for k."""

    def evaluate(self, y: Array, t: Array, k: Any) -> tuple[Any, Array, Array | None]:
        """Value, dy (N,) and dk (N, D) of y, t (N,) and k (N, D), which have been checked.

        dk is None where `needs_k` is False.
        """


@dataclass(frozen=True)
class Plain:
    """The baseline losses MAE and MSE, mean |e|^p.

    Examples
    --------
    >>> value, dy, dk = Plain(order=2)(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
    >>> float(value), dy.tolist(), dk
    (2.0, [2.0, 0.0], None)
    """

    order: int = 2
    needs_k: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_choice("order", self.order, (1, 2))

    @ignores_error_state
    def __call__(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike | None = None
    ) -> tuple[Any, Array, None]:
        """Value (a scalar) and dy (N,) of predictions y (N,) and targets t (N,); k is ignored.

        Raises
        ------
        ValueError
            Shapes that differ, an empty batch, or an entry that is not finite.
        """
        y = check_array("y", y, ("N",))
        return self.evaluate(y, check_array("t", t, (len(y),)))

    def evaluate(self, y: Array, t: Array, k: Any = None) -> tuple[Any, Array, None]:
        """The same as a call, for arguments that have been checked."""
        value, dy = _mean_power(y, t, self.order)
        dtype = np.result_type(y, t)
        return value.astype(dtype), dy.astype(dtype), None


@dataclass(frozen=True)
class GradientPenalty:
    """Input-gradient penalty: mean |e|^p plus μ ≥ 0 times the mean ‖k‖².

    Examples
    --------
    >>> loss = GradientPenalty(mu=0.5)
    >>> value, dy, dk = loss(np.array([3.0]), np.array([1.0]), np.array([[1.0, 2.0]]))
    >>> float(value), dy.tolist(), dk.tolist()
    (6.5, [4.0], [[1.0, 2.0]])
    """

    mu: float = 0.01
    order: int = 2
    needs_k: ClassVar[bool] = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "mu", check_in_range("mu", self.mu, 0.0, np.finfo(float).max))
        check_choice("order", self.order, (1, 2))

    @ignores_error_state
    def __call__(
        self, y: npt.ArrayLike, t: npt.ArrayLike, k: npt.ArrayLike
    ) -> tuple[Any, Array, Array]:
        """Value, dy and dk; arguments, shapes and errors are those of a call of `Lai`."""
        y = check_array("y", y, ("N",))
        t = check_array("t", t, (len(y),))
        return self.evaluate(y, t, check_array("k", k, (len(y), "D")))

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        """The same as a call, for arguments that have been checked."""
        dtype = np.result_type(y, t, k)
        k = to_double(k)
        value, dy = _mean_power(y, t, self.order)
        # L = mean_i |e_i|^p + μ mean_i ‖k_i‖²
        value = value + self.mu * (k * k).sum() / len(k)
        # dk_ij = 2 μ k_ij / N
        dk = self.mu / len(k) * (2 * k)
        return value.astype(dtype), dy.astype(dtype), dk.astype(dtype)


def _mean_power(y: Array, t: Array, order: int) -> tuple[Any, Array]:
    """mean_i |e_i|^p and its derivative dy (N,), in double precision."""
    e = to_double(y) - to_double(t)
    if order == 2:
        # mean_i e_i² = e · e / N;  dy_i = 2 e_i / N
        return e @ e / len(e), 2 / len(e) * e
    # mean_i |e_i|;  dy_i = sign e_i / N
    return absolute(e).sum() / len(e), sign(e) / len(e)
