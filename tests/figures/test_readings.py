from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import readings
from figures.experiments import protocol
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Settings
from figures.plotting.drawing import style

Numbers = dict[str, Any]
LEVELS = (1.0, 1.3, 1.1)  # of invented runs, per seed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Numbers]:
    """Invented results in place of training; the list collects the arms."""
    arms: list[Numbers] = []

    def train_all(settings: Settings, chosen: list[Numbers], title: str) -> list[Numbers]:
        arms.extend(chosen)
        return [{**arm, **invented(arm)} for arm in chosen]

    monkeypatch.setattr(readings, "train_all", train_all)
    return arms


def factor_of(arm: Numbers) -> float:
    """What an invented run has relative to its control."""
    if arm["lam"] is None:
        return 1.0
    factor: float = 1.0 + arm["l1_ratio"] / 10 + arm["alpha"] + arm["lam"]
    factor += 0.02 * (arm["reduction"] == "sample") - 0.3 * (not arm["divided"])
    drawn = {"points": 0.0, "separate": 0.03, "fixed": 0.05, "only": 0.4}
    return factor + drawn[arm["sampling"]]


def invented(arm: Numbers) -> Numbers:
    """MSE with few samples is twice, and with one Lai step per epoch three times as high."""
    level = LEVELS[arm["seed"]] * (2 if arm["train_rows"] else 1)
    level *= 1 if arm["sampling"] == "points" else 3
    f = factor_of(arm)
    k = [level * (f if j < 5 else 1 / f) * (j + 1) for j in range(8)]
    noise = 1 + 0.01 * arm["seed"] * (f != 1)
    rmse, variance, norm = level * f * noise, level / f, level / f**2
    return {"rmse": rmse, "variance": variance, "mean_grad_norm": norm, "mean_abs_k": k}


@pytest.fixture
def numbers(asked: list[Numbers], tmp_path: Path) -> Numbers:
    return readings.compute(Settings(tmp_path, seeds=3))


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("readings")


def test_every_reading_departs_from_one_reference(asked: list[Numbers], numbers: Numbers) -> None:
    base = protocol.PROTOCOL | {"scaling": "standard", "batch_size": 256, "lr": 1e-3}
    base |= {"sampling": "points", "lam": 0.01}
    found: dict[str, Numbers] = {}
    for i, key in enumerate(readings.READINGS):
        one, *others = asked[3 * i : 3 * i + 3]
        found[key] = {name: value for name, value in one.items() if base.get(name, value) != value}
        assert all(other == one | {"seed": seed} for seed, other in enumerate(others, start=1))
    few = {"train_rows": 2000, "batch_size": 32}
    assert found == {
        "reference": {},
        "elastic": {"l1_ratio": 0.5},
        "l1": {"l1_ratio": 1.0},
        "l2 sample": {"reduction": "sample"},
        "elastic sample": {"l1_ratio": 0.5, "reduction": "sample"},
        "redrawn": {"sampling": "separate"},
        "fixed": {"sampling": "fixed"},
        "redrawn few": {"sampling": "separate", **few},
        "fixed few": {"sampling": "fixed", **few},
        "undivided": {"divided": False},
        "all": {"alpha": 1.0},
        "undivided all": {"alpha": 1.0, "divided": False},
        "weak": {"lam": 1.0},
        "weak all": {"lam": 1.0, "alpha": 1.0},
        "only": {"sampling": "only"},
    }
    assert [row["key"] for row in numbers["rows"]] == list(found)


def test_controls_are_mse_and_few(asked: list[Numbers], numbers: Numbers) -> None:
    """On the same data and in the same batches, but not one for each α or norm."""
    half = len(asked) // 2
    arms, controls = asked[:half], asked[half:]
    for arm, control in zip(arms, controls, strict=True):
        assert control["lam"] is None
        assert all(arm[name] == control[name] for name in ("seed", "train_rows", "batch_size"))
        assert (arm["sampling"] == "points") == (control["sampling"] == "points")
    assert len({str(control) for control in controls}) == 3 * 3  # for each seed


def test_changes_are_paired_with_the_control_of_the_same_data(numbers: Numbers) -> None:
    rows = {row["key"]: row["changes"] for row in numbers["rows"]}
    for key, about in readings.READINGS.items():
        arm = protocol.PROTOCOL | {"lam": 0.01, "sampling": "points"} | about.changes
        f = factor_of(arm)
        expected = paired_change([f, 1.01 * f, 1.02 * f], [1, 1, 1])
        assert rows[key]["rmse"] == pytest.approx(expected), key
        assert rows[key]["variance"] == pytest.approx(dict.fromkeys(expected, 1 / f - 1)), key
        assert rows[key]["mean_grad_norm"]["mean"] == pytest.approx(1 / f**2 - 1), key


def test_readings_are_compared_with_each_other(numbers: Numbers) -> None:
    rows = {row["key"]: row["changes"]["rmse"]["mean"] for row in numbers["rows"]}
    pairs = [(row["key"], row["against"]) for row in numbers["comparisons"]]
    assert pairs == list(readings.COMPARISONS)
    for row in numbers["comparisons"]:
        if row["key"] != "only":  # whose control has other batches than the reference's
            expected = (1 + rows[row["key"]]) / (1 + rows[row["against"]]) - 1
            assert row["changes"]["rmse"]["mean"] == pytest.approx(expected)


def test_changes_of_k_are_by_feature(numbers: Numbers) -> None:
    (row,) = (row for row in numbers["rows"] if row["key"] == "weak all")
    changes = [change["mean"] for change in row["mean_abs_k_change"]]
    f = 1 + 1 + 1
    assert changes == pytest.approx([f - 1] * 5 + [1 / f - 1] * 3)
    assert readings.raised(row) == [1, 2, 3, 4, 5]


def test_a_feature_is_raised_if_its_interval_is_above_zero() -> None:
    ends = [(-0.1, 0.4), (0.1, 0.4), (-0.4, -0.1), (None, None)]
    changes = [{"mean": 0.2, "low": low, "high": high} for low, high in ends]
    assert readings.raised({"mean_abs_k_change": changes}) == [2]


@pytest.mark.parametrize(
    ("low", "high", "clear"),
    [(-0.1, 0.3, False), (0.05, 0.15, True), (-0.3, -0.1, True), (None, None, False)],
)
def test_a_finding_is_clear_if_its_interval_is_without_zero(
    low: float | None, high: float | None, clear: bool
) -> None:
    change = {"mean": 0.1, "low": low, "high": high}
    row = {"key": "fixed", "name": "the same points", "changes": {"rmse": change}}
    text = readings.finding({"comparisons": [row]}, "fixed", "rmse")
    assert text.startswith("the same points: RMSE +10.0%")
    assert text.endswith("no clear difference") != clear


def test_the_title_names_the_row_that_changes_most() -> None:
    def row(name: str, change: float) -> Numbers:
        changes = {"rmse": {"mean": change, "low": None, "high": None}}
        return {"group": "norm", "name": name, "changes": changes}

    rows = [row("L1", 0.5), row("L2", -0.4), row("none", 0.1)]  # −40 % is by the larger factor
    assert readings.extreme({"rows": rows}, "rmse").splitlines()[1:] == ["norm, L2", "-40%"]


@pytest.mark.parametrize(
    ("low", "high"), [(0.9, 1.3), (0.03, 2.2), (0.97, 1.02), (0.5, 1.01), (0.99, 6.0)]
)
def test_ticks_are_within_the_axis_and_apart(low: float, high: float) -> None:
    ticks = readings._ticks(low, high)
    assert 1.0 in ticks and ticks == sorted(ticks)
    assert all(low < tick < high for tick in ticks)
    if len(ticks) > 1:
        assert np.diff(np.log(ticks)).min() > np.log(high / low) / 8


def test_the_table_has_every_row_and_comparison(numbers: Numbers) -> None:
    lines = readings.table(numbers).splitlines()
    for row in (*numbers["rows"], *numbers["comparisons"]):
        cell = f"{row['changes']['rmse']['mean']:+.1%} ["
        assert any(row["name"] in line and cell in line for line in lines)
    assert sum(line.startswith("  all points") for line in lines) == 1
    assert "λ = 1" in lines[-3] and "+200% [" in lines[-1]


def test_the_picture_has_a_row_for_every_reading(numbers: Numbers) -> None:
    with style():
        figure = readings.plot(numbers)
        figure.canvas.draw()
    *panels, features = figure.axes
    names = [text.get_text() for text in panels[0].get_yticklabels()]
    assert names == [about.name for about in readings.READINGS.values()]
    for axes, measure in zip(panels, readings.MEASURES, strict=True):
        means = [1 + row["changes"][measure]["mean"] for row in numbers["rows"]]
        points = [line for line in axes.lines if line.get_marker() in ("o", "D")]
        assert [line.get_xdata()[0] for line in points] == pytest.approx(means)  # type: ignore[index]
        heights = [float(line.get_ydata()[0]) for line in points]  # type: ignore[index, arg-type]
        assert heights == sorted(heights) and axes.yaxis_inverted()  # the reference is on top
    groups = {text.get_text() for text in panels[0].texts}
    assert groups == {about.group for about in readings.READINGS.values()}
    assert "5 of 8 features with all points" in features.get_title("left")
    assert len(figure.get_suptitle().splitlines()) == len(readings.TITLE)


def test_quick_numbers_are_whole(quick: Numbers) -> None:
    by_key = {row["key"]: row["changes"] for row in quick["rows"]}
    assert by_key["all"]["mean_grad_norm"]["mean"] < by_key["reference"]["mean_grad_norm"]["mean"]
    assert all(len(row["mean_abs_k_change"]) == 8 for row in quick["rows"])
