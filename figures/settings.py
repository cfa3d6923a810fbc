"""What the command line decides for every figure."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lai_ref import California, load_california


@dataclass(frozen=True)
class Settings:
    """Where the data are (None: the stand-in), where the results go, and how much is computed."""

    out: Path
    data: Path | None = None
    seeds: int = 3
    jobs: int = 1
    quick: bool = False

    def provenance(self, figure: str, source: str) -> dict[str, Any]:
        """What every figure's JSON says of itself."""
        command = f"python -m figures {figure} --seeds {self.seeds}"
        command += " --data DIR" if self.data else ""
        command += " --quick" if self.quick else ""
        packages = ("lai_ref", "numpy", "matplotlib")
        versions = {"python": platform.python_version()} | {p: _version(p) for p in packages}
        seeds = list(range(self.seeds))
        return {
            "figure": figure,
            "command": command,
            "source": source,
            "seeds": seeds,
            "versions": versions,
        }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a clone that is used without being installed
        return "not installed"


def default_jobs() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@lru_cache(maxsize=1)
def california(data: Path | None) -> California:
    """The data, read once a process."""
    return load_california(data)
