"""Mistakes in Lai Training: step count, selection of samples, mixed batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import mutant
from lai_ref.oracle.mutants.port import Batches, Loss, Parts, Port
from lai_ref.oracle.mutants.port_loss import Array

TRAIN = ("train",)


@mutant(
    "The step count t was reset at the start of the run; it should continue from `step`.", TRAIN
)
class StepCountRestarted(Port):
    def train(self, *, step: int, **rest: Any) -> Array:
        return super().train(step=0, **rest)


@mutant("The plain loss used the p of the Lai loss; it should use its own, `plain`.", TRAIN)
class PlainTakesOrderOfLai(Port):
    def train(self, *, plain: int, loss: Loss, **rest: Any) -> Array:
        return super().train(plain=loss["order"], loss=loss, **rest)


@mutant("The first samples of a batch got the Lai loss; it should be those in `lai_rows`.", TRAIN)
class FirstRows(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows[: len(lai_rows)]


@mutant(
    "The samples of the Lai loss and of the plain loss were swapped; "
    "`lai_rows` should get the Lai loss.",
    TRAIN,
)
class RowsExchanged(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows[~np.isin(rows, lai_rows)]


@mutant(
    "All samples of a batch with Lai samples got the Lai loss; only those in `lai_rows` should.",
    TRAIN,
)
class WholeBatchLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows if len(lai_rows) else lai_rows


@mutant("`lai_rows` were read as positions in the batch; they should be rows of x.", TRAIN)
class RowsAsPlaces(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        chosen: Array = rows[np.unique(lai_rows % len(rows))]
        return chosen


@mutant(
    "The two losses of a mixed batch were added; they should be weighted by n_plain/n and n_lai/n.",
    TRAIN,
)
class LossesAdded(Port):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1.0


@mutant(
    "The two losses of a mixed batch had equal weights; "
    "the weights should be n_plain/n and n_lai/n.",
    TRAIN,
)
class LossesWeightedAlike(Port):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1 / parts


@mutant("The Lai samples got the plain loss as well; they should get the Lai loss only.", TRAIN)
class PlainOnAllRows(Port):
    def mixed_gradient(self, parts: Parts, *, x: Array, t: Array, **net: Any) -> Array:
        right = super().mixed_gradient(parts, x=x, t=t, **net)
        if len(parts) == 1:
            return right
        (rest, plain), (rows, _) = parts
        _, more = self.value_and_gradient(x=x[rows], t=t[rows], loss=plain, **net)
        return right + len(rows) / (len(rest) + len(rows)) * more


@mutant(
    "Gradients accumulated over the steps; they should be reset to 0 before each step (zero_grad).",
    TRAIN,
)
class GradientsAccumulated(Port):
    def step_gradient(self, grads: Sequence[Array]) -> Array:
        total: Array = np.sum(grads, axis=0)
        return total


@mutant("The gradient was clipped to norm 1; it should not be clipped.", TRAIN)
class GradientClipped(Port):
    def step_gradient(self, grads: Sequence[Array]) -> Array:
        grad = super().step_gradient(grads)
        norm = math.sqrt(float(np.sum(grad * grad)))
        return grad * min(1.0, 1 / (norm + 1e-6))  # as in PyTorch


@mutant("All samples of every batch got the Lai loss; only those in `lai_rows` should.", TRAIN)
class AlwaysLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows


@mutant("No sample got the Lai loss; those in `lai_rows` should.", TRAIN)
class NeverLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return lai_rows[:0]


@mutant("A mixed batch gave two optimiser steps, one per loss; it should give one step.", TRAIN)
class TwoSteps(Port):
    def train(self, *, batches: Batches, **rest: Any) -> Array:
        parts, last = [], []
        for rows, lai_rows in batches:
            plain_rows = rows[~np.isin(rows, lai_rows)]
            both = ((plain_rows, plain_rows[:0]), (lai_rows, lai_rows))
            parts += [part for part in both if len(part[0])]
            last.append(len(parts) - 1)
        path: Array = super().train(batches=parts, **rest)[last]
        return path
