"""The Lai loss of a line over slope and intercept (paper, appendix A): six figures, one per λ.

What to see: the same 1000 points about y = 3x + 4, x in ±1, once with little noise and once with
much (rows); the loss as a surface, as in the paper, and as contours, which hide nothing (columns);
the minimum, the data's line, and the kinks k = ±λ^(1/p). For λ = 0.01 a third column shows the
contours near the kinks. The two noise levels are below and above the phase boundary that
`line_data` derives; for λ = 100 both are below.

What the paper says, and what we found:

    λ = 1, 2, 0.5 (printed "1.5", E1): the minimum is exactly at k = λ. It is, for noise ±4; for
    noise ±0.5 it is at 2.97 for all three (E5).
    λ = 0.01: the intercept is "compressed significantly up and down", difficult to determine. Along
    the kink the loss does look flat, beside walls a hundred times as high. But F = 1 there: as a
    function of c it is the baseline loss of a nearly flat line. For noise ±4 it is within 1% of the
    minimum over 0.90 in c, and over 0.84 for λ = 1. Accuracy is lost because of the slope: the MAE
    is 16% above its minimum, and 7% for λ = 1.
    λ = 100, MAE: for every large λ, k stays in a "basin", "slightly larger than the original". It
    does not depend on λ, but on the noise: k = 3.12 for ±0.5, and 8.18 for ±4.
    λ = 100, MSE: squaring "overcomes this limitation", the minimum is distinct. The limit remains,
    independent of λ: k = 3.08 and 8.57. The loss is within 1% of the minimum over 0.11 in k (MAE:
    0.19); for ±4 over 2.4 (MAE: 2.7).
    §4: "high symmetry". F is symmetric, the loss is not. The minimum with k < 0, at −λ^(1/p), is
    22% above the other for λ = 1 and noise ±4, six times as high for ±0.5; λ = 0.01 has none.

The paper's intercept 4 at slope 1 implies that its x, too, are symmetric about 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure, SubFigure

from figures.experiments import line_data
from figures.experiments.line_data import INTERCEPT, SLOPE
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT
from figures.plotting.words import KINKS, NAMES
from lai_ref import Array, lai_factor
from lai_ref.support.rounding import rounded


class Case(NamedTuple):
    """One figure: λ, exponent p, noises and range of slopes.

    `also`: further λ whose minima on the same data are compared. `zoom`: range of slopes of a
    further panel, where the kinks are too close together for the other panels.
    """

    lam: float
    order: int = 1
    noises: tuple[float, float] = (0.5, 4.0)
    slopes: tuple[float, float] = (-6.0, 9.0)
    also: tuple[float, ...] = ()
    zoom: tuple[float, float] | None = None


WIDE, LARGER = (-12.0, 18.0), (1e3, 1e4)
CASES = {
    "mae_1": Case(1.0),
    "mae_2": Case(2.0),
    "mae_05": Case(0.5),
    "mae_small": Case(
        0.01, noises=(0.02, 4.0), slopes=(-1.0, 4.0), also=(1.0,), zoom=(-0.05, 0.05)
    ),
    "mae_large": Case(100.0, slopes=WIDE, also=LARGER),
    "mse_large": Case(100.0, order=2, slopes=WIDE, also=LARGER),
}
INTERCEPTS = (0.0, 8.0)
DIGITS = 6  # of the stored surfaces
COARSE = (
    1.0,
    1.1,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
)  # beside a zoomed panel
LEVELS = (1.0, 1.01, 1.03, 1.1, 1.3, 1.6, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
MINIMUM: dict[str, Any] = {"color": "white", "marker": "*", "mec": "black", "ms": 15, "ls": "none"}
MIRROR = MINIMUM | {"marker": "v", "ms": 9}
LINE = MINIMUM | {"marker": "o", "ms": 7, "color": DARK_TO_LIGHT[2]}
HALO: dict[str, Any] = {"color": "white", "lw": 3.5}
KINK: dict[str, Any] = {"color": "black", "ls": "--", "lw": 1.5}
TRUE = np.array([SLOPE]), np.array([INTERCEPT])


def compute(settings: Settings, case: str) -> Numbers:
    """Surface, minima and widths for both noise levels."""
    lam, order, noises, ends, also, zoom = CASES[case]
    rows, points = (400, (16, 9)) if settings.quick else (1000, (61, 21))
    kink = line_data.kink_at(lam, order)

    def slopes(low: float, high: float) -> Array:
        kinks = [k for k in (-kink, kink) if low < k < high]
        return np.union1d(np.linspace(low, high, points[0]), kinks)

    k, close = slopes(*ends), slopes(*zoom) if zoom else None
    c = np.linspace(*INTERCEPTS, points[1])
    return {
        **settings.provenance(f"surface_{case}", seeds=(0,)),
        "source": f"{rows} points drawn at random about y = 3x + 4, x in ±1",
        "lam": lam,
        "order": order,
        "kink": kink,
        "border": line_data.border(kink, order),
        "slopes": rounded(k, DIGITS),
        "intercepts": rounded(c, DIGITS),
        **({} if close is None else {"zoom_slopes": rounded(close, DIGITS)}),
        "noises": [
            {
                "noise": noise,
                "loss": rounded(loss_grid(k, c, *data, lam, order), DIGITS),
                **(
                    {}
                    if close is None
                    else {"zoom_loss": rounded(loss_grid(close, c, *data, lam, order), DIGITS)}
                ),
                "line_loss": float(loss_grid(*TRUE, *data, lam, order)[0, 0]),
                **_measure(*data, lam, order, k, c),
                "also": [{"lam": other, **_measure(*data, other, order, k, c)} for other in also],
            }
            for noise in noises
            for data in [line_data.draw(noise, rows)]
        ],
    }


def loss_grid(k: Array, c: Array, x: Array, t: Array, lam: float, order: int) -> Array:
    """The Lai loss of the lines y = kx + c, (slopes, intercepts); k is the same for all samples."""
    F = lai_factor(k, lam, order)[:, None]
    loss: Array = line_data.errors(k[:, None], c, x, t, order) * F
    return loss


def table(numbers: Numbers) -> str:
    """The minimum and how well it is determined, per noise level and λ."""
    names = ("noise", "λ", "k", "c", "width k", "width c", "excess", "symmetry")
    lines = ["".join(f"{name:>10}" for name in names)]
    for one in numbers["noises"]:
        for m in ({"lam": numbers["lam"], **one}, *one["also"]):
            cells = [one["noise"], m["lam"], m["minimum"]["k"], m["minimum"]["c"]]
            cells += [m["slope_width"], m["intercept_width"], m["excess"], m["symmetry"]]
            lines.append("".join(f"{'none' if v is None else f'{v:.4g}':>10}" for v in cells))
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Surface and contours, a row per noise level."""
    zoomed = "zoom_slopes" in numbers
    columns = 3 if zoomed else 2
    figure = Figure(figsize=(14.5 if zoomed else 10.5, 10), layout="constrained")
    rows: Any = figure.subfigures(2, 1)
    for row, one in zip(rows, numbers["noises"], strict=True):
        row.suptitle(_finding(numbers, one), x=0.01, ha="left", fontsize=11)
        _surface(row.add_subplot(1, columns, 1, projection="3d"), numbers, one)
        whole = {"levels": COARSE} if zoomed else {}
        _contours(row.add_subplot(1, columns, 2), row, numbers, one, **whole)
        if zoomed:
            close = {"slopes": numbers["zoom_slopes"]}, {"loss": one["zoom_loss"]}
            axes = row.add_subplot(1, columns, 3)
            _contours(axes, row, numbers | close[0], one | close[1])
            axes.set_title("the same near the kinks")
    handles, labels = rows[0].axes[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _measure(
    x: Array, t: Array, lam: float, order: int, slopes: Array, intercepts: Array
) -> Numbers:
    """The minimum and how well it determines k and c.

    `mirror`: the lowest local minimum with k < 0, or None. `symmetry`: its loss over that of the
    minimum. `slope_width`, `intercept_width`: the range of k, with the best c, and of c, with the
    same k, over which the loss is within 1% of its minimum. `intercept_relief`: its rise along c at
    the minimum's k, as a fraction of its rise in the whole window. `plain`: the minimum of
    mean |e|^p. `excess`: how much mean |e|^p at the Lai loss's minimum exceeds that, relatively.
    """
    plain, found = line_data.minima(x, t, None, order)[0], line_data.minima(x, t, lam, order)
    lowest = found[0]
    mirror = next((m for m in found if m["k"] < 0), None)

    def with_best_c(k: float) -> float:
        slope = np.array([k])
        c = line_data.best_intercepts(slope, x, t, order)
        return float(loss_grid(slope, c, x, t, lam, order)[0, 0])

    def with_same_k(c: float) -> float:  # without F, which is constant for fixed k
        return float(line_data.errors(lowest["k"], c, x, t, order))

    k_low, k_high = line_data.reach(with_best_c, lowest["k"], 0.01)
    c_low, c_high = line_data.reach(with_same_k, lowest["c"], 0.01)
    at_k = np.array([lowest["k"]])
    along_c = loss_grid(at_k, intercepts, x, t, lam, order).max() - lowest["loss"]
    anywhere = loss_grid(slopes, intercepts, x, t, lam, order).max() - lowest["loss"]
    return {
        "minimum": lowest,
        "mirror": mirror,
        "symmetry": None if mirror is None else mirror["loss"] / lowest["loss"],
        "slope_width": k_high - k_low,
        "intercept_width": c_high - c_low,
        "intercept_relief": float(along_c / anywhere),
        "plain": plain,
        "excess": with_same_k(lowest["c"]) / plain["loss"] - 1,
    }


def _finding(numbers: Numbers, one: Numbers) -> str:
    k, kink = one["minimum"]["k"], f"{KINKS[numbers['order']]} = {numbers['kink']:g}"
    side = "below" if one["noise"] < numbers["border"] else "above"
    if isclose(k, numbers["kink"]):
        where = f"at the kink {kink}"
    elif k < 1.5 * SLOPE:
        where = "near the data's slope 3"
    else:
        where = f"far from 3, but not at the kink {kink}"
    same = [a["lam"] for a in one["also"] if isclose(a["minimum"]["k"], k, rel_tol=1e-3)]
    if max(same, default=0) > numbers["lam"]:
        where += f"; the same up to λ = {max(same):g}"
    return (
        f"Lai {NAMES[numbers['order']]}, λ = {numbers['lam']:g}, noise ±{one['noise']:g}, "
        f"{side} the phase boundary ±{numbers['border']:.3g}:\nminimum at k = {k:.2f}, {where};\n"
        f"the loss is within 1% of it over {one['slope_width']:.2g} in k, "
        f"{one['intercept_width']:.2g} in c"
    )


def _surface(axes: Any, numbers: Numbers, one: Numbers) -> None:
    k, c, loss = (np.array(a) for a in (numbers["slopes"], numbers["intercepts"], one["loss"]))
    axes.computed_zorder = False  # draw the marks over the surface
    grid = np.meshgrid(k, c, indexing="ij")
    axes.plot_surface(
        *grid, loss, rstride=1, cstride=1, cmap="cividis", lw=0, antialiased=False, rasterized=True
    )
    for i in np.flatnonzero(np.isclose(np.abs(k), numbers["kink"])):
        line = np.full_like(c, k[i]), c, loss[i]
        axes.plot(*line, **HALO)
        axes.plot(*line, **KINK)
    at = one["minimum"]
    axes.plot([at["k"]], [at["c"]], [at["loss"]], **MINIMUM)
    axes.plot([SLOPE], [INTERCEPT], [one["line_loss"]], **LINE)
    axes.set(xlabel="slope k", ylabel="intercept c")
    axes.text2D(0.97, 0.9, "loss", transform=axes.transAxes)  # a label would overlap the next panel
    axes.locator_params(nbins=5)
    axes.view_init(elev=40, azim=-65)
    axes.set_box_aspect(None, zoom=1.12)


def _contours(
    axes: Axes,
    row: SubFigure,
    numbers: Numbers,
    one: Numbers,
    levels: Sequence[float] = LEVELS,
) -> None:
    k, c, loss = (np.array(a) for a in (numbers["slopes"], numbers["intercepts"], one["loss"]))
    ratio = np.maximum(loss / one["minimum"]["loss"], 1)
    levels = [level for level in levels if level < ratio.max()]
    look: Any = {"cmap": "cividis", "norm": BoundaryNorm(levels, 256, extend="max")}
    areas = axes.contourf(k, c, ratio.T, levels, extend="max", **look)
    axes.contour(k, c, ratio.T, levels, colors="white", linewidths=0.5)
    bar = row.colorbar(areas, ax=axes, label="loss as a multiple of its minimum")
    bar.set_ticks(levels, labels=[f"{level:g}" for level in levels])
    for kink in k[np.isclose(np.abs(k), numbers["kink"])]:
        axes.axvline(kink, **HALO)
        axes.axvline(kink, label=f"kinks, k = ±{numbers['kink']:g}" if kink > 0 else None, **KINK)
    marks = [(one["minimum"], "minimum", MINIMUM)]
    marks += [({"k": SLOPE, "c": INTERCEPT}, "the data's line", LINE)]
    marks += [(one["mirror"], "lowest minimum with k < 0", MIRROR)] if one["mirror"] else []
    for at, name, look in marks:
        if k[0] <= at["k"] <= k[-1]:
            axes.plot([at["k"]], [at["c"]], label=name, **look)
    axes.set(xlabel="slope k", ylabel="intercept c")
    axes.grid(False)
