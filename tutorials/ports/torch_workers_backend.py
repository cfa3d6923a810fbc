"""Adapter to the oracle for data parallel PyTorch: all workers run each case, with a shard each.

torchrun --nproc-per-node 3 -m ports.torch_workers_backend float64  # in the folder `tutorials`
"""

import sys
from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from lai_ref import oracle
from lai_ref.support.terminal import replace_unprintable

from .torch_backend import flat, loss_of, network
from .torch_lai_training import batch_loss
from .torch_workers import mean_over_workers

PATIENCE = timedelta(seconds=30)  # for a worker that hangs; one that died is noticed earlier


class WorkersBackend:
    def __init__(self):
        workers = dist.get_world_size()
        self.groups = {n: dist.new_group(range(n)) for n in range(1, workers + 1)}

    def sharded_gradient(self, *, sizes, activation, theta, x, t, loss, shards):
        rank, group = dist.get_rank(), self.groups[len(shards)]
        answer = [None]
        if rank < len(shards):
            net, (lai, p) = network(sizes, activation, theta), loss_of(**loss)
            lai.mean = partial(mean_over_workers, group=group)
            x, t = (torch.tensor(a[shards[rank]]) for a in (x, t))
            lai_mask = torch.ones(len(t), dtype=torch.bool) if loss["name"] == "lai" else None
            ddp = DistributedDataParallel(net, process_group=group)
            value = batch_loss(ddp, x, t, lai_mask, lai, p)
            value.backward()
            answer = [(value.item(), flat(part.grad for part in net.parameters()))]
        dist.broadcast_object_list(answer)
        return answer[0]


if __name__ == "__main__":
    replace_unprintable()
    dist.init_process_group("gloo", timeout=PATIENCE)
    report = oracle.check(WorkersBackend(), sys.argv[1], groups=["sharded"])
    if dist.get_rank() == 0:
        print(report)
    dist.destroy_process_group()
    sys.exit(not report)
