# %% [markdown]
# # 10 · Many workers: the gradient of a batch that no worker has whole
#
# - **Question:** Each of W workers has a part of the batch. How do they get the gradient of the
#   whole?
# - **Prerequisites:** Tutorials 05, 06 and 09; PyTorch and JAX: pip install -e ".[backends]"
# - **You will learn to** see what the average of the workers' gradients misses, derive what they
#   must exchange, and train with 1, 2 and 4 processes to the same parameters.
# - **Minutes:** 35

# %%
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

from lai_ref import MLP, Adam, Lai, Plain, lai_factor, lai_factor_derivative, lai_training, oracle
from lai_ref.objective import value_and_grad, value_and_grad_mixed
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

jax.config.update("jax_num_cpu_devices", 4)  # before JAX first computes
jax.config.update("jax_enable_x64", True)
replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#E69F00", "#777777"


def relative_error(g, reference):
    """‖g − reference‖/‖reference‖, of vectors or of each row."""
    return np.linalg.norm(g - reference, axis=-1) / np.linalg.norm(reference, axis=-1)


# %% [markdown]
# ## Is the average of the workers' gradients the gradient of the batch?
#
# A batch of N samples lies in W *shards*, the n_w samples of shard w on worker w. In standard
# data-parallel training each worker computes the gradient of the loss on its own shard, and the
# optimizer step uses the average of these gradients. How far is it from the gradient of the batch?
# Here W is 4, and the network is pretrained.

# %%
rng, net = np.random.default_rng(1), MLP((3, 8, 1), "tanh")


def draw(n):
    x = rng.uniform(-2, 2, (n, 3))  # (n, D)
    return x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2 + rng.normal(0, 0.5, n)


x, t = draw(120)
settings = {"batch_size": 30, "optimizer": Adam(lr=0.01), "rng": np.random.default_rng(0)}
*_, trained = lai_training(net, x, t, loss=Plain(2), lai_epochs=0, **settings)  # 100 epochs of MSE
theta = trained.state.theta  # (P,)
batch = np.arange(32)
shards = {"equal": np.split(batch, 4), "unequal": np.split(batch, [3, 8, 20])}
losses = {"MSE": Plain(2), "Lai, sample": Lai(0.1, reduction="sample"), "Lai, batch": Lai(0.1)}


def averaged(x, t, shards, loss):
    return np.mean([value_and_grad(net, theta, x[i], t[i], loss)[1] for i in shards], axis=0)


for name, loss in losses.items():
    truth = value_and_grad(net, theta, x[batch], t[batch], loss)[1]  # (P,)
    a, b = [relative_error(averaged(x, t, each, loss), truth) for each in shards.values()]
    print(f"{name:11} relative error {a:.3f} with equal shards, {b:.3f} with unequal ones")
    assert (a < 1e-14) == (name != "Lai, batch") and b > 0.3
# > MSE         relative error 0.000 with equal shards, 0.436 with unequal ones
# > Lai, sample relative error 0.000 with equal shards, 0.422 with unequal ones
# > Lai, batch  relative error 0.064 with equal shards, 0.460 with unequal ones

# %% [markdown]
# ## Two errors
#
# Write ℓ_i (D,) for the losses of a sample per feature, c for their mean, and s for the derivative
# of the norm M (tutorial 06). Σ_{i∈w} is the sum over shard w. The gradient of the batch is
#
#     c = (1/N) Σ_i ℓ_i      L = M(c)      s_j = ∂M/∂c_j
#     θ̄ = Σ_w (1/N) Σ_{i∈w} Σ_j s_j(c) ∂ℓ_ij/∂θ
#
# and the average of the workers' gradients, with their own c^w = (1/n_w) Σ_{i∈w} ℓ_i,
#
#     (1/W) Σ_w ∂M(c^w)/∂θ = Σ_w (1/(W n_w)) Σ_{i∈w} Σ_j s_j(c^w) ∂ℓ_ij/∂θ
#
# The first error: 1/(W n_w) is 1/N only if all shards have the same length; in a short one each
# sample weighs more. This affects any loss, MSE too. The second: s(c^w) is not s(c), as the norm of
# a mean is not the mean of the norms. They are equal only where M is linear (D = 1 or ρ = 1). The
# sample reduction is not affected: it *is* a mean of norms.
#
# How large is the second error? For equal shards let c^w = c + δ_w and ∂c^w/∂θ = ∂c/∂θ + Δ_w. Over
# the shards δ and Δ have mean 0, so only means of their products are left. If the data are
# shuffled, c^w is a mean over n_w draws, δ and Δ are of order 1/√n_w, and the error is of order
# 1/n_w = W/N. If each worker reads its own part of sorted data, they do not shrink.

# %% [markdown]
# ## What must the workers exchange?
#
# Only Σ_{i∈w} ℓ_i and n_w, D + 1 numbers. An *all-reduce* gives every worker their sums, so c, N
# and s, and with these the loss gradients of its samples (tutorials 05, 06). For p = 2 and ρ = 0:
#
#     ȳ_i = (1/N) Σ_j s_j F_ij 2 e_i      k̄_ij = (1/N) s_j e_i² F'_ij      s = c/‖c‖
#
# The sum, not the average, of the workers' gradients is then θ̄.


# %%
def sharded_gradient(x, t, shards, lam=0.1):
    *total, N = np.zeros(x.shape[1] + 1)
    for i in shards:  # what worker w does first
        y, tape = net.forward(theta, x[i])  # (n_w,)
        ell = (y - t[i])[:, None] ** 2 * lai_factor(net.input_gradient(tape)[0], lam)  # (n_w, D)
        total, N = total + ell.sum(axis=0), N + len(i)  # the all-reduce: D + 1 numbers
    s = total / np.linalg.norm(total)  # (D,), that of c = total/N
    grad = np.zeros(net.n_params)
    for i in shards:  # and then; in practice it keeps y and k
        y, tape = net.forward(theta, x[i])
        k, gtape = net.input_gradient(tape)  # (n_w, D)
        e = y - t[i]
        dy = 2 * e * (lai_factor(k, lam) @ s) / N  # (n_w, D) @ (D,) = (n_w,)
        dk = s * e[:, None] ** 2 * lai_factor_derivative(k, lam) / N  # (n_w, D)
        grad += net.double_backward(gtape, dy, dk)
    return grad  # (P,)


truth = value_and_grad(net, theta, x[batch], t[batch], Lai(0.1))[1]
for parts in shards.values():
    assert relative_error(sharded_gradient(x, t, parts), truth) < 1e-14

# %% [markdown]
# A batch of 4096 samples, shuffled or sorted by x_1, over 2 to 256 workers; medians of five draws.

# %%
counts, runs = 2 ** np.arange(1, 9), np.zeros((3, 8, 5))
for n in range(5):
    many, many_t = draw(4096)
    truth = value_and_grad(net, theta, many, many_t, Lai(0.1))[1]
    for j, W in enumerate(counts):
        cut, by_x = (np.split(rows, W) for rows in (np.arange(4096), np.argsort(many[:, 0])))
        methods = [averaged(many, many_t, parts, Lai(0.1)) for parts in (cut, by_x)]
        methods.append(sharded_gradient(many, many_t, by_x))
        runs[:, j, n] = [relative_error(g, truth) for g in methods]
assert (runs[1] > runs[0]).mean() > 0.9 and runs[2].max() < 1e-13
shuffled, by_file, fixed = np.median(runs, axis=2)  # (8,) each
assert 0.5 < np.polyfit(np.log(counts), np.log(shuffled), 1)[0] < 1.2  # the power of W
print(f"W = 64: error of averages, shuffled {shuffled[5]:.3f}, sorted {by_file[5]:.3f}")
# > W = 64: error of averages, shuffled 0.009, sorted 0.054

# %% [markdown]
# ## In PyTorch
#
# DistributedDataParallel (DDP) gives each process a copy of the network, and `backward` the
# *average* of all gradients, for any loss. So `ports/torch_workers.py` replaces the mean in the Lai
# loss. Its core, where a is this worker's ℓ_i:

# %%
core = """
    local_sums = torch.cat([a.sum(dim=0).reshape(-1), a.new_tensor([len(a)])])
    global_sums = SumOverWorkers.apply(local_sums, group)
    return (global_sums[:-1] / global_sums[-1].detach()).reshape(a.shape[1:])
"""
ports = Path(torch_workers.__file__).parent
assert core in (ports / "torch_workers.py").read_text(encoding="utf-8")

# %% [markdown]
# `SumOverWorkers` adds the workers' sums in the forward pass, and their gradients in the backward
# pass. Each of the W workers computes the same loss L from the global sums, so W L is
# differentiated, by each worker with respect to its own samples. Worker w's gradient is then
#
#     θ̄_w = W (1/N) Σ_{i∈w} Σ_j s_j(c) ∂ℓ_ij/∂θ      (1/W) Σ_w θ̄_w = θ̄
#
# W cancels DDP's average. N comes with the sums, as the last number. A worker without samples runs
# the same code with empty sums, because the others wait for it.

# %% [markdown]
# ## Real processes
#
# torchrun starts four, as on a cluster. Each runs `ports/torch_train.py`: the gradient of a batch
# of 30 whose shards end at the `cuts`, then Lai Training with batches given in advance, each split
# again, for four workers into 8 + 8 + 7 + 7. One worker does it alone, then two, then four.

# %%
task = {"sizes": net.sizes, "lam": 0.1, "lr": 0.01, "theta": theta, "x": x, "t": t}
task["rows"] = np.array([rng.permutation(120).reshape(4, 30) for _ in range(6)])  # (epochs, 4, 30)
task["lai_mask"] = rng.random((6, 4, 30)) < 0.25  # points, α = 0.25
task["batch"] = batch = np.arange(30)
cuts = {1: [], 2: [9], 4: [9, 9, 25]}  # the second of four workers has nothing
task |= {f"cuts_{W}": np.array(ends, int) for W, ends in cuts.items()}
launch = "-m torch.distributed.run --standalone --nproc-per-node 4 -m ports.torch_train"
with tempfile.TemporaryDirectory() as folder:
    files = [str(Path(folder) / name) for name in ("task.npz", "results.npz")]
    np.savez(files[0], **task)
    command, environment = [*launch.split(), *files], {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, *command], cwd=ports.parent, env=environment, check=True)
    answers = dict(np.load(files[1]))

truth = value_and_grad(net, theta, x[batch], t[batch], Lai(0.1))[1]
for W, ends in cuts.items():
    lengths, error = np.diff([0, *ends, 30]), relative_error(answers[f"grad_{W}"], truth)
    print(f"W = {W}, shards of {lengths}: error of the gradient {error:.3f}")
    assert error < 1e-14
# > W = 1, shards of [30]: error of the gradient 0.000
# > W = 2, shards of [ 9 21]: error of the gradient 0.000
# > W = 4, shards of [ 9  0 16  5]: error of the gradient 0.000

# %% [markdown]
# ## The same training with 1, 2 and 4 workers
#
# The reference run makes the same steps in one process, in NumPy. The workers have also trained in
# the standard way, each with the loss of its own samples, whatever number of Lai samples is among
# them.

# %%
steps = list(zip(task["rows"].reshape(24, 30), task["lai_mask"].reshape(24, 30), strict=True))


def train(gradient):
    q, opt, run = theta, Adam(lr=0.01), []
    state = opt.init(q)
    for rows, lai_mask in steps:
        q, state = opt.step(q, gradient(q, rows, lai_mask), state)
        run.append(q)
    return np.array(run[3::4])  # (epochs, P)


reference_run = train(
    lambda q, i, lai: value_and_grad_mixed(net, q, x[i], t[i], Plain(2), Lai(0.1), lai)[1]
)
for W in cuts:
    error_all = relative_error(answers[f"all_{W}"], reference_run)  # (epochs,)
    error_own = relative_error(answers[f"own_{W}"], reference_run)  # (epochs,)
    print(f"W = {W}: error of θ {error_all[-1]:.3f}, with own losses {error_own[-1]:.3f}")
    assert max(error_all) < 1e-12 and (min(error_own) > 1e-3) == (W > 1)
# > W = 1: error of θ 0.000, with own losses 0.000
# > W = 2: error of θ 0.000, with own losses 0.005
# > W = 4: error of θ 0.000, with own losses 0.011

# %% [markdown]
# With the loss of the whole batch the runs agree to rounding, though not bit for bit: sums over
# other shards round differently. With own losses, every W > 1 is a different training.

# %% [markdown]
# ## In JAX
#
# `shard_map` runs one function on each device of a mesh, with that device's rows; `jax.lax.psum` is
# the sum over all. JAX differentiates everything, psum included, and no factor W is needed. All
# devices must have the same number of rows: `pad_shards` adds rows that `valid_mask` excludes from
# every mean, and from N. The code is `ports/jax_workers.py`. Here training uses the cuts, too.

# %%
value = partial(sharded_loss, partial(network, net.sizes, "tanh"), loss=partial(lai_loss, lam=0.1))
gradient = jax.jit(jax.grad(partial(value, mesh=Mesh(jax.devices(), ("devices",)))))
place, valid_mask = pad_shards(np.split(batch, cuts[4]))  # (64,), (64,): 4 times the longest shard


def on_devices(q, rows, lai_mask):
    return np.array(gradient(q, x[rows[place]], t[rows[place]], lai_mask[place], valid_mask))


error = relative_error(on_devices(theta, batch, batch >= 0), truth)
in_jax = relative_error(train(on_devices), reference_run)  # (epochs,)
print(f"4 devices: error of the gradient {error:.3f}, of θ after training {in_jax[-1]:.3f}")
# > 4 devices: error of the gradient 0.000, of θ after training 0.000
assert error < 1e-14 and max(in_jax) < 1e-12

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
left.loglog(counts, by_file, "s-", color=ORANGE, label="averages, data sorted by x₁")
left.loglog(counts, shuffled, "o-", color=RED, label="averages, data shuffled")
left.loglog(counts, counts / 4096, ":", color=GREY, label="W/N")
left.loglog(counts, fixed, "^-", color=BLUE, label="with the c of the batch")
left.set(
    xlabel="workers W, equal shards of N = 4096 samples", ylabel="relative error of the gradient"
)
left.set_title("One batch: the shorter the shards, the worse")
left.set_xscale("log", base=2)
epochs = range(1, 7)
right.semilogy(epochs, error_own, "o-", color=RED, label="averages, 4 workers")
right.semilogy(epochs, error_all, "^-", color=BLUE, label="with the c of the batch, 4 workers")
right.semilogy(epochs, in_jax, "x-", color=BLACK, label="the same in JAX, 4 devices")
right.set(xlabel="epochs of Lai Training", ylabel="relative difference of θ from one process")
right.set_title("Training: the same run, or another one")
left.legend(loc="center right"), right.legend(loc="center right")
figure.savefig(OUT / "10_many_workers.png")
plt.close(figure)
print("picture:", (OUT / "10_many_workers.png").as_posix())
# > picture: tutorials_out/10_many_workers.png

# %% [markdown]
# ## What does the oracle report?
#
# Its group `sharded` has up to three shards, both reductions and norms, MSE, kinks.

# %%
report = oracle.check(DevicesBackend(), groups=["sharded"])
print(f"PyTorch: {answers['report']}\nJAX:     {report.summary()}, {report.counts()}")
# > PyTorch: correct, 27 of 27 cases passed in float64 at level strict
# > JAX:     correct, 27 of 27 cases passed in float64 at level strict
assert report and str(answers["report"]) == f"{report.summary()}, {report.counts()}"

# %% [markdown]
# And of averages? Without weights they have both errors; with the weights n_w/N the second is left.
# (With `weights=None`, `np.average` weights all equally.)


# %%
class AveragesBackend:
    def __init__(self, weighted):
        self.weighted = weighted

    def sharded_gradient(self, x, t, shards, **rest):
        own = [oracle.reference.param_gradient(x=x[i], t=t[i], **rest) for i in shards]
        weights = [len(i) for i in shards] if self.weighted else None
        return tuple(np.average(each, axis=0, weights=weights) for each in zip(*own, strict=True))


for weighted in (False, True):
    text = str(oracle.check(AveragesBackend(weighted), groups=["sharded"], level="basic"))
    verdict, _, _, cause, finding, *_ = text.splitlines()
    lines = [*textwrap.wrap(cause.strip(), 92), *textwrap.wrap(finding.strip(), 92)]
    print(verdict, *lines, sep="\n    ")
# > wrong: sharded is the first wrong group
# >     likely cause: The workers' own values and gradients had equal weights; there should be one
# >     mean over all samples. [mean-of-workers] reproduces 18 of 18 wrong cases
# >     value is that of the shards' own losses, averaged without weights, where the loss of the
# >     whole batch is expected
# > wrong: sharded is the first wrong group
# >     likely cause: Each worker took the norm of its own mean; the norm should follow the mean
# >     over all workers. [mean-of-norms] reproduces 9 of 9 wrong cases
# >     value is that of the shards' own losses, averaged with the weights n_s/n, where the loss of
# >     the whole batch is expected

# %% [markdown]
# ## Next
#
# Copy `ports/torch_workers.py` or `ports/jax_workers.py`; `atomic_save` in the first saves a
# checkpoint that survives when a worker dies. The folder's README lists where to go from here.

# %% [markdown]
# ## Exercise 1: gradient accumulation
#
# A batch is too large for the memory, so the gradients of its micro-batches are computed one after
# the other and averaged. What goes wrong, and what does the correct gradient cost?

# %% [markdown]
# ## Exercise 2: the sample reduction
#
# With it, a worker needs only the n_w of the others. Which weights turn the workers' own gradients
# into θ̄, for shards of any length?

# %% [markdown]
# ## Exercise 3: without DDP's average
#
# You sum the gradients by `dist.all_reduce` instead. What replaces the factor W?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# 1. The same. c must be known before the first backward pass: two passes over the micro-batches,
# as in `sharded_gradient`. The first keeps only Σ_i ℓ_i and N; the cost is that the second computes
# y and k again.

# %%
micro = np.split(np.arange(120), 8)
truth = value_and_grad(net, theta, x, t, Lai(0.1))[1]
assert relative_error(sharded_gradient(x, t, micro), truth) < 1e-14
assert relative_error(averaged(x, t, micro, Lai(0.1)), truth) > 0.02

# %% [markdown]
# 2. n_w/N: L = (1/N) Σ_i M(ℓ_i) = Σ_w (n_w/N) · (mean over shard w). With DDP, which averages,
# multiply the loss of worker w by W n_w/N. The same is true of MSE.

# %%
each = losses["Lai, sample"]
own = [len(i) / 32 * value_and_grad(net, theta, x[i], t[i], each)[1] for i in shards["unequal"]]
assert relative_error(sum(own), value_and_grad(net, theta, x[:32], t[:32], each)[1]) < 1e-14

# %% [markdown]
# 3. 1: θ̄ is the sum of the contributions of the workers' own samples.
