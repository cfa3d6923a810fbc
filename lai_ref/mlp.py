"""The network, by hand: y(x; θ), its input gradient k = ∂y/∂x, and the derivatives of both.

A multilayer perceptron with one output; layer l has weights W_l of shape (fan_in, fan_out) and
biases b_l, all of them views of one flat vector θ. Every array below carries the samples first.

    forward          a_0 = x;  z_l = a_(l−1) W_l + b_l;  a_l = f(z_l);  y = z_L
    input gradient   v_(L−1) = w_L;  u_l = v_l ⊙ f'(z_l);  v_(l−1) = u_l W_lᵀ;  k = v_0

Backpropagation turns ȳ, the derivative of some scalar with respect to y, into θ̄. A scalar that
depends on k as well has a second seed, k̄, and *double backpropagation* (Drucker & LeCun 1991)
undoes both computations, last one first:

    up    v̄_0 = k̄;  ū_l = v̄_(l−1) W_l;  W̄_l += v̄_(l−1)ᵀ u_l;
          v̄_l = ū_l ⊙ f'(z_l);  z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  w̄_L += Σ_i v̄_(L−1)
    down  z̄_L = ȳ;  W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += Σ_i z̄_l;
          ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))

The f'' term is the one that is easily forgotten: it carries how the slope of each unit changes
when its input does. For relu it is zero, so that a test on relu alone passes without it.

In code layer l is at place h = l − 1 of each list, but a_l at place l, since `a` begins with a_0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from lai_ref.activations import ACTIVATIONS
from lai_ref.support.chunks import chunks
from lai_ref.support.validation import (
    FLOATS,
    Array,
    check_array,
    check_choice,
    check_int,
    check_shape,
)

Layers: TypeAlias = list[tuple[Array, Array]]  # W_l (fan_in, fan_out), b_l (fan_out,), l = 1 … L
PREDICT_CHUNK = 4096  # rows of x that `predict` holds intermediate values of at one time


class Tape(NamedTuple):
    """What `forward` computed on the way, for the way back."""

    layers: Layers
    a: list[Array]  # a_0 = x … a_(L−1), each (N, width)
    z: list[Array]  # z_1 … z_(L−1), each (N, width)


class InputGradientTape(NamedTuple):
    """What `input_gradient` computed on the way, and the tape of `forward` below it."""

    tape: Tape
    n_samples: int  # how many of the N samples the input gradient was asked for, the first ones
    slope: list[Array]  # f'(z_1) … f'(z_(L−1)), each (N, width)
    u: list[Array]  # u_1 … u_(L−1), each (rows, width)
    v: list[Array]  # v_1 … v_(L−1), each (rows, width), v_(L−1) = w_L the same for all: (width,)


@dataclass(frozen=True)
class MLP:
    """The architecture: widths and activation; the parameters are a separate vector θ.

    Parameters
    ----------
    sizes
        D, hidden widths, 1. ``(D, 1)`` is a plain line.
    activation
        Of every hidden layer, by its name in `ACTIVATIONS`: ``tanh``, ``relu``, ``silu``, ….

    Raises
    ------
    ValueError
        Fewer than two sizes, one below 1, more than one output, or an unknown activation.

    Examples
    --------
    >>> net = MLP((2, 1))
    >>> y, tape = net.forward(np.array([3.0, -1.0, 0.5]), np.array([[1.0, 2.0]]))
    >>> k, gtape = net.input_gradient(tape)
    >>> y.tolist(), k.tolist()
    ([1.5], [[3.0, -1.0]])
    """

    sizes: Sequence[int]
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if not isinstance(self.sizes, Iterable):
            raise TypeError(f"sizes: expected (D, …, 1), got {self.sizes!r}")
        sizes = tuple(check_int("sizes", width, minimum=1) for width in self.sizes)
        if len(sizes) < 2 or sizes[-1] != 1:
            raise ValueError(f"sizes: expected (D, …, 1), got {sizes}")
        check_choice("activation", self.activation, ACTIVATIONS)
        object.__setattr__(self, "sizes", sizes)

    @cached_property
    def n_params(self) -> int:
        """P, the length of θ."""
        return sum((rows + 1) * columns for rows, columns in pairwise(self.sizes))

    def init(self, rng: np.random.Generator, dtype: npt.DTypeLike = np.float64) -> Array:
        """A fresh θ (P,): W ~ N(0, gain/fan_in), b = 0 (LeCun 1998; He et al. 2015 for relu)."""
        if np.dtype(dtype).char not in FLOATS:
            raise TypeError(f"dtype: expected float32, float64 or complex128, got {dtype!r}")
        gain = ACTIVATIONS[self.activation].gain
        theta = np.zeros(self.n_params)
        for W, _ in self.unflatten(theta):
            W[:] = rng.standard_normal(W.shape) * np.sqrt(gain / W.shape[0])
        return theta.astype(dtype)

    def unflatten(self, theta: Array) -> Layers:
        """The layers [(W_1, b_1), …, (W_L, b_L)] as views of θ (P,), in that order, row by row."""
        theta = check_shape("theta", theta, (self.n_params,))
        layers, end = [], 0
        for rows, columns in pairwise(self.sizes):
            start, middle = end, end + rows * columns
            end = middle + columns
            layers.append((theta[start:middle].reshape(rows, columns), theta[middle:end]))
        return layers

    def forward(self, theta: Array, x: Array) -> tuple[Array, Tape]:
        """Predictions y (N,) of x (N, D), and the tape that the other methods take.

        Raises
        ------
        ValueError
            A θ that is not (P,), an x that is not (N, D), not finite, or empty.
        """
        layers = self.unflatten(theta)
        return self.evaluate(layers, check_array("x", x, ("N", self.sizes[0])))

    def evaluate(self, layers: Layers, x: Array) -> tuple[Array, Tape]:
        """As `forward`, for layers and inputs that have been checked before."""
        f = ACTIVATIONS[self.activation].f
        a, z = [x], []
        for W, b in layers[:-1]:
            # z_l = a_(l−1) W_l + b_l;  a_l = f(z_l)
            z.append(a[-1] @ W)
            z[-1] += b
            a.append(f(z[-1]))
        # y = z_L
        W, b = layers[-1]
        return (a[-1] @ W + b)[:, 0], Tape(layers, a, z)

    def predict(self, theta: Array, x: Array) -> Array:
        """Predictions y (N,) of x (N, D), computed at most `PREDICT_CHUNK` samples at a time."""
        layers = self.unflatten(theta)
        x = check_array("x", x, ("N", self.sizes[0]))
        parts = [self.evaluate(layers, x[rows])[0] for rows in chunks(len(x), PREDICT_CHUNK)]
        return np.concatenate(parts)

    def input_gradient(
        self, tape: Tape, n_samples: int | None = None
    ) -> tuple[Array, InputGradientTape]:
        """k = ∂y/∂x (N, D) for the inputs on the tape, and the tape for `double_backward`.

        With `n_samples`, k is (n_samples, D), for the first so many of the inputs.

        Raises
        ------
        ValueError
            More `n_samples` than there are, or none.
        """
        n = len(tape.a[0]) if n_samples is None else n_samples
        if not 0 < n <= len(tape.a[0]):
            raise ValueError(f"n_samples: expected 1 to {len(tape.a[0])} (all of x), got {n}")
        slope = self._slopes(tape)
        u, v = [np.empty(0)] * len(tape.z), [np.empty(0)] * len(tape.z)

        # v_(L−1) = w_L
        back = tape.layers[-1][0][:, 0]
        for h in reversed(range(len(tape.z))):
            v[h] = back
            # u_l = v_l ⊙ f'(z_l)
            u[h] = v[h] * slope[h][:n]
            # v_(l−1) = u_l W_lᵀ
            back = u[h] @ tape.layers[h][0].T
        # k = v_0; a plain line has the same slope everywhere
        k = back if tape.z else np.tile(back, (n, 1))
        return k, InputGradientTape(tape, n, slope, u, v)

    def backward(self, tape: Tape, dy: Array) -> Array:
        """θ̄ (P,) of a scalar whose derivative with respect to y is `dy` (N,)."""
        return self._down(tape, self._slopes(tape), dy, [])[0]

    def double_backward(self, gtape: InputGradientTape, dy: Array, dk: Array) -> Array:
        """θ̄ (P,) of a scalar with the derivatives `dy` (N,) and `dk` (N, D) for y and k.

        `dk` is as long as k, so (n_samples, D) where `input_gradient` was given `n_samples`.
        """
        f = ACTIVATIONS[self.activation]
        tape, n, slope, u, v = gtape
        # up: v̄_0 = k̄
        dv, dz_up, dW_up = check_shape("dk", dk, (n, self.sizes[0])), [], []
        for h in range(len(tape.z)):
            # W̄_l += v̄_(l−1)ᵀ u_l
            dW_up.append(dv.T @ u[h])
            # ū_l = v̄_(l−1) W_l
            du = dv @ tape.layers[h][0]
            # v̄_l = ū_l ⊙ f'(z_l)
            dv = du * slope[h][:n]
            if f.has_d2f:
                # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l)
                du *= v[h]
                du *= f.d2f(tape.z[h][:n], tape.a[h + 1][:n], slope[h][:n])
                dz_up.append(du)
        # w̄_L += Σ_i v̄_(L−1)
        dW_up.append(_sum(dv)[:, None])

        dy = check_shape("dy", dy, (len(tape.a[0]),))
        dy = dy.astype(np.result_type(dy, dk), copy=False)
        grad, dlayers = self._down(tape, slope, dy, dz_up)
        for (dW, _), up in zip(dlayers, dW_up, strict=True):
            dW += up
        return grad

    def _slopes(self, tape: Tape) -> list[Array]:
        f = ACTIVATIONS[self.activation]
        return [f.df(z, a) for z, a in zip(tape.z, tape.a[1:], strict=True)]

    def _down(
        self, tape: Tape, slope: list[Array], dy: Array, dz_up: list[Array]
    ) -> tuple[Array, Layers]:
        """θ̄ and its layers, back through the forward pass; `dz_up` is what `up` adds to z̄."""
        # z̄_L = ȳ
        dz = check_shape("dy", dy, (len(tape.a[0]),))[:, None]
        dtype = np.result_type(tape.layers[0][0], tape.a[0], dz, *dz_up)
        dz = dz.astype(dtype, copy=False)
        grad = np.empty(self.n_params, dtype)
        dlayers = self.unflatten(grad)
        for h in reversed(range(len(tape.layers))):
            dW, db = dlayers[h]
            # W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l += Σ_i z̄_l
            np.matmul(tape.a[h].T, dz, out=dW)
            db[:] = _sum(dz)
            if h > 0:
                # ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))
                dz = dz @ tape.layers[h][0].T
                dz *= slope[h - 1]
                if dz_up:
                    dz[: len(dz_up[h - 1])] += dz_up[h - 1]
        return grad, dlayers


def _sum(a: Array) -> Array:
    """Σ_i over the rows, as the product with ones: along short rows far faster than a sum."""
    total: Array = np.dot(np.ones(len(a), a.dtype), a)
    return total
