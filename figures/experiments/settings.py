"""The settings of the command line for every figure."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

from figures.experiments.inputs import Source, Table

Numbers: TypeAlias = dict[str, Any]  # of a figure, written as JSON

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}  # as in `lai_ref.tables`


@dataclass(frozen=True)
class Settings:
    """The data, the folder of the results, and the amount of computation.

    `data` is the folder of Kaggle's files, or None for synthetic data. With a `target` it is a CSV
    file; the features are its other columns except those in `exclude`, or those named in
    `features`, and `test` is a second such file. `delimiter` (a name of `DELIMITERS`) and
    `drop_missing` are options for reading.
    """

    out: Path
    data: Path | None = None
    seeds: int = 3
    jobs: int = 1
    quick: bool = False
    search: bool = False  # whether `protocols` runs the search
    target: str | None = None
    features: tuple[str, ...] | None = None
    test: Path | None = None
    delimiter: str | None = None
    drop_missing: bool = False
    exclude: tuple[str, ...] | None = None

    @property
    def inputs(self) -> Source:
        """The argument of `load_data`."""
        if self.data is None or self.target is None:
            return self.data
        delimiter = None if self.delimiter is None else DELIMITERS[self.delimiter]
        columns = self.target, self.features
        return Table(self.data, *columns, self.test, delimiter, self.drop_missing, self.exclude)

    def provenance(
        self, figure: str, source: str | None = None, seeds: Iterable[int] | None = None
    ) -> Numbers:
        """The provenance in every figure's JSON: command, data, seeds and versions.

        `source` names the data; None for a figure without data. `seeds` are those of a figure that
        does not use `--seeds`; empty if nothing is drawn at random.
        """
        command = f"python -m figures {figure}"
        command += f" --seeds {self.seeds}" if seeds is None else ""
        command += " --search" if self.search and figure == "protocols" else ""
        command += self._data_options() if source else ""
        command += " --quick" if self.quick else ""
        packages = ("lai_ref", "numpy", "matplotlib")
        versions = {"python": platform.python_version()} | {p: _version(p) for p in packages}
        return {
            "figure": figure,
            "command": command,
            "source": source or "computed from the formulas; no data",
            "seeds": list(range(self.seeds) if seeds is None else seeds),
            "versions": versions,
            **({"target": self.target} if self.target and source else {}),
        }

    def _data_options(self) -> str:
        if self.data is None:
            return ""
        if self.target is None:
            return " --data DIR"
        columns = ["--target", self.target]
        columns += ["--features", *self.features] if self.features else []
        columns += ["--exclude", *self.exclude] if self.exclude else []
        test = " --test TEST.csv" if self.test else ""
        how = f" --delimiter {self.delimiter}" if self.delimiter else ""
        how += " --drop-missing" if self.drop_missing else ""
        return f" --data FILE.csv {shlex.join(columns)}{test}{how}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # used from a clone without installation
        return "not installed"


def default_jobs() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
