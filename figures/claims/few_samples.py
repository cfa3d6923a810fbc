"""Whether the Lai loss helps where training data are few: the cases of claims by `few_data`.

With many training-set sizes, a loss may help at one of them by chance. So the first comparison is
the mean change over all sizes; it is below 0 only if the change at some size is. The intervals of
the single sizes then hold jointly with 95%.
"""

from __future__ import annotations

from figures.claims.verdict import both, inside
from figures.experiments.intervals import joint_interval, mean_paired_change
from figures.experiments.settings import Numbers

ON_AVERAGE = "small training sets on average"
LAI, STOPPING = "Lai", "early stopping"


def mean_change(few: Numbers, method: str = LAI) -> Numbers:
    """The change of the RMSE to MSE, the mean over the numbers of training samples."""
    pairs = [(size["methods"][method]["rmse"], size["mse"]["rmse"]) for size in few["sizes"]]
    a, b = zip(*pairs, strict=True)
    return mean_paired_change(a, b)


def rmse_cases(few: Numbers) -> dict[str, bool | None]:
    """Whether the RMSE falls, on average and for each number of training samples."""
    cases = {ON_AVERAGE: inside(mean_change(few), high=0.0)}
    return cases | {name: _falls(few, size["change"]) for name, size in _lai(few).items()}


def smoother_cases(few: Numbers) -> dict[str, bool | None]:
    """The same, if the mean gradient norm falls as well: on average, if it does for each number."""
    norms = {name: size["mean_grad_norm_change"] for name, size in _lai(few).items()}
    cases = rmse_cases(few)
    every = both(*(inside(norm, high=0.0) for norm in norms.values()))
    return {ON_AVERAGE: both(cases[ON_AVERAGE], every)} | {
        name: both(cases[name], _falls(few, norm)) for name, norm in norms.items()
    }


def norms_that_fall(few: Numbers) -> str:
    """For how many numbers of training samples the mean gradient norm falls significantly."""
    norms = [size["mean_grad_norm_change"] for size in _lai(few).values()]
    return f"{sum(inside(norm, high=0.0) is True for norm in norms)} of {len(norms)}"


def _lai(few: Numbers) -> dict[str, Numbers]:
    return {f"{size['rows']:,} training samples": size["methods"][LAI] for size in few["sizes"]}


def _falls(few: Numbers, change: Numbers) -> bool | None:
    return inside(joint_interval(change, len(few["seeds"]), len(few["sizes"])), high=0.0)
