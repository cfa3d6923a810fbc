"""Adam (Kingma & Ba 2015, Algorithm 1) on one flat vector.

t ← t + 1
m ← β₁ m + (1 − β₁) g                  v ← β₂ v + (1 − β₂) g²
θ ← θ − lr · m̂ / (√v̂ + ε),             m̂ = m / (1 − β₁^t),  v̂ = v / (1 − β₂^t)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lai_ref.support.validation import Array, check_in_range, check_int, check_positive, check_shape


class AdamState(NamedTuple):
    """Steps taken, and the running means of the gradient and its square, (P,) each."""

    t: int
    m: Array
    v: Array


@dataclass(frozen=True)
class Adam:
    """The optimiser's constants; what changes from step to step is an `AdamState`.

    Parameters
    ----------
    lr
        Step size, Algorithm 1's α, above 0.
    beta1, beta2
        Decay of the two means, in [0, 1).
    eps
        ε, above 0, outside the root.

    Examples
    --------
    >>> opt, theta = Adam(lr=0.5), np.array([1.0, 1.0])
    >>> theta, state = opt.step(theta, np.array([3.0, -3.0]), opt.init(theta))
    >>> theta.round(6).tolist(), state.t
    ([0.5, 1.5], 1)
    """

    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        for name in ("lr", "eps"):
            object.__setattr__(self, name, check_positive(name, getattr(self, name)))
        for name in ("beta1", "beta2"):
            beta = check_in_range(name, getattr(self, name), 0.0, 1.0, open_high=True)
            object.__setattr__(self, name, beta)

    def init(self, theta: Array) -> AdamState:
        """No steps taken, both means 0, for a θ (P,)."""
        return AdamState(0, np.zeros_like(theta), np.zeros_like(theta))

    def step(self, theta: Array, grad: Array, state: AdamState) -> tuple[Array, AdamState]:
        """θ (P,) after one step against the gradient (P,), and the state that goes with it.

        Raises
        ------
        ValueError
            A gradient or state of another length than θ.
        """
        theta = check_shape("theta", theta, ("P",))
        grad = check_shape("grad", grad, theta.shape)
        check_shape("state.m", state.m, theta.shape)
        check_shape("state.v", state.v, theta.shape)
        t = check_int("state.t", state.t, minimum=0) + 1
        # m ← β₁ m + (1 − β₁) g
        m = self.beta1 * state.m
        m += (1 - self.beta1) * grad
        # v ← β₂ v + (1 − β₂) g²
        v = grad * grad
        v *= 1 - self.beta2
        v += self.beta2 * state.v
        # θ ← θ − lr · m̂ / (√v̂ + ε), the factor 1/(1 − β₁^t) of m̂ taken into lr
        root = v / (1 - self.beta2**t)
        np.sqrt(root, out=root)
        root += self.eps
        step = self.lr / (1 - self.beta1**t) * m
        step /= root
        return theta - step, AdamState(t, m, v)
