# %% [markdown]
# # Lesson 15 · Capstone: your own backward pass
#
# You have written the parts of a Diffusion Transformer, forward and backward. Here they come together: your functions
# replace minidit's, train a small model from scratch, and make a clip with it. If a function is wrong, you will be told
# which. To see how the parts fit together before you start, read [reference.py](../../minidit/reference.py): it is the
# whole model on a few pages.
#
# **Time:** about an hour, including three or four minutes of training. **You need:** your own solutions of lessons
# [3](03_visual_encoder.ipynb) and [6](06_estimate_scale_and_shift.ipynb) to [11](11_training.ipynb); the first cells
# collect them. minidit fills in whatever you leave open, so you can run this lesson at any time.

# %%
import os
from dataclasses import replace

import numpy as np
from tqdm import tqdm

import minidit
from minidit import layers, load
from minidit.course import capstone, check, draw, move
from minidit.diffusion import RectifiedFlow, network_time, sample_times, velocity_weight
from minidit.generation.text_to_video import generate
from minidit.models.dit import DiT
from minidit.models.parameters import Parameters
from minidit.models.video_model import VideoModel
from minidit.presets import dit_settings
from minidit.training import optimizer
from minidit.world import HELD_OUT, SEEN, caption, render_batch, verify_batch

# a small fraction of the training, to see that all runs
QUICK = os.environ.get("MINIDIT_QUICK", "") not in ("", "0")

# %% [markdown]
# ## Your functions
#
# Every function that passed its check in an earlier lesson has been kept. `capstone.collect()`, at the top of a cell,
# puts these functions into the cell. Run the cell once, and your code appears in it. Run it again, so that Python knows
# the functions. What you have not written yet stays open, and a line says in which lesson to write it. (On another
# computer nothing has been kept: there, copy your functions.)

# %% [markdown]
# In 15.1 to 15.5 you write nothing new: collect, then run the check. Each check looks twice. First every function has
# to pass the check of its own lesson. Then a very small DiT runs with your functions in place of minidit's: prediction,
# loss, gradients and two steps of AdamW have to come out as with minidit's. A function may be right by itself and still
# not fit in: it may count axes from the front, or forget a mask.
#
# ### 15.1 The linear layer of lesson 3  ·  ●●○  ·  3 minutes
#
# <details><summary>Its own check passes, the network doesn't</summary>In the network x has two axes or three. A weight
# and a bias serve all rows, over all leading axes.</details>

# %% exercise="own_linear"
capstone.collect()


def linear_forward(x, w, b):
    ### BEGIN SOLUTION
    return x @ w + b, (x, w)                                # ..., O
    ### END SOLUTION


def linear_backward(dy, cache):
    x, w = cache                                            # (..., I), (I, O)
    ### BEGIN SOLUTION
    x_rows = x.reshape(-1, x.shape[-1])                     # N, I
    dy_rows = dy.reshape(-1, dy.shape[-1])                  # N, O
    return dy @ w.T, x_rows.T @ dy_rows, dy_rows.sum(axis=0)
    ### END SOLUTION


check.own_linear(capstone.Parts(linear_forward, linear_backward))

# %% [markdown]
# ### 15.2 SiLU, norm, scale, shift and gate of lessons 6, 7 and 9  ·  ●●○  ·  5 minutes
#
# <details><summary>Something about a cache</summary>A forward and its backward have to come from the same lesson: they
# share a cache.</details>

# %% exercise="own_modulation"
capstone.collect()


def silu_forward(x):
    ### BEGIN SOLUTION
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * x)                  # ...
    return x * sigmoid, (x, sigmoid)
    ### END SOLUTION


def silu_backward(dy, cache):
    x, sigmoid = cache                                      # ...
    ### BEGIN SOLUTION
    return dy * sigmoid * (1 + x * (1 - sigmoid))           # ...
    ### END SOLUTION


def layernorm_forward(x, eps=1e-6):
    ### BEGIN SOLUTION
    centred = x - x.mean(axis=-1, keepdims=True)            # ..., D
    rstd = 1 / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)  # ..., 1
    return centred * rstd, (centred * rstd, rstd)
    ### END SOLUTION


def layernorm_backward(dxhat, cache):
    xhat, rstd = cache                                      # (..., D), (..., 1)
    ### BEGIN SOLUTION
    through_mean = dxhat.mean(axis=-1, keepdims=True)       # ..., 1
    through_std = xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)  # ..., D
    return rstd * (dxhat - through_mean - through_std)
    ### END SOLUTION


def modulate_forward(x, shift, scale):
    ### BEGIN SOLUTION
    gain = 1 + scale[:, None]                               # B, 1, D
    return x * gain + shift[:, None], (x, gain)
    ### END SOLUTION


def modulate_backward(dy, cache):
    x, gain = cache                                         # (B, T, D), (B, 1, D)
    ### BEGIN SOLUTION
    return dy * gain, dy.sum(axis=1), (dy * x).sum(axis=1)
    ### END SOLUTION


def gated_residual_forward(x, h, gate):
    ### BEGIN SOLUTION
    return x + gate[..., None, :] * h, (h, gate)
    ### END SOLUTION


def gated_residual_backward(dy, cache):
    h, gate = cache                                         # (..., T, D), (..., D)
    ### BEGIN SOLUTION
    return dy.copy(), dy * gate[..., None, :], (dy * h).sum(axis=-2)
    ### END SOLUTION


modulation = (
    silu_forward, silu_backward, layernorm_forward, layernorm_backward,
    modulate_forward, modulate_backward, gated_residual_forward,
    gated_residual_backward,
)
check.own_modulation(capstone.Parts(*modulation))

# %% [markdown]
# ### 15.3 Softmax and attention of lessons 8 and 9  ·  ●●○  ·  4 minutes
#
# <details><summary>Only the network complains</summary>It has a batch, heads, and a mask for the words of the prompt.
# </details>

# %% exercise="own_attention"
capstone.collect()


def softmax_forward(x):
    ### BEGIN SOLUTION
    e = np.exp(x - x.max(axis=-1, keepdims=True))           # ..., S
    y = e / e.sum(axis=-1, keepdims=True)                   # ..., S
    return y, (y,)
    ### END SOLUTION


def softmax_backward(dy, cache):
    (y,) = cache                                            # ..., S
    ### BEGIN SOLUTION
    return y * (dy - (dy * y).sum(axis=-1, keepdims=True))  # ..., S
    ### END SOLUTION


def attention_forward(q, k, v, key_mask=None):
    ### BEGIN SOLUTION
    scores = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5    # ..., H, T, S
    if key_mask is not None:
        scores = np.where(key_mask[..., None, None, :], scores, -np.inf)
    weights, _ = softmax_forward(scores)                    # ..., H, T, S
    return weights @ v, (q, k, v, weights)
    ### END SOLUTION


def attention_backward(dy, cache, out=None):
    q, k, v, weights = cache  # (..., H, T, d), (..., H, S, d) twice, (..., H, T, S)
    ### BEGIN SOLUTION
    dscores = softmax_backward(dy @ v.swapaxes(-1, -2), (weights,))  # ..., H, T, S
    dproducts = dscores / q.shape[-1] ** 0.5                # ..., H, T, S
    dq = dproducts @ k                                      # ..., H, T, d
    dk = dproducts.swapaxes(-1, -2) @ q                     # ..., H, S, d
    dv = weights.swapaxes(-1, -2) @ dy                      # ..., H, S, d
    ### END SOLUTION
    if out is not None:
        out[0][...], out[1][...], out[2][...] = dq, dk, dv
    return dq, dk, dv


attention = softmax_forward, softmax_backward, attention_forward, attention_backward
check.own_attention(capstone.Parts(*attention))

# %% [markdown]
# ### 15.4 GELU and the feed-forward network of lesson 10  ·  ●●○  ·  3 minutes
#
# <details><summary>Something about a cache</summary>The feed-forward's cache has three parts, and GELU's is (x, gate).
# </details>

# %% exercise="own_feed_forward"
capstone.collect()


def gelu_forward(x, training=True):
    ### BEGIN SOLUTION
    gate = 1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x))  # ...
    return 0.5 * x * gate, (x, gate)
    ### END SOLUTION


def gelu_backward(dy, cache):
    x, gate = cache                                         # ...
    ### BEGIN SOLUTION
    inner_slope = (2 / np.pi) ** 0.5 * (1 + 3 * 0.044715 * x * x)  # ...
    return dy * 0.5 * gate * (1 + x * (2 - gate) * inner_slope)
    ### END SOLUTION


def feedforward_forward(x, w1, b1, w2, b2, training=True):
    ### BEGIN SOLUTION
    before, first_cache = layers.linear_forward(x, w1, b1)  # ..., M
    hidden, gelu_cache = layers.gelu_forward(before)        # ..., M
    y, second_cache = layers.linear_forward(hidden, w2, b2)  # ..., D
    return y, (first_cache, gelu_cache, second_cache)
    ### END SOLUTION


def feedforward_backward(dy, cache):
    first_cache, gelu_cache, second_cache = cache
    ### BEGIN SOLUTION
    dhidden, dw2, db2 = layers.linear_backward(dy, second_cache)
    dbefore = layers.gelu_backward(dhidden, gelu_cache)     # ..., M
    dx, dw1, db1 = layers.linear_backward(dbefore, first_cache)
    return dx, dw1, db1, dw2, db2
    ### END SOLUTION


feed_forward = gelu_forward, gelu_backward, feedforward_forward, feedforward_backward
check.own_feed_forward(capstone.Parts(*feed_forward))

# %% [markdown]
# ### 15.5 Loss and optimiser of lesson 11  ·  ●●○  ·  4 minutes
#
# <details><summary>Parameters come out wrong, the gradient doesn't</summary>Then it is the optimiser. It works in
# place, and the check takes two steps.</details>

# %% exercise="own_optimizer"
capstone.collect()


def mse_forward(prediction, target, weight=None):
    ### BEGIN SOLUTION
    error = prediction - target                             # B, ...
    weighted = error                                        # B, ...
    if weight is not None:
        weighted = error * weight.reshape(-1, *[1] * (error.ndim - 1))
    return (weighted * error).mean(), (weighted,)
    ### END SOLUTION


def mse_backward(dloss, cache):
    (weighted,) = cache                                     # B, ...
    ### BEGIN SOLUTION
    dprediction = dloss * 2 / weighted.size * weighted      # B, ...
    return dprediction, -dprediction
    ### END SOLUTION


def clip_scale(squared_norm, max_grad_norm):
    ### BEGIN SOLUTION
    return min(1.0, max_grad_norm / (squared_norm**0.5 + 1e-6))
    ### END SOLUTION


def adamw_update(params, grads, m, v, step, learning_rate, settings, grad_scale=1.0):
    ### BEGIN SOLUTION
    g = grads * grad_scale                                  # n
    m[...] = settings.beta1 * m + (1 - settings.beta1) * g
    v[...] = settings.beta2 * v + (1 - settings.beta2) * g * g
    mean, square = m / (1 - settings.beta1**step), v / (1 - settings.beta2**step)  # n
    decayed = params * (1 - learning_rate * settings.weight_decay)
    params[...] = decayed - learning_rate * mean / (np.sqrt(square) + settings.eps)
    ### END SOLUTION


def ema_update(average, params, decay):
    ### BEGIN SOLUTION
    average += (1 - decay) * (params - average)
    ### END SOLUTION


loss_and_optimizer = mse_forward, mse_backward, clip_scale, adamw_update, ema_update
check.own_optimizer(capstone.Parts(*loss_and_optimizer))

# %% [markdown]
# ## A batch, forward and back
#
# One function is still missing: the one that calls them all. It is the heart of a training step, steps 4 to 11 of the
# course in a few lines: mix noise into the data, let the network predict, compare, and go back. You have these:

# %% [markdown]
# - `network.forward(x, network_time(t), words)` returns the prediction and a cache. It wants the time as
#   `network_time(t)`, which is 1000 t;
# - `network.backward(dprediction, cache)` returns dx, which nobody needs, and the gradients as a dict: name → array;
# - this network predicts the *data*; `velocity_weight("data", RectifiedFlow(), t)` is the loss weight of each clip,
#   (N,);
# - `layers.mse_forward` and `layers.mse_backward` are those of lesson 11. Each returns two things. In the training
#   below, they are your own.

# %% [markdown]
# ### 15.6 The gradients of a batch  ·  ●●○  ·  12 minutes
# `data` and `noise` are latents, (N, f, r, c, C); `t` is (N,), from 0 to 1; `words` is (N, L), the numbers of the
# words. Return the loss, one number, and the dict of gradients.
#
# <details><summary>Broadcasting fails</summary>t has to become (N, 1, 1, 1, 1).</details>
# <details><summary>The loss is wrong</summary>What is the target? Which weight belongs to it? And what did the network
# get: x at time t, or something else?</details>
# <details><summary>gradients is a tuple, or an array</summary><code>network.backward</code> returns two things. The
# second is the dict.</details>

# %% exercise="batch_gradients"
def batch_gradients(network, data, noise, t, words):
    ### BEGIN SOLUTION
    share = t.reshape(-1, 1, 1, 1, 1)                       # N, 1, 1, 1, 1
    x = share * data + (1 - share) * noise                  # N, f, r, c, C
    prediction, cache = network.forward(x, network_time(t), words)
    weight = velocity_weight("data", RectifiedFlow(), t)    # N
    loss, loss_cache = layers.mse_forward(prediction, data, weight)
    dprediction, _ = layers.mse_backward(1.0, loss_cache)
    _, gradients = network.backward(dprediction, cache)
    return loss, gradients
    ### END SOLUTION

check.batch_gradients(batch_gradients)

# %% [markdown]
# ## Which one is wrong?
#
# Now all 23 functions together. If some are wrong, this cell names them and repeats what their checks say, and
# minidit's own take their places.

# %%
mine = capstone.Parts(
    linear_forward, linear_backward, *modulation, *attention, *feed_forward,
    *loss_and_optimizer,
)
capstone.say_culprits(mine)
in_place = mine.in_place()
right = capstone.is_right("batch_gradients", batch_gradients)
own_step = batch_gradients if right else capstone.batch_gradients
count = sum(name in mine.functions for name in in_place)
print("yours in place:", count, "of", len(mine.functions))

# %% [markdown]
# ## Training
#
# The codec comes with minidit and is frozen: blue weights. Everything else, all the red weights of text encoder and
# blocks, begins with random numbers. First we draw some clips to learn from and encode them, once.

# %%
SIZE, CLIPS, STEPS, COMPARED = (
    ("XXXS", 256, 60, 30) if QUICK else ("XXS", 3000, 2000, 150)
)
BATCH, LEARNING_RATE, DROP_PROMPT = 32, 2e-3, 0.1

shipped = load(device="cpu").model
rng = np.random.default_rng(15)
chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=CLIPS)]
latents = np.concatenate(
    [
        shipped.codec.encode(render_batch(chosen[i : i + 64], rng))
        for i in range(0, CLIPS, 64)
    ]
)  # CLIPS, 8, 4, 4, 12
words = shipped.tokenizer.encode([caption(a, rng) for a in chosen])  # CLIPS, L
# the empty prompt, for guidance
empty = shipped.tokenizer.encode(["", caption(chosen[0])])[0]
empty = np.pad(empty, (0, max(0, words.shape[1] - len(empty))))[: words.shape[1]]
text = shipped.settings.dit.text
name, channels = f"minidit-{SIZE}/8x1x1", latents.shape[-1]
settings = dit_settings(name, in_channels=channels, text=text)
print(
    f"{DiT(settings).params.flat.size:,} parameters to learn, {STEPS} steps of {BATCH} "
    "clips"
)

# %% [markdown]
# The loop is the one of lesson 11. `optimizer.adamw_ema_update` clips, steps and averages, with your `clip_scale`,
# `adamw_update` and `ema_update`. As in the real training, one prompt in ten is dropped, so that guidance works (lesson
# 12). `polish=0` leaves out the finishing touch that the shipped model gives its clips: it is an edit (lesson 16), and
# this model learns none.


# %%
def train(gradients_of, steps):
    """Trains a DiT from scratch. Returns it, with its average, and the losses."""
    rng = np.random.default_rng(0)  # the same start, clips and noise for everyone
    network = DiT(settings, rng)
    # n, and n gradients
    params, grads = network.params.flat, Parameters(network.params.shapes)
    m, v, average = np.zeros_like(params), np.zeros_like(params), params.copy()
    losses = []
    for step in tqdm(range(1, steps + 1), unit="step", leave=False):
        batch = rng.integers(CLIPS, size=BATCH)
        noise = rng.standard_normal((BATCH, *latents.shape[1:]), dtype=np.float32)
        t = sample_times(rng, BATCH, mean=-1.8)
        prompts = np.where(rng.random((BATCH, 1)) < DROP_PROMPT, empty, words[batch])
        loss, by_name = gradients_of(network, latents[batch], noise, t, prompts)
        grads.load(by_name)
        rate = optimizer.learning_rate_at(
            step - 1, STEPS, LEARNING_RATE, warmup=50, decay=0.5
        )
        optimizer.adamw_ema_update(
            params, grads.flat, m, v, average, step, rate, optimizer.AdamWSettings(),
            optimizer.ema_decay(step, 0.99), float(grads.flat @ grads.flat), 1.0,
        )
        losses.append(float(loss))
    params[...] = average
    return network, losses


with minidit.using(**in_place) as calls:
    network, losses = train(own_step, STEPS)
    # it has learned no edits
    model = VideoModel(replace(shipped.settings, dit=settings, polish=0))
    model.codec, model.dit = shipped.codec, network
    prompt = "a red circle moves right in the day sky"
    clip = generate(model, [prompt], [0])[0]

shown = "linear_forward", "attention_backward", "layernorm_backward", "adamw_update"
for name in shown:
    print(f"your {name:20} was called {calls[name]:,} times")
if mine.promoted:
    print(mine.on_precision())

# %% [markdown]
# For comparison, minidit's own functions from the same start on the same clips. They round differently, so the last
# digits soon differ. The curve is the same.

# %%
_, theirs = train(capstone.batch_gradients, COMPARED)
ratio = np.abs(np.array(losses[:COMPARED]) / theirs - 1)
print(
    f"relative difference of the loss: step 1 {ratio[0]:.0e}, steps 1 to 10 at most "
    f"{ratio[:10].max():.0e}"
)


def smooth(values, width):
    """Means over `width` steps."""
    whole = np.array(values)[: len(values) // width * width]
    return whole.reshape(-1, width).mean(axis=1)


width = COMPARED // 15
draw.curves(
    width * np.arange(1, 16),
    {
        "by your functions": smooth(losses[:COMPARED], width),
        "by minidit's": smooth(theirs, width),
    },
    points=True, xlabel="step", ylabel="loss",
)
width = STEPS // 30
draw.curves(
    width * np.arange(1, 31), {"loss": smooth(losses, width)[:30]}, xlabel="step",
    ylabel="loss",
)

# %% [markdown]
# ## Made by your own backward pass
#
# The same prompt and the same starting noise, by your model and by the shipped one; then yours frame by frame.

# %%
draw.animation(
    {"yours": clip, "shipped": generate(shipped, [prompt], [0])[0]},
    alt=f"Left by the model trained here, right by the shipped one: {prompt}.",
)
draw.clips({"yours": clip}, alt=f"Made by the model trained here: {prompt}.")

# %% [markdown]
# How your clip came about, step by step. Drag the slider from noise to the clip.

# %%
move.denoising(model, prompt)

# %% [markdown]
# Is it right? The *verifier*, a program that reads colour, shape, motion and sky off a clip, judges clips of
# combinations that training showed, and of combinations that it never showed.

# %%
COUNT = 8 if QUICK else 48
for kind, pool in (("seen", SEEN), ("held out", HELD_OUT)):
    picked = np.random.default_rng(1).choice(len(pool), size=COUNT, replace=False)
    asked = [pool[i] for i in picked]
    with minidit.using(**in_place):
        clips = generate(model, [caption(a) for a in asked], list(range(COUNT)))
    readings = zip(verify_batch(clips), asked, strict=True)
    right = np.mean([reading.right(a) for reading, a in readings])
    print(f"{kind:9} {right:.0%} of {COUNT} right")

# %% [markdown]
# Expect about seven in ten right. (In the short run, with `MINIDIT_QUICK=1`, none.) The shipped model gets nearly all
# of them right, after 80,000 steps with a network three times as large. It differs from yours in size and patience, in
# rotary positions and QK-norm (lesson 8), and in what lesson 16 adds. You have written most of its parts, or could.

# %% [markdown]
# Where to go from here: [lesson 16](16_one_model_many_uses.ipynb) makes one network animate, extend and fill in, and
# [lesson 17](17_scaling.ipynb) counts what it costs. [projects.md](../projects.md) has six questions, some without a
# known answer, and [mathematics.md](../mathematics.md) collects every derivation of the course on a few pages. And
# `minidit train --preset quick --minutes 5` trains a better model than this one.
