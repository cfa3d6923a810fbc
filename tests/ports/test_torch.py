"""The port to PyTorch passes every group of the oracle, uncompiled and compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from lai_ref import oracle
from lai_ref.oracle.grading.grade import PASSED, grade
from lai_ref.oracle.grading.runner import run_case

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tutorials.ports import torch_lai as port  # noqa: E402
from tutorials.ports import torch_lai_training as training  # noqa: E402
from tutorials.ports.torch_backend import TorchBackend  # noqa: E402

GROUPS = [group for group in oracle.GROUPS if group != "sharded"]  # test_torch_workers.py
COMPILED = [  # a compilation takes seconds
    "factor/kink-p1-lam0.25",
    "factor/far-k-p2-lam0.5",
    "factor/error-lam-nan",
    "loss/p1-batch-rho0.25-list",
    "loss/all-kinks-p2-sample",
    "input_gradient/silu-depth2",
    "param_gradient/tanh-depth2-lai2-batch",
    "train/tanh-run",
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_group_passes(group: str, dtype: str) -> None:
    assert (report := oracle.check(TorchBackend(), dtype, [group])), str(report)


def test_its_subgradients_at_the_kinks_are_the_references() -> None:
    assert subgradients(TorchBackend()) == subgradients(oracle.reference)


def subgradients(backend: object) -> dict[str, float]:
    """The subgradient s that the backend chose at each kink, by case."""
    outcomes = oracle.check(backend, groups=["factor", "loss", "param_gradient"]).outcomes
    return {
        o.case.id: round(float(o.subgradient), 6) for o in outcomes if o.subgradient is not None
    }


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_group_passes_compiled_without_graph_breaks(dtype: str) -> None:
    """With all steps of torch.compile except machine code, which takes seconds per shape."""
    torch._dynamo.reset()
    compiled = TorchBackend(partial(torch.compile, fullgraph=True, backend="aot_eager"))
    with torch._dynamo.config.patch(recompile_limit=4096, accumulated_recompile_limit=2**16):
        assert (report := oracle.check(compiled, dtype, GROUPS)), str(report)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_some_cases_of_each_group_pass_as_machine_code(dtype: str) -> None:
    torch._dynamo.reset()  # its limit counts the compilations of other tests
    compiled = TorchBackend(partial(torch.compile, fullgraph=True, dynamic=False))
    cases = {case.id: case for case in oracle.cases()}
    with torch._dynamo.config.patch(recompile_limit=64):
        for name in COMPILED:
            outcome = grade(cases[name], run_case(compiled, cases[name], dtype), dtype)
            assert outcome.status == PASSED, (name, outcome)


def test_predictions_of_shape_n_1_are_rejected() -> None:
    net = torch.nn.Linear(2, 1, dtype=torch.float64)
    x, t = torch.ones(3, 2, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    y, k = net(x), x
    loss, lai_mask = port.LaiLoss(), torch.ones(3, dtype=torch.bool)
    invalid_calls: list[Callable[[], Any]] = [
        lambda: port.with_input_gradient(net, x),
        lambda: loss(y, t, k),
        lambda: loss(y, t[:, None], k),
        lambda: training.batch_loss(net, x, t, lai_mask, loss),
        lambda: training.batch_loss(net, x, t, None, loss),
    ]
    for call in invalid_calls:
        with pytest.raises(ValueError, match=r"\(3, 1\)"):
            call()


def test_the_file_can_be_copied_alone() -> None:
    source = inspect.getsource(port)
    assert "lai_ref" not in source and "from ." not in source
