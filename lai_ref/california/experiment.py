"""Split and scaling of the paper's experiment (§6.1): 20 % for validation, inputs scaled or raw.

The paper states no scaling. `"standard"` subtracts the training rows' mean and divides by their
standard deviation; k = ∂y/∂x and λ then refer to standard deviations. `"raw"` keeps the units of
each feature, and λ has another meaning for each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref.california.data import Dataset
from lai_ref.support.validation import Array, check_choice

SCALINGS = ("standard", "raw")
VALIDATION_FRACTION = 0.2


class Experiment(NamedTuple):
    """Training, validation and test data of one run; targets keep the units of the data."""

    x: Array  # (N, D)
    t: Array  # (N,)
    x_val: Array
    t_val: Array
    x_test: Array
    std: Array  # (D,) of the training rows before scaling: one standard deviation, in data's units


def prepare(
    data: Dataset,
    rng: np.random.Generator,
    scaling: str = "standard",
    dtype: npt.DTypeLike = np.float32,
) -> Experiment:
    """Split off a random validation set (20 %), and scale the inputs by the training rows.

    Parameters
    ----------
    rng
        Source of one permutation of the rows.
    scaling
        ``"standard"`` or ``"raw"``.

    Raises
    ------
    ValueError
        An unknown scaling.
    """
    check_choice("scaling", scaling, SCALINGS)
    perm = rng.permutation(len(data.x))
    n_validation = round(VALIDATION_FRACTION * len(perm))
    val_idx, train_idx = perm[:n_validation], perm[n_validation:]
    mean, std = data.x[train_idx].mean(axis=0), data.x[train_idx].std(axis=0)

    def scaled(x: Array) -> Array:
        return ((x - mean) / std if scaling == "standard" else x).astype(dtype)

    t = data.t.astype(dtype)
    return Experiment(
        scaled(data.x[train_idx]),
        t[train_idx],
        scaled(data.x[val_idx]),
        t[val_idx],
        scaled(data.x_test),
        std,
    )
