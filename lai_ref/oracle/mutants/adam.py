"""Mistakes in the steps of Adam, and other optimisers in its place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import ADAM, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array


@mutant("ε was added inside the root, √(v̂ + ε); it should be √v̂ + ε.", ADAM)
class EpsilonInsideRoot(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return np.sqrt(v / bias2 + eps)


@mutant("ε was added to √v before the bias correction; it should be added to √v̂.", ADAM)
class EpsilonBeforeCorrection(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, eps / math.sqrt(bias2))


@mutant("ε was missing; the denominator should be √v̂ + ε.", ADAM)
class EpsilonForgotten(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, 0.0)


@mutant("The bias correction counted steps from 0; the first step should have t = 1.", ADAM)
class StepsFromZero(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        bias1, bias2 = super().bias_corrections(beta1, beta2, t - 1)
        return bias1 or math.nan, bias2 or math.nan


@mutant("v was averaged with β₁; it should be averaged with β₂.", ADAM)
class FirstDecayForBoth(Port):
    def second_decay(self, beta1: float, beta2: float) -> float:
        return beta1


@mutant("The bias of m was not corrected; m̂ should be m/(1 − β₁^t).", ADAM)
class FirstBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return 1.0, super().bias_corrections(beta1, beta2, t)[1]


@mutant("The bias of v was not corrected; v̂ should be v/(1 − β₂^t).", ADAM)
class SecondBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return super().bias_corrections(beta1, beta2, t)[0], 1.0


@mutant("Neither m nor v was bias-corrected; the step should use m̂ and v̂.", ADAM)
class BiasesForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return 1.0, 1.0


@mutant("The bias correction was 1 − β in every step; it should be 1 − β^t.", ADAM)
class PowerOfBiasForgotten(Port):
    def bias_corrections(self, beta1: float, beta2: float, t: int) -> tuple[float, float]:
        return super().bias_corrections(beta1, beta2, 1)


@mutant("β₁ and β₂ were swapped; m should be averaged with β₁, v with β₂.", ADAM)
class BetasExchanged(Port):
    def adam_step(self, *, beta1: float, beta2: float, **rest: Any) -> tuple[Array, Array, Array]:
        return super().adam_step(beta1=beta2, beta2=beta1, **rest)


@mutant("m̂ and v̂ were carried to the next step; it should be m and v.", ADAM)
class CorrectedMomentsKept(Port):
    def next_moments(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m / bias1, v / bias2


@mutant("m and v were stored in float32; they should be stored in float64.", ADAM)
class MomentsInFloat32(Port):
    def next_moments(self, m: Array, v: Array, bias1: float, bias2: float) -> tuple[Array, Array]:
        return m.astype(np.float32).astype(m.dtype), v.astype(np.float32).astype(v.dtype)


@mutant(
    "m and v were reset to 0 before each step; they should carry over from the step before.", ADAM
)
class MomentsReset(Port):
    def adam_step(self, *, m: Array, v: Array, **rest: Any) -> tuple[Array, Array, Array]:
        return super().adam_step(m=np.zeros_like(m), v=np.zeros_like(v), **rest)


@mutant("ε was 1e-7, Keras's default; it should be the given ε.", ADAM)
class KerasEpsilon(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, 1e-7)


@mutant("ε was 1e-8, whatever was given; it should be the given ε.", ADAM)
class EpsilonIgnored(Port):
    def denominator(self, v: Array, bias2: float, eps: float) -> Array:
        return super().denominator(v, bias2, 1e-8)


@mutant("Weight decay was added to the gradient, g + 0.01 θ (L2); there should be none.", ADAM)
class CoupledWeightDecay(Port):
    def adam_step(self, *, theta: Array, grad: Array, **rest: Any) -> tuple[Array, Array, Array]:
        return super().adam_step(theta=theta, grad=grad + 0.01 * theta, **rest)


@mutant("Weight decay lr · 0.01 θ was subtracted from θ, as in AdamW; there should be none.", ADAM)
class DecoupledWeightDecay(Port):
    def adam_step(self, *, theta: Array, lr: float, **rest: Any) -> tuple[Array, Array, Array]:
        after, m, v = super().adam_step(theta=theta, lr=lr, **rest)
        return after - lr * 0.01 * theta, m, v


@mutant(
    "v was the maximum of its old and new values (AMSGrad); it should be β₂ v + (1 − β₂) g².", ADAM
)
class Amsgrad(Port):
    def second_moment(self, v: Array, grad: Array, beta: float) -> Array:
        return np.maximum(v, super().second_moment(v, grad, beta))


class _OtherDirection(Port):
    """Adam with another direction in place of m̂."""

    def adam_step(self, **given: Any) -> tuple[Array, Array, Array]:
        _, m, v = super().adam_step(**given)
        beta1, t = given["beta1"], given["t"] + 1
        _, bias2 = self.bias_corrections(beta1, given["beta2"], t)
        along = self.direction(m, given["grad"], beta1, t)
        update = self.update(along, v, 1.0, bias2, given["lr"], given["eps"])
        return given["theta"] - update, m, v

    def direction(self, m: Array, grad: Array, beta1: float, t: int) -> Array:
        """The direction of the step number t = 1, 2, …"""
        raise NotImplementedError


@mutant("Nesterov momentum was used (NAdam); the step should use m̂.", ADAM)
class NesterovMomentum(_OtherDirection):
    def direction(self, m: Array, grad: Array, beta1: float, t: int) -> Array:
        return beta1 * m / (1 - beta1 ** (t + 1)) + (1 - beta1) * grad / (1 - beta1**t)


@mutant("The step used g, without momentum (RMSprop); it should use m̂.", ADAM)
class MomentumUnused(_OtherDirection):
    def direction(self, m: Array, grad: Array, beta1: float, t: int) -> Array:
        return grad


@mutant("m was β₁ m + g, as in SGD with momentum; it should be β₁ m + (1 − β₁) g.", ADAM)
class MomentumNotDamped(Port):
    def first_moment(self, m: Array, grad: Array, beta: float) -> Array:
        return beta * m + grad


@mutant("v was averaged from |g|; it should be averaged from g².", ADAM)
class SecondMomentOfAbsolute(Port):
    def second_moment(self, v: Array, grad: Array, beta: float) -> Array:
        return self.moment(v, np.abs(grad), beta)


@mutant("The step was added to θ (ascent); it should be subtracted.", ADAM)
class StepAdded(Port):
    def update(
        self, m: Array, v: Array, bias1: float, bias2: float, lr: float, eps: float
    ) -> Array:
        return -super().update(m, v, bias1, bias2, lr, eps)
