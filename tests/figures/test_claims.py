from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import claims
from figures.claims import CLAIMS, MODULES, NEEDED, RESULTS, compute, markdown, plot, table
from figures.claims import thresholds, verdict
from figures.claims.verdict import CONDITION, FAILS, HOLDS, TYPED, UNDECIDED, by_case, kind_of
from figures.experiments.intervals import wilson
from figures.experiments.settings import Settings
from figures.registry import FIGURES
from tests.figures.invented import Numbers, change, changes
from tests.figures.invented import figures as invented

PROJECT = Path(__file__).parents[2]
KINDS = (HOLDS, CONDITION, FAILS, UNDECIDED)
COMMITTED = json.loads((RESULTS / "claims.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    """The verdicts on the made-up numbers."""
    folder = tmp_path_factory.mktemp("made up")
    save(folder)
    return compute(Settings(folder))


def save(folder: Path, **changed: Any) -> None:
    for name, numbers in {**invented(), **changed}.items():
        (folder / f"{name}.json").write_text(json.dumps(numbers), encoding="utf-8")


# The committed results


def test_committed_claims_are_those_of_the_committed_numbers(tmp_path: Path) -> None:
    numbers = compute(Settings(tmp_path))
    assert numbers["claims"] == COMMITTED["claims"]
    assert numbers["source"] == COMMITTED["source"]


def test_the_readme_shows_the_committed_claims() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition("<!-- figures/results/claims.json -->\n\n")
    assert rest.startswith(markdown(COMMITTED) + "\n\n")


# What is judged


def test_the_whole_paper_is_judged(judged: Numbers) -> None:
    rows = judged["claims"]
    assert len(rows) == len(CLAIMS) >= 36
    sections = {row["section"].partition(".")[0] for row in rows}
    assert sections >= {"abs", "2", "3", "4", "5", "6", "7", "A"}
    assert len({row["claim"] for row in rows}) == len(rows)
    for row in rows:
        assert kind_of(row["verdict"]) in KINDS
        assert any(character.isdigit() for character in row["number"])
        assert row["figures"] and all(name in FIGURES for name in row["figures"])
    assert set(NEEDED) == set(invented()) == {name for row in rows for name in row["figures"]}


def test_every_number_of_trainings_names_seeds_and_an_interval(judged: Numbers) -> None:
    trained = {"readings", "strength", "one_feature", "few_data", "frontier", "samplings"}
    for row in judged["claims"]:
        if trained & set(row["figures"]):
            assert re.search(r"10 seeds, .*batch 32, lr 0.0001", row["number"]), row["claim"]


def test_seeds_and_protocol_are_named_but_not_what_a_table_varies() -> None:
    numbers = invented()
    readings, samplings = (verdict.about(numbers[name]) for name in ("readings", "samplings"))
    assert readings == (
        "10 seeds, max-abs inputs, 8-32-16-1 tanh, batch 32, lr 0.0001, sampling separate"
    )
    assert samplings == "10 seeds, 8-32-16-1 tanh, batch 32, lr 0.0001"
    numbers["samplings"]["tables"][1]["seeds"] = [0, 1, 2, 3, 4]
    assert verdict.about(numbers["samplings"]).startswith("5 or 10 seeds")


def test_the_kinds_of_verdict_are_written_in_one_module_alone() -> None:
    for module in (*MODULES, claims):
        source = inspect.getsource(module)
        code = source.replace(inspect.getdoc(module) or "", "") if module is claims else source
        for kind in KINDS:
            assert f'"{kind.strip()}"' not in code and f'"{kind}' not in code, module.__name__


# The logic of verdicts


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ({"a": True, "b": True}, HOLDS),
        ({"a": False, "b": False}, FAILS),
        ({"a": True, "b": False, "c": True}, "holds for a; c"),
        ({"a": True, "b": None}, "holds for a"),
        ({"a": False, "b": None}, UNDECIDED),
        ({"a": None}, UNDECIDED),
        ({}, UNDECIDED),
    ],
)
def test_a_verdict_names_the_cases_that_pass(cases: dict[str, bool | None], expected: str) -> None:
    assert by_case(cases) == expected
    assert kind_of(by_case(cases)) in KINDS


def test_a_typed_condition_is_marked_as_such() -> None:
    assert by_case({"a": True, "b": False}, typed=True) == f"holds for a{TYPED}"
    assert by_case({"a": True}, typed=True) == HOLDS


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.02, 0.03, HOLDS), (0.06, 0.07, FAILS), (-0.02, -0.01, FAILS), (0.0, 0.03, UNDECIDED)],
)
def test_an_interval_decides_only_when_all_of_it_is_on_one_side(
    low: float, high: float, expected: str
) -> None:
    effect = {"mean": (low + high) / 2, "low": low, "high": high}
    assert verdict.by_interval(effect, 0.01, 0.05) == expected
    assert verdict.by_interval({**effect, "low": None, "high": None}, 0.01, 0.05) == UNDECIDED


def test_one_false_part_decides_and_an_open_one_does_not() -> None:
    assert verdict.both(None, False) is False
    assert verdict.both(True, None) is None
    assert verdict.both(True, True) is True
    assert verdict.below(change(0.0), change(0.1)) is True
    assert verdict.below(change(0.0), change(0.001)) is False
    assert verdict.below(change(0.0), {"mean": 1.0, "low": None, "high": None}) is None


# The thresholds


def test_every_threshold_is_used_and_stands_in_the_table() -> None:
    sources = "".join(inspect.getsource(module) for module in MODULES)
    assert set(re.findall(r"\bat\.([A-Z_]+)\.value", sources)) == set(thresholds.ALL)
    for threshold in thresholds.ALL.values():
        assert threshold.reason and "\n" not in threshold.reason


def test_the_gallery_has_the_table_of_thresholds() -> None:
    gallery = (PROJECT / "figures" / "README.md").read_text(encoding="utf-8")
    _, _, section = gallery.partition("\n## claims\n")
    assert f"\n\n{thresholds.markdown()}\n\n" in section.partition("\n## ")[0]


# Table and picture


def test_the_tables_have_every_claim_and_number(judged: Numbers) -> None:
    words, lines = " ".join(table(judged).split()), markdown(judged).splitlines()
    assert len(lines) == len(judged["claims"]) + 2
    for row, line in zip(judged["claims"], lines[2:], strict=True):
        assert f"{row['claim']}: {row['verdict']} {' '.join(row['number'].split())}" in words
        cells = [row["section"], row["claim"], f"**{row['verdict']}**", row["number"]]
        assert line.replace("\\|", "|").startswith(f"| {' | '.join(cells)} | [")


def test_the_picture_has_every_effect_and_counts_the_verdicts(judged: Numbers) -> None:
    (axes,) = plot(judged).axes
    effects = [row["effect"] for row in judged["claims"] if row["effect"]]
    assert len(effects) >= 8
    labels = " ".join(label.get_text() for label in axes.get_yticklabels())
    assert all(effect["name"] in labels for effect in effects)
    drawn = {
        (round(float(x), 9), float(y)) for line in axes.lines for x, y in line.get_xydata().tolist()
    }
    for y, effect in enumerate(effects):
        for value in (effect["mean"], effect["paper"]):
            assert value is None or (round(100 * value, 9), float(y)) in drawn
    kinds = [kind_of(row["verdict"]) for row in judged["claims"]]
    numbers = [int(n) for n in re.findall(r"\d+", axes.get_title(loc="left"))]
    assert numbers == [len(kinds), *(kinds.count(kind) for kind in claims.LOOKS)]


# Which numbers are judged


def test_claims_are_judged_on_the_runs_own_numbers_where_all_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, committed = tmp_path / "run", tmp_path / "committed"
    run.mkdir()
    committed.mkdir()
    save(committed)
    save(run, chebyshev=invented()["chebyshev"] | {"largest_difference": 0.5})
    monkeypatch.setattr(claims, "RESULTS", committed)
    assert compute(Settings(run))["claims"][0]["verdict"] == FAILS
    assert compute(Settings(run, quick=True))["claims"][0]["verdict"] == HOLDS
    (run / "cost.json").unlink()
    capsys.readouterr()
    assert compute(Settings(run))["claims"][0]["verdict"] == HOLDS
    assert f"numbers in {committed}, since {run} lacks cost\n" in capsys.readouterr().err


def test_numbers_that_are_not_whole_are_named(tmp_path: Path) -> None:
    save(tmp_path, cost={"figure": "cost"})
    with pytest.raises(ValueError, match="cost: expected the numbers of a whole run, got KeyError"):
        compute(Settings(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", '{"figure": "factor"}', '{"numbers": 1}'])
def test_damaged_numbers_are_named(tmp_path: Path, content: str) -> None:
    save(tmp_path)
    (tmp_path / "cost.json").write_text(content)
    with pytest.raises(ValueError, match=r"cost\.json: expected the numbers of a figure"):
        compute(Settings(tmp_path))


def test_missing_numbers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RESULTS", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="missing; `python -m figures` makes it"):
        compute(Settings(tmp_path))


def test_one_seed_decides_nothing_about_trainings_that_have_intervals() -> None:
    numbers = invented()
    trained = ("smoothness", "samplings", "few_data", "sensitivity", "readings", "frontier")
    for name in trained:
        without_intervals(numbers[name])
    for claim in CLAIMS:
        if set(claim.figures) <= {"smoothness", "samplings", "few_data"}:
            found = assess(claim.text, numbers).verdict
            assert found == UNDECIDED or "levels" in claim.text


def without_intervals(value: Any) -> None:
    """Take all intervals away, as with one seed."""
    if isinstance(value, dict):
        for name in {"low", "high"} & set(value):
            value[name] = None
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            without_intervals(each)
