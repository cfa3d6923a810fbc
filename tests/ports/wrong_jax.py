"""Wrong ports to JAX: each is the plain port with one common mistake.

For float64, enable x64 first, as in plain_jax.py.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from tests.ports.plain_jax import ACTIVATIONS, Params, PlainJax, Tensor, check, check_loss
from tests.ports.wrong_port import WrongPort, wrong_ports

# factor


class ClipToOne(PlainJax):
    """|k|^p was clipped to the interval from λ to 1; it has no upper bound."""

    def larger(self, power: Tensor, lam: Any) -> Tensor:
        return jnp.maximum(jnp.clip(power, max=1), lam)


class IntegerExponent(PlainJax):
    """The exponent of 1 + k² was p // 2, which is 0 for p = 1; it is p / 2."""

    def lai_factor(self, k: Tensor, lam: Any, order: int) -> Tensor:
        lam = jnp.asarray(lam, dtype=k.dtype)
        top = self.larger(jnp.abs(k) ** order, lam)
        return top / (1 + k**2) ** (order // 2) / jnp.minimum(lam, 1)


class FactorWithItsOwnRule(PlainJax):
    """A custom_jvp of F returned F'(|k|); F' is odd in k."""

    def factor(self, *, k: Any, lam: float, order: int) -> Any:
        check(order, lam, k)
        f = jax.custom_jvp(lambda k_i: self.lai_factor(k_i, lam, order))

        @f.defjvp  # type: ignore[untyped-decorator]
        def rule(primals: Any, tangents: Any) -> Any:
            (k_i,), (dk,) = primals, tangents
            derivative = jax.grad(lambda s: self.lai_factor(s, lam, order))(jnp.abs(k_i))
            return f(k_i), derivative * dk

        return jax.vmap(jax.value_and_grad(f))(jnp.asarray(k))


# loss


class ResidualWithStoppedGradient(PlainJax):
    """stop_gradient held |e|^p constant as a weight of F; the loss has a gradient through y."""

    def lai_loss(self, y: Tensor, t: Tensor, k: Tensor, **loss: Any) -> Tensor:
        return super().lai_loss(jax.lax.stop_gradient(y), t, k, **loss)


class UnguardedRoot(PlainJax):
    """The 2-norm was where(s > 0, sqrt(s), 0), whose gradient at the zero vector is NaN; guard
    the argument of sqrt as well, so that it is 0."""

    def norm2(self, c: Tensor) -> Tensor:
        square = jnp.sum(c**2, axis=-1)
        return jnp.where(square > 0, jnp.sqrt(square), 0)


class GradientOfTheTargets(PlainJax):
    """argnums=(1, 2) differentiated with respect to t in place of y; dy is argument 0."""

    def loss(self, *, y: Any, t: Any, k: Any, **loss: Any) -> Any:
        check(loss["order"], loss["lam"], y, t, k)
        check_loss(y, t, k, **loss)
        value_and_grad = jax.value_and_grad(partial(self.lai_loss, **loss), argnums=(1, 2))
        value, (dy, dk) = value_and_grad(*map(jnp.asarray, (y, t, k)))
        return value, dy, dk


class MeanOfSampleGradients(PlainJax):
    """dy and dk came from vmap(grad) over the samples' own losses, without 1/N and without the
    norm of the mean; differentiate the loss of the whole batch."""

    def loss(self, *, y: Any, t: Any, k: Any, **loss: Any) -> Any:
        value, _, _ = super().loss(y=y, t=t, k=k, **loss)

        def of_one(y_i: Tensor, t_i: Tensor, k_i: Tensor) -> Tensor:
            return self.lai_loss(y_i[None], t_i[None], k_i[None], **loss)

        dy, dk = jax.vmap(jax.grad(of_one, argnums=(0, 2)))(*map(jnp.asarray, (y, t, k)))
        return value, dy, dk


# input_gradient


class SoftSign(PlainJax):
    """softplus was jax.nn.soft_sign, z/(1 + |z|); it is log(1 + e^z)."""

    activations = ACTIVATIONS | {"softplus": jax.nn.soft_sign}


@jax.custom_jvp  # type: ignore[untyped-decorator]
def _silu(z: Tensor) -> Tensor:
    return z * jax.nn.sigmoid(z)


@_silu.defjvp  # type: ignore[untyped-decorator]
def _silu_jvp(primals: Any, tangents: Any) -> Any:
    (z,), (dz,) = primals, tangents
    return _silu(z), jax.nn.sigmoid(z) * dz


class SiluWithHalfItsRule(PlainJax):
    """The custom_jvp of silu was σ(z) alone; the derivative of z σ(z) is σ(z) + z σ'(z)."""

    activations = ACTIVATIONS | {"silu": _silu}


# param_gradient


class LossUnderVmap(PlainJax):
    """The loss of each sample was computed under vmap and then averaged, so that `batch` became
    `sample`; the mean over the samples comes before the norm."""

    def objective(
        self, params: Params, activation: str, x: Tensor, t: Tensor, loss: dict[str, Any]
    ) -> Tensor:
        def of_one(x_i: Tensor, t_i: Tensor) -> Tensor:
            return PlainJax.objective(self, params, activation, x_i[None], t_i[None], loss)

        return jax.vmap(of_one)(x, t).mean()


class ParametersWithStoppedGradient(PlainJax):
    """stop_gradient was applied to the weights of the first layer, as in a frozen network; they are
    parameters like all others."""

    def objective(
        self, params: Params, activation: str, x: Tensor, t: Tensor, loss: dict[str, Any]
    ) -> Tensor:
        params = [jax.lax.stop_gradient(params[0]), *params[1:]]
        return super().objective(params, activation, x, t, loss)


class RavelledInOrderOfKeys(PlainJax):
    """ravel_pytree sorted the keys of each layer, so that b came before W in ∂L/∂θ; θ has W
    first."""

    def param_gradient(
        self, *, sizes: list[int], activation: str, theta: Any, x: Any, t: Any, loss: dict[str, Any]
    ) -> Any:
        value, grad = super().param_gradient(
            sizes=sizes, activation=activation, theta=theta, x=x, t=t, loss=loss
        )
        layers = [{"weight": w, "bias": b} for w, b in self.unflatten(sizes, grad)]
        return value, ravel_pytree(layers)[0]


# adam


class MomentsSwapped(PlainJax):
    """The state of Adam was unpacked as (v, m), so that the moments were swapped; it is (m, v)."""

    def adam(
        self, theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, t: int, **constants: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        theta, v, m = super().adam(theta, grad, m, v, t, **constants)
        return theta, m, v


class MomentsInHalfPrecision(PlainJax):
    """The moments were stored in bfloat16 to save memory (mu_dtype); they have the dtype of θ."""

    def adam(
        self, theta: Tensor, grad: Tensor, m: Tensor, v: Tensor, t: int, **constants: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        theta, m, v = super().adam(theta, grad, m, v, t, **constants)
        return theta, *(a.astype(jnp.bfloat16).astype(theta.dtype) for a in (m, v))


# train


class CarryBeforeTheStep(PlainJax):
    """The scan returned θ before each step; the answer is θ after each step."""

    def train(self, *, theta: Any, **case: Any) -> Any:
        thetas = super().train(theta=theta, **case)
        return jnp.concatenate([jnp.asarray(theta)[None], thetas[:-1]])


class FirstBatchTraced(PlainJax):
    """The jitted gradient closed over the batch, so that the first batch was traced as a constant
    and used in every step; pass the batch as an argument."""

    def train(
        self, *, sizes: list[int], activation: str, theta: Any, m: Any, v: Any, step: int,
        x: Any, t: Any, plain: int, loss: dict[str, Any], batches: Any, **constants: float,
    ) -> Any:  # fmt: skip
        batch: dict[str, Any] = {}

        @jax.jit  # type: ignore[untyped-decorator]
        def gradient(theta: Tensor) -> Tensor:
            def value(theta: Tensor) -> Tensor:
                params = self.unflatten(sizes, theta)
                return self.mixed_objective(params, activation, plain=plain, loss=loss, **batch)

            return jax.grad(value)(theta)

        theta, m, v, thetas = *map(jnp.asarray, (theta, m, v)), []
        for rows, lai_rows in batches:
            step += 1
            batch.update(x=x[rows], t=t[rows], is_lai=np.isin(rows, lai_rows))
            theta, m, v = self.adam(theta, gradient(theta), m, v, step, **constants)
            thetas.append(theta)
        return jnp.stack(thetas)


# sharded


class ShardsPaddedByZeros(PlainJax):
    """Shards were padded with zeros to one length for pmap, and the zeros were counted as samples;
    mask them out of the mean."""

    def sharded_gradient(self, *, x: Any, t: Any, shards: Any, **rest: Any) -> Any:
        n = max(map(len, shards))
        padding = np.full(sum(n - len(rows) for rows in shards), -1)
        rows = np.concatenate([*shards, padding]).astype(int)
        x, t = np.vstack([x, 0 * x[:1]]), np.append(t, 0 * t[0])  # the last is the padding
        return self.param_gradient(x=x[rows], t=t[rows], **rest)


class RemainderDropped(PlainJax):
    """Shards were cut to the length of the shortest, and the remainder was dropped; all samples
    belong to the batch."""

    def sharded_gradient(self, *, shards: Any, **rest: Any) -> Any:
        n = min(map(len, shards))
        return super().sharded_gradient(shards=[rows[:n] for rows in shards], **rest)


WRONG_PORTS: tuple[WrongPort, ...] = wrong_ports(
    {
        "factor": [ClipToOne, IntegerExponent, FactorWithItsOwnRule],
        "loss": [
            ResidualWithStoppedGradient,
            UnguardedRoot,
            GradientOfTheTargets,
            MeanOfSampleGradients,
        ],
        "input_gradient": [SoftSign, SiluWithHalfItsRule],
        "param_gradient": [LossUnderVmap, ParametersWithStoppedGradient, RavelledInOrderOfKeys],
        "adam": [MomentsSwapped, MomentsInHalfPrecision],
        "train": [CarryBeforeTheStep, FirstBatchTraced],
        "sharded": [ShardsPaddedByZeros, RemainderDropped],
    },
    "jax-",
)
