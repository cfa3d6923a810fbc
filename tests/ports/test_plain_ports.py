"""The plain ports agree with `lai_ref` on ordinary inputs; each wrong port differs in its group."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.reporting.report import INACCURATE
from tests.oracle.diagnosis.first_findings import first_sentence, recorded, wrong_report
from tests.ports.plain_cases import METHODS, ordinary_cases

GROUPS = [group for group in oracle.GROUPS if group != "codec"]
DTYPES = ("float64", "float32")
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # times the largest number of a result
CLASSES = {"torch": "PlainTorch", "jax": "PlainJax"}
FORMS = {"torch": ("maximum", "clamp", "where"), "jax": ("maximum", "clip", "where")}
CASES = [
    (framework, form, group)
    for framework, forms in FORMS.items()
    for form in forms
    for group in GROUPS
    # JAX compiles each operation, which is slow; a test below runs all groups of the oracle
    if framework == "torch" or group in ("factor", "adam")
]


@pytest.fixture(autouse=True)
def double_precision(framework: str) -> Iterator[None]:
    """Skip without the framework; enable x64 in JAX for one test."""
    needed: Any = pytest.importorskip(framework, reason=f"the plain port needs {framework}")
    if framework == "torch":
        yield
        return
    before = needed.config.jax_enable_x64
    needed.config.update("jax_enable_x64", True)
    yield
    needed.config.update("jax_enable_x64", before)


def module(name: str) -> Any:
    return importlib.import_module(f"tests.ports.{name}")


@cache
def expected(group: str, dtype: str) -> list[Any]:
    method = getattr(oracle.reference, METHODS.get(group, group))
    return [answers(method(**case)) for case in ordinary_cases(group, dtype)]


def answers(result: Any) -> list[Any]:
    return [np.asarray(part) for part in (result if isinstance(result, tuple) else (result,))]


def agrees(port: Any, group: str, dtype: str) -> bool:
    """Whether all results for the ordinary inputs equal those of `lai_ref`, up to rounding."""
    method = getattr(port, METHODS.get(group, group))
    for case, reference in zip(ordinary_cases(group, dtype), expected(group, dtype), strict=True):
        for got, right in zip(answers(method(**case)), reference, strict=True):
            scale = np.abs(right).max()
            error = np.abs(got.astype("float64") - right)
            if got.shape != right.shape or not (error <= TOLERANCE[dtype] * scale).all():
                return False
    return True


@pytest.mark.parametrize(("framework", "form", "group"), CASES)
def test_a_plain_port_agrees_with_the_reference(framework: str, form: str, group: str) -> None:
    port = getattr(module(f"plain_{framework}"), CLASSES[framework])(form)
    for dtype in DTYPES:
        assert agrees(port, group, dtype), dtype


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("framework", ["torch"])
def test_a_wrong_port_differs_first_in_its_group(framework: str, group: str) -> None:
    wrong = [w for w in module(f"wrong_{framework}").WRONG_PORTS if w.group == group]
    assert wrong
    for port in wrong:
        assert not all(agrees(port.port, group, dtype) for dtype in DTYPES), port.name
        for before in GROUPS[: GROUPS.index(group)]:
            assert all(agrees(port.port, before, dtype) for dtype in DTYPES), (port.name, before)


@pytest.mark.parametrize("framework", FORMS)
def test_every_mistake_is_unique(framework: str) -> None:
    ports = module(f"wrong_{framework}").WRONG_PORTS
    for key in ("name", "mistake"):
        assert len({getattr(port, key) for port in ports}) == len(ports)
    assert all(port.mistake.endswith(".") for port in ports)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("framework", "form"),
    [
        pytest.param(framework, form, marks=pytest.mark.slow if framework == "jax" else ())
        for framework, forms in FORMS.items()
        for form in forms
    ],
)
def test_a_plain_port_is_correct_and_inaccurate_at_extreme_values_alone(
    framework: str, form: str, dtype: str
) -> None:
    port = getattr(module(f"plain_{framework}"), CLASSES[framework])(form)
    strict = oracle.check(port, dtype)
    assert not strict and strict.verdict == INACCURATE, str(strict)
    if framework == "torch":  # JAX is slow, and INACCURATE already implies that no basic case fails
        basic = oracle.check(port, dtype, level="basic")
        assert basic and str(basic).startswith("correct\n"), str(basic)


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["torch"])
def test_the_first_finding_of_the_report_on_a_wrong_port(framework: str) -> None:
    other = {}
    for wrong in module(f"wrong_{framework}").WRONG_PORTS:
        report = wrong_report(wrong.port)
        assert report.diagnosis[0].group == wrong.group, wrong.name
        if first_sentence(report) != recorded()[wrong.name].sentence:
            other[wrong.name] = first_sentence(report)
    assert not other


@pytest.mark.slow
@pytest.mark.parametrize("framework", ["jax"])
def test_a_wrong_port_is_first_wrong_in_its_group(framework: str) -> None:
    for wrong in module(f"wrong_{framework}").WRONG_PORTS:
        groups = oracle.GROUPS[: oracle.GROUPS.index(wrong.group) + 1]
        assert wrong_report(wrong.port, groups).diagnosis[0].group == wrong.group, wrong.name
