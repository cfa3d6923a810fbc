"""Wrong ports to PyTorch: mistakes in Lai Training and in data parallel training."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch

from tests.ports.plain_torch import Module, PlainTorch, Tensor


class _OwnLoop(PlainTorch):
    """The loop of `train`, with a method for each place of a mistake."""

    def is_lai(self, rows: Any, lai_rows: Any) -> Any:
        return np.isin(rows, lai_rows)

    def rows_of_t(self, rows: Any) -> Any:
        return rows

    def zero_grad(self, optimizer: Any) -> None:
        optimizer.zero_grad()

    def before_step(self, net: Module) -> None:
        pass

    def after_step(self, optimizer: Any) -> None:
        pass

    def record(self, net: Module) -> Any:
        return self.flatten(net.parameters())

    def result(self, thetas: list[Any]) -> Any:
        return np.array(thetas)

    def prepared(self, net: Module) -> Module:
        """The network to train; the optimizer already has the parameters of `net`."""
        return net

    def train(
        self, *, sizes: list[int], activation: str, theta: Any, m: Any, v: Any, step: int,
        x: Any, t: Any, plain: int, loss: dict[str, Any], batches: Any, **constants: float,
    ) -> Any:  # fmt: skip
        net = self.network(sizes, activation, theta)
        params = list(net.parameters())
        optimizer = self.optimizer(params, **constants)
        self.restore(optimizer, params, self.unflatten(m, net), self.unflatten(v, net), step)
        net, x, t, thetas = self.prepared(net), torch.tensor(x), torch.tensor(t), []
        for rows, lai_rows in batches:
            is_lai = torch.tensor(self.is_lai(rows, lai_rows))
            self.zero_grad(optimizer)
            t_rows = self.rows_of_t(rows)
            self.mixed_objective(net, x[rows], t[t_rows], is_lai, plain, loss).backward()
            self.before_step(net)
            optimizer.step()
            self.after_step(optimizer)
            thetas.append(self.record(net))
        return self.result(thetas)


# train


class NoZeroGrad(_OwnLoop):
    """zero_grad() was forgotten, so that gradients accumulate; zero them in each step."""

    def zero_grad(self, optimizer: Any) -> None:
        pass


class ClippedGradient(_OwnLoop):
    """clip_grad_norm_ to 1 was left on; the gradient is used as it is."""

    def before_step(self, net: Module) -> None:
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)


class DecayingLearningRate(_OwnLoop):
    """The learning rate decayed by 5% per step (ExponentialLR); it is constant."""

    def after_step(self, optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] *= 0.95


class LossesAdded(PlainTorch):
    """The two losses were added without weights; each has the weight of its samples, n_·/n."""

    def mixed_objective(
        self, net: Module, x: Tensor, t: Tensor, is_lai: Tensor, plain: int, loss: dict[str, Any]
    ) -> Tensor:
        total = torch.zeros((), dtype=x.dtype)
        for mask, kind in ((~is_lai, {"name": "plain", "order": plain}), (is_lai, loss)):
            if mask.any():
                total = total + self.objective(net, x[mask], t[mask], kind)
        return total


class PlainLossOfAllSamples(PlainTorch):
    """The plain loss was computed over all samples of the batch; it excludes the Lai samples."""

    def mixed_objective(
        self, net: Module, x: Tensor, t: Tensor, is_lai: Tensor, plain: int, loss: dict[str, Any]
    ) -> Tensor:
        value = (~is_lai).sum() * self.plain_loss(self.predict(net, x), t, plain)
        if is_lai.any():
            value = value + is_lai.sum() * self.objective(net, x[is_lai], t[is_lai], loss)
        return value / len(x)


class RowsAsPositions(_OwnLoop):
    """lai_rows were taken as positions in the batch; they are row numbers of x."""

    def is_lai(self, rows: Any, lai_rows: Any) -> Any:
        return np.isin(np.arange(len(rows)), lai_rows)


class TargetsInAnotherOrder(_OwnLoop):
    """t was indexed by the sorted rows and x by the unsorted rows; both need the same order."""

    def rows_of_t(self, rows: Any) -> Any:
        return np.sort(rows)


class StaleParameters(_OwnLoop):
    """The network was copied after the optimizer had its parameters, so θ never changes; give
    the optimizer the parameters of the network that is trained."""

    def prepared(self, net: Module) -> Module:
        return copy.deepcopy(net)


class ThetaByReference(_OwnLoop):
    """θ was recorded without a copy, so that all entries equal the last θ; clone it each step."""

    def record(self, net: Module) -> Any:
        return list(net.parameters())

    def result(self, thetas: list[Any]) -> Any:
        return np.array([self.flatten(params) for params in thetas])


class OptimizerInsideTheLoop(PlainTorch):
    """The optimizer was created again for every batch, with the initial m, v and step; create it
    once."""

    def train(self, *, theta: Any, batches: Any, **case: Any) -> Any:
        thetas = []
        for batch in batches:
            (theta,) = super().train(theta=theta, batches=[batch], **case)
            thetas.append(theta)
        return np.array(thetas)


class AveragedWeights(PlainTorch):
    """The running mean of θ over the steps was returned (AveragedModel); the answer is θ itself."""

    def train(self, **case: Any) -> Any:
        thetas = super().train(**case)
        return np.cumsum(thetas, axis=0) / np.arange(1, len(thetas) + 1)[:, None]


# sharded


class AverageOfShardGradients(PlainTorch):
    """Each worker differentiated the loss of its own shard and DDP averaged the gradients; the
    mean over all samples comes first, then the norm."""

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        each = [self.param_gradient(x=x[rows], t=t[rows], **rest) for rows in shards]
        values, grads = zip(*each, strict=True)
        return np.mean(values), np.mean(grads, axis=0).astype(grads[0].dtype)


class MeanOfShardMeans(PlainTorch):
    """The means of the shards had equal weights; a shard of n samples has the weight n."""

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        loss = rest["loss"]
        net = self.network(rest["sizes"], rest["activation"], rest["theta"])
        x, t = torch.tensor(x), torch.tensor(t)
        if loss["name"] == "plain" or loss["reduction"] == "sample":
            values = [self.objective(net, x[rows], t[rows], loss) for rows in shards]
            value = torch.stack(values).mean()
        else:
            c = torch.stack([self.means(net, x[rows], t[rows], loss) for rows in shards])
            value = self.norm(c.mean(dim=0), loss["l1_ratio"])
        value.backward()
        return value.item(), self.flatten(self.gradients(net))

    def means(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        """c (D,) of one shard."""
        y, k = self.with_input_gradient(net, x)
        error = self.residual_power(y, t, loss["order"])[:, None]
        return (error * self.lai_factor(k, loss["lam"], loss["order"])).mean(dim=0)


class ShardsPaddedByRepetition(PlainTorch):
    """DistributedSampler repeated samples to make all shards equally long; count each once."""

    def sharded_gradient(self, *, shards: Any, **rest: Any) -> Any:
        n = max(map(len, shards))
        padded = [np.resize(rows, n) for rows in shards]  # repeats from the start
        return super().sharded_gradient(shards=padded, **rest)


class AllReduceWithoutGradient(PlainTorch):
    """all_reduce is not differentiable: each worker got the gradient through its own samples, and
    DDP averaged these gradients; add them."""

    def sharded_gradient(self, *, shards: Any, **rest: Any) -> Any:
        value, grad = super().sharded_gradient(shards=shards, **rest)
        return value, grad / grad.dtype.type(len(shards))


class LossOfTheFirstWorker(PlainTorch):
    """The value was that of the first worker's own shard; it is that of the whole batch."""

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        _, grad = super().sharded_gradient(x=x, t=t, shards=shards, **rest)
        value, _ = self.param_gradient(x=x[shards[0]], t=t[shards[0]], **rest)
        return value, grad


TRAINING: dict[str, list[type[PlainTorch]]] = {
    "train": [
        NoZeroGrad,
        ClippedGradient,
        DecayingLearningRate,
        LossesAdded,
        PlainLossOfAllSamples,
        RowsAsPositions,
        TargetsInAnotherOrder,
        StaleParameters,
        ThetaByReference,
        OptimizerInsideTheLoop,
        AveragedWeights,
    ],
    "sharded": [
        AverageOfShardGradients,
        MeanOfShardMeans,
        ShardsPaddedByRepetition,
        AllReduceWithoutGradient,
        LossOfTheFirstWorker,
    ],
}
