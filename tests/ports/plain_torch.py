"""A plain port to PyTorch: the formulas as written, differentiated by autograd.

It imports nothing from `lai_ref`. It is accurate only for ordinary magnitudes: |k| below 1e3, |e|
far below 1e12, hidden units below 20. The forms differ in how max(|k|^p, λ) is written.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch

Tensor: TypeAlias = Any  # torch.Tensor
Module: TypeAlias = Any  # torch.nn.Module

FORMS = ("maximum", "clamp", "where")
ACTIVATIONS: dict[str, Any] = {
    "identity": torch.nn.Identity,
    "relu": torch.nn.ReLU,
    "tanh": torch.nn.Tanh,
    "softplus": torch.nn.Softplus,
    "silu": torch.nn.SiLU,
}


class PlainTorch:
    """A port with all groups of the oracle; wrong_torch.py overrides one method at a time."""

    activations = ACTIVATIONS

    def __init__(self, form: str = "maximum") -> None:
        if form not in FORMS:
            raise ValueError(f"form: expected one of {FORMS}, got {form!r}")
        self.form = form

    # the formulas

    def larger(self, power: Tensor, lam: Tensor) -> Tensor:
        """max(|k|^p, λ)."""
        if self.form == "maximum":
            return torch.maximum(power, lam)
        if self.form == "clamp":
            return power.clamp(min=lam)
        return torch.where(power > lam, power, lam)

    def lai_factor(self, k: Tensor, lam: Any, order: int) -> Tensor:
        """F_p(k; λ), with the shape of k."""
        lam = torch.as_tensor(lam, dtype=k.dtype)
        top = self.larger(k.abs() ** order, lam)
        return top / (1 + k**2) ** (order / 2) / lam.clamp(max=1)

    def residual_power(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        """|y − t|^p per sample."""
        return (y - t).abs() ** order

    def plain_loss(self, y: Tensor, t: Tensor, order: int) -> Tensor:
        """mean |y − t|^p, for y and t (N,)."""
        return self.residual_power(y, t, order).mean()

    def norm(self, c: Tensor, l1_ratio: float) -> Tensor:
        """(1 − ρ)‖c‖₂ + ρ‖c‖₁ over the last axis."""
        l2, l1 = (torch.linalg.vector_norm(c, p, dim=-1) for p in (2, 1))
        return (1 - l1_ratio) * l2 + l1_ratio * l1

    def reduce(self, ell: Tensor, l1_ratio: float, reduction: str) -> Tensor:
        """From ℓ (N, D) to one number."""
        if reduction == "batch":
            return self.norm(ell.mean(dim=0), l1_ratio)
        return self.norm(ell, l1_ratio).mean()

    def lai_loss(
        self, y: Tensor, t: Tensor, k: Tensor, *,
        lam: Any, order: int, l1_ratio: float, reduction: str,
    ) -> Tensor:  # fmt: skip
        """The Lai loss of y, t (N,) and k (N, D)."""
        error = self.residual_power(y, t, order)
        ell = error[:, None] * self.lai_factor(k, lam, order)
        return self.reduce(ell, l1_ratio, reduction)

    # the network

    def network(self, sizes: list[int], activation: str, theta: Any) -> Module:
        """Linear layers, with the activation between them and the parameters θ."""
        layers: list[Module] = []
        for fan_in, fan_out in pairwise(sizes):
            layers += [torch.nn.Linear(fan_in, fan_out), self.activations[activation]()]
        theta = torch.as_tensor(theta)
        net = torch.nn.Sequential(*layers[:-1]).to(theta.dtype)
        with torch.no_grad():
            parts = self.unflatten(theta, net)
            for param, values in zip(net.parameters(), parts, strict=True):
                param.copy_(values)
        return net

    def unflatten(self, vector: Any, net: Module) -> list[Tensor]:
        """A vector like θ as one tensor per parameter; Linear has W transposed."""
        vector, parts, start = torch.as_tensor(vector), [], 0
        for param in net.parameters():
            part = vector[start : start + param.numel()]
            parts.append(part.reshape(param.T.shape).T if param.ndim == 2 else part)
            start += param.numel()
        return parts

    def flatten(self, tensors: Any) -> Any:
        """The inverse of `unflatten`, as an array."""
        parts = [(a.T if a.ndim == 2 else a).reshape(-1) for a in tensors]
        return torch.cat(parts).detach().numpy().copy()

    def gradients(self, net: Module) -> list[Tensor]:
        """The gradients from backward(), 0 for a parameter without one."""
        params = net.parameters()
        return [torch.zeros_like(a) if a.grad is None else a.grad for a in params]

    def predict(self, net: Module, x: Tensor) -> Tensor:
        """y (N,)."""
        return net(x).squeeze(-1)

    def with_input_gradient(self, net: Module, x: Tensor) -> tuple[Tensor, Tensor]:
        """y (N,) and k = ∂y/∂x (N, D), which can be differentiated again."""
        x = x.clone().requires_grad_()
        y = self.predict(net, x)
        (k,) = torch.autograd.grad(y.sum(), x, create_graph=True)
        return y, k

    def objective(self, net: Module, x: Tensor, t: Tensor, loss: dict[str, Any]) -> Tensor:
        """The plain or the Lai loss of the network on one batch."""
        if loss["name"] == "plain":
            return self.plain_loss(self.predict(net, x), t, loss["order"])
        y, k = self.with_input_gradient(net, x)
        return self.lai_loss(y, t, k, **{key: loss[key] for key in loss if key != "name"})

    def mixed_objective(
        self, net: Module, x: Tensor, t: Tensor, is_lai: Tensor, plain: int, loss: dict[str, Any]
    ) -> Tensor:
        """(n_plain · plain + n_lai · lai)/n, each over its own samples."""
        total = torch.zeros((), dtype=x.dtype)
        for mask, kind in ((~is_lai, {"name": "plain", "order": plain}), (is_lai, loss)):
            if mask.any():
                total = total + mask.sum() * self.objective(net, x[mask], t[mask], kind)
        return total / len(x)

    # the optimizer

    def optimizer(self, params: Any, *, lr: float, beta1: float, beta2: float, eps: float) -> Any:
        return torch.optim.Adam(params, lr=lr, betas=(beta1, beta2), eps=eps)

    def restore(self, optimizer: Any, params: Any, m: Any, v: Any, step: int) -> None:
        """Set the optimizer to its state after `step` steps."""
        for param, m_part, v_part in zip(params, m, v, strict=True):
            optimizer.state[param] = {
                "step": torch.tensor(float(step)),
                "exp_avg": m_part.clone(),
                "exp_avg_sq": v_part.clone(),
            }

    # what the oracle calls

    def factor(self, *, k: Any, lam: float, order: int) -> Any:
        check(order, lam, k)
        k = torch.tensor(k, requires_grad=True)
        value = self.lai_factor(k, lam, order)
        (derivative,) = torch.autograd.grad(value.sum(), k)
        return value.detach().numpy(), derivative.numpy()

    def loss(self, *, y: Any, t: Any, k: Any, **loss: Any) -> Any:
        check(loss["order"], loss["lam"], y, t, k)
        check_loss(y, t, k, **loss)
        y, k = (torch.tensor(a, requires_grad=True) for a in (y, k))
        value = self.lai_loss(y, torch.tensor(t), k, **loss)
        dy, dk = torch.autograd.grad(value, (y, k), allow_unused=True, materialize_grads=True)
        return value.item(), dy.numpy(), dk.numpy()

    def input_gradient(self, *, sizes: list[int], activation: str, theta: Any, x: Any) -> Any:
        net = self.network(sizes, activation, theta)
        y, k = self.with_input_gradient(net, torch.tensor(x))
        return y.detach().numpy(), k.detach().numpy()

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any, t: Any, loss: dict[str, Any]
    ) -> Any:
        net = self.network(sizes, activation, theta)
        value = self.objective(net, torch.tensor(x), torch.tensor(t), loss)
        value.backward()
        return value.item(), self.flatten(self.gradients(net))

    def adam_step(
        self, *, theta: Any, grad: Any, t: int, m: Any, v: Any, **constants: float
    ) -> Any:
        param = torch.nn.Parameter(torch.tensor(theta))
        param.grad = torch.tensor(grad)
        optimizer = self.optimizer([param], **constants)
        self.restore(optimizer, [param], [torch.tensor(m)], [torch.tensor(v)], t)
        optimizer.step()
        state = optimizer.state[param]
        return param.detach().numpy(), state["exp_avg"].numpy(), state["exp_avg_sq"].numpy()

    def train(
        self, *, sizes: list[int], activation: str, theta: Any, m: Any, v: Any, step: int,
        x: Any, t: Any, plain: int, loss: dict[str, Any], batches: Any, **constants: float,
    ) -> Any:  # fmt: skip
        net = self.network(sizes, activation, theta)
        params = list(net.parameters())
        optimizer = self.optimizer(params, **constants)
        self.restore(optimizer, params, self.unflatten(m, net), self.unflatten(v, net), step)
        x, t, thetas = torch.tensor(x), torch.tensor(t), []
        for rows, lai_rows in batches:
            is_lai = torch.tensor(np.isin(rows, lai_rows))
            optimizer.zero_grad()
            self.mixed_objective(net, x[rows], t[rows], is_lai, plain, loss).backward()
            optimizer.step()
            thetas.append(self.flatten(params))
        return np.array(thetas)

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        rows = np.concatenate(shards)
        return self.param_gradient(x=x[rows], t=t[rows], **rest)


def check(order: int, lam: Any, *arrays: Any) -> None:
    """Raise ValueError for arguments for which F is not defined."""
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order}")
    if not (np.isfinite(lam).all() and np.all(np.asarray(lam) > 0)):
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    for array in arrays:
        if len(array) == 0 or not np.isfinite(array).all():
            raise ValueError("expected at least one sample and finite numbers")


def check_loss(
    y: Any, t: Any, k: Any, *, lam: Any, order: int, l1_ratio: float, reduction: str
) -> None:
    """Raise ValueError for other arguments for which the loss is not defined."""
    if not (math.isfinite(l1_ratio) and 0 <= l1_ratio <= 1):
        raise ValueError(f"l1_ratio: expected 0 to 1, got {l1_ratio}")
    if reduction not in ("batch", "sample"):
        raise ValueError(f"reduction: expected 'batch' or 'sample', got {reduction!r}")
    if not np.shape(y) == np.shape(t) == np.shape(k)[:1] or np.ndim(k) != 2:
        raise ValueError(f"expected (N,), (N,), (N, D), got {y.shape}, {t.shape}, {k.shape}")
    if np.shape(lam) not in ((), np.shape(k)[1:]):
        raise ValueError(f"lam: expected one number or D, got shape {np.shape(lam)}")
