"""A port with one mistake, and the description of the mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WrongPort:
    """A port; `group` is the first group, in the order of `oracle.GROUPS`, with the mistake."""

    name: str
    mistake: str
    group: str
    port: Any


def wrong_ports(by_group: Mapping[str, list[type[Any]]], prefix: str) -> tuple[WrongPort, ...]:
    """One `WrongPort` per class, whose docstring states the mistake and what is right."""
    return tuple(
        WrongPort(
            name=prefix + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower(),
            mistake=" ".join((cls.__doc__ or "").split()),
            group=group,
            port=cls(),
        )
        for group, classes in by_group.items()
        for cls in classes
    )
