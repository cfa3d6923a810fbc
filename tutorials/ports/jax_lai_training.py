"""Lai Training (arXiv 2405.07884, §5) for JAX. Copy this file beside `jax_lai.py`.

An epoch of Lai Training (§5), after pretraining with α = 0:

    grad = jax.jit(jax.grad(partial(batch_loss, f, loss=partial(lai_loss, lam=0.1))))
    for rows, lai_mask in lai_batches(rng, len(x), batch_size=64, alpha=0.01):
        grads = grad(params, x[rows], t[rows], lai_mask)
        params, state = adam_step(params, grads, state)
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from .jax_lai import float_dtype, mean_over_samples, times_power, widened, with_input_gradient


def batch_loss(f, params, x, t, lai_mask, *others, loss, order=None, mean=None):
    """The loss of a batch in Lai Training, (n_plain · mean |e|^p + n_lai · L)/n.

    L is `loss` of the samples in `lai_mask` (n,), which is None if there are none; the others have
    the plain loss |e|^p with p = `order`. Since M(w c) = w M(c), both parts are means over all n
    samples, with weights of 0 and 1. By default `order` and `mean` are those of `loss`, a partial.
    """
    settings = {"order": 2, "mean": mean_over_samples} | getattr(loss, "keywords", {})
    order, mean = order or settings["order"], mean or settings["mean"]
    if lai_mask is None:
        y, k = jax.vmap(f, (None, 0, *(0 for _ in others)))(params, x, *others), None
    else:
        y, k = with_input_gradient(f, params, x, *others)
    if y.shape != t.shape or t.ndim != 1:
        raise ValueError(f"y, t: expected (N,), got {y.shape} and {t.shape}")
    e, dtype = widened(y) - widened(t), float_dtype(y, t)
    if lai_mask is None:
        return mean(times_power(1, e, order)).astype(dtype)
    w = jnp.asarray(lai_mask, e.dtype)
    L = mean(times_power(1 - w, e, order)) + loss(y, t, k, w=w, mean=mean)
    return L.astype(dtype)


def adam_step(params, grads, state, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    """One step of Adam (Kingma & Ba, 2015, Algorithm 1); the state is (steps taken, m, v)."""
    t, m, v = state[0] + 1, *state[1:]
    m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, grads)
    v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, grads)

    def updated(theta, m, v):
        return theta - lr * (m / (1 - beta1**t)) / (jnp.sqrt(v / (1 - beta2**t)) + eps)

    return jax.tree.map(updated, params, m, v), (t, m, v)


def lai_batches(rng, n, batch_size, alpha, sampling="batches"):
    """The batches of an epoch: a list of (rows, lai_mask), with None for a mask that is all False.

    The samples in `lai_mask` get the Lai loss. α is the fraction of the batches ("batches", §5),
    the probability of each sample ("points", §6.1), or the fraction of samples that make one batch
    of their own after the others ("separate").
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected a fraction from 0 to 1, got {alpha}")
    perm, n_plain = rng.permutation(n), n
    if sampling == "points":
        lai_mask = rng.random(n) < alpha
    elif sampling == "separate":
        # ⌈α n⌉ samples; in doubles 0.07 · 100 exceeds 7: the factor removes this rounding error
        n_plain = n - math.ceil(alpha * n * (1 - 2**-52))
        lai_mask = np.arange(n) >= n_plain
    elif sampling == "batches":  # ⌊α B⌋ of B batches, and one more with probability α B − ⌊α B⌋
        n_batches = math.ceil(n / batch_size)
        count = int(alpha * n_batches + rng.random())
        lai_mask = np.repeat(rng.permutation(n_batches) < count, batch_size)[:n]
    else:
        expected = "'batches', 'points' or 'separate'"
        raise ValueError(f"sampling: expected {expected}, got {sampling!r}")
    cuts = [*range(batch_size, n_plain, batch_size), *([n_plain] if 0 < n_plain < n else [])]
    masks = [mask if mask.any() else None for mask in np.split(lai_mask, cuts)]
    return list(zip(np.split(perm, cuts), masks, strict=True))
