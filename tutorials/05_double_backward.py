# %% [markdown]
# # 05 · Double backward: from the input gradient to the parameters
#
# - **Question:** The loss has a derivative k̄ with respect to the input gradient k. What does k̄
#   contribute to the gradient with respect to θ?
# - **Prerequisites:** Tutorial 04: adjoints and their two rules, u and v, central differences and
#   the complex step.
# - **You will learn to** derive the double backward pass line by line, follow every number of a
#   2-2-1 network through it, leave a term out and see what happens, write it for any depth, and
#   derive it once more by forward mode.
# - **Minutes:** 60

# %%
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Lai, lai_factor, lai_factor_derivative, numerical_gradient, value_and_grad
from lai_ref.activations import ACTIVATIONS
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLUE, RED, ORANGE = "#0072B2", "#D55E00", "#E69F00"
np.set_printoptions(precision=4, suppress=True, floatmode="fixed", linewidth=100)

# %% [markdown]
# ## Nine parameters, one sample: every number up to y and k
#
# The network has two inputs, two tanh units and one output: sizes 2-2-1. One sample is enough to
# show everything. The arrays keep their sample axis i, and the formulas keep their sums over i.

# %%
W_1 = np.array([[-0.2, 2.0], [0.2, 0.8]])  # (2, 2)
b_1 = np.array([0.4, -0.8])  # (2,)
w_2 = np.array([-1.2, 0.8])  # (2,), the one column of W_2
b_2 = 0.4
theta = np.concatenate([W_1.ravel(), b_1, w_2, [b_2]])  # (9,)
x = np.array([[-0.5, 1.0]])  # (1, 2)
t = np.array([0.5])  # (1,)

# %% [markdown]
# The *forward pass* is that of tutorial 04:
#
#     z = x W_1 + b_1
#     a = f(z) = tanh z
#     y = a w_2 + b_2

# %%
z = x @ W_1 + b_1  # (1, 2)
a = np.tanh(z)  # (1, 2)
y = a @ w_2 + b_2  # (1,)
print("z =", z[0], "  a =", a[0], "  y =", y)
# > z = [ 0.7000 -1.0000]   a = [ 0.6044 -0.7616]   y = [-0.9345]

# %% [markdown]
# The *input-gradient pass* is that of tutorial 04, too, with v = ∂y/∂a and u = ∂y/∂z. Only the name
# s for f'(z) is new:
#
#     s = f'(z) = 1 − a²
#     v = w_2
#     u = v ⊙ s
#     k = u W_1ᵀ
#
# v is the same for all samples; `np.tile` repeats w_2, one row per sample.

# %%
s = 1 - a * a  # (1, 2)
v = np.tile(w_2, (len(x), 1))  # (1, 2)
u = v * s  # (1, 2)
k = u @ W_1.T  # (1, 2)
print("s =", s[0], "  u =", u[0], "  k =", k[0])
# > s = [0.6347 0.4200]   u = [-0.7617  0.3360]   k = [0.8243 0.1164]

# %%
net = MLP((2, 2, 1), "tanh")
y_ref, tape = net.forward(theta, x)
k_ref, k_tape = net.input_gradient(tape)

# Check
assert np.allclose(y, y_ref, rtol=0, atol=1e-12)
assert np.allclose(k, k_ref, rtol=0, atol=1e-12)

# %% [markdown]
# ## What does double backward need from the loss?
#
# Take the Lai MSE with λ = 0.25, summed over the two features; tutorial 06 treats the other
# choices. F and F' are those of tutorial 02, and e = y − t is the residual of our one sample:
#
#     loss = e² Σ_j F(k_j)
#     ȳ    = ∂loss/∂y   = 2 e Σ_j F(k_j)
#     k̄_j  = ∂loss/∂k_j = e² F'(k_j)
#
# ȳ and k̄ (`dy` and `dk` in code) are the *loss gradients*: the derivatives of the loss with respect
# to y and k. Double backward needs nothing else from the loss.
#
# (Tutorial 04 writes L for the loss. Here L will be the number of layers, as in `lai_ref/mlp.py`.)

# %%
e = y - t  # (1,)
F = lai_factor(k, 0.25)  # (1, 2)
dF = lai_factor_derivative(k, 0.25)  # F', (1, 2)
loss_value = (e**2 * F.sum(axis=1)).sum()
dy = 2 * e * F.sum(axis=1)  # ȳ (1,)
dk = e[:, None] ** 2 * dF  # k̄ (1, 2)
print("e =", e, "  F =", F[0], "  F' =", dF[0])
print(f"loss = {loss_value:.4f}   dy =", dy, "  dk =", dk[0])
# > e = [-1.4345]   F = [1.6183 0.9866]   F' = [ 2.3379 -0.2267]
# > loss = 5.3605   dy = [-7.4736]   dk = [ 4.8111 -0.4665]

# %%
loss = Lai(lam=0.25, l1_ratio=1.0)  # l1_ratio=1: the sum over features
value_ref, dy_ref, dk_ref = loss(y, t, k)

# Check
assert np.allclose(loss_value, value_ref)
assert np.allclose(dy, dy_ref)
assert np.allclose(dk, dk_ref)

# %% [markdown]
# ## A simpler scalar with the same gradient
#
# A small change of the parameters changes y by δy and k by δk. To first order the loss changes by
#
#     δloss = Σ_i ȳ_i δy_i + Σ_ij k̄_ij δk_ij.
#
# Now keep ȳ and k̄ fixed at their present values, and define
#
#     S = Σ_i ȳ_i y_i + Σ_ij k̄_ij k_ij.
#
# S changes by the same amount. So the loss and S have the same gradient with respect to θ at the
# present θ. S is the simpler of the two: it is linear in y and k.
#
# The complex step of tutorial 04 computes both gradients without any derivation. The rest of this
# tutorial derives these nine numbers.


# %%
def loss_of(theta):
    """The loss of the sample."""
    y, tape = net.forward(theta, x)
    k, _ = net.input_gradient(tape)
    value, _, _ = loss(y, t, k)
    return value


def S_of(theta):
    """S, with ȳ and k̄ fixed."""
    y, tape = net.forward(theta, x)
    k, _ = net.input_gradient(tape)
    return (dy * y).sum() + (dk * k).sum()


exact = numerical_gradient(loss_of, theta, "complex")  # (9,)
grad_S = numerical_gradient(S_of, theta, "complex")  # (9,)
print("gradient =", exact)
# > gradient = [-6.0249  0.5053  5.0761  2.0655  4.7207  2.2223 -5.1868  9.5762 -7.4736]

# Check
assert np.allclose(exact, grad_S, rtol=0, atol=1e-12)

# %% [markdown]
# ## The reverse pass through the input-gradient computation
#
# From here on, q̄ = ∂S/∂q is the *adjoint* of q: the sum, over all quantities computed from q, of
# their adjoint times their derivative with respect to q. For y and k this changes nothing, since
# ∂S/∂y_i = ȳ_i and ∂S/∂k_ij = k̄_ij.
#
# Three variables are used twice: z (in a and s), w_2 (in y and v) and W_1 (in z and k). Their
# adjoints therefore accumulate two contributions (+=). This section computes the contributions
# from k, the next section those from y. (The code computes s = 1 − a² from a. For the derivation, s
# is a function of z.)
#
# A *reverse pass* goes through the lines of a computation from the last to the first, and computes
# the adjoints of the variables that each line uses. Here the computation is the input-gradient pass
# with its four lines. Below, m is the unit, W_jm is an entry of W_1, and w_m one of w_2. On the
# right is the formula for whole arrays.
#
# **Reverse k = u W_1ᵀ.** u_im is used in k_ij for every feature j, and W_jm for every sample i:
#
#     k_ij = Σ_m u_im W_jm
#
#     ū_im  = Σ_j k̄_ij ∂k_ij/∂u_im = Σ_j k̄_ij W_jm    ū = k̄ W_1
#     W̄_jm += Σ_i k̄_ij ∂k_ij/∂W_jm = Σ_i k̄_ij u_im    W̄_1 += k̄ᵀ u

# %%
du = dk @ W_1  # (1, 2) @ (2, 2) = (1, 2)
dW_1_from_k = dk.T @ u  # (2, 1) @ (1, 2) = (2, 2)
print("du =", du[0], "  dW_1 from k, row by row =", dW_1_from_k.ravel())
# > du = [-1.0555  9.2490]   dW_1 from k, row by row = [-3.6645  1.6164  0.3553 -0.1567]

# %% [markdown]
# **Reverse u = v ⊙ s.** Each number is used once:
#
#     u_im = v_im s_im
#
#     v̄_im = ū_im ∂u_im/∂v_im = ū_im s_im             v̄ = ū ⊙ s
#     s̄_im = ū_im ∂u_im/∂s_im = ū_im v_im             s̄ = ū ⊙ v

# %%
dv = du * s  # (1, 2)
ds = du * v  # (1, 2)
print("dv =", dv[0], "  ds =", ds[0])
# > dv = [-0.6700  3.8843]   ds = [1.2666 7.3992]

# %% [markdown]
# **Reverse v = w_2.** Every sample uses the same w_m:
#
#     v_im = w_m
#
#     w̄_m += Σ_i v̄_im ∂v_im/∂w_m = Σ_i v̄_im           w̄_2 += Σ_i v̄

# %%
dw_2_from_k = dv.sum(axis=0)  # (2,)
print("dw_2 from k =", dw_2_from_k)
# > dw_2 from k = [-0.6700  3.8843]

# %% [markdown]
# **Reverse s = f'(z).** This step brings in the second derivative of the activation:
#
#     s_im = f'(z_im)
#
#     z̄_im += s̄_im ∂s_im/∂z_im = s̄_im f''(z_im)       z̄ += ū ⊙ v ⊙ f''(z)
#
# This contribution is the *f'' path*. For tanh, f' = 1 − f², so f'' = −2 f f' = −2 a s.

# %%
d2f = -2 * a * s  # f''(z), (1, 2)
dz_from_k = ds * d2f  # (1, 2)
print("f'' =", d2f[0], "  dz from k =", dz_from_k[0])
# > f'' = [-0.7672  0.6397]   dz from k = [-0.9718  4.7332]

# %% [markdown]
# Check each contribution by itself: vary one variable of Σ k̄ k and hold the others fixed.


# %%
def with_W(W):
    """Σ k̄ k, with u fixed."""
    return (dk * (u @ W.T)).sum()


def with_w(w):
    """Σ k̄ k, with s and the W_1 in k fixed."""
    return (dk * ((w * s) @ W_1.T)).sum()


def with_z(z):
    """Σ k̄ k, with v and the W_1 in k fixed."""
    return (dk * ((v * (1 - np.tanh(z) ** 2)) @ W_1.T)).sum()


# Check
assert np.allclose(dW_1_from_k, numerical_gradient(with_W, W_1))
assert np.allclose(dw_2_from_k, numerical_gradient(with_w, w_2))
assert np.allclose(dz_from_k, numerical_gradient(with_z, z))

# %% [markdown]
# ## The reverse pass through the forward computation
#
# Now comes the backward pass of tutorial 04, from the last line of the forward pass to the first.
# Its contributions are added to those from k. z̄ must be complete before W̄_1 and b̄_1 use it:
#
#     y = a w_2 + b_2      b̄_2 = Σ_i ȳ_i      w̄_2 += aᵀ ȳ      ā = ȳ w_2ᵀ
#     a = f(z)             z̄ += ā ⊙ f'(z)
#     z = x W_1 + b_1      W̄_1 += xᵀ z̄        b̄_1 = Σ_i z̄

# %%
db_2 = dy.sum()
dw_2 = dw_2_from_k + a.T @ dy  # (2,) + (2, 1) @ (1,) = (2,)
da = dy[:, None] * w_2  # (1, 2)
dz_from_y = da * s  # (1, 2)
dz = dz_from_k + dz_from_y  # (1, 2)
dW_1 = dW_1_from_k + x.T @ dz  # (2, 2) + (2, 1) @ (1, 2) = (2, 2)
db_1 = dz.sum(axis=0)  # (2,)
print("da =", da[0], "  dz from y =", dz_from_y[0], "  dz =", dz[0])
# > da = [ 8.9683 -5.9789]   dz from y = [ 5.6925 -2.5110]   dz = [4.7207 2.2223]

# %% [markdown]
# The four pieces, one after another as in θ, are the gradient. It equals the one by complex step.

# %%
grad = np.concatenate([dW_1.ravel(), db_1, dw_2, [db_2]])  # (9,)
_, grad_ref = value_and_grad(net, theta, x, t, loss)  # (9,)
print("gradient =", grad)
# > gradient = [-6.0249  0.5053  5.0761  2.0655  4.7207  2.2223 -5.1868  9.5762 -7.4736]

# Check
assert np.allclose(grad, exact, rtol=0, atol=1e-12)
assert np.allclose(grad, net.double_backward(k_tape, dy, dk), rtol=0, atol=1e-12)
assert np.allclose(grad, grad_ref, rtol=0, atol=1e-12)

# %% [markdown]
# ## By which paths does θ reach the loss?
#
# There are three paths, and the gradient is the sum of their contributions:
#
# - *direct*: k uses W_1 and w_2;
# - *by f''*: k uses z in f'(z), and z uses W_1 and b_1;
# - *by y*: y uses all nine parameters.
#
# The biases b_1 reach k by f'' alone. A bias does not change the weights of a unit. It moves the
# unit to another place on the graph of f, where f' is different.

# %%
direct = np.concatenate([dW_1_from_k.ravel(), np.zeros(2), dw_2_from_k, [0]])  # (9,)
by_d2f = np.concatenate([(x.T @ dz_from_k).ravel(), dz_from_k.sum(axis=0), np.zeros(3)])  # (9,)
by_y = net.backward(tape, dy)  # (9,)
total = direct + by_d2f + by_y  # (9,)
without_d2f = direct + by_y  # (9,)

# Check
assert np.allclose(total, grad, rtol=0, atol=1e-12)

# %% [markdown]
# In the table W, b, w are W_1, b_1, w_2. The column "central" holds central differences of the
# loss, the last column the gradient without the f'' path.

# %%
central = numerical_gradient(loss_of, theta)  # (9,)
columns = np.array([direct, by_d2f, by_y, total, central, without_d2f])  # (6, 9)
names = ("W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]", "b[0]", "b[1]", "w[0]", "w[1]", "b_2")
print("parameter   direct   by f''     by y    total  central  f'' dropped")
for name, row in zip(names, columns.T, strict=True):
    print(f"{name:9}" + "".join(f"{entry:9.4f}" for entry in row))
# > parameter   direct   by f''     by y    total  central  f'' dropped
# > W[0,0]     -3.6645   0.4859  -2.8463  -6.0249  -6.0249  -6.5108
# > W[0,1]      1.6164  -2.3666   1.2555   0.5053   0.5053   2.8719
# > W[1,0]      0.3553  -0.9718   5.6925   5.0761   5.0761   6.0479
# > W[1,1]     -0.1567   4.7332  -2.5110   2.0655   2.0655  -2.6677
# > b[0]        0.0000  -0.9718   5.6925   4.7207   4.7207   5.6925
# > b[1]        0.0000   4.7332  -2.5110   2.2223   2.2223  -2.5110
# > w[0]       -0.6700   0.0000  -4.5168  -5.1868  -5.1868  -5.1868
# > w[1]        3.8843   0.0000   5.6918   9.5762   9.5762   9.5762
# > b_2         0.0000   0.0000  -7.4736  -7.4736  -7.4736  -7.4736

# Check
assert np.allclose(grad, central, rtol=0, atol=1e-8)

# %% [markdown]
# ## What becomes of the gradient without the f'' path?
#
# Two of the nine entries get the wrong sign. Yet the wrong gradient still points roughly in the
# right direction: the cosine of the angle between the two gradients is 0.91. A small step against
# the wrong gradient even lowers the loss.

# %%
n_wrong_signs = (without_d2f * grad < 0).sum()
cosine = without_d2f @ grad / (np.linalg.norm(without_d2f) * np.linalg.norm(grad))
loss_after_step = loss_of(theta - 1e-3 * without_d2f)
print(f"f'' dropped: {n_wrong_signs} of 9 signs wrong, cosine {cosine:.2f}")
print(f"loss {loss_value:.4f}, after a step against the wrong gradient {loss_after_step:.4f}")
# > f'' dropped: 2 of 9 signs wrong, cosine 0.91
# > loss 5.3605, after a step against the wrong gradient 5.1016

# Check
assert n_wrong_signs == 2
assert cosine > 0.9
assert loss_after_step < loss_value

# %% [markdown]
# So a falling loss does not prove that its gradient is right. Only an independent check shows that.

# %% [markdown]
# ## Any depth and any activation
#
# Let the network have layers l = 1 … L, and let w_L be the one column of W_L. Then
#
#     forward pass           a_0 = x
#                            z_l = a_(l−1) W_l + b_l      for l = 1 … L
#                            a_l = f(z_l)                 for l = 1 … L − 1
#                            y = z_L
#
#     input-gradient pass    v_(L−1) = w_L
#                            u_l = v_l ⊙ f'(z_l)          for l = L − 1 … 1
#                            v_(l−1) = u_l W_lᵀ           for l = L − 1 … 1
#                            k = v_0
#
# For L = 2 this is the 2-2-1 network, with v = v_1 and u = u_1.
#
# In the code below, each variable is a dictionary that holds the array of layer l under the key l,
# so that `a[layer]` is a_l. `df` and `d2f` hold f'(z_l), which was s above, and f''(z_l).
#
# An activation of `lai_ref` has three functions, `f`, `df` and `d2f`. `df` takes a = f(z) as well
# as z, and `d2f` also takes f'(z), so that they need not compute these again.


# %%
class Cache(NamedTuple):
    """Intermediate values, each a dictionary from the layer to an array."""

    W: dict  # W_l (fan_in, fan_out)
    a: dict  # a_l (N, width)
    df: dict  # f'(z_l) (N, width)
    d2f: dict  # f''(z_l) (N, width)
    u: dict  # u_l (N, width)
    v: dict  # v_l (N, width)


def forward_and_input_gradient(net, theta, x):
    """y (N,), k (N, D), and the intermediate values for `double_backward`."""
    activation = ACTIVATIONS[net.activation]
    L = len(net.sizes) - 1
    W, b = {}, {}
    for layer, (weights, biases) in enumerate(net.unflatten(theta), start=1):
        W[layer] = weights
        b[layer] = biases

    # Forward pass
    z = {}
    df, d2f = {}, {}
    a = {0: x}  # a_0 = x
    for layer in range(1, L):
        z[layer] = a[layer - 1] @ W[layer] + b[layer]  # z_l = a_(l−1) W_l + b_l
        a[layer] = activation.f(z[layer])  # a_l = f(z_l)
        df[layer] = activation.df(z[layer], a[layer])  # f'(z_l)
        d2f[layer] = activation.d2f(z[layer], a[layer], df[layer])  # f''(z_l)
    z[L] = a[L - 1] @ W[L] + b[L]  # z_L = a_(L−1) W_L + b_L
    y = z[L][:, 0]  # y = z_L

    # Input-gradient pass
    u = {}
    v = {L - 1: np.tile(W[L][:, 0], (len(x), 1))}  # v_(L−1) = w_L, one row per sample
    for layer in range(L - 1, 0, -1):
        u[layer] = v[layer] * df[layer]  # u_l = v_l ⊙ f'(z_l)
        v[layer - 1] = u[layer] @ W[layer].T  # v_(l−1) = u_l W_lᵀ
    k = v[0]  # k = v_0
    return y, k, Cache(W, a, df, d2f, u, v)


# %% [markdown]
# Now reverse both passes. The line v_(l−1) = u_l W_lᵀ has the form of k = u W_1ᵀ, so v̄_(l−1) takes
# the place of k̄. The steps of the 2-2-1 network are repeated from layer to layer, and each hidden
# layer adds its own f'' term to z̄_l.
#
# Every adjoint starts at 0. Its first contribution is therefore written with = in the code, and its
# second with +=. The option `use_d2f=False` leaves the f'' path out.


# %%
def double_backward(cache, dy, dk, use_d2f=True):
    """θ̄ (P,), the gradient of S = Σ_i ȳ_i y_i + Σ_ij k̄_ij k_ij with respect to θ."""
    W, a, df, d2f, u, v = cache
    L = len(W)
    du, dv = {}, {}
    da, dz = {}, {}
    dW, db = {}, {}
    if not use_d2f:
        d2f = dict.fromkeys(d2f, 0)  # 0 for every layer

    # Reverse the input-gradient pass
    dv[0] = dk  # v̄_0 = k̄
    for layer in range(1, L):
        du[layer] = dv[layer - 1] @ W[layer]  # ū_l = v̄_(l−1) W_l
        dW[layer] = dv[layer - 1].T @ u[layer]  # W̄_l += v̄_(l−1)ᵀ u_l
        dv[layer] = du[layer] * df[layer]  # v̄_l = ū_l ⊙ f'(z_l)
        dz[layer] = du[layer] * v[layer] * d2f[layer]  # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l)
    dW[L] = dv[L - 1].sum(axis=0)[:, None]  # w̄_L += Σ_i v̄_(L−1), a column

    # Reverse the forward pass
    dz[L] = dy[:, None]  # z̄_L = ȳ, a column
    for layer in range(L, 0, -1):
        dW[layer] += a[layer - 1].T @ dz[layer]  # W̄_l += a_(l−1)ᵀ z̄_l
        db[layer] = dz[layer].sum(axis=0)  # b̄_l = Σ_i z̄_l
        if layer > 1:
            da[layer - 1] = dz[layer] @ W[layer].T  # ā_(l−1) = z̄_l W_lᵀ
            dz[layer - 1] += da[layer - 1] * df[layer - 1]  # z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))

    parts = []
    for layer in range(1, L + 1):
        parts += [dW[layer].ravel(), db[layer]]
    return np.concatenate(parts)


# %% [markdown]
# Try it on a tanh network of sizes 3-4-5-1 with six samples.

# %%
rng = np.random.default_rng(5)
deep_x = rng.uniform(-1, 1, (6, 3))  # (6, 3)
deep_t = rng.uniform(-1, 1, 6)  # (6,)
deep_theta = rng.standard_normal(47)  # (47,)


def deep_loss(net, theta):
    """The loss of the six samples."""
    y, k, _ = forward_and_input_gradient(net, theta, deep_x)
    value, _, _ = loss(y, deep_t, k)
    return value


tanh_net = MLP((3, 4, 5, 1), "tanh")
tanh_y, tanh_k, tanh_cache = forward_and_input_gradient(tanh_net, deep_theta, deep_x)
_, tanh_dy, tanh_dk = loss(tanh_y, deep_t, tanh_k)
tanh_grad = double_backward(tanh_cache, tanh_dy, tanh_dk)  # (47,)
tanh_wrong = double_backward(tanh_cache, tanh_dy, tanh_dk, use_d2f=False)  # (47,)
tanh_exact = numerical_gradient(partial(deep_loss, tanh_net), deep_theta, "complex")  # (47,)
_, tanh_ref = value_and_grad(tanh_net, deep_theta, deep_x, deep_t, loss)  # (47,)

# Check
assert np.allclose(tanh_grad, tanh_exact, rtol=0, atol=1e-10)
assert np.allclose(tanh_grad, tanh_ref, rtol=0, atol=1e-10)
assert not np.allclose(tanh_wrong, tanh_exact, rtol=0, atol=1e-2)

# %% [markdown]
# ## Why does relu hide the mistake?
#
# Repeat this for three activations, and compare with central differences. The last column shows
# what k contributes to the gradients b̄_l of the biases: their largest entry if ȳ is set to 0.


# %%
def relative_error(gradient, expected):
    """The norm of the error, relative to the norm of the expected gradient."""
    return np.linalg.norm(gradient - expected) / np.linalg.norm(expected)


def compare(name):
    """The errors with and without the f'' path, and the largest bias gradient from k."""
    net = MLP((3, 4, 5, 1), name)
    expected = numerical_gradient(partial(deep_loss, net), deep_theta)  # (47,)
    y, k, cache = forward_and_input_gradient(net, deep_theta, deep_x)
    _, dy, dk = loss(y, deep_t, k)
    error_with = relative_error(double_backward(cache, dy, dk), expected)
    error_without = relative_error(double_backward(cache, dy, dk, use_d2f=False), expected)
    from_k = double_backward(cache, np.zeros(6), dk)  # (47,)
    largest_db = max(abs(db).max() for _, db in net.unflatten(from_k))
    return error_with, error_without, largest_db


results = {}
print("activation   error with f''   without f''   largest bias gradient from k")
for name in ("relu", "tanh", "softplus"):
    results[name] = compare(name)
    print("{:10} {:16.4f} {:13.4f} {:30.4f}".format(name, *results[name]))
# > activation   error with f''   without f''   largest bias gradient from k
# > relu                 0.0000        0.0000                         0.0000
# > tanh                 0.0000        0.0210                         0.1083
# > softplus             0.0000        0.0669                         0.3076

# Check
for error_with, error_without, largest_db in results.values():
    assert error_with < 1e-8
    assert (error_without < 1e-8) == (largest_db == 0)
assert results["relu"][2] == 0
assert results["tanh"][2] > 0
assert results["softplus"][2] > 0

# %% [markdown]
# For relu, f'' = 0 on both sides of its kink, so a test with relu alone passes without the f''
# path. Test with tanh, softplus or silu, and with a tight tolerance: for tanh the error is only 2 %
# here. The last column has a second consequence: in a relu network, k contributes nothing to the
# gradients of the biases.

# %% [markdown]
# ## How does a bias change the input gradient?
#
# Return to the 2-2-1 network with its one sample. By k = u W_1ᵀ and ū = k̄ W_1, the part of S with
# k is a sum over the units m:
#
#     Σ_j k̄_j k_j = Σ_j k̄_j Σ_m u_m W_jm = Σ_m ū_m u_m = Σ_m ū_m v_m f'(z_m).
#
# So unit m contributes
#
#     ū_m v_m f'(z_m) = s̄_m f'(z_m)      with z_m = (x W_1)_m + bias.
#
# Vary the bias of unit m = 1 (the second), with ū and v fixed. The derivative of its contribution
# with respect to the bias is s̄_m f''(z_m), the entry of z̄ from k.

# %%
biases = np.linspace(-3, 3, 601)  # (601,)
z_of_bias = (x @ W_1)[0, 1] + biases  # (601,)
contributions = {}
for name in ("tanh", "relu"):
    activation = ACTIVATIONS[name]
    contributions[name] = ds[0, 1] * activation.df(z_of_bias, activation.f(z_of_bias))  # (601,)
present = ds[0, 1] * s[0, 1]  # at the bias of the network
rate = dz_from_k[0, 1]
print(f"at the bias {b_1[1]}: contribution {present:.4f}, its derivative {rate:.4f}")
# > at the bias -0.8: contribution 3.1075, its derivative 4.7332

# Check
assert np.isclose(np.interp(b_1[1], biases, contributions["tanh"]), present)
assert set(contributions["relu"]) == {0, ds[0, 1]}  # two levels, flat on both sides of the jump

# %%
nearby = np.array([-0.6, 0, 0.6])  # (3,)
label = f"rate of change {rate:.2f}, from f''"
figure, axes = plt.subplots(layout="constrained")
axes.plot(biases, contributions["tanh"], color=BLUE, label="tanh")
axes.plot(biases, contributions["relu"], "--", color=ORANGE, label="relu")
axes.plot(b_1[1] + nearby, present + rate * nearby, ":", color=RED, lw=3, label=label)
axes.plot(b_1[1], present, "o", color=RED, label="the present bias")
axes.set(xlabel="bias b_1[1]", ylabel="contribution of unit 1 to Σ k̄ k")
axes.set_title("A bias changes k at a rate given by f'', which is 0 for relu")
axes.legend()
figure.savefig(OUT / "05_bias.png")
print("picture:", (OUT / "05_bias.png").as_posix())
# > picture: tutorials_out/05_bias.png

# %% [markdown]
# For tanh, the dotted line has the slope s̄_m f''(z_m), and it touches the curve. For relu, k jumps
# where z = 0, but its derivative with respect to the bias is 0 on both sides. The jump appears in
# no gradient.

# %% [markdown]
# ## The same by forward mode (JVP)
#
# So far we used *reverse mode*: it starts at the last line of a computation and carries adjoints
# back to the first. *Forward mode* starts at the input and carries tangents forward. The *tangent*
# q̇ of a quantity q (`q_dot` in code) is the rate at which q changes when x moves in a chosen
# direction ẋ. The tangent of y is called a *Jacobian-vector product* (JVP), the derivatives of y
# times the direction:
#
#     ẏ_i = Σ_j ∂y_i/∂x_ij ẋ_ij
#
# Choose the direction ẋ = k̄, and differentiate the forward pass line by line:
#
#     ẋ = k̄
#     ż = ẋ W_1
#     ȧ = f'(z) ⊙ ż
#     ẏ = ȧ w_2
#
# Since ∂y_i/∂x_ij = k_ij, this gives ẏ_i = Σ_j k̄_ij k_ij, and therefore
#
#     S = Σ_i ȳ_i y_i + Σ_i ẏ_i.

# %%
x_dot = dk  # (1, 2)
z_dot = x_dot @ W_1  # (1, 2)
a_dot = s * z_dot  # (1, 2)
y_dot = a_dot @ w_2  # (1,)
print("z_dot =", z_dot[0], "  a_dot =", a_dot[0], "  y_dot =", y_dot)
# > z_dot = [-1.0555  9.2490]   a_dot = [-0.6700  3.8843]   y_dot = [3.9114]

# Check
assert np.allclose(y_dot, (dk * k).sum(axis=1))

# %% [markdown]
# The complex step computes tangents too. Move x by a tiny imaginary amount along k̄; the imaginary
# part of every later quantity, divided by the step, is its tangent.

# %%
STEP = 1e-100
x_perturbed = x + 1j * STEP * dk  # (1, 2)
z_perturbed = x_perturbed @ W_1 + b_1  # (1, 2)
a_perturbed = np.tanh(z_perturbed)  # (1, 2)
y_perturbed = a_perturbed @ w_2 + b_2  # (1,)

# Check
assert np.allclose(z_dot, z_perturbed.imag / STEP)
assert np.allclose(a_dot, a_perturbed.imag / STEP)
assert np.allclose(y_dot, y_perturbed.imag / STEP)

# %% [markdown]
# Compare with the reverse pass through the input-gradient computation: ż = ū = k̄ W_1, and
# ȧ = v̄ = ū ⊙ f'(z). The two passes are the same computation. The adjoints of u and v are the
# tangents of z and a along k̄.

# %%
# Check
assert np.allclose(z_dot, du)
assert np.allclose(a_dot, dv)

# %% [markdown]
# ## Backpropagation through the tangents
#
# To get θ̄, reverse the forward pass and its tangents together. Write ã = ∂S/∂ȧ and z̃ = ∂S/∂ż for
# the adjoints of the tangents. Since S contains Σ_i ẏ_i, ∂S/∂ẏ_i is 1. The lines of the tangents,
# the last line first, contribute
#
#     ẏ = ȧ w_2          ã = w_2            w̄_2 += Σ_i ȧ
#     ȧ = f'(z) ⊙ ż      z̃ = ã ⊙ f'(z)      z̄ += ã ⊙ ż ⊙ f''(z)
#     ż = ẋ W_1          W̄_1 += ẋᵀ z̃
#
# f'' appears because ȧ uses z in f'(z). Now ã = v, z̃ = u, ȧ = v̄ and ż = ū, so these are the terms
# found before. The lines of the forward pass contribute what they did before.

# %%
a_tilde = v  # (1, 2)
z_tilde = a_tilde * s  # (1, 2)
dw_2_by_jvp = a_dot.sum(axis=0) + a.T @ dy  # (2,)
dz_by_jvp = a_tilde * z_dot * d2f + da * s  # (1, 2)
dW_1_by_jvp = x_dot.T @ z_tilde + x.T @ dz_by_jvp  # (2, 2)

# Check
assert np.allclose(z_tilde, u)
assert np.allclose(dw_2_by_jvp, dw_2)
assert np.allclose(dz_by_jvp, dz)
assert np.allclose(dW_1_by_jvp, dW_1)

# %% [markdown]
# In the literature on automatic differentiation the first derivation is *reverse-over-reverse*: a
# reverse pass through a reverse pass. The one by tangents is *reverse-over-forward*.

# %% [markdown]
# ## Summary: double backward on one page
#
# Equations on the left, lines of `forward_and_input_gradient` and `double_backward` on the right,
# for L layers and an activation f. In code, l is `layer`, f'(z_l) is `df[layer]`, and f''(z_l) is
# `d2f[layer]`.
#
# q̄ is the derivative of S, and so of the loss, with respect to q. Given are the loss gradients ȳ
# and k̄. The result θ̄ consists of W̄_1, b̄_1, W̄_2, b̄_2, …, one after another.
#
#     FORWARD PASS
#     a_0 = x                                 a = {0: x}
#     for l = 1 … L − 1                       for layer in range(1, L):
#       z_l = a_(l−1) W_l + b_l                 z[layer] = a[layer - 1] @ W[layer] + b[layer]
#       a_l = f(z_l)                            a[layer] = activation.f(z[layer])
#     z_L = a_(L−1) W_L + b_L                 z[L] = a[L - 1] @ W[L] + b[L]
#     y = z_L                                 y = z[L][:, 0]
#
#     INPUT-GRADIENT PASS
#     v_(L−1) = w_L                           v = {L - 1: np.tile(W[L][:, 0], (len(x), 1))}
#     for l = L − 1 … 1                       for layer in range(L - 1, 0, -1):
#       u_l = v_l ⊙ f'(z_l)                     u[layer] = v[layer] * df[layer]
#       v_(l−1) = u_l W_lᵀ                      v[layer - 1] = u[layer] @ W[layer].T
#     k = v_0                                 k = v[0]
#
#     REVERSE THE INPUT-GRADIENT PASS
#     v̄_0 = k̄                                 dv[0] = dk
#     for l = 1 … L − 1                       for layer in range(1, L):
#       ū_l = v̄_(l−1) W_l                       du[layer] = dv[layer - 1] @ W[layer]
#       W̄_l += v̄_(l−1)ᵀ u_l                     dW[layer] = dv[layer - 1].T @ u[layer]
#       v̄_l = ū_l ⊙ f'(z_l)                     dv[layer] = du[layer] * df[layer]
#       z̄_l += ū_l ⊙ v_l ⊙ f''(z_l)             dz[layer] = du[layer] * v[layer] * d2f[layer]
#     w̄_L += Σ_i v̄_(L−1)                      dW[L] = dv[L - 1].sum(axis=0)[:, None]
#
#     REVERSE THE FORWARD PASS
#     z̄_L = ȳ                                 dz[L] = dy[:, None]
#     for l = L … 1                           for layer in range(L, 0, -1):
#       W̄_l += a_(l−1)ᵀ z̄_l                     dW[layer] += a[layer - 1].T @ dz[layer]
#       b̄_l = Σ_i z̄_l                           db[layer] = dz[layer].sum(axis=0)
#       if l > 1                                if layer > 1:
#         ā_(l−1) = z̄_l W_lᵀ                      da[layer - 1] = dz[layer] @ W[layer].T
#         z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))        dz[layer - 1] += da[layer - 1] * df[layer - 1]

# %% [markdown]
# ## Next
#
# Tutorial 06 derives the loss gradients ȳ and k̄ for many features: which norm, the norm before or
# after the mean, and one λ per feature.
#
# You can now read in `lai_ref`: `activations.py`, `mlp.py`, and `value_and_grad` in `objective.py`.
# `mlp.py` uses the names of this tutorial. Its lists begin at 0: layer l is entry h = l − 1, but
# a_l is entry l.
#
# **Beyond this paper.** WGAN-GP trains a network, the critic, with a penalty on the norm of its
# input gradient. The gradient of this penalty with respect to the critic's parameters comes from
# the same double backward pass (Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS
# 2017, arXiv 1704.00028).

# %% [markdown]
# ## Exercise 1: a test that tanh passes without f''
#
# At which x does the 2-2-1 network hide a missing f'' path, whatever k̄ is? And why does a newly
# initialised tanh network, in which all biases are 0, hide it at x = 0?

# %% [markdown]
# ## Exercise 2: double backward from `backward` alone
#
# Compute the part of θ̄ that comes from k̄ by calling only `net.forward` and `net.backward`.

# %% [markdown]
# ## Exercise 3: softplus and silu
#
# Let σ(z) = 1/(1 + exp(−z)). Its derivative is σ' = σ(z) σ(−z). Derive f' and f'' of softplus,
# log(1 + exp(z)), and of silu, z σ(z).

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** tanh''(0) = 0, so the f'' path contributes nothing where z = x W_1 + b_1 = 0. In a
# newly initialised network all biases are 0, and x = 0 makes every z_l zero. With ȳ = 0, b̄_1 can
# only come from the f'' path. So b̄_1 = 0 shows that the path contributes nothing.
#
# (A special k̄ can hide the path at other x: where y = t, this loss has k̄ = e² F' = 0.)

# %%
x_hiding = np.linalg.solve(W_1.T, -b_1)[None]  # (1, 2)
_, tape_hiding = net.forward(theta, x_hiding)
_, k_tape_hiding = net.input_gradient(tape_hiding)
grad_hiding = net.double_backward(k_tape_hiding, np.zeros(1), np.ones((1, 2)))  # (9,)
theta_new = net.init(rng)  # (9,)

# Check
assert np.allclose(x_hiding @ W_1 + b_1, 0)
assert np.allclose(grad_hiding[4:6], 0, rtol=0, atol=1e-15)  # b̄_1
assert not theta_new[4:6].any()  # b_1

# %% [markdown]
# **Exercise 2.** Σ_j k̄_ij k_ij is the tangent of y_i along k̄. So its derivative with respect to θ
# is the tangent of ∂y_i/∂θ along k̄. For our one sample, `backward` with ȳ = 1 computes ∂y/∂θ. Call
# it at the perturbed x, and divide the imaginary part by the step. Complex arithmetic produces f''
# by itself. (This is *forward-over-reverse*.)

# %%
_, tape_perturbed = net.forward(theta, x + 1j * STEP * dk)
grad_from_k = net.backward(tape_perturbed, np.ones(1)).imag / STEP  # (9,)

# Check
assert np.allclose(grad_from_k, direct + by_d2f, rtol=0, atol=1e-12)

# %% [markdown]
# **Exercise 3.** Write σ₋ for σ(−z). Its derivative is −σ σ₋. For softplus,
#
#     f'  = exp(z)/(1 + exp(z)) = σ
#     f'' = σ σ₋
#
# For silu, the product rule gives
#
#     f'  = σ + z σ σ₋ = σ (1 + z σ₋)
#     f'' = σ σ₋ (1 + z σ₋) + σ (σ₋ − z σ σ₋) = σ σ₋ (2 + z (σ₋ − σ))
#
# The check compares f' with the complex step of f, and f'' with the complex step of f'.

# %%
grid = np.linspace(-3, 3, 13)  # (13,)
sig = 1 / (1 + np.exp(-grid))  # σ, (13,)
sig_minus = 1 / (1 + np.exp(grid))  # σ₋, (13,)
df_softplus = sig
d2f_softplus = sig * sig_minus
df_silu = sig * (1 + grid * sig_minus)
d2f_silu = sig * sig_minus * (2 + grid * (sig_minus - sig))


def by_complex_step(activation):
    """f' and f'' of an activation on the grid, each (13,)."""
    grid_perturbed = grid + 1j * STEP
    f_perturbed = activation.f(grid_perturbed)
    df_perturbed = activation.df(grid_perturbed, f_perturbed)
    return f_perturbed.imag / STEP, df_perturbed.imag / STEP


# Check
assert np.allclose(by_complex_step(ACTIVATIONS["softplus"]), (df_softplus, d2f_softplus))
assert np.allclose(by_complex_step(ACTIVATIONS["silu"]), (df_silu, d2f_silu))
