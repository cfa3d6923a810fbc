from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import sensitivity
from figures.experiments import paper
from figures.experiments.protocol import NOISES, PROTOCOL
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from figures.sensitivity import TABLES
from lai_ref import load_california
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]
LAST = [0.1] * 7 + [1e-3]
NEAREST = NOISES.index(["value", 0.5])


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("sensitivity")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Numbers]:
    """Invented results in place of training; the list collects the arms.

    Noise of 50% of the value gives the paper's row, in every second feature doubled and else
    halved; the others give four times the paper's. Lai changes the rows by `log_changes`.
    """
    arms: list[Numbers] = []

    def train_all(settings: Settings, chosen: list[Numbers], title: str) -> list[Numbers]:
        arms.extend(chosen)
        return [{**arm, **invented(arm["seed"], arm["lam"])} for arm in chosen]

    monkeypatch.setattr(sensitivity, "train_all", train_all)
    return arms


def log_changes(lam: Any, seed: int) -> list[float]:
    """Two features gain and six lose on average over seeds; half as much for λ₈."""
    if lam is None:
        return [0.0] * 9
    size = (0.1 if lam == 0.1 else 0.05) * (1 + seed)
    return [size, size, *[-size] * 6, 0.01 * seed]


def invented(seed: int, lam: Any) -> Numbers:
    *change, of_rmse = log_changes(lam, seed)
    level = (1.0, 0.5, 3.0)[seed]
    near = [p * 2.0 ** (-1) ** j for j, p in enumerate(paper.MSE[:8])]
    far = [4 * p for p in paper.MSE[:8]]
    rows = [near if i == NEAREST else far for i in range(len(NOISES))]
    noisy = [[level * r * math.exp(c) for r, c in zip(row, change, strict=True)] for row in rows]
    return {"rmse": 0.7 * math.exp(of_rmse), "sensitivity": noisy}


def test_the_arms_are_those_of_the_default_protocol_and_four_changes_of_it(
    asked: list[Numbers], tmp_path: Path
) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=2))
    assert len(asked) == 5 * 2 * 3
    assert [(arm["seed"], arm["lam"]) for arm in asked[:6]] == [
        (seed, lam) for seed in (0, 1) for lam in (None, 0.1, LAST)
    ]
    assert all((arm | {"noises": []}).items() >= PROTOCOL.items() for arm in asked[:6])
    names = [(s["scaling"], s["sampling"], s["activation"]) for s in numbers["settings"]]
    assert names[:3] == [("max-abs", s, "tanh") for s in ("separate", "points", "batches")]
    assert len(set(names)) == 5


def test_the_nearest_noise_is_found(asked: list[Numbers], tmp_path: Path) -> None:
    for setting in sensitivity.compute(Settings(tmp_path, seeds=2))["settings"]:
        # the mean over seeds, levels 1 and 0.5, is 0.75 times a row
        ratios = [0.75 * 2.0 ** (-1) ** j for j in range(8)]
        expected = math.exp(math.sqrt(statistics.fmean(math.log(r) ** 2 for r in ratios)))
        assert setting["nearest"] == NEAREST
        assert setting["deviation_factor"][NEAREST] == pytest.approx(expected)
        assert setting["deviation_factor"][0] == pytest.approx(3)


def test_changes_are_paired_by_seed(asked: list[Numbers], tmp_path: Path) -> None:
    head = sensitivity.compute(Settings(tmp_path, seeds=3))["settings"][0]
    for ours, lam in zip(head["tables"], (0.1, LAST), strict=True):
        assert ours["lam"] == lam
        for change in ours["changes"]:
            for j in range(9):
                logs = [log_changes(lam, seed)[j] for seed in range(3)]
                assert change["mean"][j] == pytest.approx(math.expm1(statistics.fmean(logs)))
                # Student's t for three seeds
                half = 4.302653 * statistics.stdev(logs) / math.sqrt(3)
                low = math.expm1(statistics.fmean(logs) - half)
                assert change["low"][j] == pytest.approx(low, rel=1e-6, abs=1e-9)


def test_quick_numbers_are_whole(quick: Numbers) -> None:
    assert quick["columns"] == [*load_california(seed=0).features, "RMSE"]
    for setting in quick["settings"]:
        assert len(setting["mse"]) == len(setting["deviation_factor"]) == len(NOISES)
        assert all(len(row) == 9 and min(row) > 0 for row in setting["mse"])
        for start in range(0, len(NOISES), 6):  # the more noise of a kind, the larger the change
            for column in list(zip(*setting["mse"][start : start + 6], strict=True))[:8]:
                assert list(column) == sorted(column)


def test_the_table_shows_ours_and_the_papers(asked: list[Numbers], tmp_path: Path) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=3))
    rows = [line.split()[-9:] for line in sensitivity.table(numbers).splitlines()]
    head = numbers["settings"][0]
    for ours, table in zip(head["tables"], TABLES, strict=True):
        change = ours["changes"][head["nearest"]]
        for cells in (change["mean"], change["low"], change["high"], table.change):
            assert [f"{cell:+.1%}" for cell in cells] in rows
    assert [f"{value:.4f}" for value in paper.MSE] in rows
    for expected in ("50% of the value", numbers["source"], "batch 32", "max-abs inputs, tanh"):
        assert expected in sensitivity.table(numbers)


def test_one_seed_has_no_interval(asked: list[Numbers], tmp_path: Path) -> None:
    numbers = sensitivity.compute(Settings(tmp_path, seeds=1))
    assert "interval, from" not in sensitivity.table(numbers)
    sensitivity.plot(numbers)


def test_the_picture_shows_ours_and_the_papers(quick: Numbers) -> None:
    with style():
        figure = sensitivity.plot(quick)
        figure.canvas.draw()
    left, middle, right = figure.axes
    head = quick["settings"][0]
    assert [t.get_text() for t in left.get_yticklabels()][::8] == ["MedInc  X1", "RMSE"]
    assert left.get_ylim()[0] > left.get_ylim()[1]  # X1 on top
    drawn = [list(line.get_xdata()) for line in left.get_lines()]  # type: ignore[arg-type]
    assert all(row[:-1] in drawn for row in head["mse"])
    assert head["mse"][head["nearest"]] in drawn
    for axes, ours, table in zip((middle, right), head["tables"], TABLES, strict=True):
        for j, bar in enumerate(axes.patches):
            every = [100 * change["mean"][j] for change in ours["changes"]]
            span = bar.get_bbox().intervalx  # type: ignore[attr-defined]
            assert list(span) == pytest.approx([min(every), max(every)])
        (cross,) = (line for line in axes.get_lines() if line.get_label() == "paper")
        shown = [100 * (a / b - 1) for a, b in zip(table.row, paper.MSE, strict=True)]
        assert list(cross.get_xdata()) == pytest.approx(shown)  # type: ignore[arg-type]
    assert "(paper: 6)" in middle.get_title("left") and "(paper: -42%)" in right.get_title("left")


# The committed numbers


def test_the_caption_quotes_the_committed_numbers() -> None:
    kaggle, caption = committed("sensitivity"), caption_of(sensitivity)
    assert "Kaggle's files" in kaggle["source"] and kaggle["seeds"] == list(range(10))
    head = kaggle["settings"][0]
    near = head["nearest"]
    assert sensitivity.noise_name(kaggle["noises"][near]) in caption
    assert f"a factor {head['deviation_factor'][near]:.2f}" in caption
    lai, lai_8 = (table["changes"][near] for table in head["tables"])
    assert f"in {paper.n_decreased(lai['mean'])} of 8" in caption
    clear = sum(high < 0 for high in lai["high"][:8])
    assert f"in {clear} of them the interval" in caption
    assert f"X8 {lai_8['mean'][7]:+.0%}, RMSE {lai_8['mean'][8]:+.1%}" in caption
    low, high = lai_8["low"][8], lai_8["high"][8]
    assert f"[{low:+.1%}, {high:+.1%}]" in caption
    every = [change["mean"][7] for change in head["tables"][1]["changes"]]
    assert f"from {min(every):+.0%} to {max(every):+.0%}" in caption
