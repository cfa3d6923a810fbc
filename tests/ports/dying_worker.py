"""A worker program of Lai Training; one worker, the victim, is killed in the middle of an epoch."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from tutorials.ports.torch_lai import LaiLoss
from tutorials.ports.torch_lai_training import lai_batches
from tutorials.ports.torch_workers import atomic_save, lai_epoch, mean_over_workers
from tutorials.ports.torch_workers_backend import PATIENCE

FATAL = 3  # the epoch in which the victim is killed


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1), torch.nn.Flatten(0)
    return torch.nn.Sequential(*layers).double()


def data() -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(30, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return x, x.prod(dim=1)


def batches(epoch: int) -> list[Any]:
    generator = torch.Generator().manual_seed(epoch)
    return lai_batches(30, 10, 0.5, "points", generator)  # type: ignore[no-any-return]


class KilledWithin:
    """`mean_over_workers` that kills its worker in the third call, while the others wait."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, 0

    def __call__(self, a: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == 3:
            time.sleep(1)
            (self.folder / "died").write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)
        return mean_over_workers(a)


def main(folder: Path, victim: int) -> None:
    dist.init_process_group("gloo", timeout=PATIENCE)
    net, (x, t) = model(), data()
    ddp, optimizer = DistributedDataParallel(net), torch.optim.Adam(net.parameters())
    loss = LaiLoss(0.1, mean=mean_over_workers)
    for epoch in range(1, FATAL + 1):
        if epoch == FATAL and dist.get_rank() == victim:
            loss.mean = KilledWithin(folder)
        lai_epoch(ddp, x, t, loss, optimizer, batches(epoch))
        state = {"epoch": epoch, "model": net.state_dict(), "optimizer": optimizer.state_dict()}
        atomic_save(folder / "state.pt", state)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
