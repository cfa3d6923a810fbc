# %% [markdown]
# # 02 · Lambda: which slope the loss wants, and how hard it pulls
#
# - **Question:** How does one number say which slope is meant, and what does the loss do about it?
# - **Prerequisites:** Tutorial 01, the chain rule, complex numbers.
# - **You will learn to** find the kink for MAE and for MSE, differentiate the factor on both sides
#   of it, check that in two ways, and see what a derivative can mean at the kink itself.
# - **Minutes:** 25

# %%
from fractions import Fraction
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import lai_factor, lai_factor_derivative, numerical_gradient
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, GREY = "#000000", "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## Where does the penalty change sides?
#
# Tutorial 01 ended with |e| · max(|sin φ|, |cos φ|), which prefers k = ±1. With a weight λ > 0:
#
#     max(|sin φ|, λ |cos φ|) = max(|k|, λ) / √(1 + k²).
#
# As |k| grows, λ |cos φ| falls and |sin φ| rises. The larger of the two is least where they meet,
# at |k| = λ. This is the *kink*: the formula changes from one branch to the other.
#
# For MSE the paper prints max(k², λ) / (1 + k²). Its branches meet at k² = λ, so the kink is at
# |k| = √λ. With p = 1 for MAE and p = 2 for MSE both read max(|k|^p, λ) / (1 + k²)^(p/2), and the
# kink is at |k| = λ^(1/p).

# %%
ks = np.arange(1, 4001) / 1000  # (4000,)
for p, lam in ((1, 0.5), (1, 2.0), (2, 0.25), (2, 4.0)):
    k_min = ks[(np.maximum(ks**p, lam) / (1 + ks**2) ** (p / 2)).argmin()]
    assert np.isclose(k_min, lam ** (1 / p))
    print(f"p = {p}, λ = {lam:.2f}: least at |k| = {k_min:.4f}")
# > p = 1, λ = 0.50: least at |k| = 0.5000
# > p = 1, λ = 2.00: least at |k| = 2.0000
# > p = 2, λ = 0.25: least at |k| = 0.5000
# > p = 2, λ = 4.00: least at |k| = 2.0000

# %% [markdown]
# ## Why divide by min(λ, 1)?
#
# At k = 0 both formulas are λ. With a small λ that leaves little of the loss, λ |e|^p, and as
# little of the derivative with respect to y, λ sign e for MAE, which pulls towards the data. So the
# paper divides by λ where λ < 1, that is, by min(λ, 1). Its four cases (MAE and MSE, λ below 1 or
# not) are then one factor:
#
#     F_p(k; λ) = max(|k|^p, λ) / (1 + k²)^(p/2) / min(λ, 1),      Lai = |e|^p F_p(k; λ).


# %%
def factor(k, lam, p):
    """F_p(k; λ)."""
    return np.maximum(np.abs(k) ** p, lam) / (1 + k**2) ** (p / 2) / min(lam, 1)


signed = np.linspace(-2, 2, 801)  # (801,)
root = np.sqrt(1 + signed**2)
for lam in (0.01, 0.25, 1.0, 4.0):
    low, high = (lam, 1) if lam < 1 else (1, lam)  # the paper's two cases
    mae = np.maximum(abs(signed) / (low * root), high / root)
    mse = np.maximum(signed**2 / (low * root**2), high / root**2)
    for p, printed in ((1, mae), (2, mse)):
        assert np.allclose(factor(signed, lam, p), printed)
        assert np.allclose(lai_factor(signed, lam, order=p), printed)
    assert np.allclose(factor(signed, lam**2, 2), factor(signed, lam, 1) ** 2)

# %% [markdown]
# The last line: with λ² in place of λ, F for MSE is that for MAE squared, kink and all. Whoever
# expects that passes λ²; we keep what is printed.
#
# What has become of the scale? F(0) = λ/min(λ, 1) = max(λ, 1). Far out |k|^p cancels against
# (1 + k²)^(p/2), and F → 1/min(λ, 1). In between F is least, where |k|^p = λ.

# %%
for p, lam in ((1, 0.01), (2, 0.01), (2, 4.0)):
    at_zero, at_kink, at_inf = factor(np.array([0, lam ** (1 / p), 1e8]), lam, p)
    assert np.allclose([at_zero, at_inf], [max(lam, 1), 1 / min(lam, 1)])
    assert np.isclose(at_kink, max(lam, 1) / (1 + lam ** (2 / p)) ** (p / 2))
    print(f"p = {p}, λ = {lam:.2f}: F(0) {at_zero:.4f}, F(kink) {at_kink:.6f}, F(∞) {at_inf:.4f}")
# > p = 1, λ = 0.01: F(0) 1.0000, F(kink) 0.999950, F(∞) 100.0000
# > p = 2, λ = 0.01: F(0) 1.0000, F(kink) 0.990099, F(∞) 100.0000
# > p = 2, λ = 4.00: F(0) 4.0000, F(kink) 0.800000, F(∞) 1.0000

# %% [markdown]
# The paper says that the loss then approximates the true one. With a small λ it does up to the
# kink; beyond it F climbs to 1/λ, for λ = 0.01 a hundredfold. From k = 0 to the kink, however, it
# falls by next to nothing: a small λ presses steep slopes down, but hardly lifts flat ones.

# %% [markdown]
# ## The derivative, one branch at a time
#
# Training needs F' = dF/dk. The constant min(λ, 1) can wait. Below the kink, |k|^p < λ, the
# numerator is constant too, and the chain rule gives
#
#     d/dk [λ (1 + k²)^(−p/2)] = −(p/2) λ (1 + k²)^(−p/2 − 1) · 2k = −p λ k / (1 + k²)^(p/2 + 1).
#
# Above the kink, the product rule gives, with d|k|^p/dk = p |k|^(p−1) sign k,
#
#     d/dk [|k|^p (1 + k²)^(−p/2)] = p (|k|^(p−1) sign k (1 + k²) − |k|^p k) / (1 + k²)^(p/2 + 1).
#
# In the last term |k|^p k = |k|^(p−1) sign k · k², which cancels the k² before it. What remains is
# p |k|^(p−1) sign k / (1 + k²)^(p/2 + 1). The step function H (1 for a positive
# argument, 0 for a negative one) switches between the two:
#
#     F_p'(k; λ) = p (u |k|^(p−1) sign k − (1 − u) λ k) / (1 + k²)^(p/2 + 1) / min(λ, 1),
#     u = H(|k|^p − λ).


# %%
def factor_derivative(k, lam, p):
    """F_p'(k; λ)."""
    u = np.heaviside(np.abs(k) ** p - lam, 0.5)  # H(0) = ½: see below
    branches = u * np.abs(k) ** (p - 1) * np.sign(k) - (1 - u) * lam * k
    return p * branches / (1 + k**2) ** (p / 2 + 1) / min(lam, 1)


# %% [markdown]
# ## Is it right?
#
# Two independent checks, both from values of F alone. The central difference
#
#     F'(k) ≈ (F(k + h) − F(k − h)) / 2h
#
# subtracts nearly equal numbers, so h must not be too small. The complex step subtracts nothing.
# Continue F to complex k and expand it: F(k + ih) = F(k) + ih F'(k) − h² F''(k)/2 − …, so
#
#     F'(k) ≈ Im F(k + ih) / h,
#
# with an error of the order h². Without cancellation h may be as small as 1e-100. The continuation
# of |k| is k right of 0 and −k left of it (not the modulus of k + ih, which is real), and that of
# the maximum is the branch k is on. Printed are the analytic F' and the two estimates.

# %%
h = 1e-6
for p, lam, k in ((1, 0.25, 0.1), (1, 0.25, -2.0), (2, 0.25, 0.3), (2, 4.0, 3.0)):
    analytic = factor_derivative(k, lam, p)
    central = (factor(k + h, lam, p) - factor(k - h, lam, p)) / (2 * h)
    z = k + 1e-100j
    abs_k = z if k > 0 else -z  # |k|, continued
    branch = abs_k**p if abs(k) ** p > lam else lam  # max(|k|^p, λ), continued
    complex_step = (branch / (1 + z**2) ** (p / 2) / min(lam, 1)).imag / 1e-100
    assert np.isclose(central, analytic, rtol=1e-8, atol=0)
    assert np.isclose(complex_step, analytic, rtol=1e-13, atol=0)  # thirteen digits, not eight
    print(f"p = {p}, k = {k:5.2f}: {analytic:8.5f}, {central:8.5f}, {complex_step:8.5f}")
# > p = 1, k =  0.10: -0.09852, -0.09852, -0.09852
# > p = 1, k = -2.00: -0.35777, -0.35777, -0.35777
# > p = 2, k =  0.30: -0.50501, -0.50501, -0.50501
# > p = 2, k =  3.00:  0.06000,  0.06000,  0.06000

# %% [markdown]
# In `lai_ref`, `lai_factor_derivative` is F', and `numerical_gradient` computes both checks.

# %%
away = np.array([-3.0, -0.4, 0.0, 0.3, 2.0])  # (5,)
assert np.allclose(lai_factor_derivative(away, 0.25, order=1), factor_derivative(away, 0.25, 1))
for method in ("central", "complex"):
    check = numerical_gradient(lambda v: lai_factor(v, 0.25, order=2).sum(), away, method)
    assert np.allclose(check, factor_derivative(away, 0.25, 2))

# %% [markdown]
# ## Which way does it pull, and how hard?
#
# Descent moves k against F'. Below the kink F' has the sign of −k, so |k| grows; above it that of
# k, so |k| shrinks. For a small λ the two pulls are very uneven.

# %%
for p in (1, 2):
    kink = 0.01 ** (1 / p)
    below, above = factor_derivative(np.array([kink / 2, kink * 2]), 0.01, p)
    assert below < 0 < above and 100 * abs(below) < above
    print(f"p = {p}, λ = 0.01: F' = {below:.4f} at half the kink, {above:.4f} at twice the kink")
# > p = 1, λ = 0.01: F' = -0.0050 at half the kink, 99.9400 at twice the kink
# > p = 2, λ = 0.01: F' = -0.0995 at half the kink, 36.9822 at twice the kink

# %% [markdown]
# ## What is the derivative at the kink?
#
# There is none, but there is one from each side. At k* = λ^(1/p) (at −k* left and right swap and
# change sign) the two branches have the derivatives
#
#     left  = −p λ k* / (1 + k*²)^(p/2 + 1) / min(λ, 1)  < 0,
#     right =  p k*^(p−1) / (1 + k*²)^(p/2 + 1) / min(λ, 1)  > 0.
#
# A line through the kink stays below the graph on both sides, to first order, if its slope s lies
# anywhere from left to right, and only then. Each such s is a subgradient of F at k*; 0 is among
# them.

# %%
lam, p, kink = 0.25, 2, 0.5
scale = p / (1 + kink**2) ** (p / 2 + 1) / min(lam, 1)
left, right = -scale * lam * kink, scale * kink ** (p - 1)
d = np.array([-1e-6, 1e-6])  # (2,): a step to either side
rise = factor(kink + d, lam, p) - factor(kink, lam, p)
assert np.allclose(rise / d, [left, right], atol=1e-4)
for s in np.linspace(left, right, 9):
    assert (rise >= s * d - 1e-4 * abs(d)).all()  # the line stays below
for s in (left - 0.1, right + 0.1):
    assert (rise < s * d - 1e-4 * abs(d)).any()  # on one side it does not

# %% [markdown]
# One number must be returned, and the paper is silent. H(0) = ½ makes it the middle, as a central
# difference does, and as torch.maximum and jnp.maximum do. Every other subgradient is right, too.

# %%
middle = factor_derivative(kink, lam, p)
assert np.allclose([(left + right) / 2, lai_factor_derivative(kink, lam, order=p)], middle)
assert np.isclose((rise[1] - rise[0]) / (d[1] - d[0]), middle, atol=1e-4)
print(f"at the kink: {left:.4f} from the left, {right:.4f} from the right, middle {middle:.4f}")
# > at the kink: -0.6400 from the left, 2.5600 from the right, middle 0.9600

figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 6), layout="constrained")
upper.plot(signed, factor(signed, lam, 1), "--", color=BLUE, label="MAE, kinks at ±λ")
upper.plot(signed, factor(signed, lam, 2), color=BLACK, label="MSE, kinks at ±√λ")
upper.set(ylabel="F (no unit)", title="λ = 0.25: F is least at the kinks …")
gap = np.where(np.isclose(abs(signed), kink), np.nan, 1)  # nan: no line across the jump
lower.plot(signed, gap * factor_derivative(signed, lam, p), color=BLACK, label="MSE, F'")
lower.vlines([-kink, kink], [-right, left], [-left, right], color=GREY, label="MSE, valid values")
lower.plot([-kink, kink], [-middle, middle], "o", color=RED, label="MSE, the middle")
lower.set(xlabel="slope k (units of y per unit of x)", ylabel="F' (units of x per unit of y)")
lower.set_title("… where F' jumps, and 0 lies within the jump")
upper.legend()
lower.legend()
figure.savefig(OUT / "02_lambda.png")
plt.close(figure)
print("picture:", (OUT / "02_lambda.png").as_posix())
# > picture: tutorials_out/02_lambda.png

# %% [markdown]
# Few floats lie on a kink. For λ = 0.1 the rounded square of the float nearest to √λ is λ, but its
# exact square is less. So `kink_of` in `lai_ref/support/kink.py` compares exact fractions.

# %%
nearest = float(np.sqrt(0.1))
assert nearest * nearest == 0.1 and Fraction(nearest) ** 2 < Fraction(0.1)
assert factor_derivative(nearest, 0.1, 2) > 0 > lai_factor_derivative(nearest, 0.1, order=2)

# %% [markdown]
# ## Next
#
# Tutorial 03 multiplies F by the errors of a line through noisy data, and asks whether the whole
# loss is least at the kink as well. You can now read all of `lai_ref/factor.py`.

# %% [markdown]
# ## Exercise 1: is λ a change of units?
#
# Tutorial 01 moved the preferred slope by a change of units. With q = k/λ the factor of MAE is
# max(|q|, 1) / √(1 + q²). Is that F_1(k; λ)? Compare them at 0, at the kink and far out.

# %% [markdown]
# ## Exercise 2: how is a steep line pulled?
#
# For Lai MSE with a small λ, where above the kink is F' largest? How does it behave for large k?

# %% [markdown]
# ## Exercise 3: for which λ is the middle at the kink 0?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers

# %% [markdown]
# Exercise 1. No: it is max(|k|, λ)/√(λ² + k²). Both have their kink at λ, but in other units F is 1
# at both ends and 1/√2 between, for any λ. For a small λ, F_1 falls from 1 by only about λ²/2, and
# ends at 1/λ.

# %%
units = np.array([0, 1, 1e8])  # (3,): q = k/λ
in_units = np.maximum(units, 1) / np.sqrt(1 + units**2)
assert np.allclose(in_units, [1, 1 / np.sqrt(2), 1])
for lam in (0.01, 4.0):
    k = lam * units  # (3,)
    assert np.allclose(in_units, np.maximum(k, lam) / np.sqrt(lam**2 + k**2))
assert np.allclose(factor(0.01 * units, 0.01, 1), [1, 1 - 0.01**2 / 2, 1 / 0.01], atol=1e-8)

# %% [markdown]
# Exercise 2. There F' = 2k/(1 + k²)²/λ, whose derivative has the sign of 1 + k² − 4k²: F' is
# largest at k = 1/√3. Far out F' ≈ 2/(λ k³): a line steep enough is hardly pulled down at all.

# %%
steep = np.linspace(0.2, 5, 4801)  # (4801,)
assert np.isclose(steep[factor_derivative(steep, 0.01, 2).argmax()], 1 / np.sqrt(3), atol=1e-3)
assert np.isclose(factor_derivative(1e4, 0.01, 2), 2 / (0.01 * 1e4**3))

# %% [markdown]
# Exercise 3. For p = 1, k* = λ, (left + right)/2 is (1 − λ²)/(1 + λ²)^(3/2)/min(λ, 1)/2; for p = 2,
# k* = √λ, it is √λ (1 − λ)/(1 + λ)²/min(λ, 1). Both are 0 for λ = 1 alone.

# %%
for lam in (0.25, 1.0, 4.0):
    mae = (1 - lam**2) / (1 + lam**2) ** 1.5 / min(lam, 1) / 2
    mse = np.sqrt(lam) * (1 - lam) / (1 + lam) ** 2 / min(lam, 1)
    assert np.allclose([factor_derivative(lam ** (1 / p), lam, p) for p in (1, 2)], [mae, mse])
    assert (lam == 1) == (mae == 0) == (mse == 0)
