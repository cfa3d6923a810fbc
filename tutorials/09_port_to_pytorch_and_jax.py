# %% [markdown]
# # 09 · Port to PyTorch and JAX: ask, read, fix one mistake, ask again
#
# - **Question:** The loss is written for another framework, and it trains. Is it right?
# - **Prerequisites:** Tutorials 05 and 06; both frameworks, of PyTorch the basics, of JAX still
#   less.
# - **You will learn to** write a plain port, read the oracle's report on it, fix one mistake after
#   the other, decide whether lost digits matter, and see why training is no test.
# - **Minutes:** 45

# %%
import re
import textwrap
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Adam, Lai, oracle, rmse, value_and_grad
from lai_ref.support.terminal import replace_unprintable

try:
    import jax
    import jax.numpy as jnp
    import torch
    from torch import nn
except ImportError as missing:
    raise SystemExit(f'{missing}. Install both: pip install -e ".[backends]"') from None

from ports import torch_lai
from ports.jax_backend import JaxBackend
from ports.torch_backend import TorchBackend
from ports.torch_check import check_samples_independent

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
np.set_printoptions(precision=4, suppress=True)
torch.set_num_threads(1)  # with arrays as small as ours, threads wait for each other

# %% [markdown]
# ## A plain port
#
#     F_p(k; λ) = max(|k|^p, λ)/(1 + k²)^(p/2)/min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
#     L = mean_i M(ℓ_i)                                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁
#
# Autograd computes all derivatives: F' and ȳ, the input gradients k = ∂y/∂x (those of Σ y_i, as y_i
# depends on x_i alone), and the double backward pass of tutorial 05. Invalid input, such as λ ≤ 0,
# raises an error: the formula would still give numbers.

# %%
MODULES = {"identity": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}
MODULES |= {"softplus": nn.Softplus, "silu": nn.SiLU}


def check_inputs(k, lam, order, l1_ratio=0.0, reduction="batch"):
    valid = order in (1, 2) and 0 <= l1_ratio <= 1 and reduction in ("batch", "sample")
    if not (valid and len(k) and k.isfinite().all() and np.all(np.isfinite(lam) & (lam > 0))):
        raise ValueError(f"invalid input: {lam}, {order}, {l1_ratio}, {reduction}, or k")


def lai_factor(k, lam, order):
    check_inputs(k, lam, order)
    lam = torch.as_tensor(lam, dtype=k.dtype)
    return torch.maximum(k.abs() ** order, lam) / (1 + k**2) ** (order / 2) / lam.clamp(max=1)


def lai_loss(y, t, k, lam, order, l1_ratio, reduction):
    check_inputs(k, lam, order, l1_ratio, reduction)
    ell = ((y - t).abs() ** order)[:, None] * lai_factor(k, lam, order)  # (N, D)
    norms = (1 - l1_ratio) * torch.linalg.vector_norm(ell, dim=1) + l1_ratio * ell.sum(1)  # (N,)
    return norms.mean()


def predict(net, x):
    return net(x)


def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    return y, torch.autograd.grad(y.sum(), x)[0]


# %% [markdown]
# ## An adapter for the oracle
#
# The oracle calls any object that has some of its methods, here four. It passes NumPy arrays by
# name and expects arrays; θ is one vector, for each layer W (fan_in, fan_out), then b. The methods
# look the functions up when they are called, so each mistake is fixed by defining one of them anew.


# %%
def network(sizes, activation, theta):
    layers, rest = [], torch.tensor(theta)
    for fan_in, fan_out in pairwise(sizes):
        W, b, rest = rest.split([fan_in * fan_out, fan_out, len(rest) - (fan_in + 1) * fan_out])
        layer = nn.Linear(fan_in, fan_out)
        layer.weight.data, layer.bias.data = W.reshape(fan_in, fan_out).T.clone(), b.clone()
        layers += [layer, MODULES[activation]()]
    return nn.Sequential(*layers[:-1])


def flat_gradient(net):
    return torch.cat([part.grad.t().reshape(-1) for part in net.parameters()]).numpy()  # (P,)


class Port:
    def factor(self, k, lam, order):
        k = torch.tensor(k, requires_grad=True)
        F = lai_factor(k, lam, order)
        return F.detach(), torch.autograd.grad(F.sum(), k)[0]

    def loss(self, y, t, k, **settings):
        y, t, k = torch.tensor(y, requires_grad=True), torch.tensor(t), torch.tensor(k)
        value = lai_loss(y, t, k.requires_grad_(), **settings)
        return value.detach(), *torch.autograd.grad(value, (y, k))

    def input_gradient(self, sizes, activation, theta, x):
        y, k = output_and_input_gradient(network(sizes, activation, theta), torch.tensor(x))
        return y.detach(), k.detach()

    def param_gradient(self, sizes, activation, theta, x, t, loss):
        net, x, t = network(sizes, activation, theta), torch.tensor(x), torch.tensor(t)
        settings = dict(loss)
        if settings.pop("name") == "plain":
            value = ((predict(net, x) - t).abs() ** loss["order"]).mean()
        else:
            y, k = output_and_input_gradient(net, x)
            value = lai_loss(y, t, k, **settings)
        value.backward()
        return value.detach(), flat_gradient(net)


def show(*lines):
    """Print lines, numbers cut to six digits, in at most four rows each."""
    for line in lines:
        line = re.sub(r"-?\d\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.6g}", line)
        line = re.sub(r" \(\S+\.py:\d+\)", "", line)  # where an error was raised
        indent = "    " + line[: len(line) - len(line.lstrip())]
        options = {"max_lines": 4, "placeholder": " …", "break_on_hyphens": False}
        print(textwrap.fill(line, 96, subsequent_indent=indent, **options))


port = Port()
report = oracle.check(port, level="basic")
show(report.summary(), report.counts())
# > wrong: loss is the first wrong group; input_gradient, param_gradient have errors of their own
# > 121 of 395 cases passed in float64 at level basic, 156 failed, 118 not implemented (adam_step,
# >     train, sharded_gradient)

# %% [markdown]
# ## What do the two levels demand?
#
# The first line is one of three verdicts: *correct*; *correct, but inaccurate at extreme values*;
# or *wrong*, with the first wrong group. The second line counts.
#
# - Level "basic" has cases at ordinary values, and its bounds allow the rounding errors of a
#   framework that differentiates the formula. Any correct port passes, and a mistake does not.
# - Level "strict", the default, adds extreme values (|k| up to 10³⁸, |e| about 10¹², λ that are
#   tiny or huge), and its bounds are those of a careful implementation.
#
# A port that fails at level basic is wrong. One that fails at level strict alone loses digits or
# overflows at extreme values. So we ask at level basic first.
#
# Each group depends on those before it: factor, loss, input_gradient, param_gradient. What is wrong
# in the first may explain the others, so we begin there, and ask one group at a time.


# %%
def ask(port, group, *some, dtype="float64", level="basic"):
    """Print the verdict, the likely cause or first finding, and the cases named in `some`."""
    report = oracle.check(port, dtype, [group], level)
    verdict, _, *rest = str(report).splitlines()
    causes = rest[1:2] if report.verdict == "wrong" else []  # below the header of the group
    chosen = [report.format_case(o) for o in report.failures() if any(n in o.case.id for n in some)]
    show(verdict, *causes, *chosen)
    return report


# %% [markdown]
# ## Mistake 1: the norm of each sample
#
# This is the beginning of the report itself; the failing cases follow.

# %%
report = oracle.check(port, groups=["loss"], level="basic")
show(*str(report).splitlines()[:10])
# > wrong: loss is the first wrong group
# > 63 of 83 cases passed in float64 at level basic, 20 failed
# > loss: 20 of 83 basic cases are wrong: value (17 of 66 numbers), dy (74 of 238 numbers) and dk
# >     (212 of 592 numbers) are wrong
# >   likely cause: The mean of the samples' norms was taken; it should be the norm of the batch
# >       mean. [norm-before-mean] reproduces 20 of 20 wrong cases
# >   value, dy and dk are right for other inputs: the reduction sample in every case
# >   dy is wrong only where D > 1 and ρ < 1 and the reduction is batch (74 of 93 numbers there)
# >   dk does not depend on the reduction
# >   value is wrong only where N > 1 and ρ < 1 and the reduction is batch (17 of 25 numbers there)
# >   dk is wrong only where the reduction is batch (212 of 296 numbers there)
# >   dy and dk are the derivatives of the port's own value: the mistake is in value

# %% [markdown]
# The diagnosis has three layers.
#
# - *Where*: the verdict names the first wrong group, and which groups follow from it or have errors
#   of their own. The group's own line names the wrong outputs.
# - *What kind*: sentences computed from the answers. Under which conditions are they wrong? For
#   which other inputs would they be right? Whose derivative are they? These need no list of
#   mistakes.
# - *Which mistake*: the oracle has a list of wrong ports, one mistake each. A "likely cause" gives
#   all the wrong answers of the group and no other; "perhaps, for a part", only some of them.
#
# Each failing case shows its worst number: what the port answered and what was expected. A small
# error is given in ulp (the distance between neighbouring floats) beside the bound.
#
# Here the layers agree. The port computes a loss per sample and averages at the end, as is usual,
# and ignores `reduction` (tutorial 06): for "batch" the mean comes before the norm.

# %%
norm_of_each = lai_loss


def lai_loss(y, t, k, lam, order, l1_ratio, reduction):
    check_inputs(k, lam, order, l1_ratio, reduction)
    ell = ((y - t).abs() ** order)[:, None] * lai_factor(k, lam, order)  # (N, D)
    c = ell.mean(0, keepdim=True) if reduction == "batch" else ell  # new
    norms = (1 - l1_ratio) * torch.linalg.vector_norm(c, dim=1) + l1_ratio * c.sum(1)  # c was ell
    return norms.mean()


assert ask(port, "loss")
# > correct

# %% [markdown]
# ## Mistake 2: (N, 1) minus (N,)

# %%
ask(port, "input_gradient", "tanh-one-sample")
# > wrong: input_gradient is the first wrong group
# >   37 of 37 cases fail: y: expected shape (3,), got (3, 1)
# > FAILED input_gradient/tanh-one-sample (N = 1: no axis is lost): y: expected shape (1,), got (1,
# >     1)
ask(port, "param_gradient", "identity-depth0-plain2")
# > wrong: param_gradient is the first wrong group
# >   65 of 101 cases fail only where the loss is the Lai loss (65 of 73 cases there): expected
# >       numbers, got an error: RuntimeError: The size of tensor a (3) must match the size of
# >       tensor b (2) at non-singleton dimension 2 …
# > FAILED param_gradient/identity-depth0-plain2 (identity, 0 hidden layers, plain2): outside the
# >     bound; grad[1]: got 0.207058, expected 0.570068 (ratio 0.3632)

# %% [markdown]
# The output of nn.Linear is (N, 1). In the Lai loss that raises an error, unless N = D. In MSE it
# does not: (N, 1) minus t (N,) is (N, N), each y is compared with every t. Then the best value for
# every y is the mean of t, and the loss decreases on the way there.


# %%
def predict(net, x):
    return net(x).flatten()  # was: net(x)


assert ask(port, "input_gradient")
# > correct

# %% [markdown]
# ## Mistake 3: k is detached

# %%
report = ask(port, "param_gradient")
# > wrong: param_gradient is the first wrong group
# >   73 of 101 cases fail exactly where the loss is the Lai loss (73 cases): expected numbers, got
# >       an error: RuntimeError: Trying to backward through the graph a second time (or directly
# >       access saved tensors after they have already been …
assert all("backward through the graph a second time" in o.reason for o in report.failures())

# %% [markdown]
# The message ends with the advice "Specify retain_graph=True". With it, no error is raised:


# %%
def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    return y, torch.autograd.grad(y.sum(), x, retain_graph=True)[0]


detached = output_and_input_gradient
ask(port, "param_gradient", "tanh-depth1-lai2-sample")
# > wrong: param_gradient is the first wrong group
# >   likely cause: k was detached (treated as a constant); dk should be propagated to θ.
# >       [slopes-detached] reproduces 70 of 70 wrong cases
# > FAILED param_gradient/tanh-depth1-lai2-sample (tanh, 1 hidden layers, lai2-sample): outside the
# >     bound; grad[1]: got 1.32043, expected 2.87567 (ratio 0.4592)

# %% [markdown]
# `retain_graph=True` keeps the graph of y, but k was computed without a graph and is a constant to
# autograd. F then only reweights the samples; no gradient reaches θ through k. `create_graph`
# also records how k is computed.


# %%
def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    return y, torch.autograd.grad(y.sum(), x, create_graph=True)[0]  # was: retain_graph


for level in ("basic", "strict"):
    report = oracle.check(port, level=level)
    show(report.summary(), report.counts())
# > correct in what it implements
# > 277 of 395 cases passed in float64 at level basic, 118 not implemented (adam_step, train,
# >     sharded_gradient)
# > correct, but inaccurate at extreme values: F': up to 6 digits lost for |k| ≥ 1536; F': NaN,
# >     infinite or 0 for λ or 1/λ ≥ 1.3e+30; y, k, value, grad: up to 7 digits lost for |z| ≥
# >     21.61; harmless in training unless |k| or λ or |z| gets there
# > 299 of 431 cases passed in float64 at level strict, 14 failed, 118 not implemented (adam_step,
# >     train, sharded_gradient)
assert report.verdict == "correct, but inaccurate at extreme values"

# %% [markdown]
# At level basic the plain port is correct, with every derivative by autograd. At level strict the
# verdict adds what is lost, and the smallest magnitude at which a case fails.

# %% [markdown]
# ## Would training have shown the mistakes?
#
# Train with MSE and a weight of 0.1 for Lai, with the corrected functions, with each of two
# mistakes, and with MSE alone. Beside it: the relative error of the Lai gradient at the start.

# %%
net, rng = MLP((2, 16, 1), "tanh"), np.random.default_rng(0)
x = rng.uniform(-2, 2, (1128, 2))  # 128 samples to train on, 1000 to validate
t = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + rng.normal(0, 0.5, 1128)
start = net.init(rng)  # (P,)
lai = {"lam": 0.1, "order": 2, "l1_ratio": 0.0, "reduction": "batch"}
exact = value_and_grad(net, start, x[:128], t[:128], Lai(0.1))[1]  # (P,)
# Some layers mix the samples of a batch, and then k is wrong (exercise 2). Check before training:
model = network([2, 16, 1], "tanh", start)
check_samples_independent(lambda x: predict(model, x), torch.tensor(x[:8]))


def gradient(theta, weight, lai_loss, output_and_input_gradient, x=x[:128]):
    model, t_train = network([2, 16, 1], "tanh", theta), torch.tensor(t[:128].astype(x.dtype))
    y, k = output_and_input_gradient(model, torch.tensor(x))
    mse = ((y - t_train) ** 2).mean()
    ((1 - weight) * mse + weight * lai_loss(y, t_train, k, **lai)).backward()
    return flat_gradient(model)


methods = {
    "all corrected": (0.1, lai_loss, output_and_input_gradient),
    "norm of each": (0.1, norm_of_each, output_and_input_gradient),
    "k detached": (0.1, lai_loss, detached),
    "MSE alone": (0.0, lai_loss, output_and_input_gradient),
}
gradient_error, error, steep = [], [], []
for name, (weight, *functions) in methods.items():
    wrong = gradient(start, 1.0, *functions) - exact  # of the Lai loss alone
    gradient_error.append(np.linalg.norm(wrong) / np.linalg.norm(exact))
    theta, optimizer = start, Adam(lr=0.02)
    state = optimizer.init(theta)
    for _ in range(200):
        theta, state = optimizer.step(theta, gradient(theta, weight, *functions), state)
    y, tape = net.forward(theta, x[128:])  # (1000,)
    error.append(rmse(y, t[128:]))
    steep.append(np.linalg.norm(net.input_gradient(tape)[0], axis=1).mean())
    note = f", error of the gradient {gradient_error[-1]:.0%}" if weight else ""
    print(f"{name:13} RMSE {error[-1]:.3f}, mean ‖k‖ {steep[-1]:.2f}{note}")
# > all corrected RMSE 0.555, mean ‖k‖ 1.25, error of the gradient 0%
# > norm of each  RMSE 0.552, mean ‖k‖ 1.25, error of the gradient 3%
# > k detached    RMSE 0.549, mean ‖k‖ 1.50, error of the gradient 78%
# > MSE alone     RMSE 0.547, mean ‖k‖ 1.47

# Check
assert gradient_error[0] < 1e-12 and gradient_error[1] > 0.01 and gradient_error[2] > 0.5
assert max(error) - min(error) < 0.02 and error[0] == max(error) and steep[0] < steep[3] - 0.1
assert abs(steep[1] - steep[0]) < 0.05 and abs(steep[2] - steep[3]) < 0.05
# The RMSE does not separate them; if anything, the correct port looks worst. With k detached the
# network is as steep as after MSE alone: the Lai loss has no effect, and one would blame λ.

# %% [markdown]
# ## Where are digits lost?

# %%
ask(port, "factor", "far-k-p1-lam0.5", level="strict")
# > correct, but inaccurate at extreme values: F': up to 6 digits lost for |k| ≥ 1536; F': NaN,
# >     infinite or 0 for λ or 1/λ ≥ 1.3e+30; harmless in training unless |k| or λ gets there
# > FAILED factor/far-k-p1-lam0.5 (|k| up to the ends of float32: 1 + k² must not overflow; p = 1, λ
# >     = 0.5): outside the bound; slope[0] (k = 1.26765e+30): got 0, expected 9.81819e-91 (ratio 0)

# %% [markdown]
# For p = 1 and |k| > λ, with h = √(1 + k²), autograd computes
#
#     F' = (1/h − k²/h³)/min(λ, 1)     instead of     F' = 1/h³/min(λ, 1)
#
# Both terms are nearly 1/|k|, their difference is 1/|k|³: the relative error grows with k², and in
# float32 no digit is left for |k| ≥ 4096. The bounds of level basic grow likewise, those of level
# strict are capped. `ports/torch_lai.py` has the second formula: with k = tan φ it computes
# sin φ = k/h and cos φ = 1/h in an autograd.Function, whose derivatives are cos³ φ and
# −sin φ cos² φ. These are made of sin φ and cos φ, so second derivatives are right, too. No square
# overflows.

# %%
autograd_factor, lai_factor = lai_factor, torch_lai.lai_factor
assert ask(port, "factor", level="strict")
# > correct
k = np.logspace(0, 10, 61)[:, None] * (1 + 0.1 * rng.random(20))  # (61, 20): 20 in each place
figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
for dtype, color, mark in (("float32", "#D55E00", "v"), ("float64", "#0072B2", "^")):
    for name, F, line in (("by autograd", autograd_factor, "-"), ("by hand", lai_factor, "--")):
        q = torch.tensor(k.astype(dtype), requires_grad=True)
        dF = torch.autograd.grad(F(q, 0.5, 1).sum(), q)[0]  # 2/h³
        pairs = zip(*(map(Decimal, each.flatten().tolist()) for each in (dF, q)), strict=True)
        errors = [float(abs(d * (1 + q**2) ** Decimal("1.5") / 2 - 1)) for d, q in pairs]
        worst = np.reshape(errors, k.shape).max(axis=1)  # (61,)
        axes.loglog(k[:, 0], worst, line, color=color, label=f"{dtype}, {name}")
        print(f"{dtype}, {name:11}", *(f" |k| ≈ {k[i, 0]:4.0f}: {worst[i]:.0e}" for i in (6, 18)))
        assert (worst[18] > 1e5 * worst[0]) == (name == "by autograd")
    for level, fill in (("basic", "none"), ("strict", color)):
        for case in oracle.cases("factor", level):
            if case.expected and not case.direction and case.inputs["order"] == 1:
                bound = case.bounds(dtype, level)["slope"]
                parts = np.abs(np.array([case.inputs["k"], case.expected["slope"], bound], float))
                q, dF, bound = parts[:, (parts[0] > 1) & (parts[0] < 1e10)]
                axes.plot(q, bound / dF, mark, color=color, fillstyle="full", mfc=fill)
        label = f"{dtype}, bound at level {level}"
        axes.plot([], [], mark, color=color, mfc=fill, label=label)
# > float32, by autograd  |k| ≈   11: 1e-05  |k| ≈ 1089: 1e-01
# > float32, by hand      |k| ≈   11: 2e-07  |k| ≈ 1089: 1e-07
# > float64, by autograd  |k| ≈   11: 3e-14  |k| ≈ 1089: 3e-10
# > float64, by hand      |k| ≈   11: 4e-16  |k| ≈ 1089: 4e-16
axes.set(xlabel="slope |k|", ylabel="relative error of F'", ylim=(1e-17, 10))
axes.set_title("Autograd's derivative of the factor (p = 1) loses digits as k² grows")
axes.legend(loc=(0.62, 0.1), fontsize="small")
figure.savefig(OUT / "09_digits.png")
plt.close(figure)
print("picture:", (OUT / "09_digits.png").as_posix())
# > picture: tutorials_out/09_digits.png

# %% [markdown]
# ## Does the loss of digits matter?
#
# Rarely. F' enters θ̄ as k̄ ∂k/∂θ, where k̄ is in proportion to F'. Autograd's error of F' is about
# ε/|k|, with ε the precision, and relative to ∂y/∂θ, ∂k/∂θ is of order |k|. The error of the
# product is of order ε, like the rounding of F, which enters through ȳ. Where F' has no digit
# left, its whole part of θ̄ is of order ε. Check: make |k| 10⁴ times as large, in float32.

# %%
large_k = np.concatenate([1e4 * start[:32], start[32:]])  # W_1 for inputs x/10⁴
small_x, functions = x[:128] / 1e4, (lai_loss, output_and_input_gradient)
exact_large_k = gradient(large_k, 1.0, *functions, small_x)  # by hand, in float64
for F in (autograd_factor, torch_lai.lai_factor):
    lai_factor = F  # which `lai_loss` calls
    q = gradient(large_k.astype("float32"), 1.0, *functions, small_x.astype("float32"))
    assert np.linalg.norm(q - exact_large_k) < 1e-4 * np.linalg.norm(exact_large_k)

# %% [markdown]
# It matters where F' itself is used, as in a test. And overflow matters: if k² is infinite, F for
# p = 2 is NaN, and so is θ̄. In float32 that begins at |k| ≈ 2 · 10¹⁹, in float16 at 256.

# %%
for dtype in (torch.float32, torch.float16):
    F = autograd_factor(torch.tensor([255.0, 256.0], dtype=dtype), 0.5, 2)
    print(f"{dtype}: F(255) = {F[0]:.3f}, F(256) = {F[1]:.3f}")
# > torch.float32: F(255) = 2.000, F(256) = 2.000
# > torch.float16: F(255) = 2.000, F(256) = nan

# %% [markdown]
# ## What shows only in float32, and what only in float64?

# %%
ask(port, "loss", "large-e-p2-batch", dtype="float32", level="strict")
# > correct, but inaccurate at extreme values: value, dy, dk: NaN, infinite or 0 for |e| ≥ 1.4e+12;
# >     harmless in training unless |e| gets there
# > FAILED loss/large-e-p2-batch (|e| about 1e+12: nothing is added under a root, nothing
# >     overflows): expected a finite number; value: got inf, expected 2.01307e+24
ask(port, "input_gradient", "softplus-large-z", level="strict")
# > correct, but inaccurate at extreme values: y, k: up to 7 digits lost for |z| ≥ 21.61; harmless
# >     in training unless |z| gets there
# > FAILED input_gradient/softplus-large-z (hidden units far out, where tanh is flat): outside the
# >     bound; k[1, 0]: got 0.165435, expected 0.165435, relative error 2.2e-09, bound 50.4 ulp

# %% [markdown]
# The squares in ‖c‖₂ overflow in float32, though ‖c‖₂ does not; m ‖c/m‖₂ with the largest entry m
# has no large squares. With targets of order 1 that is as harmless as the digits of F'. So is
# nn.Softplus: it returns z for log(1 + e^z) if z > 20, its `threshold`. e^−20 is below the
# resolution of float32, but not of float64.

# %% [markdown]
# ## Everything passes
#
# `ports/torch_lai.py` is this port with all that corrected; `ports/torch_backend.py` adapts it to
# the oracle, with Adam and Lai Training. `sharded` is the subject of tutorial 10.

# %%
assert oracle.check(TorchBackend(), "float32", ["loss"])
report = oracle.check(TorchBackend())
assert not report.failures()
print(report)
# > correct in what it implements
# > 404 of 431 cases passed in float64 at level strict, 27 not implemented (sharded_gradient)
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 0
# > at z = 0: relu'(0) = 0

# %% [markdown]
# At a kink every subgradient is correct; the last lines report which one the port takes. At the
# kink of F torch.maximum halves the derivative of each side: H(0) = ½, where any from 0 to 1 is
# correct. The subgradient of |e| at 0 is 0, where any from −1 to 1 is; that of relu is 0, too.

# %% [markdown]
# ## What is different in JAX?
#
# It computes in float32 without a warning, unless x64 is enabled.

# %%
assert jnp.asarray(x).dtype == jnp.float32
jax.config.update("jax_enable_x64", True)


def jax_loss(y, t, k, lam, order, l1_ratio, reduction):
    F = jnp.maximum(jnp.abs(k) ** order, lam) / (1 + k**2) ** (order / 2) / jnp.minimum(lam, 1)
    ell = jnp.abs(y - t)[:, None] ** order * F  # (N, D)
    c = ell.mean(0, keepdims=True) if reduction == "batch" else ell
    return ((1 - l1_ratio) * jnp.sqrt((c**2).sum(1)) + l1_ratio * c.sum(1)).mean()


class PlainJax:
    derived = jax.jit(jax.value_and_grad(jax_loss, (0, 2)), static_argnames="reduction")

    def loss(self, y, t, k, **kind):
        value, (dy, dk) = PlainJax.derived(y, t, k, **kind)
        return value, dy, dk


report = oracle.check(PlainJax(), groups=["loss"], level="basic")
lines = str(report).splitlines()
show(lines[0], *lines[3:8])
# > wrong: loss is the first wrong group
# >   invalid inputs are accepted in 6 cases: λ = 0 has no meaning; ρ = 2 is outside [0, 1]; p = 0
# >       is neither MAE nor MSE; there is no such reduction; a slope is not finite; no samples
# >   dy is wrong only where e = 0 (13 of 14 numbers there): it is NaN
# >   dk is wrong only where e = 0 (26 of 28 numbers there): it is NaN
# >   perhaps, for a part: Invalid input was accepted (λ ≤ 0, p = 3, unequal lengths); it should
# >       raise an error. [nothing-refused] reproduces 5 of 11 wrong cases
# >   perhaps, for a part: The derivative of the 2-norm at the zero vector was 0/0 = NaN; it should
# >       be 0. [norm-nan-at-zero] reproduces 5 of 11 wrong cases
show(*(report.format_case(o) for o in report.failures() if "zero-vector-batch-rho0.5" in o.case.id))
# > FAILED loss/zero-vector-batch-rho0.5 (all residuals are 0: the norm's vector is 0, and no
# >     derivative is NaN): expected a number, got NaN; dy[0]: got nan, expected 0
at_kinks = tuple(o for o in report.outcomes if o.subgradient is not None)
print(*str(oracle.Report("float64", at_kinks)).splitlines()[2:], sep="\n")
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 1

# %% [markdown]
# Two mistakes at once, each "for a part". Where all residuals are 0, √0 has the derivative ∞, and
# ∞ · 0 = NaN. (PyTorch's vector_norm takes 0, but its second derivative is NaN.) A `where` around
# the root does not help, for JAX differentiates both its branches, and 0 · NaN is NaN. It needs
# another inside, so that √0 is computed in neither.

# %%
norms = (
    lambda c: jnp.sqrt(c @ c),
    lambda c: jnp.where(c @ c > 0, jnp.sqrt(c @ c), 0),
    lambda c: jnp.where(c @ c > 0, jnp.sqrt(jnp.where(c @ c > 0, c @ c, 1)), 0),
)
print("gradient of each norm at 0:", *(jax.grad(norm)(jnp.zeros(2)) for norm in norms))
# > gradient of each norm at 0: [nan nan] [nan nan] [0. 0.]

# %% [markdown]
# H(0) is ½ at the kink of F here too, but jnp.abs takes the subgradient 1 at 0. That is another
# choice, and no mistake. (torch.compile and jax.jit choose as their frameworks do without.)
#
# k is vmap(grad(f)) over the samples, a function like any other, so it cannot be detached by
# mistake. Rejecting invalid input is harder: code compiled by jax.jit does not see values, and
# `if lam <= 0` is an error in it. `ports/jax_lai.py` checks λ and k where they are known. It passes
# what PyTorch's port passes, in some minutes, as each shape is compiled:
# `oracle.check(JaxBackend(jit=True))`. One of its gradients:

# %%
given = {"sizes": [2, 16, 1], "activation": "tanh", "x": x[:128], "t": t[:128]}
loss = {"name": "lai", **lai}
grad = np.asarray(JaxBackend(jit=True).param_gradient(theta=start, loss=loss, **given)[1])
assert np.allclose(grad, exact, rtol=1e-12, atol=1e-14)
print("JAX", grad[:3], "NumPy", exact[:3])
# > JAX [ 0.0001 -0.3354 -0.0581] NumPy [ 0.0001 -0.3354 -0.0581]

# %% [markdown]
# ## Next
#
# Tutorial 10 spreads a batch over workers. A port in another language talks to the oracle over
# standard input and output, see `lai_ref/oracle/README.md`. To use the loss in a project of your
# own, copy the files of `ports`; `ports/README.md` says which, and shows training loops.

# %% [markdown]
# ## Exercise 1: cases
#
# Write the plain F with `torch.where`, for the cases |k| > λ and |k| ≤ λ. Does it pass at level
# basic?

# %% [markdown]
# ## Exercise 2: samples that see each other
#
# A model has a batch norm before its last layer, in training mode. Which k does
# `output_and_input_gradient` return?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# 1. For p = 1 only. For p = 2 the larger side changes at √λ, as the first finding implies.


# %%
def lai_factor(k, lam, order):
    check_inputs(k, lam, order)
    larger = torch.where(k.abs() > lam, k.abs() ** order, lam)
    return larger / (1 + k**2) ** (order / 2) / min(lam, 1)


ask(port, "factor", "below-kink-p2-lam0.25")
# > wrong: factor is the first wrong group
# >   F is wrong only where |k| and |k|^p are on different sides of λ (16 of 17 numbers there): it
# >       is λ · 1/k² times the expected number where |k|^p > λ, and is 1/λ · k² times the expected
# >       number where |k|^p < λ
# > FAILED factor/below-kink-p2-lam0.25 (a thousandth below the kink: no error of that size in λ or
# >     k; p = 2): outside the bound; slope[0] (k = 0.499512): got 2.5595, expected -0.639875 (ratio
# >     -4)

# %% [markdown]
# 2. k = 0. Batch norm keeps the mean of its outputs over the batch, so Σ y_i does not change with
# any x_i, though y_i does. The gradients of the sum are the k_i only if y_i depends on x_i alone.

# %%
model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Flatten(0)).double()
_, k = output_and_input_gradient(model, torch.tensor(x[:128]))  # (128, 2)
own = torch.autograd.functional.jacobian(model, torch.tensor(x[:128]))[0, 0]  # ∂y_1/∂x_1, (2,)
assert k.abs().max() < 1e-12 and own.abs().max() > 0.01
try:
    check_samples_independent(model, torch.tensor(x[:8]))
except ValueError as error:
    show(str(error))
# > model: expected y_i to depend on x_i alone, but samples of the batch are mixed by BatchNorm1d
# >     '0' in training mode. Then `with_input_gradient` does not give ∂y_i/∂x_i. Instead of
# >     BatchNorm use GroupNorm or LayerNorm, or eval mode; in attention and recurrent layers use
# >     batch_first=True
