"""A line splits the residual into a part along it and a part across it (paper §2).

What to see: the vertical residual |e| is the hypotenuse of a right triangle. Its legs are a, along
the line up to the foot of the perpendicular from the observation, and b, that perpendicular. Below
45° the perpendicular is the longer leg, above 45° the part along the line. So max(a, b) ≥ |e|/√2,
with equality at k = ±1, where the two legs are equal.

What the paper says: a = e sin φ, b = e cos φ, and "the length of the perpendicular is denoted as b"
in §2, but "the length of the tangent" in §3 (E2).

What we found: §2 is right. With b the perpendicular, a² + b² = e² (Pythagoras); a tangent has no
length. The angle, and hence which leg is longer, depends on the units of x and y.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import GREY
from figures.plotting.geometry import draw_parts, draw_points, plane, split

SLOPES = (0.5, 2.0)
X, Y, T = 0.0, 0.0, 2.0


def compute(settings: Settings) -> Numbers:
    """The triangles of a flat and a steep line, with the same prediction and observation."""
    return {
        **settings.provenance("projection", seeds=()),
        "lines": [split(X, Y, T, k) for k in SLOPES],
    }


def plot(numbers: Numbers) -> Figure:
    """One panel per line."""
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, line in zip(panels, numbers["lines"], strict=True):
        larger = "across the line, b," if line["b"] > line["a"] else "along the line, a,"
        plane(axes, f"slope k = {line['k']:g}: the part {larger} is larger")
        axes.axline(line["prediction"], slope=line["k"], color=GREY, lw=1.5)
        draw_points(axes, line)
        draw_parts(axes, line)
        axes.set(xlim=(-1.6, 3.2), ylim=(-1.3, 2.6))
    return figure
