"""The program of each worker of tutorial 10: gradients and Lai Training with 1, 2 and 4 workers.

torchrun --nproc-per-node 4 -m ports.torch_train task.npz results.npz  # in the folder `tutorials`
"""

import sys
from functools import partial

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from lai_ref import oracle

from .torch_backend import flat, network
from .torch_check import check_samples_independent
from .torch_lai import LaiLoss, mean_over_samples
from .torch_workers import lai_epoch, mean_over_workers
from .torch_workers_backend import PATIENCE, WorkersBackend


def train(task, mean, group):
    """Train with DDP on the workers of `group`; returns θ after each epoch, (epochs, P)."""
    net = network(task["sizes"], "tanh", task["theta"])
    check_samples_independent(net, torch.tensor(task["x"][:8]))
    ddp = DistributedDataParallel(net, process_group=group)
    loss = LaiLoss(task["lam"].item(), mean=mean)
    optimizer, thetas = torch.optim.Adam(net.parameters(), task["lr"].item()), []
    x, t, *epochs = (torch.tensor(task[name]) for name in ("x", "t", "rows", "lai_mask"))
    for batches in zip(*epochs, strict=True):  # (batches, n) rows, and masks
        lai_epoch(ddp, x, t, loss, optimizer, list(zip(*batches, strict=True)))
        thetas.append(flat(net.parameters()))
    return np.array(thetas)


def main(task_file, results_file):
    task, results = dict(np.load(task_file)), {}
    backend = WorkersBackend()
    batch = {"theta": task["theta"], "x": task["x"][task["batch"]], "t": task["t"][task["batch"]]}
    batch |= {"sizes": task["sizes"].tolist(), "activation": "tanh"}
    batch["loss"] = {"name": "lai", "lam": task["lam"].item(), "order": 2}
    for W in (1, 2, 4):
        shards = np.split(np.arange(len(batch["x"])), task[f"cuts_{W}"])
        results[f"grad_{W}"] = backend.sharded_gradient(**batch, shards=shards)[1]
        group = backend.groups[W]
        if dist.get_rank() < W:
            mean = partial(mean_over_workers, group=group)
            results[f"all_{W}"] = train(task, mean, group)
            # for comparison: each worker has the loss of its own samples
            results[f"own_{W}"] = train(task, mean_over_samples, group)
    report = oracle.check(backend, groups=["sharded"])
    results["report"] = f"{report.summary()}, {report.counts()}"
    if dist.get_rank() == 0:
        np.savez(results_file, **results)


if __name__ == "__main__":
    dist.init_process_group("gloo", timeout=PATIENCE)
    main(*sys.argv[1:])
    dist.destroy_process_group()
