"""Which protocol comes closest to the paper's tables (paper §6, E8, new).

What to see: on the left the way from MSE to λ = 1e-3 under each protocol; the paper's (black) is
short, most of ours are long. On the right by which factor a protocol's numbers are typically off
the paper's. Rows are sorted by Tables 1 and 2 together, in which each of the 24 numbers counts the
same. The noise of Table 2 is, for each protocol, the one of ten that comes nearest. Table 3 is
computed for the four nearest protocols alone.

What the paper says: it names neither network, scaling, batch size, learning rate nor noise, and
gives the Lai loss to a share of "batches" in §5 and of "data points" in §6.1 (E6, E8).

What we found on Kaggle's files: none of the 24 reproduces the tables. The nearest, with standard
inputs, a small relu network, a low learning rate and whole batches, is within 0.4% of the paper's
RMSE for MSE and for λ = 1e-1. But its outputs vary 19% more, and λ = 1e-3 does far more to them:
-54% of the variance for +37% in RMSE (paper: -15% for +3.6%). Its λ = 1e-2 is nearer to that, with
-20% for +5.7%. So little variance as in the paper goes under two protocols only, whose RMSE is 1.67
or more. Table 2 is off by a factor 1.74 or more. With λ₈ = 1e-3 the sensitivity to X8 falls by 72%
to 87% (paper: 42%) for +4% to +19% in RMSE (paper: +2.4%), and those to X1, X3 and X6 rise under
all four where the paper's fall. Standard inputs come nearer than raw ones in all 12 pairs that
differ in nothing else, whole batches nearer than points in 9 of 12: the Lai loss then pulls less
often. The nearest has the lowest rate tried, and with λ = 1e-3 it is not yet at rest when training
ends.

What it means: the directions hold widely, the sizes hang on what the paper does not name. The
variance falls at each step down in λ under 17 of 24 protocols, the RMSE rises under 21, and
λ = 1e-1 stays within 1% of the RMSE of MSE under 10. Variance and RMSE go another way with raw
inputs alone, with which training is so erratic that sums in another order change these counts.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from figures.experiments.inputs import Job, california
from figures.experiments.paper import LAMS, MSE, TABLE_1, TABLE_2, TABLE_3, deviation_factor
from figures.experiments.protocol import UNIT, arms_of, protocol_of, train_all
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trained import NOISE_LEVELS
from figures.plotting.drawing import DARK_TO_LIGHT, GREY, annotate
from figures.plotting.words import network_name

SEEDS = (0, 1)
FACTORS: list[list[Job]] = [
    [{"scaling": "standard"}, {"scaling": "raw"}],
    [{"sizes": [8, 64, 32, 1], "activation": "tanh"}, {"sizes": [8, 32, 1], "activation": "relu"}],
    [{"batch_size": b, "lr": lr} for b, lr in ((256, 1e-3), (256, 1e-4), (1024, 1e-3))],
    [{"sampling": "points"}, {"sampling": "batches"}],
]
QUICK = [*(factor[:1] for factor in FACTORS[:-1]), FACTORS[-1]]
NEAR = 0.01  # the relative difference of two RMSE that are called near
NEAREST = 4  # of these protocols Table 3 is computed too
PAPER: Numbers = {
    **TABLE_1,
    "sensitivity": [MSE[:-1], TABLE_2.row[:-1]],  # Table 2: MSE and λ = 1e-1
}
COMPARED = {
    "RMSE": ["rmse"],
    "variance": ["variance"],
    "Table 1": ["rmse", "variance"],
    "Table 2": ["sensitivity"],
    "Tables 1 and 2": ["rmse", "variance", "sensitivity"],
}
COLUMNS = "{:<9}{:<16}{:>5}  {:<7}{:<7}"
HEADER = COLUMNS.format("inputs", "network", "batch", "rate", "Lai for")
ENDS = {"MSE": "o", "λ = 1e-3": "v"}  # their markers


def compute(settings: Settings) -> Numbers:
    """Tables 1 and 2 by protocol, the nearest to the paper's first; Table 3 of the nearest."""
    choices = product(*(QUICK if settings.quick else FACTORS))
    protocols = [{k: v for factor in choice for k, v in factor.items()} for choice in choices]
    medians = _train(settings, [(protocol, lam) for protocol in protocols for lam in LAMS])
    n = len(LAMS)
    found = [_tables_1_2(p, medians[i * n : i * n + n]) for i, p in enumerate(protocols)]
    found.sort(key=lambda result: float(result["off"]["Tables 1 and 2"]))
    nearest = found[: 1 if settings.quick else NEAREST]
    lists = _train(settings, [(result["protocol"], TABLE_3.lam) for result in nearest])
    for result, median in zip(nearest, lists, strict=True):
        _add_table_3(result, median)
    (control,) = arms_of(settings, SEEDS[:1])
    return {
        **settings.provenance("protocols", california(settings.data).source, SEEDS),
        "common": {k: v for k, v in protocol_of(control).items() if k not in protocols[0]},
        "protocols": found,
    }


def table(numbers: Numbers) -> str:
    """Every protocol's Table 1 and factors, the nearest first; then Table 3 of the nearest."""
    results = numbers["protocols"]
    factors = ("Table 1", "Table 2", "Tables 1 and 2")
    asked = list(results[0]["as in the paper"])
    wide = len(HEADER) + 2
    lines = [
        f"Protocols against the paper's tables, {_settings_caption(numbers)}",
        "",
        f"{'':<{wide}}{'RMSE: MSE, λ = 1e-1, 1e-2, 1e-3':<34}{'variance on the test set':<34}"
        f"{'off by a factor in':<48}as in the paper?",
        f"{HEADER:<{wide + 68}}" + "".join(f"{title:<16}" for title in (*factors, *asked)),
        f"{'paper':<{wide}}" + _cells(PAPER),
    ]
    for result in results:
        answers = ["yes" if result["as in the paper"][title] else "no" for title in asked]
        lines.append(
            f"{_name(result):<{wide}}{_cells(result)}"
            + "".join(f"{result['off'][title]:<16.2f}" for title in factors)
            + "".join(f"{answer:<16}" for answer in answers)
        )
    changes = {"paper": TABLE_3.change}
    changes |= {_name(result): result["list_change"] for result in results if "list" in result}
    lines += [
        "",
        "Table 3 (λ₈ = 1e-3): change to MSE of mean |Δy| by feature, then of RMSE",
        " " * wide + "".join(f"{name:<9}" for name in [*(f"X{j}" for j in range(1, 9)), "RMSE"]),
    ]
    for name, row in changes.items():
        lines.append(f"{name:<{wide}}" + "".join(f"{change:<+9.1%}" for change in row))
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Left: variance over RMSE, from MSE to λ = 1e-3. Right: deviation factors."""
    figure = Figure(figsize=(12.5, 6.6), layout="constrained")
    panels: Any = figure.subplots(1, 2, width_ratios=(1.1, 1))
    _tracks(panels[0], numbers)
    _factors(panels[1], numbers)
    figure.supxlabel(_settings_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _train(settings: Settings, choices: list[tuple[Job, Any]]) -> list[Numbers]:
    """For each protocol and λ the medians over the seeds."""
    control = arms_of(settings, SEEDS)
    arms: list[Job] = []
    for protocol, lam in choices:
        # MSE is the same with both samplings, and is trained once
        sampling = FACTORS[-1][0] if lam is None else {}
        arms += [{**arm, **protocol, **sampling, "lam": lam} for arm in control]
    results = train_all(settings, arms, "protocols")
    return [_median(results[i : i + len(SEEDS)]) for i in range(0, len(results), len(SEEDS))]


def _median(arms: list[Job]) -> Numbers:
    sensitivity = {
        kind: np.median([arm["sensitivity"][kind] for arm in arms], axis=0).tolist()
        for kind in arms[0]["sensitivity"]
    }
    return {
        "rmse": float(np.median([arm["rmse"][-1] for arm in arms])),
        "variance": float(np.median([arm["variance"] for arm in arms])),
        "sensitivity": sensitivity,
    }


def _tables_1_2(protocol: Job, medians: list[Numbers]) -> Numbers:
    """Both tables and how far they are from the paper's, with the noise that comes nearest."""
    rmse, variance = ([median[name] for median in medians] for name in ("rmse", "variance"))
    noises = {
        (kind, i): [median["sensitivity"][kind][i] for median in medians[:2]]
        for kind in medians[0]["sensitivity"]
        for i in range(len(NOISE_LEVELS))
    }
    kind, i = min(noises, key=lambda noise: deviation_factor(noises[noise], PAPER["sensitivity"]))
    ours = {"rmse": rmse, "variance": variance, "sensitivity": noises[kind, i]}
    return {
        "protocol": protocol,
        **ours,
        "noise": {"of": kind, "share": NOISE_LEVELS[i]},
        "off": {title: _deviation(ours, names) for title, names in COMPARED.items()},
        "as in the paper": {
            "variance falls": variance == sorted(variance, reverse=True),
            "RMSE rises": rmse[1:] == sorted(rmse[1:]),
            "1e-1 near MSE": abs(rmse[1] / rmse[0] - 1) < NEAR,
        },
    }


def _add_table_3(result: Numbers, median: Numbers) -> None:
    """Sensitivity by feature, then RMSE, with λ₈ = 1e-3; and their changes to MSE."""
    noise = result["noise"]
    mse = [*result["sensitivity"][0], result["rmse"][0]]
    ours = median["sensitivity"][noise["of"]][NOISE_LEVELS.index(noise["share"])]
    result["list"] = [*ours, median["rmse"]]
    result["list_change"] = (np.divide(result["list"], mse) - 1).tolist()
    result["off"]["Table 3"] = deviation_factor(result["list"], TABLE_3.row)


def _deviation(ours: Numbers, names: list[str]) -> float:
    flat = [np.concatenate([np.ravel(of[name]) for name in names]) for of in (ours, PAPER)]
    return deviation_factor(*flat)


def _tracks(axes: Axes, numbers: Numbers) -> None:
    results = numbers["protocols"]
    for i, result in enumerate(results):
        p = result["protocol"]
        color = DARK_TO_LIGHT[1 + (p["scaling"] == "raw")]
        dashes = "--" if p["activation"] == "relu" else "-"
        label = f"{p['scaling']} inputs, {network_name(p)}"
        _track(axes, result, color, dashes, 1 + (i == 0), label)
    nearest = results[0]["rmse"][-1], results[0]["variance"][-1]
    annotate(axes, "nearest", nearest, (8, -3), fontsize=8.5)
    _track(axes, PAPER, DARK_TO_LIGHT[0], "-", 2.5, "paper's Table 1")
    for end, marker in ENDS.items():
        axes.plot([], [], marker, color=GREY, label=end)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))  # one of each
    axes.legend(handles.values(), handles.keys(), loc="lower right", fontsize=8.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.set_xticks([0.6, 0.8, 1, 1.5, 2, 3])
    axes.set_xlabel(f"validation RMSE ({UNIT}, log scale)")
    axes.set_ylabel(f"variance of outputs on the test set (({UNIT})², log scale)")
    more = sum(_left(result) < _left(PAPER) for result in results)
    axes.set_title(
        f"under {more} of {len(results)} protocols λ = 1e-3 takes away\n"
        "a larger share of the variance than in the paper"
    )


def _track(axes: Axes, of: Numbers, color: str, dashes: str, width: float, label: str) -> None:
    x, y = of["rmse"], of["variance"]
    axes.loglog(x, y, color=color, ls=dashes, lw=width, label=label)
    for end, marker in zip((0, -1), ENDS.values(), strict=True):
        axes.plot(x[end], y[end], marker, color=color, ms=4 + width)


def _factors(axes: Axes, numbers: Numbers) -> None:
    results = numbers["protocols"]
    rows = range(len(results))
    columns = zip(("Table 1", "Table 2", "Table 3"), DARK_TO_LIGHT[1:], "os^", strict=True)
    for title, color, marker in columns:
        factors = [result["off"].get(title, np.nan) for result in results]
        axes.semilogx(factors, rows, marker, color=color, label=title)
    labels = [HEADER, *(_name(result) for result in results)]
    axes.set_yticks(range(-1, len(results)), labels, family="monospace", fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(results) - 0.5, -1.5)
    axes.set_xlim(left=1)
    axes.set_xticks([1, 1.5, 2, 3, 4, 6])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(
        "typically off by a factor (log scale; 1: the paper's numbers),\n"
        "sorted by Tables 1 and 2 together"
    )
    factor = results[0]["off"]
    axes.set_title(
        "the nearest protocol is off by a factor\n"
        f"{factor['Table 1']:.2f} in Table 1, {factor['Table 2']:.2f} in Table 2"
    )
    axes.legend(loc="upper right")


def _left(of: Numbers) -> float:
    """What λ = 1e-3 leaves of MSE's variance."""
    return float(of["variance"][-1] / of["variance"][0])


def _name(result: Numbers) -> str:
    p = result["protocol"]
    return COLUMNS.format(p["scaling"], network_name(p), p["batch_size"], p["lr"], p["sampling"])


def _settings_caption(numbers: Numbers) -> str:
    c = numbers["common"]
    rows = f", first {c['rows']} rows" if c["rows"] else ""
    return (
        f"medians of {len(numbers['seeds'])} seeds; {numbers['source']}{rows}\n"
        f"{c['dtype']}, Adam, {c['pretrain_epochs']} + {c['lai_epochs']} epochs;"
        f" L2 Lai MSE, {c['reduction']} reduction, for {c['alpha']:.0%} of the points or batches"
    )


def _cells(of: Numbers) -> str:
    rmse, variance = ("".join(f"{x:<8.4f}" for x in of[name]) for name in ("rmse", "variance"))
    return f"{rmse}  {variance}  "
