"""`with_input_gradient` in validation loops and in models that are partly frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from torch import nn  # noqa: E402

from tutorials.ports.torch_lai import LaiLoss, with_input_gradient  # noqa: E402


def make_model() -> Any:
    torch.manual_seed(0)
    layers = nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Dropout(), nn.Linear(4, 1)
    return nn.Sequential(*layers, nn.Flatten(0)).eval()


def k_of_each(model: Any, x: Any) -> Any:
    """∂y_i/∂x_i, (N, D), one sample at a time, by torch.autograd.functional.jacobian."""
    own = [torch.autograd.functional.jacobian(model, x_i[None])[0, 0] for x_i in x]
    return torch.stack(own)


@pytest.mark.parametrize("no_graph", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("compiled", [False, True])
def test_without_gradients_it_returns_the_same_numbers_and_no_graph(
    no_graph: Callable[[], Any], compiled: bool
) -> None:
    model, t = make_model(), torch.ones(5)
    of = (
        torch.compile(with_input_gradient, backend="aot_eager") if compiled else with_input_gradient
    )
    with no_graph():
        x = torch.randn(5, 2)  # in inference mode it is an inference tensor
        y, k = of(model, x)
        value = LaiLoss()(y, t, k)
    assert not (y.requires_grad or k.requires_grad or value.requires_grad)
    x = x.clone()
    torch.testing.assert_close(y, model(x).detach())
    torch.testing.assert_close(k, k_of_each(model, x))
    with_graph = with_input_gradient(model, x)
    torch.testing.assert_close((y, k), tuple(a.detach() for a in with_graph))
    assert all(a.requires_grad for a in with_graph)
    assert all(part.grad is None for part in model.parameters())


def test_the_inputs_of_the_caller_are_unchanged() -> None:
    model, x = make_model(), torch.randn(5, 2)
    y, k = with_input_gradient(model, x)
    LaiLoss()(y, torch.ones(5), k).backward()
    assert not x.requires_grad and x.grad is None
    x.requires_grad_()
    with torch.no_grad():
        with_input_gradient(model, x)
    assert x.requires_grad and x.grad is None


def test_inputs_that_require_gradients_get_those_of_the_loss() -> None:
    """As with an encoder before the model, or for adversarial samples."""
    model, encoder = make_model().double(), nn.Linear(3, 2).double()
    z, t = torch.randn(5, 3, dtype=torch.float64), torch.ones(5, dtype=torch.float64)

    def value(x: Any) -> Any:
        y, k = with_input_gradient(model, x)
        return LaiLoss()(y, t, k)

    assert torch.autograd.gradcheck(value, encoder(z).detach().requires_grad_())
    value(encoder(z)).backward()
    assert encoder.weight.grad.abs().max() > 0


def test_frozen_parameters_get_no_gradient_and_the_others_theirs() -> None:
    model, x, t = make_model(), torch.randn(5, 2), torch.ones(5)

    def gradients() -> list[Any]:
        model.zero_grad()
        y, k = with_input_gradient(model, x)
        LaiLoss()(y, t, k).backward()
        return [part.grad for part in model.parameters()]

    everything = gradients()
    model[0].requires_grad_(False)
    partly = gradients()
    assert partly[:2] == [None, None]
    torch.testing.assert_close(partly[2:], everything[2:])
    model.requires_grad_(False)
    _, k = with_input_gradient(model, x)
    torch.testing.assert_close(k.detach(), k_of_each(model, x))
