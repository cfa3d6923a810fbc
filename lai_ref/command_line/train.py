"""`train`: Lai Training on the California housing task, or on the user's own table."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from lai_ref.adam import Adam
from lai_ref.california.data import load_california
from lai_ref.command_line.progress import with_progress
from lai_ref.command_line.units import Units, standardise_target, units_of
from lai_ref.lai import Lai
from lai_ref.losses import Plain
from lai_ref.metrics import rmse
from lai_ref.mlp import MLP
from lai_ref.state import TrainingState, load_state, save_state
from lai_ref.support.files import check_writable
from lai_ref.support.terminal import option_names
from lai_ref.support.validation import Array
from lai_ref.tables.csv_format import DELIMITERS
from lai_ref.tables.dataset import Dataset
from lai_ref.tables.experiment import Experiment, prepare
from lai_ref.tables.reader import load_csv
from lai_ref.train import lai_training

# options that may change when a run is resumed; the features are in the digest of the data
FREE = ("state", "data", "exclude", "test", "delimiter", "lai_epochs", "quiet")


def train(options: argparse.Namespace) -> int:
    """Train, with a checkpoint after each epoch if `--state` is given, and print the result."""
    if options.state:
        check_writable("--state", options.state.parent)
    lam = options.lam[0] if len(options.lam) == 1 else options.lam
    loss = Lai(lam, options.order, options.l1_ratio, options.reduction)
    with option_names("target", "features", "exclude", "test", path="data"):
        data = _load(options)
    rng = np.random.default_rng(options.seed)
    m, s = 0.0, 1.0
    if options.target is None:
        task = prepare(data, rng, options.scaling, options.dtype)
    else:
        task = prepare(data, rng, options.scaling, np.float64)
        task, m, s = standardise_target(task, options.dtype)
    units = units_of(data, task, m, s)
    net = MLP((task.x.shape[1], *options.hidden, 1), options.activation)
    settings = _settings(options, data, units)
    checkpoint = _checkpoint(options.state, settings)
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
    for line in (f"data: {data.source}", *data.notes):
        print(line, file=sys.stderr)
    if checkpoint is not None:
        print(f"resuming after epoch {checkpoint.epoch} of {options.state}", file=sys.stderr)
    state = checkpoint
    total = options.pretrain_epochs + options.lai_epochs
    for epoch in with_progress(epochs, total, s, options.quiet):
        state = epoch.state
        if options.state:
            save_state(options.state, state._replace(settings=settings))
    if state is None:
        raise ValueError(
            "--pretrain-epochs, --lai-epochs: expected at least 1 epoch in total, got 0"
        )
    _print_result(net, state.theta, task, options.target is not None, s)
    return 0


def units_in(path: Path, state: TrainingState) -> Units:
    """The names and scales of the columns in a checkpoint of `train`."""
    try:
        return Units.from_json(json.loads(state.settings)["units"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: expected a checkpoint of `train`, with the names and scales of its columns,"
            f" got one without ({error!r})"
        ) from error


def _load(options: argparse.Namespace) -> Dataset:
    """Load the data that the options select."""
    is_file = options.data is not None and not options.data.is_dir()
    if options.target is None:
        of_tables = ("features", "exclude", "test", "drop_missing", "delimiter")
        given = [name for name in of_tables if getattr(options, name)]
        if given:
            name = given[0].replace("_", "-")
            raise ValueError(
                f"--{name}: expected only with --data FILE.csv and --target COLUMN, got no"
                " --target; add --target COLUMN"
            )
        if is_file and options.data.exists():
            raise ValueError(
                f"--target: expected the name of the column to predict in {options.data}, got none;"
                " add --target COLUMN"
            )
        return load_california(options.data)
    if options.data is None:
        raise ValueError(
            f"--data: expected FILE.csv with the column {options.target}, got no file;"
            " add --data FILE.csv"
        )
    return load_csv(
        options.data,
        options.target,
        options.features,
        options.test,
        exclude=options.exclude,
        delimiter=DELIMITERS.get(options.delimiter),
        drop_missing=options.drop_missing,
    )


def _settings(options: argparse.Namespace, data: Dataset, units: Units) -> str:
    """The settings that must not change when a run is resumed, and the units, as JSON."""
    words = {name: value for name, value in sorted(vars(options).items()) if name not in FREE}
    words.pop("command")
    rest = {"source": data.source, "units": units.to_json()}
    return json.dumps(words | rest, ensure_ascii=False)


def _checkpoint(path: Path | None, settings: str) -> TrainingState | None:
    """The state to resume from, if there is one; ValueError if it is that of another run."""
    if path is None or not path.exists():
        return None
    state = load_state(path)
    if state.settings != settings:
        raise ValueError(f"{path}: {_difference(state.settings, settings)}")
    return state


def _difference(saved: str, requested: str) -> str:
    """The settings in which the saved run differs from the requested one."""
    try:
        one = dict(json.loads(saved))
    except (ValueError, TypeError):
        return "expected a checkpoint of this command, got one without its settings"
    two = json.loads(requested)
    if one.get("source") != two["source"]:
        names = ["source"]  # the scales follow from it
    else:
        names = [name for name in two if name != "units" and one.get(name) != two[name]]
    expected, got = ({name: each.get(name) for name in names} for each in (two, one))
    return (
        f"expected the state of a run with {expected}, got that of one with {got}; use another"
        " file or the same options"
    )


def _print_result(net: MLP, theta: Array, task: Experiment, own_table: bool, s: float) -> None:
    """Print the RMSEs and the variance in the target's units; `s` is that of `Units`."""
    form = ".5g" if own_table else ".4f"
    error = s * rmse(net.predict(theta, task.x_val), task.t_val)
    print(f"RMSE on the validation set      {error:{form}}")
    if own_table:
        constant = np.full_like(task.t_val, task.t.mean())
        print(f"RMSE of the training mean       {s * rmse(constant, task.t_val):{form}}")
    if len(task.x_test):
        y_test = net.predict(theta, task.x_test)
        print(f"variance of the test outputs    {s**2 * float(y_test.var()):{form}}")
