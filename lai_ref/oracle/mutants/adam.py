"""Mistakes in the steps of Adam."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import ADAM, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("ε was added inside the root, √(v̂ + ε); it is √v̂ + ε.", ADAM)
class EpsilonInsideRoot(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return np.sqrt(v / bias2 + eps)


@mutant("ε was added to √v before the bias correction; it is added to √v̂.", ADAM)
class EpsilonBeforeCorrection(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, eps / math.sqrt(bias2))


@mutant("ε was left out.", ADAM)
class EpsilonForgotten(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, 0.0)


@mutant("The bias correction counted steps from 0; the first step has t = 1.", ADAM)
class StepsFromZero(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        bias1, bias2 = super().bias_corrections(beta1, beta2, t - 1)
        return bias1 or math.nan, bias2 or math.nan


@mutant("v was averaged with β₁; it has a β₂ of its own.", ADAM)
class FirstDecayForBoth(Port):
    def second_decay(self, beta1: float, beta2: float) -> float:
        return beta1


@mutant("The bias of m was not corrected.", ADAM)
class FirstBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return 1.0, super().bias_corrections(beta1, beta2, t)[1]


@mutant("The bias of v was not corrected.", ADAM)
class SecondBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return super().bias_corrections(beta1, beta2, t)[0], 1.0


@mutant("No bias was corrected, neither that of m nor that of v.", ADAM)
class BiasesForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return 1.0, 1.0


@mutant("The bias was corrected by 1 − β without the power; it is 1 − β^t.", ADAM)
class PowerOfBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return super().bias_corrections(beta1, beta2, 1)


@mutant("β₁ and β₂ were exchanged.", ADAM)
class BetasExchanged(Port):
    def adam_step(self, *, beta1: float, beta2: float, **rest: Any) -> tuple[Array, Array, Array]:
        return super().adam_step(beta1=beta2, beta2=beta1, **rest)


@mutant("m̂ and v̂ were kept for the next step; m and v are kept.", ADAM)
class CorrectedMomentsKept(Port):
    def next_moments(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m / bias1, v / bias2


@mutant("m and v were kept in float32 where the answer is float64.", ADAM)
class MomentsInFloat32(Port):
    def next_moments(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m.astype(np.float32).astype(m.dtype), v.astype(np.float32).astype(v.dtype)


@mutant("m and v started from 0 at every step; they go on from the step before.", ADAM)
class MomentsReset(Port):
    def adam_step(self, *, m: Array, v: Array, **rest: Any) -> tuple[Array, Array, Array]:
        return super().adam_step(m=np.zeros_like(m), v=np.zeros_like(v), **rest)
