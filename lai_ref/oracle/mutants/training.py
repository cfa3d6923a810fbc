"""Mistakes in Lai Training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import mutant
from lai_ref.oracle.mutants.port import Batches, Loss, Parts, Port
from lai_ref.oracle.mutants.port_loss import Array

TRAIN = ("train",)


@mutant("The steps before this run were not counted in Adam's bias correction.", TRAIN)
class StepCountRestarted(Port):
    def train(self, *, step: int, **rest: Any) -> Array:
        return super().train(step=0, **rest)


@mutant("The plain loss took p from the Lai loss; it has its own.", TRAIN)
class PlainTakesOrderOfLai(Port):
    def train(self, *, plain: int, loss: Loss, **rest: Any) -> Array:
        return super().train(plain=loss["order"], loss=loss, **rest)


@mutant("The Lai loss went to the first rows of a batch; `lai_rows` says which.", TRAIN)
class FirstRows(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows[: len(lai_rows)]


@mutant("The Lai loss went to the rows that should get the plain loss, and the reverse.", TRAIN)
class RowsExchanged(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows[~np.isin(rows, lai_rows)]


@mutant("One Lai row gave the Lai loss to its whole batch; the others get the plain loss.", TRAIN)
class WholeBatchLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows if len(lai_rows) else lai_rows


@mutant("The Lai rows were taken as places in the batch; they are rows of the data.", TRAIN)
class RowsAsPlaces(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        chosen: Array = rows[np.unique(lai_rows % len(rows))]
        return chosen


@mutant("The two losses of a mixed batch were added; each has its share of the rows.", TRAIN)
class LossesAdded(Port):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1.0


@mutant("The two losses of a mixed batch were weighted alike; each has its share.", TRAIN)
class LossesWeightedAlike(Port):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1 / parts


@mutant("The plain loss was taken of the Lai rows too; they get the Lai loss only.", TRAIN)
class PlainOnAllRows(Port):
    def mixed_gradient(self, parts: Parts, *, x: Array, t: Array, **net: Any) -> Array:
        right = super().mixed_gradient(parts, x=x, t=t, **net)
        if len(parts) == 1:
            return right
        (rest, plain), (rows, _) = parts
        _, more = self.value_and_gradient(x=x[rows], t=t[rows], loss=plain, **net)
        return right + len(rows) / (len(rest) + len(rows)) * more


@mutant("Gradients accumulated from step to step; they should be zeroed before each step.", TRAIN)
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


@mutant("All samples of every batch got the Lai loss; only `lai_rows` should.", TRAIN)
class AlwaysLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows


@mutant("No sample got the Lai loss; `lai_rows` should.", TRAIN)
class NeverLai(Port):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return lai_rows[:0]


@mutant("A mixed batch gave two steps, one per loss; it should give one step.", TRAIN)
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
