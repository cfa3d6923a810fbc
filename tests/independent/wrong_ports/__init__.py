"""Wrong ports: the NumPy port with one realistic mistake each.

They were written from the paper and the oracle's page, without reading its mutants, its diagnosis
or its tests. Every mistake shows at ordinary values and affects all results that depend on it. Two
ports keep state from one call to the next on purpose: `lam-of-the-first-call` and `own-moments`.
"""

from __future__ import annotations

# each module records its ports when it is imported
from tests.independent.wrong_ports import (  # noqa: F401
    adam,
    double_backward,
    factor,
    loss,
    network,
    training,
)
from tests.independent.wrong_ports.record import RECORDED, WrongPort

__all__ = ["WRONG_PORTS", "WrongPort"]

WRONG_PORTS: tuple[WrongPort, ...] = tuple(RECORDED)
