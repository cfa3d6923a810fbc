"""The claims about the loss of a line (paper §4, §5, appendix A), and how each is assessed."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from figures.claims import thresholds as at
from figures.claims.verdict import Assessment, by_case, claim
from figures.experiments.line_data import SLOPE
from figures.experiments.settings import Numbers
from figures.plotting.words import from_to, listed
from lai_ref import Array, lai_factor

LINES = ("surface_mae_1", "surface_mae_2", "surface_mae_05")
INTERCEPT = 4.0  # of the appendix's line


@claim("A", "the minimum is exactly at slope λ", *LINES)
def _exact_minimum(*surfaces: Numbers) -> Assessment:
    def is_at_kink(place: int) -> bool:
        k = {s["lam"]: s["noises"][place]["minimum"]["k"] for s in surfaces}
        return all(abs(slope / lam - 1) < at.SAME_SLOPE.value for lam, slope in k.items())

    noises = [row["noise"] for row in surfaces[0]["noises"]]
    found = "; ".join(
        f"noise ±{noise:g}: k = {listed((s['noises'][i]['minimum']['k'] for s in surfaces), '.2f')}"
        for i, noise in enumerate(noises)
    )
    borders = listed((s["border"] for s in surfaces), ".2f")
    number = (
        f"λ = {listed(s['lam'] for s in surfaces)}; data 3x + 4, x in ±1; {found}; by derivation"
        f" for noise ±s with s ≥ {borders} (E5)"
    )
    distances = (
        max(abs(s["noises"][i]["minimum"]["k"] - s["lam"]) for s in surfaces)
        for i in range(len(noises))
    )
    sentence = f"The slope at the minimum differs from λ by up to {_by_noise(noises, distances)}."
    cases = {f"noise ±{noise:g}": is_at_kink(i) for i, noise in enumerate(noises)}
    return Assessment(by_case(cases), sentence, number)


@claim("A", "at the minimum the intercept is 4", *LINES)
def _intercept_found(*surfaces: Numbers) -> Assessment:
    noises = [row["noise"] for row in surfaces[0]["noises"]]
    c = [[s["noises"][i]["minimum"]["c"] for s in surfaces] for i in range(len(noises))]
    near = [all(abs(value - INTERCEPT) < at.INTERCEPT.value for value in row) for row in c]
    found = "; ".join(
        f"noise ±{n:g}: c = {listed(row, '.2f')}" for n, row in zip(noises, c, strict=True)
    )
    number = f"λ = {listed(s['lam'] for s in surfaces)}; {found}"
    distances = (max(abs(value - INTERCEPT) for value in row) for row in c)
    sentence = (
        "The intercept at the minimum differs from the data's by up to"
        f" {_by_noise(noises, distances)}."
    )
    cases = {f"noise ±{n:g}": ok for n, ok in zip(noises, near, strict=True)}
    return Assessment(by_case(cases), sentence, number)


@claim("A", "a very small λ leaves the intercept undetermined", "surface_mae_small", "trap")
def _intercept(surface: Numbers, trap: Numbers) -> Assessment:
    row = surface["noises"][-1]  # with much noise
    other = next(a for a in row["also"] if a["lam"] == 1)
    ratio = row["intercept_width"] / other["intercept_width"]
    runs = {(r["lr"], r["steps"], r["lam"]): max(r["errors"]) for r in trap["intercept"]}
    cases = {"the minimum": ratio > at.CLEARLY.value}
    for lr, steps in dict.fromkeys((lr, steps) for lr, steps, _ in runs):
        worse = runs[lr, steps, 0.01] > at.CLEARLY.value * max(
            runs[lr, steps, 1.0], at.INTERCEPT.value
        )
        cases[f"Adam, lr {lr:g}, {steps:,} steps"] = worse
    errors = "; ".join(
        f"lr {lr:g}, {steps:,} steps: {runs[lr, steps, 0.01]:.2f} ({runs[lr, steps, 1.0]:.2f})"
        for lr, steps in dict.fromkeys((lr, steps) for lr, steps, _ in runs)
    )
    number = (
        f"noise ±{row['noise']:g}: the loss stays within 1% over {row['intercept_width']:.2f} in c"
        f" for λ = {surface['lam']:g}, {other['intercept_width']:.2f} for λ = 1; largest error of c"
        f" by Adam with λ = 0.01 (λ = 1): {errors}"
    )
    all_steps = sorted({steps for _, steps, _ in runs})
    few, many = (
        max(runs[lr, steps, lam] for lr, steps, lam in runs if steps == n and lam == 0.01)
        for n in (all_steps[0], all_steps[-1])
    )
    sentence = (
        f"With λ = 0.01 Adam's error in the intercept is at most {few:.2f} after the short"
        f" training and {many:.2f} after the long one."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("A", "a very large λ makes a basin slightly above the data's slope", "surface_mae_large")
def _basin(surface: Numbers) -> Assessment:
    rows = surface["noises"]
    near = {
        f"noise ±{row['noise']:g}": _does_not_move(row)
        and 1 < row["minimum"]["k"] / SLOPE < at.SLIGHTLY.value
        for row in rows
    }
    found = "; ".join(f"noise ±{r['noise']:g}: k = {r['minimum']['k']:.2f}" for r in rows)
    noises, ratios = zip(*((r["noise"], r["minimum"]["k"] / SLOPE) for r in rows), strict=True)
    sentence = f"The ratio of the minimum's slope to the data's is {_by_noise(noises, ratios)}."
    number = f"{found}; {_further(surface)}; the data's slope: 3"
    return Assessment(by_case(near), sentence, number)


@claim("A", "squaring lifts the limit that a very large λ meets", "surface_mse_large")
def _lifted(surface: Numbers) -> Assessment:
    rows = surface["noises"]
    found = "; ".join(f"noise ±{r['noise']:g}: k = {r['minimum']['k']:.2f}" for r in rows)
    moves = {f"noise ±{row['noise']:g}": not _does_not_move(row) for row in rows}
    largest = max(also["lam"] for row in rows for also in row["also"])
    change = max(abs(k / row["minimum"]["k"] - 1) for row in rows for k in _further_slopes(row))
    sentence = (
        f"From λ = {surface['lam']:g} to λ = {largest:,g} the slope at the minimum of the MSE"
        f" variant changes by at most {change:.1%}."
    )
    return Assessment(by_case(moves), sentence, f"{found}; {_further(surface)}")


@claim("A", "the squared loss has a distinct minimum in place of a smooth basin", "phase")
def _distinct(phase: Numbers) -> Assessment:
    rises: dict[float, dict[int, float]] = {}
    for row in phase["basins"]:
        rises.setdefault(row["noise"], {})[row["order"]] = row["rise"]
    ends = {noise: rises[noise] for noise in (0.5, 4.0) if noise in rises}
    cases = {f"noise ±{n:g}": r[2] > at.CLEARLY.value * r[1] for n, r in ends.items()}
    number = "rise of the loss from its minimum to k → ∞, MSE (MAE): " + "; ".join(
        f"noise ±{n:g}: {r[2]:.2f} ({r[1]:.2f}) times" for n, r in ends.items()
    )
    ratios = from_to((r[2] / r[1] for r in ends.values()), ".1f")
    sentence = (
        f"From its minimum to k → ∞ the relative rise of Lai MSE is {ratios} times that of Lai MAE."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("A", "excessive penalisation decreases accuracy", "surface_mse_large")
def _excessive(surface: Numbers) -> Assessment:
    excess = {row["noise"]: row["excess"] for row in surface["noises"]}
    cases = {f"noise ±{noise:g}": value > at.NOTICED.value for noise, value in excess.items()}
    number = (
        f"λ = {surface['lam']:g}: the error at the minimum exceeds that of MSE by "
        + ", ".join(f"{value:.1%} (noise ±{noise:g})" for noise, value in excess.items())
    )
    sentence = (
        f"With λ = {surface['lam']:g} the error at the minimum exceeds that of MSE by"
        f" {_by_noise(excess, excess.values(), '.1%')}."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("4", "the penalty is the same for k and -k, and the loss nearly symmetric", *LINES)
def _symmetric(*surfaces: Numbers) -> Assessment:
    noises = [row["noise"] for row in surfaces[0]["noises"]]
    k = np.linspace(0.01, 100, 1001)
    even = all(np.array_equal(lai_factor(k, 0.1, p), lai_factor(-k, 0.1, p)) for p in (1, 2))
    ratios = [[s["noises"][i]["symmetry"] for s in surfaces] for i in range(len(noises))]
    cases = {"the penalty F": even}
    for noise, row in zip(noises, ratios, strict=True):
        cases[f"the loss, noise ±{noise:g}"] = all(r and r < at.CLEARLY.value for r in row)
    cells = [", ".join("none" if r is None else f"{r:.2f}" for r in row) for row in ratios]
    number = (
        "F(k) = F(-k) to the bit; loss of the minimum with k < 0 over that of the right one, λ ="
        f" {listed(s['lam'] for s in surfaces)}: "
        + "; ".join(f"noise ±{n:g}: {cell}" for n, cell in zip(noises, cells, strict=True))
    )
    largest = (max((r for r in row if r), default=math.nan) for row in ratios)
    sentence = (
        f"F is {'' if even else 'not '}even; the wrong-sign minimum's loss over the other's is at"
        f" most {_by_noise(noises, largest)}."
    )
    return Assessment(by_case(cases), sentence, number)


@claim(
    "5", "essential assumption: Lai and the baseline loss share their optima", "phase", *LINES[:1]
)
def _shared_optima(phase: Numbers, surface: Numbers) -> Assessment:
    fractions = {
        name: float(np.mean(at_kink(phase, one)))
        for name, one in zip(("MAE", "MSE"), phase["maps"], strict=True)
    }
    cases = {}
    for row in surface["noises"]:
        same = abs(row["minimum"]["k"] / row["plain"]["k"] - 1) < at.NOTICED.value
        cases[f"noise ±{row['noise']:g}"] = same
    found = "; ".join(
        f"noise ±{row['noise']:g}: k = {row['minimum']['k']:.2f} (plain MAE"
        f" {row['plain']['k']:.2f})"
        for row in surface["noises"]
    )
    number = (
        f"λ = {surface['lam']:g}: {found}; above the border the minimum is at the kink, wherever"
        f" the data's slope is: in {fractions['MAE']:.0%} (MAE) and {fractions['MSE']:.0%} (MSE) of"
        f" {count_cells(phase) // 2} cases of noise and λ"
    )
    noises, slopes = zip(
        *((row["noise"], row["minimum"]["k"] / row["plain"]["k"]) for row in surface["noises"]),
        strict=True,
    )
    sentence = (
        "The ratio of the slopes at the minima of Lai MAE and of MAE is"
        f" {_by_noise(noises, slopes)}."
    )
    return Assessment(by_case(cases), sentence, number)


def at_kink(phase: Numbers, one: Numbers) -> Array:
    """Where the minimum of a map is at the kink (noises, kinks)."""
    slopes, kinks = np.array(one["slopes"]), np.array(phase["kinks"])
    return np.asarray(np.isclose(slopes, kinks, rtol=at.ON_MAP.value))


def count_cells(phase: Numbers) -> int:
    return len(phase["maps"]) * len(phase["noises"]) * len(phase["kinks"])


def _further(surface: Numbers) -> str:
    """Whether larger λ move the minimum."""
    lams = [also["lam"] for also in surface["noises"][0]["also"] if also["lam"] > surface["lam"]]
    same = all(_does_not_move(row) for row in surface["noises"])
    return f"{'the same' if same else 'not the same'} up to λ = {max(lams):,g}"


def _does_not_move(row: Numbers) -> bool:
    """Whether the minimum's slope is the same for all the further, larger λ."""
    k = row["minimum"]["k"]
    return all(abs(other / k - 1) < at.SAME_SLOPE.value for other in _further_slopes(row))


def _further_slopes(row: Numbers) -> list[float]:
    """The minimum's slopes for the further, larger λ."""
    return [also["minimum"]["k"] for also in row["also"] if also["lam"] > at.VERY_LARGE.value]


def _by_noise(noises: Iterable[float], values: Iterable[float], form: str = ".2f") -> str:
    pairs = zip(noises, values, strict=True)
    cells = ((noise, "unknown" if math.isnan(x) else f"{x:{form}}") for noise, x in pairs)
    return " and ".join(f"{cell} for noise ±{noise:g}" for noise, cell in cells)
