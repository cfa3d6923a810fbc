"""Mistakes in data-parallel training: the loss of a batch that is split over workers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.mutants.mutant import mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array

Answer: TypeAlias = tuple[Any, Array]  # value and gradient
Shards: TypeAlias = Sequence[Array]  # the rows of x of each worker

SHARDED = ("sharded",)


def averaged(parts: Sequence[Any], counts: Sequence[int]) -> Any:
    """The mean over the workers, weighted by their numbers of samples."""
    dtype = parts[0].dtype.type
    return dtype(1) * sum(n / sum(counts) * part for n, part in zip(counts, parts, strict=True))


class _Workers(Port):
    """`sharded_gradient` computed from each worker's loss on its own samples."""

    def sharded_gradient(self, *, x: Array, t: Array, shards: Shards, **rest: Any) -> Answer:
        right = super().sharded_gradient(x=x, t=t, shards=shards, **rest)
        own = [self.param_gradient(x=x[rows], t=t[rows], **rest) for rows in shards]
        return self.together(right, own, [len(rows) for rows in shards])

    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        """The answer, from the right one and each worker's own answer and number of samples."""
        raise NotImplementedError


@mutant(
    "Each worker took the norm of its own mean; the norm should follow the mean over all workers.",
    SHARDED,
)
class MeanOfNorms(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        return averaged(values, counts), averaged(grads, counts)


@mutant(
    "Each worker differentiated the norm of its own mean; "
    "the gradient should be that of the whole batch.",
    SHARDED,
)
class SlopeOfOwnNorm(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], averaged([grad for _, grad in own], counts)


@mutant(
    "The workers' values and gradients were summed; "
    "they should be averaged, weighted by their samples.",
    SHARDED,
)
class MeansAdded(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        return values[0].dtype.type(sum(values)), np.sum(grads, axis=0, dtype=grads[0].dtype)


@mutant("The workers' parts of the gradient were averaged; they should be summed.", SHARDED)
class GradientsAveraged(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], right[1] / len(counts)


@mutant(
    "The first worker's own value and gradient were returned; they should be those of all workers.",
    SHARDED,
)
class NothingShared(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return own[0]


@mutant(
    "The gradient of the first worker's own loss was returned; "
    "it should be that of the whole batch.",
    SHARDED,
)
class GradientNotShared(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        return right[0], own[0][1]


@mutant("Workers got consecutive samples; they should get those in `shards`.", SHARDED)
class RowsInOrder(Port):
    def sharded_gradient(self, *, shards: Shards, **rest: Any) -> Answer:
        ends = np.cumsum([len(rows) for rows in shards])
        in_order = np.split(np.arange(ends[-1]), ends[:-1])
        return super().sharded_gradient(shards=in_order, **rest)


@mutant("The workers' means had equal weights; they should be weighted by their samples.", SHARDED)
class WorkersCountAlike(Port):
    def sharded_gradient(self, *, shards: Shards, **rest: Any) -> Answer:
        # repeat each worker's rows until all workers have equally many
        most = math.lcm(*(len(rows) for rows in shards))
        alike = [np.tile(rows, most // len(rows)) for rows in shards]
        return super().sharded_gradient(shards=alike, **rest)


@mutant(
    "The workers' own values and gradients had equal weights; "
    "there should be one mean over all samples.",
    SHARDED,
)
class MeanOfWorkers(_Workers):
    def together(self, right: Answer, own: list[Answer], counts: list[int]) -> Answer:
        values, grads = zip(*own, strict=True)
        alike = [1] * len(counts)
        return averaged(values, alike), averaged(grads, alike)


@mutant(
    "The first worker's part of the gradient was returned; the parts should be summed.", SHARDED
)
class PartsNotSummed(Port):
    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        return grads[0]


@mutant(
    "Each worker's part of the gradient overwrote the one before; the parts should be summed.",
    SHARDED,
)
class PartsReplaced(Port):
    def sum_over_workers(self, grads: Sequence[Array]) -> Array:
        return grads[-1]
