from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import tangent
from figures.experiments.settings import Settings
from lai_ref import numerical_gradient

QUICK = tangent.compute(Settings(Path("unused"), quick=True))


def by_hand(x: float) -> float:
    return 1.4 * math.tanh(1.5 * (x + 2.2)) + 1.2 * math.tanh(0.4 * (x - 1)) + 0.1


def test_the_curve_is_the_networks_output() -> None:
    curve = QUICK["curve"]
    assert curve["y"] == pytest.approx([by_hand(x) for x in curve["x"]], rel=1e-13)


@pytest.mark.parametrize("point", QUICK["points"])
def test_the_slope_is_the_curves_derivative(point: dict[str, Any]) -> None:
    x, y = point["prediction"]
    assert y == pytest.approx(by_hand(x), rel=1e-14)
    slope = numerical_gradient(lambda x: by_hand(float(x[0])), np.array([x]), method="central")
    assert point["k"] == pytest.approx(slope[0], rel=1e-7)


def test_the_loss_of_the_curve_is_the_mean_of_the_highlighted_lengths() -> None:
    lengths = [point["lai"] for point in QUICK["points"]]
    assert QUICK["lai_mae"] == pytest.approx(sum(lengths) / 2, rel=1e-15)
