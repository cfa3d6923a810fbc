"""What a step computes and stores: k only where a loss depends on it, at most one chunk."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from lai_ref import Lai, Loss, Plain, value_and_grad, value_and_grad_mixed
from tests.inputs.products import Shape, product_shapes
from tests.inputs.strategies import case

# one hidden layer: D = 2 inputs, 3 units
FORWARD = [(2, 3), (3, 1)]


def forward(n: int) -> list[Shape]:
    """a_0 W_1 and a_1 w_2, for n samples."""
    return [(n, rows, columns) for rows, columns in FORWARD]


def input_gradient(n: int) -> list[Shape]:
    """u_1 W_1ᵀ."""
    return [(n, 3, 2)]


def reverse_input_gradient(n: int) -> list[Shape]:
    """v̄_0ᵀ u_1 and v̄_0 W_1."""
    return [(2, n, 3), (n, 2, 3)]


def reverse_forward(n: int) -> list[Shape]:
    """a_1ᵀ z̄_2, z̄_2 w_2ᵀ and a_0ᵀ z̄_1."""
    return [(3, n, 1), (n, 1, 3), (2, n, 3)]


def products(n: int, loss: Loss) -> list[Shape]:
    c = case(1, (3,), "tanh", n)
    return product_shapes(c.theta, lambda theta: value_and_grad(c.net, theta, c.x, c.t, loss))


def test_a_loss_without_k_computes_no_input_gradient() -> None:
    assert products(9, Plain()) == forward(9) + reverse_forward(9)


def test_a_loss_with_k_takes_three_more_products() -> None:
    more = reverse_input_gradient(9)
    assert products(9, Lai()) == forward(9) + input_gradient(9) + more + reverse_forward(9)


def test_a_mixed_batch_passes_once_and_k_is_computed_for_the_lai_samples_alone() -> None:
    c, mask = case(1, (3,), "tanh", 64), np.arange(64) % 16 == 5
    got = product_shapes(
        c.theta,
        lambda theta: value_and_grad_mixed(c.net, theta, c.x, c.t, Plain(), Lai(), mask),
    )
    more = input_gradient(4) + reverse_input_gradient(4)
    assert got == forward(64) + more + reverse_forward(64)


def test_a_mixed_batch_of_losses_without_k_computes_no_input_gradient() -> None:
    c, mask = case(1, (3,), "tanh", 9), np.arange(9) % 3 == 0
    got = product_shapes(
        c.theta,
        lambda theta: value_and_grad_mixed(c.net, theta, c.x, c.t, Plain(), Plain(1), mask),
    )
    assert got == forward(9) + reverse_forward(9)


def test_a_large_batch_is_computed_twice_in_chunks_but_for_the_last_one() -> None:
    n = 1024
    there = [*forward(n), *input_gradient(n)]
    back = [*reverse_input_gradient(n), *reverse_forward(n)]
    last = 452
    there_last = [*forward(last), *input_gradient(last)]
    back_last = [*reverse_input_gradient(last), *reverse_forward(last)]
    assert products(2 * n + last, Lai()) == (
        there + there + there_last + back_last + there + back + there + back
    )


def test_predictions_are_computed_a_chunk_at_a_time() -> None:
    n = 4096
    c = case(1, (3,), "tanh", 2 * n + 8)
    got = product_shapes(c.theta, lambda theta: c.net.predict(theta, c.x))
    assert got == forward(n) + forward(n) + forward(8)


STEP = """
import resource, sys
import numpy as np
from lai_ref import MLP, Lai, value_and_grad
rng, net = np.random.default_rng(0), MLP((8, 64, 32, 1))
x = rng.standard_normal((1_000_000, 8), sys.argv[1])
t = rng.standard_normal(len(x), sys.argv[1])
_, grad = value_and_grad(net, net.init(rng, x.dtype), x, t, Lai(0.1, reduction=sys.argv[2]))
assert grad.dtype == x.dtype and np.isfinite(grad).all()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak // (1024 if sys.platform == "linux" else 1024**2))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not count resources so")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["batch", "sample"])
def test_step_of_a_million_samples_takes_less_than_a_gibibyte(dtype: str, reduction: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", STEP, dtype, reduction], capture_output=True, text=True, check=True
    )
    print(f"{int(run.stdout)} MiB")
    assert int(run.stdout) < 1024
