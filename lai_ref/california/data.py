"""California housing: Kaggle's files (Playground Series S3E1), or synthetic data like them."""

from __future__ import annotations

import hashlib
import math
import os
from itertools import zip_longest
from pathlib import Path

import numpy as np

from lai_ref.california.synthetic import make_synthetic_california
from lai_ref.support.validation import Array, check_int
from lai_ref.tables.dataset import Dataset

HEADER = "id,MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal"
COLUMNS = {"train.csv": tuple(HEADER.split(",")), "test.csv": tuple(HEADER.split(",")[:-1])}
FEATURES = COLUMNS["test.csv"][1:]
N_ROWS = {"train.csv": 37137, "test.csv": 24759}
SHA256 = {
    "train.csv": "043cce98df4225f4527565e6b949f95212e3eace85a49c0272bc6871d812491a",
    "test.csv": "960b5cb011860be07445174c94d210d9a54a16b9fbe25f4b1755dd6d5a59e0f5",
}
DOWNLOAD = (
    "kaggle competitions download -c playground-series-s3e1"
    " && unzip playground-series-s3e1.zip -d FOLDER"
)


def load_california(path: str | os.PathLike[str] | None = None, seed: int = 0) -> Dataset:
    """Read Kaggle's files, or without a path draw synthetic data that behave like them.

    Parameters
    ----------
    path
        The folder with train.csv and test.csv. None: synthetic data of the same size,
        see `synthetic`.
    seed
        An integer ≥ 0, for the synthetic data alone; the same seed gives the same numbers.

    Returns
    -------
    Dataset
        With `source` saying which it is: Kaggle's very files (known by their SHA-256), other
        files of the same form, or synthetic data. It never contains the path.

    Raises
    ------
    TypeError
        A path that is not a str or os.PathLike, a seed that is not an integer.
    FileNotFoundError
        No such folder, or a file missing in it. The message has the command that gets them.
    ValueError
        A negative seed, or a malformed file. The message has the file, the line and the column.

    Examples
    --------
    >>> data = load_california()
    >>> data.x.shape, data.t.shape, data.x_test.shape, data.features[5]
    ((37137, 8), (37137,), (24759, 8), 'AveOccup')
    >>> data.source
    'stand-in for California housing (seed 0), not the real data'
    """
    seed = check_int("seed", seed, minimum=0)
    if path is None:
        # a child of the seed, so that a run with the same seed does not draw the same numbers
        rng = np.random.default_rng(seed).spawn(1)[0]
        x, t = make_synthetic_california(rng, N_ROWS["train.csv"])
        x_test, _ = make_synthetic_california(rng, N_ROWS["test.csv"])
        source = f"stand-in for California housing (seed {seed}), not the real data"
        return Dataset(x, t, x_test, FEATURES, source)
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(f"path: expected a folder (str or os.PathLike) or None, got {path!r}")
    train, train_hash = _read(Path(path), "train.csv")
    test, test_hash = _read(Path(path), "test.csv")
    if {"train.csv": train_hash, "test.csv": test_hash} == SHA256:
        source = "California housing, Kaggle's files (Playground Series S3E1)"
    else:
        source = (
            "files of one's own, not Kaggle's California housing"
            f" (SHA-256 train {train_hash[:12]}…, test {test_hash[:12]}…)"
        )
    return Dataset(train[:, 1:9].copy(), train[:, 9].copy(), test[:, 1:], FEATURES, source)


def _read(folder: Path, name: str) -> tuple[Array, str]:
    """The numbers of one file, (rows, columns) with the id, and its SHA-256."""
    if not (folder / name).is_file():
        missing = f"no {name} in {folder}" if folder.is_dir() else f"no folder {folder}"
        raise FileNotFoundError(f"path: {missing}; to get it: {DOWNLOAD}")
    content = (folder / name).read_bytes()
    columns = COLUMNS[name]
    # bytes that are not text become \x.., which is no number and is refused with its place
    lines = content.decode(errors="backslashreplace").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    header = lines[0].split(",") if lines else []
    for want, got in zip_longest(columns, header):
        if got != want:
            found = "nothing" if got is None else repr(got)
            raise _malformed(name, 1, want or columns[-1], f"the header {','.join(columns)}", found)
    if len(lines) == 1:
        raise _malformed(name, 2, columns[0], "at least one row of numbers", "nothing")
    rows = [_numbers(name, i, line, columns) for i, line in enumerate(lines[1:], start=2)]
    return np.array(rows), hashlib.sha256(content).hexdigest()


def _numbers(name: str, line: int, text: str, columns: tuple[str, ...]) -> list[float]:
    """The numbers in one line of text."""
    fields = text.split(",")
    if len(fields) != len(columns):
        column = columns[min(len(fields), len(columns) - 1)]
        raise _malformed(name, line, column, f"{len(columns)} fields", str(len(fields)))
    row = []
    for column, field in zip(columns, fields, strict=True):
        try:
            number = float(field)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in field:  # Python takes 1_000 for a number
            raise _malformed(name, line, column, "a finite number", repr(field))
        row.append(number)
    return row


def _malformed(name: str, line: int, column: str, expected: str, got: str) -> ValueError:
    got = got if len(got) <= 60 else got[:60] + "…"
    return ValueError(f"{name}, line {line}, column {column}: expected {expected}, got {got}")
