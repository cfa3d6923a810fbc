"""California housing: Kaggle's files (Playground Series S3E1), or synthetic data like them."""

from __future__ import annotations

import hashlib
import os
import sys
from itertools import zip_longest
from pathlib import Path

import numpy as np

from lai_ref.california.synthetic import make_synthetic_california
from lai_ref.support.validation import Array, check_int
from lai_ref.tables.columns import read_columns
from lai_ref.tables.dataset import Dataset
from lai_ref.tables.messages import malformed

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
        Its `source` states the kind: Kaggle's own files (identified by their SHA-256), other
        files of the same form, or synthetic data. It never contains the path.

    Raises
    ------
    TypeError
        A path that is not a str or os.PathLike, a seed that is not an integer.
    FileNotFoundError
        The folder or one of its files does not exist. The message has the command to download them.
    ValueError
        A negative seed, or a malformed file. The message has the file, the line and the column.

    Examples
    --------
    >>> data = load_california()
    >>> data.x.shape, data.t.shape, data.x_test.shape, data.features[5]
    ((37137, 8), (37137,), (24759, 8), 'AveOccup')
    >>> data.source
    'synthetic data like California housing (seed 0), not the real data'
    """
    seed = check_int("seed", seed, minimum=0)
    if path is None:
        # a child of the seed, so that a run with the same seed does not draw the same numbers
        rng = np.random.default_rng(seed).spawn(1)[0]
        x, t = make_synthetic_california(rng, N_ROWS["train.csv"])
        x_test, _ = make_synthetic_california(rng, N_ROWS["test.csv"])
        source = f"synthetic data like California housing (seed {seed}), not the real data"
        return Dataset(x, t, x_test, FEATURES, source)
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(f"path: expected a folder (str or os.PathLike) or None, got {path!r}")
    train, train_hash = _read(Path(path), "train.csv")
    test, test_hash = _read(Path(path), "test.csv")
    if {"train.csv": train_hash, "test.csv": test_hash} == SHA256:
        source = "California housing, Kaggle's files (Playground Series S3E1)"
    else:
        source = (
            "the user's own files, not Kaggle's California housing"
            f" (SHA-256 train {train_hash[:12]}…, test {test_hash[:12]}…)"
        )
    return Dataset(train[:, 1:9].copy(), train[:, 9].copy(), test[:, 1:], FEATURES, source)


def _read(folder: Path, name: str) -> tuple[Array, str]:
    """The numbers of one file, (rows, columns) with the id, and its SHA-256."""
    if not (folder / name).is_file():
        problem = "is not a folder" if folder.exists() else "does not exist"
        problem = f"has no {name}" if folder.is_dir() else problem
        raise FileNotFoundError(
            f"path: expected a folder with {' and '.join(COLUMNS)}, got {folder}, which {problem};"
            f" to download the files: {DOWNLOAD}"
        )
    content = (folder / name).read_bytes()
    columns = COLUMNS[name]
    # bytes that are not UTF-8 become \x.., which is reported below: it is not a number
    lines = content.decode(errors="backslashreplace").replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    header = lines[0].split(",") if lines else []
    for want, got in zip_longest(columns, header):
        if got != want:
            found = "nothing" if got is None else repr(got)
            raise malformed(name, 1, want or columns[-1], f"the header {','.join(columns)}", found)
    if len(lines) == 1:
        raise malformed(name, 2, columns[0], "at least one row of numbers", "nothing")
    # Kaggle's files have no quotes and no blank lines
    rows = ((i, line.split(",")) for i, line in enumerate(lines[1:], start=2))
    read = read_columns(name, columns, rows, range(len(columns)), largest=sys.float_info.max)
    wrong = [(found, each.name) for each in read for found in each.findings.values()]
    if wrong:
        found_first, column = min(wrong, key=lambda each: each[0].line)
        got = repr(found_first.text)
        raise malformed(name, found_first.line, column, "a finite number", got)
    values = np.column_stack([np.concatenate(column.chunks) for column in read])
    return values, hashlib.sha256(content).hexdigest()
