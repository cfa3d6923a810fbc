"""What the ports of the oracle are called with: ordinary, extreme and kink inputs, by group.

Every number is a float32, so that both dtypes start from the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from lai_ref.oracle.grading.backend import METHODS
from lai_ref.support.validation import Array

Arguments: TypeAlias = dict[str, Any]
PLAIN_MSE = {"name": "plain", "order": 2}
REFUSED = "to be refused"
PLAIN_MAE = {"name": "plain", "order": 1}


class Call(NamedTuple):
    """One call of a backend's method."""

    group: str
    about: str
    arguments: Arguments

    def answer(self, backend: object, dtype: str, quiet: bool = True) -> list[Array] | None:
        """What the backend answers, its floating-point arguments in `dtype`; None: an error."""
        method = getattr(backend, {**METHODS, "codec": "codec"}[self.group])
        with np.errstate(all="ignore") if quiet else nullcontext():
            try:
                answer = method(**in_dtype(self.arguments, dtype))
            except ValueError:
                return None
        return [np.asarray(part) for part in (answer if isinstance(answer, tuple) else (answer,))]


def in_dtype(value: Any, dtype: str) -> Any:
    """Arguments with the floating-point arrays among them in `dtype`, and no array writable."""
    if isinstance(value, Mapping):
        return {name: in_dtype(part, dtype) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(in_dtype(part, dtype) for part in value)
    if isinstance(value, np.ndarray):
        value = value.astype(dtype if value.dtype.kind == "f" else value.dtype)
        value.setflags(write=False)
    return value


def number(value: float) -> float:
    """The float32 nearest to a number."""
    return float(np.float32(value))


def array(*values: Any) -> Array:
    """Numbers, or rows of them, as the nearest float32."""
    return np.array(values).astype(np.float32).astype(np.float64)


def lai(lam: Any, order: int, l1_ratio: float = 0.0, reduction: str = "batch") -> Arguments:
    """The Lai loss as a dict."""
    lam = array(*lam) if isinstance(lam, (tuple, list)) else number(lam)
    return {
        "name": "lai",
        "lam": lam,
        "order": order,
        "l1_ratio": number(l1_ratio),
        "reduction": reduction,
    }


def normal(rng: np.random.Generator, *shape: int) -> Array:
    """Normal float32 numbers."""
    return rng.standard_normal(shape).astype(np.float32).astype(np.float64)


def network(rng: np.random.Generator, sizes: list[int], activation: str) -> Arguments:
    """A network with random parameters, biases among them."""
    count = sum((a + 1) * b for a, b in pairwise(sizes))
    return {"sizes": sizes, "activation": activation, "theta": normal(rng, count)}


def factors() -> list[Call]:
    k = array(-30, -2.5, -1.25, -0.625, -0.3, -0.01, 0, 0.02, 0.4, 0.7, 1.5, 3, 50)
    calls = [
        Call("factor", f"λ = {lam}, p = {order}", {"k": k, "lam": number(lam), "order": order})
        for order in (1, 2)
        for lam in (0.1, 0.4, 1, 2.25, 20, 1e-30, 1e30)
    ]
    for about, ks, lam, order in [
        ("kink, λ < 1, p = 1", array(-0.5, 0.5), 0.5, 1),
        ("kink, λ < 1, p = 2", array(-0.5, 0.5), 0.25, 2),
        ("kink, λ > 1, p = 1", array(-2, 2), 2, 1),
        ("kink, λ > 1, p = 2", array(-2, 2), 4, 2),
        ("next to a kink, p = 1", array(0.5 * (1 + 2**-20), -0.5 * (1 - 2**-20)), 0.5, 1),
        ("next to a kink, p = 2", array(0.5 * (1 + 2**-20), -0.5 * (1 - 2**-20)), 0.25, 2),
        ("steep, λ < 1, p = 1", array(1e30, -1e25), 0.5, 1),
        ("steep, λ < 1, p = 2", array(1e30, -1e25), 0.5, 2),
        ("steep, λ > 1, p = 1", array(1e8, -3e8), 1e9, 1),
        ("steep, λ > 1, p = 2", array(1e8, -3e8), 1e18, 2),
        ("very steep, λ > 1, p = 2", array(1e15, -3e15), 1e31, 2),
        ("flat, λ tiny, p = 2", array(1e-18, -1e-12), 1e-36, 2),
    ]:
        calls.append(Call("factor", about, {"k": ks, "lam": number(lam), "order": order}))
    return calls


def losses(seed: int) -> list[Call]:
    rng = np.random.default_rng((seed, 1))

    def call(about: str, n: int, d: int, size: float = 1.0, **loss: Any) -> Call:
        given = {"y": number(size) * normal(rng, n), "t": number(size) * normal(rng, n)}
        loss = {key: part for key, part in lai(**loss).items() if key != "name"}
        return Call("loss", about, {**given, "k": normal(rng, n, d), **loss})

    two = (0.1, 2.5)
    calls = [
        call("one number", 1, 1, lam=0.25, order=2),
        call("one feature, p = 1", 4, 1, lam=0.5, order=1),
        call("one sample", 1, 3, lam=0.1, order=2),
        call("L2, p = 1", 5, 3, lam=0.3, order=1),
        call("L2, p = 2, λ > 1", 5, 3, lam=2, order=2),
        call("L2 a sample", 5, 3, lam=0.3, order=2, reduction="sample"),
        call("L1, λ list", 5, 2, lam=two, order=1, l1_ratio=1),
        call("elastic net, λ list", 5, 2, lam=two, order=2, l1_ratio=0.25),
        call("elastic net a sample", 4, 3, lam=3, order=1, l1_ratio=0.25, reduction="sample"),
        call("λ list as long as the batch", 2, 2, lam=two, order=2),
        call("small residuals", 4, 3, 1e-3, lam=0.1, order=1),
        call("large residuals", 4, 3, 1e12, lam=0.1, order=2),
        call("tiny residuals", 4, 3, 1e-25, lam=0.1, order=1),
    ]
    for about, order, reduction, wrong_rows in [
        ("zero vector, p = 2", 2, "batch", []),
        ("zero vector, p = 1", 1, "batch", []),
        ("zero vector a sample, p = 2", 2, "sample", [0, 2]),
        ("e = 0, p = 1", 1, "batch", [0, 2]),
        ("e = 0, p = 1, a sample", 1, "sample", [0, 2]),
    ]:
        made = call(about, 3, 2, lam=0.25, order=order, reduction=reduction)
        made.arguments["t"] = made.arguments["y"].copy()
        made.arguments["t"][wrong_rows] += 1.5
        calls.append(made)
    for about, slope, lam, order in [
        ("kink, p = 1", 0.5, 0.5, 1),
        ("kink, p = 2", 0.5, 0.25, 2),
        ("next to a kink", 0.5 * (1 + 2**-20), 0.25, 2),
        ("steep", 1e8, 1e9, 1),
        ("very steep", 1e30, 0.1, 2),
    ]:
        made = call(about, 3, 2, lam=lam, order=order)
        made.arguments["k"][:] = array(slope, -slope)
        calls.append(made)
    return calls


def batches(seed: int) -> list[tuple[str, Arguments]]:
    """Networks with inputs and targets."""
    rng = np.random.default_rng((seed, 2))
    made = []
    for about, sizes, activation, n in [
        ("a line", [2, 1], "identity", 4),
        ("one of everything", [1, 1, 1], "tanh", 1),
        ("relu", [3, 4, 1], "relu", 5),
        ("identity", [2, 3, 1], "identity", 4),
        ("tanh", [3, 4, 1], "tanh", 5),
        ("softplus", [3, 4, 1], "softplus", 5),
        ("silu", [2, 4, 1], "silu", 5),
        ("deep tanh", [2, 3, 3, 1], "tanh", 6),
        ("deep softplus", [2, 3, 4, 1], "softplus", 4),
        ("deep silu", [2, 3, 3, 2, 1], "silu", 4),
        ("far softplus", [2, 3, 1], "softplus", 3),
    ]:
        net = network(rng, sizes, activation)
        x = normal(rng, n, sizes[0]) * (2000 if about.startswith("far") else 1)
        made.append((about, {**net, "x": x, "t": normal(rng, n)}))
    net = {"sizes": [1, 1, 1], "activation": "softplus", "theta": array(1, 20, 1.5, 0.5)}
    made.append(("softplus at 22, 25", {**net, "x": array([2], [5]), "t": array(2, 3)}))
    return made


def gradients(seed: int) -> list[Call]:
    calls = []
    for about, batch in batches(seed):
        inputs = {name: part for name, part in batch.items() if name != "t"}
        calls.append(Call("input_gradient", about, inputs))
        d = batch["sizes"][0]
        lams = tuple(0.1 * 5**j for j in range(d))
        for loss_about, loss in {
            "plain MSE": PLAIN_MSE,
            "plain MAE": PLAIN_MAE,
            "L2, λ < 1": lai(0.1, 2),
            "L2, λ > 1, p = 1": lai(2.25, 1),
            "elastic net a sample, λ list": lai(lams, 1, 0.25, "sample"),
            "elastic net, λ list": lai(lams, 2, 0.25),
            "L1": lai(0.4, 1, 1.0),
        }.items():
            arguments = {**batch, "loss": loss}
            calls.append(Call("param_gradient", f"{about}; {loss_about}", arguments))

    line = {"sizes": [2, 1], "activation": "identity", "x": array([1, 2], [-2, 1], [0.5, 4])}
    for about, theta, targets, loss in [
        ("zero vector", array(0.5, 0.75, 1), array(3, 0.75, 4.25), lai(0.1, 2)),
        ("zero vector a sample", array(0.5, 0.75, 1), array(3, 1, 4), lai(0.1, 2, 0, "sample")),
        ("e = 0, p = 1", array(0.5, 0.75, 1), array(3, 1, 4), lai(0.1, 1)),
        ("plain, e = 0, p = 1", array(0.5, 0.75, 1), array(3, 1, 4), PLAIN_MAE),
        ("kink, p = 1", array(0.5, 0.75, 1), array(1, 1, 4), lai(0.5, 1)),
        ("kink, p = 2", array(-0.5, 0.75, 1), array(1, 1, 4), lai(0.25, 2)),
        ("next to a kink", array(0.5 * (1 + 2**-20), 0.75, 1), array(1, 1, 4), lai(0.25, 2)),
        ("steep", array(1e8, -1e7, 1), array(1, 1, 4), lai(1e12, 1)),
        ("very steep", array(1e25, -1e20, 1), array(1, 1, 4), lai(0.1, 1)),
        ("small residuals", array(0.5, 0.75, 1), array(3.001, 0.751, 4.248), lai(0.1, 2)),
        ("tiny residuals", array(1e-25, 3e-25, 1e-25), array(0, 0, 0), lai(0.1, 1)),
        ("large residuals", array(0.5, 0.75, 1), array(1e12, 2e12, 1e11), lai(0.1, 2)),
    ]:
        arguments = {**line, "theta": theta, "t": targets, "loss": loss}
        calls.append(Call("param_gradient", about, arguments))
        arguments = {**arguments, "shards": [np.array([2]), np.array([0, 1])]}
        calls.append(Call("sharded", about, arguments))
    return calls


def steps(seed: int) -> list[Call]:
    rng = np.random.default_rng((seed, 3))
    options = {"lr": number(0.01), "beta1": number(0.9), "beta2": number(0.999)}

    def call(about: str, t: int, grad: Array, m: Array, v: Array, eps: float = 1e-8) -> Call:
        state = {"theta": normal(rng, len(grad)), "grad": grad, "t": t, "m": m, "v": v}
        return Call("adam", about, {**state, **options, "eps": number(eps)})

    g, m, v = normal(rng, 4), normal(rng, 4), normal(rng, 4) ** 2 * 0.5
    v = array(*v)
    zero = np.zeros(4)
    return [
        call("first step", 0, g, zero, zero),
        call("first step, small gradient", 0, array(1e-8, -3e-9, 1e-7, 0), zero, zero),
        call("second step", 1, g, m, v),
        call("later step", 30, g, m, v),
        call("later step, ε = 0.1", 5, g, m, v, eps=0.1),
        call("no gradient", 7, zero, m, v),
    ]


def trainings(seed: int) -> list[Call]:
    rng = np.random.default_rng((seed, 4))
    options = {"lr": number(0.02), "beta1": number(0.9), "beta2": number(0.99)}
    calls = []
    for about, sizes, activation, plain, loss, eps in [
        ("tanh, L2", [3, 4, 1], "tanh", 2, lai((0.1, 0.5, 3.0), 2), 1e-8),
        ("relu, L1, λ list", [2, 5, 1], "relu", 2, lai((0.5, 2.0), 1, 1.0), 1e-8),
        (
            "softplus, elastic net a sample",
            [3, 4, 1],
            "softplus",
            1,
            lai(0.1, 2, 0.25, "sample"),
            1e-3,
        ),
        ("deep silu", [2, 3, 3, 1], "silu", 2, lai(3, 1), 0.1),
    ]:
        net = network(rng, sizes, activation)
        count = len(net["theta"])
        data = {"x": normal(rng, 8, sizes[0]), "t": normal(rng, 8)}
        moments = {"m": normal(rng, count), "v": array(*(normal(rng, count) ** 2)), "step": 3}
        batches = [
            (np.array([7, 2, 5, 0]), np.array([5])),
            (np.array([1, 3, 4, 6]), np.array([], int)),
            (np.array([5, 1, 6]), np.array([5, 1, 6])),
            (np.array([0, 2, 3, 4, 7]), np.array([2, 3, 7])),
        ]
        arguments = {**net, **moments, **data, **options, "plain": plain, "loss": loss}
        calls.append(Call("train", about, {**arguments, "eps": number(eps), "batches": batches}))
    line = {"sizes": [2, 1], "activation": "identity"}
    far = {"sizes": [2, 1, 1], "activation": "softplus"}
    near = array(0.5, 0.75, 1)
    for about, net, theta, t, loss in [
        ("e = 0, p = 1", line, near, array(3, 1, 4), lai(0.1, 1)),
        ("zero vector", line, near, array(3, 0.75, 4.25), lai(0.1, 2)),
        ("small residuals", line, near, array(3.001, 0.751, 4.249), lai(0.1, 2)),
        ("tiny residuals", line, array(1e-25, 3e-25, 1e-25), array(0, 0, 0), lai(0.1, 1)),
        ("next to a kink", line, array(0.5 + 2**-21, 0.75, 1), array(1, 1, 4), lai(0.25, 2)),
        ("far softplus", far, array(900, 800, 1, 1e-3, 1), array(1, 1, 4), lai(0.1, 2)),
    ]:
        data = {"x": array([1, 2], [-2, 1], [0.5, 4]), "t": t, "theta": theta}
        moments = {"m": np.zeros(len(theta)), "v": np.zeros(len(theta)), "step": 0}
        rows = [(np.arange(2, dtype=int),) * 2, (np.array([2]),) * 2, (np.arange(3),) * 2]
        arguments = {**net, **moments, **data, **options, "plain": 2, "loss": loss}
        calls.append(Call("train", about, {**arguments, "eps": number(1e-8), "batches": rows}))
    return calls


def shardings(seed: int) -> list[Call]:
    calls = []
    for about, batch in batches(seed):
        n, d = len(batch["x"]), batch["sizes"][0]
        rows = np.random.default_rng((seed, 5)).permutation(n)
        if n == 1:
            continue
        lams = tuple(0.1 * 5**j for j in range(d))
        splits = {
            "unequal": [rows[:1], rows[1:]],
            "equal": np.split(rows[: n // 2 * 2], 2),
            "three": [rows[:2], rows[2:3], rows[3:]] if n > 3 else [rows],
        }
        for loss_about, loss, split in [
            ("plain", PLAIN_MSE, "unequal"),
            ("L2", lai(0.3, 2), "unequal"),
            ("L2", lai(0.3, 2), "equal"),
            ("elastic net, λ list", lai(lams, 1, 0.25), "three"),
            ("L2 a sample", lai(2.25, 1, 0, "sample"), "unequal"),
        ]:
            arguments = {**batch, "loss": loss, "shards": splits[split]}
            calls.append(Call("sharded", f"{about}; {loss_about}; {split}", arguments))
    return calls


def codecs() -> list[Call]:
    numbers = array(0.1, -0.0, 1e-42, 3.4e38, 1 / 3, np.inf, -np.inf, np.nan)
    return [Call("codec", "numbers", {"values": numbers})]


def refused() -> list[Call]:
    """Calls that have no answer but an error."""
    factor: Arguments = {"k": array(0.5, 2), "lam": 0.5, "order": 2}
    loss: Arguments = {"y": array(1, 2), "t": array(0, 1), "k": array([0.5], [2]), "order": 2}
    loss |= {"lam": 0.5, "l1_ratio": 0.25, "reduction": "batch"}
    wrong: list[tuple[str, Arguments]] = [
        *(("factor", factor | {"lam": lam}) for lam in (0.0, -1.0, float("inf"))),
        *(("factor", factor | {"order": order}) for order in (0, 3)),
        ("factor", factor | {"k": array(0.5, np.nan)}),
        ("loss", loss | {"lam": -0.5}),
        ("loss", loss | {"lam": array(0.5, 2)}),
        ("loss", loss | {"t": array(1)}),
        ("loss", loss | {"l1_ratio": 1.5}),
        ("loss", loss | {"reduction": "none"}),
    ]
    return [Call(group, REFUSED, arguments) for group, arguments in wrong]


def calls(seed: int) -> list[Call]:
    """Calls of every group, the same each time."""
    made = [*codecs(), *factors(), *losses(seed), *gradients(seed), *steps(seed)]
    return [*made, *trainings(seed), *shardings(seed), *refused()]
