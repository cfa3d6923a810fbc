from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import few_data
from figures.experiments import protocol
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Settings
from figures.plotting.drawing import style

Numbers = dict[str, Any]
MSE_RMSE = (0.8, 0.9, 1.0)  # of invented runs, per seed
# the factor to MSE of each parameter, on the choosing half and on the scoring half
FACTORS = {
    ("lam", 1.0): (0.95, 1.02),
    ("lam", 0.001): (0.99, 0.9),
    ("mu", 0.1): (0.97, 0.98),
    ("mu", 100.0): (0.9, 0.92),
}
STOPS = {3: (1.2, 1.3), 30: (0.98, 0.97), 200: (1.0, 1.0)}  # the same, by epoch


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Numbers]:
    """Invented results in place of training; the list collects the arms."""
    arms: list[Numbers] = []

    def train_all(settings: Settings, chosen: list[Numbers], title: str) -> list[Numbers]:
        arms.extend(chosen)
        return [{**arm, **invented(arm)} for arm in chosen]

    monkeypatch.setattr(few_data, "train_all", train_all)
    return arms


def invented(arm: Numbers) -> Numbers:
    """Results in which seed 1 finds the weakest parameters better by far."""
    seed, base = arm["seed"], MSE_RMSE[arm["seed"] % 3]
    lam, mu = arm["lam"], arm["mu"]
    choose, score = FACTORS.get(("lam", lam) if lam else ("mu", mu), (1.0, 1.0))
    if seed == 1 and (lam == 1.0 or mu == 0.1):
        choose = 0.5
    path = [
        {"epoch": epoch, "rmse": 9.0, "halves": [base * a, base * b]}
        | {"mean_grad_norm": 0.8 * base, "variance": 0.5}
        for epoch, (a, b) in STOPS.items()
    ]
    norm = base * (0.5 if lam or mu else 1)
    return {
        "halves": [base * choose, base * score],
        "rmse": 9.0,
        "mean_grad_norm": norm,
        "variance": 0.7,
        "pretraining": {"path": path[:1]},
        "path": path[1:],
    }


@pytest.fixture
def numbers(asked: list[Numbers], tmp_path: Path) -> Numbers:
    return few_data.compute(Settings(tmp_path, seeds=3, quick=True))


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("few_data")


def test_every_method_is_trained_with_every_number_of_samples(
    asked: list[Numbers], tmp_path: Path
) -> None:
    few_data.compute(Settings(tmp_path, seeds=2))
    assert {arm["train_rows"] for arm in asked} == {250, 500, 1000, 2000, 4000}
    for rows in few_data.SIZES:
        for seed in (0, 1):
            mine = [a for a in asked if (a["train_rows"], a["seed"]) == (rows, seed)]
            lams, mus = ([a[name] for a in mine if a[name] is not None] for name in ("lam", "mu"))
            assert sorted(lams) == [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
            assert sorted(mus) == [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
            assert len(mine) == len(lams) + len(mus) + 1
    wanted = protocol.PROTOCOL | {"scaling": "standard", "batch_size": 32, "lr": 1e-3}
    wanted |= {"sampling": "points"}
    del wanted["train_rows"]
    assert all(arm.items() >= wanted.items() for arm in asked)


def test_one_half_chooses_and_the_other_one_scores(numbers: Numbers) -> None:
    for size in numbers["sizes"]:
        lai, penalty, stop = (size["methods"][name] for name in few_data.METHODS)
        # λ = 1 looks best on the first half, though λ = 1e-3 is on the second
        assert lai["chosen"] == [1.0, 1.0, 1.0]
        assert lai["rmse"] == pytest.approx([1.02 * base for base in MSE_RMSE])
        assert lai["change"]["mean"] == pytest.approx(0.02) and lai["better_in"] == 0
        assert penalty["chosen"] == [100.0, 0.1, 100.0]
        factors = [0.92, 0.98, 0.92]
        assert penalty["change"] == pytest.approx(paired_change(factors, [1, 1, 1]))
        assert penalty["better_in"] == 3
        assert stop["chosen"] == [30, 30, 30]
        assert stop["change"]["mean"] == pytest.approx(-0.03)


def test_a_choice_at_the_end_of_its_grid_is_counted(numbers: Numbers) -> None:
    at_end = {name: m["at_end"] for name, m in numbers["sizes"][0]["methods"].items()}
    assert at_end == {"Lai": 3, "gradient penalty": 3, "early stopping": 0}


def test_lai_is_compared_with_the_others_seed_by_seed(numbers: Numbers) -> None:
    for size in numbers["sizes"]:
        over = size["lai_over_penalty"]
        assert over["change"] == pytest.approx(
            paired_change([1.02, 1.02, 1.02], [0.92, 0.98, 0.92])
        )
        assert over["better_in"] == 0
        assert size["lai_over_stopping"]["change"]["mean"] == pytest.approx(1.02 / 0.97 - 1)


def test_the_gradient_norm_is_that_of_the_chosen_runs(numbers: Numbers) -> None:
    for m, change in zip(numbers["sizes"][0]["methods"].values(), (-0.5, -0.5, -0.2), strict=True):
        expected = {"mean": change, "low": change, "high": change}  # paired: no spread
        assert m["mean_grad_norm_change"] == pytest.approx(expected)


def test_curves_have_every_parameter_on_the_scoring_half(numbers: Numbers) -> None:
    curves = numbers["sizes"][1]["curves"]
    found = {
        name: {point["value"]: point["rmse_change"]["mean"] for point in curve}
        for name, curve in curves.items()
    }
    assert found["Lai"] == pytest.approx({1.0: 0.02, 0.001: -0.1})
    assert found["gradient penalty"] == pytest.approx({0.1: -0.02, 100.0: -0.08})
    assert found["early stopping"] == pytest.approx({3: 0.3, 30: -0.03, 200: 0.0})


def made_up(changes: dict[str, tuple[float, float]], seeds: int = 3) -> Numbers:
    """Intervals of the five comparisons, by name, for 250 samples; for 500 all contain 0."""

    def size(rows: int, of: dict[str, tuple[float, float]]) -> Numbers:
        about = {
            name: {"change": {"mean": (low + high) / 2, "low": low, "high": high}}
            for name, (low, high) in of.items()
        }
        methods = {name: about.pop(name) for name in few_data.METHODS}
        return {"rows": rows, "methods": methods, **about}

    unclear = dict.fromkeys(changes, (-0.3, 0.1))
    return {"seeds": list(range(seeds)), "sizes": [size(250, changes), size(500, unclear)]}


NAMES = (*few_data.METHODS, *few_data.DUELS)


def test_verdicts_are_those_of_the_intervals() -> None:
    below, above, unclear = (-0.2, -0.1), (0.1, 0.2), (-0.2, 0.1)
    found = few_data.verdicts(
        made_up(dict(zip(NAMES, (below, above, unclear, above, below), strict=True)))
    )
    assert found == [
        "RMSE below MSE's, by number of training samples, each by itself: Lai with 250; gradient"
        " penalty with none; early stopping with none",
        "RMSE of Lai against gradient penalty: higher with 250",
        "RMSE of Lai against early stopping: lower with 250",
    ]
    found = few_data.verdicts(made_up(dict.fromkeys(NAMES, (-0.1, 0.3))))
    assert found[1:] == [
        f"RMSE of Lai against {rival}: no clear difference"
        for rival in ("gradient penalty", "early stopping")
    ]


def test_one_seed_has_no_verdict() -> None:
    (found,) = few_data.verdicts(made_up(dict.fromkeys(NAMES, (-0.2, -0.1)), seeds=1))
    assert "one seed" in found


def test_the_table_shows_every_number(numbers: Numbers) -> None:
    text = few_data.table(numbers)
    assert "+2.0% [+2.0%, +2.0%]" in text and "  3/3    λ 1\n" in text
    assert "   0/3    epoch 30\n" in text and "μ 100" in text
    for line in few_data.verdicts(numbers):
        assert line in text
    for size in numbers["sizes"]:
        assert f"{size['rows']:>7}  MSE" in text
    assert "standard inputs" in text and "batch 32" in text


def test_the_picture_shows_the_changes_and_the_verdicts(numbers: Numbers) -> None:
    with style():
        figure = few_data.plot(numbers)
        figure.canvas.draw()
    left, right = figure.axes
    for name, drawn in zip(few_data.METHODS, left.containers, strict=True):
        means = [size["methods"][name]["change"]["mean"] for size in numbers["sizes"]]
        assert drawn[0].get_ydata() == pytest.approx(means)
    assert figure.get_suptitle() == "\n".join(few_data.verdicts(numbers))
    assert right.get_title("left").startswith("250 samples")
    texts = {text.get_text() for text in right.texts}
    assert texts == {"λ = 0.001", "μ = 100", "epoch = 30"}


def test_the_second_panel_is_of_the_samples_with_the_largest_gain(numbers: Numbers) -> None:
    change = {"mean": -0.5, "low": -0.6, "high": -0.4}
    numbers["sizes"][1]["methods"]["early stopping"]["change"] = change
    assert few_data.plot(numbers).axes[1].get_title().startswith("500 samples")


def test_quick_numbers_are_whole(quick: Numbers) -> None:
    assert [size["rows"] for size in quick["sizes"]] == [250, 500]
    for size in quick["sizes"]:
        for m in size["methods"].values():
            assert len(m["chosen"]) == len(m["rmse"]) == 2 and min(m["rmse"]) > 0
        stops = [point["value"] for point in size["curves"]["early stopping"]]
        assert stops == [1, 2, 3, 5]
    assert quick["sizes"][0]["mse"] != quick["sizes"][1]["mse"]
