"""Split and scaling of the paper's experiment (§6.1): 20 % for validation, inputs scaled or raw.

The paper states no scaling. Each of these is x ← (x − a) / b, with a and b of the training rows:

    scaling     a          b
    standard    mean       standard deviation
    min-max     minimum    maximum − minimum
    max-abs     0          max |x|
    robust      median     interquartile range
    raw         0          1

k = ∂y/∂x is multiplied by b, so the effect of a λ depends on the scaling. For |k| ≫ 1, F is nearly
constant and F' decreases as k⁻³: a large b weakens the loss. A feature with b = 0, such as one that
is constant in the training rows, is an error: 0/0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_array, check_choice, check_dtype, check_rng
from lai_ref.tables.dataset import Dataset

SCALINGS = ("standard", "min-max", "max-abs", "robust", "raw")
DIVISORS = {
    "standard": "standard deviation",
    "min-max": "range",
    "max-abs": "largest magnitude",
    "robust": "interquartile range",
}
VALIDATION_FRACTION = 0.2


class Experiment(NamedTuple):
    """Training, validation and test data of one run, with scaled inputs.

    Targets keep the units of the data. New inputs are scaled by ``(x - centre) / scale``; k in the
    units of the data is the network's k divided by `scale`.

    Attributes
    ----------
    x, t
        Training inputs (N, D), scaled, and targets (N,).
    x_val, t_val
        Those of the validation set.
    x_test
        The scaled inputs of `Dataset.x_test`.
    std
        Standard deviations (D,) of the training rows before scaling.
    scale, centre
        b and a (D,) of x ← (x − a) / b, in the units of the data.
    """

    x: Array
    t: Array
    x_val: Array
    t_val: Array
    x_test: Array
    std: Array
    scale: Array
    centre: Array


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
        Generator of one permutation of the rows.
    scaling
        ``"standard"``, ``"min-max"``, ``"max-abs"``, ``"robust"`` or ``"raw"``.
    dtype
        That of inputs and targets.

    Returns
    -------
    Experiment
        Targets are not scaled: to train as `train --data` does, subtract the mean of its `t` from
        `t` and `t_val`, and divide them by its standard deviation.

    Raises
    ------
    ValueError, TypeError
        An unknown scaling; data whose shapes do not fit each other, that are not finite or have a
        mask; a feature that this scaling would divide by 0.
    """
    check_choice("scaling", scaling, SCALINGS)
    check_dtype("dtype", dtype)
    check_rng("rng", rng)
    x = check_array("data.x", data.x, ("N", "D"))
    t = check_array("data.t", data.t, (len(x),)).astype(dtype)
    x_test = check_array("data.x_test", data.x_test, (len(data.x_test), x.shape[1]))  # may be empty
    perm = rng.permutation(len(x))
    n_validation = round(VALIDATION_FRACTION * len(perm))
    val_idx, train_idx = perm[:n_validation], perm[n_validation:]
    a, b = _centre_and_scale(x[train_idx], scaling)
    _check_scale(x[train_idx], b, scaling, data.features)

    def scaled(x: Array) -> Array:
        return np.asarray((x - a) / b).astype(dtype)

    return Experiment(
        scaled(x[train_idx]),
        t[train_idx],
        scaled(x[val_idx]),
        t[val_idx],
        scaled(x_test),
        x[train_idx].std(axis=0),
        b,
        a,
    )


def _centre_and_scale(x: Array, scaling: str) -> tuple[Array, Array]:
    """a and b of the module's table, each (D,), for training rows x (N, D)."""
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
    if scaling in ("standard", "min-max", "robust"):
        # the mean of equal numbers is rounded, so their deviation may be above 0
        b = np.where((x == x[0]).all(axis=0), 0.0, b)
    return a, b


def _check_scale(x: Array, b: Array, scaling: str, features: Sequence[str]) -> None:
    """Raise ValueError for the first feature whose b is 0 or not finite."""
    for j in np.flatnonzero((b == 0) | ~np.isfinite(b)).tolist():
        if (x[:, j] == x[0, j]).all():
            expected, got = "different values", f"{x[0, j]:g} in all {len(x)} training rows"
            action = "leave the feature out"
        else:
            expected, got = f"a finite {DIVISORS[scaling]} above 0", f"{b[j]:g}"
            action = "use another scaling or leave the feature out"
        raise ValueError(
            f"scaling: expected {expected} of the feature {features[j]}, got {got}; {action}"
        )
