"""Double backpropagation as forward mode followed by reverse mode.

Σ_ij k̄_ij k_ij is Σ_i ẏ_i, the derivative of y along k̄ (a JVP). Compute this tangent in the forward
pass (ȧ_0 = k̄, ż = ȧ W, ȧ = f'(z) ⊙ ż), and backpropagate through both at once:

    S = Σ_i ȳ_i y_i + ẏ_i;   z̄ = ∂S/∂z,  z̃ = ∂S/∂ż
    W̄ = a ᵀ z̄ + ȧᵀ z̃;   b̄ = Σ_i z̄;   ā = z̄ Wᵀ;   ã = z̃ Wᵀ
    z̄ = ā ⊙ f'(z) + ã ⊙ ż ⊙ f''(z);   z̃ = ã ⊙ f'(z)
"""

from __future__ import annotations

import numpy as np

from lai_ref import MLP
from lai_ref.support.validation import Array
from tests.independent.scalar_network import activate


def seeded_gradient(
    net: MLP, theta: Array, x: Array, dy: Array, dk: Array, *, curved: bool = True
) -> Array:
    """The derivative of Σ dy y + Σ dk k with respect to θ; without the f'' term unless `curved`."""
    layers = net.unflatten(theta)
    a, tangent, steps = x, dk, []
    for W, b in layers[:-1]:
        z, dz = a @ W + b, tangent @ W
        f, slope, curvature = (_each(net.activation, z, n) for n in range(3))
        steps.append((W, a, tangent, slope, dz * curvature * curved))
        a, tangent = f, slope * dz

    bar, tilde = dy[:, None], np.ones((len(x), 1))
    parts = [a.T @ bar + tangent.T @ tilde, bar.sum(axis=0)]
    after = layers[-1][0]
    for W, a, tangent, slope, bend in reversed(steps):
        bar_a, tilde_a = bar @ after.T, tilde @ after.T
        bar, tilde = bar_a * slope + tilde_a * bend, tilde_a * slope
        parts = [a.T @ bar + tangent.T @ tilde, bar.sum(axis=0), *parts]
        after = W
    return np.concatenate([part.ravel() for part in parts])


def _each(name: str, z: Array, derivative: int) -> Array:
    return np.array([[activate(name, unit)[derivative] for unit in row] for row in z])
