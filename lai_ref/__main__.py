"""`python -m lai_ref train`: Lai Training on the paper's task, from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from lai_ref.activations import ACTIVATIONS
from lai_ref.adam import Adam
from lai_ref.california.data import load_california
from lai_ref.lai import REDUCTIONS, Lai
from lai_ref.losses import Plain
from lai_ref.metrics import rmse
from lai_ref.mlp import MLP
from lai_ref.state import DivergedError, load_state, save_state
from lai_ref.support.files import check_writable
from lai_ref.support.terminal import run_program
from lai_ref.tables.experiment import SCALINGS, prepare
from lai_ref.train import SAMPLINGS, Epoch, lai_training

SAMPLING = (
    "how α is drawn: whole batches; points, in the batches of the others; or separate, points that"
    " make one step of their own per epoch"
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit status 0: done, 1: diverged, 2: invalid input, 130: interrupted."""
    options = _parser().parse_args(arguments)
    try:
        return _train(options)
    except DivergedError as error:
        print(f"lai_ref: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of the output, for `run_program`
        raise
    except (ValueError, TypeError, OSError) as error:
        print(f"lai_ref: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        hint = "; run the same command to resume after the last completed epoch"
        print(f"lai_ref: interrupted{hint if options.state else ''}", file=sys.stderr)
        return 130


def _train(options: argparse.Namespace) -> int:
    if options.state:
        check_writable(options.state.parent)
    lam = options.lam[0] if len(options.lam) == 1 else options.lam
    loss = Lai(lam, options.order, options.l1_ratio, options.reduction)
    data = load_california(options.data)
    rng = np.random.default_rng(options.seed)
    task = prepare(data, rng, options.scaling, options.dtype)
    net = MLP((task.x.shape[1], *options.hidden, 1), options.activation)
    settings = _settings(options, data.source)
    checkpoint = load_state(options.state) if options.state and options.state.exists() else None
    if checkpoint is not None and checkpoint.settings != settings:
        raise ValueError(f"{options.state}: {_difference(checkpoint.settings, settings)}")
    epochs = lai_training(
        net,
        task.x,
        task.t,
        loss=loss,
        plain=Plain(options.order),
        alpha=options.alpha,
        sampling=options.sampling,
        pretrain_epochs=options.pretrain_epochs,
        lai_epochs=options.lai_epochs,
        batch_size=options.batch_size,
        optimizer=Adam(lr=options.lr),
        rng=rng,
        validation=(task.x_val, task.t_val),
        resume_from=checkpoint,
    )
    print(f"data: {data.source}", file=sys.stderr)
    if checkpoint is not None:
        print(f"resuming after epoch {checkpoint.epoch} of {options.state}", file=sys.stderr)
    state = checkpoint
    for epoch in epochs:
        _report(epoch, options.pretrain_epochs + options.lai_epochs)
        state = epoch.state
        if options.state:
            save_state(options.state, state._replace(settings=settings))
    if state is None:
        raise ValueError("pretrain-epochs, lai-epochs: expected more than 0 together, got 0")
    y_val, y_test = (net.predict(state.theta, x) for x in (task.x_val, task.x_test))
    print(f"RMSE on the validation set      {rmse(y_val, task.t_val):.4f}")
    print(f"variance of the test outputs    {float(y_test.var()):.4f}")
    return 0


def _settings(options: argparse.Namespace, source: str) -> str:
    """The options that must be the same to resume a run; the number of epochs may differ."""
    free = ("state", "data", "lai_epochs")
    words = {name: value for name, value in sorted(vars(options).items()) if name not in free}
    return json.dumps(words | {"source": source}, ensure_ascii=False)


def _difference(saved: str, requested: str) -> str:
    """The settings in which the saved run differs from the requested one."""
    try:
        one = dict(json.loads(saved))
    except (ValueError, TypeError):
        return "expected a checkpoint of this command, got one without its settings"
    two = json.loads(requested)
    names = [name for name in two if one.get(name) != two[name]]
    expected, got = ({name: each.get(name) for name in names} for each in (two, one))
    return f"expected the state of a run with {expected}, got that of one with {got}"


def _report(epoch: Epoch, total: int) -> None:
    print(
        f"epoch {epoch.index}/{total}  {epoch.phase:8}  train loss {epoch.train_loss:.4f}"
        f"  validation RMSE {epoch.rmse:.4f}  Lai fraction {epoch.lai_fraction:.4f}",
        file=sys.stderr,
        flush=True,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lai_ref", description="The Lai loss (arXiv 2405.07884), by hand in NumPy."
    )
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser(
        "train",
        help="train a network on the paper's task",
        description="Pretrain a network on the California housing task, then give a fraction of"
        " the data the Lai loss. The defaults are the protocol that comes nearest to the paper's"
        " Table 1 (python -m figures protocols). Progress goes to standard error, the result to"
        " standard output.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = train.add_argument
    add("--data", type=Path, metavar="DIR", default=argparse.SUPPRESS,
        help="folder with train.csv and test.csv; without it: synthetic data")  # fmt: skip
    add("--lam", type=float, nargs="+", default=[0.1], help="λ, one number or one per feature")
    add("--order", type=int, choices=(1, 2), default=2, help="p: 1 is MAE, 2 is MSE")
    add("--l1-ratio", type=float, default=0.0, help="ρ: 0 is L2 Lai, 1 is L1 Lai")
    add(
        "--reduction",
        choices=REDUCTIONS,
        default="batch",
        help="batch: the norm of the mean; sample: the mean of the norms",
    )
    add("--alpha", type=float, default=0.01, help="α, the fraction of the data with the Lai loss")
    add("--sampling", choices=SAMPLINGS, default="separate", help=SAMPLING)
    add("--pretrain-epochs", type=int, default=100, help="epochs without the Lai loss")
    add("--lai-epochs", type=int, default=100, help="epochs with it")
    add("--batch-size", type=int, default=32, help="samples per step")
    add("--lr", type=float, default=1e-4, help="learning rate of Adam")
    add(
        "--hidden",
        type=int,
        nargs="*",
        default=[32, 16],
        help="widths of the hidden layers; none: a linear model",
    )
    add("--activation", choices=tuple(ACTIVATIONS), default="tanh", help="of hidden layers")
    add("--scaling", choices=SCALINGS, default="max-abs", help="of the inputs")
    add("--dtype", choices=("float32", "float64"), default="float32", help="of all arrays")
    add("--seed", type=int, default=0, help="of the split, the network and the batches")
    add("--state", type=Path, metavar="FILE", default=argparse.SUPPRESS,
        help="checkpoint, written after each epoch and resumed from")  # fmt: skip
    parser.set_defaults(data=None, state=None)  # here, where the help does not tell them
    return parser


if __name__ == "__main__":
    run_program(main)
