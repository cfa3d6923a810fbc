"""Check an error's message: the argument's name, what was expected and what was received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Errors = type[Exception] | tuple[type[Exception], ...]


def check_refused(call: Callable[[], Any], error: Errors, *words: str) -> None:
    """`call` raises `error`, whose message starts with the first word and has all the others."""
    with pytest.raises(error) as refusal:
        call()
    message = str(refusal.value)
    assert message.startswith(words[0] + ": "), message
    for word in words[1:]:
        assert word in message, message


def wrong(value: object) -> Any:
    """`value`, whose type is wrong on purpose, as Any for the type checker."""
    return value
