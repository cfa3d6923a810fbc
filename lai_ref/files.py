"""Files that are there whole or, after a crash, a full disk or a signal, as they were before.

Until it is whole, a file stands beside its place as NAME.HOST-PID-RANDOM.part: no two writers share
one, whether they are processes, threads or a signal handler. A process that is killed leaves its
part behind; whoever writes the same file next takes it away.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import secrets
import sys
import tempfile
import time
import zlib
from pathlib import Path

LONG_AGO = 3600.0  # seconds, far more than any write takes


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, which is replaced in one moment or not at all.

    Raises
    ------
    OSError
        If it cannot be written. The message has the path.
    """
    _remove_abandoned(path)
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
        if isinstance(error, OSError):  # a full disk's own words name no file
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def check_writable(folder: Path) -> None:
    """Raise OSError now, before any computing, if no file can be made in `folder`."""
    with tempfile.TemporaryFile(dir=folder):
        pass


def _remove_abandoned(path: Path) -> None:
    """Remove the parts of `path` whose writers are no more."""
    form = re.compile(rf"{re.escape(path.name)}\.([0-9a-f]{{8}})-(\d{{1,9}})-[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):  # a part that stays is no reason not to write
        for name in os.listdir(path.parent):
            if found := form.fullmatch(name):
                part = path.with_name(name)
                dead = found[1] == _host() and not _runs(int(found[2]))
                if dead or time.time() - part.stat().st_mtime > LONG_AGO:
                    part.unlink(missing_ok=True)


def _host() -> str:
    """The machine, in 8 digits: elsewhere the number of a process means nothing."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _runs(pid: int) -> bool:
    """Whether a process of that number runs here, as far as can be told."""
    if sys.platform == "win32":  # where signal 0 would be Ctrl-C
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
