"""Read a CSV file in its common variants: bytes, text, separator, header and rows.

UTF-8 with or without a byte-order mark; lines that end in LF, CRLF or CR; quoted fields; comma,
semicolon or tab between fields; blank lines; compressed, if the name ends in .gz.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import NamedTuple

from lai_ref.support.validation import check_choice
from lai_ref.tables.messages import malformed, not_found

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
NAMES = {delimiter: f"a {name}" for name, delimiter in DELIMITERS.items()}  # in messages
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
HEAD = 100  # lines in which the header is searched
Row = tuple[int, list[str]]  # the line where it begins, counted from 1, and its fields
OTHER_FORMATS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "gzip data in a file whose name does not end in .gz",
    b"PAR1": "a Parquet file",
}


class CsvFile(NamedTuple):
    """A file whose header has been read."""

    name: str  # without its folder
    line: int  # of the header
    columns: tuple[str, ...]
    delimiter: str
    rows: Iterator[Row]


def open_csv(argument: str, path: str | os.PathLike[str], delimiter: str | None) -> CsvFile:
    """Read a file up to its header; `argument` is the parameter that has the path, for messages."""
    if delimiter is not None:
        check_choice("delimiter", delimiter, NAMES)
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{argument}: expected a CSV file (str or os.PathLike), got {path!r}")
    name = os.fsencode(Path(path).name).decode(errors="backslashreplace")
    content = _content(argument, Path(path), name)
    lines = _lines(name, content)
    head = list(islice(lines, HEAD))
    if head and (named := SEPARATOR_LINE.fullmatch(head[0].strip(" \r\n"))):
        head[0] = "\n"  # some spreadsheets write such a line first; line numbers count it
        delimiter = delimiter or named[1]
        check_choice("delimiter", delimiter, NAMES)
    if delimiter is None:
        delimiter = _delimiter(name, head)
    records = _records(name, chain(head, lines), delimiter)
    for line, fields in records:
        if any(map(str.strip, fields)):
            columns = _columns(name, line, fields)
            return CsvFile(name, line, columns, delimiter, _rows(records, len(columns)))
    action = "add a first line with the names of the columns"
    raise malformed(name, 1, None, "a header with the names of the columns", "none", action)


def _content(argument: str, path: Path, name: str) -> bytes:
    """The file's bytes, decompressed."""
    if path.is_dir():
        raise IsADirectoryError(f"{argument}: expected a CSV file, got the folder {path}")
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise not_found(argument, "a CSV file", path) from None
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(
                f"{name}: expected gzip data, got other data ({error});"
                " name the file without .gz if it is not compressed"
            ) from None
    for signature, other in OTHER_FORMATS.items():
        if content.startswith(signature):
            raise malformed(name, 1, None, "CSV text in UTF-8", other, "save it as CSV (UTF-8)")
    return content


def _lines(name: str, content: bytes) -> Iterator[str]:
    try:
        # newline="": all three line ends are recognised, and unchanged inside quoted fields
        yield from io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")
    except UnicodeDecodeError:
        raise _not_utf8(name, content) from None


def _not_utf8(name: str, content: bytes) -> ValueError:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
        start = max(before.rfind(b"\n"), before.rfind(b"\r")) + 1
        near = content[max(start, error.start - 20) : error.end + 10].splitlines()[0]
        # the backslash of an escaped byte is no character of the file: not doubled
        text = repr(_escaped(near)).replace(r"\\x", r"\x")
        got = f"the byte 0x{content[error.start]:02x} in {text}"
        return malformed(name, line, None, "UTF-8", got, "save the file as CSV (UTF-8)")
    raise AssertionError("decoded as a whole, but not in parts")  # pragma: no cover


def _escaped(text: bytes) -> str:
    return text.decode(errors="backslashreplace")


def _delimiter(name: str, head: list[str]) -> str:
    """The separator that gives the header most fields."""
    head = list(dropwhile(lambda line: not line.strip(' ,;\t\r\n"'), head))
    n_fields = dict.fromkeys(NAMES, 0)
    for delimiter in NAMES:
        with contextlib.suppress(csv.Error):
            reader = csv.reader(head, delimiter=delimiter, skipinitialspace=True, strict=True)
            n_fields[delimiter] = next((len(f) for f in reader if any(map(str.strip, f))), 0)
    most = max(n_fields.values())
    best = [delimiter for delimiter, n in n_fields.items() if n == most]
    if most > 1 and len(best) > 1:
        words = " and ".join(NAMES[each] for each in best)
        action = "name the separator: delimiter=…, --delimiter"
        got = f"{words}, equally often"
        raise malformed(name, 1, None, "one separator in the header", got, action)
    return best[0]


def _records(name: str, lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    last = 0
    try:
        for fields in reader:
            first, last = last + 1, reader.line_num
            yield first, fields
    except csv.Error as error:
        raise _wrong_quotes(name, last + 1, reader.line_num, str(error)) from None


def _wrong_quotes(name: str, first: int, last: int, reason: str) -> ValueError:
    """The error about a row that begins in line `first`, from the csv module's message."""
    action = "close the quote, or double it inside a quoted field"
    if "field limit" in reason:
        expected = f"fields of at most {csv.field_size_limit()} characters"
        return malformed(name, first, None, expected, "a longer one", action)
    if "end of data" in reason:
        return malformed(name, first, None, "a quote that is closed", "one that is not", action)
    if "expected after" in reason:
        action = "double a quote inside a quoted field"
        return malformed(name, last, None, "a separator after a closing quote", "text", action)
    return malformed(name, last, None, "a row of a CSV file", reason, "save it as CSV (UTF-8)")


def _columns(name: str, line: int, fields: list[str]) -> tuple[str, ...]:
    """The names of the columns; empty names at the end are ignored."""
    columns = [field.strip() for field in fields]
    while not columns[-1]:
        columns.pop()
    for number, column in enumerate(columns, start=1):
        if not column and number > 1:
            raise malformed(name, line, str(number), "a name", "none", "name the column")
        if column in columns[: number - 1]:
            where = f"it in columns {columns.index(column) + 1} and {number}"
            raise malformed(name, line, column, "a name that occurs once", where, "rename one")
    return tuple(columns)


def _rows(records: Iterator[Row], n: int) -> Iterator[Row]:
    """The rows without blank lines, and without empty fields after the last column.

    Spreadsheets write rows of empty fields, too. At the end of a file they are left out; elsewhere
    they are rows whose values are missing.
    """
    empty: list[Row] = []
    for line, fields in records:
        if len(fields) != n or not fields[0]:
            if not any(map(str.strip, fields[n:])):
                fields = fields[:n]
            if not any(map(str.strip, fields)):
                if len(fields) > 1:
                    empty.append((line, fields))
                continue
        if empty:
            yield from empty
            empty = []
        yield line, fields


def describe_delimiter(file: CsvFile) -> tuple[str, str]:
    """The advice for a row with fewer fields than the header, and for one with more."""
    separator = f"the separator is {NAMES[file.delimiter]}"
    many = f"{separator}; a field that contains it needs quotes"
    if file.delimiter == ",":
        many += ", and decimal commas need semicolons as separators"
    return f"add the missing fields; {separator}", many
