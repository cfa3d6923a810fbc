from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from figures import claims
from figures.claims import CLAIMS, NEEDED, RESULTS, compute, markdown, plot, table
from figures.claims.verdict import FAILS, HOLDS
from figures.experiments.settings import Settings
from figures.registry import FIGURES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMITTED = json.loads((RESULTS / "claims.json").read_text(encoding="utf-8"))
NUMBERS = {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in NEEDED}


def test_committed_claims_are_those_of_the_committed_numbers(tmp_path: Path) -> None:
    numbers = compute(Settings(tmp_path))
    assert numbers["claims"] == COMMITTED["claims"]
    assert numbers["source"] == COMMITTED["source"]


def test_the_readme_shows_the_committed_claims() -> None:
    _, _, rest = README.partition("<!-- figures/results/claims.json -->\n\n")
    assert rest.startswith(markdown(COMMITTED) + "\n\n")


def test_the_whole_paper_is_judged() -> None:
    rows = COMMITTED["claims"]
    assert len(rows) >= 16
    assert {row["section"].partition(".")[0] for row in rows} >= {"2", "4", "5", "6", "A"}
    assert len({row["claim"] for row in rows}) == len(rows)
    for row in rows:
        assert row["verdict"] in (HOLDS, FAILS) or row["verdict"].startswith("holds when ")
        assert any(character.isdigit() for character in row["number"])
        assert row["figures"] and all(name in FIGURES for name in row["figures"])
    assert set(NEEDED) == {name for row in rows for name in row["figures"]}


def test_the_table_has_every_claim_and_number() -> None:
    words = " ".join(table(COMMITTED).split())
    for row in COMMITTED["claims"]:
        assert f"{row['claim']}: {row['verdict']} {row['number']}" in words


def test_claims_are_judged_on_the_runs_own_numbers_where_all_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, numbers in NUMBERS.items():
        changed = numbers | ({"largest_difference": 0.5} if name == "chebyshev" else {})
        (tmp_path / f"{name}.json").write_text(json.dumps(changed))
    assert compute(Settings(tmp_path))["claims"][0]["verdict"] == FAILS
    assert compute(Settings(tmp_path, quick=True))["claims"] == COMMITTED["claims"]
    (tmp_path / "cost.json").unlink()
    capsys.readouterr()
    assert compute(Settings(tmp_path))["claims"] == COMMITTED["claims"]
    assert f"numbers in {RESULTS}, since {tmp_path} lacks cost\n" in capsys.readouterr().err


def test_numbers_that_are_not_whole_are_named(tmp_path: Path) -> None:
    for name, numbers in NUMBERS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(numbers))
    (tmp_path / "cost.json").write_text('{"figure": "cost"}')
    with pytest.raises(ValueError, match="cost: expected the numbers of a whole run, got KeyError"):
        compute(Settings(tmp_path))


@pytest.mark.parametrize("content", ["", "[]", '{"figure": "factor"}', '{"numbers": 1}'])
def test_damaged_numbers_are_named(tmp_path: Path, content: str) -> None:
    for name, numbers in NUMBERS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(numbers))
    (tmp_path / "cost.json").write_text(content)
    with pytest.raises(ValueError, match=r"cost\.json: expected the numbers of a figure"):
        compute(Settings(tmp_path))


def test_missing_numbers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "RESULTS", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="missing; `python -m figures` makes it"):
        compute(Settings(tmp_path))


def test_the_picture_has_a_mark_for_every_claim() -> None:
    figure = plot(COMMITTED)
    (axes,) = figure.axes
    assert [line.get_xdata()[0] for line in axes.lines] == [  # type: ignore[index]
        {HOLDS: 0, FAILS: 2}.get(row["verdict"], 1) for row in COMMITTED["claims"]
    ]


# Every verdict turns when the numbers do


def verdict_on(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    (claim,) = (claim for claim in CLAIMS if claim.text == text)
    numbers = copy.deepcopy(NUMBERS)
    change(numbers)
    return claim.assess(*(numbers[name] for name in claim.figures)).verdict


def put(name: str, *keys: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one number of a figure."""

    def change(numbers: dict[str, Any]) -> None:
        place = numbers[name]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def rows(name: str, key: str, value: Any, **which: Any) -> Callable[[dict[str, Any]], None]:
    """A change of `key` in the rows of a figure that have the values of `which`."""

    def change(numbers: dict[str, Any]) -> None:
        table = next(t for t in ("rows", "points", "arms") if t in numbers[name])
        found = [r for r in numbers[name][table] if all(r[k] == v for k, v in which.items())]
        assert found
        for row in found:
            row[key] = value

    return change


def all_of(*changes: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def change(numbers: dict[str, Any]) -> None:
        for each in changes:
            each(numbers)

    return change


def minima(name: str, k: float) -> Callable[[dict[str, Any]], None]:
    """The slope of both minima of a surface."""
    return all_of(*(put(name, "noises", i, "minimum", "k", value=k) for i in (0, 1)))


def flags(title: str) -> Callable[[dict[str, Any]], None]:
    """All protocols as in the paper."""

    def change(numbers: dict[str, Any]) -> None:
        for protocol in numbers["protocols"]["protocols"]:
            assert title in protocol["as in the paper"]
            protocol["as in the paper"][title] = True

    return change


ALL_CLOSE = all_of(
    *(put(f"surface_mae_{lam}", "noises", 0, "symmetry", value=1.1) for lam in ("1", "2", "05"))
)
X8 = {
    kind: put("sensitivity", "nearest", kind, "median", 7, value=5.0)
    for kind in ("value", "spread")
}

TURNS: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("max(a, b) is", put("chebyshev", "largest_difference", value=1e-9), FAILS),
    ("the loss lets k slide", put("factor", "minima", 3, "found", value=0.3), FAILS),
    (
        "dividing by λ < 1",
        lambda n: [r["with"].update(factor=0.2) for r in n["factor"]["normalising"]],
        FAILS,
    ),
    (
        "dividing by λ < 1",
        lambda n: [r["without"].update(largest=0.01) for r in n["factor"]["normalising"]],
        HOLDS,
    ),
    ("the minimum is exactly", put("surface_mae_2", "noises", 1, "minimum", "k", value=2.9), FAILS),
    (
        "the minimum is exactly",
        all_of(
            minima("surface_mae_1", 1.0),
            minima("surface_mae_2", 2.0),
            minima("surface_mae_05", 0.5),
        ),
        HOLDS,
    ),
    ("a very small λ", put("surface_mae_small", "noises", 1, "intercept_width", value=5.0), HOLDS),
    ("a very large λ", put("surface_mae_large", "noises", 0, "minimum", "k", value=7.0), FAILS),
    ("squaring lifts", minima("surface_mse_large", 10.0), HOLDS),
    ("the loss is all but", ALL_CLOSE, HOLDS),
    ("the loss is all but", put("surface_mae_1", "noises", 1, "symmetry", value=None), FAILS),
    ("optimised alone", rows("trap", "caught", 0, method="Lai alone"), FAILS),
    ("optimised alone", rows("trap", "caught", 50, method="Lai alone"), HOLDS),
    ("a small slope", lambda n: [m.update(depth=0.01) for m in n["factor"]["minima"]], FAILS),
    ("a small slope", lambda n: [m.update(depth=0.1) for m in n["factor"]["minima"]], HOLDS),
    ("X8 is by far", X8["value"], "holds when the noise is a share of the value"),
    ("X8 is by far", all_of(*X8.values()), HOLDS),
    ("Lai Training cures", rows("trap", "caught", 0, method="Lai Training"), HOLDS),
    ("Lai Training cures", rows("trap", "caught", 50, method="Lai Training"), FAILS),
    (
        "Lai Training cures",
        rows("trap", "caught", 50, method="Lai Training", lam=0.1),
        "holds when λ ≥ 1 (α = 0.01)",
    ),
    ("pretraining is needed", rows("trap", "caught", 50, method="Lai for 1%"), HOLDS),
    ("α and λ control", put("strength", "moves", "variance", "alpha", value=[20, 27]), FAILS),
    ("giving few data", put("cost", "epochs", "ratios", "batches", 1, "median", value=2.0), FAILS),
    ("giving few data", put("cost", "epochs", "ratios", "points", 1, "median", value=1.1), HOLDS),
    ("with λ = 1e-1", rows("smoothness", "rmse", [9.0] * 100, seed=1, lam=0.1), FAILS),
    ("with λ = 1e-1", flags("1e-1 near MSE"), HOLDS),
    ("a smaller λ makes", flags("variance falls"), HOLDS),
    ("a smaller λ makes", rows("smoothness", "variance", 2.0, seed=1, lam=0.01), FAILS),
    (
        "little accuracy",
        lambda n: [p.update(rmse=[2 * r for r in p["rmse"]]) for p in n["frontier"]["points"][1:]],
        FAILS,
    ),
    (
        "at times it",
        lambda n: [p.update(rmse=[9.0] * 5) for p in n["frontier"]["points"][1:]],
        FAILS,
    ),
    (
        "the numbers of Table 1",
        put("protocols", "protocols", 5, "off", "Table 1", value=1.01),
        HOLDS,
    ),
    (
        "the numbers of Table 2",
        put("protocols", "protocols", 5, "off", "Table 2", value=1.01),
        HOLDS,
    ),
    (
        "less sensitive",
        put("sensitivity", "tables", 0, "change", "median", value=[0.1] * 5 + [-0.1] * 4),
        FAILS,
    ),
    ("λ₈ = 1e-3 lowers", put("sensitivity", "tables", 1, "change", "median", 7, value=-0.2), FAILS),
    ("… for 2.4%", put("sensitivity", "tables", 1, "change", "median", 8, value=0.024), HOLDS),
    ("… and changes", put("sensitivity", "tables", 1, "change", "median", value=[0.01] * 9), FAILS),
    (
        "it controls",
        lambda n: [d.update(excess=[-0.01] * 5) for d in n["frontier"]["differences"]],
        HOLDS,
    ),
]


@pytest.mark.parametrize(("start", "change", "expected"), TURNS, ids=lambda x: str(x)[:20])
def test_a_verdict_turns_with_the_numbers(
    start: str, change: Callable[[dict[str, Any]], object], expected: str
) -> None:
    (text,) = (claim.text for claim in CLAIMS if claim.text.startswith(start))
    assert verdict_on(text, lambda numbers: None) != expected
    assert verdict_on(text, change) == expected


def test_every_claim_is_turned_by_a_test() -> None:
    untouched = [c.text for c in CLAIMS if not any(c.text.startswith(t) for t, _, _ in TURNS)]
    assert untouched == ["divided, the loss is near the true loss"]  # of the formula itself
