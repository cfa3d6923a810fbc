from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lai_ref import MLP, Adam, TrainingState, load_state, save_state
from lai_ref.state import generator_of, state_of

NET = MLP((3, 4, 1), "silu")
GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


def a_state(generator: str = "PCG64", dtype: Any = np.float64) -> TrainingState:
    rng = np.random.Generator(getattr(np.random, generator)(7))
    theta = NET.init(rng, dtype)
    opt = Adam()
    theta, moments = opt.step(theta, np.sin(theta), opt.init(theta))
    return state_of(NET, theta, moments, rng, epoch=12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("generator", GENERATORS)
def test_a_saved_state_comes_back_to_the_bit(tmp_path: Path, generator: str, dtype: Any) -> None:
    state = a_state(generator, dtype)
    save_state(tmp_path / "state.npz", state)
    back = load_state(tmp_path / "state.npz")
    assert back.optimizer.t == state.optimizer.t
    assert np.array_equal(back.optimizer.m, state.optimizer.m)
    assert np.array_equal(back.optimizer.v, state.optimizer.v)
    assert np.array_equal(back.theta, state.theta) and back.theta.dtype == dtype
    assert (back.epoch, back.generator) == (state.epoch, state.generator)
    assert (back.sizes, back.activation) == ((3, 4, 1), "silu")


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_generator_goes_on_where_it_was(generator: str) -> None:
    rng = np.random.Generator(getattr(np.random, generator)(7))
    rng.integers(5, size=3, dtype=np.uint8)  # leaves half a draw in some generators
    state = state_of(NET, np.zeros(1), Adam().init(np.zeros(1)), rng, epoch=0)
    expected = rng.permutation(50), rng.standard_normal(3)
    again = generator_of(state)
    assert np.array_equal(again.permutation(50), expected[0])
    assert np.array_equal(again.standard_normal(3), expected[1])


def test_saving_replaces_the_file_and_leaves_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, a_state())
    save_state(path, a_state()._replace(epoch=13))
    assert load_state(path).epoch == 13
    assert os.listdir(tmp_path) == ["state.npz"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "state.npz"
    save_state(path, a_state())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"state\.npz: expected a training state"):
        load_state(path)


def test_every_flipped_byte_of_the_arrays_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, a_state())
    content = path.read_bytes()
    at = content.index(a_state().theta.tobytes())
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(path)


def rewritten(path: Path, **changes: Any) -> None:
    with np.load(path) as file:
        entries = dict(file)
    about = json.loads(str(entries["about"]))
    about |= {name: changes.pop(name) for name in list(changes) if name in about}
    np.savez(path, **(entries | {"about": np.array(json.dumps(about))} | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "lai-training-state/2"},
        {"sizes": [3, 5, 1]},
        {"activation": "sine"},
        {"generator": "{}"},
        {"generator": '{"bit_generator": "os"}'},
        {"generator": '{"bit_generator": "PCG64", "state": 3}'},
        {"epoch": -1},
        {"t": -1},
        {"theta": np.full(21, np.nan)},
        {"v": np.full(21, np.inf)},
        {"theta": np.zeros(3)},
        {"m": np.zeros(3)},
        {"v": np.zeros((21, 1))},
        {"about": np.array("no JSON")},
        {"about": np.array("[1]")},
    ],
)
def test_a_file_that_says_something_else_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = tmp_path / "state.npz"
    save_state(path, a_state())
    rewritten(path, **changes)
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, theta=np.zeros(3))
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(tmp_path / "array.npy")
    (tmp_path / "text").write_text("theta")
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(tmp_path / "text")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def test_no_pickle_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "bomb.npz", about=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="expected a training state"):
        load_state(tmp_path / "bomb.npz")
    assert not (tmp_path / "exploded").exists()


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "none.npz")


def test_a_state_fits_its_own_architecture_alone() -> None:
    a_state().check_fits(NET)
    for other in (MLP((3, 4, 1), "tanh"), MLP((3, 5, 1), "silu"), MLP((3, 4, 4, 1), "silu")):
        with pytest.raises(ValueError, match="start: expected the state of a network"):
            a_state().check_fits(other)


def test_an_interrupt_within_writing_is_still_an_interrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **arrays: object) -> None:
        try:
            raise KeyboardInterrupt
        finally:
            np.zeros(2).reshape(3)  # a ValueError of its own, as zipfile's close has

    monkeypatch.setattr(np, "savez", stopped)
    with pytest.raises(KeyboardInterrupt):
        save_state(tmp_path / "state", a_state())
    assert list(tmp_path.iterdir()) == []
