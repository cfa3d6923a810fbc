from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.experiments.equal_smoothness import pareto_rmse


def test_the_least_rmse_is_on_the_line_between_the_runs_that_none_beats() -> None:
    runs = [(1.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.9, 1.7)]
    assert pareto_rmse(runs, 0.5) == 2
    assert pareto_rmse(runs, 0.7) == pytest.approx(1.85)  # the run at 0.75 is beaten
    assert pareto_rmse(runs, 0.95) == pytest.approx(1.35)
    assert pareto_rmse(runs, 7.0) == 1
    assert pareto_rmse(runs, 0.49) is None


numbers_of_runs = st.lists(st.tuples(st.floats(0.1, 2), st.floats(0.1, 2)), min_size=1, max_size=6)


@given(runs=numbers_of_runs, smoothness=st.floats(0.1, 2))
def test_the_least_rmse_is_reached_by_runs(
    runs: list[tuple[float, float]], smoothness: float
) -> None:
    least = pareto_rmse(runs, smoothness)
    at_once = [rmse for x, rmse in runs if x <= smoothness]
    if least is None:
        assert not at_once
    else:
        assert min(rmse for _, rmse in runs) * (1 - 1e-12) <= least <= min(at_once) * (1 + 1e-12)
