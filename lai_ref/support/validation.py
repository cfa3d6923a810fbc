"""Input validation: public functions check their arguments once, internal functions do not.

An error names the argument, what was expected and what was received. Arrays are float32, float64
or complex128, the last for the complex step.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Collection
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
FLOATS = "fdD"  # NumPy's letters for float32, float64 and complex128
Shape: TypeAlias = tuple[int | str, ...] | None


def check_array(name: str, value: npt.ArrayLike, shape: Shape) -> Array:
    """`value` as an array of finite floats; integers become float64, floats keep their dtype.

    Parameters
    ----------
    name
        The argument's name, for the message.
    value
        Anything NumPy can make an array of.
    shape
        The shape expected: a number for a fixed length, a letter for any length but 0. None: any.

    Raises
    ------
    TypeError
        Not numbers, numbers of another type than float32, float64, complex128, or a mask on them.
    ValueError
        Another shape, an empty array, or an entry that is not finite.
    """
    a = check_shape(name, value, shape)
    if not np.isfinite(a).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
        at = f" at index {list(where)}" if where else ""
        raise ValueError(f"{name}: expected finite numbers, got {a[where]}{at}")
    return a


def check_shape(name: str, value: npt.ArrayLike, shape: Shape) -> Array:
    """As `check_array`, without the check for finite entries: training may overflow."""
    if (
        type(value) is np.ndarray
        and value.dtype.char in FLOATS
        and _shape_matches(value.shape, shape)
    ):
        return value  # the common case, many times per training step
    reject_masked(name, value)
    try:
        a = np.asarray(value)
    except ValueError as error:  # rows of unequal length
        raise ValueError(
            f"{name}: expected an array of shape {_format_shape(shape)},"
            f" got a value that NumPy cannot convert to one ({error})"
        ) from None
    if a.dtype.kind in "iu":
        a = a.astype(np.float64)
    if a.dtype.char not in FLOATS:
        expected = "numbers (float32, float64 or complex128)"
        raise TypeError(f"{name}: expected {expected}, got dtype {a.dtype}")
    if not _shape_matches(a.shape, shape):
        raise ValueError(
            f"{name}: expected shape {_format_shape(shape)}, got {_format_shape(a.shape)}"
        )
    return a


def reject_masked(name: str, value: Any) -> None:
    """Raise TypeError for a masked array, also in a list: NumPy would use it without its mask."""
    if isinstance(value, list | tuple):
        for part in value:
            if isinstance(part, list | tuple | np.ndarray):
                reject_masked(name, part)
    elif isinstance(value, np.ma.MaskedArray):
        got = "np.ma.masked" if value is np.ma.masked else "numpy.ma.MaskedArray"
        raise TypeError(
            f"{name}: expected an array without a mask, got {got}; fill or drop the masked entries"
        )


def check_dtype(name: str, value: npt.DTypeLike) -> None:
    """Raise TypeError for a dtype that is none of float32, float64 and complex128."""
    if np.dtype(value).char not in FLOATS:
        raise TypeError(f"{name}: expected float32, float64 or complex128, got {value!r}")


def check_mask(name: str, value: npt.ArrayLike, n: int) -> Array:
    """`value` as an array of n bools."""
    reject_masked(name, value)
    try:
        mask = np.asarray(value)
    except ValueError as error:  # rows of unequal length
        raise ValueError(
            f"{name}: expected a mask of {n} bools,"
            f" got a value that NumPy cannot convert to one ({error})"
        ) from None
    if mask.dtype != np.bool_ or mask.shape != (n,):
        got = f"{mask.dtype} of shape {mask.shape}"
        raise ValueError(f"{name}: expected a mask of {n} bools, got {got}")
    return mask


def check_rng(name: str, value: Any) -> np.random.Generator:
    """`value` as a NumPy generator; TypeError for a seed or anything else."""
    if isinstance(value, np.random.Generator):
        return value
    kind = type(value).__name__
    got, seed = (f"int {value}", value) if kind == "int" else (kind, "seed")
    raise TypeError(
        f"{name}: expected numpy.random.Generator, got {got}; use numpy.random.default_rng({seed})"
    )


def to_double(a: Array) -> Array:
    """`a` in double precision, real or complex; without a copy if it already is."""
    return a if a.dtype.kind == "c" else a.astype(np.float64, copy=False)


def check_choice(name: str, value: Any, allowed: Collection[Any]) -> None:
    """Raise ValueError for a `value` that is not among those `allowed`."""
    try:
        known = value in tuple(allowed) and not isinstance(value, bool | float)
    except ValueError:  # an array, whose comparison is an array
        known = False
    if not known:
        words = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name}: expected one of {words}, got {value!r}")


def check_int(name: str, value: Any, minimum: int) -> int:
    """`value` as an int, at least `minimum`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {number}")
    return number


def check_in_range(
    name: str, value: Any, low: float, high: float, *, open_high: bool = False
) -> float:
    """`value` as a float in [`low`, `high`], or in [`low`, `high`) if `open_high`."""
    number = _number(name, value)
    if not low <= number or not (number < high if open_high else number <= high):
        side = ")" if open_high else "]"
        raise ValueError(f"{name}: expected a number in [{low:g}, {high:g}{side}, got {number}")
    return number


def check_positive(name: str, value: Any) -> float:
    """`value` as a float, finite and above 0."""
    number = _number(name, value)
    if not (number > 0 and math.isfinite(number)):
        raise ValueError(f"{name}: expected a finite number above 0, got {number}")
    return number


def _shape_matches(got: tuple[int, ...], shape: Shape) -> bool:
    if got == shape:
        return True
    if shape is None:
        return 0 not in got
    if len(got) != len(shape):
        return False
    for length, expected in zip(got, shape, strict=True):
        if length != expected and (length == 0 or isinstance(expected, int)):
            return False
    return True


def _number(name: str, value: Any) -> float:
    try:
        if isinstance(value, str | bytes | bool | np.bool_):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {value!r}") from None
    except OverflowError:
        raise ValueError(
            f"{name}: expected a number in the range of float64, got a larger one"
        ) from None


def _format_shape(shape: Shape) -> str:
    if shape is None:
        return "(…)"
    return "(" + ", ".join(str(n) for n in shape) + ("," if len(shape) == 1 else "") + ")"
