"""The mutation test names modules and tests that exist."""

from __future__ import annotations

from pathlib import Path

from tests import mutate

ROOT = Path(__file__).parents[2]


def test_the_mutated_modules_and_their_fast_tests_exist() -> None:
    assert mutate.MODULES and mutate.FAST
    for name in mutate.MODULES:
        assert (ROOT / "lai_ref" / f"{name}.py").exists(), name
    for name in mutate.FAST:
        assert (ROOT / "tests" / f"{name}.py").exists(), name
