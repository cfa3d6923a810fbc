from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments.inputs import load_data
from figures.experiments.protocol import (
    MAX_MEASURED,
    MAX_STEPS,
    arms_of,
    table_protocol,
    train_all,
)
from figures.experiments.settings import Settings
from figures.experiments.trained import make_evaluator
from lai_ref import MLP
from tests.figures.csv_files import written


@pytest.mark.parametrize(
    ("rows", "train", "batch", "epochs"),
    [(50, 40, 16, 100), (500, 400, 32, 100), (5000, 4000, 256, 100), (10**6, 20_000, 256, 31)],
)
def test_a_table_of_any_length_takes_a_limited_number_of_steps(
    rows: int, train: int, batch: int, epochs: int
) -> None:
    found = table_protocol(rows, 0, quick=False)
    assert (found["train_rows"] or round(0.8 * rows)) == train
    assert (found["batch_size"], found["pretrain_epochs"], found["lai_epochs"]) == (
        batch,
        epochs,
        epochs,
    )
    assert math.ceil(train / batch) * 2 * epochs <= MAX_STEPS
    assert found["scaling"] == found["target_scaling"] == "standard"
    measured = rows - round(0.8 * rows)
    assert all(math.ceil(measured / stride) <= MAX_MEASURED for stride in found["strides"])


def test_a_table_too_short_to_judge_by_is_rejected() -> None:
    with pytest.raises(ValueError, match="expected at least 50 rows, got 49"):
        table_protocol(49, 0, quick=False)


def trained_on(file: Path, **changes: Any) -> dict[str, Any]:
    settings = Settings(file.parent / "out", file, jobs=1, quick=True, target="y", **changes)
    (arm,) = arms_of(settings, [0], noises=[["std", 0.1]])
    (result,) = train_all(settings, [{**arm, "lam": 0.01}], "test")
    return result


@pytest.mark.slow
def test_results_for_a_csv_file_have_its_targets_units_and_depend_on_nothing_else_of_them(
    tmp_path: Path,
) -> None:
    one = trained_on(written(tmp_path / "one.csv"))
    other = trained_on(written(tmp_path / "other.csv", scale=1e6, shift=-1e8))
    assert one["target_scaling"] == "standard" and one["sizes"][0] == 2
    for name in ("rmse", "halves", "mean_grad_norm", "sensitivity", "curve", "constant"):
        np.testing.assert_allclose(other[name], np.multiply(1e6, one[name]), rtol=1e-3)
    np.testing.assert_allclose(other["variance"], 1e12 * one["variance"], rtol=1e-3)


def test_without_test_data_the_validation_inputs_take_their_place(tmp_path: Path) -> None:
    file = written(tmp_path / "table.csv")
    settings = Settings(tmp_path, file, quick=True, target="y")
    (job,) = arms_of(settings, [3])
    net = MLP(job["sizes"])
    evaluator = make_evaluator(net, job, settings.inputs, np.random.default_rng(3))
    task = evaluator.task
    np.testing.assert_array_equal(task.x_test, task.x_val)
    data = load_data(settings.inputs)
    perm = np.random.default_rng(3).permutation(60)
    np.testing.assert_array_equal(evaluator.raw, data.x[perm[:12]])
    t = data.t[perm[12:]]
    np.testing.assert_allclose(task.t, (t - t.mean()) / t.std(), atol=1e-6)
    np.testing.assert_allclose(task.t_val, (data.t[perm[:12]] - t.mean()) / t.std(), atol=1e-6)
    with_test = Settings(tmp_path, file, quick=True, target="y", test=written(tmp_path / "t", n=9))
    (job,) = arms_of(with_test, [3])
    evaluator = make_evaluator(net, job, with_test.inputs, np.random.default_rng(3))
    assert len(evaluator.raw) == len(evaluator.task.x_test) == 9
