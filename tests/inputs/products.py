"""Record the matrix products of a network: its time and memory mostly depend on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from lai_ref.support.validation import Array

Shape = tuple[int, int, int]  # rows, summed entries, columns


class Logged(np.ndarray[Any, Any]):
    """An array that lists the products of matrices that it and its results take part in."""

    log: list[tuple[Array, Array]]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        def bare(value: Any) -> Any:
            return np.asarray(value) if isinstance(value, Logged) else value

        bare_inputs = [bare(value) for value in inputs]
        if ufunc is np.matmul and all(each.ndim == 2 for each in bare_inputs):  # not the loss's
            self.log.append((bare_inputs[0], bare_inputs[1]))
        if "out" in options:
            options["out"] = tuple(bare(out) for out in options["out"])
        result = getattr(ufunc, method)(*bare_inputs, **options)
        return result.view(Logged) if isinstance(result, np.ndarray) else result


@contextmanager
def logged_products() -> Iterator[list[tuple[Array, Array]]]:
    """The products, in order, of what is computed within from a θ that is `Logged`."""
    log: list[tuple[Array, Array]] = []
    # checking makes a plain array of a logged one
    with patch("lai_ref.mlp.check_shape", lambda name, array, shape: array):
        Logged.log = log
        yield log


def product_shapes(theta: Array, compute: Callable[[Any], object]) -> list[Shape]:
    """The shapes of the products, in order, that `compute` makes with θ."""
    with logged_products() as log:
        compute(theta.view(Logged))
    return [(*left.shape, right.shape[1]) for left, right in log]
