"""Mistakes in the activations and their derivatives."""

from __future__ import annotations

import math

import numpy as np

from lai_ref.oracle.mutants.mutant import NETWORK, SLOPES, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array
from lai_ref.oracle.mutants.port_network import Unit


@mutant("f' was evaluated at a = f(z); it should be evaluated at z.", SLOPES)
class SlopeAtOutput(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(df=super().activate(activation, right.f).df)


@mutant("tanh' was 1 − a; it should be 1 − a².", SLOPES)
class TanhSlope(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(df=1 - right.f) if activation == "tanh" else right


@mutant("softplus' was 1/(1 + e^z); it should be 1/(1 + e^−z).", SLOPES)
class SoftplusSlope(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(df=self.sigmoid(-z)) if activation == "softplus" else right


@mutant(
    "softplus was computed as log(1 + e^z), which overflows; use max(z, 0) + log1p(e^−|z|).", SLOPES
)
class SoftplusOverflows(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(f=np.log1p(np.exp(z))) if activation == "softplus" else right


@mutant(
    "softplus was z for z > 20 (PyTorch's threshold); it should be log(1 + e^z) for all z.",
    tuple(group for group in SLOPES if group != "train"),
)
class SoftplusThreshold(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        if activation != "softplus":
            return right
        line = Unit(z, 1, 0)
        return Unit(*(np.where(z > 20, *parts) for parts in zip(line, right, strict=True)))


@mutant("σ(z) was computed as e^z/(1 + e^z), NaN for large z; use e^−|z|.", SLOPES)
class SigmoidOverflows(Port):
    def sigmoid(self, z: Array) -> Array:
        s: Array = np.exp(z) / (1 + np.exp(z))
        return s


@mutant("silu' was σ(z), without z σ'(z); it should be σ(z) + z σ'(z).", SLOPES)
class SiluSlope(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(df=self.sigmoid(z)) if activation == "silu" else right


@mutant("tanh'' was −2a; it should be −2a (1 − a²).", NETWORK)
class TanhCurvature(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(d2f=-2 * right.f) if activation == "tanh" else right


@mutant("softplus'' was σ(z)²; it should be σ(z) (1 − σ(z)).", NETWORK)
class SoftplusCurvature(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        return right._replace(d2f=self.sigmoid(z) ** 2) if activation == "softplus" else right


@mutant("silu'' was 2σ'(z), without z σ''(z); it should be 2σ'(z) + z σ''(z).", NETWORK)
class SiluCurvature(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        d2f = 2 * self.sigmoid(z) * self.sigmoid(-z)
        return right._replace(d2f=d2f) if activation == "silu" else right


@mutant("f'' was missing (0); the derivative of k with respect to θ should include it.", NETWORK)
class CurvatureForgotten(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        return super().activate(activation, z)._replace(d2f=np.zeros_like(z))


@mutant(
    "softplus' was computed as e^z/(1 + e^z) (as autograd does), NaN for large z; "
    "use 1/(1 + e^−z).",
    SLOPES,
)
class SoftplusAsWritten(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        if activation != "softplus":
            return super().activate(activation, z)
        e = np.exp(z)
        df = e / (1 + e)
        return Unit(np.log(1 + e), df, df * (1 - df))


@mutant("relu was leaky, 0.01 z for z < 0; it should be 0 for z < 0.", SLOPES[:3])
class LeakyRelu(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        right = super().activate(activation, z)
        if activation != "relu":
            return right
        slope = z.dtype.type(0.01)
        return Unit(np.where(z > 0, z, slope * z), np.where(z > 0, 1, slope), right.d2f)


@mutant("silu was GELU (its tanh approximation); it should be z/(1 + e^−z).", SLOPES)
class GeluForSilu(Port):
    def activate(self, activation: str, z: Array) -> Unit:
        if activation != "silu":
            return super().activate(activation, z)
        # ½ z (1 + tanh u), u = √(2/π) (z + 0.044715 z³)
        c, cubic = math.sqrt(2 / math.pi), 0.044715
        T, du, d2u = (
            np.tanh(c * z * (1 + cubic * z * z)),
            c * (1 + 3 * cubic * z * z),
            6 * c * cubic * z,
        )
        dT = (1 - T * T) * du
        d2T = (1 - T * T) * d2u - 2 * T * dT * du
        return Unit(z * (1 + T) / 2, (1 + T + z * dT) / 2, dT + z * d2T / 2)
