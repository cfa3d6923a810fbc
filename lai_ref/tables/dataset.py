"""A regression table, ready to be split and scaled."""

from __future__ import annotations

from typing import NamedTuple

from lai_ref.support.validation import Array


class Dataset(NamedTuple):
    """A regression table: n rows to train on, m rows without a target, and their source."""

    x: Array  # (n, D), float64
    t: Array  # (n,); for California housing, the median house value in 100,000 dollars
    x_test: Array  # (m, D)
    features: tuple[str, ...]  # the names of the D columns
    source: str  # where the numbers come from, in words for a table or a caption
    target: str = "MedHouseVal"  # the name of the target's column
    notes: tuple[str, ...] = ()  # sentences for the user: columns left out, rows dropped
