"""Public functions return the same under every floating-point error state, and do not change it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np
import pytest

from lai_ref import (
    MLP,
    Adam,
    Dataset,
    DivergedError,
    GradientPenalty,
    Lai,
    Plain,
    lai_factor,
    lai_factor_derivative,
    lai_training,
    noise_sensitivity,
    numerical_gradient,
    oracle,
    prepare,
    projections,
    rmse,
    value_and_grad,
    value_and_grad_mixed,
)
from lai_ref.activations import ACTIVATIONS
from lai_ref.support import error_state
from lai_ref.support.error_state import ignores_error_state
from lai_ref.tables.experiment import SCALINGS
from tests.independent.numpy_port import NumpyPort
from tests.independent.wrong_ports.double_backward import ResidualDetached

How: TypeAlias = Literal["raise", "warn", "ignore"]
STATES: tuple[How, ...] = ("raise", "warn", "ignore")
DTYPES = ("float32", "float64")
# numbers whose squares, products and exponentials underflow and overflow
WILD = [
    0.0,
    1e-300,
    1e-200,
    1e-40,
    1e-30,
    1.0,
    95.7,
    720.3,
    1e5,
    1e18,
    1e30,
    1e38,
    1e150,
    1e200,
    1e300,
]


@np.errstate(all="ignore")
def wild(dtype: str) -> Any:
    numbers = np.array([number for number in WILD if number < float(np.finfo(dtype).max)])
    tiny = float(np.finfo(dtype).smallest_subnormal)
    return np.concatenate([numbers, -numbers, [tiny, -tiny]]).astype(dtype)


@np.errstate(all="ignore")
def network(activation: str, dtype: str) -> tuple[MLP, Any, Any, Any]:
    """A network with hidden units at large |z| of both signs, inputs and targets."""
    rng = np.random.default_rng(3)
    net = MLP((2, 4, 3, 1), activation)
    theta = (net.init(rng) * 1e4).astype(dtype)
    theta[::3] *= 1e-34  # products of these underflow in float32
    x = rng.standard_normal((20, 2)) * np.logspace(-37, 3, 20)[:, None]
    return net, theta, x.astype(dtype), rng.standard_normal(20).astype(dtype)


def passes(activation: str, dtype: str) -> Any:
    net, theta, x, t = network(activation, dtype)
    y, tape = net.forward(theta, x)
    k, k_tape = net.input_gradient(tape)
    tiny = np.full_like(t, 1e-36)
    return (y, k, net.predict(theta, x), net.backward(tape, tiny),
            net.double_backward(k_tape, tiny, np.full_like(x, 1e-36)))  # fmt: skip


def losses(loss: Any, dtype: str) -> Any:
    a = wild(dtype)
    e, k = (each.ravel() for each in np.meshgrid(a, a))
    per_feature = loss.per_feature(e, 0 * e, k[:, None]) if isinstance(loss, Lai) else None
    return [loss(e, 0 * e, k[:, None]), loss(e[:1], e[1:2], k[:1, None]), per_feature]


def gradients(loss: Any, dtype: str) -> Any:
    net, theta, x, t = network("tanh", dtype)
    mask = np.arange(len(x)) % 2 == 0
    mixed = value_and_grad_mixed(net, theta, x, t, Plain(1), loss, mask)
    return value_and_grad(net, theta, x, t, loss), mixed


def adam(dtype: str) -> Any:
    theta, steps, opt = wild(dtype), [], Adam(lr=1e-30)
    state = opt.init(theta)
    for _ in range(3):
        theta, state = opt.step(theta, wild(dtype)[::-1], state)
        steps.append((theta, state))
    return steps


def training(scale: float, dtype: str) -> Any:
    with np.errstate(all="ignore"):
        x = (np.linspace(-1, 1, 20) * scale).astype(dtype)[:, None]
    run = lai_training(MLP((1, 4, 1), "silu"), x, x[:, 0], loss=Lai(1e-5), batch_size=5, alpha=0.5,
                       pretrain_epochs=1, lai_epochs=2, rng=np.random.default_rng(0),
                       validation=(x, x[:, 0]))  # fmt: skip
    return [(epoch.train_loss, epoch.rmse, epoch.state.theta) for epoch in run]


def metrics(dtype: str) -> Any:
    net, theta, x, _ = network("softplus", dtype)
    noise = [noise_sensitivity(net, theta, x, s, np.random.default_rng(0)) for s in (1e-37, 1e3)]
    return rmse(wild(dtype), 0 * wild(dtype)), rmse(wild(dtype)[-2:], [0, 0]), noise


def prepared(scaling: str, dtype: str) -> Any:
    x = np.random.default_rng(0).standard_normal((50, 3)) * [1e-155, 1.0, 1e150]
    data = Dataset(x, x[:, 0], x[:7], ("a", "b", "c"), "made up")
    return prepare(data, np.random.default_rng(1), scaling, dtype)


def factor(f: Any, order: int, lam: float, dtype: str) -> Any:
    return f(wild(dtype), lam, order)


def activation(name: str, part: str, dtype: str) -> Any:
    arguments = [wild(dtype)] * (1 + ["f", "df", "d2f"].index(part))
    return getattr(ACTIVATIONS[name], part)(*arguments)


def derivatives(dtype: str) -> Any:
    methods = ("central", "complex")
    return [numerical_gradient(lambda x: (x * x).sum(), wild("float64"), m) for m in methods]


LOSSES = (
    Plain(1),
    Plain(2),
    GradientPenalty(1e-30),
    Lai(0.1),
    Lai(1e-200, 1),
    Lai(1e300, 2, 0.5, "sample"),
)
CALLS: dict[str, Callable[[str], Any]] = {
    **{
        f"{f.__name__} p={p} λ={lam:g}": partial(factor, f, p, lam)
        for f in (lai_factor, lai_factor_derivative)
        for p in (1, 2)
        for lam in (5e-324, 1e-200, 0.1, 1.0, 1e300)
    },
    "projections": lambda dtype: projections(wild(dtype), wild(dtype)[::-1].copy()),
    **{
        f"{name} {part}": partial(activation, name, part)
        for name in ("softplus", "silu")
        for part in ("f", "df", "d2f")
    },
    **{f"passes {name}": partial(passes, name) for name in ACTIVATIONS},
    **{f"losses {loss}": partial(losses, loss) for loss in LOSSES},
    **{f"gradients {loss}": partial(gradients, loss) for loss in LOSSES},
    "Adam": adam,
    "training": partial(training, 1.0),
    "training of tiny numbers": partial(training, 1e-37),
    "metrics": metrics,
    **{f"prepare {scaling}": partial(prepared, scaling) for scaling in SCALINGS},
    "numerical_gradient": derivatives,
    "Lai.check_features": lambda dtype: Lai(5e-324, 1).check_features(3),
}


@pytest.fixture
def restored() -> Iterator[None]:
    before = np.geterr()
    yield
    np.seterr(**before)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CALLS)
def test_the_callers_error_state_changes_nothing_and_is_left(name: str, dtype: str) -> None:
    np.seterr(all="ignore")
    expected = repr_of(CALLS[name](dtype))
    for how in STATES:
        np.seterr(all=how)
        before = np.geterr()
        got = CALLS[name](dtype)
        assert np.geterr() == before
        np.seterr(all="ignore")
        assert repr_of(got) == expected


def repr_of(result: Any) -> Any:
    """Every bit of nested results, comparable."""
    if isinstance(result, np.ndarray):
        return result.dtype.str, result.shape, result.tobytes()
    if isinstance(result, np.generic):
        return result.dtype.str, result.tobytes()
    if isinstance(result, tuple | list):
        return [repr_of(part) for part in result]
    return repr(result)


@pytest.mark.usefixtures("restored")
def test_what_overflows_is_infinite_whatever_the_state() -> None:
    np.seterr(all="raise")
    y, t, k = np.array([1e200]), np.array([0.0]), np.array([[1.0]])
    assert Plain()(y, t)[0] == np.inf and not np.isfinite(Lai(0.1)(y, t, k)[0])
    assert rmse([1e200], [0.0]) == np.inf
    assert np.geterr()["over"] == "raise"


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("how", STATES)
def test_divergence_is_said_whatever_the_state(dtype: str, how: How) -> None:
    np.seterr(all=how)
    x = np.linspace(-1, 1, 20).astype(dtype)[:, None]
    run = lai_training(MLP((1, 1)), x, x[:, 0], loss=Lai(), batch_size=5, optimizer=Adam(lr=1e300),
                       rng=np.random.default_rng(0))  # fmt: skip
    with pytest.raises(DivergedError):
        list(run)
    assert set(np.geterr().values()) == {how}


def underflow(x: float = 1e-300) -> Any:
    return np.float64(x) * np.float64(x)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("numpy_2", [error_state.NUMPY_2, False])
def test_the_state_is_left_after_errors_recursion_and_in_other_threads(
    numpy_2: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_state, "NUMPY_2", numpy_2)
    np.seterr(all="raise")

    @ignores_error_state
    def fails(depth: int) -> None:
        underflow()
        if depth:
            fails(depth - 1)
        raise KeyError

    with pytest.raises(KeyError):
        fails(3)
    with pytest.raises(FloatingPointError):
        underflow()

    inside, outside, states = threading.Event(), threading.Event(), []

    @ignores_error_state
    def waits(before: threading.Event, after: threading.Event) -> None:
        before.set()
        after.wait(10)

    def other() -> None:
        np.seterr(all="warn")
        inside.wait(10)
        waits(outside, outside)
        states.append(np.geterr())

    thread = threading.Thread(target=other)
    thread.start()
    waits(inside, outside)
    thread.join()
    assert set(states[0].values()) == {"warn"} and set(np.geterr().values()) == {"raise"}


def test_a_decorated_function_keeps_its_name_and_its_documentation() -> None:
    assert lai_factor.__name__ == "lai_factor" and "λ > 0" in (lai_factor.__doc__ or "")


@pytest.mark.slow
@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("port", [NumpyPort, ResidualDetached])
def test_the_report_on_a_port_is_the_same_whatever_the_state(port: Any, dtype: str) -> None:
    expected = str(oracle.check(port(), dtype))
    np.seterr(all="raise")
    assert str(oracle.check(port(), dtype)) == expected
