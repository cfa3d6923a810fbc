"""Checks of a table: text, missing values, constant columns and unknown names, with their place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from lai_ref.support.validation import Array
from lai_ref.tables.columns import Column, Finding, as_number, read_columns
from lai_ref.tables.csv_format import NAMES, CsvFile, describe_delimiter
from lai_ref.tables.messages import listing, malformed, name_of, nearest

MIN_ROWS = 5  # the smallest table for which 20 %, the validation set, is a whole sample
FLOAT32_MAX = float(np.finfo(np.float32).max)
ONE_COLUMN = "separate the columns with commas, semicolons or tabs"
TRUTH = {"true", "false", "t", "f", "yes", "no", "y", "n"}
GROUPED = re.compile(r"\d[,._'\s]\d")  # a decimal comma, or thousands separators
DATE = re.compile(r"\s*\d{1,4}([./-])\d{1,2}\1\d{1,4}\b")  # its middle has no three digits


class Choice(NamedTuple):
    """How the caller chose the columns, for advice on leaving some out."""

    named: bool  # as `features`; otherwise all columns except those in `excluded`
    excluded: tuple[str, ...] = ()

    def leave_out(self, columns: Sequence[str]) -> str:
        """The advice to leave out columns; a short list of them comes as an option to copy."""
        it = "the column" if len(columns) == 1 else "the columns"
        if self.named:
            return f"leave {it} out of features=…, --features"
        names = [*self.excluded, *columns]
        can_list = len(names) <= 20 and all(map(str.isprintable, names)) and all(names)
        listed = f" {shlex.join(names)}" if can_list else ""
        return f"leave {it} out (exclude=…, --exclude{listed})"


class Table(NamedTuple):
    """Columns of numbers, and where they came from."""

    name: str  # of the file
    columns: tuple[str, ...]
    values: Array  # (rows, columns)
    line: int  # of the first row
    n_dropped: int  # rows with a missing value


def find(file: CsvFile, names: Iterable[str], what: str) -> list[int]:
    """The indices of the named columns of a file; error messages call them `what`."""
    for name in names:
        if name not in file.columns:
            similar = nearest(name, file.columns)
            hint = f"the nearest name is {similar!r}; " if similar else ""
            action = f"{hint}the columns are {listing(file.columns)}"
            if len(file.columns) == 1:
                action += f"; {_advice_on_delimiter(file)}"
            expected = f"a column {name_of(name)!r} ({what})"
            raise malformed(file.name, file.line, None, expected, "none of that name", action)
    return [file.columns.index(name) for name in names]


def _advice_on_delimiter(file: CsvFile) -> str:
    """The advice about a header that is one column, perhaps for a wrong `delimiter`."""
    for delimiter, name in NAMES.items():
        if delimiter in file.columns[0]:
            return (
                f"the separator was given as {NAMES[file.delimiter]}, and the header contains"
                f" {name}: correct delimiter=…, --delimiter, or leave it out"
            )
    return ONE_COLUMN


def reject_numbers_as_header(file: CsvFile) -> None:
    if all(as_number(column.replace(",", ".")) is not None for column in file.columns):
        got = f"numbers ({listing(file.columns)})"
        action = "add a first line with the names of the columns"
        raise malformed(file.name, file.line, None, "a header with names", got, action)


def read_table(
    file: CsvFile,
    features: tuple[str, ...],
    target: str | None,
    *,
    drop_missing: bool,
    choice: Choice | None = None,
) -> Table:
    """The features of a file and, if there is one, the target as the last column.

    Without a `choice` no message suggests dropping rows or choosing other columns.
    """
    names = features if target is None else (*features, target)
    used = [*find(file, features, "feature"), *find(file, names[len(features) :], "target")]
    first = next(file.rows, None)
    if first is None:
        action = "add rows"
        raise malformed(file.name, file.line, None, "rows below the header", "none", action)
    columns = read_columns(
        file.name,
        file.columns,
        chain([first], file.rows),
        used,
        largest=FLOAT32_MAX,
        decimal_comma=file.delimiter == ";",
        remedies=describe_delimiter(file),
    )
    _reject_text(file.name, columns, target, choice)
    _reject_large(file.name, columns, target, choice)
    values = np.column_stack([np.concatenate(column.chunks) for column in columns])
    is_missing = np.isnan(values).any(axis=1)
    if is_missing.any() and not drop_missing:
        raise _missing(file.name, columns, target, choice)
    return Table(file.name, names, values[~is_missing], first[0], int(is_missing.sum()))


def reject_degenerate(table: Table, choice: Choice) -> None:
    """Raise ValueError for too few rows, or a column with one value."""
    n = len(table.values)
    if n < MIN_ROWS:
        got = f"{n}, without {table.n_dropped} with missing values" if table.n_dropped else str(n)
        expected = f"at least {MIN_ROWS} rows, to train and to validate"
        action = "leave out the columns with missing values" if table.n_dropped else "add rows"
        raise malformed(table.name, table.line, None, expected, got, action)
    is_constant = (table.values == table.values[0]).all(axis=0)
    for column, value in zip(table.columns, table.values[0], strict=True):
        if is_constant[table.columns.index(column)]:
            expected, got = "at least two different numbers", f"{value:g} in all {n} rows"
            is_target = column == table.columns[-1]
            action = "choose another target" if is_target else choice.leave_out([column])
            raise malformed(table.name, table.line, column, expected, got, action)


def _reject_text(
    file: str, columns: Sequence[Column], target: str | None, choice: Choice | None
) -> None:
    """Columns of text before single fields of text, the target before the features."""
    text = [column for column in columns if column.is_text]
    names = [column.name for column in text]
    for column in sorted(text, key=lambda column: column.name != target):
        found = column.findings["text"]
        if column.name == target:
            action = "choose a target of numbers"
        elif choice is None:
            action = f"give the name {name_of(column.name)} to a column of numbers"
        else:
            are_left = any(each not in text and each.name != target for each in columns)
            action = f"columns of text: {', '.join(map(name_of, names))}; " + (
                choice.leave_out(names) if are_left else "no column of numbers is left"
            )
        action += f", or replace the text by numbers{_advice(found.text)}"
        raise malformed(file, found.line, column.name, "numbers", f"text ({found.text!r})", action)
    for found, name in _findings(columns, "text"):
        action = "correct the field" + _or_leave_out([name], target, choice)
        got = repr(found.text)
        raise malformed(file, found.line, name, "a number", got, action + _advice(found.text))


def _or_leave_out(columns: Sequence[str], target: str | None, choice: Choice | None) -> str:
    """The advice to leave out columns, unless one is the target or there was no choice."""
    return "" if choice is None or target in columns else f", or {choice.leave_out(columns)}"


def _findings(columns: Sequence[Column], kind: str) -> list[tuple[Finding, str]]:
    """The findings of one kind with their columns, sorted by line."""
    found = [(each.findings[kind], each.name) for each in columns if kind in each.findings]
    return sorted(found, key=lambda each: each[0].line)


def _advice(text: str) -> str:
    if text.strip().lower() in TRUTH:
        return "; write 1 and 0 for true and false"
    if GROUPED.search(text) and not DATE.match(text):
        return (
            "; write numbers with a decimal point and without thousands separators"
            " (decimal commas: only where semicolons separate the columns)"
        )
    return ""


def _reject_large(
    file: str, columns: Sequence[Column], target: str | None, choice: Choice | None
) -> None:
    for found, column in _findings(columns, "range"):
        expected = f"a finite number in the range of float32 (at most {FLOAT32_MAX:.2g})"
        action = "correct the field" if choice is None else "use a larger unit"
        action += _or_leave_out([column], target, choice)
        raise malformed(file, found.line, column, expected, repr(found.text), action)


def _missing(
    file: str, columns: Sequence[Column], target: str | None, choice: Choice | None
) -> ValueError:
    found = _findings(columns, "missing")
    (place, name), *_ = found
    counts = listing([f"{column} {missing.n}" for missing, column in found])
    action = f"missing values per column: {counts}; "
    if choice is None:
        action += "fill them in, or leave these rows out"
    else:
        action += "drop these rows (drop_missing=True, --drop-missing)"
        if len(found) < len(columns) - (target is not None):  # a feature is left
            action += _or_leave_out([column for _, column in found], target, choice)
    return malformed(file, place.line, name, "a number", f"no value ({place.text!r})", action)
