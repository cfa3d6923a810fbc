"""Make functions independent of the caller's floating-point error state (`np.seterr`).

With the state "raise", e^−1000 or 1/(1 + k²) for a large k would raise FloatingPointError for a
correct underflow. An overflow gives an infinite value or NaN, as documented, and `lai_training`
raises DivergedError for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])
NUMPY_2 = np.lib.NumpyVersion(np.__version__) >= "2.0.0"
_inside: ContextVar[bool] = ContextVar("inside", default=False)


def ignores_error_state(function: Function) -> Function:
    """Decorate a function to run with the error state "ignore"; the caller's is unchanged.

    The cost is about 1 µs per call. It is about ¼ µs for a call from another decorated function,
    where the state is "ignore" already.
    """
    quiet = np.errstate(all="ignore")(function) if NUMPY_2 else _quiet(function)

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if _inside.get():
            return function(*args, **kwargs)
        token = _inside.set(True)
        try:
            return quiet(*args, **kwargs)
        finally:
            _inside.reset(token)

    return cast(Function, wrapped)


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    """As the decorator `np.errstate`, whose state all threads share before NumPy 2."""

    def quiet(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return quiet
