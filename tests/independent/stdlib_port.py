"""A port of the factor, the loss and Adam in plain Python, as `oracle run --cmd` starts it.

It uses only what the oracle's page states: questions come as JSON on standard input, answers go as
JSON to standard output.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any


def factor(k: float, lam: float, order: int) -> tuple[float, float]:
    if order not in (1, 2):
        raise ValueError(f"order {order}")
    if not (0 < lam < math.inf and math.isfinite(k)):
        raise ValueError(f"lam {lam}, k {k}")
    low, high, abs_k = min(lam, 1.0), max(lam, 1.0), abs(k)
    cos, sin = 1 / math.hypot(1.0, k), abs_k / math.hypot(1.0, k)
    if order == 1:
        value = max(sin / low, high * cos)
        above, below = cos**3 / low, -high * sin * cos**2
    else:
        value = max(sin * (sin / low), high * cos * cos)
        above, below = 2 * sin * cos**3 / low, -2 * high * sin * cos**3
    excess = abs_k**order - lam
    dF = above if excess > 0 else below if excess < 0 else (above + below) / 2
    return value, math.copysign(dF, k * dF) if dF else 0.0


def norm(c: list[float], rho: float) -> tuple[float, list[float]]:
    l2 = math.hypot(*c)
    s = [(1 - rho) * (x / l2 if l2 else 0.0) + rho for x in c]
    return (1 - rho) * l2 + rho * math.fsum(c), s


def loss(q: dict[str, Any]) -> dict[str, Any]:
    y, t, k = numbers(q["y"]), numbers(q["t"]), numbers(q["k"])
    p, rho, n = q["order"], float(q["l1_ratio"]), len(y)
    if not n or len(t) != n or len(k) != n or not 0 <= rho <= 1:
        raise ValueError("lengths or l1_ratio")
    if q["reduction"] not in ("batch", "sample"):
        raise ValueError("reduction")
    d = len(k[0])
    lam = numbers(q["lam"])
    lam = lam if isinstance(lam, list) else [lam] * d
    if len(lam) != d:
        raise ValueError("lam")
    e = [a - b for a, b in zip(y, t, strict=True)]
    F = [[factor(k[i][j], lam[j], p) for j in range(d)] for i in range(n)]
    ell = [[abs(e[i]) ** p * F[i][j][0] for j in range(d)] for i in range(n)]
    if q["reduction"] == "batch":
        mean = [math.fsum(ell[i][j] for i in range(n)) / n for j in range(d)]
        value, s = norm(mean, rho)
        weights = [s] * n
    else:
        pairs = [norm(row, rho) for row in ell]
        value = math.fsum(v for v, _ in pairs) / n
        weights = [s for _, s in pairs]
    sign = [(x > 0) - (x < 0) for x in e]
    dy = [
        p
        * abs(e[i]) ** (p - 1)
        * sign[i]
        * math.fsum(weights[i][j] * F[i][j][0] for j in range(d))
        / n
        for i in range(n)
    ]
    dk = [[weights[i][j] * abs(e[i]) ** p * F[i][j][1] / n for j in range(d)] for i in range(n)]
    return {"value": value, "dy": dy, "dk": dk}


def adam(q: dict[str, Any]) -> dict[str, Any]:
    lr, b1, b2, eps = (float(q[name]) for name in ("lr", "beta1", "beta2", "eps"))
    step = q["t"] + 1
    theta, grad, m, v = (numbers(q[name]) for name in ("theta", "grad", "m", "v"))
    m = [b1 * a + (1 - b1) * g for a, g in zip(m, grad, strict=True)]
    v = [b2 * a + (1 - b2) * g * g for a, g in zip(v, grad, strict=True)]
    theta = [
        x - lr * (a / (1 - b1**step)) / (math.sqrt(c / (1 - b2**step)) + eps)
        for x, a, c in zip(theta, m, v, strict=True)
    ]
    return {"theta": theta, "m": m, "v": v}


def answer(case: dict[str, Any]) -> dict[str, Any]:
    q = case["inputs"]
    if case["group"] == "codec":
        return {"values": numbers(q["values"])}
    if case["group"] == "factor":
        pairs = [factor(float(k), float(q["lam"]), q["order"]) for k in q["k"]]
        return {"value": [v for v, _ in pairs], "slope": [s for _, s in pairs]}
    return loss(q) if case["group"] == "loss" else adam(q)


def numbers(value: Any) -> Any:
    return [numbers(item) for item in value] if isinstance(value, list) else float(value)


def texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: texts(part) for name, part in value.items()}
    return [texts(item) for item in value] if isinstance(value, list) else repr(value)


def main() -> None:
    question = json.load(sys.stdin)
    answers = {}
    for case in question["cases"]:
        if case["group"] in ("codec", "factor", "loss", "adam"):
            try:
                answers[case["id"]] = texts(answer(case))
            except ValueError as error:
                answers[case["id"]] = {"error": str(error)}
    lacking = ["input_gradient", "param_gradient", "train", "sharded"]
    json.dump({"schema": question["schema"], "dtype": question["dtype"],
               "not_implemented": lacking, "answers": answers}, sys.stdout)  # fmt: skip


if __name__ == "__main__":
    main()
