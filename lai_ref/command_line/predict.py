"""`predict`: predict for the rows of a CSV file with the network in a checkpoint of `train`."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path

import numpy as np

from lai_ref.command_line.train import units_in
from lai_ref.mlp import MLP
from lai_ref.state import load_state
from lai_ref.support.files import atomic_write, check_writable
from lai_ref.support.terminal import option_names
from lai_ref.support.validation import Array
from lai_ref.tables.csv_format import DELIMITERS
from lai_ref.tables.messages import not_found
from lai_ref.tables.reader import read_features


def predict(options: argparse.Namespace) -> int:
    """Write the predictions for a CSV file, and ∂y/∂x with `--gradient`, in the data's units."""
    if options.out is not None:
        _check_out(options.out, (options.state, options.data))
    try:
        state = load_state(options.state)
    except FileNotFoundError:
        raise not_found("--state", "a checkpoint of `train`", options.state) from None
    units = units_in(options.state, state)
    net = MLP(state.sizes, state.activation)
    delimiter = DELIMITERS.get(options.delimiter)
    with option_names(path="data"):
        x = read_features(options.data, units.features, delimiter=delimiter)
    columns = {units.target: units.predict(net, state.theta, x)}
    if options.gradient:
        k = units.input_gradient(net, state.theta, x)
        columns |= {f"d {units.target} / d {f}": k[:, j] for j, f in enumerate(units.features)}
    text = _csv_text(columns, digits=9 if units.dtype == "float32" else 17)
    if options.out is None:
        sys.stdout.buffer.write(text.encode())  # the content of a file: UTF-8 on every terminal
    else:
        atomic_write(options.out, text.encode())
        print(f"{options.out}: {len(x)} rows, {len(columns)} columns", file=sys.stderr)
    return 0


def _check_out(out: Path, inputs: tuple[Path, ...]) -> None:
    """Raise, before anything is computed, if `out` cannot be written or is an input."""
    if out.exists() and not out.is_file():
        kind = "folder" if out.is_dir() else "pipe or device"
        raise ValueError(
            f"--out: expected a file, got the {kind} {out}; without --out, standard output is used"
        )
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise ValueError(f"--out: expected a file other than the inputs, got {path}")
    check_writable("--out", out.parent)


def _csv_text(columns: dict[str, Array], digits: int) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    rows = np.column_stack(list(columns.values()))
    writer.writerows([f"{value:.{digits}g}" for value in row] for row in rows)
    return file.getvalue()
