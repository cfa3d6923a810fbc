"""Whether the wrong answers of a group follow from those of a group that it depends on.

    factor → loss → param_gradient → train, sharded        input_gradient → param_gradient
    adam → train

The port's own answers to smaller questions are composed by the right formulas: the loss from its
factor, the gradient from its loss and its input gradient, the step from its gradient and its Adam.
If the result equals the port's wrong answer, the group has no mistake of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from lai_ref.adam import Adam, AdamState
from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.diagnosis.facts import is_run
from lai_ref.oracle.diagnosis.follow_up import Ask, Question, Reply, reply
from lai_ref.oracle.diagnosis.other_inputs import right_answer
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.oracle.mutants.port import Port
from lai_ref.support.validation import Array

DEPENDS: dict[str, tuple[str, ...]] = {
    "loss": ("factor",),
    "param_gradient": ("loss", "input_gradient"),
    "train": ("param_gradient", "adam"),
    "sharded": ("param_gradient",),
}
BEFORE_STEPS = {"factor", "loss", "input_gradient", "param_gradient"}
SPARE = {"float64": 1e-9, "float32": 1e-4}  # tolerance, relative to the largest number of an output
QUOTIENT = {"float64": (2.0**-14, 1e-4), "float32": (2.0**-6, 3e-2)}  # step and tolerance
CASES = 6  # wrong cases that are checked

Outputs: TypeAlias = dict[str, Array]
# a composition yields questions, receives replies and returns the composed answer, or None
Composing: TypeAlias = Generator[list[Question], list[Reply] | None, Outputs | None]


def inherits(
    group: str, wrong: Collection[str], outcomes: Sequence[Outcome], ask: Ask, dtype: str
) -> bool | None:
    """Whether the wrong answers follow from the wrong groups; None if that is unknown."""
    sample = [(o, reply(o.answer)) for o in _sample(group, outcomes)]
    given = [inputs_of(o.case) for o, _ in sample]
    running = [
        COMPOSE[group](inputs, wrong, got, dtype)
        for inputs, (_, got) in zip(given, sample, strict=True)
    ]
    told = [
        _alike(got, composed, dtype)
        for composed, (_, got) in zip(_together(running, ask), sample, strict=True)
        if composed is not None and got is not None
    ]
    return all(told) if told else None


def _together(running: Sequence[Composing], ask: Ask) -> list[Outputs | None]:
    """The results of all compositions; each round asks the questions of all of them together."""
    results: list[Outputs | None] = [None] * len(running)
    replies: dict[int, list[Reply] | None] = dict.fromkeys(range(len(running)))
    while replies:
        asked: list[tuple[int, list[Question]]] = []
        for i, answered in replies.items():
            try:
                asked.append((i, running[i].send(answered)))
            except StopIteration as end:
                results[i] = end.value
            except (KeyError, IndexError, ValueError, TypeError):  # a reply in another form
                pass
        every = ask([q for _, questions in asked for q in questions]) if asked else []
        replies, start = {}, 0
        for i, questions in asked:
            replies[i] = every[start : start + len(questions)]
            start += len(questions)
    return results


def _sample(group: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Some wrong answers with numbers, away from kinks and without whole runs."""
    usable = [o for o in outcomes if o.location and o.case.direction is None]
    usable = [o for o in usable if not is_run(o.case)]
    return usable[:: max(1, len(usable) // CASES)][:CASES]


def _alike(got: dict[str, Array], composed: dict[str, Array], dtype: str) -> bool:
    for name, expected in composed.items():
        if got[name].shape != expected.shape:
            return False
        both = np.stack([expected, got[name]])
        scale = np.abs(both[np.isfinite(both)]).max(initial=0)
        if np.isnan(expected).any() and np.isnan(got[name]).any():
            continue  # which other numbers become NaN depends on how they are computed
        with np.errstate(invalid="ignore"):
            near = (got[name] == expected) | (np.abs(got[name] - expected) <= SPARE[dtype] * scale)
        if not near.all():
            return False
    return True


class _WithFactor(Port):
    """The right loss, with a given F and F'."""

    def __init__(self, F: Array, dF: Array) -> None:
        self.F, self.dF = F, dF

    def factor(self, k: Array, lam: Any, order: int) -> tuple[Array, Array]:
        return self.F, self.dF


def _loss(given: dict[str, Any], wrong: Collection[str], got: Reply, dtype: str) -> Composing:
    k = given["k"]
    lam = np.broadcast_to(np.asarray(given["lam"]), k.shape[1:])
    questions = [
        ("factor", {"k": k[:, j].tolist(), "lam": float(lam[j]), "order": given["order"]})
        for j in range(k.shape[1])
    ]
    replies = _all((yield questions))
    if replies is None:
        return None
    F, dF = (np.stack([r[name] for r in replies], axis=1) for name in ("value", "slope"))
    return _named(_WithFactor(F, dF).loss(**given), ("value", "dy", "dk"))


def _param_gradient(
    given: dict[str, Any], wrong: Collection[str], got: Reply, dtype: str
) -> Composing:
    net = {name: given[name] for name in ("sizes", "activation", "theta")}
    cache = Port().forward_and_input_gradient(given["x"], **net)
    y, k = cache.y, cache.k
    if "input_gradient" in wrong:
        replies = _all((yield [("input_gradient", _listed(net | {"x": given["x"]}))]))
        if replies is None:
            return None
        y, k = replies[0]["y"], replies[0]["k"]
    rest = {name: value for name, value in given["loss"].items() if name != "name"}
    if given["loss"]["name"] == "plain" or not {"factor", "loss"} & set(wrong):
        value, dy, dk = Port().loss_gradients(y, given["t"], k, given["loss"])
    else:
        replies = _all((yield [("loss", _listed({"y": y, "t": given["t"], "k": k, **rest}))]))
        if replies is None:
            return None
        value, dy, dk = (replies[0][name] for name in ("value", "dy", "dk"))
    composed = {"value": np.asarray(value)}
    if "input_gradient" not in wrong:
        by_chain_rule = composed | {"grad": Port().double_backward(cache, dy, dk)}
        if got is not None and _alike(got, by_chain_rule, dtype):
            return by_chain_rule
    # otherwise the gradient has to be that of the port's own value
    quotient_holds = got is not None and (yield from _is_own_gradient(given, got["grad"], dtype))
    return composed | ({} if quotient_holds else {"grad": np.full_like(given["theta"], np.inf)})


def _is_own_gradient(
    given: dict[str, Any], grad: Array, dtype: str
) -> Generator[list[Question], list[Reply] | None, bool]:
    step, spare = QUOTIENT[dtype]
    direction = 0.5 + np.random.default_rng(6).integers(0, 5, len(grad)) / 8
    shifted = [
        ("param_gradient", _listed(given | {"theta": given["theta"] + sign * step * direction}))
        for sign in (1, -1)
    ]
    replies = _all((yield shifted))
    if replies is None:
        return False
    quotient = float(replies[0]["value"] - replies[1]["value"]) / (2 * step)
    along = float(grad @ direction)
    return bool(abs(quotient - along) <= spare * max(abs(quotient), np.abs(grad).sum()))


def _train(given: dict[str, Any], wrong: Collection[str], got: Reply, dtype: str) -> Composing:
    ((rows, lai_rows),) = given["batches"]
    grad = np.zeros_like(given["theta"])
    for part, loss in Port().parts(rows, lai_rows, given["plain"], given["loss"]):
        net = {name: given[name] for name in ("sizes", "activation", "theta")}
        batch = {"x": given["x"][part], "t": given["t"][part], "loss": loss}
        if BEFORE_STEPS & set(wrong):
            replies = _all((yield [("param_gradient", _listed(net | batch))]))
        else:
            replies = _all([right_answer("param_gradient", net | batch)])
        if replies is None:
            return None
        grad = grad + len(part) / len(rows) * replies[0]["grad"]
    constants = {name: given[name] for name in ("lr", "beta1", "beta2", "eps")}
    if "adam" in wrong:
        state = {"theta": given["theta"], "grad": grad, "m": given["m"], "v": given["v"]}
        replies = _all((yield [("adam", _listed({**state, "t": given["step"], **constants}))]))
        return None if replies is None else {"theta": replies[0]["theta"][None]}
    state_before = AdamState(given["step"], given["m"], given["v"])
    theta, _ = Adam(**constants).step(given["theta"], grad, state_before)
    return {"theta": theta[None]}


def _sharded(given: dict[str, Any], wrong: Collection[str], got: Reply, dtype: str) -> Composing:
    rows = np.concatenate(given["shards"])
    net = {name: given[name] for name in ("sizes", "activation", "theta")}
    whole = net | {"loss": given["loss"]}
    if "input_gradient" in wrong:
        # a port that mixes the samples of a batch mixes those of a shard here
        questions = [
            ("input_gradient", _listed(net | {"x": given["x"][shard]})) for shard in given["shards"]
        ]
        replies = _all((yield questions))
        if replies is not None:
            y, k = (np.concatenate([r[name] for r in replies]) for name in "yk")
            value, _, _ = Port().loss_gradients(y, given["t"][rows], k, given["loss"])
            by_shard = {"value": np.asarray(value)}
            if got is not None and _alike(got, by_shard, dtype):
                return by_shard
    question = _listed(whole | {"x": given["x"][rows], "t": given["t"][rows]})
    replies = _all((yield [("param_gradient", question)]))
    return None if replies is None else replies[0]


COMPOSE: dict[str, Callable[..., Composing]] = {
    "loss": _loss,
    "param_gradient": _param_gradient,
    "train": _train,
    "sharded": _sharded,
}


def _all(replies: Sequence[Reply] | None) -> list[Outputs] | None:
    found = [r for r in replies or () if r is not None]
    return found if replies is not None and len(found) == len(replies) else None


def _named(parts: Sequence[Any], names: Sequence[str]) -> dict[str, Array]:
    return {name: np.asarray(part, float) for name, part in zip(names, parts, strict=True)}


def _listed(inputs: dict[str, Any]) -> dict[str, Any]:
    """Arrays as nested lists, as questions have them."""
    return {name: _as_list(value) for name, value in inputs.items()}


def _as_list(value: Any) -> Any:
    if isinstance(value, dict):
        return _listed(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def following(group: str, wrong: Sequence[str]) -> Iterator[str]:
    """The wrong groups that this group depends on, directly or through groups that are right."""
    for name in DEPENDS.get(group, ()):
        if name in wrong:
            yield name
        else:
            yield from following(name, wrong)
