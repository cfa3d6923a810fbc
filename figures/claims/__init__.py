"""The paper's claims with a verdict each, computed from the numbers of the other figures.

What to see: for every claim whether it holds, what was measured, and the figure that shows it.
"holds when …" names the condition. "does not hold here" is said of the protocol and the data that
stand beside the numbers; the paper does not describe its own (E8).

No verdict is typed: each is a comparison, in `theory` or `training`, and may come out differently
for other data or seeds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import fill

from matplotlib.figure import Figure

from figures.claims import theory, training
from figures.claims.verdict import FAILS, HOLDS, Assessment, Claim
from figures.experiments.settings import Numbers, Settings
from figures.plotting.drawing import BOX, DARK_TO_LIGHT, GREY, annotate

# those of `theory` and `training`, in the order in which they stand there
FOUND = (value for module in (theory, training) for value in vars(module).values())
CLAIMS = tuple(value for value in FOUND if isinstance(value, Claim))
RESULTS = Path(__file__).parents[1] / "results"
NEEDED = tuple(dict.fromkeys(name for claim in CLAIMS for name in claim.figures))


def compute(settings: Settings) -> Numbers:
    """The verdicts on the results in `settings.out`; on the committed ones where any is missing.

    A quick run has too few numbers to judge by: the committed ones again.
    """
    folder, why = settings.out, ""
    missing = [name for name in NEEDED if not (folder / f"{name}.json").exists()]
    if settings.quick:
        folder, why = RESULTS, ", those of a quick run being too few"
    elif missing:
        folder, why = RESULTS, f", since {folder} lacks {', '.join(missing)}"
    print(f"claims: judged by the numbers in {folder}{why}", file=sys.stderr)
    results = {name: _read(folder / f"{name}.json") for name in NEEDED}
    return {
        **settings.provenance("claims", seeds=()),
        "source": f"the numbers of the other figures; {results['smoothness']['source']}",
        "claims": [
            {
                "section": claim.section,
                "claim": claim.text,
                **_assess(claim, results)._asdict(),
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
        lines.append(fill(row["number"], 96, initial_indent=" " * 6, subsequent_indent=" " * 6))
        lines.append(f"      ({', '.join(row['figures'])})")
    return "\n".join(lines)


def markdown(numbers: Numbers) -> str:
    """The table of the README, with links from the top of the project."""
    lines = ["| § | the paper | verdict | found | figure |", "|---|---|---|---|---|"]
    for row in numbers["claims"]:
        links = ", ".join(f"[{name}](figures/README.md#{name})" for name in row["figures"])
        cells = (row["section"], row["claim"], f"**{row['verdict']}**", row["number"], links)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def plot(numbers: Numbers) -> Figure:
    """The claims one below the other, each under its verdict."""
    rows = numbers["claims"]
    figure = Figure(figsize=(11, 0.34 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots()
    verdicts = [row["verdict"] for row in rows]
    columns = [0 if verdict == HOLDS else 2 if verdict == FAILS else 1 for verdict in verdicts]
    looks = ((DARK_TO_LIGHT[1], "o"), (DARK_TO_LIGHT[3], "D"), (DARK_TO_LIGHT[2], "X"))
    for y, (verdict, column) in enumerate(zip(verdicts, columns, strict=True)):
        color, marker = looks[column]
        axes.plot(column, y, marker, color=color, ms=9)
        if column == 1:
            words = fill(verdict.removeprefix("holds "), 34)
            annotate(axes, words, (1, y), (9, 0), va="center", size=7.5, bbox=BOX)
    axes.set_yticks(range(len(rows)), [f"{row['claim']}  (§{row['section']})" for row in rows])
    axes.set_xticks(range(3), [HOLDS, "holds when …", FAILS])
    axes.xaxis.tick_top()
    axes.set(xlim=(-0.4, 2.5), ylim=(len(rows) - 0.5, -0.5))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(axis="x", alpha=0)
    holds, conditional, fails = (columns.count(column) for column in range(3))
    axes.set_title(
        f"of {len(rows)} claims {holds} hold, {conditional} hold when …, {fails} do not hold here",
        color=GREY,
    )
    return figure


def _assess(claim: Claim, results: dict[str, Numbers]) -> Assessment:
    try:
        return claim.assess(*(results[name] for name in claim.figures))
    except (LookupError, TypeError, AttributeError) as error:
        names = ", ".join(claim.figures)
        raise ValueError(f"{names}: expected the numbers of a whole run, got {error!r}") from error


def _read(path: Path) -> Numbers:
    try:
        numbers: Numbers = json.loads(path.read_bytes())
        if numbers["figure"] != path.stem:
            raise ValueError(f"numbers of {numbers['figure']}")
        return numbers
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: missing; `python -m figures` makes it") from None
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path}: expected the numbers of a figure, got {error!r}") from error
