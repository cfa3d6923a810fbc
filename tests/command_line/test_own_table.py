"""Train and predict on a user's own table, from the command line."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from lai_ref import MLP, Array, load_csv, load_state, save_state
from lai_ref.__main__ import main
from tests.command_line.conftest import table

TRAIN = ["train", "--data", "flats.csv", "--target", "price", "--hidden", "8", "--lai-epochs", "5"]
SHORT = [*TRAIN, "--pretrain-epochs", "5", "--state", "run.npz"]
PREDICT = ["predict", "--state", "run.npz", "--data", "new.csv"]


def write(name: str, columns: dict[str, Array]) -> None:
    with open(name, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(map(repr, a.tolist()) for a in columns.values()), strict=True))


def read(name: str) -> dict[str, Array]:
    with open(name, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return dict(zip(header, np.array(rows, float).T, strict=True))


def test_it_learns_in_the_tables_own_units(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = ["--pretrain-epochs", "300", "--lr", "0.01", "--batch-size", "8"]
    assert main([*TRAIN, *long, "--alpha", "0"]) == 0
    out, err = capsys.readouterr()
    error, constant = (float(line.split()[-1]) for line in out.splitlines())
    assert error < 0.2 * constant and 200 < constant < 1000
    assert "left out id" in err and "flats.csv (60 rows, 3 features, target price)" in err
    last = [line for line in err.splitlines() if line.startswith("epoch")][-1]
    rmse = float(re.findall(r"validation RMSE (\S+)", last)[0])
    assert rmse == pytest.approx(error, rel=1e-3)


def test_predictions_and_gradients_are_those_of_the_network_in_the_tables_units(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SHORT, "--dtype", "float64"]) == 0
    x, _ = table(7, seed=1)
    # another order, and columns that are none of the network's
    write("new.csv", {"name": np.zeros(7), "year": x[:, 2], "view": x[:, 1], "size": x[:, 0]})
    assert main([*PREDICT, "--out", "out.csv", "--gradient"]) == 0
    found = read("out.csv")
    state = load_state("run.npz")
    units = json.loads(state.settings)["units"]
    a, b = np.array(units["a"]), np.array(units["b"])
    data = load_csv("flats.csv", "price")
    assert np.all(np.abs(a - data.x.mean(axis=0)) < 0.2 * data.x.std(axis=0))
    net = MLP(state.sizes, state.activation)

    def y(x: Array) -> Array:
        prediction: Array = units["m"] + units["s"] * net.predict(state.theta, (x - a) / b)
        return prediction

    np.testing.assert_allclose(found.pop("price"), y(x), rtol=1e-14)
    assert list(found) == ["d price / d size", "d price / d view", "d price / d year"]
    for j, gradient in enumerate(found.values()):
        h = 1e-5 * b[j] * np.eye(3)[j]
        np.testing.assert_allclose(gradient, (y(x + h) - y(x - h)) / (2 * h[j]), rtol=1e-6)
    capsys.readouterr()
    assert main(PREDICT) == 0
    assert capsys.readouterr().out.splitlines()[0] == "price"


def test_a_target_far_from_0_keeps_its_digits_in_float32(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, t = table()
    write("flats.csv", {"size": x[:, 0], "view": x[:, 1], "price": t})
    assert main(SHORT) == 0
    near = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    write("flats.csv", {"size": x[:, 0], "view": x[:, 1], "price": t + 1e10})
    assert main([*SHORT, "--state", "far.npz"]) == 0
    far = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    np.testing.assert_allclose(far, near, rtol=1e-3)


def test_a_target_that_is_constant_in_training_is_rejected(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, t = table(5)
    rng = np.random.default_rng(0)
    t[:] = 1.0
    t[rng.permutation(5)[0]] = 2.0  # the validation row of seed 0
    write("flats.csv", {"size": x[:, 0], "price": t})
    assert main([*SHORT, "--batch-size", "2"]) == 2
    assert "target: expected different numbers, got 1 in all 4" in capsys.readouterr().err


def test_a_run_resumes_and_a_changed_table_is_another_run(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SHORT, "--state", "whole.npz"]) == 0
    expected = capsys.readouterr().out
    assert main([*SHORT, "--lai-epochs", "1"]) == 0
    assert main([*SHORT, "--delimiter", "semicolon", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert out.endswith(expected) and "resuming after epoch 6 of run.npz" in err
    before = Path("run.npz").read_bytes()
    content = Path("flats.csv").read_text(encoding="utf-8")
    Path("flats.csv").write_text(content.replace("5", "6"), encoding="utf-8")
    assert main(SHORT) == 2
    err = capsys.readouterr().err
    assert "run.npz: expected the state of a run with {'source': 'flats.csv" in err
    assert err.count("digest") == 2 and "units" not in err
    assert Path("run.npz").read_bytes() == before


def test_other_columns_and_a_test_file_are_taken(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, _ = table(5, seed=1)
    write("test.csv", {"view": x[:, 1], "size": x[:, 0]})
    assert main([*SHORT, "--features", "view", "size", "--test", "test.csv"]) == 0
    variance = float(capsys.readouterr().out.splitlines()[-1].split()[-1])
    assert load_state("run.npz").sizes == (2, 8, 1)
    write("new.csv", {"size": x[:, 0], "view": x[:, 1]})
    assert main([*PREDICT, "--out", "out.csv"]) == 0
    assert len(read("out.csv")["price"]) == 5
    assert variance == pytest.approx(read("out.csv")["price"].var(), rel=1e-4)


def test_excluded_columns_are_no_features_and_predict_needs_no_option(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = Path("flats.csv").read_text(encoding="utf-8-sig")
    Path("flats.csv").write_text(content.replace("\n", ";Köln\n"), encoding="utf-8")
    assert main(SHORT) == 2
    assert "exclude=…, --exclude 'Köln')" in capsys.readouterr().err
    assert main([*SHORT, "--exclude", "Köln", "year"]) == 0
    assert load_state("run.npz").sizes == (2, 8, 1)
    assert main([*SHORT, "--exclude", "year", "Köln"]) == 0
    assert "resuming after epoch 10" in capsys.readouterr().err
    assert main([*SHORT, "--exclude", "Köln"]) == 2
    assert "run.npz: expected the state of a run with {'source'" in capsys.readouterr().err
    x, _ = table(5, seed=1)
    write("new.csv", {"size": x[:, 0], "view": x[:, 1]})
    assert main(PREDICT) == 0


def test_rows_with_missing_values_are_reported_and_dropped_if_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Path("flats.csv").read_text(encoding="utf-8").splitlines()
    lines[3] = ";".join(["", "", *lines[3].split(";")[2:]])
    Path("flats.csv").write_text("\n".join(lines), encoding="utf-8")
    assert main(SHORT) == 2
    assert "--drop-missing" in capsys.readouterr().err
    assert main([*SHORT, "--drop-missing"]) == 0
    err = capsys.readouterr().err
    assert "flats.csv (59 rows" in err and "dropped 1 row of flats.csv" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--data", "flats.csv"], "--target: expected the name of the column to predict"),
        (["train", "--target", "price"], "--data: expected FILE.csv"),
        (["train", "--features", "size"], "--features: expected only with --data FILE.csv"),
        (["train", "--delimiter", "tab"], "--delimiter: expected only with --data FILE.csv"),
        (["train", "--exclude", "size"], "--exclude: expected only with --data FILE.csv"),
        ([*SHORT, "--exclude", "prize"], "the nearest name is 'price'"),
        (
            [*SHORT, "--data", "flat.csv"],
            "--data: expected a CSV file, got flat.csv, which does not exist; the nearest name"
            " there is flats.csv",
        ),
        ([*SHORT, "--data", "."], "--data: expected a CSV file, got the folder ."),
        ([*SHORT, "--test", "no.csv"], "--test: expected a CSV file, got no.csv, which does not"),
        ([*SHORT, "--target", "prize"], "price"),  # the nearest name
        ([*SHORT, "--batch-size", "49"], "batch_size: expected at most 48"),
        ([*SHORT, "--delimiter", "comma"], "flats.csv"),
        (
            ["predict", "--state", "flats.npz", "--data", "flats.csv"],
            "--state: expected a checkpoint of `train`, got flats.npz, which does not exist;"
            " the nearest name there is flats.csv",
        ),
        (["predict", "--state", "flats.csv", "--data", "flats.csv"], "expected a checkpoint"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    folder: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert message in err and err.startswith("lai_ref: ") and out == ""
    assert [path.name for path in folder.iterdir()] == ["flats.csv"]


def test_what_prediction_lacks_is_said_before_anything_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SHORT) == 0
    x, _ = table(5, seed=1)
    write("new.csv", {"size": x[:, 0], "View": x[:, 1], "year": x[:, 2]})
    for arguments, message in (
        ([*PREDICT], "view"),  # a column that is missing, and the nearest name
        (
            [*PREDICT, "--out", "no/folder/out.csv"],
            "--out: expected a file in a folder that exists, got no/folder; create the folder",
        ),
        ([*PREDICT, "--data", "no.csv"], "--data: expected a CSV file, got no.csv, which does not"),
        ([*PREDICT, "--out", "."], "--out: expected a file, got the folder"),
        ([*PREDICT, "--out", "new.csv"], "--out: expected a file other than the inputs, got new"),
        ([*PREDICT, "--out", "run.npz"], "--out: expected a file other than the inputs, got run"),
    ):
        before = {path: path.read_bytes() for path in folder.iterdir()}
        capsys.readouterr()
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert message in err and out == ""
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
    save_state("run.npz", load_state("run.npz")._replace(settings="{}"))
    assert main(PREDICT) == 2
    assert "with the names and scales of its columns" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_a_pipe_or_a_device_is_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SHORT) == 0
    x, _ = table(5, seed=1)
    write("new.csv", {"size": x[:, 0], "view": x[:, 1], "year": x[:, 2]})
    os.mkfifo("pipe")
    assert main([*PREDICT, "--out", "pipe"]) == 2
    assert "--out: expected a file, got the pipe or device pipe" in capsys.readouterr().err
    assert Path("pipe").is_fifo()


def test_a_network_of_california_predicts_from_its_columns(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "--pretrain-epochs", "1", "--lai-epochs", "0", "--hidden", "4"]
    assert main([*arguments, "--batch-size", "999", "--state", "run.npz"]) == 0
    names = json.loads(load_state("run.npz").settings)["units"]["features"]
    write("new.csv", {name: np.arange(1.0, 3.0) for name in names})
    assert main([*PREDICT, "--out", "out.csv"]) == 0
    assert list(read("out.csv")) == ["MedHouseVal"]
