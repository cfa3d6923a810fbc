"""Mistakes in Adam."""

from __future__ import annotations

import numpy as np

from tests.independent.numpy_port import Array, NumpyPort
from tests.independent.wrong_ports.record import wrong


@wrong("adam")
class EpsBeforeBiasCorrection(NumpyPort):
    """ε is added to √v before the bias correction, the efficient form of the paper on Adam and of
    TensorFlow; here it is added to √v̂."""

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        lr = lr * np.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1))
        return theta - (lr * m / (np.sqrt(v) + eps)).astype(theta.dtype), m, v


@wrong("adam")
class NesterovMomentum(NumpyPort):
    """The step uses β₁ m̂ + (1 − β₁) g/(1 − β₁^t) as Nadam does; Adam uses m̂."""

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        ahead = (beta1 * m + (1 - beta1) * grad) / (1 - beta1 ** (t + 1))
        return theta - lr * ahead / (np.sqrt(v / (1 - beta2 ** (t + 1))) + eps), m, v


@wrong("adam")
class LargestSecondMoment(NumpyPort):
    """v never falls: the larger of the old and the new one is kept, as AMSGrad does; v is the
    moving average."""

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m = beta1 * m + (1 - beta1) * grad
        v = np.maximum(v, beta2 * v + (1 - beta2) * grad**2)
        v_hat = v / (1 - beta2 ** (t + 1))
        return theta - lr * m / (1 - beta1 ** (t + 1)) / (np.sqrt(v_hat) + eps), m, v


@wrong("adam")
class VarianceAroundMomentum(NumpyPort):
    """v averages (g − m)², the deviation from the momentum, as AdaBelief does; it averages g²."""

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * (grad - m) ** 2
        v_hat = v / (1 - beta2 ** (t + 1))
        return theta - lr * m / (1 - beta1 ** (t + 1)) / (np.sqrt(v_hat) + eps), m, v


@wrong("adam")
class OwnMoments(NumpyPort):
    """The optimiser keeps m and v of its last step and ignores those that it is given; they are
    arguments."""

    def __init__(self) -> None:
        self.moments: dict[int, tuple[Array, Array]] = {}

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        m, v = self.moments.get(len(theta), (0 * m, 0 * v))
        theta, m, v = super().adam_step(
            theta=theta, grad=grad, t=t, m=m, v=v, lr=lr, beta1=beta1, beta2=beta2, eps=eps
        )
        self.moments[len(theta)] = m, v
        return theta, m, v


@wrong("adam")
class CorrectionOneStepBehind(NumpyPort):
    """The bias correction uses the number of steps before this one, and 1 at the first step; it is
    the number with this one."""

    def adam_step(
        self, *, theta: Array, grad: Array, t: int, m: Array, v: Array, lr: float, beta1: float,
        beta2: float, eps: float,
    ) -> tuple[Array, Array, Array]:  # fmt: skip
        return super().adam_step(
            theta=theta, grad=grad, t=max(t - 1, 0), m=m, v=v, lr=lr, beta1=beta1, beta2=beta2,
            eps=eps,
        )  # fmt: skip
