from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from figures.experiments.evaluation import NOISE_KINDS, Evaluator, mean_of, rmse_of
from lai_ref import MLP, Array, Dataset, numerical_gradient, prepare
from lai_ref.tables.experiment import SCALINGS

RNG = np.random.default_rng(3)
SPREAD, OFFSET = np.array([1.0, 50.0, 0.2]), np.array([0.0, -120.0, 4.0])
X, X_TEST = (RNG.standard_normal((n, 3)) * SPREAD + OFFSET for n in (105, 90))
DATA = Dataset(X, RNG.standard_normal(105), X_TEST, ("a", "b", "c"), "made up")
NET = MLP((3, 4, 1))
NOISES: list[list[Any]] = [[kind, level] for kind in NOISE_KINDS for level in (0.1, 0.4)]
SEED = 5


def raw_theta() -> Array:
    """A curved network of the raw inputs: its weights are as large as features are narrow."""
    theta = NET.init(np.random.default_rng(1)) + 0.1
    (W, b), *_ = NET.unflatten(theta)
    W /= SPREAD[:, None]
    b -= OFFSET @ W
    return theta


@cache
def evaluator_and_theta(scaling: str) -> tuple[Evaluator, Array]:
    """The network of `raw_theta` as one of scaled inputs, in double precision."""
    task = prepare(DATA, np.random.default_rng(0), scaling, np.float64)
    job = {"scaling": scaling, "seed": SEED, "noises": NOISES, "strides": [4, 8]}
    theta, b = raw_theta(), task.scale
    a = DATA.x_test[0] - b * task.x_test[0]
    # x W + c = ((x − a) / b) (b W) + c + a W
    (W, c), *_ = NET.unflatten(theta)
    c += a @ W
    W *= b[:, None]
    return Evaluator(NET, task, DATA.x_test, job), theta


@pytest.mark.parametrize("scaling", SCALINGS)
def test_nothing_that_is_measured_depends_on_the_scaling(scaling: str) -> None:
    evaluator, theta = evaluator_and_theta(scaling)
    other, other_theta = evaluator_and_theta("raw")
    measured, expected = evaluator.measure(theta), other.measure(other_theta)
    assert measured.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(measured[name], value, rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(
        evaluator.sensitivity(theta), other.sensitivity(other_theta), rtol=1e-9
    )


def test_k_is_taken_per_standard_deviation_of_the_training_rows() -> None:
    evaluator, theta = evaluator_and_theta("standard")
    training = np.random.default_rng(0).permutation(105)[21:]
    std = DATA.x[training].std(axis=0)
    rows = [
        numerical_gradient(lambda x: NET.predict(raw_theta(), x[None])[0], x) * std
        for x in DATA.x_test[::4]
    ]
    measured = evaluator.measure(theta)
    np.testing.assert_allclose(measured["mean_abs_k"], np.abs(rows).mean(axis=0), rtol=1e-6)
    norms = [np.sqrt((row * row).sum()) for row in rows]
    assert measured["mean_grad_norm"] == pytest.approx(np.mean(norms), rel=1e-6)


def test_the_variance_is_that_of_the_outputs_on_the_test_set() -> None:
    evaluator, theta = evaluator_and_theta("max-abs")
    y = NET.predict(raw_theta(), DATA.x_test)
    assert evaluator.measure(theta)["variance"] == pytest.approx(np.var(y), rel=1e-9)


def test_halves_are_the_two_halves_of_the_validation_set() -> None:
    evaluator, theta = evaluator_and_theta("min-max")
    validation = np.random.default_rng(0).permutation(105)[:21]
    error = NET.predict(raw_theta(), DATA.x[validation]) - DATA.t[validation]
    expected = [np.sqrt(np.mean(part**2)) for part in (error[:10], error[10:])]
    np.testing.assert_allclose(evaluator.measure(theta)["halves"], expected, rtol=1e-9)


@pytest.mark.parametrize("c", [1.0, 0.7, 0.0])
def test_the_rmse_of_moments_is_that_of_the_shrunk_outputs(c: float) -> None:
    evaluator, theta = evaluator_and_theta("robust")
    y, t = NET.predict(theta, evaluator.task.x_val), evaluator.task.t_val
    m = NET.predict(theta, evaluator.task.x_test).mean()
    error = m + c * (y - m) - t
    moments = evaluator.measure(theta)["moments"]
    for row, part in zip(moments, (error[:10], error[10:]), strict=True):
        assert rmse_of(row, c) == pytest.approx(np.sqrt(np.mean(part**2)), rel=1e-9)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_sensitivity_is_that_to_noise_in_the_raw_inputs(scaling: str) -> None:
    evaluator, theta = evaluator_and_theta(scaling)
    training = np.random.default_rng(0).permutation(105)[21:]
    std, extent = DATA.x[training].std(axis=0), DATA.x_test.max(axis=0) - DATA.x_test.min(axis=0)
    rows = DATA.x_test[::8]
    noise = np.random.default_rng(SEED).standard_normal(len(rows))
    measured = evaluator.sensitivity(theta)
    assert measured.shape == (len(NOISES), 3)
    for (kind, level), found in zip(NOISES, measured, strict=True):
        for j in range(3):
            changes = []
            for x, one in zip(rows, noise, strict=True):
                unit = {"std": std[j], "value": abs(x[j]), "range": extent[j]}[kind]
                noisy = x.copy()
                noisy[j] += level * unit * one
                y, y_noisy = NET.predict(raw_theta(), np.array([x, noisy]))
                changes.append(abs(y_noisy - y))
            assert found[j] == pytest.approx(np.mean(changes), rel=1e-8)


def test_records_are_averaged_entry_by_entry() -> None:
    records: list[dict[str, Any]] = [
        {"epoch": 1, "a": 1.0, "b": [1.0, 2.0], "c": [[0.0, 1.0]]},
        {"epoch": 3, "a": 4.0, "b": [3.0, 4.0], "c": [[2.0, 5.0]]},
    ]
    assert mean_of(records) == {"a": 2.5, "b": [2.0, 3.0], "c": [[1.0, 3.0]]}


def test_everything_measured_is_in_the_units_of_the_target() -> None:
    """A network of a third of the target, measured with the scale 3, is one of the target."""
    evaluator, theta = evaluator_and_theta("standard")
    task = evaluator.task
    third = evaluator._replace(task=task._replace(t_val=task.t_val / 3), target_scale=3.0)
    scaled = theta.copy()
    for part in NET.unflatten(scaled)[-1]:
        part /= 3
    found, expected = third.measure(scaled), evaluator.measure(theta)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(third.sensitivity(scaled), evaluator.sensitivity(theta), rtol=1e-9)
