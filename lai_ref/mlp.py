"""The network y(x; θ), its input gradient k = ∂y/∂x, and the gradients of both with respect to θ.

A multilayer perceptron with one output. Layer l = 1 … L has weights W_l (fan_in, fan_out) and
biases b_l, views of one flat vector θ; w_L is the one column of W_L. The samples are the first axis
of x, y, k, a, z, u and v. With v_l = ∂y/∂a_l and u_l = ∂y/∂z_l, for the hidden layers l < L:

    forward pass     a_0 = x;  z_l = a_(l−1) W_l + b_l;  a_l = f(z_l);  y = z_L
    input gradient   v_(L−1) = w_L;  u_l = v_l ⊙ f'(z_l);  v_(l−1) = u_l W_lᵀ;  k = v_0

Write q̄ for the adjoint of q, the derivative of a scalar with respect to q. Backpropagation turns ȳ
into θ̄. If the scalar depends on k as well, *double backpropagation* (Drucker & LeCun 1992)
reverses both computations, the last one first:

    reverse of the input gradient
          v̄_0 = k̄;  ū_l = v̄_(l−1) W_l;  W̄_l += v̄_(l−1)ᵀ u_l;
          v̄_l = ū_l ⊙ f'(z_l);  z̄_l += ū_l ⊙ v_l ⊙ f''(z_l);  w̄_L += Σ_i v̄_(L−1)
    reverse of the forward pass
          z̄_L = ȳ;  W̄_l += a_(l−1)ᵀ z̄_l;  b̄_l = Σ_i z̄_l;
          ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))

The f'' term is easily forgotten: k depends on z through f'(z). A test with relu alone, where f'' is
zero, passes without it. In code, layer l is entry h = l − 1 of each list, but a_l is entry l.
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
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import (
    Array,
    check_array,
    check_choice,
    check_dtype,
    check_int,
    check_rng,
    check_shape,
)

Layers: TypeAlias = list[tuple[Array, Array]]  # W_l (fan_in, fan_out), b_l (fan_out,), l = 1 … L
PREDICT_CHUNK = 4096  # samples per forward pass of `predict`; bounds its memory


class Tape(NamedTuple):
    """Intermediate values of `forward`, for the passes that reverse it."""

    layers: Layers
    a: list[Array]  # a_0 = x … a_(L−1), each (N, width)
    z: list[Array]  # z_1 … z_(L−1), each (N, width)


class InputGradientTape(NamedTuple):
    """Intermediate values of `input_gradient` for the first n of N samples."""

    tape: Tape  # of `forward`
    n: int
    df: list[Array]  # f'(z_1) … f'(z_(L−1)), each (N, width)
    u: list[Array]  # u_1 … u_(L−1), each (n, width)
    v: list[Array]  # v_1 … v_(L−1), each (n, width), but v_(L−1) = w_L (width,)


@dataclass(frozen=True)
class MLP:
    """The architecture: widths and activation. The parameters θ are an argument of its methods.

    Parameters
    ----------
    sizes
        D, hidden widths, 1. ``(D, 1)`` is a linear model.
    activation
        That of all hidden layers, by its name in `ACTIVATIONS`: ``tanh``, ``relu``, ``silu``, ….

    Raises
    ------
    ValueError, TypeError
        Fewer than two sizes, one below 1, more than one output, or an unknown activation.

    Examples
    --------
    >>> net = MLP((2, 1))
    >>> y, tape = net.forward(np.array([3.0, -1.0, 0.5]), np.array([[1.0, 2.0]]))
    >>> k, k_tape = net.input_gradient(tape)
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
        """Initial θ (P,): W ~ N(0, gain/fan_in), b = 0 (LeCun 1998; He et al. 2015 for relu)."""
        check_dtype("dtype", dtype)
        check_rng("rng", rng)
        gain = ACTIVATIONS[self.activation].gain
        theta = np.zeros(self.n_params)
        for W, _ in self.unflatten(theta):
            W[:] = rng.standard_normal(W.shape) * np.sqrt(gain / W.shape[0])
        return theta.astype(dtype)

    def unflatten(self, theta: Array) -> Layers:
        """The layers [(W_1, b_1), …, (W_L, b_L)] as views of θ (P,), in that order, row-major."""
        theta = check_shape("theta", theta, (self.n_params,))
        layers, end = [], 0
        for rows, columns in pairwise(self.sizes):
            start, middle = end, end + rows * columns
            end = middle + columns
            layers.append((theta[start:middle].reshape(rows, columns), theta[middle:end]))
        return layers

    @ignores_error_state
    def forward(self, theta: Array, x: Array) -> tuple[Array, Tape]:
        """Predictions y (N,) of x (N, D), and the tape that the other methods take.

        Raises
        ------
        ValueError
            A θ that is not (P,); an x that is not (N, D), not finite, or empty.
        """
        layers = self.unflatten(theta)
        return self.forward_layers(layers, check_array("x", x, ("N", self.sizes[0])))

    def forward_layers(self, layers: Layers, x: Array) -> tuple[Array, Tape]:
        """`forward`, for the layers of `unflatten` and inputs that have been checked."""
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

    @ignores_error_state
    def predict(self, theta: Array, x: Array) -> Array:
        """Predictions y (N,) of x (N, D), computed in chunks of `PREDICT_CHUNK` samples."""
        layers = self.unflatten(theta)
        x = check_array("x", x, ("N", self.sizes[0]))
        parts = chunks(len(x), PREDICT_CHUNK)
        return np.concatenate([self.forward_layers(layers, x[rows])[0] for rows in parts])

    @ignores_error_state
    def input_gradient(
        self, tape: Tape, n_samples: int | None = None
    ) -> tuple[Array, InputGradientTape]:
        """k = ∂y/∂x (N, D) for the inputs on the tape, and the tape for `double_backward`.

        With `n_samples`, from 1 to N, k is (n_samples, D), for the first samples alone:
        `value_and_grad_mixed` puts the samples first whose loss depends on k.
        """
        n = len(tape.a[0]) if n_samples is None else n_samples
        if not 0 < n <= len(tape.a[0]):
            raise ValueError(f"n_samples: expected 1 to {len(tape.a[0])} (all of x), got {n}")
        df, u, v = self._activation_derivatives(tape), [], []
        # v_(L−1) = w_L
        v_prev = tape.layers[-1][0][:, 0]
        for h in reversed(range(len(tape.z))):
            v.append(v_prev)
            # u_l = v_l ⊙ f'(z_l)
            u.append(v_prev * df[h][:n])
            # v_(l−1) = u_l W_lᵀ
            v_prev = u[-1] @ tape.layers[h][0].T
        # k = v_0; a linear model has the same k for all samples
        k = v_prev if tape.z else np.tile(v_prev, (n, 1))
        return k, InputGradientTape(tape, n, df, u[::-1], v[::-1])

    @ignores_error_state
    def backward(self, tape: Tape, dy: Array) -> Array:
        """Backpropagate: θ̄ (P,) of a scalar whose derivative with respect to y is `dy` (N,)."""
        dy = check_shape("dy", dy, (len(tape.a[0]),))
        return self._reverse_forward(tape, self._activation_derivatives(tape), dy, from_k=([], []))

    @ignores_error_state
    def double_backward(self, k_tape: InputGradientTape, dy: Array, dk: Array) -> Array:
        """θ̄ (P,) of a scalar whose derivatives with respect to y and k are `dy` (N,) and `dk`.

        `dk` has k's shape: (N, D), or (n_samples, D) if `input_gradient` was given `n_samples`.
        """
        dk = check_shape("dk", dk, (k_tape.n, self.sizes[0]))
        dy = check_shape("dy", dy, (len(k_tape.tape.a[0]),))
        # θ̄ gets dy's dtype, and contains the terms from k̄, which may be complex (complex step)
        dy = dy.astype(np.result_type(dy, dk), copy=False)
        from_k = self._reverse_input_gradient(k_tape, dk)
        return self._reverse_forward(k_tape.tape, k_tape.df, dy, from_k)

    def _reverse_input_gradient(
        self, k_tape: InputGradientTape, dk: Array
    ) -> tuple[list[Array], list[Array]]:
        """The terms from k̄ in W̄_1 … w̄_L and in z̄_1 … z̄_(L−1); the second is [] for f'' = 0."""
        activation = ACTIVATIONS[self.activation]
        tape, n, df, u, v = k_tape
        # v̄_0 = k̄
        dv, dW, dz = dk, [], []
        for h in range(len(tape.z)):
            # W̄_l += v̄_(l−1)ᵀ u_l
            dW.append(dv.T @ u[h])
            # ū_l = v̄_(l−1) W_l
            du = dv @ tape.layers[h][0]
            # v̄_l = ū_l ⊙ f'(z_l)
            dv = du * df[h][:n]
            if activation.has_d2f:
                # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l), in place of ū_l
                du *= v[h]
                du *= activation.d2f(tape.z[h][:n], tape.a[h + 1][:n], df[h][:n])
                dz.append(du)
        # w̄_L += Σ_i v̄_(L−1)
        dW.append(_sum(dv)[:, None])
        return dW, dz

    def _reverse_forward(
        self, tape: Tape, df: list[Array], dy: Array, from_k: tuple[list[Array], list[Array]]
    ) -> Array:
        """θ̄ (P,) from ȳ (N,) and the terms from k̄ in W̄ and z̄."""
        dW_from_k, dz_from_k = from_k
        dtype = np.result_type(tape.layers[0][0], tape.a[0], dy)
        grad = np.empty(self.n_params, dtype)
        # z̄_L = ȳ
        dz = dy[:, None].astype(dtype, copy=False)
        # l = L … 1; dW and db are views of `grad`, which the loop fills
        for h, (dW, db) in reversed([*enumerate(self.unflatten(grad))]):
            # W̄_l = a_(l−1)ᵀ z̄_l + the term from k̄;  b̄_l = Σ_i z̄_l
            np.matmul(tape.a[h].T, dz, out=dW)
            if dW_from_k:
                dW += dW_from_k[h]
            db[:] = _sum(dz)
            if h > 0:
                # ā_(l−1) = z̄_l W_lᵀ;  z̄_(l−1) = ā_(l−1) ⊙ f'(z_(l−1)) + the term from k̄
                da = dz @ tape.layers[h][0].T
                dz = np.multiply(da, df[h - 1], out=da)
                if dz_from_k:
                    dz[: len(dz_from_k[h - 1])] += dz_from_k[h - 1]
        return grad

    def _activation_derivatives(self, tape: Tape) -> list[Array]:
        df = ACTIVATIONS[self.activation].df
        return [df(z, a) for z, a in zip(tape.z, tape.a[1:], strict=True)]


def _sum(a: Array) -> Array:
    """Σ_i over the samples, as a product with ones: for short rows far faster than `a.sum(0)`."""
    total: Array = np.dot(np.ones(len(a), a.dtype), a)
    return total
