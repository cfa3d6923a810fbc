from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import trap
from figures.experiments.settings import Settings
from figures.experiments.trap_runs import sample
from figures.plotting.drawing import style
from lai_ref import Array, Lai, lai_factor_derivative
from tests.figures import results

CASES = [(noise, lam) for noise in (0.5, 2.0, 8.0) for lam in (10.0, 1.0, 0.1, 0.01)]


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("trap")


def trapped(numbers: dict[str, Any], setting: tuple[str, float], method: str) -> dict[Any, float]:
    """By λ the share of the runs that are caught."""
    return {
        row["lam"]: row["caught"] / row["runs"]
        for row in numbers["rows"]
        if (row["task"], row["noise"], row["method"]) == (*setting, method)
    }


def lai_on_the_line(k: Array, noise: float, lam: float) -> Array:
    """The loss itself, of four points whose variances are those of uniform distributions."""
    x = np.array([-1.0, -1.0, 1.0, 1.0]) / math.sqrt(3)
    t = 3 * x + np.array([-noise, noise, -noise, noise]) / math.sqrt(3)
    return np.array([Lai(lam)(slope * x, t, np.full((4, 1), slope))[0] for slope in k])


@pytest.mark.parametrize(("noise", "lam"), CASES)
def test_the_barrier_is_the_highest_loss_between_the_kink_and_0(noise: float, lam: float) -> None:
    k = np.linspace(-math.sqrt(lam), 0, 401)
    top = int(lai_on_the_line(k, noise, lam).argmax())
    found = trap.barrier(noise, lam)
    assert (found is None) == (top == 0)
    if found is not None:
        assert found == pytest.approx(k[top], abs=1.01 * (k[1] - k[0]))


def test_there_is_a_barrier_with_a_large_lambda_or_much_noise() -> None:
    there = {case: trap.barrier(*case) is not None for case in CASES}
    assert [there[0.5, lam] for lam in (10, 1, 0.1, 0.01)] == [True, True, False, False]
    assert [there[8.0, lam] for lam in (10, 1, 0.1, 0.01)] == [True, True, True, True]


@pytest.mark.parametrize("lam", [0.5, 0.1, 0.01])
def test_the_pull_down_to_the_kink_is_stronger_by_1_over_lambda(lam: float) -> None:
    above, below = lai_factor_derivative(math.sqrt(lam) * np.array([1 + 1e-9, 1 - 1e-9]), lam)
    assert above / -below == pytest.approx(1 / lam, rel=1e-6)


def test_the_landscape_is_the_loss_of_the_line(quick: dict[str, Any]) -> None:
    landscape = quick["landscape"]
    k = np.array(landscape["k"])
    assert [(c["noise"], c["lam"]) for c in landscape["curves"]] == [
        (0.5, 1.0),
        (0.5, 0.1),
        (8.0, 1.0),
        (8.0, 0.1),
    ]
    for curve in landscape["curves"]:
        loss = lai_on_the_line(k, curve["noise"], curve["lam"])
        at_zero = lai_on_the_line(np.zeros(1), curve["noise"], curve["lam"])
        np.testing.assert_allclose(curve["loss"], loss / at_zero, atol=1e-4)
        assert curve["barrier"] == trap.barrier(curve["noise"], curve["lam"])


@pytest.mark.parametrize(("count", "n"), [(0, 100), (3, 100), (50, 100), (1, 3), (100, 100)])
def test_the_interval_ends_where_the_score_test_rejects(count: int, n: int) -> None:
    low, high = trap.wilson(count, n)
    assert 0 <= low <= count / n <= high <= 1
    for p in {low, high} - {0.0, 1.0}:
        assert abs(count / n - p) == pytest.approx(1.959964 * math.sqrt(p * (1 - p) / n), rel=1e-6)


def test_known_intervals() -> None:
    assert trap.wilson(0, 100) == pytest.approx((0, 0.0370), abs=5e-5)
    assert trap.wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=5e-5)
    assert trap.wilson(100, 100) == pytest.approx((0.9630, 1), abs=5e-5)


def test_blocks_are_joined_and_the_worst_first_run_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_jobs(work: Any, jobs: list[Any], *_: Any) -> list[dict[str, Any]]:
        def wrong(seed: int) -> float:
            return 0.9 if seed == 40 else 0.2 + 0.5 * (seed % 20 < 3)

        return [
            {
                "wrong": [[wrong(seed) for seed in job["seeds"]] for _ in job["runs"]],
                "fits": [[float(job["seeds"][0]), float(n)] for n, _ in enumerate(job["runs"])],
            }
            for job in jobs
        ]

    monkeypatch.setattr(trap, "run_jobs", run_jobs)
    numbers = trap.compute(Settings(tmp_path))
    check_rows(numbers, 100)
    assert {row["caught"] for row in numbers["rows"]} == {5 * 3}
    assert numbers["rows"][0]["wrong"] == pytest.approx((0.9 + 14 * 0.7 + 85 * 0.2) / 100)
    settings = trap.settings_of(*trap.CURVE)
    assert numbers["example"]["seed"] == 40
    assert numbers["example"]["fits"] == {
        method: [40, settings.index((method, 1.0))] for method in ("Lai alone", "Lai Training")
    }


def check_rows(numbers: dict[str, Any], runs: int) -> None:
    assert numbers["seeds"] == list(range(runs))
    settings = [(r["task"], r["noise"], r["method"], r["lam"]) for r in numbers["rows"]]
    assert len(set(settings)) == len(settings)
    for task, methods in trap.PLAN.items():
        for method, lams in methods.items():
            assert trapped(numbers, task, method).keys() == set(lams)
    for row in numbers["rows"]:
        low, high = row["interval"]
        assert row["runs"] == runs
        assert 0 <= low <= row["caught"] / runs <= high <= 1
        # a caught run has more than a quarter of its points wrong, another one at most that
        assert row["caught"] / runs / 4 <= row["wrong"] <= (3 * row["caught"] / runs + 1) / 4


def test_every_row_counts_its_runs(quick: dict[str, Any]) -> None:
    check_rows(quick, trap.QUICK_RUNS)
    for row in quick["rows"]:
        assert row["task"] == "curve" or row["wrong"] == row["caught"] / row["runs"]


def test_the_line_expects_the_starts_left_of_the_barrier(quick: dict[str, Any]) -> None:
    starts = np.random.default_rng(0).standard_normal(200_000)
    for row in quick["rows"]:
        if row["task"] == "line" and row["method"] == "Lai alone":
            barrier = trap.barrier(row["noise"], row["lam"])
            share = 0.0 if barrier is None else float((starts < barrier).mean())
            assert row["expected"] == pytest.approx(share, abs=5e-3)
        else:
            assert row["expected"] is None


def test_lai_training_catches_fewer_than_lai_alone(quick: dict[str, Any]) -> None:
    alone, training = (
        sum(trapped(quick, trap.CURVE, method).values()) for method in ("Lai alone", "Lai Training")
    )
    assert training < alone


def test_steps_too_large_for_the_kink_throw_a_line_over(quick: dict[str, Any]) -> None:
    assert trapped(quick, trap.MUCH, "MSE, then Lai") == {1.0: 0, 0.1: 1}
    assert trapped(quick, trap.MUCH, "MSE, then Lai, lr/3") == {0.1: 0}


def test_the_example_is_one_of_the_runs(quick: dict[str, Any]) -> None:
    example = quick["example"]
    assert example["seed"] in (0, 1)  # the blocks' first
    x, t = sample(*trap.CURVE, example["seed"])
    np.testing.assert_allclose(example["data"], [x, t], atol=1e-4)
    np.testing.assert_allclose(
        example["truth"], 1.5 * np.sin(2 * np.array(example["x"])), atol=1e-4
    )
    assert len(example["fits"]["Lai alone"]) == len(example["x"])
    assert example["fits"]["Lai alone"] != example["fits"]["Lai Training"]


def test_the_legend_and_the_axis_name_every_setting(quick: dict[str, Any]) -> None:
    with style():
        figure = trap.plot(quick)
        figure.draw_without_rendering()
    counts = figure.axes[3]
    labels = [text.get_text() for text in counts.get_legend().get_texts()]  # type: ignore[union-attr]
    assert labels == ["MSE alone", "λ = 1", "λ = 0.1", "λ = 0.01"]
    assert [text.get_text().split(",\nnoise")[0] for text in counts.get_xticklabels()] == [
        method.replace(", ", ",\n") for method in trap.PLAN[trap.CURVE]
    ]


def test_the_table_has_a_line_for_every_setting(quick: dict[str, Any]) -> None:
    lines = trap.table(quick).splitlines()[2:]
    assert len(lines) == len(quick["rows"])
    for line, row in zip(lines, quick["rows"], strict=True):
        assert line.startswith(f"{row['task']} ±{row['noise']:g}, {row['method']} ")
        assert f" {row['caught']} of {row['runs']} " in line


# the committed results


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("trap")


def test_committed_rows_count_a_hundred_runs(committed: dict[str, Any]) -> None:
    check_rows(committed, 100)


def test_committed_lai_alone_is_caught_where_there_is_a_barrier(committed: dict[str, Any]) -> None:
    for setting in (trap.LITTLE, trap.MUCH, trap.CURVE):
        for lam, share in trapped(committed, setting, "Lai alone").items():
            if (*setting, lam) == ("line", 0.5, 0.1):
                assert share < 0.05
            else:
                assert 0.3 < share < 0.8
    rows = [row for row in committed["rows"] if row["expected"]]
    assert len(rows) == 3
    assert all(row["interval"][0] < row["expected"] < row["interval"][1] for row in rows)


def test_committed_lai_training_is_not_caught_but_for_the_smallest_lambda(
    committed: dict[str, Any],
) -> None:
    for setting in (trap.MUCH, trap.CURVE):
        assert trapped(committed, setting, "MSE") == {None: 0}
        for method in ("Lai for 1%", "Lai Training"):
            for lam, share in trapped(committed, setting, method).items():
                assert share == 0 if lam > 0.01 else 0.15 < share < 0.25


def test_committed_pretraining_alone_protects_for_lambda_1_only(committed: dict[str, Any]) -> None:
    for setting in (trap.MUCH, trap.CURVE):
        shares = trapped(committed, setting, "MSE, then Lai")
        assert shares.pop(1.0) == 0
        assert min(shares.values()) > 0.5
    assert trapped(committed, trap.MUCH, "MSE, then Lai, lr/3") == {0.1: 0}
