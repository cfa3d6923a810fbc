from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import one_feature
from figures.experiments import protocol
from figures.experiments.equal_smoothness import endpoint
from figures.experiments.inputs import Job
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Settings
from figures.one_feature import LAI, LAMS, MUS, NOISES, PENALTY
from figures.plotting.drawing import style
from figures.plotting.endpoints import endpoint_text
from tests.figures.results import committed

Numbers = dict[str, Any]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("one_feature")


def points(numbers: Numbers, method: str) -> list[Numbers]:
    return [point for point in numbers["points"] if point["method"] == method]


def made_up(settings: Settings, arms: list[Job], title: str) -> list[Job]:
    """In place of training: X8 falls by c, X1 rises by 1/c, Lai's RMSE is 2% above the penalty's.

    With the noise that is a multiple of the value, X8 is sensitive to √c.
    """
    results = []
    for arm in arms:
        c, factor = 1.0, 1.0
        if arm["lam"]:
            c, factor = 1 / (1 + 0.01 / arm["lam"][-1]), 1.02
        if arm["mu"]:
            c = 1 / (1 + arm["mu"][-1] / 5)
        rmse = factor * (1 + 0.1 * arm["seed"]) * c**-0.2
        others = [1 / c] + [1.0] * 6
        rows = [[*others, 3 * c], [*others, 7 * c**0.5]]
        results.append({**arm, "halves": [2 * rmse, rmse], "sensitivity": rows})
    return results


@pytest.fixture
def arms(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every arm that `compute` trains; results are made up."""
    asked: list[Job] = []

    def train_all(settings: Settings, arms: list[Job], title: str) -> list[Job]:
        asked.extend(arms)
        return made_up(settings, arms, title)

    monkeypatch.setattr(one_feature, "train_all", train_all)
    return asked


def test_only_the_last_feature_is_treated_otherwise(arms: list[Job], tmp_path: Path) -> None:
    one_feature.compute(Settings(tmp_path, seeds=2))
    (control,) = protocol.arms_of(
        Settings(tmp_path),
        [0],
        scaling="standard",
        sampling="points",
        batch_size=256,
        lr=1e-3,
        noises=[["std", 0.1], ["value", 0.3]],
    )
    asked = [
        {key: value for key, value in arm.items() if value != control[key] and key != "seed"}
        for arm in arms
    ]
    expected: list[Job] = [{}]
    expected += [{"lam": [0.1] * 7 + [lam]} for lam in (0.1, 0.03, 0.01, 0.003, 0.001)]
    expected += [{"mu": [0.0] * 7 + [mu]} for mu in (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)]
    assert asked == [change for change in expected for _ in range(2)]
    assert [arm["seed"] for arm in arms] == [0, 1] * len(expected)


def test_each_noise_has_an_endpoint_over_the_sensitivity_to_the_last_feature(
    arms: list[Job], tmp_path: Path
) -> None:
    numbers = one_feature.compute(Settings(tmp_path, seeds=3))
    assert [e["measure"] for e in numbers["endpoints"]] == list(NOISES)
    for e in numbers["endpoints"]:
        assert e["by_seed"] == pytest.approx([0.02] * 3)
        assert e["verdict"] == "worse" and e["baseline"] == PENALTY
    # c covers 1/1.1 … 1/11 with λ₈ and 1/1.06 … 1/21 with μ₈
    std, value = (e["common_range"][0] for e in numbers["endpoints"])
    assert std == pytest.approx([1 / 11, 1 / 1.1])
    assert value == pytest.approx([11**-0.5, 1.1**-0.5])


def test_the_two_halves_are_not_mixed_up(arms: list[Job], tmp_path: Path) -> None:
    numbers = one_feature.compute(Settings(tmp_path, seeds=2))
    for point in numbers["points"]:
        assert point["rmse_choosing"] == pytest.approx([2 * rmse for rmse in point["rmse"]])


def test_other_features_that_rise_by_more_than_five_per_cent_are_counted(
    arms: list[Job], tmp_path: Path
) -> None:
    numbers = one_feature.compute(Settings(tmp_path, seeds=2))
    for each in numbers["others"]:
        value = each["value"]
        c = 1 + (0.01 / value if each["method"] == LAI else value / 5)
        for kind in NOISES:
            assert each[kind]["change"]["mean"] == pytest.approx([c - 1] + [0.0] * 6)
            assert each[kind]["rise"] == (c > 1.05)
    assert [e["value"] for e in numbers["others"]] == [*LAMS, *MUS]


def test_quick_numbers_have_the_ends_of_both_methods(quick: Numbers) -> None:
    assert [p["value"] for p in points(quick, LAI)] == [0.1, 0.001]
    assert [p["value"] for p in points(quick, PENALTY)] == [0.3, 100.0]
    assert all(np.shape(p["X8_value_others"]) == (2, 7) for p in quick["points"])


def test_a_small_lambda_lowers_the_sensitivity_in_quick_numbers_too(quick: Numbers) -> None:
    control, weak, strong = quick["points"][0], *points(quick, LAI)
    assert np.less(strong["X8_std"], control["X8_std"]).all()
    assert np.less(strong["X8_std"], weak["X8_std"]).all()


def test_the_picture_states_the_verdicts_and_changes_with_them(quick: Numbers) -> None:
    other = copy.deepcopy(quick)
    for point in points(other, LAI):
        point["rmse"] = [2 * rmse for rmse in point["rmse"]]
    other["endpoints"] = [endpoint(other["points"], LAI, PENALTY, kind) for kind in NOISES]
    assert other["endpoints"] != quick["endpoints"]
    for numbers in (quick, other):
        with style():
            figure = one_feature.plot(numbers)
        for axes, e in zip(figure.axes, numbers["endpoints"], strict=False):
            assert endpoint_text(e) in axes.get_title("left")


def test_the_picture_names_what_the_penalty_does_not_reach(quick: Numbers) -> None:
    with style():
        figure = one_feature.plot(quick)
    for axes, kind in zip(figure.axes, NOISES, strict=False):
        missed = [
            f"{e['value']:g}"
            for e in quick["excess"]
            if e["measure"] == kind and e["reached"] < len(quick["seeds"])
        ]
        named = axes.get_title("left").partition("λ₈ = ")[2]
        assert named == ", ".join(missed)


def test_every_point_is_on_its_panel(quick: Numbers) -> None:
    with style():
        figure = one_feature.plot(quick)
        figure.canvas.draw()
    control = quick["points"][0]
    for axes, kind in zip(figure.axes, NOISES, strict=False):
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        lines = {str(line.get_label()): np.asarray(line.get_xydata()) for line in axes.lines}
        for method in (LAI, PENALTY):
            expected = [
                [
                    1 + paired_change(p[kind], control[kind])["mean"],
                    100 * paired_change(p["rmse"], control["rmse"])["mean"],
                ]
                for p in points(quick, method)
            ]
            assert lines[method] == pytest.approx(np.array(expected))
            assert all(left <= x <= right and bottom <= y <= top for x, y in expected)


def test_the_axis_of_changes_has_numbers_up_to_its_end() -> None:
    with style():
        figure = one_feature.plot(committed("one_feature"))
        figure.canvas.draw()
    axes = figure.axes[0]
    bottom, top = axes.get_ylim()
    assert max(tick for tick in axes.get_yticks() if tick <= top) > top / 3
    assert "logarithmic" in axes.get_ylabel() and bottom < 0
    assert [tick for tick in axes.get_yticks() if tick in (0, 1, 3)] == [0.0, 1.0, 3.0]


def test_the_table_shows_the_numbers_and_their_settings(quick: Numbers) -> None:
    text = one_feature.table(quick)
    for e in quick["endpoints"]:
        assert endpoint_text(e) in text
    for each in quick["others"]:
        for kind in NOISES:
            row = "".join(f"{mean:>+9.1%}" for mean in each[kind]["change"]["mean"])
            assert f"{row}{each[kind]['rise']:>4}" in text
    for expected in (quick["source"], "8-32-16-1 tanh", "standard inputs", "batch 256"):
        assert expected in text


# The committed numbers. These tests need the run with 10 seeds on the real files.


def test_the_committed_run_has_ten_seeds_of_the_real_files_and_is_small() -> None:
    numbers = committed("one_feature")
    assert numbers["seeds"] == list(range(10)) and "Kaggle's files" in numbers["source"]
    assert len(json.dumps(numbers, indent=1)) < 300_000
    assert [p["value"] for p in numbers["points"][1:]] == [*LAMS, *MUS]


def test_committed_endpoints_are_those_of_the_committed_points() -> None:
    numbers = committed("one_feature")
    for e in numbers["endpoints"]:
        again = endpoint(numbers["points"], LAI, PENALTY, e["measure"])
        assert again["by_seed"] == pytest.approx(e["by_seed"])
        assert again["verdict"] == e["verdict"]
