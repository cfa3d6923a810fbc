"""Evaluation of a trained network: its error, and its sensitivity to noise in one feature (§6)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.mlp import MLP
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_array, check_rng, to_double


@ignores_error_state
def rmse(y: npt.ArrayLike, t: npt.ArrayLike) -> Any:
    """Root mean squared error √(mean (y − t)²), a scalar in the units of t; y and t are (N,).

    Examples
    --------
    >>> float(rmse([1.0, 2.0], [4.0, 6.0]))
    3.5355339059327378
    """
    y = check_array("y", y, ("N",))
    t = check_array("t", t, (len(y),))
    e = to_double(y) - to_double(t)
    return np.sqrt((e * e).mean()).astype(np.result_type(y, t))


@ignores_error_state
def noise_sensitivity(
    net: MLP, theta: Array, x: Array, sigma: npt.ArrayLike, rng: np.random.Generator
) -> Array:
    """Mean |Δy| when Gaussian noise is added to one feature at a time: (D,), in units of y (§6.2).

    Parameters
    ----------
    x
        Inputs (N, D).
    sigma
        Standard deviation of the noise in units of x: one number, one per feature (D,), or one per
        entry of x (N, D). At least 0.
    rng
        Generator of N normal numbers; each feature uses the same ones, multiplied by its sigma.

    Raises
    ------
    ValueError
        A sigma of another shape, or below 0.
    """
    check_rng("rng", rng)
    x = check_array("x", x, ("N", net.sizes[0]))
    sigma = check_array("sigma", sigma, None)
    shape = ((), x.shape[1:], x.shape)[min(sigma.ndim, 2)]
    sigma = np.broadcast_to(check_array("sigma", sigma, shape), x.shape)
    if (sigma < 0).any():
        raise ValueError(f"sigma: expected at least 0, got {sigma.min()}")
    y = net.predict(theta, x)
    noise = rng.standard_normal(len(x))
    change = np.empty(x.shape[1], y.dtype)
    for j in range(x.shape[1]):
        x_perturbed = x.copy()
        x_perturbed[:, j] += sigma[:, j] * noise
        change[j] = np.abs(net.predict(theta, x_perturbed) - y).mean()
    return change
