"""Strength of a λ by sampling of the Lai points and input scaling (paper §5, §6.1, new).

What to see: the changes of Table 1, for the inputs of the default protocol and for standardised
ones, each with all three samplings of `lai_training`. The paper's are the crosses.

What the paper says: a fraction α "of batches" gets the Lai loss (§5), or "1% of the data points"
(§6.1, E6); it does not say how its inputs are scaled (E8).

What we found on Kaggle's files, for λ = 1e-3 with "separate", "points" and "batches": with inputs
divided by their largest value the RMSE changes by +4%, +5%, +5% and the variance by -6%, -8%, -9%;
with standardised inputs by +6%, +61%, +56% and -19%, -94%, -91%. The paper has +4% and -15%. So
with one Lai step per epoch, standardised inputs also give about the paper's changes, at other
levels.

Two things determine how strongly a λ regularises. The first is the weight of the Lai loss among the
steps: with "points" and "batches" it is α = 1% for every batch size; with "separate" it is one step
per epoch, here one of about 920, 0.1%. The second is the unit in which k is measured: inputs
divided by the largest value of a feature are small and their k large. For |k| ≫ 1, F is nearly
constant and F' falls as k⁻³. The distance of the changes from the paper's is that of `protocols`: a
root mean square in units of a tolerance.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.experiments.inputs import load_data
from figures.experiments.paper import LAMS, TABLE_1_CHANGE
from figures.experiments.protocol import (
    NOISES,
    arms_of,
    protocol_of,
    summarise_setting,
    train_all,
)
from figures.experiments.search import levels_and_changes
from figures.experiments.settings import Numbers, Settings
from figures.experiments.shrinkage import shrunk_changes
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY
from figures.plotting.words import loss_name, settings_caption, with_interval

SCALINGS = {"max-abs": None, "standard": 5}  # scaling: largest number of seeds, None: all
SAMPLINGS = ("separate", "points", "batches")
MEASURES = {
    "rmse": "validation RMSE",
    "variance": "variance of outputs",
    "mean_grad_norm": "mean gradient norm",
}
MARKERS = dict(zip(LAMS, "osDv", strict=True))
COLORS = dict(zip(LAMS, DARK_TO_LIGHT, strict=True))


def compute(settings: Settings) -> Numbers:
    """Table 1 for each scaling and sampling; every run's results."""
    control = arms_of(settings, range(settings.seeds), noises=NOISES)
    readings = [(scaling, sampling) for scaling in SCALINGS for sampling in SAMPLINGS]
    arms = [
        {**arm, "scaling": scaling, "sampling": sampling, "lam": lam}
        for scaling, sampling in readings
        for arm in control[: SCALINGS[scaling]]
        for lam in LAMS
    ]
    results = train_all(settings, arms, "samplings")
    names = ("seed", "scaling", "sampling", "lam", *MEASURES)
    tables = []
    for scaling, sampling in readings:
        mine = [a for a in results if (a["scaling"], a["sampling"]) == (scaling, sampling)]
        shrinkage = [{"lam": lam, **shrunk_changes(mine, lam)} for lam in LAMS[1:]]
        rows = [summarise_setting(mine, MEASURES, lam=lam) for lam in LAMS]
        means = ([row[name]["mean"] for row in rows] for name in ("rmse", "variance"))
        reading = {"scaling": scaling, "sampling": sampling, **levels_and_changes(*means)}
        reading["seeds"] = sorted({arm["seed"] for arm in mine})
        tables.append(reading | {"rows": rows, "shrinkage": shrinkage})
    return {
        **settings.provenance("samplings", load_data(settings.inputs).source),
        "protocol": protocol_of(control[0]),
        "runs": [{name: arm[name] for name in names} for arm in results],
        "tables": tables,
    }


def table(numbers: Numbers) -> str:
    """A part for each scaling and sampling: levels of MSE, then the changes by λ."""
    lines = [
        f"Table 1 (§6.1) by scaling and sampling, {_caption(numbers)}",
        "levels of MSE: mean ± sd over seeds; changes to MSE of the same seed: mean [95% interval]",
        f"{'':<56}{'MSE':>18}" + "".join(f"{loss_name(lam):>25}" for lam in LAMS[1:]),
    ]
    for each in numbers["tables"]:
        for name, title in MEASURES.items():
            control, *others = each["rows"]
            level = f"{control[name]['mean']:.4f} ± {control[name]['sd']:.4f}"
            n = len(each["seeds"])
            head = f"{each['scaling']}, {each['sampling']}, {title} ({n} seeds)"
            changes = [with_interval(row[f"{name}_change"]) for row in others]
            lines.append(f"{head:<56}{level:>18}" + "".join(f"{cell:>25}" for cell in changes))
        lines[-1] += f"   distance of the changes from the paper's {each['change_distance']:.2f}"
    for name, row in TABLE_1_CHANGE.items():
        cells = "".join(f"{change:>+25.1%}" for change in row[1:])
        lines.append(f"{f'paper, {MEASURES[name]}':<74}{cells}")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """Changes of RMSE, variance and mean gradient norm, a row per scaling and sampling."""
    figure = Figure(figsize=(12.5, 5.4), layout="constrained")
    panels: Any = figure.subplots(1, 3, sharey=True)
    for axes, (name, title) in zip(panels, MEASURES.items(), strict=True):
        _panel(axes, numbers, name)
        axes.set_xlabel(f"{title}, change to MSE (%)")
    nearest = min(numbers["tables"], key=lambda each: float(each["change_distance"]))
    panels[0].set_title(
        f"nearest to the paper's changes:\n{nearest['scaling']} inputs, {nearest['sampling']}"
    )
    found = {(each["scaling"], each["sampling"]): each["rows"][-1] for each in numbers["tables"]}
    panels[1].set_title(_title(found, "variance", "standard", ("separate", "points")))
    panels[2].set_title(_title(found, "mean_grad_norm", "max-abs", ("separate", "points")))
    labels = [f"{each['scaling']} inputs,\n{each['sampling']}" for each in numbers["tables"]]
    panels[0].set_yticks(range(len(labels)), labels)
    panels[0].set_ylim(len(labels) - 0.4, -0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    figure.supxlabel(_caption(numbers), fontsize=7.5, color=GREY)
    return figure


def _panel(axes: Axes, numbers: Numbers, name: str) -> None:
    for place, lam in enumerate(LAMS[1:], start=1):
        color, marker, shift = COLORS[lam], MARKERS[lam], 0.22 * (place - 2)
        label: str | None = loss_name(lam)
        for y, each in enumerate(numbers["tables"]):
            change = each["rows"][place][f"{name}_change"]
            draw_change(axes, change, y + shift, fmt=marker, color=color, label=label)
            label = None
        if name in TABLE_1_CHANGE:
            paper = 100 * TABLE_1_CHANGE[name][place]
            axes.axvline(paper, color=color, ls=":", lw=1.2)
    axes.plot([], [], ":", color=GREY, label="paper, same colour")
    axes.axvline(0, color=GREY, lw=1)
    axes.axhline(2.5, color=GREY, lw=0.8)
    axes.set_xscale("symlog", linthresh=1)
    axes.xaxis.set_major_formatter("{x:g}")


def _title(found: Any, name: str, scaling: str, samplings: tuple[str, str]) -> str:
    """The changes of a measure with the smallest λ for one scaling and two samplings."""
    one, other = (found[scaling, s][f"{name}_change"]["mean"] for s in samplings)
    return (
        f"{scaling} inputs, {loss_name(LAMS[-1])}:\n"
        f"{one:+.0%} with {samplings[0]}, {other:+.0%} with {samplings[1]}"
    )


def _caption(numbers: Numbers) -> str:
    """The settings without the scaling and the sampling, which vary."""
    protocol = numbers["protocol"] | {"scaling": "max-abs or standard"}
    head, network, _ = settings_caption({**numbers, "protocol": protocol}).split("\n")
    fewer = min(len(each["seeds"]) for each in numbers["tables"])
    head = head.replace(" seeds;", f" seeds ({fewer} with standardised inputs);", 1)
    loss = f"L2 Lai MSE, {protocol['reduction']} reduction, α = {protocol['alpha']:.0%}"
    return f"{head}\n{network} {loss}"
