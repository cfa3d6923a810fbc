"""What is wrong in the answers of one group, in sentences with numbers, the most specific first.

Each sentence describes the answers, not what the port's author did. The order is: answers of
another form, state kept between calls, single precision, where numbers are wrong and their ratio to
the expected ones, other inputs for which they are right, the parts whose sum they are, their order,
missing properties, and whether gradients are derivatives of the port's own values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from lai_ref.oracle.case import OUTPUTS
from lai_ref.oracle.diagnosis.combinations import joined
from lai_ref.oracle.diagnosis.conditions import condition
from lai_ref.oracle.diagnosis.consistency import Consistency, consistency
from lai_ref.oracle.diagnosis.digits import MIN_NUMBERS, rounded
from lai_ref.oracle.diagnosis.facts import facts_of_case, is_run
from lai_ref.oracle.diagnosis.follow_up import Ask
from lai_ref.oracle.diagnosis.numbers import Numbers, symbol, tables
from lai_ref.oracle.diagnosis.other_inputs import right_for_other_inputs
from lai_ref.oracle.diagnosis.parts import deviating_parts
from lai_ref.oracle.diagnosis.placement import placement, unchanged
from lai_ref.oracle.diagnosis.properties import broken_properties
from lai_ref.oracle.diagnosis.sizes_of_errors import nearly_right, size_of_errors, trend
from lai_ref.oracle.diagnosis.step_gradient import mixture
from lai_ref.oracle.diagnosis.update import update_findings
from lai_ref.oracle.diagnosis.where_wrong import (
    are,
    fraction,
    in_words,
    one_output,
    ordinary,
    where_wrong,
)
from lai_ref.oracle.grading.grade import (
    FAILED,
    MISSING,
    PASSED,
    InvalidAnswer,
    Outcome,
    RaisedError,
    grade,
)

MAX_WORDS = 160  # characters of an error message that are printed
SINGLE = (3e-9, 3e-7)  # typical relative errors of single precision


def findings(group: str, outcomes: Sequence[Outcome], ask: Ask | None, dtype: str) -> list[str]:
    """Sentences about the outcomes of a group at level basic; some must have failed."""
    said = _of_another_form(outcomes)
    found = tables(outcomes, dtype)
    wrong = {name: numbers for name, numbers in found.items() if numbers.wrong.any()}
    if not wrong:
        return said
    memory = _of_memory(outcomes, ask) if ask else []
    if memory:  # answers to further questions would be unreliable
        ask, said = None, said + memory
    digits = written_with_few_digits(outcomes, dtype)
    said += digits or _of_precision(outcomes, dtype)
    if digits and group == "codec":
        return said
    if "theta" in wrong and unchanged(ordinary(wrong["theta"])):
        said.append("theta does not change: it equals the theta before the step")
    if group == "adam":
        said += update_findings(found, dtype)
    laws, places = where_wrong(group, wrong, dtype)
    said += laws
    if group != "codec":
        words, explained = right_for_other_inputs(outcomes, found, dtype)
        if words:
            names = joined([symbol(group, name) for name in explained])
            said.append(f"{names} {are(explained)} right for other inputs: {words}")
    for name, numbers in wrong.items():
        if not one_output(numbers, dtype)[1]:  # no ratio was reported
            for words in (_of_parts(numbers, dtype), placement(ordinary(numbers), dtype)):
                said += [f"{symbol(group, name)} {words}"] if words else []
    said += places[True]
    unclear = [ordinary(n) for n in wrong.values() if not one_output(n, dtype)[1]]
    # small errors are reported only if nothing else was found
    said += [] if said else _each(nearly_right, group, unclear)
    if group == "train":
        said += _of_training(wrong["theta"], dtype)
    said += broken_properties(group, ask, dtype) if ask else []
    said += places[False] + _each(trend, group, unclear)
    if ask:
        consistent = consistency(group, outcomes, ask, dtype)
        doubtful = [each for each in consistent if each.output in wrong or each.of in wrong]
        said += _of_consistency(group, doubtful, list(wrong))
    vague = [ordinary(n) for n in wrong.values() if not one_output(n, dtype)[0]]
    return said + _each(size_of_errors, group, vague)


def written_with_few_digits(
    outcomes: Sequence[Outcome], dtype: str, minimum: int = MIN_NUMBERS
) -> list[str]:
    """A sentence per output if all wrong numbers of the group are right ones, rounded."""
    said = []
    # at a kink, the subgradient of rounded numbers is unknown
    usual = [o for o in outcomes if o.case.direction is None]
    for name, numbers in tables(usual, dtype).items():
        if numbers.wrong.any():
            words = rounded(numbers, dtype, minimum)
            if not words:
                return []
            said.append(f"{symbol(numbers.outcomes[0].case.group, name)} is {words}")
    return said


def _each(say: Callable[[str, Numbers], str], group: str, every: Sequence[Numbers]) -> list[str]:
    """The sentences about each output, without empty ones."""
    return [words for words in (say(group, numbers) for numbers in every) if words]


def pattern(group: str, outcomes: Sequence[Outcome], dtype: str) -> str:
    """Which outputs are wrong, in how many numbers, and which are right."""
    found = tables(outcomes, dtype)
    wrong, right = [], []
    for name, numbers in found.items():
        if numbers.wrong.any():
            seen = ordinary(numbers)
            wrong.append(f"{symbol(group, name)} ({fraction(seen.wrong)} numbers)")
        elif len(numbers):
            right.append(symbol(group, name))
    words = [f"{joined(wrong)} {are(wrong)} wrong"] if wrong else []
    words += [f"{joined(right)} {are(right)} right"] if wrong and right else []
    return ", ".join(words)


def _of_another_form(outcomes: Sequence[Outcome]) -> list[str]:
    """Unexpected or missing errors, and answers that are not numbers."""
    said = []
    reasons: dict[str, list[Outcome]] = {}
    missing = [o for o in outcomes if o.status == MISSING]
    invalid = sum(o.case.expected is None for o in missing)
    if missing and invalid:
        words = f"{len(missing)} answers are missing, {invalid} of them to invalid inputs"
        said.append(f'{words}; reject these with {{"error": "why"}} (in Python: raise an error)')
    for o in outcomes:
        if o.status == FAILED and not o.location:
            if o.case.expected is None and not isinstance(o.answer, RaisedError | InvalidAnswer):
                key = "no error is raised"
            else:
                key = re.sub(r"-?\d+(\.\d+)?", "#", o.reason)
            reasons.setdefault(key, []).append(o)
    for key, failed in reasons.items():
        if key == "no error is raised":
            abouts = "; ".join(o.case.about for o in failed)
            cases = f"{len(failed)} case{'s' * (len(failed) > 1)}"
            said.append(f"invalid inputs are accepted in {cases}: {abouts}")
            continue
        kinds = {o.case.expected is not None for o in failed}
        candidates = [o for o in outcomes if (o.case.expected is not None) in kinds]
        failing = np.array([any(o is each for each in failed) for o in candidates])
        facts = [facts_of_case(o.case) for o in candidates] if kinds == {True} else []
        where = condition(failing, facts) if facts else None
        fail = "fails" if len(failed) == 1 else "fail"
        share = f"{len(failed)} of {len(candidates)} cases {fail}"
        said.append(f"{share}{in_words(where, 'cases')}: {shortened(failed[0].reason)}")
    return said


def _of_parts(numbers: Numbers, dtype: str) -> str:
    """Deviating parts in all numbers or, if unclear, in those where the port is wrong."""
    seen = ordinary(numbers)
    where = condition(seen.wrong, seen.facts)
    words = deviating_parts(seen, dtype)
    if words or where is None:
        return words
    words = deviating_parts(seen.chosen(where.holds(seen.facts)), dtype)
    return f"{words} where {where.words}" if words else ""


def _of_training(theta: Numbers, dtype: str) -> list[str]:
    """Whether single steps are right; if not, the parts of the gradient of a wrong step."""
    single = np.array([not is_run(o.case) for o in theta.outcomes], bool)
    if single.any() and not theta.wrong[single].any():
        return ["every single step is right: the state that a run passes between steps is wrong"]
    words = mixture(theta, dtype)
    return [words] if words else []


def shortened(words: str) -> str:
    """The first line of an error message, cut to `MAX_WORDS` characters."""
    first = words.splitlines()[0] if words else ""
    return first if len(first) <= MAX_WORDS else first[:MAX_WORDS].rsplit(" ", 1)[0] + " …"


def _of_consistency(group: str, found: Sequence[Consistency], wrong: Sequence[str]) -> list[str]:
    """Whether gradients are derivatives of the port's own value: which of the two is wrong."""
    said = []
    own = [each.output for each in found if each.holds and each.of in wrong]
    if own:
        of = symbol(group, found[0].of)
        names = joined([symbol(group, name) for name in own])
        what = "the derivatives" if len(own) > 1 else "the derivative"
        said.append(f"{names} {are(own)} {what} of the port's own {of}: the mistake is in {of}")
    for each in found:
        if not each.holds:
            output, of = symbol(group, each.output), symbol(group, each.of)
            numbers = f"difference quotient {each.quotient:.6g}, answered {each.answered:.6g}"
            said.append(f"{output} is not the derivative of the port's own {of}: {numbers}")
    return said


def _of_memory(outcomes: Sequence[Outcome], ask: Ask) -> list[str]:
    """Whether the port answers the same question differently the second time."""
    o = next((o for o in outcomes if o.status == FAILED and o.location), None)
    if o is None:
        return []
    other = next((x for x in outcomes if x.status in (PASSED, FAILED) and x is not o), o)
    replies = ask([(x.case.group, x.case.inputs) for x in (o, other, o)])
    first, last = replies[0], replies[2]
    if first is None or last is None:
        return []
    for name in OUTPUTS[o.case.group]:
        if not np.array_equal(first[name], last[name], equal_nan=True):
            return [f"the same question ({o.case.id}) is answered differently the second time"]
    return []


def _of_precision(outcomes: Sequence[Outcome], dtype: str) -> list[str]:
    """Whether the wrong answers of a float64 port are right in float32."""
    wrong = [o for o in outcomes if o.status == FAILED and o.location]
    if dtype != "float64" or not wrong:
        return []
    in_single = sum(grade(o.case, o.answer, "float32", "basic").status == PASSED for o in wrong)
    if in_single < 0.9 * len(wrong):
        return []
    errors = []
    for numbers in tables(wrong, dtype).values():
        seen = numbers.chosen(numbers.wrong & (numbers.expected != 0))
        errors += np.abs(seen.got / seen.expected - 1).tolist()
    typical = float(np.median(errors)) if errors else 0.0
    share = f"{in_single} of {len(wrong)} wrong answers are right in float32"
    if SINGLE[0] < typical < SINGLE[1]:
        return [f"{share}: a part may be computed in single precision"]
    return [f"{share} (median relative error {typical:.1g}): an approximation, or an added ε"]
