# %% [markdown]
# # Lesson 7 · Apply scale and shift
#
# Here the prompt reaches the video: every token is multiplied by a scale and moved by a shift. Before that, a *layer
# norm* brings all tokens to one size. You write both, and you derive the backward of layer norm by hand, first line by
# line, then as one short formula. (minidit's own version is [normalization.py](../../minidit/layers/normalization.py);
# [reference.py](../../minidit/reference.py) shows it inside the whole model.)
#
# **Time:** about 70 minutes. **You need:** sums and broadcasting in NumPy, the chain rule, where scale and shift
# come from ([lesson 6](06_estimate_scale_and_shift.ipynb)).

# %%
import numpy as np

from minidit import layers, load, worksheet
from minidit.course import check, draw, move
from minidit.diffusion.paths import RectifiedFlow
from minidit.gradient_check import check_gradients
from minidit.models.block import dit_block_forward
from minidit.world import Attributes, render

sheet = worksheet.solve()

# %% [markdown]
# ## By hand
#
# A column of the noised latent is a patch. The worksheet multiplies each row by the row's scale and adds the row's
# shift, so all four patches get the same:
#
# $$\text{conditioned} = \text{scale} \cdot x + \text{shift}$$

# %%
draw.matrices(
    ("scale", sheet.scale), "·", ("x, noised", sheet.noised), "+",
    ("shift", sheet.shift),
)

# %% [markdown]
# ### 7.1 scale · x + shift  ·  ●○○  ·  4 minutes
# Type the conditioned latent: two rows of four numbers.
#
# <details><summary>A whole row is wrong</summary>Multiply by the scale of that row first, then add its shift. A scale
# of −1 flips every sign.</details>
# <details><summary>One entry is wrong</summary>Write down that one product before you add the shift.</details>

# %% exercise="step_7_conditioned"
### BEGIN SOLUTION
conditioned = [[1, 1, -1, 1], [2, 0, 1, 1]]
### END SOLUTION

check.step_7_conditioned(conditioned)

# %% [markdown]
# ## In NumPy
#
# Now each token is a row: x is (B, T, D), that is B samples, T tokens, D channels. Scale and shift are (B, D), one
# number per sample and channel. And the model multiplies by **1 + scale**:
#
# $$y = x \cdot (1 + \text{scale}) + \text{shift}$$
#
# Why the 1? The layer that makes the scale starts with zeros (lesson 6). A scale of zero should mean *leave it as
# it is*, not *wipe it out*.

# %% [markdown]
# ### 7.2 Scale and shift  ·  ●○○  ·  6 minutes
# Write `modulate_forward(x, shift, scale)` for x (B, T, D), shift and scale (B, D); mind the order. Return `y` (B, T,
# D) and the cache `(x, gain)`, where `gain` = 1 + scale is kept as (B, 1, D). (The **cache** is a tuple of what the
# backward will need.)
#
# <details><summary>ValueError: could not be broadcast</summary>NumPy aligns shapes from the right: with (B, T, D) and
# (B, D), B meets T. Give scale and shift an axis of length 1 where the tokens are: <code>scale[:,
# None]</code>.</details>
# <details><summary>Shapes pass, numbers don't</summary>Try a scale of zeros and a shift of zeros: y has to be
# x.</details>

# %% exercise="modulate_forward"
def modulate_forward(x, shift, scale):
    ### BEGIN SOLUTION
    gain = 1 + scale[:, None]                               # B, 1, D
    return x * gain + shift[:, None], (x, gain)
    ### END SOLUTION

check.modulate_forward(modulate_forward)

# %% [markdown]
# ### The norm that comes first
#
# A scale means something only if the size of its input is known. So every token is first brought to mean 0 and variance
# 1, over its own D channels. That takes five small operations, here for the row x = [6, 0, 4, 2, 3]:
#
# | operation | shape | our row |
# |---|---|---|
# | mean = mean of x | (…, 1) | 3 |
# | centred = x − mean | (…, D) | [3, −3, 1, −1, 0] |
# | variance = mean of centred² | (…, 1) | 20 / 5 = 4 |
# | rstd = 1 / √(variance + eps) | (…, 1) | 1/2 |
# | xhat = centred · rstd | (…, D) | [1.5, −1.5, 0.5, −0.5, 0] |
#
# `rstd` is short for *reciprocal of the standard deviation*. The tiny `eps` avoids a division by zero if all numbers of
# a row are equal; the row above leaves it out.

# %% [markdown]
# ### 7.3 Layer norm  ·  ●●○  ·  8 minutes
# Write `layernorm_forward(x, eps=1e-6)` for x (…, D), with any number of axes before the last. Return `xhat` and the
# cache `(xhat, rstd)` with rstd (…, 1). The check's first numbers have rows like the one above and eps = 12, so that 4
# + 12 = 16 has a whole root.
#
# <details><summary>ValueError: could not be broadcast</summary>A mean over the last axis loses that axis.
# <code>keepdims=True</code> keeps it, with length 1.</details>
# <details><summary>It is about eps</summary>eps stands under the root, added to the variance. Use the value of the
# argument.</details>
# <details><summary>Shapes pass, numbers don't</summary>Work through your five lines by hand for the row above. The
# variance is a mean over D numbers, not over D − 1.</details>

# %% exercise="layernorm_forward"
def layernorm_forward(x, eps=1e-6):
    ### BEGIN SOLUTION
    mean = x.mean(axis=-1, keepdims=True)                   # ..., 1
    centred = x - mean                                      # ..., D
    variance = (centred * centred).mean(axis=-1, keepdims=True)  # ..., 1
    rstd = 1 / np.sqrt(variance + eps)                      # ..., 1
    xhat = centred * rstd                                   # ..., D
    return xhat, (xhat, rstd)
    ### END SOLUTION

check.layernorm_forward(layernorm_forward)

# %% [markdown]
# What does a layer norm forget? Add any number to a whole row, or multiply the row by any positive number: the result
# is the same (when multiplying, up to the tiny eps). Keep this in mind; it explains the backward.

# %%
row = np.array([6.0, 0, 4, 2, 3])
for name, x in {"x": row, "x + 10": row + 10, "7 · x": 7 * row}.items():
    print(f"layernorm({name})".ljust(20), layers.layernorm_forward(x)[0].round(3))

# %% [markdown]
# ## Backward
#
# ### Scale and shift
#
# Look at one sample and one channel. Token number $i$ gives $y_i = x_i \cdot \text{gain} + \text{shift}$. The same gain
# and the same shift served **every** token, so every token contributes to their gradients, and we sum over the tokens:
#
# $$d\text{shift} = \sum_i dy_i \qquad d\text{scale} = \sum_i dy_i \cdot x_i$$
#
# The 1 in the gain is a constant, so dscale and dgain are the same. On the worksheet the sum runs along a row, over the
# four patches: ∘ multiplies entry by entry, the arrow adds up each row.

# %%
dy = sheet.gradients.conditioned  # 2, 4   from step 11 of the worksheet
dscale = (dy * sheet.noised).sum(axis=1, keepdims=True)     # 2, 1
draw.matrices(("dy", dy), "∘", ("x", sheet.noised), "→", ("dscale", dscale))

# %% [markdown]
# ### 7.4 Scale and shift, backward  ·  ●●○  ·  9 minutes
# Write `modulate_backward(dy, cache)` for dy (B, T, D) and the cache of 7.2. Return `dx` (B, T, D), `dshift` (B, D),
# `dscale` (B, D), in this order.
#
# <details><summary>dshift has the wrong shape</summary>dshift has the shape of shift. Which axis of dy does shift
# lack?</details>
# <details><summary>Shapes pass, numbers don't</summary>Which tokens did one scale touch, and which samples? Sum over
# the tokens, not over the samples.</details>
# <details><summary>Only dx is wrong</summary>x was multiplied by the gain on its way to y. The gain in the cache
# already includes the 1.</details>

# %% exercise="modulate_backward"
def modulate_backward(dy, cache):
    x, gain = cache                                         # (B, T, D), (B, 1, D)
    ### BEGIN SOLUTION
    dx = dy * gain                                          # B, T, D
    dshift = dy.sum(axis=1)                                 # B, D
    dscale = (dy * x).sum(axis=1)                           # B, D
    return dx, dshift, dscale
    ### END SOLUTION

check.modulate_backward(modulate_backward)

# %% [markdown]
# ### Layer norm, one small operation at a time
#
# Read the five operations upwards, from `dxhat` to `dx`. Beside the chain rule you need only two rules. **A value that
# was used twice gets two gradients, which add up.** And **a number that was broadcast to many gets the sum of their
# gradients.**
#
# | forward, read upwards | gives | shape |
# |---|---|---|
# | xhat = centred · rstd | drstd, and a part of dcentred | (…, 1), (…, D) |
# | rstd = (variance + eps)^(−1/2) | dvariance | (…, 1) |
# | variance = mean of centred² | the other part of dcentred | (…, D) |
# | centred = x − mean | dmean, and a part of dx | (…, 1), (…, D) |
# | mean = mean of x | the other part of dx | (…, D) |
#
# Take the first line: rstd multiplied all D channels of its row, so `drstd` is the sum of dxhat · centred over the
# channels. And a mean of D numbers passes 1/D of its gradient to each of them.

# %% [markdown]
# ### 7.5 Layer norm backward, step by step  ·  ●●●  ·  15 minutes
# `cache` is `(centred, rstd)` here, not that of 7.3. Return all five, in this order: `drstd` (…, 1), `dvariance` (…,
# 1), `dcentred` (…, D) with **both** parts, `dmean` (…, 1), `dx` (…, D). The check names the first wrong one.
#
# <details><summary>dvariance is off</summary>The slope of u^(−1/2) is −½ · u^(−3/2), and u^(−1/2) is rstd. So
# which power of rstd is u^(−3/2)?</details>
# <details><summary>dcentred is off</summary>centred stands in xhat and in the variance. The variance is a mean of D
# squares: the slope of each square is 2 · centred, and the mean divides it by D.</details>
# <details><summary>dmean is off</summary>One mean was subtracted from D numbers: you need a sum and a minus
# sign.</details>
# <details><summary>Only dx is off</summary>x appears in centred and in the mean.</details>

# %% exercise="layernorm_backward_by_steps"
def layernorm_backward_by_steps(dxhat, cache):
    centred, rstd = cache                                   # (..., D), (..., 1)
    D = dxhat.shape[-1]
    ### BEGIN SOLUTION
    drstd = (dxhat * centred).sum(axis=-1, keepdims=True)   # ..., 1
    dvariance = drstd * -0.5 * rstd**3                      # ..., 1
    dcentred = dxhat * rstd + dvariance * 2 * centred / D   # ..., D
    dmean = -dcentred.sum(axis=-1, keepdims=True)           # ..., 1
    dx = dcentred + dmean / D                               # ..., D
    return drstd, dvariance, dcentred, dmean, dx
    ### END SOLUTION

check.layernorm_backward_by_steps(layernorm_backward_by_steps)

# %% [markdown]
# ### The short formula
#
# Five lines are right, but slow, and they hide what happens. Substitute them into each other:
#
# 1. In dcentred, replace dvariance by its formula, then drstd by its formula. Wherever `centred · rstd` appears, write
#    xhat.
# 2. A sum divided by D is a mean. That leaves rstd times a bracket of two terms.
# 3. dmean / D is minus the mean of dcentred. One of its two terms vanishes, because the mean of xhat is 0.
#
# So dx is rstd times a bracket of **three** terms, and each has a meaning: x reaches xhat **directly**, **through
# the mean** and **through the standard deviation**.

# %% [markdown]
# ### 7.6 Layer norm backward, in one line  ·  ●●●  ·  10 minutes
# Write `layernorm_backward(dxhat, cache)` with the cache `(xhat, rstd)` of 7.3; it no longer holds centred. Return
# `dx`.
#
# <details><summary>How do I begin?</summary>After steps 1 and 2: dcentred = rstd · (dxhat − xhat · …). Which mean
# belongs in place of the dots?</details>
# <details><summary>Shapes pass, numbers don't</summary>Look at the sums of your dx along each row. They have to be 0,
# because adding a number to a row changes nothing. If they aren't, look at the way through the mean.</details>
# <details><summary>The sums are 0, the numbers wrong</summary>Look at the sums of dx · xhat along each row. They have
# to be 0 too, up to eps, because stretching a row changes nothing. If they aren't, look at the way through the standard
# deviation.</details>

# %% exercise="layernorm_backward"
def layernorm_backward(dxhat, cache):
    xhat, rstd = cache                                      # (..., D), (..., 1)
    ### BEGIN SOLUTION
    through_mean = dxhat.mean(axis=-1, keepdims=True)       # ..., 1
    through_std = xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)  # ..., D
    return rstd * (dxhat - through_mean - through_std)
    ### END SOLUTION

check.layernorm_backward(layernorm_backward)

# %% [markdown]
# The two subtractions remove exactly what the norm forgets: the part of dxhat that would shift a whole row, and the
# part that would stretch it. To move x in these two directions changes nothing, so there is no slope in them.
#
# ### Together
#
# In a DiT the two always come together: norm, then scale and shift. So minidit has them as one pair, made of what you
# wrote. The gradient check moves every single input number a little up and down and measures how y changes.

# %%
def norm_and_modulate_forward(x, shift, scale):
    xhat, norm_cache = layers.layernorm_forward(x)          # B, T, D
    y, modulate_cache = layers.modulate_forward(xhat, shift, scale)  # B, T, D
    return y, (norm_cache, modulate_cache)


def norm_and_modulate_backward(dy, cache):
    norm_cache, modulate_cache = cache
    dxhat, dshift, dscale = layers.modulate_backward(dy, modulate_cache)
    return layers.layernorm_backward(dxhat, norm_cache), dshift, dscale


rng = np.random.default_rng(7)
x = rng.normal(size=(2, 4, 3))
shift, scale = rng.normal(size=(2, 2, 3))
worst = check_gradients(
    norm_and_modulate_forward, norm_and_modulate_backward, x, shift, scale
)
print(f"ours, against slopes measured one by one: largest relative error {worst:.0e}")
y, _ = norm_and_modulate_forward(x, shift, scale)
expected, _ = layers.layernorm_modulate_forward(x, shift, scale)
print("the same as minidit's pair:", np.array_equal(y, expected))

# %% [markdown]
# ## In the real model
#
# We render a clip, encode it, mix in noise so that t = 0.3, and send it through the trained network twice: once with
# the right prompt and once with a wrong one. In each block we look at the tokens before the norm, after it, and after
# scale and shift.

# %%
studio = load()
model, dit = studio.model, studio.model.dit
prompts = [
    "a red circle moves right in the day sky",
    "a blue square moves left in the night sky",
]
T_NOW = 0.3

rng = np.random.default_rng(7)
clip = render(Attributes("red", "circle", "right", "day"), rng)
latent = model.codec.encode(clip[None])
noised = RectifiedFlow().noised(
    latent, rng.standard_normal(latent.shape, dtype=np.float32), T_NOW
)
embedding = dit.embed(model.tokenizer.encode(prompts))      # 2, D
times = np.full(2, 1000 * T_NOW, np.float32)                # 2
c, _ = dit.condition_forward(times, embedding)              # 2, D
inputs = dit.block_inputs(noised.shape, embedding)  # where the tokens are (lesson 8)


def at_every_block(c):
    """Tokens (2, T, D) before each attention: as they are, normed, modulated."""
    h = np.repeat(dit.tokens_forward(noised, times[:1])[0], 2, axis=0)  # 2, T, D
    found = []
    for p in dit.block_params:
        w, b = p["adaLN_modulation.1.weight"], p["adaLN_modulation.1.bias"]
        modulation, _ = layers.linear_forward(c, w, b)      # 2, 6D
        # 2, D: those of the attention
        shift, scale = np.split(modulation, 6, axis=-1)[:2]
        xhat, _ = layers.layernorm_forward(h)
        y, _ = layers.modulate_forward(xhat, shift, scale)
        found.append((h, xhat, y))
        h, _ = dit_block_forward(h, c, p, dit.settings, inputs, training=False)
    return found


found = at_every_block(c)
before, normed, modulated = found[0]
print("tokens at block 0:", before.shape)
print("the same for both prompts:", np.array_equal(before[0], before[1]))

# %% [markdown]
# At block 0 the tokens can't know the prompt: they are the noised clip. The pictures show its 16 tokens as rows, and as
# columns the 32 channels in which the two prompts differ most. Scale and shift make the difference.

# %%
channels = np.sort(np.argsort(np.abs(modulated[0] - modulated[1]).mean(axis=0))[-32:])
draw.heatmaps(
    {
        "before": before[0][:, channels],
        "after the norm": normed[0][:, channels],
        "modulated: red circle": modulated[0][:, channels],
        "modulated: blue square": modulated[1][:, channels],
    },
    columns=2, shared=False, diverging=True,
    xlabel=f"channel, 32 of {dit.settings.width}", ylabel="token",
    alt="After scale and shift most channels are pale; columns that one prompt "
    "keeps, the other fades.",
)

# %% [markdown]
# In the two lower pictures, a column is treated alike in every row: one scale serves all the tokens. That is why every
# token contributes to dscale.
#
# Tokens grow from block to block, because every block adds something to them. Here is their size (the standard
# deviation over the channels) at the entrance of each block, after the norm, and after scale and shift, where the
# attention gets them.

# %%
sizes = {
    name: [float(parts[i][0].std(axis=-1).mean()) for parts in found]
    for i, name in enumerate(
        ("before the norm", "after the norm", "after scale and shift")
    )
}
draw.curves(
    range(len(found)), sizes, xlabel="block", ylabel="size of a token", logy=True,
    points=True,
)
for name, values in sizes.items():
    print(name.ljust(22), *(f"{value:7.2f}" for value in values))

# %% [markdown]
# Do scale and shift matter? From the same noised clip the trained network guesses four times: as trained, with the
# other prompt, with all scales and shifts in its blocks set to zero, and with scale in place of 1 + scale.

# %%
SHIFTS, SCALES = [0, 3], [1, 4]  # of the six: attention's and MLP's
D = dit.settings.width


def meddled(p, factor, added):
    """A block with shifts and scales times `factor`, and `added` to the scales."""
    w = p["adaLN_modulation.1.weight"].reshape(D, 6, D).copy()
    b = p["adaLN_modulation.1.bias"].reshape(6, D).copy()
    w[:, SHIFTS + SCALES] *= factor
    b[SHIFTS + SCALES] *= factor
    b[SCALES] += added
    w, b = w.reshape(D, 6 * D), b.reshape(6 * D)
    return {**p, "adaLN_modulation.1.weight": w, "adaLN_modulation.1.bias": b}


def guess(c, factor=1.0, added=0.0):
    """The clip that the network guesses from the noised one."""
    h, _ = dit.tokens_forward(noised, times[:1])
    for p in dit.block_params:
        p = meddled(p, factor, added)
        h, _ = dit_block_forward(h, c, p, dit.settings, inputs, training=False)
    y, _ = dit.final_layer_forward(h, c)
    return model.codec.decode(dit.latents_of(y, noised.shape))[0]


guesses = {
    "as trained": guess(c[:1]),
    "told the other prompt": guess(c[1:]),
    "scales and shifts zero": guess(c[:1], factor=0.0),
    "scale, not 1 + scale": guess(c[:1], added=-1.0),
}
draw.clips(
    {"the clip": clip, "its noised latents, decoded": model.codec.decode(noised)[0]}
    | guesses,
    alt="A red circle, noise, and four guesses: the circle; by the other prompt a "
    "red square; otherwise blurred spots.",
)
for name, guessed in guesses.items():
    print(f"{name.ljust(24)} mean squared error {np.mean((guessed - clip) ** 2):.4f}")

# %% [markdown]
# With the other prompt, the network paints a square, though the latents hold a circle. Scale and shift have that much
# power. Colour and sky it takes from the latents: at t = 0.3 these can be seen already, even by you. (The other prompt
# also changes the gates, which lesson 9 is about. In the last two rows only scales and shifts were changed.)

# %% [markdown]
# **Try it.** Make all scales and shifts of the network weaker or stronger: 0 leaves only the norm, 1 is the network as
# it was trained.

# %%
move.strength(studio, clip)

# %% [markdown]
# ## What the worksheet left out
#
# - **The norm.** The worksheet scales the latents as they are. In the figure above, tokens grow many times over from
#   the first block to the last. Without a norm, every block would have to know how large its input happens to be.
# - **The `1 +`.** The worksheet's scale of 2 corresponds to a scale of 1 here: both double.

# %% [markdown]
# - **The residual connection.** The worksheet replaces x by what comes out. In a DiT x itself passes on unchanged, and
#   what is made of it on a *branch* (norm, scale and shift, attention) is added.
# - **A gate.** Scale and shift come at the start of a branch. At its end, a DiT multiplies by a gate.
# - **How often.** The worksheet does it once. Here it happens twice in each of six blocks and once more at the end,
#   each time for 192 channels and with its own scale and shift.

# %% [markdown]
# And one thing is the same: all tokens are treated alike. If one token should do something that another shouldn't,
# attention has to find that out.

# %% [markdown]
# ## Recap
#
# - A layer norm brings each token to mean 0 and variance 1; its gradient comes back three ways.
# - One scale and one shift per channel serve every token of a sample, so their gradients are sums over the tokens.
# - `1 + scale` makes zero mean *leave it alone*.
#
# Next: the tokens begin to look at each other, in [lesson 8](08_self_attention.ipynb).
