"""The two orders of the loss, p = 1 and 2: what they are called, and where the factor is least."""

from __future__ import annotations

NAMES = {1: "MAE", 2: "MSE"}
KINKS = {1: "λ", 2: "√λ"}


def kink_at(lam: float, order: int) -> float:
    """|k| = λ^(1/p)."""
    return float(lam ** (1 / order))
