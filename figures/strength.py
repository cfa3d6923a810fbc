"""α and λ as regularisation strength (paper §5): do they act as one parameter?

What to see: above, the variance of the outputs and the RMSE over α, a line per λ, relative to MSE
with 95 % intervals; bottom left, the variance over α/λ, the weight of e² sin²φ in the expected loss
where |k| > √λ; bottom right, the RMSE over the variance, for all settings. The curves there are
monotone cubics, since straight chords between values of α would be above a convex curve.

What the paper says: "By controlling the sizes of the hyperparameters α and λ, we can effectively
control the strength of the regularization."

What we found on Kaggle's files, with five seeds: the variance falls as α grows in 85 of 90 pairs of
neighbours and as λ falls in 70 of 70. At equal variance the RMSE of two λ differs by +0.1%, +0.5%,
+0.5% on average, with intervals within 1.8%: up to that, they act as one strength. At equal mean
gradient norm it differs by up to 2.2%. But α/λ does not measure that strength, and λ has the larger
range: with λ = 1e-1 and α = 1 the variance is larger than with λ = 1e-3 and α = 0.003.
"""

from __future__ import annotations

import math
from itertools import combinations, product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from figures.experiments.inputs import load_data
from figures.experiments.intervals import interval_of_mean
from figures.experiments.monotone import monotone_interp
from figures.experiments.protocol import (
    STANDARDISED,
    arms_of,
    protocol_of,
    summarise_setting,
    train_all,
)
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import loss_name, settings_caption, with_interval
from lai_ref import Array

ALPHAS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
LAMS = (0.1, 0.01, 0.001)
QUICK = ((0.01, 1.0), (0.1, 0.001))  # α and λ
# measure: sign of its claimed change as the strength grows
MEASURES = {"variance": -1, "mean_grad_norm": -1, "rmse": 1}
SMOOTHNESS = ("variance", "mean_grad_norm")
PLACES = 101  # grid points in the range of smoothness that two λ share
FRACTION = "a fraction α"  # in captions, since α varies
NAMES = {"variance": "variance", "mean_grad_norm": "mean ‖k‖", "rmse": "RMSE"}
LABELS = {
    "alpha": "α, the fraction of Lai points (log scale)",
    "ratio": "α/λ (log scale)",
    "variance": "variance of outputs relative to MSE",
    "rmse": "change of validation RMSE to MSE",
}
STYLES = dict(zip(LAMS, zip(DARK_TO_LIGHT[1:], "s^D", strict=True), strict=True))


def compute(settings: Settings) -> Numbers:
    """Every run, means by α and λ, and how well the two act as one strength.

    `monotone_pairs`: of the neighbouring pairs of α (with the same λ and seed) and of λ (with the
    same α and seed), how many change as a growing strength should, and how many there are.
    `rmse_gap`: by how much the RMSE of one λ differs from another's at equal smoothness.
    """
    alphas, lams = QUICK if settings.quick else (ALPHAS, LAMS)
    control = arms_of(settings, range(settings.seeds), **STANDARDISED)
    chosen = [{**arm, "alpha": a, "lam": lam} for arm in control for a in alphas for lam in lams]
    results = train_all(settings, [*control, *chosen], "strength")
    runs = [{name: run[name] for name in ("seed", "alpha", "lam", *MEASURES)} for run in results]
    for run in runs:
        run["alpha"] = run["alpha"] if run["lam"] else 0.0
    return {
        **settings.provenance("strength", load_data(settings.inputs).source),
        "protocol": protocol_of(control[0]) | {"alpha": list(alphas)},
        "alphas": list(alphas),
        "lams": list(lams),
        "runs": runs,
        "settings": [
            summarise_setting(runs, MEASURES, alpha=alpha, lam=lam)
            for lam, alpha in [(None, 0.0), *product(lams, alphas)]
        ],
        "monotone_pairs": {name: _monotone_pairs(runs, name, alphas, lams) for name in MEASURES},
        "rmse_gap": {
            name: [_rmse_gap(runs, name, *pair) for pair in combinations(lams, 2)]
            for name in SMOOTHNESS
        },
    }


def _monotone_pairs(
    runs: list[Numbers], name: str, alphas: tuple[float, ...], lams: tuple[float, ...]
) -> dict[str, list[int]]:
    """Numbers of neighbouring pairs in α and in λ that change as claimed, and of all pairs."""
    found = {(run["seed"], run["alpha"], run["lam"]): run[name] for run in runs}
    seeds = {run["seed"] for run in runs}
    # by seed, by α and by λ, each from weak to strong
    values = np.array([[[found[s, a, lam] for lam in lams] for a in alphas] for s in seeds])
    changes = {"alpha": np.diff(values, axis=1), "lam": np.diff(values, axis=2)}
    return {of: [int((MEASURES[name] * c > 0).sum()), c.size] for of, c in changes.items()}


def _rmse_gap(runs: list[Numbers], name: str, lam: float, other: float) -> Numbers:
    """The RMSE of `other` relative to that of `lam` at equal `name`.

    `change`: ln(RMSE/RMSE), averaged over the range of ln `name` that both reach, per seed.
    `largest`: the largest absolute value in that range of the mean over seeds.
    """
    gaps = []
    for seed in sorted({run["seed"] for run in runs}):
        mine = [run for run in runs if run["seed"] == seed]
        first, second = (
            _curve([r for r in mine if r["lam"] in (lam_, None)], name) for lam_ in (lam, other)
        )
        low, high = max(first[0][0], second[0][0]), min(first[0][-1], second[0][-1])
        at = np.linspace(low, high, PLACES)
        gaps.append(monotone_interp(at, *second) - monotone_interp(at, *first))
    by_place = np.mean(gaps, axis=0)
    return {
        "lams": [lam, other],
        "change": interval_of_mean(np.mean(gaps, axis=1)),
        "largest": float(np.expm1(np.abs(by_place).max())),
    }


def _curve(points: list[Numbers], name: str) -> tuple[Array, Array]:
    """ln RMSE over ln `name`, the smoothest first; averaged over runs of equal smoothness."""
    x, y = np.log([(point[name], point["rmse"]) for point in points]).T
    places, which = np.unique(x, return_inverse=True)
    return places, np.bincount(which, y) / np.bincount(which)


def widest_gap(numbers: Numbers, name: str) -> Numbers:
    """The pair of λ whose RMSE differs most at equal `name`."""
    gap: Numbers = max(
        numbers["rmse_gap"][name], key=lambda gap: abs(math.log1p(gap["change"]["mean"]))
    )
    return gap


def table(numbers: Numbers) -> str:
    """A line per λ and α, then how well they act as one strength."""

    def line(row: Numbers) -> str:
        lam, alpha = row["lam"], row["alpha"]
        names = (f"{lam:g}", f"{alpha:g}", f"{alpha / lam:g}") if lam else ("MSE", "", "")
        cells = "".join(f"{cell:>8}" for cell in names)
        for measure in MEASURES:
            change = with_interval(row[f"{measure}_change"])
            cells += f"{row[measure]['mean']:>10.4f}{change:>26}"
        return cells

    head = "".join(f"{name:>10}{'change':>26}" for name in NAMES.values())
    lines = [
        f"α and λ{'' if 'target' in numbers else ' (§5)'}, {settings_caption(numbers, FRACTION)}",
        "means over seeds; changes to MSE: mean [95 % interval]",
        "".join(f"{cell:>8}" for cell in ("λ", "α", "α/λ")) + head,
        *(line(row) for row in numbers["settings"]),
    ]
    for measure, sign in MEASURES.items():
        pairs = numbers["monotone_pairs"][measure]
        lines.append(
            f"{NAMES[measure]} {'rises' if sign > 0 else 'falls'} with α in {_of(pairs['alpha'])}"
            f" and with a smaller λ in {_of(pairs['lam'])} pairs of neighbours"
        )
    for measure, gaps in numbers["rmse_gap"].items():
        for gap in gaps:
            lines.append(f"{_gap_in_words(gap, measure)} (at most {gap['largest']:.1%})")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Variance and RMSE over α; below, variance over α/λ, and RMSE over variance."""
    figure = Figure(figsize=(10.5, 8.5), layout="constrained")
    (upper_left, upper_right), (left, right) = figure.subplots(2, 2)
    pairs = numbers["monotone_pairs"]
    ratio, (low, high) = _widest(numbers)
    _panel(upper_left, numbers, "alpha", "variance")
    _panel(upper_right, numbers, "alpha", "rmse")
    _panel(left, numbers, "ratio", "variance")
    _panel(right, numbers, "variance", "rmse")
    upper_left.set_title(
        f"variance falls as α grows (in {_of(pairs['variance']['alpha'])} pairs of neighbours)\n"
        f"and as λ falls (in {_of(pairs['variance']['lam'])}) …"
    )
    upper_right.set_title(
        f"… and RMSE rises as α grows (in {_of(pairs['rmse']['alpha'])})\n"
        f"and as λ falls (in {_of(pairs['rmse']['lam'])})"
    )
    left.set_title(
        f"α/λ alone is not the strength: at α/λ = {ratio:g} the\n"
        f"variance relative to MSE ranges from {low:.2f} to {high:.2f}"
    )
    right.set_title(_gap_in_words(widest_gap(numbers, "variance"), "variance", "\n"))
    right.legend(title="larger marker: larger α", loc="upper right")
    caption = settings_caption(numbers, FRACTION)
    figure.supxlabel(f"{caption}; bars: 95 % intervals", fontsize=7.5, color=GREY)
    return figure


def _panel(axes: Axes, numbers: Numbers, x: str, y: str) -> None:
    control, *points = (_point(row) for row in numbers["settings"])
    for lam in numbers["lams"]:
        color, marker = STYLES[lam]
        mine = [point for point in points if point["lam"] == lam]
        if x in SMOOTHNESS:
            curve = _curve([{**p, "rmse": 1 + p["rmse"]} for p in (control, *mine)], x)
            at = np.linspace(curve[0][0], curve[0][-1], PLACES)
            axes.plot(np.exp(at), np.expm1(monotone_interp(at, *curve)), color=color, lw=1.2)
        else:
            axes.plot([p[x] for p in mine], [p[y] for p in mine], color=color, lw=1.2)
        for size, p in enumerate(mine):
            look: Any = {"color": color, "elinewidth": 0.8, "capsize": 2}
            name = loss_name(lam) if size == 1 else None
            if p[f"{y}_bar"] is not None:
                across = p.get(f"{x}_bar")
                axes.errorbar(p[x], p[y], p[f"{y}_bar"], across, fmt="none", **look)
            axes.plot(p[x], p[y], marker, color=color, ms=4 + size, label=name)
    if x in SMOOTHNESS:
        axes.plot(control[x], control[y], "o", color="black", label="MSE")
    else:
        axes.axhline(control[y], color="black", ls="--", lw=1, label="MSE")
        axes.set_xscale("log")
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y])
    # set the limits by the means; bars may exceed them
    top = max(point[y] for point in (control, *points))
    if x in SMOOTHNESS:
        axes.set_xlim(-0.05, 1.15 * max(point[x] for point in (control, *points)))
    if y == "variance":
        axes.set_ylim(-0.05, 1.15 * top)
    else:
        axes.set_ylim(-0.1 * top - 0.02, 1.25 * top + 0.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _point(row: Numbers) -> Numbers:
    """A setting to draw: variance and mean ‖k‖ as ratios to MSE, RMSE as a change, with bars."""
    point = {"alpha": row["alpha"], "lam": row["lam"]}
    point["ratio"] = row["alpha"] / row["lam"] if row["lam"] else None
    for name in MEASURES:
        change = row[f"{name}_change"]
        point[name] = change["mean"] + (name in SMOOTHNESS)
        point[f"{name}_bar"] = None
        if change["low"] is not None:
            low, high = change["mean"] - change["low"], change["high"] - change["mean"]
            point[f"{name}_bar"] = [[low], [high]]
    return point


def _widest(numbers: Numbers) -> tuple[float, tuple[float, float]]:
    """The α/λ with the widest range of variance relative to MSE, and the ends of that range."""
    by_ratio: dict[float, list[float]] = {}
    for row in numbers["settings"][1:]:
        ratio = float(f"{row['alpha'] / row['lam']:.6g}")  # 0.01/0.1 is not 0.001/0.01
        by_ratio.setdefault(ratio, []).append(1 + row["variance_change"]["mean"])
    ratio = max(by_ratio, key=lambda ratio: float(np.ptp(by_ratio[ratio])))
    return ratio, (min(by_ratio[ratio]), max(by_ratio[ratio]))


def _gap_in_words(gap: Numbers, measure: str, space: str = " ") -> str:
    first, second = map(loss_name, gap["lams"])
    return (
        f"at equal {NAMES[measure]}, RMSE of {second} relative to {first}:{space}"
        f"{with_interval(gap['change'])}, mean over the common range"
    )


def _of(counts: list[int]) -> str:
    return f"{counts[0]} of {counts[1]}"
