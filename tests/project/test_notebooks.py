"""The committed notebooks match the scripts and contain no trace of the machine."""

from __future__ import annotations

import base64
import json
import os
import re
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.project.percent import CODE, FOLDER, TUTORIALS, cells, every_tutorial
from tests.project.quotes import QUOTE, quoted, same

NEEDS = ("jupytext", "nbclient", "ipykernel")


def notebook(path: Path) -> dict[str, Any]:
    command = f"python tutorials/notebooks.py {path.name[:2]}"
    assert path.exists(), f"{path.name}: not found; run {command}"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def sources(cells: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def outputs(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in content["cells"] for output in cell.get("outputs", ())]


def printed(content: dict[str, Any]) -> list[str]:
    """The lines on standard output; AssertionError if there is any other text output."""
    lines: list[str] = []
    for output in outputs(content):
        if output["output_type"] == "stream":
            assert output["name"] == "stdout", output
            lines += "".join(output["text"]).splitlines()
        else:
            assert output["output_type"] == "display_data", output
    return lines


def pictures(content: dict[str, Any]) -> list[tuple[int, int]]:
    """Width and height of each picture, from the header of its PNG."""
    sizes = []
    for output in outputs(content):
        if output["output_type"] == "display_data":
            png = base64.b64decode("".join(output["data"]["image/png"]))
            assert png.startswith(b"\x89PNG\r\n\x1a\n")
            sizes.append(struct.unpack(">II", png[16:24]))
    return sizes


def cells_of_script(path: Path) -> list[tuple[str, str]]:
    """Kind and source of each cell, without the lines that quote outputs."""
    found = []
    for marker, body in cells(path):
        lines = [line for line in body if not line.startswith(QUOTE)]
        kind = "code" if marker == CODE else "markdown"
        if kind == "markdown":
            lines = [line.removeprefix("#").removeprefix(" ") for line in lines]
        found.append((kind, "\n".join(lines).strip()))
    return found


@every_tutorial
def test_a_notebook_has_the_cells_of_its_script(path: Path) -> None:
    content = notebook(path.with_suffix(".ipynb"))
    assert sources(content["cells"]) == cells_of_script(path), (
        f"the script has changed; run python tutorials/notebooks.py {path.name[:2]}"
    )


@every_tutorial
def test_a_notebook_shows_what_its_script_quotes_and_its_pictures(path: Path) -> None:
    content = notebook(path.with_suffix(".ipynb"))
    lines, quotes = printed(content), quoted(path.read_text(encoding="utf-8"))
    assert len(lines) == len(quotes)
    for quote, line in zip(quotes, lines, strict=True):
        assert same(quote, line)
    shown = pictures(content)
    assert len(shown) == sum(line.startswith("picture: ") for line in lines) > 0
    for width, height in shown:
        assert 400 <= width <= 1300 and 250 <= height <= 1300


@every_tutorial
def test_a_notebook_was_run_once_from_the_top_and_has_no_trace_of_the_machine(
    path: Path,
) -> None:
    content = notebook(path.with_suffix(".ipynb"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert content["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"},
    }
    for number, cell in enumerate(content["cells"]):
        assert cell["id"] == f"cell-{number:02}"
        assert set(cell["metadata"]) <= {"jp-MarkdownHeadingCollapsed"}
    text = "\n".join([*printed(content), *(source for _, source in sources(content["cells"]))])
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|usr|opt|work|Users)/|[A-Z]:\\", text)


def test_the_notebooks_are_at_most_four_megabytes_together() -> None:
    paths = list(FOLDER.glob("*.ipynb"))
    assert [path.stem for path in sorted(paths)] == [path.stem for path in TUTORIALS]
    assert sum(path.stat().st_size for path in paths) <= 4e6


@pytest.mark.slow
def test_the_command_writes_the_committed_notebooks(tmp_path: Path) -> None:
    missing = [name for name in (*NEEDS, "torch", "jax") if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {missing[0]}")
    command = [sys.executable, str(FOLDER / "notebooks.py"), "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment())
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(TUTORIALS)
    for script in TUTORIALS:
        committed = notebook(script.with_suffix(".ipynb"))
        new = notebook(tmp_path / script.with_suffix(".ipynb").name)
        assert sources(new["cells"]) == sources(committed["cells"])
        for key in ("metadata", "nbformat", "nbformat_minor"):
            assert new[key] == committed[key]
        lines = printed(new)
        assert len(lines) == len(printed(committed))
        for line, expected in zip(lines, printed(committed), strict=True):
            assert same(expected, line)
        assert len(pictures(new)) == len(pictures(committed))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUTF8": "1"}


def test_without_its_packages_the_command_names_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "jupytext.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'jupytext'\")"
    )
    done = subprocess.run(
        [sys.executable, str(FOLDER / "notebooks.py"), "01"],
        capture_output=True,
        encoding="utf-8",
        env={**environment(), "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr == (
        "No module named 'jupytext'. Install it: pip install -e \".[notebooks]\"\n"
    )
