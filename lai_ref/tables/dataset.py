"""A regression table, ready to be split and scaled."""

from __future__ import annotations

from typing import NamedTuple

from lai_ref.support.validation import Array


class Dataset(NamedTuple):
    """A regression table: n rows to train on, m rows without a target, and their source.

    Attributes
    ----------
    x, t
        Inputs (n, D) and targets (n,), float64. For California housing t is the median house value
        in 100,000 dollars.
    x_test
        Inputs (m, D) without targets.
    features, target
        The names of the D columns of x, and of the target.
    source
        Where the numbers come from, in words for a table or a caption.
    notes
        Sentences for the user: columns left out, rows dropped.
    """

    x: Array
    t: Array
    x_test: Array
    features: tuple[str, ...]
    source: str
    target: str = "MedHouseVal"
    notes: tuple[str, ...] = ()
