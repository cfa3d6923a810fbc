"""Whether wrong answers are the right ones for other inputs: λ² for λ, another p, samples reversed.

For each change of the inputs, the right answer to the changed inputs is computed. The change is
reported if these answers equal the port's, both where the port is wrong and where it is right.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import METHODS, OUTPUTS
from lai_ref.oracle.diagnosis.changes import Change, Inputs, changes_of_factor, changes_of_loss
from lai_ref.oracle.diagnosis.changes_of_network import (
    changes_of_adam,
    changes_of_network,
    changes_of_param_gradient,
    changes_of_shards,
    changes_of_training,
)
from lai_ref.oracle.diagnosis.facts import is_run
from lai_ref.oracle.diagnosis.numbers import SPARE, Numbers
from lai_ref.oracle.grading.backend import reference
from lai_ref.oracle.grading.grade import Outcome
from lai_ref.support.validation import Array

FIRST = 4  # wrong cases that a change must explain before it is tried on the others
CHANGES: Mapping[str, Callable[[], Iterator[tuple[str, Change]]]] = {
    "factor": changes_of_factor,
    "loss": changes_of_loss,
    "input_gradient": changes_of_network,
    "param_gradient": changes_of_param_gradient,
    "adam": changes_of_adam,
    "train": changes_of_training,
    "sharded": changes_of_shards,
}


def right_for_other_inputs(
    outcomes: Sequence[Outcome], tables: Mapping[str, Numbers], dtype: str
) -> tuple[str, list[str]]:
    """The change of the inputs in words and the outputs that it explains; "" if there is none."""
    group = outcomes[0].case.group
    wrong = {name: numbers for name, numbers in tables.items() if numbers.wrong.any()}
    best: tuple[str, list[str]] = ("", [])
    for words, change in CHANGES[group]():
        explained = [name for name, numbers in wrong.items() if _explains(change, numbers, dtype)]
        if len(explained) > len(best[1]):
            best = words, explained
        if len(explained) == len(wrong):
            break
    return best


def right_answer(group: str, inputs: Inputs) -> dict[str, Array] | None:
    """The answer of lai_ref in float64, or None if it raises an error."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            parts = getattr(reference, METHODS[group])(**inputs)
    except Exception:  # the change may make the inputs invalid
        return None
    names = OUTPUTS[group]
    parts = parts if len(names) > 1 else (parts,)
    return {name: np.asarray(part, float) for name, part in zip(names, parts, strict=True)}


def _explains(change: Change, numbers: Numbers, dtype: str) -> bool:
    """Whether the right answers to the changed inputs equal the port's, wrong or right."""
    by_case: dict[Outcome, list[int]] = {}
    for i, outcome in enumerate(numbers.outcomes):
        by_case.setdefault(outcome, []).append(i)
    is_wrong = numbers.wrong
    steps = {o: at for o, at in by_case.items() if not is_run(o.case)}
    if any(is_wrong[at].any() for at in steps.values()):
        by_case = steps  # errors propagate in a run of `train`

    def rank(outcome: Outcome) -> tuple[bool, bool]:
        return not is_wrong[by_case[outcome]].any(), outcome.case.direction is not None

    order = sorted(by_case, key=rank)
    changed = False
    for tried, outcome in enumerate(order):
        at = by_case[outcome]
        given = inputs_of(outcome.case)
        try:
            with np.errstate(all="ignore"):
                inputs = change(given)
        except (KeyError, ValueError, IndexError):
            inputs = given
        answer = right_answer(outcome.case.group, inputs)
        if answer is None and not np.isfinite(numbers.got[at]).all():
            continue  # the changed inputs are invalid, and the port gave no finite numbers
        candidate = None if answer is None else answer[numbers.output].ravel()
        if candidate is None or len(candidate) != len(at):
            return False
        got, expected = numbers.got[at], numbers.expected[at]
        scale = np.abs(got) + np.abs(expected) + np.abs(candidate)
        near = np.abs(candidate - got) <= SPARE[dtype] * scale + 4 * numbers.bound[at]
        if not (near & np.isfinite(got)).all():
            if outcome.case.direction is not None:
                continue  # the port may use another subgradient
            return False
        moved = ~(np.abs(candidate - expected) <= numbers.bound[at])  # wrong answers, too
        changed |= bool((is_wrong[at] & moved).any())
        if tried == FIRST and not changed:
            return False
    return changed
