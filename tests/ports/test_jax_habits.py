"""Common uses of the port to JAX: half precision, categories, images, gradient accumulation."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lai_ref import Array

jax: Any = pytest.importorskip("jax", reason="the port to JAX needs jax")
import jax.numpy as jnp  # noqa: E402

from tutorials.ports import jax_lai as port  # noqa: E402
from tutorials.ports.jax_backend import network  # noqa: E402
from tutorials.ports.jax_lai_training import batch_loss  # noqa: E402

pytestmark = pytest.mark.usefixtures("jax_in_double_precision")
HALF = [jnp.float16, jnp.bfloat16]
f = partial(network, (2, 3, 1), "tanh")


def data(n: int = 12) -> tuple[Array, Array, Array]:
    """θ, x and t."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(13), rng.standard_normal((n, 2)), rng.standard_normal(n)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("order", [1, 2])
def test_half_precision_is_right_to_the_precision_of_the_inputs(dtype: Any, order: int) -> None:
    """In float16 itself 1 + k² would be infinite for |k| ≥ 256."""
    rng = np.random.default_rng(0)
    given = [jnp.asarray(a, dtype) for a in 10 * rng.standard_normal((2, 64))]
    given.append(jnp.asarray(10 ** rng.uniform(-4, 4, (64, 3)), dtype))
    exact = [a.astype(float) for a in given]
    check_close = partial(
        np.testing.assert_allclose, rtol=1.01 * float(jnp.finfo(dtype).eps), atol=1e-7
    )
    for reduction in ("batch", "sample"):
        loss = partial(port.lai_loss, order=order, l1_ratio=0.25, reduction=reduction)
        of = jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))
        pairs = zip(*map(jax.tree.leaves, (of(*given), of(*exact))), strict=True)
        for found, expected in pairs:
            assert found.dtype == dtype
            check_close(found.astype(float), expected)
    F = port.lai_factor(given[2], 0.1, order)
    assert F.dtype == dtype
    check_close(F.astype(float), port.lai_factor(exact[2], 0.1, order))


@pytest.mark.parametrize("dtype", HALF)
def test_batch_loss_in_half_precision_has_its_dtype(dtype: Any) -> None:
    theta, x, t = (jnp.asarray(a, dtype) for a in data())
    for lai_mask in (None, np.arange(12) < 6):
        value = batch_loss(f, theta, x, 300 + t, lai_mask, loss=port.lai_loss, order=1)
        assert value.dtype == dtype


def test_only_numerical_features_have_an_input_gradient_beside_categories() -> None:
    theta, x, t = data()
    category = np.arange(12) % 3

    def mixed(params: Any, numbers: Any, category: Any) -> Any:
        return f(params["theta"], numbers) * params["scale"][category]

    params = {"theta": theta, "scale": jnp.array([1.0, 2.0, 3.0])}
    lam = np.array([0.2, 2.5])  # one per numerical feature
    y, k = port.with_input_gradient(mixed, params, x, category)
    unscaled = port.with_input_gradient(f, theta, x)[1]
    np.testing.assert_allclose(k, unscaled * (category + 1)[:, None])
    loss = partial(port.lai_loss, lam=lam)
    value = partial(batch_loss, mixed, x=x, t=t, lai_mask=np.ones(12, bool), loss=loss)
    with pytest.raises(TypeError):
        value(params)  # the categories are missing
    rest = x, t, np.ones(12, bool), category
    np.testing.assert_allclose(batch_loss(mixed, params, *rest, loss=loss), loss(y, t, k))
    plain = batch_loss(mixed, params, x, t, None, category, loss=loss)
    np.testing.assert_allclose(plain, np.mean((y - t) ** 2))


def test_dropout_has_one_mask_for_y_and_k() -> None:
    theta, x, _ = data()
    keys = jax.random.split(jax.random.key(0), 12)

    def dropped(params: Any, x: Any, key: Any) -> Any:
        return x @ params * jax.random.bernoulli(key)

    y, k = port.with_input_gradient(dropped, theta[:2], x, keys)
    np.testing.assert_array_equal(y == 0, (k == 0).all(axis=1))
    assert 0 < (y == 0).sum() < 12


def test_images_have_an_input_gradient_with_one_entry_per_pixel() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.standard_normal((6, 4, 5)), rng.standard_normal(6)
    params = rng.standard_normal((4, 5))
    y, k = port.with_input_gradient(lambda p, x: jnp.tanh(p * x).sum(), params, x)
    assert k.shape == x.shape
    assert port.lai_loss(y, t, k) == port.lai_loss(y, t, k.reshape(6, 20))


def test_several_outputs_raise_an_error_with_advice() -> None:
    theta, x, t = data()

    def two(params: Any, x: Any) -> Any:
        return jnp.stack([f(params, x), f(2 * params, x)])

    lai_mask = np.ones(12, bool)
    with pytest.raises(ValueError, match=r"got shape \(2,\).*lambda \*args: f\(\*args\)\[j\]"):
        batch_loss(two, theta, x, t, lai_mask, loss=port.lai_loss)
    _, k = port.with_input_gradient(lambda *args: two(*args)[0], theta, x)
    np.testing.assert_allclose(k, port.with_input_gradient(f, theta, x)[1])


@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_gradient_accumulation_has_the_gradient_of_the_whole_batch(reduction: str) -> None:
    """With micro-batches of unequal sizes: first the mean c of the terms, then ∂L/∂c · ∂c/∂θ."""
    theta, x, t = data()
    kind: dict[str, Any] = {"lam": 0.3, "l1_ratio": 0.25, "reduction": reduction}
    micro_batches = [(x[:5], t[:5]), (x[5:], t[5:])]

    def whole(theta: Any) -> Any:
        y, k = port.with_input_gradient(f, theta, x)
        return port.lai_loss(y, t, k, **kind)

    def part_of_mean(theta: Any, x: Any, t: Any) -> Any:
        y, k = port.with_input_gradient(f, theta, x)
        return port.lai_terms(y, t, k, **kind).sum(axis=0) / 12

    c = sum(part_of_mean(theta, *each) for each in micro_batches)
    d_c = jax.grad(partial(port.of_mean, l1_ratio=0.25, reduction=reduction))(c)
    gradient = sum(jax.vjp(part_of_mean, theta, *each)[1](d_c)[0] for each in micro_batches)
    np.testing.assert_allclose(gradient, jax.grad(whole)(theta), rtol=1e-12, atol=1e-15)


def test_weights_of_another_shape_are_rejected_and_large_residuals_are_not() -> None:
    t, k = np.ones(3), np.ones((3, 2))
    with pytest.raises(ValueError, match=r"w: expected the shape of y, \(3,\), got \(3, 1\)"):
        port.lai_loss(t, t, k, w=np.ones((3, 1)))
    e, k = jnp.full(1, 1e19, jnp.float32), jnp.zeros((1, 8), jnp.float32)
    assert port.lai_loss(e, 0 * e, k, lam=1.0) == pytest.approx(8**0.5 * 1e38)


def test_the_mean_and_the_order_of_a_partial_also_apply_to_plain_samples() -> None:
    theta, x, t = data()
    y, k = port.with_input_gradient(f, theta, x)
    mask = np.arange(12) < 6
    loss = partial(port.lai_loss, order=1, mean=lambda a: 2 * a.mean(axis=0))
    found = batch_loss(f, theta, x, t, mask, loss=loss)
    expected = 2 * np.mean(np.abs(y - t) * ~mask) + loss(y, t, k, w=1.0 * mask)
    np.testing.assert_allclose(found, expected)
    plain = batch_loss(f, theta, x, t, None, loss=loss)
    np.testing.assert_allclose(plain, 2 * np.mean(np.abs(y - t)))


def test_integers_are_not_truncated_and_numpy_doubles_give_no_warning() -> None:
    k = np.array([[1, 2, 3]])
    expected = port.lai_factor(k.astype(float), 0.1)
    np.testing.assert_allclose(port.lai_factor(k, 0.1), expected, rtol=1e-6)
    t = np.array([1])
    np.testing.assert_allclose(port.lai_loss(3 * t, t, k), 4 * np.linalg.norm(expected), rtol=1e-6)
    jax.config.update("jax_enable_x64", False)
    try:
        port.lai_loss(t + 0.5, t, k * 1.0)
        batch_loss(f, *data(), None, loss=port.lai_loss)
    finally:
        jax.config.update("jax_enable_x64", True)


@pytest.mark.parametrize("mask", [None, np.ones(12, bool), [True] * 12])
def test_the_dtype_does_not_depend_on_the_mask(mask: Any) -> None:
    theta, x, t = data()

    def in_bfloat16(params: Any, x: Any) -> Any:
        return f(params, x).astype(jnp.bfloat16)

    value = batch_loss(in_bfloat16, theta, x, jnp.asarray(t, "bfloat16"), mask, loss=port.lai_loss)
    assert value.dtype == jnp.bfloat16


def test_lam_may_be_a_list_of_traced_numbers() -> None:
    _, x, t = data()
    found = jax.jit(lambda a: port.lai_loss(t, 0 * t, x, lam=[a, 0.3]))(0.2)
    np.testing.assert_allclose(found, port.lai_loss(t, 0 * t, x, lam=np.array([0.2, 0.3])))


def test_no_value_is_checked_on_an_accelerator() -> None:
    """A check would wait for the device; a Python number for λ is on no device."""

    class OnGpu:
        __class__, __array_ufunc__ = jax.Array, None  # NumPy functions raise
        shape, ndim = (3, 2), 0

        def devices(self) -> list[Any]:
            return [SimpleNamespace(platform="gpu")]

    on_gpu = OnGpu()
    port.check(on_gpu, 0.1, 2)
    port.check(on_gpu, on_gpu, 2)
    with pytest.raises(ValueError, match="lam: expected finite numbers above 0, got -1"):
        port.check(on_gpu, -1.0, 2)
    for k in (np.array([np.nan]), jnp.array([np.nan])):
        with pytest.raises(ValueError, match="k: expected finite numbers"):
            port.check(k, 0.1, 2)
