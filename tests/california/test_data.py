"""The loader on small files of every kind; synthetic data against their table and the real data.

Tests of the real data read ../shared/data beside the repository, and are skipped without it.
"""

from __future__ import annotations

import json
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lai_ref import (
    MLP,
    Array,
    Dataset,
    Epoch,
    Lai,
    TrainingState,
    lai_training,
    load_california,
    prepare,
)
from lai_ref.california import measure as measuring
from lai_ref.california.data import DOWNLOAD, FEATURES
from lai_ref.california.synthetic import TABLE, make_synthetic_california
from tests.inputs.refusals import check_refused
from tests.inputs.strategies import bytes_like

REAL = Path(__file__).parents[3] / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not here")

HEADER = "id,MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude"
TRAIN = (
    f"{HEADER},MedHouseVal\n7,2.5,15,3.8,1.1,1280,2.4,34.6,-120.12,0.98\n8,1,2,3,4,5,6,7,8,5e0\n"
)
TEST = f"{HEADER}\n9,1.7062,35.0,4.9,1.09,1318.0,2.8,39.75,-121.85\n"


@lru_cache
def table() -> dict[str, Any]:
    numbers: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return numbers


@lru_cache
def california(path: Path | None = None, seed: int = 0) -> Dataset:
    return load_california(path, seed)


def written(folder: Path, train: str | bytes = TRAIN, test: str | bytes = TEST) -> Path:
    """`folder`, with the two files in it."""
    for name, content in (("train.csv", train), ("test.csv", test)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def distance(one: Array, other: Array) -> float:
    """The largest difference of two samples' distribution functions (Kolmogorov–Smirnov)."""
    at = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(sample), at, "right") / len(sample) for sample in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def with_target(data: Dataset) -> Array:
    return np.column_stack([data.x, data.t])


# Files that can be read


def test_a_pair_of_files_gives_its_numbers_exactly(tmp_path: Path) -> None:
    data = load_california(written(tmp_path))
    expected = [[2.5, 15, 3.8, 1.1, 1280, 2.4, 34.6, -120.12], [1, 2, 3, 4, 5, 6, 7, 8]]
    assert data.x.tolist() == expected
    assert data.t.tolist() == [0.98, 5.0]
    assert data.x_test.tolist() == [[1.7062, 35.0, 4.9, 1.09, 1318.0, 2.8, 39.75, -121.85]]
    assert data.x.dtype == data.t.dtype == data.x_test.dtype == np.float64
    assert data.features == tuple(HEADER.split(",")[1:])


@pytest.mark.parametrize("as_what", [str, Path])
def test_the_source_of_other_files_says_so_and_has_no_path(tmp_path: Path, as_what: Any) -> None:
    source = load_california(as_what(written(tmp_path))).source
    assert "not Kaggle's" in source
    assert str(tmp_path) not in source and tmp_path.name not in source


def test_the_source_tells_other_files_apart(tmp_path: Path) -> None:
    sources = {
        load_california(written(tmp_path, *files)).source
        for files in ((TRAIN, TEST), (TRAIN + "9" + TRAIN.split("\n8")[1], TEST), (TRAIN, TEST * 1))
    }
    assert len(sources) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("2.5", " 2.5 ").replace("1.7062", "17062e-4"),
    ],
    ids=["windows", "no last newline", "blanks"],
)
def test_ways_to_write_the_same_numbers(tmp_path: Path, change: Any) -> None:
    expected = load_california(written(tmp_path))
    data = load_california(written(tmp_path, change(TRAIN), change(TEST)))
    for one, other in zip(data[:3], expected[:3], strict=True):
        assert np.array_equal(one, other)


# Files that cannot


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "got"),
    [
        (",0.98", "", 2, None, "9"),
        (",34.6,-120.12,0.98", "", 2, None, "7"),
        ("5e0", "5e0,", 3, None, "11"),
        ("\n8,", "\n\n8,", 3, None, "1"),
        ("1280", "many", 2, "Population", "'many'"),
        ("1280", "", 2, "Population", "''"),
        ("1280", '"1280"', 2, "Population", "'\"1280\"'"),
        ("1280", "1_280", 2, "Population", "'1_280'"),
        ("\n7,", "\nseven,", 2, "id", "'seven'"),
        ("5e0", "nan", 3, "MedHouseVal", "'nan'"),
        ("5e0", "-inf", 3, "MedHouseVal", "'-inf'"),
        ("5e0", "5e400", 3, "MedHouseVal", "'5e400'"),
        ("5e0", "5\0", 3, "MedHouseVal", "'5\\x00'"),
        ("HouseAge", "houseage", 1, "HouseAge", "'houseage'"),
        ("MedInc,HouseAge", "HouseAge,MedInc", 1, "MedInc", "'HouseAge'"),
        (",MedHouseVal", "", 1, "MedHouseVal", "nothing"),
        ("MedHouseVal", "MedHouseVal,year", 1, "MedHouseVal", "'year'"),
        ("id,", "\ufeffid,", 1, "id", "'\\ufeffid'"),
        (",", ";", 1, "id", "'id;MedInc"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, column: str | None, got: str
) -> None:
    assert old in TRAIN
    place = f"train.csv, line {line}" + (f", column {column}" if column else "")
    check_refused(
        lambda: load_california(written(tmp_path, TRAIN.replace(old, new))),
        ValueError,
        place,
        "expected ",
        f"got {got}",
    )


@pytest.mark.parametrize(
    ("content", "line", "column", "got"),
    [
        (b"", 1, "id", "nothing"),
        (b"\n", 1, "id", "''"),
        (f"{HEADER}\n".encode(), 2, "id", "nothing"),
        (TEST.encode().replace(b"35.0", b"3\xff5"), 2, "HouseAge", "'3\\\\xff5'"),
        (TEST.encode().replace(b"MedInc", b"Med\xffInc"), 1, "MedInc", "'Med\\\\xffInc'"),
        (TEST.encode("utf-16"), 1, "id", "'\\\\xff\\\\xfe"),
        (TRAIN.encode(), 1, "Longitude", "'MedHouseVal'"),
    ],
    ids=["empty", "blank", "header alone", "bytes", "bytes in header", "utf-16", "train for test"],
)
def test_bytes_that_are_no_table_are_refused_with_their_place(
    tmp_path: Path, content: bytes, line: int, column: str, got: str
) -> None:
    place = f"test.csv, line {line}, column {column}"
    check_refused(
        lambda: load_california(written(tmp_path, test=content)), ValueError, place, f"got {got}"
    )


def test_a_long_wrong_field_is_cut_short(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as refusal:
        load_california(written(tmp_path, TRAIN.replace("1280", "x" * 10_000)))
    assert len(str(refusal.value)) < 200


@pytest.mark.fuzz
@given(bytes_like(TRAIN.encode()) | st.binary(max_size=64), bytes_like(TEST.encode()))
@example(TRAIN.replace("1280", "1" * 5000).encode(), TEST.encode())
def test_a_damaged_file_is_read_or_refused_with_its_place(train: bytes, test: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), train, test)
        try:
            read = load_california(path)
        except ValueError as error:
            assert str(error).startswith(("train.csv, line ", "test.csv, line "))
            assert len(str(error)) < 400
            str(error).encode()
        else:
            assert np.isfinite(with_target(read)).all() and np.isfinite(read.x_test).all()
            assert read.x.shape == (len(read.t), 8) and read.x_test.shape[1:] == (8,)


def test_a_missing_folder_or_file_comes_with_the_command_that_gets_it(tmp_path: Path) -> None:
    assert "kaggle competitions download -c playground-series-s3e1" in DOWNLOAD
    assert "unzip" in DOWNLOAD
    check_refused(
        lambda: load_california(tmp_path / "none"),
        FileNotFoundError,
        "path",
        "none, which does not exist",
        DOWNLOAD,
    )
    for name in ("train.csv", "test.csv"):
        (written(tmp_path) / name).unlink()
        check_refused(
            lambda: load_california(tmp_path), FileNotFoundError, "path", f"has no {name}", DOWNLOAD
        )
    file = written(tmp_path) / "train.csv"
    check_refused(
        lambda: load_california(file), FileNotFoundError, "path", "is not a folder", DOWNLOAD
    )


@pytest.mark.parametrize("path", [5, b"data", True, ["data"]])
def test_a_path_of_another_type_is_refused(path: Any) -> None:
    check_refused(lambda: load_california(path), TypeError, "path", "expected a folder", repr(path))


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (0.5, TypeError), ("0", TypeError), (None, TypeError)]
)
def test_a_seed_that_is_no_whole_number_from_0_on_is_refused(
    tmp_path: Path, seed: Any, error: type[Exception]
) -> None:
    check_refused(lambda: load_california(None, seed), error, "seed", repr(seed))
    check_refused(lambda: load_california(written(tmp_path), seed), error, "seed", repr(seed))


# The synthetic data


def test_the_stand_in_has_the_size_of_the_real_data() -> None:
    data = california()
    assert (data.x.shape, data.t.shape, data.x_test.shape) == ((37137, 8), (37137,), (24759, 8))
    assert data.x.dtype == data.t.dtype == data.x_test.dtype == np.float64
    assert data.features == FEATURES == tuple(table()["features"])
    assert "synthetic data" in data.source and "seed 0" in data.source


def test_one_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    first, again, other = california(), load_california(), california(seed=1)
    for one, same, different in zip(first[:3], again[:3], other[:3], strict=True):
        assert np.array_equal(one, same)
        assert (one == different).mean() < 0.1
    assert first.source != other.source


def test_a_run_with_the_same_seed_does_not_share_random_numbers() -> None:
    alike, _ = make_synthetic_california(np.random.default_rng(0), 37137)
    assert (california().x == alike).mean() < 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_the_stand_in_has_the_quantiles_of_the_table(seed: int) -> None:
    data, ranks = california(seed=seed), table()["ranks"]
    for name, column in zip((*FEATURES, "MedHouseVal"), with_target(data).T, strict=True):
        assert np.sort(column)[ranks].tolist() == table()["quantiles"][name], name
    for column, test_column in zip(data.x.T, data.x_test.T, strict=True):
        assert distance(column, test_column) < 1e-3
        assert (column.min(), column.max()) == (test_column.min(), test_column.max())


def test_the_stand_in_has_the_extreme_rows_and_the_cap() -> None:
    data = california()
    for x in (data.x, data.x_test):
        assert x[:, FEATURES.index("Population")].max() == 35682
        occupation = np.sort(x[:, FEATURES.index("AveOccup")])
        assert 502 < occupation[-1] < 504 and occupation[-2] < 50
    assert (data.t.min(), data.t.max()) == (0.14999, 5.00001)
    assert abs((data.t == 5.00001).mean() - 0.0492) < 1e-4


def test_the_stand_in_has_the_rank_correlations_of_the_table() -> None:
    samples = [
        x for seed in (0, 1, 2) for x in (california(seed=seed).x, california(seed=seed).x_test)
    ]
    errors = (
        np.array([measuring.rank_correlations(x) for x in samples]) - table()["rank_correlations"]
    )
    assert np.abs(errors).max() < 0.025
    assert np.abs(errors.mean(axis=0)).max() < 0.01  # a copula with r = ρ would be off by 0.018


def test_rank_correlations_by_hand() -> None:
    # ranks 0, 1.5, 1.5, 3 against 3, 0, 1, 2: their deviations' products sum to −1.5,
    # their squares to 4.5 and 5
    x = np.array([[1.0, 4.0], [2.0, 1.0], [2.0, 2.0], [9.0, 3.0]])
    rho = measuring.rank_correlations(x)
    assert np.allclose(rho, [[1, -1 / np.sqrt(10)], [-1 / np.sqrt(10), 1]])


def test_the_table_is_small() -> None:
    assert TABLE.stat().st_size < 25_000


# Measuring the table


def csv(data: Dataset, rows: int) -> tuple[str, str]:
    """The first rows as the two files have them."""
    train = [",".join(map(repr, [i, *r])) for i, r in enumerate(with_target(data)[:rows].tolist())]
    test = [",".join(map(repr, [i, *r])) for i, r in enumerate(data.x_test[:rows].tolist())]
    return "\n".join([TRAIN.split("\n")[0], *train]), "\n".join([HEADER, *test])


def test_a_table_measured_anew_gives_the_data_it_was_measured_on(tmp_path: Path) -> None:
    n = 200  # fewer than the tails of the real data reach into
    written(tmp_path, *csv(california(), n))
    out = tmp_path / "table.json"
    assert measuring.main(["--data", str(tmp_path), "--out", str(out)]) == 0
    assert max(len(line) for line in out.read_text().splitlines()) < 2000
    x, t = make_synthetic_california(np.random.default_rng(0), n, out)
    for j, column in enumerate(x.T):
        assert distance(column, california().x[:n, j]) < 0.05
    assert distance(t, california().t[:n]) < 0.05


def test_measuring_refuses_before_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none" / "table.json"
    assert measuring.main(["--data", str(written(tmp_path)), "--out", str(out)]) == 2
    assert "none" in capsys.readouterr().err
    assert measuring.main(["--data", str(tmp_path / "no"), "--out", str(tmp_path / "t")]) == 2
    assert DOWNLOAD in capsys.readouterr().err
    assert not (tmp_path / "t").exists()


# The real data


@needs_real_data
def test_the_real_files_are_recognised() -> None:
    data = california(REAL)
    assert data.source == "California housing, Kaggle's files (Playground Series S3E1)"
    assert (data.x.shape, data.t.shape, data.x_test.shape) == ((37137, 8), (37137,), (24759, 8))
    first = [2.3859, 15.0, 3.8271604938271606, 1.112099644128114, 1280.0, 2.486988847583643]
    assert data.x[0].tolist() == [*first, 34.6, -120.12]
    assert data.t[0] == 0.98
    assert data.x_test[0, -2:].tolist() == [39.75, -121.85]


@needs_real_data
def test_one_real_file_beside_another_is_not_taken_for_the_real_data(tmp_path: Path) -> None:
    written(tmp_path, (REAL / "train.csv").read_bytes())
    assert "not Kaggle's" in load_california(tmp_path).source


@needs_real_data
def test_the_table_is_what_the_real_data_measure() -> None:
    fresh = measuring.measure(california(REAL), epochs=1)
    fitted = {"layers", "mu", "tau", "f", "sigma"}  # by 200 epochs, to the digits of the machine
    assert fresh.keys() == table().keys()
    for name in fresh.keys() - fitted:
        assert fresh[name] == table()[name], name


@needs_real_data
def test_the_stand_in_is_distributed_as_the_real_data() -> None:
    ours, real = california(), california(REAL)
    for one, other in zip(with_target(ours).T, with_target(real).T, strict=True):
        assert distance(one, other) < 0.015  # values between two quantiles: on a straight line
    for one, other in zip(ours.x_test.T, real.x_test.T, strict=True):
        assert distance(one, other) < 0.02
    error = measuring.rank_correlations(with_target(ours)) - measuring.rank_correlations(
        with_target(real)
    )
    assert np.abs(error[:8, :8]).max() < 0.025
    assert np.abs(error[8]).max() < 0.15  # the target's follow from the fitted network


def trained(data: Dataset, seed: int) -> Array:
    """Validation RMSE and test output variance (arms, 2) of MSE and of Lai with falling λ."""
    task = prepare(data, np.random.default_rng(seed))
    net = MLP((8, 64, 32, 1), "tanh")

    def train(loss: Lai, alpha: float, lai_epochs: int, start: TrainingState | None) -> Epoch:
        *_, last = lai_training(
            net,
            task.x,
            task.t,
            loss=loss,
            alpha=alpha,
            sampling="points",
            pretrain_epochs=60,
            lai_epochs=lai_epochs,
            validation=(task.x_val, task.t_val),
            rng=np.random.default_rng(seed),
            resume_from=start,
        )
        return last

    start = train(Lai(1.0), 0.0, 0, None).state
    arms = [(Lai(1.0), 0.0), (Lai(1e-1), 0.01), (Lai(1e-2), 0.01), (Lai(1e-3), 0.01)]
    results = []
    for loss, alpha in arms:
        last = train(loss, alpha, 60, start)
        y = net.predict(last.state.theta, task.x_test)
        results.append((last.rmse, float(y.var())))
    return np.array(results)


@needs_real_data
@pytest.mark.slow
def test_stand_in_behaves_like_the_real_files() -> None:
    ours, real = (trained(data, 0) for data in (california(), california(REAL)))
    rmse, variance = ours[0] / real[0]
    assert abs(rmse - 1) < 0.1
    assert abs(variance - 1) < 0.15
    # the effect of λ = 0.1 and 0.01 on RMSE and variance, relative to MSE, and that of 0.001
    change = ours / ours[0] - real / real[0]
    assert np.abs(change[1:3]).max() < 0.15
    assert max(ours[3, 1] / ours[0, 1], real[3, 1] / real[0, 1]) < 0.2
