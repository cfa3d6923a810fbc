"""Read regression tables from CSV files; choose the features, and list what is left out."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence

import numpy as np

from lai_ref.support.validation import Array
from lai_ref.tables.checks import (
    ONE_COLUMN,
    Choice,
    Table,
    find,
    read_table,
    reject_degenerate,
    reject_numbers_as_header,
)
from lai_ref.tables.csv_format import CsvFile, open_csv
from lai_ref.tables.dataset import Dataset
from lai_ref.tables.messages import listing, malformed, name_of

INDEX = re.compile(r"|id|unnamed: 0", re.IGNORECASE)  # the last: pandas' name for a missing name
# the name of an index, if the column counts the rows
COUNTER = re.compile(r"index|rows?|row[ _]?names?|row[ _]?(nr|no)\.?|nr\.?|no\.?|#", re.IGNORECASE)


def load_csv(
    path: str | os.PathLike[str],
    target: str,
    features: Sequence[str] | None = None,
    test: str | os.PathLike[str] | None = None,
    *,
    exclude: Sequence[str] | None = None,
    delimiter: str | None = None,
    drop_missing: bool = False,
) -> Dataset:
    """Read a regression table from a CSV file with a header.

    The text is UTF-8, with or without a byte-order mark. Fields may be quoted; commas, semicolons
    or tabs separate them. With semicolons the decimal sign may be a comma. A file whose name ends
    in .gz is decompressed.

    Parameters
    ----------
    path
        The file with the rows to train on.
    target
        The name of the column to predict.
    features
        The names of the columns to predict it from. None: all other columns, except those
        called id, a first one without a name (an index), and row numbers called index, row, nr
        or similar; `Dataset.notes` lists the exceptions.
    test
        A file with the rows for `x_test`; it has the features in any order, and other columns are
        ignored. None: no rows.
    exclude
        Columns that are not features, such as text or dates; only without `features`.
    delimiter
        ``","``, ``";"`` or ``"\\t"``. None: the one that gives the header most columns.
    drop_missing
        Whether to drop rows that lack a value in a used column: an empty field, NA, N/A, #N/A,
        #NV, #N/D, #N/B, <NA>, NaN, null, None, ? or -, in upper or lower case. `Dataset.notes` has
        their number.

    Returns
    -------
    Dataset
        `source` has the names of the files without their folder, the numbers of rows and features,
        and a digest of names and numbers.

    Raises
    ------
    TypeError
        An argument of another type.
    OSError
        A file that cannot be read; FileNotFoundError, with the nearest name, if it does not exist.
    ValueError
        A malformed file, or a used column with anything except finite float32 numbers. The message
        has the file, the line (for a row, its first one), the column and what to do. Also for a
        constant column, and for fewer than 5 rows: 20 % of 5 is one sample to validate on.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = "id;size;rent\\n1;30;400,5\\n2;45;510\\n3;50;600\\n4;62;640\\n5;80;800\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "flats.csv")
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     data = load_csv(file, target="rent")
    >>> data.features, data.x[:, 0].tolist(), data.t.tolist()
    (('size',), [30.0, 45.0, 50.0, 62.0, 80.0], [400.5, 510.0, 600.0, 640.0, 800.0])
    >>> data.notes
    ('left out id; to use a column, name it among the features',)
    """
    if not isinstance(target, str):
        raise TypeError(f"target: expected the name of a column (str), got {target!r}")
    if not isinstance(drop_missing, bool):
        raise TypeError(f"drop_missing: expected True or False, got {drop_missing!r}")
    names = None if features is None else _check_names("features", features)
    excluded = () if exclude is None else _check_names("exclude", exclude, at_least=0)
    if names is not None and excluded:
        raise ValueError("exclude: expected only without features, got both; give one of them")
    for argument, columns in (("features", names or ()), ("exclude", excluded)):
        if target in columns:
            raise ValueError(f"{argument}: expected columns other than the target, got {target!r}")
    choice = Choice(names is not None, excluded)
    file = _open("path", path, delimiter)
    find(file, [target], "target")
    find(file, excluded, "to exclude")
    notes: list[str] = []
    left_out: list[str] = []
    if names is None:
        names, left_out = _default_features(file, target, excluded)
    # check the headers of both files before reading the numbers of either
    test_file = None if test is None else _open("test", test, delimiter)
    if test_file is not None:
        required = names if features else [n for n in names if not COUNTER.fullmatch(n)]
        find(test_file, required, "feature")
    table = read_table(file, names, target, drop_missing=drop_missing, choice=choice)
    if not choice.named:
        table, counters = _without_row_numbers(table)
        left_out += counters
        names = table.columns[:-1]
    if left_out:
        notes = [f"left out {listing(left_out)}; to use a column, name it among the features"]
    notes += _note_on_dropped(table)
    reject_degenerate(table, choice)
    x_test, test_words = np.empty((0, len(names))), ""
    if test_file is not None:
        test_table = read_table(test_file, names, None, drop_missing=drop_missing, choice=choice)
        notes += _note_on_dropped(test_table)
        x_test = test_table.values
        test_words = f" and {test_file.name} ({_count(len(x_test), 'row')})"
    source = (
        f"{file.name} ({len(table.values)} rows, {_count(len(names), 'feature')},"
        f" target {name_of(target)}){test_words}, digest {_digest(table, x_test)}"
    )
    x, t = table.values[:, :-1].copy(), table.values[:, -1].copy()
    return Dataset(x, t, x_test, names, source, target, tuple(notes))


def read_features(
    path: str | os.PathLike[str], features: Sequence[str], *, delimiter: str | None = None
) -> Array:
    """Read columns of a CSV file by name, in any order and among others: (rows, features), float64.

    It raises the errors of `load_csv`. Every row must have all values, and one row is enough.
    """
    names = _check_names("features", features)
    file = _open("path", path, delimiter)
    return read_table(file, names, None, drop_missing=False).values


def _open(argument: str, path: str | os.PathLike[str], delimiter: str | None) -> CsvFile:
    file = open_csv(argument, path, delimiter)
    reject_numbers_as_header(file)
    return file


def _check_names(argument: str, columns: Sequence[str], at_least: int = 1) -> tuple[str, ...]:
    is_list = isinstance(columns, Iterable) and not isinstance(columns, str | bytes)
    names = tuple(columns) if is_list else ()
    if not is_list or len(names) < at_least or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{argument}: expected a list of column names, got {columns!r}")
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{argument}: expected each name once, got {name!r} twice")
    return tuple(map(str, names))


def _default_features(
    file: CsvFile, target: str, excluded: Sequence[str]
) -> tuple[tuple[str, ...], list[str]]:
    """The features if the caller names none, and the columns left out besides `excluded`."""
    others = [column for column in file.columns if column not in (target, *excluded)]
    names = tuple(column for column in others if not INDEX.fullmatch(column))
    left_out = [column for column in others if INDEX.fullmatch(column)]
    if not names:
        expected = f"at least one feature besides the target {name_of(target)}"
        got = listing(left_out) if left_out else "none"
        action = "to use it, name it: features=…, --features" if left_out else ONE_COLUMN
        if excluded:
            action = "exclude fewer columns: exclude=…, --exclude"
        raise malformed(file.name, file.line, None, expected, got, action)
    return names, left_out


def counts_rows(values: Array, n_dropped: int = 0) -> bool:
    """Whether the values are 0, 1, … or 1, 2, … up to gaps where rows were dropped."""
    n = len(values)
    if not n or values[0] not in range(n_dropped + 2):
        return False
    return bool((np.diff(values) >= 1).all() and values[-1] - values[0] <= n - 1 + n_dropped)


def _without_row_numbers(table: Table) -> tuple[Table, list[str]]:
    """The table without features that count its rows from 0 or 1, and their names."""
    counts = [
        COUNTER.fullmatch(name) is not None and counts_rows(table.values[:, j], table.n_dropped)
        for j, name in enumerate(table.columns)
    ]
    counts[-1] = False  # the target
    if not any(counts) or sum(counts) == len(counts) - 1:
        return table, []
    kept = [j for j, is_number in enumerate(counts) if not is_number]
    columns = tuple(table.columns[j] for j in kept)
    left_out = [name for name, is_number in zip(table.columns, counts, strict=True) if is_number]
    return table._replace(columns=columns, values=table.values[:, kept]), left_out


def _note_on_dropped(table: Table) -> list[str]:
    if not table.n_dropped:
        return []
    return [f"dropped {_count(table.n_dropped, 'row')} of {table.name} with missing values"]


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _digest(table: Table, x_test: Array) -> str:
    """A digest of names and numbers, 12 hexadecimal digits, whatever the format of the file."""
    sha = hashlib.sha256(repr(table.columns).encode(errors="backslashreplace"))
    for values in (table.values, x_test):
        sha.update(repr(values.shape).encode())
        sha.update(np.ascontiguousarray(values, "<f8").tobytes())
    return sha.hexdigest()[:12]
