"""Common uses of the port to PyTorch: print, save and copy the loss, and train with it."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from torch import nn  # noqa: E402

from tutorials.ports.torch_lai import LaiLoss, lai_factor, with_input_gradient  # noqa: E402
from tutorials.ports.torch_lai_training import batch_loss  # noqa: E402

SETTINGS: dict[str, Any] = {"lam": [0.2, 2.5], "order": 1, "l1_ratio": 0.25, "reduction": "sample"}


def make_model(d: int = 2, outputs: int = 1) -> Any:
    torch.manual_seed(0)
    layers = nn.Linear(d, 4), nn.Tanh(), nn.Linear(4, outputs)
    return nn.Sequential(*layers, *[nn.Flatten(0)] * (outputs == 1)).double()


def data(n: int = 12, d: int = 2) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, d, dtype=torch.float64, generator=generator)
    return x, x[:, 0].sin() + x[:, 1]


def gradient(model: Any) -> Any:
    return torch.cat([part.grad.flatten() for part in model.parameters()])


def lai(loss: Any, model: Any, x: Any, t: Any) -> Any:
    y, k = with_input_gradient(model, x)
    return loss(y, t, k)


@pytest.mark.parametrize("lam", [0.1, [0.2, 2.5], torch.tensor([0.25, 2.5]), np.array([0.2, 2.5])])
def test_its_repr_shows_the_settings(lam: Any) -> None:
    shown = lam.tolist() if hasattr(lam, "tolist") else lam
    expected = f"LaiLoss(lam={shown}, order=2, l1_ratio=0.0, reduction='batch')"
    assert repr(LaiLoss(lam)) == expected


def test_the_state_holds_the_settings_and_restores_them() -> None:
    file = io.BytesIO()
    torch.save(nn.ModuleDict({"loss": LaiLoss(**SETTINGS)}).state_dict(), file)
    file.seek(0)
    module = nn.ModuleDict({"loss": LaiLoss()})
    module.load_state_dict(torch.load(file, weights_only=True))
    assert repr(module["loss"]) == repr(LaiLoss(**SETTINGS))


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))], ids=["deep", "pickle"]
)
def test_a_copy_behaves_as_the_original(copied: Any) -> None:
    (x, t), model, loss = data(), make_model(), LaiLoss(**SETTINGS)
    twin = copied(loss)
    assert torch.equal(lai(loss, model, x, t), lai(twin, model, x, t))
    for one in (loss, twin):  # a mean of nothing is an error in both
        with pytest.raises(ValueError, match="expected"):
            one(torch.zeros(0), torch.zeros(0), torch.zeros(0, 2))
    assert repr(loss) == repr(twin)


def test_a_lam_that_is_a_parameter_is_loaded_as_one() -> None:
    saved, loss = (LaiLoss(nn.Parameter(torch.tensor(v))) for v in (0.3, 0.1))
    loss.load_state_dict(saved.state_dict())
    assert isinstance(loss.lam, nn.Parameter) and loss.lam.item() == pytest.approx(0.3)


def test_lbfgs_minimises_it() -> None:
    (x, t), model, loss = data(), make_model(), LaiLoss(0.3)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=20, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        value = lai(loss, model, x, t)
        value.backward()
        return value

    first = optimizer.step(closure).item()
    values = [optimizer.step(closure).item() for _ in range(3)]
    assert values[-1] < 0.2 * first and sorted(values, reverse=True) == values


@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_gradient_accumulation_has_the_gradient_of_the_whole_batch(reduction: str) -> None:
    """With micro-batches of unequal sizes: first the mean c of the terms, then the gradients."""
    (x, t), model, loss = data(), make_model(), LaiLoss(0.3, l1_ratio=0.25, reduction=reduction)
    lai(loss, model, x, t).backward()
    expected = gradient(model)
    model.zero_grad()
    micro_batches = list(zip(x.split(5), t.split(5), strict=True))

    def part_of_mean(x: Any, t: Any, n: int = len(x)) -> Any:
        y, k = with_input_gradient(model, x)
        return loss.terms(y, t, k).sum(0) / n

    with torch.no_grad():
        c = sum(part_of_mean(*each) for each in micro_batches)
    for each in micro_batches:
        part = part_of_mean(*each)
        loss.of_mean(c + part - part.detach()).backward()
    torch.testing.assert_close(gradient(model), expected, rtol=1e-13, atol=1e-15)
    model.zero_grad()
    for each in micro_batches:  # ordinary accumulation, correct only for the mean of norms
        (lai(loss, model, *each) * len(each[0]) / len(x)).backward()
    assert torch.allclose(gradient(model), expected, rtol=1e-13) == (reduction == "sample")


def test_gradients_can_be_clipped() -> None:
    (x, t), model = data(), make_model()
    lai(LaiLoss(), model, x, t).backward()
    whole = gradient(model)
    norm = nn.utils.clip_grad_norm_(model.parameters(), 0.01)
    torch.testing.assert_close(norm, whole.norm())
    torch.testing.assert_close(gradient(model), whole * (0.01 / (norm + 1e-6)))


def test_only_numerical_features_have_an_input_gradient_beside_categories() -> None:
    class Mixed(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.net = nn.Embedding(3, 2).double(), make_model(4)

        def forward(self, numbers: Any, category: Any) -> Any:
            return self.net(torch.cat([numbers, self.embedding(category)], dim=1))

    (x, t), category = data(), torch.arange(12) % 3
    model, loss = Mixed(), LaiLoss([0.2, 2.5])  # one λ per numerical feature
    y, k = with_input_gradient(lambda x: model(x, category), x)
    assert k.shape == (12, 2)
    loss(y, t, k).backward()
    assert all(part.grad.abs().max() > 0 for part in model.parameters())
    mask = torch.ones(12, dtype=torch.bool)
    value = batch_loss(lambda x: model(x, category), x, t, mask, loss)
    torch.testing.assert_close(value, loss(y, t, k))
    # one tensor with both: use the numerical columns of k
    y, k = with_input_gradient(
        make_model(4), torch.cat([x, nn.functional.one_hot(category)[:, 1:]], 1)
    )
    assert loss(y, t, k[:, :2]).isfinite()


def test_images_have_an_input_gradient_with_one_entry_per_pixel() -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(2 * 2 * 3, 1), nn.Flatten(0)
    model, x, t = nn.Sequential(*layers), torch.randn(6, 1, 4, 5), torch.randn(6)
    y, k = with_input_gradient(model, x)
    assert k.shape == x.shape
    value = LaiLoss()(y, t, k)
    assert torch.equal(value, LaiLoss()(y, t, k.reshape(6, 20)))
    lams = torch.linspace(0.1, 2, 20)
    torch.testing.assert_close(
        LaiLoss(lams, l1_ratio=1.0)(y, t, k),
        ((y - t).square()[:, None] * lai_factor(k.flatten(1), lams)).mean(0).sum(),
    )
    value.backward()


def test_several_outputs_raise_an_error_with_advice() -> None:
    (x, t), model, loss = data(), make_model(outputs=2), LaiLoss()
    mask = torch.ones(12, dtype=torch.bool)
    calls: list[Callable[[], Any]] = [
        lambda: with_input_gradient(model, x),
        lambda: batch_loss(model, x, t, mask, loss),
    ]
    for call in calls:
        advice = r"\(12,\), got \(12, 2\).*lambda x: model\(x\)\[:, j\]"
        with pytest.raises(ValueError, match=advice):
            call()
    total: Any = sum(lai(loss, lambda x, j=j: model(x)[:, j], x, t) for j in range(2))
    total.backward()
    assert all(part.grad.abs().max() > 0 for part in model.parameters())


@pytest.mark.parametrize("compiled", [False, True])
def test_no_value_is_checked_outside_the_cpu(compiled: bool) -> None:
    """Tensors on the device "meta" have no values: reading one raises an error."""
    model, x, t = make_model().to("meta"), *(a.to("meta") for a in data())
    mask = torch.ones(12, dtype=torch.bool, device="meta")
    step = torch.compile(batch_loss, backend="eager", fullgraph=True) if compiled else batch_loss
    for lam in (0.1, [0.2, 2.5], torch.tensor([0.2, 2.5], device="meta")):
        step(model, x, t, mask, LaiLoss(lam)).backward()
    with pytest.raises(ValueError, match="lam: expected finite numbers above 0, got -1"):
        LaiLoss(-1.0)(t, t, x)  # a Python number is on no device
    with torch.autograd.set_detect_anomaly(True), pytest.raises(Exception, match="meta"):
        lai_factor(x, 0.1)


@pytest.mark.parametrize("output", [lambda y: (y,), lambda y: {"y": y}, lambda y: y[:-1]])
def test_an_output_that_is_no_tensor_of_one_number_per_sample_is_rejected(output: Any) -> None:
    (x, _), model = data(), make_model()
    with pytest.raises(ValueError, match=r"a tensor \(12,\), got"):
        with_input_gradient(lambda x: output(model(x)), x)


@pytest.mark.parametrize("shape", [(12, 1), (1,), ()])
def test_weights_of_another_shape_are_rejected(shape: tuple[int, ...]) -> None:
    (x, t), model, loss = data(), make_model(), LaiLoss()
    with pytest.raises(ValueError, match="w: expected the shape of y"):
        loss(t, t, x, torch.ones(shape))
    with pytest.raises(ValueError, match="expected"):
        batch_loss(model, x, t, torch.ones(shape, dtype=torch.bool), loss)


def test_a_model_that_changes_its_input_in_place_is_rejected() -> None:
    """k would be computed at the changed input; for a leaf torch itself raises an error."""
    (x, _), model = data(), make_model()
    encoded = nn.Linear(2, 2).double()(x)
    with pytest.raises(ValueError, match="expected x unchanged, got x changed in place"):
        with_input_gradient(lambda x: model(x.mul_(3)), encoded)


def test_nan_and_infinity_propagate_through_the_loss() -> None:
    (x, t), loss = data(), LaiLoss()
    for bad in (float("nan"), float("inf")):
        y = t.clone()
        y[0] = bad
        for rho, reduction in product((0.0, 0.5), ("batch", "sample")):
            value = LaiLoss(0.1, 2, rho, reduction)(y, t, x).item()
            assert np.isnan(value) if np.isnan(bad) else value == bad
    # ‖c‖₂ is finite where ‖c‖₁ is not
    e, k = torch.full((1,), 1e19), torch.zeros(1, 8)
    assert LaiLoss(1.0)(e, 0 * e, k).item() == pytest.approx(8**0.5 * 1e38)
    assert loss(t, t, x).item() == 0
