# %% [markdown]
# # 01 · Projection: what a slope makes of one residual
#
# - **Question:** Why would a loss look at the slope of the model at all?
# - **Prerequisites:** NumPy, sine and cosine.
# - **You will learn to** draw the two projections of a residual, see them as coordinates in a
#   rotated frame, and compute the Lai loss of one point from scratch.
# - **Minutes:** 20

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, projections
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, GREY = "#000000", "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## Two lines miss a point by the same amount. Are they equally good?
#
# A model predicts y = f(x), and here f is a straight line with slope k. The target t = 9 was
# observed at x = 4. A flat line, y = 1 + 0.75x, and a steep one, y = −4 + 2x, both predict y = 4
# there. The *residual*
#
#     e = y − t
#
# is therefore the same for both, and so is every loss that depends on e alone, such as |e| or e².
#
# (The paper writes ŷ for y, y for t, e for |e|, and θ for the angle φ below.)

# %%
x, t = 4.0, 9.0
k_flat, k_steep = 0.75, 2.0
y_flat = 1 + k_flat * x
y_steep = -4 + k_steep * x
e = y_flat - t
print(f"flat line: y = {y_flat:.4f}, steep line: y = {y_steep:.4f}, e = {e:.4f} for both")
# > flat line: y = 4.0000, steep line: y = 4.0000, e = -5.0000 for both

# %% [markdown]
# Yet they differ. If x is measured with an error δ, the prediction changes by k δ. The slope is the
# *sensitivity* of the model to its input, and the residual does not contain it.

# %%
delta = 0.1
change_flat = (1 + k_flat * (x + delta)) - y_flat
change_steep = (-4 + k_steep * (x + delta)) - y_steep
print(f"x + {delta} changes y by {change_flat:.4f} (flat) or {change_steep:.4f} (steep)")
# > x + 0.1 changes y by 0.0750 (flat) or 0.2000 (steep)

# Check
assert y_flat == y_steep == 4
assert np.isclose(change_flat, k_flat * delta)
assert np.isclose(change_steep, k_steep * delta)

# %% [markdown]
# ## How does a line split the residual?
#
# Drop a perpendicular from the observation T = (x, t) onto the flat line. The prediction
# P = (x, y), the foot Q of the perpendicular, and T form a right triangle. Its hypotenuse PT is the
# residual, and it is vertical. Its legs are
#
#     a = |PQ|  along the line,      b = |QT|  across it (perpendicular to it).
#
# To find the foot, project T − P onto the direction d of the line, a vector of norm 1:
#
#     d = (1, k)/√(1 + k²)      Q = P + ((T − P)·d) d

# %%
y, k = y_flat, k_flat
P = np.array([x, y])  # (2,)
T = np.array([x, t])  # (2,)
d = np.array([1, k]) / np.sqrt(1 + k**2)  # (2,)
Q = P + ((T - P) @ d) * d  # (2,)
a = np.linalg.norm(Q - P)
b = np.linalg.norm(T - Q)
print(f"a = {a:.4f} along the line, b = {b:.4f} across it")
# > a = 3.0000 along the line, b = 4.0000 across it

# Check
assert np.isclose((T - Q) @ d, 0)  # QT is perpendicular to the line
assert np.isclose(a**2 + b**2, e**2)  # Pythagoras

# %% [markdown]
# Let φ be the angle between the line and the horizontal, so that k = tan φ. The vertical side PT
# makes the angle 90° − φ with the line, and cos(90° − φ) = sin φ. Therefore
#
#     a = |e| |sin φ|,      b = |e| |cos φ|.
#
# The bars around the sine are for lines with a negative slope: lengths are never negative.
#
# (In its section on curves the paper calls b "the length of the tangent". It must mean the length
# of the perpendicular, as in its section on lines, because there too b = |e| |cos φ|.)

# %%
phi = np.arctan(k)
a_from_angle = abs(e) * abs(np.sin(phi))
b_from_angle = abs(e) * abs(np.cos(phi))
print(f"φ = {np.degrees(phi):.4f}°: a = {a_from_angle:.4f}, b = {b_from_angle:.4f}")
# > φ = 36.8699°: a = 3.0000, b = 4.0000

# Check
assert np.isclose(a_from_angle, a)
assert np.isclose(b_from_angle, b)


# %%
def draw_triangle(axes):
    """The model, the residual and its two parts."""
    axes.axline(P, slope=k, color=GREY, label=f"the model, k = {k}")
    axes.plot(*np.transpose([P, T]), "--", color=BLACK, label=f"residual, |e| = {abs(e):g}")
    axes.plot(*np.transpose([P, Q]), color=BLUE, lw=4, label=f"along, a = {a:.4g}")
    axes.plot(*np.transpose([Q, T]), color=RED, lw=4, label=f"across, b = {b:.4g}")
    axes.plot(*P, "o", color=GREY, zorder=3, label="prediction P")
    axes.plot(*T, "s", color=BLACK, zorder=3, label="observation T")
    axes.annotate("P", P, xytext=(-14, 4), textcoords="offset points")
    axes.annotate("Q", Q, xytext=(6, -12), textcoords="offset points")
    axes.annotate("T", T, xytext=(-10, 8), textcoords="offset points")
    axes.plot([x, x + 1.5], [y, y], ":", color=GREY)  # the horizontal, from which φ is measured
    arc = np.linspace(0, phi, 30)  # (30,)
    axes.plot(x + np.cos(arc), y + np.sin(arc), color=GREY)
    axes.annotate("φ", P + 1.15 * np.array([np.cos(phi / 2), np.sin(phi / 2)]), va="center")
    axes.set(aspect="equal")
    axes.set(xlabel="input x (units of x)", ylabel="target t, prediction y (units of y)")


figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
draw_triangle(axes)
axes.set(xlim=(0, 10), ylim=(2, 10))
axes.set_title("A line splits the residual into a part along it and one across")
axes.legend(loc="lower right")
figure.savefig(OUT / "01_projection.png")
print("picture:", (OUT / "01_projection.png").as_posix())
# > picture: tutorials_out/01_projection.png

# %% [markdown]
# ## The angle is not needed
#
# A model gives us its slope, not its angle. From cos² φ = 1/(1 + tan² φ) and sin φ = tan φ cos φ,
#
#     |sin φ| = |k| / √(1 + k²),      |cos φ| = 1 / √(1 + k²).
#
# `lai_ref.projections` computes a and b in this way, for many samples at once.

# %%
rng = np.random.default_rng(0)
many_e = rng.normal(size=1000)  # (N,)
many_k = rng.normal(size=1000)  # (N,)
many_a = abs(many_e) * abs(many_k) / np.sqrt(1 + many_k**2)  # (N,)
many_b = abs(many_e) / np.sqrt(1 + many_k**2)  # (N,)

# Check
assert np.allclose(many_a, abs(many_e * np.sin(np.arctan(many_k))))
assert np.allclose(many_b, abs(many_e * np.cos(np.arctan(many_k))))
assert np.allclose(projections(many_e, many_k), (many_a, many_b))

# %% [markdown]
# ## Which part is larger?
#
# Since a/b = |k|, the part across is larger for lines flatter than 45°, and the part along for
# steeper ones. The Lai loss of a sample is the larger of the two, in place of |e|:
#
#     max(a, b) = |e| · max(|sin φ|, |cos φ|) = |e| · max(|k|, 1) / √(1 + k²).
#
# How small can it get? From a² + b² = e², the larger square is at least e²/2, and it equals e²/2
# where a = b. So the loss lies between |e|/√2, at k = ±1, and |e|, at k = 0 and for a vertical
# line.

# %%
slopes = np.array([0.0, 0.75, 1.0, 2.0, -2.0, 10.0])  # (K,)
fractions = np.maximum(abs(slopes), 1) / np.sqrt(1 + slopes**2)  # (K,), of |e|
for slope, fraction in zip(slopes, fractions, strict=True):
    print(f"k = {slope:5.2f}: max(a, b) = {fraction:.4f} |e|")
# > k =  0.00: max(a, b) = 1.0000 |e|
# > k =  0.75: max(a, b) = 0.8000 |e|
# > k =  1.00: max(a, b) = 0.7071 |e|
# > k =  2.00: max(a, b) = 0.8944 |e|
# > k = -2.00: max(a, b) = 0.8944 |e|
# > k = 10.00: max(a, b) = 0.9950 |e|

# Check
assert np.allclose(fractions, np.max(projections(np.ones(6), slopes), axis=0))
assert np.isclose(fractions.min(), 1 / np.sqrt(2))
assert fractions.max() <= 1

# %% [markdown]
# That answers our question. Both lines miss T by |e|, but one now costs 0.8000 |e|, the other
# 0.8944 |e|: the loss prefers a slope, without a term added to it. Two things are odd. The
# preferred angle is 45° for any data; the last section is about this. And k = −2 costs as much as k
# = 2, even if the data increase with x; tutorial 03 shows what follows from this.

# %% [markdown]
# ## The same loss in a rotated frame
#
# Put the origin at P and rotate the axes by φ: u runs along the line, v across it. Seen from P, the
# observation T is at (0, −e). The rotation gives its coordinates in the new frame:
#
#     R = [[ cos φ, sin φ],        (u, v) = R (0, −e) = (−e sin φ, −e cos φ).
#          [−sin φ, cos φ]]
#
# Up to sign they are a and b. So max(a, b) = max(|u|, |v|), the *Chebyshev norm* of the residual in
# the rotated frame. Its *Euclidean norm* √(u² + v²) is |e| in every frame. The Chebyshev norm makes
# the loss depend on the rotation.

# %%
R = np.array([[np.cos(phi), np.sin(phi)], [-np.sin(phi), np.cos(phi)]])  # (2, 2)
u, v = R @ (T - P)
chebyshev = max(abs(u), abs(v))
euclid = np.hypot(u, v)
print(f"(u, v) = ({u:.4f}, {v:.4f}): Chebyshev {chebyshev:.4f}, Euclid {euclid:.4f}")
# > (u, v) = (3.0000, 4.0000): Chebyshev 4.0000, Euclid 5.0000

# Check
assert np.allclose([u, v], [-e * np.sin(phi), -e * np.cos(phi)])
assert np.isclose(chebyshev, max(a, b))
assert np.isclose(euclid, abs(e))

# %% [markdown]
# All points with the same Chebyshev norm in the rotated frame form a square around P. All points
# with the same Euclidean norm form a circle. We add the square and the circle through T to the
# picture. Half the side of the square is the Lai loss.
#
# In the rotated frame the corners are (±1, ±1) times the norm. A column vector is rotated back by
# R⁻¹ = Rᵀ. The corners are row vectors, so they are multiplied by R from the right.

# %%
corners = chebyshev * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]])  # (5, 2), in (u, v)
square = P + corners @ R  # (5, 2), in (x, y)

# Check
assert np.allclose((square - P) @ R.T, corners)

# %%
figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
draw_triangle(axes)
axes.plot(*square.T, color=BLACK, lw=2, label=f"Chebyshev distance {chebyshev:g}")
turn = np.linspace(0, 2 * np.pi, 181)  # (181,)
circle = P + euclid * np.array([np.cos(turn), np.sin(turn)]).T  # (181, 2)
axes.plot(*circle.T, ":", color=BLACK, label=f"Euclidean distance {euclid:g}")
axes.set(xlim=(-3, 18), ylim=(-3, 11))
axes.set_title("The Lai loss is half the side of the rotated square through T")
axes.legend(loc="lower right")
figure.savefig(OUT / "01_chebyshev.png")
print("picture:", (OUT / "01_chebyshev.png").as_posix())
# > picture: tutorials_out/01_chebyshev.png

# %% [markdown]
# ## The Lai loss of one sample, from scratch
#
# The loss that replaces |e| is called Lai MAE. Its square, which replaces e², is Lai MSE:
#
#     Lai MAE  |e| · max(|k|, 1) / √(1 + k²),      Lai MSE  e² · max(k², 1) / (1 + k²).

# %%
mae = abs(e) * max(abs(k), 1) / np.sqrt(1 + k**2)
mse = e**2 * max(k**2, 1) / (1 + k**2)
print(f"Lai MAE {mae:.4f} for |e| = {abs(e):.4f}")
print(f"Lai MSE {mse:.4f} for e² = {e**2:.4f}")
# > Lai MAE 4.0000 for |e| = 5.0000
# > Lai MSE 16.0000 for e² = 25.0000

# %% [markdown]
# `lai_ref.Lai` takes y (N,), t (N,) and k (N, D): one slope per sample and feature, here N = D = 1.
# `order` is 1 for MAE and 2 for MSE. It returns the loss and two derivatives. Tutorial 02 explains
# `lam`, tutorial 05 the derivatives.

# %%
sample = np.array([y]), np.array([t]), np.array([[k]])  # y (1,), t (1,), k (1, 1)
mae_ref, _, _ = Lai(lam=1, order=1)(*sample)
mse_ref, _, _ = Lai(lam=1, order=2)(*sample)

# Check
assert np.isclose(mae, mae_ref)
assert np.isclose(mse, mse_ref)
assert np.isclose(mae, max(a, b))
assert np.isclose(mse, max(a, b) ** 2)

# %% [markdown]
# ## What is 45°, after all?
#
# An angle in the picture depends on the units. Let k be the slope with x in kilometres. With x in
# metres the same model has the slope k/1000: its line looks nearly flat. The slope that the loss
# now prefers is 1 per metre, which is 1000 per kilometre.

# %%
per_km = np.array([0.75, 1.0, 1000.0])  # (3,)
per_m = per_km / 1000  # (3,)
loss_with_km = np.maximum(per_km, 1) / np.sqrt(1 + per_km**2)  # (3,), of |e|
loss_with_m = np.maximum(per_m, 1) / np.sqrt(1 + per_m**2)  # (3,), of |e|
for row in zip(per_km, loss_with_km, loss_with_m, strict=True):
    print("{:7.2f} per km: {:.4f} |e| with x in km, {:.4f} |e| with x in m".format(*row))
# >    0.75 per km: 0.8000 |e| with x in km, 1.0000 |e| with x in m
# >    1.00 per km: 0.7071 |e| with x in km, 1.0000 |e| with x in m
# > 1000.00 per km: 1.0000 |e| with x in km, 0.7071 |e| with x in m

# Check
assert per_km[loss_with_km.argmin()] == 1
assert per_km[loss_with_m.argmin()] == 1000

# %% [markdown]
# A loss that depends on the slope therefore needs a number that sets which slope is preferred.

# %% [markdown]
# ## Next
#
# Tutorial 02 introduces that number, λ, and derives how strongly the loss then acts on the slope.
# You can now read `projections` in `lai_ref/factor.py`; Exercise 3 explains why it clamps k.
#
# **Beyond this paper.** Measuring residuals perpendicular to the model is the idea of *total least
# squares*, for data with errors in x as well as in t (Golub and Van Loan, "An analysis of the total
# least squares problem", SIAM Journal on Numerical Analysis 17, 1980).

# %% [markdown]
# ## Exercise 1: why the larger of the two?
#
# Which slope minimises a alone, and which b alone, for a given residual? And min(a, b)?

# %% [markdown]
# ## Exercise 2: a curve
#
# The model is y = 2 √x. At a point of a curve the tangent replaces the line: k is the derivative at
# x. Compute k, a, b and the Lai MAE for t = 9 at x = 4.

# %% [markdown]
# ## Exercise 3: a very steep line
#
# For k = 1e200, a is |e| to the last digit. What does the formula with 1 + k² give in floating
# point? Rewrite it so that it is right.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** A flat line minimises a, and a vertical line minimises b. Each part is then 0,
# however large the residual is. So min(a, b) is 0 for both lines. The larger part is never below
# |e|/√2, so only a small residual makes it small.

# %%
part_a, part_b = projections(np.ones(2), np.array([0.0, 1e9]))  # (2,), (2,)

# Check
assert np.allclose(part_a, [0, 1])
assert np.allclose(part_b, [1, 0])
assert np.allclose(np.minimum(part_a, part_b), 0)
assert np.allclose(np.maximum(part_a, part_b), 1)

# %% [markdown]
# **Exercise 2.** k = 1/√x, and y = 4, so e = −5 as for the two lines. The larger part is b. The
# curvature does not matter: the loss depends on y and k only.

# %%
k_curve = 1 / np.sqrt(x)
a_curve = 5 * k_curve / np.sqrt(1 + k_curve**2)
b_curve = 5 / np.sqrt(1 + k_curve**2)
mae_curve, _, _ = Lai(lam=1, order=1)(np.array([4.0]), np.array([9.0]), np.array([[k_curve]]))
print(f"k = {k_curve:.4f}, a = {a_curve:.4f}, b = {b_curve:.4f}: Lai MAE {mae_curve:.4f}")
# > k = 0.5000, a = 2.2361, b = 4.4721: Lai MAE 4.4721

# Check
assert np.isclose(k_curve, (2 * np.sqrt(x + 1e-5) - 2 * np.sqrt(x - 1e-5)) / 2e-5)
assert b_curve > a_curve
assert np.isclose(mae_curve, b_curve)

# %% [markdown]
# **Exercise 3.** k² exceeds the largest float and becomes inf, and k/inf is 0. `np.hypot(1, k)`
# computes √(1 + k²) without the square. `clamped` in `lai_ref/support/kink.py` uses another way.
# For |k| > 2³⁰, 1 + k² equals k² to the last digit, so |k|/√(1 + k²) is 1. There it replaces k by
# ±2³⁰, whose square does not overflow.

# %%
with np.errstate(over="ignore"):
    direct = 1e200 / np.sqrt(1 + np.float64(1e200) ** 2)
careful = 1e200 / np.hypot(1, 1e200)
print(f"a/|e|: {direct:.4f} with 1 + k², {careful:.4f} with hypot")
# > a/|e|: 0.0000 with 1 + k², 1.0000 with hypot

# Check
assert direct == 0
assert careful == 1
assert projections([1.0], [1e200])[0][0] == 1
assert 1 + 2.0**60 == 2.0**60
