# %% [markdown]
# # 03 · Landscape: where the Lai loss of a line is least
#
# - **Question:** Does the Lai loss pull the slope of a fitted line to λ?
# - **Prerequisites:** Tutorials 01 and 02; what a median is; the roots of a polynomial.
# - **You will learn to** draw the surfaces of the paper's appendix, derive for Lai MSE, and find
#   for Lai MAE, from which noise on their minimum is at the kink, and walk into the trap on the
#   wrong side of k = 0.
# - **Minutes:** 35

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, lai_factor, lai_factor_derivative
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED = "#000000", "#0072B2", "#D55E00"

# %% [markdown]
# ## What does the appendix of the paper draw?
#
# Points lie on both sides of the line y = 3x + 4, and a line y = kx + c is fitted to them. The
# appendix draws the Lai MAE of that line over its slope k and its intercept c, and says that the
# minimum is exactly at k = λ. With x uniform between −X and X, and u between −1 and 1, the data are
#
#     t = 3x + 4 + s u
#
# The paper gives neither the range X nor the noise s. Here X = 1 (only s/X will turn out to
# matter), and s is once small and once large. A line has the same slope at every point, so the
# factor F of tutorial 02 leaves the mean (p = 1: Lai MAE, p = 2: Lai MSE):
#
#     L(k, c) = mean_i |e_i|^p F_p(k; λ) = F_p(k; λ) · mean_i |k x_i + c − t_i|^p

# %%
x, u = np.random.default_rng(3).uniform(-1, 1, (2, 400))  # (N,) each
data = {s: 3 * x + 4 + s * u for s in (0.5, 4.0)}  # noise s: targets t (N,)

# %% [markdown]
# ## Where is the lowest point?
#
# For a fixed k the factor is a constant, and the best c is that of the plain MAE: the median of
# t − kx. What is left is a search over k, on a grid with the kinks among its nodes.

# %%
slopes = np.linspace(-4, 7, 1101)  # (K,)
lams = np.array([0.5, 1.0, 2.0])  # the paper's; it prints "1.5" for the first
minimum = {}
for s, t in data.items():
    c = np.median(t - slopes[:, None] * x, axis=1)  # (K,)
    error = np.abs(slopes[:, None] * x + c[:, None] - t).mean(axis=1)  # (K,)
    for shift in (-0.1, 0.1):  # no c nearby is better
        assert (np.abs(slopes[:, None] * x + c[:, None] + shift - t).mean(axis=1) > error).all()
    at = [(lai_factor(slopes, lam, order=1) * error).argmin() for lam in lams]
    minimum[s] = np.array([slopes[at], c[at]]).T  # (3, 2)
    value, _, _ = Lai(lam=2.0, order=1)(x * slopes[0] + c[0], t, np.full((400, 1), slopes[0]))
    assert np.isclose(lai_factor(slopes[0], 2.0, order=1) * error[0], value)  # one node suffices
    print(f"noise {s}: lowest at k =", slopes[at].round(2), "with c =", c[at].round(2))
# > noise 0.5: lowest at k = [2.96 2.96 2.96] with c = [3.97 3.97 3.97]
# > noise 4.0: lowest at k = [0.5 1.  2. ] with c = [3.93 3.8  3.65]
assert np.allclose(minimum[4.0][:, 0], lams)
assert np.ptp(minimum[0.5][:, 0]) == 0 and abs(minimum[0.5][0, 0] - 3) < 0.1

# %% [markdown]
# There are two answers. With much noise the minimum is exactly at k = λ, as the appendix says. With
# little noise it is near the data's slope, and λ does not move it at all: above the kink
# F = |sin φ|^p / min(λ, 1), where λ is a mere constant.

# %%
figure, panels = plt.subplots(2, 3, figsize=(11, 6), sharex=True, sharey=True, layout="constrained")
k, c = np.meshgrid(np.linspace(-4, 7, 111), np.linspace(0, 8, 41), indexing="ij")  # (111, 41)
for row, (s, t) in zip(panels, data.items(), strict=True):
    error = np.abs(k[..., None] * x + c[..., None] - t).mean(axis=-1)  # (111, 41)
    for axes, lam, at in zip(row, lams, minimum[s], strict=True):
        axes.contourf(k, c, lai_factor(k, lam, order=1) * error, 24, cmap="cividis")
        axes.axvline(lam, color=RED, linestyle="--", label="kink, k = λ")
        axes.plot(3, 4, "o", color="white", markeredgecolor=BLACK, label="the data's line")
        axes.plot(*at, "*", color=RED, markersize=14, label="minimum")
        axes.set_title(f"±{s:g}, λ = {lam:g}: least at k = {at[0]:.2f}")
figure.supxlabel("slope k (the darker, the lower the loss; over each map: noise, λ, minimum)")
figure.supylabel("intercept c")
figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
figure.savefig(OUT / "03_surface.png")
plt.close(figure)
print("picture:", (OUT / "03_surface.png").as_posix())
# > picture: tutorials_out/03_surface.png

# %% [markdown]
# ## How large is a residual on average?
#
# To find the border between the two answers, put the expectation in place of the sample. By
# symmetry the best c is then 4, and e = (k − 3) x − s u. The two parts are independent with mean 0,
# and the mean square of a uniform number in ±w is w²/3:
#
#     E e² = (k − 3)² X²/3 + s²/3 = X² (d² + σ²)/3      d = |k − 3|,  σ = s/X
#
# So X only scales the loss, and what matters is the noise as a share of the range, σ.
#
# For MAE let m be the larger and n the smaller of d and σ, and let a in ±m and b in ±n be the two
# parts of e/X. For a given a, the mean of |a + b| over b is |a| if |a| ≥ n, else (a² + n²)/(2n).
# The mean of that over a, the same for a and −a, is
#
#     E|e|/X = (1/m) [∫₀ⁿ (a² + n²)/(2n) da + ∫ₙᵐ a da]
#            = (1/m) [2n²/3 + (m² − n²)/2] = m/2 + n²/(6m)
#
# What is left is a loss of one variable, L(k) = Q F, with Q = E|e|^p and F = F_p(k; λ).


# %%
def loss(k, kink, sigma, p):
    """L(k) / X^p, for λ such that the kink of F is at k = kink."""
    d = np.abs(k - 3)
    m, n = np.maximum(d, sigma), np.minimum(d, sigma)
    error = (d**2 + sigma**2) / 3 if p == 2 else m / 2 + n**2 / (6 * m)
    return error * lai_factor(k, kink**p, p)


even = (np.arange(400) + 0.5) / 200 - 1  # 400 numbers spread evenly over ±1
for sigma in (0.5, 4.0):
    e = (1 - 3) * even[:, None] - sigma * even  # (400, 400): every x with every u, at k = 1
    mae, mse = np.abs(e).mean(), (e**2).mean()
    assert np.isclose(mae * lai_factor(1, 1, order=1), loss(1, 1, sigma, 1), rtol=1e-4)
    assert np.isclose(mse * lai_factor(1, 1, order=2), loss(1, 1, sigma, 2), rtol=1e-4)
    print(f"k = 1, σ = {sigma}: E|e| = {mae:.3f} X, E e² = {mse:.3f} X²")
# > k = 1, σ = 0.5: E|e| = 1.021 X, E e² = 1.417 X²
# > k = 1, σ = 4.0: E|e| = 2.167 X, E e² = 6.667 X²

# %% [markdown]
# ## Who pulls which way, and how hard?
#
# The logarithm turns the product L = Q F into a sum of two pulls, L'/L = Q'/Q + F'/F. For k > 0,
# log F = −(p/2) log(1 + k²) + const below the kink, and p log k more above it. So
#
#     |F'|/F = p/r      r = (1 + k²)/k below the kink,  k (1 + k²) above it
#
# F falls up to its kink κ = λ^(1/p) and grows from there; Q falls up to 3 and grows from there. So
# for k > 0 the lowest point is between κ and 3, where the two pull against each other. For MSE and
# κ < 3, with |Q'|/Q = 2d/(d² + σ²), they balance where d/(d² + σ²) = 1/r, that is, where
#
#     σ² = d (r − d) = (3 − k)(k³ + 2k − 3) = τ(k)²
#
# If the noise σ is larger than this τ(k), F wins and L' > 0; if it is smaller, Q wins and L' < 0.

# %%
k = np.array([1.5, 2.0, 2.5])
for lam, pull in ((1.0, 2 / (k * (1 + k**2))), (9.0, -2 * k / (1 + k**2))):  # κ = 1, κ = 3
    assert np.allclose(lai_factor_derivative(k, lam) / lai_factor(k, lam), pull)
tau = np.sqrt((3 - k) * (k**3 + 2 * k - 3))
for multiple, winner in ((0.99, -1), (1.01, 1)):
    rise = loss(k + 1e-6, 1.0, multiple * tau, 2) - loss(k - 1e-6, 1.0, multiple * tau, 2)
    assert (np.sign(rise) == winner).all()
print("τ(k) at k = 1.5, 2, 2.5:", tau.round(3))
# > τ(k) at k = 1.5, 2, 2.5: [2.25  3.    2.969]

# %% [markdown]
# ## Does the derivative at the kink decide?
#
# Just left of κ, L falls. Just right of it, L' has the sign of σ² − τ(κ)²: the kink is a local
# minimum if σ > τ(κ), and for κ ≤ 1, where τ(κ)² ≤ 0, at any noise > 0. But τ(k)² has the
# derivative (9 − 4k)(k² + 1): it rises from 0 at k = 1 to a summit at 9/4 and falls to 0 at 3. A
# noise below the summit is met twice, by a maximum of L on the way up and by a second minimum on
# the way down, at some k_b > 9/4. The lower of the two minima counts.
#
# At the border, for κ < 9/4, both are equally low (for κ from 9/4 to 3 the border is τ(κ) itself).
# Above the kink L is a constant times (d² + σ²) k²/(1 + k²). Let this be v at κ and, touching v, at
# k_b. Then κ and, twice, k_b solve
#
#     k² ((k − 3)² + σ²) − v (1 + k²) = k⁴ − 6k³ + (9 + σ² − v) k² + 0·k − v = 0
#
# Let κ' be the fourth root and δ = 3 − k_b. All roots add up to 6, so κ + κ' = 2δ. The coefficient
# of k is 0, so k_b² (κ + κ') + 2 k_b κ κ' = 0, hence κ κ' = −δ k_b. From sum and product, κ > 0:
#
#     κ² − 2δκ − δ(3 − δ) = 0,    so κ = δ + √(3δ),    δ = (√(3 + 4κ) − √3)²/4
#
# and the border is the noise τ(k_b). MAE has no such short solution, but a search does for both:
# halve an interval of noises, again and again, by whether the lowest point is at the kink.


# %%
def lowest(kink, sigma, p):
    """The slope at which L is least, on a grid that contains the kink."""
    k = np.append(np.linspace(0.002, 12, 6000), kink)
    return k[loss(k, kink, sigma, p).argmin()]


square = np.polymul([-1, 3], [1, 0, 2, -3])  # τ(k)² = (3 − k)(k³ + 2k − 3)
assert (np.polyder(square) == np.polymul([-4, 9], [1, 0, 1])).all()
border = {}  # of Lai MSE, by λ
for lam in (0.5, 1.0, 2.0):
    kink = np.sqrt(lam)
    k_b = 3 - (np.sqrt(3 + 4 * kink) - np.sqrt(3)) ** 2 / 4
    border[lam] = np.sqrt(np.polyval(square, k_b))
    assert np.isclose(loss(k_b, kink, border[lam], 2), loss(kink, kink, border[lam], 2))
    found = {}
    for p in (1, 2):
        low, high = 0.0, 8.0
        for _ in range(20):
            sigma = (low + high) / 2
            at_kink = np.isclose(lowest(lam ** (1 / p), sigma, p), lam ** (1 / p))
            low, high = (low, sigma) if at_kink else (sigma, high)
        found[p] = high
    assert np.isclose(found[2], border[lam], rtol=1e-4) and 0.5 < found[1] < 4  # as in the picture
    print(f"λ = {lam}: border {found[1]:.2f} X (MAE), {border[lam]:.2f} X (MSE, k_b = {k_b:.2f})")
# > λ = 0.5: border 1.28 X (MAE), 1.76 X (MSE, k_b = 2.88)
# > λ = 1.0: border 1.99 X (MAE), 2.25 X (MSE, k_b = 2.79)
# > λ = 2.0: border 2.56 X (MAE), 2.74 X (MSE, k_b = 2.63)

# %% [markdown]
# The appendix is right about the minimum if the noise s is above that border, and wrong below it.
# All of this is for x uniform in ±X and noise that is symmetric about 0, as in the appendix.

# %% [markdown]
# ## Is the surface symmetric?
#
# F is, and in it the paper's §4 sees a trap. The error is not symmetric: it is larger at −k. But a
# trap needs no more than a local minimum at −κ. Left of −κ, both Q and F fall on the way to it.
# Right of it Q goes on falling, but F grows, and for κ = 1 it wins at any noise (Exercise 2).

# %%
for sigma in (0.0, 0.5, 4.0):
    assert loss(np.array([-1.001, -1, -0.999]), 1.0, sigma, 2).argmin() == 1
higher = loss(-1, 1.0, 4.0, 2) / loss(1, 1.0, 4.0, 2)
print(f"Lai MSE, λ = 1, s = 4 X: at k = −1 it is {higher:.2f} times as high as at k = 1")
# > Lai MSE, λ = 1, s = 4 X: at k = −1 it is 1.60 times as high as at k = 1

figure, axes = plt.subplots(layout="constrained")
k = np.linspace(-3, 4, 1401)
for sigma, color, style in ((1.5, BLUE, "--"), (border[1.0], BLACK, "-"), (4.0, RED, ":")):
    curve = loss(k, 1.0, sigma, 2) / loss(1.0, 1.0, sigma, 2)
    axes.plot(k, curve, style, color=color, label=f"s = {sigma:.2f} X")
axes.set(xlabel="slope k", ylabel="Lai MSE as a multiple of that at k = 1", ylim=(0, 4.2))
axes.set_title("λ = 1: the noise decides which minimum is lower; −1 is a trap")
axes.legend()
figure.savefig(OUT / "03_minima.png")
plt.close(figure)
print("picture:", (OUT / "03_minima.png").as_posix())
# > picture: tutorials_out/03_minima.png

# %% [markdown]
# ## Does gradient descent fall into the trap?
#
# k enters the Lai MSE of a line twice, through the prediction y = kx + c and through F:
#
#     ∂L/∂k = F · mean_i 2 e_i x_i + F' · mean_i e_i²        ∂L/∂c = F · mean_i 2 e_i
#
# `Lai` returns the two parts as dy (N,) and dk (N, 1). The plain MSE, quadratic in k and c, has one
# minimum only; the Lai MSE, started at k = −3 with small steps, ends at −1. From which starts on
# it does, tutorial 07 tells.

# %%
t = data[4.0]
for start, end in ((5.0, 1), (-3.0, -1)):
    k, c = start, 1.0
    for step in range(2000):
        e = k * x + c - t  # (N,)
        F, dF = lai_factor(k, 1.0), lai_factor_derivative(k, 1.0)  # one number each
        grad_k, grad_c = F * (2 * e * x).mean() + dF * (e**2).mean(), F * (2 * e).mean()
        if step == 0:
            _, dy, dk = Lai(1.0)(k * x + c, t, np.full((400, 1), k))
            assert np.allclose([grad_k, grad_c], [(dy * x).sum() + dk.sum(), dy.sum()])
        rate = 0.1 * 0.995**step  # ever smaller, or k would go on jumping about the kink
        k, c = k - rate * grad_k, c - rate * grad_c
    assert abs(k - end) < 0.01
    print(f"Lai MSE, λ = 1, noise 4, from k = {start}: ends at k = {k:.2f}, c = {c:.2f}")
# > Lai MSE, λ = 1, noise 4, from k = 5.0: ends at k = 1.00, c = 3.81
# > Lai MSE, λ = 1, noise 4, from k = -3.0: ends at k = -1.00, c = 3.84

# %% [markdown]
# ## Next
#
# A line has one slope, a network another at each point: tutorial 04 computes it; the paper's way
# out of the trap is in tutorial 07. You can now read `Lai.per_feature` in `lai_ref/lai.py`.

# %% [markdown]
# ## Exercise 1: the basin
#
# For a very large λ the appendix finds the minimum of Lai MAE stuck in a "basin" at k slightly
# above 3, and says that Lai MSE overcomes this limit. Find the slope k₊ > 3 of the minimum of Lai
# MSE as a function of σ, from σ² = d (r − d) with d = k − 3 and r below the kink. Is it right?

# %% [markdown]
# ## Exercise 2: where is there a trap?
#
# For Lai MSE, from which noise on is there a minimum at −κ? Show that for κ > 1/3 there is one even
# if all points lie on the line y = 3x + 4. What is special about the slope −1/3 then?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers

# %% [markdown]
# 1. With r = k + 1/k, σ² = (k − 3)(3 + 1/k). Times k, this is a quadratic equation:
#
#     3k₊² − (8 + σ²) k₊ − 3 = 0,    k₊ = (8 + σ² + √((8 + σ²)² + 36))/6
#
# λ is not in it: between 3 and the kink L = Q |cos φ|^p times a constant. Squaring does not
# lift the limit, which is only slightly above 3 if the noise is small.

# %%
for sigma in (0.5, 4.0):
    k_plus = (8 + sigma**2 + np.sqrt((8 + sigma**2) ** 2 + 36)) / 6
    mae, mse = ([lowest(kink, sigma, p) for kink in (20, 100, 1000)] for p in (1, 2))
    assert np.ptp(mae) == np.ptp(mse) == 0 and abs(mse[0] - k_plus) < 0.002
    print(f"λ very large, s = {sigma} X: MAE k = {mae[0]:.2f}, MSE k₊ = {k_plus:.2f}")
# > λ very large, s = 0.5 X: MAE k = 3.11, MSE k₊ = 3.08
# > λ very large, s = 4.0 X: MAE k = 7.57, MSE k₊ = 8.12

# %% [markdown]
# 2. Right of −κ, Q pulls with 2d/(d² + σ²), d = 3 + κ, and F with 2/r, r = (1 + κ²)/κ. F wins if
# σ² > d (r − d) = (3 + κ)(1/κ − 3), which is negative for κ > 1/3. A line of slope −1/3 is at right
# angles to the data's, the farthest from its points. Below the kink, the loss is made of such
# distances, |e| |cos φ|, and falls to both sides of −1/3: from a lower k the descent goes to −κ.

# %%
sigma_min = np.sqrt((3 + 0.2) * (1 / 0.2 - 3))
for sigma, trap in ((sigma_min - 0.01, False), (sigma_min + 0.01, True)):
    assert (loss(-0.2 + np.array([-1e-5, 0, 1e-5]), 0.2, sigma, 2).argmin() == 1) == trap
print(f"κ = 0.2: a minimum at −κ from s = {sigma_min:.2f} X on")
# > κ = 0.2: a minimum at −κ from s = 2.53 X on
k = np.linspace(-3, 0, 3001)  # and without noise, the line that is farthest from the points:
assert abs(k[loss(k, 100.0, 0.0, 2).argmax()] + 1 / 3) < 1e-3
