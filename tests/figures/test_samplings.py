from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from figures import samplings
from figures.experiments.paper import LAMS
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("samplings")


def test_every_scaling_and_sampling_has_a_table_of_its_own(quick: Numbers) -> None:
    readings = [(each["scaling"], each["sampling"]) for each in quick["tables"]]
    assert readings == [
        (scaling, sampling)
        for scaling in ("max-abs", "standard")
        for sampling in ("separate", "points", "batches")
    ]
    assert len(quick["runs"]) == len(readings) * len(LAMS) * 2
    for each in quick["tables"]:
        mine = [
            run["rmse"]
            for run in quick["runs"]
            if (run["scaling"], run["sampling"]) == (each["scaling"], each["sampling"])
            and run["lam"] == 1e-3
        ]
        assert each["rows"][-1]["rmse"]["mean"] == pytest.approx(sum(mine) / 2)


def test_the_first_table_is_that_of_smoothness(
    quick: Numbers, quick_numbers: Callable[[str], Numbers]
) -> None:
    table = quick_numbers("smoothness")["table"]
    for row, other in zip(quick["tables"][0]["rows"], table, strict=True):
        assert row == other


def test_the_table_shows_every_reading_and_the_paper(quick: Numbers) -> None:
    text = samplings.table(quick)
    for each in quick["tables"]:
        for title in samplings.MEASURES.values():
            assert f"{each['scaling']}, {each['sampling']}, {title}" in text
        change = each["rows"][2]["variance_change"]
        assert f"{change['mean']:+.1%} [{change['low']:+.1%}, {change['high']:+.1%}]" in text
    assert "paper, validation RMSE" in text and "-14.5%" in text


def test_the_picture_has_a_row_for_every_reading(quick: Numbers) -> None:
    figure = samplings.plot(quick)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [f"{e['scaling']} inputs,\n{e['sampling']}" for e in quick["tables"]]
    for axes, name in zip(figure.axes, samplings.MEASURES, strict=True):
        shown = {round(float(c.get_segments()[0].mean(axis=0)[0]), 3) for c in axes.collections}  # type: ignore[attr-defined]
        middle = {
            round(50 * (c["low"] + c["high"]), 3)
            for each in quick["tables"]
            for c in (row[f"{name}_change"] for row in each["rows"][1:])
        }
        assert shown == middle


# The committed numbers


def test_the_caption_quotes_the_committed_numbers() -> None:
    numbers, caption = committed("samplings"), caption_of(samplings)
    assert numbers["seeds"] == list(range(10)) and "Kaggle's files" in numbers["source"]
    found = {(e["scaling"], e["sampling"]): e["rows"][-1] for e in numbers["tables"]}
    for scaling in ("max-abs", "standard"):
        for name in ("rmse", "variance"):
            changes = [
                found[scaling, sampling][f"{name}_change"]["mean"]
                for sampling in ("separate", "points", "batches")
            ]
            assert ", ".join(f"{change:+.0%}" for change in changes) in caption
