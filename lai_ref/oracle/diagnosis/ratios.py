"""Whether wrong numbers are the expected ones times a constant: 2, ½, N, 1/√D, λ², 1/(1 + k²), …

    log |got/expected| = log c + Σ_i a_i log f_i

is solved by least squares with no factor f_i, then one, then two. A law is reported if every ratio
agrees with it up to rounding, all ratios have the same sign, and the exponents are multiples of ½.
"Is 0" and "is the same number everywhere" are laws, too.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import Case
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.support.validation import Array

# constants by name, except integers and simple fractions
CONSTANTS = {"π": math.pi, "π/180": math.pi / 180, "180/π": 180 / math.pi, "√2": math.sqrt(2)} | {
    "1/√2": math.sqrt(0.5),
    "1/π": 1 / math.pi,
    "2/π": 2 / math.pi,
}
EXPONENTS = {0.5: "√{}", -0.5: "1/√{}", 1.0: "{}", -1.0: "1/{}", 2.0: "{}²", -2.0: "1/{}²"}
MAX_EXPONENT = 4.0


def ratio_law(numbers: Numbers, dtype: str) -> str:
    """The law by which these numbers follow from the expected ones, or ""."""
    if len(numbers) < 2:
        return ""
    if (numbers.got == 0).all():
        return "is 0"
    if np.isnan(numbers.got).all():
        return "is NaN"
    if np.isinf(numbers.got).all():
        return "is infinite"
    if not np.isfinite(numbers.got).all():
        return ""
    if len(numbers) > 3 and np.ptp(numbers.got) == 0 and np.ptp(numbers.expected) > 0:
        return f"is {numbers.got[0]:.6g} everywhere"
    sound = (np.abs(numbers.expected) > 4 * numbers.bound) & (numbers.got != 0)
    if sound.sum() < 2 or (numbers.got[~sound] != 0).any():
        return ""
    numbers = numbers.chosen(sound)
    ratio = numbers.got / numbers.expected
    spare = SPARE[dtype] + 8 * numbers.bound / np.abs(numbers.expected) * np.maximum(
        1, 1 / abs(ratio)
    )
    if len(set(np.sign(ratio))) > 1:
        signs = np.abs(np.abs(ratio) - 1) <= spare
        return "has the right magnitude and, in part, the wrong sign" if signs.all() else ""
    if np.abs(ratio - 1).max() < 1e-3:
        return _close(ratio, spare)
    law = law_of(ratio, spare, sizes(numbers))
    return f"is {law} times the expected number" if law else ""


def law_of(ratio: Array, spare: Array, features: dict[str, Array]) -> str:
    """The law of ratios of one sign, in words, or ""."""
    if not np.isfinite(ratio).all() or len(set(np.sign(ratio))) > 1 or (ratio == 0).any():
        return ""
    law = _law(np.log(np.abs(ratio)), spare, features)
    return "−" * bool(law and ratio[0] < 0) + law


def _close(ratio: Array, spare: Array) -> str:
    """The law of ratios near 1: a constant factor."""
    excess = float(np.median(ratio)) - 1
    beyond_rounding = len(ratio) > 3 and abs(excess) > 2 * np.median(spare)
    if beyond_rounding and (np.abs(ratio / (1 + excess) - 1) <= spare).all():
        return f"is 1 {excess:+.2g} times the expected number"
    return ""


def _law(log_ratio: Array, spare: Array, features: dict[str, Array]) -> str:
    usable = {name: np.log(f) for name, f in features.items() if (f > 0).all() and np.ptp(f) > 0}
    for count in range(3):
        for names in combinations(usable, count):
            columns = [np.ones_like(log_ratio), *(usable[name] for name in names)]
            matrix = np.stack(columns, axis=1)
            points = len(np.unique(matrix, axis=0))
            if points < count + 1:
                continue
            found, *_ = np.linalg.lstsq(matrix, log_ratio, rcond=None)
            exponents = np.round(2 * found[1:]) / 2
            constant = float(np.median(log_ratio - matrix[:, 1:] @ exponents))
            off = np.abs(log_ratio - constant - matrix[:, 1:] @ exponents)
            if (off <= spare).all() and (exponents != 0).all():
                if (np.abs(exponents) > MAX_EXPONENT).any():
                    continue
                if count and points < count + 2 and abs(constant) > 1e-4:
                    continue  # a line fits any two points
                parts = zip(names, exponents, strict=True)
                law = _product(math.exp(constant), [_power(n, float(a)) for n, a in parts])
                return law + ("" if names else _known(math.exp(constant), features))
    return ""


def _known(constant: float, features: dict[str, Array]) -> str:
    """The size (N, D, …) that a constant may come from, if all numbers have the same size."""
    if any(
        math.isclose(constant, c, rel_tol=1e-5) for c in (2.0, 0.5)
    ):  # more likely a missing or extra factor p or ½
        return ""
    for name in ("N", "D", "the number of shards"):
        size = features.get(name)
        if size is not None and np.ptp(size) == 0 and size[0] > 1:
            for power in (1.0, -1.0, 0.5, -0.5):
                if math.isclose(constant, size[0] ** power, rel_tol=1e-5):
                    return f" ({_power(name, power)}, as {name} = {size[0]:g})"
    return ""


def _product(constant: float, powers: list[str]) -> str:
    if powers and math.isclose(constant, 1, rel_tol=1e-4):
        return " · ".join(powers)
    return " · ".join([_constant(constant), *powers])


def _power(name: str, exponent: float) -> str:
    return EXPONENTS.get(exponent, "{}^" + f"{exponent:g}").format(name)


def _constant(value: float) -> str:
    for denominator in range(1, 33):
        numerator = round(value * denominator)
        if 0 < numerator < 33 and math.isclose(numerator / denominator, value, rel_tol=2e-5):
            return f"{numerator}" + (f"/{denominator}" if denominator > 1 else "")
    for name, constant in CONSTANTS.items():
        if math.isclose(value, constant, rel_tol=2e-5):
            return name
    return f"{value:.4g}"


def sizes(numbers: Numbers) -> dict[str, Array]:
    """The features that every number has, by name: what a ratio may depend on."""
    if not len(numbers):
        return {}
    rows = [
        features(o.case, numbers.output, place)
        for o, place in zip(numbers.outcomes, numbers.places, strict=True)
    ]
    common = [name for name in rows[0] if all(name in row for row in rows)]
    return {name: np.array([row[name] for row in rows]) for name in common}


def features(case: Case, output: str, place: tuple[int, ...]) -> dict[str, float]:
    """The sizes and inputs of a case from which a wrong factor may be composed."""
    given = inputs_of(case)
    loss: dict[str, Any] = given.get("loss", given)
    found: dict[str, float] = {}
    if "order" in loss:
        found["p"] = loss["order"]
    if "x" in given or case.group == "loss":
        x = given["x"] if "x" in given else given["k"]
        n = len(x)
        if case.group == "train":
            n = len(given["batches"][0][0])
        if case.group == "sharded":
            n = sum(map(len, given["shards"]))
            found["the number of shards"] = len(given["shards"])
        found["N"], found["D"] = n, x.shape[1]
        if n > 1:
            found["N/(N − 1)"] = n / (n - 1)
    if case.group == "adam":
        t = given["t"] + 1
        found |= {"t": t, "lr": given["lr"]}
        for name, beta in (("β₁", given["beta1"]), ("β₂", given["beta2"])):
            found |= {f"(1 − {name})": 1 - beta, f"(1 − {name}^t)": 1 - beta**t}
    lam = loss.get("lam")
    if lam is not None:
        own = None if output != "dk" and not isinstance(lam, float) and len(lam) > 1 else lam
        if own is not None and not isinstance(own, float):
            own = float(own[place[1] if len(own) > 1 else 0])
        if own is not None:
            found |= {"λ": own, "min(λ, 1)": min(own, 1.0), "max(λ, 1)": max(own, 1.0)}
            found["max(λ, 1/λ)"] = max(own, 1 / own)
    k = given["k"][place] if output == "dk" or case.group == "factor" else None
    if k is not None:
        found |= {"(1 + k²)": 1 + k * k, "k": abs(k)}
    if case.group == "loss" and output in ("dy", "dk"):
        found["|e|"] = abs(given["y"][place[0]] - given["t"][place[0]])
    return {name: float(value) for name, value in found.items()}
