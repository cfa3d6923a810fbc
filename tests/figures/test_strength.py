from __future__ import annotations

import statistics
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import strength
from figures.experiments import protocol
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from tests.figures.results import caption_of, committed

# (α, λ): variance of invented results, of seed 0; RMSE = 2 − variance, but for one setting
INVENTED = {(0.01, 0.1): 0.9, (1.0, 0.1): 0.5, (0.01, 0.001): 0.7, (1.0, 0.001): 0.2}
STRANGE = (1.0, 0.1)


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("strength")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Invented results in place of training; the list takes the arms that were asked for."""
    arms: list[dict[str, Any]] = []

    def train_all(
        settings: Settings, chosen: list[dict[str, Any]], title: str
    ) -> list[dict[str, Any]]:
        arms.extend(chosen)
        return [{**arm, **invented(arm)} for arm in chosen]

    monkeypatch.setattr(strength, "train_all", train_all)
    return arms


def invented(arm: dict[str, Any]) -> dict[str, Any]:
    """With α = 1 and λ = 0.1: strange RMSE (a tenth more) and slope in seed 0, variance else."""
    seed, control, strange = arm["seed"], arm["lam"] is None, (arm["alpha"], arm["lam"]) == STRANGE
    variance = 1.0 if control else INVENTED.get((arm["alpha"], arm["lam"]), 0.4)
    slope = 3 * variance
    if strange:
        variance, slope = ((0.5, 1.8), (0.95, 2.85), (0.9, 2.7))[seed]
    rmse = (2 - variance) * (1.1 if strange and seed == 0 else 1)
    return {"variance": variance * (1 + seed), "slope": slope * (1 + seed), "rmse": [9.0, rmse]}


@pytest.fixture
def numbers(asked: list[dict[str, Any]], tmp_path: Path) -> dict[str, Any]:
    return strength.compute(Settings(tmp_path, seeds=3, quick=True))


def test_the_arms_are_a_grid_and_the_control(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    strength.compute(Settings(tmp_path, seeds=2))
    grid = {(a, lam) for a in (0.001, 0.01, 0.1, 1.0) for lam in (0.1, 0.01, 0.001)}
    for seed in (0, 1):
        mine = [(arm["alpha"], arm["lam"]) for arm in asked if arm["seed"] == seed]
        assert len(mine) == 13 and set(mine) == grid | {(0.01, None)}
    wanted = protocol.PROTOCOL | {"batch_size": 256}
    assert all({**arm, "alpha": 0.01}.items() >= wanted.items() for arm in asked)


def test_changes_are_paired_by_seed(numbers: dict[str, Any]) -> None:
    by_name = {(row["alpha"], row["lam"]): row for row in numbers["settings"]}
    assert list(by_name) == [(0.0, None), *INVENTED]
    strange = by_name[STRANGE]
    assert strange["variance"] == pytest.approx({"median": 1.9, "least": 0.5, "most": 2.7})
    change = {"median": -0.1, "least": -0.5, "most": -0.05}
    assert strange["variance_change"] == pytest.approx(change)
    assert strange["slope_change"] == pytest.approx(change | {"least": -0.4})
    assert strange["rmse_change"] == pytest.approx({"median": 0.1, "least": 0.05, "most": 0.65})
    assert by_name[0.0, None]["rmse_change"] == {"median": 0.0, "least": 0.0, "most": 0.0}


def test_neighbours_that_move_as_claimed_are_counted(numbers: dict[str, Any]) -> None:
    """The exceptions, with λ = 0.1: the variance rises with α in seed 1, and stays in seed 2."""
    for name in ("variance", "slope", "rmse"):
        assert numbers["moves"][name] == {"alpha": [4, 6], "lam": [6, 6]}


def test_rmse_is_compared_at_equal_smoothness(asked: list[dict[str, Any]], tmp_path: Path) -> None:
    """The strange setting is off, and draws its line up where the other one has a setting."""
    apart = strength.compute(Settings(tmp_path, seeds=1, quick=True))["apart"]
    drawn = 1.1 + 0.55 / 2  # at variance 0.7, between 1.1 at 0.9 and 1.65 at 0.5
    expected = {"median": 1 - 1.3 / drawn, "most": 1.65 / 1.5 - 1}
    assert apart["variance"] == pytest.approx(expected)
    drawn = 1.1 + 0.55 * 2 / 3  # at slope 2.1, between 1.1 at 2.7 and 1.65 at 1.8
    expected = {"median": 1 - 1.3 / drawn, "most": 1.65 / 1.4 - 1}
    assert apart["slope"] == pytest.approx(expected)


def test_quick_numbers_are_whole(quick: dict[str, Any]) -> None:
    assert len(quick["arms"]) == 2 * 5 and quick["protocol"]["alpha"] == [0.01, 1.0]
    assert all(arm[name] > 0 for arm in quick["arms"] for name in ("variance", "slope", "rmse"))
    control, *others = (row["slope"]["median"] for row in quick["settings"])
    assert others[-1] == min(others) < control / 2  # α = 1 with λ = 1e-3


def test_the_table_shows_every_setting(numbers: dict[str, Any]) -> None:
    lines = strength.table(numbers).splitlines()
    for row in numbers["settings"][1:]:
        cells = [f"{row['lam']:g}", f"{row['alpha']:g}", f"{row['alpha'] / row['lam']:g}"]
        for name in ("variance", "slope", "rmse"):
            cells += [f"{row[name]['median']:.4f}", f"{row[name + '_change']['median']:+.1%}"]
        assert cells in [line.split() for line in lines]
    assert "for a share α of the points" in lines[2] and "%" not in lines[2]
    assert "variance falls with α in 4 of 6 and with a smaller λ in 6 of 6" in "\n".join(lines)
    assert "RMSE rises with α in 4 of 6" in "\n".join(lines)


def test_the_picture_shows_every_setting(numbers: dict[str, Any]) -> None:
    with style():
        figure = strength.plot(numbers)
        figure.canvas.draw()
    xs = ("alpha", "alpha", "ratio", "variance")
    ys = ("variance", "rmse", "variance", "rmse")
    for axes, x, y in zip(figure.axes, xs, ys, strict=True):
        lines = [np.asarray(line.get_xydata()) for line in axes.get_lines()]
        drawn = [tuple(line[0]) for line in lines if len(line) == 1]
        for row in numbers["settings"][1:]:
            place = {"alpha": row["alpha"], "ratio": row["alpha"] / row["lam"]}
            place |= {name: row[name]["median"] for name in ("variance", "rmse")}
            assert (place[x], place[y]) in drawn
    titles = [axes.get_title("left") for axes in figure.axes]
    assert all("4 of 6" in title and "6 of 6" in title for title in titles[:2])
    assert titles[2].endswith("at α/λ = 10\nthe variance goes from 1.40 to 1.90")
    assert "10.0% at most" in titles[3]


def test_equal_ratios_are_equal_in_spite_of_rounding() -> None:
    settings: list[dict[str, Any]] = [
        {"alpha": alpha, "lam": 10 * alpha, "variance": {"median": variance}}
        for alpha, variance in ((1e-5, 9.0), (1e-4, 0.7), (1e-3, 0.8), (1e-2, 0.9))
    ]
    assert len({row["alpha"] / row["lam"] for row in settings[1:]}) == 2  # by rounding
    assert strength._widest({"settings": settings}) == (0.1, (0.7, 0.9))


# The committed numbers


@pytest.fixture(scope="module")
def kaggle() -> dict[str, Any]:
    return committed("strength")


@pytest.fixture(scope="module")
def caption() -> str:
    return caption_of(strength)


def test_the_caption_says_how_often_the_variance_falls(
    kaggle: dict[str, Any], caption: str
) -> None:
    """Counted anew, line by line."""
    exceptions = []
    for seed in kaggle["seeds"]:
        for lam in kaggle["lams"]:
            line = [a for a in kaggle["arms"] if (a["seed"], a["lam"]) == (seed, lam)]
            line.sort(key=lambda arm: float(arm["alpha"]))
            exceptions += [b for a, b in pairwise(line) if b["variance"] >= a["variance"]]
    falls, of = kaggle["moves"]["variance"]["alpha"]
    assert of - falls == len(exceptions) == 0 and f"a larger α in {falls} of {of}." in caption
    falls, of = kaggle["moves"]["variance"]["lam"]
    assert f"A smaller λ lowers the variance in {falls} of {of} pairs" in caption


def test_the_caption_says_that_the_strength_is_one(kaggle: dict[str, Any], caption: str) -> None:
    variance, slope = kaggle["apart"]["variance"], kaggle["apart"]["slope"]
    assert f"by {variance['median']:.1%} in the median and by {variance['most']:.1%}" in caption
    assert f"by {slope['median']:.1%} and by {slope['most']:.1%}" in caption
    most = max(row["rmse_change"]["median"] for row in kaggle["settings"])
    assert f"rises by up to {most:.0%}" in caption
    for seed in kaggle["seeds"]:  # by another route: less variance, more RMSE, whatever the λ
        mine = [arm for arm in kaggle["arms"] if arm["seed"] == seed]
        for one, other in combinations(mine, 2):
            if one["variance"] < other["variance"] - 0.02:
                assert one["rmse"] > other["rmse"] - 0.01


def test_the_caption_says_what_the_strength_is_not(kaggle: dict[str, Any], caption: str) -> None:
    by_name = {(row["alpha"], row["lam"]): row for row in kaggle["settings"]}
    same = [by_name[setting]["variance"]["median"] for setting in ((0.01, 0.001), (1.0, 0.1))]
    assert f"at α/λ = 10 the variance is {same[0]:.2f} with the smallest" in caption
    assert f"and {same[1]:.2f} with the largest" in caption
    weak, strong = (
        [arm["variance"] for arm in kaggle["arms"] if (arm["alpha"], arm["lam"]) == setting]
        for setting in ((1.0, 0.1), (0.001, 0.001))
    )
    assert all(a > b for a, b in zip(weak, strong, strict=True))


def test_committed_medians_are_those_of_the_committed_arms(kaggle: dict[str, Any]) -> None:
    for row in kaggle["settings"]:
        mine = [a for a in kaggle["arms"] if (a["alpha"], a["lam"]) == (row["alpha"], row["lam"])]
        assert [arm["seed"] for arm in mine] == kaggle["seeds"]
        for name in ("variance", "slope", "rmse"):
            assert row[name]["median"] == statistics.median(arm[name] for arm in mine)
