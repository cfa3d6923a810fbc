"""The oracle's port against `lai_ref`, its variants against it, and its mutants, which must differ.

Two answers are compared by their largest distance over their largest number, output by output. No
array that is passed to a port can be written to.
"""

from __future__ import annotations

import ast
import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle import mutants
from lai_ref.oracle.grading.backend import METHODS, reference
from lai_ref.oracle.mutants import MUTANTS, VARIANTS, Mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.inputs.port_inputs import REFUSED, Call, calls

ROUNDING = {"float64": 64 * 2.0**-53, "float32": 64 * 2.0**-24}
VISIBLE = {"float64": 1e-11, "float32": 1e-5}
CALLS = calls(0)
GROUPS = tuple({call.group: None for call in CALLS})
each_dtype = pytest.mark.parametrize("dtype", VISIBLE)
each_group = pytest.mark.parametrize("group", [g for g in GROUPS if g != "codec"])
each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)


def distance(call: Call, got: list[Array] | None, want: list[Array] | None) -> float:
    """The largest of all outputs; infinite where shapes, non-finite numbers or errors differ."""
    if got is None or want is None:
        return float("inf" if got is not want else 0)
    if call.group == "codec":
        return float("inf" if got[0].tobytes() != want[0].tobytes() else 0)
    return max(_distance(a, b) for a, b in zip(got, want, strict=True))


def _distance(a: Array, b: Array) -> float:
    if a.shape != b.shape:
        return float("inf")
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    size = np.abs(b[finite]).max(initial=0)
    apart = np.abs(a[finite] / 2 - b[finite] / 2).max(initial=0) * 2  # no overflow
    return float(apart / size) if size else float("inf" if apart else 0)


class Answers:
    """What every mutant answers to every call, asked once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], list[Array] | None] = {}

    def of(self, mutant: Mutant | None, dtype: str, i: int) -> list[Array] | None:
        key = (mutant.name if mutant else "", dtype, i)
        if key not in self._kept:
            self._kept[key] = CALLS[i].answer(mutant.backend if mutant else Port(), dtype)
        return self._kept[key]

    def apart(self, a: Mutant, b: Mutant | None, dtype: str, i: int) -> float:
        with np.errstate(all="ignore"):
            return distance(CALLS[i], self.of(a, dtype, i), self.of(b, dtype, i))


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers()


@each_dtype
@each_group
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_port_agrees_with_lai_ref(seed: int, group: str, dtype: str) -> None:
    for call in calls(seed):
        if call.group == group:
            got, want = call.answer(Port(), dtype), call.answer(reference, dtype)
            assert (want is None) == (call.about == REFUSED), call.about
            assert all(np.isfinite(part).all() for part in want or []), call.about
            assert distance(call, got, want) < ROUNDING[dtype], call.about


@each_dtype
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda m: m.name)
def test_variants_agree_with_port(variant: Mutant, dtype: str, answers: Answers) -> None:
    for i, call in enumerate(CALLS):
        apart = answers.apart(variant, None, dtype, i)
        assert apart < (ROUNDING[dtype] if call.group in variant.groups else 1e-300), call


@each_dtype
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
def test_correct_variants_pass(variant: Mutant, dtype: str) -> None:
    report = oracle.check(variant.backend, dtype)
    assert report, str(report)


@each_dtype
def test_the_straightforward_port_passes(dtype: str) -> None:
    report = oracle.check(Port(), dtype)
    assert report, str(report)


@each_mutant
def test_mutants_show_in_their_groups_and_nowhere_else(mutant: Mutant, answers: Answers) -> None:
    shown: set[str] = set()
    for dtype in VISIBLE:
        if shown == set(mutant.groups):
            break  # nothing is left for float32 to show
        for i, call in enumerate(CALLS):
            apart = answers.apart(mutant, None, dtype, i)
            if call.group not in mutant.groups:
                assert apart < ROUNDING[dtype], call
            elif apart > VISIBLE[dtype]:
                shown.add(call.group)
    assert shown == set(mutant.groups)


def test_no_two_mutants_are_the_same_mistake(answers: Answers) -> None:
    for a, b in combinations(MUTANTS, 2):
        places = [
            (dtype, i)
            for dtype in VISIBLE
            for i, call in enumerate(CALLS)
            if call.group in a.groups + b.groups
        ]
        assert any(answers.apart(a, b, *where) > VISIBLE[where[0]] for where in places), (
            a.name,
            b.name,
        )


@each_dtype
@pytest.mark.parametrize("ours", [None, *VARIANTS], ids=lambda m: m.name if m else "port")
def test_dtype_and_shapes_are_kept(ours: Mutant | None, dtype: str, answers: Answers) -> None:
    for i, call in enumerate(CALLS):
        pairs = zip(answers.of(ours, dtype, i) or [], answers.of(None, dtype, i) or [], strict=True)
        for part, of_port in pairs:
            assert (part.dtype, part.shape) == (np.dtype(dtype), of_port.shape), call


def test_port_warns_of_nothing() -> None:
    for call in CALLS:
        for dtype in VISIBLE:
            call.answer(Port(), dtype, quiet=False)


def test_every_group_has_inputs_and_mutants() -> None:
    assert set(GROUPS) == {"codec", *METHODS}
    for group in GROUPS:
        assert sum(group in mutant.groups for mutant in MUTANTS) >= 5, group


def test_names_and_words() -> None:
    everything = (*MUTANTS, *VARIANTS)
    assert len(MUTANTS) >= 44
    assert len(VARIANTS) >= 8
    assert len({mutant.name for mutant in everything}) == len(everything)
    assert len({mutant.mistake for mutant in everything}) == len(everything)
    for mutant in everything:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.name)
        assert mutant.mistake.endswith(".")
        assert set(mutant.groups) <= set(GROUPS)
        assert len(mutant.mistake) <= 100


def test_port_shares_nothing_with_lai_ref() -> None:
    files = list(Path(mutants.__path__[0]).glob("*.py"))
    assert len(files) > 3
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lai_ref"):
                assert str(node.module).startswith("lai_ref.oracle.mutants"), file
