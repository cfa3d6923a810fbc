from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lai_ref import MLP, Adam, TrainingState, load_state, save_state
from lai_ref.state import capture_state, restore_rng
from lai_ref.support.validation import FLOATS
from tests.inputs.small_disk import filled, small_disk
from tests.inputs.strategies import bytes_like, documents_like

NET = MLP((3, 4, 1), "silu")
LARGE = MLP((8, 70, 1))  # whose arrays are longer than what zipfile reads, and checks, at one time
GENERATORS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


def a_state(
    generator: str = "PCG64", dtype: Any = np.float64, net: MLP = NET, epoch: int = 12
) -> TrainingState:
    rng = np.random.Generator(getattr(np.random, generator)(7))
    theta = net.init(rng, dtype)
    opt = Adam()
    theta, moments = opt.step(theta, np.sin(theta), opt.init(theta))
    return capture_state(net, theta, moments, rng, epoch)


@lru_cache
def content_of(net: MLP) -> bytes:
    """The file of a state of this network."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        save_state(path, a_state(net=net))
        return path.read_bytes()


def same(one: TrainingState, other: TrainingState) -> bool:
    """Equal to the bit."""
    a, b = ([s.theta, s.optimizer.m, s.optimizer.v] for s in (one, other))
    words = [s._replace(theta=0, optimizer=s.optimizer.t) for s in (one, other)]  # type: ignore[arg-type]
    return words[0] == words[1] and all(
        p.dtype == q.dtype and p.tobytes() == q.tobytes() for p, q in zip(a, b, strict=True)
    )


def check_same_or_refused(content: bytes, net: MLP, path: Path) -> None:
    """A damaged file is rejected, unless the damage is in bytes without meaning."""
    path.write_bytes(content)
    try:
        state = load_state(path)
    except ValueError as error:
        assert str(error).startswith(f"{path}: expected a checkpoint")
    else:
        assert same(state, a_state(net=net))


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
    state = capture_state(NET, np.zeros(1), Adam().init(np.zeros(1)), rng, epoch=0)
    expected = rng.permutation(50), rng.standard_normal(3)
    again = restore_rng(state)
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
    with pytest.raises(ValueError, match=r"state\.npz: expected a checkpoint"):
        load_state(path)


def test_every_flipped_byte_of_the_arrays_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    save_state(path, a_state())
    content = path.read_bytes()
    at = content.index(a_state().theta.tobytes())
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(ValueError, match="expected a checkpoint"):
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
        {"activation": "unknown"},
        {"generator": "{}"},
        {"generator": '{"bit_generator": "os"}'},
        {"generator": '{"bit_generator": "PCG64", "state": 3}'},
        {"generator": '{"bit_generator": "PCG64", "state": {"state": -1, "inc": 1}}'},
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
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, theta=np.zeros(3))
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(tmp_path / "array.npy")
    (tmp_path / "text").write_text("theta")
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(tmp_path / "text")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def test_no_pickle_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "bomb.npz", about=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(tmp_path / "bomb.npz")
    assert not (tmp_path / "exploded").exists()


def test_no_function_that_a_file_names_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(np.random, "seed", lambda: called.append("seed"))
    path = tmp_path / "state.npz"
    save_state(path, a_state()._replace(generator='{"bit_generator": "seed"}'))
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(path)
    assert called == []


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "none.npz")


def test_a_state_fits_its_own_architecture_alone() -> None:
    a_state().check_fits(NET)
    for other in (MLP((3, 4, 1), "tanh"), MLP((3, 5, 1), "silu"), MLP((3, 4, 4, 1), "silu")):
        with pytest.raises(ValueError, match="resume_from: expected the state of a network"):
            a_state().check_fits(other)


class InterruptedFile(io.BytesIO):
    """A file in memory; every write to it is interrupted, as by Ctrl-C."""

    def write(self, content: Any) -> int:
        signal.raise_signal(signal.SIGINT)
        return super().write(content)


def test_an_interrupt_waits_until_the_state_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, default_interrupts: None
) -> None:
    monkeypatch.setattr("lai_ref.state.io", SimpleNamespace(BytesIO=InterruptedFile))
    with pytest.raises(KeyboardInterrupt):
        save_state(tmp_path / "state", a_state())
    assert os.listdir(tmp_path) == ["state"]
    monkeypatch.undo()
    assert same(load_state(tmp_path / "state"), a_state())


# Files that are damaged in every way


@pytest.mark.slow
def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    content = content_of(NET)
    for length in range(len(content)):
        (tmp_path / "state").write_bytes(content[:length])
        with pytest.raises(ValueError, match="expected a checkpoint"):
            load_state(tmp_path / "state")


@pytest.mark.slow
def test_any_flipped_bit_is_noticed_or_means_nothing(tmp_path: Path) -> None:
    content = content_of(NET)
    for at in range(len(content)):
        for bit in range(8):
            flipped = content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]
            check_same_or_refused(flipped, NET, tmp_path / "state")


@pytest.mark.slow
def test_any_other_byte_or_bytes_too_many_are_noticed_or_mean_nothing(tmp_path: Path) -> None:
    content, random_ = content_of(LARGE), random.Random(1)
    for at in range(len(content)):
        other = bytes([content[at] ^ random_.randrange(1, 256)])
        check_same_or_refused(content[:at] + other + content[at + 1 :], LARGE, tmp_path / "state")
    for at in range(0, len(content), 5):
        more = random_.randbytes(random_.randint(1, 9))
        check_same_or_refused(content[:at] + more + content[at:], LARGE, tmp_path / "state")


HALF_AS_MANY_BYTES = content_of(LARGE).replace(b"<f8", b"<f4", 1)
NO_END_OF_THE_HEADER = content_of(LARGE).replace(b"(701,)", b"(701,(", 1)
TOO_MANY_FOR_ANY_MEMORY = content_of(LARGE).replace(b"(701,), }", b"(9999999999999999,), }", 1)


@pytest.mark.parametrize(
    "content",
    [HALF_AS_MANY_BYTES, NO_END_OF_THE_HEADER, TOO_MANY_FOR_ANY_MEMORY],
    ids=["half as many bytes", "no end of the header", "too many for any memory"],
)
def test_an_array_with_another_header_is_refused(tmp_path: Path, content: bytes) -> None:
    assert content not in (content_of(LARGE), content_of(NET))
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(ValueError, match="expected a checkpoint"):
        load_state(tmp_path / "state")


@pytest.mark.fuzz
@given(st.data(), st.sampled_from([LARGE, MLP((1, 1))]))
def test_a_damaged_file_is_refused_or_means_the_same(data: st.DataObject, net: MLP) -> None:
    content = data.draw(bytes_like(content_of(net)) | st.binary(max_size=64))
    with tempfile.TemporaryDirectory() as folder:
        check_same_or_refused(content, net, Path(folder) / "state")


ABOUT: dict[str, Any] = {
    "format": "lai-training-state/1",
    "epoch": 12,
    "t": 1,
    "generator": a_state().generator,
    "sizes": [3, 4, 1],
    "activation": "silu",
    "settings": "",
}
ANY_GENERATOR = st.sampled_from(GENERATORS).map(lambda name: json.loads(a_state(name).generator))
OTHER_ABOUT = documents_like(ABOUT) | ANY_GENERATOR.flatmap(documents_like).map(
    lambda generator: ABOUT | {"generator": json.dumps(generator)}
)


@pytest.mark.fuzz
@given(OTHER_ABOUT, st.none() | hnp.arrays(hnp.scalar_dtypes(), st.sampled_from([(21,), (3,), ()])))
@example(ABOUT | {"generator": '{"bit_generator": "test"}'}, None)
@example(ABOUT | {"generator": '{"bit_generator": "seed"}'}, None)
@example(ABOUT, np.zeros(21, bool))
def test_a_file_that_was_made_up_is_refused_or_is_a_state(about: Any, v: Any) -> None:
    theta = a_state().theta
    v = theta if v is None else v
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        np.savez(path, about=np.array(json.dumps(about)), theta=theta, m=theta, v=v)
        try:
            state = load_state(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: expected a checkpoint")
        else:
            net = MLP(state.sizes, state.activation)
            for a in (state.theta, *state.optimizer[1:]):
                assert a.shape == (net.n_params,) and a.dtype.char in FLOATS
                assert np.isfinite(a).all()
            assert state.epoch >= 0 and state.optimizer.t >= 0
            restore_rng(state)


# Kills and full disks

SAVING = """
import sys
from lai_ref import load_state, save_state
from tests.test_state import LARGE, a_state

states = [a_state(net=LARGE, epoch=epoch) for epoch in (1, 2)]
print("ready", flush=True)
while True:
    for state in states:
        save_state(sys.argv[1], state)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_state_is_whole_whenever_its_run_is_killed(tmp_path: Path) -> None:
    path, random_, left = tmp_path / "state.npz", random.Random(1), 0
    states = {epoch: a_state(net=LARGE, epoch=epoch) for epoch in (1, 2)}
    save_state(path, states[1])
    for _ in range(20):
        command = [sys.executable, "-c", SAVING, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(random_.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
        state = load_state(path)
        assert same(state, states[state.epoch])
        left += len(os.listdir(tmp_path)) - 1
        assert len(os.listdir(tmp_path)) <= 2  # the next run removes old temporary files
    save_state(path, states[1])
    assert os.listdir(tmp_path) == ["state.npz"]
    assert left > 0  # some were killed within writing


def test_a_full_disk_leaves_the_last_state(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", size=200_000) as disk:
        path = disk / "state.npz"
        save_state(path, a_state(net=LARGE, epoch=1))
        for free in (0, 4096, 8192):
            with filled(disk, but=free), pytest.raises(OSError, match=r"No space left.*state\.npz"):
                save_state(path, a_state(net=LARGE, epoch=2))
            assert same(load_state(path), a_state(net=LARGE, epoch=1))
            assert os.listdir(disk) == ["state.npz"]
        save_state(path, a_state(net=LARGE, epoch=2))
        assert load_state(path).epoch == 2
