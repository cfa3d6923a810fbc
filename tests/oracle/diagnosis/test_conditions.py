"""The condition that separates wrong numbers from right ones is named, and no other."""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.diagnosis.conditions import condition
from lai_ref.oracle.diagnosis.facts import Facts

RNG = np.random.default_rng(3)
N = 240
A, B, C = (RNG.random(N) < chance for chance in (0.3, 0.5, 0.5))
FACTS = [{"a": bool(a), "b": bool(b), "c": bool(c)} for a, b, c in zip(A, B, C, strict=True)]


def test_a_fact_that_separates_exactly_is_named() -> None:
    found = condition(A, FACTS)
    assert found is not None and found.exact
    assert (found.words, found.wrong, found.total) == ("a", A.sum(), A.sum())


def test_two_facts_that_separate_together_are_named() -> None:
    found = condition(A & B, FACTS)
    assert found is not None and found.exact and found.words == "a and b"


def test_one_fact_is_preferred_to_two_that_say_little_more() -> None:
    facts = [each | {"often": i % 20 > 0} for i, each in enumerate(FACTS)]
    found = condition(A & (np.arange(N) % 20 > 0), facts)
    assert found is not None and found.words == "a" and not found.exact


def test_nothing_is_named_where_no_fact_separates() -> None:
    for chance in (0.2, 0.5, 0.8):
        assert condition(RNG.random(N) < chance, FACTS) is None


def test_a_fact_that_holds_for_a_few_wrong_numbers_among_many_right_ones_is_not_named() -> None:
    wrong = np.zeros(N, bool)
    wrong[np.flatnonzero(B)[:3]] = True
    facts = [{"b": each["b"]} for each in FACTS]
    assert condition(wrong, facts) is None


def test_nothing_is_named_if_none_or_nearly_all_numbers_are_wrong() -> None:
    assert condition(np.zeros(N, bool), FACTS) is None
    assert condition(np.ones(N, bool), FACTS) is None
    often = np.arange(N) % 20 > 0
    assert condition(often, [{"often": bool(each)} for each in often]) is None


def test_a_threshold_is_named_from_both_sides() -> None:
    k = RNG.permutation(np.arange(N)) / 16
    above, below = condition(k >= 10, FACTS, {"|k|": k}), condition(k < 2, FACTS, {"|k|": k})
    assert above is not None and above.words == "|k| ≥ 10 (right for |k| ≤ 9.938)"
    assert below is not None and below.words == "|k| ≤ 1.938 (right for |k| ≥ 2)"


def test_a_threshold_within_a_fact_is_named() -> None:
    k = RNG.permutation(np.arange(N)) / 16
    found = condition(A & (k >= 5), FACTS, {"|k|": k})
    assert found is not None and found.exact
    assert found.words.startswith("a and |k| ≥ 5")


def test_a_size_without_a_threshold_is_not_named() -> None:
    k = RNG.permutation(np.arange(N)) / 16
    assert condition((k > 4) & (k < 9), FACTS, {"|k|": k}) is None


def test_a_condition_knows_where_it_holds_also_if_a_fact_has_an_and_in_it() -> None:
    facts: list[Facts] = [{"|k| and |k|^p differ": i % 3 == 0} for i in range(12)]
    wrong = np.array([i % 3 == 0 for i in range(12)])
    found = condition(wrong, facts)
    assert found is not None and found.words == "|k| and |k|^p differ"
    assert (found.holds(facts) == wrong).all()
