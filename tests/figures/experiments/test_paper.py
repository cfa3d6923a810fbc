from __future__ import annotations

import math

import pytest

from figures.experiments.paper import (
    MSE,
    TABLE_1,
    TABLE_1_CHANGE,
    TABLE_2,
    TABLE_3,
    deviation_factor,
    n_decreased,
)


def test_a_factor_counts_the_same_up_and_down() -> None:
    assert deviation_factor([2.0, 0.5, 6.0], [1.0, 1.0, 3.0]) == pytest.approx(2)
    assert deviation_factor([1.0, 4.0], [1.0, 1.0]) == pytest.approx(math.exp(math.log(4) / 2**0.5))


def test_the_papers_tables_are_copied_right() -> None:
    """The changes that it prints follow from its rows, as far as their rounding goes."""
    printed = (
        (-0.16, -0.53, 0.52, -1.74, 1.78, -0.55, -0.71, -0.30, -0.07),
        (-4.17, 5.16, -8.75, -15.80, 12.99, -2.70, -32.96, -41.81, 2.40),
    )
    for table, row in zip((TABLE_2, TABLE_3), printed, strict=True):
        for lai, mse, change in zip(table.row, MSE, row, strict=True):
            rounding = 5e-5 * (1 / lai + 1 / mse)
            assert abs(lai / mse - 1 - change / 100) <= rounding * lai / mse + 5e-5


def test_the_rows_end_with_the_rmse_of_table_1() -> None:
    last = (MSE[8], TABLE_2.row[8])
    assert last == TABLE_1["rmse"][:2]


def test_changes_are_relative_to_mse() -> None:
    assert TABLE_1_CHANGE["variance"] == pytest.approx([0, -0.0058, -0.0199, -0.1454], abs=5e-5)
    assert TABLE_1_CHANGE["rmse"] == pytest.approx([0, -0.0007, 0.0053, 0.0359], abs=5e-5)


def test_a_ninth_column_is_no_feature() -> None:
    assert n_decreased([-1, 1, -1, 1, 0, 1, 1, 1, -1]) == 2
