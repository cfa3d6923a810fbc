"""Blitting: after a change, draw only the parts that change, over a copy of what is below them.

A whole drawing takes some 100 ms, most of it for texts.
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
    """Artists that are drawn again, over a copy of what is below them, when `key` has changed."""

    artists: list[Artist]
    area: tuple[float, float, float, float]  # left, bottom, right, top in parts of the figure
    key: Callable[[], object]
    drawn: object = None  # the key at the last drawing
    below: Any = None  # the copy


class Blitter:
    """Draws the parts of a figure that have changed."""

    def __init__(self, figure: Figure, parts: list[Part]) -> None:
        self.figure = figure
        self.parts = parts
        if figure.canvas.supports_blit:
            for part in parts:
                for artist in part.artists:
                    artist.set_animated(True)  # a whole drawing leaves it to `_on_draw`
            figure.canvas.mpl_connect("draw_event", self._on_draw)

    def _draw(self, part: Part) -> None:
        for artist in part.artists:
            self.figure.draw_artist(artist)
        part.drawn = part.key()

    def _on_draw(self, _: Any) -> None:
        """Copy what a whole drawing has drawn, and draw the parts over it."""
        canvas: Any = self.figure.canvas
        if canvas.is_saving():
            return
        for part in self.parts:
            corners = np.reshape(part.area, (2, 2)) * self.figure.bbox.size
            part.below = canvas.copy_from_bbox(Bbox(corners))
        for part in self.parts:
            self._draw(part)

    def refresh(self) -> None:
        """Draw the parts whose key has changed."""
        canvas: Any = self.figure.canvas
        if self.parts[0].below is None:  # before the first drawing, or there is no blitting
            canvas.draw_idle()
            return
        changed = [part for part in self.parts if part.key() != part.drawn]
        for part in changed:
            canvas.restore_region(part.below)
        for part in changed:
            self._draw(part)
        canvas.blit(self.figure.bbox)
