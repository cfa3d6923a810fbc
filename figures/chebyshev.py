"""max(a, b) is the Chebyshev norm of the residual in the frame rotated by φ (paper §2.1).

What to see: the frame has its origin at the prediction, one axis along the line and one across it.
In it the observation has the coordinates (±a, ±b). The squares are balls of the Chebyshev norm,
max(|u|, |v|); the one through the observation has the half-width max(a, b). The circle is the ball
of the Euclidean norm, which is invariant under rotation: its radius is |e| for every slope. The
Lai loss differs from |e| only by the shape of the ball.

What the paper says: the approach "can be easily proven to be equivalent" to that of §2.

What we found: it is. A rotation by −φ takes the residual (0, −e) to (−e sin φ, −e cos φ). Over
random residuals and slopes both norms agree up to rounding, within 1e-15 (relative).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import GREY, annotate
from figures.plotting.geometry import ACROSS, ALONG, draw_points, label, plane, split
from lai_ref import Array, projections

SLOPES = (0.4, -1.6)
X, Y, T = 0.0, 0.0, 2.0
SEED = 0


def compute(settings: Settings) -> Numbers:
    """Two rotated frames, and the largest difference of the two norms over many residuals."""
    count = 1_000 if settings.quick else 1_000_000
    rng = np.random.default_rng(SEED)
    e = rng.standard_normal(count)
    k = np.tan(rng.uniform(-np.pi / 2, np.pi / 2, count))  # uniformly distributed directions
    turned = np.abs(turn(e, k)).max(axis=0)
    lai = np.maximum(*projections(e, k))
    lines = [split(X, Y, T, slope) for slope in SLOPES]
    for line in lines:
        line["coordinates"] = turn(line["e"], line["k"]).tolist()
    return {
        **settings.provenance("chebyshev", seeds=(SEED,)),
        "source": "residuals and slopes drawn at random",
        "lines": lines,
        "compared": count,
        "largest_difference": float((np.abs(turned - lai) / lai).max()),
    }


def turn(e: Any, k: Any) -> Array:
    """The coordinates (u, v) of the observation, along and across the line, from the prediction."""
    # (u, v) = R(−φ) (0, −e)
    vertical = np.array([np.zeros_like(e), np.negative(e)])
    coordinates: Array = np.einsum("ij...,j...->i...", _rotation(np.arctan(k)), vertical)
    return coordinates


def plot(numbers: Numbers) -> Figure:
    """The rotated frames in the plane, with the balls of both norms."""
    figure = Figure(figsize=(10, 5.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, line in zip(panels, numbers["lines"], strict=True):
        u, v = line["coordinates"]
        larger = "b" if line["b"] > line["a"] else "a"
        where = f"k = {line['k']:g}: u = {u:.2f}, v = {v:.2f}".replace("-", "−")
        plane(axes, f"{where}; the square's half-width is {larger}")
        _balls(axes, line)
        draw_points(axes, line)
        _frame(axes, line)
        axes.set(xlim=(-3.4, 3.4), ylim=(-3.1, 3.2))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    figure.supxlabel(
        f"{numbers['compared']:,} random residuals and lines: Chebyshev norm and max(a, b) "
        f"differ by at most {numbers['largest_difference']:.0e} (relative)",
        fontsize=9,
    )
    return figure


def _rotation(phi: Any) -> Array:
    """R(−φ): its rows are the directions along and across the line."""
    return np.array([[np.cos(phi), np.sin(phi)], [-np.sin(phi), np.cos(phi)]])


def _balls(axes: Axes, line: Numbers) -> None:
    """Balls of the Chebyshev norm, the largest through the observation, and Euclid's through it."""
    origin, (along, across) = np.array(line["prediction"]), _rotation(np.radians(line["phi"]))
    corners = np.array([along + across, across - along, -along - across, along - across])
    for fraction in (1 / 3, 2 / 3, 1):
        square = origin + fraction * line["lai"] * corners[[0, 1, 2, 3, 0]]
        largest = fraction == 1
        label = "balls of the Chebyshev norm" if largest else None
        axes.plot(*square.T, color=GREY, lw=2.5 if largest else 0.8, label=label)
    turns = np.linspace(0, 2 * np.pi, 181)
    circle = origin + abs(line["e"]) * np.transpose([np.cos(turns), np.sin(turns)])
    axes.plot(*circle.T, color=GREY, ls=":", label="ball of the Euclidean norm")


def _frame(axes: Axes, line: Numbers) -> None:
    """The rotated axes, and on them the coordinates of the observation."""
    origin, seen = np.array(line["prediction"]), np.array(line["observation"])
    u, v = line["coordinates"]
    along, across = _rotation(np.radians(line["phi"]))
    for direction, value, color, name in (
        (along, u, ALONG, "u = {}a"),
        (across, v, ACROSS, "v = {}b"),
    ):
        ends = origin + 3 * direction, origin - 3 * direction
        axes.annotate("", *ends, arrowprops={"arrowstyle": "->", "color": color})
        annotate(axes, name[0], ends[0], 9 * direction, ha="center", va="center", color=color)
        foot = origin + value * direction
        axes.plot(*np.transpose([seen, foot]), color=color, lw=1, ls="-.", zorder=3)
        larger = abs(value) == max(abs(u), abs(v))
        axes.plot(*np.transpose([origin, foot]), color=color, lw=5 if larger else 2, zorder=4)
        text = name.format("−" if value < 0 else "")
        label(axes, (origin, foot), seen, text, color, bold=larger)
