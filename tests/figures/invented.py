"""Made-up numbers of every figure that claims are assessed by: only the entries that they read."""

from __future__ import annotations

import math
from typing import Any

from figures.experiments.line_data import kink_at
from figures.experiments.protocol import PROTOCOL
from figures.experiments.step_times import ALPHAS

Numbers = dict[str, Any]
SEEDS = list(range(10))
FEATURES = 8


def change(mean: float, half: float = 0.002) -> Numbers:
    """A relative change with an interval about it."""
    return {"mean": mean, "low": mean - half, "high": mean + half}


def changes(means: list[float]) -> Numbers:
    """The same for several features at once."""
    each = [change(mean) for mean in means]
    return {name: [one[name] for one in each] for name in ("mean", "low", "high")}


def figures() -> dict[str, Numbers]:
    """New numbers by figure, as the files of results would have them."""
    found = {
        "chebyshev": {"largest_difference": 1e-16, "compared": 1000},
        "factor": _factor(),
        "phase": _phase(),
        "trap": _trap(),
        "readings": _readings(),
        "strength": _strength(),
        "cost": _cost(),
        "one_feature": _one_feature(),
        "smoothness": _smoothness(),
        "samplings": _samplings(),
        "protocols": _protocols(),
        "few_data": _few_data(),
        "sensitivity": _sensitivity(),
        "frontier": _frontier(),
    }
    for name, lam in (("1", 1.0), ("2", 2.0), ("05", 0.5)):
        found[f"surface_mae_{name}"] = _surface(lam, (2.97, lam), (None, 1.2))
    small = found["surface_mae_small"] = _surface(0.01, (2.9, 0.01), (None, None))
    for row in small["noises"]:
        row["also"] = [{"lam": 1.0, "intercept_width": 0.84}]
    for name, k in (("mae", (3.1, 8.2)), ("mse", (3.05, 8.6))):
        large = found[f"surface_{name}_large"] = _surface(100.0, k, (None, None))
        for row, slope in zip(large["noises"], k, strict=True):
            row["also"] = [{"lam": lam, "minimum": {"k": slope}} for lam in (1e3, 1e4)]
    about = {"seeds": SEEDS, "source": "made up", "protocol": PROTOCOL}
    return {name: {"figure": name, **about, **numbers} for name, numbers in found.items()}


def _factor() -> Numbers:
    both = [(lam, order) for lam in (0.01, 0.1, 1.0) for order in (1, 2)]
    return {
        "minima": [
            {"lam": lam, "order": p, "found": kink_at(lam, p), "depth": 0.2} for lam, p in both
        ],
        "normalising": [
            {
                "lam": lam,
                "order": p,
                "with": {"factor": 1.0, "largest": 10.0},
                "without": {"factor": lam / 10, "largest": 0.5},
            }
            for lam, p in both[:4]
        ],
    }


def _phase() -> Numbers:
    return {
        "kinks": [0.5, 1.0],
        "noises": [0.5, 4.0],
        "maps": [{"order": p, "slopes": [[3.0, 3.0], [0.5, 1.0]]} for p in (1, 2)],
        "basins": [
            {"noise": noise, "order": p, "rise": rise * p**2}
            for noise, rise in ((0.5, 5.0), (4.0, 0.3))
            for p in (1, 2)
        ],
    }


def _surface(
    lam: float, k: tuple[float, float], symmetry: tuple[float | None, float | None]
) -> Numbers:
    return {
        "lam": lam,
        "border": 2.0,
        "noises": [
            {
                "noise": noise,
                "minimum": {"k": k[i], "c": 4.05},
                "plain": {"k": 2.98, "c": 4.0},
                "symmetry": symmetry[i],
                "intercept_width": 0.9,
                "excess": (0.01, 0.3)[i],
                "also": [],
            }
            for i, noise in enumerate((0.5, 4.0))
        ],
    }


def _trap() -> Numbers:
    def row(noise: float, method: str, lam: float, alpha: float, trapped: int) -> Numbers:
        about = {"task": "curve", "noise": noise, "method": method, "lam": lam, "alpha": alpha}
        low, high = max(0.0, trapped / 100 - 0.04), trapped / 100 + 0.04
        about |= {"runs": 100, "trapped": trapped, "flat": 0, "interval": [low, high]}
        return about | {"expected": None}

    rows = [row(0.5, "Lai alone", 1.0, 1.0, 0)]
    for lam in (1.0, 0.1):
        rows.append(row(2.5, "Lai alone", lam, 1.0, 40))
        rows.append(row(2.5, "Lai Training", lam, 0.01, 0))
        rows.append(row(2.5, "Lai for α, no pretraining", lam, 0.01, 0))
        rows.append(row(2.5, "Lai Training", lam, 1.0, 10))
        rows.append(row(2.5, "Lai for α, no pretraining", lam, 1.0, 40))
    intercept = [
        {"lam": lam, "lr": lr, "steps": steps, "errors": [0.0, 2.0 if lam == 0.01 else 0.003]}
        for lam in (1.0, 0.01)
        for lr, steps in ((0.05, 600), (0.01, 3000))
    ]
    return {"rows": rows, "intercept": intercept}


def _readings() -> Numbers:
    names = {
        "reference": "L2",
        "elastic": "elastic",
        "l1": "L1",
        "l2 sample": "L2 sample",
        "elastic sample": "elastic sample",
        "weak": "1% of the points",
        "weak all": "all points",
    }
    rows = [
        {
            "key": key,
            "name": name,
            "changes": {"rmse": change(0.05), "mean_grad_norm": change(-0.4)},
            "mean_abs_k_change": [change(0.2 if key == "weak all" else 0.0)] * FEATURES,
        }
        for key, name in names.items()
    ]
    comparisons = [
        {"key": key, "changes": {"rmse": change(0.03)}}
        for key in ("fixed", "fixed few", "undivided all")
    ]
    return {"rows": rows, "comparisons": comparisons}


def _strength() -> Numbers:
    return {
        "monotone_pairs": {"variance": {"alpha": [58, 60], "lam": [59, 60]}},
        "rmse_gap": {"variance": [{"change": change(0.01)}]},
    }


def _cost() -> Numbers:
    def ratios(few: float) -> list[Numbers]:
        return [{"median": 2.0 if alpha == 1 else few} for alpha in ALPHAS]

    return {
        "epochs": [
            {
                "batch_size": batch,
                "ratios": {"points": ratios(few), "batches": ratios(1.05)},
            }
            for batch, few in ((64, 1.6), (1024, 1.05))
        ]
    }


def _one_feature() -> Numbers:
    others = [
        {"method": "Lai", "value": lam, "X8_std": {"rise": rise}, "X8_value": {"rise": rise}}
        for lam, rise in ((0.03, 0), (0.001, 3))
    ]
    endpoints = [
        {"measure": measure, "verdict": verdict, **change(mean)}
        for measure, verdict, mean in (("X8_std", "worse", 0.02), ("X8_value", "better", -0.02))
    ]
    return {"others": others, "endpoints": endpoints}


def table(rmse: tuple[float, float, float] = (0.0, 0.005, 0.036)) -> list[Numbers]:
    """Table 1: levels of MSE and changes by λ."""
    variance, norm = (-0.006, -0.02, -0.145), (-0.03, -0.2, -0.6)
    control = {
        "lam": None,
        "rmse": {"mean": 0.70, "sd": 0.01},
        "variance": {"mean": 0.85, "sd": 0.01},
    }
    rows = [
        {
            "lam": lam,
            "rmse_change": change(rmse[i]),
            "variance_change": change(variance[i]),
            "mean_grad_norm_change": change(norm[i]),
        }
        for i, lam in enumerate((0.1, 0.01, 0.001))
    ]
    return [control, *rows]


def _smoothness() -> Numbers:
    return {"table": table()}


def _samplings() -> Numbers:
    shrunk = {"rmse_change": change(0.03), "mean_grad_norm_change": change(-0.08)}
    return {
        "tables": [
            {
                "scaling": scaling,
                "sampling": sampling,
                "rows": table(rmse),
                "shrinkage": [{"lam": lam, **shrunk} for lam in (0.1, 0.01, 0.001)],
            }
            for scaling, sampling, rmse in (
                ("max-abs", "separate", (0.0, 0.01, 0.03)),
                ("standard", "points", (0.02, 0.07, 0.5)),
            )
        ]
    }


def _protocols() -> Numbers:
    return {
        "stage_2": [{"variance": [0.8, 0.79, 0.75, 0.7]}, {"excluded": "diverged"}],
        "winners": [{"deviation_factor": 1.5}, {"deviation_factor": 1.8}],
    }


def rmse_of(mean: float, half: float = 0.002) -> list[float]:
    """RMSE of ten seeds whose paired change to 1 has about this interval."""
    step = 3 * half / 2.262  # t(9) sd / √10, where sd is √(10/9) times the step
    return [(1 + mean) * math.exp(sign * step) for sign in (-1, 1) * 5]


def _few_data() -> Numbers:
    return {
        "sizes": [
            {
                "rows": rows,
                "mse": {"rmse": [1.0] * 10},
                "methods": {
                    "Lai": {
                        "rmse": rmse_of(lai),
                        "change": change(lai),
                        "mean_grad_norm_change": change(-0.3),
                    },
                    "early stopping": {"rmse": rmse_of(-0.05)},
                },
                "lai_over_penalty": {"change": change(over)},
            }
            for rows, lai, over in ((250, -0.03, -0.01), (4000, 0.01, 0.01))
        ]
    }


def _sensitivity() -> Numbers:
    def setting(scaling: str, activation: str, x8: float) -> Numbers:
        lam = {"changes": [changes([-0.01] * 6 + [0.01] * 2 + [0.0])] * 2}
        lam_8 = {"changes": [changes([-0.1] * 6 + [-0.3, -0.6, 0.02])] * 2}
        return {
            "scaling": scaling,
            "sampling": "separate",
            "activation": activation,
            "mse": [[0.5] * 7 + [x8, 0.7], [0.5] * 7 + [x8 / 2, 0.7]],
            "deviation_factor": [1.5, 3.0],
            "nearest": 0,
            "tables": [lam, lam_8],
        }

    settings = [setting("max-abs", "tanh", 1.0), setting("standard", "relu", 4.0)]
    return {"noises": [["std", 0.1], ["value", 0.5]], "settings": settings}


def _frontier() -> Numbers:
    def endpoint(measure: str, verdict: str, mean: float) -> Numbers:
        about = {"baseline": "gradient penalty, same samples", "measure": measure}
        return about | {"verdict": verdict, "margin": 0.01, **change(mean)}

    return {
        "primary": endpoint("mean_grad_norm", "worse", 0.03),
        "secondary": [
            endpoint("variance", "equivalent", 0.0),
            endpoint("sensitivity", "worse", 0.02),
        ],
        "best": [{"method": "Lai", "rmse_change": change(0.003)}],
    }
