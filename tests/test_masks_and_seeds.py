"""Public functions reject masked arrays, and seeds in place of generators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lai_ref import (
    MLP,
    Adam,
    Dataset,
    GradientPenalty,
    Lai,
    Plain,
    lai_factor,
    lai_factor_derivative,
    lai_training,
    noise_sensitivity,
    numerical_gradient,
    prepare,
    projections,
    rmse,
    value_and_grad,
    value_and_grad_mixed,
)
from tests.inputs.refusals import check_refused, wrong

N, D = 10, 2
rng = np.random.default_rng(0)
NET = MLP((D, 3, 1))
THETA = NET.init(rng)
X, T, K = rng.standard_normal((N, D)), rng.standard_normal(N), rng.standard_normal((N, D))
MASK = np.arange(N) % 2 == 0
Y, TAPE = NET.forward(THETA, X)
K_TAPE = NET.input_gradient(TAPE)[1]
STATE = Adam().init(THETA)


def trained(x: Any = X, t: Any = T, rng: Any = rng, **options: Any) -> Any:
    return lai_training(NET, x, t, loss=Lai(), rng=rng, batch_size=5, **options)


def prepared(**change: Any) -> Any:
    return prepare(Dataset(X, T, X, ("a", "b"), "made up")._replace(**change), rng)


# the argument, a valid value of it, and the call with it
ARRAYS: list[tuple[str, Any, Callable[[Any], Any]]] = [
    ("k", K, lambda a: lai_factor(a, 0.1)),
    ("lam", [0.1, 0.2], lambda a: lai_factor(K, a)),
    ("k", K, lambda a: lai_factor_derivative(a, 0.1)),
    ("lam", [0.1, 0.2], lambda a: lai_factor_derivative(K, a)),
    ("e", T, lambda a: projections(a, K)),
    ("k", K, lambda a: projections(T, a)),
    ("lam", [0.1, 0.2], lambda a: Lai(a)),
    *[
        (name, value, lambda a, name=name, loss=loss: loss(**{"y": Y, "t": T, "k": K, name: a}))
        for loss in (Lai(), GradientPenalty(), Plain())
        for name, value in (("y", Y), ("t", T), ("k", K))
        if not (isinstance(loss, Plain) and name == "k")  # which it ignores
    ],
    ("y", Y, lambda a: Lai().per_feature(a, T, K)),
    ("theta", THETA, lambda a: NET.unflatten(a)),
    ("theta", THETA, lambda a: NET.forward(a, X)),
    ("x", X, lambda a: NET.forward(THETA, a)),
    ("theta", THETA, lambda a: NET.predict(a, X)),
    ("x", X, lambda a: NET.predict(THETA, a)),
    ("dy", Y, lambda a: NET.backward(TAPE, a)),
    ("dy", Y, lambda a: NET.double_backward(K_TAPE, a, K)),
    ("dk", K, lambda a: NET.double_backward(K_TAPE, Y, a)),
    ("theta", THETA, lambda a: value_and_grad(NET, a, X, T, Lai())),
    ("x", X, lambda a: value_and_grad(NET, THETA, a, T, Lai())),
    ("t", T, lambda a: value_and_grad(NET, THETA, X, a, Lai())),
    ("lai_mask", MASK, lambda a: value_and_grad_mixed(NET, THETA, X, T, Plain(), Lai(), a)),
    ("theta", THETA, lambda a: Adam().init(a)),
    ("theta", THETA, lambda a: Adam().step(a, THETA, STATE)),
    ("grad", THETA, lambda a: Adam().step(THETA, a, STATE)),
    ("state.m", THETA, lambda a: Adam().step(THETA, THETA, STATE._replace(m=a))),
    ("state.v", THETA, lambda a: Adam().step(THETA, THETA, STATE._replace(v=a))),
    ("x", X, lambda a: trained(x=a)),
    ("t", T, lambda a: trained(t=a)),
    ("validation[0]", X, lambda a: trained(validation=(a, T))),
    ("validation[1]", T, lambda a: trained(validation=(X, a))),
    ("y", Y, lambda a: rmse(a, T)),
    ("t", T, lambda a: rmse(Y, a)),
    ("x", X, lambda a: noise_sensitivity(NET, THETA, a, 1.0, rng)),
    ("sigma", [1.0, 2.0], lambda a: noise_sensitivity(NET, THETA, X, a, rng)),
    ("x", X, lambda a: numerical_gradient(lambda x: x.sum(), a)),
    ("data.x", X, lambda a: prepared(x=a)),
    ("data.t", T, lambda a: prepared(t=a)),
    ("data.x_test", X, lambda a: prepared(x_test=a)),
]


@pytest.mark.parametrize("place", range(len(ARRAYS)))
@pytest.mark.parametrize("mask", [True, False])
def test_a_masked_array_is_rejected_by_name(place: int, mask: bool) -> None:
    name, value, call = ARRAYS[place]
    call(value)
    masked = np.ma.array(value, mask=False)
    if mask:
        masked[0] = np.ma.masked
    words = ("expected an array without a mask", "MaskedArray; fill or drop the masked entries")
    check_refused(lambda: call(masked), TypeError, name, *words)
    call(np.asarray(masked.data))


@pytest.mark.parametrize(
    "k", [[1.0, np.ma.masked], [np.ma.array([1.0, 2.0])] * 2, [[np.ma.masked]]]
)
def test_a_masked_array_in_a_list_is_rejected(k: Any) -> None:
    check_refused(lambda: lai_factor(k, 0.1), TypeError, "k", "without a mask")
    check_refused(lambda: Lai(lam=k), TypeError, "lam", "without a mask")


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_other_kinds_of_arrays_are_used_as_the_arrays_they_are(tmp_path: Path) -> None:
    expected = lai_factor(K, 0.1)
    on_disk = np.memmap(tmp_path / "k", K.dtype, "w+", shape=K.shape)
    on_disk[:] = K
    for same in (on_disk, np.asmatrix(K), K.view(np.recarray)):
        got = lai_factor(same, 0.1)
        assert type(got) is np.ndarray and np.array_equal(got, expected)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_of_one_column_is_no_vector() -> None:
    check_refused(lambda: rmse(np.asmatrix(T).T, T), ValueError, "y", "expected shape (N,)")


TAKE_RNG: dict[str, Callable[[Any], Any]] = {
    "MLP.init": lambda rng: NET.init(rng),
    "lai_training": lambda rng: trained(rng=rng),
    "lai_training, resumed": lambda rng: trained(rng=rng, resume_from=next(trained()).state),
    "prepare": lambda rng: prepare(Dataset(X, T, X, ("a", "b"), "made up"), rng),
    "noise_sensitivity": lambda rng: noise_sensitivity(NET, THETA, X, 1.0, rng),
}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "got int 0; use numpy.random.default_rng(0)"),
        (None, "got NoneType; use numpy.random.default_rng(seed)"),
        (np.random.RandomState(0), "got RandomState; use numpy.random.default_rng(seed)"),
        (np.random, "got module; use numpy.random.default_rng(seed)"),
    ],
)
@pytest.mark.parametrize("name", TAKE_RNG)
def test_a_seed_is_no_generator(name: str, value: object, words: str) -> None:
    expected = "expected numpy.random.Generator"
    check_refused(lambda: TAKE_RNG[name](wrong(value)), TypeError, "rng", expected, words)
    TAKE_RNG[name](np.random.default_rng(0))
