from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from lai_ref import Array, Dataset, prepare
from lai_ref.tables.experiment import SCALINGS

rng = np.random.default_rng(0)
X = rng.standard_normal((50, 3)) * [1.0, 10.0, 0.1] + [0.0, 5.0, -3.0]
DATA = Dataset(X, X.sum(axis=1), X[:7] + 1, ("a", "b", "c"), "made up")


def test_every_row_is_trained_or_validated_with_its_own_target() -> None:
    task = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    assert (len(task.x), len(task.x_val)) == (40, 10)
    rows = np.concatenate([task.x, task.x_val])
    assert np.array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))
    np.testing.assert_array_equal(np.concatenate([task.t, task.t_val]), rows.sum(axis=1))


def test_the_split_follows_the_seed() -> None:
    first, again, other = (prepare(DATA, np.random.default_rng(seed)).x_val for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_standard_inputs_have_mean_0_and_deviation_1_over_the_training_rows() -> None:
    task = prepare(DATA, np.random.default_rng(1), "standard", np.float64)
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    np.testing.assert_allclose(task.x.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(task.x.std(axis=0), 1, rtol=1e-13)
    mean, std = raw.x.mean(axis=0), raw.x.std(axis=0)
    np.testing.assert_allclose(task.x_val, (raw.x_val - mean) / std, rtol=1e-12)
    np.testing.assert_allclose(task.x_test, (DATA.x_test - mean) / std, rtol=1e-12)


def sorted_columns(x: Array) -> list[list[float]]:
    return [sorted(column) for column in x.T.tolist()]


def quantile(column: list[float], p: float) -> float:
    """Linear between the sorted values, the first at 0 and the last at 1."""
    place = p * (len(column) - 1)
    i = int(place)
    return column[i] + (place - i) * (column[min(i + 1, len(column) - 1)] - column[i])


@pytest.mark.parametrize(
    "scaling, centre, scale",
    [
        ("min-max", lambda c: c[0], lambda c: c[-1] - c[0]),
        ("max-abs", lambda c: 0.0, lambda c: max(-c[0], c[-1])),
        ("robust", lambda c: quantile(c, 0.5), lambda c: quantile(c, 0.75) - quantile(c, 0.25)),
        ("raw", lambda c: 0.0, lambda c: 1.0),
    ],
)
def test_other_scalings_subtract_and_divide_by_numbers_of_the_training_rows(
    scaling: str, centre: Any, scale: Any
) -> None:
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    a, b = ([of(column) for column in sorted_columns(raw.x)] for of in (centre, scale))
    task = prepare(DATA, np.random.default_rng(1), scaling, np.float64)
    np.testing.assert_allclose(task.scale, b, rtol=1e-13)
    for ours, before in ((task.x, raw.x), (task.x_val, raw.x_val), (task.x_test, DATA.x_test)):
        np.testing.assert_allclose(ours, (before - np.array(a)) / b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e300])  # the mean of 40 times 0.1 is not 0.1
@pytest.mark.parametrize("scaling", ["standard", "min-max", "robust"])
def test_a_constant_feature_is_rejected_by_name(scaling: str, value: float) -> None:
    flat = DATA._replace(x=np.where([False, True, False], value, X))
    words = rf"^scaling: .* of the feature b, got {re.escape(f'{value:g}')} in all 40 training"
    with pytest.raises(ValueError, match=words):
        prepare(flat, np.random.default_rng(1), scaling)


@pytest.mark.parametrize("scaling", ["standard", "min-max", "robust", "max-abs"])
def test_a_feature_that_is_constant_in_the_training_rows_alone_is_rejected(scaling: str) -> None:
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    is_training = np.isin(X[:, 2], raw.x[:, 2])
    x = X.copy()
    x[is_training, 2] = 0.0
    words = r"feature c, got 0 in all 40 training rows; leave the feature out$"
    with pytest.raises(ValueError, match=words):
        prepare(DATA._replace(x=x), np.random.default_rng(1), scaling)


def test_a_constant_feature_that_is_not_divided_by_0_is_left() -> None:
    flat = DATA._replace(x=np.where([False, True, False], -5.0, X))
    assert set(prepare(flat, np.random.default_rng(1), "raw").x[:, 1]) == {-5.0}
    assert set(prepare(flat, np.random.default_rng(1), "max-abs").x[:, 1]) == {-1.0}


def test_a_feature_whose_quartiles_are_equal_is_rejected_where_their_distance_divides() -> None:
    rare = X.copy()
    rare[5:, 0] = 3.0
    data = DATA._replace(x=rare)
    words = "a finite interquartile range above 0 of the feature a, got 0; use another"
    with pytest.raises(ValueError, match=words):
        prepare(data, np.random.default_rng(1), "robust")
    assert np.isfinite(prepare(data, np.random.default_rng(1), "standard").x).all()


def test_a_spread_beyond_doubles_is_rejected() -> None:
    data = DATA._replace(x=X * [1.0, 1.0, 1e300])
    words = "a finite standard deviation above 0 of the feature c, got inf; use another"
    with pytest.raises(ValueError, match=words):
        prepare(data, np.random.default_rng(1), "standard")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": X[0]}, r"data\.x: expected shape \(N, D\)"),
        ({"x": X + np.inf}, r"data\.x: expected finite numbers"),
        ({"t": X[:3, 0]}, r"data\.t: expected shape \(50,\), got \(3,\)"),
        ({"x_test": X[:, :2]}, r"data\.x_test: expected shape \(50, 3\), got \(50, 2\)"),
    ],
)
def test_data_that_do_not_fit_are_rejected(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        prepare(DATA._replace(**change), np.random.default_rng(1))


def test_there_may_be_no_test_rows() -> None:
    task = prepare(DATA._replace(x_test=X[:0]), np.random.default_rng(1))
    assert task.x_test.shape == (0, 3)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_deviation_is_that_of_the_training_rows_before_scaling(scaling: str) -> None:
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    task = prepare(DATA, np.random.default_rng(1), scaling)
    np.testing.assert_allclose(task.std, raw.x.std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_targets_keep_their_units(scaling: str) -> None:
    task = prepare(DATA, np.random.default_rng(1), scaling, np.float64)
    assert set(np.concatenate([task.t, task.t_val])) == set(DATA.t)


def test_dtype_is_the_one_asked_for() -> None:
    for dtype in (np.float32, np.float64):
        *parts, std, scale, centre = prepare(DATA, rng, dtype=dtype)
        assert {part.dtype for part in parts} == {np.dtype(dtype)}
        assert std.dtype == scale.dtype == centre.dtype == np.float64


@pytest.mark.parametrize("scaling", SCALINGS)
def test_centre_and_scale_are_those_of_the_inputs(scaling: str) -> None:
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    task = prepare(DATA, np.random.default_rng(1), scaling, np.float64)
    np.testing.assert_allclose(task.centre + task.x * task.scale, raw.x, rtol=1e-12, atol=1e-12)


def test_data_are_not_changed() -> None:
    before = X.copy()
    prepare(DATA, rng)
    assert np.array_equal(DATA.x, before)


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scaling: expected one of 'standard', .*, got 'log'"):
        prepare(DATA, rng, "log")
