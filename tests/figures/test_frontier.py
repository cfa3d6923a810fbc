from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import frontier
from figures.experiments import protocol
from figures.experiments.inputs import Job
from figures.experiments.settings import Settings
from figures.plotting.drawing import style
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]

LAMS = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
STOPS = [1, 2, 3, 5]


def shrunk(arm: Job) -> float:
    """How much smoother than MSE the made-up results of `made_up` are."""
    few = 0.01 if arm["alpha"] < 1 else 1.0
    return float(0.01 / (arm["lam"] or 1e9) + few * (arm["mu"] or 0) + (arm["decay"] or 0))


def made_up(settings: Settings, arms: list[Job], title: str) -> list[Job]:
    """In place of training: RMSE is 1 + seed + s² and smoothness 1/(1 + s), s the shrinking."""

    def stop(epoch: int, seed: int) -> dict[str, float]:
        return {"epoch": epoch, "rmse": 2 + seed + 1 / epoch, "variance": epoch, "slope": epoch}

    results = []
    for arm in arms:
        s = shrunk(arm)
        results.append(
            {
                **arm,
                "pretraining": {"rmse": [9.0], "path": [stop(e, arm["seed"]) for e in STOPS[:3]]},
                "path": [stop(e, arm["seed"]) for e in STOPS[3:]],
                "rmse": [9.0, 1 + arm["seed"] + s**2],
                "variance": 1 / (1 + s),
                "slope": 2 / (1 + s),
            }
        )
    return results


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every arm that `compute` asks for; results are made up."""
    asked: list[Job] = []

    def train_all(settings: Settings, arms: list[Job], title: str) -> list[Job]:
        asked.extend(arms)
        return made_up(settings, arms, title)

    monkeypatch.setattr(frontier, "train_all", train_all)
    return asked


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("frontier")


def points(numbers: Numbers, method: str) -> list[dict[str, Any]]:
    return [point for point in numbers["points"] if point["method"] == method]


def test_all_methods_are_trained_on_the_same_seeds_and_steps(
    arms: list[Job], tmp_path: Path
) -> None:
    frontier.compute(Settings(tmp_path, seeds=5))
    (control, *_) = protocol.arms_of(Settings(tmp_path), [0], batch_size=256)
    asked = [
        {key: value for key, value in arm.items() if value != control[key] and key != "seed"}
        for arm in arms
    ]
    wanted: list[Job] = [{}]
    wanted += [{"lam": lam} for lam in LAMS]
    wanted += [{"mu": mu, "alpha": 1.0} for mu in (1e-3, 1e-2, 1e-1, 0.3, 1.0)]
    wanted += [{"mu": mu} for mu in (1.0, 10.0, 100.0)]
    wanted += [{"decay": decay} for decay in (0.03, 0.1, 0.3, 1.0, 3.0)]
    assert asked == [change for change in wanted for _ in range(5)]
    assert [arm["seed"] for arm in arms] == list(range(5)) * len(wanted)


def test_every_point_has_its_own_runs_seed_by_seed(arms: list[Job], tmp_path: Path) -> None:
    numbers = frontier.compute(Settings(tmp_path, seeds=3))
    for point in numbers["points"][1:]:
        if point["method"] == frontier.STOPPING:
            assert point["rmse"] == [2 + seed + 1 / point["value"] for seed in range(3)]
            continue
        s = {
            "Lai": lambda value: 0.01 / value,
            "double backprop, all points": lambda value: value,
            "double backprop, 1% of points": lambda value: value / 100,
            "weight decay": lambda value: value,
        }[point["method"]](point["value"])
        assert point["rmse"] == pytest.approx([1 + seed + s**2 for seed in range(3)])
        assert point["variance"] == pytest.approx([1 / (1 + s)] * 3)
        assert point["slope"] == pytest.approx([2 / (1 + s)] * 3)
    assert [point["value"] for point in points(numbers, "Lai")] == LAMS
    assert [point["value"] for point in points(numbers, frontier.STOPPING)] == STOPS


def test_differences_compare_with_the_baselines_line_of_the_same_seed(
    arms: list[Job], tmp_path: Path
) -> None:
    numbers = frontier.compute(Settings(tmp_path, seeds=2))
    found = {(d["measure"], d["rival"], d["lam"]): d["excess"] for d in numbers["differences"]}
    assert len(found) == len(numbers["differences"]) == 2 * 4 * len(LAMS)

    def line(s: float, before: float, after: float, seed: int) -> float:
        """RMSE over 1/(1 + s), linear from the run with `before` to the run with `after`."""
        share = (1 / (1 + s) - 1 / (1 + before)) / (1 / (1 + after) - 1 / (1 + before))
        return 1 + seed + before**2 + share * (after**2 - before**2)

    for measure in ("variance", "slope"):
        for rival, lam, before, after in (
            ("double backprop, all points", 0.3, 0.01, 0.1),
            ("double backprop, all points", 0.03, 0.3, 1.0),
            ("double backprop, 1% of points", 0.3, 0.01, 0.1),
            ("weight decay", 0.3, 0.03, 0.1),
            ("weight decay", 1.0, 0.0, 0.03),  # from MSE on
        ):
            s = 0.01 / lam
            ratios = [(1 + seed + s**2) / line(s, before, after, seed) for seed in (0, 1)]
            assert found[measure, rival, lam] == pytest.approx([r - 1 for r in ratios])
        # smoother than any of the rival's runs
        assert found[measure, "weight decay", 0.003] == [None, None]


def differences(**excess: Sequence[float | None]) -> Numbers:
    lams = {"a": 0.1, "b": 0.01, "c": 0.001}
    rivals = ((frontier.BASELINES[0], 1), (frontier.BASELINES[1], -1))
    return {
        "differences": [
            {
                "measure": "slope",
                "rival": rival,
                "lam": lams[name],
                "excess": [None if x is None else sign * x for x in by_seed],
            }
            for rival, sign in rivals
            for name, by_seed in excess.items()
        ]
    }


def test_the_verdict_is_what_every_seed_says() -> None:
    more, less, mixed = [0.1, 0.2], [-0.1, -0.2], [0.1, -0.1]
    said = frontier.verdict(differences(a=more, b=mixed, c=more), "slope")
    assert said == "in every seed Lai costs more for λ = 0.1, 0.001"
    said = frontier.verdict(differences(a=more, b=mixed, c=less), "slope")
    assert said == "in every seed Lai costs more for λ = 0.1; Lai costs less for λ = 0.001"
    for unsure in ([0.1, None], [None, None], mixed):
        said = frontier.verdict(differences(a=mixed, b=unsure), "slope")
        assert said == "the seeds disagree for every λ"


def test_quick_numbers_hold_every_method(quick: Numbers) -> None:
    assert [(p["method"], p["value"]) for p in quick["points"]] == [
        ("MSE", None),
        ("Lai", 1.0),
        ("Lai", 0.001),
        ("double backprop, all points", 1e-3),
        ("double backprop, all points", 1.0),
        ("double backprop, 1% of points", 1.0),
        ("double backprop, 1% of points", 100.0),
        ("weight decay", 0.03),
        ("weight decay", 3.0),
        *(("early stopping", epoch) for epoch in STOPS),
    ]
    assert all(len(p[name]) == 2 for p in quick["points"] for name in ("rmse", *frontier.MEASURES))
    assert len({str(p["rmse"]) for p in quick["points"]}) == len(quick["points"])


def test_a_strong_pull_smooths_in_quick_numbers_too(quick: Numbers) -> None:
    (control,) = points(quick, "MSE")
    for method in list(frontier.METHODS)[:2]:
        strongest = points(quick, method)[-1]
        for name in frontier.MEASURES:
            assert all(a < b for a, b in zip(strongest[name], control[name], strict=True))


def test_the_picture_shows_every_method_and_verdict(quick: Numbers) -> None:
    with style():
        figure = frontier.plot(quick)
        figure.canvas.draw()
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert sorted(labels) == sorted(["MSE", "Lai, 1% of points", *frontier.BASELINES])
    for axes, measure in zip(figure.axes, frontier.MEASURES, strict=True):
        assert axes.get_title("left").endswith(frontier.verdict(quick, measure))
        (lai,) = (line for line in axes.lines if line.get_label() == "Lai, 1% of points")
        drawn = [(1.0, 0.0)]  # MSE
        for point in points(quick, "Lai"):
            ratios = {
                name: statistics.median(
                    a / b for a, b in zip(point[name], quick["points"][0][name], strict=True)
                )
                for name in ("rmse", measure)
            }
            drawn.append((ratios[measure], ratios["rmse"] - 1))
        assert lai.get_xydata() == pytest.approx(np.array(drawn))


def test_the_table_shows_the_numbers_and_their_circumstances(quick: Numbers) -> None:
    text = frontier.table(quick)
    rows = [line for line in text.splitlines() if line.startswith((*frontier.METHODS, "MSE"))]
    for point, row in zip(quick["points"], rows, strict=False):
        assert row.startswith(point["method"])
        assert point["value"] is None or f" {point['value']:g} " in row
        for name in ("rmse", *frontier.MEASURES):
            assert f" {statistics.median(point[name]):.4f} " in row
    for difference in quick["differences"]:
        found = [100 * x for x in difference["excess"] if x is not None]
        if found:
            spread = f"{statistics.median(found):+.1f}% ({min(found):+.1f}% … {max(found):+.1f}%)"
            assert f"{spread} {len(found)}/2" in text
    for expected in (quick["source"], "8-64-32-1 tanh", "batch 256", "–"):
        assert expected in text


# --- the committed numbers


@pytest.fixture(scope="module")
def kaggle() -> Numbers:
    return committed("frontier")


@pytest.fixture(scope="module")
def caption() -> str:
    return caption_of(frontier)


def excess(numbers: Numbers, measure: str, rival: str, lam: float) -> list[float | None]:
    (found,) = (
        d["excess"]
        for d in numbers["differences"]
        if (d["measure"], d["rival"], d["lam"]) == (measure, rival, lam)
    )
    return list(found)


def test_the_caption_says_where_lai_costs_more(kaggle: Numbers, caption: str) -> None:
    def between(measure: str, rival: str, lam: float) -> str:
        values = [100 * x for x in excess(kaggle, measure, rival, lam) if x is not None]
        assert len(values) == len(kaggle["seeds"])
        return f"{min(values):.1f}% to {max(values):.1f}%"

    everywhere, few = frontier.BASELINES[:2]
    strong = [between("slope", everywhere, lam) for lam in (0.01, 0.003)]
    assert f"on the same {kaggle['protocol']['alpha']:.0%} of the points" in caption
    assert f"at equal slope {strong[0]} for λ = 0.01 and {strong[1]} for λ = 0.003" in caption
    by_variance = between("variance", everywhere, 0.003)
    assert f"at equal variance {by_variance} for λ = 0.003" in caption
    few_too = [between("slope", few, lam) for lam in (0.01, 0.003)]
    assert f"of the points it is {few_too[0]} and {few_too[1]} at equal slope" in caption
    for lam in LAMS[:-1]:  # with the last Lai is smoother than double backpropagation's strongest
        values = [x for x in excess(kaggle, "variance", few, lam) if x is not None]
        assert min(values) < 0
    for lam in (1.0, 0.3, 0.1):
        weak = [x for x in excess(kaggle, "slope", everywhere, lam) if x is not None]
        assert len(weak) == len(kaggle["seeds"]) and max(map(abs, weak)) < 0.01


@pytest.mark.parametrize("name", ["frontier", "stand-in/frontier"])
def test_the_stand_in_says_the_same(name: str) -> None:
    numbers = committed(name)
    assert ("Kaggle's files" in numbers["source"]) == (name == "frontier")
    assert frontier.verdict(numbers, "slope") == "in every seed Lai costs more for λ = 0.01, 0.003"
    assert frontier.verdict(numbers, "variance") == "in every seed Lai costs more for λ = 0.003"


def test_the_caption_says_what_weight_decay_and_early_stopping_do(
    kaggle: Numbers, caption: str
) -> None:
    control = kaggle["points"][0]

    def ratios(point: Numbers, name: str) -> list[float]:
        return [a / b for a, b in zip(point[name], control[name], strict=True)]

    assert all(max(ratios(point, "rmse")) > 1 for point in points(kaggle, "Lai"))
    gains = [1 - ratio for ratio in ratios(points(kaggle, "weight decay")[0], "rmse")]
    assert f"by {min(gains):.1%} to {max(gains):.1%}" in caption and min(gains) > 0
    for method in ("weight decay", "early stopping"):
        assert all(min(ratios(point, "slope")) > 0.5 for point in points(kaggle, method))


def test_committed_runs_are_the_smoother_the_stronger_the_pull(kaggle: Numbers) -> None:
    for method in (name for name, about in frontier.METHODS.items() if about.changes):
        slopes = [statistics.median(point["slope"]) for point in points(kaggle, method)]
        assert slopes == sorted(slopes, reverse=True)
