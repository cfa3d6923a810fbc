"""Whether wrong numbers are a linear combination of known parts: one is missing, doubled, negated.

    got ≈ Σ_i c_i part_i

is solved for c by least squares over all numbers. The right numbers are Σ_i part_i, or one of the
parts alone; any other c shows which part is missing, counted twice, or used in place of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from lai_ref.support.validation import Array

LIMIT = 1000.0  # larger coefficients are ignored
EXACT = 1e-4  # a coefficient this close to an integer counts as that integer


def coefficients(got: Array, parts: Mapping[str, Array], spare: Array) -> dict[str, float] | None:
    """The c_i, or None if no combination is within `spare` of every number."""
    matrix = np.stack(list(parts.values()), axis=1)
    weight = 1 / np.maximum(spare, 1e-300)
    scale = np.abs(matrix * weight[:, None]).max(axis=0)
    if len(got) <= len(parts) or not (scale > 0).all() or not np.isfinite(got).all():
        return None
    scaled = matrix * weight[:, None] / scale
    found, _, rank, _ = np.linalg.lstsq(scaled, got * weight, rcond=1e-10)
    if rank < len(parts):
        return None
    c = found / scale
    if np.abs(c).max() > LIMIT or (np.abs(matrix @ c - got) > spare).any():
        return None
    return dict(zip(parts, map(float, c), strict=True))


def smallest(
    got: Array, parts: Mapping[str, Array], spare: Array, most: int = 2
) -> dict[str, float] | None:
    """The combination of the fewest parts, at most `most`; earlier parts are tried first."""
    usable = [name for name, part in parts.items() if np.isfinite(part).all() and part.any()]
    for count in range(1, most + 1):
        for names in combinations(usable, count):
            found = coefficients(got, {name: parts[name] for name in names}, spare)
            if found and all(abs(c) > 1e-6 for c in found.values()):
                return found
    return None


def in_words(found: Mapping[str, float]) -> str:
    """c_1 · part_1 + c_2 · part_2."""
    terms = []
    for name, c in found.items():
        times = "" if abs(c - 1) < EXACT else "−" if abs(c + 1) < EXACT else f"{c:.4g} · "
        terms.append(f"{times}{name}")
    return " + ".join(terms).replace("-", "−").replace("+ −", "− ")


def deviations(found: Mapping[str, float], expected: Mapping[str, float]) -> list[str]:
    """Words for each part whose coefficient is not the expected one (default 1)."""
    said = []
    for name, c in found.items():
        right = expected.get(name, 1.0)
        if abs(c - right) <= EXACT:
            continue
        if abs(c) <= EXACT:
            said.append(f"{name} is missing")
        elif right and abs(c + right) <= EXACT:
            said.append(f"{name} has the wrong sign")
        elif right:
            said.append(f"{name} is multiplied by {_signed(c)}")
        else:
            said.append(f"{_signed(c)} · {name} is added")
    return said


def _signed(c: float) -> str:
    return f"{c:.4g}".replace("-", "−")


def joined(items: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)
