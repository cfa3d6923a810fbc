"""Right numbers in the wrong order, repeated numbers, or a wrong scale per case."""

from __future__ import annotations

import numpy as np

from lai_ref.oracle.case import mapped, shape
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.support.validation import Array

MIN_CASES = 2  # cases that a sentence needs


def placement(numbers: Numbers, dtype: str) -> str:
    """How the numbers of the wrong cases are related to the expected ones, or ""."""
    pairs = _pairs(numbers)
    if len(pairs) < MIN_CASES:
        return ""
    for words, relation in RELATIONS.items():
        fitting = [relation(got, expected, SPARE[dtype] * 100) for got, expected in pairs]
        usable = [fit for fit in fitting if fit is not None]
        if len(usable) >= MIN_CASES and all(usable):
            norms = [float(np.linalg.norm(got)) for got, _ in pairs]
            scales = [float(abs(got).max() / abs(e).max()) for got, e in pairs if e.any()]
            if relation is _scaled and max(scales) - min(scales) <= 1e-3 * max(scales):
                return ""  # one ratio for all cases, which `ratios` reports
            if relation is _scaled and max(norms) - min(norms) <= 1e-3 * max(norms):
                words = f"has the right direction and a norm of {norms[0]:.4g} in every wrong case"
            steps = numbers.output == "theta" and numbers.outcomes[0].case.group == "train"
            return words.replace("sample", "step") if steps else words
    return ""


def unchanged(numbers: Numbers) -> bool:
    """Whether θ equals the input θ in every wrong case."""
    wrong = {o for o, is_wrong in zip(numbers.outcomes, numbers.wrong, strict=True) if is_wrong}
    found = []
    for outcome in wrong:
        before = np.array(mapped(float, outcome.case.inputs["theta"]))
        after = np.array(mapped(float, outcome.answer["theta"]))
        found.append(np.array_equal(after, np.broadcast_to(before, after.shape)))
    return bool(found) and all(found)


def _pairs(numbers: Numbers) -> list[tuple[Array, Array]]:
    """Got and expected numbers of each case with a wrong number, in the shape of the output."""
    by_case: dict[Outcome, list[int]] = {}
    for i, outcome in enumerate(numbers.outcomes):
        by_case.setdefault(outcome, []).append(i)
    wrong = numbers.wrong
    found = []
    for outcome, at in by_case.items():
        if wrong[at].any() and len(at) > 1 and np.isfinite(numbers.got[at]).all():
            form = shape((outcome.case.expected or {})[numbers.output])
            found.append((numbers.got[at].reshape(form), numbers.expected[at].reshape(form)))
    return found


def _near(a: Array, b: Array, spare: float) -> bool:
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    return bool((np.abs(a - b) <= spare * scale).all())


def _reversed_samples(got: Array, expected: Array, spare: float) -> bool | None:
    return _near(got, expected[::-1], spare)


def _reversed_features(got: Array, expected: Array, spare: float) -> bool | None:
    return _near(got, expected[:, ::-1], spare) if expected.ndim == 2 else None


def _another_order(got: Array, expected: Array, spare: float) -> bool | None:
    if _near(got, expected, spare):
        return None  # nearly right numbers in their own places
    return _near(np.sort(got, axis=None), np.sort(expected, axis=None), spare)


def _same_for_samples(got: Array, expected: Array, spare: float) -> bool | None:
    if len(got) < 2 or _near(expected, expected[:1], spare):
        return None
    return _near(got, got[:1], spare)


def _same_for_features(got: Array, expected: Array, spare: float) -> bool | None:
    if got.ndim < 2 or got.shape[1] < 2 or _near(expected, expected[:, :1], spare):
        return None
    return _near(got, got[:, :1], spare)


def _scaled(got: Array, expected: Array, spare: float) -> bool | None:
    size = float(np.vdot(expected, expected))
    if not size:
        return None
    c = float(np.vdot(expected, got)) / size
    return abs(c) > 1e-6 and _near(got, c * expected, spare)


RELATIONS = {
    "holds the right numbers with the samples reversed": _reversed_samples,
    "holds the right numbers with the features reversed": _reversed_features,
    "holds the right numbers in another order": _another_order,
    "is the same for every sample": _same_for_samples,
    "is the same for every feature": _same_for_features,
    "has the right direction and a scale that differs from case to case": _scaled,
}
