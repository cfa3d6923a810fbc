"""Every command prints on a terminal that is not UTF-8, and stops if the pipe is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from lai_ref.support.terminal import replace_unprintable

ROOT = Path(__file__).parents[2]
TUTORIALS = sorted((ROOT / "tutorials").glob("[0-9][0-9]_*.py"))
SHORT = "--pretrain-epochs 1 --lai-epochs 1 --hidden 4 --batch-size 999"
# command and expected exit status; OUT is a folder
COMMANDS = {
    "-m lai_ref --help": 0,
    "-m lai_ref train --help": 0,
    f"-m lai_ref train {SHORT} --state OUT/λ.npz": 0,
    "-m lai_ref train --lam λ": 2,
    "-m lai_ref train --data φ": 2,
    "-m lai_ref.california.measure --help": 0,
    "-m lai_ref.california.measure --data φ": 2,
    "-m lai_ref.oracle --help": 0,
    "-m lai_ref.oracle run --help": 0,
    "-m lai_ref.oracle list": 0,
    "-m lai_ref.oracle grade φ.json": 2,
    "-m lai_ref.oracle run --groups factor --cmd φ": 2,
    "-m figures --help": 0,
    "-m figures claims --out OUT": 0,
    "-m figures φ.json --out OUT": 2,
    f"{TUTORIALS[0]}": 0,
}
QUICK = ("-m lai_ref --help", "-m lai_ref train --help", "-m lai_ref train --lam λ")


def commands(names: Iterable[str]) -> list[Any]:
    """The commands as parameters; all but some quick ones are slow tests."""
    return [
        pytest.param(name, id=Path(name).name, marks=() if name in QUICK else pytest.mark.slow)
        for name in names
    ]


def run(
    command: str, out: Path, encoding: str, python: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding, "COLUMNS": "100"}
    environment["PYTHONPATH"] = str(ROOT)
    arguments = [word.replace("OUT", str(out)) for word in command.split()]
    return subprocess.run(
        [sys.executable, *python, *arguments], cwd=out, env=environment, capture_output=True
    )


@pytest.mark.parametrize("command", commands(COMMANDS))
def test_a_command_prints_the_same_with_replacements_where_the_encoding_lacks_a_character(
    command: str, tmp_path: Path
) -> None:
    replace_unprintable()  # registers the error handler
    printed = {}
    for encoding in ("utf-8", "ascii", "cp1252"):
        out = tmp_path / encoding
        out.mkdir()
        done = run(command, out, encoding)
        assert done.returncode == COMMANDS[command], done.stderr.decode(encoding)
        streams = (done.stdout + done.stderr).decode(encoding).replace(f"{out}", "OUT")
        printed[encoding] = streams
    for encoding in ("ascii", "cp1252"):
        expected = printed["utf-8"].encode(encoding, "lai_ref.similar").decode(encoding)
        assert printed[encoding] == expected


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_every_tutorial_runs_in_ascii(path: Path, tmp_path: Path) -> None:
    for name in ("torch", "jax") if path.stem[:2] in ("09", "10") else ():
        if find_spec(name) is None:
            pytest.skip(f"{path.name} needs {name}")
    done = run(str(path), tmp_path, "ascii")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell's pipe")
@pytest.mark.parametrize("command", commands(c for c in COMMANDS if "-m" in c and not COMMANDS[c]))
def test_a_command_whose_pipe_is_closed_prints_no_error(command: str, tmp_path: Path) -> None:
    shell = f'"$0" {command.replace("OUT", str(tmp_path))} 2>&1 >&3 | cat >errors; true'
    shell = f"{{ {shell}; }} 3>&1 | true"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    subprocess.run(["sh", "-c", shell, sys.executable], cwd=tmp_path, env=environment, check=True)
    errors = (tmp_path / "errors").read_text(encoding="utf-8")
    assert "Error" not in errors and "Broken pipe" not in errors
