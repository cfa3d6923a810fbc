"""Lai Training in the port to PyTorch: the batches, and the loss of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tutorials.ports import torch_lai as port  # noqa: E402
from tutorials.ports import torch_lai_training as training  # noqa: E402
from tutorials.ports.torch_backend import network  # noqa: E402


@pytest.mark.parametrize("sampling", ["batches", "points"])
def test_alpha_is_the_fraction_that_gets_the_lai_loss(sampling: str) -> None:
    generator = torch.Generator().manual_seed(0)
    fractions = []
    for _ in range(300):
        batches = training.lai_batches(103, 10, 0.13, sampling, generator)
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
        batches = training.lai_batches(53, 10, 0.2, "separate", generator)
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
    batches = training.lai_batches(n, 10, alpha, "separate")
    assert [len(rows) for rows, _ in batches] == sizes
    assert [mask is not None for _, mask in batches] == [*[False] * (len(sizes) - 1), alpha > 0]


@pytest.mark.parametrize("sampling", ["batches", "points", "separate"])
def test_a_lai_epoch_takes_the_samples_in_the_order_of_a_plain_one(sampling: str) -> None:
    def order(alpha: float, sampling: str) -> list[int]:
        generator = torch.Generator().manual_seed(0)
        batches = training.lai_batches(103, 10, alpha, sampling, generator)
        assert all(mask is None for _, mask in batches) == (alpha == 0)
        return [i for rows, _ in batches for i in rows.tolist()]

    assert order(0.0, "batches") == order(0.2, sampling) == order(1.0, sampling)


def test_an_unknown_sampling_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"sampling: expected 'batches', .*, got 'rows'"):
        training.lai_batches(9, 3, 0.5, "rows")


def test_a_batch_without_lai_samples_has_the_plain_loss() -> None:
    rng = np.random.default_rng(0)
    net = network([2, 3, 1], "tanh", rng.standard_normal(13))
    x, t = torch.tensor(rng.standard_normal((5, 2))), torch.tensor(rng.standard_normal(5))
    none, loss = torch.zeros(5, dtype=torch.bool), port.LaiLoss()
    for order in (1, 2):
        plain = training.batch_loss(net, x, t, None, loss, order)
        torch.testing.assert_close(plain, ((net(x) - t).abs() ** order).mean())
        torch.testing.assert_close(plain, training.batch_loss(net, x, t, none, loss, order))


@pytest.mark.parametrize("alpha", [50, -1.0, float("nan")])
def test_a_fraction_outside_0_to_1_is_rejected(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha: expected a fraction from 0 to 1"):
        training.lai_batches(9, 3, alpha)


def test_the_plain_loss_has_the_order_of_the_lai_loss() -> None:
    x, t = torch.ones(3, 2), torch.tensor([1.0, 2.0, 4.0])
    for order, expected in ((1, 7 / 3), (2, 7.0)):
        value = training.batch_loss(lambda x: 0 * x[:, 0], x, t, None, port.LaiLoss(order=order))
        torch.testing.assert_close(value.item(), expected)
    value = training.batch_loss(lambda x: 0 * x[:, 0], x, t, None, port.LaiLoss(order=1), order=2)
    torch.testing.assert_close(value.item(), 7.0)
