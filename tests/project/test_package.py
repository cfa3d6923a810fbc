"""The package: its source distribution builds, and its wheel contains exactly the files that
`lai_ref` needs at run time and works from any folder; so does an editable install."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from lai_ref.oracle import GROUPS

ROOT = Path(__file__).parents[2]
NEEDED = 77  # minimum version of setuptools, as in pyproject.toml
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, f"build_{sys.argv[1]}")(sys.argv[2]))
"""
READ_AT_RUN_TIME = {
    "lai_ref/py.typed",
    "lai_ref/california/california.json",
    "lai_ref/oracle/README.md",
    "lai_ref/oracle/KILLS.txt",
    "lai_ref/oracle/vectors/SHA256SUMS",
    *(f"lai_ref/oracle/vectors/{group}.json" for group in GROUPS),
}


def python_with_setuptools(folder: Path) -> str:
    """A Python with setuptools: this one, or one in a new environment in `folder`."""
    try:
        if int(importlib.metadata.version("setuptools").split(".")[0]) >= NEEDED:
            return sys.executable
    except importlib.metadata.PackageNotFoundError:
        pass
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    command = [python, "-m", "pip", "install", "--quiet", f"setuptools>={NEEDED}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"setuptools >= {NEEDED}: not found, not installable: {done.stderr[-200:]}")
    return python


def built(python: str, kind: str, tree: Path, out: Path) -> Path:
    command = [python, "-c", BUILD, kind, str(out)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the published files, without leftovers of an earlier build."""
    copy = tmp_path / "tree"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lai_ref", copy / "lai_ref", ignore=skip)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def files_of(tree: Path) -> set[str]:
    files = (path for path in (tree / "lai_ref").rglob("*") if path.is_file())
    return {path.relative_to(tree).as_posix() for path in files}


def package_files(wheel: zipfile.ZipFile) -> set[str]:
    return {name for name in wheel.namelist() if not name.startswith("lai_ref-")}


@pytest.mark.slow
def test_a_wheel_contains_every_module_and_data_file(tmp_path: Path, tree: Path) -> None:
    expected = files_of(tree)  # before a build adds files
    assert expected >= READ_AT_RUN_TIME
    assert any(name.startswith("lai_ref/support/") for name in expected)
    python = python_with_setuptools(tmp_path / "venv")
    with zipfile.ZipFile(built(python, "wheel", tree, tmp_path / "out")) as wheel:
        assert package_files(wheel) == expected


@pytest.mark.slow
def test_the_wheel_of_the_source_distribution_is_the_same_and_works(
    tmp_path: Path, tree: Path
) -> None:
    expected, out = files_of(tree), tmp_path / "out"
    python = python_with_setuptools(tmp_path / "venv")

    source = built(python, "sdist", tree, out)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (unpacked,) = (tmp_path / "source").iterdir()
    with zipfile.ZipFile(built(python, "wheel", unpacked, out)) as wheel:
        names = package_files(wheel)
        about = {name.split("/", 1)[1] for name in wheel.namelist() if name.startswith("lai_ref-")}
        wheel.extractall(tmp_path / "site")
    assert names == expected
    assert about == {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE", "top_level.txt"}

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def run(*arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=elsewhere,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    where = run("-c", "import lai_ref; print(lai_ref.__file__); lai_ref.load_california()")
    assert Path(where.strip()).is_relative_to(tmp_path / "site")
    printed = run("-m", "lai_ref.oracle", "verify", "--groups", "codec", "factor", "adam")
    assert printed.endswith("expected answers are correct\n")
    assert run("-m", "lai_ref.oracle", "list").count("\n") > 400


@pytest.mark.slow
def test_an_editable_install_works_from_the_folder_above_the_clone(
    tmp_path: Path, tree: Path
) -> None:
    """There the clone is a folder `lai_ref` without an `__init__.py`, before the package."""
    clone = tree.rename(tmp_path / "lai_ref").resolve()
    python = python_with_setuptools(tmp_path / "venv")
    with zipfile.ZipFile(built(python, "editable", clone, tmp_path / "out")) as wheel:
        (name,) = package_files(wheel)
        assert name.endswith(".pth")
        added = wheel.read(name).decode().strip()
    assert Path(added) == clone  # a folder for sys.path, no import hook

    where = subprocess.run(
        [sys.executable, "-c", "from lai_ref import Lai, __file__ as file; print(file)"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": added},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(clone)
