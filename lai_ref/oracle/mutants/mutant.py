"""The class `Mutant`, and the decorator that makes one of a subclass of `Port`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lai_ref.oracle.mutants.port import Port

NETWORK = ("param_gradient", "train", "sharded")  # the groups that use the loss and the network
LOSS = ("loss", *NETWORK)
FACTOR = ("factor", *LOSS)
UNTRAINED = tuple(group for group in FACTOR if group != "train")  # kinks, large |k|
SLOPES = ("input_gradient", *NETWORK)
ADAM = ("adam", "train")


@dataclass(frozen=True)
class Mutant:
    """A port with one mistake; a variant has none.

    Parameters
    ----------
    name
        The name of its class, in lower case with hyphens.
    mistake
        What was wrong and what it should be; for a variant, how it computes.
    backend
        The port.
    groups
        The groups in which some answer is wrong; for a variant, in which some answer is computed
        in another way.
    """

    name: str
    mistake: str
    backend: Port
    groups: tuple[str, ...]


def mutant(mistake: str, groups: tuple[str, ...]) -> Callable[[type[Port]], Mutant]:
    """A decorator that makes a `Mutant` of a class; `KinkAtLam` is called kink-at-lam."""

    def of_class(port: type[Port]) -> Mutant:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", port.__name__).lower()
        return Mutant(name, mistake, port(), groups)

    return of_class
