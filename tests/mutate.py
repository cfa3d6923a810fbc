"""Mutation testing: how many small mistakes in the core do the fast tests detect?

    python tests/mutate.py                   # 250 mutants, seed 0
    python tests/mutate.py --count 500 --seed 1 --jobs 2

A mutant is one change (an operator, a sign, a constant, an index, a comparison, a branch) in one of
the modules below, made in a copy of the project. It is killed if one of the tests `FAST` fails or
hangs. Each surviving mutant is printed with its line, and with the reason if `EQUIVALENT` has one.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import queue
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from lai_ref.support.terminal import replace_unprintable

ROOT = Path(__file__).parents[1]
MODULES = ("factor", "lai", "mlp", "adam", "objective", "train", "support/kink", "support/chunks")
FAST = (
    "test_lai",
    "test_factor",
    "test_mlp",
    "test_objective",
    "test_adam",
    "test_losses",
    "test_train",
    "test_state",
    "test_costs",
    "support/test_kink",
    "support/test_chunks",
    "oracle/reporting/test_check",
)
SECONDS, BYTES = 300, 4 << 30  # limits of time and memory; tests that exceed them kill the mutant
# part of the mutated line: why no result can change
EQUIVALENT = {
    "dz[:len(dz_from_k[h - 2])] += dz_from_k[h - 1]": "all have as many rows",
    "dtype = np.result_type(tape.layers[0][1], tape.a[0], dy)": "W, b: parts of one θ",
    "count += rng.random() <= alpha * len(batches) - count": "equal once in 2**53 draws",
    "lai_mask = (rng.random(n) <= alpha)[perm]": "equal once in 2**53 draws",
    "CLAMP = ": "any number c with 1 + c² = c² in doubles will do, if not too large",
    "CHUNK_ENTRIES ": "affects only the speed",
}
SILENT = {"strict", "copy"}  # keywords without an effect on results

OPERATORS: dict[Any, Any] = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult, ast.USub: ast.UAdd, ast.MatMult: ast.Mult},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
    **{ast.And: ast.Or, ast.Or: ast.And},
}
NAMES = {"minimum": "maximum", "maximum": "minimum", "zeros": "ones", "ones": "zeros"}


class Mutant(NamedTuple):
    module: str
    line: int
    before: str  # the statement's first line
    after: str
    source: str  # of the whole module

    def __str__(self) -> str:
        return f"{self.module}.py:{self.line}: {self.before}  ->  {self.after}"


def mutants(module: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    tree = ast.parse((ROOT / "lai_ref" / f"{module}.py").read_text(encoding="utf-8"))
    for place, statement in enumerate(_statements(tree)):
        for number in range(len(_changes(statement))):
            changed = copy.deepcopy(tree)
            same = _statements(changed)[place]
            _changes(same)[number]()
            before, after = (ast.unparse(part).splitlines()[0] for part in (statement, same))
            if before == after:  # a statement of several lines
                pairs = zip(*(ast.unparse(p).splitlines() for p in (statement, same)), strict=False)
                before, after = next(pair for pair in pairs if pair[0] != pair[1])
            line = statement.lineno
            yield Mutant(module, line, before.strip(), after.strip(), ast.unparse(changed))


def is_killed(mutant: Mutant | None, folder: Path) -> bool:
    """Whether a test fails with the mutant in the copy of the project in `folder`."""
    original = {name: ROOT / "lai_ref" / f"{name}.py" for name in MODULES}
    for name, path in original.items():
        source = ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
        if mutant is not None and name == mutant.module:
            source = mutant.source
        (folder / "lai_ref" / f"{name}.py").write_text(source, encoding="utf-8")
    folder_name, _, module = (mutant.module if mutant else "lai").rpartition("/")
    first = str(Path(folder_name, f"test_{module}"))
    files = [f"tests/{name}.py" for name in dict.fromkeys([first, *FAST])]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *files]
    environment = {**os.environ, "CI": "true", "PYTHONPATH": str(folder)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        run = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            timeout=SECONDS,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES)),
        )
    except subprocess.TimeoutExpired:
        return True
    return run.returncode != 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=250, help="number of mutants (250)")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the selection (0)")
    parser.add_argument("--jobs", type=int, default=1, help="number of parallel test runs (1)")
    options = parser.parse_args()
    every = [mutant for module in MODULES for mutant in mutants(module)]
    chosen = random.Random(options.seed).sample(every, min(options.count, len(every)))
    folders: queue.Queue[Path] = queue.Queue()

    def run_tests(mutant: Mutant) -> bool:
        folder = folders.get()
        try:
            return is_killed(mutant, folder)
        finally:
            folders.put(folder)

    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.jobs) as pool:
        for job in range(options.jobs):
            folder = Path(temporary) / str(job)
            for name in ("lai_ref", "tests"):
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, folder / name, ignore=skip)
            shutil.copy(ROOT / "pyproject.toml", folder)
            folders.put(folder)
        if is_killed(None, folder):
            sys.exit("expected tests that pass without a mutant, got a failure; run pytest")
        n_killed, explained = 0, 0
        for done, (mutant, killed) in enumerate(
            zip(chosen, pool.map(run_tests, chosen), strict=True), start=1
        ):
            n_killed += killed
            if not killed:
                reasons = (why for part, why in EQUIVALENT.items() if part in mutant.after)
                reason = next(reasons, "")
                explained += bool(reason)
                print(
                    f"survived  {mutant}" + (f"\n          {reason}" if reason else ""), flush=True
                )
            print(f"\r{done} of {len(chosen)}", end="", file=sys.stderr, flush=True)
    print(f"{n_killed} of {len(chosen)} mutants killed, {explained} survivors explained")
    print(f"(chosen from {len(every)} mutants)")
    return int(n_killed + explained < len(chosen))


def _statements(tree: ast.AST) -> list[ast.stmt]:
    """The statements that compute: no imports, no error messages."""
    silent = (ast.Raise, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Try)
    raised = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Raise)
              for part in ast.walk(node)}  # fmt: skip
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not isinstance(node, silent) and id(node) not in raised
    ]


def _changes(statement: ast.stmt) -> list[Callable[[], None]]:
    """Functions that each make one change in a statement, outside the blocks below it."""
    found: list[Callable[[], None]] = []

    def offer(node: Any, field: str, value: Any) -> None:
        found.append(lambda: setattr(node, field, value))

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If | ast.IfExp):
            offer(node, "test", ast.UnaryOp(ast.Not(), node.test))
        operator = getattr(node, "op", None)
        if type(operator) in OPERATORS:
            offer(node, "op", OPERATORS[type(operator)]())
        if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
            offer(node, "ops", [OPERATORS[type(node.ops[0])](), *node.ops[1:]])
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            offer(node, "attr", NAMES[node.attr])
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            offer(node, "value", not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            offer(node, "value", node.value + 1)
        if isinstance(node, ast.keyword) and node.arg in SILENT:
            return
        for name, part in ast.iter_fields(node):
            if name in ("annotation", "returns"):
                continue
            for child in part if isinstance(part, list) else [part]:
                if isinstance(child, ast.AST) and not isinstance(child, ast.stmt):
                    visit(child)

    visit(statement)
    return found


if __name__ == "__main__":
    replace_unprintable()  # for source lines on terminals that are not UTF-8
    sys.exit(main())
