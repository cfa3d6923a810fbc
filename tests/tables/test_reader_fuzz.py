"""Random tables and random damage: the numbers that were written, or a documented error."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lai_ref import load_csv
from lai_ref.tables.reader import read_features
from tests.inputs.strategies import bytes_like
from tests.tables.files import TABLE, written

numbers = st.floats(-3e38, 3e38) | st.integers(-(10**20), 10**20).map(float)
names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda name: name == name.strip() and name.lower() not in ("id", "unnamed: 0")
)
fields = (
    st.sampled_from(["", "NA", "x", "1_0", "1,5", "1.5", "nan", "inf", "1e39", '"', "٣", "TRUE"])
    | numbers.map(repr)
    | st.text(max_size=4)
)


@st.composite
def formats(draw: st.DrawFn) -> dict[str, Any]:
    """How a spreadsheet or a program may write a table."""
    return {
        "delimiter": draw(st.sampled_from([",", ";", "\t"])),
        "lineterminator": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "quoting": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
    }


def text_of(rows: list[list[str]], how: dict[str, Any]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **how).writerows(rows)
    return text.getvalue()


@pytest.mark.fuzz
@given(
    st.lists(names, min_size=2, max_size=5, unique=True),
    st.integers(5, 9),
    formats(),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_a_table_gives_the_numbers_that_were_written(
    header: list[str], n: int, how: dict[str, Any], bom: bool, packed: bool, data: st.DataObject
) -> None:
    row = st.lists(numbers, min_size=len(header), max_size=len(header))
    table = np.array(data.draw(st.lists(row, min_size=n, max_size=n)))
    table[0] = table[1:].max(axis=0) + 1 + np.abs(table).max(axis=0)  # no column is constant
    decimal = "," if how["delimiter"] == ";" and data.draw(st.booleans()) else "."
    cells = [[repr(value).replace(".", decimal) for value in values] for values in table.tolist()]
    text = text_of([header, *cells], how)
    content = text.encode("utf-8-sig" if bom else "utf-8")
    if not (np.abs(table) < 3.4e38).all() or all(map(is_number, header)):
        return
    with tempfile.TemporaryDirectory() as folder:
        name = "t.csv.gz" if packed else "t.csv"
        path = written(Path(folder), gzip.compress(content, 1) if packed else content, name)
        read = load_csv(path, header[-1], delimiter=how["delimiter"])
        alone = read_features(path, header[::-1], delimiter=how["delimiter"])
    np.testing.assert_array_equal(np.column_stack([read.x, read.t]), table)
    np.testing.assert_array_equal(alone, table[:, ::-1])
    assert (*read.features, read.target) == tuple(header)


def is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def check_read_or_rejected(content: bytes, target: str, name: str, **options: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content, name)
        try:
            data = load_csv(path, target, **options)
        except (ValueError, TypeError, OSError) as error:
            message = str(error)
            assert "expected " in message and ", got " in message
            assert message.startswith(name) and folder not in message
            assert message.isprintable() and len(message) < 4000
            message.encode()
            assert not isinstance(error, UnicodeError)
        else:
            for array in (data.x, data.t, data.x_test):
                assert np.isfinite(array.astype(np.float32)).all()
            assert data.x.shape == (len(data.t), len(data.features)) and len(data.t) >= 5
            assert target not in data.features
            data.source.encode()
            "".join(data.notes).encode()


@pytest.mark.fuzz
@given(
    bytes_like(TABLE.encode()) | bytes_like(TABLE.replace(",", ";").encode("utf-8-sig")),
    st.sampled_from(["price", "b", "id"]),
    st.booleans(),
)
@example(TABLE.replace("29", "1" * 5000).encode(), "price", False)
@example(TABLE.replace("29", "\0").encode(), "price", False)
@example(b"a;\x02;price\n1;10;1.5\n>;21;", "price", False)
def test_a_damaged_file_is_read_or_rejected(content: bytes, target: str, drop: bool) -> None:
    check_read_or_rejected(content, target, "t.csv", drop_missing=drop)


@pytest.mark.fuzz
@given(bytes_like(gzip.compress(TABLE.encode(), mtime=0)))
def test_damaged_gzip_data_are_read_or_rejected(content: bytes) -> None:
    check_read_or_rejected(content, "price", "t.csv.gz")


@pytest.mark.fuzz
@given(
    st.lists(st.lists(fields, min_size=1, max_size=4), max_size=8),
    formats(),
    st.booleans(),
    st.sampled_from(["price", "x", ""]),
)
def test_random_rows_are_read_or_rejected(
    rows: list[list[str]], how: dict[str, Any], drop: bool, target: str
) -> None:
    rows = [["x", "price", "id"], *rows] if target == "price" else rows
    content = text_of(rows, how).encode(errors="surrogatepass")
    check_read_or_rejected(content, target, "t.csv", drop_missing=drop)


@pytest.mark.fuzz
@given(st.binary(max_size=64), st.sampled_from(["t.csv", "t.csv.gz"]))
def test_random_bytes_are_read_or_rejected(content: bytes, name: str) -> None:
    check_read_or_rejected(content, "x", name)
