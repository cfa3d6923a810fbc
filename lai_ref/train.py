"""Lai Training (paper §5): pretraining with MSE or MAE, then the Lai loss for a fraction α.

In every epoch the samples are permuted and cut into batches; the optimiser makes one step per
batch. The samples that get the Lai loss are drawn in one of three ways. The paper says "batches" in
§5 and "1% of the data points" in §6.1:

    sampling="batches"    whole batches: ⌊α B⌋ of an epoch's B, and one more with probability
                          α B − ⌊α B⌋, so that the expected fraction is exactly α
    sampling="points"     each sample with probability α, drawn anew in each epoch; the loss of a
                          batch is that of `value_and_grad_mixed`
    sampling="separate"   ⌈α N⌉ samples, which form one batch of their own after the batches of
                          the others: one step with the Lai loss per epoch

Pretraining is the same with α = 0 and draws the same random numbers: a run with the Lai loss and
one without, with the same seed and sampling, use the same samples in the same order. They differ
only in the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lai_ref.adam import Adam
from lai_ref.losses import Loss, Plain
from lai_ref.metrics import rmse
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad_mixed
from lai_ref.state import DivergedError, TrainingState, capture_state, restore_rng
from lai_ref.support.chunks import chunks
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import (
    Array,
    check_array,
    check_choice,
    check_in_range,
    check_int,
    check_rng,
)

SAMPLINGS = ("batches", "points", "separate")


@dataclass(frozen=True)
class Epoch:
    """The record of one epoch, and the state after it.

    Attributes
    ----------
    index
        1 for the first epoch of the run.
    phase
        ``"pretrain"`` or ``"lai"``.
    train_loss
        Mean of the loss over the batches, weighted by size, each before its step.
    rmse
        On the validation data after the epoch, in the units of t; None without any.
    lai_fraction
        Fraction of this epoch's batches or samples with the Lai loss.
    state
        For `save_state` and `resume_from`; `state.theta` are the parameters.
    """

    index: int
    phase: str
    train_loss: float
    rmse: float | None
    lai_fraction: float
    state: TrainingState


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
    """Train a network (paper §5); yields one `Epoch` record per epoch.

    Parameters
    ----------
    x, t
        Training inputs (N, D) and targets (N,).
    loss, plain
        The loss of the fraction `alpha` after pretraining, and the loss of all other samples.
    alpha
        α in [0, 1].
    sampling
        Which samples get `loss`: ``"batches"``, whole batches; ``"points"``, single samples, left
        in their batches; ``"separate"``, single samples, as one extra batch per epoch.
    rng
        Source of the initial parameters and of every epoch's draws; not used with `resume_from`.
    validation
        Inputs and targets for `Epoch.rmse`.
    resume_from
        A state of an earlier run. With the same arguments the epochs that follow are, bit for bit,
        those of an uninterrupted run.

    Raises
    ------
    ValueError, TypeError
        At the call, for arguments that do not fit.
    DivergedError
        While iterating, in the first epoch in which the loss, θ or Adam's moments are not finite.

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
    check_rng("rng", rng)
    alpha = check_in_range("alpha", alpha, 0.0, 1.0)
    check_choice("sampling", sampling, SAMPLINGS)
    pretrain_epochs = check_int("pretrain_epochs", pretrain_epochs, minimum=0)
    n_epochs = pretrain_epochs + check_int("lai_epochs", lai_epochs, minimum=0)
    batch_size = check_int("batch_size", batch_size, minimum=1)
    if batch_size > len(x):
        raise ValueError(f"batch_size: expected at most {len(x)} (all of x), got {batch_size}")
    if validation is not None:
        x_val = check_array("validation[0]", validation[0], ("N", net.sizes[0]))
        validation = x_val, check_array("validation[1]", validation[1], (len(x_val),))
    for name, each in (("loss", loss), ("plain", plain)):
        if not (hasattr(each, "evaluate") and hasattr(each, "needs_k")):
            raise TypeError(f"{name}: expected a Loss, such as Lai() or Plain(), got {each!r}")
        if hasattr(each, "check_features"):
            each.check_features(x.shape[1])
    if resume_from is None:
        theta = net.init(rng, x.dtype)
        resume_from = capture_state(net, theta, optimizer.init(theta), rng, epoch=0)
    else:
        resume_from.check_fits(net)
        rng = restore_rng(resume_from)

    def epochs(state: TrainingState) -> Iterator[Epoch]:
        for index in range(state.epoch + 1, n_epochs + 1):
            phase, fraction = ("pretrain", 0.0) if index <= pretrain_epochs else ("lai", alpha)
            perm, batches, lai_mask, drawn = _sample_batches(
                rng, len(x), batch_size, fraction, sampling
            )
            train_loss, state = one_epoch(state, x[perm], t[perm], batches, lai_mask)
            val_rmse = None
            if validation is not None:
                val_rmse = float(rmse(net.predict(state.theta, validation[0]), validation[1]))
            yield Epoch(index, phase, train_loss, val_rmse, drawn, state)

    @ignores_error_state  # once per epoch; DivergedError reports an overflow
    def one_epoch(
        before: TrainingState, x: Array, t: Array, batches: list[slice], lai_mask: Array
    ) -> tuple[float, TrainingState]:
        epoch, theta, adam_state, loss_sum = before.epoch + 1, before.theta, before.optimizer, 0.0
        for step, rows in enumerate(batches, start=1):
            value, grad = value_and_grad_mixed(
                net, theta, x[rows], t[rows], plain, loss, lai_mask[rows]
            )
            theta, adam_state = optimizer.step(theta, grad, adam_state)
            loss_sum += float(value) * (rows.stop - rows.start)
            if not math.isfinite(loss_sum):
                raise DivergedError(epoch, step, before)
        # in float32 a squared gradient may overflow long before the loss; θ then stays constant
        if not all(np.isfinite(a).all() for a in (theta, adam_state.m, adam_state.v)):
            raise DivergedError(epoch, step, before)
        return loss_sum / len(x), capture_state(net, theta, adam_state, rng, epoch)

    return epochs(resume_from)


def _sample_batches(
    rng: np.random.Generator, n: int, batch_size: int, alpha: float, sampling: str
) -> tuple[Array, list[slice], Array, float]:
    """An epoch's permutation, its batches, which samples get the Lai loss (n,), their fraction."""
    perm, batches = rng.permutation(n), chunks(n, batch_size)
    if sampling == "batches":
        # ⌊α B⌋ batches, and one more with probability α B − ⌊α B⌋
        count = math.floor(alpha * len(batches))
        count += rng.random() < alpha * len(batches) - count
        is_lai = np.zeros(len(batches), bool)
        is_lai[rng.permutation(len(batches))[:count]] = True
        return perm, batches, np.repeat(is_lai, batch_size)[:n], count / len(batches)
    if sampling == "points":
        lai_mask = (rng.random(n) < alpha)[perm]  # with probability α
    else:
        # ⌈α n⌉; in doubles 0.07 · 100 is slightly above 7, and the factor corrects that
        n_plain = n - math.ceil(alpha * n * (1 - 2**-52))
        batches = chunks(n_plain, batch_size) + [slice(n_plain, n)] * (n_plain < n)
        lai_mask = np.arange(n) >= n_plain
    return perm, batches, lai_mask, float(lai_mask.mean())
