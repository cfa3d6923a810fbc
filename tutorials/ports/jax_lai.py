"""The Lai loss (arXiv 2405.07884) for JAX. Copy this file into your project.

With y = f(x; θ), e = y − t, k = ∂y/∂x, p = `order` (1: MAE, 2: MSE) and ρ = `l1_ratio`:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
    L = M(mean_i ℓ_i)  or  mean_i M(ℓ_i),                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁

    y, k = with_input_gradient(f, params, x)  # f(params, x_i) is a number
    lai_loss(y, t, k, lam=0.1)  # y and t are (N,), k is (N, D)
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

MEAN = partial(jnp.mean, axis=0)  # over the samples; of a batch spread over devices, over all


def _factor_and_derivative(k, lam, order):
    clamp = 2.0 ** (30 if k.dtype == jnp.float64 else 13)  # from there on, 1 + k² is k²
    abs_k = jnp.abs(k)
    k_clamped, tail_scale = jnp.minimum(abs_k, clamp), clamp / jnp.maximum(abs_k, clamp)
    # |sin φ| = k_clamped/√d, cos φ = tail_scale/√d for φ = atan k: no overflow
    d = 1 + k_clamped * k_clamped
    low, high = jnp.minimum(lam, 1), jnp.maximum(lam, 1)
    # F' = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1), each side of
    # the kink in an order in which nothing leaves the range of floats before the result does
    if order == 1:
        root = jnp.sqrt(d)
        F = jnp.maximum(k_clamped / root / low, high * tail_scale / root)
        above, below = 1 / (d * root) / low * tail_scale, k_clamped / (d * root) * high
    else:
        F = jnp.maximum(k_clamped / d / low * k_clamped, high * tail_scale / d * tail_scale)
        steep = 2 * k_clamped / (d * d)
        above, below = steep / low * tail_scale, steep * high * tail_scale
    above, below = above * tail_scale * tail_scale, below * tail_scale * tail_scale
    # u = H(|k|^p − λ), ½ at the kink: the midpoint of the derivatives on both sides
    dF = jnp.where(abs_k**order > lam, above, -below)
    dF = jnp.where(abs_k**order == lam, (above - below) / 2, dF)
    return F, jnp.sign(k) * dF


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def _factor(k, lam, order):
    return _factor_and_derivative(k, lam, order)[0]


@_factor.defjvp
def _factor_jvp(order, k_and_lam, tangents):
    """F' by hand: jax's derivative of k/√(1 + k²) loses digits where |k| is large."""
    F, dF = _factor_and_derivative(*k_and_lam, order)
    return F, dF * tangents[0]


def check(k, lam, order):
    """Reject arguments without a Lai loss. Values that jax.jit or jax.grad traces go unchecked."""
    if order not in (1, 2) or (np.ndim(lam) and np.shape(lam) != k.shape[-1:]):
        raise ValueError(f"expected order 1 or 2, one λ or one per feature, got {order}, {lam}")
    k_known, lam_known = (not isinstance(a, jax.core.Tracer) for a in (k, lam))
    if lam_known and not (np.isfinite(lam) & (np.asarray(lam) > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if k_known and not np.isfinite(k).all():
        raise ValueError("k: expected finite numbers")


def lai_factor(k, lam=0.1, order=2):
    """F_p(k; λ) of slopes k (…, D); λ is one number or (D,), and is not differentiated."""
    check(k, lam, order)
    return _factor(k, jnp.asarray(lam, k.dtype), order)


def lai_loss(y, t, k, *, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", w=None, mean=MEAN):
    """The Lai loss of predictions y (N,), targets t (N,) and slopes k (N, D): a scalar.

    Weights w (N,) turn mean_i ℓ_i into mean_i w_i ℓ_i. `mean` takes (N, …) to (…).
    """
    if y.ndim != 1 or t.shape != y.shape or k.ndim != 2 or len(k) != len(y) or k.size == 0:
        shapes = ", ".join(str(a.shape) for a in (y, t, k))
        raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
    if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
        raise ValueError(f"l1_ratio {l1_ratio} not in [0, 1], or no such reduction: {reduction}")

    def M(c):
        # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
        m = jax.lax.stop_gradient(c.max(axis=-1, keepdims=True))
        m = jnp.where((m > 0) & jnp.isfinite(m), m, 1)
        square = ((c / m) ** 2).sum(axis=-1)
        # jax differentiates both sides of a `where`: √0 may not stand in either
        l2_norm = m[..., 0] * jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
        return (1 - l1_ratio) * l2_norm + l1_ratio * c.sum(axis=-1)

    # ℓ_ij = |e_i|^p F_p(k_ij; λ_j), one |e| after the other: |e|² alone may overflow
    abs_e = jnp.abs(y - t)[:, None]
    ell = lai_factor(k, lam, order) * abs_e
    ell = ell * abs_e if order == 2 else ell
    ell = ell if w is None else w[:, None] * ell
    return M(mean(ell)) if reduction == "batch" else mean(M(ell))


def with_input_gradient(f, params, x):
    """y (N,) and k = ∂y/∂x (N, D), for a function f(params, x_i) of one x_i (D,)."""
    return jax.vmap(jax.value_and_grad(f, argnums=1), in_axes=(None, 0))(params, x)
