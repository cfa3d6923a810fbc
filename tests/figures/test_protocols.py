from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import protocols
from figures.experiments import paper, search
from figures.experiments.inputs import Job
from figures.experiments.protocol import NOISES, PROTOCOL
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("protocols")


@pytest.fixture(scope="module")
def kaggle() -> Numbers:
    return committed("protocols")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Invented results in place of training, the paper's; the list collects the arms.

    The sensitivities are the paper's under the last noise, three times these under the others. The
    smaller the batch, the nearer is the RMSE.
    """
    arms: list[Job] = []

    def train_all(settings: Settings, chosen: list[Job], title: str) -> list[Job]:
        arms.extend(chosen)
        return [{**arm, **invented(arm)} for arm in chosen]

    monkeypatch.setattr(protocols, "train_all", train_all)
    return arms


def invented(arm: Job) -> Numbers:
    lam = arm["lam"]
    rows: dict[Any, Any] = {None: paper.MSE, 0.1: paper.TABLE_2.row}
    row = paper.TABLE_3.row if isinstance(lam, list) else rows.get(lam, paper.MSE)
    column = 1 if isinstance(lam, list) else paper.LAMS.index(lam)
    rmse = row[8] if isinstance(lam, list) else paper.TABLE_1["rmse"][column]
    far = [3 * value for value in row[:8]]
    return {
        "rmse": rmse * (1 + arm["batch_size"] / 1e5),
        "variance": paper.TABLE_1["variance"][column],
        "mean_grad_norm": 1.0,
        "constant": 1.15,
        "sensitivity": [far] * (len(NOISES) - 1) + [list(row[:8])],
    }


def test_without_search_the_committed_winners_are_trained_with_fresh_seeds(
    asked: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "search", None)  # must not be called
    numbers = protocols.compute(Settings(tmp_path, seeds=2))
    stored = json.loads(protocols.COMMITTED.read_bytes())
    for name in ("stage_1", "stage_2", "search_source"):
        assert numbers[name] == stored[name]
    assert numbers["seeds"] == [1, 2] and search.SEED not in numbers["seeds"]
    assert {arm["seed"] for arm in asked} == {1, 2}
    chosen = [row["protocol"] for row in stored["stage_2"][: search.WINNERS]]
    found = [winner["protocol"] for winner in numbers["winners"]]
    assert sorted(map(str, found)) == sorted(map(str, chosen))
    for arm, protocol in zip(asked[:1], chosen[:1], strict=True):
        assert arm["sizes"] == [8, *protocol["hidden"], 1]
        assert all(arm[name] == protocol[name] for name in protocol if name != "hidden")


def test_winners_are_sorted_and_their_tables_are_the_papers(
    asked: list[Job], tmp_path: Path
) -> None:
    winners = protocols.compute(Settings(tmp_path, seeds=2))["winners"]
    distances = [search.distance(winner) for winner in winners]
    assert distances == sorted(distances)
    for winner in winners:
        assert winner["change_distance"] == pytest.approx(0, abs=1e-9)
        assert winner["noise"] == NOISES[-1]
        assert winner["deviation_factor"] == pytest.approx(1)
        assert winner["table_2"]["mean"] == pytest.approx(paper.TABLE_2.change)
        if winner["protocol"]["divided"]:
            assert winner["table_3"]["mean"][:8] == pytest.approx(paper.TABLE_3.change[:8])


def test_the_picture_shows_every_protocol(quick: Numbers) -> None:
    with style():
        figure = protocols.plot(quick)
        figure.canvas.draw()
    first, second, *_ = figure.axes
    usable = [row for row in quick["stage_1"] if "rmse" in row]
    shown = {
        (float(x), float(y))
        for line in first.lines
        for x, y in zip(np.ravel(line.get_xdata()), np.ravel(line.get_ydata()), strict=True)
    }
    assert {(row["rmse"][0], row["variance"][0]) for row in usable} <= shown
    assert (paper.TABLE_1["rmse"][0], paper.TABLE_1["variance"][0]) in shown
    points = {float(x) for line in second.lines for x in np.ravel(line.get_xdata())}
    rows = [row for row in quick["stage_2"] if "excluded" not in row]
    assert {row["level_distance"] for row in rows} <= points


def test_the_table_shows_stages_and_winners(kaggle: Numbers) -> None:
    text = protocols.table(kaggle)
    for stage in ("stage_1", "stage_2"):
        excluded = sum("excluded" in row for row in kaggle[stage])
        assert f"{len(kaggle[stage])} protocols, one seed; {excluded} excluded" in text
    for winner in kaggle["winners"]:
        mse = winner["rows"][0]["rmse"]
        assert f"MSE has RMSE {mse['mean']:.4f} ± {mse['sd']:.4f}" in text
        assert ", ".join(f"{x:.3f}" for x in paper.TABLE_1["rmse"]) in text


# The committed numbers


def test_the_search_was_large_enough(kaggle: Numbers) -> None:
    assert "Kaggle's files" in kaggle["search_source"] and "--search" in kaggle["command"]
    assert len(kaggle["stage_1"]) >= 300 and len(kaggle["stage_2"]) >= 150
    assert len(kaggle["seeds"]) >= 5


def test_the_default_protocol_is_the_nearest_over_fresh_seeds(kaggle: Numbers) -> None:
    nearest = kaggle["winners"][0]["protocol"]
    assert PROTOCOL["sizes"] == [8, *nearest["hidden"], 1]
    assert {name: PROTOCOL[name] for name in nearest if name != "hidden"} == {
        name: value for name, value in nearest.items() if name != "hidden"
    }


def test_the_caption_quotes_the_committed_numbers(kaggle: Numbers) -> None:
    caption, nearest = caption_of(protocols), kaggle["winners"][0]
    near = sum(row.get("level_distance", 9) < 1 for row in kaggle["stage_1"])
    assert f"under {near} of {len(kaggle['stage_1'])}" in caption
    both = [r for r in kaggle["stage_2"] if "excluded" not in r]
    both = [r for r in both if max(r["level_distance"], r["change_distance"]) < 1]
    assert f"under {len(both)} of {len(kaggle['stage_2'])}" in caption
    for name in ("rmse", "variance"):
        means = [row[f"{name}_change"]["mean"] for row in nearest["rows"][1:]]
        assert ", ".join(f"{mean:+.1%}" for mean in means) in caption
    assert f"a factor {nearest['deviation_factor']:.2f}" in caption
    change = nearest["table_3"]["mean"]
    assert f"X8 {change[7]:+.0%}, RMSE {change[8]:+.1%}" in caption
