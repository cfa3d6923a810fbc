"""Wrong ports to PyTorch: each is the plain port with one common mistake."""

from __future__ import annotations

from tests.ports.wrong_port import WrongPort, wrong_ports
from tests.ports.wrong_torch_formulas import FORMULAS
from tests.ports.wrong_torch_steps import STEPS
from tests.ports.wrong_torch_training import TRAINING

__all__ = ["WRONG_PORTS", "WrongPort"]

WRONG_PORTS: tuple[WrongPort, ...] = wrong_ports(FORMULAS | STEPS | TRAINING, "torch-")
