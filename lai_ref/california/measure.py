"""Measure the table behind the synthetic California housing data, `california.json`.

    python -m lai_ref.california.measure --data DIR [--out FILE]

DIR contains Kaggle's train.csv and test.csv. All numbers are measured on train.csv: quantiles of
features and target, rank correlations of the features, the smooth part of the target (a network
trained by `lai_training`), and the standard deviation of the residuals. `synthetic` uses them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from lai_ref.adam import Adam
from lai_ref.california.data import load_california
from lai_ref.california.synthetic import TABLE
from lai_ref.losses import Plain
from lai_ref.mlp import MLP
from lai_ref.support.files import atomic_write, check_writable
from lai_ref.support.rounding import json_text, rounded
from lai_ref.support.terminal import option_names, run_program
from lai_ref.support.validation import Array
from lai_ref.tables.dataset import Dataset
from lai_ref.train import lai_training

TARGET = "MedHouseVal"
HIDDEN = (20, 12)
EPOCHS = 200
TAIL = (0, 1, 2, 3, 5, 8, 16, 32, 64, 128, 200)  # ranks from either end: the extreme rows
BINS = 12  # of f, for the standard deviation of the noise


def measure(data: Dataset, *, epochs: int = EPOCHS) -> dict[str, Any]:
    """The table, ready for JSON, with a network trained for `epochs` epochs."""
    columns = dict(zip((*data.features, TARGET), [*data.x.T, data.t], strict=True))
    ordered = {name: np.sort(column) for name, column in columns.items()}
    ranks = grid(list(ordered.values()))
    network, f = fit(data.x, data.t, epochs)
    return {
        "about": f"{data.source}, train.csv, measured by lai_ref/california/measure.py;"
        " the symbols are those of lai_ref/california/synthetic.py",
        "features": list(data.features),
        "target": TARGET,
        "ranks": ranks,
        "quantiles": {name: rounded(c[ranks], 6) for name, c in ordered.items()},
        "rank_correlations": rounded(rank_correlations(data.x), 4),
        **network,
        **spread(f, data.t - f),
    }


def grid(ordered: list[Array]) -> list[int]:
    """The ranks, from 0, at which the quantiles of the sorted columns are taken.

    Every percentile, more ranks in the tails, and the ranks where a column leaves its minimum and
    reaches its maximum, so that the same fraction of rows is capped.
    """
    last = len(ordered[0]) - 1
    ranks = {*np.linspace(0, last, 101).round().astype(int).tolist()}
    ranks |= {*TAIL, *(last - rank for rank in TAIL)}
    for c in ordered:
        first, end = int(np.searchsorted(c, c[0], "right")), int(np.searchsorted(c, c[-1]))
        ranks |= {first - 1, first, end - 1, end}
    return sorted(rank for rank in ranks if 0 <= rank <= last)


def rank_correlations(x: Array) -> Array:
    """Spearman's correlations (D, D) of the columns of x (n, D); ties have their average rank."""
    ranks = np.empty(x.shape)
    for j, column in enumerate(x.T):
        _, which, counts = np.unique(column, return_inverse=True, return_counts=True)
        ranks[:, j] = (np.cumsum(counts) - (counts + 1) / 2)[which]
    return np.asarray(np.corrcoef(ranks, rowvar=False))


def fit(x: Array, t: Array, epochs: int) -> tuple[dict[str, Any], Array]:
    """Train a tanh network on the standardised features: its parameters and its outputs f (n,)."""
    m, s = rounded(x.mean(axis=0), 6), rounded(x.std(axis=0), 6)
    z = ((x - m) / s).astype(np.float32)
    net = MLP((x.shape[1], *HIDDEN, 1), "tanh")
    run = lai_training(
        net,
        z,
        t.astype(np.float32),
        loss=Plain(2),
        optimizer=Adam(lr=2e-3),
        pretrain_epochs=epochs,
        lai_epochs=0,
        batch_size=128,
        rng=np.random.default_rng(0),
    )
    for epoch in run:
        print(f"\rfit: epoch {epoch.index} of {epochs}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    layers = rounded([[W, b] for W, b in net.unflatten(epoch.state.theta)], 4)
    return {"m": m, "s": s, "layers": layers}, net.predict(epoch.state.theta, z)


def spread(f: Array, e: Array) -> dict[str, Any]:
    """Mean μ and standard deviation τ of f (n,), and σ of the residuals e (n,) in bins of f."""
    parts = np.array_split(np.argsort(f), BINS)
    at, sigma = [f[p].mean() for p in parts], [e[p].std() for p in parts]
    return {
        "mu": rounded(f.mean(), 4),
        "tau": rounded(f.std(), 4),
        "f": rounded(at, 4),
        "sigma": rounded(sigma, 4),
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; exit status 0: done, 2: invalid input, 130: interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m lai_ref.california.measure", description=__doc__
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="DIR", required=True, help="Kaggle's train.csv and test.csv")
    add("--out", type=Path, metavar="FILE", default=TABLE, help="where the table is written")
    options = parser.parse_args(arguments)
    try:
        check_writable("--out", options.out.parent)
        with option_names(path="data"):
            data = load_california(options.data)
        print(f"data: {data.source}", file=sys.stderr)
        atomic_write(options.out, json_text(measure(data)).encode())
        return 0
    except BrokenPipeError:  # standard output was closed: `run_program` handles it
        raise
    except (ValueError, OSError) as error:
        print(f"lai_ref.california.measure: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    run_program(main)
