"""The gradient that a training step used: Adam's step is solved for g, which is then decomposed.

    θ' = θ − lr · m̂ / (√v̂ + ε),  m = β₁ m + (1 − β₁) g,  v = β₂ v + (1 − β₂) g²

is solved for g by Newton's method, starting at the right gradient. The right g is the gradient of
the plain loss of the plain samples plus that of the Lai loss of the Lai samples, each weighted by
its fraction of the batch. A wrong g may also contain the plain loss of the Lai samples, or the Lai
loss of the plain samples.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import Case, flat
from lai_ref.oracle.diagnosis.combinations import coefficients, deviations, joined
from lai_ref.oracle.diagnosis.facts import is_run
from lai_ref.oracle.diagnosis.numbers import Numbers
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array

ITERATIONS = 30
SPARE = {"float64": 1e-6, "float32": 3e-2}  # relative tolerance of the solved gradient
EXPECTED = {
    "the plain loss of the plain samples": 1.0,
    "the Lai loss of the Lai samples": 1.0,
    "the plain loss of the Lai samples": 0.0,
    "the Lai loss of the plain samples": 0.0,
}


def mixture(numbers: Numbers, dtype: str) -> str:
    """Which parts deviate in the gradients of the wrong steps, or "" if that is unknown."""
    gradients, columns, spares = [], [], []
    wrong = numbers.wrong
    steps = {
        o: None
        for o, is_wrong in zip(numbers.outcomes, wrong, strict=True)
        if is_wrong and not is_run(o.case) and o.case.inputs["step"] > 0
    }
    for outcome in steps:
        given = inputs_of(outcome.case)
        if len(given["batches"][0][1]) in (0, len(given["batches"][0][0])):
            continue  # the parts differ only in a batch with both losses
        parts = _parts(given)
        right = sum(parts[name] * EXPECTED[name] for name in parts)
        g, error = _solved(given, right, outcome, dtype)
        sharp = np.isfinite(g) & (error < 0.01 * np.abs(g))
        gradients.append(g[sharp])
        columns.append(np.stack([part[sharp] for part in parts.values()]))
        size = sum(np.abs(part[sharp]) for part in parts.values())
        spares.append(error[sharp] + SPARE[dtype] * size)
    if not gradients or sum(map(len, gradients)) < 3 * len(EXPECTED):
        return ""
    got, matrix = np.concatenate(gradients), np.concatenate(columns, axis=1)
    found = coefficients(got, dict(zip(EXPECTED, matrix, strict=True)), np.concatenate(spares))
    if not found:
        return ""
    rounded = {name: round(c, 3) for name, c in found.items()}
    said = deviations(rounded, EXPECTED)
    return f"the gradient of a step is a sum in which {joined(said)}" if said else ""


def _parts(given: dict[str, Any]) -> dict[str, Array]:
    """Gradients of the mean loss of the plain and of the Lai samples, times their fraction."""
    ((rows, lai_rows),) = given["batches"]
    rest = rows[~np.isin(rows, lai_rows)]
    plain = {"name": "plain", "order": given["plain"]}
    net = {name: given[name] for name in ("sizes", "activation", "theta")}

    def part(chosen: Array, loss: dict[str, Any]) -> Array:
        batch = {"x": given["x"][chosen], "t": given["t"][chosen], "loss": loss}
        return np.asarray(len(chosen) / len(rows) * Port().param_gradient(**net, **batch)[1])

    pairs = ((rest, plain), (lai_rows, given["loss"]), (lai_rows, plain), (rest, given["loss"]))
    return dict(zip(EXPECTED, (part(*pair) for pair in pairs), strict=True))


def _solved(given: dict[str, Any], start: Any, outcome: Outcome, dtype: str) -> tuple[Array, Array]:
    """g (P) of the port's step and its error; NaN where g was not found or is not unique."""
    theta = np.array([float(n) for n in flat(outcome.answer["theta"])])
    update = (given["theta"] - theta) / given["lr"]
    bound = np.array(flat(_bounds(outcome.case, dtype))) / given["lr"]
    g = np.array(start, float)
    with np.errstate(all="ignore"):
        for _ in range(ITERATIONS):
            value, derivative = _update(given, g)
            g = g - (value - update) / derivative
        value, derivative = _update(given, g)
        settled = np.abs(value - update) <= bound + 1e-12 * np.abs(update)
        settled &= np.abs(update) < 0.99 * _limit(given)
        return np.where(settled, g, np.nan), 2 * bound / np.abs(derivative)


def _update(given: dict[str, Any], g: Array) -> tuple[Array, Array]:
    """m̂ / (√v̂ + ε), and its derivative with respect to g."""
    b1, b2, t = given["beta1"], given["beta2"], given["step"] + 1
    m, v = b1 * given["m"] + (1 - b1) * g, b2 * given["v"] + (1 - b2) * g * g
    c1, c2 = 1 - b1**t, 1 - b2**t
    root = np.sqrt(v / c2)
    q = root + given["eps"]
    # d(m̂/q)/dg = (1 − β₁)/(c₁ q) − m̂ q⁻² (1 − β₂) g/(c₂ √v̂)
    return m / c1 / q, (1 - b1) / c1 / q - m / c1 / q**2 * (1 - b2) * g / (c2 * root)


def _limit(given: dict[str, Any]) -> float:
    """|m̂ / √v̂| for |g| → ∞: two different g give the same larger update."""
    t = given["step"] + 1
    b1, b2 = given["beta1"], given["beta2"]
    return float((1 - b1) / (1 - b1**t) * np.sqrt((1 - b2**t) / (1 - b2)))


def _bounds(case: Case, dtype: str) -> Any:
    return case.bounds(dtype, "basic")["theta"]
