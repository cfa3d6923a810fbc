"""The residual split along and across a line (paper §2, §3), for three figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Arc

from figures.experiments.settings import Numbers
from figures.plotting.drawing import BOX, DARK_TO_LIGHT, GREY, annotate
from lai_ref import projections

RESIDUAL, ALONG, ACROSS = DARK_TO_LIGHT[:3]


def split(x: float, y: float, t: float, k: float) -> Numbers:
    """The prediction (x, y), the observation (x, t), and the foot of its perpendicular on the line.

    The line goes through the prediction with slope k; a and b are the lengths of §2.
    """
    e, phi = y - t, float(np.arctan(k))
    (a,), (b,) = projections([e], [k])
    # foot = prediction − e sin φ (cos φ, sin φ)
    along = -e * np.sin(phi)
    foot = [x + float(along * np.cos(phi)), y + float(along * np.sin(phi))]
    return {
        "k": k,
        "phi": float(np.degrees(phi)),
        "e": e,
        "a": float(a),
        "b": float(b),
        "lai": float(max(a, b)),
        "prediction": [x, y],
        "observation": [x, t],
        "foot": foot,
    }


def draw_points(axes: Axes, part: Numbers) -> None:
    """The prediction, a filled circle; the observation, an empty square; the residual, dashed."""
    p, t = part["prediction"], part["observation"]
    axes.plot(*zip(p, t, strict=True), color=RESIDUAL, ls="--", lw=1.8, zorder=3, label="residual")
    axes.plot(*p, "o", color=RESIDUAL, ms=8, zorder=6, label="prediction")
    axes.plot(*t, "s", mec=RESIDUAL, mfc="white", mew=1.8, ms=8, zorder=6, label="observation")


def draw_parts(axes: Axes, part: Numbers) -> None:
    """a along the line and b across it, the larger one thick; the right angle; φ at both ends."""
    p, t, q = (np.array(part[name]) for name in ("prediction", "observation", "foot"))
    centre = (p + t + q) / 3
    a, b, e = part["a"], part["b"], abs(part["e"])
    label(axes, (p, t), centre, f"|e| = {e:.2f}", RESIDUAL)
    for ends, length, color, name in (
        ((p, q), a, ALONG, f"a = |e| |sin φ| = {a:.2f}"),
        ((t, q), b, ACROSS, f"b = |e| |cos φ| = {b:.2f}"),
    ):
        larger = length == part["lai"]
        axes.plot(
            *np.transpose(ends), color=color, lw=5 if larger else 2, solid_capstyle="butt", zorder=4
        )
        text = f"{name}\nthe larger part: Lai" if larger else name
        label(axes, ends, centre, text, color, bold=larger)
    free = -np.sign(q[0] - p[0])  # the side of the residual on which the triangle is not
    up = -free * np.sign(part["k"])  # away from the line
    for name, text in (("prediction", "predicted y"), ("observation", "observed t")):
        sides = {"ha": "left" if free > 0 else "right", "va": "bottom" if up > 0 else "top"}
        annotate(axes, text, part[name], (9 * free, 5 * up), **sides)
    _right_angle(axes, p, t, q)
    _angles(axes, part, free)


def label(
    axes: Axes, ends: Any, away_from: Any, text: str, color: str, *, bold: bool = False
) -> None:
    """Text beside the middle of a segment, on the side away from `away_from`."""
    start, end = np.array(ends)
    middle = (start + end) / 2
    normal = np.array([start[1] - end[1], end[0] - start[0]]) / np.hypot(*(end - start))
    normal *= np.sign(normal @ (middle - away_from))
    sides = {"ha": "left" if normal[0] > 0 else "right", "va": "bottom" if normal[1] > 0 else "top"}
    if abs(normal[1]) < 0.25:
        sides["va"] = "center"
    look = {"color": color, "weight": "bold" if bold else "normal", "bbox": BOX, "zorder": 2.5}
    annotate(axes, text, middle, 9 * normal, **sides, **look)


def plane(axes: Axes, title: str) -> None:
    """Axes with equal scales, on which right angles and lengths look right."""
    axes.grid(False)
    axes.set(aspect="equal", xlabel="x", ylabel="y", title=title)


def _right_angle(axes: Axes, p: Any, t: Any, q: Any) -> None:
    size = 0.09 * np.hypot(*(t - p))
    u, v = ((end - q) / np.hypot(*(end - q)) * size for end in (p, t))
    axes.plot(*np.transpose([q + u, q + u + v, q + v]), color=GREY, lw=1.2, zorder=3)


def _angles(axes: Axes, part: Numbers, side: float) -> None:
    """φ between the horizontal and the line, and again between e and b."""
    p, t, phi = part["prediction"], part["observation"], part["phi"]
    size = 0.32 * abs(part["e"])
    axes.plot([p[0], p[0] + 1.75 * side * size], [p[1], p[1]], color=GREY, lw=1, ls=":")
    level, vertical = (0 if side > 0 else 180), (270 if t[1] > p[1] else 90)
    for corner, start, reach in ((p, level, 1.5), (t, vertical, 1.3)):
        first, last = sorted((start, start + phi))
        axes.add_patch(Arc(corner, 2 * size, 2 * size, theta1=first, theta2=last, color=GREY))
        middle = np.radians(start + phi / 2)
        place = np.add(corner, reach * size * np.array([np.cos(middle), np.sin(middle)]))
        axes.annotate("φ", tuple(place), ha="center", va="center", color=GREY)
