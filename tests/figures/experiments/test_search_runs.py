from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from figures.experiments import search_runs
from lai_ref import DivergedError, TrainingState


def test_a_run_that_diverges_is_a_result(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def diverge(*_: Any) -> dict[str, Any]:
        raise DivergedError(7, 1, TrainingState(*[None] * 6))  # type: ignore[arg-type]

    monkeypatch.setattr(search_runs, "pretrain", diverge)
    monkeypatch.setattr(search_runs, "continue_training", diverge)
    assert search_runs.pretrain_if_finite({}, None, tmp_path) == {"diverged": 7}
    assert search_runs.continue_if_finite({"start": "state.npz"}, None, tmp_path) == {"diverged": 7}
    assert search_runs.continue_if_finite({"start": None}, None, tmp_path) == {"diverged": 0}
