# %% [markdown]
# # 06 · Features and norms: one number from N samples and D slopes
#
# - **Question:** With D features each sample has D slopes. How do they become one loss?
# - **Prerequisites:** Tutorial 02; the chain rule for several variables; the complex step of
#   tutorial 04.
# - **You will learn to** build the matrix of losses, try mean and norm in both orders, see what √D
#   and a list of λ do, and derive dy and dk, the two seeds of tutorial 05.
# - **Minutes:** 30

# %%
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, Plain, lai_factor, lai_factor_derivative, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE = "#000000", "#0072B2", "#D55E00", "#E69F00"

# %% [markdown]
# ## What does a sample lose along each feature?
#
# A model of D features has the input gradient (∂y_i/∂x_1, …, ∂y_i/∂x_D) at sample i: a slope for
# each feature, but still one residual e_i. The paper's §3 computes the Lai loss of every slope by
# itself, with the factor F of tutorial 02:
#
#     ℓ_ij = |e_i|^p F_p(k_ij; λ_j)      i = 1 … N samples,  j = 1 … D features
#
# Here N = 4, D = 3, p = 2 (Lai MSE), and λ is the same for all features. In code e needs a second
# axis, of length 1, to spread over the columns of F.

# %%
y = np.array([2.0, -1.0, 0.5, 3.0])  # (N,)
t = np.array([1.0, 1.0, -1.0, 3.0])  # (N,)
k = np.array([[0.1, 2.0, -0.5], [-1.0, 0.0, 0.5], [0.3, 3.0, 0.0], [0.2, 1.0, 1.0]])  # (N, D)
lam = 0.25
e = y - t  # (N,)
F = lai_factor(k, lam)  # (N, D)
ell = e[:, None] ** 2 * F  # (N, 1) · (N, D) = (N, D)
assert np.allclose(ell, Lai(lam).per_feature(y, t, k))
for i in range(4):
    print(f"sample {i + 1}: e = {e[i]}, ℓ =", ell[i].round(3))
# > sample 1: e = 1.0, ℓ = [0.99 3.2  0.8 ]
# > sample 2: e = -2.0, ℓ = [8.  4.  3.2]
# > sample 3: e = 1.5, ℓ = [2.064 8.1   2.25 ]
# > sample 4: e = 0.0, ℓ = [0. 0. 0.]

# %% [markdown]
# ## How does the matrix become a number?
#
# Average over the samples, which leaves one loss per feature, then take a norm over the features:
#
#     c = mean_i ℓ_i  (D,)       L = M(c) = (1 − ρ) ‖c‖₂ + ρ ‖c‖₁
#
# ρ = 0 is the paper's L2 Lai, ρ = 1 its L1 Lai, and between them lies the mixture that it suggests
# after the elastic net. As c ≥ 0, ‖c‖₁ is a plain sum.


# %%
def norm(c, rho):
    """M over the last axis of c ≥ 0."""
    return (1 - rho) * np.sqrt((c * c).sum(axis=-1)) + rho * c.sum(axis=-1)


c = ell.mean(axis=0)  # (D,)
batch = np.array([norm(c, rho) for rho in (0.0, 0.5, 1.0)])  # (3,)
assert np.allclose(batch, [Lai(lam, l1_ratio=rho)(y, t, k)[0] for rho in (0.0, 0.5, 1.0)])
print("c =", c.round(3), "and M(c) =", batch.round(3), "for ρ = 0, 0.5, 1")
# > c = [2.764 3.825 1.562] and M(c) = [4.971 6.561 8.151] for ρ = 0, 0.5, 1

# %% [markdown]
# ## Mean first or norm first?
#
# The paper speaks of the norm "for the model", which leaves the order open. Both are offered:
#
#     reduction="batch"     M(mean_i ℓ_i)     the default
#     reduction="sample"    mean_i M(ℓ_i)
#
# M is a norm, and the triangle inequality M(Σ_i ℓ_i) ≤ Σ_i M(ℓ_i) says that "sample" is never
# smaller. Both are equal if all ℓ_i point the same way, as with one sample, with one feature, or
# with a plain line, whose slopes are everywhere the same, so that ℓ_i = |e_i|^p (F_1, …, F_D). And
# they are equal for ρ = 1, since a sum may be taken in any order.

# %%
sample = np.array([norm(ell, rho).mean() for rho in (0.0, 0.5, 1.0)])  # (3,)
for value, rho in zip(sample, (0.0, 0.5, 1.0), strict=True):
    assert np.isclose(value, Lai(lam, l1_ratio=rho, reduction="sample")(y, t, k)[0])
assert (sample[:2] > batch[:2]).all() and np.isclose(sample[2], batch[2])
print("mean of the norms:", sample.round(3))
# > mean of the norms: [5.4   6.776 8.151]
of_line = e[:, None] ** 2 * lai_factor(k[0], lam)  # (N, D), the slopes of sample 1 everywhere
assert np.isclose(norm(of_line.mean(axis=0), 0.0), norm(of_line, 0.0).mean())

angles = np.linspace(0, np.pi / 2, 91)
ray = np.array([np.cos(angles), np.sin(angles)]).T  # (91, 2)
figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
for rho, color, style in ((0.0, BLUE, "-"), (0.5, BLACK, "--"), (1.0, RED, ":")):
    axes.plot(*(ray / norm(ray, rho)[:, None]).T, style, color=color, label=f"M = 1, ρ = {rho:g}")
vectors = ray[[8, 20, 35, 80]]  # (4, 2)
c_norm = norm(vectors.mean(axis=0), 0.0)
assert np.allclose(norm(vectors, 0.0), 1) and c_norm < 1
axes.plot(*vectors.T, "o", color=ORANGE, label="four losses ℓ_i, each with ‖ℓ_i‖₂ = 1")
axes.plot(*vectors.mean(axis=0), "s", color=BLUE, label=f"their mean c, ‖c‖₂ = {c_norm:.2f}")
axes.set(xlabel="loss along feature 1", ylabel="loss along feature 2", aspect="equal", xlim=(0, 2))
axes.set_title("The norm of the mean is less than the mean of the norms")
axes.legend(loc="upper right")
figure.savefig(OUT / "06_norms.png")
plt.close(figure)
print("picture:", (OUT / "06_norms.png").as_posix())
# > picture: tutorials_out/06_norms.png

# %% [markdown]
# ## Does a small λ "approximate the true loss"?
#
# The paper's §2 says so, for one slope. For k → 0, F → max(λ, 1), which is 1 for λ ≤ 1: a flat
# model has the plain loss in each of its D features, c_j = mean |e|^p, and
#
#     L2 Lai → √D · mean |e|^p         L1 Lai → D · mean |e|^p
#
# The derivative grows with it. Where some samples get the Lai loss and others the plain one, as in
# Lai Training, those few count √D times as much before any slope is steep. And for steep slopes
# F → 1/λ (if λ < 1), which for a small λ is far from the plain loss.

# %%
plain, plain_dy, _ = Plain(order=2)(y, t)
for D in (1, 2, 8):
    l2, dy, _ = Lai(0.1)(y, t, np.zeros((4, D)))
    l1, _, _ = Lai(0.1, l1_ratio=1.0)(y, t, np.zeros((4, D)))
    steep, _, _ = Lai(0.1)(y, t, np.full((4, D), 1e9))
    assert np.allclose([l2 / plain, l1 / plain, steep / plain], [D**0.5, D, D**0.5 / 0.1])
    assert np.allclose(dy, np.sqrt(D) * plain_dy)
    flat = f"flat L2 {l2 / plain:.3f}, flat L1 {l1 / plain:.0f}"
    print(f"D = {D}, in units of the plain loss: {flat}, steep L2 {steep / plain:.1f}")
# > D = 1, in units of the plain loss: flat L2 1.000, flat L1 1, steep L2 10.0
# > D = 2, in units of the plain loss: flat L2 1.414, flat L1 2, steep L2 14.1
# > D = 8, in units of the plain loss: flat L2 2.828, flat L1 8, steep L2 28.3

# %% [markdown]
# ## Which feature has how much weight?
#
# The derivative of L passes through c first. Each entry of c has the weight
#
#     s_j = ∂M/∂c_j = (1 − ρ) c_j/‖c‖₂ + ρ
#
# because ∂‖c‖₂/∂c_j = ½ (Σ c²)^(−1/2) · 2 c_j, and ‖c‖₁ is the sum. (At c = 0, where all
# residuals vanish, ‖c‖₂ has a corner; `lai_ref` takes 0 for the first term.) With L2 the feature
# with the largest loss has the largest weight, with L1 each has the same.


# %%
def weights(c, rho):
    """s = ∂M/∂c over the last axis of c."""
    return (1 - rho) * c / np.sqrt((c * c).sum(axis=-1, keepdims=True)) + rho


for rho in (0.0, 0.5, 1.0):
    numeric = numerical_gradient(partial(norm, rho=rho), c, method="complex")
    assert np.allclose(weights(c, rho), numeric)
print("s =", weights(c, 0.0).round(3), "for L2 Lai,", weights(c, 1.0), "for L1 Lai")
# > s = [0.556 0.769 0.314] for L2 Lai, [1. 1. 1.] for L1 Lai

# %% [markdown]
# ## What does one small λ do to the other features?
#
# λ may be a list, one for each feature: (D,) broadcasts along the rows of (N, D). To quieten one
# feature, the paper lowers its λ alone, and remarks that the other λ then need adjusting too. The
# norm gives a reason: above its kink F grows as 1/λ, so that this feature comes to dominate c, and
# with L2 the weight c_j/‖c‖₂ of every other feature falls. (With L1 it remains 1.)

# %%
lams = np.geomspace(1e-3, 1, 61)  # (61,), of feature 2
losses = np.array([(e[:, None] ** 2 * lai_factor(k, [0.25, v, 0.25])).mean(axis=0) for v in lams])
weight = weights(losses, 0.0)  # (61, D)
assert np.allclose(losses[:, [0, 2]], c[[0, 2]])  # the others' losses stay as they are,
assert (np.diff(weight[:, [0, 2]], axis=0) > 0).all()  # yet their weights fall with λ of feature 2
for at in (60, 0):
    print(f"λ of feature 2 {lams[at]:.3f}: s =", weight[at].round(3))
# > λ of feature 2 1.000: s = [0.767 0.473 0.434]
# > λ of feature 2 0.001: s = [0.004 1.    0.002]

figure, axes = plt.subplots(layout="constrained")
for j, color, style in ((0, BLUE, "--"), (1, RED, "-"), (2, BLACK, ":")):
    axes.semilogx(lams, weight[:, j], style, color=color, label=f"feature {j + 1}")
axes.set(xlabel="λ of feature 2 (the others: 0.25)", ylabel="weight s_j in L2 Lai")
axes.set_title("A small λ of one feature silences the others")
axes.legend()
figure.savefig(OUT / "06_lambda_list.png")
plt.close(figure)
print("picture:", (OUT / "06_lambda_list.png").as_posix())
# > picture: tutorials_out/06_lambda_list.png

# %% [markdown]
# ## What are the derivatives with respect to y and k?
#
# dy (N,) holds ∂L/∂y_i, dk (N, D) holds ∂L/∂k_ij. L depends on both only through ℓ_ij:
#
#     ∂L/∂c_j = s_j      ∂c_j/∂ℓ_ij = 1/N      ∂ℓ_ij/∂y_i  = p |e_i|^(p−1) sign e_i · F_ij
#                                              ∂ℓ_ij/∂k_ij = |e_i|^p F'(k_ij; λ_j)
#
# Multiply along the chain. y_i acts on all entries of its row, hence a sum; k_ij acts on one:
#
#     dy_i  = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i      (N,)
#     dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)                  (N, D)
#
# Read them. dy_i is the plain derivative times w_i = Σ_j s_j F_ij: samples with steep slopes count
# more in the fit. dk_i is 0 where e_i is: the better a sample is fitted, the less the loss cares
# about its slopes. That is why the minimum of tutorial 03 needs noise to reach the kink.


# %%
def batch_loss(y, t, k, lam, p, rho):
    """L, dy (N,) and dk (N, D)."""
    e = y - t  # (N,)
    sign = np.sign(e.real)  # (N,)
    abs_e = e * sign  # |e| (N,), analytic for the complex step
    F, dF = lai_factor(k, lam, p), lai_factor_derivative(k, lam, p)  # (N, D), (N, D)
    c = (abs_e[:, None] ** p * F).mean(axis=0)  # (D,)
    s = weights(c, rho)  # (D,)
    dy = (F @ s) * p * abs_e ** (p - 1) * sign / len(y)  # (N, D) @ (D,) = (N,)
    dk = s * abs_e[:, None] ** p * dF / len(y)  # (D,) · (N, 1) · (N, D)
    return norm(c, rho), dy, dk


_, dy, dk = batch_loss(y, t, k, lam, 2, 0.0)
w = F @ weights(c, 0.0)  # (N,)
assert np.allclose(dy, w * plain_dy) and (dk[3] == 0).all() and (dk[:3] != 0).any(axis=1).all()
print("w =", w.round(3))
# > w = [3.264 2.133 3.595 2.702]

# %% [markdown]
# ## Are they right?
#
# Twelve random samples, and y and k in one vector, so that one numerical gradient checks both.

# %%
rng = np.random.default_rng(0)
T, yk = rng.normal(size=12), rng.normal(size=12 + 36)  # t (N,); y (N,) and after it k (N, D)
lam_list = [0.1, 1.0, 2.0]  # (D,)


def along(yk, p, rho):
    """L, dy and dk as functions of one vector."""
    return batch_loss(yk[:12], T, yk[12:].reshape(12, 3), lam_list, p, rho)


worst = {"central": 0.0, "complex": 0.0}
for p, rho in [(1, 0.0), (1, 0.3), (1, 1.0), (2, 0.0), (2, 0.3), (2, 1.0)]:
    value, dy, dk = along(yk, p, rho)
    reference = Lai(lam_list, order=p, l1_ratio=rho)(yk[:12], T, yk[12:].reshape(12, 3))
    assert all(np.allclose(a, b) for a, b in zip((value, dy, dk), reference, strict=True))
    for method in worst:
        numeric = numerical_gradient(lambda v, p=p, r=rho: along(v, p, r)[0], yk, method)
        worst[method] = max(worst[method], np.abs(numeric - np.append(dy, dk)).max())
assert worst["central"] < 1e-8 and worst["complex"] < 1e-14
print("dy and dk are right to 1e-8 by central differences, to 1e-14 by the complex step")
# > dy and dk are right to 1e-8 by central differences, to 1e-14 by the complex step

# %% [markdown]
# ## Next
#
# Tutorial 07 trains a network with this loss, and, in each batch, mixes it with the plain one: that
# is the rest of `lai_ref/objective.py`. All of `lai_ref/lai.py` and `losses.py` can be read now.

# %% [markdown]
# ## Exercise 1: the other order
#
# Derive dy and dk for reduction="sample", where each sample has weights s_ij of its own.

# %% [markdown]
# ## Exercise 2: two workers
#
# Two workers hold half a batch each. Is the mean of their losses the loss of the whole batch? If
# not, what must they exchange?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers

# %% [markdown]
# 1. L = (1/N) Σ_i M(ℓ_i), so ∂L/∂ℓ_ij = s_ij/N with s_ij = (1 − ρ) ℓ_ij/‖ℓ_i‖₂ + ρ. The last links
# are the same as before. (Sample 4, whose ℓ_i is 0, is left out: there s_4j is 0/0.)

# %%
s = weights(ell[:3], 0.0)  # (3, D)
dy = (s * F[:3]).sum(axis=1) * 2 * e[:3] / 3  # (3,)
dk = s * e[:3, None] ** 2 * lai_factor_derivative(k[:3], lam) / 3  # (3, D)
_, dy_ref, dk_ref = Lai(lam, reduction="sample")(y[:3], t[:3], k[:3])
assert np.allclose(dy, dy_ref) and np.allclose(dk, dk_ref)

# %% [markdown]
# 2. No: M is not linear, and the mean of two norms is at least the norm of the mean. They have to
# average their vectors c, (D,) numbers, and take the norm then. (For ρ = 1 both are the same.)

# %%
halves = ell[:2].mean(axis=0), ell[2:].mean(axis=0)  # (D,) each
mean_of_norms = np.mean([norm(h, 0.0) for h in halves])
norm_of_mean = norm(np.mean(halves, axis=0), 0.0)
assert np.isclose(norm_of_mean, norm(c, 0.0)) and mean_of_norms > norm_of_mean
print(f"mean of two losses {mean_of_norms:.3f}, loss of the whole {norm_of_mean:.3f}")
# > mean of two losses 5.212, loss of the whole 4.971
