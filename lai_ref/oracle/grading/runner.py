"""Running a backend on one case: its numbers, the error that it raised, or an invalid answer."""

from __future__ import annotations

import inspect
import traceback
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from lai_ref.oracle.arguments import fresh_inputs_of
from lai_ref.oracle.case import METHODS, OUTPUTS, Case, mapped
from lai_ref.oracle.grading.grade import Answer, InvalidAnswer, RaisedError
from lai_ref.support.error_state import ignores_error_state
from lai_ref.support.validation import Array


@ignores_error_state  # with "raise" an overflow would count as a rejection
def run_case(backend: object, case: Case, dtype: str) -> Answer | None:
    """A backend's answer to a case, nested lists of Decimals; None if it lacks the method.

    Only an error that the method raises counts as a rejection. A method whose signature is not that
    of `Backend`, a NameError, or a result that cannot be read is an `InvalidAnswer`.
    """
    method = getattr(backend, METHODS[case.group], _codec if case.group == "codec" else None)
    if method is None:
        return None
    given = fresh_inputs_of(case, dtype)
    try:
        inspect.signature(method).bind(**given)
    except TypeError as error:
        return InvalidAnswer(
            f"{METHODS[case.group]} cannot be called with {', '.join(given)}: {error}"
        )
    except ValueError:
        pass  # functions written in C have no signature
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some cases overflow on purpose
            answer = method(**given)
    except NotImplementedError:
        return None
    except (NameError, AttributeError, ImportError) as error:  # a bug, not a rejection
        return InvalidAnswer(_format_error(error))
    except Exception as error:  # a port may raise any error
        return RaisedError(_format_error(error))
    names = tuple(OUTPUTS[case.group])
    parts = answer if isinstance(answer, tuple | list) and len(names) > 1 else (answer,)
    if len(parts) != len(names):
        got = f"{len(parts)} values" if parts is answer else type(answer).__name__
        return InvalidAnswer(f"expected a tuple ({', '.join(names)}), got {got}")
    try:
        return {name: _decimals(part, dtype) for name, part in zip(names, parts, strict=True)}
    except Exception as error:
        words = f"expected arrays of numbers that NumPy can read: {error}"
        return InvalidAnswer(f"{words}; detach tensors first")


def _format_error(error: Exception) -> str:
    """The type and message of an error, and the line of the port where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    where = f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{where}"


def _decimals(part: Any, dtype: str) -> Any:
    numbers = np.asarray(part)
    if numbers.dtype.kind not in "fiu":
        raise TypeError(f"dtype {numbers.dtype}")
    with np.errstate(over="ignore"):  # float64 results are rounded to the dtype
        return mapped(Decimal, numbers.astype(dtype).astype(np.float64).tolist())


def _codec(values: Array) -> Array:
    """The values themselves: a Python backend gets arrays and reads no text."""
    return values
