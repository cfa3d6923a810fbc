"""The README's commands for your own data, run on small files that this test writes."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    section = README.partition("## Your own data\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return [shlex.split(line) for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    size, age = rng.uniform(30, 200, 120), rng.uniform(0, 80, 120)
    price = 2000 * size - 500 * age + 20_000 * rng.standard_normal(120)
    for name, columns in (
        ("houses.csv", {"id": np.arange(120), "size": size, "age": age, "price": price}),
        ("new.csv", {"age": age[:9], "size": size[:9]}),
    ):
        with open(tmp_path / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(np.column_stack(list(columns.values())).tolist())
    return tmp_path


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    assert command[0] == ".venv/bin/python"
    return subprocess.run(
        [sys.executable, *command[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )


def test_train_and_predict(folder: Path) -> None:
    train, predict, _ = commands()
    done = run(train, folder)
    error, of_the_mean = (float(line.split()[-1]) for line in done.stdout.splitlines())
    assert error < 0.7 * of_the_mean
    assert "left out id" in done.stderr
    run(predict, folder)
    with open(folder / "predictions.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["price", "d price / d size", "d price / d age"] and len(rows) == 9
    slopes = np.array(rows, float)[:, 1:].mean(axis=0)
    assert slopes[0] > 0 > slopes[1]


@pytest.mark.slow
def test_compare(folder: Path) -> None:
    *_, compare = commands()
    done = run(compare, folder)
    assert "early stopping" in done.stdout and "gradient penalty" in done.stdout
    assert {path.suffix for path in folder.rglob("compare.*")} == {".json", ".png", ".svg"}
