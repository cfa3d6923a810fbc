"""Sensitivities as in the paper's Tables 2 and 3: rows of nine columns, and the nearest noise."""

from __future__ import annotations

from typing import Any

import numpy as np

from figures.experiments.inputs import Job
from figures.experiments.paper import MSE, deviation_factor
from lai_ref import Array


def rows_of(arms: list[Job], lam: Any) -> Array:
    """The eight sensitivities, then the RMSE, of the arms with this λ: (noises, seeds, 9)."""
    mine = [arm for arm in arms if arm["lam"] == lam]  # in the order of seeds
    rows = [[[*row, arm["rmse"]] for row in arm["sensitivity"]] for arm in mine]
    return np.array(rows).swapaxes(0, 1)


def nearest_noise(mse: Array) -> tuple[int, list[float]]:
    """The index of MSE's row (noises, 9) nearest to the paper's; the deviation factors of all."""
    factors = [deviation_factor(row[:-1], MSE[:-1]) for row in mse]
    return int(np.argmin(factors)), factors
