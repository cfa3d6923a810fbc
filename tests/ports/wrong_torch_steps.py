"""Wrong ports to PyTorch: mistakes in the gradient with respect to θ and in the optimizer."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from tests.ports.plain_torch import ACTIVATIONS, Module, PlainTorch, Tensor


def without_name(loss: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in loss.items() if key != "name"}


# param_gradient


class NoCreateGraph(PlainTorch):
    """k was computed with retain_graph in place of create_graph, so that it is a constant to
    autograd; θ needs the gradient through k."""

    def with_input_gradient(self, net: Module, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()
        y = self.predict(net, x)
        (k,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
        return y, k


class InputGradientOfTheLoss(PlainTorch):
    """k was the gradient of Σ|e|^p with respect to x; it is the gradient of y."""

    def objective(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        if loss["name"] == "plain":
            return super().objective(net, x, t, loss)
        x = x.clone().requires_grad_()
        y = self.predict(net, x)
        error = self.residual_power(y, t, loss["order"]).sum()
        (k,) = torch.autograd.grad(error, x, create_graph=True)
        return self.lai_loss(y, t, k, **without_name(loss))


class BackwardForInputGradient(PlainTorch):
    """k came from y.sum().backward(create_graph=True), which leaves ∂Σy/∂θ in the gradients of
    θ; use autograd.grad, or zero them before the backward pass of the loss."""

    def with_input_gradient(self, net: Module, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone().requires_grad_()
        y = self.predict(net, x)
        with warnings.catch_warnings():  # of a reference cycle
            warnings.simplefilter("ignore", UserWarning)
            y.sum().backward(create_graph=True)
        return y, x.grad


class DetachedPrediction(PlainTorch):
    """y was detached before the Lai loss, so ∂L/∂θ lacks the part through y; add it."""

    def objective(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        if loss["name"] == "plain":
            return super().objective(net, x, t, loss)
        y, k = self.with_input_gradient(net, x)
        return self.lai_loss(y.detach(), t, k, **without_name(loss))


class _TanhFunction(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        a = torch.tanh(z)
        ctx.save_for_backward(1 - a**2)  # neither an input nor an output
        return a

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (derivative,) = ctx.saved_tensors
        return grad * derivative


class _Tanh(torch.nn.Module):  # type: ignore[misc]
    def forward(self, z: Tensor) -> Tensor:
        return _TanhFunction.apply(z)


class TanhWithoutSecondDerivative(PlainTorch):
    """A custom tanh saved 1 − a² in its forward pass, which double backward treats as a constant;
    k has a gradient through f', so f'' is needed."""

    activations = ACTIVATIONS | {"tanh": _Tanh}


class GradientOutByIn(PlainTorch):
    """parameters_to_vector wrote ∂L/∂W as (fan_out, fan_in); θ has W as (fan_in, fan_out)."""

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any, t: Any, loss: dict[str, Any]
    ) -> Any:
        net = self.network(sizes, activation, theta)
        value = self.objective(net, torch.tensor(x), torch.tensor(t), loss)
        grads = torch.autograd.grad(value, list(net.parameters()))
        return value.item(), torch.nn.utils.parameters_to_vector(grads).numpy()


class RootMeanSquare(PlainTorch):
    """The plain loss with p = 2 was the root of the mean square; it is the mean square."""

    def plain_loss(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        return super().plain_loss(y, t, order) ** (1 / order)


class BroadcastOfColumnAndRow(PlainTorch):
    """The plain loss broadcast y (N, 1) against t (N,), which gives N² residuals; squeeze y."""

    def objective(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        if loss["name"] == "plain":
            return self.plain_loss(net(x), t, loss["order"])
        return super().objective(net, x, t, loss)


class GradientNormAsK(PlainTorch):
    """F was computed from ‖k_i‖ for every feature, as in a gradient penalty; feature j has k_ij."""

    def objective(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        if loss["name"] == "plain":
            return super().objective(net, x, t, loss)
        y, k = self.with_input_gradient(net, x)
        k = torch.linalg.vector_norm(k, dim=1, keepdim=True).expand(k.shape)
        return self.lai_loss(y, t, k, **without_name(loss))


# adam


class CoupledWeightDecay(PlainTorch):
    """Adam had weight_decay=0.01, which adds 0.01 θ to the gradient; the decay is 0."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.Adam(params, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.01)


class DecoupledWeightDecay(PlainTorch):
    """AdamW was used with its default decay of 0.01; Adam has none."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.AdamW(params, lr=lr, betas=(beta1, beta2), eps=eps)


class DefaultEps(PlainTorch):
    """eps was not passed on, so that PyTorch's default of 1e-8 was used; pass the given eps."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.Adam(params, lr=lr, betas=(beta1, beta2))


class Amsgrad(PlainTorch):
    """amsgrad=True divides by the largest v so far; Adam divides by the present one."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.Adam(params, lr=lr, betas=(beta1, beta2), eps=eps, amsgrad=True)

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        super().restore(optimizer, params, m, v, step)
        for state in optimizer.state.values():
            state["max_exp_avg_sq"] = state["exp_avg_sq"].clone()


class NesterovAdam(PlainTorch):
    """NAdam was used, with Nesterov momentum; Adam steps along m alone."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.NAdam(params, lr=lr, betas=(beta1, beta2), eps=eps)

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        super().restore(optimizer, params, m, v, step)
        beta1 = optimizer.param_groups[0]["betas"][0]
        mu = beta1 * (1 - 0.5 * 0.96 ** (0.004 * np.arange(1, step + 1)))
        for state in optimizer.state.values():
            state["mu_product"] = torch.tensor(float(np.prod(mu)))


class RmsPropWithMomentum(PlainTorch):
    """RMSprop with momentum was used; Adam averages the gradient and corrects both biases."""

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.RMSprop(params, lr=lr, alpha=beta2, eps=eps, momentum=beta1)

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        super().restore(optimizer, params, m, v, step)
        for state in optimizer.state.values():  # under both names: adam_step returns Adam's
            state["momentum_buffer"], state["square_avg"] = state["exp_avg"], state["exp_avg_sq"]


class StepCountedTwice(PlainTorch):
    """The step was counted before optimizer.step(), which counts it too; the bias correction of
    this step uses t + 1."""

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        super().restore(optimizer, params, m, v, step + 1)


class OptimizerStateLost(PlainTorch):
    """Only θ was restored from the checkpoint; the optimizer also needs its m, v and step."""

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        zeros = [torch.zeros_like(part) for part in m]
        super().restore(optimizer, params, zeros, zeros, 0)


STEPS: dict[str, list[type[PlainTorch]]] = {
    "param_gradient": [
        NoCreateGraph,
        InputGradientOfTheLoss,
        BackwardForInputGradient,
        DetachedPrediction,
        TanhWithoutSecondDerivative,
        GradientOutByIn,
        RootMeanSquare,
        BroadcastOfColumnAndRow,
        GradientNormAsK,
    ],
    "adam": [
        CoupledWeightDecay,
        DecoupledWeightDecay,
        DefaultEps,
        Amsgrad,
        NesterovAdam,
        RmsPropWithMomentum,
        StepCountedTwice,
        OptimizerStateLost,
    ],
}
