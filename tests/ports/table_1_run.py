"""A run of Table 1 with the port to PyTorch, from the θ of `lai_ref` and on its batches.

    python -m tests.ports.table_1_run float64

trains λ = 0.01 in full, on synthetic data, and prints the relative difference of the two validation
curves. In float64 the first 20 epochs agree except for the last bits. The two programs sum in
different orders, and the rounding difference grows by a factor of about 1.5 per epoch. It exceeds
1e-12 of the RMSE in epoch 73 and 1e-9 in epoch 96 of the 100 epochs of pretraining. The Lai loss
then changes θ a lot, and its derivative jumps at the kink: in its first three epochs the difference
grows to 1%. After that the two runs differ as two random seeds do: by 0.7% at the end.
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
    """Validation RMSE per epoch, of `lai_ref` and of the port, and the largest difference of θ."""
    import torch  # not at the top: pytest imports this file (doctest) on any machine

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
