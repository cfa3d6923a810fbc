# %% [markdown]
# # 05 · Double backward: how the parameters hear of a slope
#
# - **Question:** The loss has a derivative k̄ with respect to the slopes k. What is it for θ?
# - **Prerequisites:** Tutorial 04: its two rules, u and v, central differences and the complex
#   step.
# - **You will learn to** derive the double backward pass line by line, follow every number of a
#   2-2-1 network through it, break it, and derive it once more from the other end.
# - **Minutes:** 45

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import MLP, Lai, lai_factor, lai_factor_derivative, numerical_gradient, value_and_grad
from lai_ref.activations import ACTIVATIONS
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
np.set_printoptions(precision=4, suppress=True, floatmode="fixed")

# %% [markdown]
# ## Nine parameters, one sample: every number up to y and k
#
# Two inputs, two tanh units, one output. One sample shows everything; the arrays keep their sample
# axis i, and the formulas their sums over it. Up to here it is tutorial 04:
#
#     z = x W_1 + b_1      a = f(z) = tanh z      y = a w_2 + b_2      w_2: the one column of W_2
#     v = w_2              u = v ⊙ s              k = u W_1ᵀ           s = f'(z) = 1 − a²

# %%
W_1, b_1 = np.array([[-0.2, 2.0], [0.2, 0.8]]), np.array([0.4, -0.8])  # (2, 2), (2,)
w_2, b_2 = np.array([-1.2, 0.8]), 0.4  # (2,), one number
theta = np.concatenate([W_1.ravel(), b_1, w_2, [b_2]])  # (9,)
x, t = np.array([[-0.5, 1.0]]), np.array([0.5])  # (1, 2), (1,)

z = x @ W_1 + b_1  # (1, 2)
a = np.tanh(z)  # (1, 2)
y = a @ w_2 + b_2  # (1,)
s = 1 - a * a  # (1, 2)
u = w_2 * s  # (2,) ⊙ (1, 2) = (1, 2)
k = u @ W_1.T  # (1, 2)
net = MLP((2, 2, 1), "tanh")
y_ref, tape = net.forward(theta, x)
k_ref, gtape = net.input_gradient(tape)
assert np.allclose(y, y_ref, atol=1e-12, rtol=0) and np.allclose(k, k_ref, atol=1e-12, rtol=0)
print("z =", z[0], "  a =", a[0], "  y =", y)
print("s =", s[0], "  u =", u[0], "  k =", k[0])
# > z = [ 0.7000 -1.0000]   a = [ 0.6044 -0.7616]   y = [-0.9345]
# > s = [0.6347 0.4200]   u = [-0.7617  0.3360]   k = [0.8243 0.1164]

# %% [markdown]
# ## What does the network need to know of the loss? Two seeds
#
# Take the Lai MSE, λ = 0.25, summed over the two features (tutorial 06 has the other choices).
# With F and F' of tutorial 02 and the residual e = y − t of our one sample:
#
#     L = Σ_j e² F(k_j),     ȳ = ∂L/∂y = 2 e Σ_j F(k_j),     k̄_j = ∂L/∂k_j = e² F'(k_j)
#
# A small change δθ changes L by δL = Σ_i ȳ_i δy_i + Σ_ij k̄_ij δk_ij. So at this θ, L has the
# same derivative as S = Σ_i ȳ_i y_i + Σ_ij k̄_ij k_ij, where ȳ and k̄, the *seeds*, are fixed.

# %%
e, F, dF = y - t, lai_factor(k, 0.25), lai_factor_derivative(k, 0.25)  # (1,), (1, 2), (1, 2)
L, dy = e @ e * F.sum(), 2 * e * F.sum(axis=1)  # one number, ȳ (1,)
dk = e[:, None] ** 2 * dF  # k̄ (1, 2)
loss = Lai(lam=0.25, l1_ratio=1.0)
value, dy_ref, dk_ref = loss(y, t, k)
assert np.allclose(L, value) and np.allclose(dy, dy_ref) and np.allclose(dk, dk_ref)


def L_and_S(theta):
    y, tape = net.forward(theta, x)
    k = net.input_gradient(tape)[0]
    return loss(y, t, k)[0], (dy * y).sum() + (dk * k).sum()


complex_step = [numerical_gradient(lambda q, n=n: L_and_S(q)[n], theta, "complex") for n in (0, 1)]
exact, grad_S = complex_step  # (9,), (9,); exact is what the rest of this tutorial derives
assert np.allclose(exact, grad_S, rtol=0, atol=1e-12)
print("e =", e, "  F =", F[0], "  F' =", dF[0])
print(f"L = {L:.4f}   dy =", dy, "  dk =", dk[0])
# > e = [-1.4345]   F = [1.6183 0.9866]   F' = [ 2.3379 -0.2267]
# > L = 5.3605   dy = [-7.4736]   dk = [ 4.8111 -0.4665]

# %% [markdown]
# ## Up: the reverse pass through the input-gradient computation
#
# From here q̄ = ∂S/∂q sums over every number computed from q: its bar times its derivative by q.
# Used twice are z (by a and s), w_2 (by y and v) and W_1 (by z and k). They get two parts each, the
# second in the next cell: hence +=.
#
# We undo the lines last one first; m is the unit, W is W_1, w is w_2; on the right, whole arrays:
#
#     k_ij = Σ_m u_im W_jm   ū_im = Σ_j k̄_ij ∂k_ij/∂u_im = Σ_j k̄_ij W_jm     ū = k̄ W_1
#                            W̄_jm += Σ_i k̄_ij ∂k_ij/∂W_jm = Σ_i k̄_ij u_im    W̄_1 += k̄ᵀ u
#     u_im = v_im s_im       v̄_im = ū_im ∂u_im/∂v_im = ū_im s_im             v̄ = ū ⊙ f'(z)
#                            s̄_im = ū_im ∂u_im/∂s_im = ū_im v_im             s̄ = ū ⊙ v
#     v_im = w_m             w̄_m += Σ_i v̄_im ∂v_im/∂w_m = Σ_i v̄_im           w̄_2 += Σ_i v̄
#     s_im = f'(z_im)        z̄_im += s̄_im ∂s_im/∂z_im = s̄_im f''(z_im)       z̄ += ū ⊙ v ⊙ f''(z)
#
# u_im is used by k_ij for every feature j, W_jm and w_m for every sample i: hence the sums. The
# last line is the f'' path. For tanh, s = 1 − a² gives f'' = −2 a ∂a/∂z = −2 a s.

# %%
du = dk @ W_1  # (1, 2) @ (2, 2) = (1, 2)
dW_1_from_k = dk.T @ u  # (2, 1) @ (1, 2) = (2, 2)
dv = du * s  # (1, 2)
ds = du * w_2  # (1, 2)
dw_2_from_k = dv.sum(axis=0)  # (2,)
d2f = -2 * a * s  # f''(z), (1, 2)
dz_from_k = ds * d2f  # (1, 2)
by_W = numerical_gradient(lambda W: (dk * (u @ W.T)).sum(), W_1)  # Σ k̄ k, u held fixed, and so on
by_w = numerical_gradient(lambda w: (dk * ((w * s) @ W_1.T)).sum(), w_2)
by_z = numerical_gradient(lambda z: (dk * ((w_2 * (1 - np.tanh(z) ** 2)) @ W_1.T)).sum(), z)
assert np.allclose(dW_1_from_k, by_W) and np.allclose(dw_2_from_k, by_w)
assert np.allclose(dz_from_k, by_z)
print("du =", du[0], "  dW_1 from k, row by row =", dW_1_from_k.ravel())
print("dv =", dv[0], "  dw_2 from k =", dw_2_from_k)
print("ds =", ds[0], "  f'' =", d2f[0], "  dz from k =", dz_from_k[0])
# > du = [-1.0555  9.2490]   dW_1 from k, row by row = [-3.6645  1.6164  0.3553 -0.1567]
# > dv = [-0.6700  3.8843]   dw_2 from k = [-0.6700  3.8843]
# > ds = [1.2666 7.3992]   f'' = [-0.7672  0.6397]   dz from k = [-0.9718  4.7332]

# %% [markdown]
# ## Down: the reverse pass through the forward computation
#
# Now the backward pass of tutorial 04, but z̄ already has a part. W̄_1 and b̄_1 need both parts:
#
#     b̄_2 = Σ_i ȳ_i         w̄_2 += aᵀ ȳ       ā = ȳ w_2ᵀ
#     z̄ += ā ⊙ f'(z)        W̄_1 += xᵀ z̄       b̄_1 = Σ_i z̄

# %%
dw_2 = dw_2_from_k + a.T @ dy  # (2,) + (2, 1) @ (1,) = (2,)
da = dy[:, None] * w_2  # (1, 2)
dz = dz_from_k + da * s  # (1, 2)
dW_1 = dW_1_from_k + x.T @ dz  # (2, 2) + (2, 1) @ (1, 2) = (2, 2)
grad = np.concatenate([dW_1.ravel(), dz.sum(axis=0), dw_2, [dy.sum()]])  # (9,)
assert np.allclose(grad, exact, rtol=0, atol=1e-12)
assert np.allclose(grad, net.double_backward(gtape, dy, dk), rtol=0, atol=1e-12)
assert np.allclose(grad, value_and_grad(net, theta, x, t, loss)[1], rtol=0, atol=1e-12)
print("da =", da[0], "  dz from y =", (da * s)[0], "  dz =", dz[0])
# > da = [ 8.9683 -5.9789]   dz from y = [ 5.6925 -2.5110]   dz = [4.7207 2.2223]

# %% [markdown]
# ## What becomes of the gradient without the f'' path?
#
# θ enters S by three ways: the weights that k uses directly, the z in its f'(z), and y. The biases
# b_1 reach k by the second way, f'', *only*: a bias does not tilt a unit, it moves it on its curve.
# In the table W, b, w are W_1, b_1, w_2, and the central differences are those of the Lai loss.

# %% [markdown]
# (9,), like all of these

# %%
direct = np.concatenate([dW_1_from_k.ravel(), np.zeros(2), dw_2_from_k, [0]])
bent = np.concatenate([(x.T @ dz_from_k).ravel(), dz_from_k.sum(axis=0), np.zeros(3)])
by_y = net.backward(tape, dy)
central, wrong = numerical_gradient(lambda q: L_and_S(q)[0], theta), direct + by_y
flipped, cosine = (wrong * grad < 0).sum(), wrong @ grad / np.sqrt(wrong @ wrong * (grad @ grad))
assert np.allclose(direct + bent + by_y, grad) and np.allclose(grad, central, rtol=0, atol=1e-8)
assert flipped == 2 and cosine > 0.9 and L_and_S(theta - 1e-3 * wrong)[0] < L
names = ("W[0,0]", "W[0,1]", "W[1,0]", "W[1,1]", "b[0]", "b[1]", "w[0]", "w[1]", "b_2")
print("parameter   direct   by f''     by y      all  central  f'' dropped")
for name, *row in zip(names, direct, bent, by_y, grad, central, wrong, strict=True):
    print(f"{name:9}" + "".join(f"{value:9.4f}" for value in row))
print(f"f'' dropped: {flipped} of 9 signs wrong, but the cosine to the gradient is {cosine:.2f}")
# > parameter   direct   by f''     by y      all  central  f'' dropped
# > W[0,0]     -3.6645   0.4859  -2.8463  -6.0249  -6.0249  -6.5108
# > W[0,1]      1.6164  -2.3666   1.2555   0.5053   0.5053   2.8719
# > W[1,0]      0.3553  -0.9718   5.6925   5.0761   5.0761   6.0479
# > W[1,1]     -0.1567   4.7332  -2.5110   2.0655   2.0655  -2.6677
# > b[0]        0.0000  -0.9718   5.6925   4.7207   4.7207   5.6925
# > b[1]        0.0000   4.7332  -2.5110   2.2223   2.2223  -2.5110
# > w[0]       -0.6700   0.0000  -4.5168  -5.1868  -5.1868  -5.1868
# > w[1]        3.8843   0.0000   5.6918   9.5762   9.5762   9.5762
# > b_2         0.0000   0.0000  -7.4736  -7.4736  -7.4736  -7.4736
# > f'' dropped: 2 of 9 signs wrong, but the cosine to the gradient is 0.91

# %% [markdown]
# A small step against the wrong gradient still lowers L. A falling loss is no proof of a gradient.

# %% [markdown]
# ## Any depth, any activation: why does relu hide it?
#
# With more layers v_(l−1) = u_l W_lᵀ is k's line with v_(l−1) for k: v̄_(l−1) takes k̄'s place, the
# sweep goes on upward, and each hidden layer adds its f'' part to its z̄_l (the docstring of
# `lai_ref/mlp.py` has all lines for any depth). Every line once more, for 6 samples, with f'' and
# without, beside central differences; f' and f'' of softplus are the matter of Exercise 3.

# %%
rng = np.random.default_rng(5)
X, T, q = rng.uniform(-1, 1, (6, 3)), rng.uniform(-1, 1, 6), rng.standard_normal(47)
for name in ("relu", "tanh", "softplus"):
    deep, errors = MLP((3, 4, 5, 1), name), []
    Y, fwd = deep.forward(q, X)  # fwd keeps W_l, z_l, a_l
    K, G = deep.input_gradient(fwd)
    # G keeps f'(z_l), u_l and v_l, (6, 4) and (6, 5); the last v is w_3, (5,)
    _, Y_bar, K_bar = loss(Y, T, K)  # (6,), (6, 3)
    truth = numerical_gradient(lambda q, n=deep: value_and_grad(n, q, X, T, loss)[0], q)  # (47,)
    for use_d2f in (1, 0):
        V_bar, W_from_k, Z_from_k = K_bar, [], []  # v̄_0 = k̄, (6, 3)
        for h in (0, 1):  # up; l = h + 1
            W_from_k.append(V_bar.T @ G.u[h])  # W̄_l += v̄_(l−1)ᵀ u_l, (fan_in, fan_out)
            U_bar = V_bar @ fwd.layers[h][0]  # ū_l = v̄_(l−1) W_l, (6, fan_out)
            V_bar = U_bar * G.df[h]  # v̄_l = ū_l ⊙ f'(z_l)
            d2f_l = ACTIVATIONS[name].d2f(fwd.z[h], fwd.a[h + 1], G.df[h])  # f''(z_l)
            Z_from_k.append(use_d2f * U_bar * G.v[h] * d2f_l)  # z̄_l += ū_l ⊙ v_l ⊙ f''(z_l)
        W_from_k.append(V_bar.sum(axis=0)[:, None])  # w̄_3 += Σ_i v̄_2, as a column (5, 1)
        Z_bar, parts = Y_bar[:, None], []  # z̄_3 = ȳ, as a column (6, 1)
        for h in (2, 1, 0):  # down; l = h + 1 again
            W_bar = W_from_k[h] + fwd.a[h].T @ Z_bar  # W̄_l += a_(l−1)ᵀ z̄_l
            parts = [W_bar.ravel(), Z_bar.sum(axis=0), *parts]  # b̄_l = Σ_i z̄_l
            if h > 0:
                A_bar = Z_bar @ fwd.layers[h][0].T  # ā_(l−1) = z̄_l W_lᵀ, (6, fan_in)
                Z_bar = Z_from_k[h - 1] + A_bar * G.df[h - 1]  # z̄_(l−1) += ā_(l−1) ⊙ f'(z_(l−1))
        errors.append(np.linalg.norm(np.concatenate(parts) - truth) / np.linalg.norm(truth))
    assert errors[0] < 1e-8 and (errors[1] < 1e-8) == (name == "relu")
    from_k = deep.unflatten(deep.double_backward(G, 0 * Y_bar, K_bar))  # (W̄_l, b̄_l) if ȳ were 0
    assert any(b_bar.any() for _, b_bar in from_k) == (name != "relu")
    print(f"{name:9} relative error with f'' {errors[0]:.4f}, without {errors[1]:.4f}")
# > relu      relative error with f'' 0.0000, without 0.0000
# > tanh      relative error with f'' 0.0000, without 0.0210
# > softplus  relative error with f'' 0.0000, without 0.0669

# %% [markdown]
# With f'' = 0 on both sides of its kink, relu cannot tell. Test with tanh, softplus or silu, and a
# tight tolerance: for tanh it is 2 % here. And no bias of a relu network learns from k, though k
# jumps with it. With ū and v fixed, unit 1 of the 2-2-1 network adds ū v f'(z) to Σ k̄ k:

# %%
figure, axes = plt.subplots(layout="constrained")
bias, ends = np.linspace(-3, 3, 601), np.array([-0.6, 0, 0.6])
for name, colour in (("tanh", "#0072B2"), ("relu", "#E69F00")):
    act, Z = ACTIVATIONS[name], bias + (x @ W_1)[0, 1]
    added = ds[0, 1] * act.df(Z, act.f(Z))
    axes.plot(bias, added, color=colour, label=name)
assert set(added) == {0, ds[0, 1]}  # relu: two levels, flat on both sides of the jump
here, rise = ds[0, 1] * s[0, 1], dz_from_k[0, 1]
label = f"slope {rise:.2f}, by f''"
axes.plot(b_1[1] + ends, here + rise * ends, "o--", markevery=[1], color="#D55E00", label=label)
axes.set(xlabel="bias b_1[1]", ylabel="part of Σ k̄ k", title="Only f'' tells how a bias changes k")
axes.legend()
figure.savefig(OUT / "05_bias.png")
plt.close(figure)
print("picture:", (OUT / "05_bias.png").as_posix())
# > picture: tutorials_out/05_bias.png

# %% [markdown]
# ## The same from the other end: forward mode (JVP)
#
# k_i is the gradient of y_i by x_i, so Σ_j k̄_ij k_ij is the rate ẏ_i at which y_i changes when x_i
# moves along k̄_i. Carry this rate, the *tangent*, forward with every number:
#
#     ẋ = k̄      ż = ẋ W_1      ȧ = f'(z) ⊙ ż      ẏ = ȧ w_2      S = Σ_i ȳ_i y_i + Σ_i ẏ_i
#
# These are the lines for ū and v̄: ż = ū and ȧ = v̄. Going up *is* a forward pass, along k̄. Now
# backpropagate once through both, with a tilde for derivatives of S by dotted numbers. f'' comes in
# because ȧ uses z, and with ã = v and z̃ = u all terms are the old ones:
#
#     w̄_2 = aᵀ ȳ + Σ_i ȧ      ã = w_2      z̃ = ã ⊙ f'(z)
#     z̄ = ā ⊙ f'(z) + ã ⊙ ż ⊙ f''(z)      W̄_1 = xᵀ z̄ + ẋᵀ z̃

# %%
z_dot = dk @ W_1  # (1, 2) @ (2, 2) = (1, 2)
a_dot = s * z_dot  # (1, 2)
y_dot = a_dot @ w_2  # (1,)
z_bar = da * s + w_2 * z_dot * d2f  # (1, 2)
z_perturbed = (x + 1e-100j * dk) @ W_1 + b_1  # z, with its rate in the imaginary part
assert np.allclose(z_perturbed.imag / 1e-100, du)
assert np.allclose(np.tanh(z_perturbed).imag / 1e-100, dv)
by_step = net.forward(theta, x + 1e-100j * dk)[0].imag / 1e-100  # ẏ in the same way
assert np.allclose(y_dot, (dk * k).sum(axis=1)) and np.allclose(y_dot, by_step)
assert np.allclose(z_dot, du) and np.allclose(a_dot, dv) and np.allclose(z_bar, dz)
assert np.allclose(a.T @ dy + a_dot.sum(0), dw_2) and np.allclose(x.T @ z_bar + dk.T @ u, dW_1)
print("z_dot =", z_dot[0], "  a_dot =", a_dot[0], "  y_dot =", y_dot, " = sum of dk k")
# > z_dot = [-1.0555  9.2490]   a_dot = [-0.6700  3.8843]   y_dot = [3.9114]  = sum of dk k

# %% [markdown]
# ## Next
#
# `activations.py`, `mlp.py` and, in `objective.py`, `value_and_grad` can be read now in `lai_ref`.
# Tutorial 06 derives the seeds ȳ and k̄ for many features: norms, their order, lists of λ.

# %% [markdown]
# ## Exercise 1: a test that tanh passes without f''
#
# At which x does this tanh network hide a missing f'' path? Why does a fresh one hide it at x = 0?

# %% [markdown]
# ## Exercise 2: double backward from `backward` alone
#
# Get the part of θ̄ that comes from k̄ by calling only `net.forward` and `net.backward`.

# %% [markdown]
# ## Exercise 3: softplus and silu
#
# With σ(z) = 1/(1 + e^−z), σ' = σ(z) σ(−z). Derive f' and f'' of log(1 + e^z) and of z σ(z).

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# 1. tanh''(0) = 0, so where z = x W_1 + b_1 = 0. In a fresh network b = 0, and x = 0 makes all z 0.
# With ȳ = 0, all of b̄_1 would have to come from f'', and it is 0.

# %%
x_0 = np.linalg.solve(W_1.T, -b_1)[None]  # (1, 2)
x_tape = net.forward(theta, x_0)[1]
hidden = net.double_backward(net.input_gradient(x_tape)[1], np.zeros(1), np.ones((1, 2)))
assert np.allclose(hidden[4:6], 0, atol=1e-15) and not net.init(rng)[4:6].any()
# 2. Σ k̄ k is the rate of y along k̄, so its derivative by θ is the rate of ∂y/∂θ along k̄: the
# imaginary part of the ordinary backward pass at x + i h k̄. The arithmetic finds f'' by itself.
from_k = net.backward(net.forward(theta, x + 1e-100j * dk)[1], np.ones(1)).imag / 1e-100
assert np.allclose(from_k, direct + bent, rtol=0, atol=1e-12)
# 3. Write σ₋ for σ(−z); its derivative is −σ σ₋. For softplus, f' = e^z/(1 + e^z) = σ, f'' = σ σ₋.
# For silu, f' = σ + z σ σ₋ = σ (1 + z σ₋), and the product rule gives
#
#     f'' = σ σ₋ (1 + z σ₋) + σ (σ₋ − z σ σ₋) = σ σ₋ (2 + z (σ₋ − σ))
Z = np.linspace(-3, 3, 13)
pos, neg = 1 / (1 + np.exp(-Z)), 1 / (1 + np.exp(Z))  # σ and σ₋, (13,)
silu = pos * (1 + Z * neg), pos * neg * (2 + Z * (neg - pos))
for name, (df, d2f) in {"softplus": (pos, pos * neg), "silu": silu}.items():
    act, Z_step = ACTIVATIONS[name], Z + 1e-100j
    A = act.f(Z_step)
    assert np.allclose(df, act.df(Z, A.real)) and np.allclose(df, A.imag / 1e-100)
    assert np.allclose(d2f, act.d2f(Z, A.real, df))
    assert np.allclose(d2f, act.df(Z_step, A).imag / 1e-100)
