"""Ctrl-C, which a terminal sends to the command and to all of its processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("after", [0.0, 0.4, 0.8, 1.2])
def test_an_interrupt_of_all_processes_ends_the_command_at_once(
    after: float, tmp_path: Path
) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from figures.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    options = ["frontier", "--quick", "--jobs", "2", "--out", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-c", program, *options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "1/" in line:  # the first job is done: all processes work
                break
        time.sleep(after)
        os.killpg(process.pid, signal.SIGINT)
        try:
            _, rest = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    # a process that is just starting may add Python's own words
    assert "figures: interrupted; rerun the command to resume" in rest.splitlines()
