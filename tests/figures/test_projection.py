from __future__ import annotations

import math

import numpy as np
import pytest

from lai_ref import projections


def test_the_loss_is_least_next_to_the_residual_where_the_legs_are_equal() -> None:
    k = np.linspace(-5, 5, 10001)
    lai = np.maximum(*projections(np.full_like(k, 2.0), k))
    assert lai.min() == pytest.approx(2 / math.sqrt(2), rel=1e-15)
    assert abs(k[lai.argmin()]) == pytest.approx(1)
