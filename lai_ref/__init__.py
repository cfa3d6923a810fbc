"""An independent implementation of the Lai loss (arXiv 2405.07884), by hand in NumPy.

In reading order: `factor`, `lai` and `losses` (the loss, and those it is compared with),
`activations` and `mlp` (the network and its double backward pass), `objective` (loss and network
together), `adam`, `train` (Lai Training); then `state` (checkpoints) and `metrics`. The folders
contain regression tables (`tables`: from a file, split and scaled), the data of the paper's
experiments (`california`), the commands of `python -m lai_ref` (`command_line`), helper modules
(`support`), and the conformance test suite for ports (`oracle`).
"""

from lai_ref.adam import Adam, AdamState
from lai_ref.california.data import load_california
from lai_ref.factor import lai_factor, lai_factor_derivative, projections
from lai_ref.lai import Lai
from lai_ref.losses import GradientPenalty, Loss, Plain
from lai_ref.metrics import noise_sensitivity, rmse
from lai_ref.mlp import MLP
from lai_ref.objective import value_and_grad, value_and_grad_mixed
from lai_ref.state import DivergedError, TrainingState, load_state, save_state
from lai_ref.support.gradcheck import numerical_gradient
from lai_ref.support.validation import Array
from lai_ref.tables.dataset import Dataset
from lai_ref.tables.experiment import Experiment, prepare
from lai_ref.tables.reader import load_csv
from lai_ref.train import Epoch, lai_training

__all__ = [
    "MLP",
    "Adam",
    "AdamState",
    "Array",
    "Dataset",
    "DivergedError",
    "Epoch",
    "Experiment",
    "GradientPenalty",
    "Lai",
    "Loss",
    "Plain",
    "TrainingState",
    "lai_factor",
    "lai_factor_derivative",
    "lai_training",
    "load_california",
    "load_csv",
    "load_state",
    "noise_sensitivity",
    "numerical_gradient",
    "prepare",
    "projections",
    "rmse",
    "save_state",
    "value_and_grad",
    "value_and_grad_mixed",
]
