"""A short arm of Table 1: the port to PyTorch follows the reference; arm.py trains a full one."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tests.ports.arm import two_curves


@pytest.mark.parametrize("sampling", ["points", "batches", "separate"])
def test_in_double_precision_a_short_arm_is_the_references(sampling: str) -> None:
    reference, port, theta_gap = two_curves(1000, 4, "float64", sampling)
    assert np.abs(port / reference - 1).max() < 1e-12
    assert theta_gap.max() < 1e-12
    assert reference[3] < 0.9 * reference[0]  # something has been learnt
    if sampling != "batches":  # of which an epoch of so few has none, as a rule
        assert abs(reference[-1] / reference[3] - 1) > 1e-3  # and the Lai epochs did something


def test_in_single_precision_a_short_arm_stays_close() -> None:
    reference, port, _ = two_curves(1000, 4, "float32")
    assert np.abs(port / reference - 1).max() < 1e-4
