"""What a port looks like to the oracle, and `lai_ref` itself as one.

A backend is any object with any of the methods of `Backend`; what it lacks is reported as not
implemented. Every argument is passed by its name: arrays in the dtype that is graded, λ as a number
or an array (D,), all other numbers as Python's. θ is one vector, for each layer W (fan_in, fan_out)
row by row, then b.
"""

from __future__ import annotations

import inspect
import warnings
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import numpy as np

from lai_ref.adam import Adam, AdamState
from lai_ref.arguments import Array
from lai_ref.factor import lai_factor, lai_factor_slope
from lai_ref.lai import Lai
from lai_ref.losses import Loss, Plain
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad, value_and_grad_mixed
from lai_ref.oracle.case import INPUTS, LAM, NUMBER, OUTPUTS, Case, mapped
from lai_ref.oracle.grade import Refused, Unusable

Lam: TypeAlias = float | Array
METHODS = {
    "codec": "codec",
    "factor": "factor",
    "loss": "loss",
    "input_gradient": "input_gradient",
    "param_gradient": "param_gradient",
    "adam": "adam_step",
    "train": "train",
    "sharded": "sharded_gradient",
}


class Backend(Protocol):
    """The methods that a port may have. A `loss` that is a dict reads

    ``{"name": "plain", "order": 2}`` or
    ``{"name": "lai", "lam": …, "order": …, "l1_ratio": …, "reduction": "batch" | "sample"}``.
    """

    def factor(self, *, k: Array, lam: float, order: int) -> tuple[Array, Array]:
        """F_p(k; λ) and F_p'(k; λ), each (n,), for slopes k (n,)."""

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Lam, order: int, l1_ratio: float, reduction: str
    ) -> tuple[Any, Array, Array]:
        """The Lai loss, and its derivatives dy (N,), dk (N, D), for y, t (N,) and k (N, D)."""

    def input_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array]:
        """The network's y (N,) and k = ∂y/∂x (N, D) at x (N, D)."""

    def param_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
    ) -> tuple[Any, Array]:
        """The loss of the batch and its derivative with respect to θ, (P,)."""

    def adam_step(
        self,
        *,
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
        """θ, m and v (P,) after one step of Adam; t steps were taken before it."""

    def train(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        m: Array,
        v: Array,
        step: int,
        x: Array,
        t: Array,
        plain: int,
        loss: dict[str, Any],
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        batches: list[tuple[Array, Array]],
    ) -> Array:
        """θ after each step of Lai Training, (steps, P); `step` steps were taken before.

        A batch is its rows of x and t, and those among them that get the Lai loss `loss`; the
        others get mean |e|^p with p = `plain`, and L = (n_plain · plain + n_lai · lai)/n.
        """

    def sharded_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
        shards: list[Array],
    ) -> tuple[Any, Array]:
        """As `param_gradient`, the batch split over workers, each with the rows of one shard.

        The mean per feature is that of all workers' samples; the norm comes after it.
        """


class Reference:
    """`lai_ref` as a backend."""

    def factor(self, *, k: Array, lam: float, order: int) -> tuple[Array, Array]:
        return lai_factor(k, lam, order), lai_factor_slope(k, lam, order)

    def loss(
        self, *, y: Array, t: Array, k: Array, lam: Lam, order: int, l1_ratio: float, reduction: str
    ) -> tuple[Any, Array, Array]:
        return Lai(lam, order, l1_ratio, reduction)(y, t, k)

    def input_gradient(
        self, *, sizes: list[int], activation: str, theta: Array, x: Array
    ) -> tuple[Array, Array]:
        net = MLP(sizes, activation)
        y, tape = net.forward(theta, x)
        return y, net.input_gradient(tape)[0]

    def param_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
    ) -> tuple[Any, Array]:
        return value_and_grad(MLP(sizes, activation), theta, x, t, _loss(loss))

    def adam_step(
        self,
        *,
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
        theta, state = Adam(lr, beta1, beta2, eps).step(theta, grad, AdamState(t, m, v))
        return theta, state.m, state.v

    def train(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        m: Array,
        v: Array,
        step: int,
        x: Array,
        t: Array,
        plain: int,
        loss: dict[str, Any],
        lr: float,
        beta1: float,
        beta2: float,
        eps: float,
        batches: list[tuple[Array, Array]],
    ) -> Array:
        net, opt, state = MLP(sizes, activation), Adam(lr, beta1, beta2, eps), AdamState(step, m, v)
        thetas = []
        for rows, lai_rows in batches:
            mask = np.isin(rows, lai_rows)
            _, grad = value_and_grad_mixed(
                net, theta, x[rows], t[rows], Plain(plain), _loss(loss), mask
            )
            theta, state = opt.step(theta, grad, state)
            thetas.append(theta)
        return np.array(thetas)

    def sharded_gradient(
        self,
        *,
        sizes: list[int],
        activation: str,
        theta: Array,
        x: Array,
        t: Array,
        loss: dict[str, Any],
        shards: list[Array],
    ) -> tuple[Any, Array]:
        rows = np.concatenate(shards)
        return value_and_grad(MLP(sizes, activation), theta, x[rows], t[rows], _loss(loss))


reference = Reference()


def ask(backend: object, case: Case, dtype: str) -> dict[str, Any] | Refused | Unusable | None:
    """A backend's answer to a case, nested lists of Decimals; None if it implements no such method.

    Only an error that the method raises counts as a refusal: a method that cannot be called as the
    protocol says, or whose results cannot be read, is unusable, and passes nowhere.
    """
    method = getattr(backend, METHODS[case.group], None)
    if method is None and case.group == "codec":
        method = _codec
    if method is None:
        return None
    given = arguments(case, dtype)
    try:
        inspect.signature(method).bind(**given)
    except TypeError as error:
        return Unusable(f"{METHODS[case.group]} cannot be called with {', '.join(given)}: {error}")
    except ValueError:
        pass  # no signature to be had, as of functions written in C
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some cases are there to overflow
            answer = method(**given)
    except NotImplementedError:
        return None
    except Exception as error:  # of a port, about which nothing is known
        return Refused(f"{type(error).__name__}: {error}")
    names = tuple(OUTPUTS[case.group])
    parts = answer if isinstance(answer, tuple | list) and len(names) > 1 else (answer,)
    if len(parts) != len(names):
        return Unusable(f"expected {len(names)} results ({', '.join(names)}), got {len(parts)}")
    try:
        return {name: _decimals(part) for name, part in zip(names, parts, strict=True)}
    except Exception as error:
        words = f"results that NumPy cannot read as arrays of numbers: {error}"
        return Unusable(f"{words} (tensors of another library may have to be detached first)")


def _decimals(part: Any) -> Any:
    numbers = np.asarray(part)
    if numbers.dtype.kind not in "fiu":
        raise TypeError(f"dtype {numbers.dtype}")
    return mapped(Decimal, numbers.astype(np.float64).tolist())


def _codec(values: Array) -> Array:
    """What a Python backend reads is what this module hands it."""
    return values


def arguments(case: Case, dtype: str) -> dict[str, Any]:
    """A case's inputs as a backend takes them, fresh arrays each time."""
    return {name: _argument(name, value, case.group, dtype) for name, value in case.inputs.items()}


def _argument(name: str, value: Any, group: str, dtype: str) -> Any:
    kind = INPUTS[group][name]
    if kind is dict:
        return {
            key: _lam(part, dtype) if key == LAM else float(part) if key == "l1_ratio" else part
            for key, part in value.items()
        }
    if name == "batches":
        return [(_rows(batch["rows"]), _rows(batch["lai_rows"])) for batch in value]
    if name == "shards":
        return [_rows(shard) for shard in value]
    if kind == LAM:
        return _lam(value, dtype)
    if kind == NUMBER and not isinstance(kind, type):
        return float(value)
    if kind is list:
        return list(value)  # the port's own, to do with as it likes
    if kind in (int, str):
        return value
    return np.array(mapped(float, value), dtype=dtype)


def _lam(value: Any, dtype: str) -> Any:
    return np.array(mapped(float, value), dtype=dtype) if isinstance(value, list) else float(value)


def _rows(rows: list[int]) -> Array:
    return np.array(rows, dtype=np.intp)


def _loss(loss: dict[str, Any]) -> Loss:
    numbers = {key: value for key, value in loss.items() if key != "name"}
    return Plain(**numbers) if loss["name"] == "plain" else Lai(**numbers)
