"""Conversion between the units of a table and those of its network.

    x_net = (x − a) / b        y = m + s y_net        ∂y/∂x = s k_net / b

a and b are those of the input scaling, one per feature; m and s the mean and the standard deviation
of the training targets, or 0 and 1 where the targets keep their units.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lai_ref.mlp import MLP
from lai_ref.support.chunks import chunks
from lai_ref.support.validation import Array
from lai_ref.tables.dataset import Dataset
from lai_ref.tables.experiment import Experiment

GRADIENT_CHUNK = 1024  # samples at a time


class Units(NamedTuple):
    """Names and scales of a network's inputs and output; ready for JSON with `to_json`."""

    features: tuple[str, ...]
    target: str
    a: Array  # (D,)
    b: Array  # (D,)
    m: float
    s: float
    dtype: str  # of the network

    def predict(self, net: MLP, theta: Array, x: Array) -> Array:
        """y (N,) in the target's units, for x (N, D) in the features' units."""
        return self.m + self.s * net.predict(theta, self.scaled(x)).astype(np.float64)

    def input_gradient(self, net: MLP, theta: Array, x: Array) -> Array:
        """∂y/∂x (N, D) in the target's units per unit of the feature."""
        k = np.empty(x.shape)
        for rows in chunks(len(x), GRADIENT_CHUNK):
            _, cache = net.forward(theta, self.scaled(x[rows]))
            k[rows] = net.input_gradient(cache)[0]
        return self.s * k / self.b

    def scaled(self, x: Array) -> Array:
        """x in the network's units."""
        inputs: Array = ((x - self.a) / self.b).astype(self.dtype)
        return inputs

    def to_json(self) -> dict[str, Any]:
        """Lists and numbers, ready for JSON; `from_json` is the inverse."""
        return self._asdict() | {"a": self.a.tolist(), "b": self.b.tolist()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Units:
        """The inverse of `to_json`; raises KeyError, TypeError or ValueError for other values."""
        names, a, b = (
            tuple(map(str, values["features"])),
            *(np.array(values[name], float) for name in "ab"),
        )
        if not a.shape == b.shape == (len(names),):
            raise ValueError(f"expected scales for {len(names)} features")
        scale = float(values["m"]), float(values["s"])
        return cls(names, str(values["target"]), a, b, *scale, np.dtype(values["dtype"]).name)


def standardise_target(task: Experiment, dtype: str) -> tuple[Experiment, float, float]:
    """The experiment with targets of mean 0 and standard deviation 1 in training; and m and s.

    `task` is in double precision: in float32, targets far from 0 would lose what distinguishes
    them. The result has the `dtype`.
    """
    m, s = float(task.t.mean()), float(task.t.std())
    if (task.t == task.t[0]).all():
        raise ValueError(
            f"target: expected different numbers, got {task.t[0]:g} in all {len(task.t)} training"
            " rows; choose another --seed or target"
        )
    t, t_val = ((each - m) / s for each in (task.t, task.t_val))
    x, t, x_val, t_val, x_test = (
        each.astype(dtype) for each in (task.x, t, task.x_val, t_val, task.x_test)
    )
    return task._replace(x=x, t=t, x_val=x_val, t_val=t_val, x_test=x_test), m, s


def units_of(data: Dataset, task: Experiment, m: float = 0.0, s: float = 1.0) -> Units:
    """The units of a network that is trained on `task`, made from `data`."""
    dtype = task.x.dtype.name
    return Units(data.features, data.target, task.centre, task.scale, m, s, dtype)
