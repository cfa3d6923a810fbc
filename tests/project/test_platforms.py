"""At run time nothing requires POSIX, a locale, a home folder, assertions or docstrings."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for name in ("lai_ref", "figures", "tutorials") for path in (ROOT / name).rglob("*.py")
)
SHORT = ["train", "--pretrain-epochs=1", "--lai-epochs=1", "--hidden=4", "--batch-size=999"]
PORT = [sys.executable, str(ROOT / "tests" / "independent" / "stdlib_port.py")]

WITHOUT_POSIX = """
import importlib, os, pkgutil, signal, sys
{third_parties}
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getppid", "killpg",
             "setsid", "setpgid", "getpgid", "sched_getaffinity", "sched_setaffinity", "uname",
             "mkfifo", "chown", "fchown", "fchmod", "statvfs", "nice", "getloadavg",
             "posix_fallocate", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGALRM", "SIGHUP", "SIGPIPE", "SIGUSR1", "SIGCHLD", "alarm", "setitimer",
             "pthread_sigmask", "pthread_kill"):
    if hasattr(signal, name):
        delattr(signal, name)
"""
THIRD_PARTIES = """
import subprocess, tempfile, shutil, platform, multiprocessing.popen_spawn_posix
import concurrent.futures.process, numpy, numpy.testing, matplotlib.backends.backend_agg
import matplotlib.backends.backend_svg, matplotlib.pyplot
subprocess.Popen.kill = subprocess.Popen.terminate  # as on Windows
"""
PROGRAM = (
    WITHOUT_POSIX
    + """
import lai_ref, figures
for package in (lai_ref, figures):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as missing:  # an extra dependency, `backends`
                assert missing.name in ("torch", "jax", "optax"), missing
from figures.__main__ import main as draw
from lai_ref.__main__ import main as train
from lai_ref.oracle.__main__ import main as ask

out, short, port = {out!r}, {short!r}, {port!r}
for _ in range(2):  # the second run resumes, and removes a file left by a killed process
    assert train([*short, "--state", out + "/state.npz"]) == 0
    with open(out + "/state.npz.00000000-1-00000000.part", "wb"):
        pass
assert draw(["factor", "claims", "--quick", "--jobs", "1", "--out", out]) == 0
assert ask(["run", "--cmd", port, "--groups", "factor"]) == 0
assert ask(["run", "--cmd", port, "--groups", "factor", "--timeout", "0"]) == 2
"""
)


@pytest.mark.slow
def test_all_commands_run_without_posix(tmp_path: Path) -> None:
    port = " ".join(f'"{word}"' for word in PORT)
    program = PROGRAM.format(third_parties=THIRD_PARTIES, out=str(tmp_path), short=SHORT, port=port)
    done = run("-c", program)
    assert done.returncode == 0, done.stderr


def run(
    *arguments: str,
    python: tuple[str, ...] = (),
    folder: Path = ROOT,
    environment: Mapping[str, str | None] = MappingProxyType({}),
) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, *python, *arguments],
        env={name: value for name, value in variables.items() if value is not None},
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
    )


ODD = ["a folder", "100%d", "λ φ", "line\nbreak", "{brace}", "[1]*?", "-rf", "'quote\"", "x" * 180]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not allow some of these names")
@pytest.mark.slow
def test_folders_with_odd_names_work(tmp_path: Path) -> None:
    """No folder name is interpreted as a pattern, a format or an option."""
    folder = tmp_path.joinpath(*ODD)
    folder.mkdir(parents=True)
    (folder / "state.npz.00000000-1-00000000.part").write_bytes(b"")
    os.utime(folder / "state.npz.00000000-1-00000000.part", (0, 0))  # left long ago
    for epochs in ("1", "2"):
        done = run(
            "-m", "lai_ref", *SHORT, "--lai-epochs", epochs, "--state", f"{folder}/state.npz"
        )
        assert done.returncode == 0, done.stderr
    assert "resuming after epoch 2" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["state.npz"]
    done = run("-m", "figures", "factor", "--quick", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.glob("factor.*")} == {
        "factor.json", "factor.png", "factor.svg"}  # fmt: skip


SURROUNDINGS: dict[str, dict[str, str | None]] = {
    "no home": {"HOME": None, "USERPROFILE": None, "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None},
    "a home that does not exist": {"HOME": "/nonexistent", "MPLCONFIGDIR": None},
    "a dumb terminal": {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "1", "LINES": "0"},
    "forced colours": {"FORCE_COLOR": "1", "PYTHON_COLORS": "1"},
    "another locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
    "no locale": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "almost no variables": dict.fromkeys(os.environ),
}
COMMANDS = {
    "train": ["-m", "lai_ref", *SHORT],
    "figure": ["-m", "figures", "factor", "--quick", "--out", "OUT"],
    "oracle": ["-m", "lai_ref.oracle", "list"],
}


NAMES = ["train", pytest.param("figure", marks=pytest.mark.slow), "oracle"]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = str(tmp_path_factory.mktemp("out"))
    return {name: run(*command).stdout for name, command in with_out(out).items()}


def with_out(out: str) -> dict[str, list[str]]:
    return {name: [w.replace("OUT", out) for w in command] for name, command in COMMANDS.items()}


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_results_do_not_depend_on_the_environment(
    name: str, surroundings: str, expected: dict[str, str], tmp_path: Path
) -> None:
    command = with_out(str(tmp_path))[name]
    variables = {**SURROUNDINGS[surroundings], "PYTHONIOENCODING": "utf-8"}
    done = run(*command, environment=variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected[name] and (name == "figure" or expected[name])


@pytest.mark.parametrize(
    "python", [("-O",), ("-OO",), ("-B", "-s", "-E"), ("-X", "dev")], ids="".join
)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_results_do_not_depend_on_assertions_or_docstrings(
    name: str, python: tuple[str, ...], expected: dict[str, str], tmp_path: Path
) -> None:
    done = run(*with_out(str(tmp_path))[name], python=python)
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected[name]


@pytest.mark.parametrize(
    "command", ["lai_ref", "lai_ref.oracle", "lai_ref.california.measure", "figures"]
)
@pytest.mark.slow
def test_help_is_printed_without_docstrings(command: str) -> None:
    done = run("-m", command, "--help", python=("-OO",))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


ENCODING = {
    "train": ["-m", "lai_ref", *SHORT, "--state", "OUT/state.npz"],
    "oracle list": ["-m", "lai_ref.oracle", "list"],
    "oracle run": ["-m", "lai_ref.oracle", "run", "--groups", "adam", "--cmd", " ".join(PORT)],
    "oracle verify": ["-m", "lai_ref.oracle", "verify", "--groups", "adam"],
    "figures": ["-m", "figures", "claims", "--quick", "--out", "OUT"],
    "tutorial": [str(ROOT / "tutorials" / "01_projection.py")],
}


@pytest.mark.parametrize("name", ENCODING)
@pytest.mark.slow
def test_a_command_names_the_encoding_of_every_file(name: str, tmp_path: Path) -> None:
    command = [word.replace("OUT", str(tmp_path)) for word in ENCODING[name]]
    python = ("-X", "warn_default_encoding", "-W", "always::EncodingWarning")
    done = run(*command, python=python, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if "EncodingWarning" in line]
    assert [line for line in warned if "site-packages" not in line] == []  # matplotlib's remain


TEXT_CALLS = {"open", "read_text", "write_text", "fdopen", "TextIOWrapper", "NamedTemporaryFile",
              "TemporaryFile", "SpooledTemporaryFile", "genfromtxt", "loadtxt", "savetxt",
              "run", "Popen", "check_output", "getoutput"}  # fmt: skip


def without_encoding(source: str) -> list[int]:
    """The lines with a call that reads or writes text in the default encoding of the platform."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        given = {word.arg: word.value for word in node.keywords}
        if name not in TEXT_CALLS or "encoding" in given:
            continue
        texts = [
            a.value for a in (*node.args[:2], given.get("mode")) if isinstance(a, ast.Constant)
        ]
        binary = any(isinstance(a, str) and "b" in a and set(a) <= set("rwxab+") for a in texts)
        if name in ("run", "Popen", "check_output", "getoutput"):
            found = name == "getoutput" or bool(
                {"text", "universal_newlines", "errors"} & set(given)
            )
        elif name in ("read_text", "write_text"):
            found = len(node.args) <= (name == "write_text")
        elif (
            name == "open"
            and isinstance(node.func, ast.Attribute)
            and ast.unparse(node.func) == "os.open"
        ):
            found = False  # a descriptor
        else:
            default_is_binary = name.endswith("TemporaryFile") and "mode" not in given and not texts
            found = not binary and not default_is_binary
        if found:
            lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_is_opened_with_a_named_encoding(path: Path) -> None:
    assert without_encoding(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("path.open()", True),
        ("open(path, mode='r')", True),
        ("open(path, 'rb')", False),
        ("path.open('xb')", False),
        ("open(path, encoding='utf-8')", False),
        ("os.open(path, os.O_WRONLY)", False),
        ("path.read_text()", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("path.read_bytes()", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, capture_output=True)", False),
        ("subprocess.Popen(command, text=True, encoding='utf-8')", False),
        ("tempfile.TemporaryFile()", False),
        ("tempfile.TemporaryFile('w')", True),
        ("tempfile.NamedTemporaryFile(mode='w+')", True),
    ],
)
def test_a_call_without_an_encoding_is_found(source: str, found: bool) -> None:
    assert without_encoding(source) == [1] * found
