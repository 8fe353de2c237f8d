# %% [markdown]
# # Lesson 11 · Training
#
# The network has made its prediction. Now we compare it with the truth, and every weight that learns (on the worksheet
# these are red) learns from the difference. You compute the worksheet's gradients by hand, write the loss and the
# optimiser, and train a small Diffusion Transformer with them. (The same loop without the course around it: `train` in
# [reference.py](../../minidit/reference.py).)
#
# **Time**: about 70 minutes, 45 of them in exercises. **Assumed**: the chain rule and the backward passes of lessons
# [6](06_estimate_scale_and_shift.ipynb) to [10](10_feed_forward.ipynb).

# %%
import numpy as np
from threadpoolctl import threadpool_limits

from minidit import load
from minidit.course import check, draw, move
from minidit.course.stand_in import yours_or_ours
from minidit.diffusion import RectifiedFlow, network_time, sample_times
from minidit.diffusion.objectives import velocity_weight
from minidit.models.dit import DiT
from minidit.models.parameters import Parameters
from minidit.presets import PRESETS, dit_settings
from minidit.training.optimizer import AdamWSettings, ema_decay
from minidit.worksheet import solve
from minidit.world import HELD_OUT, SEEN, caption, render_batch

rng = np.random.default_rng(0)
_ = threadpool_limits(1)  # matrices as small as ours are multiplied fastest on one core

# %% [markdown]
# ## By hand
#
# Step 4 added noise that we know. Step 10 predicted it. The loss is half the sum of the squared errors,
#
# $$L = \tfrac12 \sum (\text{predicted} - \text{actual})^2$$
#
# and because of the half, its gradient is the error itself: $dL/d\text{predicted} = \text{predicted} - \text{actual}$.
# If the prediction is too large, the gradient is positive: smaller would be better.

# %%
sheet = solve()
draw.matrices(("predicted", sheet.predicted), "-", ("actual", sheet.noise), "=", "?")

# %% [markdown]
# ### 11.1 The loss gradient  ·  ●○○  ·  3 minutes
# Type in predicted − actual: two rows of four numbers.
#
# <details><summary>Every sign is wrong</summary>Which of the two is subtracted? The gradient points in the direction in
# which the loss grows.</details>
# <details><summary>The entries with a −1 are off</summary>Minus a minus is a plus.</details>

# %% exercise="step_11_loss_gradient"
### BEGIN SOLUTION
loss_gradient = [
    [-1, 1, 0, 1],
    [-2, 0, 0, 0],
]
### END SOLUTION

check.step_11_loss_gradient(loss_gradient)

# %% [markdown]
# Four entries of eight are off, and the loss is $\tfrac12(1 + 1 + 1 + 4) = 3.5$.
#
# Now to the red weights, the ones that learn. The nearest are $W$ and $b$ of step 10. Its forward was
# $\text{predicted} = W \cdot \text{pooled} + b$, so
#
# $$dW = d\text{predicted} \cdot \text{pooled}^\top \qquad db = \text{the sum of } d\text{predicted} \text{ over the
# patches}$$
#
# $W_{ij}$ carried entry $j$ of *each* patch to entry $i$ of its prediction. So each patch contributes to its gradient,
# and we sum over the patches.

# %%
draw.matrices(
    ("d predicted", sheet.gradients.predicted), "·",
    ("pooled, transposed", sheet.pooled.T), "=", "?",
)

# %% [markdown]
# ### 11.2 Into the red weights of step 10  ·  ●●○  ·  7 minutes
# Work out $dW$ (2 × 2) and $db$ (2 × 1), and type them in side by side: three columns, with $db$ last.
#
# <details><summary>dW is transposed</summary>Row 0 of dW comes from row 0 of the loss gradient: it is about the first
# number of the prediction.</details>
# <details><summary>Two numbers are 4 times too small</summary>Sum over the patches. Don't take a mean.</details>

# %% exercise="step_11_feed_forward_gradients"
### BEGIN SOLUTION
red_gradients = [
    [14, 12, 1],
    [-4, -12, -2],
]
### END SOLUTION

check.step_11_feed_forward_gradients(red_gradients)

# %% [markdown]
# **The rest of the way.** Step 9 receives $d\text{pooled} = W^\top d\text{predicted}$, and so on backwards, step by
# step. The conditioned latent fed two places, the attention and the pooling, so it gets two gradients, and they add up.
# Below, the first row goes back through steps 9 and 8, the second through step 7, the third into the weights of step 6.

# %%
g = sheet.gradients
draw.matrices(
    ("d pooled", g.pooled), "->", ("d attention", g.attention),
    ("d W query", g.query_weight), ("d W key", g.key_weight),
)
draw.matrices(
    ("by pooling", g.conditioned_by_pooling), "+",
    ("by attention", g.conditioned_by_attention), "=", ("d conditioned", g.conditioned),
    "->", ("d scale", g.scale), ("d shift", g.shift),
)
draw.matrices(
    ("d scale and shift", g.conditioning_bias), "·",
    ("condition, transposed", sheet.condition.T), "=",
    ("d W of step 6", g.conditioning_weight),
)

# %% [markdown]
# Below step 7 lies the noised latent, made by the encoder. Encoder and decoder, the blue weights, were trained before
# and are *frozen*: no gradient goes to them.
#
# Now all red weights have a gradient. A step of gradient descent subtracts a small part of it:
# $W \leftarrow W - \eta\, dW$. How small? Let us try several learning rates $\eta$ on $W$ and $b$ of step 10.

# %%
rates = np.linspace(0, 0.006, 61)
losses = []
for rate in rates:
    weight = sheet.weights.feed_forward_weight - rate * g.feed_forward_weight
    bias = sheet.weights.feed_forward_bias - rate * g.feed_forward_bias
    losses.append(0.5 * np.sum(np.square(weight @ sheet.pooled + bias - sheet.noise)))
draw.curves(
    rates, {"loss after one step": losses}, xlabel="learning rate", ylabel="loss"
)
print(
    f"with 1/1000, as on the worksheet: {float(sheet.loss)} -> "
    f"{float(sheet.updated_loss)}"
)

# %% [markdown]
# The best rate here is 0.0016. Beyond twice that, a step is worse than no step at all. These rates are so small
# because the pooled latent is so large: the worksheet has no softmax and no normalisation to keep its numbers near 1.
# The real model has both. And its optimiser, AdamW (below), finds the step size of each parameter by itself.

# %% [markdown]
# ## In NumPy
#
# The real loss is a *mean*, so that it doesn't grow with the batch. What the prediction should be is called the
# **target**. And each clip has a number $w$ that says how much it counts:
#
# $$L = \frac1N \sum w \cdot (\text{prediction} - \text{target})^2 \qquad N = \text{all numbers, of all clips}$$
#
# This $w$ is also called a weight, the *loss weight*; it isn't learned. It depends on the clip's $t$: an error in a
# nearly clean clip counts more than the same error in a clip of noise. (You will see how much more below.)

# %% [markdown]
# ### 11.3 Mean squared error  ·  ●●○  ·  8 minutes
# `prediction` and `target` are (B, …), with the same further axes. `weight` is (B,), one $w$ per clip, or `None`: then
# every $w$ is 1. Return the loss, one number, and the cache `(weighted,)` with `weighted` (B, …) = weight · (prediction
# − target).
#
# <details><summary>Broadcasting fails</summary>The weight belongs to the <em>first</em> axis, but NumPy matches shapes
# from the last. Give it axes of length 1 at the end, one fewer than prediction has axes.</details>
# <details><summary>The loss passes, the cache doesn't</summary>It is prediction − target, in this order, times the
# weight, and not squared.</details>

# %% exercise="mse_forward"
def mse_forward(prediction, target, weight=None):
    ### BEGIN SOLUTION
    error = prediction - target                                   # B, ...
    weighted = error                                              # B, ...
    if weight is not None:
        weighted = error * weight.reshape(-1, *[1] * (error.ndim - 1))
    return (weighted * error).mean(), (weighted,)
    ### END SOLUTION


check.mse_forward(mse_forward)

# %% [markdown]
# ## Backward
#
# | forward | backward |
# |---|---|
# | $\text{error} = \text{prediction} - \text{target}$ | `dprediction = derror`, `dtarget = -derror` |
# | $\text{squares} = w \cdot \text{error}^2$ | `derror = dsquares · 2 · w · error` |
# | $L = \text{sum of squares} / N$ | `dsquares = dloss / N`, for each of them |
#
# Collapsed, from the last line to the first: `dprediction` is `dloss` times twice the weighted error, divided by $N$.
# On the worksheet the half cancels the 2, and there is no $N$, so only the error is left.

# %% [markdown]
# ### 11.4 Backward through the loss  ·  ●○○  ·  4 minutes
# Return `dprediction` and `dtarget`, (B, …) both. `dloss` is a number: 1.0 if this loss is the one being trained. The
# cache is that of 11.3.
#
# <details><summary>It is many times too large</summary>The forward took a mean. Over how many numbers?</details>
# <details><summary>dtarget is off</summary>The target was subtracted. What does that do to the sign?</details>

# %% exercise="mse_backward"
def mse_backward(dloss, cache):
    (weighted,) = cache                                           # B, ...
    ### BEGIN SOLUTION
    dprediction = dloss * 2 / weighted.size * weighted            # B, ...
    return dprediction, -dprediction
    ### END SOLUTION


check.mse_backward(mse_backward)

# %% [markdown]
# You know every layer's backward from the earlier lessons. `DiT.backward` calls them from the last to the first, and
# returns a gradient for every parameter. It remains to take a *good* step with them. All parameters are stored in one
# long vector, and so are their gradients.
#
# **Clipping.** Now and then a batch has a gradient far longer than usual. We keep its direction and cut its length: if
# $\lVert g \rVert$ is its norm, we multiply the gradient by
#
# $$\min\left(1,\ \frac{\text{max\_grad\_norm}}{\lVert g \rVert + 10^{-6}}\right)$$

# %% [markdown]
# ### 11.5 The factor that clips  ·  ●○○  ·  4 minutes
# You get the *squared* norm, the sum of the gradient's squares, and `max_grad_norm`, both numbers. Return the factor, a
# number.
#
# <details><summary>A short gradient comes out wrong</summary>A short gradient stays as it is: the factor is never more
# than 1.</details>
# <details><summary>It is right only to six digits</summary>Add the 10⁻⁶ to the norm, outside the root.</details>

# %% exercise="clip_scale"
def clip_scale(squared_norm, max_grad_norm):
    ### BEGIN SOLUTION
    return min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6))
    ### END SOLUTION


check.clip_scale(clip_scale)

# %% [markdown]
# **AdamW** keeps two running means for each parameter $p$: `m` of the gradient, and `v` of its square. $\beta_1$ and
# $\beta_2$, a little below 1, say how long each remembers. With $g$ = `grad_scale` · gradient, where `grad_scale` is
# the factor of 11.5:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2$$

# %% [markdown]
# Both start at zero, so they are too small at first. The *bias correction* mends that: after $k$ steps, use $\hat m = m
# / (1 - \beta_1^k)$ and $\hat v = v / (1 - \beta_2^k)$. Then comes the step. $\eta$ is the learning rate, $\epsilon$ a
# tiny number that keeps us from dividing by zero, and the *weight decay* $\lambda$ pulls every parameter towards zero:
#
# $$p \leftarrow p - \eta \left(\frac{\hat m}{\sqrt{\hat v} + \epsilon} + \lambda\, p\right)$$
#
# $\hat m / \sqrt{\hat v}$ has no unit. A gradient a thousand times as large makes the same step.

# %% [markdown]
# ### 11.6 A step of AdamW  ·  ●●●  ·  15 minutes
# `params`, `grads`, `m` and `v` are (n,). This function works **in place**: it changes `params`, `m` and `v`, and
# returns nothing. (They are large; copies would cost time and memory.) `grads` must stay as it is. `step` is $k$,
# counted from 1; $\eta$ is `learning_rate`; `settings.beta1`, `.beta2`, `.eps` and `.weight_decay` are $\beta_1$,
# $\beta_2$, $\epsilon$ and $\lambda$.
#
# <details><summary>Nothing was written into it</summary><code>params = params - …</code> makes a new array and gives it
# the old name; the caller still has the old one. <code>params -= …</code> or <code>params[...] = …</code> writes into
# it.</details>
# <details><summary>The first step is wrong</summary>m and v start at zero. So after the first step $\hat m$ is the
# gradient itself and $\hat v$ its square: every parameter moves by the learning rate, up or down.</details>
# <details><summary>Only random inputs fail</summary>Only they have weight decay, a grad_scale and an ε that matters. ε
# stands outside the root.</details>

# %% exercise="adamw_update"
def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    ### BEGIN SOLUTION
    g = grads * grad_scale                                        # n
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g * g
    mean = m / (1 - settings.beta1**step)                     # n
    square = v / (1 - settings.beta2**step)                  # n
    decayed = params * (1 - learning_rate * settings.weight_decay)
    params[...] = decayed - learning_rate * mean / (np.sqrt(square) + settings.eps)
    ### END SOLUTION


check.adamw_update(adamw_update)

# %% [markdown]
# Here are three parameters whose gradients differ by a factor of a million. In its first step, AdamW moves each by the
# learning rate. Plain descent would hardly move the first one, or throw the last one far away.

# %%
params, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
gradients = np.array([0.001, -1.0, 1000.0])
yours_or_ours(adamw_update)(params, gradients, m, v, 1, 0.01, AdamWSettings())
print("AdamW:        ", params)
print("plain descent:", -0.01 * gradients)

# %% [markdown]
# **A moving average.** Even at the end of a run, the parameters still jump about. So a second set of parameters trails
# behind the trained ones: after each step, it moves a small part, 1 − decay, of the way towards them. This is an
# *exponential moving average*, or **EMA**. We generate clips with it.

# %% [markdown]
# ### 11.7 The moving average  ·  ●○○  ·  4 minutes
# In place again: only `average` changes. `average` and `params` are (n,). The new average is decay · average + (1 −
# decay) · params.
#
# <details><summary>Nothing was written into it</summary>As in 11.6: <code>average[...] = …</code>.</details>
# <details><summary>Shapes pass, numbers don't</summary>decay is near 1, and belongs to the <em>old</em>
# average.</details>

# %% exercise="ema_update"
def ema_update(average, params, decay):
    ### BEGIN SOLUTION
    average += (1 - decay) * (params - average)
    ### END SOLUTION


check.ema_update(ema_update)

# %% [markdown]
# ## In the real model
#
# **Blue and red.** The shipped codec stays as it is. On its latents we train a new, small DiT from scratch: two blocks,
# 64 numbers wide. First we render clips of the toy world and encode them, once. For testing we keep combinations of
# colour, shape, motion and sky that the training never shows: the *held-out* ones.

# %%
model, path = load().model, RectifiedFlow()
print(f"frozen, in the codec: {model.codec.params.flat.size:,} parameters")
print(f"learned, in the shipped DiT: {model.dit.params.flat.size:,}")


def encoded(pool, count):
    """Latents (B, f, r, c, C) and captions (B, L) of clips of these combinations."""
    chosen = [pool[i] for i in rng.integers(len(pool), size=count)]
    latents = model.codec.encode(render_batch(chosen, rng))
    return latents, model.tokenizer.encode([caption(a, rng) for a in chosen])


latents, words = encoded(SEEN, 512)
# combinations that training never sees
test_latents, test_words = encoded(HELD_OUT, 64)
test_noise = rng.standard_normal(test_latents.shape, dtype=np.float32)
test_times = sample_times(rng, len(test_latents), mean=-1.8)

text = model.settings.dit.text
settings = dit_settings("minidit-XXXS/8x1x1", in_channels=latents.shape[-1], text=text)
network = DiT(settings, rng)
# n, and n gradients
params, grads = network.params.flat, Parameters(network.params.shapes)
m, v, average = np.zeros_like(params), np.zeros_like(params), params.copy()
print(f"learned, in our small DiT: {params.size:,}")

# %% [markdown]
# **A training step**, with your five functions of 11.3 to 11.7 in it. (minidit's own replace those that are not right
# yet.) This cell trains for some seconds. The network predicts the data, not the noise (from one you get the other),
# and each clip gets a random $t$, mostly a noisy one.

# %%
SETTINGS, LEARNING_RATE, WARMUP = AdamWSettings(), 2e-3, 50
MAX_GRAD_NORM, BATCH = 1.0, 32
loss_forward, loss_backward = yours_or_ours(mse_forward, mse_backward)
clip, adamw, ema = map(yours_or_ours, (clip_scale, adamw_update, ema_update))


def loss_of(network, latents, noise, t, words):
    """The loss, and the caches of the loss and of the network."""
    prediction, cache = network.forward(
        path.noised(latents, noise, t), network_time(t), words
    )
    loss, loss_cache = loss_forward(
        prediction, latents, velocity_weight("data", path, t)
    )
    return float(loss), loss_cache, cache


def training_step(step):
    """One step on a random batch, step 1, 2, 3, …; returns its loss."""
    chosen = rng.integers(len(latents), size=BATCH)
    noise = rng.standard_normal((BATCH, *latents.shape[1:]), dtype=np.float32)
    t = sample_times(rng, BATCH, mean=-1.8)
    loss, loss_cache, cache = loss_of(network, latents[chosen], noise, t, words[chosen])
    dprediction, _ = loss_backward(1.0, loss_cache)
    _, by_name = network.backward(dprediction, cache)
    grads.load(by_name)                                           # into one vector
    scale = clip(float(grads.flat @ grads.flat), MAX_GRAD_NORM)
    # small steps until the two means are settled
    rate = LEARNING_RATE * min(1.0, step / WARMUP)
    adamw(params, grads.flat, m, v, step, rate, SETTINGS, scale)
    ema(average, params, ema_decay(step, 0.98))
    return loss


def test_loss(vector):
    """The loss on the same held-out clips with these parameters in the network."""
    kept = params.copy()
    params[...] = vector
    loss, *_ = loss_of(network, test_latents, test_noise, test_times, test_words)
    params[...] = kept
    return loss


STEPS, LOOK = 300, 20
history, looks = [], []
for step in range(1, STEPS + 1):
    history.append(training_step(step))
    if step % LOOK == 0:
        looks.append(
            (step, np.mean(history[-LOOK:]), test_loss(params), test_loss(average))
        )

steps, trained, tested, tested_average = np.array(looks).T
draw.curves(
    steps,
    {
        "training batches": trained,
        "held out": tested,
        "held out, moving average": tested_average,
    },
    points=True, xlabel="step", ylabel="weighted loss",
)
print(
    f"held out after {STEPS} steps: {tested[-1]:.3f}, with the moving average "
    f"{tested_average[-1]:.3f}"
)

# %% [markdown]
# That was a DiT, learning with *your* loss and *your* optimiser. What can it do after so few steps? Here is a held-out
# clip at $t = 0.3$, and the clip that the small network and the shipped one see in it.

# %%
params[...] = average
t = np.full(1, 0.3, np.float32)
noised = path.noised(test_latents[:1], test_noise[:1], t)
by_us, _ = network.forward(noised, network_time(t), test_words[:1])
by_shipped, _ = model.dit.forward(noised, network_time(t), test_words[:1])
rows = {
    "noised, t = 0.3": noised,
    "ours": by_us,
    "shipped": by_shipped,
    "the clip": test_latents[:1],
}
draw.clips(
    {title: model.codec.decode(latents)[0] for title, latents in rows.items()},
    alt="Noised: coloured patches. Ours: the right sky and a blurred spot. Shipped: "
    "sharp, as the clip itself.",
)

# %% [markdown]
# The shipped model was trained in the same way, with four million parameters and clips that were never used twice,
# first on whole clips, then on clips of many sizes and lengths. In about half of these a part of the clip was given
# (lesson 16):

# %%
for name in ("sky", "film"):
    training = PRESETS[name].diffusion_training
    print(
        f"preset {name:5} {training.steps:,} steps of {training.batch} clips: "
        f"{PRESETS[name].description}"
    )

# %% [markdown]
# **The loss by t.** A single number hides much. Here is the shipped model's squared error at nine values of $t$,
# without the loss weight: for seen and held-out combinations, and for seen ones without their prompt. The fourth curve
# does without a network. $x_t / t$ is the data plus (1 − t)/t times the noise, so its squared error is $((1 - t)/t)^2$.

# %%
times = np.array([0.02, 0.1, 0.2, 0.3, 0.45, 0.7, 0.8, 0.9, 0.98])


def errors_by_t(latents, words):
    """The mean squared error of the predicted data at each of the times."""
    noise = rng.standard_normal(latents.shape, dtype=np.float32)
    embedding, errors = model.dit.embed(words), []
    for time in times:
        t = np.full(len(latents), time, np.float32)
        prediction = model.dit.predict(
            path.noised(latents, noise, t), network_time(t), embedding
        )
        errors.append(float(np.mean(np.square(prediction - latents))))
    return errors


no_prompt = model.tokenizer.encode([""] * 48)
by_t = {
    "seen": errors_by_t(latents[:48], words[:48]),
    "held out": errors_by_t(test_latents[:48], test_words[:48]),
    "seen, no prompt": errors_by_t(latents[:48], no_prompt),
    "x_t / t instead": np.where(times < 0.4, np.nan, np.square((1 - times) / times)),
}
draw.curves(
    times, by_t, logy=True, points=True, xlabel="t, from noise (0) to data (1)",
    ylabel="squared error",
)

# %% [markdown]
# Three things to see:
#
# - In pure noise, the prompt is all the network has to go by. Without it, the error is more than twice as large.
# - Held-out combinations are only a little harder: the network has learned parts, and combines them.
# - At the very end, the network is *worse* than $x_t / t$: the noise that is left is smaller than the network's own
#   error. (One clip in ten is drawn from near there, lesson 4.) The clips suffer little from it: what they show is
#   decided long before.

# %% [markdown]
# Training minimises this error times the loss weight $1/(1 - t)^2$. (That turns an error of the data into one of the
# velocity, lesson 4.) The weight stops growing where the noise, $1 - t$, falls below a floor. Otherwise a few clips
# with almost no noise would drown all the others:

# %%
floor = PRESETS["sky"].diffusion_training.noise_floor
weights = velocity_weight("data", path, times, floor)
print(f"floor {floor}, so the weight is at most {1 / floor**2:.0f}")
print("t              ", *(f"{t:8.2f}" for t in times))
print("weight         ", *(f"{w:8.1f}" for w in weights))
print(
    "weighted error ",
    *(f"{w * e:8.2f}" for w, e in zip(weights, by_t["seen"], strict=True)),
)

# %% [markdown]
# **Try it.** Here a small DiT learns again, with one backward made wrong on purpose. Some slips stop the learning, some
# only slow it down, and one can't be seen in the loss at all: that is why we check gradients.

# %%
move.wrong_gradient()

# %% [markdown]
# ## What the worksheet left out
#
# - **Many clips and many t.** The worksheet has one of each. A network trained on one clip learns only that clip.
# - **A mean, weights by t, and the data as target.** The worksheet has half a sum, and the noise as target.
# - **AdamW, clipping, warm-up, moving average.** The worksheet takes one step of plain descent, small enough to be
#   safe.

# %% [markdown]
# - **A start.** The real model begins with all gates and the last layer at zero (adaLN-Zero): each block passes its
#   input on unchanged, and the first prediction is 0.
# - **Dropped prompts.** For one clip in ten the real training drops the prompt. So the network can also guess without
#   one, and *guidance* (lesson 12) compares the two guesses.
# - **How the blue weights were trained.** That was another training, before this one:

# %% [markdown]
# **"Maximum likelihood, combined with an adversarial part."** You will read this about such models, and it is said of
# their *codec*. *Likelihood*: how probable are the real pixels, if each is Gaussian around its reconstruction (σ =
# 0.03)? Minus the logarithm of that is a squared error over 2σ², up to a constant. Together with a term that keeps the
# latents tame, training minimises a bound on it. An *adversary* is a second network that tells reconstructions from
# real patches. With its gradient added, training is a compromise, no longer maximum likelihood. Our codec has no
# adversary: in this world it changed almost nothing. Lesson 13 has all of this in full.

# %% [markdown]
# The DiT has no adversary either. And its loss is not a likelihood: a squared error summed over $t$ with *particular*
# weights would be a bound on one (Ho et al. 2020, section 3). Ours has other weights, chosen by how the clips look.

# %% [markdown]
# ## Recap
#
# - The loss gradient is the error, predicted minus actual; in the model, with loss weight $w$ and a mean over $N$
#   numbers, it is multiplied by $2w/N$.
# - It goes back through every step. Red weights get their gradients; blue ones are frozen. Where a value fed two
#   places, its two gradients add up.
# - AdamW divides out the gradient's size, clipping tames its outliers, and the moving average smooths its jumps.
#
# Next: [lesson 12](12_denoise.ipynb) uses the trained network to turn noise into a clip.
