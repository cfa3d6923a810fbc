"""Monotone cubic interpolation (Fritsch & Carlson 1980): smooth, and without overshoot.

From x_i to x_{i+1} = x_i + h_i, with u = (x − x_i)/h_i, the interpolant is Hermite's cubic

    s = (1 + 2u)(1 − u)² y_i + u (1 − u)² h_i m_i + u² (3 − 2u) y_{i+1} − u² (1 − u) h_i m_{i+1}

With the slopes of the chords δ_i = (y_{i+1} − y_i)/h_i, the derivatives m_i are initially those of
the parabola through three neighbours, or 0 where the chords differ in sign:

    m_i = (h_i δ_{i−1} + h_{i−1} δ_i) / (h_{i−1} + h_i),    at the ends m = δ

An interval is monotone if (m_i² + m_{i+1}²) ≤ 9 δ_i²; otherwise both are scaled down to equality.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lai_ref import Array


def monotone_interp(at: npt.ArrayLike, x: npt.ArrayLike, y: npt.ArrayLike) -> Array:
    """Interpolate the points (x, y) at the places `at`; x strictly increases.

    Outside the points the interpolant is constant, as with `numpy.interp`.
    """
    at, x, y = (np.asarray(values, float) for values in (at, x, y))
    if len(x) == 1:
        return np.full(at.shape, y[0])
    h = np.diff(x)
    if (h <= 0).any():
        raise ValueError(f"x: expected strictly increasing values, got {x.tolist()}")
    delta = np.diff(y) / h
    m = _derivatives(h, delta)

    at = np.clip(at, x[0], x[-1])
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(h) - 1)
    u = (at - x[i]) / h[i]
    result: Array = (
        (1 + 2 * u) * (1 - u) ** 2 * y[i]
        + u * (1 - u) ** 2 * h[i] * m[i]
        + u**2 * (3 - 2 * u) * y[i + 1]
        - u**2 * (1 - u) * h[i] * m[i + 1]
    )
    return result


def _derivatives(h: Array, delta: Array) -> Array:
    m = np.concatenate([delta[:1], np.zeros(len(h) - 1), delta[-1:]])
    m[1:-1] = (h[1:] * delta[:-1] + h[:-1] * delta[1:]) / (h[:-1] + h[1:])
    m[1:-1][delta[:-1] * delta[1:] <= 0] = 0.0
    for i, chord in enumerate(delta):  # in turn: a derivative belongs to two intervals
        norm = np.hypot(m[i], m[i + 1])
        if norm > 3 * abs(chord):
            m[i : i + 2] *= 3 * abs(chord) / norm
    return m
