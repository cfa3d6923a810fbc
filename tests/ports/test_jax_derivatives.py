"""Higher derivatives of the port to JAX, in forward and in reverse mode."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from lai_ref import MLP, Array, Lai
from tests.ports.second_derivatives import hessian_by_differences, questions

jax: Any = pytest.importorskip("jax", reason="the port to JAX needs jax")
import jax.numpy as jnp  # noqa: E402
from jax.test_util import check_grads  # noqa: E402

from tutorials.ports import jax_lai as port  # noqa: E402
from tutorials.ports.jax_backend import network  # noqa: E402
from tutorials.ports.jax_lai_training import batch_loss  # noqa: E402

pytestmark = pytest.mark.usefixtures("jax_in_double_precision")
KINDS = list(product((1, 2), (0.0, 0.25), ("batch", "sample")))
SIZES = (2, 3, 1)


def arrays(n: int = 6) -> tuple[Array, Array, Array]:
    """y, t and k, on both sides of the kinks."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(n), rng.standard_normal(n), 2 * rng.standard_normal((n, 2))


@pytest.mark.parametrize(("order", "l1_ratio", "reduction"), KINDS)
def test_check_grads_of_the_loss_to_second_order(
    order: int, l1_ratio: float, reduction: str
) -> None:
    y, t, k = arrays()
    kind = {"order": order, "l1_ratio": l1_ratio, "reduction": reduction}
    w = np.linspace(0.1, 1, 6)
    lam = np.array([0.2, 2.5])
    loss = jax.jit(lambda y, k, w: port.lai_loss(y, t, k, lam=lam, w=w, **kind))
    check_grads(loss, (y, k, w), order=2, modes=("fwd", "rev"))


@pytest.mark.parametrize("order", [1, 2])
def test_check_grads_of_the_factor_to_third_order_and_with_respect_to_lam(order: int) -> None:
    *_, k = arrays()
    lam = np.array([0.2, 2.5])
    factor = jax.jit(partial(port.lai_factor, order=order))
    check_grads(lambda k: factor(k, lam), (k,), order=3, modes=("fwd", "rev"))
    check_grads(lambda lam: factor(k, lam), (lam,), order=1, modes=("fwd", "rev"))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_second_derivative_of_the_factor_is_its_closed_form(dtype: str) -> None:
    """Up to rounding, also for huge |k| and at the kink, where it is the mean of both sides."""
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    second = jax.jit(
        lambda k, lam, order: jax.vmap(jax.grad(jax.grad(port.lai_factor)), (0, None, None))(
            k, lam, order
        ),
        static_argnums=2,
    )
    for lam, order, k, expected, terms in questions(dtype):
        error = np.abs(np.asarray(second(k, lam, order)) - expected)
        assert (error <= 16 * eps * terms + tiny).all(), (lam, order)


@pytest.mark.parametrize("reduction", ["batch", "sample"])
@pytest.mark.parametrize("order", [1, 2])
def test_the_hessian_is_that_of_the_reference(order: int, reduction: str) -> None:
    rng = np.random.default_rng(1)
    net = MLP(SIZES, "tanh")
    theta, x, t = net.init(rng), rng.uniform(-2, 2, (5, 2)), rng.uniform(-2, 2, 5)
    expected = hessian_by_differences(net, theta, x, t, Lai(0.1, order, reduction=reduction))
    loss = partial(port.lai_loss, lam=0.1, order=order, reduction=reduction)
    f = partial(network, SIZES, "tanh")
    rest = {"x": x, "t": t, "lai_mask": np.ones(5, bool), "loss": loss}
    value = jax.jit(lambda theta: batch_loss(f, theta, **rest))
    for hessian in (jax.hessian(value), jax.jacrev(jax.jacrev(value))):
        error = np.abs(np.asarray(hessian(theta)) - expected).max()
        assert error < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_second_derivatives_where_a_residual_is_0(reduction: str) -> None:
    """The second derivative of e² F is 2 F; masked samples, whose norm is 0, add 0."""
    *_, k = arrays()
    y, w = np.ones(6), np.zeros(6)
    y[0] = 0.0 if reduction == "sample" else 1e-60  # the norm of the mean has a kink at 0
    w[0] = 1.0

    def value(y: Any) -> Any:
        return port.lai_loss(y, np.zeros(6), k, lam=0.3, reduction=reduction, w=w)

    expected = np.zeros((6, 6))
    expected[0, 0] = 2 * np.linalg.norm(port.lai_factor(k, 0.3)[0]) / 6
    np.testing.assert_allclose(jax.jit(jax.hessian(value))(y), expected, rtol=1e-14)


def test_second_derivatives_of_the_plain_loss_where_a_residual_is_0() -> None:
    def value(y: Any) -> Any:
        f, x = lambda y, x: y @ x, np.eye(3)
        return batch_loss(f, y, x, np.zeros(3), None, loss=port.lai_loss)

    np.testing.assert_allclose(jax.hessian(value)(np.zeros(3)), 2 / 3 * np.eye(3))


def test_no_second_derivative_is_nan_where_the_whole_loss_is_0() -> None:
    _, t, k = arrays()
    for order, reduction in product((1, 2), ("batch", "sample")):
        kind = {"lam": 0.3, "order": order, "l1_ratio": 0.25, "reduction": reduction}
        value = jax.jit(lambda y, k, kind=kind: port.lai_loss(y, t, k, **kind))
        for derivative in (jax.grad(value, (0, 1)), jax.hessian(value, (0, 1))):
            assert all(jnp.isfinite(part).all() for part in jax.tree.leaves(derivative(t, k)))
