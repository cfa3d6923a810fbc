from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import smoothness

RESULTS = Path(__file__).parents[2] / "figures" / "results" / "smoothness.json"
NUMBERS: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("smoothness")


def final(numbers: dict[str, Any], lam: float | None, name: str) -> list[float]:
    values = [arm[name] for arm in numbers["arms"] if arm["lam"] == lam]
    return [value[-1] for value in values] if name == "rmse" else values


def test_there_is_an_arm_for_every_loss_and_seed(quick: dict[str, Any]) -> None:
    pairs = [(arm["lam"], arm["seed"]) for arm in quick["arms"]]
    assert sorted(pairs, key=str) == sorted(
        ((lam, seed) for lam in (None, 1e-1, 1e-2, 1e-3) for seed in (0, 1)), key=str
    )


def test_arms_of_a_seed_part_after_pretraining_alone(quick: dict[str, Any]) -> None:
    shares = {arm["lam"]: arm["lai_share"] for arm in quick["arms"]}
    assert shares.pop(None) == 0
    assert all(0.003 < share < 0.02 for share in shares.values())
    assert len({arm["rmse"][0] for arm in quick["arms"]}) == len(quick["arms"])


@pytest.mark.parametrize("numbers", ["quick", "committed"])
def test_the_table_is_medians_and_paired_changes(numbers: str, quick: dict[str, Any]) -> None:
    chosen = quick if numbers == "quick" else NUMBERS
    for row in chosen["table"]:
        for name in ("rmse", "variance"):
            ours, control = final(chosen, row["lam"], name), final(chosen, None, name)
            changes = [a / b - 1 for a, b in zip(ours, control, strict=True)]
            for cell, values in ((row[name], ours), (row[f"{name}_change"], changes)):
                assert cell["median"] == pytest.approx(statistics.median(values), rel=1e-12)
                assert (cell["least"], cell["most"]) == pytest.approx((min(values), max(values)))


@pytest.mark.parametrize("numbers", ["quick", "committed"])
def test_the_variance_falls_as_lambda_falls(numbers: str, quick: dict[str, Any]) -> None:
    rows = (quick if numbers == "quick" else NUMBERS)["table"]
    medians = [row["variance"]["median"] for row in rows]
    assert medians == sorted(medians, reverse=True)


def test_committed_numbers_keep_what_the_paper_claims() -> None:
    assert "Kaggle's files" in NUMBERS["source"] and len(NUMBERS["seeds"]) >= 3
    largest = next(row for row in NUMBERS["table"] if row["lam"] == 1e-1)
    assert largest["rmse_change"]["median"] < 0.03


def test_the_table_shows_the_numbers_and_their_circumstances() -> None:
    text = smoothness.table(NUMBERS)
    for row in NUMBERS["table"]:
        assert f"{row['rmse']['median']:.4f}" in text
        assert f"{row['variance']['median']:.4f}" in text
    for expected in ("0.7210", "0.6604", NUMBERS["source"], "8-64-32-1 tanh", "batch 64", "Adam"):
        assert expected in text


def test_the_legend_names_every_loss(quick: dict[str, Any]) -> None:
    figure = smoothness.plot(quick)
    labels = {text.get_text() for text in figure.axes[0].get_legend().get_texts()}  # type: ignore[union-attr]
    assert labels == {"MSE", "λ = 1e-1", "λ = 1e-2", "λ = 1e-3"}


def test_the_panels_on_the_right_show_the_last_value_of_every_seed(quick: dict[str, Any]) -> None:
    _, *panels = smoothness.plot(quick).axes
    for axes, name in zip(panels, ("rmse", "variance"), strict=True):
        points = axes.lines[:4]
        for line, lam in zip(points, (None, 1e-1, 1e-2, 1e-3), strict=True):
            assert line.get_ydata() == pytest.approx(final(quick, lam, name))
