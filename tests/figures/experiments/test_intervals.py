from __future__ import annotations

import math

import numpy as np
import pytest

from figures.experiments import intervals


@pytest.mark.parametrize(("count", "n"), [(0, 100), (3, 100), (50, 100), (1, 3), (100, 100)])
def test_the_interval_of_a_fraction_ends_where_the_score_test_rejects(count: int, n: int) -> None:
    low, high = intervals.wilson(count, n)
    assert 0 <= low <= count / n <= high <= 1
    for p in {low, high} - {0.0, 1.0}:
        assert abs(count / n - p) == pytest.approx(1.959964 * math.sqrt(p * (1 - p) / n), rel=1e-6)


def test_known_intervals_of_a_fraction() -> None:
    assert intervals.wilson(0, 100) == pytest.approx((0, 0.0370), abs=5e-5)
    assert intervals.wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=5e-5)
    assert intervals.wilson(100, 100) == pytest.approx((0.9630, 1), abs=5e-5)


@pytest.mark.parametrize(
    ("df", "expected"), [(1, 12.7062), (2, 4.30265), (4, 2.77645), (9, 2.26216), (19, 2.09302)]
)
def test_quantiles_are_those_of_the_tables(df: int, expected: float) -> None:
    assert intervals.student_t(df) == pytest.approx(expected, abs=6e-5 if df == 1 else 6e-6)


@pytest.mark.parametrize(("p", "expected"), [(0.5, 0.0), (0.95, 2.13185), (0.995, 4.60409)])
def test_other_quantiles_with_four_degrees_of_freedom(p: float, expected: float) -> None:
    assert intervals.student_t(4, p) == pytest.approx(expected, abs=6e-6)


def test_a_paired_change_is_the_geometric_mean_of_the_ratios() -> None:
    """Ratios 1, 2 and 4: mean ln = ln 2, sd = ln 2, t(2) = 4.30265."""
    found = intervals.paired_change([3.0, 2.0, 8.0], [3.0, 1.0, 2.0])
    half = 4.30265 * math.log(2) / math.sqrt(3)
    expected = {
        "mean": 1.0,
        "low": 2 * math.exp(-half) - 1,
        "high": 2 * math.exp(half) - 1,
    }
    assert found == pytest.approx(expected, rel=1e-5)


def test_further_axes_have_an_interval_each() -> None:
    a, b = np.exp(np.random.default_rng(0).normal(size=(2, 5, 3)))
    found = intervals.paired_change(a, b)
    for j in range(3):
        alone = intervals.paired_change(a[:, j], b[:, j])
        assert {name: ends[j] for name, ends in found.items()} == pytest.approx(alone)


def test_one_seed_has_no_interval() -> None:
    assert intervals.paired_change([3.0], [2.0]) == {
        "mean": pytest.approx(0.5),
        "low": None,
        "high": None,
    }
    assert intervals.paired_change([[3.0, 1.0]], [[2.0, 1.0]]) == {
        "mean": pytest.approx([0.5, 0.0]),
        "low": None,
        "high": None,
    }


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_interval_of_a_mean_covers_it_in_95_percent_of_the_samples(n: int) -> None:
    d = np.random.default_rng(n).normal(0.03, 0.1, (n, 20_000))
    found = intervals.interval_of_mean(d)
    covered = (np.array(found["low"]) < math.expm1(0.03)) & (
        math.expm1(0.03) < np.array(found["high"])
    )
    # the standard error of the fraction is 0.0015
    assert covered.mean() == pytest.approx(0.95, abs=0.005)


def test_the_mean_of_changes_is_one_comparison() -> None:
    """Mean logs over the changes by seed: 0, ln 2 and ln 4."""
    found = intervals.mean_paired_change([[1.0, 2.0, 8.0], [1.0, 2.0, 2.0]], [[1.0] * 3] * 2)
    assert found == intervals.paired_change([1.0, 2.0, 4.0], [1.0] * 3)


@pytest.mark.parametrize(("n", "comparisons"), [(10, 5), (3, 1)])
def test_a_joint_interval_is_that_of_several_comparisons(n: int, comparisons: int) -> None:
    d = np.random.default_rng(n).normal(0.03, 0.1, n)
    alone, joint = (intervals.interval_of_mean(d, of) for of in (1, comparisons))
    assert intervals.joint_interval(alone, n, comparisons) == pytest.approx(joint)


def test_one_seed_has_no_joint_interval() -> None:
    alone = intervals.paired_change([3.0], [2.0])
    assert intervals.joint_interval(alone, 1, 5) == alone


def test_several_comparisons_and_shared_samples_widen_an_interval() -> None:
    """d = −1, 0, 1: mean 0, sd 1; Bonferroni for three: t(2; 1 − 0.025/3) = 7.6488."""
    found = intervals.interval_of_mean([-1.0, 0.0, 1.0], comparisons=3, overlap=0.25)
    assert math.log1p(found["high"]) == pytest.approx(7.6488 * math.sqrt(1 / 3 + 0.25), rel=1e-4)
    assert math.log1p(found["low"]) == pytest.approx(-math.log1p(found["high"]))
