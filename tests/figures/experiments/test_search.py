from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from figures.experiments import paper, search
from figures.experiments.inputs import Job
from figures.experiments.protocol import PROTOCOL
from figures.experiments.search_runs import pretrain_if_finite
from figures.experiments.settings import Settings


def test_stage_1_has_distinct_protocols_from_all_choices() -> None:
    protocols = search.stage_1_protocols()
    assert len(protocols) >= search.STAGE_1 >= 300
    assert len({str(sorted(p.items())) for p in protocols}) == len(protocols)
    for name, choices in search.CHOICES.items():
        assert [c for c in choices if c not in [p[name] for p in protocols]] == []
        assert [p[name] for p in protocols if p[name] not in choices] == []
    assert protocols[: len(search.EARLIER)] == search.EARLIER
    assert protocols == search.stage_1_protocols()  # the same in each run


def test_stage_2_has_the_survivors_and_distinct_readings_of_them() -> None:
    nearest = search.stage_1_protocols()[::-1]
    protocols = search.stage_2_protocols(nearest)
    assert len(protocols) == search.SURVIVORS + search.STAGE_2 >= 150
    assert len({str(sorted(p.items())) for p in protocols}) == len(protocols)
    usual = protocols[: search.SURVIVORS]
    assert usual == [{**p, **search.USUAL} for p in nearest[: search.SURVIVORS]]
    for name, choices in search.READINGS.items():
        assert {p[name] for p in protocols} == set(choices)
    bases = [{n: p[n] for n in search.CHOICES} for p in protocols]
    assert all(base in nearest[: search.SURVIVORS] for base in bases)


def test_the_usual_reading_is_that_of_the_default_protocol() -> None:
    assert {name: PROTOCOL[name] for name in search.USUAL} == search.USUAL


def test_distances_are_root_mean_squares_in_units_of_the_tolerances() -> None:
    rmse, variance = (np.array(paper.TABLE_1[name]) for name in ("rmse", "variance"))
    same = search.levels_and_changes(list(rmse), list(variance))
    assert same == pytest.approx({"level_distance": 0, "change_distance": 0})
    # one tolerance off in the levels: the changes stay
    off = search.levels_and_changes(list(rmse * math.exp(0.03)), list(variance * math.exp(-0.07)))
    assert off["level_distance"] == pytest.approx(1)
    assert off["change_distance"] == pytest.approx(0, abs=1e-9)
    # two tolerances in one of six changes
    variance[3] *= math.exp(2 * 0.04)
    off = search.levels_and_changes(list(rmse), list(variance))
    assert off["level_distance"] == pytest.approx(0, abs=1e-9)
    assert off["change_distance"] == pytest.approx(2 / math.sqrt(6))
    assert "change_distance" not in search.levels_and_changes([0.7], [0.8])
    assert search.distance(off) == pytest.approx(2 / math.sqrt(6))


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[list[Job]]:
    """Invented results in place of training: relu diverges, silu learns nothing."""
    asked: list[list[Job]] = []

    def run_jobs(work: Any, jobs: list[Job], *rest: Any) -> list[dict[str, Any]]:
        asked.append(jobs)
        if work is pretrain_if_finite:
            return [{"state": "state.npz"} for _ in jobs]
        found: list[dict[str, Any]] = []
        for job in jobs:
            column = paper.LAMS.index(job["lam"])
            level = 1 + job["lr"] + job["batch_size"] / 1e5
            result = {name: row[column] * level for name, row in paper.TABLE_1.items()}
            result |= {"constant": 1.1, "mean_grad_norm": 1.0}
            if job["activation"] == "silu":
                result["rmse"] = 1.1
            found.append({"diverged": 3} if job["activation"] == "relu" else result)
        return found

    monkeypatch.setattr(search, "run_jobs", run_jobs)
    return asked


def test_the_search_excludes_what_learns_nothing_and_sorts_the_rest(
    results: list[list[Job]], tmp_path: Path
) -> None:
    said: list[str] = []
    found = search.search(Settings(tmp_path), said.append)
    n = len(search.stage_1_protocols())
    assert len(said) == 1 and "minutes" in said[0]
    assert [len(jobs) for jobs in results] == [n, n, 154 * 4, 154 * 4]
    for stage in ("stage_1", "stage_2"):
        why = {row["protocol"]["activation"]: row.get("excluded") for row in found[stage]}
        usable = [row for row in found[stage] if "excluded" not in row]
        assert why["tanh"] is None
        distances = [search.distance(row | {"change_distance": 0}) for row in usable]
        assert distances == sorted(distances)
        assert found[stage][: len(usable)] == usable
    assert why == {"tanh": None}  # no other survives stage 1
    reasons = {row["protocol"]["activation"]: row.get("excluded") for row in found["stage_1"]}
    assert reasons == {"tanh": None, "relu": "diverged", "silu": "no better than a constant"}
    assert {job["seed"] for jobs in results for job in jobs} == {search.SEED}
    sizes = [[8, *protocol["hidden"], 1] for protocol in search.stage_1_protocols()]
    assert [job["sizes"] for job in results[0]] == sizes
