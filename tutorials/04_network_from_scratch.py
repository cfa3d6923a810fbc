# %% [markdown]
# # 04 · A network from scratch: output, gradient and input gradient
#
# - **Question:** How does one compute the input gradient k of a network, and how does one check a
#   derivative?
# - **Prerequisites:** NumPy, matrix products, the chain rule for sums, complex numbers.
# - **You will learn to** write the forward pass, the backward pass and the input gradient line by
#   line, and check them by central differences and by the complex step.
# - **Minutes:** 40

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Lai, Plain, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## What is the network?
#
# The model of tutorials 01 to 03 was a line, whose slope k is one of its two parameters. Now the
# model is a *multilayer perceptron*. Let x have the shape (N, D): N samples with D features each.
#
#     a_0 = x
#     z_l = a_(l−1) W_l + b_l      for l = 1, 2, 3
#     a_l = f(z_l)                 for l = 1, 2, the hidden layers
#     y   = z_3                    the output layer: one number per sample, and no f
#
# W_l are the weights (fan_in, fan_out), and b_l the biases (fan_out,). A column of W_l with its
# entry of b_l belongs to one *unit* of layer l. The *activation* f is applied to each number
# separately; here f = tanh.
#
# Our network has 2 features, hidden layers of 4 and 3 units, and 1 output. N is 5. These numbers
# all differ, so that a forgotten transpose raises an error.

# %%
sizes = (2, 4, 3, 1)
N = 5
P = (2 * 4 + 4) + (4 * 3 + 3) + (3 * 1 + 1)  # the number of parameters
rng = np.random.default_rng(4)
theta = 0.8 * rng.standard_normal(P)  # (31,)
x = rng.uniform(-1, 1, (N, 2))  # (5, 2)
t = rng.uniform(-1, 1, N)  # (5,)
print(f"widths {sizes}, P = {P} parameters")
# > widths (2, 4, 3, 1), P = 31 parameters

# %% [markdown]
# Optimisers work on one vector. So all parameters lie one after another in θ, a vector of length P.
# The layers are *views* of θ: they share its memory, and a change of θ changes them.

# %%
W1 = theta[0:8].reshape(2, 4)
b1 = theta[8:12]
W2 = theta[12:24].reshape(4, 3)
b2 = theta[24:27]
W3 = theta[27:30].reshape(3, 1)
b3 = theta[30:31]

# %% [markdown]
# `unflatten` of `lai_ref.MLP` returns the same views.

# %%
net = MLP(sizes, "tanh")
layers = [(W1, b1), (W2, b2), (W3, b3)]

# Check
assert net.n_params == P
for (W, b), (W_ref, b_ref) in zip(layers, net.unflatten(theta), strict=True):
    assert np.array_equal(W, W_ref)
    assert np.array_equal(b, b_ref)
    assert np.shares_memory(W, W_ref)
    assert np.shares_memory(b, b_ref)

# %% [markdown]
# ## Forward: from x to y
#
# Let i be the sample, j a unit of the layer below (or a feature, below the first layer), and m a
# unit of this layer. Written with indices, and without the number of the layer, the line for z_l is
#
#     z_im = Σ_j a_ij W_jm + b_m.
#
# The index i occurs on both sides, and there is no sum over i. No sample influences another one.

# %%
z1 = x @ W1 + b1  # (5, 2) @ (2, 4) + (4,) = (5, 4)
a1 = np.tanh(z1)  # (5, 4)
z2 = a1 @ W2 + b2  # (5, 4) @ (4, 3) + (3,) = (5, 3)
a2 = np.tanh(z2)  # (5, 3)
z3 = a2 @ W3 + b3  # (5, 3) @ (3, 1) + (1,) = (5, 1)
y = z3[:, 0]  # (5,)
print("y =", " ".join(f"{y_i:.4f}" for y_i in y))
# > y = -2.6862 -2.1587 -2.0795 -2.3745 -2.9921

# Check
assert np.isclose(z1[4, 2], x[4, 0] * W1[0, 2] + x[4, 1] * W1[1, 2] + b1[2])

# %% [markdown]
# `MLP.forward` returns y and a *tape*: the stored W_l, z_l and a_l, which the backward pass needs.

# %%
y_ref, tape = net.forward(theta, x)

# Check
assert np.allclose(y, y_ref, rtol=0, atol=1e-12)

# %% [markdown]
# ## Backward: how does the loss depend on each parameter?
#
# Take the MSE, with the residual e = y − t:
#
#     L = (1/N) Σ_i e_i²
#
# For an intermediate quantity q, write q̄ = ∂L/∂q (the *adjoint* of q; `dq` in code). It has the
# shape of q. The first adjoint is that of y:
#
#     ȳ_i = ∂L/∂y_i = 2 e_i / N
#
# The *backward pass* (backpropagation) computes all other adjoints from it, from the last layer to
# the first. By the chain rule, q̄ is a sum over the quantities computed from q. Two rules are
# enough.
#
# **Rule 1**, for z_im = Σ_j a_ij W_jm + b_m. W_jm and b_m are used in the z_im of every sample i,
# and a_ij is used in the z_im of every unit m. On the right is the formula for whole arrays:
#
#     W̄_jm = Σ_i z̄_im ∂z_im/∂W_jm = Σ_i a_ij z̄_im      W̄ = aᵀ z̄
#     b̄_m  = Σ_i z̄_im ∂z_im/∂b_m  = Σ_i z̄_im           b̄ = Σ_i z̄
#     ā_ij = Σ_m z̄_im ∂z_im/∂a_ij = Σ_m z̄_im W_jm      ā = z̄ Wᵀ
#
# **Rule 2**, for a_im = f(z_im). z_im is used once. ⊙ multiplies entry by entry:
#
#     z̄_im = ā_im f'(z_im)                             z̄ = ā ⊙ f'(z)
#
# For f = tanh, f' = 1 − tanh², so f'(z) = 1 − a².

# %%
e = y - t  # (5,)
L = (e * e).mean()
dy = 2 * e / N  # ȳ, (5,)

dz3 = dy[:, None]  # z3 is y as a column, (5, 1)
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

# %% [markdown]
# The adjoints of the parameters, in the order of θ, are the gradient.

# %%
grad = np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2, dW3.ravel(), db3])  # (31,)
scale = abs(grad).max()
print(f"L = {L:.4f}, db3 = {db3[0]:.4f}, largest entry of the gradient {scale:.4f}")
# > L = 5.3269, db3 = -4.4795, largest entry of the gradient 6.8706

# %% [markdown]
# `lai_ref` has the same two parts: `Plain(order=2)` returns L and ȳ, and `MLP.backward` computes
# the gradient from ȳ.

# %%
L_ref, dy_ref, _ = Plain(order=2)(y, t)

# Check
assert np.isclose(L, L_ref)
assert np.allclose(dy, dy_ref)
assert np.allclose(grad, net.backward(tape, dy), rtol=0, atol=1e-12)

# %% [markdown]
# ## Is it right? Central differences
#
# That two programs agree shows only that both follow the same derivation. An independent check
# needs nothing but values of L as a function of θ. So we write the forward pass once more as a
# function. Its second argument is x, for later use.


# %%
def output(theta, x):
    """y (N,)."""
    a1 = np.tanh(x @ theta[0:8].reshape(2, 4) + theta[8:12])  # (N, 4)
    a2 = np.tanh(a1 @ theta[12:24].reshape(4, 3) + theta[24:27])  # (N, 3)
    return a2 @ theta[27:30] + theta[30]  # (N,)


def mse(theta):
    """L as a function of all parameters."""
    e = output(theta, x) - t
    return (e * e).mean()


# %% [markdown]
# Shift one parameter by ±h. Let d_p be the vector with 1 at place p and 0 elsewhere. Then
#
#     ∂L/∂θ_p ≈ (L(θ + h d_p) − L(θ − h d_p)) / 2h.
#
# `numerical_gradient` in `lai_ref` computes the same.

# %%
directions = np.eye(P)  # (31, 31), row p is d_p


def central_gradient(h):
    """∂L/∂θ (P,) by central differences."""
    gradient = np.zeros(P)
    for p in range(P):
        right = mse(theta + h * directions[p])
        left = mse(theta - h * directions[p])
        gradient[p] = (right - left) / (2 * h)
    return gradient


central = central_gradient(1e-5)  # (31,)
n_close = (abs(central - grad) < 1e-9).sum()
print(f"h = 1e-5: {n_close} of {P} entries agree to 1e-9")
# > h = 1e-5: 31 of 31 entries agree to 1e-9

# Check
assert n_close == P
assert np.allclose(numerical_gradient(mse, theta), central, rtol=0, atol=1e-9)

# %% [markdown]
# ## Why not to all sixteen digits of a double?
#
# Let L depend on one parameter alone, here called θ. A prime means the derivative with respect to
# it. Taylor's series is
#
#     L(θ ± h) = L ± h L' + h²/2 L'' ± h³/6 L''' + …
#
# The even terms cancel in the difference, so
#
#     central difference = L' + h²/6 L''' + …
#
# The second term is the *truncation error*. It is proportional to h².
#
# But there is also a *rounding error*. Let ε = 2⁻⁵² be the spacing of doubles at 1. Each value of L
# has an error of about ε L. In the difference the leading digits cancel, but these errors remain.
# Divided by 2h they are about ε L / h. So the rounding error *grows* as h falls.
#
# First the truncation error. If it is proportional to h², a tenth of h divides it by 100.


# %%
def error_of(gradient):
    """The largest error of a numerical gradient, relative to the largest entry of the gradient."""
    return abs(gradient - grad).max() / scale


error_large_h = error_of(central_gradient(1e-2))
error_small_h = error_of(central_gradient(1e-3))
ratio = error_large_h / error_small_h
print(f"truncation: h = 0.01 has {ratio:.0f} times the error of h = 0.001")
# > truncation: h = 0.01 has 100 times the error of h = 0.001

# Check
assert abs(ratio / 100 - 1) < 0.02

# %% [markdown]
# Now both errors together. Take the constants L and L'''/6 as 1, since only the order of magnitude
# matters, and look for the smallest sum of h² and ε/h. The two are equal at h = ε^(1/3), where each
# is ε^(2/3). For a smaller h, ε/h is larger; for a larger h, h² is larger. So the smallest error
# should be about ε^(2/3), with h near ε^(1/3).

# %%
eps = np.finfo(float).eps
h_expected = np.cbrt(eps)
error_expected = h_expected**2
h_values = 10.0 ** np.arange(-20, 0)  # (20,): from 1e-20 to 0.1
central_errors = np.array([error_of(central_gradient(h)) for h in h_values])  # (20,)
h_best = h_values[central_errors.argmin()]
error_best = central_errors.min()
print(f"smallest error expected: ε^(2/3) = {error_expected:.0e}, at h = ε^(1/3) = {h_expected:.0e}")
print(f"smallest error found: about 10^{np.log10(error_best):.0f}, at h = {h_best:.0e}")
# > smallest error expected: ε^(2/3) = 4e-11, at h = ε^(1/3) = 6e-06
# > smallest error found: about 10^-10, at h = 1e-05

# Check
assert error_expected / 10 < error_best < error_expected * 10
assert h_expected / 10 < h_best < h_expected * 10

# %% [markdown]
# At h = 1e-20, θ + h d_p is θ itself in floating point. The difference is 0, and the relative error
# is 1.

# %%
# Check
assert not central_gradient(1e-20).any()
assert central_errors[0] == 1

# %% [markdown]
# ## How can a step of 1e-100 be exact? The complex step
#
# tanh, sums and products have the same Taylor series for complex numbers. We write 1j for the
# imaginary unit, as Python does (i and j remain indices). An imaginary step gives
#
#     L(θ + 1j h) = L + 1j h L' − h²/2 L'' − 1j h³/6 L''' + …
#
# Here L is in the real part and L' in the imaginary part. Divide the imaginary part by h:
#
#     Im L(θ + 1j h) / h = L' − h²/6 L''' + …
#
# This is the *complex step*. It subtracts no two values of L, so nothing cancels, and h may be as
# small as we like. The truncation error is still there, with the opposite sign, but with h = 1e-100
# it vanishes next to L'. `numerical_gradient` with the method "complex" computes the same.


# %%
def complex_gradient(h):
    """∂L/∂θ (P,) by the complex step."""
    gradient = np.zeros(P)
    for p in range(P):
        gradient[p] = mse(theta + 1j * h * directions[p]).imag / h
    return gradient


by_complex_step = complex_gradient(1e-100)  # (31,)
complex_errors = np.array([error_of(complex_gradient(h)) for h in h_values])  # (20,)
print(f"h = 0.1:    central {central_errors[-1]:.1e}, complex {complex_errors[-1]:.1e}")
print("h = 1e-20 and h = 1e-100: complex below 1e-14")
# > h = 0.1:    central 7.1e-03, complex 7.2e-03
# > h = 1e-20 and h = 1e-100: complex below 1e-14

# Check
assert complex_errors[0] < 1e-14
assert error_of(by_complex_step) < 1e-14
assert np.allclose(numerical_gradient(mse, theta, "complex"), by_complex_step, rtol=0, atol=1e-12)

# %% [markdown]
# Two predictions can be checked. The truncation errors of the two methods are opposite. And for all
# h below 1e-8, where h² is below ε, the error of the complex step is at the level of rounding.

# %%
central_error_vector = central_gradient(1e-2) - grad  # (31,)
complex_error_vector = complex_gradient(1e-2) - grad  # (31,)

# Check
assert np.allclose(central_error_vector, -complex_error_vector, rtol=0.01, atol=1e-6)
assert complex_errors[h_values < 1e-8].max() < 1e-14

# %%
figure, axes = plt.subplots(layout="constrained")
axes.loglog(h_values, central_errors, "o-", color=RED, label="central difference")
open_squares = {"markerfacecolor": "none", "markersize": 9}
axes.loglog(h_values, complex_errors, "s-", color=BLUE, **open_squares, label="complex step")
axes.loglog(h_values, h_values**2, ":", color=GREY, label="h², truncation")
axes.loglog(h_values, eps / h_values, "--", color=GREY, label="ε / h, rounding")
axes.set(xlabel="step h", ylabel="largest error / largest entry of the gradient", ylim=(5e-18, 10))
axes.set_title("A difference cancels when h is small; a complex step does not")
axes.legend()
figure.savefig(OUT / "04_step.png")
print("picture:", (OUT / "04_step.png").as_posix())
# > picture: tutorials_out/04_step.png

# %% [markdown]
# ## The input gradient
#
# The Lai loss needs the derivative of the output of sample i with respect to its feature j:
#
#     k_ij = ∂y_i/∂x_ij
#
# Row i of k is the *input gradient* of sample i. A line has one slope, the same at every x. The
# input gradient of a network is different at every sample.
#
# The two rules give it as well. There are two changes. The pass starts with ∂y_i/∂y_i = 1 in place
# of ȳ_i. And it computes no W̄ or b̄, so there is no sum over samples. ā and z̄ are derivatives of L;
# the derivatives of y_i get names of their own:
#
#     v_l = ∂y_i/∂a_l,      u_l = ∂y_i/∂z_l      in row i.
#
# Let w_3 be the one column of W_3. It is the same for all samples. From the output to the input:
#
#     v_2 = w_3
#     u_2 = v_2 ⊙ f'(z_2)
#     v_1 = u_2 W_2ᵀ
#     u_1 = v_1 ⊙ f'(z_1)
#     v_0 = u_1 W_1ᵀ
#     k   = v_0

# %%
v2 = W3[:, 0]  # (3,)
u2 = v2 * (1 - a2 * a2)  # (3,) ⊙ (5, 3) = (5, 3)
v1 = u2 @ W2.T  # (5, 3) @ (3, 4) = (5, 4)
u1 = v1 * (1 - a1 * a1)  # (5, 4)
k = u1 @ W1.T  # (5, 4) @ (4, 2) = (5, 2)
print(f"k of sample 0: {k[0, 0]:.4f} {k[0, 1]:.4f}, of sample 1: {k[1, 0]:.4f} {k[1, 1]:.4f}")
# > k of sample 0: 0.7020 -0.1873, of sample 1: 0.5734 -1.3421

# %% [markdown]
# To check k, use that y_i depends on the x of no other sample. So ∂(Σ_i y_i)/∂x_ij is k_ij, and the
# gradient of one sum contains all of k. `MLP.input_gradient` returns k as well.


# %%
def sum_of_outputs(x):
    """Σ_i y_i."""
    return output(theta, x).sum()


k_central = numerical_gradient(sum_of_outputs, x, "central")  # (5, 2)
k_complex = numerical_gradient(sum_of_outputs, x, "complex")  # (5, 2)
k_ref, _ = net.input_gradient(tape)  # (5, 2)

# Check
assert np.allclose(k, k_central, rtol=0, atol=1e-8)
assert np.allclose(k, k_complex, rtol=0, atol=1e-13)
assert np.allclose(k, k_ref, rtol=0, atol=1e-12)

# %% [markdown]
# ## What does the Lai loss still need?
#
# The Lai loss takes y, t and k. It returns its value and its derivatives ȳ and k̄, with respect to y
# and to k. (`Lai` computes the Lai MSE by default. Tutorial 06 derives its formulas for more than
# one feature.) But k depends on θ as well, and `backward` takes only ȳ. How much of the gradient
# with respect to θ is then missing? The complex step answers this without any derivation.


# %%
def lai_loss(theta):
    """The Lai loss as a function of all parameters."""
    y, tape = net.forward(theta, x)
    k, _ = net.input_gradient(tape)
    value, _, _ = Lai(lam=0.1)(y, t, k)
    return value


exact = numerical_gradient(lai_loss, theta, "complex")  # (31,)
_, dy_lai, dk_lai = Lai(lam=0.1)(y, t, k)  # ȳ (5,), k̄ (5, 2)
only_y = net.backward(tape, dy_lai)  # (31,)
relative_error = np.linalg.norm(exact - only_y) / np.linalg.norm(exact)
print(f"relative error of the gradient when the part through k is left out: {relative_error:.2f}")
# > relative error of the gradient when the part through k is left out: 1.24

# Check
assert np.allclose(exact, numerical_gradient(lai_loss, theta), rtol=0, atol=1e-8)
assert dk_lai.any()
assert relative_error > 0.1

# %% [markdown]
# Here the missing part is even larger than the gradient: its norm is 1.24 times as large.

# %% [markdown]
# ## Next
#
# Tutorial 05 derives the missing part, which needs f'' as well as f'.
#
# You can now read `forward`, `backward` and `input_gradient` in `lai_ref/mlp.py`, where L is the
# number of layers, and all of `lai_ref/support/gradcheck.py`.
#
# **Beyond this paper.** The complex step became popular in aerodynamic design, where it gives the
# derivatives of whole simulation programs (Martins, Sturdza and Alonso, "The complex-step
# derivative approximation", ACM Transactions on Mathematical Software 29, 2003).

# %% [markdown]
# ## Exercise 1: gradient of the prediction, gradient of the loss
#
# The backward pass could compute one more adjoint, x̄ = z̄_1 W_1ᵀ. It is the gradient of the *loss*
# with respect to the inputs. An implementation of the Lai loss that uses x̄ in place of k is wrong.
# How are x̄_ij and k_ij related?

# %% [markdown]
# ## Exercise 2: two errors that cancel
#
# The errors of the two methods are +h²/6 L''' and −h²/6 L''' to leading order. How does the error
# of their mean fall with h?

# %% [markdown]
# ## Exercise 3: what breaks the complex step
#
# Write the loss as the mean of `np.abs(e) ** 2`. For real e nothing changes. What does the complex
# step return?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** By the chain rule x̄_ij = ȳ_i k_ij. Where the residual is 0, x̄_ij is 0 as well,
# whatever k_ij is.

# %%
dx = dz1 @ W1.T  # (5, 2)

# Check
assert np.allclose(dx, dy[:, None] * k, rtol=0, atol=1e-12)

# %% [markdown]
# **Exercise 2.** The next term of Taylor's series is +h⁴/120 L⁽⁵⁾ in both methods, with L⁽⁵⁾ the
# fifth derivative. So the error of the mean falls with h⁴. A tenth of h divides it by 10⁴.


# %%
def error_of_mean(h):
    """The error of the mean of central difference and complex step."""
    return error_of((central_gradient(h) + complex_gradient(h)) / 2)


ratio_of_mean = error_of_mean(0.1) / error_of_mean(0.01)
print(f"mean of both: h = 0.1 has {ratio_of_mean:.0f} times the error of h = 0.01")
# > mean of both: h = 0.1 has 9990 times the error of h = 0.01

# Check
assert 0.9e4 < ratio_of_mean < 1.1e4

# %% [markdown]
# **Exercise 3.** It returns 0. The modulus √(Re² + Im²) of a complex number is real, so this loss
# has no imaginary part. As a function of a complex e it has no Taylor series.

# %%
theta_perturbed = theta + 1e-100j * directions[0]  # (31,)
with_modulus = (np.abs(output(theta_perturbed, x) - t) ** 2).mean()

# Check
assert with_modulus.imag == 0
assert mse(theta_perturbed).imag != 0
