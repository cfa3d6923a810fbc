"""A group's wrong answers follow from another group, or are its own, or that is unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lai_ref.oracle.diagnosis.follow_up import Question, Reply, ask_backend
from lai_ref.oracle.diagnosis.inheritance import following, inherits
from lai_ref.oracle.grading.grade import FAILED, Outcome
from lai_ref.oracle.mutants.port import Batches, Port
from lai_ref.oracle.mutants.port_network import Cache
from lai_ref.support.validation import Array
from tests.oracle.diagnosis.asking import BOTH_DTYPES, outcomes_of


class WrongFactor(Port):
    """F and F' are a fifth too large where λ < 1."""

    def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
        F, dF = super().factor(k, lam, order)
        more = np.where(np.asarray(lam) < 1, 1.25, 1).astype(k.dtype)
        return F * more, dF * more


class WrongFactorAlone(WrongFactor):
    """F and F' are wrong, but the loss is right."""

    def loss(self, **given: Any) -> tuple[Any, Array, Array]:
        return Port().loss(**given)


class WrongInputGradient(Port):
    """k is a quarter too large, and the network's gradient is that of this k."""

    def forward_and_input_gradient(self, x: Array, **net: Any) -> Cache:
        cache = super().forward_and_input_gradient(x, **net)
        return cache._replace(k=1.25 * cache.k)

    def double_backward(self, cache: Cache, dy: Array, dk: Array) -> Array:
        return super().double_backward(cache, dy, 1.25 * dk)


class WrongAdam(Port):
    """ε is 0.01."""

    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, eps + 0.01)


def failed(port: object, group: str, dtype: str) -> list[Outcome]:
    """The wrong answers of a group."""
    return [o for o in outcomes_of(port, group, dtype) if o.status == FAILED]


def told(port: object, group: str, wrong: Sequence[str], dtype: str = "float64") -> bool | None:
    """Whether the port's wrong answers in a group follow from the wrong groups."""
    return inherits(group, wrong, failed(port, group, dtype), ask_backend(port, dtype), dtype)


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize(
    ("port", "wrong", "groups"),
    [
        (WrongFactor(), ["factor"], ["loss", "param_gradient", "train", "sharded"]),
        (WrongInputGradient(), ["input_gradient"], ["param_gradient", "train", "sharded"]),
        (WrongAdam(), ["adam"], ["train"]),
    ],
)
def test_a_mistake_is_inherited_by_every_group_that_depends_on_it(
    port: object, wrong: list[str], groups: list[str], dtype: str
) -> None:
    wrong = list(wrong)
    for group in groups:
        assert failed(port, group, dtype)
        assert told(port, group, wrong, dtype) is True
        wrong.append(group)


class OwnInLoss(WrongFactor):
    """Also, the loss is divided by N once more."""

    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        dk: Array = super().dk(e, dF, s, order, n) / np.sqrt(n + 1).astype(e.dtype)
        return dk


class OwnInGradient(WrongFactor):
    """Also, the gradient of the biases is 0."""

    def sum_over_samples(self, dz: Array) -> Array:
        return 0 * super().sum_over_samples(dz)


class OwnInTraining(WrongFactor):
    """Also, every sample has the Lai loss."""

    def train(self, *, batches: Batches, **rest: Any) -> Array:
        return super().train(batches=[(rows, rows) for rows, _ in batches], **rest)


class OwnInShards(WrongFactor):
    """Also, the first worker's gradient is missing."""

    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        return super().sum_over_workers(grads[1:] or grads) * 1.125


@pytest.mark.parametrize("dtype", BOTH_DTYPES)
@pytest.mark.parametrize(
    ("port", "group", "wrong"),
    [
        (OwnInLoss(), "loss", ["factor"]),
        (OwnInGradient(), "param_gradient", ["factor", "loss"]),
        (OwnInTraining(), "train", ["factor", "loss", "param_gradient"]),
        (OwnInShards(), "sharded", ["factor", "loss", "param_gradient"]),
        (WrongAdam(), "train", ["param_gradient"]),
    ],
)
def test_an_additional_mistake_is_not_inherited(
    port: object, group: str, wrong: list[str], dtype: str
) -> None:
    assert told(port, group, wrong, dtype) is False


def test_a_mistake_in_a_group_that_others_do_not_use_is_not_inherited() -> None:
    assert failed(WrongFactorAlone(), "factor", "float64")
    assert not failed(WrongFactorAlone(), "loss", "float64")


def test_it_cannot_be_told_of_a_port_that_does_not_answer() -> None:
    def silent(questions: Sequence[Question]) -> list[Reply]:
        return [None] * len(questions)

    port = WrongFactor()
    for group, wrong in (("loss", ["factor"]), ("sharded", ["param_gradient"])):
        assert inherits(group, wrong, failed(port, group, "float64"), silent, "float64") is None


def test_it_cannot_be_told_of_answers_that_are_no_numbers() -> None:
    class Raising(WrongFactor):
        def loss(self, **given: Any) -> Any:
            raise ValueError("no loss")

    assert told(Raising(), "loss", ["factor"]) is None


def test_replies_in_another_form_tell_nothing() -> None:
    def odd(questions: Sequence[Question]) -> list[Reply]:
        return [{"other": np.zeros(2)} for _ in questions]

    outcomes = failed(WrongFactor(), "loss", "float64")
    assert inherits("loss", ["factor"], outcomes, odd, "float64") is None


def test_groups_follow_directly_or_through_one_that_is_not_wrong() -> None:
    assert list(following("loss", ["factor"])) == ["factor"]
    assert list(following("param_gradient", ["factor"])) == ["factor"]
    assert list(following("param_gradient", ["factor", "loss"])) == ["loss"]
    assert list(following("train", ["adam", "param_gradient"])) == ["param_gradient", "adam"]
    assert list(following("adam", ["factor"])) == []
