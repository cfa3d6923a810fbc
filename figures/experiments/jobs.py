"""Run independent jobs in parallel processes and cache each result.

A job is a dict of parameters, ready for JSON, and a work function. The cache key covers everything
that determines the result: the function, the parameters (with a digest of the data), the code and
the library versions. A run that is killed, at any moment, resumes with the missing jobs. The code
is that of `lai_ref`, of the work function's module and of what this imports from `figures`, without
comments and docstrings. So a work function stands in a module without captions and labels.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import lai_ref
from figures.experiments.inputs import Arm
from lai_ref.support.files import atomic_write

Work: TypeAlias = Callable[[Arm, Path | None, Path], dict[str, Any]]

FIGURES = Path(__file__).parents[1]  # the folder of the package
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def run_arms(
    work: Work, arms: list[Arm], data: Path | None, folder: Path, jobs: int, title: str
) -> list[dict[str, Any]]:
    """The result of every arm, in the order of `arms`; those that are kept are not run again.

    Parameters
    ----------
    work
        ``work(arm, data, kept)``, a function of a module; `kept` is the path of the arm's result,
        beside which it may leave further files. The result is JSON-able.
    data
        Handed on to `work`. Not part of the key: the arms name the data by their digest.
    folder
        Where results are kept.
    jobs
        How many processes. Each computes with one thread, so that results don't depend on it.
    title
        Begins every line of progress, on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [kept_at(work, arm, folder) for arm in arms]
    results = {path: _read(path, arm) for path, arm in zip(paths, arms, strict=True)}
    missing = {path: arm for path, arm in zip(paths, arms, strict=True) if results[path] is None}
    kept = len(results) - len(missing)
    _say(f"{title}: {len(results)} arms, {kept} of them kept from before")
    if missing:
        began = time.monotonic()
        with _one_thread_each(min(jobs, len(missing))) as pool:
            tasks = {
                pool.submit(_run, work, arm, data, path): path for path, arm in missing.items()
            }
            try:
                for done, task in enumerate(as_completed(tasks), start=1):
                    results[tasks[task]] = task.result()
                    seconds = time.monotonic() - began
                    left = seconds / done * (len(missing) - done)
                    _say(f"{title}: {done}/{len(missing)} in {seconds:.0f} s, ~{left:.0f} s left")
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return [result for path in paths if (result := results[path]) is not None]


def kept_at(work: Work, arm: Arm, folder: Path) -> Path:
    """The path of the arm's result."""
    code = _code(Path(inspect.getfile(work)))
    return folder / f"{work.__name__}-{_digest([work.__module__, arm, code, _versions()])}.json"


def _run(work: Work, arm: Arm, data: Path | None, path: Path) -> dict[str, Any]:
    result = work(arm, data, path)
    kept = {"arm": arm, "result": result, "digest": _digest(result)}
    atomic_write(path, json.dumps(kept).encode())
    return result


def _read(path: Path, arm: Arm) -> dict[str, Any] | None:
    try:
        kept = json.loads(path.read_bytes())
        if kept["arm"] != arm or kept["digest"] != _digest(kept["result"]):
            raise ValueError("another arm, or another result")
        result: dict[str, Any] = kept["result"]
        return result
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        _say(f"{path}: damaged; this arm is computed again")
        return None


def _one_thread_each(jobs: int) -> ProcessPoolExecutor:
    for name in THREADS:  # read by the BLAS when a child process, started afresh, imports NumPy
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Let no arm go on computing for a parent that was killed."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache
def _code(module: Path) -> str:
    return code_digest(module, Path(lai_ref.__file__).parent, FIGURES)


def code_digest(module: Path, package: Path, figures: Path) -> str:
    """A digest of the statements that a function of `module` may run.

    They are those of `module`, of the files in the folder `figures` that it imports, directly or
    not, and of `package`, the folder of lai_ref: all but the oracle and the command line.
    """
    files = {
        path.as_posix(): package / path
        for path in (file.relative_to(package) for file in package.rglob("*.py"))
        if path.parts[0] != "oracle" and path.name != "__main__.py"
    }
    missing, found = [module], dict[str, Path]()
    while missing:
        for file in _imported(missing.pop(), figures):
            name = file.relative_to(figures.parent).as_posix()
            if name not in found:
                found[name] = file
                missing.append(file)
    meanings = {name: _meaning(file) for name, file in (files | found).items()}
    return _digest([meanings, module.name, _meaning(module)])


def _imported(module: Path, figures: Path) -> set[Path]:
    """The files in the folder `figures` that the import statements of a module run."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module}: expected absolute imports, got a relative one")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    files = set()
    for first, *parts in (name.split(".") for name in names):
        for depth in range(1 + len(parts)):  # of the package, of its subpackages, of the module
            path = figures.joinpath(*parts[:depth])
            for file in (path / "__init__.py", path.with_suffix(".py")):
                if first == "figures" and file.is_file():
                    files.add(file)
    return files


def _meaning(file: Path) -> str:
    """The file's statements, without comments, docstrings and layout."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            del node.body[0]
    return ast.dump(tree)


def _versions() -> list[str]:
    return [platform.python_version(), platform.machine(), np.__version__]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
