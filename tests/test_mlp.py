"""The network against four other methods for the same numbers.

The other methods: the complex step, the central difference, forward mode followed by reverse mode
(`tangent_network`) and the scalar loop over hyper-dual numbers (`scalar_network`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lai_ref import MLP, numerical_gradient
from lai_ref.activations import ACTIVATIONS
from lai_ref.mlp import PREDICT_CHUNK
from lai_ref.support.validation import Array
from tests.independent import scalar_network, tangent_network
from tests.inputs.refusals import Errors, check_refused, wrong
from tests.inputs.strategies import Case, any_slopes, case, cases, finite, seeds

EVERY = pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
DEPTHS = pytest.mark.parametrize("hidden", [(), (3,), (4, 3), (3, 2, 4)])


def outputs(c: Case, theta: Array) -> tuple[Array, Array]:
    """y and k at another θ."""
    y, tape = c.net.forward(theta, c.x)
    return y, c.net.input_gradient(tape)[0]


def seeded(c: Case, theta: Array) -> Any:
    """Σ dy y + Σ dk k: the scalar whose derivative double backpropagation computes."""
    y, k = outputs(c, theta)
    return (c.dy * y).sum() + (c.dk * k).sum()


def double_backward(c: Case) -> Array:
    _, tape = c.net.forward(c.theta, c.x)
    _, gtape = c.net.input_gradient(tape)
    return c.net.double_backward(gtape, c.dy, c.dk)


def check_close(got: Array, want: Array, tolerance: float) -> None:
    """The largest error is at most `tolerance` of the largest entry."""
    assert got.shape == np.shape(want)
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


# The architecture


def test_layers_are_views_of_theta_in_the_documented_order() -> None:
    net = MLP((2, 3, 1))
    theta = np.arange(13.0)
    (W1, b1), (W2, b2) = net.unflatten(theta)
    assert W1.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert b1.tolist() == [6, 7, 8]
    assert W2.tolist() == [[9], [10], [11]]
    assert b2.tolist() == [12]
    for part in (W1, b1, W2, b2):
        assert np.shares_memory(part, theta)


@pytest.mark.parametrize(("sizes", "n"), [((8, 1), 9), ((2, 3, 1), 13), ((8, 64, 32, 1), 2689)])
def test_number_of_parameters(sizes: tuple[int, ...], n: int) -> None:
    assert MLP(sizes).n_params == n


def test_equal_architectures_compare_and_hash_equal() -> None:
    nets = {MLP([2, 3, 1]), MLP((2, 3, 1), "tanh"), MLP(wrong(np.array([2, 3, 1])))}
    assert len(nets) == 1
    assert MLP((2, 3, 1)) != MLP((2, 3, 1), "relu")


def test_architecture_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        MLP((2, 1)).activation = "relu"  # type: ignore[misc]


# Initial parameters


@EVERY
def test_initial_weights_have_the_variance_gain_over_fan_in(activation: str) -> None:
    net = MLP((50, 200, 1), activation)
    (W1, _), (W2, _) = net.unflatten(net.init(np.random.default_rng(1)))
    gain = ACTIVATIONS[activation].gain
    np.testing.assert_allclose(W1.var(), gain / 50, rtol=0.05)
    np.testing.assert_allclose(W2.var(), gain / 200, rtol=0.25)
    assert abs(W1.mean()) < 0.01


def test_initial_biases_are_zero() -> None:
    net = MLP((3, 4, 5, 1))
    assert not any(b.any() for _, b in net.unflatten(net.init(np.random.default_rng(1))))


def test_initial_parameters_depend_on_the_generator_alone() -> None:
    net = MLP((3, 4, 1))
    one, same, other = (net.init(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_initial_parameters_have_the_dtype_asked_for(dtype: type) -> None:
    net = MLP((3, 4, 1))
    theta = net.init(np.random.default_rng(1), dtype)
    assert theta.dtype == dtype
    np.testing.assert_array_equal(theta, net.init(np.random.default_rng(1)).astype(dtype))


def test_float64_is_the_default_dtype() -> None:
    assert MLP((3, 1)).init(np.random.default_rng(1)).dtype == np.float64


# Forward


@given(cases())
def test_forward_is_the_scalar_loop(c: Case) -> None:
    y, _ = outputs(c, c.theta)
    want = scalar_network.predictions(c.net.sizes, c.net.activation, c.theta.tolist(), c.x.tolist())
    np.testing.assert_allclose(y, want, rtol=1e-11, atol=1e-13)


@EVERY
@DEPTHS
def test_shapes(activation: str, hidden: tuple[int, ...]) -> None:
    c = case(1, hidden, activation, n=5, d=3)
    y, tape = c.net.forward(c.theta, c.x)
    k, gtape = c.net.input_gradient(tape)
    assert y.shape == (5,)
    assert k.shape == (5, 3)
    assert c.net.backward(tape, c.dy).shape == c.theta.shape
    assert c.net.double_backward(gtape, c.dy, c.dk).shape == c.theta.shape


def test_plain_line() -> None:
    net, theta = MLP((2, 1)), np.array([3.0, -1.0, 0.5])
    x = np.array([[1.0, 2.0], [0.0, 1.0], [-1.0, 0.0]])
    y, tape = net.forward(theta, x)
    k, gtape = net.input_gradient(tape)
    assert y.tolist() == [1.5, -0.5, -2.5]
    assert k.tolist() == [[3, -1]] * 3
    dy, dk = np.array([1.0, 2.0, 4.0]), np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 5.0]])
    # for w: Σ dy_i x_i + Σ dk_i; for b: Σ dy_i
    assert net.double_backward(gtape, dy, dk).tolist() == [-3 + 4, 4 + 7, 7]


@given(cases(), seeds)
def test_samples_do_not_see_each_other(c: Case, seed: int) -> None:
    p = np.random.default_rng(seed).permutation(len(c.x))
    y, k = outputs(c, c.theta)
    y_shuffled, k_shuffled = outputs(c._replace(x=c.x[p]), c.theta)
    np.testing.assert_allclose(y_shuffled, y[p], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(k_shuffled, k[p], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    "n",
    [
        1,
        2,
        PREDICT_CHUNK - 1,
        PREDICT_CHUNK,
        PREDICT_CHUNK + 1,
        2 * PREDICT_CHUNK,
        2 * PREDICT_CHUNK + 3,
    ],
)
def test_predict_is_forward_for_any_number_of_rows(n: int) -> None:
    c = case(1, (3,), "tanh", n)
    got = c.net.predict(c.theta, c.x)
    np.testing.assert_allclose(got, c.net.forward(c.theta, c.x)[0], rtol=1e-13, atol=1e-14)


# Input gradient


@given(cases())
def test_k_is_the_scalar_loop(c: Case) -> None:
    _, k = outputs(c, c.theta)
    want = scalar_network.input_gradients(
        c.net.sizes, c.net.activation, c.theta.tolist(), c.x.tolist()
    )
    np.testing.assert_allclose(k, want, rtol=1e-10, atol=1e-12)


@given(cases())
def test_k_is_the_complex_step_of_y(c: Case) -> None:
    _, k = outputs(c, c.theta)
    numeric = numerical_gradient(lambda x: c.net.forward(c.theta, x)[0].sum(), c.x, "complex")
    np.testing.assert_allclose(k, numeric, rtol=1e-10, atol=1e-12)


@given(cases("softplus") | cases("tanh") | cases("silu"))
def test_k_is_the_central_difference_of_y(c: Case) -> None:
    _, k = outputs(c, c.theta)
    numeric = numerical_gradient(lambda x: c.net.forward(c.theta, x)[0].sum(), c.x)
    np.testing.assert_allclose(k, numeric, rtol=1e-6, atol=1e-6)


# Backward


@given(cases())
def test_backward_is_the_complex_step(c: Case) -> None:
    grad = c.net.backward(c.net.forward(c.theta, c.x)[1], c.dy)
    numeric = numerical_gradient(
        lambda theta: (c.dy * c.net.forward(theta, c.x)[0]).sum(), c.theta, "complex"
    )
    check_close(grad, numeric, 1e-10)


@given(cases())
def test_backward_is_the_scalar_loop(c: Case) -> None:
    grad = c.net.backward(c.net.forward(c.theta, c.x)[1], c.dy)
    check_close(grad, scalar_gradient(c._replace(dk=np.zeros_like(c.dk))), 1e-10)


# Double backward


def scalar_gradient(c: Case) -> Array:
    net, numbers = c.net, (c.theta.tolist(), c.x.tolist(), c.dy.tolist(), c.dk.tolist())
    return np.array(scalar_network.seeded_gradient(net.sizes, net.activation, *numbers))


@EVERY
@DEPTHS
@pytest.mark.parametrize("seed", [1, 2])
def test_double_backward_is_the_complex_step(
    activation: str, hidden: tuple[int, ...], seed: int
) -> None:
    c = case(seed, hidden, activation)
    numeric = numerical_gradient(lambda theta: seeded(c, theta), c.theta, "complex")
    check_close(double_backward(c), numeric, 1e-10)


@EVERY
@DEPTHS
@pytest.mark.parametrize("seed", [1, 2])
def test_double_backward_is_the_reversed_tangent(
    activation: str, hidden: tuple[int, ...], seed: int
) -> None:
    c = case(seed, hidden, activation)
    want = tangent_network.seeded_gradient(c.net, c.theta, c.x, c.dy, c.dk)
    check_close(double_backward(c), want, 1e-12)


@EVERY
@DEPTHS
def test_double_backward_is_the_scalar_loop(activation: str, hidden: tuple[int, ...]) -> None:
    c = case(3, hidden, activation)
    check_close(double_backward(c), scalar_gradient(c), 1e-11)


@given(cases())
def test_double_backward_is_right_for_any_network(c: Case) -> None:
    numeric = numerical_gradient(lambda theta: seeded(c, theta), c.theta, "complex")
    check_close(double_backward(c), numeric, 1e-10)


@given(cases("softplus") | cases("tanh") | cases("silu"))
def test_double_backward_is_the_central_difference(c: Case) -> None:
    numeric = numerical_gradient(lambda theta: seeded(c, theta), c.theta)
    check_close(double_backward(c), numeric, 1e-6)


@pytest.mark.parametrize("activation", ["tanh", "softplus", "silu"])
@pytest.mark.parametrize("hidden", [(3,), (4, 3)])
def test_without_the_second_derivative_the_gradient_is_far_off(
    activation: str, hidden: tuple[int, ...]
) -> None:
    c = case(1, hidden, activation)
    c = c._replace(dy=np.zeros_like(c.dy))
    flat = tangent_network.seeded_gradient(c.net, c.theta, c.x, c.dy, c.dk, curved=False)
    truth = scalar_gradient(c)
    assert np.linalg.norm(flat - truth) > 0.1 * np.linalg.norm(truth)
    check_close(double_backward(c), truth, 1e-11)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_relu_does_not_miss_the_second_derivative(activation: str) -> None:
    c = case(1, (4, 3), activation)
    flat = tangent_network.seeded_gradient(c.net, c.theta, c.x, c.dy, c.dk, curved=False)
    check_close(flat, scalar_gradient(c), 1e-12)


@given(cases())
def test_double_backward_without_a_seed_for_k_is_backward(c: Case) -> None:
    c = c._replace(dk=np.zeros_like(c.dk))
    grad = c.net.backward(c.net.forward(c.theta, c.x)[1], c.dy)
    np.testing.assert_allclose(double_backward(c), grad, rtol=1e-13, atol=1e-15)


@given(cases(), st.floats(-3, 3), st.floats(-3, 3))
def test_double_backward_is_linear_in_its_seeds(c: Case, p: float, q: float) -> None:
    by_y = double_backward(c._replace(dk=0 * c.dk))
    by_k = double_backward(c._replace(dy=0 * c.dy))
    both = double_backward(c._replace(dy=p * c.dy, dk=q * c.dk))
    scale = np.abs(by_y).max() + np.abs(by_k).max()
    np.testing.assert_allclose(both, p * by_y + q * by_k, atol=1e-13 * scale, rtol=1e-12)


@given(cases(), st.integers(1, 4))
def test_k_of_the_first_rows_is_k(c: Case, rows: int) -> None:
    _, tape = c.net.forward(c.theta, c.x)
    k, _ = c.net.input_gradient(tape, min(rows, len(c.x)))
    np.testing.assert_allclose(k, c.net.input_gradient(tape)[0][:rows], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [-1, 0, 3])
def test_more_rows_than_there_are_or_none_are_refused(rows: int) -> None:
    for net in (MLP((1, 1)), MLP((1, 2, 1))):
        _, tape = net.forward(np.ones(net.n_params), np.ones((2, 1)))
        with pytest.raises(
            ValueError, match=rf"n_samples: expected 1 to 2 \(all of x\), got {rows}"
        ):
            net.input_gradient(tape, rows)


@given(cases(), st.integers(1, 4))
def test_seed_for_k_of_the_first_rows_is_one_of_zeros_below(c: Case, rows: int) -> None:
    _, tape = c.net.forward(c.theta, c.x)
    k, gtape = c.net.input_gradient(tape, min(rows, len(c.x)))
    grad = c.net.double_backward(gtape, c.dy, c.dk[: len(k)])
    padded = np.where(np.arange(len(c.x))[:, None] < rows, c.dk, 0)
    check_close(grad, double_backward(c._replace(dk=padded)), 1e-12)


# Numbers


@EVERY
@DEPTHS
def test_float32_in_float32_out(activation: str, hidden: tuple[int, ...]) -> None:
    c = case(1, hidden, activation)
    theta, x, dy, dk = (a.astype(np.float32) for a in (c.theta, c.x, c.dy, c.dk))
    y, tape = c.net.forward(theta, x)
    k, gtape = c.net.input_gradient(tape)
    got = [y, k, c.net.backward(tape, dy), c.net.double_backward(gtape, dy, dk)]
    got.append(c.net.predict(theta, x))
    assert {a.dtype for a in got} == {np.dtype(np.float32)}
    np.testing.assert_allclose(got[3], double_backward(c), rtol=1e-3, atol=1e-4)


@EVERY
@DEPTHS
def test_complex_theta_has_the_real_gradient_as_its_real_part(
    activation: str, hidden: tuple[int, ...]
) -> None:
    c = case(1, hidden, activation)
    got = double_backward(c._replace(theta=c.theta + 1e-100j))
    assert got.dtype == np.complex128
    np.testing.assert_allclose(got.real, double_backward(c), rtol=1e-11, atol=1e-13)


@EVERY
def test_complex_step_of_the_gradient_is_symmetric(activation: str) -> None:
    """Second derivatives with respect to θ: the complex step through the double backward pass."""
    c = case(1, (3,), activation)
    hessian = np.array(
        [
            double_backward(c._replace(theta=c.theta + 1e-100j * direction)).imag / 1e-100
            for direction in np.eye(len(c.theta))
        ]
    )
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-9, atol=1e-12)


def all_results(c: Case) -> list[Array]:
    y, tape = c.net.forward(c.theta, c.x)
    k, gtape = c.net.input_gradient(tape)
    by_y, by_both = c.net.backward(tape, c.dy), c.net.double_backward(gtape, c.dy, c.dk)
    return [y, k, by_y, by_both, c.net.predict(c.theta, c.x)]


def with_numbers(
    data: st.DataObject, shape: Case, numbers: st.SearchStrategy[float], dtype: Any
) -> Case:
    """The network of a case with other arrays."""
    arrays = shape[1:]
    drawn = [data.draw(hnp.arrays(dtype, a.shape, elements=numbers)) for a in arrays]
    return Case(shape.net, *drawn)


@pytest.mark.fuzz
@given(cases(), st.data(), st.sampled_from([(np.float32, 1e2), (np.float64, 1e20)]))
def test_results_are_finite_as_long_as_the_products_are(
    c: Case, data: st.DataObject, kind: tuple[Any, float]
) -> None:
    """Four layers of at most 4 units: no intermediate value has more than 10 factors."""
    dtype, largest = kind
    numbers = finite(largest, width=32 if dtype == np.float32 else 64)
    for result in all_results(with_numbers(data, c, numbers, dtype)):
        assert np.isfinite(result).all() and result.dtype == dtype


@pytest.mark.fuzz
@given(cases(), st.data(), st.sampled_from([np.float32, np.float64]))
def test_any_finite_numbers_give_results_of_the_right_shape(
    c: Case, data: st.DataObject, dtype: Any
) -> None:
    numbers = any_slopes if dtype == np.float64 else finite(float(np.finfo(dtype).max), width=32)
    extreme = with_numbers(data, c, numbers, dtype)
    with np.errstate(all="ignore"):
        for got, want in zip(all_results(extreme), all_results(c), strict=True):
            assert got.shape == want.shape and got.dtype == dtype


def test_seeds_wider_than_the_network_widen_the_gradient() -> None:
    c = case(1, (3,), "tanh")
    theta, x = c.theta.astype(np.float32), c.x.astype(np.float32)
    _, tape = c.net.forward(theta, x)
    assert c.net.backward(tape, c.dy).dtype == np.float64
    _, gtape = c.net.input_gradient(tape)
    assert c.net.double_backward(gtape, c.dy.astype(np.float32), c.dk).dtype == np.float64


@given(cases())
def test_arguments_and_tapes_are_not_changed(c: Case) -> None:
    for a in (c.theta, c.x, c.dy, c.dk):
        a.setflags(write=False)
    _, tape = c.net.forward(c.theta, c.x)
    _, gtape = c.net.input_gradient(tape)
    for a in (*tape.a, *tape.z, *gtape.df, *gtape.u, *gtape.v):
        a.setflags(write=False)
    once = c.net.double_backward(gtape, c.dy, c.dk)
    c.net.backward(tape, c.dy)
    np.testing.assert_array_equal(once, c.net.double_backward(gtape, c.dy, c.dk))


# Rejected arguments

NET = MLP((2, 3, 1))
THETA, X, Y = np.zeros(13), np.ones((4, 2)), np.ones(4)
TAPE = NET.forward(THETA, X)[1]
GTAPE = NET.input_gradient(TAPE)[1]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: MLP((2,)), ValueError, ("sizes", "(D, …, 1)", "(2,)")),
        (lambda: MLP((1,)), ValueError, ("sizes", "(D, …, 1)", "(1,)")),
        (lambda: MLP(()), ValueError, ("sizes", "(D, …, 1)", "()")),
        (lambda: MLP((2, 3)), ValueError, ("sizes", "(D, …, 1)", "(2, 3)")),
        (lambda: MLP((2, 0, 1)), ValueError, ("sizes", "at least 1", "0")),
        (lambda: MLP((-2, 1)), ValueError, ("sizes", "at least 1", "-2")),
        (lambda: MLP(wrong((2.0, 1))), TypeError, ("sizes", "integer", "2.0")),
        (lambda: MLP((2, 1), "none"), ValueError, ("activation", "'tanh'", "'none'")),
        (lambda: MLP((2, 1), "Tanh"), ValueError, ("activation", "'relu'", "'Tanh'")),
        pytest.param(
            lambda: MLP((2, 1), wrong(["tanh"])), (TypeError, ValueError), ("activation", "'tanh'")
        ),
        pytest.param(lambda: MLP(wrong(5)), (TypeError, ValueError), ("sizes", "5")),
        pytest.param(
            lambda: NET.init(np.random.default_rng(1), np.float16), TypeError, ("dtype", "float16")
        ),
        pytest.param(lambda: NET.init(np.random.default_rng(1), int), TypeError, ("dtype", "int")),
        (lambda: NET.unflatten(THETA[1:]), ValueError, ("theta", "(13,)", "(12,)")),
        (lambda: NET.forward(THETA[1:], X), ValueError, ("theta", "(13,)", "(12,)")),
        (lambda: NET.forward(THETA[:, None], X), ValueError, ("theta", "(13,)", "(13, 1)")),
        (lambda: NET.predict(THETA[1:], X), ValueError, ("theta", "(13,)", "(12,)")),
        (lambda: NET.forward(wrong(["a"] * 13), X), TypeError, ("theta", "numbers", "<U1")),
        (lambda: NET.forward(THETA.astype(np.float16), X), TypeError, ("theta", "float16")),
        (lambda: NET.forward(THETA, X[:, :1]), ValueError, ("x", "(N, 2)", "(4, 1)")),
        (lambda: NET.forward(THETA, X[0]), ValueError, ("x", "(N, 2)", "(2,)")),
        (lambda: NET.forward(THETA, X[:0]), ValueError, ("x", "(N, 2)", "(0, 2)")),
        (lambda: NET.forward(THETA, np.nan * X), ValueError, ("x", "finite", "nan", "[0, 0]")),
        (lambda: NET.forward(THETA, wrong([[1, 2], [3]])), ValueError, ("x", "(N, 2)")),
        (lambda: NET.forward(THETA, X.astype(np.float16)), TypeError, ("x", "float16")),
        (lambda: NET.forward(THETA, X > 0), TypeError, ("x", "numbers", "bool")),
        (lambda: NET.predict(THETA, X[:, :1]), ValueError, ("x", "(N, 2)", "(4, 1)")),
        (lambda: NET.predict(THETA, X[:0]), ValueError, ("x", "(N, 2)", "(0, 2)")),
        (lambda: NET.predict(THETA, np.inf * X), ValueError, ("x", "finite", "inf")),
        (lambda: NET.backward(TAPE, X[:, :1]), ValueError, ("dy", "(4,)", "(4, 1)")),
        (lambda: NET.backward(TAPE, np.ones(3)), ValueError, ("dy", "(4,)", "(3,)")),
        (lambda: NET.double_backward(GTAPE, X[:, :1], X), ValueError, ("dy", "(4,)", "(4, 1)")),
        (
            lambda: NET.double_backward(GTAPE, X[:, 0], X[:, 0]),
            ValueError,
            ("dk", "(4, 2)", "(4,)"),
        ),
        (lambda: NET.double_backward(GTAPE, Y, X.T), ValueError, ("dk", "(4, 2)", "(2, 4)")),
    ],
)
def test_bad_input_is_refused_by_name(
    call: Callable[[], Any], error: Errors, words: tuple[str, ...]
) -> None:
    check_refused(call, error, *words)
