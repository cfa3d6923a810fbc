"""Rejected arguments and bytes, and files that do not fit the features."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from lai_ref import load_csv
from lai_ref.tables.reader import read_features
from tests.inputs.refusals import check_refused
from tests.tables.files import TABLE, check_message, written

# Bytes


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (
            TABLE.replace("b", "Größe").encode("latin-1"),
            "line 1",
            ("UTF-8", r"0xf6 in 'a,Gr\xf6", "save"),
        ),
        (TABLE.replace("\n", "\r\n").replace("29", "é").encode("cp1252"), "line 4", ("0xe9",)),
        (TABLE.replace("\n", "\r").replace("29", "é").encode("cp1252"), "line 4", ("0xe9",)),
        (TABLE.encode()[:-3] + "é".encode()[:1], "line 7", ("UTF-8", "0xc3")),
        (TABLE.encode("utf-16"), "line 1", ("UTF-8", "UTF-16", "save")),
        (b"PK\x03\x04...", "line 1", ("Excel",)),
        (gzip.compress(TABLE.encode()), "line 1", ("does not end in .gz",)),
    ],
)
def test_other_bytes_than_utf_8_are_rejected_with_their_line(
    tmp_path: Path, content: bytes, place: str, words: tuple[str, ...]
) -> None:
    path = written(tmp_path, content)
    check_message(lambda: load_csv(path, "price"), f"flats.csv, {place}: expected", *words)


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode(),
        b"",
        gzip.compress(TABLE.encode())[:-9],
        b"\x1f\x8b\x08" + 7 * b"\0" + 9 * b"\xff",
    ],
)
def test_damaged_gzip_data_are_rejected(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content, "flats.csv.gz")
    if content:
        check_message(lambda: load_csv(path, "price"), "flats.csv.gz: expected gzip data")
    else:
        check_message(lambda: load_csv(path, "price"), "flats.csv.gz, line 1: expected a header")


def test_a_field_that_is_far_too_long_is_rejected(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace("29", '"' + "x" * 200_000 + '"'))
    words = ("flats.csv, line 4", "fields of at most 131072 characters", "close the quote")
    check_message(lambda: load_csv(path, "price"), *words)


def test_messages_about_long_and_odd_names_stay_on_one_line(tmp_path: Path) -> None:
    header = '"a\nb",' + ",".join(f"{'x' * 99}{i}" for i in range(99)) + ",price\n"
    path = written(tmp_path, header)
    with pytest.raises(ValueError) as error:
        load_csv(path, "cost")
    assert "\n" not in str(error.value) and len(str(error.value)) < 3000


# Arguments


def test_a_missing_file_comes_with_the_nearest_name(tmp_path: Path) -> None:
    written(tmp_path, TABLE)
    check_refused(
        lambda: load_csv(tmp_path / "Flat.csv", "price"),
        FileNotFoundError,
        "path",
        "does not exist",
        "the nearest name there is flats.csv",
    )
    check_refused(
        lambda: load_csv(tmp_path / "none" / "x.csv", "price"), FileNotFoundError, "path", "x.csv"
    )
    check_refused(
        lambda: load_csv(tmp_path / "flats.csv" / "x", "price"), FileNotFoundError, "path", "not"
    )
    here = written(tmp_path, TABLE)
    test = tmp_path / "new.csv"
    check_refused(lambda: load_csv(here, "price", test=test), FileNotFoundError, "test", "new.csv")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    check_refused(lambda: load_csv(tmp_path, "price"), IsADirectoryError, "path", "folder")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"path": 5}, TypeError, ("path", "CSV file", "5")),
        ({"path": b"flats.csv"}, TypeError, ("path", "b'flats.csv'")),
        ({"test": 5}, TypeError, ("test", "5")),
        ({"target": None}, TypeError, ("target", "None")),
        ({"features": "ab"}, TypeError, ("features", "a list", "'ab'")),
        ({"features": []}, TypeError, ("features", "a list", "[]")),
        ({"features": [1]}, TypeError, ("features", "[1]")),
        ({"features": 1}, TypeError, ("features", "1")),
        ({"features": ["a", "b", "a"]}, ValueError, ("features", "once", "'a' twice")),
        ({"features": ["a", "price"]}, ValueError, ("features", "other than the target")),
        ({"exclude": "ab"}, TypeError, ("exclude", "a list", "'ab'")),
        ({"exclude": [1]}, TypeError, ("exclude", "[1]")),
        ({"exclude": ["a", "a"]}, ValueError, ("exclude", "once", "'a' twice")),
        ({"exclude": ["a", "price"]}, ValueError, ("exclude", "other than the target", "'price'")),
        (
            {"exclude": ["a"], "features": ["b"]},
            ValueError,
            ("exclude", "only without features", "give one of them"),
        ),
        ({"exclude": ["B"]}, ValueError, ("flats.csv, line 1", "'B' (to exclude)", "is 'b'")),
        ({"exclude": ["a", "b"]}, ValueError, ("flats.csv, line 1", "exclude fewer columns")),
        ({"delimiter": "|"}, ValueError, ("delimiter", "one of ',', ';', '\\t'", "'|'")),
        ({"drop_missing": 1}, TypeError, ("drop_missing", "True or False", "1")),
        ({"features": ["a", "B"]}, ValueError, ("flats.csv, line 1", "'B' (feature)", "is 'b'")),
    ],
)
def test_a_wrong_argument_is_rejected_by_name(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], words: tuple[str, ...]
) -> None:
    arguments: dict[str, Any] = {"path": written(tmp_path, TABLE), "target": "price"}
    check_refused(lambda: load_csv(**(arguments | options)), error, *words)


def test_a_test_file_without_a_feature_is_rejected_before_numbers_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace("29", "x"))
    test = written(tmp_path, "a,c\n1,2\n", "new.csv")
    check_message(lambda: load_csv(path, "price", test=test), "new.csv, line 1", "'b' (feature)")


def test_a_wrong_number_in_the_test_file_is_rejected_with_its_place(tmp_path: Path) -> None:
    path, test = written(tmp_path, TABLE), written(tmp_path, "b,a\n1,2\n3,x\n5,6\n", "new.csv")
    check_message(lambda: load_csv(path, "price", test=test), "new.csv, line 3, column a", "'x'")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,c\n1,2\n", ("flats.csv, line 1", "'b' (feature)", "the columns are a, c")),
        ("a,b\n1,x\n", ("flats.csv, line 2, column b", "'x'")),
        ("a,b\n1,\n", ("flats.csv, line 2, column b", "fill them in")),
        ("a,b\n1,2\n\n,\n3,4", ("flats.csv, line 4, column a", "a 1, b 1")),
        ("a,b\n", ("flats.csv, line 1", "rows below the header")),
    ],
)
def test_features_that_do_not_fit_are_rejected(
    tmp_path: Path, content: str, words: tuple[str, ...]
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ValueError) as error:
        read_features(path, ["a", "b"])
    assert "drop_missing" not in str(error.value)
    check_message(lambda: read_features(path, ["a", "b"]), *words)
