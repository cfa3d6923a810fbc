"""Chunks cover a range once and in order; the VJP over them is that of all samples."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lai_ref.support.chunks import Vjp, chunks, in_chunks, joined
from lai_ref.support.validation import Array


@given(st.integers(0, 50), st.integers(1, 60))
def test_chunks_cover_the_range_once_and_in_order(n: int, size: int) -> None:
    parts = [range(n)[rows] for rows in chunks(n, size)]
    assert [i for part in parts for i in part] == list(range(n))
    assert all(len(part) == size for part in parts[:-1])
    assert all(0 < len(part) <= size for part in parts)


def test_a_single_part_is_joined_without_a_copy() -> None:
    a, b = np.ones(2), np.zeros(1)
    assert joined([a]) is a
    assert joined([a, b]).tolist() == [1, 1, 0]


@given(st.integers(1, 12), st.integers(1, 13))
def test_in_chunks_gives_the_vjp_of_all_samples_and_computes_the_last_chunk_once(
    n: int, size: int
) -> None:
    x, computed = np.arange(1.0, n + 1), []

    def y_and_k(rows: slice) -> tuple[Array, Array, Vjp]:
        """y_i = θ x_i and k_i = θ² for θ = 3, so θ̄ = Σ ȳ_i x_i + 6 k̄_i."""
        computed.append((rows.start, rows.stop))
        part = x[rows]
        return 3 * part, np.full(len(part), 9.0), lambda dy, dk: dy @ part + 6 * dk.sum(keepdims=1)

    y, k, vjp = in_chunks(y_and_k, n, size)
    np.testing.assert_array_equal(y, 3 * x)
    np.testing.assert_array_equal(k, np.full(n, 9.0))
    dy, dk = np.arange(n) + 0.5, np.ones(n)
    np.testing.assert_allclose(vjp(dy, dk), [dy @ x + 6 * n])
    parts = [(rows.start, rows.stop) for rows in chunks(n, size)]
    assert computed == parts + parts[:-1]


def test_without_dk_every_chunk_gets_an_empty_one() -> None:
    lengths = []

    def y_and_k(rows: slice) -> tuple[Array, Array, Vjp]:
        y = np.ones(rows.stop - rows.start)

        def vjp(dy: Array, dk: Array) -> Array:
            lengths.append(len(dk))
            return np.array([dy.sum()])

        return y, y[:0], vjp

    _, k, vjp = in_chunks(y_and_k, 5, 2)
    assert len(k) == 0
    assert vjp(np.ones(5), None).tolist() == [5]
    assert lengths == [0, 0, 0]
