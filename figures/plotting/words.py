"""What the figures call things: losses, kinks, and the settings that stand beside numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from figures.experiments.settings import Numbers

NAMES = {1: "MAE", 2: "MSE"}  # by p
KINKS = {1: "λ", 2: "√λ"}


def loss_name(lam: float | None) -> str:
    """MSE, or λ as the paper writes it."""
    return "MSE" if lam is None else f"λ = {lam:.0e}".replace("e-0", "e-")


def listed(values: Iterable[float], form: str = "g") -> str:
    """The values, separated by commas."""
    return ", ".join(f"{value:{form}}" for value in values)


def with_range(median: float, low: float, high: float) -> str:
    """A relative change, and its smallest and largest over the seeds."""
    return f"{median:+.1%} ({low:+.1%} … {high:+.1%})"


def network_name(protocol: Mapping[str, Any]) -> str:
    """The widths of a network and its activation."""
    return f"{'-'.join(map(str, protocol['sizes']))} {protocol['activation']}"


def settings_caption(numbers: Numbers, share: str | None = None) -> str:
    """Seeds, data and protocol of a figure's numbers, in three lines; `share` in place of its α."""
    p = numbers["protocol"]
    rows = f", first {p['rows']} rows" if p["rows"] else ""
    return (
        f"{len(numbers['seeds'])} seeds; {numbers['source']}{rows}\n"
        f"network {network_name(p)}, {p['scaling']} inputs, {p['dtype']}, Adam {p['lr']:g},"
        f" batch {p['batch_size']}, {p['pretrain_epochs']} + {p['lai_epochs']} epochs;"
        f"\nL2 Lai MSE, {p['reduction']} reduction, for {share or format(p['alpha'], '.0%')}"
        f" of the {p['sampling']}"
    )
