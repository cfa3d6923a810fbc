"""How hard hypothesis tries, by HYPOTHESIS_PROFILE; without it dev, or ci where CI=true.

dev      random examples, a failure prints the line that reproduces it
ci       the same examples every time, so that a run does not fail by luck
deep     many more examples, random
intense  20,000 examples, random; for the tests marked fuzz, `pytest -m fuzz`, which take an hour
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
    """Python's own handler of Ctrl-C, which a process started in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
