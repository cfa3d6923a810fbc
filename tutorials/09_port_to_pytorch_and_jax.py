# %% [markdown]
# # 09 · Port to PyTorch and JAX: ask, read, fix one mistake, ask again
#
# - **Question:** The loss is written for another framework, and it trains. Is it right?
# - **Prerequisites:** Tutorials 05 and 06; PyTorch's tensors, modules and `backward()`. JAX is
#   explained. Install both frameworks: `pip install -e ".[backends]"`
# - **You will learn to** write a plain port, read the oracle's report on it, fix one mistake after
#   the other, decide whether lost digits matter, and see why training is no test.
# - **Minutes:** 70

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

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE = "#000000", "#0072B2", "#D55E00", "#E69F00"
np.set_printoptions(precision=4, suppress=True)
torch.set_num_threads(1)  # with arrays as small as ours, threads wait for each other

# %% [markdown]
# ## A plain port
#
# A *port* is the same loss, written for another framework. We write one for PyTorch, in plain
# functions. It looks right, and it has three mistakes that are often made. Look for them while you
# read.
#
# The symbols are those of tutorial 06, for N samples and D features:
#
# - y (N,) are the predictions, t (N,) the targets, and e = y − t the residuals;
# - k = ∂y/∂x (N, D) is the input gradient;
# - λ (`lam`) is one number, or one per feature; p (`order`) is 1 for MAE and 2 for MSE;
# - ρ (`l1_ratio`) mixes the two norms.
#
# We write no derivative. *Autograd*, PyTorch's automatic differentiation, records the operations on
# tensors in a graph. Then it applies the chain rule backward through this graph.
#
# Invalid input, such as λ ≤ 0, must raise an error, since the formulas would still give numbers.


# %%
def check_inputs(k, lam, order, l1_ratio=0.0, reduction="batch"):
    if len(k) == 0 or not k.isfinite().all():
        raise ValueError(f"k: expected finite numbers of at least one sample, got {k}")
    if not np.all(np.isfinite(lam) & (lam > 0)):
        raise ValueError(f"lam: expected finite numbers above 0, got {lam}")
    if order not in (1, 2):
        raise ValueError(f"order: expected 1 or 2, got {order}")
    if not 0 <= l1_ratio <= 1:
        raise ValueError(f"l1_ratio: expected a number in [0, 1], got {l1_ratio}")
    if reduction not in ("batch", "sample"):
        raise ValueError(f"reduction: expected 'batch' or 'sample', got {reduction!r}")


# %% [markdown]
# The factor is that of tutorial 02. In PyTorch, `clamp(max=1)` computes min(λ, 1).
#
#     F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1)


# %%
def lai_factor(k, lam, order):
    check_inputs(k, lam, order)
    lam = torch.as_tensor(lam, dtype=k.dtype)
    larger = torch.maximum(k.abs() ** order, lam)
    return larger / (1 + k**2) ** (order / 2) / lam.clamp(max=1)


# %% [markdown]
# The terms ℓ are the losses of each sample and feature, and M is a norm over the features. As ℓ is
# not negative, ‖c‖₁ is a plain sum.
#
#     ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
#     M(c) = (1 − ρ) ‖c‖₂ + ρ ‖c‖₁


# %%
def lai_terms(y, t, k, lam, order):
    e = y - t  # (N,)
    F = lai_factor(k, lam, order)  # (N, D)
    return e.abs()[:, None] ** order * F  # (N, D)


def mixed_norm(c, l1_ratio):
    return (1 - l1_ratio) * torch.linalg.vector_norm(c, dim=-1) + l1_ratio * c.sum(dim=-1)


# %% [markdown]
# The loss computes one number per sample and averages at the end, as most losses do:
#
#     L = mean_i M(ℓ_i)


# %%
def lai_loss(y, t, k, lam, order, l1_ratio, reduction):
    check_inputs(k, lam, order, l1_ratio, reduction)
    ell = lai_terms(y, t, k, lam, order)  # (N, D)
    return mixed_norm(ell, l1_ratio).mean()


# %% [markdown]
# The loss needs y and k of a network. Each y_i depends on its own x_i alone. So one derivative of
# the sum gives the input gradients of all samples:
#
#     k_i = ∂y_i/∂x_i = ∂(y_1 + … + y_N)/∂x_i


# %%
def predict(net, x):
    return net(x)


def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    (k,) = torch.autograd.grad(y.sum(), x)
    return y, k


# %% [markdown]
# ## An adapter for the oracle
#
# The *oracle* of `lai_ref` is a conformance test suite: published cases, each with inputs and the
# expected answer. It calls the methods of an object, one per group of cases:
#
# - `factor` returns F and F';
# - `loss` returns L and the loss gradients ȳ = ∂L/∂y and k̄ = ∂L/∂k (`dy` and `dk` in code);
# - `input_gradient` returns y and k of a network;
# - `param_gradient` returns L and θ̄ = ∂L/∂θ.
#
# The oracle passes NumPy arrays as keyword arguments, and accepts arrays or tensors as answers. A
# network is given by three of them:
#
# - `sizes` are its layer sizes, from D to 1;
# - `activation` is the name of its activation;
# - `theta` is θ (P,), one vector: for each layer W (fan_in, fan_out), then b.
#
# `nn.Linear` stores W transposed, so two functions translate between θ and a network.

# %%
ACTIVATIONS = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
}


def network(sizes, activation, theta):
    layers = []
    rest = torch.tensor(theta)  # what no layer has taken yet
    for fan_in, fan_out in pairwise(sizes):
        n_weights = fan_in * fan_out
        W, b, rest = rest.split([n_weights, fan_out, len(rest) - n_weights - fan_out])
        layer = nn.Linear(fan_in, fan_out)
        layer.weight.data = W.reshape(fan_in, fan_out).T.clone()
        layer.bias.data = b.clone()
        layers += [layer, ACTIVATIONS[activation]()]
    return nn.Sequential(*layers[:-1])  # no activation after the last layer


def flat_gradient(net):
    return torch.cat([part.grad.t().reshape(-1) for part in net.parameters()]).numpy()  # (P,)


# %% [markdown]
# The adapter turns arrays into tensors, calls the port's functions, and asks autograd for the
# derivatives. `param_gradient` is also asked for the plain losses, mean |e|^p. Its argument `loss`
# is a dict: the name of the loss, "lai" or "plain", and its settings.
#
# The methods look the functions up by name when they are called. So we fix a mistake by defining
# one function again, and leave the adapter as it is.


# %%
class Port:
    def factor(self, k, lam, order):
        k = torch.tensor(k, requires_grad=True)
        F = lai_factor(k, lam, order)
        (dF,) = torch.autograd.grad(F.sum(), k)
        return F.detach(), dF

    def loss(self, y, t, k, **settings):
        y = torch.tensor(y, requires_grad=True)
        k = torch.tensor(k, requires_grad=True)
        value = lai_loss(y, torch.tensor(t), k, **settings)
        dy, dk = torch.autograd.grad(value, (y, k))
        return value.detach(), dy, dk

    def input_gradient(self, sizes, activation, theta, x):
        net = network(sizes, activation, theta)
        y, k = output_and_input_gradient(net, torch.tensor(x))
        return y.detach(), k.detach()

    def param_gradient(self, sizes, activation, theta, x, t, loss):
        net = network(sizes, activation, theta)
        x, t = torch.tensor(x), torch.tensor(t)
        settings = dict(loss)
        if settings.pop("name") == "plain":
            value = ((predict(net, x) - t).abs() ** settings["order"]).mean()
        else:
            y, k = output_and_input_gradient(net, x)
            value = lai_loss(y, t, k, **settings)
        value.backward()
        return value.detach(), flat_gradient(net)


port = Port()


# %% [markdown]
# Reports can have long lines, so `show` shortens and wraps them. The first question: is the port
# correct?


# %%
def show(*lines):
    """Print lines, numbers cut to six digits, in at most four rows each."""
    for line in lines:
        line = re.sub(r"-?\d\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.6g}", line)
        line = re.sub(r" \(\S+\.py:\d+\)", " …", line)  # where an error was raised
        indent = "    " + line[: len(line) - len(line.lstrip())]
        options = {"max_lines": 4, "placeholder": " …", "break_on_hyphens": False}
        print(textwrap.fill(line, 96, subsequent_indent=indent, **options))


report = oracle.check(port, level="basic")
show(report.summary(), report.counts())
# > wrong: loss is the first wrong group; input_gradient, param_gradient have errors of their own
# > 121 of 395 cases passed in float64 at level basic, 156 failed, 118 not implemented (adam_step,
# >     train, sharded_gradient)

# %% [markdown]
# ## What do the two levels demand?
#
# The first line is one of three verdicts: *correct*; *correct, but inaccurate at extreme values*;
# or *wrong*, with the first wrong group. (*Correct in what it implements* is the first of them for
# a port without some groups.) The second line counts the cases.
#
# - Level "basic" has cases at ordinary values. Its bounds allow the rounding errors of a framework
#   that differentiates the formula. A correct port passes; a port with a mistake does not.
# - Level "strict", the default, adds extreme values: |k| up to 10³⁸, |e| about 10¹², λ that are
#   tiny or huge. Its bounds are those of a careful implementation.
#
# A port that fails at level basic is wrong. A port that fails at level strict alone loses digits or
# overflows at extreme values. So we ask at level basic first.
#
# The groups come in the order factor, loss, input_gradient, param_gradient. A loss contains the
# factor. The gradient with respect to θ needs the loss and the input gradient. So a mistake in an
# early group can make later groups fail. We begin with the first wrong group, and ask one group at
# a time.


# %%
def ask(port, group, case="", dtype="float64", level="basic"):
    """Print the verdict, the likely cause or first finding, and one failing case."""
    report = oracle.check(port, dtype, [group], level)
    lines = str(report).splitlines()
    show(lines[0])
    if report.verdict == "wrong":
        show(lines[3])  # after the verdict, the counts and the header of the group
    for outcome in report.failures():
        if outcome.case.id == f"{group}/{case}":
            show(report.format_case(outcome))
    return report


# %% [markdown]
# ## Mistake 1: the norm of each sample
#
# The verdict names `loss` as the first wrong group. These are the first lines of its report. The
# failing cases would follow.

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
# - *Where*: the verdict names the first wrong group. It also names the groups that follow from it,
#   or have errors of their own. The line of the group names the wrong outputs.
# - *What kind*: sentences computed from the answers. Under which conditions are they wrong? For
#   which other inputs would they be right? Which function has them as its derivatives? None of this
#   needs a list of mistakes.
# - *Which mistake*: the oracle has a list of wrong ports, with one mistake each. A "likely cause"
#   reproduces all or most of the wrong answers of the group. "Perhaps, for a part" reproduces only
#   some of them.
#
# A line of a failing case, which we will see below, shows its worst number: what the port answered,
# and what was expected. If the error is small, the line also gives the bound in *ulp* (unit in the
# last place), the distance between neighbouring floats.
#
# Here the layers agree: the port ignores `reduction`. Tutorial 06 has both orders. For "sample" the
# norm comes first, for "batch" the mean does:
#
#     "sample":  L = mean_i M(ℓ_i)           "batch":  L = M(mean_i ℓ_i)
#
# We keep the wrong function under another name, for a comparison below. The correction is
#
#     old:  return mixed_norm(ell, l1_ratio).mean()
#     new:  if reduction == "batch":
#               return mixed_norm(ell.mean(dim=0), l1_ratio)
#           return mixed_norm(ell, l1_ratio).mean()

# %%
norm_per_sample_loss = lai_loss


def lai_loss(y, t, k, lam, order, l1_ratio, reduction):
    check_inputs(k, lam, order, l1_ratio, reduction)
    ell = lai_terms(y, t, k, lam, order)  # (N, D)
    if reduction == "batch":  # new
        return mixed_norm(ell.mean(dim=0), l1_ratio)  # new
    return mixed_norm(ell, l1_ratio).mean()


report = ask(port, "loss")
# > correct

# Check
assert report  # every case passed

# %% [markdown]
# ## Mistake 2: (N, 1) minus (N,)
#
# The next group is `input_gradient`.

# %%
report = ask(port, "input_gradient", case="tanh-one-sample")
# > wrong: input_gradient is the first wrong group
# >   37 of 37 cases fail: y: expected shape (3,), got (3, 1)
# > FAILED input_gradient/tanh-one-sample (N = 1: the sample axis is kept): y: expected shape (1,),
# >     got (1, 1)

# %% [markdown]
# The output of `nn.Linear` is (N, 1), not (N,). What does that do to the losses?

# %%
report = ask(port, "param_gradient", case="identity-depth0-plain2")
# > wrong: param_gradient is the first wrong group
# >   65 of 101 cases fail only where the loss is the Lai loss (65 of 73 cases there): expected
# >       numbers, got an error: RuntimeError: The size of tensor a (3) must match the size of
# >       tensor b (2) at non-singleton dimension 2 …
# > FAILED param_gradient/identity-depth0-plain2 (identity, 0 hidden layers, plain2): outside the
# >     bound; grad[1]: got 0.207058, expected 0.570068 (ratio 0.3632)

# %% [markdown]
# In the Lai loss the wrong shape raises an error, unless N = D, N = 1 or D = 1. In MSE (`plain2`)
# it never does. Broadcasting makes y (N, 1) minus t (N,) an (N, N) matrix, so each y is compared
# with every t. Then the best value for every y is the mean of t. The loss still decreases on the
# way there.
#
#     old:  return net(x)
#     new:  return net(x).flatten()


# %%
def predict(net, x):
    return net(x).flatten()  # was: net(x)


report = ask(port, "input_gradient")
# > correct

# Check
assert report

# %% [markdown]
# ## Mistake 3: k is detached
#
# The last group is `param_gradient`.

# %%
report = ask(port, "param_gradient")
# > wrong: param_gradient is the first wrong group
# >   73 of 101 cases fail exactly where the loss is the Lai loss (73 cases): expected numbers, got
# >       an error: RuntimeError: Trying to backward through the graph a second time (or directly
# >       access saved tensors after they have already been …

# Check
for failure in report.failures():
    assert "backward through the graph a second time" in failure.reason

# %% [markdown]
# `torch.autograd.grad` frees the graph after use, but `backward()` needs the graph of y again. The
# end of PyTorch's message, which the report cuts, advises "Specify retain_graph=True". With it, no
# error is raised:
#
#     old:  (k,) = torch.autograd.grad(y.sum(), x)
#     new:  (k,) = torch.autograd.grad(y.sum(), x, retain_graph=True)


# %%
def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    (k,) = torch.autograd.grad(y.sum(), x, retain_graph=True)  # still wrong
    return y, k


report = ask(port, "param_gradient", case="tanh-depth1-lai2-sample")
# > wrong: param_gradient is the first wrong group
# >   likely cause: k was detached (treated as a constant); dk should be propagated to θ.
# >       [slopes-detached] reproduces 70 of 70 wrong cases
# > FAILED param_gradient/tanh-depth1-lai2-sample (tanh, 1 hidden layer, lai2-sample): outside the
# >     bound; grad[1]: got 1.32043, expected 2.87567 (ratio 0.4592)

# %% [markdown]
# `retain_graph=True` keeps the graph of y, but k was computed without a graph and is a constant to
# autograd. F then only reweights the samples; no gradient reaches θ through k. `create_graph=True`
# also records how k is computed:
#
#     old:  (k,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
#     new:  (k,) = torch.autograd.grad(y.sum(), x, create_graph=True)
#
# Then `backward()` differentiates through the derivative. This is the double backward pass of
# tutorial 05.

# %%
detached_input_gradient = output_and_input_gradient


def output_and_input_gradient(net, x):
    y = predict(net, x.requires_grad_())
    (k,) = torch.autograd.grad(y.sum(), x, create_graph=True)  # was: retain_graph
    return y, k


basic_report = oracle.check(port, level="basic")
show(basic_report.summary(), basic_report.counts())
# > correct in what it implements
# > 277 of 395 cases passed in float64 at level basic, 118 not implemented (adam_step, train,
# >     sharded_gradient)

# Check
assert basic_report.verdict == "correct"

# %% [markdown]
# At level basic the plain port is correct, with every derivative by autograd. At level strict the
# verdict adds what is lost, and the smallest magnitude at which a case fails. (z is the input of a
# hidden unit's activation.)

# %%
strict_report = oracle.check(port, level="strict")
show(strict_report.summary(), strict_report.counts())
# > correct, but inaccurate at extreme values: F': up to 6 digits lost for |k| ≥ 1536; F': NaN,
# >     infinite or 0 for λ or 1/λ ≥ 1.3e+30; y, k, value, grad: up to 7 digits lost for |z| ≥
# >     21.61; harmless in training unless |k| or λ or |z| reaches such values
# > 299 of 431 cases passed in float64 at level strict, 14 failed, 118 not implemented (adam_step,
# >     train, sharded_gradient)

# Check
assert strict_report.verdict == "correct, but inaccurate at extreme values"

# %% [markdown]
# ## Would training have shown the mistakes?
#
# We train four times with the same data and start: with the corrected functions, with mistake 1,
# with mistake 3, and with MSE alone. (Mistake 2 raises an error here.) The target is a function of
# two features, with noise; 128 samples are for training, 1000 for validation.

# %%
rng = np.random.default_rng(0)
x_all = rng.uniform(-2, 2, (1128, 2))
noise = rng.normal(0, 0.5, 1128)
t_all = np.sin(2 * x_all[:, 0]) + 0.5 * x_all[:, 1] + noise
x_train, x_val = x_all[:128], x_all[128:]
t_train, t_val = t_all[:128], t_all[128:]

# %% [markdown]
# The network has 16 hidden units. `lai_ref` initialises it, and gives the gradient of the Lai loss
# at the start, for comparison.
#
# k would be wrong if a layer mixed the samples of a batch (Exercise 2). So, before training, we
# call `check_samples_independent` of `ports/torch_check.py`. It raises an error if a layer does so.

# %%
SIZES = (2, 16, 1)
mlp = MLP(SIZES, "tanh")  # the network of lai_ref
start = mlp.init(rng)  # (P,)
lai_settings = {"lam": 0.1, "order": 2, "l1_ratio": 0.0, "reduction": "batch"}
_, exact = value_and_grad(mlp, start, x_train, t_train, Lai(0.1))  # (P,)
first_net = network(SIZES, "tanh", start)
check_samples_independent(lambda x: predict(first_net, x), torch.tensor(x_train[:8]))

# %% [markdown]
# The loss in training is a mixture. The Lai loss L has the weight w (`weight`):
#
#     (1 − w) MSE + w L
#
# The function below gives its gradient, for any version of the loss and of the input gradient. At
# the start we compare the gradient of the Lai loss alone, w = 1, with that of `lai_ref`:
#
#     relative error = ‖gradient − exact‖ / ‖exact‖


# %%
def gradient(theta, weight, loss_function, input_gradient_function, x=x_train, t=t_train):
    net = network(SIZES, "tanh", theta)
    x, t = torch.tensor(x), torch.tensor(t)
    y, k = input_gradient_function(net, x)
    mse = ((y - t) ** 2).mean()
    lai = loss_function(y, t, k, **lai_settings)
    value = (1 - weight) * mse + weight * lai
    value.backward()
    return flat_gradient(net)  # (P,)


def relative_error(grad, exact):
    return np.linalg.norm(grad - exact) / np.linalg.norm(exact)


# %% [markdown]
# The training loop takes 200 steps of Adam. Two numbers on the validation samples are recorded: the
# RMSE, and the mean gradient norm, which is the mean of ‖k_i‖ over the samples.


# %%
def validate(theta):
    y, tape = mlp.forward(theta, x_val)  # (1000,)
    k, _ = mlp.input_gradient(tape)  # (1000, 2)
    return rmse(y, t_val), np.linalg.norm(k, axis=1).mean()


def train(weight, loss_function, input_gradient_function):
    """RMSE and mean gradient norm at the start and after each step: (201, 2)."""
    theta = start
    optimizer = Adam(lr=0.02)
    state = optimizer.init(theta)
    history = [validate(theta)]
    for _ in range(200):
        grad = gradient(theta, weight, loss_function, input_gradient_function)
        theta, state = optimizer.step(theta, grad, state)
        history.append(validate(theta))
    return np.array(history)


# %% [markdown]
# The table has one line per method. The Lai loss has a weight of 0.1.

# %%
CORRECT, MISTAKE_1, MISTAKE_3, MSE = "corrected", "mistake 1", "mistake 3", "MSE alone"
methods = {
    CORRECT: (0.1, lai_loss, output_and_input_gradient),
    MISTAKE_1: (0.1, norm_per_sample_loss, output_and_input_gradient),
    MISTAKE_3: (0.1, lai_loss, detached_input_gradient),
    MSE: (0.0, lai_loss, output_and_input_gradient),
}
histories = {}
gradient_errors = {}
for name, (weight, loss_function, input_gradient_function) in methods.items():
    histories[name] = train(weight, loss_function, input_gradient_function)
    grad = gradient(start, 1.0, loss_function, input_gradient_function)
    gradient_errors[name] = relative_error(grad, exact)
    note = f", error of the Lai gradient {gradient_errors[name]:.0%}" if weight else ""
    print("{:9} RMSE {:.3f}, mean ‖k‖ {:.2f}".format(name, *histories[name][-1]) + note)
# > corrected RMSE 0.555, mean ‖k‖ 1.25, error of the Lai gradient 0%
# > mistake 1 RMSE 0.552, mean ‖k‖ 1.25, error of the Lai gradient 3%
# > mistake 3 RMSE 0.549, mean ‖k‖ 1.50, error of the Lai gradient 78%
# > MSE alone RMSE 0.547, mean ‖k‖ 1.47

# Check
final_rmse = {name: history[-1, 0] for name, history in histories.items()}
final_norm = {name: history[-1, 1] for name, history in histories.items()}
assert gradient_errors[CORRECT] < 1e-12
assert gradient_errors[MISTAKE_1] > 0.01
assert gradient_errors[MISTAKE_3] > 0.5
assert max(final_rmse.values()) - min(final_rmse.values()) < 0.02
assert final_rmse[CORRECT] == max(final_rmse.values())
assert final_norm[CORRECT] < final_norm[MSE] - 0.1
assert abs(final_norm[MISTAKE_1] - final_norm[CORRECT]) < 0.05
assert abs(final_norm[MISTAKE_3] - final_norm[MSE]) < 0.05

# %%
figure, axes_pair = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
styles = {
    CORRECT: (BLUE, "-"),
    MISTAKE_1: (ORANGE, "--"),
    MISTAKE_3: (RED, "-."),
    MSE: (BLACK, ":"),
}
for name, (color, line) in styles.items():
    for axes, values in zip(axes_pair, histories[name].T, strict=True):
        axes.plot(values, line, color=color, lw=2, label=name)
axes_pair[0].set(ylabel="RMSE on validation samples (units of t)", ylim=(0.5, 0.8))
axes_pair[1].set(ylabel="mean ‖k‖ (units of t per unit of x)", ylim=(0, 1.7))
for axes in axes_pair:
    axes.set(xlabel="step of Adam")
axes_pair[1].legend(loc="lower right")
figure.suptitle("Training decreases the RMSE, with and without a mistake")
figure.savefig(OUT / "09_training.png")
print("picture:", (OUT / "09_training.png").as_posix())
# > picture: tutorials_out/09_training.png

# %% [markdown]
# The RMSE does not separate them. If anything, the correct port looks worst. Mistake 1 changes the
# gradient by 3 %, and neither number shows it.
#
# With mistake 3 the mean gradient norm is as large as after MSE alone: the Lai loss does not reduce
# it. A user who does not suspect the port would blame the value of λ.

# %% [markdown]
# ## Where are digits lost?
#
# At level strict the plain port was inaccurate. The factor comes first; here is one case, p = 1.

# %%
report = ask(port, "factor", case="far-k-p1-lam0.5", level="strict")
# > correct, but inaccurate at extreme values: F': up to 6 digits lost for |k| ≥ 1536; F': NaN,
# >     infinite or 0 for λ or 1/λ ≥ 1.3e+30; harmless in training unless |k| or λ reaches such
# >     values
# > FAILED factor/far-k-p1-lam0.5 (smallest and largest |k|: 1 + k² must not overflow; p = 1, λ =
# >     0.5): outside the bound; slope[0] (k = 1.26765e+30): got 0, expected 9.81819e-91 (ratio 0)

# %% [markdown]
# (In reports, `slope` is F'.) For p = 1 and k > λ, with h = √(1 + k²), the factor is k/h/min(λ, 1).
# Autograd differentiates this quotient by the quotient rule. The closed form uses
# h² − k² = 1:
#
#     autograd:     F' = (1/h − k²/h³) / min(λ, 1)
#     closed form:  F' = (h² − k²)/h³ / min(λ, 1) = 1/h³ / min(λ, 1)
#
# Let ε be the relative rounding error of a float, 2⁻²⁴ in float32. For large k, autograd loses
# digits by *cancellation*, the subtraction of nearly equal numbers:
#
# - both terms are nearly 1/k, so their rounding errors are about ε/k;
# - their difference is only about 1/k³, so its relative error is about ε k².
#
# The relative error reaches 1 at k = 1/√ε. So in float32 no digit is left for |k| ≥ 4096.
#
# How does one get the closed form from autograd? The port `ports/torch_lai.py` has its own
# `autograd.Function`, that is, a function with a derivative that we write. It maps k = tan φ to
# sin φ = k/h and cos φ = 1/h, and the factor is made of these. Their derivatives with respect to k
# are products of the outputs:
#
#     d sin φ/dk = cos³ φ        d cos φ/dk = −sin φ cos² φ
#
# So autograd can differentiate them again, if second derivatives are needed. h is computed by
# `hypot`, in which k² does not overflow.

# %% [markdown]
# ## How many digits?
#
# We measure it for p = 1 and λ = ½, where F' = 2/h³ for k > ½. Python's `Decimal` computes with 28
# digits. It converts a float exactly, so its 2/h³ can serve as the exact value.


# %%
def error_of_derivative(k, dF):
    """The relative error of F' = dF at one k, for p = 1 and λ = ½."""
    k = Decimal(k)
    h = (1 + k**2).sqrt()
    exact_dF = 2 / h**3
    return float(abs(Decimal(dF) / exact_dF - 1))


# %% [markdown]
# Rounding errors scatter. So we take the largest error of 20 values of k near each of 61 places.

# %%
places = np.logspace(0, 10, 61)  # (61,), six per factor of 10
spread = 1 + 0.1 * np.random.default_rng(1).random(20)  # (20,)
k_grid = places[:, None] * spread  # (61, 20)
autograd_factor = lai_factor  # the plain port's
factors = {"autograd": autograd_factor, "closed form": torch_lai.lai_factor}

worst_errors = {}
for dtype in ("float32", "float64"):
    for name, factor in factors.items():
        k = torch.tensor(k_grid.astype(dtype).ravel(), requires_grad=True)
        (dF,) = torch.autograd.grad(factor(k, 0.5, 1).sum(), k)
        pairs = zip(k.tolist(), dF.tolist(), strict=True)
        errors = [error_of_derivative(*pair) for pair in pairs]
        worst = np.reshape(errors, k_grid.shape).max(axis=1)  # (61,)
        worst_errors[dtype, name] = worst
        print(f"{dtype}, {name:11} |k| ≈ 10: {worst[6]:.0e}, |k| ≈ 1000: {worst[18]:.0e}")
# > float32, autograd    |k| ≈ 10: 2e-05, |k| ≈ 1000: 1e-01
# > float32, closed form |k| ≈ 10: 2e-07, |k| ≈ 1000: 2e-07
# > float64, autograd    |k| ≈ 10: 3e-14, |k| ≈ 1000: 3e-10
# > float64, closed form |k| ≈ 10: 4e-16, |k| ≈ 1000: 5e-16

# Check
for dtype in ("float32", "float64"):
    autograd_worst = worst_errors[dtype, "autograd"]
    closed_form_worst = worst_errors[dtype, "closed form"]
    assert autograd_worst[18] > 1e5 * autograd_worst[0]
    assert closed_form_worst[18] < 10 * closed_form_worst[0]

# %% [markdown]
# Compare them with the bounds of the oracle. The bounds of level basic grow with k², like the
# errors of autograd. Those of level strict are capped.
#
# We read the bounds from the published cases with p = 1. Three kinds are left out. Invalid inputs
# and points at a kink have no single expected F'. For |k| < λ nothing cancels.


# %%
def bounds_of_cases(dtype, level):
    """|k| and the bound on the relative error of F' there, above the kink, for 1 < |k| < 10¹⁰."""
    abs_k, bounds = [], []
    for case in oracle.cases("factor", level):
        invalid = case.expected is None
        at_kink = bool(case.direction)
        if invalid or at_kink or case.inputs["order"] != 1:
            continue
        numbers = (case.inputs["k"], case.expected["slope"], case.bounds(dtype, level)["slope"])
        for k, dF, bound in zip(*numbers, strict=True):
            if max(1, case.inputs["lam"]) < abs(k) < 1e10:
                abs_k.append(float(abs(k)))
                bounds.append(float(bound) / float(abs(dF)))
    return abs_k, bounds


# %%
figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
for dtype, color, mark in (("float32", RED, "v"), ("float64", BLUE, "^")):
    for name, line in (("autograd", "-"), ("closed form", "--")):
        axes.loglog(places, worst_errors[dtype, name], line, color=color, label=f"{dtype}, {name}")
    for level, fill in (("basic", "none"), ("strict", color)):
        label = f"{dtype}, bound at level {level}"
        axes.plot(*bounds_of_cases(dtype, level), mark, color=color, mfc=fill, label=label)
axes.set(xlabel="|k| (an entry of the input gradient)", ylabel="relative error of F'")
axes.set(ylim=(1e-17, 1e3))
axes.set_title("Autograd's derivative of the factor (p = 1) loses digits as k² grows")
axes.legend(loc=(0.62, 0.1), fontsize="small")
figure.savefig(OUT / "09_digits.png")
print("picture:", (OUT / "09_digits.png").as_posix())
# > picture: tutorials_out/09_digits.png

# %% [markdown]
# ## Does the loss of digits matter?
#
# Rarely. Follow the error of F' to the gradient θ̄, with predictions y of order 1:
#
# - F' enters θ̄ as a factor of k̄, in the term k̄ ∂k/∂θ;
# - the absolute error of autograd's F' is about ε/|k|;
# - a relative change of θ changes y and k by similar fractions, so ∂k/∂θ is about |k| times as
#   large as ∂y/∂θ;
# - |k| cancels in the product: the error of the term is about ε ∂y/∂θ.
#
# The rounding of F has the same effect through the other term, ȳ ∂y/∂θ. So autograd's F' makes θ̄
# not much worse. Where F' has no digit left, k² is at least 1/ε. There F' is about 1/|k|³, and its
# whole term is at most about ε ∂y/∂θ.
#
# An experiment: make |k| 10⁴ times as large, and compute in float32. For this, multiply W_1 by 10⁴
# and divide the inputs by 10⁴. The predictions stay the same. W_1 (2, 16) is the first 32 entries
# of θ.

# %%
steep_start = start.copy()
steep_start[:32] *= 1e4  # W_1
x_small = x_train / 1e4
_, steep_tape = mlp.forward(steep_start, x_small)
steep_k, _ = mlp.input_gradient(steep_tape)  # (128, 2)
_, steep_exact = value_and_grad(mlp, steep_start, x_small, t_train, Lai(0.1))  # (P,), in float64


def float32_error():
    theta = steep_start.astype("float32")
    x, t = x_small.astype("float32"), t_train.astype("float32")
    grad = gradient(theta, 1.0, lai_loss, output_and_input_gradient, x, t)
    return relative_error(grad, steep_exact)


autograd_error = float32_error()
print(f"largest |k|: {abs(steep_k).max():.0f}")
print("error of the gradient below 0.01 %, with F' by autograd:", autograd_error < 1e-4)
# > largest |k|: 9468
# > error of the gradient below 0.01 %, with F' by autograd: True

# %% [markdown]
# Now use the factor of `ports/torch_lai.py`, with the closed form:
#
#     old:  larger / (1 + k**2) ** (order / 2) / lam.clamp(max=1)
#     new:  torch_lai.lai_factor(k, lam, order)
#
# The factor is then correct at level strict. The gradient stays within the same limit.

# %%
lai_factor = torch_lai.lai_factor
report = ask(port, "factor", level="strict")
closed_form_error = float32_error()
print("error of the gradient below 0.01 %, with the closed form:", closed_form_error < 1e-4)
# > correct
# > error of the gradient below 0.01 %, with the closed form: True

# Check
assert report
assert autograd_error < 1e-4
assert closed_form_error < 1e-4

# %% [markdown]
# Lost digits matter where F' itself is used, as in a test. Overflow matters, too: if k² is
# infinite, F for p = 2 is NaN, and so is θ̄. In float32 that begins at |k| ≈ 2 · 10¹⁹, in float16
# at 256.

# %%
for dtype in (torch.float32, torch.float16):
    F_255, F_256 = autograd_factor(torch.tensor([255.0, 256.0], dtype=dtype), 0.5, 2)
    print(f"{dtype}: F(255) = {F_255:.3f}, F(256) = {F_256:.3f}")
# > torch.float32: F(255) = 2.000, F(256) = 2.000
# > torch.float16: F(255) = 2.000, F(256) = nan

# %% [markdown]
# ## What shows only in float32, and what only in float64?
#
# For very large c the squares in ‖c‖₂ overflow in float32, though ‖c‖₂ does not. The remedy is
# m ‖c/m‖₂, with m the largest entry of c. With targets of order 1 this does not happen.

# %%
report = ask(port, "loss", case="large-e-p2-batch", dtype="float32", level="strict")
# > correct, but inaccurate at extreme values: value, dy, dk: NaN, infinite or 0 for |e| ≥ 1.4e+12;
# >     harmless in training unless |e| reaches such values
# > FAILED loss/large-e-p2-batch (|e| about 1e+12: no ε under a root, no overflow): expected a
# >     finite number, got infinity; value: got inf, expected 2.01307e+24

# %% [markdown]
# `nn.Softplus` returns z instead of log(1 + e^z) for z > 20, its `threshold`. The difference, at
# most e^−20 ≈ 2 · 10⁻⁹, is lost in the rounding of float32, but not of float64.

# %%
report = ask(port, "input_gradient", case="softplus-large-z", level="strict")
# > correct, but inaccurate at extreme values: y, k: up to 7 digits lost for |z| ≥ 21.61; harmless
# >     in training unless |z| reaches such values
# > FAILED input_gradient/softplus-large-z (large |z| in hidden units, where tanh is flat): outside
# >     the bound; k[1, 0]: got 0.165435, expected 0.165435, relative error 2.2e-09, bound 50.4 ulp

# %% [markdown]
# ## Everything passes
#
# `ports/torch_lai.py` is this port, accurate at extreme values, too. `ports/torch_backend.py` is
# its adapter for the oracle, with Adam and Lai Training. The cases of `sharded_gradient` are the
# subject of tutorial 10.

# %%
report = oracle.check(TorchBackend())
print(report)
# > correct in what it implements
# > 404 of 431 cases passed in float64 at level strict, 27 not implemented (sharded_gradient)
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 0
# > at z = 0: relu'(0) = 0

# Check
assert not report.failures()
assert oracle.check(TorchBackend(), "float32", ["loss"])

# %% [markdown]
# At a kink the derivative does not exist. Its place is taken by the *subgradients* (tutorial 02):
# the slopes of all lines through the kink that stay below the graph, to first order. Each of them
# is correct. The last three lines of the report give the port's choices:
#
# - At the kink of F, H(0) is the weight of the rising branch. The port takes ½, and so does
#   `torch.maximum` in the plain port; any value from 0 to 1 is correct.
# - The subgradient of |e| at 0 is 0; any value from −1 to 1 is correct.
# - The subgradient of relu at 0 is 0; any value from 0 to 1 is correct.

# %% [markdown]
# ## What is different in JAX?
#
# JAX computes in float32 without a warning, unless x64 is enabled.

# %%
print("before:", jnp.asarray(x_train).dtype)
jax.config.update("jax_enable_x64", True)
print("after:", jnp.asarray(x_train).dtype)
# > before: float32
# > after: float64

# %% [markdown]
# The plain loss is written as in PyTorch, in the corrected order, and without the check of its
# inputs:
#
#     ℓ_ij = |e_i|^p F_p(k_ij; λ_j)        M(c) = (1 − ρ) ‖c‖₂ + ρ ‖c‖₁


# %%
def jax_factor(k, lam, order):
    larger = jnp.maximum(jnp.abs(k) ** order, lam)
    return larger / (1 + k**2) ** (order / 2) / jnp.minimum(lam, 1)


def jax_norm(c, l1_ratio):
    return (1 - l1_ratio) * jnp.sqrt((c**2).sum(axis=-1)) + l1_ratio * c.sum(axis=-1)


def jax_loss(y, t, k, lam, order, l1_ratio, reduction):
    ell = jnp.abs(y - t)[:, None] ** order * jax_factor(k, lam, order)  # (N, D)
    if reduction == "batch":
        return jax_norm(ell.mean(axis=0), l1_ratio)
    return jax_norm(ell, l1_ratio).mean()


# %% [markdown]
# In JAX a derivative is a function made from a function. `value_and_grad` returns L and its
# derivatives with respect to arguments 0 and 2, y and k. `jit` compiles this function, once for
# each shape of its inputs. `reduction` is a string, not an array; `static_argnames` makes JAX
# compile once for each of its values, too.

# %%
jax_loss_and_gradients = jax.jit(
    jax.value_and_grad(jax_loss, argnums=(0, 2)), static_argnames="reduction"
)


class PlainJax:
    def loss(self, y, t, k, **settings):
        value, (dy, dk) = jax_loss_and_gradients(y, t, k, **settings)
        return value, dy, dk


jax_report = oracle.check(PlainJax(), groups=["loss"], level="basic")
lines = str(jax_report).splitlines()
show(lines[0], *lines[3:8])
# > wrong: loss is the first wrong group
# >   invalid inputs are accepted in 6 cases: one λ of a list is 0; ρ = 2 is outside [0, 1]; p = 0
# >       is neither 1 nor 2; unknown reduction; a number of k is NaN; no samples
# >   dy is wrong only where e = 0 (13 of 14 numbers there): it is NaN
# >   dk is wrong only where e = 0 (26 of 28 numbers there): it is NaN
# >   possible cause of a part: Invalid input was accepted (λ ≤ 0, p = 3, unequal lengths); it
# >       should raise an error. [nothing-refused] reproduces 5 of 11 wrong cases
# >   possible cause of a part: The derivative of the 2-norm at the zero vector was 0/0 = NaN; it
# >       should be 0. [norm-nan-at-zero] reproduces 5 of 11 wrong cases

# %% [markdown]
# There are two mistakes at once, each reported "for a part". Here is a case of the second, NaN:

# %%
for outcome in jax_report.failures():
    if outcome.case.id == "loss/zero-vector-batch-rho0.5":
        show(jax_report.format_case(outcome))
# > FAILED loss/zero-vector-batch-rho0.5 (all residuals are 0: c is the zero vector, no derivative
# >     may be NaN): expected a number, got NaN; dy[0]: got nan, expected 0

# %% [markdown]
# Where all residuals are 0, c = 0. The derivative of √ at 0 is ∞, the chain rule multiplies it by
# 0, and ∞ · 0 is NaN. (PyTorch's `vector_norm` takes 0 there, but its second derivative is NaN.)
#
# A `where` around the root does not help. JAX differentiates both its branches, and multiplies the
# derivative of the unused branch by 0. But 0 · ∞ is NaN. A second `where` is needed inside the
# root, so that neither branch computes √0.


# %%
def norm_by_root(c):
    return jnp.sqrt(c @ c)


def norm_with_where(c):
    square = c @ c
    return jnp.where(square > 0, jnp.sqrt(square), 0)


def norm_with_two_wheres(c):
    square = c @ c
    positive = jnp.where(square > 0, square, 1)  # the root of 1 is not used
    return jnp.where(square > 0, jnp.sqrt(positive), 0)


for norm in (norm_by_root, norm_with_where, norm_with_two_wheres):
    print(f"{norm.__name__:20} has the gradient {jax.grad(norm)(jnp.zeros(2))} at 0")
# > norm_by_root         has the gradient [nan nan] at 0
# > norm_with_where      has the gradient [nan nan] at 0
# > norm_with_two_wheres has the gradient [0. 0.] at 0

# %% [markdown]
# A report gives the subgradients only of groups that are right. So we make a report of the cases at
# kinks alone, which have passed.

# %%
at_kinks = tuple(outcome for outcome in jax_report.outcomes if outcome.subgradient is not None)
kink_report = oracle.Report("float64", at_kinks)
print(*str(kink_report).splitlines()[2:], sep="\n")
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 1

# Check
assert kink_report

# %% [markdown]
# H(0) is ½ here too, but `jnp.abs` takes the subgradient 1 at 0. That is another choice, and no
# mistake. (Compilation, by `torch.compile` or `jax.jit`, does not change these choices.)
#
# In JAX, k is `vmap(grad(model))`: `grad` gives the derivative for one sample, and `vmap` maps it
# over all of them. The result is a function like any other, so it cannot be detached by mistake.
#
# Input validation is harder. Code compiled by `jax.jit` does not see values, and `if lam <= 0` is
# an error in it. `ports/jax_lai.py` checks λ and k only where neither `jit` nor `grad` hides their
# values.
#
# That port passes the same cases as the port to PyTorch. `oracle.check(JaxBackend(jit=True))` takes
# some minutes, as each shape is compiled. So we compare one gradient only, that of the Lai loss at
# the start of the training:

# %%
jax_inputs = {"sizes": list(SIZES), "activation": "tanh", "x": x_train, "t": t_train}
jax_settings = {"name": "lai", **lai_settings}
_, jax_grad = JaxBackend(jit=True).param_gradient(theta=start, loss=jax_settings, **jax_inputs)
jax_grad = np.asarray(jax_grad)
print("JAX", jax_grad[:3], "NumPy", exact[:3])
# > JAX [ 0.0001 -0.3354 -0.0581] NumPy [ 0.0001 -0.3354 -0.0581]

# Check
assert np.allclose(jax_grad, exact, rtol=1e-12, atol=1e-14)

# %% [markdown]
# ## Next
#
# Tutorial 10 spreads a batch over workers. A port in another language exchanges questions and
# answers with the oracle over standard input and output, see `lai_ref/oracle/README.md`. To use the
# loss in a project of your own, copy the files of `ports`. `ports/README.md` lists which, and shows
# training loops.
#
# **Beyond this paper.** Derivatives through a gradient are also what meta-learning needs: MAML
# differentiates through a gradient step (Finn, Abbeel and Levine, "Model-agnostic meta-learning for
# fast adaptation of deep networks", ICML 2017). Published test vectors, with an expected answer per
# case, are how implementations of cryptography are checked (Project Wycheproof).

# %% [markdown]
# ## Exercise 1: cases
#
# A port of F uses `torch.where` in place of `torch.maximum`: |k|^p where |k| > λ, and λ elsewhere.
# Does it pass at level basic?

# %% [markdown]
# ## Exercise 2: samples that see each other
#
# A model has a batch norm right before its last layer, which is linear, and is in training mode.
# Which k does `output_and_input_gradient` return?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** For p = 1 only. For p = 2 the larger of |k|^p and λ changes at |k| = √λ. The first
# finding of the report implies this: F is wrong where |k| and |k|^p are on different sides of λ.


# %%
def lai_factor(k, lam, order):
    check_inputs(k, lam, order)
    larger = torch.where(k.abs() > lam, k.abs() ** order, lam)
    return larger / (1 + k**2) ** (order / 2) / min(lam, 1)


report = ask(port, "factor", case="below-kink-p2-lam0.25")
# > wrong: factor is the first wrong group
# >   F is wrong only where |k| and |k|^p are on different sides of λ (16 of 17 numbers there): it
# >       is λ · 1/k² times the expected number where |k|^p > λ, and is 1/λ · k² times the expected
# >       number where |k|^p < λ
# > FAILED factor/below-kink-p2-lam0.25 (|k| 0.1 % below the kink: finds an error of 0.1 % in λ or
# >     k; p = 2): outside the bound; slope[0] (k = 0.499512): got 2.5595, expected -0.639875 (ratio
# >     -4)

# Check
for failure in report.failures():
    assert failure.case.inputs["order"] == 2

# %% [markdown]
# **Exercise 2.** k = 0. Batch norm subtracts the mean over the batch. So the mean of its outputs
# does not depend on the inputs, and neither does Σ y_i, as the last layer is linear. Each y_i
# itself does change with x_i. The gradients of the sum are the k_i only if each y_i depends on x_i
# alone.

# %%
torch.manual_seed(0)
mixing_model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Flatten(0)).double()
x_tensor = torch.tensor(x_train)
_, mixed_k = output_and_input_gradient(mixing_model, x_tensor)  # (128, 2)
all_pairs = torch.autograd.functional.jacobian(mixing_model, x_tensor)  # (128, 128, 2), ∂y_i/∂x_j
own_k = all_pairs[0, 0]  # (2,), ∂y_1/∂x_1
print(f"gradient of the sum: at most {mixed_k.abs().max():.3f}")
print(f"∂y_1/∂x_1: {own_k.numpy()}")
# > gradient of the sum: at most 0.000
# > ∂y_1/∂x_1: [-0.0044  0.3109]

# Check
assert mixed_k.abs().max() < 1e-12
assert own_k.abs().max() > 0.01

# %% [markdown]
# `check_samples_independent` would have raised an error before training:

# %%
try:
    check_samples_independent(mixing_model, torch.tensor(x_train[:8]))
except ValueError as mixing_error:
    show(str(mixing_error))
# > model: expected y_i to depend on x_i alone, but samples of the batch are mixed by BatchNorm1d
# >     '0' in training mode. Then `with_input_gradient` does not give ∂y_i/∂x_i. Instead of
# >     BatchNorm use GroupNorm or LayerNorm, or eval mode; in attention and recurrent layers use
# >     batch_first=True
