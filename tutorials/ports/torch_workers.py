"""The Lai loss of a batch that is spread over processes, with DistributedDataParallel.

    torchrun --nproc-per-node 3 -m ports.torch_workers float64  # the oracle's group `sharded`

The loss is a function of means over all samples. So each worker adds its samples to the means of
all, computes the same loss from them, and differentiates it by what its own samples have added; DDP
puts the workers' gradients together.
"""

import os
import sys
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from lai_ref import oracle

from .torch_backend import flat, loss_of, network
from .torch_lai import batch_loss

PATIENCE = timedelta(seconds=30)  # for the others; a worker that is gone ends the run at once


def mean_over_workers(a, group=None):
    """The mean of a (n, …) over the samples of all workers; n may differ from one to another.

    DDP averages the gradients of W workers where this loss asks for their sum: hence the W.
    """
    mine = torch.cat([a.sum(dim=0).reshape(-1), a.new_tensor([len(a)])])
    everyones = mine.detach().clone()
    dist.all_reduce(everyones, group=group)
    # the value is everyone's, the derivative W times that of this worker's own part
    total = everyones + dist.get_world_size(group) * (mine - mine.detach())
    return (total[:-1] / everyones[-1]).reshape(a.shape[1:])


def lai_epoch(ddp, x, t, loss, optimizer, batches):
    """A step for each of the batches, which are the same on all workers; each takes its rows.

    `ddp` is a DistributedDataParallel, and `loss` has the mean over all workers.
    """
    rank, workers = dist.get_rank(), dist.get_world_size()
    for rows, lai_rows in batches:
        mine = rows.tensor_split(workers)[rank]
        lai_mine = None if lai_rows is None else lai_rows.tensor_split(workers)[rank]
        optimizer.zero_grad()
        batch_loss(ddp, x[mine], t[mine], lai_mine, loss).backward()
        optimizer.step()


def save_whole(path, state):
    """Write `state` to `path`, which is replaced in one moment or not at all; by one worker."""
    if dist.get_rank() == 0:
        torch.save(state, f"{path}.part")
        os.replace(f"{path}.part", path)


class WorkersBackend:
    """Run by all workers at once, each of which has one shard; all have the same answer."""

    def __init__(self):
        workers = dist.get_world_size()
        self.groups = {n: dist.new_group(range(n)) for n in range(1, workers + 1)}

    def sharded_gradient(self, *, sizes, activation, theta, x, t, loss, shards):
        rank, group = dist.get_rank(), self.groups[len(shards)]
        answer = [None]
        if rank < len(shards):
            net, (lai, p) = network(sizes, activation, theta), loss_of(**loss)
            lai.mean = lambda a: mean_over_workers(a, group)
            x, t = (torch.tensor(a[shards[rank]]) for a in (x, t))
            rows = torch.ones(len(t), dtype=torch.bool) if loss["name"] == "lai" else None
            ddp = DistributedDataParallel(net, process_group=group)
            value = batch_loss(ddp, x, t, rows, lai, p)
            value.backward()
            answer = [(value.item(), flat(part.grad for part in net.parameters()))]
        dist.broadcast_object_list(answer)
        return answer[0]


if __name__ == "__main__":
    dist.init_process_group("gloo", timeout=PATIENCE)
    report = oracle.check(WorkersBackend(), sys.argv[1], groups=["sharded"])
    if dist.get_rank() == 0:
        print(report)
    dist.destroy_process_group()
    sys.exit(not report)
