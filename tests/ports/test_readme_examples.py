"""The README's five lines for PyTorch and for JAX run, with the file that they say to copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETUP = {
    "torch": """
import torch
model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
model.append(torch.nn.Flatten(0))
x, t = torch.rand(8, 2), torch.rand(8)
""",
    "jax": """
import jax
import jax.numpy as jnp
params = {"W": jnp.ones((2, 3)) / 3, "v": jnp.arange(3.0)}
def model(params, x_i):
    return jnp.tanh(x_i @ params["W"]) @ params["v"]
x, t = jnp.arange(16.0).reshape(8, 2) / 16, jnp.arange(8.0)
""",
}
CHECK = {
    "torch": "assert all(p.grad.isfinite().all() and p.grad.any() for p in model[:3].parameters())",
    "jax": "assert all(bool(jnp.isfinite(g).all() and g.any()) for g in jax.tree.leaves(grad))",
}


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_the_five_lines_compute_a_gradient(framework: str, tmp_path: Path) -> None:
    if find_spec(framework) is None:
        pytest.skip(f"needs {framework}")
    (example,) = re.findall(
        rf"^```python\n((?:.+\n)*.*{framework}_lai.*\n(?:.+\n)*?)```", README, re.M
    )
    assert len(example.splitlines()) == 5
    name = f"{framework}_lai.py"
    assert f"Copy [{name}](tutorials/ports/{name})" in README
    shutil.copy(ROOT / "tutorials" / "ports" / name, tmp_path)
    program = "\n".join([SETUP[framework], example, CHECK[framework]])
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
