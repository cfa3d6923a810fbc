from __future__ import annotations

import importlib.util
import math
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import backends
from figures.experiments import framework_runs
from figures.experiments.framework_runs import NAMES
from figures.plotting.drawing import style
from tests.figures import results
from tests.inputs.strict_python import STRICT_PYTHON

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "figures" / "results" / "backends.json"
TABLE_1 = ["plain epoch", "Lai epoch, α = 1%", "Table 1, one seed"]


@pytest.fixture(scope="module")
def committed() -> dict[str, Any]:
    return results.committed("backends")


def check_numbers(numbers: dict[str, Any], batches: list[str], names: list[str]) -> None:
    steps = [f"Lai step, N = {n}" for n in batches]
    assert list(numbers["rows"]) == steps + TABLE_1
    assert numbers["frameworks"].keys() == {"torch", "jax"}
    assert set(names) | set(numbers["left out"]) == set(NAMES)
    for title, row in numbers["rows"].items():
        assert list(row) == names
        for name, cell in row.items():
            assert 0 < cell["least"] <= cell["median"] < math.inf
            ratio = cell["ratio"]
            assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"] < math.inf
            assert name != "lai_ref" or ratio == {"low": 1, "median": 1, "high": 1}
            if title in steps:
                assert cell["gradient off by"] < framework_runs.ROUNDING
                assert cell["first"] > 0


def test_committed_numbers_time_everything(committed: dict[str, Any]) -> None:
    check_numbers(committed, ["64", "1,024", "16,384"], list(NAMES))


@pytest.mark.parametrize("left_out", [(), ("torch compiled",)])
def test_the_table_has_every_row_and_says_what_is_left_out(
    committed: dict[str, Any], left_out: tuple[str, ...]
) -> None:
    numbers = {**committed, "left out": dict.fromkeys(left_out, "no compiler")}
    lines = backends.table(numbers).splitlines()
    names = [name for name in NAMES if name not in left_out]
    assert lines[2].split("  ")[-1].strip() == "jax jit"
    assert [name in lines[2] for name in NAMES] == [name in names for name in NAMES]
    assert [line[:21].strip() for line in lines[3:12]] == [
        "Lai step, N = 64",
        "Lai step, N = 1,024",
        "Lai step, N = 16,384",
        *TABLE_1,
        "first, N = 64",
        "first, N = 1,024",
        "first, N = 16,384",
    ]
    assert lines[12:] == [f"{name}: no compiler" for name in left_out]
    for line, row in zip(lines[3:9], numbers["rows"].values(), strict=True):
        for name in names[1:]:
            low, median, high = (backends._ratio(row[name]["ratio"][q]) for q in QUARTILES)
            assert f", {median} ({low}–{high})" in line
    assert committed["source"] in lines[1]


QUARTILES = ("low", "median", "high")


def test_numbers_can_be_drawn_without_what_was_left_out(committed: dict[str, Any]) -> None:
    for left_out in ({}, {"torch compiled": "no compiler"}):
        with style():
            figure = backends.plot({**committed, "left out": left_out})
            figure.draw_without_rendering()
        steps, table_1, _ = figure.axes
        names = [name for name in NAMES if name not in left_out]
        legend = steps.get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == names
        assert [label.get_text() for label in table_1.get_yticklabels()] == names


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00031234, "0.312 ms"), (0.0456, "45.6 ms"), (1, "1 s"), (123.4, "123 s")],
)
def test_durations_have_three_digits(seconds: float, text: str) -> None:
    assert backends._duration(seconds) == text


# without the frameworks


def without(package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, `package` being not installed."""
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from figures.__main__ import FIGURES, main\n"
        "for name in set(FIGURES) - {'projection', 'backends'}: del FIGURES[name]\n"
        f"sys.exit(main({list(arguments)}))"
    )
    return subprocess.run([*STRICT_PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_a_missing_framework_is_said_with_the_command_that_installs_it(
    package: str, tmp_path: Path
) -> None:
    run = without(package, "projection", "backends", "--quick", "--out", str(tmp_path))
    assert run.returncode == 2
    last = run.stderr.splitlines()[-1]
    assert package in last.partition(" needs ")[2]
    assert last.endswith(': pip install -e ".[backends]"') and "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == []  # raised before anything is computed


def test_all_figures_are_made_but_those_that_lack_a_framework(tmp_path: Path) -> None:
    run = without("torch", "--quick", "--out", str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert "figures: backends needs torch" in run.stderr and "; left out" in run.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        f"projection.{suffix}" for suffix in ("json", "png", "svg")
    }


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_committed_numbers_are_drawn_again_without_a_framework(
    package: str, tmp_path: Path
) -> None:
    run = without(package, str(RESULTS), "--out", str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"backends.png", "backends.svg"}


# with them


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("torch", "jax"))),
    reason='torch or jax is not installed: pip install -e ".[backends]"',
)
@pytest.mark.slow
def test_a_quick_run_times_all_that_needs_no_compiler(
    quick_numbers: Callable[[str], dict[str, Any]],
) -> None:
    numbers = quick_numbers("backends")
    check_numbers(numbers, ["64"], ["lai_ref", "torch eager", "jax jit"])
    assert numbers["left out"] == {"torch compiled": "left out of quick runs"}
    assert "torch compiled: left out of quick runs" in backends.table(numbers)
