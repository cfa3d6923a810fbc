"""`python -m lai_ref`: train a network by Lai Training, and predict with it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from lai_ref.activations import ACTIVATIONS
from lai_ref.command_line.predict import predict
from lai_ref.command_line.train import train
from lai_ref.lai import REDUCTIONS
from lai_ref.state import DivergedError
from lai_ref.support.terminal import run_program
from lai_ref.tables.csv_format import DELIMITERS
from lai_ref.tables.experiment import SCALINGS
from lai_ref.train import SAMPLINGS

TABLE_DEFAULTS: dict[str, Any] = {"scaling": "standard", "lr": 1e-3}  # with --target
SAMPLING = (
    "which samples get the Lai loss: batches: whole batches; points: single samples, left in their"
    " batches; separate: single samples, as one extra batch per epoch"
)
TRAIN = """\
Pretrain a network with MSE or MAE, then apply the Lai loss to a fraction of the data. Without
--target the task is California housing, and the defaults are the protocol that comes closest to the
paper's Table 1 (python -m figures protocols). With --data FILE.csv --target COLUMN the data are
your own: all other columns except an index are features and must contain numbers; --exclude leaves
columns out. The target is
standardised for training, and results are printed in its original units. The defaults are then
--scaling standard and --lr 0.001. Progress goes to standard error, results to standard output."""
PREDICT = """\
Predict with the network in a checkpoint of `train --state`. Its features are read by name from the
columns of a CSV file, in any order; other columns are ignored. Predictions are in the target's
original units."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit status 0: done, 1: diverged, 2: invalid input, 130: interrupted."""
    options = _options(arguments)
    try:
        return int(options.command(options))
    except DivergedError as error:
        print(f"lai_ref: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # standard output was closed: `run_program` handles it
        raise
    except (ValueError, TypeError, OSError) as error:
        print(f"lai_ref: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = options.command is train and options.state
        hint = "; run the same command to resume after the last completed epoch"
        print(f"lai_ref: interrupted{hint if resumes else ''}", file=sys.stderr)
        return 130


def _options(arguments: list[str] | None = None) -> argparse.Namespace:
    options = _parser().parse_args(arguments)
    if getattr(options, "target", None) is not None:
        options = _parser(**TABLE_DEFAULTS).parse_args(arguments)
    return options


def _parser(*, scaling: str = "max-abs", lr: float = 1e-4) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lai_ref", description="The Lai loss (arXiv 2405.07884), by hand in NumPy."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands.add_parser(
        "train",
        help="train a network on California housing or a table of your own",
        description=TRAIN,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    ), scaling, lr)  # fmt: skip
    _add_predict(commands.add_parser("predict", help="use a trained network", description=PREDICT))
    # set here, so that the help does not print them
    parser.set_defaults(quiet=False, drop_missing=False)
    unset = ("data", "target", "features", "exclude", "test", "delimiter", "state")
    parser.set_defaults(**dict.fromkeys(unset))
    return parser


def _add_train(parser: argparse.ArgumentParser, scaling: str, lr: float) -> None:
    add = parser.add_argument
    add("--data", type=Path, metavar="PATH", default=argparse.SUPPRESS,
        help="FILE.csv, with --target; or the folder with California's train.csv and test.csv;"
        " without it: synthetic data")  # fmt: skip
    add("--target", metavar="COLUMN", default=argparse.SUPPRESS, help="the column to predict")
    features = parser.add_mutually_exclusive_group()
    features.add_argument("--features", metavar="COLUMN", nargs="+", default=argparse.SUPPRESS,
        help="the columns to predict it from; without: all others except an index")  # fmt: skip
    features.add_argument("--exclude", metavar="COLUMN", nargs="+", default=argparse.SUPPRESS,
        help="columns to leave out of the features, such as text or dates")  # fmt: skip
    add("--test", type=Path, metavar="FILE.csv", default=argparse.SUPPRESS,
        help="rows for which to print the variance of the outputs")  # fmt: skip
    add("--drop-missing", action="store_true", default=argparse.SUPPRESS,
        help="drop rows with missing values")  # fmt: skip
    add("--delimiter", choices=tuple(DELIMITERS), default=argparse.SUPPRESS,
        help="of the CSV files; without: detected from the header")  # fmt: skip
    add("--lam", type=float, nargs="+", default=[0.1], help="λ, one number or one per feature")
    add("--order", type=int, choices=(1, 2), default=2, help="p: 1 is MAE, 2 is MSE")
    add("--l1-ratio", type=float, default=0.0, help="ρ: 0 is L2 Lai, 1 is L1 Lai")
    add(
        "--reduction",
        choices=REDUCTIONS,
        default="batch",
        help="batch: the norm of the batch mean; sample: the mean of the per-sample norms",
    )
    add("--alpha", type=float, default=0.01, help="α, the fraction of the data with the Lai loss")
    add("--sampling", choices=SAMPLINGS, default="separate", help=SAMPLING)
    add("--pretrain-epochs", type=int, default=100, help="epochs without the Lai loss")
    add("--lai-epochs", type=int, default=100, help="epochs with the Lai loss")
    add("--batch-size", type=int, default=32, help="samples per step")
    add("--lr", type=float, default=lr, help="learning rate of Adam")
    add(
        "--hidden",
        type=int,
        nargs="*",
        default=[32, 16],
        help="widths of the hidden layers; without numbers: a linear model",
    )
    add("--activation", choices=tuple(ACTIVATIONS), default="tanh", help="of hidden layers")
    add("--scaling", choices=SCALINGS, default=scaling, help="of the inputs")
    add("--dtype", choices=("float32", "float64"), default="float32", help="of all arrays")
    add("--seed", type=int, default=0, help="of the split, the initial network and the batches")
    add("--state", type=Path, metavar="FILE", default=argparse.SUPPRESS,
        help="checkpoint: written after each epoch; training resumes from it")  # fmt: skip
    add("--quiet", action="store_true", default=argparse.SUPPRESS, help="print no progress")
    parser.set_defaults(command=train)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--state", type=Path, metavar="FILE", required=True, help="checkpoint of `train`")
    add("--data", type=Path, metavar="FILE.csv", required=True, help="the rows to predict for")
    add("--out", type=Path, metavar="FILE.csv", help="where to write; without: standard output")
    add("--delimiter", choices=tuple(DELIMITERS), help="of FILE.csv; without: detected")
    add("--gradient", action="store_true", help="add ∂y/∂x, one column per feature")
    parser.set_defaults(command=predict)


if __name__ == "__main__":
    run_program(main)
