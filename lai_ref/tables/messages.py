"""Error messages about a table: `FILE, line L, column C: expected X, got Y; what to do`."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

LONGEST = 60  # characters of a field or name in a message
MOST_NAMES = 30  # names in a list


def malformed(
    file: str, line: int, column: str | None, expected: str, got: str, action: str = ""
) -> ValueError:
    """The error about one place in a file; without a column it is about the whole line."""
    place = f"{file}, line {line}" + ("" if column is None else f", column {name_of(column)}")
    return ValueError(
        f"{place}: expected {expected}, got {shortened(got)}" + (f"; {action}" if action else "")
    )


def not_found(argument: str, expected: str, path: Path) -> FileNotFoundError:
    """The error about a file that does not exist, with the nearest name in its folder."""
    names: list[str] = []
    with contextlib.suppress(OSError):
        names = os.listdir(path.parent)
    similar = nearest(path.name, names)
    hint = f"; the nearest name there is {similar}" if similar else ""
    return FileNotFoundError(
        f"{argument}: expected {expected}, got {path}, which does not exist{hint}"
    )


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def name_of(column: str) -> str:
    """A column's name for a message, always on one line."""
    if not column:
        return "(unnamed)"
    return shortened(column if column.isprintable() else repr(column))


def listing(columns: Sequence[str]) -> str:
    """Names joined by commas; of a long list, the first ones and the number of the others."""
    more = f" and {len(columns) - MOST_NAMES} more" if len(columns) > MOST_NAMES else ""
    return ", ".join(map(name_of, columns[:MOST_NAMES])) + more


def nearest(name: str, names: Iterable[str]) -> str:
    """The most similar of some names, or ""; upper and lower case are ignored."""
    lower: dict[str, str] = {}
    for each in names:
        lower.setdefault(each.lower(), each)
    found = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return lower[found[0]] if found else ""
