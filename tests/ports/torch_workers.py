"""The program of each worker in test_torch_workers.py: oracle, gradients, Hessian."""

import os
import sys
from functools import partial

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from tests.ports.sharding import answers, reports, write
from tutorials.ports.torch_backend import flat, network
from tutorials.ports.torch_lai import LaiLoss
from tutorials.ports.torch_lai_training import batch_loss
from tutorials.ports.torch_workers import SumOverWorkers, lai_epoch, mean_over_workers
from tutorials.ports.torch_workers_backend import PATIENCE, WorkersBackend

SIZES, N, WORKERS = (3, 4, 1), 9, 3
# the last batch is too short for three workers; one has no mask
MASKS = [[True, False, False, True], [False] * 3, [False, True]]


def data() -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    draw = partial(torch.rand, dtype=torch.float64, generator=generator)
    return draw(3 * 4 + 4 + 4 + 1), 4 * draw(N, 3) - 2, 4 * draw(N) - 2


def batches() -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    rows = torch.arange(N).split([len(mask) for mask in MASKS])
    masks = [torch.tensor(mask) if any(mask) else None for mask in MASKS]
    return list(zip(rows, masks, strict=True))


def gradients() -> list[list[float]]:
    """The gradient of each batch, measured as an SGD step with learning rate 1 from the same θ."""
    theta, x, t = data()
    found = []
    for batch in batches():
        net = network(SIZES, "tanh", theta)
        loss, optimizer = LaiLoss(0.1, mean=mean_over_workers), torch.optim.SGD(net.parameters(), 1)
        lai_epoch(DistributedDataParallel(net), x, t, loss, optimizer, [batch])
        found.append((theta.numpy() - flat(net.parameters())).tolist())
    return found


def hessian_times_gradient() -> list[float]:
    """H g (P,) of the loss of all samples, differentiated through the all-reduce."""
    theta, x, t = data()
    net, rank = network(SIZES, "tanh", theta), dist.get_rank()
    x, t = x.tensor_split(WORKERS)[rank], t.tensor_split(WORKERS)[rank]
    loss = LaiLoss(0.1, mean=mean_over_workers)
    value = batch_loss(net, x, t, torch.ones(len(t), dtype=torch.bool), loss)
    own = torch.autograd.grad(value, list(net.parameters()), create_graph=True)
    of_all = sum((SumOverWorkers.apply(part, None) ** 2).sum() for part in own) / WORKERS**2
    # ∂(g · g)/∂θ = 2 H g
    twice = torch.autograd.grad(of_all, list(net.parameters()))
    total = SumOverWorkers.apply(torch.tensor(flat(twice)), None) / WORKERS / 2
    return list(total.tolist())


if __name__ == "__main__":
    dist.init_process_group("gloo", timeout=PATIENCE)
    backend = WorkersBackend()
    found = {
        "reports": reports(backend),
        "answers": answers(backend.sharded_gradient),
        "epoch": gradients(),
        "hessian times gradient": hessian_times_gradient(),
    }
    if dist.get_rank() == 0:
        write(sys.argv[1], found)
    dist.destroy_process_group()
    # skip the C++ destructors: on a busy machine they sometimes abort after all work is done
    os._exit(0)
