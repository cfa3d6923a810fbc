"""The tutorials, and their cells as Jupytext's percent format has them, read without Jupytext."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "tutorials"
TUTORIALS = sorted(FOLDER.glob("[0-9][0-9]_*.py"))
MARKDOWN, CODE = "# %% [markdown]", "# %%"

every_tutorial = pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)


def cells(path: Path) -> list[tuple[str, list[str]]]:
    """The marker and the lines of each cell."""
    found: list[tuple[str, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(CODE):
            found.append((line, []))
        else:
            found[-1][1].append(line)  # IndexError: a line before the first cell
    return found
