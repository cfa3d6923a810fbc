from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from figures.experiments.protocol import PROTOCOL
from lai_ref import (
    MLP,
    Adam,
    Lai,
    lai_training,
    load_california,
    load_state,
    prepare,
    rmse,
    save_state,
)
from lai_ref.__main__ import _parser, main

SHORT = [
    "train",
    "--pretrain-epochs",
    "1",
    "--lai-epochs",
    "1",
    "--hidden",
    "4",
    "--batch-size",
    "999",
]


def test_train_prints_the_result_and_reports_each_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SHORT) == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(
        r"RMSE on the validation set      \d\.\d{4}\nvariance of the test outputs    \d\.\d{4}\n",
        out,
    )
    assert re.match(r"data: .+\nepoch 1/2  pretrain  train loss .+\nepoch 2/2  lai  .+", err)
    assert (
        "Lai fraction 0.0000" in err.splitlines()[1] and "Lai fraction 0.01" in err.splitlines()[2]
    )


def test_a_run_resumes_from_its_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, stopped = (["--state", str(tmp_path / name)] for name in ("whole", "stopped"))
    assert main([*SHORT, *whole]) == 0
    expected = capsys.readouterr().out
    assert main([*SHORT, "--lai-epochs", "0", *stopped]) == 0
    capsys.readouterr()
    assert main([*SHORT, *stopped]) == 0
    out, err = capsys.readouterr()
    assert out == expected
    assert "resuming after epoch 1" in err and "epoch 1/2" not in err
    assert main([*SHORT, *stopped]) == 0
    assert capsys.readouterr().out == expected


def test_options_reach_the_training(tmp_path: Path) -> None:
    options = ["--sampling", "batches", "--alpha", "1", "--order", "1", "--lam", *"12345678",
               "--l1-ratio", "0.5", "--reduction", "sample", "--lr", "0.01", "--seed", "3",
               "--scaling", "raw", "--dtype", "float64", "--activation", "relu",
               "--state", str(tmp_path / "state")]  # fmt: skip
    assert main([*SHORT, *options]) == 0
    state = load_state(tmp_path / "state")
    assert (state.sizes, state.activation, state.epoch) == ((8, 4, 1), "relu", 2)
    assert state.theta.dtype == np.float64


def test_the_command_does_what_the_functions_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--seed", "3"]) == 0
    rng = np.random.default_rng(3)
    task = prepare(load_california(), rng, "max-abs")
    net = MLP((8, 4, 1))
    *_, last = lai_training(net, task.x, task.t, loss=Lai(0.1), sampling="separate",
                            batch_size=999, optimizer=Adam(lr=1e-4), pretrain_epochs=1,
                            lai_epochs=1, rng=rng)  # fmt: skip
    assert capsys.readouterr().out.split()[5::6] == [
        f"{rmse(net.predict(last.state.theta, task.x_val), task.t_val):.4f}",
        f"{net.predict(last.state.theta, task.x_test).var():.4f}",
    ]


def test_the_defaults_are_the_protocol_of_the_figures() -> None:
    defaults = vars(_parser().parse_args(["train"]))
    assert [8, *defaults["hidden"], 1] == PROTOCOL["sizes"]
    shared = set(defaults) & set(PROTOCOL)
    assert len(shared) >= 11
    assert {name: defaults[name] for name in shared} == {name: PROTOCOL[name] for name in shared}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--lam", "-1"], "lam: expected a finite number above 0, got -1.0"),
        (["--lam", "1", "2"], "lam: expected"),
        (["--alpha", "2"], "alpha: expected a number in [0, 1], got 2.0"),
        (["--hidden", "0"], "sizes: expected at least 1, got 0"),
        (
            ["--data", "nowhere"],
            "--data: expected a folder with train.csv and test.csv, got nowhere",
        ),
        (["--data", "nowhere"], "kaggle competitions download -c playground-series-s3e1"),
        (
            ["--state", "no/such/folder/state"],
            "--state: expected a file in a folder that exists, got no/such/folder; create",
        ),
        (["--batch-size", "1000000"], "batch_size: expected at most"),
    ],
)
def test_bad_options_end_with_a_sentence(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SHORT, *options]) == 2
    out, err = capsys.readouterr()
    assert message in err and err.startswith("lai_ref: ") and out == ""


def test_a_state_of_another_network_is_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state"
    assert main([*SHORT, "--state", str(path)]) == 0
    before = path.read_bytes()
    assert main([*SHORT, "--hidden", "5", "--state", str(path)]) == 2
    said = f"{path}: expected the state of a run with {{'hidden': [5]}}, got that of one with"
    assert said in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_state_of_other_settings_is_refused_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state"
    assert main([*SHORT, "--state", str(path)]) == 0
    before = path.read_bytes()
    for change in (["--lam", "0.2"], ["--seed", "1"], ["--scaling", "raw"], ["--dtype", "float64"]):
        assert main([*SHORT, *change, "--state", str(path)]) == 2
        err = capsys.readouterr().err
        assert f"expected the state of a run with {{'{change[0][2:]}': " in err
        assert err.count("': ") == 2  # what differs, and nothing else
    assert path.read_bytes() == before
    save_state(path, load_state(path)._replace(settings=""))  # as `lai_training` yields it
    assert main([*SHORT, "--state", str(path)]) == 2
    assert "got one without its settings" in capsys.readouterr().err


def test_no_epochs_at_all_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--pretrain-epochs", "0", "--lai-epochs", "0"]) == 2
    assert "expected at least 1 epoch in total" in capsys.readouterr().err


def test_divergence_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--lr", "1e30"]) == 1
    assert "training diverged in epoch 1, step" in capsys.readouterr().err


INTERRUPTED_WHILE_SAVING = """
import io, signal, sys
from types import SimpleNamespace
from lai_ref import __main__, state
from lai_ref.command_line import train

class InterruptedFile(io.BytesIO):
    def write(self, content):
        signal.raise_signal(signal.SIGINT)
        return super().write(content)

def save(path, saved):
    if saved.epoch == 2:
        state.io = SimpleNamespace(BytesIO=InterruptedFile)
    state.save_state(path, saved)

signal.signal(signal.SIGINT, signal.default_int_handler)
train.save_state = save
sys.exit(__main__.main(sys.argv[1:]))
"""


def test_an_interrupt_while_the_state_is_written_stops_the_run_after_it(tmp_path: Path) -> None:
    options = [*SHORT, "--lai-epochs", "9", "--state", str(tmp_path / "state")]
    command = [sys.executable, "-c", INTERRUPTED_WHILE_SAVING, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 130 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert (
        lines[-1]
        == "lai_ref: interrupted; run the same command to resume after the last completed epoch"
    )
    assert [line.split()[0] for line in lines[:-1]] == ["data:", "epoch", "epoch"]
    assert load_state(tmp_path / "state").epoch == 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_an_interrupted_run_keeps_its_epochs(tmp_path: Path) -> None:
    path = tmp_path / "state"
    # a process started in the background may ignore the signal, and so would its children
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from lai_ref.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    options = [*SHORT, "--lai-epochs", "199", "--state", str(path)]
    command = [sys.executable, "-c", program, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("epoch 10/"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.splitlines()[-1] == (
        "lai_ref: interrupted; run the same command to resume after the last completed epoch"
    )
    assert load_state(path).epoch >= 9
