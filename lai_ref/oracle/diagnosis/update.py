"""What is wrong in a step of Adam, in terms of the update: momentum, decay, bias correction, ε.

    m = β₁ m + (1 − β₁) g        v = β₂ v + (1 − β₂) g²        θ = θ − lr · m̂ / (√v̂ + ε)

m and v are compared with sums of the terms that they may consist of. The update
(θ_before − θ_after)/lr is compared with variants of m̂ / (√v̂ + ε) in four respects: the numerator,
the correction of v, the position of ε, and an additional weight decay.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import flat
from lai_ref.oracle.diagnosis.combinations import in_words, smallest
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.oracle.diagnosis.ratios import law_of
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.support.validation import Array

RULES = {"m": "β₁ m + (1 − β₁) g", "v": "β₂ v + (1 − β₂) g²"}


def update_findings(tables: Mapping[str, Numbers], dtype: str) -> list[str]:
    """Sentences about the wrong outputs of `adam`."""
    said = []
    for name in ("m", "v"):
        numbers = tables[name]
        if numbers.wrong.any():
            words = _moment(numbers, name, dtype)
            said += [f"{name} is {words}, where {RULES[name]} is expected"] if words else []
    if tables["theta"].wrong.any():
        words = _update(tables, dtype)
        said += [words] if words else []
    return said


def _inputs(numbers: Numbers) -> dict[str, Array]:
    """The inputs of every number, one vector per input."""
    rows = []
    for outcome, place in zip(numbers.outcomes, numbers.places, strict=True):
        given = inputs_of(outcome.case)
        row = {
            name: value[place] if isinstance(value, np.ndarray) else value
            for name, value in given.items()
        }
        rows.append(row)
    return {name: np.array([row[name] for row in rows], float) for name in rows[0]}


def _moment(numbers: Numbers, name: str, dtype: str) -> str:
    q = _inputs(numbers)
    b1, b2, g, m, v = q["beta1"], q["beta2"], q["grad"], q["m"], q["v"]
    t = q["t"] + 1
    if name == "m":
        parts = {
            "β₁ m": b1 * m, "(1 − β₁) g": (1 - b1) * g, "g": g, "m": m, "(1 − β₁) m": (1 - b1) * m,
            "β₁ g": b1 * g, "β₂ m": b2 * m, "(1 − β₂) g": (1 - b2) * g,
            "(1 − β₁) θ": (1 - b1) * q["theta"], "θ": q["theta"],
            "m̂": (b1 * m + (1 - b1) * g) / (1 - b1**t),
        }  # fmt: skip
    else:
        parts = {
            "β₂ v": b2 * v, "(1 − β₂) g²": (1 - b2) * g * g, "g²": g * g, "v": v,
            "(1 − β₂) v": (1 - b2) * v, "β₂ g²": b2 * g * g, "β₁ v": b1 * v,
            "(1 − β₁) g²": (1 - b1) * g * g, "(1 − β₂) |g|": (1 - b2) * abs(g),
            "(1 − β₂) g": (1 - b2) * g, "(1 − β₂)² g²": (1 - b2) ** 2 * g * g,
            "the larger of v and β₂ v + (1 − β₂) g²": np.maximum(v, b2 * v + (1 - b2) * g * g),
            "(1 − β₂) (g − m)², with m before the step": (1 - b2) * (g - m) ** 2,
            "(1 − β₂) (g − m)², with m after the step": (1 - b2) * (g - b1 * m - (1 - b1) * g) ** 2,
            "v̂": (b2 * v + (1 - b2) * g * g) / (1 - b2**t),
        }  # fmt: skip
    scale = np.abs(numbers.got) + np.abs(numbers.expected)
    found = smallest(numbers.got, parts, SPARE[dtype] * scale + 4 * numbers.bound, most=3)
    words = in_words(found) if found and len(found) < len(numbers) / 2 else ""
    return "" if words == RULES[name] else words  # the rule itself: a difference of rounding


def _update(tables: Mapping[str, Numbers], dtype: str) -> str:
    """A sentence on the variant of the update that gives every θ, or ""."""
    numbers = tables["theta"]
    q = _inputs(numbers)
    # m and v of the port itself, so that their mistakes are not counted twice
    m, v = (_of_port(numbers.outcomes, numbers.places, name) for name in ("m", "v"))
    update = (q["theta"] - numbers.got) / q["lr"]
    spare = (4 * numbers.bound + SPARE[dtype] * np.abs(numbers.got) * 1e-4) / q["lr"]
    if not np.isfinite(update).all():
        return ""
    right = ~numbers.wrong
    for words, candidate in _variants(q, m, v):
        with np.errstate(all="ignore"):
            near = np.abs(update - candidate) <= spare + SPARE[dtype] * np.abs(candidate)
        near &= np.isfinite(candidate)
        if not words and near.all():  # the update is right, but m or v is wrong
            return ""
        # a variant that divides by 0 in the first step may have an exception there
        if words and (near | (right & ~np.isfinite(candidate))).all():
            return f"the update is {words}, where lr · m̂ / (√v̂ + ε) is expected"
    for words, candidate in _variants(q, m, v):
        rest = update - candidate
        moved = np.abs(q["theta"]) > 1e-3
        if not (np.isfinite(rest).all() and moved.sum() > 2):
            continue
        decay = float(np.median(rest[moved] / q["theta"][moved]))
        if 1e-6 < abs(decay) < 10:
            near = np.abs(rest - decay * q["theta"]) <= spare + SPARE[dtype] * np.abs(update)
            if near.all():
                what = words or "lr · m̂ / (√v̂ + ε)"
                return f"the update is {what} plus {decay:.4g} lr · θ: a weight decay"
    return _epsilon(update, q, m, v, spare, dtype) or _ratios(update, q, m, v)


def _ratios(update: Array, q: Mapping[str, Array], m: Array, v: Array) -> str:
    """The range of the update relative to that of the port's own m and v."""
    _, right = next(iter(_variants(q, m, v)))
    usable = np.isfinite(right) & (right != 0)
    if not usable.any():
        return ""
    ratio = update[usable] / right[usable]
    low, high = np.min(ratio), np.max(ratio)
    if 0.99 < low <= high < 1.01:
        return ""
    known = {"t": q["t"] + 1, "(1 − β₁^t)": 1 - q["beta1"] ** (q["t"] + 1)}
    known |= {"(1 − β₂^t)": 1 - q["beta2"] ** (q["t"] + 1), "lr": q["lr"]}
    law = law_of(ratio, np.full(len(ratio), 1e-4), {n: f[usable] for n, f in known.items()})
    if law:
        return f"the update is {law} times lr · m̂ / (√v̂ + ε), with t = 1 in the first step"
    return f"the update is {low:.4g} to {high:.4g} times lr · m̂ / (√v̂ + ε) of the port's m and v"


def _epsilon(
    update: Array, q: Mapping[str, Array], m: Array, v: Array, spare: Array, dtype: str
) -> str:
    """The ε that the port used, if it is a constant or a multiple of the given ε."""
    t, eps = q["t"] + 1, q["eps"]
    m_hat, root = m / (1 - q["beta1"] ** t), np.sqrt(v / (1 - q["beta2"] ** t))
    with np.errstate(all="ignore"):
        # update = m̂ / (√v̂ + ε)
        implied = m_hat / update - root
        error = np.abs(m_hat / update) * (spare / np.abs(update) + SPARE[dtype] * 1e-4)
    sharp = np.isfinite(implied) & (error < 0.05 * np.abs(implied)) & (implied > 0)
    if sharp.sum() < 4 or np.allclose(implied[sharp], eps[sharp], rtol=0.05):
        return ""
    for words, found in (("", implied[sharp]), (" times the given one", (implied / eps)[sharp])):
        if np.ptp(found) <= 0.1 * np.median(found):
            return f"ε is about {np.median(found):.2g}{words} in the update"
    return ""


def _variants(q: Mapping[str, Array], m: Array, v: Array) -> Iterator[tuple[str, Array]]:
    """Every variant of the update and its description; the right one comes first, with ""."""
    b1, b2, eps, g, t = q["beta1"], q["beta2"], q["eps"], q["grad"], q["t"] + 1
    with np.errstate(all="ignore"):
        tops = {
            "m̂": m / (1 - b1**t),
            "m (without bias correction)": m,
            "m / (1 − β₁^(t−1)) (steps counted from 0)": m / (1 - b1 ** (t - 1)),
            "m / (1 − β₁^(t+1)) (one step too many)": m / (1 - b1 ** (t + 1)),
            "m / (1 − β₁) (the power t missing)": m / (1 - b1),
            "m / (1 − β₂^t)": m / (1 - b2**t),
            "g (without momentum)": g,
            "β₁ m̂ + (1 − β₁) g / (1 − β₁^t) (Nesterov)": (b1 * m + (1 - b1) * g) / (1 - b1**t),
            "β₁ m / (1 − β₁^(t+1)) + (1 − β₁) g / (1 − β₁^t) (Nesterov, NAdam)": b1
            * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t),
            "the m before the step, m_(t−1) / (1 − β₁^t)": q["m"] / (1 - b1**t),
            "−m̂ (the sign reversed)": -m / (1 - b1**t),
            "m (1 − β₁^t) (multiplied)": m * (1 - b1**t),
            "sign m̂": np.sign(m),
        }  # fmt: skip
        bottoms = {
            "v̂": v / (1 - b2**t),
            "v (without bias correction)": v,
            "v / (1 − β₂^(t−1)) (steps counted from 0)": v / (1 - b2 ** (t - 1)),
            "v / (1 − β₂^(t+1)) (one step too many)": v / (1 - b2 ** (t + 1)),
            "v / (1 − β₂) (the power t missing)": v / (1 - b2),
            "v / (1 − β₁^t)": v / (1 - b1**t),
            "v / (1 − β₂^t)² (corrected after the root)": v / (1 - b2**t) ** 2,
            "the v before the step, v_(t−1) / (1 − β₂^t)": q["v"] / (1 - b2**t),
            "the larger of v_(t−1) and v, corrected (AMSGrad)": np.maximum(q["v"], v) / (1 - b2**t),
            "v (1 − β₂^t) (multiplied)": v * (1 - b2**t),
        }  # fmt: skip
        for (top, a), (bottom, b) in product(tops.items(), bottoms.items()):
            root = np.sqrt(b)
            ends = {
                "(√{} + ε)": root + eps,
                "√({} + ε)": np.sqrt(b + eps),
                "√({} + ε²)": np.sqrt(b + eps * eps),
                "√{}": root,
                "(√{} + ε √(1 − β₂^t))": root + eps * np.sqrt(1 - b2**t),
                "(√{} + ε / √(1 − β₂^t))": root + eps / np.sqrt(1 - b2**t),
                "max(√{}, ε)": np.maximum(root, eps),
                "({} + ε) (no root)": b + eps,
                "(√{} + 1e-8)": root + 1e-8,
                "(√{} + 1e-7)": root + 1e-7,
            }
            for end, denominator in ends.items():
                right = (top, bottom, end) == ("m̂", "v̂", "(√{} + ε)")
                named = bottom if bottom == "v̂" else f"[{bottom}]"
                words = "" if right else f"lr · {top} / {end.format(named)}"
                yield words, a / denominator


def _of_port(outcomes: Sequence[Outcome], places: Sequence[Any], name: str) -> Array:
    """The port's own m or v of every number."""
    return np.array(
        [float(flat(o.answer[name])[place[0]]) for o, place in zip(outcomes, places, strict=True)]
    )
