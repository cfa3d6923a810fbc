"""Wrong ports, one plausible mistake each, and correct ones that compute in another way.

What the cases are worth is measured by the wrong ones, which have to fail, and the right ones,
which have to pass. A port that fails is compared with the wrong ones: the nearest names its
mistake.
"""

from lai_ref.oracle.mutants import (
    adam,
    factor,
    loss,
    network,
    results,
    training,
    variants,
    variants_network,
)
from lai_ref.oracle.mutants.mutant import Mutant

__all__ = ["MUTANTS", "VARIANTS", "Mutant"]

MUTANTS: tuple[Mutant, ...] = tuple(
    each
    for module in (factor, loss, network, adam, training, results)
    for each in vars(module).values()
    if isinstance(each, Mutant)
)
VARIANTS: tuple[Mutant, ...] = tuple(
    each
    for module in (variants, variants_network)
    for each in vars(module).values()
    if isinstance(each, Mutant)
)
