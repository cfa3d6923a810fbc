"""Tolerances: their rules against exact arithmetic, then whole cases against real errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from functools import cache
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pytest

from lai_ref.oracle.case import Case, flat
from lai_ref.oracle.grading.backend import Reference, reference
from lai_ref.oracle.grading.runner import run_case
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.tolerances import answers as straightforward
from lai_ref.oracle.tolerances.bounded import (
    ETA,
    SAFETY,
    UNIT,
    AmbiguousBranchError,
    Bounded,
    branch,
    maximum,
    mean,
    power,
    sqrt,
    tanh,
    tolerance,
    total,
)
from lai_ref.oracle.tolerances.drift import State, free_run
from lai_ref.oracle.tolerances.loss import factor, l2_norm
from lai_ref.oracle.tolerances.network import activate
from lai_ref.oracle.truth import answers as exact
from lai_ref.support.validation import Array

DTYPES = ("float64", "float32")
ACTIVATIONS = ("identity", "relu", "tanh", "softplus", "silu")


# Rules


def first_order(b: Bounded, dtype: str) -> float:
    """The bound without its constant."""
    return tolerance(b, dtype) / SAFETY


def operands(rng: np.random.Generator) -> tuple[Bounded, np.float32]:
    """A number with a bound, and what a port may have in its place, in float32."""
    size = 2.0 ** rng.integers(-70, 40)
    value = float(np.float32(rng.normal() * size))
    b = Bounded(value, 8 * abs(value), float(rng.integers(0, 3)))
    off = rng.choice([-1.0, 1.0]) * first_order(b, "float32") if rng.random() < 0.7 else 0.0
    with np.errstate(under="ignore"):
        got = np.float32(value + off)
    # rounded towards the true value, so that it stays within the bound
    while abs(float(got) - value) > first_order(b, "float32"):
        got = np.nextafter(got, np.float32(value))
    return (b, got) if off else (Bounded(value), got)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "plus": lambda a, b: a + b,
    "minus": lambda a, b: a - b,
    "times": lambda a, b: a * b,
    "over": lambda a, b: a / b,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_one_operation(name: str) -> None:
    """What float32 makes of operands within their bounds is within the bound of the result."""
    rng, used = np.random.default_rng(1), []
    for _ in range(4000):
        (a, a_got), (b, b_got) = operands(rng), operands(rng)
        if abs(b.value) < 1e-4 * b.underflow or b_got == 0:
            continue
        with np.errstate(all="ignore"):
            got = OPERATIONS[name](a_got, b_got)
        if abs(got) > 1e38:
            continue
        bound = first_order(OPERATIONS[name](a, b), "float32")
        truth = OPERATIONS[name](Fraction(a.value), Fraction(b.value))
        error = abs(Fraction(float(got)) - truth)
        # second order: errors of 8 u in operands, where the underflow is not all
        if max(ETA["float32"] * c.underflow / abs(c.value) for c in (a, b)) < 1e-5:
            assert error <= bound * 1.0001, (a, b)
            used.append(float(error / Fraction(bound)) if bound else 0.0)
    assert len(used) > 2000
    assert max(used) > 0.9  # and the bound is not larger than it has to be


def test_plain_numbers_are_exact() -> None:
    """An int or float takes part as a number without an error, on either side."""
    a = Bounded(3.0, 5.0, 7.0)
    assert fields(a + 1) == fields(1 + a) == (4, 9, 7)
    assert fields(a - 1) == (2, 7, 7)
    assert fields(1 - a) == (-2, 7, 7)
    assert fields(a * 2) == fields(2 * a) == (6, 16, 15)
    assert fields(a / 2) == (1.5, 4, 4.5)
    assert fields(6 / a) == (2, 2 * 5 / 3 + 2, 2 * 7 / 3 + 1)
    assert fields(-abs(-a)) == (-3, 5, 7)


@pytest.mark.parametrize("trivial", [0.0, 1.0, -1.0])
def test_exact_factors_add_nothing(trivial: float) -> None:
    """0 and ±1 do not round; 0 from another source may not be 0 in a port."""
    a = Bounded(3.0, 5.0, 7.0)
    size = abs(trivial)
    assert fields(a * trivial) == (3 * trivial, 5 * size, 7 * size)
    assert fields(a * Bounded(0.0, 1.0)) == (0, 3, 1)
    assert fields(a * Bounded(0.0, 0.0, 1.0)) == (0, 0, 4)
    assert fields(Bounded(0.0) / a) == (0, 0, 0)


def fields(b: Bounded) -> tuple[float, float, float]:
    return b.value, b.rounding, b.underflow


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_sum_in_any_order(n: int) -> None:
    """Every order and every grouping of float32 sums, cancellation included."""
    rng, used = np.random.default_rng(n), []
    for _ in range(400):
        terms = (rng.normal(size=n) * 10.0 ** rng.uniform(-3, 3, n)).astype(np.float32)
        if rng.random() < 0.5:
            terms[-1] = -np.sum(terms[:-1])
        bound = first_order(total([Bounded(float(x)) for x in terms]), "float32")
        truth = sum(map(Fraction, terms.tolist()))
        for order in (terms, -np.sort(-terms), terms[rng.permutation(n)]):
            for got in (np.cumsum(order, dtype=np.float32)[-1], halves(order)):
                error = float(abs(Fraction(float(got)) - truth))
                assert error <= bound
                used.append(error / bound if bound else 0.0)
    assert n < 3 or max(used) > 0.1


def halves(terms: Array) -> np.float32:
    """The sum of the sums of both halves."""
    if len(terms) == 1:
        return np.float32(terms[0])
    middle = len(terms) // 2
    return np.float32(halves(terms[:middle]) + halves(terms[middle:]))


def test_sum_of_numbers_with_bounds() -> None:
    """The terms' own errors add up, exact zeros are not counted, and the mean divides."""
    terms = [Bounded(2.0, 1.0, 3.0), Bounded(0.0), Bounded(-4.0, 2.0, 5.0), Bounded(3.0)]
    assert fields(total(terms)) == (1.0, 3 + 2 * 9, 8.0)
    assert fields(mean(terms)) == (0.25, 21 / 4 + 3 * 0.25, 3.0)
    assert fields(total([])) == (0, 0, 0)


def test_any_order_of_cancelling_terms_is_bounded() -> None:
    """1 + h − 1 in an order that loses h."""
    h = 2.0**-25
    b = total([Bounded(1.0), Bounded(h), Bounded(-1.0)])
    assert h <= first_order(b, "float32") <= 9 * h


FUNCTIONS: dict[str, tuple[Any, Any, tuple[float, float]]] = {
    "sqrt": (sqrt, np.sqrt, (0, 20)),
    "tanh": (tanh, np.tanh, (-3, 3)),
    "power": (lambda a: power(a, 7), lambda a: a**7, (0, 2)),
}


def decimal_function(name: str, a: Decimal) -> Decimal:
    if name == "tanh":
        return 1 - 2 / ((2 * a).exp() + 1)
    return a.sqrt() if name == "sqrt" else a**7


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_function(name: str, dtype: str) -> None:
    """Arguments that are off by 64 roundings."""
    ours, numpys, (low, high) = FUNCTIONS[name]
    rng, used = np.random.default_rng(5), []
    for value in rng.uniform(low, high, 500).astype(np.float32).tolist():
        for rounding in (0.0, 64.0 * abs(value)):
            b = ours(Bounded(value, rounding))
            for off in (-1, 1):
                argument = np.dtype(dtype).type(value + off * UNIT[dtype] * rounding)
                # the rounding of the argument comes on top
                allowed = ours(Bounded(value, rounding + (abs(value) if rounding else 0.0)))
                with localcontext(Context(prec=50)):
                    truth = decimal_function(name, Decimal(value))
                    error = float(abs(Decimal(float(numpys(argument))) - truth))
                assert error <= first_order(allowed, dtype) * 1.001 + 1e-300
                used.append(error / first_order(b, dtype))
    assert max(used) > 0.6


def test_function_carries_what_its_argument_has() -> None:
    """f' times the errors of the argument, and one η of its own."""
    z = Bounded(0.5, 1e6, 1e3)
    slope = 1 - math.tanh(0.5) ** 2
    assert tanh(z).rounding == pytest.approx(1e6 * slope, rel=1e-4)
    assert tanh(z).underflow == pytest.approx(1e3 * slope + 1)
    assert power(z, 3).rounding == pytest.approx(1e6 * 0.75, rel=1e-4)


def test_root_of_what_underflows() -> None:
    """e = 1e-30: e² is 0 in float32 and its root 0; the tolerance knows, and is not endless."""
    e = float(np.float32(1e-30))
    b = sqrt(Bounded(e) * Bounded(e))
    assert e <= tolerance(b, "float32") < 1e-21
    assert tolerance(b, "float64") < 1e-14 * e
    # 0 itself, and a 0 that is something else in a port
    assert fields(sqrt(Bounded(0.0))) == (0, 0, 0)
    assert 0 < tolerance(sqrt(Bounded(0.0, 0.0, 2.0)), "float32") < 1e-21
    assert tolerance(sqrt(Bounded(0.0, 1.0)), "float64") == math.inf


def test_underflow_is_amplified() -> None:
    """e² F with e² = 0 in float32 and F = 1e30."""
    e, F = Bounded(1e-30), Bounded(1e30)
    b = e * e * F
    assert b.underflow == 1e30 + 1
    assert abs(np.float32(0) - b.value) <= tolerance(b, "float32")
    assert b.value > 1e12 * tolerance(b, "float64")


def test_side() -> None:
    """Decided, a kink hit exactly, and what rounding decides."""
    a = Bounded(1.0, 2.0)
    assert branch(a, 0.5, 0.3) == 1
    assert branch(a, 2.0, 0.3) == 0
    assert branch(a, 1.0, 0.3) == 0.3
    near = 1 + 4 * SAFETY * UNIT["float32"]
    assert branch(a, near, 0.3) == 0
    with pytest.raises(AmbiguousBranchError, match="rounding may exchange"):
        branch(a, 1 + SAFETY * UNIT["float32"], 0.3)
    # without errors every difference counts
    assert branch(Bounded(1.0), 1 + 2.0**-52, 0.3) == 0
    assert maximum(a, Bounded(2.0)).value == maximum(Bounded(2.0), a).value == 2


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e-21, 1e-30, 1e15])
def test_norm(scale: float) -> None:
    """‖c‖₂ and c/‖c‖₂ in float32, by squares and scaled, of c that is off itself."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        n = int(rng.integers(1, 5))
        c = (rng.uniform(0.1, 1, n) * scale).astype(np.float32).astype(float)
        rounding = rng.choice([0.0, 20.0]) * c
        length, unit = l2_norm([Bounded(v, r) for v, r in zip(c, rounding, strict=True)])
        got = (c + rng.choice([-1, 1], n) * UNIT["float32"] * rounding).astype(np.float32)
        largest = got.max()
        scaled = np.sqrt(np.sum((got / largest) ** 2))
        with np.errstate(all="ignore"):
            plain = np.sqrt(np.sum(got * got))
            units = [got / largest / scaled, np.where(plain > 0, got / plain, 0)]
        for norm in (largest * scaled, plain):
            assert abs(norm - math.hypot(*c)) <= tolerance(length, "float32")
        for r in units:
            for r_j, u_j, c_j in zip(r, unit, c, strict=True):
                assert abs(r_j - c_j / math.hypot(*c)) <= tolerance(u_j, "float32")
        if scale != 1e-30:  # where squares do not underflow altogether it says something
            assert tolerance(unit[0], "float64") < 1e-13


def test_norm_carries_errors_exactly() -> None:
    """One feature: c/‖c‖₂ = 1 whatever c is. Several: the exact derivative."""
    _, (one,) = l2_norm([Bounded(3.0, 1e6)])
    assert one.rounding < 5
    length, unit = l2_norm([Bounded(3.0, 100.0), Bounded(4.0, 0.0)])
    assert length.rounding == pytest.approx(0.6 * 100 + 2 * 5)
    assert unit[0].rounding == pytest.approx(0.64 / 5 * 100 + 3 * 0.6)
    assert unit[1].rounding == pytest.approx(0.48 / 5 * 100 + 3 * 0.8)
    zero, units = l2_norm([Bounded(0.0, 2.0), Bounded(0.0, 3.0)])
    assert fields(zero) == (0, 5, 0)
    assert [fields(r) for r in units] == [(0, 0, 0)] * 2


# Whole cases


def singles(a: Any) -> Any:
    """Nested lists of the float32 nearest to each number, as decimals."""
    if np.ndim(a):
        return [singles(part) for part in a]
    return Decimal(float(np.float32(a)))


def random_loss(rng: np.random.Generator, d: int) -> dict[str, Any]:
    lam = 10 ** rng.uniform(-2, 1, d)
    return {
        "name": "lai",
        "lam": singles(lam if rng.random() < 0.3 else lam[0]),
        "order": int(rng.integers(1, 3)),
        "l1_ratio": singles(rng.choice([0.0, 1.0, 0.25])),
        "reduction": str(rng.choice(["batch", "sample"])),
    }


def random_network(rng: np.random.Generator, n: int) -> dict[str, Any]:
    d = int(rng.integers(1, 4))
    sizes = [d, *(int(w) for w in rng.integers(1, 5, rng.integers(0, 4))), 1]
    count = sum((a + 1) * b for a, b in pairwise(sizes))
    return {
        "sizes": sizes,
        "activation": str(rng.choice(ACTIVATIONS)),
        "theta": singles(rng.normal(size=count)),
        "x": singles(rng.normal(size=(n, d))),
    }


def random_inputs(group: str, seed: int) -> dict[str, Any]:
    """Ordinary inputs: a few samples and features, numbers around 1."""
    rng = np.random.default_rng([seed, *group.encode()])
    n = int(rng.integers(1, 6))
    if group == "factor":
        k = rng.normal(size=6) * 10.0 ** rng.uniform(-2, 1.4, 6)
        lam = singles(10 ** rng.uniform(-2, 2))
        return {"k": singles(k), "lam": lam, "order": int(rng.integers(1, 3))}
    if group == "loss":
        d = int(rng.integers(1, 5))
        y, t, k = rng.normal(size=n), rng.normal(size=n), rng.normal(size=(n, d)) * 2
        loss = random_loss(rng, d)
        del loss["name"]
        return {"y": singles(y), "t": singles(t), "k": singles(k), **loss}
    adam = {"lr": 0.01, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
    constants = {name: singles(number) for name, number in adam.items()}
    if group == "adam":
        g, v = rng.normal(size=(2, 8)) * 10.0 ** rng.uniform(-6, 2, (2, 8))
        taken = int(rng.choice([0, 1, 9, 999]))
        m = singles(rng.normal(size=8) if taken else np.zeros(8))
        v = singles(v * v if taken else np.zeros(8))
        theta = singles(rng.normal(size=8))
        return {"theta": theta, "grad": singles(g), "t": taken, "m": m, "v": v, **constants}
    if group == "train":
        n = 5
    inputs = random_network(rng, n)
    if group == "input_gradient":
        return inputs
    inputs["t"] = singles(rng.normal(size=n))
    loss = random_loss(rng, inputs["sizes"][0])
    plain = {"name": "plain", "order": int(rng.integers(1, 3))}
    inputs["loss"] = loss if group == "train" or rng.random() < 0.8 else plain
    if group == "sharded":
        inputs["shards"] = [list(range(n // 2, n)), list(range(n // 2))][: 1 + n // 2]
    if group == "train":
        rows = [rng.permutation(n)[:3].tolist() for _ in range(4)]
        zeros = singles(np.zeros(len(inputs["theta"])))
        inputs |= {"m": zeros, "v": zeros, "step": 0, "plain": plain["order"], **constants}
        inputs["batches"] = [{"rows": r, "lai_rows": r[: i % 4]} for i, r in enumerate(rows)]
    return inputs


class Known(NamedTuple):
    """A case, its true answer, and bounds for the errors in it."""

    case: Case
    truth: dict[str, Any]
    bounds: dict[str, Any]


@cache
def ordinary(group: str, count: int) -> list[Known]:
    """Random cases, but none whose side of a kink rounding would decide."""
    found = []
    for seed in range(count):
        inputs = random_inputs(group, seed)
        try:
            bounds = straightforward.answer(group, inputs, 0.5)
        except AmbiguousBranchError:
            continue
        case = Case(f"{group}/{seed}", group, "random numbers", inputs, None, None, {})
        found.append(Known(case, exact.answer(group, inputs, Decimal("0.5")), bounds))
    assert len(found) > 0.7 * count
    return found


def measured(known: Known, backend: object, dtype: str) -> list[tuple[float, float, Bounded]]:
    """For every number of the answer: error, tolerance, and what it is."""
    answer, found = run_case(backend, known.case, dtype), []
    assert isinstance(answer, dict), answer
    for name, got in answer.items():
        rows = zip(flat(got), flat(known.truth[name]), flat(known.bounds[name]), strict=True)
        found += [(float(abs(g - w)), tolerance(b, dtype), b) for g, w, b in rows]
    return found


# group, number of cases, most that the tolerance exceeds errors by in the median
GROUPS = [
    ("factor", 60, 120),
    ("loss", 40, 150),
    ("input_gradient", 40, 250),
    ("param_gradient", 24, 600),
    ("adam", 30, 100),
    ("train", 6, 500),
    ("sharded", 12, 600),
]


@pytest.mark.parametrize(("group", "count", "most"), GROUPS)
def test_errors_are_within_tolerance(group: str, count: int, most: float) -> None:
    """`lai_ref` and a plain port, in both dtypes, against the truth; and not by far too much."""
    ratios, relative = [], []
    for known in ordinary(group, count):
        for name, truth in known.truth.items():
            for want, b in zip(flat(truth), flat(known.bounds[name]), strict=True):
                assert abs(Decimal(b.value) - want) <= Decimal(tolerance(b, "float64"))
        for dtype in DTYPES:
            for backend in (reference, Port()):
                for error, bound, b in measured(known, backend, dtype):
                    assert error <= bound, (known.case, backend, b)
                    if dtype == "float64" and isinstance(backend, Port):
                        ratios += [bound / error] if error else []
                        relative += [bound / abs(b.value)] if b.value else []
    print(f"{group}: {median(ratios):.0f} times the error, {median(relative):.1e} of the value")
    assert median(ratios) < most
    assert median(relative) < 1e-12


class Fudged(Reference):
    """One relative error in every result."""

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)

        def fudged(**arguments: Any) -> Any:
            answer = method(**arguments)
            parts = answer if isinstance(answer, tuple) else (answer,)
            return tuple(np.asarray(part) * (1 + 1e-9) for part in parts)

        return fudged


@pytest.mark.parametrize(("group", "count", "_"), GROUPS)
def test_small_relative_error_exceeds_it(group: str, count: int, _: float) -> None:
    """1e-9 in float64, in nearly every number that is not 0."""
    for known in ordinary(group, count):
        numbers = [m for m in measured(known, Fudged(), "float64") if m[2].value]
        caught = sum(error > bound for error, bound, _ in numbers)
        assert caught >= 0.9 * len(numbers)


@pytest.mark.parametrize("group", ["factor", "loss"])
def test_lam_off_by_a_millionth_exceeds_it(group: str) -> None:
    """In float64, in every number that λ is in."""
    moved = 0
    for case, truth, bounds in ordinary(group, 10):
        lam, off = case.inputs["lam"], Decimal("1.000001")
        wrong = [part * off for part in lam] if isinstance(lam, list) else lam * off
        answer = exact.answer(group, {**case.inputs, "lam": wrong}, Decimal("0.5"))
        for name in truth:
            numbers = zip(flat(answer[name]), flat(truth[name]), flat(bounds[name]), strict=True)
            for got, want, b in numbers:
                if abs(got - want) > Decimal("1e-8") * abs(want):
                    assert abs(got - want) > Decimal(tolerance(b, "float64"))
                    moved += 1
    assert moved > 40


# What correct ports do in other ways

Sides = tuple[Array, Array]


def by_quotient_rule(k: Array, lam: Any, order: int, eps: float = 0.0) -> Sides:
    """F' as automatic differentiation of max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1) has it."""
    one = k.dtype.type(1)
    low, d = min(lam, one), one + k * k + k.dtype.type(eps)
    head = np.maximum(np.abs(k) if order == 1 else k * k, lam)
    above = head > lam
    dhead = np.where(above, np.sign(k) if order == 1 else 2 * k, 0)
    if order == 2:
        return head / d / low, (dhead / d - head * (2 * k) / (d * d)) / low
    root = np.sqrt(d)
    return head / root / low, (dhead / root - head * (k / root) / (root * root)) / low


def by_angle(k: Array, lam: Any, order: int) -> Sides:
    """F = max(|sin φ|^p, λ |cos φ|^p) / min(λ, 1), φ = atan k."""
    phi = np.arctan(k)
    sin, cos, low = np.sin(phi), np.cos(phi), min(lam, k.dtype.type(1))
    F = np.maximum(np.abs(sin) ** order, lam * cos**order) / low
    along = order * np.abs(sin) ** (order - 1) * np.sign(k) * cos**3
    across = -order * lam * cos ** (order + 1) * sin
    return F, np.where(np.abs(sin) ** order > lam * cos**order, along, across) / low


def in_logarithms(k: Array, lam: Any, order: int) -> Sides:
    """F = exp(p log |k| − (p/2) log(1 + k²) − log min(λ, 1))."""
    one, p = k.dtype.type(1), k.dtype.type(order)
    log_k, log_lam, log_d = np.log(np.abs(k)), np.log(lam), np.log1p(k * k)
    low = min(log_lam, 0 * one)
    F = np.exp(np.maximum(p * log_k, log_lam) - p / 2 * log_d - low)
    steep = (p / 2 + 1) * log_d + low
    along = np.exp((p - 1) * log_k - steep)
    across = -np.exp(log_lam + log_k - steep)
    return F, p * np.sign(k) * np.where(p * log_k > log_lam, along, across)


def by_reciprocals(k: Array, lam: Any, order: int) -> Sides:
    """1/√(1 + k²) multiplied instead of divided by, and λ's side as 1/min(λ, 1)."""
    one = k.dtype.type(1)
    r, scale = one / np.hypot(one, k), one / min(lam, one)
    size = np.abs(k)
    power_k = size if order == 1 else size * size
    F = np.maximum(power_k, lam) * r**order * scale
    head = np.sign(k) if order == 1 else k
    return F, order * np.where(power_k > lam, head, -lam * k) * r ** (order + 2) * scale


@pytest.mark.parametrize("rewrite", [by_quotient_rule, by_angle, in_logarithms, by_reciprocals])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rewritten_factor(rewrite: Callable[[Array, Any, int], Sides], dtype: str) -> None:
    """Slopes up to 30, λ from 1e-3 to 1e4."""
    rng = np.random.default_rng(11)
    for _ in range(300):
        k = np.float32(rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1.48))
        lam, order = np.float32(10 ** rng.uniform(-3, 4)), int(rng.integers(1, 3))
        try:
            bounds = factor(Bounded(float(k)), float(lam), order, 0.5)
        except AmbiguousBranchError:
            continue
        inputs = {"k": singles([k]), "lam": singles(lam), "order": order}
        truth = exact.answer("factor", inputs, Decimal("0.5"))
        got = rewrite(np.array([k], dtype), np.dtype(dtype).type(lam), order)
        for b, (want,), (have,) in zip(bounds, truth.values(), got, strict=True):
            assert abs(Decimal(float(have)) - want) <= tolerance(b, dtype), (k, lam, order)


@pytest.mark.parametrize("dtype", DTYPES)
def test_angle_of_steeper_slopes(dtype: str) -> None:
    """cos atan k for |k| up to 300, below the kink, where it is all of F."""
    rng, worst = np.random.default_rng(14), 0.0
    for k in rng.uniform(100, 300, 100).astype(np.float32):
        for order in (1, 2):
            bounds = factor(Bounded(float(k)), 1e6, order, 0.5)
            got = by_angle(np.array([k], dtype), np.dtype(dtype).type(1e6), order)
            inputs = {"k": singles([k]), "lam": singles(1e6), "order": order}
            truth = exact.answer("factor", inputs, Decimal("0.5"))
            for b, (want,), (have,) in zip(bounds, truth.values(), got, strict=True):
                error = float(abs(Decimal(float(have)) - want))
                assert error <= tolerance(b, dtype)
                worst = max(worst, error / abs(b.value) / UNIT[dtype])
    assert worst > 100


@pytest.mark.parametrize("dtype", DTYPES)
def test_logarithms_at_the_ends(dtype: str) -> None:
    """|k| and λ of 1e±18, squared still in float32's range: errors of hundreds of roundings."""
    rng, worst = np.random.default_rng(12), 0.0
    for _ in range(300):
        k, lam = (np.float32(10 ** rng.uniform(-18, 18)) for _ in range(2))
        order = int(rng.integers(1, 3))
        bounds = factor(Bounded(float(k)), float(lam), order, 0.5)
        got = in_logarithms(np.array([k], dtype), np.dtype(dtype).type(lam), order)
        inputs = {"k": singles([k]), "lam": singles(lam), "order": order}
        truth = exact.answer("factor", inputs, Decimal("0.5"))
        for b, (want,), (have,) in zip(bounds, truth.values(), got, strict=True):
            error = float(abs(Decimal(float(have)) - want))
            assert error <= tolerance(b, dtype), (k, lam, order)
        worst = max(worst, error / abs(b.value) / UNIT[dtype])
    assert worst > 50


@pytest.mark.parametrize("lam", [1e-20, 0.5, 2.0, 1e20])
@pytest.mark.parametrize("order", [1, 2])
def test_far_slopes_have_bounds_that_say_something(order: int, lam: float) -> None:
    """|k| of 1e±15, F and F' to twelve digits in float64."""
    for k in (1e-15, 1e-3, 1e3, 1e15):
        for b in factor(Bounded(k), lam, order, 0.5):
            assert tolerance(b, "float64") < 1e-12 * abs(b.value)


def test_epsilon_under_a_root_exceeds_it() -> None:
    """1e-8 added to 1 + k², in float64; the same port without it passes, above."""
    k = np.array([0.5, -2.0, 3.0])
    for order in (1, 2):
        for k_j, F, slope in zip(k, *by_quotient_rule(k, 0.75, order, 1e-8), strict=True):
            inputs = {"k": singles([k_j]), "lam": singles(0.75), "order": order}
            truth = exact.answer("factor", inputs, Decimal("0.5"))
            bounds = factor(Bounded(float(k_j)), 0.75, order, 0.5)
            for b, (want,), have in zip(bounds, truth.values(), (F, slope), strict=True):
                assert abs(Decimal(float(have)) - want) > 1000 * Decimal(tolerance(b, "float64"))


def sigmoids(z: Array) -> list[Array]:
    """σ in the ways that are in use."""
    one, half = z.dtype.type(1), z.dtype.type(0.5)
    with np.errstate(over="ignore"):
        naive = one / (one + np.exp(-z))
        fused = np.exp(-np.logaddexp(0 * one, -z))
    left = one / (one + np.exp(z))
    top = np.maximum(z, 0)
    softmax = np.exp(z - top) / (np.exp(z - top) + np.exp(-top))
    return [naive, half * (one + np.tanh(half * z)), one - left, fused, softmax]


def rewrites_of(name: str, z: Array) -> Iterator[tuple[Array, Array, Array]]:
    """f, f', f''."""
    one = z.dtype.type(1)
    if name == "tanh":
        a = np.tanh(z)
        c = one / np.cosh(z)
        poor = one / np.nextafter(np.cosh(z.astype(float)).astype(z.dtype), z.dtype.type(np.inf))
        yield a, one - a * a, -2 * a * (one - a * a)
        yield a, (one - a) * (one + a), -2 * a * c * c
        yield a, poor * poor, -2 * a * poor * poor  # cosh is worse on some processors than others
        yield np.sinh(z) / np.cosh(z), c * c, -2 * np.sinh(z) * c**3
        return
    for s in sigmoids(z):
        ds = s * (one - s)
        if name == "softplus":
            yield np.log(one + np.exp(z)), s, ds
            yield np.logaddexp(0 * one, z), s, s - s * s
            yield np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0), s, ds
        else:
            f = z * s
            yield f, s + z * ds, ds * (2 + z * (one - 2 * s))
            yield f, f + s * (one - f), ds + ds + z * ds * (one - 2 * s)


@pytest.mark.parametrize("name", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_rewritten_activation(name: str, dtype: str) -> None:
    """z from −80 to 80, more often small, and twelve ways to write each."""
    rng = np.random.default_rng(13)
    z = np.concatenate([rng.normal(size=60) * 3, rng.uniform(-80, 80, 40)]).astype(np.float32)
    bounds = [activate(name, Bounded(float(z_i)), 0.5) for z_i in z]
    for rewrite in rewrites_of(name, z.astype(dtype)):
        for i, b in enumerate(bounds):
            want = decimal_activation(name, Decimal(float(z[i])))
            for have, unit, truth in zip(rewrite, b, want, strict=True):
                error = abs(Decimal(float(have[i])) - truth)
                assert error <= tolerance(unit, dtype), (name, z[i], unit)


def decimal_activation(name: str, z: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    with localcontext(Context(prec=120)):
        if name == "tanh":
            a = decimal_function("tanh", z)
            return a, 1 - a * a, -2 * a * (1 - a * a)
        s = 1 / (1 + (-z).exp())
        ds = s * (1 - s)
        if name == "softplus":
            return (1 + z.exp()).ln(), s, ds
        return z * s, s + z * ds, ds * (2 + z * (1 - 2 * s))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("z", [-1.5, 0.25, 2.0])
def test_activation_carries_the_error_of_its_argument(name: str, z: float) -> None:
    """At least as the next derivative does, and at most a few times as much."""
    unit = activate(name, Bounded(z, 1e6), 0.5)
    h = 2.0**-10
    up, down = (activate(name, Bounded(z + step), 0.5) for step in (h, -h))
    for b, above, below in zip(unit, up, down, strict=True):
        slope = abs(above.value - below.value) / (2 * h)
        assert 0.999e6 * slope <= b.rounding <= 6e6 * max(slope, 0.1)


@pytest.mark.parametrize(("name", "z"), [("relu", 0.0), ("relu", -2.0), ("relu", 3.0)])
def test_relu(name: str, z: float) -> None:
    """Nothing on the left, z on the right, and u between."""
    f, slope, curvature = activate(name, Bounded(z, 1.0), 0.25)
    assert (f.value, slope.value, fields(curvature)) == (
        max(z, 0.0),
        0.25 if z == 0 else float(z > 0),
        (0, 0, 0),
    )
    assert f.rounding == (z >= 0)


# Kinks, ends, drift


@pytest.mark.parametrize("u", [0.0, 0.25, 0.5, 1.0])
def test_conventions_are_those_of_the_truth(u: float) -> None:
    """At all kinks at once the values are those of `truth.answers`, for every u."""
    loss = {"name": "lai", "lam": singles([0.25, 2.0]), "order": 1, "l1_ratio": singles(0.5)}
    network = {
        "sizes": [2, 2, 1],
        "activation": "relu",
        # z = (x_1, x_2), so that relu's kink is at x_2 = 0, and k = (¼, 2)
        "theta": singles([1, 0, 0, 1, 0, 0, 0.25, 2, 0]),
        "x": singles([[1, 0], [1, 1]]),
        "t": singles([0.25, 1]),
    }
    cases = [
        ("factor", {"k": singles([0.5, -0.5]), "lam": singles(0.25), "order": 2}),
        ("param_gradient", {**network, "loss": {**loss, "reduction": "batch"}}),
        ("param_gradient", {**network, "loss": {**loss, "reduction": "sample"}}),
    ]
    for group, inputs in cases:
        truth = exact.answer(group, inputs, Decimal(u))
        bounds = straightforward.answer(group, inputs, u)
        for name in truth:
            for want, b in zip(flat(truth[name]), flat(bounds[name]), strict=True):
                assert b.value == pytest.approx(float(want), rel=1e-13, abs=1e-13)


def test_tiny_residuals_in_float32() -> None:
    """e = 1e-30 and p = 2: a port that squares e first gets 0 for L and dy, and may."""
    inputs = {
        "y": singles([1e-30]),
        "t": singles([0.0]),
        "k": singles([[0.5, 2.0]]),
        **{"lam": singles(1e-20), "order": 2, "l1_ratio": singles(0.0), "reduction": "batch"},
    }
    b = straightforward.answer("loss", inputs, 0.5)
    for number in flat([b["value"], b["dy"], b["dk"]]):
        assert abs(number.value) <= tolerance(number, "float32")
        assert tolerance(number, "float64") < 1e-12 * abs(number.value)


def test_every_answer_is_rounded_once() -> None:
    """Also what is merely copied, and a 0 that may be −0; the codec's numbers are not."""
    line = {"sizes": [1, 1], "activation": "tanh", "theta": singles([0, 2]), "x": singles([[3]])}
    b = straightforward.answer("input_gradient", line, 0.5)
    assert fields(b["k"][0][0]) == (0, 0, 1)
    assert tolerance(b["y"][0], "float64") > 0
    (copied,) = straightforward.answer("codec", {"values": [Decimal("-0.0")]}, 0.5)["values"]
    assert fields(copied) == (0, 0, 0)
    assert math.copysign(1, copied.value) == -1
    with pytest.raises(ValueError, match="group: expected codec, factor"):
        straightforward.answer("adams", {}, 0.5)
    with pytest.raises(ValueError, match="activation: 'swish' is unknown"):
        activate("swish", Bounded(1.0), 0.5)


def test_undecided_case_is_refused() -> None:
    """λ is the float32 nearest to k², which k² is not: float32 sees a kink there."""
    k = float(np.float32(0.7))
    inputs = {"k": singles([k]), "lam": singles(k * k), "order": 2}
    with pytest.raises(AmbiguousBranchError):
        straightforward.answer("factor", inputs, 0.5)


A = np.array([[2.0, 0.5], [0.5, 1.0]])
CONSTANTS = {"lr": 0.0625, "beta1": 0.875, "beta2": 0.75, "eps": 0.125}


def linear(loud: int | None = None, error: float = 0.0) -> Callable[[list[Bounded]], list[Bounded]]:
    """The gradient A θ, number `loud` of it with an error of its own."""

    def gradient(theta: list[Bounded]) -> list[Bounded]:
        g = [sum((a * th.value for a, th in zip(row, theta, strict=True)), 0.0) for row in A]
        return [Bounded(g_p, error * (p == loud)) for p, g_p in enumerate(g)]

    return gradient


def adam_run(nudge: dict[tuple[int, int], float], steps: int) -> Array:
    """Adam on the same, in plain numbers; nudge[s, p] is added to the gradient of step s."""
    theta, m, v = np.array([1.0, -0.75]), np.zeros(2), np.zeros(2)
    b1, b2 = CONSTANTS["beta1"], CONSTANTS["beta2"]
    for s in range(1, steps + 1):
        g = A @ theta + [nudge.get((s, p), 0.0) for p in range(2)]
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        root = np.sqrt(v / (1 - b2**s)) + CONSTANTS["eps"]
        theta = theta - CONSTANTS["lr"] * m / (1 - b1**s) / root
    return theta


@pytest.mark.parametrize("loud", [0, 1])
@pytest.mark.parametrize("steps", [1, 2, 5, 12])
def test_drift_is_the_derivative_of_the_run(steps: int, loud: int) -> None:
    """An error in one gradient moves the last θ by what differences of whole runs say."""
    start = State(
        [Bounded(1.0), Bounded(-0.75)], [Bounded(0.0), Bounded(0.0)], [Bounded(0.0), Bounded(0.0)]
    )
    error, h = 1e3, 1e-6
    quiet = free_run(start, 0, [linear()] * steps, CONSTANTS)[-1]
    for s in range(1, steps + 1):
        gradients = [linear(loud, error) if r == s else linear() for r in range(1, steps + 1)]
        noisy = free_run(start, 0, gradients, CONSTANTS)[-1]
        moved = adam_run({(s, loud): h}, steps) - adam_run({(s, loud): -h}, steps)
        for p in range(2):
            assert noisy[p].value == pytest.approx(adam_run({}, steps)[p], rel=1e-13)
            carried = (noisy[p].rounding - quiet[p].rounding) / error
            assert carried == pytest.approx(abs(moved[p]) / (2 * h), rel=1e-4, abs=1e-8)


def test_drift_counts_every_step() -> None:
    """Errors of several steps and of Adam add up."""
    start = State([Bounded(1.0), Bounded(-0.75)], [Bounded(0.0)] * 2, [Bounded(0.0)] * 2)
    roundings = []
    for noisy in ((), (1,), (3,), (1, 3)):
        gradients = [linear(0, 1e3) if s in noisy else linear() for s in range(1, 5)]
        roundings.append(free_run(start, 0, gradients, CONSTANTS)[-1][1].rounding)
    none, first, third, both = roundings
    assert none > 4 * 0.5
    assert both - none == pytest.approx((first - none) + (third - none))


def test_a_gradient_of_errors_alone_is_refused() -> None:
    """Adam's first step is ±lr, by the sign of a gradient that nobody knows."""
    start = State([Bounded(1.0), Bounded(-0.75)], [Bounded(0.0)] * 2, [Bounded(0.0)] * 2)
    with pytest.raises(AmbiguousBranchError, match="turn the gradient"):
        free_run(start, 0, [linear(0, 1e7)], CONSTANTS)


def test_drift_where_a_gradient_is_zero() -> None:
    """A dead unit: m = v = 0, and θ stays where it is."""
    start = State([Bounded(1.0), Bounded(-0.75)], [Bounded(0.0)] * 2, [Bounded(0.0)] * 2)

    def gradient(theta: list[Bounded]) -> list[Bounded]:
        return [theta[0] * 2, Bounded(0.0)]

    moved, still = free_run(start, 0, [gradient] * 3, CONSTANTS)[-1]
    assert moved.value < 1
    assert (still.value, still.rounding) == (-0.75, 3 * 0.75)


def test_kinks_are_decided_at_the_drifted_run() -> None:
    """Far from the kink for the θ of one run, but not for all that a port may have."""
    start = State([Bounded(1.0)], [Bounded(0.0)], [Bounded(0.0)])

    def smooth(theta: list[Bounded]) -> list[Bounded]:
        return [theta[0] * 2]

    (first,) = free_run(start, 0, [smooth], CONSTANTS)[-1]

    def kinked(distance: float) -> Callable[[list[Bounded]], list[Bounded]]:
        return lambda theta: [theta[0] * (2 + branch(theta[0], first.value + distance, 0.5))]

    drift = tolerance(first, "float32")
    free_run(start, 0, [smooth, kinked(2 * drift)], CONSTANTS)
    with pytest.raises(AmbiguousBranchError, match="rounding may exchange"):
        free_run(start, 0, [smooth, kinked(0.9 * drift)], CONSTANTS)
