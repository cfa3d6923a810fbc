"""The questions about the factor, the loss and Adam, without a network.

Each question is a tuple of a name, its purpose and the inputs. A fourth entry True means that the
port must raise an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from lai_ref.support.validation import Array

REDUCTIONS = ("batch", "sample")
HUGE, TINY = 2.0**100, 2.0**-100
# Adam's usual constants, rounded to float32
ADAM = {"lr": 2.0**-6, "beta1": float(np.float32(0.9)), "beta2": float(np.float32(0.999)),
        "eps": float(np.float32(1e-8))}  # fmt: skip


def codec(rng: np.random.Generator) -> Iterator[Any]:
    ordinary = [0.0, 1.0, -1.5, 0.1, 1 / 3, 3.14159274, 16777216.0, -16777215.0]
    small, tiny, large = 2.0**-149, 2.0**-126, (2 - 2.0**-23) * 2.0**127
    yield "ordinary", "reads numbers without losing a bit", {"values": to_float32(ordinary)}
    ends = [small, -small, 3 * small, tiny, tiny - small, large, -large, HUGE, TINY]
    yield "ends", "reads the smallest and largest float32, also subnormals", {"values": ends}
    yield "signed-zero", "distinguishes −0.0 from 0.0", {"values": [0.0, -0.0]}
    yield "infinite", "reads inf and -inf", {"values": [np.inf, -np.inf]}
    yield "nan", "reads nan", {"values": [np.nan, 1.0]}
    mixed = [-0.0, np.inf, -5 * small, np.nan, 0.1, -np.inf, 123456.789]
    yield "mixed", "reads all kinds of numbers in one list", {"values": to_float32(mixed)}


def factor(rng: np.random.Generator) -> Iterator[Any]:
    for order, lam in product((1, 2), (1.0, 0.25, 4.0, 0.75, 2.0**-10, 1024.0, 3.0)):
        k = off_kink(rng, (8,), np.array(lam), order)
        about = f"F and F' for p = {order}, λ = {lam:g}, k on both sides of the kink"
        k_kink = lam ** (1 / order)
        k[:4] = to_float32(k_kink * np.array([0.5, -0.75, 1.5, -2.0]))
        yield f"ordinary-p{order}-lam{lam:g}", about, {"k": k, "lam": lam, "order": order}
    for order, lam in product((1, 2), (0.5, 1.0, 8.0)):
        about = f"k = 0, where F = max(λ, 1) and F' = 0; p = {order}, λ = {lam:g}"
        yield f"zero-p{order}-lam{lam:g}", about, {"k": [0.0], "lam": lam, "order": order}
    for order, lam in product((1, 2), (0.25, 1.0, 4.0, 2.25)):
        k_kink = lam if order == 1 else lam**0.5
        about = f"exactly at the kink, |k| = λ^(1/p) = {k_kink:g}; p = {order}"
        inputs = {"k": [k_kink, -k_kink], "lam": lam, "order": order}
        yield f"kink-p{order}-lam{lam:g}", about, inputs
        for side, times in (("below", 1 - 2.0**-10), ("above", 1 + 2.0**-10)):
            k = to_float32([k_kink * times, -k_kink * times])
            about = f"|k| 0.1 % {side} the kink: finds an error of 0.1 % in λ or k; p = {order}"
            yield f"{side}-kink-p{order}-lam{lam:g}", about, {"k": k, "lam": lam, "order": order}
    largest = (2 - 2.0**-23) * 2.0**127
    for order, lam in product((1, 2), (0.5, 2.0)):
        k = np.array([HUGE, -HUGE, TINY, -TINY, largest, 2.0**-149])
        about = f"smallest and largest |k|: 1 + k² must not overflow; p = {order}, λ = {lam:g}"
        yield f"far-k-p{order}-lam{lam:g}", about, {"k": k, "lam": lam, "order": order}
    for order, lam in product((1, 2), (TINY, HUGE)):
        k = np.array([0.5, -2.0, TINY, 2.0**-50, -(2.0**50), HUGE])
        k = k[np.abs(k) ** order != lam]
        about = f"λ = {lam:g}, k on both sides of the kink: no digits may be lost; p = {order}"
        yield f"far-lam-p{order}-{'small' if lam < 1 else 'large'}", about, {
            "k": k, "lam": lam, "order": order}  # fmt: skip
    about = "F = 1/(2λ) exceeds the float32 range: infinity in float32, finite in float64"
    yield "overflow", about, {"k": [1.0], "lam": 2.0**-140, "order": 2}
    for name, lam in (("zero", 0.0), ("negative", -0.5), ("nan", np.nan), ("infinite", np.inf)):
        about = f"λ = {lam} is not {'above 0' if np.isfinite(lam) else 'finite'}"
        yield f"error-lam-{name}", about, {"k": [1.0], "lam": lam, "order": 2}, True
    yield "error-order", "p = 3 is neither 1 nor 2", {"k": [1.0], "lam": 0.5, "order": 3}, True
    yield "error-k", "k is NaN", {"k": [np.nan], "lam": 0.5, "order": 2}, True


def _loss_inputs(
    rng: np.random.Generator, n: int, d: int, lam: Any, ratio: float, order: int, reduction: str,
    **changes: Any,
) -> dict[str, Any]:  # fmt: skip
    t = dyadic(rng, (n,))
    e = nonzero(rng, (n,))
    k = off_kink(rng, (n, d), np.array(lam), order)
    return {"y": t + e, "t": t, "k": k, "lam": lam, "order": order, "l1_ratio": ratio,
            "reduction": reduction, **changes}  # fmt: skip


def loss(rng: np.random.Generator) -> Iterator[Any]:
    kinds: dict[str, Any] = {"small": 0.25, "large": 4.0, "list": [0.0625, 2.25]}
    for order, reduction, ratio, (kind, lam) in product(
        (1, 2), REDUCTIONS, (0.0, 0.25, 1.0), kinds.items()
    ):
        name = f"p{order}-{reduction}-rho{ratio:g}-{kind}"
        lams = "λ a list" if isinstance(lam, list) else f"λ = {lam:g}"
        about = f"an ordinary batch: p = {order}, {reduction} reduction, ρ = {ratio:g}, {lams}"
        yield name, about, _loss_inputs(rng, 3, 2, lam, ratio, order, reduction)
    for order, reduction in product((1, 2), REDUCTIONS):
        batch = partial(_loss_inputs, rng, order=order, reduction=reduction)
        kind = f"p{order}-{reduction}"
        yield f"one-sample-{kind}", "N = 1: the reductions agree", batch(1, 3, 0.5, 0.5)
        about = "D = 1: the reductions agree, ρ has no effect"
        yield f"one-feature-{kind}", about, batch(4, 1, 2.0, 0.5)
        yield f"many-{kind}", "16 samples of 4 features", batch(16, 4, 0.125, 0.25)
        flat = batch(3, 2, 0.25, 0.0, k=np.zeros((3, 2)))
        yield f"flat-{kind}", "k = 0: √D times the plain loss", flat
        far = batch(2, 2, 0.5, 0.25, k=[[HUGE, -TINY], [-HUGE, 1.0]])
        yield f"far-k-{kind}", "|k| of 1e30 and 1e-30", far
        for name, scale in (("small", 2.0**-24), ("large", 2.0**40)):
            scaled = batch(2, 2, 0.5, 0.0, t=np.zeros(2), y=np.array([1.25, -0.75]) * scale)
            about = f"|e| about {scale:.0e}: no ε under a root, no overflow"
            yield f"{name}-e-{kind}", about, scaled
        residual = batch(3, 2, 0.25, 0.25)
        residual["y"][1] = residual["t"][1]
        about = "one residual is 0: no 0/0 in its sign" + (", a kink of |e|" if order == 1 else "")
        if order == 2 or reduction == "batch":
            yield f"one-zero-e-{kind}", about, residual
        kink = batch(2, 2, 0.25, 0.0)
        kink["k"][0, 1] = 0.25 if order == 1 else -0.5
        yield f"kink-{kind}", "one number of k is at its kink", kink
        k = [[4.0, -0.25], [4.0, 0.25]] if order == 1 else [[2.0, -0.5], [-2.0, 0.5]]
        about = "every number of k is at its kink, λ a list"
        yield f"all-kinks-{kind}", about, batch(2, 2, [4.0, 0.25], 0.5, k=k)
        near = (0.25 if order == 1 else 0.5) * (1 + np.array([2.0**-20, -(2.0**-20)]))
        about = "|k| a millionth above or below the kink, not at it"
        yield f"beside-kink-{kind}", about, batch(2, 2, 0.25, 0.0, k=np.array([near, -near]))
    for reduction, ratio in product(REDUCTIONS, (0.0, 0.5)):
        zero = _loss_inputs(rng, 3, 2, 0.25, ratio, 2, reduction)
        zero["y"] = zero["t"]
        about = "all residuals are 0: c is the zero vector, no derivative may be NaN"
        yield f"zero-vector-{reduction}-rho{ratio:g}", about, zero
    good = _loss_inputs(rng, 3, 2, 0.25, 0.0, 2, "batch")
    for name, about, change in (
        ("lam-length", "three λ for two features", {"lam": [0.25, 0.5, 1.0]}),
        ("lam-zero", "one λ of a list is 0", {"lam": [0.25, 0.0]}),
        ("rho", "ρ = 2 is outside [0, 1]", {"l1_ratio": 2.0}),
        ("order", "p = 0 is neither 1 nor 2", {"order": 0}),
        ("reduction", "unknown reduction", {"reduction": "median"}),
        ("lengths", "two targets for three predictions", {"t": good["t"][:2]}),
        ("nan", "a number of k is NaN", {"k": [[np.nan, 1.0]] * 3}),
        ("empty", "no samples", {"y": [], "t": [], "k": []}),
    ):
        yield f"error-{name}", about, good | change, True


def adam(rng: np.random.Generator) -> Iterator[Any]:
    def step(t: int, scale: float = 1.0, size: int = 4, **changes: Any) -> dict[str, Any]:
        grad, m, v = (nonzero(rng, (size,)) * scale for _ in range(3))
        v = np.abs(v) * scale
        m, v = (m, v) if t else (np.zeros(size), np.zeros(size))
        return {"theta": dyadic(rng, (size,)), "grad": grad, "t": t, "m": m, "v": v,
                **ADAM, **changes}  # fmt: skip

    for t in (0, 1, 2, 9, 999, 100000):
        yield f"step-{t}", f"an ordinary step, {t} steps before it", step(t)
    yield "zero-grad", "zero gradient, first step: 0/(0 + ε)", step(0, grad=np.zeros(4))
    yield "zero-grad-later", "zero gradient, later: m and v decay", step(5, grad=np.zeros(4))
    yield "small-grad", "√v̂ near ε: shows whether ε is under the root", step(0, 2.0**-27)
    yield "small-grad-later", "√v̂ near ε, at a later step", step(7, 2.0**-27)
    yield "large-grad", "gradients of about 1e9", step(3, 2.0**30)
    yield "no-momentum", "β₁ = 0", step(3, beta1=0.0)
    yield "no-second-momentum", "β₂ = 0", step(3, beta2=0.0)
    yield "large-eps", "large ε: added to √v̂, not to v or √v", step(4, eps=0.5)
    short = step(2, beta1=0.5, beta2=0.5)
    yield "short-memory", "β₁ = β₂ = ½: the bias corrections last a few steps", short
    yield "one-parameter", "P = 1: the axis is kept", step(1, size=1)


def dyadic(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.integers(-96, 97, shape) / 64)


def nonzero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(rng.integers(8, 97, shape) / 64 * rng.choice([-1, 1], shape))


def off_kink(rng: np.random.Generator, shape: tuple[int, ...], lam: Array, order: int) -> Array:
    """Random k, none of them 0 or within 2 % of its kink."""
    while True:
        k = nonzero(rng, shape)
        if (np.abs(np.abs(k) ** order / lam - 1) > 0.02).all():
            return k


def to_float32(values: Any) -> Array:
    """Round to the nearest float32."""
    return np.asarray(values).astype(np.float32).astype(np.float64)
