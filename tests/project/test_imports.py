"""Imports have one direction, between folders and in reading order; figures are independent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from figures.registry import FIGURES

ROOT = Path(__file__).parents[2]
LESSONS = ("factor", "losses", "lai", "activations", "mlp", "objective", "adam")
READING = (*LESSONS, "state", "metrics", "train")  # in reading order
LAI_REF = {f"lai_ref/{lesson}" for lesson in READING}
ORACLE = "lai_ref/oracle"
# for each place (a folder or a module), the other places that it may import
ARROWS: dict[str, set[str]] = {
    "lai_ref/support": set(),
    **{
        f"lai_ref/{lesson}": {"lai_ref/support"} | {f"lai_ref/{before}" for before in READING[:i]}
        for i, lesson in enumerate(READING)
    },
    "lai_ref/tables": {"lai_ref/support"},
    "lai_ref/california": {*LAI_REF, "lai_ref/support", "lai_ref/tables"},
    "lai_ref": {*LAI_REF, "lai_ref/support", "lai_ref/tables", "lai_ref/california"},
    "lai_ref/command_line": {*LAI_REF, "lai_ref/support", "lai_ref/tables", "lai_ref/california"},
    "lai_ref/__main__": {*LAI_REF, "lai_ref/support", "lai_ref/tables", "lai_ref/command_line"},
    f"{ORACLE}/case": set(),
    f"{ORACLE}/arguments": {f"{ORACLE}/case"},
    f"{ORACLE}/extremes": {*LAI_REF, "lai_ref/support", f"{ORACLE}/arguments", f"{ORACLE}/case"},
    f"{ORACLE}/truth": set(),
    f"{ORACLE}/mutants": set(),
    f"{ORACLE}/tolerances": {
        *(f"{ORACLE}/{name}" for name in ("arguments", "case")),
        f"{ORACLE}/mutants",  # the port to bound
    },
    f"{ORACLE}/questions": {*LAI_REF, "lai_ref/support"},
    f"{ORACLE}/build": {
        "lai_ref/support",
        *(f"{ORACLE}/{name}" for name in ("case", "extremes", "questions", "truth", "tolerances")),
    },
    f"{ORACLE}/verify": {f"{ORACLE}/build", f"{ORACLE}/case"},
    f"{ORACLE}/grading": {
        *LAI_REF,
        "lai_ref/support",
        *(f"{ORACLE}/{name}" for name in ("arguments", "case", "mutants")),
    },
    f"{ORACLE}/diagnosis": {
        *LAI_REF,
        "lai_ref/support",
        *(f"{ORACLE}/{name}" for name in ("arguments", "case", "grading", "mutants")),
    },
    f"{ORACLE}/reporting": {
        "lai_ref/support",
        *(f"{ORACLE}/{name}" for name in ("case", "diagnosis", "extremes", "grading", "mutants")),
    },
    ORACLE: {f"{ORACLE}/{name}" for name in ("case", "grading", "reporting")},
    f"{ORACLE}/__main__": {
        "lai_ref/support",
        *(f"{ORACLE}/{name}" for name in ("case", "grading", "reporting", "verify")),
    },
    "figures": set(),
    "figures/plotting": {"figures/experiments", "lai_ref", "lai_ref/support"},
    "figures/experiments": {"lai_ref", "lai_ref/support"},
    "figures/registry": {"figures/experiments"},
    "figures/__main__": {"figures/registry", "figures/experiments", "figures/plotting", "lai_ref"}
    | {"lai_ref/support"},
    **{
        f"figures/{module}": {
            "figures/experiments",
            "figures/plotting",
            "lai_ref",
            "lai_ref/support",
        }
        for module in sorted({figure.module for figure in FIGURES.values()})
    },
}
FILES = sorted(path for name in ("lai_ref", "figures") for path in (ROOT / name).rglob("*.py"))


def place(name: str) -> str | None:
    """The longest prefix of a module's dotted name that is a place of ARROWS."""
    parts = name.split(".")
    places = ["/".join(parts[:i]) for i in range(len(parts), 0, -1)]
    return next((place for place in places if place in ARROWS), None)


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def imported(source: str) -> Iterator[str]:
    """The dotted names of all modules that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module is not None, "imports are absolute"
            for alias in node.names:
                inner = ROOT / Path(*node.module.split("."), alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                yield f"{node.module}.{alias.name}" if is_module else node.module


def wrong_arrows(module: str, source: str) -> list[str]:
    here = place(module)
    assert here is not None, f"{module}: expected a place of ARROWS, got none; add one"
    targets = {place(name) for name in imported(source)} - {here, None}
    return sorted(f"{here} -> {target}" for target in targets if target not in ARROWS[here])


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_follow_the_arrows(path: Path) -> None:
    assert wrong_arrows(module_of(path), path.read_text(encoding="utf-8")) == []


def test_the_arrows_have_no_cycle() -> None:
    left = dict(ARROWS)
    while left:
        ends = [here for here, targets in left.items() if not targets & (left.keys() - {here})]
        assert ends, f"a cycle among {sorted(left)}"
        for end in ends:
            del left[end]


@pytest.mark.parametrize(
    ("module", "source", "arrow"),
    [
        ("lai_ref.support.files", "from lai_ref.mlp import MLP", "lai_ref/support -> lai_ref/mlp"),
        ("lai_ref.mlp", "from lai_ref import Lai", "lai_ref/mlp -> lai_ref"),
        ("lai_ref.california.data", "import lai_ref", "lai_ref/california -> lai_ref"),
        ("lai_ref.mlp", "from lai_ref import objective", "lai_ref/mlp -> lai_ref/objective"),
        ("lai_ref.oracle.truth.model", "import lai_ref.lai", "lai_ref/oracle/truth -> lai_ref/lai"),
        (
            "lai_ref.oracle.mutants.adam",
            "def f():\n    from lai_ref.oracle.grading import report",
            "lai_ref/oracle/mutants -> lai_ref/oracle/grading",
        ),
        ("figures.trap", "from figures import cost", "figures/trap -> figures/cost"),
        ("figures.claims.theory", "import figures.trap", "figures/claims -> figures/trap"),
        (
            "figures.experiments.jobs",
            "from figures.plotting.drawing import style",
            "figures/experiments -> figures/plotting",
        ),
    ],
)
def test_a_wrong_arrow_is_found(module: str, source: str, arrow: str) -> None:
    assert wrong_arrows(module, source) == [arrow]
