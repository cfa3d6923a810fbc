"""Programs on any terminal: characters that it lacks, a reader that stops, a closed stream.

Standard output in ASCII or cp1252 (on Windows: as soon as it goes to a file or to another program)
raises UnicodeEncodeError for a λ. Here such a character is replaced, each by one, so that columns
stay aligned; a minus sign stays a minus sign.
"""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable
from typing import NoReturn

SIMILAR = {"−": "-", "–": "-", "‖": "|", "×": "x", "·": "*", "’": "'", "“": '"', "”": '"'}
SIMILAR |= dict(zip("αβθλμρσφ", "abtlmrsf", strict=True))
BROKEN = 1  # exit status of a program whose output has not arrived


def replace_unprintable() -> None:
    """Print ? and the like for characters that standard output or error cannot encode."""
    codecs.register_error("lai_ref.similar", _similar)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed; `print` would take standard output for standard error
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure"):  # a notebook's stream takes every character
            stream.reconfigure(errors="lai_ref.similar")


def run_program(main: Callable[[], int]) -> NoReturn:
    """Run `main` as a program on any terminal, and end with its exit status.

    `main` lets a BrokenPipeError of its output through.
    """
    replace_unprintable()
    status: int | str | None
    try:
        try:
            status = main()
        except SystemExit as end:  # of argparse, which has printed
            status = end.code
        sys.stdout.flush()  # here, and not when Python ends
    except BrokenPipeError:  # the reader has enough, as `head` has
        status = _discard_output()
    except OSError as error:  # a full disk
        print(f"the output cannot be written: {error}", file=sys.stderr)
        status = _discard_output()
    sys.exit(status)


def _similar(error: UnicodeError) -> tuple[str, int]:
    """As the error handler "replace", but for characters that have a similar one in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SIMILAR.get(character, "?") for character in lacking), error.end


def _discard_output() -> int:
    """Let Python find nothing to complain of when it ends and flushes its streams."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    return BROKEN
