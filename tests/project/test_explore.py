"""The window of tutorials/explore.py, without a display: its numbers and its controls."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import explore
import numpy as np
import pytest
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from window import line
from window.panels import Window

from lai_ref.support.validation import Array
from tests.inputs.strict_python import STRICT_PYTHON

ROOT = Path(__file__).parents[2]
EVEN = (np.arange(500) + 0.5) / 250 - 1  # spread evenly over ±1
CASES = [  # p, λ, s/X
    (2, 1.0, 4.0),
    (2, 1.0, 1.5),
    (2, 0.01, 0.0),
    (2, 0.5, 2.0),
    (2, 5.0, 2.9),
    (1, 1.0, 4.0),
    (1, 0.5, 0.5),
    (1, 0.01, 0.25),
    (1, 4.0, 3.0),
    (1, 5.0, 0.0),
]


def loss_again(k: Array, lam: float, noise: float, p: int) -> Array:
    """L(k), computed by the cases of tutorial 03."""
    d = np.abs(k - 3)
    if p == 2:
        error = (d**2 + noise**2) / 3
    else:
        with np.errstate(all="ignore"):
            wide = d / 2 + noise**2 / (6 * d)
            narrow = noise / 2 + d**2 / (6 * noise)
        error = np.where(d > noise, wide, np.where(d < noise, narrow, 2 * noise / 3))
    factor: Array = np.maximum(np.abs(k) ** p, lam) / (1 + k**2) ** (p / 2) / min(lam, 1)
    return np.asarray(error * factor)


def slopes(state: Any, kind: str) -> list[float]:
    return [minimum.k for minimum in state.minima if minimum.kind == kind]


def window() -> Any:
    figure = Figure(figsize=(11, 7))
    FigureCanvasAgg(figure)
    made = Window(figure)
    figure.canvas.draw()
    return made


def pixels(made: Any) -> Array:
    return np.array(made.figure.canvas.buffer_rgba()).astype(int)


def different(picture: Array, other: Array) -> int:
    """The number of pixels that differ by more than 32 of 255 in some channel."""
    return int((np.abs(picture - other).max(axis=-1) > 32).sum())


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("noise", [0.5, 4.0])
def test_the_error_is_its_expectation_and_has_its_derivative(p: int, noise: float) -> None:
    for k in (-2.0, 2.8, 5.0):
        e = (k - 3) * EVEN[:, None] - noise * EVEN  # all pairs of x and u
        value, derivative = line.mean_error(np.array(k), noise, p)
        assert np.isclose(value, (np.abs(e) ** p).mean(), rtol=1e-4)
        gradient = (p * np.abs(e) ** (p - 1) * np.sign(e) * EVEN[:, None]).mean()
        assert np.isclose(derivative, gradient, rtol=1e-2)
        step = loss_again(k + 1e-6 * np.array([-1, 1]), 0.7, noise, p)
        central = (step[1] - step[0]) / 2e-6
        assert np.isclose(line.loss_derivative(np.array(k), 0.7, noise, p), central, rtol=1e-6)


@pytest.mark.parametrize("lam", [0.02, 0.25, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("noise", [0.0, 0.5, 1.7, 2.4, 2.9, 5.0])
def test_minima_of_mse_are_where_tutorial_03_derives_them(lam: float, noise: float) -> None:
    state = line.compute(lam, noise, 2, -3.0)
    kink = np.sqrt(lam)
    assert state.kink == pytest.approx(kink, rel=1e-15)
    k_b = 3 - (np.sqrt(3 + 4 * kink) - np.sqrt(3)) ** 2 / 4
    border = np.sqrt((3 - k_b) * (k_b**3 + 2 * k_b - 3))
    quartic = np.polysub(np.polymul([-1, 3], [1, 0, 2, -3]), [noise**2])
    interior = [
        root.real for root in np.roots(quartic) if abs(root.imag) < 1e-9 and root.real > 9 / 4
    ]
    at_kink = noise**2 > (3 - kink) * (kink**3 + 2 * kink - 3)  # a minimum, global or not
    found = slopes(state, line.GLOBAL) + slopes(state, line.SPURIOUS)
    expected = sorted([kink, *interior] if at_kink else interior)
    assert sorted(found) == pytest.approx(expected, abs=1e-4)
    if noise > border:
        assert slopes(state, line.GLOBAL) == [state.kink]
    else:
        assert slopes(state, line.GLOBAL) == pytest.approx(interior, abs=1e-4)
    trap = noise**2 > (3 + kink) * (1 / kink - 3)
    assert slopes(state, line.TRAP) == ([-state.kink] if trap else [])


def test_a_trap_is_found_if_its_barrier_is_close() -> None:
    state = line.compute(0.02175, 3.5, 2, -3.0)  # closer than the spacing of the grid
    assert slopes(state, line.TRAP) == [-state.kink]


def test_the_phase_boundary_of_mae_is_that_of_tutorial_03() -> None:
    assert slopes(line.compute(1.0, 2.1, 1, 3.0), line.GLOBAL) == [1.0]
    (slope,) = slopes(line.compute(1.0, 1.9, 1, 3.0), line.GLOBAL)
    assert 2 < slope < 3


@pytest.mark.parametrize(("p", "lam", "noise"), CASES)
def test_minima_are_those_of_a_fine_grid(p: int, lam: float, noise: float) -> None:
    state = line.compute(lam, noise, p, -3.0)
    kink = lam ** (1 / p)
    k = np.append(np.linspace(-9, 9, 90_001), [-kink, kink])
    k = np.unique(k.round(9))
    values = loss_again(k, lam, noise, p)
    lower = (values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])
    found = k[1:-1][lower]
    assert [minimum.k for minimum in state.minima] == pytest.approx(found, abs=2e-4)
    assert state.best.k == pytest.approx(k[values.argmin()], abs=2e-4)
    for minimum in state.minima:
        assert minimum.loss == pytest.approx(loss_again(np.array(minimum.k), lam, noise, p))
        if minimum.k != state.best.k:
            assert minimum.kind == (line.TRAP if minimum.k < 0 else line.SPURIOUS)


@pytest.mark.parametrize(("p", "lam", "noise"), CASES)
@pytest.mark.parametrize("start", [-3.0, 3.0, 5.0])
def test_the_loss_falls_in_each_step_and_the_descent_ends_in_a_minimum(
    p: int, lam: float, noise: float, start: float
) -> None:
    state = line.compute(lam, noise, p, start)
    assert state.path[0] == start
    assert state.path_loss == pytest.approx(loss_again(state.path, lam, noise, p), abs=1e-12)
    assert (np.diff(state.path_loss) < 0).all()
    assert np.abs(np.diff(state.path)).max(initial=0) < line.LONGEST_STEP + 1e-12
    assert len(state.path) <= line.MAX_STEPS
    assert abs(state.path[-1] - state.end.k) < 3e-4


def test_from_the_left_the_descent_ends_in_the_trap_where_there_is_one() -> None:
    for p, lam, noise in CASES:
        state = line.compute(lam, noise, p, -3.0)
        assert (state.end.kind == line.TRAP) == bool(slopes(state, line.TRAP)), (p, lam)
        for start in (3.0, 5.0):
            assert line.compute(lam, noise, p, start).end.k > 0
    assert {bool(slopes(line.compute(lam, s, p, 3.0), line.TRAP)) for p, lam, s in CASES} == {
        False,
        True,
    }


def test_each_control_changes_what_it_should() -> None:
    made = Window(Figure())
    assert (made.state.lam, made.state.noise, made.state.p, made.state.start) == (1, 4, 2, -3)
    made.lam_slider.set_val(np.log10(0.25))
    assert made.state.lam == pytest.approx(0.25)
    assert made.factor.get_ydata().max() == pytest.approx(4, rel=0.02)  # 1/λ
    assert made.kinks[0].get_xdata() == pytest.approx([-0.5, -0.5])
    assert made.kinks[1].get_xdata() == pytest.approx([0.5, 0.5])
    assert made.lam_slider.valtext.get_text() == "0.25"

    before = made.points.get_ydata()
    made.noise_slider.set_val(1.0)
    assert made.state.noise == 1
    assert made.points.get_ydata() - (3 * made.x + 4) == pytest.approx(made.u)
    assert not np.allclose(before, made.points.get_ydata())

    made.exponent_buttons.set_active(0)
    assert (made.state.p, made.state.kink) == (1, pytest.approx(0.25))
    assert made.state.lam == pytest.approx(0.25)
    made.start_buttons.set_active(2)
    assert made.state.path[0] == 5
    assert made.start.get_xdata() == [5]
    made.start_buttons.set_active(1)
    assert made.state.path[0] == 3


@pytest.fixture(scope="module")
def shown() -> Any:
    return Window(Figure())


@pytest.mark.parametrize(("p", "lam", "noise"), CASES)
def test_the_window_shows_the_state(shown: Any, p: int, lam: float, noise: float) -> None:
    made, state = shown, line.compute(lam, noise, p, -3.0)
    made.show(state)
    for kind, marks in made.marks.items():
        assert list(marks.get_xdata()) == slopes(state, kind)
        low, high = made.loss_panel.get_ylim()
        for minimum, height in zip(slopes(state, kind), marks.get_ydata(), strict=True):
            assert height == pytest.approx(max(loss_again(np.array(minimum), lam, noise, p), low))
            assert low <= height < high
    for path in made.paths:
        assert list(path.get_xdata()) == list(state.path)
    assert list(made.paths[1].get_ydata()) == list(range(len(state.path)))
    ends = np.array([-1, 1])
    assert made.best_line.get_ydata() == pytest.approx(state.best.k * ends + 4)
    assert made.end_line.get_ydata() == pytest.approx(state.path[-1] * ends + 4)
    assert made.factor_panel.get_ylim()[1] > state.F.max()
    assert made.derivative_panel.get_ylim()[1] > np.abs(state.dF).max()
    assert np.isnan(made.derivative.get_ydata()[np.abs(state.k) == state.kink]).all()
    words = [row.get_text().replace("−", "-") for row in made.rows]
    assert words[0] == f"±{state.kink:.3f}"
    assert words[1].startswith(f"{state.best.k:.3f}")
    assert words[1].endswith("= κ") == (state.best.k == state.kink)
    assert words[3] == (f"{-state.kink:.3f}" if slopes(state, line.TRAP) else "none")
    assert words[4:] == [state.end.kind, f"{state.path[-1]:.3f}", f"{len(state.path) - 1} steps"]


def test_a_change_draws_what_a_full_redraw_would() -> None:
    made = window()
    first = pixels(made)
    made.exponent_buttons.set_active(0)
    made.noise_slider.set_val(5.0)
    made.lam_slider.set_val(-2.0)
    made.start_buttons.set_active(2)
    assert len(made.state.path) > 100  # the tick labels of the steps are wider
    check(made)
    made.start_buttons.set_active(0)
    made.lam_slider.set_val(0.3)
    made.noise_slider.set_val(0.3)
    check(made)
    assert different(pixels(made), first) > 1000


def check(made: Any) -> None:
    changed = pixels(made)
    made.figure.canvas.draw()
    assert different(changed, pixels(made)) < 50  # pixels where two parts meet


def test_a_backend_that_opens_windows_is_recognised() -> None:
    class Manager(FigureManagerBase):
        @classmethod
        def start_main_loop(cls) -> None:
            """Wait for events."""

    class InBrowser(FigureManagerBase):
        @classmethod
        def pyplot_show(cls, *, block: bool | None = None) -> None:
            """Serve a page."""

    figure = Figure()
    for manager, opens in ((FigureManagerBase, False), (Manager, True), (InBrowser, True)):
        manager(FigureCanvasAgg(figure), 1)
        assert explore.can_open_windows(figure) == opens


def test_without_a_display_the_command_of_the_page_prints_its_requirements() -> None:
    page = (ROOT / "tutorials" / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\.venv/bin/python (tutorials/explore\.py)$", page, re.M)
    run = subprocess.run(
        [*STRICT_PYTHON, command],
        cwd=ROOT,
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        encoding="utf-8",
    )
    assert (run.returncode, run.stdout) == (2, "")
    first, *hints = run.stderr.splitlines()
    assert first.startswith("explore: no window can be opened: ")
    assert "backend is agg" in first.lower()
    assert "Traceback" not in run.stderr
    for hint in ("display", "tkinter", "pyqt6", "MPLBACKEND"):
        assert hint in "\n".join(hints)


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_a_backend_without_its_toolkit_gives_the_same_message(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error("it needs a toolkit")

    monkeypatch.setattr(explore.plt, "figure", fail)
    assert explore.main() == 2
    assert capsys.readouterr().err.startswith(
        "explore: no window can be opened: it needs a toolkit.\nIt needs a display"
    )
