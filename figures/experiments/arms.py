"""The loss and the optimiser of a job after pretraining: the arms of the comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from figures.experiments.inputs import Job
from lai_ref import MLP, Adam, AdamState, Array, GradientPenalty, Lai, Loss, Plain


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr · decay · θ in each step, biases excepted."""

    weight_decay: Array = field(kw_only=True)  # (P,): `decay` for a weight, 0 for a bias

    def step(self, theta: Array, grad: Array, state: AdamState) -> tuple[Array, AdamState]:
        stepped, state = super().step(theta, grad, state)
        return stepped - self.lr * self.weight_decay * theta, state


@dataclass(frozen=True)
class FeaturePenalty:
    """MSE plus Σ_j μ_j mean_i k_ij²: the gradient penalty with a μ for each feature."""

    mu: tuple[float, ...]  # (D,)
    needs_k: ClassVar[bool] = True

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        value, dy, _ = Plain().evaluate(y, t)
        mu = np.asarray(self.mu, k.dtype)
        # L = mean e² + Σ_j μ_j mean_i k_ij²;  dk_ij = 2 μ_j k_ij / N
        return value + mu @ (k * k).mean(axis=0), dy, 2 / len(k) * mu * k


@dataclass(frozen=True)
class UndividedLai:
    """The Lai loss without the division by λ < 1 (§2.2): λ times that of `lai_ref`."""

    lai: Lai
    needs_k: ClassVar[bool] = True

    def evaluate(self, y: Array, t: Array, k: Array) -> tuple[Any, Array, Array]:
        value, dy, dk = self.lai.evaluate(y, t, k)
        c = dy.dtype.type(min(float(self.lai.lam), 1.0))  # type: ignore[arg-type]
        return c * value, c * dy, c * dk


def _lai(job: Job) -> Loss:
    lai = Lai(job["lam"], job["order"], job["l1_ratio"], job["reduction"])
    if job["divided"]:
        return lai
    if isinstance(job["lam"], list):
        raise ValueError(f"job: expected one λ for the undivided loss, got {job['lam']}")
    return UndividedLai(lai)


def _penalty(job: Job) -> Loss:
    mu = job["mu"]
    return FeaturePenalty(tuple(mu)) if isinstance(mu, list) else GradientPenalty(mu)


# parameter of a job: the function that makes its loss from the job
LOSSES: dict[str, Callable[[Job], Loss]] = {"lam": _lai, "mu": _penalty}
CONTROL: Job = dict.fromkeys((*LOSSES, "decay", "jitter"))


def make_loss(job: Job) -> Loss:
    """The loss after pretraining."""
    made = [make(job) for name, make in LOSSES.items() if job[name] is not None]
    if len(made) > 1:
        raise ValueError(f"job: expected at most one of {', '.join(LOSSES)}, got {len(made)}")
    return made[0] if made else Plain()


def make_optimizer(job: Job, net: MLP) -> Adam:
    """Adam, or AdamW for a job with `decay`."""
    if job["decay"] is None:
        return Adam(lr=job["lr"])
    layers = [np.r_[np.full(n * m, job["decay"]), np.zeros(m)] for n, m in pairwise(net.sizes)]
    return AdamW(lr=job["lr"], weight_decay=np.concatenate(layers).astype(job["dtype"]))
