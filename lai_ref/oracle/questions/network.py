"""The questions about a network: its input gradient, its parameter gradient, and training runs.

Each question is a tuple of a name, its purpose and the inputs. The inputs are away from the kinks
of relu, |e| and F, except in the cases about a kink.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from lai_ref.adam import Adam, AdamState
from lai_ref.lai import Lai
from lai_ref.losses import Plain
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad_mixed
from lai_ref.oracle.questions.loss import ADAM, dyadic, nonzero, to_float32
from lai_ref.support.validation import Array

ACTIVATIONS = ("identity", "relu", "tanh", "softplus", "silu")
HIDDEN: tuple[tuple[int, ...], ...] = ((), (3,), (3, 2), (2, 3, 2))
# without a hidden layer no activation is used
NETS = [(a, hidden) for a, hidden in product(ACTIVATIONS, HIDDEN) if hidden or a == "identity"]


def _lai(lam: Any, order: int, l1_ratio: float = 0.0, reduction: str = "batch") -> dict[str, Any]:
    return {"name": "lai", "lam": lam, "order": order, "l1_ratio": l1_ratio, "reduction": reduction}


LOSSES = {
    "plain1": {"name": "plain", "order": 1},
    "plain2": {"name": "plain", "order": 2},
    "lai1-batch": _lai(0.5, 1),
    "lai2-batch": _lai(0.25, 2),
    "lai2-sample": _lai(0.125, 2, 0.25, "sample"),
    "lai1-sample-list": _lai([0.25, 4.0], 1, 0.5, "sample"),
    "lai2-batch-list": _lai([0.0625, 2.0], 2, 1.0),
}


def _net_inputs(
    rng: np.random.Generator, activation: str, hidden: tuple[int, ...], n: int = 3, d: int = 2
) -> dict[str, Any]:
    """Weights and inputs with |z| > 1/64 in every hidden unit: relu has its kink at z = 0."""
    net = MLP((d, *hidden, 1), activation)
    while True:
        theta, x = dyadic(rng, (net.n_params,)), dyadic(rng, (n, d))
        _, tape = net.forward(theta, x)
        off_kinks = all((np.abs(z) > 1 / 64).all() for z in tape.z)
        if off_kinks and not _has_dead_relu(tape.z, activation):
            return {"sizes": list(net.sizes), "activation": activation, "theta": theta, "x": x}


def input_gradient(rng: np.random.Generator) -> Iterator[Any]:
    for activation, hidden in NETS:
        about = f"{activation}, {_layers(hidden)}"
        yield f"{activation}-depth{len(hidden)}", about, _net_inputs(rng, activation, hidden)
    for activation in ACTIVATIONS:
        one = _net_inputs(rng, activation, (3, 2), n=1)
        yield f"{activation}-one-sample", "N = 1: the sample axis is kept", one
        one = _net_inputs(rng, activation, (3,), d=1)
        yield f"{activation}-one-feature", "D = 1: the feature axis is kept", one
        wide = _net_inputs(rng, activation, (3,), d=5)
        yield f"{activation}-wide", "five features", wide
        large = _net_inputs(rng, activation, (3,))
        large["x"] = 16 * large["x"]
        yield f"{activation}-large-z", "large |z| in hidden units, where tanh is flat", large
        for hidden in ((3,), (3, 2)):
            far = _net_inputs(rng, activation, hidden)
            far["x"] = 1024 * far["x"]
            about = "|z| above 700 in hidden units: no exponential may overflow"
            yield f"{activation}-far-z-depth{len(hidden)}", about, far
        small = _net_inputs(rng, activation, (3,))
        small["theta"] = small["theta"] * 2.0**-20
        yield f"{activation}-small-z", "small |z| in hidden units, where tanh z ≈ z", small
    kink = {"sizes": [2, 1, 1], "activation": "relu", "theta": [1.0, -0.5, 0.25, 2.0, 0.5],
            "x": [[0.25, 1.0]]}  # fmt: skip
    yield "relu-kink", "z = 0 in a hidden unit, the kink of relu", kink


def _with_loss(
    rng: np.random.Generator,
    activation: str,
    hidden: tuple[int, ...],
    loss: dict[str, Any],
    n: int = 3,
) -> dict[str, Any]:
    """A network and a batch with every |e| above 1/8 and every k at least 2 % from its kink."""
    while True:
        inputs = _net_inputs(rng, activation, hidden, n)
        y, k = _y_and_k(inputs)
        t = np.round((y + nonzero(rng, (n,))) * 64) / 64
        if (np.abs(y - t) > 1 / 8).all() and _away_from_kinks(k, loss):
            return {**inputs, "t": t, "loss": loss}


def _line(theta: list[float], x: Any, t: list[float], **rest: Any) -> dict[str, Any]:
    """A linear model: a network without a hidden layer."""
    net = {"sizes": [len(theta) - 1, 1], "activation": "identity", "theta": theta, "x": x}
    return {**net, "t": t, **rest}


def param_gradient(rng: np.random.Generator) -> Iterator[Any]:
    kinds = list(LOSSES.items())
    for activation, hidden in NETS:
        a = ACTIVATIONS.index(activation)
        # all losses; for three hidden layers two of them, a different pair for each activation
        for name, loss in kinds if len(hidden) < 3 else (kinds[(a + 3) % 7], kinds[(a + 5) % 7]):
            about = f"{activation}, {_layers(hidden)}, {name}"
            inputs = _with_loss(rng, activation, hidden, loss)
            yield f"{activation}-depth{len(hidden)}-{name}", about, inputs
    # F'/F is about 2/k above the kink: for a small k and a smaller λ, L depends mainly on k
    loss = _lai(2.0**-16, 2)
    for activation in ("tanh", "softplus", "silu"):
        about = "L depends mainly on k: most of the gradient of the biases comes through f''"
        inputs = _with_loss(rng, activation, (3,), loss)
        inputs["theta"][9:12] /= 32  # w_L, and with it k
        yield f"{activation}-curvature", about, inputs
    for name, loss in kinds:
        inputs = _with_loss(rng, "tanh", (3,), loss, n=1)
        yield f"tanh-one-sample-{name}", "N = 1: the sample axis is kept", inputs
    for order, k in ((1, 0.25), (2, -0.5)):
        line = _line([k, 0.5], [[1.0], [-2.0]], [0.0, 3.0], loss=_lai(0.25, order))
        yield f"line-kink-p{order}", "a line with its slope at the kink", line
    line = _line([0.5, 0.5], [[1.0], [2.0]], [1.0, 3.0], loss=LOSSES["plain1"])
    yield "line-zero-e-p1", "a residual is 0: a kink of |e|", line
    for order in (1, 2):
        x = [[2.0**-79], [-(2.0**-80)]]
        steep = _line([2.0**80, 0.5], x, [0.25, 1.0], loss=_lai(0.5, order))
        yield f"line-steep-p{order}", "a line of slope 1e24: 1 + k² must not overflow", steep
    loss = _lai(0.5, 2)
    exact = _line([0.5, -0.25, 0.5], [[1.0, 2.0], [2.0, 0.0]], [0.5, 1.5], loss=loss)
    yield "line-zero-vector", "all residuals are 0: no derivative of the norm may be NaN", exact
    far = _net_inputs(rng, "softplus", (3,))
    far["x"] = 1024 * far["x"]
    t = np.round(64 * (_y_and_k(far)[0] + nonzero(rng, (3,)))) / 64
    about = "|z| above 700 in hidden units: no exponential may overflow"
    yield "softplus-far-z", about, {**far, "t": t, "loss": loss}
    large = {"sizes": [1, 1, 1], "activation": "softplus", "theta": [1.0, 20.0, 1.5, 0.5],
             "x": [[2.0], [5.0]], "t": [34.0, 37.0], "loss": _lai(0.25, 2)}  # fmt: skip
    about = "z = 22 and 25 in hidden units, where softplus' is still below 1"
    yield "softplus-large-z", about, large


TRAJECTORIES: tuple[tuple[str, str, dict[str, Any], int, bool], ...] = (
    ("tanh", "tanh, L2, batch reduction", _lai(0.25, 2), 2, False),
    ("relu", "relu, L1, λ a list, mixed batches", _lai([0.125, 2.0], 2, 1.0), 1, True),
    ("softplus", "softplus, elastic net, sample reduction", _lai(0.5, 1, 0.25, "sample"), 2, True),
)
STEPS = 24


def train(rng: np.random.Generator) -> Iterator[Any]:
    for activation, about, loss, plain, mixed in TRAJECTORIES:
        run, states = _trajectory(rng, activation, loss, plain, mixed)
        yield f"{activation}-run", f"{STEPS} steps: {about}", run
        for s, (theta, m, v) in enumerate(states):
            step = run | {"theta": theta, "m": m, "v": v, "step": s, "batches": [run["batches"][s]]}
            about = f"step {s + 1} of the run alone, from a given state"
            yield f"{activation}-step-{s + 1}", about, step


def _trajectory(
    rng: np.random.Generator, activation: str, loss: dict[str, Any], plain: int, mixed: bool
) -> tuple[dict[str, Any], list[tuple[Array, Array, Array]]]:
    """A run away from every kink, and the state before each of its steps, rounded to float32."""
    kwargs = {key: value for key, value in loss.items() if key != "name"}
    while True:
        inputs = _net_inputs(rng, activation, (3,), n=12)
        t = dyadic(rng, (12,)) * 2
        batches = []
        for s in range(STEPS):
            rows = rng.permutation(12)[:4]
            part = rng.permutation(4)[: int(rng.integers(1, 4))] if mixed else np.arange(4)
            chosen = rows[np.sort(part)] if s % 3 else rows[:0]
            batches.append({"rows": rows.tolist(), "lai_rows": chosen.tolist()})
        net, opt = MLP(inputs["sizes"], activation), Adam(**ADAM)
        theta, states = inputs["theta"], []
        moments = AdamState(0, np.zeros_like(theta), np.zeros_like(theta))
        for batch in batches:
            states.append((to_float32(theta), to_float32(moments.m), to_float32(moments.v)))
            rows = np.array(batch["rows"])
            y, tape = net.forward(theta, inputs["x"][rows])
            k, _ = net.input_gradient(tape)
            mask = np.isin(rows, batch["lai_rows"])
            _, grad = value_and_grad_mixed(
                net, theta, inputs["x"][rows], t[rows], Plain(plain), Lai(**kwargs), mask
            )
            away = (
                all((np.abs(z) > 1 / 128).all() for z in tape.z)
                and bool((np.abs(y - t[rows]) > 1 / 64).all())
                and _away_from_kinks(k, loss)
                and bool((np.abs(grad) > 1e-3).all())
            )
            if not away:
                break
            theta, moments = opt.step(theta, grad, moments)
        if away:
            zero = np.zeros_like(theta)
            run = {**inputs, "m": zero, "v": zero, "step": 0, "t": t, "plain": plain, "loss": loss,
                   **ADAM, "batches": batches}  # fmt: skip
            return run, states


def sharded(rng: np.random.Generator) -> Iterator[Any]:
    splits = {"equal": [[0, 1, 2], [3, 4, 5]], "unequal": [[0], [1, 2, 3, 4, 5]],
              "three": [[4, 0], [5, 1, 2], [3]], "one": [[0, 1, 2, 3, 4, 5]]}  # fmt: skip
    words = {"equal": "two equal shards", "unequal": "two unequal shards", "three": "three shards",
             "one": "one shard"}  # fmt: skip
    for (name, loss), (split, shards) in product(list(LOSSES.items())[1:6], splits.items()):
        about = f"{name}, {words[split]}: the mean over all samples, then the norm"
        inputs = _with_loss(rng, "tanh", (3,), loss, n=6)
        yield f"{name}-{split}", about, inputs | {"shards": shards}
    lai2 = LOSSES["lai2-batch"]
    for activation in ("softplus", "silu"):
        about = f"{activation}, two hidden layers of equal width, unequal shards"
        inputs = _with_loss(rng, activation, (3, 3), lai2, n=6)
        yield f"{activation}-square", about, inputs | {"shards": splits["unequal"]}
    x = [[1.0], [2.0], [-1.0]]
    line = _line([0.5, 0.5], x, [3.0, -1.0, 2.0], shards=[[0], [1, 2]])
    yield "line-kink", "a line with its slope at the kink", line | {"loss": LOSSES["lai1-batch"]}
    zero_e = line | {"t": [1.0, -1.0, 2.0], "loss": LOSSES["plain1"]}
    yield "line-zero-e", "a residual is 0: a kink of |e|", zero_e
    zero = line | {"t": [1.0, 1.5, 0.0], "loss": lai2}
    yield "line-zero-vector", "all residuals are 0: no derivative of the norm may be NaN", zero
    for name in ("lai2-batch", "lai2-sample"):
        inputs = _with_loss(rng, "tanh", (3,), LOSSES[name], n=6)
        about = f"{name}, samples in no shard are not in the batch"
        yield f"{name}-some", about, inputs | {"shards": [[5, 1], [3]]}


def _layers(hidden: tuple[int, ...]) -> str:
    return f"{len(hidden)} hidden layer{'s' * (len(hidden) != 1)}"


def _y_and_k(inputs: dict[str, Any]) -> tuple[Array, Array]:
    net = MLP(inputs["sizes"], inputs["activation"])
    y, tape = net.forward(np.asarray(inputs["theta"]), np.asarray(inputs["x"]))
    return y, net.input_gradient(tape)[0]


def _away_from_kinks(k: Array, loss: dict[str, Any]) -> bool:
    if loss["name"] == "plain":
        return True
    return bool((np.abs(np.abs(k) ** loss["order"] / np.array(loss["lam"]) - 1) > 0.02).all())


def _has_dead_relu(zs: list[Array], activation: str) -> bool:
    """Whether all relus of a layer are 0 for some sample, so that its input gradient is 0."""
    return activation == "relu" and any((z < 0).all(axis=1).any() for z in zs)
