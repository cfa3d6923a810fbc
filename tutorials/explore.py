"""An interactive window: how λ, the noise and the exponent p change the loss of a line.

    python tutorials/explore.py

The line and its loss are those of tutorial 03; `window/line.py` has the equations.
"""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.figure import Figure
from window.panels import Window

from lai_ref.support.terminal import run_program

NO_WINDOW = """\
explore: no window can be opened: {reason}.
It needs a display and one of Matplotlib's window toolkits:
  - run it on a machine with a screen (over ssh: ssh -X);
  - install tkinter (Debian, Ubuntu: apt install python3-tk) or Qt (pip install pyqt6);
  - if MPLBACKEND is set, unset it, or set it to TkAgg or QtAgg;
  - without a display: pip install tornado, set MPLBACKEND=WebAgg, open 127.0.0.1:8988."""


def can_open_windows(figure: Figure) -> bool:
    """Whether the figure's backend can open windows: it then overrides one of two methods."""
    manager = type(figure.canvas.manager)
    return any(
        getattr(manager, name).__func__ is not getattr(FigureManagerBase, name).__func__
        for name in ("start_main_loop", "pyplot_show")
    )


def main() -> int:
    """Open the window. Exit status: 0 after it was closed, 2 if no window can be opened."""
    try:
        figure = plt.figure("The Lai loss of a line", figsize=(11, 7))
    except (ImportError, RuntimeError) as error:  # no toolkit, or no display
        print(NO_WINDOW.format(reason=str(error).rstrip(".")), file=sys.stderr)
        return 2
    if not can_open_windows(figure):
        reason = f"Matplotlib's backend is {plt.get_backend()}, which only writes files"
        print(NO_WINDOW.format(reason=reason), file=sys.stderr)
        return 2
    _window = Window(figure)  # a reference keeps its controls alive
    plt.show()
    return 0


if __name__ == "__main__":
    run_program(main)
