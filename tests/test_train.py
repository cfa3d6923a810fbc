from __future__ import annotations

import gc
import os
import pickle
import sys
import tracemalloc
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lai_ref import (
    MLP,
    Adam,
    Array,
    DivergedError,
    Epoch,
    Lai,
    Plain,
    TrainingState,
    lai_training,
    load_state,
    rmse,
    save_state,
    value_and_grad,
    value_and_grad_mixed,
)
from lai_ref.train import SAMPLINGS

NET = MLP((2, 5, 1))
N = 53
X = np.random.default_rng(1).standard_normal((N, 2))
T = np.sin(X[:, 0]) - X[:, 1]


def run(**changes: Any) -> list[Epoch]:
    settings: dict[str, Any] = {
        "loss": Lai(0.1),
        "alpha": 0.4,
        "sampling": "batches",
        "pretrain_epochs": 2,
        "lai_epochs": 3,
        "batch_size": 10,
        "rng": np.random.default_rng(5),
        "validation": (X[:20], T[:20]),
    }
    settings |= changes
    return list(lai_training(NET, X, T, **settings))


def with_entry(a: Array, value: float) -> Array:
    """A copy whose first entry is `value`."""
    a = a.copy()
    a.flat[0] = value
    return a


def same(a: TrainingState, b: TrainingState) -> bool:
    rest = [(s.epoch, s.optimizer.t, s.generator, s.sizes, s.activation) for s in (a, b)]
    arrays = [(s.theta, s.optimizer.m, s.optimizer.v) for s in (a, b)]
    return rest[0] == rest[1] and all(map(np.array_equal, *arrays))


@dataclass(frozen=True)
class Recording:
    """The plain loss; records its targets, which identify the rows, as the values of T differ."""

    needs_k: bool = False
    batches: list[Array] = field(default_factory=list)

    def evaluate(self, y: Array, t: Array, k: Any) -> tuple[Any, Array, None]:
        self.batches.append(t.copy())
        return Plain(2).evaluate(y, t)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_one_seed_gives_the_same_bits(sampling: str) -> None:
    for first, second in zip(run(sampling=sampling), run(sampling=sampling), strict=True):
        assert same(first.state, second.state)
        assert (first.train_loss, first.rmse) == (second.train_loss, second.rmse)


def test_another_seed_gives_another_network() -> None:
    other = run(rng=np.random.default_rng(6))
    assert not np.allclose(run()[-1].state.theta, other[-1].state.theta)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("stop", range(6))
def test_stopped_and_continued_equals_uninterrupted(sampling: str, stop: int) -> None:
    whole = run(sampling=sampling)
    start = None if stop == 0 else whole[stop - 1].state
    rng = np.random.default_rng(5 if stop == 0 else 99)  # not drawn from after a start
    rest = run(sampling=sampling, resume_from=start, rng=rng)
    assert [epoch.index for epoch in rest] == list(range(stop + 1, 6))
    for ours, theirs in zip(rest, whole[stop:], strict=True):
        assert same(ours.state, theirs.state)
        assert (ours.train_loss, ours.rmse, ours.lai_fraction, ours.phase) == (
            theirs.train_loss,
            theirs.rmse,
            theirs.lai_fraction,
            theirs.phase,
        )


def test_start_leaves_the_given_generator_alone() -> None:
    rng = np.random.default_rng(3)
    run(resume_from=run()[1].state, rng=rng)
    assert rng.bit_generator.state == np.random.default_rng(3).bit_generator.state


def test_a_state_is_not_changed_by_the_epochs_after_it() -> None:
    rng = np.random.default_rng(5)
    epochs = lai_training(NET, X, T, loss=Lai(0.1), batch_size=10, rng=rng)
    first = next(epochs).state
    copy = pickle.loads(pickle.dumps(first))
    next(epochs)
    assert same(first, copy)


def test_data_are_not_changed() -> None:
    x, t = X.copy(), T.copy()
    list(lai_training(NET, x, t, loss=Lai(0.1), batch_size=10, lai_epochs=1, pretrain_epochs=1,
                      rng=np.random.default_rng(0)))  # fmt: skip
    assert np.array_equal(x, X) and np.array_equal(t, T)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_no_alpha_is_plain_training_to_the_bit(sampling: str) -> None:
    without = run(sampling=sampling, alpha=0.0)
    plain = run(sampling=sampling, pretrain_epochs=5, lai_epochs=0)
    for ours, theirs in zip(without, plain, strict=True):
        assert same(ours.state, theirs.state)
        assert ours.lai_fraction == 0.0


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_lai_run_and_a_plain_run_see_the_same_batches(sampling: str) -> None:
    def batches(alpha: float) -> list[set[float]]:
        plain, lai = Recording(), Recording()
        run(sampling=sampling, alpha=alpha, plain=plain, loss=lai, batch_size=N, validation=None)
        seen = [set(batch.tolist()) for batch in plain.batches + lai.batches]
        return [seen[0], seen[1]]

    assert batches(0.0) == batches(1.0)


def test_an_epoch_is_one_step_a_batch_over_every_sample_once() -> None:
    plain = Recording()
    run(plain=plain, pretrain_epochs=2, lai_epochs=0)
    assert [len(batch) for batch in plain.batches] == [10, 10, 10, 10, 10, 3] * 2
    first, second = np.concatenate(plain.batches[:6]), np.concatenate(plain.batches[6:])
    assert sorted(first) == sorted(T) == sorted(second)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, T)


def test_samples_are_permuted_and_not_the_starts_of_batches() -> None:
    plain = Recording()
    run(plain=plain, pretrain_epochs=1, lai_epochs=0)
    position = {value: i for i, value in enumerate(T.tolist())}
    rows = [position[value] for value in plain.batches[0].tolist()]
    assert sum(b - a == 1 for a, b in pairwise(rows)) < 4


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_every_sample_gets_one_of_the_two_losses(sampling: str) -> None:
    plain, lai = Recording(), Recording()
    epochs = run(sampling=sampling, plain=plain, loss=lai, pretrain_epochs=0, lai_epochs=1)
    with_lai = np.concatenate(lai.batches)
    assert sorted(np.concatenate([*plain.batches, with_lai])) == sorted(T)
    share = len(lai.batches) / 6 if sampling == "batches" else len(with_lai) / N
    assert epochs[0].lai_fraction == pytest.approx(share, rel=1e-15)
    assert 0 < share < 1


@pytest.mark.parametrize("alpha", [0.05, 0.29, 0.5, 0.93])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_expected_share_is_alpha(sampling: str, alpha: float) -> None:
    # a batch of one sample each, so that an epoch has 53 batches; a network of two parameters
    epochs = lai_training(MLP((1, 1)), X[:, :1], T, loss=Plain(2), alpha=alpha, sampling=sampling,
                          pretrain_epochs=0, lai_epochs=100, batch_size=1,
                          rng=np.random.default_rng(8))  # fmt: skip
    shares = np.array([epoch.lai_fraction for epoch in epochs])
    if sampling == "separate":
        assert set(shares) == {np.ceil(alpha * N) / N}
        return
    if sampling == "batches":
        low = np.floor(alpha * N)
        counts = np.round(shares * N)
        assert set(counts) <= {low, low + 1}
        deviation = 0.5 / N
    else:
        deviation = np.sqrt(alpha * (1 - alpha) / N)
    assert abs(shares.mean() - alpha) < 4 * deviation / np.sqrt(len(shares))


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_whole_shares_are_exact(sampling: str, alpha: float) -> None:
    shares = {epoch.lai_fraction for epoch in run(sampling=sampling, alpha=alpha)[2:]}
    assert shares == {alpha}


def test_separate_samples_make_one_step_of_their_own_after_the_others() -> None:
    plain, lai = Recording(), Recording()
    order: list[Array] = []
    object.__setattr__(plain, "batches", order)  # of both losses, in the order of the steps
    object.__setattr__(lai, "batches", order)
    run(sampling="separate", plain=plain, loss=lai, alpha=0.2, pretrain_epochs=0, lai_epochs=2)
    # ⌈0.2 · 53⌉ = 11 samples with Lai; 42 without
    assert [len(batch) for batch in order] == [10, 10, 10, 10, 2, 11] * 2
    first, second = np.concatenate(order[:6]), np.concatenate(order[6:])
    assert sorted(first) == sorted(T) == sorted(second)
    assert set(order[5]) != set(order[11])  # drawn anew in each epoch


@pytest.mark.parametrize("n, alpha, count", [(100, 0.07, 7), (50, 0.01, 1), (100, 0.011, 2)])
def test_separate_samples_are_the_smallest_count_not_below_alpha(
    n: int, alpha: float, count: int
) -> None:
    lai = Recording()
    (epoch,) = lai_training(MLP((1, 1)), np.ones((n, 1)), np.arange(n) / n, loss=lai, alpha=alpha,
                            sampling="separate", pretrain_epochs=0, lai_epochs=1, batch_size=10,
                            rng=np.random.default_rng(0))  # fmt: skip
    assert [len(batch) for batch in lai.batches] == [count]
    assert epoch.lai_fraction == count / n


def test_separate_samples_come_last_in_the_order_of_a_plain_run() -> None:
    def order(alpha: float) -> list[float]:
        plain, lai = Recording(), Recording()
        run(sampling="separate", alpha=alpha, plain=plain, loss=lai, pretrain_epochs=0,
            lai_epochs=1, validation=None)  # fmt: skip
        return [value for batch in plain.batches + lai.batches for value in batch.tolist()]

    assert order(0.0) == order(0.2) == order(1.0)


def test_which_batches_get_lai_changes_from_epoch_to_epoch() -> None:
    plain, lai = Recording(), Recording()
    run(plain=plain, loss=lai, alpha=0.5, pretrain_epochs=0, lai_epochs=6)
    sizes = [len(batch) for batch in lai.batches]
    assert 0 < sizes.count(3) < 6  # the short last batch is among them now and then


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_one_full_batch_is_one_step_of_the_optimiser(sampling: str, alpha: float) -> None:
    loss, plain, opt = Lai(0.1), Plain(1), Adam(lr=0.01)
    start = run(batch_size=N)[1].state
    (epoch,) = run(sampling=sampling, alpha=alpha, plain=plain, optimizer=opt, batch_size=N,
                   lai_epochs=1, resume_from=start)  # fmt: skip
    value, grad = value_and_grad(NET, start.theta, X, T, loss if alpha else plain)
    theta, _ = opt.step(start.theta, grad, start.optimizer)
    assert epoch.train_loss == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(epoch.state.theta, theta, rtol=1e-9)


def test_points_of_a_batch_share_its_step_by_their_numbers() -> None:
    plain, lai, opt = Recording(), Recording(), Adam(lr=0.01)
    start = run(batch_size=N)[1].state
    again: dict[str, Any] = {
        "sampling": "points",
        "batch_size": N,
        "lai_epochs": 1,
        "resume_from": start,
    }
    run(plain=plain, loss=lai, **again)
    rows = np.isin(T, lai.batches[0])
    (epoch,) = run(optimizer=opt, **again)
    value, grad = value_and_grad_mixed(NET, start.theta, X, T, Plain(2), Lai(0.1), rows)
    theta, _ = opt.step(start.theta, grad, start.optimizer)
    assert 0 < rows.sum() < N
    assert epoch.train_loss == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(epoch.state.theta, theta, rtol=1e-9)


def test_phases_and_indices() -> None:
    epochs = run()
    assert [(epoch.index, epoch.phase) for epoch in epochs] == [
        (1, "pretrain"),
        (2, "pretrain"),
        (3, "lai"),
        (4, "lai"),
        (5, "lai"),
    ]
    assert [epoch.state.epoch for epoch in epochs] == [1, 2, 3, 4, 5]
    assert [epoch.state.optimizer.t for epoch in epochs] == [6, 12, 18, 24, 30]


def test_train_loss_is_the_mean_over_samples_also_of_a_short_batch() -> None:
    epoch = run(optimizer=Adam(lr=1e-300))[0]  # so that all steps see the same network
    e = NET.predict(epoch.state.theta, X) - T
    assert epoch.train_loss == pytest.approx(np.mean(e**2), rel=1e-12)


def test_rmse_is_that_of_the_validation_data_after_the_epoch() -> None:
    for epoch in run():
        assert epoch.rmse == rmse(NET.predict(epoch.state.theta, X[:20]), T[:20])
    assert all(epoch.rmse is None for epoch in run(validation=None))


def test_training_learns() -> None:
    epochs = run(pretrain_epochs=150, optimizer=Adam(lr=0.02))
    assert epochs[149].train_loss < 0.05 * epochs[0].train_loss


def test_dtype_of_the_data_is_kept() -> None:
    x, t = X.astype(np.float32), T.astype(np.float32)
    epochs = lai_training(NET, x, t, loss=Lai(0.1), alpha=0.5, sampling="points", lai_epochs=1,
                          pretrain_epochs=1, batch_size=10,
                          rng=np.random.default_rng(0))  # fmt: skip
    state = list(epochs)[-1].state
    assert {a.dtype for a in (state.theta, state.optimizer.m, state.optimizer.v)} == {
        np.dtype(np.float32)
    }


def test_divergence_carries_the_last_finite_state() -> None:
    x = X * 1e200  # e² overflows
    with pytest.raises(DivergedError, match="epoch 3, step 1;") as caught:
        list(lai_training(MLP((2, 1)), x, T, loss=Lai(0.1), resume_from=line_state(), batch_size=10,
                          pretrain_epochs=4, rng=np.random.default_rng(0)))  # fmt: skip
    error = caught.value
    assert (error.epoch, error.step) == (3, 1)
    assert same(error.state, line_state())
    assert np.isfinite(error.state.theta).all()


def line_state() -> TrainingState:
    """The state of a linear model after two epochs."""
    return list(lai_training(MLP((2, 1)), X, T, loss=Lai(0.1), pretrain_epochs=2, lai_epochs=0,
                             batch_size=10, rng=np.random.default_rng(0)))[-1].state  # fmt: skip


def test_divergence_by_the_last_step_of_an_epoch_is_noticed() -> None:
    with pytest.raises(DivergedError, match="epoch 1, step 1") as caught:
        run(optimizer=Adam(lr=1e308, eps=1e-300), batch_size=N, rng=np.random.default_rng(0),
            resume_from=huge_steps())  # fmt: skip
    assert np.isfinite(caught.value.state.theta).all()


def test_squares_of_gradients_that_leave_float32_are_divergence() -> None:
    x, t = X.astype(np.float32), T.astype(np.float32)
    with pytest.raises(DivergedError):
        list(lai_training(NET, x, t, loss=Lai(1e-25), alpha=1.0, pretrain_epochs=0, batch_size=10,
                          rng=np.random.default_rng(0)))  # fmt: skip


def huge_steps() -> TrainingState:
    """An untrained state whose next Adam step, at the largest lr, overflows doubles."""
    state = next(lai_training(NET, X, T, loss=Lai(0.1), batch_size=N,
                              rng=np.random.default_rng(0))).state  # fmt: skip
    m = np.full_like(state.theta, 1e10)
    moments = state.optimizer._replace(t=0, m=m, v=np.zeros_like(m))
    return state._replace(epoch=0, optimizer=moments)


def test_a_run_can_start_from_the_state_of_a_diverged_one() -> None:
    with pytest.raises(DivergedError) as caught:
        run(optimizer=Adam(lr=1e200))
    epochs = run(resume_from=caught.value.state)
    assert np.isfinite(epochs[-1].state.theta).all()


def test_diverged_error_crosses_processes() -> None:
    error = pickle.loads(pickle.dumps(DivergedError(3, 7, line_state())))
    assert (error.epoch, error.step, same(error.state, line_state())) == (3, 7, True)
    assert "epoch 3, step 7" in str(error)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 1.5}, r"alpha: expected a number in \[0, 1\], got 1.5"),
        ({"alpha": -0.1}, "alpha: expected"),
        ({"alpha": float("nan")}, "alpha: expected"),
        (
            {"sampling": "rows"},
            "sampling: expected one of 'batches', .*, got 'rows'",
        ),
        ({"batch_size": 0}, "batch_size: expected at least 1, got 0"),
        ({"batch_size": N + 1}, rf"batch_size: expected at most {N} \(all of x\), got {N + 1}"),
        ({"pretrain_epochs": -1}, "pretrain_epochs: expected at least 0, got -1"),
        ({"lai_epochs": -1}, "lai_epochs: expected at least 0"),
        ({"validation": (X, T[:5])}, r"validation\[1\]: expected shape \(53,\), got \(5,\)"),
        ({"validation": (X[:, :1], T)}, r"validation\[0\]: expected shape \(N, 2\)"),
        (
            {"loss": Lai([0.1, 0.2, 0.3])},
            "lam: expected one number or a list of D = 2, .* got a list of 3",
        ),
        (
            {"resume_from": line_state()},
            r"resume_from: expected the state of a network \(2, 5, 1\) tanh",
        ),
    ],
)
def test_bad_arguments_are_refused_at_once(changes: dict[str, Any], message: str) -> None:
    good: dict[str, Any] = {
        "loss": Lai(0.1),
        "rng": np.random.default_rng(0),
        "batch_size": 10,
    }
    with pytest.raises(ValueError, match=message):
        lai_training(NET, X, T, **(good | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rng": None}, r"rng: expected numpy\.random\.Generator, got NoneType; use"),
        ({"rng": 0}, r"rng: expected numpy\.random\.Generator, got int 0; use"),
        ({"loss": None}, r"loss: expected a Loss, such as Lai\(\) or Plain\(\), got None"),
        ({"plain": 2}, r"plain: expected a Loss, such as Lai\(\) or Plain\(\), got 2"),
        ({"loss": SimpleNamespace(evaluate=Lai().evaluate)}, r"loss: expected a Loss"),
        ({"plain": SimpleNamespace(needs_k=False)}, r"plain: expected a Loss"),
        ({"x": X.astype(complex)}, "x, t: expected real numbers to train on, got complex ones"),
        ({"t": T.astype(complex)}, "x, t: expected real numbers to train on, got complex ones"),
    ],
)
def test_arguments_of_another_type_are_refused_at_once(
    changes: dict[str, Any], message: str
) -> None:
    good: dict[str, Any] = {"x": X, "t": T, "loss": Lai(0.1), "rng": np.random.default_rng(0)}
    with pytest.raises(TypeError, match=message):
        lai_training(NET, batch_size=10, **(good | changes))


@pytest.mark.parametrize(
    ("x", "t", "message"),
    [
        (X, T[:, None], r"t: expected shape \(53,\), got \(53, 1\)"),
        (X[:, :1], T, r"x: expected shape \(N, 2\), got \(53, 1\)"),
        (X[:0], T[:0], "x: expected shape"),
        (with_entry(X, np.nan), T, r"x: expected finite numbers, got nan at index"),
        (X, with_entry(T, np.inf), r"t: expected finite numbers, got inf at index \[0\]"),
    ],
)
def test_bad_data_are_refused_at_once(x: Array, t: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lai_training(NET, x, t, loss=Lai(0.1), batch_size=10, rng=np.random.default_rng(0))


def test_a_batch_size_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(TypeError, match=r"batch_size: expected an integer, got 2\.5"):
        run(batch_size=2.5)


def test_epochs_come_one_at_a_time() -> None:
    rng = np.random.default_rng(0)
    endless = lai_training(NET, X, T, loss=Lai(0.1), pretrain_epochs=10**9, batch_size=10, rng=rng)
    assert [epoch.index for epoch in islice(endless, 2)] == [1, 2]


def memory_taken() -> tuple[int, int]:
    """Bytes that Python and NumPy have allocated, and the resident memory of the process."""
    gc.collect()
    resident = 0
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        resident = pages * os.sysconf("SC_PAGE_SIZE")
    return tracemalloc.get_traced_memory()[0], resident


@pytest.mark.slow
@pytest.mark.parametrize("kept", [False, True], ids=["not kept", "kept every 100 epochs"])
def test_5000_epochs_take_no_more_memory_than_1000(tmp_path: Path, kept: bool) -> None:
    path = tmp_path / "state.npz"
    epochs = lai_training(
        NET,
        X,
        T,
        loss=Lai(0.1),
        alpha=0.4,
        sampling="points",
        pretrain_epochs=2000,
        lai_epochs=3000,
        batch_size=N,
        validation=(X, T),
        rng=np.random.default_rng(5),
    )
    taken = []
    tracemalloc.start()
    try:
        for epoch in epochs:
            if kept and epoch.index % 100 == 0:
                save_state(path, epoch.state)
                assert same(load_state(path), epoch.state)
            if epoch.index in (1000, 5000):
                taken.append(memory_taken())
    finally:
        tracemalloc.stop()
    (before, resident_before), (after, resident_after) = taken
    assert after - before < 20_000  # 5 bytes per epoch
    assert resident_after - resident_before < 2_000_000
    assert os.listdir(tmp_path) == (["state.npz"] if kept else [])
