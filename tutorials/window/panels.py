"""The interactive window: five panels, a column of numbers and four controls."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from matplotlib.widgets import RadioButtons, Slider

from .blitting import Blitter, Part
from .line import (
    GLOBAL,
    INTERCEPT,
    K_RANGE,
    SLOPE,
    SPURIOUS,
    TRAP,
    State,
    compute,
    describe,
)

LAM_RANGE, NOISE_RANGE = (0.01, 5.0), (0.0, 5.0)
EXPONENTS = {"MAE, p = 1": 1, "MSE, p = 2": 2}
STARTS = {"left, k = −3": -3.0, "pretrained, k = 3": SLOPE, "right, k = 5": 5.0}
BLACK, BLUE, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#999999"


class Window:
    """Five panels, a column of numbers and four controls on one figure.

    When a control changes, the window computes a new state and `show` updates the artists.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.state = compute(1.0, 4.0, 2, -3.0)
        self._add_panels()
        self._add_artists()
        self._add_controls()
        self.blitter = Blitter(figure, self._find_parts())
        self.show(self.state)

    def _add_panels(self) -> None:
        grid = self.figure.add_gridspec(
            2, 3, left=0.055, right=0.985, top=0.885, bottom=0.3, hspace=0.2, wspace=0.2
        )
        add = self.figure.add_subplot
        self.factor_panel = add(grid[0, 0])
        self.derivative_panel = add(grid[1, 0], sharex=self.factor_panel)
        self.loss_panel = add(grid[0, 1], sharex=self.factor_panel)
        self.path_panel = add(grid[1, 1], sharex=self.factor_panel)
        self.line_panel = add(grid[0, 2])
        self.text_panel = add(grid[1, 2])
        titles = {
            self.factor_panel: "factor F",
            self.derivative_panel: "derivative F'",
            self.loss_panel: "loss L in units of $X^p$ (logarithmic)",
            self.path_panel: "slope after each step of gradient descent",
            self.line_panel: "samples, X = 1, and lines",
        }
        for panel, title in titles.items():
            panel.set_title(title, fontsize=10, loc="left", pad=4)
        self.k_panels = list(titles)[:4]
        self.factor_panel.set_xlim(*K_RANGE)
        self.derivative_panel.set_xlabel("slope k")
        self.loss_panel.set_yscale("log")
        self.loss_panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        self.loss_panel.yaxis.set_minor_locator(LogLocator(subs=()))
        self.path_panel.set(ylabel="step", xlabel="slope k")
        self.path_panel.yaxis.set_label_coords(-0.125, 0.5)  # fixed, whatever the tick labels
        self.line_panel.set(xlabel="x", ylabel="t", xlim=(-1.05, 1.05), ylim=(-7, 15))
        self.text_panel.axis("off")
        for panel in (self.factor_panel, self.loss_panel):
            panel.tick_params(labelbottom=False)
        for panel in (self.factor_panel, self.derivative_panel, self.path_panel, self.line_panel):
            panel.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))

    def _add_artists(self) -> None:
        self.kinks = [
            panel.axvline(0, color=GREY, linestyle="--", linewidth=1)
            for panel in self.k_panels
            for _ in range(2)
        ]
        self.kinks[0].set_label("kinks ±κ")
        self.derivative_panel.axhline(0, color=GREY, linewidth=0.6)
        (self.factor,) = self.factor_panel.plot([], [], color=BLACK)
        (self.derivative,) = self.derivative_panel.plot([], [], color=BLACK)
        (self.loss,) = self.loss_panel.plot([], [], color=BLACK)
        self.paths = [
            panel.plot([], [], ".-", color=ORANGE, markersize=5, linewidth=0.8)[0]
            for panel in (self.loss_panel, self.path_panel)
        ]
        self.paths[0].set_label("gradient descent")
        (self.start,) = self.loss_panel.plot(
            [], [], "o", color="white", markeredgecolor=ORANGE, markersize=8,
            label="start of the descent",
        )  # fmt: skip
        looks = {
            GLOBAL: ("*", BLUE, 15, "global minimum"),
            SPURIOUS: ("v", "white", 9, "spurious minimum, k > 0"),
            TRAP: ("X", BLACK, 10, "the trap: spurious, k < 0"),
        }
        self.marks = {
            kind: self.loss_panel.plot(
                [], [], marker, color=color, markeredgecolor=BLACK, markersize=size,
                linestyle="none", label=label, clip_on=False, zorder=4,
            )[0]
            for kind, (marker, color, size, label) in looks.items()
        }  # fmt: skip
        self.x, self.u = np.random.default_rng(3).uniform(-1, 1, (2, 150))  # (N,) each
        (self.points,) = self.line_panel.plot(
            self.x, self.x, "o", color=GREY, markersize=3, label="samples t = 3x + 4 + s u"
        )
        ends = np.array([-1.0, 1.0])
        (self.best_line,) = self.line_panel.plot(
            ends, ends, color=BLUE, linewidth=5, alpha=0.6, label="line of the global minimum"
        )
        (self.end_line,) = self.line_panel.plot(
            ends, ends, "--", color=ORANGE, linewidth=2, label="line at the end of descent"
        )
        self.rows = []
        for number, name in enumerate(describe(self.state)):
            height = 0.68 - 0.11 * number
            self.text_panel.text(0.53, height, name, ha="right")
            self.rows.append(self.text_panel.text(0.56, height, ""))
        handles = [self.kinks[0], self.start, self.paths[0], *self.marks.values()]
        handles += [self.points, self.best_line, self.end_line]
        self.figure.legend(handles=handles, loc="upper center", ncols=5, fontsize=9, frameon=False)

    def _add_controls(self) -> None:
        def place(left: float, bottom: float, width: float, height: float) -> Any:
            return self.figure.add_axes((left, bottom, width, height))

        state = self.state
        self.lam_slider = Slider(
            place(0.1, 0.13, 0.36, 0.04), "λ (log)", *np.log10(LAM_RANGE),
            valinit=np.log10(state.lam), color=BLUE, initcolor="none",
        )  # fmt: skip
        self.noise_slider = Slider(
            place(0.1, 0.06, 0.36, 0.04), "noise s/X", *NOISE_RANGE,
            valinit=state.noise, color=BLUE, initcolor="none",
        )  # fmt: skip
        exponents, starts = list(EXPONENTS.values()), list(STARTS.values())
        self.exponent_buttons = RadioButtons(
            place(0.57, 0.04, 0.14, 0.14), list(EXPONENTS),
            active=exponents.index(state.p), activecolor=BLUE,
        )  # fmt: skip
        self.exponent_buttons.ax.set_title("loss", fontsize=10)
        self.start_buttons = RadioButtons(
            place(0.75, 0.04, 0.19, 0.14), list(STARTS),
            active=starts.index(state.start), activecolor=BLUE,
        )  # fmt: skip
        self.start_buttons.ax.set_title("start of gradient descent", fontsize=10)
        for slider in (self.lam_slider, self.noise_slider):
            slider.drawon = False  # `show` draws it
            slider.on_changed(self._on_change)
        for buttons in (self.exponent_buttons, self.start_buttons):
            buttons.on_clicked(self._on_change)

    def _find_parts(self) -> list[Part]:
        """Everything that `show` changes; the radio buttons draw themselves."""
        parts = []
        for panel in (*self.k_panels, self.line_panel):
            left, bottom, right, top = panel.get_position().extents
            curves = (left, bottom - 0.02, right + 0.005, top + 0.005)
            parts.append(Part(list(panel.lines), curves, lambda: self.state))
            if panel in self.k_panels:
                ticks = (left - 0.045, bottom - 0.02, left, top + 0.015)
                parts.append(Part([panel.yaxis], ticks, panel.get_ylim))
        left, bottom, right, top = self.text_panel.get_position().extents
        for row in self.rows:
            base = bottom + row.get_position()[1] * (top - bottom)
            parts.append(Part([row], (0.835, base - 0.008, 1, base + 0.02), row.get_text))
        for slider in (self.lam_slider, self.noise_slider):
            left, bottom, right, top = slider.ax.get_position().extents
            artists = [*slider.ax.patches, *slider.ax.lines, slider.valtext]
            area = (left - 0.01, bottom - 0.01, right + 0.08, top + 0.01)
            parts.append(Part(artists, area, partial(getattr, slider, "val")))
        return parts

    def _on_change(self, _: Any) -> None:
        self.show(compute(
            lam=float(10**self.lam_slider.val),
            noise=float(self.noise_slider.val),
            p=EXPONENTS[self.exponent_buttons.value_selected],
            start=STARTS[self.start_buttons.value_selected],
        ))  # fmt: skip

    def show(self, state: State) -> None:
        """Update the window to a state."""
        self.state = state
        self.lam_slider.valtext.set_text(f"{state.lam:.3g}")
        self.noise_slider.valtext.set_text(f"{state.noise:.2f}")
        for number, line in enumerate(self.kinks):
            line.set_xdata([state.kink if number % 2 else -state.kink] * 2)
        self.factor.set_data(state.k, state.F)
        self.factor_panel.set_ylim(0, round_up(state.F.max()))
        at_kink = np.abs(state.k) == state.kink  # no derivative there: a gap in the curve
        self.derivative.set_data(state.k, np.where(at_kink, np.nan, state.dF))
        largest = round_up(np.abs(state.dF).max())
        self.derivative_panel.set_ylim(-largest, largest)
        self._show_loss(state)
        self.points.set_ydata(SLOPE * self.x + INTERCEPT + state.noise * self.u)
        for line, k in ((self.best_line, state.best.k), (self.end_line, state.path[-1])):
            line.set_ydata([INTERCEPT - k, INTERCEPT + k])
        for row, text in zip(self.rows, describe(state).values(), strict=True):
            row.set_text(text)
        self.blitter.refresh()

    def _show_loss(self, state: State) -> None:
        top = round_up(state.loss.max())
        lowest = max(state.best.loss, top / 1e4)  # without noise, L is 0 at k = 3
        bottom = 1 / round_up(1.3 / lowest)
        self.loss_panel.set_ylim(bottom, top)
        digits = (1, 2, 5) if top / bottom < 50 else (1, 3) if top / bottom < 1000 else (1,)
        self.loss_panel.yaxis.set_major_locator(LogLocator(subs=digits))
        self.loss.set_data(state.k, state.loss)
        for kind, marks in self.marks.items():
            of_kind = [minimum for minimum in state.minima if minimum.kind == kind]
            values = [max(minimum.loss, bottom) for minimum in of_kind]
            marks.set_data([minimum.k for minimum in of_kind], values)
        heights = np.maximum(state.path_loss, bottom)
        self.start.set_data(state.path[:1], heights[:1])
        self.paths[0].set_data(state.path, heights)
        self.paths[1].set_data(state.path, np.arange(len(state.path)))
        self.path_panel.set_ylim(25 * np.ceil(len(state.path) / 25), -1)  # downwards


def round_up(value: float) -> float:
    """Round up to a power of 10^(1/10), so that axis limits rarely change."""
    return float(10 ** (np.ceil(10 * np.log10(1.03 * value)) / 10))
