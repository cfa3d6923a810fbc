"""The time of steps and epochs with the Lai loss and with MSE, and of their matrix products."""

from __future__ import annotations

import sys
import time
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from figures.experiments.inputs import Job, Source
from figures.experiments.timing import lai_epochs, quartiles, random_task, round_robin
from lai_ref import MLP, Adam, Array, Lai, Loss, Plain, value_and_grad

ALPHAS, SAMPLINGS = (0.001, 0.01, 0.1, 1.0), ("batches", "separate", "points")
LOSS = Lai(0.1)
# time of this process alone, independent of the load; Windows measures it too coarsely
CLOCK = time.perf_counter if sys.platform == "win32" else time.process_time
Pairs = list[tuple[Array, Array]]


def time_steps(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Times and ratios of a baseline (MSE) step, a Lai step, and the matrix products of both."""
    net, theta, x, t = random_task(job["sizes"], job["activation"], job["n"], job["dtype"])
    optimizer = Adam()
    state = optimizer.init(theta)

    def step(loss: Loss) -> None:
        _, grad = value_and_grad(net, theta, x, t, loss)
        optimizer.step(theta, grad, state)

    def multiply(pairs: Pairs) -> None:
        for left, right in pairs:
            left @ right

    pairs, more = products(net, theta, job["n"])
    turns = {
        "plain": partial(step, Plain()),
        "lai": partial(step, LOSS),
        "products": partial(multiply, pairs),
        "more products": partial(multiply, more),
    }
    times = round_robin(turns, job["rounds"], CLOCK, job["seconds"])
    plain, lai = times["plain"], times["lai"]
    return {
        "plain seconds": float(np.median(plain)),
        "lai seconds": float(np.median(lai)),
        "lai / plain": quartiles(lai / plain),
        "plain / products": quartiles(plain / times["products"]),
        "lai / products": quartiles(lai / (times["products"] + times["more products"])),
        "operations": [operations(pairs), operations(pairs + more)],
    }


def time_epochs(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """An epoch of Lai Training, after pretraining, over a baseline epoch, by sampling and α."""
    net, _, x, t = random_task(job["sizes"], job["activation"], job["n"], job["dtype"])
    epochs, batch_size = job["rounds"] + 1, job["batch_size"]
    turns = {
        (s, alpha): partial(next, lai_epochs(net, x, t, LOSS, alpha, s, epochs, batch_size))
        for s, alpha in [("batches", 0.0), *product(SAMPLINGS, ALPHAS)]
    }
    times = round_robin(turns, job["rounds"], CLOCK)
    plain = times["batches", 0.0]
    return {
        "plain seconds": float(np.median(plain)),
        "ratios": {
            sampling: [quartiles(times[sampling, alpha] / plain) for alpha in ALPHAS]
            for sampling in SAMPLINGS
        },
    }


def products(net: MLP, theta: Array, n: int) -> tuple[Pairs, Pairs]:
    """The pairs of matrices that a baseline step multiplies, and those that a Lai step adds.

    Shapes, layout and dtype are those of `lai_ref.mlp`; a_l is used for every matrix of its shape.
    """
    rng = np.random.default_rng(0)
    W = [weights for weights, _ in net.unflatten(theta)]
    a = [rng.standard_normal((n, width)).astype(theta.dtype) for width in net.sizes]
    layers, hidden = range(len(W)), range(len(W) - 1)
    plain = [
        # forward: a_(l−1) W_l
        *((a[h], W[h]) for h in layers),
        # backward: W̄_l = a_(l−1)ᵀ z̄_l;  ā_(l−1) = z̄_l W_lᵀ, except for the first layer
        *((a[h].T, a[h + 1]) for h in layers),
        *((a[h + 1], W[h].T) for h in layers[1:]),
    ]
    more = [
        # input gradient: u_l W_lᵀ
        *((a[h + 1], W[h].T) for h in hidden),
        # its reverse: v̄_(l−1)ᵀ u_l;  v̄_(l−1) W_l
        *((a[h].T, a[h + 1]) for h in hidden),
        *((a[h], W[h]) for h in hidden),
    ]
    return plain, more


def operations(pairs: Pairs) -> int:
    """Multiplications and additions of the products: 2 · rows · inner · columns each."""
    return sum(2 * left.shape[0] * left.shape[1] * right.shape[1] for left, right in pairs)
