"""An arm of Table 1 trained by the port to PyTorch, from the reference's θ, on its batches."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from lai_ref import MLP, Adam, Array, Lai, lai_training, load_california, prepare, rmse
from lai_ref.train import _draw

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tutorials.ports.torch_backend import flat, network  # noqa: E402
from tutorials.ports.torch_lai import LaiLoss, batch_loss  # noqa: E402

NET, LAM, ALPHA, BATCH = MLP((8, 64, 32, 1), "tanh"), 0.01, 0.01, 64


def two_curves(rows: int | None, epochs: int, dtype: str) -> tuple[Array, Array, Array]:
    """Validation RMSE after each epoch: the reference's, the port's; and how far θ is apart."""
    data, rng = load_california(), np.random.default_rng(0)
    task = prepare(data._replace(x=data.x[:rows], t=data.t[:rows]), rng, dtype=dtype)
    same = copy.deepcopy(rng)
    run = lai_training(
        NET,
        task.x,
        task.t,
        loss=Lai(LAM),
        alpha=ALPHA,
        sampling="points",
        pretrain_epochs=epochs,
        lai_epochs=epochs,
        batch_size=BATCH,
        optimizer=Adam(),
        rng=rng,
        validation=(task.xv, task.tv),
    )
    net = network(NET.sizes, NET.activation, NET.init(same, task.x.dtype))
    optimizer, loss = torch.optim.Adam(net.parameters()), LaiLoss(LAM)
    x, t, xv = map(torch.tensor, (task.x, task.t, task.xv))
    curves, apart = [], []
    for epoch in run:
        share = ALPHA if epoch.phase == "lai" else 0.0
        for batch, mask in _draw(same, len(x), BATCH, share, "points")[0]:
            lai_rows = torch.tensor(mask) if mask.any() else None
            optimizer.zero_grad()
            batch_loss(net, x[batch], t[batch], lai_rows, loss).backward()
            optimizer.step()
        with torch.no_grad():
            curves.append((epoch.rmse, rmse(net(xv).numpy(), task.tv)))
        apart.append(np.abs(flat(net.parameters()) - epoch.state.theta).max())
    return *np.array(curves).T, np.array(apart)


def test_in_double_precision_a_short_arm_is_the_references() -> None:
    reference, port, apart = two_curves(1000, 4, "float64")
    assert np.abs(port / reference - 1).max() < 1e-12
    assert apart.max() < 1e-12
    assert reference[3] < 0.9 * reference[0]  # something has been learnt
    assert abs(reference[-1] / reference[3] - 1) > 1e-3  # and the Lai epochs did something


def test_in_single_precision_a_short_arm_stays_close() -> None:
    reference, port, _ = two_curves(1000, 4, "float32")
    assert np.abs(port / reference - 1).max() < 1e-4
