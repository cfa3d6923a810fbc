from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from figures.plotting.drawing import style
from figures.registry import FIGURES
from tests.figures.results import committed

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "figures" / "results"
COMMITTED = sorted(RESULTS.rglob("*.json"))
Compute = Callable[[str], dict[str, Any]]
GALLERY = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")


# What a run makes


BACKENDS = pytest.param(
    "backends",
    marks=[
        pytest.mark.slow,
        pytest.mark.skipif(
            bool(FIGURES["backends"].missing()),
            reason='torch or jax is not installed: pip install -e ".[backends]"',
        ),
    ],
)
SLOW = ("trap", "samplings", "sensitivity", "compare")  # seconds each; CI runs them
SECONDS = {name: pytest.param(name, marks=pytest.mark.slow) for name in SLOW}
QUICK = pytest.mark.parametrize(
    "name", [{"backends": BACKENDS, **SECONDS}.get(name, name) for name in FIGURES]
)
SEEDS = {  # of what is committed
    "smoothness": 10,
    "samplings": 10,
    "sensitivity": 10,
    "protocols": 5,
    "strength": 5,
    "frontier": 10,
    "one_feature": 10,
    "few_data": 10,
    "compare": 10,
    "readings": 5,
}
SYNTHETIC = {"compare"}  # whose committed numbers anyone can compute
FRESH = {"protocols"}  # whose seeds begin with 1, the search having used 0


@QUICK
def test_quick_numbers_are_json_and_say_what_made_them(name: str, quick_numbers: Compute) -> None:
    numbers = quick_numbers(name)
    text = json.dumps(numbers)
    assert json.loads(text) == numbers
    assert len(text) < 150_000
    assert numbers["figure"] == name
    with_seeds = " --seeds 2" if name in SEEDS else ""
    assert numbers["command"] == f"python -m figures {name}{with_seeds} --quick"
    seeds = [1, 2] if name in FRESH else [0, 1]
    assert numbers["source"] and (name not in SEEDS or numbers["seeds"] == seeds)
    assert set(numbers["versions"]) == {"python", "lai_ref", "numpy", "matplotlib"}


@QUICK
def test_quick_numbers_make_a_whole_picture_and_a_table(name: str, quick_numbers: Compute) -> None:
    numbers = json.loads(json.dumps(quick_numbers(name)))
    with style():
        assert is_whole(FIGURES[name].plot(numbers))
    table = FIGURES[name].table(numbers)
    assert table is None or "\n" in table


@QUICK
def test_the_same_run_gives_the_same_numbers(
    name: str, compute: Compute, quick_numbers: Compute, capsys: pytest.CaptureFixture[str]
) -> None:
    first = quick_numbers(name)
    capsys.readouterr()
    assert compute(name) == first
    found = re.findall(r": (\d+) jobs, (\d+) of them cached", capsys.readouterr().err)
    assert bool(found) == (name in (*SEEDS, "trap", "cost", "backends"))
    assert all(jobs == cached for jobs, cached in found)


def is_whole(figure: Figure) -> bool:
    """Whether nothing is cut off at the edges."""
    figure.draw_without_rendering()  # lays it out; a glyph that is missing warns
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return bool(min(drawn.x0, drawn.y0) >= 0 and drawn.x1 <= width and drawn.y1 <= height)


# What is committed


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_committed_numbers_and_a_picture(name: str) -> None:
    assert RESULTS / f"{name}.json" in COMMITTED
    assert (RESULTS / f"{name}.png").exists()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: str(path.relative_to(RESULTS)))
def test_committed_numbers_can_be_drawn_and_say_what_made_them(path: Path) -> None:
    numbers = json.loads(path.read_text(encoding="utf-8"))
    assert numbers["figure"] == path.stem
    seeds, data = numbers["seeds"], "--data DIR" in numbers["command"]
    assert numbers["command"] == f"python -m figures {path.stem}" + (
        f" --seeds {SEEDS[path.stem]}" if path.stem in SEEDS else ""
    ) + (" --search" if path.stem == "protocols" else "") + (" --data DIR" if data else "")
    first = int(path.stem in FRESH)
    assert numbers["source"] and seeds == [
        first + i for i in range(SEEDS.get(path.stem, len(seeds)))
    ]
    assert set(numbers["versions"]) == {"python", "lai_ref", "numpy", "matplotlib"}
    synthetic = "stand-in" in path.parts or path.stem in SYNTHETIC
    if path.stem != "claims":  # made from the numbers of the others
        assert data == ("Kaggle's files" in numbers["source"])
    if path.stem in SEEDS:
        assert data != synthetic
    assert ("synthetic data" in numbers["source"]) == synthetic
    with style():
        assert is_whole(FIGURES[path.stem].plot(numbers))
    plt.close("all")


def test_results_are_numbers_and_pictures_and_small() -> None:
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".png"}
    assert sum(path.stat().st_size for path in files) < 6.1e6


def test_the_gallery_has_every_figure_with_its_question_picture_and_command() -> None:
    entries = re.findall(
        r"^## (\w+)\n\n(.+)\n\n```sh\n(.+)\n```\n\n(?:.+\n\n)?!\[.+\]\((.+)\)$", GALLERY, re.M
    )
    assert [entry[0] for entry in entries] == list(FIGURES)
    for name, question, command, picture in entries:
        numbers = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        assert question.startswith(FIGURES[name].question)
        assert command == f".venv/bin/{numbers['command']}"
        assert picture == f"results/{name}.png"


FORMULAS = ("projection", "chebyshev", "tangent", "factor")


def check_alike(got: Any, want: Any) -> None:
    """The same structure, and the same numbers up to rounding."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for key, value in want.items():
            check_alike(got[key], value)
    elif isinstance(want, list):
        assert len(got) == len(want)
        for mine, other in zip(got, want, strict=True):
            check_alike(mine, other)
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-7, abs=1e-12)
    else:
        assert got == want


@pytest.mark.parametrize("name", FORMULAS)
def test_committed_numbers_of_formulas_are_those_computed_now(
    name: str, quick_numbers: Compute
) -> None:
    about = ("command", "versions", "compared", "largest_difference")
    got, want = (
        {key: value for key, value in numbers.items() if key not in about}
        for numbers in (committed(name), quick_numbers(name))
    )
    check_alike(got, want)
    drawn = name == "chebyshev"  # its residuals and slopes, at random
    formulas = "computed from the formulas; no data"
    assert want["source"] == ("residuals and slopes drawn at random" if drawn else formulas)
    assert want["seeds"] == ([0] if drawn else [])
