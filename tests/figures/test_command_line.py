from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from figures import projection
from figures.__main__ import main
from figures.experiments.inputs import load_data
from figures.experiments.settings import DELIMITERS, Settings
from figures.plotting.drawing import save_figure, style
from figures.registry import FIGURES
from lai_ref.tables import csv_format
from tests.figures.csv_files import written
from tests.inputs.small_disk import filled, small_disk

QUICK = [sys.executable, "-m", "figures", "smoothness", "--quick", "--seeds", "2", "--jobs", "1"]
ONE_SEED = [*QUICK[:-3], "1", "--jobs", "2"]
KILLS = 5 if os.environ.get("CI") else 20
ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "figures" / "results" / "projection.json"
NUMBERS = json.loads(RESULTS.read_text(encoding="utf-8"))


def ends_within(seconds: float, group: int) -> bool:
    """Whether every process of the group is gone by then."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_run_goes_on_with_the_arms_that_are_missing(tmp_path: Path) -> None:
    command = [*QUICK, "--out", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("smoothness: 3/8"):
                process.send_signal(signal.SIGKILL)
                break
    assert ends_within(10, process.pid)
    kept = len(list((tmp_path / "arms").glob("*.json")))
    assert 5 <= kept < 10 and not (tmp_path / "smoothness.json").exists()

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert "smoothness, pretraining: 2 jobs, 2 of them cached" in done.stderr
    assert f"smoothness: 8 jobs, {kept - 2} of them cached" in done.stderr
    assert done.stdout.startswith("Table 1 (§6.1), 2 seeds; synthetic data")
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {
        "smoothness.json",
        "smoothness.png",
        "smoothness.svg",
    }


def files(folder: Path) -> dict[str, bytes]:
    """What is in a folder, the folders below it left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_run_killed_at_any_moment_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Moments spread over the whole run; every other time its processes are killed with it."""
    began = time.monotonic()
    subprocess.run([*ONE_SEED, "--out", str(tmp_path / "whole")], cwd=ROOT, check=True)
    duration, expected = time.monotonic() - began, files(tmp_path / "whole")
    assert set(expected) == {"smoothness.json", "smoothness.png", "smoothness.svg"}
    moments = random.Random(20)
    for i in range(KILLS):
        out, delay = tmp_path / f"killed-{i}", (i + moments.random()) / KILLS * duration
        command, status = [*ONE_SEED, "--out", str(out)], 0
        while status != -signal.SIGKILL:
            shutil.rmtree(out, ignore_errors=True)
            with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as process:
                time.sleep(delay)
                if i % 2:
                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
            status, delay = process.returncode, 0.8 * delay  # faster this time: kill it sooner
        again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert again.returncode == 0, again.stderr
        assert "damaged" not in again.stderr
        assert files(out) == expected
        assert [name for name in os.listdir(out / "arms") if name.endswith(".part")] == []


@pytest.mark.slow
def test_a_run_on_a_full_disk_goes_on_when_there_is_space(tmp_path: Path) -> None:
    """No space for the pretraining, for all arms, for the numbers, for the picture; then enough."""
    subprocess.run([*ONE_SEED, "--out", str(tmp_path / "whole")], cwd=ROOT, check=True)
    expected, arms = files(tmp_path / "whole"), set[str]()
    with small_disk(tmp_path / "disk", size=1_000_000) as disk:
        (disk / "smoothness.json").write_bytes(b"of an earlier run")
        command = [*ONE_SEED, "--out", str(disk)]
        for free, name in (
            (12_288, "arms/pretrain-"),
            (28_672, "arms/continue_training-"),
            (90_112, "smoothness.png"),
            (0, "smoothness.json"),
        ):
            if name == "smoothness.json":
                (disk / name).write_bytes(b"of an earlier run")
            with filled(disk, but=free):
                done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 2
            said = "figures: [Errno 28] No space left on device: "
            assert done.stderr.splitlines()[-1].startswith(f"{said}'{disk / name}")
            assert [path.name for path in disk.rglob("*.part")] == []
            numbers = expected["smoothness.json"] if "png" in name else b"of an earlier run"
            assert files(disk) == {"smoothness.json": numbers}
            before, arms = arms, {path.name for path in (disk / "arms").glob("*.json")}
            assert before <= arms and bool(arms) == ("pretrain" not in name)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert "smoothness: 4 jobs, 4 of them cached" in done.stderr
        assert files(disk) == expected


@pytest.mark.slow
def test_two_runs_in_one_folder_do_not_hurt_each_other(tmp_path: Path) -> None:
    commands = [[*QUICK, "--out", str(tmp_path / name)] for name in ("shared", "shared", "alone")]
    runs = [subprocess.Popen(c, cwd=ROOT, stdout=subprocess.PIPE, text=True) for c in commands]
    tables = [run.communicate()[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert tables[0] == tables[1] == tables[2]
    for name in ("smoothness.json", "smoothness.png", "smoothness.svg"):
        shared, alone = ((tmp_path / folder / name).read_bytes() for folder in ("shared", "alone"))
        assert shared == alone
    again = subprocess.run(commands[0], cwd=ROOT, capture_output=True, text=True)
    assert "smoothness: 8 jobs, 8 of them cached" in again.stderr
    assert "damaged" not in again.stderr


def test_a_folder_that_cannot_be_written_is_said_before_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["smoothness", "--quick", "--out", str(tmp_path / "file")]) == 2
    assert main(["smoothness", "--quick", "--out", str(tmp_path / "file" / "below")]) == 2
    err = capsys.readouterr().err
    assert err.count("figures: ") == 2 and "jobs" not in err
    assert f"--out: expected a folder, got the file {tmp_path / 'file'}" in err
    assert f"--out: expected a folder, got {tmp_path / 'file' / 'below'}" in err


def test_missing_data_are_said_with_the_command_that_gets_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["smoothness", "--data", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "kaggle competitions download" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ["nonsense"],
        ["--seeds", "0"],
        ["--jobs", "x"],
        ["--exclude", "a", "--features", "b"],
    ],
)
def test_unusable_options_are_refused(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert options[0].removeprefix("--") in capsys.readouterr().err


def test_numbers_of_an_earlier_run_are_drawn_again(tmp_path: Path) -> None:
    assert main([str(RESULTS), "--out", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"projection.png", "projection.svg"}
    with style():
        save_figure(projection.plot(NUMBERS), tmp_path / "same")
    assert (tmp_path / "projection.png").read_bytes() == (tmp_path / "same.png").read_bytes()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"figure": "smoothness"}', b'{"figure": "nonsense"}', b"\xff"]
)
def test_damaged_numbers_are_refused(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "numbers.json").write_bytes(content)
    assert main([str(tmp_path / "numbers.json"), "--out", str(tmp_path / "out")]) == 2
    assert "numbers.json: expected the numbers of a figure" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_numbers_that_are_missing_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["projection", str(tmp_path / "none.json"), "--out", str(tmp_path)]) == 2
    assert "none.json" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []  # raised before the first figure is computed


def test_help_has_every_figure_with_its_question(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert all([name, figure.question] in shown for name, figure in FIGURES.items())


# A CSV file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "table.csv")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("compare --data {file}", "expected --target COLUMN"),
        ("compare --data {file} --target none", "none"),
        ("compare --data {file} --target y --features a nothing", "nothing"),
        ("compare --data {file} --target y --test {folder}/no.csv", "--test: expected a CSV file"),
        ("compare --data {folder}/tabel.csv --target y", "the nearest name there is table.csv"),
        (
            "compare --data {folder} --target y",
            "--target: expected with --data FILE.csv, got {folder}",
        ),
        ("compare --target y", "--target: expected with --data FILE.csv, got no --data"),
        ("compare --features a", "--features: expected with --data FILE.csv"),
        ("compare --exclude a", "--exclude: expected with --data FILE.csv"),
        ("compare --data {file} --target y --exclude A", "the nearest name is 'a'"),
        ("compare --data {file} --target y --exclude y", "--exclude: expected columns other"),
        ("compare --test {file}", "--test: expected with --data FILE.csv"),
        ("compare --drop-missing", "--drop-missing: expected with --data FILE.csv"),
        ("compare --delimiter tab --data {folder}", "--delimiter: expected with --data FILE.csv"),
        ("compare --data {file} --target y --delimiter tab", "the columns are a,b,y"),
        ("few_data --data {file} --target y", "NAME: expected a figure that takes a CSV file"),
        ("compare factor claims --data {file} --target y", "got factor, claims"),
        ("compare --data {short} --target y", "--data: expected at least 50 rows, got 20"),
    ],
)
def test_what_does_not_go_together_is_said_before_computing(
    file: Path, command: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"file": file, "folder": file.parent, "short": written(file.with_name("s.csv"), n=20)}
    command, message = (text.format(**places) for text in (command, message))
    assert main([*command.split(), "--out", str(file.parent / "out")]) == 2
    err = capsys.readouterr().err
    assert message in err and "jobs" not in err and "Traceback" not in err


def test_a_table_that_cannot_be_read_leaves_no_folder(file: Path) -> None:
    out = file.parent / "out"
    assert main(["compare", "--data", str(file), "--target", "none", "--out", str(out)]) == 2
    assert not out.exists()
    written(file, n=49)  # too few rows
    assert main(["compare", "--data", str(file), "--target", "y", "--out", str(out)]) == 2
    assert not out.exists()


def test_a_folder_with_a_dot_in_its_name_is_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kaggle.d").mkdir()
    assert main(["compare", "--data", str(tmp_path / "kaggle.d"), "--out", str(tmp_path)]) == 2
    assert "kaggle competitions download" in capsys.readouterr().err


def test_without_names_a_csv_file_makes_the_figures_that_take_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("figures.__main__._make", lambda name, settings: made.append(name))
    assert main(["--data", str(file), "--target", "y", "--out", str(file.parent / "out")]) == 0
    assert made == ["smoothness", "sensitivity", "strength", "frontier", "compare"]


def test_separator_and_missing_values_are_handled_as_the_options_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{i},5;{i % 7};{i * i}\n" for i in range(60))
    file = tmp_path / "t.csv"
    file.write_text(f"a;b;y\n{rows}7;;3\n", encoding="utf-8")
    found: list[Settings] = []
    monkeypatch.setattr("figures.__main__._make", lambda name, settings: found.append(settings))
    command = ["compare", "--data", str(file), "--target", "y", "--out", str(tmp_path)]
    assert main(command) == 2
    assert "--drop-missing" in capsys.readouterr().err
    assert main([*command, "--delimiter", "semicolon", "--drop-missing"]) == 0
    (settings,) = found
    data = load_data(settings.inputs)
    assert data.x.shape == (60, 2) and data.x[1, 0] == 1.5
    made_by = settings.provenance("compare", data.source)["command"]
    assert made_by.endswith(" --target y --delimiter semicolon --drop-missing")
    assert main([*command, "--drop-missing", "--exclude", "b"]) == 0
    data = load_data(found[1].inputs)
    assert data.features == ("a",)
    made_by = found[1].provenance("compare", data.source)["command"]
    assert made_by.endswith(" --target y --exclude b --drop-missing")


def test_delimiters_are_called_as_by_train() -> None:
    assert DELIMITERS == csv_format.DELIMITERS


def test_seeds_have_a_default_for_each_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seeds: dict[str, int] = {}
    monkeypatch.setattr(
        "figures.__main__._make", lambda name, settings: seeds.update({name: settings.seeds})
    )
    assert main(["compare", "smoothness", "--out", str(tmp_path)]) == 0
    assert seeds == {"compare": 10, "smoothness": 3}
    assert main(["compare", "smoothness", "--seeds", "4", "--out", str(tmp_path)]) == 0
    assert seeds == {"compare": 4, "smoothness": 4}


@pytest.mark.slow
def test_every_figure_that_takes_a_csv_file_leaves_out_what_is_the_papers(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = file.parent / "out"
    options = ["--quick", "--seeds", "2", "--jobs", "2", "--out", str(out)]
    assert main(["--data", str(file), "--target", "y", "--test", str(file), *options]) == 0
    shown = capsys.readouterr().out
    for word in ("paper", "Table", "§", "100,000 $", "X8", "MedInc", "max-abs"):
        assert word not in shown
    for name in ("smoothness", "sensitivity", "strength", "frontier", "compare"):
        picture = re.sub(r"<style.*?</style>", "", (out / f"{name}.svg").read_text("utf-8"))
        drawn = " ".join(re.findall(r"<!-- (.*?) -->", picture))
        assert "y" in drawn
        for word in ("paper", "Table 1", "§", "100,000", "X8", "MedInc", "max-abs"):
            assert word not in drawn
        command = json.loads((out / f"{name}.json").read_text("utf-8"))["command"]
        data = "--data FILE.csv --target y --test TEST.csv"
        assert command == f"python -m figures {name} --seeds 2 {data} --quick"
