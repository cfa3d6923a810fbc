from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lai_ref.support import files
from lai_ref.support.files import atomic_write, check_writable, defer_interrupt
from tests.inputs.small_disk import filled, small_disk

# write "new" in a separate process, and do something else before the temporary file is moved
WRITING = """
import os, signal, sys
from pathlib import Path
from lai_ref.support.files import atomic_write

def within_the_write(descriptor):
    {}

os.fsync = within_the_write
atomic_write(Path(sys.argv[1]), b"new")
"""
KILLED = WRITING.format("os.kill(os.getpid(), signal.SIGKILL)")
WAITING = WRITING.format("print('part written', flush=True); sys.stdin.read()")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

FULL_DISK = """
import resource, sys
from pathlib import Path
from lai_ref.support.files import atomic_write

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
atomic_write(Path(sys.argv[1]), bytes(5000))
"""


def parts(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".part")]


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    for content in (b"one", b"another"):
        atomic_write(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on a file's size there")
def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True)
    assert b"OSError" in done.stderr
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_leaves_the_old_file_and_its_name_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size=200_000) as disk:
        path = disk / "file"
        atomic_write(path, b"old")
        with filled(disk):
            with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
                atomic_write(path, bytes(5000))
            assert path.read_bytes() == b"old"
            assert parts(disk) == []
        atomic_write(path, b"new")
        assert path.read_bytes() == b"new"


@POSIX
def test_what_a_killed_writer_leaves_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, b"old")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", KILLED, str(path)])
        assert done.returncode == -signal.SIGKILL
        assert path.read_bytes() == b"old"
        assert len(parts(tmp_path)) == 1
    atomic_write(tmp_path / "fil", b"another file's part is left alone")
    atomic_write(tmp_path / "file.b", b"")
    assert len(parts(tmp_path)) == 1
    atomic_write(path, b"newer")
    assert sorted(os.listdir(tmp_path)) == ["fil", "file", "file.b"]


@POSIX
def test_the_part_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with subprocess.Popen(
        [sys.executable, "-c", WAITING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"part written\n"
        atomic_write(path, b"mine")
        assert path.read_bytes() == b"mine" and len(parts(tmp_path)) == 1
        writer.communicate()
    assert writer.returncode == 0
    assert path.read_bytes() == b"new" and parts(tmp_path) == []


def test_the_part_of_another_machine_is_removed_after_long(tmp_path: Path) -> None:
    there = f"{int(files._host(), 16) ^ 1:08x}"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    part = tmp_path / f"file.{there}-{dead.pid}-00000000.part"
    part.write_bytes(b"half")
    atomic_write(tmp_path / "file", b"one")
    assert parts(tmp_path) == [part.name]
    long_ago = time.time() - files.STALE_AFTER_S - 60
    os.utime(part, (long_ago, long_ago))
    atomic_write(tmp_path / "file", b"another")
    assert parts(tmp_path) == []


def test_a_writer_within_another_does_not_mix_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, sync = tmp_path / "file", os.fsync

    def handler(descriptor: int) -> None:  # like a signal handler that saves the state again
        monkeypatch.setattr(os, "fsync", sync)
        atomic_write(path, b"the handler's")
        assert path.read_bytes() == b"the handler's"

    monkeypatch.setattr(os, "fsync", handler)
    atomic_write(path, b"the program's own")
    assert path.read_bytes() == b"the program's own"
    assert os.listdir(tmp_path) == ["file"]


# Interrupts


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch, default_interrupts: None) -> None:
    """Every write is interrupted before its file is moved into place, as by Ctrl-C."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: signal.raise_signal(signal.SIGINT))


def test_an_interrupt_waits_until_the_file_is_written(tmp_path: Path, interrupted: None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        atomic_write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]
    assert signal.getsignal(signal.SIGINT) == handler


def test_an_interrupt_waits_for_the_outermost_block(tmp_path: Path, interrupted: None) -> None:
    done = False
    with pytest.raises(KeyboardInterrupt), defer_interrupt():
        atomic_write(tmp_path / "one", b"1")
        atomic_write(tmp_path / "two", b"2")
        done = True
    assert done and sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_an_ignored_interrupt_is_ignored_after_writing_too(
    tmp_path: Path, interrupted: None
) -> None:
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        atomic_write(tmp_path / "file", b"new")
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)


def test_an_error_of_the_block_leaves_the_handler_in_place() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="no space"), defer_interrupt():
        raise OSError("no space")
    assert signal.getsignal(signal.SIGINT) == handler


# Several writers


def test_writers_at_one_time_leave_what_one_of_them_wrote(tmp_path: Path) -> None:
    path, seen = tmp_path / "file", set()
    contents = [bytes([i]) * 50_000 * (i + 1) for i in range(3)]
    atomic_write(path, contents[0])

    def write(content: bytes) -> None:
        for _ in range(20):
            atomic_write(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_bytes())
    assert seen <= set(contents)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    atomic_write(tmp_path / "file", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_folder_that_is_not_there_is_not_writable(tmp_path: Path) -> None:
    check_writable("--out", tmp_path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        check_writable("--out", tmp_path / "none")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_a_pipe_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    """Otherwise an administrator's run would replace /dev/null."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="expected a file, got a pipe or a device"):
        atomic_write(pipe, b"new")
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link, file = tmp_path / "link", tmp_path / "folder" / "file"
    file.write_bytes(b"old")
    link.symlink_to(file)
    atomic_write(link, b"new")
    assert link.is_symlink() and file.read_bytes() == b"new"


def test_a_folder_that_cannot_be_written_is_named_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(OSError) as error:
        check_writable("--out", tmp_path / "none")
    assert str(error.value) == (
        f"--out: expected a file in a folder that exists, got {tmp_path / 'none'}; create the"
        " folder, or name another"
    )
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError) as error:
        check_writable("--out", tmp_path / "file")
    assert str(error.value).startswith("--out: expected a folder in which files can be written")
