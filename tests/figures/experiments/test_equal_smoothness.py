from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.experiments.equal_smoothness import (
    MARGIN,
    Frontier,
    best_of,
    endpoint,
    excess,
    frontier_of,
    mean_log_ratio,
    pareto,
    points_of,
    verdict,
)

Numbers = dict[str, Any]
SEEDS = 3
SMOOTHNESS = (0.2, 0.4, 0.7, 1.0)


def curve(s: float, seed: int) -> float:
    """A made-up RMSE: the smoother, the larger."""
    return (1 + 0.1 * seed) * float(s**-0.3)


def method(name: str, factor: float = 1.0, smoothness: tuple[float, ...] = SMOOTHNESS) -> Any:
    """Points of a method whose RMSE is `factor` times the curve, on both halves."""
    return [
        {
            "method": name,
            "value": s,
            "rmse": [factor * curve(s, seed) for seed in range(SEEDS)],
            "rmse_choosing": [factor * curve(s, seed) for seed in range(SEEDS)],
            "k": [s * (1 + 0.01 * seed) for seed in range(SEEDS)],
        }
        for s in smoothness
    ]


CONTROL = method("MSE", smoothness=(1.0,))
BASELINE = method("theirs")


# The Pareto frontier


def test_runs_that_another_beats_in_both_are_left_out() -> None:
    measure, rmse = [1.0, 0.5, 0.75, 0.9, 0.5], [1.0, 2.0, 3.0, 1.7, 2.5]
    assert pareto(measure, rmse).tolist() == [1, 3, 0]


runs = st.lists(st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)), min_size=1, max_size=6)


@given(runs=runs)
def test_every_run_is_chosen_or_beaten_by_a_chosen_one(runs: list[tuple[float, float]]) -> None:
    chosen = pareto(*zip(*runs, strict=True)).tolist()
    for x, rmse in runs:
        assert any(runs[i][0] <= x and runs[i][1] <= rmse for i in chosen)
    for i in chosen:
        assert not any(
            x <= runs[i][0] and rmse <= runs[i][1] and (x, rmse) != runs[i] for x, rmse in runs
        )


def test_one_half_chooses_and_the_other_scores() -> None:
    points = method("a", smoothness=(0.2, 0.5, 1.0))
    # the scoring half would leave the second out, the choosing half keeps it, and the reverse
    points[1]["rmse"][0], points[1]["rmse_choosing"][0] = 99.0, curve(0.5, 0)
    points[1]["rmse"][1], points[1]["rmse_choosing"][1] = curve(0.5, 1), 99.0
    kept, left_out = (frontier_of(points, "k", seed) for seed in (0, 1))
    assert np.exp(kept.y) == pytest.approx([curve(0.2, 0), 99.0, curve(1.0, 0)])
    assert np.exp(left_out.y) == pytest.approx([curve(0.2, 1), curve(1.0, 1)])


def test_a_frontier_is_constant_above_its_best_run() -> None:
    points = method("a")
    points[-1]["rmse_choosing"][0] = 9.0  # the least smooth run is beaten
    frontier = frontier_of(points, "k", 0)
    assert np.exp(frontier.at(np.log([0.7, 0.9, 1.0]))) == pytest.approx([curve(0.7, 0)] * 3)
    assert math.exp(frontier.high) == pytest.approx(1.0)  # but what it covers is what ran


# The endpoint


def test_two_per_cent_more_everywhere_is_an_endpoint_of_two_per_cent() -> None:
    found = endpoint([*CONTROL, *method("mine", 1.02), *BASELINE], "mine", "theirs", "k")
    assert found["by_seed"] == pytest.approx([0.02] * SEEDS, abs=1e-14)
    for name in ("mean", "low", "high"):
        assert found[name] == pytest.approx(0.02, abs=1e-14)
    assert (found["baseline"], found["measure"]) == ("theirs", "k")
    assert found["margin"] == MARGIN == 0.01 and found["verdict"] == "worse"
    for seed, ends in enumerate(found["common_range"]):
        # of the method, in multiples of MSE's, which has the same unit per seed
        assert ends == pytest.approx([0.2, 1.0]), seed


def test_other_parameters_on_the_same_curve_are_level() -> None:
    # in logarithms the curve is a line, on which the interpolation is exact
    mine = method("mine", smoothness=(0.3, 0.5, 0.9))
    found = endpoint([*CONTROL, *mine, *BASELINE], "mine", "theirs", "k")
    assert found["mean"] == pytest.approx(0, abs=1e-14) and found["verdict"] == "equivalent"
    assert found["common_range"][0] == pytest.approx([0.3, 0.9])


def test_the_mean_is_over_the_logarithm_of_the_measure() -> None:
    mine = method("mine", smoothness=(0.25, 1.0))
    for seed in range(SEEDS):  # ln ratio from 0.3 to 0.1, linear in ln k: a mean of 0.2
        mine[0]["rmse"][seed] *= math.exp(0.3)
        mine[1]["rmse"][seed] *= math.exp(0.1)
    found = endpoint([*CONTROL, *mine, *BASELINE], "mine", "theirs", "k")
    assert found["by_seed"] == pytest.approx([math.expm1(0.2)] * SEEDS)


def test_the_mean_is_paired_by_seed() -> None:
    mine = method("mine")
    for point in mine:
        point["rmse"] = [rmse * (1 + 0.01 * seed) for seed, rmse in enumerate(point["rmse"])]
    found = endpoint([*CONTROL, *mine, *BASELINE], "mine", "theirs", "k")
    assert found["by_seed"] == pytest.approx([0.0, 0.01, 0.02])
    d = np.log1p([0.0, 0.01, 0.02])
    half = 4.302653 * d.std(ddof=1) / math.sqrt(3)  # Student's t, 2 degrees of freedom
    assert found["mean"] == pytest.approx(math.expm1(d.mean()))
    assert found["low"] == pytest.approx(math.expm1(d.mean() - half), rel=1e-5)
    assert found["high"] == pytest.approx(math.expm1(d.mean() + half), rel=1e-5)
    assert found["verdict"] == "undecided"


def test_a_seed_without_a_common_range_has_no_number() -> None:
    mine = method("mine", 1.02)
    for point in mine:
        point["k"][1] *= 0.01  # all smoother than the smoothest of the baseline
    found = endpoint([*CONTROL, *mine, *BASELINE], "mine", "theirs", "k")
    assert found["by_seed"][1] is None and found["common_range"][1] is None
    assert found["mean"] == pytest.approx(0.02)
    none = endpoint(
        [*CONTROL, *method("mine", 1.02, (0.01, 0.02)), *BASELINE], "mine", "theirs", "k"
    )
    assert none["by_seed"] == [None] * SEEDS and none["mean"] is None
    assert none["verdict"] == "undecided"


def test_a_common_range_is_that_of_both() -> None:
    line = Frontier(np.array([0.0, 2.0]), np.array([1.0, 0.0]), 0.0, 2.0)
    other = Frontier(np.array([1.0, 3.0]), np.array([0.0, 0.0]), 1.0, 3.0)
    assert mean_log_ratio(line, other) == pytest.approx((0.25, 1.0, 2.0))
    assert mean_log_ratio(line, other._replace(low=2.0)) is None


# The verdict of an interval


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.001, 0.03, "worse"),
        (0.02, 0.03, "worse"),
        (-0.03, -0.001, "better"),
        (-0.009, 0.009, "equivalent"),
        (0.001, 0.009, "equivalent"),
        (-0.009, -0.001, "equivalent"),
        (-0.02, 0.009, "undecided"),
        (-0.009, 0.02, "undecided"),
        (-0.02, 0.02, "undecided"),
        (None, None, "undecided"),
    ],
)
def test_the_verdict_follows_from_the_interval(
    low: float | None, high: float | None, expected: str
) -> None:
    assert verdict({"mean": 0.0, "low": low, "high": high}) == expected


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.02, "worse"), (0.98, "better"), (1.005, "equivalent")]
)
def test_the_verdict_changes_with_the_numbers(factor: float, expected: str) -> None:
    points = [*CONTROL, *method("mine", factor), *BASELINE]
    assert endpoint(points, "mine", "theirs", "k")["verdict"] == expected


# One run beside the baseline, and the best of a method


def test_the_excess_of_a_run_is_at_its_own_smoothness() -> None:
    (mine,) = method("mine", 1.03, (0.5,))
    found = excess([*CONTROL, mine, *BASELINE], mine, "theirs", "k")
    assert found["by_seed"] == pytest.approx([0.03] * SEEDS)
    assert found["reached"] == SEEDS and found["value"] == 0.5


def test_a_run_that_no_baseline_reaches_is_counted_and_not_dropped() -> None:
    (mine,) = method("mine", 1.03, (0.3,))
    mine["k"][0] = 0.1
    found = excess([*CONTROL, mine, *BASELINE], mine, "theirs", "k")
    assert found["by_seed"][0] is None and found["reached"] == SEEDS - 1
    assert found["mean"] == pytest.approx(0.03)
    mine["k"] = [0.1] * SEEDS
    found = excess([*CONTROL, mine, *BASELINE], mine, "theirs", "k")
    assert found["reached"] == 0 and found["mean"] is found["low"] is None


def test_the_best_parameter_is_chosen_and_scored_on_different_halves() -> None:
    points = method("a", smoothness=(0.5, 1.0))
    first, second = points
    first["rmse_choosing"], second["rmse_choosing"] = [1.0, 2.0, 1.0], [2.0, 1.0, 2.0]
    first["rmse"], second["rmse"] = [3.0, 0.1, 3.0], [0.1, 3.0, 0.1]  # the other way round
    found = best_of([{**CONTROL[0], "rmse": [2.0] * 3}, *points], "a")
    assert found["values"] == [0.5, 1.0, 0.5]
    assert found["rmse_change"]["mean"] == pytest.approx(0.5)


def test_points_without_a_measure_are_left_out() -> None:
    points = [{"method": "a", "rmse": [1.0], "k": [1.0]}, {"method": "a", "rmse": [2.0]}]
    assert points_of(points, "a", "k") == points[:1] and points_of(points, "a") == points
    assert points_of(points, "b") == []
