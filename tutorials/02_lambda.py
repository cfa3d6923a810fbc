# %% [markdown]
# # 02 · Lambda: which slope the loss prefers, and how strongly
#
# - **Question:** How does one number set the preferred slope, and how does the loss act on k?
# - **Prerequisites:** Tutorial 01, the chain rule, complex numbers.
# - **You will learn to** find the kink for MAE and for MSE, differentiate the factor on both sides
#   of it, check the result in two independent ways, and choose a subgradient at the kink.
# - **Minutes:** 35

# %%
from fractions import Fraction
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import lai_factor, lai_factor_derivative, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, GREY = "#000000", "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## Which slope does λ set?
#
# The loss of tutorial 01, |e| · max(|sin φ|, |cos φ|), prefers the slopes k = ±1. To prefer
# others, multiply the cosine by a weight λ > 0. By the formulas of tutorial 01 for sine and
# cosine,
#
#     max(|sin φ|, λ |cos φ|) = max(|k|, λ) / √(1 + k²).
#
# As |k| grows, |sin φ| increases and λ |cos φ| decreases. The larger of the two is smallest where
# they are equal, at |k| = λ. There the maximum changes from one expression, or *branch*, to the
# other, and its graph has a corner. This point is the *kink*.
#
# For MSE the paper prints max(k², λ) / (1 + k²). The branches are equal at k² = λ, so the kink is
# at |k| = √λ. With p = 1 for MAE and p = 2 for MSE, one formula holds for both:
#
#     max(|k|^p, λ) / (1 + k²)^(p/2),      kink at |k| = λ^(1/p).
#
# A search over a grid of slopes finds the minimum at the kink.

# %%
grid = np.arange(1, 4001) / 1000  # (K,), slopes


def slope_of_minimum(lam, p):
    values = np.maximum(grid**p, lam) / (1 + grid**2) ** (p / 2)  # (K,)
    return grid[values.argmin()]


for p, lam in ((1, 0.5), (1, 2.0), (2, 0.25), (2, 4.0)):
    print(f"p = {p}, λ = {lam:.2f}: smallest at |k| = {slope_of_minimum(lam, p):.4f}")
# > p = 1, λ = 0.50: smallest at |k| = 0.5000
# > p = 1, λ = 2.00: smallest at |k| = 2.0000
# > p = 2, λ = 0.25: smallest at |k| = 0.5000
# > p = 2, λ = 4.00: smallest at |k| = 2.0000

# Check
assert np.isclose(slope_of_minimum(0.5, 1), 0.5)
assert np.isclose(slope_of_minimum(2.0, 1), 2.0)
assert np.isclose(slope_of_minimum(0.25, 2), np.sqrt(0.25))
assert np.isclose(slope_of_minimum(4.0, 2), np.sqrt(4.0))

# %% [markdown]
# ## Why divide by min(λ, 1)?
#
# At k = 0 the formula gives λ, so the loss of a flat line is λ |e|^p. For a small λ this loss is
# small, and so is its derivative with respect to y, which moves the prediction towards the target.
# For MAE this derivative is λ sign e.
#
# The paper therefore divides by λ if λ < 1. In other words, it divides by min(λ, 1). The result is
# the *factor* F, and the Lai loss of a sample is
#
#     Lai = |e|^p F_p(k; λ),      F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1).


# %%
def factor(k, lam, p):
    """F_p(k; λ)."""
    return np.maximum(np.abs(k) ** p, lam) / (1 + k**2) ** (p / 2) / min(lam, 1)


# %% [markdown]
# The paper prints four cases instead of one formula. With r = √(1 + k²) they are
#
#     MAE, λ < 1:   max(|k|/(λ r), 1/r)        MAE, λ ≥ 1:   max(|k|/r, λ/r)
#     MSE, λ < 1:   max(k²/(λ r²), 1/r²)       MSE, λ ≥ 1:   max(k²/r², λ/r²).
#
# This cell checks that F, and `lai_factor` of `lai_ref`, equal each of them.

# %%
k_range = np.linspace(-2, 2, 801)  # (801,), slopes
r = np.sqrt(1 + k_range**2)  # (801,)
small, large = 0.25, 4.0  # two λ
mae_small = np.maximum(abs(k_range) / (small * r), 1 / r)  # (801,)
mae_large = np.maximum(abs(k_range) / r, large / r)  # (801,)
mse_small = np.maximum(k_range**2 / (small * r**2), 1 / r**2)  # (801,)
mse_large = np.maximum(k_range**2 / r**2, large / r**2)  # (801,)

# Check
assert np.allclose(factor(k_range, small, 1), mae_small)
assert np.allclose(factor(k_range, large, 1), mae_large)
assert np.allclose(factor(k_range, small, 2), mse_small)
assert np.allclose(factor(k_range, large, 2), mse_large)
for lam in (0.01, small, 1.0, large):
    assert np.allclose(lai_factor(k_range, lam, order=1), factor(k_range, lam, 1))
    assert np.allclose(lai_factor(k_range, lam, order=2), factor(k_range, lam, 2))

# %% [markdown]
# One might expect F for MSE to be the square of F for MAE. It is, if MSE gets λ² in place of λ:
#
#     F_2(k; λ²) = F_1(k; λ)².
#
# Then both have their kink at |k| = λ. The paper does not square λ, and `lai_ref` follows it. To
# have the kink of Lai MSE at a slope κ, pass λ = κ².

# %%
mae_squared = factor(k_range, 0.5, 1) ** 2  # (801,)

# Check
assert np.allclose(factor(k_range, 0.5**2, 2), mae_squared)

# %% [markdown]
# ## How large is F?
#
# At k = 0, F is λ/min(λ, 1) = max(λ, 1). For large |k|, |k|^p cancels against (1 + k²)^(p/2). In
# between F has its minimum, at the kink. The three values are
#
#     F(0) = max(λ, 1)
#     F(λ^(1/p)) = max(λ, 1) / (1 + λ^(2/p))^(p/2)
#     F(k) → 1/min(λ, 1)      for |k| → ∞.

# %%
pairs = ((1, 0.01), (2, 0.01), (2, 4.0))  # p and λ
for p, lam in pairs:
    at_zero = factor(0, lam, p)
    at_kink = factor(lam ** (1 / p), lam, p)
    at_large_k = factor(1e8, lam, p)
    values = f"F(0) = {at_zero:.4f}, F(kink) = {at_kink:.6f}, F(1e8) = {at_large_k:.4f}"
    print(f"p = {p}, λ = {lam:.2f}: {values}")
# > p = 1, λ = 0.01: F(0) = 1.0000, F(kink) = 0.999950, F(1e8) = 100.0000
# > p = 2, λ = 0.01: F(0) = 1.0000, F(kink) = 0.990099, F(1e8) = 100.0000
# > p = 2, λ = 4.00: F(0) = 4.0000, F(kink) = 0.800000, F(1e8) = 1.0000

# Check
for p, lam in pairs:
    assert np.isclose(factor(0, lam, p), max(lam, 1))
    assert np.isclose(factor(lam ** (1 / p), lam, p), max(lam, 1) / (1 + lam ** (2 / p)) ** (p / 2))
    assert np.isclose(factor(1e8, lam, p), 1 / min(lam, 1))

# %% [markdown]
# The paper says that the divided loss approximates the true loss |e|^p. For a small λ this holds up
# to the kink, since F decreases only a little from F(0) = 1. Above the kink F increases towards
# 1/λ, which is 100 for λ = 0.01. So a small λ penalises steep slopes strongly, and flat ones very
# weakly.

# %% [markdown]
# ## The derivative, one branch at a time
#
# Training needs the derivative F' = dF/dk. We leave out the constant 1/min(λ, 1) until the end.
#
# **Below the kink**, |k|^p < λ, the numerator is the constant λ. The chain rule gives
#
#     d/dk [λ (1 + k²)^(−p/2)] = −(p/2) λ (1 + k²)^(−p/2 − 1) · 2k
#                              = −p λ k / (1 + k²)^(p/2 + 1).
#
# **Above the kink** the numerator is |k|^p. Its derivative is p |k|^(p−1) sign k. The product rule
# gives
#
#     d/dk [|k|^p (1 + k²)^(−p/2)]
#         = p |k|^(p−1) sign k (1 + k²)^(−p/2) − p |k|^p k (1 + k²)^(−p/2 − 1)
#         = p (|k|^(p−1) sign k (1 + k²) − |k|^p k) / (1 + k²)^(p/2 + 1).
#
# Since k = |k| sign k, the last term is |k|^p k = |k|^(p−1) sign k · k². It cancels the k² in
# 1 + k², and what remains is
#
#     p |k|^(p−1) sign k / (1 + k²)^(p/2 + 1).
#
# **Both branches** in one formula need a switch u. The *step function* H is 1 for a positive
# argument and 0 for a negative one:
#
#     u = H(|k|^p − λ)
#     F_p'(k; λ) = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1).
#
# `np.heaviside` computes H. Its second argument is the value H(0), which matters only at the kink.
# The section on the subgradient explains the choice ½.


# %%
def factor_derivative(k, lam, p):
    """F_p'(k; λ)."""
    u = np.heaviside(np.abs(k) ** p - lam, 0.5)
    above = np.abs(k) ** (p - 1) * np.sign(k)
    below = -lam * k
    return p * (u * above + (1 - u) * below) / (1 + k**2) ** (p / 2 + 1) / min(lam, 1)


# %% [markdown]
# ## Is it right? The central difference
#
# Two independent checks use values of F alone. The first is the *central difference*
#
#     F'(k) ≈ (F(k + h) − F(k − h)) / 2h.
#
# It subtracts nearly equal numbers and so loses digits if h is very small. With h = 1e-6 eight
# digits agree.

# %%
h = 1e-6
points = ((1, 0.25, 0.1), (1, 0.25, -2.0), (2, 0.25, 0.3), (2, 4.0, 3.0))  # p, λ and k


def central_difference(k, lam, p):
    return (factor(k + h, lam, p) - factor(k - h, lam, p)) / (2 * h)


for p, lam, k in points:
    derivative = factor_derivative(k, lam, p)
    estimate = central_difference(k, lam, p)
    print(f"p = {p}, λ = {lam:.2f}, k = {k:5.2f}: F' = {derivative:8.5f}, central {estimate:8.5f}")
# > p = 1, λ = 0.25, k =  0.10: F' = -0.09852, central -0.09852
# > p = 1, λ = 0.25, k = -2.00: F' = -0.35777, central -0.35777
# > p = 2, λ = 0.25, k =  0.30: F' = -0.50501, central -0.50501
# > p = 2, λ = 4.00, k =  3.00: F' =  0.06000, central  0.06000

# Check
for p, lam, k in points:
    estimate = central_difference(k, lam, p)
    assert np.isclose(estimate, factor_derivative(k, lam, p), rtol=1e-8, atol=0)

# %% [markdown]
# ## Is it right? The complex step
#
# The second check subtracts nothing. Evaluate F at the complex number k + ih and expand it:
#
#     F(k + ih) = F(k) + ih F'(k) − h² F''(k)/2 − …
#
# The imaginary part of this is h F'(k), apart from terms with h³ and higher powers. So
#
#     F'(k) ≈ Im F(k + ih) / h,
#
# with an error proportional to h². No digits cancel, so h may be as small as 1e-100. Thirteen
# digits agree.
#
# The expansion requires F to be defined for complex k, with a derivative there: an *analytic
# continuation* of F. Let z = k + ih. The continuation of |k| is z if k > 0 and −z if k < 0. (The
# modulus of z would be wrong: its imaginary part is 0.) The continuation of the maximum is the
# branch that holds at the real k.


# %%
def complex_step(k, lam, p):
    z = k + 1e-100j
    abs_z = z if k > 0 else -z
    numerator = abs_z**p if abs(k) ** p > lam else lam
    F = numerator / (1 + z**2) ** (p / 2) / min(lam, 1)
    return F.imag / 1e-100


for p, lam, k in points:
    derivative = factor_derivative(k, lam, p)
    estimate = complex_step(k, lam, p)
    print(f"p = {p}, λ = {lam:.2f}, k = {k:5.2f}: F' = {derivative:8.5f}, complex {estimate:8.5f}")
# > p = 1, λ = 0.25, k =  0.10: F' = -0.09852, complex -0.09852
# > p = 1, λ = 0.25, k = -2.00: F' = -0.35777, complex -0.35777
# > p = 2, λ = 0.25, k =  0.30: F' = -0.50501, complex -0.50501
# > p = 2, λ = 4.00, k =  3.00: F' =  0.06000, complex  0.06000

# Check
for p, lam, k in points:
    estimate = complex_step(k, lam, p)
    assert np.isclose(estimate, factor_derivative(k, lam, p), rtol=1e-13, atol=0)

# %% [markdown]
# In `lai_ref`, `lai_factor_derivative` computes F', and `numerical_gradient` computes both checks.

# %%
slopes = np.array([-3.0, -0.4, 0.0, 0.3, 2.0])  # (5,), none at a kink


def sum_of_factors(k):
    """A scalar with the derivative F'(k_i) with respect to k_i."""
    return lai_factor(k, 0.25, order=2).sum()


central = numerical_gradient(sum_of_factors, slopes, "central")  # (5,)
complex_ = numerical_gradient(sum_of_factors, slopes, "complex")  # (5,)

# Check
assert np.allclose(lai_factor_derivative(slopes, 0.25, order=1), factor_derivative(slopes, 0.25, 1))
assert np.allclose(lai_factor_derivative(slopes, 0.25, order=2), factor_derivative(slopes, 0.25, 2))
assert np.allclose(central, factor_derivative(slopes, 0.25, 2))
assert np.allclose(complex_, factor_derivative(slopes, 0.25, 2))

# %% [markdown]
# ## In which direction does the loss pull, and how strongly?
#
# Gradient descent on |e|^p F moves k in the direction of −F'. We call −F' the *pull* on k. Below
# the kink F' has the sign of −k, so |k| grows. Above the kink F' has the sign of k, so |k| shrinks.
# For a small λ the pull is much stronger above the kink than below it.

# %%
for p in (1, 2):
    half = 0.01 ** (1 / p) / 2  # half the kink
    twice = 0.01 ** (1 / p) * 2  # twice the kink
    dF_half = factor_derivative(half, 0.01, p)
    dF_twice = factor_derivative(twice, 0.01, p)
    values = f"{dF_half:.4f} at half the kink, {dF_twice:.4f} at twice the kink"
    print(f"p = {p}, λ = 0.01: F' = {values}")
# > p = 1, λ = 0.01: F' = -0.0050 at half the kink, 99.9400 at twice the kink
# > p = 2, λ = 0.01: F' = -0.0995 at half the kink, 36.9822 at twice the kink

# Check
for p in (1, 2):
    kink = 0.01 ** (1 / p)
    assert factor_derivative(kink / 2, 0.01, p) < 0
    assert factor_derivative(kink * 2, 0.01, p) > 0
    assert factor_derivative(kink * 2, 0.01, p) > 100 * abs(factor_derivative(kink / 2, 0.01, p))

# %% [markdown]
# ## What is the derivative at the kink?
#
# Write κ = λ^(1/p) for the kink with k > 0 (`kink` in code). F has a corner there, and so no
# derivative. It has two *one-sided derivatives*, the limits for h → 0 of
#
#     (F(κ) − F(κ − h)) / h  from the left,      (F(κ + h) − F(κ)) / h  from the right.
#
# Each is the derivative of the branch on its side:
#
#     left  = −p λ κ / (1 + κ²)^(p/2 + 1) / min(λ, 1)       < 0
#     right =  p κ^(p−1) / (1 + κ²)^(p/2 + 1) / min(λ, 1)   > 0.
#
# (F is the same at −k as at k. So at −κ the derivative from the left is −right, and the derivative
# from the right is −left.)

# %%
lam = 0.25
p = 2
kink = lam ** (1 / p)
scale = p / (1 + kink**2) ** (p / 2 + 1) / min(lam, 1)
left = -scale * lam * kink
right = scale * kink ** (p - 1)
print(f"at κ = {kink:.4f}: {left:.4f} from the left, {right:.4f} from the right")
# > at κ = 0.5000: -0.6400 from the left, 2.5600 from the right

# Check
left_quotient = (factor(kink, lam, p) - factor(kink - h, lam, p)) / h
right_quotient = (factor(kink + h, lam, p) - factor(kink, lam, p)) / h
assert np.isclose(left_quotient, left, atol=1e-4)
assert np.isclose(right_quotient, right, atol=1e-4)

# %% [markdown]
# ## What takes the place of a derivative? The subgradient
#
# At a smooth point the derivative is the slope of the tangent. At a corner many lines touch the
# graph from below. A line through the kink with slope s stays below the graph on both sides, to
# first order, exactly if left ≤ s ≤ right. These s are the *subgradients* of F at the kink, and
# [left, right] is its *subdifferential*. It contains 0, since F has a minimum there. (It equals the
# *Clarke subdifferential*, the usual notion for functions that are not convex, such as F.)
#
# "To first order" allows for the curvature of F, whose effect vanishes faster than the distance h
# from the kink. In formulas, s is a subgradient exactly if
#
#     F(κ) + s h ≤ F(κ + h) + (something that vanishes faster than h),
#     F(κ) − s h ≤ F(κ − h) + (something that vanishes faster than h).
#
# For a small numeric check, take h = 1e-6 and allow 1e-4 h for the curvature.


# %%
def stays_below(s):
    """Whether the line through the kink with slope s stays below F at κ − h and at κ + h."""
    below_left = factor(kink, lam, p) - s * h <= factor(kink - h, lam, p) + 1e-4 * h
    below_right = factor(kink, lam, p) + s * h <= factor(kink + h, lam, p) + 1e-4 * h
    return bool(below_left and below_right)


for s in (left - 0.1, left, 0.0, right, right + 0.1):
    print(f"s = {s:7.4f}: stays below the graph: {stays_below(s)}")
# > s = -0.7400: stays below the graph: False
# > s = -0.6400: stays below the graph: True
# > s =  0.0000: stays below the graph: True
# > s =  2.5600: stays below the graph: True
# > s =  2.6600: stays below the graph: False

# Check
for s in np.linspace(left, right, 9):
    assert stays_below(s)
assert not stays_below(left - 0.1)
assert not stays_below(right + 0.1)

# %% [markdown]
# ## Which subgradient does the code return?
#
# A function returns one number, so a program must choose one subgradient. The paper does not name
# one. With H(0) = ½, the formula for F' gives the midpoint of the subdifferential. A central
# difference gives it as well, and so do the derivatives of `torch.maximum` and `jnp.maximum`. Every
# other subgradient would be a valid choice too.

# %%
midpoint = factor_derivative(kink, lam, p)
print(f"at κ = {kink:.4f}: midpoint {midpoint:.4f}")
# > at κ = 0.5000: midpoint 0.9600

# Check
assert np.isclose(midpoint, (left + right) / 2)
assert np.isclose(lai_factor_derivative(kink, lam, order=p), midpoint)
assert np.isclose(central_difference(kink, lam, p), midpoint, atol=1e-4)

# %% [markdown]
# The picture shows F for MAE and for MSE, and below it F' for MSE. At each kink a vertical line
# shows the subdifferential, and a dot its midpoint.

# %%
figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 6), layout="constrained")
upper.plot(k_range, factor(k_range, lam, 1), "--", color=BLUE, label="MAE, kinks at ±λ")
upper.plot(k_range, factor(k_range, lam, 2), color=BLACK, label="MSE, kinks at ±√λ")
upper.set(ylabel="F (no unit)", title=f"λ = {lam}: F is smallest at the kinks …")
upper.legend()
derivative = factor_derivative(k_range, lam, p)  # (801,)
derivative[np.isclose(abs(k_range), kink)] = np.nan  # no line across the jump
lower.plot(k_range, derivative, color=BLACK, label="MSE, F'")
lower.vlines([-kink, kink], [-right, left], [-left, right], GREY, lw=4, label="subdifferential")
lower.plot([-kink, kink], [-midpoint, midpoint], "o", color=RED, label="its midpoint")
lower.set(xlabel="slope k (units of y per unit of x)", ylabel="F' (units of x per unit of y)")
lower.set_title("… where F' jumps, and the subdifferential contains 0")
lower.legend()
figure.savefig(OUT / "02_lambda.png")
print("picture:", (OUT / "02_lambda.png").as_posix())
# > picture: tutorials_out/02_lambda.png

# %% [markdown]
# ## Is a float ever at the kink?
#
# For p = 2 the kink √λ is rarely a float. Let λ be the float 0.1, and let a be the float closest to
# √λ. The rounded product `a**2` is λ, so `factor_derivative` returns the midpoint. Yet the exact a²
# is less than λ. So a lies below the kink, where F' < 0.
#
# `kink_of` in `lai_ref/support/kink.py` therefore compares a² and λ as exact fractions.

# %%
a = float(np.sqrt(0.1))
rounded = factor_derivative(a, 0.1, 2)
exact = lai_factor_derivative(a, 0.1, order=2)
print(f"F' at a: {rounded:.4f} from the rounded square, {exact:.4f} from the exact one")
# > F' at a: 2.3521 from the rounded square, -0.5227 from the exact one

# Check
assert a**2 == 0.1
assert Fraction(a) ** 2 < Fraction(0.1)
assert rounded > 0
assert exact < 0

# %% [markdown]
# ## Next
#
# Tutorial 03 multiplies F by the errors of a line through noisy data, and asks whether the whole
# loss is smallest at the kink as well. You can now read all of `lai_ref/factor.py`.
#
# **Beyond this paper.** The activation ReLU(z) = max(z, 0) has a kink at z = 0. In low precision z
# is exactly 0 more often, and the choice of the subgradient ReLU'(0) changes how a network trains
# (Bertoin, Bolte, Gerchinovitz and Pauwels, "Numerical influence of ReLU'(0) on backpropagation",
# NeurIPS 2021).

# %% [markdown]
# ## Exercise 1: is λ a change of units?
#
# Tutorial 01 moved the preferred slope by a change of units. Measure x in other units, so that the
# slope k becomes q = k/λ. The factor of tutorial 01 is then max(|q|, 1) / √(1 + q²). Is that F_1(k;
# λ)? Compare the two at k = 0, at the kink and for large |k|.

# %% [markdown]
# ## Exercise 2: how strong is the pull on a steep line?
#
# For Lai MSE with a small λ, where above the kink is F' largest? How does it behave for large k?

# %% [markdown]
# ## Exercise 3: for which λ is the midpoint at the kink 0?
#
# Derive the midpoint (left + right)/2 for p = 1 and for p = 2.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** No. With k = q λ the factor in other units is max(|k|, λ)/√(λ² + k²). Both factors
# have their kink at |k| = λ. For any λ, the factor in other units is 1 at k = 0 and tends to 1 for
# large |k|; at the kink it is 1/√2. For a small λ, F_1 is 1 at k = 0, about 1 − λ²/2 at the kink,
# and tends to 1/λ.

# %%
q = np.array([0, 1, 1e8])  # (3,): at 0, at the kink, large
in_units = np.maximum(q, 1) / np.sqrt(1 + q**2)  # (3,)

# Check
assert np.allclose(in_units, [1, 1 / np.sqrt(2), 1])
for lam in (0.01, 4.0):
    k = lam * q  # (3,)
    assert np.allclose(in_units, np.maximum(k, lam) / np.sqrt(lam**2 + k**2))
assert np.allclose(factor(0.01 * q, 0.01, 1), [1, 1 - 0.01**2 / 2, 1 / 0.01], atol=1e-8)

# %% [markdown]
# **Exercise 2.** Above the kink F' = 2k/(1 + k²)²/λ. Its derivative has the sign of 1 + k² − 4k²,
# so F' is largest at k = 1/√3. For large k, F' ≈ 2/(λ k³): the pull on a very steep line is very
# weak.

# %%
steep = np.linspace(0.2, 5, 4801)  # (4801,), slopes above the kink
k_largest = steep[factor_derivative(steep, 0.01, 2).argmax()]

# Check
assert np.isclose(k_largest, 1 / np.sqrt(3), atol=1e-3)
assert np.isclose(factor_derivative(1e4, 0.01, 2), 2 / (0.01 * 1e4**3))

# %% [markdown]
# **Exercise 3.** For p = 1, κ = λ, and for p = 2, κ = √λ. The midpoints are
#
#     p = 1:   (1 − λ²) / (1 + λ²)^(3/2) / min(λ, 1) / 2
#     p = 2:   √λ (1 − λ) / (1 + λ)² / min(λ, 1).
#
# Each is 0 only for λ = 1.


# %%
def midpoint_mae(lam):
    return (1 - lam**2) / (1 + lam**2) ** 1.5 / min(lam, 1) / 2


def midpoint_mse(lam):
    return np.sqrt(lam) * (1 - lam) / (1 + lam) ** 2 / min(lam, 1)


# Check
for lam in (0.25, 1.0, 4.0):
    assert np.isclose(factor_derivative(lam, lam, 1), midpoint_mae(lam))
    assert np.isclose(factor_derivative(np.sqrt(lam), lam, 2), midpoint_mse(lam))
    assert (midpoint_mae(lam) == 0) == (lam == 1)
    assert (midpoint_mse(lam) == 0) == (lam == 1)
