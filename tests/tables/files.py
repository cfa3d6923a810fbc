"""CSV files for tests, and a check of the errors about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# six rows, so that one may be dropped
ROWS = ("1,10,1.5", "2,21,2.5", "3,29,-4e0", "4,42,8", "5,49,.5", "6,60,12")
TABLE = "\n".join(("a,b,price", *ROWS)) + "\n"


def written(folder: Path, content: str | bytes, name: str = "flats.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def check_message(call: Callable[[], Any], *words: str) -> None:
    """`call` raises ValueError with a place, what was expected, what was found and these words."""
    with pytest.raises(ValueError) as error:
        call()
    message = str(error.value)
    for word in ("expected ", ", got ", *words):
        assert word in message, message
    assert len(message) < 600 and "\n" not in message
