"""The claims about the loss itself (paper §2, §3), and how each is assessed."""

from __future__ import annotations

import numpy as np

from figures.claims import thresholds as at
from figures.claims.appendix import at_kink, count_cells
from figures.claims.verdict import Assessment, about, by_case, claim, unconditional
from figures.experiments.line_data import kink_at
from figures.experiments.settings import Numbers
from figures.plotting.words import listed, with_interval
from lai_ref import Lai, Plain


@claim("2.1", "max(a, b) is the Chebyshev norm in the rotated frame", "chebyshev")
def _equivalent(chebyshev: Numbers) -> Assessment:
    worst = chebyshev["largest_difference"]
    number = (
        f"algebra; both norms differ by at most {worst:.0e}, relative, over"
        f" {chebyshev['compared']:,} residuals"
    )
    sentence = (
        f"The two norms differ by at most {worst:.0e} (relative) over {chebyshev['compared']:,}"
        " random residuals."
    )
    return Assessment(unconditional(worst < at.ROUNDING.value), sentence, number)


@claim("2.2", "λ sets the boundary to which k slides", "factor", "phase")
def _slides(factor: Numbers, phase: Numbers) -> Assessment:
    minima = factor["minima"]
    error = max(abs(m["found"] / kink_at(m["lam"], m["order"]) - 1) for m in minima)
    fraction = np.mean([np.mean(at_kink(phase, one)) for one in phase["maps"]])
    cases = {
        "the factor F": error < at.SEARCHED.value,
        "the mean loss of a line": bool(fraction == 1),
    }
    number = (
        f"the minimum of F lies within {error:.0e} of k = λ (MAE) and √λ (MSE); the minimum of the"
        f" loss of a line is at the kink in {fraction:.0%} of {count_cells(phase)} cases of noise"
        " and λ, above a border in the noise"
    )
    sentence = (
        f"The minimum of F is at the kink within {error:.0e} (relative); that of a line's mean loss"
        f" is there in {fraction:.0%} of cases."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("2.2", "dividing by λ < 1 keeps the gradient from vanishing", "factor", "readings")
def _vanishes(factor: Numbers, readings: Numbers) -> Assessment:
    row = _small_lam(factor)
    before, after = row["without"], row["with"]
    cases = {
        "|k| below the kink": before["factor"] < at.VANISHING.value and after["factor"] == 1,
        "|k| above the kink": before["largest"] < at.STRONG.value,
    }
    (all_points,) = (c for c in readings["comparisons"] if c["key"] == "undivided all")
    trained = all_points["changes"]["rmse"]
    number = (
        f"MSE, λ = {row['lam']:g}: undivided F(0) = {before['factor']:g}, divided"
        f" {after['factor']:g}; above the kink |F'| reaches {before['largest']:.2f} undivided."
        " Trained with Adam on all points, not dividing changes the RMSE by"
        f" {with_interval(trained)}; {about(readings)}"
    )
    sentence = (
        f"Without the division, for λ = {row['lam']:g}, F(0) is {before['factor']:g}, while |F'|"
        f" reaches {before['largest']:.2f} above the kink."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("2.2", "after the division the loss is near the true loss", "factor")
def _near_the_loss(factor: Numbers) -> Assessment:
    y, t = np.array([1.0]), np.array([0.0])
    ratio = {D: float(Lai(0.1)(y, t, np.zeros((1, D)))[0] / Plain(2)(y, t)[0]) for D in (1, 8)}
    steep = 1 / _small_lam(factor)["lam"]
    cases = {
        "one feature and |k| below the kink": ratio[1] < at.NEAR_LOSS.value,
        "eight features": ratio[8] < at.NEAR_LOSS.value,
        "large |k|": steep < at.NEAR_LOSS.value,
    }
    number = (
        f"for k → 0 {ratio[1]:.2f} times the plain loss with one feature, {ratio[8]:.2f} times with"
        f" eight (√8, L2 Lai, E4); for large |k| up to {steep:g} times"
    )
    sentence = (
        f"For k → 0 the loss is {ratio[1]:.2f} times the baseline loss with one feature, and"
        f" {ratio[8]:.2f} times with eight."
    )
    # computed for k → 0; that F is the same up to the kink is known, not measured here
    return Assessment(by_case(cases, typed=True), sentence, number)


@claim("3", "the loss increases a small slope, against underfitting", "factor", "readings")
def _pushed_up(factor: Numbers, readings: Numbers) -> Assessment:
    minima = [m for m in factor["minima"] if m["order"] == 2 and m["lam"] <= 1]
    rows = {row["key"]: row for row in readings["rows"]}
    raised = {name: _raised(rows[key]) for name, key in (("1%", "weak"), ("100%", "weak all"))}
    cases = {
        f"λ = 1, α = {name}": len(features) > at.MOST.value for name, features in raised.items()
    }
    number = (
        f"MSE: F at the kink is less than at k = 0 by {listed((m['depth'] for m in minima), '.1%')}"
        f" for λ = {listed(m['lam'] for m in minima)}; trained with λ = 1 the mean |k| rises"
        f" (interval above 0) in {len(raised['1%'])} of 8 features for α = 1%, in"
        f" {len(raised['100%'])} for 100%; {about(readings)}; whether that helps against"
        " underfitting is not tested"
    )
    sentence = (
        f"With λ = 1 the mean |k| increases significantly in {len(raised['1%'])} of 8 features"
        f" (α = 1%) or {len(raised['100%'])} of 8 (α = 100%)."
    )
    return Assessment(by_case(cases), sentence, number)


def _small_lam(factor: Numbers) -> Numbers:
    """What dividing does to the factor of MSE for the smallest λ."""
    rows = [row for row in factor["normalising"] if row["order"] == 2]
    smallest: Numbers = min(rows, key=lambda row: float(row["lam"]))
    return smallest


def _raised(row: Numbers) -> list[int]:
    """The features whose mean |k| rises: the interval is above 0."""
    changes = row["mean_abs_k_change"]
    return [j for j, c in enumerate(changes, start=1) if c["low"] is not None and c["low"] > 0]
