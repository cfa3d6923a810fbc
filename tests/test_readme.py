"""The README stays true: its example prints what it says, its tables are those of the results."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
from pathlib import Path

import pytest

from figures.catalogue import FIGURES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def test_the_example_prints_what_stands_below_it() -> None:
    (example,) = blocks("python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert printed.getvalue() == blocks("text")[0]


def test_the_tables_are_those_of_the_committed_results() -> None:
    pairs = re.findall(r"<!-- (\S+\.json) -->\n```text\n(.*?)```", README, re.DOTALL)
    assert len(pairs) == 2
    for path, table in pairs:
        numbers = json.loads((ROOT / path).read_text(encoding="utf-8"))
        assert table == f"{FIGURES[numbers['figure']].table(numbers)}\n"


def test_every_file_and_folder_linked_to_exists() -> None:
    links = re.findall(r"\]\(((?!http|#)[^)]+)\)", README)
    assert len(links) > 10
    for link in links:
        file, _, heading = link.partition("#")
        assert (ROOT / file).exists(), link
        assert not heading or f"\n## {heading}\n" in (ROOT / file).read_text("utf-8"), link


def test_every_function_of_the_map_is_in_its_file() -> None:
    rows = re.findall(
        r"\[(\w+)\.py\]\([^)]*\)(?:, \[(\w+)\.py\]\([^)]*\))? \| (.+) \|$", README, re.M
    )
    assert len(rows) > 10
    for first, second, names in rows:
        modules = [importlib.import_module(f"lai_ref.{m}") for m in (first, second) if m]
        for name in re.findall(r"`\.?([\w.]+)`", names):
            owner, _, method = name.partition(".")
            places = [
                getattr(m, owner, getattr(getattr(m, "MLP", None), owner, None)) for m in modules
            ]
            assert any(p is not None and (not method or hasattr(p, method)) for p in places), name


def test_every_command_is_run_by_ci_or_a_test() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) >= 5
    for command in commands:
        if "--data DIR" not in command:  # the real files are not everywhere
            assert command in script, command


@pytest.mark.parametrize("deviation", range(1, 9))
def test_every_deviation_is_named(deviation: int) -> None:
    assert f"\n| E{deviation} |" in README
