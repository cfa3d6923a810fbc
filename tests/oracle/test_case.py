"""The schema of the oracle's files; the published ones satisfy it."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lai_ref.oracle import case as module
from lai_ref.oracle.case import (
    GROUPS,
    VECTORS,
    CorruptVectorsError,
    cases,
    flat,
    is_float32,
    number,
    parse_case,
    parse_file,
    shape,
)
from tests.inputs.strategies import bytes_like, documents_like


def content(group: str) -> Any:
    return json.loads((VECTORS / f"{group}.json").read_bytes())


SHORTEST = {
    group: min(content(group)["cases"], key=lambda case: len(json.dumps(case))) for group in GROUPS
}


def test_there_are_eight_groups_and_at_most_500_cases() -> None:
    counts = Counter(case.group for case in cases())
    assert list(counts) == list(GROUPS) and len(GROUPS) == 8
    assert sum(counts.values()) <= 500
    assert cases("adam") == [case for case in cases() if case.group == "adam"]


def test_the_files_are_at_most_two_megabytes() -> None:
    assert sum(file.stat().st_size for file in VECTORS.iterdir()) <= 2_000_000


def test_ids_are_unique_and_every_case_says_why_it_is_there() -> None:
    assert max(Counter(case.id for case in cases()).values()) == 1
    assert all(len(case.about) > 5 for case in cases())


def test_every_input_is_exactly_a_float32() -> None:
    for case in cases():
        for value in every_decimal(case.inputs):
            assert is_float32(value), (case.id, value)


def every_decimal(value: Any) -> list[Decimal]:
    if isinstance(value, dict):
        return [d for part in value.values() for d in every_decimal(part)]
    if isinstance(value, list):
        return [d for part in value for d in every_decimal(part)]
    return [value] if isinstance(value, Decimal) else []


def test_expected_values_have_34_digits_at_most() -> None:
    for case in cases():
        for part in (case.expected or {}).values():
            assert all(len(d.as_tuple().digits) <= 34 or case.group == "codec" for d in flat(part))


def test_there_is_every_kind_of_answer() -> None:
    for group in ("factor", "loss"):
        kinds = {
            "error" if c.expected is None else "segment" if c.direction else "point"
            for c in cases(group)
        }
        assert kinds == {"error", "segment", "point"}
    assert any(case.direction for case in cases("param_gradient"))


def test_trajectories_are_three_of_20_steps_or_more_with_their_rows() -> None:
    runs = [case for case in cases("train") if len(case.inputs["batches"]) >= 20]
    assert [(c.inputs["activation"], c.inputs["loss"]["reduction"]) for c in runs] == [
        ("tanh", "batch"),
        ("relu", "batch"),
        ("softplus", "sample"),
    ]
    assert isinstance(runs[1].inputs["loss"]["lam"], list)
    for run in runs:
        for batch in run.inputs["batches"]:
            assert set(batch["lai_rows"]) <= set(batch["rows"])


def test_str_is_the_id() -> None:
    assert str(cases("factor")[0]) == cases("factor")[0].id


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(ValueError, match="group: expected one of codec, factor"):
        cases("nonsense")


@pytest.mark.parametrize("token", ["1", "-0.0", "1.5e-45", "inf", "-inf", "nan", "0.1E+3"])
def test_number_reads_tokens(token: str) -> None:
    assert repr(number(token)) == repr(Decimal(token))


@pytest.mark.parametrize(
    "token", ["", "1,5", "0x1p3", "Inf", "+1", " 1", "1_0", "-nan", 1, 1.5, None]
)
def test_number_refuses_what_is_no_token(token: Any) -> None:
    with pytest.raises(ValueError, match="expected a number as a decimal string"):
        number(token)


@pytest.mark.parametrize("value", [0.5, 2.0**-149, float(np.finfo(np.float32).max), -0.0, np.inf])
def test_float32s_are_known(value: float) -> None:
    assert is_float32(Decimal(value))


@pytest.mark.parametrize(
    "token", ["0.1", "1e39", "1e-46", "16777217", "0.100000001490116119384765626"]
)
def test_what_float32_does_not_hold_is_known(token: str) -> None:
    assert not is_float32(Decimal(token))


def test_shape_of_nested_lists() -> None:
    assert [shape(n) for n in (1, [], [1, 2], [[1, 2, 3]])] == [(), (0,), (2,), (1, 3)]
    with pytest.raises(ValueError, match="rows of unequal length"):
        shape([[1], [2, 3]])


# What the schema rejects


def with_change(group: str, change: Any) -> Any:
    broken = copy.deepcopy(content(group))
    change(broken)
    return broken


@pytest.mark.parametrize(
    ("group", "change", "message"),
    [
        ("factor", lambda c: c.update(note=""), "expected the fields"),
        ("factor", lambda c: c.update(cases=0), "expected a list of cases"),
        ("factor", lambda c: c["cases"][0].update(about=0), "about: expected str"),
        ("factor", lambda c: c["cases"][0].pop("tolerance"), "expected the fields"),
        (
            "factor",
            lambda c: c["cases"][0]["tolerance"]["float64"]["value"].pop(),
            "tolerance in float64: value: expected 1 axes",
        ),
        (
            "factor",
            lambda c: c["cases"][0]["tolerance"]["float32"]["slope"].__setitem__(0, "-1"),
            "expected a finite bound of at least 0",
        ),
        (
            "factor",
            lambda c: c["cases"][0]["expected"].update(value=["1e" + "9" * 20] * 8),
            "expected an exponent of at most 18 digits",
        ),
        ("factor", lambda c: c.update(schema="lai-oracle/2"), "expected schema lai-oracle/1"),
        ("factor", lambda c: c["cases"][0].update(notes=""), "expected the fields"),
        ("factor", lambda c: c["cases"][0].pop("about"), "expected the fields"),
        ("factor", lambda c: c["cases"][0]["inputs"].update(mu="1"), "inputs: expected the fields"),
        (
            "factor",
            lambda c: c["cases"][0]["expected"].pop("slope"),
            "expected: expected the fields",
        ),
        ("factor", lambda c: c["cases"][0]["tolerance"].pop("float32"), "tolerance: expected"),
        ("factor", lambda c: c["cases"][0].pop("basic_tolerance"), "expected the fields"),
        ("factor", lambda c: c["cases"][0].update(level="strict"), "expected the fields"),
        ("factor", lambda c: c["cases"][-1].update(level="easy"), "level: expected one of basic"),
        (
            "factor",
            lambda c: c["cases"].append(c["cases"][0]),
            "expected each id once, got .* 2 times",
        ),
        (
            "factor",
            lambda c: c["cases"][0].update(id="loss/one"),
            "expected an id that starts with",
        ),
        (
            "factor",
            lambda c: c["cases"][0]["inputs"].update(lam="0.1"),
            "expected exactly a float32",
        ),
        ("factor", lambda c: c["cases"][0]["inputs"].update(lam=0.5), "decimal string, got 0.5"),
        ("factor", lambda c: c["cases"][0]["inputs"].update(k="0.5"), "expected 1 axes, got 0"),
        ("factor", lambda c: c["cases"][0]["inputs"].update(order="2"), "order: expected int"),
        ("loss", lambda c: c["cases"][0]["inputs"].update(k=[["1"], ["1", "2"]]), "unequal length"),
        ("loss", lambda c: c["cases"][0]["inputs"].update(reduction=1), "reduction: expected str"),
        ("sharded", lambda c: c["cases"][0]["inputs"].update(shards=[["0"]]), "expected integers"),
        (
            "train",
            lambda c: c["cases"][0]["inputs"]["batches"][0].update(weight="1"),
            "batches: expected the fields",
        ),
        (
            "train",
            lambda c: c["cases"][0]["inputs"]["batches"][0].update(rows=1),
            "batches: expected list",
        ),
        (
            "param_gradient",
            lambda c: c["cases"][0]["inputs"].update(loss=1),
            "loss: expected the fields",
        ),
        (
            "param_gradient",
            lambda c: c["cases"][0]["inputs"]["loss"].update(mu="1"),
            "loss: expected the fields",
        ),
    ],
)
def test_the_schema_refuses(group: str, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_file(with_change(group, change), group)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the vectors, which the module reads instead of the published ones."""
    shutil.copytree(VECTORS, tmp_path / "vectors")
    monkeypatch.setattr(module, "VECTORS", tmp_path / "vectors")
    monkeypatch.setattr(module, "MANIFEST", tmp_path / "vectors" / "SHA256SUMS")
    module._published.cache_clear()
    yield tmp_path / "vectors"
    module._published.cache_clear()


def test_a_changed_digit_is_noticed(copied: Path) -> None:
    text = (copied / "adam.json").read_text()
    (copied / "adam.json").write_text(text.replace("1", "2", 1))
    assert cases("factor")
    with pytest.raises(
        CorruptVectorsError, match=r"SHA-256 of adam\.json is not that in SHA256SUMS"
    ):
        cases("adam")


@pytest.mark.parametrize("name", ["adam.json", "SHA256SUMS"])
def test_a_missing_file_is_noticed(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(CorruptVectorsError, match="the vectors are damaged"):
        cases("adam")


@pytest.mark.fuzz
@given(st.sampled_from(GROUPS).flatmap(lambda group: documents_like(SHORTEST[group])))
def test_a_case_of_another_form_is_read_or_refused(content: Any) -> None:
    group = str(content.get("id")).split("/")[0] if isinstance(content, dict) else "factor"
    group = group if group in GROUPS else "factor"
    try:
        case = parse_case(content, group)
    except ValueError as error:
        assert str(error).startswith(group)
    else:
        assert case.id == content["id"] and case.about == content["about"]
        for bounds in (*case.tolerance.values(), *case.basic_tolerance.values()):
            assert case.expected is not None
            assert {n: shape(b) for n, b in bounds.items()} == {
                n: shape(w) for n, w in case.expected.items()
            }


@pytest.mark.fuzz
@given(st.data())
def test_damaged_vectors_are_never_read(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["SHA256SUMS", "codec.json"]))
    damage = data.draw(bytes_like((VECTORS / name).read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        for file in ("SHA256SUMS", "codec.json"):
            shutil.copy(VECTORS / file, folder)
        (Path(folder) / name).write_bytes(damage)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "VECTORS", Path(folder))
            patch.setattr(module, "MANIFEST", Path(folder) / "SHA256SUMS")
            try:
                found = module._published.__wrapped__("codec")
            except CorruptVectorsError as error:
                assert str(error).startswith("the vectors are damaged: ")
            else:
                assert list(map(repr, found)) == list(map(repr, cases("codec")))
