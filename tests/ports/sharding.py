"""Batches in shards, some of them unequal or empty, and checks of a program's results for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lai_ref import MLP, Lai, Plain, oracle, value_and_grad

SIZES = (3, 4, 1)
LOSSES: dict[str, dict[str, Any]] = {
    "plain": {"name": "plain", "order": 2},
    "batch": {"name": "lai", "lam": 0.1, "order": 2},
    "list": {"name": "lai", "lam": np.array([0.1, 0.5, 3.0]), "order": 1, "l1_ratio": 0.25},
    "sample": {"name": "lai", "lam": 0.1, "order": 2, "reduction": "sample"},
}
CUTS = {"unequal": [1, 3], "second empty": [4, 4], "first empty": [0, 1], "two empty": [7, 7]}


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Arguments of `sharded_gradient` with three shards, by name."""
    rng = np.random.default_rng(0)
    net = MLP(SIZES, "tanh")
    for loss, cut in ((loss, cut) for loss in LOSSES for cut in CUTS):
        yield (
            f"{loss}, {cut}",
            {
                "sizes": list(SIZES),
                "activation": "tanh",
                "theta": net.init(rng) + 0.1,
                "x": rng.uniform(-2, 2, (7, 3)),
                "t": rng.uniform(-2, 2, 7),
                "loss": LOSSES[loss],
                "shards": np.split(np.arange(7), CUTS[cut]),
            },
        )


def answers(sharded_gradient: Callable[..., Any]) -> dict[str, list[Any]]:
    """The value and the gradient for every question."""
    return {
        name: [float(value), np.asarray(gradient).tolist()]
        for name, question in questions()
        for value, gradient in [sharded_gradient(**question)]
    }


def reports(backend: oracle.Backend) -> dict[str, str]:
    """The oracle's report on the group `sharded`, by dtype."""
    dtypes = ("float64", "float32")
    return {dtype: str(oracle.check(backend, dtype, groups=["sharded"])) for dtype in dtypes}


def write(path: str, content: dict[str, Any]) -> None:
    Path(path).write_text(json.dumps(content), encoding="utf-8")


def check_report(report: str) -> None:
    n = len(oracle.cases("sharded"))
    assert report.startswith(f"correct\n{n} of {n} cases passed in "), report


def check_answers(answers: dict[str, list[Any]]) -> None:
    """Assert that all answers equal those of `lai_ref` for the whole batch, up to rounding."""
    for name, question in questions():
        kind = dict(question["loss"])
        loss = Plain(kind["order"]) if kind.pop("name") == "plain" else Lai(**kind)
        net, batch = MLP(SIZES, "tanh"), (question["theta"], question["x"], question["t"])
        value, gradient = value_and_grad(net, *batch, loss)
        assert abs(answers[name][0] - value) <= 1e-14 * value, name
        error = np.abs(answers[name][1] - gradient).max()
        assert error <= 1e-14 * np.abs(gradient).max(), name
    assert len(answers) == len(LOSSES) * len(CUTS)
