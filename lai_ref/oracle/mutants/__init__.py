"""Mutants (wrong ports with one plausible mistake each) and correct variants of the port.

They measure the cases: every mutant must fail and every variant must pass. The diagnosis compares
a port that fails with the mutants and reports the mistake of the closest one.
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
    """All mutants of the modules, in the order of their definition."""
    return tuple(each for m in modules for each in vars(m).values() if isinstance(each, Mutant))


MUTANTS = _made_in(
    *(factor, factor_derivative, loss, loss_gradient, norm),
    *(network, activation, adam, training, sharded, results),
)
VARIANTS = _made_in(variants, variants_network)
