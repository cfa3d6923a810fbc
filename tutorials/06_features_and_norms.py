# %% [markdown]
# # 06 · Features and norms: one loss from N samples and D features
#
# - **Question:** With D features the input gradient of a sample has D entries. How do they become
#   one loss?
# - **Prerequisites:** Tutorials 02 and 05; the chain rule for several variables.
# - **You will learn to** build the matrix of losses, take mean and norm in both orders, see what √D
#   and a list of λ do, and derive the loss gradients dy and dk.
# - **Minutes:** 35

# %%
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, Plain, lai_factor, lai_factor_derivative, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE = "#000000", "#0072B2", "#D55E00", "#E69F00"
np.set_printoptions(precision=3, suppress=True, floatmode="fixed")

# %% [markdown]
# ## What is the loss of one sample and one feature?
#
# A model with D features has one residual e_i at sample i, but D derivatives: the input gradient
#
#     (k_i1, …, k_iD) = (∂y_i/∂x_i1, …, ∂y_i/∂x_iD).
#
# The paper's §3 takes each entry k_ij as the slope of a line. It computes one Lai loss per entry,
# with the factor F of tutorial 02:
#
#     ℓ_ij = |e_i|^p F_p(k_ij; λ_j)      i = 1 … N samples,  j = 1 … D features.
#
# Here N = 4, D = 3, p = 2 (Lai MSE), and λ is the same for all features. In code e needs a second
# axis, of length 1, so that NumPy broadcasts it over the columns of F.

# %%
y = np.array([2.0, -1.0, 0.5, 3.0])  # (N,)
t = np.array([1.0, 1.0, -1.0, 3.0])  # (N,)
k = np.array([[0.1, 2.0, -0.5], [-1.0, 0.0, 0.5], [0.3, 3.0, 0.0], [0.2, 1.0, 1.0]])  # (N, D)
lam = 0.25
e = y - t  # (N,)
F = lai_factor(k, lam)  # (N, D)
ell = e[:, None] ** 2 * F  # (N, 1) · (N, D) = (N, D)
for i in range(4):
    print(f"sample {i + 1}: e = {e[i]}, ℓ =", ell[i])
# > sample 1: e = 1.0, ℓ = [0.990 3.200 0.800]
# > sample 2: e = -2.0, ℓ = [8.000 4.000 3.200]
# > sample 3: e = 1.5, ℓ = [2.064 8.100 2.250]
# > sample 4: e = 0.0, ℓ = [0.000 0.000 0.000]

# Check
assert np.allclose(ell, Lai(lam).per_feature(y, t, k))

# %% [markdown]
# ## How does the matrix become a number?
#
# It takes two steps. First average over the samples, which leaves one loss per feature:
#
#     c = mean_i ℓ_i      (D,), with ℓ_i = (ℓ_i1, …, ℓ_iD).

# %%
c = ell.mean(axis=0)  # (D,)
print("c =", c)
# > c = [2.764 3.825 1.562]

# Check
assert np.isclose(c[0], (ell[0, 0] + ell[1, 0] + ell[2, 0] + ell[3, 0]) / 4)

# %% [markdown]
# Then take a norm over the features. The *L2 norm* is ‖c‖₂ = √(Σ_j c_j²), the *L1 norm* is
# ‖c‖₁ = Σ_j |c_j|. The paper calls the results L2 Lai and L1 Lai, and suggests a mixture of both:
#
#     L = M(c),      M(c) = (1 − ρ) ‖c‖₂ + ρ ‖c‖₁,      0 ≤ ρ ≤ 1.
#
# ρ = 0 is L2 Lai, ρ = 1 is L1 Lai; `lai_ref` calls ρ `l1_ratio`. (The mixture follows the *elastic
# net*, a penalty for linear regression that mixes an L1 and an L2 term.) No loss is negative, so
# ‖c‖₁ is the sum of c.

# %%
rhos = (0.0, 0.5, 1.0)


def norm(c, rho):
    """M over the last axis of c ≥ 0."""
    l2 = np.sqrt((c * c).sum(axis=-1))
    l1 = c.sum(axis=-1)
    return (1 - rho) * l2 + rho * l1


for rho in rhos:
    print(f"ρ = {rho}: M(c) = {norm(c, rho):.3f}")
# > ρ = 0.0: M(c) = 4.971
# > ρ = 0.5: M(c) = 6.561
# > ρ = 1.0: M(c) = 8.151

# Check
for rho in rhos:
    value, _, _ = Lai(lam, l1_ratio=rho)(y, t, k)
    assert np.isclose(norm(c, rho), value)

# %% [markdown]
# ## Mean first or norm first?
#
# The paper speaks of the norm "for the model", which leaves the order of mean and norm open.
# `lai_ref` offers both. Each gives one number:
#
#     reduction="batch"     M(mean_i ℓ_i)     the norm of the batch mean, the default
#     reduction="sample"    mean_i M(ℓ_i)     the mean of the per-sample norms.
#
# (The argument `reduction` of PyTorch's losses has another meaning.)

# %%
for rho in rhos:
    norm_of_mean = norm(ell.mean(axis=0), rho)
    mean_of_norms = norm(ell, rho).mean()  # norm: (N, D) to (N,)
    print(f"ρ = {rho}: norm of the mean {norm_of_mean:.3f}, mean of the norms {mean_of_norms:.3f}")
# > ρ = 0.0: norm of the mean 4.971, mean of the norms 5.400
# > ρ = 0.5: norm of the mean 6.561, mean of the norms 6.776
# > ρ = 1.0: norm of the mean 8.151, mean of the norms 8.151

# Check
for rho in rhos:
    value, _, _ = Lai(lam, l1_ratio=rho, reduction="sample")(y, t, k)
    assert np.isclose(norm(ell, rho).mean(), value)

# %% [markdown]
# ## Which of the two is larger?
#
# M is a norm, so the triangle inequality M(a + b) ≤ M(a) + M(b) holds for all vectors a and b.
# Apply it to the sum of all ℓ_i, and divide by N:
#
#     M(mean_i ℓ_i) ≤ mean_i M(ℓ_i).
#
# So "sample" is never smaller than "batch". Both are equal in these cases:
#
# - All ℓ_i are parallel: multiples of one vector. With one sample or one feature they always are.
# - The model is linear. Its slopes k_j are the same for all samples, and so are the factors
#   F_j = F_p(k_j; λ_j). Every ℓ_i is |e_i|^p (F_1, …, F_D), so all are parallel.
# - ρ = 1. Then M is a sum, and the order of two sums does not matter.
#
# The next cell gives every sample the slopes of sample 1, as a linear model would.

# %%
k_linear = np.tile(k[0], (4, 1))  # (N, D)
ell_linear = e[:, None] ** 2 * lai_factor(k_linear, lam)  # (N, D)
batch_linear = norm(ell_linear.mean(axis=0), 0.0)
sample_linear = norm(ell_linear, 0.0).mean()
print(f"linear model, ρ = 0: batch {batch_linear:.3f}, sample {sample_linear:.3f}")
# > linear model, ρ = 0: batch 6.242, sample 6.242

# Check
assert np.isclose(batch_linear, sample_linear)
assert norm(ell, 0.0).mean() > norm(c, 0.0)
assert norm(ell, 0.5).mean() > norm(c, 0.5)
assert np.isclose(norm(ell, 1.0).mean(), norm(c, 1.0))

# %% [markdown]
# For a picture take D = 2 and four losses ℓ_i of L2 norm 1. They lie on a quarter of the unit
# circle. The mean of their norms is 1. Their mean lies inside the circle, so its norm is smaller.
#
# The other two curves show M = 1 for ρ = 0.5 and for ρ = 1. They bend less: the difference between
# the two orders is 1 − ρ times that for ρ = 0. For ρ = 1 the curve is a straight line. The mean of
# points on it lies on it too, so the two orders agree.

# %%
angles = np.linspace(0, np.pi / 2, 91)  # (91,), one per degree
circle = np.array([np.cos(angles), np.sin(angles)]).T  # (91, 2)
four_losses = circle[[8, 20, 35, 80]]  # (4, 2)
their_mean = four_losses.mean(axis=0)  # (2,)
mean_norm = norm(their_mean, 0.0)
print(f"mean of the norms {norm(four_losses, 0.0).mean():.2f}, norm of the mean {mean_norm:.2f}")
# > mean of the norms 1.00, norm of the mean 0.89

# Check
assert np.allclose(norm(four_losses, 0.0), 1)
assert mean_norm < 1

# %%
figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
for rho, color, style in ((0.0, BLUE, "-"), (0.5, BLACK, "--"), (1.0, RED, ":")):
    curve = circle / norm(circle, rho)[:, None]  # (91, 2), scaled to M = 1
    axes.plot(*curve.T, style, color=color, label=f"M = 1, ρ = {rho:g}")
axes.plot(*four_losses.T, "o", color=ORANGE, label="four losses ℓ_i, each with ‖ℓ_i‖₂ = 1")
axes.plot(*their_mean, "s", color=BLUE, label=f"their mean c, ‖c‖₂ = {mean_norm:.2f}")
axes.set(xlabel="loss of feature 1", ylabel="loss of feature 2", aspect="equal", xlim=(0, 2))
axes.set_title("The norm of the mean is less than the mean of the norms")
axes.legend(loc="upper right")
figure.savefig(OUT / "06_norms.png")
print("picture:", (OUT / "06_norms.png").as_posix())
# > picture: tutorials_out/06_norms.png

# %% [markdown]
# ## Does the loss approximate the true loss?
#
# The paper's §2 claims this, for one slope. Take the baseline loss mean_i |e_i|^p as the true loss.
# For k → 0, F → max(λ, 1), which is 1 for λ ≤ 1. So for a flat model each of the D entries of c is
# the baseline loss, and
#
#     L2 Lai → √D · mean_i |e_i|^p,      L1 Lai → D · mean_i |e_i|^p.
#
# For large |k|, F → 1/λ if λ < 1. So for a steep model and a small λ the loss is far above the
# baseline loss. `Plain` in `lai_ref` computes the baseline loss. The next cell prints the ratio of
# the Lai loss to it, for λ = 0.1.

# %%
baseline, baseline_dy, _ = Plain(order=2)(y, t)  # one number, (N,)


def ratio_to_baseline(k_entry, D, rho):
    """The Lai loss for an input gradient with D equal entries, in units of the baseline loss."""
    value, _, _ = Lai(0.1, l1_ratio=rho)(y, t, np.full((4, D), k_entry))
    return value / baseline


for D in (1, 2, 8):
    flat_l2 = ratio_to_baseline(0.0, D, 0.0)
    flat_l1 = ratio_to_baseline(0.0, D, 1.0)
    steep_l2 = ratio_to_baseline(1e9, D, 0.0)
    print(f"D = {D}: flat L2 {flat_l2:.3f}, flat L1 {flat_l1:.0f}, steep L2 {steep_l2:.1f}")
# > D = 1: flat L2 1.000, flat L1 1, steep L2 10.0
# > D = 2: flat L2 1.414, flat L1 2, steep L2 14.1
# > D = 8: flat L2 2.828, flat L1 8, steep L2 28.3

# Check
for D in (1, 2, 8):
    assert np.isclose(ratio_to_baseline(0.0, D, 0.0), np.sqrt(D))
    assert np.isclose(ratio_to_baseline(0.0, D, 1.0), D)
    assert np.isclose(ratio_to_baseline(1e9, D, 0.0), np.sqrt(D) / 0.1)

# %% [markdown]
# For a flat model, the derivative of L2 Lai with respect to y is √D times that of the baseline
# loss. This matters in Lai Training (tutorial 07), where some samples of a batch get the Lai loss
# and the others the baseline loss. Even where the model is flat, a sample with L2 Lai then has √D
# times the weight of one with the baseline loss.

# %%
_, flat_dy, _ = Lai(0.1)(y, t, np.zeros((4, 8)))  # D = 8; (N,)

# Check
assert np.allclose(flat_dy, np.sqrt(8) * baseline_dy)

# %% [markdown]
# ## Which feature has how much weight?
#
# The chain rule for L = M(c) begins with the derivatives of M. We call the derivative with respect
# to c_j the *weight* s_j of feature j. Since
#
#     ∂‖c‖₂/∂c_j = ½ (Σ_m c_m²)^(−1/2) · 2 c_j = c_j/‖c‖₂,      ∂‖c‖₁/∂c_j = 1,
#
# the weight is
#
#     s_j = ∂M/∂c_j = (1 − ρ) c_j/‖c‖₂ + ρ.
#
# With L2 the feature with the largest loss has the largest weight. With L1 all have the weight 1.
#
# If all residuals are 0, so is c, and ‖c‖₂ has a kink there. `lai_ref` then takes the subgradient 0
# for the first term.


# %%
def weights(c, rho):
    """s = ∂M/∂c over the last axis of c."""
    l2 = np.sqrt((c * c).sum(axis=-1, keepdims=True))
    return (1 - rho) * c / l2 + rho


print("s =", weights(c, 0.0), "for L2 Lai,", weights(c, 1.0), "for L1 Lai")
# > s = [0.556 0.769 0.314] for L2 Lai, [1.000 1.000 1.000] for L1 Lai

# Check
for rho in rhos:
    norm_of_c = partial(norm, rho=rho)  # norm as a function of c alone
    assert np.allclose(weights(c, rho), numerical_gradient(norm_of_c, c, method="complex"))

# %% [markdown]
# ## What does one small λ do to the other features?
#
# λ may be a list with one λ_j per feature, (D,). NumPy broadcasts it over the rows of k (N, D). To
# make a model less sensitive to one feature, the paper lowers the λ of that feature alone. It
# remarks that the λ of the other features must then be adjusted too.
#
# The norm gives a reason. For λ < 1 the factor above its kink is |k|^p/(1 + k²)^(p/2) / λ, which
# grows as λ becomes smaller. So the feature with the small λ comes to dominate c, and with L2 the
# weight c_j/‖c‖₂ of every other feature decreases. (With L1 it remains 1.)

# %%
lams = np.geomspace(1e-3, 1, 61)  # (61,), the λ of feature 2
losses = np.empty((61, 3))  # (61, D): one c for each of them
for index, lam_2 in enumerate(lams):
    F_list = lai_factor(k, [0.25, lam_2, 0.25])  # (N, D)
    losses[index] = (e[:, None] ** 2 * F_list).mean(axis=0)
s_list = weights(losses, 0.0)  # (61, D)
print(f"λ of feature 2 {lams[60]:.3f}: s =", s_list[60])
print(f"λ of feature 2 {lams[0]:.3f}: s =", s_list[0])
# > λ of feature 2 1.000: s = [0.767 0.473 0.434]
# > λ of feature 2 0.001: s = [0.004 1.000 0.002]

# Check
assert np.allclose(losses[:, 0], c[0])  # the loss of feature 1 does not change,
assert np.allclose(losses[:, 2], c[2])  # nor that of feature 3,
assert (np.diff(s_list[:, 0]) > 0).all()  # but the weight of feature 1 increases with λ,
assert (np.diff(s_list[:, 2]) > 0).all()  # and so does that of feature 3

# %%
figure, axes = plt.subplots(layout="constrained")
axes.semilogx(lams, s_list[:, 0], "--", color=BLUE, label="feature 1")
axes.semilogx(lams, s_list[:, 1], "-", color=RED, label="feature 2")
axes.semilogx(lams, s_list[:, 2], ":", color=BLACK, label="feature 3")
axes.set(xlabel="λ of feature 2 (the others: 0.25)", ylabel="weight s_j in L2 Lai")
axes.set_title("A small λ of one feature reduces the weights of the others")
axes.legend()
figure.savefig(OUT / "06_lambda_list.png")
print("picture:", (OUT / "06_lambda_list.png").as_posix())
# > picture: tutorials_out/06_lambda_list.png

# %% [markdown]
# ## What are the derivatives with respect to y and k?
#
# In code dy (N,) holds ∂L/∂y_i, and dk (N, D) holds ∂L/∂k_ij. They are the loss gradients ȳ and k̄
# with which tutorial 05 begins. L depends on y and k only through ℓ_ij. The links of the chain are
#
#     ∂L/∂c_j     = s_j
#     ∂c_j/∂ℓ_ij  = 1/N
#     ∂ℓ_ij/∂y_i  = p |e_i|^(p−1) sign e_i · F_ij
#     ∂ℓ_ij/∂k_ij = |e_i|^p F'(k_ij; λ_j).
#
# Here F_ij means F_p(k_ij; λ_j). Multiply along the chain. All entries of row i depend on y_i,
# hence a sum over j; only one entry depends on k_ij:
#
#     dy_i  = (1/N) Σ_j s_j F_ij · p |e_i|^(p−1) sign e_i      (N,)
#     dk_ij = (1/N) s_j |e_i|^p F'(k_ij; λ_j)                  (N, D).
#
# The complex step will check this function. So |e| is computed as e · sign e, which also continues
# it to a complex e, as in tutorial 02.


# %%
def batch_loss(y, t, k, lam, p, rho):
    """L, dy (N,) and dk (N, D)."""
    e = y - t  # (N,)
    sign = np.sign(e.real)  # (N,)
    abs_e = e * sign  # (N,)
    F = lai_factor(k, lam, p)  # (N, D)
    dF = lai_factor_derivative(k, lam, p)  # (N, D)
    c = (abs_e[:, None] ** p * F).mean(axis=0)  # (D,)
    s = weights(c, rho)  # (D,)
    sum_sF = F @ s  # (N, D) @ (D,) = (N,): Σ_j s_j F_ij
    dy = sum_sF * p * abs_e ** (p - 1) * sign / len(y)  # (N,)
    dk = s * abs_e[:, None] ** p * dF / len(y)  # (D,) · (N, 1) · (N, D) = (N, D)
    return norm(c, rho), dy, dk


_, dy, dk = batch_loss(y, t, k, lam, 2, 0.0)
print("dy =", dy)
for i in range(4):
    print(f"sample {i + 1}: dk =", dk[i] + 0.0)  # + 0.0 turns -0.0 into 0.0
# > dy = [ 1.632 -2.133  2.696  0.000]
# > sample 1: dk = [-0.027  0.123 -0.075]
# > sample 2: dk = [-1.112  0.000  0.302]
# > sample 3: dk = [-0.158  0.104  0.000]
# > sample 4: dk = [0.000 0.000 0.000]

# %% [markdown]
# ## What do the two formulas mean?
#
# dy_i is the derivative of the baseline loss times w_i = Σ_j s_j F_ij. With a small λ, F is large
# for large |k|, so samples with a large input gradient have more weight in the fit. In our batch
# the weight increases with the norm ‖k_i‖₂ of the input gradient; the cell prints both. (With λ > 1
# it need not: F is λ for k = 0, and tends to 1 for large |k|.)
#
# dk_ij contains |e_i|^p. The smaller the residual of a sample, the less the loss acts on its input
# gradient; at e_i = 0 it does not act at all. That is why, in tutorial 03, the minimum is at the
# kink only if the data are noisy enough.

# %%
w = F @ weights(c, 0.0)  # (N,)
norm_of_k = np.linalg.norm(k, axis=1)  # (N,)
print("w      =", w)
print("‖k_i‖₂ =", norm_of_k)
# > w      = [3.264 2.133 3.595 2.702]
# > ‖k_i‖₂ = [2.064 1.118 3.015 1.428]

# Check
assert np.allclose(dy, w * baseline_dy)
assert (w.argsort() == norm_of_k.argsort()).all()
assert (dk[3] == 0).all()  # e_4 = 0
assert (dk[0] != 0).all()

# %% [markdown]
# ## Is dy right?
#
# Take twelve random samples with three features, and a list of λ. Keep t and k fixed, so that L is
# a function of y alone. Its numerical gradient must equal dy. The cell prints the first entry.

# %%
rng = np.random.default_rng(0)
t_12 = rng.normal(size=12)  # (N,)
y_12 = rng.normal(size=12)  # (N,)
k_12 = rng.normal(size=(12, 3))  # (N, D)
lam_list = [0.1, 1.0, 2.0]  # (D,)
choices = ((1, 0.0), (1, 0.3), (1, 1.0), (2, 0.0), (2, 0.3), (2, 1.0))  # p and ρ


def numerical_dy(p, rho, method):
    def value_of_y(y):
        return batch_loss(y, t_12, k_12, lam_list, p, rho)[0]

    return numerical_gradient(value_of_y, y_12, method)


for p, rho in choices:
    _, dy, _ = batch_loss(y_12, t_12, k_12, lam_list, p, rho)
    central = numerical_dy(p, rho, "central")
    print(f"p = {p}, ρ = {rho}: dy_1 = {dy[0]:.5f}, central difference {central[0]:.5f}")
# > p = 1, ρ = 0.0: dy_1 = -0.58033, central difference -0.58033
# > p = 1, ρ = 0.3: dy_1 = -0.63884, central difference -0.63884
# > p = 1, ρ = 1.0: dy_1 = -0.77537, central difference -0.77537
# > p = 2, ρ = 0.0: dy_1 = -1.95082, central difference -1.95082
# > p = 2, ρ = 0.3: dy_1 = -2.19557, central difference -2.19557
# > p = 2, ρ = 1.0: dy_1 = -2.76667, central difference -2.76667

# Check
for p, rho in choices:
    _, dy, _ = batch_loss(y_12, t_12, k_12, lam_list, p, rho)
    assert np.allclose(numerical_dy(p, rho, "central"), dy, rtol=0, atol=1e-8)
    assert np.allclose(numerical_dy(p, rho, "complex"), dy, rtol=0, atol=1e-14)

# %% [markdown]
# ## Is dk right?
#
# Now keep y and t fixed, so that L is a function of k alone.


# %%
def numerical_dk(p, rho, method):
    def value_of_k(k):
        return batch_loss(y_12, t_12, k, lam_list, p, rho)[0]

    return numerical_gradient(value_of_k, k_12, method)


for p, rho in choices:
    _, _, dk = batch_loss(y_12, t_12, k_12, lam_list, p, rho)
    central = numerical_dk(p, rho, "central")
    print(f"p = {p}, ρ = {rho}: dk_11 = {dk[0, 0]:.5f}, central difference {central[0, 0]:.5f}")
# > p = 1, ρ = 0.0: dk_11 = 0.80457, central difference 0.80457
# > p = 1, ρ = 0.3: dk_11 = 0.81351, central difference 0.81351
# > p = 1, ρ = 1.0: dk_11 = 0.83436, central difference 0.83436
# > p = 2, ρ = 0.0: dk_11 = 2.59717, central difference 2.59717
# > p = 2, ρ = 0.3: dk_11 = 2.64051, central difference 2.64051
# > p = 2, ρ = 1.0: dk_11 = 2.74163, central difference 2.74163

# Check
for p, rho in choices:
    _, _, dk = batch_loss(y_12, t_12, k_12, lam_list, p, rho)
    assert np.allclose(numerical_dk(p, rho, "central"), dk, rtol=0, atol=1e-8)
    assert np.allclose(numerical_dk(p, rho, "complex"), dk, rtol=0, atol=1e-14)

# %% [markdown]
# Both are right to 1e-8 by central differences and to 1e-14 by the complex step. `Lai` in `lai_ref`
# returns the same three results.

# %%
# Check
for p, rho in choices:
    value, dy, dk = batch_loss(y_12, t_12, k_12, lam_list, p, rho)
    value_ref, dy_ref, dk_ref = Lai(lam_list, order=p, l1_ratio=rho)(y_12, t_12, k_12)
    assert np.isclose(value, value_ref)
    assert np.allclose(dy, dy_ref)
    assert np.allclose(dk, dk_ref)

# %% [markdown]
# ## Next
#
# Tutorial 07 trains a network with this loss, and in each batch mixes it with the baseline loss.
# That is the rest of `lai_ref/objective.py`. You can now read all of `lai_ref/lai.py` and
# `lai_ref/losses.py`.
#
# **Beyond this paper.** *Sobolev training* fits not only the values of a target function but also
# its derivatives: its loss contains a norm of the difference between the input gradients of network
# and target (Czarnecki et al., "Sobolev training for neural networks", NeurIPS 2017).

# %% [markdown]
# ## Exercise 1: the other order
#
# Derive dy and dk for `reduction="sample"`, where each sample i has its own weights s_ij.

# %% [markdown]
# ## Exercise 2: two workers
#
# In *data-parallel* training each worker, a process or a device, computes with its own part of the
# batch. Let two workers have half a batch each. Is the mean of their losses the loss of the whole
# batch? If not, what must they exchange?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** Here L = (1/N) Σ_i M(ℓ_i), so
#
#     ∂L/∂ℓ_ij = s_ij/N,      s_ij = (1 − ρ) ℓ_ij/‖ℓ_i‖₂ + ρ.
#
# The derivatives of ℓ_ij are the same as before, so s_ij replaces s_j in both formulas. (The cell
# leaves out sample 4. Its ℓ_4 is 0, and s_4j would be 0/0.)

# %%
s_sample = weights(ell[:3], 0.0)  # (3, D)
dy_sample = (s_sample * F[:3]).sum(axis=1) * 2 * e[:3] / 3  # (3,)
dk_sample = s_sample * e[:3, None] ** 2 * lai_factor_derivative(k[:3], lam) / 3  # (3, D)
_, dy_sample_ref, dk_sample_ref = Lai(lam, reduction="sample")(y[:3], t[:3], k[:3])

# Check
assert np.allclose(dy_sample, dy_sample_ref)
assert np.allclose(dk_sample, dk_sample_ref)

# %% [markdown]
# **Exercise 2.** No. M is not linear, and the mean of two norms is at least the norm of the mean.
# The workers must average their vectors c, D numbers each, and then take the norm. (For ρ = 1 both
# are the same.)

# %%
first_half = ell[:2].mean(axis=0)  # (D,), the c of one worker
second_half = ell[2:].mean(axis=0)  # (D,), the c of the other
mean_of_losses = (norm(first_half, 0.0) + norm(second_half, 0.0)) / 2
loss_of_mean = norm((first_half + second_half) / 2, 0.0)
print(f"mean of two losses {mean_of_losses:.3f}, loss of the whole {loss_of_mean:.3f}")
# > mean of two losses 5.212, loss of the whole 4.971

# Check
assert np.isclose(loss_of_mean, norm(c, 0.0))
assert mean_of_losses > loss_of_mean
