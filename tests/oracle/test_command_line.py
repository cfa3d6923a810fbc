"""The command line of the oracle: its output, its errors and its exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lai_ref import oracle
from lai_ref.oracle import case as case_module
from lai_ref.oracle.__main__ import main
from lai_ref.oracle.reporting.exchange import (
    MAX_BYTES,
)
from tests.oracle.reporting.answer_documents import ADAM, FIRST, right_answers, with_first

PORT = Path(__file__).parents[1] / "independent" / "stdlib_port.py"

PYTHON = sys.executable


def written(tmp_path: Path, content: Any) -> str:
    path = tmp_path / "answers.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def nested(depth: int) -> list[Any]:
    """Nested empty lists."""
    return [nested(depth - 1)] if depth > 1 else []


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_answers_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str], dtype: str) -> None:
    content = right_answers(*oracle.GROUPS, dtype=dtype)
    assert main(["grade", written(tmp_path, content)]) == 0
    n = len(oracle.cases())
    counts = f"{n} of {n} cases passed in {dtype} at level strict"
    assert capsys.readouterr().out.startswith(f"correct\n{counts}\n")


def test_missing_cases_are_counted_and_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fewer = {name: answer for name, answer in ADAM["answers"].items() if name != FIRST}
    assert main(["grade", written(tmp_path, ADAM | {"answers": fewer}), "--groups", "adam"]) == 1
    out = capsys.readouterr().out
    n = len(ADAM["answers"])
    assert out.startswith("wrong: answers to adam are missing\n")
    assert f"\n{n - 1} of {n} cases passed in float64 at level strict, 1 missing\n" in out
    assert f"MISSING {FIRST} (an ordinary step, 0 steps before it): no answer" in out


def test_a_group_that_is_not_implemented_never_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ADAM | {"answers": {}, "not_implemented": ["adam"]}
    assert main(["grade", written(tmp_path, answers), "--groups", "adam"]) == 1
    assert "16 not implemented (adam)" in capsys.readouterr().out


def test_an_answer_counts_in_a_group_that_is_named_not_implemented(tmp_path: Path) -> None:
    answers = with_first({"theta": "1", "m": "1", "v": "1"}) | {"not_implemented": ["adam"]}
    assert main(["grade", written(tmp_path, answers), "--groups", "adam"]) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"theta": ["nan"] * 4, "m": ["0"] * 4, "v": ["0"] * 4}, "expected a number, got NaN"),
        ({"theta": ["1"], "m": ["0"] * 4, "v": ["0"] * 4}, "theta: expected shape (4,), got (1,)"),
        ({"theta": ["1"] * 4}, "expected the outputs ['m', 'theta', 'v'], got ['theta']"),
        ({"error": "no"}, "expected numbers, got an error: no"),
        ({"error": "half \ud83d of it"}, r"got an error: half \ud83d of it"),
        ({"theta": ["inf"] * 4, "m": ["0"] * 4, "v": ["0"] * 4}, "expected a finite number"),
    ],
)
def test_wrong_answers_fail_with_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: Any, words: str
) -> None:
    assert main(["grade", written(tmp_path, with_first(answer)), "--groups", "adam"]) == 1
    out = capsys.readouterr().out
    assert f"FAILED {FIRST} (" in out and words in out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected complete JSON"),
        (b"theta = 3", "char 0), near 'theta = 3'"),
        (b"\xff\xfe\x00", "expected complete JSON"),
        (json.dumps(ADAM).encode()[:1000], "answers: expected complete JSON"),
        (b"[" * 100_000, "expected complete JSON"),
        (b"[]", "expected an object, got list"),
        ({}, "expected the fields"),
        (ADAM | {"author": "me"}, "expected the fields"),
        (ADAM | {"schema": "lai-oracle/9"}, "schema: expected 'lai-oracle/1', got 'lai-oracle/9'"),
        (ADAM | {"dtype": "float16"}, "dtype: expected one of"),
        (ADAM | {"answers": []}, "expected an object of answers by case id"),
        (ADAM | {"not_implemented": ["adm"]}, "not_implemented: expected some of"),
        (ADAM | {"answers": {"adam/none": {}}}, "expected ids of cases, got 'adam/none'"),
        (with_first(["1"]), f"{FIRST}: expected an object, got ['1']"),
        (with_first({"theta": ["1.0", "one"]}), f"{FIRST}: theta: expected a number as a decimal"),
        (with_first({"theta": ["0x1p3"]}), "expected a number as a decimal string, got '0x1p3'"),
        (
            with_first({"theta": [None]}),
            'number as a decimal string, also "inf" and "nan", got null',
        ),
        (with_first({"theta": [True]}), 'also "inf" and "nan", got true'),
        (with_first({"theta": {"0": "1"}}), "got {"),
        (
            with_first({"theta": "1e" + "9" * 30}),
            f"{FIRST}: cannot read the answer: InvalidOperation",
        ),
        (with_first({"theta": nested(33)}), f"{FIRST}: theta: expected at most 32 nested lists"),
        (
            json.dumps(ADAM).replace('"answers": {', '"answers": {"a": {}, "a": {}, ', 1).encode(),
            "expected each key once, got 'a' twice",
        ),
    ],
)
def test_malformed_answers_are_refused_with_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Any, words: str
) -> None:
    assert main(["grade", written(tmp_path, content), "--groups", "adam"]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("oracle: ") and out == ""


def test_a_file_of_100_megabytes_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "answers.json"
    with open(path, "wb") as file:
        file.truncate(100_000_000)
    assert main(["grade", str(path)]) == 2
    assert f"answers: expected at most {MAX_BYTES} bytes, got more" in capsys.readouterr().err


def test_a_missing_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["float64"])
def test_a_port_in_plain_python_passes_what_it_implements(
    capsys: pytest.CaptureFixture[str], dtype: str
) -> None:
    command = f"{PYTHON} {PORT}"
    assert main(["run", "--cmd", command, "--dtype", dtype]) == 1
    out = capsys.readouterr().out
    passed = sum(len(oracle.cases(group)) for group in ("codec", "factor", "loss", "adam"))
    verdict, counts = out.splitlines()[:2]
    assert verdict == "correct in what it implements"
    assert counts.startswith(f"{passed} of {len(oracle.cases())} cases passed in {dtype} at level ")
    assert counts.endswith("not implemented (input_gradient, param_gradient, train, sharded)")
    assert "FAILED" not in out and "MISSING" not in out
    groups = ["--groups", "codec", "factor", "loss", "adam"]
    assert main(["run", "--cmd", command, "--dtype", dtype, *groups]) == 0


@pytest.mark.parametrize("level", oracle.LEVELS)
def test_only_the_cases_of_a_level_are_asked_and_graded(
    level: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    n = len(oracle.cases("factor", level))
    assert main(["prompt", "--groups", "factor", "--level", level]) == 0
    assert len(json.loads(capsys.readouterr().out)["cases"]) == n
    assert main(["list", "--groups", "factor", "--level", level]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{n} cases: {n} factor"
    path = written(tmp_path, right_answers("factor"))
    assert main(["grade", path, "--groups", "factor", "--level", level]) == 0
    assert f"{n} of {n} cases passed in float64 at level {level}" in capsys.readouterr().out
    command = f"{PYTHON} {PORT}"
    assert main(["run", "--cmd", command, "--groups", "factor", "--level", level]) == 0


def test_extreme_cases_are_marked_in_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--groups", "factor"]) == 0
    marked = [line for line in capsys.readouterr().out.splitlines() if line.endswith(" [strict]")]
    strict = [case.id for case in oracle.cases("factor") if case.level == "strict"]
    assert [line.split(":")[0] for line in marked] == strict


def test_a_program_that_is_wrong_is_asked_further_questions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "port.py"
    text = PORT.read_text(encoding="utf-8")
    assert "2 * sin * cos**3 / low" in text
    wrong.write_text(text.replace("2 * sin * cos**3 / low", "sin * cos**3 / low"))
    groups = ["--groups", "factor", "loss", "adam"]
    assert main(["run", "--cmd", f"{PYTHON} {wrong}", *groups]) == 1
    out = capsys.readouterr().out
    assert out.startswith("wrong: factor is the first wrong group; what is wrong in loss follows\n")
    assert "F' is not the derivative of the port's own F: difference quotient " in out
    # answers from a file can only be compared
    question = subprocess.run(
        [PYTHON, "-m", "lai_ref.oracle", "prompt", *groups], capture_output=True, check=True
    ).stdout
    answers = subprocess.run([PYTHON, wrong], input=question, capture_output=True, check=True)
    assert main(["grade", written(tmp_path, answers.stdout), *groups]) == 1
    out = capsys.readouterr().out
    assert "difference quotient" not in out
    assert "\nloss: 25 of 83 basic cases are wrong and may all follow from factor\n" in out


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("import time; time.sleep(60)", "gave no answer within 1.5 s; raise --timeout"),
        ("raise SystemExit('out of order')", "ended with status 1: out of order"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal 9 (SIGKILL): it printed nothing"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", "(without a name)"),
        ("pass", "printed nothing; expected one JSON object"),
        ("print('{\"schema\": ')", "answers: expected complete JSON"),
        ("while True: print('x' * 1_000_000)", f"printed more than {MAX_BYTES} bytes"),
        ("print('x' * 30_000_000)", f"{MAX_BYTES} bytes"),
        ("print('{\"schema\": \"lai-oracle/1\", \"dtype\": \"float32\", \"answers\": {}}')",
         "dtype: expected float64 (--dtype), got float32"),
    ],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "win32", reason="signals and quotes of POSIX")
def test_programs_that_give_no_answer_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], program: str, words: str
) -> None:
    script = tmp_path / "port.py"
    script.write_text(program)
    command = f"{PYTHON} {script}"
    assert main(["run", "--cmd", command, "--timeout", "1.5", "--groups", "codec"]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("oracle: ") and out == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program", "cannot be started"),
        ("", "--cmd: expected a program and its arguments, got ''"),
        ("'unclosed", "cannot be started"),
    ],
)
def test_programs_that_cannot_be_started_are_said(
    command: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--cmd", command]) == 2
    assert words in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "lai_ref.oracle", "prompt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(10) == b'{"schema":'
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_the_prompt_has_the_inputs_and_not_the_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prompt", "--groups", "factor", "--dtype", "float32"]) == 0
    question = json.loads(capsys.readouterr().out)
    assert set(question) == {"schema", "dtype", "cases"} and question["dtype"] == "float32"
    assert [c["id"] for c in question["cases"]] == [c.id for c in oracle.cases("factor")]
    assert set(question["cases"][0]) == {"id", "group", "inputs"}


def test_list_tells_why_each_case_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--groups", "adam"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{FIRST}: {oracle.cases('adam')[0].about}"
    assert lines[-1] == f"{len(oracle.cases('adam'))} cases: {len(oracle.cases('adam'))} adam"
    assert main(["list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(oracle.cases())


def test_the_report_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"theta": ["0"] * 4, "m": ["0"] * 4, "v": ["0"] * 4}
    path = written(tmp_path, with_first(answer))
    assert main(["grade", path, "--groups", "adam", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["counts"] == {"failed": 1, "passed": 15}
    assert (report["verdict"], report["level"]) == ("wrong", "strict")
    assert report["summary"] == "wrong: adam is the first wrong group"
    (group,) = report["groups"]
    assert (group["group"], group["failed"], group["follows"]) == ("adam", 1, False)
    assert any("theta is 0" in words or "theta" in words for words in group["findings"])
    first = report["cases"][0]
    assert (first["id"], first["status"], first["reason"]) == (
        FIRST,
        "failed",
        "outside the bound",
    )
    assert first["error_ulp"] > first["bound_ulp"]


def test_verify_finds_the_published_answers_true(capsys: pytest.CaptureFixture[str]) -> None:
    n = sum(case.expected is not None for case in oracle.cases("factor"))
    assert main(["verify", "--groups", "factor"]) == 0
    assert capsys.readouterr().out == f"{n} of {n} expected answers are correct\n"


@pytest.mark.slow
def test_verify_finds_all_published_answers_true(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--json"]) == 0
    n = sum(case.expected is not None for case in oracle.cases())
    assert json.loads(capsys.readouterr().out) == {"cases": n, "wrong": []}


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the vectors with one digit changed, which the module reads instead."""
    folder = tmp_path / "vectors"
    shutil.copytree(case_module.VECTORS, folder)
    text = (folder / "factor.json").read_text(encoding="utf-8")
    (folder / "factor.json").write_text(text.replace('"0.5"', '"0.25"', 1), encoding="utf-8")
    monkeypatch.setattr(case_module, "VECTORS", folder)
    monkeypatch.setattr(case_module, "MANIFEST", folder / "SHA256SUMS")
    case_module._published.cache_clear()
    yield folder
    case_module._published.cache_clear()


@pytest.mark.parametrize(
    "command", [["prompt"], ["list"], ["verify"], ["mutants"], ["run", "--cmd", "true"]]
)
def test_damaged_vectors_are_noticed_before_anything_is_graded(
    command: list[str], damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 3
    out, err = capsys.readouterr()
    assert "the vectors are damaged: the SHA-256 of factor.json" in err and out == ""


def test_the_command_line_runs_as_a_module() -> None:
    command = [PYTHON, "-m", "lai_ref.oracle", "list", "--groups", "codec"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "codec/ordinary" in done.stdout
    assert subprocess.run([*command[:3], "nonsense"], capture_output=True).returncode == 2
