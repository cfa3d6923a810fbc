"""RMSE at equal smoothness: the Lai loss beside other ways to smooth."""

from __future__ import annotations

import numpy as np

from figures.experiments.settings import Numbers

GRADIENT_PENALTY = "double backprop, all points"  # the baseline that verdicts are about


def pareto_rmse(runs: list[tuple[float, float]], smoothness: float) -> float | None:
    """The smallest RMSE that `runs`, pairs of smoothness and RMSE, reach at up to `smoothness`.

    It is linear between the Pareto-optimal runs, and None below the smoothest of them.
    """
    x, rmse = np.array(sorted(runs)).T
    if smoothness < x[0]:
        return None
    optimal = np.diff(np.minimum.accumulate(rmse), prepend=np.inf) < 0  # less than all before
    return float(np.interp(smoothness, x[optimal], rmse[optimal]))


def excess_by_lam(numbers: Numbers, measure: str) -> dict[float, list[float]]:
    """Lai's RMSE over that of the gradient penalty on all points, less 1, by λ and seed.

    Without the λ for which a seed has no run of it as smooth.
    """
    return {
        d["lam"]: d["excess"]
        for d in numbers["differences"]
        if (d["measure"], d["rival"]) == (measure, GRADIENT_PENALTY) and None not in d["excess"]
    }
