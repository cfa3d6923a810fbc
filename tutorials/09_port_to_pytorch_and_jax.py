"""09 · Port to PyTorch and JAX: ask, read, mend one thing, ask again

Question           The loss is written for another framework, and it trains. Is it right?
Prerequisites      Tutorials 05 and 06; both frameworks, of PyTorch the basics, of JAX still less.
You will learn to  write a port as anybody would, read what the oracle finds in it, mend it step by
                   step until nothing is found, and see that training would not have told.
Minutes            45
"""

import re
import textwrap
from copy import copy
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Adam, Lai, oracle, rmse, value_and_grad

try:
    import jax
    import jax.numpy as jnp
    import torch
    from torch import nn
except ImportError as missing:
    raise SystemExit(f'{missing}. Install both: pip install -e ".[backends]"') from None

from ports.jax_backend import JaxBackend
from ports.torch_backend import TorchBackend
from ports.torch_lai import lai_factor

OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
np.set_printoptions(precision=4, suppress=True)
torch.set_num_threads(1)  # with arrays as small as ours, threads wait for each other

# %% The port that anybody would write
#     F_p(k; λ) = max(|k|^p, λ)/(1 + k²)^(p/2)/min(λ, 1)        ℓ_ij = |e_i|^p F_p(k_ij; λ_j)
#     L = mean_i M(ℓ_i)                                         M(c) = (1 − ρ)‖c‖₂ + ρ‖c‖₁
#
# Autograd finds all derivatives: F' and ȳ, the slopes k = ∂y/∂x (those of Σ y_i, as y_i depends on
# x_i alone), and the double backward pass of tutorial 05. The oracle asks any object that has some
# of its methods, here `factor`, `loss`, `input_gradient` and `param_gradient`. It passes arrays by
# name and wants arrays back; θ is one vector, for each layer W (fan_in, fan_out), then b.
MODULES = {"identity": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}
MODULES |= {"softplus": nn.Softplus, "silu": nn.SiLU}


class Port:
    tail, how = (), ()  # modules after the last layer, options of `grad`: none yet

    def F(self, k, lam, order):
        lam = torch.as_tensor(lam, dtype=k.dtype)
        return torch.maximum(k.abs() ** order, lam) / (1 + k**2) ** (order / 2) / lam.clamp(max=1)

    def reduced(self, ell, reduction):
        return ell

    def lai(self, y, t, k, lam, order, l1_ratio, reduction):
        ell = ((y - t).abs() ** order)[:, None] * self.F(k, lam, order)  # (N, D)
        c = self.reduced(ell, reduction)
        return ((1 - l1_ratio) * torch.linalg.vector_norm(c, dim=1) + l1_ratio * c.sum(1)).mean()

    def network(self, sizes, activation, theta):
        layers, rest = [], torch.tensor(theta)
        for rows, columns in pairwise(sizes):
            W, b, rest = rest.split([rows * columns, columns, len(rest) - (rows + 1) * columns])
            layer = nn.Linear(rows, columns)
            layer.weight.data, layer.bias.data = W.reshape(rows, columns).T.clone(), b.clone()
            layers += [layer, MODULES[activation]()]
        return nn.Sequential(*layers[:-1], *self.tail)

    def with_input_gradient(self, net, x):
        y = net(x.requires_grad_())
        return y, torch.autograd.grad(y.sum(), x, **dict(self.how))[0]

    def factor(self, k, lam, order):
        k = torch.tensor(k, requires_grad=True)
        F = self.F(k, lam, order)
        return F.detach(), torch.autograd.grad(F.sum(), k)[0]

    def loss(self, y, t, k, **kind):
        y, t, k = torch.tensor(y, requires_grad=True), torch.tensor(t), torch.tensor(k)
        value = self.lai(y, t, k.requires_grad_(), **kind)
        return value.detach(), *torch.autograd.grad(value, (y, k))

    def input_gradient(self, sizes, activation, theta, x):
        y, k = self.with_input_gradient(self.network(sizes, activation, theta), torch.tensor(x))
        return y.detach(), k.detach()

    def param_gradient(self, sizes, activation, theta, x, t, loss):
        net, x, t = self.network(sizes, activation, theta), torch.tensor(x), torch.tensor(t)
        if loss["name"] == "plain":
            value = ((net(x) - t).abs() ** loss["order"]).mean()
        else:
            y, k = self.with_input_gradient(net, x)
            value = self.lai(y, t, k, **{key: part for key, part in loss.items() if key != "name"})
        value.backward()
        return value.detach(), torch.cat([p.grad.t().reshape(-1) for p in net.parameters()]).numpy()


port = Port()
print(textwrap.fill(oracle.check(port).summary(), 96, subsequent_indent="    "))
# > 112 of 431 cases passed in float64, 201 failed, 118 not implemented (adam_step, train,
# >     sharded_gradient)

# %% How is a report read?
# `print(oracle.check(port))` prints it. The first line counts. Then come the likely mistakes: the
# oracle knows wrong ports, and names one if it gives the same wrong answers. Then the failing
# cases, each with its worst number: what was got, what was due, how far off it is, and the bound in
# ulp (distances of neighbouring floats). We take one group at a time and of its report only some
# cases, their numbers cut to six digits.


def ask(port, group, *some, dtype="float64"):
    """Print the first lines of a report, and those of the cases with a name in `some`."""
    report = oracle.check(port, dtype, [group])
    likely = [line for line in str(report).splitlines() if line.startswith("likely mistake")]
    chosen = [report.format_case(o) for o in report.failures() if any(n in o.case.id for n in some)]
    for line in (report.summary(), *likely, *chosen):
        line = re.sub(r"-?\d\.\d{6,}(e-?\d+)?", lambda number: f"{float(number[0]):.6g}", line)
        print(textwrap.fill(line, 96, subsequent_indent="    ", break_on_hyphens=False))
    return report


ask(port, "param_gradient", "identity-depth0-plain2")
# > 2 of 105 cases passed in float64, 103 failed
# > likely mistake: y (N, 1) minus t (N,) gave (N, N) differences; each y has its own t.
# >     [residuals-broadcast] explains 26 of 26 wrong answers in param_gradient
# > FAILED param_gradient/identity-depth0-plain2 (identity, 0 hidden layers, plain2): outside the
# >     bound; grad[1]: got 0.207058, want 0.570068, 0.3632 times that  [residuals-broadcast]

# %% Mistake 1: (N, 1) minus (N,)
# The output of nn.Linear is (N, 1). Minus t (N,) it is no error but (N, N): each y is compared with
# every t. The best that all y can do then is the mean of t, and the loss falls on the way there.
port.tail = [nn.Flatten(0)]  # y (N,)
report = ask(port, "param_gradient")
# > 28 of 105 cases passed in float64, 77 failed
assert all("backward through the graph a second time" in o.reason for o in report.failures())

# %% Mistake 2: k is detached
# Now PyTorch raises errors: "Trying to backward through the graph a second time … Specify
# retain_graph=True". Whoever follows that advice trains without an error:
port.how = {"retain_graph": True}
ask(port, "param_gradient", "tanh-depth1-lai2-sample")
# > 33 of 105 cases passed in float64, 72 failed
# > likely mistake: k was detached: dk was not carried back to θ. [slopes-detached] explains 51 of
# >     72 wrong answers in param_gradient
# > FAILED param_gradient/tanh-depth1-lai2-sample (tanh, 1 hidden layers, lai2-sample): outside the
# >     bound; grad[1]: got 1.32043, want 2.87567, 0.4592 times that  [slopes-detached]

# The graph of y was kept, but k has none: F is but a weight of the sample, and nothing flattens the
# model. What we want is `create_graph`, which records how k is computed as well.
port.how = {"create_graph": True}

# %% Mistake 3: the norm of each sample
# One is used to computing a loss for each sample and averaging at the end. So did we, and
# overlooked `reduction` (tutorial 06): for "batch" the mean comes before the norm.
ask(port, "loss", "p1-batch-rho0-small")
# > 59 of 91 cases passed in float64, 32 failed
# > likely mistake: The norm was taken of each sample; here it comes after the mean over the batch.
# >     [norm-before-mean] explains 22 of 26 wrong answers in loss
# > likely mistake: F' came by the quotient rule (autograd), whose terms cancel for steep k; use a
# >     closed form. [quotient-rule] explains 3 of 26 wrong answers in loss
# > FAILED loss/p1-batch-rho0-small (an ordinary batch: p = 1, batch reduction, ρ = 0, small λ):
# >     outside the bound; dk[0, 1]: got -0.0774874, want -0.102898, 0.753 times that
# >     [norm-before-mean]
norm_of_each = copy(port)
port.reduced = lambda ell, reduction: ell.mean(0, keepdim=True) if reduction == "batch" else ell
(last,) = ask(port, "param_gradient").failures()  # of another kind: see below
# > 104 of 105 cases passed in float64, 1 failed
# > likely mistake: softplus was z beyond 20, PyTorch's threshold; log(1 + e^z) is still above it.
# >     [softplus-threshold] explains 1 of 1 wrong answers in param_gradient
assert last.case.id == "param_gradient/softplus-large-z"

# %% Would anybody have noticed?
# Let the ports train, with the weights 0.9 for MSE and 0.1 for Lai, through the methods that the
# oracle calls. Beside it: by how much the Lai gradient is off at the start.
detached = copy(port)
detached.how = {"retain_graph": True}
net, rng = MLP((2, 16, 1), "tanh"), np.random.default_rng(0)
x = rng.uniform(-2, 2, (1128, 2))  # 128 rows to train on, 1000 to validate
t = np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + rng.normal(0, 0.5, 1128)
start = net.init(rng)  # (P,)
given = {"sizes": [2, 16, 1], "activation": "tanh", "x": x[:128], "t": t[:128]}
mse = {"name": "plain", "order": 2}
lai = {"name": "lai", "lam": 0.1, "order": 2, "l1_ratio": 0.0, "reduction": "batch"}
exact = value_and_grad(net, start, x[:128], t[:128], Lai(0.1))[1]  # (P,)
arms = {"all three mended": (port, lai), "norm of each": (norm_of_each, lai)}
arms |= {"k detached": (detached, lai), "MSE alone": (port, mse)}
gradient_error, error, steep = [], [], []
for name, (each, loss) in arms.items():
    gradient_of, theta, optimizer = each.param_gradient, start, Adam(lr=0.02)
    wrong = gradient_of(theta=start, loss=lai, **given)[1] - exact
    gradient_error.append(np.linalg.norm(wrong) / np.linalg.norm(exact))
    state = optimizer.init(theta)
    for _ in range(200):
        of_mse, of_loss = (gradient_of(theta=theta, loss=part, **given)[1] for part in (mse, loss))
        theta, state = optimizer.step(theta, 0.9 * of_mse + 0.1 * of_loss, state)
    y, tape = net.forward(theta, x[128:])  # (1000,)
    error.append(rmse(y, t[128:]))
    steep.append(np.linalg.norm(net.input_gradient(tape)[0], axis=1).mean())
    note = f", gradient off by {gradient_error[-1]:.0%}" if loss == lai else ""
    print(f"{name:16} RMSE {error[-1]:.3f}, mean ‖k‖ {steep[-1]:.2f}{note}")
# > all three mended RMSE 0.555, mean ‖k‖ 1.25, gradient off by 0%
# > norm of each     RMSE 0.552, mean ‖k‖ 1.25, gradient off by 3%
# > k detached       RMSE 0.549, mean ‖k‖ 1.50, gradient off by 78%
# > MSE alone        RMSE 0.547, mean ‖k‖ 1.47
assert gradient_error[0] < 1e-12 and gradient_error[1] > 0.01 and gradient_error[2] > 0.5
assert max(error) - min(error) < 0.02 and error[0] == max(error) and steep[0] < steep[3] - 0.1
assert abs(steep[1] - steep[0]) < 0.05 and abs(steep[2] - steep[3]) < 0.05
# By the RMSE nobody could tell one from another; if anything, the right one looks worst. With k
# detached the network is as steep as after MSE alone: the loss that was asked for does nothing, and
# one would blame λ.

# %% Where do digits get lost?
# Of the naive port the factor is left, and what was just found.
ask(port, "factor", "far-k-p1-lam0.5", "error-lam-zero")
# > 45 of 59 cases passed in float64, 14 failed
# > likely mistake: F' came by the quotient rule (autograd), whose terms cancel for steep k; use a
# >     closed form. [quotient-rule] explains 8 of 8 wrong answers in factor
# > FAILED factor/far-k-p1-lam0.5 (|k| up to the ends of float32: 1 + k² must not overflow; p = 1, λ
# >     = 0.5): outside the bound; slope[0] (k = 1.26765e+30): got 0, want 9.81819e-91, 0 times that
# >     [quotient-rule]
# > FAILED factor/error-lam-zero (λ = 0.0 has no meaning): an error is due, got an answer

# Bad input has to be refused. And F' of steep k has too few digits, or is 0 altogether. For p = 1
# and |k| > λ, with h = √(1 + k²), autograd computes
#
#     F' = (1/h − k²/h³)/min(λ, 1)     in place of     F' = 1/h³/min(λ, 1)
#
# Both terms are nearly 1/|k|, their difference is 1/|k|³: k² times the precision is lost, in
# float32 everything from |k| = 4096 on. So F' is to be written by hand. In `ports/torch_lai.py`
# `lai_factor` does, as an autograd.Function, and in such a way that no square overflows.
port.F = lai_factor
assert ask(port, "factor")
# > 59 of 59 cases passed in float64
k = np.logspace(0, 10, 61)[:, None] * (1 + 0.1 * rng.random(20))  # (61, 20): 20 in each place
figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
for dtype, color, mark in (("float32", "#D55E00", "v"), ("float64", "#0072B2", "^")):
    for name, F, line in (("by autograd", Port().F, "-"), ("by hand", lai_factor, "--")):
        q = torch.tensor(k.astype(dtype), requires_grad=True)
        dF = torch.autograd.grad(F(q, 0.5, 1).sum(), q)[0]  # 2/h³
        pairs = zip(*(map(Decimal, each.flatten().tolist()) for each in (dF, q)), strict=True)
        errors = [float(abs(d * (1 + q**2) ** Decimal("1.5") / 2 - 1)) for d, q in pairs]
        worst = np.reshape(errors, k.shape).max(axis=1)  # (61,)
        axes.loglog(k[:, 0], worst, line, color=color, label=f"{dtype}, {name}")
        print(f"{dtype}, {name:11}", *(f" |k| ≈ {k[i, 0]:4.0f}: {worst[i]:.0e}" for i in (6, 18)))
        assert (worst[18] > 1e5 * worst[0]) == (name == "by autograd")
    for case in oracle.cases("factor"):
        if case.expected and not case.direction and case.inputs["order"] == 1:
            parts = case.inputs["k"], case.expected["slope"], case.tolerance[dtype]["slope"]
            q, dF, bound = abs(np.array(parts, float)[:, [1 < q < 1e10 for q in parts[0]]])
            axes.plot(q, bound / dF, mark, color=color)
    axes.plot([], [], mark, color=color, label=f"{dtype}, the oracle's bounds")
# > float32, by autograd  |k| ≈   11: 1e-05  |k| ≈ 1089: 1e-01
# > float32, by hand      |k| ≈   11: 1e-07  |k| ≈ 1089: 1e-07
# > float64, by autograd  |k| ≈   11: 3e-14  |k| ≈ 1089: 3e-10
# > float64, by hand      |k| ≈   11: 1e-16  |k| ≈ 1089: 2e-16
axes.set(xlabel="slope |k|", ylabel="relative error of F'", ylim=(1e-17, 10))
axes.set_title("Autograd's slope of the factor (p = 1) loses its digits as |k|² grows")
axes.legend(loc=(0.64, 0.17), fontsize="small")
figure.savefig(OUT / "09_digits.png")
plt.close(figure)
print("picture:", (OUT / "09_digits.png").as_posix())
# > picture: tutorials_out/09_digits.png

# %% What finds only float32, and what only float64?
ask(port, "loss", "large-e-p2-batch", dtype="float32")
# > 86 of 91 cases passed in float32, 5 failed
# > likely mistake: c² was computed as it stands in the 2-norm and over- or underflows; scale c
# >     first. [norm-overflows] explains 2 of 2 wrong answers in loss
# > FAILED loss/large-e-p2-batch (|e| about 1e+12: nothing is added under a root, nothing
# >     overflows): a finite number is due; value: got inf, want 2.01307e+24  [norm-overflows]
ask(port, "input_gradient", "softplus-large-z")
# > 51 of 52 cases passed in float64, 1 failed
# > likely mistake: softplus was z beyond 20, PyTorch's threshold; log(1 + e^z) is still above it.
# >     [softplus-threshold] explains 1 of 1 wrong answers in input_gradient
# > FAILED input_gradient/softplus-large-z (hidden units far out, where tanh is flat): outside the
# >     bound; k[1, 0]: got 0.165435, want 0.165435, off by 2.2e-09 of it, bound 50.4 ulp
# >     [softplus-threshold]

# The squares in ‖c‖₂ leave float32, though ‖c‖₂ does not; m ‖c/m‖₂ with the largest entry m has no
# large squares. And nn.Softplus returns z for log(1 + e^z) from threshold=20 on. e^−20 is beyond
# the digits of float32, but not those of float64. (The rest is bad ρ, a bad `reduction` and N = 0,
# which are not refused.)

# %% Nothing more is found
# `ports/torch_lai.py` is this port with all that mended; `ports/torch_backend.py` joins it to the
# oracle, with Adam and Lai Training. `sharded` is the matter of tutorial 10.
assert ask(TorchBackend(), "loss", dtype="float32")
# > 91 of 91 cases passed in float32
report = oracle.check(TorchBackend())
assert not report.failures()
print(report)
# > 404 of 431 cases passed in float64, 27 not implemented (sharded_gradient)
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 0
# > at z = 0: relu'(0) = 0

# At a kink every subgradient is right; the last lines say which of them the port takes. At the kink
# of F torch.maximum halves the derivative of each side: H(0) = ½, where any from 0 to 1 is right.
# The subgradient of |e| at 0 is 0, where any from −1 to 1 is right, and that of relu is 0, too.

# %% What is different in JAX?
# It computes in float32 and does not say so, unless x64 is enabled.
assert jnp.asarray(x).dtype == jnp.float32
jax.config.update("jax_enable_x64", True)


def jax_loss(y, t, k, lam, order, l1_ratio, reduction):
    F = jnp.maximum(jnp.abs(k) ** order, lam) / (1 + k**2) ** (order / 2) / jnp.minimum(lam, 1)
    ell = jnp.abs(y - t)[:, None] ** order * F  # (N, D)
    c = ell.mean(0, keepdims=True) if reduction == "batch" else ell
    return ((1 - l1_ratio) * jnp.sqrt((c**2).sum(1)) + l1_ratio * c.sum(1)).mean()


class NaiveJax:
    derived = jax.jit(jax.value_and_grad(jax_loss, (0, 2)), static_argnames="reduction")

    def loss(self, y, t, k, **kind):
        value, (dy, dk) = NaiveJax.derived(y, t, k, **kind)
        return value, dy, dk


report = ask(NaiveJax(), "loss", "zero-vector-batch-rho0.5")
# > 76 of 91 cases passed in float64, 15 failed
# > likely mistake: The slope of the 2-norm at the zero vector was 0/0 = NaN; 0 is right.
# >     [norm-nan-at-zero] explains 5 of 9 wrong answers in loss
# > likely mistake: F' came by the quotient rule (autograd), whose terms cancel for steep k; use a
# >     closed form. [quotient-rule] explains 4 of 9 wrong answers in loss
# > FAILED loss/zero-vector-batch-rho0.5 (all residuals are 0: the norm's vector is 0, and no
# >     derivative is NaN): a number is due, got NaN; dy[0]: got nan, want 0  [norm-nan-at-zero]
at_kinks = tuple(o for o in report.outcomes if o.subgradient is not None)
print(*str(oracle.Report("float64", at_kinks)).splitlines()[1:], sep="\n")
# > at |k|^p = λ: H(0) = 0.5
# > at e = 0: sign(0) = 1

# Where all residuals are 0, √0 has the derivative ∞, and ∞ · 0 = NaN. (PyTorch's vector_norm takes
# 0.) A `where` about the root does not help, for JAX differentiates both its branches, and 0 · NaN
# is NaN. It needs another within, so that √0 is computed in neither.
norms = (
    lambda c: jnp.sqrt(c @ c),
    lambda c: jnp.where(c @ c > 0, jnp.sqrt(c @ c), 0),
    lambda c: jnp.where(c @ c > 0, jnp.sqrt(jnp.where(c @ c > 0, c @ c, 1)), 0),
)
print("gradient of each norm at 0:", *(jax.grad(norm)(jnp.zeros(2)) for norm in norms))
# > gradient of each norm at 0: [nan nan] [nan nan] [0. 0.]

# H(0) is ½ at the kink of F here too, but jnp.abs takes the subgradient 1 at 0. That is another
# choice, and no mistake. (torch.compile and jax.jit choose as their frameworks do without.)
#
# k is vmap(grad(f)) over the samples, a function like any other: nothing can be forgotten on the
# way to its derivative by θ. Refusing bad input is harder: code compiled by jax.jit does not see
# values, and `if lam <= 0` is an error in it. `ports/jax_lai.py` looks at λ and k where they are
# known. It passes what PyTorch's passes, in some minutes, as each shape is compiled:
# `oracle.check(JaxBackend(jit=True))`. One of its gradients:
grad = np.asarray(JaxBackend(jit=True).param_gradient(theta=start, loss=lai, **given)[1])
assert np.allclose(grad, exact, rtol=1e-12, atol=1e-14)
print("JAX", grad[:3], "NumPy", exact[:3])
# > JAX [ 0.0001 -0.3354 -0.0581] NumPy [ 0.0001 -0.3354 -0.0581]

# %% Next
# Tutorial 10 spreads a batch over workers. Any other language asks over standard input and output;
# `lai_ref/oracle/README.md` says how. `ports/torch_lai.py` and `ports/jax_lai.py` are to be copied
# into your project; their first lines show how they are used.

# %% Exercise 1: cases
# Write the naive F with `torch.where`, by the cases |k| > λ and |k| ≤ λ. Does it pass?

# %% Exercise 2: samples that see each other
# A model has a batch norm before its last layer, in training mode. Which k does
# `with_input_gradient` find?

# %% Answers
# region Answers: unfold when you have tried
# 1. For p = 1 only. For p = 2 the larger side changes at √λ.
port.F = lambda k, lam, order: (
    torch.where(k.abs() > lam, k.abs() ** order, lam) / (1 + k**2) ** (order / 2) / min(lam, 1)
)
ask(port, "factor", "ordinary-p1-lam4", "below-kink-p2-lam0.25")
# > 36 of 59 cases passed in float64, 23 failed
# > likely mistake: F' came by the quotient rule (autograd), whose terms cancel for steep k; use a
# >     closed form. [quotient-rule] explains 7 of 17 wrong answers in factor
# > likely mistake: For MSE the kink was put at |k| = λ; it is at |k| = √λ, where |k|² = λ.
# >     [kink-at-lam] explains 6 of 17 wrong answers in factor
# > FAILED factor/below-kink-p2-lam0.25 (a thousandth below the kink: no error of that size in λ or
# >     k; p = 2): outside the bound; slope[0] (k = 0.499512): got 2.5595, want -0.639875, -4 times
# >     that  [kink-at-lam]

# 2. k = 0. Batch norm keeps the mean of its outputs over the batch, so Σ y_i does not change with
# any x_i, though y_i does. The gradients of the sum are the k_i only if y_i depends on x_i alone.
model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 1), nn.Flatten(0)).double()
_, k = port.with_input_gradient(model, torch.tensor(x[:128]))  # (128, 2)
own = torch.autograd.functional.jacobian(model, torch.tensor(x[:128]))[0, 0]  # ∂y_1/∂x_1, (2,)
assert k.abs().max() < 1e-12 and own.abs().max() > 0.01
# endregion
