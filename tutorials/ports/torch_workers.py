"""The Lai loss of a batch that is spread over processes, with DistributedDataParallel.

The loss is a function of means over all samples. So each worker adds its samples to the means of
all, computes the same loss from them, and differentiates it by what its own samples have added; DDP
puts the workers' gradients together. Copy this file into your project, beside `torch_lai.py` and
`torch_lai_training.py`.

    ddp = DistributedDataParallel(model)
    loss = LaiLoss(lam=0.1, mean=mean_over_workers)
    for epoch in range(epochs):
        batches = lai_batches(len(x), 64, alpha, generator=generator)  # of one seed on all workers
        lai_epoch(ddp, x, t, loss, optimizer, batches)
        atomic_save(path, {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
"""

import os

import torch
import torch.distributed as dist

from .torch_lai_training import batch_loss


class SumOverWorkers(torch.autograd.Function):
    """The sum of a (…) over the workers; that of the gradients, too, so it has all derivatives.

    The loss of all workers is differentiated, W times the one loss that each computes. DDP averages
    the gradients of the W workers, which leaves the gradient of the one.
    """

    @staticmethod
    def forward(ctx, a, group):
        ctx.group = group
        total = a.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx, d_total):
        return SumOverWorkers.apply(d_total, ctx.group), None


def mean_over_workers(a, group=None):
    """The mean of a (n, …) over the samples of all workers; n may differ from one to another."""
    local_sums = torch.cat([a.sum(dim=0).reshape(-1), a.new_tensor([len(a)])])
    global_sums = SumOverWorkers.apply(local_sums, group)
    return (global_sums[:-1] / global_sums[-1].detach()).reshape(a.shape[1:])


def lai_epoch(ddp, x, t, loss, optimizer, batches):
    """A step for each of the batches, which are the same on all workers; each takes its rows.

    `ddp` is a DistributedDataParallel, and `loss` has the mean over its workers.
    """
    if ddp.static_graph:
        raise ValueError("ddp: expected static_graph=False; with True gradients are wrong")
    rank, workers = (of(ddp.process_group) for of in (dist.get_rank, dist.get_world_size))
    for rows, lai_mask in batches:
        shard = rows.tensor_split(workers)[rank]
        shard_mask = None if lai_mask is None else lai_mask.tensor_split(workers)[rank]
        optimizer.zero_grad()
        batch_loss(ddp, x[shard], t[shard], shard_mask, loss).backward()
        optimizer.step()


def atomic_save(path, state):
    """Save `state` to `path` by rank 0: `path` is replaced at once or, after a crash, unchanged."""
    if dist.get_rank() == 0:
        torch.save(state, f"{path}.part")
        os.replace(f"{path}.part", path)
