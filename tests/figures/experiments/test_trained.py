from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from figures.experiments import trained
from figures.experiments.inputs import digest_of
from figures.experiments.protocol import PROTOCOL, arms_of, train_all
from figures.experiments.settings import Settings
from figures.experiments.trained import CONTROL, NOISE_LEVELS, AdamW
from lai_ref import MLP, Adam, Dataset, Plain, load_california, prepare

SMALL = {"rows": 400, "pretrain_epochs": 3, "lai_epochs": 3}
VARIANTS: list[dict[str, Any]] = [{}, {"lam": 0.1}, {"mu": 1.0, "alpha": 1.0}, {"decay": 3.0}]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("out"), seeds=1, jobs=1, quick=True)


@pytest.fixture(scope="module")
def results(settings: Settings) -> list[dict[str, Any]]:
    (control,) = arms_of(settings, [0], **SMALL)
    return train_all(settings, [{**control, **variant} for variant in VARIANTS], "test")


def test_arms_of_a_seed_share_one_pretraining(
    settings: Settings, results: list[dict[str, Any]]
) -> None:
    assert len(list((settings.out / "arms").glob("pretrain-*.json"))) == 1
    assert len({str(arm["pretraining"]) for arm in results}) == 1
    assert len({arm["rmse"][-1] for arm in results}) == len(VARIANTS)


def test_only_the_arms_with_a_slope_in_their_loss_draw_points(
    results: list[dict[str, Any]],
) -> None:
    control, lai, double, decay = (arm["lai_share"] for arm in results)
    assert control == decay == 0
    assert 0 < lai < 0.05 and double == 1


def test_each_method_smooths(results: list[dict[str, Any]]) -> None:
    control, *others = (arm["slope"] for arm in results)
    assert all(slope < control for slope in others)


def test_the_path_has_the_logged_epochs_and_ends_where_the_run_does(
    results: list[dict[str, Any]],
) -> None:
    for arm in results:
        path = [*arm["pretraining"]["path"], *arm["path"]]
        rmse = [*arm["pretraining"]["rmse"], *arm["rmse"]]
        assert [point["epoch"] for point in path] == [1, 2, 3, 5]
        assert [point["rmse"] for point in path] == [rmse[0], rmse[1], rmse[2], rmse[4]]
    at_the_end = trained_to_epoch_5()
    assert at_the_end["variance"] == at_the_end["path"][-1]["variance"]
    assert at_the_end["slope"] == at_the_end["path"][-1]["slope"]


def trained_to_epoch_5() -> dict[str, Any]:
    arm = {**PROTOCOL, **CONTROL, **SMALL, "lai_epochs": 2, "seed": 0, "data": digest()}
    evaluator, epochs, path = trained.run_training(arm, None, start=None)
    return {"path": path, **evaluator.smoothness(epochs[-1].state.theta)}


def digest() -> str:
    data = load_california()
    return digest_of(data.x, data.t, data.x_test)


def test_a_further_loss_takes_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(trained.LOSSES, "absolute", lambda arm: Plain(order=1))
    arm = {**PROTOCOL, **CONTROL, **SMALL, "seed": 0, "data": digest()}
    _, epochs, _ = trained.run_training({**arm, "absolute": True, "alpha": 1.0}, None, start=None)
    # it gets its points, though it does not look at k
    assert [epoch.lai_fraction for epoch in epochs] == [0, 0, 0, 1, 1, 1]


def test_an_arm_has_one_loss() -> None:
    with pytest.raises(ValueError, match="job: expected at most one of lam, mu, got 2"):
        trained.make_loss({**PROTOCOL, **CONTROL, "lam": 0.1, "mu": 1.0})


def test_weight_decay_shrinks_weights_and_leaves_biases() -> None:
    net = MLP((2, 3, 1))
    theta = net.init(np.random.default_rng(0)) + 1
    optimizer = trained.make_optimizer({"decay": 0.5, "lr": 0.1, "dtype": "float64"}, net)
    assert isinstance(optimizer, AdamW)
    stepped, state = optimizer.step(theta, np.ones_like(theta), optimizer.init(theta))
    plain, same = Adam(lr=0.1).step(theta, np.ones_like(theta), Adam().init(theta))
    assert state.t == same.t and np.array_equal(state.m, same.m)
    for (W, b), (W0, b0), (W1, b1) in zip(
        net.unflatten(stepped), net.unflatten(theta), net.unflatten(plain), strict=True
    ):
        np.testing.assert_allclose(W, W1 - 0.1 * 0.5 * W0, rtol=1e-14)
        assert np.array_equal(b, b1)
        assert not np.array_equal(b1, b0)


# A plain line y = x · w + b, of which all is known beforehand

RNG = np.random.default_rng(3)
X = RNG.standard_normal((300, 2)) * [1.0, 50.0] + [0.0, -120.0]
DATA = Dataset(X, X[:, 0], RNG.standard_normal((90, 2)) * [2.0, 40.0] + 5, ("a", "b"), "made up")
W = np.array([0.7, -0.02])


def evaluator_and_theta(scaling: str) -> tuple[trained.Evaluator, np.ndarray[Any, Any]]:
    """The line with slopes W per raw unit, as the network of either scaling."""
    task = prepare(DATA, np.random.default_rng(0), scaling, np.float64)
    net = MLP((2, 1))
    theta = np.r_[W * (task.std if scaling == "standard" else 1.0), 0.25]
    return trained.Evaluator(net, task, DATA.x_test, {"scaling": scaling, "seed": 5}), theta


@pytest.mark.parametrize("scaling", ["standard", "raw"])
def test_variance_and_slope_are_those_of_the_line(scaling: str) -> None:
    evaluator, theta = evaluator_and_theta(scaling)
    measured = evaluator.smoothness(theta)
    assert measured["variance"] == pytest.approx(np.var(DATA.x_test @ W), rel=1e-12)
    assert measured["slope"] == pytest.approx(np.hypot(*(W * evaluator.task.std)), rel=1e-12)


@pytest.mark.parametrize("scaling", ["standard", "raw"])
def test_sensitivity_is_that_of_the_line(scaling: str) -> None:
    evaluator, theta = evaluator_and_theta(scaling)
    rows = DATA.x_test[::3]
    noise = np.abs(np.random.default_rng(5).standard_normal(len(rows)))
    expected = {
        "spread": np.abs(W) * evaluator.task.std * noise.mean(),
        "value": np.abs(W) * (np.abs(rows) * noise[:, None]).mean(axis=0),
    }
    measured = evaluator.sensitivity(theta)
    for kind, change in expected.items():
        for share, row in zip(NOISE_LEVELS, measured[kind], strict=True):
            np.testing.assert_allclose(row, share * change, rtol=1e-9)
