"""The claims about the experiment and the conclusion (paper §6, §7), and how each is assessed."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from figures.claims import thresholds as at
from figures.claims.verdict import (
    Assessment,
    by_case,
    claim,
    effect_of,
    entry,
    inside,
)
from figures.experiments import paper
from figures.experiments.settings import Numbers
from figures.plotting.words import listed, with_interval

LAMS = paper.LAMS[1:]


@claim("6.1", "with λ = 1e-1 the validation curve is that of MSE", "smoothness", "samplings")
def _curve(smoothness: Numbers, samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        change = each["rows"][1]["rmse_change"]
        cases[_reading(each)] = inside(change, -at.EQUAL.value, at.EQUAL.value)
        cells.append(f"{_reading(each)} {with_interval(change)}")
    number = f"RMSE to MSE (paper -0.1%): {'; '.join(cells)}; {_about(smoothness)}"
    effect = effect_of("λ = 1e-1, RMSE", smoothness["table"][1]["rmse_change"], _table_1("rmse", 1))
    return Assessment(by_case(cases), number, effect)


@claim("6.1", "as λ falls, the curve diverges from that of MSE", "samplings")
def _diverges(samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        changes = [row["rmse_change"] for row in each["rows"][1:]]
        rising = all(a["high"] < b["low"] for a, b in pairwise(changes))
        cases[_reading(each)] = rising
        cells.append(f"{_reading(each)} {listed((c['mean'] for c in changes), '+.1%')}")
    number = f"RMSE to MSE, λ = 1e-1, 1e-2, 1e-3: {'; '.join(cells)}; {_about(samplings)}"
    return Assessment(by_case(cases), number)


@claim("6.1", "a smaller λ makes the outputs vary less", "smoothness", "samplings", "protocols")
def _variance(smoothness: Numbers, samplings: Numbers, protocols: Numbers) -> Assessment:
    cases = {
        _reading(each): inside(each["rows"][-1]["variance_change"], high=0.0)
        for each in samplings["tables"]
    }
    sane = [row for row in protocols["stage_2"] if "excluded" not in row]
    falls = sum(row["variance"] == sorted(row["variance"], reverse=True) for row in sane)
    changes = [row["variance_change"] for row in smoothness["table"][1:]]
    number = (
        f"default protocol: {', '.join(with_interval(c) for c in changes)} (paper"
        f" {listed(paper.TABLE_1_CHANGE['variance'][1:], '+.1%')}), {_about(smoothness)}; in the"
        f" search it falls at every step under {falls} of {len(sane)} protocols, one seed each"
    )
    effect = effect_of("λ = 1e-3, variance", changes[-1], _table_1("variance", 3))
    return Assessment(by_case(cases), number, effect)


@claim("6.1", "the variance of the outputs quantifies smoothness", "smoothness", "samplings")
def _quantifies(smoothness: Numbers, samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        lai, shrunk = each["rows"][-1], each["shrinkage"][-1]
        a, b = lai["mean_grad_norm_change"], shrunk["mean_grad_norm_change"]
        apart = a["high"] < b["low"] or b["high"] < a["low"]
        cases[_reading(each)] = not apart
        cells.append(f"{_reading(each)} {a['mean']:+.1%} (shrunk {b['mean']:+.1%})")
    number = (
        "mean gradient norm to MSE with λ = 1e-3, and with outputs of MSE shrunk to the same"
        f" variance: {'; '.join(cells)}; {_about(samplings)}"
    )
    return Assessment(by_case(cases), number)


@claim("6.1", "little accuracy buys much smoothness", "smoothness", "samplings")
def _trade(smoothness: Numbers, samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        lai, shrunk = each["rows"][-1]["rmse_change"], each["shrinkage"][-1]["rmse_change"]
        # little, and not more than what shrinking the outputs costs at the same variance
        little = inside(lai, high=at.LITTLE.value)
        cases[_reading(each)] = little and inside(lai, high=shrunk["high"] + at.EQUAL.value)
        cells.append(f"{_reading(each)} {lai['mean']:+.1%} (shrunk {shrunk['mean']:+.1%})")
    number = (
        "RMSE to MSE with λ = 1e-3, and with outputs of MSE shrunk to the same variance:"
        f" {'; '.join(cells)} (paper +3.6%); {_about(samplings)}"
    )
    effect = effect_of("λ = 1e-3, RMSE", smoothness["table"][3]["rmse_change"], _table_1("rmse", 3))
    return Assessment(by_case(cases), number, effect)


@claim("6.1", "at times it generalises better than MSE", "smoothness", "few_data")
def _generalises(smoothness: Numbers, few: Numbers) -> Assessment:
    cases, cells = {}, []
    for size in few["sizes"]:
        lai = size["methods"]["Lai"]["change"]
        cases[f"{size['rows']:,} training samples"] = inside(lai, high=0.0)
        cells.append(f"{size['rows']:,}: {with_interval(lai)}")
    full = smoothness["table"][1]["rmse_change"]
    cases["30,000"] = inside(full, high=0.0)
    number = (
        f"RMSE to MSE, best λ, by training samples: {'; '.join(cells)}; all 30,000 with λ = 1e-1:"
        f" {with_interval(full)} (paper -0.1%); {_about(few)}"
    )
    middle = few["sizes"][1]
    effect = effect_of(f"{middle['rows']} samples, RMSE", middle["methods"]["Lai"]["change"])
    return Assessment(by_case(cases), number, effect)


@claim("3", "it decreases a large gradient, against overfitting", "few_data")
def _overfitting(few: Numbers) -> Assessment:
    cases, cells = {}, []
    for size in few["sizes"]:
        lai = size["methods"]["Lai"]
        smaller = inside(lai["mean_grad_norm_change"], high=0.0)
        cases[f"{size['rows']:,} samples"] = smaller and inside(lai["change"], high=0.0)
        norm = lai["mean_grad_norm_change"]
        cells.append(f"{size['rows']:,}: {norm['mean']:+.0%} ({lai['change']['mean']:+.1%})")
    number = (
        "mean gradient norm (RMSE) to MSE with the best λ, by training samples:"
        f" {'; '.join(cells)}; {_about(few)}"
    )
    return Assessment(by_case(cases), number)


@claim("6.1", "the changes of Table 1", "smoothness")
def _changes(smoothness: Numbers) -> Assessment:
    cases: dict[str, bool | None] = {}
    for name, title in (("rmse", "RMSE"), ("variance", "variance")):
        for place, row in enumerate(smoothness["table"][1:], start=1):
            change, theirs = row[f"{name}_change"], _table_1(name, place)
            near = at.EQUAL.value if name == "rmse" else at.LEVEL.value
            case = f"{title} with λ = {row['lam']:.0e}".replace("e-0", "e-")
            cases[case] = inside(change, theirs - near, theirs + near)
    rows = smoothness["table"][1:]
    number = "; ".join(
        f"{title} {', '.join(with_interval(row[f'{name}_change']) for row in rows)} (paper"
        f" {listed(paper.TABLE_1_CHANGE[name][1:], '+.1%')})"
        for name, title in (("rmse", "RMSE"), ("variance", "variance"))
    )
    return Assessment(by_case(cases), f"{number}; {_about(smoothness)}")


@claim("6.1", "the levels of Table 1", "smoothness")
def _levels(smoothness: Numbers) -> Assessment:
    control = smoothness["table"][0]
    cases, cells = {}, []
    for name, title in (("rmse", "RMSE of MSE"), ("variance", "variance of MSE")):
        mean, theirs = control[name]["mean"], paper.TABLE_1[name][0]
        cases[title] = abs(mean / theirs - 1) < at.LEVEL.value
        cells.append(f"{title} {mean:.3f} ± {control[name]['sd']:.3f} (paper {theirs:.3f})")
    return Assessment(by_case(cases), f"{'; '.join(cells)}; {_about(smoothness)}")


@claim("6.2", "less sensitive than MSE to noise in most features", "sensitivity")
def _most_features(sensitivity: Numbers) -> Assessment:
    cases: dict[str, bool | None] = {}
    cells = []
    for each in sensitivity["settings"]:
        change = each["tables"][0]["changes"][each["nearest"]]
        less = sum(high < 0 for high in change["high"][:8]) if change["high"] else 0
        more = sum(low > 0 for low in change["low"][:8]) if change["low"] else 0
        most = at.MOST.value
        cases[_setting(each)] = True if less > most else False if more >= most else None
        fewer = paper.n_decreased(change["mean"])
        cells.append(f"{_setting(each)} {less} clearly less, {more} clearly more, {fewer} by mean")
    number = f"of 8 features (paper: 6, one seed): {'; '.join(cells)}; {_about(sensitivity)}"
    return Assessment(by_case(cases), number)


@claim("6.2", "X8 is by far the most sensitive", "sensitivity")
def _most_sensitive(sensitivity: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in sensitivity["settings"]:
        by_kind: dict[str, list[float]] = {}
        for (kind, _), row in zip(sensitivity["noises"], each["mse"], strict=True):
            by_kind.setdefault(kind, []).append(row[7] / max(row[:7]))
        for kind, ratios in by_kind.items():
            cases[f"{_setting(each)}, noise by {kind}"] = min(ratios) > at.CLEARLY.value
            cells.append(f"{_setting(each)}, {kind} {min(ratios):.1f} … {max(ratios):.1f}")
    number = (
        "X8 over the largest of the others, for noise of 5 … 100% (paper 2.6):"
        f" {'; '.join(cells)}; {_about(sensitivity)}"
    )
    return Assessment(by_case(cases), number)


@claim("6.2", "the sensitivities of Table 2", "sensitivity", "protocols")
def _table_2(sensitivity: Numbers, protocols: Numbers) -> Assessment:
    factors = {_setting(s): s["deviation_factor"][s["nearest"]] for s in sensitivity["settings"]}
    cases = {name: factor < at.REPRODUCED.value for name, factor in factors.items()}
    winners = [winner["deviation_factor"] for winner in protocols["winners"]]
    number = (
        "deviation factor from the paper's with the nearest of"
        f" {len(sensitivity['noises'])} noises: "
        + "; ".join(f"{name} {factor:.2f}" for name, factor in factors.items())
        + f"; winners of the search {min(winners):.2f} … {max(winners):.2f}"
    )
    return Assessment(by_case(cases), number)


@claim("6.2", "λ₈ = 1e-3 lowers the sensitivity to X8 markedly", "sensitivity")
def _last_feature(sensitivity: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in sensitivity["settings"]:
        change = entry(each["tables"][1]["changes"][each["nearest"]], 7)
        cases[_setting(each)] = inside(change, high=at.MARKED.value)
        cells.append(f"{_setting(each)} {with_interval(change, '+.0%')}")
    number = f"X8 to MSE (paper -42%): {'; '.join(cells)}; {_about(sensitivity)}"
    first = sensitivity["settings"][0]
    change = entry(first["tables"][1]["changes"][first["nearest"]], 7)
    effect = effect_of("λ₈ = 1e-3, X8", change, float(paper.TABLE_3.change[7]))
    return Assessment(by_case(cases), number, effect)


@claim("6.2", "… for 2.4% in RMSE", "sensitivity")
def _price(sensitivity: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in sensitivity["settings"]:
        change = entry(each["tables"][1]["changes"][each["nearest"]], 8)
        cases[_setting(each)] = inside(change, high=at.PRICE.value)
        cells.append(f"{_setting(each)} {with_interval(change)}")
    number = f"RMSE to MSE (paper +2.4%): {'; '.join(cells)}; {_about(sensitivity)}"
    first = sensitivity["settings"][0]
    change = entry(first["tables"][1]["changes"][first["nearest"]], 8)
    effect = effect_of("λ₈ = 1e-3, RMSE", change, float(paper.TABLE_3.change[8]))
    return Assessment(by_case(cases), number, effect)


@claim("6.2", "… and changes the sensitivity to other features", "sensitivity")
def _others(sensitivity: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in sensitivity["settings"]:
        change = each["tables"][1]["changes"][each["nearest"]]
        names = [j + 1 for j in range(7) if _differs(entry(change, j))]
        cases[_setting(each)] = len(names) >= at.MOST.value
        means = change["mean"][:7]
        cells.append(f"{_setting(each)} {len(names)} of 7, {min(means):+.0%} … {max(means):+.0%}")
    number = (
        "features whose change has an interval without 0 (paper -33% … +13%):"
        f" {'; '.join(cells)}; {_about(sensitivity)}"
    )
    return Assessment(by_case(cases), number)


@claim("6.2", "… preserving performance as far as possible", "one_feature")
def _list_pays(one: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in one["endpoints"]:
        cases[f"{each['measure']}"] = {"better": True, "worse": False}.get(each["verdict"])
        cells.append(f"{each['measure']} {_endpoint(each)}, {each['verdict']}")
    number = (
        "RMSE of λ₈ over that of the penalty μ₈ k₈² on the same samples at equal sensitivity to"
        f" X8: {'; '.join(cells)}; {_about(one)}"
    )
    return Assessment(by_case(cases), number)


@claim("abs.", "better generalisation and noise resistance at once", "few_data", "frontier")
def _dual(few: Numbers, frontier: Numbers) -> Assessment:
    cases, cells = {}, []
    for size in few["sizes"]:
        lai = size["methods"]["Lai"]
        both = inside(lai["change"], high=0.0)
        smooth = inside(lai["mean_grad_norm_change"], high=0.0)
        cases[f"{size['rows']:,} training samples"] = both and smooth
    best = next(b for b in frontier["best"] if b["method"] == "Lai")["rmse_change"]
    cases["30,000"] = inside(best, high=0.0)
    cells = [f"best λ with all samples: RMSE {with_interval(best)} to MSE"]
    number = (
        f"{cells[0]}, {_about(frontier)}; with few samples RMSE and mean gradient norm fall"
        f" together in {sum(bool(v) for v in list(cases.values())[:-1])} of {len(few['sizes'])}"
        " sizes"
    )
    return Assessment(by_case(cases), number)


@claim("7", "it controls gradients with maximum accuracy", "frontier")
def _accuracy(frontier: Numbers) -> Assessment:
    every = [frontier["primary"], *frontier["secondary"]]
    same = [e for e in every if e["baseline"] == frontier["primary"]["baseline"]]
    cases = {
        f"equal {e['measure'].replace('_', ' ')}": {
            "better": True,
            "equivalent": True,
            "worse": False,
        }.get(e["verdict"])
        for e in same
    }
    cells = [f"{e['measure'].replace('_', ' ')} {_endpoint(e)}, {e['verdict']}" for e in same]
    number = (
        f"RMSE of Lai over that of {frontier['primary']['baseline']} at equal: {'; '.join(cells)};"
        f" margin {frontier['primary']['margin']:.0%}, {_about(frontier)}; no worse than the"
        " penalty is all that is tested, not optimality"
    )
    effect = effect_of("Lai over penalty, RMSE", frontier["primary"])
    return Assessment(by_case(cases), number, effect)


@claim("7", "… with few training data", "few_data")
def _few_data(few: Numbers) -> Assessment:
    cases, cells = {}, []
    for size in few["sizes"]:
        change = size["lai_over_penalty"]["change"]
        cases[f"{size['rows']:,} training samples"] = inside(change, high=0.0)
        cells.append(f"{size['rows']:,}: {with_interval(change)}")
    number = (
        f"best RMSE of Lai over that of the gradient penalty: {'; '.join(cells)}; {_about(few)}"
    )
    effect = effect_of(
        "few samples, Lai over penalty", few["sizes"][1]["lai_over_penalty"]["change"]
    )
    return Assessment(by_case(cases), number, effect)


@claim("7", "stable performance", "smoothness", "samplings")
def _stable(smoothness: Numbers, samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        change = each["rows"][-1]["rmse_change"]
        cases[_reading(each)] = inside(change, -at.NOTICED.value, at.NOTICED.value)
        cells.append(f"{_reading(each)} {with_interval(change)}")
    number = f"RMSE to MSE with λ = 1e-3: {'; '.join(cells)}; {_about(samplings)}"
    return Assessment(by_case(cases), number)


def _table_1(name: str, place: int) -> float:
    return float(paper.TABLE_1_CHANGE[name][place])


def _reading(each: Numbers) -> str:
    return f"{each['scaling']} {each['sampling']}"


def _setting(each: Numbers) -> str:
    return f"{each['scaling']} {each['sampling']} {each['activation']}"


def _differs(change: dict[str, Any]) -> bool:
    return change["low"] is not None and not change["low"] <= 0 <= change["high"]


def _endpoint(each: Numbers) -> str:
    return with_interval(each) if each["mean"] is not None else "no common range"


def _about(numbers: Numbers) -> str:
    return f"{len(numbers['seeds'])} seeds"
