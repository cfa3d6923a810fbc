"""How a wrong port is recorded: a class that overrides a step of the correct port."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.independent.numpy_port import NumpyPort


@dataclass(frozen=True)
class WrongPort:
    """The correct port with one mistake."""

    name: str
    mistake: str  # what was done wrong, and what is right
    group: str  # the first group of the oracle in which the mistake itself lies
    port: NumpyPort


RECORDED: list[WrongPort] = []


def wrong(group: str) -> Callable[[type[NumpyPort]], type[NumpyPort]]:
    """Record a class; its docstring is the mistake, and its name in lower case the name."""

    def record(port: type[NumpyPort]) -> type[NumpyPort]:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", port.__name__).lower()
        RECORDED.append(WrongPort(name, " ".join((port.__doc__ or "").split()), group, port()))
        return port

    return record
