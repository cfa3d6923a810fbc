"""The README of the oracle: its examples run, and its worked case is a case of the oracle."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from lai_ref import oracle
from lai_ref.oracle.case import GROUPS, INPUTS, OUTPUTS
from lai_ref.oracle.diagnosis.update import _variants
from lai_ref.oracle.extremes import LIMITS
from lai_ref.oracle.grading.kills import KILLS
from lai_ref.oracle.mutants import MUTANTS
from lai_ref.oracle.reporting.exchange import grade_answers, prompt
from tests.oracle.diagnosis.first_findings import recorded

PAGE = Path(oracle.__file__).with_name("README.md")
TEXT = PAGE.read_text(encoding="utf-8")


def block(mark: str, language: str) -> str:
    found = re.search(rf"{re.escape(mark)}\s*```{language}\n(.*?)```", TEXT, re.DOTALL)
    assert found, mark
    return found[1]


def test_the_example_in_python_prints_the_report_that_is_shown() -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block("## From Python\n", "python"), str(PAGE), "exec"), {})
    lines = iter(printed.getvalue().splitlines())
    shown = block("<!-- report -->", "text").splitlines()
    assert shown[0] == "wrong: factor is the first wrong group" and len(shown) > 8
    for line in shown:
        assert line == "  …" or line in lines, line  # in this order


def test_the_numbers_of_the_levels_and_the_diagnosis_are_correct() -> None:
    assert f"{len(MUTANTS)} known mistakes" in TEXT
    q = {name: np.ones(1) for name in ("theta", "grad", "m", "v", "t", "lr", "eps")}
    q |= {"beta1": np.full(1, 0.5), "beta2": np.full(1, 0.5)}
    variants = len(list(_variants(q, np.ones(1), np.ones(1))))
    assert f"about {round(variants, -2)} variants" in TEXT
    points = [finding.points for finding in recorded().values()]
    counts = [points.count(word) for word in ("yes", "partly", "no")]
    assert block("<!-- findings -->", "text") == (
        f"{len(points)} wrong ports: the first finding points to the mistake in {counts[0]},"
        f" in part in {counts[1]}, not in {counts[2]}\n"
    )
    assert LIMITS == {"k": 2.0**12, "e": 2.0**12, "z": 20.0, "lam": 2.0**20}
    assert "|k\\| ≤ 2¹², \\|e\\| ≤ 2¹², hidden units \\|z\\| ≤ 20, 2⁻²⁰ ≤ λ ≤ 2²⁰" in TEXT


def test_the_example_for_pytest_passes() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("## From pytest\n", "python"), str(PAGE), "exec"), names)
    for group in GROUPS:
        names["test_port"](group)


def test_the_worked_case_is_a_case_of_the_oracle() -> None:
    question = json.loads(block("<!-- example -->", "json"))
    case = next(case for case in oracle.cases() if case.id == question["id"])
    assert json.loads(prompt([case], "float64"))["cases"] == [question]
    report = grade_answers(block("<!-- answer -->", "json").encode(), [case])
    assert report, str(report)


def test_the_format_names_every_field_and_group() -> None:
    for group in GROUPS:
        *_, row = re.findall(rf"^\| `{group}` \|.*$", TEXT, re.MULTILINE)
        assert ", ".join(f"`{name}`" for name in INPUTS[group]) in row
        for name in (*INPUTS[group], *OUTPUTS[group]):
            assert f"`{name}`" in TEXT or group == "codec", (group, name)


def test_the_summary_is_that_of_the_kill_matrix() -> None:
    first = KILLS.read_text(encoding="utf-8").splitlines()[0]
    assert block("<!-- kills -->", "text") == first + "\n"


def test_every_linked_file_exists() -> None:
    links = re.findall(r"\]\(((?!http)[^)]+)\)", TEXT)
    assert len(links) >= 6
    for link in links:
        assert (PAGE.parent / link).exists(), link
