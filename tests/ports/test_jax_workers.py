"""Data parallel training in the port to JAX has the gradient of the whole batch."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inputs.strict_python import STRICT_PYTHON
from tests.ports.sharding import check_answers, check_report

pytest.importorskip("jax", reason='needs JAX: pip install -e ".[backends]"')
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The results of a process of its own, since devices are set before JAX first computes."""
    path = tmp_path_factory.mktemp("devices") / "found.json"
    python_path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [*STRICT_PYTHON, "-m", "tests.ports.jax_devices", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": python_path},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    answers = json.loads(path.read_text(encoding="utf-8"))
    assert answers["devices"] == 3
    return answers


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_three_devices_pass_the_oracle(found: Any, dtype: str) -> None:
    check_report(found["reports"][dtype])


def test_unequal_and_empty_shards_have_the_gradient_of_the_whole_batch(found: Any) -> None:
    check_answers(found["answers"])


def test_second_derivatives_over_devices_are_those_of_the_whole_batch(found: Any) -> None:
    spread, whole = (np.array(found["hessians"][name]) for name in ("spread", "whole"))
    assert np.abs(spread - whole).max() <= 1e-14 * np.abs(whole).max()
