from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import strength
from figures.experiments import protocol
from figures.experiments.intervals import paired_change
from figures.experiments.settings import Settings
from figures.plotting.drawing import style

Numbers = dict[str, Any]
# (α, λ): variance of invented results, of seed 0; RMSE = 1/variance, except for one setting
INVENTED = {(0.01, 0.1): 0.9, (1.0, 0.1): 0.5, (0.01, 0.001): 0.7, (1.0, 0.001): 0.2}
STRANGE = (1.0, 0.1)


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], Numbers]) -> Numbers:
    return quick_numbers("strength")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Numbers]:
    """Invented results in place of training; the list collects the arms."""
    arms: list[Numbers] = []

    def train_all(settings: Settings, chosen: list[Numbers], title: str) -> list[Numbers]:
        arms.extend(chosen)
        return [{**arm, **invented(arm)} for arm in chosen]

    monkeypatch.setattr(strength, "train_all", train_all)
    return arms


def invented(arm: Numbers) -> Numbers:
    """With α = 1 and λ = 0.1: strange variance in seeds 1 and 2."""
    seed, control, strange = arm["seed"], arm["lam"] is None, (arm["alpha"], arm["lam"]) == STRANGE
    variance = 1.0
    if not control:
        weight = arm["alpha"] / arm["lam"]
        variance = INVENTED.get((arm["alpha"], arm["lam"]), 1 / (1 + 1.07 * weight))
    if strange:
        variance = (0.5, 0.95, 0.9)[seed]
    return {
        "variance": variance * (1 + seed),
        "mean_grad_norm": 3 * variance * (1 + seed),
        "rmse": 2 / variance,
    }


@pytest.fixture
def numbers(asked: list[Numbers], tmp_path: Path) -> Numbers:
    return strength.compute(Settings(tmp_path, seeds=3, quick=True))


def test_the_runs_are_a_grid_and_the_control(asked: list[Numbers], tmp_path: Path) -> None:
    strength.compute(Settings(tmp_path, seeds=2))
    alphas = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
    grid = {(a, lam) for a in alphas for lam in (0.1, 0.01, 0.001)}
    for seed in (0, 1):
        mine = [(arm["alpha"], arm["lam"]) for arm in asked if arm["seed"] == seed]
        assert len(mine) == 22 and set(mine) == grid | {(0.01, None)}
    wanted = protocol.PROTOCOL | {"scaling": "standard", "batch_size": 256, "lr": 1e-3}
    wanted |= {"sampling": "points"}
    assert all({**arm, "alpha": 0.01}.items() >= wanted.items() for arm in asked)


def test_changes_are_paired_by_seed(numbers: Numbers) -> None:
    by_name = {(row["alpha"], row["lam"]): row for row in numbers["settings"]}
    assert list(by_name) == [(0.0, None), *INVENTED]
    strange = by_name[STRANGE]
    values = [0.5, 1.9, 2.7]
    assert strange["variance"]["mean"] == pytest.approx(np.mean(values))
    expected = paired_change(values, [1, 2, 3])
    assert strange["variance_change"] == pytest.approx(expected)
    assert strange["mean_grad_norm_change"] == pytest.approx(expected)
    assert strange["rmse_change"] == pytest.approx(paired_change([1, 2, 3], values))
    assert by_name[0.0, None]["rmse_change"] == {"mean": 0.0, "low": 0.0, "high": 0.0}


def test_neighbours_that_move_as_claimed_are_counted(numbers: Numbers) -> None:
    """The exceptions, with λ = 0.1: the variance rises with α in seed 1, and stays in seed 2."""
    for name in strength.MEASURES:
        assert numbers["monotone_pairs"][name] == {"alpha": [4, 6], "lam": [6, 6]}


def points(lam: float | None, factor: float, *variances: float, seed: int = 0) -> list[Numbers]:
    """Runs with RMSE = factor/√variance, which is a line in logarithms."""
    return [{"seed": seed, "lam": lam, "variance": v, "rmse": factor * v**-0.5} for v in variances]


def test_one_strength_has_no_gap() -> None:
    """The two reach other places of one curve; beyond what both reach nothing is compared."""
    runs = [*points(None, 1, 1.0), *points(0.1, 1, 0.9, 0.6), *points(0.01, 1, 0.8, 0.1)]
    gap = strength._rmse_gap(runs, "variance", 0.1, 0.01)
    assert gap["lams"] == [0.1, 0.01]
    assert (gap["change"]["mean"], gap["largest"]) == pytest.approx((0, 0), abs=1e-12)


def test_the_gap_is_the_mean_log_ratio_over_the_common_range() -> None:
    """A curve that is steeper by 1/2 in ln RMSE, from the control to ln variance = ln 0.25."""
    runs = []
    for seed in (0, 1):
        runs += points(None, 1, 1.0, seed=seed)
        runs += points(0.1, 1, 0.5, 0.25, seed=seed)
        runs += [run | {"lam": 0.01, "rmse": run["variance"] ** -1.0} for run in runs[-2:]]
    runs += [{"seed": 1, "lam": 0.01, "variance": 0.01, "rmse": 0.01**-1.0}]  # outside the range
    gap = strength._rmse_gap(runs, "variance", 0.1, 0.01)
    # ln RMSE differs by ln(1/variance)/2, which goes from 0 to ln(4)/2: on average ln(4)/4
    assert gap["change"]["mean"] == pytest.approx(4**0.25 - 1)
    assert gap["change"]["low"] == pytest.approx(gap["change"]["high"])
    assert gap["largest"] == pytest.approx(2 - 1)
    swapped = strength._rmse_gap(runs, "variance", 0.01, 0.1)
    assert swapped["change"]["mean"] == pytest.approx(4**-0.25 - 1)


def test_the_gap_is_no_median() -> None:
    """The mean of x² over x in (−1, 0) is 1/3, the median 1/4."""
    x = np.linspace(-1, 0, 41)
    runs = [{"seed": 0, "lam": 0.1, "variance": v, "rmse": 1.0} for v in np.exp(x)]
    runs += [r | {"lam": 0.01, "rmse": np.exp(np.log(r["variance"]) ** 2)} for r in runs]
    gap = strength._rmse_gap(runs, "variance", 0.1, 0.01)
    assert np.log1p(gap["change"]["mean"]) == pytest.approx(1 / 3, abs=0.01)


def test_gaps_are_taken_within_seeds() -> None:
    """Of two seeds with other levels, whose λ differ by factors of 1.1 and 1.21."""
    runs = []
    for seed, level in ((0, 1.0), (1, 7.0)):
        for lam, factor in ((0.1, 1.0), (0.01, 1.1 ** (1 + seed))):
            runs += points(lam, level * factor, 0.9 * level, 0.3 * level, seed=seed)
    gap = strength._rmse_gap(runs, "variance", 0.1, 0.01)
    assert gap["change"] == pytest.approx(paired_change([1.1, 1.21], [1, 1]))
    assert gap["largest"] == pytest.approx(1.1**1.5 - 1)


def test_the_widest_gap_is_by_its_factor() -> None:
    gaps = [{"change": {"mean": mean}} for mean in (0.1, -0.11, 0.115)]
    assert strength.widest_gap({"rmse_gap": {"variance": gaps}}, "variance") == gaps[1]


def test_every_pair_of_lambda_is_compared(asked: list[Numbers], tmp_path: Path) -> None:
    gaps = strength.compute(Settings(tmp_path, seeds=1))["rmse_gap"]
    for name in ("variance", "mean_grad_norm"):
        found = [gap["lams"] for gap in gaps[name]]
        assert found == [[0.1, 0.01], [0.1, 0.001], [0.01, 0.001]]


def test_quick_numbers_are_whole(quick: Numbers) -> None:
    assert len(quick["runs"]) == 2 * 5 and quick["protocol"]["alpha"] == [0.01, 1.0]
    assert all(run[name] > 0 for run in quick["runs"] for name in strength.MEASURES)
    control, *others = (row["mean_grad_norm"]["mean"] for row in quick["settings"])
    assert others[-1] == min(others) < 0.9 * control  # α = 1 with λ = 1e-3


def test_the_table_shows_every_setting(numbers: Numbers) -> None:
    text = strength.table(numbers)
    for row in numbers["settings"][1:]:
        start = [f"{row['lam']:g}", f"{row['alpha']:g}", f"{row['alpha'] / row['lam']:g}"]
        (line,) = (line for line in text.splitlines() if line.split()[:3] == start)
        for name in strength.MEASURES:
            change = row[f"{name}_change"]
            cell = f"{change['mean']:+.1%} [{change['low']:+.1%}, {change['high']:+.1%}]"
            assert f"{row[name]['mean']:.4f}" in line and cell in line
    assert "for a fraction α of the points" in text.splitlines()[2]
    assert "variance falls with α in 4 of 6 and with a smaller λ in 6 of 6" in text
    assert "RMSE rises with α in 4 of 6" in text
    (gap,) = numbers["rmse_gap"]["mean_grad_norm"]
    words = "at equal mean ‖k‖, RMSE of λ = 1e-3 relative to λ = 1e-1: "
    assert f"{words}{gap['change']['mean']:+.1%}" in text
    assert f"(at most {gap['largest']:.1%})" in text


def test_the_picture_shows_every_setting_relative_to_mse(numbers: Numbers) -> None:
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
            place |= {"variance": 1 + row["variance_change"]["mean"]}
            place |= {"rmse": row["rmse_change"]["mean"]}
            assert (place[x], place[y]) in drawn
    titles = [axes.get_title("left") for axes in figure.axes]
    assert all("4 of 6" in title and "6 of 6" in title for title in titles[:2])
    ratios = [1 + row["variance_change"]["mean"] for row in numbers["settings"]]
    assert titles[2].endswith(f"at α/λ = 10 the\n{titles[2].splitlines()[1]}")
    assert f"from {ratios[3]:.2f} to {ratios[2]:.2f}" in titles[2]
    (gap,) = numbers["rmse_gap"]["variance"]
    assert f"{gap['change']['mean']:+.1%} [" in titles[3]


def test_curves_over_the_variance_are_no_straight_chords(
    asked: list[Numbers], tmp_path: Path
) -> None:
    """The curve of 1/variance is not the chord between two of its points."""
    numbers = strength.compute(Settings(tmp_path, seeds=1, quick=True))
    curve = np.asarray(strength.plot(numbers).axes[3].lines[0].get_xydata())
    assert len(curve) == strength.PLACES
    assert curve[:, 1] == pytest.approx(1 / curve[:, 0] - 1, abs=1e-9)


def test_equal_ratios_are_equal_in_spite_of_rounding() -> None:
    settings: list[Numbers] = [
        {"alpha": alpha, "lam": 10 * alpha, "variance_change": {"mean": change}}
        for alpha, change in ((1e-5, 9.0), (1e-4, -0.3), (1e-3, -0.2), (1e-2, -0.1))
    ]
    assert len({row["alpha"] / row["lam"] for row in settings[1:]}) == 2  # by rounding
    ratio, ends = strength._widest({"settings": settings})
    assert ratio == 0.1 and ends == pytest.approx((0.7, 0.9))
