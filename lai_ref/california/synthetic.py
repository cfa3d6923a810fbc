"""Synthetic data like California housing, drawn from a small table of its statistics.

A Gaussian copula (Nelsen 2006) joins the features: scores g with the correlations r give the ranks,
and the ranks give the values. With ρ_ij the rank correlations and Q_j(0) ≤ … ≤ Q_j(1) the
quantiles of feature j, for n rows (those of train.csv or of test.csv):

    r_ij = 2 sin(π ρ_ij / 6)               normal correlation of a rank correlation ρ (Pearson 1907)
    g = ε Cᵀ,  C Cᵀ = r,  ε ~ N(0, 1)
    x_ij = Q_j(rank(g_ij) / (n − 1)),      rank from 0 to n − 1 within column j

Both sets of rows therefore cover the full range of every feature, with its few extreme rows. The
target is a small network of the standardised features, shifted and scaled to the mean μ and
standard deviation τ of its output on the real data, plus noise whose standard deviation σ depends
on that output. These values are then mapped to the quantiles Q_t, which include the cap:

    f = tanh(tanh((x − m)/s · W₁ + b₁) · W₂ + b₂) · W₃ + b₃
    f ← μ + τ (f − mean f) / std f
    h = f + σ(f) ε,  ε ~ N(0, 1)
    t_i = Q_t(rank(h_i) / (n − 1))
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.support.validation import Array

TABLE = Path(__file__).with_name("california.json")


def make_synthetic_california(
    rng: np.random.Generator, n: int, path: Path = TABLE
) -> tuple[Array, Array]:
    """Features x (n, 8) and target t (n,) of n ≥ 2 rows, float64, from the table at `path`."""
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    quantiles = [np.array(table["quantiles"][name]) for name in table["features"]]

    # r = 2 sin(π ρ / 6);  g = ε Cᵀ
    r = 2 * np.sin(np.pi / 6 * np.array(table["rank_correlations"]))
    g = rng.standard_normal((n, len(r))) @ np.linalg.cholesky(r).T
    # x = Q(rank(g) / (n − 1))
    columns = zip(g.T, quantiles, strict=True)
    x = np.column_stack([_map_quantiles(scores, table["ranks"], q) for scores, q in columns])

    # f = tanh(tanh((x − m)/s · W₁ + b₁) · W₂ + b₂) · W₃ + b₃
    *hidden, (W3, b3) = [(np.array(W), np.array(b)) for W, b in table["layers"]]
    a = (x - table["m"]) / table["s"]
    for W, b in hidden:
        a = np.tanh(a @ W + b)
    f = (a @ W3 + b3)[:, 0]
    # f ← μ + τ (f − mean f) / std f
    f = table["mu"] + table["tau"] * (f - f.mean()) / f.std()
    # h = f + σ(f) ε
    h = f + np.interp(f, table["f"], table["sigma"]) * rng.standard_normal(n)
    # t = Q_t(rank(h) / (n − 1))
    return x, _map_quantiles(h, table["ranks"], np.array(table["quantiles"][table["target"]]))


def _map_quantiles(scores: Array, ranks: npt.ArrayLike, quantiles: Array) -> Array:
    """Q(rank / (n − 1)): the values with the order of `scores` (n,) and the given quantiles.

    `quantiles` are the real data's values at `ranks`, which count from 0 to the last row.
    """
    n, ranks = len(scores), np.asarray(ranks)
    values = np.empty(n)
    values[np.argsort(scores, kind="stable")] = np.interp(
        np.arange(n) * (ranks[-1] / (n - 1)), ranks, quantiles
    )
    return values
