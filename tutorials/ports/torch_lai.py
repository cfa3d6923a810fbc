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

    Their derivatives cos³ φ and −sin φ cos² φ are in closed form: autograd's derivative of
    k/√(1 + k²) loses digits for large |k|. They are products of the outputs, so autograd can derive
    all higher derivatives. Forward mode raises an error.
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
    """F_p(k; λ) of an input gradient k (…, D), in the dtype of k; λ is one number or (D,).

    F of a half-precision k is computed in float32. Values on the CPU are checked. On a GPU a check
    would wait for the device; there `torch.autograd.detect_anomaly()` enables the checks.
    """
    wide = widened(k)
    lam = torch.as_tensor(lam, dtype=wide.dtype)
    if order not in (1, 2) or (lam.ndim and lam.shape != k.shape[-1:]):
        raise ValueError(f"order, lam: expected 1 or 2, a number or (D,), got {order}, {lam}")
    if _has_values_to_check(lam) and not (lam.isfinite() & (lam > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if _has_values_to_check(k) and not k.isfinite().all():
        raise ValueError("k: expected finite numbers")
    lam = lam.to(k.device, non_blocking=True)
    low, high = lam.clamp(max=1), lam.clamp(min=1)
    # step by step: a product of two of the factors may overflow or underflow
    sin, cos = _SinCos.apply(wide)
    above = sin.abs() / low if order == 1 else sin / low * sin
    below = high * cos if order == 1 else high * cos * cos
    # u = H(|k|^p − λ), H(0) = ½: at the kink each derivative is the mean of the one-sided ones
    u = (1 + torch.sign(wide.detach().abs() ** order - lam)) / 2
    return with_dtype_of(u * above + (1 - u) * below, k)


def mean_over_samples(a):
    return a.mean(dim=0)


class LaiLoss(nn.Module):
    """The Lai loss of predictions y (N,), targets t (N,) and input gradients k (N, D): a scalar.

    All axes of k after the first are flattened. Weights w (N,) turn mean_i ℓ_i into mean_i w_i ℓ_i.
    `mean` averages (N, …) over the samples; in data parallel training, over those of all workers.
    Second derivatives exist except at kinks and where the whole loss is 0.
    """

    def __init__(self, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", mean=mean_over_samples):
        super().__init__()
        if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
            expected, got = "0 to 1, 'batch' or 'sample'", f"{l1_ratio}, {reduction!r}"
            raise ValueError(f"l1_ratio, reduction: expected {expected}, got {got}")
        self.lam, self.order, self.l1_ratio = lam, order, l1_ratio
        self.reduction, self.mean = reduction, mean

    def forward(self, y, t, k, w=None):
        L = self.of_mean(self.mean(self.terms(y, t, k, w)))
        return with_dtype_of(L, y, t, k)

    def terms(self, y, t, k, w=None):
        """The terms that `mean` averages: w_i ℓ_i (N, D); for "sample", w_i M(ℓ_i) (N,)."""
        if w is not None and w.shape != y.shape:
            raise ValueError(f"w: expected the shape of y, {tuple(y.shape)}, got {tuple(w.shape)}")
        empty = k.numel() == 0 and self.mean is mean_over_samples  # a worker's shard may be
        if y.ndim != 1 or t.shape != y.shape or k.ndim < 2 or len(k) != len(y) or empty:
            shapes = ", ".join(str(tuple(a.shape)) for a in (y, t, k))
            raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
        e, F = widened(y) - widened(t), lai_factor(widened(k).flatten(1), self.lam, self.order)
        if self.reduction == "sample":
            # M(|e|^p F) = |e|^p M(F), and M has all derivatives at F, since F > 0
            F = self._M(F)
        w, e = (a if F.ndim == 1 or a is None else a[:, None] for a in (w, e))
        return times_power(F if w is None else w * F, e, self.order)

    def of_mean(self, c):
        """L from c, the mean of the terms, which may be summed over micro-batches."""
        return self._M(c) if self.reduction == "batch" else c

    def _M(self, c):
        # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
        tiny = torch.finfo(c.dtype).tiny
        m = c.detach().amax(dim=-1, keepdim=True).clamp(tiny, 1 / tiny)  # 1/m is finite
        square = (c / m).square().sum(dim=-1)
        # autograd differentiates both branches of a `where`: neither may contain √0
        root = torch.where(square > 0, square, 1.0).sqrt()
        l2_norm = m[..., 0] * torch.where(square > 0, root, 0.0)
        if self.l1_ratio == 0:
            return l2_norm  # ‖c‖₁ may overflow where ‖c‖₂ does not
        return (1 - self.l1_ratio) * l2_norm + self.l1_ratio * c.sum(dim=-1)

    def get_extra_state(self):
        """The settings, which `state_dict` saves and `load_state_dict` restores."""
        lam = self.lam.tolist() if hasattr(self.lam, "tolist") else self.lam
        kind = {"order": self.order, "l1_ratio": self.l1_ratio, "reduction": self.reduction}
        return {"lam": lam, **kind}

    def set_extra_state(self, state):
        tensors = {**self._parameters, **self._buffers}  # torch loads a λ in these
        vars(self).update({name: value for name, value in state.items() if name not in tensors})

    def extra_repr(self):
        return ", ".join(f"{name}={value!r}" for name, value in self.get_extra_state().items())


def with_input_gradient(model, x):
    """y (N,) and k = ∂y/∂x, with the shape of x, computed as k_i = ∂ Σ_j y_j/∂x_i.

    This is right only if y_j depends on x_j alone. Under `no_grad` and `inference_mode` y and k
    have no graph. `model` is any function of x; pass it inputs that are not differentiated, such as
    categories, by a closure: `lambda x: model(x, categories)`.
    """
    if _is_traced():
        y, pull = torch.func.vjp(model, x)
        _check_output(y, x)
        return y, pull(torch.ones_like(y))[0]
    with_graph = torch.is_grad_enabled()
    with torch.inference_mode(False), torch.enable_grad():
        x = x.clone() if x.is_inference() else x  # autograd rejects such an x
        x = x if x.requires_grad and with_graph else x.detach().requires_grad_()
        version = x._version
        y = model(x)
        _check_output(y, x)
        if x._version != version:
            advice = "pass lambda x: model(x.clone())"
            raise ValueError(f"model: expected x unchanged, got x changed in place; {advice}")
        k = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=with_graph)[0]
    return (y, k) if with_graph else (y.detach(), k)


def widened(a):
    """Half precision converted to float32, for the range and digits of sums and squares."""
    return a.to(torch.promote_types(a.dtype, torch.float32))


def with_dtype_of(L, *inputs):
    """L in the dtype that nn.MSELoss would return for these inputs: float32 under autocast."""
    device = L.device.type
    if torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device):
        return L
    dtype = reduce(torch.promote_types, (a.dtype for a in inputs))
    return L.to(dtype) if dtype.is_floating_point else L


def times_power(a, e, order):
    """a |e|^p. For p = 2: autograd's (|e| |e|)'' is 0 at e = 0, and e² alone may overflow."""
    return a * e.abs() if order == 1 else a * e * e


def _check_output(y, x):
    shape = tuple(y.shape) if torch.is_tensor(y) else type(y).__name__
    if shape != (len(x),):
        raise ValueError(
            f"model: expected one output per sample, a tensor ({len(x)},), got {shape}. Flatten "
            "(N, 1); for several outputs add one loss per output, of lambda x: model(x)[:, j]"
        )


def _is_traced():
    """Whether torch.compile, torch.func or forward mode is active: there `autograd.grad` fails."""
    if torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return True
    return torch.autograd.forward_ad._current_level >= 0


def _has_values_to_check(a):
    return not _is_traced() and (a.device.type == "cpu" or torch.is_anomaly_enabled())
