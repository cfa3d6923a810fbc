from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from figures import trap
from figures.experiments import trap_plan as plan
from figures.experiments.intervals import wilson
from tests.figures import results
from tests.figures.test_trap import check_curve_runs, check_rows, fractions


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("trap")


@pytest.fixture(scope="module")
def caption() -> str:
    return results.caption_of(trap)


def the_row(numbers: dict[str, Any], method: str, lam: float | None, alpha: float) -> Any:
    """The row of the curve."""
    (row,) = [
        row
        for row in numbers["rows"]
        if (row["task"], row["method"], row["lam"], row["alpha"]) == ("curve", method, lam, alpha)
    ]
    return row


def test_committed_rows_count_a_hundred_runs(committed: dict[str, Any]) -> None:
    check_rows(committed, 100)
    check_curve_runs(committed)


def test_committed_lai_alone_is_trapped_where_there_is_a_barrier(committed: dict[str, Any]) -> None:
    for setting in (plan.LITTLE, plan.MUCH, plan.CURVE):
        for lam, fraction in fractions(committed, setting, "Lai alone", 1).items():
            if (*setting, lam) == ("line", 0.5, 0.1):
                assert fraction < 0.05
            else:
                assert 0.3 < fraction < 0.8


def test_committed_lines_are_trapped_as_often_as_they_start_left_of_the_barrier(
    committed: dict[str, Any], caption: str
) -> None:
    rows = [row for row in committed["rows"] if row["expected"]]
    assert [(row["noise"], row["lam"]) for row in rows] == [(0.5, 1), (8, 1), (8, 0.1)]
    for row in rows:
        low, high = row["interval"]
        assert low < row["expected"] < high
        assert (low, high) == pytest.approx(wilson(row["trapped"], row["runs"]))
        # Φ by the error function, K from the covariance of uniform x and noise
        covariance = np.array([[1.0, 3.0], [3.0, 9 + row["noise"] ** 2]]) / 3
        dx, dt = np.linalg.eigh(covariance)[1][:, 1]
        assert row["expected"] == pytest.approx((1 - math.erf(dx / dt / math.sqrt(2))) / 2)
    counts, expected = (
        "{}, {} and {}".format(*values)
        for values in (
            [row["trapped"] for row in rows],
            [f"{100 * row['expected']:.1f}" for row in rows],
        )
    )
    assert f"Trapped are {counts} of 100 runs where {expected} are expected" in caption


def test_committed_runs_with_a_small_lambda_are_flat_and_not_trapped(
    committed: dict[str, Any], caption: str
) -> None:
    rows = {lam: the_row(committed, "Lai alone", lam, 1) for lam in plan.LAMS}
    for lam in (0.1, 0.01):
        assert rows[lam]["flat"] == rows[lam]["trapped"]
    assert (rows[1]["flat"], rows[1]["trapped"]) == (0, 53)
    assert f"all {rows[0.01]['trapped']} runs with a wrong sign for λ = 0.01" in caption
    assert f"and all {rows[0.1]['trapped']} for λ = 0.1 are flat" in caption
    by_lam = {r["lam"]: r for r in committed["curve_runs"] if r["method"] == "Lai alone"}
    means = {}
    for lam, runs in by_lam.items():
        trapped = np.array(runs["wrong"]) > 0.25
        for measure in ("mean_abs_k", "rmse_to_truth"):
            values = np.array(runs[measure])
            means[lam, measure] = values[trapped].mean(), values[~trapped].mean()
    assert {f"{k:.2f}" for k in means[0.01, "mean_abs_k"]} == {"0.04"}
    constant = committed["truths"]["curve"]["rmse_of_constant"]
    assert f"{means[0.01, 'rmse_to_truth'][0]:.2f}" == f"{constant:.2f}" == "1.00"
    assert "it is 0.04, on the right side as on the wrong one" in caption
    assert "is 1.00, that of a constant" in caption
    wrong, right = means[1.0, "rmse_to_truth"]
    assert wrong > constant > right
    assert f"their RMSE is {wrong:.2f}, that of the other runs {right:.2f}" in caption
    training = the_row(committed, "Lai Training", 0.01, 0.01)
    assert f"the {training['trapped']} by Lai Training" in caption
    assert f"half, {training['flat']}, are flat" in caption


def test_committed_lai_training_is_not_trapped_but_for_the_smallest_lambda(
    committed: dict[str, Any],
) -> None:
    for setting in (plan.MUCH, plan.CURVE):
        assert fractions(committed, setting, "MSE", 0) == {None: 0}
        for method in ("Lai for 1%", plan.NO_PRETRAINING, "Lai Training"):
            for lam, fraction in fractions(committed, setting, method, 0.01).items():
                assert fraction == 0 if lam > 0.01 else 0.15 < fraction < 0.25


def test_committed_pretraining_alone_protects_for_lambda_1_only(committed: dict[str, Any]) -> None:
    for setting in (plan.MUCH, plan.CURVE):
        found = fractions(committed, setting, "MSE, then Lai", 1)
        assert found.pop(1.0) == 0
        assert min(found.values()) > 0.5
    assert fractions(committed, plan.MUCH, "MSE, then Lai, lr/3", 1) == {0.1: 0}


def test_committed_pretraining_matters_for_alpha_1_and_lambda_1_only(
    committed: dict[str, Any], caption: str
) -> None:
    without, with_it = (
        {
            (lam, alpha): the_row(committed, method, lam, alpha)
            for lam in (1.0, 0.1)
            for alpha in plan.ALPHAS
        }
        for method in (plan.NO_PRETRAINING, plan.LAI_TRAINING)
    )
    helps = [s for s in without if without[s]["interval"][0] > with_it[s]["interval"][1]]
    assert helps == [(1.0, 1.0)]
    for alpha in plan.ALPHAS[:-1]:
        for row in (without[1.0, alpha], with_it[1.0, alpha]):
            assert row["trapped"] == 0
            assert f"{row['interval'][1]:.1%}" == "3.7%"
    a, b = without[1.0, 1.0]["trapped"], with_it[1.0, 1.0]["trapped"]
    assert f"{a} of 100 runs are trapped without it and {b} with it where α = 1" in caption
    a, b, c, d = (s[0.1, alpha]["trapped"] for alpha in (0.35, 1.0) for s in (without, with_it))
    assert f"{a} without and {b} with it for α = 0.35, {c} and {d} for α = 1" in caption


def test_committed_pretraining_and_lai_for_all_is_lai_training_with_alpha_1(
    committed: dict[str, Any],
) -> None:
    for lam in (1.0, 0.1):
        rows = [the_row(committed, name, lam, 1) for name in ("MSE, then Lai", "Lai Training")]
        assert {**rows[0], "method": ""} == {**rows[1], "method": ""}


def test_committed_intercepts_are_late_for_a_small_lambda_but_found(
    committed: dict[str, Any], caption: str
) -> None:
    worst = {(r["lam"], r["lr"], r["steps"]): max(r["errors"]) for r in committed["intercept"]}
    assert all(len(r["errors"]) == 6 for r in committed["intercept"])
    for lr in (0.05, 0.01):
        assert worst[0.01, lr, 600] > 4 * worst[1, lr, 600]
        assert worst[0.01, lr, 3000] < worst[0.01, lr, 600] / 10
    early, late = (
        [f"{worst[lam, lr, steps]:.2f}" for lr in (0.01, 0.05) for lam in (0.01, 1)]
        for steps in (600, 3000)
    )
    assert f"600 steps is up to {early[0]} for λ = 0.01 and {early[1]} for λ = 1" in caption
    assert f"after 3000 steps {late[0]} and {late[1]}." in caption
    assert f"At 0.05 it is {early[2]} and {early[3]} after 600 steps" in caption
    assert f"{late[2]} and {late[3]} after 3000" in caption
