"""Right numbers in the wrong place are recognised, and others are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.diagnosis.numbers import Numbers
from lai_ref.oracle.diagnosis.placement import placement, unchanged
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import Changed, tables_of

RNG = np.random.default_rng(11)
DIRECTION = "has the right direction and a scale that differs from case to case"
OF_DK: dict[str, Callable[[Array], Array]] = {
    "holds the right numbers with the samples reversed": lambda k: k[::-1],
    "holds the right numbers with the features reversed": lambda k: k[:, ::-1],
    "holds the right numbers in another order": lambda k: RNG.permutation(k.ravel()).reshape(
        k.shape
    ),
    "is the same for every sample": lambda k: 0 * k + k.max(axis=0) + 0.25,
    "is the same for every feature": lambda k: (
        0 * k + k.max(axis=1, keepdims=True) + 0.25 * k[0, 0]
    ),
    DIRECTION: lambda k: k * (0.5 + np.abs(k).max()),
}


def of_dk(f: Callable[[Array], Array]) -> Numbers:
    """The numbers of a dk that a function changes, in cases away from kinks."""

    def change(given: dict[str, Any], answer: Any) -> Any:
        return *answer[:2], f(answer[2])

    numbers = tables_of(Changed("loss", change), "loss")["dk"]
    return numbers.chosen(np.array([o.case.direction is None for o in numbers.outcomes]))


@pytest.mark.parametrize("words", OF_DK)
def test_a_relation_to_the_expected_numbers_is_found(words: str) -> None:
    assert placement(of_dk(OF_DK[words]), "float64") == words


def test_a_norm_that_is_the_same_in_every_case_is_told() -> None:
    numbers = of_dk(lambda k: 3 * k / (np.linalg.norm(k) or 1))
    words = "has the right direction and a norm of 3 in every wrong case"
    assert placement(numbers, "float64") == words


def test_noise_has_no_place() -> None:
    assert placement(of_dk(lambda k: k + RNG.normal(size=k.shape)), "float64") == ""
    assert placement(of_dk(lambda k: k * (1 + 1e-3 * RNG.normal(size=k.shape))), "float64") == ""


def test_nearly_right_numbers_in_their_own_places_are_not_in_another_order() -> None:
    nearly = of_dk(lambda k: k * (1 + 1e-10 * RNG.normal(size=k.shape)))
    assert nearly.wrong.any() and placement(nearly, "float64") == ""


def test_a_scale_that_is_the_same_in_every_case_is_not_said_to_differ() -> None:
    assert placement(of_dk(lambda k: 2 * k), "float64") == ""
    assert placement(of_dk(lambda k: -1.5 * k), "float64") == ""


def test_right_numbers_and_nan_have_no_relation() -> None:
    assert placement(of_dk(lambda k: k), "float64") == ""
    assert placement(of_dk(lambda k: k * np.nan), "float64") == ""


def test_steps_are_not_called_samples() -> None:
    numbers = tables_of(Changed("train", lambda given, path: 0 * path + path[0]), "train")["theta"]
    assert placement(numbers, "float64") == "is the same for every step"


@pytest.mark.parametrize("method", ["adam_step", "train"])
def test_a_theta_that_stays_is_noticed(method: str) -> None:
    def stay(given: dict[str, Any], answer: Any) -> Any:
        if method == "train":
            return 0 * answer + given["theta"]
        return given["theta"], *answer[1:]

    def nearly(given: dict[str, Any], answer: Any) -> Any:
        if method == "train":
            return answer + 1e-3
        return answer[0] + 1e-3, *answer[1:]

    group = {"adam_step": "adam", "train": "train"}[method]
    assert unchanged(tables_of(Changed(method, stay), group)["theta"])
    assert not unchanged(tables_of(Changed(method, nearly), group)["theta"])
