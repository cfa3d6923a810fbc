"""Monotone cubic interpolation (Fritsch & Butland 1984): no overshoot between the data.

Straight chords of a convex curve lie above it, by more the further apart the data are; a cubic with
the slopes of its neighbours follows the curve, and is monotone wherever the data are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lai_ref import Array


def monotone_cubic(x: npt.ArrayLike, y: npt.ArrayLike, at: npt.ArrayLike) -> Array:
    """The interpolant of (x, y) at the places `at`; x rises, and `at` lies within it."""
    x, y, at = (np.asarray(values, float) for values in (x, y, at))
    if len(x) < 2 or not (np.diff(x) > 0).all():
        raise ValueError(f"x: expected at least two rising numbers, got {x.tolist()}")
    if at.size and not (x[0] <= at.min() and at.max() <= x[-1]):
        raise ValueError(f"at: expected places from {x[0]:g} to {x[-1]:g}, got {at.tolist()}")
    h = np.diff(x)
    d = _slopes(h, np.diff(y) / h)
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(h) - 1)
    u = (at - x[i]) / h[i]
    # Hermite: y and slopes at both ends of the interval
    value: Array = (
        (1 + 2 * u) * (1 - u) ** 2 * y[i]
        + u**2 * (3 - 2 * u) * y[i + 1]
        + h[i] * (u * (1 - u) ** 2 * d[i] - u**2 * (1 - u) * d[i + 1])
    )
    return value


def _slopes(h: Array, chord: Array) -> Array:
    """The slope at each datum: 0 at an extremum, else a weighted harmonic mean of the chords'."""
    if len(h) == 1:
        return np.repeat(chord, 2)
    left, right = chord[:-1], chord[1:]
    w_left, w_right = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    alike = left * right > 0
    inverse = np.divide(w_left, left, where=alike, out=np.ones_like(left))
    inverse += np.divide(w_right, right, where=alike, out=np.ones_like(right))
    inner = np.where(alike, (w_left + w_right) / inverse, 0.0)
    first = _end_slope(h[0], h[1], chord[0], chord[1])
    last = _end_slope(h[-1], h[-2], chord[-1], chord[-2])
    return np.concatenate([[first], inner, [last]])


def _end_slope(h: float, h_next: float, chord: float, chord_next: float) -> float:
    """The slope of the parabola through the last three data, so far as it stays monotone."""
    slope = ((2 * h + h_next) * chord - h * chord_next) / (h + h_next)
    if slope * chord <= 0:
        return 0.0
    return 3 * chord if chord * chord_next < 0 and abs(slope) > 3 * abs(chord) else slope
