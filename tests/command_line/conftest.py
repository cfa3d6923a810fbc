"""A user's own table, as a file: 60 rows, three features of very different units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lai_ref import Array


def table(n: int = 60, seed: int = 0) -> tuple[Array, Array]:
    """x (n, 3) and t (n,), about 5,000 and smooth."""
    rng = np.random.default_rng(seed)
    x = rng.uniform((0.0, -1.0, 1e4), (1e-3, 1.0, 2e4), (n, 3))
    t = 5000 + 1e6 * x[:, 0] + 300 * np.sin(3 * x[:, 1]) + 0.1 * x[:, 2]
    return x, t


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty except for `flats.csv`."""
    monkeypatch.chdir(tmp_path)
    x, t = table()
    rows = [f"{i};{a!r};{b!r};{c!r};{price!r}" for i, (a, b, c, price) in enumerate(rows_of(x, t))]
    text = "\n".join(["id;size;view;year;price", *rows]).replace(".", ",") + "\n"
    Path("flats.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    return tmp_path


def rows_of(x: Array, t: Array) -> list[list[float]]:
    return [[*map(float, row), float(price)] for row, price in zip(x, t, strict=True)]
