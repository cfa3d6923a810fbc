"""Error bounds for a whole training run: the errors of all steps, propagated by the later steps.

Running error analysis of the whole run would add errors that cancel: those of m̂ and √v̂ are
correlated. It is therefore applied to each step alone, from a state (θ, m, v) that is taken as
exact. To first order, the error of the run is then

    |θ̂_n − θ_n| ≤ Σ_s |∂θ_n/∂g_s| E(g_s) + |∂θ_n/∂(θ, m, v)_s| E((θ, m, v)_s)

where E is the bound of the error that step s adds, in its gradient g_s and in Adam, computed in
`Bounded` numbers. Write w_q = ∂θ_n/∂q. For a step (θ, m, v), g → (θ', m', v'), Adam gives

    a = ∂θ'/∂m' = −lr / ((1 − β₁^t) q)      b = ∂θ'/∂v' = lr m̂ / (2 √v̂ (1 − β₂^t) q²)
    W_m = w_m' + a w_θ'                     W_v = w_v' + b w_θ'                     q = √v̂ + ε
    w_m = β₁ W_m     w_v = β₂ W_v           w_g = (1 − β₁) W_m + 2 (1 − β₂) g W_v
    w_θ = w_θ' + H w_g                      H = ∂g/∂θ

evaluated from the last step to the first, for one number of θ_n at a time. H is computed by finite
differences: a few digits are enough for a tolerance. The side of each kink is determined at θ̂, with
the drift as its error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.port_loss import Array
from lai_ref.oracle.tolerances.bounded import AmbiguousBranchError, Bounded, tolerance
from lai_ref.oracle.tolerances.port import BoundedPort, arrays

Row: TypeAlias = Array  # of `Bounded` numbers

H_STEP = 2.0**-20  # step in θ of the finite differences


class State(NamedTuple):
    """θ, m and v (P)."""

    theta: Row
    m: Row
    v: Row


class Step(NamedTuple):
    """One step from a state without errors."""

    g: Row  # with the errors of the gradient only
    after: State  # with the errors of Adam only
    a: Array
    b: Array
    q: Array
    H: Array  # ∂g_q/∂θ_p, one row per p


def free_run(
    state: State,
    t: int,
    gradients: Sequence[Callable[[Row], Row]],
    constants: Mapping[str, float],
) -> list[Row]:
    """θ (P) after each step.

    Parameters
    ----------
    state
        Where the run starts.
    t
        Steps taken before.
    gradients
        For each step, a function that computes its gradient from θ.
    constants
        lr, beta1, beta2, eps.

    Raises
    ------
    AmbiguousBranchError
        The drift may move a number across a kink, or change the sign of a gradient.
    """
    beta1, beta2 = constants["beta1"], constants["beta2"]
    taken: list[Step] = []
    path, drifted = [], state.theta
    for gradient in gradients:
        t += 1
        step = _step(state, t, gradient, constants)
        _check_sign(gradient(drifted), step, (1 - beta2) / (1 - beta2**t))
        taken.append(step)
        drifted = np.array([_drift(taken, p, beta1, beta2) for p in range(len(state.theta))])
        path.append(drifted)
        state = State(*(arrays(_part("value", row)) for row in step.after))
    return path


def _step(
    state: State, t: int, gradient: Callable[[Row], Row], constants: Mapping[str, float]
) -> Step:
    lr, beta1, beta2, eps = (constants[n] for n in ("lr", "beta1", "beta2", "eps"))
    bias1, bias2 = 1 - beta1**t, 1 - beta2**t
    g = gradient(state.theta)
    port = BoundedPort(0.5)  # Adam has no kinks
    grad = arrays(_part("value", g))
    after = State(*port.adam_step(grad=grad, t=t - 1, **state._asdict(), **constants))
    root = np.sqrt(_part("value", after.v) / bias2)
    # q = √v̂ + ε
    q = root + eps
    # a = −lr / ((1 − β₁^t) q)
    a = -lr / bias1 / q
    # b = lr m̂ / (2 √v̂ (1 − β₂^t) q²); where v = 0, g and m are 0 too
    b = lr * _part("value", after.m) / bias1 / (2 * np.where(root, root, 1) * bias2 * q**2)
    moved = _part("value", state.theta) + H_STEP * np.eye(len(g))
    H = [(_part("value", gradient(arrays(row))) - _part("value", g)) / H_STEP for row in moved]
    return Step(g, after, a, b, q, np.array(H))


def _drift(taken: list[Step], p: int, beta1: float, beta2: float) -> Bounded:
    """Number p of the last step's θ, with the errors of all steps."""
    last = taken[-1].after.theta
    w_theta, w_m, w_v = np.eye(len(last))[p], np.zeros(len(last)), np.zeros(len(last))
    rounding = underflow = 0.0
    for g, after, a, b, _, H in reversed(taken):
        # W_m = w_m' + a w_θ';  W_v = w_v' + b w_θ'
        W_m, W_v = w_m + a * w_theta, w_v + b * w_theta
        # w_g = (1 − β₁) W_m + 2 (1 − β₂) g W_v
        w_g = (1 - beta1) * W_m + 2 * (1 - beta2) * _part("value", g) * W_v
        # Σ |w_θ'| E(θ') + |w_m'| E(m') + |w_v'| E(v') + |w_g| E(g)
        for w, errors in zip((w_theta, w_m, w_v, w_g), (*after, g), strict=True):
            rounding += float(np.abs(w) @ _part("rounding", errors))
            underflow += float(np.abs(w) @ _part("underflow", errors))
        # w_m = β₁ W_m;  w_v = β₂ W_v;  w_θ = w_θ' + H w_g
        w_m, w_v = beta1 * W_m, beta2 * W_v
        w_theta = w_theta + H @ w_g
    return Bounded(last[p].value, rounding, underflow)


def _check_sign(drifted: Row, step: Step, weight: float) -> None:
    """Raise an error if rounding may change the sign of a gradient: Adam starts with lr · g/|g|.

    The first-order analysis holds while the error of the gradient is small relative to √v̂ + ε.
    """
    for g, q in zip(drifted, step.q, strict=True):
        if math.sqrt(weight) * tolerance(g, "float32") > q / 4:
            raise AmbiguousBranchError(f"rounding may change the sign of the gradient {g.value}")


def _part(name: str, numbers: Row) -> Array:
    """The value, the rounding or the underflow of each number."""
    return np.array([getattr(number, name) for number in numbers])
