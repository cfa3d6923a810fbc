"""The style of every figure, and writing it reproducibly, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lai_ref.support.files import atomic_write

# Okabe & Ito's palette (2008) for colour-blind readers, from dark to light, also in grey scale
DARK_TO_LIGHT = ("#000000", "#0072B2", "#D55E00", "#E69F00")
GREY = "#777777"
BOX = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # behind text

STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.hashsalt": "lai_ref",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and write in this project's style, ignoring the user's own settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def annotate(axes: Axes, text: str, place: Any, offset: Any, **look: Any) -> None:
    """Write text beside a place, `offset` points from it."""
    axes.annotate(text, tuple(place), tuple(offset), textcoords="offset points", **look)


def save_figure(figure: Figure, stem: Path) -> None:
    """Write `stem`.png and `stem`.svg without dates and versions, reproducibly byte for byte."""
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    for suffix, about in metadata.items():
        picture = io.BytesIO()
        figure.savefig(picture, format=suffix, metadata=about)
        atomic_write(stem.with_suffix("." + suffix), picture.getvalue())
