"""Interleaved timing, A B C A B C …, so that ratios are taken within a round."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from lai_ref import MLP, Array, Epoch, Loss, lai_training

BATCH = 64  # batch size of Table 1's epochs
Clock = Callable[[], float]  # seconds
Key = TypeVar("Key")


def round_robin(
    turns: Mapping[Key, Callable[[], object]], rounds: int, clock: Clock, seconds: float = 0.0
) -> dict[Key, Array]:
    """The seconds of each turn, (rounds,), with further rounds until `seconds` have passed.

    The first round is slower and is not counted.
    """

    def one_round() -> list[float]:
        times = []
        for run in turns.values():
            began = clock()
            run()
            times.append(clock() - began)
        return times

    one_round()
    times: list[list[float]] = []
    end = time.perf_counter() + seconds
    while len(times) < rounds or time.perf_counter() < end:
        times.append(one_round())
    return dict(zip(turns, np.array(times).T, strict=True))


def quartiles(ratios: Array) -> dict[str, float]:
    """Median and quartiles."""
    low, median, high = np.quantile(ratios, (0.25, 0.5, 0.75)).tolist()
    return {"median": median, "low": low, "high": high}


def lai_epochs(
    net: MLP,
    x: Array,
    t: Array,
    loss: Loss,
    alpha: float,
    sampling: str,
    epochs: int,
    batch_size: int = BATCH,
) -> Iterator[Epoch]:
    """Lai Training without pretraining, epoch by epoch."""
    return lai_training(
        net,
        x,
        t,
        loss=loss,
        alpha=alpha,
        sampling=sampling,
        pretrain_epochs=0,
        lai_epochs=epochs,
        batch_size=batch_size,
        rng=np.random.default_rng(0),
    )


def random_task(
    sizes: Sequence[int], activation: str, n: int, dtype: str
) -> tuple[MLP, Array, Array, Array]:
    """A network and θ, and random inputs and targets of n samples."""
    rng = np.random.default_rng(0)
    net = MLP(sizes, activation)
    x = rng.standard_normal((n, net.sizes[0])).astype(dtype)
    t = rng.standard_normal((n,)).astype(dtype)
    return net, net.init(rng, dtype), x, t
