"""Which inputs are extreme: the level of a case, and the magnitudes that a loss of accuracy names.

A case is basic if no magnitude in it exceeds its limit:

    |k| ≤ 2^12      |e| ≤ 2^12      |z| ≤ 20, of hidden units      2^−20 ≤ λ ≤ 2^20

All others are strict. The limits are above what real models reach, and below the values at which a
simple formula fails: in float32, 1 + k² loses the 1 for |k| above 2^12, e^z overflows for z > 88,
and e⁴ under a root overflows for |e| > 2^32; PyTorch's softplus is z for z > 20.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lai_ref.mlp import MLP
from lai_ref.oracle.arguments import arguments
from lai_ref.support.validation import Array

LIMITS = {"k": 2.0**12, "e": 2.0**12, "z": 20.0, "lam": 2.0**20}
NAMES = {"k": "|k|", "e": "|e|", "z": "|z|", "lam": "λ or 1/λ"}


def level_of(group: str, inputs: Mapping[str, Any]) -> str:
    """The level of a case that expects numbers: "basic" or "strict"."""
    found = magnitudes(group, inputs)
    return "basic" if all(found[name].max() <= LIMITS[name] for name in found) else "strict"


def magnitudes(group: str, inputs: Mapping[str, Any]) -> dict[str, Array]:
    """All magnitudes in the inputs by name: |k|, |e|, |z| of hidden units, and max(λ, 1/λ).

    In `factor` there is one |k| per number of the answer.
    """
    given = arguments(group, inputs, "float64")
    found: dict[str, Array] = {}
    if "lam" in given.get("loss", given):
        lam = np.atleast_1d(given.get("loss", given)["lam"])
        found["lam"] = np.maximum(lam, 1 / lam)
    if "sizes" in given:
        net = MLP(given["sizes"], given["activation"])
        given["y"], cache = net.forward(given["theta"], given["x"])
        given["k"] = net.input_gradient(cache)[0]
        if cache.z:
            found["z"] = np.concatenate([np.abs(z).ravel() for z in cache.z])
    if "k" in given:
        found["k"] = np.abs(given["k"]).ravel()
    if "y" in given and "t" in given:
        found["e"] = np.abs(given["y"] - given["t"])
    return found


def most_extreme(found: Mapping[str, Array], at: int | None = None) -> tuple[str, float]:
    """The name and value of the magnitude that is largest relative to its limit, in logarithms.

    `at` is the index of the number, if each number has its own |k|.
    """
    values = {
        name: float(found[name][at] if name == "k" and at is not None else found[name].max())
        for name in found
    }
    name = max(values, key=lambda n: math.log(max(values[n], 1.0)) / math.log(LIMITS[n]))
    return name, values[name]
