"""CSV files for figures about your own tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def written(path: Path, scale: float = 1.0, shift: float = 0.0, n: int = 60) -> Path:
    """A CSV file with two features; its target is scaled and shifted."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((n, 2))
    t = scale * (np.sin(x[:, 0]) + 0.3 * rng.standard_normal(n)) + shift
    lines = [f"{a!r},{b!r},{y!r}" for a, b, y in np.c_[x, t].tolist()]
    path.write_text("\n".join(["a,b,y", *lines, ""]), encoding="utf-8")
    return path
