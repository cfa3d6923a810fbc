"""Data parallel training in the port to PyTorch: the gradient, and a worker that dies."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lai_ref import MLP, Lai, Plain, value_and_grad_mixed
from tests.ports.sharding import check_answers, check_report

NEEDS = 'needs PyTorch: pip install -e ".[backends]"'
torch = pytest.importorskip("torch", reason=NEEDS)

from tests.ports import dying_worker  # noqa: E402
from tests.ports import torch_workers as program  # noqa: E402
from tutorials.ports import torch_workers  # noqa: E402
from tutorials.ports.torch_backend import flat, network  # noqa: E402
from tutorials.ports.torch_lai import LaiLoss  # noqa: E402
from tutorials.ports.torch_lai_training import batch_loss  # noqa: E402

ROOT = Path(__file__).parents[2]
WORKERS = program.WORKERS
LONG = 300  # seconds, for a busy machine; normally a few suffice


def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def torchrun(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(WORKERS)]
    return subprocess.run(
        [sys.executable, "-m", *launch, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=LONG,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("workers") / "found.json"
    run = torchrun("tests.ports.torch_workers", path)
    assert run.returncode == 0, run.stderr
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_three_workers_pass_the_oracle(found: Any, dtype: str) -> None:
    check_report(found["reports"][dtype])


def test_unequal_and_empty_shards_have_the_gradient_of_the_whole_batch(found: Any) -> None:
    check_answers(found["answers"])


def test_an_epoch_uses_the_gradient_of_each_whole_batch(found: Any) -> None:
    theta, x, t = (a.numpy() for a in program.data())
    net, losses = MLP(program.SIZES, "tanh"), (Plain(2), Lai(0.1))
    for (rows, lai_mask), gradient in zip(program.batches(), found["epoch"], strict=True):
        mask = np.zeros(len(rows), bool) if lai_mask is None else lai_mask.numpy()
        batch = x[rows.numpy()], t[rows.numpy()]
        expected = value_and_grad_mixed(net, theta, *batch, *losses, mask)[1]
        assert np.abs(gradient - expected).max() <= 1e-14 * np.abs(expected).max()


def test_second_derivatives_over_workers_are_those_of_the_whole_batch(found: Any) -> None:
    theta, x, t = program.data()
    net = network(program.SIZES, "tanh", theta)
    value = batch_loss(net, x, t, torch.ones(len(t), dtype=torch.bool), LaiLoss(0.1))
    g = torch.autograd.grad(value, list(net.parameters()), create_graph=True)
    squares = sum((part**2).sum() for part in g)
    expected = flat(torch.autograd.grad(squares, list(net.parameters()))) / 2  # H g
    error = np.abs(found["hessian times gradient"] - expected).max()
    assert error <= 1e-14 * np.abs(expected).max()


def test_a_static_graph_is_rejected() -> None:
    ddp = SimpleNamespace(static_graph=True)
    with pytest.raises(ValueError, match="static_graph=False"):
        torch_workers.lai_epoch(ddp, None, None, None, None, [])


def check_state(folder: Path) -> None:
    """Assert that the checkpoint is that of one process after the epoch before the fatal one."""
    net, (x, t) = dying_worker.model(), dying_worker.data()
    optimizer = torch.optim.Adam(net.parameters())
    for epoch in range(1, dying_worker.FATAL):
        for rows, lai_mask in dying_worker.batches(epoch):
            optimizer.zero_grad()
            batch_loss(net, x[rows], t[rows], lai_mask, LaiLoss(0.1)).backward()
            optimizer.step()
    state = torch.load(folder / "state.pt", weights_only=True)
    assert state["epoch"] == dying_worker.FATAL - 1
    exactly = {"rtol": 1e-12, "atol": 1e-14}
    torch.testing.assert_close(state["model"], net.state_dict(), **exactly)
    torch.testing.assert_close(state["optimizer"], optimizer.state_dict(), **exactly)


def seconds_since_death(folder: Path) -> float:
    return time.time() - float((folder / "died").read_text())


def test_a_worker_that_dies_ends_the_run_and_leaves_a_complete_checkpoint(tmp_path: Path) -> None:
    run = torchrun("tests.ports.dying_worker", tmp_path, 1)
    assert run.returncode != 0 and seconds_since_death(tmp_path) < 60
    assert re.search(r"rank\s*: 1 .*\n\s*exitcode\s*: -9 ", run.stderr), run.stderr
    assert "Signal 9 (SIGKILL) received" in run.stderr
    check_state(tmp_path)


def test_survivors_without_torchrun_end_with_an_error_of_their_own(tmp_path: Path) -> None:
    victim = 2
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rendezvous = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(WORKERS)}
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.ports.dying_worker", str(tmp_path), str(victim)],
            cwd=ROOT,
            env={**environment(), **rendezvous, "RANK": str(rank)},
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for rank in range(WORKERS)
    ]
    try:
        errors = [worker.communicate(timeout=LONG)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert seconds_since_death(tmp_path) < 60
    for rank, (worker, error) in enumerate(zip(workers, errors, strict=True)):
        if rank == victim:
            assert worker.returncode == -signal.SIGKILL
        else:
            assert worker.returncode == 1
            assert re.search(r"Error: .*Connection (closed|reset) by peer", error), error
    check_state(tmp_path)


def test_a_checkpoint_is_saved_atomically_and_by_one_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: object, path: str) -> None:
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    path, old, new = tmp_path / "state.pt", {"epoch": 1}, {"epoch": 2}
    rank = 1
    monkeypatch.setattr(torch_workers.dist, "get_rank", lambda: rank)
    torch_workers.atomic_save(path, old)
    assert not path.exists()  # the first worker saves
    rank = 0
    torch_workers.atomic_save(path, old)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
        patch.setattr(torch_workers.torch, "save", full_disk)
        torch_workers.atomic_save(path, new)
    assert torch.load(path, weights_only=True) == old
    torch_workers.atomic_save(path, new)
    assert torch.load(path, weights_only=True) == new
    assert list(tmp_path.iterdir()) == [path]
