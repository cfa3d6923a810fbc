# %% [markdown]
# # 10 · Many workers: the gradient of a batch that no single worker holds
#
# - **Question:** Each of W workers has a part of the batch. How do they get the gradient of the
#   whole batch?
# - **Prerequisites:** Tutorials 05, 06, 07 and 09; PyTorch and JAX: `pip install -e ".[backends]"`
# - **You will learn to** see what the average of the workers' gradients misses, derive what they
#   must exchange, and train with 1, 2 and 4 processes to the same parameters.
# - **Minutes:** 45

# %%
import inspect
import os
import subprocess
import sys
import tempfile
import textwrap
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import (
    MLP,
    Adam,
    Lai,
    Plain,
    lai_factor,
    lai_factor_derivative,
    lai_training,
    oracle,
    value_and_grad,
    value_and_grad_mixed,
)
from lai_ref.support.terminal import replace_unprintable

if not (find_spec("torch") and find_spec("jax")):
    raise SystemExit('This tutorial needs PyTorch and JAX: pip install -e ".[backends]"')

import jax
from jax.sharding import Mesh
from ports import torch_workers
from ports.jax_backend import network
from ports.jax_lai import lai_loss
from ports.jax_workers import pad_shards, sharded_loss
from ports.jax_workers_backend import DevicesBackend

jax.config.update("jax_platforms", "cpu")  # also where there is a GPU
jax.config.update("jax_num_cpu_devices", 4)  # before JAX first computes
jax.config.update("jax_enable_x64", True)
replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#E69F00", "#777777"

# %% [markdown]
# ## What does each worker do in standard training?
#
# Training is *data parallel* if each worker has a copy of the whole network, but only a part of
# every batch. A worker is a process, often with a GPU of its own. Its part of the batch is called a
# *shard*. There are W workers. The batch has N samples, and shard w has n_w of them: N = Σ_w n_w.
#
# In standard data-parallel training each worker computes the gradient of the loss on its own shard,
# and the optimizer step uses the average of these gradients. How far is this average from the
# gradient of the batch?
#
# We measure it. The data are synthetic, with D = 3 features.

# %%
rng = np.random.default_rng(1)


def draw(n):
    """n samples: x (n, D) and t (n,)."""
    x = rng.uniform(-2, 2, (n, 3))
    t = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2 + rng.normal(0, 0.5, n)
    return x, t


x, t = draw(120)

# %% [markdown]
# The network is pretrained by 100 epochs of MSE, the default of `lai_training`. All gradients below
# are taken at the parameters θ that it ends with, and the training below starts there.

# %%
net = MLP((3, 8, 1), "tanh")
settings = {"batch_size": 30, "optimizer": Adam(lr=0.01), "rng": np.random.default_rng(0)}
*_, pretrained = lai_training(net, x, t, loss=Plain(2), lai_epochs=0, **settings)
theta = pretrained.state.theta  # (P,)

# %% [markdown]
# ## Is the average of the workers' gradients the gradient of the batch?
#
# A shard is an array of indices: worker w has the samples `x[shard]`, `t[shard]`. Here 32 samples
# are split over W = 4 workers. The shards are equal (8 + 8 + 8 + 8) or unequal (3 + 5 + 12 + 12).

# %%
batch = np.arange(32)
equal_shards = np.split(batch, 4)
unequal_shards = np.split(batch, [3, 8, 20])


def gradient(x, t, loss):
    """∂L/∂θ of all samples in x (n, D) and t (n,): (P,)."""
    _, grad = value_and_grad(net, theta, x, t, loss)
    return grad


def average_of_gradients(x, t, shards, loss):
    """What standard data-parallel training uses: (P,)."""
    grads = [gradient(x[shard], t[shard], loss) for shard in shards]
    return np.mean(grads, axis=0)


def relative_error(g, g_ref):
    """‖g − g_ref‖/‖g_ref‖, of vectors or of each row of matrices."""
    return np.linalg.norm(g - g_ref, axis=-1) / np.linalg.norm(g_ref, axis=-1)


# %% [markdown]
# We compare three losses: MSE, and the Lai loss with both reductions of tutorial 06. The sample
# reduction is the mean of the norms of the samples' losses, the batch reduction the norm of the
# mean loss.

# %%
lam = 0.1
losses = {
    "MSE": Plain(2),
    "Lai, sample": Lai(lam, reduction="sample"),
    "Lai, batch": Lai(lam, reduction="batch"),
}
error_equal = {}
error_unequal = {}
for name, loss in losses.items():
    of_batch = gradient(x[batch], t[batch], loss)  # (P,)
    of_equal = average_of_gradients(x, t, equal_shards, loss)  # (P,)
    of_unequal = average_of_gradients(x, t, unequal_shards, loss)  # (P,)
    error_equal[name] = relative_error(of_equal, of_batch)
    error_unequal[name] = relative_error(of_unequal, of_batch)
    equal, unequal = error_equal[name], error_unequal[name]
    print(f"{name:11} relative error {equal:.3f} with equal shards, {unequal:.3f} with unequal")
# > MSE         relative error 0.000 with equal shards, 0.436 with unequal
# > Lai, sample relative error 0.000 with equal shards, 0.422 with unequal
# > Lai, batch  relative error 0.064 with equal shards, 0.460 with unequal

# Check
assert error_equal["MSE"] < 1e-14
assert error_equal["Lai, sample"] < 1e-14
assert error_equal["Lai, batch"] > 0.05
assert min(error_unequal.values()) > 0.3

# %% [markdown]
# (Here and below, an error printed as 0.000 is a rounding error: the checks allow 1e-14 for a
# gradient, 1e-12 for θ after training.)
#
# The average is wrong for all three losses if the shards are unequal. For the Lai loss with the
# batch reduction, the default, it is wrong even if they are equal. These are two different errors.
# To separate them, we write both gradients as sums over samples.

# %% [markdown]
# ## The gradient of the batch, shard by shard
#
# Let ℓ_i (D,) be the losses of sample i per feature, and M the norm over the features (tutorial
# 06). The loss of the batch is the norm of the mean c. Its gradient θ̄ = ∂L/∂θ (the adjoint of θ)
# follows from the chain rule. We write Σ_{i∈w} for the sum over the samples of shard w:
#
#     c = (1/N) Σ_i ℓ_i      L = M(c)      s_j(c) = ∂M/∂c_j
#     ∂L/∂θ = Σ_j s_j(c) ∂c_j/∂θ = Σ_w Σ_{i∈w} Σ_j (1/N) s_j(c) ∂ℓ_ij/∂θ
#
# In this tutorial p = 2 and ρ = 0, so that
#
#     ℓ_ij = e_i² F_ij      M(c) = ‖c‖      s(c) = c/‖c‖


# %%
def losses_per_feature(x, t, shard):
    """ℓ of the samples of a shard: (n_w, D)."""
    y, tape = net.forward(theta, x[shard])  # y (n_w,)
    k, _ = net.input_gradient(tape)  # k (n_w, D)
    e = y - t[shard]  # (n_w,)
    F = lai_factor(k, lam)  # (n_w, D)
    return e[:, None] ** 2 * F


def s_of(c):
    """The derivative of the norm of c (D,): (D,)."""
    return c / np.linalg.norm(c)


# %% [markdown]
# The *contribution* of a worker to θ̄ is the sum over its own samples. The function below has two
# arguments for what we vary later: the weight of a sample, which is 1/N in θ̄, and s.
#
#     contribution = Σ_{i∈w} Σ_j weight s_j ∂ℓ_ij/∂θ
#
# No ∂ℓ_ij/∂θ has to be computed by itself. The double backward pass of tutorial 05 gives the sum,
# from the loss gradients
#
#     ȳ_i = Σ_j weight s_j ∂ℓ_ij/∂y_i = weight 2 e_i Σ_j F_ij s_j
#     k̄_ij = weight s_j ∂ℓ_ij/∂k_ij = weight s_j e_i² F'_ij


# %%
def contribution(x, t, shard, s, weight):
    """Σ_{i∈w} Σ_j weight s_j ∂ℓ_ij/∂θ, for the samples of a shard: (P,)."""
    y, tape = net.forward(theta, x[shard])  # y (n_w,)
    k, k_tape = net.input_gradient(tape)  # k (n_w, D)
    e = y - t[shard]  # (n_w,)
    F = lai_factor(k, lam)  # (n_w, D)
    dF = lai_factor_derivative(k, lam)  # (n_w, D)
    dy = weight * 2 * e * (F @ s)  # (n_w, D) @ (D,) = (n_w,)
    dk = weight * s * e[:, None] ** 2 * dF  # (n_w, D)
    return net.double_backward(k_tape, dy, dk)


# %% [markdown]
# With the c of the whole batch the contributions add up to θ̄, however the batch is cut.

# %%
N = len(batch)
c = losses_per_feature(x, t, batch).mean(axis=0)  # (D,)
sum_equal = sum(contribution(x, t, shard, s_of(c), 1 / N) for shard in equal_shards)
sum_unequal = sum(contribution(x, t, shard, s_of(c), 1 / N) for shard in unequal_shards)
theta_bar = gradient(x[batch], t[batch], Lai(lam))  # (P,)
print(f"equal shards: relative error {relative_error(sum_equal, theta_bar):.3f}")
print(f"unequal shards: relative error {relative_error(sum_unequal, theta_bar):.3f}")
# > equal shards: relative error 0.000
# > unequal shards: relative error 0.000

# Check
assert relative_error(sum_equal, theta_bar) < 1e-14
assert relative_error(sum_unequal, theta_bar) < 1e-14

# %% [markdown]
# ## What does the average contain instead?
#
# Each worker takes the mean c^w of its own losses, and the gradient of M(c^w). (The w is an index,
# not a power; `c_w` in code.) The average of these gradients is
#
#     c^w = (1/n_w) Σ_{i∈w} ℓ_i
#     (1/W) Σ_w ∂M(c^w)/∂θ = Σ_w Σ_{i∈w} Σ_j (1/(W n_w)) s_j(c^w) ∂ℓ_ij/∂θ
#
# Compare it with θ̄. Two factors differ:
#
# - *The weight.* 1/(W n_w) is 1/N only if all shards have the same length. In a short shard each
#   sample counts more. This error affects every loss, MSE too.
# - *The norm.* s(c^w) is not s(c): the average has the gradient of a mean of norms, not of the norm
#   of the mean. There is no difference for D = 1 or ρ = 1, where s = 1 for every c. The sample
#   reduction does not have this error either: it *is* a mean of norms.
#
# `contribution` takes both factors as arguments. So we can make each error alone. With both errors,
# the sum of the contributions is the average of the gradients.


# %%
def sum_of_contributions(shards, own_weight, own_norm):
    """The gradient of the batch, with none, one or both of the errors: (P,)."""
    grad = np.zeros(net.n_params)
    for shard in shards:
        c_w = losses_per_feature(x, t, shard).mean(axis=0)  # (D,)
        weight = 1 / (len(shards) * len(shard)) if own_weight else 1 / N
        s = s_of(c_w) if own_norm else s_of(c)  # (D,)
        grad += contribution(x, t, shard, s, weight)
    return grad


both_equal = sum_of_contributions(equal_shards, own_weight=True, own_norm=True)
both_unequal = sum_of_contributions(unequal_shards, own_weight=True, own_norm=True)

# Check
average_equal = average_of_gradients(x, t, equal_shards, Lai(lam))
average_unequal = average_of_gradients(x, t, unequal_shards, Lai(lam))
assert relative_error(both_equal, average_equal) < 1e-14
assert relative_error(both_unequal, average_unequal) < 1e-14

# %%
cases = {"weight alone": (True, False), "norm alone": (False, True), "both": (True, True)}
error_cases = {}
for name, (own_weight, own_norm) in cases.items():
    for kind, shards in {"equal": equal_shards, "unequal": unequal_shards}.items():
        with_errors = sum_of_contributions(shards, own_weight, own_norm)
        error_cases[name, kind] = relative_error(with_errors, theta_bar)
    equal, unequal = error_cases[name, "equal"], error_cases[name, "unequal"]
    print(f"{name:12} relative error {equal:.3f} with equal shards, {unequal:.3f} with unequal")
# > weight alone relative error 0.000 with equal shards, 0.436 with unequal
# > norm alone   relative error 0.064 with equal shards, 0.049 with unequal
# > both         relative error 0.064 with equal shards, 0.460 with unequal

# Check
assert error_cases["weight alone", "equal"] < 1e-14
assert error_cases["norm alone", "equal"] > 0.05

# %% [markdown]
# The line "both" agrees with the line "Lai, batch" of the first table. With equal shards the error
# comes from the norm alone.

# %% [markdown]
# ## What must the workers exchange?
#
# A worker lacks only two things, N and c. Both follow from sums over the workers:
#
#     N = Σ_w n_w      c = (1/N) Σ_w Σ_{i∈w} ℓ_i
#
# So each worker sends Σ_{i∈w} ℓ_i and n_w, which are D + 1 numbers. An *all-reduce* is the
# operation that adds the arrays of all workers and gives the sum to each of them. After it every
# worker computes s(c), and its contribution to θ̄. The *sum* of the contributions, not their
# average, is θ̄. A second all-reduce adds them up, of P numbers each. Standard training needs one
# like it, for its average.
#
# Here a loop over the shards simulates the workers. (Real workers keep y and k from the first pass.
# Ours compute them again.)


# %%
def sharded_gradient(x, t, shards):
    """∂L/∂θ of the batch that the shards make up: (P,)."""
    sum_of_losses = np.zeros(x.shape[1])  # (D,)
    n_total = 0
    for shard in shards:  # the first all-reduce: D + 1 numbers
        sum_of_losses += losses_per_feature(x, t, shard).sum(axis=0)
        n_total += len(shard)
    s = s_of(sum_of_losses / n_total)  # (D,), the same on all workers
    grad = np.zeros(net.n_params)
    for shard in shards:  # the second all-reduce: P numbers
        grad += contribution(x, t, shard, s, 1 / n_total)
    return grad


exchanged_equal = sharded_gradient(x, t, equal_shards)
exchanged_unequal = sharded_gradient(x, t, unequal_shards)
print(f"equal shards: relative error {relative_error(exchanged_equal, theta_bar):.3f}")
print(f"unequal shards: relative error {relative_error(exchanged_unequal, theta_bar):.3f}")
# > equal shards: relative error 0.000
# > unequal shards: relative error 0.000

# Check
assert relative_error(exchanged_equal, theta_bar) < 1e-14
assert relative_error(exchanged_unequal, theta_bar) < 1e-14

# %% [markdown]
# ## How large is the error of the norm?
#
# Let the shards be equal, so that only the norm is wrong. Let δ_w (D,) and Δ_w (D, P) be the
# deviations of shard w from the batch. Over equal shards they have the mean 0:
#
#     c^w = c + δ_w      ∂c^w/∂θ = ∂c/∂θ + Δ_w      Σ_w δ_w = 0      Σ_w Δ_w = 0
#
# To first order s(c + δ_w) = s + s' δ_w, with s' = ∂s/∂c (D, D). The average of the gradients is
# then
#
#     (1/W) Σ_w (s + s' δ_w)·(∂c/∂θ + Δ_w) = s·∂c/∂θ + (1/W) Σ_w (s' δ_w)·Δ_w
#
# The terms with δ_w or Δ_w alone have the sum 0. So the error is a mean of products. (The second
# order of s adds products of two δ_w, which are as small.)
#
# If the data are shuffled, c^w is a mean over n_w random samples. Then δ_w and Δ_w are of order
# 1/√n_w, and their products are of order 1/n_w = W/N. If the data are sorted and each worker reads
# its own section, δ_w and Δ_w need not become small as n_w grows.
#
# We test this with a batch of 4096 samples on W = 2 … 256 workers, five times.

# %%
worker_counts = 2 ** np.arange(1, 9)  # (8,)
error_shuffled = np.zeros((5, 8))
error_sorted = np.zeros((5, 8))
error_exchanged = np.zeros((5, 8))
for repeat in range(5):
    x_large, t_large = draw(4096)
    expected = gradient(x_large, t_large, Lai(lam))  # (P,)
    shuffled = np.arange(4096)  # as drawn, in random order
    by_x1 = np.argsort(x_large[:, 0])  # sorted by the first feature
    for column, W in enumerate(worker_counts):
        average = average_of_gradients(x_large, t_large, np.split(shuffled, W), Lai(lam))
        error_shuffled[repeat, column] = relative_error(average, expected)
        average = average_of_gradients(x_large, t_large, np.split(by_x1, W), Lai(lam))
        error_sorted[repeat, column] = relative_error(average, expected)
        exchanged = sharded_gradient(x_large, t_large, np.split(by_x1, W))
        error_exchanged[repeat, column] = relative_error(exchanged, expected)

# %%
median_shuffled = np.median(error_shuffled, axis=0)  # (8,)
median_sorted = np.median(error_sorted, axis=0)  # (8,)
median_exchanged = np.median(error_exchanged, axis=0)  # (8,)
power, _ = np.polyfit(np.log(worker_counts), np.log(median_shuffled), 1)
for column in (0, 2, 5):
    errors = f"{median_shuffled[column]:.4f} shuffled, {median_sorted[column]:.4f} sorted"
    print(f"W = {worker_counts[column]:2}: error of the average {errors}")
print(f"shuffled: the error grows as W to the power {power:.1f}")
# > W =  2: error of the average 0.0006 shuffled, 0.0065 sorted
# > W =  8: error of the average 0.0028 shuffled, 0.0489 sorted
# > W = 64: error of the average 0.0087 shuffled, 0.0544 sorted
# > shuffled: the error grows as W to the power 0.8

# Check
assert np.mean(error_sorted > error_shuffled) > 0.9
assert error_exchanged.max() < 1e-13
assert 0.5 < power < 1.2

# %%
figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
axes.loglog(worker_counts, median_sorted, "s-", color=ORANGE, label="average, data sorted by x₁")
axes.loglog(worker_counts, median_shuffled, "o-", color=RED, label="average, data shuffled")
axes.loglog(worker_counts, worker_counts / 4096, ":", color=GREY, label="W/N")
axes.loglog(worker_counts, median_exchanged, "^-", color=BLUE, label="sum, with the c of the batch")
axes.set_xscale("log", base=2)
axes.set_xlabel("workers W, equal shards of N = 4096 samples")
axes.set_ylabel("relative error of the gradient")
axes.set_title("The shorter the shards, the worse the average of the gradients")
axes.legend(loc="center right")
figure.savefig(OUT / "10_many_workers.png")
print("picture:", (OUT / "10_many_workers.png").as_posix())
# > picture: tutorials_out/10_many_workers.png

# %% [markdown]
# With shuffled data the error grows roughly like W/N. With sorted data, longer shards help little:
# 8 workers have about as large an error as 64, although their shards are eight times as long. With
# 2 or 4 workers the error is smaller, since their sections are more alike. The steepness of the
# curve, 2 |cos 2x₁|, has the period π/2, and the sections are 2 or 1 long in x₁.

# %% [markdown]
# ## In PyTorch
#
# DistributedDataParallel (DDP) gives each process a copy of the network. In `backward` it replaces
# each worker's gradient by the *average* over all workers, whatever the loss is. So the loss itself
# has to change. `ports/torch_workers.py` replaces the mean in the Lai loss by `mean_over_workers`.
# Its argument `a` (n_w, D) holds this worker's ℓ:

# %%
source = inspect.getsource(torch_workers.mean_over_workers).splitlines()
print(source[0], *source[2:], sep="\n")  # without the docstring
# > def mean_over_workers(a, group=None):
# >     local_sums = torch.cat([a.sum(dim=0).reshape(-1), a.new_tensor([len(a)])])
# >     global_sums = SumOverWorkers.apply(local_sums, group)
# >     return (global_sums[:-1] / global_sums[-1].detach()).reshape(a.shape[1:])

# Check
assert "The mean" in source[1]  # the docstring is one line

# %% [markdown]
# These are the D + 1 numbers: n_w comes as the last one. A worker without samples runs the same
# code with empty sums, because the others wait for its numbers.
#
# `SumOverWorkers` is an all-reduce in both directions. In the forward pass it adds the workers'
# sums. In the backward pass it adds the workers' gradients with respect to that sum. All W workers
# compute the same L from the same sum Σ_i ℓ_i = N c. So each has the same gradient with respect to
# it, s(c)/N. Each worker receives W s(c)/N, and continues the backward pass through its own ℓ_i:
#
#     gradient of worker w = W Σ_{i∈w} Σ_j (1/N) s_j(c) ∂ℓ_ij/∂θ = W · contribution of worker w
#
# DDP averages these gradients. Its 1/W cancels the W, and the sum of the contributions is left, θ̄.

# %% [markdown]
# ## Real processes
#
# Now four processes compute gradients and train, started by torchrun as on a cluster. Each runs
# `ports/torch_train.py`. One worker does the whole task alone, then two workers do it, then four.
# The task has two parts:
#
# - the gradient of a batch of 30 samples, which is split at the indices in `cuts`. The second of
#   the four workers has no samples;
# - six epochs of Lai Training (tutorial 07), with batches of 30 that are given in advance. A random
#   quarter of the samples (α = 0.25) gets the Lai loss, the others get MSE. Four workers split each
#   batch into 8 + 8 + 7 + 7.
#
# An epoch has four batches, so the arrays of the second part have the shape (6, 4, 30): epochs,
# batches, samples.

# %%
batch_30 = np.arange(30)
cuts = {1: [], 2: [9], 4: [9, 9, 25]}
epoch_rows = np.array([rng.permutation(120).reshape(4, 30) for _ in range(6)])  # (6, 4, 30)
epoch_masks = rng.random((6, 4, 30)) < 0.25  # (6, 4, 30), which samples get the Lai loss

task = {"sizes": net.sizes, "lam": lam, "lr": 0.01, "theta": theta, "x": x, "t": t}
task["batch"] = batch_30
task["rows"] = epoch_rows
task["lai_mask"] = epoch_masks
for W, ends in cuts.items():
    task[f"cuts_{W}"] = np.array(ends, int)

# %% [markdown]
# The processes read the task from a file, and the first of them writes the results to another one.
# For W workers these are the gradient `grad_W`, and θ after each epoch of two trainings, `all_W`
# and `own_W`, which we compare below.


# %%
def run_workers(task):
    """Start four processes with torchrun and return their results, a dict of arrays."""
    launch = "-m torch.distributed.run --standalone --nproc-per-node 4 -m ports.torch_train"
    with tempfile.TemporaryDirectory() as folder:
        task_file = Path(folder) / "task.npz"
        results_file = Path(folder) / "results.npz"
        np.savez(task_file, **task)
        run = subprocess.run(
            [sys.executable, *launch.split(), str(task_file), str(results_file)],
            cwd=Path(torch_workers.__file__).parents[1],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        if run.returncode != 0:
            raise RuntimeError(f"torchrun: exit status {run.returncode}\n{run.stdout}")
        return dict(np.load(results_file))


results = run_workers(task)

# %% [markdown]
# The gradients agree with that of one process in NumPy.

# %%
expected_30 = gradient(x[batch_30], t[batch_30], Lai(lam))  # (P,)
error_torch = {}
for W, ends in cuts.items():
    lengths = np.diff([0, *ends, 30])  # (W,)
    error_torch[W] = relative_error(results[f"grad_{W}"], expected_30)
    print(f"W = {W}, shards of {lengths}: error of the gradient {error_torch[W]:.3f}")
# > W = 1, shards of [30]: error of the gradient 0.000
# > W = 2, shards of [ 9 21]: error of the gradient 0.000
# > W = 4, shards of [ 9  0 16  5]: error of the gradient 0.000

# Check
assert max(error_torch.values()) < 1e-14

# %% [markdown]
# ## The same training with 1, 2 and 4 workers
#
# The reference run makes the same steps in one process, in NumPy.


# %%
def train(gradient_of_step):
    """θ after each epoch, (epochs, P), with Adam and the gradients that the argument computes."""
    optimizer = Adam(lr=0.01)
    theta_step = theta
    state = optimizer.init(theta_step)
    thetas = []
    for batches, masks in zip(epoch_rows, epoch_masks, strict=True):
        for rows, lai_mask in zip(batches, masks, strict=True):
            grad = gradient_of_step(theta_step, rows, lai_mask)
            theta_step, state = optimizer.step(theta_step, grad, state)
        thetas.append(theta_step)
    return np.array(thetas)


def numpy_gradient(theta_step, rows, lai_mask):
    """The gradient of a batch in which the samples of `lai_mask` get the Lai loss: (P,)."""
    mse = Plain(2)
    _, grad = value_and_grad_mixed(net, theta_step, x[rows], t[rows], mse, Lai(lam), lai_mask)
    return grad


reference_run = train(numpy_gradient)  # (epochs, P)

# %% [markdown]
# The workers have trained in two ways: with `mean_over_workers` (`all_W`), and in the standard way,
# each with the loss of its own shard (`own_W`). In the standard way the number of Lai samples
# differs from worker to worker, too.

# %%
error_exchange = {}
error_standard = {}
for W in cuts:
    error_exchange[W] = relative_error(results[f"all_{W}"], reference_run)  # (epochs,)
    error_standard[W] = relative_error(results[f"own_{W}"], reference_run)  # (epochs,)
    errors = f"{error_exchange[W][-1]:.3f} with exchange, {error_standard[W][-1]:.3f} standard"
    print(f"W = {W}: error of θ after six epochs {errors}")
# > W = 1: error of θ after six epochs 0.000 with exchange, 0.000 standard
# > W = 2: error of θ after six epochs 0.000 with exchange, 0.005 standard
# > W = 4: error of θ after six epochs 0.000 with exchange, 0.011 standard

# Check
assert max(error_exchange[1]) < 1e-12
assert max(error_exchange[2]) < 1e-12
assert max(error_exchange[4]) < 1e-12
assert max(error_standard[1]) < 1e-12
assert min(error_standard[2]) > 1e-3
assert min(error_standard[4]) > 1e-3

# %% [markdown]
# With the exchange all runs agree up to rounding errors. They do not agree bit for bit, since the
# shards determine the order of the additions. Without it, training gives another θ for each W > 1.

# %% [markdown]
# ## In JAX
#
# JAX works with devices in place of processes. Here the CPU acts as four devices. A *mesh* is an
# array of devices, and `shard_map` runs one function on each of them, with the samples of that
# device. Inside it `jax.lax.psum` is the all-reduce, the sum over all devices. JAX differentiates
# the one L of all devices, `psum` included, so no factor W is needed.
#
# All devices must have the same number of samples. `pad_shards` in `ports/jax_workers.py` therefore
# fills short shards up with copies of the first sample. It also returns `valid_mask`, which
# excludes the added samples from every mean, and from N. Our longest shard has 16 samples, so that
# four devices hold 64.

# %%
positions, valid_mask = pad_shards(np.split(batch_30, cuts[4]))  # (64,), (64,)
mesh = Mesh(jax.devices(), ("devices",))
f = partial(network, net.sizes, "tanh")  # y_i = f(θ, x_i)
jax_lai = partial(lai_loss, lam=lam)


def loss_on_devices(theta_step, x, t, lai_mask, valid_mask):
    """The loss of a padded batch, MSE for the samples outside of `lai_mask`."""
    return sharded_loss(f, theta_step, x, t, lai_mask, valid_mask, mesh=mesh, loss=jax_lai)


compiled_gradient = jax.jit(jax.grad(loss_on_devices))


def jax_gradient(theta_step, rows, lai_mask):
    """The gradient of a batch of 30 samples on four devices: (P,)."""
    padded = rows[positions]  # (64,)
    grad = compiled_gradient(theta_step, x[padded], t[padded], lai_mask[positions], valid_mask)
    return np.array(grad)


# %% [markdown]
# First the gradient of the batch of 30, in which every sample gets the Lai loss. Then the training:
# here each of its batches is cut at the same places.

# %%
all_samples = np.ones(30, bool)
error_jax = relative_error(jax_gradient(theta, batch_30, all_samples), expected_30)
error_jax_run = relative_error(train(jax_gradient), reference_run)  # (epochs,)
print(f"4 devices: error of the gradient {error_jax:.3f}")
print(f"4 devices: error of θ after six epochs {error_jax_run[-1]:.3f}")
# > 4 devices: error of the gradient 0.000
# > 4 devices: error of θ after six epochs 0.000

# Check
assert jax.device_count() == 4
assert error_jax < 1e-14
assert max(error_jax_run) < 1e-12

# %%
epochs = np.arange(1, 7)
figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
axes.semilogy(epochs, error_standard[4], "o-", color=RED, label="PyTorch, standard, 4 workers")
axes.semilogy(epochs, error_exchange[4], "^-", color=BLUE, label="PyTorch, exchange, 4 workers")
axes.semilogy(epochs, error_jax_run, "x--", color=BLACK, label="JAX, exchange, 4 devices")
axes.set_xlabel("epochs of Lai Training")
axes.set_ylabel("relative error of θ, against one process")
axes.set_title("With the exchange, many workers repeat the run of one process")
axes.legend(loc="center right")
figure.savefig(OUT / "10_training.png")
print("picture:", (OUT / "10_training.png").as_posix())
# > picture: tutorials_out/10_training.png

# %% [markdown]
# ## What does the oracle report?
#
# The group `sharded` of the oracle (tutorial 09) calls the method `sharded_gradient`. It has
# batches in up to three shards, both reductions and norms, MSE, and slopes at kinks. The four
# processes have already checked the PyTorch port.

# %%
report = oracle.check(DevicesBackend(), groups=["sharded"])
torch_result = str(results["report"])
jax_result = f"{report.summary()}, {report.counts()}"
print("PyTorch:", torch_result)
print("JAX:    ", jax_result)
# > PyTorch: correct, 27 of 27 cases passed in float64 at level strict
# > JAX:     correct, 27 of 27 cases passed in float64 at level strict

# Check
assert report
assert torch_result == jax_result

# %% [markdown]
# What does it report about the average of gradients? `weights=None` makes `np.average` weight all
# workers equally: then both errors are there. With weights proportional to n_w, which `np.average`
# divides by their sum N, only the error of the norm is left.


# %%
class AveragesBackend:
    """Averages the values and gradients of the shards' own losses."""

    def __init__(self, weighted):
        self.weighted = weighted

    def sharded_gradient(self, x, t, shards, **rest):
        values = []
        grads = []
        for shard in shards:
            value, grad = oracle.reference.param_gradient(x=x[shard], t=t[shard], **rest)
            values.append(value)
            grads.append(grad)
        weights = [len(shard) for shard in shards] if self.weighted else None
        value_average = np.average(values, weights=weights)
        grad_average = np.average(grads, axis=0, weights=weights)
        return value_average, grad_average


def print_start(report):
    """The verdict of a report, the likely cause, and the first finding."""
    verdict, _, _, cause, finding, *_ = str(report).splitlines()
    print(verdict)
    print(textwrap.indent(textwrap.fill(cause.strip(), 92), "    "))
    print(textwrap.indent(textwrap.fill(finding.strip(), 92), "    "))


# %%
equal_weights = oracle.check(AveragesBackend(weighted=False), groups=["sharded"], level="basic")
print_start(equal_weights)
# > wrong: sharded is the first wrong group
# >     likely cause: The workers' own values and gradients had equal weights; there should be one
# >     mean over all samples. [mean-of-workers] reproduces 18 of 18 wrong cases
# >     value is that of the shards' own losses, averaged without weights, where the loss of the
# >     whole batch is expected

# Check
assert not equal_weights

# %%
weighted = oracle.check(AveragesBackend(weighted=True), groups=["sharded"], level="basic")
print_start(weighted)
# > wrong: sharded is the first wrong group
# >     likely cause: Each worker took the norm of its own mean; the norm should follow the mean
# >     over all workers. [mean-of-norms] reproduces 9 of 9 wrong cases
# >     value is that of the shards' own losses, averaged with the weights n_s/n, where the loss of
# >     the whole batch is expected

# Check
assert not weighted

# %% [markdown]
# The oracle names both errors. (Its n_s/n is our n_w/N.)

# %% [markdown]
# ## Next
#
# Copy `ports/torch_workers.py` or `ports/jax_workers.py` into your project. `atomic_save` in the
# first saves a checkpoint that stays intact when a worker dies. `tutorials/README.md` lists where
# to go from here.
#
# **Beyond this paper.** Other losses couple all samples of a batch as well. A contrastive loss
# compares each sample with all others, so data-parallel training gathers the representations of all
# workers (Chen, Kornblith, Norouzi and Hinton, "A simple framework for contrastive learning of
# visual representations", ICML 2020). Batch normalisation that is synchronised over workers adds up
# the sums for its means and variances in the same way.

# %% [markdown]
# ## Exercise 1: gradient accumulation
#
# A batch may be too large for the memory. *Gradient accumulation* cuts it into micro-batches and
# computes their gradients one after the other. Then it makes one step with their average. What goes
# wrong, and what does the correct gradient cost?

# %% [markdown]
# ## Exercise 2: the sample reduction
#
# With the sample reduction, the workers need to exchange no losses, only the n_w. With which
# weights do the gradients of their own losses add up to θ̄, for shards of any length?

# %% [markdown]
# ## Exercise 3: without DDP's average
#
# You add up the workers' gradients by `dist.all_reduce`, in place of DDP's average. The backward
# pass of `SumOverWorkers` multiplies s(c)/N by W. By which factor must it multiply now?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** The same two errors occur, with micro-batches in place of shards: that of the
# norm, and, if they have unequal lengths, that of the weight. c must be known before the first
# backward pass. The correct gradient takes two passes over the micro-batches, as in
# `sharded_gradient`. The first pass keeps only Σ_i ℓ_i and N. The cost is that the second pass
# computes y and k again.

# %%
micro_batches = np.split(np.arange(120), 8)
gradient_120 = gradient(x, t, Lai(lam))  # (P,)
two_passes = sharded_gradient(x, t, micro_batches)
accumulated = average_of_gradients(x, t, micro_batches, Lai(lam))

# Check
assert relative_error(two_passes, gradient_120) < 1e-14
assert relative_error(accumulated, gradient_120) > 0.02

# %% [markdown]
# **Exercise 2.** The weight of worker w is n_w/N, because
#
#     L = (1/N) Σ_i M(ℓ_i) = Σ_w (n_w/N) · (mean of M(ℓ_i) over shard w)
#
# With DDP, which averages, multiply the loss of worker w by W n_w/N. The same is true of MSE.

# %%
by_sample = losses["Lai, sample"]
weighted_sum = np.zeros(net.n_params)
for shard in unequal_shards:
    weighted_sum += len(shard) / N * gradient(x[shard], t[shard], by_sample)

# Check
assert relative_error(weighted_sum, gradient(x[batch], t[batch], by_sample)) < 1e-14

# %% [markdown]
# **Exercise 3.** By 1: it returns the gradient unchanged. Then the gradient of each worker is its
# contribution, and their sum is θ̄.
