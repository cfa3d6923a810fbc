"""`check_samples_independent` finds the layer that mixes the samples of a batch."""

from __future__ import annotations

from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="the port to PyTorch needs torch")
from torch import nn  # noqa: E402

from tutorials.ports.torch_check import check_samples_independent  # noqa: E402
from tutorials.ports.torch_lai import with_input_gradient  # noqa: E402


class Centred(nn.Module):  # type: ignore[misc]
    """A custom layer that mixes samples although no layer inside it does."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)

    def forward(self, x: Any) -> Any:
        h = self.linear(x)
        return h - h.mean(0)


class Shifted(nn.Module):  # type: ignore[misc]
    """Adds the batch mean to one feature and subtracts it from another: the sum does not mix."""

    def forward(self, x: Any) -> Any:
        return x + x.mean() * torch.tensor([1.0, -1.0, 0.0, 0.0])


def model(*middle: Any, first: Any = None) -> Any:
    return nn.Sequential(first or nn.Linear(3, 4), *middle, nn.Linear(4, 1), nn.Flatten(0))


@pytest.fixture
def x() -> Any:
    torch.manual_seed(0)
    return torch.randn(8, 3)


@pytest.mark.parametrize(
    ("mixing", "name"),
    [
        (model(nn.Tanh(), nn.BatchNorm1d(4)), "BatchNorm1d '2' in training mode"),
        (model(nn.Softmax(dim=0), nn.BatchNorm1d(4)), "Softmax '1' in training mode"),
        (model(first=Centred()), "Centred '0' in training mode"),
        (model(nn.BatchNorm1d(4, track_running_stats=False)).eval(), "'1' in eval mode"),
        (nn.Sequential(model(nn.BatchNorm1d(4))), "BatchNorm1d '0.1' in training mode"),
        (model(Shifted()), "Shifted '1' in training mode"),
        (lambda x: (x - x.mean(0)).tanh().sum(1), "an operation outside the modules"),
        (lambda x: x.cumsum(0).tanh().sum(1), "an operation"),  # y_j depends on i ≤ j
        (lambda x: x.flip(0).cumsum(0).flip(0).tanh().sum(1), "an operation"),  # and on i ≥ j
    ],
    ids=str,
)
def test_a_layer_that_mixes_samples_is_named(mixing: Any, name: str, x: Any) -> None:
    with pytest.raises(ValueError, match=f"samples of the batch are mixed by .*{name}"):
        check_samples_independent(mixing, x)


@pytest.mark.parametrize(
    "independent",
    [
        model(nn.GroupNorm(2, 4)),
        model(nn.LayerNorm(4)),
        model(nn.Dropout(0.5), nn.ReLU(inplace=True), nn.Dropout(0.2)),
        model(nn.BatchNorm1d(4)).eval(),
        lambda x: x.tanh().sum(1),
    ],
    ids=str,
)
def test_models_without_mixing_pass(independent: Any, x: Any) -> None:
    check_samples_independent(independent, x)


def test_attention_within_a_sample_passes_and_over_the_batch_does_not(x: Any) -> None:
    class Attention(nn.Module):  # type: ignore[misc]
        def __init__(self, batch_first: bool) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(1, 1, batch_first=batch_first)

        def forward(self, x: Any) -> Any:
            tokens = x[:, :, None]  # (N, D, 1)
            return self.attention(tokens, tokens, tokens)[0].sum(dim=(1, 2))

    check_samples_independent(Attention(batch_first=True), x)
    with pytest.raises(ValueError, match="MultiheadAttention 'attention' in training mode"):
        check_samples_independent(Attention(batch_first=False), x)


def test_what_it_raises_for_is_a_wrong_k(x: Any) -> None:
    """The sum of all ∂y_j/∂x_i is not ∂y_i/∂x_i."""
    net = model(nn.BatchNorm1d(4))
    _, k = with_input_gradient(net, x)
    own = torch.autograd.functional.jacobian(net, x)[torch.arange(8), torch.arange(8)]
    assert (k - own).abs().max() > 0.1 * own.abs().max()


def test_the_random_state_and_the_callers_tensors_are_unchanged(x: Any) -> None:
    net, state = model(nn.Dropout()), torch.get_rng_state()
    check_samples_independent(net, x)
    assert torch.equal(torch.get_rng_state(), state)
    assert not x.requires_grad and all(part.grad is None for part in net.parameters())
    with torch.no_grad():
        check_samples_independent(net, x)


def test_the_running_statistics_are_unchanged(x: Any) -> None:
    net = model(nn.BatchNorm1d(4))
    before = [part.clone() for part in net.buffers()]
    with pytest.raises(ValueError, match="BatchNorm1d"):
        check_samples_independent(net, x)
    assert all(torch.equal(a, b) for a, b in zip(net.buffers(), before, strict=True))


def test_an_input_gradient_that_is_0_or_infinite_is_rejected(x: Any) -> None:
    net = model(nn.BatchNorm1d(4))
    nn.init.zeros_(net[2].weight)
    with pytest.raises(ValueError, match="expected an input gradient k that is not 0"):
        check_samples_independent(net, x)
    with pytest.raises(ValueError, match="expected a finite input gradient k"):
        check_samples_independent(lambda x: x.sum(1) / 0, x)
    with pytest.raises(ValueError, match="mixed by BatchNorm1d"):  # Σ_j y_j is constant
        check_samples_independent(nn.Sequential(nn.BatchNorm1d(1), nn.Flatten(0)), x[:, :1])


def test_one_sample_is_rejected(x: Any) -> None:
    with pytest.raises(ValueError, match="x: expected at least 2 samples, got 1"):
        check_samples_independent(model(), x[:1])
