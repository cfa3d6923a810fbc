"""Activations a = f(z) with f' and f'': double backpropagation needs the second derivative.

    identity   f = z               f' = 1                    f'' = 0
    relu       f = max(z, 0)       f' = 1 for z > 0, else 0  f'' = 0
    tanh       f = tanh z          f' = 1 − f²               f'' = −2 f f'
    softplus   f = log(1 + e^z)    f' = σ(z)                 f'' = σ(z) σ(−z)
    silu       f = z σ(z)          f' = σ(z) (1 + z σ(−z))   f'' = σ(z) σ(−z) (2 + z (σ(−z) − σ(z)))

with σ(z) = 1/(1 + e^−z). σ(−z) equals 1 − σ(z), which would lose digits to cancellation. For tanh,
1 − f² does lose them for large |z|: its absolute error is about an ulp of 1. The subgradient of
relu at its kink is f'(0) = 0, as in PyTorch and JAX.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lai_ref.support.analytic import absolute
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array


@dataclass(frozen=True)
class Activation:
    """An activation and its first two derivatives, elementwise; they return the dtype of z.

    `df` takes z and a = f(z), and `d2f` takes f'(z) as well, so that nothing is computed twice.
    """

    f: Callable[[Array], Array]  # z → a
    df: Callable[[Array, Array], Array]  # z, a → f'(z)
    d2f: Callable[[Array, Array, Array], Array]  # z, a, f'(z) → f''(z)
    gain: float = 1.0  # Var W · fan_in of initial weights; 2 for relu (He et al. 2015) and silu
    has_d2f: bool = True  # whether f'' differs from 0 anywhere


@ignores_error_state
def _sigmoid_pair(z: Array) -> tuple[Array, Array]:
    """σ(z) and σ(−z), each to full relative accuracy: e^−|z| neither overflows nor cancels."""
    e = np.exp(-absolute(z))
    larger, smaller = 1 / (1 + e), e / (1 + e)
    positive = z.real >= 0
    return np.where(positive, larger, smaller), np.where(positive, smaller, larger)


def _relu(z: Array) -> Array:
    a: Array = np.maximum(z, 0)
    return a


@ignores_error_state
def _softplus(z: Array) -> Array:
    # log(1 + e^z) = max(z, 0) + log(1 + e^−|z|)
    a: Array = _relu(z) + np.log1p(np.exp(-absolute(z)))
    return a


@ignores_error_state
def _silu(z: Array) -> Array:
    a: Array = z * _sigmoid_pair(z)[0]
    return a


@ignores_error_state
def _silu_df(z: Array, a: Array) -> Array:
    sig_pos, sig_neg = _sigmoid_pair(z)
    df: Array = sig_pos * (1 + z * sig_neg)
    return df


def _softplus_d2f(z: Array, a: Array, df: Array) -> Array:
    sig_pos, sig_neg = _sigmoid_pair(z)
    return sig_pos * sig_neg


@ignores_error_state
def _silu_d2f(z: Array, a: Array, df: Array) -> Array:
    sig_pos, sig_neg = _sigmoid_pair(z)
    d2f: Array = sig_pos * sig_neg * (2 + z * (sig_neg - sig_pos))
    return d2f


def _zero(z: Array, a: Array, df: Array) -> Array:
    return np.zeros_like(z)


ACTIVATIONS = {
    "identity": Activation(lambda z: z, lambda z, a: np.ones_like(z), _zero, has_d2f=False),
    "relu": Activation(
        _relu, lambda z, a: (z.real > 0).astype(z.dtype), _zero, gain=2.0, has_d2f=False
    ),
    "tanh": Activation(np.tanh, lambda z, a: 1 - a * a, lambda z, a, df: -2 * a * df),
    "softplus": Activation(_softplus, lambda z, a: _sigmoid_pair(z)[0], _softplus_d2f),
    "silu": Activation(_silu, _silu_df, _silu_d2f, gain=2.0),
}
