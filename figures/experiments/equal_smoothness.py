"""RMSE at equal smoothness: the Lai loss beside other ways to smooth."""

from __future__ import annotations

import numpy as np

from figures.experiments.settings import Numbers

PENALTY = "double backprop, all points"  # the rival that verdicts are about


def least_rmse(runs: list[tuple[float, float]], smoothness: float) -> float | None:
    """The least RMSE that `runs`, pairs of smoothness and RMSE, reach at no more than `smoothness`.

    Linear between the runs that none of the others beats in both; None below the smoothest of them.
    """
    best: list[tuple[float, float]] = []
    for run in sorted(runs):
        if not best or run[1] < best[-1][1]:
            best.append(run)
    if smoothness < best[0][0]:
        return None
    x, y = zip(*best, strict=True)
    return float(np.interp(smoothness, x, y))


def excess_by_lam(numbers: Numbers, measure: str) -> dict[float, list[float]]:
    """Lai's RMSE over that of double backpropagation on all points, less 1, by λ and seed.

    Without the λ for which a seed has no run of it as smooth.
    """
    return {
        d["lam"]: d["excess"]
        for d in numbers["differences"]
        if (d["measure"], d["rival"]) == (measure, PENALTY) and None not in d["excess"]
    }
