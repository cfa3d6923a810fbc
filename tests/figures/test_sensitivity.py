from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import sensitivity
from figures.experiments import paper, protocol
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from figures.sensitivity import TABLES
from lai_ref import load_california
from tests.figures.results import caption_of, committed

LAST = [0.1] * 7 + [1e-3]
NOISE_LEVELS = (0.01, 0.03, 0.1, 0.3, 1.0)


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("sensitivity")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Invented results in place of training; the list takes the arms that were asked for.

    Noise as 10% of the value gives the paper's row, in every second feature doubled and else
    halved; other noise is off by more. Lai changes the row as `changes` says, by half as much with
    other noise. Everything of seed 1 is half as large, and of seed 2 three times as large.
    """
    arms: list[dict[str, Any]] = []

    def train_all(
        settings: Settings, chosen: list[dict[str, Any]], title: str
    ) -> list[dict[str, Any]]:
        arms.extend(chosen)
        return [{**arm, **invented(arm["seed"], arm["lam"])} for arm in chosen]

    monkeypatch.setattr(sensitivity, "train_all", train_all)
    return arms


def changes(lam: Any, seed: int) -> list[float]:
    """In seed 0 two features gain; in seed 1 none does; in seed 2 all do: the median has two."""
    if lam is None:
        return [0.0] * 9
    size = 0.1 if lam == 0.1 else 0.4
    if seed == 0:
        return [size, size, *[-size] * 6, 0.01]
    return [-0.2 if seed == 1 else 0.7] * 8 + [0.02 * seed]


def row_of(seed: int, lam: Any, kind: str, i: int) -> list[float]:
    arm = invented(seed, lam)
    return [*arm["sensitivity"][kind][i], arm["rmse"][1]]


def invented(seed: int, lam: Any) -> dict[str, Any]:
    level = (1.0, 0.5, 3.0)[seed]
    change = changes(lam, seed)
    row = [p * 2.0 ** (-1) ** j for j, p in enumerate(paper.MSE[:8])]
    noisy = {
        "value": [[level * (s / 0.1) * r for r in row] for s in NOISE_LEVELS],
        "spread": [[level * 10 * s * p for p in paper.MSE[:8]] for s in NOISE_LEVELS],
    }
    noisy["spread"][2] = [4 * level * p for p in paper.MSE[:8]]
    return {
        "rmse": [9.0, 0.7 * (1 + change[8])],
        "sensitivity": {
            kind: [
                [c * (1 + (d if s == 0.1 else d / 2)) for c, d in zip(r, change, strict=False)]
                for s, r in zip(NOISE_LEVELS, rows, strict=True)
            ]
            for kind, rows in noisy.items()
        },
    }


def test_the_arms_are_those_of_table_1s_protocol(
    asked: list[dict[str, Any]], tmp_path: Path
) -> None:
    sensitivity.compute(Settings(tmp_path, seeds=2))
    assert [(arm["seed"], arm["lam"]) for arm in asked] == [
        (seed, lam) for seed in (0, 1) for lam in (None, 0.1, LAST)
    ]
    assert all(arm.items() >= protocol.PROTOCOL.items() for arm in asked)


def test_the_nearest_noise_is_found(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=3))
    assert numbers["off"]["value"][2] == pytest.approx(2)
    assert numbers["off"]["spread"][2:4] == pytest.approx([4, 3])
    assert numbers["off"]["spread"][0] == pytest.approx(10)
    nearest = {kind: row["share"] for kind, row in numbers["nearest"].items()}
    assert (numbers["kind"], nearest) == ("value", {"spread": 0.3, "value": 0.1})


def test_changes_are_paired_by_seed(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=3))
    for ours, lam in zip(numbers["tables"], (0.1, LAST), strict=True):
        by_feature = list(zip(*(changes(lam, seed) for seed in range(3)), strict=True))
        for name, of in (("median", statistics.median), ("least", min), ("most", max)):
            assert ours["change"][name] == pytest.approx([of(c) for c in by_feature])
        assert ours["less"] == {"spread": [6] * 5, "value": [6] * 5}
        halves = [change / 2 for change in ours["change"]["median"][:8]]
        assert ours["medians"]["spread"][4][:8] == pytest.approx(halves)
    for arm in numbers["arms"]:
        assert arm["row"] == pytest.approx(row_of(arm["seed"], arm["lam"], "value", 2))


def test_quick_numbers_are_whole(quick: dict[str, Any]) -> None:
    assert quick["columns"] == [*load_california(seed=0).features, "RMSE"]
    rows = [row for kind in ("spread", "value") for row in quick["mse"][kind]]
    assert len(rows) == 10 and all(len(row) == 9 and min(row) > 0 for row in rows)
    for kind in ("spread", "value"):  # the more noise, the larger the change
        for by_share in list(zip(*quick["mse"][kind], strict=True))[:8]:
            assert list(by_share) == sorted(by_share)


def test_one_seed_has_no_range(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    for table in sensitivity.compute(Settings(tmp_path, seeds=1))["tables"]:
        assert table["change"]["least"] == table["change"]["median"] == table["change"]["most"]


def test_the_table_shows_ours_and_the_papers(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=3))
    text = sensitivity.table(numbers)
    for ours, table in zip(numbers["tables"], TABLES, strict=True):
        for cells, form in (
            (ours["row"]["median"], ".4f"),
            (ours["change"]["median"], "+.1%"),
            (ours["change"]["least"], "+.1%"),
            (ours["change"]["most"], "+.1%"),
            (table.row, ".4f"),
        ):
            assert any(
                line.split()[-9:] == [f"{cell:{form}}" for cell in cells]
                for line in text.splitlines()
            )
    for expected in ("-41.8%", "+2.4%", "8.4200", numbers["source"], "batch 64"):
        assert expected in text


def test_the_picture_shows_ours_and_the_papers(quick: dict[str, Any]) -> None:
    with style():
        figure = sensitivity.plot(quick)
        figure.canvas.draw()
    left, middle, right = figure.axes
    assert [t.get_text() for t in left.get_yticklabels()][::8] == ["MedInc  X1", "RMSE"]
    assert left.get_ylim()[0] > left.get_ylim()[1]  # X1 on top
    for kind, line in zip(("spread", "value"), left.get_lines(), strict=False):
        assert list(line.get_xdata()) == quick["nearest"][kind]["median"]  # type: ignore[arg-type]
    for axes, ours, table in zip((middle, right), quick["tables"], TABLES, strict=True):
        for j, bar in enumerate(axes.patches):
            every = [100 * row[j] for rows in ours["medians"].values() for row in rows]
            span = bar.get_bbox().intervalx  # type: ignore[attr-defined]
            assert list(span) == pytest.approx([min(every), max(every)])
        (cross,) = (line for line in axes.get_lines() if line.get_label() == "paper")
        shown = [100 * (a / b - 1) for a, b in zip(table.row, paper.MSE, strict=True)]
        assert list(cross.get_xdata()) == pytest.approx(shown)  # type: ignore[arg-type]
    assert "(paper: 6)" in middle.get_title("left") and "(paper: -42%)" in right.get_title("left")


# The committed numbers


@pytest.fixture(scope="module")
def kaggle() -> dict[str, Any]:
    return committed("sensitivity")


@pytest.fixture(scope="module")
def caption() -> str:
    return caption_of(sensitivity)


def test_the_caption_says_how_near_the_noise_comes(kaggle: dict[str, Any], caption: str) -> None:
    off, nearest = kaggle["off"], kaggle["nearest"]
    assert "Kaggle's files" in kaggle["source"] and kaggle["kind"] == "value"
    assert f"{nearest['value']['share']:.0%} of the value comes nearest" in caption
    assert f"typically off by a factor {min(off['value']):.1f}" in caption
    assert f"off by {min(off['spread']):.1f} even with a share of 100%" in caption
    assert nearest["spread"]["share"] == 1.0
    mse = paper.MSE[:8]
    for kind in ("spread", "value"):  # by another route: a geometric standard deviation about 1
        for row, factor in zip(kaggle["mse"][kind], off[kind], strict=True):
            logs = [math.log(a) - math.log(b) for a, b in zip(row[:8], mse, strict=True)]
            assert math.log(factor) ** 2 == pytest.approx(statistics.fmean(x * x for x in logs))
    targets = load_california().t
    assert paper.MSE[7] > targets.max() - targets.min()
    last = [row[7] for row in kaggle["mse"]["value"]]
    assert 2 < last[-1] / last[0] < 3


def test_the_caption_says_what_lai_changes(kaggle: dict[str, Any], caption: str) -> None:
    lai, lai_8 = kaggle["tables"]
    i = kaggle["shares"].index(kaggle["nearest"]["value"]["share"])
    counts = [count for kind in ("spread", "value") for count in lai["less"][kind]]
    assert f"falls in {lai['less']['value'][i]} of 8 features, in 7 with one of the ten" in caption
    assert sorted(counts) == [7] + [8] * 9
    change = lai_8["change"]["median"]
    assert f"{change[7]:+.0%} for {change[8]:+.1%} in RMSE" in caption
    assert round(change[8] / 0.024) == 3
    least, most = (lai_8["change"][name][7] for name in ("least", "most"))
    assert f"by seed from {least:.0%} to {most:.0%}" in caption
    last = [row[7] for kind in ("spread", "value") for row in lai_8["medians"][kind]]
    assert last[0] == min(last) and last[-1] == max(last)
    assert f"from {last[0]:+.0%} with the least to {last[-1]:+.0%} with the largest" in caption
    assert lai_8["change"]["least"][0] > 0 and lai_8["change"]["least"][5] > 0
    assert lai_8["change"]["most"][4] < 0


def test_committed_changes_are_those_of_the_committed_arms(kaggle: dict[str, Any]) -> None:
    rows = {(arm["seed"], str(arm["lam"])): arm["row"] for arm in kaggle["arms"]}
    assert len(rows) == 3 * len(kaggle["seeds"])
    for ours, lam in zip(kaggle["tables"], (0.1, LAST), strict=True):
        for j in range(9):
            paired = [
                rows[seed, str(lam)][j] / rows[seed, "None"][j] - 1 for seed in kaggle["seeds"]
            ]
            assert ours["change"]["median"][j] == pytest.approx(statistics.median(paired))
            assert ours["change"]["least"][j] == pytest.approx(min(paired))
            assert ours["change"]["most"][j] == pytest.approx(max(paired))
