"""A table of your own: does the Lai loss, or a simpler method, lower its RMSE? (new)

What to see: top left, the change of the validation RMSE relative to MSE for the Lai loss, a
gradient penalty μ ‖k‖² on as many samples, and early stopping of the MSE run. Each has the setting
that the validation set chooses. Below, every setting. On the right, the changes of the mean
gradient norm and of the sensitivity to noise in each feature.

How it is assessed: one half of the validation set chooses a method's setting, the other half scores
it; then the halves swap roles (two-fold). Plain MSE is one setting of each method. A seed
is a random split and random initial weights, the same for every method. The intervals hold jointly
for the three methods with 95 % (Bonferroni). They account for seeds that share most of their
samples (Nadeau & Bengio 2003), and apply to data like these and to this protocol. A method whose
interval contains 0 may still have an effect. The intervals by feature are not adjusted for the
number of features. With fewer than five seeds no difference is called clear. If MSE's RMSE is not
below that of a constant, the training samples' mean target, the sentence reports it.

All tables have the same protocol. Inputs and target are standardised with the training samples, so
that λ and μ do not depend on units; k is that of standardised data. Results are in the target's
units, and k is per standard deviation of a feature. Of more than 20,000 training samples, 20,000
drawn at random are used, and long tables are trained for fewer epochs.

Without --data FILE.csv, the table is the first 500 rows of the data on California housing. What we
found on those of the synthetic data, with ten seeds: no clear difference to MSE for Lai (+0.3%
[-5.3%, +6.3%]), the gradient penalty (-1.0% [-9.4%, +8.2%]) or early stopping (-3.8% [-9.7%,
+2.6%]). Lai lowers the mean gradient norm by 23.8%, early stopping by 28.5%.
"""

from __future__ import annotations

import re
from collections import Counter
from textwrap import fill
from typing import Any

from matplotlib.figure import Figure

from figures.experiments.comparison import METHODS, NOISE, STOPPING, judge, never_chosen, train
from figures.experiments.inputs import Job, load_data
from figures.experiments.protocol import arms_of, protocol_of, table_protocol
from figures.experiments.settings import Numbers, Settings
from figures.plotting.compare_panels import SHOWN, draw_changes, draw_features, draw_settings
from figures.plotting.drawing import GREY
from figures.plotting.noise_by_feature import entry
from figures.plotting.words import balanced, network_name, short_names, unit_of, with_interval

DEFAULT_ROWS = 500
MIN_SEEDS = 5  # with fewer, no difference is called clear


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
    found = _verdict(numbers["methods"], len(numbers["seeds"]))
    if numbers["mse"]["rmse"] >= numbers["constant_rmse"]:
        found += (
            " MSE itself is no better than the mean of the target: the features may not predict it."
        )
    return found


def _verdict(methods: Numbers, seeds: int) -> str:
    every = "; ".join(f"{name} {_change_text(method)}" for name, method in methods.items())
    if seeds < MIN_SEEDS:
        return (
            f"{seeds} seeds are too few for a verdict (at least {MIN_SEEDS}); their changes of"
            f" validation RMSE to MSE: {every}."
        )
    changes = {name: method["rmse_change"] for name, method in methods.items()}
    lower = sorted((n for n in methods if changes[n]["high"] < 0), key=lambda n: changes[n]["mean"])
    higher = [name for name in methods if changes[name]["low"] > 0]
    unclear = [name for name in methods if name not in (*lower, *higher)]
    if len(unclear) == len(methods):
        return f"On these data no clear difference to MSE in validation RMSE: {every}."
    parts = [_clear(name, methods[name], "lowers") for name in lower]
    parts += [_clear(name, methods[name], "raises") for name in higher]
    if unclear:
        each = [f"{name} ({_change_text(methods[name])})" for name in unclear]
        parts.append(f"no clear difference for {' and '.join(each)}")
    return f"On these data, relative to MSE, {'; '.join(parts)}."


def _change_text(method: Numbers) -> str:
    return "never chosen" if never_chosen(method) else _cell(method["rmse_change"])


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
        return "plain MSE"
    return f"{METHODS[name].symbol}{' ' if name == STOPPING else ' = '}{value:g}"


def _about(numbers: Numbers) -> list[str]:
    """Seeds, data, protocol and the kind of intervals."""
    p, samples = numbers["protocol"], numbers["samples"]
    rows = f", first {p['rows']} rows" if p["rows"] else ""
    limited = f" (limited to {p['train_rows']:,}, drawn at random)" if p["train_rows"] else ""
    where = "test" if numbers["test_samples"] else "validation"
    return [
        f"{len(numbers['seeds'])} seeds; {numbers['source']}{rows}",
        f"{samples['train']:,} training samples{limited}, {samples['validation']:,} validation"
        f" samples per seed: one half chooses a setting, the other scores it, and vice versa",
        f"network {network_name(p)}, inputs and target standardised, Adam {p['lr']:g}, batch"
        f" {p['batch_size']}, {p['pretrain_epochs']} + {p['lai_epochs']} epochs, Lai and penalty"
        f" for {p['alpha']:.0%} of the samples; ‖k‖ and noise at the {where} samples",
        "in brackets: intervals that hold jointly for the three methods with 95 %, corrected for"
        " samples that the seeds share, not for the number of features",
    ]


def table(numbers: Numbers) -> str:
    """The methods, then the features, then the sentence."""
    mse, n = numbers["mse"], len(numbers["seeds"])
    unit = unit_of(numbers)
    lines = [
        "Does a method help on this table?",
        *(fill(line, 100) for line in _about(numbers)),
        "",
        f"{'':<16}{'RMSE':>10}{'change':>24}{'lower':>8}{'mean ‖k‖':>24} most chosen",
        f"{'constant, level':<16}{numbers['constant_rmse']:>10.4g}",
        f"{'MSE, level':<16}{mse['rmse']:>10.4g}{'':>32}{mse['mean_grad_norm']:>24.4g}",
    ]
    for name, method in numbers["methods"].items():
        setting, count, of = _favourite(name, method)
        lines.append(
            f"{name:<16}{method['rmse']:>10.4g}{_change_text(method):>24}"
            f"{method['lower_in']:>5}/{n:<2}{_smoother(method, 'mean_grad_norm'):>24}"
            f" {setting} ({count}/{of})"
        )
    lines += [
        "",
        fill(
            f"constant: the training samples' mean target. RMSE and ‖k‖ in {unit}, ‖k‖ per standard"
            " deviation of a feature; lower: seeds with a"
            " lower RMSE; most chosen: the setting chosen most often (two choices per seed;"
            " plain MSE is a setting of each method). Below: mean |Δy| for noise of"
            f" {NOISE:.0%} of a feature's standard deviation, MSE's in {unit}, and changes to it.",
            100,
        ),
        f"{'':<20}{'MSE':>11}" + "".join(f"{name:>23}" for name in METHODS),
    ]
    for j, feature in enumerate(short_names(numbers["features"])):
        cells = [_smoother(method, "sensitivity", j) for method in numbers["methods"].values()]
        head = f"{feature:<20}{mse['sensitivity'][j]:>11.4g}"
        lines.append(head + "".join(f"{cell:>23}" for cell in cells))
    return "\n".join([*lines, "", fill(sentence(numbers), 100)])


def plot(numbers: Numbers) -> Figure:
    """The change of RMSE; every setting; smoothness by feature."""
    rows = min(SHOWN, len(numbers["features"]))
    figure = Figure(figsize=(12, 6.4 + 0.15 * max(0, rows - 8)), layout="constrained")
    panels: Any = figure.subplot_mosaic("ac;bc", height_ratios=(1, 1.5), width_ratios=(1, 1.15))
    draw_changes(panels["a"], numbers)
    draw_settings(panels["b"], numbers)
    draw_features(panels["c"], numbers)
    # keep a change and its interval on one line
    words = re.sub(r" (?=[+-]\d|\[)", "\u00a0", sentence(numbers))
    words = re.sub(r"(\[[^] ]*) ", "\\1\u00a0", words)
    figure.suptitle(balanced(words, 115), x=0.01, ha="left", fontsize=12)
    about = "\n".join(balanced(line, 185) for line in _about(numbers))
    about = about.replace("in brackets", "bars, and in brackets")
    figure.supxlabel(about, fontsize=7.5, color=GREY)
    return figure


def _smoother(method: Numbers, measure: str, j: int | None = None) -> str:
    """The change of a measure of smoothness, of feature j where there is one per feature."""
    if never_chosen(method):
        return "–"
    change = method[f"{measure}_change"]
    return _cell(change) if j is None else _cell(entry(change, j), "+.0%")


def _cell(change: Numbers, form: str = "+.1%") -> str:
    """A change and its interval; very large ends, as with two seeds, are cut off."""
    return re.sub(r"\+\d{4,}(\.\d)?%", ">+999%", with_interval(change, form))
