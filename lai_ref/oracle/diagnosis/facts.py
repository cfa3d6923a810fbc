"""Facts about a case and about a number in it, in words: "p = 2", "λ > 1", "|k|^p < λ".

`conditions` selects from them the facts that describe where a port is wrong.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from lai_ref.oracle.arguments import inputs_of
from lai_ref.oracle.case import Case

Facts: TypeAlias = dict[str, bool]

CURVED = ("tanh", "softplus", "silu")  # activations with f'' ≠ 0


def facts_of_case(case: Case) -> Facts:
    """Facts about a whole case."""
    given = inputs_of(case)
    loss = given.get("loss", given)
    facts: Facts = {}
    if case.group in ("loss", "param_gradient", "sharded"):  # `train` has only three runs
        facts |= _of_loss(loss, case)
    if case.group == "factor":
        facts |= {"p = 1": loss["order"] == 1, "p = 2": loss["order"] == 2}
        facts |= {"λ < 1": loss["lam"] < 1, "λ > 1": loss["lam"] > 1, "λ = 1": loss["lam"] == 1}
        facts["λ ≠ 1"] = loss["lam"] != 1
    if case.group == "adam":
        facts |= {
            "t = 0": given["t"] == 0,
            "t > 0": given["t"] > 0,
            "β₁ = 0": given["beta1"] == 0,
            "β₂ = 0": given["beta2"] == 0,
            "the gradient is 0": not given["grad"].any(),
            "the gradient is about as small as ε": 0 < abs(given["grad"]).max() < 1e-6,
            "ε is large": given["eps"] > 1e-3,
        }
    if "sizes" in given:
        facts |= _of_network(given)
    if case.group == "train":
        facts |= _of_training(given)
    if case.group == "sharded":
        counts = [len(shard) for shard in given["shards"]]
        facts |= {
            "there is one shard": len(counts) == 1,
            "there are several shards": len(counts) > 1,
            "there are three shards or more": len(counts) > 2,
            "shards differ in length": len(set(counts)) > 1,
            "the samples are not in the order of x": _unordered(given["shards"]),
            "some samples are in no shard": sum(counts) < len(given["x"]),
        }
    facts["a number is at a kink"] = case.direction is not None
    facts["nothing is at a kink"] = case.direction is None
    return facts


def facts_of_number(case: Case, output: str, place: tuple[int, ...]) -> Facts:
    """Further facts, about one number of a case."""
    given = inputs_of(case)
    if case.group == "factor":
        return _of_slope(given["k"][place[0]], given["lam"], given["order"])
    facts: Facts = {}
    if case.group == "loss" and output in ("dy", "dk"):
        residual = given["y"][place[0]] - given["t"][place[0]]
        facts |= {"e < 0": residual < 0, "e > 0": residual > 0, "e = 0": residual == 0}
    if output in ("dy", "dk", "y", "k"):
        facts |= {
            "the sample is the first": place[0] == 0,
            "the sample is not the first": place[0] > 0,
        }
    if output in ("dk", "k"):
        last = (given["x"] if "x" in given else given["k"]).shape[1] - 1
        facts |= {
            "the feature is the first": place[1] == 0,
            "the feature is not the first": place[1] > 0,
            "the feature is the last": place[1] == last,
        }
    if output == "dk":
        lam = given["lam"]
        own = lam if isinstance(lam, float) else lam[place[1] if len(lam) > 1 else 0]
        facts |= _of_slope(given["k"][place], own, given["order"])
    if output in ("grad", "theta") and "sizes" in given:
        facts |= _of_parameter(given["sizes"], place[-1])
    if output == "theta" and case.group == "train":
        facts |= {
            "the step is the first of its run": place[0] == 0,
            "the step is not the first of its run": place[0] > 0,
        }
    return facts


def _of_slope(k: float, lam: float, order: int) -> Facts:
    power = abs(k) ** order
    return {
        "|k|^p > λ": power > lam,
        "|k|^p < λ": power < lam,
        "|k|^p = λ": power == lam,
        "k < 0": k < 0,
        "k > 0": k > 0,
        "k = 0": k == 0,
        "|k| > 1": abs(k) > 1,
        "|k| < 1": abs(k) < 1,
        "|k| and |k|^p are on different sides of λ": _side(abs(k), lam) != _side(power, lam),
        "|k|^p is within a factor of 2 of λ": 0.5 < power / lam < 2,
        "|k|^p is within 1 % of λ": 0 < abs(power / lam - 1) < 0.01,
    }


def _unordered(shards: list[Any]) -> bool:
    rows = [int(row) for shard in shards for row in shard]
    return rows != sorted(rows)


def is_run(case: Case) -> bool:
    """Whether it is a whole run of `train`, in which errors propagate, and no single step."""
    return case.group == "train" and len(case.inputs["batches"]) > 1


def _side(a: float, lam: float) -> int:
    return int(a > lam) - int(a < lam)


def _of_loss(loss: dict[str, Any], case: Case) -> Facts:
    lai = loss.get("name", "lai") == "lai"
    facts = {"p = 1": loss["order"] == 1, "p = 2": loss["order"] == 2}
    if "name" in loss:
        facts |= {"the loss is the Lai loss": lai, "the loss is plain": not lai}
    if case.group == "loss":
        y, t = case.inputs["y"], case.inputs["t"]
        zero = [a == b for a, b in zip(y, t, strict=True)] if len(y) == len(t) else [False]
        facts |= {
            "a residual is 0": any(zero),
            "all residuals are 0": all(zero),
            "N = 1": len(y) == 1,
            "N > 1": len(y) > 1,
            "D = 1": len(case.inputs["k"][0]) == 1,
            "D > 1": len(case.inputs["k"][0]) > 1,
        }
    if lai:
        lam, rho = loss["lam"], loss["l1_ratio"]
        several = not isinstance(lam, float)
        every = list(lam) if several else [lam]
        facts |= {
            "λ is a list": several,
            "λ is one number": not several,
            "λ < 1": max(every) < 1,
            "λ > 1": min(every) > 1,
            "some λ > 1": max(every) > 1,
            "ρ = 0": rho == 0,
            "ρ = 1": rho == 1,
            "ρ > 0": rho > 0,
            "ρ < 1": rho < 1,
            "0 < ρ < 1": 0 < rho < 1,
            "the reduction is batch": loss["reduction"] == "batch",
            "the reduction is sample": loss["reduction"] == "sample",
        }
    return facts


def _of_network(given: dict[str, Any]) -> Facts:
    depth = len(given["sizes"]) - 2
    activation = given["activation"] if depth else None
    names = ("identity", "relu", *CURVED)
    facts = {f"the activation is {name}": activation == name for name in names}
    return facts | {
        "f'' ≠ 0 (tanh, softplus, silu)": activation in CURVED,
        "f'' = 0 (no hidden layer, identity, relu)": activation not in CURVED,
        "there is no hidden layer": depth == 0,
        "there is a hidden layer": depth > 0,
        "there are two hidden layers or more": depth > 1,
        "N = 1": len(given["x"]) == 1,
        "N > 1": len(given["x"]) > 1,
        "D = 1": given["sizes"][0] == 1,
        "D > 1": given["sizes"][0] > 1,
        "a hidden weight matrix is square": any(
            a == b for a, b in zip(given["sizes"][:-2], given["sizes"][1:-1], strict=True)
        ),
    }


def _of_training(given: dict[str, Any]) -> Facts:
    lai = [len(lai_rows) for _, lai_rows in given["batches"]]
    plain = [len(rows) - n for (rows, _), n in zip(given["batches"], lai, strict=True)]
    single = len(lai) == 1
    return {
        "the case is a whole run": not single,
        "the case is one step from a given state": single,
        "the batch has only the plain loss": single and not any(lai),
        "the batch has only the Lai loss": single and not any(plain),
        "the batch has both losses": single and any(lai) and any(plain),
        "the batch has the Lai loss": single and any(lai),
        "the batch has the plain loss": single and any(plain),
        "steps were taken before": given["step"] > 0,
        "p of the plain loss is not that of the Lai loss": given["plain"] != given["loss"]["order"],
        "λ is a list": not isinstance(given["loss"]["lam"], float),
        "the reduction is sample": given["loss"]["reduction"] == "sample",
    }


def _of_parameter(sizes: list[int], index: int) -> Facts:
    """Facts about the layer and the kind (weight or bias) of a parameter θ_p."""
    layers, start = len(sizes) - 1, 0
    for i in range(layers):
        weights = sizes[i] * sizes[i + 1]
        end = start + weights + sizes[i + 1]
        if index < end:
            is_weight, last = index < start + weights, i == layers - 1
            return {
                "θ_p is a weight": is_weight,
                "θ_p is a bias": not is_weight,
                "θ_p is in the last layer": last,
                "θ_p is in a hidden layer": not last,
                "θ_p is in the first layer": i == 0,
                "θ_p is a weight of a hidden layer": is_weight and not last,
                "θ_p is a weight of the last layer": is_weight and last,
                "θ_p is a bias of a hidden layer": not is_weight and not last,
                "θ_p is the last bias": not is_weight and last,
            }
        start = end
    raise ValueError(f"index: expected one of θ's numbers, below {start}, got {index}")
