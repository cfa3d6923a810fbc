"""A range of rows cut into blocks: the batches of an epoch, or parts of a batch that fit the cache.

NumPy passes over its arrays once an operation. Where they are larger than the cache, each pass
waits for memory, and each result takes fresh memory, which can cost more than the arithmetic.
"""

from __future__ import annotations


def blocks(n: int, rows: int) -> list[slice]:
    """0 … n cut into slices of `rows`, the last one perhaps shorter."""
    return [slice(start, min(start + rows, n)) for start in range(0, n, rows)]
