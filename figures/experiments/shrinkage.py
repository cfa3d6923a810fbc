"""A baseline without training: the outputs of MSE, shrunk towards their mean.

    y ← m + c (y − m),  c ≤ 1:   the variance falls to c² times, ‖k‖ to c times its value

So a smaller variance of the outputs alone does not show that a model is smoother.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from figures.experiments.evaluation import rmse_of
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Numbers


def shrunk_changes(arms: list[Numbers], lam: Any) -> Numbers:
    """Changes to MSE, over seeds, if its outputs are shrunk to the variance of the arm with λ.

    The changes are those of RMSE and of the mean gradient norm. In a seed in which the arm with λ
    has the larger variance, nothing is shrunk.
    """
    of = {arm["seed"]: arm for arm in arms if arm["lam"] == lam}
    control = {arm["seed"]: arm for arm in arms if arm["lam"] is None}
    ratios, factors = [], []
    for seed, mse in control.items():
        c = factor_to(mse, "variance", of[seed]["variance"])
        moments = np.mean(mse["moments"], axis=0).tolist()  # of the whole validation set
        ratios.append(rmse_of(moments, c) / rmse_of(moments))
        factors.append(c)
    ones = np.ones(len(ratios))
    return {
        "rmse_change": paired_change(ratios, ones),
        "mean_grad_norm_change": paired_change(factors, ones),
    }


def shrunk(arm: Numbers, c: float) -> Numbers:
    """RMSE and smoothness of an arm with its outputs shrunk by c."""
    ratios = [rmse_of(moments, c) / rmse_of(moments) for moments in arm["moments"]]
    return {
        "halves": [rmse * ratio for rmse, ratio in zip(arm["halves"], ratios, strict=True)],
        "variance": arm["variance"] * c**2,
        "mean_grad_norm": arm["mean_grad_norm"] * c,
        "sensitivity": (c * np.asarray(arm["sensitivity"])).tolist(),
    }


def factor_to(arm: Numbers, measure: str, value: float) -> float:
    """The c ≤ 1 for which shrunk outputs of an arm have this value of a measure."""
    ratio = value / arm[measure]
    return min(1.0, math.sqrt(ratio) if measure == "variance" else ratio)
