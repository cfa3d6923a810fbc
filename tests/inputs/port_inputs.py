"""Additional cases in which mutants fail in groups where no published case fails.

They have no expected answers: a mutant's answer is compared with that of the correct port.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lai_ref.oracle.case import Case

LINE = {"sizes": [2, 1], "activation": "identity", "x": [[1.0, 2.0], [-2.0, 1.0], [0.5, 4.0]]}
FAR = {"sizes": [2, 1, 1], "activation": "softplus", "x": LINE["x"]}
LARGE = {"sizes": [1, 1, 1], "activation": "softplus", "x": [[2.0], [5.0]]}
BESIDE_KINK = [0.5 + 2.0**-21, 0.75, 1.0]  # k_1² is a millionth above λ = ¼
CONSTANTS = {"lr": 0.015625, "beta1": 0.875, "beta2": 0.984375, "eps": 2.0**-27}


def extra_cases() -> Iterator[Case]:
    """All of them."""
    beside = {**LINE, "theta": BESIDE_KINK, "t": [1.0, 1.0, 4.0], "loss": lai(0.25, 2)}
    steep = {**LINE, "theta": [2.0**83, -(2.0**66), 1.0], "t": [1.0, 1.0, 4.0], "loss": lai(0.5, 1)}
    far = {**FAR, "theta": [900.0, 800.0, 1.0, 2.0**-10, 1.0], "t": [1.0, 1.0, 4.0]}
    large = {**LARGE, "theta": [1.0, 20.0, 1.5, 0.5], "t": [34.0, 37.0]}
    for about, inputs in (("beside-kink", beside), ("steep", steep)):
        yield case("param_gradient", about, inputs)
        yield case("sharded", about, {**inputs, "shards": [[2], [0, 1]]})
    yield case("sharded", "far-z", {**far, "loss": lai(0.125, 2), "shards": [[2], [0, 1]]})
    yield case("sharded", "large-z", {**large, "loss": lai(0.25, 2), "shards": [[0], [1]]})

    line = {**LINE, "theta": [0.5, 0.75, 1.0]}
    tiny = {**LINE, "theta": [2.0**-83, 2.0**-81, 2.0**-83], "t": [0.0, 0.0, 0.0]}
    for about, inputs in (
        ("beside-kink", beside),
        ("zero-e", {**line, "t": [3.0, 1.0, 4.0], "loss": lai(0.125, 1)}),
        ("zero-vector", {**line, "t": [3.0, 0.75, 4.25], "loss": lai(0.125, 2)}),
        ("tiny-e", {**tiny, "loss": lai(0.125, 1)}),
        ("far-z", {**far, "loss": lai(0.125, 2)}),
        ("deep-silu", deep_silu()),
    ):
        zeros = [0.0] * len(inputs["theta"])
        state = {"m": zeros, "v": zeros, "step": 0, "plain": 2, **CONSTANTS}
        batches = [{"rows": rows, "lai_rows": rows} for rows in ([0, 1], [2], [0, 1, 2])]
        yield case("train", about, {**inputs, **state, "batches": batches})


def case(group: str, about: str, inputs: dict[str, Any]) -> Case:
    """A case without an answer."""
    return Case(f"{group}/{about}", group, about, inputs, None, None, {})


def lai(lam: float, order: int) -> dict[str, Any]:
    """The Lai loss, L2, of the batch."""
    return {"name": "lai", "lam": lam, "order": order, "l1_ratio": 0.0, "reduction": "batch"}


def deep_silu() -> dict[str, Any]:
    """Three samples in a network whose hidden layers are square."""
    rng = np.random.default_rng(4)
    theta, x, t = (rng.integers(-96, 97, n) / 64 for n in (25, (3, 2), 3))
    net = {"sizes": [2, 3, 3, 1], "activation": "silu", "theta": theta.tolist(), "x": x.tolist()}
    return {**net, "t": t.tolist(), "loss": lai(3.0, 1)}
