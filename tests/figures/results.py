"""What is committed: the numbers of each figure, and the caption in its module that quotes them."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

RESULTS = Path(__file__).parents[2] / "figures" / "results"


def committed(name: str) -> dict[str, Any]:
    """The numbers of results/NAME.json."""
    numbers: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return numbers


def caption_of(figure: ModuleType) -> str:
    """Its docstring on one line."""
    return " ".join((figure.__doc__ or "").split())
