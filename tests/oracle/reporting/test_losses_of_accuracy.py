"""Losses at extreme values: the magnitude, its smallest value, the kind, the digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.case import DTYPES, GROUPS, cases
from lai_ref.oracle.extremes import LIMITS
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.grading.grade import FAILED, Outcome, grade
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_network import Unit
from lai_ref.oracle.reporting.losses_of_accuracy import LossOfAccuracy, losses_of_accuracy
from lai_ref.support.validation import Array


def losses(port: object, groups: tuple[str, ...], dtype: str) -> list[LossOfAccuracy]:
    """The losses over all cases that pass at level basic or are strict."""
    return losses_of_accuracy(outcomes(port, groups, dtype), dtype)


def outcomes(port: object, groups: tuple[str, ...], dtype: str) -> list[Outcome]:
    found = []
    for case in (case for group in groups for case in cases(group)):
        answer = run_case(port, case, dtype)
        assert case.level == "strict" or grade(case, answer, dtype, "basic").status != FAILED
        found.append(grade(case, answer, dtype))
    return found


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("port", [reference, Port()])
def test_an_accurate_port_loses_nothing(port: object, dtype: str) -> None:
    assert losses(port, GROUPS, dtype) == []


class Plain(Port):
    """√(1 + k²) without hypot."""

    def hypotenuse(self, k: Array) -> Array:
        root: Array = np.sqrt(1 + k * k)
        return root


class QuotientRule(Port):
    """F' by the quotient rule, whose terms cancel."""

    def factor_derivative(self, k: Array, lam: Array, order: int) -> Array:
        above = np.abs(k) ** order > lam
        a, b = np.where(above, np.abs(k) ** order, lam), (1 + k * k) ** (order / 2)
        da = np.where(above, order * np.abs(k) ** (order - 1) * np.sign(k), 0)
        db = order * k * (1 + k * k) ** (order / 2 - 1)
        quotient = ((da * b - a * db) / b / b / np.minimum(lam, 1)).astype(k.dtype)
        kink = np.abs(k) ** order == lam
        return np.where(kink, super().factor_derivative(k, lam, order), quotient)


def test_an_overflow_is_named_with_the_slope_that_it_starts_from() -> None:
    (found,) = (x for x in losses(Plain(), ("factor",), "float32") if x.kind == "overflow")
    assert found.magnitude == "k" and found.digits == 0
    assert {"F'", "F"} >= set(found.outputs)
    # k² overflows for |k| ≥ √(2^128) = 2^64
    assert found.least > 2.0**63
    assert str(found).endswith("1 + k² or a power of it overflows")
    assert "NaN, infinite or 0 for |k| ≥ " in found.words()


def test_lost_digits_are_counted() -> None:
    (found,) = (x for x in losses(QuotientRule(), ("factor",), "float64") if x.kind == "digits")
    assert (found.magnitude, found.outputs) == ("k", ("F'",))
    # 1 + k² and k² cancel: at |k| = 1000 about 6 of 16 digits are lost, and the error grows with k²
    assert 1000 < found.least < LIMITS["k"] and 4 <= found.digits <= 16
    assert f"F': up to {found.digits} digits lost for |k| ≥ {found.least:.4g}" == found.words()
    assert "the terms of the quotient rule cancel" in str(found)


class Overflowing(Port):
    """softplus as log(1 + e^z), without a case distinction."""

    def activate(self, activation: str, z: Array) -> Unit:
        unit = super().activate(activation, z)
        if activation != "softplus":
            return unit
        with np.errstate(over="ignore"):
            return unit._replace(f=np.log(1 + np.exp(z)))


def test_an_overflow_of_a_hidden_unit_is_named() -> None:
    found = losses(Overflowing(), ("input_gradient",), "float32")
    assert {x.magnitude for x in found} == {"z"}
    (overflow,) = (x for x in found if x.kind == "overflow")
    assert overflow.least > 88 and "y" in overflow.outputs
    assert "e^z overflows" in str(overflow)


class Squaring(Port):
    """‖c‖₂ from c², which overflows."""

    def l2_norm(self, c: Array) -> tuple[Any, Array]:
        norm = np.sqrt((c * c).sum(axis=-1, keepdims=True))
        return norm[..., 0], c / np.where(norm == 0, 1, norm)


def test_an_overflow_of_the_norm_is_named_with_the_residual() -> None:
    found = losses(Squaring(), ("loss",), "float32")
    assert any(x.magnitude == "e" and x.kind == "overflow" for x in found)
    for x in found:
        assert x.least > LIMITS[x.magnitude] or x.kind == "digits"


class Raising(Port):
    """Raises an error if a number is large."""

    def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
        self.require(np.abs(k).max() < 1e6, "k is not too large")
        return super().factor(k, lam, order)


def test_an_error_is_a_loss_of_its_own_kind() -> None:
    found = losses(Raising(), ("factor",), "float64")
    assert {x.kind for x in found} == {"error"}
    (of_k,) = (x for x in found if x.magnitude == "k")
    assert of_k.least >= 1e6 and of_k.outputs == ("factor",)
    assert "an error is raised for |k| ≥ " in of_k.words()


def test_losses_are_sorted_and_count_their_cases() -> None:
    for port in (Plain(), QuotientRule(), Squaring()):
        results = outcomes(port, ("factor", "loss", "param_gradient"), "float32")
        found = losses_of_accuracy(results, "float32")
        assert found == sorted(found, key=lambda x: (x.magnitude, x.least))
        failures = sum(o.status == FAILED for o in results)
        assert 0 < max(x.cases for x in found) <= failures <= sum(x.cases for x in found)
        assert all(1 <= x.digits <= 7 for x in found if x.kind == "digits")


def test_invalid_inputs_that_are_accepted_lose_no_accuracy() -> None:
    class Accepting(Port):
        def require(self, condition: Any, words: str) -> None:
            pass

    invalid = [case for case in cases("factor") if case.expected is None]
    graded = [grade(c, run_case(Accepting(), c, "float64"), "float64") for c in invalid]
    assert any(o.status == FAILED for o in graded)
    assert losses_of_accuracy(graded, "float64") == []
