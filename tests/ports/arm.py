"""An arm of Table 1 trained by the port to PyTorch, from the reference's θ and on its batches.

    python -m tests.ports.arm float64

trains λ = 0.01 in full, on the stand-in, and prints how far both validation curves are apart. In
float64 the first 20 epochs are the same but for the last bits. The two add in another order, and
what differs by that grows about 1.5 times in an epoch: 1e-12 of the RMSE is passed in epoch 73, of
100 of pretraining, and 1e-9 in 96. The Lai loss then moves θ far, and its derivative jumps at the
kink: in its first three epochs the difference grows to 1%. From there on they are two runs as alike
as any two seeds: 0.7% apart at the end.
"""

from __future__ import annotations

import copy
import sys

import numpy as np

from lai_ref import MLP, Adam, Array, Lai, lai_training, load_california, prepare, rmse
from lai_ref.train import _sample_batches

NET, LAM, ALPHA, BATCH = MLP((8, 64, 32, 1), "tanh"), 0.01, 0.01, 64


def two_curves(
    rows: int | None, epochs: int, dtype: str, sampling: str = "points"
) -> tuple[Array, Array, Array]:
    """Validation RMSE after each epoch: the reference's, the port's; and how far θ is apart."""
    import torch  # not at the top: pytest looks for examples in this file on any machine

    from tutorials.ports.torch_backend import flat, network
    from tutorials.ports.torch_lai import LaiLoss
    from tutorials.ports.torch_lai_training import batch_loss

    data, rng = load_california(), np.random.default_rng(0)
    task = prepare(data._replace(x=data.x[:rows], t=data.t[:rows]), rng, dtype=dtype)
    same = copy.deepcopy(rng)
    run = lai_training(
        NET,
        task.x,
        task.t,
        loss=Lai(LAM),
        alpha=ALPHA,
        sampling=sampling,
        pretrain_epochs=epochs,
        lai_epochs=epochs,
        batch_size=BATCH,
        optimizer=Adam(),
        rng=rng,
        validation=(task.x_val, task.t_val),
    )
    net = network(NET.sizes, NET.activation, NET.init(same, task.x.dtype))
    optimizer, loss = torch.optim.Adam(net.parameters()), LaiLoss(LAM)
    x, t, x_val = map(torch.tensor, (task.x, task.t, task.x_val))
    curves, theta_gap = [], []
    for epoch in run:
        alpha = ALPHA if epoch.phase == "lai" else 0.0
        perm, batches, mask, _ = _sample_batches(same, len(x), BATCH, alpha, sampling)
        for part in batches:
            lai_mask = torch.tensor(mask[part]) if mask[part].any() else None
            optimizer.zero_grad()
            batch_loss(net, x[perm[part]], t[perm[part]], lai_mask, loss).backward()
            optimizer.step()
        with torch.no_grad():
            curves.append((epoch.rmse, rmse(net(x_val).numpy(), task.t_val)))
        theta_gap.append(np.abs(flat(net.parameters()) - epoch.state.theta).max())
    return *np.array(curves).T, np.array(theta_gap)


if __name__ == "__main__":
    reference, port, theta_gap = two_curves(None, 100, sys.argv[1])
    print("epoch  reference       port  difference  of theta")
    for epoch in [1, 2, 5, *range(10, 100, 10), *range(100, 111), *range(120, 201, 20)]:
        expected, found, of_theta = reference[epoch - 1], port[epoch - 1], theta_gap[epoch - 1]
        difference = abs(found / expected - 1)
        print(f"{epoch:5}  {expected:9.6f}  {found:9.6f}  {difference:10.0e}  {of_theta:8.0e}")
