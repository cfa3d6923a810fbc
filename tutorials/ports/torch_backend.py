"""Adapter of the PyTorch port to the oracle (`lai_ref.oracle.Backend`): arrays in, arrays out.

    oracle.check(TorchBackend(), "float32")
    oracle.check(TorchBackend(partial(torch.compile, fullgraph=True)), "float32")

With torch.compile every shape is compiled: raise `torch._dynamo.config.recompile_limit`.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from .torch_lai import LaiLoss, lai_factor, with_input_gradient
from .torch_lai_training import batch_loss

ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    # for z > threshold torch returns z: with the default, 20, the error would be seen in float64
    "softplus": lambda: nn.Softplus(threshold=40),
    "silu": nn.SiLU,
}


def network(sizes, activation, theta):
    """The oracle's network, with output y (N,); θ holds per layer W (fan_in, fan_out), then b."""
    layers, rest = [], torch.as_tensor(theta)
    for rows, columns in pairwise(sizes):
        W, b, rest = rest.split([rows * columns, columns, len(rest) - (rows + 1) * columns])
        layer = nn.Linear(rows, columns, dtype=rest.dtype)
        layer.weight.data = W.reshape(rows, columns).T.clone()  # torch has W (fan_out, fan_in)
        layer.bias.data = b.clone()
        layers += [layer, ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1], nn.Flatten(0))


def flat(parts):
    """Parameters, or tensors of their shapes, as the oracle's vector (P,)."""
    return torch.cat([part.detach().t().reshape(-1) for part in parts]).numpy()


def loss_of(name, order, **rest):
    """The oracle's `loss` as arguments of `batch_loss`: the Lai loss, and p of the plain loss."""
    if "lam" in rest:  # a tensor: torch.compile would make a number a constant
        rest["lam"] = torch.as_tensor(rest["lam"], dtype=torch.float64)
    return LaiLoss(order=order, **rest), order


class TorchBackend:
    """The port for `oracle.check`; `wrap`, such as torch.compile, wraps what is differentiated."""

    def __init__(self, wrap=lambda f: f):
        self._factor, self._loss = wrap(lai_factor), wrap(LaiLoss.forward)
        self._with_input_gradient, self._batch_loss = wrap(with_input_gradient), wrap(batch_loss)

    def factor(self, *, k, lam, order):
        k, lam = torch.tensor(k, requires_grad=True), torch.tensor(lam, dtype=torch.float64)
        lai_factor(k, lam, order)  # checks the values, which compiled code cannot do
        F = self._factor(k, lam, order)
        return F.detach(), torch.autograd.grad(F.sum(), k)[0]

    def loss(self, *, y, t, k, **settings):
        y, t, k = torch.tensor(y, requires_grad=True), torch.tensor(t), torch.tensor(k)
        loss, _ = loss_of("lai", **settings)
        loss(y, t, k)
        value = self._loss(loss, y, t, k.requires_grad_())
        return value.detach(), *torch.autograd.grad(value, (y, k))

    def input_gradient(self, *, sizes, activation, theta, x):
        net = network(sizes, activation, theta)
        y, k = self._with_input_gradient(net, torch.tensor(x))
        return y.detach(), k.detach()

    def param_gradient(self, *, sizes, activation, theta, x, t, loss):
        net, (lai, p) = network(sizes, activation, theta), loss_of(**loss)
        lai_mask = torch.ones(len(t), dtype=torch.bool) if loss["name"] == "lai" else None
        value = self._batch_loss(net, torch.tensor(x), torch.tensor(t), lai_mask, lai, p)
        value.backward()
        return value.detach(), flat(part.grad for part in net.parameters())

    def adam_step(self, *, theta, grad, t, m, v, lr, beta1, beta2, eps):
        theta = torch.tensor(theta, requires_grad=True)
        theta.grad = torch.tensor(grad)
        optimizer = torch.optim.Adam([theta], lr, (beta1, beta2), eps)
        start_at(optimizer, t, [torch.tensor(m)], [torch.tensor(v)])
        optimizer.step()
        state = optimizer.state[theta]
        return theta.detach(), state["exp_avg"], state["exp_avg_sq"]

    def train(
        self, *, sizes, activation, theta, m, v, step, x, t, plain, loss, batches,
        lr, beta1, beta2, eps,
    ):  # fmt: skip
        net, m, v = (network(sizes, activation, vector) for vector in (theta, m, v))
        optimizer = torch.optim.Adam(net.parameters(), lr, (beta1, beta2), eps)
        start_at(optimizer, step, *([part.data for part in n.parameters()] for n in (m, v)))
        x, t, (lai, _) = torch.tensor(x), torch.tensor(t), loss_of(**loss)
        thetas = []
        for rows, lai_rows in batches:
            lai_mask = torch.tensor(np.isin(rows, lai_rows)) if len(lai_rows) else None
            optimizer.zero_grad()
            self._batch_loss(net, x[rows], t[rows], lai_mask, lai, plain).backward()
            optimizer.step()
            thetas.append(flat(net.parameters()))
        return np.array(thetas)


def start_at(optimizer, step, m, v):
    """Set the state of Adam to that after `step` steps, with moments m and v."""
    parameters = optimizer.param_groups[0]["params"]
    for parameter, m_part, v_part in zip(parameters, m, v, strict=True):
        moments = {"exp_avg": m_part, "exp_avg_sq": v_part}
        optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
