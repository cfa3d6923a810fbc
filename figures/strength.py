"""α and λ as the strength of the regularisation (paper §5): one strength, or two?

What to see: above, the variance of the outputs and the RMSE over α, a line for each λ; below left,
the variance over α/λ, the weight of e² sin²φ in the mean loss where |k| > √λ; below right, what
the smoothness costs in RMSE, all settings together.

What the paper says: "By controlling the sizes of the hyperparameters α and λ, we can effectively
control the strength of the regularization."

What we found on Kaggle's files: they do. A smaller λ lowers the variance in 24 of 24 pairs of
neighbours, a larger α in 27 of 27. And the two set one strength: whichever lowers the variance, the
price is the same. At equal variance the RMSE of two λ differs by 1.0% in the median and by 4.3% at
most, the error of interpolating between the α included, while over all settings it rises by up to
78%. At equal mean ‖k‖ it differs by 2.8% and by 5.8%. But α/λ does not measure that strength: at
α/λ = 10 the variance is 0.08 with the smallest α and λ, and 0.70 with the largest. λ reaches
further: with λ = 1e-1 even α = 1 leaves more variance than α = 0.001 with λ = 1e-3. So nothing is
lost by the small α that makes Lai Training cheap.
"""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import california
from figures.experiments.protocol import UNIT, arms_of, protocol_of, summarise_setting, train_all
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import loss_name, settings_caption

ALPHAS = (0.001, 0.01, 0.1, 1.0)
LAMS = (0.1, 0.01, 0.001)
QUICK = ((0.01, 1.0), (0.1, 0.001))  # α and λ
# What is said to change, and the sign of its change as the strength grows
MEASURES = {"variance": -1, "slope": -1, "rmse": 1}
SHARE = "a share α"  # of the points, there being no one α to name
NAMES = {"variance": "variance", "slope": "mean ‖k‖", "rmse": "RMSE"}
LABELS = {
    "alpha": "α, the share of Lai points (log scale)",
    "ratio": "α/λ (log scale)",
    "variance": f"variance of outputs, test set (({UNIT})²)",
    "rmse": f"validation RMSE ({UNIT})",
}
STYLES = dict(zip(LAMS, zip(DARK_TO_LIGHT[1:], "s^D", strict=True), strict=True))


def compute(settings: Settings) -> Numbers:
    """Every arm, medians by α and λ, and how far the two act as one strength.

    `moves`: of the neighbouring pairs of α (with the same λ and seed) and of λ (with the same α and
    seed), how many change as a growing strength should, and how many there are. `apart`: by how
    much RMSE differs between two λ at equal variance, and at equal mean ‖k‖ (`slope`).
    """
    alphas, lams = QUICK if settings.quick else (ALPHAS, LAMS)
    control = arms_of(settings, range(settings.seeds), batch_size=256)
    chosen = [{**arm, "alpha": a, "lam": lam} for arm in control for a in alphas for lam in lams]
    results = train_all(settings, [*control, *chosen], "strength")
    names = ("seed", "alpha", "lam", "variance", "slope", "rmse")
    arms = [{name: arm[name] for name in names} | {"rmse": arm["rmse"][-1]} for arm in results]
    for arm in arms:
        arm["alpha"] = arm["alpha"] if arm["lam"] else 0.0
    return {
        **settings.provenance("strength", california(settings.data).source),
        "protocol": protocol_of(control[0]) | {"alpha": list(alphas)},
        "alphas": list(alphas),
        "lams": list(lams),
        "arms": arms,
        "settings": [
            summarise_setting(arms, MEASURES, alpha=alpha, lam=lam)
            for lam, alpha in [(None, 0.0), *product(lams, alphas)]
        ],
        "moves": {name: _moves(arms, name, alphas, lams) for name in MEASURES},
        "apart": {name: _apart(arms, lams, name) for name in ("variance", "slope")},
    }


def _moves(
    arms: list[Numbers], name: str, alphas: tuple[float, ...], lams: tuple[float, ...]
) -> dict[str, list[int]]:
    """Of the pairs of neighbours in α and in λ, the number that change as claimed, and of all."""
    found = {(arm["seed"], arm["alpha"], arm["lam"]): arm[name] for arm in arms}
    seeds = {arm["seed"] for arm in arms}
    # by seed, by α and by λ, each from weak to strong
    values = np.array([[[found[s, a, lam] for lam in lams] for a in alphas] for s in seeds])
    changes = {"alpha": np.diff(values, axis=1), "lam": np.diff(values, axis=2)}
    return {of: [int((MEASURES[name] * c > 0).sum()), c.size] for of, c in changes.items()}


def _apart(arms: list[Numbers], lams: tuple[float, ...], name: str) -> dict[str, float]:
    """Median and maximum of |RMSE / RMSE of another λ − 1|, of the same seed, at equal `name`.

    Another λ's RMSE is interpolated between its α, the control being α = 0.
    """
    apart = []
    for seed in {arm["seed"] for arm in arms}:
        mine = [arm for arm in arms if arm["seed"] == seed]
        lines = {
            lam: sorted((arm[name], arm["rmse"]) for arm in mine if arm["lam"] in (lam, None))
            for lam in lams
        }
        for one, other in permutations(lams, 2):
            x, rmse = np.array(lines[other]).T
            apart += [
                abs(r / np.interp(v, x, rmse) - 1)
                for v, r in lines[one]
                if x[0] <= v <= x[-1] and (v, r) not in lines[other]
            ]
    return {"median": float(np.median(apart)), "most": float(max(apart))}


def table(numbers: Numbers) -> str:
    """A line for each λ and α, then how far they act as one."""

    def cells(row: Numbers) -> list[str]:
        lam, alpha = row["lam"], row["alpha"]
        name = [f"{lam:g}", f"{alpha:g}", f"{alpha / lam:g}"] if lam else ["MSE", "", ""]
        for measure in MEASURES:
            change = row[f"{measure}_change"]["median"]
            name += [f"{row[measure]['median']:.4f}", f"{change:+.1%}"]
        return name

    head = ["λ", "α", "α/λ", *(cell for name in NAMES.values() for cell in (name, "change"))]
    rows = [head, *(cells(row) for row in numbers["settings"])]
    lines = [f"α and λ (§5), medians over {settings_caption(numbers, SHARE)}"]
    lines += ["".join(f"{cell:>10}" for cell in row) for row in rows]
    for measure, sign in MEASURES.items():
        moves = numbers["moves"][measure]
        lines.append(
            f"{NAMES[measure]} {'rises' if sign > 0 else 'falls'} with α in {_of(moves['alpha'])}"
            f" and with a smaller λ in {_of(moves['lam'])} pairs of neighbours"
        )
    for measure, apart in numbers["apart"].items():
        lines.append(
            f"at equal {NAMES[measure]}, the RMSE of two λ differs by {apart['median']:.1%} in the"
            f" median, {apart['most']:.1%} at most"
        )
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Variance and RMSE over α above; below, variance over α/λ, and RMSE over variance."""
    figure = Figure(figsize=(10, 8), layout="constrained")
    (upper_left, upper_right), (left, right) = figure.subplots(2, 2)
    moves, apart = numbers["moves"], numbers["apart"]["variance"]
    ratio, (low, high) = _widest(numbers)
    _panel(upper_left, numbers, "alpha", "variance")
    _panel(upper_right, numbers, "alpha", "rmse")
    _panel(left, numbers, "ratio", "variance")
    _panel(right, numbers, "variance", "rmse")
    upper_left.set_title(
        f"variance falls as α grows (in {_of(moves['variance']['alpha'])} pairs of neighbours)\n"
        f"and as λ falls (in {_of(moves['variance']['lam'])}) …"
    )
    upper_right.set_title(
        f"… and RMSE rises as α grows (in {_of(moves['rmse']['alpha'])})\n"
        f"and as λ falls (in {_of(moves['rmse']['lam'])})"
    )
    left.set_title(
        f"α/λ alone is not the strength: at α/λ = {ratio:g}\n"
        f"the variance goes from {low:.2f} to {high:.2f}"
    )
    right.set_title(
        "but all pay the same price: at equal variance, the RMSE of\n"
        f"two λ differs by {apart['median']:.1%} in the median, {apart['most']:.1%} at most"
    )
    upper_left.legend(loc="center right", bbox_to_anchor=(1, 0.42))
    right.legend(title="marker grows with α; smallest: single seeds", loc="upper right")
    figure.supxlabel(settings_caption(numbers, SHARE), fontsize=7.5, color=GREY)
    return figure


def _panel(axes: Axes, numbers: Numbers, x: str, y: str) -> None:
    control, *medians = (
        {**row, **{name: row[name]["median"] for name in MEASURES}} for row in numbers["settings"]
    )
    for lam in numbers["lams"]:
        color, marker = STYLES[lam]
        mine, seeds = (
            [{**point, "ratio": point["alpha"] / lam} for point in points if point["lam"] == lam]
            for points in (medians, numbers["arms"])
        )
        axes.plot([p[x] for p in mine], [p[y] for p in mine], color=color, lw=1.2)
        axes.plot([p[x] for p in seeds], [p[y] for p in seeds], marker, color=color, ms=2.5)
        for size, p in enumerate(mine):
            label = loss_name(lam) if size == 1 else None
            axes.plot(p[x], p[y], marker, color=color, ms=5 + 1.5 * size, label=label)
    if x in MEASURES:
        axes.plot(control[x], control[y], "o", color="black", label="MSE")
    else:
        axes.axhline(control[y], color="black", ls="--", lw=1, label="MSE")
        axes.set_xscale("log")
    axes.set(xlabel=LABELS[x], ylabel=LABELS[y])
    if y == "variance":
        axes.set_ylim(bottom=-0.05)  # whole markers


def _widest(numbers: Numbers) -> tuple[float, tuple[float, float]]:
    """The α/λ whose settings differ most in variance, and the smallest and largest of it."""
    by_ratio: dict[float, list[float]] = {}
    for row in numbers["settings"][1:]:
        ratio = float(f"{row['alpha'] / row['lam']:.6g}")  # 0.01/0.1 is not 0.001/0.01
        by_ratio.setdefault(ratio, []).append(row["variance"]["median"])
    ratio = max(by_ratio, key=lambda ratio: float(np.ptp(by_ratio[ratio])))
    return ratio, (min(by_ratio[ratio]), max(by_ratio[ratio]))


def _of(counts: list[int]) -> str:
    return f"{counts[0]} of {counts[1]}"
