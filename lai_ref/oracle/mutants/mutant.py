"""What a mutant is, and how a class that overrides methods of `Port` becomes one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from lai_ref.oracle.mutants.port import Port

NETWORK = ("param_gradient", "train", "sharded")  # where the loss meets the network
LOSS = ("loss", *NETWORK)
FACTOR = ("factor", *LOSS)
UNTRAINED = tuple(group for group in FACTOR if group != "train")  # kinks, k too steep to train
SLOPES = ("input_gradient", *NETWORK)
ADAM = ("adam", "train")


@dataclass(frozen=True)
class Mutant:
    """A port with one mistake, or, among the variants, with none.

    Parameters
    ----------
    name
        Of the class that it was made from, with hyphens.
    mistake
        What was done wrong and what is right; for a variant, how it computes.
    backend
        The port.
    groups
        Where it shows.
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
