"""A disk so small that a test can fill it.

Mounting one requires root on Linux; elsewhere the test that uses it is skipped.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Create `folder` and mount on it a file system of `size` bytes in memory."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a small disk to fill can be mounted by root on Linux alone")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "small", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small disk to fill can be mounted: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def filled(disk: Path, but: int = 0) -> Iterator[None]:
    """Fill the disk except for at most `but` bytes."""
    filler = disk / "filler"
    space = os.statvfs(disk)
    filler.write_bytes(bytes(space.f_bavail * space.f_frsize - but))
    try:
        yield
    finally:
        filler.unlink()
