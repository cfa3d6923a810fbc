"""What the figures call things: losses, kinks, and the settings that stand beside numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill, wrap
from typing import Any

from figures.experiments.protocol import UNIT
from figures.experiments.settings import Numbers

NAMES = {1: "MAE", 2: "MSE"}  # by p
# what a sampling does, with α in place of {}
SAMPLED = {
    "batches": "{} of the batches",
    "points": "{} of the points, in the batches of the others",
    "separate": "{} of the points, in one step of their own per epoch",
}
KINKS = {1: "λ", 2: "√λ"}


def loss_name(lam: float | None) -> str:
    """MSE, or λ as the paper writes it."""
    return "MSE" if lam is None else f"λ = {lam:.0e}".replace("e-0", "e-")


def listed(values: Iterable[float], form: str = "g") -> str:
    """The values, separated by commas."""
    return ", ".join(f"{value:{form}}" for value in values)


def from_to(values: Iterable[float], form: str = "g") -> str:
    """The smallest and the largest value, or the one value that both are as printed."""
    every = list(values)
    low, high = f"{min(every):{form}}", f"{max(every):{form}}"
    return low if low == high else f"{low} to {high}"


def with_interval(change: Mapping[str, Any], form: str = "+.1%") -> str:
    """A relative change and its 95 % interval, where it has one."""
    mean, low, high = (change[name] for name in ("mean", "low", "high"))
    return f"{mean:{form}}" + ("" if low is None else f" [{low:{form}}, {high:{form}}]")


def short_names(names: Sequence[str], width: int = 19) -> list[str]:
    """The names, the long ones without their middle; equal ones then have their number there."""
    short = [_without_middle(name, width, "…") for name in names]
    return [
        _without_middle(name, width, f"…{j}…") if short.count(short[j - 1]) > 1 else short[j - 1]
        for j, name in enumerate(names, start=1)
    ]


def _without_middle(name: str, width: int, middle: str) -> str:
    if len(name) <= width:
        return name
    end = (width - len(middle)) // 2
    return f"{name[: width - len(middle) - end]}{middle}{name[-end:]}"


def balanced(text: str, width: int) -> str:
    """The text in as few lines as `width` allows, of about equal length: no last word alone."""
    count = len(wrap(text, width))
    while width > 1 and len(wrap(text, width - 1)) == count:
        width -= 1
    return fill(text, width)


def network_name(protocol: Mapping[str, Any]) -> str:
    """The widths of a network and its activation."""
    return f"{'-'.join(map(str, protocol['sizes']))} {protocol['activation']}"


def unit_of(numbers: Mapping[str, Any]) -> str:
    """The unit of a figure's target; that of a CSV file is known to its owner only."""
    return f"units of {numbers['target']}" if "target" in numbers else UNIT


def settings_caption(numbers: Numbers, share: str | None = None) -> str:
    """Seeds, data and protocol of a figure's numbers, in three lines; `share` in place of its α."""
    p = numbers["protocol"]
    rows = f", first {p['rows']} rows" if p["rows"] else ""
    if isinstance(p.get("train_rows"), int):
        rows += f", {p['train_rows']:,} rows drawn to train on"
    both = " and target" if p.get("target_scaling") == "standard" else ""
    rate, alpha = f"{p['lr']:g}", share or format(p["alpha"], ".0%")
    return (
        f"{len(numbers['seeds'])} seeds; {numbers['source']}{rows}\n"
        f"network {network_name(p)}, {p['scaling']} inputs{both}, {p['dtype']}, Adam {rate},"
        f" batch {p['batch_size']}, {p['pretrain_epochs']} + {p['lai_epochs']} epochs;"
        f"\nL2 Lai MSE, {p['reduction']} reduction, for {SAMPLED[p['sampling']].format(alpha)}"
    )
