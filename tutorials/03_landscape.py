# %% [markdown]
# # 03 · Landscape: where the Lai loss of a line has its minimum
#
# - **Question:** Does a line that minimises the Lai loss have the slope λ?
# - **Prerequisites:** Tutorials 01 and 02; what a median is; the roots of a polynomial.
# - **You will learn to** draw the surfaces of the paper's appendix, find the noise level above
#   which their minimum is at the kink (by a formula for Lai MSE, by bisection for Lai MAE), and
#   recognise a spurious minimum, in which gradient descent ends at a slope of the wrong sign.
# - **Minutes:** 60

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, lai_factor, lai_factor_derivative
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, GREY = "#000000", "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## What does the appendix of the paper draw?
#
# Points scatter about the line y = 3x + 4, and a line y = kx + c is fitted to them. The appendix
# draws the Lai MAE of the fitted line over its slope k and its intercept c, for three values of λ.
# It claims that the minimum is exactly at k = λ.
#
# Let x be uniform between −X and X, and u uniform between −1 and 1. The targets are
#
#     t = 3x + 4 + s u
#
# where s is the *noise level*. The paper states neither X nor s. Here X = 1; we will see below that
# only s/X matters. We try a low noise level, s = 0.5, and a high one, s = 4.

# %%
rng = np.random.default_rng(3)
x, u = rng.uniform(-1, 1, (2, 400))  # (N,), (N,)
t_low_noise = 3 * x + 4 + 0.5 * u  # (N,)
t_high_noise = 3 * x + 4 + 4.0 * u  # (N,)
targets = {0.5: t_low_noise, 4.0: t_high_noise}  # by noise level s

# %% [markdown]
# ## What is the Lai loss of a line?
#
# A line has the same slope k at every point. The factor F of tutorial 02 is therefore the same for
# every sample, and can be taken out of the mean:
#
#     L(k, c) = mean_i |e_i|^p F_p(k; λ) = F_p(k; λ) · mean_i |e_i|^p      e_i = k x_i + c − t_i
#
# For p = 1 this is Lai MAE, for p = 2 Lai MSE. The appendix uses p = 1.


# %%
def mean_abs_error(k, c, t):
    """mean_i |e_i| of the line y = kx + c."""
    e = k * x + c - t  # (N,)
    return np.abs(e).mean()


def lai_mae(k, c, lam, t):
    """The Lai MAE of the line y = kx + c."""
    return lai_factor(k, lam, order=1) * mean_abs_error(k, c, t)


mae_low_noise = lai_mae(1.5, 4.0, 2.0, t_low_noise)
mae_high_noise = lai_mae(1.5, 4.0, 2.0, t_high_noise)
print(f"y = 1.5 x + 4, λ = 2: Lai MAE {mae_low_noise:.3f} (s = 0.5), {mae_high_noise:.3f} (s = 4)")
# > y = 1.5 x + 4, λ = 2: Lai MAE 0.825 (s = 0.5), 2.318 (s = 4)

# Check
slopes_ref = np.full((400, 1), 1.5)  # (N, 1), the same for each sample
mae_ref, _, _ = Lai(lam=2.0, order=1)(1.5 * x + 4, t_low_noise, slopes_ref)
assert np.isclose(mae_low_noise, mae_ref)

# %% [markdown]
# ## Where is the lowest point?
#
# For a fixed k the factor is a constant, so the best c is that of the plain MAE. It is the median
# of t − kx, since the median of some numbers is a point with the smallest mean distance from them.


# %%
def best_intercept(k, t):
    """The c that minimises the mean absolute error, and so the Lai MAE, for a given k."""
    return np.median(t - k * x)


# Check
for k_tried in (-2.0, 1.0, 3.0):  # no intercept nearby is better
    c_best = best_intercept(k_tried, t_high_noise)
    smallest = mean_abs_error(k_tried, c_best, t_high_noise)
    assert mean_abs_error(k_tried, c_best - 0.1, t_high_noise) > smallest
    assert mean_abs_error(k_tried, c_best + 0.1, t_high_noise) > smallest

# %% [markdown]
# What remains is a search over k. Its grid contains the kinks for λ = 0.5, 1 and 2. These are the
# values of λ in the appendix (where it once prints 1.5, it means 0.5).

# %%
slope_grid = np.linspace(-4, 7, 1101)  # (K,), in steps of 0.01


def lowest_point(lam, t):
    """Slope and intercept with the smallest Lai MAE."""
    intercepts = np.array([best_intercept(k, t) for k in slope_grid])  # (K,)
    lines = zip(slope_grid, intercepts, strict=True)
    losses = np.array([lai_mae(k, c, lam, t) for k, c in lines])  # (K,)
    i = losses.argmin()
    return slope_grid[i], intercepts[i]


lams = (0.5, 1.0, 2.0)
minima = {}  # by noise level and λ
for s, t in targets.items():
    for lam in lams:
        k_min, c_min = lowest_point(lam, t)
        minima[s, lam] = (k_min, c_min)
        print(f"s = {s}, λ = {lam}: minimum at k = {k_min:.2f}, c = {c_min:.2f}")
# > s = 0.5, λ = 0.5: minimum at k = 2.96, c = 3.97
# > s = 0.5, λ = 1.0: minimum at k = 2.96, c = 3.97
# > s = 0.5, λ = 2.0: minimum at k = 2.96, c = 3.97
# > s = 4.0, λ = 0.5: minimum at k = 0.50, c = 3.93
# > s = 4.0, λ = 1.0: minimum at k = 1.00, c = 3.80
# > s = 4.0, λ = 2.0: minimum at k = 2.00, c = 3.65

# Check
for lam in lams:
    assert minima[0.5, lam] == minima[0.5, 1.0]
    assert abs(minima[0.5, lam][0] - 3) < 0.1
    assert np.isclose(minima[4.0, lam][0], lam)

# %% [markdown]
# There are two answers. With high noise the minimum is exactly at k = λ, as the appendix says. With
# low noise it is near the slope of the data, k = 3, and λ does not move it at all. The reason:
# above the kink F = |sin φ|^p / min(λ, 1), so λ only multiplies the loss by a constant.

# %% [markdown]
# ## Drawing the surfaces
#
# The mean absolute error does not depend on λ. We compute it once per noise level, on a coarser
# grid of k and c. There is a second valley at k = −λ. It is the subject of the section "Is the
# surface symmetric?".

# %%
k_axis = np.linspace(-4, 7, 111)  # (111,)
c_axis = np.linspace(0, 8, 41)  # (41,)
error_maps = {}  # by noise level: mean absolute errors (41, 111)
for s, t in targets.items():
    error_maps[s] = np.array([[mean_abs_error(k, c, t) for k in k_axis] for c in c_axis])

# %%
figure, panels = plt.subplots(2, 3, figsize=(11, 6), sharex=True, sharey=True, layout="constrained")
for row, s in zip(panels, targets, strict=True):
    for axes, lam in zip(row, lams, strict=True):
        loss_map = lai_factor(k_axis, lam, order=1) * error_maps[s]  # (41, 111)
        k_min, c_min = minima[s, lam]
        axes.contourf(k_axis, c_axis, loss_map, 24, cmap="cividis")
        axes.axvline(lam, color=RED, linestyle="--", label="kink, k = λ")
        axes.plot(k_min, c_min, "*", color=RED, markersize=14, label="minimum")
        axes.plot(3, 4, "o", color="white", markeredgecolor=BLACK, label="line without noise")
        axes.set_title(f"s = {s:g}, λ = {lam:g}: minimum at k = {k_min:.2f}")
figure.supxlabel("slope k (units of y per unit of x)")
figure.supylabel("intercept c (units of y)")
handles, labels = panels[0, 0].get_legend_handles_labels()
title = "Lai MAE of a line (the darker, the lower; each panel has its own scale)"
figure.legend(handles, labels, title=title, loc="outside upper center", ncols=3)
figure.savefig(OUT / "03_surface.png")
print("picture:", (OUT / "03_surface.png").as_posix())
# > picture: tutorials_out/03_surface.png

# %% [markdown]
# ## How large is a squared residual in expectation?
#
# At which noise level does the answer change? To derive it, we replace the mean over the samples by
# the expectation E, its limit for infinitely many samples. The data are symmetric about the point
# (0, 4), so the best intercept is then c = 4, and
#
#     e = kx + 4 − (3x + 4 + s u) = (k − 3) x − s u.
#
# The two terms are independent and have mean 0. A number that is uniform between −w and w has the
# mean square w²/3. Therefore
#
#     E e² = (k − 3)² E x² + s² E u²
#          = (k − 3)² X²/3 + s²/3
#          = X² (d² + σ²)/3               d = |k − 3|,  σ = s/X
#
# The range X only scales the loss. What matters is σ, the noise level relative to X.


# %%
def expected_square(d, sigma):
    """E e² / X²."""
    return (d**2 + sigma**2) / 3


for sigma in (0.5, 4.0):
    print(f"k = 1, σ = {sigma}: E e² = {expected_square(2, sigma):.3f} X²")
# > k = 1, σ = 0.5: E e² = 1.417 X²
# > k = 1, σ = 4.0: E e² = 6.667 X²

# Check
even = (np.arange(400) + 0.5) / 200 - 1  # (400,), values of x and of u, for X = 1
for sigma in (0.5, 4.0):
    e_pairs = (1 - 3) * even[:, None] - sigma * even  # (400, 400), every x with every u
    assert np.isclose((e_pairs**2).mean(), expected_square(2, sigma), rtol=1e-4)

# %% [markdown]
# ## How large is an absolute residual in expectation?
#
# Divide e by X. The first of its terms is then uniform between −d and d, the second between −σ and
# σ. Let m be the larger and n the smaller of d and σ. Let a be the term that is uniform between −m
# and m, and b the one between −n and n. Then e/X = a + b.
#
# First average over b, for a given a. If |a| ≥ n, the sum a + b never changes its sign, and the
# mean of |a + b| is |a|. If |a| < n, the sum runs from a − n < 0 to a + n > 0. Then the area under
# |a + b| consists of two triangles, and the mean is that area divided by the width 2n:
#
#     mean over b of |a + b| = [(n + a)²/2 + (n − a)²/2] / (2n)
#                            = (a² + n²)/(2n)
#
# Then average over a. The result is the same for a and −a, so positive a suffice:
#
#     E|e|/X = (1/m) [∫₀ⁿ (a² + n²)/(2n) da + ∫ₙᵐ a da]
#            = (1/m) [2n²/3 + (m² − n²)/2]
#            = m/2 + n²/(6m)


# %%
def expected_abs(d, sigma):
    """E|e| / X."""
    m = np.maximum(d, sigma)
    n = np.minimum(d, sigma)
    return m / 2 + n**2 / (6 * m)


for sigma in (0.5, 4.0):
    print(f"k = 1, σ = {sigma}: E|e| = {expected_abs(2, sigma):.3f} X")
# > k = 1, σ = 0.5: E|e| = 1.021 X
# > k = 1, σ = 4.0: E|e| = 2.167 X

# Check
for sigma in (0.5, 4.0):
    e_pairs = (1 - 3) * even[:, None] - sigma * even  # (400, 400), every x with every u
    assert np.isclose(np.abs(e_pairs).mean(), expected_abs(2, sigma), rtol=1e-4)

# %% [markdown]
# ## A loss of one variable
#
# The kink of F is at the slope κ = λ^(1/p) (tutorial 02): at λ for MAE, at √λ for MSE. From here on
# we describe the loss by κ instead of λ. In units of X^p it is
#
#     L(k) = Q(k) F(k)      Q(k) = E|e|^p / X^p,  F(k) = F_p(k; κ^p)


# %%
def loss(k, kink, sigma, p):
    """L(k), for the λ whose kink is at the slope `kink`."""
    d = np.abs(k - 3)
    Q = expected_abs(d, sigma) if p == 1 else expected_square(d, sigma)
    return Q * lai_factor(k, kink**p, order=p)


# Check
for s, t in targets.items():  # the loss of the 400 samples is close to its expectation
    assert np.isclose(lai_mae(1.0, 4.0, 2.0, t), loss(1.0, 2.0, s, 1), rtol=0.05)

# %% [markdown]
# ## Where do Q and F rise and fall?
#
# The derivative of log L = log Q + log F is
#
#     L'/L = Q'/Q + F'/F
#
# L is positive, so L' has the sign of the sum of the two *relative derivatives* Q'/Q and F'/F. For
# k > 0:
#
# - F falls from 0 to κ and rises from there (tutorial 02).
# - Q falls from 0 to 3 and rises from there.
#
# For k below both κ and 3, F and Q both fall; for k above both, they both rise. So for k > 0 the
# lowest point lies between κ and 3, or at one of them. Between them one function falls and the
# other rises. To compare them we need F'/F. Below the kink F is a constant times (1 + k²)^(−p/2),
# above it a constant times k^p (1 + k²)^(−p/2):
#
#     F'/F = −p k/(1 + k²)                              0 < k < κ
#     F'/F = p/k − p k/(1 + k²) = p/(k (1 + k²))        k > κ


# %%
def relative_derivative(k, kink, p):
    """F'/F for k > 0, not at the kink."""
    if k < kink:
        return -p * k / (1 + k**2)
    return p / (k * (1 + k**2))


for k_tried in (0.5, 2.0):
    rate_mae = relative_derivative(k_tried, 1.0, 1)
    rate_mse = relative_derivative(k_tried, 1.0, 2)
    print(f"κ = 1, k = {k_tried}: F'/F = {rate_mae:.2f} for MAE, {rate_mse:.2f} for MSE")
# > κ = 1, k = 0.5: F'/F = -0.40 for MAE, -0.80 for MSE
# > κ = 1, k = 2.0: F'/F = 0.10 for MAE, 0.20 for MSE

# Check
for p in (1, 2):
    for k_tried in (0.5, 2.0):
        F_tried = lai_factor(k_tried, 1.0, order=p)
        dF_tried = lai_factor_derivative(k_tried, 1.0, order=p)
        assert np.isclose(relative_derivative(k_tried, 1.0, p), dF_tried / F_tried)

# %% [markdown]
# ## At which noise level do they cancel?
#
# Take MSE and a slope k between κ and 3, so that d = 3 − k. There F rises and Q = (d² + σ²)/3
# falls:
#
#     F'/F = 2/(k (1 + k²))
#     Q'/Q = −2d/(d² + σ²)
#
# L' is positive if the first is larger in magnitude:
#
#     2/(k (1 + k²)) > 2d/(d² + σ²)
#     d² + σ² > d k (1 + k²)
#     σ² > d (k + k³ − d) = (3 − k)(k³ + 2k − 3)
#
# Call the right-hand side τ²(k). At the slope k, then,
#
#     L'(k) > 0  if σ² > τ²(k)         F rises faster than Q falls
#     L'(k) < 0  if σ² < τ²(k)         Q falls faster than F rises
#
# Where τ²(k) is positive, its root τ(k) is the noise level at which L' is 0 at the slope k. τ does
# not depend on κ.


# %%
def tau_squared(k):
    """τ²(k): L' = 0 at the slope k, κ < k < 3, if σ² = τ²(k)."""
    return (3 - k) * (k**3 + 2 * k - 3)


for k_tried in (1.5, 2.0, 2.5):
    print(f"τ({k_tried}) = {np.sqrt(tau_squared(k_tried)):.3f}")
# > τ(1.5) = 2.250
# > τ(2.0) = 3.000
# > τ(2.5) = 2.969


# Check
def rise(k, sigma):  # has the sign of L', for κ = 1
    return loss(k + 1e-6, 1.0, sigma, 2) - loss(k - 1e-6, 1.0, sigma, 2)


for k_tried in (1.5, 2.0, 2.5):
    tau = np.sqrt(tau_squared(k_tried))
    assert rise(k_tried, 1.01 * tau) > 0
    assert rise(k_tried, 0.99 * tau) < 0

# %% [markdown]
# ## Is the kink a local minimum?
#
# Let κ < 3. Just left of κ, both Q and F fall. Just right of κ, L' has the sign of σ² − τ²(κ). So
# the kink is a local minimum if
#
#     σ² > τ²(κ)
#
# and it is none if σ² < τ²(κ). For κ ≤ 1, τ²(κ) ≤ 0: then the kink is a local minimum at every
# noise level σ > 0.


# %%
def is_local_minimum(k, kink, sigma):
    """Compare L at k with L at two slopes nearby, for MSE."""
    here = loss(k, kink, sigma, 2)
    left = loss(k - 1e-5, kink, sigma, 2)
    right = loss(k + 1e-5, kink, sigma, 2)
    return here < min(left, right)


for sigma in (2.9, 3.1):
    print(f"κ = 2, σ = {sigma}: local minimum at the kink: {is_local_minimum(2.0, 2.0, sigma)}")
# > κ = 2, σ = 2.9: local minimum at the kink: False
# > κ = 2, σ = 3.1: local minimum at the kink: True

# Check
assert tau_squared(2.0) == 3**2
assert not is_local_minimum(2.0, 2.0, 2.9)
assert is_local_minimum(2.0, 2.0, 3.1)
assert tau_squared(1.0) == 0
assert is_local_minimum(1.0, 1.0, 0.1)

# %% [markdown]
# ## Two minima: which is lower?
#
# A local minimum at the kink need not be the lowest point, the global minimum. Let σ = 2 and κ = 1.
# Between the kink and 3, L' has the sign of σ² − τ²(k). Multiply τ² out and differentiate it:
#
#     τ²(k) = −k⁴ + 3k³ − 2k² + 9k − 9
#     dτ²/dk = −4k³ + 9k² − 4k + 9 = (9 − 4k)(k² + 1)
#
# So τ rises from 0 at k = 1 to its maximum at k = 9/4, and falls to 0 at k = 3. It equals σ = 2
# twice. Where τ rises through 2, L' changes from + to −: L has a local maximum. Where τ falls
# through 2, L' changes from − to +: L has a *second minimum*. We look for both on fine grids.

# %%
way_up = np.linspace(1, 9 / 4, 5001)  # (5001,)
way_down = np.linspace(9 / 4, 3, 5001)  # (5001,)
k_maximum = way_up[loss(way_up, 1.0, 2.0, 2).argmax()]
k_second = way_down[loss(way_down, 1.0, 2.0, 2).argmin()]
L_kink = loss(1.0, 1.0, 2.0, 2)
L_maximum = loss(k_maximum, 1.0, 2.0, 2)
L_second = loss(k_second, 1.0, 2.0, 2)
print(f"kink:           k = 1.00, L = {L_kink:.3f} X²")
print(f"maximum:        k = {k_maximum:.2f}, L = {L_maximum:.3f} X²")
print(f"second minimum: k = {k_second:.2f}, L = {L_second:.3f} X²")
# > kink:           k = 1.00, L = 1.333 X²
# > maximum:        k = 1.39, L = 1.448 X²
# > second minimum: k = 2.84, L = 1.194 X²

# Check
tau_squared_polynomial = np.polymul([-1, 3], [1, 0, 2, -3])  # (5,), (3 − k)(k³ + 2k − 3)
assert tau_squared_polynomial.tolist() == [-1, 3, -2, 9, -9]
assert np.polyder(tau_squared_polynomial).tolist() == np.polymul([-4, 9], [1, 0, 1]).tolist()
assert np.isclose(tau_squared(k_maximum), 2.0**2, atol=0.01)
assert np.isclose(tau_squared(k_second), 2.0**2, atol=0.01)

# %%
figure, (upper, lower) = plt.subplots(2, 1, figsize=(6.4, 6), sharex=True, layout="constrained")
k_shown = np.linspace(0.6, 3.6, 601)  # (601,)
upper.plot(k_shown, loss(k_shown, 1.0, 2.0, 2), color=BLACK)
upper.plot(1.0, L_kink, "o", color=RED, label="kink, a local minimum")
upper.plot(k_maximum, L_maximum, "^", color=GREY, label="local maximum")
upper.plot(k_second, L_second, "s", color=BLUE, label="second minimum")
upper.set(ylabel="L(k) (units of X²)", title="Lai MSE for κ = 1, σ = 2: two minima …")
upper.legend()
k_above = np.linspace(1, 3, 401)  # (401,)
lower.plot(k_above, np.sqrt(tau_squared(k_above)), color=BLACK, label="τ(k)")
lower.axhline(2.0, color=GREY, linestyle="--", label="σ = 2")
lower.plot(k_maximum, 2.0, "^", color=GREY)
lower.plot(k_second, 2.0, "s", color=BLUE)
lower.set(xlabel="slope k (units of y per unit of x)", ylabel="noise level σ = s/X")
lower.set_title("… since τ equals σ twice")
lower.legend()
figure.savefig(OUT / "03_two_minima.png")
print("picture:", (OUT / "03_two_minima.png").as_posix())
# > picture: tutorials_out/03_two_minima.png

# %% [markdown]
# Here the second minimum is lower. With more noise Q becomes flatter: for each k between κ and 3,
# the ratio Q(k)/Q(κ) increases with σ. So L there rises relative to L at the kink. At some noise
# level the kink and the second minimum are equally low. This is the *critical noise level*. Above
# it the kink is the lowest point for k > 0. As a function of λ, the critical noise level is the
# *phase boundary* between the two answers.
#
# For a kink between 9/4 and 3, τ only falls to the right of it. Then L has one minimum for k > 0,
# and the critical noise level is τ(κ). The next section is about κ < 9/4.

# %% [markdown]
# ## When are the two minima equally low?
#
# Above the kink, L is a constant times
#
#     g(k) = ((k − 3)² + σ²) k²/(1 + k²).
#
# Let k_b be the slope at the second minimum. At the critical noise level g has the same value at κ
# and at k_b. Let v be that value. Then κ and k_b are roots of (1 + k²)(g(k) − v), which is a
# polynomial:
#
#     k² ((k − 3)² + σ²) − v (1 + k²) = 0
#     k⁴ − 6k³ + (9 + σ² − v) k² + 0·k − v = 0
#
# At k_b the derivative of g is 0 as well, since L' = 0 there. So k_b is a double root. The four
# roots are κ, κ', k_b, k_b, where κ' is unknown. The coefficients of a polynomial follow from its
# roots. The coefficient of k³ is minus the sum of the roots. The coefficient of k is minus the sum
# of all products of three roots:
#
#     κ + κ' + 2k_b = 6
#     2κκ'k_b + (κ + κ') k_b² = 0
#
# Let δ = 3 − k_b, which is d at k_b. The first equation gives
#
#     κ + κ' = 6 − 2k_b = 2δ
#
# The second, divided by 2k_b, gives
#
#     κκ' = −(κ + κ') k_b/2 = −δ k_b = −δ(3 − δ)
#
# Put κ' = 2δ − κ into that, and solve the quadratic equation for κ > 0:
#
#     κ(2δ − κ) = −δ(3 − δ)
#     κ² − 2δκ − δ(3 − δ) = 0
#     κ = δ + √(δ² + δ(3 − δ))
#     κ = δ + √(3δ)
#
# This is a quadratic equation for √δ. Its positive root gives k_b:
#
#     √δ = (√(3 + 4κ) − √3)/2
#     k_b = 3 − δ
#
# Since L' = 0 at k_b, the critical noise level is τ(k_b).


# %%
def second_minimum(kink):
    """k_b of Lai MSE at the critical noise level, for κ < 9/4."""
    root_of_delta = (np.sqrt(3 + 4 * kink) - np.sqrt(3)) / 2
    return 3 - root_of_delta**2


def critical_noise_mse(kink):
    """σ at which both minima of Lai MSE are equally low, for κ < 9/4."""
    return np.sqrt(tau_squared(second_minimum(kink)))


k_b = second_minimum(1.0)
sigma_critical = critical_noise_mse(1.0)
print(f"Lai MSE, κ = 1: critical noise level σ = {sigma_critical:.2f}, k_b = {k_b:.2f}")
# > Lai MSE, κ = 1: critical noise level σ = 2.25, k_b = 2.79

# Check
assert np.isclose(loss(k_b, 1.0, sigma_critical, 2), loss(1.0, 1.0, sigma_critical, 2))
v = ((1 - 3) ** 2 + sigma_critical**2) / 2  # the value at κ = 1
kappa_prime = 6 - 1 - 2 * k_b
quartic = np.poly([1, kappa_prime, k_b, k_b])  # (5,), the coefficients
assert np.allclose(quartic, [1, -6, 9 + sigma_critical**2 - v, 0, -v])

# %% [markdown]
# ## The phase boundary, by bisection
#
# For MAE there is no short solution, but *bisection* finds the critical noise level for both. It
# starts with an interval of noise levels. At its lower end the lowest point is not at the kink; at
# its upper end it is. Each pass searches for the lowest point at the middle of the interval, and
# keeps the half in which the answer changes. After 20 passes the interval is a millionth as wide.


# %%
def lowest_slope(kink, sigma, p):
    """The slope k > 0 at which L is smallest, on a grid that contains the kink."""
    grid = np.append(np.linspace(0.002, 12, 6000), kink)  # (6001,)
    return grid[loss(grid, kink, sigma, p).argmin()]


def critical_noise(kink, p):
    """The noise level σ above which L is smallest at the kink."""
    low = 0.0
    high = 8.0
    for _ in range(20):
        middle = (low + high) / 2
        if np.isclose(lowest_slope(kink, middle, p), kink):
            high = middle
        else:
            low = middle
    return high


phase_boundary = {}  # by p and λ
for lam in lams:
    for p in (1, 2):
        phase_boundary[p, lam] = critical_noise(lam ** (1 / p), p)
    mae_level = phase_boundary[1, lam]
    mse_level = phase_boundary[2, lam]
    print(f"λ = {lam}: critical noise level s = {mae_level:.2f} X (MAE), {mse_level:.2f} X (MSE)")
# > λ = 0.5: critical noise level s = 1.28 X (MAE), 1.76 X (MSE)
# > λ = 1.0: critical noise level s = 1.99 X (MAE), 2.25 X (MSE)
# > λ = 2.0: critical noise level s = 2.56 X (MAE), 2.74 X (MSE)

# Check
for lam in lams:
    assert np.isclose(phase_boundary[2, lam], critical_noise_mse(np.sqrt(lam)), rtol=1e-4)
    assert 0.5 < phase_boundary[1, lam] < 4  # between the noise levels of the surfaces
assert np.isclose(critical_noise(2.5, 2), np.sqrt(tau_squared(2.5)), rtol=1e-3)

# %% [markdown]
# That answers our question. Above the phase boundary the line that minimises the Lai loss has the
# slope κ: λ for MAE, as the appendix says, and √λ for MSE. Below it the slope is larger, and near
# that of the data if the noise is low; there the appendix is wrong. All this holds for κ < 3, for x
# uniform between −X and X, and for noise u uniform between −1 and 1.

# %% [markdown]
# ## Is the surface symmetric?
#
# So far k was positive. F has the same value at k and −k, and §4 of the paper warns of a trap
# because of this. The expected error Q is not symmetric: for k > 0 it is larger at −k than at k. So
# L(−k) > L(k), and −κ cannot be the lowest point.
#
# Yet −κ can be a *spurious minimum*: a local minimum that is higher than the lowest point. (For σ =
# 2 and κ = 1, the kink itself was a spurious minimum.) Gradient descent that arrives there stays
# there, although a better line exists. We call the spurious minimum at −κ *the trap*. When is there
# one?
#
# Let k increase. Left of −κ, both Q and F fall. Right of −κ, Q still falls, but F rises. Which is
# faster? At −κ, d = 3 + κ. Since F is symmetric, F'/F just right of −κ is minus its value just left
# of κ. For MSE,
#
#     F'/F = 2κ/(1 + κ²)
#     Q'/Q = −2(3 + κ)/((3 + κ)² + σ²)
#
# For κ = 1 the first is 1, and the second is −8/(16 + σ²), at most ½ in magnitude. So L rises, and
# there is a trap at every noise level. Exercise 2 is about other κ.

# %%
ratio = loss(-1.0, 1.0, 4.0, 2) / loss(1.0, 1.0, 4.0, 2)
print(f"Lai MSE, λ = 1, s = 4 X: at k = −1 the loss is {ratio:.2f} times that at k = 1")
# > Lai MSE, λ = 1, s = 4 X: at k = −1 the loss is 1.60 times that at k = 1

# Check
for sigma in (0.0, 0.5, 4.0):
    assert is_local_minimum(-1.0, 1.0, sigma)
    assert loss(1.0, 1.0, sigma, 2) < loss(-1.0, 1.0, sigma, 2)

# %% [markdown]
# The picture shows the Lai MSE for λ = 1 below, at and above the critical noise level. Each curve
# is divided by its value at the kink.

# %%
figure, axes = plt.subplots(layout="constrained")
k_all = np.linspace(-3, 4, 1401)  # (1401,)
curves = ((1.5, BLUE, "--"), (sigma_critical, BLACK, "-"), (4.0, RED, ":"))
for sigma, color, style in curves:
    relative_loss = loss(k_all, 1.0, sigma, 2) / loss(1.0, 1.0, sigma, 2)
    axes.plot(k_all, relative_loss, style, color=color, label=f"s = {sigma:.2f} X")
axes.set(xlabel="slope k (units of y per unit of x)", ylim=(0, 4.2))
axes.set_ylabel("Lai MSE as a multiple of that at k = 1 (no unit)")
axes.set_title("λ = 1: the noise decides which minimum is lower; k = −1 is the trap")
axes.legend()
figure.savefig(OUT / "03_minima.png")
print("picture:", (OUT / "03_minima.png").as_posix())
# > picture: tutorials_out/03_minima.png

# %% [markdown]
# ## The gradient of the Lai MSE of a line
#
# Does gradient descent fall into the trap? We return to the 400 samples with high noise. The slope
# k enters the Lai MSE twice: through the prediction y = kx + c and through F. The intercept c
# enters only through y. With the product rule,
#
#     ∂L/∂k = F · mean_i 2 e_i x_i + F' · mean_i e_i²
#     ∂L/∂c = F · mean_i 2 e_i


# %%
def gradient(k, c, lam, t):
    """∂L/∂k and ∂L/∂c of the Lai MSE of the line y = kx + c."""
    e = k * x + c - t  # (N,)
    F = lai_factor(k, lam, order=2)
    dF = lai_factor_derivative(k, lam, order=2)
    grad_k = F * (2 * e * x).mean() + dF * (e**2).mean()
    grad_c = F * (2 * e).mean()
    return grad_k, grad_c


# %% [markdown]
# `Lai` returns the two contributions separately: dy (N,), the derivatives with respect to the
# predictions y_i, and dk (N, 1), those with respect to the slopes, one per sample. The line gives
# y_i = k x_i + c, and each sample has the slope k. By the chain rule, ∂L/∂k is the sum of dy_i x_i
# and dk_i over the samples, and ∂L/∂c the sum of dy_i.

# %%
slope_of_each = np.full((400, 1), -3.0)  # (N, 1)
_, dy, dk = Lai(lam=1.0, order=2)(-3.0 * x + 1.0, t_high_noise, slope_of_each)
grad_k_from_lai = (dy * x).sum() + dk.sum()
grad_c_from_lai = dy.sum()
print(f"at k = −3, c = 1: ∂L/∂k = {grad_k_from_lai:.3f}, ∂L/∂c = {grad_c_from_lai:.3f}")
# > at k = −3, c = 1: ∂L/∂k = -4.776, ∂L/∂c = -5.157

# Check
grad_k_of_line, grad_c_of_line = gradient(-3.0, 1.0, 1.0, t_high_noise)
assert np.isclose(grad_k_of_line, grad_k_from_lai)
assert np.isclose(grad_c_of_line, grad_c_from_lai)

# %% [markdown]
# ## Does gradient descent fall into the trap?
#
# Two descents with λ = 1 start at k = 5 and at k = −3. At the kink F' jumps, so with a constant
# learning rate k would keep jumping from one side of it to the other. The learning rate therefore
# decreases from step to step.

# %%
slope_after = {}  # by the slope at the start
for start in (5.0, -3.0):
    k = start
    c = 1.0
    for step in range(2000):
        grad_k, grad_c = gradient(k, c, 1.0, t_high_noise)
        learning_rate = 0.1 * 0.995**step
        k = k - learning_rate * grad_k
        c = c - learning_rate * grad_c
    slope_after[start] = k
    print(f"Lai MSE, λ = 1, s = 4, from k = {start}: ends at k = {k:.2f}, c = {c:.2f}")
# > Lai MSE, λ = 1, s = 4, from k = 5.0: ends at k = 1.00, c = 3.81
# > Lai MSE, λ = 1, s = 4, from k = -3.0: ends at k = -1.00, c = 3.84

# Check
assert abs(slope_after[5.0] - 1) < 0.01
assert abs(slope_after[-3.0] + 1) < 0.01

# %% [markdown]
# The second descent ends in the trap: its line has the wrong sign. The plain MSE has no spurious
# minimum, because it is a quadratic function of k and c with one minimum. Tutorial 07 derives which
# starting points lead into the trap.

# %% [markdown]
# ## Next
#
# A line has one slope; the slope of a network differs from point to point. Tutorial 04 computes it,
# and tutorial 07 examines how the paper avoids the trap. You can now read `Lai.per_feature` in
# `lai_ref/lai.py`.
#
# **Beyond this paper.** Whether a non-convex loss has spurious minima is studied for many problems.
# One example is the completion of a low-rank positive semidefinite matrix: its usual loss has none,
# with high probability (Ge, Lee and Ma, "Matrix completion has no spurious local minimum", NeurIPS
# 2016).

# %% [markdown]
# ## Exercise 1: the basin
#
# For a very large λ the appendix finds the minimum of Lai MAE stuck in a "basin" at k slightly
# above 3, and claims that Lai MSE overcomes this limit. Find the slope k₊ > 3 of the minimum of Lai
# MSE as a function of σ. Between 3 and the kink Q rises and F falls; at k₊ their relative
# derivatives cancel. Is the appendix right?

# %% [markdown]
# ## Exercise 2: where is there a trap?
#
# For Lai MSE, above which noise level is there a trap at −κ? Show that for κ > 1/3 there is one
# even if all points lie on the line y = 3x + 4. What is special about the slope −1/3 in that case?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** With d = k − 3, and F'/F below the kink, the relative derivatives cancel if
#
#     2d/(d² + σ²) = 2k/(1 + k²)
#     σ² = d ((1 + k²)/k − d)
#     σ² = (k − 3)(k + 1/k − k + 3) = (k − 3)(3 + 1/k)
#
# Times k, this is a quadratic equation:
#
#     3k₊² − (8 + σ²) k₊ − 3 = 0
#     k₊ = (8 + σ² + √((8 + σ²)² + 36))/6
#
# λ does not occur in it: below the kink λ only multiplies the loss by a constant. The same holds
# for Lai MAE. So on this point the appendix is wrong: a larger λ does not move the minimum of Lai
# MSE either. And the basin is slightly above 3 only if the noise is low.


# %%
def basin_mse(sigma):
    """k₊ of Lai MSE."""
    return (8 + sigma**2 + np.sqrt((8 + sigma**2) ** 2 + 36)) / 6


for sigma in (0.5, 4.0):
    k_mae = lowest_slope(1000.0, sigma, 1)
    print(f"λ very large, s = {sigma} X: MAE k = {k_mae:.2f}, MSE k₊ = {basin_mse(sigma):.2f}")
# > λ very large, s = 0.5 X: MAE k = 3.11, MSE k₊ = 3.08
# > λ very large, s = 4.0 X: MAE k = 7.57, MSE k₊ = 8.12

# Check
for sigma in (0.5, 4.0):
    for large_kink in (20.0, 100.0, 1000.0):
        assert lowest_slope(large_kink, sigma, 1) == lowest_slope(1000.0, sigma, 1)
        assert abs(lowest_slope(large_kink, sigma, 2) - basin_mse(sigma)) < 0.002

# %% [markdown]
# **Exercise 2.** L rises just right of −κ if F'/F there is larger than Q'/Q in magnitude:
#
#     2κ/(1 + κ²) > 2(3 + κ)/((3 + κ)² + σ²)
#     (3 + κ)² + σ² > (3 + κ)(1 + κ²)/κ
#     σ² > (3 + κ)(1/κ + κ − 3 − κ) = (3 + κ)(1/κ − 3)
#
# The right-hand side is negative for κ > 1/3. Then there is a trap without any noise.
#
# A line of slope −1/3 is perpendicular to the line y = 3x + 4. Between the kinks |k| < κ, and the
# Lai MSE is a constant times the mean square of |e| |cos φ|. By tutorial 01 this is the distance of
# a point from the fitted line. Without noise the mean square is largest if the two lines are
# perpendicular. So for κ > 1/3 a descent in small steps with c = 4 that starts below −1/3 ends at
# −κ.

# %%
sigma_trap = np.sqrt((3 + 0.2) * (1 / 0.2 - 3))
print(f"κ = 0.2: a trap for s > {sigma_trap:.2f} X")
# > κ = 0.2: a trap for s > 2.53 X

# Check
assert not is_local_minimum(-0.2, 0.2, sigma_trap - 0.01)
assert is_local_minimum(-0.2, 0.2, sigma_trap + 0.01)
assert is_local_minimum(-0.4, 0.4, 0.0)  # κ > 1/3
k_negative = np.linspace(-3, 0, 3001)  # (3001,)
k_farthest = k_negative[loss(k_negative, 100.0, 0.0, 2).argmax()]  # without noise
assert abs(k_farthest + 1 / 3) < 1e-3
