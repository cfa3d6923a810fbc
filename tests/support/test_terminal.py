"""Characters that a stream cannot encode, and the exit of a program whose output is lost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lai_ref.support.terminal import option_names, replace_unprintable


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", b"lf -1 x|k| ?"),
        ("cp1252", b"lf -1 \xd7|k| ?"),
        ("utf-8", "λφ −1 ×‖k‖ 中".encode()),
    ],
)
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_character_that_the_stream_lacks_is_replaced_by_one(
    name: str, encoding: str, printed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, name, io.TextIOWrapper(content, encoding=encoding))
    replace_unprintable()
    stream = getattr(sys, name)
    stream.write("λφ −1 ×‖k‖ 中")
    stream.flush()
    assert content.getvalue() == printed and stream.encoding == encoding


def test_half_a_pair_of_surrogates_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the name of a file that is not UTF-8."""
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(content, encoding="utf-8"))
    replace_unprintable()
    print("\udcff", end="", flush=True)
    assert content.getvalue() == b"?"


def test_a_stream_that_cannot_be_changed_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()  # as in a notebook
    monkeypatch.setattr(sys, "stdout", stream)
    replace_unprintable()
    assert sys.stdout is stream


PROGRAM = """
import sys
from lai_ref.support.terminal import run_program

def main():
    print("progress", file=sys.stderr)
    print("result")
    return 3

run_program(main)
"""
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def run(redirection: str) -> subprocess.CompletedProcess[bytes]:
    command = f'"$0" -c "$1" {redirection}'
    shell = ["sh", "-c", command, sys.executable, PROGRAM]
    return subprocess.run(shell, capture_output=True, env=BUFFERED)


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell redirects")


@POSIX
@pytest.mark.parametrize(
    ("redirection", "status", "out", "err"),
    [
        ("", 3, b"result\n", b"progress\n"),
        (">&-", 3, b"", b"progress\n"),
        ("2>&-", 3, b"result\n", b""),
        ("<&- >&- 2>&-", 3, b"", b""),
        ("| true; exit 7", 7, b"", b"progress\n"),
        ("2>&1 | true; exit 7", 7, b"", b""),
    ],
)
def test_closed_streams_end_in_no_traceback(
    redirection: str, status: int, out: bytes, err: bytes
) -> None:
    done = run(redirection)
    assert (done.returncode, done.stdout, done.stderr) == (status, out, err)


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_to_a_full_disk_is_said() -> None:
    done = run("> /dev/full")
    said = b"progress\nthe output cannot be written: [Errno 28] No space left on device\n"
    assert (done.returncode, done.stderr) == (1, said)


@POSIX
@pytest.mark.parametrize("which", ["stdout", "stderr"])
def test_a_reader_that_has_left_ends_the_program_with_status_1(which: str) -> None:
    command, pipe = [sys.executable, "-c", PROGRAM], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, env=BUFFERED) as process:
        assert process.stdout is not None and process.stderr is not None
        getattr(process, which).close()
        other = process.stderr if which == "stdout" else process.stdout
        assert other.read() == (b"progress\n" if which == "stdout" else b"")
    assert process.returncode == 1


def test_errors_about_a_parameter_name_its_option() -> None:
    for raised, message in (
        (ValueError("test: expected x"), "--test: expected x"),
        (FileNotFoundError("path: expected x, got C: y"), "--data: expected x, got C: y"),
        (ValueError("test.csv, line 2: expected x"), "test.csv, line 2: expected x"),
        (PermissionError(13, "no", "path"), "[Errno 13] no: 'path'"),
    ):
        with pytest.raises(type(raised)) as error, option_names("test", path="data"):
            raise raised
        assert str(error.value) == message
