"""What a refusal must say: the argument's name, what was expected, what came."""

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
    """`value`, of a type that is wrong on purpose, past the type checker."""
    return value
