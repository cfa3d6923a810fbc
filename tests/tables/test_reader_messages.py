"""CSV files that cannot be read: each error names its place and what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lai_ref import load_csv
from lai_ref.tables.messages import nearest
from lai_ref.tables.reader import read_features
from tests.tables.files import TABLE, check_message, written

# old, new, place, words
FIELDS = [
    ("29", "many", "line 4, column b", ("a number, got 'many'", "correct the field")),
    ("29", "2_9", "line 4, column b", ("got '2_9'",)),
    ("29", "٢٩", "line 4, column b", ("got '٢٩'",)),
    ("29", "0x1d", "line 4, column b", ("got '0x1d'",)),
    ("29", '"1,029"', "line 4, column b", ("got '1,029'", "without thousands separators")),
    ("29", "1'029", "line 4, column b", ('got "1\'029"', "without thousands separators")),
    ("29", "true", "line 4, column b", ("got 'true'", "1 and 0")),
    ("29", "inf", "line 4, column b", ("a finite number", "float32", "got 'inf'")),
    ("29", "-Infinity", "line 4, column b", ("got '-Infinity'",)),
    ("29", "1e39", "line 4, column b", ("float32", "got '1e39'", "a larger unit")),
    ("29", "-3.5e38", "line 4, column b", ("float32", "got '-3.5e38'")),
    ("29", "1" * 400, "line 4, column b", ("float32", "got '11111")),
    ("29", "NA", "line 4, column b", ("got no value ('NA')", "per column: b 1;", "drop_missing")),
    ("-4e0", "", "line 4, column price", ("got no value ('')", "--drop-missing")),
    ("29,", "", "line 4", ("3 fields, as in the header, got 2; add the missing", "is a comma")),
    ("29", "29,1", "line 4", ("3 fields, as in the header, got 4; ", "quotes", "decimal commas")),
    ("29", '"29', "line 4", ("a quote that is closed",)),
    ("29", '"29"1', "line 4", ("a separator after a closing quote",)),
    ("a,b", "b,b", "line 1, column b", ("occurs once", "columns 1 and 2")),
    ("a,b", "a,", "line 1, column 2", ("a name, got none",)),
    ("a,b,price", "1,2.5,3e1", "line 1", ("a header with names, got numbers (1, 2.5, 3e1)",)),
    (
        "price",
        "Price",
        "line 1",
        ("'price' (target)", "the nearest name is 'Price'", "a, b, Price"),
    ),
    ("price", "prize", "line 1", ("'price' (target)", "the nearest name is 'prize'")),
    ("a,b,price", "a,b;price", "line 1", ("one separator", "a comma and a semicolon")),
    (
        ",",
        "|",
        "line 1",
        ("'price' (target)", "the columns are a|b|price", "commas, semicolons or tabs"),
    ),
    (TABLE, "", "line 1", ("a header", "got none")),
    (TABLE, "\n \n,,\n", "line 1", ("a header", "got none")),
    (TABLE, "a,b,price\n", "line 1", ("rows below the header, got none",)),
    (TABLE, "a,b,price\n\n,,\n", "line 1", ("rows below the header, got none",)),
    ("\n5,49,.5\n6,60,12", "", "line 2", ("at least 5 rows", "got 4", "add rows")),
    (TABLE, "price\n1\n2\n", "line 1", ("at least one feature", "got none", "or tabs")),
    (TABLE, "id,price\n1,2\n", "line 1", ("at least one feature", "got id", "to use it")),
]


@pytest.mark.parametrize(("old", "new", "place", "words"), FIELDS)
def test_a_wrong_table_is_rejected_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, words: tuple[str, ...]
) -> None:
    assert old in TABLE
    path = written(tmp_path, TABLE.replace(old, new))
    check_message(lambda: load_csv(path, "price"), f"flats.csv, {place}: expected ", *words)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_file(tmp_path: Path, end: str) -> None:
    content = TABLE.replace("a,", '"a\n(m)",').replace("1,10", "\n\n1,10").replace("42", "x")
    path = written(tmp_path, content.replace("\n", end))
    # the header has two lines, two are blank, and x is in the fourth row
    check_message(lambda: load_csv(path, "price"), "flats.csv, line 8, column b")


def test_a_row_of_several_lines_has_the_number_of_its_first(tmp_path: Path) -> None:
    content = TABLE.replace("1,10", '1,"10\n\n"').replace("29", '"x\ny"')
    path = written(tmp_path, content)
    check_message(lambda: load_csv(path, "price"), "flats.csv, line 6, column b", r"'x\ny'")


def test_what_is_wrong_first_in_a_long_file_is_said(tmp_path: Path) -> None:
    content = "a,price\n" + "Rome,1\n" * 10_000 + "1,2,3\n"
    path = written(tmp_path, content)
    check_message(lambda: load_csv(path, "price"), "line 2, column a")
    path = written(tmp_path, content.replace("Rome", "1"))
    check_message(lambda: load_csv(path, "price"), "line 10002: expected 2 fields", "got 3")


def test_a_wrong_delimiter_is_said_to_be_one(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace(",", ";"))
    check_message(
        lambda: load_csv(path, "price", delimiter=","),
        "the columns are a;b;price",
        "given as a comma, and the header contains a semicolon",
        "leave it out",
    )


# Text


def with_text(values: str) -> str:
    """The table with a column of text."""
    rows = TABLE.splitlines()
    return f"city,{rows[0]}\n" + "".join(f"{values},{row}\n" for row in rows[1:])


@pytest.mark.parametrize("word", ["Rome", "2020-01-31", "12 km", "10 %", "€ 5"])
def test_a_column_of_text_comes_with_the_others(tmp_path: Path, word: str) -> None:
    path = written(tmp_path, with_text(word).replace("a,", "area in m²,"))
    check_message(
        lambda: load_csv(path, "price"),
        f"flats.csv, line 2, column city: expected numbers, got text ('{word}')",
        "leave the column out (exclude=…, --exclude city), or replace",
    )


def test_all_columns_of_text_are_named(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("Rome,x").replace("city,", "city,kind,"))
    check_message(
        lambda: load_csv(path, "price"),
        "columns of text: city, kind;",
        "out (exclude=…, --exclude city kind),",
    )


def test_the_suggested_option_is_one_that_the_caller_can_use(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("Rome,x").replace("city,", "city in EU,kind,"))
    kind = "line 2, column kind: expected numbers, got text ('x'); columns of text: kind; leave the"
    option = f"{kind} column out (exclude=…, --exclude 'city in EU' kind),"
    check_message(lambda: load_csv(path, "price", exclude=["city in EU"]), option)
    option = f"{kind} column out of features=…, --features,"
    check_message(lambda: load_csv(path, "price", ["kind", "a"]), option)
    data = load_csv(path, "price", exclude=["kind", "city in EU"])
    assert data.features == ("a", "b") and data.notes == ()
    table = written(tmp_path, TABLE)
    test = written(tmp_path, TABLE.replace("29", "x"), "new.csv")
    words = ("new.csv, line 4, column b", "exclude=…, --exclude b")
    check_message(lambda: load_csv(table, "price", test=test), *words)


@pytest.mark.parametrize("field", ["", "many", "1e99"])
def test_the_target_is_not_suggested_to_be_left_out(tmp_path: Path, field: str) -> None:
    path = written(tmp_path, TABLE.replace("-4e0", field))
    with pytest.raises(ValueError, match="column price") as error:
        load_csv(path, "price")
    assert "exclude" not in str(error.value)


def test_all_columns_with_missing_values_are_suggested_unless_none_is_left(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace("29", ""))
    check_message(
        lambda: load_csv(path, "price"), "or leave the column out (exclude=…, --exclude b)"
    )
    path = written(tmp_path, TABLE.replace("3,29", "NA,"))
    with pytest.raises(ValueError, match="--drop-missing") as error:
        load_csv(path, "price")
    assert "exclude" not in str(error.value)


def test_a_long_list_of_text_columns_is_not_an_option_to_copy(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(21)]
    path = written(tmp_path, with_text(",".join("x" * 21)).replace("city", ",".join(names)))
    check_message(lambda: load_csv(path, "price"), "leave the columns out (exclude=…, --exclude),")


def test_no_column_of_numbers_is_left(tmp_path: Path) -> None:
    path = written(tmp_path, "city,price\n" + "Rome,1\n" * 6)
    check_message(lambda: load_csv(path, "price"), "no column of numbers is left")


@pytest.mark.parametrize("word", ["TRUE", "False", "yes"])
def test_truth_values_are_text_and_come_with_the_numbers_to_write(
    tmp_path: Path, word: str
) -> None:
    path = written(tmp_path, with_text(word))
    check_message(lambda: load_csv(path, "price"), "columns of text: city", "write 1 and 0")


def test_numbers_with_thousands_separators_are_text(tmp_path: Path) -> None:
    path = written(tmp_path, with_text('"1,234"'))
    check_message(lambda: load_csv(path, "price"), "got text ('1,234')", "thousands separators")


@pytest.mark.parametrize("word", ["09.01.2023 13:30", "2023.1.9", "9.1.23"])
def test_a_date_is_no_number_with_thousands_separators(tmp_path: Path, word: str) -> None:
    path = written(tmp_path, with_text(word))
    with pytest.raises(ValueError, match="columns of text: city") as error:
        load_csv(path, "price")
    assert "thousands" not in str(error.value)
    path = written(tmp_path, with_text("1.234.567"))
    check_message(lambda: load_csv(path, "price"), "thousands separators")


def test_a_target_of_text_is_not_a_feature_to_leave_out(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("Rome"))
    check_message(lambda: load_csv(path, "city"), "column city", "choose a target of numbers")
    path = written(tmp_path, with_text("Rome,x").replace("city,", "city,kind,"))
    check_message(lambda: load_csv(path, "kind"), "column kind", "choose a target of numbers")


def test_text_among_missing_values_is_a_column_of_text(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("").replace("\n,3", "\nRome,3"))
    check_message(lambda: load_csv(path, "price"), "line 4, column city", "columns of text: city")


# Missing values, constants, decimal signs


def test_missing_values_are_counted_per_column_with_the_first_place(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace("29", "").replace("5,49,.5", "NA,?,.5"))
    words = ("flats.csv, line 4, column b", "missing values per column: b 2, a 1;")
    check_message(lambda: load_csv(path, "price"), *words)


def test_too_few_rows_without_the_dropped_ones(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace("29", "").replace("42", ""))
    check_message(
        lambda: load_csv(path, "price", drop_missing=True),
        "at least 5 rows",
        "got 4, without 2 with missing values",
    )


def test_a_constant_feature_has_its_own_message(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("7"))
    check_message(
        lambda: load_csv(path, "price"),
        "flats.csv, line 2, column city: expected at least two different numbers, got 7 in all 6",
        "leave the column out",
    )


def test_a_constant_target_has_its_own_message(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("7"))
    check_message(lambda: load_csv(path, "city"), "column city", "choose another target")


def test_a_feature_that_is_constant_without_dropped_rows_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, with_text("7").replace("7,3,29", "8,3,"))
    check_message(lambda: load_csv(path, "price", drop_missing=True), "got 7 in all 5 rows")


def test_two_decimal_signs_in_one_file_are_ambiguous(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace(",", ";").replace("2.5", "2,5"))
    check_message(
        lambda: load_csv(path, "price"),
        "flats.csv, line 3, column price: expected one decimal sign",
        "as in '1.5' in line 2",
        "got '2,5'",
    )


def test_a_decimal_comma_and_a_thousands_point_are_no_number(tmp_path: Path) -> None:
    path = written(tmp_path, TABLE.replace(",", ";").replace(".", ",").replace("29", "1.029,5"))
    check_message(lambda: load_csv(path, "price"), "line 4, column b", "thousands separators")


def test_the_nearest_name_is_the_same_in_other_letters_first() -> None:
    assert nearest("price", ["prices", "PRICE", "rice"]) == "PRICE"
    assert nearest("price", ["area", "x"]) == ""


def test_thousands_points_between_semicolons_are_not_read_as_decimal_points(tmp_path: Path) -> None:
    text = "a;price\n14.222;1\n875;2\n1.043;3\n2.000;4\n999;5\n"
    path = written(tmp_path, text)
    words = "flats.csv, line 2, column a", "got '14.222'", "without thousands separators"
    check_message(lambda: load_csv(path, "price"), *words)
    check_message(lambda: load_csv(path, "a"), *words)


def test_what_prediction_rejects_offers_no_choice_of_columns(tmp_path: Path) -> None:
    for field in ("", "many", "1e99"):
        path = written(tmp_path, TABLE.replace("29", field))
        with pytest.raises(ValueError, match="line 4, column b") as error:
            read_features(path, ["b"])
        assert "--" not in str(error.value)
    path = written(tmp_path, "b\nno\nyes\n")
    with pytest.raises(ValueError, match="give the name b to a column of numbers") as error:
        read_features(path, ["b"])
    assert "--" not in str(error.value)
