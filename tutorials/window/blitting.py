"""Blitting: redraw only the changed parts of a figure, over a saved copy of the background.

A full redraw takes about 100 ms, most of it for text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox


@dataclass
class Part:
    """Artists that are redrawn, over a saved copy of the background, when `key` has changed."""

    artists: list[Artist]
    area: tuple[float, float, float, float]  # left, bottom, right, top, as figure fractions
    key: Callable[[], object]
    drawn: object = None  # the key when the part was last drawn
    background: Any = None  # the saved copy


class Blitter:
    """Redraw the parts of a figure that have changed."""

    def __init__(self, figure: Figure, parts: list[Part]) -> None:
        self.figure = figure
        self.parts = parts
        if figure.canvas.supports_blit:
            for part in parts:
                for artist in part.artists:
                    artist.set_animated(True)  # a full redraw skips it; `_on_draw` draws it
            figure.canvas.mpl_connect("draw_event", self._on_draw)

    def _draw(self, part: Part) -> None:
        for artist in part.artists:
            self.figure.draw_artist(artist)
        part.drawn = part.key()

    def _on_draw(self, _: Any) -> None:
        """After a full redraw, save the background of each part and draw the parts over it."""
        canvas: Any = self.figure.canvas
        if canvas.is_saving():
            return
        for part in self.parts:
            corners = np.reshape(part.area, (2, 2)) * self.figure.bbox.size
            part.background = canvas.copy_from_bbox(Bbox(corners))
        for part in self.parts:
            self._draw(part)

    def refresh(self) -> None:
        """Draw the parts whose key has changed."""
        canvas: Any = self.figure.canvas
        if self.parts[0].background is None:  # nothing drawn yet, or no support for blitting
            canvas.draw_idle()
            return
        changed = [part for part in self.parts if part.key() != part.drawn]
        for part in changed:
            canvas.restore_region(part.background)
        for part in changed:
            self._draw(part)
        canvas.blit(self.figure.bbox)
