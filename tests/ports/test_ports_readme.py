"""The examples in the README of the ports run in a project with copies of the files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.quotes import same

for needed in ("torch", "jax", "optax"):
    pytest.importorskip(needed, reason='needs pip install -e ".[backends]"')

ROOT = Path(__file__).parents[2]
PORTS = ROOT / "tutorials" / "ports"
README = (PORTS / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)


def test_the_examples_print_the_text_below_them(tmp_path: Path) -> None:
    """They run one after the other, in one process."""
    shutil.copytree(PORTS, tmp_path / "ports", ignore=shutil.ignore_patterns("__pycache__"))
    examples = EXAMPLE.findall(README)
    assert len(examples) == 5 and all(printed for _, printed in examples)
    program = "\n".join(code for code, _ in examples)
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    quoted = "".join(printed for _, printed in examples).splitlines()
    for quote, line in zip(quoted, run.stdout.splitlines(), strict=True):
        assert same(quote, line), line


def test_the_linked_files_exist_and_are_short() -> None:
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 10
    for link in links:
        assert (PORTS / link).exists(), link
    for path in PORTS.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 200, path
        if path.name in links and "workers" not in path.name:
            assert "lai_ref" not in source, path
