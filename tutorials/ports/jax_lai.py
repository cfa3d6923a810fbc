"""The Lai loss (arXiv 2405.07884) for JAX. Copy this file into your project.

With y = f(x; θ), e = y − t, k = ∂y/∂x, p = `order` (1: MAE, 2: MSE) and ρ = `l1_ratio`:

    F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
    L = M(mean_i ℓ_i)  or  mean_i M(ℓ_i),                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁

    def value(params):  # f(params, x_i) returns a scalar
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

    Their derivatives cos³ φ and −sin φ cos² φ are in closed form: jax's derivative of k/√(1 + k²)
    loses digits for large |k|. They are products of the outputs, so jax can derive all higher ones.
    """
    r = jnp.hypot(k, 1)  # k² alone may overflow
    return k / r, 1 / r


@_sin_cos.defjvp
def _sin_cos_jvp(primals, tangents):
    sin, cos = _sin_cos(*primals)
    (dk,) = tangents
    return (sin, cos), (cos * cos * cos * dk, -sin * cos * cos * dk)


def check(k, lam, order):
    """Raise ValueError for arguments for which the Lai loss is not defined.

    Values that jax.jit or jax.grad traces are unknown and not checked. Values on an accelerator are
    not checked either: a check would wait for the device.
    """
    if order not in (1, 2) or (np.ndim(lam) and np.shape(lam) != k.shape[-1:]):
        raise ValueError(f"order, lam: expected 1 or 2, a number or (D,), got {order}, {lam}")
    if _has_values_to_check(lam) and not (np.isfinite(lam) & (np.asarray(lam) > 0)).all():
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if _has_values_to_check(k) and not np.isfinite(k).all():
        raise ValueError("k: expected finite numbers")


def lai_factor(k, lam=0.1, order=2):
    """F_p(k; λ) of an input gradient k (…, D), in the dtype of k; λ is one number or (D,).

    F of a half-precision k is computed in float32. Under jax.jit `order` must be static.
    """
    if isinstance(lam, (list, tuple)) and any(isinstance(v, jax.core.Tracer) for v in lam):
        lam = jnp.stack(lam)
    check(k, lam, order)
    wide = widened(k)
    lam = jnp.asarray(lam, wide.dtype)
    low, high = jnp.minimum(lam, 1), jnp.maximum(lam, 1)
    # step by step: a product of two of the factors may overflow or underflow
    sin, cos = _sin_cos(wide)
    above = jnp.abs(sin) / low if order == 1 else sin / low * sin
    below = high * cos if order == 1 else high * cos * cos
    # u = H(|k|^p − λ), H(0) = ½: at the kink each derivative is the mean of the one-sided ones
    power, v = jax.lax.stop_gradient((jnp.abs(wide) ** order, lam))
    u = (1 + jnp.sign(power - v)) / 2
    return (u * above + (1 - u) * below).astype(float_dtype(k))


def mean_over_samples(a):
    return a.mean(axis=0)


def lai_loss(y, t, k, *, l1_ratio=0.0, reduction="batch", mean=mean_over_samples, **settings):
    """The Lai loss of predictions y (N,), targets t (N,) and input gradients k (N, D): a scalar.

    All axes of k after the first are flattened. `settings` are `lam=0.1`, `order=2` and w, weights
    (N,) that turn mean_i ℓ_i into mean_i w_i ℓ_i. `mean` averages (N, …) over the samples; in data
    parallel training, over those of all devices. Second derivatives exist except at kinks and where
    the whole loss is 0. Under jax.jit all settings except `lam` and w must be static.
    """
    c = mean(lai_terms(y, t, k, l1_ratio=l1_ratio, reduction=reduction, **settings))
    return of_mean(c, l1_ratio=l1_ratio, reduction=reduction).astype(float_dtype(y, t, k))


def lai_terms(y, t, k, *, lam=0.1, order=2, l1_ratio=0.0, reduction="batch", w=None):
    """The terms that `mean` averages: w_i ℓ_i (N, D); for "sample", w_i M(ℓ_i) (N,)."""
    if w is not None and np.shape(w) != y.shape:
        raise ValueError(f"w: expected the shape of y, {y.shape}, got {np.shape(w)}")
    if y.ndim != 1 or t.shape != y.shape or k.ndim < 2 or k.shape[0] != y.shape[0] or 0 in k.shape:
        shapes = ", ".join(str(a.shape) for a in (y, t, k))
        raise ValueError(f"y, t, k: expected (N,), (N,), (N, D), got {shapes}")
    if not 0 <= l1_ratio <= 1 or reduction not in ("batch", "sample"):
        expected, got = "0 to 1, 'batch' or 'sample'", f"{l1_ratio}, {reduction!r}"
        raise ValueError(f"l1_ratio, reduction: expected {expected}, got {got}")
    e, F = widened(y) - widened(t), lai_factor(widened(k).reshape(k.shape[0], -1), lam, order)
    if reduction == "sample":
        # M(|e|^p F) = |e|^p M(F), and M has all derivatives at F, since F > 0
        F = norm(F, l1_ratio)
    w, e = (a if F.ndim == 1 or a is None else a[:, None] for a in (w, e))
    return times_power(F if w is None else w * F, e, order)


def of_mean(c, *, l1_ratio=0.0, reduction="batch"):
    """L from c, the mean of the terms, which may be summed over micro-batches."""
    return norm(c, l1_ratio) if reduction == "batch" else c


def norm(c, l1_ratio=0.0):
    """M(c) of c (…, D)."""
    # ‖c‖₂ = m ‖c/m‖₂ with m the largest entry: squares of c alone may overflow
    tiny = jnp.finfo(c.dtype).tiny
    m = jax.lax.stop_gradient(c.max(axis=-1, keepdims=True)).clip(tiny, 1 / tiny)  # 1/m is finite
    square = ((c / m) ** 2).sum(axis=-1)
    # jax differentiates both branches of a `where`: neither may contain √0
    root = jnp.sqrt(jnp.where(square > 0, square, 1))
    l2_norm = m[..., 0] * jnp.where(square > 0, root, 0)
    if l1_ratio == 0:
        return l2_norm  # ‖c‖₁ may overflow where ‖c‖₂ does not
    return (1 - l1_ratio) * l2_norm + l1_ratio * c.sum(axis=-1)


def with_input_gradient(f, params, x, *others):
    """y (N,) and k = ∂y/∂x, with the shape of x, for f(params, x_i, …) that returns a scalar y_i.

    `others` are inputs that are not differentiated, such as categories or dropout keys, one per
    sample.
    """

    def number(params, x_i, *others_i):
        y_i = f(params, x_i, *others_i)
        if jnp.shape(y_i) != ():
            raise ValueError(
                f"f: expected a scalar for x_i, got shape {jnp.shape(y_i)}. Take y_i[0] of (1,); "
                "for several outputs add one loss per output, of lambda *args: f(*args)[j]"
            )
        return y_i

    in_axes = (None, 0, *(0 for _ in others))
    return jax.vmap(jax.value_and_grad(number, argnums=1), in_axes)(params, x, *others)


def widened(a):
    """Half precision converted to float32, for the range and digits of sums and squares."""
    a = jnp.asarray(a)
    return a.astype(jnp.promote_types(a.dtype, jnp.float32))


def float_dtype(*arrays):
    """The dtype of a result: the promoted dtype of the arrays, or float32 if it is an integer."""
    dtype = jnp.result_type(*arrays)
    return dtype if jnp.issubdtype(dtype, jnp.floating) else jnp.dtype("float32")


def times_power(a, e, order):
    """a |e|^p. For p = 2: (|e| |e|)'' at 0 depends on jax's rule for abs, and e² may overflow."""
    return a * jnp.abs(e) if order == 1 else a * e * e


def _has_values_to_check(a):
    if isinstance(a, jax.core.Tracer):
        return False
    return not isinstance(a, jax.Array) or all(d.platform == "cpu" for d in a.devices())
