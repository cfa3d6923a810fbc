"""The paper's Tables 1 to 3 (§6), and the deviation of other numbers from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lai_ref import Array

LAMS = (None, 1e-1, 1e-2, 1e-3)  # the columns of Table 1; None: MSE
TABLE_1 = {"rmse": (0.6960, 0.6955, 0.6997, 0.7210), "variance": (0.7728, 0.7683, 0.7574, 0.6604)}
TABLE_1_CHANGE = {name: [value / row[0] - 1 for value in row] for name, row in TABLE_1.items()}
# A row of Tables 2 and 3: mean |Δy| for noise in X1 … X8, then the RMSE
MSE = (0.5749, 0.0992, 0.2109, 0.1665, 0.1084, 0.3845, 3.2284, 8.4200, 0.6960)


class SensitivityTable(NamedTuple):
    """A table of §6.2: the λ of its Lai loss and its row, to compare with that of MSE."""

    title: str
    lam: float | list[float]
    row: tuple[float, ...]

    @property
    def change(self) -> Array:
        """Relative to MSE, (9,)."""
        change: Array = np.divide(self.row, MSE) - 1
        return change


TABLE_2 = SensitivityTable(
    "Table 2: Lai, λ = 1e-1",
    1e-1,
    (0.5739, 0.0987, 0.2120, 0.1636, 0.1103, 0.3824, 3.2053, 8.3946, 0.6955),
)
TABLE_3 = SensitivityTable(
    "Table 3: Lai, λ = 1e-1, λ₈ = 1e-3",
    [1e-1] * 7 + [1e-3],
    (0.5509, 0.1043, 0.1924, 0.1402, 0.1224, 0.3741, 2.1643, 4.8998, 0.7127),
)


def n_decreased(change: npt.ArrayLike) -> int:
    """The number of features, of eight, in which the sensitivity is less than with MSE."""
    return int((np.asarray(change)[:8] < 0).sum())


def deviation_factor(ours: npt.ArrayLike, paper: npt.ArrayLike) -> float:
    """The factor by which numbers deviate from the paper's: exp √(mean ln²(ours/paper))."""
    return float(np.exp(np.sqrt(np.mean(np.log(np.divide(ours, paper)) ** 2))))
