"""Mistakes in Lai Training and in the splitting over workers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.independent.numpy_port import Array, LossSpec, NumpyPort
from tests.independent.wrong_ports.record import wrong


@wrong("train")
class HistoryOfOneArray(NumpyPort):
    """The parameters are updated in place and the list holds the same array for each step, so all
    entries show the last; a copy is needed."""

    def train(self, **arguments: Any) -> Array:
        thetas = super().train(**arguments)
        return np.array([thetas[-1] for _ in thetas])


@wrong("train")
class SlopesOfTheStart(NumpyPort):
    """The k of the Lai loss are computed once before the training and looked up afterwards;
    they change with θ at every step."""

    def train(
        self, *, sizes: list[int], activation: str, theta: Array, m: Array, v: Array, step: int,
        x: Array, t: Array, plain: int, loss: LossSpec, lr: float, beta1: float, beta2: float,
        eps: float, batches: list[tuple[Array, Array]],
    ) -> Array:  # fmt: skip
        _, k, _ = self.forward(sizes, activation, theta, x)
        thetas = []
        for number, (rows, lai_rows) in enumerate(batches, start=step):
            y, _, tape = self.forward(sizes, activation, theta, x[rows])
            is_lai = self.is_lai(rows, lai_rows)
            dy, dk = self.mixed(y, t[rows], k[rows], is_lai, plain, loss)
            theta, m, v = self.adam_step(
                theta=theta, grad=self.backward(activation, tape, dy, dk), t=number, m=m, v=v,
                lr=lr, beta1=beta1, beta2=beta2, eps=eps,
            )  # fmt: skip
            thetas.append(theta)
        return np.array(thetas)


@wrong("train")
class MeansAddedUnweighted(NumpyPort):
    """The loss of a batch is the plain mean plus the Lai mean, each with the weight 1; they are
    weighted by their fractions of the batch."""

    def mixed(
        self, y: Array, t: Array, k: Array, is_lai: Array, plain: int, loss: LossSpec
    ) -> tuple[Array, Array]:
        dy, dk = super().mixed(y, t, k, is_lai, plain, loss)
        weight = np.where(is_lai, is_lai.mean(), 1 - is_lai.mean()).astype(dy.dtype)
        return dy / weight, dk / weight[:, None]


@wrong("train")
class PlainLossOfAllSamples(NumpyPort):
    """The plain loss is that of the whole batch, and the Lai loss of its samples is added to it; a
    sample gets one of the two."""

    def mixed(
        self, y: Array, t: Array, k: Array, is_lai: Array, plain: int, loss: LossSpec
    ) -> tuple[Array, Array]:
        dy, dk = super().mixed(y, t, k, is_lai, plain, loss)
        dy[is_lai] += self.plain(y, t, plain)[1][is_lai]
        return dy, dk


@wrong("train")
class RowsAsPositions(NumpyPort):
    """The indices of the Lai samples are taken as positions in the batch; they are rows of x, as
    the batch's own are."""

    def is_lai(self, rows: Array, lai_rows: Array) -> Array:
        return np.isin(np.arange(len(rows)), lai_rows)


@wrong("train")
class StepsCountedFromZero(NumpyPort):
    """The optimiser's step count starts at 0 in every run, while m and v are continued; it starts
    at the given number."""

    def train(self, **arguments: Any) -> Array:
        return super().train(**{**arguments, "step": 0})


@wrong("train")
class LaiLossOfWholeBatches(NumpyPort):
    """A batch with any Lai samples gets the Lai loss on all of its samples, as in §5 of the paper;
    here only the samples that are named get it."""

    def is_lai(self, rows: Array, lai_rows: Array) -> Array:
        return np.full(len(rows), len(lai_rows) > 0)


@wrong("train")
class LaiRowsComeFirst(NumpyPort):
    """The first samples of a batch get the Lai loss, as many as there are Lai rows; the rows say
    which."""

    def is_lai(self, rows: Array, lai_rows: Array) -> Array:
        return np.arange(len(rows)) < len(lai_rows)


@wrong("train")
class PlainLossOfTheLaiOrder(NumpyPort):
    """The plain loss takes its p from the Lai loss; it has its own."""

    def mixed(
        self, y: Array, t: Array, k: Array, is_lai: Array, plain: int, loss: LossSpec
    ) -> tuple[Array, Array]:
        return super().mixed(y, t, k, is_lai, loss["order"], loss)


@wrong("sharded")
class LossOfTheFirstWorker(NumpyPort):
    """The gradient is that of all samples, but the value is the loss of the first worker's own
    samples; it is that of all."""

    def sharded_gradient(
        self, *, x: Array, t: Array, shards: list[Array], **net_and_loss: Any
    ) -> tuple[Any, Array]:
        _, grad = super().sharded_gradient(x=x, t=t, shards=shards, **net_and_loss)
        value, _ = self.param_gradient(x=x[shards[0]], t=t[shards[0]], **net_and_loss)
        return value, grad


@wrong("sharded")
class OwnLossesAveraged(NumpyPort):
    """Every worker computes the loss of its own samples, norm included, and these are averaged by
    shard size; the norm comes after the mean over all."""

    def sharded_gradient(
        self, *, x: Array, t: Array, shards: list[Array], **net_and_loss: Any
    ) -> tuple[Any, Array]:
        n = sum(len(rows) for rows in shards)
        value, grad = 0.0, 0.0
        for rows in shards:
            own_value, own_grad = self.param_gradient(x=x[rows], t=t[rows], **net_and_loss)
            value, grad = value + own_value * len(rows) / n, grad + own_grad * (len(rows) / n)
        return value, grad


@wrong("sharded")
class SumDividedByWorkers(NumpyPort):
    """The workers' gradients are averaged by the all-reduce although each has been divided by the
    total number of samples; they are summed."""

    def sharded_gradient(self, *, shards: list[Array], **batch: Any) -> tuple[Any, Array]:
        value, grad = super().sharded_gradient(shards=shards, **batch)
        return value, grad / len(shards)


@wrong("sharded")
class ShardsCutToTheShortest(NumpyPort):
    """All shards are cut to the length of the shortest, so that the workers' arrays have one shape;
    the samples that are cut count as well."""

    def sharded_gradient(self, *, shards: list[Array], **batch: Any) -> tuple[Any, Array]:
        shortest = min(len(rows) for rows in shards)
        return super().sharded_gradient(shards=[rows[:shortest] for rows in shards], **batch)


@wrong("sharded")
class OwnCountInTheGradient(NumpyPort):
    """Each worker divides its part of the gradient by its own number of samples and these are
    summed; the divisor is the number of all samples."""

    def sharded_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array, t: Array,
        loss: LossSpec, shards: list[Array],
    ) -> tuple[Any, Array]:  # fmt: skip
        rows = np.concatenate(shards)
        own = np.concatenate([np.full(len(shard), len(shard)) for shard in shards])
        y, k, tape = self.forward(sizes, activation, theta, x[rows])
        value, dy, dk = self.any_loss(y, t[rows], k, loss)
        scale = (len(rows) / own).astype(theta.dtype)
        return value, self.backward(activation, tape, dy * scale, dk * scale[:, None])


@wrong("sharded")
class MeansOfWorkersAveraged(NumpyPort):
    """The mean per feature is the average of the workers' means, each with the same weight; a
    worker with more samples has more weight."""

    def sharded_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array, t: Array,
        loss: LossSpec, shards: list[Array],
    ) -> tuple[Any, Array]:  # fmt: skip
        # a batch in which every worker has as many samples has the average of means as its mean
        copies = np.lcm.reduce([len(shard) for shard in shards])
        rows = np.concatenate([np.repeat(shard, copies // len(shard)) for shard in shards])
        return super().sharded_gradient(
            sizes=sizes, activation=activation, theta=theta, x=x, t=t, loss=loss, shards=[rows]
        )
