from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from figures import trap
from figures.experiments import protocol
from figures.experiments.settings import Settings
from figures.registry import FIGURES

Numbers = dict[str, Any]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Of the quick runs: two seeds."""
    return Settings(tmp_path_factory.mktemp("quick"), seeds=2, jobs=2, quick=True)


@pytest.fixture(scope="session")
def compute(settings: Settings) -> Callable[[str], Numbers]:
    """Compute a figure's numbers by a run that is even quicker: fewer rows, one run per block."""

    def compute(name: str) -> Numbers:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(protocol, "QUICK", protocol.QUICK | {"rows": 1000})
            patch.setattr(trap, "BLOCK", 1)
            return FIGURES[name].compute(settings)

    return compute


@pytest.fixture(scope="session")
def quick_numbers(compute: Callable[[str], Numbers]) -> Callable[[str], Numbers]:
    """The same, computed once per session."""
    return cache(compute)
