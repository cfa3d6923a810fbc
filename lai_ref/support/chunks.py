"""A range cut into chunks: the minibatches of an epoch, or parts of a batch that fit the cache.

NumPy passes over its arrays once per operation. Where they are larger than the cache, each pass
waits for memory and each result takes fresh memory, which can cost more than the arithmetic.
"""

from __future__ import annotations


def chunks(n: int, size: int) -> list[slice]:
    """0 … n cut into slices of length `size`, the last one perhaps shorter."""
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]
