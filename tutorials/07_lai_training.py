# %% [markdown]
# # 07 · Lai Training: a few points at a time, and not at once
#
# - **Question:** A loss that cannot tell k from −k: how can a network be trained with it?
# - **Prerequisites:** Tutorials 03, 05 and 06; mean, variance and covariance.
# - **You will learn to** write the training loop from scratch, predict which runs the trap catches,
#   derive for which fraction α of Lai points the trap vanishes, and see where no training helps.
# - **Minutes:** 40

# %%
from itertools import product
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import (
    MLP,
    Adam,
    Lai,
    Plain,
    lai_factor,
    lai_factor_derivative,
    lai_training,
    value_and_grad_mixed,
)
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#E69F00", "#777777"

# %% [markdown]
# ## A training step in which some rows get the Lai loss
#
# Lai Training (paper §5) begins with the plain loss, here MSE. After this *pretraining* a random
# fraction α of the data gets the Lai loss, the rest the plain one. Let c_i be 1 for a row of a
# batch that gets Lai, else 0. With one feature both losses are means over rows, and over n rows
#
#     L = (n_plain · plain + n_lai · lai)/n = (1/n) Σ_i e_i² g_i      g_i = 1 + c_i (F(k_i; λ) − 1)
#
# So its seeds are those of the Lai loss in tutorial 05, with g in the place of F:
#
#     ȳ_i = 2 e_i g_i/n      k̄_i = c_i e_i² F'(k_i; λ)/n
#
# In each epoch the rows are permuted and cut into batches, and each row is a Lai row with
# probability α, drawn anew. Each batch makes one step. The step is Adam's, with running means m of
# the gradient and v of its square; both begin at 0, too small, which m̂ and v̂ make up for.
#
#     m ← β₁ m + (1 − β₁) θ̄        m̂ = m/(1 − β₁^step)
#     v ← β₂ v + (1 − β₂) θ̄²       v̂ = v/(1 − β₂^step)        θ ← θ − lr · m̂/(√v̂ + ε)
#
# (For a constant gradient m is (1 − β₁^step) θ̄, so that m̂ is θ̄.) β₁ = 0.9 and β₂ = 0.999 say how
# long the means reach back, ε = 1e-8 forbids a division by 0, and lr is the step size. Here are ten
# epochs, five of them pretraining, with noisy points about a curve.

# %%
rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (128, 1))  # (N, 1)
t = 1.5 * np.sin(2 * x[:, 0]) + rng.uniform(-2.5, 2.5, 128)  # (N,)
net = MLP((1, 16, 1), "tanh")
rng = np.random.default_rng(1)
theta = net.init(rng)  # (P,)
m, v, step = 0 * theta, 0 * theta, 0  # (P,), (P,)
for epoch in range(1, 11):
    perm = rng.permutation(128)
    alpha = 0.25 if epoch > 5 else 0.0
    lai_mask = rng.random(128) < alpha  # (N,)
    for rows in np.split(perm, 2):  # n = 64
        y, tape = net.forward(theta, x[rows])  # (n,)
        k, gtape = net.input_gradient(tape)  # (n, 1)
        e, c = y - t[rows], lai_mask[rows]  # (n,), (n,)
        g = 1 + c * (lai_factor(k[:, 0], 0.1) - 1)  # (n,)
        dk = (c * e**2)[:, None] * lai_factor_derivative(k, 0.1) / 64  # (n, 1)
        grad = net.double_backward(gtape, 2 * e * g / 64, dk)  # (P,)
        reference = value_and_grad_mixed(net, theta, x[rows], t[rows], Plain(2), Lai(0.1), c)
        assert np.isclose((e**2 * g).mean(), reference[0]) and np.allclose(grad, reference[1])
        step += 1
        m = 0.9 * m + 0.1 * grad
        v = 0.999 * v + 0.001 * grad**2
        theta = theta - 0.05 * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)

# %% [markdown]
# `lai_training` is this loop. It hands out the epochs one by one, each with the state after it.

# %%
settings = {"batch_size": 64, "optimizer": Adam(lr=0.05), "sampling": "points"}
phases = {"pretrain_epochs": 5, "lai_epochs": 5, "rng": np.random.default_rng(1)}
*_, last = lai_training(net, x, t, loss=Lai(0.1), alpha=0.25, **settings, **phases)
assert np.allclose(last.state.theta, theta, rtol=1e-6, atol=1e-9)
print("θ by hand", theta[:3].round(4), " by the package", last.state.theta[:3].round(4))
# > θ by hand [ 0.2205  0.3705 -0.1326]  by the package [ 0.2205  0.3705 -0.1326]

# %% [markdown]
# ## Which lines does the trap catch?
#
# Tutorial 03 walked into the trap: a descent from k = −3 ended at −κ, the kink on the wrong side.
# Where is the boundary of its basin? Let V_x and V_t be the variances of x and t, C their
# covariance, and λ = 1. Between the kinks F = 1/(1 + k²), and with the best intercept
#
#     L(k) = (V_t − 2Ck + V_x k²)/(1 + k²)      L'(k) = 2 (Ck² + (V_x − V_t) k − C)/(1 + k²)²
#
# The two roots of L' multiply to −1. The positive one, K (> 1, as V_t > V_x), is the slope of the
# line with the least mean squared distance from the data. For C > 0 L is greatest at the other,
# −1/K, which thus lies between the kinks. A descent from its left ends at −κ. A line's first slope
# is drawn at random, k ~ N(0, 1), so we can predict which runs are trapped. Twenty lines, each with
# 64 rows of its own, so that an epoch is one step:

# %%
line, lines, predicted = MLP((1, 1)), [], []
for seed in range(20):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (64, 1))
    t = 3 * x[:, 0] + rng.uniform(-4, 4, 64)
    lines.append((x, t))
    (V_x, C), (_, V_t) = np.cov(x[:, 0], t)
    basin_boundary = (V_t - V_x - np.hypot(V_t - V_x, 2 * C)) / (2 * C)
    grid = np.linspace(-1, 0, 1001)
    spread = [(t - g * x[:, 0]).var() / (1 + g**2) for g in grid]
    assert C > 0 and V_t > V_x
    assert abs(grid[np.argmax(spread)] - basin_boundary) < 0.002  # L's greatest
    predicted.append(line.init(np.random.default_rng(seed))[0] < basin_boundary)  # its first slope

trapped, faster = [], {**settings, "optimizer": Adam(lr=0.15)}
for epochs, alpha in ((0, 1.0), (0, 0.1), (40, 1.0)):
    ends = []
    for seed, data in enumerate(lines):
        phases = {"pretrain_epochs": epochs, "lai_epochs": 40, "rng": np.random.default_rng(seed)}
        *_, last = lai_training(line, *data, loss=Lai(1.0), alpha=alpha, **faster, **phases)
        ends.append(last.state.theta[0])
    trapped.append(np.array(ends) < 0)
    print(f"{epochs:2} epochs of MSE, then α = {alpha}: {sum(trapped[-1]):2} of 20 end with k < 0")
# >  0 epochs of MSE, then α = 1.0:  9 of 20 end with k < 0
# >  0 epochs of MSE, then α = 0.1:  0 of 20 end with k < 0
# > 40 epochs of MSE, then α = 1.0:  0 of 20 end with k < 0
right = sum(trapped[0] == predicted)
assert right >= 18 and sum(predicted) > 4 and not np.any(trapped[1:])
print(f"for α = 1 at once {sum(predicted)} were predicted; {right} of 20 rightly")
# > for α = 1 at once 9 were predicted; 20 of 20 rightly

# %% [markdown]
# ## Why does a small α help?
#
# On the line each remedy of the paper works alone. Pretraining puts the start on the right side. A
# small α takes the trap away: c_i is 1 with probability α, and L is linear in it, so that in the
# mean
#
#     E L = (1/n) Σ_i e_i² G(k_i)      G(k) = E g = 1 + α (F(k; λ) − 1)
#
# For the line of tutorial 03, E e² is (d² + σ²) X²/3 with d = 3 − k and σ = s/X, and so
#
#     L'/L = α F'/G − q      q = 2d/(d² + σ²)
#
# There is no trap if this is negative from −κ to 0, where F' > 0: α F' < q G. Solved for α,
#
#     α < α* = min over −κ < k < 0 of  q/(F' + q (1 − F))

# %%
k, left, sigma = np.linspace(-1, 0, 4001)[1:-1], np.linspace(-3, 0, 6001), 4.0
q = 2 * (3 - k) / ((3 - k) ** 2 + sigma**2)
F, dF = lai_factor(k, 1.0), lai_factor_derivative(k, 1.0)
alpha_star = (q / (dF + q * (1 - F))).min()
figure, (axes, panel) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
colors = {1.0: RED, 0.6: ORANGE, alpha_star: GREY, 0.1: BLUE}
for alpha in (*colors, 1.02 * alpha_star, 0.98 * alpha_star):
    L = ((3 - left) ** 2 + sigma**2) * (1 + alpha * (lai_factor(left, 1.0) - 1))
    if alpha in colors:
        name = f"α* = {alpha:.2f}" if alpha == alpha_star else f"α = {alpha:.1f}"
        axes.plot(left, L / L[-1], color=colors[alpha], label=name)
    if alpha != alpha_star:
        assert (np.diff(L) > 0).any() == (alpha > alpha_star)  # a trap
axes.set(xlabel="slope k (y per x)", ylabel="mean loss over that at k = 0", ylim=(0.5, 2.5))
axes.set_title(f"Line, λ = 1: below α* = {alpha_star:.2f} there is no trap")
print(f"λ = 1, noise ±4: no trap below α* = {alpha_star:.3f}")
# > λ = 1, noise ±4: no trap below α* = 0.347

# %% [markdown]
# ## And a network on a curve?
#
# The slope of our curve is 3 cos 2x. A point is wrong where the network's k has the other sign,
# judged where the curve is steeper than 1; a run is trapped if more than a quarter are wrong. The
# runs of a random seed share data, first weights and batches. Those with a pretraining share that
# too, and train twice as long as the others. λ is 1, 0.1 and 0.01.

# %%
points = np.linspace(-2, 2, 81)  # (M,)
curve, true_k = 1.5 * np.sin(2 * points), 3 * np.cos(2 * points)
lams, alphas = np.array([1.0, 0.1, 0.01]), np.array([1.0, 0.1, 0.01])
methods = [(0, 1.0), (0, 0.01), *((25, alpha) for alpha in alphas)]  # epochs of MSE, then α
wrong, steepness = np.zeros((2, 5, 3, 6))
for seed in range(6):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (128, 1))
    t = 1.5 * np.sin(2 * x[:, 0]) + rng.uniform(-2.5, 2.5, 128)
    phases = {"pretrain_epochs": 25, "lai_epochs": 0, "rng": np.random.default_rng([seed, 1])}
    *_, trained = lai_training(net, x, t, loss=Plain(2), **settings, **phases)
    for (i, (epochs, alpha)), (j, lam) in product(enumerate(methods), enumerate(lams)):
        phases = {"pretrain_epochs": epochs, "lai_epochs": 25}
        phases["rng"] = np.random.default_rng([seed, 1])
        phases["resume_from"] = trained.state if epochs else None
        *_, last = lai_training(net, x, t, loss=Lai(lam), alpha=alpha, **settings, **phases)
        k = net.input_gradient(net.forward(last.state.theta, points[:, None])[1])[0][:, 0]  # (M,)
        wrong[i, j, seed] = (k * true_k <= 0)[abs(true_k) > 1].mean()
        steepness[i, j, seed] = abs(k).mean()
counts, mean_k = (wrong > 0.25).sum(axis=2), np.median(steepness, axis=2)  # (5, 3), (5, 3)
for (epochs, alpha), row in zip(methods, counts, strict=True):
    print(f"{epochs:2} epochs of MSE, then α = {alpha:4}: {row} of 6 are trapped")
# >  0 epochs of MSE, then α =  1.0: [3 4 5] of 6 are trapped
# >  0 epochs of MSE, then α = 0.01: [0 0 2] of 6 are trapped
# > 25 epochs of MSE, then α =  1.0: [0 6 3] of 6 are trapped
# > 25 epochs of MSE, then α =  0.1: [0 1 5] of 6 are trapped
# > 25 epochs of MSE, then α = 0.01: [0 0 1] of 6 are trapped

# %% [markdown]
# ## Why does pretraining not always help?
#
# λ = 1 shows the trap and its two remedies: each is enough alone. With a smaller λ pretraining
# alone is no help, and with λ = 0.01 even Lai Training is not safe. This is not the start's fault:
# the loss itself may prefer a flat line. In the mean the loss of the true curve is the noise's
# variance, 2.5²/3, times the mean of G; that of a flat line, where F = 1, is this variance plus the
# curve's. Where the latter is less, slopes that were right are penalised down to ±√λ and below, and
# some past 0.

# %%
variance = np.linspace(-2.5, 2.5, 10001).var()
assert np.isclose(variance, 2.5**2 / 3, rtol=1e-3)
assert counts[0].min() > 1 and not counts[1, :2].any()
for row, alpha in zip(counts[2:], alphas, strict=True):
    G = np.array([1 + alpha * (lai_factor(true_k, lam) - 1) for lam in lams])  # (3, M)
    of_curve, of_flat = variance * G.mean(axis=1), variance + curve.var()  # (3,), one number
    assert (row[of_curve < of_flat] == 0).all() and (row[of_curve > 4 * of_flat] >= 2).all()
    print(f"α = {alpha:4}: true curve", of_curve.round(1), f"for the three λ, flat {of_flat:.1f}")
# > α =  1.0: true curve [  1.7  15.2 151. ] for the three λ, flat 3.1
# > α =  0.1: true curve [ 2.   3.4 17. ] for the three λ, flat 3.1
# > α = 0.01: true curve [2.1 2.2 3.6] for the three λ, flat 3.1

# %% [markdown]
# ## Trapped, or flattened?
#
# The slopes of a nearly flat network have any sign, so that it counts as trapped too. Its mean |k|
# tells: the curve's is 2.1, and the trap is at the kink, |k| = √λ.

# %%
print(f"mean |k| of the curve {abs(true_k).mean():.2f}")
# > mean |k| of the curve 2.07
for j, lam in enumerate(lams):
    k = steepness[:, j][wrong[:, j] > 0.25]  # of the trapped runs
    ends = f"mean |k| from {k.min():.2f} to {k.max():.2f}"
    print(f"λ = {lam:4}: {len(k):2} of 30 trapped, {ends}")
    # Check
    assert abs(k - 1).max() < 0.1 if lam == 1 else k.max() < abs(true_k).mean() / 3
# > λ =  1.0:  3 of 30 trapped, mean |k| from 0.95 to 0.97
# > λ =  0.1: 11 of 30 trapped, mean |k| from 0.09 to 0.28
# > λ = 0.01: 16 of 30 trapped, mean |k| from 0.02 to 0.49

# %% [markdown]
# With λ = 1 the slopes stand at the kink, some on its wrong side: the trap. With the smaller λ they
# are less than a third of the curve's. These networks are flattened, some wholly, some partly,
# and their wrong signs are not evidence of a trap.
#
# Is pretraining needed at all where α is small? For α = 0.01 the counts are 0 0 2 without, 0 0 1
# with it. This decides nothing: a risk of 30% shows in none of six runs with probability (1 − 0.3)⁶
# = 12%, one of 3% in none of a hundred with 5%. `python -m figures trap` makes a hundred.

# %%
assert round(0.7**6, 2) == 0.12 and round(0.97**100, 2) == 0.05

# %% [markdown]
# ## What do α and λ do together?
#
# For λ ≤ 1 the two branches of F make G, above and below the kink,
#
#     G = 1 − α + (α/λ) sin² φ        G = 1 − α + α cos² φ
#
# So for a small α steep slopes feel one number, α/λ: how hard they are pressed down. How far down
# depends on the kink, √λ, though below it next to nothing lifts them (tutorial 02). So α/λ alone
# does not tell the strength. Medians of the mean |k|:

# %%
sin2 = true_k**2 / (1 + true_k**2)  # (M,)
# G and alpha are those of α = 0.01, the last
assert np.allclose(G, 1 - alpha + np.maximum(alpha / lams[:, None] * sin2, alpha * (1 - sin2)))
for row, alpha in zip(mean_k[2:], alphas, strict=True):
    print(f"α = {alpha:4}: mean |k|", row.round(1), "for α/λ =", (alpha / lams).round(2))
# > α =  1.0: mean |k| [1.3 0.2 0. ] for α/λ = [  1.  10. 100.]
# > α =  0.1: mean |k| [1.8 0.8 0.1] for α/λ = [ 0.1  1.  10. ]
# > α = 0.01: mean |k| [1.9 1.7 0.8] for α/λ = [0.01 0.1  1.  ]
assert (np.diff(mean_k[2:], axis=1) < 0.05).all() and (np.diff(mean_k[2:], axis=0) > -0.05).all()
assert mean_k[4, 1] > mean_k[4, 2] + 0.3 and mean_k[3, 0] > mean_k[3, 1] + 0.3  # α/λ = 0.1 and 1
assert mean_k[2, 0] > mean_k[3, 1] + 0.3  # the same α/λ = 1, another kink
for lam, column, color, mark in zip(lams, mean_k[2:].T, (BLACK, BLUE, RED), "os^", strict=True):
    panel.axhline(np.sqrt(lam), color=color, linestyle=":")
    panel.semilogx(alphas / lam, column, mark + "-", color=color, label=f"λ = {lam}")
panel.set(xlabel="α/λ", ylabel="mean |k|, median of 6 runs (dotted: kinks)")
panel.set_title("Curve: slopes fall with α/λ, towards the kink or past it")
axes.legend(), panel.legend()
figure.savefig(OUT / "07_lai_training.png")
plt.close(figure)
print("picture:", (OUT / "07_lai_training.png").as_posix())
# > picture: tutorials_out/07_lai_training.png

# %% [markdown]
# ## Batches, points, or a step of their own?
#
# The paper draws Lai *batches* in §5, Lai *points* in §6; and its points may also make one step of
# their own per epoch, after the others. `sampling` has all three. Of our two batches per epoch none
# gets Lai, or with probability 2α one (for α ≤ ½). An epoch's fraction of Lai points is α on
# average, with the standard deviation √(α(1 − α)/N) for points and ½ √(2α(1 − 2α)) for batches;
# `"separate"` always takes ⌈αN⌉ = 13 of the 128. Data and pretraining are those of the last random
# seed.

# %%
level, swing = {}, {}
expected = {"points": np.sqrt(0.1 * 0.9 / 128), "batches": np.sqrt(0.2 * 0.8) / 2, "separate": 0}
phases = {"pretrain_epochs": 25, "lai_epochs": 200, "rng": rng, "resume_from": trained.state}
for sampling in ("points", "batches", "separate"):
    settings["sampling"] = sampling
    run = list(lai_training(net, x, t, loss=Lai(0.1), alpha=0.1, **settings, **phases))
    tapes = [net.forward(epoch.state.theta, points[:, None])[1] for epoch in run[50:]]
    k_mean = np.array([abs(net.input_gradient(tape)[0]).mean() for tape in tapes])  # epochs 51 …
    level[sampling], swing[sampling] = k_mean.mean(), k_mean.std()
    fractions = np.array([epoch.lai_fraction for epoch in run])
    if sampling == "batches":
        change, has_lai = np.diff(k_mean), fractions[51:] > 0
    fraction = f"{sampling:8} fraction ± {fractions.std():.2f}"
    print(f"{fraction}, mean |k| {level[sampling]:.2f} ± {swing[sampling]:.2f}")
    # Check
    assert abs(fractions.std() - expected[sampling]) <= 0.2 * expected[sampling]
    assert abs(fractions.mean() - 0.1) < 0.05
# > points   fraction ± 0.03, mean |k| 0.42 ± 0.07
# > batches  fraction ± 0.19, mean |k| 0.62 ± 0.15
# > separate fraction ± 0.00, mean |k| 0.19 ± 0.03
with_lai, without = change[has_lai].mean(), change[~has_lai].mean()
print(f"batches: an epoch with a Lai batch {with_lai:+.3f}, one without {without:+.3f}")
# > batches: an epoch with a Lai batch -0.028, one without +0.004
# Check
assert swing["batches"] > 1.3 * swing["points"] and with_lai < 0 < without
assert level["separate"] < level["points"] < level["batches"] / 1.2

# %% [markdown]
# An epoch with a Lai batch lowers the slopes, those between let them rise slowly; so mean |k|
# wanders more than with points. The three do not settle at the same mean |k| either.

# %% [markdown]
# ## What decides how hard a λ acts?
#
# First, the number of Lai steps per plain step. With batches it is α/(1 − α), and with points each
# step is a Lai step for a fraction α of its rows, whatever N and the batch size n. With
# `"separate"` it is one per ⌈(N − ⌈αN⌉)/n⌉. So it depends on n which of them is the harder one.
# Here it is `"separate"`; and with the paper's α and some 30,000 rows?

# %%
for N, n, alpha in ((128, 64, 0.1), (30_000, 512, 0.01), (30_000, 32, 0.01)):
    plain_steps = int(np.ceil((N - np.ceil(alpha * N)) / n))
    print(f"N = {N:5}, n = {n:3}: plain steps per Lai step", end=" ")
    print(f"{(1 - alpha) / alpha:.0f} with batches, {plain_steps} with separate")
# > N =   128, n =  64: plain steps per Lai step 9 with batches, 2 with separate
# > N = 30000, n = 512: plain steps per Lai step 99 with batches, 59 with separate
# > N = 30000, n =  32: plain steps per Lai step 99 with batches, 929 with separate

# %% [markdown]
# Second, the unit in which k is measured. For |k| ≫ 1 and λ ≤ 1 F is 1/λ and hardly changes any
# more: F' ≈ 2/(λ |k|³). If the unit of x is ten times as large, so is every k, F' is a thousand
# times smaller, and k F', what a relative change of k does to F, a hundred times. So where inputs
# are scaled to [0, 1] and |k| ≫ 1, the Lai rows get a greater weight, 1/λ, but hardly smaller
# slopes.

# %%
k = np.array([3.0, 30.0, 300.0])
relative = k * lai_factor_derivative(k, 0.1)
assert np.allclose(relative[1:], 20 / k[1:] ** 2, rtol=0.01)  # 2/(λ k²)
for slope, change in zip(k, relative, strict=True):
    print(f"λ = 0.1, k = {slope:3.0f}: k F' = {change:.1g}")
# > λ = 0.1, k =   3: k F' = 2
# > λ = 0.1, k =  30: k F' = 0.02
# > λ = 0.1, k = 300: k F' = 0.0002

# %% [markdown]
# ## Next
#
# Tutorial 08 takes points, as here, to the paper's experiment with eight features. You can now read
# `lai_ref/train.py`, `lai_ref/adam.py` and all of `lai_ref/objective.py`. For more runs there is
# `python -m figures trap strength`.

# %% [markdown]
# ## Exercise 1: what does α save?
#
# A step without any Lai row needs no double backward pass. For α = 0.01 and batches of 64, which
# fraction of the steps needs one, with batches and with points?

# %% [markdown]
# ## Exercise 2: more features
#
# With D > 1 and the L2 norm of tutorial 06, n_lai · lai = ‖Σ ℓ_i‖ over the Lai rows, ℓ_i (D,). Is
# its mean over the draw still what it would be if every row got Lai with the weight α?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# 1. With batches 0.01. With points a step needs none only if all 64 rows say no: 1 − 0.99^64.

# %%
assert 1 - 0.99**64 > 0.4
print(f"points: {1 - 0.99**64:.2f} of the steps, each for a few rows")
# > points: 0.47 of the steps, each for a few rows

# %% [markdown]
# 2. No. A norm is convex, so E ‖Σ c_i ℓ_i‖ ≥ ‖Σ E c_i ℓ_i‖ = α ‖Σ ℓ_i‖ (Jensen): points weigh more,
# whole batches exactly α. All sixteen draws of four rows, D = 2:

# %%
ell, draws = np.eye(4, 2) + 0.1, np.array(list(product((0, 1), repeat=4)))  # (4, 2), (16, 4)
chance = np.prod(np.where(draws, 0.1, 0.9), axis=1)  # (16,)
few, whole = chance @ np.linalg.norm(draws @ ell, axis=1), 0.1 * np.linalg.norm(ell.sum(axis=0))
assert np.isclose(chance.sum(), 1) and few > whole
print(f"mean for α = 0.1: points {few:.3f}, batches {whole:.3f}")
# > mean for α = 0.1: points 0.243, batches 0.198
