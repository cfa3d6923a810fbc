from __future__ import annotations

import itertools
import time
from functools import partial
from typing import Any

import numpy as np
import pytest

from figures.experiments.timing import quartiles, random_task, round_robin


def test_runs_take_turns_and_the_first_round_does_not_count() -> None:
    log: list[str] = []
    now = itertools.count()

    def work(name: str, ticks: int) -> Any:
        def run() -> None:
            log.append(name)
            for _ in range(ticks if len(log) > 3 else 100):
                next(now)

        return run

    turns = {"a": work("A", 0), "b": work("B", 4), "c": work("C", 9)}
    times = round_robin(turns, 3, lambda: next(now))
    assert "".join(log) == "ABC" * 4
    assert {key: each.tolist() for key, each in times.items()} == {
        "a": [1] * 3,
        "b": [5] * 3,
        "c": [10] * 3,
    }


def test_quartiles() -> None:
    spread = quartiles(np.array([5.0, 1.0, 2.0, 4.0, 3.0]))
    assert spread == {"median": 3, "low": 2, "high": 4}


def test_rounds_fill_the_time_that_is_given() -> None:
    took = round_robin({"a": partial(time.sleep, 0.01)}, 2, time.perf_counter, seconds=0.1)["a"]
    assert 3 <= len(took) <= 10 and took.min() >= 0.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_random_task_has_its_shapes_and_dtype(dtype: str) -> None:
    net, *arrays = random_task([3, 5, 1], "relu", 7, dtype)
    assert (net.sizes, net.activation) == ((3, 5, 1), "relu")
    assert [array.shape for array in arrays] == [(26,), (7, 3), (7,)]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
