"""The exact outputs of every case, to 50 digits, by an implementation independent of lai_ref.

It uses `hyperdual` numbers over `decimal`, the definitions in `model` and only the standard
library. No derivative is coded: all of them are parts of the hyper-dual numbers

    y = f(x; θ)              with x_j + ε₁ and θ_p + ε₂:  y, k_j = ∂y/∂x_j, ∂y/∂θ_p, ∂k_j/∂θ_p
    L = loss(y, t, k)        with y_i + ε₂ ∂y_i/∂θ_p and k_ij + ε₂ ∂k_ij/∂θ_p:  L, ∂L/∂θ_p

The arithmetic has 200 guard digits. Inputs are float32 numbers, which have up to 112 digits: their
products are exact, so that ties are recognised. The guard digits also cover cancellation at extreme
inputs: F' is 1/k² of its terms, and tanh z ≈ z is computed from 1 − e^(−2z). If terms cancel
completely, the result may be 1e-250 times these terms instead of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from typing import Any

from lai_ref.oracle.truth.hyperdual import ONE, ZERO, Hyperdual, variables
from lai_ref.oracle.truth.model import Network, adam, factor, lai, loss_of

GUARD = 200  # guard digits
TRAPS = [InvalidOperation, DivisionByZero, Overflow]


def answer(group: str, inputs: Mapping[str, Any], u: Decimal, digits: int = 50) -> dict[str, Any]:
    """The outputs of a case, as numbers and nested lists of them.

    Parameters
    ----------
    group
        codec, factor, loss, input_gradient, param_gradient, adam, train or sharded.
    inputs
        By name: decimals that are float32 numbers, ints, names, and nested lists of these.
    u
        In [0, 1]: the subgradient at kinks, see `model`.
    digits
        Number of digits of the answers; those of codec are returned unchanged.

    Raises
    ------
    ValueError
        An unknown group.
    """
    if group == "codec":
        return {"values": list(inputs["values"])}
    if group not in GROUPS:
        raise ValueError(f"group: expected codec, {', '.join(GROUPS)}, got {group!r}")
    wide = Context(digits + GUARD, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=TRAPS)
    with localcontext(wide) as context:
        outputs = GROUPS[group](inputs, u)
        context.prec = digits
        return {name: _rounded(output) for name, output in outputs.items()}


# Groups: inputs, u → outputs


def _factor(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    slopes = (Hyperdual(k, d1=ONE) for k in inputs["k"])
    F = [factor(k, inputs["lam"], inputs["order"], u) for k in slopes]
    return {"value": [f.value for f in F], "slope": [f.d1 for f in F]}


def _loss(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    y, t, k = inputs["y"], inputs["t"], inputs["k"]
    rows, columns = range(len(k)), range(len(k[0]))

    def L(i: int | None = None, j: int | None = None) -> Hyperdual:
        """With y_i + ε₂, or, if j is given, with k_ij + ε₂."""
        seeded_y = variables(y, d2=i if j is None else None)
        seeded_k = [variables(k[row], d2=j if row == i else None) for row in rows]
        return lai(seeded_y, t, seeded_k, inputs, u)

    return {
        "value": L().value,
        "dy": [L(i).d2 for i in rows],
        "dk": [[L(i, j).d2 for j in columns] for i in rows],
    }


def _input_gradient(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    y, k = _network(inputs, u).outputs(inputs["theta"], inputs["x"])
    return {"y": [y_i.value for y_i in y], "k": [[k_ij.value for k_ij in row] for row in k]}


def _param_gradient(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    loss = loss_of(inputs["loss"], inputs["t"], u)
    value, grad = _network(inputs, u).gradient(inputs["theta"], inputs["x"], loss)
    return {"value": value, "grad": grad}


def _adam(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    theta, grad, t, m, v = (inputs[name] for name in ("theta", "grad", "t", "m", "v"))
    theta, m, v = adam(theta, grad, t, m, v, inputs)
    return {"theta": theta, "m": m, "v": v}


def _train(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    network, x, t = _network(inputs, u), inputs["x"], inputs["t"]
    theta, m, v = inputs["theta"], inputs["m"], inputs["v"]
    path = []
    for step, batch in enumerate(inputs["batches"], inputs["step"]):
        rest = [row for row in batch["rows"] if row not in batch["lai_rows"]]
        plain = {"name": "plain", "order": inputs["plain"]}
        grad = [ZERO] * len(theta)
        for rows, named in ((rest, plain), (batch["lai_rows"], inputs["loss"])):
            if rows:
                loss = loss_of(named, [t[row] for row in rows], u)
                _, part = network.gradient(theta, [x[row] for row in rows], loss)
                # L = (n_plain · plain + n_lai · lai) / n
                weight = Decimal(len(rows)) / len(batch["rows"])
                grad = [g + weight * g_part for g, g_part in zip(grad, part, strict=True)]
        theta, m, v = adam(theta, grad, step, m, v, inputs)
        path.append(theta)
    return {"theta": path}


def _sharded(inputs: Mapping[str, Any], u: Decimal) -> dict[str, Any]:
    rows = [row for shard in inputs["shards"] for row in shard]
    x, t = ([inputs[name][row] for row in rows] for name in ("x", "t"))
    return _param_gradient({**inputs, "x": x, "t": t}, u)


GROUPS: dict[str, Callable[[Mapping[str, Any], Decimal], dict[str, Any]]] = {
    "factor": _factor,
    "loss": _loss,
    "input_gradient": _input_gradient,
    "param_gradient": _param_gradient,
    "adam": _adam,
    "train": _train,
    "sharded": _sharded,
}


def _network(inputs: Mapping[str, Any], u: Decimal) -> Network:
    return Network(inputs["sizes"], inputs["activation"], u)


def _rounded(output: Any) -> Any:
    return [_rounded(part) for part in output] if isinstance(output, list) else +output
