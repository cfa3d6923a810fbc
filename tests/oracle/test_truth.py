"""The exact implementation: hyper-dual numbers, agreement with `lai_ref`, kinks, digits."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, getcontext, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lai_ref.oracle.truth.answers
from lai_ref import MLP, Adam, AdamState, Lai, Plain, lai_factor, lai_factor_derivative
from lai_ref.objective import value_and_grad, value_and_grad_mixed
from lai_ref.oracle.questions.network import ACTIVATIONS
from lai_ref.oracle.truth import hyperdual
from lai_ref.oracle.truth.answers import answer
from lai_ref.oracle.truth.hyperdual import Hyperdual
from lai_ref.support.validation import Array

Function = Callable[[Hyperdual], Hyperdual]

MODULES = ("hyperdual", "model", "answers")
FOLDER = Path(lai_ref.oracle.truth.answers.__file__).parent
HALF, ONE, ZERO = Decimal("0.5"), Decimal(1), Decimal(0)
US = pytest.mark.parametrize("u", [ZERO, Decimal("0.25"), ONE], ids=str)
EVERY_ACTIVATION = pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
ORDERS = pytest.mark.parametrize("order", [1, 2])
LARGEST, SMALLEST = (float(np.float32(v)) for v in (3.4028234e38, 1.401298464324817e-45))
TINY = (0.0, SMALLEST, -SMALLEST, 1e-30, -1e-30)


@pytest.fixture
def wide() -> Iterator[None]:
    """Arithmetic of 150 digits."""
    with localcontext(Context(prec=150, Emin=MIN_EMIN, Emax=MAX_EMAX)):
        yield


def decimals(a: Any) -> Any:
    """Every number, rounded to float32, as a Decimal."""
    if isinstance(a, list | tuple):
        return [decimals(part) for part in a]
    return decimals(a.tolist()) if isinstance(a, np.ndarray) else Decimal(float(np.float32(a)))


def floats(a: Any) -> Any:
    """An array, or a float for a single number."""
    return float(a) if isinstance(a, Decimal) else np.array(a, dtype=float)


def leaves(a: Any) -> list[Decimal]:
    """All numbers of a nested list, in order."""
    return [leaf for part in a for leaf in leaves(part)] if isinstance(a, list) else [a]


def normal(seed: int, *shape: int) -> Any:
    """Random inputs of a case."""
    return decimals(np.random.default_rng(seed).standard_normal(shape))


def check_close(got: Mapping[str, Any], expected: Mapping[str, Any], rtol: float = 1e-12) -> None:
    """Check names, shapes and, to double precision, the numbers."""
    assert list(got) == list(expected)
    for name, numbers in expected.items():
        found = floats(got[name])
        assert np.shape(found) == np.shape(numbers)
        scale = np.abs(numbers).max()
        np.testing.assert_allclose(found, numbers, rtol=rtol, atol=rtol * scale, err_msg=name)


def check_digits(got: Decimal, expected: Decimal, digits: int) -> None:
    """Check that two numbers agree in so many digits."""
    assert abs(got - expected) <= abs(expected).scaleb(-digits), (got, expected)


def lai_loss(lam: Any = 0.5, order: int = 2, rho: Any = 0, reduction: str = "batch") -> Any:
    """The `loss` of a case, for a Lai loss."""
    return {
        "name": "lai",
        "lam": decimals(lam),
        "order": order,
        "l1_ratio": decimals(rho),
        "reduction": reduction,
    }


def plain_loss(order: int) -> Any:
    """The `loss` of a case, for a plain loss."""
    return {"name": "plain", "order": order}


def lai_of(case: Mapping[str, Any]) -> Lai:
    """The loss of `lai_ref` with a case's constants."""
    return Lai(floats(case["lam"]), case["order"], float(case["l1_ratio"]), case["reduction"])


def loss_of(case: Mapping[str, Any]) -> Lai | Plain:
    """The loss of `lai_ref` for the `loss` of a case."""
    return Plain(case["order"]) if case["name"] == "plain" else lai_of(case)


def label(loss: Any) -> str:
    """A short name for a test's id."""
    if loss["name"] == "plain":
        return f"plain-{loss['order']}"
    lam = "each" if isinstance(loss["lam"], list) else "one"
    return f"lai-{loss['order']}-{lam}-{float(loss['l1_ratio']):.3g}-{loss['reduction']}"


LOSSES = [
    plain_loss(1),
    plain_loss(2),
    lai_loss(0.5, 1),
    lai_loss([0.25, 1.5], 2),
    lai_loss([3.0, 0.1], 1, 0.3),
    lai_loss(0.1, 2, 1),
    lai_loss(0.7, 2, 0.25, "sample"),
    lai_loss([0.2, 2.0], 1, 0, "sample"),
]
EVERY_LOSS = pytest.mark.parametrize("loss", LOSSES, ids=label)


def network_case(activation: str, loss: Any, hidden: tuple[int, ...] = (3, 2)) -> dict[str, Any]:
    """Three samples with two features."""
    sizes = [2, *hidden, 1]
    return {
        "sizes": sizes,
        "activation": activation,
        "theta": normal(1, MLP(sizes).n_params),
        "x": normal(2, 3, 2),
        "t": normal(3, 3),
        "loss": loss,
    }


def adam_constants() -> dict[str, Decimal]:
    """The constants of the paper, rounded to float32."""
    names = ("lr", "beta1", "beta2", "eps")
    return dict(zip(names, decimals([1e-2, 0.9, 0.999, 1e-8]), strict=True))


def train_case(activation: str, loss: Any, plain: int = 2) -> dict[str, Any]:
    """Batches with no, some and only Lai samples; three steps precede the run."""
    case = network_case(activation, loss, (2,))
    rows = [[0, 3, 1], [4, 2], [5, 1, 3], [2, 0, 4]]
    lai_rows: list[list[int]] = [[], [4, 2], [3], [2, 4]]
    batches = [{"rows": r, "lai_rows": s} for r, s in zip(rows, lai_rows, strict=True)]
    n = len(case["theta"])
    state = {"m": normal(5, n), "v": [abs(v) for v in normal(6, n)], "step": 3}
    data = {"x": normal(7, 6, 2), "t": normal(8, 6)}
    return {**case, **data, **state, "plain": plain, "batches": batches, **adam_constants()}


# Hyper-dual numbers


def parts(number: Hyperdual) -> list[Decimal]:
    """a, a₁, a₂, a₁₂."""
    return [number.value, number.d1, number.d2, number.d12]


def at(value: float | str | Decimal) -> Hyperdual:
    """f(x + ε₁ + ε₂), whose parts are f, f', f', f''."""
    return Hyperdual(Decimal(value), ONE, ONE)


def test_polynomial_in_two_variables() -> None:
    # p = x³y − 4xy² + 5:  p_x = 3x²y − 4y²,  p_y = x³ − 8xy,  p_xy = 3x² − 8y
    x, y = hyperdual.variables([Decimal(2), Decimal(3)], d1=0, d2=1)
    p = x * x * x * y - 4 * ONE * x * y * y + 5 * ONE
    assert parts(p) == [24 - 72 + 5, 36 - 36, 8 - 48, 12 - 24]
    # 7 − p, and −p/4
    assert parts(7 * ONE - p) == [50, 0, 40, 12]
    assert parts(-p / Decimal(4)) == [Decimal("10.75"), 0, 10, 3]


def test_second_derivative_of_a_quotient() -> None:
    # f = x²/(1 + x):  f' = (x² + 2x)/(1 + x)²,  f'' = 2/(1 + x)³, exact at x = 1
    x = at(1)
    assert parts(x * x / (ONE + x)) == [HALF, Decimal("0.75"), Decimal("0.75"), Decimal("0.25")]


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(
    "name, derivatives",
    [
        ("exp", lambda x: (x.exp(), x.exp(), x.exp())),
        ("log1p", lambda x: ((1 + x).ln(), 1 / (1 + x), -1 / (1 + x) ** 2)),
        ("sqrt", lambda x: (x.sqrt(), 1 / (2 * x.sqrt()), -1 / (4 * x * x.sqrt()))),
    ],
)
def test_primitive_functions(
    name: str, derivatives: Callable[[Decimal], tuple[Decimal, Decimal, Decimal]]
) -> None:
    x = Decimal("0.7")
    f, df, d2f = derivatives(x)
    got = parts(getattr(hyperdual, name)(at(x)))
    for found, expected in zip(got, (f, df, df, d2f), strict=True):
        check_digits(found, expected, 145)


@pytest.mark.parametrize("f", [hyperdual.exp, hyperdual.log1p])
def test_what_is_kept_is_kept_for_its_precision_alone(f: Function) -> None:
    for digits in (20, 60, 20):
        with localcontext(Context(prec=digits)):
            assert len(f(at("0.7")).value.as_tuple().digits) == digits


def deep(x: Hyperdual, y: Hyperdual) -> Hyperdual:
    """A composition of all operations of hyper-dual numbers."""
    f = hyperdual.tanh(x * y - x / y) + hyperdual.silu(x - y) * hyperdual.softplus(y - 3 * ONE * x)
    return f + hyperdual.sqrt(x * x + y) * hyperdual.log1p(hyperdual.exp(-x * y)) - ONE / (x + y)


@pytest.mark.usefixtures("wide")
def test_mixed_partial_is_that_of_central_differences() -> None:
    x, y, h = Decimal("0.4"), Decimal("1.3"), Decimal("1e-26")

    def f(i: int, j: int) -> Decimal:
        return deep(Hyperdual(x + i * h), Hyperdual(y + j * h)).value

    got = deep(*hyperdual.variables([x, y], d1=0, d2=1))
    # the error of these differences is about h², 52 digits
    check_digits(got.d1, (f(1, 0) - f(-1, 0)) / (2 * h), 49)
    check_digits(got.d2, (f(0, 1) - f(0, -1)) / (2 * h), 49)
    check_digits(got.d12, (f(1, 1) - f(1, -1) - f(-1, 1) + f(-1, -1)) / (4 * h * h), 49)


def test_where_equal_max_takes_the_convention() -> None:
    a = Hyperdual(Decimal(2), *(Decimal(v) for v in (4, 8, 12)))
    b = Hyperdual(Decimal(2), *(Decimal(v) for v in (0, 4, 16)))
    u = Decimal("0.25")
    assert parts(hyperdual.maximum(a, b, u)) == [2, 1, 5, 15]
    assert parts(hyperdual.maximum(a, b, ONE)) == parts(a)
    assert parts(hyperdual.maximum(a, b, ZERO)) == parts(b)
    for maximum in (a + ONE, b + ONE):
        assert hyperdual.maximum(maximum, a, u) is maximum is hyperdual.maximum(a, maximum, u)


# Activations for small and for large |z|, against series that converge fast there


def near_zero(name: str, z: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """f, f', f'' to 50 digits for |z| ≤ 1e-28."""
    if name == "tanh":
        # z − z³/3
        return z - z**3 / 3, 1 - z * z, -2 * z
    if name == "silu":
        # z/2 + z²/4
        return z / 2 + z * z / 4, HALF + z / 2, HALF - z * z / 4
    # log 2 + z/2 + z²/8
    return Decimal(2).ln() + z / 2 + z * z / 8, HALF + z / 4, Decimal("0.25") - z * z / 16


def far_left(name: str, z: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """f, f', f'' to 50 digits for z ≤ −50, as series in q = e^z."""
    if name == "tanh":
        # −1 + 2q² − 2q⁴
        q = (2 * z).exp()
        return -1 + 2 * q - 2 * q * q, 4 * q - 8 * q * q, 8 * q - 32 * q * q
    q = z.exp()
    if name == "silu":
        # z (q − q² + q³)
        f = z * (q - q * q + q**3)
        df = (1 + z) * q - (1 + 2 * z) * q * q + (1 + 3 * z) * q**3
        return f, df, (2 + z) * q - (4 + 4 * z) * q * q + (6 + 9 * z) * q**3
    # q − q²/2 + q³/3
    return q - q * q / 2 + q**3 / 3, q - q * q + q**3, q - 2 * q * q + 3 * q**3


def check_activation(name: str, z: Decimal, expected: tuple[Decimal, Decimal, Decimal]) -> None:
    f, df, d2f = expected
    got = parts(getattr(hyperdual, name)(at(z)))
    for found, number in zip(got, (f, df, df, d2f), strict=True):
        check_digits(found, number, 50)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("z", TINY, ids=str)
def test_activations_near_zero(name: str, z: float) -> None:
    check_activation(name, Decimal(z), near_zero(name, Decimal(z)))


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("name", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("z", [50, 100, 400, 10**6])
def test_activations_far_out(name: str, z: int) -> None:
    f, df, d2f = far_left(name, Decimal(-z))
    check_activation(name, Decimal(-z), (f, df, d2f))
    # tanh is odd; softplus z = z + softplus(−z); silu z = z + silu(−z)
    if name == "tanh":
        check_activation(name, Decimal(z), (-f, df, -d2f))
    else:
        check_activation(name, Decimal(z), (z + f, 1 - df, d2f))


@pytest.mark.parametrize("name", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("x", [LARGEST, -LARGEST], ids=str)
def test_activations_at_the_largest_float(name: str, x: float) -> None:
    case = {"sizes": [1, 1, 1], "activation": name, "theta": decimals([1, 0, 1, 0])}
    got = answer("input_gradient", {**case, "x": decimals([[x]])}, HALF)
    limits = {"tanh": (np.sign(x), 0.0)}
    y, k = limits.get(name, (max(x, 0.0), float(x > 0)))
    assert (float(got["y"][0]), float(got["k"][0][0])) == (y, k)


# Agreement with the NumPy code


def test_codec_returns_every_number_as_it_is() -> None:
    values = [Decimal(v) for v in ("-0", "Infinity", "-Infinity", "NaN", SMALLEST, LARGEST)]
    got = answer("codec", {"values": values}, HALF)["values"]
    assert [str(v) for v in got] == [str(v) for v in values]


@ORDERS
@pytest.mark.parametrize("lam", [SMALLEST, 1e-30, 0.1, 1, 7, 1e30, LARGEST])
def test_factor_agrees(order: int, lam: float) -> None:
    exponents = np.linspace(-45, 38.5, 60)
    k = decimals([*(10**exponents), *(-(10**exponents)), 0.0, 0.5, -2.0, LARGEST, lam])
    got = answer("factor", {"k": k, "lam": decimals(lam), "order": order}, HALF)
    arguments = floats(k), float(np.float32(lam)), order
    # every entry, also the smallest; a derivative of 0 at a kink is computed as less than 1e-240
    for name, f in (("value", lai_factor), ("slope", lai_factor_derivative)):
        np.testing.assert_allclose(floats(got[name]), f(*arguments), rtol=2e-15, atol=1e-240)


@pytest.mark.parametrize("loss", LOSSES[2:], ids=label)
@pytest.mark.parametrize("n", [1, 4])
def test_loss_agrees(loss: Any, n: int) -> None:
    case = {**loss, "y": normal(1, n), "t": normal(2, n), "k": normal(3, n, 2)}
    arrays = (floats(case[name]) for name in ("y", "t", "k"))
    expected = dict(zip(("value", "dy", "dk"), lai_of(case)(*arrays), strict=True))
    check_close(answer("loss", case, HALF), expected)


@EVERY_ACTIVATION
@pytest.mark.parametrize("hidden", [(), (3,), (2, 4, 3)], ids=str)
def test_input_gradient_agrees(activation: str, hidden: tuple[int, ...]) -> None:
    case = network_case(activation, None, hidden)
    net = MLP(case["sizes"], activation)
    y, tape = net.forward(floats(case["theta"]), floats(case["x"]))
    expected = {"y": y, "k": net.input_gradient(tape)[0]}
    check_close(answer("input_gradient", case, HALF), expected)


def reference_gradient(case: Mapping[str, Any]) -> dict[str, Any]:
    """Value and gradient by `lai_ref`."""
    theta, x, t = (floats(case[name]) for name in ("theta", "x", "t"))
    net = MLP(case["sizes"], case["activation"])
    value, grad = value_and_grad(net, theta, x, t, loss_of(case["loss"]))
    return {"value": value, "grad": grad}


@EVERY_ACTIVATION
@EVERY_LOSS
def test_param_gradient_agrees(activation: str, loss: Any) -> None:
    case = network_case(activation, loss)
    check_close(answer("param_gradient", case, HALF), reference_gradient(case))


@pytest.mark.parametrize("hidden", [(), (1,), (2, 2, 2)], ids=str)
def test_param_gradient_agrees_at_every_depth(hidden: tuple[int, ...]) -> None:
    case = network_case("silu", lai_loss([0.25, 1.5], 1, 0.5), hidden)
    check_close(answer("param_gradient", case, HALF), reference_gradient(case))


@EVERY_LOSS
def test_sharded_is_the_gradient_of_the_whole_batch(loss: Any) -> None:
    case = network_case("tanh", loss)
    for shards in ([[2], [0, 1]], [[1, 0, 2]], [[0], [1], [2]]):
        got = answer("sharded", {**case, "shards": shards}, HALF)
        check_close(got, reference_gradient(case))


@pytest.mark.parametrize("t", [0, 1, 1000])
def test_adam_agrees(t: int) -> None:
    state = {name: normal(seed, 5) for seed, name in enumerate(("theta", "grad", "m"))}
    v = [abs(number) for number in normal(4, 5)]
    case = {**state, "v": v, "t": t, **adam_constants()}
    opt = Adam(**{name: float(number) for name, number in adam_constants().items()})
    theta, grad, m = (floats(state[name]) for name in state)
    theta, after = opt.step(theta, grad, AdamState(t, m, floats(v)))
    check_close(answer("adam", case, HALF), {"theta": theta, "m": after.m, "v": after.v})


def reference_training(case: Mapping[str, Any]) -> dict[str, Array]:
    """θ after each step by `lai_ref`."""
    net = MLP(case["sizes"], case["activation"])
    opt = Adam(**{name: float(case[name]) for name in adam_constants()})
    theta, x, t, m, v = (floats(case[name]) for name in ("theta", "x", "t", "m", "v"))
    state, path = AdamState(case["step"], m, v), []
    for batch in case["batches"]:
        rows = batch["rows"]
        mask = np.isin(rows, batch["lai_rows"])
        losses = Plain(case["plain"]), loss_of(case["loss"])
        _, grad = value_and_grad_mixed(net, theta, x[rows], t[rows], *losses, mask)
        theta, state = opt.step(theta, grad, state)
        path.append(theta)
    return {"theta": np.array(path)}


@pytest.mark.parametrize("plain", [1, 2])
@pytest.mark.parametrize(
    "activation, loss",
    [
        ("tanh", lai_loss(0.1)),
        ("relu", lai_loss([0.25, 1.5], 1, 1)),
        ("softplus", lai_loss(0.7, 2, 0.25, "sample")),
    ],
    ids=["tanh", "relu", "softplus"],
)
def test_train_agrees(activation: str, loss: Any, plain: int) -> None:
    case = train_case(activation, loss, plain)
    check_close(answer("train", case, HALF), reference_training(case))


def test_unknown_group() -> None:
    with pytest.raises(ValueError, match=r"group: expected codec, .*, got 'hessian'"):
        answer("hessian", {}, HALF)


# Kinks


@US
@ORDERS
# the square of the last k has a hundred digits
@pytest.mark.parametrize("root", [0.5, 1.0, 3.0, 2.0**-40, 2.0**60, 1.5 * 2.0**-70])
def test_factor_at_its_kink(u: Decimal, order: int, root: float) -> None:
    k, lam = Decimal(root), Decimal(root**order)
    slopes = [k, k.copy_negate()]
    got = answer("factor", {"k": slopes, "lam": lam, "order": order}, u)["slope"]
    with localcontext(Context(prec=150)):
        # p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1)
        steepness = (1 + k * k) ** 2 if order == 2 else (1 + k * k) * (1 + k * k).sqrt()
        df = order * (u * k ** (order - 1) - (1 - u) * lam * k) / steepness / min(lam, ONE)
        for found, expected in zip(got, (df, -df), strict=True):
            check_digits(found, expected, 49)


@US
@pytest.mark.parametrize("loss", [lai_loss(4.0, 1), lai_loss(4.0, 1, 1, "sample")], ids=label)
def test_loss_at_zero_residual(u: Decimal, loss: Any) -> None:
    # sign 0 = 2u − 1; F(0; 4) = 4; N = 2, D = 1; the other sample makes the norm positive
    case = {**loss, "y": decimals([3, 1]), "t": decimals([3, 0]), "k": decimals([[0], [0]])}
    expected = {"value": 2, "dy": [2 * (2 * u - 1), 2], "dk": [[0], [0]]}
    assert answer("loss", case, u) == expected


@US
@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_norm_at_the_zero_vector_has_derivative_zero(u: Decimal, reduction: str) -> None:
    e_zero = {"y": decimals([3]), "t": decimals([3]), "k": decimals([[0, 0]])}
    got = answer("loss", {**e_zero, **lai_loss(4.0, 1, 0, reduction)}, u)
    assert got == {"value": 0, "dy": [0], "dk": [[0, 0]]}
    # for ρ = ¼, a quarter of the part of the 1-norm: 2 features, F = 4, sign 0 = 2u − 1
    got = answer("loss", {**e_zero, **lai_loss(4.0, 1, 0.25, reduction)}, u)
    assert got == {"value": 0, "dy": [2 * (2 * u - 1)], "dk": [[0, 0]]}


@US
def test_relu_at_its_kink(u: Decimal) -> None:
    # y = 3 relu(2x − 1) + 5 at x = ½; k = 3 · u · 2
    case = {"sizes": [1, 1, 1], "activation": "relu", "theta": decimals([2, -1, 3, 5])}
    case |= {"x": decimals([[0.5]]), "t": decimals([4]), "loss": plain_loss(2)}
    assert answer("input_gradient", case, u) == {"y": [5], "k": [[6 * u]]}
    # ȳ = 2; θ̄ = (w x u ȳ, w u ȳ, relu(0) ȳ, ȳ)
    assert answer("param_gradient", case, u) == {"value": 1, "grad": [3 * u, 6 * u, 0, 2]}


@US
def test_train_and_sharded_take_the_convention(u: Decimal) -> None:
    # a linear model through the target, MAE loss: ȳ = sign 0 = 2u − 1, θ̄ = (x, 1) ȳ
    line = {"sizes": [1, 1], "activation": "identity", "theta": decimals([2, 1])}
    line |= {"x": decimals([[3]]), "t": decimals([7])}
    got = answer("sharded", {**line, "loss": plain_loss(1), "shards": [[0]]}, u)
    assert got == {"value": 0, "grad": [3 * (2 * u - 1), 2 * u - 1]}
    # Adam with β = 0 and ε ≫ |g|: θ − g/(|g| + 2²⁰) follows θ̄
    constants = {"lr": ONE, "beta1": ZERO, "beta2": ZERO, "eps": Decimal(2**20)}
    state = {"m": [ZERO, ZERO], "v": [ZERO, ZERO], "step": 0, "plain": 1, "loss": lai_loss()}
    batches = [{"rows": [0], "lai_rows": []}]
    (theta,) = answer("train", {**line, **constants, **state, "batches": batches}, u)["theta"]
    g = 2 * u - 1
    check_digits(theta[1], 1 - g / (abs(g) + 2**20), 27)


# Digits


def extreme_factor(order: int) -> dict[str, Any]:
    k = decimals([SMALLEST, 1e-30, 1e-3, 1.0, 1e3, 1e30, LARGEST])
    return {"k": k, "lam": decimals(1e-20), "order": order}


def extreme_loss(order: int) -> dict[str, Any]:
    k = decimals([[SMALLEST, LARGEST], [1e20, -1e-20], [1.0, 2.0]])
    data = {"y": decimals([LARGEST, 1e-30, 1.0]), "t": decimals([0, SMALLEST, 0.5]), "k": k}
    return {**data, **lai_loss([SMALLEST, LARGEST], order, 0.3)}


def extreme_network(activation: str) -> dict[str, Any]:
    case = network_case(activation, lai_loss(1e-6))
    return {**case, "x": decimals([[1e-45, 1e-40], [50.0, -50.0], [-300.0, 1e3]])}


def precise_cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Ordinary and extreme cases of all groups."""
    cases: dict[str, tuple[str, dict[str, Any]]] = {}
    for order in (1, 2):
        cases[f"factor-{order}"] = "factor", extreme_factor(order)
        cases[f"loss-{order}"] = "loss", extreme_loss(order)
    for activation in sorted(ACTIVATIONS):
        extreme = extreme_network(activation)
        cases[f"input_gradient-{activation}"] = "input_gradient", extreme
        cases[f"param_gradient-{activation}"] = "param_gradient", extreme
        cases[f"train-{activation}"] = "train", train_case(activation, lai_loss(0.1))
    cases["sharded"] = "sharded", {**extreme_network("silu"), "shards": [[0, 2], [1]]}
    state = {name: normal(seed, 5) for seed, name in enumerate(("theta", "grad", "m"))}
    tiny = {"v": decimals([SMALLEST] * 5), "t": 0, **adam_constants()}
    cases["adam"] = "adam", {**state, **tiny}
    return cases


@pytest.mark.parametrize("name", precise_cases())
def test_all_fifty_digits_are_right(name: str) -> None:
    group, case = precise_cases()[name]
    got, more = answer(group, case, HALF), answer(group, case, HALF, digits=70)
    assert list(got) == list(more)
    with localcontext(Context(prec=80, Emin=MIN_EMIN, Emax=MAX_EMAX)):
        for output in got:
            for found, expected in zip(leaves(got[output]), leaves(more[output]), strict=True):
                check_digits(found, expected, 49)
                assert len(found.as_tuple().digits) <= 50


def test_slope_far_beyond_the_kink() -> None:
    # F' = 2k/(1 + k²)² for min(λ, 1) = 1: 1/k² of its two terms, which are near 2/k
    k = Decimal(LARGEST)
    got = answer("factor", {"k": [k], "lam": ONE, "order": 2}, HALF)["slope"]
    with localcontext(Context(prec=300)):
        check_digits(got[0], 2 * k / (1 + k * k) ** 2, 49)


def test_arguments_and_context_are_left_alone() -> None:
    case = train_case("relu", lai_loss(0.1))
    before = repr(case)
    with localcontext(Context(prec=7)):
        answer("train", case, HALF)
        assert getcontext().prec == 7
    assert repr(case) == before


# Independence


@pytest.mark.parametrize("module", MODULES)
def test_imports_the_standard_library_and_itself_alone(module: str) -> None:
    own = {f"lai_ref.oracle.truth.{name}" for name in MODULES}
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names = [node.module or ""]
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            assert name in own or name.split(".")[0] in sys.stdlib_module_names, name


def test_runs_without_any_other_package() -> None:
    script = f"""
import sys, types
folders = {{"lai_ref": {str(FOLDER.parents[1])!r}, "lai_ref.oracle": {str(FOLDER.parent)!r}}}
for name, folder in folders.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from decimal import Decimal
from lai_ref.oracle.truth.answers import answer
got = answer("factor", {{"k": [Decimal(1)], "lam": Decimal("0.25"), "order": 2}}, Decimal(1))
print(*(int(numbers[0]) for numbers in got.values()))
print(sorted(name for name in sys.modules if name.startswith(("numpy", "lai_ref"))))
"""
    command = [sys.executable, "-I", "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answered, loaded = done.stdout.splitlines()
    # F = 1/(1 + 1)/¼ = 2, F' = 2/4/¼ = 2
    assert answered == "2 2"
    own = ["lai_ref", "lai_ref.oracle", "lai_ref.oracle.truth"]
    own += [f"lai_ref.oracle.truth.{name}" for name in MODULES]
    assert loaded == str(sorted(own))
