"""Half precision: the port computes in float32 and returns the dtype of PyTorch's losses."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from torch import nn  # noqa: E402
from torch.nn.functional import mse_loss  # noqa: E402

from tutorials.ports.torch_lai import LaiLoss, lai_factor, with_input_gradient  # noqa: E402
from tutorials.ports.torch_lai_training import batch_loss  # noqa: E402

HALF = [torch.float16, torch.bfloat16]
KINDS = list(product(HALF, (1, 2), ("batch", "sample")))


def inputs(dtype: Any) -> tuple[Any, Any, Any]:
    """y, t and k, rounded to `dtype`; |k| up to 1e4, and e² up to 1e6."""
    generator = torch.Generator().manual_seed(0)
    y, t = 500 * torch.randn(2, 64, generator=generator)
    k = 10 ** (8 * torch.rand(64, 3, generator=generator) - 4)
    return tuple(a.to(dtype).requires_grad_() for a in (y, t, k))


def check_close(found: Any, exact: Any, dtype: Any) -> None:
    """Assert equality up to rounding to `dtype`; values beyond its range are 0 or infinite."""
    expected = exact.to(torch.float32).to(dtype)
    torch.testing.assert_close(found, expected, rtol=1.01 * torch.finfo(dtype).eps, atol=1e-7)


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize("order", [1, 2])
def test_the_factor_is_right_to_the_precision_of_its_input(dtype: Any, order: int) -> None:
    """In float16 itself 1 + k² would be infinite for |k| ≥ 256."""
    *_, k = inputs(dtype)
    exact = k.detach().double().requires_grad_()
    for lam in (0.1, [0.3, 1.0, 7.0]):
        F, F_exact = lai_factor(k, lam, order), lai_factor(exact, lam, order)
        assert F.dtype == dtype
        check_close(F, F_exact, dtype)
        dF, dF_exact = (torch.autograd.grad(f.sum(), a)[0] for f, a in ((F, k), (F_exact, exact)))
        check_close(dF, dF_exact, dtype)


@pytest.mark.parametrize(("dtype", "order", "reduction"), KINDS)
def test_the_loss_is_right_to_the_precision_of_its_inputs(
    dtype: Any, order: int, reduction: str
) -> None:
    loss, given = LaiLoss(0.1, order, 0.25, reduction), inputs(dtype)
    exact = [a.detach().double().requires_grad_() for a in given]
    value, expected = loss(*given), loss(*exact)
    assert value.dtype == mse_loss(*given[:2]).dtype == dtype
    check_close(value, expected, dtype)
    if value.isfinite():
        gradients = (torch.autograd.grad(v, a) for v, a in ((value, given), (expected, exact)))
        for found, gradient in zip(*gradients, strict=True):
            assert found.dtype == dtype
            check_close(found, gradient, dtype)


@pytest.mark.parametrize("dtype", HALF)
def test_under_autocast_the_result_is_float32_as_that_of_mse_loss(dtype: Any) -> None:
    given = inputs(dtype)
    exact = [a.detach().double() for a in given]
    with torch.autocast("cpu", dtype=dtype):
        value = LaiLoss(0.1)(*given)
        assert value.dtype == mse_loss(*given[:2]).dtype == torch.float32
    torch.testing.assert_close(value.double(), LaiLoss(0.1)(*exact), rtol=1e-6, atol=0)


@pytest.mark.parametrize("dtype", HALF)
def test_targets_in_float32_are_not_rounded(dtype: Any) -> None:
    y, t, k = inputs(dtype)
    t = t.detach().float() + 0.01
    value = LaiLoss(0.1)(y, t, k)
    assert value.dtype == torch.float32
    exact = LaiLoss(0.1)(y.double(), t.double(), k.double())
    torch.testing.assert_close(value.double(), exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("dtype", "compiled"), list(product(HALF, (False, True))))
def test_a_training_step_under_autocast_is_close_to_float64(dtype: Any, compiled: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    x, t, mask = torch.randn(64, 2), torch.randn(64), torch.arange(64) % 2 == 0
    step = torch.compile(batch_loss, backend="aot_eager") if compiled else batch_loss

    def gradient() -> Any:
        return torch.cat([part.grad.flatten() for part in model.parameters()]).double()

    with torch.autocast("cpu", dtype=dtype):
        value = step(model, x, t, mask, LaiLoss(0.1))
    value.backward()
    found = gradient()
    model.double().zero_grad()
    exact = batch_loss(model, x.double(), t.double(), mask, LaiLoss(0.1))
    exact.backward()
    assert value.dtype == torch.float32
    tolerance = 8 * torch.finfo(dtype).eps  # for several roundings in sequence
    assert abs(value.double() - exact) < tolerance * exact
    assert (found - gradient()).norm() < tolerance * gradient().norm()


@pytest.mark.parametrize("dtype", HALF)
def test_a_model_in_half_precision_has_gradients_in_it(dtype: Any) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)).to(dtype)
    x, t = torch.randn(8, 2, dtype=dtype), 300 * torch.ones(8, dtype=dtype)
    y, k = with_input_gradient(model, x)
    assert y.dtype == k.dtype == dtype
    for mask in (torch.ones(8, dtype=torch.bool), None):
        value = batch_loss(model, x, t, mask, LaiLoss(order=1), order=1)
        assert value.dtype == dtype and value.isfinite()
    value.backward()
    assert all(part.grad.dtype == dtype for part in model.parameters())


def test_integers_are_not_truncated() -> None:
    k, t = torch.tensor([[1, 2, 3]]), torch.tensor([1])
    expected = lai_factor(k.float(), 0.1)
    torch.testing.assert_close(lai_factor(k, 0.1), expected)
    torch.testing.assert_close(LaiLoss(0.1)(3 * t, t, k), 4 * expected.norm())
    assert LaiLoss(0.1)(3.0 * t, t, k).dtype == torch.float32


@pytest.mark.parametrize("mask", [None, torch.ones(4, dtype=torch.bool)])
def test_the_dtype_of_a_batchs_loss_does_not_depend_on_the_mask(mask: Any) -> None:
    x, t = torch.ones(4, 2), torch.zeros(4, dtype=torch.bfloat16)
    value = batch_loss(lambda x: x.sum(1).bfloat16(), x, t, mask, LaiLoss())
    assert value.dtype == torch.bfloat16
