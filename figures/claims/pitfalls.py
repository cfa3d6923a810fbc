"""The claims about Lai Training and its costs (paper §3 to §5): trap, α, λ, norms, time."""

from __future__ import annotations

from figures.claims import thresholds as at
from figures.claims.verdict import Assessment, about, both, by_case, claim, effect_of, inside
from figures.experiments.intervals import wilson
from figures.experiments.settings import Numbers
from figures.experiments.step_times import ALPHAS
from figures.plotting.words import from_to, with_interval

ALONE, WITH, WITHOUT = "Lai alone", "Lai Training", "Lai for α, no pretraining"
SMALL = 0.01  # α of §6.1


@claim("4", "optimised alone, the Lai loss is trapped at the wrong sign", "trap")
def _trap(trap: Numbers) -> Assessment:
    rows = [row for row in trap["rows"] if row["method"] == ALONE]
    cases = {_case(row): _often(row) for row in rows}
    number = f"runs that end with the wrong sign, of {rows[0]['runs']}: {_counts(rows)}"
    fractions = from_to((_trapped(row) / row["runs"] for row in rows), ".0%")
    sentence = (
        f"Trained with the Lai loss alone, {fractions} of the runs per task are trapped at a slope"
        " of the wrong sign."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("5", "Lai Training cures the trap", "trap")
def _cure(trap: Numbers) -> Assessment:
    alone = {_key(row): row for row in trap["rows"] if row["method"] == ALONE}
    rows = [r for r in trap["rows"] if r["method"] == WITH and r["alpha"] == SMALL]
    # where runs with the Lai loss alone end with the wrong sign, flat or not
    wrong = [row for row in rows if alone[_key(row)]["interval"][0] > at.RARE.value]
    cases = {_case(row): _not(_often(row)) for row in wrong}
    number = (
        f"α = {SMALL:g}, runs that end with the wrong sign, of {rows[0]['runs']}: {_counts(rows)}"
    )
    worst = max(rows, key=lambda row: row["trapped"] / row["runs"])
    without = max(row["trapped"] / row["runs"] for row in alone.values())
    sentence = (
        f"Per task, up to {without:.0%} of the runs end with the wrong sign with Lai alone, up to"
        f" {worst['trapped'] / worst['runs']:.0%} with Lai Training (λ = {worst['lam']:g})."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("5", "pretraining is needed against the trap", "trap")
def _pretraining(trap: Numbers) -> Assessment:
    by = {(r["method"], r["lam"], r["alpha"]): r for r in trap["rows"] if r["task"] == "curve"}
    cases: dict[str, bool | None] = {}
    cells = []
    for method, lam, alpha in by:
        if method != WITHOUT or (WITH, lam, alpha) not in by:
            continue
        with_it, without = by[WITH, lam, alpha], by[WITHOUT, lam, alpha]
        worse = without["interval"][0] > with_it["interval"][1]
        better = without["interval"][1] < with_it["interval"][0]
        cases[f"λ = {lam:g}, α = {alpha:g}"] = True if worse else False if better else None
        cells.append(f"λ = {lam:g}, α = {alpha:g}: {without['trapped']} ({with_it['trapped']})")
    number = (
        "curve, trapped of 100 without (with) pretraining, equal epochs in all: "
        f"{'; '.join(cells)}; 0 of 100 is compatible with up to {wilson(0, 100)[1]:.1%};"
        " significant: the two intervals do not overlap"
    )
    fewer, more = (sum(case is found for case in cases.values()) for found in (True, False))
    sentence = (
        "Pretraining significantly lowers the fraction of runs with the wrong sign in"
        f" {fewer} of {len(cases)} settings of λ and α, and raises it in {more}."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("5", "redrawing the points keeps the network from memorising single gradients", "readings")
def _redrawn(readings: Numbers) -> Assessment:
    found = {c["key"]: c["changes"] for c in readings["comparisons"]}
    cases = {
        "all samples": inside(found["fixed"]["rmse"], low=at.EQUAL.value),
        "2,000 samples": inside(found["fixed few"]["rmse"], low=at.EQUAL.value),
    }
    number = (
        "RMSE with the same 1% in every epoch over that with redrawn 1%:"
        f" {with_interval(found['fixed']['rmse'])}, with 2,000 samples"
        f" {with_interval(found['fixed few']['rmse'])}; {about(readings)}"
    )
    sentence = (
        "Drawing the points once instead of anew changes the RMSE by"
        f" {found['fixed']['rmse']['mean']:+.1%} with all samples and"
        f" {found['fixed few']['rmse']['mean']:+.1%} with few."
    )
    return Assessment(
        by_case(cases),
        sentence,
        number,
        effect_of("fixed 1%, RMSE", found["fixed"]["rmse"], at_least=at.EQUAL.value),
    )


@claim("5", "α and λ control the strength", "strength")
def _strength(strength: Numbers) -> Assessment:
    pairs = strength["monotone_pairs"]["variance"]
    fractions = {name: count / of for name, (count, of) in pairs.items()}
    gaps = [gap["change"] for gap in strength["rmse_gap"]["variance"]]
    number = (
        f"the variance falls in {pairs['alpha'][0]} of {pairs['alpha'][1]} pairs where α grows and"
        f" in {pairs['lam'][0]} of {pairs['lam'][1]} where λ falls; at equal variance the RMSE of"
        f" two λ differs by {', '.join(with_interval(gap) for gap in gaps)}; {about(strength)}"
    )
    sentence = (
        f"The variance falls in {fractions['alpha']:.0%} of the pairs of runs where only α grows,"
        f" and in {fractions['lam']:.0%} where only λ falls."
    )
    cases = {f"changes of {n}": f > at.MONOTONE.value for n, f in fractions.items()}
    return Assessment(by_case(cases), sentence, number)


@claim("5", "applying the Lai loss to few data saves its cost", "cost")
def _cost(cost: Numbers) -> Assessment:
    cases, cells, savings = {}, [], []
    for epochs in cost["epochs"]:
        for sampling, row in epochs["ratios"].items():
            ratio = dict(zip(ALPHAS, (each["median"] for each in row), strict=True))
            saved = (ratio[1.0] - ratio[SMALL]) / (ratio[1.0] - 1)
            name = f"{sampling}, batch {epochs['batch_size']}"
            cases[name] = saved > at.SAVED.value
            savings.append(saved)
            cells.append(f"{name}: {ratio[SMALL]:.2f} (all: {ratio[1.0]:.2f})")
    number = f"an epoch with α = {SMALL:g} over a baseline epoch: {'; '.join(cells)}"
    sentence = (
        f"α = {SMALL:g} saves {from_to(savings, '.0%')} of the extra time per epoch that α = 1"
        " takes, depending on sampling and batch size."
    )
    return Assessment(by_case(cases), sentence, number)


@claim("3.2", "L1 Lai, L2 Lai and their mixture can be trained", "readings")
def _norms(readings: Numbers) -> Assessment:
    keys = ("reference", "elastic", "l1", "l2 sample", "elastic sample")
    rows = [row for row in readings["rows"] if row["key"] in keys]
    smooths = {
        row["name"]: both(
            inside(row["changes"]["mean_grad_norm"], high=0.0),
            inside(row["changes"]["rmse"], high=at.BEARABLE.value),
        )
        for row in rows
    }
    number = "change of the mean gradient norm (RMSE) to MSE: " + "; ".join(
        f"{row['name']}: {with_interval(row['changes']['mean_grad_norm'], '+.0%')}"
        f" ({with_interval(row['changes']['rmse'])})"
        for row in rows
    )
    changes = [row["changes"] for row in rows]
    falls = [inside(change["mean_grad_norm"], high=0.0) is True for change in changes]
    sentence = (
        f"The mean gradient norm falls significantly with {sum(falls)} of {len(rows)} norms; the"
        f" RMSE changes by up to {max(change['rmse']['mean'] for change in changes):+.1%}."
    )
    return Assessment(by_case(smooths), sentence, f"{number}; {about(readings)}")


@claim("3.3", "a λ per feature can spare the other features", "one_feature")
def _spares(one: Numbers) -> Assessment:
    rows = [row for row in one["others"] if row["method"] == "Lai"]
    cells, cases, counts = [], {}, {}
    for row in rows:
        kind = next(iter(k for k in row if k not in ("method", "value")))
        rises = row[kind]["rise"]
        cases[f"λ₈ = {row['value']:g}"] = rises == 0
        counts[row["value"]] = rises
        cells.append(f"λ₈ = {row['value']:g}: {rises}")
    number = (
        "of the other seven features, those whose sensitivity rises by over 5%: "
        f"{', '.join(cells)}; {about(one)}"
    )
    sentence = (
        f"The sensitivity to noise rises notably in {counts[max(counts)]} other features for"
        f" λ₈ = {max(counts):g}, in {counts[min(counts)]} for λ₈ = {min(counts):g}."
    )
    return Assessment(by_case(cases), sentence, number)


def _key(row: Numbers) -> tuple[str, float, float]:
    return row["task"], row["noise"], row["lam"]


def _case(row: Numbers) -> str:
    return f"{row['task']} ±{row['noise']:g}, λ = {row['lam']:g}"


def _counts(rows: list[Numbers]) -> str:
    return "; ".join(f"{_case(row)}: {row['trapped']} ({row['flat']} flat)" for row in rows)


def _often(row: Numbers) -> bool | None:
    """Whether clearly more runs than chance may leave are trapped; None if that is undecided."""
    low, high = wilson(_trapped(row), row["runs"])
    return True if low > at.RARE.value else False if high < at.RARE.value else None


def _trapped(row: Numbers) -> int:
    """The trapped runs: without flat fits of the wrong sign, unless the loss has a barrier."""
    trapped, flat = int(row["trapped"]), int(row["flat"])
    return trapped if row["expected"] else trapped - flat  # a barrier is expected on a line only


def _not(case: bool | None) -> bool | None:
    return None if case is None else not case
