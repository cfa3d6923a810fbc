"""Whether a port's gradient is the derivative of its own value, by difference quotients.

    (L(q + h d) − L(q − h d)) / 2h ≈ Σ_i d_i ∂L/∂q_i

for one direction d. The error of a quotient Q(h) is O(h²), so (4 Q(h/2) − Q(h)) / 3 is used
(Richardson extrapolation), with |Q(h/2) − Q(h)| as a bound of its error.

If the value is right and the gradient is not its derivative, the mistake is in the backward pass.
If the value is wrong and the gradient is its derivative, the mistake is in the forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import mapped
from lai_ref.oracle.diagnosis.follow_up import Ask, Question, Reply
from lai_ref.oracle.grading.grade import FAILED, Outcome
from lai_ref.support.validation import Array

STEP = {"float64": 2.0**-14, "float32": 2.0**-8}
SPARE = {"float64": 1e-5, "float32": 2e-2}  # tolerance, relative to the largest magnitude
MAX_ERROR = 0.25  # of the quotient, relative to the largest magnitude; above it: no result
CASES = 5  # wrong cases that are checked
# by group: a derivative, the output it belongs to, and the input it is with respect to
DERIVATIVES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "factor": (("slope", "value", "k"),),
    "loss": (("dy", "value", "y"), ("dk", "value", "k")),
    "input_gradient": (("k", "y", "x"),),
    "param_gradient": (("grad", "value", "theta"),),
    "sharded": (("grad", "value", "theta"),),
}


class Consistency(NamedTuple):
    """The result for one output that should be the derivative of another."""

    output: str
    of: str
    holds: bool
    quotient: float
    answered: float


def consistency(group: str, outcomes: Sequence[Outcome], ask: Ask, dtype: str) -> list[Consistency]:
    """For each derivative among the outputs: whether it is that of the port's own value.

    Some of the wrong cases away from kinks are checked; the first inconsistent one is returned.
    """
    failed = [o for o in outcomes if o.status == FAILED and o.location]
    wrong = [o for o in failed if o.case.direction is None and not _near_kink(o, STEP[dtype])]
    bases = [o.case.inputs for o in wrong[:: max(1, len(wrong) // CASES)][:CASES]]
    looked_at = [(*each, base) for each in DERIVATIVES.get(group, ()) for base in bases]
    shifted = [_shifted(group, name, base, STEP[dtype]) for _, _, name, base in looked_at]
    replies = ask([question for questions in shifted for question in questions])
    found: dict[str, Consistency] = {}
    for i, (output, of, name, base) in enumerate(looked_at):
        result = _of_one(output, of, np.shape(base[name]), replies[5 * i : 5 * i + 5], dtype)
        unclear = output not in found or found[output].holds
        if result is not None and unclear:
            found[output] = result
    return list(found.values())


def _near_kink(outcome: Outcome, step: float) -> bool:
    """Whether a step may move k or a residual of the case across its kink."""
    if outcome.case.group not in ("factor", "loss"):
        return False  # the cases of networks are away from every kink
    given = inputs_of(outcome.case)
    k_kink = np.asarray(given["lam"]) ** (1 / given["order"])
    gaps = np.abs(np.abs(given["k"]) - k_kink)
    residuals = np.abs(given["y"] - given["t"]) if "y" in given else np.ones(1)
    return bool(min(gaps.min(), np.abs(given["k"]).min(), residuals.min()) < 4 * step)


def _shifted(group: str, name: str, base: dict[str, Any], h: float) -> list[Question]:
    """The inputs of a case, and shifted by ±h and ±h/2 along the direction."""
    q = np.array(mapped(float, base[name]))
    steps = (0, h, -h, h / 2, -h / 2)
    return [(group, base | {name: (q + by * _direction(q.shape)).tolist()}) for by in steps]


def _of_one(
    output: str, of: str, form: tuple[int, ...], replies: Sequence[Reply], dtype: str
) -> Consistency | None:
    answers = [r for r in replies if r is not None]
    if len(answers) < len(replies):
        return None
    centre, *(above, below, nearly_above, nearly_below) = answers
    h, direction = STEP[dtype], _direction(form)
    # (L(q + h d) − L(q − h d)) / 2h
    coarse = (above[of] - below[of]) / (2 * h)
    fine = (nearly_above[of] - nearly_below[of]) / h
    quotients = (4 * fine - coarse) / 3
    # Σ_i d_i ∂L/∂q_i
    along = _along(centre[output], direction, quotients)
    if not (np.isfinite(quotients).all() and np.isfinite(along).all()):
        return None
    size = np.abs(centre[output] * direction).sum() / max(1, quotients.size)
    scale = max(np.abs(quotients).max(), np.abs(along).max(), size, 1e-3)
    if np.abs(fine - coarse).max() > MAX_ERROR * scale:
        return None
    gap = np.abs(quotients - along) - np.abs(fine - coarse)
    at = np.unravel_index(int(gap.argmax()), gap.shape)
    holds = bool(gap[at] <= SPARE[dtype] * scale)
    return Consistency(output, of, holds, float(quotients[at]), float(along[at]))


def _along(gradient: Array, direction: Array, like: Array) -> Array:
    """The directional derivative of each value."""
    products = gradient * direction
    return np.asarray(
        products.reshape((*like.shape, -1)).sum(axis=-1) if like.ndim else products.sum()
    )


def _direction(form: tuple[int, ...]) -> Array:
    """A direction with random signs and random dyadic magnitudes."""
    numbers = 0.5 + np.random.default_rng(4).integers(0, 5, form) / 8
    return np.asarray(numbers * np.random.default_rng(5).choice([-1, 1], form))
