"""Exclude the modules that import torch or jax at the top from pytest's search for doctests."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest

collect_ignore = ["dying_worker.py", "jax_devices.py", "torch_workers.py"]
collect_ignore_glob = ["plain_*.py", "wrong_*.py"]


@pytest.fixture(scope="module")
def jax_in_double_precision() -> Iterator[None]:
    jax: Any = importlib.import_module("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)
