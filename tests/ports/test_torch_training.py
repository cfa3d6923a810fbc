"""A short run of Table 1: the port to PyTorch agrees with `lai_ref` (in full: table_1_run.py)."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tests.ports.table_1_run import two_curves


@pytest.mark.parametrize("sampling", ["points", "batches", "separate"])
def test_in_double_precision_a_short_run_is_that_of_the_reference(sampling: str) -> None:
    reference, port, theta_gap = two_curves(1000, 4, "float64", sampling)
    assert np.abs(port / reference - 1).max() < 1e-12
    assert theta_gap.max() < 1e-12
    assert reference[3] < 0.9 * reference[0]  # pretraining lowers the RMSE
    if sampling != "batches":  # with so few batches, most epochs have no Lai batch
        assert abs(reference[-1] / reference[3] - 1) > 1e-3  # the Lai epochs change the RMSE


def test_in_single_precision_a_short_run_is_close_to_the_reference() -> None:
    reference, port, _ = two_curves(1000, 4, "float32")
    assert np.abs(port / reference - 1).max() < 1e-4
