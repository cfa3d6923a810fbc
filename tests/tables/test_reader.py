"""CSV files that can be read: every format gives the numbers of the plain one."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lai_ref import Dataset, load_csv
from lai_ref.tables.reader import read_features
from tests.tables.files import ROWS, TABLE, written

X = [[1.0, 10.0], [2.0, 21.0], [3.0, 29.0], [4.0, 42.0], [5.0, 49.0], [6.0, 60.0]]
T = [1.5, 2.5, -4.0, 8.0, 0.5, 12.0]


def read(folder: Path, content: str | bytes, name: str = "flats.csv", **options: Any) -> Dataset:
    return load_csv(written(folder, content, name), "price", **options)


def rows_with(change: Callable[[str], str]) -> str:
    """The table with each row changed, the header not."""
    return "\n".join(("a,b,price", *map(change, ROWS))) + "\n"


def test_a_table_gives_its_numbers_names_and_target(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE)
    assert (data.x.tolist(), data.t.tolist()) == (X, T)
    assert data.x_test.shape == (0, 2)
    assert data.x.dtype == data.t.dtype == data.x_test.dtype == np.float64
    assert (data.features, data.target, data.notes) == (("a", "b"), "price", ())


FORMATS = {
    "byte-order mark": "\ufeff" + TABLE,
    "CRLF": TABLE.replace("\n", "\r\n"),
    "CR": TABLE.replace("\n", "\r"),
    "no last end of line": TABLE.rstrip("\n"),
    "quoted header": TABLE.replace("a,b,price", '"a","b","price"'),
    "quoted with a byte-order mark": "\ufeff" + TABLE.replace("a,b,price", '"a","b","price"'),
    "all quoted": "".join(f'"{line}"\n' for line in TABLE.replace(",", '","').split()),
    "semicolons": TABLE.replace(",", ";"),
    "tabs": TABLE.replace(",", "\t"),
    "semicolons, decimal commas": TABLE.replace(",", ";").replace(".", ","),
    "spaces": TABLE.replace(",", " ,  ").replace("\n", " \n "),
    "spaces before quotes": TABLE.replace("a,b", 'a, "b"').replace("1,10", '1, "10"'),
    "blank lines": "\n \n" + TABLE.replace("\n", "\n\n \n") + "\n\n",
    "rows of nothing at the end": TABLE + ",,\n,,\n , ,\n\n",
    "empty fields after the last column": TABLE.replace("\n", ",,\n") + ",,,,\n",
    "empty fields in rows alone": rows_with(lambda row: row + ","),
}


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_gives_the_same_data(tmp_path: Path, content: str) -> None:
    data, expected = read(tmp_path, content), read(tmp_path, TABLE)
    for one, other in zip(data, expected, strict=True):
        assert np.array_equal(one, other)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["flats.csv.gz", "FLATS.CSV.GZ"])
def test_a_compressed_file_is_read(tmp_path: Path, name: str) -> None:
    data = read(tmp_path, gzip.compress(TABLE.encode()), name)
    assert (data.x.tolist(), data.t.tolist()) == (X, T)


def test_quotes_hide_separators_ends_of_lines_and_quotes(tmp_path: Path) -> None:
    header = '"x, in ""m""",note,"two\nlines",price\n'
    rows = "".join(f'{i},"a ""b"", c\nd\r\ne",{i * i},{i}\n' for i in range(6))
    data = read(tmp_path, header + rows, features=('x, in "m"', "two\nlines"))
    assert data.x.tolist() == [[i, i * i] for i in range(6)]


def test_a_name_keeps_its_ends_of_lines(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE.replace("a,", '"two\nlines",').replace("\n", "\r\n"))
    assert data.features == ("two\r\nlines", "b")


def test_names_keep_their_letters(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE.replace("a,", "Größe in m²,"))
    assert data.features == ("Größe in m²", "b")


def test_the_separator_of_quoted_names_does_not_count(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE.replace(",", ";").replace("a;", '"a, or, a, or, a";'))
    assert data.features == ("a, or, a, or, a", "b")


def test_a_separator_can_be_given(tmp_path: Path) -> None:
    content = TABLE.replace(",", ";").replace("a;", "a, or, a, or, a;")
    assert read(tmp_path, content, delimiter=";").features == ("a, or, a, or, a", "b")


def test_points_with_semicolons_are_decimal_points(tmp_path: Path) -> None:
    assert read(tmp_path, TABLE.replace(",", ";")).t.tolist() == T


# Which columns


@pytest.mark.parametrize("index", ["", '""', "id", "ID", "Unnamed: 0"])
def test_an_index_is_left_out_and_said_to_be(tmp_path: Path, index: str) -> None:
    content = f"{index}," + TABLE.replace("\n", "\nx,").removesuffix("x,")
    data = read(tmp_path, content)
    assert (data.features, data.x.tolist()) == (("a", "b"), X)
    (note,) = data.notes
    assert (index.strip('"') or "(unnamed)") in note and "left out" in note


def test_two_columns_left_out_stand_in_one_note(tmp_path: Path) -> None:
    content = ",Id," + TABLE.replace("\n", "\n7,7,").removesuffix("7,7,")
    assert read(tmp_path, content).notes == (
        "left out (unnamed), Id; to use a column, name it among the features",
    )


def test_features_that_are_named_are_used_in_that_order(tmp_path: Path) -> None:
    content = TABLE.replace("a,", "id,")
    data = read(tmp_path, content, features=["b", "id"])
    assert data.features == ("b", "id")
    assert data.x.tolist() == [row[::-1] for row in X]
    assert data.notes == ()


def test_a_target_in_the_middle(tmp_path: Path) -> None:
    data = load_csv(written(tmp_path, TABLE), "b")
    assert data.features == ("a", "price")
    assert data.t.tolist() == [row[1] for row in X]
    assert data.x[:, 1].tolist() == T


def test_columns_that_are_not_used_may_hold_anything(tmp_path: Path) -> None:
    content = rows_with(lambda row: row.replace(",", ",x y,", 1)).replace("a,b", "a,c,b")
    assert read(tmp_path, content, features=["b", "a"]).features == ("b", "a")


def test_a_column_called_id_can_be_the_target(tmp_path: Path) -> None:
    data = load_csv(written(tmp_path, TABLE.replace("price", "id")), "id")
    assert (data.t.tolist(), data.notes) == (T, ())


# Missing values


@pytest.mark.parametrize(
    "nothing",
    [
        "",
        "NA",
        "NaN",
        "nan",
        "null",
        "None",
        "?",
        "-",
        "n/a",
        "#N/A",
        "#NV",
        "#n/d",
        "#N/B",
        " NA ",
        '""',
    ],
)
def test_rows_with_a_missing_value_are_dropped_and_counted(tmp_path: Path, nothing: str) -> None:
    with np.errstate(all="raise"):
        data = read(tmp_path, TABLE.replace("29", nothing), drop_missing=True)
    assert data.x.tolist() == X[:2] + X[3:]
    assert data.t.tolist() == T[:2] + T[3:]
    assert data.notes == ("dropped 1 row of flats.csv with missing values",)


def test_a_missing_target_is_dropped_and_an_unused_value_is_not(tmp_path: Path) -> None:
    content = TABLE.replace("12\n", "\n").replace("1,10", "NA,10")
    data = read(tmp_path, content, features=["b"], drop_missing=True)
    assert data.t.tolist() == T[:-1]


def test_a_row_of_nothing_between_rows_is_a_row_with_missing_values(tmp_path: Path) -> None:
    data = read(tmp_path, TABLE.replace("\n2,", "\n,,\n2,"), drop_missing=True)
    assert data.x.tolist() == X
    assert data.notes == ("dropped 1 row of flats.csv with missing values",)


# Test rows and features alone


def test_test_rows_are_read_by_name(tmp_path: Path) -> None:
    test = written(tmp_path, "b;note;a\n5,5;x;1\n7;y;2\n", "new.csv")
    data = read(tmp_path, TABLE, test=test)
    assert data.x_test.tolist() == [[1, 5.5], [2, 7]]
    assert data.x.tolist() == X


def test_test_rows_with_missing_values_are_dropped_and_counted(tmp_path: Path) -> None:
    test = written(tmp_path, "a,b,price\n1,,\n2,3,\n,,\n1,1,1\n", "new.csv")
    data = read(tmp_path, TABLE, test=test, drop_missing=True)
    assert data.x_test.tolist() == [[2, 3], [1, 1]]
    assert data.notes == ("dropped 2 rows of new.csv with missing values",)


def test_features_alone_are_read_by_name_and_in_any_number(tmp_path: Path) -> None:
    path = written(tmp_path, "b,note,a\n5,x,1\n")
    assert read_features(path, ["a", "b"]).tolist() == [[1, 5]]
    assert read_features(str(path), ("b",)).tolist() == [[5]]


# The source


def test_the_source_has_the_file_and_its_size_and_no_folder(tmp_path: Path) -> None:
    test = written(tmp_path, "a,b\n1,2\n", "new.csv")
    source = read(tmp_path, TABLE, test=test).source
    for words in ("flats.csv (6 rows, 2 features, target price)", "new.csv (1 row)", "digest"):
        assert words in source
    assert str(tmp_path) not in source and tmp_path.name not in source


def test_the_source_differs_with_numbers_and_names_and_not_with_the_format(tmp_path: Path) -> None:
    test = written(tmp_path, "a,b\n1,2\n", "new.csv")
    sources = [
        read(tmp_path, TABLE).source,
        read(tmp_path, TABLE.replace("42", "43")).source,
        read(tmp_path, TABLE.replace("a,", "c,")).source,
        read(tmp_path, TABLE, features=["b", "a"]).source,
        read(tmp_path, TABLE, test=test).source,
    ]
    sources.append(read(tmp_path, TABLE, test=written(tmp_path, "a,b\n1,3\n", "new.csv")).source)
    assert len(set(sources)) == len(sources)
    assert read(tmp_path, FORMATS["semicolons, decimal commas"]).source == sources[0]


def test_a_long_table_is_read_in_chunks(tmp_path: Path) -> None:
    rows = [(i, i % 7, 2 * i) for i in range(20_000)]
    content = "a,b,price\n" + "".join(f"{a},{b},{t}\n" for a, b, t in rows)
    data = read(tmp_path, content)
    np.testing.assert_array_equal(np.column_stack([data.x, data.t]), rows)
    gaps = read(
        tmp_path, content.replace("\n9,", "\n,").replace("\n19999,", "\n,"), drop_missing=True
    )
    assert gaps.x[:, 0].tolist() == [i for i in range(20_000) if i not in (9, 19_999)]


NUMBERED = "\n".join(("a,b,price", *ROWS)).split("\n")


@pytest.mark.parametrize("name", ["index", "Index", "Nr.", "row", "rownames", "#"])
@pytest.mark.parametrize("start", [0, 1])
def test_row_numbers_are_left_out(name: str, start: int, tmp_path: Path) -> None:
    lines = [f"{name},{NUMBERED[0]}"]
    lines += [f"{i},{row}" for i, row in enumerate(NUMBERED[1:], start)]
    data = read(tmp_path, "\n".join(lines))
    assert data.features == ("a", "b") and f"left out {name};" in data.notes[0]
    test = written(tmp_path, "b,a\n1,2\n", "test.csv")
    assert read(tmp_path, "\n".join(lines), test=test).x_test.tolist() == [[2.0, 1.0]]
    assert read(tmp_path, "\n".join(lines), features=[name, "a"]).features == (name, "a")
    for row, lost in ((1, "10"), (3, "29")):
        gap = "\n".join([*lines[:row], lines[row].replace(lost, ""), *lines[row + 1 :]])
        assert read(tmp_path, gap, drop_missing=True).features == ("a", "b")


@pytest.mark.parametrize("numbers", ["1 2 3 5 6 7", "2 3 4 5 6 7", "1 2 2 3 4 5", "0 .5 1 1.5 2 3"])
def test_other_numbers_of_that_name_are_a_feature(numbers: str, tmp_path: Path) -> None:
    lines = [f"index,{NUMBERED[0]}"]
    lines += [f"{i},{row}" for i, row in zip(numbers.split(), NUMBERED[1:], strict=True)]
    assert read(tmp_path, "\n".join(lines)).features == ("index", "a", "b")


def test_row_numbers_alone_are_a_feature(tmp_path: Path) -> None:
    text = "nr,price\n" + "".join(f"{i},{i * i}\n" for i in range(6))
    assert read(tmp_path, text).features == ("nr",)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffSEP=;"])
def test_a_first_line_of_a_spreadsheet_names_the_separator(first: str, tmp_path: Path) -> None:
    text = f"{first}\r\n" + TABLE.replace(",", ";").replace("\n", "\r\n")
    assert read(tmp_path, text).x.tolist() == X
    with pytest.raises(ValueError, match="line 4, column b"):
        read(tmp_path, text.replace("21", "many"))


def test_decimal_points_between_semicolons_are_read(tmp_path: Path) -> None:
    text = "a;price\n" + "".join(f"{i}.125;{i * i}\n" for i in range(1, 7))
    assert read(tmp_path, text).x[:, 0].tolist() == [i + 0.125 for i in range(1, 7)]
    text = "a;price\n" + "".join(f"{i}.125;{i * i}\n{1000 + i};{i}\n" for i in range(1, 7))
    assert read(tmp_path, text).x[:2, 0].tolist() == [1.125, 1001.0]
