"""Random inputs of ordinary magnitude for every group, as keyword arguments of `Backend`."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

METHODS = {"adam": "adam_step", "sharded": "sharded_gradient"}  # the others have the group's name
ACTIVATIONS = ("identity", "relu", "tanh", "softplus", "silu")
LAMS = (0.3, 2.5, np.array([0.2, 1.5, 0.6]))  # D = 3
PLAIN = [{"name": "plain", "order": order} for order in (1, 2)]
LAI = [
    {"name": "lai", "lam": lam, "order": order, "l1_ratio": 0.3, "reduction": reduction}
    for lam, (order, reduction) in zip(
        (0.3, 1.5, LAMS[2], 0.5), product((1, 2), ("batch", "sample")), strict=True
    )
]


def ordinary_cases(group: str, dtype: str) -> list[dict[str, Any]]:
    """A few inputs of the group, always the same ones."""
    rng = np.random.default_rng(17)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(dtype)

    def network(activation: str = "tanh", n: int = 7) -> dict[str, Any]:
        sizes = [3, 4, 2, 1]
        theta, x = 0.8 * normal(29), normal(n, 3)
        return {"sizes": sizes, "activation": activation, "theta": theta, "x": x}

    if group == "factor":
        return [
            {"k": 2 * normal(9), "lam": lam, "order": order}
            for lam, order in product((0.3, 2.5), (1, 2))
        ]
    if group == "loss":
        cases = []
        for lam, order, reduction in product(LAMS, (1, 2), ("batch", "sample")):
            arrays = {"y": normal(6), "t": normal(6), "k": normal(6, 3)}
            if order == 2:
                arrays["y"][0] = arrays["t"][0]  # the norm of the zero vector for `sample`
            rest = {"lam": lam, "order": order, "l1_ratio": 0.3, "reduction": reduction}
            cases.append(arrays | rest)
        return cases
    if group == "input_gradient":
        return [network(activation) for activation in ACTIVATIONS]
    if group == "param_gradient":
        return [
            network(activation) | {"t": normal(7), "loss": loss}
            for activation, loss in zip(ACTIVATIONS * 2, [*PLAIN, *LAI, *LAI], strict=True)
        ]
    if group == "sharded":
        shards = [np.array([4, 0, 6]), np.array([2]), np.array([5, 1])]
        return [network() | {"t": normal(7), "loss": loss, "shards": shards} for loss in LAI[:2]]
    state = {"m": 0.1 * normal(29), "v": 0.1 + normal(29) ** 2}
    constants = {"lr": 0.05, "beta1": 0.9, "beta2": 0.99, "eps": 0.01}
    if group == "adam":
        arrays = {"theta": normal(29), "grad": normal(29)}
        return [arrays | state | constants | {"t": t} for t in (1, 20)]
    if group == "train":
        rows = [rng.permutation(7)[:4] for _ in range(4)]
        batches = [(part, part[:n]) for part, n in zip(rows, (0, 4, 2, 1), strict=True)]
        batches = [(part, np.sort(lai_rows)) for part, lai_rows in batches]
        rest = {"t": normal(7), "plain": 2, "loss": LAI[2], "step": 3, "batches": batches}
        return [network() | state | constants | rest]
    raise ValueError(f"group: got {group!r}")
