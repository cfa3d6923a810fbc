"""The jobs of the search: trainings whose result may be that they diverge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from figures.experiments.inputs import Job, Source
from figures.experiments.trained import continue_training, pretrain
from lai_ref import DivergedError


def pretrain_if_finite(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """The result of `pretrain`, or `diverged`: the first epoch with an infinite or NaN value."""
    try:
        return pretrain(job, data, cache)
    except DivergedError as error:
        return {"diverged": error.epoch}


def continue_if_finite(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """The results of `continue_training` that the search compares, or `diverged`."""
    if job["start"] is None:
        return {"diverged": 0}
    try:
        result = continue_training(job, data, cache)
    except DivergedError as error:
        return {"diverged": error.epoch}
    return {name: result[name] for name in ("rmse", "variance", "mean_grad_norm", "constant")}
