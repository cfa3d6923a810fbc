"""Questions and answers as JSON, for ports in any language.

The prompt, one object:

    {"schema": "lai-oracle/1", "dtype": "float64",
     "cases": [{"id": …, "group": …, "inputs": {…}}, …]}

The answers, one object; `not_implemented` lists the groups that the port does not implement:

    {"schema": "lai-oracle/1", "dtype": "float64", "not_implemented": ["train"],
     "answers": {"factor/zero-p2-lam0.5": {"value": ["1.0"], "slope": ["0.0"]},
                 "factor/error-k": {"error": "k is not finite"}, …}}

Numbers are decimal strings with enough digits to distinguish the numbers of the dtype (17 for
float64, 9 for float32), or inf, -inf, nan, -0.0. Answers may also contain JSON numbers.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from lai_ref.oracle.case import DTYPES, GROUPS, SCHEMA, Case, Nested, as_published, token
from lai_ref.oracle.case import cases as every_case
from lai_ref.oracle.diagnosis.follow_up import Ask, Question, Reply, reply
from lai_ref.oracle.grading.grade import NOT_IMPLEMENTED, Outcome, RaisedError, grade
from lai_ref.oracle.reporting.report import Report

# a number as programming languages print it: 1.5, .5, 5., 1e-3, inf, -Infinity, NaN, -nan;
# unambiguous, so that matching a long invalid text takes linear time
NUMBER_PATTERN = re.compile(
    r"\s*([+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf|infinity|nan))\s*", re.IGNORECASE
)
MAX_BYTES = 20_000_000  # the answers to all cases need less than a tenth
MAX_DEPTH = 32  # of nested lists; no answer needs more than two


class InvalidAnswersError(ValueError):
    """Answers that cannot be read."""


def prompt(cases: Sequence[Case], dtype: str) -> str:
    """The inputs of the cases, without their answers."""
    published = as_published(cases)
    content = [{"id": c.id, "group": c.group, "inputs": published[c.id]["inputs"]} for c in cases]
    return json.dumps({"schema": SCHEMA, "dtype": dtype, "cases": content})


def ask_command(command: str, dtype: str, seconds: float, on_error: Callable[[str], None]) -> Ask:
    """A function that runs a program on further questions, in a prompt of the same form.

    It calls `on_error` with the reason if the program gives no answers.
    """
    numbers = count()  # each id is used once

    def ask(questions: Sequence[Question]) -> list[Reply]:
        if not questions:  # some languages print {} as [] where there are no answers
            return []
        cases = [
            {
                "id": f"{group}/follow-up-{next(numbers)}",
                "group": group,
                "inputs": as_text(inputs),
            }
            for group, inputs in questions
        ]
        question = json.dumps({"schema": SCHEMA, "dtype": dtype, "cases": cases})
        try:
            answers = _read(run_command(command, question, seconds))["answers"]
            return [reply(_answer(c["id"], answers.get(c["id"]), dtype)) for c in cases]
        except (InvalidAnswersError, ArithmeticError, RecursionError) as error:
            on_error(str(error))
            return [None] * len(questions)

    return ask


def as_text(value: Any) -> Any:
    """Inputs in the form of the prompt: floats as decimal strings, integers unchanged."""
    if isinstance(value, dict):
        return {name: as_text(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_text(part) for part in value]
    if isinstance(value, Decimal):
        return token(value)
    return repr(value) if isinstance(value, float) else value


def grade_answers(
    content: bytes,
    cases: Sequence[Case],
    dtype: str | None = None,
    level: str = "strict",
    ask: Ask | None = None,
) -> Report:
    """Grade answers to these cases, in the dtype that the answers state.

    `ask` runs the port on further questions, for the diagnosis.

    Raises
    ------
    InvalidAnswersError
        Not JSON, not the schema, an unknown id or group, a string that is not a number, too large.
    """
    answers = _read(content)
    if dtype is not None and answers["dtype"] != dtype:
        raise InvalidAnswersError(f"dtype: expected {dtype} (--dtype), got {answers['dtype']}")
    known = {case.id for case in every_case()}
    for name in answers["answers"]:
        if name not in known:
            raise InvalidAnswersError(f"answers: expected ids of cases, got {name!r}")
    lacking = answers.get("not_implemented", [])
    outcomes = []
    for case in cases:
        answer = answers["answers"].get(case.id)
        if answer is None and case.group in lacking:
            outcomes.append(Outcome(case, NOT_IMPLEMENTED))
        else:
            try:
                numbers = _answer(case.id, answer, answers["dtype"])
            except (ArithmeticError, RecursionError) as error:
                raise InvalidAnswersError(
                    f"{case.id}: cannot read the answer: {type(error).__name__}"
                ) from None
            outcomes.append(grade(case, numbers, answers["dtype"], level))
    return Report(answers["dtype"], tuple(outcomes), level, ask)


def run_command(command: str, question: str, seconds: float) -> bytes:
    """What the command prints for the question on its standard input.

    Raises
    ------
    InvalidAnswersError
        The command cannot be started, fails, exceeds the time, or prints nothing or too much.
    """
    if not command.strip():
        raise InvalidAnswersError(f"--cmd: expected a program and its arguments, got {command!r}")
    # files: unlike pipes they cannot deadlock, and their size can be checked
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, \
            tempfile.TemporaryFile() as stderr:  # fmt: skip
        stdin.write(question.encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                shlex.split(command),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise InvalidAnswersError(f"{command!r} cannot be started: {error}") from None
        try:
            status = _wait(process, stdout, command, seconds)
        finally:
            _kill(process)
        if status != 0:
            stderr.seek(0)
            words = stderr.read(MAX_BYTES).decode(errors="replace").strip()
            if len(words) > 800:  # some languages print the cause first, others last
                words = f"{words[:400]}\n…\n{words[-400:]}"
            words = words or "it printed nothing to standard error"
            how = f"with status {status}"
            if status < 0:
                names = {s.value: s.name for s in signal.Signals}  # without some real-time signals
                how = f"by signal {-status} ({names.get(-status, 'without a name')})"
            raise InvalidAnswersError(f"{command!r} ended {how}: {words}")
        stdout.seek(0)
        content = stdout.read(MAX_BYTES + 1)
    if not content.strip():
        raise InvalidAnswersError(f"{command!r} printed nothing; expected one JSON object")
    return content


def _wait(process: subprocess.Popen[bytes], stdout: Any, command: str, seconds: float) -> int:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            return process.wait(0.05)
        except subprocess.TimeoutExpired:
            if os.fstat(stdout.fileno()).st_size > MAX_BYTES:
                raise InvalidAnswersError(
                    f"{command!r} printed more than {MAX_BYTES} bytes"
                ) from None
    raise InvalidAnswersError(f"{command!r} gave no answer within {seconds:g} s; raise --timeout")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and, on systems with process groups, its child processes."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def read_file(path: Path) -> bytes:
    """The content of an answer file, at most one byte more than allowed.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def _read(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise InvalidAnswersError(f"answers: expected at most {MAX_BYTES} bytes, got more")
    try:
        answers = json.loads(
            content, object_pairs_hook=_reject_duplicates, parse_float=str, parse_int=str
        )
    except (ValueError, RecursionError) as error:
        if isinstance(error, InvalidAnswersError):
            raise
        at = max(getattr(error, "pos", 0) - 20, 0)
        near = content.decode(errors="replace")[at : at + 40]
        raise InvalidAnswersError(
            f"answers: expected complete JSON: {error}, near {near!r}"
        ) from None
    if not isinstance(answers, dict):
        raise InvalidAnswersError(f"answers: expected an object, got {type(answers).__name__}")
    needed, allowed = {"schema", "dtype", "answers"}, {"not_implemented"}
    if not needed <= set(answers) <= needed | allowed:
        raise InvalidAnswersError(
            f"answers: expected the fields {sorted(needed)}, got {sorted(answers)}"
        )
    if answers["schema"] != SCHEMA:
        raise InvalidAnswersError(f"schema: expected {SCHEMA!r}, got {answers['schema']!r}")
    if answers["dtype"] not in DTYPES:
        raise InvalidAnswersError(f"dtype: expected one of {DTYPES}, got {answers['dtype']!r}")
    if not isinstance(answers["answers"], dict):
        raise InvalidAnswersError("answers: expected an object of answers by case id")
    lacking = answers.get("not_implemented", [])
    if not isinstance(lacking, list) or not set(map(str, lacking)) <= set(GROUPS):
        raise InvalidAnswersError(f"not_implemented: expected some of {GROUPS}, got {lacking!r}")
    return answers


def _answer(name: str, answer: Any, dtype: str) -> dict[str, Nested] | RaisedError | None:
    if answer is None:
        return None
    if not isinstance(answer, dict):
        raise InvalidAnswersError(f"{name}: expected an object, got {answer!r:.80}")
    if set(answer) == {"error"}:
        # JSON may contain an unpaired surrogate, which cannot be printed
        return RaisedError(str(answer["error"]).encode(errors="backslashreplace").decode())
    return {part: _numbers(f"{name}: {part}", value, dtype) for part, value in answer.items()}


def _numbers(where: str, value: Any, dtype: str, levels: int = MAX_DEPTH) -> Nested:
    if isinstance(value, list):
        if levels == 0:
            raise InvalidAnswersError(f"{where}: expected at most {MAX_DEPTH} nested lists")
        return [_numbers(where, item, dtype, levels - 1) for item in value]
    if isinstance(value, float):  # Infinity or NaN without quotes
        return Decimal(value)
    if not isinstance(value, str):
        raise InvalidAnswersError(
            f'{where}: expected a number as a decimal string, also "inf" and "nan",'
            f" got {json.dumps(value):.80}"
        )
    found = NUMBER_PATTERN.fullmatch(value)
    if not found:
        raise InvalidAnswersError(
            f"{where}: expected a number as a decimal string, got {value!r:.80}"
        )
    d = Decimal(found[1])
    # a decimal string means the nearest number of the dtype
    with np.errstate(over="ignore"):
        return Decimal(float(np.dtype(dtype).type(float(d))))


def _reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, n in Counter(name for name, _ in pairs).items() if n > 1)
        raise InvalidAnswersError(f"answers: expected each key once, got {twice!r} twice")
    return found
