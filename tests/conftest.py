"""How hard hypothesis tries: HYPOTHESIS_PROFILE is dev (the default), ci or deep; CI=true takes ci.

dev   random examples, a failure prints the line that reproduces it
ci    the same examples every time, so that a run does not fail by luck
deep  many more examples, random
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TOO_SLOW = [HealthCheck.too_slow]  # a busy machine is no defect

settings.register_profile(
    "dev", deadline=None, max_examples=50, print_blob=True, suppress_health_check=TOO_SLOW
)
settings.register_profile(
    "ci", deadline=None, max_examples=50, derandomize=True, suppress_health_check=TOO_SLOW
)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=2000,
    derandomize=False,
    print_blob=True,
    suppress_health_check=TOO_SLOW,
)
default = "ci" if os.environ.get("CI", "").lower() == "true" else "dev"
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or default)
