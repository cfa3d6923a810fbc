"""Lai Training in the port to JAX: the batches, and the loss of a batch."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

jax: Any = pytest.importorskip("jax", reason="the port to JAX needs jax")
from tutorials.ports import jax_lai as port  # noqa: E402
from tutorials.ports import jax_lai_training as training  # noqa: E402
from tutorials.ports.jax_backend import network  # noqa: E402

pytestmark = pytest.mark.usefixtures("jax_in_double_precision")


@pytest.mark.parametrize("sampling", ["batches", "points"])
def test_alpha_is_the_fraction_that_gets_the_lai_loss(sampling: str) -> None:
    rng, fractions = np.random.default_rng(0), []
    for _ in range(300):
        batches = training.lai_batches(rng, 103, 10, 0.13, sampling)
        assert sorted(np.concatenate([rows for rows, _ in batches])) == list(range(103))
        assert [len(rows) for rows, _ in batches] == [10] * 10 + [3]
        masks = [mask for _, mask in batches if mask is not None]
        assert all(mask.any() for mask in masks)
        if sampling == "batches":
            assert all(mask.all() for mask in masks)
            assert len(masks) in (1, 2)  # 0.13 · 11 = 1.43
            fractions.append(len(masks) / 11)
        else:
            fractions.append(sum(mask.sum() for mask in masks) / 103)
    assert abs(np.mean(fractions) - 0.13) < 4 * np.std(fractions) / np.sqrt(300)


def test_separate_samples_make_one_batch_of_their_own_after_the_others() -> None:
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(2):
        batches = training.lai_batches(rng, 53, 10, 0.2, "separate")
        assert sorted(np.concatenate([rows for rows, _ in batches]).tolist()) == list(range(53))
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
    rng = np.random.default_rng(0)
    batches = training.lai_batches(rng, n, 10, alpha, "separate")
    assert [len(rows) for rows, _ in batches] == sizes
    assert [mask is not None for _, mask in batches] == [*[False] * (len(sizes) - 1), alpha > 0]


@pytest.mark.parametrize("sampling", ["batches", "points", "separate"])
def test_a_lai_epoch_takes_the_samples_in_the_order_of_a_plain_one(sampling: str) -> None:
    def order(alpha: float, sampling: str) -> list[int]:
        rng = np.random.default_rng(0)
        batches = training.lai_batches(rng, 103, 10, alpha, sampling)
        assert all(mask is None for _, mask in batches) == (alpha == 0)
        return [i for rows, _ in batches for i in rows.tolist()]

    assert order(0.0, "batches") == order(0.2, sampling) == order(1.0, sampling)


def test_an_unknown_sampling_is_rejected() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"sampling: expected 'batches', .*, got 'rows'"):
        training.lai_batches(rng, 9, 3, 0.5, "rows")


def test_a_batch_without_lai_samples_has_the_plain_loss() -> None:
    rng = np.random.default_rng(0)
    theta, x, t = rng.standard_normal(13), rng.standard_normal((5, 2)), rng.standard_normal(5)
    f = partial(network, (2, 3, 1), "tanh")
    y = np.array([f(theta, x_i) for x_i in x])
    for order in (1, 2):
        of = partial(training.batch_loss, f, theta, x, t, loss=port.lai_loss, order=order)
        np.testing.assert_allclose(of(None), np.mean(np.abs(y - t) ** order), rtol=1e-14)
        np.testing.assert_allclose(of(np.zeros(5, bool)), of(None), rtol=1e-14)


@pytest.mark.parametrize("alpha", [50, -1.0, float("nan")])
def test_a_fraction_outside_0_to_1_is_rejected(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha: expected a fraction from 0 to 1"):
        training.lai_batches(np.random.default_rng(0), 9, 3, alpha)
