# %% [markdown]
# # Lesson 3 · The visual encoder
#
# A clip has far too many numbers for a Transformer to look at, and most of them say the same as their neighbours. In
# this lesson you build the map that turns a patch of pixels into a few numbers, and you derive the three gradients of
# the linear layer, on which all later backward passes stand.
#
# **Time:** about 65 minutes. **You need:** patches ([lesson 2](02_patches.ipynb)), the product of two matrices, the
# chain rule.

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.course.stand_in import yours_or_ours
from minidit.gradient_check import check_gradients
from minidit.models.codec import to_signed
from minidit.training.codec import psnr
from minidit.world import HELD_OUT, SEEN, Attributes, render, render_batch

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# Step 2 left four patches. Each is a column of four pixels: top left, top right, bottom left, bottom right. The encoder
# turns the four numbers into two, the patch's **latent**. Each **row** of W asks every patch a question; b is added to
# the answer; and the **ReLU** sets everything negative to 0:
#
# $$\text{latent} = \operatorname{ReLU}(W \cdot x + b), \qquad \operatorname{ReLU}(z) = \max(z, 0)$$

# %%
draw.matrices(
    "ReLU (", ("W", sheet.weights.encoder_weight), "·", ("x, patches", sheet.patches),
    "+", ("b", sheet.weights.encoder_bias), ")",
)

# %% [markdown]
# ### 3.1 ReLU(W · x + b)  ·  ●○○  ·  6 minutes
# Take a pencil. Write down W · x first, then add b, then apply the ReLU. Type the latent: two rows, four columns.
#
# <details><summary>One entry is wrong</summary>The first row of W says: top left, minus top right, minus bottom right.
# Is the result below zero?</details>
# <details><summary>The second row is wrong</summary>It picks one pixel of each patch, and b adds the same number to all
# four.</details>

# %% exercise="step_3_latent"
### BEGIN SOLUTION
latent = [[2, 0, 0, 2], [4, 4, 5, 5]]
### END SOLUTION

check.step_3_latent(latent)

# %% [markdown]
# ## In NumPy
#
# On paper a patch is a *column*, and W stands on the left. In code a patch is a **row**, and the weight stands on the
# right: `y = x @ w + b`. It is the same map with everything transposed. Code uses rows because of memory: NumPy stores
# the last axis side by side, so the numbers of one sample belong there. Any number of axes can then stand *before* the
# last one: clips, patches, frames.

# %%
w, b = sheet.weights.encoder_weight.T, sheet.weights.encoder_bias[:, 0]  # 4, 2 and 2
rows = sheet.patches.T                                      # 4, 4   a patch in each row
same = np.array_equal(rows @ w + b, sheet.encoder_before_relu.T)
print("shapes:", rows.shape, "@", w.shape, "+", b.shape, "→", (rows @ w + b).shape)
print("the same numbers:", same)

# %% [markdown]
# Written out for row n and output o, with i counting the inputs:
#
# $$y_{no} = \sum_i x_{ni}\, w_{io} + b_o$$

# %% [markdown]
# ### 3.2 The linear layer  ·  ●○○  ·  7 minutes
# Write `linear_forward(x, w, b)` for x (…, I), w (I, O) and b (O,), where … may be any number of axes. Return `y` (…,
# O) and the **cache**: a tuple of what the backward will need from the forward. Here it is `(x, w)`. Why these two? The
# slope with respect to w is x, and the slope with respect to x is w.
#
# <details><summary>y has the wrong shape</summary>Only the last axis changes its length. NumPy's <code>@</code> takes
# care of that; if you reshaped x to rows first, give y its leading axes back.</details>
# <details><summary>ValueError: matmul</summary>w is (I, O), not the (O, I) of the worksheet or of PyTorch. It needs no
# transpose.</details>

# %% exercise="linear_forward"
def linear_forward(x, w, b):
    ### BEGIN SOLUTION
    return x @ w + b, (x, w)
    ### END SOLUTION

check.linear_forward(linear_forward)

# %% [markdown]
# ### 3.3 ReLU  ·  ●○○  ·  4 minutes
# Write `relu_forward(x)` for any shape. Return `y` and the cache `(positive,)`, a tuple of one array, True where x is
# **above** 0.
#
# <details><summary>cache is an array; expected a tuple</summary>A tuple of one has a comma: <code>(positive,)</code>.
# Without it these are just brackets.</details>
# <details><summary>It is about x = 0</summary>Above 0 is not the same as at least 0.</details>

# %% exercise="relu_forward"
def relu_forward(x):
    ### BEGIN SOLUTION
    return np.maximum(x, 0), (x > 0,)
    ### END SOLUTION

check.relu_forward(relu_forward)

# %% [markdown]
# ### What is the ReLU good for?
#
# Put two linear maps one after the other: `(x @ w1) @ w2` is `x @ (w1 @ w2)`, which is *one* linear map. Without a
# nonlinearity between them, a second layer adds nothing. With a ReLU, the curve can bend once for every hidden number.
# Here three of them draw a tooth, which no straight line can.

# %%
x = np.linspace(-2, 2, 81)[:, None]                         # N, 1
w1, b1 = np.ones((1, 3)), np.array([1.0, 0, -1])            # 1, 3 and 3
w2, b2 = np.array([[1.0], [-2], [1]]), np.zeros(1)          # 3, 1 and 1
hidden, _ = layers.linear_forward(x, w1, b1)                # N, 3
bent, _ = layers.linear_forward(layers.relu_forward(hidden)[0], w2, b2)  # N, 1
straight, _ = layers.linear_forward(hidden, w2, b2)         # N, 1
draw.curves(
    x[:, 0], {"linear, ReLU, linear": bent[:, 0], "linear, linear": straight[:, 0]},
    xlabel="x", ylabel="y",
)

# %% [markdown]
# ### The encoder of the real model
#
# It is linear, ReLU, linear. The latent of a patch has C numbers, its **channels**, and for each the encoder returns
# **two** numbers: the *mean* and the logarithm of a *variance*, that is, a guess and how sure the guess is. Lesson 13
# needs the variance. The latent is the mean.

# %%
def encoder_forward(patches, w1, b1, w2, b2):
    """Patches (..., I) to mean, log variance (both ..., C) and three layers' caches."""
    h, first_cache = layers.linear_forward(patches, w1, b1)  # ..., H
    h, relu_cache = layers.relu_forward(h)                  # ..., H
    h, second_cache = layers.linear_forward(h, w2, b2)      # ..., 2C
    mean, log_variance = np.split(h, 2, axis=-1)            # ..., C each
    return mean, log_variance, (first_cache, relu_cache, second_cache)


# %% [markdown]
# ## Backward
#
# ### ReLU
#
# `dy` is the gradient of the loss with respect to y: how much the loss would change if y grew a little. Where x was
# above 0, y is x, and the slope is 1: dy passes through unchanged. Where x was below 0, y stays 0 whatever x does:
# nothing passes.
#
# And at exactly 0? There is a corner, with slope 0 on its left and 1 on its right. No formula decides; we have to
# choose. We choose 0, as PyTorch does. It matters little: a number is rarely exactly 0.

# %% [markdown]
# ### 3.4 ReLU, backward  ·  ●○○  ·  5 minutes
# Write `relu_backward(dy, cache)` with the cache of 3.3. Return `dx`, of the shape of `dy`.
#
# <details><summary>dx has an axis too many</summary>The cache is a tuple of one. Take the array out of it:
# <code>(positive,) = cache</code></details>
# <details><summary>Negative gradients are gone</summary>Which sign decides what passes: the sign of dy, or of
# x?</details>

# %% exercise="relu_backward"
def relu_backward(dy, cache):
    (positive,) = cache                                     # ...
    ### BEGIN SOLUTION
    return dy * positive
    ### END SOLUTION

check.relu_backward(relu_backward)

# %% [markdown]
# ### The linear layer, one small operation at a time
#
# Think of x as N rows. In slow motion, the forward makes all N · I · O products, sums them, and adds the bias. Read
# it upwards:
#
# | forward, read upwards | gives | shape |
# |---|---|---|
# | y[n, o] = sums[n, o] + b[o] | dsums[n, o] = dy[n, o], and **db** | (N, O), (O) |
# | sums[n, o] = Σᵢ products[n, i, o] | dproducts[n, i, o] = dsums[n, o], the same for every i | (N, I, O) |
# | products[n, i, o] = x[n, i] · w[i, o] | **dx** and **dw** | (N, I), (I, O) |
#
# A number that was used in many places gets a gradient from each place, and these **add up**. The number x[n, i] was
# used once for every o. The weight w[i, o] was used once for every row n, and so was the bias b[o].
#
# So over which letter does each of the three sums run?

# %% [markdown]
# ### 3.5 The linear layer, backward  ·  ●●●  ·  14 minutes
# Write `linear_backward(dy, cache)` for dy (…, O); return `dx` (…, I), `dw` (I, O), `db` (O,). You don't need the big
# array of products: a sum over the letter that two arrays share *is* a matrix product. Take a pencil, write down the
# sum, and see which of the two arrays has to be transposed so that the shared letter stands in the middle.
#
# <details><summary>How do I begin?</summary>Make all leading axes one: <code>x.reshape(-1, x.shape[-1])</code> is (N,
# I), and the same for dy, (N, O). Return dx in the shape of x.</details>
# <details><summary>ValueError: matmul</summary>To get (N, I) from dy (N, O) and w (I, O), the o has to be in the
# middle: (N, O) @ (O, I). And for dw the n.</details>
# <details><summary>Right for the first numbers, wrong for random ones</summary>The random x has two leading axes. One
# weight served every entry of both.</details>

# %% exercise="linear_backward"
def linear_backward(dy, cache):
    x, w = cache                                            # (..., I), (I, O)
    ### BEGIN SOLUTION
    rows = x.reshape(-1, x.shape[-1])                       # N, I
    drows = dy.reshape(-1, dy.shape[-1])                    # N, O
    dx = (drows @ w.T).reshape(x.shape)                     # ..., I   the sum over o
    dw = rows.T @ drows                                     # I, O     the sum over n
    db = drows.sum(axis=0)                                  # O        the sum over n
    return dx, dw, db
    ### END SOLUTION

check.linear_backward(linear_backward)

# %% [markdown]
# **How to remember it.** The shapes leave no choice: dw is (I, O), and there is only one way to get that from (N, I)
# and (N, O). And the backward mirrors the forward: forward, w maps rows of I numbers to rows of O; backward, its
# transpose maps gradients of O numbers to gradients of I.
#
# Never trust a gradient that you haven't measured. This check moves every number of x, w and b up and down a little,
# and watches the output.

# %%
rng = np.random.default_rng(3)
x, w, b = rng.normal(size=(2, 4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5)
worst = check_gradients(*yours_or_ours(linear_forward, linear_backward), x, w, b)
print(f"linear layer: largest relative error {worst:.0e}")
worst = check_gradients(*yours_or_ours(relu_forward, relu_backward), x)
print(f"ReLU:         largest relative error {worst:.0e}")

# %% [markdown]
# ### 3.6 The whole encoder, backward  ·  ●●○  ·  10 minutes
# Look at `encoder_forward` again and walk it upwards. Use `layers.linear_backward` and `layers.relu_backward`, or your
# own. You are given two gradients, `dmean` and `dlog_variance`, (…, C) each. Return `dpatches, dw1, db1, dw2, db2`,
# each of the shape of what it belongs to.
#
# <details><summary>ValueError: matmul</summary>The second linear layer returned 2C numbers, so its backward wants a
# gradient of 2C numbers. How did the forward split them?</details>
# <details><summary>dw2 and db2 pass, dpatches doesn't</summary>There were three calls in the forward. Count yours.
# </details>
# <details><summary>Two gradients have changed places</summary>You compute the second layer's gradients first. Return
# all of them in the order of the arguments.</details>

# %% exercise="encoder_backward"
def encoder_backward(dmean, dlog_variance, cache):
    first_cache, relu_cache, second_cache = cache
    ### BEGIN SOLUTION
    dh = np.concatenate([dmean, dlog_variance], axis=-1)    # ..., 2C
    dh, dw2, db2 = layers.linear_backward(dh, second_cache)  # ..., H and H, 2C and 2C
    dh = layers.relu_backward(dh, relu_cache)               # ..., H
    # ..., I and I, H and H
    dpatches, dw1, db1 = layers.linear_backward(dh, first_cache)
    return dpatches, dw1, db1, dw2, db2
    ### END SOLUTION

check.encoder_backward(encoder_backward)

# %% [markdown]
# On the worksheet the encoder is *frozen*: it was trained before, and no gradient goes that far. The same holds in the
# real model once the diffusion model's training begins. But before that, the encoder was trained by itself, with
# exactly this backward pass.

# %% [markdown]
# ## In the real model
#
# The shipped encoder turns a patch of 8 × 8 pixels of one frame in three colours, 192 numbers, into a few. It takes
# three steps: scale the pixels to the range from −1 to 1, cut patches, encode. Then comes a fourth, the
# **normalisation**. Here we follow a clip through all four, with the function from above.

# %%
codec = load().model.codec
p, settings, channels = codec.params, codec.settings, codec.settings.channels
weights = (
    p["encoder.0.weight"],
    p["encoder.0.bias"],
    p["encoder.2.weight"],
    p["encoder.2.bias"],
)

# F, H, W, 3
clip = render(Attributes("red", "circle", "right", "day"), np.random.default_rng(4))
patches = layers.patchify(to_signed(clip[None]), settings.patch)  # 1, T, 192
mean, log_variance, _ = encoder_forward(patches, *weights)  # 1, T, C
latents = (mean - codec.latent_mean) / codec.latent_std     # 1, T, C
latents = latents.reshape(codec.encode(clip[None]).shape)   # 1, f, r, c, C
print(
    "clip", clip.shape, "→ patches", patches.shape, "→ mean", mean.shape, "→ latents",
    latents.shape,
)
print(
    f"{clip.size:,} numbers → {latents.size:,}: {clip.size // latents.size} times fewer"
)
same = np.allclose(latents, codec.encode(clip[None]), atol=1e-5)
print("the same as codec.encode:", same)

# %% [markdown]
# What do the latents look like? Each channel is a small film of 4 × 4 places. Below are the clip and four of its
# channels: the two without which many clips change most, and the two without which they change least. The eight frames
# stand side by side.

# %%
rng = np.random.default_rng(0)
# 96 clips
many = render_batch([SEEN[i] for i in rng.integers(len(SEEN), size=96)], rng)
# N, 192
many_patches = layers.patchify(to_signed(many), settings.patch).reshape(-1, 192)
many_means, _, cache = encoder_forward(many_patches, *weights)  # N, C
many_latents = (many_means - codec.latent_mean) / codec.latent_std  # N, C


def visible(channel):
    """How much clips change (rms) if this channel is the same everywhere."""
    z = codec.encode(many)
    whole = codec.decode(z)
    z[..., channel] = 0
    return float(np.sqrt(np.mean((codec.decode(z) - whole) ** 2)))


# the most telling channel first
by_effect = np.argsort([-visible(channel) for channel in range(channels)])

draw.clips(
    {"the clip": clip},
    alt="A red circle moves right in a day sky.",
)
films = latents[0].transpose(3, 1, 0, 2).reshape(channels, 4, 8 * 4)  # C, r, f · c
draw.heatmaps(
    {f"channel {c}": films[c] for c in [*by_effect[:2], *by_effect[-2:]]}, columns=1,
    xlabel="column of patches: 4 a frame", ylabel="row",
    alt="In each channel something moves right with the circle.",
)

# %% [markdown]
# Nobody told the channels what to mean. Each is a mixture: of the sky's colour and of the edges in a patch.
#
# ### What is kept
#
# The decoder (lesson 13) turns the latents back into pixels. How much is lost on the way there and back? We measure it
# by the **PSNR**: the range of values divided by the typical error, in decibels. Each 20 dB more is an error ten times
# smaller; 30 dB is an error of about 3 % of the range. Here are two clips whose combinations of attributes the codec
# never saw in training:

# %%
held_out = [
    Attributes("yellow", "triangle", "up", "sunset"),
    Attributes("white", "ring", "still", "night"),
]
clips = {
    " ".join(attributes): render(attributes, np.random.default_rng(1))
    for attributes in held_out
}
rows = {}
for name, real in clips.items():
    kept = codec.reconstruct(real[None])[0]
    rows |= {
        name: real,
        f"{name}, from its latents": kept,
        f"{name}, the difference": 0.5 + (kept - real),
    }
    # 4: psnr takes a range of 2
    print(f"{name.ljust(24)} PSNR {psnr(4 * np.mean((kept - real) ** 2)):.1f} dB")
draw.clips(
    rows,
    alt="Two clips, each above its reconstruction, with softer edges, and their "
    "difference: the outlines.",
)

# %% [markdown]
# The loss is at the edges, and it is larger where an outline is as fine as the ring's.
#
# ### What the hidden layer is worth
#
# Could a single matrix do it? The best *linear* encoder is known: the principal components (PCA) of the patches. Here
# is its PSNR on held-out combinations, as it keeps more and more numbers per patch.

# %%
centre = many_patches.mean(axis=0)                          # 192
# K, 192
_, _, directions = np.linalg.svd(many_patches[::4] - centre, full_matrices=False)
real = render_batch(HELD_OUT, np.random.default_rng(2))
test = layers.patchify(to_signed(real), settings.patch).reshape(-1, 192)  # N, 192


def linear_psnr(count):
    """PSNR of the best linear encoder and decoder with `count` numbers per patch."""
    kept = (test - centre) @ directions[:count].T           # N, count
    back = np.clip(kept @ directions[:count] + centre, -1, 1)  # N, 192
    return psnr(np.mean((back - test) ** 2))


counts = [3, 6, 12, 24, 48, 72, 96, 120, 144]
linear = [linear_psnr(count) for count in counts]
ours = psnr(4 * np.mean((codec.reconstruct(real) - real) ** 2))
enough = next(
    (count for count in range(channels, 193) if linear_psnr(count) >= ours), None
)
draw.curves(
    counts,
    {"best linear": linear, f"our codec, {channels} numbers": [ours] * len(counts)},
    points=True, xlabel="numbers kept of the 192 of a patch",
    ylabel="PSNR in dB, held-out clips",
)
best = linear_psnr(channels)
print(
    f"{channels} numbers: best linear {best:.1f} dB, codec {ours:.1f} dB; a linear one "
    f"needs {enough} for that"
)

# %% [markdown]
# The patches of this world come in few kinds: sky, or an edge somewhere, at some angle, in one of five colours. This
# set is small, but it is *curved*, and a flat map needs many directions to cover it. The nonlinearity pays.
#
# ### Why normalise?
#
# Diffusion mixes the latents with noise of mean 0 and standard deviation 1 (lesson 4). Latents ten times as large would
# hardly be disturbed; ten times smaller, they would drown at once. So each channel is shifted to mean 0, and scaled to
# a standard deviation of 1. The shift and the scale are measured once, over many clips, when the codec is trained.

# %%
print("all channels together:  mean   std")
for name, values in {"as encoded": many_means, "normalised": many_latents}.items():
    print(f"{name.rjust(21)}  {values.mean():5.2f}  {values.std():5.2f}")
before, after = many_means.std(axis=0), many_latents.std(axis=0)
draw.curves(
    range(channels),
    {
        "mean, as encoded": many_means.mean(axis=0),
        "mean, normalised": many_latents.mean(axis=0),
        "std, as encoded": before,
        "std, normalised": after,
    },
    points=True, xlabel="channel", ylabel="over 96 clips",
)

# %% [markdown]
# Why each channel by itself, and not all with one number? The diffusion model's loss is a plain mean of squared errors
# over all channels. A channel that varies ten times as much would count a hundred times as much.

# %% [markdown]
# **Try it.** Go through the channels. The third clip is decoded without the channel: which of them carry the sky,
# which the circle's edge?

# %%
move.latents(clip=clip)

# %% [markdown]
# ## What the worksheet left out
#
# - **A hidden layer.** The worksheet has 8 weights, then a ReLU. The real encoder has two layers, with the ReLU
#   *between* them. So the worksheet's latents can't be negative, and the real ones can.
# - **A variance.** The real encoder gives a mean and a log variance for each number (lesson 13).
# - **The normalisation**, by numbers that are measured once, after training.

# %% [markdown]
# - **Training.** The worksheet's weights were made up so that the decoder recovers the patches. The real ones were
#   learned, then frozen: if the latents kept changing, the diffusion model would chase a moving target.
# - **Loss.** The worksheet's clip comes back exactly. The real codec loses a little, and no sampler can recover it.
# - **Neighbours.** Both *encoders* see one patch at a time. The real decoder looks at its neighbours (lesson 13), and
#   the codecs of large video models do so in both directions.

# %%
parts = {
    part: sum(a.size for name, a in p.items() if name.startswith(part))
    for part in ("encoder", "decoder")
}
print(
    "parameters:", ", ".join(f"{part} {count:,}" for part, count in parts.items()),
    "  worksheet: encoder 10",
)
first, _ = layers.linear_forward(
    many_patches, p["encoder.0.weight"], p["encoder.0.bias"]
)
silent = int(((first > 0).mean(axis=0) == 0).sum())
print(
    f"hidden numbers above zero: {(first > 0).mean():.0%} of a patch's "
    f"{first.shape[-1]}; always silent: {silent}"
)

# %% [markdown]
# ## Recap
#
# - A linear layer is `x @ w + b`; backward, dx sums over the outputs, dw and db over all rows.
# - ReLU lets positive numbers through; backward, it lets gradients through where x *was* positive. It makes two layers
#   more than one.
# - The encoder turns 192 pixel values into a few numbers and loses little. Its latents are scaled to the size of the
#   noise.
#
# Next: [lesson 4](04_add_noise.ipynb), the noise.
