from __future__ import annotations

import cmath
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures import chebyshev
from figures.experiments.settings import Settings
from lai_ref import projections
from tests.figures.results import committed

QUICK = chebyshev.compute(Settings(Path("unused"), quick=True))


@given(st.floats(-1e3, 1e3), st.floats(-1e6, 1e6))
def test_the_turned_coordinates_are_a_rotation_by_minus_phi(e: float, k: float) -> None:
    turned = complex(0, -e) * cmath.exp(-1j * math.atan(k))
    u, v = chebyshev.turn(np.array([e]), np.array([k]))[:, 0]
    assert (u, v) == pytest.approx((turned.real, turned.imag), rel=1e-14, abs=1e-12)
    (a,), (b,) = projections([e], [k])
    assert (abs(u), abs(v)) == pytest.approx((a, b), rel=1e-9, abs=1e-300)
    assert max(abs(u), abs(v)) == pytest.approx(max(a, b), rel=1e-15)


@pytest.mark.parametrize("line", QUICK["lines"])
def test_the_observation_lies_on_the_largest_square(line: dict[str, Any]) -> None:
    u, v = line["coordinates"]
    assert max(abs(u), abs(v)) == pytest.approx(line["lai"], rel=1e-15)
    phi = math.radians(line["phi"])
    # back from the frame to the plane
    back = (u * math.cos(phi) - v * math.sin(phi), u * math.sin(phi) + v * math.cos(phi))
    assert np.add(line["prediction"], back) == pytest.approx(line["observation"], abs=1e-15)


def test_one_coordinate_of_the_negative_slope_is_negative() -> None:
    (flat, steep) = QUICK["lines"]
    assert flat["k"] > 0 and min(flat["coordinates"]) > 0
    assert steep["k"] < 0 and steep["coordinates"] == pytest.approx([-steep["a"], steep["b"]])


def test_both_approaches_agree_to_rounding_over_many_residuals() -> None:
    assert QUICK["compared"] == 1000
    assert 0 < QUICK["largest_difference"] < 1e-15


def test_a_difference_of_the_approaches_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = chebyshev.turn
    monkeypatch.setattr(chebyshev, "turn", lambda e, k: turn(e, k * (1 + 1e-6)))
    numbers = chebyshev.compute(Settings(Path("unused"), quick=True))
    assert 1e-8 < numbers["largest_difference"] < 1e-5


def test_committed_comparison_is_over_many_residuals() -> None:
    numbers = committed("chebyshev")
    assert numbers["compared"] == 1_000_000 and numbers["largest_difference"] < 1e-15
