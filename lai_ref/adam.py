"""Adam (Kingma & Ba 2015, Algorithm 1) for one flat parameter vector θ and its gradient g.

t ← t + 1
m ← β₁ m + (1 − β₁) g              m̂ = m / (1 − β₁^t)
v ← β₂ v + (1 − β₂) g²             v̂ = v / (1 − β₂^t)
θ ← θ − lr · m̂ / (√v̂ + ε)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_in_range, check_int, check_positive, check_shape


class AdamState(NamedTuple):
    """The number of steps, and the moving averages of the gradient and of its square, (P,)."""

    t: int
    m: Array
    v: Array


@dataclass(frozen=True)
class Adam:
    """The optimiser's constants; an `AdamState` holds what changes from step to step.

    Parameters
    ----------
    lr
        Learning rate, Algorithm 1's α, positive.
    beta1, beta2
        Decay rates of m and v, in [0, 1).
    eps
        ε, positive, added outside the root.

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
        """The state before the first step for a θ (P,): t, m and v are 0."""
        theta = check_shape("theta", theta, ("P",))
        return AdamState(0, np.zeros_like(theta), np.zeros_like(theta))

    @ignores_error_state
    def step(self, theta: Array, grad: Array, state: AdamState) -> tuple[Array, AdamState]:
        """θ (P,) and the state after one step with the gradient (P,).

        Raises
        ------
        ValueError
            A gradient or state that is not as long as θ.
        """
        theta = check_shape("theta", theta, ("P",))
        grad = check_shape("grad", grad, theta.shape)
        check_shape("state.m", state.m, theta.shape)
        check_shape("state.v", state.v, theta.shape)
        t = check_int("state.t", state.t, minimum=0) + 1
        m = self.beta1 * state.m + (1 - self.beta1) * grad
        v = self.beta2 * state.v + (1 - self.beta2) * (grad * grad)
        # lr · m̂ / (√v̂ + ε), with the factor 1/(1 − β₁^t) of m̂ moved into lr
        lr = self.lr / (1 - self.beta1**t)
        return theta - lr * m / (np.sqrt(v / (1 - self.beta2**t)) + self.eps), AdamState(t, m, v)
