# %% [markdown]
# # 04 · A network from scratch: forward, backward, and its slope at every sample
#
# - **Question:** Where do the slopes k of a network come from, and how is a derivative checked?
# - **Prerequisites:** NumPy, matrix products, the chain rule for sums, complex numbers for one
#   cell.
# - **You will learn to** write the forward pass, the backward pass and the input gradient line by
#   line, and check them by central differences and by the complex step.
# - **Minutes:** 30

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Lai, Plain, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)

# %% [markdown]
# ## What is the network?
#
# Tutorials 01 to 03 had a line, whose slope k is simply one of its parameters. Now the model is a
# multilayer perceptron. For N samples with D features each, x of shape (N, D):
#
#     a_0 = x
#     z_l = a_(l−1) W_l + b_l,   a_l = f(z_l)       hidden layers, l = 1, 2
#     y   = z_3 = a_2 W_3 + b_3                     the output layer: one number a sample, no f
#
# W_l are weights (fan_in, fan_out), b_l biases (fan_out,), and f, the activation, acts on each
# number alone; here f = tanh. All parameters lie one after another in one vector θ of length P, as
# optimisers want it; the layers are views of it, not copies. The widths 2, 4, 3, 1 and N = 5 all
# differ, so that a forgotten transpose cannot go unnoticed.

# %%
rng = np.random.default_rng(4)
sizes, N = (2, 4, 3, 1), 5
P = (2 * 4 + 4) + (4 * 3 + 3) + (3 * 1 + 1)
theta = 0.8 * rng.standard_normal(P)  # (31,)
x, t = rng.uniform(-1, 1, (N, 2)), rng.uniform(-1, 1, N)  # (5, 2), (5,)

W1, b1 = theta[0:8].reshape(2, 4), theta[8:12]
W2, b2 = theta[12:24].reshape(4, 3), theta[24:27]
W3, b3 = theta[27:30].reshape(3, 1), theta[30:31]

net = MLP(sizes, "tanh")
views = [a for layer in net.unflatten(theta) for a in layer]
for array, reference in zip((W1, b1, W2, b2, W3, b3), views, strict=True):
    assert np.shares_memory(array, reference) and np.array_equal(array, reference)
assert net.n_params == P
print(f"widths {sizes}, P = {P} parameters")
# > widths (2, 4, 3, 1), P = 31 parameters

# %% [markdown]
# ## Forward: from x to y
#
# With i for the sample, j for the unit below, m for the unit of this layer, the product is
#
#     z_im = Σ_j a_ij W_jm + b_m
#
# The sample i stands on both sides and is never summed over: each sample goes its own way.

# %%
z1 = x @ W1 + b1  # (5, 2) @ (2, 4) + (4,) = (5, 4)
a1 = np.tanh(z1)  # (5, 4)
z2 = a1 @ W2 + b2  # (5, 4) @ (4, 3) + (3,) = (5, 3)
a2 = np.tanh(z2)  # (5, 3)
y = (a2 @ W3 + b3)[:, 0]  # (5, 3) @ (3, 1) + (1,) = (5, 1), then (5,)

assert np.isclose(z1[4, 2], x[4, 0] * W1[0, 2] + x[4, 1] * W1[1, 2] + b1[2])
y_ref, tape = net.forward(theta, x)  # the tape stores W_l, z_l and a_l for the backward pass
assert np.allclose(y, y_ref, rtol=0, atol=1e-12)
print("y =", " ".join(f"{value:.4f}" for value in y))
# > y = -2.6862 -2.1587 -2.0795 -2.3745 -2.9921

# %% [markdown]
# ## Backward: what does the loss ask of each parameter?
#
# Take the plain loss L = mean e² with the residual e = y − t. Write q̄ = ∂L/∂q for any number q on
# the way ("q bar", `dq` in code). It has the shape of q. The first one is ȳ_i = 2 e_i / N, and the
# rest follow from two rules, read off from where each number is used.
#
# Rule 1, for z_im = Σ_j a_ij W_jm + b_m. W_jm is used by the z_im of every sample i, b_m too, and
# a_ij by the z_im of every unit m, so by the chain rule
#
#     W̄_jm = Σ_i z̄_im ∂z_im/∂W_jm = Σ_i a_ij z̄_im          W̄ = aᵀ z̄
#     b̄_m  = Σ_i z̄_im
#     ā_ij = Σ_m z̄_im ∂z_im/∂a_ij = Σ_m z̄_im W_jm          ā = z̄ Wᵀ
#
# Rule 2, for a_im = f(z_im), where one number is used by one number:
#
#     z̄_im = ā_im f'(z_im),          tanh' = 1 − tanh²

# %%
e = y - t  # (5,)
dz3 = (2 * e / N)[:, None]  # ȳ as a column, (5, 1)
dW3 = a2.T @ dz3  # (3, 5) @ (5, 1) = (3, 1)
db3 = dz3.sum(axis=0)  # (1,)
da2 = dz3 @ W3.T  # (5, 1) @ (1, 3) = (5, 3)
dz2 = da2 * (1 - a2 * a2)  # (5, 3)
dW2 = a1.T @ dz2  # (4, 5) @ (5, 3) = (4, 3)
db2 = dz2.sum(axis=0)  # (3,)
da1 = dz2 @ W2.T  # (5, 3) @ (3, 4) = (5, 4)
dz1 = da1 * (1 - a1 * a1)  # (5, 4)
dW1 = x.T @ dz1  # (2, 5) @ (5, 4) = (2, 4)
db1 = dz1.sum(axis=0)  # (4,)
grad = np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2, dW3.ravel(), db3])  # (31,)

value, dy, _ = Plain(order=2)(y, t)
assert np.isclose(value, (e * e).mean()) and np.allclose(dy, 2 * e / N)
assert np.allclose(grad, net.backward(tape, dy), rtol=0, atol=1e-12)
print(f"L = {value:.4f}, db3 = {db3[0]:.4f}, largest entry of the gradient {abs(grad).max():.4f}")
# > L = 5.3269, db3 = -4.4795, largest entry of the gradient 6.8706

# %% [markdown]
# ## Is it right? Central differences
#
# That two programs agree only says that both follow the same derivation. An independent check needs
# nothing but values of L as a function of θ (the forward lines once more, with x left free for
# later use). Shift one parameter by ±h; with e_j for the vector with 1 at place j and 0 elsewhere,
#
#     ∂L/∂θ_j ≈ (L(θ + h e_j) − L(θ − h e_j)) / 2h


# %%
def output(theta, x):
    a = np.tanh(x @ theta[0:8].reshape(2, 4) + theta[8:12])
    a = np.tanh(a @ theta[12:24].reshape(4, 3) + theta[24:27])
    return a @ theta[27:30] + theta[30]  # (N,)


def mse(theta):
    e = output(theta, x) - t
    return (e * e).mean()


units = np.eye(P)  # row j is e_j
central = np.array([(mse(theta + 1e-5 * u) - mse(theta - 1e-5 * u)) / 2e-5 for u in units])
assert np.allclose(grad, central, rtol=0, atol=1e-9)
assert np.allclose(central, numerical_gradient(mse, theta), rtol=0, atol=1e-9)
print(f"h = 1e-5: all {P} entries agree to 1e-9")
# > h = 1e-5: all 31 entries agree to 1e-9

# %% [markdown]
# ## Why not to all sixteen digits of a double?
#
# Along one parameter, Taylor's series gives L(θ ± h) = L ± h L' + h²/2 L'' ± h³/6 L''' + …, so
#
#     central difference = L' + h²/6 L''' + …          truncation: falls with h²
#
# But both values carry a rounding error of about ε L, with ε = 2⁻⁵² the spacing of doubles at 1.
# The leading digits cancel, the error stays, and divided by 2h it is about ε L / h: it *grows* as h
# falls. The sum h² + ε/h (sizes of L and L''' left out) is least, about ε^(2/3), near h = ε^(1/3).

# %%
eps, h, scale = np.finfo(float).eps, 10.0 ** np.arange(-20, 0), abs(grad).max()
by_h = [np.array([(mse(theta + s * u) - mse(theta - s * u)) / 2 / s for u in units]) for s in h]
error = np.array([abs(d - grad).max() / scale for d in by_h])  # (20,), one for each h

assert abs(error[-2] / error[-3] / 100 - 1) < 0.02  # h = 0.01 against 0.001: h² says 100
best = h[error.argmin()]
assert 1e-11 < error.min() < 1e-9 and 5e-7 < best < 5e-5  # about ε^(2/3), at ε^(1/3)
assert error[0] == 1  # at h = 1e-20, θ + h is θ itself: no difference is left
print(f"truncation: h = 0.01 has {error[-2] / error[-3]:.0f} times the error of h = 0.001")
third = np.cbrt(eps)
print(f"least error expected: eps^(2/3) = {third**2:.0e}, at h = eps^(1/3) = {third:.0e}")
print(f"least error found: about 10^{np.log10(error.min()):.0f}, at h = {best:.0e}")
# > truncation: h = 0.01 has 100 times the error of h = 0.001
# > least error expected: eps^(2/3) = 4e-11, at h = eps^(1/3) = 6e-06
# > least error found: about 10^-10, at h = 1e-05

# %% [markdown]
# ## How can a step of 1e-100 be exact? The complex step
#
# tanh, sums and products have the same Taylor series for complex numbers. Step sideways, by i h:
#
#     L(θ + i h) = L + i h L' − h²/2 L'' − i h³/6 L''' + …
#     Im L(θ + i h) / h = L' − h²/6 L''' + …
#
# L is the real part and L' is in the imaginary one: nothing is subtracted, so nothing cancels. The
# truncation is there, with the other sign, but h may be so small that h² vanishes beside 1.

# %%
sideways = [np.array([mse(theta + 1j * s * u).imag / s for u in units]) for s in h]
complex_error = np.array([abs(d - grad).max() / scale for d in sideways])  # (20,)
exact = np.array([mse(theta + 1e-100j * u).imag / 1e-100 for u in units])

# %% [markdown]
# the truncation errors are opposite; below 1e-8 the complex one is gone for good

# %%
assert np.allclose(by_h[-2] - grad, grad - sideways[-2], rtol=0.01, atol=1e-6)
assert complex_error[h < 1e-8].max() < 1e-14
assert np.allclose(exact, grad, rtol=0, atol=1e-14 * scale)
assert np.allclose(exact, numerical_gradient(mse, theta, method="complex"), rtol=0, atol=1e-12)
print(f"h = 0.1:    central {error[-1]:.1e}, complex {complex_error[-1]:.1e}")
print("h = 1e-20 and h = 1e-100: complex below 1e-14")
# > h = 0.1:    central 7.1e-03, complex 7.2e-03
# > h = 1e-20 and h = 1e-100: complex below 1e-14

figure, axes = plt.subplots(layout="constrained")
axes.loglog(h, error, "o-", color="#D55E00", label="central difference")
open_squares = {"markerfacecolor": "none", "markersize": 9}
axes.loglog(h, complex_error, "s-", color="#0072B2", **open_squares, label="complex step")
axes.loglog(h, h**2, ":", color="#777777", label="h², truncation")
axes.loglog(h, eps / h, "--", color="#777777", label="ε / h, rounding")
axes.set(xlabel="step h", ylabel="largest error / largest entry of the gradient", ylim=(5e-18, 10))
axes.set_title("A difference cancels when h is small; a complex step does not")
axes.legend()
figure.savefig(OUT / "04_step.png")
plt.close(figure)
print("picture:", (OUT / "04_step.png").as_posix())
# > picture: tutorials_out/04_step.png

# %% [markdown]
# ## What is the slope at a sample? The input gradient
#
# The Lai loss wants k_ij = ∂y_i/∂x_ij, the slope of the output of sample i along feature j. The
# same rules give it, with two changes: the sweep starts at y_i with 1 instead of ȳ_i, and it needs
# no W̄ or b̄, so nothing is summed over samples. To keep ∂y_i/∂a and ∂y_i/∂z apart from ā and z̄,
# which are derivatives of L, they are called v and u:
#
#     v_2 = w_3,   u_l = v_l ⊙ f'(z_l),   v_(l−1) = u_l W_lᵀ,   k = v_0
#
# w_3 is the one column of W_3, the same for all samples; ⊙ multiplies entry by entry.

# %%
v2 = W3[:, 0]  # (3,)
u2 = v2 * (1 - a2 * a2)  # (3,) ⊙ (5, 3) = (5, 3)
v1 = u2 @ W2.T  # (5, 3) @ (3, 4) = (5, 4)
u1 = v1 * (1 - a1 * a1)  # (5, 4)
k = u1 @ W1.T  # (5, 4) @ (4, 2) = (5, 2)

# %% [markdown]
# y_i depends on no other sample's x, so ∂(Σ_i y_i)/∂x_ij is k_ij: one sum checks all of them

# %%
for method, bound in (("central", 1e-8), ("complex", 1e-13)):
    by_x = numerical_gradient(lambda x: output(theta, x).sum(), x, method)  # (5, 2)
    assert np.allclose(k, by_x, rtol=0, atol=bound)
assert np.allclose(k, net.input_gradient(tape)[0], rtol=0, atol=1e-12)
print(f"k of sample 0: {k[0, 0]:.4f} {k[0, 1]:.4f}, of sample 1: {k[1, 0]:.4f} {k[1, 1]:.4f}")
# > k of sample 0: 0.7020 -0.1873, of sample 1: 0.5734 -1.3421

# %% [markdown]
# ## What does the Lai loss still need?
#
# It sees y, t and k, and returns two derivatives: ȳ as before, and k̄_ij = ∂L/∂k_ij (their formulas
# are the matter of tutorial 06). But k depends on θ as well, and `backward` knows only ȳ. How much
# of ∂L/∂θ is missing then? The complex step tells, without any derivation.


# %%
def lai(theta):
    y, tape = net.forward(theta, x)
    return Lai(lam=0.1)(y, t, net.input_gradient(tape)[0])[0]


truth = numerical_gradient(lai, theta, "complex")
only_y = net.backward(tape, Lai(lam=0.1)(y, t, k)[1])
relative_error = np.linalg.norm(truth - only_y) / np.linalg.norm(truth)
assert np.allclose(truth, numerical_gradient(lai, theta), rtol=0, atol=1e-8)
assert relative_error > 0.1
print(f"relative error of the gradient when the part through k is left out: {relative_error:.2f}")
# > relative error of the gradient when the part through k is left out: 1.24

# %% [markdown]
# ## Next
#
# Tutorial 05 derives the missing part, which needs f'' as well as f'. `forward`, `backward` and
# `input_gradient` in `lai_ref/mlp.py`, and all of `lai_ref/support/gradcheck.py`, can be read now.

# %% [markdown]
# ## Exercise 1: slope of the prediction, slope of the loss
#
# The backward sweep could go on to x̄ = z̄_1 W_1ᵀ, the gradient of the *loss* by the inputs. A port
# that takes x̄ for k is wrong. How are x̄_ij and k_ij related?

# %% [markdown]
# ## Exercise 2: two errors that cancel
#
# The two methods err by +h²/6 L''' and −h²/6 L'''. How does the error of their mean fall with h?

# %% [markdown]
# ## Exercise 3: what breaks the complex step
#
# Write the loss as np.abs(e) ** 2. For real e nothing changes. What does the complex step return?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# 1. By the chain rule x̄_ij = ȳ_i k_ij, which vanishes with the residual, while k does not.

# %%
assert np.allclose(dz1 @ W1.T, (2 * e / N)[:, None] * k, rtol=0, atol=1e-12)

# %% [markdown]
# 2. Taylor's next term is +h⁴/120 L⁽⁵⁾ in both, so the mean errs by h⁴: 10⁴ for a tenfold step.

# %%
coarse, fine = (abs((by_h[n] + sideways[n]) / 2 - grad).max() for n in (-1, -2))
ratio = coarse / fine
assert 0.9e4 < ratio < 1.1e4
print(f"mean of both: h = 0.1 has {ratio:.0f} times the error of h = 0.01")
# > mean of both: h = 0.1 has 9990 times the error of h = 0.01

# %% [markdown]
# 3. Zero: the modulus of a complex number is real, √(Re² + Im²), and has no Taylor series in e.

# %%
perturbed = theta + 1e-100j * units[0]
assert (np.abs(output(perturbed, x) - t) ** 2).mean().imag == 0 != mse(perturbed).imag
