"""The error bound of a training run against differences of whole runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lai_ref.oracle.tolerances.bounded import (
    AmbiguousBranchError,
    Bounded,
    branch,
    tolerance,
)
from lai_ref.oracle.tolerances.drift import State, free_run
from lai_ref.oracle.tolerances.port import arrays
from lai_ref.support.validation import Array

A = np.array([[2.0, 0.5], [0.5, 1.0]])

CONSTANTS = {"lr": 0.0625, "beta1": 0.875, "beta2": 0.75, "eps": 0.125}


def at_rest(*theta: float) -> State:
    """θ, with m = v = 0."""
    return State(arrays(theta), arrays([0.0] * len(theta)), arrays([0.0] * len(theta)))


def linear(loud: int | None = None, error: float = 0.0) -> Callable[[Array], Array]:
    """The gradient A θ, with an additional error in its number `loud`."""

    def gradient(theta: Array) -> Array:
        g = [sum((a * th.value for a, th in zip(row, theta, strict=True)), 0.0) for row in A]
        return np.array([Bounded(g_p, error * (p == loud)) for p, g_p in enumerate(g)])

    return gradient


def adam_run(nudge: dict[tuple[int, int], float], steps: int) -> Array:
    """Adam with the gradient A θ in floats; nudge[s, p] is added to the gradient of step s."""
    theta, m, v = np.array([1.0, -0.75]), np.zeros(2), np.zeros(2)
    b1, b2 = CONSTANTS["beta1"], CONSTANTS["beta2"]
    for s in range(1, steps + 1):
        g = A @ theta + [nudge.get((s, p), 0.0) for p in range(2)]
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        root = np.sqrt(v / (1 - b2**s)) + CONSTANTS["eps"]
        theta = theta - CONSTANTS["lr"] * m / (1 - b1**s) / root
    return theta


@pytest.mark.parametrize("loud", [0, 1])
@pytest.mark.parametrize("steps", [1, 2, 5, 12])
def test_drift_is_the_derivative_of_the_run(steps: int, loud: int) -> None:
    """The effect of an error in one gradient on the last θ, against differences of runs."""
    start = at_rest(1.0, -0.75)
    error, h = 1e3, 1e-6
    quiet = free_run(start, 0, [linear()] * steps, CONSTANTS)[-1]
    for s in range(1, steps + 1):
        gradients = [linear(loud, error) if r == s else linear() for r in range(1, steps + 1)]
        noisy = free_run(start, 0, gradients, CONSTANTS)[-1]
        change = adam_run({(s, loud): h}, steps) - adam_run({(s, loud): -h}, steps)
        for p in range(2):
            assert noisy[p].value == pytest.approx(adam_run({}, steps)[p], rel=1e-13)
            carried = (noisy[p].rounding - quiet[p].rounding) / error
            assert carried == pytest.approx(abs(change[p]) / (2 * h), rel=1e-4, abs=1e-8)


def test_drift_counts_every_step() -> None:
    """Errors of several steps and of Adam add up."""
    start = at_rest(1.0, -0.75)
    roundings = []
    for noisy in ((), (1,), (3,), (1, 3)):
        gradients = [linear(0, 1e3) if s in noisy else linear() for s in range(1, 5)]
        roundings.append(free_run(start, 0, gradients, CONSTANTS)[-1][1].rounding)
    none, first, third, both = roundings
    assert none > 4 * 0.5
    assert both - none == pytest.approx((first - none) + (third - none))


def test_a_gradient_of_errors_alone_is_refused() -> None:
    """Adam's first step is ±lr, with the sign of the gradient, which rounding may change."""
    start = at_rest(1.0, -0.75)
    with pytest.raises(AmbiguousBranchError, match="change the sign of the gradient"):
        free_run(start, 0, [linear(0, 1e7)], CONSTANTS)


def test_drift_where_a_gradient_is_zero() -> None:
    """A dead unit: m = v = 0, and θ does not change."""
    start = at_rest(1.0, -0.75)

    def gradient(theta: Array) -> Array:
        return np.array([theta[0] * 2, Bounded(0.0)])

    change, still = free_run(start, 0, [gradient] * 3, CONSTANTS)[-1]
    assert change.value < 1
    assert (still.value, still.rounding) == (-0.75, 3 * 0.75)


def test_kinks_are_decided_at_the_drifted_run() -> None:
    """The θ of one run is far from the kink, but not every θ within the drift."""
    start = at_rest(1.0)

    def smooth(theta: Array) -> Array:
        return theta * 2

    (first,) = free_run(start, 0, [smooth], CONSTANTS)[-1]

    def kinked(distance: float) -> Callable[[Array], Array]:
        return lambda theta: theta * (2 + branch(theta[0], first.value + distance, 0.5))

    drift = tolerance(first, "float32")
    free_run(start, 0, [smooth, kinked(2 * drift)], CONSTANTS)
    with pytest.raises(AmbiguousBranchError, match="rounding may change the order"):
        free_run(start, 0, [smooth, kinked(0.9 * drift)], CONSTANTS)
