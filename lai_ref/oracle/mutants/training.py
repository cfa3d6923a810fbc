"""Mistakes in Lai Training, and in the loss of a batch that is split over workers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import mutant
from lai_ref.oracle.mutants.port import Batches, Port
from lai_ref.oracle.mutants.port_loss import Array

TRAIN, SHARDED = ("train",), ("sharded",)
Parts = list[tuple[Array, Mapping[str, Any]]]


class _Training(Port):
    """`train` with a place for what is changed: its batches, its step count, its plain loss."""

    def train(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        m: Array,
        v: Array,
        step: int,
        x: Array,
        t: Array,
        plain: int,
        loss: Mapping[str, Any],
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        batches: Batches,
    ) -> Array:
        batches = [(rows, self.lai_rows(rows, lai_rows)) for rows, lai_rows in batches]
        step, plain = self.first_step(step), self.plain_order(plain, loss)
        after = (lr, beta1, beta2, eps, batches)
        return super().train(sizes, activation, theta, m, v, step, x, t, plain, loss, *after)

    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        """The rows of a batch that get the Lai loss."""
        return lai_rows

    def first_step(self, step: int) -> int:
        """Steps taken before."""
        return step

    def plain_order(self, plain: int, loss: Mapping[str, Any]) -> int:
        """p of the plain loss."""
        return plain


@mutant("The steps before this run were not counted in Adam's bias correction.", TRAIN)
class StepCountRestarted(_Training):
    def first_step(self, step: int) -> int:
        return 0


@mutant("The plain loss took p from the Lai loss; it has its own.", TRAIN)
class PlainTakesOrderOfLai(_Training):
    def plain_order(self, plain: int, loss: Mapping[str, Any]) -> int:
        return int(loss["order"])


@mutant("The Lai loss went to the first rows of a batch; `lai_rows` says which.", TRAIN)
class FirstRows(_Training):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows[: len(lai_rows)]


@mutant("The Lai loss went to the rows that should get the plain loss, and the reverse.", TRAIN)
class RowsExchanged(_Training):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        rest: Array = rows[~np.isin(rows, lai_rows)]
        return rest


@mutant("One Lai row gave the Lai loss to its whole batch; the others get the plain loss.", TRAIN)
class WholeBatchLai(_Training):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        return rows if len(lai_rows) else lai_rows


@mutant("The Lai rows were taken as places in the batch; they are rows of the data.", TRAIN)
class RowsAsPlaces(_Training):
    def lai_rows(self, rows: Array, lai_rows: Array) -> Array:
        chosen: Array = rows[np.unique(lai_rows % len(rows))]
        return chosen


class _Mixed(Port):
    """`mixed_gradient` with a place for the weight of each loss."""

    def mixed_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        parts: Parts,
    ) -> Array:
        n, grad = sum(len(rows) for rows, _ in parts), np.zeros_like(theta)
        for rows, loss in parts:
            _, one = self.value_and_gradient(sizes, activation, theta, x[rows], t[rows], loss)
            grad = grad + self.weight(len(rows), n, len(parts)) * one
        return grad

    def weight(self, n_part: int, n: int, parts: int) -> float:
        """Of the mean over `n_part` rows out of n."""
        return n_part / n


@mutant("The two losses of a mixed batch were added; each has its share of the rows.", TRAIN)
class LossesAdded(_Mixed):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1.0


@mutant("The two losses of a mixed batch were weighted alike; each has its share.", TRAIN)
class LossesWeightedAlike(_Mixed):
    def weight(self, n_part: int, n: int, parts: int) -> float:
        return 1 / parts


@mutant("The plain loss was taken of the Lai rows too; they get the Lai loss only.", TRAIN)
class PlainOnAllRows(Port):
    def mixed_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        parts: Parts,
    ) -> Array:
        right = super().mixed_gradient(sizes, activation, theta, x, t, parts)
        if len(parts) == 1:
            return right
        (rest, plain), (rows, _) = parts
        _, more = self.value_and_gradient(sizes, activation, theta, x[rows], t[rows], plain)
        return right + len(rows) / (len(rest) + len(rows)) * more


class _Workers(Port):
    """`sharded_gradient` from what each worker finds of its own rows alone."""

    def sharded_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
        shards: Sequence[Array],
    ) -> tuple[Any, Array]:
        right = super().sharded_gradient(sizes, activation, theta, x, t, loss, shards)
        own = [self.param_gradient(sizes, activation, theta, x[s], t[s], loss) for s in shards]
        return self.together(right, own, [len(rows) for rows in shards])

    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        """The answer from the right one, each worker's (value, gradient) and its rows."""
        return right

    def averaged(self, parts: list[Any], counts: list[int]) -> Any:
        """The mean over the workers, weighted by their rows."""
        dtype = parts[0].dtype.type
        return dtype(1) * sum(n / sum(counts) * part for n, part in zip(counts, parts, strict=True))


@mutant(
    "Each worker took the norm of its own mean; the norm comes after all are averaged.", SHARDED
)
class MeanOfNorms(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        values, grads = zip(*own, strict=True)
        return self.averaged(list(values), counts), self.averaged(list(grads), counts)


@mutant("The value was shared, but each worker differentiated the norm of its own mean.", SHARDED)
class SlopeOfOwnNorm(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        return right[0], self.averaged([grad for _, grad in own], counts)


@mutant("The workers' means were added; they are averaged, weighted by their rows.", SHARDED)
class MeansAdded(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        values, grads = zip(*own, strict=True)
        return values[0].dtype.type(sum(values)), np.sum(grads, axis=0, dtype=grads[0].dtype)


@mutant("Gradients that are already over all samples were averaged over workers again.", SHARDED)
class GradientsAveraged(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        return right[0], right[1] / len(counts)


@mutant("The first worker's answer was given: nothing was shared.", SHARDED)
class NothingShared(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        return own[0]


@mutant("The value was shared, the gradient was the first worker's own.", SHARDED)
class GradientNotShared(_Workers):
    def together(
        self, right: tuple[Any, Array], own: list[tuple[Any, Array]], counts: list[int]
    ) -> tuple[Any, Array]:
        return right[0], own[0][1]


@mutant("Workers took their number of rows from the first on; `shards` says which rows.", SHARDED)
class RowsInOrder(Port):
    def sharded_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
        shards: Sequence[Array],
    ) -> tuple[Any, Array]:
        ends = np.cumsum([len(rows) for rows in shards])
        shards = np.split(np.arange(ends[-1]), ends[:-1])
        return super().sharded_gradient(sizes, activation, theta, x, t, loss, shards)


@mutant("Workers with few and with many rows counted alike in the mean.", SHARDED)
class WorkersCountAlike(Port):
    def sharded_gradient(
        self,
        sizes: Sequence[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: Mapping[str, Any],
        shards: Sequence[Array],
    ) -> tuple[Any, Array]:
        # as if every worker had as many rows as the others, by having its own several times
        most = math.lcm(*(len(rows) for rows in shards))
        alike = [np.tile(rows, most // len(rows)) for rows in shards]
        return super().sharded_gradient(sizes, activation, theta, x, t, loss, alike)
