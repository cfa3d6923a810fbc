"""A table of one's own: does the Lai loss, or a simpler method, help on it? (new)

What to see: above on the left, the change of the validation RMSE relative to MSE for the Lai loss,
a gradient penalty μ ‖k‖² on as many samples, and early stopping of the MSE run, each with the
setting that the validation set chooses. Below, every setting. On the right, what this does to the
mean gradient norm and to the sensitivity to noise in each feature.

How it is judged: one half of the validation set chooses a method's setting, the other half scores
it, and then they change places. Not to regularise is a setting of each method. A seed is a random
split and random initial weights; every method is trained with the same ones. The intervals hold for
the three methods together with 95 % (Bonferroni), and take into account that the seeds share most
of their samples (Nadeau & Bengio 2003). They are about data like these and this protocol. A method
whose interval contains 0 may still have an effect. The intervals by feature are not adjusted for
the number of features.

The protocol is one for all tables. Inputs and target are standardised, by the training samples, or
λ and μ would mean something else in other units; k is that of standardised data. Results are given
in the target's units, and k per standard deviation of a feature. With more than 20,000 training
samples, 20,000 drawn at random are trained on, and long tables have fewer epochs.

Without --data FILE.csv, the table is the first 500 rows of the data on California housing. What we
found on those of the synthetic data, with ten seeds: no difference to MSE can be told for Lai
(+0.3% [-5.3%, +6.3%]), the gradient penalty (-1.0% [-9.4%, +8.2%]) or early stopping (-3.8%
[-9.7%, +2.6%]). Lai lowers the mean gradient norm by 23.8%, early stopping by 28.5%.
"""

from __future__ import annotations

import re
from collections import Counter
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.comparison import LAI, METHODS, NOISE, PENALTY, STOPPING, judge, train
from figures.experiments.inputs import Job, load_data
from figures.experiments.protocol import arms_of, protocol_of, table_protocol
from figures.experiments.settings import Numbers, Settings
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.noise_by_feature import entry
from figures.plotting.words import network_name, unit_of, with_interval

DEFAULT_ROWS = 500
SHOWN = 15  # the largest number of features in the picture
LOOKS = {  # colour, marker, dashes
    LAI: (DARK_TO_LIGHT[0], "o", "-"),
    PENALTY: (DARK_TO_LIGHT[1], "s", "--"),
    STOPPING: (DARK_TO_LIGHT[2], "^", ":"),
}


def compute(settings: Settings) -> Numbers:
    """Every method's choices and its changes to MSE."""
    data = load_data(settings.inputs)
    changes: Job = {}
    if settings.target is None:
        changes = table_protocol(DEFAULT_ROWS, DEFAULT_ROWS, settings.quick)
        changes |= {"rows": DEFAULT_ROWS}
    control = arms_of(settings, range(settings.seeds), **changes)
    return {
        **settings.provenance("compare", data.source),
        "protocol": protocol_of(control[0]),
        "features": list(data.features),
        "test_samples": len(data.x_test[: control[0]["rows"]]),
        **judge(train(settings, control)),
    }


def sentence(numbers: Numbers) -> str:
    """Whether a method lowers the RMSE on these data, by how much, and with which setting."""
    methods = numbers["methods"]
    if len(numbers["seeds"]) < 2:
        return "No difference can be told from one seed, which has no interval."
    changes = {name: method["rmse_change"] for name, method in methods.items()}
    lower = sorted((n for n in methods if changes[n]["high"] < 0), key=lambda n: changes[n]["mean"])
    higher = [name for name in methods if changes[name]["low"] > 0]
    unclear = [name for name in methods if name not in (*lower, *higher)]
    if len(unclear) == len(methods):
        every = "; ".join(f"{name} {_cell(changes[name])}" for name in methods)
        return f"On these data no difference to MSE in validation RMSE can be told: {every}."
    parts = [_clear(name, methods[name], "lowers") for name in lower]
    parts += [_clear(name, methods[name], "raises") for name in higher]
    if unclear:
        each = [f"{name} ({_cell(changes[name])})" for name in unclear]
        parts.append(f"no difference can be told for {' and '.join(each)}")
    return f"On these data, relative to MSE, {'; '.join(parts)}."


def _clear(name: str, method: Numbers, verb: str) -> str:
    change, (setting, count, of) = method["rmse_change"], _favourite(name, method)
    low, high = sorted((abs(change["low"]), abs(change["high"])))
    return (
        f"{name} {verb} the validation RMSE by {abs(change['mean']):.1%} [{low:.1%}, {high:.1%}]"
        f" (most often with {setting}: {count} of {of} choices)"
    )


def _favourite(name: str, method: Numbers) -> tuple[str, int, int]:
    """The setting that was chosen most often, how often, and of how many choices."""
    chosen = [value for pair in method["chosen"] for value in pair]
    ((value, count),) = Counter(chosen).most_common(1)
    return _setting(name, value), count, len(chosen)


def _setting(name: str, value: float | None) -> str:
    if value is None:
        return "off"
    return f"{METHODS[name].symbol}{' ' if name == STOPPING else ' = '}{value:g}"


def _about(numbers: Numbers, width: int) -> str:
    """Seeds, data, protocol and what the intervals are, in a few lines."""
    p, samples = numbers["protocol"], numbers["samples"]
    rows = f", first {p['rows']} rows" if p["rows"] else ""
    limited = f" (limited to {p['train_rows']:,}, drawn at random)" if p["train_rows"] else ""
    where = "test" if numbers["test_samples"] else "validation"
    lines = [
        f"{len(numbers['seeds'])} seeds; {numbers['source']}{rows}",
        f"{samples['train']:,} training samples{limited}, {samples['validation']:,} validation"
        f" samples per seed: one half chooses a setting, the other scores it, and the reverse",
        f"network {network_name(p)}, inputs and target standardised, Adam {p['lr']:g}, batch"
        f" {p['batch_size']}, {p['pretrain_epochs']} + {p['lai_epochs']} epochs, Lai and penalty"
        f" for {p['alpha']:.0%} of the samples; ‖k‖ and noise at the {where} samples",
        "in brackets: intervals that hold for the three methods together with 95 %, corrected for"
        " samples that the seeds share, not for the number of features",
    ]
    return "\n".join(fill(line, width) for line in lines)


def table(numbers: Numbers) -> str:
    """The methods, then the features, then the sentence."""
    mse, n = numbers["mse"], len(numbers["seeds"])
    unit = unit_of(numbers)
    lines = [
        "Does a method help on this table?",
        _about(numbers, 100),
        "",
        f"{'':<16}{'RMSE':>10}{'change':>24}{'lower':>8}{'mean ‖k‖':>24} most chosen",
        f"{'MSE, level':<16}{mse['rmse']:>10.4g}{'':>32}{mse['mean_grad_norm']:>24.4g}",
    ]
    for name, method in numbers["methods"].items():
        setting, count, of = _favourite(name, method)
        lines.append(
            f"{name:<16}{method['rmse']:>10.4g}{_cell(method['rmse_change']):>24}"
            f"{method['lower_in']:>5}/{n:<2}{_cell(method['mean_grad_norm_change']):>24}"
            f" {setting} ({count}/{of})"
        )
    lines += [
        "",
        fill(
            f"RMSE and ‖k‖ in {unit}, ‖k‖ per standard deviation of a feature; lower: seeds with a"
            f" lower RMSE. Below: mean |Δy| for noise of {NOISE:.0%} of a feature's standard"
            f" deviation, MSE's in {unit}, and changes to it.",
            100,
        ),
        f"{'':<20}{'MSE':>11}" + "".join(f"{name:>23}" for name in METHODS),
    ]
    for j, feature in enumerate(numbers["features"]):
        cells = [
            _cell(entry(m["sensitivity_change"], j), "+.0%") for m in numbers["methods"].values()
        ]
        head = f"{_short(feature):<20}{mse['sensitivity'][j]:>11.4g}"
        lines.append(head + "".join(f"{cell:>23}" for cell in cells))
    return "\n".join([*lines, "", fill(sentence(numbers), 100)])


def plot(numbers: Numbers) -> Figure:
    """The change of RMSE; every setting; smoothness by feature."""
    order = np.argsort(numbers["mse"]["sensitivity"])[::-1][:SHOWN]
    figure = Figure(figsize=(12, 6.4 + 0.15 * max(0, len(order) - 8)), layout="constrained")
    panels: Any = figure.subplot_mosaic("ac;bc", height_ratios=(1, 1.5), width_ratios=(1, 1.15))
    _changes(panels["a"], numbers)
    _settings(panels["b"], numbers)
    _features(panels["c"], numbers, [int(j) for j in order])
    # an interval stays on one line
    words = re.sub(r" (\[[^]]*) ([^]]*\])", "\u00a0\\1\u00a0\\2", sentence(numbers))
    figure.suptitle(fill(words, 115), x=0.01, ha="left", fontsize=12)
    about = _about(numbers, 160).replace("in brackets", "bars, and in brackets")
    figure.supxlabel(about, fontsize=7.5, color=GREY)
    return figure


def _changes(axes: Axes, numbers: Numbers) -> None:
    for row, (name, method) in enumerate(numbers["methods"].items()):
        color, marker, _ = LOOKS[name]
        change = method["rmse_change"]
        seeds = [100 * value for value in change["by_seed"]]
        axes.plot(seeds, [row + 0.25] * len(seeds), ".", color=GREY, ms=4, alpha=0.7)
        draw_change(axes, change, row, fmt=marker, color=color, capsize=3)
    axes.axvline(0, color=GREY, lw=1)
    axes.set_yticks(range(len(METHODS)), list(METHODS))
    axes.set_ylim(len(METHODS) - 0.4, -0.5)
    axes.set_xlabel("change of validation RMSE to MSE (%)")
    axes.set_title("chosen settings; grey: seeds (left of 0: better than MSE)")


def _settings(axes: Axes, numbers: Numbers) -> None:
    for name, method in numbers["methods"].items():
        color, marker, dashes = LOOKS[name]
        points = [(1.0, 0.0)] + [
            (1 + s["mean_grad_norm_change"], 100 * s["rmse_change"]) for s in method["settings"]
        ]
        axes.plot(*np.transpose(points), color=color, marker=marker, ls=dashes, ms=5, label=name)
    axes.plot(1, 0, "*", color=GREY, ms=14, zorder=4, ls="none")
    axes.annotate("MSE", (1, 0), (6, 6), textcoords="offset points", color=GREY)
    axes.axhline(0, color=GREY, lw=1)
    axes.set_yscale("symlog", linthresh=10)
    low, high = axes.get_ylim()
    ticks = [s * t for t in (5, 10, 20, 50, 100, 200, 500, 1000) for s in (-1, 1)]
    axes.set_yticks([0, *(tick for tick in ticks if low <= tick <= high)])
    axes.legend(loc="best")
    axes.yaxis.set_major_formatter("{x:+g}")
    axes.set_xlabel("mean gradient norm relative to MSE (smoother to the left)")
    axes.set_ylabel("change of validation RMSE (%)")
    axes.set_title("every setting, mean over seeds (below 0: better)")


def _features(axes: Axes, numbers: Numbers, order: list[int]) -> None:
    names = ["mean gradient norm"] + [_short(numbers["features"][j]) for j in order]
    for shift, (name, method) in zip((-0.22, 0, 0.22), numbers["methods"].items(), strict=True):
        color, marker, _ = LOOKS[name]
        rows = [method["mean_grad_norm_change"]]
        rows += [entry(method["sensitivity_change"], j) for j in order]
        for place, change in enumerate(rows):
            look: dict[str, Any] = {"fmt": marker, "color": color, "capsize": 2, "ms": 5}
            draw_change(axes, change, place + shift, elinewidth=1, **look)
    axes.axvline(0, color=GREY, lw=1)
    axes.axhline(0.5, color=GREY, lw=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.set_xlabel("change to MSE (%)")
    few = f", the {SHOWN} most sensitive" if len(numbers["features"]) > SHOWN else ""
    axes.set_title(
        f"smoothness: mean gradient norm, and sensitivity to noise\nin each feature{few}"
        " (left of 0: smoother)"
    )


def _cell(change: Numbers, form: str = "+.1%") -> str:
    """A change and its interval, whose ends two seeds can put anywhere."""
    return re.sub(r"\+\d{4,}(\.\d)?%", ">+999%", with_interval(change, form))


def _short(name: str) -> str:
    return name if len(name) <= 19 else f"{name[:18]}…"
