from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import factor
from figures.experiments.settings import Settings
from lai_ref import Adam, lai_factor
from tests.independent.decimal_lai import exact_factor, exact_slope

QUICK = factor.compute(Settings(Path("unused"), quick=True))


def rows(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = QUICK[name]
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
    text = factor.table(QUICK)
    for row in rows("minima"):
        assert f"{row['found']:.6f}  {row['kink']:.6f}  {row['depth']:9.2e}" in text
    for row in rows("normalising"):
        for way in ("with", "without"):
            cells = [row[way][name] for name in ("factor", "below", "above", "largest")]
            assert "".join(f"{cell:>12.2e}" for cell in cells) in text
