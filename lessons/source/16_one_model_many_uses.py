# %% [markdown]
# # Lesson 16 · Going further: one model, many uses
#
# A picture that begins to move, a clip that goes on, a hole that is filled: one network does them all, because each
# latent has a time of its own. You write what it takes: the canvas, a loss on what is to be made, a step that keeps
# what is known.
#
# **Time**: about 75 minutes, 50 of them in exercises. **Assumed**: noise and time (lesson 4), the loss (lesson 11),
# samplers (lesson 12).

# %%
import numpy as np

from minidit import load
from minidit.course import check, draw
from minidit.course.stand_in import yours_or_ours
from minidit.diffusion import network_time
from minidit.diffusion.samplers import time_grid
from minidit.models.conditioning_channels import conditioning_channels
from minidit.worksheet import solve
from minidit.world import SEEN, Attributes, render, render_batch, verify

rng = np.random.default_rng(0)

# %% [markdown]
# ## By hand
#
# In lessons 4 to 12 a clip had *one* t: all of its latents were equally noisy. Now suppose that a part of the clip is
# **known**. On the worksheet, let frame 2 be known, the last two patches. Frame 1 is to be made: what came before?
#
# We simply put both into one array, a **canvas**. Given patches are clean. The others are noised as in step 4.

# %%
sheet = solve()
draw.matrices(
    ("latent", sheet.latent), ("noised", sheet.noised),
    alt="The worksheet's latent: 2 0 0 2 above 4 4 5 5. The noised one: 1 1 0 1 above 3 5 4 4.",
)  # fmt: skip

# %% [markdown]
# ### 16.1 A canvas  ·  ●○○  ·  3 minutes
# Type in the canvas (2 × 4), with frame 2 known.
#
# <details><summary>Two columns are off</summary>A column is a patch. Columns 0 and 1 are frame 1, columns 2 and 3 are
# frame 2.</details>
# <details><summary>It says that there is noise where none belongs</summary>What is known goes in as it is.</details>

# %% exercise="worksheet_canvas"
### BEGIN SOLUTION
canvas = [
    [1, 1, 0, 2],
    [3, 5, 5, 5],
]
### END SOLUTION

check.worksheet_canvas(canvas)

# %% [markdown]
# The network looks at the canvas and predicts, here the noise of every patch. But nobody asked about frame 2: there is
# no noise in it to be found. So the loss counts what is to be made, and nothing else.
#
# Say that the prediction is that of step 10. Then the errors, predicted − actual, are those of step 11:

# %%
draw.matrices(
    ("predicted − actual", sheet.predicted - sheet.noise),
    alt="The errors of all four patches: −1 1 0 1 above −2 0 0 0.",
)  # fmt: skip

# %% [markdown]
# ### 16.2 What counts  ·  ●○○  ·  3 minutes
# What is the *mean squared* error of what is to be made? Type one number. (A plain mean, without the worksheet's half.)
#
# <details><summary>It is half of what it should be</summary>Four numbers are asked for. Divide by 4, not by
# 8.</details>
# <details><summary>It is a little too large or too small</summary>Which columns belong to frame 1? Are their errors
# squared?</details>

# %% exercise="worksheet_counted_loss"
### BEGIN SOLUTION
counted_loss = 1.5
### END SOLUTION

check.worksheet_counted_loss(counted_loss)

# %% [markdown]
# ## In NumPy
#
# Latents are (B, F, H, W, C) from here on: clips, frames, rows, columns, channels. `known` (B, F, H, W) is True where
# a latent is known. A clip still has its t, which is the time of all that is to be made. What is known is clean: its
# time is 1, whatever t is.

# %% [markdown]
# ### 16.3 A time for each latent  ·  ●○○  ·  5 minutes
# `t` is (B,), between 0 and 1. Return the time of each latent, (B, F, H, W).
#
# <details><summary>Broadcasting fails, or fits by chance</summary>t belongs to the first axis, and shapes are matched
# from the last. Give it axes of length 1 behind.</details>
# <details><summary>Shapes pass, numbers don't</summary>Here t = 1 is clean. In many papers it is 0.</details>

# %% exercise="per_latent_time"
def per_latent_time(t, known):
    ### BEGIN SOLUTION
    return np.where(known, 1.0, t[:, None, None, None])           # B, F, H, W
    ### END SOLUTION


check.per_latent_time(per_latent_time)

# %% [markdown]
# With τ for the time of a latent, the canvas is lesson 4's mixture once more:
#
# $$\text{canvas} = \tau \cdot \text{data} + (1 - \tau) \cdot \text{noise}$$
#
# Where τ = 1 it is the data, exactly. So no case has to be told from another: *known* is only a special time.

# %% [markdown]
# ### 16.4 The canvas  ·  ●●○  ·  8 minutes
# Return the canvas (B, F, H, W, C), and the cache `(own_time,)`, where `own_time` is τ with one more axis at its end:
# (B, F, H, W, 1).
#
# <details><summary>Shapes don't meet</summary>All C channels of a latent have one time: that is what the axis of length
# 1 is for.</details>
# <details><summary>The canvas passes, the cache doesn't</summary>It holds the times, not the mask, in a tuple of
# one.</details>
# <details><summary>What is known comes out wrong</summary>Try known = True everywhere. The canvas has to be the
# data.</details>

# %% exercise="noised_canvas_forward"
def noised_canvas_forward(data, noise, t, known):
    ### BEGIN SOLUTION
    own_time = np.where(known, 1.0, t[:, None, None, None])[..., None]  # B, F, H, W, 1
    return own_time * data + (1 - own_time) * noise, (own_time,)
    ### END SOLUTION


check.noised_canvas_forward(noised_canvas_forward)

# %% [markdown]
# Now the loss. What is known can be copied from the input to the output, which teaches nothing. So each clip has the
# mean over what *counts* in it, all latents that are to be made. The loss is the mean of the clips' means. With
# $m$ = 1 where a latent counts and 0 elsewhere, and $\text{share}_b$, the share of clip $b$'s latents that count:
#
# $$L = \frac1N \sum \frac{m}{\text{share}_b} \cdot (\text{prediction} - \text{target})^2
# \qquad N = \text{all numbers, of all clips}$$
#
# Where a tenth of a clip counts, each of its errors counts ten times.

# %% [markdown]
# ### 16.5 The loss on what is to be made  ·  ●●○  ·  9 minutes
# `prediction` and `target` are (B, F, H, W, C), `counted` is (B, F, H, W), True where it counts. Return the loss, and
# the cache `(weighted,)` with `weighted` = m / share · (prediction − target), as large as the prediction.
#
# <details><summary>With the hand numbers it is too small</summary>In the first clip one latent of two counts. What is
# its mean divided by?</details>
# <details><summary>By hand it passes, at random it doesn't</summary>Is the share that of each clip, or of the whole
# batch?</details>
# <details><summary>It is off by the number of channels</summary>A share is a number between 0 and 1: how many of all
# latents count. Channels don't come into it.</details>

# %% exercise="counted_loss_forward"
def counted_loss_forward(prediction, target, counted):
    ### BEGIN SOLUTION
    share = counted.mean(axis=(1, 2, 3))                          # B
    weight = counted / share[:, None, None, None]                 # B, F, H, W
    error = prediction - target                                   # B, F, H, W, C
    weighted = weight[..., None] * error                          # B, F, H, W, C
    return (weighted * error).mean(), (weighted,)
    ### END SOLUTION


check.counted_loss_forward(counted_loss_forward)

# %% [markdown]
# **Making.** A sampler begins with noise and follows the velocity (lesson 12). On a canvas, two things are new. The
# network has to *see* what is known, clean, at every step: else it makes a clip that doesn't fit. And what is known
# must come out as it went in, wherever the step would have moved it.

# %% [markdown]
# ### 16.6 A step that keeps what is known  ·  ●●○  ·  8 minutes
# `x` and `known_latents` are (B, F, H, W, C), `known` is (B, F, H, W). `velocity(x, t)` asks the network. Make one
# Euler step from t to s, and return x at s.
#
# <details><summary>It says that the network didn't see what is known</summary>x may still be noise where a latent is
# known. Put `known_latents` there before you ask.</details>
# <details><summary>It says that what is known was moved</summary>The step moves all of x. Put `known_latents` back once
# more.</details>

# %% exercise="completing_step"
def completing_step(x, t, s, velocity, known_latents, known):
    ### BEGIN SOLUTION
    x = np.where(known[..., None], known_latents, x)              # B, F, H, W, C
    x = x + (s - t) * velocity(x, t)
    return np.where(known[..., None], known_latents, x)
    ### END SOLUTION


check.completing_step(completing_step)

# %% [markdown]
# **Clips of several lengths.** For training, a batch has to be one array. So short clips are *padded* at their ends up
# to the length of the longest. Attention must not look at padding: lesson 9's mask takes those keys out. A token spans
# several frames (8 in the shipped model). It exists if at least one of its frames does.

# %% [markdown]
# ### 16.7 Which tokens exist  ·  ●○○  ·  5 minutes
# `frames` (B,) says how many frames each clip has, `tokens` how many tokens the array has along time, `patch_frames`
# how many frames a token spans. Return (B, tokens), True where a token exists.
#
# <details><summary>A clip of 8 frames has a token too many</summary>With 4 frames a token, frames 0 to 7 fill tokens 0
# and 1. With which frame would token 2 begin?</details>
# <details><summary>A clip of 3 frames has none</summary>It fills a part of its first token, which
# exists.</details>

# %% exercise="token_exists"
def token_exists(frames, tokens, patch_frames):
    ### BEGIN SOLUTION
    begins = np.arange(tokens) * patch_frames                     # T    the first frame of each token
    return begins[None, :] < frames[:, None]                      # B, T
    ### END SOLUTION


check.token_exists(token_exists)

# %% [markdown]
# ## Backward
#
# From the loss down to the canvas. First the loss: the sum runs over all $N$ numbers, and a square has twice its error
# as its slope,
#
# $$d\,\text{prediction} = dL \cdot \frac{2}{N} \cdot \frac{m}{\text{share}_b} \cdot (\text{prediction} -
# \text{target})$$
#
# Where nothing counts, $m = 0$, and no gradient begins. (But gradients still *pass* by the known latents: through
# attention, what is made listens to what is known, and learns how to.)

# %% [markdown]
# ### 16.8 Back through the loss  ·  ●○○  ·  4 minutes
# The cache is yours of 16.5. Return `dprediction`.
#
# <details><summary>It is too large by a factor</summary>The share is in the cache already. What is left of the formula?
# N counts all numbers, those that don't count too.</details>
# <details><summary>It doesn't depend on dloss</summary>The chain begins with what comes from behind.</details>

# %% exercise="counted_loss_backward"
def counted_loss_backward(dloss, cache):
    (weighted,) = cache                                           # B, F, H, W, C
    ### BEGIN SOLUTION
    return dloss * 2 / weighted.size * weighted                   # B, F, H, W, C
    ### END SOLUTION


check.counted_loss_backward(counted_loss_backward)

# %% [markdown]
# ### 16.9 Back through the canvas  ·  ●○○  ·  5 minutes
# Data and noise each went in with a factor. Return `ddata` and `dnoise`. What can the noise of a *known* latent change?
#
# <details><summary>ddata is off where latents are known</summary>There the canvas is the data: a small change of one is
# a small change of the other.</details>
# <details><summary>dnoise isn't zero where it should be</summary>1 − τ, with τ = 1, is the share of noise in a known
# latent.</details>

# %% exercise="noised_canvas_backward"
def noised_canvas_backward(dcanvas, cache):
    (own_time,) = cache                                           # B, F, H, W, 1
    ### BEGIN SOLUTION
    return own_time * dcanvas, (1 - own_time) * dcanvas           # B, F, H, W, C each
    ### END SOLUTION


check.noised_canvas_backward(noised_canvas_backward)

# %% [markdown]
# ## In the real model
#
# **What the network is told.** A clean latent looks much like a noised one with little noise. So the shipped network
# gets six more channels with each latent, the **conditioning channels**: its own time, whether it is known, whether it
# exists at all (padding doesn't), and its place in the clip: frame, row and column, from −1 to 1. They enter at the
# patch embedding, beside the 24 channels of the latent.

# %%
studio = load()
model = studio.model
weight = model.dit.params["x_embedder.proj.weight"]
patch = model.settings.dit.patch
print(f"a token spans {patch} latents, which makes {weight.shape[0]} numbers: {np.prod(patch)} × (24 + 6)")

known = np.zeros((1, 8, 4, 4), bool)
known[:, 0] = True                                               # the first frame is known
channels = conditioning_channels((1, 8, 4, 4, 24), np.array([0.3]), known, None, np.float32, np)[0]  # 8, 4, 4, 6
draw.heatmaps(
    {
        "own time": channels[..., 0].reshape(8, 16), "known": channels[..., 1].reshape(8, 16),
        "frame": channels[..., 3].reshape(8, 16), "column": channels[..., 5].reshape(8, 16),
    },
    columns=4, shared=False, xlabel="place", ylabel="frame",
    alt="Four of six conditioning channels at t = 0.3 with the first frame known, a row for each frame. Own time is "
    "1 in the first row and 0.3 below; known is 1 in the first row and 0 below; frame rises from top to bottom; column "
    "rises from left to right four times, once for each row of latents.",
)  # fmt: skip

# %% [markdown]
# **Your step, in the real model.** A clip of the toy world, of which we keep the upper half of the picture and the
# first frame. Everything else starts as noise, and 20 of your steps make it:

# %%
attributes = Attributes("red", "circle", "right", "day")
clip = render(attributes, np.random.default_rng(5))              # 8, 32, 32, 3
known_latents = model.codec.encode(clip[None])                   # 1, 8, 4, 4, 24
known = np.zeros((1, 8, 4, 4), bool)
known[:, :, :2] = known[:, 0] = True
step = yours_or_ours(completing_step)


def shown(clip, known):
    """A clip in which all that is not known is grey."""
    return np.where(known.repeat(8, axis=1).repeat(8, axis=2)[..., None], clip, 0.5)


def completed(known_latents, known, prompt, seed=0):
    """Latents of which all that isn't known is made."""
    embedding = model.dit.embed(model.tokenizer.encode([prompt]))

    def velocity(x, t):
        times = np.full(len(x), network_time(t), np.float32)
        data = model.dit.predict(x, times, embedding, known)
        return (data - x) / max(1 - t, 0.05)

    x = np.random.default_rng(seed).standard_normal(known_latents.shape, dtype=np.float32)
    times = time_grid(20, shift=3.0)
    for t, s in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        x = step(x, t, s, velocity, known_latents, known)
    return x


prompt = "a red circle moves right in the day sky"
made = model.codec.decode(completed(known_latents, known, prompt))[0]    # 8, 32, 32, 3
draw.clips(
    {"the clip": clip, "what is known": shown(clip, known[0]), "completed by your steps": made},
    alt="Three rows of eight frames. Above the clip, a red circle that moves right in a day sky. In the middle the "
    "same, grey in the lower half of all frames but the first. Below, the clip with the lower half made by the model.",
)
print("the verifier reads:", *verify(made).attributes)

# %% [markdown]
# Only the canvas decides what the network does. Four uses, by what is known of a clip's frames and places:
#
# | use | known |
# |---|---|
# | make a clip, or a picture | nothing |
# | `animate` a picture | the first frame |
# | `extend` a clip | its frames; those before or after are to be made |
# | `inpaint` | all but a hole |
#
# minidit's `Studio` has a method for each. It also takes care of sizes, of prompts and of clips longer than a canvas.
# (Try other seeds and prompts. Not every picture goes on smoothly: where a square fills the sky, it can't move up.)

# %%
picture = studio.image("a yellow ring in the sunset sky", seed=1)[0]  # 32, 32, 3
moving = studio.animate(picture, "a yellow ring moves left in the sunset sky", seed=1)  # 8, 32, 32, 3
draw.clips(
    {"a picture": picture, "animated": moving},
    alt="Above one frame, made from a prompt without a motion: a yellow ring in a sunset sky. Below eight frames that "
    "begin with it: the ring moves left.",
)
print("the first frame is the picture:", np.array_equal(moving[0], picture), "  read:", *verify(moving).attributes)

# %%
start = clip[:4]                                                 # 4, 32, 32, 3
longer = studio.extend(start, prompt, forward=4, backward=2)     # 10, 32, 32, 3
draw.animation(
    {"4 frames known": start, "2 before and 4 after": longer},
    alt="Two clips side by side, playing. Left four frames of a red circle that moves right, right ten frames, of "
    "which the model made two before and four after them.",
)
print(longer.shape[0], "frames; those that were known are among them:", np.array_equal(longer[2:6], start))

# %%
hole = np.zeros((32, 32), bool)
hole[8:24, 8:24] = True                                          # 2 × 2 latents, in all frames
filled = studio.inpaint(clip, hole, "a green ring moves right in the day sky")
cells = ~hole.reshape(4, 8, 4, 8).any(axis=(1, 3))               # 4, 4
draw.clips(
    {"with a hole": shown(clip, np.broadcast_to(cells, (8, 4, 4))), "filled, asked for a green ring": filled},
    alt="Above, a clip of a red circle with a grey square in its middle. Below, the square is filled "
    "with a green ring, cut off at its edges; around it, what was known of the red circle is as it was.",
)

# %% [markdown]
# The last prompt contradicts what is known. Look at the seams: what is known stays as it is, and what is made has to
# fit to it *and* to the prompt.
#
# **How much does it help to see what is known?** Here is the squared error of the predicted data, on what is to be
# made alone, of 64 clips without a prompt. Half of their frames are known, or nothing is. And a third way: the frames
# are known, but the network isn't told; its conditioning channels say that all is at t.

# %%
COUNT = 64
chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=COUNT)]
latents = model.codec.encode(render_batch(chosen, rng))          # N, 8, 4, 4, 24
noise = rng.standard_normal(latents.shape, dtype=np.float32)
nothing, half = np.zeros((2, COUNT, 8, 4, 4), bool)
half[:, :4] = True                                               # the first four frames
no_prompt = model.dit.embed(model.tokenizer.encode([""] * COUNT))
canvas_forward, loss_forward = yours_or_ours(noised_canvas_forward), yours_or_ours(counted_loss_forward)


def predicted(time, known, told):
    """The data that the network predicts (N, 8, 4, 4, 24) at this time."""
    t = np.full(COUNT, time, np.float32)
    canvas, _ = canvas_forward(latents, noise, t, known)
    return model.dit.predict(canvas.astype(np.float32), network_time(t), no_prompt, told)


times = [0.02, 0.1, 0.2, 0.3, 0.5, 0.7]
ways = {"nothing known": (nothing, None), "known, not told": (half, None), "known and told": (half, half)}
errors = {
    name: [float(loss_forward(predicted(time, *way), latents, ~half)[0]) for time in times]
    for name, way in ways.items()
}
draw.curves(
    times, errors, points=True, xlabel="t of what is to be made", ylabel="squared error",
    alt=f"Three falling curves. With nothing known the error is {errors['nothing known'][0]:.2f} at t = 0.02, with "
    f"four frames known {errors['known and told'][0]:.2f}; from t = 0.5 on these two meet. Known, but not told, it "
    f"begins at {errors['known, not told'][0]:.2f}, and ends above both.",
)  # fmt: skip
for name, values in errors.items():
    print(f"{name:16}", *(f"{value:6.3f}" for value in values))

# %% [markdown]
# What is known helps where there is much noise: there it decides what the clip will be. Later the noised latents say
# as much themselves.
#
# Being *told* takes another two fifths off the error up to t = 0.2, and a little less at 0.3. Untold, the network does
# notice that some latents are clean, and at t = 0.02 that is enough for most of the gain. But at t = 0.2 the known
# frames are of little use to it, and from t = 0.3 on it does worse than with nothing known: its
# conditioning channels say that they are noised. (It was trained with true ones. A network trained without any is
# another matter.)

# %% [markdown]
# **Why put back what is known?** Your loss once more at t = 0.5, on what is to be made and on what is known:

# %%
data = predicted(0.5, half, half)
for name, counted in (("what is to be made", ~half), ("what is known", half)):
    loss, _ = loss_forward(data, latents, counted)
    print(f"squared error of {name:19} {loss:.4f}")

# %% [markdown]
# The network *sees* the known latents, clean, and yet it doesn't return them. Why should it? Nobody ever asked: the
# loss counted none of it. (And where all is asked for, it comes no nearer than 0.04, however little noise there is:
# lesson 11.) So a sampler has to put them back.

# %% [markdown]
# ## What the worksheet left out
#
# - **All of this.** The worksheet has one t for its whole video, and one size.
# - **A time for each *token*.** A token of the shipped model spans 8 frames, some of them known and others not. So the
#   times enter as channels, before the latents become tokens. Where a token is a single frame, each could have its
#   own scale and shift instead (lesson 7, with a row for every token).
# - **Where tokens meet.** What is made in a token that also holds known frames fits to them better than what
#   fills a token of its own. So `extend` and `connect` lay their canvases such that tokens are shared
#   ([joining.py](../../minidit/generation/joining.py)).

# %% [markdown]
# - **Many masks.** In training about half of the canvases have nothing known. The others have first or last frames,
#   both ends, or places. A network learns the uses that it meets.
# - **Prompts left away.** When a part is known, the prompt is left away more often, so that the network learns to look
#   at the canvas.
# - **Weights by t.** Lesson 11's weight multiplies the error of each clip here too.

# %% [markdown]
# - **Sizes.** Clips of many lengths and shapes are trained together, padded, with a mask such as 16.7's. Relative
#   places let the network work on sizes that it has never seen.
# - **Frames beyond the canvas.** `extend` makes long clips piece by piece, each from the last frames of the one before.
#   Errors add up.

# %% [markdown]
# ## Recap
#
# - A time for each latent makes *known* a special case of *noised*: its time is 1.
# - The loss counts what is to be made, clip by clip; a known latent's noise gets no gradient.
# - A sampler puts in what is known before it asks, and back after it moved.
#
# Next: [lesson 17](17_scaling.ipynb), what all of this costs, and what more of it would buy.
