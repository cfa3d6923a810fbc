"""The port to PyTorch: every group of the oracle as it is written, some of each compiled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from lai_ref import oracle
from lai_ref.oracle.grading.grade import PASSED, grade
from lai_ref.oracle.grading.runner import run_case

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tutorials.ports import torch_lai as port  # noqa: E402
from tutorials.ports.torch_backend import TorchBackend, network  # noqa: E402

GROUPS = [group for group in oracle.GROUPS if group != "sharded"]  # that: test_torch_workers.py
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
    """The s at each kink of a loss, by case."""
    outcomes = oracle.check(backend, groups=["factor", "loss", "param_gradient"]).outcomes
    return {
        o.case.id: round(float(o.subgradient), 6) for o in outcomes if o.subgradient is not None
    }


@pytest.mark.slow
def test_compiled_in_one_piece_it_passes() -> None:
    compiled = TorchBackend(partial(torch.compile, fullgraph=True, dynamic=False))
    known = {case.id: case for case in oracle.cases()}
    with torch._dynamo.config.patch(recompile_limit=64):
        for name in COMPILED:
            outcome = grade(known[name], run_case(compiled, known[name], "float32"), "float32")
            assert outcome.status == PASSED, (name, outcome)


def test_predictions_of_shape_n_1_are_rejected() -> None:
    net = torch.nn.Linear(2, 1, dtype=torch.float64)
    x, t = torch.ones(3, 2, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    y, k = port.with_input_gradient(net, x)
    loss, lai_mask = port.LaiLoss(), torch.ones(3, dtype=torch.bool)
    invalid_calls: list[Callable[[], Any]] = [
        lambda: loss(y, t, k),
        lambda: loss(y, t[:, None], k),
        lambda: port.batch_loss(net, x, t, lai_mask, loss),
        lambda: port.batch_loss(net, x, t, None, loss),
    ]
    for call in invalid_calls:
        with pytest.raises(ValueError, match=r"\(3, 1\)"):
            call()


@pytest.mark.parametrize("sampling", ["batches", "points"])
def test_alpha_is_the_fraction_that_gets_the_lai_loss(sampling: str) -> None:
    generator = torch.Generator().manual_seed(0)
    fractions = []
    for _ in range(300):
        batches = port.lai_batches(103, 10, 0.13, sampling, generator)
        rows = torch.cat([rows for rows, _ in batches])
        assert sorted(rows.tolist()) == list(range(103))
        assert [len(rows) for rows, _ in batches] == [10] * 10 + [3]
        masks = [mask for _, mask in batches if mask is not None]
        assert all(mask.any() for mask in masks)
        if sampling == "batches":
            assert all(mask.all() for mask in masks)
            assert len(masks) in (1, 2)  # 0.13 · 11 = 1.43
            fractions.append(len(masks) / 11)
        else:
            fractions.append(sum(int(mask.sum()) for mask in masks) / 103)
    assert abs(np.mean(fractions) - 0.13) < 4 * np.std(fractions) / np.sqrt(300)


def test_separate_samples_make_one_batch_of_their_own_after_the_others() -> None:
    generator = torch.Generator().manual_seed(0)
    drawn = []
    for _ in range(2):
        batches = port.lai_batches(53, 10, 0.2, "separate", generator)
        assert sorted(torch.cat([rows for rows, _ in batches]).tolist()) == list(range(53))
        # ⌈0.2 · 53⌉ = 11
        assert [len(rows) for rows, _ in batches] == [10, 10, 10, 10, 2, 11]
        assert all(mask is None for _, mask in batches[:-1])
        rows, mask = batches[-1]
        assert mask is not None and mask.all()
        drawn.append(set(rows.tolist()))
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize(
    ("n", "alpha", "sizes"),
    [
        (20, 0.0, [10, 10]),
        (20, 1.0, [20]),
        (100, 0.07, [*[10] * 9, 3, 7]),
        (30, 1e-9, [10, 10, 9, 1]),
    ],
)
def test_separate_samples_are_the_smallest_count_not_below_alpha(
    n: int, alpha: float, sizes: list[int]
) -> None:
    batches = port.lai_batches(n, 10, alpha, "separate")
    assert [len(rows) for rows, _ in batches] == sizes
    assert [mask is not None for _, mask in batches] == [*[False] * (len(sizes) - 1), alpha > 0]


@pytest.mark.parametrize("sampling", ["batches", "points", "separate"])
def test_a_lai_epoch_takes_the_samples_in_the_order_of_a_plain_one(sampling: str) -> None:
    def order(alpha: float, sampling: str) -> list[int]:
        generator = torch.Generator().manual_seed(0)
        batches = port.lai_batches(103, 10, alpha, sampling, generator)
        assert all(mask is None for _, mask in batches) == (alpha == 0)
        return [i for rows, _ in batches for i in rows.tolist()]

    assert order(0.0, "batches") == order(0.2, sampling) == order(1.0, sampling)


def test_an_unknown_sampling_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"sampling: expected 'batches', .*, got 'rows'"):
        port.lai_batches(9, 3, 0.5, "rows")


def test_a_batch_without_lai_samples_has_the_plain_loss() -> None:
    rng = np.random.default_rng(0)
    net = network([2, 3, 1], "tanh", rng.standard_normal(13))
    x, t = torch.tensor(rng.standard_normal((5, 2))), torch.tensor(rng.standard_normal(5))
    none, loss = torch.zeros(5, dtype=torch.bool), port.LaiLoss()
    for order in (1, 2):
        plain = port.batch_loss(net, x, t, None, loss, order)
        torch.testing.assert_close(plain, ((net(x) - t).abs() ** order).mean())
        torch.testing.assert_close(plain, port.batch_loss(net, x, t, none, loss, order))


def test_the_file_can_be_copied_alone() -> None:
    source = inspect.getsource(port)
    assert "lai_ref" not in source and "from ." not in source
