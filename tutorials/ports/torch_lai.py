"""The Lai loss (arXiv 2405.07884) for PyTorch. Copy this file into your project.

With y = f(x; θ), e = y − t, k = ∂y/∂x, p = `order` (1: MAE, 2: MSE) and ρ = `l1_ratio`:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
    L = M(mean_i ℓ_i)  or  mean_i M(ℓ_i),                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁

    loss = LaiLoss(lam=0.1)
    y, k = with_input_gradient(model, x)  # y (N,), k (N, D)
    loss(y, t, k).backward()
"""

from functools import reduce

import torch
from torch import nn


class _SinCos(torch.autograd.Function):
    """sin φ = k/√(1 + k²) and cos φ = 1/√(1 + k²), for φ = atan k.

    Their derivatives are by hand, since autograd's of k/√(1 + k²) loses digits where |k| is large.
    They are cos³ φ and −sin φ cos² φ, products of the outputs, so autograd finds all further ones.
    Forward mode raises an error.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(k):
        r = torch.hypot(k, torch.ones_like(k))  # k² alone may overflow
        return k / r, 1 / r

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*output)

    @staticmethod
    def backward(ctx, d_sin, d_cos):
        sin, cos = ctx.saved_tensors
        return (d_sin * cos - d_cos * sin) * cos * cos


def lai_factor(k, lam=0.1, order=2):
    """F_p(k; λ) of slopes k (…, D), of k's dtype; λ is one number or (D,).

    Half precision is computed in float32. Values on the CPU are checked. On a GPU this would wait
    for the device, and happens only inside `torch.autograd.detect_anomaly()`.
    """
    wide = widened(k)
    lam = torch.as_tensor(lam, dtype=wide.dtype)
    if order not in (1, 2) or (lam.ndim and lam.shape != k.shape[-1:]):
        raise ValueError(f"expected order 1 or 2, one λ or one per feature, got {order}, {lam}")
    if _has_values_to_check(lam) and not (lam.isfinite() & (lam > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if _has_values_to_check(k) and not k.isfinite().all():
        raise ValueError("k: expected finite numbers")
    lam = lam.to(k.device, non_blocking=True)
    low, high = lam.clamp(max=1), lam.clamp(min=1)
    # one factor after the other: their product alone may leave the range of floats
    sin, cos = _SinCos.apply(wide)
    above = sin.abs() / low if order == 1 else sin / low * sin
    below = high * cos if order == 1 else high * cos * cos
    # u = H(|k|^p − λ), ½ at the kink: there all derivatives are the means of both sides'
    u = (1 + torch.sign(wide.detach().abs() ** order - lam)) / 2
    return (u * above + (1 - u) * below).to(k.dtype)


def mean_over_samples(a):
    return a.mean(dim=0)


class LaiLoss(nn.Module):
    """The Lai loss of predictions y (N,), targets t (N,) and slopes k (N, D): a scalar.

    Axes of k after the second are flattened. Weights w (N,) turn mean_i ℓ_i into mean_i w_i ℓ_i.
    `mean` takes (N, …) to (…); of a batch that is spread over workers it is the mean over all.
    Second derivatives exist but at kinks and where the whole loss is 0.
    """

    def __init__(self, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", mean=mean_over_samples):
        super().__init__()
        if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
            raise ValueError(
                f"l1_ratio {l1_ratio} not in [0, 1], or no such reduction: {reduction}"
            )
        self.lam, self.order, self.l1_ratio = lam, order, l1_ratio
        self.reduction, self.mean = reduction, mean

    def forward(self, y, t, k, w=None):
        L = self.of_mean(self.mean(self.terms(y, t, k, w)))
        return with_dtype_of(L, y, t, k)

    def terms(self, y, t, k, w=None):
        """What is averaged over the samples: w_i ℓ_i (N, D), or w_i M(ℓ_i) (N,)."""
        empty = k.numel() == 0 and self.mean is mean_over_samples  # one of several workers may be
        if y.ndim != 1 or t.shape != y.shape or k.ndim < 2 or len(k) != len(y) or empty:
            shapes = ", ".join(str(tuple(a.shape)) for a in (y, t, k))
            raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
        e, F = widened(y) - widened(t), lai_factor(widened(k).flatten(1), self.lam, self.order)
        if self.reduction == "sample":
            # M(|e|^p F) = |e|^p M(F), and M has all derivatives at F, which is not 0
            F = self._M(F)
        w, e = (a if F.ndim == 1 or a is None else a[:, None] for a in (w, e))
        return times_power(F if w is None else w * F, e, self.order)

    def of_mean(self, c):
        """L of the mean of the terms, which may come from several parts of a batch."""
        return self._M(c) if self.reduction == "batch" else c

    def _M(self, c):
        # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
        limits = torch.finfo(c.dtype)
        m = c.detach().amax(dim=-1, keepdim=True).clamp(limits.tiny, limits.max)
        square = (c / m).square().sum(dim=-1)
        # autograd differentiates both sides of a `where`: √0 may not stand in either
        root = torch.where(square > 0, square, 1.0).sqrt()
        l2_norm = m[..., 0] * torch.where(square > 0, root, 0.0)
        return (1 - self.l1_ratio) * l2_norm + self.l1_ratio * c.sum(dim=-1)

    def get_extra_state(self):
        """The settings, for `state_dict`; `load_state_dict` restores them."""
        lam = self.lam.tolist() if hasattr(self.lam, "tolist") else self.lam
        kind = {"order": self.order, "l1_ratio": self.l1_ratio, "reduction": self.reduction}
        return {"lam": lam, **kind}

    def set_extra_state(self, state):
        vars(self).update(state)

    def extra_repr(self):
        return ", ".join(f"{name}={value!r}" for name, value in self.get_extra_state().items())


def with_input_gradient(model, x):
    """y (N,) and k = ∂y/∂x, of x's shape: ∂ Σ_j y_j/∂x_i is k_i if y_j depends on x_j alone.

    Under `no_grad` and `inference_mode` they have no graph. `model` is any function of x; inputs
    without slopes, such as categories, go into it: `lambda x: model(x, categories)`.
    """
    if _is_traced():
        y, pull = torch.func.vjp(model, x)
        _check_output(y, x)
        return y, pull(torch.ones_like(y))[0]
    with_graph = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        x = x.clone() if x.is_inference() else x  # autograd rejects such an x
        x = x if x.requires_grad and with_graph else x.detach().requires_grad_()
        y = model(x)
        _check_output(y, x)
        k = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=with_graph)[0]
    return (y, k) if with_graph else (y.detach(), k)


def widened(a):
    """Half precision as float32, in which sums and squares have room."""
    return a.to(torch.promote_types(a.dtype, torch.float32))


def with_dtype_of(L, *inputs):
    """L in the dtype that nn.MSELoss would give for these inputs: float32 under autocast."""
    device = L.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return L
    return L.to(reduce(torch.promote_types, (a.dtype for a in inputs)))


def times_power(a, e, order):
    """a |e|^p. The second derivative of |e| |e| at e = 0 would be 0, and e² alone may overflow."""
    return a * e.abs() if order == 1 else a * e * e


def _check_output(y, x):
    if y.ndim != 1 or len(y) != len(x):
        raise ValueError(
            f"model: expected one output per sample, of shape ({len(x)},), got {tuple(y.shape)}. "
            "Flatten (N, 1); for several outputs add a loss for each, of lambda x: model(x)[:, j]"
        )


def _is_traced():
    """Inside torch.compile or torch.func: values are unknown, and autograd.grad raises."""
    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()


def _has_values_to_check(a):
    return not _is_traced() and (a.device.type == "cpu" or torch.is_anomaly_enabled())
