"""The Lai loss in data parallel training, with DistributedDataParallel (DDP).

The loss is a function of means over all samples of the batch. Each worker sums the terms of its own
samples; an all-reduce adds these sums. So all workers compute the same loss, that of the whole
batch. In the backward pass each worker computes the gradient through its own samples, and DDP
combines these gradients.

Copy this file into your project, beside `torch_lai.py` and `torch_lai_training.py`.

    ddp = DistributedDataParallel(model)
    loss = LaiLoss(lam=0.1, mean=mean_over_workers)
    for epoch in range(epochs):
        batches = lai_batches(len(x), 64, alpha, generator=generator)  # same seed on all workers
        lai_epoch(ddp, x, t, loss, optimizer, batches)
        atomic_save(path, {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
"""

import os

import torch
import torch.distributed as dist

from .torch_lai_training import batch_loss


class SumOverWorkers(torch.autograd.Function):
    """Differentiable all-reduce: the sum of a (…) over the W workers.

    The backward pass all-reduces too, so derivatives of any order exist. All workers compute the
    same loss L, so each worker gets W ∂L/∂a in place of ∂L/∂a. DDP averages the parameter gradients
    of the workers; its 1/W cancels the W, and the result is ∂L/∂θ.
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
    """The mean of a (n, …) over the samples of all workers; n may differ between workers."""
    local_sums = torch.cat([a.sum(dim=0).reshape(-1), a.new_tensor([len(a)])])
    global_sums = SumOverWorkers.apply(local_sums, group)
    return (global_sums[:-1] / global_sums[-1].detach()).reshape(a.shape[1:])


def lai_epoch(ddp, x, t, loss, optimizer, batches):
    """One optimizer step per batch; each worker takes its shard of the batch.

    `ddp` is a DistributedDataParallel, and `loss` has `mean=mean_over_workers` over its workers.
    `batches` are the same on all workers.
    """
    if ddp.static_graph:
        raise ValueError("ddp: expected static_graph=False, got True; gradients would be wrong")
    rank, workers = (of(ddp.process_group) for of in (dist.get_rank, dist.get_world_size))
    for rows, lai_mask in batches:
        shard = rows.tensor_split(workers)[rank]
        shard_mask = None if lai_mask is None else lai_mask.tensor_split(workers)[rank]
        optimizer.zero_grad()
        batch_loss(ddp, x[shard], t[shard], shard_mask, loss).backward()
        optimizer.step()


def atomic_save(path, state):
    """Save `state` to `path` on rank 0; after a crash the file is completely new or unchanged."""
    if dist.get_rank() == 0:
        torch.save(state, f"{path}.part")
        os.replace(f"{path}.part", path)
