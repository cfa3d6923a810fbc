"""Programs on any terminal: limited encodings, closed pipes and streams, full disks.

Standard output in ASCII or cp1252 (on Windows: as soon as it goes to a file or to another program)
raises UnicodeEncodeError for a λ. Here one ASCII character replaces each such character, so that
columns stay aligned; a hyphen replaces a minus sign.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

SIMILAR = {"−": "-", "–": "-", "‖": "|", "×": "x", "·": "*", "’": "'", "“": '"', "”": '"'}
SIMILAR |= dict(zip("αβθλμρσφ", "abtlmrsf", strict=True))
BROKEN = 1  # exit status of a program whose output could not be written


def replace_unprintable() -> None:
    """Print a similar character, or ?, for one that standard output or error cannot encode."""
    codecs.register_error("lai_ref.similar", _similar)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed; for None, `print` would use standard output
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):  # a notebook's stream takes every character
            stream.reconfigure(errors="lai_ref.similar")


@contextlib.contextmanager
def option_names(*names: str, **renamed: str) -> Iterator[None]:
    """In errors about a parameter, name its option: `--NAME: …` in place of `NAME: …`.

    `names` are parameters whose options have the same name; `renamed` has the name of the others.
    """
    options = dict.fromkeys(names) | renamed
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        name, _, message = str(error).partition(": ")
        if name not in options:
            raise
        raise type(error)(f"--{options[name] or name}: {message}") from error


def run_program(main: Callable[[], int]) -> NoReturn:
    """Run `main` as a program on any terminal, and end with its exit status.

    `main` must not catch a BrokenPipeError of its output.
    """
    replace_unprintable()
    status: int | str | None
    try:
        try:
            status = main()
        except SystemExit as end:  # raised by argparse, after it has printed
            status = end.code
        sys.stdout.flush()  # now, where an error is caught, not when Python exits
    except BrokenPipeError:  # the reader has closed the pipe, as `head` does
        status = _discard_output()
    except OSError as error:  # a full disk
        print(f"the output cannot be written: {error}", file=sys.stderr)
        status = _discard_output()
    sys.exit(status)


def _similar(error: UnicodeError) -> tuple[str, int]:
    """The error handler: the similar character of `SIMILAR`, or "?" as the handler "replace"."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SIMILAR.get(character, "?") for character in lacking), error.end


def _discard_output() -> int:
    """Redirect the output to the null device: Python then prints no error when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return BROKEN
