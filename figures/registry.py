"""All figures by name: the question each answers, and the module that computes and draws it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from matplotlib.figure import Figure

from figures.experiments.settings import Numbers, Settings


@dataclass(frozen=True)
class FigureSpec:
    """One figure: its question, and the module with `compute`, `plot` and perhaps `table`.

    `options` are further arguments of `compute`, where one module makes several figures. `needs`
    are the packages of the extra `backends` that `compute` imports. `takes_csv`: whether the figure
    works for any regression table. `seeds` is the default of `--seeds`.
    """

    question: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    takes_csv: bool = False
    seeds: int = 3

    def compute(self, settings: Settings) -> Numbers:
        """The numbers, ready for JSON."""
        numbers: Numbers = self._module.compute(settings, **self.options)
        return numbers

    def missing(self) -> list[str]:
        """Of the packages in `needs`, those that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    def plot(self, numbers: Numbers) -> Figure:
        """The picture of the numbers."""
        figure: Figure = self._module.plot(numbers)
        return figure

    def table(self, numbers: Numbers) -> str | None:
        """The numbers as text, where the figure has a table."""
        text: str | None = self._module.table(numbers) if hasattr(self._module, "table") else None
        return text

    @property
    def _module(self) -> ModuleType:
        return importlib.import_module(f"figures.{self.module}")


def _surface(question: str, case: str) -> FigureSpec:
    return FigureSpec(question, "surface", {"case": case})


FIGURES: dict[str, FigureSpec] = {
    "projection": FigureSpec("Into what does a line split the residual?", "projection"),
    "chebyshev": FigureSpec(
        "Why is max(a, b) the Chebyshev norm in the rotated frame?", "chebyshev"
    ),
    "tangent": FigureSpec("What are a and b on a curve?", "tangent"),
    "factor": FigureSpec("Which slope does the loss favour?", "factor"),
    "surface_mae_1": _surface("Is the minimum of Lai MAE at k = λ = 1?", "mae_1"),
    "surface_mae_2": _surface("Does the minimum follow λ up to 2?", "mae_2"),
    "surface_mae_05": _surface("Does the minimum follow λ down to 0.5?", "mae_05"),
    "surface_mae_small": _surface("What does a very small λ do to the intercept?", "mae_small"),
    "surface_mae_large": _surface(
        "Where does a very large λ stop moving the minimum?", "mae_large"
    ),
    "surface_mse_large": _surface(
        "Does squaring the loss remove the limit of a large λ?", "mse_large"
    ),
    "phase": FigureSpec("When is the minimum at the kink, and when at the data's slope?", "phase"),
    "smoothness": FigureSpec(
        "What does a smaller λ cost, and what does it smooth?", "smoothness", takes_csv=True
    ),
    "samplings": FigureSpec("What determines how strongly a λ regularises?", "samplings"),
    "sensitivity": FigureSpec(
        "What does λ do to the effect of noise in each feature?", "sensitivity", takes_csv=True
    ),
    "protocols": FigureSpec("Which protocol comes closest to the paper's tables?", "protocols"),
    "strength": FigureSpec(
        "Do α and λ act as one regularisation strength?", "strength", takes_csv=True
    ),
    "trap": FigureSpec("How many runs end with a slope of the wrong sign?", "trap"),
    "frontier": FigureSpec(
        "Is Lai better than penalising ‖k‖² directly?", "frontier", takes_csv=True
    ),
    "one_feature": FigureSpec(
        "Is a small λ₈ better than penalising k₈² for one feature?", "one_feature"
    ),
    "few_data": FigureSpec("Does the Lai loss help where training data are few?", "few_data"),
    "compare": FigureSpec(
        "Does a method help on a table of your own?", "compare", takes_csv=True, seeds=10
    ),
    "readings": FigureSpec("What do the choices change that the paper leaves open?", "readings"),
    "cost": FigureSpec("What does a Lai step cost?", "cost"),
    "backends": FigureSpec(
        "Which of NumPy, PyTorch and JAX is fastest for what?", "backends", needs=("torch", "jax")
    ),
    "claims": FigureSpec("Which of the paper's claims hold?", "claims"),
}
