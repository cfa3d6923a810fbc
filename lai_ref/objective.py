"""The loss L of a batch as a function of the parameters, and its gradient θ̄ = ∂L/∂θ.

    network    θ, x → y, k = ∂y/∂x
    loss       y, t, k → L, ȳ = ∂L/∂y, k̄ = ∂L/∂k
    network    ȳ, k̄ → θ̄, by the double backward pass

The loss needs only y, t and k, not the network; the network needs only ȳ and k̄, not the loss. If a
loss does not depend on k, neither the input gradient nor the double backward pass is computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lai_ref.losses import Loss
from lai_ref.mlp import MLP, Layers
from lai_ref.support.chunks import Vjp, in_chunks, joined
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array, check_array, check_mask

GRADIENT_CHUNK = 1024  # samples per pass through the network


@ignores_error_state
def value_and_grad(net: MLP, theta: Array, x: Array, t: Array, loss: Loss) -> tuple[Any, Array]:
    """The loss of a batch, a scalar, and its gradient with respect to θ, (P,).

    Parameters
    ----------
    theta
        Parameters (P,).
    x, t
        Inputs (N, D) and targets (N,), finite.

    Raises
    ------
    ValueError
        Shapes that do not fit each other or the network, or an entry of x or t that is not finite.

    Examples
    --------
    >>> from lai_ref import MLP, Lai
    >>> value, grad = value_and_grad(
    ...     MLP((1, 1)), np.array([1.0, 0.0]), np.array([[3.0]]), np.array([1.0]), Lai(0.25))
    >>> float(value), grad.tolist()
    (8.0, [32.0, 8.0])
    """
    layers, x, t = _check_batch(net, theta, x, t)
    y, k, vjp = _network(net, layers, x, n_k=len(x) if loss.needs_k else 0)
    value, dy, dk = loss.evaluate(y, t, k if loss.needs_k else None)
    return value, vjp(dy, dk)  # net.double_backward, or net.backward without k̄


@ignores_error_state
def value_and_grad_mixed(
    net: MLP, theta: Array, x: Array, t: Array, plain: Loss, lai: Loss, lai_mask: npt.ArrayLike
) -> tuple[Any, Array]:
    """`value_and_grad` with one loss for some samples and another for the rest (paper §5, §6.1).

        L = (n_lai · lai + n_plain · plain) / N

    Each loss is computed over its own samples, and k only for those whose loss depends on it.

    Parameters
    ----------
    lai_mask
        Which samples get `lai`: (N,) bools.

    Raises
    ------
    ValueError
        As `value_and_grad`, or a mask that is not N bools.
    """
    layers, x, t = _check_batch(net, theta, x, t)
    lai_mask = check_mask("lai_mask", lai_mask, len(x))
    n_lai = int(np.count_nonzero(lai_mask))
    parts = [(lai, slice(0, n_lai)), (plain, slice(n_lai, len(x)))]
    parts = [(loss, rows) for loss, rows in parts if rows.start < rows.stop]
    if len(parts) == 2:
        # the samples of `lai` first: those whose k is needed are then the first n_k
        perm = np.concatenate([np.flatnonzero(lai_mask), np.flatnonzero(~lai_mask)])
        x, t = x[perm], t[perm]
    n_k = max(rows.stop if loss.needs_k else 0 for loss, rows in parts)
    y, k, vjp = _network(net, layers, x, n_k)
    value, dy, dk = _weighted_sum(parts, y, t, k)
    return value, vjp(dy, dk)


def _weighted_sum(
    parts: list[tuple[Loss, slice]], y: Array, t: Array, k: Array
) -> tuple[Any, Array, Array | None]:
    """L = Σ (n_part / N) · loss of the samples in the part, with ȳ and k̄."""
    value, dy, dk = 0.0, [], []
    for loss, rows in parts:
        k_part, weight = k[rows], (rows.stop - rows.start) / len(y)
        part, dy_part, dk_part = loss.evaluate(y[rows], t[rows], k_part if loss.needs_k else None)
        value = value + weight * part
        dy.append(weight * dy_part)
        if len(k_part):
            dk.append(np.zeros_like(k_part) if dk_part is None else weight * dk_part)
    return dy[0].dtype.type(value), joined(dy), joined(dk) if dk else None


def _network(net: MLP, layers: Layers, x: Array, n_k: int) -> tuple[Array, Array, Vjp]:
    """y (N,), k (n_k, D) of the first samples, and the vector-Jacobian product (VJP) ȳ, k̄ → θ̄.

    In chunks, if N is large.
    """

    def y_and_k(rows: slice) -> tuple[Array, Array, Vjp]:
        y, tape = net.forward_layers(layers, x[rows])
        n = min(n_k, rows.stop) - rows.start
        if n <= 0:
            return y, x[:0], lambda dy, dk: net.backward(tape, dy)
        k, k_tape = net.input_gradient(tape, n)
        return y, k, lambda dy, dk: net.double_backward(k_tape, dy, dk)

    return in_chunks(y_and_k, len(x), GRADIENT_CHUNK)


def _check_batch(net: MLP, theta: Array, x: Array, t: Array) -> tuple[Layers, Array, Array]:
    layers = net.unflatten(theta)
    x = check_array("x", x, ("N", net.sizes[0]))
    return layers, x, check_array("t", t, (len(x),))
