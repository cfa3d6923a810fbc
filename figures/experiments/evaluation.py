"""The measures of a trained network: smoothness, accuracy and sensitivity to noise (§6.2).

Smoothness and sensitivity are measured on the test set, whose targets are not used; accuracy on the
two halves of the validation set, so that one may choose and the other score. All are in the units
of the target.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from figures.experiments.inputs import Job
from lai_ref import MLP, Array, Experiment, noise_sensitivity

NOISE_KINDS = ("std", "value", "range")  # of §6.2, whose noise is a multiple of one of these


class Evaluator(NamedTuple):
    """Measures a network on the validation set and on the test set without its targets."""

    net: MLP
    task: Experiment
    raw: Array  # the test set's inputs before scaling
    job: Job
    target_scale: float = 1.0  # by which the targets were divided

    @property
    def unit(self) -> Array:
        """One standard deviation of each feature (D,), in units of the network's inputs."""
        return np.asarray(self.task.std / self.task.scale)

    def measure(self, theta: Array) -> dict[str, Any]:
        """The measures of the network with parameters θ, each a number or a list.

        `variance` of the outputs, `mean_grad_norm` (the mean of ‖k‖₂) and `mean_abs_k` (the mean of
        |k_j|, by feature) on the test set; for each half of the validation set `halves`, its RMSE,
        and `moments`, the argument of `rmse_of`.
        """
        task, c = self.task, self.target_scale
        y = c * self.net.predict(theta, task.x_test)
        _, tape = self.net.forward(theta, task.x_test[:: self.job["strides"][0]])
        k = self.net.input_gradient(tape)[0] * (c * self.unit)
        m = float(y.mean(dtype=np.float64))
        u = c * self.net.predict(theta, task.x_val).astype(np.float64) - m
        r = c * task.t_val.astype(np.float64) - m
        middle = len(u) // 2
        moments = [
            [float(r[half] @ r[half]), float(u[half] @ r[half]), float(u[half] @ u[half])]
            for half in (slice(middle), slice(middle, None))
        ]
        counts = (middle, len(u) - middle)
        moments = [[value / n for value in row] for row, n in zip(moments, counts, strict=True)]
        return {
            "variance": float(y.var(dtype=np.float64)),
            "mean_grad_norm": float(np.linalg.norm(k, axis=1).mean()),
            "mean_abs_k": np.abs(k).mean(axis=0).tolist(),
            "halves": [rmse_of(row) for row in moments],
            "moments": moments,
        }

    def sensitivity(self, theta: Array) -> Array:
        """Mean |Δy| for each of the job's noises, by feature: (noises, D).

        A noise is (kind, level): its standard deviation is `level` standard deviations of the
        feature ("std"), values of the sample ("value") or ranges of the feature ("range").
        """
        some = slice(None, None, self.job["strides"][1])
        x, raw, scale = self.task.x_test[some], self.raw[some], self.task.scale
        value, extent = np.abs(raw) / scale, np.ptp(self.raw, axis=0) / scale
        units = dict(zip(NOISE_KINDS, (self.unit, value, extent), strict=True))

        def change(kind: str, level: float) -> Array:
            rng = np.random.default_rng(self.job["seed"])
            change = noise_sensitivity(self.net, theta, x, level * units[kind], rng)
            return self.target_scale * change

        return np.array([change(kind, level) for kind, level in self.job["noises"]])


def rmse_of(moments: list[float], shrinkage: float = 1.0) -> float:
    """RMSE of outputs that are shrunk towards their mean m: y ← m + c (y − m), with c ≤ 1.

    `moments` are the means of r², u r and u², with u = y − m and r = t − m.
    """
    # mean (c u − r)² = mean r² − 2 c mean u r + c² mean u²
    rr, ur, uu = moments
    return math.sqrt(rr - 2 * shrinkage * ur + shrinkage**2 * uu)


def mean_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The means of records with the same numbers and lists."""
    names = [name for name in records[0] if name != "epoch"]
    return {name: np.mean([record[name] for record in records], axis=0).tolist() for name in names}
