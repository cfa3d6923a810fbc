"""Hypothesis strategies: batches, losses and networks away from kinks; damaged files."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lai_ref import MLP, Lai
from lai_ref.activations import ACTIVATIONS
from lai_ref.support.validation import Array

seeds = st.integers(0, 2**32 - 1)
orders = st.sampled_from([1, 2])
reductions = st.sampled_from(["batch", "sample"])
l1_ratios = st.sampled_from([0.0, 1.0]) | st.floats(0.05, 0.95)
any_slopes = st.floats(allow_nan=False, allow_infinity=False)
any_lams = st.floats(1e-300, 1e300)
lams = st.floats(-2, 1).map(lambda exponent: 10.0**exponent)
# |k| over the kink; the complex step itself loses digits, about k² ulp, on steep slopes
off_kink = st.floats(0.02, 0.98) | st.floats(1.02, 8)


def signed(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers whose absolute value is between `low` and `high`."""
    return st.floats(low, high) | st.floats(-high, -low)


def finite(largest: float, width: Literal[32, 64] = 64) -> st.SearchStrategy[float]:
    """Numbers of at most that magnitude, including subnormal ones and zeros of both signs."""
    return st.floats(-largest, largest, width=width)


class Batch(NamedTuple):
    """A loss and its arguments: predictions y = t + e, targets t (N,), input gradients k (N, D)."""

    loss: Lai
    y: Array
    t: Array
    k: Array


@st.composite
def batches(
    draw: st.DrawFn,
    order: int | None = None,
    l1_ratio: float | None = None,
    reduction: str | None = None,
    n: int | None = None,
    d: int | None = None,
) -> Batch:
    """A batch with every |e| ≥ 1/32 and every |k| at least 2 % away from its kink."""
    n = draw(st.integers(1, 4)) if n is None else n
    d = draw(st.integers(1, 4)) if d is None else d
    order = draw(orders) if order is None else order
    shape = draw(st.sampled_from([(), (d,)]))
    lam = draw(hnp.arrays(np.float64, shape, elements=lams))
    # k = λ^(1/p) times something that is not 1
    ratio = draw(hnp.arrays(np.float64, (n, d), elements=off_kink | off_kink.map(lambda r: -r)))
    e = draw(hnp.arrays(np.float64, n, elements=signed(1 / 32, 8)))
    t = draw(hnp.arrays(np.float64, n, elements=st.integers(-8, 8).map(float)))
    loss = Lai(
        lam,
        order,
        draw(l1_ratios) if l1_ratio is None else l1_ratio,
        draw(reductions) if reduction is None else reduction,
    )
    return Batch(loss, t + e, t, ratio * lam ** (1 / order))


class Case(NamedTuple):
    """A network, its parameters, a batch, and random loss gradients for y and k."""

    net: MLP
    theta: Array
    x: Array
    t: Array
    dy: Array
    dk: Array


def case(seed: int, hidden: tuple[int, ...], activation: str, n: int = 3, d: int = 2) -> Case:
    """Everything normal, the biases too: exact zeros and kinks have probability 0."""
    rng = np.random.default_rng(seed)
    net = MLP((d, *hidden, 1), activation)
    theta = rng.standard_normal(net.n_params)
    x, t = rng.standard_normal((n, d)), rng.standard_normal(n)
    return Case(net, theta, x, t, rng.standard_normal(n), rng.standard_normal((n, d)))


@st.composite
def cases(draw: st.DrawFn, activation: str | None = None) -> Case:
    """Networks of 0 to 3 hidden layers."""
    hidden = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    name = draw(st.sampled_from(sorted(ACTIVATIONS))) if activation is None else activation
    return case(draw(seeds), hidden, name, draw(st.integers(1, 4)), draw(st.integers(1, 3)))


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@st.composite
def bytes_like(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with up to three changes: bytes of another value, put in, taken out; a lost end."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        stop = draw(st.integers(start, min(start + 8, len(content))) | st.just(len(content)))
        here = content[start:stop]
        kind = draw(st.sampled_from(["flip", "insert", "remove", "double"]))
        if kind == "flip":
            here = bytes(byte ^ draw(st.integers(1, 255)) for byte in here[:1]) + here[1:]
        elif kind == "insert":
            here = draw(st.binary(max_size=8) | st.integers().map(lambda n: str(n).encode())) + here
        else:
            here = b"" if kind == "remove" else 2 * here
        content = content[:start] + here + content[stop:]
    return content


@st.composite
def documents_like(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with something in it replaced, left out, or put in."""
    if not isinstance(document, dict | list) or not document or draw(st.integers(0, 9)) == 0:
        return draw(json_values)
    if isinstance(document, dict):
        key = draw(st.sampled_from(sorted(document)))
        rest = {name: value for name, value in document.items() if name != key}
        kind = draw(st.sampled_from(["within", "without", "renamed"]))
        if kind == "within":
            return rest | {key: draw(documents_like(document[key]))}
        return rest | ({} if kind == "without" else {draw(st.text(max_size=8)): document[key]})
    i = draw(st.integers(0, len(document) - 1))
    kind = draw(st.sampled_from(["within", "without", "twice"]))
    mine = {
        "within": [draw(documents_like(document[i]))],
        "without": [],
        "twice": 2 * [document[i]],
    }
    return document[:i] + mine[kind] + document[i + 1 :]
