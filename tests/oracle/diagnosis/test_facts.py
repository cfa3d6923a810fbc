"""The facts of cases and numbers are true."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.case import GROUPS, OUTPUTS, Case, cases, shape
from lai_ref.oracle.diagnosis.facts import Facts, facts_of_case, facts_of_number
from tests.oracle.diagnosis.asking import right_numbers

OPPOSITES = (
    ("p = 1", "p = 2"),
    ("λ is a list", "λ is one number"),
    ("λ = 1", "λ ≠ 1"),
    ("the reduction is batch", "the reduction is sample"),
    ("t = 0", "t > 0"),
    ("N = 1", "N > 1"),
    ("D = 1", "D > 1"),
    ("there is no hidden layer", "there is a hidden layer"),
    ("there is one shard", "there are several shards"),
    ("the case is a whole run", "the case is one step from a given state"),
    ("a number is at a kink", "nothing is at a kink"),
    ("the sample is the first", "the sample is not the first"),
    ("the feature is the first", "the feature is not the first"),
    ("θ_p is a weight", "θ_p is a bias"),
    ("θ_p is in the last layer", "θ_p is in a hidden layer"),
    ("the step is the first of its run", "the step is not the first of its run"),
    ("ρ = 0", "ρ > 0"),
    ("ρ = 1", "ρ < 1"),
    ("the loss is the Lai loss", "the loss is plain"),
)
PARTITIONS = (
    ("|k|^p > λ", "|k|^p < λ", "|k|^p = λ"),
    ("k < 0", "k > 0", "k = 0"),
    ("e < 0", "e > 0", "e = 0"),
    ("θ_p is a weight of a hidden layer", "θ_p is a weight of the last layer",
     "θ_p is a bias of a hidden layer", "θ_p is the last bias"),
    tuple(f"the activation is {name}" for name in ("identity", "relu", "tanh", "softplus", "silu")),
)  # fmt: skip


def facts_of(case: Case) -> list[Facts]:
    """The facts of every number of a case."""
    return [
        facts_of_case(case) | facts_of_number(case, name, place)
        for name in OUTPUTS[case.group]
        for place in product(*map(range, shape((case.expected or {})[name])))
    ]


@pytest.mark.parametrize("group", GROUPS[1:])
def test_of_two_opposite_facts_exactly_one_holds(group: str) -> None:
    for case in cases(group, "basic")[:: 5 if group == "train" else 1]:
        for facts in facts_of(case) if case.expected else []:
            for one, other in OPPOSITES:
                if one in facts and other in facts:
                    assert facts[one] != facts[other], (case.id, one)
            for names in PARTITIONS:
                held = sum(facts.get(name, False) for name in names)
                expected = 1 if names[0] in facts else 0
                if names[0] == "the activation is identity" and facts.get(
                    "there is no hidden layer"
                ):
                    expected = 0
                assert held == expected, (case.id, names)


def test_the_branch_of_a_slope_is_that_of_the_given_numbers() -> None:
    seen = set()
    numbers = right_numbers("loss", "dk")
    for outcome, place, facts in zip(numbers.outcomes, numbers.places, numbers.facts, strict=True):
        given = arguments("loss", outcome.case.inputs, "float64")
        lam = np.broadcast_to(np.asarray(given["lam"]), given["k"].shape[1:])[place[1]]
        above = abs(given["k"][place]) ** given["order"] > lam
        assert facts["|k|^p > λ"] == above
        assert facts["the feature is the last"] == (place[1] == given["k"].shape[1] - 1)
        seen.add(above)
    assert len(seen) == 2


def test_a_parameter_is_that_of_its_layer() -> None:
    found = cases("param_gradient", "basic")
    case = next(c for c in found if c.inputs["sizes"] == [2, 3, 1])
    kinds = [facts_of_number(case, "grad", (i,)) for i in range(13)]
    assert [i for i, f in enumerate(kinds) if f["θ_p is a weight of a hidden layer"]] == [*range(6)]
    assert [i for i, f in enumerate(kinds) if f["θ_p is a bias of a hidden layer"]] == [6, 7, 8]
    assert [i for i, f in enumerate(kinds) if f["θ_p is a weight of the last layer"]] == [9, 10, 11]
    assert [i for i, f in enumerate(kinds) if f["θ_p is the last bias"]] == [12]
    with pytest.raises(ValueError, match="below 13"):
        facts_of_number(case, "grad", (13,))
