from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

from figures import projection
from figures.plotting.drawing import save_figure, style
from tests.figures.results import committed

NUMBERS = committed("projection")


def test_pictures_are_the_same_bytes_from_run_to_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with style():
            save_figure(projection.plot(NUMBERS), tmp_path / name)
    for suffix in ("png", "svg"):
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
        assert first == second


def test_the_readers_own_style_does_not_matter(tmp_path: Path) -> None:
    for name, color in (("one", "white"), ("two", "pink")):
        with mpl.rc_context({"axes.facecolor": color}), style():
            save_figure(projection.plot(NUMBERS), tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
