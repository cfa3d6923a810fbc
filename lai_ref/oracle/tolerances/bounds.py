"""The tolerances of every group: its answer, computed by the port in `Bounded` numbers.

`loss`, `network` and `drift` describe which variants of the computation the bounds cover; the
bounds of level basic are in `autodiff`. The bound of every answer includes one rounding to its
dtype, even if nothing is computed.

    |got − true| ≤ tolerance(b, dtype)      for every number b of `bounded_answer`

At a kink, the bound is for the subgradient that u selects. If rounding may move a number across a
kink, it has no tolerance, and the case is useless: `AmbiguousBranchError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lai_ref.oracle.arguments import arguments
from lai_ref.oracle.case import INPUTS, MATRIX, METHODS, OUTPUTS, VECTOR
from lai_ref.oracle.mutants.port import Batches, Loss
from lai_ref.oracle.mutants.port_loss import Array
from lai_ref.oracle.tolerances.autodiff import AutodiffPort
from lai_ref.oracle.tolerances.bounded import Bounded, bounded
from lai_ref.oracle.tolerances.drift import State, free_run
from lai_ref.oracle.tolerances.port import BoundedPort, arrays


def bounded_answer(
    group: str, inputs: Mapping[str, Any], u: float, level: str = "strict"
) -> dict[str, Any]:
    """The outputs of a case, as `Bounded` numbers and nested lists of them.

    Parameters
    ----------
    group
        codec, factor, loss, input_gradient, param_gradient, adam, train or sharded.
    inputs
        By name: decimals that are float32 numbers, ints, names, and nested lists of these.
    u
        In [0, 1]: the subgradient at kinks, see `truth.model`.
    level
        "strict", or "basic", whose bounds also hold for a derivative by automatic differentiation.

    Raises
    ------
    ValueError
        An unknown group.
    AmbiguousBranchError
        Rounding in float32 may decide on which side of a kink some number is.
    """
    if group not in INPUTS:
        raise ValueError(f"group: expected {', '.join(INPUTS)}, got {group!r}")
    if group == "codec":
        return {"values": arrays(inputs["values"]).tolist()}
    given = arguments(group, inputs, "float64")
    for name, kind in INPUTS[group].items():
        if kind in (VECTOR, MATRIX):
            given[name] = arrays(given[name])
    port = BoundedPort(u) if level == "strict" else AutodiffPort(u)
    if group == "train":
        return {"theta": _rounded(_train(port, **given))}
    results = getattr(port, METHODS[group])(**given)
    return {name: _rounded(part) for name, part in zip(OUTPUTS[group], results, strict=True)}


def _train(
    port: BoundedPort, *, theta: Array, m: Array, v: Array, step: int,
    plain: int, loss: Loss, batches: Batches,
    x: Array, t: Array, sizes: list[int], activation: str, **constants: float,
) -> list[Array]:  # fmt: skip
    """θ after each step, with the drift of the run."""
    net = {"sizes": sizes, "activation": activation}

    def gradient_of(rows: Array, lai_rows: Array) -> Callable[[Array], Array]:
        parts = port.parts(rows, lai_rows, plain, loss)
        return lambda theta: port.mixed_gradient(parts, x=x, t=t, theta=theta, **net)

    return free_run(State(theta, m, v), step, [gradient_of(*batch) for batch in batches], constants)


def _rounded(output: Any) -> Any:
    if isinstance(output, np.ndarray | list):
        return [_rounded(part) for part in output]
    b = bounded(output)
    return Bounded(b.value, b.rounding + abs(b.value), b.underflow + 1)
