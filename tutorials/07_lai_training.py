# %% [markdown]
# # 07 · Lai Training: for a few samples, and after pretraining
#
# - **Question:** The factor F is the same for k and −k. How can a network be trained with it?
# - **Prerequisites:** Tutorials 03, 05 and 06; mean, variance and covariance.
# - **You will learn to** write the training loop from scratch, predict which lines end in the
#   spurious minimum, derive for which α it vanishes, and see where no training helps.
# - **Minutes:** 60

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

replace_unprintable()  # a terminal that lacks λ prints another character
OUT = Path("tutorials_out")
OUT.mkdir(exist_ok=True)
BLACK, BLUE, RED, ORANGE, GREY = "#000000", "#0072B2", "#D55E00", "#E69F00", "#777777"

# %% [markdown]
# ## What is Lai Training?
#
# *Lai Training* (paper §5) begins with the plain loss, here MSE. After this *pretraining*, a random
# fraction α of the samples gets the Lai loss, and the rest keeps the plain loss. We write the loop
# in three parts: the loss of a batch, the step of the optimiser, and the loop over the epochs. A
# *batch* is the set of samples that makes one step, and an *epoch* is one pass over all samples.
#
# The data are N = 128 noisy samples of the curve 1.5 sin 2x. The network has 16 tanh units.


# %%
def curve_data(seed):
    """Inputs (N, 1) and targets (N,): noisy samples of the curve."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (128, 1))  # (N, 1)
    noise = rng.uniform(-2.5, 2.5, 128)  # (N,)
    t = 1.5 * np.sin(2 * x[:, 0]) + noise  # (N,)
    return x, t


net = MLP((1, 16, 1), "tanh")
x, t = curve_data(0)  # (N, 1), (N,)

# %% [markdown]
# ## What is the loss of a batch in which some samples get the Lai loss?
#
# Let c_i be 1 for a sample of the batch that gets the Lai loss, else 0 (`is_lai` in code). With one
# feature both losses are means over their samples. Of the n samples of the batch, n_plain get the
# plain loss and n_lai the Lai loss. Weighted by these numbers, the losses add up to
#
#     L = (n_plain · plain + n_lai · lai)/n = (1/n) Σ_i e_i² g_i      g_i = 1 + c_i (F(k_i; λ) − 1)
#
# The *loss gradients* ȳ and k̄ are the derivatives of L with respect to the outputs y and the input
# gradients k. They are those of the Lai loss in tutorial 05, with g in place of F:
#
#     ȳ_i = ∂L/∂y_i = 2 e_i g_i/n      k̄_i = ∂L/∂k_i = c_i e_i² F'(k_i; λ)/n
#
# The double backward pass of tutorial 05 computes θ̄ = ∂L/∂θ from them.


# %%
def mixed_loss(theta, x, t, is_lai, lam):
    """L of a batch and its gradient θ̄ (P,)."""
    n = len(x)
    y, tape = net.forward(theta, x)  # (n,)
    k, k_tape = net.input_gradient(tape)  # (n, 1)
    e = y - t  # (n,)
    F = lai_factor(k[:, 0], lam)  # (n,)
    dF = lai_factor_derivative(k[:, 0], lam)  # (n,)
    g = 1 + is_lai * (F - 1)  # (n,)
    L = (e**2 * g).mean()
    dy = 2 * e * g / n  # (n,)
    dk = is_lai * e**2 * dF / n  # (n,)
    grad = net.double_backward(k_tape, dy, dk[:, None])  # (P,)
    return L, grad


# %% [markdown]
# In `lai_ref`, `value_and_grad_mixed` computes both. We compare it with `mixed_loss` for a batch of
# 64 samples. First 16 of them get the Lai loss with λ = 0.1, then none.

# %%
theta = net.init(np.random.default_rng(1))  # (P,)
x_batch, t_batch = x[:64], t[:64]  # (n, 1), (n,)
first_16 = np.arange(64) < 16  # (n,)
no_sample = np.zeros(64, bool)  # (n,)
L, grad = mixed_loss(theta, x_batch, t_batch, first_16, 0.1)
L_plain, grad_plain = mixed_loss(theta, x_batch, t_batch, no_sample, 0.1)
print(f"L = {L:.4f} if 16 of the 64 samples get the Lai loss, {L_plain:.4f} if none does")
# > L = 9.2761 if 16 of the 64 samples get the Lai loss, 4.9549 if none does

# Check
plain, lai = Plain(2), Lai(0.1)
L_ref, grad_ref = value_and_grad_mixed(net, theta, x_batch, t_batch, plain, lai, first_16)
assert np.isclose(L, L_ref)
assert np.allclose(grad, grad_ref)
L_plain_ref, grad_plain_ref = value_and_grad_mixed(
    net, theta, x_batch, t_batch, plain, lai, no_sample
)
assert np.isclose(L_plain, L_plain_ref)
assert np.allclose(grad_plain, grad_plain_ref)

# %% [markdown]
# ## What does Adam do with a gradient?
#
# The optimiser is *Adam*. It divides each component of the gradient by the magnitude that this
# component usually has. To this end it stores running means, m of the gradient and v of its square.
# Both begin at 0 and are at first too small, which m̂ and v̂ correct:
#
#     m ← β₁ m + (1 − β₁) grad       m̂ = m/(1 − β₁^step)
#     v ← β₂ v + (1 − β₂) grad²      v̂ = v/(1 − β₂^step)
#     θ ← θ − lr · m̂/(√v̂ + ε)
#
# Here grad is the gradient θ̄, and `step` is the number of the step, from 1. If grad is the same in
# every step, m is (1 − β₁^step) grad, so that m̂ is grad. The constants β₁ = 0.9 and β₂ = 0.999 set
# how far back the means reach. ε = 1e-8 prevents a division by 0, and lr is the learning rate.
#
# In the first step m̂ = grad and v̂ = grad². So every parameter changes by lr, whatever the
# magnitude of its derivative (if this is far above ε).

# %%
beta_1, beta_2 = 0.9, 0.999
eps = 1e-8
lr = 0.05


def adam_step(theta, m, v, step, grad):
    """θ, m and v, each (P,), after step number `step`."""
    m = beta_1 * m + (1 - beta_1) * grad
    v = beta_2 * v + (1 - beta_2) * grad**2
    m_hat = m / (1 - beta_1**step)
    v_hat = v / (1 - beta_2**step)
    theta = theta - lr * m_hat / (np.sqrt(v_hat) + eps)
    return theta, m, v


zeros = np.zeros_like(theta)  # (P,)
theta_1, m_1, v_1 = adam_step(theta, zeros, zeros, 1, grad)
change = abs(theta_1 - theta)  # (P,)
print(f"the first step changes each parameter by {change.min():.4f} to {change.max():.4f}")
# > the first step changes each parameter by 0.0500 to 0.0500

# Check
optimizer = Adam(lr=0.05)
theta_1_ref, state_1_ref = optimizer.step(theta, grad, optimizer.init(theta))
assert np.allclose(theta_1, theta_1_ref)
assert np.allclose(m_1, state_1_ref.m)
assert np.allclose(v_1, state_1_ref.v)

# %% [markdown]
# ## The loop over the epochs
#
# At the start of each epoch the loop permutes the samples and splits them into two batches. Each
# sample gets the Lai loss with probability α, drawn anew in every epoch. Each batch makes one step.
# Here are ten epochs, the first five of them pretraining (α = 0).

# %%
rng = np.random.default_rng(1)
theta = net.init(rng)  # (P,)
m, v = np.zeros_like(theta), np.zeros_like(theta)  # (P,), (P,)
step = 0
for epoch in range(1, 11):
    alpha = 0.25 if epoch > 5 else 0.0
    perm = rng.permutation(128)  # (N,)
    is_lai = rng.random(128) < alpha  # (N,)
    for batch in np.split(perm, 2):  # the indices of n = 64 samples
        step += 1
        _, grad = mixed_loss(theta, x[batch], t[batch], is_lai[batch], 0.1)
        theta, m, v = adam_step(theta, m, v, step, grad)
print("θ from scratch", theta[:3].round(4), "after", step, "steps")
# > θ from scratch [ 0.2205  0.3705 -0.1326] after 20 steps

# %% [markdown]
# `lai_training` is this loop. It yields one record per epoch, with the state after that epoch. A
# starred assignment takes the last of the records.

# %%
settings = {"batch_size": 64, "optimizer": Adam(lr=0.05), "sampling": "points"}
run = lai_training(
    net,
    x,
    t,
    loss=Lai(0.1),
    alpha=0.25,
    pretrain_epochs=5,
    lai_epochs=5,
    rng=np.random.default_rng(1),
    **settings,
)
*_, last = run
theta_ref = last.state.theta  # (P,)
print("θ by lai_training", theta_ref[:3].round(4))
# > θ by lai_training [ 0.2205  0.3705 -0.1326]

# Check
assert np.allclose(theta, theta_ref, rtol=1e-6, atol=1e-9)

# %% [markdown]
# ## Which lines end in the spurious minimum?
#
# In tutorial 03 a descent from k = −3 ended at −κ, the kink with the wrong sign. The Lai loss has a
# *spurious minimum* there: a local minimum that is not the lowest one. We call it *the trap*. The
# starts from which a descent ends in it are its *basin*. Where is the boundary of the basin?
#
# Let V_x and V_t be the variances of x and t, C their covariance, and λ = 1. With the best
# intercept, the mean square of the residuals is the variance of t − kx, V_t − 2Ck + V_x k². Between
# the kinks, −1 < k < 1, F = 1/(1 + k²). So
#
#     L(k)  = (V_t − 2Ck + V_x k²)/(1 + k²)
#     L'(k) = 2 (Ck² + (V_x − V_t) k − C)/(1 + k²)²
#
# The quadratic Ck² + (V_x − V_t) k − C has two roots, and their product is −C/C = −1. Let C > 0 and
# V_t > V_x, and let K be the positive root. At k = 1 the quadratic is V_x − V_t < 0, so K > 1. The
# other root, −1/K, therefore lies between the kinks. L rises up to −1/K and falls after it. Left of
# −1, both the mean square and F fall. So a descent that starts left of −1/K ends at −κ = −1.
#
# (The fraction above, taken for all k, is the mean square perpendicular distance of the data from
# the line. So K is the slope of the *total least squares* line, which minimises this distance.)
#
# To check this, we search for the maximum of L between −1 and 0 on a grid of M slopes.


# %%
def line_data(seed):
    """Inputs (64, 1) and targets (64,): noisy samples of the line 3x."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (64, 1))
    noise = rng.uniform(-4, 4, 64)
    t = 3 * x[:, 0] + noise
    return x, t


def basin_boundary(x, t):
    """−1/K, the slope at which L has its maximum."""
    (V_x, C), (_, V_t) = np.cov(x[:, 0], t)
    return (V_t - V_x - np.hypot(V_t - V_x, 2 * C)) / (2 * C)


# Check
k_between = np.linspace(-1, 0, 1001)  # (M,)
for seed in range(20):
    x_line, t_line = line_data(seed)
    assert t_line.var() > x_line.var()
    assert np.cov(x_line[:, 0], t_line)[0, 1] > 0
    residuals = t_line - k_between[:, None] * x_line[:, 0]  # (M, 64)
    L_between = residuals.var(axis=1) / (1 + k_between**2)  # (M,), for the best intercept
    assert abs(k_between[L_between.argmax()] - basin_boundary(x_line, t_line)) < 0.002

# %% [markdown]
# The first slope of a line is drawn at random, k ~ N(0, 1). So we can predict which runs end in the
# trap. We do so for twenty lines, each with 64 samples of its own.

# %%
line = MLP((1, 1))  # θ: the slope and the intercept


def starts_in_basin(seed):
    """Whether the first slope of this line is left of the boundary."""
    first_slope = line.init(np.random.default_rng(seed))[0]
    return first_slope < basin_boundary(*line_data(seed))


predicted = np.array([starts_in_basin(seed) for seed in range(20)])  # (20,)
print(f"{predicted.sum()} of 20 lines start in the basin of the trap")
# > 9 of 20 lines start in the basin of the trap

# Check
assert predicted.sum() > 4

# %% [markdown]
# Now we train the lines in three ways. Two of them begin without pretraining: one with α = 1, the
# other with α = 0.1. The third has α = 1 after pretraining. A batch contains all 64 samples, so an
# epoch is one step.


# %%
def final_slope(seed, mse_epochs, alpha):
    """k of this line after `mse_epochs` epochs of MSE and 40 epochs with the fraction α."""
    x, t = line_data(seed)
    *_, last = lai_training(
        line,
        x,
        t,
        loss=Lai(1.0),
        alpha=alpha,
        sampling="points",
        pretrain_epochs=mse_epochs,
        lai_epochs=40,
        batch_size=64,
        optimizer=Adam(lr=0.15),
        rng=np.random.default_rng(seed),
    )
    return last.state.theta[0]


line_methods = [(0, 1.0), (0, 0.1), (40, 1.0)]  # (epochs of MSE, then α)
trapped = {}  # method: (20,)
for mse_epochs, alpha in line_methods:
    ends = np.array([final_slope(seed, mse_epochs, alpha) for seed in range(20)])  # (20,)
    trapped[mse_epochs, alpha] = ends < 0
    print(f"{mse_epochs:2} epochs of MSE, then α = {alpha}: {sum(ends < 0):2} of 20 end with k < 0")
n_right = (trapped[0, 1.0] == predicted).sum()
print(f"for α = 1 without pretraining, the prediction is right for {n_right} of 20")
# >  0 epochs of MSE, then α = 1.0:  9 of 20 end with k < 0
# >  0 epochs of MSE, then α = 0.1:  0 of 20 end with k < 0
# > 40 epochs of MSE, then α = 1.0:  0 of 20 end with k < 0
# > for α = 1 without pretraining, the prediction is right for 20 of 20

# Check
assert n_right >= 18
assert not trapped[0, 0.1].any()
assert not trapped[40, 1.0].any()

# %% [markdown]
# ## Why does a small α help?
#
# On the line each of the paper's two remedies works alone. Pretraining moves the starting point to
# the correct side. A small α removes the spurious minimum: L is linear in c_i, which is 1 with
# probability α, so in expectation
#
#     E L = (1/n) Σ_i e_i² G(k_i)      G(k) = E g = 1 + α (F(k; λ) − 1)
#
# The data of tutorial 03 are t = 3x + 4 + s u. There x is uniform between −X and X, and u between
# −1 and 1. With the best intercept E e² is X² (d² + σ²)/3, where d = 3 − k and σ = s/X. A line has
# the same slope at every sample. In expectation over the data too, its loss is therefore
#
#     L(k) = (d² + σ²) G(k) X²/3
#
# and the derivative of log L is
#
#     L'/L = α F'/G − q      q = 2d/(d² + σ²)
#
# Left of −κ, F' < 0, so L falls. From −κ to 0, F' > 0. If L rises anywhere there, it has a local
# minimum left of that place. So there is no trap if L' < 0 from −κ to 0. Put G into this condition:
#
#     α F' < q G = q + α q (F − 1)
#     α (F' + q (1 − F)) < q
#
# For λ ≤ 1 the bracket is positive, since F ≤ 1 there. The condition must hold for every k:
#
#     α < α_max = min over −κ < k < 0 of  q/(F' + q (1 − F))

# %%
sigma = 4.0  # noise ±4 and x in ±1
k_basin = np.linspace(-1, 0, 4001)[1:-1]  # (M,), from −κ to 0 for λ = 1
d = 3 - k_basin  # (M,)
q = 2 * d / (d**2 + sigma**2)  # (M,)
F = lai_factor(k_basin, 1.0)  # (M,)
dF = lai_factor_derivative(k_basin, 1.0)  # (M,)
alpha_max = (q / (dF + q * (1 - F))).min()
print(f"λ = 1, noise ±4: no trap for α < α_max = {alpha_max:.3f}")
# > λ = 1, noise ±4: no trap for α < α_max = 0.347

# %% [markdown]
# To check this, we compute the loss on a grid left of k = 0. There it should rise somewhere only if
# α > α_max. We take α = 1, 0.6 and 0.1, and two α that differ from α_max by 2%.

# %%
k_left = np.linspace(-3, 0, 6001)  # (M,)


def expected_loss(k, alpha):
    """L of a line with slope k, in units of X²/3."""
    G = 1 + alpha * (lai_factor(k, 1.0) - 1)
    return ((3 - k) ** 2 + sigma**2) * G


# Check
for alpha in (1.0, 0.6, 1.02 * alpha_max, 0.98 * alpha_max, 0.1):
    rises = np.diff(expected_loss(k_left, alpha)) > 0
    assert rises.any() == (alpha > alpha_max)

# %%
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
curves = [
    ("α = 1.0", 1.0, RED, "-"),
    ("α = 0.6", 0.6, ORANGE, "--"),
    (f"α = α_max = {alpha_max:.2f}", alpha_max, GREY, "-."),
    ("α = 0.1", 0.1, BLUE, ":"),
]
for name, alpha, color, style in curves:
    ratio = expected_loss(k_left, alpha) / expected_loss(0.0, alpha)
    axes.plot(k_left, ratio, style, color=color, lw=2, label=name)
axes.axvline(-1, color=BLACK, lw=0.8, label="kink, k = −κ = −1")
axes.set(xlabel="slope k (y per x)", ylabel="loss, as a multiple of that at k = 0")
axes.set(ylim=(0.5, 2.25))
axes.set_title(f"Line, λ = 1: the minimum at −1 vanishes for α < {alpha_max:.2f}")
axes.legend()
figure.savefig(OUT / "07_lai_training.png")
print("picture:", (OUT / "07_lai_training.png").as_posix())
# > picture: tutorials_out/07_lai_training.png

# %% [markdown]
# ## And a network on a curve?
#
# The input gradient k of a network differs from x to x. The derivative of our curve, 1.5 sin 2x, is
# 3 cos 2x. We compare the signs of the two on a grid of x, only where the curve is steeper than 1.
# We say that a run has *wrong signs* if more than a quarter of these k have the wrong sign.

# %%
grid = np.linspace(-2, 2, 81)  # (M,)
true_y = 1.5 * np.sin(2 * grid)  # (M,)
true_k = 3 * np.cos(2 * grid)  # (M,)
is_steep = abs(true_k) > 1  # (M,)


def k_on_grid(theta):
    """The network's input gradient on the grid, (M,)."""
    _, tape = net.forward(theta, grid[:, None])
    k, _ = net.input_gradient(tape)  # (M, 1)
    return k[:, 0]


# %% [markdown]
# A method is a pair: the number of epochs with MSE, and the α of the 25 epochs after them. Runs
# with the same random seed have the same data, initial parameters and batches. Those with
# pretraining share the pretrained state too, which we compute once per random seed. They train
# twice as long as the others.


# %%
def pretrain(seed):
    """The state of the network after 25 epochs of MSE."""
    x, t = curve_data(seed)
    *_, last = lai_training(
        net,
        x,
        t,
        loss=Plain(2),
        pretrain_epochs=25,
        lai_epochs=0,
        rng=np.random.default_rng([seed, 1]),
        **settings,
    )
    return last.state


pretrained = {seed: pretrain(seed) for seed in range(6)}


def final_theta(seed, method, lam):
    """The parameters (P,) at the end of a run."""
    mse_epochs, alpha = method
    x, t = curve_data(seed)
    *_, last = lai_training(
        net,
        x,
        t,
        loss=Lai(lam),
        alpha=alpha,
        pretrain_epochs=mse_epochs,
        lai_epochs=25,
        rng=np.random.default_rng([seed, 1]),
        resume_from=pretrained[seed] if mse_epochs else None,
        **settings,
    )
    return last.state.theta


def train_one(seed, method, lam):
    """The fraction of wrong signs, and the mean |k|, at the end of a run."""
    k = k_on_grid(final_theta(seed, method, lam))  # (M,)
    is_wrong = k * true_k <= 0  # (M,)
    wrong_fraction = is_wrong[is_steep].mean()
    mean_abs_k = abs(k).mean()
    return wrong_fraction, mean_abs_k


# %% [markdown]
# Five methods, three λ and six random seeds make 90 runs.

# %%
lams = [1.0, 0.1, 0.01]
alphas = [1.0, 0.1, 0.01]
methods = [(0, 1.0), (0, 0.01), (25, 1.0), (25, 0.1), (25, 0.01)]  # (epochs of MSE, then α)
wrong_by_seed = {}  # (method, λ): (6,), one number per random seed
k_by_seed = {}  # (method, λ): (6,)
n_wrong = {}  # (method, λ): the number of runs with wrong signs
for method in methods:
    for lam in lams:
        results = []
        for seed in range(6):
            results.append(train_one(seed, method, lam))
        wrong_by_seed[method, lam], k_by_seed[method, lam] = np.transpose(results)
        n_wrong[method, lam] = int((wrong_by_seed[method, lam] > 0.25).sum())

print("runs with wrong signs, of 6, for λ =", lams)
for method in methods:
    mse_epochs, alpha = method
    counts = [n_wrong[method, lam] for lam in lams]
    print(f"{mse_epochs:2} epochs of MSE, then α = {alpha:4}: {counts}")
# > runs with wrong signs, of 6, for λ = [1.0, 0.1, 0.01]
# >  0 epochs of MSE, then α =  1.0: [3, 4, 5]
# >  0 epochs of MSE, then α = 0.01: [0, 0, 2]
# > 25 epochs of MSE, then α =  1.0: [0, 6, 3]
# > 25 epochs of MSE, then α =  0.1: [0, 1, 5]
# > 25 epochs of MSE, then α = 0.01: [0, 0, 1]

# Check
for lam in lams:
    assert n_wrong[(0, 1.0), lam] > 1
assert n_wrong[(0, 0.01), 1.0] == 0
assert n_wrong[(0, 0.01), 0.1] == 0

# %% [markdown]
# ## Why does pretraining not always help?
#
# λ = 1 repeats what we saw on the line: each of the two remedies is enough alone. With a smaller λ
# pretraining alone is not enough. With λ = 0.01 even both together do not save every run. The
# reason is not the starting point: the loss itself may be lower for a flat function than for the
# true curve.
#
# In expectation the loss of the true curve is the variance of the noise, 2.5²/3, times the mean of
# G. For a constant function k = 0, so that F = 1 and G = 1. Its loss is the variance of the noise
# plus the variance of the curve.
#
# Where the constant has the lower loss, training lowers |k| even if k was right after pretraining.
# If the network becomes nearly flat, some k change sign.

# %%
noise_variance = 2.5**2 / 3
loss_of_flat = noise_variance + true_y.var()
loss_of_curve = {}  # (α, λ): one number
for alpha in alphas:
    for lam in lams:
        G = 1 + alpha * (lai_factor(true_k, lam) - 1)  # (M,)
        loss_of_curve[alpha, lam] = noise_variance * G.mean()

print(f"loss of a constant {loss_of_flat:.1f}, and of the true curve for λ =", lams)
for alpha in alphas:
    of_curve = [f"{loss_of_curve[alpha, lam]:6.1f}" for lam in lams]
    print(f"α = {alpha:4}:", *of_curve)
# > loss of a constant 3.1, and of the true curve for λ = [1.0, 0.1, 0.01]
# > α =  1.0:    1.7   15.2  151.0
# > α =  0.1:    2.0    3.4   17.0
# > α = 0.01:    2.1    2.2    3.6

# %% [markdown]
# We compare this with the table of runs. After pretraining, no run has wrong signs where the true
# curve has the lower loss. At least two of six have them where its loss is more than four times the
# loss of the constant.

# %%
# Check
assert np.isclose(np.linspace(-2.5, 2.5, 10001).var(), noise_variance, rtol=1e-3)
for alpha in alphas:
    for lam in lams:
        if loss_of_curve[alpha, lam] < loss_of_flat:
            assert n_wrong[(25, alpha), lam] == 0
        if loss_of_curve[alpha, lam] > 4 * loss_of_flat:
            assert n_wrong[(25, alpha), lam] >= 2

# %% [markdown]
# ## Trapped, or flattened?
#
# A run can have wrong signs for two reasons. It may be in the trap: then its |k| is close to the
# kink √λ. Or the network may be nearly flat: then its k have any sign. We look at the mean |k|,
# which is about 2 for the curve.

# %%
print(f"mean |k| of the curve {abs(true_k).mean():.2f}")
k_if_wrong = {}  # λ: the mean |k| of each run with wrong signs
for lam in lams:
    of_runs = []
    for method in methods:
        has_wrong_signs = wrong_by_seed[method, lam] > 0.25  # (6,)
        of_runs.extend(k_by_seed[method, lam][has_wrong_signs])
    k_if_wrong[lam] = np.array(of_runs)
    n_runs = f"{len(of_runs):2} of 30 runs have wrong signs"
    print(f"λ = {lam:4}: {n_runs}, mean |k| from {min(of_runs):.2f} to {max(of_runs):.2f}")
# > mean |k| of the curve 2.07
# > λ =  1.0:  3 of 30 runs have wrong signs, mean |k| from 0.95 to 0.97
# > λ =  0.1: 11 of 30 runs have wrong signs, mean |k| from 0.09 to 0.28
# > λ = 0.01: 16 of 30 runs have wrong signs, mean |k| from 0.02 to 0.49

# Check
assert abs(k_if_wrong[1.0] - 1).max() < 0.1
assert k_if_wrong[0.1].max() < abs(true_k).mean() / 3
assert k_if_wrong[0.01].max() < abs(true_k).mean() / 3

# %% [markdown]
# With λ = 1 the mean |k| of these runs is close to the kink, and many k have the wrong sign: the
# runs are trapped. With a smaller λ the mean |k| is less than a third of the curve's. These
# networks are flattened, some wholly, some partly. Their wrong signs are no evidence of a trap.

# %% [markdown]
# We look at three networks of random seed 1: a trapped one, a flattened one, and one for which Lai
# Training works.

# %%
shown = {  # name: (method, λ)
    "trapped": ((0, 1.0), 1.0),
    "flattened": ((25, 1.0), 0.01),
    "Lai Training": ((25, 0.01), 0.1),
}
y_on_grid = {}  # name: (M,)
for name, (method, lam) in shown.items():
    y_on_grid[name], _ = net.forward(final_theta(1, method, lam), grid[:, None])
    wrong = wrong_by_seed[method, lam][1]
    mean_k = k_by_seed[method, lam][1]
    print(f"{name:12} λ = {lam:4}: {wrong:.1f} of the signs are wrong, mean |k| {mean_k:.2f}")
# > trapped      λ =  1.0: 0.6 of the signs are wrong, mean |k| 0.97
# > flattened    λ = 0.01: 0.6 of the signs are wrong, mean |k| 0.05
# > Lai Training λ =  0.1: 0.0 of the signs are wrong, mean |k| 2.17

# %%
figure, axes = plt.subplots(figsize=(7.5, 4.8), layout="constrained")
axes.plot(*curve_data(1), ".", color=GREY, label="samples")
axes.plot(grid, true_y, ":", color=BLACK, lw=2, label="the curve")
styles = {"trapped": (RED, "--"), "flattened": (ORANGE, "-."), "Lai Training": (BLUE, "-")}
for name, (color, style) in styles.items():
    (mse_epochs, alpha), lam = shown[name]
    label = f"{name}: λ = {lam}, {mse_epochs} epochs of MSE, then α = {alpha}"
    axes.plot(grid, y_on_grid[name], style, color=color, lw=2, label=label)
axes.set(xlabel="input x (units of x)", ylabel="target t, output y (units of y)", ylim=(-4, 8.5))
axes.set_title("Two networks with wrong signs: one at the kink |k| = 1, one nearly flat")
axes.legend(loc="upper right")
figure.savefig(OUT / "07_networks.png")
print("picture:", (OUT / "07_networks.png").as_posix())
# > picture: tutorials_out/07_networks.png

# %% [markdown]
# ## Is pretraining needed if α is small?
#
# See the table of runs, α = 0.01: without pretraining 0, 0 and 2 of six runs have wrong signs, for
# the three λ. With pretraining the numbers are 0, 0 and 1. Six runs are too few to decide. If a run
# goes wrong with probability 30%, none of six goes wrong with probability (1 − 0.3)⁶ = 12%.
#
# `python -m figures trap` makes a hundred runs per method, all of equal length. There pretraining
# matters for α = 1 and λ = 1 only: without it about half of the runs are trapped, with it none.
# Even a hundred runs can miss a risk: with 3% per run, none of them goes wrong with probability 5%.

# %%
# Check
assert round((1 - 0.3) ** 6, 2) == 0.12
assert round((1 - 0.03) ** 100, 2) == 0.05

# %% [markdown]
# ## What do α and λ do together?
#
# Let φ be the angle of tutorial 01, k = tan φ. For λ ≤ 1 the two branches of F make G
#
#     above the kink      G = 1 − α + (α/λ) sin² φ
#     below the kink      G = 1 − α + α cos² φ
#
# So for a small α one number, α/λ, sets how strongly a |k| above the kink is penalised. But α/λ
# alone does not determine how far |k| falls. This depends on the kink √λ too, where the penalty
# ends. Even below the kink |k| may fall further, since F acts only weakly there (tutorial 02).

# %%
phi = np.arctan(true_k)  # (M,)

# Check
for alpha in alphas:
    for lam in lams:
        G_above = 1 - alpha + (alpha / lam) * np.sin(phi) ** 2  # (M,)
        G_below = 1 - alpha + alpha * np.cos(phi) ** 2  # (M,)
        G_by_branch = np.where(abs(true_k) >= np.sqrt(lam), G_above, G_below)  # (M,)
        assert np.allclose(G_by_branch, 1 + alpha * (lai_factor(true_k, lam) - 1))

# %% [markdown]
# For the runs with pretraining we take the median of the mean |k| over the six random seeds.

# %%
median_k = {}  # (α, λ): one number
print("median of the mean |k|, each followed by (α/λ), for λ =", lams)
for alpha in alphas:
    entries = []
    for lam in lams:
        median_k[alpha, lam] = np.median(k_by_seed[(25, alpha), lam])
        entries.append(f"{median_k[alpha, lam]:.1f} ({alpha / lam:6.2f})")
    print(f"α = {alpha:4}:", "  ".join(entries))
# > median of the mean |k|, each followed by (α/λ), for λ = [1.0, 0.1, 0.01]
# > α =  1.0: 1.3 (  1.00)  0.2 ( 10.00)  0.0 (100.00)
# > α =  0.1: 1.8 (  0.10)  0.8 (  1.00)  0.1 ( 10.00)
# > α = 0.01: 1.9 (  0.01)  1.7 (  0.10)  0.8 (  1.00)

# %% [markdown]
# |k| falls as λ falls, and rises as α falls. It falls clearly when α/λ grows from 0.1 to 1, by a
# larger α or by a smaller λ. Yet for the same α/λ = 1, |k| is larger with λ = 1 than with λ = 0.1,
# whose kink is lower. The next cell checks all this.

# %%
# Check
for alpha in alphas:
    assert median_k[alpha, 0.1] < median_k[alpha, 1.0] + 0.05
    assert median_k[alpha, 0.01] < median_k[alpha, 0.1] + 0.05
for lam in lams:
    assert median_k[0.1, lam] > median_k[1.0, lam] - 0.05
    assert median_k[0.01, lam] > median_k[0.1, lam] - 0.05
assert median_k[0.01, 0.1] > median_k[0.01, 0.01] + 0.3  # λ falls
assert median_k[0.1, 1.0] > median_k[0.1, 0.1] + 0.3  # λ falls
assert median_k[0.01, 0.1] > median_k[0.1, 0.1] + 0.3  # α grows
assert median_k[0.1, 1.0] > median_k[1.0, 1.0] + 0.3  # α grows
assert median_k[1.0, 1.0] > median_k[0.1, 0.1] + 0.3  # α/λ = 1 in both

# %%
figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
for lam, color, mark in ((1.0, BLACK, "o"), (0.1, BLUE, "s"), (0.01, RED, "^")):
    strengths = [alpha / lam for alpha in alphas]
    medians = [median_k[alpha, lam] for alpha in alphas]
    axes.semilogx(strengths, medians, mark + "-", color=color, label=f"λ = {lam}")
    axes.axhline(np.sqrt(lam), color=color, linestyle=":", label=f"its kink, {np.sqrt(lam):.2f}")
axes.set(xlabel="α/λ", ylabel="mean |k| (units of y per x), median of 6 runs")
axes.set_title("Curve: |k| falls as α/λ grows, to the kink or below it")
axes.legend()
figure.savefig(OUT / "07_strength.png")
print("picture:", (OUT / "07_strength.png").as_posix())
# > picture: tutorials_out/07_strength.png

# %% [markdown]
# ## Batches, points, or a step of their own?
#
# The paper draws Lai *batches* in §5 and Lai *points* in §6. The points may also make one step of
# their own per epoch, after the others. The argument `sampling` offers all three:
#
# - `"points"`: every sample gets the Lai loss with probability α.
# - `"batches"`: all samples of a batch get it, or none. Of our two batches per epoch, one gets it
#   with probability 2α (for α ≤ ½), else none.
# - `"separate"`: ⌈αN⌉ samples, here 13 of 128, make a step of their own.
#
# For points and batches, the fraction of samples with the Lai loss in an epoch is α in expectation.
# Its standard deviation over the epochs is √(α(1 − α)/N) for points and ½ √(2α(1 − 2α)) for
# batches. For `"separate"` the fraction is ⌈αN⌉/N in every epoch.
#
# We continue from the pretrained states of the six random seeds, for 200 epochs with α = λ = 0.1.


# %%
def follow(seed, sampling):
    """The fraction of samples with the Lai loss, and mean |k|, in each epoch: (200,) each."""
    x, t = curve_data(seed)
    run = lai_training(
        net,
        x,
        t,
        loss=Lai(0.1),
        alpha=0.1,
        sampling=sampling,
        pretrain_epochs=25,
        lai_epochs=200,
        batch_size=64,
        optimizer=Adam(lr=0.05),
        rng=np.random.default_rng(),  # not used with resume_from, which contains its own
        resume_from=pretrained[seed],
    )
    records = list(run)
    lai_fraction = [record.lai_fraction for record in records]
    mean_k = [abs(k_on_grid(record.state.theta)).mean() for record in records]
    return lai_fraction, mean_k


samplings = ("points", "batches", "separate")
fractions = {}  # sampling: the fractions, (6, 200)
k_after = {}  # sampling: mean |k| after each epoch, (6, 200)
for sampling in samplings:
    runs = np.array([follow(seed, sampling) for seed in range(6)])  # (6, 2, 200)
    fractions[sampling] = runs[:, 0]
    k_after[sampling] = runs[:, 1]
    mean, std = fractions[sampling].mean(), fractions[sampling].std()
    print(f"{sampling:8} fraction {mean:.2f} ± {std:.2f}")
# > points   fraction 0.10 ± 0.03
# > batches  fraction 0.10 ± 0.20
# > separate fraction 0.10 ± 0.00

# Check
expected_std = {
    "points": np.sqrt(0.1 * (1 - 0.1) / 128),
    "batches": np.sqrt(2 * 0.1 * (1 - 2 * 0.1)) / 2,
    "separate": 0.0,
}
for sampling, std in expected_std.items():
    assert abs(fractions[sampling].std() - std) <= 0.1 * std + 1e-12
    assert abs(fractions[sampling].mean() - 0.1) < 0.02

# %% [markdown]
# The first 50 epochs are the transition from the pretrained state. For the other 150 epochs of each
# run we compute the mean and the standard deviation of mean |k|.

# %%
late_mean = {}  # sampling: mean |k| over the last 150 epochs, (6,)
late_std = {}  # sampling: its standard deviation over these epochs, (6,)
print("median over 6 random seeds:")
for sampling in samplings:
    late = k_after[sampling][:, 50:]  # (6, 150)
    late_mean[sampling] = late.mean(axis=1)
    late_std[sampling] = late.std(axis=1)
    mean, std = np.median(late_mean[sampling]), np.median(late_std[sampling])
    print(f"{sampling:8} mean |k| {mean:.2f} ± {std:.2f}")
varies_more = late_std["batches"] > late_std["points"]  # (6,)
is_larger = late_mean["batches"] > late_mean["points"]  # (6,)
is_lowest = late_mean["separate"] < np.minimum(late_mean["points"], late_mean["batches"])  # (6,)
print(f"mean |k| varies more with batches than with points: {varies_more.sum()} of 6")
print(f"mean |k| is larger with batches than with points: {is_larger.sum()} of 6")
print(f"mean |k| is lowest with separate: {is_lowest.sum()} of 6")
# > median over 6 random seeds:
# > points   mean |k| 0.73 ± 0.05
# > batches  mean |k| 0.69 ± 0.13
# > separate mean |k| 0.19 ± 0.04
# > mean |k| varies more with batches than with points: 6 of 6
# > mean |k| is larger with batches than with points: 4 of 6
# > mean |k| is lowest with separate: 6 of 6

# Check
assert varies_more.sum() >= 5
assert is_lowest.sum() >= 5

# %% [markdown]
# Why does mean |k| vary more with batches? We compare its change in epochs with a Lai batch and in
# epochs without one.

# %%
change_of_k = np.diff(k_after["batches"][:, 50:])  # (6, 149)
has_lai_batch = fractions["batches"][:, 51:] > 0  # (6, 149), of the same epochs
change_with = change_of_k[has_lai_batch].mean()
change_without = change_of_k[~has_lai_batch].mean()
print(f"mean |k| changes by {change_with:+.3f} in an epoch with a Lai batch")
print(f"mean |k| changes by {change_without:+.3f} in an epoch without one")
# > mean |k| changes by -0.035 in an epoch with a Lai batch
# > mean |k| changes by +0.006 in an epoch without one

# Check
assert change_with < 0
assert change_without > 0

# %% [markdown]
# An epoch with a Lai batch lowers |k|, and in the epochs between it rises slowly. So mean |k|
# varies more than with points. It is lowest with `"separate"`. Whether it is larger with batches or
# with points, six random seeds do not decide.

# %% [markdown]
# ## How many plain steps are there per Lai step?
#
# Two things decide how strongly a λ acts. The first is the number of plain steps per Lai step:
#
# - With batches it is (1 − α)/α on average.
# - With points every step is both: a fraction α of its samples gets the Lai loss. The batch size n
#   and N do not matter.
# - With `"separate"` it is ⌈(N − ⌈αN⌉)/n⌉, which depends on n and N.
#
# So n decides whether `"separate"` acts more or less strongly than the others. In our runs it acts
# more strongly. What happens with the paper's α = 0.01 and some 30,000 samples?

# %%
cases = ((128, 64, 0.1), (30_000, 512, 0.01), (30_000, 32, 0.01))
for N, n, alpha in cases:
    with_batches = (1 - alpha) / alpha
    with_separate = int(np.ceil((N - np.ceil(alpha * N)) / n))
    per_lai_step = f"{with_batches:.0f} with batches, {with_separate} with separate"
    print(f"N = {N:5}, n = {n:3}: plain steps per Lai step {per_lai_step}")
# > N =   128, n =  64: plain steps per Lai step 9 with batches, 2 with separate
# > N = 30000, n = 512: plain steps per Lai step 99 with batches, 59 with separate
# > N = 30000, n =  32: plain steps per Lai step 99 with batches, 929 with separate

# %% [markdown]
# ## In which unit is k measured?
#
# The unit of k is the second thing that decides how strongly a λ acts. For |k| ≫ 1 and λ ≤ 1, F is
# close to 1/λ and almost constant: F' ≈ 2/(λ |k|³).
#
# If the unit of x is ten times as large, so is every k. Then F' is a thousand times smaller, and
# k F' a hundred times. This k F' is the change of F per relative change of k.

# %%
k_values = np.array([3.0, 30.0, 300.0])  # (3,)
relative = k_values * lai_factor_derivative(k_values, 0.1)  # (3,)
for k_value, k_dF in zip(k_values, relative, strict=True):
    print(f"λ = 0.1, k = {k_value:3.0f}: k F' = {k_dF:.1g}")
# > λ = 0.1, k =   3: k F' = 2
# > λ = 0.1, k =  30: k F' = 0.02
# > λ = 0.1, k = 300: k F' = 0.0002

# Check
assert np.allclose(relative[1:], 2 / (0.1 * k_values[1:] ** 2), rtol=0.01)  # 2/(λ k²)

# %% [markdown]
# So if inputs are scaled to [0, 1] and |k| ≫ 1, the samples with the Lai loss get a greater weight,
# 1/λ. Their |k| falls very little.

# %% [markdown]
# ## Next
#
# Tutorial 08 repeats the paper's experiment with eight features, with Lai points as here. You can
# now read `lai_ref/train.py`, `lai_ref/adam.py` and all of `lai_ref/objective.py`. For more runs
# there is `python -m figures trap strength`.
#
# **Beyond this paper.** *Physics-informed neural networks* are trained with two losses, too. One is
# a loss on data. The other contains input derivatives and is evaluated at sampled points, the
# *collocation points* (Raissi, Perdikaris and Karniadakis, "Physics-informed neural networks",
# Journal of Computational Physics 378, 2019).

# %% [markdown]
# ## Exercise 1: what does a small α save?
#
# A step in which no sample gets the Lai loss needs no double backward pass. For α = 0.01 and
# batches of 64, which fraction of the steps needs one, with batches and with points?

# %% [markdown]
# ## Exercise 2: more features
#
# With D > 1 features and the L2 norm of tutorial 06, n_lai · lai is ‖Σ_i ℓ_i‖. The sum runs over
# the samples with the Lai loss; ℓ_i, (D,), holds the losses of sample i. Take the expectation over
# the draw of these samples. If every sample got the Lai loss with the weight α, the value would be
# α ‖Σ_i ℓ_i‖, summed over all samples. Are both equal?

# %% [markdown] jp-MarkdownHeadingCollapsed=true
# ## Answers
#
# **Exercise 1.** With batches 0.01. With points a step needs none only if the draw gives none of
# its 64 samples the Lai loss, so the fraction is 1 − 0.99^64.

# %%
fraction_of_steps = 1 - 0.99**64
print(f"points: {fraction_of_steps:.2f} of the steps, each for a few samples")
# > points: 0.47 of the steps, each for a few samples

# Check
assert fraction_of_steps > 0.4

# %% [markdown]
# **Exercise 2.** No. Let c_i be 1 with probability α, else 0. A norm is convex, so Jensen's
# inequality gives
#
#     E ‖Σ_i c_i ℓ_i‖ ≥ ‖Σ_i E c_i ℓ_i‖ = α ‖Σ_i ℓ_i‖
#
# In expectation points weigh more than α, whole batches exactly α. We compute the expectation from
# all sixteen draws of four samples with D = 2.

# %%
ell = np.eye(4, 2) + 0.1  # (4, 2), one ℓ_i per sample
draws = np.array(list(product((0, 1), repeat=4)))  # (16, 4), the c_i of each draw
probability = np.prod(np.where(draws, 0.1, 1 - 0.1), axis=1)  # (16,), for α = 0.1
norms = np.linalg.norm(draws @ ell, axis=1)  # (16,)
expected_points = probability @ norms
expected_batches = 0.1 * np.linalg.norm(ell.sum(axis=0))
print(f"expectation for α = 0.1: points {expected_points:.3f}, batches {expected_batches:.3f}")
# > expectation for α = 0.1: points 0.243, batches 0.198

# Check
assert np.isclose(probability.sum(), 1)
assert expected_points > expected_batches
