from __future__ import annotations

import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest

from figures import smoothness
from figures.experiments.paper import LAMS, TABLE_1, TABLE_1_CHANGE
from figures.experiments.protocol import PROTOCOL
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("smoothness")


@pytest.fixture(scope="module")
def kaggle() -> Numbers:
    return committed("smoothness")


def of_seeds(numbers: Numbers, lam: float | None, name: str) -> list[float]:
    return [run[name] for run in numbers["runs"] if run["lam"] == lam]


def test_there_is_a_run_for_every_loss_and_seed(quick: Numbers) -> None:
    pairs = [(run["lam"], run["seed"]) for run in quick["runs"]]
    assert pairs == [(lam, seed) for seed in (0, 1) for lam in LAMS]


def test_runs_of_a_seed_part_after_pretraining_alone(quick: Numbers) -> None:
    fractions = {run["lam"]: run["lai_fraction"] for run in quick["runs"]}
    assert fractions.pop(None) == 0
    assert all(0.01 <= fraction < 0.012 for fraction in fractions.values())
    assert len({run["curve"][0] for run in quick["runs"]}) == len(quick["runs"])


@pytest.mark.parametrize("numbers", ["quick", "kaggle"])
def test_the_table_has_levels_and_paired_changes(
    numbers: str, request: pytest.FixtureRequest
) -> None:
    chosen = request.getfixturevalue(numbers)
    for row in chosen["table"]:
        for name in smoothness.MEASURES:
            ours, mse = of_seeds(chosen, row["lam"], name), of_seeds(chosen, None, name)
            assert row[name]["mean"] == pytest.approx(statistics.mean(ours), rel=1e-12)
            assert row[name]["sd"] == pytest.approx(statistics.stdev(ours), rel=1e-9)
            logs = [math.log(a / b) for a, b in zip(ours, mse, strict=True)]
            change = row[f"{name}_change"]
            assert change["mean"] == pytest.approx(math.exp(statistics.mean(logs)) - 1, abs=1e-12)
            assert change["low"] <= change["mean"] <= change["high"]


def test_the_rmse_is_the_mean_of_the_last_20_epochs(kaggle: Numbers) -> None:
    for run in kaggle["runs"]:
        assert run["rmse"] == pytest.approx(statistics.mean(run["curve"][-20:]), abs=1e-5)


def test_the_table_shows_the_numbers_and_their_circumstances(kaggle: Numbers) -> None:
    text = smoothness.table(kaggle)
    for row in kaggle["table"]:
        for name in smoothness.MEASURES:
            assert f"{row[name]['mean']:.4f} ± {row[name]['sd']:.4f}" in text
            change = row[f"{name}_change"]
            if row["lam"]:
                assert (
                    f"{change['mean']:+.1%} [{change['low']:+.1%}, {change['high']:+.1%}]" in text
                )
    for expected in ("0.7210", "0.6604", "-14.5%", kaggle["source"], "8-32-16-1 tanh", "batch 32"):
        assert expected in text


def test_one_seed_has_no_interval(quick: Numbers) -> None:
    lone = [{**row} for row in quick["table"]]
    for row in lone:
        for name in smoothness.MEASURES:
            row[f"{name}_change"] = row[f"{name}_change"] | {"low": None, "high": None}
    numbers = {**quick, "table": lone}
    smoothness.plot(numbers)
    changes = smoothness.table(numbers).split("changes to MSE")[1].split("outputs of MSE")[0]
    assert changes.count("[") == 1  # the heading's


def test_the_picture_has_every_loss_and_the_papers_numbers(quick: Numbers) -> None:
    curves, *levels_and_changes = smoothness.plot(quick).axes
    legend = curves.get_legend()
    assert legend is not None
    assert {text.get_text() for text in legend.get_texts()} == {
        "MSE",
        "λ = 1e-1",
        "λ = 1e-2",
        "λ = 1e-3",
    }
    panels = {"rmse": levels_and_changes[:2], "variance": levels_and_changes[2:]}
    for name, (levels, changes) in panels.items():
        drawn = [list(line.get_ydata()) for line in levels.lines]  # type: ignore[arg-type]
        assert list(TABLE_1[name]) in drawn
        crosses = [
            float(line.get_ydata()[0])  # type: ignore[index, arg-type]
            for line in changes.lines
            if line.get_marker() == "x" and len(line.get_ydata()) == 1  # type: ignore[arg-type]
        ]
        assert crosses == pytest.approx([100 * change for change in TABLE_1_CHANGE[name][1:]])
        dots = [line.get_ydata() for line in changes.lines if line.get_marker() == "."]
        mse = of_seeds(quick, None, name)
        for lam, seeds in zip(LAMS[1:], dots, strict=True):
            pairs = zip(of_seeds(quick, lam, name), mse, strict=True)
            assert list(seeds) == pytest.approx([100 * (a / b - 1) for a, b in pairs])  # type: ignore[arg-type]


# The committed numbers


def test_the_committed_numbers_are_of_ten_seeds_and_the_default_protocol(kaggle: Numbers) -> None:
    assert "Kaggle's files" in kaggle["source"] and kaggle["seeds"] == list(range(10))
    assert {**PROTOCOL, **kaggle["protocol"], "noises": []} == PROTOCOL


def test_the_caption_quotes_the_changes_and_levels(kaggle: Numbers) -> None:
    caption = caption_of(smoothness)
    for name in ("rmse", "variance"):
        means = [row[f"{name}_change"]["mean"] for row in kaggle["table"][1:]]
        assert ", ".join(f"{mean:+.1%}" for mean in means) in caption
        level = kaggle["table"][0][name]["mean"]
        assert f"{level:.3f}" in caption
    shrunk = kaggle["shrinkage"][-1]["rmse_change"]["mean"]
    assert f"{shrunk:+.1%}" in caption


@pytest.mark.parametrize("name", ["smoothness"])
def test_the_synthetic_data_behave_as_the_real_ones(name: str, kaggle: Numbers) -> None:
    synthetic = committed(f"stand-in/{name}")
    for row, other in zip(kaggle["table"][1:], synthetic["table"][1:], strict=True):
        for measure, tolerance in (("rmse", 0.02), ("variance", 0.05)):
            ours, theirs = (each[f"{measure}_change"]["mean"] for each in (row, other))
            assert abs(ours - theirs) < tolerance
