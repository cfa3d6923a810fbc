"""Mistakes in the loss gradients dy and dk only; the value is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import LOSS, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("dy had the sign of t − y; it should have the sign of e = y − t.", LOSS)
class SignOfResidual(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return -super().residual_grad(e, order)


@mutant("The factor p was missing in dy; it should be 2 for MSE.", LOSS)
class PowerForgotten(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return super().residual_grad(e, order) / order


@mutant("F was detached (treated as a constant), so dk was 0; dk should be s_j |e|^p F'/N.", LOSS)
class FactorDetached(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, np.zeros_like(dF), s, order, n)


@mutant("sign e was computed as e/|e|, NaN at e = 0; use any subgradient in [−1, 1] there.", LOSS)
class SignByDivision(Port):
    def residual_grad(self, e: Array, order: int) -> Array:
        return e / np.abs(e) if order == 1 else super().residual_grad(e, order)


@mutant("1/N was missing in dy; dy should be the derivative of the mean.", LOSS)
class DyWithoutN(Port):
    def dy(self, e: Array, F: Array, s: Array, order: int, n: int) -> Array:
        return super().dy(e, F, s, order, 1)

    def plain(self, y: Array, t: Array, order: int) -> tuple[Any, Array]:
        value, dy = super().plain(y, t, order)
        return value, dy * len(y)


@mutant("1/N was missing in dk; dk should be the derivative of the mean.", LOSS)
class DkWithoutN(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, dF, s, order, 1)


@mutant("dk was computed with F; it should be computed with F'.", LOSS)
class DkWithFactor(Port):
    def gradients(
        self, e: Array, F: Array, dF: Array, s: Array, order: int, n: int
    ) -> tuple[Array, Array]:
        return super().gradients(e, F, F, s, order, n)


@mutant("dy was computed with F'; it should be computed with F.", LOSS)
class DyWithDerivative(Port):
    def gradients(
        self, e: Array, F: Array, dF: Array, s: Array, order: int, n: int
    ) -> tuple[Array, Array]:
        return super().gradients(e, dF, dF, s, order, n)


@mutant("dk was computed with e; it should be computed with |e|^p.", LOSS)
class DkWithResidual(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        dk: Array = s * (e[:, None] * dF) / n
        return dk


@mutant("dk was computed with |e| for MSE as well; it should be computed with e².", LOSS)
class SquareForgottenInDk(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, dF, s, 1, n)


@mutant("dk had the wrong sign; it should be s_j |e|^p F'/N.", LOSS)
class DkNegated(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return -super().dk(e, dF, s, order, n)


@mutant(
    "The derivative s_j of the norm was missing in dy; it should be (1 − ρ) c_j/‖c‖₂ + ρ.", LOSS
)
class NormForgottenInDy(Port):
    def dy(self, e: Array, F: Array, s: Array, order: int, n: int) -> Array:
        return super().dy(e, F, np.ones_like(s), order, n)


@mutant(
    "The derivative s_j of the norm was missing in dk; it should be (1 − ρ) c_j/‖c‖₂ + ρ.", LOSS
)
class NormForgottenInDk(Port):
    def dk(self, e: Array, dF: Array, s: Array, order: int, n: int) -> Array:
        return super().dk(e, dF, np.ones_like(s), order, n)
