"""On a curve the tangent replaces the line: its slope is the input gradient at each point (§3).

What to see: the output of a small network at two points. Where the curve is flat, the larger part
of the residual is the one across the tangent, b; where it is steep, the one along it, a. Each slope
is the network's input gradient k = ∂y/∂x at that point. The foot of the perpendicular is on the
tangent, not on the curve.

What the paper says: a curve is made of "myriad linear regression segments, and its loss is
equivalent to the average of all the linear regression losses".

What we found: this is true by definition: with one feature and λ = 1, Lai MAE of the two points is
the mean of the two thick lengths. Since each sample has its own k, the loss acts on the slope at
the samples, with the weight of their residuals, and on "the overall average gradients of the model"
only through these.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import GREY
from figures.plotting.geometry import draw_parts, draw_points, plane, split
from lai_ref import MLP, Lai

# y = 1.4 tanh(1.5 (x + 2.2)) + 1.2 tanh(0.4 (x − 1)) + 0.1
NET = MLP((1, 2, 1), "tanh")
THETA = np.array([1.5, 0.4, 3.3, -0.4, 1.4, 1.2, 0.1])
X = np.array([[-2.3], [2.2]])
T = np.array([1.3, 0.1])


def compute(settings: Settings) -> Numbers:
    """The curve, the split residual at two of its points, and the Lai loss of the two."""
    x = np.linspace(-4, 4, 161)
    y, tape = NET.forward(THETA, X)
    k, _ = NET.input_gradient(tape)
    value, _, _ = Lai(lam=1.0, order=1)(y, T, k)
    samples = zip(X[:, 0].tolist(), y.tolist(), T.tolist(), k[:, 0].tolist(), strict=True)
    return {
        **settings.provenance("tangent", seeds=()),
        "curve": {"x": x.tolist(), "y": NET.predict(THETA, x[:, None]).tolist()},
        "points": [split(*sample) for sample in samples],
        "lai_mae": float(value),
    }


def plot(numbers: Numbers) -> Figure:
    """The curve, and at each point the tangent and the triangle."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots()
    lengths = " and ".join(f"{point['lai']:.2f}" for point in numbers["points"])
    plane(
        axes,
        "the larger part is along a steep tangent, and across a flat one:\n"
        f"Lai MAE with λ = 1 is {numbers['lai_mae']:.2f}, the mean of {lengths}",
    )
    x, y = (numbers["curve"][name] for name in "xy")
    axes.plot(x, y, color=GREY, lw=3, label="y = f(x; θ), a network's output")
    for point in numbers["points"]:
        x, phi = point["prediction"][0], np.radians(point["phi"])
        ends = x + 2.8 * np.cos(phi) * np.array([-1, 1])
        tangent = point["prediction"][1] + point["k"] * (ends - x)
        name = f"tangent at x = {x:g}: k = ∂y/∂x = {point['k']:.2f}".replace("-", "−")
        axes.plot(ends, tangent, color=GREY, lw=1, ls="-.", label=name)
    axes.legend(loc="lower right")
    for point in numbers["points"]:
        draw_points(axes, point)
        draw_parts(axes, point)
    axes.set(xlim=(-4, 4), ylim=(-2.7, 2.7))
    return figure
