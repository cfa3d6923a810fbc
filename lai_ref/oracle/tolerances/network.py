"""Activations in `Bounded` numbers.

If an activation can be computed in several ways, the bound is that of the least accurate way in
common use. For σ it is one rounding of 1, not of σ: this covers ½ (1 + tanh ½z), 1 − σ(−z), and
1/(1 + e^−z) with an infinite e^−z. For softplus it is one rounding of 1 in addition to its own,
which log(1 + e^z) loses in 1 + e^z. For tanh, f' is 1 − f². Not covered are a tanh from
exponentials near 0, and an e^z that overflows.
"""

from __future__ import annotations

import math

from lai_ref.oracle.mutants.port_network import Unit
from lai_ref.oracle.tolerances.bounded import FUNCTION, Bounded, branch, tanh


def activate(name: str, z: Bounded, at_kink: float) -> Unit:
    """An activation, with relu'(0) = `at_kink`."""
    if name == "identity":
        return Unit(z, Bounded(1.0), Bounded(0.0))
    if name == "relu":
        df = Bounded(branch(z, 0.0, at_kink))
        return Unit(Bounded(0.0) if z.value < 0 else z, df, Bounded(0.0))
    if name == "tanh":
        a = tanh(z)
        df = (1 - a * a).relax(2)  # for small z, 1/cosh² has a larger error
        return Unit(a, df, -2 * a * df)
    right, left = sigmoid(z), sigmoid(-z)
    if name == "softplus":
        f0 = max(z.value, 0.0) + math.log1p(math.exp(-abs(z.value)))
        f = z.apply(f0, right.value, 1 + FUNCTION * f0)
        return Unit(f, right, right * left)
    if name == "silu":
        return Unit(z * right, right * (1 + z * left), right * left * (2 + z * (left - right)))
    raise ValueError(f"activation: expected a known name, got {name!r}")


def sigmoid(z: Bounded) -> Bounded:
    """σ(z)."""
    e = math.exp(-abs(z.value))
    value = (1.0 if z.value >= 0 else e) / (1 + e)
    # σ' = σ(z) σ(−z)
    return z.apply(value, e / (1 + e) ** 2, 1 + value)
