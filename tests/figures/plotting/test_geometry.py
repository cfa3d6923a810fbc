from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import chebyshev, projection, tangent
from figures.experiments.settings import Settings
from lai_ref import Lai

SETTINGS = Settings(Path("unused"), quick=True)
DRAWN: list[list[dict[str, Any]]] = [
    projection.compute(SETTINGS)["lines"],
    chebyshev.compute(SETTINGS)["lines"],
    tangent.compute(SETTINGS)["points"],
]
EVERY_SPLIT = pytest.mark.parametrize(
    "part", [part for parts in DRAWN for part in parts], ids=lambda part: f"k={part['k']:.3g}"
)


@EVERY_SPLIT
def test_the_foot_is_the_point_of_the_line_nearest_to_the_observation(part: dict[str, Any]) -> None:
    p, t, q = (np.array(part[name]) for name in ("prediction", "observation", "foot"))
    along = np.array([1, part["k"]])
    # least squares for the place s on the line p + s (1, k)
    s = np.linalg.lstsq(along[:, None], t - p, rcond=None)[0]
    assert q == pytest.approx(p + s * along, abs=1e-14)
    assert p[0] == t[0] and p[1] - t[1] == part["e"]


@EVERY_SPLIT
def test_a_and_b_are_the_legs_of_the_triangle(part: dict[str, Any]) -> None:
    p, t, q = (np.array(part[name]) for name in ("prediction", "observation", "foot"))
    assert math.dist(p, q) == pytest.approx(part["a"], rel=1e-14)
    assert math.dist(t, q) == pytest.approx(part["b"], rel=1e-14)
    assert part["a"] ** 2 + part["b"] ** 2 == pytest.approx(part["e"] ** 2, rel=1e-14)
    assert math.tan(math.radians(part["phi"])) == pytest.approx(part["k"], rel=1e-14)


@EVERY_SPLIT
def test_the_highlighted_length_is_the_loss(part: dict[str, Any]) -> None:
    value, _, _ = Lai(lam=1.0, order=1)([part["e"]], [0.0], [[part["k"]]])
    assert part["lai"] == pytest.approx(float(value), rel=1e-15)
    assert part["lai"] == max(part["a"], part["b"])


@pytest.mark.parametrize("parts", DRAWN)
def test_there_is_a_flat_and_a_steep_slope(parts: list[dict[str, Any]]) -> None:
    flat, steep = sorted(parts, key=lambda part: abs(part["k"]))
    assert abs(flat["k"]) < 1 < abs(steep["k"])
    assert flat["lai"] == flat["b"] > flat["a"] and steep["lai"] == steep["a"] > steep["b"]
