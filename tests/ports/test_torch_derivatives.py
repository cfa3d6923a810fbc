"""Higher derivatives of the port to PyTorch are correct or raise an error."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from lai_ref import MLP, Lai
from tests.ports.second_derivatives import hessian_by_differences, questions

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from tutorials.ports import torch_lai as port  # noqa: E402
from tutorials.ports.torch_backend import network  # noqa: E402
from tutorials.ports.torch_lai_training import batch_loss  # noqa: E402

KINDS = list(product((1, 2), (0.0, 0.25, 1.0), ("batch", "sample"), (0.3, [0.2, 2.5])))
SIZES = [2, 3, 1]


def tensors(n: int = 6) -> tuple[Any, Any, Any]:
    """y, t and k; y and k require gradients, and k is on both sides of the kinks."""
    generator = torch.Generator().manual_seed(0)
    y, t, *k = torch.randn(4, n, dtype=torch.float64, generator=generator)
    return y.requires_grad_(), t, torch.stack(k, dim=1).mul(2).requires_grad_()


@pytest.mark.parametrize(("order", "l1_ratio", "reduction", "lam"), KINDS)
def test_gradcheck_and_gradgradcheck_of_the_loss(
    order: int, l1_ratio: float, reduction: str, lam: Any
) -> None:
    y, t, k = tensors()
    w = torch.rand(6, dtype=torch.float64, requires_grad=True)
    loss = port.LaiLoss(lam, order, l1_ratio, reduction)

    def value(y: Any, k: Any, w: Any) -> Any:
        return loss(y, t, k, w)

    assert torch.autograd.gradcheck(value, (y, k, w))
    assert torch.autograd.gradgradcheck(value, (y, k, w))


@pytest.mark.parametrize("order", [1, 2])
def test_the_third_derivative_of_the_factor_is_right_too(order: int) -> None:
    *_, k = tensors()

    def second(k: Any) -> Any:
        F = port.lai_factor(k, 0.3, order)
        (first,) = torch.autograd.grad(F.sum(), k, create_graph=True)
        return torch.autograd.grad(first.sum(), k, create_graph=True)[0]

    assert torch.autograd.gradcheck(second, k)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_second_derivative_of_the_factor_is_its_closed_form(dtype: str) -> None:
    """Up to rounding, also for huge |k| and at the kink, where it is the mean of both sides."""
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    for lam, order, slopes, expected, terms in questions(dtype):
        k = torch.tensor(slopes, requires_grad=True)
        F = port.lai_factor(k, lam, order)
        (first,) = torch.autograd.grad(F.sum(), k, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), k)
        error = np.abs(second.numpy() - expected)
        assert (error <= 16 * eps * terms + tiny).all(), (lam, order)


@pytest.mark.parametrize("reduction", ["batch", "sample"])
@pytest.mark.parametrize("order", [1, 2])
def test_the_hessian_is_that_of_the_reference(order: int, reduction: str) -> None:
    """The reference Hessian comes from differences; the port's from autograd and torch.func."""
    rng = np.random.default_rng(1)
    net = MLP(SIZES, "tanh")
    theta, x, t = net.init(rng), rng.uniform(-2, 2, (5, 2)), rng.uniform(-2, 2, 5)
    expected = hessian_by_differences(net, theta, x, t, Lai(0.1, order, reduction=reduction))
    model, loss = network(SIZES, "tanh", theta), port.LaiLoss(0.1, order, reduction=reduction)
    parameters = dict(model.named_parameters())
    inputs, targets, mask = torch.tensor(x), torch.tensor(t), torch.ones(5, dtype=torch.bool)

    def value(vector: Any) -> Any:
        parts = vector.split([part.numel() for part in parameters.values()])
        pairs = zip(parameters.items(), parts, strict=True)
        # the oracle's W is (fan_in, fan_out)
        own = {name: v.reshape(p.shape[::-1]).t() for (name, p), v in pairs}
        return batch_loss(
            lambda x: torch.func.functional_call(model, own, x), inputs, targets, mask, loss
        )

    vector = torch.tensor(theta)
    for hessian in (
        torch.autograd.functional.hessian(value, vector),
        torch.func.jacrev(torch.func.jacrev(value))(vector),
    ):
        assert np.abs(hessian.numpy() - expected).max() < 1e-8 * np.abs(expected).max()


def test_gradients_of_single_samples_by_vmap() -> None:
    y, t, k = tensors()
    loss = port.LaiLoss(0.3, reduction="sample")

    def value(y: Any, t: Any, k: Any) -> Any:
        return loss(y[None], t[None], k[None])

    each = torch.func.vmap(torch.func.grad(value, argnums=(0, 2)))(y, t, k)
    whole = torch.autograd.grad(loss(y, t, k), (y, k))
    for one, mean in zip(each, whole, strict=True):
        torch.testing.assert_close(one / 6, mean)


@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_second_derivatives_where_a_residual_is_0(reduction: str) -> None:
    """The second derivative of e² F is 2 F; masked samples, whose norm is 0, add 0."""
    *_, k = tensors()
    t, y = torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)
    y[0] = 0.0 if reduction == "sample" else 1e-60  # the norm of the mean has a kink at 0
    y.requires_grad_()
    w = torch.tensor([1.0, 0, 0, 0, 0, 0], dtype=torch.float64)
    loss = port.LaiLoss(0.3, reduction=reduction)
    (first,) = torch.autograd.grad(loss(y, t, k, w), y, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y)
    F = port.lai_factor(k, 0.3)[0]
    expected = torch.zeros_like(y)
    expected[0] = 2 * torch.linalg.vector_norm(F) / 6
    torch.testing.assert_close(second, expected.detach())


def test_second_derivatives_of_the_plain_loss_where_a_residual_is_0() -> None:
    y = torch.zeros(3, requires_grad=True)
    value = batch_loss(lambda _: y, torch.zeros(3, 2), torch.zeros(3), None, port.LaiLoss())
    (first,) = torch.autograd.grad(value, y, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), y)
    assert (second == torch.tensor(2 / 3)).all()


def test_no_second_derivative_is_nan_where_the_whole_loss_is_0() -> None:
    _, t, k = tensors()
    y = t.clone().requires_grad_()
    for order, reduction in product((1, 2), ("batch", "sample")):
        loss = port.LaiLoss(0.3, order, 0.25, reduction)
        first = torch.autograd.grad(loss(y, t, k), (y, k), create_graph=True)
        second = torch.autograd.grad(sum(part.sum() for part in first), (y, k))
        assert all(part.isfinite().all() for part in (*first, *second))


def test_lam_can_be_differentiated() -> None:
    *_, k = tensors()
    lam = torch.tensor([0.2, 2.5], dtype=torch.float64, requires_grad=True)
    for order in (1, 2):
        assert torch.autograd.gradcheck(lambda v, p=order: port.lai_factor(k, v, p), lam)


def test_forward_mode_through_the_input_is_no_silent_zero() -> None:
    x, t = torch.ones(3, 2), torch.zeros(3)
    net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))

    def value(x: Any) -> Any:
        y, k = port.with_input_gradient(lambda x: net(x).flatten(), x)
        return port.LaiLoss()(y, t, k)

    forward = {"vectorize": True, "strategy": "forward-mode"}
    with pytest.raises(NotImplementedError, match="jvp"):
        torch.autograd.functional.jacobian(value, x, **forward)

    def slopes(x: Any) -> Any:
        return port.with_input_gradient(lambda x: net(x).flatten(), x)[1]

    found = torch.autograd.functional.jacobian(slopes, x, **forward)
    torch.testing.assert_close(found, torch.autograd.functional.jacobian(slopes, x))


def test_forward_mode_and_compiled_second_derivatives_raise() -> None:
    y, t, k = tensors()
    loss = port.LaiLoss(0.3)
    with pytest.raises(NotImplementedError, match="jvp"):
        torch.func.jacfwd(lambda k: loss(y, t, k))(k)
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    with pytest.raises(RuntimeError, match=r"double backward|create_graph=False"):
        (first,) = torch.autograd.grad(compiled(y, t, k), k, create_graph=True)
        torch.autograd.grad(first.sum(), k)
