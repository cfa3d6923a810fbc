"""Lai Training (arXiv 2405.07884, §5) for PyTorch. Copy this file beside `torch_lai.py`.

An epoch of Lai Training (§5), after pretraining with α = 0:

    for rows, lai_mask in lai_batches(len(x), batch_size=64, alpha=0.01):
        optimizer.zero_grad()
        batch_loss(model, x[rows], t[rows], lai_mask, loss).backward()
        optimizer.step()
"""

import math

import torch

from .torch_lai import times_power, widened, with_dtype_of, with_input_gradient


def batch_loss(model, x, t, lai_mask, loss, order=None):
    """The loss of a batch in Lai Training, (n_plain · mean |e|^p + n_lai · L)/n.

    L is `loss` of the samples in `lai_mask` (n,), which is None if there are none; the others have
    the plain loss |e|^p with p = `order`, by default that of `loss`. Since M(w c) = w M(c), both
    parts are means over all n samples, with weights of 0 and 1.
    """
    order = loss.order if order is None else order
    y, k = (model(x), None) if lai_mask is None else with_input_gradient(model, x)
    if y.shape != t.shape or t.ndim != 1:
        raise ValueError(f"y, t: expected (N,), got {tuple(y.shape)} and {tuple(t.shape)}")
    if lai_mask is None:
        return with_dtype_of(loss.mean(times_power(1, widened(y) - widened(t), order)), y, t)
    e = widened(y) - widened(t)
    w = lai_mask.to(e.dtype)
    L = loss.mean(times_power(1 - w, e, order)) + loss(y, t, k, w)
    return with_dtype_of(L, y, t)


def lai_batches(n, batch_size, alpha, sampling="batches", generator=None):
    """The batches of an epoch: a list of (rows, lai_mask), with None for a mask that is all False.

    The samples in `lai_mask` get the Lai loss. α is the fraction of the batches ("batches", §5),
    the probability of each sample ("points", §6.1), or the fraction of samples that make one batch
    of their own after the others ("separate").
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected a fraction from 0 to 1, got {alpha}")
    perm, n_plain = torch.randperm(n, generator=generator), n
    if sampling == "points":
        lai_mask = torch.rand(n, generator=generator) < alpha
    elif sampling == "separate":
        # ⌈α n⌉ samples; in doubles 0.07 · 100 exceeds 7: the factor removes this rounding error
        n_plain = n - math.ceil(alpha * n * (1 - 2**-52))
        lai_mask = torch.arange(n) >= n_plain
    elif sampling == "batches":  # ⌊α B⌋ of B batches, and one more with probability α B − ⌊α B⌋
        n_batches = math.ceil(n / batch_size)
        count = int(alpha * n_batches + torch.rand((), generator=generator).item())
        lai_mask = torch.randperm(n_batches, generator=generator) < count
        lai_mask = lai_mask.repeat_interleave(batch_size)[:n]
    else:
        expected = "'batches', 'points' or 'separate'"
        raise ValueError(f"sampling: expected {expected}, got {sampling!r}")
    sizes = [min(batch_size, n_plain - start) for start in range(0, n_plain, batch_size)]
    sizes += [n - n_plain] if n_plain < n else []
    masks = [mask if mask.any() else None for mask in lai_mask.split(sizes)]
    return list(zip(perm.split(sizes), masks, strict=True))
