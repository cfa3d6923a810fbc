"""The loss of a line: F, L and their derivatives over the slope, the minima, gradient descent.

The model is that of tutorial 03. A line y = kx + 4 is fitted to infinitely many samples

    t = 3x + 4 + s u      x uniform in ±X, u uniform in ±1; the window plots 150, with X = 1

(For every slope k the intercept 4 is optimal, since the noise is symmetric.) A line has the same
slope at every x. So the loss, an expectation over the samples, is a product of two functions of k:

    L(k) = Q(k) F(k)      Q = E|e|^p, e = kx + 4 − t        p = 1: Lai MAE, p = 2: Lai MSE
    F(k) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)       kinks at ±κ, κ = λ^(1/p)

With d = |k − 3|, the noise σ = s/X, m = max(d, σ) and n = min(d, σ), and in units of X^p:

    p = 2:  Q = (d² + σ²)/3            dQ/dd = 2d/3
    p = 1:  Q = m/2 + n²/(6m)          dQ/dd = 1/2 − n²/(6m²) if d > σ, else n/(3m)

    L' = Q' F + Q F'                   Q' = dQ/dd · sign(k − 3)

Gradient descent repeats k ← k − η L'(k). After each step the learning rate η is doubled, then
reduced to a step of at most `LONGEST_STEP`, then halved until L decreases by at least η L'²/2
(Armijo's rule). For a step below `ARMIJO_STEP` any decrease is enough; otherwise the descent would
stop at a kink that is not a minimum. It ends if no step above `SHORTEST_STEP` decreases the loss.

The lowest local minimum of L is the global minimum; the others are spurious minima. *The trap* is a
spurious minimum with the wrong sign, k < 0. (A step can cross a trap that is narrower.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lai_ref import lai_factor, lai_factor_derivative

Array = np.ndarray[Any, np.dtype[np.float64]]

SLOPE, INTERCEPT = 3.0, 4.0  # of the line that the samples scatter about
K_RANGE = (-6.5, 7.5)
GRID = np.linspace(*K_RANGE, 2801)
SHORTEST_STEP, ARMIJO_STEP, LONGEST_STEP = 1e-4, 1e-3, 0.05
MAX_STEPS = 200
GLOBAL, SPURIOUS, TRAP = "global minimum", "spurious minimum", "the trap"


@dataclass(frozen=True)
class Minimum:
    """A local minimum of L at the slope k; its kind is GLOBAL, SPURIOUS or TRAP."""

    k: float
    loss: float
    kind: str


@dataclass(frozen=True, eq=False)  # two states are equal only if they are the same object
class State:
    """What the window shows for one setting of its controls; losses in units of X^p."""

    lam: float
    noise: float  # σ = s/X
    p: int
    start: float
    kink: float  # κ
    k: Array  # (K,), with −κ and κ among them
    F: Array  # (K,)
    dF: Array  # (K,)
    loss: Array  # (K,)
    minima: tuple[Minimum, ...]  # in ascending order of k
    path: Array  # (steps + 1,), slopes from the start to the end of the descent
    path_loss: Array  # (steps + 1,)

    @property
    def best(self) -> Minimum:
        return min(self.minima, key=lambda minimum: minimum.loss)

    @property
    def end(self) -> Minimum:
        """The minimum nearest to the end of the descent."""
        return min(self.minima, key=lambda minimum: abs(minimum.k - self.path[-1]))


def mean_error(k: Array, noise: float, p: int) -> tuple[Array, Array]:
    """Q = E|e|^p and Q' = dQ/dk, in units of X^p."""
    d = np.abs(k - SLOPE)
    side = np.sign(k - SLOPE)
    if p == 2:
        return (d**2 + noise**2) / 3, side * 2 * d / 3
    m = np.maximum(np.maximum(d, noise), np.finfo(float).tiny)  # both are 0 at k = 3 without noise
    n = np.minimum(d, noise)
    ratio = n / m
    return m / 2 + n * ratio / 6, side * np.where(d > noise, 1 / 2 - ratio**2 / 6, ratio / 3)


def loss(k: Array, lam: float, noise: float, p: int) -> Array:
    """L(k) = Q F."""
    return mean_error(k, noise, p)[0] * lai_factor(k, lam, order=p)


def loss_derivative(k: Array, lam: float, noise: float, p: int) -> Array:
    """L'(k) = Q' F + Q F'."""
    Q, dQ = mean_error(k, noise, p)
    return dQ * lai_factor(k, lam, order=p) + Q * lai_factor_derivative(k, lam, order=p)


def find_minima(k: Array, values: Array, lam: float, noise: float, p: int) -> tuple[Minimum, ...]:
    """The local minima of L: those among the nodes k, each refined on finer and finer grids."""
    found = []
    for i in 1 + np.flatnonzero(values[1:-1] < np.minimum(values[:-2], values[2:])):
        node = k[i]
        width = k[1] - k[0]
        for _ in range(5):
            near = node + width * np.linspace(-1, 1, 41)  # includes the node, which may be a kink
            near = np.clip(near, k[i - 1], k[i + 1])
            node = near[loss(near, lam, noise, p).argmin()]
            width /= 15
        found.append((float(loss(node, lam, noise, p)), float(node)))
    best = min(found)
    return tuple(
        Minimum(slope, value, GLOBAL if (value, slope) == best else SPURIOUS if slope > 0 else TRAP)
        for value, slope in found
    )


def descend(lam: float, noise: float, p: int, start: float) -> tuple[Array, Array]:
    """The slopes and losses of gradient descent from `start`."""
    path = [start]
    losses = [float(loss(start, lam, noise, p))]
    rate = 1e100  # the first step is the longest
    while len(path) <= MAX_STEPS:
        gradient = float(loss_derivative(path[-1], lam, noise, p))
        step = float(np.clip(rate * abs(gradient), ARMIJO_STEP, LONGEST_STEP))
        while True:
            k = path[-1] - step * np.sign(gradient)
            value = float(loss(k, lam, noise, p))
            required = step * abs(gradient) / 2 if step >= ARMIJO_STEP else 0.0
            if value < losses[-1] - required:
                break
            step /= 2
            if step < SHORTEST_STEP:
                return np.array(path), np.array(losses)
        path.append(k)
        losses.append(value)
        rate = 2 * step / abs(gradient)  # the next step may be longer again
    return np.array(path), np.array(losses)


def compute(lam: float, noise: float, p: int, start: float) -> State:
    """Compute everything that the window shows from the values of its four controls."""
    kink = lam ** (1 / p)
    others = np.abs(np.abs(GRID) - kink) > 1e-6  # no two nodes differ only by rounding
    k = np.union1d(GRID[others], [-kink, kink])
    values = loss(k, lam, noise, p)
    path, path_loss = descend(lam, noise, p, start)
    return State(
        lam=lam,
        noise=noise,
        p=p,
        start=start,
        kink=kink,
        k=k,
        F=lai_factor(k, lam, order=p),
        dF=lai_factor_derivative(k, lam, order=p),
        loss=values,
        minima=find_minima(k, values, lam, noise, p),
        path=path,
        path_loss=path_loss,
    )


def describe(state: State) -> dict[str, str]:
    """The numbers of a state as text, by label."""
    slopes = {
        kind: ", ".join(f"{minimum.k:.3f}" for minimum in state.minima if minimum.kind == kind)
        for kind in (GLOBAL, SPURIOUS, TRAP)
    }
    if state.best.k == state.kink:
        slopes[GLOBAL] += " = κ"
    steps = len(state.path) - 1
    words = {
        "kinks at k =": f"±{state.kink:.3f}",
        **{f"{kind} at k =": slope or "none" for kind, slope in slopes.items()},
        "descent ends in": "no minimum yet" if steps == MAX_STEPS else state.end.kind,
        "at k =": f"{state.path[-1]:.3f}",
        "after": f"{steps} steps",
    }
    return {name: text.replace("-", "−") for name, text in words.items()}
