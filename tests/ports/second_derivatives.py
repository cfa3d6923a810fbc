"""F'' in closed form, and a Hessian by finite differences of the gradient of `lai_ref`.

F'' min(λ, 1) above and below the kink |k|^p = λ, with d = 1 + k²:

    p = 1:   −3 |k| / d^(5/2)         λ (2k² − 1) / d^(5/2)
    p = 2:   2 (1 − 3k²) / d³         2 λ (3k² − 1) / d³

At the kink F'' is the mean of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, localcontext

import numpy as np

from lai_ref import MLP, Array, Lai, value_and_grad

LAMS = tuple(2.0**n for n in (-10, -2, 0, 2, 10))  # their square roots are exact


def questions(dtype: str) -> Iterator[tuple[float, int, Array, Array, Array]]:
    """λ, p, k, F''(k) and the sum of the absolute values of its terms, to bound the rounding error.

    |k| ranges from 0 to 1e38 and includes zeros of F'', the kink and values near the kink.
    """
    for lam, order in ((lam, order) for lam in LAMS for order in (1, 2)):
        kink = lam ** (1 / order)
        abs_k = [0.0, 1e-30, 0.1, 0.5**0.5, 3**-0.5, 1.0, 7.0, 1e4, 1e10, 1e19, 1e30, 1e38]
        abs_k += [kink * (1 - 2**-10), kink, kink * (1 + 2**-10)]
        k = np.array([*abs_k, *(-a for a in abs_k)], dtype)
        values, terms = zip(*(closed_form(float(q), lam, order) for q in k), strict=True)
        yield lam, order, k, np.array(values), np.array(terms)


def closed_form(k: float, lam: float, order: int) -> tuple[float, float]:
    """F''(k) and the sum of the absolute values of its terms."""
    with localcontext() as context:
        context.prec, context.Emin, context.Emax = 60, -9999, 9999
        q, v = Decimal(abs(k)), Decimal(lam)
        square = q * q
        if order == 1:
            above = np.array([-3 * q, 0])
            below = v * np.array([2 * square, -1])
            divisor = (1 + square) ** 2 * (1 + square).sqrt()
        else:
            above = 2 * np.array([1, -3 * square])
            below = 2 * v * np.array([-1, 3 * square])
            divisor = (1 + square) ** 3
        u = Decimal((q**order > v) + (q**order >= v)) / 2
        terms = np.array([*(u * above), *((1 - u) * below)]) / divisor / min(v, Decimal(1))
        return float(sum(terms)), float(sum(abs(terms)))


def hessian_by_differences(net: MLP, theta: Array, x: Array, t: Array, loss: Lai) -> Array:
    """(P, P): central differences of the gradient of `lai_ref`, with errors of about 1e-9."""
    step, columns = 1e-5, []
    for unit in np.eye(len(theta)):
        up, down = (value_and_grad(net, theta + s * unit, x, t, loss)[1] for s in (step, -step))
        columns.append((up - down) / (2 * step))
    return np.array(columns)
