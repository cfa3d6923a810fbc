"""The protocol of the experiment, and the trainings under it: one arm per loss and seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from figures.experiments.inputs import Arm, california, digest_of
from figures.experiments.jobs import kept_at, run_arms
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trained import CONTROL, continue_training, pretrain
from lai_ref import load_state

PROTOCOL: dict[str, Any] = {
    "sizes": [8, 64, 32, 1],  # the first is the number of features, for other data another
    "activation": "tanh",
    "scaling": "standard",
    "dtype": "float32",
    "batch_size": 64,
    "lr": 1e-3,
    "alpha": 0.01,
    "sampling": "points",
    "pretrain_epochs": 100,
    "lai_epochs": 100,
    "order": 2,
    "l1_ratio": 0.0,
    "reduction": "batch",
    "rows": None,  # all of them
}
UNIT = "100,000 $"  # of the target
QUICK = {"pretrain_epochs": 3, "lai_epochs": 3, "rows": 3000}


def arms_of(settings: Settings, seeds: Iterable[int], **changes: Any) -> list[Arm]:
    """The control arm of every seed under the protocol with `changes`; others are made from it."""
    data = california(settings.data)
    digest = digest_of(data.x, data.t, data.x_test)
    sizes = [data.x.shape[1], *PROTOCOL["sizes"][1:]]
    protocol = PROTOCOL | {"sizes": sizes} | (QUICK if settings.quick else {}) | changes
    return [{"data": digest, "seed": seed, **protocol, **CONTROL} for seed in seeds]


def protocol_of(arm: Arm) -> dict[str, Any]:
    """The part of an arm that is the protocol's, for the results to name."""
    return {name: arm[name] for name in PROTOCOL}


def train_all(settings: Settings, arms: list[Arm], title: str) -> list[Arm]:
    """Every arm with its results: what `continue_training` returns, and its pretraining's curve.

    Arms that share a pretraining, in this figure or in another, share the one that is kept.
    """
    folder = settings.out / "arms"
    shared = list({str(first): first for arm in arms if (first := _pretraining(arm))}.values())
    for first in shared:  # a kept pretraining is worth as much as its state
        kept = kept_at(pretrain, first, folder)
        try:
            load_state(kept.with_suffix(".npz"))
        except (OSError, ValueError):
            kept.unlink(missing_ok=True)

    def run(work: Any, arms: list[Arm], title: str) -> list[Arm]:
        return run_arms(work, arms, settings.data, folder, settings.jobs, title)

    starts = run(pretrain, shared, f"{title}, pretraining")
    started = {str(first): start for first, start in zip(shared, starts, strict=True)}
    mine = [started[str(_pretraining(arm))] for arm in arms]
    full = [{**arm, "start": start["state"]} for arm, start in zip(arms, mine, strict=True)]
    results = run(continue_training, full, title)
    return [
        {**arm, "pretraining": {"rmse": start["rmse"], "path": start["path"]}, **result}
        for arm, start, result in zip(arms, mine, results, strict=True)
    ]


def over_seeds(values: npt.ArrayLike) -> Numbers:
    """Median, least and most over the first axis, that of the seeds."""
    a = np.asarray(values)
    found = {"median": np.median(a, axis=0), "least": a.min(axis=0), "most": a.max(axis=0)}
    return {name: value.tolist() for name, value in found.items()}


def _pretraining(arm: Arm) -> Arm:
    """The part of an arm that its pretraining depends on."""
    later = {*CONTROL, "alpha", "sampling", "lai_epochs", "order", "l1_ratio", "reduction"}
    return {name: value for name, value in arm.items() if name not in later}
