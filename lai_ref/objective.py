"""Loss and network joined: the value of a batch's loss and its derivative with respect to θ.

The loss sees y, t and k and returns ȳ and k̄; the network turns those two seeds into θ̄. Where the
loss does not look at k, neither the input gradient nor the double backward pass is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.arguments import Array, as_array
from lai_ref.losses import Loss
from lai_ref.mlp import MLP


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
    y, tape = net.forward(theta, x)
    t = as_array("t", t, (len(y),))
    if not loss.needs_k:
        value, dy, _ = loss.evaluate(y, t, None)
        return value, net.backward(tape, dy)
    k, gtape = net.input_gradient(tape)
    value, dy, dk = loss.evaluate(y, t, k)
    assert dk is not None  # for the type checker: a loss that needs k has a derivative for it
    return value, net.double_backward(gtape, dy, dk)


def value_and_grad_mixed(
    net: MLP, theta: Array, x: Array, t: Array, plain: Loss, lai: Loss, lai_rows: npt.ArrayLike
) -> tuple[Any, Array]:
    """One loss on some rows of a batch and another on the rest (paper §5, §6.1).

        L = (n_plain · plain + n_lai · lai) / n

    each loss taken over its own rows.

    Parameters
    ----------
    lai_rows
        Which rows of x get `lai`: a mask (N,) of bools.

    Raises
    ------
    ValueError
        As `value_and_grad`, or a mask that is not N bools.
    """
    x = as_array("x", x, ("N", net.sizes[0]))
    t = as_array("t", t, (len(x),))
    try:
        rows = np.asarray(lai_rows)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"lai_rows: expected a mask of {len(x)} bools, got {error}") from None
    if rows.dtype != np.bool_ or rows.shape != t.shape:
        raise ValueError(
            f"lai_rows: expected a mask of {len(x)} bools, got {rows.dtype} of shape {rows.shape}"
        )
    n, n_lai = len(rows), int(rows.sum())
    if n_lai == 0:
        return value_and_grad(net, theta, x, t, plain)
    if n_lai == n:
        return value_and_grad(net, theta, x, t, lai)
    lai_value, lai_grad = value_and_grad(net, theta, x[rows], t[rows], lai)
    value, grad = value_and_grad(net, theta, x[~rows], t[~rows], plain)
    # L = (n_plain · plain + n_lai · lai) / n
    share = n_lai / n
    return (1 - share) * value + share * lai_value, (1 - share) * grad + share * lai_grad
