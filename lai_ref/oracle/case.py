"""The oracle's cases, and their files: JSON in the schema `lai-oracle/1`.

Numbers are decimal strings, so that no JSON parser rounds them; `inf`, `-inf`, `nan` and `-0.0` are
allowed. Every input is exactly a float32, so that ports of every precision start from the same
numbers. An expected answer has, for each output, one number or nested lists of numbers:

    a point      base
    a segment    base + s · direction with one s in [0, 1] for the whole case, at a kink
    an error     the port must reject the inputs

and for each dtype a bound for the error of each number (see `tolerances`). A case of level basic
has a second bound, which allows for F' by automatic differentiation of F. A case of level strict
has extreme inputs (see `extremes`). Ids never change meaning.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

SCHEMA = "lai-oracle/1"
VECTORS = Path(__file__).parent / "vectors"
MANIFEST = VECTORS / "SHA256SUMS"
DTYPES = ("float64", "float32")
LEVELS = ("basic", "strict")
TOKEN = re.compile(r"-?(\d+(\.\d+)?([eE][+-]?\d+)?|inf)|nan")

Nested: TypeAlias = Any  # a number, or a list of Nested

# each input and output: its number of axes, or its type
NUMBER, VECTOR, MATRIX = 0, 1, 2
LAM = "lam"  # a number or a vector
LOSS: dict[str, Any] = {"order": int, "lam": LAM, "l1_ratio": NUMBER, "reduction": str}
NET: dict[str, Any] = {"sizes": list, "activation": str, "theta": VECTOR, "x": MATRIX}
ADAM: dict[str, Any] = {"lr": NUMBER, "beta1": NUMBER, "beta2": NUMBER, "eps": NUMBER}
INPUTS: dict[str, dict[str, Any]] = {
    "codec": {"values": VECTOR},
    "factor": {"k": VECTOR, "lam": NUMBER, "order": int},
    "loss": {"y": VECTOR, "t": VECTOR, "k": MATRIX, **LOSS},
    "input_gradient": NET,
    "param_gradient": {**NET, "t": VECTOR, "loss": dict},
    "adam": {"theta": VECTOR, "grad": VECTOR, "t": int, "m": VECTOR, "v": VECTOR, **ADAM},
    "train": {
        **NET,
        **{"m": VECTOR, "v": VECTOR, "step": int, "t": VECTOR, "plain": int, "loss": dict},
        **ADAM,
        "batches": list,
    },
    "sharded": {**NET, "t": VECTOR, "loss": dict, "shards": list},
}
OUTPUTS: dict[str, dict[str, int]] = {
    "codec": {"values": VECTOR},
    "factor": {"value": VECTOR, "slope": VECTOR},
    "loss": {"value": NUMBER, "dy": VECTOR, "dk": MATRIX},
    "input_gradient": {"y": VECTOR, "k": MATRIX},
    "param_gradient": {"value": NUMBER, "grad": VECTOR},
    "adam": {"theta": VECTOR, "m": VECTOR, "v": VECTOR},
    "train": {"theta": MATRIX},
    "sharded": {"value": NUMBER, "grad": VECTOR},
}
GROUPS = tuple(INPUTS)
# the method of a backend that answers each group
METHODS = {group: group for group in GROUPS} | {"adam": "adam_step", "sharded": "sharded_gradient"}


class CorruptVectorsError(Exception):
    """The vectors are not those that were published."""


@dataclass(frozen=True, eq=False)  # compared and hashed by identity
class Case:
    """One question with its answer.

    `inputs` has the structure of the file, with Decimals, ints and strs. `expected` and `direction`
    hold Decimals, both tolerances floats, by the name of the output.
    """

    id: str
    group: str
    about: str
    inputs: dict[str, Any]
    expected: dict[str, Nested] | None  # None: an error is expected
    direction: dict[str, Nested] | None  # None: a point
    tolerance: dict[str, dict[str, Nested]]  # by dtype
    level: str = "strict"
    basic_tolerance: dict[str, dict[str, Nested]] = field(default_factory=dict)  # by dtype

    def bounds(self, dtype: str, level: str) -> dict[str, Nested]:
        """The bound of each number at a level; a strict case has the strict bounds alone."""
        basic = level == "basic" and self.level == "basic"
        return (self.basic_tolerance if basic else self.tolerance)[dtype]

    def __str__(self) -> str:
        return self.id


def cases(group: str | None = None, level: str = "strict") -> list[Case]:
    """The published cases of one group, or of all, in their order; level strict has every case.

    Raises
    ------
    ValueError
        An unknown group or level.
    CorruptVectorsError
        A file is missing or does not have its published SHA-256.
    """
    if group is not None and group not in GROUPS:
        raise ValueError(f"group: expected one of {', '.join(GROUPS)}, got {group!r}")
    if level not in LEVELS:
        raise ValueError(f"level: expected one of {', '.join(LEVELS)}, got {level!r}")
    chosen = [case for name in GROUPS if group in (None, name) for case in _published(name)]
    return [case for case in chosen if level in ("strict", case.level)]


def as_published(cases: Iterable[Case]) -> dict[str, dict[str, Any]]:
    """The cases of these groups as in the files: JSON objects by id."""
    contents = [json.loads((VECTORS / f"{g}.json").read_bytes()) for g in {c.group for c in cases}]
    return {case["id"]: case for content in contents for case in content["cases"]}


@lru_cache(maxsize=len(GROUPS))
def _published(group: str) -> list[Case]:
    name = f"{group}.json"
    try:
        sums = dict(
            line.split()[::-1] for line in MANIFEST.read_text(encoding="utf-8").splitlines()
        )
        content = (VECTORS / name).read_bytes()
    except (OSError, ValueError) as error:
        raise CorruptVectorsError(f"the vectors are damaged: {error}") from error
    if hashlib.sha256(content).hexdigest() != sums.get(name):
        raise CorruptVectorsError(
            f"the vectors are damaged: the SHA-256 of {name} is not that in {MANIFEST.name}"
        )
    return parse_file(json.loads(content), group)


def parse_file(content: Any, group: str) -> list[Case]:
    """The cases of a file; ValueError for anything that is not in the schema."""
    _keys(content, ("schema", "group", "cases"), group)
    if (content["schema"], content["group"]) != (SCHEMA, group):
        raise ValueError(f"{group}: expected schema {SCHEMA}, group {group}")
    if not isinstance(content["cases"], list):
        raise ValueError(f"{group}: expected a list of cases")
    found = [parse_case(case, group) for case in content["cases"]]
    ids = [case.id for case in found]
    for i in ids:
        if ids.count(i) > 1:
            raise ValueError(f"{group}: expected each id once, got {i} {ids.count(i)} times")
    return found


def parse_case(content: Any, group: str) -> Case:
    """One case; ValueError if it is not as the schema requires."""
    name = content.get("id") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name.startswith(f"{group}/"):
        raise ValueError(f"{group}: expected an id that starts with {group}/, got {name!r}")
    rejected = content.get("expected") == "error"
    basic = ("basic_tolerance",) if content.get("level") == "basic" else ()
    direction_key = ("direction",) if "direction" in content else ()
    answered = () if rejected else ("tolerance", *basic, *direction_key)
    _keys(content, ("id", "about", "level", "inputs", "expected", *answered), name)
    about = _input(content["about"], str, f"{name}: about")
    level = _input(content["level"], str, f"{name}: level")
    if level not in LEVELS:
        raise ValueError(f"{name}: level: expected one of {', '.join(LEVELS)}, got {level!r}")
    _keys(content["inputs"], tuple(INPUTS[group]), f"{name}: inputs")
    inputs = {
        key: _input(value, INPUTS[group][key], f"{name}: {key}")
        for key, value in content["inputs"].items()
    }
    if rejected:
        return Case(name, group, about, inputs, None, None, {}, level)

    expected = _outputs(content["expected"], group, number, f"{name}: expected")
    direction = None
    if "direction" in content:
        direction = _outputs(content["direction"], group, number, f"{name}: direction", expected)
    bounds: dict[str, Any] = {"tolerance": {}, "basic_tolerance": {}}
    for key in ("tolerance", *basic):
        _keys(content[key], DTYPES, f"{name}: {key}")
        bounds[key] = {
            dtype: _outputs(part, group, _bound, f"{name}: {key} in {dtype}", expected)
            for dtype, part in content[key].items()
        }
    return Case(
        name, group, about, inputs, expected, direction, bounds["tolerance"], level,
        bounds["basic_tolerance"],
    )  # fmt: skip


def number(token: Any) -> Decimal:
    """The exact number of a decimal string."""
    if not isinstance(token, str) or not TOKEN.fullmatch(token):
        raise ValueError(f"expected a number as a decimal string, got {token!r}")
    try:
        return Decimal(token)
    except InvalidOperation:  # an exponent of 20 digits
        raise ValueError(f"expected an exponent of at most 18 digits, got {token}") from None


def token(d: Decimal) -> str:
    """The decimal string of a number with all its digits, the inverse of `number`."""
    return {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(str(d), str(d))


def is_float32(d: Decimal) -> bool:
    """Whether a float32 holds the number exactly."""
    if not d.is_finite():
        return True
    try:
        (near,) = struct.unpack("f", struct.pack("f", float(d)))
    except OverflowError:
        return False
    return math.isfinite(near) and Decimal(near) == d


def mapped(f: Any, *nested: Nested) -> Nested:
    """f of the numbers at every place of nested lists of one shape."""
    if isinstance(nested[0], list):
        return [mapped(f, *items) for items in zip(*nested, strict=True)]
    return f(*nested)


def flat(nested: Nested) -> list[Any]:
    """The numbers in nested lists, in order."""
    return [n for item in nested for n in flat(item)] if isinstance(nested, list) else [nested]


def shape(nested: Nested) -> tuple[int, ...]:
    """The lengths of nested lists; ValueError where they differ along an axis."""
    if not isinstance(nested, list):
        return ()
    inner = {shape(item) for item in nested}
    if len(inner) > 1:
        raise ValueError("rows of unequal length")
    return (len(nested), *(inner.pop() if inner else ()))


def _input(value: Any, kind: Any, where: str) -> Any:
    if kind in (int, str, list):
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ValueError(f"{where}: expected {kind.__name__}, got {value!r}")
        if kind is list:  # sizes, batches or shards: all entries are integers
            for item in flat(list(value)):
                _whole(item, where)
        return value
    if kind is dict:
        plain = isinstance(value, dict) and value.get("name") == "plain"
        kinds = {"name": str, "order": int} if plain else {"name": str, **LOSS}
        _keys(value, tuple(kinds), where)
        return {key: _input(value[key], kinds[key], f"{where}.{key}") for key in kinds}
    try:
        numbers = mapped(number, value)
        axes = len(shape(numbers))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if axes not in ((0, 1) if kind == LAM else (kind,)) and numbers != []:
        raise ValueError(f"{where}: expected {kind} axes, got {axes}")
    for n in flat(numbers):
        if not is_float32(n):
            raise ValueError(f"{where}: expected exactly a float32, got {n}")
    return numbers


def _outputs(
    part: Any, group: str, f: Any, where: str, like: dict[str, Nested] | None = None
) -> dict[str, Nested]:
    """f of the numbers of every output, in the shapes that the outputs have in `like`."""
    _keys(part, tuple(OUTPUTS[group]), where)
    numbers = {}
    for key, axes in OUTPUTS[group].items():
        try:
            found, numbers[key] = shape(part[key]), mapped(f, part[key])
        except ValueError as error:
            raise ValueError(f"{where}: {key}: {error}") from None
        expected_shape = found if like is None else shape(like[key])
        if found != expected_shape or len(expected_shape) != axes:
            raise ValueError(f"{where}: {key}: expected {axes} axes {expected_shape}, got {found}")
    return numbers


def _bound(token: Any) -> float:
    """A bound for an error."""
    bound = float(number(token))
    if not 0 <= bound < math.inf:
        raise ValueError(f"expected a finite bound of at least 0, got {token}")
    return bound


def _whole(item: Any, where: str) -> None:
    if isinstance(item, dict):
        _keys(item, ("rows", "lai_rows"), where)
        for rows in item.values():
            for n in _input(rows, list, where):
                _whole(n, where)
    elif not isinstance(item, int) or isinstance(item, bool):
        raise ValueError(f"{where}: expected integers, got {item!r}")


def _keys(content: Any, keys: tuple[str, ...], where: str) -> None:
    if not isinstance(content, dict) or set(content) != set(keys):
        found = sorted(content) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"{where}: expected the fields {sorted(keys)}, got {found}")
