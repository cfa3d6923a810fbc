"""Wrong ports, one plausible mistake each, and correct ones that compute in another way.

What the cases are worth is measured by the wrong ones, which have to fail, and the right ones,
which have to pass. A port that fails is compared with the wrong ones: the nearest names its
mistake.
"""

from types import ModuleType

from lai_ref.oracle.mutants import (
    activation,
    adam,
    factor,
    factor_derivative,
    loss,
    loss_gradient,
    network,
    norm,
    results,
    sharded,
    training,
    variants,
    variants_network,
)
from lai_ref.oracle.mutants.mutant import Mutant

__all__ = ["MUTANTS", "VARIANTS", "Mutant"]


def _made_in(*modules: ModuleType) -> tuple[Mutant, ...]:
    """In the order in which they are defined."""
    return tuple(each for m in modules for each in vars(m).values() if isinstance(each, Mutant))


MUTANTS = _made_in(
    *(factor, factor_derivative, loss, loss_gradient, norm),
    *(network, activation, adam, training, sharded, results),
)
VARIANTS = _made_in(variants, variants_network)
