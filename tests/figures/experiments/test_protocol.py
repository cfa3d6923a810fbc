from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import protocol
from figures.experiments.arms import CONTROL
from figures.experiments.protocol import (
    PROTOCOL,
    QUICK,
    arms_of,
    level,
    pretraining_of,
    protocol_of,
    summarise_setting,
    train_all,
)
from figures.experiments.settings import Settings
from figures.experiments.trained import pretrain
from lai_ref import Dataset

SMALL = {"rows": 400, "pretrain_epochs": 3, "lai_epochs": 3}


LATER: list[dict[str, Any]] = [
    {"alpha": 0.5},
    {"sampling": "batches"},
    {"sampling": "fixed"},
    {"sampling": "only"},
    {"lam": 0.1},
    {"lam": [0.1] * 8},
    {"mu": 1.0},
    {"decay": 1.0},
    {"jitter": 0.1},
    {"noises": [["std", 0.1]]},
    {"divided": False},
    {"new_adam": True},
    {"order": 1},
    {"l1_ratio": 0.5},
    {"reduction": "sample"},
    {"lai_epochs": 7},
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("out"), seeds=1, jobs=1, quick=True)


@pytest.mark.parametrize("change", LATER)
def test_pretraining_does_not_depend_on_what_comes_after_it(
    change: dict[str, Any], settings: Settings
) -> None:
    (arm,) = arms_of(settings, [0], **SMALL)
    assert pretraining_of({**arm, **change}) == pretraining_of(arm)
    # and that is so: `pretrain` gives the same for the whole arm
    whole, part = ({**arm, **change}, pretraining_of(arm))
    found = [pretrain(job, None, settings.out / "one.json") for job in (whole, part)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"lr": 0.1},
        {"rows": 300},
        {"train_rows": 200},
        {"sizes": [8, 1]},
        {"activation": "relu"},
        {"scaling": "standard"},
        {"dtype": "float64"},
        {"batch_size": 16},
        {"pretrain_epochs": 4},
    ],
)
def test_pretraining_depends_on_all_else(change: dict[str, Any], settings: Settings) -> None:
    (arm,) = arms_of(settings, [0], **SMALL)
    jobs = [pretraining_of(arm), pretraining_of({**arm, **change})]
    assert jobs[0] != jobs[1]
    one, other = (pretrain(job, None, settings.out / "one.json") for job in jobs)
    assert one["rmse"] != other["rmse"]


def test_arms_of_a_seed_share_one_pretraining(settings: Settings) -> None:
    (control,) = arms_of(settings, [0], **SMALL)
    variants: list[dict[str, Any]] = [{}, {"lam": 0.1, "alpha": 0.5}, {"sampling": "only", "mu": 9}]
    variants += [{"decay": 3.0, "new_adam": True}]
    arms = [{**control, **variant} for variant in variants]
    results = train_all(settings, [*arms, {**control, "train_rows": 200}], "test")
    shared = [arm["pretraining"] for arm in results[:-1]]
    assert all(one == shared[0] for one in shared)
    assert results[-1]["pretraining"] != shared[0]
    assert len(list((settings.out / "arms").glob("pretrain-*.json"))) == 2
    assert len({arm["rmse"] for arm in results}) == len(results)
    for arm, result in zip(arms, results, strict=False):
        assert result.items() >= arm.items()
        assert len(shared[0]["rmse"]) == len(result["curve"]) == 3


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
    monkeypatch.setattr(protocol, "load_data", lambda data: two)
    (arm,) = arms_of(Settings(tmp_path), [0])
    assert arm["sizes"] == [2, *PROTOCOL["sizes"][1:]]


def test_arms_have_the_protocol_with_the_changes_last(tmp_path: Path) -> None:
    arms = arms_of(Settings(tmp_path), [4, 2], alpha=0.3)
    assert [arm["seed"] for arm in arms] == [4, 2]
    assert [protocol_of(arm) for arm in arms] == [PROTOCOL | {"alpha": 0.3}] * 2
    assert all(arm[name] is None for arm in arms for name in CONTROL)
    (quick,) = arms_of(Settings(tmp_path, quick=True), [0], lai_epochs=9)
    assert protocol_of(quick) == PROTOCOL | QUICK | {"lai_epochs": 9}


def test_an_arm_rejects_other_data_than_those_it_names(tmp_path: Path) -> None:
    settings = Settings(tmp_path, seeds=1, jobs=1, quick=True)
    (arm,) = arms_of(settings, [0], **SMALL)
    with pytest.raises(ValueError, match="the files have changed"):
        train_all(settings, [{**arm, "data": "other"}], "test")


# Over seeds


def test_a_level_is_mean_and_standard_deviation_column_by_column() -> None:
    assert level([[1.0, 5.0], [4.0, 6.0], [1.0, 10.0]]) == {
        "mean": [2.0, 7.0],
        "sd": [pytest.approx(math.sqrt(3)), pytest.approx(math.sqrt(7))],  # divided by n − 1 = 2
    }
    assert level([3.0]) == {"mean": 3.0, "sd": 0.0}


def test_a_setting_is_compared_with_mse_seed_by_seed() -> None:
    numbers = {None: [2.0, 4.0], 0.1: [1.0, 2.0], 0.01: [3.0, 3.0]}
    arms = [{"lam": lam, "rmse": a, "norm": [a, a * a]} for lam, b in numbers.items() for a in b]
    row = summarise_setting(arms, ("rmse", "norm"), lam=0.1)
    assert row["lam"] == 0.1
    assert row["rmse"] == {"mean": 1.5, "sd": pytest.approx(math.sqrt(0.5))}
    # both ratios are 1/2
    assert row["rmse_change"] == pytest.approx({"mean": -0.5, "low": -0.5, "high": -0.5})
    assert row["norm_change"]["mean"] == pytest.approx([-0.5, -0.75])
    control = summarise_setting(arms, ("rmse",), lam=None)
    assert control["rmse"]["mean"] == 3
    assert control["rmse_change"] == {"mean": 0, "low": 0, "high": 0}
