"""Running a backend: its arguments, and the result of everything that it may do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.case import METHODS
from lai_ref.oracle.grading.backend import Reference
from lai_ref.support.validation import Array

BOTH_DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


@BOTH_DTYPES
def test_arguments_are_fresh_arrays_of_the_dtype(dtype: str) -> None:
    for case in oracle.cases():
        first, again = (arguments(case.group, case.inputs, dtype) for _ in range(2))
        for name, value in first.items():
            if isinstance(value, np.ndarray):
                assert value.dtype == dtype and not np.shares_memory(value, again[name])


@pytest.mark.parametrize("method", [m for m in METHODS.values() if m != "codec"])
def test_a_method_that_raises_fails(method: str) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("not today")

    backend = Reference()
    setattr(backend, method, broken)
    report = oracle.check(backend, groups=[g for g, m in METHODS.items() if m == method])
    assert not report and "got an error: RuntimeError: not today" in str(report)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "expected a tuple (value, slope), got NoneType"),
        ({"value": 1.0, "slope": 0.0}, "expected a tuple (value, slope), got dict"),
        ((1.0, 2.0, 3.0), "expected a tuple (value, slope), got 3 values"),
        (("a", "b"), "expected arrays of numbers that NumPy can read"),
        ((1j, 2j), "expected arrays of numbers that NumPy can read"),
    ],
)
def test_answers_of_another_form_pass_nowhere(answer: Any, words: str) -> None:
    class Odd:
        def factor(self, **_: Any) -> Any:
            return answer

    report = oracle.check(Odd(), groups=["factor"])
    assert words in str(report)
    assert {outcome.status for outcome in report.outcomes} == {"failed"}


def test_a_name_that_does_not_exist_is_no_refusal() -> None:
    class Slip:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return lai_facter(k, lam, order)  # type: ignore[name-defined]  # noqa: F821

    report = oracle.check(Slip(), groups=["factor"])
    assert {outcome.status for outcome in report.outcomes} == {"failed"}
    lines = str(report).splitlines()
    words = "NameError: name 'lai_facter' is not defined (test_runner.py:"
    assert lines[3].startswith(f"  50 of 50 cases fail: {words}")
    (first,) = (line for line in lines if "FAILED" in line)
    assert first.startswith("  FAILED factor/ordinary-p1-lam1 (F and F' for p = 1, λ = 1, ")
    assert words in first
    assert lines[-2:] == [
        "  … and 49 more in factor",
        "at extreme values: 9 more cases fail, in factor; look at them last",
    ]


def test_an_error_is_placed_in_the_port_not_in_a_library() -> None:
    class Wrong:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return np.linalg.inv(k), k

    words = oracle.check(Wrong(), groups=["factor"]).outcomes[0].reason
    assert "LinAlgError" in words and "(test_runner.py:" in words


def test_another_signature_passes_nowhere() -> None:
    class Odd:
        def factor(self, slope: Array) -> Any:
            raise AssertionError

    report = oracle.check(Odd(), groups=["factor"])
    assert "factor cannot be called with k, lam, order" in str(report)
    assert {outcome.status for outcome in report.outcomes} == {"failed"}


def test_not_implemented_error_is_not_implemented() -> None:
    class Later:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            raise NotImplementedError

    report = oracle.check(Later(), groups=["factor"])
    assert {outcome.status for outcome in report.outcomes} == {"not implemented"}


def test_lists_of_results_do_as_well_as_tuples() -> None:
    class Lists:
        def factor(self, k: Array, lam: float, order: int) -> Any:
            return [part.tolist() for part in Reference().factor(k=k, lam=lam, order=order)]

    assert oracle.check(Lists(), groups=["factor"])


def test_a_port_may_do_with_its_arguments_as_it_likes() -> None:
    class Greedy(Reference):
        def input_gradient(self, *, theta: Array, x: Array, **net: Any) -> Any:
            answer = super().input_gradient(theta=theta, x=x, **net)
            net["sizes"].clear()
            theta[:] = x[:] = np.nan
            return answer

    for _ in range(2):
        assert oracle.check(Greedy(), groups=["input_gradient"])
    assert oracle.check(oracle.reference, groups=["input_gradient"])
