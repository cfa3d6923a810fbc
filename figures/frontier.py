"""RMSE against smoothness: the Lai loss beside six other ways to smooth (paper §1, new).

What to see: every method starts from MSE (the star) and trades accuracy for smoothness as its
parameter grows; the lower curve is the better method. Smoothness is the mean gradient norm, the
variance of the outputs (as the paper measures it) or the sensitivity to noise of 10% of a standard
deviation, averaged over the features. The gradient penalty adds μ ‖k‖² to MSE, for the same samples
that get the Lai loss in Lai Training, or for all of them. All trained methods take the same number
of steps; early stopping chooses among the epochs of the MSE run; output shrinkage multiplies the
deviations of the MSE network's outputs from their mean by c < 1, and trains nothing.

How it is assessed: one half of the validation set chooses (the runs on the Pareto frontier, the
best parameter, the epoch to stop at), the other half scores. The primary endpoint is one number per
seed: the mean of ln(RMSE of Lai / RMSE of the penalty on the same samples) over the common range
of the logarithm of the mean gradient norm. A difference within 1% counts as equivalent. All other
comparisons are secondary, and their intervals are not adjusted for their number.

What the paper says: the Lai loss controls the gradient "while ensuring maximum accuracy" (abstract,
§2.2, §7), and §6.1 trades "a small portion of accuracy" for smoothness. It compares with none of
the methods it cites.

What we found on Kaggle's files, with ten seeds: at equal mean gradient norm the RMSE of Lai is 3.9%
[3.4%, 4.5%] higher than that of the gradient penalty on the same samples: worse. At equal
sensitivity to noise it is 5.1% higher; at equal variance the two are equivalent (+0.4%). No method
improves the RMSE of MSE with 30,000 samples. Shrinking the outputs of MSE costs less than Lai at
equal variance (Lai +7.3%), and more at equal mean gradient norm (Lai -13.2%): a smaller variance
alone is no sign of a smoother model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.equal_smoothness import CONTROL, best_of, endpoint, excess, points_of
from figures.experiments.inputs import load_data
from figures.experiments.intervals import paired_change
from figures.experiments.protocol import protocol_of
from figures.experiments.settings import Numbers, Settings
from figures.experiments.smoothing import (
    ALL,
    LAI,
    METHODS,
    SAME,
    SHRINKAGE,
    STOPPING,
    shrunk_to,
    train_methods,
)
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.endpoints import (
    RMSE_LABEL,
    draw_endpoints,
    draw_frontier,
    endpoint_text,
    range_text,
    relative_axes,
)
from figures.plotting.words import settings_caption, with_interval

MEASURES = {
    "mean_grad_norm": "mean gradient norm",
    "variance": "variance of outputs",
    "sensitivity": "sensitivity to noise",
}
PRIMARY = (SAME, "mean_grad_norm")  # the baseline and the measure
BASELINES = tuple(METHODS)[1:]
BLACK, BLUE, RED, ORANGE = DARK_TO_LIGHT
LOOKS = {  # colour, marker, dashes
    LAI: (BLACK, "o", "-"),
    SAME: (BLUE, "s", "--"),
    ALL: (BLUE, "s", ":"),
    "weight decay": (ORANGE, "D", "-."),
    "input noise": (RED, "v", "--"),
    STOPPING: (GREY, ".", "-"),
    SHRINKAGE: (GREY, "x", ":"),
}
NAMED = {LAI: (0.1, 0.03, 0.01, 0.003, 0.001), SAME: (10.0, 100.0, 1000.0)}  # in the first panel


def compute(settings: Settings) -> Numbers:
    """All runs by seed; the endpoints; Lai's RMSE over each baseline's by λ."""
    mse, points = train_methods(settings)
    pairs = [(name, m) for m in MEASURES for name in BASELINES if points_of(points, name, m)]
    lai = points_of(points, LAI)
    excesses = [excess(points, point, *pair) for pair in pairs for point in lai]
    return {
        **settings.provenance("frontier", load_data(settings.inputs).source),
        "protocol": protocol_of(mse[0]),
        "points": points,
        "primary": endpoint(points, LAI, *PRIMARY),
        "secondary": [endpoint(points, LAI, *pair) for pair in pairs if pair != PRIMARY],
        "excess": excesses,
        "not_reached": [
            {name: e[name] for name in ("baseline", "measure", "value")}
            | {"seeds": len(mse) - e["reached"]}
            for e in excesses
            if e["reached"] < len(mse)
        ],
        "shrinkage": [
            shrunk_to(mse, points[0], point, measure) for measure in MEASURES for point in lai
        ],
        "best": [best_of(points, method) for method in METHODS],
    }


def table(numbers: Numbers) -> str:
    """The endpoints; every method and parameter; comparisons by λ; shrinkage; the best."""
    lines = [
        f"RMSE against smoothness, {settings_caption(numbers)}",
        "one half of the validation set chooses, the other scores; mean [95% interval] over seeds",
        "",
        "Lai's RMSE over the baseline's, mean over the common range (in multiples of MSE's):",
    ]
    for entry in (numbers["primary"], *numbers["secondary"]):
        kind = "primary" if entry is numbers["primary"] else "secondary"
        head = f"{kind:<11}{MEASURES[entry['measure']]:<22}{entry['baseline']:<32}"
        lines.append(f"{head}{range_text(entry):<14}{endpoint_text(entry)}")

    control = numbers["points"][0]
    lines += ["", f"{'change to MSE':<42}" + "".join(f"{n:>26}" for n in ("rmse", *MEASURES))]
    level = [sum(control[name]) / len(control[name]) for name in ("rmse", *MEASURES)]
    lines.append(f"{CONTROL + ', level':<42}" + "".join(f"{value:>26.4f}" for value in level))
    for point in numbers["points"][1:]:
        cells = [
            with_interval(paired_change(point[name], control[name])) if name in point else "–"
            for name in ("rmse", *MEASURES)
        ]
        head = f"{point['method']:<31}{_setting(point):<11}"
        lines.append(head + "".join(f"{cell:>26}" for cell in cells))

    for measure, title in MEASURES.items():
        mine = [e for e in numbers["excess"] if e["measure"] == measure]
        names = list(dict.fromkeys(e["baseline"] for e in mine))
        lines += [
            "",
            f"Lai's RMSE over the baseline's at equal {title}; in brackets the number of seeds",
            "with a run of the baseline that is as smooth, if not all",
            f"{'':<11}" + "".join(f"{name:>33}" for name in names),
        ]
        for lam in dict.fromkeys(e["value"] for e in mine):
            cells = [_excess(e) for e in mine if e["value"] == lam]
            lines.append(f"λ = {lam:<7g}" + "".join(f"{cell:>33}" for cell in cells))

    lines += [
        "",
        "MSE's outputs shrunk to Lai's smoothness: RMSE to MSE, shrunk and Lai; Lai over shrunk",
    ]
    for e in numbers["shrinkage"]:
        changes = (with_interval(e[name]) for name in ("rmse_change", "lai_change", "excess"))
        head = f"equal {MEASURES[e['measure']]:<24}λ = {e['value']:<7g}"
        lines.append(head + "".join(f"{change:>28}" for change in changes))

    lines += ["", "the best parameter on the choosing half: change of RMSE to MSE"]
    for e in numbers["best"]:
        symbol, values = METHODS[e["method"]].parameter, sorted(e["values"])
        chosen = f"{symbol} = {values[0]:g} … {values[-1]:g}"
        lines.append(f"{e['method']:<32}{chosen:<26}{with_interval(e['rmse_change'])}")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """RMSE over each measure of smoothness; below, the endpoints and the best of each method."""
    figure = Figure(figsize=(13, 10.5), layout="constrained")
    panels: Any = figure.subplot_mosaic("aabbcc;dddeee", height_ratios=(1.25, 1))
    top = [panels[name] for name in "abc"]
    for axes, (measure, label) in zip(top, MEASURES.items(), strict=True):
        _frontiers(axes, numbers, measure)
        axes.set_xlabel(f"{label} relative to MSE\n(smoother to the left)")
        axes.sharey(top[0])
    top[0].set_ylabel(RMSE_LABEL)
    _named(top[0], numbers)
    _endpoints(panels["d"], numbers)
    _best(panels["e"], numbers["best"])
    primary = numbers["primary"]
    shown = top[0].get_legend_handles_labels()
    title = (
        "At equal mean gradient norm, Lai against the gradient penalty on the same samples:"
        f" RMSE {endpoint_text(primary)}\n"
    )
    figure.legend(*shown, loc="outside upper center", ncols=4, title=title, title_fontsize=12)
    panels["a"].set_title("means over seeds; bars: 95% intervals (not for grey)")
    figure.supxlabel(settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _frontiers(axes: Axes, numbers: Numbers, measure: str) -> None:
    control = numbers["points"][0]
    for method, look in LOOKS.items():
        mine = points_of(numbers["points"], method, measure)
        if mine:
            draw_frontier(axes, control, mine, measure, look, method)
    relative_axes(axes)


def _named(axes: Axes, numbers: Numbers) -> None:
    """Write some parameters beside their points."""
    control = numbers["points"][0]
    for point in numbers["points"]:
        if point["value"] in NAMED.get(point["method"], ()):
            x, y = (paired_change(point[n], control[n])["mean"] for n in ("mean_grad_norm", "rmse"))
            offset, side = ((6, 4), "left") if point["method"] == LAI else ((-6, -9), "right")
            look = {"color": LOOKS[point["method"]][0], "fontsize": 8, "ha": side}
            annotate(axes, _setting(point), (1 + x, 100 * y), offset, **look)


def _endpoints(axes: Axes, numbers: Numbers) -> None:
    chosen = [e for e in numbers["secondary"] if e["baseline"] in (SAME, ALL)]
    entries = [numbers["primary"], *sorted(chosen, key=lambda e: BASELINES.index(e["baseline"]))]
    labels = [
        f"{MEASURES[e['measure']]},\n{e['baseline'].split(', ')[1]}{', primary' * (i == 0)}"
        for i, e in enumerate(entries)
    ]
    draw_endpoints(axes, entries, labels)
    axes.set_xlabel("Lai's RMSE over that of the gradient penalty, mean over the common range (%)")
    missed = _missed(numbers)
    axes.set_title(
        "Endpoints, at equal smoothness (left of 0: Lai is better)"
        + (f"\nno penalty on the same samples is as smooth as {missed}" if missed else "")
    )
    axes.set_ylim(len(entries) - 0.5, -1.3)  # room for the legend
    axes.legend(loc="upper center", ncols=3, fontsize=8)


def _best(axes: Axes, best: list[Numbers]) -> None:
    for row, e in enumerate(best):
        color, marker, _ = LOOKS[e["method"]]
        draw_change(axes, e["rmse_change"], row, fmt=marker, color=color, capsize=3)
    axes.axvline(0, color=GREY, lw=1)
    axes.set_yticks(range(len(best)), [e["method"].replace(", ", ",\n") for e in best])
    axes.set_ylim(len(best) - 0.5, -0.5)
    axes.set_title("Best parameter on one half, scored on the other\n(left of 0: better than MSE)")
    axes.set_xlabel("validation RMSE, change to MSE of the same seed (%)")


def _missed(numbers: Numbers) -> str:
    """The λ smoother than all runs of the primary endpoint's baseline, and in how many seeds."""
    n = len(numbers["seeds"])
    return ", ".join(
        f"λ = {e['value']:g} ({e['seeds']} of {n} seeds)"
        for e in numbers["not_reached"]
        if (e["baseline"], e["measure"]) == PRIMARY
    )


def _excess(entry: Mapping[str, Any]) -> str:
    if entry["mean"] is None:
        return "–"
    reached, n = entry["reached"], len(entry["by_seed"])
    return with_interval(entry) + ("" if reached == n else f" ({reached})")


def _setting(point: Numbers) -> str:
    return f"{point['parameter']} = {point['value']:g}" if point["parameter"] else ""
