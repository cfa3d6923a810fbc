"""The parts whose sum is a gradient: which of them a port omits, doubles or negates.

factor          F' = a'/b/c − (a/b²/c) b'       through max(|k|^p, λ), through (1 + k²)^(p/2)
loss            M = (1 − ρ)‖c‖₂ + ρ‖c‖₁         through the 2-norm, through the 1-norm
param_gradient  θ̄                               through y, and three ways through k (DESIGN §3):
                v̄_(l−1)ᵀ u_l in hidden weights, Σ_i v̄_(L−1) in the last weights, and f''
sharded         of the whole batch, or of the shards: a mean, weighted or not, or a sum
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import Case
from lai_ref.oracle.diagnosis.combinations import (
    coefficients,
    deviations,
    in_words,
    joined,
    smallest,
)
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.oracle.diagnosis.ratios import sizes
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array

Parts: TypeAlias = dict[str, Array]

DECAY = "θ"  # a part that is never expected: a penalty ½ w ‖θ‖² adds w θ
POOLED = "the loss of the whole batch"


def deviating_parts(numbers: Numbers, dtype: str) -> str:
    """Which parts deviate in these numbers, which are away from kinks; "" if unclear."""
    if not len(numbers) or not np.isfinite(numbers.got).all():
        return ""
    group = numbers.outcomes[0].case.group
    for parts_of in PARTS.get((group, numbers.output), ()):
        parts = _collected(numbers, parts_of)
        if not parts:
            continue
        scale = np.abs(numbers.got) + sum(np.abs(part) for part in parts.values())
        spare = SPARE[dtype] * scale + 4 * numbers.bound
        if group == "sharded":
            found = smallest(numbers.got, parts, spare, most=1)
            if found and list(found) != [POOLED]:
                return f"is that of {in_words(found)}, where {POOLED} is expected"
            continue
        used = {name: part for name, part in parts.items() if part.any()}
        found = coefficients(numbers.got, used, spare)
        said = deviations(found, {DECAY: 0.0}) if found else _scaled_part(numbers, used, spare)
        if said and len(said) <= 2:
            return f"is a sum of parts in which {joined(said)}"
    return ""


def _scaled_part(numbers: Numbers, parts: Parts, spare: Array) -> list[str]:
    """The one part that is multiplied by N, 1/D or a similar factor that depends on the case."""
    for name in parts:
        rest = sum((part for other, part in parts.items() if other not in (name, DECAY)), 0.0)
        for size, value in sizes(numbers).items():
            for words, power in ((size, 1.0), (f"1/{size}", -1.0), (f"√{size}", 0.5)):
                if (np.abs(rest + value**power * parts[name] - numbers.got) <= spare).all():
                    return [f"{name} is multiplied by {words}"]
    return []


def _collected(numbers: Numbers, parts_of: Callable[[Case], Mapping[str, Array]]) -> Parts:
    """The parts of every number."""
    by_case: dict[Case, Mapping[str, Array]] = {}
    columns: dict[str, list[float]] = {}
    for outcome, place in zip(numbers.outcomes, numbers.places, strict=True):
        case = outcome.case
        if case not in by_case:
            with np.errstate(all="ignore"):
                by_case[case] = parts_of(case)
        for name, part in by_case[case].items():
            columns.setdefault(name, []).append(float(part[place]))
    found = {name: np.array(column) for name, column in columns.items()}
    complete = all(
        len(column) == len(numbers) and np.isfinite(column).all() for column in found.values()
    )
    return found if complete else {}


def _of_factor(case: Case) -> Parts:
    given = inputs_of(case)
    return _terms(given["k"], given["lam"], given["order"])


def _terms(k: Array, lam: Any, p: int) -> Parts:
    """F' by the quotient rule: its two terms."""
    above = np.abs(k) ** p > lam
    a, b, c = np.where(above, np.abs(k) ** p, lam), (1 + k * k) ** (p / 2), np.minimum(lam, 1)
    da = np.where(above, p * np.abs(k) ** (p - 1) * np.sign(k), 0)
    db = p * k * (1 + k * k) ** (p / 2 - 1)
    return {
        "the term of d max(|k|^p, λ)/dk": da / b / c,
        "the term of d (1 + k²)^(p/2)/dk": -a / b / b / c * db,
    }


def _of_loss(output: str) -> Callable[[Case], Parts]:
    def parts(case: Case) -> Parts:
        given = inputs_of(case)
        rho = given["l1_ratio"]
        found = {}
        for name, weight, ratio in (("2-norm", 1 - rho, 0.0), ("1-norm", rho, 1.0)):
            answer = Port().loss(**(given | {"l1_ratio": ratio}))
            part = answer[("value", "dy", "dk").index(output)]
            found[f"the part of the {name}"] = weight * np.asarray(part)
        return found

    return parts


def _of_dy_by_feature(last: bool) -> Callable[[Case], Parts]:
    """dy as the sum of the part of one feature, the first or the last, and that of the others."""

    def parts(case: Case) -> Parts:
        given = inputs_of(case)
        port, e = Port(), given["y"] - given["t"]
        F, _ = port.factor(given["k"], given["lam"], given["order"])
        ell = port.per_feature(e, F, given["order"])
        _, s = port.reduce(ell, given["l1_ratio"], given["reduction"])
        every = s * (port.residual_grad(e, given["order"])[:, None] * F) / len(e)
        one = every[:, -1 if last else 0]
        name = "last" if last else "first"
        return {
            f"the part of the {name} feature": one,
            "the part of the other features": every.sum(axis=1) - one,
        }

    return parts


def _of_dk(case: Case) -> Parts:
    given = inputs_of(case)
    dk = Port().loss(**given)[2]
    F_prime = Port().factor(given["k"], given["lam"], given["order"])[1]
    weight = np.divide(dk, F_prime, out=np.zeros_like(dk), where=F_prime != 0)
    terms = _terms(given["k"], np.asarray(given["lam"]), given["order"])
    return {name: weight * term for name, term in terms.items()}


def _of_gradient(case: Case) -> Parts:
    given = inputs_of(case)
    return parts_of_gradient(given, given["loss"]) | {DECAY: given["theta"]}


def parts_of_gradient(given: dict[str, Any], loss: dict[str, Any]) -> Parts:
    """θ̄ as the sum of the part through y and the three parts through k."""
    port = Port()
    net = {name: given[name] for name in ("sizes", "activation", "theta")}
    cache = port.forward_and_input_gradient(given["x"], **net)
    _, dy, dk = port.loss_gradients(cache.y, given["t"], cache.k, loss)
    zeros = [np.zeros_like(df) for df in cache.df]
    dW, dz = port.reverse_input_gradient(cache, dk)

    def direct(*layers: int) -> Array:
        """The part v̄ᵀu of the weights of these layers; the other layers are 0."""
        every = range(len(dW))
        parts = [
            (dW[h] if h in layers else np.zeros_like(dW[h]), np.zeros_like(cache.layers[h][1]))
            for h in every
        ]
        return port.flatten(parts)

    last = len(dW) - 1
    return {
        "the part through y": port.flatten(port.reverse_forward(cache, dy, zeros)),
        "the part through k into the hidden weights (v̄ᵀu)": direct(*range(last)),
        "the part through k into the last layer's weights (Σ v̄)": direct(last),
        "the part through k by way of f''": port.flatten(port.reverse_forward(cache, 0 * dy, dz)),
    }


def _of_gradient_by_feature(last: bool) -> Callable[[Case], Parts]:
    """θ̄ as the sum of the parts through y, through k of one feature and of the others."""

    def parts(case: Case) -> Parts:
        given = inputs_of(case)
        port = Port()
        net = {name: given[name] for name in ("sizes", "activation", "theta")}
        cache = port.forward_and_input_gradient(given["x"], **net)
        _, dy, dk = port.loss_gradients(cache.y, given["t"], cache.k, given["loss"])
        one = np.zeros_like(dk)
        one[:, -1 if last else 0] = dk[:, -1 if last else 0]
        name = "last" if last else "first"
        return {
            "the part through y": port.double_backward(cache, dy, 0 * dk),
            f"the part through k of the {name} feature": port.double_backward(cache, 0 * dy, one),
            "the part through k of the other features": port.double_backward(
                cache, 0 * dy, dk - one
            ),
        }

    return parts


def _of_shards(output: str) -> Callable[[Case], Parts]:
    def parts(case: Case) -> Parts:
        given = dict(inputs_of(case))
        shards = given.pop("shards")
        x, t = given.pop("x"), given.pop("t")

        def of(rows: Array) -> Array:
            answer = Port().param_gradient(x=x[rows], t=t[rows], **given)
            return np.asarray(answer[output == "grad"])

        own = [of(rows) for rows in shards]
        counts = np.array([len(rows) for rows in shards]) / sum(map(len, shards))
        pooled = of(np.concatenate(shards))
        found = {
            POOLED: pooled,
            "the shards' own losses, averaged with the weights n_s/n": np.einsum(
                "s,s...->...", counts, own
            ),
            "the shards' own losses, averaged without weights": np.mean(own, axis=0),
            "the shards' own losses, added": np.sum(own, axis=0),
            "the first shard alone": own[0],
            "the last shard alone": own[-1],
            "the whole batch, divided by the number of shards": pooled / len(shards),
            "the whole batch, times the number of shards": pooled * len(shards),
            "all samples, also those in no shard": of(np.arange(len(x))),
        }
        if output == "grad":
            found["every shard's part of the gradient, divided by its own n_s and not by n"] = (
                _by_own(x, t, shards, given)
            )
        if output == "value":
            found["the largest of the shards' own losses"] = np.max(own, axis=0)
            found["the smallest of the shards' own losses"] = np.min(own, axis=0)
        return found

    return parts


def _by_own(x: Array, t: Array, shards: list[Array], given: dict[str, Any]) -> Array:
    """Σ_s n/n_s · (the part of shard s of the gradient of the whole batch)."""
    port, rows = Port(), np.concatenate(shards)
    net = {name: given[name] for name in ("sizes", "activation", "theta")}
    cache = port.forward_and_input_gradient(x[rows], **net)
    _, dy, dk = port.loss_gradients(cache.y, t[rows], cache.k, given["loss"])
    weight = np.concatenate([np.full(len(shard), len(rows) / len(shard)) for shard in shards])
    return port.double_backward(cache, weight * dy, weight[:, None] * dk)


PARTS: dict[tuple[str, str], tuple[Callable[[Case], Mapping[str, Array]], ...]] = {
    ("factor", "slope"): (_of_factor,),
    ("loss", "value"): (_of_loss("value"),),
    ("loss", "dy"): (_of_loss("dy"), _of_dy_by_feature(False), _of_dy_by_feature(True)),
    ("loss", "dk"): (_of_loss("dk"), _of_dk),
    ("param_gradient", "grad"): (
        _of_gradient,
        _of_gradient_by_feature(False),
        _of_gradient_by_feature(True),
    ),
    ("sharded", "value"): (_of_shards("value"),),
    ("sharded", "grad"): (_of_shards("grad"),),
}
