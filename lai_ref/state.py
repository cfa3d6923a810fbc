"""Checkpoints: the state of a training run between two epochs, to resume it bit for bit."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np

from lai_ref.adam import AdamState
from lai_ref.mlp import MLP
from lai_ref.support.files import atomic_write, defer_interrupt
from lai_ref.support.validation import FLOATS, Array, check_int

FORMAT = "lai-training-state/1"


class TrainingState(NamedTuple):
    """Parameters, optimiser state and random generator after `epoch` epochs, and the network."""

    epoch: int
    theta: Array  # (P,)
    optimizer: AdamState
    generator: str  # the state of the bit generator, as JSON
    sizes: tuple[int, ...]
    activation: str
    settings: str = ""  # of the run, as text of the caller's choice

    def check_fits(self, net: MLP) -> None:
        """Raise ValueError if this is the state of another architecture than that of `net`."""
        if (self.sizes, self.activation) != (net.sizes, net.activation):
            raise ValueError(
                f"resume_from: expected the state of a network {net.sizes} {net.activation},"
                f" got that of {self.sizes} {self.activation}; use the same network"
            )


class DivergedError(ArithmeticError):
    """The loss became infinite or NaN in step `step` of epoch `epoch`; both count from 1.

    If θ or Adam's moments are not finite at the end of the epoch, `step` is its last step. `state`
    is the state after the previous epoch; it is finite, and a run can resume from it.
    """

    def __init__(self, epoch: int, step: int, state: TrainingState) -> None:
        super().__init__(
            f"training diverged in epoch {epoch}, step {step}; try a smaller learning rate (lr)"
        )
        self.epoch, self.step, self.state = epoch, step, state

    def __reduce__(self) -> tuple[Any, ...]:  # for pickle, between processes
        return type(self), (self.epoch, self.step, self.state)


def capture_state(
    net: MLP, theta: Array, optimizer: AdamState, rng: np.random.Generator, epoch: int
) -> TrainingState:
    """The current training state, with a copy of the generator's state."""
    generator = json.dumps(rng.bit_generator.state, default=lambda array: array.tolist())
    return TrainingState(epoch, theta, optimizer, generator, tuple(net.sizes), net.activation)


def restore_rng(state: TrainingState) -> np.random.Generator:
    """A new generator that continues the stream of the saved one."""
    numbers = json.loads(state.generator)
    kind = getattr(np.random, numbers["bit_generator"])
    if not issubclass(kind, np.random.BitGenerator):  # call nothing else that a file may name
        raise TypeError(f"{kind.__name__} is not a bit generator")
    bit_generator = kind()
    bit_generator.state = numbers
    return np.random.Generator(bit_generator)


def save_state(path: str | os.PathLike[str], state: TrainingState) -> None:
    """Write `state` to `path` as .npz, atomically: an old file is replaced as a whole or unchanged.

    An interrupt (Ctrl-C) takes effect after the file is written.

    Raises
    ------
    OSError
        If it cannot be written; an old file is then unchanged.
    """
    about = {
        "format": FORMAT,
        "epoch": state.epoch,
        "t": state.optimizer.t,
        "generator": state.generator,
        "sizes": list(state.sizes),
        "activation": state.activation,
        "settings": state.settings,
    }
    file = io.BytesIO()
    m, v = state.optimizer.m, state.optimizer.v
    # interrupted between two of its steps, zipfile would print an error of its own
    with defer_interrupt():
        np.savez(file, about=np.array(json.dumps(about)), theta=state.theta, m=m, v=v)
        atomic_write(Path(path), file.getvalue())


def load_state(path: str | os.PathLike[str]) -> TrainingState:
    """Read a checkpoint that `save_state` wrote. Nothing in the file is executed (no pickle).

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If the file is truncated, damaged, or not a checkpoint.
    """
    content = Path(path).read_bytes()
    try:
        # check all checksums first: NumPy does not check an entry that its header makes shorter
        if (entry := ZipFile(io.BytesIO(content)).testzip()) is not None:
            raise ValueError(f"{entry}: wrong checksum")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            about: dict[str, Any] = json.loads(str(file["about"]))
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']!r}")
            theta, m, v = file["theta"], file["m"], file["v"]
        net = MLP(tuple(about["sizes"]), about["activation"])
        if not theta.shape == m.shape == v.shape == (net.n_params,):
            raise ValueError(f"{len(theta)} parameters, where {net} has {net.n_params}")
        adam_state = AdamState(int(about["t"]), m, v)
        epoch = check_int("epoch", about["epoch"], minimum=0)
        check_int("t", about["t"], minimum=0)
        if not all(a.dtype.char in FLOATS and np.isfinite(a).all() for a in (theta, m, v)):
            raise ValueError("numbers that are not finite, or no numbers")
        network = tuple(net.sizes), net.activation
        generator, settings = str(about["generator"]), str(about["settings"])
        state = TrainingState(epoch, theta, adam_state, generator, *network, settings)
        restore_rng(state)
        return state
    except Exception as error:  # zip, NumPy and JSON raise a dozen kinds of errors
        raise ValueError(
            f"{os.fspath(path)}: expected a checkpoint written by save_state ({FORMAT}),"
            f" got a file that is damaged or of another kind ({error})"
        ) from error
