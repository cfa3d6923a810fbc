from __future__ import annotations

import math

import numpy as np
import pytest

from figures.experiments import trap_plan as plan
from lai_ref import Array, Lai, lai_factor_derivative

CASES = [(noise, lam) for noise in (0.5, 2.0, 8.0) for lam in (10.0, 1.0, 0.1, 0.01)]


def lai_on_the_line(k: Array, noise: float, lam: float) -> Array:
    """The loss itself, of four points whose variances are those of uniform distributions."""
    x = np.array([-1.0, -1.0, 1.0, 1.0]) / math.sqrt(3)
    t = 3 * x + np.array([-noise, noise, -noise, noise]) / math.sqrt(3)
    return np.array([Lai(lam)(slope * x, t, np.full((4, 1), slope))[0] for slope in k])


@pytest.mark.parametrize(("noise", "lam"), CASES)
def test_the_barrier_is_the_highest_loss_between_the_kink_and_0(noise: float, lam: float) -> None:
    k = np.linspace(-math.sqrt(lam), 0, 401)
    top = int(lai_on_the_line(k, noise, lam).argmax())
    found = plan.barrier(noise, lam)
    assert (found is None) == (top == 0)
    if found is not None:
        assert found == pytest.approx(k[top], abs=1.01 * (k[1] - k[0]))


def test_there_is_a_barrier_with_a_large_lambda_or_much_noise() -> None:
    there = {case: plan.barrier(*case) is not None for case in CASES}
    assert [there[0.5, lam] for lam in (10, 1, 0.1, 0.01)] == [True, True, False, False]
    assert [there[8.0, lam] for lam in (10, 1, 0.1, 0.01)] == [True, True, True, True]


@pytest.mark.parametrize("lam", [0.5, 0.1, 0.01])
def test_the_pull_down_to_the_kink_is_stronger_by_1_over_lambda(lam: float) -> None:
    above, below = lai_factor_derivative(math.sqrt(lam) * np.array([1 + 1e-9, 1 - 1e-9]), lam)
    assert above / -below == pytest.approx(1 / lam, rel=1e-6)


def test_the_landscape_is_the_loss_of_the_line() -> None:
    landscape = plan.landscape()
    k = np.array(landscape["k"])
    assert [(c["noise"], c["lam"]) for c in landscape["curves"]] == [
        (0.5, 1.0),
        (0.5, 0.1),
        (8.0, 1.0),
        (8.0, 0.1),
    ]
    for curve in landscape["curves"]:
        loss = lai_on_the_line(k, curve["noise"], curve["lam"])
        at_zero = lai_on_the_line(np.zeros(1), curve["noise"], curve["lam"])
        np.testing.assert_allclose(curve["loss"], loss / at_zero, atol=1e-4)
        assert curve["barrier"] == plan.barrier(curve["noise"], curve["lam"])


def test_no_setting_is_planned_twice() -> None:
    for settings in plan.PLAN.values():
        assert len(set(settings)) == len(settings)


def test_pretraining_is_compared_at_equal_numbers_of_epochs() -> None:
    methods = plan.METHODS
    for method in (plan.LAI_TRAINING, plan.NO_PRETRAINING):
        assert methods[method]["pretrained"] + methods[method]["rounds"] == 2
        lams = {
            alpha: {lam for name, lam, a in plan.PLAN[plan.CURVE] if (name, a) == (method, alpha)}
            for alpha in (0.01, 0.1, 0.35, 1.0)
        }
        assert all({1.0, 0.1} <= of for of in lams.values())


def test_the_truth_behind_the_data_has_these_means() -> None:
    """|3 cos 2x| and 1.5 sin 2x over x in ±2, by their integrals."""
    line, curve = plan.truth_of("line"), plan.truth_of("curve")
    assert line["mean_abs_k"] == 3
    assert line["rmse_of_constant"] == pytest.approx(math.sqrt(3), rel=0.02)
    # ∫ |cos u| from 0 to 4 is 2 − sin 4; ∫ sin² u from 0 to 4 is 2 − sin 8 / 4
    assert curve["mean_abs_k"] == pytest.approx(3 * (2 - math.sin(4)) / 4, rel=0.01)
    mean_square = 1.5**2 * (2 - math.sin(8) / 4) / 4
    assert curve["rmse_of_constant"] == pytest.approx(math.sqrt(mean_square), rel=0.01)


def test_a_run_is_flat_below_a_fifth_of_the_true_slope() -> None:
    runs = {
        "wrong": [0.0, 1.0, 1.0, 0.25],
        "mean_abs_k": [0.1, 0.59, 0.61, 0.1],
        "rmse_to_truth": [1.0, 2.0, 3.0, 6.0],
    }
    row = plan.row_of(plan.MUCH, ("Lai alone", 1.0, 1.0), runs)
    assert (row["runs"], row["trapped"], row["flat"]) == (4, 2, 1)
    assert row["mean_abs_k"] == pytest.approx(0.35)
    assert row["rmse_to_truth"] == 3
