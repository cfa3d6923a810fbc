"""The floating-point error state of NumPy (`np.seterr`): the caller's decides nothing here.

With the state "raise", e^−1000 or 1/(1 + k²) for a large k would raise FloatingPointError for an
underflow that is right. What overflows becomes infinite or NaN, as the documentation says, and
`lai_training` raises DivergedError for it.
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
    """The function with an error state of its own, "ignore"; the caller's is left as it was.

    It costs a microsecond, and a quarter of one where a function decorated so calls another: that
    keeps the state it is called in.
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
    """The same as a decorator of `np.errstate`, which before NumPy 2 is one for all threads."""

    def quiet(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return quiet
