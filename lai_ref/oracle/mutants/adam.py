"""Mistakes in the steps of Adam."""

from __future__ import annotations

import math

import numpy as np

from lai_ref.oracle.mutants.mutant import ADAM, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("ε was added inside the root, √(v̂ + ε); it is √v̂ + ε.", ADAM)
class EpsilonInsideRoot(Port):
    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        step: Array = lr * (m / bias1) / np.sqrt(v / bias2 + eps)
        return step


@mutant("ε was added to √v before the bias correction; it is added to √v̂.", ADAM)
class EpsilonBeforeCorrection(Port):
    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        return super().update(m, v, bias1, bias2, lr, eps / math.sqrt(bias2))


@mutant("ε was left out.", ADAM)
class EpsilonForgotten(Port):
    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        return super().update(m, v, bias1, bias2, lr, 0.0)


@mutant("The bias correction counted steps from 0; the first step has t = 1.", ADAM)
class StepsFromZero(Port):
    def first_bias(self, beta1: float, t: int) -> float:
        return super().first_bias(beta1, t - 1) or math.nan

    def second_bias(self, beta2: float, t: int) -> float:
        return super().second_bias(beta2, t - 1) or math.nan


@mutant("v was averaged with β₁; it has a β₂ of its own.", ADAM)
class FirstDecayForBoth(Port):
    def adam_step(
        self,
        theta: Array,
        grad: Array,
        t: int,
        m: Array,
        v: Array,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Array, Array, Array]:
        m, v = self.moment(m, grad, beta1), self.moment(v, grad * grad, beta1)
        bias1, bias2 = self.first_bias(beta1, t + 1), self.second_bias(beta2, t + 1)
        return theta - self.update(m, v, bias1, bias2, lr, eps), m, v


@mutant("The bias of m was not corrected.", ADAM)
class FirstBiasForgotten(Port):
    def first_bias(self, beta1: float, t: int) -> float:
        return 1.0


@mutant("The bias of v was not corrected.", ADAM)
class SecondBiasForgotten(Port):
    def second_bias(self, beta2: float, t: int) -> float:
        return 1.0


@mutant("No bias was corrected, neither that of m nor that of v.", ADAM)
class BiasesForgotten(Port):
    def first_bias(self, beta1: float, t: int) -> float:
        return 1.0

    def second_bias(self, beta2: float, t: int) -> float:
        return 1.0


@mutant("The bias was corrected by 1 − β without the power; it is 1 − β^t.", ADAM)
class PowerOfBiasForgotten(Port):
    def first_bias(self, beta1: float, t: int) -> float:
        return super().first_bias(beta1, 1)

    def second_bias(self, beta2: float, t: int) -> float:
        return super().second_bias(beta2, 1)


class _Steps(Port):
    """`adam_step` with a place each for what goes in and what comes out."""

    def adam_step(
        self,
        theta: Array,
        grad: Array,
        t: int,
        m: Array,
        v: Array,
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Array, Array, Array]:
        state, betas = self.state(t, m, v), self.betas(beta1, beta2)
        theta, m, v = super().adam_step(theta, grad, *state, lr, *betas, eps)
        return theta, *self.kept(m, v, 1 - beta1 ** (t + 1), 1 - beta2 ** (t + 1))

    def state(self, t: int, m: Array, v: Array) -> tuple[int, Array, Array]:
        """What the step starts from."""
        return t, m, v

    def betas(self, beta1: float, beta2: float) -> tuple[float, float]:
        """What the moments decay with."""
        return beta1, beta2

    def kept(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        """What is kept for the next step."""
        return m, v


@mutant("β₁ and β₂ were exchanged.", ADAM)
class BetasExchanged(_Steps):
    def betas(self, beta1: float, beta2: float) -> tuple[float, float]:
        return beta2, beta1


@mutant("m̂ and v̂ were kept for the next step; m and v are kept.", ADAM)
class CorrectedMomentsKept(_Steps):
    def kept(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m / bias1, v / bias2


@mutant("m and v were kept in float32 where the answer is float64.", ADAM)
class MomentsInFloat32(_Steps):
    def kept(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m.astype(np.float32).astype(m.dtype), v.astype(np.float32).astype(v.dtype)


@mutant("m and v started from 0 at every step; they go on from the step before.", ADAM)
class MomentsReset(_Steps):
    def state(self, t: int, m: Array, v: Array) -> tuple[int, Array, Array]:
        return t, np.zeros_like(m), np.zeros_like(v)
