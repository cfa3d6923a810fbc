"""What is wrong in the answers of one group, in sentences with numbers, the most telling first.

Each sentence is true of the answers as they are; none says what the port's author did. Looked for
are, in this order: another form, memory from one call to the next, single precision, where numbers
are wrong and in which ratio to the expected ones, other inputs for which they are right, the parts
that they are made of, their places, properties that they lack, and whose derivative they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from lai_ref.oracle.case import OUTPUTS
from lai_ref.oracle.diagnosis.combinations import joined
from lai_ref.oracle.diagnosis.conditions import condition
from lai_ref.oracle.diagnosis.consistency import Consistency, consistency
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

MAX_WORDS = 160  # letters of an error that are repeated
SINGLE = (3e-9, 3e-7)  # the relative errors of single precision, about


def findings(group: str, outcomes: Sequence[Outcome], ask: Ask | None, dtype: str) -> list[str]:
    """Sentences about the group's outcomes at level basic, of which some failed."""
    said = _of_another_form(outcomes)
    found = tables(outcomes, dtype)
    wrong = {name: numbers for name, numbers in found.items() if numbers.wrong.any()}
    if not wrong:
        return said
    memory = _of_memory(outcomes, ask) if ask else []
    if memory:  # nothing else that further questions show could be trusted
        ask, said = None, said + memory
    said += _of_precision(outcomes, dtype)
    if "theta" in wrong and unchanged(ordinary(wrong["theta"])):
        said.append("theta is what it was before: it does not change")
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
        if not one_output(numbers, dtype)[1]:  # a ratio says it already
            for words in (_of_parts(numbers, dtype), placement(ordinary(numbers), dtype)):
                said += [f"{symbol(group, name)} {words}"] if words else []
    said += places[True]
    unclear = [ordinary(n) for n in wrong.values() if not one_output(n, dtype)[1]]
    # small errors are a hint only where nothing else is known
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


def _each(say: Callable[[str, Numbers], str], group: str, every: Sequence[Numbers]) -> list[str]:
    """What is said of each output, if anything."""
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
    """Errors that were raised, or not, and answers that are no numbers."""
    said = []
    reasons: dict[str, list[Outcome]] = {}
    missing = [o for o in outcomes if o.status == MISSING]
    invalid = sum(o.case.expected is None for o in missing)
    if missing and invalid:
        words = f"{len(missing)} answers are missing, {invalid} of them to invalid inputs"
        said.append(f'{words}, where an error is expected: {{"error": "why"}}, in Python raised')
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
    """Parts of all numbers or, if that is unclear, of those where the port errs."""
    seen = ordinary(numbers)
    where = condition(seen.wrong, seen.facts)
    words = deviating_parts(seen, dtype)
    if words or where is None:
        return words
    words = deviating_parts(seen.chosen(where.holds(seen.facts)), dtype)
    return f"{words} where {where.words}" if words else ""


def _of_training(theta: Numbers, dtype: str) -> list[str]:
    """Whether single steps are right, and what the gradient of a wrong one is made of."""
    single = np.array([not is_run(o.case) for o in theta.outcomes], bool)
    if single.any() and not theta.wrong[single].any():
        return ["every single step is right: what one step of a run leaves to the next is wrong"]
    words = mixture(theta, dtype)
    return [words] if words else []


def shortened(words: str) -> str:
    """The first line of what an error says, and not more than it takes to know it again."""
    first = words.splitlines()[0] if words else ""
    return first if len(first) <= MAX_WORDS else first[:MAX_WORDS].rsplit(" ", 1)[0] + " …"


def _of_consistency(group: str, found: Sequence[Consistency], wrong: Sequence[str]) -> list[str]:
    """Whether gradients are those of the port's own value: in which of the two the mistake is."""
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
    """Whether a question that is asked twice is answered in two ways."""
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
    """Whether the answers of a float64 port are right to single precision."""
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
    return [f"{share}, with relative errors about {typical:.1g}: an approximation, or a small ε"]
