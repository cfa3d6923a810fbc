"""Hypothesis profiles, selected by HYPOTHESIS_PROFILE (default: dev, or ci if CI=true).

dev      random examples; a failure prints the line that reproduces it
ci       the same examples every time, so that no run fails by chance
deep     2,000 random examples per test
intense  20,000 random examples; for the tests marked fuzz (`pytest -m fuzz`), which take an hour
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

TOO_SLOW = [HealthCheck.too_slow]  # a busy machine is not a failure

settings.register_profile(
    "dev", deadline=None, max_examples=50, print_blob=True, suppress_health_check=TOO_SLOW
)
settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=TOO_SLOW
)
for name, examples in (("deep", 2_000), ("intense", 20_000)):
    settings.register_profile(
        name,
        deadline=None,
        max_examples=examples,
        derandomize=False,
        print_blob=True,
        suppress_health_check=TOO_SLOW,
    )
default = "ci" if os.environ.get("CI", "").lower() == "true" else "dev"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or default)


@pytest.fixture
def default_interrupts() -> Iterator[None]:
    """Set Python's own handler of Ctrl-C; a process that was started in the background lacks it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
