"""The jobs of `compare`: one training per seed and setting, measured at the epochs to stop at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from figures.experiments.arms import make_loss, make_optimizer
from figures.experiments.evaluation import mean_of
from figures.experiments.inputs import Job, Source
from figures.experiments.trained import make_evaluator
from lai_ref import MLP, Plain, lai_training


def train_to_stops(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Pretrain and train; return the measures of the network at each of the job's `stops`.

    A stop is an epoch. Each measure is the mean over the last `window` epochs up to it, for every
    loss, since a single epoch may be good by chance. `constant` is the RMSE of the training
    samples' mean target on the same halves of the validation set.
    """
    rng = np.random.default_rng(job["seed"])
    net = MLP(job["sizes"], job["activation"])
    evaluator = make_evaluator(net, job, data, rng)
    task, loss = evaluator.task, make_loss(job)
    epochs = lai_training(
        net,
        task.x,
        task.t,
        loss=loss,
        alpha=0.0 if loss == Plain() else job["alpha"],
        sampling=job["sampling"],
        pretrain_epochs=job["pretrain_epochs"],
        lai_epochs=job["lai_epochs"],
        batch_size=job["batch_size"],
        optimizer=make_optimizer(job, net),
        rng=rng,
    )
    measured: dict[int, list[dict[str, Any]]] = {stop: [] for stop in job["stops"]}
    for epoch in epochs:
        wanted = [stop for stop in measured if stop - job["window"] < epoch.index <= stop]
        if wanted:
            record = evaluator.measure(epoch.state.theta)
            record["sensitivity"] = evaluator.sensitivity(epoch.state.theta)[0].tolist()
            for stop in wanted:
                measured[stop].append(record)
    stops = [{"epoch": stop, **mean_of(records)} for stop, records in measured.items()]
    residual = task.t_val.astype(np.float64) - task.t.mean(dtype=np.float64)
    middle = len(residual) // 2
    constant = [
        evaluator.target_scale * float(np.sqrt(np.mean(half**2)))
        for half in (residual[:middle], residual[middle:])
    ]
    sizes = {"train": len(task.x), "validation": len(task.x_val)}
    return {"stops": stops, "constant": constant, **sizes}
