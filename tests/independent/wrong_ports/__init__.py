"""Wrong ports: the NumPy port with one realistic mistake each.

They were written from the paper and the oracle's page, without knowledge of the mistakes that the
oracle recognises. Every mistake shows at ordinary values, and spreads to what depends on it.
"""

from __future__ import annotations

from tests.independent.wrong_ports import factor, loss, network, training
from tests.independent.wrong_ports.record import RECORDED, WrongPort

WRONG_PORTS: tuple[WrongPort, ...] = tuple(RECORDED)

__all__ = ["WRONG_PORTS", "WrongPort", "factor", "loss", "network", "training"]
