from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import protocol
from figures.experiments.protocol import (
    PROTOCOL,
    arms_of,
    pretraining_of,
    summarise_over_seeds,
    train_all,
)
from figures.experiments.settings import Settings
from figures.experiments.trained import CONTROL
from lai_ref import Dataset

SMALL = {"rows": 400, "pretrain_epochs": 3, "lai_epochs": 3}


@pytest.mark.parametrize("change", [{"alpha": 0.5}, {"sampling": "batches"}, {"lam": 0.1}])
def test_pretraining_does_not_depend_on_what_comes_after_it(change: dict[str, Any]) -> None:
    arm = {**PROTOCOL, **CONTROL, "seed": 0, "data": "some"}
    assert pretraining_of({**arm, **change}) == pretraining_of(arm)


@pytest.mark.parametrize("change", [{"seed": 1}, {"lr": 0.1}, {"rows": 5}, {"sizes": [8, 1]}])
def test_pretraining_depends_on_all_else(change: dict[str, Any]) -> None:
    arm = {**PROTOCOL, **CONTROL, "seed": 0, "data": "some"}
    assert pretraining_of({**arm, **change}) != pretraining_of(arm)


def test_a_pretraining_whose_checkpoint_is_lost_is_computed_again(tmp_path: Path) -> None:
    settings = Settings(tmp_path, seeds=1, jobs=1, quick=True)
    arms = arms_of(settings, [0], **SMALL)
    first = train_all(settings, arms, "test")
    (checkpoint,) = (tmp_path / "arms").glob("*.npz")
    checkpoint.write_bytes(b"half of it")
    (cached,) = (tmp_path / "arms").glob("continue_training-*")
    cached.unlink()
    assert train_all(settings, arms, "test") == first


def test_the_network_has_as_many_inputs_as_the_data_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Dataset(np.zeros((4, 2)), np.zeros(4), np.zeros((3, 2)), ("a", "b"), "made up")
    monkeypatch.setattr(protocol, "california", lambda data: two)
    (arm,) = arms_of(Settings(tmp_path), [0])
    assert arm["sizes"] == [2, 64, 32, 1]


def test_an_arm_rejects_other_data_than_those_it_names(tmp_path: Path) -> None:
    settings = Settings(tmp_path, seeds=1, jobs=1, quick=True)
    (arm,) = arms_of(settings, [0], **SMALL)
    with pytest.raises(ValueError, match="the files have changed"):
        train_all(settings, [{**arm, "data": "other"}], "test")


def test_seeds_are_summarised_column_by_column() -> None:
    summary = summarise_over_seeds([[1.0, 5.0], [4.0, 6.0], [2.0, 9.0]])
    assert summary == {"median": [2.0, 6.0], "least": [1.0, 5.0], "most": [4.0, 9.0]}
    assert summarise_over_seeds([3.0]) == {"median": 3.0, "least": 3.0, "most": 3.0}
