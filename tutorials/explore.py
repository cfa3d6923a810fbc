"""A window to play with: what λ, the noise and the exponent do to the loss of a line.

    python tutorials/explore.py

The model is that of tutorial 03. A line y = kx + 4 is fitted to infinitely many samples

    t = 3x + 4 + s u      x uniform in ±X, u uniform in ±1; 150 of them are drawn, with X = 1

(4 is the best intercept for every slope k, since the noise is symmetric.) A line has the same slope
at every x, so that the loss, the expectation over all samples, is a product of two functions of k:

    L(k) = Q(k) F(k)      Q = E|e|^p, e = kx + 4 − t        p = 1: Lai MAE, p = 2: Lai MSE
    F(k) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)       kinks at ±κ, κ = λ^(1/p)

With d = |k − 3|, the noise σ = s/X, m = max(d, σ) and n = min(d, σ), and in units of X^p:

    p = 2:  Q = (d² + σ²)/3            dQ/dd = 2d/3
    p = 1:  Q = m/2 + n²/(6m)          dQ/dd = 1/2 − n²/(6m²) if d > σ, else n/(3m)

    L' = Q' F + Q F'                   Q' = dQ/dd · sign(k − 3)

Gradient descent repeats k ← k − η L'(k). Its learning rate η is doubled after each step, then cut
to a step of at most `LONGEST_STEP`, then halved until L falls by η L'²/2 or more (Armijo's rule).
A step below `ARMIJO_STEP` need only lower the loss, or the descent would stop at a kink that is no
minimum. It ends where no step above `SHORTEST_STEP` lowers the loss.

Of the local minima of L, the lowest is the global minimum; the others are spurious minima. *The
trap* is a spurious minimum on the wrong side, k < 0. (A step can cross a trap that is narrower.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from matplotlib.transforms import Bbox
from matplotlib.widgets import RadioButtons, Slider

from lai_ref import lai_factor, lai_factor_derivative
from lai_ref.support.terminal import run_program

Array = np.ndarray[Any, np.dtype[np.float64]]

SLOPE, INTERCEPT = 3.0, 4.0  # of the line that the samples scatter about
LAM_RANGE, NOISE_RANGE = (0.01, 5.0), (0.0, 5.0)
EXPONENTS = {"MAE, p = 1": 1, "MSE, p = 2": 2}
STARTS = {"left, k = −3": -3.0, "pretrained, k = 3": SLOPE, "right, k = 5": 5.0}
K_RANGE = (-6.5, 7.5)
GRID = np.linspace(*K_RANGE, 2801)
SHORTEST_STEP, ARMIJO_STEP, LONGEST_STEP = 1e-4, 1e-3, 0.05
MAX_STEPS = 200

GLOBAL, SPURIOUS, TRAP = "global minimum", "spurious minimum", "the trap"
BLACK, BLUE, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#999999"
NO_WINDOW = """\
explore: no window can be opened: {reason}.
It needs a display and one of Matplotlib's window toolkits:
  - run it on a machine with a screen (over ssh: ssh -X);
  - install tkinter (Debian, Ubuntu: apt install python3-tk) or Qt (pip install pyqt6);
  - if MPLBACKEND is set, unset it, or set it to TkAgg or QtAgg;
  - without a display: pip install tornado, set MPLBACKEND=WebAgg, open 127.0.0.1:8988."""


# ---- The computation


@dataclass(frozen=True)
class Minimum:
    """A local minimum of L at the slope k; its kind is GLOBAL, SPURIOUS or TRAP."""

    k: float
    loss: float
    kind: str


@dataclass(frozen=True, eq=False)  # two states are equal only if they are the same object
class State:
    """What the window shows for one position of its controls; losses in units of X^p."""

    lam: float
    noise: float  # σ = s/X
    p: int
    start: float
    kink: float  # κ
    k: Array  # (K,), with −κ and κ among them
    F: Array  # (K,)
    dF: Array  # (K,)
    loss: Array  # (K,)
    minima: tuple[Minimum, ...]  # by k
    path: Array  # (steps + 1,), slopes from the start to the end of the descent
    path_loss: Array  # (steps + 1,)

    @property
    def best(self) -> Minimum:
        return min(self.minima, key=lambda minimum: minimum.loss)

    @property
    def end(self) -> Minimum:
        """The minimum nearest to the end of the descent."""
        return min(self.minima, key=lambda minimum: abs(minimum.k - self.path[-1]))


def mean_error(k: Array, noise: float, p: int) -> tuple[Array, Array]:
    """Q = E|e|^p and Q' = dQ/dk, in units of X^p."""
    d = np.abs(k - SLOPE)
    side = np.sign(k - SLOPE)
    if p == 2:
        return (d**2 + noise**2) / 3, side * 2 * d / 3
    m = np.maximum(np.maximum(d, noise), np.finfo(float).tiny)  # both are 0 at k = 3 without noise
    n = np.minimum(d, noise)
    ratio = n / m
    return m / 2 + n * ratio / 6, side * np.where(d > noise, 1 / 2 - ratio**2 / 6, ratio / 3)


def loss(k: Array, lam: float, noise: float, p: int) -> Array:
    """L(k) = Q F."""
    return mean_error(k, noise, p)[0] * lai_factor(k, lam, order=p)


def loss_derivative(k: Array, lam: float, noise: float, p: int) -> Array:
    """L'(k) = Q' F + Q F'."""
    Q, dQ = mean_error(k, noise, p)
    return dQ * lai_factor(k, lam, order=p) + Q * lai_factor_derivative(k, lam, order=p)


def find_minima(k: Array, values: Array, lam: float, noise: float, p: int) -> tuple[Minimum, ...]:
    """The local minima among the nodes, each searched again on ever finer grids around it."""
    found = []
    for i in 1 + np.flatnonzero(values[1:-1] < np.minimum(values[:-2], values[2:])):
        node = k[i]
        width = k[1] - k[0]
        for _ in range(5):
            near = node + width * np.linspace(-1, 1, 41)  # its middle is the node, as a kink is
            near = np.clip(near, k[i - 1], k[i + 1])
            node = near[loss(near, lam, noise, p).argmin()]
            width /= 15
        found.append((float(loss(node, lam, noise, p)), float(node)))
    best = min(found)
    return tuple(
        Minimum(slope, value, GLOBAL if (value, slope) == best else SPURIOUS if slope > 0 else TRAP)
        for value, slope in found
    )


def descend(lam: float, noise: float, p: int, start: float) -> tuple[Array, Array]:
    """The slopes and losses of gradient descent from `start`."""
    path = [start]
    losses = [float(loss(start, lam, noise, p))]
    rate = 1e100  # at first the longest step
    while len(path) <= MAX_STEPS:
        gradient = float(loss_derivative(path[-1], lam, noise, p))
        step = float(np.clip(rate * abs(gradient), ARMIJO_STEP, LONGEST_STEP))
        while True:
            k = path[-1] - step * np.sign(gradient)
            value = float(loss(k, lam, noise, p))
            required = step * abs(gradient) / 2 if step >= ARMIJO_STEP else 0.0
            if value < losses[-1] - required:
                break
            step /= 2
            if step < SHORTEST_STEP:
                return np.array(path), np.array(losses)
        path.append(k)
        losses.append(value)
        rate = 2 * step / abs(gradient)  # the next step may be longer again
    return np.array(path), np.array(losses)


def compute(lam: float, noise: float, p: int, start: float) -> State:
    """Everything that the window shows, from its four controls."""
    kink = lam ** (1 / p)
    others = np.abs(np.abs(GRID) - kink) > 1e-6  # so that no two nodes differ by rounding only
    k = np.union1d(GRID[others], [-kink, kink])
    values = loss(k, lam, noise, p)
    path, path_loss = descend(lam, noise, p, start)
    return State(
        lam=lam,
        noise=noise,
        p=p,
        start=start,
        kink=kink,
        k=k,
        F=lai_factor(k, lam, order=p),
        dF=lai_factor_derivative(k, lam, order=p),
        loss=values,
        minima=find_minima(k, values, lam, noise, p),
        path=path,
        path_loss=path_loss,
    )


def describe(state: State) -> dict[str, str]:
    """The numbers of a state in words, by what they are."""
    slopes = {
        kind: ", ".join(f"{minimum.k:.3f}" for minimum in state.minima if minimum.kind == kind)
        for kind in (GLOBAL, SPURIOUS, TRAP)
    }
    if state.best.k == state.kink:
        slopes[GLOBAL] += " = κ"
    steps = len(state.path) - 1
    words = {
        "kinks at k =": f"±{state.kink:.3f}",
        **{f"{kind} at k =": slope or "none" for kind, slope in slopes.items()},
        "descent ends in": "no minimum yet" if steps == MAX_STEPS else state.end.kind,
        "at k =": f"{state.path[-1]:.3f}",
        "after": f"{steps} steps",
    }
    return {name: text.replace("-", "−") for name, text in words.items()}


# ---- The window


@dataclass
class Part:
    """Artists that are drawn again, over a copy of what is below them, when `key` has changed."""

    artists: list[Artist]
    area: tuple[float, float, float, float]  # left, bottom, right, top in parts of the figure
    key: Callable[[], object]
    drawn: object = None  # the key at the last drawing
    below: Any = None  # the copy


class Window:
    """Five panels, a text and four controls on one figure.

    A change of a control sets data of artists and draws only the parts that change (blitting): most
    of the time of a whole drawing goes into texts.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.state = compute(1.0, 4.0, 2, -3.0)
        self._add_panels()
        self._add_artists()
        self._add_controls()
        self.parts = self._find_parts()
        if figure.canvas.supports_blit:
            for part in self.parts:
                for artist in part.artists:
                    artist.set_animated(True)  # a whole drawing leaves it to `_on_draw`
            figure.canvas.mpl_connect("draw_event", self._on_draw)
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
        self.path_panel.yaxis.set_label_coords(-0.125, 0.5)  # or it moves with the widths of ticks
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
        """All that `show` changes; the radio buttons draw themselves."""
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

    def _refresh(self) -> None:
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

    def _on_change(self, _: Any) -> None:
        self.show(compute(
            lam=float(10**self.lam_slider.val),
            noise=float(self.noise_slider.val),
            p=EXPONENTS[self.exponent_buttons.value_selected],
            start=STARTS[self.start_buttons.value_selected],
        ))  # fmt: skip

    def show(self, state: State) -> None:
        """Draw a state."""
        self.state = state
        self.lam_slider.valtext.set_text(f"{state.lam:.3g}")
        self.noise_slider.valtext.set_text(f"{state.noise:.2f}")
        for number, line in enumerate(self.kinks):
            line.set_xdata([state.kink if number % 2 else -state.kink] * 2)
        self.factor.set_data(state.k, state.F)
        self.factor_panel.set_ylim(0, round_up(state.F.max()))
        at_kink = np.abs(state.k) == state.kink  # there is no derivative: a gap in the curve
        self.derivative.set_data(state.k, np.where(at_kink, np.nan, state.dF))
        largest = round_up(np.abs(state.dF).max())
        self.derivative_panel.set_ylim(-largest, largest)
        self._show_loss(state)
        self.points.set_ydata(SLOPE * self.x + INTERCEPT + state.noise * self.u)
        for line, k in ((self.best_line, state.best.k), (self.end_line, state.path[-1])):
            line.set_ydata([INTERCEPT - k, INTERCEPT + k])
        for row, text in zip(self.rows, describe(state).values(), strict=True):
            row.set_text(text)
        self._refresh()

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
    """The power of 10^(1/10) above: as a limit of an axis it changes seldom."""
    return float(10 ** (np.ceil(10 * np.log10(1.03 * value)) / 10))


def can_open_windows(figure: Figure) -> bool:
    """Whether the backend that has made the figure has a way of its own to show it."""
    manager = type(figure.canvas.manager)
    return any(
        getattr(manager, name).__func__ is not getattr(FigureManagerBase, name).__func__
        for name in ("start_main_loop", "pyplot_show")
    )


def main() -> int:
    """Open the window; exit status 0: it has been closed, 2: no window can be opened."""
    try:
        figure = plt.figure("The Lai loss of a line", figsize=(11, 7))
    except (ImportError, RuntimeError) as error:  # of the toolkit, or there is no display
        print(NO_WINDOW.format(reason=str(error).rstrip(".")), file=sys.stderr)
        return 2
    if not can_open_windows(figure):
        reason = f"Matplotlib's backend is {plt.get_backend()}, which only writes files"
        print(NO_WINDOW.format(reason=reason), file=sys.stderr)
        return 2
    _window = Window(figure)  # its controls work as long as it is referred to
    plt.show()
    return 0


if __name__ == "__main__":
    run_program(main)
