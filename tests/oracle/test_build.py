"""Building the vectors, and the published ones as its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lai_ref.oracle import build, cases
from lai_ref.oracle.build import built_case, write_vectors
from lai_ref.oracle.case import GROUPS, VECTORS
from lai_ref.oracle.questions import questions
from lai_ref.oracle.verify import verify


def published(group: str) -> list[dict[str, Any]]:
    stated: list[dict[str, Any]] = json.loads((VECTORS / f"{group}.json").read_bytes())["cases"]
    return stated


@pytest.mark.parametrize("group", GROUPS)
def test_the_published_questions_are_those_that_are_made(group: str) -> None:
    made, stated = questions(group), published(group)
    assert [q["id"] for q in made] == [case["id"] for case in stated]
    for question, case in zip(made, stated, strict=True):
        assert (question["about"], question["inputs"]) == (case["about"], case["inputs"])
        assert question.get("error", False) == (case["expected"] == "error")


def test_what_is_written_is_what_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "vectors"
    monkeypatch.setattr(build, "VECTORS", folder)
    monkeypatch.setattr(build, "MANIFEST", folder / "SHA256SUMS")
    monkeypatch.setattr(build, "GROUPS", ("codec",))
    write_vectors()
    assert (folder / "codec.json").read_bytes() == (VECTORS / "codec.json").read_bytes()
    line = (folder / "SHA256SUMS").read_text()
    assert line in (VECTORS / "SHA256SUMS").read_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    "name", ["factor/kink-p2-lam4", "factor/error-k", "loss/all-kinks-p1-batch", "adam/step-9"]
)
def test_a_case_is_built_as_it_is_published(name: str) -> None:
    group = name.split("/")[0]
    question = next(q for q in questions(group) if q["id"] == name)
    stated = next(case for case in published(group) if case["id"] == name)
    built = built_case(question)
    assert built.keys() == stated.keys()
    assert [built.get(k) for k in ("expected", "direction")] == [
        stated.get(k) for k in ("expected", "direction")
    ]


@pytest.mark.parametrize(
    "group",
    [
        group if group != "train" else pytest.param(group, marks=pytest.mark.slow)
        for group in GROUPS
        if group != "codec"
    ],
)
def test_answers_and_bounds_of_every_group_are_those_published(group: str) -> None:
    some = cases(group)[::6]
    assert {case.id: problem for case, problem in verify(some) if problem} == {}


def test_ordinary_questions_stay_away_from_kinks() -> None:
    for case in cases("param_gradient"):
        assert (case.direction is not None) == ("kink" in case.about), case.id


def test_verify_notices_every_kind_of_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = [case for case in cases("factor") if case.id == "factor/kink-p1-lam0.25"]
    assert [problem for _, problem in verify(chosen)] == [""]
    for key in ("level", "expected", "direction", "tolerance", "basic_tolerance"):
        content = json.loads((VECTORS / "factor.json").read_bytes())
        (stated,) = (case for case in content["cases"] if case["id"] == chosen[0].id)
        if key == "level":
            stated[key] = "strict"
        else:
            part = stated[key]["float64"] if "tolerance" in key else stated[key]
            part["slope"][0] = str(1.2 * float(part["slope"][0]))
        (tmp_path / "factor.json").write_text(json.dumps(content))
        monkeypatch.setattr("lai_ref.oracle.case.VECTORS", tmp_path)
        problem = f"differs from the computed values in {key}"
        assert [found for _, found in verify(chosen)] == [problem]
