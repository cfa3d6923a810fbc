from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures import trap
from figures.experiments import trap_plan as plan
from figures.experiments.settings import Settings
from figures.experiments.trap_runs import sample
from figures.plotting.drawing import style


@pytest.fixture(scope="module")
def quick(quick_numbers: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return quick_numbers("trap")


def fractions(
    numbers: dict[str, Any], setting: tuple[str, float], method: str, alpha: float
) -> dict[Any, float]:
    """By λ the fraction of the runs that are trapped."""
    return {
        row["lam"]: row["trapped"] / row["runs"]
        for row in numbers["rows"]
        if (row["task"], row["noise"], row["method"], row["alpha"]) == (*setting, method, alpha)
    }


def test_blocks_are_joined_and_the_worst_first_run_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run_jobs(work: Any, jobs: list[Any], *_: Any) -> list[dict[str, Any]]:
        def wrong(seed: int) -> float:
            return 0.9 if seed == 40 else 0.2 + 0.5 * (seed % 20 < 3)

        def train(job: Any) -> dict[str, Any]:
            seeds, runs = job["seeds"], range(len(job["runs"]))
            return {
                "wrong": [[wrong(seed) for seed in seeds] for _ in runs],
                "mean_abs_k": [[0.1 + (seed >= 20) for seed in seeds] for _ in runs],
                "rmse_to_truth": [[seed + n for seed in seeds] for n in runs],
                "fits": [[float(seeds[0]), float(n)] for n in runs],
            }

        def fit_line(job: Any) -> dict[str, Any]:
            return {"errors": [[job["lr"] * n] * len(job["starts"]) for n in job["steps"]]}

        return [train(job) if "task" in job else fit_line(job) for job in jobs]

    monkeypatch.setattr(trap, "run_jobs", run_jobs)
    numbers = trap.compute(Settings(tmp_path))
    check_rows(numbers, 100)
    assert {row["trapped"] for row in numbers["rows"]} == {5 * 3}
    assert {row["flat"] for row in numbers["rows"]} == {3}
    assert numbers["rows"][0]["wrong"] == pytest.approx((0.9 + 14 * 0.7 + 85 * 0.2) / 100)
    assert numbers["rows"][1]["rmse_to_truth"] == pytest.approx(49.5 + 1)
    settings = plan.PLAN[plan.CURVE]
    alone, training = settings.index(("Lai alone", 1, 1)), settings.index(("Lai Training", 1, 0.01))
    assert numbers["example"]["seed"] == 40
    assert numbers["example"]["fits"] == {"Lai alone": [40, alone], "Lai Training": [40, training]}
    assert numbers["curve_runs"][0]["rmse_to_truth"] == [seed + alone for seed in range(100)]
    assert numbers["curve_runs"][3]["rmse_to_truth"] == [seed + training for seed in range(100)]
    assert [(r["lam"], r["lr"], r["steps"]) for r in numbers["intercept"]] == [
        (lam, lr, steps) for lam in (1, 0.01) for lr in (0.05, 0.01) for steps in (600, 3000)
    ]
    assert all(r["errors"] == [r["lr"] * r["steps"]] * 6 for r in numbers["intercept"])


def check_rows(numbers: dict[str, Any], runs: int) -> None:
    assert numbers["seeds"] == list(range(runs))
    assert [
        (row["task"], row["noise"], row["method"], row["lam"], row["alpha"])
        for row in numbers["rows"]
    ] == [(*task, *setting) for task, settings in plan.PLAN.items() for setting in settings]
    for row in numbers["rows"]:
        fraction, (low, high) = row["trapped"] / row["runs"], row["interval"]
        assert row["runs"] == runs
        assert 0 <= low <= fraction <= high <= 1
        assert 0 <= row["flat"] <= row["trapped"]
        # a trapped run has more than a quarter of its points wrong, another one at most that
        assert fraction / 4 <= row["wrong"] <= (3 * fraction + 1) / 4


def check_curve_runs(numbers: dict[str, Any]) -> None:
    rows = {(row["method"], row["lam"], row["alpha"]): row for row in numbers["rows"]}
    true = numbers["truths"]["curve"]["mean_abs_k"]
    for runs in numbers["curve_runs"]:
        row = rows[runs["method"], runs["lam"], 1.0 if runs["method"] == "Lai alone" else 0.01]
        trapped = np.array(runs["wrong"]) > 0.25
        flat = np.array(runs["mean_abs_k"]) < true / 5
        assert (row["trapped"], row["flat"]) == (trapped.sum(), (trapped & flat).sum())
        for measure in ("wrong", "mean_abs_k", "rmse_to_truth"):
            assert row[measure] == pytest.approx(np.mean(runs[measure]), abs=1e-4)


def test_every_row_counts_its_runs(quick: dict[str, Any]) -> None:
    check_rows(quick, trap.QUICK_RUNS)
    for row in quick["rows"]:
        assert row["task"] == "curve" or row["wrong"] == row["trapped"] / row["runs"]


def test_the_single_runs_on_the_curve_are_those_of_the_rows(quick: dict[str, Any]) -> None:
    check_curve_runs(quick)


def test_the_line_expects_the_starts_left_of_the_barrier(quick: dict[str, Any]) -> None:
    starts = np.random.default_rng(0).standard_normal(200_000)
    for row in quick["rows"]:
        if row["task"] == "line" and row["method"] == "Lai alone":
            barrier = plan.barrier(row["noise"], row["lam"])
            share = 0.0 if barrier is None else float((starts < barrier).mean())
            assert row["expected"] == pytest.approx(share, abs=5e-3)
        else:
            assert row["expected"] is None


def test_lai_training_traps_fewer_than_lai_alone(quick: dict[str, Any]) -> None:
    alone, training = (
        sum(fractions(quick, plan.CURVE, method, alpha).values())
        for method, alpha in (("Lai alone", 1), ("Lai Training", 0.01))
    )
    assert training < alone


def test_steps_too_large_for_the_kink_throw_a_line_over(quick: dict[str, Any]) -> None:
    assert fractions(quick, plan.MUCH, "MSE, then Lai", 1) == {1.0: 0, 0.1: 1}
    assert fractions(quick, plan.MUCH, "MSE, then Lai, lr/3", 1) == {0.1: 0}


def test_the_example_is_one_of_the_runs(quick: dict[str, Any]) -> None:
    example = quick["example"]
    assert example["seed"] in (0, 1)  # the blocks' first
    x, t = sample(*plan.CURVE, example["seed"])
    np.testing.assert_allclose(example["data"], [x, t], atol=1e-4)
    np.testing.assert_allclose(
        example["truth"], 1.5 * np.sin(2 * np.array(example["x"])), atol=1e-4
    )
    assert len(example["fits"]["Lai alone"]) == len(example["x"])
    assert example["fits"]["Lai alone"] != example["fits"]["Lai Training"]


def test_legends_and_axes_name_every_setting(quick: dict[str, Any]) -> None:
    with style():
        figure = trap.plot(quick)
        figure.draw_without_rendering()
    panels = {axes.get_label(): axes for axes in figure.axes}
    legends = {name: axes.get_legend() for name, axes in panels.items()}
    labels = {
        name: [text.get_text() for text in legend.get_texts()]
        for name, legend in legends.items()
        if legend
    }
    assert labels["curve"][:4] == ["MSE alone", "λ = 1", "λ = 0.1", "λ = 0.01"]
    assert labels["pretraining"] == [
        f"{word}, λ = {lam}" for word in ("without", "with") for lam in ("1", "0.1")
    ]
    assert labels["intercept"] == ["λ = 1", "λ = 0.01"]
    ticks = [text.get_text().split(",\nnoise")[0] for text in panels["curve"].get_xticklabels()]
    assert ticks == ["MSE", "Lai alone", "MSE,\nthen Lai", "Lai Training"]


def test_the_table_has_a_line_for_every_setting(quick: dict[str, Any]) -> None:
    lines = trap.table(quick).splitlines()[2:]
    assert len(lines) == len(quick["rows"]) + 1 + len(quick["intercept"])
    for line, row in zip(lines, quick["rows"], strict=False):
        assert line.startswith(f"{row['task']} ±{row['noise']:g}, {row['method']} ")
        assert f" {row['trapped']} of {row['runs']} " in line
        assert line.endswith(f"{row['mean_abs_k']:10.3f}{row['rmse_to_truth']:15.3f}")
    for line, row in zip(lines[-len(quick["intercept"]) :], quick["intercept"], strict=True):
        assert line.endswith(f"{min(row['errors']):.3f} … {max(row['errors']):.3f}")
