"""The figures of the geometry and of the factor: their numbers by other routes, and drawable."""

from __future__ import annotations

import cmath
import json
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures import chebyshev, factor, projection, tangent
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from lai_ref import Adam, Lai, lai_factor, numerical_gradient, projections
from tests.figures.results import committed
from tests.independent.decimal_lai import exact_factor, exact_slope

MODULES: dict[str, ModuleType] = {
    "projection": projection,
    "chebyshev": chebyshev,
    "tangent": tangent,
    "factor": factor,
}
FIGURES = pytest.mark.parametrize("name", MODULES)
QUICK: dict[str, dict[str, Any]] = {
    name: module.compute(Settings(Path("unused"), quick=True)) for name, module in MODULES.items()
}
SPLITS = [*QUICK["projection"]["lines"], *QUICK["chebyshev"]["lines"], *QUICK["tangent"]["points"]]
EVERY_SPLIT = pytest.mark.parametrize("part", SPLITS, ids=lambda part: f"k={part['k']:.3g}")


# All four


@FIGURES
def test_numbers_are_json_and_say_what_made_them(name: str) -> None:
    numbers = QUICK[name]
    assert json.loads(json.dumps(numbers)) == numbers
    assert numbers["command"] == f"python -m figures {name} --quick"
    drawn = "residuals and slopes drawn at random"
    formulas = "computed from the formulas; no data"
    assert numbers["source"] == (drawn if name == "chebyshev" else formulas)
    assert numbers["seeds"] == ([0] if name == "chebyshev" else [])


@FIGURES
def test_pictures_are_whole(name: str) -> None:
    with style():
        figure = MODULES[name].plot(json.loads(json.dumps(QUICK[name])))
        figure.draw_without_rendering()  # lays it out; a glyph that is missing warns
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height


# The geometry


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


@pytest.mark.parametrize(
    "parts", [QUICK["projection"]["lines"], QUICK["chebyshev"]["lines"], QUICK["tangent"]["points"]]
)
def test_there_is_a_flat_and_a_steep_slope(parts: list[dict[str, Any]]) -> None:
    flat, steep = sorted(parts, key=lambda part: abs(part["k"]))
    assert abs(flat["k"]) < 1 < abs(steep["k"])
    assert flat["lai"] == flat["b"] > flat["a"] and steep["lai"] == steep["a"] > steep["b"]


def test_the_loss_is_least_next_to_the_residual_where_the_legs_are_equal() -> None:
    k = np.linspace(-5, 5, 10001)
    lai = np.maximum(*projections(np.full_like(k, 2.0), k))
    assert lai.min() == pytest.approx(2 / math.sqrt(2), rel=1e-15)
    assert abs(k[lai.argmin()]) == pytest.approx(1)


# The turned frame


@given(st.floats(-1e3, 1e3), st.floats(-1e6, 1e6))
def test_the_turned_coordinates_are_a_rotation_by_minus_phi(e: float, k: float) -> None:
    turned = complex(0, -e) * cmath.exp(-1j * math.atan(k))
    u, v = chebyshev.turn(np.array([e]), np.array([k]))[:, 0]
    assert (u, v) == pytest.approx((turned.real, turned.imag), rel=1e-14, abs=1e-12)
    (a,), (b,) = projections([e], [k])
    assert (abs(u), abs(v)) == pytest.approx((a, b), rel=1e-9, abs=1e-300)
    assert max(abs(u), abs(v)) == pytest.approx(max(a, b), rel=1e-15)


@pytest.mark.parametrize("line", QUICK["chebyshev"]["lines"])
def test_the_observation_lies_on_the_largest_square(line: dict[str, Any]) -> None:
    u, v = line["coordinates"]
    assert max(abs(u), abs(v)) == pytest.approx(line["lai"], rel=1e-15)
    phi = math.radians(line["phi"])
    # back from the frame to the plane
    back = (u * math.cos(phi) - v * math.sin(phi), u * math.sin(phi) + v * math.cos(phi))
    assert np.add(line["prediction"], back) == pytest.approx(line["observation"], abs=1e-15)


def test_one_coordinate_of_the_negative_slope_is_negative() -> None:
    (flat, steep) = QUICK["chebyshev"]["lines"]
    assert flat["k"] > 0 and min(flat["coordinates"]) > 0
    assert steep["k"] < 0 and steep["coordinates"] == pytest.approx([-steep["a"], steep["b"]])


def test_both_approaches_agree_to_rounding_over_many_residuals() -> None:
    assert QUICK["chebyshev"]["compared"] == 1000
    assert 0 < QUICK["chebyshev"]["largest_difference"] < 1e-15


def test_a_difference_of_the_approaches_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = chebyshev.turn
    monkeypatch.setattr(chebyshev, "turn", lambda e, k: turn(e, k * (1 + 1e-6)))
    numbers = chebyshev.compute(Settings(Path("unused"), quick=True))
    assert 1e-8 < numbers["largest_difference"] < 1e-5


# The tangent


def by_hand(x: float) -> float:
    return 1.4 * math.tanh(1.5 * (x + 2.2)) + 1.2 * math.tanh(0.4 * (x - 1)) + 0.1


def test_the_curve_is_the_networks_output() -> None:
    curve = QUICK["tangent"]["curve"]
    assert curve["y"] == pytest.approx([by_hand(x) for x in curve["x"]], rel=1e-13)


@pytest.mark.parametrize("point", QUICK["tangent"]["points"])
def test_the_slope_is_the_curves_derivative(point: dict[str, Any]) -> None:
    x, y = point["prediction"]
    assert y == pytest.approx(by_hand(x), rel=1e-14)
    slope = numerical_gradient(lambda x: by_hand(float(x[0])), np.array([x]), method="central")
    assert point["k"] == pytest.approx(slope[0], rel=1e-7)


def test_the_loss_of_the_curve_is_the_mean_of_the_highlighted_lengths() -> None:
    lengths = [point["lai"] for point in QUICK["tangent"]["points"]]
    assert QUICK["tangent"]["lai_mae"] == pytest.approx(sum(lengths) / 2, rel=1e-15)


# The factor


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = QUICK["factor"][name]
    return found


@pytest.mark.parametrize("curve", rows("angles"), ids=lambda curve: f"λ={curve['lam']}")
def test_the_factor_over_the_angle_is_the_larger_branch(curve: dict[str, Any]) -> None:
    lam, phi = curve["lam"], np.radians(curve["phi"])
    along, across = np.abs(np.sin(phi)) / min(lam, 1), np.abs(np.cos(phi)) * max(lam, 1)
    for name, want in (("along", along), ("across", across)):
        assert curve[name] == pytest.approx(want, rel=1e-12, abs=1e-15)
    assert curve["factor"] == pytest.approx(np.maximum(along, across), rel=1e-12)
    least = np.array(curve["phi"])[np.argsort(curve["factor"])[:2]]
    assert sorted(least) == pytest.approx(np.degrees([-math.atan(lam), math.atan(lam)]))


def test_the_angles_are_the_papers_three() -> None:
    assert [curve["lam"] for curve in rows("angles")] == [1.0, 0.5, 2.0]


@pytest.mark.parametrize("curve", rows("curves"), ids=lambda c: f"λ={c['lam']},p={c['order']}")
def test_the_factor_over_the_slope_falls_to_the_kink_and_rises(curve: dict[str, Any]) -> None:
    lam, order = curve["lam"], curve["order"]
    k, F = np.array(curve["k"]), np.array(curve["factor"])
    want = [float(exact_factor(value, lam, order)) for value in curve["k"]]
    assert curve["factor"] == pytest.approx(want, rel=1e-15)
    kink = {(0.5, 1): 0.5, (0.5, 2): math.sqrt(0.5), (2.0, 1): 2.0, (2.0, 2): math.sqrt(2)}
    assert curve["kink"] == pytest.approx(kink[lam, order], rel=1e-15)
    assert curve["at_kink"] == pytest.approx(F.min(), rel=1e-15)
    below, above = F[k <= curve["kink"]], F[k >= curve["kink"]]
    assert (np.diff(below) < 0).all() and (np.diff(above) > 0).all()
    assert curve["at_zero"] == max(lam, 1) and curve["far"] == 1 / min(lam, 1)
    assert F[0] == pytest.approx(curve["at_zero"], rel=1e-3)
    assert F[-1] == pytest.approx(curve["far"], rel=1e-3)


def test_there_is_a_curve_for_each_lambda_and_order() -> None:
    drawn = [(curve["lam"], curve["order"]) for curve in rows("curves")]
    assert drawn == [(0.5, 1), (0.5, 2), (2.0, 1), (2.0, 2)]


@pytest.mark.parametrize("row", rows("minima"), ids=lambda row: f"λ={row['lam']},p={row['order']}")
def test_the_minimum_is_found_at_the_kink(row: dict[str, Any]) -> None:
    lam = row["lam"]
    kink = lam if row["order"] == 1 else math.sqrt(lam)
    assert row["kink"] == pytest.approx(kink, rel=1e-15)
    assert row["found"] == pytest.approx(kink, rel=1e-7)
    assert lai_factor(row["found"], lam, row["order"]) == lai_factor(
        -row["found"], lam, row["order"]
    )
    # F(kink)/F(0) is cos φ for MAE and cos² φ for MSE
    depth = 1 - (1 + kink**2) ** (-row["order"] / 2)
    assert row["depth"] == pytest.approx(depth, rel=1e-6)


def test_the_minimum_is_searched_for_without_knowing_the_kink(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(factor, "kink_at", lambda lam, order: 3.0)
    blind = factor.compute(Settings(Path("unused"), quick=True))["minima"]
    assert [row["found"] for row in blind] == [row["found"] for row in rows("minima")]


def test_a_small_lambda_hardly_lifts_the_slope() -> None:
    depth = {(row["lam"], row["order"]): row["depth"] for row in rows("minima")}
    assert depth[1e-3, 1] == pytest.approx(5e-7, rel=0.01)
    assert depth[1e-3, 2] == pytest.approx(1e-3, rel=0.01)
    assert sorted({lam for lam, _ in depth}) == [1e-3, 1e-2, 1e-1, 0.5, 1.0, 2.0]


@pytest.mark.parametrize("curve", rows("slopes"), ids=lambda curve: f"p={curve['order']}")
def test_the_slopes_drawn_are_those_of_the_factor(curve: dict[str, Any]) -> None:
    lam, order = curve["lam"], curve["order"]
    want = np.array([abs(float(exact_slope(k, lam, order))) for k in curve["k"]])
    assert curve["with"] == pytest.approx(want, rel=1e-14)
    assert curve["without"] == pytest.approx(want * lam, rel=1e-14)
    jump = np.argmax(np.diff(curve["with"]))
    assert curve["k"][jump] < lam ** (1 / order) < curve["k"][jump + 1]


@pytest.mark.parametrize(
    "row", rows("normalising"), ids=lambda row: f"λ={row['lam']},p={row['order']}"
)
def test_dividing_scales_loss_and_slope_alike(row: dict[str, Any]) -> None:
    lam, order = row["lam"], row["order"]
    # |F'| undivided: MAE λ k cos³ φ below, cos³ φ above; MSE 2 λ k cos⁴ φ below, 2 k cos⁴ φ above
    cos2 = 1 / (1 + lam ** (2 / order))
    if order == 1:
        want = {"below": lam**2 * cos2**1.5, "above": cos2**1.5, "largest": cos2**1.5}
    else:
        root = math.sqrt(lam)
        want = {"below": 2 * lam * root * cos2**2, "above": 2 * root * cos2**2}
        want |= {"largest": 3 * math.sqrt(3) / 8}  # at k = 1/√3
    want |= {"factor": lam}
    assert row["without"] == pytest.approx(want, rel=1e-5)
    assert row["with"] == pytest.approx({name: v / lam for name, v in want.items()}, rel=1e-5)


def test_the_bounds_of_the_caption_hold() -> None:
    assert [row["lam"] for row in rows("normalising")] == [1e-1, 1e-1, 1e-2, 1e-2, 1e-3, 1e-3]
    for row in rows("normalising"):
        lam, bound = row["lam"], row["lam"] if row["order"] == 1 else 2 * math.sqrt(row["lam"])
        assert row["with"]["factor"] == 1
        assert bound * 0.8 < row["with"]["below"] <= bound
        assert bound * lam * 0.8 < row["without"]["below"] <= bound * lam
        peak = 1.0 if row["order"] == 1 else 0.65
        assert row["with"]["largest"] == pytest.approx(peak / lam, rel=0.02)
    assert lai_factor(1e9, 1e-3, 1) == pytest.approx(1000)


def test_adam_goes_the_same_way_whatever_the_scale_of_the_loss() -> None:
    gradients = np.random.default_rng(0).standard_normal((20, 5))
    ends = []
    for scale in (1.0, 1000.0):
        opt, theta = Adam(), np.zeros(5)
        state = opt.init(theta)
        for gradient in gradients:
            theta, state = opt.step(theta, scale * gradient, state)
        ends.append(theta)
    assert ends[0] == pytest.approx(ends[1], rel=1e-5)


def test_the_table_has_every_minimum_and_both_ways() -> None:
    text = factor.table(QUICK["factor"])
    for row in rows("minima"):
        assert f"{row['found']:.6f}  {row['kink']:.6f}  {row['depth']:9.2e}" in text
    for row in rows("normalising"):
        for way in ("with", "without"):
            cells = [row[way][name] for name in ("factor", "below", "above", "largest")]
            assert "".join(f"{cell:>12.2e}" for cell in cells) in text


# The committed results


def check_alike(got: Any, want: Any) -> None:
    """The same structure, and the same numbers but for rounding."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for key, value in want.items():
            check_alike(got[key], value)
    elif isinstance(want, list):
        assert len(got) == len(want)
        for mine, other in zip(got, want, strict=True):
            check_alike(mine, other)
    elif isinstance(want, float):
        assert got == pytest.approx(want, rel=1e-7, abs=1e-12)
    else:
        assert got == want


@FIGURES
def test_committed_numbers_are_those_computed_now(name: str) -> None:
    about = ("command", "versions", "compared", "largest_difference")
    want = {key: value for key, value in QUICK[name].items() if key not in about}
    got = committed(name)
    check_alike({key: value for key, value in got.items() if key not in about}, want)
    assert got["command"] == f"python -m figures {name}"


def test_committed_comparison_is_over_many_residuals() -> None:
    numbers = committed("chebyshev")
    assert numbers["compared"] == 1_000_000 and numbers["largest_difference"] < 1e-15
