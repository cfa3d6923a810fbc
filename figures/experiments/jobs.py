"""Run independent jobs in parallel processes and cache each result.

A job is a dict of parameters (JSON) and a work function. The cache key covers everything
that determines the result: the function, the parameters (with a digest of the data), the code and
the library versions. A run that is killed at any moment resumes with the missing jobs. The code is
that of `lai_ref`, of the work function's module and of its imports from `figures`, without comments
and docstrings. A work function is therefore in a module without titles and labels.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import multiprocessing
import os
import platform
import signal
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
from figures.experiments.inputs import Job, Source
from lai_ref.support.files import atomic_write

Work: TypeAlias = Callable[[Job, Source, Path], dict[str, Any]]

FIGURES = Path(__file__).parents[1]  # the folder of the package
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def run_jobs(
    work: Work, jobs: list[Job], data: Source, folder: Path, processes: int, title: str
) -> list[dict[str, Any]]:
    """Return the result of every job, in their order; compute those that are not cached.

    Equal jobs are computed once.

    Parameters
    ----------
    work
        ``work(job, data, cache)``, a function at module level; `cache` is the file of its result,
        beside which it may write further files. The result can be written as JSON.
    data
        Passed to `work`. Not part of the cache key: the jobs contain a digest of the data.
    folder
        Where results are cached.
    processes
        Number of parallel processes. Each uses one thread, so results do not depend on it.
    title
        Start of every progress line on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [cache_path(work, job, folder) for job in jobs]
    by_path = dict(zip(paths, jobs, strict=True))
    results = {path: _read(path, job) for path, job in by_path.items()}
    missing = {path: job for path, job in by_path.items() if results[path] is None}
    cached = len(results) - len(missing)
    _log(f"{title}: {len(results)} jobs, {cached} of them cached")
    if missing:
        began = time.monotonic()
        with _one_thread_each(min(processes, len(missing))) as pool:
            tasks = {
                pool.submit(_run, work, job, data, path): path for path, job in missing.items()
            }
            try:
                for done, task in enumerate(as_completed(tasks), start=1):
                    results[tasks[task]] = task.result()
                    seconds = time.monotonic() - began
                    left = seconds / done * (len(missing) - done)
                    _log(f"{title}: {done}/{len(missing)} in {seconds:.0f} s, ~{left:.0f} s left")
            except BaseException:
                # wait: or the end of `with` takes the cancelling back before the pool has seen it
                pool.shutdown(wait=True, cancel_futures=True)
                raise
    return [result for path in paths if (result := results[path]) is not None]


def cache_path(work: Work, job: Job, folder: Path) -> Path:
    """The path of the job's result."""
    code = _code(Path(inspect.getfile(work)))
    versions = [platform.python_version(), platform.machine(), np.__version__]
    return folder / f"{work.__name__}-{_digest([work.__module__, job, code, versions])}.json"


def _run(work: Work, job: Job, data: Source, path: Path) -> dict[str, Any]:
    result = work(job, data, path)
    cached = {"arm": job, "result": result, "digest": _digest(result)}
    atomic_write(path, json.dumps(cached).encode())
    return result


def _read(path: Path, job: Job) -> dict[str, Any] | None:
    try:
        cached = json.loads(path.read_bytes())
        if cached["arm"] != job or cached["digest"] != _digest(cached["result"]):
            raise ValueError("expected this job and its result, got others")
        result: dict[str, Any] = cached["result"]
        return result
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        _log(f"{path}: damaged; computing this job again")
        return None


def _one_thread_each(processes: int) -> ProcessPoolExecutor:
    for name in THREADS:  # BLAS reads these when a spawned process imports NumPy
        os.environ[name] = "1"
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """End this process when its parent is killed, and on Ctrl-C, which all processes receive.

    An exception would not end it if it came while a lock of the pool is held.
    """
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))
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
    indirectly, and of `package`, the folder of lai_ref, without the oracle and the command line.
    """
    files = {
        path.as_posix(): package / path
        for path in (file.relative_to(package) for file in package.rglob("*.py"))
        if path.parts[0] != "oracle" and path.name != "__main__.py"
    }
    imported, new = set[Path](), {module}
    while new := {found for file in new for found in _imported(file, figures)} - imported:
        imported |= new
    files |= {file.relative_to(figures.parent).as_posix(): file for file in imported}
    statements = {name: _normalised_ast(file) for name, file in files.items()}
    return _digest([statements, module.name, _normalised_ast(module)])


def _imported(module: Path, figures: Path) -> set[Path]:
    """The files in the folder `figures` that the import statements of a module run."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module}: expected absolute imports, got a relative one")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    paths = [figures.parent.joinpath(*name.split(".")) for name in names]
    places = {p for path in paths for p in (path, *path.parents) if p.is_relative_to(figures)}
    files = {f for place in places for f in (place / "__init__.py", place.with_suffix(".py"))}
    return {file for file in files if file.is_file()}


def _normalised_ast(file: Path) -> str:
    """The file's statements, without comments, docstrings and layout."""
    tree = ast.parse(file.read_bytes())
    documented = ast.Module | ast.ClassDef | ast.FunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and ast.get_docstring(node):
            del node.body[0]
    return ast.dump(tree)


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
