from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from figures.experiments import intercept_runs
from figures.experiments.line_data import draw
from lai_ref import Lai

JOB = {"lam": 1.0, "lr": 0.05, "steps": [2, 5], "starts": [0, 3]}


def test_the_error_is_the_distance_from_the_intercept_that_is_best_for_the_slope(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, t = draw(4.0, 128)

    def training(net: Any, x: Any, t: Any, *, lai_epochs: int, **options: Any) -> Any:
        assert (options["loss"], options["alpha"]) == (Lai(1.0, order=1), 1.0)
        assert (options["batch_size"], options["optimizer"].lr) == (len(t), 0.05)
        for index in range(1, lai_epochs + 1):
            theta = np.array([1.5, 4.0 + index])
            yield SimpleNamespace(index=index, state=SimpleNamespace(theta=theta))

    monkeypatch.setattr(intercept_runs, "lai_training", training)
    errors = intercept_runs.fit_line(JOB, None, Path())["errors"]
    c = np.linspace(2, 6, 4001)
    best = c[np.abs(1.5 * x + c[:, None] - t).mean(axis=1).argmin()]
    expected = np.repeat([[4.0 + 2 - best], [4.0 + 5 - best]], 2, axis=1)
    # the mean absolute error is smallest between two neighbouring points
    np.testing.assert_allclose(errors, expected, atol=0.05)


def test_starts_differ_and_a_longer_run_continues_a_shorter_one() -> None:
    errors = intercept_runs.fit_line(JOB, None, Path())["errors"]
    assert errors[0][0] != errors[0][1]
    assert all(late < early for early, late in zip(*errors, strict=True))
    assert intercept_runs.fit_line({**JOB, "steps": [2]}, None, Path())["errors"] == errors[:1]
