"""The port to JAX passes every group of the oracle, uncompiled and compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.grading.grade import grade
from lai_ref.oracle.grading.runner import run_case

jax: Any = pytest.importorskip("jax", reason="the port to JAX needs jax")
from tutorials.ports import jax_lai as port  # noqa: E402
from tutorials.ports import jax_lai_training as training  # noqa: E402
from tutorials.ports.jax_backend import JaxBackend  # noqa: E402

pytestmark = pytest.mark.usefixtures("jax_in_double_precision")

QUICK = ["codec", "factor", "adam"]
OTHERS = ["loss", "input_gradient", "param_gradient", "train"]  # sharded: test_jax_workers.py


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("groups", [QUICK, pytest.param(OTHERS, marks=pytest.mark.slow)], ids=str)
def test_every_group_passes_compiled(groups: list[str], dtype: str) -> None:
    assert (report := oracle.check(JaxBackend(jit=True), dtype, groups)), str(report)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_group_passes_uncompiled(dtype: str) -> None:
    """JAX compiles each operation separately, for each shape."""
    assert (report := oracle.check(JaxBackend(), dtype, [*QUICK, *OTHERS])), str(report)


def test_its_subgradients_are_the_midpoint_at_the_kink_and_1_at_a_residual_of_0() -> None:
    cases, backend = {case.id: case for case in oracle.cases()}, JaxBackend(jit=True)
    for name, s in (("factor/kink-p2-lam0.25", 0.5), ("loss/one-zero-e-p1-batch", 1.0)):
        outcome = grade(cases[name], run_case(backend, cases[name], "float64"), "float64")
        assert outcome.subgradient == pytest.approx(s)


def test_predictions_of_shape_n_1_are_rejected() -> None:
    y, t, k = np.ones((3, 1)), np.ones(3), np.ones((3, 2))
    invalid_calls: list[Callable[[], Any]] = [
        lambda: port.lai_loss(y, t, k),
        lambda: port.lai_loss(t, y, k),
        lambda: jax.jit(port.lai_loss)(y, t, k),
    ]
    for call in invalid_calls:
        with pytest.raises(ValueError, match=r"\(3, 1\)"):
            call()

    def f(params: Any, x: Any) -> Any:
        return x @ params  # (1,) for one x

    loss, lai_mask = port.lai_loss, np.ones(3, bool)
    with pytest.raises(ValueError, match=r"f: expected a scalar for x_i, got shape \(1,\)"):
        training.batch_loss(f, np.ones((2, 1)), k, t, lai_mask, loss=loss)
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        training.batch_loss(f, np.ones((2, 1)), k, t, None, loss=loss)


def test_the_file_can_be_copied_alone() -> None:
    source = inspect.getsource(port)
    assert "lai_ref" not in source and "from ." not in source
