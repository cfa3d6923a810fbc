"""The claims about the loss itself (paper §2, §4, appendix A), and how each is assessed."""

from __future__ import annotations

import numpy as np

from figures.claims.verdict import CLEARLY, FAILS, HOLDS, Assessment, by_case, claim, unconditional
from figures.experiments.line_data import SLOPE, kink_at
from figures.experiments.settings import Numbers
from figures.plotting.words import listed
from lai_ref import Lai, Plain

ROUNDING = 1e-14  # relative; a hundred times the rounding of a double
SEARCHED = 1e-6  # relative; F is flat about its minimum, so that a search finds k less exactly
NOTICED = 0.05  # a change of the loss that a fit would notice
VANISHING = 0.01  # F below which a loss has all but vanished
STRONG = 0.1  # |F'| above which a gradient has not vanished
SAME_SLOPE = 1e-3  # relative; slopes that agree to three digits
SLIGHTLY = 1.1  # up to so many times the data's slope is "slightly larger"
VERY_LARGE = 10  # λ from which the claims about a very large λ apply
LINES = ("surface_mae_1", "surface_mae_2", "surface_mae_05")


@claim("2.1", "max(a, b) is the Chebyshev length in the turned frame", "chebyshev")
def _equivalent(chebyshev: Numbers) -> Assessment:
    worst = chebyshev["largest_difference"]
    number = (
        f"both lengths differ by {worst:.0e} of their size at most over"
        f" {chebyshev['compared']:,} residuals"
    )
    return Assessment(unconditional(worst < ROUNDING), number)


@claim("2.2", "the loss lets k slide to a boundary that λ puts anywhere", "factor")
def _slides(factor: Numbers) -> Assessment:
    minima = factor["minima"]
    error = max(abs(m["found"] / kink_at(m["lam"], m["order"]) - 1) for m in minima)
    lams = [m["lam"] for m in minima]
    number = (
        f"the least F lies within {error:.0e} of k = λ for MAE and of √λ for MSE, for λ from"
        f" {min(lams):g} to {max(lams):g}"
    )
    condition = "holds when p = 1; for MSE the boundary is √λ"
    return Assessment(condition if error < SEARCHED else FAILS, number)


@claim("2.2", "dividing by λ < 1 keeps the gradient from vanishing", "factor")
def _vanishes(factor: Numbers) -> Assessment:
    row = _small_lam(factor)
    before, after = row["without"], row["with"]
    if not (before["factor"] < VANISHING and after["factor"] == 1):
        verdict = FAILS
    else:
        verdict = "holds when |k| is below the kink" if before["largest"] > STRONG else HOLDS
    number = (
        f"MSE, λ = {row['lam']:g}: undivided, F(0) = {before['factor']:g}, and with it the pull"
        f" towards the data, but above the kink |F'| reaches {before['largest']:.2f} all the same;"
        f" divided, F(0) = {after['factor']:g}"
    )
    return Assessment(verdict, number)


@claim("2.2", "divided, the loss is near the true loss", "factor")
def _near_the_loss(factor: Numbers) -> Assessment:
    y, t = np.array([1.0]), np.array([0.0])
    ratio = {D: float(Lai(0.1)(y, t, np.zeros((1, D)))[0] / Plain(2)(y, t)[0]) for D in (1, 8)}
    steep = 1 / _small_lam(factor)["lam"]
    number = (
        f"for k → 0 {ratio[1]:.2f} times the plain loss with one feature, {ratio[8]:.2f} times with"
        f" eight (√8, L2 Lai); for steep slopes up to {steep:g} times"
    )
    condition = "holds when D = 1 and |k| is below the kink"
    return Assessment(condition if ratio[1] == 1 else FAILS, number)


@claim("3", "a small slope is pushed up, against underfitting", "factor")
def _pushed_up(factor: Numbers) -> Assessment:
    minima = [m for m in factor["minima"] if m["order"] == 2 and m["lam"] <= 1]
    pushed = [m["depth"] > NOTICED for m in minima]
    number = (
        f"MSE: F at the kink is less than at k = 0 by {listed((m['depth'] for m in minima), '.1%')}"
        f" for λ = {listed(m['lam'] for m in minima)}"
    )
    smallest = min((m["lam"] for m in minima if m["depth"] > NOTICED), default=0)
    return Assessment(by_case(pushed, f"holds when λ ≥ {smallest:g}"), number)


@claim("A", "the minimum is exactly at slope λ (λ = 1, 2, 0.5)", *LINES)
def _exact_minimum(*surfaces: Numbers) -> Assessment:
    def at_kink(place: int) -> bool:
        k = {s["lam"]: s["noises"][place]["minimum"]["k"] for s in surfaces}
        return all(abs(slope / lam - 1) < SAME_SLOPE for lam, slope in k.items())

    def slopes(place: int) -> str:
        found = listed((s["noises"][place]["minimum"]["k"] for s in surfaces), ".2f")
        return f"noise ±{surfaces[0]['noises'][place]['noise']:g}: k = {found}"

    lams = listed(s["lam"] for s in surfaces)
    number = f"λ = {lams}; data 3x + 4, x in ±1; {slopes(0)}; {slopes(1)}"
    borders = listed((s["border"] for s in surfaces), ".2f")
    condition = f"holds when the noise ±s has s ≥ {borders} X, for x in ±X"
    return Assessment(by_case([at_kink(0), at_kink(1)], condition), number)


@claim("A", "a very small λ leaves the intercept undetermined", "surface_mae_small")
def _intercept(surface: Numbers) -> Assessment:
    row = surface["noises"][1]
    (other,) = (a for a in row["also"] if a["lam"] == 1)
    ratio = row["intercept_width"] / other["intercept_width"]
    number = (
        f"noise ±{row['noise']:g}: the loss stays within 1% over {row['intercept_width']:.2f} in c"
        f" for λ = {surface['lam']:g}, {other['intercept_width']:.2f} for λ = 1; along c it rises"
        f" by {row['intercept_relief']:.1%} of its whole range (λ = 1:"
        f" {other['intercept_relief']:.0%}), which looks flat; c is"
        f" {abs(row['minimum']['c'] - row['plain']['c']):.2f} from that of plain MAE"
    )
    return Assessment(unconditional(ratio > CLEARLY), number)


@claim("A", "a very large λ: a basin slightly above the data's slope", "surface_mae_large")
def _basin(surface: Numbers) -> Assessment:
    rows = surface["noises"]
    near = [_does_not_move(row) and 1 < row["minimum"]["k"] / SLOPE < SLIGHTLY for row in rows]
    found = "; ".join(f"noise ±{r['noise']:g}: k = {r['minimum']['k']:.2f}" for r in rows)
    number = f"{found}; {_further(surface)}; the data's slope: 3"
    condition = f"holds when the noise is small (±{rows[0]['noise']:g})"
    return Assessment(by_case(near, condition), number)


@claim("A", "squaring lifts that limit", "surface_mse_large", "surface_mae_large")
def _lifted(surface: Numbers, mae: Numbers) -> Assessment:
    rows = surface["noises"]
    found = "; ".join(
        f"noise ±{r['noise']:g}: k = {r['minimum']['k']:.2f}, within 1% over"
        f" {r['slope_width']:.2f} in k (MAE: {m['slope_width']:.2f})"
        for r, m in zip(rows, mae["noises"], strict=True)
    )
    moves = not any(_does_not_move(row) for row in rows)
    return Assessment(unconditional(moves), f"{found}; {_further(surface)}")


@claim("4", "the loss is all but symmetric in k", *LINES)
def _symmetric(*surfaces: Numbers) -> Assessment:
    noises = [row["noise"] for row in surfaces[0]["noises"]]
    ratios = [[s["noises"][i]["symmetry"] for s in surfaces] for i in range(len(noises))]
    cells = [", ".join("none" if r is None else f"{r:.2f}" for r in row) for row in ratios]
    number = (
        "loss of the minimum with k < 0 over that of the right one, λ ="
        f" {listed(s['lam'] for s in surfaces)}: "
        + "; ".join(f"noise ±{n:g}: {cell}" for n, cell in zip(noises, cells, strict=True))
    )
    close = [all(r is not None and r < CLEARLY for r in row) for row in ratios]
    return Assessment(by_case(close, f"holds when the noise is large (±{noises[-1]:g})"), number)


def _further(surface: Numbers) -> str:
    """Whether larger λ move the minimum."""
    lams = [also["lam"] for also in surface["noises"][0]["also"] if also["lam"] > surface["lam"]]
    same = all(_does_not_move(row) for row in surface["noises"])
    return f"{'the same' if same else 'not the same'} up to λ = {max(lams):,g}"


def _small_lam(factor: Numbers) -> Numbers:
    """What dividing does to the factor of MSE for the smallest λ."""
    rows = [row for row in factor["normalising"] if row["order"] == 2]
    smallest: Numbers = min(rows, key=lambda row: float(row["lam"]))
    return smallest


def _does_not_move(row: Numbers) -> bool:
    """Whether the minimum's slope is the same for all the further, larger λ."""
    k = row["minimum"]["k"]
    larger = [also["minimum"]["k"] for also in row["also"] if also["lam"] > VERY_LARGE]
    return all(abs(other / k - 1) < SAME_SLOPE for other in larger)
