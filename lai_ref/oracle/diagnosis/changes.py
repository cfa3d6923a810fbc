"""Changes of a group's inputs that are common mistakes: λ² for λ, the other p, samples reversed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

Inputs: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Inputs], Inputs]
Function: TypeAlias = Callable[[Any], Any]

OTHER = {"batch": "sample", "sample": "batch"}

LAM: Mapping[str, Function] = {
    "λ² in place of λ": np.square,
    "√λ in place of λ": np.sqrt,
    "1/λ in place of λ": np.reciprocal,
    "λ = 1 in every case": np.ones_like,
    "min(λ, 1) in place of λ": lambda lam: np.minimum(lam, 1.0),
    "max(λ, 1) in place of λ": lambda lam: np.maximum(lam, 1.0),
    "the list of λ reversed": lambda lam: np.flip(lam) if np.ndim(lam) else lam,
    "the first λ for every feature": lambda lam: np.ravel(lam)[0],
    "the last λ for every feature": lambda lam: np.ravel(lam)[-1],
    "the mean of the list of λ": np.mean,
    "the smallest λ for every feature": np.min,
    "the largest λ for every feature": np.max,
}
SLOPES: Mapping[str, Function] = {
    "−k in place of k": np.negative,
    "|k| in place of k": np.abs,
    "k² in place of k": np.square,
    "max(k, 0) in place of k": lambda k: np.maximum(k, 0.0),
    "the angle atan k in place of k": np.arctan,
    "the angle in degrees in place of radians": lambda k: np.tan(np.degrees(np.arctan(k))),
    "the sine of the angle in place of k": lambda k: np.sin(np.arctan(k)),
    "k clipped to [−1, 1]": lambda k: np.clip(k, -1, 1),
    "2 k in place of k": lambda k: 2 * k,
    "k/2 in place of k": lambda k: k / 2,
}
MATRICES: Mapping[str, Function] = {
    "k/N in place of k": lambda k: k / len(k),
    "N k in place of k": lambda k: len(k) * k,
    "the mean of k over the samples in place of each k": lambda k: _alike(k.mean(axis=0), k),
    "the mean of |k| over the samples in place of each k": lambda k: _alike(abs(k).mean(axis=0), k),
    "k of the first sample for all": lambda k: _alike(k[0], k),
    "the norm of k over the features in place of each k": lambda k: _alike(_norm(k), k),
    "the mean of k over the features in place of each k": lambda k: _alike(_mean(k), k),
    "k divided by its norm": lambda k: k / np.where(_norm(k) == 0, 1, _norm(k)),
    "k read column by column": lambda k: by_column(k),
    "k with its features reversed": lambda k: np.flip(k, 1),
    "k with its samples reversed": lambda k: np.flip(k, 0),
    "k of the first feature for all": lambda k: _alike(k[:, :1], k),
    "k of the sample before": lambda k: np.roll(k, 1, axis=0),
    "k of the next sample": lambda k: np.roll(k, -1, axis=0),
}
RESIDUALS: Mapping[str, Callable[[Any, Any], Any]] = {
    "e clipped to [−1, 1]": lambda y, t: np.clip(y - t, -1, 1),
    "e² in place of e": lambda y, t: (y - t) ** 2,
    "√|e| in place of e": lambda y, t: np.sqrt(abs(y - t)),
    "e/2 in place of e": lambda y, t: (y - t) / 2,
    "2 e in place of e": lambda y, t: 2 * (y - t),
    "the mean of e over the samples in place of each e": lambda y, t: _alike(np.mean(y - t), y),
    "e of the next sample": lambda y, t: np.roll(y - t, -1),
    "e of the sample before": lambda y, t: np.roll(y - t, 1),
    "e with its samples reversed": lambda y, t: np.flip(y - t),
    "t with its samples reversed": lambda y, t: y - np.flip(t),
    "y in place of e": lambda y, t: y,
    "t in place of e": lambda y, t: t,
    "y + t in place of y − t": lambda y, t: y + t,
    "the relative error e/t in place of e": lambda y, t: (y - t) / t,
}
SAMPLES: Mapping[str, slice] = {
    "all samples but the last": slice(0, -1),
    "all samples but the first": slice(1, None),
    "the first sample alone": slice(0, 1),
    "the last sample alone": slice(-1, None),
}


def changes_of_factor() -> Iterator[tuple[str, Change]]:
    """For `factor`: k, λ and p."""
    yield from changes_of_loss_settings()
    for words, f in SLOPES.items():
        yield words, of_input("k", f)


def changes_of_loss() -> Iterator[tuple[str, Change]]:
    """For `loss`: those of `factor`, and k or e of other samples, and a subset of the samples."""
    yield from changes_of_factor()
    for words, f in MATRICES.items():
        yield words, of_input("k", f)
    for words, of_both in RESIDUALS.items():
        yield words, _of_residuals(of_both)
    for words, chosen in SAMPLES.items():
        yield words, _of_samples(chosen)


def changes_of_loss_settings() -> Iterator[tuple[str, Change]]:
    """λ, p, ρ and the reduction, for any group that has a loss."""
    for words, f in LAM.items():
        yield words, of_loss("lam", _of_lam(f))
    yield "λ^p in place of λ", _lam_to_the(lambda p: p)
    yield "λ^(1/p) in place of λ", _lam_to_the(lambda p: 1 / p)
    yield "p = 1 in every case", of_loss("order", always(1))
    yield "p = 2 in every case", of_loss("order", always(2))
    yield "the other p (2 for 1, 1 for 2)", of_loss("order", lambda p: 3 - p)
    yield "1 − ρ in place of ρ", of_loss("l1_ratio", lambda rho: 1 - rho)
    yield "ρ = 0 in every case", of_loss("l1_ratio", always(0.0))
    yield "ρ = 1 in every case", of_loss("l1_ratio", always(1.0))
    yield "ρ² in place of ρ", of_loss("l1_ratio", lambda rho: rho**2)
    yield "the reduction batch in every case", of_loss("reduction", always("batch"))
    yield "the reduction sample in every case", of_loss("reduction", always("sample"))
    yield "the other reduction", of_loss("reduction", lambda r: OTHER[r])


def of_input(name: str, f: Function) -> Change:
    """Apply f to one input."""
    return lambda given: given | {name: f(given[name])}


def of_loss(name: str, f: Function) -> Change:
    """Apply f to one setting of the loss, which is an input itself or a part of `loss`."""

    def change(given: Inputs) -> Inputs:
        if "loss" not in given:
            return given | {name: f(given[name])}
        return given | {"loss": given["loss"] | {name: f(given["loss"][name])}}

    return change


def by_column(matrix: Any) -> Any:
    """The same numbers filled in column by column, as R, Julia, MATLAB and Fortran do."""
    return matrix.reshape(matrix.shape[::-1]).T


def always(value: Any) -> Function:
    """A function that returns `value` for any argument."""
    return lambda _: value


def _lam_to_the(exponent: Function) -> Change:
    """λ to a power that depends on p."""

    def change(given: Inputs) -> Inputs:
        loss = given.get("loss", given)
        new = {"lam": loss["lam"] ** exponent(loss["order"])}
        return given | ({"loss": loss | new} if "loss" in given else new)

    return change


def _of_lam(f: Function) -> Function:
    return lambda lam: _as_given(f(lam))


def _of_residuals(f: Callable[[Any, Any], Any]) -> Change:
    return lambda given: given | {"y": f(given["y"], given["t"]), "t": np.zeros_like(given["t"])}


def _of_samples(chosen: slice) -> Change:
    def change(given: Inputs) -> Inputs:
        return (
            given | {name: given[name][chosen] for name in "ytk"} if len(given["y"]) > 1 else given
        )

    return change


def _as_given(lam: Any) -> Any:
    return float(lam) if np.ndim(lam) == 0 else lam


def _alike(part: Any, whole: Any) -> Any:
    return np.array(np.broadcast_to(part, whole.shape))


def _norm(k: Any) -> Any:
    return np.linalg.norm(k, axis=-1, keepdims=True)


def _mean(k: Any) -> Any:
    return np.mean(k, axis=-1, keepdims=True)
