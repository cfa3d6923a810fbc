"""The Lai loss (arXiv 2405.07884) for JAX. Copy this file into your project.

With y = f(x; θ), e = y − t, k = ∂y/∂x, p = `order` (1: MAE, 2: MSE) and ρ = `l1_ratio`:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
    L = M(mean_i ℓ_i)  or  mean_i M(ℓ_i),                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁

    def value(params):  # f(params, x_i) is a number
        y, k = with_input_gradient(f, params, x)  # y (N,), k (N, D)
        return lai_loss(y, t, k, lam=0.1)

    grads = jax.grad(value)(params)
"""

import jax
import jax.numpy as jnp
import numpy as np


@jax.custom_jvp
def _sin_cos(k):
    """sin φ = k/√(1 + k²) and cos φ = 1/√(1 + k²), for φ = atan k.

    Their derivatives are by hand, since jax's of k/√(1 + k²) loses digits where |k| is large. They
    are cos³ φ and −sin φ cos² φ, products of the outputs, so jax finds all further ones.
    """
    r = jnp.hypot(k, 1)  # k² alone may overflow
    return k / r, 1 / r


@_sin_cos.defjvp
def _sin_cos_jvp(primals, tangents):
    sin, cos = _sin_cos(*primals)
    (dk,) = tangents
    return (sin, cos), (cos * cos * cos * dk, -sin * cos * cos * dk)


def check(k, lam, order):
    """Raise ValueError for arguments without a Lai loss.

    Values that jax.jit or jax.grad traces are unknown and not checked. Those on an accelerator are
    not either: that would wait for it.
    """
    if order not in (1, 2) or (np.ndim(lam) and np.shape(lam) != k.shape[-1:]):
        raise ValueError(f"expected order 1 or 2, one λ or one per feature, got {order}, {lam}")
    if _has_values_to_check(lam) and not (np.isfinite(lam) & (np.asarray(lam) > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if _has_values_to_check(k) and not np.isfinite(k).all():
        raise ValueError("k: expected finite numbers")


def lai_factor(k, lam=0.1, order=2):
    """F_p(k; λ) of slopes k (…, D), of k's dtype; λ is one number or (D,).

    Half precision is computed in float32.
    """
    check(k, lam, order)
    wide = widened(k)
    lam = jnp.asarray(lam, wide.dtype)
    low, high = jnp.minimum(lam, 1), jnp.maximum(lam, 1)
    # one factor after the other: their product alone may leave the range of floats
    sin, cos = _sin_cos(wide)
    above = jnp.abs(sin) / low if order == 1 else sin / low * sin
    below = high * cos if order == 1 else high * cos * cos
    # u = H(|k|^p − λ), ½ at the kink: there all derivatives are the means of both sides'
    power, v = jax.lax.stop_gradient((jnp.abs(wide) ** order, lam))
    u = (1 + jnp.sign(power - v)) / 2
    return (u * above + (1 - u) * below).astype(k.dtype)


def mean_over_samples(a):
    return a.mean(axis=0)


def lai_loss(y, t, k, *, l1_ratio=0.0, reduction="batch", mean=mean_over_samples, **settings):
    """The Lai loss of predictions y (N,), targets t (N,) and slopes k (N, D): a scalar.

    Axes of k after the second are flattened. `settings` are `lam=0.1`, `order=2` and w, weights
    (N,) that turn mean_i ℓ_i into mean_i w_i ℓ_i. `mean` takes (N, …) to (…); of a batch that is
    spread over devices it is the mean over all.
    """
    c = mean(lai_terms(y, t, k, l1_ratio=l1_ratio, reduction=reduction, **settings))
    L = norm(c, l1_ratio) if reduction == "batch" else c
    return L.astype(jnp.result_type(y, t, k))


def lai_terms(y, t, k, *, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", w=None):
    """What is averaged over the samples: w_i ℓ_i (N, D), or w_i M(ℓ_i) (N,)."""
    if y.ndim != 1 or t.shape != y.shape or k.ndim < 2 or len(k) != len(y) or k.size == 0:
        shapes = ", ".join(str(a.shape) for a in (y, t, k))
        raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
    if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
        raise ValueError(f"l1_ratio {l1_ratio} not in [0, 1], or no such reduction: {reduction}")
    e, F = widened(y) - widened(t), lai_factor(widened(k).reshape(len(k), -1), lam, order)
    if reduction == "sample":
        # M(|e|^p F) = |e|^p M(F), and M has all derivatives at F, which is not 0
        F = norm(F, l1_ratio)
    w, e = (a if F.ndim == 1 or a is None else a[:, None] for a in (w, e))
    return times_power(F if w is None else w * F, e, order)


def norm(c, l1_ratio=0.0):
    """M(c) of c (…, D)."""
    # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
    limits = jnp.finfo(c.dtype)
    m = jax.lax.stop_gradient(c.max(axis=-1, keepdims=True)).clip(limits.tiny, limits.max)
    square = ((c / m) ** 2).sum(axis=-1)
    # jax differentiates both sides of a `where`: √0 may not stand in either
    root = jnp.sqrt(jnp.where(square > 0, square, 1))
    l2_norm = m[..., 0] * jnp.where(square > 0, root, 0)
    return (1 - l1_ratio) * l2_norm + l1_ratio * c.sum(axis=-1)


def with_input_gradient(f, params, x, *others):
    """y (N,) and k = ∂y/∂x, of x's shape, for a function f(params, x_i, …) with a number for y_i.

    `others` have no slopes, such as categories or the keys of a dropout, one for each sample.
    """

    def number(params, x_i, *others_i):
        y_i = f(params, x_i, *others_i)
        if jnp.shape(y_i) != ():
            raise ValueError(
                f"f: expected one number for x_i, got shape {jnp.shape(y_i)}. Take y_i[0] of (1,); "
                "for several outputs add a loss for each, of lambda *args: f(*args)[j]"
            )
        return y_i

    in_axes = (None, 0, *(0 for _ in others))
    return jax.vmap(jax.value_and_grad(number, argnums=1), in_axes)(params, x, *others)


def widened(a):
    """Half precision as float32, in which sums and squares have room."""
    a = jnp.asarray(a)
    return a.astype(jnp.promote_types(a.dtype, jnp.float32))


def times_power(a, e, order):
    """a |e|^p. jax's second derivative of |e| |e| at e = 0 is chance, and e² alone may overflow."""
    return a * jnp.abs(e) if order == 1 else a * e * e


def _has_values_to_check(a):
    if isinstance(a, jax.core.Tracer):
        return False
    return not isinstance(a, jax.Array) or all(d.platform == "cpu" for d in a.devices())
