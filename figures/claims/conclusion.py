"""The claims of the abstract and the conclusion (paper §7), and how each is assessed."""

from __future__ import annotations

from figures.claims import thresholds as at
from figures.claims.few_samples import mean_change, norms_that_fall, smoother_cases
from figures.claims.verdict import (
    Assessment,
    about,
    by_case,
    claim,
    effect_of,
    endpoint_text,
    inside,
    mean_text,
    reading,
)
from figures.experiments.settings import Numbers
from figures.plotting.words import from_to, with_interval


@claim("abs.", "better generalisation and noise resistance at once", "few_data", "frontier")
def _dual(few: Numbers, frontier: Numbers) -> Assessment:
    cases, mean = smoother_cases(few), mean_change(few)
    best = next(b for b in frontier["best"] if b["method"] == "Lai")["rmse_change"]
    cases["30,000"] = inside(best, high=0.0)
    number = (
        f"best λ with all samples: RMSE {with_interval(best)} to MSE, {about(frontier)}; with few"
        f" samples, mean over their numbers, {with_interval(mean)}; the mean gradient norm falls"
        f" in {norms_that_fall(few)} of these numbers"
    )
    sentence = (
        f"The mean gradient norm falls significantly for {norms_that_fall(few)} small training"
        f" sets; the RMSE changes by {mean['mean']:+.1%} on average over them."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("7", "the loss controls gradients with maximum accuracy", "frontier")
def _accuracy(frontier: Numbers) -> Assessment:
    every = [frontier["primary"], *frontier["secondary"]]
    same = [e for e in every if e["baseline"] == frontier["primary"]["baseline"]]
    # the primary endpoint decides: the claim is about gradients
    verdicts = {"better": True, "equivalent": True, "worse": False}
    cases = {"equal mean gradient norm": verdicts.get(frontier["primary"]["verdict"])}
    cells = [f"{e['measure'].replace('_', ' ')} {endpoint_text(e)}, {e['verdict']}" for e in same]
    number = (
        f"RMSE of Lai over that of {frontier['primary']['baseline']} at equal: {'; '.join(cells)};"
        f" margin {frontier['primary']['margin']:.0%}, {about(frontier)}; tested is only"
        " whether Lai is no worse than the penalty, not optimality"
    )
    gaps = (
        f"{mean_text(e)} at equal {e['measure'].replace('mean_grad_norm', 'mean gradient norm')}"
        for e in same[:2]
    )
    sentence = f"Lai's RMSE differs from the gradient penalty's by {' and '.join(gaps)}."
    effect = effect_of(
        "Lai over penalty, RMSE", frontier["primary"], at_most=frontier["primary"]["margin"]
    )
    return Assessment(by_case(cases), sentence, number, effect)


@claim("7", "the loss controls gradients accurately with few training data", "few_data")
def _few_data(few: Numbers) -> Assessment:
    cases, cells = {}, []
    for size in few["sizes"]:
        change = size["lai_over_penalty"]["change"]
        cases[f"{size['rows']:,} training samples"] = inside(change, high=0.0)
        cells.append(f"{size['rows']:,}: {with_interval(change)}")
    number = f"best RMSE of Lai over that of the gradient penalty: {'; '.join(cells)}; {about(few)}"
    # no margin of equivalence: with 1% MSE itself would be as good as the penalty
    changes = (size["lai_over_penalty"]["change"]["mean"] for size in few["sizes"])
    sentence = (
        f"Lai's best RMSE differs from the gradient penalty's by {from_to(changes, '+.1%')},"
        " depending on the number of training samples."
    )
    middle = few["sizes"][1]
    name = f"{middle['rows']} samples, Lai over penalty"
    effect = effect_of(name, middle["lai_over_penalty"]["change"], at_most=0.0)
    return Assessment(by_case(cases), sentence, number, effect)


@claim("7", "stable performance", "smoothness", "samplings")
def _stable(smoothness: Numbers, samplings: Numbers) -> Assessment:
    cases, cells = {}, []
    for each in samplings["tables"]:
        change = each["rows"][-1]["rmse_change"]
        cases[reading(each)] = inside(change, -at.NOTICED.value, at.NOTICED.value)
        cells.append(f"{reading(each)} {with_interval(change)}")
    number = f"RMSE to MSE with λ = 1e-3: {'; '.join(cells)}; {about(samplings)}"
    means = (each["rows"][-1]["rmse_change"]["mean"] for each in samplings["tables"])
    sentence = (
        f"With λ = 1e-3 the RMSE changes by {from_to(means, '+.1%')}, depending on input scaling"
        " and sampling."
    )
    return Assessment(by_case(cases), sentence, number)
