"""Which slope the loss favours: the factor F over the angle and over the slope (§2.2, §3.1).

What to see: above, F of Lai MAE over the angle φ, the maximum of two branches: for λ = 1 the
paper's max(sin φ, cos φ), then λ = 0.5, divided by λ, and λ = 2. Below, F over k = tan φ: it
decreases from max(λ, 1) at k = 0 to a kink, and then increases to 1/min(λ, 1). Last, |F'| for
λ = 0.01 with and without the division by λ.

What the paper says (§2.2): the loss lets k "slide" to a boundary, which λ puts "anywhere". With a
small λ "the gradient of loss also tends to be minimal", it may vanish; dividing by λ circumvents
that, and keeps the loss near the true one.

What we found. F has its minimum at k = λ for Lai MAE, as claimed, and at √λ for Lai MSE as printed
(E3), at −k as well as at k. With a small λ, however, k slides down to the kink but is scarcely
pushed up to it: from k = 0 to the kink F falls by the fraction λ²/2 (MAE) or λ (MSE), 5e-7 and 1e-3
for λ = 1e-3.

Without the division, the whole loss vanishes below the kink: F ≤ λ there, which also scales the
gradient towards the data, and |F'| ≤ λ² (MAE) or 2 λ√λ (MSE). Above the kink it does not vanish: F'
starts near 1 (MAE), or near 2 √λ and grows to 0.65 (MSE). The division multiplies F and F' by 1/λ
everywhere. Below the kink F is then nearly 1, so the gradient towards the data is restored, but
|F'| stays small, ≤ λ or 2 √λ. Above it |F'| grows to 1/λ or 0.65/λ, and F to 1/λ: a thousand times
the true loss for λ = 1e-3 and a steep model. So "near the true loss" holds for flat models only.

The ratio F'/F, the weight of k relative to the residual, does not change. Adam is nearly invariant
to the scale of a loss: if all of the loss were Lai, its steps would be nearly the same with and
without the division. Beside a baseline loss (§5) the division matters: Lai gets 1/λ times the
weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.line_data import kink_at
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.geometry import ACROSS, ALONG
from figures.plotting.words import KINKS, NAMES
from lai_ref import Array, lai_factor, lai_factor_derivative, projections

LAMS = (0.5, 1.0, 2.0)
WAYS = {"with": "divided", "without": "undivided"}
SMALL = (1e-1, 1e-2, 1e-3)
SHOWN = 1e-2  # the λ whose F' is drawn
BESIDE = 1e-12  # relative distance from the kink at which its two sides are evaluated


def compute(settings: Settings) -> Numbers:
    """The curves, the minimum of F and what dividing by min(λ, 1) does, for each λ and order."""
    return {
        **settings.provenance("factor", seeds=()),
        "angles": [_over_angle(lam) for lam in (1.0, 0.5, 2.0)],
        "curves": [_over_slope(lam, order) for lam in (0.5, 2.0) for order in NAMES],
        "slopes": [_derivative_curve(SHOWN, order) for order in NAMES],
        "minima": [_minimum(lam, order) for lam in (*SMALL[::-1], *LAMS) for order in NAMES],
        "normalising": [_normalising(lam, order) for lam in SMALL for order in NAMES],
    }


def _over_angle(lam: float) -> Numbers:
    kink = float(np.degrees(np.arctan(lam)))
    phi = np.unique([*np.linspace(-90, 90, 61), -kink, kink])
    k = np.tan(np.radians(phi))
    along, across = projections(np.ones_like(k), k)  # |sin φ|, |cos φ|
    return {
        "lam": lam,
        "kink": kink,
        "phi": phi.tolist(),
        "factor": lai_factor(k, lam, order=1).tolist(),
        "along": (along / min(lam, 1)).tolist(),
        "across": (across * max(lam, 1)).tolist(),
    }


def _over_slope(lam: float, order: int) -> Numbers:
    kink = kink_at(lam, order)
    k = np.unique([*np.geomspace(0.01, 100, 81), kink])
    ends = lai_factor([0.0, np.finfo(float).max, kink], lam, order).tolist()
    return {
        "lam": lam,
        "order": order,
        "kink": kink,
        "k": k.tolist(),
        "factor": lai_factor(k, lam, order).tolist(),
        **dict(zip(("at_zero", "far", "at_kink"), ends, strict=True)),
    }


def _derivative_curve(lam: float, order: int) -> Numbers:
    kink = kink_at(lam, order)
    grid = np.geomspace(1e-4, 100, 61)
    sides = kink * (1 - BESIDE), kink * (1 + BESIDE)
    k = np.sort([*grid[~np.isclose(grid, kink)], *sides])
    divided = np.abs(lai_factor_derivative(k, lam, order))
    return {
        "lam": lam,
        "order": order,
        "k": k.tolist(),
        "with": divided.tolist(),
        "without": (divided * min(lam, 1)).tolist(),
    }


def _minimum(lam: float, order: int) -> Numbers:
    """Where F is found to be smallest among k > 0, and by what fraction it is below F(0)."""
    k = np.geomspace(1e-6, 1e6, 1201)
    for _ in range(5):  # a grid twenty times as fine each time, down to the rounding of F
        best = int(np.argmin(lai_factor(k, lam, order)))
        k = np.linspace(k[best - 1], k[best + 1], 41)
    found = float(k[np.argmin(lai_factor(k, lam, order))])
    smallest, at_zero = lai_factor([found, 0.0], lam, order)
    return {
        "lam": lam,
        "order": order,
        "kink": kink_at(lam, order),
        "found": found,
        "depth": float(1 - smallest / at_zero),
    }


def _normalising(lam: float, order: int) -> Numbers:
    """F at k = 0 and max |F'| below, just above and anywhere above the kink.

    "with" and "without" refer to the division by min(λ, 1).
    """
    kink = kink_at(lam, order)
    below = np.linspace(0, kink * (1 - BESIDE), 1001)
    above = kink * (1 + BESIDE) * np.geomspace(1, 1e4, 10001)

    def steepness(k: Array) -> Array:
        dF: Array = lai_factor_derivative(k, lam, order)
        return np.abs(dF)

    divided = {
        "factor": float(lai_factor(0.0, lam, order)),
        "below": float(steepness(below).max()),
        "above": float(steepness(above)[0]),
        "largest": float(steepness(above).max()),
    }
    undivided = {name: value * min(lam, 1) for name, value in divided.items()}
    return {"lam": lam, "order": order, "with": divided, "without": undivided}


def table(numbers: Numbers) -> str:
    """The minima of F, and what dividing by λ does, as text."""
    lines = ["minimum of F: k found, kink, relative decrease of F from k = 0"]
    lines += [
        f"  λ = {m['lam']:<6g} Lai {NAMES[m['order']]}  {m['found']:.6f}  {m['kink']:.6f}"
        f"  {m['depth']:9.2e}"
        for m in numbers["minima"]
    ]
    columns = {"factor": "F(0)", "below": "|F'| below", "above": "just above", "largest": "max"}
    lines.append(f"{'F and its derivative':<33}" + "".join(f"{x:>12}" for x in columns.values()))
    for row in numbers["normalising"]:
        for way in WAYS:
            cells = "".join(f"{row[way][column]:>12.2e}" for column in columns)
            lines.append(f"  λ = {row['lam']:<6g} Lai {NAMES[row['order']]} {WAYS[way]:<14}{cells}")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """F over φ above; F over k and |F'| over k below."""
    figure = Figure(figsize=(12, 7.4), layout="constrained")
    above, below = figure.subplots(2, 3)
    for axes, curve in zip(above, numbers["angles"], strict=True):
        _draw_over_angle(axes, curve)
    for axes, curves in zip(below[:2], (numbers["curves"][:2], numbers["curves"][2:]), strict=True):
        _draw_over_slope(axes, curves)
    _draw_derivatives(below[2], numbers["slopes"])
    return figure


def _draw_over_angle(axes: Axes, curve: Numbers) -> None:
    lam, kink = curve["lam"], curve["kink"]
    low, high = ("/" + f"{lam:g}" if lam < 1 else ""), (f"{lam:g} " if lam > 1 else "")
    axes.plot(curve["phi"], curve["factor"], color=DARK_TO_LIGHT[0], lw=2.5, label="F, the maximum")
    axes.plot(curve["phi"], curve["along"], "--", color=ALONG, lw=1.2, label=f"|sin φ|{low}")
    axes.plot(curve["phi"], curve["across"], "-.", color=ACROSS, lw=1.2, label=f"{high}|cos φ|")
    axes.vlines([-kink, kink], 0, min(curve["factor"]), color=GREY, lw=1, ls=":")
    axes.set_xticks([-90, -45, 0, 45, 90])
    axes.set_ylim(0, 1.2 * max(curve["factor"]))
    axes.set(xlabel="angle φ = atan k (degrees)", ylabel="F of Lai MAE")
    axes.set_title(f"λ = {lam:g}: minimum at φ = ±{kink:.0f}°, that is, k = ±{lam:g}")
    axes.legend(loc="upper center", ncols=3, fontsize=9, handlelength=1.6, columnspacing=1)


def _draw_over_slope(axes: Axes, curves: list[Numbers]) -> None:
    looks = zip(curves, (ALONG, ACROSS), ("-", "--"), ("o", "s"), strict=True)
    for curve, color, dashes, marker in looks:
        kink, name = curve["kink"], f"Lai {NAMES[curve['order']]}"
        axes.plot(curve["k"], curve["factor"], dashes, color=color, lw=2)
        label = f"{name}, kink at {KINKS[curve['order']]} = {kink:.3g}"
        axes.plot(kink, curve["at_kink"], marker + dashes, color=color, ms=8, label=label)
    first = curves[0]
    for value, text, place, side in (
        (first["at_zero"], "F(0) = max(λ, 1)", 0.01, "left"),
        (first["far"], "F(∞) = 1/min(λ, 1)", 100, "right"),
    ):
        axes.axhline(value, color=GREY, lw=1, ls=":")
        annotate(axes, text, (place, value), (0, 3), ha=side, color=GREY, fontsize=9)
    axes.set(xscale="log", xlabel="slope |k| (log scale)", ylabel="F", ylim=(0, 2.4))
    axes.set_title(f"λ = {first['lam']:g}: MAE favours k = λ, MSE k = √λ")
    axes.legend(loc="lower center")


def _draw_derivatives(axes: Axes, curves: list[Numbers]) -> None:
    for curve, color, marker in zip(curves, (ALONG, ACROSS), ("o", "s"), strict=True):
        for way, dashes in zip(WAYS, ("-", "--"), strict=True):
            label = f"Lai {NAMES[curve['order']]}, {WAYS[way]}"
            look: Any = {"color": color, "lw": 1.8, "ms": 4, "markevery": (3, 8), "label": label}
            axes.plot(curve["k"], curve[way], marker + dashes, **look)
    axes.set(xscale="log", xlabel="slope |k| (log scale)")
    axes.set(yscale="log", ylabel="|F'| (log scale)")
    axes.set_ylim(bottom=1e-8)
    lam = curves[0]["lam"]
    axes.set_title(f"λ = {lam:g}: dividing by λ multiplies F' by {1 / lam:.0f}")
    axes.legend(loc="lower center", ncols=2, fontsize=8, handlelength=3.2, columnspacing=0.8)
