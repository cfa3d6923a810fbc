"""Every group evaluated straightforwardly in `Bounded` numbers: where the tolerances come from.

Formula by formula as a good port computes it, see `network`, `loss` and
`drift`; what correct ports do otherwise, and what is covered of it, stands there. Every
answer is allowed one rounding to its dtype, also where nothing was computed.

    |got − true| ≤ tolerance(b, dtype)      for every number b of `answer`

At a kink that inputs hit exactly the bound is that of one side, the one that u names. A number that
rounding may carry over a kink has no tolerance, and its case no worth: `AmbiguousBranchError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lai_ref.oracle.tolerances.bounded import Bounded
from lai_ref.oracle.tolerances.drift import State, free_run
from lai_ref.oracle.tolerances.loss import Row, adam, factor, lai, plain
from lai_ref.oracle.tolerances.network import Sample, layers_of, param_gradient, through_network


def answer(group: str, inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    """The outputs of a case, as `Bounded` numbers and nested lists of them.

    Parameters
    ----------
    group
        codec, factor, loss, input_gradient, param_gradient, adam, train or sharded.
    inputs
        By name: decimals that are float32 numbers, ints, names, and nested lists of these.
    u
        In [0, 1]: which derivative to take where there is none.

    Raises
    ------
    ValueError
        A group that does not exist.
    UndecidedError
        Rounding in single precision decides on which side of a kink some number is.
    """
    if group == "codec":
        return {"values": _exact(inputs["values"])}
    if group not in GROUPS:
        raise ValueError(f"group: expected codec, {', '.join(GROUPS)}, got {group!r}")
    return {name: _rounded(output) for name, output in GROUPS[group](inputs, u).items()}


def value_and_gradient(
    inputs: Mapping[str, Any], theta: Row, x: list[Row], t: Row, loss: Mapping[str, Any], u: float
) -> tuple[Bounded, Row]:
    """L and θ̄ (P) of a network (`sizes`, `activation`) at θ, for samples x (N, D) and t (N)."""
    layers = layers_of(inputs["sizes"], theta)
    samples = [through_network(layers, inputs["activation"], x_i, u) for x_i in x]
    y, k = [sample.y for sample in samples], [sample.k for sample in samples]
    if loss["name"] == "plain":
        value, dy = plain(y, t, loss["order"], u)
        dk = [[Bounded(0.0)] * len(k_i) for k_i in k]
    else:
        value, dy, dk = lai(y, t, k, loss, u)
    return value, param_gradient(layers, samples, dy, dk)


# Groups: inputs, u → outputs


def _factor(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    lam, order = float(inputs["lam"]), inputs["order"]
    F = [factor(k, lam, order, u) for k in _exact(inputs["k"])]
    return {"value": [f for f, _ in F], "slope": [dF for _, dF in F]}


def _loss(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    y, t, k = (_exact(inputs[name]) for name in ("y", "t", "k"))
    return dict(zip(("value", "dy", "dk"), lai(y, t, k, inputs, u), strict=True))


def _input_gradient(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    layers = layers_of(inputs["sizes"], _exact(inputs["theta"]))
    samples: list[Sample] = [
        through_network(layers, inputs["activation"], x_i, u) for x_i in _exact(inputs["x"])
    ]
    return {"y": [sample.y for sample in samples], "k": [sample.k for sample in samples]}


def _param_gradient(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    theta, x, t = (_exact(inputs[name]) for name in ("theta", "x", "t"))
    value, grad = value_and_gradient(inputs, theta, x, t, inputs["loss"], u)
    return {"value": value, "grad": grad}


def _adam(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    theta, grad, m, v = (_exact(inputs[name]) for name in ("theta", "grad", "m", "v"))
    after = adam(theta, grad, inputs["t"], m, v, inputs)
    return dict(zip(("theta", "m", "v"), after, strict=True))


def _train(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    x, t = _exact(inputs["x"]), _exact(inputs["t"])

    def gradient_of(batch: Mapping[str, Any]) -> Callable[[Row], Row]:
        rest = [row for row in batch["rows"] if row not in batch["lai_rows"]]
        plain_loss = {"name": "plain", "order": inputs["plain"]}

        def gradient(theta: Row) -> Row:
            grad = [Bounded(0.0)] * len(theta)
            for rows, loss in ((rest, plain_loss), (batch["lai_rows"], inputs["loss"])):
                if rows:
                    x_rows, t_rows = [x[row] for row in rows], [t[row] for row in rows]
                    _, part = value_and_gradient(inputs, theta, x_rows, t_rows, loss, u)
                    # L = (n_plain · plain + n_lai · lai) / n
                    weight = Bounded(float(len(rows))) / len(batch["rows"])
                    grad = [g + weight * p for g, p in zip(grad, part, strict=True)]
            return grad

        return gradient

    state = State(*(_exact(inputs[name]) for name in ("theta", "m", "v")))
    gradients = [gradient_of(batch) for batch in inputs["batches"]]
    return {"theta": free_run(state, inputs["step"], gradients, inputs)}


def _sharded(inputs: Mapping[str, Any], u: float) -> dict[str, Any]:
    # sums over all rows in any order are sums over shards of sums over rows
    rows = [row for shard in inputs["shards"] for row in shard]
    x, t = ([inputs[name][row] for row in rows] for name in ("x", "t"))
    return _param_gradient({**inputs, "x": x, "t": t}, u)


GROUPS: dict[str, Callable[[Mapping[str, Any], float], dict[str, Any]]] = {
    "factor": _factor,
    "loss": _loss,
    "input_gradient": _input_gradient,
    "param_gradient": _param_gradient,
    "adam": _adam,
    "train": _train,
    "sharded": _sharded,
}


def _exact(numbers: Any) -> Any:
    """Nested decimals as numbers without an error."""
    if isinstance(numbers, list):
        return [_exact(number) for number in numbers]
    return Bounded(float(numbers))


def _rounded(output: Any) -> Any:
    if isinstance(output, list):
        return [_rounded(part) for part in output]
    return Bounded(output.value, output.rounding + abs(output.value), output.underflow + 1)
