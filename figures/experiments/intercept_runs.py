"""Does a small λ leave the intercept undetermined (paper, appendix A)? A line fitted by Adam.

The data are those of the surfaces, y = 3x + 4 with noise ±4. The loss is Lai MAE, with all samples
in every step. The error of the intercept c is its distance from the best c for the current slope.
So it contains neither the sampling error nor the error of the slope.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from figures.experiments.inputs import Job, Source
from figures.experiments.line_data import best_intercepts, draw
from lai_ref import MLP, Adam, Lai, Plain, lai_training

N, NOISE, ORDER = 128, 4.0, 1


def fit_line(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """The errors of the intercept, a row per number of steps and a column per start.

    The job has the loss's `lam`, Adam's learning rate `lr`, `steps` and `starts`.
    """
    x, t = draw(NOISE, N)
    errors: list[list[float]] = [[] for _ in job["steps"]]
    for start in job["starts"]:
        run = lai_training(
            MLP((1, 1)),
            x[:, None],
            t,
            loss=Lai(job["lam"], order=ORDER),
            plain=Plain(ORDER),
            alpha=1.0,
            sampling="points",
            pretrain_epochs=0,
            lai_epochs=max(job["steps"]),
            batch_size=N,  # one step per epoch
            optimizer=Adam(lr=job["lr"]),
            rng=np.random.default_rng([start, 1]),
        )
        for epoch in run:
            if epoch.index in job["steps"]:
                k, c = epoch.state.theta
                (best,) = best_intercepts(np.array([k]), x, t, ORDER)
                errors[job["steps"].index(epoch.index)].append(round(abs(float(c - best)), 4))
    return {"errors": errors}
