"""Mistakes in the loss of a batch that is split over workers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.mutant import mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array

Answer: TypeAlias = tuple[Any, Array]  # value and gradient
Shards: TypeAlias = Sequence[Array]  # rows by worker

SHARDED = ("sharded",)


def averaged(parts: Sequence[Any], counts: Sequence[int]) -> Any:
    """The mean over the workers, weighted by their rows."""
    dtype = parts[0].dtype.type
    return dtype(1) * sum(n / sum(counts) * part for n, part in zip(counts, parts, strict=True))


class _Workers(Port):
    """`sharded_gradient` from what each worker finds of its own rows alone."""

    def sharded_gradient(self, *, x: Array, t: Array, shards: Shards, **rest: Any) -> Answer:
        right = super().sharded_gradient(x=x, t=t, shards=shards, **rest)
        own = [self.param_gradient(x=x[rows], t=t[rows], **rest) for rows in shards]
        return self.together(right, own, [len(rows) for rows in shards])

    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        """The answer from the right one, each worker's own and its number of rows."""
        raise NotImplementedError


@mutant(
    "Each worker took the norm of its own mean; the norm comes after all are averaged.", SHARDED
)
class MeanOfNorms(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        return averaged(values, counts), averaged(grads, counts)


@mutant("The value was shared, but each worker differentiated the norm of its own mean.", SHARDED)
class SlopeOfOwnNorm(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], averaged([grad for _, grad in own], counts)


@mutant("The workers' means were added; they are averaged, weighted by their rows.", SHARDED)
class MeansAdded(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        return values[0].dtype.type(sum(values)), np.sum(grads, axis=0, dtype=grads[0].dtype)


@mutant("Gradients that are already over all samples were averaged over workers again.", SHARDED)
class GradientsAveraged(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], right[1] / len(counts)


@mutant("The first worker's answer was given: nothing was shared.", SHARDED)
class NothingShared(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return own[0]


@mutant("The value was shared, the gradient was the first worker's own.", SHARDED)
class GradientNotShared(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], own[0][1]


@mutant("Workers took their number of rows from the first on; `shards` says which rows.", SHARDED)
class RowsInOrder(Port):
    def sharded_gradient(self, *, shards: Shards, **rest: Any) -> Answer:
        ends = np.cumsum([len(rows) for rows in shards])
        in_order = np.split(np.arange(ends[-1]), ends[:-1])
        return super().sharded_gradient(shards=in_order, **rest)


@mutant("Workers with few and with many rows counted alike in the mean.", SHARDED)
class WorkersCountAlike(Port):
    def sharded_gradient(self, *, shards: Shards, **rest: Any) -> Answer:
        # as if every worker had as many rows as the others, by having its own several times
        most = math.lcm(*(len(rows) for rows in shards))
        alike = [np.tile(rows, most // len(rows)) for rows in shards]
        return super().sharded_gradient(shards=alike, **rest)


@mutant("Values and gradients of the workers were averaged without weights.", SHARDED)
class MeanOfWorkers(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        alike = [1] * len(counts)
        return averaged(values, alike), averaged(grads, alike)


@mutant("The workers' parts of the gradient were not summed: the first one was returned.", SHARDED)
class PartsNotSummed(Port):
    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        return grads[0]


@mutant("Each worker's part of the gradient replaced the one before; they should add.", SHARDED)
class PartsReplaced(Port):
    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        return grads[-1]
