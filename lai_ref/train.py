"""Lai Training (paper §5): plain pretraining, then the Lai loss for a share α of the data.

In every epoch the samples are permuted and cut into batches; each batch makes one step of the
optimiser. Which of the data gets the Lai loss (the paper says batches in §5, points in §6.1):

    sampling="batches"    whole batches: ⌊α B⌋ of an epoch's B, and one more with probability
                          α B − ⌊α B⌋, so that the expected share is exactly α
    sampling="points"     each sample with probability α, drawn anew each epoch; a batch's loss is
                          that of `value_and_grad_mixed`

Pretraining is the same with α = 0 and draws the same random numbers: a Lai run and a plain run from
one seed see the same batches in the same order, and differ by the loss alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lai_ref.adam import Adam
from lai_ref.losses import Loss, Plain
from lai_ref.metrics import rmse
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad, value_and_grad_mixed
from lai_ref.state import TrainingState, capture_state, restore_rng
from lai_ref.support.chunks import chunks
from lai_ref.support.validation import Array, check_array, check_choice, check_in_range, check_int

SAMPLINGS = ("batches", "points")


@dataclass(frozen=True)
class Epoch:
    """What one epoch did, and the state after it."""

    index: int  # 1 for the first epoch of the run
    phase: str  # "pretrain" or "lai"
    train_loss: float  # mean over the samples of the loss each was trained with
    rmse: float | None  # on the validation data after the epoch; None without any
    lai_fraction: float  # share of this epoch's batches or points that got the Lai loss
    state: TrainingState


class DivergedError(ArithmeticError):
    """Training left the finite numbers, in step `step` (from 1) of epoch `epoch` (from 1).

    `state` is the last finite one, as it was after the epoch before; a run can start from it.
    """

    def __init__(self, epoch: int, step: int, state: TrainingState) -> None:
        super().__init__(
            f"training diverged in epoch {epoch}, step {step}; a smaller step size (lr) may help"
        )
        self.epoch, self.step, self.state = epoch, step, state

    def __reduce__(self) -> tuple[Any, ...]:  # to cross from one process to another
        return type(self), (self.epoch, self.step, self.state)


def lai_training(
    net: MLP,
    x: Array,
    t: Array,
    *,
    loss: Loss,
    rng: np.random.Generator,
    plain: Loss = Plain(2),
    alpha: float = 0.01,
    sampling: str = "batches",
    pretrain_epochs: int = 100,
    lai_epochs: int = 100,
    batch_size: int = 64,
    optimizer: Adam = Adam(),
    validation: tuple[Array, Array] | None = None,
    resume_from: TrainingState | None = None,
) -> Iterator[Epoch]:
    """Train, one `Epoch` at a time (paper §5).

    Parameters
    ----------
    x, t
        Training inputs (N, D) and targets (N,).
    loss, plain
        What the share `alpha` of the data gets after pretraining, and what all the rest gets.
    alpha
        α in [0, 1].
    sampling
        ``"batches"`` or ``"points"``.
    rng
        Drawn from for the initial parameters and for every epoch; not used with `resume_from`.
    validation
        Inputs and targets for `Epoch.rmse`.
    resume_from
        The state to resume from, in place of a fresh network. With the same arguments the epochs
        that follow are the same, bit for bit, as those of a run that was never stopped.

    Raises
    ------
    ValueError, TypeError
        At once, for arguments that do not fit.
    DivergedError
        From the epoch that leaves the finite numbers.

    Examples
    --------
    >>> from lai_ref import Lai
    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> run = lai_training(MLP((1, 1)), x, 3 * x[:, 0], loss=Lai(0.1), alpha=0.5, batch_size=10,
    ...                    pretrain_epochs=2, lai_epochs=1, rng=np.random.default_rng(0))
    >>> [(epoch.index, epoch.phase, epoch.lai_fraction) for epoch in run]
    [(1, 'pretrain', 0.0), (2, 'pretrain', 0.0), (3, 'lai', 0.4)]
    """
    x = check_array("x", x, ("N", net.sizes[0]))
    t = check_array("t", t, (len(x),))
    if "c" in (x.dtype.kind, t.dtype.kind):
        raise TypeError("x, t: expected real numbers to train on, got complex ones")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {rng!r}")
    alpha = check_in_range("alpha", alpha, 0.0, 1.0)
    check_choice("sampling", sampling, SAMPLINGS)
    pretrain_epochs = check_int("pretrain_epochs", pretrain_epochs, minimum=0)
    total = pretrain_epochs + check_int("lai_epochs", lai_epochs, minimum=0)
    batch_size = check_int("batch_size", batch_size, minimum=1)
    if batch_size > len(x):
        raise ValueError(f"batch_size: expected at most {len(x)} (all of x), got {batch_size}")
    if validation is not None:
        x_val = check_array("validation[0]", validation[0], ("N", net.sizes[0]))
        validation = x_val, check_array("validation[1]", validation[1], (len(x_val),))
    for name, each in (("loss", loss), ("plain", plain)):
        if not hasattr(each, "evaluate"):
            raise TypeError(f"{name}: expected a Loss, such as Lai() or Plain(), got {each!r}")
        each.evaluate(t[:1], t[:1], x[:1])  # one λ a feature? not said after pretraining, but now
    if resume_from is None:
        theta = net.init(rng, x.dtype)
        resume_from = capture_state(net, theta, optimizer.init(theta), rng, epoch=0)
    else:
        resume_from.check_fits(net)
        rng = restore_rng(resume_from)

    def epochs(state: TrainingState) -> Iterator[Epoch]:
        for index in range(state.epoch + 1, total + 1):
            phase, share = ("pretrain", 0.0) if index <= pretrain_epochs else ("lai", alpha)
            order, batches, lai_fraction = _draw(rng, len(x), batch_size, share, sampling)
            data = x[order], t[order]
            train_loss, state = _epoch(net, *data, batches, loss, plain, optimizer, state, rng)
            score = None
            if validation is not None:
                score = float(rmse(net.predict(state.theta, validation[0]), validation[1]))
            yield Epoch(index, phase, train_loss, score, lai_fraction, state)

    return epochs(resume_from)


def _draw(
    rng: np.random.Generator, n: int, batch_size: int, alpha: float, sampling: str
) -> tuple[Array, list[tuple[slice, Any]], float]:
    """An epoch's order of the samples, its batches, and the share of them that gets Lai.

    Each batch is a slice of that order with the mask of those in it that get Lai. A mask that is
    all True or all False comes as that one bool.
    """
    order = rng.permutation(n)
    rows = chunks(n, batch_size)
    if sampling == "points":
        chosen = rng.random(n) < alpha
        return order, [(r, chosen[order[r]]) for r in rows], float(chosen.mean())
    # ⌊α B⌋ batches, and one more with probability α B − ⌊α B⌋
    count = math.floor(alpha * len(rows))
    count += rng.random() < alpha * len(rows) - count
    chosen = np.zeros(len(rows), bool)
    chosen[rng.permutation(len(rows))[:count]] = True
    return order, list(zip(rows, chosen.tolist(), strict=True)), count / len(rows)


def _epoch(
    net: MLP,
    x: Array,
    t: Array,
    batches: list[tuple[slice, Any]],
    loss: Loss,
    plain: Loss,
    optimizer: Adam,
    before: TrainingState,
    rng: np.random.Generator,
) -> tuple[float, TrainingState]:
    """One step a batch of x and t, in the order drawn. The mean loss, and the state after them."""
    theta, moments, total = before.theta, before.optimizer, 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # said by DivergedError
        for step, (rows, lai) in enumerate(batches, start=1):
            batch = x[rows], t[rows]
            if isinstance(lai, bool):
                value, grad = value_and_grad(net, theta, *batch, loss if lai else plain)
            else:
                value, grad = value_and_grad_mixed(net, theta, *batch, plain, loss, lai)
            theta, moments = optimizer.step(theta, grad, moments)
            total += float(value) * len(batch[1])
            if not math.isfinite(total):
                raise DivergedError(before.epoch + 1, step, before)
    # the gradient's square may leave float32 long before the loss does, and freeze every step
    if not all(np.isfinite(a).all() for a in (theta, moments.m, moments.v)):
        raise DivergedError(before.epoch + 1, len(batches), before)
    return total / len(x), capture_state(net, theta, moments, rng, before.epoch + 1)
