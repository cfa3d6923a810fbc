from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import compare
from figures.__main__ import main
from figures.experiments.comparison import LAI, METHODS, PENALTY, STOPPING
from figures.plotting.drawing import style
from figures.plotting.words import short_names, with_interval
from tests.figures.csv_files import written
from tests.figures.results import caption_of, committed

Numbers = dict[str, Any]
FEATURES = ["a", "a name that is longer than a column of the table", *"cdefghijklmnopqrst"]
BELOW, ABOVE, UNCLEAR = (-0.3, -0.2, -0.1), (0.1, 0.2, 0.3), (-0.1, 0.0, 0.2)


def numbers(*changes: tuple[float, float, float] | None, seeds: int = 5) -> Numbers:
    """Made-up numbers with these intervals of the three methods; None: never chosen."""

    def method(change: tuple[float, float, float] | None) -> Numbers:
        ends = dict(zip(("low", "mean", "high"), change or (0.0, 0.0, 0.0), strict=True))
        many = {end: [value] * len(FEATURES) for end, value in ends.items()}
        return {
            "chosen": [[3.0, 3.0], [3.0, None]] if change else [[None, None]] * 2,
            "rmse": 123456.0,
            "rmse_change": ends | {"by_seed": [0.1] * seeds},
            "lower_in": 1,
            "mean_grad_norm_change": ends,
            "sensitivity_change": many,
            "settings": [{"value": 3.0, "rmse_change": 0.5, "mean_grad_norm_change": -0.5}],
        }

    return committed("compare") | {
        "seeds": list(range(seeds)),
        "target": "price",
        "features": FEATURES,
        "constant_rmse": 2e5,
        "mse": {"rmse": 1e5, "mean_grad_norm": 1e5, "sensitivity": [1e5] * len(FEATURES)},
        "methods": dict(zip(METHODS, map(method, changes), strict=True)),
    }


def test_a_method_is_named_as_better_only_if_its_interval_is_below_0() -> None:
    found = compare.sentence(numbers(UNCLEAR, BELOW, ABOVE))
    assert found == (
        "On these data, relative to MSE, gradient penalty lowers the validation RMSE by 20.0%"
        " [10.0%, 30.0%] (most often with μ = 3: 3 of 4 choices); early stopping raises the"
        " validation RMSE by 20.0% [10.0%, 30.0%] (most often with epoch 3: 3 of 4 choices); no"
        " clear difference for Lai (+0.0% [-10.0%, +20.0%])."
    )


@pytest.mark.parametrize("change", [(-0.3, -0.1, 0.01), (-0.01, 0.1, 0.3), UNCLEAR])
def test_an_interval_that_contains_0_tells_nothing_whatever_its_mean(
    change: tuple[float, float, float],
) -> None:
    assert "lowers" not in compare.sentence(numbers(change, change, change))
    assert "raises" not in compare.sentence(numbers(change, change, change))
    assert "no clear difference for Lai" in compare.sentence(numbers(change, BELOW, change))


def test_of_several_better_methods_the_one_with_the_largest_gain_is_first() -> None:
    found = compare.sentence(numbers(BELOW, UNCLEAR, (-0.5, -0.4, -0.3)))
    assert (
        found.index("early stopping lowers")
        < found.index("Lai lowers")
        < found.index("no clear diff")
    )


def test_no_clear_difference_where_all_intervals_contain_0() -> None:
    found = compare.sentence(numbers(UNCLEAR, UNCLEAR, UNCLEAR))
    assert found.startswith("On these data no clear difference to MSE in validation RMSE: Lai")
    assert found.count("[-10.0%, +20.0%]") == 3


@pytest.mark.parametrize("chosen", [150.0, None])
def test_the_table_of_the_committed_comparison_fits_too(chosen: float | None) -> None:
    found = committed("compare")
    for method in found["methods"].values():
        method["chosen"] = [[chosen, chosen]] * 10
    assert max(map(len, compare.table(found).splitlines())) <= 100


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_few_seeds_decide_nothing_whatever_their_intervals(seeds: int) -> None:
    found = compare.sentence(numbers(BELOW, ABOVE, UNCLEAR, seeds=seeds))
    assert found == (
        f"{seeds} seeds are too few for a verdict (at least 5); their changes of validation RMSE to"
        " MSE: Lai -20.0% [-30.0%, -10.0%]; gradient penalty +20.0% [+10.0%, +30.0%];"
        " early stopping +0.0% [-10.0%, +20.0%]."
    )


@pytest.mark.parametrize(("rmse", "said"), [(1.99e5, False), (2e5, True), (2.5e5, True)])
def test_mse_that_is_no_better_than_a_constant_is_said(rmse: float, said: bool) -> None:
    made = numbers(BELOW, UNCLEAR, UNCLEAR)
    made["mse"]["rmse"] = rmse
    found = compare.sentence(made)
    assert ("MSE itself is no better than the mean of the target" in found) == said
    assert "Lai lowers" in found
    assert "\nconstant, level      2e+05\n" in compare.table(made)


def test_a_method_that_was_never_chosen_has_no_numbers() -> None:
    found = compare.sentence(numbers(None, BELOW, UNCLEAR))
    assert found.endswith("for Lai (never chosen) and early stopping (+0.0% [-10.0%, +20.0%]).")
    assert "validation RMSE: Lai never chosen; gradient" in compare.sentence(
        numbers(None, UNCLEAR, UNCLEAR)
    )
    assert ": Lai never chosen;" in compare.sentence(numbers(None, BELOW, UNCLEAR, seeds=2))
    lines = compare.table(numbers(None, BELOW, None)).splitlines()
    (row,) = (line for line in lines if line.startswith("Lai  "))
    assert row.split() == [
        "Lai",
        "1.235e+05",
        "never",
        "chosen",
        "1/5",
        "–",
        "plain",
        "MSE",
        "(4/4)",
    ]
    assert "plain MSE is a setting of each method" in " ".join(lines)
    (feature,) = (line for line in lines if line.startswith("a  "))
    assert feature.split() == ["a", "1e+05", "–", "-20%", "[-30%,", "-10%]", "–"]
    changes, features, _ = compare.plot(numbers(None, BELOW, None)).axes
    assert [text.get_text() for text in changes.texts] == ["never chosen"] * 2
    assert len(changes.containers) == 1 and len(features.containers) == 16


@pytest.mark.parametrize(
    "extreme", [(-50.0, 15.0, 100.0, 1000.0), (-99.9, 400.0), (-3.0, 4.0), (0.0, 1e7), (0.0, 0.0)]
)
def test_the_axis_of_changes_has_readable_ticks_and_nothing_below_minus_100(
    extreme: tuple[float, ...],
) -> None:
    made = numbers(UNCLEAR, UNCLEAR, UNCLEAR)
    made["methods"][LAI]["settings"] = [
        {"value": 1.0, "rmse_change": change / 100, "mean_grad_norm_change": -0.5}
        for change in extreme
    ]
    for method in (PENALTY, STOPPING):
        made["methods"][method]["settings"] = []
    with style():
        figure = compare.plot(made)
        figure.draw_without_rendering()
    axes = figure.axes[2]
    low, high = axes.get_ylim()
    assert -100 <= low < min(extreme) and max(extreme) < high
    highest = axes.transData.transform((0, max(extreme)))[1]
    assert axes.bbox.y1 - highest >= 5  # pixels: no marker on the frame
    boxes = [
        label.get_window_extent() for label in axes.get_yticklabels() if label.get_text() != ""
    ]
    boxes = [box for box in boxes if axes.bbox.y0 <= (box.y0 + box.y1) / 2 <= axes.bbox.y1]
    assert len(boxes) >= 2
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))
    assert ("logarithmic" in axes.get_ylabel()) == (max(map(abs, extreme)) > 10)


@pytest.mark.parametrize("change", [UNCLEAR, (-0.999, -0.5, 1e6), (-1.0, 9e4, 1e9)])
def test_the_table_fits_100_columns_and_has_every_feature(
    change: tuple[float, float, float],
) -> None:
    text = compare.table(numbers(change, BELOW, UNCLEAR))
    assert max(map(len, text.splitlines())) <= 100
    assert all(f"\n{name} " in text for name in short_names(FEATURES))
    assert " ".join(compare.sentence(numbers(change, BELOW, UNCLEAR)).split()[:9]) in text
    assert "units of price" in text and "100,000 $" not in text


def test_the_picture_has_the_sentence_and_the_most_sensitive_features() -> None:
    made = numbers(BELOW, UNCLEAR, ABOVE)
    made["mse"]["sensitivity"] = list(range(len(FEATURES)))
    with style():
        figure = compare.plot(made)
        figure.draw_without_rendering()
    words = figure.get_suptitle().replace("\u00a0", " ").replace("\n", " ")
    assert words == compare.sentence(made)
    changes, features, settings = figure.axes
    assert [label.get_text() for label in changes.get_yticklabels()] == list(METHODS)
    names = [label.get_text() for label in features.get_yticklabels()]
    assert names == ["mean gradient norm", *FEATURES[::-1][:15]]
    assert "the 15 most sensitive" in features.get_title("left")
    legend = settings.get_legend()
    assert legend and [text.get_text() for text in legend.get_texts()] == [LAI, PENALTY, STOPPING]


@pytest.mark.slow
def test_a_csv_file_is_compared_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "table.csv", scale=100.0)
    command = ["compare", "--data", str(file), "--target", "y", "--quick", "--jobs", "1"]
    assert main([*command, "--seeds", "1", "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr()
    assert "table.csv (60 rows, 2 features" in shown.out and "units of y" in shown.out
    assert "48 training samples, 12 validation samples" in " ".join(shown.out.split())
    assert "compare: 7/7" in shown.err
    for suffix in ("json", "png", "svg"):
        assert (tmp_path / "out" / f"compare.{suffix}").exists()
    assert main([*command, "--seeds", "1", "--out", str(tmp_path / "out")]) == 0
    assert "7 jobs, 7 of them cached" in capsys.readouterr().err


def test_the_committed_comparison_is_of_the_default_table() -> None:
    found = committed("compare")
    assert found["protocol"]["rows"] == 500 and len(found["features"]) == 8
    assert found["samples"] == {"train": 400, "validation": 100}
    for method in found["methods"].values():
        assert np.shape(method["chosen"]) == (10, 2)


def test_the_caption_has_the_committed_numbers() -> None:
    found, caption = committed("compare"), caption_of(compare)
    for method in found["methods"].values():
        assert f"({with_interval(method['rmse_change'])})" in caption
    lai, stopping = (
        found["methods"][name]["mean_grad_norm_change"]["mean"] for name in (LAI, STOPPING)
    )
    assert f"norm by {-lai:.1%}, early stopping by {-stopping:.1%}" in caption
    assert "no clear difference" in compare.sentence(found)
