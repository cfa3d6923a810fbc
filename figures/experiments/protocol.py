"""The protocol of the experiment, and its trainings: one arm per loss and seed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from figures.experiments.arms import CONTROL
from figures.experiments.evaluation import NOISE_KINDS
from figures.experiments.inputs import Job, digest_of, load_data
from figures.experiments.intervals import paired_change
from figures.experiments.jobs import Work, cache_path, run_jobs
from figures.experiments.settings import Numbers, Settings
from figures.experiments.trained import continue_training, pretrain
from lai_ref import load_state

PROTOCOL: dict[str, Any] = {
    "sizes": [8, 32, 16, 1],  # the first is the number of features of the data
    "activation": "tanh",
    "scaling": "max-abs",
    "target_scaling": "raw",  # or standard: mean 0, standard deviation 1 over the training samples
    "dtype": "float32",
    "batch_size": 32,
    "lr": 1e-4,
    "alpha": 0.01,
    "sampling": "separate",
    "pretrain_epochs": 100,
    "lai_epochs": 100,
    "order": 2,
    "l1_ratio": 0.0,
    "reduction": "batch",
    "divided": True,  # by λ < 1 (§2.2)
    "new_adam": False,  # whether Adam's moments start from 0 after pretraining
    "rows": None,  # number of rows of the files; None: all
    "train_rows": None,  # number of training samples; None: all
    "noises": [],  # noises for the sensitivity
    "strides": [4, 8],  # strides of the test samples for k and for noise
}
# noises for the sensitivity (§6.2); the paper does not report its own
NOISES = [[kind, s] for kind in NOISE_KINDS for s in (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)]
# changes for figures about the smoothing itself: with standardised inputs λ has the same meaning
# for every feature, and training takes seconds
STANDARDISED: Job = {"scaling": "standard", "sampling": "points", "batch_size": 256, "lr": 1e-3}
UNIT = "100,000 $"  # of the target
# for a CSV file
MIN_ROWS = 50
MAX_TRAIN_ROWS, MAX_STEPS = 20_000, 5000
QUICK_TRAIN_ROWS = 400
MAX_MEASURED = 1000  # largest number of test samples for k and noise
QUICK = {"pretrain_epochs": 3, "lai_epochs": 3, "rows": 3000}


def arms_of(settings: Settings, seeds: Iterable[int], **changes: Any) -> list[Job]:
    """The control arm (MSE) of every seed under the protocol with `changes`.

    The protocol of a CSV file is `table_protocol`; there, `changes` to it have no effect.
    """
    data = load_data(settings.inputs)
    digest = digest_of(data.x, data.t, data.x_test)
    sizes = [data.x.shape[1], *PROTOCOL["sizes"][1:]]
    protocol = PROTOCOL | {"sizes": sizes} | (QUICK if settings.quick else {}) | changes
    if settings.target is not None:
        protocol |= table_protocol(len(data.x), len(data.x_test), settings.quick)
    return [{"data": digest, "seed": seed, **protocol, **CONTROL} for seed in seeds]


def check_rows(rows: int) -> None:
    """Raise ValueError if a CSV file has fewer than `MIN_ROWS` rows."""
    if rows < MIN_ROWS:
        halves = f"a half of the validation set would have {round(0.2 * rows) // 2} samples"
        raise ValueError(
            f"--data: expected at least {MIN_ROWS} rows, got {rows} ({halves}); add rows"
        )


def table_protocol(rows: int, test_rows: int, quick: bool) -> Job:
    """The protocol for a CSV file, from its numbers of rows.

    Inputs and target are standardised, so that λ and μ do not depend on units. An epoch has about
    16 steps, more if that needs batches of more than 256. Epochs and training samples are limited,
    so that a training has at most about `MAX_STEPS` steps.

    Raises
    ------
    ValueError
        If the table has fewer than `MIN_ROWS` rows.
    """
    check_rows(rows)
    n = min(rows - round(0.2 * rows), QUICK_TRAIN_ROWS if quick else MAX_TRAIN_ROWS)
    batch = min(256, max(16, 2 ** round(math.log2(n / 16))))
    epochs = min(100, MAX_STEPS // math.ceil(n / batch) // 2)
    measured = test_rows or rows - n
    return {
        "scaling": "standard",
        "target_scaling": "standard",
        "sampling": "points",
        "alpha": 0.1,  # the paper's 1 % would be very few samples of a small table
        "lr": 1e-3,
        "batch_size": batch,
        "pretrain_epochs": 10 if quick else epochs,
        "lai_epochs": 10 if quick else epochs,
        "rows": None,
        "train_rows": n if n < rows - round(0.2 * rows) else None,
        "strides": [math.ceil(measured / MAX_MEASURED)] * 2,
    }


def protocol_of(arm: Job) -> dict[str, Any]:
    """The protocol's entries of an arm, for the JSON of a figure."""
    return {name: arm[name] for name in PROTOCOL}


def pretraining_of(arm: Job) -> Job:
    """The entries of an arm that its pretraining depends on: the job of `pretrain`."""
    later = {"alpha", "sampling", "lai_epochs", "order", "l1_ratio", "reduction", "divided"}
    later |= {*CONTROL, "new_adam", "noises"}
    return {name: value for name, value in arm.items() if name not in later}


def train_all(settings: Settings, arms: list[Job], title: str) -> list[Job]:
    """Train every arm; return each with its results and those of its pretraining.

    Equal pretrainings, in this or another figure, are computed once and cached.
    """
    folder = settings.out / "arms"
    first = [pretraining_of(arm) for arm in arms]
    # a cached pretraining without its checkpoint cannot be used
    for path in {cache_path(pretrain, job, folder) for job in first}:
        try:
            load_state(path.with_suffix(".npz"))
        except (OSError, ValueError):
            path.unlink(missing_ok=True)

    def run(work: Work, jobs: list[Job], title: str) -> list[Job]:
        return run_jobs(work, jobs, settings.inputs, folder, settings.jobs, title)

    starts = run(pretrain, first, f"{title}, pretraining")
    jobs = [{**arm, "start": start["state"]} for arm, start in zip(arms, starts, strict=True)]
    results = run(continue_training, jobs, title)
    return [
        {**arm, "pretraining": {"rmse": start["rmse"], "path": start["path"]}, **result}
        for arm, start, result in zip(arms, starts, results, strict=True)
    ]


def summarise_setting(arms: list[Numbers], names: Iterable[str], **setting: Any) -> Numbers:
    """Summarise the measures `names` over the seeds of a setting, with their changes to MSE."""
    mine = [arm for arm in arms if all(arm[name] == value for name, value in setting.items())]
    control = [arm for arm in arms if arm["lam"] is None]  # same seeds in the same order
    summary: Numbers = {**setting}
    for name in names:
        values, base = ([arm[name] for arm in some] for some in (mine, control))
        summary[name] = level(values)
        summary[f"{name}_change"] = paired_change(values, base)
    return summary


def level(values: npt.ArrayLike) -> Numbers:
    """Mean and standard deviation over the seeds, the first axis."""
    a = np.asarray(values)
    return {"mean": a.mean(axis=0).tolist(), "sd": a.std(axis=0, ddof=len(a) > 1).tolist()}
