"""The oracle's port equals `lai_ref`, its variants equal the port, and its mutants differ.

The distance of two answers is the largest difference of an output relative to its largest number.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle import mutants
from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.case import DTYPES, METHODS, Case
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.mutants import MUTANTS, VARIANTS, Mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array
from tests.inputs.port_inputs import extra_cases
from tests.oracle.grading.published_kills import published

VISIBLE = {"float64": 1e-11, "float32": 1e-5}
EXTRA = tuple(extra_cases())
ANSWERED = [case for case in oracle.cases() if case.expected and case.group != "codec"]
OWN_GRADIENT = (
    *("absolute-of-k-forgotten", "k-clipped", "sum-for-maximum", "smooth-maximum"),
    *("angle-in-degrees", "mae-factor-for-mse", "root-for-mse", "divided-by-maximum"),
    *("maximum-forgotten", "absolute-of-e-forgotten", "squared-error-for-mae"),
    *("absolute-error-for-mse", "one-sample-less", "maximum-over-samples", "root-mean-square"),
    *("half-squared-norm", "axes-swapped", "gradient-of-loss", "gradient-of-summed-loss"),
    *("softplus-as-written", "leaky-relu", "gelu-for-silu"),
)
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)


def answer(backend: object, case: Case, dtype: str) -> list[Array]:
    """A backend's outputs, unchanged, for read-only input arrays."""
    given = read_only(arguments(case.group, case.inputs, dtype))
    parts = getattr(backend, METHODS[case.group])(**given)
    return [np.asarray(part) for part in (parts if isinstance(parts, tuple) else (parts,))]


def read_only(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: read_only(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(read_only(part) for part in value)
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


def distance(a: object, b: object, case: Case, dtype: str) -> float:
    """The largest distance over all outputs; infinite if only one backend raises an error."""
    with np.errstate(all="ignore"):
        try:
            pairs = list(zip(answer(a, case, dtype), answer(b, case, dtype), strict=True))
        except ValueError:
            return float("inf")
        return max(_distance(*pair) for pair in pairs)


def _distance(a: Array, b: Array) -> float:
    """The distance of two outputs; infinite if shapes or non-finite numbers differ."""
    if a.shape != b.shape:
        return float("inf")
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    largest = np.abs(b[finite]).max(initial=0)
    apart = np.abs(a[finite] / 2 - b[finite] / 2).max(initial=0) * 2  # no overflow
    return float(apart / largest) if largest else float("inf" if apart else 0)


def differ(a: object, b: object, case: Case) -> bool:
    """Whether two backends differ by more than rounding in a case."""
    return any(distance(a, b, case, dtype) > VISIBLE[dtype] for dtype in VISIBLE)


@each_dtype
def test_the_straightforward_port_passes(dtype: str) -> None:
    report = oracle.check(Port(), dtype)
    assert report, str(report)


@each_dtype
@each_variant
def test_correct_variants_pass(variant: Mutant, dtype: str) -> None:
    report = oracle.check(variant.backend, dtype)
    assert report, str(report)


@each_variant
def test_variants_compute_differently_in_their_groups_alone(variant: Mutant) -> None:
    others = [case for case in ANSWERED if case.group not in variant.groups]
    for case in others[::3]:
        parts = [answer(backend, case, "float32") for backend in (variant.backend, Port())]
        for a, b in zip(*parts, strict=True):
            assert a.tobytes() == b.tobytes(), case


@pytest.mark.parametrize("case", EXTRA, ids=str)
@each_dtype
def test_the_port_agrees_with_lai_ref_beside_the_published_cases(case: Case, dtype: str) -> None:
    for backend in (Port(), *(variant.backend for variant in VARIANTS)):
        assert distance(backend, reference, case, dtype) < VISIBLE[dtype], backend


@each_mutant
def test_mutants_show_in_every_group_that_they_name_and_nowhere_else(mutant: Mutant) -> None:
    letters = published().rows[mutant.name]
    shown = {group for group in letters if letters[group].strip(".")}
    shown |= {case.group for case in EXTRA if differ(mutant.backend, Port(), case)}
    assert shown == set(mutant.groups)


def test_no_two_mutants_are_the_same_mistake() -> None:
    alike = defaultdict(list)  # killed by the same cases
    for mutant in MUTANTS:
        alike[tuple(published().rows[mutant.name].values())].append(mutant)
    for same in alike.values():
        for a, b in combinations(same, 2):
            both = [case for case in ANSWERED if case.group in a.groups + b.groups]
            assert any(differ(a.backend, b.backend, case) for case in both), (a.name, b.name)


@each_dtype
@pytest.mark.parametrize("name", ["lai_ref", "port", *(variant.name for variant in VARIANTS)])
def test_arguments_are_not_written_to_and_answers_have_their_dtype(name: str, dtype: str) -> None:
    backends = {"lai_ref": reference, "port": Port(), **{v.name: v.backend for v in VARIANTS}}
    for case in ANSWERED[::2]:
        with np.errstate(all="ignore"):
            for part in answer(backends[name], case, dtype):
                assert part.dtype == dtype, case


@each_dtype
def test_port_warns_of_nothing(dtype: str) -> None:
    for case in ANSWERED:
        answer(Port(), case, dtype)


def test_every_group_has_mutants() -> None:
    assert set(oracle.GROUPS) == set(METHODS)
    for group in oracle.GROUPS:
        assert sum(group in mutant.groups for mutant in MUTANTS) >= 5, group


def test_mutants_with_a_wrong_value_have_the_gradient_of_that_value() -> None:
    """Automatic differentiation of a wrong formula gives the gradient of the wrong formula."""
    backends = {mutant.name: mutant.backend for mutant in MUTANTS}
    smooth = [c for c in oracle.cases("param_gradient") if re.search(r"depth[12]-", c.id)]
    for name in OWN_GRADIENT:
        directions = np.random.default_rng(0)
        for case in smooth[::3]:
            given = arguments("param_gradient", case.inputs, "float64")
            theta = given["theta"]
            step = 1e-5 * directions.standard_normal(theta.shape)
            above, below = (
                backends[name].param_gradient(**{**given, "theta": theta + s})[0]
                for s in (step, -step)
            )
            change = pytest.approx((above - below) / 2, rel=1e-4, abs=1e-10)
            assert backends[name].param_gradient(**given)[1] @ step == change, f"{name} in {case}"


def test_names_and_words() -> None:
    everything = (*MUTANTS, *VARIANTS)
    assert len(MUTANTS) >= 170
    assert len(VARIANTS) >= 8
    assert len({mutant.name for mutant in everything}) == len(everything)
    assert len({mutant.mistake for mutant in everything}) == len(everything)
    for mutant in everything:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", mutant.name)
        assert mutant.mistake.endswith(".")
        assert set(mutant.groups) <= set(oracle.GROUPS)
        assert len(mutant.mistake) <= 120


@each_mutant
def test_mistakes_state_what_is_right_in_standard_terms(mutant: Mutant) -> None:
    _, right = mutant.mistake.split("; ")
    assert re.search(r"\bshould\b|^use |^scale ", right)
    for word in ("slope", "steep", "length of", "came by"):
        assert word not in mutant.mistake


def test_port_shares_nothing_with_lai_ref() -> None:
    files = list(Path(mutants.__path__[0]).glob("*.py"))
    assert len(files) > 3
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lai_ref"):
                assert str(node.module).startswith("lai_ref.oracle.mutants"), file
