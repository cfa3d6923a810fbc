from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from figures import claims
from figures.claims import (
    CLAIMS,
    MODULES,
    NEEDED,
    RESULTS,
    compute,
    details,
    few_samples,
    plot,
    summary,
    table,
    thresholds,
    verdict,
)
from figures.claims.verdict import CONDITION, FAILS, HOLDS, TYPED, UNDECIDED, by_case, kind_of
from figures.experiments.intervals import wilson
from figures.experiments.settings import Settings
from figures.registry import FIGURES
from tests.figures.invented import Numbers, change, changes, rmse_of
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


def test_the_readme_and_the_gallery_show_the_committed_claims() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    _, _, rest = readme.partition("<!-- figures/results/claims.json -->\n\n")
    assert rest.startswith(summary(COMMITTED) + "\n\n")
    gallery = (PROJECT / "figures" / "README.md").read_text(encoding="utf-8")
    _, _, rest = gallery.partition("<!-- results/claims.json -->\n\n")
    assert rest.startswith(details(COMMITTED) + "\n\n")


# What is assessed


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


SETTING = r"(?:λ₈?|α) = [\d.,e%-]*[\d%]|noise ±[\d.]+|X8|k → 0|F\(0\)"


@pytest.mark.parametrize("made_up", [True, False])
def test_a_sentence_is_short_and_has_few_numbers(judged: Numbers, made_up: bool) -> None:
    for row in (judged if made_up else COMMITTED)["claims"]:
        sentence = row["sentence"]
        assert re.fullmatch(r"[A-Zα-ω\d].+\.", sentence) and ". " not in sentence
        assert len(sentence.split()) <= 25, sentence
        results = re.sub(r"(\d+) of (?:the )?\d+", r"\1", re.sub(SETTING, "", sentence))
        assert 1 <= len(re.findall(r"(?<![\d.])[+-]?\d[\d.,]*(?:e[+-]\d+)?", results)) <= 2, (
            sentence
        )


def test_a_sentence_counts_where_pretraining_helps_and_where_it_harms() -> None:
    text, numbers = "pretraining is needed against the trap", invented()
    trap(50, method="Lai for α, no pretraining")(numbers)
    trap(0, method="Lai Training", lam=1.0)(numbers)
    trap(50, method="Lai Training", lam=0.1)(numbers)
    trap(90, method="Lai Training", lam=0.1, alpha=1.0)(numbers)
    assert "in 2 of 4 settings of λ and α, and raises it in 1." in assess(text, numbers).sentence


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


@pytest.mark.parametrize(
    "text",
    [
        "at times the Lai loss generalises better than MSE",
        "the loss decreases a large gradient, against overfitting",
        "better generalisation and noise resistance at once",
    ],
)
def test_one_of_several_sizes_decides_only_if_the_intervals_hold_together(text: str) -> None:
    numbers = invented()
    average = f"{CONDITION}{few_samples.ON_AVERAGE}"
    numbers["few_data"]["sizes"] *= 3  # of six joint intervals each is 1.5 times as wide
    sizes(-0.02, half=0.014)(numbers)
    assert assess(text, numbers).verdict == average
    sizes(-0.02, half=0.012)(numbers)
    assert assess(text, numbers).verdict != average
    sizes(-0.02, half=0.021)(numbers)
    assert assess(text, numbers).verdict == UNDECIDED


def test_the_mean_over_sizes_is_that_of_the_logarithms() -> None:
    numbers = invented()["few_data"]
    sizes(-0.03)({"few_data": numbers})
    numbers["sizes"][1]["methods"] = {"Lai": {"rmse": rmse_of(0.01)}}
    expected = (0.97 * 1.01) ** 0.5 - 1
    assert few_samples.mean_change(numbers)["mean"] == pytest.approx(expected)


# The thresholds


def test_every_threshold_is_used_and_stands_in_the_table() -> None:
    sources = "".join(inspect.getsource(module) for module in MODULES)
    assert set(re.findall(r"\bat\.([A-Z_]+)\.value", sources)) == set(thresholds.ALL)
    for threshold in thresholds.ALL.values():
        assert threshold.reason and "\n" not in threshold.reason


def test_the_gallery_has_the_table_of_thresholds() -> None:
    gallery = (PROJECT / "figures" / "README.md").read_text(encoding="utf-8")
    _, _, section = gallery.partition("\n## claims\n")
    assert f"\n\n{thresholds.markdown()}\n" in section.partition("\n## ")[0]


# Table and picture


def test_the_tables_have_every_claim_and_number(judged: Numbers) -> None:
    words = " ".join(table(judged).split())
    long, short = (write(judged).splitlines() for write in (details, summary))
    assert len(long) == len(short) == len(judged["claims"]) + 2
    for row, numbers, sentence in zip(judged["claims"], long[2:], short[2:], strict=True):
        assert f"{row['claim']}: {row['verdict']} {' '.join(row['number'].split())}" in words
        cells = [row["section"], row["claim"], f"**{row['verdict']}**", row["number"]]
        assert numbers.replace("\\|", "|").startswith(f"| {' | '.join(cells)} | [")
        kind = verdict.kind_in_words(row["verdict"])
        cells = [row["section"], row["claim"], f"**{kind}**", row["sentence"]]
        assert sentence.replace("\\|", "|").startswith(f"| {' | '.join(cells)} | [")


def test_the_picture_has_every_effect_and_counts_the_verdicts(judged: Numbers) -> None:
    (axes,) = plot(judged).axes
    effects = [row["effect"] for row in judged["claims"] if row["effect"]]
    assert len(effects) >= 8
    labels = " ".join(label.get_text() for label in axes.get_yticklabels())
    assert all(effect["name"] in labels for effect in effects)
    drawn = {
        (round(float(x), 9), float(y))
        for line in axes.lines
        for x, y in np.array(line.get_xydata())
    }
    for y, effect in enumerate(effects):
        for value in (effect["mean"], effect["paper"]):
            assert value is None or (round(100 * value, 9), float(y)) in drawn
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    bands = {bar.get_y() + bar.get_height() / 2: bar for bar in bars[: len(effects)]}
    for y, effect in enumerate(effects):
        ends = bands[y].get_x(), bands[y].get_x() + bands[y].get_width()
        for end, bound in zip(ends, (effect["at_least"], effect["at_most"]), strict=True):
            assert end == pytest.approx(100 * bound) if bound is not None else abs(end) > 100
    kinds = [kind_of(row["verdict"]) for row in judged["claims"]]
    numbers = [int(n) for n in re.findall(r"\d+", axes.get_title(loc="left") + axes.get_title())]
    assert numbers == [len(kinds), *(kinds.count(kind) for kind in claims.LOOKS)]


# Which numbers are used


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


def test_incomplete_numbers_are_named(tmp_path: Path) -> None:
    save(tmp_path, cost={"figure": "cost"})
    with pytest.raises(
        ValueError, match="cost: expected the numbers of a complete run, got KeyError"
    ):
        compute(Settings(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", '{"figure": "factor"}', '{"numbers": 1}'])
def test_damaged_numbers_are_named(tmp_path: Path, content: str) -> None:
    save(tmp_path)
    (tmp_path / "cost.json").write_text(content)
    with pytest.raises(ValueError, match=r"cost\.json: expected the numbers of a figure"):
        compute(Settings(tmp_path))


def test_missing_numbers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RESULTS", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="not found; run `python -m figures` to make it"):
        compute(Settings(tmp_path))


def test_one_seed_decides_nothing_about_trainings_that_have_intervals() -> None:
    numbers = invented()
    trained = ("smoothness", "samplings", "few_data", "sensitivity", "readings", "frontier")
    for name in trained:
        without_intervals(numbers[name])
    for size in numbers["few_data"]["sizes"]:
        for each in (size["mse"], *size["methods"].values()):
            each["rmse"] = each["rmse"][:1]
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


# Every verdict turns when the numbers do

Change = Callable[[dict[str, Numbers]], object]


def assess(text: str, numbers: dict[str, Numbers]) -> verdict.Assessment:
    (claim,) = (claim for claim in CLAIMS if claim.text == text)
    return claim.assess(*(numbers[name] for name in claim.figures))


def put(name: str, *keys: Any, value: Any) -> Change:
    """A change of one number of a figure."""

    def change_it(numbers: dict[str, Numbers]) -> None:
        place: Any = numbers[name]
        for key in keys[:-1]:
            place = place[key]
        assert keys[-1] in place or isinstance(place, list)
        place[keys[-1]] = value

    return change_it


def rows(name: str, place: str, values: Numbers, /, **which: Any) -> Change:
    """A change of `values` in the rows of the list `place` that have the values of `which`."""

    def change_them(numbers: dict[str, Numbers]) -> None:
        found = [r for r in numbers[name][place] if all(r[k] == v for k, v in which.items())]
        assert found and all(set(values) <= set(row) for row in found)
        for row in found:
            row.update(values)

    return change_them


def all_of(*parts: Change) -> Change:
    def change_all(numbers: dict[str, Numbers]) -> None:
        for part in parts:
            part(numbers)

    return change_all


def trap(trapped: int, runs: int = 100, flat: int = 0, **which: Any) -> Change:
    values = {"trapped": trapped, "runs": runs, "flat": flat}
    return rows("trap", "rows", {**values, "interval": list(wilson(trapped, runs))}, **which)


def sizes(lai: float, norm: float = -0.3, half: float = 0.002) -> Change:
    """What Lai does with few training samples, for every number of them."""
    found = {"rmse": rmse_of(lai, half), "change": change(lai, half)}
    methods = {
        "Lai": {**found, "mean_grad_norm_change": change(norm)},
        "early stopping": {"rmse": rmse_of(-0.05)},
    }
    return rows("few_data", "sizes", {"methods": methods})


def over_penalty(mean: float, half: float = 0.002) -> Change:
    return rows("few_data", "sizes", {"lai_over_penalty": {"change": change(mean, half)}})


def tables(place: int, name: str, mean: float, half: float = 0.002, which: Any = (0, 1)) -> Change:
    """A change of Table 1 in some of the readings; `place` 1 … 3: λ = 1e-1 … 1e-3."""
    keys = ("rows", place, f"{name}_change")
    return all_of(*(put("samplings", "tables", i, *keys, value=change(mean, half)) for i in which))


def table_1(place: int, name: str, mean: float, half: float = 0.002) -> Change:
    return put("smoothness", "table", place, f"{name}_change", value=change(mean, half))


def features(table: int, means: list[float], which: Any = (0, 1)) -> Change:
    """A change of Table 2 (0) or 3 (1) in some of the settings, under every noise."""
    keys = ("tables", table, "changes")
    return all_of(
        *(put("sensitivity", "settings", i, *keys, value=[changes(means)] * 2) for i in which)
    )


def reading(key: str, **values: Any) -> Change:
    return rows("readings", "rows", {"changes": {n: change(v) for n, v in values.items()}}, key=key)


def comparison(key: str, mean: float, half: float = 0.002) -> Change:
    return rows("readings", "comparisons", {"changes": {"rmse": change(mean, half)}}, key=key)


def minima(name: str, *k: float) -> Change:
    """The slopes at a surface's minima, with little and with much noise."""
    return all_of(
        *(put(name, "noises", i, "minimum", "k", value=value) for i, value in enumerate(k))
    )


LINES = {"surface_mae_1": 1.0, "surface_mae_2": 2.0, "surface_mae_05": 0.5}
ON_KINK = [[0.5, 1.0], [0.5, 1.0]]
TURNS: list[tuple[str, Change, str, tuple[str, ...]]] = [
    ("max(a, b) is", put("chebyshev", "largest_difference", value=1e-9), FAILS, ()),
    (
        "λ sets the boundary",
        all_of(*(put("phase", "maps", i, "slopes", value=ON_KINK) for i in (0, 1))),
        HOLDS,
        (),
    ),
    ("λ sets the boundary", put("factor", "minima", 3, "found", value=0.3), FAILS, ()),
    (
        "dividing by λ",
        lambda n: [r["without"].update(factor=0.5) for r in n["factor"]["normalising"]],
        FAILS,
        (),
    ),
    (
        "dividing by λ",
        lambda n: [r["without"].update(largest=0.01) for r in n["factor"]["normalising"]],
        HOLDS,
        (),
    ),
    (
        "dividing by λ",
        lambda n: [r["without"].update(largest=0.01, factor=1) for r in n["factor"]["normalising"]],
        CONDITION,
        ("above the kink",),
    ),
    (
        "the loss increases",
        rows("readings", "rows", {"mean_abs_k_change": [change(0.1)] * 8}, key="weak"),
        HOLDS,
        (),
    ),
    (
        "the loss increases",
        rows("readings", "rows", {"mean_abs_k_change": [change(0.1, 0.2)] * 8}, key="weak all"),
        FAILS,
        (),
    ),
    (
        "after the division",
        rows("factor", "normalising", {"lam": 1.0}),
        CONDITION,
        ("one feature and |k| below the kink; large |k|", TYPED),
    ),
    ("the minimum is", minima("surface_mae_2", 2.97, 2.9), FAILS, ()),
    (
        "the minimum is",
        all_of(*(minima(name, lam, lam) for name, lam in LINES.items())),
        HOLDS,
        (),
    ),
    (
        "the minimum is",
        all_of(*(minima(name, lam, 2.5) for name, lam in LINES.items())),
        CONDITION,
        ("noise ±0.5",),
    ),
    (
        "at the minimum the",
        put("surface_mae_2", "noises", 1, "minimum", "c", value=5.0),
        CONDITION,
        ("noise ±0.5",),
    ),
    (
        "at the minimum the",
        all_of(*(put("surface_mae_2", "noises", i, "minimum", "c", value=5.0) for i in (0, 1))),
        FAILS,
        (),
    ),
    ("a very small λ", rows("trap", "intercept", {"errors": [0.01]}), FAILS, ()),
    (
        "a very small λ",
        rows("trap", "intercept", {"errors": [0.01]}, lr=0.05),
        CONDITION,
        ("lr 0.01, 3,000 steps",),
    ),
    (
        "a very small λ",
        put("surface_mae_small", "noises", 1, "intercept_width", value=5.0),
        HOLDS,
        (),
    ),
    ("a very large λ", put("surface_mae_large", "noises", 0, "minimum", "k", value=7.0), FAILS, ()),
    (
        "a very large λ",
        all_of(
            minima("surface_mae_large", 3.1, 3.2),
            put(
                "surface_mae_large",
                "noises",
                1,
                "also",
                value=[{"lam": 1e3, "minimum": {"k": 3.2}}],
            ),
        ),
        HOLDS,
        (),
    ),
    (
        "squaring lifts the",
        put("surface_mse_large", "noises", 1, "minimum", "k", value=12.0),
        CONDITION,
        ("noise ±4",),
    ),
    ("squaring lifts the", minima("surface_mse_large", 10.0, 12.0), HOLDS, ()),
    (
        "the squared loss",
        rows("phase", "basins", {"rise": 0.3}, noise=4.0),
        CONDITION,
        ("noise ±0.5",),
    ),
    ("the squared loss", rows("phase", "basins", {"rise": 0.3}), FAILS, ()),
    ("excessive", rows("surface_mse_large", "noises", {"excess": 0.0}), FAILS, ()),
    ("excessive", rows("surface_mse_large", "noises", {"excess": 0.1}), HOLDS, ()),
    (
        "the penalty is the",
        all_of(*(rows(name, "noises", {"symmetry": 1.1}) for name in LINES)),
        HOLDS,
        (),
    ),
    (
        "the penalty is the",
        put("surface_mae_1", "noises", 1, "symmetry", value=None),
        CONDITION,
        ("the penalty F",),
    ),
    ("essential", minima("surface_mae_1", 1.0, 1.0), FAILS, ()),
    ("essential", minima("surface_mae_1", 2.97, 2.97), HOLDS, ()),
    (
        "optimised alone,",
        trap(0, method="Lai alone", lam=0.1),
        CONDITION,
        ("λ = 1",),
    ),
    ("optimised alone,", trap(0, method="Lai alone"), FAILS, ()),
    ("optimised alone,", trap(90, method="Lai alone"), HOLDS, ()),
    ("optimised alone,", trap(40, flat=40, method="Lai alone"), FAILS, ()),
    (
        "optimised alone",  # a barrier distinguishes a trap from a flat fit
        all_of(trap(40, flat=40, method="Lai alone"), rows("trap", "rows", {"expected": 0.4})),
        HOLDS,
        (),
    ),
    ("optimised alone,", trap(7, method="Lai alone"), UNDECIDED, ()),
    ("Lai Training cures", trap(50, method="Lai Training"), FAILS, ()),
    ("Lai Training cures", trap(5, method="Lai Training"), UNDECIDED, ()),
    ("Lai Training cures", trap(50, method="Lai Training", lam=0.1), CONDITION, ("λ = 1",)),
    (
        "pretraining is",
        all_of(
            trap(10, method="Lai for α, no pretraining"),
            trap(10, method="Lai Training"),
        ),
        UNDECIDED,
        (),
    ),
    (
        "pretraining is",
        all_of(
            trap(0, method="Lai for α, no pretraining"),
            trap(50, method="Lai Training"),
        ),
        FAILS,
        (),
    ),
    ("pretraining is", trap(50, method="Lai for α, no pretraining"), HOLDS, ()),
    ("redrawing the", comparison("fixed few", 0.0), CONDITION, ("all samples",)),
    ("redrawing the", all_of(comparison("fixed", 0.0), comparison("fixed few", 0.0)), FAILS, ()),
    (
        "redrawing the",
        all_of(comparison("fixed", 0.01, 0.1), comparison("fixed few", 0.01, 0.1)),
        UNDECIDED,
        (),
    ),
    (
        "α and λ control",
        put("strength", "monotone_pairs", "variance", "alpha", value=[40, 60]),
        CONDITION,
        ("changes of lam",),
    ),
    (
        "α and λ control",
        put("strength", "monotone_pairs", "variance", value={"alpha": [4, 60], "lam": [4, 60]}),
        FAILS,
        (),
    ),
    (
        "applying the Lai",
        put("cost", "epochs", 1, "ratios", "points", 1, "median", value=1.8),
        CONDITION,
        ("batches, batch 64; batches, batch 1024",),
    ),
    (
        "applying the Lai",
        put("cost", "epochs", 0, "ratios", "points", 1, "median", value=1.1),
        HOLDS,
        (),
    ),
    (
        "L1 Lai",
        reading("l1", rmse=0.5, mean_grad_norm=-0.4),
        CONDITION,
        ("L2; elastic; L2 sample",),
    ),
    ("a λ per feature", rows("one_feature", "others", {"X8_std": {"rise": 0}}), HOLDS, ()),
    ("a λ per feature", rows("one_feature", "others", {"X8_std": {"rise": 1}}), FAILS, ()),
    ("with λ = 1e-1", tables(1, "rmse", 0.0), HOLDS, ()),
    ("with λ = 1e-1", tables(1, "rmse", 0.05), FAILS, ()),
    ("with λ = 1e-1", tables(1, "rmse", 0.01, 0.02), UNDECIDED, ()),
    ("with λ = 1e-1", tables(1, "rmse", 0.05, which=(0,)), FAILS, ()),
    ("as λ falls", tables(3, "rmse", 0.0), FAILS, ()),
    ("as λ falls", tables(3, "rmse", 0.0, which=(0,)), CONDITION, ("standard points",)),
    ("a smaller λ makes", tables(3, "variance", 0.1), FAILS, ()),
    ("a smaller λ makes", tables(3, "variance", 0.1, which=(1,)), CONDITION, ("max-abs separate",)),
    ("a smaller λ makes", tables(3, "variance", 0.0, 0.1), UNDECIDED, ()),
    ("the variance of the", tables(3, "mean_grad_norm", -0.08), UNDECIDED, ()),
    (
        "the variance of the",
        tables(3, "mean_grad_norm", -0.08, which=(1,)),
        UNDECIDED,
        (),
    ),
    ("little accuracy", tables(3, "rmse", 0.1), FAILS, ()),
    ("little accuracy", tables(3, "rmse", 0.03), HOLDS, ()),
    ("little accuracy", tables(3, "rmse", 0.04, 0.02), UNDECIDED, ()),
    ("at times the Lai", sizes(-0.02), CONDITION, ("250 training samples; 4,000",)),
    ("at times the Lai", all_of(sizes(0.02), table_1(1, "rmse", 0.02)), FAILS, ()),
    ("at times the Lai", all_of(sizes(-0.02), table_1(1, "rmse", -0.02)), HOLDS, ()),
    ("the loss decreases", sizes(-0.02), HOLDS, ()),
    ("the loss decreases", sizes(-0.02, 0.3), FAILS, ()),
    ("the loss decreases", sizes(0.0, half=0.1), UNDECIDED, ()),
    ("the changes of", table_1(3, "variance", -0.3), CONDITION, ("RMSE with λ = 1e-1",)),
    ("the levels of", put("smoothness", "table", 0, "variance", "mean", value=0.78), HOLDS, ()),
    ("the levels of", put("smoothness", "table", 0, "rmse", "mean", value=0.8), FAILS, ()),
    ("the Lai loss is", features(0, [0.1] * 9), FAILS, ()),
    ("the Lai loss is", features(0, [0.1] * 9, (1,)), CONDITION, ("max-abs separate tanh",)),
    ("the Lai loss is", features(0, [0.0] * 9), UNDECIDED, ()),
    (
        "X8 is by far",
        lambda n: [s.update(mse=[[0.5] * 9] * 2) for s in n["sensitivity"]["settings"]],
        FAILS,
        (),
    ),
    (
        "X8 is by far",
        put("sensitivity", "settings", 0, "mse", 1, 7, value=5.0),
        HOLDS,
        (),
    ),
    (
        "the sensitivities of",
        put("sensitivity", "settings", 1, "deviation_factor", 0, value=1.05),
        CONDITION,
        ("standard separate relu",),
    ),
    (
        "λ₈ = 1e-3 lowers",
        features(1, [-0.1] * 8 + [0.0], (0,)),
        CONDITION,
        ("standard separate relu",),
    ),
    ("λ₈ = 1e-3 lowers", features(1, [-0.1] * 8 + [0.0]), FAILS, ()),
    ("λ₈ = 1e-3 lowers", features(1, [-0.3] * 8 + [0.0]), UNDECIDED, ()),
    ("λ₈ = 1e-3 costs", features(1, [-0.1] * 8 + [0.05]), FAILS, ()),
    (
        "λ₈ = 1e-3 costs",
        features(1, [-0.1] * 8 + [0.05], (1,)),
        CONDITION,
        ("max-abs separate tanh",),
    ),
    ("λ₈ = 1e-3 changes", features(1, [0.0] * 9), FAILS, ()),
    ("λ₈ preserves", rows("one_feature", "endpoints", {"verdict": "worse"}), FAILS, ()),
    ("λ₈ preserves", rows("one_feature", "endpoints", {"verdict": "better"}), HOLDS, ()),
    ("λ₈ preserves", rows("one_feature", "endpoints", {"verdict": "undecided"}), UNDECIDED, ()),
    ("better generalisation", sizes(-0.02), CONDITION, ("250 training samples; 4,000",)),
    ("better generalisation", sizes(0.02), FAILS, ()),
    ("better generalisation", sizes(-0.02, 0.3), FAILS, ()),
    (
        "better generalisation",
        all_of(sizes(-0.02), rows("frontier", "best", {"rmse_change": change(-0.02)})),
        HOLDS,
        (),
    ),
    (
        "the loss controls gradients with",
        put("frontier", "primary", "verdict", value="equivalent"),
        HOLDS,
        (),
    ),
    (
        "the loss controls gradients with",
        put("frontier", "primary", "verdict", value="better"),
        HOLDS,
        (),
    ),
    (
        "the loss controls gradients with",
        put("frontier", "primary", "verdict", value="undecided"),
        UNDECIDED,
        (),
    ),
    ("the loss controls gradients accurately", over_penalty(0.02), FAILS, ()),
    ("the loss controls gradients accurately", over_penalty(-0.02), HOLDS, ()),
    ("the loss controls gradients accurately", over_penalty(0.0, 0.1), UNDECIDED, ()),
    ("stable", tables(3, "rmse", 0.5), FAILS, ()),
    ("stable", tables(3, "rmse", 0.01), HOLDS, ()),
    ("stable", tables(3, "rmse", 0.05, 0.02), UNDECIDED, ()),
]


@pytest.mark.parametrize(("start", "change_it", "kind", "words"), TURNS, ids=lambda x: str(x)[:20])
def test_a_verdict_and_its_condition_turn_with_the_numbers(
    start: str, change_it: Change, kind: str, words: tuple[str, ...]
) -> None:
    (text,) = (claim.text for claim in CLAIMS if claim.text.startswith(start))
    numbers = invented()
    before = assess(text, numbers).verdict
    change_it(numbers)
    after = assess(text, numbers).verdict
    assert kind_of(after) == kind
    assert after != before
    assert all(word in after for word in words)


def test_every_claim_is_turned_by_a_test() -> None:
    assert all(any(claim.text.startswith(turn[0]) for turn in TURNS) for claim in CLAIMS)
