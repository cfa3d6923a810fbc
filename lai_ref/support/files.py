"""Atomic file writes: a crash, a full disk or a signal leaves a file new as a whole or unchanged.

Data are written to NAME.HOST-PID-RANDOM.part in the same folder and then moved into place. No two
writers share a temporary file, whether they are processes, threads or a signal handler. The next
writer of a file removes the temporary files left by killed processes.

An interrupt (Ctrl-C) takes effect after the file is written: `defer_interrupt`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import secrets
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

STALE_AFTER_S = 3600.0  # seconds, far more than any write takes


def atomic_write(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically: the file is replaced as a whole or unchanged.

    Raises
    ------
    OSError
        If the file cannot be written, or the path is a pipe or a device, which the write would
        replace. The message has the path.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "expected a file, got a pipe or a device", os.fspath(path))
    path = path.resolve() if path.is_symlink() else path  # a link stays a link
    with defer_interrupt():
        _remove_stale_parts(path)
        name = f"{path.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.part"
        part = path.with_name(name)
        try:
            with open(part, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                part.unlink()
            if isinstance(error, OSError):  # the message of a full disk names no file
                raise OSError(error.errno, error.strerror, os.fspath(path)) from error
            raise


@contextlib.contextmanager
def defer_interrupt() -> Iterator[None]:
    """Delay SIGINT until the end of the block, and raise it again there.

    In other threads than the main one it does nothing: Python interrupts only the main thread.
    """
    handler = signal.getsignal(signal.SIGINT)
    # None: a handler that was not installed from Python, and could not be restored
    if threading.current_thread() is not threading.main_thread() or handler is None:
        yield
        return
    received: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if received:
            signal.raise_signal(signal.SIGINT)


def check_writable(option: str, folder: Path) -> None:
    """Raise OSError now, before any computing, if no file can be made in the folder of `option`."""
    if not folder.exists():
        raise FileNotFoundError(
            f"{option}: expected a file in a folder that exists, got {folder}; create the folder,"
            " or name another"
        )
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:  # which names the temporary file
        raise OSError(
            f"{option}: expected a folder in which files can be written, got {folder}:"
            f" {error.strerror}; name another"
        ) from None


def _remove_stale_parts(path: Path) -> None:
    """Remove temporary files of `path` whose writers were killed."""
    form = re.compile(rf"{re.escape(path.name)}\.([0-9a-f]{{8}})-(\d{{1,9}})-[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):  # a leftover file does not prevent writing
        for name in os.listdir(path.parent):
            if found := form.fullmatch(name):
                part = path.with_name(name)
                dead = found[1] == _host() and not _is_running(int(found[2]))
                if dead or time.time() - part.stat().st_mtime > STALE_AFTER_S:
                    part.unlink(missing_ok=True)


def _host() -> str:
    """A hash of the host's name, 8 hexadecimal digits: a process ID is unique only on its host."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_running(pid: int) -> bool:
    """Whether a process with this ID runs on this machine; True if that is unknown."""
    if sys.platform == "win32":  # where signal 0 would be Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
