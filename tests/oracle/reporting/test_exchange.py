"""Answers as JSON and programs that print them: invalid ones never pass or crash the grader."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lai_ref import oracle
from lai_ref.oracle.reporting.exchange import (
    InvalidAnswersError,
    ask_command,
    grade_answers,
    run_command,
)
from tests.inputs.strategies import bytes_like, documents_like, json_values
from tests.oracle.reporting.answer_documents import ADAM, FIRST, right_answers, with_first

PYTHON = sys.executable


def test_numbers_of_json_and_other_words_for_infinity_are_read() -> None:
    answers = right_answers("codec")
    one = answers["answers"]
    one["codec/infinite"] = {"values": ["+Inf", "-Infinity"]}
    one["codec/nan"] = {"values": [float("nan"), 1]}
    one["codec/mixed"]["values"][3] = "-nan"
    one["codec/signed-zero"] = {"values": [0.0, "-0.0"]}
    assert grade_answers(json.dumps(answers).encode(), oracle.cases("codec"))


def test_a_program_is_not_started_without_questions() -> None:
    def fail(words: str) -> None:
        raise AssertionError(words)

    assert ask_command("a program that does not exist", "float64", 1.0, fail)([]) == []


def test_long_answers_take_no_long_time_to_refuse() -> None:
    names = [f'"{i}": 1' for i in range(30_000)]
    doubled = ('{"schema": "lai-oracle/1", "dtype": "float64", "answers": {'
               + ", ".join([*names, names[-1]]) + "}}")  # fmt: skip
    digits = [{"theta": ["1" * 20_000 + end]} for end in ("x", ".x", ".1x", "e1x", " x")]
    began = time.process_time()
    for content in (doubled, *(json.dumps(with_first(answer)) for answer in digits)):
        with pytest.raises(InvalidAnswersError):
            grade_answers(content.encode(), oracle.cases("adam"))
    assert time.process_time() - began < 5  # quadratic time would be a minute


def check_graded_or_refused(content: bytes) -> None:
    asked_for = oracle.cases("adam")[:2]
    try:
        report = grade_answers(content, asked_for)
    except InvalidAnswersError as error:
        assert str(error)
    else:
        assert len(report.outcomes) == len(asked_for)
        str(report).encode()
        json.dumps(report.as_json()).encode()


TWO = ADAM | {"answers": {name: ADAM["answers"][name] for name in list(ADAM["answers"])[:2]}}


def two_with_first(answer: Any) -> dict[str, Any]:
    return TWO | {"answers": TWO["answers"] | {FIRST: answer}}


def test_answers_nested_to_any_depth_are_graded_or_refused() -> None:
    text = json.dumps(two_with_first({"theta": "deep", "m": ["0"] * 4, "v": ["0"] * 4}))
    for depth in range(1, 1200, 13):
        check_graded_or_refused(text.replace('"deep"', "[" * depth + "]" * depth).encode())


def test_answers_cut_short_anywhere_are_refused() -> None:
    content = json.dumps(TWO).encode()
    for length in range(len(content)):
        with pytest.raises(InvalidAnswersError, match="expected complete JSON"):
            grade_answers(content[:length], oracle.cases("adam"))


@pytest.mark.slow
def test_answers_with_any_other_byte_are_graded_or_refused() -> None:
    content = json.dumps(TWO).encode()
    for at in range(len(content)):
        for other in (content[at] ^ 1 << bit for bit in range(8)):
            check_graded_or_refused(content[:at] + bytes([other]) + content[at + 1 :])
        check_graded_or_refused(content[:at] + bytes([at % 256]) + content[at:])


@pytest.mark.fuzz
@given(bytes_like(json.dumps(TWO).encode()) | st.binary(max_size=64))
def test_damaged_answers_are_graded_or_refused(content: bytes) -> None:
    check_graded_or_refused(content)


@pytest.mark.fuzz
@given(documents_like(TWO) | json_values.map(two_with_first))
@example(two_with_first({"error": "\ud83d"}))
def test_answers_of_another_form_are_graded_or_refused(document: Any) -> None:
    check_graded_or_refused(json.dumps(document).encode())


def test_answers_to_other_groups_are_left_aside() -> None:
    content = json.dumps(ADAM).encode()
    assert {o.status for o in grade_answers(content, oracle.cases("factor")).outcomes} == {
        "missing"
    }
    assert len(grade_answers(content, oracle.cases("adam")).outcomes) == len(ADAM["answers"])


def test_the_first_and_the_last_words_of_a_program_that_fails_are_told() -> None:
    code = "import sys; sys.exit('TypeError first' + 2000 * ' at' + ' last frame')"
    with pytest.raises(
        InvalidAnswersError, match=r"(?s)TypeError first at.*\n…\n.* at last frame$"
    ):
        run_command(shlex.join([sys.executable, "-c", code]), "", 60)


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(InvalidAnswersError, match="no answer within"):
        run_command(f"{PYTHON} -c 'import time; time.sleep(1e6)'", "{}", 0.5)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups of POSIX")
def test_what_a_program_has_started_is_ended_with_it(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    with pytest.raises(InvalidAnswersError, match="no answer within"):
        run_command(f"sh -c 'sleep 1000 & echo $! > {started}; wait'", "{}", 1)
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # until the system has removed the process
            os.kill(int(started.read_text()), 0)
            time.sleep(0.05)


def test_a_program_may_print_before_it_has_read_everything() -> None:
    echo = 'import sys; print(" " * 200_000); sys.stdin.read(1); print("{}")'
    content = run_command(f"{PYTHON} -c '{echo}'", "x" * 1_000_000, 20)
    assert content.split() == [b"{}"]
