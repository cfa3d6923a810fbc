"""Tables that scikit-learn ships, written as pandas, R and spreadsheets write them.

Skipped without scikit-learn: `pip install -e ".[real-tables]"`.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lai_ref import MLP, Array, Lai, lai_training, load_csv, prepare
from tests.tables.files import written

datasets: Any = pytest.importorskip("sklearn.datasets")


class Real(NamedTuple):
    """Features x (n, D) and target t (n,) with their names."""

    x: Array
    t: Array
    features: tuple[str, ...]
    target: str


def diabetes() -> Real:
    data = datasets.load_diabetes(scaled=False)
    return Real(data.data, data.target, tuple(data.feature_names), "progression")


def linnerud() -> Real:
    data = datasets.load_linnerud()
    return Real(data.data, data.target[:, 1], tuple(data.feature_names), data.target_names[1])


def iris() -> Real:  # names with parentheses
    data = datasets.load_iris()
    return Real(
        data.data[:, :3], data.data[:, 3], tuple(data.feature_names[:3]), "petal width (cm)"
    )


def wine() -> Real:  # names with slashes
    data = datasets.load_wine()
    return Real(data.data[:, 1:], data.data[:, 0], tuple(data.feature_names[1:]), "alcohol")


def breast_cancer() -> Real:  # 30 features, names with spaces
    data = datasets.load_breast_cancer()
    names = tuple(map(str, data.feature_names))
    return Real(data.data[:, 1:], data.data[:, 0], names[1:], names[0])


TABLES = (diabetes, linnerud, iris, wine, breast_cancer)


def lines(table: Real, end: str, separator: str, cell: Callable[[Any], str], index: str) -> str:
    """A table with an index as its first column; the index counts from the second line on."""
    rows = np.column_stack([table.x, table.t]).tolist()
    header = [index, *map(cell, (*table.features, table.target))]
    body: Sequence[list[str]] = [
        [cell(str(i)) if index else str(i), *map(cell, row)] for i, row in enumerate(rows)
    ]
    return end.join([separator.join(each) for each in (header, *body)]) + end


def quoted(cell: Any) -> str:
    """As R's write.csv: text in quotes, whole numbers without a point, fifteen digits."""
    return f'"{cell}"' if isinstance(cell, str) else f"{cell:.15g}"


def pandas(table: Real) -> bytes:
    return lines(table, "\n", ",", str, "").encode()


def pandas_gz(table: Real) -> bytes:
    return gzip.compress(pandas(table))


def r(table: Real) -> bytes:
    return lines(table, "\n", ",", quoted, '""').encode()


def r_csv2(table: Real) -> bytes:
    return lines(table, "\n", ";", lambda cell: quoted(cell).replace(".", ","), '""').encode()


def excel(table: Real) -> bytes:
    text = lines(
        table, "\r\n", ",", lambda cell: str(cell) if isinstance(cell, str) else f"{cell:g}", "ID"
    )
    return (text + ("," * len(table.features) + ",\r\n") * 3).encode("utf-8-sig")


def german_excel(table: Real) -> bytes:
    text = lines(
        table, "\r\n", ";", lambda cell: str(cell) if isinstance(cell, str) else repr(cell), "Id"
    )
    head, _, body = text.partition("\r\n")
    return f"{head};;\r\n{body.replace('.', ',')}\r\n".encode("utf-8-sig")


def tabs(table: Real) -> bytes:
    return lines(table, "\r", "\t", lambda cell: f" {cell} ", "id").encode()


@pytest.mark.parametrize("write", [pandas, pandas_gz, r, r_csv2, excel, german_excel, tabs])
@pytest.mark.parametrize("real", TABLES)
def test_a_real_table_is_read_as_it_was_written(
    tmp_path: Path, real: Callable[[], Real], write: Callable[[Real], bytes]
) -> None:
    table = real()
    name = "table.csv.gz" if write is pandas_gz else "table.csv"
    data = load_csv(written(tmp_path, write(table), name), table.target)
    digits = 1e-5 if write is excel else 1e-14 if write in (r, r_csv2) else 0
    np.testing.assert_allclose(data.x, table.x, rtol=digits)
    np.testing.assert_allclose(data.t, table.t, rtol=digits)
    assert data.features == table.features
    assert [note.split(";")[0].lower() for note in data.notes] in (
        ["left out (unnamed)"],
        ["left out id"],
    )


@pytest.mark.parametrize("real", TABLES)
def test_a_network_trains_on_a_real_table(tmp_path: Path, real: Callable[[], Real]) -> None:
    table = real()
    data = load_csv(written(tmp_path, pandas(table)), table.target)
    task = prepare(data, np.random.default_rng(0))
    run = lai_training(
        MLP((task.x.shape[1], 4, 1), "tanh"),
        task.x,
        task.t,
        loss=Lai(0.1),
        pretrain_epochs=1,
        lai_epochs=1,
        batch_size=8,
        rng=np.random.default_rng(0),
    )
    assert all(np.isfinite(epoch.train_loss) for epoch in run)


def test_a_column_of_species_is_named_with_what_to_write_instead(tmp_path: Path) -> None:
    data = datasets.load_iris()
    species = [data.target_names[i] for i in data.target]
    head, *rows = lines(iris(), "\n", ",", quoted, '""').splitlines()
    text = "\n".join(
        [f'{head},"Species"', *(f'{a},"{b}"' for a, b in zip(rows, species, strict=True))]
    )
    with pytest.raises(ValueError, match=r"line 2, column Species: .*text \('setosa'\)") as error:
        load_csv(written(tmp_path, text), "petal width (cm)")
    assert "--exclude Species" in str(error.value)
    named = load_csv(written(tmp_path, text), "petal width (cm)", features=iris().features)
    assert (named.x == iris().x).all() and named.notes == ()


def test_files_that_are_no_such_tables_are_rejected_with_what_to_do() -> None:
    folder = Path(datasets.__file__).parent / "data"
    with pytest.raises(ValueError, match="commas, semicolons or tabs"):  # separated by spaces
        load_csv(folder / "linnerud_exercise.csv", "Jumps")
    with pytest.raises(ValueError, match="columns are 150, 4, setosa"):  # no names of columns
        load_csv(folder / "iris.csv", "petal width (cm)")
