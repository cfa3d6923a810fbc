"""Split and scaling of the paper's experiment (§6.1): 20 % for validation, inputs scaled or raw.

The paper states no scaling. All of these are x ← (x − a) / b, with numbers of the training rows:

    scaling     a          b
    standard    mean       standard deviation
    min-max     minimum    maximum − minimum
    max-abs     0          max |x|
    robust      median     interquartile range
    raw         0          1

k = ∂y/∂x is multiplied by b, so the scaling decides what a λ means. Where |k| is far above 1, F
is nearly constant and F' falls as k⁻³: a large b weakens the loss. A constant feature has b = 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_choice
from lai_ref.tables.dataset import Dataset

SCALINGS = ("standard", "min-max", "max-abs", "robust", "raw")
VALIDATION_FRACTION = 0.2


class Experiment(NamedTuple):
    """Training, validation and test data of one run; targets keep the units of the data."""

    x: Array  # (N, D)
    t: Array  # (N,)
    x_val: Array
    t_val: Array
    x_test: Array
    std: Array  # (D,) of the training rows before scaling: one standard deviation, in data's units
    scale: Array  # (D,) b, by which the inputs were divided, in data's units


@ignores_error_state
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
        One of `SCALINGS`.

    Raises
    ------
    ValueError
        An unknown scaling.
    """
    check_choice("scaling", scaling, SCALINGS)
    perm = rng.permutation(len(data.x))
    n_validation = round(VALIDATION_FRACTION * len(perm))
    val_idx, train_idx = perm[:n_validation], perm[n_validation:]
    a, b = _centre_and_scale(data.x[train_idx], scaling)

    def scaled(x: Array) -> Array:
        return np.asarray((x - a) / b).astype(dtype)

    t = data.t.astype(dtype)
    return Experiment(
        scaled(data.x[train_idx]),
        t[train_idx],
        scaled(data.x[val_idx]),
        t[val_idx],
        scaled(data.x_test),
        data.x[train_idx].std(axis=0),
        b,
    )


def _centre_and_scale(x: Array, scaling: str) -> tuple[Array, Array]:
    """a and b of the table above, each (D,), for training rows x (N, D)."""
    a, b = np.zeros(x.shape[1]), np.ones(x.shape[1])
    if scaling == "standard":
        a, b = x.mean(axis=0), x.std(axis=0)
    elif scaling == "min-max":
        a, b = x.min(axis=0), np.ptp(x, axis=0)
    elif scaling == "max-abs":
        b = np.abs(x).max(axis=0)
    elif scaling == "robust":
        low, a, high = np.quantile(x, (0.25, 0.5, 0.75), axis=0)
        b = high - low
    return a, np.where(b == 0, 1.0, b)
