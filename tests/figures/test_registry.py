from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from matplotlib import pyplot as plt

from figures.plotting.drawing import style
from figures.registry import FIGURES

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "figures" / "results"
COMMITTED = sorted(RESULTS.rglob("*.json"))
GALLERY = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_committed_numbers_and_a_picture(name: str) -> None:
    assert RESULTS / f"{name}.json" in COMMITTED
    assert (RESULTS / f"{name}.png").exists()


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: str(path.relative_to(RESULTS)))
def test_committed_numbers_can_be_drawn_and_say_what_made_them(path: Path) -> None:
    numbers = json.loads(path.read_text(encoding="utf-8"))
    assert numbers["figure"] == path.stem
    assert numbers["command"].startswith(f"python -m figures {path.stem}")
    assert "--quick" not in numbers["command"]
    assert numbers["source"] and isinstance(numbers["seeds"], list)
    assert set(numbers["versions"]) == {"python", "lai_ref", "numpy", "matplotlib"}
    synthetic = "stand-in" in path.parts
    if path.stem != "claims":  # made from the numbers of the others
        assert ("--data DIR" in numbers["command"]) == ("Kaggle's files" in numbers["source"])
    assert ("stand-in" in numbers["source"]) == synthetic
    with style():
        figure = FIGURES[path.stem].plot(numbers)
        figure.canvas.draw()
    plt.close("all")


def test_results_are_numbers_and_pictures_and_small() -> None:
    files = [path for path in RESULTS.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".json", ".png"}
    assert sum(path.stat().st_size for path in files) < 5e6


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


def part_of(name: str) -> str:
    """Of a module of the package: the folder that holds figures up, or the figure it belongs to."""
    return [*name.split("."), ""][1]


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in (ROOT / "figures").rglob("*.py")
}


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_from_the_registry_to_a_figure_to_what_holds_it_up(name: str) -> None:
    below = {"experiments": {"experiments"}, "plotting": {"experiments", "plotting"}}
    above = {"registry": {"experiments"}, "__main__": {"experiments", "plotting", "registry"}}
    mine = part_of(name)
    allowed = (below | above).get(mine, {mine, "experiments", "plotting"})  # else: a figure
    for node in ast.walk(ast.parse(MODULES[name].read_bytes())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("figures"):
            parts = {part_of(f"{node.module}.{alias.name}") for alias in node.names}
            assert parts <= allowed, ast.unparse(node)
