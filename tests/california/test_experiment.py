from __future__ import annotations

import numpy as np
import pytest

from lai_ref import Dataset, prepare

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


@pytest.mark.parametrize("scaling", ["standard", "raw"])
def test_the_deviation_is_that_of_the_training_rows_before_scaling(scaling: str) -> None:
    raw = prepare(DATA, np.random.default_rng(1), "raw", np.float64)
    task = prepare(DATA, np.random.default_rng(1), scaling)
    np.testing.assert_allclose(task.std, raw.x.std(axis=0), rtol=1e-13)


@pytest.mark.parametrize("scaling", ["standard", "raw"])
def test_targets_keep_their_units(scaling: str) -> None:
    task = prepare(DATA, np.random.default_rng(1), scaling, np.float64)
    assert set(np.concatenate([task.t, task.t_val])) == set(DATA.t)


def test_dtype_is_the_one_asked_for() -> None:
    for dtype in (np.float32, np.float64):
        *parts, std = prepare(DATA, rng, dtype=dtype)
        assert {part.dtype for part in parts} == {np.dtype(dtype)}
        assert std.dtype == np.float64


def test_data_are_not_changed() -> None:
    before = X.copy()
    prepare(DATA, rng)
    assert np.array_equal(DATA.x, before)


def test_an_unknown_scaling_is_refused() -> None:
    with pytest.raises(ValueError, match="scaling: expected one of 'standard', 'raw', got 'log'"):
        prepare(DATA, rng, "log")
