"""What a job is given: its parameters, and the data, which it names by a digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lai_ref import Array, Dataset, load_california

Job: TypeAlias = dict[str, Any]  # ready for JSON


@lru_cache(maxsize=1)
def california(data: Path | None) -> Dataset:
    """The data, read once per process; None: the synthetic substitute."""
    return load_california(data)


def digest_of(*arrays: Array) -> str:
    """A short digest of the numbers in `arrays`, to name data by."""
    content = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    return hashlib.sha256(content).hexdigest()[:16]
