"""The inputs of the follow-up questions: a few samples, away from every kink."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from lai_ref.mlp import MLP

Inputs: TypeAlias = dict[str, Any]

# p, reduction, ρ
LOSSES = ((1, "batch", 0.0), (2, "batch", 1.0), (2, "sample", 0.0), (1, "sample", 0.5))
Y, T = [1.5, -0.75, 0.5], [0.25, 0.5, -0.375]
K = [[0.75, -1.0], [-0.1875, 2.5], [1.25, 0.5]]
LAM = [0.375, 2.25]
# activation, hidden widths
NETWORKS = (
    ("tanh", (3, 2)),
    ("relu", (3,)),
    ("softplus", (3,)),
    ("silu", (2, 3)),
    ("identity", ()),
)
X = [[0.5, -1.25], [1.0, 0.75], [-0.625, 0.375]]


def factor_probe(p: int, lam: float) -> Inputs:
    """Numbers k on both sides of the kink, of both signs."""
    k = np.array([0.375, 1.25, 3.0, 0.625])
    return {"k": [*k.tolist(), *(-k).tolist()], "lam": lam, "order": p}


def loss_probe(p: int, reduction: str, rho: float) -> Inputs:
    """Three samples of two features, with one λ per feature."""
    loss = {"order": p, "l1_ratio": rho, "reduction": reduction, "lam": list(LAM)}
    return {"y": list(Y), "t": list(T), "k": [list(row) for row in K], **loss}


def network_probe(activation: str, hidden: tuple[int, ...], loss: Any = None) -> Inputs:
    """A network with random parameters, and a batch of three samples."""
    sizes = [2, *hidden, 1]
    n = MLP(sizes, activation).n_params
    theta = np.random.default_rng(n).integers(-96, 97, n) / 64 + 1 / 128
    net = {"sizes": sizes, "activation": activation, "theta": theta.tolist(), "x": X}
    if loss is None:
        return net
    if loss == "plain":
        return net | {"t": T, "loss": {"name": "plain", "order": 2}}
    p, reduction, rho = loss
    settings = {"order": p, "lam": list(LAM), "l1_ratio": rho, "reduction": reduction}
    return net | {"t": T, "loss": {"name": "lai", **settings}}
