"""The layout of the tutorials: the percent format, and one idea per cell."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.project.percent import CODE, FOLDER, MARKDOWN, cells, every_tutorial


def code_cells(path: Path) -> list[str]:
    return ["\n".join(lines) for marker, lines in cells(path) if marker == CODE]


@every_tutorial
def test_text_is_in_markdown_cells_and_code_in_others(path: Path) -> None:
    for marker, lines in cells(path):
        assert marker in (MARKDOWN, f"{MARKDOWN} jp-MarkdownHeadingCollapsed=true", CODE)
        if marker != CODE:
            assert all(re.match(r"#(?: |$)", line) for line in lines if line), lines
            assert not any(line.startswith("# > ") for line in lines), lines
        else:
            assert ast.parse("\n".join(lines)).body, lines


@every_tutorial
def test_checks_are_at_the_end_of_a_cell(path: Path) -> None:
    for cell in code_cells(path):
        before, _, after = cell.partition("# Check\n")
        assert "assert " not in before, before
        assert not after or "assert " in after, cell
        assert "print(" not in after, cell


@every_tutorial
def test_an_assert_states_one_fact(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.BoolOp):
            assert not isinstance(node.test.op, ast.And), ast.unparse(node)


@every_tutorial
def test_a_picture_has_a_cell_of_its_own(path: Path) -> None:
    drawn = [cell for cell in code_cells(path) if ".savefig(" in cell]
    assert drawn
    for cell in drawn:
        assert cell.count(".savefig(") == 1, cell
        prints = re.findall(r"^ *print\(.*", cell, re.M)
        assert len(prints) == 1 and prints[0].startswith('print("picture:"'), cell
        assert "assert " not in cell, cell
        assert "plt.close" not in cell, cell  # a notebook shows open figures


@every_tutorial
def test_a_line_assigns_one_value(path: Path) -> None:
    """`x, t = rng.normal(size=(2, N))` unpacks; a pair such as `x, t = 4.0, 9.0` is one idea."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign):
            targets = node.targets[0]
            if isinstance(targets, ast.Tuple) and isinstance(node.value, ast.Tuple):
                colours = all(
                    isinstance(value, ast.Constant) and isinstance(value.value, str)
                    for value in node.value.elts
                )
                assert colours or len(targets.elts) == 2, ast.unparse(node)


@every_tutorial
def test_no_value_of_a_finished_loop_is_used_later(path: Path) -> None:
    """A name that a loop assigns in each iteration is read only inside the loop."""
    in_loops: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue  # their own names
        read, bound = _names(node)
        if isinstance(node, ast.For | ast.While):
            read -= _assigned_first(node)
        leaked = read & in_loops
        assert not leaked, f"line {node.lineno}: {leaked}"
        in_loops -= bound
        if isinstance(node, ast.For | ast.While):
            in_loops |= _assigned_first(node)


def test_the_summary_of_double_backward_quotes_its_code() -> None:
    text = (FOLDER / "05_double_backward.py").read_text(encoding="utf-8")
    _, _, rest = text.partition("# ## Summary: double backward on one page\n")
    summary, _, _ = rest.partition("# %%")
    pairs = re.findall(r"^#     ( *\S.*?) {2,}(\S.*)$", summary, re.M)
    cells_05 = "\n".join(code_cells(FOLDER / "05_double_backward.py"))
    code = {line.partition("  #")[0].strip() for line in cells_05.splitlines()}
    assert len(pairs) == 25
    for equation, line in pairs:
        assert line.rstrip() in code, (equation, line)


def _names(node: ast.AST) -> tuple[set[str], set[str]]:
    """The names that a statement reads, and the names that it binds."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    own = {
        each.id
        for part in ast.walk(node)
        if isinstance(part, ast.comprehension)
        for each in ast.walk(part.target)
        if isinstance(each, ast.Name)
    } | {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    read = {each.id for each in names if isinstance(each.ctx, ast.Load)} - own
    return read, {each.id for each in names if isinstance(each.ctx, ast.Store)} - own


def _assigned_first(loop: ast.stmt) -> set[str]:
    """Names that a loop binds before it reads them; they end with a value of the last iteration."""
    assigned: set[str] = set()
    seen: set[str] = set()

    def bind(names: set[str]) -> None:
        assigned.update(names - seen)

    def visit(statements: list[ast.stmt]) -> None:
        for statement in statements:
            if isinstance(statement, ast.For):
                seen.update(_names(statement.iter)[0])
                bind(_names(statement.target)[1])
                visit([*statement.body, *statement.orelse])
            elif isinstance(statement, ast.While | ast.If):
                seen.update(_names(statement.test)[0])
                visit([*statement.body, *statement.orelse])
            elif isinstance(statement, ast.AugAssign):
                seen.update(_names(statement)[0] | _names(statement)[1])
            else:
                read, bound = _names(statement)
                seen.update(read)
                bind(bound)

    visit([loop])
    return assigned
