"""The Lai loss (arXiv 2405.07884) for PyTorch. Copy this file into your project.

With y = f(x; θ), e = y − t, k = ∂y/∂x, p = `order` (1: MAE, 2: MSE) and ρ = `l1_ratio`:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
    L = M(mean_i ℓ_i)  or  mean_i M(ℓ_i),                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁

    loss = LaiLoss(lam=0.1)
    loss(y, t, k).backward()  # with y (N,) and k (N, D) of with_input_gradient(model, x)
"""

from functools import partial

import torch
from torch import nn

MEAN = partial(torch.mean, dim=0)  # over the samples; of a batch spread over workers, over all


class _Factor(torch.autograd.Function):
    """F, and F' by hand: autograd's derivative of k/√(1 + k²) loses digits where |k| is large."""

    @staticmethod
    def forward(ctx, k, lam, order):
        clamp = 2.0 ** (30 if k.dtype == torch.float64 else 13)  # from there on, 1 + k² is k²
        abs_k = k.abs()
        k_clamped, tail_scale = abs_k.clamp(max=clamp), clamp / abs_k.clamp(min=clamp)
        # |sin φ| = k_clamped/√d, cos φ = tail_scale/√d for φ = atan k: no overflow
        d = 1 + k_clamped * k_clamped
        low, high = lam.clamp(max=1), lam.clamp(min=1)
        # F' = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1), each side of
        # the kink in an order in which nothing leaves the range of floats before the result does
        if order == 1:
            root = d.sqrt()
            F = torch.maximum(k_clamped / root / low, high * tail_scale / root)
            above, below = 1 / (d * root) / low * tail_scale, k_clamped / (d * root) * high
        else:
            F = torch.maximum(k_clamped / d / low * k_clamped, high * tail_scale / d * tail_scale)
            steep = 2 * k_clamped / (d * d)
            above, below = steep / low * tail_scale, steep * high * tail_scale
        above, below = above * tail_scale * tail_scale, below * tail_scale * tail_scale
        # u = H(|k|^p − λ), ½ at the kink: the midpoint of the derivatives on both sides
        dF = torch.where(abs_k**order > lam, above, -below)
        dF = torch.where(abs_k**order == lam, (above - below) / 2, dF)
        ctx.save_for_backward(k.sign() * dF)
        return F

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.saved_tensors[0], None, None


def lai_factor(k, lam=0.1, order=2):
    """F_p(k; λ) of slopes k (…, D); λ is one number or (D,), and is not differentiated."""
    lam = torch.as_tensor(lam, dtype=k.dtype, device=k.device)
    if order not in (1, 2) or (lam.ndim and lam.shape != k.shape[-1:]):
        raise ValueError(f"expected order 1 or 2, one λ or one per feature, got {order}, {lam}")
    check_values = not torch.compiler.is_compiling()  # compiled code cannot
    if check_values and not (lam.isfinite() & (lam > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if check_values and not k.isfinite().all():
        raise ValueError("k: expected finite numbers")
    return _Factor.apply(k, lam, order)


class LaiLoss(nn.Module):
    """The Lai loss of predictions y (N,), targets t (N,) and slopes k (N, D): a scalar.

    Weights w (N,) turn mean_i ℓ_i into mean_i w_i ℓ_i. `mean` takes (N, …) to (…).
    """

    def __init__(self, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", mean=MEAN):
        super().__init__()
        if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
            raise ValueError(
                f"l1_ratio {l1_ratio} not in [0, 1], or no such reduction: {reduction}"
            )
        self.lam, self.order, self.l1_ratio = lam, order, l1_ratio
        self.reduction, self.mean = reduction, mean

    def forward(self, y, t, k, w=None):
        empty = k.numel() == 0 and self.mean is MEAN  # one worker of several may have no sample
        if y.ndim != 1 or t.shape != y.shape or k.ndim != 2 or len(k) != len(y) or empty:
            shapes = ", ".join(str(tuple(a.shape)) for a in (y, t, k))
            raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
        # ℓ_ij = |e_i|^p F_p(k_ij; λ_j), one |e| after the other: |e|² alone may overflow
        abs_e = (y - t).abs()[:, None]
        ell = lai_factor(k, self.lam, self.order) * abs_e
        ell = ell * abs_e if self.order == 2 else ell
        ell = ell if w is None else w[:, None] * ell
        return self._M(self.mean(ell)) if self.reduction == "batch" else self.mean(self._M(ell))

    def _M(self, c):
        # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
        m = c.detach().amax(dim=-1, keepdim=True)
        m = torch.where((m > 0) & m.isfinite(), m, 1.0)
        l2_norm = m[..., 0] * torch.linalg.vector_norm(c / m, dim=-1)
        return (1 - self.l1_ratio) * l2_norm + self.l1_ratio * c.sum(dim=-1)


def with_input_gradient(model, x):
    """y (N,) and k = ∂y/∂x (N, D) of a model without batch norm: ∂ Σ y_i/∂x_i is then k_i."""
    if torch.compiler.is_compiling():  # the same, in the form that can be differentiated again
        y, pull = torch.func.vjp(model, x)
        return y, pull(torch.ones_like(y))[0]
    x = x.detach().requires_grad_()
    y = model(x)
    return y, torch.autograd.grad(y.sum(), x, create_graph=True)[0]
