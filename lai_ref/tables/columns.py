"""Convert rows of text to columns of numbers, and record the fields that are not numbers.

A number is what Python's `float` accepts, in ASCII and without underscores. The rows are converted
in chunks, column by column: a chunk that contains only numbers takes one pass, and any other is
checked field by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

import numpy as np

from lai_ref.support.validation import Array
from lai_ref.tables.csv_format import Row
from lai_ref.tables.messages import malformed

CHUNK_ROWS = 8192
THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(\.\d{3})+")  # or a decimal point and three digits
SHORT = re.compile(r"-?\d{1,3}")
# #NV, #N/D and #N/B: #N/A of a German, a Spanish, Italian or Portuguese, and a Dutch spreadsheet
MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "#nv", "#n/d", "#n/b", "<na>", "nan", "null", "none", "?", "-")
)


class Finding(NamedTuple):
    """Fields of one kind in a column: how many, and the first."""

    n: int
    line: int
    text: str


@dataclass
class Column:
    """The numbers of one column, NaN for a missing one, and the fields that are not numbers.

    The kinds of findings are "missing", "text" and "range" (infinite or too large).
    """

    name: str
    n_rows: int = 0
    chunks: list[Array] = field(default_factory=list)
    findings: dict[str, Finding] = field(default_factory=dict)

    def add(self, kind: str, line: int, text: str) -> None:
        found = self.findings.get(kind)
        self.findings[kind] = found._replace(n=found.n + 1) if found else Finding(1, line, text)

    @property
    def is_text(self) -> bool:
        """Whether at least half of the fields that are not missing are text."""
        n_text = self.findings["text"].n if "text" in self.findings else 0
        n_missing = self.findings["missing"].n if "missing" in self.findings else 0
        return n_text > 0 and 2 * n_text >= self.n_rows - n_missing


def read_columns(
    name: str,
    columns: Sequence[str],
    rows: Iterable[Row],
    used: Sequence[int],
    *,
    largest: float,
    decimal_comma: bool = False,
    remedies: tuple[str, str] = ("add fields", "remove fields"),
) -> list[Column]:
    """The `used` columns, up to the first chunk with anything except numbers and missing values.

    Parameters
    ----------
    largest
        The largest |number| that is not a finding.
    decimal_comma
        Whether a comma may be the decimal sign; a file has one decimal sign.
    remedies
        What to do about a row with too few fields, and about one with too many, for the messages.
    """
    found = [Column(columns[j]) for j in used]
    signs: dict[str, tuple[int, str, str]] = {}  # the first place of each decimal sign
    rows = _of_full_length(name, len(columns), rows, remedies)
    while chunk := list(islice(rows, CHUNK_ROWS)):
        lines = [line for line, _ in chunk]
        for j, column in zip(used, found, strict=True):
            fields = [fields[j] for _, fields in chunk]
            if decimal_comma:
                _note_signs(signs, column.name, lines, fields)
                _reject_grouped(name, column.name, lines, fields)
            _convert(column, lines, fields, largest, decimal_comma)
        if any(column.findings.keys() - {"missing"} for column in found):
            break
        if len(signs) == 2:
            line, name_, text = max(signs.values())
            other = min(signs.values())
            raise malformed(
                name,
                line,
                name_,
                f"one decimal sign in the file, as in {other[2]!r} in line {other[0]}",
                repr(text),
                "write all numbers with the same decimal sign and without thousands separators",
            )
    return found


def _of_full_length(
    name: str, n: int, rows: Iterable[Row], remedies: tuple[str, str]
) -> Iterator[Row]:
    """The rows, up to one whose number of fields is not `n`; any column may be the wrong one."""
    for line, fields in rows:
        if len(fields) != n:
            expected, action = f"{n} fields, as in the header", remedies[len(fields) > n]
            raise malformed(name, line, None, expected, str(len(fields)), action)
        yield line, fields


def _note_signs(
    signs: dict[str, tuple[int, str, str]], name: str, lines: list[int], fields: list[str]
) -> None:
    text = "".join(fields)
    for sign in ",.":
        if sign not in signs and sign in text:
            i = next(i for i, each in enumerate(fields) if sign in each)
            signs[sign] = lines[i], name, fields[i]


def _reject_grouped(name: str, column: str, lines: list[int], fields: list[str]) -> None:
    """Raise ValueError where points look like thousands separators: 14.222 beside 875.

    A table with points and three decimals has them in every field.
    """
    numerals = [each.strip() for each in fields]
    dotted = [i for i, each in enumerate(numerals) if "." in each]
    if not dotted or not all(THOUSANDS.fullmatch(numerals[i]) for i in dotted):
        return
    whole = [each for each in numerals if each and "." not in each]
    if whole and all(SHORT.fullmatch(each) for each in whole):
        i = dotted[0]
        expected = "a decimal sign that cannot be a thousands separator"
        action = "write numbers without thousands separators, or with decimal commas"
        raise malformed(name, lines[i], column, expected, repr(fields[i]), action)


def _convert(
    column: Column, lines: list[int], fields: list[str], largest: float, decimal_comma: bool
) -> None:
    """Append a chunk of fields to a column."""
    column.n_rows += len(fields)
    text = "".join(fields)
    if decimal_comma and "," in text:
        numerals = [each.replace(",", ".") for each in fields]
    else:
        numerals = fields
    if "_" not in text and text.isascii():
        try:
            values = np.array(list(map(float, numerals)))
        except ValueError:
            pass
        else:
            if np.abs(values).max() <= largest:  # not for NaN
                column.chunks.append(values)
                return
    values = np.full(len(fields), np.nan)
    for i, numeral in enumerate(numerals):
        if numeral.strip().lower() in MISSING:
            column.add("missing", lines[i], fields[i])
        elif (number := as_number(numeral)) is None:
            column.add("text", lines[i], fields[i])
        elif not abs(number) <= largest:
            column.add("range", lines[i], fields[i])
        else:
            values[i] = number
    column.chunks.append(values)


def as_number(text: str) -> float | None:
    """The number in a field, finite or infinite; None if there is none."""
    text = text.strip()
    if "_" in text or not text.isascii():  # Python accepts 1_000 and digits of all scripts
        return None
    try:
        return float(text)
    except ValueError:
        return None
