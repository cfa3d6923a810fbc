"""The paper's line (appendix A) and the lines fitted to it: y = kx + c to t = 3x + 4 + s·u.

x is uniform in ±X and u uniform in ±1. X = 1 throughout: the residual is X times

    e / X = (k − 3)(x/X) + (c − 4)/X − (s/X) u

so X only multiplies the loss, by X^p, and only the noise s as a multiple of X matters.

Derivation, in the infinite-sample limit. With d = |k − 3|, σ = s/X, and the best intercept, 4,

    E|e| / X  = m/2 + n²/(6m), m = max(d, σ), n = min(d, σ)        E e² / X² = (d² + σ²)/3

    L(k) = E|e|^p F_p(k; λ);    |F_p'| / F_p = p/r,  r = k(1 + k²) above the kink, (1 + k²)/k below

For k > 0, where the lowest minimum is (F is even, and d larger at −k), both factors decrease for
k < min(κ, 3) and increase for k > max(κ, 3). The minimum is between κ and 3, where ln F has the
gradient p/r and decreases towards κ: above the kink if κ < 3, below it if κ > 3. There L' = 0 at
the noise σ(k):

    MSE   σ(k)² = d (r − d)
    MAE   σ(k)² = d (2r − d)/3 where r ≥ 2d, else 3d² (r − d)/(r + d)

L decreases towards the kink where σ > σ(k), towards 3 where σ < σ(k).

κ > 3: σ(k) increases with k. The minimum, k₊ with σ(k₊) = σ, moves away from 3 as the noise grows,
and ends at the kink: the phase boundary is σ(κ). Below it λ is only a constant factor of L, the
distance across the line, |e|^p |cos φ|^p. For MSE (total least squares),

    3k₊² − (8 + σ²) k₊ − 3 = 0,  k₊ = (8 + σ² + √((8 + σ²)² + 36))/6
    boundary σ² = (κ − 3)(3 + 1/κ)

κ < 3: σ(k) increases from 0 at k = 1 to its maximum at k_m = 9/4 (MSE, σ² = 9.67) or 2.217 (MAE,
σ² = 6.64; the real root of 4k³ − 9k² + 3k − 6), and decreases to 0 at k = 3. For κ > k_m the
minimum moves from 3 to the kink as the noise grows: the boundary is again σ(κ). For κ < k_m there
are two minima where σ(κ) < σ < σ(k_m), at the kink and at a k_b > k_m. The lower one jumps from k_b
to the kink where L(κ) = L(k_b). For MSE this equation is a quartic in κ with the double root k_b:

    κ² − 2δκ − δ k_b = 0, δ = 3 − k_b:    κ = δ + √(3δ);    boundary σ² = δ (k_b³ + 2 k_b − 3)

so that δ = (√(3 + 4κ) − √3)²/4. For κ ≤ 1 the kink is a local minimum at any noise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lai_ref import Array, lai_factor

SLOPE, INTERCEPT = 3.0, 4.0
# k_m, where σ(k) has its maximum for k < 3, by p
SUMMIT = {1: float(np.roots([4, -9, 3, -6]).real.max()), 2: 2.25}


def kink_at(lam: float, order: int) -> float:
    """The kink κ = λ^(1/p)."""
    return float(lam ** (1 / order))


def draw(noise: float, rows: int, seed: int = 0) -> tuple[Array, Array]:
    """x and t, each (N,), with the same x and u for every noise level."""
    x, u = np.random.default_rng(seed).uniform(-1, 1, (2, rows))
    return x, SLOPE * x + INTERCEPT + noise * u


def errors(k: Array | float, c: Array | float, x: Array, t: Array, order: int) -> Array:
    """mean |e|^p of the lines with slopes k and intercepts c, in their broadcast shape."""
    e = np.asarray(k)[..., None] * x + np.asarray(c)[..., None] - t
    return np.asarray((np.abs(e) ** order).mean(axis=-1))


def best_intercepts(k: Array, x: Array, t: Array, order: int) -> Array:
    """The c that minimises mean |e|^p, and with it the Lai loss, for each slope of k (K,)."""
    rest = t - k[:, None] * x
    return np.asarray(np.median(rest, axis=1) if order == 1 else rest.mean(axis=1))


def minima(x: Array, t: Array, lam: float | None, order: int) -> list[dict[str, float]]:
    """The local minima {k, c, loss} of the Lai loss over (k, c), the lowest first.

    With `lam` None, the minima of mean |e|^p. For each k the best c is given by a formula, so the
    search is over k: a grid that is fine near 0 and contains the kinks, then finer ones about the
    minima.
    """
    kink = 1.0 if lam is None else kink_at(lam, order)
    far = np.arcsinh(4 * max(kink, 10.0))
    k = np.union1d(np.sinh(np.linspace(-far, far, 361)), [-kink, kink])

    def lowest_for(k: Array) -> tuple[Array, Array]:
        c = best_intercepts(k, x, t, order)
        loss = errors(k, c, x, t, order)
        return c, loss if lam is None else loss * lai_factor(k, lam, order)

    _, loss = lowest_for(k)
    inner = loss[1:-1]
    found = []
    for i in 1 + np.flatnonzero((inner < loss[:-2]) & (inner <= loss[2:])):
        near = k[i - 1 : i + 2]
        for _ in range(7):
            near = np.union1d(np.linspace(near[0], near[-1], 13), near)
            c, values = lowest_for(near)
            at = int(values.argmin())
            best = {"k": float(near[at]), "c": float(c[at]), "loss": float(values[at])}
            near = near[max(at - 1, 0) : at + 2]
        found.append(best)
    return sorted(found, key=lambda minimum: minimum["loss"])


def reach(f: Callable[[float], float], at: float, tolerance: float) -> tuple[float, float]:
    """The ends of the interval about `at` in which f stays below (1 + tolerance) f(at)."""
    level = (1 + tolerance) * f(at)

    def edge(side: int) -> float:
        step = 1e-4
        while f(at + side * step) <= level:
            step *= 1.2
        low, high = step / 1.2, step
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if f(at + side * middle) <= level else (low, middle)
        return at + side * high

    return edge(-1), edge(1)


def expected_error(k: Array | float, noise: Array | float, order: int) -> Array:
    """E|e|^p / X^p for lines of slope k with the best intercept, with noise s/X."""
    d = np.abs(np.subtract(k, SLOPE))
    if order == 2:
        return np.asarray((d**2 + np.square(noise)) / 3)
    m, n = np.maximum(d, noise), np.minimum(d, noise)
    return np.asarray(m / 2 + n**2 / (6 * m))


def stationary_noise(k: Array | float, order: int) -> Array:
    """σ(k): the noise at which L'(k) = 0 between the kink and 3; 0 for k < 1."""
    k = np.asarray(k, dtype=float)
    d = np.abs(k - SLOPE)
    r = np.where(k < SLOPE, k * (1 + k**2), (1 + k**2) / k)
    if order == 2:
        square = d * (r - d)
    else:
        square = np.where(r >= 2 * d, d * (2 * r - d) / 3, 3 * d**2 * (r - d) / (r + d))
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def border(kink: float, order: int) -> float:
    """The phase boundary: for noise s/X above it, the minimum is at the kink λ^(1/p)."""
    if kink >= SUMMIT[order]:
        return float(stationary_noise(kink, order))

    def excess(k: float) -> float:
        ends = np.array([kink, k])
        values = expected_error(ends, stationary_noise(k, order), order)
        return float(np.diff(values * lai_factor(ends, kink**order, order))[0])

    # L(κ) = L(k_b) at the noise σ(k_b)
    return float(stationary_noise(_root(excess, SUMMIT[order], SLOPE), order))


def basin_slope(noise: float, order: int) -> float:
    """k₊: the slope at the minimum for every kink above it."""
    if order == 2:
        b = 8 + noise**2
        return float((b + np.hypot(b, 6)) / 6)
    return _root(lambda k: noise - float(stationary_noise(k, 1)), SLOPE, SLOPE + 1 + noise**2)


def minimum_slope(kink: float, noise: float, order: int) -> float:
    """k at the minimum by the derivation."""
    if noise >= border(kink, order):
        return kink
    if kink > SLOPE:
        return basin_slope(noise, order)
    return _root(lambda k: noise - float(stationary_noise(k, order)), SUMMIT[order], SLOPE)


def _root(f: Callable[[float], float], low: float, high: float) -> float:
    """The zero of f in [low, high], by bisection."""
    positive = f(low) > 0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (f(middle) > 0) == positive else (low, middle)
    return (low + high) / 2
