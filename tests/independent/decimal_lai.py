"""The Lai factor and its derivative in decimal arithmetic, 60 digits: reference for the doubles.

Written from the paper's two cases, one λ and one k at a time, and sharing nothing with `lai_ref`.
The square of a double has at most 106 bits, so that |k|² and λ, unless they are equal, differ by
more than 1e-32 relative: 60 digits always suffice to decide on which side of the kink k lies.
"""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

import numpy as np
import numpy.typing as npt

CONTEXT = Context(prec=60, Emin=MIN_EMIN, Emax=MAX_EMAX)
Float = type[np.float32] | type[np.float64]


def exact_factor(k: float, lam: float, order: int) -> Decimal:
    """F_p(k; λ)."""
    with localcontext(CONTEXT):
        size, limit = abs(Decimal(k)), +Decimal(lam)
        length = 1 + size * size if order == 2 else (1 + size * size).sqrt()
        return max(_power(size, order), limit) / length / min(limit, Decimal(1))


def exact_slope(k: float, lam: float, order: int) -> Decimal:
    """F_p'(k; λ), at the kink the mean of both sides."""
    below, above = exact_sides(k, lam, order)
    with localcontext(CONTEXT):
        power, limit = _power(abs(Decimal(k)), order), +Decimal(lam)
        if power == limit:
            return (below + above) / 2
        return above if power > limit else below


def exact_sides(k: float, lam: float, order: int) -> tuple[Decimal, Decimal]:
    """The derivatives at k of the branch for |k|^p < λ and of the one for |k|^p > λ."""
    with localcontext(CONTEXT):
        size, limit = abs(Decimal(k)), +Decimal(lam)
        square = 1 + size * size
        steepness = square * square if order == 2 else square * square.sqrt()
        scale = (0 if k == 0 else order if k > 0 else -order) / steepness / min(limit, Decimal(1))
        return -scale * limit * size, scale * _power(size, order - 1)


def error_in_ulp(got: float, exact: Decimal, dtype: Float) -> float:
    """|got − exact| in units of the last place of `dtype` at the exact result.

    Results too large for the dtype count as 2^emax, and so does infinity.
    """
    info = np.finfo(dtype)
    with localcontext(CONTEXT):
        beyond = Decimal(2) ** int(info.maxexp)
        _, exponent = math.frexp(min(float(abs(exact)), float(info.max)))
        unit = Decimal(2) ** (max(exponent - 1, int(info.minexp)) - int(info.nmant))
        want = max(-beyond, min(beyond, exact))
        have = Decimal(got) if np.isfinite(got) else beyond.copy_sign(Decimal(got))
        return float(abs(have - want) / unit)


def worst_error(
    got: npt.NDArray[np.floating], exact: list[Decimal], dtype: Float
) -> tuple[float, float]:
    """The largest error in ulp among results that are normal numbers, and among the others."""
    tiny = Decimal(float(np.finfo(dtype).tiny))
    normal, subnormal = 0.0, 0.0
    for number, truth in zip(got.tolist(), exact, strict=True):
        error = error_in_ulp(number, truth, dtype)
        if abs(truth) >= tiny:
            normal = max(normal, error)
        else:
            subnormal = max(subnormal, error)
    return normal, subnormal


def _power(size: Decimal, exponent: int) -> Decimal:
    return (Decimal(1), size, size * size)[exponent]
