"""The inputs of a job: its parameters and the data, identified by a digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lai_ref import Array, Dataset, load_california, load_csv

Job: TypeAlias = dict[str, Any]  # ready for JSON


class Table(NamedTuple):
    """A CSV file and the roles of its columns, as `load_csv` takes them."""

    path: Path
    target: str
    features: tuple[str, ...] | None = None
    test: Path | None = None
    delimiter: str | None = None  # a character; None: detected from the header
    drop_missing: bool = False
    exclude: tuple[str, ...] | None = None


# a CSV file, the folder of Kaggle's files, or None for synthetic data
Source: TypeAlias = Table | Path | None


@lru_cache(maxsize=1)
def load_data(source: Source) -> Dataset:
    """The data, read once per process."""
    if isinstance(source, Table):
        return load_csv(
            source.path,
            source.target,
            source.features,
            source.test,
            exclude=source.exclude,
            delimiter=source.delimiter,
            drop_missing=source.drop_missing,
        )
    return load_california(source)


def digest_of(*arrays: Array) -> str:
    """A short digest of the numbers in `arrays`, to identify data."""
    content = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return hashlib.sha256(content).hexdigest()[:16]
