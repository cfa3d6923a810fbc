"""Input validation: what passes unchanged, what is converted, and the error messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lai_ref.support.validation import (
    Array,
    check_array,
    check_choice,
    check_dtype,
    check_in_range,
    check_int,
    check_mask,
    check_positive,
    check_shape,
    to_double,
)
from tests.inputs.refusals import check_refused

BOTH = pytest.mark.parametrize("check", [check_array, check_shape])


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(2, 3), ("N", 3), ("N", "D")])
def test_float_array_passes_as_it_is(
    check: Callable[..., Any], dtype: type, shape: tuple[int | str, ...]
) -> None:
    a: Array = np.ones((2, 3), dtype)
    assert check("a", a, shape) is a


@BOTH
@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.array([1, 2], np.uint8), range(1, 3)])
def test_whole_numbers_become_float64(check: Callable[..., Any], value: Any) -> None:
    a = check("a", value, ("N",))
    assert (a.dtype, a.tolist()) == (np.float64, [1, 2])


@BOTH
def test_whole_numbers_of_the_very_shape_become_float64(check: Callable[..., Any]) -> None:
    assert check("a", np.array([1, 2]), (2,)).dtype == np.float64


@BOTH
def test_other_byte_order_is_still_float64(check: Callable[..., Any]) -> None:
    assert check("a", np.array([1.5], ">f8"), (1,)).tolist() == [1.5]


@BOTH
@pytest.mark.parametrize(
    ("value", "got"),
    [
        (["1.5"], "<U3"),
        ([b"1"], "|S1"),
        ([None], "object"),
        ([True], "bool"),
        (np.array([1], np.float16), "float16"),
        (np.array([1], np.longdouble), "longdouble"),
        (np.array([1], np.complex64), "complex64"),
        ([np.datetime64("2024-01-01")], "datetime64"),
        ([10**400], "object"),
    ],
)
def test_other_dtypes_are_refused(check: Callable[..., Any], value: Any, got: str) -> None:
    got = str(np.dtype(got)) if got == "longdouble" else got
    check_refused(
        lambda: check("a", value, (1,)), TypeError, "a", "numbers", "float32, float64", got
    )


@BOTH
@pytest.mark.parametrize(
    ("value", "shape", "words"),
    [
        ([[1.0], [2.0]], ("N",), ("(N,)", "(2, 1)")),
        ([1.0, 2.0], (3,), ("(3,)", "(2,)")),
        (np.ones((2, 1)), (2,), ("(2,)", "(2, 1)")),
        ([1.0, 2.0], ("N", 2), ("(N, 2)", "(2,)")),
        (1.0, ("N",), ("(N,)", "()")),
        ([1.0], (), ("()", "(1,)")),
        ([], ("N",), ("(N,)", "(0,)")),
        (np.zeros((2, 0)), (2, "D"), ("(2, D)", "(2, 0)")),
        ([[1.0], [1.0, 2.0]], ("N",), ("(N,)", "inhomogeneous")),
    ],
)
def test_other_shapes_are_refused(
    check: Callable[..., Any], value: Any, shape: tuple[int | str, ...], words: tuple[str, ...]
) -> None:
    check_refused(lambda: check("a", value, shape), ValueError, "a", "expected", *words)


@pytest.mark.parametrize(
    ("value", "shape", "words"),
    [
        ([[0.0, 1.0], [np.nan, np.inf]], ("N", 2), ("nan", "at index [1, 0]")),
        ([1.0, -np.inf], (2,), ("-inf", "at index [1]")),
        ([complex(0, np.inf)], (1,), ("infj", "at index [0]")),
    ],
)
def test_number_that_is_not_finite_is_refused_with_its_place(
    value: Any, shape: tuple[int | str, ...], words: tuple[str, ...]
) -> None:
    check_refused(lambda: check_array("a", value, shape), ValueError, "a", "finite", *words)


def test_lone_number_that_is_not_finite_has_no_place() -> None:
    with pytest.raises(ValueError, match=r"^a: expected finite numbers, got nan$"):
        check_array("a", np.nan, ())


def test_check_shape_lets_infinite_numbers_through() -> None:
    assert check_shape("a", [np.inf], ("N",)).tolist() == [np.inf]


def test_to_double_doubles_the_precision_and_keeps_what_is_wide() -> None:
    wide, off_axis = np.ones(2), np.ones(2, np.complex128)
    assert to_double(np.ones(2, np.float32)).dtype == np.float64
    assert to_double(wide) is wide
    assert to_double(off_axis) is off_axis


def test_check_choice_accepts_what_is_listed() -> None:
    check_choice("order", 2, (1, 2))
    check_choice("name", "b", {"a": 0, "b": 0})


def test_check_choice_rejects_the_rest() -> None:
    check_refused(
        lambda: check_choice("name", "c", ("a", "b")), ValueError, "name", "'a', 'b'", "'c'"
    )


@pytest.mark.parametrize("value", [3, np.int32(3), np.uint8(3)])
def test_check_int_returns_an_int(value: Any) -> None:
    number = check_int("n", value, minimum=3)
    assert (type(number), number) == (int, 3)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (2, ValueError, ("at least 3", "2")),
        (3.0, TypeError, ("integer", "3.0")),
        ("3", TypeError, ("integer", "'3'")),
        (None, TypeError, ("integer", "None")),
    ],
)
def test_check_int_rejects(value: Any, error: type[Exception], words: tuple[str, ...]) -> None:
    check_refused(lambda: check_int("n", value, minimum=3), error, "n", *words)


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.25)])
def test_check_in_range_returns_a_float_ends_included(value: Any) -> None:
    number = check_in_range("rho", value, 0, 1)
    assert (type(number), number) == (float, value)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (-1e-9, ValueError, ("[0, 1]", "-1e-09")),
        (1 + 1e-9, ValueError, ("[0, 1]", "1.000000001")),
        (np.nan, ValueError, ("[0, 1]", "nan")),
        (np.inf, ValueError, ("[0, 1]", "inf")),
        ("half", TypeError, ("number", "'half'")),
        (None, TypeError, ("number", "None")),
        ([0.5, 0.5], TypeError, ("number", "[0.5, 0.5]")),
        (0.5j, TypeError, ("number", "0.5j")),
    ],
)
def test_check_in_range_rejects(value: Any, error: type[Exception], words: tuple[str, ...]) -> None:
    check_refused(lambda: check_in_range("rho", value, 0, 1), error, "rho", *words)


def test_check_in_range_leaves_out_an_open_end() -> None:
    assert check_in_range("n", 0.999, 0, 1, open_high=True) == 0.999
    check_refused(
        lambda: check_in_range("n", 1, 0, 1, open_high=True), ValueError, "n", "[0, 1)", "1.0"
    )


@pytest.mark.parametrize("value", ["0.5", b"0.5", True, np.True_])
def test_words_and_truths_are_no_numbers(value: Any) -> None:
    check_refused(
        lambda: check_in_range("rho", value, 0, 1), TypeError, "rho", "number", repr(value)
    )
    check_refused(lambda: check_positive("lr", value), TypeError, "lr", "number", repr(value))


def test_numbers_beyond_a_float_are_refused() -> None:
    check_refused(lambda: check_in_range("rho", 10**400, 0, 1), ValueError, "rho", "range")
    check_refused(lambda: check_positive("lr", 10**400), ValueError, "lr", "range")


def test_check_positive_returns_a_float() -> None:
    number = check_positive("lr", np.float32(0.5))
    assert (type(number), number) == (float, 0.5)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0, ValueError, ("above 0", "0.0")),
        (-1e-300, ValueError, ("above 0", "-1e-300")),
        (np.inf, ValueError, ("finite", "inf")),
        (np.nan, ValueError, ("finite", "nan")),
        ("fast", TypeError, ("number", "'fast'")),
        (None, TypeError, ("number", "None")),
    ],
)
def test_check_positive_rejects(value: Any, error: type[Exception], words: tuple[str, ...]) -> None:
    check_refused(lambda: check_positive("lr", value), error, "lr", *words)


# Masks and dtypes


def test_a_mask_of_bools_passes_as_it_is() -> None:
    mask = np.array([True, False])
    assert check_mask("mask", mask, 2) is mask
    assert check_mask("mask", [True, False, True], 3).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 0], ("2 bools", "int64 of shape (2,)")),
        ([True], ("2 bools", "bool of shape (1,)")),
        ([[True, False]], ("2 bools", "bool of shape (1, 2)")),
        (True, ("2 bools", "bool of shape ()")),
        ([[True], [True, False]], ("2 bools",)),
    ],
)
def test_anything_else_is_no_mask(value: Any, words: tuple[str, ...]) -> None:
    check_refused(lambda: check_mask("mask", value, 2), ValueError, "mask", "expected", *words)


def test_check_dtype_accepts_the_three_and_rejects_others() -> None:
    for dtype in (np.float32, float, "complex128"):
        check_dtype("dtype", dtype)
    for other in (np.float16, int, "complex64"):
        check_refused(lambda d=other: check_dtype("dtype", d), TypeError, "dtype", "float32")  # type: ignore[misc]
