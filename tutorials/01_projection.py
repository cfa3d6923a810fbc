# %% [markdown]
# # 01 · Projection: what a slope makes of one residual
#
# - **Question:** Why would a loss look at the slope of the model at all?
# - **Prerequisites:** NumPy, sine and cosine.
# - **You will learn to** draw the two projections of a residual, see them as coordinates in a
#   turned frame, and compute the Lai loss of one point from scratch.
# - **Minutes:** 15

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from lai_ref import Lai, projections
from lai_ref.support.terminal import replace_unprintable

replace_unprintable()  # so that no terminal stops it for a λ
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, GREY = "#000000", "#0072B2", "#D55E00", "#777777"

# %% [markdown]
# ## Two lines miss a point by the same amount. Are they equally good?
#
# A model predicts y = f(x), and here f is a straight line with slope k. The target t = 9 was
# observed at x = 4. A flat line, y = 1 + 0.75x, and a steep one, y = −4 + 2x, both predict y = 4
# there, so that the residual
#
#     e = y − t
#
# is the same for both, and with it every loss that is made of e alone, such as |e| or e².
# (The paper writes ŷ for y, y for t, e for |e|, and θ for the angle φ below.)

# %%
x, t = 4.0, 9.0
k_flat, k_steep = 0.75, 2.0
y_flat, y_steep = 1 + k_flat * x, -4 + k_steep * x
e = y_flat - t
assert y_flat == y_steep == 4 and e == -5

# %% [markdown]
# Yet they differ. If x is measured wrongly by δ, the prediction moves by k δ: a slope says how
# sensitive a model is to its input. The residual cannot tell.

# %%
delta = 0.1
change_flat = 1 + k_flat * (x + delta) - y_flat
change_steep = -4 + k_steep * (x + delta) - y_steep
assert np.allclose([change_flat, change_steep], [k_flat * delta, k_steep * delta])
changes = f"{change_flat:.4f} or {change_steep:.4f}"
print(f"|e| = {abs(e):.4f} for both; x + {delta} moves y by {changes}")
# > |e| = 5.0000 for both; x + 0.1 moves y by 0.0750 or 0.2000

# %% [markdown]
# ## How does a line split the residual?
#
# Drop a perpendicular from the observation T = (x, t) onto the flat line. The prediction
# P = (x, y), the foot Q of the perpendicular and T form a right triangle. Its hypotenuse PT is the
# residual and stands upright. Its legs are
#
#     a = |PQ|  along the line,      b = |QT|  across it.
#
# The foot is found by projecting T − P on the direction d of the line, a vector of length 1.

# %%
y, k = y_flat, k_flat
P, T = np.array([x, y]), np.array([x, t])  # (2,), (2,)
d = np.array([1, k]) / np.sqrt(1 + k**2)  # (2,)
Q = P + ((T - P) @ d) * d  # (2,)
a, b = np.linalg.norm(Q - P), np.linalg.norm(T - Q)
assert np.isclose((T - Q) @ d, 0)  # perpendicular indeed
assert np.isclose(a**2 + b**2, e**2)  # Pythagoras

# %% [markdown]
# In its section on curves the paper calls b "the length of the tangent". It means the length of the
# perpendicular, as in its section on lines: only with that does Pythagoras hold.
#
# Let φ be the angle of the line against the horizontal, k = tan φ. The upright side PT and the line
# enclose the angle 90° − φ, and cos(90° − φ) = sin φ, so that
#
#     a = |e| |sin φ|,      b = |e| |cos φ|.
#
# The bars around the sine are for falling lines, k < 0: lengths are never negative.

# %%
phi = np.arctan(k)
assert np.isclose(a, abs(e) * abs(np.sin(phi)))
assert np.isclose(b, abs(e) * abs(np.cos(phi)))
print(f"φ = {np.degrees(phi):.4f}°: a = {a:.4f} along, b = {b:.4f} across")
# > φ = 36.8699°: a = 3.0000 along, b = 4.0000 across

figure, axes = plt.subplots(figsize=(7.5, 5), layout="constrained")
axes.axline(P, slope=k, color=GREY, label=f"the model, k = {k}")
axes.plot(*np.transpose([P, T]), "--", color=BLACK, label=f"residual, |e| = {abs(e):g}")
axes.plot(*np.transpose([P, Q]), color=BLUE, lw=4, label=f"along, a = {a:.4g}")
axes.plot(*np.transpose([Q, T]), color=RED, lw=4, label=f"across, b = {b:.4g}")
axes.plot(*P, "o", color=GREY, zorder=3, label="prediction P")
axes.plot(*T, "s", color=BLACK, zorder=3, label="observation T")
for name, at, offset in (("P", P, (-14, 4)), ("Q", Q, (6, -12)), ("T", T, (-10, 8))):
    axes.annotate(name, at, xytext=offset, textcoords="offset points")
axes.plot([x, x + 1.5], [y, y], ":", color=GREY)  # the horizontal, and from it φ
axes.plot(x + np.cos(np.linspace(0, phi, 30)), y + np.sin(np.linspace(0, phi, 30)), color=GREY)
axes.annotate("φ", P + 1.15 * np.array([np.cos(phi / 2), np.sin(phi / 2)]), va="center")
axes.set(xlim=(0, 10), ylim=(2, 10), aspect="equal")
axes.set(xlabel="input x (units of x)", ylabel="target t, prediction y (units of y)")
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
# This is what `lai_ref.projections` computes, for many points at once.

# %%
rng = np.random.default_rng(0)
many_e, many_k = rng.normal(size=1000), rng.normal(size=1000)  # (N,), (N,)
many_a = abs(many_e) * abs(many_k) / np.sqrt(1 + many_k**2)  # (N,)
many_b = abs(many_e) / np.sqrt(1 + many_k**2)  # (N,)
assert np.allclose(many_a, abs(many_e * np.sin(np.arctan(many_k))))
assert np.allclose(many_b, abs(many_e * np.cos(np.arctan(many_k))))
assert np.allclose(projections(many_e, many_k), (many_a, many_b))

# %% [markdown]
# ## Which part is larger?
#
# Since a/b = |k|, the part across is larger for lines flatter than 45°, the part along for steeper
# ones. The Lai loss of a point is the larger of the two, in place of |e|:
#
#     max(a, b) = |e| · max(|sin φ|, |cos φ|) = |e| · max(|k|, 1) / √(1 + k²).
#
# How small can it get? From a² + b² = e² the larger square is at least e²/2, and just that where
# a = b. So the loss lies between |e|/√2, at k = ±1, and |e|, at k = 0 and for an upright line.

# %%
for slope in (0.0, 0.75, 1.0, 2.0, -2.0, 10.0):
    fraction = np.max(projections([1.0], [slope]))  # of |e| = 1
    assert np.isclose(fraction, max(abs(slope), 1) / np.sqrt(1 + slope**2))
    assert 1 / np.sqrt(2) - 1e-12 <= fraction <= 1
    print(f"k = {slope:5.2f}: max(a, b) = {fraction:.4f} |e|")
# > k =  0.00: max(a, b) = 1.0000 |e|
# > k =  0.75: max(a, b) = 0.8000 |e|
# > k =  1.00: max(a, b) = 0.7071 |e|
# > k =  2.00: max(a, b) = 0.8944 |e|
# > k = -2.00: max(a, b) = 0.8944 |e|
# > k = 10.00: max(a, b) = 0.9950 |e|

# %% [markdown]
# That answers our question. Both lines miss T by |e|, but one now costs 0.8000 |e|, the other
# 0.8944 |e|: the residual itself prefers a slope, without a term added to the loss. Two things are
# odd: the preference is for 45°, whatever the data say, and −2 costs what 2 costs.

# %% [markdown]
# ## The same loss in a turned frame
#
# Put the origin at P and turn the axes by φ: u runs along the line, v across it. In the old frame T
# is (0, −e) away from P. Its coordinates in the new one follow by the rotation
#
#     R = [[ cos φ, sin φ],        (u, v) = R (0, −e) = (−e sin φ, −e cos φ).
#          [−sin φ, cos φ]]
#
# Up to sign they are a and b. So max(a, b) = max(|u|, |v|), the *Chebyshev* length of the residual
# in the turned frame. Its *Euclidean* length √(u² + v²) is |e| in every frame. Measuring by
# Chebyshev is what makes the loss notice that the frame has turned.

# %%
R = np.array([[np.cos(phi), np.sin(phi)], [-np.sin(phi), np.cos(phi)]])  # (2, 2)
u, v = R @ (T - P)
chebyshev, euclid = max(abs(u), abs(v)), np.hypot(u, v)
assert np.allclose([u, v], [-e * np.sin(phi), -e * np.cos(phi)])
assert np.isclose(chebyshev, max(a, b)) and np.isclose(euclid, abs(e))
print(f"(u, v) = ({u:.4f}, {v:.4f}): Chebyshev {chebyshev:.4f}, Euclid {euclid:.4f}")
# > (u, v) = (3.0000, 4.0000): Chebyshev 4.0000, Euclid 5.0000

# %% [markdown]
# All places at one Chebyshev length from P form a square, all at one Euclidean length a circle. We
# add those through T to the picture. Half the side of the square is the Lai loss.

# %%
corners = chebyshev * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1], [1, 1]])  # (5, 2), in (u, v)
square = P + corners @ R  # (5, 2), in (x, y): rows times R turn back, for R⁻¹ = Rᵀ
assert np.allclose((square - P) @ R.T, corners)
turns = np.linspace(0, 2 * np.pi, 181)
axes.plot(*square.T, color=BLACK, lw=2, label=f"Chebyshev length {chebyshev:g}")
axes.plot(x + euclid * np.cos(turns), y + euclid * np.sin(turns), ":", color=BLACK)
axes.lines[-1].set_label(f"Euclidean length {euclid:g}")
axes.set(xlim=(-3, 18), ylim=(-3, 11))
axes.set_title("The Lai loss is half the side of the turned square through T")
axes.legend(loc="lower right")
figure.savefig(OUT / "01_chebyshev.png")
plt.close(figure)
print("picture:", (OUT / "01_chebyshev.png").as_posix())
# > picture: tutorials_out/01_chebyshev.png

# %% [markdown]
# ## The Lai loss of one point, from scratch
#
# The loss that replaces |e| is called Lai MAE; its square, which replaces e², is Lai MSE:
#
#     Lai MAE  |e| · max(|k|, 1) / √(1 + k²),      Lai MSE  e² · max(k², 1) / (1 + k²).
#
# `lai_ref.Lai` takes y (N,), t (N,) and k (N, D), a slope for each of N points and D features, here
# N = D = 1. `order` is 1 for MAE, 2 for MSE; `lam` and the two derivatives returned can wait.

# %%
mae = abs(e) * max(abs(k), 1) / np.sqrt(1 + k**2)
mse = e**2 * max(k**2, 1) / (1 + k**2)
assert np.allclose([mae, mse], [max(a, b), max(a, b) ** 2])
for order, expected in ((1, mae), (2, mse)):
    value, _, _ = Lai(lam=1, order=order)(np.array([y]), np.array([t]), np.array([[k]]))
    assert np.isclose(value, expected)
print(f"Lai MAE {mae:.4f} for |e| = {abs(e):.4f}; Lai MSE {mse:.4f} for e² = {e**2:.4f}")
# > Lai MAE 4.0000 for |e| = 5.0000; Lai MSE 16.0000 for e² = 25.0000

# %% [markdown]
# ## What is 45°, after all?
#
# An angle in the picture depends on the units. Let k be per kilometre. Per metre it is k/1000 for
# the same model: the line looks nearly flat. Now 1 per metre is preferred, 1000 per kilometre.

# %%
per_km = np.array([0.75, 1.0, 1000.0])  # (3,)
per_m = per_km / 1000
with_km = np.maximum(per_km, 1) / np.sqrt(1 + per_km**2)
with_m = np.maximum(per_m, 1) / np.sqrt(1 + per_m**2)
assert per_km[with_km.argmin()] == 1 and per_km[with_m.argmin()] == 1000
for row in zip(per_km, with_km, with_m, strict=True):
    print("{:7.2f} per km: {:.4f} |e| with x in km, {:.4f} |e| with x in m".format(*row))
# >    0.75 per km: 0.8000 |e| with x in km, 1.0000 |e| with x in m
# >    1.00 per km: 0.7071 |e| with x in km, 1.0000 |e| with x in m
# > 1000.00 per km: 1.0000 |e| with x in km, 0.7071 |e| with x in m

# %% [markdown]
# A loss that looks at the slope needs a number that says which slope is meant.

# %% [markdown]
# ## Next
#
# Tutorial 02 brings that number, λ, and derives how hard the loss then pulls at the slope. You can
# now read `projections` in `lai_ref/factor.py`; Exercise 3 explains why it clamps k.

# %% [markdown]
# ## Exercise 1: why the larger of the two?
#
# Which slope would a loss of a alone prefer, which a loss of b alone, for a given residual? And
# min(a, b)?

# %% [markdown]
# ## Exercise 2: a curve
#
# The model is y = 2 √x. At a point of a curve the tangent takes the part of the line: k is the
# derivative at x. Compute k, a, b and the Lai MAE for t = 9 at x = 4.

# %% [markdown]
# ## Exercise 3: a very steep line
#
# For k = 1e200, a is |e| to the last digit. What does the formula with 1 + k² say in floating
# point? Rewrite it so that it holds.

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers

# %% [markdown]
# Exercise 1. a alone vanishes for a flat line, b alone for an upright one, whatever the data, and
# the smaller for both. The larger is never below |e|/√2: only a small residual makes it small.

# %%
part_a, part_b = projections(np.ones(2), np.array([0.0, 1e9]))  # (2,), (2,)
assert np.allclose(part_a, [0, 1]) and np.allclose(part_b, [1, 0])
assert np.allclose(np.minimum(part_a, part_b), 0) and np.allclose(np.maximum(part_a, part_b), 1)

# %% [markdown]
# Exercise 2. k = 1/√x, and y = 4, so e = −5 as before. The larger part is b. How the curve bends
# does not matter: the loss sees only y and k.

# %%
k_curve = 1 / np.sqrt(x)
assert np.isclose(k_curve, (2 * np.sqrt(x + 1e-5) - 2 * np.sqrt(x - 1e-5)) / 2e-5)
a_curve, b_curve = 5 * k_curve / np.sqrt(1 + k_curve**2), 5 / np.sqrt(1 + k_curve**2)
value, _, _ = Lai(lam=1, order=1)(np.array([4.0]), np.array([9.0]), np.array([[k_curve]]))
assert np.isclose(value, b_curve) and b_curve > a_curve
print(f"k = {k_curve:.4f}, a = {a_curve:.4f}, b = {b_curve:.4f}: Lai MAE {value:.4f}")
# > k = 0.5000, a = 2.2361, b = 4.4721: Lai MAE 4.4721

# %% [markdown]
# Exercise 3. k² is beyond the largest float and becomes inf, and k/inf is 0. `np.hypot(1, k)` finds
# √(1 + k²) without the square. `clamped` in `lai_ref/support/kink.py` has another way: for k > 2³⁰,
# 1 + k² is k² to the last digit, so that 1/k may stand for cos φ.

# %%
with np.errstate(over="ignore"):
    bare = 1e200 / np.sqrt(1 + np.float64(1e200) ** 2)
careful = 1e200 / np.hypot(1, 1e200)
assert bare == 0 and careful == projections([1.0], [1e200])[0][0] == 1
assert 1 + 2.0**60 == 2.0**60
print(f"a/|e| bare {bare:.4f}, with hypot {careful:.4f}")
# > a/|e| bare 0.0000, with hypot 1.0000
