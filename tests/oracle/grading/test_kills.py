"""The kill matrix: every mutant is killed, and the published matrix is up to date."""

from __future__ import annotations

from collections import Counter

import pytest

from lai_ref import oracle
from lai_ref.oracle.grading.kills import KILLS, kill, kill_matrix
from lai_ref.oracle.mutants import MUTANTS, Mutant
from tests.oracle.grading.published_kills import published


@pytest.mark.slow
def test_the_published_matrix_is_the_true_one() -> None:
    assert kill_matrix().text() == KILLS.read_text(encoding="utf-8")


def test_the_matrix_for_machines_says_what_the_text_says() -> None:
    content = published().as_json()
    text = KILLS.read_text(encoding="utf-8")
    for name, mutant in content["mutants"].items():
        counts = f"{mutant['kills']} kills, {mutant['basic']} at level basic"
        assert f"\n{name}: {counts}\n" in text
    assert len(content["idle"]) == text.split("and their purpose\n")[1].count("\n")


def test_the_published_matrix_reads_as_it_is_written() -> None:
    assert published().text() == KILLS.read_text(encoding="utf-8")


def test_the_matrix_has_one_row_per_mutant_with_a_unique_name() -> None:
    assert len(MUTANTS) >= 170
    assert max(Counter(mutant.name for mutant in MUTANTS).values()) == 1
    assert list(published().rows) == [mutant.name for mutant in MUTANTS]


def test_every_mutant_is_killed_by_two_cases_or_more() -> None:
    assert min(published().kills(mutant.name) for mutant in MUTANTS) >= 2


def test_every_mutant_is_killed_at_level_basic_but_those_of_extreme_values() -> None:
    assert published().extreme() == [
        "square-overflows",
        "cosine-of-arctangent",
        "quotient-rule",
        "norm-overflows",
        "softplus-overflows",
        "softplus-threshold",
        "sigmoid-overflows",
        "softplus-as-written",
    ]
    for name in published().extreme():
        letters = published().rows[name]
        killing = [
            case
            for group in oracle.GROUPS
            for case, letter in zip(oracle.cases(group), letters[group], strict=True)
            if letter != "."
        ]
        assert any(case.level == "strict" for case in killing)


def test_mutants_show_in_the_groups_that_they_name() -> None:
    for mutant in MUTANTS:
        killing = {
            group for group, letters in published().rows[mutant.name].items() if letters.strip(".")
        }
        assert killing and killing <= set(mutant.groups), mutant.name


def test_every_case_kills_a_mutant_or_says_why_it_is_there() -> None:
    text = KILLS.read_text(encoding="utf-8")
    for case in published().idle():
        assert f"  {case.id}: {case.about}\n" in text


OF_ROUNDING = ("cosine-of-arctangent", "mean-in-float32")  # whose answers differ by rounding


@pytest.mark.parametrize("step", [15, pytest.param(5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_part_of_the_matrix_made_anew_is_what_is_published(mutant: Mutant, step: int) -> None:
    for group, letters in published().rows[mutant.name].items():
        made = [kill(mutant.backend, case)[0] for case in oracle.cases(group)[::step]]
        differing = sum(a != b for a, b in zip(made, letters[::step], strict=True))
        # NumPy's version decides whether an error near a bound is above it
        assert differing <= (1 if mutant.name in OF_ROUNDING else 0), (group, "".join(made))
