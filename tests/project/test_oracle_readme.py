"""The oracle's page stays true: its examples run, its worked case is the real one."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

from lai_ref import oracle
from lai_ref.oracle.case import GROUPS, INPUTS, OUTPUTS
from lai_ref.oracle.grading.kills import KILLS
from lai_ref.oracle.reporting.exchange import grade_answers, prompt

PAGE = Path(oracle.__file__).with_name("README.md")
TEXT = PAGE.read_text(encoding="utf-8")


def block(mark: str, language: str) -> str:
    found = re.search(rf"{re.escape(mark)}\s*```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found, mark
    return found[1]


def test_the_example_in_python_finds_its_mistake() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("## From Python\n", "python"), str(PAGE), "exec"), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == "wrong: factor is the first wrong group"
    assert re.match(rf"\d+ of {len(oracle.cases('factor'))} cases passed in float64 at ", lines[1])
    assert lines[3].startswith("  likely cause: ") and "[lam-squared]" in lines[3]
    assert any(line.startswith("  FAILED factor/") for line in lines[4:])


def test_the_example_for_pytest_passes() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("## From pytest\n", "python"), str(PAGE), "exec"), names)
    for group in GROUPS:
        names["test_port"](group)


def test_the_worked_case_is_the_one_that_is_asked() -> None:
    question = json.loads(block("<!-- example -->", "json"))
    case = next(case for case in oracle.cases() if case.id == question["id"])
    assert json.loads(prompt([case], "float64"))["cases"] == [question]
    report = grade_answers(block("<!-- answer -->", "json").encode(), [case])
    assert report, str(report)


def test_the_format_names_every_field_and_group() -> None:
    for group in GROUPS:
        assert f"| `{group}` |" in TEXT
        for name in (*INPUTS[group], *OUTPUTS[group]):
            assert f"`{name}`" in TEXT or group == "codec", (group, name)


def test_the_summary_is_that_of_the_kill_matrix() -> None:
    first = KILLS.read_text(encoding="utf-8").splitlines()[0]
    assert block("<!-- kills -->", "text") == first + "\n"


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(((?!http)[^)]+)\)", TEXT)
    assert len(links) >= 6
    for link in links:
        assert (PAGE.parent / link).exists(), link
