"""A batch cut into chunks that fit the processor's cache.

NumPy passes over its arrays once per operation. Where they are larger than the cache, each pass
waits for memory and each result takes fresh memory, which can cost more than the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from lai_ref.support.validation import Array

Vjp: TypeAlias = Callable[[Array, Any], Array]  # ȳ, k̄ or None → θ̄: a vector-Jacobian product


def chunks(n: int, size: int) -> list[slice]:
    """0 … n cut into slices of length `size`, the last one perhaps shorter."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def joined(parts: list[Array]) -> Array:
    """The parts concatenated; a single part is returned without a copy."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def in_chunks(
    y_and_k: Callable[[slice], tuple[Array, Array, Vjp]], n: int, size: int
) -> tuple[Array, Array, Vjp]:
    """y, k and their VJP for n samples, from a `y_and_k` that computes these for a chunk of them.

    The loss may need y and k of all samples before ȳ and k̄ are known. Only y and k are therefore
    stored, and the VJP computes all chunks but the last one again ("gradient checkpointing").
    """
    *others, last = chunks(n, size)
    parts = [y_and_k(rows)[:2] for rows in others]
    y, k, vjp_last = y_and_k(last)
    parts.append((y, k))

    def vjp(dy: Array, dk: Any) -> Array:
        dk = dy[:0] if dk is None else dk
        grad = vjp_last(dy[last], dk[last])
        for rows in others:
            _, _, vjp_rows = y_and_k(rows)
            grad += vjp_rows(dy[rows], dk[rows])
        return grad

    return joined([y for y, _ in parts]), joined([k for _, k in parts]), vjp
