from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from figures import frontier
from figures.experiments.equal_smoothness import endpoint
from figures.experiments.intervals import paired_change
from figures.experiments.smoothing import ALL, LAI, METHODS, SAME, SHRINKAGE, STOPPING
from figures.plotting.drawing import style
from figures.plotting.endpoints import endpoint_text
from tests.figures.results import committed

Numbers = dict[str, Any]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("frontier")


def points(numbers: Numbers, method: str) -> list[Numbers]:
    return [point for point in numbers["points"] if point["method"] == method]


def test_quick_numbers_hold_every_method(quick: Numbers) -> None:
    assert list(dict.fromkeys(p["method"] for p in quick["points"])) == ["MSE", *METHODS]
    assert [p["value"] for p in points(quick, LAI)] == [1.0, 0.001]
    assert [p["value"] for p in points(quick, SAME)] == [0.1, 1000.0]
    assert [p["value"] for p in points(quick, ALL)] == [1e-3, 10.0]
    for point in quick["points"]:
        names = ["rmse", "rmse_choosing", *frontier.MEASURES]
        if point["method"] == STOPPING:
            names.remove("sensitivity")
        assert all(len(point[name]) == 2 for name in names)
        assert point["rmse"] != point["rmse_choosing"]


def test_a_strong_pull_smooths_in_quick_numbers_too(quick: Numbers) -> None:
    (control,) = points(quick, "MSE")
    for method in (LAI, SAME, ALL):
        strongest = points(quick, method)[-1]
        for name in frontier.MEASURES:
            assert np.less(strongest[name], control[name]).all()


def test_there_is_one_primary_endpoint_and_every_other_is_secondary(quick: Numbers) -> None:
    primary = quick["primary"]
    assert (primary["baseline"], primary["measure"]) == (SAME, "mean_grad_norm")
    pairs = [(e["baseline"], e["measure"]) for e in quick["secondary"]]
    every = {(name, m) for name in frontier.BASELINES for m in frontier.MEASURES}
    assert set(pairs) == every - {(SAME, "mean_grad_norm"), (STOPPING, "sensitivity")}
    assert len(pairs) == len(set(pairs))
    for e in (primary, *quick["secondary"]):
        assert e == endpoint(quick["points"], LAI, e["baseline"], e["measure"])
        assert {"by_seed", "mean", "low", "high", "margin", "verdict", "common_range"} <= set(e)


def test_a_lambda_that_no_baseline_reaches_is_named(quick: Numbers) -> None:
    missed = {(e["baseline"], e["measure"], e["value"]): e["seeds"] for e in quick["not_reached"]}
    for e in quick["excess"]:
        smoothest = np.min([p[e["measure"]] for p in points(quick, e["baseline"])], axis=0)
        (lai,) = (p for p in points(quick, LAI) if p["value"] == e["value"])
        fewer = int(np.less(lai[e["measure"]], smoothest).sum())
        assert missed.get((e["baseline"], e["measure"], e["value"]), 0) == fewer
    assert missed[("weight decay", "mean_grad_norm", 0.001)] == 2


def test_shrinkage_and_the_best_are_there_for_every_lambda_and_method(quick: Numbers) -> None:
    found = [(e["measure"], e["value"]) for e in quick["shrinkage"]]
    assert found == [(m, lam) for m in frontier.MEASURES for lam in (1.0, 0.001)]
    assert [e["method"] for e in quick["best"]] == list(METHODS)
    for e in quick["best"]:
        mine = points(quick, e["method"])
        for seed, value in enumerate(e["values"]):
            best = min(mine, key=lambda p: p["rmse_choosing"][seed])
            assert value == best["value"]


def test_the_picture_states_the_verdict_and_changes_with_it(quick: Numbers) -> None:
    other = copy.deepcopy(quick)
    for point in points(other, LAI):
        point["rmse"] = [2 * rmse for rmse in point["rmse"]]
    other["primary"] = endpoint(other["points"], LAI, *frontier.PRIMARY)
    assert other["primary"]["verdict"] == "worse"
    for numbers in (quick, other):
        title = frontier.plot(numbers).legends[0].get_title().get_text()
        assert endpoint_text(numbers["primary"]) in title


def test_every_point_is_on_its_panel(quick: Numbers) -> None:
    control = quick["points"][0]
    with style():
        figure = frontier.plot(quick)
        figure.canvas.draw()
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown == [*METHODS, "MSE"]
    for axes, measure in zip(figure.axes, frontier.MEASURES, strict=False):
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        lines = {str(line.get_label()): line.get_xydata() for line in axes.lines}
        for method in METHODS:
            mine = [p for p in points(quick, method) if measure in p]
            expected = [
                (
                    1 + paired_change(p[measure], control[measure])["mean"],
                    100 * paired_change(p["rmse"], control["rmse"])["mean"],
                )
                for p in mine
            ]
            if mine:
                assert np.asarray(lines[method]) == pytest.approx(np.array(expected))
            assert all(left <= x <= right and bottom <= y <= top for x, y in expected)


def test_the_endpoints_are_drawn_with_margin_and_intervals(quick: Numbers) -> None:
    figure = frontier.plot(quick)
    axes = figure.axes[3]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert rows[0] == "mean gradient norm,\nsame samples, primary" and len(rows) == 6
    (seeds, *_) = (line for line in axes.lines if line.get_marker() == ".")
    assert list(np.asarray(seeds.get_xdata())) == pytest.approx(
        [100 * d for d in quick["primary"]["by_seed"]]
    )
    assert axes.get_legend_handles_labels()[1][0] == "margin of ±1%"


def test_a_lambda_that_the_penalty_does_not_reach_stands_in_the_title(quick: Numbers) -> None:
    missed = {"baseline": SAME, "measure": "mean_grad_norm", "value": 0.001, "seeds": 1}
    other = [e for e in quick["not_reached"] if e["baseline"] != SAME]
    for numbers, expected in (
        ({**quick, "not_reached": other}, False),
        ({**quick, "not_reached": [*other, missed]}, True),
    ):
        with style():
            title = frontier.plot(numbers).axes[3].get_title("left")
        assert ("λ = 0.001 (1 of 2 seeds)" in title) == expected


def test_the_table_shows_the_numbers_and_their_settings(quick: Numbers) -> None:
    text = frontier.table(quick)
    for e in (quick["primary"], *quick["secondary"]):
        assert endpoint_text(e) in text
    for p in quick["points"][1:]:
        change = paired_change(p["rmse"], quick["points"][0]["rmse"])
        row = f"{change['mean']:+.1%} [{change['low']:+.1%}, {change['high']:+.1%}]"
        assert any(
            line.startswith(p["method"]) and f" = {p['value']:g} " in line and row in line
            for line in text.splitlines()
        )
    for expected in (quick["source"], "8-32-16-1 tanh", "standard inputs", "batch 256"):
        assert expected in text


# The committed numbers. These tests need the run with 10 seeds on the real files.


@pytest.fixture(scope="module")
def kaggle() -> Numbers:
    return committed("frontier")


def test_the_committed_run_has_ten_seeds_of_the_real_files_and_is_small(kaggle: Numbers) -> None:
    assert kaggle["seeds"] == list(range(10)) and "Kaggle's files" in kaggle["source"]
    assert len(json.dumps(kaggle, indent=1)) < 300_000
    assert len(points(kaggle, LAI)) == 11
    assert len(points(kaggle, SAME)) == len(points(kaggle, ALL)) == 9


def test_committed_endpoints_are_those_of_the_committed_points(kaggle: Numbers) -> None:
    for e in (kaggle["primary"], *kaggle["secondary"]):
        again = endpoint(kaggle["points"], LAI, e["baseline"], e["measure"])
        assert again["by_seed"] == pytest.approx(e["by_seed"])
        assert again["verdict"] == e["verdict"]


def test_committed_runs_are_the_smoother_the_stronger_the_pull(kaggle: Numbers) -> None:
    for method in (LAI, SAME, ALL):
        norms = [np.log(p["mean_grad_norm"]).mean() for p in points(kaggle, method)]
        # the weakest ones are level with MSE
        assert (np.diff(norms[2:]) < 0).all()


def test_the_order_of_shrinkage_and_lai_turns_with_the_measure(kaggle: Numbers) -> None:
    found = {(e["measure"], e["value"]): e["excess"]["mean"] for e in kaggle["shrinkage"]}
    assert found["variance", 0.01] > 0 > found["mean_grad_norm", 0.01]
    assert points(kaggle, SHRINKAGE)
