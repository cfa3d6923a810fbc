"""Time one Lai step in NumPy, PyTorch and JAX (interleaved benchmark).

    y = f(x; θ), k = ∂y/∂x, L2 Lai MSE with λ = 0.1 over the whole batch, ∂L/∂θ, Adam

The NumPy code is `lai_ref`, the others are the ports of `tutorials/ports`, used as their docstrings
show. All start with the same θ, x and t in float32. Before timing, each gradient is compared
with that of `lai_ref` in float64. It is read from Adam's first moment after one step,
m = (1 − β₁) ∂L/∂θ, so the check covers the code that is timed.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from figures.experiments.inputs import Job, Source
from figures.experiments.timing import BATCH, Clock, lai_epochs, quartiles, random_task, round_robin
from lai_ref import MLP, Adam, Array, Lai, value_and_grad

PORTS = {
    "torch eager": "torch_backend",
    "torch compiled": "torch_backend",
    "jax jit": "jax_backend",
}
NAMES = ("lai_ref", *PORTS)
LAM, ALPHA = 0.1, 0.01
TABLE_1 = (
    200,
    300,
)  # its epochs: with MSE (pretraining, then the control), with three λ
CLOCKS: dict[str, Clock] = {
    "wall times": time.perf_counter,
    # including child processes, here the C++ compiler
    "processor times": lambda: time.process_time() + sum(os.times()[2:4]),
}
ROUNDING = 1e-5  # relative error of a float32 gradient; a wrong one deviates by more


@dataclass(frozen=True)
class Runner:
    """A training in one framework; every call continues it."""

    steps: Callable[[int], object]  # a number of steps with the Lai loss for all samples
    epoch: Callable[[float], object]  # with the Lai loss for a fraction α of the points
    first_moment: Callable[[], Array]  # Adam's m, (P,)


def measure(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Times of single steps or of Table 1: rows of the table, and reasons for what is left out."""
    return time_steps(job) if job["of"] == "steps" else time_epochs(job)


def time_steps(job: Job) -> dict[str, Any]:
    """Seconds per step, and until the end of the first, in every framework.

    A turn of a framework is `job["steps"]` steps; the turns are interleaved, A B C D A B C D …
    """
    task = prepare_task(job)
    net, theta, x, t = task
    precise = theta.astype(float), x.astype(float), t.astype(float)
    _, exact = value_and_grad(net, *precise, Lai(LAM))
    clock, first = CLOCKS[job["clock"]], dict[str, float]()
    errors: dict[str, float] = {}

    def warm_up(name: str) -> Runner:
        began = clock()
        runner = make_runner(name, task, job["threads"])
        runner.steps(1)
        first[name] = clock() - began
        errors[name] = check_gradient(name, runner.first_moment() / (1 - Adam().beta1), exact)
        return runner

    runners, left_out = _warmed_up(job["names"], warm_up)
    turns = {name: partial(each.steps, job["steps"]) for name, each in runners.items()}
    seconds = round_robin(turns, job["rounds"], clock)
    results = compare({name: each / job["steps"] for name, each in seconds.items()})
    for name, result in results.items():
        result |= {"first": first[name], "gradient off by": errors[name]}
    return {"rows": {f"Lai step, N = {job['n']:,}": results}, "left out": left_out}


def time_epochs(job: Job) -> dict[str, Any]:
    """Seconds per epoch of Table 1, with and without Lai points, and for all its epochs."""
    task = prepare_task(job)

    def warm_up(name: str) -> Runner:
        runner = make_runner(name, task, job["threads"])
        for alpha in (0.0, ALPHA):  # compilers make two programs
            runner.epoch(alpha)
        return runner

    runners, left_out = _warmed_up(job["names"], warm_up)
    turns = {
        (name, alpha): partial(runner.epoch, alpha)
        for name, runner in runners.items()
        for alpha in (0.0, ALPHA)
    }
    seconds = round_robin(turns, job["rounds"], CLOCKS[job["clock"]])
    plain, lai = ({name: seconds[name, alpha] for name in runners} for alpha in (0.0, ALPHA))
    whole = {name: TABLE_1[0] * plain[name] + TABLE_1[1] * lai[name] for name in runners}
    rows = {
        "plain epoch": compare(plain),
        f"Lai epoch, α = {ALPHA:.0%}": compare(lai),
        "Table 1, one seed": compare(whole),
    }
    return {"rows": rows, "left out": left_out}


def check_gradient(name: str, gradient: Array, exact: Array) -> float:
    """The relative error of the gradient.

    Raises
    ------
    ValueError
        If the error is larger than rounding explains.
    """
    error = float(np.linalg.norm(gradient - exact) / np.linalg.norm(exact))
    if not error <= ROUNDING:
        raise ValueError(
            f"{name}: expected lai_ref's gradient within a relative error of {ROUNDING:g}, got"
            f" {error:.1e}; correct the port, then rerun the command"
        )
    return error


def with_numpy(net: MLP, theta: Array, x: Array, t: Array) -> Runner:
    """The training with `lai_ref`."""
    optimizer, loss = Adam(), Lai(LAM)
    state = optimizer.init(theta)

    def steps(count: int) -> None:
        nonlocal theta, state
        for _ in range(count):
            _, grad = value_and_grad(net, theta, x, t, loss)
            theta, state = optimizer.step(theta, grad, state)

    trainings = {a: lai_epochs(net, x, t, loss, a, "points", 10**6) for a in (0.0, ALPHA)}
    return Runner(steps, lambda alpha: next(trainings[alpha]), lambda: state.m)


def with_torch(net: MLP, theta: Array, x: Array, t: Array, threads: int, compiled: bool) -> Runner:
    """The port to PyTorch, eager or with torch.compile; Adam is torch's fastest, the fused one."""
    import torch

    from tutorials.ports.torch_backend import flat, network
    from tutorials.ports.torch_lai import LaiLoss
    from tutorials.ports.torch_lai_training import batch_loss, lai_batches

    torch.set_num_threads(threads)
    model, loss, value = network(net.sizes, net.activation, theta), LaiLoss(LAM), batch_loss
    if compiled:
        torch._dynamo.reset()  # do not reuse code compiled for another N
        value = torch.compile(batch_loss, fullgraph=True, dynamic=False)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    inputs, targets = torch.tensor(x), torch.tensor(t)
    everywhere = torch.ones(len(x), dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)

    def step(x: Any, t: Any, lai_mask: Any) -> None:
        optimizer.zero_grad()
        value(model, x, t, lai_mask, loss).backward()
        optimizer.step()

    def steps(count: int) -> None:
        for _ in range(count):
            step(inputs, targets, everywhere)

    def epoch(alpha: float) -> None:
        for rows, lai_mask in lai_batches(len(x), BATCH, alpha, "points", generator):
            step(inputs[rows], targets[rows], lai_mask)

    def first_moment() -> Array:
        m: Array = flat(optimizer.state[part]["exp_avg"] for part in model.parameters())
        return m

    return Runner(steps, epoch, first_moment)


def with_jax(net: MLP, theta: Array, x: Array, t: Array) -> Runner:
    """The port to JAX, the whole step compiled by jax.jit."""
    import jax
    import jax.numpy as jnp

    from tutorials.ports.jax_backend import network
    from tutorials.ports.jax_lai import lai_loss
    from tutorials.ports.jax_lai_training import adam_step, batch_loss, lai_batches

    f = partial(network, net.sizes, net.activation)
    grad = jax.value_and_grad(partial(batch_loss, f, loss=partial(lai_loss, lam=LAM)))

    def whole(params: Any, state: Any, x: Any, t: Any, lai_mask: Any) -> Any:
        return adam_step(params, grad(params, x, t, lai_mask)[1], state)

    step = jax.jit(whole)
    params = jnp.asarray(theta)
    state = (jnp.asarray(0), jnp.zeros_like(params), jnp.zeros_like(params))
    inputs, targets, everywhere = jnp.asarray(x), jnp.asarray(t), jnp.ones(len(x), bool)
    rng = np.random.default_rng(0)

    def steps(count: int) -> None:
        nonlocal params, state
        for _ in range(count):
            params, state = step(params, state, inputs, targets, everywhere)
        params.block_until_ready()

    def epoch(alpha: float) -> None:
        nonlocal params, state
        for rows, lai_mask in lai_batches(rng, len(x), BATCH, alpha, "points"):
            params, state = step(params, state, x[rows], t[rows], lai_mask)
        params.block_until_ready()

    return Runner(steps, epoch, lambda: np.asarray(state[1]))


def prepare_task(job: Job) -> tuple[MLP, Array, Array, Array]:
    """Import the frameworks; return network, parameters, random inputs and targets."""
    os.environ["JAX_PLATFORMS"] = "cpu"
    for name in job["names"]:
        if name in PORTS:
            importlib.import_module(f"tutorials.ports.{PORTS[name]}")
    return random_task(job["sizes"], job["activation"], job["n"], "float32")


def make_runner(name: str, task: tuple[MLP, Array, Array, Array], threads: int) -> Runner:
    """The training in the framework `name`, from the θ of `task`."""
    if name == "lai_ref":
        return with_numpy(*task)
    if name == "jax jit":
        return with_jax(*task)
    return with_torch(*task, threads, compiled=name == "torch compiled")


def compare(seconds: dict[str, Array]) -> dict[str, dict[str, Any]]:
    """Minimum and median, and quartiles of the ratio to `lai_ref` of the same round."""
    return {
        name: {
            "least": float(each.min()),
            "median": float(np.median(each)),
            "ratio": quartiles(each / seconds["lai_ref"]),
        }
        for name, each in seconds.items()
    }


def _warmed_up(
    names: Iterable[str], warm_up: Callable[[str], Runner]
) -> tuple[dict[str, Runner], dict[str, str]]:
    """The runners, and the reason if torch.compile does not work and is left out."""
    runners, left_out = {}, {}
    for name in names:
        if name != "torch compiled":
            runners[name] = warm_up(name)
            continue
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
            # without this, the first step would reuse code compiled by an earlier run
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # torch warns of its own code
                    runners[name] = warm_up(name)
            except RuntimeError as error:  # no C++ compiler, for example
                left_out[name] = str(error).partition("\n")[0]
    return runners, left_out
