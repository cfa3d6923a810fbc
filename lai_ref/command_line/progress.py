"""Progress of a training run on standard error: one rewritten line, or about 20 lines."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Iterable, Iterator

from lai_ref.train import Epoch

LINES = 20  # about as many if standard error is not a terminal


def with_progress(epochs: Iterable[Epoch], total: int, s: float, quiet: bool) -> Iterator[Epoch]:
    """Yield the epochs up to number `total`, and report each before it is yielded.

    `s` is that of `Units`: the RMSE is printed in the target's units. On a terminal one line is
    rewritten after each epoch. Elsewhere a line is printed for the first, the last and some other
    epochs.
    """
    began, first, every = time.monotonic(), None, max(1, total // LINES)
    rewrites = sys.stderr.isatty()
    try:
        for epoch in epochs:
            first = epoch.index if first is None else first
            seconds = time.monotonic() - began
            left = seconds / (epoch.index - first + 1) * (total - epoch.index)
            line = f"{_describe(epoch, total, s)}  {_duration(left)} left"
            if not quiet and rewrites:
                columns = shutil.get_terminal_size().columns - 1
                print(f"\r{line[:columns]:{columns}}", end="", file=sys.stderr, flush=True)
            elif not quiet and (epoch.index in (first, total) or epoch.index % every == 0):
                print(line, file=sys.stderr, flush=True)
            yield epoch
    finally:
        if not quiet and rewrites and first is not None:
            print(file=sys.stderr)


def _describe(epoch: Epoch, total: int, s: float) -> str:
    rmse = math.nan if epoch.rmse is None else s * epoch.rmse
    return (
        f"epoch {epoch.index}/{total}  {epoch.phase:8}  train loss {epoch.train_loss:.4g}"
        f"  validation RMSE {rmse:.4g}  Lai fraction {epoch.lai_fraction:.4f}"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
