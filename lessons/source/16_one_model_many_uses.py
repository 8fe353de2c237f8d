# %% [markdown]
# # Lesson 16 · Going further: one model, many uses
#
# A picture that begins to move, a clip that continues, a hole that is filled: one network can do all of these, because
# each latent has its own time. You write what it takes: the canvas, a loss on the unknown latents, and a sampling step
# that keeps the known ones.
#
# **Time**: about 75 minutes, 50 of them in exercises. **Assumed**: noise and time ([lesson 4](04_add_noise.ipynb)), the
# loss ([lesson 11](11_training.ipynb)), samplers ([lesson 12](12_denoise.ipynb)).

# %%
import numpy as np

from minidit import load
from minidit.course import check, draw, move
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
# In lessons 4 to 12 a clip had *one* t: all of its latents were equally noisy. Now suppose that we already **know** a
# part of the clip. On the worksheet, let frame 2 be known: the last two patches. Frame 1 is unknown: what came before?
#
# We simply put both into one array, a **canvas**. Known patches are clean. The others are noised as in step 4.

# %%
sheet = solve()
draw.matrices(("latent", sheet.latent), ("noised", sheet.noised))

# %% [markdown]
# ### 16.1 A canvas  ·  ●○○  ·  3 minutes
# Type in the canvas (2 × 4), with frame 2 known.
#
# <details><summary>Two columns are off</summary>A column is a patch. Columns 0 and 1 are frame 1, columns 2 and 3 are
# frame 2.</details>
# <details><summary>It says that there is noise where none belongs</summary>Known patches go in as they are.</details>

# %% exercise="worksheet_canvas"
### BEGIN SOLUTION
canvas = [
    [1, 1, 0, 2],
    [3, 5, 5, 5],
]
### END SOLUTION

check.worksheet_canvas(canvas)

# %% [markdown]
# The network looks at the canvas and predicts: here, the noise of every patch. But frame 2 has no noise in it to find.
# So the loss counts the unknown patches, and nothing else.
#
# Suppose the prediction is the one from step 10. Then the errors, predicted − actual, are those of step 11:

# %%
draw.matrices(("predicted − actual", sheet.predicted - sheet.noise))

# %% [markdown]
# ### 16.2 What counts  ·  ●○○  ·  3 minutes
# What is the *mean squared* error of frame 1, the unknown one? Type one number. (A plain mean, without the worksheet's
# half.)
#
# <details><summary>It is half of what it should be</summary>Frame 1 has four numbers. Divide by 4, not by 8.</details>
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
# Latents are (B, F, H, W, C) from here on: clips, frames, rows, columns, channels. `known` (B, F, H, W) is True where a
# latent is known. A clip still has its t, which is the time of all its unknown latents. Known latents are clean: their
# time is 1, whatever t is.

# %% [markdown]
# ### 16.3 A time for each latent  ·  ●○○  ·  5 minutes
# `t` is (B,), between 0 and 1. `known` is (B, F, H, W), True where a latent is known. Return the time of each latent,
# (B, F, H, W).
#
# <details><summary>Broadcasting fails, or fits by chance</summary>t belongs to the first axis, and NumPy matches shapes
# from the last. Add axes of length 1 at the end of t.</details>
# <details><summary>Shapes pass, numbers don't</summary>Here t = 1 is clean. In many papers it is 0.</details>

# %% exercise="per_latent_time"
def per_latent_time(t, known):
    ### BEGIN SOLUTION
    return np.where(known, 1.0, t[:, None, None, None])           # B, F, H, W
    ### END SOLUTION


check.per_latent_time(per_latent_time)

# %% [markdown]
# Write τ for the time of a latent. Then the canvas is lesson 4's mixture once more:
#
# $$\text{canvas} = \tau \cdot \text{data} + (1 - \tau) \cdot \text{noise}$$
#
# Where τ = 1 it is exactly the data. So we need no special case: *known* is just one particular time.

# %% [markdown]
# ### 16.4 The canvas  ·  ●●○  ·  8 minutes
# `data` and `noise` are (B, F, H, W, C), `t` and `known` as in 16.3. Return the canvas (B, F, H, W, C), and the cache
# `(own_time,)`, where `own_time` is τ with one more axis at its end: (B, F, H, W, 1).
#
# <details><summary>Shapes don't meet</summary>All C channels of a latent have one time: that is what the axis of length
# 1 is for.</details>
# <details><summary>The canvas passes, the cache doesn't</summary>It holds the times, not the mask, in a tuple of
# one.</details>
# <details><summary>Known latents come out wrong</summary>Try known = True everywhere. The canvas has to be the
# data.</details>

# %% exercise="noised_canvas_forward"
def noised_canvas_forward(data, noise, t, known):
    ### BEGIN SOLUTION
    own_time = np.where(known, 1.0, t[:, None, None, None])[..., None]  # B, F, H, W, 1
    return own_time * data + (1 - own_time) * noise, (own_time,)
    ### END SOLUTION


check.noised_canvas_forward(noised_canvas_forward)

# %% [markdown]
# Now the loss. A known latent can be copied from the input to the output, which teaches nothing. So for each clip we
# average over the latents that *count*, the unknown ones. The loss is the mean of these averages. Let $m$ be 1 where a
# latent counts and 0 elsewhere, and let $\text{share}_b$ be the share of clip $b$'s latents that count:
#
# $$L = \frac1N \sum \frac{m}{\text{share}_b} \cdot (\text{prediction} - \text{target})^2
# \qquad N = \text{all numbers, of all clips}$$
#
# If only a tenth of a clip counts, each of its errors counts ten times.

# %% [markdown]
# ### 16.5 The loss on the unknown latents  ·  ●●○  ·  9 minutes
# `prediction` and `target` are (B, F, H, W, C), `counted` is (B, F, H, W), True where it counts. Return the loss, and
# the cache `(weighted,)` with `weighted` = m / share · (prediction − target), as large as the prediction.
#
# <details><summary>With the hand numbers it is too small</summary>In the first clip one latent of two counts. By what
# do you divide to get its mean?</details>
# <details><summary>Hand numbers pass, random ones don't</summary>Is your share the share in each clip, or in the whole
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
# **Sampling.** A sampler begins with noise and follows the velocity (lesson 12). On a canvas, two things are new. At
# every step the network has to *see* the known latents clean; otherwise it makes a clip that doesn't fit them. And the
# known latents must come out as they went in, wherever the step would have moved them.

# %% [markdown]
# ### 16.6 A step that keeps the known latents  ·  ●●○  ·  8 minutes
# `x` and `known_latents` are (B, F, H, W, C), `known` is (B, F, H, W). `t` and `s` are numbers, and `velocity(x, t)`
# asks the network. Make one Euler step from t to s, and return x at s.
#
# <details><summary>It says that the network didn't see the known latents</summary>x may still be noise where a latent
# is known. Put <code>known_latents</code> there before you ask.</details>
# <details><summary>It says that the step moved the known latents</summary>The step moves all of x. Put
# <code>known_latents</code> back afterwards.</details>

# %% exercise="completing_step"
def completing_step(x, t, s, velocity, known_latents, known):
    ### BEGIN SOLUTION
    x = np.where(known[..., None], known_latents, x)              # B, F, H, W, C
    x = x + (s - t) * velocity(x, t)
    return np.where(known[..., None], known_latents, x)
    ### END SOLUTION


check.completing_step(completing_step)

# %% [markdown]
# **Clips of several lengths.** A training batch has to be one array. So short clips are *padded* at their ends to the
# length of the longest. Attention must not look at padding: lesson 9's mask removes those keys. A token spans several
# frames (8 in the shipped model). It exists if at least one of its frames does.

# %% [markdown]
# ### 16.7 Which tokens exist  ·  ●○○  ·  5 minutes
# `frames` (B,) says how many frames each clip has, `tokens` how many tokens the array has along time, and
# `patch_frames` how many frames a token spans. Return an array (B, tokens), True where a token exists.
#
# <details><summary>A clip of 8 frames has a token too many</summary>With 4 frames a token, frames 0 to 7 fill tokens 0
# and 1. With which frame would token 2 begin?</details>
# <details><summary>A clip of 3 frames has no token</summary>It fills a part of its first token, so that token
# exists.</details>

# %% exercise="token_exists"
def token_exists(frames, tokens, patch_frames):
    ### BEGIN SOLUTION
    begins = np.arange(tokens) * patch_frames  # T    the first frame of each token
    return begins[None, :] < frames[:, None]                      # B, T
    ### END SOLUTION


check.token_exists(token_exists)

# %% [markdown]
# ## Backward
#
# From the loss down to the canvas. First the loss. The sum runs over all $N$ numbers, and the slope of a squared error
# is twice the error:
#
# $$d\,\text{prediction} = dL \cdot \frac{2}{N} \cdot \frac{m}{\text{share}_b} \cdot (\text{prediction} -
# \text{target})$$
#
# Where a latent doesn't count, $m = 0$, and no gradient starts there. (But gradients still *pass through* the known
# latents: by attention, the unknown ones listen to them, and learn how to.)

# %% [markdown]
# ### 16.8 Back through the loss  ·  ●○○  ·  4 minutes
# The cache is yours of 16.5; `dloss` is one number. Return `dprediction`, as large as the prediction.
#
# <details><summary>It is too large by a factor</summary>The share is in the cache already. What is left of the formula?
# N counts all numbers, those that don't count too.</details>
# <details><summary>It doesn't depend on dloss</summary>The chain rule starts from the gradient that comes in.</details>

# %% exercise="counted_loss_backward"
def counted_loss_backward(dloss, cache):
    (weighted,) = cache                                           # B, F, H, W, C
    ### BEGIN SOLUTION
    return dloss * 2 / weighted.size * weighted                   # B, F, H, W, C
    ### END SOLUTION


check.counted_loss_backward(counted_loss_backward)

# %% [markdown]
# ### 16.9 Back through the canvas  ·  ●○○  ·  5 minutes
# Data and noise each went in with a factor. `dcanvas` is (B, F, H, W, C), and so are `ddata` and `dnoise`: return these
# two. What can the noise of a *known* latent change?
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
# **What the network is told.** A clean latent looks much like one with a little noise. So the shipped network
# gets six more channels with each latent, the **conditioning channels**: its own time, whether it is known, whether it
# exists at all (padding doesn't), and its place in the clip: frame, row and column, from −1 to 1. They enter at the
# patch embedding, beside the 12 channels of the latent.

# %%
studio = load()
model = studio.model
weight = model.dit.params["x_embedder.proj.weight"]
patch, C = model.settings.dit.patch, model.settings.codec.channels
print(
    f"a token spans {patch} latents, which makes {weight.shape[0]} numbers: "
    f"{np.prod(patch)} × ({C} + 6)"
)

known = np.zeros((1, 8, 4, 4), bool)
known[:, 0] = True                                               # the first frame
channels = conditioning_channels(
    (1, 8, 4, 4, C), np.array([0.3]), known, None, np.float32, np
)[0]  # 8, 4, 4, 6
draw.heatmaps(
    {
        "own time": channels[..., 0].reshape(8, 16),
        "known": channels[..., 1].reshape(8, 16),
        "frame": channels[..., 3].reshape(8, 16),
        "column": channels[..., 5].reshape(8, 16),
    },
    columns=4, shared=False, xlabel="place", ylabel="frame",
    alt="Own time is 1 in the first row and 0.3 below; known is 1 in the first row "
    "only; frame and column count up.",
)

# %% [markdown]
# **Your step, in the real model.** Take a clip of the toy world and keep only the upper half of the picture and the
# first frame. Everything else starts as noise, and 18 of your steps complete it:

# %%
attributes = Attributes("red", "circle", "right", "day")
clip = render(attributes, np.random.default_rng(5))              # 8, 32, 32, 3
known_latents = model.codec.encode(clip[None])                   # 1, 8, 4, 4, C
known = np.zeros((1, 8, 4, 4), bool)
known[:, :, :2] = known[:, 0] = True
step = yours_or_ours(completing_step)


def shown(clip, known):
    """A clip with everything unknown in grey."""
    return np.where(known.repeat(8, axis=1).repeat(8, axis=2)[..., None], clip, 0.5)


def completed(known_latents, known, prompt, seed=0):
    """The latents of a whole clip: the known ones, and the others made to fit."""
    embedding = model.dit.embed(model.tokenizer.encode([prompt]))

    def velocity(x, t):
        times = np.full(len(x), network_time(t), np.float32)
        data = model.dit.predict(x, times, embedding, known)
        return (data - x) / max(1 - t, 0.05)

    x = np.random.default_rng(seed).standard_normal(
        known_latents.shape, dtype=np.float32
    )
    times = time_grid(18, shift=3.0)
    for t, s in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        x = step(x, t, s, velocity, known_latents, known)
    return x


prompt = "a red circle moves right in the day sky"
made = model.codec.decode(completed(known_latents, known, prompt))[0]  # 8, 32, 32, 3
draw.clips(
    {
        "the clip": clip,
        "the known part": shown(clip, known[0]),
        "completed by your steps": made,
    },
    alt="A red circle moves right; the same, its lower half grey after frame 0; that "
    "half made by the model.",
)
print("the verifier reads:", *verify(made).attributes)

# %% [markdown]
# The mask alone decides what the network does. Four uses, and the part of the clip that is known in each:
#
# | use | known |
# |---|---|
# | make a clip, or a picture | nothing |
# | `animate` a picture | the first frame |
# | `extend` a clip | its frames, but not those before or after |
# | `inpaint` | all but a hole |
# | `edit` | everything, as it *was* |
#
# The last one is special. The whole clip is known, the prompt says what should change, and the network answers in one
# look. How does it know that nothing is to be kept? Training asks for edits at one time that it uses for nothing else,
# t = 0.5 (lesson 5 shows the trace of that), and all other uses keep away from it.

# %% [markdown]
# minidit's `Studio` has a method for each. It also takes care of sizes, of prompts and of clips longer than a canvas.
# (Try other seeds and prompts. Not every picture continues smoothly: a square that fills the sky can't move up.)

# %%
picture = studio.image("a yellow ring in the sunset sky", seed=1)[0]  # 32, 32, 3
# 8, 32, 32, 3
moving = studio.animate(picture, "a yellow ring moves left in the sunset sky", seed=1)
draw.clips(
    {"a picture": picture, "animated": moving},
    alt="One frame, a yellow ring; below, a clip that begins with it: the ring moves "
    "left.",
)
print(
    "the first frame is the picture:", np.array_equal(moving[0], picture), "  read:",
    *verify(moving).attributes,
)

# %%
start = clip[:4]                                                 # 4, 32, 32, 3
longer = studio.extend(start, prompt, forward=4, backward=2)     # 10, 32, 32, 3
draw.animation(
    {"4 known frames": start, "2 before and 4 after": longer},
    alt="Left, four frames of a red circle. Right, ten: the model added two before "
    "them and four after.",
)
print(
    longer.shape[0], "frames; the known ones are unchanged:",
    np.array_equal(longer[2:6], start),
)

# %%
hole = np.zeros((32, 32), bool)
hole[8:24, 8:24] = True  # 2 × 2 latents, in all frames
filled = studio.inpaint(clip, hole, "a green ring moves right in the day sky")
cells = ~hole.reshape(4, 8, 4, 8).any(axis=(1, 3))               # 4, 4
draw.clips(
    {
        "with a hole": shown(clip, np.broadcast_to(cells, (8, 4, 4))),
        "filled, asked for a green ring": filled,
    },
    alt="A red circle with a grey square; below, the square filled with a green "
    "ring, the rest unchanged.",
)

# %% [markdown]
# The last prompt contradicts the known part. Look at the seams: the known part stays as it is, and the new part has to
# fit it *and* the prompt.
#
# **How much does it help to see the known part?** Here is the squared error of the predicted data on the unknown
# latents of 64 clips, without a prompt. Either half of the frames are known, or nothing is. And there is a third way:
# half of the frames are clean, but the network isn't told. Its conditioning channels say that everything is at t.

# %%
COUNT = 64
chosen = [SEEN[i] for i in rng.integers(len(SEEN), size=COUNT)]
latents = model.codec.encode(render_batch(chosen, rng))          # N, 8, 4, 4, C
noise = rng.standard_normal(latents.shape, dtype=np.float32)
nothing, half = np.zeros((2, COUNT, 8, 4, 4), bool)
half[:, :4] = True                                               # the first four frames
no_prompt = model.dit.embed(model.tokenizer.encode([""] * COUNT))
canvas_forward = yours_or_ours(noised_canvas_forward)
loss_forward = yours_or_ours(counted_loss_forward)


def predicted(time, known, told):
    """The data that the network predicts (N, 8, 4, 4, C) at this time."""
    t = np.full(COUNT, time, np.float32)
    canvas, _ = canvas_forward(latents, noise, t, known)
    return model.dit.predict(
        canvas.astype(np.float32), network_time(t), no_prompt, told
    )


times = [0.02, 0.1, 0.2, 0.3, 0.45, 0.7]
ways = {
    "nothing known": (nothing, None),
    "known, not told": (half, None),
    "known and told": (half, half),
}
errors = {
    name: [
        float(loss_forward(predicted(time, *way), latents, ~half)[0]) for time in times
    ]
    for name, way in ways.items()
}
draw.curves(
    times, errors, points=True, xlabel="t of the unknown latents",
    ylabel="squared error",
)
for name, values in errors.items():
    print(f"{name:16}", *(f"{value:6.3f}" for value in values))

# %% [markdown]
# The known part helps where there is much noise: there it decides what the clip will be. Later the noised latents show
# that by themselves.
#
# Being *told* removes another third of the error up to t = 0.3. When it isn't told, the network still notices that some
# latents are clean, and at t = 0.02 that is enough for most of the gain. But at t = 0.2 the clean frames are of little
# use to it, and from t = 0.3 on it does worse than with nothing known: its conditioning channels say, wrongly, that
# they are noised. (It was trained with correct channels. A network trained without any would behave differently.)

# %% [markdown]
# **Why put the known latents back?** Your loss once more at t = 0.7, on the unknown latents and on the known ones:

# %%
data = predicted(0.7, half, half)
for name, counted in (("the unknown latents", ~half), ("the known latents", half)):
    loss, _ = loss_forward(data, latents, counted)
    print(f"squared error of {name:19} {loss:.4f}")

# %% [markdown]
# The network *sees* the known latents clean, and yet it doesn't return them. Why should it? The loss never counted
# them. So a sampler has to put them back.

# %% [markdown]
# **Try it.** Click to move the hole. The model fills it to fit what is around it, and the prompt.

# %%
move.hole(studio)

# %% [markdown]
# ## What the worksheet left out
#
# - **All of this.** The worksheet has one t for its whole video, and one size.
# - **A time for each *token*.** A token of the shipped model spans 8 frames, some of them known and others not. So the
#   times enter as channels, before the latents become tokens. If a token were a single frame, each token could have its
#   own scale and shift instead (lesson 7, with a row for every token).
# - **Where tokens meet.** A new frame fits the known ones better if it shares a token with them. So `extend` and
#   `connect` place their canvases so that tokens are shared ([joining.py](../../minidit/generation/joining.py)).

# %% [markdown]
# - **Many masks.** In training, about half of the canvases have nothing known. In the others, first or last frames are
#   known, or both ends, or some places, or everything, for an edit. A network learns the uses that it meets.
# - **Dropped prompts.** When a part is known, training drops the prompt more often, so that the network learns to look
#   at the canvas.
# - **Weights by t.** Lesson 11's weight multiplies the error of each clip here too.

# %% [markdown]
# - **Sizes.** The network trains on clips of many lengths and shapes together, padded, with a mask as in 16.7. Relative
#   places let it work on others, too, but less well, so that minidit refuses them
#   ([accepted.py](../../minidit/files/accepted.py)).
# - **Frames beyond the canvas.** `extend` makes long clips piece by piece, each from the last frames of the one before.
#   Errors add up.

# %% [markdown]
# ## Recap
#
# - A time for each latent makes *known* a special case of *noised*: its time is 1.
# - The loss counts the unknown latents, clip by clip; the noise of a known latent gets no gradient.
# - A sampler puts the known latents in before it asks, and back after it has moved.
#
# Next: [lesson 17](17_scaling.ipynb), what all of this costs, and what more of it would buy.
