"""The claims about noise in single features (paper §6.2, Tables 2 and 3), and their assessment."""

from __future__ import annotations

from typing import Any

from figures.claims import thresholds as at
from figures.claims.verdict import (
    Assessment,
    about,
    by_case,
    claim,
    effect_of,
    endpoint_text,
    entry,
    inside,
    mean_text,
)
from figures.experiments import paper
from figures.experiments.settings import Numbers
from figures.plotting.words import from_to, with_interval

PAYS = {"better": True, "equivalent": True, "worse": False}


@claim("6.2", "the Lai loss is less sensitive than MSE to noise in most features", "sensitivity")
def _most_features(sensitivity: Numbers) -> Assessment:
    cases: dict[str, bool | None] = {}
    cells, counts = [], []
    for each in sensitivity["settings"]:
        change = each["tables"][0]["changes"][each["nearest"]]
        less = sum(high < 0 for high in change["high"][:8]) if change["high"] else 0
        more = sum(low > 0 for low in change["low"][:8]) if change["low"] else 0
        most = at.MOST.value
        cases[_setting(each)] = True if less > most else False if more >= most else None
        counts.append((less, more))
        fewer = paper.n_decreased(change["mean"])
        cells.append(f"{_setting(each)} {less} clearly less, {more} clearly more, {fewer} by mean")
    number = f"of 8 features (paper: 6, one seed): {'; '.join(cells)}; {about(sensitivity)}"
    less, more = (max(values) for values in zip(*counts, strict=True))
    sentence = (
        f"Depending on the protocol, up to {less} of 8 features become significantly less"
        f" sensitive to noise, and up to {more} of 8 more so."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("6.2", "X8 is by far the most sensitive", "sensitivity")
def _most_sensitive(sensitivity: Numbers) -> Assessment:
    cases, cells = {}, []
    found: dict[str, list[float]] = {}
    for each in sensitivity["settings"]:
        by_kind: dict[str, list[float]] = {}
        for (kind, _), row in zip(sensitivity["noises"], each["mse"], strict=True):
            by_kind.setdefault(kind, []).append(row[7] / max(row[:7]))
        for kind, ratios in by_kind.items():
            found.setdefault(kind, []).extend(ratios)
            cases[f"{_setting(each)}, noise by {kind}"] = min(ratios) > at.CLEARLY.value
            cells.append(f"{_setting(each)}, {kind} {min(ratios):.1f} … {max(ratios):.1f}")
    number = (
        "X8 over the largest of the others, for noise of 5 … 100% (paper 2.6):"
        f" {'; '.join(cells)}; {about(sensitivity)}"
    )
    most = max(found, key=lambda kind: min(found[kind]))
    least = min(found, key=lambda kind: max(found[kind]))
    sentence = (
        f"For noise relative to the {most}, X8 is at least {min(found[most]):.1f} times as"
        f" sensitive as the others; relative to the {least}, at most {max(found[least]):.1f}."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("6.2", "the sensitivities of Table 2", "sensitivity", "protocols")
def _table_2(sensitivity: Numbers, protocols: Numbers) -> Assessment:
    factors = {_setting(s): s["deviation_factor"][s["nearest"]] for s in sensitivity["settings"]}
    cases = {name: factor < at.REPRODUCED.value for name, factor in factors.items()}
    winners = [winner["deviation_factor"] for winner in protocols["winners"]]
    number = (
        "deviation factor from the paper's sensitivities with the nearest of"
        f" {len(sensitivity['noises'])} noises: "
        + "; ".join(f"{name} {factor:.2f}" for name, factor in factors.items())
        + f"; winners of the search {min(winners):.2f} … {max(winners):.2f}"
    )
    sentence = (
        "The sensitivities deviate from the paper's by a factor of at least"
        f" {min(factors.values()):.2f}, for winners of the protocol search {min(winners):.2f}."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("6.2", "λ₈ = 1e-3 lowers the sensitivity to X8 markedly", "sensitivity")
def _last_feature(sensitivity: Numbers) -> Assessment:
    return _table_3(sensitivity, "X8", 7, at.MARKED.value, "+.0%")


@claim("6.2", "λ₈ = 1e-3 costs 2.4% in RMSE", "sensitivity")
def _price(sensitivity: Numbers) -> Assessment:
    return _table_3(sensitivity, "RMSE", 8, at.PRICE.value, "+.1%")


@claim("6.2", "λ₈ = 1e-3 changes the sensitivity to other features", "sensitivity")
def _others(sensitivity: Numbers) -> Assessment:
    cases, cells, counts = {}, [], []
    for each in sensitivity["settings"]:
        change = each["tables"][1]["changes"][each["nearest"]]
        names = [j + 1 for j in range(7) if _differs(entry(change, j))]
        cases[_setting(each)] = len(names) >= at.MOST.value
        counts.append(len(names))
        means = change["mean"][:7]
        cells.append(f"{_setting(each)} {len(names)} of 7, {min(means):+.0%} … {max(means):+.0%}")
    number = (
        "features for which the interval of the change excludes 0 (paper -33% … +13%):"
        f" {'; '.join(cells)}; {about(sensitivity)}"
    )
    sentence = (
        f"Of the other seven features, {from_to(counts, 'd')} change significantly in sensitivity,"
        " depending on the protocol."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("6.2", "λ₈ preserves performance as far as possible", "one_feature")
def _list_pays(one: Numbers) -> Assessment:
    cases, cells, gaps = {}, [], []
    for each in one["endpoints"]:
        noise = f"noise by {each['measure'].removeprefix('X8_')}"
        cases[noise] = PAYS.get(each["verdict"])
        cells.append(f"{noise} {endpoint_text(each)}, {each['verdict']}")
        gaps.append(f"{mean_text(each)} ({noise}, {each['verdict']})")
    number = (
        "RMSE of λ₈ over that of the penalty μ₈ k₈² on the same samples at equal sensitivity to"
        f" X8: {'; '.join(cells)}; {about(one)}"
    )
    sentence = (
        "At equal sensitivity to X8, Lai's RMSE differs from the gradient penalty's by"
        f" {' and '.join(gaps)}."
    )
    return Assessment(by_case(cases), sentence, number)


def _table_3(sensitivity: Numbers, name: str, j: int, at_most: float, form: str) -> Assessment:
    """Assess whether the j-th column of Table 3 changes by at most `at_most` in each setting."""
    changes = {
        _setting(each): entry(each["tables"][1]["changes"][each["nearest"]], j)
        for each in sensitivity["settings"]
    }
    cases = {setting: inside(change, high=at_most) for setting, change in changes.items()}
    cells = [f"{setting} {with_interval(change, form)}" for setting, change in changes.items()]
    theirs = float(paper.TABLE_3.change[j])
    number = f"{name} to MSE (paper {theirs:{form}}): {'; '.join(cells)}; {about(sensitivity)}"
    means = from_to((change["mean"] for change in changes.values()), form)
    what = "the sensitivity to X8" if name == "X8" else f"the {name}"
    sentence = f"λ₈ = 1e-3 changes {what} by {means}, depending on the protocol."
    first = next(iter(changes.values()))
    effect = effect_of(f"λ₈ = 1e-3, {name}", first, theirs, at_most=at_most)
    return Assessment(by_case(cases), sentence, number, effect)


def _setting(each: Numbers) -> str:
    return f"{each['scaling']} {each['sampling']} {each['activation']}"


def _differs(change: dict[str, Any]) -> bool:
    return change["low"] is not None and not change["low"] <= 0 <= change["high"]
