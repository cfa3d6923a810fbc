"""Results with a small relative error, and numbers corrupted in reading or writing."""

from __future__ import annotations

from typing import Any

import numpy as np

from lai_ref.oracle.mutants.mutant import FACTOR, LOSS, SLOPES, Mutant, mutant
from lai_ref.oracle.mutants.port import Port
from lai_ref.oracle.mutants.port_loss import Array

CODEC = ("codec",)


def _perturbed(group: str, method: str, groups: tuple[str, ...]) -> Mutant:
    """A port in which every result of `method` has a relative error of 1e-9."""
    right = getattr(Port, method)

    def wrong(self: Port, *arguments: Any, **named: Any) -> Any:
        answer = right(self, *arguments, **named)
        if isinstance(answer, tuple):
            return tuple(part * part.dtype.type(1 + 1e-9) for part in answer)
        return answer * answer.dtype.type(1 + 1e-9)

    mistake = (
        f"`{method}` had a relative error of 1e-9 (a constant with few digits?); "
        "it should be at rounding level."
    )
    port: Port = type("Perturbed", (Port,), {method: wrong})()
    return Mutant(f"fudge-in-{group.replace('_', '-')}", mistake, port, groups)


fudge_in_factor = _perturbed("factor", "factor", FACTOR)
fudge_in_loss = _perturbed("loss", "loss", LOSS)
fudge_in_input_gradient = _perturbed("input_gradient", "input_gradient", SLOPES[:1])
fudge_in_param_gradient = _perturbed("param_gradient", "param_gradient", ("param_gradient",))
fudge_in_adam = _perturbed("adam", "adam_step", ("adam", "train"))
fudge_in_train = _perturbed("train", "train", ("train",))
fudge_in_sharded = _perturbed("sharded", "sharded_gradient", ("sharded",))


@mutant(
    "Invalid input was accepted (λ ≤ 0, p = 3, unequal lengths); it should raise an error.",
    ("factor", "loss"),
)
class NothingRefused(Port):
    def require(self, condition: Any, words: str) -> None:
        pass


@mutant("Subnormal numbers were flushed to 0; they should be preserved.", CODEC)
class SubnormalsFlushed(Port):
    def codec(self, values: Array) -> Array:
        smallest = np.finfo(np.float32).smallest_normal
        return np.where(np.abs(values) < smallest, values * 0, values)


@mutant("The sign of −0 was lost; it should be preserved.", CODEC)
class SignOfZeroLost(Port):
    def codec(self, values: Array) -> Array:
        return values + 0.0


@mutant("Infinities were replaced by the largest finite number; they should be preserved.", CODEC)
class InfinitiesClipped(Port):
    def codec(self, values: Array) -> Array:
        largest = np.finfo(values.dtype).max
        return np.clip(values, -largest, largest)


@mutant("NaN was replaced by 0; it should be preserved.", CODEC)
class NanReplaced(Port):
    def codec(self, values: Array) -> Array:
        return np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)


@mutant("Numbers were written with 6 digits; it should be 17 for float64, 9 for float32.", CODEC)
class SixDigits(Port):
    def codec(self, values: Array) -> Array:
        return np.array([float(f"{value:.6g}") for value in values], values.dtype)
