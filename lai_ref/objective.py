"""Loss and network joined: the value of a batch's loss and its derivative with respect to θ.

The loss sees y, t and k and returns ȳ and k̄; the network turns those two seeds into θ̄. Where the
loss does not look at k, neither the input gradient nor the double backward pass is computed.

Norms over all samples need y and k of the whole batch before there is any seed. A batch of more
than `GRADIENT_CHUNK` goes there in blocks, of which only y and k are kept, and comes back in
blocks, each computed again. So memory holds some (N, D) numbers and the tape of one block, and that
stays in the processor's cache, which in narrow networks saves more than the second computation
costs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.losses import Loss
from lai_ref.mlp import MLP, InputGradientTape, Layers, Tape
from lai_ref.support.chunks import chunks
from lai_ref.support.validation import Array, check_array

GRADIENT_CHUNK = 1024  # rows of x that go through the network at one time


def value_and_grad(net: MLP, theta: Array, x: Array, t: Array, loss: Loss) -> tuple[Any, Array]:
    """The loss of a batch, a scalar, and its derivative with respect to θ, (P,).

    Parameters
    ----------
    theta
        Parameters (P,).
    x, t
        Inputs (N, D) and targets (N,), finite.

    Raises
    ------
    ValueError
        Shapes that do not fit each other or the network, or an entry of x or t not finite.

    Examples
    --------
    >>> from lai_ref import MLP, Lai
    >>> value, grad = value_and_grad(
    ...     MLP((1, 1)), np.array([1.0, 0.0]), np.array([[3.0]]), np.array([1.0]), Lai(0.25))
    >>> float(value), grad.tolist()
    (8.0, [32.0, 8.0])
    """
    layers = net.unflatten(theta)
    x = check_array("x", x, ("N", net.sizes[0]))
    t = check_array("t", t, (len(x),))
    y, k, tape = _there(net, layers, x, len(x) if loss.needs_k else 0)
    value, dy, dk = loss.evaluate(y, t, k)
    return value, _back(net, layers, x, tape, dy, dk)


def value_and_grad_mixed(
    net: MLP, theta: Array, x: Array, t: Array, plain: Loss, lai: Loss, lai_mask: npt.ArrayLike
) -> tuple[Any, Array]:
    """One loss on some rows of a batch and another on the rest (paper §5, §6.1).

        L = (n_plain · plain + n_lai · lai) / n

    each loss taken over its own rows. All rows go through the network together, and for the input
    gradient only those whose loss looks at k.

    Parameters
    ----------
    lai_mask
        Which rows of x get `lai`: a mask (N,) of bools.

    Raises
    ------
    ValueError
        As `value_and_grad`, or a mask that is not N bools.
    """
    layers = net.unflatten(theta)
    x = check_array("x", x, ("N", net.sizes[0]))
    t = check_array("t", t, (len(x),))
    try:
        rows = np.asarray(lai_mask)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"lai_mask: expected a mask of {len(x)} bools, got {error}") from None
    if rows.dtype != np.bool_ or rows.shape != t.shape:
        raise ValueError(
            f"lai_mask: expected a mask of {len(x)} bools, got {rows.dtype} of shape {rows.shape}"
        )
    n, n_lai = len(rows), int(np.count_nonzero(rows))
    if n_lai == 0:
        return value_and_grad(net, theta, x, t, plain)
    if n_lai == n:
        return value_and_grad(net, theta, x, t, lai)
    # the rows whose loss looks at k first, so that these are the first so many of each block
    first, second, m = lai, plain, n_lai
    if plain.needs_k and not lai.needs_k:
        first, second, m, rows = plain, lai, n - n_lai, ~rows
    order = np.concatenate([np.flatnonzero(rows), np.flatnonzero(~rows)])
    x, t = x[order], t[order]

    y, k, tape = _there(net, layers, x, n if second.needs_k else m if first.needs_k else 0)
    value, dy, dk = first.evaluate(y[:m], t[:m], k[:m] if first.needs_k else None)
    other, dy_other, dk_other = second.evaluate(y[m:], t[m:], k[m:] if second.needs_k else None)
    # L = (m · first + (n − m) · second) / n, and so are the seeds, which have no rows in common
    share, rest = m / n, (n - m) / n
    value = (share * value + rest * other).astype(value.dtype)
    dy = np.concatenate([share * dy, rest * dy_other])
    if dk is not None:
        dk = share * dk if dk_other is None else np.concatenate([share * dk, rest * dk_other])
    return value, _back(net, layers, x, tape, dy, dk)


def _there(
    net: MLP, layers: Layers, x: Array, n_k: int
) -> tuple[Array, Any, Tape | InputGradientTape]:
    """y (N,), k (n_k, D) of the first rows or None, and the tape of the last block."""
    y, k = [], []
    for rows in chunks(len(x), GRADIENT_CHUNK):
        part, slopes, tape = _sweep(net, layers, x[rows], n_k - rows.start)
        y.append(part)
        if slopes is not None:
            k.append(slopes)
    return _joined(y), _joined(k) if k else None, tape


def _back(
    net: MLP, layers: Layers, x: Array, tape: Tape | InputGradientTape, dy: Array, dk: Array | None
) -> Array:
    """θ̄ (P,) from dy (N,) and dk (n_k, D) of the first rows; `tape` is the last block's."""
    n_k = 0 if dk is None else len(dk)
    *before, last = chunks(len(x), GRADIENT_CHUNK)
    grad = _pull(net, tape, last, dy, dk)
    for rows in before:
        _, _, tape = _sweep(net, layers, x[rows], n_k - rows.start)
        grad += _pull(net, tape, rows, dy, dk)
    return grad


def _sweep(
    net: MLP, layers: Layers, x: Array, n_k: int
) -> tuple[Array, Array | None, Tape | InputGradientTape]:
    """One block there: y, and k of the first n_k rows if there are any."""
    y, tape = net.evaluate(layers, x)
    if n_k <= 0:
        return y, None, tape
    return y, *net.input_gradient(tape, min(n_k, len(x)))


def _pull(net: MLP, tape: Any, rows: slice, dy: Array, dk: Any) -> Array:
    """One block back: what its rows add to θ̄."""
    if isinstance(tape, InputGradientTape):
        return net.double_backward(tape, dy[rows], dk[rows])
    return net.backward(tape, dy[rows])


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
