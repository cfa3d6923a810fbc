"""Progress: one line on a terminal, some lines elsewhere, none if quiet."""

from __future__ import annotations

import io
import sys
from collections.abc import Generator
from dataclasses import replace

import numpy as np
import pytest

from lai_ref import MLP, Epoch, Plain, lai_training
from lai_ref.command_line.progress import with_progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def epochs(n: int) -> list[Epoch]:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((8, 2)), rng.standard_normal(8)
    run = lai_training(
        MLP((2, 1)), x, t, loss=Plain(), pretrain_epochs=1, lai_epochs=0, batch_size=8, rng=rng,
        validation=(x, t),
    )  # fmt: skip
    (first,) = run
    return [replace(first, index=i) for i in range(1, n + 1)]


def report(n: int, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, **options: bool) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    given = epochs(n)
    assert list(with_progress(given, n, 2.0, **{"quiet": False, **options})) == given
    return stream.getvalue()


@pytest.mark.parametrize("n", [1, 2, 7, 20, 1000])
def test_elsewhere_there_are_some_lines_with_the_first_and_the_last(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = report(n, io.StringIO(), monkeypatch).splitlines()
    assert lines[0].startswith(f"epoch 1/{n} ") and lines[-1].startswith(f"epoch {n}/{n} ")
    assert len(lines) == min(n, 21) and "\r" not in "".join(lines)
    assert lines[-1].endswith("0:00 left")


def test_on_a_terminal_one_line_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    text = report(30, Terminal(), monkeypatch)
    assert text.count("\n") == 1 and text.endswith("\n")
    lines = text.rstrip("\n").split("\r")[1:]
    assert len(lines) == 30 and all(len(line) == 59 for line in lines)
    assert lines[-1].startswith("epoch 30/30")


def test_the_rmse_is_in_the_targets_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    (epoch,) = epochs(1)
    assert epoch.rmse is not None
    line = report(1, io.StringIO(), monkeypatch)
    assert f"validation RMSE {2 * epoch.rmse:.4g} " in line


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quiet_prints_nothing(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report(3, stream, monkeypatch, quiet=True) == ""


def test_an_error_leaves_the_line_it_rewrites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    run = with_progress(epochs(3), 3, 1.0, quiet=False)
    next(run)
    assert isinstance(run, Generator)
    run.close()
    assert stream.getvalue().endswith("\n")
