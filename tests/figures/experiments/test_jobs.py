from __future__ import annotations

import multiprocessing
import os
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lai_ref
from figures.experiments import jobs
from figures.experiments.inputs import Job, Source, digest_of
from figures.experiments.jobs import cache_path, code_digest, run_jobs


def work(job: Job, data: Source, cache: Path) -> dict[str, Any]:
    """Square a number, and leave a line in a log, so that a test sees what has been run."""
    with open(job["log"], "a") as log:
        log.write(f"{job['n']}\n")
    if job["n"] >= 100:
        time.sleep(0.1)
    if job["n"] < 0:
        raise ValueError("n: expected at least 0")
    return {
        "square": job["n"] ** 2,
        "data": str(data),
        "threads": os.environ.get("OPENBLAS_NUM_THREADS"),
        "process": os.getpid(),
    }


def runs(tmp_path: Path, numbers: list[int], processes: int = 2) -> list[dict[str, Any]]:
    todo = [{"n": n, "log": str(tmp_path / "log")} for n in numbers]
    return run_jobs(work, todo, Path("somewhere"), tmp_path / "arms", processes, "squares")


def log(tmp_path: Path) -> list[int]:
    return sorted(int(line) for line in (tmp_path / "log").read_text().split())


def test_results_come_in_order_and_are_computed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [r["square"] for r in runs(tmp_path, [3, 1, 2])] == [9, 1, 4]
    assert "squares: 3/3 in" in capsys.readouterr().err
    assert [r["square"] for r in runs(tmp_path, [5, 3, 2])] == [25, 9, 4]
    assert log(tmp_path) == [1, 2, 3, 5]
    assert "squares: 3 jobs, 2 of them cached" in capsys.readouterr().err


def test_equal_jobs_are_computed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [r["square"] for r in runs(tmp_path, [3, 2, 3])] == [9, 4, 9]
    assert log(tmp_path) == [2, 3]
    assert "squares: 2 jobs, 0 of them cached" in capsys.readouterr().err


def test_jobs_run_apart_with_one_thread_and_the_data(tmp_path: Path) -> None:
    results = runs(tmp_path, [1, 2], processes=1)
    assert {r["threads"] for r in results} == {"1"}
    assert {r["data"] for r in results} == {"somewhere"}
    assert os.getpid() not in {r["process"] for r in results}


def test_a_job_that_fails_leaves_the_others_cached(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="n: expected at least 0"):
        runs(tmp_path, [1, 2, -1], processes=1)
    assert [r["square"] for r in runs(tmp_path, [1, 2, 4])] == [1, 4, 16]
    assert log(tmp_path) == [-1, 1, 2, 4]


def test_a_job_that_fails_cancels_those_that_wait(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="n: expected at least 0"):
        runs(tmp_path, [-1, *range(100, 130)], processes=1)
    for child in multiprocessing.active_children():
        child.join(timeout=60)
    assert len(log(tmp_path)) < 10  # one runs, and the pool has queued a few


@pytest.mark.parametrize(
    "damage", [b"", b'{"arm": {"n"', b"[1]", b"\xff\xfe", b'{"arm": {"n": 4}, "result": {}}']
)
def test_a_damaged_result_is_computed_again(
    tmp_path: Path, damage: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(tmp_path, [3])
    (kept,) = (tmp_path / "arms").iterdir()
    kept.write_bytes(damage)
    assert [r["square"] for r in runs(tmp_path, [3])] == [9]
    assert log(tmp_path) == [3, 3]
    assert "damaged; computing this job again" in capsys.readouterr().err


def test_the_key_is_made_of_what_determines_the_result(tmp_path: Path) -> None:
    job = {"a": 1, "b": [2, 3]}
    assert cache_path(work, job, tmp_path) == cache_path(
        work, dict(reversed(job.items())), tmp_path
    )
    assert cache_path(work, job, tmp_path) != cache_path(work, {**job, "a": 2}, tmp_path)
    assert cache_path(work, job, tmp_path) != cache_path(runs, job, tmp_path)  # type: ignore[arg-type]


def test_comments_docstrings_and_layout_leave_the_key_as_it_is(tmp_path: Path) -> None:
    texts = [
        "def f(x: int) -> int:\n    return x + 1\n",
        '"""About."""\n\n\ndef f(x: int) -> int:\n    """One more."""\n    return (x + 1)  # so\n',
        "def f(x: int) -> int:\n    return x + 2\n",
        'def f(x: int) -> int:\n    return "x"\n',
    ]
    statements = []
    for text in texts:
        (tmp_path / "module.py").write_text(text)
        statements.append(jobs._normalised_ast(tmp_path / "module.py"))
    assert statements[0] == statements[1]
    assert len(set(statements)) == 3


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of lai_ref with one more module, in a subfolder of a subfolder."""
    copy = tmp_path / "lai_ref"
    skip = shutil.ignore_patterns("__pycache__", "vectors")
    shutil.copytree(Path(lai_ref.__file__).parent, copy, ignore=skip)
    (copy / "folder" / "inner").mkdir(parents=True)
    (copy / "folder" / "inner" / "module.py").write_text("H = 0.5\n")
    return copy


def digest(package: Path) -> str:
    """For a work function of this module."""
    return code_digest(Path(__file__), package, jobs.FIGURES)


@pytest.mark.parametrize(
    "edited", ["factor.py", "train.py", "folder/inner/module.py", "folder/inner/another.py"]
)
def test_the_key_follows_every_file_of_the_package(package: Path, edited: str) -> None:
    before = digest(package)
    with open(package / edited, "a") as file:
        file.write("\nH = 1.0\n")
    assert digest(package) != before


@pytest.mark.parametrize("edited", ["__main__.py", "oracle/case.py", "oracle/mutants/factor.py"])
def test_the_key_follows_no_file_that_trains_nothing(package: Path, edited: str) -> None:
    before = digest(package)
    with open(package / edited, "a") as file:
        file.write("\nH = 1.0\n")
    assert digest(package) == before


def test_the_key_follows_the_works_module_and_not_where_the_package_lies(package: Path) -> None:
    assert digest(package) != code_digest(Path(jobs.__file__), package, jobs.FIGURES)
    (package / "folder" / "inner" / "module.py").unlink()
    assert digest(package) == jobs._code(Path(__file__))


def test_the_digest_follows_the_numbers() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert digest_of(x) == digest_of(np.asfortranarray(x))
    assert digest_of(x) != digest_of(x * (1 + 1e-15))


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """A copy of the package `figures` without its results."""
    copy = tmp_path / "figures"
    skip = shutil.ignore_patterns("__pycache__", "results", "out")
    shutil.copytree(jobs.FIGURES, copy, ignore=skip)
    return copy


def keys(figures: Path) -> dict[str, str]:
    """The digest of the code of every module with a work function, lai_ref left out."""
    none = figures / "none"
    return {name: code_digest(figures / f"experiments/{name}.py", none, figures) for name in WORKS}


WORKS = ("trained", "trap_runs", "step_times", "framework_runs")


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("experiments/trained.py", {"trained"}),
        ("experiments/trap_runs.py", {"trap_runs"}),
        ("experiments/step_times.py", {"step_times"}),
        ("experiments/framework_runs.py", {"framework_runs"}),
        ("experiments/timing.py", {"step_times", "framework_runs"}),
        ("experiments/inputs.py", set(WORKS)),
        ("experiments/__init__.py", set(WORKS)),
        ("__init__.py", set(WORKS)),
    ],
)
def test_the_key_follows_what_the_works_module_imports(
    figures: Path, edited: str, changed: set[str]
) -> None:
    before = keys(figures)
    with open(figures / edited, "a") as file:
        file.write("\nH = 1.0\n")
    after = keys(figures)
    assert {name for name in WORKS if after[name] != before[name]} == changed


IMPORTED = ("inputs", "timing", "arms", "evaluation")  # by these works


def test_the_key_follows_no_word_and_no_figure(figures: Path) -> None:
    before = keys(figures)
    used = [file for name in (*IMPORTED, *WORKS) for file in figures.rglob(f"{name}.py")]
    others = [file for file in figures.rglob("*.py") if file not in used]
    names = {file.relative_to(figures).as_posix() for file in others}
    assert {"plotting/words.py", "trap.py", "experiments/protocol.py"} <= names
    for file in others:
        if file.name != "__init__.py" or "claims" in file.parts:
            file.write_text(file.read_text() + "\nH = 1.0\n")
    assert keys(figures) == before


@pytest.mark.parametrize(
    "line",
    [
        "import figures.other.module",
        "from figures.other import module",
        "from figures.other.module import H",
        "def f():\n    from figures.other.module import H",
    ],
)
def test_the_key_follows_every_form_of_import(tmp_path: Path, line: str) -> None:
    work, other = tmp_path / "work.py", tmp_path / "figures" / "other"
    other.mkdir(parents=True)
    work.write_text(line)
    digests = set()
    for text in ("H = 0.5", "H = 1.0", "from figures.other.third import H"):
        (other / "module.py").write_text(text)
        digests.add(code_digest(work, tmp_path / "empty", tmp_path / "figures"))
    (other / "third.py").write_text("H = 1.0")
    digests.add(code_digest(work, tmp_path / "empty", tmp_path / "figures"))
    (other / "__init__.py").write_text("H = 1.0")
    digests.add(code_digest(work, tmp_path / "empty", tmp_path / "figures"))
    assert len(digests) == 5


def test_a_relative_import_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("from . import other")
    with pytest.raises(ValueError, match="expected absolute imports"):
        code_digest(tmp_path / "work.py", tmp_path / "empty", tmp_path / "figures")
