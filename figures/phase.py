"""Where the minimum of the Lai loss of a line is (paper, appendix A; new).

What to see: for data y = 3x + 4 ± s, x in ±X, the slope k at the minimum, over λ and the noise s.
Only above the phase boundary is k at the kink κ = λ^(1/p), so that its colour follows λ. Below the
boundary λ has no effect on k: it is between 2.2 and 3 for κ < 3, above 3 for κ > 3, and depends
only on the noise.

What the paper says: for λ = 1, 2 and 0.5 the minimum of Lai MAE is exactly at k = λ; for a very
large λ it is "constrained to a position slightly larger than the original" slope, which squaring
overcomes.

What we found: the first holds for s ≥ 1.99 X, 2.56 X and 1.28 X. For such noise the minimum of a
very large λ is at k ≥ 4.5, 5.3 and 3.7. It is only slightly larger than 3 for small noise, where
the claim about λ = 1, 2 and 0.5 does not hold. Squaring does not remove the limit: it is as
independent of λ as before, and up to s = √10 X it is even nearer to 3.

`line_data` derives the boundary. The map is computed by search only, and the loss is also minimised
for random data on both sides of the boundary.
"""

from __future__ import annotations

from math import isclose

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from figures.experiments import line_data
from figures.experiments.line_data import SLOPE, SUMMIT
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import KINKS, NAMES
from lai_ref import Array, lai_factor
from lai_ref.support.rounding import rounded

ORDERS = (1, 2)
DIGITS = 5  # of the stored curves
RANGE = (0.03, 30.0)  # of kinks, of noises, and of the colours of k
SAMPLED = (0.1, 0.5, 1.0, 2.0, 5.0, 20.0)  # kinks at which the loss of sampled data is minimised


def compute(settings: Settings) -> Numbers:
    """The map by search, the boundary by derivation, and minima for data sampled on both sides."""
    size, rows = (13, 500) if settings.quick else (41, 20000)
    kinks, noises = np.geomspace(*RANGE, size), np.geomspace(*RANGE, size)
    fine = np.union1d(np.geomspace(*RANGE, 3 * size - 2), [SLOPE])
    return {
        **settings.provenance("phase", seeds=(0,)),
        "source": f"maps: the formulas; points: {rows} rows drawn at random each",
        "kinks": rounded(kinks, DIGITS),
        "noises": rounded(noises, DIGITS),
        "border_kinks": rounded(fine, DIGITS),
        "maps": [
            {
                "order": order,
                "slopes": rounded(slope_map(kinks, noises, order), 3),
                "border": rounded([line_data.border(kink, order) for kink in fine], DIGITS),
                "local_border": rounded(line_data.stationary_noise(fine, order), DIGITS),
                "summit": [SUMMIT[order], float(line_data.stationary_noise(SUMMIT[order], order))],
                "sampled": [
                    _sampled(kink, ratio * line_data.border(kink, order), order, rows)
                    for kink in SAMPLED
                    for ratio in (0.7, 1.4)
                ],
            }
            for order in ORDERS
        ],
        "paper_lams": [
            {"lam": lam, "order": order, "border": b, "basin_k": line_data.basin_slope(b, order)}
            for lam in (0.5, 1.0, 2.0)
            for order in ORDERS
            for b in [line_data.border(line_data.kink_at(lam, order), order)]
        ],
        "basins": [_basin(noise, order) for noise in (0.5, 1, 2, 4, 8) for order in ORDERS],
        "basin_curve": {
            NAMES[order]: rounded([line_data.basin_slope(noise, order) for noise in noises], DIGITS)
            for order in ORDERS
        },
    }


def slope_map(kinks: Array, noises: Array, order: int) -> Array:
    """k at the minimum by search only, (noises, kinks), to compare with the derivation."""
    grid = np.geomspace(0.01, 100, 4001)
    grid = np.concatenate([-grid[::-1], grid])
    error = line_data.expected_error(grid, noises[:, None], order)
    return np.array(
        [grid[(error * lai_factor(grid, kink**order, order)).argmin(axis=1)] for kink in kinks]
    ).T


def table(numbers: Numbers) -> str:
    """The minimum for very large λ, and for sampled data beside the derivation."""
    lines = ["very large λ: noise s/X, k of MAE, k of MSE"]
    mae, mse = (numbers["basins"][i::2] for i in (0, 1))
    lines += [
        f"{a['noise']:8g}{a['basin_k']:10.3f}{b['basin_k']:10.3f}"
        for a, b in zip(mae, mse, strict=True)
    ]
    for one in numbers["maps"]:
        lines.append(f"{NAMES[one['order']]}: kink, noise s/X, k for sampled data, k derived")
        lines += [
            f"{p['kink']:8g}{p['noise']:10.3f}{p['slope']:10.3f}{p['expected']:10.3f}"
            for p in one["sampled"]
        ]
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """The two maps with their boundaries, and the slope at the minimum for very large λ."""
    figure = Figure(figsize=(12.5, 5), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.8))
    colors = ScalarMappable(LogNorm(*RANGE), "cividis")
    for axes, one in zip((left, middle), numbers["maps"], strict=True):
        _map(axes, numbers, one)
    left.set_ylabel("noise s / X, for x in ±X")
    bar = figure.colorbar(colors, ax=(left, middle), pad=0.01, format="{x:g}")
    bar.set_label("slope k at the minimum (the data's: 3)")
    bar.ax.axhline(SLOPE, color=DARK_TO_LIGHT[0], lw=1.5)
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=4)
    _basin_curves(right, numbers)
    return figure


def _sampled(kink: float, noise: float, order: int, rows: int) -> dict[str, float]:
    lowest = line_data.minima(*line_data.draw(noise, rows), kink**order, order)[0]
    expected = line_data.minimum_slope(kink, noise, order)
    return {"kink": kink, "noise": noise, "slope": lowest["k"], "expected": expected}


def _basin(noise: float, order: int) -> dict[str, float]:
    """k₊, how far around it L is within 1% of its minimum, and the relative rise of L for k → ∞."""
    k = line_data.basin_slope(noise, order)

    def across(k: float) -> float:  # E|e|^p |cos φ|^p
        return float(line_data.expected_error(k, noise, order) / np.hypot(1, k) ** order)

    low, high = line_data.reach(across, k, 0.01)
    rise = 1 / (1 + order) / across(k) - 1
    return {"noise": noise, "order": order, "basin_k": k, "width": high - low, "rise": rise}


def _map(axes: Axes, numbers: Numbers, one: Numbers) -> None:
    order, black = one["order"], DARK_TO_LIGHT[0]
    lams, noises = np.power(numbers["kinks"], order), numbers["noises"]
    axes.grid(False)
    axes.pcolormesh(
        lams, noises, one["slopes"], cmap="cividis", norm=LogNorm(*RANGE), rasterized=True
    )
    kinks = np.array(numbers["border_kinks"])
    jumps = kinks <= one["summit"][0]
    sharp, smooth = (np.ma.masked_where(away, one["border"]) for away in (~jumps, jumps))
    both = np.ma.masked_where(~jumps, one["local_border"])
    for line, dashes, label in (
        (sharp, "-", "phase boundary, k jumps to the kink"),
        (smooth, "--", "phase boundary, k continuous"),
    ):
        axes.plot(kinks**order, line, color="white", lw=4)
        axes.plot(kinks**order, line, dashes, color=black, lw=2, label=label)
    axes.plot(kinks**order, both, ":", color="white", lw=1.6)
    axes.hlines(one["summit"][1], lams[0], one["summit"][0] ** order, "white", ":", lw=1.6)
    for at_kink, marker, label in ((True, "^", "at the kink"), (False, "o", "not at the kink")):
        points = [p for p in one["sampled"] if isclose(p["slope"], p["kink"]) == at_kink]
        places = [p["kink"] ** order for p in points], [p["noise"] for p in points]
        label = f"{label} (sampled data)"
        axes.plot(*places, marker, color="white", mec=black, ms=7, ls="none", label=label)
    for kink, noise, text in (
        (0.035, 12, f"k = {KINKS[order]}"),
        (0.035, 0.6, "two minima\nbetween the\ndotted lines"),
        (0.12, 0.045, f"{one['summit'][0]:.1f} < k < 3,\nset by\nthe noise"),
        (3.6, 0.045, "k > 3,\nset by\nthe noise"),
    ):
        color = black if kink > 0.04 else "white"
        axes.text(kink**order, noise, text, color=color, fontsize=9)
    axes.set(xscale="log", yscale="log", xlim=lams[[0, -1]], ylim=RANGE)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("λ")
    axes.set_title(f"Lai {NAMES[order]}: k = {KINKS[order]}, the kink, only above the boundary")


def _basin_curves(axes: Axes, numbers: Numbers) -> None:
    for (name, slopes), color, dashes in zip(
        numbers["basin_curve"].items(), DARK_TO_LIGHT[1:], ("-", "--"), strict=False
    ):
        axes.plot(numbers["noises"], slopes, dashes, color=color, lw=2, label=f"Lai {name}")
    axes.axhline(SLOPE, color=GREY, lw=1, ls=":", label="the data's slope")
    axes.set(xscale="log", yscale="log", xlim=RANGE, ylim=(2, 300))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="noise s / X, for x in ±X", ylabel="slope k at the minimum for any larger kink")
    axes.set_title("very large λ: the noise determines k")
    axes.legend(loc="upper left")
