"""The paper's claims with a verdict each, computed from the numbers of the other figures.

What to see: the effects that claims are about, each with its 95 % interval and the paper's value.
The marker shows the verdict, the grey band the effects for which the claim holds. Claims that are
not about one relative change are in the table only.

A claim holds, holds for some of the examined cases (the verdict names them), does not hold, or is
undecided because an interval includes both. Verdicts apply to the protocols and the data that are
named beside the numbers; the paper does not describe its own (E8). The modules of this folder
compute the verdicts with the thresholds of `thresholds`. Other data or seeds may change them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import fill, indent

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.claims import appendix, conclusion, features, pitfalls, theory, training
from figures.claims.verdict import (
    CONDITION,
    FAILS,
    HOLDS,
    UNDECIDED,
    Assessment,
    Claim,
    kind_in_words,
    kind_of,
)
from figures.experiments.settings import Numbers, Settings
from figures.plotting.changes import draw_change
from figures.plotting.drawing import DARK_TO_LIGHT, GREY

# in the order of their modules
MODULES = (theory, appendix, pitfalls, training, features, conclusion)
FOUND = (value for module in MODULES for value in vars(module).values())
CLAIMS = tuple(value for value in FOUND if isinstance(value, Claim))
LOOKS = {  # colour and marker by kind of verdict
    HOLDS: (DARK_TO_LIGHT[1], "o"),
    CONDITION: (DARK_TO_LIGHT[3], "D"),
    FAILS: (DARK_TO_LIGHT[2], "X"),
    UNDECIDED: (DARK_TO_LIGHT[0], "s"),
}
NAMES = {HOLDS: "hold", CONDITION: "hold for some cases", FAILS: "do not hold"}
NAMES |= {UNDECIDED: "are undecided"}
CLAIMED = "#dddddd"
RESULTS = Path(__file__).parents[1] / "results"
NEEDED = tuple(dict.fromkeys(name for claim in CLAIMS for name in claim.figures))


def compute(settings: Settings) -> Numbers:
    """Assess the claims by the results in `settings.out`, or the committed ones if one is missing.

    A quick run has too few numbers for verdicts, and the committed results are used, too.
    """
    folder, why = settings.out, ""
    missing = [name for name in NEEDED if not (folder / f"{name}.json").exists()]
    if settings.quick:
        folder, why = RESULTS, ", since those of a quick run are too few"
    elif missing:
        folder, why = RESULTS, f", since {folder} lacks {', '.join(missing)}"
    print(f"claims: assessed by the numbers in {folder}{why}", file=sys.stderr)
    results = {name: _read(folder / f"{name}.json") for name in NEEDED}
    return {
        **settings.provenance("claims", seeds=()),
        "source": f"the numbers of the other figures; {results['smoothness']['source']}",
        "claims": [
            {
                "section": claim.section,
                "claim": claim.text,
                **_as_numbers(_assess(claim, results)),
                "figures": list(claim.figures),
            }
            for claim in CLAIMS
        ],
    }


def table(numbers: Numbers) -> str:
    """Every claim with its verdict, as text."""
    lines = []
    for row in numbers["claims"]:
        lines.append(f"§{row['section']:<4} {row['claim']}: {row['verdict']}")
        # without breaks at hyphens, which are minus signs, too
        lines.append(indent(fill(row["number"], 90, break_on_hyphens=False), " " * 6))
        lines.append(f"      ({', '.join(row['figures'])})")
    return "\n".join(lines)


def summary(numbers: Numbers) -> str:
    """The short table of README.md, in Markdown: the kind of each verdict and one sentence."""
    rows = [{**row, "verdict": kind_in_words(row["verdict"])} for row in numbers["claims"]]
    return _markdown(rows, "sentence", "in one sentence", gallery="figures/README.md")


def details(numbers: Numbers) -> str:
    """The long table of figures/README.md, in Markdown: verdicts in full and all numbers."""
    return _markdown(numbers["claims"], "number", "numbers", gallery="")


def _markdown(rows: list[Numbers], reason: str, title: str, *, gallery: str) -> str:
    """A table with the column `reason`, and with links to the figures in the file `gallery`."""
    lines = [f"| § | claim | verdict | {title} | figure |", "|---|---|---|---|---|"]
    for row in rows:
        links = ", ".join(f"[{name}]({gallery}#{name})" for name in row["figures"])
        cells = (row["section"], row["claim"], f"**{row['verdict']}**", row[reason], links)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """The effects that claims are about, one below the other, with intervals."""
    rows = [row for row in numbers["claims"] if row["effect"]]
    figure = Figure(figsize=(11, 0.42 * len(rows) + 2), layout="constrained")
    axes = figure.subplots()
    for y, row in enumerate(rows):
        color, marker = LOOKS[kind_of(row["verdict"])]
        effect = row["effect"]
        draw_change(axes, effect, y, fmt=marker, color=color, ms=8, capsize=3)
        if effect["paper"] is not None:
            axes.plot(100 * effect["paper"], y, "x", color="black", ms=9, mew=1.8, zorder=4)
    kinds = [kind_of(row["verdict"]) for row in numbers["claims"]]
    for kind, (color, marker) in LOOKS.items():
        label = f"{NAMES[kind]}: {kinds.count(kind)} of {len(kinds)} claims"
        axes.plot([], [], marker, color=color, ms=8, label=label)
    axes.plot([], [], "x", color="black", ms=9, mew=1.8, label="the paper's value")
    labels = [f"§{row['section']}  {row['claim']}\n({row['effect']['name']})" for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=8.5)
    axes.axvline(0, color=GREY, lw=1)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks([0, *(sign * x for sign in (-1, 1) for x in (0.5, 1, 3, 10, 30, 100))])
    axes.xaxis.set_major_formatter("{x:g}")
    low, high = axes.get_xlim()
    ends = min(1.6 * low, -2), max(1.6 * high, 2)
    axes.set_xlim(ends)
    for y, row in enumerate(rows):
        _draw_claimed(axes, row["effect"], y, ends)
    axes.barh([0], [0], color=CLAIMED, label="where the claim holds, by its threshold")
    axes.set_xlabel("relative change (%, logarithmic beyond ±1): mean and 95% interval over seeds")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    counts = ", ".join(f"{kinds.count(kind)} {NAMES[kind]}" for kind in LOOKS)
    axes.set_title(
        f"of {len(kinds)} claims of the paper {counts};\n"
        "effects of those that are about one relative change",
        color=GREY,
    )
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _draw_claimed(axes: Axes, effect: Numbers, y: float, ends: tuple[float, float]) -> None:
    """A band from the smallest to the largest effect with which the claim holds."""
    bounds = (effect["at_least"], effect["at_most"])
    low, high = (
        end if bound is None else 100 * bound for bound, end in zip(bounds, ends, strict=True)
    )
    axes.barh([y], [high - low], 0.5, [low], color=CLAIMED, zorder=0)


def _assess(claim: Claim, results: dict[str, Numbers]) -> Assessment:
    try:
        return claim.assess(*(results[name] for name in claim.figures))
    except (LookupError, TypeError, AttributeError) as error:
        names = ", ".join(claim.figures)
        raise ValueError(
            f"{names}: expected the numbers of a complete run, got {error!r}"
        ) from error


def _as_numbers(found: Assessment) -> Numbers:
    effect = found.effect._asdict() if found.effect else None
    return {**found._asdict(), "effect": effect}


def _read(path: Path) -> Numbers:
    try:
        numbers: Numbers = json.loads(path.read_bytes())
        if numbers["figure"] != path.stem:
            raise ValueError(f"numbers of {numbers['figure']}")
        return numbers
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: not found; run `python -m figures` to make it") from None
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path}: expected the numbers of a figure, got {error!r}") from error
