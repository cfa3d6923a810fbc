"""Few training data: does regularisation help where the network overfits? (paper §6.1, §7, new)

What to see: left, the change of the validation RMSE relative to MSE over the number of training
samples, for the Lai loss, for the gradient penalty μ ‖k‖² on as many points, and for early stopping
of the MSE run. Each has its best parameter, chosen per seed on one half of the validation set; the
other half scores. Right, for the number of samples with the largest gain: the RMSE over the mean
gradient norm for every parameter.

What the paper says: the Lai loss "at times" generalises better than MSE (§6.1); it reduces a large
gradient, against overfitting (§3). Its own experiment trains on about 30,000 samples, too many for
so small a network to overfit much.

What we found on Kaggle's files, with ten seeds: with 250 samples the best λ lowers the RMSE by 1.0%
and the mean gradient norm by 11%; the best μ lowers the RMSE by 1.6%, early stopping by 2.3%. The
95% interval of each size by itself puts the RMSE of Lai below that of MSE with 250 and 2,000
samples; with 500, 1,000 and 4,000 it is undecided. With joint intervals (Bonferroni, 95% for all
five) it is undecided with all. The mean over the five is one comparison: the RMSE falls by 0.4%
(0.2% to 0.7%), with early stopping by 1.6% (1.0% to 2.1%). The RMSE of Lai is higher than the
gradient penalty's with 500 and 1,000 samples and lower with none; it is higher than early
stopping's with all. Part of early stopping's gain is that it chooses a single epoch; the others are
means over 20. The inputs are scaled with the statistics of all training inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median_low
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from figures.experiments.inputs import Job, load_data
from figures.experiments.intervals import paired_change
from figures.experiments.protocol import STANDARDISED, arms_of, protocol_of, train_all
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import BOX, DARK_TO_LIGHT, GREY, annotate
from figures.plotting.words import listed, settings_caption, with_interval

SIZES = (250, 500, 1000, 2000, 4000)  # training samples
QUICK_SIZES, QUICK_STEP = SIZES[:2], 6  # with --quick, every sixth parameter
CHANGES: Job = STANDARDISED | {"batch_size": 32}
LAI, PENALTY, STOPPING = "Lai", "gradient penalty", "early stopping"


class Method(NamedTuple):
    """A way to regularise: the values of its parameter from weak to strong, and its look."""

    parameter: str
    values: Sequence[float]
    symbol: str
    look: tuple[str, str, str]  # colour, marker, dashes


METHODS = {
    LAI: Method(
        "lam", (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001), "λ", (DARK_TO_LIGHT[0], "o", "-")
    ),
    PENALTY: Method(
        "mu", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0), "μ", (DARK_TO_LIGHT[1], "s", "--")
    ),
    # chosen among the epochs of the MSE run: no further training
    STOPPING: Method("epoch", (), "epoch", (DARK_TO_LIGHT[2], "^", ":")),
}
DUELS = {"lai_over_penalty": PENALTY, "lai_over_stopping": STOPPING}


def compute(settings: Settings) -> Numbers:
    """The best of each method per number of samples and seed, and the changes to MSE."""
    sizes = QUICK_SIZES if settings.quick else SIZES
    step = QUICK_STEP if settings.quick else 1
    control = arms_of(settings, range(settings.seeds), **CHANGES)
    choices: list[Job] = [{}]  # MSE
    choices += [{about.parameter: v} for about in METHODS.values() for v in about.values[::step]]
    arms = [
        {**arm, "train_rows": rows, **change}
        for rows in sizes
        for change in choices
        for arm in control
    ]
    results = train_all(settings, arms, "few_data")
    return {
        **settings.provenance("few_data", load_data(settings.inputs).source),
        "protocol": protocol_of(control[0]) | {"train_rows": list(sizes)},
        "sizes": [_size(rows, [r for r in results if r["train_rows"] == rows]) for rows in sizes],
    }


def _size(rows: int, results: list[Job]) -> Numbers:
    """One number of training samples: every method's curve, its best, and Lai against the others.

    `curves`: per parameter the changes to MSE on the scoring half. `chosen` is the parameter with
    the smallest RMSE on the choosing half, per seed; `at_end`, in how many seeds it is the first or
    the last of its grid; `better_in`, in how many the RMSE is below MSE's.
    """
    mse = [run for run in results if _parameter_of(run) is None]
    base = {"rmse": [run["halves"][1] for run in mse]}
    base |= {name: [run[name] for run in mse] for name in ("mean_grad_norm", "variance")}
    candidates: dict[str, list[list[Numbers]]] = {  # by seed, weak to strong
        name: [
            [
                run | {"value": run[about.parameter]}
                for run in results
                if run["seed"] == control["seed"] and _parameter_of(run) == about.parameter
            ]
            for control in mse
        ]
        for name, about in METHODS.items()
        if about.values
    }
    candidates[STOPPING] = [
        [
            record | {"value": record["epoch"]}
            for record in control["pretraining"]["path"] + control["path"]
        ]
        for control in mse
    ]
    methods = {name: _chosen(by_seed, base) for name, by_seed in candidates.items()}
    lai = methods[LAI]["rmse"]
    return {
        "rows": rows,
        "mse": base,
        "methods": methods,
        **{duel: _duel(lai, methods[other]["rmse"]) for duel, other in DUELS.items()},
        "curves": {name: _curve(by_seed, base) for name, by_seed in candidates.items()},
    }


def _parameter_of(run: Job) -> str | None:
    """The parameter that a run has; None: MSE."""
    names = [about.parameter for about in METHODS.values() if about.values]
    return next((name for name in names if run[name] is not None), None)


def _chosen(by_seed: list[list[Numbers]], base: Numbers) -> Numbers:
    """The candidate of each seed with the smallest RMSE on the first half, scored on the second."""
    best = [min(candidates, key=lambda run: float(run["halves"][0])) for candidates in by_seed]
    ends = [{runs[0]["value"], runs[-1]["value"]} for runs in by_seed]
    rmse = [run["halves"][1] for run in best]
    norm = [run["mean_grad_norm"] for run in best]
    chosen = [run["value"] for run in best]
    return {
        "chosen": chosen,
        "at_end": sum(value in end for value, end in zip(chosen, ends, strict=True)),
        "rmse": rmse,
        **_duel(rmse, base["rmse"]),
        "mean_grad_norm_change": paired_change(norm, base["mean_grad_norm"]),
    }


def _duel(rmse: list[float], other: list[float]) -> Numbers:
    """The paired change of the RMSE relative to another, and in how many seeds it is lower."""
    lower = sum(a < b for a, b in zip(rmse, other, strict=True))
    return {"change": paired_change(rmse, other), "better_in": lower}


def _curve(by_seed: list[list[Numbers]], base: Numbers) -> list[Numbers]:
    """Per parameter, the changes of RMSE (scoring half), gradient norm and variance to MSE."""
    return [
        {
            "value": runs[0]["value"],
            "rmse_change": paired_change([run["halves"][1] for run in runs], base["rmse"]),
            **{
                f"{name}_change": paired_change([run[name] for run in runs], base[name])
                for name in ("mean_grad_norm", "variance")
            },
        }
        for runs in zip(*by_seed, strict=True)
    ]


def rows_where(numbers: Numbers, change: str, *, lower: bool) -> list[int]:
    """The numbers of samples at which the 95 % interval of `change` lies below 0, or above.

    `change` is a method's to MSE, or one of `DUELS`.
    """
    found = []
    for size in numbers["sizes"]:
        interval = (size["methods"].get(change) or size.get(change))["change"]
        if interval["low"] is not None and (interval["high"] < 0 if lower else interval["low"] > 0):
            found.append(size["rows"])
    return found


def verdicts(numbers: Numbers) -> list[str]:
    """Numbers of samples with intervals that exclude 0: methods against MSE, Lai against others."""
    if len(numbers["seeds"]) < 2:
        return ["one seed: no intervals, and no verdicts"]
    below = [
        f"{name} with {listed(rows_where(numbers, name, lower=True)) or 'none'}" for name in METHODS
    ]
    lines = [f"RMSE below MSE's, by number of training samples, each by itself: {'; '.join(below)}"]
    for duel, rival in DUELS.items():
        better, worse = (rows_where(numbers, duel, lower=lower) for lower in (True, False))
        found = [f"lower with {listed(better)}"] * bool(better)
        found += [f"higher with {listed(worse)}"] * bool(worse)
        lines.append(f"RMSE of Lai against {rival}: {'; '.join(found) or 'no clear difference'}")
    return lines


def table(numbers: Numbers) -> str:
    """A row per number of samples and method; then Lai against the other methods."""
    n = len(numbers["seeds"])
    lines = [
        f"Few training samples, {settings_caption(numbers)}",
        "Per seed, one half of the validation set chooses the parameter, the other half scores.",
        "Changes to MSE: mean over seeds [95 % interval]; at end: number of seeds whose parameter",
        "is the first or last of its grid",
        "",
        f"{'samples':>7}  {'':<17}{'RMSE':>8}{'change':>24}{'lower in':>10}"
        f"{'mean ‖k‖':>24}  {'at end':>7}  chosen (median)",
    ]
    for size in numbers["sizes"]:
        lines.append(f"{size['rows']:>7}  {'MSE':<17}{np.mean(size['mse']['rmse']):>8.4f}")
        for name, m in size["methods"].items():
            lines.append(
                f"{'':>7}  {name:<17}{np.mean(m['rmse']):>8.4f}{with_interval(m['change']):>24}"
                f"{m['better_in']:>6}/{n:<3}{with_interval(m['mean_grad_norm_change']):>24}"
                f"  {m['at_end']:>3}/{n:<3}  {METHODS[name].symbol} {median_low(m['chosen']):g}"
            )
        for duel, other in DUELS.items():
            title = f"Lai over {other}"
            lines.append(
                f"{'':>7}  {title:<25}{with_interval(size[duel]['change']):>24}"
                f"{size[duel]['better_in']:>6}/{n}"
            )
    return "\n".join([*lines, "", *verdicts(numbers)])


def plot(numbers: Numbers) -> Figure:
    """The best of each method over the number of samples; RMSE over mean ‖k‖ for one of them."""
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    _over_rows(left, numbers)
    _over_norm(right, _most_gained(numbers))
    for axes in (left, right):
        axes.axhline(0, color=GREY, lw=1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    words = "\n".join(fill(line, 150) for line in verdicts(numbers))
    figure.suptitle(words, x=0.01, ha="left", fontsize=10)
    caption = settings_caption(numbers)
    figure.supxlabel(f"{caption}; bars: 95 % intervals, each by itself", fontsize=7.5, color=GREY)
    return figure


def _most_gained(numbers: Numbers) -> Numbers:
    """The number of samples with the largest gain of any method."""

    def gain(size: Numbers) -> float:
        return -min(float(m["change"]["mean"]) for m in size["methods"].values())

    most: Numbers = max(numbers["sizes"], key=gain)
    return most


def _over_rows(axes: Axes, numbers: Numbers) -> None:
    rows = np.array([size["rows"] for size in numbers["sizes"]])
    for name, shift in zip(METHODS, (0.97, 1.0, 1.03), strict=True):  # bars beside each other
        color, marker, dashes = METHODS[name].look
        changes = [size["methods"][name]["change"] for size in numbers["sizes"]]
        mean, bars = _mean_and_bars(changes)
        axes.errorbar(
            rows * shift, mean, bars, color=color, marker=marker, ls=dashes, capsize=3, label=name
        )
    axes.set_xscale("log")
    axes.set_xticks(rows, [f"{n:,}" for n in rows])
    axes.minorticks_off()
    axes.set(xlabel="training samples (log scale)", ylabel="change of validation RMSE to MSE")
    axes.set_title("each method with its best parameter; below 0: better than MSE")
    axes.legend(loc="lower right")


def _over_norm(axes: Axes, size: Numbers) -> None:
    gain = 0.01  # the largest that is drawn
    for name, about in METHODS.items():
        color, marker, dashes = about.look
        curve = size["curves"][name]
        mean, bars = _mean_and_bars([point["rmse_change"] for point in curve])
        x = np.array([1 + point["mean_grad_norm_change"]["mean"] for point in curve])
        axes.plot(x, mean, color=color, marker=marker, ls=dashes)
        axes.errorbar(x, mean, bars, fmt="none", ecolor=color, elinewidth=0.8, alpha=0.6)
        best = int(np.argmin(mean))
        text = f"{about.symbol} = {curve[best]['value']:g}"
        side, up = ("bottom", 6) if name == LAI else ("top", -6)
        look = {"ha": "right", "va": side, "color": color, "bbox": BOX, "zorder": 5}
        annotate(axes, text, (x[best], mean[best]), (-5, up), fontsize=9, **look)
        gain = max(gain, -float(mean[best]))
    # far too strong penalties and the first epochs are outside the panel, as the title states
    axes.set_ylim(-2 * gain, 3 * gain)
    axes.plot(1, 0, "*", color=GREY, ms=13, label="MSE", ls="none", zorder=4)
    axes.set_title(
        f"{size['rows']:,} samples: every parameter, the best one named\n(larger RMSE is cut off)"
    )
    axes.set_xlabel("mean gradient norm, mean ‖k‖, relative to MSE")


def _mean_and_bars(changes: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray[Any, Any], Any]:
    """Means, and bars to the ends of their intervals, (2, n); None for one seed."""
    mean = np.array([change["mean"] for change in changes])
    if changes[0]["low"] is None:
        return mean, None
    low, high = (np.array([change[end] for change in changes]) for end in ("low", "high"))
    return mean, np.array([mean - low, high - mean])
